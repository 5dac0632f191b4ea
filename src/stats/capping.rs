//! Capping (winsorising) at a percentile that is known only at the end.
//!
//! A customer's figures wait in the bin of the first of them, as sums. In the finish the cap is the upper
//! edge of the bin that holds the percentile of all customers, so that no bin has figures on both sides of
//! it, and the capped sums are exact: those of the bins below as they are, those above with the cap in place
//! of each figure.
//!
//! The bins are those of HdrHistogram (Tene 2012), but for where they begin to be wide: each value up to 1,023
//! has its own, those above have 128 per doubling, so that they are at most 1/128 of their values wide and the
//! cap at most 0.8 % above the percentile. Finer ones would fill a core's cache with a few cells of a table, and where the cap lies
//! within a hundredth matters to nobody as long as it is the same for all.
//!
//! What is negative counts into the bin of zero: no cap is below zero.

use std::collections::BTreeMap;

use super::joint::Joint;

/// Values below have bins of their own: a power of two.
const EXACT: u64 = 1_024;
/// A power of two.
const BINS_PER_DOUBLING: u32 = 128;
/// So many customers at least wait one by one before they are put into bins: most segments never have more.
const WAITING: usize = 1_024;
/// With an array of bins, so many wait for each of them: in a third of the memory that it takes, or less.
const WAITING_PER_BIN: usize = 2;
/// Levels are taken to a billionth, so that ranks are whole numbers whatever the machine.
const LEVEL_SCALE: u128 = 1_000_000_000;

/// The bin of a figure; what is below zero is in that of zero.
#[inline]
fn bin_of(figure: i64) -> u16 {
    let value = u64::try_from(figure).unwrap_or(0);
    if value < EXACT {
        return value as u16;
    }
    let doubling = value.ilog2() - EXACT.ilog2();
    let within = (value >> (value.ilog2() - BINS_PER_DOUBLING.ilog2())) as u32 - BINS_PER_DOUBLING;
    // 7,935 for the largest figure.
    (EXACT as u32 + doubling * BINS_PER_DOUBLING + within) as u16
}

/// The largest figure of a bin.
fn last_of(bin: u16) -> i64 {
    let Some(wide) = u32::from(bin).checked_sub(EXACT as u32) else { return i64::from(bin) };
    let (doubling, within) = (wide / BINS_PER_DOUBLING, wide % BINS_PER_DOUBLING);
    let width = EXACT.ilog2() + doubling - BINS_PER_DOUBLING.ilog2();
    let next = u128::from(BINS_PER_DOUBLING + within + 1) << width;
    i64::try_from(next - 1).unwrap_or(i64::MAX)
}

/// Sums of `K` figures per customer by the bin of figure 0, which may be capped.
#[derive(Debug, Clone, Default)]
pub struct Binned<const K: usize> {
    /// The bin of zero, in which most customers are.
    zero: Joint<K>,
    /// Of other bins, not counted yet: many at once find the array in the cache.
    waiting: Vec<[i64; K]>,
    /// Bin of the first sums of the array.
    first: u16,
    /// From `first` on; empty as long as few customers wait.
    bins: Vec<Joint<K>>,
}

impl<const K: usize> Binned<K> {
    /// Adds one customer.
    #[inline]
    pub fn add(&mut self, values: [i64; K]) {
        if bin_of(values[0]) == 0 {
            self.zero.add(values);
            return;
        }
        if self.waiting.len() == self.waiting.capacity() {
            self.make_room();
        }
        self.waiting.push(values);
    }

    /// Makes room for those who wait, step by step: the customers of most segments are few.
    #[inline(never)]
    fn make_room(&mut self) {
        let (waiting, most) = (self.waiting.len(), (self.bins.len() * WAITING_PER_BIN).max(WAITING));
        if waiting >= most {
            self.fold();
        } else {
            self.waiting.reserve_exact((2 * waiting).clamp(4, most) - waiting);
        }
    }

    /// Puts those who wait into their bins.
    fn fold(&mut self) {
        let bins = || self.waiting.iter().map(|values| bin_of(values[0]));
        let (Some(first), Some(last)) = (bins().min(), bins().max()) else { return };
        self.cover(first, last);
        for values in self.waiting.drain(..) {
            self.bins[usize::from(bin_of(values[0]) - self.first)].add(values);
        }
    }

    /// Makes the array hold these bins.
    fn cover(&mut self, first: u16, last: u16) {
        if self.bins.is_empty() {
            self.first = first;
        }
        if first < self.first {
            let more = usize::from(self.first - first);
            self.bins.splice(..0, std::iter::repeat_n(Joint::default(), more));
            self.first = first;
        }
        let bins = usize::from(last - self.first) + 1;
        if bins > self.bins.len() {
            // Exactly: the next doubling may never come.
            self.bins.reserve_exact(bins - self.bins.len());
            self.bins.resize(bins, Joint::default());
        }
    }

    /// Adds so many customers whose figures are all zero.
    pub fn add_zeros(&mut self, customers: u64) {
        self.zero.add_zeros(customers);
    }

    /// Adds the customers of another group: associative and commutative.
    pub fn merge(&mut self, other: &Binned<K>) {
        self.zero.merge(&other.zero);
        if let Some(more) = other.bins.len().checked_sub(1) {
            self.cover(other.first, other.first + more as u16);
            let start = usize::from(other.first - self.first);
            self.bins[start..].iter_mut().zip(&other.bins).for_each(|(own, other)| own.merge(other));
        }
        other.waiting.iter().for_each(|values| self.add(*values));
    }

    /// Returns the customers.
    pub fn n(&self) -> u64 {
        let array: u64 = self.bins.iter().map(|joint| joint.n).sum();
        self.zero.n + self.waiting.len() as u64 + array
    }

    /// Returns the sums as they are.
    pub fn total(&self) -> Joint<K> {
        self.capped(i64::MAX)
    }

    /// Returns the sums with figure 0 of no customer above `cap`, an upper edge of a bin as
    /// [`percentile_cap`] gives it: exact.
    pub fn capped(&self, cap: i64) -> Joint<K> {
        let last = bin_of(cap);
        let mut sums = Joint::default();
        for (bin, joint) in self.sums() {
            sums.merge(&if bin <= last { joint } else { joint.capped_first(cap) });
        }
        sums
    }

    /// The bins of the array that hold customers.
    fn array(&self) -> impl Iterator<Item = (u16, &Joint<K>)> {
        let first = self.first;
        let bins = self.bins.iter().enumerate().filter(|(_, joint)| joint.n > 0);
        bins.map(move |(place, joint)| (first + place as u16, joint))
    }

    /// All bins that hold customers, wherever they wait.
    fn sums(&self) -> BTreeMap<u16, Joint<K>> {
        let mut sums: BTreeMap<u16, Joint<K>> = self.array().map(|(bin, joint)| (bin, *joint)).collect();
        for values in &self.waiting {
            sums.entry(bin_of(values[0])).or_default().add(*values);
        }
        if self.zero.n > 0 {
            sums.insert(0, self.zero);
        }
        sums
    }
}

/// What they hold, not how.
impl<const K: usize> PartialEq for Binned<K> {
    fn eq(&self, other: &Binned<K>) -> bool {
        self.sums() == other.sums()
    }
}

impl<const K: usize> Eq for Binned<K> {}

/// Returns the cap at the percentile `level` in (0, 1) of the figures 0 of all customers of these groups:
/// the upper edge of the bin that holds the ⌈n·level⌉-th smallest. `None` without customers or for a level
/// outside.
pub fn percentile_cap<'b, const K: usize>(
    groups: impl IntoIterator<Item = &'b Binned<K>>,
    level: f64,
) -> Option<i64> {
    if !(level > 0.0 && level < 1.0) {
        return None;
    }
    let mut customers: BTreeMap<u16, u128> = BTreeMap::new();
    for (bin, joint) in groups.into_iter().flat_map(Binned::sums) {
        *customers.entry(bin).or_default() += u128::from(joint.n);
    }
    let n: u128 = customers.values().sum();
    let rank = (n * (level * LEVEL_SCALE as f64).round() as u128).div_ceil(LEVEL_SCALE).max(1);
    let mut up_to = 0;
    let bin = customers.into_iter().find(|(_, customers)| {
        up_to += customers;
        up_to >= rank
    });
    bin.map(|(bin, _)| last_of(bin))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of<const K: usize>(values: &[[i64; K]]) -> Binned<K> {
        let mut binned = Binned::default();
        values.iter().for_each(|values| binned.add(*values));
        binned
    }

    fn sums<const K: usize>(values: impl IntoIterator<Item = [i64; K]>) -> Joint<K> {
        let mut joint = Joint::default();
        values.into_iter().for_each(|values| joint.add(values));
        joint
    }

    #[test]
    fn the_cap_is_the_edge_of_the_bin_of_the_percentile() {
        // 990 zeros, then 1 to 10: the 995th smallest is 5.
        let mut binned = of(&std::array::from_fn::<_, 10, _>(|i| [i as i64 + 1]));
        binned.add_zeros(990);
        assert_eq!(percentile_cap([&binned], 0.995), Some(5));
        assert_eq!(percentile_cap([&binned], 0.9951), Some(6));
        assert_eq!(percentile_cap([&binned], 0.5), Some(0));
        assert_eq!(binned.capped(5).sums, [1 + 2 + 3 + 4 + 6 * 5]);
        assert_eq!(binned.n(), 1_000);
        // Bins of 16 from 2,048 on: 3,000 is in that of 2,992 to 3,007.
        let binned = of(&[[3_000], [3_000], [9_999]]);
        assert_eq!(percentile_cap([&binned], 0.5), Some(3_007));
        assert_eq!(binned.capped(3_007).sums, [3_000 + 3_000 + 3_007]);
        assert_eq!(percentile_cap::<1>([], 0.5), None);
        assert_eq!(percentile_cap([&binned], 1.0), None);
        assert_eq!(percentile_cap([&of(&[[i64::MAX]])], 0.5), Some(i64::MAX));
    }

    #[test]
    fn groups_share_one_cap() {
        let (one, other) = (of(&[[1], [2], [3]]), of(&[[40], [50]]));
        assert_eq!(percentile_cap([&one, &other], 0.6), Some(3));
        assert_eq!(other.capped(3).sums, [6]);
    }

    #[test]
    fn what_is_negative_is_not_capped() {
        let binned = of(&[[-500, 1], [-3, 2], [9, 3]]);
        assert_eq!(percentile_cap([&binned], 0.4), Some(0));
        assert_eq!(binned.capped(0), sums([[-500, 1], [-3, 2], [0, 3]]));
    }

    #[test]
    fn every_figure_is_in_one_bin() {
        let mut last = -1;
        for bin in 0..=bin_of(i64::MAX) {
            assert_eq!(bin_of(last + 1), bin, "{bin}");
            last = last_of(bin);
            assert_eq!(bin_of(last), bin);
        }
        assert_eq!(last, i64::MAX);
    }

    #[test]
    fn many_customers_are_binned_as_few_are() {
        let values = |range: std::ops::Range<i64>| range.map(|i| [i * 7_919 % 50_000, i]).collect::<Vec<_>>();
        let whole = of(&values(0..5_000));
        assert_eq!(whole.n(), 5_000);
        assert_eq!(whole.total(), sums(values(0..5_000)));
        // Each part of another kind: customers who wait, an array, and both.
        for cut in [100, 1_024, 1_025, 4_990] {
            let (mut one, other) = (of(&values(0..cut)), of(&values(cut..5_000)));
            one.merge(&other);
            assert_eq!(one, whole);
            let cap = percentile_cap([&whole], 0.9).unwrap();
            assert_eq!(one.capped(cap), sums(values(0..5_000).iter().map(|v| [v[0].min(cap), v[1]])));
        }
    }

    proptest! {
        #[test]
        fn capped_sums_are_those_of_capped_customers(
            values in prop::collection::vec((-1_000_i64..1_000_000, any::<i16>()), 1..80),
            percent in 1_u32..100,
        ) {
            let values: Vec<[i64; 2]> = values.into_iter().map(|(x, pre)| [x, i64::from(pre)]).collect();
            let level = f64::from(percent) / 100.0;
            let binned = of(&values);
            let cap = percentile_cap([&binned], level).unwrap();
            let mut sorted: Vec<i64> = values.iter().map(|v| v[0].max(0)).collect();
            sorted.sort_unstable();
            let exact = sorted[(values.len() * percent as usize).div_ceil(100) - 1];
            prop_assert!(cap >= exact && cap as f64 <= exact as f64 * (1.0 + 1.0 / 128.0), "{cap} for {exact}");
            prop_assert_eq!(binned.capped(cap), sums(values.iter().map(|v| [v[0].min(cap), v[1]])));
            prop_assert_eq!(binned.total(), sums(values.iter().copied()));
            let (first, rest) = values.split_at(values.len() / 2);
            let mut merged = of(rest);
            merged.merge(&of(first));
            prop_assert_eq!(&merged, &binned);
        }
    }
}
