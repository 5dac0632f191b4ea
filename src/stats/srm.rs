//! Sample ratio mismatch: did the arms get the customers they were meant to get?
//!
//! Pearson's χ² on the planned weights (Fabijan et al. 2019; Kohavi, Tang & Xu 2020, ch. 21). A planned
//! weight of zero takes a variant, with its customers, out of the test.

use super::{reason::Reason, special};

/// Below this p-value the split is suspicious.
pub const WARN_BELOW: f64 = 0.01;
/// Below this p-value the experiment is not to be trusted.
pub const FAIL_BELOW: f64 = 0.001;

/// What a mismatch test means for the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SampleRatioStatus {
    /// Nothing to see.
    Pass,
    /// p below [`WARN_BELOW`].
    Warn,
    /// p below [`FAIL_BELOW`].
    Fail,
}

/// The test of observed customers against planned weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SampleRatio {
    /// Pearson's χ².
    pub chi_square: f64,
    /// Variants of weight above zero, less one.
    pub degrees_of_freedom: u32,
    /// P(χ² above the statistic).
    pub p_value: f64,
}

impl SampleRatio {
    /// Returns what the p-value means after Bonferroni over `tests` splits (1 for the experiment itself).
    pub fn status(&self, tests: u32) -> SampleRatioStatus {
        match self.p_value * f64::from(tests.max(1)) {
            p if p < FAIL_BELOW => SampleRatioStatus::Fail,
            p if p < WARN_BELOW => SampleRatioStatus::Warn,
            _ => SampleRatioStatus::Pass,
        }
    }
}

/// Tests observed customers per variant against planned weights of any scale, variant by variant.
///
/// # Errors
/// [`Reason::TooFew`] below two variants of weight above zero or without customers;
/// [`Reason::Undefined`] where the lengths differ or a weight is negative or not finite.
pub fn sample_ratio(customers: &[u64], weights: &[f64]) -> Result<SampleRatio, Reason> {
    if customers.len() != weights.len() || weights.iter().any(|&w| !(w.is_finite() && w >= 0.0)) {
        return Err(Reason::Undefined);
    }
    let planned = || customers.iter().zip(weights).filter(|&(_, &weight)| weight > 0.0);
    let degrees_of_freedom = (planned().count() as u32).saturating_sub(1);
    let total = planned().map(|(&n, _)| u128::from(n)).sum::<u128>() as f64;
    let weight: f64 = planned().map(|(_, &weight)| weight).sum();
    if degrees_of_freedom == 0 || total == 0.0 {
        return Err(Reason::TooFew);
    }
    let chi_square = planned()
        .map(|(&n, &w)| {
            let expected = total * (w / weight);
            let off = n as f64 - expected;
            off * off / expected
        })
        .sum();
    let p_value = special::chi_square_sf(chi_square, degrees_of_freedom);
    Ok(SampleRatio { chi_square, degrees_of_freedom, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rank::SplitMix64;
    use crate::stats::testing::{assert_close, assert_near};

    #[test]
    fn published_splits() {
        // Kohavi, Tang & Xu 2020, ch. 3 and 21.
        let kohavi = sample_ratio(&[821_588, 815_482], &[1.0, 1.0]).unwrap();
        assert_near(kohavi.p_value, 1.82e-6, 5e-9);
        assert_eq!(kohavi.status(1), SampleRatioStatus::Fail);
        // Vermeer, SRM FAQ.
        assert_near(sample_ratio(&[502, 498], &[0.5, 0.5]).unwrap().p_value, 0.899, 5e-4);
        assert_near(sample_ratio(&[600, 400], &[50.0, 50.0]).unwrap().p_value, 2.5e-10, 5e-12);
    }

    #[test]
    fn matches_scipy() {
        // scipy 1.13.1 chisquare, Hillstrom e-mail data.
        let thirds = sample_ratio(&[21306, 21307, 21387], &[1.0 / 3.0; 3]).unwrap();
        assert_close(thirds.chi_square, 0.20253125000000002, 1e-13);
        assert_close(thirds.p_value, 0.9036929575604196, 1e-14);
        let channel = sample_ratio(&[2606, 2577], &[21306.0, 21307.0]).unwrap();
        assert_close(channel.chi_square, 0.16362518002993418, 1e-12);
        assert_close(channel.p_value, 0.6858405975816071, 1e-13);
    }

    #[test]
    fn a_weight_of_zero_leaves_the_test() {
        let with = sample_ratio(&[600, 77, 400], &[1.0, 0.0, 1.0]).unwrap();
        assert_eq!(with, sample_ratio(&[600, 400], &[1.0, 1.0]).unwrap());
    }

    #[test]
    fn status_has_two_thresholds_and_bonferroni() {
        let at = |p_value| SampleRatio { chi_square: 1.0, degrees_of_freedom: 1, p_value };
        assert_eq!(at(0.01).status(1), SampleRatioStatus::Pass);
        assert_eq!(at(0.0099).status(1), SampleRatioStatus::Warn);
        assert_eq!(at(0.0009).status(1), SampleRatioStatus::Fail);
        assert_eq!(at(0.0009).status(2), SampleRatioStatus::Warn);
        assert_eq!(at(0.0009).status(20), SampleRatioStatus::Pass);
    }

    #[test]
    fn undefined_is_a_reason() {
        assert_eq!(sample_ratio(&[5], &[1.0]), Err(Reason::TooFew));
        assert_eq!(sample_ratio(&[0, 0], &[1.0, 1.0]), Err(Reason::TooFew));
        assert_eq!(sample_ratio(&[1, 2], &[1.0]), Err(Reason::Undefined));
        assert_eq!(sample_ratio(&[1, 2], &[1.0, -1.0]), Err(Reason::Undefined));
    }

    /// Four equal arms of 4,096 customers, 20,000 times: bars of four standard errors around uniform.
    #[test]
    fn p_is_uniform_under_the_null() {
        const DRAWS: usize = 20_000;
        let mut random = SplitMix64::new(7);
        let mut p_values = Vec::with_capacity(DRAWS);
        for _ in 0..DRAWS {
            let mut counts = [0_u64; 4];
            for _ in 0..64 {
                let (a, b) = (random.next_u64(), random.next_u64());
                for (count, bits) in counts.iter_mut().zip([a & b, a & !b, !a & b, !a & !b]) {
                    *count += u64::from(bits.count_ones());
                }
            }
            p_values.push(sample_ratio(&counts, &[1.0; 4]).unwrap().p_value);
        }
        for bar in [0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95] {
            let share = p_values.iter().filter(|&&p| p < bar).count() as f64 / DRAWS as f64;
            assert_near(share, bar, 4.0 * (bar * (1.0 - bar) / DRAWS as f64).sqrt());
        }
    }
}
