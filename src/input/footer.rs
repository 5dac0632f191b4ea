//! Reads footers: bounded before they are parsed, and held against their file before anything is read by them.

use std::sync::Arc;

use arrow::datatypes::Schema;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::metadata::{FooterTail, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};

use super::compact::{Broken, Compact, Kind};
use super::discover::InputFile;
use super::error::InputError;
use super::guard::guarded;
use super::handle::Handle;
use super::limits::{Limits, Refusal, mebibytes};
use super::open::{changed, io, refused, unreadable};

/// Bytes at the end of a file that are read at once: more than most footers have.
const TAIL_BYTES: u64 = 64 << 10;
/// Bytes after a footer: its length and the closing magic.
const TAIL: usize = 8;
/// What a column chunk becomes in memory, with its statistics.
const CHUNK_BYTES: u64 = 1 << 10;
/// Groups of columns lie at most so deep in each other: deeper ones would take the parser's stack.
const MOST_NESTED: usize = 64;

/// A file whose footer was read, before anybody asks for columns.
#[derive(Debug, Clone)]
pub struct Footer {
    pub(super) file: InputFile,
    pub(super) metadata: ArrowReaderMetadata,
    pub(super) digest: blake3::Hash,
    pub(super) limits: Limits,
}

impl Footer {
    /// The columns with their types.
    pub fn schema(&self) -> &Schema {
        self.metadata.schema()
    }

    /// Rows of each row group.
    pub fn group_rows(&self) -> impl Iterator<Item = u64> + '_ {
        let groups = self.metadata.metadata().row_groups().iter();
        groups.map(|group| u64::try_from(group.num_rows()).unwrap_or(0))
    }
}

/// Reads the footer of a file, once.
///
/// # Errors
/// The file isn't there any more, changes, is no Parquet, or claims more than the limits allow.
pub fn read_footer(file: InputFile, limits: &Limits) -> Result<Footer, InputError> {
    let handle = file.open_first()?;
    let bytes = footer_bytes(&handle, file.identity.size, limits).map_err(io("read", &file))?;
    let footer = bytes.and_then(|bytes| parse(&bytes, file.identity.size, limits));
    match footer {
        Ok((metadata, digest)) => Ok(Footer { file, metadata, digest, limits: limits.clone() }),
        Err(_) if file.changed(&handle)?.is_some() => Err(changed(&file, file.changed(&handle)?)),
        Err(Refusal::Broken(reason)) => {
            Err(unreadable(&file, without_footer(&handle, file.identity.size).unwrap_or(reason)))
        }
        Err(refusal) => Err(refused(&file, refusal)),
    }
}

fn parse(
    bytes: &[u8],
    file_bytes: u64,
    limits: &Limits,
) -> Result<(ArrowReaderMetadata, blake3::Hash), Refusal> {
    let digest = blake3::hash(bytes);
    let footer = &bytes[..bytes.len() - TAIL];
    check_claims(footer, limits)?;
    let parsed = guarded(|| -> ParquetResult<_> {
        let metadata = ParquetMetaDataReader::decode_metadata(footer)?;
        let metadata = ArrowReaderMetadata::try_new(Arc::new(metadata), ArrowReaderOptions::new())?;
        Ok(metadata)
    });
    let metadata = match parsed {
        Ok(metadata) => metadata.map_err(|error| Refusal::Broken(error.to_string()))?,
        Err(panicked) => return Err(Refusal::Broken(panicked.to_string())),
    };
    check_places(metadata.metadata(), file_bytes, bytes.len() as u64)?;
    Ok((metadata, digest))
}

/// Why a file has no footer, where its first and last bytes tell.
fn without_footer(handle: &Handle, size: u64) -> Option<String> {
    if size == 0 {
        return Some("it is empty".to_owned());
    }
    let (mut first, mut last) = ([0_u8; 4], [0_u8; 4]);
    let begins = handle.read_exact_at(&mut first, 0).is_ok() && first == *b"PAR1";
    let ends = handle.read_exact_at(&mut last, size.saturating_sub(4)).is_ok() && last == *b"PAR1";
    match (begins, ends) {
        (true, false) => Some("its end is missing, it was cut off while it was written or copied".to_owned()),
        (false, _) => Some("it holds something else, Parquet begins with PAR1".to_owned()),
        (true, true) => None,
    }
}

/// A footer with its length and the closing magic; the inner error says why there is none.
fn footer_bytes(handle: &Handle, size: u64, limits: &Limits) -> std::io::Result<Result<Vec<u8>, Refusal>> {
    let mut bytes = vec![0; size.min(TAIL_BYTES) as usize];
    let begin = size - bytes.len() as u64;
    handle.read_exact_at(&mut bytes, begin)?;
    let tail = bytes.len().checked_sub(TAIL).map(|begin| FooterTail::try_from(&bytes[begin..]));
    let refuse = |error: ParquetError| Ok(Err(Refusal::Broken(error.to_string())));
    let length = match tail {
        Some(Ok(tail)) if !tail.is_encrypted_footer() => tail.metadata_length() as u64 + TAIL as u64,
        Some(Ok(_)) => return Ok(Err(Refusal::broken("it is encrypted"))),
        Some(Err(error)) => return refuse(error),
        None => return Ok(Err(Refusal::broken("it is shorter than any footer"))),
    };
    if length > size {
        return refuse(ParquetError::EOF(format!("a footer of {length} bytes is longer than the file")));
    }
    if length > limits.footer_bytes {
        return Ok(Err(Refusal::TooLarge {
            claim: format!("its footer has {}", mebibytes(length)),
            allowed: mebibytes(limits.footer_bytes),
        }));
    }
    let length = length as usize;
    if length <= bytes.len() {
        bytes.drain(..bytes.len() - length);
    } else {
        bytes = vec![0; length];
        handle.read_exact_at(&mut bytes, size - length as u64)?;
    }
    Ok(Ok(bytes))
}

/// Reads through a footer as the parser will, but makes room for nothing.
fn check_claims(footer: &[u8], limits: &Limits) -> Result<(), Refusal> {
    let chunks = claimed_chunks(footer).map_err(|broken| {
        Refusal::Broken(match broken {
            Broken::Cut => "its footer ends too early".to_owned(),
            Broken::Invalid(what) => format!("its footer holds {what}"),
        })
    })?;
    if chunks.saturating_mul(CHUNK_BYTES) > limits.footer_bytes.saturating_mul(2) {
        return Err(Refusal::TooLarge {
            claim: format!("its footer lists {chunks} column chunks"),
            allowed: format!("{}", limits.footer_bytes.saturating_mul(2) / CHUNK_BYTES),
        });
    }
    Ok(())
}

/// How many column chunks a footer lists.
fn claimed_chunks(footer: &[u8]) -> Result<u64, Broken> {
    let mut compact = Compact::new(footer);
    let mut chunks = 0_u64;
    let mut last = 0;
    while let Some(field) = compact.field(last)? {
        match (field.id, field.kind) {
            (2, Kind::List) => check_schema(&mut compact)?,
            (4, Kind::List) => {
                let (kind, groups) = compact.list()?;
                for _ in 0..groups {
                    chunks += chunks_of_group(&mut compact, kind)?;
                }
            }
            (_, kind) => compact.skip(kind)?,
        }
        last = field.id;
    }
    Ok(chunks)
}

fn chunks_of_group(compact: &mut Compact<'_>, kind: Kind) -> Result<u64, Broken> {
    if kind != Kind::Struct {
        return Err(Broken::Invalid("row groups of another type than the format has"));
    }
    let (mut chunks, mut last) = (0, 0);
    while let Some(field) = compact.field(last)? {
        if (field.id, field.kind) == (1, Kind::List) {
            let (kind, count) = compact.list()?;
            chunks += count as u64;
            (0..count).try_for_each(|_| compact.skip(kind))?;
        } else {
            compact.skip(field.kind)?;
        }
        last = field.id;
    }
    Ok(chunks)
}

/// The parser follows groups of columns down by its own stack.
fn check_schema(compact: &mut Compact<'_>) -> Result<(), Broken> {
    let (kind, elements) = compact.list()?;
    if kind != Kind::Struct {
        return Err(Broken::Invalid("a schema of another type than the format has"));
    }
    // Children that are still to come of every group that isn't complete.
    let mut open: Vec<i64> = Vec::new();
    for _ in 0..elements {
        let (mut children, mut last) = (0, 0);
        while let Some(field) = compact.field(last)? {
            match field.id {
                5 => children = i64::from(compact.i32(field)?),
                _ => compact.skip(field.kind)?,
            }
            last = field.id;
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        if children > 0 {
            open.push(children);
        }
        while open.last() == Some(&0) {
            open.pop();
        }
        if open.len() > MOST_NESTED {
            return Err(Broken::Invalid("columns that lie too deep in each other"));
        }
    }
    Ok(())
}

/// Every row group must be possible, and every column chunk must lie in the file, apart from the others.
fn check_places(metadata: &ParquetMetaData, file_bytes: u64, footer_bytes: u64) -> Result<(), Refusal> {
    let (mut rows, mut stored) = (0_u64, 0_u64);
    let columns = metadata.file_metadata().schema_descr().num_columns();
    for (number, group) in metadata.row_groups().iter().enumerate() {
        let own = u64::try_from(group.num_rows())
            .map_err(|_| Refusal::Broken(format!("row group {number} has {} rows", group.num_rows())))?;
        rows = rows.saturating_add(own);
        if group.num_columns() != columns {
            let found = group.num_columns();
            return Err(Refusal::Broken(format!("row group {number} has {found} of {columns} columns")));
        }
        stored = stored.saturating_add(check_chunks(group, number, file_bytes - footer_bytes)?);
    }
    let claimed = metadata.file_metadata().num_rows();
    if u64::try_from(claimed) != Ok(rows) {
        return Err(Refusal::Broken(format!("it claims {claimed} rows, and its row groups {rows}")));
    }
    if stored > file_bytes {
        return Err(Refusal::Broken(format!(
            "its columns claim {stored} bytes, and the file has {file_bytes}"
        )));
    }
    let most = Limits::rows(file_bytes);
    if rows > most {
        return Err(Refusal::TooLarge {
            claim: format!("it has {file_bytes} bytes and claims {rows} rows"),
            allowed: format!("{most} of a file of that size"),
        });
    }
    Ok(())
}

/// Bytes of the chunks of a row group.
fn check_chunks(group: &RowGroupMetaData, number: usize, end: u64) -> Result<u64, Refusal> {
    let mut stored = 0_u64;
    for chunk in group.columns() {
        let name = || format!("column {} of row group {number}", chunk.column_path());
        if chunk.file_path().is_some() {
            return Err(Refusal::Broken(format!("{} lies in another file", name())));
        }
        let begin = chunk.dictionary_page_offset().unwrap_or_else(|| chunk.data_page_offset());
        let place = u64::try_from(begin).ok().zip(u64::try_from(chunk.compressed_size()).ok());
        match place {
            Some((begin, length)) if begin.checked_add(length).is_some_and(|last| last <= end) => {
                stored = stored.saturating_add(length);
            }
            _ => return Err(Refusal::Broken(format!("{} lies outside of the file", name()))),
        }
    }
    Ok(stored)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limits() -> Limits {
        Limits::of_memory(128 << 20, 1, &std::env::temp_dir())
    }

    /// A footer of nothing but a list in a field: its number, then its head and what follows.
    fn with_list(field: u8, head: &[u8]) -> Vec<u8> {
        [&[field << 4 | 9][..], head].concat()
    }

    #[test]
    fn lists_larger_than_the_footer_are_refused_before_there_is_room_for_them() {
        let many = [0xfc, 0xff, 0xff, 0xff, 0xff, 0x07];
        for field in [2, 4] {
            let refusal = check_claims(&with_list(field, &many), &limits()).unwrap_err();
            assert!(matches!(refusal, Refusal::Broken(reason) if reason.contains("more elements")));
        }
    }

    #[test]
    fn columns_that_lie_in_each_other_without_end_are_refused() {
        // Each has one child: field 5, i32, 1.
        let element = [0x55, 0x02, 0x00];
        let deep = |count: usize| {
            let count_head = [0xfc, (count & 0x7f) as u8 | 0x80, (count >> 7) as u8];
            [with_list(2, &count_head), element.repeat(count), vec![0]].concat()
        };
        assert_eq!(check_claims(&deep(MOST_NESTED), &limits()), Ok(()));
        let refusal = check_claims(&deep(5_000), &limits()).unwrap_err();
        assert!(matches!(refusal, Refusal::Broken(reason) if reason.contains("too deep")));
    }

    #[test]
    fn more_chunks_than_memory_are_refused() {
        // A row group whose list of columns has empty structs of three bytes each.
        let chunks = 40_000_usize;
        let columns =
            [0xfc, (chunks & 0x7f) as u8 | 0x80, (chunks >> 7 & 0x7f) as u8 | 0x80, (chunks >> 14) as u8];
        let group = [&[0x19][..], &columns, &[0x15, 0, 0].repeat(chunks), &[0]].concat();
        let footer = [with_list(4, &[0x1c]), group, vec![0]].concat();
        let refusal = check_claims(&footer, &limits()).unwrap_err();
        assert!(matches!(refusal, Refusal::TooLarge { claim, .. } if claim.contains("40000")));
        assert_eq!(check_claims(&footer, &Limits::of_memory(1 << 30, 1, &std::env::temp_dir())), Ok(()));
    }
}
