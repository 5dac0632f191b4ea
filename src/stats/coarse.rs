//! A histogram of few and wide bins: of each jackknife bucket, beside one exact [`Histogram`](super::Histogram) of
//! all.
//!
//! The layout of HdrHistogram (Tene 2012) with 32 bins per doubling: values below 64 have bins of their own, the
//! bins above are at most 1/32 of their values wide. From it is read by how much the share of values up to a
//! quantile varies from bucket to bucket, not the quantile: a bin around it holds a few hundredths of the values, so
//! that spreading them evenly leaves the variance as it is but for parts in a thousand. 64 exact histograms would
//! take thirty times the memory and as many steps to look through.

/// Bins below this index hold one value each.
const EXACT: u64 = 64;
const BINS_PER_DOUBLING: u32 = 32;
/// So many values wait before there is an array: many cells of a table never hold more.
const WAITING: usize = 256;

/// Counts of whole milliseconds (or any `u64`) in bins 3 % wide. Merging is associative and commutative.
#[derive(Debug, Clone, Default)]
pub struct CoarseHistogram {
    /// By bin, up to the highest one met; empty as long as few values wait.
    counts: Vec<u64>,
    /// Bins of single values, while there is no array.
    waiting: Vec<u16>,
}

/// The bin of a value.
#[inline]
fn bin_of(value: u64) -> u16 {
    let doubling = (value | (EXACT - 1)).ilog2() - 5;
    // 1,919 for the largest value.
    (doubling * BINS_PER_DOUBLING + (value >> doubling) as u32) as u16
}

/// Lowest value of a bin and how many values it holds.
fn bounds(bin: usize) -> (u64, u64) {
    let bin = bin as u64;
    if bin < EXACT {
        return (bin, 1);
    }
    let per_doubling = u64::from(BINS_PER_DOUBLING);
    let doubling = bin / per_doubling - 1;
    ((bin - doubling * per_doubling) << doubling, 1 << doubling)
}

impl CoarseHistogram {
    /// Adds one value.
    #[inline]
    pub fn record(&mut self, value: u64) {
        let bin = bin_of(value);
        match self.counts.get_mut(usize::from(bin)) {
            Some(count) => *count += 1,
            None => self.record_beyond(bin),
        }
    }

    /// Adds a value for which the array has no bin yet.
    #[inline(never)]
    fn record_beyond(&mut self, bin: u16) {
        if !self.counts.is_empty() {
            self.count(bin);
            return;
        }
        self.waiting.push(bin);
        if self.waiting.len() == WAITING {
            for bin in std::mem::take(&mut self.waiting) {
                self.count(bin);
            }
        }
    }

    fn count(&mut self, bin: u16) {
        let bin = usize::from(bin);
        if bin >= self.counts.len() {
            self.counts.resize(bin + 1, 0);
        }
        self.counts[bin] += 1;
    }

    /// Adds the values of another histogram.
    pub fn merge(&mut self, other: &CoarseHistogram) {
        if !other.counts.is_empty() {
            std::mem::take(&mut self.waiting).into_iter().for_each(|bin| self.count(bin));
            self.counts.resize(self.counts.len().max(other.counts.len()), 0);
            self.counts.iter_mut().zip(&other.counts).for_each(|(own, other)| *own += other);
        }
        for bin in &other.waiting {
            match self.counts.get_mut(usize::from(*bin)) {
                Some(count) => *count += 1,
                None => self.record_beyond(*bin),
            }
        }
    }

    /// Returns how many values there are.
    pub fn count_all(&self) -> u64 {
        self.counts.iter().sum::<u64>() + self.waiting.len() as u64
    }

    /// Returns how many values lie at or below `value`, with a share of the bin that holds it.
    pub fn count_up_to(&self, value: f64) -> f64 {
        // Values are whole and not negative.
        let own = usize::from(bin_of(value as u64));
        let below = self.counts.iter().take(own).sum::<u64>()
            + self.waiting.iter().filter(|bin| usize::from(**bin) < own).count() as u64;
        let within = self.counts.get(own).copied().unwrap_or(0)
            + self.waiting.iter().filter(|bin| usize::from(**bin) == own).count() as u64;
        let (low, width) = bounds(own);
        // As the exact histogram does: the last value of a bin has all of it below or at itself.
        let last = (width - 1) as f64;
        let share = if last > 0.0 { ((value - low as f64) / last).min(1.0) } else { 1.0 };
        below as f64 + within as f64 * share
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Histogram;
    use proptest::prelude::*;

    fn of(values: &[u64]) -> CoarseHistogram {
        let mut histogram = CoarseHistogram::default();
        values.iter().for_each(|value| histogram.record(*value));
        histogram
    }

    #[test]
    fn bins_join_without_gaps() {
        let last = usize::from(bin_of(u64::MAX));
        assert_eq!(last, 1_919);
        let mut next: u128 = 0;
        for bin in 0..=last {
            let (low, width) = bounds(bin);
            assert_eq!(u128::from(low), next);
            assert_eq!([bin_of(low), bin_of(low + (width - 1))].map(usize::from), [bin; 2]);
            assert!(width == 1 || width * 32 <= low, "bin {bin} is wider than a 32nd");
            next += u128::from(width);
        }
        assert_eq!(next, 1 << 64);
    }

    #[test]
    fn few_values_wait() {
        let mut histogram = of(&[1 << 40; WAITING - 1]);
        assert!(histogram.counts.is_empty());
        histogram.record(3);
        assert_eq!((histogram.waiting.len(), histogram.count_all()), (0, WAITING as u64));
        assert_eq!(histogram.count_up_to(3.0), 1.0);
    }

    /// Values of every magnitude.
    fn values() -> impl Strategy<Value = Vec<u64>> {
        let value = prop_oneof![
            (0u32..64, any::<u64>()).prop_map(|(shift, value)| value >> shift),
            0..200_u64,
            3_600_000..4_000_000_u64
        ];
        prop::collection::vec(value, 0..600)
    }

    proptest! {
        #[test]
        fn counts_are_those_of_an_exact_histogram_up_to_a_bin(values in values(), at in any::<u64>()) {
            let coarse = of(&values);
            let mut exact = Histogram::default();
            values.iter().for_each(|value| exact.record(*value));
            prop_assert_eq!(coarse.count_all(), exact.count());
            for at in values.iter().copied().take(20).chain([at, 0, 63]) {
                let own = bin_of(at);
                let below = values.iter().filter(|value| bin_of(**value) < own).count() as f64;
                let up_to = values.iter().filter(|value| bin_of(**value) <= own).count() as f64;
                let found = coarse.count_up_to(at as f64);
                prop_assert!((below..=up_to).contains(&found), "{} is outside {}..{}", found, below, up_to);
                if at < EXACT {
                    prop_assert_eq!(found, exact.count_up_to(at as f64));
                }
            }
            prop_assert_eq!(coarse.count_up_to(u64::MAX as f64), values.len() as f64);
        }

        #[test]
        fn parts_in_any_order_are_the_whole(values in values(), cut in any::<prop::sample::Index>()) {
            let (one, other) = values.split_at(cut.index(values.len() + 1));
            let merged = |one: &[u64], other: &[u64]| {
                let mut merged = of(one);
                merged.merge(&of(other));
                merged
            };
            for at in values.iter().take(20) {
                let whole = of(&values).count_up_to(*at as f64);
                prop_assert_eq!(merged(one, other).count_up_to(*at as f64), whole);
                prop_assert_eq!(merged(other, one).count_up_to(*at as f64), whole);
            }
            prop_assert_eq!(merged(one, other).count_all(), values.len() as u64);
        }
    }
}
