//! Parquet files page by page, with claims that no writer makes.

use std::sync::Arc;

use parquet::basic::{Compression, ZstdLevel};
use parquet::file::metadata::{
    ColumnChunkMetaData, FileMetaData, ParquetMetaData, ParquetMetaDataWriter, RowGroupMetaData,
};
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::SchemaDescriptor;

/// Customer, time and event, as the contract needs them.
pub const SCHEMA: &str = "message rows { required binary customer_id (STRING); \
    required int64 occurred_at (TIMESTAMP(MICROS,true)); required binary event (STRING); }";

/// Pages of a column, and what the footer says of them.
#[derive(Clone)]
pub struct Chunk {
    pub bytes: Vec<u8>,
    pub compression: Compression,
    /// Whether the first page is a dictionary: how long it is with its header.
    pub dictionary: Option<usize>,
    /// Instead of where it begins.
    pub claimed_start: Option<i64>,
    /// Instead of how long it is.
    pub claimed_bytes: Option<i64>,
}

impl Chunk {
    /// Pages that aren't compressed.
    pub fn plain(pages: &[Vec<u8>]) -> Self {
        Self {
            bytes: pages.concat(),
            compression: Compression::UNCOMPRESSED,
            dictionary: None,
            claimed_start: None,
            claimed_bytes: None,
        }
    }

    /// A dictionary, then other pages.
    pub fn with_dictionary(dictionary: Vec<u8>, pages: &[Vec<u8>]) -> Self {
        let length = dictionary.len();
        Self { bytes: [dictionary, pages.concat()].concat(), dictionary: Some(length), ..Self::plain(&[]) }
    }

    /// The same value in so many rows.
    pub fn constant(value: &[u8], rows: u32) -> Self {
        Self::with_dictionary(dictionary(1, value, value.len()), &[same_code(rows)])
    }

    pub fn zstd(mut self) -> Self {
        self.compression = Compression::ZSTD(ZstdLevel::default());
        self
    }
}

/// Text as a dictionary has it: its length before it.
pub fn text(value: &[u8]) -> Vec<u8> {
    [&(value.len() as u32).to_le_bytes()[..], value].concat()
}

/// A page that says for every row: the first of the dictionary.
pub fn same_code(rows: u32) -> Vec<u8> {
    // Codes of no bits, in one run.
    let mut body = vec![0];
    varint(u64::from(rows) << 1, &mut body);
    data(rows, 8, &body, body.len())
}

/// A dictionary of so many values.
pub fn dictionary(values: u32, body: &[u8], unpacked: usize) -> Vec<u8> {
    let mut page = head(2, unpacked, body.len());
    page.push(0x4c);
    page.extend(integer(1, values));
    page.extend(integer(1, 0));
    page.extend([0, 0]);
    page.extend(body);
    page
}

/// A page of so many values in an encoding, by its number.
pub fn data(values: u32, encoding: u32, body: &[u8], unpacked: usize) -> Vec<u8> {
    let mut page = head(0, unpacked, body.len());
    page.push(0x2c);
    page.extend(integer(1, values));
    page.extend(integer(1, encoding));
    page.extend(integer(1, 3));
    page.extend(integer(1, 3));
    page.extend([0, 0]);
    page.extend(body);
    page
}

fn head(kind: u32, unpacked: usize, stored: usize) -> Vec<u8> {
    [integer(1, kind), integer(1, unpacked as u32), integer(1, stored as u32)].concat()
}

/// The next field but so many, an integer.
fn integer(step: u8, value: u32) -> Vec<u8> {
    let mut bytes = vec![step << 4 | 5];
    varint(u64::from(value) << 1, &mut bytes);
    bytes
}

/// Seven bits a byte, the lowest first.
pub fn varint(mut value: u64, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// A file of row groups: rows and columns of each.
pub fn file(schema: &str, groups: &[(i64, Vec<Chunk>)]) -> Vec<u8> {
    let schema = Arc::new(SchemaDescriptor::new(Arc::new(parse_message_type(schema).expect("a schema"))));
    let mut bytes = b"PAR1".to_vec();
    let mut written = Vec::new();
    for (rows, chunks) in groups {
        let mut columns = Vec::new();
        for (column, chunk) in chunks.iter().enumerate() {
            let start = chunk.claimed_start.unwrap_or(bytes.len() as i64);
            let data = chunk.dictionary.map_or(start, |length| start + length as i64);
            let builder = ColumnChunkMetaData::builder(schema.column(column))
                .set_compression(chunk.compression)
                .set_num_values(*rows)
                .set_dictionary_page_offset(chunk.dictionary.map(|_| start))
                .set_data_page_offset(data)
                .set_total_compressed_size(chunk.claimed_bytes.unwrap_or(chunk.bytes.len() as i64))
                .set_total_uncompressed_size(chunk.bytes.len() as i64);
            columns.push(builder.build().expect("a chunk"));
            bytes.extend(&chunk.bytes);
        }
        let group = RowGroupMetaData::builder(Arc::clone(&schema))
            .set_num_rows(*rows)
            .set_total_byte_size(bytes.len() as i64)
            .set_column_metadata(columns);
        written.push(group.build().expect("a row group"));
    }
    let rows = groups.iter().map(|(rows, _)| rows).sum();
    let file = FileMetaData::new(1, rows, None, None, schema, None);
    let metadata = ParquetMetaData::new(file, written);
    ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().expect("memory");
    bytes
}
