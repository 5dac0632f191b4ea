//! Credit and money as people write them, from whole units.

use serde::Serialize;

use crate::attribution::allocate::MILLIONTHS;
use crate::config::plan::Currency;

/// Credit and value in the units that are added up, and in those of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Given {
    /// Millionths of a conversion.
    pub credit_millionths: i128,
    /// Millionths of a minor unit.
    pub value_minor_millionths: i128,
    /// Conversions.
    pub credit: f64,
    /// Units of the currency; None: the target has no value.
    pub value: Option<f64>,
}

impl Given {
    /// Of exact units; `currency` where the target has a value.
    pub(super) fn new(
        credit_millionths: i128,
        value_minor_millionths: i128,
        currency: Option<&Currency>,
    ) -> Self {
        let unit = |currency: &Currency| currency.minor_per_unit() as f64 * MILLIONTHS as f64;
        Self {
            credit_millionths,
            value_minor_millionths,
            credit: credit_millionths as f64 / MILLIONTHS as f64,
            value: currency.map(|currency| value_minor_millionths as f64 / unit(currency)),
        }
    }
}

/// A number of `1/scale` parts with all their digits: `12.50` of 1250 hundredths.
pub(super) fn decimal(parts: i128, digits: u32) -> String {
    let scale = 10_u128.pow(digits);
    let (whole, rest) = (parts.unsigned_abs() / scale, parts.unsigned_abs() % scale);
    let sign = if parts < 0 { "-" } else { "" };
    match digits {
        0 => format!("{sign}{whole}"),
        digits => format!("{sign}{whole}.{rest:0width$}", width = digits as usize),
    }
}

/// Credit with its six digits.
pub(super) fn credit_text(millionths: i128) -> String {
    decimal(millionths, 6)
}

/// Money with the digits of its currency and the six beyond them that are there.
pub(super) fn value_text(minor_millionths: i128, currency: &Currency) -> String {
    let text = decimal(minor_millionths, currency.minor_digits + 6);
    let zeros = text.len() - text.trim_end_matches('0').len();
    let text = &text[..text.len() - zeros.min(6)];
    text.trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_digits_that_are_there_are_shown() {
        let currency = |minor_digits| Currency { code: "EUR".to_owned(), minor_digits };
        for (minor_millionths, digits, text) in [
            (3_000_000_000, 2, "30.00"),
            (1_250_000_000, 2, "12.50"),
            (333_333_000, 2, "3.33333"),
            (-5_000_000, 2, "-0.05"),
            (7_000_000, 0, "7"),
            (7_500_000, 0, "7.5"),
            (0, 3, "0.000"),
        ] {
            assert_eq!(value_text(minor_millionths, &currency(digits)), text);
        }
        assert_eq!(credit_text(333_333), "0.333333");
        assert_eq!(credit_text(-1_000_000), "-1.000000");
    }
}
