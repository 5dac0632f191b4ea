//! The rows of `experiment_results`.

use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::NamedFrame;
use crate::analyses::columns::{counts, floats, high, low, texts};
use crate::config::plan::{ExperimentPlan, MetricPlan};

use super::effect::Reading;
use super::verdict::Verdict;

/// Name of the table.
const TABLE: &str = "experiment_results";
/// Dimension and segment of all customers.
pub(super) const WHOLE: &str = "all";

/// What a metric is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Wanted.
    Goal,
    /// Must not suffer.
    Guardrail,
}

/// By what the figures of a row are adjusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Adjustment {
    /// Nothing.
    None,
    /// The same figures of before.
    Cuped,
}

/// One row; None is null.
#[derive(Debug)]
pub(super) struct Row<'t> {
    pub(super) experiment: &'t ExperimentPlan,
    pub(super) metric: &'t MetricPlan,
    pub(super) role: Role,
    pub(super) variant: &'t str,
    pub(super) adjustment: Adjustment,
    pub(super) dimension: &'t str,
    pub(super) segment: &'t str,
    pub(super) customers: Option<u64>,
    pub(super) control_customers: Option<u64>,
    pub(super) mean: Option<f64>,
    pub(super) control_mean: Option<f64>,
    pub(super) reading: Reading,
    pub(super) interaction_p_value: Option<f64>,
    pub(super) interaction_q_value: Option<f64>,
    /// Of a row that decides.
    pub(super) q_value: Option<f64>,
    /// Of a row that decides.
    pub(super) verdict: Option<Verdict>,
    pub(super) notes: Vec<String>,
}

impl Row<'_> {
    /// Which bounds and p-value the verdict goes by.
    fn decided_by(&self) -> Option<&'static str> {
        let by = if self.reading.is_sequential { "sequential" } else { "single_look" };
        self.verdict.and(self.reading.decision_interval).map(|_| by)
    }
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Role::Goal => "goal",
            Role::Guardrail => "guardrail",
        }
    }
}

impl Adjustment {
    fn as_str(self) -> &'static str {
        match self {
            Adjustment::None => "none",
            Adjustment::Cuped => "cuped",
        }
    }
}

/// The table, from its rows in order.
pub(super) fn frame(rows: &[Row<'_>]) -> Result<NamedFrame, PolarsError> {
    let notes: Vec<Option<String>> =
        rows.iter().map(|row| (!row.notes.is_empty()).then(|| row.notes.join("; "))).collect();
    let columns = vec![
        texts("experiment", rows, |row| Some(row.experiment.name.as_str())),
        texts("metric", rows, |row| Some(row.metric.name.as_str())),
        texts("variant", rows, |row| Some(row.variant)),
        texts("adjustment", rows, |row| Some(row.adjustment.as_str())),
        texts("dimension", rows, |row| Some(row.dimension)),
        texts("segment", rows, |row| Some(row.segment)),
        texts("role", rows, |row| Some(row.role.as_str())),
        texts("control", rows, |row| Some(row.experiment.control.as_str())),
        counts("customers", rows, |row| row.customers),
        counts("control_customers", rows, |row| row.control_customers),
        floats("mean", rows, |row| row.mean),
        floats("control_mean", rows, |row| row.control_mean),
        floats("difference", rows, |row| row.reading.difference),
        floats("difference_low", rows, |row| low(row.reading.difference_interval)),
        floats("difference_high", rows, |row| high(row.reading.difference_interval)),
        floats("relative_lift", rows, |row| row.reading.relative_lift),
        floats("relative_lift_low", rows, |row| low(row.reading.lift_interval)),
        floats("relative_lift_high", rows, |row| high(row.reading.lift_interval)),
        floats("p_value", rows, |row| row.reading.p_value),
        floats("q_value", rows, |row| row.q_value),
        floats("sequential_low", rows, |row| low(row.reading.sequential_interval)),
        floats("sequential_high", rows, |row| high(row.reading.sequential_interval)),
        floats("chance_to_win", rows, |row| row.reading.chance_to_win),
        floats("expected_loss", rows, |row| row.reading.expected_loss),
        floats("minimum_detectable_lift", rows, |row| row.reading.minimum_detectable_lift),
        counts("customers_needed", rows, |row| row.reading.customers_needed),
        floats("interaction_p_value", rows, |row| row.interaction_p_value),
        floats("interaction_q_value", rows, |row| row.interaction_q_value),
        texts("decided_by", rows, |row| row.decided_by()),
        texts("verdict", rows, |row| row.verdict.map(Verdict::as_str)),
        texts("note", &notes, |note| note.as_deref()),
    ];
    Ok((TABLE, DataFrame::new(rows.len(), columns)?))
}
