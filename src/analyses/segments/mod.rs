//! `segment_conversion` and `segment_funnel`: which customers reach a target more or less often than all others,
//! and how each segment goes from stage to stage.
//!
//! Rates have Wilson's interval (Wilson 1927), differences Newcombe's hybrid score interval (Newcombe 1998,
//! method 10); the p-value is that of the pooled two-proportion z-test, the q-value by default that of
//! Benjamini & Hochberg (1995). Durations have the binomial order-statistic interval (David & Nagaraja 2003, § 7.1),
//! value per customer Student's (1908).

use polars::prelude::PolarsError;

use crate::stats::BinIndex;

use self::batch::Batch;
use self::counts::{SegmentCounts, SegmentTable, Shape};
use self::hidden::Hidden;
use self::tuples::Tuples;

use super::columns::elapsed_ms;
use super::funnel::{Entry, Outcome, entries};
use super::suppression::{Merged, Withheld};
use super::{Analysis, Context, NamedFrame, Observed};

mod audit;
mod batch;
mod conversion;
mod counts;
mod funnel;
mod hidden;
#[cfg(test)]
mod tests;
mod tuples;

/// Counts, per segment, who reaches each target in the window and what becomes of those who enter a stage.
///
/// The population is that of [`Observed::segments`]. A customer has *converted* with a first entry into the
/// stage, or any event of the conversion, in the window; the hours run from the first kept row in the window to the
/// first such event. Entries into stages are those of `stage_funnel`.
///
/// Frames: dimensions as configured; segments by the bytes of their names, `(none)` and `(small)` where they
/// sort; stages, then conversions, as configured. Segments without customers have no row.
///
/// - Small segments are merged into `(small)`, the same in both tables and for every target: see [`Merged`].
/// - Where a count or its complement is 1 or 2, all that would give it away is null (note `withheld`), in that row
///   and in as many others as keep it from being found by adding up. `min_customers = 1` turns this off as well.
///   A dimension with one cell shows what is shown of the whole. A segment is shown up to the stage where its
///   counts become too small, and no further.
/// - `value_per_customer` is in units of the reporting currency, null for stages and conversions without a
///   value. Notes: `descriptive` (the segment may depend on what came later), `all_small` (no segment is large
///   enough to show), `withheld`, `no_rest`,
///   `zero_variance` (all or none converted: no p-value), `zero_rest_rate` (no relative lift).
#[derive(Debug, Clone, Copy)]
pub struct Segments<'a> {
    context: Context<'a>,
}

/// What was counted.
#[derive(Debug)]
pub struct SegmentPartial {
    /// By dimension.
    dimensions: Vec<SegmentTable>,
    /// What isn't in them yet, by group of dimensions: a customer is counted once, not once per dimension.
    groups: Vec<Tuples>,
    /// What isn't in these yet.
    batch: Batch,
    /// Conversions of the customer at hand. Scratch.
    converted: Vec<Converted>,
}

/// A conversion that a customer has reached in the window.
#[derive(Debug, Clone, Copy)]
struct Converted {
    conversion: usize,
    /// The first time, µs since the epoch.
    time_us: i64,
    /// Of all times, minor units.
    value_minor: i64,
}

impl<'a> Segments<'a> {
    /// Over the configured dimensions and all targets.
    pub fn new(context: Context<'a>) -> Self {
        Self { context }
    }

    fn shape(&self) -> Shape {
        let rules = self.context.rules;
        Shape { stages: rules.stages, conversions: rules.conversion_values.len() }
    }

    /// Counts the customers of the batch.
    fn count(&self, partial: &mut SegmentPartial) {
        let SegmentPartial { dimensions, groups, batch, .. } = partial;
        for tuples in groups {
            tuples.count(batch, &mut dimensions[tuples.dimensions()]);
        }
        batch.clear();
    }

    /// Groups for all dimensions.
    fn groups(&self) -> Vec<Tuples> {
        Tuples::groups(self.context.dimensions, self.shape())
    }

    /// Customers of a dimension, by segment.
    fn customers(&self, at: usize, total: &SegmentPartial) -> Vec<u64> {
        let mut customers = vec![0; self.context.dimensions[at].segments.len()];
        for (segment, counts) in &total.dimensions[at].seen {
            customers[*segment as usize] = counts.customers;
        }
        customers
    }

    /// Adds up the cells of a dimension.
    fn cells(&self, at: usize, customers: &[u64], table: SegmentTable) -> (Merged<'a>, Vec<SegmentCounts>) {
        let Context { plan, dimensions, .. } = self.context;
        let merged = Merged::new(&dimensions[at], customers, plan.segments.min_customers);
        let mut cells = vec![SegmentCounts::default(); merged.names().len()];
        for (segment, counts) in table.seen {
            if let Some(cell) = merged.cell(segment as usize) {
                cells[cell].add(counts);
            }
        }
        (merged, cells)
    }
}

/// The bin of the milliseconds from one instant to another.
fn bin(from_us: i64, to_us: i64) -> BinIndex {
    BinIndex::of(elapsed_ms(from_us, to_us))
}

impl Analysis for Segments<'_> {
    type Partial = SegmentPartial;

    fn partial(&self) -> SegmentPartial {
        let dimensions = self.context.dimensions;
        SegmentPartial {
            dimensions: dimensions
                .iter()
                .map(|dimension| SegmentTable::new(dimension.segments.len()))
                .collect(),
            groups: self.groups(),
            batch: Batch::new(dimensions.len()),
            converted: Vec::with_capacity(self.shape().conversions),
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut SegmentPartial) {
        let Observed { journey, walk, segments } = observed;
        if segments.is_empty() {
            return;
        }
        let rules = self.context.rules;
        let shape = self.shape();
        let SegmentPartial { batch, converted, .. } = partial;
        let mut customer = batch.push(segments);
        // Of the population, but not there in the window: nothing happened.
        if let Some(first) = walk.first_in_window {
            converted.clear();
            // Events are in order: a later one adds value only.
            for event in walk.conversions.iter().filter(|event| rules.in_window(event.time_us)) {
                match converted.iter_mut().find(|known| known.conversion == event.conversion) {
                    Some(known) => known.value_minor = known.value_minor.saturating_add(event.value_minor),
                    None => converted.push(Converted {
                        conversion: event.conversion,
                        time_us: event.time_us,
                        value_minor: event.value_minor,
                    }),
                }
            }
            let first_us = journey.rows[first].time_us;
            for Entry { stage, time_us, without_previous, outcome } in entries(journey, walk, rules) {
                customer.takes(stage, bin(first_us, time_us));
                if let Outcome::Progressed { to_next_ms } = outcome {
                    customer.takes(shape.clock_to_next(stage), BinIndex::of(to_next_ms));
                }
                customer.enters(stage, outcome == Outcome::Immature, without_previous);
            }
            for Converted { conversion, time_us, value_minor } in &*converted {
                customer.takes(shape.stages + conversion, bin(first_us, *time_us));
                customer.brings(*conversion, *value_minor);
            }
        }
        if batch.is_full() {
            self.count(partial);
        }
    }

    fn close(&self, partial: &mut SegmentPartial) {
        self.count(partial);
        let SegmentPartial { dimensions, groups, batch, .. } = partial;
        for tuples in groups.iter_mut() {
            tuples.spread(&mut dimensions[tuples.dimensions()]);
        }
        *groups = self.groups();
        *batch = Batch::new(dimensions.len());
    }

    fn merge(&self, into: &mut SegmentPartial, from: SegmentPartial) {
        for (into, from) in into.dimensions.iter_mut().zip(from.dimensions) {
            for (segment, counts) in from.seen {
                into.counts(segment as usize).add(counts);
            }
        }
    }

    fn finish(
        &self,
        partials: Vec<SegmentPartial>,
        withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError> {
        let context = &self.context;
        let min_customers = context.plan.segments.min_customers;
        let total = self.total(partials);
        let population: Vec<Vec<u64>> =
            (0..context.dimensions.len()).map(|at| self.customers(at, &total)).collect();
        let tables = population.iter().zip(total.dimensions).enumerate();
        let cells = tables.map(|(at, (customers, table))| self.cells(at, customers, table));
        let all: Vec<(Merged<'_>, Vec<SegmentCounts>)> = cells.collect();
        let (mut conversions, mut stages) = (Vec::new(), funnel::Rows::new());
        for (at, (dimension, (merged, cells))) in context.dimensions.iter().zip(&all).enumerate() {
            let hidden = Hidden::of(cells, context.rules, self.shape(), min_customers);
            for (cell, segment) in merged.names().iter().enumerate() {
                for conversion in hidden.conversions_of(cell) {
                    withheld.hide_converted(at, conversion, segment);
                }
            }
            conversions.extend(conversion::of_dimension(context, dimension, merged.names(), cells, &hidden));
            stages.push(context, dimension, merged.names(), cells, &hidden);
        }
        withheld.population = population;
        Ok(vec![(conversion::TABLE, conversion::frame(&conversions)?), (funnel::TABLE, stages.frame()?)])
    }
}
