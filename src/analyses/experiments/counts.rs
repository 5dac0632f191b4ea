//! What is added up of an experiment: all of it and by segment.

use crate::analyses::Context;
use crate::config::plan::MetricPlan;
use crate::journey::Dimension;

use super::batch::{Batch, Runs, Waiting};
use super::health::{self, novelty};
use super::population::{Experiment, Exposed, Exposure};
use super::quantities::Figures;
use super::sums::{VariantCounts, add_all};
use super::tuples::{CellSums, TupleCounts};

/// One experiment.
#[derive(Debug, Clone)]
pub(super) struct ExperimentCounts {
    pub(super) before_window: u64,
    pub(super) double: u64,
    /// By unknown variant.
    pub(super) unknown: Vec<u64>,
    /// By planned variant.
    pub(super) variants: Vec<WholeCounts>,
    /// By configured dimension.
    pub(super) dimensions: Vec<SegmentTable>,
    /// What isn't in those yet, by group of dimensions: an exposure is counted once, not once per dimension.
    groups: Vec<TupleCounts>,
    /// What only the checks ask for.
    pub(super) health: health::Counts,
    /// Analysed customers who aren't in any of these yet.
    batch: Batch,
    /// Of the batch at hand, by variant. Scratch.
    runs: Runs,
    /// By exposure of the batch with sums: the figures of the metric at hand. Scratch.
    figures: Vec<Figures>,
}

/// All customers of a variant: figures since the exposure and before.
pub(super) type WholeCounts = VariantCounts<2, 4>;
/// Customers of a segment and variant: figures since the exposure.
pub(super) type SegmentCounts = VariantCounts<1, 2>;

/// The segments of a dimension, as far as there are analysed customers of them.
#[derive(Debug, Clone)]
pub(super) struct SegmentTable {
    /// Planned variants, at least one.
    variants: usize,
    /// By segment: its place in `seen`, or [`NOWHERE`].
    places: Vec<u32>,
    /// In the order of their first customers.
    seen: Vec<u32>,
    /// By those, then planned variant.
    cells: Vec<SegmentCounts>,
    /// By exposure of the batch at hand with sums: index into `cells`. Scratch.
    cell_of: Vec<u32>,
    /// Of the batch at hand. Scratch.
    runs: Runs,
}

/// The place of a segment without customers.
const NOWHERE: u32 = u32::MAX;

impl SegmentTable {
    fn new(dimension: &Dimension, variants: usize) -> Self {
        let places = vec![NOWHERE; dimension.segments.len()];
        Self {
            variants: variants.max(1),
            places,
            seen: Vec::new(),
            cells: Vec::new(),
            cell_of: Vec::new(),
            runs: Runs::default(),
        }
    }

    /// Where the cells of a segment begin, by variant.
    #[inline]
    fn start_of(&mut self, segment: u32, windows: usize) -> usize {
        let place = &mut self.places[segment as usize];
        if *place == NOWHERE {
            *place = self.seen.len() as u32;
            self.seen.push(segment);
            self.cells.resize_with(self.seen.len() * self.variants, || SegmentCounts::new(windows));
        }
        *place as usize * self.variants
    }

    /// The counts of a segment and variant.
    #[inline]
    pub(super) fn cell(&mut self, segment: u32, variant: usize, windows: usize) -> &mut SegmentCounts {
        let cell = self.start_of(segment, windows) + variant;
        &mut self.cells[cell]
    }

    /// Sorts the exposures of a batch that have sums by the segments of the dimension, which stands at this place.
    fn sort(&mut self, batch: &Batch, dimension: usize, windows: usize) {
        self.cell_of.clear();
        for (exposure, segment) in batch.with_sums.iter().zip(batch.segments_with_sums(dimension)) {
            let variant = batch.exposures[*exposure as usize].variant;
            let cell = self.start_of(segment, windows) + variant as usize;
            self.cell_of.push(cell as u32);
        }
        self.runs.sort(self.cell_of.iter().copied(), self.cells.len());
    }

    /// Segments with analysed customers, and those by variant.
    pub(super) fn into_segments(self) -> impl Iterator<Item = (usize, Vec<SegmentCounts>)> {
        let Self { seen, cells, variants, .. } = self;
        let mut cells = cells.into_iter();
        seen.into_iter().map(move |segment| (segment as usize, cells.by_ref().take(variants).collect()))
    }

    fn merge(&mut self, other: SegmentTable, windows: usize) {
        let mut cells = other.cells.into_iter();
        for segment in other.seen {
            let start = self.start_of(segment, windows);
            let own = &mut self.cells[start..][..self.variants];
            own.iter_mut().zip(cells.by_ref()).for_each(|(own, other)| own.merge(other));
        }
    }
}

impl ExperimentCounts {
    /// Of one of so many experiments, that has seen nobody.
    pub(super) fn new(context: &Context<'_>, experiment: &Experiment<'_>, experiments: usize) -> Self {
        let variants = experiment.plan.weights.len();
        let table = |dimension| SegmentTable::new(dimension, variants);
        Self {
            before_window: 0,
            double: 0,
            unknown: vec![0; experiment.unknown_variants.len()],
            variants: vec![WholeCounts::new(experiment.windows_us.len()); variants],
            dimensions: context.dimensions.iter().map(table).collect(),
            groups: TupleCounts::groups(context, experiment),
            health: health::Counts::new(context, experiment),
            batch: Batch::new(experiments),
            runs: Runs::default(),
            figures: Vec::new(),
        }
    }

    /// Customers whose figures count.
    pub(super) fn analysed(&self) -> u64 {
        self.variants.iter().map(WholeCounts::customers).sum()
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

    /// Adds an analysed customer, first exposed on a local day of the window, of these segments, one per dimension.
    #[inline]
    pub(super) fn observe(
        &mut self,
        context: &Context<'_>,
        experiment: &Experiment<'_>,
        customer: &Exposed<'_>,
        day: usize,
        segments: impl Iterator<Item = u32>,
    ) {
        let Exposed { variant, t0_us, journey, .. } = *customer;
        let rules = context.rules;
        let weeks_over = novelty::weeks_over(t0_us, rules);
        let exposure = Waiting {
            variant: variant as u32,
            day: day as u32,
            windows_over: experiment.windows_over(t0_us, rules.to_us) as u32,
            weeks_over,
            active_before: journey.rows.first().is_some_and(|row| row.time_us < t0_us),
            active_after: journey.rows.last().is_some_and(|row| row.time_us >= t0_us),
        };
        self.batch.push(exposure, segments);
        if experiment.may_have_figures(customer) {
            let pre_period_us = experiment.plan.pre_period_us;
            self.batch.push_sums(experiment.sums.len(), |sums| {
                for (part, sums) in experiment.sums.iter().zip(sums) {
                    part.add_up(pre_period_us, customer, rules, sums);
                }
            });
            if let Some(novelty) = &self.health.novelty {
                novelty.follow(&context.plan.metrics, customer, weeks_over, rules, &mut self.batch);
            }
        }
        if self.batch.is_full() {
            self.count(context, experiment);
        }
    }

    /// Counts all who wait.
    #[inline(never)]
    pub(super) fn count(&mut self, context: &Context<'_>, experiment: &Experiment<'_>) {
        let Self { variants, dimensions, groups, health, batch, runs, figures, .. } = self;
        let (metrics, windows) = (metrics_of(context, experiment), experiment.windows_us.len());
        for exposure in &batch.exposures {
            variants[exposure.variant as usize].count(exposure.windows_over);
        }
        let variant_of = |exposure: &u32| batch.exposures[*exposure as usize].variant;
        runs.sort(batch.with_sums.iter().map(variant_of), variants.len());
        for group in &mut *groups {
            group.count(batch, &mut dimensions[group.dimensions()], &metrics);
        }
        let is_by_tuple = |metric: &MetricPlan| CellSums::new(metric).is_some();
        if !metrics.iter().all(|metric| is_by_tuple(metric)) {
            for (at, table) in dimensions.iter_mut().enumerate() {
                table.sort(batch, at, windows);
            }
        }
        health.count(&context.plan.metrics, batch);
        for (at, metric) in metrics.iter().enumerate() {
            figures.clear();
            figures.extend(batch.figures(experiment, at, metric));
            runs.add(variants, at, figures, &metrics);
            if is_by_tuple(metric) {
                groups.iter_mut().for_each(|group| group.add(at, &batch.with_sums, figures));
                continue;
            }
            for SegmentTable { runs, cells, .. } in &mut *dimensions {
                runs.add(cells, at, figures, &metrics);
            }
        }
        batch.clear();
    }

    /// Forgets what it took to get here: everybody has been counted.
    pub(super) fn close(&mut self, context: &Context<'_>, experiment: &Experiment<'_>) {
        self.count(context, experiment);
        let metrics = metrics_of(context, experiment);
        for group in &mut self.groups {
            group.spread(&mut self.dimensions[group.dimensions()], &metrics);
        }
        (self.batch, self.runs, self.figures) = (Batch::default(), Runs::default(), Vec::new());
        self.groups = Vec::new();
        for table in &mut self.dimensions {
            (table.cell_of, table.runs) = (Vec::new(), Runs::default());
        }
    }

    /// Adds what another partial has seen; all who wait in either have been counted.
    pub(super) fn merge(&mut self, other: ExperimentCounts, experiment: &Experiment<'_>) {
        self.before_window += other.before_window;
        self.double += other.double;
        add_all(&mut self.unknown, &other.unknown);
        for (variant, other) in self.variants.iter_mut().zip(other.variants) {
            variant.merge(other);
        }
        for (table, other) in self.dimensions.iter_mut().zip(other.dimensions) {
            table.merge(other, experiment.windows_us.len());
        }
        self.health.merge(&other.health);
    }
}

/// The metrics of an experiment, goals before guardrails.
fn metrics_of<'c>(context: &Context<'c>, experiment: &Experiment<'_>) -> Vec<&'c MetricPlan> {
    experiment.metrics.iter().map(|at| &context.plan.metrics[*at]).collect()
}
