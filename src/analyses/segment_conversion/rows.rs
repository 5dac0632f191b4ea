//! Rows and figures of the table.

use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::Context;
use crate::analyses::columns::{ALPHA, counts, floats, high, low, quantile_hours, share, texts};
use crate::journey::{Dimension, Target};
use crate::stats::{Interval, multiplicity, proportion};

use super::cells::{Segments, is_withheld};
use super::{SegmentCounts, TargetCounts};

/// The segment may depend on what came after the customer's first row in the window.
const DESCRIPTIVE: &str = "descriptive";
/// A count is too small to show.
const WITHHELD: &str = "withheld";
/// The segment holds everybody.
const NO_REST: &str = "no_rest";
/// The rest never converts.
const ZERO_REST_RATE: &str = "zero_rest_rate";

/// One row; None is null.
#[derive(Debug, Default)]
pub(super) struct Row<'t> {
    dimension: &'t str,
    segment: &'t str,
    target_kind: &'static str,
    target: &'t str,
    customers: Option<u64>,
    converted: Option<u64>,
    rate: Option<f64>,
    rate_interval: Option<Interval>,
    rest_rate: Option<f64>,
    difference: Option<f64>,
    difference_interval: Option<Interval>,
    relative_lift: Option<f64>,
    p_value: Option<f64>,
    q_value: Option<f64>,
    median_hours: Option<f64>,
    value_per_customer: Option<f64>,
    notes: Vec<&'static str>,
}

/// Customers and those of them who converted.
#[derive(Clone, Copy)]
struct Group {
    converted: u64,
    customers: u64,
}

/// All rows of a dimension: segment by segment, target by target.
pub(super) fn of_dimension<'t>(
    context: &Context<'t>,
    dimension: &'t Dimension,
    segments: &Segments<'t, '_>,
) -> Vec<Row<'t>> {
    let targets = &context.rules.targets;
    let population: u64 = segments.values().map(|counts| counts.customers).sum();
    let converted: Vec<u64> = (0..targets.len())
        .map(|target| segments.values().map(|counts| counts.converted(target)).sum())
        .collect();
    let mut rows = Vec::with_capacity(segments.len() * targets.len());
    for (segment, counts) in segments {
        for (at, target) in targets.iter().enumerate() {
            let all = Group { converted: converted[at], customers: population };
            let mut row = row(context, target, counts, at, all);
            row.dimension = &dimension.name;
            row.segment = segment;
            if dimension.is_descriptive() {
                row.notes.insert(0, DESCRIPTIVE);
            }
            rows.push(row);
        }
    }
    for at in 0..targets.len() {
        let of_target = || (at..segments.len() * targets.len()).step_by(targets.len());
        let p_values: Vec<Option<f64>> = of_target().map(|row| rows[row].p_value).collect();
        let q_values = multiplicity::benjamini_hochberg(&p_values);
        for (row, q_value) in of_target().zip(q_values) {
            rows[row].q_value = q_value;
        }
    }
    rows
}

fn row<'t>(
    context: &Context<'t>,
    target: &'t Target,
    counts: &SegmentCounts,
    at: usize,
    all: Group,
) -> Row<'t> {
    let min_customers = context.plan.segments.min_customers;
    let own = Group { converted: counts.converted(at), customers: counts.customers };
    let mut row = Row { target_kind: target.kind.as_str(), target: &target.name, ..Row::default() };
    if is_withheld(own.customers, all.customers, min_customers) {
        row.notes.push(WITHHELD);
        return row;
    }
    row.customers = Some(own.customers);
    if is_withheld(own.converted, own.customers, min_customers) {
        row.notes.push(WITHHELD);
        return row;
    }
    row.converted = Some(own.converted);
    row.rate = share(own.converted, own.customers);
    row.rate_interval = proportion::wilson(own.converted, own.customers, ALPHA);
    if let Some(counts) = counts.targets.get(at) {
        row.median_hours = quantile_hours(&counts.to_convert_ms, 0.5);
    }
    if target.has_value {
        let value_minor = counts.targets.get(at).map_or(0, |counts: &TargetCounts| counts.value_minor);
        let minor_per_unit = context.plan.job.currency.minor_per_unit() as f64;
        row.value_per_customer = Some(value_minor as f64 / (own.customers as f64 * minor_per_unit));
    }
    let rest = Group { converted: all.converted - own.converted, customers: all.customers - own.customers };
    if rest.customers == 0 {
        row.notes.push(NO_REST);
    } else if is_withheld(rest.converted, rest.customers, min_customers) {
        row.notes.push(WITHHELD);
    } else {
        compare(&mut row, own, rest);
    }
    row
}

/// Fills in what compares a segment with the rest, neither of them empty.
fn compare(row: &mut Row<'_>, own: Group, rest: Group) {
    row.rest_rate = share(rest.converted, rest.customers);
    row.difference = row.rate.zip(row.rest_rate).map(|(rate, rest_rate)| rate - rest_rate);
    row.difference_interval =
        proportion::newcombe_difference(own.converted, own.customers, rest.converted, rest.customers, ALPHA);
    match proportion::two_proportion_test(own.converted, own.customers, rest.converted, rest.customers) {
        Ok(test) => row.p_value = Some(test.p_value),
        Err(reason) => row.notes.push(reason.as_str()),
    }
    if rest.converted == 0 {
        row.notes.push(ZERO_REST_RATE);
    } else {
        row.relative_lift = row.difference.zip(row.rest_rate).map(|(difference, rate)| difference / rate);
    }
}

/// The table, from its rows in order.
pub(super) fn frame(rows: &[Row<'_>]) -> Result<DataFrame, PolarsError> {
    let notes: Vec<Option<String>> =
        rows.iter().map(|row| (!row.notes.is_empty()).then(|| row.notes.join("; "))).collect();
    let columns = vec![
        texts("dimension", rows, |row| Some(row.dimension)),
        texts("segment", rows, |row| Some(row.segment)),
        texts("target_kind", rows, |row| Some(row.target_kind)),
        texts("target", rows, |row| Some(row.target)),
        counts("customers", rows, |row| row.customers),
        counts("converted", rows, |row| row.converted),
        floats("rate", rows, |row| row.rate),
        floats("rate_low", rows, |row| low(row.rate_interval)),
        floats("rate_high", rows, |row| high(row.rate_interval)),
        floats("rest_rate", rows, |row| row.rest_rate),
        floats("difference", rows, |row| row.difference),
        floats("difference_low", rows, |row| low(row.difference_interval)),
        floats("difference_high", rows, |row| high(row.difference_interval)),
        floats("relative_lift", rows, |row| row.relative_lift),
        floats("p_value", rows, |row| row.p_value),
        floats("q_value", rows, |row| row.q_value),
        floats("median_hours_to_convert", rows, |row| row.median_hours),
        floats("value_per_customer", rows, |row| row.value_per_customer),
        texts("note", &notes, |note| note.as_deref()),
    ];
    DataFrame::new(rows.len(), columns)
}
