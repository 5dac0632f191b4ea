//! Pages of row groups, with one zstd context per thread.
//!
//! Left to itself, the decoder makes a compressor and a decompressor for every column chunk. That asks the
//! processor what it can do, which a virtual machine answers slowly, and clears and maps memory: in files or
//! row groups of a thousand rows it costs more than all the rest. So chunks in zstd are shown to the decoder
//! as if they weren't compressed, and their pages are unpacked on the way.

use std::cell::RefCell;
use std::io::{Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::Compression;
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use zstd::zstd_safe::{DCtx, ResetDirective, get_frame_content_size};

use super::bytes::FileBytes;

/// The format has no larger pages.
const MOST_PAGE_BYTES: u64 = i32::MAX as u64;

/// Some row groups of a file, in order.
#[derive(Debug)]
pub struct GroupPages {
    bytes: Arc<FileBytes>,
    metadata: Arc<ParquetMetaData>,
    groups: Vec<usize>,
}

impl GroupPages {
    /// The row groups of these numbers, read from `bytes`.
    pub fn new(bytes: FileBytes, metadata: Arc<ParquetMetaData>, groups: Vec<usize>) -> Self {
        Self { bytes: Arc::new(bytes), metadata, groups }
    }
}

impl RowGroups for GroupPages {
    fn num_rows(&self) -> usize {
        self.row_groups().map(|group| usize::try_from(group.num_rows()).unwrap_or(0)).sum()
    }

    fn column_chunks(&self, column: usize) -> Result<Box<dyn PageIterator>> {
        Ok(Box::new(Chunks {
            bytes: Arc::clone(&self.bytes),
            metadata: Arc::clone(&self.metadata),
            groups: self.groups.clone().into_iter(),
            column,
        }))
    }

    fn row_groups(&self) -> Box<dyn Iterator<Item = &RowGroupMetaData> + '_> {
        Box::new(self.groups.iter().map(|group| self.metadata.row_group(*group)))
    }

    fn metadata(&self) -> &ParquetMetaData {
        &self.metadata
    }
}

/// The chunks of a column, group by group.
struct Chunks {
    bytes: Arc<FileBytes>,
    metadata: Arc<ParquetMetaData>,
    groups: std::vec::IntoIter<usize>,
    column: usize,
}

impl Chunks {
    fn pages(&self, group: usize) -> Result<Box<dyn PageReader>> {
        let group = self.metadata.row_group(group);
        let rows = usize::try_from(group.num_rows())?;
        let chunk = group.column(self.column);
        let bytes = Arc::clone(&self.bytes);
        if !matches!(chunk.compression(), Compression::ZSTD(_)) {
            return Ok(Box::new(SerializedPageReader::new(bytes, chunk, rows, None)?));
        }
        let packed = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
        Ok(Box::new(Unpacked { pages: SerializedPageReader::new(bytes, &packed, rows, None)? }))
    }
}

impl Iterator for Chunks {
    type Item = Result<Box<dyn PageReader>>;

    fn next(&mut self) -> Option<Self::Item> {
        let group = self.groups.next()?;
        Some(self.pages(group))
    }
}

impl PageIterator for Chunks {}

/// Pages in zstd that their reader takes for plain ones.
struct Unpacked {
    pages: SerializedPageReader<FileBytes>,
}

impl PageReader for Unpacked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        self.pages.get_next_page()?.map(unpack).transpose()
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.pages.skip_next_page()
    }

    fn supports_deferred_dictionary(&self) -> bool {
        self.pages.supports_deferred_dictionary()
    }

    fn take_deferred_dictionary(&mut self) -> Result<Option<Page>> {
        self.pages.take_deferred_dictionary()?.map(unpack).transpose()
    }

    fn at_record_boundary(&mut self) -> Result<bool> {
        self.pages.at_record_boundary()
    }
}

impl Iterator for Unpacked {
    type Item = Result<Page>;

    fn next(&mut self) -> Option<Self::Item> {
        self.get_next_page().transpose()
    }
}

fn unpack(mut page: Page) -> Result<Page> {
    match &mut page {
        Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = unpacked(buf, 0)?,
        // The levels of these stand before what is compressed.
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, is_compressed: true, .. } => {
            let plain = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
            *buf = unpacked(buf, plain)?;
        }
        Page::DataPageV2 { .. } => {}
    }
    Ok(page)
}

thread_local! {
    static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

/// The first `plain` bytes as they are, then the rest unpacked; a rest of no bytes holds nothing.
fn unpacked(bytes: &Bytes, plain: usize) -> Result<Bytes> {
    let broken = |reason: &str| ParquetError::General(format!("a page can't be unpacked: {reason}"));
    if plain > bytes.len() {
        return Err(broken("its levels are longer than it is"));
    }
    let (levels, packed) = bytes.split_at(plain);
    if packed.is_empty() {
        return Ok(bytes.clone());
    }
    let known = get_frame_content_size(packed).map_err(|error| broken(&error.to_string()))?;
    CONTEXT.with_borrow_mut(|context| {
        if let Some(size) = known {
            if size > MOST_PAGE_BYTES {
                return Err(broken("it is larger than a page may be"));
            }
            let mut all = Vec::with_capacity(plain + size as usize);
            all.extend_from_slice(levels);
            let mut rest = Cursor::new(&mut all);
            rest.set_position(plain as u64);
            // Else there is more than the one frame that was asked for its size.
            if context.decompress(&mut rest, packed).is_ok() {
                return Ok(all.into());
            }
        }
        let mut all = levels.to_vec();
        context
            .reset(ResetDirective::SessionOnly)
            .map_err(|code| broken(zstd::zstd_safe::get_error_name(code)))?;
        let frames = zstd::stream::read::Decoder::with_context(packed, context);
        let read = frames.take(MOST_PAGE_BYTES + 1).read_to_end(&mut all)?;
        match read as u64 > MOST_PAGE_BYTES {
            true => Err(broken("it is larger than a page may be")),
            false => Ok(all.into()),
        }
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    /// As writers do that don't know the size when they begin.
    fn without_size(content: &[u8]) -> Vec<u8> {
        let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn pages_come_back_with_and_without_a_size_and_after_broken_ones() {
        let content: Vec<u8> = (0..300_000_u32).map(|n| (n / 9) as u8).collect();
        let sized = zstd::bulk::compress(&content, 1).unwrap();
        let unsized_frame = without_size(&content);
        assert_eq!(get_frame_content_size(&sized).unwrap(), Some(300_000));
        assert_eq!(get_frame_content_size(&unsized_frame).unwrap(), None);
        let two_frames =
            [zstd::bulk::compress(&content[..1_000], 1).unwrap(), without_size(&content[1_000..])];
        for packed in [sized, unsized_frame, two_frames.concat()] {
            let page = Bytes::from([b"levels", &packed[..]].concat());
            let all = unpacked(&page, 6).unwrap();
            assert_eq!((&all[..6], &all[6..]), (&b"levels"[..], &content[..]));
            for cut in [7, page.len() / 2, page.len() - 1] {
                assert!(unpacked(&page.slice(..cut), 6).is_err(), "cut at {cut}");
            }
            assert!(unpacked(&page, 5).is_err(), "no frame begins there");
            assert!(unpacked(&page.slice(..3), 6).is_err());
        }
        assert_eq!(unpacked(&Bytes::from_static(b"levels"), 6).unwrap(), "levels");
    }
}
