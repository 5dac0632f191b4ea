//! What is added up of an experiment: integers that merge in any order.
//!
//! Most customers have zero for most metrics. They are counted once, by how many of the windows of metrics are over
//! for them, and join the sums of each metric when those are taken out.

use crate::analyses::Context;
use crate::config::plan::{Cap, MetricKind, MetricPlan};
use crate::journey::Dimension;
use crate::stats::quantile_effect::Distribution;
use crate::stats::{Binned, Joint};

use super::health;
use super::population::{Experiment, Exposed, Exposure};
use super::quantities::Figures;

/// One experiment.
#[derive(Debug, Clone)]
pub(super) struct ExperimentCounts {
    pub(super) before_window: u64,
    pub(super) double: u64,
    /// By unknown variant.
    pub(super) unknown: Vec<u64>,
    /// By planned variant.
    pub(super) variants: Vec<VariantCounts>,
    /// By configured dimension.
    pub(super) dimensions: Vec<SegmentTable>,
    /// What only the checks ask for.
    pub(super) health: health::Counts,
}

/// One variant: its analysed customers, all of them or those of a segment.
#[derive(Debug, Clone, Default)]
pub(super) struct VariantCounts {
    /// By how many of the windows of metrics are over.
    windows_over: Vec<u64>,
    /// By metric of the experiment: customers who count and have a figure that isn't zero. Empty while nobody has.
    metrics: Vec<MetricSums>,
}

/// The segments of a dimension, as far as there are analysed customers of them.
#[derive(Debug, Clone)]
pub(super) struct SegmentTable {
    /// By segment: its place in `seen`, or [`NOWHERE`].
    places: Vec<u32>,
    /// In the order of their first customers: the segment, and its customers by variant.
    seen: Vec<(u32, Vec<VariantCounts>)>,
}

/// The place of a segment without customers.
const NOWHERE: u32 = u32::MAX;

/// The sums of one metric.
#[derive(Debug, Clone)]
pub(super) enum MetricSums {
    /// Of a proportion or mean: figures since the exposure, and before.
    Mean(Joint<2>),
    /// The same, to be capped at a percentile.
    CappedMean(Box<Binned<2>>),
    /// Of a ratio: numerator and denominator since the exposure, then both before.
    Ratio(Box<Joint<4>>),
    /// The same, numerators since the exposure to be capped at a percentile.
    CappedRatio(Box<Binned<4>>),
    /// Of a quantile.
    Quantile(Distribution),
}

impl MetricSums {
    /// Of nobody.
    pub(super) fn new(metric: &MetricPlan) -> Self {
        let is_capped_later = matches!(metric.cap, Some(Cap::Percentile(_)));
        match metric.kind {
            MetricKind::Quantile { .. } => MetricSums::Quantile(Distribution::default()),
            MetricKind::Ratio { .. } if is_capped_later => MetricSums::CappedRatio(Box::default()),
            MetricKind::Ratio { .. } => MetricSums::Ratio(Box::default()),
            MetricKind::Mean(_) if is_capped_later => MetricSums::CappedMean(Box::default()),
            MetricKind::Proportion(_) | MetricKind::Mean(_) => MetricSums::Mean(Joint::default()),
        }
    }

    fn add(&mut self, figures: &Figures) {
        let Figures { now, denominator_now, before, denominator_before } = *figures;
        match self {
            MetricSums::Mean(joint) => joint.add([now, before]),
            MetricSums::CappedMean(bins) => bins.add([now, before]),
            MetricSums::Ratio(joint) => joint.add([now, denominator_now, before, denominator_before]),
            MetricSums::CappedRatio(bins) => bins.add([now, denominator_now, before, denominator_before]),
            MetricSums::Quantile(distribution) => distribution.add(now),
        }
    }

    fn add_zeros(&mut self, customers: u64) {
        match self {
            MetricSums::Mean(joint) => joint.add_zeros(customers),
            MetricSums::CappedMean(bins) => bins.add_zeros(customers),
            MetricSums::Ratio(joint) => joint.add_zeros(customers),
            MetricSums::CappedRatio(bins) => bins.add_zeros(customers),
            MetricSums::Quantile(distribution) => distribution.add_zeros(customers),
        }
    }

    /// Customers in the sums.
    pub(super) fn customers(&self) -> u64 {
        match self {
            MetricSums::Mean(joint) => joint.n,
            MetricSums::CappedMean(bins) => bins.n(),
            MetricSums::Ratio(joint) => joint.n,
            MetricSums::CappedRatio(bins) => bins.n(),
            MetricSums::Quantile(distribution) => distribution.count(),
        }
    }

    /// Adds the sums of other customers of the same metric.
    pub(super) fn merge(&mut self, other: &MetricSums) {
        match (self, other) {
            (MetricSums::Mean(own), MetricSums::Mean(other)) => own.merge(other),
            (MetricSums::CappedMean(own), MetricSums::CappedMean(other)) => own.merge(other),
            (MetricSums::Ratio(own), MetricSums::Ratio(other)) => own.merge(other),
            (MetricSums::CappedRatio(own), MetricSums::CappedRatio(other)) => own.merge(other),
            (MetricSums::Quantile(own), MetricSums::Quantile(other)) => own.merge(other),
            (own, _) => unreachable!("{own:?} is merged with sums of another metric"),
        }
    }
}

impl VariantCounts {
    fn new(windows: usize) -> Self {
        Self { windows_over: vec![0; windows + 1], metrics: Vec::new() }
    }

    /// Customers of the variant.
    pub(super) fn customers(&self) -> u64 {
        self.windows_over.iter().sum()
    }

    /// Customers of whom fewer windows are over than these.
    pub(super) fn immature(&self, windows_needed: usize) -> u64 {
        self.windows_over[..windows_needed].iter().sum()
    }

    /// Customers of whom at least so many windows are over.
    pub(super) fn mature(&self, windows_needed: usize) -> u64 {
        self.windows_over[windows_needed..].iter().sum()
    }

    /// The sums of a metric of the experiment, those with zeros among them; `at` is its place in
    /// [`Experiment::metrics`].
    pub(super) fn sums(&self, at: usize, metric: &MetricPlan, windows_needed: usize) -> MetricSums {
        let mut sums = self.metrics.get(at).cloned().unwrap_or_else(|| MetricSums::new(metric));
        sums.add_zeros(self.mature(windows_needed) - sums.customers());
        sums
    }

    fn add(&mut self, at: usize, figures: &Figures, empty: &[MetricSums]) {
        if self.metrics.is_empty() {
            self.metrics = empty.to_vec();
        }
        self.metrics[at].add(figures);
    }

    /// Adds other customers of the variant.
    pub(super) fn merge(&mut self, other: VariantCounts) {
        if self.windows_over.is_empty() {
            *self = other;
            return;
        }
        add_all(&mut self.windows_over, &other.windows_over);
        if self.metrics.is_empty() {
            self.metrics = other.metrics;
            return;
        }
        for (metric, other) in self.metrics.iter_mut().zip(&other.metrics) {
            metric.merge(other);
        }
    }
}

impl SegmentTable {
    fn new(dimension: &Dimension) -> Self {
        Self { places: vec![NOWHERE; dimension.segments.len()], seen: Vec::new() }
    }

    #[inline]
    fn variants(&mut self, segment: u32, empty: impl FnOnce() -> Vec<VariantCounts>) -> &mut [VariantCounts] {
        let place = &mut self.places[segment as usize];
        if *place == NOWHERE {
            *place = self.seen.len() as u32;
            self.seen.push((segment, empty()));
        }
        &mut self.seen[*place as usize].1
    }

    /// Segments with analysed customers, and those by variant.
    pub(super) fn segments(&self) -> impl Iterator<Item = (usize, &[VariantCounts])> {
        self.seen.iter().map(|(segment, variants)| (*segment as usize, &variants[..]))
    }

    fn merge(&mut self, other: SegmentTable) {
        for (segment, variants) in other.seen {
            let own = self.variants(segment, || vec![VariantCounts::default(); variants.len()]);
            own.iter_mut().zip(variants).for_each(|(own, other)| own.merge(other));
        }
    }
}

impl ExperimentCounts {
    /// That has seen nobody.
    pub(super) fn new(context: &Context<'_>, experiment: &Experiment<'_>) -> Self {
        Self {
            before_window: 0,
            double: 0,
            unknown: vec![0; experiment.unknown_variants.len()],
            variants: no_customers(experiment),
            dimensions: context.dimensions.iter().map(SegmentTable::new).collect(),
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
        let Exposed { variant, windows_over, segments, .. } = *customer;
        self.variants[variant].windows_over[windows_over] += 1;
        for (table, segment) in self.dimensions.iter_mut().zip(segments) {
            let variants = table.variants(*segment, || no_customers(experiment));
            variants[variant].windows_over[windows_over] += 1;
        }
        self.health.observe(context, customer);
        if !experiment.may_have_figures(customer) {
            return;
        }
        for (at, metric) in experiment.metrics.iter().enumerate() {
            let metric = &context.plan.metrics[*metric];
            if experiment.windows_needed(metric.window_us) > windows_over {
                continue;
            }
            let figures = Figures::of(metric, experiment.plan.pre_period_us, customer, context.rules);
            if figures.are_zero() {
                continue;
            }
            let empty = &experiment.empty;
            self.variants[variant].add(at, &figures, empty);
            for (table, segment) in self.dimensions.iter_mut().zip(segments) {
                let variants = table.variants(*segment, || no_customers(experiment));
                variants[variant].add(at, &figures, empty);
            }
        }
    }

    /// Adds what another partial has seen.
    pub(super) fn merge(&mut self, other: ExperimentCounts) {
        self.before_window += other.before_window;
        self.double += other.double;
        add_all(&mut self.unknown, &other.unknown);
        for (variant, other) in self.variants.iter_mut().zip(other.variants) {
            variant.merge(other);
        }
        for (table, other) in self.dimensions.iter_mut().zip(other.dimensions) {
            table.merge(other);
        }
        self.health.merge(&other.health);
    }
}

/// Nobody, by planned variant.
fn no_customers(experiment: &Experiment<'_>) -> Vec<VariantCounts> {
    vec![VariantCounts::new(experiment.windows_us.len()); experiment.plan.weights.len()]
}

/// Adds counts to counts, place by place.
pub(super) fn add_all(into: &mut [u64], from: &[u64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
}
