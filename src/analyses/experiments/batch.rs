//! Exposures that wait to be counted.
//!
//! Between one customer and the next the other analyses have had the processor's caches: counters that are touched
//! once per customer are far away each time. So exposures are written down one after the other, and counted some
//! thousands at a time, metric by metric and dimension by dimension, while the counters of each are at hand.

use crate::config::plan::MetricPlan;

use super::population::Experiment;
use super::quantities::Figures;
use super::sums::VariantCounts;

/// So many exposures of all experiments wait, at most. With five dimensions and three sums they take two megabytes.
const WAITING: usize = 32_768;
/// So many of an experiment are counted at once, however many experiments there are.
const FULL: std::ops::RangeInclusive<usize> = 1_024..=16_384;

/// Exposures of one experiment.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    /// So many exposures are counted at once.
    full: usize,
    /// Those of analysed customers, as they came.
    pub(super) exposures: Vec<Waiting>,
    /// By exposure, then configured dimension: the segment.
    segments: Vec<u32>,
    /// Exposures with a sum that isn't zero, ascending: indices into `exposures`.
    pub(super) with_sums: Vec<u32>,
    /// By those, then sum of the experiment: since the exposure, and before it.
    sums: Vec<[i64; 2]>,
    /// What is followed of the exposures, ascending by them.
    pub(super) followed: Vec<Followed>,
}

/// Something that a customer did in the weeks after an exposure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Followed {
    /// Index into the exposures of the batch.
    pub(super) exposure: u32,
    /// Since the exposure, from 0.
    pub(super) week: u32,
    /// What it adds to the metric, in minor units, rows or millionths.
    pub(super) amount: i64,
}

/// What is counted of every exposure.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waiting {
    /// Index into the plan's weights.
    pub(super) variant: u32,
    /// Local day, of those of the window.
    pub(super) day: u32,
    /// So many of the windows of metrics are over.
    pub(super) windows_over: u32,
    /// So many of the weeks that are followed are over.
    pub(super) weeks_over: u8,
    /// Whether there is a kept row before it.
    pub(super) active_before: bool,
    /// Whether there is a kept row at or after it.
    pub(super) active_after: bool,
}

impl Batch {
    /// No exposures, of one of so many experiments.
    pub(super) fn new(experiments: usize) -> Self {
        let full = (WAITING / experiments.max(1)).clamp(*FULL.start(), *FULL.end());
        Self { full, ..Self::default() }
    }

    /// Whether it is time to count.
    pub(super) fn is_full(&self) -> bool {
        self.exposures.len() >= self.full
    }

    /// Adds an exposure in these segments, one per dimension.
    #[inline]
    pub(super) fn push(&mut self, exposure: Waiting, segments: impl Iterator<Item = u32>) {
        self.exposures.push(exposure);
        self.segments.extend(segments);
    }

    /// Adds so many sums to the last exposure, if any of them isn't zero.
    #[inline]
    pub(super) fn push_sums(&mut self, sums: usize, fill: impl FnOnce(&mut [[i64; 2]])) {
        let start = self.sums.len();
        self.sums.resize(start + sums, [0, 0]);
        fill(&mut self.sums[start..]);
        if self.sums[start..].iter().all(|sum| *sum == [0, 0]) {
            self.sums.truncate(start);
        } else {
            self.with_sums.push(self.exposures.len() as u32 - 1);
        }
    }

    /// Adds something that is followed to the last exposure.
    #[inline]
    pub(super) fn push_followed(&mut self, week: u32, amount: i64) {
        self.followed.push(Followed { exposure: self.exposures.len() as u32 - 1, week, amount });
    }

    /// The segments of each exposure, one per dimension, of which there is one at least.
    pub(super) fn segments(&self) -> impl Iterator<Item = &[u32]> {
        self.segments.chunks_exact(self.dimensions())
    }

    /// The segments of the exposures with sums in a dimension.
    pub(super) fn segments_with_sums(&self, dimension: usize) -> impl Iterator<Item = u32> {
        let dimensions = self.dimensions();
        self.with_sums.iter().map(move |exposure| self.segments[*exposure as usize * dimensions + dimension])
    }

    fn dimensions(&self) -> usize {
        (self.segments.len() / self.exposures.len().max(1)).max(1)
    }

    /// The figures of a metric, which stands at a place among those of the experiment, of every exposure with sums; zeros
    /// where it isn't mature.
    pub(super) fn figures<'b>(
        &'b self,
        experiment: &'b Experiment<'_>,
        at: usize,
        metric: &'b MetricPlan,
    ) -> impl Iterator<Item = Figures> + 'b {
        let needed = experiment.windows_needed(metric.window_us) as u32;
        let parts = experiment.parts[at];
        let sums = self.sums.chunks_exact(experiment.sums.len().max(1));
        self.with_sums.iter().zip(sums).map(move |(exposure, sums)| {
            if self.exposures[*exposure as usize].windows_over < needed {
                return Figures::default();
            }
            Figures::of(metric, parts.map(|part| sums[part]))
        })
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        let Self { full: _, exposures, segments, with_sums, sums, followed } = self;
        exposures.clear();
        segments.clear();
        with_sums.clear();
        sums.clear();
        followed.clear();
    }
}

/// Exposures with sums, sorted by the cells that they are counted in: those of a cell find its counters at hand.
#[derive(Debug, Clone, Default)]
pub(super) struct Runs {
    /// By exposure with sums: its cell. Scratch.
    cells: Vec<u32>,
    /// By cell: where its own end. Scratch.
    ends: Vec<u32>,
    /// Places among the exposures with sums.
    sorted: Vec<u32>,
    /// Cells that have any, ascending, and where their own end in `sorted`.
    runs: Vec<(u32, u32)>,
}

impl Runs {
    /// Sorts by cells, one per exposure with sums, of so many.
    pub(super) fn sort(&mut self, cells_of: impl Iterator<Item = u32>, cells_in_all: usize) {
        let Runs { cells, ends, sorted, runs } = self;
        cells.clear();
        cells.extend(cells_of);
        ends.clear();
        ends.resize(cells_in_all, 0);
        cells.iter().for_each(|cell| ends[*cell as usize] += 1);
        let mut next = 0;
        runs.clear();
        for (cell, end) in (0..).zip(ends.iter_mut()) {
            let own = std::mem::replace(end, next);
            if own > 0 {
                next += own;
                runs.push((cell, next));
            }
        }
        sorted.clear();
        sorted.resize(cells.len(), 0);
        // What is the start of a cell is its end when all are placed.
        for (at, cell) in (0..).zip(&*cells) {
            let place = &mut ends[*cell as usize];
            sorted[*place as usize] = at;
            *place += 1;
        }
    }

    /// Adds figures of a metric, one per exposure with sums, to the cells that have any.
    pub(super) fn add<const ONE: usize, const RATIO: usize>(
        &self,
        cells: &mut [VariantCounts<ONE, RATIO>],
        at: usize,
        figures: &[Figures],
        metrics: &[&MetricPlan],
    ) {
        let mut start = 0;
        for (cell, end) in &self.runs {
            let own = &self.sorted[start as usize..*end as usize];
            let figures = own.iter().map(|place| &figures[*place as usize]);
            cells[*cell as usize].add(at, figures.filter(|figures| !figures.are_zero()), metrics);
            start = *end;
        }
    }
}
