//! Time decay: a touch weighs half for every half-life of its age.
//!
//! Weights are 2^(−age / half-life). Their ratios don't depend on when the conversion was, so ages are
//! taken from the newest touch: that can't underflow for all touches at once, however old they are.

/// Weights by touch, oldest first, the newest 1. `times_us` are in order.
pub fn weights(times_us: &[i64], half_life_us: i64, weights: &mut Vec<f64>) {
    weights.clear();
    let Some(newest_us) = times_us.last() else { return };
    // libm, not the platform's: another machine must give the same bytes.
    weights.extend(
        times_us.iter().map(|time_us| libm::exp2(-((newest_us - time_us) as f64) / half_life_us as f64)),
    );
}
