//! `segment_conversion`: which customers reach a target more or less often than all others.
//!
//! Rates have Wilson's interval (Wilson 1927), differences Newcombe's hybrid score interval (Newcombe 1998,
//! method 10); the p-value is that of the pooled two-proportion z-test, the q-value that of Benjamini &
//! Hochberg (1995).

use polars::prelude::PolarsError;

use crate::journey::Dimension;
use crate::stats::{BinIndex, Histogram};

use self::tuples::Tuples;

use super::columns::elapsed_ms;
use super::{Analysis, Context, NamedFrame, Observed};

pub(in crate::analyses) use self::cells::is_withheld;

mod cells;
mod rows;
#[cfg(test)]
mod tests;
mod tuples;

/// Name of the table.
const TABLE: &str = "segment_conversion";

/// Counts, per segment and target, who reaches the target in the window.
///
/// The population is every customer with a kept row in the window. A customer has *converted* with a first
/// entry into the stage, or any event of the conversion, in the window; the hours run from the first kept
/// row in the window to the first such event.
///
/// Frame: dimensions as configured; segments by the bytes of their names, `(none)` and `(small)` where they
/// sort; stages, then conversions, as configured. Segments without customers have no row.
///
/// - Small segments are merged into `(small)`, the same for every target: those below `min_customers`, then
///   the next smallest, until two segments and `min_customers` customers are in it.
/// - Where a count or its complement is 1 or 2, all that would give it away is null (note `withheld`):
///   counted in customers of the segment, in converted ones, and in those of the rest for the comparison.
///   `min_customers = 1` turns this off as well. A segment that is withheld can still be found by adding up
///   the others.
/// - `value_per_customer` is in units of the reporting currency, null for stages and conversions without a
///   value. Notes: `descriptive` (the segment may depend on what came later), `withheld`, `no_rest`,
///   `zero_variance` (all or none converted: no p-value), `zero_rest_rate` (no relative lift).
#[derive(Debug, Clone, Copy)]
pub struct SegmentConversion<'a> {
    context: Context<'a>,
}

/// What was counted.
///
/// Segments are allocated with their first customer, targets with a segment's first conversion, so that but
/// for four bytes per segment the whole is bounded by what was seen, not by how many segments there are.
#[derive(Debug)]
pub struct SegmentPartial {
    /// By dimension.
    dimensions: Vec<SegmentTable>,
    /// What isn't in them yet, by group of dimensions: a customer is counted once, not once per dimension.
    groups: Vec<Tuples>,
}

/// The segments of a dimension that have customers.
#[derive(Debug)]
struct SegmentTable {
    /// By segment: its place in `seen`, or [`NOWHERE`].
    places: Vec<u32>,
    /// In the order of their first customers.
    seen: Vec<(u32, SegmentCounts)>,
}

/// The place of a segment without customers.
const NOWHERE: u32 = u32::MAX;

/// One segment; `targets` is empty until one of its customers converts.
#[derive(Debug, Clone, Default)]
struct SegmentCounts {
    customers: u64,
    targets: Vec<TargetCounts>,
}

/// One target within a segment.
#[derive(Debug, Clone, Default)]
struct TargetCounts {
    value_minor: i128,
    /// Of every customer who converted.
    to_convert_ms: Histogram,
}

impl SegmentTable {
    fn new(segments: usize) -> SegmentTable {
        SegmentTable { places: vec![NOWHERE; segments], seen: Vec::new() }
    }

    #[inline]
    fn counts(&mut self, segment: usize) -> &mut SegmentCounts {
        let place = &mut self.places[segment];
        if *place == NOWHERE {
            *place = self.seen.len() as u32;
            self.seen.push((segment as u32, SegmentCounts::default()));
        }
        &mut self.seen[*place as usize].1
    }
}

impl SegmentCounts {
    /// One of so many targets.
    fn target(&mut self, target: usize, targets: usize) -> &mut TargetCounts {
        if self.targets.is_empty() {
            self.targets.resize_with(targets, TargetCounts::default);
        }
        &mut self.targets[target]
    }

    fn add(&mut self, other: SegmentCounts) {
        self.customers += other.customers;
        if self.targets.is_empty() {
            self.targets = other.targets;
            return;
        }
        for (target, other) in self.targets.iter_mut().zip(other.targets) {
            target.value_minor += other.value_minor;
            target.to_convert_ms.merge(&other.to_convert_ms);
        }
    }

    fn converted(&self, target: usize) -> u64 {
        self.targets.get(target).map_or(0, |counts| counts.to_convert_ms.count())
    }
}

impl<'a> SegmentConversion<'a> {
    /// Over the configured dimensions and all targets.
    pub fn new(context: Context<'a>) -> Self {
        Self { context }
    }

    /// Groups for all dimensions.
    fn groups(&self) -> Vec<Tuples> {
        let Context { rules, dimensions, .. } = self.context;
        let segments: Vec<usize> = dimensions.iter().map(|dimension| dimension.segments.len()).collect();
        Tuples::groups(&segments, rules.stages, rules.targets.len())
    }
}

/// The bin of the milliseconds from one instant to another.
fn bin(from_us: i64, to_us: i64) -> BinIndex {
    BinIndex::of(elapsed_ms(from_us, to_us))
}

impl Analysis for SegmentConversion<'_> {
    type Partial = SegmentPartial;

    fn partial(&self) -> SegmentPartial {
        let table = |dimension: &Dimension| SegmentTable::new(dimension.segments.len());
        SegmentPartial {
            dimensions: self.context.dimensions.iter().map(table).collect(),
            groups: self.groups(),
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut SegmentPartial) {
        let Observed { journey, walk, segments } = observed;
        let rules = self.context.rules;
        let Some(first) = walk.first_in_window.filter(|_| !segments.is_empty()) else { return };
        let first_us = journey.rows[first].time_us;
        let SegmentPartial { dimensions: tables, groups } = partial;
        for tuples in groups {
            let of_group = &segments[tuples.dimensions()];
            let tables = &mut tables[tuples.dimensions()];
            let mut customer = tuples.count_customer(of_group, tables);
            for (stage, entry) in walk.entries.iter().enumerate() {
                let Some(row) = *entry else { continue };
                let time_us = journey.rows[row as usize].time_us;
                if rules.in_window(time_us) {
                    customer.reaches(stage, bin(first_us, time_us));
                }
            }
            // By bit, as codes hold conversions: those that the customer has reached.
            let mut reached = 0_u64;
            for event in walk.conversions.iter().filter(|event| rules.in_window(event.time_us)) {
                // Events are in order: a later one adds value only.
                if reached >> event.conversion & 1 == 0 {
                    reached |= 1 << event.conversion;
                    customer.reaches(rules.stages + event.conversion, bin(first_us, event.time_us));
                }
                customer.adds_value(event.conversion, event.value_minor);
            }
        }
    }

    fn close(&self, partial: &mut SegmentPartial) {
        let SegmentPartial { dimensions, groups } = partial;
        for tuples in groups.iter_mut() {
            tuples.spread(&mut dimensions[tuples.dimensions()]);
        }
        *groups = self.groups();
    }

    fn merge(&self, into: &mut SegmentPartial, from: SegmentPartial) {
        for (into, from) in into.dimensions.iter_mut().zip(from.dimensions) {
            for (segment, counts) in from.seen {
                into.counts(segment as usize).add(counts);
            }
        }
    }

    fn finish(&self, partials: &[SegmentPartial]) -> Result<Vec<NamedFrame>, PolarsError> {
        let mut rows = Vec::new();
        for (at, dimension) in self.context.dimensions.iter().enumerate() {
            let seen = partials.iter().flat_map(|partial| &partial.dimensions[at].seen);
            let segments = cells::by_name(dimension, seen);
            let segments = cells::merge_small(segments, self.context.plan.segments.min_customers);
            rows.extend(rows::of_dimension(&self.context, dimension, &segments));
        }
        Ok(vec![(TABLE, rows::frame(&rows)?)])
    }
}
