//! The Bayesian reading of an experiment: a normal posterior of the relative lift.
//!
//! Conjugate update of a normal mean with known variance (Gelman et al., Bayesian Data Analysis, 3rd ed.,
//! § 2.5); expected loss as in Stucchio 2015 (VWO), for a normal: σ·(φ(z) − z·Q(z)), z = μ/σ.
//! For large z that difference cancels, so there it comes from Laplace's continued fraction of the Mills
//! ratio (Abramowitz & Stegun 26.2.14): φ − zQ = φ·K/(z + K), K = 1/(z + 2/(z + 3/(z + …))).

use super::{interval::Interval, special};

/// What was believed of the relative lift before the data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Prior {
    /// Improper flat prior.
    Flat,
    /// A normal distribution.
    Normal {
        /// Its mean, as a fraction.
        mean: f64,
        /// Its standard deviation, above zero.
        standard_deviation: f64,
    },
}

/// A normal posterior of the relative lift, as a fraction.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Posterior {
    /// Mean.
    pub mean: f64,
    /// Standard deviation, above zero.
    pub standard_deviation: f64,
}

impl Posterior {
    /// Updates a prior with an estimated lift and its standard error, which is above zero.
    pub fn of_lift(lift: f64, standard_error: f64, prior: Prior) -> Posterior {
        match prior {
            Prior::Flat => Posterior { mean: lift, standard_deviation: standard_error },
            Prior::Normal { mean, standard_deviation } => {
                let prior_variance = standard_deviation * standard_deviation;
                let weight = prior_variance / (prior_variance + standard_error * standard_error);
                Posterior {
                    mean: weight * lift + (1.0 - weight) * mean,
                    standard_deviation: weight.sqrt() * standard_error,
                }
            }
        }
    }

    /// Returns the posterior of the lift with its sign turned: for a metric of which less is better.
    #[must_use]
    pub fn mirrored(self) -> Posterior {
        Posterior { mean: -self.mean, ..self }
    }

    /// Returns P(lift > 0).
    pub fn chance_to_win(&self) -> f64 {
        special::normal_cdf(self.mean / self.standard_deviation)
    }

    /// Returns the loss to expect from choosing the variant, E[max(−lift, 0)], as a fraction.
    pub fn expected_loss(&self) -> f64 {
        self.standard_deviation * unit_normal_loss(self.mean / self.standard_deviation)
    }

    /// Returns the loss to expect from keeping the control, E[max(lift, 0)], as a fraction.
    pub fn expected_loss_of_control(&self) -> f64 {
        self.standard_deviation * unit_normal_loss(-self.mean / self.standard_deviation)
    }

    /// Returns the central credible interval of mass `1 − alpha`.
    pub fn credible_interval(&self, alpha: f64) -> Interval {
        let z = special::normal_quantile_upper(alpha / 2.0);
        Interval::around(self.mean, z * self.standard_deviation)
    }
}

/// E[max(Z − z, 0)] of a standard normal, precise in the upper tail.
fn unit_normal_loss(z: f64) -> f64 {
    const TAIL: f64 = 5.0;
    const TERMS: u32 = 80;
    if z < TAIL {
        return special::normal_density(z) - z * special::normal_sf(z);
    }
    let mut fraction = z;
    for k in (2..=TERMS).rev() {
        fraction = z + f64::from(k) / fraction;
    }
    let k = 1.0 / fraction;
    special::normal_density(z) * k / (z + k)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::{assert_close, assert_near};
    use crate::stats::welch::{self, Arm};

    fn lift(control: (u64, u64), treatment: (u64, u64)) -> (f64, f64) {
        let control = Arm::of_proportion(control.0, control.1).unwrap();
        let treatment = Arm::of_proportion(treatment.0, treatment.1).unwrap();
        let lift = welch::relative_lift(&control, &treatment).unwrap().estimate;
        (lift.value, lift.standard_error)
    }

    #[test]
    fn flat_prior_matches_growthbook() {
        // GrowthBook, packages/stats/tests/bayesian/test_tests.py, relative effects.
        let (value, error) = lift((49, 100), (51, 100));
        let posterior = Posterior::of_lift(value, error, Prior::Flat);
        assert_near(posterior.chance_to_win(), 0.60918, 5e-6);
        let interval = posterior.credible_interval(0.05);
        assert_near(interval.low, -0.24779, 5e-6);
        assert_near(interval.high, 0.32943, 5e-6);
        assert_near(posterior.expected_loss_of_control(), 0.0814, 5e-6);
        assert_near(posterior.expected_loss(), 0.04058, 5e-6);
    }

    #[test]
    fn both_priors_match_gbstats() {
        // gbstats 0.8.0, Hillstrom e-mail data, men's e-mail against none, conversions, relative. Its risk is
        // taken by the difference that cancels, hence the tolerance of the loss.
        let (value, error) = lift((122, 21306), (267, 21307));
        let flat = Posterior::of_lift(value, error, Prior::Flat);
        assert_close(flat.chance_to_win(), 0.999999696544316, 1e-14);
        assert_close(flat.expected_loss(), 1.3507591753736713e-08, 1e-7);
        let prior = Prior::Normal { mean: 0.0, standard_deviation: 0.3 };
        let skeptical = Posterior::of_lift(value, error, prior);
        assert_close(skeptical.mean, 0.728878791973648, 1e-12);
        assert_close(skeptical.standard_deviation, 0.1865516322488444, 1e-12);
        assert_close(skeptical.chance_to_win(), 0.9999532977630995, 1e-12);
        assert_close(skeptical.expected_loss(), 2.004026888167233e-06, 1e-10);
        assert_close(skeptical.expected_loss_of_control(), 0.7288807960005361, 1e-12);
        let interval = skeptical.credible_interval(0.05);
        assert_close(interval.low, 0.363244311508752, 1e-12);
        assert_close(interval.high, 1.094513272438544, 1e-12);
    }

    #[test]
    fn a_prior_with_a_mean_matches_gbstats() {
        // gbstats 0.8.0, EffectBayesianABTest, relative, proper priors N(0.1, 0.2²) and N(−0.05, 0.1²).
        for (control, treatment, mean, standard_deviation, chance, expected, deviation, losses) in [
            (
                (122, 21306),
                (267, 21307),
                0.1,
                0.2,
                0.9998352458142248,
                0.5500254094630561,
                0.15317101913839162,
                [0.5500316252409304, 6.215777874408148e-06],
            ),
            (
                (49, 100),
                (51, 100),
                -0.05,
                0.1,
                0.3982377431927584,
                -0.02133622713285812,
                0.08272704718517178,
                [0.023426818896884218, 0.04476304602974234],
            ),
        ] {
            let (value, error) = lift(control, treatment);
            let prior = Prior::Normal { mean, standard_deviation };
            let posterior = Posterior::of_lift(value, error, prior);
            assert_close(posterior.chance_to_win(), chance, 1e-12);
            assert_close(posterior.mean, expected, 1e-12);
            assert_close(posterior.standard_deviation, deviation, 1e-12);
            assert_close(posterior.expected_loss_of_control(), losses[0], 1e-9);
            assert_close(posterior.expected_loss(), losses[1], 1e-8);
            // Where less is better, the prior turns with the lift.
            let mirrored = posterior.mirrored();
            let turned = Prior::Normal { mean: -mean, standard_deviation };
            assert_eq!(mirrored, Posterior::of_lift(-value, error, turned));
            assert_close(mirrored.chance_to_win(), 1.0 - chance, 1e-9);
            assert_eq!(mirrored.expected_loss(), posterior.expected_loss_of_control());
        }
    }

    #[test]
    fn loss_keeps_its_digits() {
        // mpmath 1.3.0 at 60 digits.
        for (z, loss) in [
            (-3.0, 3.0003821543170477),
            (0.0, 0.3989422804014327),
            (1.0, 0.0833154705876863),
            (4.9, 9.096269060079092e-08),
            (5.1, 3.112713859305776e-08),
            (8.0, 7.550262411946499e-17),
            (20.0, 1.3700124947295798e-90),
            (36.0, 1.1600539333726329e-285),
        ] {
            assert_close(unit_normal_loss(z), loss, 1e-13);
        }
    }
}
