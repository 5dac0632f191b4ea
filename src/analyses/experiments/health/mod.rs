//! `experiment_health`: whether an experiment can be trusted.
//!
//! `counts` is added up while journeys are seen; a file per family of checks finishes them: `assignment` (who was
//! assigned what), `activity` (what customers did before and after), `novelty` (whether the effect lasts), `timing`
//! (whether it is over).

use crate::analyses::Context;
use crate::analyses::days::LocalDays;

use super::cells::Cells;
use super::population::Experiment;
use super::sums::ExperimentCounts;

mod activity;
mod assignment;
mod counts;
mod novelty;
mod rows;
#[cfg(test)]
mod tests;
mod timing;

pub(super) use self::assignment::{ASSIGNED_BEFORE_WINDOW, UNKNOWN_VARIANT, not_configured};
pub(super) use self::counts::Counts;
pub(super) use self::rows::frame;

/// Stands for a check over all variants.
const ALL: &str = "(all)";

/// Fewer customers than this expected in a cell, and χ² isn't distributed as its test assumes (Cochran 1954).
const MIN_EXPECTED: f64 = 5.0;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// As it should be, or nothing that could be tested.
    Ok,
    /// Worth a look.
    Warn,
    /// The verdicts are invalid.
    Fail,
}

impl Status {
    fn as_str(self) -> &'static str {
        match self {
            Status::Ok => "ok",
            Status::Warn => "warn",
            Status::Fail => "fail",
        }
    }

    fn warn_if(suspicious: bool) -> Status {
        if suspicious { Status::Warn } else { Status::Ok }
    }
}

/// One row; None is null.
#[derive(Debug)]
pub(super) struct Check<'t> {
    pub(super) experiment: &'t str,
    pub(super) check: &'static str,
    variant: &'t str,
    expected: Option<f64>,
    observed: Option<f64>,
    p_value: Option<f64>,
    pub(super) status: Status,
    detail: Option<String>,
}

impl<'t> Check<'t> {
    /// Over all variants, without a figure.
    fn new(experiment: &'t str, check: &'static str, status: Status) -> Check<'t> {
        let (expected, observed, p_value) = (None, None, None);
        Check { experiment, check, variant: ALL, expected, observed, p_value, status, detail: None }
    }

    /// Over all variants: so many customers.
    fn count(experiment: &'t str, check: &'static str, observed: u64, status: Status) -> Check<'t> {
        Check { observed: Some(observed as f64), ..Check::new(experiment, check, status) }
    }
}

/// The checks of an experiment that is compared, in the order of the table:
///
/// | check | by | what | `warn` | `fail` |
/// | --- | --- | --- | --- | --- |
/// | `no_assignments` | | nobody was assigned; then there is no other row | always | |
/// | `assumed_plan` | | the log has the experiment, the plan only defaults | always | |
/// | `srm` | variant | analysed customers against the planned weights, χ² | p < 0.01 | p < 0.001 |
/// | `srm_by_day` | | the same, by local day of assignment | p < 0.01 | |
/// | `srm_by_segment` | | the same, by segment as of first exposure | p < 0.01 | |
/// | `double_assignment` | | seen in two variants | > 0.1 % | > 1 % |
/// | `assigned_before_window` | | first assigned before the window | any | |
/// | `unknown_variant` | variant | in a variant that the plan doesn't name | any | |
/// | `no_activity` | variant | no kept row at or after the assignment | > 50 % | |
/// | `activity_before` | variant | a kept row before it: alike in all variants? χ² | p < 0.01 | |
/// | `immature` | | metric window not over; the metric that leaves out most | > 10 % | |
/// | `novelty` | variant | effect in the first and second week since exposure | p < 0.01 | |
/// | `peeking` | | not over, and verdicts hold for one look only | any | |
///
/// p of `srm_by_day`, `srm_by_segment` and `novelty` is multiplied by the number of tests (Bonferroni). Variants
/// come by name.
///
/// `others` are the experiments of the log that the plan doesn't name.
///
/// Small cells: where one or two customers of a variant did something, or did not, `no_activity` hides their number,
/// `activity_before` that of every variant, `novelty` the week; the status stands. What counts assignments is shown
/// whatever it is: two customers who saw both variants are the finding.
pub(super) fn of_experiment<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
    days: &LocalDays,
    cells: &[Cells<'_>],
    others: &[&str],
) -> Vec<Check<'t>> {
    if counts.seen() == 0 {
        return vec![assignment::nobody(experiment, others)];
    }
    let mut checks = Vec::new();
    checks.extend(assignment::assumed_plan(experiment));
    checks.extend(assignment::sample_ratio(experiment, counts));
    checks.push(assignment::sample_ratio_by_day(experiment, counts, days));
    checks.extend(assignment::sample_ratio_by_segment(experiment, cells));
    checks.push(assignment::double(experiment, counts));
    checks.push(assignment::before_window(experiment, counts));
    checks.extend(assignment::unknown_variants(experiment, counts));
    checks.extend(activity::none_after(context, experiment, counts));
    checks.extend(activity::before(context, experiment, counts));
    checks.push(timing::immature(context, experiment, counts));
    checks.extend(novelty::checks(context, experiment, counts.health.novelty.as_ref()));
    checks.push(timing::peeking(context, experiment, counts, days));
    checks
}

/// Whether a part is more than this share of a whole.
fn exceeds(part: u64, whole: u64, limit: f64) -> bool {
    part as f64 > limit * whole as f64
}

/// `1.25 % of whom`; None for an empty whole.
fn percent(part: u64, whole: u64, of_whom: &str) -> Option<String> {
    (whole > 0).then(|| format!("{:.2} % {of_whom}", 100.0 * part as f64 / whole as f64))
}
