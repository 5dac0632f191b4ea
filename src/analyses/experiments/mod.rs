//! `experiment_results` and `experiment_health`: what each variant did, and whether to believe it.
//!
//! Sums are integers per experiment, variant and metric ([`Moments`]); everything else is their finish.

use polars::prelude::PolarsError;

use crate::config::plan::{ExperimentPlan, MetricKind, MetricOf, MetricPlan, Quantity};
use crate::journey::{Assignment, Journey};
use crate::stats::Moments;

use super::{Analysis, Context, NamedFrame, Observed};

mod health;
mod results;
#[cfg(test)]
mod tests;

/// Compares the variants of each configured experiment on its metrics, and checks its assignments.
///
/// The population is every customer whose first assignment `t0` lies in the window, with zeros where
/// inactive. Left out and counted: customers first assigned before `from`, customers seen in two variants,
/// customers in a variant that the plan doesn't name. A metric takes the conversions with
/// `t0 ≤ t < t0 + window` (to the end of the reporting window where it has none); customers whose window
/// ends after `to` are left out of that metric and counted. Assignments at or after `to` are not read.
///
/// Two frames; their rows and rules are documented with the functions that build them.
#[derive(Debug, Clone)]
pub struct Experiments<'a> {
    context: Context<'a>,
    /// By code of an assignment.
    places: Vec<Place>,
    /// By configured experiment: variants in the data that the plan doesn't name, sorted.
    unknown_variants: Vec<Vec<&'a str>>,
    /// Experiments in the data that the plan doesn't name, sorted.
    not_configured: Vec<&'a str>,
}

/// What an assignment's code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The log names no experiment.
    Nowhere,
    /// Index into `not_configured`.
    NotConfigured(usize),
    /// Index into the plan's experiments, and the variant.
    Configured(usize, Variant),
}

/// A variant of a configured experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Variant {
    /// Index into the plan's weights.
    Planned(usize),
    /// Index into `unknown_variants`.
    Unknown(usize),
}

impl Place {
    /// Tells experiments apart, not variants.
    fn experiment(self) -> Option<(bool, usize)> {
        match self {
            Place::Nowhere => None,
            Place::NotConfigured(at) => Some((false, at)),
            Place::Configured(at, _) => Some((true, at)),
        }
    }
}

/// What was counted.
#[derive(Debug, Clone)]
pub struct ExperimentPartial {
    experiments: Vec<ExperimentCounts>,
    /// Customers, by experiment that isn't configured.
    not_configured: Vec<u64>,
}

/// One experiment.
#[derive(Debug, Clone)]
struct ExperimentCounts {
    before_window: u64,
    double: u64,
    /// By unknown variant.
    unknown: Vec<u64>,
    /// By planned variant.
    variants: Vec<VariantCounts>,
}

/// One variant: its analysed customers.
#[derive(Debug, Clone)]
struct VariantCounts {
    customers: u64,
    /// Without a kept row at or after the assignment.
    inactive: u64,
    /// By metric of the experiment.
    metrics: Vec<MetricSums>,
}

/// One metric of one variant.
#[derive(Debug, Clone, Copy, Default)]
struct MetricSums {
    /// Of mature customers: 0 or 1, a count, or minor units.
    moments: Moments,
    /// Customers whose metric window isn't over.
    immature: u64,
}

impl ExperimentPartial {
    fn add(&mut self, other: &ExperimentPartial) {
        add_all(&mut self.not_configured, &other.not_configured);
        for (experiment, other) in self.experiments.iter_mut().zip(&other.experiments) {
            experiment.before_window += other.before_window;
            experiment.double += other.double;
            add_all(&mut experiment.unknown, &other.unknown);
            for (variant, other) in experiment.variants.iter_mut().zip(&other.variants) {
                variant.customers += other.customers;
                variant.inactive += other.inactive;
                for (metric, other) in variant.metrics.iter_mut().zip(&other.metrics) {
                    metric.moments.merge(&other.moments);
                    metric.immature += other.immature;
                }
            }
        }
    }
}

fn add_all(into: &mut [u64], from: &[u64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
}

impl ExperimentCounts {
    /// Customers whose figures count.
    fn analysed(&self) -> u64 {
        self.variants.iter().map(|variant| variant.customers).sum()
    }

    /// Customers who were seen at all.
    fn seen(&self) -> u64 {
        self.analysed() + self.before_window + self.double + self.unknown.iter().sum::<u64>()
    }
}

impl<'a> Experiments<'a> {
    /// Over the configured experiments and the codes of the assignment log.
    pub fn new(context: Context<'a>) -> Self {
        let book = context.assignments;
        let mut unknown_variants: Vec<Vec<&str>> = vec![Vec::new(); context.plan.experiments.len()];
        let mut not_configured: Vec<&str> = Vec::new();
        // Codes are ranks, so that names come in their order.
        let places = (0..book.len() as u32)
            .map(|code| {
                let Some(experiment) = book.text(code, 0) else { return Place::Nowhere };
                let variant = book.text(code, 1).unwrap_or_default();
                let plans = &context.plan.experiments;
                match plans.iter().position(|plan| plan.name == experiment) {
                    Some(at) => {
                        let planned = plans[at].weights.iter().position(|(name, _)| name == variant);
                        let variant = planned.map_or_else(
                            || Variant::Unknown(place_of(&mut unknown_variants[at], variant)),
                            Variant::Planned,
                        );
                        Place::Configured(at, variant)
                    }
                    None => Place::NotConfigured(place_of(&mut not_configured, experiment)),
                }
            })
            .collect();
        Self { context, places, unknown_variants, not_configured }
    }

    /// The metrics of an experiment, in the order of its configuration.
    fn metrics(&self, experiment: &ExperimentPlan) -> impl Iterator<Item = &'a MetricPlan> {
        let plan = self.context.plan;
        experiment.metrics.iter().map(|metric| &plan.metrics[*metric])
    }

    /// Adds a customer to the experiment that the first of these assignments belongs to.
    fn observe_experiment(
        &self,
        observed: Observed<'_>,
        at: usize,
        assignments: &[Assignment],
        counts: &mut ExperimentCounts,
    ) {
        let rules = self.context.rules;
        let variant_of = |assignment: &Assignment| match self.places[assignment.code as usize] {
            Place::Configured(experiment, variant) if experiment == at => Some(variant),
            _ => None,
        };
        let Some(first) = assignments.first() else { return };
        let Some(variant) = variant_of(first) else { return };
        if first.time_us < rules.from_us {
            counts.before_window += 1;
            return;
        }
        if assignments.iter().filter_map(variant_of).any(|other| other != variant) {
            counts.double += 1;
            return;
        }
        let variant = match variant {
            Variant::Planned(variant) => &mut counts.variants[variant],
            Variant::Unknown(variant) => {
                counts.unknown[variant] += 1;
                return;
            }
        };
        variant.customers += 1;
        variant.inactive += u64::from(!is_active(observed.journey, first.time_us));
        let metrics = self.metrics(&self.context.plan.experiments[at]);
        for (sums, metric) in variant.metrics.iter_mut().zip(metrics) {
            let end_us = metric.window_us.map_or(rules.to_us, |window| first.time_us.saturating_add(window));
            if end_us > rules.to_us {
                sums.immature += 1;
            } else {
                sums.moments.add(value_of(metric, observed, first.time_us..end_us));
            }
        }
    }
}

/// Index of a name in a list that it joins at the end where it is new.
fn place_of<'a>(names: &mut Vec<&'a str>, name: &'a str) -> usize {
    names.iter().position(|known| *known == name).unwrap_or_else(|| {
        names.push(name);
        names.len() - 1
    })
}

/// Whether there is a kept row at or after an instant.
fn is_active(journey: &Journey<'_>, time_us: i64) -> bool {
    journey.rows.last().is_some_and(|row| row.time_us >= time_us)
}

/// What a metric is for one customer: 0 or 1, a count, or minor units (saturating at 64 bits).
fn value_of(metric: &MetricPlan, observed: Observed<'_>, span_us: std::ops::Range<i64>) -> i64 {
    let events = |quantity: Quantity| {
        observed.walk.conversions.iter().filter(move |event| {
            Some(event.conversion) == quantity.conversion && span_us.contains(&event.time_us)
        })
    };
    match metric.kind {
        MetricKind::Proportion(quantity) => i64::from(events(quantity).next().is_some()),
        MetricKind::Mean(quantity) if quantity.of == MetricOf::Value => {
            events(quantity).fold(0, |sum, event| sum.saturating_add(event.value_minor))
        }
        MetricKind::Mean(quantity)
        | MetricKind::Ratio { numerator: quantity, .. }
        | MetricKind::Quantile { of: quantity, .. } => {
            i64::try_from(events(quantity).count()).unwrap_or(i64::MAX)
        }
    }
}

impl Analysis for Experiments<'_> {
    type Partial = ExperimentPartial;

    fn partial(&self) -> ExperimentPartial {
        let experiments = self.context.plan.experiments.iter().zip(&self.unknown_variants);
        let experiments = experiments.map(|(plan, unknown)| {
            let metrics = vec![MetricSums::default(); plan.metrics.len()];
            let variant = VariantCounts { customers: 0, inactive: 0, metrics };
            ExperimentCounts {
                before_window: 0,
                double: 0,
                unknown: vec![0; unknown.len()],
                variants: vec![variant; plan.weights.len()],
            }
        });
        ExperimentPartial {
            experiments: experiments.collect(),
            not_configured: vec![0; self.not_configured.len()],
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut ExperimentPartial) {
        let to_us = self.context.rules.to_us;
        let all = observed.journey.assignments;
        let all = &all[..all.partition_point(|assignment| assignment.time_us < to_us)];
        let place = |assignment: &Assignment| self.places[assignment.code as usize];
        for (at, assignment) in all.iter().enumerate() {
            let experiment = place(assignment).experiment();
            if all[..at].iter().any(|earlier| place(earlier).experiment() == experiment) {
                continue;
            }
            match place(assignment) {
                Place::Nowhere => {}
                Place::NotConfigured(experiment) => partial.not_configured[experiment] += 1,
                Place::Configured(experiment, _) => {
                    let counts = &mut partial.experiments[experiment];
                    self.observe_experiment(observed, experiment, &all[at..], counts);
                }
            }
        }
    }

    fn merge(&self, into: &mut ExperimentPartial, from: ExperimentPartial) {
        into.add(&from);
    }

    fn finish(&self, partials: &[ExperimentPartial]) -> Result<Vec<NamedFrame>, PolarsError> {
        let mut total = self.partial();
        partials.iter().for_each(|partial| total.add(partial));
        let mut order: Vec<usize> = (0..total.experiments.len()).collect();
        order.sort_by_key(|at| &self.context.plan.experiments[*at].name);
        let mut results = Vec::new();
        let mut checks = Vec::new();
        for at in order {
            let (plan, counts) = (&self.context.plan.experiments[at], &total.experiments[at]);
            let own = health::of_experiment(self, plan, counts, &self.unknown_variants[at]);
            results.extend(results::of_experiment(self, plan, counts, &own));
            checks.extend(own);
        }
        let others =
            self.not_configured.iter().zip(&total.not_configured).filter(|(_, customers)| **customers > 0);
        checks.extend(others.map(|(name, customers)| health::not_configured(name, *customers)));
        // Stable: the checks of an experiment keep their order.
        checks.sort_by(|one, other| one.experiment.cmp(other.experiment));
        Ok(vec![results::frame(&results)?, health::frame(&checks)?])
    }
}
