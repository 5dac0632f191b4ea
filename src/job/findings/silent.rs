//! Models that were asked for and give no figures: what a column of nulls doesn't say aloud.

use super::{Finding, Rows};

/// Warns of the first model and target for which the chain is too large or didn't settle; None where all give
/// figures, or have nothing to give any of.
pub(super) fn silent(rows: &Rows<'_>) -> Option<Finding> {
    let failed = |row: &usize| matches!(rows.text(*row, "note"), "too_many_states" | "not_converged");
    let mut silent: Vec<(&str, &str)> = Vec::new();
    let mut reason = "";
    for row in (0..rows.len()).filter(failed) {
        let model = (rows.text(row, "model"), rows.text(row, "target"));
        if !silent.contains(&model) {
            silent.push(model);
        }
        if reason.is_empty() {
            reason = rows.text(row, "note");
        }
    }
    let (model, target) = silent.first()?;
    let others = match silent.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Some(Finding {
        table: "stage_attribution",
        text: format!(
            "{model} gives no figures for {target}{others} ({reason}): lower attribution.markov_order, or group channels."
        ),
    })
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;

    fn warning(rows: &[(&str, &str, Option<&str>)]) -> Option<String> {
        let frame = df!(
            "model" => rows.iter().map(|row| row.0).collect::<Vec<_>>(),
            "target" => rows.iter().map(|row| row.1).collect::<Vec<_>>(),
            "note" => rows.iter().map(|row| row.2).collect::<Vec<_>>(),
        );
        silent(&Rows { frame: Some(&frame.ok()?) }).map(|finding| finding.text)
    }

    #[test]
    fn a_model_without_figures_is_told_once() {
        let fine = ("linear", "order", None);
        assert_eq!(warning(&[fine, ("markov", "order", Some("few_buckets"))]), None);
        let failed = ("markov", "order", Some("too_many_states"));
        insta::assert_snapshot!(warning(&[fine, failed, failed]).unwrap_or_default(), @"markov gives no figures for order (too_many_states): lower attribution.markov_order, or group channels.");
        let other = ("markov", "sign_up", Some("not_converged"));
        insta::assert_snapshot!(warning(&[failed, other]).unwrap_or_default(), @"markov gives no figures for order and 1 more (too_many_states): lower attribution.markov_order, or group channels.");
    }
}
