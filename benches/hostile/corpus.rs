//! Files of touchpoints as several writers would write them, with and without checksums of pages, and what happens to
//! files: eight kinds of damage. Everything follows from a seed.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, Encoding, GzipLevel, ZstdLevel};
use parquet::file::metadata::{
    ColumnChunkMetaData, PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, ParquetMetaDataWriter,
};
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::schema::types::ColumnPath;

/// Rows of a file: two row groups, and several pages in each.
const ROWS: i64 = 600;
const SECTOR: usize = 512;

/// Random numbers that are the same on every machine (Steele, Lea, Flood 2014: SplitMix64).
#[derive(Debug, Clone)]
pub struct Random(u64);

impl Random {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// Below a bound, which is above zero.
    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// What says whether a file is whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Nothing.
    None,
    /// Checksums of its pages.
    Pages,
    /// A checksum of the whole file beside it.
    Sidecar,
}

impl Protection {
    pub const ALL: [Self; 3] = [Self::None, Self::Pages, Self::Sidecar];
}

/// A file before anything happens to it.
#[derive(Debug, Clone)]
pub struct Base {
    pub name: &'static str,
    pub protection: Protection,
    pub bytes: Vec<u8>,
    /// What checksums of pages cover.
    pub covered: Vec<Range<usize>>,
}

/// What sets a kind of file apart.
type Settings = fn(WriterPropertiesBuilder) -> WriterPropertiesBuilder;

/// Every kind of file with every kind of protection.
pub fn bases() -> Vec<Base> {
    let own = |own: WriterPropertiesBuilder| own;
    let kinds: [(&str, Compression, Settings); 6] = [
        ("zstd", Compression::ZSTD(ZstdLevel::default()), own),
        ("snappy", Compression::SNAPPY, own),
        ("gzip, second version", Compression::GZIP(GzipLevel::default()), |own| {
            own.set_writer_version(WriterVersion::PARQUET_2_0)
        }),
        ("zstd, second version", Compression::ZSTD(ZstdLevel::default()), |own| {
            own.set_writer_version(WriterVersion::PARQUET_2_0)
        }),
        ("plain", Compression::UNCOMPRESSED, |own| own.set_dictionary_enabled(false)),
        ("deltas", Compression::LZ4_RAW, |own| {
            let (ids, times) = (ColumnPath::from("customer_id"), ColumnPath::from("occurred_at"));
            own.set_dictionary_enabled(false)
                .set_column_encoding(ids, Encoding::DELTA_BYTE_ARRAY)
                .set_column_encoding(times, Encoding::DELTA_BINARY_PACKED)
                .set_column_encoding(ColumnPath::from("event"), Encoding::DELTA_LENGTH_BYTE_ARRAY)
        }),
    ];
    let mut bases = Vec::new();
    for (name, compression, how) in kinds {
        let plain = written(how(WriterProperties::builder().set_compression(compression)));
        for protection in Protection::ALL {
            let (bytes, covered) = match protection {
                Protection::Pages => with_checksums(&plain),
                _ => (plain.clone(), Vec::new()),
            };
            bases.push(Base { name, protection, bytes, covered });
        }
    }
    bases
}

/// Customers who click and buy; nothing repeats, so that whatever is read wrongly shows.
fn written(properties: WriterPropertiesBuilder) -> Vec<u8> {
    let rows = 0..ROWS;
    let columns: Vec<(&str, ArrayRef)> = vec![
        (
            "customer_id",
            Arc::new(StringArray::from_iter_values(rows.clone().map(|row| format!("c-{}", row % 97)))),
        ),
        (
            "occurred_at",
            Arc::new(
                rows.clone()
                    .map(|row| Some(1_775_030_400_000_000 + row * 977_000_123))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
        ),
        (
            "event",
            Arc::new(StringArray::from_iter_values(
                rows.clone().map(|row| if row % 5 == 4 { "purchase" } else { "click" }),
            )),
        ),
        (
            "channel",
            Arc::new(
                rows.clone()
                    .map(|row| (row % 5 != 4).then(|| format!("Channel {}", row % 7)))
                    .collect::<StringArray>(),
            ),
        ),
        (
            "value",
            Arc::new(
                rows.clone().map(|row| (row % 5 == 4).then_some(row as f64 + 0.25)).collect::<Float64Array>(),
            ),
        ),
        ("not_read", Arc::new(rows.map(|row| Some(row * row)).collect::<Int64Array>())),
    ];
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length");
    let properties = properties
        .set_max_row_group_row_count(Some(ROWS as usize / 2))
        .set_data_page_row_count_limit(100)
        .set_write_batch_size(100)
        .build();
    let mut bytes = Vec::new();
    let mut writer = ArrowWriter::try_new(&mut bytes, batch.schema(), Some(properties)).expect("a schema");
    writer.write(&batch).expect("memory");
    writer.close().expect("memory");
    bytes
}

/// The same file with a checksum in the header of every page, and what these cover.
pub fn with_checksums(plain: &[u8]) -> (Vec<u8>, Vec<Range<usize>>) {
    let metadata = ParquetMetaDataReader::new()
        .with_page_index_policy(PageIndexPolicy::Required)
        .parse_and_finish(&Bytes::copy_from_slice(plain))
        .expect("Parquet");
    let mut bytes = plain[..4].to_vec();
    let mut covered = Vec::new();
    let mut groups = Vec::new();
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let index = metadata.page_index_for_row_group(number);
        let mut columns = Vec::new();
        for (column, chunk) in group.columns().iter().enumerate() {
            let begin = bytes.len();
            let (mut dictionary, mut data) = (None, None);
            let mut pages: Vec<(usize, usize)> = index
                .page_locations(column)
                .expect("an index of pages")
                .iter()
                .map(|page| (page.offset as usize, page.compressed_page_size as usize))
                .collect();
            if let Some(offset) = chunk.dictionary_page_offset() {
                pages.insert(0, (offset as usize, (chunk.data_page_offset() - offset) as usize));
                dictionary = Some(begin as i64);
            }
            for (at, (offset, length)) in pages.into_iter().enumerate() {
                if at == usize::from(dictionary.is_some()) {
                    data = Some(bytes.len() as i64);
                }
                let body = add_checksum(&plain[offset..offset + length], &mut bytes);
                covered.push(body);
            }
            columns.push(moved(chunk, dictionary, data.expect("a page"), (bytes.len() - begin) as i64));
        }
        let stored = columns.iter().map(ColumnChunkMetaData::compressed_size).sum();
        let group = group.clone().into_builder().set_column_metadata(columns).set_total_byte_size(stored);
        groups.push(group.build().expect("a row group"));
    }
    let metadata = ParquetMetaData::new(metadata.file_metadata().clone(), groups);
    ParquetMetaDataWriter::new(&mut bytes, &metadata).finish().expect("memory");
    (bytes, covered)
}

/// A chunk that lies elsewhere.
fn moved(
    chunk: &ColumnChunkMetaData,
    dictionary: Option<i64>,
    data: i64,
    length: i64,
) -> ColumnChunkMetaData {
    chunk
        .clone()
        .into_builder()
        .set_dictionary_page_offset(dictionary)
        .set_data_page_offset(data)
        .set_total_compressed_size(length)
        .set_offset_index_offset(None)
        .set_offset_index_length(None)
        .set_column_index_offset(None)
        .set_column_index_length(None)
        .build()
        .expect("a chunk")
}

/// Writes a page with its checksum; returns where its body lies. Headers begin with the kind of the page, and the
/// sizes of its body unpacked and stored, each an integer of 32 bits.
fn add_checksum(page: &[u8], into: &mut Vec<u8>) -> Range<usize> {
    let mut at = 0;
    let mut stored = 0;
    for _ in 0..3 {
        assert_eq!(page[at], 0x15, "the next field, an integer of 32 bits");
        let (value, length) = varint(&page[at + 1..]);
        stored = (value >> 1) as usize;
        at += 1 + length;
    }
    let body = &page[page.len() - stored..];
    let checksum = crc32(body) as i32;
    into.extend_from_slice(&page[..at]);
    into.push(0x15);
    write_varint(((checksum << 1) ^ (checksum >> 31)) as u32, into);
    // The number of the next field counts from four now.
    into.push(page[at] - 0x10);
    into.extend_from_slice(&page[at + 1..page.len() - stored]);
    let begin = into.len();
    into.extend_from_slice(body);
    begin..into.len()
}

fn varint(bytes: &[u8]) -> (u64, usize) {
    let mut value = 0;
    for (at, byte) in bytes.iter().enumerate() {
        value |= u64::from(byte & 0x7f) << (at * 7);
        if byte & 0x80 == 0 {
            return (value, at + 1);
        }
    }
    panic!("a number that doesn't end");
}

fn write_varint(mut value: u32, into: &mut Vec<u8>) {
    while value >= 0x80 {
        into.push(value as u8 | 0x80);
        value >>= 7;
    }
    into.push(value as u8);
}

/// The checksum of gzip and of Parquet (ISO 3309), bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |checksum, byte| {
        (0..8).fold(checksum ^ u32::from(*byte), |checksum, _| {
            (checksum >> 1) ^ (0xedb8_8320 & (checksum & 1).wrapping_neg())
        })
    })
}

/// Names of the kinds of damage.
pub const KINDS: [&str; 8] = [
    "flipped bits",
    "overwritten bytes",
    "truncated",
    "zeroed sector",
    "swapped blocks",
    "duplicated block",
    "bytes cut out",
    "edited footer",
];

/// A file that something happened to.
#[derive(Debug)]
pub struct Mutant {
    /// Place in the bases.
    pub base: usize,
    pub bytes: Vec<u8>,
    /// Whether a checksum covers every byte that was changed.
    pub is_covered: bool,
}

/// Place in [`KINDS`] of the mutant of a number.
pub fn kind_of(number: usize) -> usize {
    number % KINDS.len()
}

/// The mutant of a number: kinds and bases take turns, the rest is drawn.
pub fn mutant(bases: &[Base], seed: u64, number: usize) -> Mutant {
    let mut random = Random::new(seed ^ (number as u64).wrapping_mul(0xd134_2543_de82_ef95));
    let kind = kind_of(number);
    let base = number / KINDS.len() % bases.len();
    let whole = &bases[base].bytes;
    loop {
        let bytes = damaged(whole, kind, &mut random);
        if bytes != *whole {
            return Mutant { base, is_covered: is_covered(&bases[base], &bytes), bytes };
        }
    }
}

fn damaged(whole: &[u8], kind: usize, random: &mut Random) -> Vec<u8> {
    let mut bytes = whole.to_vec();
    let length = bytes.len();
    let block = |random: &mut Random| {
        let size = [16, 64, SECTOR][random.below(3)].min(length / 4);
        let at = random.below(length - size);
        at..at + size
    };
    match kind {
        0 => {
            for _ in 0..=random.below(4) {
                bytes[random.below(length)] ^= 1 << random.below(8);
            }
        }
        1 => {
            let at = random.below(length);
            let end = (at + 1 + random.below(16)).min(length);
            bytes[at..end].fill_with(|| random.next() as u8);
        }
        2 => bytes.truncate(random.below(length)),
        3 => {
            let at = random.below(length.div_ceil(SECTOR)) * SECTOR;
            bytes[at..(at + SECTOR).min(length)].fill(0);
        }
        4 => {
            let (one, other) = (block(random), block(random));
            let size = one.len().min(other.len());
            for at in 0..size {
                bytes.swap(one.start + at, other.start + at);
            }
        }
        5 => {
            let (from, to) = (block(random), block(random));
            let size = from.len().min(to.len());
            bytes.copy_within(from.start..from.start + size, to.start);
        }
        6 => {
            let cut = block(random);
            bytes.drain(cut);
        }
        _ => {
            let tail =
                u32::from_le_bytes(whole[length - 8..length - 4].try_into().expect("four bytes")) as usize;
            let footer = length - 8 - tail..length - 4;
            for _ in 0..=random.below(3) {
                bytes[footer.start + random.below(footer.len())] = random.next() as u8;
            }
        }
    }
    bytes
}

fn is_covered(base: &Base, bytes: &[u8]) -> bool {
    match base.protection {
        Protection::None => false,
        Protection::Sidecar => true,
        Protection::Pages => {
            let whole = &base.bytes;
            let covers = |at: usize| base.covered.iter().any(|body| body.contains(&at));
            bytes.len() == whole.len() && (0..whole.len()).filter(|at| bytes[*at] != whole[*at]).all(covers)
        }
    }
}
