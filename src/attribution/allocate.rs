//! Whole units shared by weight: largest remainders (Hamilton's method).
//!
//! Floor every quota, then hand the units that are left to the largest remainders, ties to the earlier
//! share. The parts add up to the whole, always.

use std::cmp::Ordering;

/// Units of one conversion.
pub const MILLIONTHS: i64 = 1_000_000;

/// Shares `total ≥ 0` units by `weights ≥ 0` into `parts`.
///
/// Weights need not sum to 1. Where all are 0 they count as equal. Nothing is allocated over no weights.
pub fn by_weights(weights: &[f64], total: i64, parts: &mut Vec<i64>) {
    parts.clear();
    if weights.is_empty() {
        return;
    }
    let sum: f64 = weights.iter().sum();
    if sum.is_nan() || sum <= 0.0 {
        equally(weights.len(), total, parts);
        return;
    }
    let mut short = [0.0; SHORT];
    let mut long = Vec::new();
    let remainders = match short.get_mut(..weights.len()) {
        Some(remainders) => remainders,
        None => {
            long.resize(weights.len(), 0.0);
            &mut long[..]
        }
    };
    let mut left = total;
    parts.extend(weights.iter().zip(&mut *remainders).map(|(weight, remainder)| {
        let quota = weight / sum * total as f64;
        // Quotas aren't negative, so that cutting off their fraction is their floor.
        let floor = quota as i64;
        *remainder = quota - floor as f64;
        left -= floor;
        floor
    }));
    if !(0..weights.len() as i64).contains(&left) {
        hand_out_any(remainders, left, parts);
    } else if weights.len() <= SHORT {
        hand_out_few(remainders, left, parts);
    } else {
        hand_out(remainders, left as usize, parts);
    }
}

/// Up to so many parts the largest remainder is looked for again for every unit.
const SHORT: usize = 32;

/// Gives one unit each to the `left` largest remainders, ties to the earlier.
fn hand_out_few(remainders: &mut [f64], left: i64, parts: &mut [i64]) {
    for _ in 0..left {
        let mut largest = 0;
        for index in 1..remainders.len() {
            if remainders[index] > remainders[largest] {
                largest = index;
            }
        }
        parts[largest] += 1;
        remainders[largest] = -1.0;
    }
}

/// The same for many parts: what matters is which are the largest, not their order.
fn hand_out(remainders: &[f64], left: usize, parts: &mut [i64]) {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    if left > 0 {
        order.select_nth_unstable_by(left - 1, |one, other| by_remainder(remainders, *one, *other));
    }
    order[..left].iter().for_each(|index| parts[*index] += 1);
}

/// The same for any number of units left, also fewer than none. Quotas are rounded, so that in a rare case
/// the floors sum to more than the whole: then units are taken back from the smallest remainders.
#[cold]
fn hand_out_any(remainders: &[f64], mut left: i64, parts: &mut [i64]) {
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_unstable_by(|one, other| by_remainder(remainders, *one, *other));
    while left < 0 {
        for index in order.iter().rev() {
            if left < 0 && parts[*index] > 0 {
                parts[*index] -= 1;
                left += 1;
            }
        }
    }
    for index in order.iter().cycle().take(left as usize) {
        parts[*index] += 1;
    }
}

/// The largest first, ties to the earlier.
fn by_remainder(remainders: &[f64], one: usize, other: usize) -> Ordering {
    remainders[other].partial_cmp(&remainders[one]).unwrap_or(Ordering::Equal).then(one.cmp(&other))
}

/// Shares `total ≥ 0` units equally among `count`, what is left to the earlier ones.
pub fn equally(count: usize, total: i64, parts: &mut Vec<i64>) {
    parts.clear();
    if count == 0 {
        return;
    }
    let base = total / count as i64;
    let left = (total % count as i64) as usize;
    parts.extend((0..count).map(|index| base + i64::from(index < left)));
}

/// Rounds exact parts, given in units of `1/scale`, to whole units that sum to the rounded whole.
///
/// Returns the whole units by part; ties go to the earlier part. Works for negative parts too, as
/// refunds make them: the floor is taken towards minus infinity.
pub fn round_to_whole(parts: &[i128], scale: i128) -> Vec<i128> {
    round_to(parts, scale, round_half_even(parts.iter().sum(), scale))
}

/// As [`round_to_whole`], to whole units that sum to `whole`: the exact sum, rounded up or down.
pub fn round_to(parts: &[i128], scale: i128, whole: i128) -> Vec<i128> {
    let mut rounded: Vec<i128> = parts.iter().map(|part| part.div_euclid(scale)).collect();
    let left = whole - rounded.iter().sum::<i128>();
    let mut order: Vec<usize> = (0..parts.len()).collect();
    order.sort_by_key(|index| (std::cmp::Reverse(parts[*index].rem_euclid(scale)), *index));
    for index in order.into_iter().take(usize::try_from(left).unwrap_or(0)) {
        rounded[index] += 1;
    }
    rounded
}

fn round_half_even(value: i128, scale: i128) -> i128 {
    let floor = value.div_euclid(scale);
    let twice = value.rem_euclid(scale) * 2;
    match twice.cmp(&scale) {
        Ordering::Less => floor,
        Ordering::Greater => floor + 1,
        Ordering::Equal => floor + (floor & 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parts(weights: &[f64], total: i64) -> Vec<i64> {
        let mut parts = Vec::new();
        by_weights(weights, total, &mut parts);
        parts
    }

    #[test]
    fn what_is_left_goes_to_the_largest_remainder_then_to_the_earlier() {
        assert_eq!(parts(&[1.0, 1.0, 1.0], 100), [34, 33, 33]);
        assert_eq!(parts(&[0.5, 0.25, 0.25], 10), [5, 3, 2]);
        assert_eq!(parts(&[0.1, 0.2, 0.7], 9), [1, 2, 6]);
        assert_eq!(parts(&[0.0, 0.0], 3), [2, 1]);
        assert_eq!(parts(&[], 3), [] as [i64; 0]);
        assert_eq!(round_to_whole(&[333_333, 333_333, 333_334], 1_000_000), [0, 0, 1]);
        assert_eq!(round_to_whole(&[1_500_000, 1_500_000], 1_000_000), [2, 1]);
        assert_eq!(round_to_whole(&[-1_500_000, 500_000], 1_000_000), [-1, 0]);
    }

    /// By definition: floors, then units in the order of the remainders.
    fn naive(weights: &[f64], total: i64) -> Vec<i64> {
        let sum: f64 = weights.iter().sum();
        let quotas: Vec<f64> = weights.iter().map(|weight| weight / sum * total as f64).collect();
        let mut parts: Vec<i64> = quotas.iter().map(|quota| quota.floor() as i64).collect();
        let left = total - parts.iter().sum::<i64>();
        let mut order: Vec<usize> = (0..weights.len()).collect();
        order.sort_by(|one, other| (quotas[*other] % 1.0).total_cmp(&(quotas[*one] % 1.0)));
        order.iter().take(left as usize).for_each(|index| parts[*index] += 1);
        parts
    }

    proptest! {
        #[test]
        fn many_and_few_parts_are_shared_alike(
            weights in prop::collection::vec((1..50_u32).prop_map(f64::from), 1..100),
        ) {
            prop_assert_eq!(parts(&weights, 1_000_000), naive(&weights, 1_000_000));
        }

        #[test]
        fn parts_sum_to_the_whole_and_stay_within_one_unit(
            weights in prop::collection::vec(0.0..1.0_f64, 1..40), total in 0..10_000_000_i64,
        ) {
            let sum: f64 = weights.iter().sum();
            let parts = parts(&weights, total);
            prop_assert_eq!(parts.iter().sum::<i64>(), total);
            if sum > 0.0 {
                for (part, weight) in parts.iter().zip(&weights) {
                    prop_assert!((*part as f64 - weight / sum * total as f64).abs() < 1.0 + 1e-6);
                }
            }
        }

        #[test]
        fn rounding_keeps_the_rounded_whole(parts in prop::collection::vec(-10_000_000_000_i128..10_000_000_000, 0..30)) {
            let rounded = round_to_whole(&parts, 1_000_000);
            let total: i128 = parts.iter().sum();
            prop_assert!((rounded.iter().sum::<i128>() * 1_000_000 - total).abs() * 2 <= 1_000_000);
            for (whole, part) in rounded.iter().zip(&parts) {
                prop_assert!((whole * 1_000_000 - part).abs() <= 1_000_000);
            }
        }
    }
}
