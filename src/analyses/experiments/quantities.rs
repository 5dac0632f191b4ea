//! What a customer's metric is within a span of time.

use std::ops::Range;

use crate::config::plan::{MetricOf, Quantity};
use crate::journey::{Journey, Walk};

/// The sum of a quantity over a customer's rows in a half-open span of µs: minor units, rows or millionths,
/// saturating at 64 bits. Rows of one order are what the walk made of them.
pub(super) fn sum(quantity: Quantity, journey: &Journey<'_>, walk: &Walk, span_us: Range<i64>) -> i64 {
    let _ = journey;
    let events = walk
        .conversions
        .iter()
        .filter(|event| Some(event.conversion) == quantity.conversion && span_us.contains(&event.time_us));
    match quantity.of {
        MetricOf::Value => events.fold(0, |sum, event| sum.saturating_add(event.value_minor)),
        MetricOf::Count | MetricOf::Number(_) => i64::try_from(events.count()).unwrap_or(i64::MAX),
    }
}

/// Whether a row of the quantity lies in a half-open span of µs.
pub(super) fn occurs(quantity: Quantity, journey: &Journey<'_>, walk: &Walk, span_us: Range<i64>) -> bool {
    sum(Quantity { of: MetricOf::Count, ..quantity }, journey, walk, span_us) > 0
}
