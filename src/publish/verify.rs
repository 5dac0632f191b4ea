//! Reads every written table back with another reader and compares it cell by cell.

use std::fs::File;
use std::path::Path;

use arrow::array::{
    Array, AsArray, BooleanArray, Date32Array, Float64Array, Int64Array, StringArray,
    TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, TimeUnit};
use jiff::Timestamp;
use jiff::civil::Date;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polars::prelude::DataFrame;

use super::csv::{CsvFormat, MARK};
use super::error::PublishError;
use super::files;
use super::manifest::{FileRecord, sha256};
use crate::tables::{Cell, Cells, ColumnType, TableDocs, TableError};

/// Compares a written Parquet file with its table, by the `parquet` crate.
///
/// # Errors
///
/// [`PublishError::ReadBack`] names the first difference.
pub fn verify_parquet(
    folder: &Path,
    record: &FileRecord,
    docs: &TableDocs,
    frame: &DataFrame,
) -> Result<(), PublishError> {
    let path = folder.join(&record.path);
    let differs = |detail: String| PublishError::ReadBack { path: path.clone(), detail };
    read_whole(&path, record)?;
    let file = File::open(&path).map_err(PublishError::io("open", &path))?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(|builder| builder.build())
        .map_err(|error| differs(error.to_string()))?;
    let columns = columns(docs, frame)?;
    let mut start = 0;
    for batch in reader {
        let batch = batch.map_err(|error| differs(error.to_string()))?;
        let schema = batch.schema();
        if !schema
            .fields()
            .iter()
            .map(|field| field.name())
            .eq(docs.columns.iter().map(|column| &column.name))
        {
            return Err(differs("other columns".to_owned()));
        }
        if start + batch.num_rows() > frame.height() {
            return Err(differs(format!("more than {} rows", frame.height())));
        }
        for ((array, cells), column) in batch.columns().iter().zip(&columns).zip(&docs.columns) {
            let array = ReadColumn::new(array, column.kind)
                .ok_or_else(|| differs(format!("column {} is {}", column.name, array.data_type())))?;
            for row in 0..batch.num_rows() {
                if !same(array.get(row), cells.get(start + row)) {
                    return Err(differs(format!("column {}, row {}", column.name, start + row + 1)));
                }
            }
        }
        start += batch.num_rows();
    }
    if start == frame.height() { Ok(()) } else { Err(differs(format!("{start} of {} rows", frame.height()))) }
}

/// Compares a written CSV file with its table, by the `csv` crate. Null and empty text read alike there.
///
/// # Errors
///
/// [`PublishError::ReadBack`] names the first difference.
pub fn verify_csv(
    folder: &Path,
    record: &FileRecord,
    docs: &TableDocs,
    frame: &DataFrame,
    format: CsvFormat,
) -> Result<(), PublishError> {
    let path = folder.join(&record.path);
    let differs = |detail: String| PublishError::ReadBack { path: path.clone(), detail };
    let bytes = read_whole(&path, record)?;
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .delimiter(format.separator as u8)
        .from_reader(bytes.strip_prefix(MARK.as_bytes()).unwrap_or(&bytes));
    let columns = columns(docs, frame)?;
    let mut rows = 0;
    for (line, record) in reader.records().enumerate() {
        let record = record.map_err(|error| differs(error.to_string()))?;
        if record.len() != columns.len() {
            return Err(differs(format!("record {} has {} fields", line + 1, record.len())));
        }
        if line == 0 {
            if !record.iter().eq(docs.columns.iter().map(|column| format.guarded(&column.name))) {
                return Err(differs("another header".to_owned()));
            }
            continue;
        }
        rows += 1;
        if rows > frame.height() {
            return Err(differs(format!("more than {} rows", frame.height())));
        }
        for ((field, cells), column) in record.iter().zip(&columns).zip(&docs.columns) {
            if !reads_as(field, cells.get(rows - 1), format) {
                return Err(differs(format!("column {}, row {rows}", column.name)));
            }
        }
    }
    if rows == frame.height() { Ok(()) } else { Err(differs(format!("{rows} of {} rows", frame.height()))) }
}

/// Reads a written file back and compares it with what was written, byte by byte.
pub(super) fn read_whole(path: &Path, record: &FileRecord) -> Result<Vec<u8>, PublishError> {
    let bytes = files::read_file(path)?;
    if bytes.len() as u64 != record.size || sha256(&bytes) != record.sha256 {
        let detail = "its SHA-256 is not that of what was written".to_owned();
        return Err(PublishError::ReadBack { path: path.to_owned(), detail });
    }
    Ok(bytes)
}

fn columns<'a>(docs: &TableDocs, frame: &'a DataFrame) -> Result<Vec<Cells<'a>>, PublishError> {
    let cells =
        docs.columns.iter().map(|column| Cells::new(frame.column(&column.name)?, column.kind)).collect();
    let cells: Result<Vec<_>, _> = cells;
    Ok(cells.map_err(|source| TableError::Frame { table: docs.name.clone(), source })?)
}

/// A column as the second reader sees it.
enum ReadColumn {
    Text(StringArray),
    Int(Int64Array),
    Float(Float64Array),
    Bool(BooleanArray),
    Date(Date32Array),
    Instant(TimestampMicrosecondArray),
}

impl ReadColumn {
    /// `None` if the array is of another type than documented.
    fn new(array: &dyn Array, kind: ColumnType) -> Option<Self> {
        Some(match (kind, array.data_type()) {
            (ColumnType::Utf8, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View) => {
                ReadColumn::Text(cast(array, &DataType::Utf8).ok()?.as_string::<i32>().clone())
            }
            (ColumnType::Int64, DataType::Int64) => ReadColumn::Int(array.as_primitive().clone()),
            (ColumnType::Float64, DataType::Float64) => ReadColumn::Float(array.as_primitive().clone()),
            (ColumnType::Boolean, DataType::Boolean) => ReadColumn::Bool(array.as_boolean().clone()),
            (ColumnType::Date32, DataType::Date32) => ReadColumn::Date(array.as_primitive().clone()),
            (ColumnType::TimestampUs, DataType::Timestamp(TimeUnit::Microsecond, Some(zone)))
                if matches!(&**zone, "UTC" | "+00:00") =>
            {
                ReadColumn::Instant(array.as_primitive().clone())
            }
            _ => return None,
        })
    }

    fn get(&self, row: usize) -> Cell<'_> {
        match self {
            ReadColumn::Text(array) => array.is_valid(row).then(|| Cell::Text(array.value(row))),
            ReadColumn::Int(array) => array.is_valid(row).then(|| Cell::Int(array.value(row))),
            ReadColumn::Float(array) => array.is_valid(row).then(|| Cell::Float(array.value(row))),
            ReadColumn::Bool(array) => array.is_valid(row).then(|| Cell::Bool(array.value(row))),
            ReadColumn::Date(array) => array.is_valid(row).then(|| Cell::Date(array.value(row))),
            ReadColumn::Instant(array) => array.is_valid(row).then(|| Cell::Instant(array.value(row))),
        }
        .unwrap_or(Cell::Null)
    }
}

fn same(read: Cell<'_>, written: Cell<'_>) -> bool {
    match (read, written) {
        (Cell::Float(read), Cell::Float(written)) => read.to_bits() == written.to_bits(),
        (read, written) => read == written,
    }
}

/// Whether a field of a CSV file stands for the cell, by parsers that the writer doesn't use.
fn reads_as(field: &str, cell: Cell<'_>, format: CsvFormat) -> bool {
    match cell {
        Cell::Null => field.is_empty(),
        Cell::Text(text) => field == format.guarded(text),
        Cell::Int(value) => field.parse() == Ok(value),
        Cell::Float(value) => {
            let text = field.replace(format.decimal, ".");
            !text.contains(['e', 'E'])
                && text.parse::<f64>().is_ok_and(|parsed| parsed.to_bits() == value.to_bits())
        }
        Cell::Bool(value) => field.parse() == Ok(value),
        Cell::Date(days) => field.parse::<Date>().is_ok_and(|date| {
            date.since(Date::constant(1970, 1, 1)).is_ok_and(|span| span.get_days() == days)
        }),
        Cell::Instant(us) => field.parse::<Timestamp>().is_ok_and(|instant| instant.as_microsecond() == us),
    }
}
