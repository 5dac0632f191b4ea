//! Amounts of a file as whole numbers of a small unit.

/// Why an amount is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Misfit {
    /// It is negative, infinite or no number.
    NoAmount,
    /// It has more decimals than the unit.
    TooFine,
    /// It leaves the range of 64 bits.
    TooLarge,
}

/// How many units of `10^-digits` an amount is, if it is a whole number of them and not negative.
pub(super) fn units(amount: f64, digits: u32) -> Result<i64, Misfit> {
    if !amount.is_finite() || amount < 0.0 {
        return Err(Misfit::NoAmount);
    }
    // The shortest decimal that reads back as the same float is what stands in the file.
    let shown = format!("{amount}");
    let (whole, fraction) = shown.split_once('.').unwrap_or((&shown, ""));
    let digits = digits as usize;
    if fraction.len() > digits {
        return Err(Misfit::TooFine);
    }
    format!("{whole}{fraction:0<digits$}").parse().map_err(|_| Misfit::TooLarge)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_what_stands_in_the_file() {
        for (amount, digits, expected) in [
            (19.99, 2, Ok(1999)),
            (0.000_001, 6, Ok(1)),
            (2.0, 0, Ok(2)),
            (0.0, 6, Ok(0)),
            (2.5, 0, Err(Misfit::TooFine)),
            (0.1 + 0.7, 6, Err(Misfit::TooFine)),
            (-1.0, 2, Err(Misfit::NoAmount)),
            (f64::NAN, 2, Err(Misfit::NoAmount)),
            (f64::INFINITY, 2, Err(Misfit::NoAmount)),
            (1e14, 6, Err(Misfit::TooLarge)),
            (1e300, 0, Err(Misfit::TooLarge)),
        ] {
            assert_eq!(units(amount, digits), expected, "{amount} with {digits} decimals");
        }
    }
}
