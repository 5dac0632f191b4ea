//! Small tables as CSV: every field is text until the contract looks at it.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use arrow::record_batch::RecordBatch;

use crate::config::plan::Integrity;

use super::discover::InputFile;
use super::error::InputError;
use super::integrity::verify_bytes;
use super::open::{changed, io};

/// A CSV file, read.
#[derive(Debug)]
pub struct Csv {
    /// All rows, every column text.
    pub batch: RecordBatch,
    /// BLAKE3 of the file.
    pub digest: blake3::Hash,
    /// SHA-256 of the file, where one lies beside it and agrees.
    pub sha256: Option<String>,
}

/// Reads a whole CSV file with a header. Separators `,` `;` and tab are told apart by the header; a
/// byte-order mark is skipped. Empty fields are null.
///
/// # Errors
/// The file isn't there any more, changes, isn't what its checksum says, or is no CSV.
pub fn read(file: &InputFile, integrity: Integrity) -> Result<Csv, InputError> {
    let bytes = bytes_of(file)?;
    let sha256 = match integrity {
        Integrity::Off => None,
        _ => verify_bytes(file, &bytes)?,
    };
    if integrity == Integrity::Require && sha256.is_none() {
        return Err(InputError::Unverified { path: file.path.clone() });
    }
    Ok(Csv { batch: parse(file, &bytes)?, digest: blake3::hash(&bytes), sha256 })
}

/// Reads the bytes of a CSV file, or those of its first lines, as [`read`] does; `file` is for messages.
///
/// # Errors
/// They are no table in UTF-8 with a header.
pub fn parse(file: &InputFile, bytes: &[u8]) -> Result<RecordBatch, InputError> {
    let unreadable = |reason: String| unreadable(file, reason);
    let (mut reader, names) = open(file, bytes)?;
    let mut columns: Vec<Vec<Option<String>>> = vec![Vec::new(); names.len()];
    for record in reader.records() {
        let record = record.map_err(|error| unreadable(error.to_string()))?;
        for (column, field) in columns.iter_mut().zip(record.iter()) {
            column.push(Some(field.trim()).filter(|field| !field.is_empty()).map(str::to_owned));
        }
    }
    let fields: Vec<Field> = names.iter().map(|name| Field::new(name, DataType::Utf8, true)).collect();
    let arrays: Vec<ArrayRef> =
        columns.into_iter().map(|column| Arc::new(StringArray::from(column)) as ArrayRef).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).map_err(|error| unreadable(error.to_string()))
}

/// Names of the columns of a CSV file, from its header.
pub fn columns(file: &InputFile) -> Result<Vec<String>, InputError> {
    let bytes = bytes_of(file)?;
    Ok(open(file, &bytes)?.1)
}

fn bytes_of(file: &InputFile) -> Result<Vec<u8>, InputError> {
    let handle = file.open_first()?;
    let mut bytes = vec![0; file.identity.size as usize];
    let read = handle.read_exact_at(&mut bytes, 0);
    if let Some(what) = file.changed(&handle)? {
        return Err(changed(file, Some(what)));
    }
    read.map_err(io("read", file))?;
    Ok(bytes)
}

/// A reader of the rows, and the names in the header.
fn open<'b>(file: &InputFile, bytes: &'b [u8]) -> Result<(csv::Reader<&'b [u8]>, Vec<String>), InputError> {
    let text = std::str::from_utf8(bytes).map_err(|error| {
        let line = bytes[..error.valid_up_to()].iter().filter(|byte| **byte == b'\n').count() + 1;
        unreadable(file, format!("line {line} is not UTF-8"))
    })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let header = text.lines().next().unwrap_or_default();
    let separator = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|separator| (header.bytes().filter(|byte| byte == separator).count(), *separator == b','))
        .unwrap_or(b',');
    let mut reader = csv::ReaderBuilder::new().delimiter(separator).from_reader(text.as_bytes());
    let headers = reader.headers().map_err(|error| unreadable(file, error.to_string()))?;
    let names: Vec<String> = headers.iter().map(str::to_owned).collect();
    if names.is_empty() || names.iter().all(String::is_empty) {
        return Err(unreadable(file, "it has no header".to_owned()));
    }
    Ok((reader, names))
}

fn unreadable(file: &InputFile, reason: String) -> InputError {
    InputError::Unreadable { path: file.path.clone(), format: "CSV", reason }
}
