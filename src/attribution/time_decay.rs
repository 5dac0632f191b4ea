//! Time decay: a touch weighs half for every half-life of its age.
//!
//! Weights are 2^(−age / half-life). Their ratios don't depend on when the conversion was, so ages are
//! taken from the newest touch: that can't underflow for all touches at once, however old they are. From one
//! touch to the next the weight falls by a factor that depends on the gap alone, so that a journey's gaps
//! are raised to their powers once for all paths that lie in it.

/// The factor from each touch to the one before it, 2^(−gap / half-life); one less than there are touches,
/// whose instants are in order.
pub fn factors(times_us: impl IntoIterator<Item = i64>, half_life_us: i64, factors: &mut Vec<f64>) {
    factors.clear();
    let mut times_us = times_us.into_iter();
    let Some(mut previous_us) = times_us.next() else { return };
    factors.extend(times_us.map(|time_us| {
        let gap_us = time_us - std::mem::replace(&mut previous_us, time_us);
        // libm, not the platform's: another machine must give the same bytes.
        libm::exp2(-(gap_us as f64) / half_life_us as f64)
    }));
}

/// Weights by touch, oldest first, the newest 1, of a path with these factors between its touches.
pub fn weights(factors: &[f64], weights: &mut Vec<f64>) {
    weights.clear();
    weights.resize(factors.len() + 1, 1.0);
    for (index, factor) in factors.iter().enumerate().rev() {
        weights[index] = weights[index + 1] * factor;
    }
}
