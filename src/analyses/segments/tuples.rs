//! Customers by the tuple of their segments, before they are spread over the dimensions.
//!
//! A customer stands in as many segments as there are dimensions, and in each with every target reached and every
//! step from stage to stage.
//! Tuples are fewer than customers: what is counted of them is spread once for all, and durations go into
//! their histograms some dozens at a time.

use std::ops::Range;

use crate::analyses::tuples::TupleIds;
use crate::journey::Dimension;
use crate::stats::BinIndex;
use crate::stats::joint::Joint;

use super::batch::{Batch, SpecialEntry, Timed, Value};
use super::counts::{SegmentTable, Shape, Special};

/// So many tuples may there be in a group of dimensions, unless it is a single one.
const POSSIBLE: usize = 1 << 16;
/// So many durations of a clock wait, at most: 4 bytes each.
const WAITING: usize = 1 << 16;

/// Some dimensions, and what was counted that isn't in their tables yet.
#[derive(Debug)]
pub(super) struct Tuples {
    ids: TupleIds,
    shape: Shape,
    /// By tuple.
    customers: Vec<u64>,
    /// By tuple, then conversion: of customers with any value.
    values_minor: Vec<Joint<1>>,
    /// By tuple, then stage.
    special: Vec<Special>,
    /// By clock.
    waiting: Vec<Vec<Taken>>,
    sorted: Sorted,
    /// By customer of the batch at hand. Scratch.
    tuple_of: Vec<u16>,
}

/// How long a customer of a tuple took.
#[derive(Debug, Clone, Copy)]
struct Taken {
    tuple: u16,
    /// Of milliseconds.
    taken: BinIndex,
}

/// Durations of a clock, by tuple. Scratch.
#[derive(Debug, Default)]
struct Sorted {
    bins: Vec<BinIndex>,
    /// By tuple: where its own end.
    ends: Vec<usize>,
}

impl Tuples {
    /// For groups of dimensions.
    pub(super) fn groups(dimensions: &[Dimension], shape: Shape) -> Vec<Tuples> {
        TupleIds::groups(dimensions, POSSIBLE).into_iter().map(|ids| Self::new(ids, shape)).collect()
    }

    fn new(ids: TupleIds, shape: Shape) -> Tuples {
        Tuples {
            ids,
            shape,
            customers: Vec::new(),
            values_minor: Vec::new(),
            special: Vec::new(),
            waiting: vec![Vec::new(); shape.clocks()],
            sorted: Sorted::default(),
            tuple_of: Vec::new(),
        }
    }

    /// The dimensions of the group; tables are theirs.
    pub(super) fn dimensions(&self) -> Range<usize> {
        self.ids.dimensions()
    }

    /// Counts the customers of a batch.
    #[inline(never)]
    pub(super) fn count(&mut self, batch: &Batch, tables: &mut [SegmentTable]) {
        if self.ids.are_many() {
            self.spread(tables);
        }
        let Shape { stages, conversions } = self.shape;
        self.tuple_of.clear();
        self.tuple_of.extend(batch.customers().map(|segments| self.ids.of(segments)));
        let tuples = self.ids.len();
        self.customers.resize(tuples, 0);
        self.values_minor.resize(tuples * conversions, Joint::default());
        self.special.resize(tuples * stages, Special::default());
        self.tuple_of.iter().for_each(|tuple| self.customers[usize::from(*tuple)] += 1);
        for Timed { customer, clock, taken } in batch.times.iter().copied() {
            let waiting = &mut self.waiting[usize::from(clock)];
            waiting.push(Taken { tuple: self.tuple_of[usize::from(customer)], taken });
            if waiting.len() == WAITING {
                self.spread_waiting(usize::from(clock), tables);
            }
        }
        let place = |of: &[u16], customer: u16, kinds: usize, kind: u16| {
            usize::from(of[usize::from(customer)]) * kinds + usize::from(kind)
        };
        for Value { customer, conversion, value_minor } in batch.values.iter().copied() {
            let place = place(&self.tuple_of, customer, conversions, conversion);
            self.values_minor[place].add([value_minor]);
        }
        for SpecialEntry { customer, stage, is_immature, is_without_previous } in
            batch.entries.iter().copied()
        {
            let special = &mut self.special[place(&self.tuple_of, customer, stages, stage)];
            special.immature += u64::from(is_immature);
            special.without_previous += u64::from(is_without_previous);
        }
    }

    /// Spreads everything over the tables of the dimensions and forgets it.
    pub(super) fn spread(&mut self, tables: &mut [SegmentTable]) {
        let Shape { stages, conversions } = self.shape;
        (0..self.shape.clocks()).for_each(|clock| self.spread_waiting(clock, tables));
        for (table, segments) in tables.iter_mut().zip(self.ids.segments()) {
            for (tuple, segment) in segments.iter().enumerate() {
                let counts = table.counts(*segment as usize);
                counts.customers += self.customers[tuple];
                let values_minor = &self.values_minor[tuple * conversions..(tuple + 1) * conversions];
                let special = &self.special[tuple * stages..(tuple + 1) * stages];
                for (at, value_minor) in values_minor.iter().enumerate().filter(|(_, value)| value.n > 0) {
                    counts.shaped(self.shape).values_minor[at].merge(value_minor);
                }
                for (at, special) in special.iter().enumerate().filter(|(_, own)| **own != Special::default())
                {
                    counts.shaped(self.shape).special[at].add(*special);
                }
            }
        }
        self.ids.clear();
        self.customers.clear();
        self.values_minor.clear();
        self.special.clear();
    }

    /// Spreads the durations of a clock.
    #[inline(never)]
    fn spread_waiting(&mut self, clock: usize, tables: &mut [SegmentTable]) {
        self.sorted.sort(&self.waiting[clock], self.ids.len());
        self.waiting[clock].clear();
        for (table, (segments, order)) in tables.iter_mut().zip(self.ids.by_segment()) {
            // One segment after the other, so that its histogram is at hand.
            for tuple in order.iter().map(|tuple| usize::from(*tuple)) {
                let bins = self.sorted.of(tuple);
                if !bins.is_empty() {
                    let counts = table.counts(segments[tuple] as usize);
                    counts.shaped(self.shape).times_ms[clock].record_all(bins);
                }
            }
        }
    }
}

impl Sorted {
    /// Sorts by tuple, of so many.
    fn sort(&mut self, waiting: &[Taken], tuples: usize) {
        let Sorted { bins, ends } = self;
        ends.clear();
        ends.resize(tuples, 0);
        waiting.iter().for_each(|taken| ends[usize::from(taken.tuple)] += 1);
        let mut next = 0;
        for end in ends.iter_mut() {
            next += std::mem::replace(end, next);
        }
        bins.clear();
        bins.resize(waiting.len(), BinIndex::default());
        // What is the start of a tuple is its end when all are placed.
        for Taken { tuple, taken } in waiting {
            let place = &mut ends[usize::from(*tuple)];
            bins[*place] = *taken;
            *place += 1;
        }
    }

    /// Those of a tuple.
    fn of(&self, tuple: usize) -> &[BinIndex] {
        let start = tuple.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.bins[start..self.ends[tuple]]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables(sizes: &[usize]) -> Vec<SegmentTable> {
        sizes.iter().map(|size| SegmentTable::new(*size)).collect()
    }

    #[test]
    fn tuples_are_spread_whether_few_or_many() {
        // More tuples than are kept at once; more than wait at one clock.
        let sizes = [90, 70];
        let shape = Shape { stages: 1, conversions: 1 };
        let mut group = Tuples::new(TupleIds::groups_of(&sizes, POSSIBLE).remove(0), shape);
        let mut tables = tables(&sizes);
        let customers = 2 * WAITING + 7;
        let mut batch = Batch::new(2);
        for at in 0..customers {
            let mut customer = batch.push(&[at as u32 % 90, at as u32 / 90 % 70]);
            customer.takes(0, BinIndex::of(at as u64 % 5_000));
            if at.is_multiple_of(3) {
                customer.takes(1, BinIndex::of(1));
                customer.brings(0, at as i64);
                customer.takes(shape.clock_to_next(0), BinIndex::of(7));
                customer.enters(0, true, false);
            }
            if batch.is_full() {
                group.count(&batch, &mut tables);
                batch.clear();
            }
        }
        group.count(&batch, &mut tables);
        group.spread(&mut tables);
        let count = |is_one: &dyn Fn(&usize) -> bool| (0..customers).filter(is_one).count() as u64;
        for (dimension, size) in sizes.into_iter().enumerate() {
            for segment in 0..size {
                let own = |at: &usize| [at % 90, at / 90 % 70][dimension] == segment;
                let buys = |at: &usize| own(at) && at.is_multiple_of(3);
                let counts = tables[dimension].counts(segment);
                assert_eq!(counts.customers, count(&own));
                assert_eq!([0, 1].map(|target| counts.reached(target)), [count(&own), count(&buys)]);
                let value_minor: usize = (0..customers).filter(buys).sum();
                assert_eq!(counts.value_minor(0).sums, [value_minor as i128]);
                assert_eq!(counts.value_minor(0).n, counts.customers);
                let stage = counts.stage(0, shape);
                assert_eq!([stage.immature, stage.progressed()], [count(&buys); 2]);
                let mut expected = crate::stats::Histogram::default();
                (0..customers).filter(own).for_each(|at| expected.record(at as u64 % 5_000));
                assert_eq!(counts.to_convert_ms(0), Some(&expected));
            }
        }
        assert_eq!(group.ids.len(), 0);
    }
}
