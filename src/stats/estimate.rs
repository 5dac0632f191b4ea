//! A point estimate with its standard error, read on Student's t (Student 1908).
//!
//! Every experiment figure that is asymptotically normal ends here: differences, lifts, ratio metrics,
//! adjusted metrics and quantiles differ in how the standard error comes about, not in what follows.

use super::{interval::Interval, reason::Reason, special};

/// An estimate, its standard error in the same unit, and the degrees of freedom of that error.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The point estimate.
    pub value: f64,
    /// Its standard error, above zero.
    pub standard_error: f64,
    /// Degrees of freedom of the standard error, above zero; infinite for a normal.
    pub degrees_of_freedom: f64,
}

impl Estimate {
    /// Builds an estimate.
    ///
    /// # Errors
    /// [`Reason::ZeroVariance`] where the standard error is zero, [`Reason::Undefined`] where a part is not
    /// finite (infinite degrees of freedom are allowed) or the degrees of freedom are not positive.
    pub fn new(value: f64, standard_error: f64, degrees_of_freedom: f64) -> Result<Estimate, Reason> {
        if !(value.is_finite() && standard_error.is_finite() && degrees_of_freedom > 0.0) {
            return Err(Reason::Undefined);
        }
        if standard_error <= 0.0 {
            return Err(Reason::ZeroVariance);
        }
        Ok(Estimate { value, standard_error, degrees_of_freedom })
    }

    /// Returns `value ± t · standard_error` at confidence `1 − alpha`.
    pub fn interval(&self, alpha: f64) -> Interval {
        let t = special::student_t_quantile_upper(alpha / 2.0, self.degrees_of_freedom);
        Interval::around(self.value, t * self.standard_error)
    }

    /// Returns the two-sided p-value of the hypothesis that the true value is zero.
    pub fn p_value(&self) -> f64 {
        special::student_t_two_sided(self.value / self.standard_error, self.degrees_of_freedom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undefined_parts_are_reasons() {
        assert_eq!(Estimate::new(1.0, 0.0, 5.0), Err(Reason::ZeroVariance));
        assert_eq!(Estimate::new(f64::NAN, 1.0, 5.0), Err(Reason::Undefined));
        assert_eq!(Estimate::new(1.0, 1.0, f64::NAN), Err(Reason::Undefined));
        assert_eq!(Estimate::new(1.0, 1.0, 0.0), Err(Reason::Undefined));
    }

    #[test]
    fn the_p_value_is_alpha_where_a_bound_is_zero() {
        for degrees_of_freedom in [1.0, 7.3, 63.0, 5e4, f64::INFINITY] {
            let t = special::student_t_quantile_upper(0.025, degrees_of_freedom);
            let p = Estimate::new(t, 1.0, degrees_of_freedom).map(|e| e.p_value());
            assert!(p.is_ok_and(|p| (p - 0.05).abs() < 1e-14));
        }
    }
}
