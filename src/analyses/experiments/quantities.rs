//! What a customer's metric is within a span of time.

use std::ops::Range;

use crate::config::plan::{Cap, MetricKind, MetricOf, MetricPlan, Orders, Quantity};
use crate::journey::{ConversionEvent, Rules, Touchpoint};

use super::population::Exposed;

/// What a kind of metric sums.
pub(super) fn quantities_of(kind: MetricKind) -> impl Iterator<Item = Quantity> {
    let (first, second) = match kind {
        MetricKind::Proportion(quantity)
        | MetricKind::Mean(quantity)
        | MetricKind::Quantile { of: quantity, .. } => (quantity, None),
        MetricKind::Ratio { numerator, denominator } => (numerator, Some(denominator)),
    };
    std::iter::once(first).chain(second)
}

/// The sum of a quantity over a customer's rows in a half-open span of µs: minor units, rows or millionths,
/// saturating at 64 bits. Rows of one order are the one conversion that the walk made of them, at its instant.
pub(super) fn sum(quantity: Quantity, customer: &Exposed<'_>, rules: &Rules, span_us: Range<i64>) -> i64 {
    let Exposed { journey, walk, .. } = *customer;
    let add_up = |values: &mut dyn Iterator<Item = i64>| values.fold(0_i64, i64::saturating_add);
    let Some(conversion) = quantity.conversion else {
        let end = journey.rows.partition_point(|row| row.time_us < span_us.end);
        let start = journey.rows[..end].partition_point(|row| row.time_us < span_us.start);
        let rows = &journey.rows[start..end];
        return match quantity.of {
            MetricOf::Number(at) => add_up(&mut rows.iter().filter_map(|row| journey.number(row, at))),
            MetricOf::Count => i64::try_from(rows.len()).unwrap_or(i64::MAX),
            MetricOf::Value => 0,
        };
    };
    let in_span = |event: &&ConversionEvent| span_us.contains(&event.time_us);
    let events = walk.conversions.iter().filter(|event| event.conversion == conversion).filter(in_span);
    match quantity.of {
        MetricOf::Value => add_up(&mut events.map(|event| event.value_minor)),
        MetricOf::Count => i64::try_from(events.count()).unwrap_or(i64::MAX),
        MetricOf::Number(at) => add_up(&mut events.map(|event| number(event, at, customer, rules))),
    }
}

/// A number of a conversion, in millionths: that of its row, or of all rows of an order that has items.
fn number(event: &ConversionEvent, at: usize, customer: &Exposed<'_>, rules: &Rules) -> i64 {
    let journey = customer.journey;
    let of_row = |row: &Touchpoint| journey.number(row, at).unwrap_or(0);
    if event.order.is_none() || rules.orders[event.conversion] != Some(Orders::Sum) {
        return of_row(&journey.rows[event.row as usize]);
    }
    let is_item = |row: &&Touchpoint| {
        rules.facts[row.code as usize].conversions >> event.conversion & 1 == 1
            && journey.order(row) == event.order
    };
    journey.rows.iter().filter(is_item).map(of_row).fold(0, i64::saturating_add)
}

/// Whether a row of the quantity lies in a half-open span of µs.
pub(super) fn occurs(quantity: Quantity, customer: &Exposed<'_>, rules: &Rules, span_us: Range<i64>) -> bool {
    sum(Quantity { of: MetricOf::Count, ..quantity }, customer, rules, span_us) > 0
}

/// The first figure of a metric for one customer in a half-open span of µs: 0 or 1 for a proportion, else a sum, of
/// a ratio that of its numerator. At most the bound of the metric, where that is an amount.
pub(super) fn figure(metric: &MetricPlan, customer: &Exposed<'_>, rules: &Rules, span_us: Range<i64>) -> i64 {
    let figure = match metric.kind {
        MetricKind::Proportion(quantity) => i64::from(occurs(quantity, customer, rules, span_us)),
        MetricKind::Mean(quantity)
        | MetricKind::Ratio { numerator: quantity, .. }
        | MetricKind::Quantile { of: quantity, .. } => sum(quantity, customer, rules, span_us),
    };
    match metric.cap {
        Some(Cap::Amount(bound)) => figure.min(bound),
        Some(Cap::Percentile(_)) | None => figure,
    }
}

/// The figures of a metric for one customer: those since the exposure and, where there is a pre-period, those before
/// it; zeros for what the metric has none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures {
    /// [`figure`] since the exposure.
    pub(super) now: i64,
    /// The denominator of a ratio since the exposure.
    pub(super) denominator_now: i64,
    /// [`figure`] before it.
    pub(super) before: i64,
    /// The denominator of a ratio before it.
    pub(super) denominator_before: i64,
}

impl Figures {
    /// Of a customer who is mature. The window of a metric without one ends with that of the report.
    pub(super) fn of(
        metric: &MetricPlan,
        pre_period_us: Option<i64>,
        customer: &Exposed<'_>,
        rules: &Rules,
    ) -> Figures {
        let t0_us = customer.t0_us;
        let end_us = metric.window_us.map_or(rules.to_us, |window_us| t0_us.saturating_add(window_us));
        let now = t0_us..end_us;
        let before = t0_us.saturating_sub(pre_period_us.unwrap_or(0))..t0_us;
        let denominator = |span_us: Range<i64>| match metric.kind {
            MetricKind::Ratio { denominator, .. } => sum(denominator, customer, rules, span_us),
            _ => 0,
        };
        Figures {
            now: figure(metric, customer, rules, now.clone()),
            denominator_now: denominator(now),
            before: figure(metric, customer, rules, before.clone()),
            denominator_before: denominator(before),
        }
    }

    /// Whether there is nothing to add.
    pub(super) fn are_zero(&self) -> bool {
        *self == Figures::default()
    }
}
