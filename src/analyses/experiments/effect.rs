//! What a variant does to a metric, and what follows from it.
//!
//! - Absolute difference: Welch 1947, Satterthwaite 1946. p, q, sequential bounds and verdict refer to it.
//! - Relative lift: delta method; with it the Bayesian reading, in the metric's good direction.
//! - Sequential bounds: Waudby-Smith et al. (arXiv 2103.06476), for metrics with a window, because without
//!   one the same customer's figure changes from look to look.

use crate::config::plan::{ExperimentPlan, LiftPrior, MetricKind, MetricPlan};
use crate::stats::{
    Arm, ConfidenceSequence, Cuped, Estimate, Interval, Lift, Posterior, Prior, Reason, power, welch,
};

/// Power of the minimum detectable lift and of the customers that are still needed.
const POWER: f64 = 0.8;

/// Variant against control.
#[derive(Debug, Clone, Copy)]
pub(super) struct Effect {
    control: Arm,
    variant: Arm,
    /// Absolute.
    pub(super) difference: Estimate,
    lift: Result<Lift, Reason>,
    is_adjusted: bool,
}

/// The figures of a row; None is not defined.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Reading {
    pub(super) difference: Option<f64>,
    pub(super) difference_interval: Option<Interval>,
    pub(super) p_value: Option<f64>,
    pub(super) sequential_interval: Option<Interval>,
    pub(super) relative_lift: Option<f64>,
    pub(super) lift_interval: Option<Interval>,
    pub(super) chance_to_win: Option<f64>,
    pub(super) expected_loss: Option<f64>,
    pub(super) minimum_detectable_lift: Option<f64>,
    pub(super) customers_needed: Option<u64>,
    /// What a decision goes by: always valid where the experiment is sequential and the metric windowed.
    pub(super) decision_p: Option<f64>,
    /// The interval that goes with it.
    pub(super) decision_interval: Option<Interval>,
    /// Whether it is the sequential one.
    pub(super) is_sequential: bool,
}

impl Effect {
    /// As it was seen, with the difference of the means where it is known more exactly than they are.
    pub(super) fn unadjusted(control: &Arm, variant: &Arm, exact: Option<f64>) -> Result<Effect, Reason> {
        let mut difference = welch::difference(control, variant)?;
        let mut lift = welch::relative_lift(control, variant);
        if let Some(exact) = exact {
            difference.value = exact;
            lift = lift.map(|lift| Lift {
                estimate: Estimate { value: exact / control.mean.abs(), ..lift.estimate },
                ..lift
            });
        }
        Ok(Effect { control: *control, variant: *variant, difference, lift, is_adjusted: false })
    }

    /// The control's unadjusted mean, and with the adjusted difference the variant's.
    pub(super) fn adjusted(cuped: &Cuped) -> Effect {
        let Cuped { control, treatment: variant, difference, lift, .. } = *cuped;
        Effect { control, variant, difference, lift, is_adjusted: true }
    }

    /// Everything that follows; reasons are added for what doesn't.
    pub(super) fn reading(
        &self,
        plan: &ExperimentPlan,
        metric: &MetricPlan,
        reasons: &mut Vec<Reason>,
    ) -> Reading {
        let Effect { control, variant, difference, .. } = self;
        let interval = difference.interval(plan.alpha);
        let mut reading = Reading {
            difference: Some(difference.value),
            difference_interval: Some(interval),
            p_value: Some(difference.p_value()),
            decision_p: Some(difference.p_value()),
            decision_interval: Some(interval),
            ..Reading::default()
        };
        if metric.window_us.is_some() {
            let sequence = ConfidenceSequence::new(plan.alpha, plan.sequential_tuning);
            let customers = control.n + variant.n;
            reading.sequential_interval = sequence.interval(difference, customers);
            if plan.sequential {
                reading.decision_p = Some(sequence.p_value(difference, customers));
                reading.decision_interval = reading.sequential_interval;
                reading.is_sequential = true;
            }
        }
        match self.lift {
            Ok(lift) => {
                let Estimate { value, standard_error, .. } = lift.estimate;
                let posterior = Posterior::of_lift(value, standard_error, prior(plan.prior));
                let posterior = if metric.good_up { posterior } else { posterior.mirrored() };
                reading.relative_lift = Some(lift.estimate.value);
                reading.lift_interval = Some(lift.estimate.interval(plan.alpha));
                reading.chance_to_win = Some(posterior.chance_to_win());
                reading.expected_loss = Some(posterior.expected_loss());
                if lift.approximate {
                    reasons.push(Reason::Approximate);
                }
            }
            Err(reason) => reasons.push(reason),
        }
        match power::minimum_detectable_lift(control, variant, plan.alpha, POWER) {
            Ok(lift) => reading.minimum_detectable_lift = Some(lift),
            Err(reason) => reasons.push(reason),
        }
        reading
    }

    /// Customers that both arms still lack to find the lift that is sought, in the metric's good direction. None where
    /// none is sought, or it can't be reached.
    pub(super) fn customers_needed(&self, plan: &ExperimentPlan, metric: &MetricPlan) -> Option<u64> {
        let Effect { control, variant, .. } = self;
        let target = plan.target_lift.map(|target| if metric.good_up { target } else { -target })?;
        let needed = match metric.kind {
            // How much a rate varies is known also where it will be another.
            MetricKind::Proportion(_) if !self.is_adjusted => {
                power::customers_needed_for_proportion(control, variant, target, plan.alpha, POWER)
            }
            _ => power::customers_needed(control, variant, target, plan.alpha, POWER),
        };
        needed.ok()
    }
}

/// What was believed of the lift itself, whatever direction is good.
fn prior(prior: LiftPrior) -> Prior {
    match prior {
        LiftPrior::Flat => Prior::Flat,
        LiftPrior::Normal { mean, standard_deviation } => Prior::Normal { mean, standard_deviation },
    }
}
