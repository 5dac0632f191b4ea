//! Parquet files: zstd, with the documentation of table and columns in the metadata.

use polars::prelude::{DataFrame, PolarsError};
use polars_io::parquet::write::{KeyValueMetadata, ParquetCompression, ParquetWriter};
use serde_json::{Map, Value, json};

use crate::tables::{TableDocs, on_one_thread};

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
