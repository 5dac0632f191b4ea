//! Exposures that wait to be counted.
//!
//! Between one customer and the next the other analyses have had the processor's caches: counters that are touched
//! once per customer are far away each time. So exposures are written down one after the other, and counted some
//! thousands at a time, metric by metric and dimension by dimension, while the counters of each are at hand.

use crate::config::plan::MetricPlan;

use super::health::WEEKS;
use super::population::Experiment;
use super::quantities::Figures;

/// So many exposures are counted at once. With five dimensions and three sums they take a quarter of a megabyte.
const FULL: usize = 4096;

/// Exposures of one experiment.
#[derive(Debug, Clone, Default)]
pub(super) struct Batch {
    /// Those of analysed customers, as they came.
    pub(super) exposures: Vec<Waiting>,
    /// By exposure, then configured dimension: the segment.
    segments: Vec<u32>,
    /// Exposures with a sum that isn't zero, ascending: indices into `exposures`.
    with_sums: Vec<u32>,
    /// By those, then sum of the experiment: since the exposure, and before it.
    sums: Vec<[i64; 2]>,
    /// Exposures that were followed by anything in the weeks after, ascending, with the metric by week.
    pub(super) weeks: Vec<(u32, [i64; WEEKS])>,
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
    /// Whether it is time to count.
    pub(super) fn is_full(&self) -> bool {
        self.exposures.len() >= FULL
    }

    /// Adds an exposure to these segments, one per dimension, with its sums, if it has any that isn't zero, and the
    /// metric by week, if there was anything to follow.
    #[inline]
    pub(super) fn push(
        &mut self,
        exposure: Waiting,
        segments: impl Iterator<Item = u32>,
        sums: Option<impl Iterator<Item = [i64; 2]>>,
        weeks: Option<[i64; WEEKS]>,
    ) {
        let at = self.exposures.len() as u32;
        self.exposures.push(exposure);
        self.segments.extend(segments);
        if let Some(sums) = sums {
            let start = self.sums.len();
            self.sums.extend(sums);
            if self.sums[start..].iter().all(|sum| *sum == [0, 0]) {
                self.sums.truncate(start);
            } else {
                self.with_sums.push(at);
            }
        }
        self.weeks.extend(weeks.map(|weeks| (at, weeks)));
    }

    /// The segments of a dimension, by exposure.
    pub(super) fn segments(&self, dimension: usize) -> impl Iterator<Item = u32> {
        let dimensions = self.segments.len() / self.exposures.len().max(1);
        self.segments.iter().skip(dimension).step_by(dimensions.max(1)).copied()
    }

    /// The figures of a metric, which stands at a place among those of the experiment, that aren't zero: of exposures
    /// that are mature, each with its index.
    pub(super) fn figures<'b>(
        &'b self,
        experiment: &'b Experiment<'_>,
        at: usize,
        metric: &'b MetricPlan,
    ) -> impl Iterator<Item = (u32, Figures)> + 'b {
        let needed = experiment.windows_needed(metric.window_us) as u32;
        let of_each = self.with_sums.iter().zip(self.sums.chunks_exact(experiment.sums.len().max(1)));
        let mature =
            of_each.filter(move |(exposure, _)| self.exposures[**exposure as usize].windows_over >= needed);
        let parts = experiment.parts[at];
        let figures = mature
            .map(move |(exposure, sums)| (*exposure, Figures::of(metric, parts.map(|part| sums[part]))));
        figures.filter(|(_, figures)| !figures.are_zero())
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        let Self { exposures, segments, with_sums, sums, weeks } = self;
        exposures.clear();
        segments.clear();
        with_sums.clear();
        sums.clear();
        weeks.clear();
    }
}
