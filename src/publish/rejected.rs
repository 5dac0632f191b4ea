//! `rejected/<input>.parquet`: every rejected row with its reason, its value only as a keyed hash.

use polars::prelude::*;

use super::error::PublishError;
use crate::tables::{ColumnDocs, ColumnType, TableDocs};

/// Rejected rows of one input; the columns are of equal length.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RejectedRows {
    /// Which input: `touchpoints`, `spend` …
    pub input: String,
    /// File of the row; None where the rule compares rows of many files and the place isn't known.
    pub file: Vec<Option<String>>,
    /// Row of that file, from 1; None like the file.
    pub row: Vec<Option<u64>>,
    /// Logical column.
    pub column: Vec<String>,
    /// The rule it broke.
    pub rule: Vec<String>,
    /// Keyed hash of the value, hexadecimal; None for null and for numbers that are none.
    pub value_hash: Vec<Option<String>>,
}

impl RejectedRows {
    /// How many.
    pub fn len(&self) -> usize {
        self.row.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.row.is_empty()
    }

    /// Documentation and frame.
    pub(super) fn table(&self) -> Result<(TableDocs, DataFrame), PublishError> {
        let failed = |source| PublishError::Encode { table: format!("rejected {}", self.input), source };
        let wide = |row: u64| i64::try_from(row).unwrap_or(i64::MAX);
        let rows: Vec<Option<i64>> = self.row.iter().map(|row| row.map(wide)).collect();
        let columns = vec![
            Column::new("file".into(), &self.file),
            Column::new("row".into(), rows),
            Column::new("column".into(), &self.column),
            Column::new("rule".into(), &self.rule),
            Column::new("value_hash".into(), &self.value_hash),
        ];
        let frame = DataFrame::new(self.len(), columns).map_err(failed)?;
        Ok((docs(&self.input), frame))
    }
}

const COMPARED: &str =
    "a conflicting duplicate whose place is not known: of too many, or of a file that changed";

fn docs(input: &str) -> TableDocs {
    let column = |(name, kind, null, description): (&str, ColumnType, Option<&str>, &str)| ColumnDocs {
        name: name.to_owned(),
        kind,
        unit: "none".to_owned(),
        null: null.map(str::to_owned),
        interval: "none".to_owned(),
        description: description.to_owned(),
    };
    let columns = [
        ("file", ColumnType::Utf8, Some(COMPARED), "File of the row."),
        ("row", ColumnType::Int64, Some(COMPARED), "Row of that file, from 1."),
        ("column", ColumnType::Utf8, None, "Logical column."),
        ("rule", ColumnType::Utf8, None, "The rule it broke."),
        (
            "value_hash",
            ColumnType::Utf8,
            Some("the value is null or not a number"),
            "Keyed hash of the value.",
        ),
    ];
    TableDocs {
        name: input.to_owned(),
        grain: "One row per rejected row and rule.".to_owned(),
        description: format!("Rows of {input} that broke the data contract."),
        keys: Vec::new(),
        order: "As read.".to_owned(),
        columns: columns.into_iter().map(column).collect(),
    }
}
