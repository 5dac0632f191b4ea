//! `segment_conversion`: which customers reach a target more or less often than all others.
//!
//! Rates have Wilson's interval (Wilson 1927), differences Newcombe's hybrid score interval (Newcombe 1998,
//! method 10); the p-value is that of the pooled two-proportion z-test, the q-value that of Benjamini &
//! Hochberg (1995).

use hashbrown::HashMap;
use polars::prelude::PolarsError;

use crate::stats::Histogram;

use super::columns::elapsed_ms;
use super::{Analysis, Context, NamedFrame, Observed};

mod cells;
mod rows;
#[cfg(test)]
mod tests;

/// Name of the table.
const TABLE: &str = "segment_conversion";

type FastMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

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

/// What was counted: by dimension and segment, for the segments that occur.
///
/// Targets are allocated with a segment's first conversion, and a histogram holds at most one bin per
/// conversion, so the whole is bounded by what was seen, not by how many segments there are.
#[derive(Debug)]
pub struct SegmentPartial {
    dimensions: Vec<FastMap<u32, SegmentCounts>>,
    /// Of the customer at hand, by target. Scratch.
    outcomes: Vec<Outcome>,
}

/// One segment; `targets` is empty until one of its customers converts.
#[derive(Debug, Clone, Default)]
struct SegmentCounts {
    customers: u64,
    targets: Vec<TargetCounts>,
}

/// One target within a segment.
#[derive(Debug, Clone, Default)]
struct TargetCounts {
    converted: u64,
    value_minor: i128,
    to_convert_ms: Histogram,
}

/// What one customer did about one target.
#[derive(Debug, Clone, Copy, Default)]
struct Outcome {
    first_us: Option<i64>,
    value_minor: i128,
}

impl SegmentCounts {
    fn add(&mut self, other: &SegmentCounts) {
        self.customers += other.customers;
        if self.targets.is_empty() {
            self.targets.clone_from(&other.targets);
            return;
        }
        for (target, other) in self.targets.iter_mut().zip(&other.targets) {
            target.converted += other.converted;
            target.value_minor += other.value_minor;
            target.to_convert_ms.merge(&other.to_convert_ms);
        }
    }

    fn converted(&self, target: usize) -> u64 {
        self.targets.get(target).map_or(0, |counts| counts.converted)
    }
}

impl<'a> SegmentConversion<'a> {
    /// Over the configured dimensions and all targets.
    pub fn new(context: Context<'a>) -> Self {
        Self { context }
    }

    /// Fills in the first event in the window and the value of every target.
    fn find_outcomes(&self, observed: Observed<'_>, outcomes: &mut [Outcome]) {
        let rules = self.context.rules;
        outcomes.fill(Outcome::default());
        for (outcome, entry) in outcomes.iter_mut().zip(&observed.walk.entries) {
            let time_us = entry.map(|row| observed.journey.rows[row as usize].time_us);
            outcome.first_us = time_us.filter(|time_us| rules.in_window(*time_us));
        }
        for event in observed.walk.conversions.iter().filter(|event| rules.in_window(event.time_us)) {
            let outcome = &mut outcomes[rules.stages + event.conversion];
            outcome.first_us.get_or_insert(event.time_us);
            outcome.value_minor += i128::from(event.value_minor);
        }
    }
}

impl Analysis for SegmentConversion<'_> {
    type Partial = SegmentPartial;

    fn partial(&self) -> SegmentPartial {
        SegmentPartial {
            dimensions: self.context.dimensions.iter().map(|_| FastMap::default()).collect(),
            outcomes: vec![Outcome::default(); self.context.rules.targets.len()],
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut SegmentPartial) {
        let Observed { journey, walk } = observed;
        let Some(first) = walk.first_in_window else { return };
        if self.context.dimensions.is_empty() {
            return;
        }
        let SegmentPartial { dimensions, outcomes } = partial;
        self.find_outcomes(observed, outcomes);
        let first_us = journey.rows[first].time_us;
        let any = outcomes.iter().any(|outcome| outcome.first_us.is_some());
        for (dimension, segments) in self.context.dimensions.iter().zip(dimensions) {
            let segment = dimension.segment(journey, walk, self.context.rules);
            let counts = segments.entry(segment as u32).or_default();
            counts.customers += 1;
            if !any {
                continue;
            }
            if counts.targets.is_empty() {
                counts.targets.resize_with(outcomes.len(), TargetCounts::default);
            }
            for (target, outcome) in counts.targets.iter_mut().zip(outcomes.iter()) {
                let Some(time_us) = outcome.first_us else { continue };
                target.converted += 1;
                target.value_minor += outcome.value_minor;
                target.to_convert_ms.record(elapsed_ms(first_us, time_us));
            }
        }
    }

    fn merge(&self, into: &mut SegmentPartial, from: SegmentPartial) {
        for (into, from) in into.dimensions.iter_mut().zip(from.dimensions) {
            for (segment, counts) in from {
                into.entry(segment).or_default().add(&counts);
            }
        }
    }

    fn finish(&self, buckets: &[SegmentPartial]) -> Result<Vec<NamedFrame>, PolarsError> {
        let mut rows = Vec::new();
        for (at, dimension) in self.context.dimensions.iter().enumerate() {
            let seen = buckets.iter().flat_map(|bucket| &bucket.dimensions[at]);
            let segments = cells::by_name(dimension, seen);
            let segments = cells::merge_small(segments, self.context.plan.segments.min_customers);
            rows.extend(rows::of_dimension(&self.context, dimension, &segments));
        }
        Ok(vec![(TABLE, rows::frame(&rows)?)])
    }
}
