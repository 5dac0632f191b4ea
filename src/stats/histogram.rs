//! Durations in a mergeable, sparse histogram with a bounded relative error.
//!
//! The bin layout of HdrHistogram (Tene 2012) at 3 significant digits: values below 2,048 have bins of
//! their own; above, each doubling has 1,024 equal bins, so a bin is at most 1/1,024 of its values wide and
//! what is read from it at most 0.1 % off. Counts are integers: merging is associative and commutative.
//!
//! Departure: sparse, as a sorted list with a short unsorted tail, because most cells hold few values.

use std::borrow::Cow;

/// Bins below this index hold one value each.
const EXACT: u64 = 2048;
const BINS_PER_DOUBLING: u32 = 1024;
/// The unsorted tail is folded in at this length, or at the length of the sorted part if that is more.
const MIN_TAIL: usize = 64;

/// One bin: its index in the layout, and how many values fell into it.
pub type Bin = (u32, u64);

/// A histogram of whole milliseconds (or any `u64`).
#[derive(Debug, Clone, Default)]
pub struct Histogram {
    /// Sorted by index, each at most once, counts above zero.
    bins: Vec<Bin>,
    tail: Vec<Bin>,
}

impl Histogram {
    /// Builds a histogram from bins in any order, equal indexes added up.
    pub fn from_bins(bins: Vec<Bin>) -> Histogram {
        let mut histogram = Histogram { bins: Vec::new(), tail: bins };
        histogram.fold_tail();
        histogram
    }

    /// Adds one value.
    pub fn record(&mut self, value: u64) {
        self.tail.push((index_of(value), 1));
        if self.tail.len() >= MIN_TAIL.max(self.bins.len()) {
            self.fold_tail();
        }
    }

    /// Adds the values of another histogram: associative and commutative.
    pub fn merge(&mut self, other: &Histogram) {
        self.tail.extend_from_slice(&other.bins);
        self.tail.extend_from_slice(&other.tail);
        self.fold_tail();
    }

    /// Returns what is left without `part`, which must be some of these values; `None` where it can't be.
    pub fn without(&self, part: &Histogram) -> Option<Histogram> {
        let mut bins = self.bins().into_owned();
        for &(index, count) in part.bins().iter() {
            let place = bins.binary_search_by_key(&index, |bin| bin.0).ok()?;
            bins[place].1 = bins[place].1.checked_sub(count)?;
        }
        bins.retain(|bin| bin.1 > 0);
        Some(Histogram { bins, tail: Vec::new() })
    }

    /// Returns the number of values.
    pub fn count(&self) -> u64 {
        self.bins.iter().chain(&self.tail).map(|bin| bin.1).sum()
    }

    /// Returns the bins with their counts, by index: the canonical form, whatever came in which order.
    pub fn bins(&self) -> Cow<'_, [Bin]> {
        if self.tail.is_empty() {
            Cow::Borrowed(&self.bins)
        } else {
            let mut folded = self.clone();
            folded.fold_tail();
            Cow::Owned(folded.bins)
        }
    }

    /// Returns the value of the `rank`-th smallest entry, from 1, spread evenly within its bin; `None`
    /// outside 1 to [`Histogram::count`].
    pub fn order_statistic(&self, rank: u64) -> Option<f64> {
        let mut before = 0;
        for &(index, count) in self.bins().iter() {
            if rank > before && rank <= before + count {
                let (low, width) = bounds_of(index);
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
        for &(index, count) in self.bins().iter() {
            let (low, width) = bounds_of(index);
            let (low, last) = (low as f64, low as f64 + (width - 1) as f64);
            if value < low {
                break;
            }
            let share = if value >= last { 1.0 } else { (value - low) / (last - low) };
            sum += count as f64 * share;
        }
        sum
    }

    fn fold_tail(&mut self) {
        self.bins.append(&mut self.tail);
        // The old bins come first and are sorted: a stable sort finds that run.
        self.bins.sort_by_key(|bin| bin.0);
        self.bins.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        self.bins.retain(|bin| bin.1 > 0);
    }
}

impl PartialEq for Histogram {
    fn eq(&self, other: &Histogram) -> bool {
        self.bins() == other.bins()
    }
}

impl Eq for Histogram {}

/// The bin of a value.
fn index_of(value: u64) -> u32 {
    let doubling = (value | (EXACT - 1)).ilog2() - 10;
    doubling * BINS_PER_DOUBLING + (value >> doubling) as u32
}

/// The lowest value of a bin and how many values it holds.
fn bounds_of(index: u32) -> (u64, u64) {
    if u64::from(index) < EXACT {
        return (u64::from(index), 1);
    }
    let doubling = index / BINS_PER_DOUBLING - 1;
    let within = u64::from(index - doubling * BINS_PER_DOUBLING);
    (within << doubling, 1 << doubling)
}

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
        assert_eq!(index_of(2047), 2047);
        assert_eq!(index_of(2048), 2048);
        assert_eq!(index_of(2049), 2048);
        assert_eq!(index_of(2050), 2049);
        let last = index_of(u64::MAX);
        let mut next: u128 = 0;
        for index in 0..=last {
            let (low, width) = bounds_of(index);
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

    proptest! {
        #[test]
        fn a_value_lies_in_its_bin(value in any_value()) {
            let (low, width) = bounds_of(index_of(value));
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
            a in prop::collection::vec(any_value(), 0..200),
            b in prop::collection::vec(any_value(), 0..200),
            c in prop::collection::vec(any_value(), 0..200),
        ) {
            let merge = |x: &Histogram, y: &Histogram| { let mut x = x.clone(); x.merge(y); x };
            let (a, b, c) = (of(&a), of(&b), of(&c));
            prop_assert_eq!(merge(&merge(&a, &b), &c), merge(&a, &merge(&b, &c)));
            prop_assert_eq!(merge(&a, &b), merge(&b, &a));
            prop_assert_eq!(merge(&a, &b).without(&b), Some(a));
        }

        #[test]
        fn order_of_values_never_shows(mut values in prop::collection::vec(any_value(), 0..300)) {
            let histogram = of(&values);
            values.reverse();
            prop_assert_eq!(&histogram, &of(&values));
            prop_assert_eq!(&histogram, &Histogram::from_bins(histogram.bins().into_owned()));
        }
    }
}
