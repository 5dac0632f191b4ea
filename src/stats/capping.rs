//! Capping (winsorising) at a percentile that is known only at the end.
//!
//! A customer's figures wait in the bin of the first of them, as sums. In the finish the cap is the upper
//! edge of the bin that holds the percentile of all customers, so that no bin has figures on both sides of
//! it, and the capped sums are exact: those of the bins below as they are, those above with the cap in place
//! of each figure. The bins are those of [`Histogram`](super::Histogram), so the cap is at most 0.1 % above
//! the percentile.
//!
//! What is negative counts into the bin of zero: no cap is below zero.

use std::collections::BTreeMap;

use super::{histogram::BinIndex, joint::Joint, quantile_effect::bin_of};

/// Levels are taken to a billionth, so that ranks are whole numbers whatever the machine.
const LEVEL_SCALE: u128 = 1_000_000_000;

/// Sums of `K` figures per customer by the bin of figure 0, which may be capped.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Binned<const K: usize> {
    bins: BTreeMap<BinIndex, Joint<K>>,
}

impl<const K: usize> Binned<K> {
    /// Adds one customer.
    pub fn add(&mut self, values: [i64; K]) {
        self.bins.entry(bin_of(values[0])).or_default().add(values);
    }

    /// Adds so many customers whose figures are all zero.
    pub fn add_zeros(&mut self, customers: u64) {
        if customers > 0 {
            self.bins.entry(bin_of(0)).or_default().add_zeros(customers);
        }
    }

    /// Adds the customers of another group: associative and commutative.
    pub fn merge(&mut self, other: &Binned<K>) {
        for (bin, joint) in &other.bins {
            self.bins.entry(*bin).or_default().merge(joint);
        }
    }

    /// Returns what is left without `part`, which must be some of these customers; `None` where it can't be.
    pub fn without(&self, part: &Binned<K>) -> Option<Binned<K>> {
        let mut rest = self.clone();
        for (bin, part) in &part.bins {
            let joint = rest.bins.get_mut(bin)?;
            *joint = joint.without(part)?;
        }
        rest.bins.retain(|_, joint| joint.n > 0);
        Some(rest)
    }

    /// Returns the customers.
    pub fn n(&self) -> u64 {
        self.bins.values().map(|joint| joint.n).sum()
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
        for (bin, joint) in &self.bins {
            sums.merge(&if *bin <= last { *joint } else { joint.capped_first(cap) });
        }
        sums
    }
}

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
    let mut customers: BTreeMap<BinIndex, u128> = BTreeMap::new();
    for (bin, joint) in groups.into_iter().flat_map(|group| &group.bins) {
        *customers.entry(*bin).or_default() += u128::from(joint.n);
    }
    let n: u128 = customers.values().sum();
    let rank = (n * (level * LEVEL_SCALE as f64).round() as u128).div_ceil(LEVEL_SCALE).max(1);
    let mut up_to = 0;
    let bin = customers.into_iter().find(|(_, customers)| {
        up_to += customers;
        up_to >= rank
    });
    bin.map(|(bin, _)| i64::try_from(bin.last()).unwrap_or(i64::MAX))
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
        // Bins of 2 from 2,048 on: 3,000 and 3,001 are one, whose last value is 3,001.
        let binned = of(&[[3_000], [3_000], [9_999]]);
        assert_eq!(percentile_cap([&binned], 0.5), Some(3_001));
        assert_eq!(binned.capped(3_001).sums, [3_000 + 3_000 + 3_001]);
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
            prop_assert!(cap >= exact && cap as f64 <= exact as f64 * (1.0 + 1.0 / 1024.0), "{cap} for {exact}");
            prop_assert_eq!(binned.capped(cap), sums(values.iter().map(|v| [v[0].min(cap), v[1]])));
            prop_assert_eq!(binned.total(), sums(values.iter().copied()));
            let (first, rest) = values.split_at(values.len() / 2);
            let mut merged = of(rest);
            merged.merge(&of(first));
            prop_assert_eq!(&merged, &binned);
            prop_assert_eq!(merged.without(&of(first)), Some(of(rest)));
        }
    }
}
