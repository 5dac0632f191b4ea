//! `experiment_results`: what each variant did to each metric.
//!
//! - Absolute difference: Welch 1947, Satterthwaite 1946. p, q, sequential bounds and verdict refer to it.
//! - Relative lift: delta method; with it the Bayesian reading under a flat prior, in the metric's good
//!   direction.
//! - Sequential bounds: Waudby-Smith et al. (arXiv 2103.06476), for metrics with a window, because without
//!   one the same customer's figure changes from look to look.
//! - q: Holm 1979 or Benjamini & Hochberg 1995 over the metrics × variants of the experiment.

use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::columns::{counts, floats, high, low, texts};
use crate::analyses::{Context, NamedFrame};
use crate::config::plan::{Correction, ExperimentPlan, MetricKind, MetricOf, MetricPlan, Quantity};
use crate::stats::{
    Arm, ConfidenceSequence, Interval, Moments, Posterior, Prior, Reason, multiplicity, power, sequential,
    welch,
};

use super::health::{Check, Status};
use super::population::Experiment;
use super::sums::ExperimentCounts;

/// Name of the table.
const TABLE: &str = "experiment_results";
/// Power of the minimum detectable lift.
const POWER: f64 = 0.8;
/// The rows cover all customers, unadjusted, and goals only: see the columns of the table.
const ADJUSTMENT: &str = "none";
const WHOLE: &str = "all";
const GOAL: &str = "goal";

/// What to make of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Win,
    Lose,
    Flat,
    Undecided,
    Invalid,
}

impl Verdict {
    fn as_str(self) -> &'static str {
        match self {
            Verdict::Win => "win",
            Verdict::Lose => "lose",
            Verdict::Flat => "flat",
            Verdict::Undecided => "undecided",
            Verdict::Invalid => "invalid",
        }
    }
}

/// One row; None is null.
#[derive(Debug)]
pub(super) struct Row<'t> {
    experiment: &'t ExperimentPlan,
    metric: &'t MetricPlan,
    variant: &'t str,
    customers: u64,
    control_customers: u64,
    mean: Option<f64>,
    control_mean: Option<f64>,
    figures: Figures,
    q_value: Option<f64>,
    verdict: Verdict,
    notes: Vec<String>,
}

/// What compares two arms; None is not defined.
#[derive(Debug, Clone, Copy, Default)]
struct Figures {
    difference: Option<f64>,
    difference_interval: Option<Interval>,
    p_value: Option<f64>,
    sequential_interval: Option<Interval>,
    relative_lift: Option<f64>,
    lift_interval: Option<Interval>,
    chance_to_win: Option<f64>,
    expected_loss: Option<f64>,
    minimum_detectable_lift: Option<f64>,
}

/// The rows of an experiment: metrics as configured, every variant but the control by name.
///
/// The verdict is the first that matches: `invalid` where a check failed (the note says which);
/// `undecided` without figures; `win` or `lose` where q ≤ alpha, by the metric's good direction; `flat`
/// where the interval of the difference lies within ± `flat_within` · |control mean|; else `undecided`. It
/// takes the p-value of a look that was fixed in advance: an experiment that is looked at again and again
/// should be read by its sequential bounds.
///
/// Notes: `too_few`, `zero_variance`, `zero_control_mean`, `approximate` (see [`Reason`]),
/// `no_assignments`, and `srm_failed` or `double_assignment_failed`.
pub(super) fn of_experiment<'t>(
    context: &Context<'t>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
    checks: &[Check<'_>],
) -> Vec<Row<'t>> {
    let plan = &*experiment.plan;
    let control = plan.weights.iter().position(|(name, _)| *name == plan.control);
    let minor_per_unit = context.plan.job.currency.minor_per_unit() as f64;
    let moments = |variant: Option<usize>, metric: usize| {
        variant.map_or_else(Moments::default, |variant| counts.variants[variant].metrics[metric])
    };
    let mut rows = Vec::new();
    for (at, metric) in experiment.metrics.iter().map(|at| &context.plan.metrics[*at]).enumerate() {
        for variant in experiment.variants_by_name().into_iter().filter(|variant| Some(*variant) != control) {
            let arms = [moments(control, at), moments(Some(variant), at)];
            let mut row = compare(plan, metric, arms, minor_per_unit);
            row.variant = &plan.weights[variant].0;
            if counts.seen() == 0 {
                row.notes = vec!["no_assignments".to_owned()];
            }
            rows.push(row);
        }
    }
    correct(plan.correction, &mut rows);
    let mut failed: Vec<String> = checks
        .iter()
        .filter(|check| check.status == Status::Fail)
        .map(|check| format!("{}_failed", check.check))
        .collect();
    failed.dedup();
    for row in &mut rows {
        row.verdict = if failed.is_empty() { verdict(row) } else { Verdict::Invalid };
        row.notes.extend_from_slice(&failed);
    }
    rows
}

/// One variant against the control, before correction and verdict.
fn compare<'t>(
    plan: &'t ExperimentPlan,
    metric: &'t MetricPlan,
    [control, variant]: [Moments; 2],
    minor_per_unit: f64,
) -> Row<'t> {
    let minor_per_unit = match metric.kind {
        MetricKind::Mean(Quantity { of: MetricOf::Value, .. }) => minor_per_unit,
        _ => 1.0,
    };
    let mut reasons = Vec::new();
    let figures = figures(plan, metric, [&control, &variant], minor_per_unit, &mut reasons);
    if control.n > 0 && control.sum == 0 {
        reasons.push(Reason::ZeroControlMean);
    }
    reasons.sort_unstable();
    reasons.dedup();
    Row {
        experiment: plan,
        metric,
        variant: "",
        customers: variant.n,
        control_customers: control.n,
        mean: variant.mean(minor_per_unit),
        control_mean: control.mean(minor_per_unit),
        figures,
        q_value: None,
        verdict: Verdict::Undecided,
        notes: reasons.iter().map(Reason::to_string).collect(),
    }
}

fn figures(
    plan: &ExperimentPlan,
    metric: &MetricPlan,
    [control, variant]: [&Moments; 2],
    minor_per_unit: f64,
    reasons: &mut Vec<Reason>,
) -> Figures {
    let mut figures = Figures::default();
    let arms = (arm(metric.kind, control, minor_per_unit), arm(metric.kind, variant, minor_per_unit));
    let (control, variant) = match arms {
        (Ok(control), Ok(variant)) => (control, variant),
        (control, variant) => {
            reasons.extend([control, variant].into_iter().filter_map(Result::err));
            return figures;
        }
    };
    match welch::difference(&control, &variant) {
        Ok(difference) => {
            figures.difference = Some(difference.value);
            figures.difference_interval = Some(difference.interval(plan.alpha));
            figures.p_value = Some(difference.p_value());
            if metric.window_us.is_some() {
                let sequence = ConfidenceSequence::new(plan.alpha, sequential::DEFAULT_TUNING_CUSTOMERS);
                figures.sequential_interval = sequence.interval(&difference, control.n + variant.n);
            }
        }
        Err(reason) => reasons.push(reason),
    }
    match welch::relative_lift(&control, &variant) {
        Ok(lift) => {
            let good = if metric.good_up { lift.estimate.value } else { -lift.estimate.value };
            let posterior = Posterior::of_lift(good, lift.estimate.standard_error, Prior::Flat);
            figures.relative_lift = Some(lift.estimate.value);
            figures.lift_interval = Some(lift.estimate.interval(plan.alpha));
            figures.chance_to_win = Some(posterior.chance_to_win());
            figures.expected_loss = Some(posterior.expected_loss());
            if lift.approximate {
                reasons.push(Reason::Approximate);
            }
        }
        Err(reason) => reasons.push(reason),
    }
    match power::minimum_detectable_lift(&control, &variant, plan.alpha, POWER) {
        Ok(lift) => figures.minimum_detectable_lift = Some(lift),
        Err(reason) => reasons.push(reason),
    }
    figures
}

fn arm(kind: MetricKind, moments: &Moments, minor_per_unit: f64) -> Result<Arm, Reason> {
    match kind {
        MetricKind::Mean(_) | MetricKind::Ratio { .. } | MetricKind::Quantile { .. } => {
            Arm::of_mean(moments, minor_per_unit)
        }
        MetricKind::Proportion(_) => {
            Arm::of_proportion(u64::try_from(moments.sum).map_err(|_| Reason::Undefined)?, moments.n)
        }
    }
}

fn correct(correction: Correction, rows: &mut [Row<'_>]) {
    let p_values: Vec<Option<f64>> = rows.iter().map(|row| row.figures.p_value).collect();
    let q_values = match correction {
        Correction::BenjaminiHochberg => multiplicity::benjamini_hochberg(&p_values),
        Correction::Holm => multiplicity::holm(&p_values),
        Correction::None => p_values,
    };
    rows.iter_mut().zip(q_values).for_each(|(row, q_value)| row.q_value = q_value);
}

/// The verdict of an experiment whose checks hold.
fn verdict(row: &Row<'_>) -> Verdict {
    let (Some(q_value), Some(difference), Some(interval), Some(control_mean)) =
        (row.q_value, row.figures.difference, row.figures.difference_interval, row.control_mean)
    else {
        return Verdict::Undecided;
    };
    if q_value <= row.experiment.alpha {
        return if (difference > 0.0) == row.metric.good_up { Verdict::Win } else { Verdict::Lose };
    }
    let flat = row
        .experiment
        .flat_within
        .is_some_and(|within| interval.within(&Interval::around(0.0, within * control_mean.abs())));
    if flat { Verdict::Flat } else { Verdict::Undecided }
}

/// The table, from its rows in order.
pub(super) fn frame(rows: &[Row<'_>]) -> Result<NamedFrame, PolarsError> {
    let notes: Vec<Option<String>> =
        rows.iter().map(|row| (!row.notes.is_empty()).then(|| row.notes.join("; "))).collect();
    let columns = vec![
        texts("experiment", rows, |row| Some(row.experiment.name.as_str())),
        texts("metric", rows, |row| Some(row.metric.name.as_str())),
        texts("variant", rows, |row| Some(row.variant)),
        texts("adjustment", rows, |_| Some(ADJUSTMENT)),
        texts("dimension", rows, |_| Some(WHOLE)),
        texts("segment", rows, |_| Some(WHOLE)),
        texts("role", rows, |_| Some(GOAL)),
        texts("control", rows, |row| Some(row.experiment.control.as_str())),
        counts("customers", rows, |row| Some(row.customers)),
        counts("control_customers", rows, |row| Some(row.control_customers)),
        floats("mean", rows, |row| row.mean),
        floats("control_mean", rows, |row| row.control_mean),
        floats("difference", rows, |row| row.figures.difference),
        floats("difference_low", rows, |row| low(row.figures.difference_interval)),
        floats("difference_high", rows, |row| high(row.figures.difference_interval)),
        floats("relative_lift", rows, |row| row.figures.relative_lift),
        floats("relative_lift_low", rows, |row| low(row.figures.lift_interval)),
        floats("relative_lift_high", rows, |row| high(row.figures.lift_interval)),
        floats("p_value", rows, |row| row.figures.p_value),
        floats("q_value", rows, |row| row.q_value),
        floats("sequential_low", rows, |row| low(row.figures.sequential_interval)),
        floats("sequential_high", rows, |row| high(row.figures.sequential_interval)),
        floats("chance_to_win", rows, |row| row.figures.chance_to_win),
        floats("expected_loss", rows, |row| row.figures.expected_loss),
        floats("minimum_detectable_lift", rows, |row| row.figures.minimum_detectable_lift),
        texts("verdict", rows, |row| Some(row.verdict.as_str())),
        texts("note", &notes, |note| note.as_deref()),
    ];
    Ok((TABLE, DataFrame::new(rows.len(), columns)?))
}
