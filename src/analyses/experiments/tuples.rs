//! Exposures by the tuple of their segments and by their variant.
//!
//! Of segments much is counted of every exposure: so it is counted of tuples, which are few enough to stay in a core's
//! caches, and spread over the tables of the dimensions once for all. What is put into bins is not: bins of every tuple
//! would be too many.

use std::ops::Range;

use crate::analyses::Context;
use crate::analyses::tuples::TupleIds;
use crate::config::plan::MetricPlan;
use crate::stats::Joint;

use super::batch::Batch;
use super::counts::SegmentTable;
use super::population::Experiment;
use super::quantities::Figures;
use super::sums::MetricSums;

/// So many tuples may there be in a group of dimensions, unless it is a single one: with three variants and six metrics
/// they take less than a megabyte.
const POSSIBLE: usize = 1 << 10;

/// Some dimensions, and what was counted that isn't in their tables yet.
#[derive(Debug, Clone)]
pub(super) struct TupleCounts {
    ids: TupleIds,
    /// Planned variants, at least one.
    variants: usize,
    /// Windows of metrics.
    windows: usize,
    /// By tuple, then variant, then how many windows are over: exposures.
    windows_over: Vec<u64>,
    /// By metric of the experiment; None where tables count it themselves.
    sums: Vec<Option<CellSums>>,
    /// By exposure of the batch at hand: its tuple and variant in one. Scratch.
    cell_of: Vec<u32>,
}

/// The sums of a metric, by tuple, then variant: figures since the exposure.
#[derive(Debug, Clone)]
pub(super) enum CellSums {
    /// Of a proportion or mean.
    One(Vec<Joint<1>>),
    /// Of a ratio: numerator and denominator.
    Two(Vec<Joint<2>>),
}

impl CellSums {
    /// Of nobody; None where the metric needs more than sums.
    pub(super) fn new(metric: &MetricPlan) -> Option<CellSums> {
        match MetricSums::<1, 2>::new(metric) {
            MetricSums::Mean(_) => Some(CellSums::One(Vec::new())),
            MetricSums::Ratio(_) => Some(CellSums::Two(Vec::new())),
            MetricSums::CappedMean(_) | MetricSums::CappedRatio(_) | MetricSums::Quantile(_) => None,
        }
    }

    fn resize(&mut self, cells: usize) {
        match self {
            CellSums::One(sums) => sums.resize(cells, Joint::default()),
            CellSums::Two(sums) => sums.resize(cells, Joint::default()),
        }
    }

    /// Adds figures to their cells.
    fn add<'f>(&mut self, figures: impl Iterator<Item = (usize, &'f Figures)>) {
        match self {
            CellSums::One(sums) => figures.for_each(|(cell, own)| {
                let [now, _] = own.one();
                sums[cell].add([now]);
            }),
            CellSums::Two(sums) => figures.for_each(|(cell, own)| {
                let [now, denominator_now, ..] = own.two();
                sums[cell].add([now, denominator_now]);
            }),
        }
    }

    fn customers(&self, cell: usize) -> u64 {
        match self {
            CellSums::One(sums) => sums[cell].n,
            CellSums::Two(sums) => sums[cell].n,
        }
    }

    /// Adds those of a cell to a table's.
    fn add_to(&self, cell: usize, own: &mut MetricSums<1, 2>) {
        match (self, own) {
            (CellSums::One(sums), MetricSums::Mean(own)) => own.merge(&sums[cell]),
            (CellSums::Two(sums), MetricSums::Ratio(own)) => own.merge(&sums[cell]),
            (sums, own) => unreachable!("{sums:?} is added to {own:?}"),
        }
    }
}

impl TupleCounts {
    /// Groups of all dimensions, for an experiment.
    pub(super) fn groups(context: &Context<'_>, experiment: &Experiment<'_>) -> Vec<TupleCounts> {
        let metrics = experiment.metrics.iter().map(|at| &context.plan.metrics[*at]);
        let sums: Vec<Option<CellSums>> = metrics.map(CellSums::new).collect();
        let group = |ids| TupleCounts {
            ids,
            variants: experiment.plan.weights.len().max(1),
            windows: experiment.windows_us.len(),
            windows_over: Vec::new(),
            sums: sums.clone(),
            cell_of: Vec::new(),
        };
        TupleIds::groups(context.dimensions, POSSIBLE).into_iter().map(group).collect()
    }

    /// The dimensions of the group; tables are theirs.
    pub(super) fn dimensions(&self) -> Range<usize> {
        self.ids.dimensions()
    }

    /// Counts the exposures of a batch; its figures are still to be added.
    pub(super) fn count(&mut self, batch: &Batch, tables: &mut [SegmentTable], metrics: &[&MetricPlan]) {
        if self.ids.are_many() {
            self.spread(tables, metrics);
        }
        self.cell_of.clear();
        for (exposure, segments) in batch.exposures.iter().zip(batch.segments()) {
            let tuple = usize::from(self.ids.of(segments));
            self.cell_of.push((tuple * self.variants + exposure.variant as usize) as u32);
        }
        let cells = self.ids.len() * self.variants;
        self.windows_over.resize(cells * (self.windows + 1), 0);
        self.sums.iter_mut().flatten().for_each(|sums| sums.resize(cells));
        for (exposure, cell) in batch.exposures.iter().zip(&self.cell_of) {
            self.windows_over[*cell as usize * (self.windows + 1) + exposure.windows_over as usize] += 1;
        }
    }

    /// Adds figures of a metric, one per exposure of the batch with sums.
    pub(super) fn add(&mut self, at: usize, with_sums: &[u32], figures: &[Figures]) {
        let Some(sums) = &mut self.sums[at] else { return };
        let own = with_sums.iter().zip(figures).filter(|(_, figures)| !figures.are_zero());
        sums.add(own.map(|(exposure, figures)| (self.cell_of[*exposure as usize] as usize, figures)));
    }

    /// Spreads everything over the tables of the dimensions and forgets it.
    pub(super) fn spread(&mut self, tables: &mut [SegmentTable], metrics: &[&MetricPlan]) {
        for (table, segments) in tables.iter_mut().zip(self.ids.segments()) {
            let cells = segments.iter().flat_map(|segment| (0..self.variants).map(move |at| (*segment, at)));
            let windows_over = self.windows_over.chunks_exact(self.windows + 1);
            for (cell, ((segment, variant), windows_over)) in cells.zip(windows_over).enumerate() {
                let own = table.cell(segment, variant, self.windows);
                own.count_all(windows_over);
                for (at, sums) in self.sums.iter().enumerate() {
                    if let Some(sums) = sums.as_ref().filter(|sums| sums.customers(cell) > 0) {
                        sums.add_to(cell, own.metric(at, metrics));
                    }
                }
            }
        }
        self.ids.clear();
        self.windows_over.clear();
        self.sums.iter_mut().flatten().for_each(|sums| sums.resize(0));
    }
}
