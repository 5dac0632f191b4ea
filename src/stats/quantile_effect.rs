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
//! Histograms hold no values below zero. Where a customer of the arm has one there is no figure, but a reason:
//! a zero in its place would be read as one.

use super::{
    histogram::{Bin, BinIndex, Histogram},
    quantile,
    reason::Reason,
    welch::Arm,
};

/// The order-statistic interval that the standard error is read off has confidence `1 − this`.
const ALPHA: f64 = 0.05;

/// Customers by their figure, and how many of the figures are below zero.
#[derive(Debug, Clone, Default)]
pub struct Distribution {
    /// What is below zero is in the bin of zero.
    histogram: Histogram,
    /// Customers whose figure is below zero.
    negative: u64,
}

impl Distribution {
    /// Adds one customer.
    #[inline]
    pub fn add(&mut self, value: i64) {
        self.negative += u64::from(value < 0);
        self.histogram.record_in(bin_of(value));
    }

    /// Adds so many customers whose figure is zero.
    pub fn add_zeros(&mut self, customers: u64) {
        let zeros: Vec<Bin> = vec![(bin_of(0), customers)];
        self.histogram.merge(&Histogram::from_bins(zeros));
    }

    /// Adds the customers of another group: associative and commutative.
    pub fn merge(&mut self, other: &Distribution) {
        self.negative += other.negative;
        self.histogram.merge(&other.histogram);
    }

    /// Returns what is left without `part`, which must be some of these customers; `None` where it can't be.
    pub fn without(&self, part: &Distribution) -> Option<Distribution> {
        Some(Distribution {
            histogram: self.histogram.without(&part.histogram)?,
            negative: self.negative.checked_sub(part.negative)?,
        })
    }

    /// Returns the customers.
    pub fn count(&self) -> u64 {
        self.histogram.count()
    }

    /// Returns the quantile at `level`, see [`quantile::quantile`]. `None` also where a figure is below zero.
    pub fn quantile(&self, level: f64) -> Option<f64> {
        if self.negative > 0 { None } else { quantile::quantile(&self.histogram, level) }
    }

    /// Returns the arm of a quantile metric, see [`arm`].
    ///
    /// # Errors
    /// Those of [`arm`]; [`Reason::Negative`] where a figure is below zero.
    pub fn arm(&self, level: f64, per_unit: i64) -> Result<Arm, Reason> {
        if self.negative > 0 { Err(Reason::Negative) } else { arm(&self.histogram, level, per_unit) }
    }
}

/// Returns the bin of a customer's figure; below zero it is that of zero.
#[inline]
pub(super) fn bin_of(value: i64) -> BinIndex {
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
    fn below_zero_there_are_no_quantiles() {
        let of = |values: std::ops::Range<i64>| {
            let mut distribution = Distribution::default();
            values.into_iter().for_each(|value| distribution.add(value));
            distribution
        };
        let mut all = of(0..700);
        let positive = all.arm(0.9, 1);
        assert_eq!((positive.map(|arm| arm.mean), all.quantile(0.9)), (Ok(629.5), Some(629.5)));
        let part = of(-3..0);
        all.merge(&part);
        assert_eq!((all.arm(0.9, 1), all.quantile(0.9), all.count()), (Err(Reason::Negative), None, 703));
        assert_eq!(all.without(&part).unwrap().arm(0.9, 1), positive, "others have none");
        assert!(of(0..700).without(&part).is_none());
    }
}
