//! Planning: what an experiment can see, and how many customers it takes.
//!
//! - Minimum detectable effect: `(t₁₋α/₂ + z_power) · SE`, relative to the control mean (Bloom 1995).
//! - Customers per arm for a proportion: Fleiss, Levin & Paik 2003, § 4.2, without continuity correction:
//!   `⌈(z_{α/2}√(2p̄q̄) + z_power√(p₁q₁ + p₂q₂))² / δ²⌉`. Evan Miller's calculator takes 2p₁q₁ under the null
//!   and rounds, so it asks for fewer (1,030 against 1,094 in the test below).

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
    let changed = baseline + difference;
    let rates = 0.0..=1.0;
    if !rates.contains(&baseline) || !rates.contains(&changed) || changed == baseline {
        return None;
    }
    let pooled = (baseline + changed) / 2.0;
    let under_null = (2.0 * pooled * (1.0 - pooled)).sqrt();
    let under_change = (baseline * (1.0 - baseline) + changed * (1.0 - changed)).sqrt();
    let z_alpha = special::normal_quantile_upper(alpha / 2.0);
    let z_power = special::normal_quantile(power);
    let root = (z_alpha * under_null + z_power * under_change) / difference;
    Some((root * root).ceil() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::assert_close;

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
}
