//! Durations in a mergeable histogram with a bounded relative error.
//!
//! The bin layout of HdrHistogram (Tene 2012) at 3 significant digits: values below 2,048 have bins of
//! their own; above, each doubling has 1,024 equal bins, so a bin is at most 1/1,024 of its values wide and
//! what is read from it at most 0.1 % off. Counts are integers: merging is associative and commutative.
//!
//! Departure: sparse while few bins hold values, because most cells of a table hold few; an array of counts
//! from then on. Values wait in a tail and are counted together: an array is larger than a core's first cache,
//! and in a table of hundreds of histograms each value alone would wait for memory.

use std::borrow::Cow;

use self::cells::Cells;

mod cells;

/// Bins below this index hold one value each.
const EXACT: u64 = 2048;
const BINS_PER_DOUBLING: u32 = 1024;
/// So many values at least wait before they are counted.
const TAIL: usize = 512;
/// As many wait as there are bins, or one for so many cells: 2 bytes for each of a [`Bin`]'s 16, or for 8 of
/// the array.
const CELLS_PER_WAITING: usize = 4;
/// An array of counts may have so many cells per bin that holds values: 16 bytes of cells, or 32 of wide ones, in place
/// of a [`Bin`]'s 16, so that memory stays within twice what was seen.
const CELLS_PER_BIN: usize = 8;
/// An order statistic is looked for in steps of so many cells.
const STEP: usize = 64;

/// The bin of a value: computed once, it goes into any number of histograms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct BinIndex(u16);

impl BinIndex {
    /// The bin that holds a value.
    #[inline]
    pub fn of(value: u64) -> BinIndex {
        let doubling = (value | (EXACT - 1)).ilog2() - 10;
        // 56,319 for the largest value.
        BinIndex((doubling * BINS_PER_DOUBLING + (value >> doubling) as u32) as u16)
    }

    /// Its lowest value and how many values it holds.
    fn bounds(self) -> (u64, u64) {
        let index = u32::from(self.0);
        if u64::from(index) < EXACT {
            return (u64::from(index), 1);
        }
        let doubling = index / BINS_PER_DOUBLING - 1;
        let within = u64::from(index - doubling * BINS_PER_DOUBLING);
        (within << doubling, 1 << doubling)
    }

    /// Its largest value.
    pub fn last(self) -> u64 {
        let (low, width) = self.bounds();
        low + (width - 1)
    }

    /// The bin of a cell of an array of counts.
    fn of_cell(cell: usize) -> BinIndex {
        BinIndex(cell as u16)
    }

    fn cell(self) -> usize {
        usize::from(self.0)
    }
}

/// One bin: its index in the layout, and how many values fell into it.
pub type Bin = (BinIndex, u64);

/// A histogram of whole milliseconds (or any `u64`).
///
/// The count of a bin is the sum of what the three parts say of it.
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// By index, from the first bin on: all counts up to where it ends, but for what overflows a cell.
    dense: Cells,
    /// Sorted by index, each at most once, counts above zero.
    bins: Vec<Bin>,
    /// A value each; when it has no more room they are counted, or it gets more.
    tail: Vec<BinIndex>,
}

impl Histogram {
    /// No values.
    pub const EMPTY: Histogram = Histogram { dense: Cells::NONE, bins: Vec::new(), tail: Vec::new() };

    /// Builds a histogram from bins in any order, equal indexes added up.
    pub fn from_bins(bins: Vec<Bin>) -> Histogram {
        let mut histogram = Histogram { bins, ..Histogram::default() };
        histogram.fold();
        histogram
    }

    /// Adds one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        self.record_in(BinIndex::of(value));
    }

    /// Adds one value that falls into this bin.
    #[inline]
    pub fn record_in(&mut self, bin: BinIndex) {
        if self.tail.len() == self.tail.capacity() {
            self.make_room();
        }
        self.tail.push(bin);
    }

    /// Adds one value for each of these bins, at once: for dozens or more.
    pub fn record_all(&mut self, bins: &[BinIndex]) {
        for bin in bins {
            if !self.dense.count(*bin) {
                self.record_in(*bin);
            }
        }
    }

    /// Makes room in the tail, step by step: the values of most histograms are few.
    #[inline(never)]
    fn make_room(&mut self) {
        let (waiting, most) = (self.tail.len(), self.most_waiting());
        if waiting >= most {
            self.fold();
        } else {
            self.tail.reserve_exact((2 * waiting).clamp(4, most) - waiting);
        }
    }

    /// So many values wait before they are counted.
    fn most_waiting(&self) -> usize {
        TAIL.max(self.bins.len()).max(self.dense.len() / CELLS_PER_WAITING)
    }

    /// Adds the values of another histogram: associative and commutative.
    pub fn merge(&mut self, other: &Histogram) {
        // What it was worth for a part, it is for the whole.
        self.dense.grow(other.dense.len());
        for (bin, count) in other.dense.filled(0) {
            let rest = self.dense.add(bin, count);
            if rest > 0 {
                self.bins.push((bin, rest));
            }
        }
        self.bins.extend_from_slice(&other.bins);
        self.tail.extend_from_slice(&other.tail);
        self.fold();
    }

    /// Returns what is left without `part`, which must be some of these values; `None` where it can't be.
    pub fn without(&self, part: &Histogram) -> Option<Histogram> {
        let mut bins = self.bins().into_owned();
        for &(index, count) in part.bins().iter() {
            let place = bins.binary_search_by_key(&index, |bin| bin.0).ok()?;
            bins[place].1 = bins[place].1.checked_sub(count)?;
        }
        Some(Histogram::from_bins(bins))
    }

    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        let dense: u64 = self.dense.counts(0, usize::MAX).sum();
        dense + self.bins.iter().map(|bin| bin.1).sum::<u64>() + self.tail.len() as u64
    }

    /// Returns the bins with their counts, by index: the canonical form, whatever came in which order.
    pub fn bins(&self) -> Cow<'_, [Bin]> {
        if self.dense.is_empty() && self.tail.is_empty() {
            return Cow::Borrowed(&self.bins);
        }
        let mut bins: Vec<Bin> = self.dense.filled(0).collect();
        bins.extend_from_slice(&self.bins);
        bins.extend(self.tail.iter().map(|bin| (*bin, 1)));
        add_up(&mut bins);
        Cow::Owned(bins)
    }

    /// Returns the value of the `rank`-th smallest entry, from 1, spread evenly within its bin; `None`
    /// outside 1 to [`Histogram::count`].
    pub fn order_statistic(&self, rank: u64) -> Option<f64> {
        let (start, mut before) = self.step_of(rank);
        for (index, count) in self.entries(start) {
            if rank > before && rank <= before + count {
                let (low, width) = index.bounds();
                let place = ((rank - before) as f64 - 0.5) / count as f64;
                return Some(low as f64 + place * (width - 1) as f64);
            }
            before += count;
        }
        None
    }

    /// Returns how many values lie at or below `value`, with a share of the bin that holds it.
    pub fn count_up_to(&self, value: f64) -> f64 {
        let mut sum = 0.0;
        for (index, count) in self.entries(0) {
            let (low, width) = index.bounds();
            let (low, last) = (low as f64, low as f64 + (width - 1) as f64);
            if value < low {
                break;
            }
            let share = if value >= last { 1.0 } else { (value - low) / (last - low) };
            sum += count as f64 * share;
        }
        sum
    }

    /// The first cell of the step of the array that holds the `rank`-th smallest entry, and how many values
    /// lie below it; past the array where none does.
    fn step_of(&self, rank: u64) -> (usize, u64) {
        let mut before = 0;
        if self.is_in_order() {
            for start in (0..self.dense.len()).step_by(STEP) {
                let counts: u64 = self.dense.counts(start, STEP).sum();
                if rank <= before + counts {
                    return (start, before);
                }
                before += counts;
            }
            return (self.dense.len(), before);
        }
        (0, 0)
    }

    /// Whether nothing waits and nothing overflows: then what is sparse comes after the array.
    fn is_in_order(&self) -> bool {
        let is_covered = |(index, _): &Bin| index.cell() < self.dense.len();
        self.tail.is_empty() && !self.bins.first().is_some_and(is_covered)
    }

    /// As [`Histogram::bins`] from a cell on, without a list where there is none yet. A start other than 0
    /// is one of the array's of a histogram in order.
    fn entries(&self, start: usize) -> impl Iterator<Item = Bin> + '_ {
        let in_order = self.is_in_order();
        let dense = self.dense.filled(start).take(if in_order { usize::MAX } else { 0 });
        let sparse = if in_order { Cow::Borrowed(&self.bins[..]) } else { self.bins() };
        dense.chain((0..sparse.len()).map(move |at| sparse[at]))
    }

    /// Counts what waits in the tail; makes the array longer where that takes no more than twice the memory.
    #[inline(never)]
    fn fold(&mut self) {
        let Histogram { dense, bins, tail } = self;
        tail.retain(|bin| !dense.count(*bin));
        tail.sort_unstable();
        bins.extend(tail.chunk_by(|one, other| one == other).map(|run| (run[0], run.len() as u64)));
        tail.clear();
        add_up(bins);
        let Some((last, _)) = bins.last() else { return };
        let cells = last.cell() + 1;
        if bins.len() * CELLS_PER_BIN >= cells.saturating_sub(dense.len()) {
            dense.grow(cells);
        }
        bins.retain_mut(|(index, count)| {
            if index.cell() < dense.len() {
                *count = dense.add(*index, *count);
            }
            *count > 0
        });
        if bins.is_empty() {
            // The array has taken over: what it doesn't cover is rare.
            self.bins = Vec::new();
        }
    }
}

/// Sorts bins by index, adds up equal ones and drops those without values.
fn add_up(bins: &mut Vec<Bin>) {
    // They are a few runs that are sorted already, which a stable sort finds.
    bins.sort_by_key(|bin| bin.0);
    bins.dedup_by(|next, kept| {
        let same = next.0 == kept.0;
        if same {
            kept.1 += next.1;
        }
        same
    });
    bins.retain(|bin| bin.1 > 0);
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Histogram) -> bool {
        self.bins() == other.bins()
    }
}

impl Eq for Histogram {}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> Histogram {
        let mut histogram = Histogram::default();
        values.iter().for_each(|&value| histogram.record(value));
        histogram
    }

    /// Values of every magnitude.
    fn any_value() -> impl Strategy<Value = u64> {
        (0u32..64, any::<u64>()).prop_map(|(shift, value)| value >> shift)
    }

    #[test]
    fn bins_join_without_gaps() {
        for (value, index) in [(2047, 2047), (2048, 2048), (2049, 2048), (2050, 2049)] {
            assert_eq!(BinIndex::of(value), BinIndex(index));
        }
        let last = BinIndex::of(u64::MAX);
        let mut next: u128 = 0;
        assert_eq!(last, BinIndex(56_319));
        for index in 0..=last.0 {
            let (low, width) = BinIndex(index).bounds();
            assert_eq!(u128::from(low), next);
            assert!(width == 1 || width * 1024 <= low, "bin {index} is wider than 0.1 %");
            next += u128::from(width);
        }
        assert_eq!(next, 1 << 64);
    }

    #[test]
    fn small_values_are_exact() {
        let histogram = of(&[5, 3, 3, 2047, 0]);
        assert_eq!(histogram.count(), 5);
        let sorted: Vec<_> = (0..=6).map(|rank| histogram.order_statistic(rank)).collect();
        assert_eq!(sorted, [None, Some(0.0), Some(3.0), Some(3.0), Some(5.0), Some(2047.0), None]);
        assert_eq!(histogram.count_up_to(3.0), 3.0);
        assert_eq!(histogram.count_up_to(2.9), 1.0);
        assert_eq!(Histogram::default().count(), 0);
    }

    #[test]
    fn without_needs_a_part() {
        assert_eq!(of(&[1, 2, 2]).without(&of(&[2])), Some(of(&[1, 2])));
        assert_eq!(of(&[1, 2]).without(&of(&[2, 2])), None);
        assert_eq!(of(&[1, 2]).without(&of(&[3])), None);
    }

    /// Sparse and dense, however often it has folded.
    fn any_histogram() -> impl Strategy<Value = Vec<u64>> {
        prop_oneof![
            prop::collection::vec(any_value(), 0..200),
            prop::collection::vec(0..4_000_u64, 0..2_000),
            prop::collection::vec(any_value(), 1_000..2_000),
            (prop::collection::vec(0..300_u64, 1_000..1_100), any_value()).prop_map(|(mut values, far)| {
                values.push(far);
                values
            }),
        ]
    }

    #[test]
    fn memory_is_bounded_by_what_was_seen() {
        let bytes = |histogram: &Histogram| {
            histogram.dense.width() * histogram.dense.len()
                + 16 * histogram.bins.capacity()
                + 2 * histogram.tail.capacity()
        };
        // Few values make no array, however many times; many different ones do.
        let few = of(&[1 << 30; 3]);
        assert!(bytes(&few) <= 8, "{}", bytes(&few));
        let few = of(&[[0, 1 << 30, 1 << 40]; 1_000].concat());
        assert!(few.dense.is_empty() && bytes(&few) <= 2 * 16 * 4 + 2 * TAIL, "{}", bytes(&few));
        let mut values = Vec::new();
        for exponent in 0..20 {
            values.extend((0..1 << exponent).map(|step| (step << (20 - exponent)) * 1_000));
            let histogram = of(&values);
            let seen = histogram.bins().len();
            // Twice for the array, or for the spare room of a list that grows by doubling.
            let most = 2 * 2 * 16 * seen + 2 * TAIL;
            assert!(bytes(&histogram) <= most, "{} for {seen} bins", bytes(&histogram));
        }
        assert!(!of(&values).dense.is_empty());
    }

    #[test]
    fn order_statistics_of_an_array_are_found_by_steps() {
        // Three of each even value, and one beyond the array.
        let mut values: Vec<u64> = (0..3_000).map(|at| at / 3 * 2).collect();
        values.push(u64::MAX);
        let mut histogram = Histogram::default();
        histogram.merge(&of(&values));
        assert!(histogram.is_in_order() && histogram.dense.len() > 10 * STEP, "{}", histogram.dense.len());
        for (at, value) in values[..3_000].iter().enumerate() {
            assert_eq!(histogram.order_statistic(at as u64 + 1), Some(*value as f64));
        }
        assert!(histogram.order_statistic(3_001).unwrap() > 1e19);
        assert_eq!([0, 3_002].map(|rank| histogram.order_statistic(rank)), [None; 2]);
    }

    #[test]
    fn a_value_far_out_stays_sparse() {
        let mut values: Vec<u64> = (0..TAIL as u64).collect();
        values.extend([u64::MAX; 2 * TAIL]);
        let histogram = of(&values);
        assert_eq!(histogram.dense.len(), TAIL);
        assert_eq!(histogram.count(), 3 * TAIL as u64);
        assert_eq!(histogram.bins().last(), Some(&(BinIndex::of(u64::MAX), 2 * TAIL as u64)));
    }

    #[test]
    fn counts_go_beyond_a_cell() {
        let limit = u64::from(u32::MAX);
        let bin = BinIndex::of(3);
        let mut histogram = Histogram::from_bins(vec![(bin, limit - 1)]);
        let values = 2 * TAIL as u64;
        for count in limit..limit + values {
            histogram.record(3);
            assert_eq!((histogram.count(), histogram.bins().as_ref()), (count, &[(bin, count)][..]));
        }
        assert_eq!(histogram.order_statistic(limit + 1), Some(3.0));
        let count = histogram.count();
        let mut twice = histogram.clone();
        twice.merge(&histogram);
        assert_eq!(twice, Histogram::from_bins(vec![(bin, 2 * count)]));
        assert_eq!(twice.without(&histogram), Some(histogram));
    }

    proptest! {
        #[test]
        fn a_value_lies_in_its_bin(value in any_value()) {
            let (low, width) = BinIndex::of(value).bounds();
            prop_assert!(low <= value && value - low < width);
        }

        #[test]
        fn order_statistics_are_within_a_thousandth(mut values in prop::collection::vec(any_value(), 1..300)) {
            let histogram = of(&values);
            values.sort_unstable();
            for (i, &value) in values.iter().enumerate() {
                let read = histogram.order_statistic(i as u64 + 1).unwrap();
                prop_assert!((read - value as f64).abs() <= value as f64 / 1000.0);
            }
            prop_assert_eq!(histogram.count(), values.len() as u64);
        }

        #[test]
        fn merge_is_associative_and_commutative(
            a in any_histogram(),
            b in any_histogram(),
            c in any_histogram(),
        ) {
            let merge = |x: &Histogram, y: &Histogram| { let mut x = x.clone(); x.merge(y); x };
            let (a, b, c) = (of(&a), of(&b), of(&c));
            prop_assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
            prop_assert_eq!(merge(&a, &b), merge(&b, &a));
            prop_assert_eq!(merge(&a, &b).without(&b), Some(a));
        }

        #[test]
        fn order_of_values_never_shows(mut values in any_histogram()) {
            let histogram = of(&values);
            let mut counts = std::collections::BTreeMap::new();
            values.iter().for_each(|value| *counts.entry(BinIndex::of(*value)).or_insert(0) += 1);
            let counts: Vec<Bin> = counts.into_iter().collect();
            prop_assert_eq!(histogram.bins().into_owned(), counts.clone());
            prop_assert_eq!(histogram.entries(0).collect::<Vec<Bin>>(), counts.clone());
            let mut settled = Histogram::default();
            settled.merge(&histogram);
            prop_assert_eq!(settled.entries(0).collect::<Vec<Bin>>(), counts);
            values.reverse();
            prop_assert_eq!(&histogram, &of(&values));
            prop_assert_eq!(&histogram, &Histogram::from_bins(histogram.bins().into_owned()));
        }
    }
}
