//! The documentation of a table as plain data: the same for core tables and queries.

use serde::Serialize;

use super::spec::{ColumnSpec, ColumnType, RowOrder, TableSpec, WINDOW_COLUMNS};

/// What a reader must know of a table; its columns are those of the files, window included.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableDocs {
    /// Name of the table and of its files.
    pub name: String,
    /// One sentence: what a row is.
    pub grain: String,
    /// What the table is for.
    pub description: String,
    /// Columns that together tell two rows apart; empty where that isn't promised.
    pub keys: Vec<String>,
    /// How the rows follow each other.
    pub order: String,
    /// In the order of the files.
    pub columns: Vec<ColumnDocs>,
}

/// What a reader must know of a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ColumnDocs {
    /// Name of the column.
    pub name: String,
    /// Type in Parquet.
    #[serde(rename = "type")]
    pub kind: ColumnType,
    /// What one of it is; `none` for names and flags.
    pub unit: String,
    /// What a null means; `None`: there are no nulls.
    pub null: Option<String>,
    /// How a bound was found; `none` for what is no bound.
    pub interval: String,
    /// What it holds.
    pub description: String,
}

impl TableSpec {
    /// The documentation of this table.
    pub fn docs(&self) -> TableDocs {
        TableDocs {
            name: self.name.to_owned(),
            grain: self.grain.to_owned(),
            description: self.description.to_owned(),
            keys: self.keys.iter().map(|&key| key.to_owned()).collect(),
            order: match self.order {
                RowOrder::ByKeys => format!("Ascending by {}; nulls first.", self.keys.join(", ")),
                RowOrder::Given { description, .. } => format!("{description}."),
            },
            columns: self.columns.iter().chain(&WINDOW_COLUMNS).map(ColumnDocs::from).collect(),
        }
    }
}

impl From<&ColumnSpec> for ColumnDocs {
    fn from(spec: &ColumnSpec) -> Self {
        ColumnDocs {
            name: spec.name.to_owned(),
            kind: spec.kind,
            unit: spec.unit.as_str().to_owned(),
            null: spec.null.map(str::to_owned),
            interval: spec.interval.as_str().to_owned(),
            description: spec.description.to_owned(),
        }
    }
}

impl TableDocs {
    /// The window that every table ends with.
    pub(crate) fn window_columns() -> impl Iterator<Item = ColumnDocs> {
        WINDOW_COLUMNS.iter().map(ColumnDocs::from)
    }
}
