//! `datapackage.json`: types, units and descriptions by the Frictionless standard.

use serde_json::{Value, json};

use super::csv::CsvFormat;
use super::error::PublishError;
use super::manifest::{FileRecord, TableRecord};
use crate::config::plan::CsvStyle;
use crate::tables::{ColumnDocs, ColumnType, TableDocs};

/// Name of the file in the folder of a run.
pub const DATA_PACKAGE: &str = "datapackage.json";

/// The bytes of the data package: one resource per file.
///
/// # Errors
///
/// None that is known of.
pub fn encode(
    name: &str,
    tables: &[(&TableDocs, &TableRecord)],
    format: CsvFormat,
) -> Result<Vec<u8>, PublishError> {
    let mut resources = Vec::new();
    for (docs, record) in tables {
        if let Some(file) = &record.parquet {
            resources.push(resource(docs, file, "parquet", "application/vnd.apache.parquet", None));
        }
        if let Some(file) = &record.csv {
            resources.push(resource(docs, file, "csv", "text/csv", Some(format)));
        }
    }
    let package = json!({ "name": name, "resources": resources });
    let mut bytes = serde_json::to_vec_pretty(&package)
        .map_err(|source| PublishError::Json { file: DATA_PACKAGE, source })?;
    bytes.push(b'\n');
    Ok(bytes)
}

fn resource(
    docs: &TableDocs,
    file: &FileRecord,
    kind: &str,
    media_type: &str,
    csv: Option<CsvFormat>,
) -> Value {
    let fields: Vec<Value> = docs.columns.iter().map(|column| field(column, csv)).collect();
    let mut schema = json!({ "fields": fields, "missingValues": [""] });
    // A primary key has no nulls.
    let nullable =
        |key: &String| docs.columns.iter().any(|column| column.name == *key && column.null.is_some());
    if !docs.keys.is_empty() && !docs.keys.iter().any(nullable) {
        schema["primaryKey"] = json!(docs.keys);
    }
    let mut resource = json!({
        "name": format!("{}.{kind}", docs.name),
        "title": docs.name,
        "description": format!("{} {}", docs.grain, docs.description).trim(),
        "path": file.path,
        "format": kind,
        "mediatype": media_type,
        "bytes": file.size,
        "hash": format!("sha256:{}", file.sha256),
        "schema": schema,
    });
    if let Some(format) = csv {
        resource["profile"] = json!("tabular-data-resource");
        resource["encoding"] = json!("utf-8");
        resource["dialect"] = json!({
            "delimiter": format.separator.to_string(),
            "lineTerminator": if format.style == CsvStyle::Excel { "\r\n" } else { "\n" },
            "quoteChar": "\"",
            "doubleQuote": true,
            "header": true,
        });
    }
    resource
}

fn field(column: &ColumnDocs, csv: Option<CsvFormat>) -> Value {
    let kind = match column.kind {
        ColumnType::Utf8 => "string",
        ColumnType::Int64 => "integer",
        ColumnType::Float64 => "number",
        ColumnType::Boolean => "boolean",
        ColumnType::Date32 => "date",
        ColumnType::TimestampUs => "datetime",
    };
    let mut field = json!({
        "name": column.name,
        "type": kind,
        "description": column.description,
        "constraints": { "required": column.null.is_none() },
    });
    if column.unit != "none" {
        field["unit"] = json!(column.unit);
    }
    if column.interval != "none" {
        field["interval"] = json!(column.interval);
    }
    if let Some(meaning) = &column.null {
        field["null"] = json!(meaning);
    }
    if let (ColumnType::Float64, Some(CsvFormat { decimal, .. })) = (column.kind, csv) {
        field["decimalChar"] = json!(decimal.to_string());
    }
    field
}
