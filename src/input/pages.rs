//! Pages of row groups, unpacked and looked over before they are decoded.
//!
//! Left to itself, the decoder makes a compressor and a decompressor for every column chunk. That asks the
//! processor what it can do, which a virtual machine answers slowly, and clears and maps memory: in files or
//! row groups of a thousand rows it costs more than all the rest. And it unpacks gzip and zstd however large they
//! become. So chunks in these are shown to the decoder as if they weren't compressed, and their pages are unpacked on
//! the way, with one context per thread, into no more than their headers claim.

use std::cell::RefCell;
use std::io::{Cursor, Read};
use std::sync::Arc;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use hashbrown::HashMap;
use parquet::arrow::arrow_reader::RowGroups;
use parquet::basic::{Compression, Type};
use parquet::column::page::{Page, PageIterator, PageMetadata, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::{ParquetMetaData, RowGroupMetaData};
use parquet::file::serialized_reader::SerializedPageReader;
use zstd::zstd_safe::{DCtx, ResetDirective, get_frame_content_size};

use super::bytes::FileBytes;
use super::page_header::{PageHeader, PageKind};
use super::texts::TextLimits;
use super::walk::ChunkPages;

/// What was found out about the chunks of a reader, by row group and column.
pub(super) type Walked = HashMap<(usize, usize), ChunkPages>;

/// Some row groups of a file, in order.
#[derive(Debug)]
pub(super) struct GroupPages {
    bytes: Arc<FileBytes>,
    metadata: Arc<ParquetMetaData>,
    groups: Vec<usize>,
    walked: Arc<Walked>,
    texts: TextLimits,
}

impl GroupPages {
    /// The row groups of these numbers, read from `bytes`, whose pages were walked over.
    pub(super) fn new(
        bytes: FileBytes,
        metadata: Arc<ParquetMetaData>,
        groups: Vec<usize>,
        walked: Walked,
        texts: TextLimits,
    ) -> Self {
        Self { bytes: Arc::new(bytes), metadata, groups, walked: Arc::new(walked), texts }
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
            walked: Arc::clone(&self.walked),
            texts: self.texts,
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
    walked: Arc<Walked>,
    texts: TextLimits,
    column: usize,
}

impl Chunks {
    fn pages(&self, group: usize) -> Result<Box<dyn PageReader>> {
        let rows = usize::try_from(self.metadata.row_group(group).num_rows())?;
        let chunk = self.metadata.row_group(group).column(self.column);
        let found = self.walked.get(&(group, self.column));
        let found =
            found.ok_or_else(|| ParquetError::General("a column that nobody asked for".to_owned()))?;
        let packing = match chunk.compression() {
            Compression::ZSTD(_) => Packing::Zstd,
            Compression::GZIP(_) => Packing::Gzip,
            _ => Packing::Decoder,
        };
        let bytes = Arc::clone(&self.bytes);
        let pages = match packing {
            Packing::Decoder => SerializedPageReader::new(bytes, chunk, rows, None)?,
            _ => {
                let plain =
                    chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
                SerializedPageReader::new(bytes, &plain, rows, None)?
            }
        };
        let texts = (chunk.column_type() == Type::BYTE_ARRAY).then_some(TextLimits {
            leaves_dictionary: self.texts.leaves_dictionary || found.leaves_dictionary,
            has_nulls: chunk.column_descr().max_def_level() > 0,
            ..self.texts
        });
        Ok(Box::new(Unpacked { pages, headers: found.headers.clone().into_iter(), packing, texts }))
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

/// Who unpacks pages.
#[derive(Debug, Clone, Copy)]
enum Packing {
    /// The decoder does, or has nothing to.
    Decoder,
    Zstd,
    Gzip,
}

/// Pages that their reader takes for plain ones.
struct Unpacked {
    pages: SerializedPageReader<FileBytes>,
    headers: std::vec::IntoIter<PageHeader>,
    packing: Packing,
    /// Of a column of texts.
    texts: Option<TextLimits>,
}

impl Unpacked {
    fn unpack(&self, mut page: Page, header: &PageHeader) -> Result<Page> {
        let size = header.unpacked_bytes as usize;
        let unpacked = |bytes: &Bytes, plain| match self.packing {
            Packing::Decoder => Ok(bytes.clone()),
            Packing::Zstd => unpack_zstd(bytes, plain, size),
            Packing::Gzip => unpack_gzip(bytes, plain, size),
        };
        match &mut page {
            Page::DataPage { buf, .. } | Page::DictionaryPage { buf, .. } => *buf = unpacked(buf, 0)?,
            // The levels of these stand before what is compressed.
            Page::DataPageV2 {
                buf, def_levels_byte_len, rep_levels_byte_len, is_compressed: true, ..
            } => {
                let plain = *def_levels_byte_len as usize + *rep_levels_byte_len as usize;
                *buf = unpacked(buf, plain)?;
            }
            Page::DataPageV2 { .. } => {}
        }
        if let Some(texts) = &self.texts {
            texts.check(&page)?;
        }
        Ok(page)
    }
}

impl PageReader for Unpacked {
    fn get_next_page(&mut self) -> Result<Option<Page>> {
        let Some(page) = self.pages.get_next_page()? else { return Ok(None) };
        let header = self.headers.next();
        let header =
            header.filter(|header| page.is_dictionary_page() == (header.kind == PageKind::Dictionary));
        let header = header.ok_or_else(|| ParquetError::General("pages that nobody counted".to_owned()))?;
        self.unpack(page, &header).map(Some)
    }

    fn peek_next_page(&mut self) -> Result<Option<PageMetadata>> {
        self.pages.peek_next_page()
    }

    fn skip_next_page(&mut self) -> Result<()> {
        self.headers.next();
        self.pages.skip_next_page()
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

thread_local! {
    static CONTEXT: RefCell<DCtx<'static>> = RefCell::new(DCtx::create());
}

fn broken(reason: impl std::fmt::Display) -> ParquetError {
    ParquetError::General(format!("a page can't be unpacked: {reason}"))
}

/// What is compressed of a page after its first `plain` bytes; None: nothing is, and nothing has to be unpacked.
fn packed_part(bytes: &Bytes, plain: usize, size: usize) -> Result<Option<(&[u8], &[u8])>> {
    if plain > bytes.len() || plain > size {
        return Err(broken("its levels are longer than it is"));
    }
    let (levels, packed) = bytes.split_at(plain);
    match packed.is_empty() {
        true if size > plain => Err(broken("it is empty")),
        true => Ok(None),
        false => Ok(Some((levels, packed))),
    }
}

/// The first `plain` bytes as they are, then the rest unpacked, to `size` bytes in all.
fn unpack_zstd(bytes: &Bytes, plain: usize, size: usize) -> Result<Bytes> {
    let Some((levels, packed)) = packed_part(bytes, plain, size)? else { return Ok(bytes.clone()) };
    let mut all = Vec::with_capacity(size);
    all.extend_from_slice(levels);
    CONTEXT.with_borrow_mut(|context| -> Result<()> {
        let known = get_frame_content_size(packed).map_err(broken)?;
        if known == Some((size - plain) as u64) {
            let mut rest = Cursor::new(&mut all);
            rest.set_position(plain as u64);
            // Else there is more than the one frame that was asked for its size.
            if context.decompress(&mut rest, packed).is_ok() && all.len() == size {
                return Ok(());
            }
            all.truncate(plain);
        }
        context
            .reset(ResetDirective::SessionOnly)
            .map_err(|code| broken(zstd::zstd_safe::get_error_name(code)))?;
        let frames = zstd::stream::read::Decoder::with_context(packed, context);
        frames.take((size - plain) as u64 + 1).read_to_end(&mut all)?;
        Ok(())
    })?;
    whole(all, size)
}

/// As above, of gzip.
fn unpack_gzip(bytes: &Bytes, plain: usize, size: usize) -> Result<Bytes> {
    let Some((levels, packed)) = packed_part(bytes, plain, size)? else { return Ok(bytes.clone()) };
    let mut all = Vec::with_capacity(size);
    all.extend_from_slice(levels);
    MultiGzDecoder::new(packed).take((size - plain) as u64 + 1).read_to_end(&mut all)?;
    whole(all, size)
}

fn whole(all: Vec<u8>, size: usize) -> Result<Bytes> {
    match all.len() == size {
        true => Ok(all.into()),
        false => Err(broken("it has another size than its header says")),
    }
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

    fn gzip(content: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(content).unwrap();
        encoder.finish().unwrap()
    }

    type Unpack = fn(&Bytes, usize, usize) -> Result<Bytes>;

    #[test]
    fn pages_come_back_with_and_without_a_size_and_after_broken_ones() {
        let content: Vec<u8> = (0..300_000_u32).map(|n| (n / 9) as u8).collect();
        let sized = zstd::bulk::compress(&content, 1).unwrap();
        let unsized_frame = without_size(&content);
        assert_eq!(get_frame_content_size(&sized).unwrap(), Some(300_000));
        assert_eq!(get_frame_content_size(&unsized_frame).unwrap(), None);
        let two_frames =
            [zstd::bulk::compress(&content[..1_000], 1).unwrap(), without_size(&content[1_000..])];
        let cases: [(Vec<u8>, Unpack); 5] = [
            (sized, unpack_zstd),
            (unsized_frame, unpack_zstd),
            (two_frames.concat(), unpack_zstd),
            (gzip(&content), unpack_gzip),
            ([gzip(&content[..1_000]), gzip(&content[1_000..])].concat(), unpack_gzip),
        ];
        for (packed, unpack) in cases {
            let page = Bytes::from([b"levels", &packed[..]].concat());
            let all = unpack(&page, 6, 300_006).unwrap();
            assert_eq!((&all[..6], &all[6..]), (&b"levels"[..], &content[..]));
            for cut in [7, page.len() / 2, page.len() - 1] {
                assert!(unpack(&page.slice(..cut), 6, 300_006).is_err(), "cut at {cut}");
            }
            assert!(unpack(&page, 5, 300_006).is_err(), "no frame begins there");
            assert!(unpack(&page.slice(..3), 6, 300_006).is_err());
            for size in [6, 7, 300_005, 300_007] {
                assert!(unpack(&page, 6, size).is_err(), "it isn't {size} bytes long");
            }
            assert_eq!(unpack(&Bytes::from_static(b"levels"), 6, 6).unwrap(), "levels");
            assert!(unpack(&Bytes::from_static(b"levels"), 6, 7).is_err());
        }
    }

    #[test]
    fn no_page_becomes_larger_than_it_says() {
        let bomb = vec![0_u8; 64 << 20];
        let cases: [(Vec<u8>, Unpack); 3] = [
            (zstd::bulk::compress(&bomb, 1).unwrap(), unpack_zstd),
            (without_size(&bomb), unpack_zstd),
            (gzip(&bomb), unpack_gzip),
        ];
        for (packed, unpack) in cases {
            assert!(unpack(&packed.into(), 0, 1_000).is_err());
        }
    }
}
