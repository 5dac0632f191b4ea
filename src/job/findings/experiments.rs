//! What experiments decided, and what speaks against following them.

use crate::config::plan::{MetricKind, MetricOf, Plan};

use super::{Finding, MOST_OF_A_KIND, Rows, signed_percent};

/// The surest decision on a goal: only the row of a metric and variant that decides has a verdict.
pub(super) fn decided(plan: &Plan, rows: &Rows<'_>) -> Option<Finding> {
    let decided = |row: usize| {
        let is_decided =
            rows.text(row, "role") == "goal" && matches!(rows.text(row, "verdict"), "win" | "lose");
        is_decided.then(|| rows.number(row, "p_value").map(|p| -p)).flatten()
    };
    let row = rows.best(decided)?;
    let verb = if rows.text(row, "verdict") == "win" { "wins" } else { "loses" };
    Some(Finding {
        table: "experiment_results",
        text: format!(
            "Experiment {}: variant {} {verb} against {} on {}, {}.",
            rows.text(row, "experiment"),
            rows.text(row, "variant"),
            rows.text(row, "control"),
            rows.text(row, "metric"),
            difference(plan, rows, row)?,
        ),
    })
}

/// Warns of the guardrail that is surest to be harmed.
pub(super) fn harmed(plan: &Plan, rows: &Rows<'_>) -> Option<Finding> {
    let harmed = |row: usize| {
        let is_harmed = rows.text(row, "role") == "guardrail" && rows.text(row, "verdict") == "lose";
        is_harmed.then(|| rows.number(row, "p_value").map(|p| -p)).flatten()
    };
    let row = rows.best(harmed)?;
    Some(Finding {
        table: "experiment_results",
        text: format!(
            "Experiment {}: variant {} harms the guardrail {}: {}.",
            rows.text(row, "experiment"),
            rows.text(row, "variant"),
            rows.text(row, "metric"),
            difference(plan, rows, row)?,
        ),
    })
}

/// Warns of experiments that failed a check, each with the first that it failed.
pub(super) fn invalid(health: &Rows<'_>) -> Vec<Finding> {
    let failed: Vec<usize> = (0..health.len()).filter(|row| health.text(*row, "status") == "fail").collect();
    let mut texts: Vec<String> = failed
        .chunk_by(|one, other| health.text(*one, "experiment") == health.text(*other, "experiment"))
        .map(|failed| {
            let (experiment, check) = (health.text(failed[0], "experiment"), health.text(failed[0], "check"));
            let of_check = failed.iter().copied().filter(|row| health.text(*row, "check") == check);
            let told: Vec<String> = of_check.filter_map(|row| seen(health, row)).collect();
            let told = if told.is_empty() { String::new() } else { format!(" ({})", told.join("; ")) };
            format!("Experiment {experiment} fails its check {check}{told}: its verdicts are invalid.")
        })
        .collect();
    let further = texts.len().saturating_sub(MOST_OF_A_KIND);
    texts.truncate(MOST_OF_A_KIND);
    if further > 0 {
        texts.push(format!("{further} more experiments fail a check: their verdicts are invalid."));
    }
    texts.into_iter().map(|text| Finding { table: "experiment_health", text }).collect()
}

/// What a row of a failed check saw: of a variant its customers and how many there should be.
fn seen(health: &Rows<'_>, row: usize) -> Option<String> {
    let (variant, detail) = (health.text(row, "variant"), health.text(row, "detail"));
    let counts = health.number(row, "observed").zip(health.number(row, "expected"));
    match counts.filter(|_| variant != "(all)") {
        Some((observed, expected)) if detail.is_empty() => {
            Some(format!("{variant} {observed} instead of {expected:.0}"))
        }
        Some((observed, expected)) => {
            Some(format!("{variant} {observed} instead of {expected:.0}: {detail}"))
        }
        None => Some(detail.to_owned()).filter(|detail| !detail.is_empty()),
    }
}

/// The lift, and the difference with the bounds that the verdict was taken by.
fn difference(plan: &Plan, rows: &Rows<'_>, row: usize) -> Option<String> {
    let (low, high, which) = match rows.text(row, "decided_by") {
        "sequential" => ("sequential_low", "sequential_high", "bounds that hold at every look"),
        _ => ("difference_low", "difference_high", "bounds of a single look"),
    };
    let metric = plan.metrics.iter().find(|metric| metric.name == rows.text(row, "metric"));
    let difference = rows.number(row, "difference")?;
    let Scale { factor, decimals, unit } = Scale::of(plan, metric.map(|metric| metric.kind), difference);
    let written = |value: f64| format!("{:+.decimals$}", value * factor);
    let (low, high) = (written(rows.number(row, low)?), written(rows.number(row, high)?));
    let lift = rows.number(row, "relative_lift").map(|lift| format!("{} or ", signed_percent(lift)));
    Some(format!("{}{}{unit} ({low} to {high}, {which})", lift.unwrap_or_default(), written(difference)))
}

/// How a person would write a difference: points of a share, money, else a number.
struct Scale {
    factor: f64,
    decimals: usize,
    /// With the space before it.
    unit: String,
}

impl Scale {
    fn of(plan: &Plan, kind: Option<MetricKind>, difference: f64) -> Self {
        let is_money = match kind {
            Some(MetricKind::Proportion(_)) => {
                return Scale { factor: 100.0, decimals: 1, unit: " points".to_owned() };
            }
            Some(MetricKind::Mean(quantity) | MetricKind::Quantile { of: quantity, .. }) => {
                quantity.of == MetricOf::Value
            }
            Some(MetricKind::Ratio { .. }) | None => false,
        };
        if is_money {
            return Scale { factor: 1.0, decimals: 2, unit: format!(" {}", plan.job.currency.code) };
        }
        // Three digits that tell, wherever they begin.
        let magnitude = if difference == 0.0 { 0.0 } else { libm::floor(libm::log10(difference.abs())) };
        Scale { factor: 1.0, decimals: (2.0 - magnitude).clamp(0.0, 9.0) as usize, unit: String::new() }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use polars::prelude::{Column, DataFrame, df};

    use super::*;
    use crate::config::{Overrides, parse};

    const CONFIG: &str = r#"
[inputs.touchpoints]
path = "touchpoints"
[conversions.purchase]
event = ["purchase"]
value = "value"
[metrics.rate]
kind = "proportion"
conversion = "purchase"
[metrics.revenue]
kind = "mean"
conversion = "purchase"
of = "value"
[metrics.refunds]
kind = "mean"
conversion = "purchase"
of = "count"
"#;

    fn plan() -> Plan {
        parse(CONFIG, Path::new("touchline.toml"), &Overrides::default(), &|_| None).expect("a plan")
    }

    fn results(roles: [&str; 3], verdicts: [Option<&str>; 3]) -> DataFrame {
        df!(
            "experiment" => ["checkout"; 3],
            "variant" => ["B"; 3],
            "control" => ["A"; 3],
            "metric" => ["rate", "revenue", "refunds"],
            "role" => roles,
            "verdict" => verdicts,
            "decided_by" => verdicts.map(|verdict| verdict.map(|_| "sequential")),
            "p_value" => [0.001, 0.01, 0.02],
            "relative_lift" => [0.1, 0.2, -0.3],
            "difference" => [0.012, 1.5, -0.0305],
            "difference_low" => [0.01, 1.0, -0.05],
            "difference_high" => [0.02, 2.0, -0.01],
            "sequential_low" => [0.002, 0.5, -0.0612],
            "sequential_high" => [0.03, 2.5, -0.002],
        )
        .expect("a frame")
    }

    fn text(found: Option<Finding>) -> Option<String> {
        found.map(|finding| finding.text)
    }

    #[test]
    fn goals_decide_and_guardrails_warn() {
        // The first row is an unadjusted twin: it decides nothing.
        let frame = results(["goal", "goal", "guardrail"], [None, Some("win"), Some("lose")]);
        let rows = Rows { frame: Some(&frame) };
        insta::assert_snapshot!(text(decided(&plan(), &rows)).unwrap_or_default(), @"Experiment checkout: variant B wins against A on revenue, +20.0 % or +1.50 EUR (+0.50 to +2.50, bounds that hold at every look).");
        insta::assert_snapshot!(text(harmed(&plan(), &rows)).unwrap_or_default(), @"Experiment checkout: variant B harms the guardrail refunds: -30.0 % or -0.0305 (-0.0612 to -0.0020, bounds that hold at every look).");
        let frame = results(["goal"; 3], [Some("invalid"), Some("undecided"), Some("flat")]);
        let rows = Rows { frame: Some(&frame) };
        assert_eq!((decided(&plan(), &rows), harmed(&plan(), &rows)), (None, None));
    }

    #[test]
    fn bounds_are_those_that_decided() {
        let mut frame = results(["goal"; 3], [Some("win"), None, None]);
        let rows = Rows { frame: Some(&frame) };
        insta::assert_snapshot!(text(decided(&plan(), &rows)).unwrap_or_default(), @"Experiment checkout: variant B wins against A on rate, +10.0 % or +1.2 points (+0.2 to +3.0, bounds that hold at every look).");
        frame.with_column(Column::new("decided_by".into(), ["single_look"; 3])).expect("a column");
        let rows = Rows { frame: Some(&frame) };
        insta::assert_snapshot!(text(decided(&plan(), &rows)).unwrap_or_default(), @"Experiment checkout: variant B wins against A on rate, +10.0 % or +1.2 points (+1.0 to +2.0, bounds of a single look).");
    }

    #[test]
    fn failed_checks_are_said() {
        let frame = df!(
            "experiment" => ["checkout", "mail", "mail", "mail", "pricing"],
            "check" => ["srm", "srm", "srm", "double_assignment", "double_assignment"],
            "variant" => ["A", "A", "B", "(all)", "(all)"],
            "expected" => [Some(5.0), Some(450.5), Some(450.5), Some(0.0), Some(0.0)],
            "observed" => [6.0, 901.0, 0.0, 70.0, 20.0],
            "status" => ["warn", "fail", "fail", "fail", "fail"],
            "detail" => [None, None, Some("nobody is analysed in this variant"), Some("7 % of them"), Some("2.00 % of them")],
        )
        .expect("a frame");
        let told: Vec<String> =
            invalid(&Rows { frame: Some(&frame) }).into_iter().map(|found| found.text).collect();
        insta::assert_snapshot!(told.join("\n"), @r"
        Experiment mail fails its check srm (A 901 instead of 450; B 0 instead of 450: nobody is analysed in this variant): its verdicts are invalid.
        Experiment pricing fails its check double_assignment (2.00 % of them): its verdicts are invalid.
        ");
        assert_eq!(invalid(&Rows { frame: None }), []);
    }
}
