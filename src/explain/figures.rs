//! One row of a table as names and figures.

use polars::prelude::DataFrame;
use serde::Serialize;
use serde_json::Value;

use crate::job::Table;
use crate::tables::{Cell, Cells};

use super::error::ExplainError;

/// A column of a row.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    /// Name of the column.
    pub column: String,
    /// Its cell; null where it isn't defined.
    pub value: Value,
}

/// The rows of a table, to be found by keys.
pub(super) struct Rows<'a> {
    frame: &'a DataFrame,
    /// By column of the table.
    columns: Vec<(&'a str, Cells<'a>)>,
}

impl<'a> Rows<'a> {
    /// Of the table with this name; without rows where there is none.
    pub(super) fn of(tables: &'a [Table], name: &str) -> Result<Option<Self>, ExplainError> {
        let Some((docs, frame)) = tables.iter().find(|(docs, _)| docs.name == name) else { return Ok(None) };
        let columns = docs
            .columns
            .iter()
            .map(|column| Ok((column.name.as_str(), Cells::new(frame.column(&column.name)?, column.kind)?)))
            .collect::<Result<_, ExplainError>>()?;
        Ok(Some(Self { frame, columns }))
    }

    fn cell(&self, row: usize, column: &str) -> Cell<'a> {
        let found = self.columns.iter().find(|(name, _)| *name == column);
        found.map_or(Cell::Null, |(_, cells)| cells.get(row))
    }

    /// A cell of text; None: null, or no text.
    pub(super) fn text(&self, row: usize, column: &str) -> Option<&'a str> {
        match self.cell(row, column) {
            Cell::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A cell with a figure; None: null, or no figure.
    pub(super) fn number(&self, row: usize, column: &str) -> Option<f64> {
        match self.cell(row, column) {
            Cell::Float(figure) => Some(figure),
            Cell::Int(figure) => Some(figure as f64),
            _ => None,
        }
    }

    /// Rows with these keys; None is null.
    pub(super) fn with(&self, keys: &[(&str, Option<&str>)]) -> Vec<usize> {
        let matches = |row: &usize| keys.iter().all(|(column, value)| self.text(*row, column) == *value);
        (0..self.frame.height()).filter(matches).collect()
    }

    /// Everything of a row but these columns, in the order of the table.
    pub(super) fn figures(&self, row: usize, without: &[&str]) -> Vec<Figure> {
        let shown = self.columns.iter().filter(|(name, _)| !without.contains(name));
        shown
            .map(|(name, cells)| Figure {
                column: (*name).to_owned(),
                value: match cells.get(row) {
                    Cell::Null => Value::Null,
                    Cell::Text(text) => text.into(),
                    Cell::Int(figure) | Cell::Instant(figure) => figure.into(),
                    Cell::Float(figure) => figure.into(),
                    Cell::Bool(flag) => flag.into(),
                    Cell::Date(day) => day.into(),
                },
            })
            .collect()
    }
}
