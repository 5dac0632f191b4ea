//! CUPED: an experiment's figures without what the time before it explains.
//!
//! Deng, Xu, Kohavi & Walker 2013 (WSDM): of a figure X and the same figure P of before,
//! X − θ(P − E P) has the mean of X and, at θ = cov(X, P)/var(P), the smallest variance,
//! (1 − ρ²)·var(X). Assignment can't change P, so its difference between the arms is chance, and
//! Δ = (T̄ − C̄) − θ(P̄_T − P̄_C) is unbiased, but for 1/N of the effect with N customers in both arms, because
//! θ is estimated from them.
//!
//! - θ is one for the pair: of all customers of control and variant in one heap, around their common means,
//!   as `compute_theta` of GrowthBook's `gbstats` 0.8.0 has it. So the part of a true effect that P explains
//!   by chance alone is divided between the arms alike.
//! - The lift divides by the unadjusted mean of the control. By the delta method, with L = Δ/C̄, v the
//!   adjusted variance of an arm over its customers and n the control's:
//!   `Var = [v_T + v_C + (L²s²_C + 2L(s²_C − θ·s_C,P))/n]/C̄²`.
//!
//! Departures from `gbstats`: its relative variance takes numerator and denominator for independent and the
//! treatment's unadjusted mean for the adjusted one; and all variances here are sample variances, of
//! proportions too, so that they go with the covariance.

use super::{
    estimate::Estimate,
    joint::Joint,
    reason::Reason,
    welch::{self, Arm, Lift},
};

/// What is left of a variance by the difference of terms may be this share of them and still be nothing but
/// their rounding.
const ROUNDING: f64 = 1e-13;

/// An adjusted comparison.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cuped {
    /// What a unit before the experiment says of one in it.
    pub theta: f64,
    /// The control: its unadjusted mean, and the variance of an adjusted customer.
    pub control: Arm,
    /// The variant: the control's mean and the adjusted difference, and the variance of an adjusted customer.
    pub treatment: Arm,
    /// Variant − control, adjusted.
    pub difference: Estimate,
    /// The adjusted difference relative to the control's unadjusted mean.
    pub lift: Result<Lift, Reason>,
    /// The share of the difference's variance that the adjustment takes away: 0.5 is worth twice the
    /// customers. Below zero where it adds some.
    pub variance_reduction: f64,
}

/// One arm of an experiment with a figure of before: means and second moments of one customer, in units.
#[derive(Debug, Clone, Copy)]
pub(super) struct Adjustable {
    pub(super) n: u64,
    pub(super) mean: f64,
    pub(super) variance: f64,
    pub(super) pre_mean: f64,
    pub(super) pre_variance: f64,
    pub(super) covariance: f64,
}

impl Adjustable {
    fn of_mean(joint: &Joint<2>, per_unit: [i64; 2]) -> Result<Adjustable, Reason> {
        let arm = joint.arm(0, per_unit[0])?;
        let pre = joint.arm(1, per_unit[1])?;
        let covariance = joint.covariance(0, 1, per_unit)?;
        Ok(Adjustable {
            n: arm.n,
            mean: arm.mean,
            variance: arm.variance,
            pre_mean: pre.mean,
            pre_variance: pre.variance,
            covariance,
        })
    }

    fn unadjusted(&self) -> Arm {
        Arm { n: self.n, mean: self.mean, variance: self.variance }
    }

    fn adjusted_variance(&self, theta: f64) -> f64 {
        let terms = [self.variance, theta * theta * self.pre_variance, -2.0 * theta * self.covariance];
        sum_of_variances(terms)
    }
}

/// Adds up the terms of a variance; what may be nothing but their rounding is zero.
pub(super) fn sum_of_variances<const N: usize>(terms: [f64; N]) -> f64 {
    let sum: f64 = terms.iter().sum();
    let size: f64 = terms.iter().map(|term| term.abs()).sum();
    if sum <= ROUNDING * size { 0.0 } else { sum }
}

/// Compares two means, adjusted: figure 0 is that of the experiment, figure 1 the same of before (zero for
/// who wasn't there), each with its integer units per unit.
///
/// # Errors
/// [`Reason::TooFew`] where an arm has fewer than two customers, [`Reason::ZeroPreVariance`] where the
/// figures of before don't vary in an arm, [`Reason::ZeroVariance`] where the figures don't, or nothing is
/// left of them, [`Reason::Overflow`] as in [`Joint::covariance`]. The lift has a reason of its own where
/// only it isn't defined.
pub fn adjust(control: &Joint<2>, treatment: &Joint<2>, per_unit: [i64; 2]) -> Result<Cuped, Reason> {
    let arms = [Adjustable::of_mean(control, per_unit)?, Adjustable::of_mean(treatment, per_unit)?];
    let mut pair = *control;
    pair.merge(treatment);
    let theta = (pair.covariance(0, 1, per_unit)?, pair.variance(1, per_unit[1])?);
    compare(arms, theta)
}

/// Compares control and variant, given the pair's covariance with the figures of before and their variance.
pub(super) fn compare(
    [control, treatment]: [Adjustable; 2],
    (covariance, pre_variance): (f64, f64),
) -> Result<Cuped, Reason> {
    if control.pre_variance <= 0.0 || treatment.pre_variance <= 0.0 || pre_variance <= 0.0 {
        return Err(Reason::ZeroPreVariance);
    }
    let theta = covariance / pre_variance;
    let unadjusted = welch::difference(&control.unadjusted(), &treatment.unadjusted())?;
    let change = unadjusted.value - theta * (treatment.pre_mean - control.pre_mean);
    let adjusted =
        [&control, &treatment].map(|arm| Arm { variance: arm.adjusted_variance(theta), ..arm.unadjusted() });
    let [adjusted_control, adjusted_treatment] = adjusted;
    let adjusted_treatment = Arm { mean: control.mean + change, ..adjusted_treatment };
    let spread = welch::difference(&adjusted_control, &adjusted_treatment)?;
    // Not as the difference of two sums, which would round it once more.
    let difference = Estimate { value: change, ..spread };
    let ratio = difference.standard_error / unadjusted.standard_error;
    Ok(Cuped {
        theta,
        control: adjusted_control,
        treatment: adjusted_treatment,
        difference,
        lift: lift(&control, &difference, theta),
        variance_reduction: 1.0 - ratio * ratio,
    })
}

/// The adjusted difference relative to the unadjusted control, which it depends on.
fn lift(control: &Adjustable, difference: &Estimate, theta: f64) -> Result<Lift, Reason> {
    let mean = control.mean;
    if mean == 0.0 {
        return Err(Reason::ZeroControlMean);
    }
    let lift = difference.value / mean;
    let together = control.variance - theta * control.covariance;
    let of_control = (lift * lift * control.variance + 2.0 * lift * together) / control.n as f64;
    let squared = difference.standard_error * difference.standard_error;
    let squared_error = sum_of_variances([squared, of_control]) / (mean * mean);
    let estimate =
        Estimate::new(difference.value / mean.abs(), squared_error.sqrt(), difference.degrees_of_freedom)?;
    let control_squared_error = control.unadjusted().squared_error();
    Ok(Lift { estimate, approximate: welch::is_approximate(mean, control_squared_error) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::{assert_close, assert_near};
    use proptest::prelude::*;

    const CENTS: [i64; 2] = [100, 100];

    fn joint(n: u64, sums: [i128; 2], squares: [i128; 2], product: i128) -> Joint<2> {
        Joint { n, sums, products: [[squares[0], product], [0, squares[1]]] }
    }

    /// Hillstrom e-mail data, spend after and history before, in cents: no e-mail, men's, women's.
    fn spend() -> [Joint<2>; 3] {
        [
            joint(21306, [1_390_833, 513_224_581], [28_700_503_621, 25_971_724_145_563], 42_679_338_399),
            joint(21307, [3_031_169, 517_410_518], [67_590_244_973, 27_006_876_192_752], 98_575_262_586),
            joint(21387, [2_303_811, 518_713_098], [49_114_465_763, 26_523_269_785_210], 75_130_961_923),
        ]
    }

    /// The same for visits and recency.
    fn visits() -> [Joint<2>; 3] {
        [
            joint(21306, [2_262, 122_503], [2_262, 964_971], 11_098),
            joint(21307, [3_894, 123_019], [3_894, 973_261], 20_165),
            joint(21387, [3_238, 123_357], [3_238, 975_281], 16_942),
        ]
    }

    #[test]
    fn differences_match_gbstats() {
        // gbstats 0.8.0, RegressionAdjustedStatistic with compute_theta, absolute: θ, difference, standard
        // error, variances of control and variant.
        for (control, treatment, per_unit, theta, difference, error, variances) in [
            (
                spend()[0],
                spend()[1],
                CENTS,
                0.0012228965198244435,
                0.7674384994278023,
                0.14521504219411455,
                [134.27655236130997, 315.02655782188685],
            ),
            (
                spend()[0],
                spend()[2],
                CENTS,
                0.0010346512935862045,
                0.42270092315649777,
                0.13030821906506287,
                [134.26562267170198, 228.38015437712087],
            ),
            (
                visits()[0],
                visits()[1],
                [1, 1],
                -0.008032294927055194,
                0.07678191738208973,
                0.003374777753530527,
                [0.09425091785980085, 0.14841274240071795],
            ),
            (
                visits()[0],
                visits()[2],
                [1, 1],
                -0.006928622902192086,
                0.04535889370340379,
                0.003225865433274119,
                [0.09424659555917574, 0.1279526689059341],
            ),
        ] {
            let cuped = adjust(&control, &treatment, per_unit).unwrap();
            assert_close(cuped.theta, theta, 1e-11);
            assert_close(cuped.difference.value, difference, 1e-12);
            assert_close(cuped.difference.standard_error, error, 1e-12);
            assert_close(cuped.control.variance, variances[0], 1e-12);
            assert_close(cuped.treatment.variance, variances[1], 1e-12);
            assert_close(cuped.treatment.mean - cuped.control.mean, difference, 1e-12);
        }
        let cuped = adjust(&spend()[0], &spend()[1], CENTS).unwrap();
        assert_close(cuped.difference.p_value(), 1.265314466536438e-07, 1e-8);
        let interval = cuped.difference.interval(0.05);
        assert_close(interval.low, 0.4828128537957847, 1e-12);
        assert_close(interval.high, 1.0520641450598198, 1e-12);
        // The published variances give the reduction.
        let [adjusted, unadjusted] = [
            134.27655236130997 / 21306.0 + 315.02655782188685 / 21307.0,
            134.28637185302165 / 21306.0 + 315.21179886555484 / 21307.0,
        ];
        assert_near(cuped.variance_reduction, 1.0 - adjusted / unadjusted, 1e-12);
    }

    /// The lift is that of `gbstats`; its error is not (see the head of this file), and differs by 2 %.
    #[test]
    fn lifts_match_gbstats_but_for_their_error() {
        let cuped = adjust(&spend()[0], &spend()[1], CENTS).unwrap();
        let lift = cuped.lift.unwrap();
        assert_close(lift.estimate.value, 1.17562961684176, 1e-12);
        assert_close(lift.estimate.standard_error, 0.32393748117290744, 0.02);
        assert!(lift.approximate);
        let cuped = adjust(&visits()[0], &visits()[1], [1, 1]).unwrap();
        let lift = cuped.lift.unwrap();
        assert_close(lift.estimate.value, 0.723216415447747, 1e-12);
        assert_close(lift.estimate.standard_error, 0.04220117838034256, 0.02);
        assert!(!lift.approximate);
    }

    #[test]
    fn undefined_is_a_reason() {
        let of = |values: &[[i64; 2]]| {
            let mut joint = Joint::default();
            values.iter().for_each(|values| joint.add(*values));
            joint
        };
        let fine = of(&[[1, 2], [3, 3], [2, 7]]);
        assert_eq!(adjust(&fine, &of(&[[1, 5]]), [1, 1]), Err(Reason::TooFew));
        assert_eq!(adjust(&fine, &of(&[[1, 5], [2, 5]]), [1, 1]), Err(Reason::ZeroPreVariance));
        assert_eq!(adjust(&fine, &of(&[[4, 5], [4, 6]]), [1, 1]), Err(Reason::ZeroVariance));
        // What comes after is what was before: nothing is left.
        let same = of(&[[30, 10], [60, 20], [33, 11]]);
        assert_eq!(adjust(&same, &same, [7, 3]), Err(Reason::ZeroVariance));
        let zero = adjust(&of(&[[-1, 1], [1, 2], [0, 9]]), &fine, [1, 1]).unwrap();
        assert_eq!(zero.lift, Err(Reason::ZeroControlMean));
        let large = of(&[[i64::MAX, 1], [i64::MAX, 2], [i64::MIN, 3]]);
        assert_eq!(adjust(&large, &fine, [1, 1]), Err(Reason::Overflow));
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn variance(values: &[f64]) -> f64 {
        let center = mean(values);
        values.iter().map(|x| (x - center).powi(2)).sum::<f64>() / (values.len() - 1) as f64
    }

    proptest! {
        /// Customer by customer: subtract, then compare; the lift by what each customer moves it
        /// (infinitesimal jackknife).
        #[test]
        fn agrees_with_adjusting_each_customer(
            control in prop::collection::vec((1_i64..500, 0_i64..500, 0_i64..3), 5..40),
            treatment in prop::collection::vec((1_i64..500, 0_i64..500, 0_i64..3), 5..40),
        ) {
            // What was before has some part in what comes after.
            let values = |arm: &[(i64, i64, i64)]| -> Vec<[i64; 2]> {
                arm.iter().map(|(noise, pre, slope)| [noise + slope * pre, *pre]).collect()
            };
            let (control, treatment) = (values(&control), values(&treatment));
            let sums = |arm: &[[i64; 2]]| {
                let mut joint = Joint::default();
                arm.iter().for_each(|values| joint.add(*values));
                joint
            };
            let units = |arm: &[[i64; 2]]| -> Vec<[f64; 2]> {
                arm.iter().map(|v| [v[0] as f64 / 100.0, v[1] as f64 / 10.0]).collect()
            };
            let (c, t) = (units(&control), units(&treatment));
            let all: Vec<[f64; 2]> = c.iter().chain(&t).copied().collect();
            let column = |arm: &[[f64; 2]], i: usize| arm.iter().map(|v| v[i]).collect::<Vec<_>>();
            let pre = column(&all, 1);
            prop_assume!(variance(&column(&c, 1)) > 0.0 && variance(&column(&t, 1)) > 0.0);
            let (center_x, center_p) = (mean(&column(&all, 0)), mean(&pre));
            let scatter: f64 = all.iter().map(|v| (v[0] - center_x) * (v[1] - center_p)).sum();
            let theta = scatter / (variance(&pre) * (all.len() - 1) as f64);
            let adjusted = |arm: &[[f64; 2]]| arm.iter().map(|v| v[0] - theta * (v[1] - center_p)).collect::<Vec<_>>();
            let (ac, at) = (adjusted(&c), adjusted(&t));
            let cuped = adjust(&sums(&control), &sums(&treatment), [100, 10]).unwrap();
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (a.abs() + b.abs() + 1e-3);
            prop_assert!(close(cuped.theta, theta));
            let delta = mean(&at) - mean(&ac);
            prop_assert!(close(cuped.difference.value, delta));
            let error = variance(&ac) / ac.len() as f64 + variance(&at) / at.len() as f64;
            prop_assert!(close(cuped.difference.standard_error, error.sqrt()));
            let x = column(&c, 0);
            let unadjusted = variance(&x) / x.len() as f64 + variance(&column(&t, 0)) / t.len() as f64;
            prop_assert!(close(cuped.variance_reduction, 1.0 - error / unadjusted));
            let base = mean(&x);
            let moves_c: Vec<f64> = ac.iter().zip(&x).map(|(a, x)| -(a + delta / base * x) / base).collect();
            let moves_t: Vec<f64> = at.iter().map(|a| a / base).collect();
            let lift = cuped.lift.unwrap().estimate;
            prop_assert!(close(lift.value, delta / base));
            let error = variance(&moves_c) / x.len() as f64 + variance(&moves_t) / t.len() as f64;
            prop_assert!(close(lift.standard_error, error.sqrt()));
        }
    }
}
