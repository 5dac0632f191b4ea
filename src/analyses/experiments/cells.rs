//! Segments of an experiment: which have rows of their own, and for which metrics they are shown.
//!
//! Cells are those of every other table of the dimension ([`Merged`]). A cell is withheld from all metrics where an
//! arm of it has 1 or 2 customers, and from a proportion where 1 or 2 of an arm have it or lack it, with as many other
//! cells as it takes ([`complement`]): the sum over all cells is the row of the whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyses::suppression::{Merged, SMALL, complement, is_small};
use crate::config::plan::MetricKind;
use crate::journey::Dimension;

use super::arms::{Measure, Measured};
use super::counts::{SegmentCounts, SegmentTable};
use super::population::Experiment;

/// The cells of one dimension.
#[derive(Debug)]
pub(super) struct Cells<'t> {
    /// Name of the dimension.
    pub(super) dimension: &'t str,
    /// In byte order.
    pub(super) names: Vec<&'t str>,
    /// By cell, then planned variant.
    variants: Vec<Vec<SegmentCounts>>,
    /// Cells that no metric shows.
    withheld: BTreeSet<usize>,
    min_customers: u64,
}

impl<'t> Cells<'t> {
    /// Of what was counted by segment; cells that nobody of the experiment is in are left out.
    pub(super) fn new(
        dimension: &'t Dimension,
        merged: &Merged<'t>,
        table: &SegmentTable,
        experiment: &Experiment<'_>,
        min_customers: u64,
    ) -> Self {
        let mut by_name: BTreeMap<&'t str, Vec<SegmentCounts>> = BTreeMap::new();
        for (segment, counts) in table.segments() {
            // Of whom the population knows nobody, everybody is few.
            let name = merged.cell(segment).map_or(SMALL, |cell| merged.names()[cell]);
            let own = by_name.entry(name).or_insert_with(|| vec![SegmentCounts::default(); counts.len()]);
            own.iter_mut().zip(counts).for_each(|(own, counts)| own.merge(counts.clone()));
        }
        let (names, variants): (Vec<&str>, Vec<Vec<SegmentCounts>>) = by_name.into_iter().unzip();
        let mut cells =
            Self { dimension: &dimension.name, names, variants, withheld: BTreeSet::new(), min_customers };
        let arms: Vec<Vec<u64>> = (0..experiment.plan.weights.len())
            .flat_map(|variant| (0..=experiment.windows_us.len()).map(move |windows| (variant, windows)))
            .map(|(variant, windows)| cells.counts(|of| of[variant].mature(windows)))
            .collect();
        cells.withheld = cells.hide(BTreeSet::new(), &arms);
        cells
    }

    /// Customers by cell, then planned variant.
    pub(super) fn customers(&self) -> impl Iterator<Item = Vec<u64>> {
        self.variants.iter().map(|variants| variants.iter().map(SegmentCounts::customers).collect())
    }

    /// Whether no metric shows a cell.
    pub(super) fn is_withheld(&self, cell: usize) -> bool {
        self.withheld.contains(&cell)
    }

    fn counts(&self, of: impl Fn(&[SegmentCounts]) -> u64) -> Vec<u64> {
        self.variants.iter().map(|variants| of(variants)).collect()
    }

    /// Withholds cells where a count is too small, and so many others that none of these lists of counts by cell, each
    /// of which has a known sum, gives a hidden one away.
    fn hide(&self, mut hidden: BTreeSet<usize>, lists: &[Vec<u64>]) -> BTreeSet<usize> {
        let is_few = |cell: &usize| lists.iter().any(|counts| is_small(counts[*cell], self.min_customers));
        hidden.extend((0..self.names.len()).filter(is_few));
        loop {
            let before = hidden.len();
            for counts in lists {
                complement(&mut hidden, counts, self.min_customers);
            }
            if hidden.len() == before {
                return hidden;
            }
        }
    }

    /// What was measured of a metric, which stands at a place among those of the experiment: by cell, then variant.
    pub(super) fn measured(
        &self,
        measure: &Measure<'_>,
        at: usize,
        windows_needed: usize,
    ) -> Vec<Vec<Measured>> {
        let of = |counts: &SegmentCounts| measure.measured(counts.sums(at, measure.metric, windows_needed));
        self.variants.iter().map(|variants| variants.iter().map(of).collect()).collect()
    }

    /// The cells that a metric doesn't show, given what was measured of it.
    pub(super) fn withheld(&self, kind: MetricKind, measured: &[Vec<Measured>]) -> BTreeSet<usize> {
        let (MetricKind::Proportion(_), Some(first)) = (kind, measured.first()) else {
            return self.withheld.clone();
        };
        let successes = |arm: &Measured| match arm {
            Measured::Mean(joint) => u64::try_from(joint.sums[0]).unwrap_or(0),
            Measured::Ratio(_) | Measured::Quantile(_) => 0,
        };
        let lists: Vec<Vec<u64>> = (0..first.len())
            .flat_map(|variant| {
                let have = || measured.iter().map(move |cell| successes(&cell[variant]));
                let lack =
                    measured.iter().map(move |cell| cell[variant].customers() - successes(&cell[variant]));
                [have().collect(), lack.collect()]
            })
            .collect();
        self.hide(self.withheld.clone(), &lists)
    }
}
