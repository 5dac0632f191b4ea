//! Ratios of two sums per customer: revenue per order, clicks per session.
//!
//! The customer is what was randomised, so R = Σnum/Σden is a ratio of two means, and its variance comes
//! from the delta method with the covariance of the two (Deng, Knoblich & Lu 2018, KDD): that of the
//! mean of (N − R·D)/D̄ over customers.
//!
//! CUPED takes (N − R·D)/D̄ of the experiment and of before, each with its own R and D̄ (Deng, Xu, Kohavi &
//! Walker 2013). All of it follows from the sums, squares and products of the four figures.

use super::{
    cuped::{self, Adjustable, Cuped, sum_of_variances},
    joint::Joint,
    reason::Reason,
    welch::Arm,
};

/// A ratio of two of the figures of a [`Joint`], linearised: (x_num − R·x_den)/D̄, without its mean, zero.
#[derive(Debug, Clone, Copy)]
struct Linear {
    numerator: usize,
    denominator: usize,
    ratio: f64,
    /// D̄.
    mean: f64,
}

impl Linear {
    fn new<const K: usize>(joint: &Joint<K>, at: [usize; 2], per_unit: &[i64; K]) -> Result<Linear, Reason> {
        let [numerator, denominator] = at;
        if joint.n < 2 {
            return Err(Reason::TooFew);
        }
        if joint.sums[denominator] == 0 {
            return Err(Reason::ZeroDenominator);
        }
        let mean = |i: usize| joint.mean(i, per_unit[i]).ok_or(Reason::TooFew);
        let (above, below) = (mean(numerator)?, mean(denominator)?);
        Ok(Linear { numerator, denominator, ratio: above / below, mean: below })
    }

    /// Variance of one customer's share.
    fn variance<const K: usize>(&self, joint: &Joint<K>, per_unit: &[i64; K]) -> Result<f64, Reason> {
        let (num, den, r) = (self.numerator, self.denominator, self.ratio);
        let of = |i: usize, j: usize| joint.covariance(i, j, [per_unit[i], per_unit[j]]);
        let terms = [of(num, num)?, -2.0 * r * of(num, den)?, r * r * of(den, den)?];
        Ok(sum_of_variances(terms) / (self.mean * self.mean))
    }

    /// Covariance of one customer's shares in two ratios.
    fn covariance<const K: usize>(
        &self,
        other: &Linear,
        joint: &Joint<K>,
        per_unit: &[i64; K],
    ) -> Result<f64, Reason> {
        let of = |i: usize, j: usize| joint.covariance(i, j, [per_unit[i], per_unit[j]]);
        let products = of(self.numerator, other.numerator)?
            - other.ratio * of(self.numerator, other.denominator)?
            - self.ratio * of(self.denominator, other.numerator)?
            + self.ratio * other.ratio * of(self.denominator, other.denominator)?;
        Ok(products / (self.mean * other.mean))
    }
}

/// Returns the arm of a ratio metric: figure 0 over figure 1, each with its integer units per unit. Its mean
/// is the ratio of the sums, its variance that of one customer's share in it.
///
/// # Errors
/// [`Reason::TooFew`] below two customers, [`Reason::ZeroDenominator`] where the denominators sum to zero,
/// [`Reason::Overflow`] as in [`Joint::covariance`].
pub fn arm(joint: &Joint<2>, per_unit: [i64; 2]) -> Result<Arm, Reason> {
    let linear = Linear::new(joint, [0, 1], &per_unit)?;
    Ok(Arm { n: joint.n, mean: linear.ratio, variance: linear.variance(joint, &per_unit)? })
}

/// Compares two ratios, adjusted by CUPED: figures 0 and 1 are numerator and denominator of the experiment,
/// 2 and 3 the same of before (zero for who wasn't there), each with its integer units per unit.
///
/// # Errors
/// As [`arm`] and [`cuped::adjust`]; [`Reason::ZeroPreVariance`] also where the denominators of before sum
/// to zero.
pub fn adjust(control: &Joint<4>, treatment: &Joint<4>, per_unit: [i64; 4]) -> Result<Cuped, Reason> {
    let mut pair = *control;
    pair.merge(treatment);
    let (now, before) = linear(&pair, &per_unit)?;
    let theta = (now.covariance(&before, &pair, &per_unit)?, before.variance(&pair, &per_unit)?);
    cuped::compare([adjustable(control, &per_unit)?, adjustable(treatment, &per_unit)?], theta)
}

/// The ratio of the experiment and that of before.
fn linear(joint: &Joint<4>, per_unit: &[i64; 4]) -> Result<(Linear, Linear), Reason> {
    let now = Linear::new(joint, [0, 1], per_unit)?;
    let before = Linear::new(joint, [2, 3], per_unit).map_err(|reason| match reason {
        Reason::ZeroDenominator => Reason::ZeroPreVariance,
        other => other,
    })?;
    Ok((now, before))
}

fn adjustable(joint: &Joint<4>, per_unit: &[i64; 4]) -> Result<Adjustable, Reason> {
    let (now, before) = linear(joint, per_unit)?;
    Ok(Adjustable {
        n: joint.n,
        mean: now.ratio,
        variance: now.variance(joint, per_unit)?,
        pre_mean: before.ratio,
        pre_variance: before.variance(joint, per_unit)?,
        covariance: now.covariance(&before, joint, per_unit)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::{assert_close, assert_near};
    use crate::stats::welch;
    use proptest::prelude::*;

    fn of<const K: usize>(values: &[[i64; K]]) -> Joint<K> {
        let mut joint = Joint::default();
        values.iter().for_each(|values| joint.add(*values));
        joint
    }

    /// Hillstrom e-mail data: spend in cents, conversions; and before: history in cents, recency.
    fn orders() -> [Joint<4>; 3] {
        let joint = |n, sums, products| Joint { n, sums, products };
        [
            joint(
                21306,
                [1_390_833, 122, 513_224_581, 122_503],
                [
                    [28_700_503_621, 1_390_833, 42_679_338_399, 6_608_774],
                    [0, 122, 3_872_518, 529],
                    [0, 0, 25_971_724_145_563, 2_501_050_918],
                    [0, 0, 0, 964_971],
                ],
            ),
            joint(
                21307,
                [3_031_169, 267, 517_410_518, 123_019],
                [
                    [67_590_244_973, 3_031_169, 98_575_262_586, 15_177_695],
                    [0, 267, 8_634_081, 1_347],
                    [0, 0, 27_006_876_192_752, 2_503_523_425],
                    [0, 0, 0, 973_261],
                ],
            ),
            joint(
                21387,
                [2_303_811, 189, 518_713_098, 123_357],
                [
                    [49_114_465_763, 2_303_811, 75_130_961_923, 11_461_120],
                    [0, 189, 6_046_389, 937],
                    [0, 0, 26_523_269_785_210, 2_507_480_958],
                    [0, 0, 0, 975_281],
                ],
            ),
        ]
    }

    fn spend_per_order(joint: &Joint<4>) -> Arm {
        let [sums, products] = [[joint.sums[0], joint.sums[1]], [joint.products[0][1], joint.products[1][1]]];
        let products = [[joint.products[0][0], products[0]], [0, products[1]]];
        arm(&Joint { n: joint.n, sums, products }, [100, 1]).unwrap()
    }

    #[test]
    fn spend_per_order_matches_gbstats() {
        // gbstats 0.8.0 RatioStatistic, absolute and relative. It takes p(1 − p) for the denominator's
        // variance and n − 1 for the covariance; here both are n − 1, hence the tolerance.
        let [control, men, women] = orders();
        for (treatment, difference, error, p, lift, lift_error) in [
            (
                men,
                -0.47577607908147,
                11.525530542447724,
                0.9670727372285166,
                -0.004173375354765046,
                0.10082484744442896,
            ),
            (
                women,
                7.892056986729116,
                12.048882655176305,
                0.5124693357416363,
                0.06922692748740877,
                0.11009728192973517,
            ),
        ] {
            let (control, treatment) = (spend_per_order(&control), spend_per_order(&treatment));
            let estimate = welch::difference(&control, &treatment).unwrap();
            assert_close(estimate.value, difference, 1e-12);
            assert_close(estimate.standard_error, error, 5e-5);
            assert_close(estimate.p_value(), p, 5e-5);
            let relative = welch::relative_lift(&control, &treatment).unwrap().estimate;
            assert_close(relative.value, lift, 1e-11);
            assert_close(relative.standard_error, lift_error, 5e-5);
        }
    }

    #[test]
    fn adjusted_ratios_match_numpy() {
        // numpy: (N − R·D)/D̄ of each customer and np.cov; θ, difference, standard error, reduction.
        let [control, men, women] = orders();
        for (treatment, theta, difference, error, reduction) in [
            (men, -0.0398706366450702, -0.4692157395960598, 11.525784785208371, 1.0148460434122875e-05),
            (women, -0.0490654456924735, 7.899656811331355, 12.049185712700622, 9.036983180110703e-06),
        ] {
            let cuped = adjust(&control, &treatment, [100, 1, 100, 1]).unwrap();
            assert_close(cuped.theta, theta, 1e-10);
            assert_close(cuped.difference.value, difference, 1e-11);
            assert_close(cuped.difference.standard_error, error, 1e-12);
            assert_near(cuped.variance_reduction, reduction, 1e-13);
        }
    }

    #[test]
    fn undefined_is_a_reason() {
        assert_eq!(arm(&of(&[[1, 1]]), [1, 1]), Err(Reason::TooFew));
        assert_eq!(arm(&of(&[[1, 0], [2, 0]]), [1, 1]), Err(Reason::ZeroDenominator));
        assert_eq!(arm(&of(&[[1, -2], [2, 2]]), [1, 1]), Err(Reason::ZeroDenominator));
        // Every order costs the same: there is no spread, not even that of rounding.
        let same = arm(&of(&[[7, 1], [14, 2], [0, 0], [77, 11]]), [3, 1]).unwrap();
        assert_close(same.mean, 7.0 / 3.0, 1e-15);
        assert_eq!(same.variance, 0.0);
        let fine = of(&[[1, 1, 2, 1], [3, 1, 5, 2], [3, 2, 0, 0]]);
        let new = of(&[[1, 1, 0, 0], [3, 1, 0, 0], [3, 2, 0, 0]]);
        assert_eq!(adjust(&fine, &new, [1; 4]), Err(Reason::ZeroPreVariance));
        assert_eq!(adjust(&fine, &of(&[[1, 0, 1, 1], [2, 0, 1, 2]]), [1; 4]), Err(Reason::ZeroDenominator));
    }

    fn mean(values: &[f64]) -> f64 {
        values.iter().sum::<f64>() / values.len() as f64
    }

    fn covariance(x: &[f64], y: &[f64]) -> f64 {
        let (cx, cy) = (mean(x), mean(y));
        x.iter().zip(y).map(|(x, y)| (x - cx) * (y - cy)).sum::<f64>() / (x.len() - 1) as f64
    }

    /// (N − R·D)/D̄ of each customer, and R.
    fn linearised(values: &[[i64; 4]], num: usize, den: usize, per_unit: [f64; 2]) -> (Vec<f64>, f64) {
        let column = |i: usize, per: f64| values.iter().map(|v| v[i] as f64 / per).collect::<Vec<_>>();
        let (n, d) = (column(num, per_unit[0]), column(den, per_unit[1]));
        let ratio = n.iter().sum::<f64>() / d.iter().sum::<f64>();
        let below = mean(&d);
        (n.iter().zip(&d).map(|(n, d)| (n - ratio * d) / below).collect(), ratio)
    }

    proptest! {
        #[test]
        fn agrees_with_linearising_each_customer(
            control in prop::collection::vec([1_i64..900, 1..9, 1..900, 1..9], 5..40),
            treatment in prop::collection::vec([1_i64..900, 1..9, 1..900, 1..9], 5..40),
        ) {
            let per_unit = [100.0, 1.0, 10.0, 2.0];
            let close = |a: f64, b: f64| (a - b).abs() <= 1e-9 * (a.abs() + b.abs() + 1e-3);
            let all: Vec<[i64; 4]> = control.iter().chain(&treatment).copied().collect();
            let now = |arm: &[[i64; 4]]| linearised(arm, 0, 1, [per_unit[0], per_unit[1]]);
            let before = |arm: &[[i64; 4]]| linearised(arm, 2, 3, [per_unit[2], per_unit[3]]);
            let (y, p) = (now(&all).0, before(&all).0);
            let theta = covariance(&y, &p) / covariance(&p, &p);
            let cuped = adjust(&of(&control), &of(&treatment), [100, 1, 10, 2]).unwrap();
            prop_assert!(close(cuped.theta, theta));
            let parts = [&control, &treatment].map(|arm| {
                let ((y, ratio), (p, pre)) = (now(arm), before(arm));
                let left: Vec<f64> = y.iter().zip(&p).map(|(y, p)| y - theta * p).collect();
                (ratio, pre, covariance(&left, &left) / arm.len() as f64, covariance(&y, &y))
            });
            let [c, t] = parts;
            prop_assert!(close(cuped.difference.value, t.0 - c.0 - theta * (t.1 - c.1)));
            prop_assert!(close(cuped.difference.standard_error, (c.2 + t.2).sqrt()));
            let pairs: Vec<[i64; 2]> = control.iter().map(|v| [v[0], v[1]]).collect();
            let plain = arm(&of(&pairs), [100, 1]).unwrap();
            prop_assert!(close(plain.mean, c.0) && close(plain.variance, c.3));
        }
    }
}
