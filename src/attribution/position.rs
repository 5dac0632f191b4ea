//! Position-based credit: fixed shares to the first and the last touch, the rest equally between.
//!
//! One touch takes all; two share in the ratio of first to last (Adobe, Snowplow and Mixpanel agree on
//! both cases).

/// Weights by touch, oldest first; they sum to 1.
pub fn weights(touches: usize, first: f64, last: f64, weights: &mut Vec<f64>) {
    weights.clear();
    match touches {
        0 => {}
        1 => weights.push(1.0),
        2 => weights.extend([first / (first + last), last / (first + last)]),
        _ => {
            let middle = (1.0 - first - last) / (touches - 2) as f64;
            weights.push(first);
            weights.extend(std::iter::repeat_n(middle, touches - 2));
            weights.push(last);
        }
    }
}
