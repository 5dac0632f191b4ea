//! One and two proportions of independent customers.
//!
//! - Wilson 1927: score interval of one proportion.
//! - Newcombe 1998b (Statist. Med. 17, 873–890), method 10: hybrid score interval of a difference, without
//!   continuity correction.
//! - Pooled two-proportion z-test, two-sided (= Pearson's χ² without correction). The numerator is
//!   `s₁n₂ − s₂n₁` in integers, so nothing cancels.

use super::{interval::Interval, reason::Reason, special};

/// Returns the Wilson score interval of `successes / n` at confidence `1 − alpha`, inside 0–1; a bound at
/// the boundary is exactly 0 or 1. `None` for `n = 0` or more successes than trials.
pub fn wilson(successes: u64, n: u64, alpha: f64) -> Option<Interval> {
    if n == 0 || successes > n {
        return None;
    }
    let score = Score::new(successes, n, alpha);
    Some(Interval { low: score.low, high: score.high })
}

/// Wilson's bounds, and how far they are from the proportion.
///
/// Bounds and distances come from the product of the roots of the score equation where their difference
/// would cancel, so that all keep their digits for one success in a billion as for all but one.
struct Score {
    low: f64,
    high: f64,
    /// p̂ − low.
    below: f64,
    /// high − p̂.
    above: f64,
}

impl Score {
    /// Of `successes` ≤ `n` > 0.
    fn new(successes: u64, n: u64, alpha: f64) -> Score {
        let z = special::normal_quantile_upper(alpha / 2.0);
        let trials = n as f64;
        let (p, q) = (successes as f64 / trials, (n - successes) as f64 / trials);
        let z2n = z * z / trials;
        let root = (p * q * z2n + z2n * z2n / 4.0).sqrt();
        // From a proportion down to the lower bound; up from its complement, that is its upper one.
        let distance = |p: f64, q: f64| match p - 0.5 {
            high if high > 0.0 => (root + z2n * high) / (1.0 + z2n),
            low => p * q * z2n / (root - z2n * low),
        };
        let (below, above) = (distance(p, q), distance(q, p));
        let high = if successes == n { 1.0 } else { (p + above).min(1.0) };
        let low = if successes == 0 { 0.0 } else { p * p / ((1.0 + z2n) * high) };
        Score { low, high, below, above }
    }
}

/// Returns Newcombe's hybrid score interval of `successes_1/n_1 − successes_2/n_2` at confidence
/// `1 − alpha`, inside −1…1. `None` where either proportion is not defined.
pub fn newcombe_difference(
    successes_1: u64,
    n_1: u64,
    successes_2: u64,
    n_2: u64,
    alpha: f64,
) -> Option<Interval> {
    if n_1 == 0 || n_2 == 0 || successes_1 > n_1 || successes_2 > n_2 {
        return None;
    }
    let (first, second) = (Score::new(successes_1, n_1, alpha), Score::new(successes_2, n_2, alpha));
    let difference = cross(successes_1, n_1, successes_2, n_2) / (n_1 as f64 * n_2 as f64);
    let below = libm::hypot(first.below, second.above);
    let above = libm::hypot(first.above, second.below);
    Some(Interval { low: (difference - below).max(-1.0), high: (difference + above).min(1.0) })
}

/// `s₁n₂ − s₂n₁`, which nothing cancels in.
fn cross(successes_1: u64, n_1: u64, successes_2: u64, n_2: u64) -> f64 {
    let product = |successes: u64, n: u64| u128::from(successes) * u128::from(n);
    let (first, second) = (product(successes_1, n_2), product(successes_2, n_1));
    if first >= second { (first - second) as f64 } else { -((second - first) as f64) }
}

/// The pooled two-proportion z-test.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ProportionTest {
    /// The statistic, positive where the first proportion is higher.
    pub z: f64,
    /// Two-sided p-value, from the survival function.
    pub p_value: f64,
}

/// Tests whether `successes_1/n_1` and `successes_2/n_2` are equal.
///
/// # Errors
/// [`Reason::TooFew`] where a group is empty, [`Reason::Undefined`] where successes exceed trials,
/// [`Reason::ZeroVariance`] where all or none succeeded.
pub fn two_proportion_test(
    successes_1: u64,
    n_1: u64,
    successes_2: u64,
    n_2: u64,
) -> Result<ProportionTest, Reason> {
    if n_1 == 0 || n_2 == 0 {
        return Err(Reason::TooFew);
    }
    if successes_1 > n_1 || successes_2 > n_2 {
        return Err(Reason::Undefined);
    }
    let n = i128::from(n_1) + i128::from(n_2);
    let successes = i128::from(successes_1) + i128::from(successes_2);
    if successes == 0 || successes == n {
        return Err(Reason::ZeroVariance);
    }
    let cross = cross(successes_1, n_1, successes_2, n_2);
    let pooled_variance = (successes as f64) * ((n - successes) as f64) / n as f64;
    let z = cross / ((n_1 as f64) * (n_2 as f64) * pooled_variance).sqrt();
    Ok(ProportionTest { z, p_value: special::normal_two_sided(z) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::{assert_close, assert_near};
    use proptest::prelude::*;

    #[test]
    fn wilson_matches_newcombe_1998a() {
        // Newcombe 1998, Statist. Med. 17, 857–872, table I, method 3.
        for (successes, n, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
            (1, 29, 0.0061, 0.1718),
        ] {
            let interval = wilson(successes, n, 0.05).unwrap();
            assert_near(interval.low, low, 5.1e-5);
            assert_near(interval.high, high, 5.1e-5);
        }
    }

    #[test]
    fn wilson_matches_statsmodels() {
        // statsmodels 0.15.0, proportion_confint(method="wilson"), Hillstrom e-mail data (no e-mail, visits).
        let interval = wilson(2262, 21306, 0.05).unwrap();
        assert_close(interval.low, 0.10210165383004598, 1e-14);
        assert_close(interval.high, 0.11037488981624681, 1e-14);
    }

    #[test]
    fn newcombe_matches_newcombe_1998b() {
        // Newcombe 1998, Statist. Med. 17, 873–890, table II, method 10.
        for (s_1, n_1, s_2, n_2, low, high) in [
            (56, 70, 48, 80, 0.0524, 0.3339),
            (9, 10, 3, 10, 0.1705, 0.8090),
            (6, 7, 2, 7, 0.0582, 0.8062),
            (5, 56, 0, 29, -0.0381, 0.1926),
            (0, 10, 0, 20, -0.1611, 0.2775),
            (0, 10, 0, 10, -0.2775, 0.2775),
            (10, 10, 0, 20, 0.6791, 1.0),
            (10, 10, 0, 10, 0.6075, 1.0),
        ] {
            let interval = newcombe_difference(s_1, n_1, s_2, n_2, 0.05).unwrap();
            assert_near(interval.low, low, 5.1e-5);
            assert_near(interval.high, high, 5.1e-5);
        }
    }

    #[test]
    fn difference_and_test_match_statsmodels() {
        // statsmodels 0.15.0, Hillstrom e-mail data, men's e-mail against none: confint_proportions_2indep
        // (newcomb) and proportions_ztest; scipy 1.13.1 chi2_contingency gives p 5.685165482802424e-112.
        let interval = newcombe_difference(3894, 21307, 2262, 21306, 0.05).unwrap();
        assert_close(interval.low, 0.06995330808373154, 1e-13);
        assert_close(interval.high, 0.08322674127411137, 1e-13);
        let test = two_proportion_test(3894, 21307, 2262, 21306).unwrap();
        assert_close(test.z, 22.48604082719282, 1e-14);
        assert_close(test.p_value, 5.685165482802424e-112, 1e-12);
        let test = two_proportion_test(267, 21307, 122, 21306).unwrap();
        assert_close(test.p_value, 1.5232235005955455e-13, 1e-13);
    }

    #[test]
    fn extremes_keep_their_digits() {
        // mpmath 1.4.1 at 60 digits.
        for (successes, n, low, high) in [
            (0, 1, 0.0, 0.7934506856227626),
            (1, 1, 0.2065493143772374, 1.0),
            (1, 2, 0.09453120573423071, 0.9054687942657693),
            (0, 20, 0.0, 0.16112515805281938),
            (20, 20, 0.8388748419471806, 1.0),
            (1, 29, 0.006113214292762661, 0.17175521879320288),
            (3, 7, 0.1582198552514697, 0.7495416354723428),
            (0, 1_000_000_000, 0.0, 3.84145880593732e-09),
            (1, 1_000_000_000, 1.7652455495696314e-10, 5.664934243297439e-09),
            (2, 1_000_000_000, 5.484721384289143e-10, 7.29298665214257e-09),
            (500_000_000, 1_000_000_000, 0.4999690102484443, 0.5000309897515557),
            (999_999_999, 1_000_000_000, 0.9999999943350658, 0.9999999998234754),
            (1_000_000_000, 1_000_000_000, 0.9999999961585412, 1.0),
            (123_456_789, 1_000_000_000, 0.12343640161927888, 0.12347717927367159),
            (999, 1_000_000, 0.0009389697836030893, 0.0010628639852556159),
        ] {
            let interval = wilson(successes, n, 0.05).unwrap();
            assert_close(interval.low, low, 1e-14);
            assert_close(interval.high, high, 1e-14);
        }
        for (s_1, n_1, s_2, n_2, low, high) in [
            (0, 1, 0, 1, -0.7934506856227626, 0.7934506856227626),
            (0, 1, 1, 1, -1.0, 0.12210872068194181),
            (1, 1, 0, 1, -0.12210872068194181, 1.0),
            (0, 20, 0, 30, -0.11351339317396877, 0.16112515805281938),
            (20, 20, 30, 30, -0.16112515805281938, 0.11351339317396877),
            (0, 1_000_000_000, 0, 1_000_000_000, -3.84145880593732e-09, 3.84145880593732e-09),
            (
                1_000_000_000,
                1_000_000_000,
                1_000_000_000,
                1_000_000_000,
                -3.84145880593732e-09,
                3.84145880593732e-09,
            ),
            (0, 1_000_000_000, 1_000_000_000, 1_000_000_000, -1.0, -0.9999999945673569),
            (1_000_000_000, 1_000_000_000, 0, 1_000_000_000, 0.9999999945673569, 1.0),
            (1, 1_000_000_000, 0, 1_000_000_000, -2.928729764987942e-09, 5.664934243297439e-09),
            (
                999_999_999,
                1_000_000_000,
                1_000_000_000,
                1_000_000_000,
                -5.664934243297439e-09,
                2.928729764987942e-09,
            ),
            (
                500_000_000,
                1_000_000_000,
                500_000_000,
                1_000_000_000,
                -4.382612694465095e-05,
                4.382612694465095e-05,
            ),
            (
                500_001_000,
                1_000_000_000,
                500_000_000,
                1_000_000_000,
                -4.282612694732345e-05,
                4.4826126941890804e-05,
            ),
            (250_000_000, 1_000_000_000, 3, 7, -0.499541636594288, 0.09178014608073094),
            (0, 5, 1_000_000_000, 1_000_000_000, -1.0, -0.5655175352168251),
            (123456, 1_000_000_000, 123400, 1_000_000_000, -9.177475339240746e-07, 1.0297481495899327e-06),
        ] {
            let interval = newcombe_difference(s_1, n_1, s_2, n_2, 0.05).unwrap();
            assert_close(interval.low, low, 1e-13);
            assert_close(interval.high, high, 1e-13);
        }
    }

    #[test]
    fn undefined_is_a_reason() {
        assert_eq!(wilson(0, 0, 0.05), None);
        assert_eq!(wilson(2, 1, 0.05), None);
        assert_eq!(newcombe_difference(1, 2, 0, 0, 0.05), None);
        assert_eq!(two_proportion_test(0, 5, 0, 9), Err(Reason::ZeroVariance));
        assert_eq!(two_proportion_test(5, 5, 9, 9), Err(Reason::ZeroVariance));
        assert_eq!(two_proportion_test(0, 0, 1, 9), Err(Reason::TooFew));
    }

    proptest! {
        /// The bounds are the roots of the score equation |p̂ − p| = z √(p(1−p)/n).
        #[test]
        fn wilson_bounds_solve_the_score_equation(n in 1u64..100_000, share in 0.0f64..=1.0) {
            let successes = (n as f64 * share) as u64;
            let p_hat = successes as f64 / n as f64;
            let z = special::normal_quantile_upper(0.05);
            let interval = wilson(successes, n, 0.1).unwrap();
            prop_assert!(interval.contains(p_hat));
            for bound in [interval.low, interval.high] {
                if bound > 0.0 && bound < 1.0 {
                    let distance = z * (bound * (1.0 - bound) / n as f64).sqrt();
                    prop_assert!(((p_hat - bound).abs() - distance).abs() < 1e-9);
                }
            }
        }

        /// Swapping the groups mirrors the interval and keeps the p-value.
        #[test]
        fn swapping_groups_mirrors(n_1 in 1u64..5000, n_2 in 1u64..5000, a in 0.0f64..=1.0, b in 0.0f64..=1.0) {
            let (s_1, s_2) = ((n_1 as f64 * a) as u64, (n_2 as f64 * b) as u64);
            let one = newcombe_difference(s_1, n_1, s_2, n_2, 0.05).unwrap();
            let other = newcombe_difference(s_2, n_2, s_1, n_1, 0.05).unwrap();
            prop_assert!((one.low + other.high).abs() < 1e-12 && (one.high + other.low).abs() < 1e-12);
            prop_assert!(one.low >= -1.0 - 1e-12 && one.high <= 1.0 + 1e-12);
            if let (Ok(p), Ok(q)) = (two_proportion_test(s_1, n_1, s_2, n_2), two_proportion_test(s_2, n_2, s_1, n_1)) {
                prop_assert_eq!(p.p_value, q.p_value);
            }
        }
    }
}
