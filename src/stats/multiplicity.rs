//! Adjusted p-values over a family of tests.
//!
//! - Benjamini & Hochberg 1995: false discovery rate, step-up.
//! - Holm 1979: family-wise error rate, step-down.
//! - Bonferroni (Dunn 1961): the smallest of several tests.
//!
//! Both keep the order of the input; a null p stays null and is not counted as a test.

/// Returns Benjamini–Hochberg adjusted p-values (q-values), at most 1.
pub fn benjamini_hochberg(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let order = ascending(p_values);
    let tests = order.len() as f64;
    let mut adjusted = vec![None; p_values.len()];
    let mut smallest = 1.0_f64;
    for (rank, &(index, p)) in order.iter().enumerate().rev() {
        smallest = smallest.min(p * tests / (rank + 1) as f64);
        adjusted[index] = Some(smallest);
    }
    adjusted
}

/// Returns Holm adjusted p-values, at most 1.
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let order = ascending(p_values);
    let mut adjusted = vec![None; p_values.len()];
    let mut largest = 0.0_f64;
    for (rank, &(index, p)) in order.iter().enumerate() {
        largest = largest.max(p * (order.len() - rank) as f64).min(1.0);
        adjusted[index] = Some(largest);
    }
    adjusted
}

/// Returns the p-value of the smallest of so many tests (Bonferroni), at most 1.
pub fn bonferroni(smallest: f64, tests: usize) -> f64 {
    (smallest * tests.max(1) as f64).min(1.0)
}

/// The defined p-values with their places, smallest first; equal ones get equal results in any order.
fn ascending(p_values: &[Option<f64>]) -> Vec<(usize, f64)> {
    let mut order: Vec<_> = p_values.iter().enumerate().filter_map(|(i, p)| p.map(|p| (i, p))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    order
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::assert_near;
    use proptest::prelude::*;

    #[test]
    fn both_match_growthbook() {
        // GrowthBook, packages/shared/test/experiments.test.ts.
        let p: Vec<_> = [0.006, 0.007, 0.138, 0.138, 0.538, 0.898, 0.964].map(Some).to_vec();
        let expected = [0.0245, 0.0245, 0.2415, 0.2415, 0.7532, 0.964, 0.964];
        for (q, expected) in benjamini_hochberg(&p).into_iter().zip(expected) {
            assert_near(q.unwrap(), expected, 1e-12);
        }
        assert_eq!(holm(&[Some(0.025), Some(0.03)]), [Some(0.05), Some(0.05)]);
        assert_eq!(benjamini_hochberg(&[Some(0.025), Some(0.03)]), [Some(0.03), Some(0.03)]);
    }

    #[test]
    fn the_smallest_of_many_is_worth_less() {
        assert_eq!(bonferroni(0.01, 30), 0.3);
        assert_eq!(bonferroni(0.2, 30), 1.0);
        assert_eq!(bonferroni(0.2, 0), 0.2);
    }

    #[test]
    fn null_is_no_test() {
        let p = [None, Some(0.02), None, Some(0.5)];
        assert_eq!(holm(&p), [None, Some(0.04), None, Some(0.5)]);
        assert_eq!(benjamini_hochberg(&p), [None, Some(0.04), None, Some(0.5)]);
        assert_eq!(holm(&[]), []);
        assert_eq!(benjamini_hochberg(&[None]), [None]);
    }

    proptest! {
        /// By definition: BH = min over p_j ≥ p_i of m·p_j/#{p ≤ p_j}; Holm = max over p_j ≤ p_i of
        /// p_j·#{p ≥ p_j}.
        #[test]
        fn both_agree_with_their_definitions(p in prop::collection::vec(prop::option::weighted(0.9, (0u32..50).prop_map(|k| f64::from(k) / 50.0)), 0..30)) {
            let known: Vec<f64> = p.iter().flatten().copied().collect();
            let m = known.len() as f64;
            let count = |f: &dyn Fn(f64) -> bool| known.iter().filter(|&&x| f(x)).count() as f64;
            for (i, value) in p.iter().enumerate() {
                let bh = value.map(|v| known.iter().filter(|&&x| x >= v).map(|&x| m * x / count(&|y| y <= x)).fold(1.0, f64::min));
                let ho = value.map(|v| known.iter().filter(|&&x| x <= v).map(|&x| x * count(&|y| y >= x)).fold(0.0, f64::max).min(1.0));
                for (actual, expected) in [(benjamini_hochberg(&p)[i], bh), (holm(&p)[i], ho)] {
                    prop_assert_eq!(actual.is_some(), expected.is_some());
                    if let (Some(a), Some(e)) = (actual, expected) {
                        prop_assert!((a - e).abs() < 1e-12);
                    }
                }
            }
        }
    }
}
