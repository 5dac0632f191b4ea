//! What a plan can't give, known before a row is read: windows that nobody's time can fill, experiments with nothing to
//! compare.

use crate::config::plan::{ExperimentPlan, Plan};
use crate::config::written_duration;

use super::Finding;

/// Warns of what stays without figures in a reporting window (µs); None where its bounds come from the data.
pub fn foreseen(plan: &Plan, window_us: Option<(i64, i64)>) -> Vec<Finding> {
    let mut findings: Vec<Finding> = experiments(plan).filter_map(|own| without_metrics(plan, own)).collect();
    if let Some((from_us, to_us)) = window_us {
        let length_us = to_us - from_us;
        findings.extend(short_for_metrics(plan, length_us));
        findings.extend(short_for_stages(plan, length_us));
    }
    findings
}

/// Whether no customer's metric window can be over by the end of a reporting window of this length: only one of somebody
/// who was exposed at its first instant, where both are as long.
pub(super) fn is_out_of_reach(metric_window_us: Option<i64>, length_us: i64) -> bool {
    metric_window_us.is_some_and(|metric_window_us| metric_window_us >= length_us)
}

fn experiments(plan: &Plan) -> impl Iterator<Item = &ExperimentPlan> {
    plan.experiments.iter().chain(&plan.experiment_defaults)
}

fn without_metrics(plan: &Plan, experiment: &ExperimentPlan) -> Option<Finding> {
    if !experiment.metrics.is_empty() || !experiment.guardrails.is_empty() {
        return None;
    }
    let name = &experiment.name;
    let key = if name == "*" { "experiments.\"*\"".to_owned() } else { format!("experiments.{name}") };
    let remedy = match plan.metrics.is_empty() {
        true => {
            "describe one: [metrics.conversion_rate] with kind = \"proportion\" and a conversion".to_owned()
        }
        false => format!("name some in {key}.metrics, or leave the key out for all"),
    };
    Some(Finding {
        table: "experiment_results",
        text: format!("{key} has no metrics, so its variants aren't compared: {remedy}."),
    })
}

fn short_for_metrics(plan: &Plan, length_us: i64) -> Option<Finding> {
    let mut short: Vec<usize> = experiments(plan)
        .flat_map(|experiment| experiment.metrics.iter().chain(&experiment.guardrails).copied())
        .filter(|at| is_out_of_reach(plan.metrics[*at].window_us, length_us))
        .collect();
    short.sort_unstable();
    short.dedup();
    let longest = short.iter().max_by_key(|at| (plan.metrics[**at].window_us, std::cmp::Reverse(**at)))?;
    let longest = &plan.metrics[*longest];
    let window = written_duration(longest.window_us?);
    let others = match short.len() - 1 {
        0 => String::new(),
        others => format!(" and {others} more"),
    };
    Some(Finding {
        table: "experiment_results",
        text: format!(
            "The reporting window of {} is too short for metrics.{}.window = \"{window}\"{others}: no customer's is over by \
             its end, so experiments have no figures there. Report more than {window} at a time, from the first assignment on.",
            written_duration(length_us),
            longest.name,
        ),
    })
}

fn short_for_stages(plan: &Plan, length_us: i64) -> Option<Finding> {
    let window_us = plan.stages.window_us.filter(|window_us| is_out_of_reach(Some(*window_us), length_us))?;
    let window = written_duration(window_us);
    Some(Finding {
        table: "stage_funnel",
        text: format!(
            "The reporting window of {} is too short for stages.window = \"{window}\": every entry is immature, so funnels \
             have no rates. Report more than {window} at a time, or shorten that key.",
            written_duration(length_us),
        ),
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::plan::DAY_US;
    use crate::config::{Overrides, parse};

    const CONFIG: &str = r#"
[inputs.touchpoints]
path = "touchpoints"
[inputs.assignments]
path = "assignments.parquet"
[stages]
order = ["look", "buy"]
window = "30d"
[stages.rules]
look = [ { event = ["view"] } ]
buy = [ { event = ["purchase"] } ]
[conversions.purchase]
event = ["purchase"]
[metrics.rate]
kind = "proportion"
conversion = "purchase"
window = "14d"
[metrics.orders]
kind = "mean"
conversion = "purchase"
of = "count"
window = "36h"
[metrics.unused]
kind = "mean"
conversion = "purchase"
of = "count"
window = "90d"
[experiments.checkout]
control = "A"
weights = { A = 0.5, B = 0.5 }
metrics = ["rate", "orders"]
[experiments."*"]
metrics = []
"#;

    fn told(text: &str, window_us: Option<(i64, i64)>) -> String {
        let plan = parse(text, Path::new("touchline.toml"), &Overrides::default(), &|_| None);
        let plan = plan.map_err(|errors| errors.render(false)).unwrap_or_else(|errors| panic!("{errors}"));
        foreseen(&plan, window_us).into_iter().map(|finding| finding.text + "\n").collect()
    }

    #[test]
    fn a_day_is_too_short_for_windows_of_weeks() {
        insta::assert_snapshot!(told(CONFIG, Some((0, DAY_US))), @r#"
        experiments."*" has no metrics, so its variants aren't compared: name some in experiments."*".metrics, or leave the key out for all.
        The reporting window of 1d is too short for metrics.rate.window = "14d" and 1 more: no customer's is over by its end, so experiments have no figures there. Report more than 14d at a time, from the first assignment on.
        The reporting window of 1d is too short for stages.window = "30d": every entry is immature, so funnels have no rates. Report more than 30d at a time, or shorten that key.
        "#);
    }

    #[test]
    fn only_what_does_not_fit_is_told() {
        insta::assert_snapshot!(told(CONFIG, Some((0, 14 * DAY_US))), @r#"
        experiments."*" has no metrics, so its variants aren't compared: name some in experiments."*".metrics, or leave the key out for all.
        The reporting window of 14d is too short for metrics.rate.window = "14d": no customer's is over by its end, so experiments have no figures there. Report more than 14d at a time, from the first assignment on.
        The reporting window of 14d is too short for stages.window = "30d": every entry is immature, so funnels have no rates. Report more than 30d at a time, or shorten that key.
        "#);
        insta::assert_snapshot!(told(CONFIG, Some((0, 30 * DAY_US + 1))), @r#"experiments."*" has no metrics, so its variants aren't compared: name some in experiments."*".metrics, or leave the key out for all."#);
        insta::assert_snapshot!(told(CONFIG, None), @r#"experiments."*" has no metrics, so its variants aren't compared: name some in experiments."*".metrics, or leave the key out for all."#);
    }

    #[test]
    fn without_any_metric_one_is_shown() {
        let text = "[inputs.touchpoints]\npath = \"t\"\n[inputs.assignments]\npath = \"a\"\n[experiments.checkout]\n\
                    control = \"A\"\nweights = { A = 0.5, B = 0.5 }\n";
        insta::assert_snapshot!(told(text, None), @r#"experiments.checkout has no metrics, so its variants aren't compared: describe one: [metrics.conversion_rate] with kind = "proportion" and a conversion."#);
    }
}
