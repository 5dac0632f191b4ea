//! Segments of an experiment: which have rows of their own, and for which metrics they are shown.
//!
//! Cells are those of every other table of the dimension ([`Merged`]). A cell is withheld from all metrics where an
//! arm of it has 1 or 2 customers, and from all that counts a conversion where 1 or 2 of an arm have it or lack it, have
//! as few rows of it, or where a table of segments doesn't show it; with as many other cells as it takes
//! ([`hide`]): the sum over all cells is the row of the whole.

use std::collections::{BTreeMap, BTreeSet};

use crate::analyses::suppression::{Family, Merged, SMALL, hide};
use crate::config::plan::{MetricKind, MetricOf, Quantity};
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
    /// By conversion, the cells that no metric shows that counts its rows or customers.
    withheld_counts: BTreeMap<Option<usize>, BTreeSet<usize>>,
    min_customers: u64,
}

impl<'t> Cells<'t> {
    /// Of what was counted by segment; cells that nobody of the experiment is in are left out.
    pub(super) fn new(
        dimension: &'t Dimension,
        merged: &Merged<'t>,
        table: SegmentTable,
        experiment: &Experiment<'_>,
        min_customers: u64,
    ) -> Self {
        let mut by_name: BTreeMap<&'t str, Vec<SegmentCounts>> = BTreeMap::new();
        for (segment, counts) in table.into_segments() {
            // Of whom the population knows nobody, everybody is few.
            let name = merged.cell(segment).map_or(SMALL, |cell| merged.names()[cell]);
            let own = by_name.entry(name).or_insert_with(|| vec![SegmentCounts::default(); counts.len()]);
            own.iter_mut().zip(counts).for_each(|(own, counts)| own.merge(counts));
        }
        let (names, variants): (Vec<&str>, Vec<Vec<SegmentCounts>>) = by_name.into_iter().unzip();
        let mut cells = Self {
            dimension: &dimension.name,
            names,
            variants,
            withheld: BTreeSet::new(),
            withheld_counts: BTreeMap::new(),
            min_customers,
        };
        let arms: Vec<Family> = (0..experiment.plan.weights.len())
            .flat_map(|variant| (0..=experiment.windows_us.len()).map(move |windows| (variant, windows)))
            .map(|(variant, windows)| cells.counts(|of| of[variant].mature(windows)))
            .map(|counts| Family { counts, of: None })
            .collect();
        hide(&mut cells.withheld, &arms, min_customers);
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

    /// Withholds cells from all metrics that count rows or customers of a conversion, given those of the experiment with their
    /// measures: where one of them would show a count that is too small, the others could give it away.
    /// `is_withheld`: by conversion and segment, what other tables don't show.
    pub(super) fn withhold(
        &mut self,
        measures: &[(usize, Measure<'_>, usize)],
        is_withheld: impl Fn(usize, &str) -> bool,
    ) {
        let mut families: BTreeMap<Option<usize>, Vec<Family>> = BTreeMap::new();
        for (at, measure, windows_needed) in measures {
            let mut counted = counted(measure.metric.kind).peekable();
            if counted.peek().is_none() {
                continue;
            }
            let measured = self.measured(measure, *at, *windows_needed);
            for (place, conversion) in counted {
                let own = families.entry(conversion).or_default();
                let is_proportion = matches!(measure.metric.kind, MetricKind::Proportion(_));
                for variant in 0..measured.first().map_or(0, Vec::len) {
                    let arms = || measured.iter().map(|cell| &cell[variant]);
                    let customers: Vec<u64> = arms().map(Measured::customers).collect();
                    let counts: Vec<u64> = arms().map(|arm| arm.count(place)).collect();
                    // An arm without customers is known to have none of them.
                    let able: Vec<usize> = (0..customers.len()).filter(|cell| customers[*cell] > 0).collect();
                    if is_proportion {
                        let lack = customers.iter().zip(&counts).map(|(customers, count)| customers - count);
                        own.push(Family { counts: lack.collect(), of: Some(able.clone()) });
                    }
                    own.push(Family { counts, of: Some(able) });
                }
            }
        }
        for (conversion, families) in families {
            let mut hidden = self.withheld.clone();
            let elsewhere = |cell: &usize| {
                conversion.is_some_and(|conversion| is_withheld(conversion, self.names[*cell]))
            };
            hidden.extend((0..self.names.len()).filter(elsewhere));
            hide(&mut hidden, &families, self.min_customers);
            self.withheld_counts.insert(conversion, hidden);
        }
    }

    /// The cells that a metric doesn't show.
    pub(super) fn withheld(&self, kind: MetricKind) -> BTreeSet<usize> {
        let counts = counted(kind).filter_map(|(_, conversion)| self.withheld_counts.get(&conversion));
        counts.fold(self.withheld.clone(), |hidden, more| &hidden | more)
    }
}

/// What of a metric counts rows or customers: the place of the sum and the conversion. None: of all rows.
fn counted(kind: MetricKind) -> impl Iterator<Item = (usize, Option<usize>)> {
    let is_proportion = matches!(kind, MetricKind::Proportion(_));
    let is_count = move |(_, quantity): &(usize, Quantity)| is_proportion || quantity.of == MetricOf::Count;
    // A quantile is one customer's.
    let is_summed = !matches!(kind, MetricKind::Quantile { .. });
    let quantities = kind.quantities().enumerate().filter(move |_| is_summed);
    quantities.filter(is_count).map(|(place, quantity)| (place, quantity.conversion))
}
