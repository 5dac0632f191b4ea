//! Columns of the frames that analyses finish with, and the units they share.

use polars::prelude::{Column, NamedFrom, Series};

use crate::stats::{Histogram, Interval, quantile};

/// Level of the intervals of every table but those of experiments, which have their own.
pub(crate) const ALPHA: f64 = 0.05;

const MS_PER_HOUR: f64 = 3_600_000.0;
const US_PER_MS: i64 = 1_000;

/// A text column; None is null.
pub(crate) fn texts<'r, R>(name: &str, rows: &'r [R], of: impl Fn(&'r R) -> Option<&'r str>) -> Column {
    Series::new(name.into(), rows.iter().map(of).collect::<Vec<_>>()).into()
}

/// An Int64 column of counts; None is null. A count beyond `i64` can't happen: it has counted rows.
pub(crate) fn counts<'r, R>(name: &str, rows: &'r [R], of: impl Fn(&'r R) -> Option<u64>) -> Column {
    let value = |row| of(row).map(|count| i64::try_from(count).unwrap_or(i64::MAX));
    Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()).into()
}

/// A Float64 column; what isn't finite is not defined, so null.
pub(crate) fn floats<'r, R>(name: &str, rows: &'r [R], of: impl Fn(&'r R) -> Option<f64>) -> Column {
    let value = |row| of(row).filter(|figure| figure.is_finite());
    Series::new(name.into(), rows.iter().map(value).collect::<Vec<_>>()).into()
}

/// The lower bound of an interval that may not be defined.
pub(crate) fn low(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.low)
}

/// The upper bound of an interval that may not be defined.
pub(crate) fn high(interval: Option<Interval>) -> Option<f64> {
    interval.map(|interval| interval.high)
}

/// Part over whole; None for an empty whole.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Whole milliseconds from one instant to a later one; 0 where it isn't later.
pub(crate) fn elapsed_ms(from_us: i64, to_us: i64) -> u64 {
    u64::try_from(to_us.saturating_sub(from_us) / US_PER_MS).unwrap_or(0)
}

/// A quantile of durations in milliseconds, in hours; None without durations.
pub(crate) fn quantile_hours(durations_ms: &Histogram, level: f64) -> Option<f64> {
    quantile::quantile(durations_ms, level).map(ms_to_hours)
}

/// Milliseconds in hours.
pub(crate) fn ms_to_hours(duration_ms: f64) -> f64 {
    duration_ms / MS_PER_HOUR
}

/// The binomial order-statistic interval of that quantile, in hours; None where no duration lies far enough out.
pub(crate) fn quantile_hours_interval(durations_ms: &Histogram, level: f64) -> Option<Interval> {
    let interval = quantile::order_statistic_interval(durations_ms, level, ALPHA).ok()?;
    Some(Interval { low: interval.low / MS_PER_HOUR, high: interval.high / MS_PER_HOUR })
}
