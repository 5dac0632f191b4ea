//! The sums of a metric: integers that merge in any order.
//!
//! Most customers have zero for most metrics. They are counted once, by how many of the windows of metrics are over
//! for them, and join the sums of each metric when those are taken out.
//!
//! What came before the exposure is asked for of all customers of an arm only. So sums come in two widths: [`Paired`]
//! of figures since the exposure and before it, and those of segments, which are many and take less than half.

use crate::config::plan::{Cap, MetricKind, MetricPlan};
use crate::stats::quantile_effect::Distribution;
use crate::stats::{Binned, Joint};

use super::quantities::Figures;

/// The sums of one metric: of so many integers per customer, of ratios of so many.
#[derive(Debug, Clone)]
pub(super) enum MetricSums<const ONE: usize, const RATIO: usize> {
    /// Of a proportion or mean.
    Mean(Joint<ONE>),
    /// The same, to be capped at a percentile.
    CappedMean(Box<Binned<ONE>>),
    /// Of a ratio: numerator and denominator, both since the exposure before both before it.
    Ratio(Box<Joint<RATIO>>),
    /// The same, numerators since the exposure to be capped at a percentile.
    CappedRatio(Box<Binned<RATIO>>),
    /// Of a quantile: figures since the exposure.
    Quantile(Distribution),
}

/// Of figures since the exposure, and before.
pub(super) type Paired = MetricSums<2, 4>;

impl<const ONE: usize, const RATIO: usize> MetricSums<ONE, RATIO> {
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

    /// Adds customers.
    fn add<'f>(&mut self, figures: impl Iterator<Item = &'f Figures>) {
        match self {
            MetricSums::Mean(joint) => joint.merge(&of_all(figures.map(|own| leading(own.one())))),
            MetricSums::CappedMean(bins) => figures.for_each(|own| bins.add(leading(own.one()))),
            MetricSums::Ratio(joint) => joint.merge(&of_all(figures.map(|own| leading(own.two())))),
            MetricSums::CappedRatio(bins) => figures.for_each(|own| bins.add(leading(own.two()))),
            MetricSums::Quantile(distribution) => figures.for_each(|own| distribution.add(own.one()[0])),
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
    pub(super) fn merge(&mut self, other: &Self) {
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

/// The sums of customers, in registers until they are complete.
#[inline]
fn of_all<const K: usize>(customers: impl Iterator<Item = [i64; K]>) -> Joint<K> {
    let mut joint = Joint::default();
    customers.for_each(|values| joint.add(values));
    joint
}

/// The first so many.
#[inline]
fn leading<const N: usize, const ALL: usize>(values: [i64; ALL]) -> [i64; N] {
    std::array::from_fn(|at| values[at])
}

/// One variant: its analysed customers, all of them or those of a segment.
#[derive(Debug, Clone, Default)]
pub(super) struct VariantCounts<const ONE: usize, const RATIO: usize> {
    /// By how many of the windows of metrics are over.
    windows_over: Vec<u64>,
    /// By metric of the experiment: customers who count and have a figure that isn't zero. Empty while nobody has.
    metrics: Vec<MetricSums<ONE, RATIO>>,
}

impl<const ONE: usize, const RATIO: usize> VariantCounts<ONE, RATIO> {
    /// Nobody, of an experiment with metrics of so many windows.
    pub(super) fn new(windows: usize) -> Self {
        Self { windows_over: vec![0; windows + 1], metrics: Vec::new() }
    }

    /// Counts a customer of whom so many windows are over.
    #[inline]
    pub(super) fn count(&mut self, windows_over: u32) {
        self.windows_over[windows_over as usize] += 1;
    }

    /// Counts customers, by how many windows are over.
    pub(super) fn count_all(&mut self, windows_over: &[u64]) {
        add_all(&mut self.windows_over, windows_over);
    }

    /// What was added up of a metric, which stands at a place among `all`.
    pub(super) fn metric(&mut self, at: usize, all: &[&MetricPlan]) -> &mut MetricSums<ONE, RATIO> {
        if self.metrics.is_empty() {
            self.metrics.extend(all.iter().map(|metric| MetricSums::new(metric)));
        }
        &mut self.metrics[at]
    }

    /// Adds what customers have of a metric, which stands at a place among `all`.
    pub(super) fn add<'f>(
        &mut self,
        at: usize,
        figures: impl Iterator<Item = &'f Figures>,
        all: &[&MetricPlan],
    ) {
        self.metric(at, all).add(figures);
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
    /// [`Experiment::metrics`](super::population::Experiment::metrics).
    pub(super) fn sums(
        &self,
        at: usize,
        metric: &MetricPlan,
        windows_needed: usize,
    ) -> MetricSums<ONE, RATIO> {
        let mut sums = self.metrics.get(at).cloned().unwrap_or_else(|| MetricSums::new(metric));
        sums.add_zeros(self.mature(windows_needed) - sums.customers());
        sums
    }

    /// Adds other customers of the variant.
    pub(super) fn merge(&mut self, other: VariantCounts<ONE, RATIO>) {
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

/// Adds counts to counts, place by place.
pub(super) fn add_all(into: &mut [u64], from: &[u64]) {
    into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
}
