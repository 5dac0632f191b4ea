//! Looking every day without paying for it: an asymptotic confidence sequence.
//!
//! Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas (arXiv 2103.06476v7): two-sided boundary by eq. 9, ρ by
//! eq. 161 so that the sequence is tightest at N* customers. The always-valid p-value is the smallest alpha
//! at which the sequence, with this ρ, excludes zero.
//!
//! Departure: ρ stays that of the configured alpha while the p-value is read off.

use super::{estimate::Estimate, interval::Interval};

/// Both arms' customers at which the sequence is tightest, unless configured.
pub const DEFAULT_TUNING_CUSTOMERS: f64 = 5_000.0;

/// A confidence sequence with its one tuning constant fixed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ConfidenceSequence {
    alpha: f64,
    rho_squared: f64,
}

impl ConfidenceSequence {
    /// Builds the sequence at confidence `1 − alpha`, `alpha` in (0, 1), tightest at `tuning_customers` > 0
    /// in both arms together.
    pub fn new(alpha: f64, tuning_customers: f64) -> ConfidenceSequence {
        let spent = -2.0 * libm::log(alpha);
        ConfidenceSequence { alpha, rho_squared: (spent + libm::log(spent + 1.0)) / tuning_customers }
    }

    /// Returns the half-width at `customers` > 0 of both arms together, in the unit of the standard error.
    pub fn half_width(&self, standard_error: f64, customers: u64) -> f64 {
        let spread = customers as f64 * self.rho_squared;
        let boundary = 0.5 * libm::log1p(spread) - libm::log(self.alpha);
        standard_error * (2.0 * (spread + 1.0) / spread * boundary).sqrt()
    }

    /// Returns the interval that holds at all sample sizes at once. `None` without customers.
    pub fn interval(&self, estimate: &Estimate, customers: u64) -> Option<Interval> {
        (customers > 0)
            .then(|| Interval::around(estimate.value, self.half_width(estimate.standard_error, customers)))
    }

    /// Returns the always-valid p-value of zero, at most 1: valid at whatever time one stops.
    pub fn p_value(&self, estimate: &Estimate, customers: u64) -> f64 {
        let spread = customers as f64 * self.rho_squared;
        let z = estimate.value / estimate.standard_error;
        libm::exp(0.5 * libm::log1p(spread) - z * z * spread / (2.0 * (spread + 1.0))).min(1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::moments::Moments;
    use crate::stats::testing::{assert_close, assert_near};
    use crate::stats::welch::{self, Arm};
    use proptest::prelude::*;

    #[test]
    fn interval_matches_growthbook() {
        // GrowthBook, packages/stats/tests/frequentist/test_tests.py, TestSequentialTTest.
        let control = Arm::of_proportion(1396, 3000).unwrap();
        let treatment = Arm::of_proportion(2422, 3461).unwrap();
        let lift = welch::relative_lift(&control, &treatment).unwrap().estimate;
        let sequence = ConfidenceSequence::new(0.05, DEFAULT_TUNING_CUSTOMERS);
        let interval = sequence.interval(&lift, 6461).unwrap();
        assert_near(lift.value, 0.50386, 5e-6);
        assert_near(interval.low, 0.40098, 5e-6);
        assert_near(interval.high, 0.60675, 5e-6);
        // A mean, tightest at 1,000; sums in hundredths.
        let control = Moments { n: 3000, sum: 139_687, sum_squares: 523_779_767 };
        let treatment = Moments { n: 3461, sum: 242_270, sum_squares: 1_346_982_900 };
        let control = Arm::of_mean(&control, 100.0).unwrap();
        let treatment = Arm::of_mean(&treatment, 100.0).unwrap();
        let lift = welch::relative_lift(&control, &treatment).unwrap().estimate;
        let sequence = ConfidenceSequence::new(0.05, 1000.0);
        let interval = sequence.interval(&lift, 6461).unwrap();
        assert_near(lift.standard_error, 0.33341, 5e-6);
        assert_near(interval.low, -0.55844, 5e-6);
        assert_near(interval.high, 1.56516, 5e-6);
        assert_eq!(sequence.p_value(&lift, 6461), 1.0);
    }

    #[test]
    fn absolute_figures_match_gbstats() {
        // gbstats 0.8.0, Hillstrom e-mail data, men's e-mail against none, visits and conversions, absolute.
        for (c, t, tuning, low, high, p) in [
            (2262, 3894, 5000.0, 0.06568568505498881, 0.08749344224807368, 2.649448533608116e-109),
            (2262, 3894, 1000.0, 0.06493286375458367, 0.08824626354847882, 3.011724336657105e-110),
            (122, 267, 5000.0, 0.0038394371866489886, 0.0097705758525824, 1.7079534995655916e-11),
            (122, 267, 1000.0, 0.0036346895143488244, 0.009975323524882566, 2.7644209202012738e-11),
        ] {
            let control = Arm::of_proportion(c, 21306).unwrap();
            let treatment = Arm::of_proportion(t, 21307).unwrap();
            let difference = welch::difference(&control, &treatment).unwrap();
            let sequence = ConfidenceSequence::new(0.05, tuning);
            let interval = sequence.interval(&difference, 42613).unwrap();
            assert_close(interval.low, low, 1e-12);
            assert_close(interval.high, high, 1e-12);
            assert_close(sequence.p_value(&difference, 42613), p, 1e-11);
        }
    }

    #[test]
    fn the_p_value_is_alpha_where_a_bound_is_zero() {
        for customers in [1, 17, 5_000, 10_000_000] {
            let sequence = ConfidenceSequence::new(0.03, 1234.0);
            let value = sequence.half_width(0.7, customers);
            let estimate = Estimate { value, standard_error: 0.7, degrees_of_freedom: f64::INFINITY };
            assert_close(sequence.p_value(&estimate, customers), 0.03, 1e-12);
        }
        let null = Estimate { value: 0.0, standard_error: 1.0, degrees_of_freedom: 9.0 };
        assert_eq!(ConfidenceSequence::new(0.05, 5000.0).p_value(&null, 100), 1.0);
        assert_eq!(ConfidenceSequence::new(0.05, 5000.0).interval(&null, 0), None);
    }

    proptest! {
        /// A verdict reads the p-value, a person the interval: they must say the same.
        #[test]
        fn the_p_value_is_below_alpha_where_the_interval_leaves_zero_out(
            z in -12.0_f64..12.0,
            scale in -6_i32..6,
            customers in 1_u64..50_000_000,
            tuning in 10.0_f64..1e6,
            alpha in 0.001_f64..0.5,
        ) {
            let standard_error = 10_f64.powi(scale);
            let value = z * standard_error;
            let estimate = Estimate { value, standard_error, degrees_of_freedom: 30.0 };
            let sequence = ConfidenceSequence::new(alpha, tuning);
            let interval = sequence.interval(&estimate, customers).unwrap();
            let p = sequence.p_value(&estimate, customers);
            // Where they meet, the last digits decide.
            prop_assume!((p / alpha - 1.0).abs() > 1e-9);
            prop_assert_eq!(p <= alpha, !interval.contains(0.0));
        }

        /// Closed form of methods: min(1, √(Nρ² + 1)·exp(−ρ²Nδ²/(2·SE²·(Nρ² + 1)))).
        #[test]
        fn the_p_value_is_that_of_the_closed_form(z in -5.0_f64..5.0, customers in 1_u64..1_000_000) {
            let estimate = Estimate { value: 3.0 * z, standard_error: 3.0, degrees_of_freedom: 30.0 };
            let (n, spent) = (customers as f64, -2.0 * 0.05_f64.ln());
            let rho_squared = (spent + (spent + 1.0).ln()) / 5_000.0;
            let spread = n * rho_squared + 1.0;
            let naive = (spread.sqrt() * (-rho_squared * n * (3.0 * z).powi(2) / (2.0 * 9.0 * spread)).exp()).min(1.0);
            let p = ConfidenceSequence::new(0.05, DEFAULT_TUNING_CUSTOMERS).p_value(&estimate, customers);
            prop_assert!((p / naive - 1.0).abs() < 1e-12);
        }
    }
}
