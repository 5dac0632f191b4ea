//! What a customer's metric is within a span of time.

use std::ops::Range;

use crate::config::plan::{Cap, MetricKind, MetricOf, MetricPlan, Orders, Quantity};
use crate::journey::{ConversionEvent, Rules, Touchpoint};

use super::population::Exposed;

/// Every row of a quantity in a half-open span of µs: its instant, and what it adds in minor units, rows or millionths.
/// Rows of one order are the one conversion that the walk made of them, at its instant.
#[inline]
pub(super) fn for_each(
    quantity: Quantity,
    customer: &Exposed<'_>,
    rules: &Rules,
    span_us: Range<i64>,
    mut found: impl FnMut(i64, i64),
) {
    let Exposed { journey, walk, .. } = *customer;
    let Some(conversion) = quantity.conversion else {
        let end = journey.rows.partition_point(|row| row.time_us < span_us.end);
        let start = journey.rows[..end].partition_point(|row| row.time_us < span_us.start);
        for row in &journey.rows[start..end] {
            found(
                row.time_us,
                match quantity.of {
                    MetricOf::Number(at) => journey.number(row, at).unwrap_or(0),
                    MetricOf::Count => 1,
                    MetricOf::Value => 0,
                },
            );
        }
        return;
    };
    let in_span = |event: &&ConversionEvent| span_us.contains(&event.time_us);
    for event in walk.conversions.iter().filter(|event| event.conversion == conversion).filter(in_span) {
        found(
            event.time_us,
            match quantity.of {
                MetricOf::Value => event.value_minor,
                MetricOf::Count => 1,
                MetricOf::Number(at) => number(event, at, customer, rules),
            },
        );
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

/// The first figure of a metric, given the sum of what it is made of: 0 or 1 for a proportion, else the sum, of a ratio
/// that of its numerator. At most the bound of the metric, where that is an amount.
#[inline]
pub(super) fn figure(metric: &MetricPlan, sum: i64) -> i64 {
    let figure = match metric.kind {
        MetricKind::Proportion(_) => i64::from(sum > 0),
        MetricKind::Mean(_) | MetricKind::Ratio { .. } | MetricKind::Quantile { .. } => sum,
    };
    match metric.cap {
        Some(Cap::Amount(bound)) => figure.min(bound),
        Some(Cap::Percentile(_)) | None => figure,
    }
}

/// A sum over a customer's rows that metrics are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Part {
    pub(super) quantity: Quantity,
    /// From the exposure on; None: to the end of the reporting window.
    window_us: Option<i64>,
}

impl Part {
    /// What a metric is made of: its first figure, and its second or the same again.
    pub(super) fn of(metric: &MetricPlan) -> [Part; 2] {
        let part = |quantity| Part { quantity, window_us: metric.window_us };
        match metric.kind {
            MetricKind::Proportion(quantity) => [part(Quantity { of: MetricOf::Count, ..quantity }); 2],
            MetricKind::Mean(quantity) | MetricKind::Quantile { of: quantity, .. } => [part(quantity); 2],
            MetricKind::Ratio { numerator, denominator } => [part(numerator), part(denominator)],
        }
    }

    /// Adds the sum since the exposure and, where there is a pre-period, that before it, saturating at 64 bits.
    #[inline]
    pub(super) fn add_up(
        self,
        pre_period_us: Option<i64>,
        customer: &Exposed<'_>,
        rules: &Rules,
        sums: &mut [i64; 2],
    ) {
        let t0_us = customer.t0_us;
        let start_us = t0_us.saturating_sub(pre_period_us.unwrap_or(0));
        let end_us = self.window_us.map_or(rules.to_us, |window_us| t0_us.saturating_add(window_us));
        for_each(self.quantity, customer, rules, start_us..end_us, |time_us, amount| {
            let sum = &mut sums[usize::from(time_us < t0_us)];
            *sum = sum.saturating_add(amount);
        });
    }
}

/// The figures of a metric for one customer: those since the exposure and, where there is a pre-period, those before
/// it; zeros for what the metric has none of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Figures {
    /// The first since the exposure, as that of [`figure`].
    now: i64,
    /// The denominator of a ratio since the exposure.
    denominator_now: i64,
    /// The first before it.
    before: i64,
    /// The denominator of a ratio before it.
    denominator_before: i64,
}

impl Figures {
    /// Of the sums that the metric is made of, see [`Part::of`], each since the exposure and before it.
    #[inline]
    pub(super) fn of(metric: &MetricPlan, [[now, before], denominator]: [[i64; 2]; 2]) -> Figures {
        let [denominator_now, denominator_before] = match metric.kind {
            MetricKind::Ratio { .. } => denominator,
            MetricKind::Proportion(_) | MetricKind::Mean(_) | MetricKind::Quantile { .. } => [0, 0],
        };
        let [now, before] = [now, before].map(|sum| figure(metric, sum));
        Figures { now, denominator_now, before, denominator_before }
    }

    /// Whether there is nothing to add.
    #[inline]
    pub(super) fn are_zero(&self) -> bool {
        *self == Figures::default()
    }

    /// Of a proportion, mean or quantile: since the exposure, then before.
    #[inline]
    pub(super) fn one(&self) -> [i64; 2] {
        [self.now, self.before]
    }

    /// Of a ratio: numerator and denominator since the exposure, then both before.
    #[inline]
    pub(super) fn two(&self) -> [i64; 4] {
        [self.now, self.denominator_now, self.before, self.denominator_before]
    }
}
