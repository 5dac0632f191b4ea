//! Whether an experiment is over, and what a look before that is worth.

use crate::analyses::Context;
use crate::analyses::days::LocalDays;
use crate::analyses::experiments::population::Experiment;
use crate::analyses::experiments::sums::ExperimentCounts;
use crate::config::plan::{DAY_US, MetricPlan};

use super::{Check, Status, exceeds};

/// Above this share of customers whose metric window isn't over, the figures describe early customers.
const IMMATURE_WARN_ABOVE: f64 = 0.1;

/// `immature`: customers left out of the metric that leaves out most; the detail has all metrics, by window.
pub(super) fn immature<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
) -> Check<'t> {
    let worst = immature_of(counts, experiment.windows_us.len());
    let status = Status::warn_if(exceeds(worst, counts.analysed(), IMMATURE_WARN_ABOVE));
    let detail = match (experiment.windows_us.is_empty(), worst) {
        (true, _) => "no metric has a window: everybody counts from the first exposure on".to_owned(),
        (false, 0) => "every metric window is over".to_owned(),
        (false, _) => {
            let windows = experiment.windows_us.iter().enumerate();
            let waiting: Vec<String> = windows
                .map(|(at, window_us)| {
                    let own =
                        metrics(context, experiment).filter(|metric| metric.window_us == Some(*window_us));
                    let own: Vec<&str> = own.map(|metric| metric.name.as_str()).collect();
                    let days = *window_us as f64 / DAY_US as f64;
                    format!(
                        "{} until their {days} d are over ({})",
                        immature_of(counts, at + 1),
                        own.join(", ")
                    )
                })
                .collect();
            format!("left out of {} analysed customers: {}", counts.analysed(), waiting.join("; "))
        }
    };
    Check { detail: Some(detail), ..Check::count(&experiment.plan.name, "immature", worst, status) }
}

/// `peeking`: a p-value is that of one look, planned before the experiment began. Looked at again and again until it is
/// small, it is small too often (Johari et al. 2017).
///
/// An experiment isn't over while there are customers whose metric window isn't, `observed`; if no metric has a window,
/// while customers are assigned on the last day of the reporting window, `observed`. Then it warns, unless the
/// verdicts take sequential bounds, which only metrics with a window have.
pub(super) fn peeking<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
    days: &LocalDays,
) -> Check<'t> {
    let has_windows = !experiment.windows_us.is_empty();
    let (early, why) = if has_windows {
        (immature_of(counts, experiment.windows_us.len()), "some customers' metric window isn't over")
    } else {
        let last_day = counts.health.by_day.days().nth(days.len() - 1);
        (
            last_day.map_or(0, |customers| customers.iter().sum()),
            "customers are still assigned on the last day",
        )
    };
    let is_sequential = experiment.plan.sequential && has_windows;
    let status = Status::warn_if(early > 0 && !is_sequential);
    let detail = match (is_sequential, early) {
        (true, _) => bounds_hold(context, experiment),
        (false, 0) => "the experiment is over".to_owned(),
        (false, _) => {
            format!("{why}: a verdict holds only if this is the one look that was planned")
        }
    };
    Check {
        expected: Some(0.0),
        detail: Some(detail),
        ..Check::count(&experiment.plan.name, "peeking", early, status)
    }
}

/// Says of which metrics they don't.
fn bounds_hold(context: &Context<'_>, experiment: &Experiment<'_>) -> String {
    let without = metrics(context, experiment).filter(|metric| metric.window_us.is_none());
    let without: Vec<&str> = without.map(|metric| metric.name.as_str()).collect();
    match without.is_empty() {
        true => "verdicts rest on sequential bounds, which hold at every look".to_owned(),
        false => format!(
            "verdicts rest on sequential bounds, which hold at every look, but for metrics without a window: {}",
            without.join(", ")
        ),
    }
}

fn metrics<'m>(context: &Context<'m>, experiment: &Experiment<'_>) -> impl Iterator<Item = &'m MetricPlan> {
    let all = &context.plan.metrics;
    experiment.metrics.iter().map(move |at| &all[*at])
}

/// Customers of whom so many windows are not over.
fn immature_of(counts: &ExperimentCounts, windows_needed: usize) -> u64 {
    counts.variants.iter().map(|variant| variant.immature(windows_needed)).sum()
}
