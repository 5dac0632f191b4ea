//! A published table as rows of plain values.

use std::fmt;
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Serialize, Serializer};

use super::error::DiffError;

/// Columns that tell the window of the whole run, not of a row.
const WINDOW: [&str; 2] = ["window_from", "window_to"];

/// One cell.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Not defined.
    Null,
    /// Text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A figure.
    Float(f64),
    /// A flag.
    Flag(bool),
    /// Days since the epoch.
    Date(i32),
    /// µs since the epoch.
    Instant(i64),
}

impl Value {
    /// As a number, where it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Value::Int(value) => Some(*value as f64),
            Value::Float(value) => Some(*value),
            _ => None,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => formatter.write_str("null"),
            Value::Text(text) => formatter.write_str(text),
            Value::Int(value) => write!(formatter, "{value}"),
            Value::Float(value) => write!(formatter, "{value}"),
            Value::Flag(value) => write!(formatter, "{value}"),
            Value::Date(day) => {
                let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(*day));
                date.map_or(Err(fmt::Error), |date| write!(formatter, "{date}"))
            }
            Value::Instant(us) => match jiff::Timestamp::from_microsecond(*us) {
                Ok(instant) => write!(formatter, "{instant}"),
                Err(_) => write!(formatter, "{us} µs"),
            },
        }
    }
}

impl Serialize for Value {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Value::Null => serializer.serialize_none(),
            Value::Int(value) => serializer.serialize_i64(*value),
            Value::Float(value) => serializer.serialize_f64(*value),
            Value::Flag(value) => serializer.serialize_bool(*value),
            Value::Text(_) | Value::Date(_) | Value::Instant(_) => serializer.collect_str(self),
        }
    }
}

/// The rows of a published table, without the window that every table ends with.
#[derive(Debug, Clone, Default)]
pub struct Table {
    /// Columns that together tell two rows apart; empty where that isn't promised.
    pub keys: Vec<String>,
    /// In the order of the file.
    pub columns: Vec<String>,
    /// By row, in the order of the columns.
    pub rows: Vec<Vec<Value>>,
}

impl Table {
    /// Position of a column.
    pub fn place(&self, column: &str) -> Option<usize> {
        self.columns.iter().position(|known| known == column)
    }

    /// Reads the Parquet file of a table.
    ///
    /// # Errors
    ///
    /// It can't be read, or is none of a run.
    pub fn read(path: &Path) -> Result<Self, DiffError> {
        let failed = |reason: &dyn fmt::Display| DiffError::Table {
            path: path.to_owned(),
            reason: reason.to_string(),
        };
        let file = File::open(path).map_err(|error| failed(&error))?;
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| failed(&error))?;
        let entries = builder.metadata().file_metadata().key_value_metadata();
        let described = entries.into_iter().flatten().find(|entry| entry.key == "touchline.table");
        let described: Option<serde_json::Value> =
            described.and_then(|entry| serde_json::from_str(entry.value.as_deref()?).ok());
        let keys = described.as_ref().and_then(|table| table["keys"].as_array()).into_iter().flatten();
        let keys = keys.filter_map(|key| key.as_str().map(str::to_owned)).collect();
        let schema = builder.schema().clone();
        let is_shown = |name: &str| !WINDOW.contains(&name);
        let places: Vec<usize> =
            (0..schema.fields().len()).filter(|at| is_shown(schema.field(*at).name())).collect();
        let columns = places.iter().map(|at| schema.field(*at).name().clone()).collect();
        let mut rows: Vec<Vec<Value>> = Vec::new();
        for batch in builder.build().map_err(|error| failed(&error))? {
            let batch = batch.map_err(|error| failed(&error))?;
            let arrays = places.iter().map(|at| plain(batch.column(*at)));
            let arrays: Vec<ArrayRef> = arrays.collect::<Result<_, _>>().map_err(|error| failed(&error))?;
            rows.extend(
                (0..batch.num_rows()).map(|row| arrays.iter().map(|array| value(array, row)).collect()),
            );
        }
        Ok(Self { keys, columns, rows })
    }
}

/// Writers choose among the types of text.
fn plain(array: &ArrayRef) -> Result<ArrayRef, arrow::error::ArrowError> {
    match array.data_type() {
        DataType::Boolean | DataType::Int64 | DataType::Float64 | DataType::Date32 => {
            Ok(ArrayRef::clone(array))
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => Ok(ArrayRef::clone(array)),
        _ => cast(array, &DataType::Utf8),
    }
}

fn value(array: &ArrayRef, row: usize) -> Value {
    if array.is_null(row) {
        return Value::Null;
    }
    match array.data_type() {
        DataType::Boolean => Value::Flag(array.as_boolean().value(row)),
        DataType::Int64 => Value::Int(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => Value::Float(array.as_primitive::<Float64Type>().value(row)),
        DataType::Date32 => Value::Date(array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(..) => {
            Value::Instant(array.as_primitive::<TimestampMicrosecondType>().value(row))
        }
        _ => Value::Text(array.as_string::<i32>().value(row).to_owned()),
    }
}
