//! Parquet files: zstd, with the documentation of table and columns in the metadata.

use arrow::datatypes::{DataType, Field, Schema, TimeUnit};
use parquet::arrow::{ARROW_SCHEMA_META_KEY, encode_arrow_schema};
use polars::prelude::{DataFrame, PolarsError};
use polars_io::parquet::write::{KeyValueMetadata, ParquetCompression, ParquetWriter};
use serde_json::{Map, Value, json};

use crate::tables::{ColumnDocs, ColumnType, TableDocs, on_one_thread};

/// Rows of a row group: the same whatever the chunks of the frame.
const ROW_GROUP_ROWS: usize = 131_072;

/// The bytes of the table's Parquet file: the same for the same table.
///
/// The file metadata holds `touchline.table` (grain, description, keys, order) and
/// `touchline.columns` (unit, null meaning, interval and description by column), both JSON.
///
/// # Errors
///
/// What Polars says.
pub fn encode(docs: &TableDocs, frame: &DataFrame) -> Result<Vec<u8>, PolarsError> {
    let mut frame = frame.clone();
    let metadata = KeyValueMetadata::from_static(vec![
        (ARROW_SCHEMA_META_KEY.to_owned(), arrow_schema(docs)),
        ("touchline.table".to_owned(), table_json(docs)),
        ("touchline.columns".to_owned(), columns_json(docs)),
    ]);
    on_one_thread(move || {
        frame.rechunk_mut();
        let mut bytes = Vec::new();
        ParquetWriter::new(&mut bytes)
            .with_compression(ParquetCompression::Zstd(None))
            .with_row_group_size(Some(ROW_GROUP_ROWS))
            .set_parallel(false)
            .with_key_value_metadata(Some(metadata))
            .finish(&mut frame)?;
        Ok(bytes)
    })
}

/// The columns for readers that build on Arrow.
///
/// Polars would name its own types there, and such a reader takes the file by its word: texts would be views, which
/// many programs don't know, or know only in recent versions.
fn arrow_schema(docs: &TableDocs) -> String {
    let field = |column: &ColumnDocs| {
        let kind = match column.kind {
            ColumnType::Utf8 => DataType::Utf8,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Date32 => DataType::Date32,
            ColumnType::TimestampUs => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        };
        Field::new(&column.name, kind, true)
    };
    let fields: Vec<Field> = docs.columns.iter().map(field).collect();
    encode_arrow_schema(&Schema::new(fields))
}

fn table_json(docs: &TableDocs) -> String {
    json!({
        "name": docs.name,
        "grain": docs.grain,
        "description": docs.description,
        "keys": docs.keys,
        "order": docs.order,
    })
    .to_string()
}

fn columns_json(docs: &TableDocs) -> String {
    let columns: Map<String, Value> = docs
        .columns
        .iter()
        .map(|column| {
            let described = json!({
                "unit": column.unit,
                "null": column.null,
                "interval": column.interval,
                "description": column.description,
            });
            (column.name.clone(), described)
        })
        .collect();
    Value::Object(columns).to_string()
}
