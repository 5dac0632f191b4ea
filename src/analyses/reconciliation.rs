//! The books: what was counted as booked against what the tables give out. Every difference is zero, or
//! the run fails.

use polars::prelude::{DataFrame, PolarsError, df};

use crate::attribution::allocate::MILLIONTHS;
use crate::config::plan::{ConversionValue, Orders};
use crate::journey::TargetKind;

use super::attribution::solve::{Solved, SolvedTarget};
use super::attribution::{AttributionPartial, Booked};
use super::{Context, NamedFrame};

/// Check on conversions whose value is to come from the data; the name of the conversion follows after a colon.
pub const CONVERSION_WITHOUT_VALUE: &str = "conversion_without_value";

/// One line of the books, in whole units of its ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// `rows`, `credit`, `value`, `spend`, their likes by campaign or channel, or `refunds`.
    pub ledger: &'static str,
    /// Conversion, input or channel.
    pub item: String,
    /// Model, for credit and value.
    pub model: Option<&'static str>,
    /// What came in.
    pub booked: i128,
    /// What the tables give out.
    pub credited: i128,
    /// What they show as unattributed.
    pub unattributed: i128,
    /// What was left out on purpose or for a reason.
    pub excluded: i128,
    /// What was taken back.
    pub refunds: i128,
    /// What part of one unit a whole number stands for: 1,000,000 for millionths, 100 for cents.
    pub scale: f64,
}

impl Line {
    /// Zero, or the run fails.
    pub fn difference(&self) -> i128 {
        self.booked - self.credited - self.unattributed - self.excluded - self.refunds
    }
}

/// Lines as a frame.
pub fn frame(lines: &[Line]) -> Result<DataFrame, PolarsError> {
    let units = |of: &dyn Fn(&Line) -> i128| -> Vec<f64> {
        lines.iter().map(|line| of(line) as f64 / line.scale).collect()
    };
    df!(
        "ledger" => lines.iter().map(|line| line.ledger).collect::<Vec<_>>(),
        "item" => lines.iter().map(|line| line.item.as_str()).collect::<Vec<_>>(),
        "model" => lines.iter().map(|line| line.model).collect::<Vec<_>>(),
        "booked" => units(&|line| line.booked),
        "credited" => units(&|line| line.credited),
        "unattributed" => units(&|line| line.unattributed),
        "excluded" => units(&|line| line.excluded),
        "refunds" => units(&|line| line.refunds),
        "difference" => units(&Line::difference),
    )
}

/// What the rows of one target, model and level give out.
struct GivenOut {
    /// Of credit and of value.
    ledgers: [&'static str; 2],
    model: &'static str,
    credit_millionths: i128,
    value_minor: i128,
    /// Credit and value that the model leaves out because it gives no figures.
    left_out: (i128, i128),
}

/// By model whose credit adds up and by level, channels first.
fn given_out(target: &SolvedTarget) -> Vec<GivenOut> {
    let mut given = Vec::new();
    for (index, model) in target.models.iter().enumerate().filter(|(_, model)| model.model.is_additive()) {
        // Without figures nothing with a touch is given out.
        let left_out = model.withheld.map_or((0, 0), |_| {
            let millionths = i128::from(target.total.attributed()) * i128::from(MILLIONTHS);
            (millionths, target.total.attributed_minor())
        });
        given.push(GivenOut {
            ledgers: ["credit", "value"],
            left_out,
            model: model.model.as_str(),
            credit_millionths: model.channels.iter().map(|own| i128::from(own.credit_millionths)).sum(),
            value_minor: model.channels.iter().map(|own| own.value_minor).sum(),
        });
        if let Some(units) = &target.units {
            let own = &units.models[index];
            given.push(GivenOut {
                ledgers: ["credit_by_campaign", "value_by_campaign"],
                left_out,
                model: model.model.as_str(),
                credit_millionths: own.iter().map(|own| i128::from(own.credit_millionths)).sum(),
                value_minor: own.iter().map(|own| own.value_minor).sum(),
            });
        }
    }
    given
}

/// Ledgers `credit` and `value` of every conversion and model, and the same by campaign where there are such
/// rows: booked from the conversions themselves, credited from the rows of `stage_attribution`.
pub fn attribution_ledgers(
    context: &Context<'_>,
    buckets: &[AttributionPartial],
    solved: &Solved,
) -> Result<Vec<NamedFrame>, PolarsError> {
    let mut lines = Vec::new();
    let unit = context.plan.job.currency.minor_per_unit() as f64;
    for (target, found) in context.rules.targets.iter().zip(&solved.targets) {
        let TargetKind::Conversion(index) = target.kind else { continue };
        let booked: i128 = buckets.iter().map(|bucket| i128::from(bucket.booked[index].conversions)).sum();
        let booked_minor: i128 = buckets.iter().map(|bucket| bucket.booked[index].value_minor).sum();
        for given in given_out(found) {
            let whole = i128::from(MILLIONTHS);
            lines.push(Line {
                ledger: given.ledgers[0],
                item: target.name.clone(),
                model: Some(given.model),
                booked: booked * whole,
                credited: given.credit_millionths,
                unattributed: i128::from(found.total.net_unattributed()) * whole,
                excluded: given.left_out.0,
                refunds: i128::from(found.total.refunded + found.total.refunded_unattributed) * whole,
                scale: MILLIONTHS as f64,
            });
            if target.has_value {
                let rejected = context.excluded_value_minor.get(index).copied().unwrap_or(0);
                let repeated: i128 = buckets.iter().map(|bucket| bucket.booked[index].left_out_minor).sum();
                let excluded = rejected + repeated;
                lines.push(Line {
                    ledger: given.ledgers[1],
                    item: target.name.clone(),
                    model: Some(given.model),
                    booked: booked_minor + excluded,
                    credited: given.value_minor,
                    unattributed: found.total.net_unattributed_minor(),
                    excluded: excluded + given.left_out.1,
                    refunds: found.total.refunds_minor + found.total.refunds_unattributed_minor,
                    scale: unit,
                });
            }
        }
    }
    if !context.plan.refunds.is_empty() {
        // What found no order stands here and nowhere else.
        let booked: i128 = buckets.iter().map(|bucket| bucket.refunds_minor).sum();
        let linked: i128 = buckets.iter().map(|bucket| bucket.linked_refunds_minor).sum();
        lines.push(Line {
            ledger: "refunds",
            item: "touchpoints".to_owned(),
            model: None,
            booked,
            credited: linked,
            unattributed: booked - linked,
            excluded: 0,
            refunds: 0,
            scale: unit,
        });
    }
    Ok(vec![("reconciliation", frame(&lines)?), ("data_quality", conversions_quality(context, buckets)?)])
}

/// Rows of `data_quality` about conversions that are there: of each that takes its value from the data, how many are
/// worth nothing, for where all are the column is hardly the right one; and of each that looks at orders, how many
/// rows name one that has its conversion already. Repeated ones are left out, items belong to their order.
fn conversions_quality(
    context: &Context<'_>,
    buckets: &[AttributionPartial],
) -> Result<DataFrame, PolarsError> {
    let mut checks = Vec::new();
    for (index, conversion) in context.plan.conversions.iter().enumerate() {
        let count = |of: &dyn Fn(&Booked) -> u64| -> i64 {
            buckets.iter().map(|bucket| of(&bucket.booked[index]) as i64).sum()
        };
        let conversions = count(&|booked| booked.conversions);
        if conversion.value == ConversionValue::Column {
            let worthless = count(&|booked| booked.worthless);
            let status = if conversions > 0 && worthless == conversions { "warn" } else { "ok" };
            let check = format!("{CONVERSION_WITHOUT_VALUE}:{}", conversion.name);
            checks.push((check, "value", conversions, worthless, status));
        }
        let further = count(&|booked| booked.order_rows);
        let of_orders = match conversion.orders {
            Some(Orders::First) => Some(("repeated_order", if further == 0 { "ok" } else { "warn" })),
            Some(Orders::Sum) => Some(("order_item", "ok")),
            None => None,
        };
        if let Some((check, status)) = of_orders {
            let check = format!("{check}:{}", conversion.name);
            checks.push((check, "order_id", further + conversions, further, status));
        }
    }
    df!(
        "table" => vec!["touchpoints"; checks.len()],
        "check" => checks.iter().map(|(check, ..)| check.as_str()).collect::<Vec<_>>(),
        "column" => checks.iter().map(|(_, column, ..)| Some(*column)).collect::<Vec<_>>(),
        "rows_checked" => checks.iter().map(|(_, _, rows, ..)| *rows).collect::<Vec<_>>(),
        "rows_failed" => checks.iter().map(|(_, _, _, failed, _)| *failed).collect::<Vec<_>>(),
        "share" => checks
            .iter()
            .map(|(_, _, rows, failed, _)| (*rows > 0).then(|| *failed as f64 / *rows as f64))
            .collect::<Vec<_>>(),
        "status" => checks.iter().map(|(.., status)| *status).collect::<Vec<_>>(),
    )
}
