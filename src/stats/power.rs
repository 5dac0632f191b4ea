//! Planning: what an experiment can see, and how many customers it takes.
//!
//! - Minimum detectable effect: `(t₁₋α/₂ + z_power) · SE`, relative to the control mean (Bloom 1995).
//! - Customers per arm for a proportion: Fleiss, Levin & Paik 2003, § 4.2, without continuity correction:
//!   `⌈(z_{α/2}√(2p̄q̄) + z_power√(p₁q₁ + p₂q₂))² / δ²⌉`. Evan Miller's calculator takes 2p₁q₁ under the null
//!   and rounds, so it asks for fewer (1,030 against 1,094 in the test below). With r treated customers for
//!   each of the control: `(z_{α/2}√(p̄q̄(1 + 1/r)) + z_power√(p₁q₁ + p₂q₂/r))² / δ²` of the control,
//!   p̄ = (p₁ + r·p₂)/(1 + r) (same, unequal samples).
//! - Customers still needed: so many that the minimum detectable lift is the one sought, the arms growing
//!   in proportion with the variances of today; degrees of freedom grow with the customers.

use super::{
    reason::Reason,
    special,
    welch::{self, Arm},
};

/// Returns the smallest relative lift, as a positive fraction, that an experiment of this size and spread
/// finds with the given power in a two-sided test at `alpha`.
///
/// # Errors
/// As [`welch::difference`], and [`Reason::ZeroControlMean`].
pub fn minimum_detectable_lift(
    control: &Arm,
    treatment: &Arm,
    alpha: f64,
    power: f64,
) -> Result<f64, Reason> {
    let difference = welch::difference(control, treatment)?;
    if control.mean == 0.0 {
        return Err(Reason::ZeroControlMean);
    }
    let t = special::student_t_quantile_upper(alpha / 2.0, difference.degrees_of_freedom);
    let reach = t + special::normal_quantile(power);
    Ok(reach * difference.standard_error / control.mean.abs())
}

/// Returns the customers per arm needed to find a change from `baseline` by `difference` (both fractions)
/// with the given power in a two-sided test at `alpha`. `None` where a rate lies outside 0–1 or the
/// difference is zero.
pub fn customers_per_arm(baseline: f64, difference: f64, alpha: f64, power: f64) -> Option<u64> {
    customers_of_control(baseline, difference, 1.0, alpha, power).map(|customers| customers.ceil() as u64)
}

/// Customers of the control, before rounding up, where each of them comes with so many treated ones.
fn customers_of_control(
    baseline: f64,
    difference: f64,
    treated_per_control: f64,
    alpha: f64,
    power: f64,
) -> Option<f64> {
    let changed = baseline + difference;
    let rates = 0.0..=1.0;
    if !rates.contains(&baseline) || !rates.contains(&changed) || changed == baseline {
        return None;
    }
    let r = treated_per_control;
    let pooled = (baseline + r * changed) / (1.0 + r);
    let under_null = (pooled * (1.0 - pooled) * (1.0 + 1.0 / r)).sqrt();
    let under_change = (baseline * (1.0 - baseline) + changed * (1.0 - changed) / r).sqrt();
    let z_alpha = special::normal_quantile_upper(alpha / 2.0);
    let z_power = special::normal_quantile(power);
    let root = (z_alpha * under_null + z_power * under_change) / difference;
    Some(root * root)
}

/// Beyond so many customers an answer is as good as never.
const MAX_CUSTOMERS: f64 = 9_007_199_254_740_992.0;

/// Returns how many more customers, both arms together and in today's proportion, an experiment takes to
/// find a relative lift of `target_lift` (of either sign) with the given power in a two-sided test at
/// `alpha`; 0 where [`minimum_detectable_lift`] is there already.
///
/// # Errors
/// As [`minimum_detectable_lift`], and [`Reason::Undefined`] for a target of zero, or one that takes more
/// than 2⁵³ customers.
pub fn customers_needed(
    control: &Arm,
    treatment: &Arm,
    target_lift: f64,
    alpha: f64,
    power: f64,
) -> Result<u64, Reason> {
    let target = target_lift.abs();
    if minimum_detectable_lift(control, treatment, alpha, power)? <= target {
        return Ok(0);
    }
    let today = welch::difference(control, treatment)?;
    let n = control.n as f64 + treatment.n as f64;
    let change = target * control.mean.abs();
    let z_power = special::normal_quantile(power);
    let spread = today.standard_error / change;
    // So many customers for a reach of t + z, and that for t at so many customers: it falls as they rise.
    let of_reach = |reach: f64| n * (reach * spread) * (reach * spread);
    let of_customers = |customers: f64| {
        let degrees_of_freedom = today.degrees_of_freedom * (customers / n);
        of_reach(special::student_t_quantile_upper(alpha / 2.0, degrees_of_freedom) + z_power)
    };
    let mut low = of_reach(special::normal_quantile_upper(alpha / 2.0) + z_power).max(n);
    let mut high = of_customers(low).max(low);
    if high.is_nan() || high >= MAX_CUSTOMERS {
        return Err(Reason::Undefined);
    }
    while high - low > 0.01 && high - low > 1e-12 * high {
        let middle = low + (high - low) / 2.0;
        if of_customers(middle) > middle {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(((high - n).ceil() as u64).max(1))
}

/// As [`customers_needed`] for a proportion, whose variance at the lifted rate is known: by the plan of
/// [`customers_per_arm`] for arms of today's proportion. The sign of `target_lift` counts.
///
/// # Errors
/// [`Reason::TooFew`] where an arm is empty, [`Reason::ZeroControlMean`] where nobody of the control
/// succeeded, [`Reason::Undefined`] for a target of zero, one that no rate can reach, or one that takes more
/// than 2⁵³ customers.
pub fn customers_needed_for_proportion(
    control: &Arm,
    treatment: &Arm,
    target_lift: f64,
    alpha: f64,
    power: f64,
) -> Result<u64, Reason> {
    if control.n == 0 || treatment.n == 0 {
        return Err(Reason::TooFew);
    }
    if control.mean == 0.0 {
        return Err(Reason::ZeroControlMean);
    }
    let treated_per_control = treatment.n as f64 / control.n as f64;
    let planned =
        customers_of_control(control.mean, control.mean * target_lift, treated_per_control, alpha, power)
            .filter(|planned| planned * (1.0 + treated_per_control) < MAX_CUSTOMERS)
            .ok_or(Reason::Undefined)?;
    let missing = |planned: f64, arm: &Arm| (planned.ceil() as u64).saturating_sub(arm.n);
    Ok(missing(planned, control) + missing(planned * treated_per_control, treatment))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::assert_close;
    use proptest::prelude::*;

    #[test]
    fn customers_match_the_published_plan() {
        // evanmiller.org/ab-testing/sample-size.html: base 20 %, +5 points, α .05, power .8 gives 1,030 by
        // its form; 1,094 by Fleiss, Levin & Paik.
        assert_eq!(customers_per_arm(0.2, 0.05, 0.05, 0.8), Some(1094));
        let miller = {
            let (z, b) = (special::normal_quantile_upper(0.025), special::normal_quantile(0.8));
            let root = z * (2.0 * 0.2 * 0.8_f64).sqrt() + b * (0.2 * 0.8 + 0.25 * 0.75_f64).sqrt();
            (root * root / 0.0025).round()
        };
        assert_eq!(miller, 1030.0);
        assert_eq!(customers_per_arm(0.2, 0.0, 0.05, 0.8), None);
        assert_eq!(customers_per_arm(0.2, 0.9, 0.05, 0.8), None);
    }

    #[test]
    fn detectable_lift_by_hand() {
        // SE = √(0.16/1000 + 0.16/1000), 1998 degrees of freedom; t and z from mpmath.
        let arm = Arm::of_proportion(200, 1000).unwrap();
        let lift = minimum_detectable_lift(&arm, &arm, 0.05, 0.8).unwrap();
        let t = special::student_t_quantile_upper(0.025, 1998.0);
        assert_close(lift, (t + 0.8416212335729144) * 0.00032_f64.sqrt() / 0.2, 1e-12);
        let zero = Arm { mean: 0.0, ..arm };
        assert_eq!(minimum_detectable_lift(&zero, &arm, 0.05, 0.8), Err(Reason::ZeroControlMean));
    }

    #[test]
    fn customers_needed_are_those_that_are_missing() {
        // The published plan, of which 300 and 500 are there: the larger arm has more to come.
        let arm = |successes, n| Arm::of_proportion(successes, n).unwrap();
        let needed = |control: &Arm, treatment: &Arm, lift| {
            customers_needed_for_proportion(control, treatment, lift, 0.05, 0.8)
        };
        assert_eq!(needed(&arm(100, 500), &arm(99, 500), 0.25), Ok(2 * (1094 - 500)));
        assert_eq!(needed(&arm(400, 2000), &arm(99, 2000), 0.25), Ok(0));
        // Twice as many treated: R, power.prop.test has no unequal arms; by hand from the formula:
        // p̄ = .7/3, (1.959964·√(.178889·1.5) + .841621·√(.16 + .09375))²/.0025 = 827.04 of the control.
        let needed_of_both = needed(&arm(20, 100), &arm(40, 200), 0.25).unwrap() + 300;
        let (z, b) = (1.959963984540054_f64, 0.8416212335729144_f64);
        let p = 0.7 / 3.0_f64;
        let of_control = (z * (p * (1.0 - p) * 1.5).sqrt() + b * 0.25375_f64.sqrt()).powi(2) / 0.0025;
        assert_eq!(needed_of_both, of_control.ceil() as u64 + (2.0 * of_control).ceil() as u64);
        assert_eq!(needed(&arm(300, 500), &arm(9, 500), 0.7), Err(Reason::Undefined));
        assert_eq!(needed(&arm(300, 500), &arm(9, 500), 0.0), Err(Reason::Undefined));
        assert_eq!(needed(&arm(0, 500), &arm(9, 500), 0.1), Err(Reason::ZeroControlMean));
    }

    #[test]
    fn a_reason_where_nothing_can_be_planned() {
        let arm = Arm { n: 10, mean: 1.0, variance: 1.0 };
        let needed = |arm: &Arm, target| customers_needed(arm, arm, target, 0.05, 0.8);
        assert_eq!(needed(&arm, 0.0), Err(Reason::Undefined));
        assert_eq!(needed(&arm, 1e-9), Err(Reason::Undefined));
        assert_eq!(needed(&Arm { mean: 0.0, ..arm }, 0.1), Err(Reason::ZeroControlMean));
        assert_eq!(needed(&Arm { variance: 0.0, ..arm }, 0.1), Err(Reason::ZeroVariance));
        assert_eq!(needed(&arm, 9.0), Ok(0));
    }

    proptest! {
        /// With the customers that were asked for, the lift sought is the smallest that is found; the arms
        /// being whole, but for one customer each.
        #[test]
        fn the_customers_needed_suffice(
            n_c in 2_u64..3_000,
            n_t in 2_u64..3_000,
            mean in 0.1_f64..10.0,
            deviation_c in 0.1_f64..10.0,
            deviation_t in 0.1_f64..10.0,
            target in 0.005_f64..0.5,
        ) {
            let arm = |n, mean, deviation: f64| Arm { n, mean, variance: deviation * deviation };
            let (control, treatment) = (arm(n_c, mean, deviation_c), arm(n_t, 1.1 * mean, deviation_t));
            let needed = customers_needed(&control, &treatment, -target, 0.05, 0.8).unwrap();
            let reached = minimum_detectable_lift(&control, &treatment, 0.05, 0.8).unwrap();
            prop_assert_eq!(needed == 0, reached <= target);
            prop_assume!(needed > 1_000 && n_c.min(n_t) > 20);
            let share = n_c as f64 / (n_c + n_t) as f64;
            let with = |customers: f64| {
                let of = |arm: &Arm, share: f64| Arm { n: arm.n + (customers * share).round() as u64, ..*arm };
                minimum_detectable_lift(&of(&control, share), &of(&treatment, 1.0 - share), 0.05, 0.8).unwrap()
            };
            let slack = 1.0 + 2.0 / (n_c.min(n_t) as f64 + needed as f64 * share.min(1.0 - share));
            prop_assert!(with(needed as f64) <= target * slack);
            prop_assert!(with(0.99 * needed as f64 - 5.0) * slack >= target);
        }
    }
}
