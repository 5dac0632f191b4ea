//! What experiments decided, and what speaks against following them.

use super::{Finding, Rows, signed_percent};

/// The surest decision on a goal: only the row of a metric and variant that decides has a verdict.
pub(super) fn decided(rows: &Rows<'_>) -> Option<Finding> {
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
            lift(rows, row)?,
        ),
    })
}

/// Warns of the guardrail that is surest to be harmed.
pub(super) fn harmed(rows: &Rows<'_>) -> Option<Finding> {
    let harmed = |row: usize| {
        let is_harmed = rows.text(row, "role") == "guardrail" && rows.text(row, "verdict") == "lose";
        is_harmed.then(|| rows.number(row, "p_value").map(|p| -p)).flatten()
    };
    let row = rows.best(harmed)?;
    let lift = lift(rows, row).map(|lift| format!(": {lift}")).unwrap_or_default();
    Some(Finding {
        table: "experiment_results",
        text: format!(
            "Experiment {}: variant {} harms the guardrail {}{lift}.",
            rows.text(row, "experiment"),
            rows.text(row, "variant"),
            rows.text(row, "metric"),
        ),
    })
}

/// Warns of the first experiment that failed a check.
pub(super) fn invalid(health: &Rows<'_>) -> Option<Finding> {
    let row = (0..health.len()).find(|row| health.text(*row, "status") == "fail")?;
    let detail = match health.text(row, "detail") {
        "" => String::new(),
        detail => format!(" ({detail})"),
    };
    Some(Finding {
        table: "experiment_health",
        text: format!(
            "Experiment {} fails its check {}{detail}: its verdicts are invalid.",
            health.text(row, "experiment"),
            health.text(row, "check"),
        ),
    })
}

/// The relative lift with its bounds; None where it isn't defined.
fn lift(rows: &Rows<'_>, row: usize) -> Option<String> {
    let of = |column: &str| rows.number(row, column).map(signed_percent);
    let (lift, low, high) = (of("relative_lift")?, of("relative_lift_low")?, of("relative_lift_high")?);
    Some(format!("{lift} ({low} to {high})"))
}

#[cfg(test)]
mod tests {
    use polars::prelude::{DataFrame, df};

    use super::*;

    fn results(roles: [&str; 3], verdicts: [Option<&str>; 3]) -> DataFrame {
        let figures = [Some(0.1), Some(0.2), Some(-0.3)];
        df!(
            "experiment" => ["checkout"; 3],
            "variant" => ["B"; 3],
            "control" => ["A"; 3],
            "metric" => ["rate", "revenue", "refunds"],
            "role" => roles,
            "verdict" => verdicts,
            "p_value" => [0.001, 0.01, 0.02],
            "relative_lift" => figures,
            "relative_lift_low" => figures,
            "relative_lift_high" => figures,
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
        let wins = "Experiment checkout: variant B wins against A on revenue, +20.0 % (+20.0 % to +20.0 %).";
        assert_eq!(text(decided(&rows)).as_deref(), Some(wins));
        let harms =
            "Experiment checkout: variant B harms the guardrail refunds: -30.0 % (-30.0 % to -30.0 %).";
        assert_eq!(text(harmed(&rows)).as_deref(), Some(harms));
        let frame = results(["goal"; 3], [Some("invalid"), Some("undecided"), Some("flat")]);
        let rows = Rows { frame: Some(&frame) };
        assert_eq!((decided(&rows), harmed(&rows)), (None, None));
    }

    #[test]
    fn a_failed_check_is_said() {
        let frame = df!(
            "experiment" => ["checkout", "pricing"],
            "check" => ["srm", "double_assignment"],
            "status" => ["warn", "fail"],
            "detail" => [None, Some("2.00 % of them")],
        )
        .expect("a frame");
        let said = "Experiment pricing fails its check double_assignment (2.00 % of them): its verdicts are invalid.";
        assert_eq!(text(invalid(&Rows { frame: Some(&frame) })).as_deref(), Some(said));
        assert_eq!(invalid(&Rows { frame: None }), None);
    }
}
