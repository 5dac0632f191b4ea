//! A walk over the pages of a column chunk, from header to header, before any is unpacked.

use parquet::basic::{Compression, Type};
use parquet::file::metadata::ColumnChunkMetaData;

use super::bytes::FileBytes;
use super::compact::Broken;
use super::limits::{Limits, Refusal, mebibytes};
use super::open::BATCH_ROWS;
use super::page_header::{PageHeader, PageKind, encodings, read};

/// Bytes looked at for a header, and what is looked at where that wasn't enough. Statistics may be long.
const HEADER_BYTES: [u64; 3] = [256, 16 << 10, 1 << 20];
/// The longest decimal of any accepted type has so many bytes, and so has no value of fixed length more.
const MOST_FIXED_BYTES: i32 = 32;
/// The most that the frames of LZ4 can unpack a byte to. The decoder doesn't ask how much it will be.
const LZ4_FACTOR: u64 = 255;

/// Pages of a chunk, in order.
#[derive(Debug, Clone, Default)]
pub(super) struct ChunkPages {
    /// Without those that nothing reads.
    pub(super) headers: Vec<PageHeader>,
    /// Whether every page has a checksum.
    pub(super) covered: bool,
    /// Whether a page is encoded otherwise than by the dictionary, though there is one.
    pub(super) leaves_dictionary: bool,
}

/// Walks over a chunk of a column without levels of repetition, in a row group of so many rows.
pub(super) fn walk(
    bytes: &FileBytes,
    chunk: &ColumnChunkMetaData,
    rows: u64,
    limits: &Limits,
) -> std::io::Result<Result<ChunkPages, Refusal>> {
    if chunk.column_type() == Type::FIXED_LEN_BYTE_ARRAY
        && chunk.column_descr().type_length() > MOST_FIXED_BYTES
    {
        return Ok(Err(Refusal::broken(format!(
            "a column of values of {} bytes each",
            chunk.column_descr().type_length()
        ))));
    }
    let (mut at, length) = chunk.byte_range();
    let end = at.saturating_add(length);
    let mut pages = ChunkPages { covered: true, ..ChunkPages::default() };
    let mut values = 0_u64;
    while values < rows {
        let header = match header_at(bytes, at, end)? {
            Ok(header) => header,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let begin = at + header.header_bytes as u64;
        at = begin + u64::from(header.stored_bytes);
        if at > end {
            return Ok(Err(Refusal::broken("a page goes on beyond its column")));
        }
        if header.kind == PageKind::Index {
            continue;
        }
        if let Err(refusal) = check(&header, chunk, limits) {
            return Ok(Err(refusal));
        }
        pages.covered &= header.checksum.is_some();
        if header.kind != PageKind::Dictionary {
            values += u64::from(header.values);
            let by_dictionary = [encodings::PLAIN_DICTIONARY, encodings::RLE_DICTIONARY];
            pages.leaves_dictionary |= !by_dictionary.contains(&header.encoding);
        }
        pages.headers.push(header);
    }
    if values > rows {
        return Ok(Err(Refusal::broken(format!(
            "the pages of a column hold {values} values, and its row group has {rows} rows"
        ))));
    }
    Ok(Ok(pages))
}

fn header_at(bytes: &FileBytes, at: u64, end: u64) -> std::io::Result<Result<PageHeader, Refusal>> {
    for length in HEADER_BYTES {
        let length = length.min(end.saturating_sub(at));
        match read(&bytes.part(at, length)?) {
            Ok(header) => return Ok(Ok(header)),
            Err(Broken::Cut) if at + length < end => {}
            Err(Broken::Cut) => break,
            Err(Broken::Invalid(what)) => {
                return Ok(Err(Refusal::broken(format!("a page header holds {what}"))));
            }
        }
    }
    Ok(Err(Refusal::broken("a column ends before all of its rows are there")))
}

fn check(header: &PageHeader, chunk: &ColumnChunkMetaData, limits: &Limits) -> Result<(), Refusal> {
    let claimed = u64::from(header.stored_bytes.max(header.unpacked_bytes));
    let unpacked = match chunk.compression() {
        // Whether a page is one is only found out by unpacking it.
        Compression::LZ4 => claimed.max(u64::from(header.stored_bytes).saturating_mul(LZ4_FACTOR)),
        _ => claimed,
    };
    if unpacked > limits.decoder_bytes {
        return Err(Refusal::TooLarge {
            claim: format!("a page may unpack to {}", mebibytes(unpacked)),
            allowed: mebibytes(limits.decoder_bytes),
        });
    }
    if let PageKind::DataV2 { level_bytes } = header.kind
        && level_bytes > u64::from(header.stored_bytes)
    {
        return Err(Refusal::broken("the levels of a page are longer than it is"));
    }
    if header.kind == PageKind::Dictionary {
        let least_bytes = match chunk.column_type() {
            Type::INT64 | Type::DOUBLE => 8,
            Type::INT96 => 12,
            Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(chunk.column_descr().type_length()).unwrap_or(0),
            _ => 4,
        };
        if u64::from(header.values).saturating_mul(least_bytes) > u64::from(header.unpacked_bytes) {
            return Err(Refusal::broken(format!(
                "a dictionary of {} bytes claims {} values",
                header.unpacked_bytes, header.values
            )));
        }
    }
    Ok(())
}

/// Bytes that a decoder holds of a column while it goes through these chunks: dictionaries twice, as they are and as
/// texts, and all pages that a batch may lie in.
pub(super) fn working_bytes<'p>(chunks: impl Iterator<Item = &'p ChunkPages>) -> u64 {
    let (mut dictionary, mut most) = (0_u64, 0_u64);
    // Pages that the present batch may begin in, with the rows before the last of them.
    let mut window: std::collections::VecDeque<(u64, u64)> = std::collections::VecDeque::new();
    let (mut bytes, mut rows) = (0_u64, 0_u64);
    for header in chunks.flat_map(|chunk| &chunk.headers) {
        let own = u64::from(header.unpacked_bytes.max(header.stored_bytes));
        if header.kind == PageKind::Dictionary {
            dictionary = dictionary.max(own);
            continue;
        }
        // What lies between the first and the last page of a batch is less than a batch.
        while window.len() > 1
            && let Some((_, first_rows)) = window.front()
            && rows - first_rows >= BATCH_ROWS as u64
        {
            rows -= first_rows;
            bytes -= window.pop_front().map_or(0, |(bytes, _)| bytes);
        }
        window.push_back((own, u64::from(header.values)));
        (bytes, rows) = (bytes + own, rows + u64::from(header.values));
        most = most.max(bytes);
    }
    dictionary * 2 + most
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(kind: PageKind, unpacked_bytes: u32, values: u32) -> PageHeader {
        let encoding = encodings::PLAIN;
        PageHeader {
            kind,
            header_bytes: 20,
            stored_bytes: 10,
            unpacked_bytes,
            values,
            encoding,
            checksum: None,
        }
    }

    fn working(pages: Vec<PageHeader>) -> u64 {
        working_bytes([ChunkPages { headers: pages, ..ChunkPages::default() }].iter())
    }

    #[test]
    fn all_pages_of_a_batch_are_held() {
        let usual = vec![page(PageKind::Data, 1_000, 20_000); 50];
        assert_eq!(working(usual), 2_000);
        let small = vec![page(PageKind::Data, 1_000, 1_000); 50];
        assert_eq!(working(small), 10_000);
        let single = vec![page(PageKind::Data, 1_000, 1); 50];
        assert_eq!(working(single), 50_000);
        let empty = vec![page(PageKind::Data, 1_000, 0); 50];
        assert_eq!(working(empty), 50_000);
        let with_dictionary = vec![page(PageKind::Dictionary, 500, 10), page(PageKind::Data, 100, 9_000)];
        assert_eq!(working(with_dictionary), 1_100);
    }
}
