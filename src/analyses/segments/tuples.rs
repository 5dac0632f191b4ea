//! Customers by the tuple of their segments, before they are spread over the dimensions.
//!
//! A customer stands in as many segments as there are dimensions, and in each with every target reached and every
//! step from stage to stage.
//! Tuples are fewer than customers: what is counted of them is spread once for all, and durations go into
//! their histograms some dozens at a time.

use std::ops::Range;

use crate::stats::BinIndex;
use crate::stats::joint::Joint;

use super::batch::{Batch, SpecialEntry, Timed, Value};
use super::counts::{SegmentTable, Shape, Special};

/// So many tuples may there be in a group of dimensions, unless it is a single one: 2 bytes each.
const POSSIBLE: usize = 1 << 16;
/// With more tuples, they are spread before the next batch, which may bring as many as it has customers.
const TUPLES: usize = 4096;
/// No tuple.
const NO_TUPLE: u16 = u16::MAX;
/// So many durations of a clock wait, at most: 4 bytes each.
const WAITING: usize = 1 << 16;

/// Some dimensions, and what was counted that isn't in their tables yet.
#[derive(Debug)]
pub(super) struct Tuples {
    dimensions: Range<usize>,
    /// By dimension: number of its segments.
    sizes: Vec<usize>,
    shape: Shape,
    /// By segments in mixed radix: the tuple, or [`NO_TUPLE`].
    ids: Vec<u16>,
    /// By tuple: its place in `ids`.
    keys: Vec<usize>,
    /// By dimension, then tuple.
    segments: Vec<Vec<u32>>,
    /// By dimension: the tuples, one segment after the other. As many as there were when it was last needed.
    by_segment: Vec<Vec<u16>>,
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
    /// Groups of dimensions, given the number of segments of each.
    pub(super) fn groups(segments: &[usize], shape: Shape) -> Vec<Tuples> {
        let mut groups = Vec::new();
        let (mut start, mut possible) = (0, 1_usize);
        for (at, size) in segments.iter().chain([&usize::MAX]).enumerate() {
            let more = possible.saturating_mul(*size);
            if at > start && (more > POSSIBLE || at == segments.len()) {
                groups.push(Tuples {
                    dimensions: start..at,
                    sizes: segments[start..at].to_vec(),
                    shape,
                    ids: vec![NO_TUPLE; possible],
                    keys: Vec::new(),
                    segments: vec![Vec::new(); at - start],
                    by_segment: vec![Vec::new(); at - start],
                    customers: Vec::new(),
                    values_minor: Vec::new(),
                    special: Vec::new(),
                    waiting: vec![Vec::new(); shape.clocks()],
                    sorted: Sorted::default(),
                    tuple_of: Vec::new(),
                });
                (start, possible) = (at, *size);
            } else {
                possible = more;
            }
        }
        groups
    }

    /// The dimensions of the group; tables are theirs.
    pub(super) fn dimensions(&self) -> Range<usize> {
        self.dimensions.clone()
    }

    /// Counts the customers of a batch.
    #[inline(never)]
    pub(super) fn count(&mut self, batch: &Batch, tables: &mut [SegmentTable]) {
        if self.keys.len() > TUPLES {
            self.spread(tables);
        }
        let Shape { stages, conversions } = self.shape;
        self.tuple_of.clear();
        for segments in batch.customers() {
            let tuple = self.tuple(&segments[self.dimensions.clone()]);
            self.customers[usize::from(tuple)] += 1;
            self.tuple_of.push(tuple);
        }
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

    /// The tuple of these segments, one per dimension.
    #[inline]
    fn tuple(&mut self, segments: &[u32]) -> u16 {
        let key =
            self.sizes.iter().zip(segments).fold(0, |key, (size, segment)| key * size + *segment as usize);
        match self.ids[key] {
            NO_TUPLE => self.add_tuple(key),
            tuple => tuple,
        }
    }

    #[cold]
    fn add_tuple(&mut self, key: usize) -> u16 {
        let tuple = self.keys.len() as u16;
        self.ids[key] = tuple;
        self.keys.push(key);
        let mut rest = key;
        for (segments, size) in self.segments.iter_mut().zip(&self.sizes).rev() {
            segments.push((rest % size) as u32);
            rest /= size;
        }
        self.customers.push(0);
        self.values_minor.resize(self.keys.len() * self.shape.conversions, Joint::default());
        self.special.resize(self.keys.len() * self.shape.stages, Special::default());
        tuple
    }

    /// Spreads everything over the tables of the dimensions and forgets it.
    pub(super) fn spread(&mut self, tables: &mut [SegmentTable]) {
        let Shape { stages, conversions } = self.shape;
        (0..self.shape.clocks()).for_each(|clock| self.spread_waiting(clock, tables));
        for (table, segments) in tables.iter_mut().zip(&mut self.segments) {
            for (tuple, segment) in segments.drain(..).enumerate() {
                let counts = table.counts(segment as usize);
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
        for key in self.keys.drain(..) {
            self.ids[key] = NO_TUPLE;
        }
        self.by_segment.iter_mut().for_each(Vec::clear);
        self.customers.clear();
        self.values_minor.clear();
        self.special.clear();
    }

    /// Spreads the durations of a clock.
    #[inline(never)]
    fn spread_waiting(&mut self, clock: usize, tables: &mut [SegmentTable]) {
        self.sorted.sort(&self.waiting[clock], self.keys.len());
        self.waiting[clock].clear();
        for ((table, segments), order) in tables.iter_mut().zip(&self.segments).zip(&mut self.by_segment) {
            if order.len() != segments.len() {
                order.clear();
                order.extend(0..segments.len() as u16);
                order.sort_unstable_by_key(|tuple| segments[usize::from(*tuple)]);
            }
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
    fn groups_have_so_many_possible_tuples() {
        let groups = |sizes: &[usize]| -> Vec<(usize, usize)> {
            let groups = Tuples::groups(sizes, Shape { stages: 0, conversions: 1 });
            groups.iter().map(|group| (group.dimensions.start, group.dimensions.end)).collect()
        };
        assert!(groups(&[]).is_empty());
        assert_eq!(groups(&[40, 3, 4, 10]), [(0, 4)]);
        assert_eq!(groups(&[256, 256, 2]), [(0, 2), (2, 3)]);
        assert_eq!(groups(&[2, 1 << 20, 3, 4]), [(0, 1), (1, 2), (2, 4)]);
    }

    #[test]
    fn tuples_are_spread_whether_few_or_many() {
        // More tuples than are kept at once; more than wait at one clock.
        let sizes = [90, 70];
        let shape = Shape { stages: 1, conversions: 1 };
        let mut group = Tuples::groups(&sizes, shape).remove(0);
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
        assert!(group.ids.iter().all(|tuple| *tuple == NO_TUPLE) && group.keys.is_empty());
    }
}
