//! Whether several proportions are one: Pearson's χ² of a 2 × k table (Pearson 1900; Fleiss, Levin & Paik
//! 2003, ch. 9), without continuity correction.
//!
//! `χ² = Σ (s_g·n − n_g·s)² / (n_g·s·(n − s))` over the groups; with two it is the square of the pooled
//! z-test. The numerators are integers, so nothing cancels.

use super::{reason::Reason, special};

/// The test that all groups have the same proportion.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Homogeneity {
    /// Pearson's χ².
    pub chi_square: f64,
    /// Groups that aren't empty, less one.
    pub degrees_of_freedom: u32,
    /// P(χ² above the statistic).
    pub p_value: f64,
}

/// Tests whether groups of `(successes, n)` have the same proportion; empty groups are left out.
///
/// # Errors
/// [`Reason::TooFew`] where fewer than two groups have anybody, [`Reason::Undefined`] where successes exceed
/// trials, [`Reason::ZeroVariance`] where all or none succeeded.
pub fn proportions_alike(groups: &[(u64, u64)]) -> Result<Homogeneity, Reason> {
    if groups.iter().any(|(successes, n)| successes > n) {
        return Err(Reason::Undefined);
    }
    let filled = || groups.iter().filter(|(_, n)| *n > 0).map(|&(s, n)| (i128::from(s), i128::from(n)));
    let degrees_of_freedom = (filled().count() as u32).saturating_sub(1);
    if degrees_of_freedom == 0 {
        return Err(Reason::TooFew);
    }
    let n: i128 = filled().map(|(_, n)| n).sum();
    let successes: i128 = filled().map(|(successes, _)| successes).sum();
    if successes == 0 || successes == n {
        return Err(Reason::ZeroVariance);
    }
    let spread = successes as f64 * (n - successes) as f64;
    // Counts are below 2⁶⁴: where a product of two passes 127 bits, so much is rounded that it doesn't matter.
    let excess = |s: i128, of: i128| match s.checked_mul(n).zip(of.checked_mul(successes)) {
        Some((one, other)) => (one - other) as f64,
        None => s as f64 * n as f64 - of as f64 * successes as f64,
    };
    let chi_square = filled()
        .map(|(s, of)| {
            let excess = excess(s, of);
            excess * (excess / (of as f64 * spread))
        })
        .sum();
    let p_value = special::chi_square_sf(chi_square, degrees_of_freedom);
    Ok(Homogeneity { chi_square, degrees_of_freedom, p_value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::proportion::two_proportion_test;
    use crate::stats::testing::assert_close;
    use proptest::prelude::*;

    type Case = (&'static [(u64, u64)], f64, u32, f64);

    const SCIPY: &[Case] = &[
        (&[(10, 50), (18, 60)], 1.4372822299651562, 1, 0.23057964148953464),
        (&[(56, 70), (48, 80), (30, 41)], 7.358999610420299, 2, 0.025235594391679404),
        (&[(3894, 21307), (3238, 21387), (2262, 21306)], 504.4606690356349, 2, 2.869178384267236e-110),
        (&[(100, 1000), (101, 1000), (99, 1000), (130, 1100)], 2.85555241919224, 3, 0.4144364554567551),
        (&[(5, 10), (500000, 1000000), (260000, 500000)], 533.4299418245032, 2, 1.4694671837582157e-116),
    ];

    #[test]
    fn matches_scipy() {
        // scipy 1.17.1, chi2_contingency(correction=False), of (s, n − s).
        for (groups, chi_square, degrees_of_freedom, p_value) in SCIPY {
            let test = proportions_alike(groups).unwrap();
            assert_close(test.chi_square, *chi_square, 1e-13);
            assert_eq!(test.degrees_of_freedom, *degrees_of_freedom);
            assert_close(test.p_value, *p_value, 1e-11);
        }
    }

    #[test]
    fn undefined_is_a_reason() {
        assert_eq!(proportions_alike(&[(1, 2), (0, 0)]), Err(Reason::TooFew));
        assert_eq!(proportions_alike(&[]), Err(Reason::TooFew));
        assert_eq!(proportions_alike(&[(1, 2), (3, 2)]), Err(Reason::Undefined));
        assert_eq!(proportions_alike(&[(2, 2), (3, 3)]), Err(Reason::ZeroVariance));
        assert_eq!(proportions_alike(&[(0, 2), (0, 3)]), Err(Reason::ZeroVariance));
        let large = proportions_alike(&[(1 << 62, u64::MAX), (1 << 62, u64::MAX)]).unwrap();
        assert_eq!((large.chi_square, large.p_value), (0.0, 1.0));
    }

    proptest! {
        #[test]
        fn two_groups_are_the_z_test(n_1 in 1_u64..5_000, n_2 in 1_u64..5_000, a in 0.0..=1.0, b in 0.0..=1.0) {
            let share = |n: u64, share: f64| (n as f64 * share) as u64;
            let (s_1, s_2) = (share(n_1, a), share(n_2, b));
            match (proportions_alike(&[(s_1, n_1), (s_2, n_2)]), two_proportion_test(s_1, n_1, s_2, n_2)) {
                (Ok(chi), Ok(z)) => {
                    prop_assert!((chi.chi_square - z.z * z.z).abs() <= 1e-12 * chi.chi_square);
                    prop_assert!((chi.p_value - z.p_value).abs() <= 1e-10 * z.p_value + 1e-300);
                }
                (chi, z) => prop_assert_eq!(chi.err(), z.err()),
            }
        }
    }
}
