//! Experiments that were asked about and have no figures: what an empty table doesn't say aloud.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::nearest::nearest;
use crate::config::plan::{ExperimentPlan, Plan};

use super::foreseen::is_out_of_reach;
use super::{Finding, MOST_OF_A_KIND, Rows};

/// Warns of experiments without a single figure that decides, each with its reason; those that fail a check apart, which
/// are told as such. `window_us` is the reporting window.
pub(super) fn unanswered(
    plan: &Plan,
    window_us: Option<(i64, i64)>,
    results: &Rows<'_>,
    health: &Rows<'_>,
) -> Vec<Finding> {
    let decisions = decisions(results);
    let checks = checks(health);
    let mut texts = Vec::new();
    for (name, checks) in &checks {
        let Some(own) = plan_of(plan, name).filter(|own| !is_foreseen(plan, own, window_us)) else {
            continue;
        };
        let fails = checks.rows.iter().any(|row| health.text(*row, "status") == "fail");
        let reason = match decisions.get(name) {
            _ if fails => continue,
            Some(Decision { has_figures: true, .. }) => continue,
            Some(Decision { note, .. }) => reason(own, note, checks),
            None => "only one variant of it was seen".to_owned(),
        };
        let stop = if reason.ends_with('?') { "" } else { "." };
        texts.push(format!("Experiment {name} has no figures: {reason}{stop}"));
    }
    let further = texts.len().saturating_sub(MOST_OF_A_KIND);
    texts.truncate(MOST_OF_A_KIND);
    if further > 0 {
        texts.push(format!("{further} more experiments have no figures."));
    }
    texts.extend(none_configured(plan, &checks));
    texts.into_iter().map(|text| Finding { table: "experiment_health", text }).collect()
}

/// What came of the rows of an experiment that decide.
struct Decision<'t> {
    has_figures: bool,
    /// Of the first.
    note: &'t str,
}

/// By experiment that is compared.
fn decisions<'t>(results: &Rows<'t>) -> BTreeMap<&'t str, Decision<'t>> {
    let mut decisions: BTreeMap<&str, Decision<'_>> = BTreeMap::new();
    for row in (0..results.len()).filter(|row| !results.text(*row, "verdict").is_empty()) {
        let note = results.text(row, "note");
        let decision =
            decisions.entry(results.text(row, "experiment")).or_insert(Decision { has_figures: false, note });
        decision.has_figures |= results.number(row, "difference").is_some();
    }
    decisions
}

/// The checks of an experiment.
struct Checks<'r, 't> {
    health: &'r Rows<'t>,
    rows: Vec<usize>,
}

impl<'t> Checks<'_, 't> {
    fn of(&self, check: &str) -> impl Iterator<Item = usize> {
        self.rows.iter().copied().filter(move |row| self.health.text(*row, "check") == check)
    }

    /// Customers that a check has seen, in all its rows.
    fn customers(&self, check: &str) -> f64 {
        self.of(check).filter_map(|row| self.health.number(row, "observed")).sum()
    }

    fn detail(&self, check: &str) -> &'t str {
        self.of(check).map(|row| self.health.text(row, "detail")).next().unwrap_or_default()
    }
}

/// By experiment.
fn checks<'r, 't>(health: &'r Rows<'t>) -> BTreeMap<&'t str, Checks<'r, 't>> {
    let mut checks: BTreeMap<&str, Checks<'_, '_>> = BTreeMap::new();
    for row in 0..health.len() {
        let own = checks.entry(health.text(row, "experiment"));
        own.or_insert_with(|| Checks { health, rows: Vec::new() }).rows.push(row);
    }
    checks
}

/// The plan of an experiment, or what holds for those without one.
fn plan_of<'p>(plan: &'p Plan, name: &str) -> Option<&'p ExperimentPlan> {
    plan.experiments.iter().find(|experiment| experiment.name == name).or(plan.experiment_defaults.as_ref())
}

/// Whether it was clear before anything was read that there would be no figures.
fn is_foreseen(plan: &Plan, experiment: &ExperimentPlan, window_us: Option<(i64, i64)>) -> bool {
    let length_us = window_us.map(|(from_us, to_us)| to_us - from_us);
    let out_of_reach = |at: &usize| {
        length_us.is_some_and(|length_us| is_out_of_reach(plan.metrics[*at].window_us, length_us))
    };
    experiment.metrics.iter().chain(&experiment.guardrails).all(out_of_reach)
}

/// Why there are no figures, by the note of the first row that should have some.
fn reason(experiment: &ExperimentPlan, note: &str, checks: &Checks<'_, '_>) -> String {
    let notes: BTreeSet<&str> = note.split("; ").collect();
    if notes.contains("no_assignments") {
        return checks.detail("no_assignments").to_owned();
    }
    if notes.contains("unknown_variant") {
        let customers = checks.customers("unknown_variant");
        let planned = || experiment.weights.iter().map(|(name, _)| name.as_str());
        let meant = checks.of("unknown_variant").find_map(|row| {
            let found = checks.health.text(row, "variant");
            nearest(found, planned())
                .map(|near| format!(": the log has `{found}`, the weights have `{near}`"))
        });
        let meant = meant.unwrap_or_default();
        let name = &experiment.name;
        return format!(
            "{customers} of its customers are in variants that experiments.{name}.weights doesn't have{meant}"
        );
    }
    if notes.contains("assigned_before_window") {
        let customers = checks.customers("assigned_before_window");
        return format!(
            "{customers} of its customers were first assigned before the reporting window: begin that where the \
             experiment began"
        );
    }
    if notes.contains("not_mature") {
        let customers = checks.customers("immature");
        return format!("{customers} of its customers wait for the end of a metric window");
    }
    match note {
        "" => "too few customers have any".to_owned(),
        note => format!("its rows say {note}"),
    }
}

/// Says that nothing of a log is compared.
fn none_configured(plan: &Plan, checks: &BTreeMap<&str, Checks<'_, '_>>) -> Option<String> {
    let is_asked_for = !plan.experiments.is_empty() || plan.experiment_defaults.is_some();
    (!is_asked_for && !checks.is_empty()).then(|| {
        let (count, noun) = (checks.len(), if checks.len() == 1 { "experiment" } else { "experiments" });
        format!(
            "The assignment log has {count} {noun}, and none is configured, so none is compared: add [experiments.\"*\"] \
             for all of them, or a section for one."
        )
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use polars::prelude::{DataFrame, df};

    use super::*;
    use crate::config::plan::DAY_US;
    use crate::config::{Overrides, parse};

    const CONFIG: &str = r#"
[inputs.touchpoints]
path = "touchpoints"
[inputs.assignments]
path = "assignments.parquet"
[conversions.purchase]
event = ["purchase"]
[metrics.rate]
kind = "proportion"
conversion = "purchase"
window = "14d"
"#;
    const MAIL: &str = "[experiments.mail]\ncontrol = \"A\"\nweights = { A = 0.5, B = 0.5 }\n";

    /// One row that decides, with this note.
    fn without_figures(note: Option<&str>) -> DataFrame {
        df!(
            "experiment" => ["mail"],
            "verdict" => ["undecided"],
            "difference" => [None::<f64>],
            "note" => [note],
        )
        .expect("a frame")
    }

    fn health(rows: &[(&str, &str, f64, &str, &str)]) -> DataFrame {
        df!(
            "experiment" => vec!["mail"; rows.len()],
            "check" => rows.iter().map(|row| row.0).collect::<Vec<_>>(),
            "variant" => rows.iter().map(|row| row.1).collect::<Vec<_>>(),
            "observed" => rows.iter().map(|row| row.2).collect::<Vec<_>>(),
            "status" => rows.iter().map(|row| row.3).collect::<Vec<_>>(),
            "detail" => rows.iter().map(|row| row.4).collect::<Vec<_>>(),
        )
        .expect("a frame")
    }

    fn told(config: &str, days: i64, results: Option<&DataFrame>, health: &DataFrame) -> String {
        let text = format!("{CONFIG}{config}");
        let plan = parse(&text, Path::new("touchline.toml"), &Overrides::default(), &|_| None);
        let plan = plan.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let window = Some((0, days * DAY_US));
        let found = unanswered(&plan, window, &Rows { frame: results }, &Rows { frame: Some(health) });
        found.into_iter().map(|finding| finding.text + "\n").collect()
    }

    #[test]
    fn each_reason_is_told_in_words() {
        let none =
            health(&[("no_assignments", "(all)", 0.0, "warn", "nobody of this experiment was assigned")]);
        insta::assert_snapshot!(told(MAIL, 30, Some(&without_figures(Some("no_assignments"))), &none), @"Experiment mail has no figures: nobody of this experiment was assigned.");
        let unknown = health(&[
            ("unknown_variant", "a", 600.0, "warn", "not among the planned variants"),
            ("unknown_variant", "treatment", 500.0, "warn", "not among the planned variants"),
        ]);
        let note = without_figures(Some("too_few; unknown_variant"));
        insta::assert_snapshot!(told(MAIL, 30, Some(&note), &unknown), @"Experiment mail has no figures: 1100 of its customers are in variants that experiments.mail.weights doesn't have: the log has `a`, the weights have `A`.");
        let before = health(&[("assigned_before_window", "(all)", 700.0, "warn", "left out")]);
        let note = without_figures(Some("too_few; assigned_before_window"));
        insta::assert_snapshot!(told(MAIL, 30, Some(&note), &before), @"Experiment mail has no figures: 700 of its customers were first assigned before the reporting window: begin that where the experiment began.");
        let waiting = health(&[("immature", "(all)", 757.0, "warn", "left out")]);
        insta::assert_snapshot!(told(MAIL, 30, Some(&without_figures(Some("not_mature; too_few"))), &waiting), @"Experiment mail has no figures: 757 of its customers wait for the end of a metric window.");
        insta::assert_snapshot!(told(MAIL, 30, Some(&without_figures(Some("zero_variance"))), &waiting), @"Experiment mail has no figures: its rows say zero_variance.");
        insta::assert_snapshot!(told(MAIL, 30, None, &waiting), @"Experiment mail has no figures: only one variant of it was seen.");
    }

    #[test]
    fn what_is_told_elsewhere_is_not_told_again() {
        let waiting = health(&[("immature", "(all)", 757.0, "warn", "left out")]);
        let note = without_figures(Some("not_mature; too_few"));
        assert_eq!(told(MAIL, 14, Some(&note), &waiting), "", "the reporting window is too short");
        let failed = health(&[("srm", "A", 3.0, "fail", "")]);
        assert_eq!(told(MAIL, 30, Some(&note), &failed), "", "a failed check");
        let figures = df!(
            "experiment" => ["mail"; 2],
            "verdict" => ["undecided"; 2],
            "difference" => [None, Some(0.1)],
            "note" => [Some("too_few"), None],
        );
        assert_eq!(told(MAIL, 30, figures.as_ref().ok(), &waiting), "", "one metric has figures");
    }

    #[test]
    fn a_log_of_which_nothing_is_configured_is_told() {
        let counted = health(&[("not_configured", "(all)", 9.0, "warn", "in the assignment log")]);
        insta::assert_snapshot!(told("", 30, None, &counted), @r#"The assignment log has 1 experiment, and none is configured, so none is compared: add [experiments."*"] for all of them, or a section for one."#);
        assert_eq!(
            told("[experiments.other]\ncontrol = \"A\"\nweights = { A = 1, B = 1 }\n", 30, None, &counted),
            ""
        );
    }
}
