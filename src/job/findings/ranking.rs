//! Whether the order of the top channels can be told: it should survive another model, and other customers.

use crate::config::plan::{Model, Plan};

use super::{Finding, Rows, percent};

/// So many channels are the top.
const TOP: usize = 3;

/// A channel that keeps its rank in fewer resamples could as well stand elsewhere. Not a test: see
/// [`crate::stats::rank`].
const STABLE: f64 = 0.8;

/// Warns where the order of the top channels of the primary conversion differs between the models whose credit adds
/// up, or where a channel among them keeps its rank in too few resamples; None where it survives both.
pub(super) fn fragile(plan: &Plan, rows: &Rows<'_>) -> Option<Finding> {
    let (conversion, primary) = plan.roi.primary?;
    let target = plan.conversions.get(conversion)?.name.as_str();
    let orders: Vec<(Model, Vec<Ranked<'_>>)> = plan
        .attribution
        .models
        .iter()
        .filter(|model| model.is_additive())
        .map(|model| (*model, top(rows, target, *model)))
        .filter(|(_, top)| !top.is_empty())
        .collect();
    let (_, own) = orders.iter().find(|(model, _)| *model == primary)?;
    let names = |top: &[Ranked<'_>]| top.iter().map(|ranked| ranked.channel.to_owned()).collect::<Vec<_>>();
    let others: Vec<_> = orders.iter().filter(|(_, top)| names(top) != names(own)).collect();
    let mut reasons = Vec::new();
    if let Some((model, top)) = others.first() {
        let (several, all) = (others.len(), orders.len());
        let order = names(top).join(" > ");
        reasons.push(format!(
            "{several} of {all} models give another, such as {order} under {}",
            model.as_str()
        ));
    }
    let shaky = own.iter().filter(|ranked| ranked.stability < STABLE);
    if let Some(shaky) = shaky.min_by(|one, other| one.stability.total_cmp(&other.stability)) {
        reasons.push(format!(
            "{} keeps its rank in {} of resamples",
            shaky.channel,
            percent(shaky.stability)
        ));
    }
    (!reasons.is_empty()).then(|| Finding {
        table: "stage_attribution",
        text: format!(
            "The order of the top channels of {target}, {} under {}, is not certain: {}.",
            names(own).join(" > "),
            primary.as_str(),
            reasons.join("; "),
        ),
    })
}

/// A channel among the top.
struct Ranked<'a> {
    channel: &'a str,
    stability: f64,
}

/// The first channels of a conversion under a model, in their order; those without credit are in none.
fn top<'a>(rows: &Rows<'a>, target: &str, model: Model) -> Vec<Ranked<'a>> {
    let mut ranked: Vec<(usize, Ranked<'a>)> = (0..rows.len())
        .filter(|row| {
            rows.text(*row, "target_kind") == "conversion"
                && rows.text(*row, "target") == target
                && rows.text(*row, "model") == model.as_str()
                && rows.text(*row, "level") == "channel"
                && rows.number(*row, "credit").is_some_and(|credit| credit > 0.0)
        })
        .filter_map(|row| {
            let rank = rows.number(row, "rank")? as usize;
            let stability = rows.number(row, "rank_stability")?;
            (rank <= TOP).then(|| (rank, Ranked { channel: rows.text(row, "channel"), stability }))
        })
        .collect();
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, ranked)| ranked).collect()
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;
    use crate::config::{Overrides, parse};

    const CONFIG: &str = r#"
[inputs.touchpoints]
path = "touchpoints"
[conversions.sign_up]
event = "sign_up"
[conversions.order]
event = "order"
value = "value"
[attribution]
models = ["first_touch", "last_touch", "linear"]
"#;

    /// Channels by model, the first ranked first, each with its stability; under another conversion all differ.
    fn warning(by_model: [&[(&str, f64)]; 3]) -> Option<String> {
        let plan = parse(CONFIG, "touchline.toml".as_ref(), &Overrides::default(), &|_| None).ok()?;
        let (mut target, mut model, mut channel) = (Vec::new(), Vec::new(), Vec::new());
        let (mut rank, mut stability) = (Vec::new(), Vec::new());
        for (name, order) in ["first_touch", "last_touch", "linear"].into_iter().zip(by_model) {
            for (at, (who, kept)) in order.iter().enumerate() {
                for (conversion, place) in [("order", at + 1), ("sign_up", order.len() - at)] {
                    target.push(conversion);
                    model.push(name);
                    channel.push(*who);
                    rank.push(Some(place as i64));
                    stability.push(Some(*kept));
                }
            }
            target.push("order");
            model.push(name);
            channel.push("(unattributed)");
            rank.push(None);
            stability.push(None);
        }
        let rows = target.len();
        let frame = df!(
            "target_kind" => vec!["conversion"; rows],
            "target" => target,
            "model" => model,
            "level" => vec!["channel"; rows],
            "channel" => channel,
            "credit" => vec![1.0; rows],
            "rank" => rank,
            "rank_stability" => stability,
        );
        fragile(&plan, &Rows { frame: Some(&frame.ok()?) }).map(|finding| finding.text)
    }

    #[test]
    fn an_order_that_survives_everything_is_not_spoken_of() {
        let order: &[(&str, f64)] = &[("Email", 1.0), ("Search", 0.95), ("Social", 0.8), ("Print", 0.1)];
        let other: &[(&str, f64)] = &[("Email", 0.2), ("Search", 0.2), ("Social", 0.2), ("Radio", 0.2)];
        assert_eq!(warning([other, order, order]), None, "what comes after the top, and stability elsewhere");
        assert_eq!(warning([&[], &[], &[]]), None, "no channels");
    }

    #[test]
    fn an_order_that_depends_on_the_model_or_on_the_customers_is_told_in_one_sentence() {
        let order: &[(&str, f64)] = &[("Email", 1.0), ("Search", 0.95), ("Social", 0.9)];
        let other: &[(&str, f64)] = &[("Search", 1.0), ("Email", 1.0), ("Social", 0.9)];
        let shaky: &[(&str, f64)] = &[("Email", 0.79), ("Search", 0.7), ("Social", 0.9)];
        insta::assert_snapshot!(warning([other, order, order]).unwrap_or_default(), @"The order of the top channels of order, Email > Search > Social under linear, is not certain: 1 of 3 models give another, such as Search > Email > Social under first_touch.");
        insta::assert_snapshot!(warning([order, order, shaky]).unwrap_or_default(), @"The order of the top channels of order, Email > Search > Social under linear, is not certain: Search keeps its rank in 70.0 % of resamples.");
        insta::assert_snapshot!(warning([other, other, shaky]).unwrap_or_default(), @"The order of the top channels of order, Email > Search > Social under linear, is not certain: 2 of 3 models give another, such as Search > Email > Social under first_touch; Search keeps its rank in 70.0 % of resamples.");
    }
}
