//! `experiment_health`: whether an experiment can be trusted.

use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::columns::{floats, texts};
use crate::analyses::{Context, NamedFrame};
use crate::config::plan::DAY_US;
use crate::stats::{SampleRatioStatus, srm};

use super::population::{Experiment, Exposed};
use super::sums::{ExperimentCounts, VariantCounts, add_all};

/// Name of the table.
const TABLE: &str = "experiment_health";
/// Stands for a check over all variants.
const ALL: &str = "(all)";

/// Above this share of customers in two variants, assignment leaks: a warning.
const DOUBLE_WARN_ABOVE: f64 = 0.001;
/// Above this share, leaving them out may well bias what is left: a failure.
const DOUBLE_FAIL_ABOVE: f64 = 0.01;
/// Above this share of customers whose metric window isn't over, the figures describe early customers.
const IMMATURE_WARN_ABOVE: f64 = 0.1;
/// Above this share of customers without a row after assignment, ids may not match between the logs.
const INACTIVE_WARN_ABOVE: f64 = 0.5;

/// What only the checks ask for, of one experiment; what the figures need as well is in [`ExperimentCounts`].
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// By planned variant: without a kept row at or after the assignment.
    inactive: Vec<u64>,
}

impl Counts {
    /// That have seen nobody.
    pub(super) fn new(_context: &Context<'_>, experiment: &Experiment<'_>) -> Counts {
        Counts { inactive: vec![0; experiment.plan.weights.len()] }
    }

    /// Adds an analysed customer.
    pub(super) fn observe(
        &mut self,
        _context: &Context<'_>,
        _experiment: &Experiment<'_>,
        customer: &Exposed<'_>,
    ) {
        let is_active = customer.journey.rows.last().is_some_and(|row| row.time_us >= customer.t0_us);
        self.inactive[customer.variant] += u64::from(!is_active);
    }

    /// Adds what another partial has seen.
    pub(super) fn merge(&mut self, other: Counts) {
        add_all(&mut self.inactive, &other.inactive);
    }
}

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Status {
    /// As it should be.
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

/// One row.
#[derive(Debug)]
pub(super) struct Check<'t> {
    pub(super) experiment: &'t str,
    pub(super) check: &'static str,
    variant: &'t str,
    expected: Option<f64>,
    observed: u64,
    p_value: Option<f64>,
    pub(super) status: Status,
    detail: Option<String>,
}

impl<'t> Check<'t> {
    /// Customers that there should be none of.
    fn count(experiment: &'t str, check: &'static str, observed: u64, status: Status) -> Check<'t> {
        let expected = Some(0.0);
        Check { experiment, check, variant: ALL, expected, observed, p_value: None, status, detail: None }
    }
}

/// The checks of a configured experiment, in the order of the table:
///
/// 1. `no_assignments`: nobody was assigned; then there is no other row.
/// 2. `srm`, by planned variant: analysed customers against the planned weights, with the one p-value of
///    Pearson's χ²; `warn` below 0.01, `fail` below 0.001. A variant of weight 0 isn't in the test.
/// 3. `double_assignment`: customers seen in two variants; `warn` above 0.1 % of those in the window,
///    `fail` above 1 %.
/// 4. `assigned_before_window`: customers whose first assignment is older; `warn` where there are any, for
///    then the table describes a part of the experiment.
/// 5. `unknown_variant`, by variant that the plan doesn't name; `warn`.
/// 6. `no_activity`, by planned variant: customers without a kept row at or after the assignment; `warn`
///    above half of them.
/// 7. `immature`: customers left out of the metric that leaves out most; `warn` above 10 %.
///
/// Variants come by name; `expected` and `observed` are customers.
pub(super) fn of_experiment<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
) -> Vec<Check<'t>> {
    let plan = &*experiment.plan;
    let name = plan.name.as_str();
    if counts.seen() == 0 {
        let detail = Some("the assignment log has no customer of this experiment".to_owned());
        let check = Check::count(name, "no_assignments", 0, Status::Warn);
        return vec![Check { expected: None, detail, ..check }];
    }
    let mut checks = sample_ratio(experiment, counts);
    let in_window = counts.seen() - counts.before_window;
    checks.push(Check {
        detail: percent(counts.double, in_window, "of the customers first assigned in the window"),
        ..Check::count(name, "double_assignment", counts.double, double_status(counts.double, in_window))
    });
    checks.push(Check {
        detail: percent(counts.before_window, counts.seen(), "of all assigned customers: left out"),
        ..Check::count(
            name,
            "assigned_before_window",
            counts.before_window,
            Status::warn_if(counts.before_window > 0),
        )
    });
    let unknown =
        experiment.unknown_variants.iter().zip(&counts.unknown).filter(|(_, customers)| **customers > 0);
    let before = checks.len();
    checks.extend(unknown.map(|(variant, customers)| Check {
        variant,
        detail: Some("not among the planned variants: left out".to_owned()),
        ..Check::count(name, "unknown_variant", *customers, Status::Warn)
    }));
    if checks.len() == before {
        checks.push(Check::count(name, "unknown_variant", 0, Status::Ok));
    }
    for at in experiment.variants_by_name() {
        let (inactive, customers) = (counts.health.inactive[at], counts.variants[at].customers());
        let suspicious = exceeds(inactive, customers, INACTIVE_WARN_ABOVE);
        checks.push(Check {
            variant: &plan.weights[at].0,
            expected: None,
            detail: percent(inactive, customers, "without a row at or after assignment"),
            ..Check::count(name, "no_activity", inactive, Status::warn_if(suspicious))
        });
    }
    checks.push(immature(context, experiment, counts));
    checks
}

/// An experiment in the log that the plan doesn't name: `not_configured`.
pub(super) fn not_configured(name: &str, customers: u64) -> Check<'_> {
    let detail = Some("in the assignment log, but not configured".to_owned());
    let check = Check::count(name, "not_configured", customers, Status::Warn);
    Check { expected: None, detail, ..check }
}

fn sample_ratio<'t>(experiment: &'t Experiment<'_>, counts: &ExperimentCounts) -> Vec<Check<'t>> {
    let plan = &*experiment.plan;
    let customers: Vec<u64> = counts.variants.iter().map(VariantCounts::customers).collect();
    let weights: Vec<f64> = plan.weights.iter().map(|(_, weight)| *weight).collect();
    let test = srm::sample_ratio(&customers, &weights);
    let tested = || customers.iter().zip(&weights).filter(|(_, weight)| **weight > 0.0);
    let total = tested().map(|(customers, _)| *customers).sum::<u64>() as f64;
    let whole: f64 = tested().map(|(_, weight)| *weight).sum();
    let rows = experiment.variants_by_name().into_iter().map(|at| {
        let in_test = weights[at] > 0.0;
        let (p_value, status, detail) = match test {
            _ if !in_test => (None, Status::Ok, Some("planned weight 0: not in the test".to_owned())),
            Ok(test) => (Some(test.p_value), status_of(test.status(1)), None),
            Err(reason) => (None, Status::Warn, Some(format!("can't be tested: {reason}"))),
        };
        Check {
            variant: &plan.weights[at].0,
            expected: in_test.then(|| total * (weights[at] / whole)),
            p_value,
            detail,
            ..Check::count(&plan.name, "srm", customers[at], status)
        }
    });
    rows.collect()
}

fn status_of(status: SampleRatioStatus) -> Status {
    match status {
        SampleRatioStatus::Pass => Status::Ok,
        SampleRatioStatus::Warn => Status::Warn,
        SampleRatioStatus::Fail => Status::Fail,
    }
}

fn double_status(double: u64, in_window: u64) -> Status {
    match double {
        _ if exceeds(double, in_window, DOUBLE_FAIL_ABOVE) => Status::Fail,
        _ => Status::warn_if(exceeds(double, in_window, DOUBLE_WARN_ABOVE)),
    }
}

/// The worst of the metric windows; the detail names each.
fn immature<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
) -> Check<'t> {
    let plan = &*experiment.plan;
    let mut worst = 0;
    let mut details = Vec::new();
    for metric in experiment.metrics.iter().map(|at| &context.plan.metrics[*at]) {
        let Some(window_us) = metric.window_us else { continue };
        let needed = experiment.windows_needed(Some(window_us));
        let immature = counts.variants.iter().map(|variant| variant.immature(needed)).sum::<u64>();
        worst = worst.max(immature);
        let days = window_us as f64 / DAY_US as f64;
        details.push(format!("{} ({days} d): {immature}", metric.name));
    }
    let suspicious = exceeds(worst, counts.analysed(), IMMATURE_WARN_ABOVE);
    Check {
        expected: None,
        detail: (!details.is_empty()).then(|| details.join("; ")),
        ..Check::count(&plan.name, "immature", worst, Status::warn_if(suspicious))
    }
}

/// Whether a part is more than this share of a whole.
fn exceeds(part: u64, whole: u64, limit: f64) -> bool {
    part as f64 > limit * whole as f64
}

/// `1.25 % of whom`; None for an empty whole.
fn percent(part: u64, whole: u64, of_whom: &str) -> Option<String> {
    (whole > 0).then(|| format!("{:.2} % {of_whom}", 100.0 * part as f64 / whole as f64))
}

/// The table: experiments by name, checks in their fixed order, variants by name.
pub(super) fn frame(checks: &[Check<'_>]) -> Result<NamedFrame, PolarsError> {
    let columns = vec![
        texts("experiment", checks, |row| Some(row.experiment)),
        texts("check", checks, |row| Some(row.check)),
        texts("variant", checks, |row| Some(row.variant)),
        floats("expected", checks, |row| row.expected),
        floats("observed", checks, |row| Some(row.observed as f64)),
        floats("p_value", checks, |row| row.p_value),
        texts("status", checks, |row| Some(row.status.as_str())),
        texts("detail", checks, |row| row.detail.as_deref()),
    ];
    Ok((TABLE, DataFrame::new(checks.len(), columns)?))
}
