//! Sums, squares and products of several figures per customer, in integers: the sufficient statistics of
//! their means, variances and covariances.
//!
//! A covariance is `(n·Σxy − Σx·Σy) / (n(n−1))`, both products exact in 256 bits, so nothing cancels. As
//! everything is a sum, groups merge in any order.
//!
//! **Overflow.** Sums of squares never shrink, so they saturate, and a saturated one makes every figure that
//! needs it [`Reason::Overflow`]. Everything else wraps: while no sum of squares saturates, |Σxy| ≤
//! max(Σx², Σy²) (Cauchy and Schwarz) fits, and where one does, nobody reads it. Plain sums of 2⁶⁴ values of
//! 64 bits always fit. None of it depends on the order of merging, nor on how it was compiled.

use super::{reason::Reason, welch::Arm, wide::difference_of_products};

/// Integer sufficient statistics of `K` figures per customer, each in an integer unit of its own (minor
/// units, counts, millionths).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Joint<const K: usize> {
    /// Number of customers.
    pub n: u64,
    /// Σxᵢ.
    pub sums: [i128; K],
    /// Σxᵢxⱼ at `[i][j]` for i ≤ j; zero below the diagonal. The diagonal saturates, the rest wraps.
    pub products: [[i128; K]; K],
}

impl<const K: usize> Default for Joint<K> {
    fn default() -> Self {
        Joint { n: 0, sums: [0; K], products: [[0; K]; K] }
    }
}

impl<const K: usize> Joint<K> {
    /// Adds one customer.
    #[inline]
    pub fn add(&mut self, values: [i64; K]) {
        self.n += 1;
        let values = values.map(i128::from);
        for i in 0..K {
            self.sums[i] = self.sums[i].wrapping_add(values[i]);
            self.products[i][i] = self.products[i][i].saturating_add(values[i] * values[i]);
            for j in i + 1..K {
                self.products[i][j] = self.products[i][j].wrapping_add(values[i] * values[j]);
            }
        }
    }

    /// Adds so many customers whose figures are all zero.
    #[inline]
    pub fn add_zeros(&mut self, customers: u64) {
        self.n += customers;
    }

    /// Adds the customers of another group: associative and commutative.
    pub fn merge(&mut self, other: &Joint<K>) {
        self.n += other.n;
        for i in 0..K {
            self.sums[i] = self.sums[i].wrapping_add(other.sums[i]);
            self.products[i][i] = self.products[i][i].saturating_add(other.products[i][i]);
            for j in i + 1..K {
                self.products[i][j] = self.products[i][j].wrapping_add(other.products[i][j]);
            }
        }
    }

    /// Returns what is left of these customers without `part`, which must be some of them; `None` where it
    /// can't be. A sum of squares that is saturated stays so.
    pub fn without(&self, part: &Joint<K>) -> Option<Joint<K>> {
        let mut rest = Joint { n: self.n.checked_sub(part.n)?, ..*self };
        for i in 0..K {
            rest.sums[i] = self.sums[i].wrapping_sub(part.sums[i]);
            let squares = self.products[i][i];
            if squares != i128::MAX {
                rest.products[i][i] =
                    squares.checked_sub(part.products[i][i]).filter(|squares| *squares >= 0)?;
            }
            for j in i + 1..K {
                rest.products[i][j] = self.products[i][j].wrapping_sub(part.products[i][j]);
            }
        }
        Some(rest)
    }

    /// Returns the sums of the first `N` figures, no more than there are.
    pub fn leading<const N: usize>(&self) -> Joint<N> {
        Joint {
            n: self.n,
            sums: std::array::from_fn(|i| self.sums[i]),
            products: std::array::from_fn(|i| std::array::from_fn(|j| self.products[i][j])),
        }
    }

    /// Returns these customers with `cap` in place of their first figure, which is known to be at least that
    /// for each of them.
    pub fn capped_first(&self, cap: i64) -> Joint<K> {
        let mut capped = *self;
        let (n, cap) = (i128::from(self.n), i128::from(cap));
        capped.sums[0] = cap * n;
        capped.products[0][0] = (cap * cap).saturating_mul(n);
        for j in 1..K {
            capped.products[0][j] = self.sums[j].wrapping_mul(cap);
        }
        capped
    }

    /// Returns the mean of figure `i` in units, given integer units per unit (100 for cents in a euro).
    /// `None` without customers.
    pub fn mean(&self, i: usize, per_unit: i64) -> Option<f64> {
        (self.n > 0).then(|| self.sums[i] as f64 / (self.n as f64 * per_unit as f64))
    }

    /// Returns the sample covariance (denominator n − 1) of the figures `i` and `j` in units, given the
    /// integer units per unit of each; the variance where both are the same.
    ///
    /// # Errors
    /// [`Reason::TooFew`] below two customers; [`Reason::Overflow`] where a sum of squares is beyond 127
    /// bits; [`Reason::Undefined`] where the sums are no moments of anything (a negative variance).
    pub fn covariance(&self, i: usize, j: usize, [per_i, per_j]: [i64; 2]) -> Result<f64, Reason> {
        if self.n < 2 {
            return Err(Reason::TooFew);
        }
        if self.products[i][i] == i128::MAX || self.products[j][j] == i128::MAX {
            return Err(Reason::Overflow);
        }
        let products = self.products[i.min(j)][i.max(j)];
        let scatter = difference_of_products(i128::from(self.n), products, self.sums[i], self.sums[j])
            .filter(|scatter| i != j || *scatter >= 0.0)
            .ok_or(Reason::Undefined)?;
        let n = self.n as f64;
        Ok(scatter / (n * (n - 1.0)) / (per_i as f64 * per_j as f64))
    }

    /// Returns the sample variance of figure `i` in units squared.
    ///
    /// # Errors
    /// As [`Joint::covariance`].
    pub fn variance(&self, i: usize, per_unit: i64) -> Result<f64, Reason> {
        self.covariance(i, i, [per_unit, per_unit])
    }

    /// Returns figure `i` as the arm of a mean metric.
    ///
    /// # Errors
    /// As [`Joint::covariance`].
    pub fn arm(&self, i: usize, per_unit: i64) -> Result<Arm, Reason> {
        let variance = self.variance(i, per_unit)?;
        let mean = self.mean(i, per_unit).ok_or(Reason::TooFew)?;
        Ok(Arm { n: self.n, mean, variance })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::assert_close;
    use proptest::prelude::*;

    fn of<const K: usize>(values: &[[i64; K]]) -> Joint<K> {
        let mut joint = Joint::default();
        values.iter().for_each(|values| joint.add(*values));
        joint
    }

    fn merged<const K: usize>(mut one: Joint<K>, other: Joint<K>) -> Joint<K> {
        one.merge(&other);
        one
    }

    #[test]
    fn small_cases() {
        let joint = of(&[[100, 1], [300, 2], [200, 6]]);
        assert_eq!(joint.mean(0, 100), Some(2.0));
        assert_eq!(joint.mean(1, 1), Some(3.0));
        assert_eq!(joint.variance(0, 100), Ok(1.0));
        assert_eq!(joint.covariance(0, 1, [100, 1]), Ok(0.5));
        assert_eq!(joint.covariance(1, 0, [1, 100]), Ok(0.5));
        assert_eq!(joint.arm(1, 1), Ok(Arm { n: 3, mean: 3.0, variance: 7.0 }));
        assert_eq!(Joint::<2>::default().mean(0, 1), None);
        assert_eq!(of(&[[1, 2]]).covariance(0, 1, [1, 1]), Err(Reason::TooFew));
        assert_eq!(of(&[[1]]).without(&of(&[[1], [2]])), None);
        let impossible = Joint { n: 2, sums: [10], products: [[1]] };
        assert_eq!(impossible.variance(0, 1), Err(Reason::Undefined));
    }

    /// Where the textbook formula in floating point has no digit left.
    #[test]
    fn nothing_cancels() {
        let base = 1_i64 << 61;
        let joint = of(&[[base, -base], [base + 1, -base - 2], [base + 2, -base - 4]]);
        assert_eq!(joint.covariance(0, 1, [1, 1]), Ok(-2.0));
        assert_eq!(joint.variance(1, 1), Ok(4.0));
    }

    #[test]
    fn too_much_is_a_reason_in_any_order_and_no_panic() {
        let extremes = [[i64::MAX, 3], [i64::MIN, 4], [i64::MAX, 5], [7, 6]];
        let joint = of(&extremes);
        assert_eq!(joint.variance(0, 1), Err(Reason::Overflow));
        assert_eq!(joint.covariance(0, 1, [1, 1]), Err(Reason::Overflow));
        // What doesn't need the squares that are too large is as it was.
        assert_eq!(joint.mean(0, 1), Some(i64::MAX as f64 / 4.0));
        assert_close(joint.variance(1, 1).unwrap(), 5.0 / 3.0, 1e-15);
        let reversed: Vec<_> = extremes.iter().rev().copied().collect();
        assert_eq!(joint, of(&reversed));
        let rest = joint.without(&of(&extremes[..3])).unwrap();
        assert_eq!((rest.n, rest.sums), (1, [7, 6]));
        assert_eq!(rest.products[0][0], i128::MAX, "what overflowed can't be taken apart");
        assert_eq!(of(&[[i64::MAX; 1]; 9]).capped_first(i64::MAX).variance(0, 1), Err(Reason::Overflow));
    }

    proptest! {
        #[test]
        fn covariances_agree_with_two_passes(values in prop::collection::vec(any::<[i32; 3]>(), 2..60)) {
            let joint = of(&values.iter().map(|v| v.map(i64::from)).collect::<Vec<_>>());
            let n = values.len() as f64;
            let mean = |i: usize| values.iter().map(|v| f64::from(v[i])).sum::<f64>() / n;
            for i in 0..3 {
                prop_assert!((joint.mean(i, 1).unwrap() - mean(i)).abs() < 1e-5);
                for j in 0..3 {
                    let naive = values.iter().map(|v| (f64::from(v[i]) - mean(i)) * (f64::from(v[j]) - mean(j)));
                    let naive = naive.sum::<f64>() / (n - 1.0);
                    prop_assert!((joint.covariance(i, j, [1, 1]).unwrap() - naive).abs() < 1e-10 * f64::from(i32::MAX).powi(2));
                }
            }
        }

        /// Whatever the values, to the last bit.
        #[test]
        fn merge_is_associative_and_commutative(
            a in prop::collection::vec(any::<[i64; 2]>(), 0..9),
            b in prop::collection::vec(any::<[i64; 2]>(), 0..9),
            c in prop::collection::vec(any::<[i64; 2]>(), 0..9),
        ) {
            let (a, b, c) = (of(&a), of(&b), of(&c));
            prop_assert_eq!(merged(merged(a, b), c), merged(a, merged(b, c)));
            prop_assert_eq!(merged(a, b), merged(b, a));
        }

        #[test]
        fn what_is_taken_away_leaves_the_rest(
            a in prop::collection::vec(any::<[i32; 2]>(), 0..9),
            b in prop::collection::vec(any::<[i32; 2]>(), 0..9),
        ) {
            let wide = |v: &[[i32; 2]]| of(&v.iter().map(|v| v.map(i64::from)).collect::<Vec<_>>());
            prop_assert_eq!(merged(wide(&a), wide(&b)).without(&wide(&b)), Some(wide(&a)));
        }

        #[test]
        fn the_first_figures_are_those_of_each_customer(values in prop::collection::vec(any::<[i64; 3]>(), 0..9)) {
            let first: Vec<_> = values.iter().map(|v| [v[0], v[1]]).collect();
            prop_assert_eq!(of(&values).leading(), of(&first));
        }

        #[test]
        fn zeros_are_customers(values in prop::collection::vec(any::<[i32; 2]>(), 1..20), zeros in 0_u64..20) {
            let mut values: Vec<_> = values.iter().map(|v| v.map(i64::from)).collect();
            let mut joint = of(&values);
            joint.add_zeros(zeros);
            values.resize(values.len() + zeros as usize, [0, 0]);
            prop_assert_eq!(joint, of(&values));
        }

        #[test]
        fn a_cap_is_that_of_each_customer(values in prop::collection::vec(any::<[i32; 3]>(), 0..20), cap in any::<i32>()) {
            let above: Vec<_> = values.iter().map(|v| v.map(i64::from)).filter(|v| v[0] >= i64::from(cap)).collect();
            let capped: Vec<_> = above.iter().map(|v| [i64::from(cap), v[1], v[2]]).collect();
            prop_assert_eq!(of(&above).capped_first(i64::from(cap)), of(&capped));
        }
    }
}
