//! Rows and figures of `segment_conversion`.

use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::Context;
use crate::analyses::columns::{
    ALPHA, counts, floats, high, low, quantile_hours, quantile_hours_interval, share, texts,
};
use crate::analyses::suppression::WITHHELD;
use crate::config::plan::Correction;
use crate::journey::{Dimension, Target, TargetKind};
use crate::stats::jackknife::ValueSupport;
use crate::stats::joint::Joint;
use crate::stats::{Estimate, Interval, difference_of_means, multiplicity, proportion};

use super::counts::SegmentCounts;
use super::hidden::Hidden;

/// Name of the table.
pub(super) const TABLE: &str = "segment_conversion";
/// The segment may depend on what came after the customer's first row in the window.
pub(super) const DESCRIPTIVE: &str = "descriptive";
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
    customers: u64,
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
    median_interval: Option<Interval>,
    p90_hours: Option<f64>,
    p90_interval: Option<Interval>,
    value_per_customer: Option<f64>,
    value_interval: Option<Interval>,
    notes: Vec<&'static str>,
}

/// Customers and those of them who converted.
#[derive(Clone, Copy)]
struct Group {
    converted: u64,
    customers: u64,
}

/// All rows of a dimension: cell by cell, target by target.
pub(super) fn of_dimension<'t>(
    context: &Context<'t>,
    dimension: &'t Dimension,
    names: &[&'t str],
    cells: &[SegmentCounts],
    hidden: &Hidden,
) -> Vec<Row<'t>> {
    let targets = &context.rules.targets;
    let population: u64 = cells.iter().map(|counts| counts.customers).sum();
    let converted: Vec<u64> =
        (0..targets.len()).map(|target| cells.iter().map(|counts| counts.reached(target)).sum()).collect();
    let mut rows = Vec::with_capacity(cells.len() * targets.len());
    for (cell, (segment, counts)) in names.iter().zip(cells).enumerate() {
        for (at, target) in targets.iter().enumerate() {
            let mut row = Row {
                dimension: &dimension.name,
                segment,
                target_kind: target.kind.as_str(),
                target: &target.name,
                customers: counts.customers,
                ..Row::default()
            };
            if dimension.is_descriptive() {
                row.notes.push(DESCRIPTIVE);
            }
            if hidden.reached(at, cell) {
                row.notes.push(WITHHELD);
            } else {
                let all = Group { converted: converted[at], customers: population };
                row.fill(context, target, counts, at, all);
            }
            rows.push(row);
        }
    }
    for at in 0..targets.len() {
        let of_target = || (at..cells.len() * targets.len()).step_by(targets.len());
        // What is withheld has no p-value: it takes no part in the correction, which would tell of it.
        let p_values: Vec<Option<f64>> = of_target().map(|row| rows[row].p_value).collect();
        let q_values = match context.plan.segments.correction {
            Correction::BenjaminiHochberg => multiplicity::benjamini_hochberg(&p_values),
            Correction::Holm => multiplicity::holm(&p_values),
            Correction::None => p_values,
        };
        for (row, q_value) in of_target().zip(q_values) {
            rows[row].q_value = q_value;
        }
    }
    rows
}

impl Row<'_> {
    /// Fills in the figures of a target, of a whole of so many.
    fn fill(
        &mut self,
        context: &Context<'_>,
        target: &Target,
        counts: &SegmentCounts,
        at: usize,
        all: Group,
    ) {
        let own = Group { converted: counts.reached(at), customers: counts.customers };
        self.converted = Some(own.converted);
        self.rate = share(own.converted, own.customers);
        self.rate_interval = proportion::wilson(own.converted, own.customers, ALPHA);
        if let Some(durations_ms) = counts.to_convert_ms(at) {
            self.median_hours = quantile_hours(durations_ms, 0.5);
            self.median_interval = quantile_hours_interval(durations_ms, 0.5);
            self.p90_hours = quantile_hours(durations_ms, 0.9);
            self.p90_interval = quantile_hours_interval(durations_ms, 0.9);
        }
        if let TargetKind::Conversion(conversion) = target.kind
            && target.has_value
        {
            let minor_per_unit = context.plan.job.currency.minor_per_unit();
            let value = counts.value_minor(conversion);
            self.value_per_customer = value.mean(0, minor_per_unit);
            self.value_interval = value_interval(&value, own.converted, minor_per_unit);
        }
        let rest =
            Group { converted: all.converted - own.converted, customers: all.customers - own.customers };
        if rest.customers == 0 {
            self.notes.push(NO_REST);
        } else {
            self.compare(own, rest);
        }
    }

    /// Fills in what compares a segment with the rest, neither of them empty.
    fn compare(&mut self, own: Group, rest: Group) {
        self.rest_rate = share(rest.converted, rest.customers);
        let [one, other] = [own, rest].map(|group| (i128::from(group.converted), group.customers));
        self.difference = difference_of_means(one, other, 1);
        self.difference_interval = proportion::newcombe_difference(
            own.converted,
            own.customers,
            rest.converted,
            rest.customers,
            ALPHA,
        );
        match proportion::two_proportion_test(own.converted, own.customers, rest.converted, rest.customers) {
            Ok(test) => self.p_value = Some(test.p_value),
            Err(reason) => self.notes.push(reason.as_str()),
        }
        if rest.converted == 0 {
            self.notes.push(ZERO_REST_RATE);
        } else {
            let figures = self.difference.zip(self.rest_rate);
            self.relative_lift = figures.map(|(difference, rate)| difference / rate);
        }
    }
}

/// Student's interval of the mean value per customer, in units; None where too few converted for it to hold.
fn value_interval(value: &Joint<1>, converted: u64, minor_per_unit: i64) -> Option<Interval> {
    let of_converting = Joint { n: converted, ..*value };
    let spread = of_converting.variance(0, minor_per_unit).ok().map(f64::sqrt);
    let mean = of_converting.mean(0, minor_per_unit).filter(|mean| *mean != 0.0);
    let support = ValueSupport {
        conversions: converted,
        coefficient_of_variation: spread.zip(mean).map(|(spread, mean)| spread / mean.abs()),
        capped: false,
    };
    support.check().ok()?;
    let arm = value.arm(0, minor_per_unit).ok()?;
    let degrees_of_freedom = (arm.n - 1) as f64;
    let estimate = Estimate::new(arm.mean, arm.squared_error().sqrt(), degrees_of_freedom).ok()?;
    Some(estimate.interval(ALPHA))
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
        counts("customers", rows, |row| Some(row.customers)),
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
        floats("median_hours_to_convert_low", rows, |row| low(row.median_interval)),
        floats("median_hours_to_convert_high", rows, |row| high(row.median_interval)),
        floats("p90_hours_to_convert", rows, |row| row.p90_hours),
        floats("p90_hours_to_convert_low", rows, |row| low(row.p90_interval)),
        floats("p90_hours_to_convert_high", rows, |row| high(row.p90_interval)),
        floats("value_per_customer", rows, |row| row.value_per_customer),
        floats("value_per_customer_low", rows, |row| low(row.value_interval)),
        floats("value_per_customer_high", rows, |row| high(row.value_interval)),
        texts("note", &notes, |note| note.as_deref()),
    ];
    DataFrame::new(rows.len(), columns)
}
