//! The frame of `experiment_health`.

use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::NamedFrame;
use crate::analyses::columns::{floats, texts};

use super::Check;

/// Name of the table.
const TABLE: &str = "experiment_health";

/// The table: experiments by name, checks in their fixed order, variants by name.
pub(in crate::analyses::experiments) fn frame(checks: &[Check<'_>]) -> Result<NamedFrame, PolarsError> {
    let columns = vec![
        texts("experiment", checks, |row| Some(row.experiment)),
        texts("check", checks, |row| Some(row.check)),
        texts("variant", checks, |row| Some(row.variant)),
        floats("expected", checks, |row| row.expected),
        floats("observed", checks, |row| row.observed),
        floats("p_value", checks, |row| row.p_value),
        texts("status", checks, |row| Some(row.status.as_str())),
        texts("detail", checks, |row| row.detail.as_deref()),
    ];
    Ok((TABLE, DataFrame::new(checks.len(), columns)?))
}
