//! The documentation beside a query: what its table is and what its columns mean.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::error::QueryError;

/// `<query>.toml`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryDocs {
    /// What the table is for.
    #[serde(default)]
    pub description: String,
    /// One sentence: what a row is.
    #[serde(default)]
    pub grain: String,
    /// Columns that together tell two rows apart: checked where given.
    #[serde(default)]
    pub keys: Vec<String>,
    /// By column.
    #[serde(default)]
    pub columns: BTreeMap<String, QueryColumnDocs>,
}

/// `[columns.<name>]` of a query's documentation.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct QueryColumnDocs {
    /// What it holds.
    #[serde(default)]
    pub description: String,
    /// What one of it is: `fraction`, `currency`, `hours` …
    pub unit: Option<String>,
    /// What a null means.
    pub null: Option<String>,
    /// For a bound: how it was found.
    pub interval: Option<String>,
}

impl QueryDocs {
    pub(super) fn parse(file: &str, text: &str) -> Result<Self, QueryError> {
        toml::from_str(text).map_err(|error| {
            let position = error.span().map(|span| position(text, span.start));
            QueryError::new(file, error.message().trim().replace('\n', ", ")).at(position).hint(
                "it holds description, grain, keys and [columns.NAME] with description, unit, null, interval",
            )
        })
    }
}

/// Line and column of a byte.
fn position(text: &str, byte: usize) -> (u64, u64) {
    let before = text.get(..byte).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |at| at + 1);
    (before.matches('\n').count() as u64 + 1, before[line_start..].chars().count() as u64 + 1)
}
