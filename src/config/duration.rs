//! Durations: `30d`, `12h`, `90m`, `45s`, `250ms`.

use super::diagnostic::Complaint;
use super::plan::DAY_US;

/// Microseconds of each unit; a day is 24 hours.
const UNITS: [(&str, i64); 5] =
    [("ms", 1_000), ("d", DAY_US), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000)];

/// Longer ones are mistakes, and would leave the range of timestamps.
const MAX_DAYS: i64 = 36_500;

/// Microseconds of a duration, which is more than zero.
pub(super) fn parse(text: &str) -> Result<i64, Complaint> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let Some((_, unit_us)) = UNITS.iter().find(|(name, _)| *name == unit).filter(|_| !number.is_empty())
    else {
        return Err(Complaint::new(format!("`{text}` is not a duration"), correction(text)));
    };
    let us = number.parse().ok().and_then(|number: i64| number.checked_mul(*unit_us));
    match us {
        Some(0) => Err(Complaint::new(
            format!("a duration of `{text}` is empty"),
            "write more than zero, such as `7d`, or leave the key out",
        )),
        Some(us) if us <= MAX_DAYS * DAY_US => Ok(us),
        _ => Err(Complaint::new(
            format!("a duration of `{text}` is too long"),
            format!("write at most `{MAX_DAYS}d`"),
        )),
    }
}

/// What was probably meant.
fn correction(text: &str) -> String {
    let forms = "write a whole number and a unit: `30d`, `12h`, `90m`, `45s` or `250ms`";
    let compact: String = text.to_lowercase().split_whitespace().collect();
    let digits = compact.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(compact.len());
    let (number, unit) = compact.split_at(digits);
    let (number, unit) = match (number.parse::<u32>(), unit) {
        (Ok(number), "" | "d" | "day" | "days") => (u64::from(number), "d"),
        (Ok(number), "w" | "week" | "weeks") => (u64::from(number) * 7, "d"),
        (Ok(number), "h" | "hour" | "hours" | "hr" | "hrs") => (u64::from(number), "h"),
        (Ok(number), "m" | "min" | "mins" | "minute" | "minutes") => (u64::from(number), "m"),
        (Ok(number), "s" | "sec" | "secs" | "second" | "seconds") => (u64::from(number), "s"),
        (Ok(number), "ms" | "millis") => (u64::from(number), "ms"),
        _ => return forms.to_owned(),
    };
    format!("did you mean `{number}{unit}`? {forms}")
}

/// A duration in the largest unit that divides it, as the configuration writes it: `30d`.
pub fn format(us: i64) -> String {
    let divides = |(_, unit_us): &&(&str, i64)| us % unit_us == 0;
    match UNITS[1..].iter().chain(&UNITS[..1]).find(divides) {
        Some((name, unit_us)) => format!("{}{name}", us / unit_us),
        None => format!("{us}µs"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_days_hours_minutes_seconds_and_milliseconds() {
        assert_eq!(parse("30d"), Ok(30 * DAY_US));
        assert_eq!(parse("12h"), Ok(DAY_US / 2));
        assert_eq!(parse("90m"), Ok(5_400_000_000));
        assert_eq!(parse("45s"), Ok(45_000_000));
        assert_eq!(parse("250ms"), Ok(250_000));
    }

    #[test]
    fn a_wrong_duration_is_corrected() {
        for (text, meant) in
            [("30", "`30d`"), ("2w", "`14d`"), ("30 days", "`30d`"), ("12H", "`12h`"), ("5min", "`5m`")]
        {
            let complaint = parse(text).expect_err(text);
            assert!(
                complaint.hint.starts_with(&format!("did you mean {meant}?")),
                "{text}: {}",
                complaint.hint
            );
        }
        for text in ["", "d", "-3d", "1.5h", "x", "3y", "９d"] {
            assert!(parse(text).expect_err(text).hint.starts_with("write a whole number"), "{text}");
        }
    }

    #[test]
    fn zero_and_centuries_are_refused() {
        assert!(parse("0d").expect_err("zero").message.contains("empty"));
        for text in ["36501d", "9223372036854775807d", "99999999999999999999s"] {
            assert!(parse(text).expect_err(text).message.contains("too long"), "{text}");
        }
        assert_eq!(parse("36500d"), Ok(36_500 * DAY_US));
    }

    #[test]
    fn formats_in_the_largest_unit_that_divides() {
        for text in ["30d", "12h", "90m", "45s", "250ms"] {
            assert_eq!(format(parse(text).expect(text)), text);
        }
        assert_eq!(format(48 * 3_600_000_000), "2d");
    }
}
