//! The most telling figures of a run, in words for a person.

mod experiments;
mod foreseen;
mod inputs;
mod ranking;
mod silent;
mod unanswered;

use polars::prelude::{AnyValue, DataFrame};

use crate::config::plan::{DAY_US, Plan};

use super::Table;

pub use foreseen::foreseen;

/// One figure with its interval, as a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The table that it comes from.
    pub table: &'static str,
    /// The sentence.
    pub text: String,
}

/// How many are shown, warnings apart.
const MOST: usize = 3;

/// At most so many of one kind are told one by one.
const MOST_OF_A_KIND: usize = 5;

/// Finds them in the tables of a run over a window (µs): what an experiment decided, where a segment falls behind, which
/// channel leads. Then what warns: what can't be trusted, and what was asked for and has no answer.
pub fn find(plan: &Plan, window_us: (i64, i64), tables: &[Table]) -> Vec<Finding> {
    let rows = |name: &str| Rows::of(tables, name);
    let mut findings = Vec::new();
    findings.extend(experiments::decided(plan, &rows("experiment_results")));
    findings.extend(weak_segment(&rows("segment_conversion")));
    findings.extend(leading_channel(plan, &rows("stage_attribution")));
    findings.extend(return_on_spend(plan, &rows("channel_roi")));
    if !is_short(plan) {
        findings.extend(weakest_step(&rows("stage_funnel")));
    }
    findings.truncate(MOST);
    // A warning is no rival of a figure: it comes on top.
    findings.extend(experiments::invalid(&rows("experiment_health")));
    findings.extend(experiments::harmed(plan, &rows("experiment_results")));
    let window = Some(window_us);
    let (results, health) = (rows("experiment_results"), rows("experiment_health"));
    findings.extend(unanswered::unanswered(plan, window, &results, &health));
    findings.extend(foreseen(plan, window));
    findings.extend(inputs::strangers(plan, &rows("data_quality")));
    findings.extend(inputs::worthless(plan, &rows("data_quality")));
    findings.extend(silent::silent(&rows("stage_attribution")));
    findings.extend(ranking::fragile(plan, &rows("stage_attribution")));
    findings
}

/// In a short window most have had no time to go on: the weakest step would say nothing.
fn is_short(plan: &Plan) -> bool {
    let length_us = plan.window.to_us.zip(plan.window.from_us).map(|(to_us, from_us)| to_us - from_us);
    plan.stages.window_us.is_none() && length_us.is_some_and(|length_us| length_us < 14 * DAY_US)
}

/// A table, row by row.
struct Rows<'a> {
    frame: Option<&'a DataFrame>,
}

impl<'a> Rows<'a> {
    fn of(tables: &'a [Table], name: &str) -> Self {
        Self { frame: tables.iter().find(|(docs, _)| docs.name == name).map(|(_, frame)| frame) }
    }

    fn len(&self) -> usize {
        self.frame.map_or(0, DataFrame::height)
    }

    fn number(&self, row: usize, column: &str) -> Option<f64> {
        match self.frame?.column(column).ok()?.get(row).ok()? {
            AnyValue::Float64(value) => Some(value),
            AnyValue::Int64(value) => Some(value as f64),
            AnyValue::Boolean(value) => Some(f64::from(u8::from(value))),
            _ => None,
        }
    }

    fn text(&self, row: usize, column: &str) -> &'a str {
        self.frame
            .and_then(|frame| frame.column(column).ok())
            .and_then(|column| column.str().ok())
            .and_then(|texts| texts.get(row))
            .unwrap_or_default()
    }

    /// The row with the largest figure, among those that have one.
    fn best(&self, figure: impl Fn(usize) -> Option<f64>) -> Option<usize> {
        (0..self.len())
            .filter_map(|row| figure(row).map(|figure| (figure, row)))
            .max_by(|one, other| one.0.total_cmp(&other.0).then(other.1.cmp(&one.1)))
            .map(|(_, row)| row)
    }
}

fn percent(value: f64) -> String {
    format!("{:.1} %", value * 100.0)
}

fn signed_percent(value: f64) -> String {
    format!("{:+.1} %", value * 100.0)
}

fn weak_segment(rows: &Rows<'_>) -> Option<Finding> {
    let significant = |row: usize| {
        // What is known only afterwards explains nothing: cart abandoners have carts.
        if rows.text(row, "note").contains("descriptive") {
            return None;
        }
        let sure = rows.number(row, "q_value")? < 0.05 && rows.number(row, "difference_high")? < 0.0;
        let missing = rows.number(row, "difference")? * rows.number(row, "customers")?;
        (sure && missing < 0.0).then_some(-missing)
    };
    let row = rows.best(significant)?;
    Some(Finding {
        table: "segment_conversion",
        text: format!(
            "Segment {} = {} reaches {} less often: {} against {} of the rest, {} points ({} to {}).",
            rows.text(row, "dimension"),
            rows.text(row, "segment"),
            rows.text(row, "target"),
            percent(rows.number(row, "rate")?),
            percent(rows.number(row, "rest_rate")?),
            points(rows.number(row, "difference")?),
            points(rows.number(row, "difference_low")?),
            points(rows.number(row, "difference_high")?),
        ),
    })
}

fn points(value: f64) -> String {
    format!("{:+.1}", value * 100.0)
}

/// Conversions: with a decimal where a whole number would contradict the share beside it.
fn few(conversions: f64) -> String {
    if conversions < 100.0 { format!("{conversions:.1}") } else { format!("{conversions:.0}") }
}

fn leading_channel(plan: &Plan, rows: &Rows<'_>) -> Option<Finding> {
    let (conversion, model) = plan.roi.primary?;
    let target = &plan.conversions.get(conversion)?.name;
    let leading = |row: usize| {
        let here = rows.text(row, "target_kind") == "conversion"
            && rows.text(row, "target") == target
            && rows.text(row, "model") == model.as_str()
            && rows.number(row, "rank")? == 1.0;
        here.then(|| rows.number(row, "credit")).flatten()
    };
    let row = rows.best(leading)?;
    let bounds = match (rows.number(row, "credit_low"), rows.number(row, "credit_high")) {
        (Some(low), Some(high)) => format!(" ({} to {})", few(low), few(high)),
        _ => String::new(),
    };
    Some(Finding {
        table: "stage_attribution",
        text: format!(
            "{} is credited with most of {target} under {}: {}{bounds}, {} of all; it keeps that rank in {} of resamples.",
            rows.text(row, "channel"),
            model.as_str(),
            few(rows.number(row, "credit")?),
            percent(rows.number(row, "credit_share")?),
            percent(rows.number(row, "rank_stability")?),
        ),
    })
}

fn return_on_spend(plan: &Plan, rows: &Rows<'_>) -> Option<Finding> {
    let best = |row: usize| {
        let bounded = rows.number(row, "primary")? == 1.0 && rows.number(row, "roas_low").is_some();
        bounded.then(|| rows.number(row, "roas")).flatten()
    };
    let row = rows.best(best)?;
    Some(Finding {
        table: "channel_roi",
        text: format!(
            "{} returns most: {:.2} {currency} per {currency} spent ({:.2} to {:.2}), attributed, not proven incremental.",
            rows.text(row, "channel"),
            rows.number(row, "roas")?,
            rows.number(row, "roas_low")?,
            rows.number(row, "roas_high")?,
            currency = plan.job.currency.code,
        ),
    })
}

fn weakest_step(rows: &Rows<'_>) -> Option<Finding> {
    let row = rows.best(|row| rows.number(row, "progress_rate").map(|rate| -rate))?;
    Some(Finding {
        table: "stage_funnel",
        text: format!(
            "Most are lost after {}: {} go on ({} to {}).",
            rows.text(row, "stage"),
            percent(rows.number(row, "progress_rate")?),
            percent(rows.number(row, "progress_rate_low")?),
            percent(rows.number(row, "progress_rate_high")?),
        ),
    })
}
