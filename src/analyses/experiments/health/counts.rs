//! What only the checks ask for, of one experiment: integers that merge in any order.

use crate::analyses::Context;
use crate::analyses::experiments::batch::Batch;
use crate::analyses::experiments::population::Experiment;
use crate::analyses::experiments::sums::add_all;
use crate::config::plan::MetricPlan;

use super::novelty;

/// One experiment; what its figures need as well is in
/// [`ExperimentCounts`](crate::analyses::experiments::counts::ExperimentCounts).
#[derive(Debug, Clone)]
pub(in crate::analyses::experiments) struct Counts {
    /// By planned variant.
    pub(super) activity: Vec<Activity>,
    /// By local day of the window.
    pub(super) by_day: ByDay,
    /// None where no goal can be followed from week to week.
    pub(in crate::analyses::experiments) novelty: Option<novelty::Counts>,
}

/// Whether the customers of a variant did anything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Activity {
    /// With a kept row before the assignment.
    pub(super) before: u64,
    /// Without one at or after it.
    pub(super) none_after: u64,
}

/// Customers by local day of the window and planned variant. It ends with the last day that somebody was assigned on.
#[derive(Debug, Clone)]
pub(super) struct ByDay {
    variants: usize,
    /// By day, then variant.
    customers: Vec<u64>,
}

impl ByDay {
    fn new(variants: usize) -> ByDay {
        ByDay { variants, customers: Vec::new() }
    }

    /// Counts a customer.
    #[inline]
    fn add(&mut self, day: usize, variant: usize) {
        let at = day * self.variants + variant;
        if at >= self.customers.len() {
            self.customers.resize((day + 1) * self.variants, 0);
        }
        self.customers[at] += 1;
    }

    fn merge(&mut self, other: &ByDay) {
        if self.customers.len() < other.customers.len() {
            self.customers.resize(other.customers.len(), 0);
        }
        add_all(&mut self.customers, &other.customers);
    }

    /// By day: customers by variant.
    pub(super) fn days(&self) -> impl Iterator<Item = &[u64]> {
        self.customers.chunks_exact(self.variants.max(1))
    }
}

impl Counts {
    /// That have seen nobody.
    pub(in crate::analyses::experiments) fn new(
        context: &Context<'_>,
        experiment: &Experiment<'_>,
    ) -> Counts {
        let variants = experiment.plan.weights.len();
        Counts {
            activity: vec![Activity::default(); variants],
            by_day: ByDay::new(variants),
            novelty: novelty::Counts::new(&context.plan.metrics, &experiment.plan),
        }
    }

    /// Adds analysed customers.
    pub(in crate::analyses::experiments) fn count(&mut self, metrics: &[MetricPlan], batch: &Batch) {
        for exposure in &batch.exposures {
            let variant = exposure.variant as usize;
            let activity = &mut self.activity[variant];
            activity.before += u64::from(exposure.active_before);
            activity.none_after += u64::from(!exposure.active_after);
            self.by_day.add(exposure.day as usize, variant);
        }
        if let Some(novelty) = &mut self.novelty {
            novelty.count(metrics, batch);
        }
    }

    /// Adds what another partial has seen.
    pub(in crate::analyses::experiments) fn merge(&mut self, other: &Counts) {
        for (activity, other) in self.activity.iter_mut().zip(&other.activity) {
            activity.before += other.before;
            activity.none_after += other.none_after;
        }
        self.by_day.merge(&other.by_day);
        if let (Some(novelty), Some(other)) = (&mut self.novelty, &other.novelty) {
            novelty.merge(other);
        }
    }
}
