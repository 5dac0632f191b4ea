//! Two arms from their sufficient statistics.
//!
//! - Absolute difference of means, unequal variances: Welch 1947; degrees of freedom by Satterthwaite 1946.
//! - Relative lift `(T − C)/|C|` by the delta method (first order), with the same degrees of freedom as the
//!   absolute difference, as in GrowthBook's `gbstats` (`frequentist/tests.py`), whose published test values
//!   stand below. Its error rate breaks at small counts, so decisions belong to the absolute difference.
//! - A proportion's variance is p(1 − p), without n/(n − 1), as there.
//!
//! Departures: an undefined comparison is a typed reason, where `gbstats` returns zeros. As there, one arm
//! without variance is enough to make it undefined: its spread was not observed, which is not the same as
//! none.

use super::{estimate::Estimate, moments::Moments, reason::Reason};

/// Below this many standard errors between zero and the control mean, a relative figure is approximate.
const MIN_CONTROL_STANDARD_ERRORS: f64 = 10.0;

/// The summary of one arm; mean and variance of one customer's value, in units and units squared.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Arm {
    /// Customers.
    pub n: u64,
    /// Mean per customer.
    pub mean: f64,
    /// Variance of one customer's value.
    pub variance: f64,
}

impl Arm {
    /// Builds the arm of a mean metric, given minor units per unit.
    ///
    /// # Errors
    /// [`Reason::TooFew`] below two customers; [`Reason::Undefined`] where the sums are inconsistent.
    pub fn of_mean(moments: &Moments, minor_per_unit: f64) -> Result<Arm, Reason> {
        let variance = moments.variance(minor_per_unit)?;
        let mean = moments.mean(minor_per_unit).ok_or(Reason::TooFew)?;
        Ok(Arm { n: moments.n, mean, variance })
    }

    /// Builds the arm of a proportion, with variance p(1 − p).
    ///
    /// # Errors
    /// [`Reason::TooFew`] below two customers; [`Reason::Undefined`] where successes exceed customers.
    pub fn of_proportion(successes: u64, n: u64) -> Result<Arm, Reason> {
        if n < 2 {
            return Err(Reason::TooFew);
        }
        let failures = n.checked_sub(successes).ok_or(Reason::Undefined)?;
        let mean = successes as f64 / n as f64;
        Ok(Arm { n, mean, variance: mean * (failures as f64 / n as f64) })
    }

    /// Returns the squared standard error of the mean.
    pub fn squared_error(&self) -> f64 {
        self.variance / self.n as f64
    }
}

/// A relative lift, and whether its normal approximation is weak.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lift {
    /// `(treatment − control) / |control|` as a fraction, with its error.
    pub estimate: Estimate,
    /// True where the control mean is less than ten standard errors from zero ([`Reason::Approximate`]).
    pub approximate: bool,
}

/// Compares two means: treatment − control, in units.
///
/// # Errors
/// [`Reason::TooFew`] where an arm has fewer than two customers, [`Reason::ZeroVariance`] where an arm's
/// values do not vary.
pub fn difference(control: &Arm, treatment: &Arm) -> Result<Estimate, Reason> {
    let degrees_of_freedom = satterthwaite(control, treatment)?;
    let squared_error = control.squared_error() + treatment.squared_error();
    Estimate::new(treatment.mean - control.mean, squared_error.sqrt(), degrees_of_freedom)
}

/// Compares two means relative to the control: `(treatment − control) / |control|`, as a fraction, with
/// variance `s²C·T²/(C⁴·nC) + s²T/(C²·nT)`.
///
/// # Errors
/// As [`difference`], and [`Reason::ZeroControlMean`].
pub fn relative_lift(control: &Arm, treatment: &Arm) -> Result<Lift, Reason> {
    let degrees_of_freedom = satterthwaite(control, treatment)?;
    if control.mean == 0.0 {
        return Err(Reason::ZeroControlMean);
    }
    let ratio = treatment.mean / control.mean;
    let squared_error =
        (control.squared_error() * ratio * ratio + treatment.squared_error()) / (control.mean * control.mean);
    let value = (treatment.mean - control.mean) / control.mean.abs();
    Ok(Lift {
        estimate: Estimate::new(value, squared_error.sqrt(), degrees_of_freedom)?,
        approximate: is_approximate(control.mean, control.squared_error()),
    })
}

/// Compares the effects on two groups of customers that share nobody: the first − the second, in units.
///
/// An interaction: whether an experiment does to a segment what it does to all others. Degrees of freedom by
/// Satterthwaite 1946 from those of the two effects.
///
/// # Errors
/// As [`Estimate::new`].
pub fn interaction(effect: &Estimate, of_others: &Estimate) -> Result<Estimate, Reason> {
    let squares = [effect, of_others].map(|effect| effect.standard_error * effect.standard_error);
    let squared_error = squares[0] + squares[1];
    // By shares of the variance, so that nothing under- or overflows.
    let [share, rest] = squares.map(|square| square / squared_error);
    let spread = share * share / effect.degrees_of_freedom + rest * rest / of_others.degrees_of_freedom;
    Estimate::new(effect.value - of_others.value, squared_error.sqrt(), 1.0 / spread)
}

/// Tells whether figures relative to a control mean with this squared standard error are approximate:
/// |mean| / error < 10.
pub fn is_approximate(control_mean: f64, control_squared_error: f64) -> bool {
    control_mean.abs() < MIN_CONTROL_STANDARD_ERRORS * control_squared_error.sqrt()
}

/// Satterthwaite 1946; by shares of the variance, so that nothing under- or overflows.
fn satterthwaite(control: &Arm, treatment: &Arm) -> Result<f64, Reason> {
    if control.n < 2 || treatment.n < 2 {
        return Err(Reason::TooFew);
    }
    if control.variance <= 0.0 || treatment.variance <= 0.0 {
        return Err(Reason::ZeroVariance);
    }
    let (c, t) = (control.squared_error(), treatment.squared_error());
    let share = c / (c + t);
    let rest = t / (c + t);
    Ok(1.0 / (share * share / (control.n - 1) as f64 + rest * rest / (treatment.n - 1) as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::{assert_close, assert_near};

    /// Sums in hundredths, as in the published test.
    fn growthbook_arms() -> (Arm, Arm) {
        let control = Moments { n: 3407, sum: 139_687, sum_squares: 523_779_767 };
        let treatment = Moments { n: 3461, sum: 242_270, sum_squares: 1_346_982_900 };
        (Arm::of_mean(&control, 100.0).unwrap(), Arm::of_mean(&treatment, 100.0).unwrap())
    }

    #[test]
    fn means_match_growthbook() {
        // GrowthBook, packages/stats/tests/frequentist/test_tests.py, TestTwoSidedTTest.
        let (control, treatment) = growthbook_arms();
        let lift = relative_lift(&control, &treatment).unwrap();
        assert_near(lift.estimate.value, 0.70732, 5e-6);
        let interval = lift.estimate.interval(0.05);
        assert_near(interval.low, -0.03526, 5e-6);
        assert_near(interval.high, 1.44989, 5e-6);
        assert_near(lift.estimate.p_value(), 0.06191, 5e-6);
        assert!(lift.approximate);
        let difference = difference(&control, &treatment).unwrap();
        assert_near(difference.value, 0.29, 5e-6);
        assert_near(difference.p_value(), 0.02016, 5e-6);
    }

    #[test]
    fn proportions_match_growthbook() {
        // The same, with ProportionStatistic.
        let control = Arm::of_proportion(14, 28).unwrap();
        let treatment = Arm::of_proportion(16, 30).unwrap();
        let lift = relative_lift(&control, &treatment).unwrap().estimate;
        assert_near(lift.value, 0.06667, 5e-6);
        let interval = lift.interval(0.05);
        assert_near(interval.low, -0.47767, 5e-6);
        assert_near(interval.high, 0.61101, 5e-6);
        assert_near(lift.p_value(), 0.80707, 5e-6);
    }

    #[test]
    fn spend_matches_statsmodels_and_gbstats() {
        // Hillstrom e-mail data, spend per customer, men's e-mail against none. statsmodels 0.15.0
        // CompareMeans(usevar="unequal"), scipy 1.13.1 ttest_ind(equal_var=False), gbstats 0.8.0.
        // Sums in hundredths; the control's Σx² is 2870050.3621.
        let control = Moments { n: 21306, sum: 1_390_833, sum_squares: 28_700_503_621 };
        let treatment = Moments { n: 21307, sum: 3_031_169, sum_squares: 67_590_244_973 };
        let control = Arm::of_mean(&control, 100.0).unwrap();
        let treatment = Arm::of_mean(&treatment, 100.0).unwrap();
        assert_close(control.mean, 0.6527893551112363, 1e-15);
        assert_close(control.variance, 134.28637185302165, 1e-12);
        assert_close(treatment.variance, 315.21179886555484, 1e-12);
        let difference = difference(&control, &treatment).unwrap();
        assert_close(difference.value, 0.7698271558945367, 1e-13);
        assert_close(difference.standard_error, 0.14524656024868673, 1e-12);
        assert_close(difference.degrees_of_freedom, 36671.15797736049, 1e-12);
        assert_close(difference.p_value(), 1.1638149682254859e-7, 1e-11);
        let interval = difference.interval(0.05);
        assert_close(interval.low, 0.48513973256840676, 1e-12);
        assert_close(interval.high, 1.054514579220666, 1e-12);
        let lift = relative_lift(&control, &treatment).unwrap();
        assert_close(lift.estimate.value, 1.1792887703620059, 1e-12);
        assert_close(lift.estimate.standard_error, 0.32397689741846714, 1e-12);
        assert_close(lift.estimate.p_value(), 0.00027297053767805224, 1e-10);
        assert!(lift.approximate);
    }

    #[test]
    fn interaction_pools_the_four_arms() {
        // Satterthwaite over four arms at once is that of the two effects' own degrees of freedom.
        let arm = |n, mean, variance| Arm { n, mean, variance };
        let arms = [arm(40, 1.0, 2.0), arm(50, 1.5, 3.0), arm(60, 2.0, 4.0), arm(70, 2.2, 5.0)];
        let one = difference(&arms[0], &arms[1]).unwrap();
        let other = difference(&arms[2], &arms[3]).unwrap();
        let interaction = interaction(&one, &other).unwrap();
        assert_close(interaction.value, 0.3, 1e-14);
        let squares = arms.map(|arm| arm.squared_error());
        let sum: f64 = squares.iter().sum();
        assert_close(interaction.standard_error, sum.sqrt(), 1e-15);
        let below: f64 = squares.iter().zip(arms).map(|(v, arm)| v * v / (arm.n - 1) as f64).sum();
        assert_close(interaction.degrees_of_freedom, sum * sum / below, 1e-13);
        let certain = Estimate { degrees_of_freedom: f64::INFINITY, ..one };
        assert_eq!(super::interaction(&certain, &certain).unwrap().degrees_of_freedom, f64::INFINITY);
    }

    #[test]
    fn a_negative_control_keeps_the_sign_of_the_change() {
        let control = Arm { n: 50, mean: -2.0, variance: 1.0 };
        let treatment = Arm { n: 50, mean: -1.0, variance: 1.0 };
        assert_eq!(relative_lift(&control, &treatment).unwrap().estimate.value, 0.5);
    }

    #[test]
    fn undefined_is_a_reason() {
        let fine = Arm { n: 10, mean: 1.0, variance: 1.0 };
        assert_eq!(difference(&Arm { n: 1, ..fine }, &fine), Err(Reason::TooFew));
        assert_eq!(difference(&fine, &Arm { variance: 0.0, ..fine }), Err(Reason::ZeroVariance));
        assert_eq!(relative_lift(&Arm { mean: 0.0, ..fine }, &fine), Err(Reason::ZeroControlMean));
        assert_eq!(relative_lift(&Arm { variance: 0.0, ..fine }, &fine), Err(Reason::ZeroVariance));
        assert_eq!(Arm::of_proportion(1, 1), Err(Reason::TooFew));
        assert_eq!(Arm::of_proportion(3, 2), Err(Reason::Undefined));
        assert_eq!(Arm::of_mean(&Moments::default(), 1.0), Err(Reason::TooFew));
    }
}
