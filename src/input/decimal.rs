//! Decimal numbers as they are written, so that a product of two is rounded once and exactly.

use std::fmt;

use arrow::datatypes::i256;

/// Decimals beyond which a number is none that anybody wrote.
const MAX_SCALE: u32 = 38;

/// Digits, and how many of them stand behind the point: 12.3 is 123 with a scale of 1.
///
/// Zeros at the end of a fraction are dropped, so that equal numbers are equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decimal {
    digits: i128,
    scale: u32,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Decimal = Decimal { digits: 0, scale: 0 };
    /// One.
    pub const ONE: Decimal = Decimal { digits: 1, scale: 0 };

    /// Of digits of which so many stand behind the point; a negative scale adds zeros. None: more digits than
    /// are kept.
    pub fn new(mut digits: i128, scale: i64) -> Option<Self> {
        if digits == 0 {
            return Some(Self::ZERO);
        }
        let mut scale = scale;
        while scale > 0 && digits % 10 == 0 {
            digits /= 10;
            scale -= 1;
        }
        if scale < 0 {
            let zeros = u32::try_from(scale.unsigned_abs()).ok()?;
            digits = digits.checked_mul(10_i128.checked_pow(zeros)?)?;
            scale = 0;
        }
        let scale = u32::try_from(scale).ok().filter(|scale| *scale <= MAX_SCALE)?;
        Some(Self { digits, scale })
    }

    /// Of text such as `-12.50` or `1.2e-3`. None where it is no number, or has more digits than are kept.
    pub fn parse(text: &str) -> Option<Self> {
        let (number, exponent) = match text.split_once(['e', 'E']) {
            Some((number, exponent)) => (number, exponent.parse::<i64>().ok()?),
            None => (text, 0),
        };
        let (sign, number) = match number.strip_prefix('-') {
            Some(rest) => (-1, rest),
            None => (1, number),
        };
        let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
        if whole.is_empty() && fraction.is_empty() {
            return None;
        }
        let mut digits = 0_i128;
        for byte in whole.bytes().chain(fraction.trim_end_matches('0').bytes()) {
            let digit = byte.is_ascii_digit().then(|| i128::from(byte - b'0'))?;
            digits = digits.checked_mul(10)?.checked_add(digit)?;
        }
        let decimals = fraction.trim_end_matches('0').len() as i64;
        Self::new(sign * digits, decimals.checked_sub(exponent)?)
    }

    /// Of a float, as the shortest decimal that reads back as the same float. None where it isn't finite, or
    /// so large that it has more digits than are kept; a number below 10⁻²⁰ is zero.
    pub fn of_float(value: f64) -> Option<Self> {
        if !value.is_finite() {
            return None;
        }
        if value.abs() < 1e-20 {
            return Some(Self::ZERO);
        }
        Self::parse(&format!("{value:e}"))
    }

    /// Whether it is zero.
    pub fn is_zero(self) -> bool {
        self.digits == 0
    }

    /// Whether it is more than zero and less than so many powers of ten, with at most so many decimals.
    pub fn is_positive_below(self, power_of_ten: u32, decimals: u32) -> bool {
        let limit = 10_i128.checked_pow(power_of_ten + self.scale);
        self.digits > 0 && self.scale <= decimals && limit.is_some_and(|limit| self.digits < limit)
    }

    /// The product with another number, in units of which so many make a whole one, half to even. None where
    /// it doesn't fit.
    ///
    /// 128 bits hold nearly every product of an amount and a rate, and 256 bits hold the others.
    pub fn product(self, other: Decimal, per_unit: i64) -> Option<i64> {
        let negative = (self.digits < 0) != (other.digits < 0);
        let scale = self.scale + other.scale;
        let (one, two) = (self.digits.unsigned_abs(), other.digits.unsigned_abs());
        let narrow = one
            .checked_mul(two)
            .and_then(|product| product.checked_mul(u128::from(per_unit.unsigned_abs())))
            .zip(10_u128.checked_pow(scale).filter(|divisor| *divisor <= u128::MAX / 4));
        let rounded = match narrow {
            Some((numerator, divisor)) => {
                let (whole, rest) = (numerator / divisor, numerator % divisor);
                let up = rest * 2 > divisor || rest * 2 == divisor && whole & 1 == 1;
                i64::try_from(whole + u128::from(up)).ok()?
            }
            None => wide_product(one, two, per_unit, scale)?,
        };
        Some(if negative { -rounded } else { rounded })
    }
}

/// As [`Decimal::product`], of two numbers without their signs, in 256 bits.
#[cold]
fn wide_product(one: u128, two: u128, per_unit: i64, scale: u32) -> Option<i64> {
    let wide = |number: u128| i256::from_parts(number, 0);
    let numerator = wide(one).checked_mul(wide(two))?.checked_mul(i256::from_i128(i128::from(per_unit)))?;
    let divisor = i256::from_i128(10).checked_pow(scale)?;
    let whole = numerator.checked_div(divisor)?;
    let rest = numerator.checked_rem(divisor)?.checked_mul(i256::from_i128(2))?;
    let whole = whole.to_i128()?;
    let up = rest > divisor || rest == divisor && whole & 1 == 1;
    i64::try_from(whole.checked_add(i128::from(up))?).ok()
}

impl fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.digits < 0 { "-" } else { "" };
        let scale = self.scale as usize;
        let digits = format!("{:0>width$}", self.digits.unsigned_abs(), width = scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - scale);
        let point = if scale > 0 { "." } else { "" };
        write!(formatter, "{sign}{whole}{point}{fraction}")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn decimal(text: &str) -> Decimal {
        Decimal::parse(text).unwrap_or_else(|| panic!("{text}"))
    }

    #[test]
    fn a_number_is_what_is_written() {
        for (text, shown) in [
            ("12.50", "12.5"),
            ("-0.005", "-0.005"),
            (".5", "0.5"),
            ("7.", "7"),
            ("1e3", "1000"),
            ("1.25E-2", "0.0125"),
            ("100", "100"),
            ("0.000", "0"),
            ("-0", "0"),
        ] {
            assert_eq!(decimal(text).to_string(), shown, "{text}");
        }
        assert_eq!(decimal("1.10"), decimal("1.1"));
        for text in ["", ".", "-", "1,5", "1 000", "0x10", "nan", "inf", "1e", "e5", "1e99", "--1", "1e-99"] {
            assert_eq!(Decimal::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_float_is_its_shortest_decimal() {
        assert_eq!(Decimal::of_float(0.1), Some(decimal("0.1")));
        assert_eq!(Decimal::of_float(1.085), Some(decimal("1.085")));
        assert_eq!(Decimal::of_float(-123_456_789.25), Some(decimal("-123456789.25")));
        assert_eq!(Decimal::of_float(1e-300), Some(Decimal::ZERO));
        assert_eq!(Decimal::of_float(1e300), None);
        assert_eq!(Decimal::of_float(f64::NAN), None);
    }

    #[test]
    fn a_product_is_rounded_once_half_to_even() {
        for (amount, rate, minor) in [
            ("10", "0.9215", 922), // 9.215, and 921.5 cents go to the even 922
            ("10", "0.9225", 922), // 9.225
            ("-10", "0.9215", -922),
            ("0.01", "0.5", 0),
            ("0.03", "0.5", 2),
            ("1000000", "0.006123456789", 612_346),
        ] {
            assert_eq!(decimal(amount).product(decimal(rate), 100), Some(minor), "{amount} at {rate}");
        }
        let long = decimal("123456789.1234567890123456789");
        let rate = decimal("1.234567890123456789012345");
        assert_eq!(long.product(rate, 100), Some(15_241_578_767), "beyond 128 bits");
        assert_eq!(decimal("99999999999999999999").product(decimal("99"), 100), None);
    }

    /// The definition in integers that can't overflow: twice the distance to the quotient decides.
    fn by_definition(amount: i64, scale: u32, rate: i64, rate_scale: u32, per_unit: i64) -> Option<i64> {
        let numerator = i128::from(amount) * i128::from(rate) * i128::from(per_unit);
        let divisor = 10_i128.pow(scale + rate_scale);
        let floor = numerator.div_euclid(divisor);
        let rest = numerator.rem_euclid(divisor);
        let up = match (2 * rest).cmp(&divisor) {
            std::cmp::Ordering::Less => false,
            std::cmp::Ordering::Equal => floor % 2 != 0,
            std::cmp::Ordering::Greater => true,
        };
        i64::try_from(floor + i128::from(up)).ok()
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_product_is_the_rational_one_rounded(
            amount in -1_000_000_000_i64..1_000_000_000,
            scale in 0_u32..6,
            rate in 1_i64..10_000_000_000,
            rate_scale in 0_u32..12,
            per_unit in prop::sample::select(vec![1_i64, 100, 1_000, 10_000]),
        ) {
            let one = Decimal::new(i128::from(amount), i64::from(scale)).expect("kept");
            let two = Decimal::new(i128::from(rate), i64::from(rate_scale)).expect("kept");
            let wanted = by_definition(amount, scale, rate, rate_scale, per_unit);
            prop_assert_eq!(one.product(two, per_unit), wanted);
            let wide = wide_product(
                one.digits.unsigned_abs(), two.digits.unsigned_abs(), per_unit, one.scale + two.scale,
            );
            prop_assert_eq!(wide, wanted.map(i64::abs));
        }

        /// Ties, which random numbers hardly ever are.
        #[test]
        fn a_tie_goes_to_the_even_unit(cents in -1_000_000_i128..1_000_000, rate_scale in 0_i64..8) {
            let tie = Decimal::new(cents * 10 + 5, 3).expect("kept");
            let rate = Decimal::new(10_i128.pow(rate_scale as u32), rate_scale).expect("kept");
            let even = if cents % 2 == 0 { cents } else { cents + 1 };
            prop_assert_eq!(tie.product(rate, 100), Some(even as i64));
        }

        #[test]
        fn a_float_reads_back(value in prop::num::f64::NORMAL.prop_filter("money", |value| {
            (1e-15..1e15).contains(&value.abs())
        })) {
            let decimal = Decimal::of_float(value).expect("kept");
            prop_assert_eq!(decimal.to_string().parse::<f64>(), Ok(value));
        }
    }
}
