//! Quantiles of customers as arms of an experiment.
//!
//! The customer is the unit, and those with zero are among them. A sample quantile is asymptotically normal;
//! its standard error is read off the binomial order-statistic interval, (U − L)/(2z) (Deng, Knoblich & Lu
//! 2018, KDD, for customers with one figure each), which asks for no density. From there on a quantile is
//! compared as a mean is, by [`super::welch`].
//!
//! The interval is always that of 95 %, whatever level the reader asked for: further out it would say more
//! about the tail than about the density at the quantile.
//!
//! Histograms hold no values below zero. A customer's negative sum counts as zero ([`bin_of`]), which leaves
//! every quantile above zero as it is.

use super::{
    histogram::{BinIndex, Histogram},
    quantile,
    reason::Reason,
    welch::Arm,
};

/// The order-statistic interval that the standard error is read off has confidence `1 − this`.
const ALPHA: f64 = 0.05;

/// Returns the bin of a customer's figure; below zero it is that of zero.
#[inline]
pub fn bin_of(value: i64) -> BinIndex {
    BinIndex::of(u64::try_from(value).unwrap_or(0))
}

/// Returns the arm of a quantile metric: its mean is the quantile at `level` in (0, 1) in units, given
/// integer units per unit; its variance is that which one customer would have if the quantile were their
/// mean, n·SE².
///
/// # Errors
/// [`Reason::TooFew`] where no order statistic lies far enough out, [`Reason::Tied`] where both bounds are
/// the same value (often zero), [`Reason::Undefined`] for a level outside.
pub fn arm(histogram: &Histogram, level: f64, per_unit: i64) -> Result<Arm, Reason> {
    let n = histogram.count();
    let interval = quantile::order_statistic_interval(histogram, level, ALPHA)?;
    let at = quantile::quantile(histogram, level).ok_or(Reason::Undefined)?;
    let error = quantile::standard_error_of_interval(&interval, ALPHA)? / per_unit as f64;
    Ok(Arm { n, mean: at / per_unit as f64, variance: n as f64 * (error * error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::assert_close;
    use crate::stats::welch;

    fn of(values: impl IntoIterator<Item = i64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.record_in(bin_of(value)));
        histogram
    }

    #[test]
    fn the_error_is_that_of_the_interval() {
        // 1 to 1,000: the 95 % interval of the median is that of the ranks 469 and 532 (sign test:
        // P(B ≤ 468) = .0231 and P(B ≤ 469) = .0267, scipy 1.17.1).
        let arm = arm(&of(1..=1_000), 0.5, 10).unwrap();
        assert_eq!((arm.n, arm.mean), (1_000, 50.05));
        let error = (532.0 - 469.0) / 10.0 / (2.0 * 1.959963984540054);
        assert_close(arm.squared_error().sqrt(), error, 1e-12);
        // Against the density: √(q(1 − q)/n)/f with f = 1/100.
        assert_close(error, (0.25_f64 / 1_000.0).sqrt() * 100.0, 0.03);
    }

    #[test]
    fn quantiles_are_compared_as_means_are() {
        let control = arm(&of((1..=1_000).map(|x| x * 2)), 0.9, 1).unwrap();
        let treatment = arm(&of((1..=1_000).map(|x| x * 2 + 100)), 0.9, 1).unwrap();
        let difference = welch::difference(&control, &treatment).unwrap();
        assert_close(difference.value, 100.0, 1e-12);
        let lift = welch::relative_lift(&control, &treatment).unwrap();
        assert_close(lift.estimate.value, 100.0 / 1_801.0, 1e-12);
    }

    #[test]
    fn undefined_is_a_reason() {
        assert_eq!(arm(&of([]), 0.5, 1), Err(Reason::TooFew));
        assert_eq!(arm(&of([1, 2, 3, 4, 5]), 0.5, 1), Err(Reason::TooFew));
        assert_eq!(arm(&of(0..100), 1.5, 1), Err(Reason::Undefined));
        let mostly_zero = (0..900).map(|_| 0).chain(1..=100);
        assert_eq!(arm(&of(mostly_zero), 0.5, 1), Err(Reason::Tied));
    }

    #[test]
    fn below_zero_is_zero() {
        let positive = of((-300..700).map(|x| x.max(0)));
        assert_eq!(of(-300..700).bins(), positive.bins());
    }
}
