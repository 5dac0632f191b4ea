//! Columns of a frame as one of the few types that tables are made of.

use polars::prelude::*;

use super::spec::ColumnType;

/// A column of a known type.
pub(crate) enum Cells<'a> {
    /// Text.
    Text(&'a StringChunked),
    /// Integers.
    Int(&'a Int64Chunked),
    /// Floats.
    Float(&'a Float64Chunked),
    /// Flags.
    Bool(&'a BooleanChunked),
    /// Days since the epoch.
    Date(&'a Int32Chunked),
    /// µs since the epoch, UTC.
    Instant(&'a Int64Chunked),
}

/// One cell.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Cell<'a> {
    /// Not defined.
    Null,
    /// Text.
    Text(&'a str),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// A flag.
    Bool(bool),
    /// Days since the epoch.
    Date(i32),
    /// µs since the epoch, UTC.
    Instant(i64),
}

/// The Polars type of a column type.
pub(crate) fn data_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Utf8 => DataType::String,
        ColumnType::Int64 => DataType::Int64,
        ColumnType::Float64 => DataType::Float64,
        ColumnType::Boolean => DataType::Boolean,
        ColumnType::Date32 => DataType::Date,
        ColumnType::TimestampUs => DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)),
    }
}

impl<'a> Cells<'a> {
    /// The cells of a column that has this type.
    pub(crate) fn new(column: &'a Column, kind: ColumnType) -> PolarsResult<Self> {
        Ok(match kind {
            ColumnType::Utf8 => Cells::Text(column.str()?),
            ColumnType::Int64 => Cells::Int(column.i64()?),
            ColumnType::Float64 => Cells::Float(column.f64()?),
            ColumnType::Boolean => Cells::Bool(column.bool()?),
            ColumnType::Date32 => Cells::Date(column.date()?.physical()),
            ColumnType::TimestampUs => Cells::Instant(column.datetime()?.physical()),
        })
    }

    /// The cell of a row.
    pub(crate) fn get(&self, row: usize) -> Cell<'a> {
        match self {
            Cells::Text(column) => column.get(row).map_or(Cell::Null, Cell::Text),
            Cells::Int(column) => column.get(row).map_or(Cell::Null, Cell::Int),
            Cells::Float(column) => column.get(row).map_or(Cell::Null, Cell::Float),
            Cells::Bool(column) => column.get(row).map_or(Cell::Null, Cell::Bool),
            Cells::Date(column) => column.get(row).map_or(Cell::Null, Cell::Date),
            Cells::Instant(column) => column.get(row).map_or(Cell::Null, Cell::Instant),
        }
    }
}
