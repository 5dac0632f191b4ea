//! What is added up of an experiment: integers that merge in any order.

use crate::analyses::Context;
use crate::config::plan::{MetricKind, MetricPlan};
use crate::stats::Moments;

use super::health;
use super::population::{Experiment, Exposed, Exposure};
use super::quantities::{occurs, sum};

/// One experiment.
#[derive(Debug, Clone)]
pub(super) struct ExperimentCounts {
    pub(super) before_window: u64,
    pub(super) double: u64,
    /// By unknown variant.
    pub(super) unknown: Vec<u64>,
    /// By planned variant.
    pub(super) variants: Vec<VariantCounts>,
    /// What only the checks ask for.
    pub(super) health: health::Counts,
}

/// One variant: its analysed customers.
#[derive(Debug, Clone)]
pub(super) struct VariantCounts {
    /// By how many of the windows of metrics are over.
    windows_over: Vec<u64>,
    /// By metric of the experiment: 0 or 1, a count, or minor units of customers who count.
    pub(super) metrics: Vec<Moments>,
}

impl VariantCounts {
    /// Customers of the variant.
    pub(super) fn customers(&self) -> u64 {
        self.windows_over.iter().sum()
    }

    /// Customers of whom so many windows are not over.
    pub(super) fn immature(&self, windows_needed: usize) -> u64 {
        self.windows_over[..windows_needed].iter().sum()
    }
}

impl ExperimentCounts {
    /// That has seen nobody.
    pub(super) fn new(context: &Context<'_>, experiment: &Experiment<'_>) -> Self {
        let variant = VariantCounts {
            windows_over: vec![0; experiment.windows_us.len() + 1],
            metrics: vec![Moments::default(); experiment.metrics.len()],
        };
        Self {
            before_window: 0,
            double: 0,
            unknown: vec![0; experiment.unknown_variants.len()],
            variants: vec![variant; experiment.plan.weights.len()],
            health: health::Counts::new(context, experiment),
        }
    }

    /// Customers whose figures count.
    pub(super) fn analysed(&self) -> u64 {
        self.variants.iter().map(VariantCounts::customers).sum()
    }

    /// Customers who were seen at all.
    pub(super) fn seen(&self) -> u64 {
        self.analysed() + self.before_window + self.double + self.unknown.iter().sum::<u64>()
    }

    /// Counts a customer who is left out.
    pub(super) fn leave_out(&mut self, exposure: Exposure) {
        match exposure {
            Exposure::BeforeWindow => self.before_window += 1,
            Exposure::Double => self.double += 1,
            Exposure::Unknown(variant) => self.unknown[variant] += 1,
            Exposure::Counts { .. } => {}
        }
    }

    /// Adds an analysed customer.
    pub(super) fn observe(
        &mut self,
        context: &Context<'_>,
        experiment: &Experiment<'_>,
        customer: &Exposed<'_>,
    ) {
        let variant = &mut self.variants[customer.variant];
        variant.windows_over[customer.windows_over] += 1;
        for (sums, metric) in variant.metrics.iter_mut().zip(&experiment.metrics) {
            let metric = &context.plan.metrics[*metric];
            if experiment.windows_needed(metric.window_us) <= customer.windows_over {
                sums.add(value_of(metric, customer, context.rules.to_us));
            }
        }
        self.health.observe(context, customer);
    }

    /// Adds what another partial has seen.
    pub(super) fn merge(&mut self, other: ExperimentCounts) {
        self.before_window += other.before_window;
        self.double += other.double;
        add_all(&mut self.unknown, &other.unknown);
        for (variant, other) in self.variants.iter_mut().zip(&other.variants) {
            add_all(&mut variant.windows_over, &other.windows_over);
            for (metric, other) in variant.metrics.iter_mut().zip(&other.metrics) {
                metric.merge(other);
            }
        }
        self.health.merge(&other.health);
    }
}

/// Adds counts to counts, place by place.
pub(super) fn add_all(into: &mut [u64], from: &[u64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
}

/// What a metric is for one customer: 0 or 1, a count, or minor units (saturating at 64 bits).
fn value_of(metric: &MetricPlan, customer: &Exposed<'_>, to_us: i64) -> i64 {
    let Exposed { t0_us, journey, walk, .. } = *customer;
    let span_us = t0_us..metric.window_us.map_or(to_us, |window_us| t0_us.saturating_add(window_us));
    match metric.kind {
        MetricKind::Proportion(quantity) => i64::from(occurs(quantity, journey, walk, span_us)),
        MetricKind::Mean(quantity)
        | MetricKind::Ratio { numerator: quantity, .. }
        | MetricKind::Quantile { of: quantity, .. } => sum(quantity, journey, walk, span_us),
    }
}
