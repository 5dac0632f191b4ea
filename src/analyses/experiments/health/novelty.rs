//! Does the effect wear off, or grow? The difference to the control by week since exposure.
//!
//! A novelty or primacy effect shows as a difference that changes with the time since exposure (Kohavi, Tang &
//! Xu 2020, ch. 3; Sadeghi et al. 2021). Weeks of different customers can't be compared: those exposed early
//! have more of them. So the test takes those whose first two weeks are over, and of each the change
//! from the first to the second: Welch's test of that change between variant and control, Bonferroni over the
//! variants.

use std::ops::Range;

use crate::analyses::Context;
use crate::analyses::experiments::population::{Experiment, Exposed};
use crate::analyses::experiments::quantities;
use crate::analyses::suppression::is_withheld;
use crate::config::plan::{DAY_US, ExperimentPlan, MetricKind, MetricPlan, Quantity};
use crate::journey::Rules;
use crate::stats::{Arm, Estimate, Moments, Reason, welch};

use super::{Check, Status};

/// So many weeks since exposure are followed.
pub(super) const WEEKS: usize = 8;
/// Length of one.
const WEEK_US: i64 = 7 * DAY_US;
/// Below this p-value, after Bonferroni over the variants, the effect isn't the same in the second week.
const WARN_BELOW: f64 = 0.01;

/// The metric by week since exposure: the first goal that is a proportion or a mean, without its window or cap.
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
    /// Second week less the first, of the same customers: those without either are in `over` alone.
    change: Moments,
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
            self.change.add(values[1].saturating_sub(values[0]));
        }
    }

    fn merge(&mut self, other: &ArmWeeks) {
        self.over.iter_mut().zip(&other.over).for_each(|(own, other)| *own += other);
        self.weeks.iter_mut().zip(&other.weeks).for_each(|(own, other)| own.merge(other));
        self.first_of_two.merge(&other.first_of_two);
        self.change.merge(&other.change);
    }

    /// Customers for whom so many weeks are over.
    fn customers(&self, weeks: usize) -> u64 {
        self.over[weeks..].iter().sum()
    }

    /// The change per customer, of all for whom two weeks are over.
    fn arm_of_change(&self, per_unit: f64) -> Result<Arm, Reason> {
        Arm::of_mean(&Moments { n: self.customers(2), ..self.change }, per_unit)
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
        let Some((quantity, is_proportion)) = followed(&metrics[self.metric]) else { return };
        // Most have nothing, and are counted only.
        if over == 0 || !quantities::occurs(quantity, customer, rules, weeks(t0_us, 0..over)) {
            arm.over[over] += 1;
            return;
        }
        let mut values = [0; WEEKS];
        for (week, value) in values[..over].iter_mut().enumerate() {
            *value = value_of(quantity, is_proportion, customer, rules, weeks(t0_us, week..week + 1));
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

/// The quantity of a metric that can be followed from week to week, and whether it is that of a proportion.
fn followed(metric: &MetricPlan) -> Option<(Quantity, bool)> {
    match metric.kind {
        MetricKind::Proportion(quantity) => Some((quantity, true)),
        MetricKind::Mean(quantity) => Some((quantity, false)),
        MetricKind::Ratio { .. } | MetricKind::Quantile { .. } => None,
    }
}

/// The instants of some weeks since exposure.
fn weeks(t0_us: i64, weeks: Range<usize>) -> Range<i64> {
    let start_of = |week: usize| t0_us.saturating_add(week as i64 * WEEK_US);
    start_of(weeks.start)..start_of(weeks.end)
}

fn value_of(
    quantity: Quantity,
    is_proportion: bool,
    customer: &Exposed<'_>,
    rules: &Rules,
    span_us: Range<i64>,
) -> i64 {
    if is_proportion {
        i64::from(quantities::occurs(quantity, customer, rules, span_us))
    } else {
        quantities::sum(quantity, customer, rules, span_us)
    }
}

/// `novelty`, by every variant but the control: `expected` is the difference to the control in the first week,
/// `observed` in the second, of the customers for whom both are over; `warn` where p < 0.01 after Bonferroni over
/// the variants. The detail lists every week that is over, of the customers for whom it is: so those of later weeks
/// are others. Without such a metric there is one row that says so.
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
    let Some((quantity, is_proportion)) = followed(metric) else { return Vec::new() };
    let Some(control) = plan.weights.iter().position(|(name, _)| *name == plan.control) else {
        return Vec::new();
    };
    let per_unit = match is_proportion {
        true => 1.0,
        false => quantity.per_unit(context.plan.job.currency.minor_per_unit()) as f64,
    };
    let others: Vec<usize> = experiment.variants_by_name().into_iter().filter(|at| *at != control).collect();
    let changes: Vec<Result<Estimate, Reason>> =
        others.iter().map(|at| change([&counts.arms[control], &counts.arms[*at]], per_unit)).collect();
    let tests = changes.iter().filter(|change| change.is_ok()).count();
    let rows = others.iter().zip(changes).map(|(at, change)| {
        let pair = Pair {
            arms: [&counts.arms[control], &counts.arms[*at]],
            per_unit,
            min_customers: context.plan.segments.min_customers,
        };
        let p_value = change.ok().map(|change| (change.p_value() * tests as f64).min(1.0));
        let is_shown = pair.is_shown(2, |arm| &arm.first_of_two) && pair.is_shown(2, |arm| &arm.weeks[1]);
        let mut detail = format!("{}, variant less control: {}", metric.name, pair.by_week());
        if let Err(reason) = change {
            detail.push_str(&format!("; the first two can't be compared: {reason}"));
        }
        Check {
            variant: &plan.weights[*at].0,
            expected: pair.difference(2, |arm| &arm.first_of_two).filter(|_| is_shown),
            observed: pair.difference(2, |arm| &arm.weeks[1]).filter(|_| is_shown),
            p_value: p_value.filter(|_| is_shown),
            status: Status::warn_if(p_value.is_some_and(|p| p < WARN_BELOW)),
            detail: Some(detail),
            ..check()
        }
    });
    rows.collect()
}

/// How much the difference to the control changes from the first week to the second.
fn change([control, variant]: [&ArmWeeks; 2], per_unit: f64) -> Result<Estimate, Reason> {
    welch::difference(&control.arm_of_change(per_unit)?, &variant.arm_of_change(per_unit)?)
}

/// Control and variant.
struct Pair<'c> {
    arms: [&'c ArmWeeks; 2],
    per_unit: f64,
    min_customers: u64,
}

impl Pair<'_> {
    /// Variant less control in a week, per customer for whom so many weeks are over, in units.
    fn difference(&self, over: usize, week: impl Fn(&ArmWeeks) -> &Week) -> Option<f64> {
        let mean = |arm: &ArmWeeks| {
            let customers = arm.customers(over);
            (customers > 0).then(|| week(arm).sum as f64 / (customers as f64 * self.per_unit))
        };
        Some(mean(self.arms[1])? - mean(self.arms[0])?)
    }

    /// Whether no figure of a week would give away what one or two customers did, or all but them.
    fn is_shown(&self, over: usize, week: impl Fn(&ArmWeeks) -> &Week) -> bool {
        self.arms.iter().all(|arm| !is_withheld(week(arm).with, arm.customers(over), self.min_customers))
    }

    /// `week 1 +0.0766 (21307 and 21306 customers), week 2 …`.
    fn by_week(&self) -> String {
        let weeks = (0..WEEKS).map_while(|week| {
            let figures = |arm: &'_ ArmWeeks| arm.weeks[week];
            let over = week + 1;
            let [control, variant] = self.arms.map(|arm| arm.customers(over));
            let is_shown = self
                .arms
                .iter()
                .all(|arm| !is_withheld(figures(arm).with, arm.customers(over), self.min_customers));
            let difference = self.difference(over, |arm| &arm.weeks[week])?;
            let difference = if is_shown { format!("{difference:+.4}") } else { "withheld".to_owned() };
            Some(format!("week {over} {difference} ({variant} and {control} customers)"))
        });
        let weeks: Vec<String> = weeks.collect();
        if weeks.is_empty() { "no week is over".to_owned() } else { weeks.join(", ") }
    }
}
