//! Does the effect wear off, or grow? The difference to the control by week since exposure.
//!
//! A novelty or primacy effect shows as a difference that changes with the time since exposure (Kohavi, Tang &
//! Xu 2020, ch. 3; Sadeghi et al. 2021). Weeks of different customers can't be compared: those exposed early
//! have more of them. So the test takes those whose first two weeks are over, and of each the change
//! from the first to the second.
//!
//! Where the metric itself fades after exposure, as what customers do once only, a difference fades with it; where
//! it fades while the difference stays, the lift grows. Neither is news. So the effect has to change both ways: as a
//! difference (Welch's test of the change of each customer) and as a relative lift (delta method). The larger of the
//! two p-values is that of the test that both changed (Berger 1982, intersection–union), Bonferroni over the variants.

use std::ops::Range;

use crate::analyses::Context;
use crate::analyses::experiments::population::{Experiment, Exposed};
use crate::analyses::experiments::quantities;
use crate::analyses::suppression::is_withheld;
use crate::config::plan::{DAY_US, ExperimentPlan, MetricKind, MetricPlan, Quantity};
use crate::journey::Rules;
use crate::stats::{Arm, Estimate, Joint, Reason, difference_of_means, welch};

use super::{Check, Status};

/// So many weeks since exposure are followed.
pub(super) const WEEKS: usize = 8;
/// Length of one.
const WEEK_US: i64 = 7 * DAY_US;
/// Below this p-value, after Bonferroni over the variants, the effect isn't the same in the second week.
const WARN_BELOW: f64 = 0.01;

/// The metric by week since exposure: the first goal that is a proportion or a mean, whatever its window. A bound that is
/// an amount caps each week.
#[derive(Debug, Clone)]
pub(super) struct Counts {
    /// Index into `Plan::metrics`.
    metric: usize,
    /// By planned variant.
    arms: Vec<ArmWeeks>,
}

/// One variant.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct ArmWeeks {
    /// Customers by how many of their weeks are over.
    over: [u64; WEEKS + 1],
    /// Of the customers for whom the week is over.
    weeks: [Week; WEEKS],
    /// The first week of the customers for whom the second is over as well.
    first_of_two: Week,
    /// First week, second week, and the second less the first, of the same customers: those who have nothing in
    /// either are in `over` alone.
    two: Joint<3>,
}

/// A week of a variant's customers.
#[derive(Debug, Clone, Copy, Default)]
struct Week {
    /// Customers for whom it isn't zero.
    with: u64,
    /// 0 or 1, rows, minor units or millionths.
    sum: i128,
}

impl Week {
    #[inline]
    fn add(&mut self, value: i64) {
        self.with += u64::from(value != 0);
        self.sum += i128::from(value);
    }

    fn merge(&mut self, other: &Week) {
        self.with += other.with;
        self.sum += other.sum;
    }
}

impl ArmWeeks {
    /// Adds a customer whose first `over` weeks are over, with the metric in each of them.
    pub(super) fn add(&mut self, over: usize, values: &[i64; WEEKS]) {
        self.over[over] += 1;
        for (week, value) in self.weeks[..over].iter_mut().zip(values) {
            week.add(*value);
        }
        if over >= 2 && (values[0] != 0 || values[1] != 0) {
            self.first_of_two.add(values[0]);
            self.two.add([values[0], values[1], values[1].saturating_sub(values[0])]);
        }
    }

    fn merge(&mut self, other: &ArmWeeks) {
        self.over.iter_mut().zip(&other.over).for_each(|(own, other)| *own += other);
        self.weeks.iter_mut().zip(&other.weeks).for_each(|(own, other)| own.merge(other));
        self.first_of_two.merge(&other.first_of_two);
        self.two.merge(&other.two);
    }

    /// Customers for whom so many weeks are over.
    fn customers(&self, weeks: usize) -> u64 {
        self.over[weeks..].iter().sum()
    }

    /// Both weeks of all for whom they are over.
    fn two(&self) -> Joint<3> {
        let mut two = self.two;
        two.add_zeros(self.customers(2).saturating_sub(two.n));
        two
    }
}

impl Counts {
    /// Of the metric that an experiment is followed by; None without one.
    pub(super) fn new(metrics: &[MetricPlan], plan: &ExperimentPlan) -> Option<Counts> {
        let metric = plan.metrics.iter().copied().find(|at| followed(&metrics[*at]).is_some())?;
        Some(Counts { metric, arms: vec![ArmWeeks::default(); plan.weights.len()] })
    }

    /// Adds an analysed customer.
    #[inline]
    pub(super) fn observe(&mut self, metrics: &[MetricPlan], customer: &Exposed<'_>, rules: &Rules) {
        let Exposed { variant, t0_us, .. } = *customer;
        let over = ((rules.to_us.saturating_sub(t0_us)).max(0) / WEEK_US).min(WEEKS as i64) as usize;
        let arm = &mut self.arms[variant];
        let metric = &metrics[self.metric];
        let Some(quantity) = followed(metric) else { return };
        // Most have nothing, and are counted only.
        if over == 0 || !quantities::occurs(quantity, customer, rules, weeks(t0_us, 0..over)) {
            arm.over[over] += 1;
            return;
        }
        let mut values = [0; WEEKS];
        for (week, value) in values[..over].iter_mut().enumerate() {
            *value = quantities::figure(metric, customer, rules, weeks(t0_us, week..week + 1));
        }
        arm.add(over, &values);
    }

    /// Adds what another partial has seen.
    pub(super) fn merge(&mut self, other: &Counts) {
        self.arms.iter_mut().zip(&other.arms).for_each(|(own, other)| own.merge(other));
    }

    /// That of a test, by planned variant.
    #[cfg(test)]
    pub(super) fn of_arms(metric: usize, arms: Vec<ArmWeeks>) -> Counts {
        Counts { metric, arms }
    }
}

/// The quantity of a metric that can be followed from week to week.
fn followed(metric: &MetricPlan) -> Option<Quantity> {
    match metric.kind {
        MetricKind::Proportion(quantity) | MetricKind::Mean(quantity) => Some(quantity),
        MetricKind::Ratio { .. } | MetricKind::Quantile { .. } => None,
    }
}

/// So many of the integers that are summed are one unit of the metric.
fn per_unit(metric: &MetricPlan, minor_per_unit: i64) -> i64 {
    match metric.kind {
        MetricKind::Mean(quantity) => quantity.per_unit(minor_per_unit),
        _ => 1,
    }
}

/// The instants of some weeks since exposure.
fn weeks(t0_us: i64, weeks: Range<usize>) -> Range<i64> {
    let start_of = |week: usize| t0_us.saturating_add(week as i64 * WEEK_US);
    start_of(weeks.start)..start_of(weeks.end)
}

/// `novelty`, by every variant but the control: `expected` is the difference to the control in the first week,
/// `observed` in the second, of the customers for whom both are over; `warn` where p < 0.01 after Bonferroni over
/// the variants: the effect wears off, or grows, both as a difference and as a lift. The detail lists every week that
/// is over: the first two as they are tested, a later one of the customers for whom it is over, so that those are others. Without such a metric there is one row
/// that says so.
pub(super) fn checks<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: Option<&Counts>,
) -> Vec<Check<'t>> {
    let plan = &*experiment.plan;
    let check = || Check::new(&plan.name, "novelty", Status::Ok);
    let Some(counts) = counts else {
        let detail = Some("no goal is a proportion or a mean: not followed by week".to_owned());
        return vec![Check { detail, ..check() }];
    };
    let metric = &context.plan.metrics[counts.metric];
    let Some(control) = plan.weights.iter().position(|(name, _)| *name == plan.control) else {
        return Vec::new();
    };
    let per_unit = per_unit(metric, context.plan.job.currency.minor_per_unit());
    let others: Vec<usize> = experiment.variants_by_name().into_iter().filter(|at| *at != control).collect();
    let of_control = counts.arms[control].two();
    let changes: Vec<Result<f64, Reason>> =
        others.iter().map(|at| p_of_change(&of_control, &counts.arms[*at].two())).collect();
    let tests = changes.iter().filter(|change| change.is_ok()).count();
    let rows = others.iter().zip(changes).map(|(at, change)| {
        let pair = Pair {
            arms: [&counts.arms[control], &counts.arms[*at]],
            per_unit,
            min_customers: context.plan.segments.min_customers,
        };
        let p_value = change.ok().map(|p_value| (p_value * tests as f64).min(1.0));
        let is_shown = pair.is_shown(2, |arm| arm.first_of_two) && pair.is_shown(2, |arm| arm.weeks[1]);
        let mut detail = format!("{}, variant less control: {}", metric.name, pair.by_week());
        if let Err(reason) = change {
            detail.push_str(&format!("; the first two can't be compared: {reason}"));
        }
        Check {
            variant: &plan.weights[*at].0,
            expected: pair.difference(2, |arm| arm.first_of_two).filter(|_| is_shown),
            observed: pair.difference(2, |arm| arm.weeks[1]).filter(|_| is_shown),
            p_value: p_value.filter(|_| is_shown),
            status: Status::warn_if(p_value.is_some_and(|p| p < WARN_BELOW)),
            detail: Some(detail),
            ..check()
        }
    });
    rows.collect()
}

/// p of the test that the effect isn't the same in the second week as in the first, neither as a difference nor as a
/// lift.
fn p_of_change(control: &Joint<3>, variant: &Joint<3>) -> Result<f64, Reason> {
    let difference = welch::difference(&control.arm(2, 1)?, &variant.arm(2, 1)?)?;
    let lift = change_of_lift(control, variant)?;
    Ok(difference.p_value().max(lift.p_value()))
}

/// `T₂/C₂ − T₁/C₁` with the variances of `x₂/C₂ − x₁/C₁` over the variant and `T₂x₂/C₂² − T₁x₁/C₁²` over the control.
fn change_of_lift(control: &Joint<3>, variant: &Joint<3>) -> Result<Estimate, Reason> {
    let means = |arm: &Joint<3>| Some([arm.mean(0, 1)?, arm.mean(1, 1)?]);
    let ([c1, c2], [t1, t2]) = means(control).zip(means(variant)).ok_or(Reason::TooFew)?;
    if c1 == 0.0 || c2 == 0.0 {
        return Err(Reason::ZeroControlMean);
    }
    let variance = |arm: &Joint<3>, [first, second]: [f64; 2]| -> Result<f64, Reason> {
        let [v11, v22, v12] = [arm.variance(0, 1)?, arm.variance(1, 1)?, arm.covariance(0, 1, [1, 1])?];
        Ok(second * second * v22 + first * first * v11 - 2.0 * first * second * v12)
    };
    let of_variant = variance(variant, [1.0 / c1, 1.0 / c2])?;
    let of_control = variance(control, [t1 / (c1 * c1), t2 / (c2 * c2)])?;
    welch::difference(
        &Arm { n: control.n, mean: t1 / c1, variance: of_control },
        &Arm { n: variant.n, mean: t2 / c2, variance: of_variant },
    )
}

/// Control and variant.
struct Pair<'c> {
    arms: [&'c ArmWeeks; 2],
    per_unit: i64,
    min_customers: u64,
}

impl Pair<'_> {
    /// Variant less control in a week, per customer for whom so many weeks are over, in units.
    fn difference(&self, over: usize, week: impl Fn(&ArmWeeks) -> Week) -> Option<f64> {
        let [control, variant] = self.arms.map(|arm| (week(arm).sum, arm.customers(over)));
        difference_of_means(variant, control, self.per_unit)
    }

    /// Whether no figure of a week would give away what one or two customers did, or all but them.
    fn is_shown(&self, over: usize, week: impl Fn(&ArmWeeks) -> Week) -> bool {
        self.arms.iter().all(|arm| !is_withheld(week(arm).with, arm.customers(over), self.min_customers))
    }

    /// `week 1 +0.0766 (21307 and 21306 customers), week 2 …`. The first two are those of the test, of the same
    /// customers, where there are any for whom both are over.
    fn by_week(&self) -> String {
        let are_two_over = self.arms.iter().all(|arm| arm.customers(2) > 0);
        let weeks = (0..WEEKS).map_while(|week| {
            let is_of_two = week == 0 && are_two_over;
            let over = if is_of_two { 2 } else { week + 1 };
            let figures = |arm: &ArmWeeks| if is_of_two { arm.first_of_two } else { arm.weeks[week] };
            let [control, variant] = self.arms.map(|arm| arm.customers(over));
            let difference = self.difference(over, figures)?;
            let difference = match self.is_shown(over, figures) {
                true => format!("{difference:+.4}"),
                false => "withheld".to_owned(),
            };
            Some(format!("week {} {difference} ({variant} and {control} customers)", week + 1))
        });
        let weeks: Vec<String> = weeks.collect();
        if weeks.is_empty() { "no week is over".to_owned() } else { weeks.join(", ") }
    }
}
