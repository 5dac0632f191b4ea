//! Products of sums, and their differences, in 256 bits: where floating point would lose every digit.

use std::cmp::Ordering;

/// An unsigned 256-bit integer: just enough to multiply, add and subtract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Wide {
    high: u128,
    low: u128,
}

impl Wide {
    /// Schoolbook multiplication by 64-bit halves.
    pub(super) fn product(a: u128, b: u128) -> Wide {
        const MASK: u128 = u64::MAX as u128;
        let (a_high, a_low) = (a >> 64, a & MASK);
        let (b_high, b_low) = (b >> 64, b & MASK);
        let low = a_low * b_low;
        let (cross, carried) = (a_low * b_high).overflowing_add(a_high * b_low);
        let (low, carry) = low.overflowing_add(cross << 64);
        let high = a_high * b_high + (cross >> 64) + (u128::from(carried) << 64) + u128::from(carry);
        Wide { high, low }
    }

    pub(super) fn minus(self, other: Wide) -> Option<Wide> {
        let (low, borrow) = self.low.overflowing_sub(other.low);
        let high = self.high.checked_sub(other.high)?.checked_sub(u128::from(borrow))?;
        Some(Wide { high, low })
    }

    fn plus(self, other: Wide) -> Option<Wide> {
        let (low, carry) = self.low.overflowing_add(other.low);
        let high = self.high.checked_add(other.high)?.checked_add(u128::from(carry))?;
        Some(Wide { high, low })
    }

    pub(super) fn to_f64(self) -> f64 {
        const TWO_TO_128: f64 = 340_282_366_920_938_463_463_374_607_431_768_211_456.0;
        self.high as f64 * TWO_TO_128 + self.low as f64
    }
}

/// Returns `a·b − c·d`, exact until it is rounded once to a double. `None` beyond 256 bits, which takes two
/// products of about 2²⁵⁵ and opposite signs.
pub(super) fn difference_of_products(a: i128, b: i128, c: i128, d: i128) -> Option<f64> {
    let first = Wide::product(a.unsigned_abs(), b.unsigned_abs());
    let second = Wide::product(c.unsigned_abs(), d.unsigned_abs());
    let (first_sign, second_sign) = (a.signum() * b.signum(), c.signum() * d.signum());
    let sign = |sign: i128| if sign < 0 { -1.0 } else { 1.0 };
    if first_sign * second_sign < 0 {
        return Some(sign(first_sign) * first.plus(second)?.to_f64());
    }
    // Of one sign, or one of them zero.
    let magnitude = match first.cmp(&second) {
        Ordering::Less => -second.minus(first)?.to_f64(),
        _ => first.minus(second)?.to_f64(),
    };
    Some(sign(if first_sign == 0 { second_sign } else { first_sign }) * magnitude)
}

/// Returns `sum / n − other_sum / other_n` of integers of which so many are one unit, exact until it is divided once: a
/// difference of cents prints as one. `None` where a mean isn't defined.
pub fn difference_of_means(
    (sum, n): (i128, u64),
    (other_sum, other_n): (i128, u64),
    per_unit: i64,
) -> Option<f64> {
    let both = u128::from(n) * u128::from(other_n);
    let difference = difference_of_products(sum, i128::from(other_n), other_sum, i128::from(n))?;
    (both > 0).then(|| difference / (both as f64 * per_unit as f64))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn wide_products() {
        assert_eq!(Wide::product(u128::MAX, u128::MAX), Wide { high: u128::MAX - 1, low: 1 });
        assert_eq!(Wide::product(1 << 127, 2), Wide { high: 1, low: 0 });
        assert_eq!(
            Wide { high: 1, low: 0 }.minus(Wide { high: 0, low: 1 }),
            Some(Wide { high: 0, low: u128::MAX })
        );
        assert_eq!(
            Wide { high: 0, low: u128::MAX }.plus(Wide { high: 0, low: 1 }),
            Some(Wide { high: 1, low: 0 })
        );
        assert_eq!(Wide { high: 0, low: 0 }.minus(Wide { high: 0, low: 1 }), None);
        assert_eq!(Wide { high: u128::MAX, low: 1 }.plus(Wide { high: 0, low: u128::MAX }), None);
    }

    #[test]
    fn differences_keep_their_last_unit_and_their_sign() {
        let big = i128::MAX;
        assert_eq!(difference_of_products(big, big, big, big), Some(0.0));
        assert_eq!(difference_of_products(big, big, big, big - 1), Some(big as f64));
        assert_eq!(difference_of_products(big, big - 1, big, big), Some(-(big as f64)));
        assert_eq!(difference_of_products(1 << 126, 4, (1 << 126) + 1, 4), Some(-4.0));
        assert_eq!(difference_of_products(1 << 126, -4, (1 << 126) + 1, -4), Some(4.0));
        assert_eq!(difference_of_products(0, 5, 3, -7), Some(21.0));
        assert_eq!(difference_of_products(0, 5, 3, 7), Some(-21.0));
        assert_eq!(difference_of_products(3, 7, 0, 5), Some(21.0));
        assert_eq!(difference_of_products(i128::MIN, 1, 0, 0), Some(i128::MIN as f64));
    }

    #[test]
    fn a_difference_of_means_is_rounded_once() {
        assert_eq!(difference_of_means((4_242, 1), (3_250, 1), 100), Some(9.92), "42.42 − 32.5 is not");
        assert_eq!(difference_of_means((1, 10), (3, 10), 1), Some(-0.2), "0.1 − 0.3 is not");
        assert_eq!(difference_of_means((1, 3), (1, 3), 1), Some(0.0));
        assert_eq!(difference_of_means((1, 0), (1, 3), 1), None);
        assert_eq!(difference_of_means((i128::MAX, u64::MAX), (i128::MAX, u64::MAX), 1), Some(0.0));
    }

    proptest! {
        #[test]
        fn small_differences_are_those_of_plain_integers(a in any::<i32>(), b in any::<i32>(), c in any::<i32>(), d in any::<i32>()) {
            let [a, b, c, d] = [a, b, c, d].map(i128::from);
            prop_assert_eq!(difference_of_products(a, b, c, d), Some((a * b - c * d) as f64));
        }
    }
}
