//! Customers by the tuple of their segments, before they are spread over the dimensions.
//!
//! A customer stands in as many segments as there are dimensions, and in each with every target reached.
//! Tuples are fewer than customers: what is counted of them is spread once for all, and durations go into
//! their histograms some dozens at a time.

use std::ops::Range;

use crate::stats::BinIndex;

use super::SegmentTable;

/// So many tuples may there be in a group of dimensions, unless it is a single one: 2 bytes each.
const POSSIBLE: usize = 1 << 16;
/// So many tuples are counted at once, at most.
const TUPLES: usize = 4096;
/// No tuple.
const NO_TUPLE: u16 = u16::MAX;
/// So many customers who have reached a target wait, at most: 4 bytes each.
const WAITING: usize = 1 << 16;

/// Some dimensions, and what was counted that isn't in their tables yet.
#[derive(Debug)]
pub(super) struct Tuples {
    dimensions: Range<usize>,
    /// By dimension: number of its segments.
    sizes: Vec<usize>,
    stages: usize,
    /// By segments in mixed radix: the tuple, or [`NO_TUPLE`].
    ids: Vec<u16>,
    /// By tuple: its place in `ids`.
    keys: Vec<usize>,
    /// By dimension, then tuple.
    segments: Vec<Vec<u32>>,
    /// By tuple.
    customers: Vec<u64>,
    /// By tuple, then conversion.
    value_minor: Vec<i128>,
    /// By target.
    reached: Vec<Vec<Reached>>,
    sorted: Sorted,
}

/// The customer at hand.
pub(super) struct Customer<'t> {
    tuple: u16,
    tuples: &'t mut Tuples,
    tables: &'t mut [SegmentTable],
}

/// A customer of a tuple who has reached a target.
#[derive(Debug, Clone, Copy)]
struct Reached {
    tuple: u16,
    /// Of the milliseconds from the first row in the window to the first event there.
    to_convert: BinIndex,
}

/// Who has reached a target, by tuple. Scratch.
#[derive(Debug, Default)]
struct Sorted {
    bins: Vec<BinIndex>,
    /// By tuple: where its own end.
    ends: Vec<usize>,
    /// The tuples that have some, by segment of a dimension.
    tuples: Vec<u16>,
}

impl Tuples {
    /// Groups of dimensions, given the number of segments of each.
    pub(super) fn groups(segments: &[usize], stages: usize, targets: usize) -> Vec<Tuples> {
        let mut groups = Vec::new();
        let (mut start, mut possible) = (0, 1_usize);
        for (at, size) in segments.iter().chain([&usize::MAX]).enumerate() {
            let more = possible.saturating_mul(*size);
            if at > start && (more > POSSIBLE || at == segments.len()) {
                groups.push(Tuples {
                    dimensions: start..at,
                    sizes: segments[start..at].to_vec(),
                    stages,
                    ids: vec![NO_TUPLE; possible],
                    keys: Vec::new(),
                    segments: vec![Vec::new(); at - start],
                    customers: Vec::new(),
                    value_minor: Vec::new(),
                    reached: vec![Vec::new(); targets],
                    sorted: Sorted::default(),
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

    /// Counts a customer in these segments, one per dimension.
    #[inline]
    pub(super) fn count_customer<'t>(
        &'t mut self,
        segments: &[u32],
        tables: &'t mut [SegmentTable],
    ) -> Customer<'t> {
        let key =
            self.sizes.iter().zip(segments).fold(0, |key, (size, segment)| key * size + *segment as usize);
        let mut tuple = self.ids[key];
        if tuple == NO_TUPLE {
            tuple = self.add_tuple(key, tables);
        }
        self.customers[usize::from(tuple)] += 1;
        Customer { tuple, tuples: self, tables }
    }

    #[cold]
    fn add_tuple(&mut self, key: usize, tables: &mut [SegmentTable]) -> u16 {
        if self.keys.len() == TUPLES {
            self.spread(tables);
        }
        let tuple = self.keys.len() as u16;
        self.ids[key] = tuple;
        self.keys.push(key);
        let mut rest = key;
        for (segments, size) in self.segments.iter_mut().zip(&self.sizes).rev() {
            segments.push((rest % size) as u32);
            rest /= size;
        }
        self.customers.push(0);
        self.value_minor.resize(self.keys.len() * self.conversions(), 0);
        tuple
    }

    fn conversions(&self) -> usize {
        self.reached.len() - self.stages
    }

    /// Spreads everything over the tables of the dimensions and forgets it.
    pub(super) fn spread(&mut self, tables: &mut [SegmentTable]) {
        let (targets, conversions) = (self.reached.len(), self.conversions());
        (0..targets).for_each(|target| self.spread_reached(target, tables));
        for (table, segments) in tables.iter_mut().zip(&mut self.segments) {
            for (tuple, segment) in segments.drain(..).enumerate() {
                let counts = table.counts(segment as usize);
                counts.customers += self.customers[tuple];
                let values_minor = &self.value_minor[tuple * conversions..(tuple + 1) * conversions];
                for (value_minor, target) in values_minor.iter().zip(self.stages..) {
                    if *value_minor != 0 {
                        counts.target(target, targets).value_minor += value_minor;
                    }
                }
            }
        }
        for key in self.keys.drain(..) {
            self.ids[key] = NO_TUPLE;
        }
        self.customers.clear();
        self.value_minor.clear();
    }

    /// Spreads those who have reached a target.
    #[inline(never)]
    fn spread_reached(&mut self, target: usize, tables: &mut [SegmentTable]) {
        let targets = self.reached.len();
        self.sorted.sort(&self.reached[target], self.keys.len());
        self.reached[target].clear();
        for (table, segments) in tables.iter_mut().zip(&self.segments) {
            // One segment after the other, so that its histogram is at hand.
            self.sorted.tuples.sort_unstable_by_key(|tuple| segments[usize::from(*tuple)]);
            for tuple in self.sorted.tuples.iter().map(|tuple| usize::from(*tuple)) {
                let counts = table.counts(segments[tuple] as usize);
                counts.target(target, targets).to_convert_ms.record_all(self.sorted.of(tuple));
            }
        }
    }
}

impl Customer<'_> {
    /// Counts the first event at a target.
    #[inline]
    pub(super) fn reaches(&mut self, target: usize, to_convert: BinIndex) {
        let reached = &mut self.tuples.reached[target];
        reached.push(Reached { tuple: self.tuple, to_convert });
        if reached.len() == WAITING {
            self.tuples.spread_reached(target, self.tables);
        }
    }

    /// Adds an amount at a conversion, which was reached.
    #[inline]
    pub(super) fn adds_value(&mut self, conversion: usize, value_minor: i64) {
        if value_minor != 0 {
            let place = usize::from(self.tuple) * self.tuples.conversions() + conversion;
            self.tuples.value_minor[place] += i128::from(value_minor);
        }
    }
}

impl Sorted {
    /// Sorts by tuple, of so many.
    fn sort(&mut self, reached: &[Reached], tuples: usize) {
        let Sorted { bins, ends, tuples: listed } = self;
        ends.clear();
        ends.resize(tuples, 0);
        reached.iter().for_each(|reached| ends[usize::from(reached.tuple)] += 1);
        listed.clear();
        listed.extend((0..tuples).filter(|tuple| ends[*tuple] > 0).map(|tuple| tuple as u16));
        let mut next = 0;
        for end in ends.iter_mut() {
            next += std::mem::replace(end, next);
        }
        bins.clear();
        bins.resize(reached.len(), BinIndex::default());
        // What is the start of a tuple is its end when all are placed.
        for reached in reached {
            let place = &mut ends[usize::from(reached.tuple)];
            bins[*place] = reached.to_convert;
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
            let groups = Tuples::groups(sizes, 0, 1);
            groups.iter().map(|group| (group.dimensions.start, group.dimensions.end)).collect()
        };
        assert!(groups(&[]).is_empty());
        assert_eq!(groups(&[40, 3, 4, 10]), [(0, 4)]);
        assert_eq!(groups(&[256, 256, 2]), [(0, 2), (2, 3)]);
        assert_eq!(groups(&[2, 1 << 20, 3, 4]), [(0, 1), (1, 2), (2, 4)]);
    }

    #[test]
    fn tuples_are_spread_whether_few_or_many() {
        // More tuples than fit at once; more than wait at one target.
        let sizes = [90, 70];
        let mut group = Tuples::groups(&sizes, 1, 2).remove(0);
        let mut tables = tables(&sizes);
        let customers = 2 * WAITING + 7;
        for at in 0..customers {
            let mut customer = group.count_customer(&[at as u32 % 90, at as u32 / 90 % 70], &mut tables);
            customer.reaches(0, BinIndex::of(at as u64 % 5_000));
            if at.is_multiple_of(3) {
                customer.reaches(1, BinIndex::of(1));
                customer.adds_value(0, at as i64);
            }
        }
        group.spread(&mut tables);
        let count = |is_one: &dyn Fn(&usize) -> bool| (0..customers).filter(is_one).count() as u64;
        for (dimension, size) in sizes.into_iter().enumerate() {
            for segment in 0..size {
                let own = |at: &usize| [at % 90, at / 90 % 70][dimension] == segment;
                let buys = |at: &usize| own(at) && at.is_multiple_of(3);
                let counts = tables[dimension].counts(segment);
                assert_eq!(counts.customers, count(&own));
                assert_eq!(counts.converted(0), count(&own));
                assert_eq!(counts.converted(1), count(&buys));
                let value_minor: usize = (0..customers).filter(buys).sum();
                let targets = &counts.targets;
                assert_eq!(targets.get(1).map_or(0, |target| target.value_minor), value_minor as i128);
                let mut expected = crate::stats::Histogram::default();
                (0..customers).filter(own).for_each(|at| expected.record(at as u64 % 5_000));
                assert_eq!(targets[0].to_convert_ms, expected);
            }
        }
        assert!(group.ids.iter().all(|tuple| *tuple == NO_TUPLE) && group.keys.is_empty());
    }
}
