//! Count, sum and sum of squares in integers: the sufficient statistics of a mean and its variance.
//!
//! The sample variance is `(n·Σx² − (Σx)²) / (n(n−1))`. Both products are taken exactly, in 256 bits, so
//! the subtraction that ruins this formula in floating point loses nothing; one rounding remains.

use super::{reason::Reason, wide::Wide};

/// Integer sufficient statistics of values in a minor unit (cents, milliseconds, counts).
///
/// Exact while the sum of squares stays below 2¹²⁷: 2²⁷ customers of 2⁵⁰ minor units each, for example.
/// Beyond, it saturates, and there is no variance ([`Reason::Overflow`]).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moments {
    /// Number of values.
    pub n: u64,
    /// Sum, in minor units.
    pub sum: i128,
    /// Sum of squares, in minor units squared.
    pub sum_squares: i128,
}

impl Moments {
    /// Adds one value, in minor units.
    pub fn add(&mut self, value: i64) {
        let value = i128::from(value);
        self.n += 1;
        self.sum = self.sum.wrapping_add(value);
        self.sum_squares = self.sum_squares.saturating_add(value * value);
    }

    /// Adds the values of another group: associative and commutative.
    pub fn merge(&mut self, other: &Moments) {
        self.n += other.n;
        self.sum = self.sum.wrapping_add(other.sum);
        self.sum_squares = self.sum_squares.saturating_add(other.sum_squares);
    }

    /// Returns the mean in units, given minor units per unit (100 for cents in a euro, 1 for counts).
    /// `None` for no values.
    pub fn mean(&self, minor_per_unit: f64) -> Option<f64> {
        (self.n > 0).then(|| self.sum as f64 / (self.n as f64 * minor_per_unit))
    }

    /// Returns the sample variance (denominator n − 1) in units squared.
    ///
    /// # Errors
    /// [`Reason::TooFew`] below two values; [`Reason::Overflow`] where the sum of squares is beyond 127 bits;
    /// [`Reason::Undefined`] where the sums are no moments of anything
    /// (n·Σx² < (Σx)²).
    pub fn variance(&self, minor_per_unit: f64) -> Result<f64, Reason> {
        if self.n < 2 {
            return Err(Reason::TooFew);
        }
        if self.sum_squares == i128::MAX {
            return Err(Reason::Overflow);
        }
        let squares = u128::try_from(self.sum_squares).map_err(|_| Reason::Undefined)?;
        let scatter = Wide::product(u128::from(self.n), squares)
            .minus(Wide::product(self.sum.unsigned_abs(), self.sum.unsigned_abs()))
            .ok_or(Reason::Undefined)?;
        let n = self.n as f64;
        Ok(scatter.to_f64() / (n * (n - 1.0)) / (minor_per_unit * minor_per_unit))
    }

    /// Returns the coefficient of variation, standard deviation over mean. `None` below two values or at a
    /// mean of zero.
    pub fn coefficient_of_variation(&self) -> Option<f64> {
        let variance = self.variance(1.0).ok()?;
        (self.sum != 0).then(|| variance.sqrt() * self.n as f64 / (self.sum as f64).abs())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::assert_close;
    use proptest::prelude::*;

    fn of(values: &[i64]) -> Moments {
        let mut moments = Moments::default();
        values.iter().for_each(|&value| moments.add(value));
        moments
    }

    #[test]
    fn small_cases() {
        assert_eq!(of(&[]).mean(1.0), None);
        assert_eq!(of(&[]).variance(1.0), Err(Reason::TooFew));
        assert_eq!(of(&[7]).variance(1.0), Err(Reason::TooFew));
        assert_eq!(of(&[7, 7]).variance(1.0), Ok(0.0));
        assert_eq!(of(&[100, 300]).mean(100.0), Some(2.0));
        assert_eq!(of(&[100, 300]).variance(100.0), Ok(2.0));
        assert_eq!(of(&[-1, 1]).coefficient_of_variation(), None);
        assert_eq!(Moments { n: 2, sum: 10, sum_squares: 1 }.variance(1.0), Err(Reason::Undefined));
    }

    /// Where the textbook formula in floating point has no digit left.
    #[test]
    fn nothing_cancels() {
        let base = 1_i64 << 61;
        assert_eq!(of(&[base, base + 1, base + 2]).variance(1.0), Ok(1.0));
        assert_eq!(of(&[-base, -base - 1, -base - 2]).variance(1.0), Ok(1.0));
    }

    #[test]
    fn too_much_is_a_reason_and_no_panic() {
        let large = of(&[i64::MAX, i64::MIN, i64::MAX]);
        assert_eq!(large.variance(1.0), Err(Reason::Overflow));
        assert_eq!(large.coefficient_of_variation(), None);
        assert_eq!(large.mean(1.0), Some((i64::MAX - 1) as f64 / 3.0));
        let mut merged = large;
        merged.merge(&large);
        assert_eq!((merged.n, merged.sum_squares), (6, i128::MAX));
    }

    proptest! {
        #[test]
        fn variance_agrees_with_two_passes(values in prop::collection::vec(-1_000_000i64..1_000_000, 2..200)) {
            let n = values.len() as f64;
            let mean = values.iter().map(|&x| x as f64).sum::<f64>() / n;
            let naive = values.iter().map(|&x| (x as f64 - mean).powi(2)).sum::<f64>() / (n - 1.0);
            let moments = of(&values);
            assert_close(moments.variance(1.0).unwrap(), naive, 1e-11);
            prop_assert!((moments.mean(1.0).unwrap() - mean).abs() < 1e-6);
        }

        #[test]
        fn merge_is_associative_and_commutative(
            a in prop::collection::vec(any::<i64>(), 0..20),
            b in prop::collection::vec(any::<i64>(), 0..20),
            c in prop::collection::vec(any::<i64>(), 0..20),
        ) {
            let small = |v: &[i64]| of(&v.iter().map(|x| x >> 8).collect::<Vec<_>>());
            let (a, b, c) = (small(&a), small(&b), small(&c));
            let merge = |mut x: Moments, y: Moments| { x.merge(&y); x };
            prop_assert_eq!(merge(merge(a, b), c), merge(a, merge(b, c)));
            prop_assert_eq!(merge(a, b), merge(b, a));
        }
    }
}
