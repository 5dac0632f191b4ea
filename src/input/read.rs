//! Reads row groups of opened files: from one descriptor that is compared before and after, walked over before they
//! are decoded, hashed as they are read.

use std::ops::Range;
use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReader;

use crate::config::plan::Integrity;

use super::bytes::FileBytes;
use super::error::InputError;
use super::guard::guarded;
use super::handle::Handle;
use super::integrity;
use super::limits::mebibytes;
use super::open::{BATCH_ROWS, OpenFile, changed, io, refused, unreadable};
use super::pages::{GroupPages, Walked};
use super::spelling::spell;
use super::texts::TextLimits;
use super::walk::{ChunkPages, walk, working_bytes};

/// Bytes of row groups that a thread holds at a time. A row group that is larger is read page by page.
const HELD_BYTES: u64 = 8 << 20;

/// What was read of a row group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GroupDigest {
    /// BLAKE3 of the column chunks that are read.
    pub hash: blake3::Hash,
    /// Whether a checksum covers every page of them.
    pub is_covered: bool,
}

/// Neighbouring row groups of a file, being decoded batch by batch. The last batch comes before the file is compared
/// with what it was: without an error at the end, nothing of it changed.
pub struct Portion<'f> {
    file: &'f OpenFile,
    handle: Arc<Handle>,
    reader: ParquetRecordBatchReader,
    /// Rows that are still to come.
    rows: u64,
    is_over: bool,
}

impl OpenFile {
    /// Whether nothing of the file is read.
    pub fn is_pruned(&self) -> bool {
        self.row_groups.is_empty()
    }

    /// Compares the whole file with the checksum beside it, if the run asks for that and there is one.
    ///
    /// # Errors
    /// They differ.
    pub fn verify(&self) -> Result<(), InputError> {
        if self.integrity == Integrity::Off {
            return Ok(());
        }
        if let Some(sha256) = integrity::verify(&self.file)? {
            self.seal.get_or_init(|| sha256);
        }
        Ok(())
    }

    /// Whether a run refuses the file unless its pages have checksums.
    pub fn needs_page_checksums(&self) -> bool {
        self.integrity == Integrity::Require && self.file.sidecar.is_none()
    }

    /// SHA-256 of the whole file, where it was compared with the one beside it.
    pub fn sha256(&self) -> Option<&str> {
        self.seal.get().map(String::as_str)
    }

    /// Cuts row groups into portions that are read at a time: few enough to be held in memory, or one alone.
    pub fn portions<'g>(&self, groups: &'g [usize]) -> Vec<&'g [usize]> {
        let mut portions = Vec::new();
        let (mut begin, mut held) = (0, 0);
        for (at, group) in groups.iter().enumerate() {
            let bytes = self.group_bytes(*group);
            if at > begin && held + bytes > HELD_BYTES {
                portions.push(&groups[begin..at]);
                (begin, held) = (at, 0);
            }
            held += bytes;
        }
        portions.extend(Some(&groups[begin..]).filter(|rest| !rest.is_empty()));
        portions
    }

    /// Begins to decode a portion, in order, only the columns needed. `digest` is told the digest of each row group.
    ///
    /// # Errors
    /// The file changed, can't be read, or claims what can't be or is too much.
    pub fn read(
        &self,
        portion: &[usize],
        digest: Option<&mut dyn FnMut(usize, GroupDigest)>,
    ) -> Result<Portion<'_>, InputError> {
        let handle = Arc::new(self.file.open_again()?);
        let mut bytes = FileBytes::new(Arc::clone(&handle), self.file.identity.size);
        self.hold(portion, &mut bytes)?;
        let walked = self.walk(portion, &bytes)?;
        let is_covered = |group: usize| {
            let mut chunks = walked.iter().filter(|((own, _), _)| *own == group);
            self.integrity != Integrity::Off && chunks.all(|(_, pages)| pages.covered)
        };
        if self.integrity == Integrity::Require
            && self.sha256().is_none()
            && !portion.iter().all(|group| is_covered(*group))
        {
            return Err(InputError::Unverified { path: self.file.path.clone() });
        }
        if let Some(digest) = digest {
            for group in portion {
                let hash = self.group_digest(&bytes, *group)?;
                digest(*group, GroupDigest { hash, is_covered: is_covered(*group) });
            }
        }
        if self.integrity == Integrity::Off {
            bytes.ignore_checksums();
        }
        let rows: u64 = portion.iter().map(|group| self.group_rows(*group)).sum();
        let texts = TextLimits {
            most_bytes: self.limits.decoder_bytes,
            batch_rows: rows.min(BATCH_ROWS as u64),
            leaves_dictionary: portion.len() > 1,
            has_nulls: false,
        };
        let pages = GroupPages::new(bytes, Arc::clone(&self.metadata), portion.to_vec(), walked, texts);
        let batch_rows = rows.min(BATCH_ROWS as u64) as usize;
        let reader = guarded(|| {
            ParquetRecordBatchReader::try_new_with_row_groups(&self.levels, &pages, batch_rows, None)
        });
        let reader = reader.map_err(|panicked| self.blame(panicked))?.map_err(|error| self.blame(error))?;
        Ok(Portion { file: self, handle, reader, rows, is_over: false })
    }

    /// Holds what is needed of a portion, if that isn't too much; else the decoder reads page by page.
    fn hold(&self, portion: &[usize], bytes: &mut FileBytes) -> Result<(), InputError> {
        let needed: u64 = portion.iter().map(|group| self.group_bytes(*group)).sum();
        let ranges: Vec<_> = portion.iter().flat_map(|group| self.column_ranges(*group)).collect();
        let held = match needed <= HELD_BYTES {
            true => bytes.hold(ranges),
            false => bytes.bring_near(&ranges, &self.limits.scratch),
        };
        held.map_err(|error| self.blame_io(error))
    }

    /// Walks over the pages of all chunks that are needed.
    fn walk(&self, portion: &[usize], bytes: &FileBytes) -> Result<Walked, InputError> {
        let mut walked = Walked::new();
        let leaves = (0..self.metadata.file_metadata().schema_descr().num_columns())
            .filter(|leaf| self.mask.leaf_included(*leaf));
        let mut working = 0_u64;
        for leaf in leaves {
            let mut chunks: Vec<ChunkPages> = Vec::with_capacity(portion.len());
            for group in portion {
                let chunk = self.metadata.row_group(*group).column(leaf);
                let found = walk(bytes, chunk, self.group_rows(*group), &self.limits)
                    .map_err(|error| self.blame_io(error))?
                    .map_err(|refusal| match self.file.changed_in_place() {
                        Some(what) => changed(&self.file, Some(what)),
                        None => refused(&self.file, refusal),
                    })?;
                chunks.push(found);
            }
            working = working.saturating_add(working_bytes(chunks.iter()));
            walked.extend(portion.iter().map(|group| (*group, leaf)).zip(chunks));
        }
        if working > self.limits.decoder_bytes {
            return Err(InputError::TooLarge {
                path: self.file.path.clone(),
                claim: format!("pages that are needed at the same time unpack to {}", mebibytes(working)),
                allowed: mebibytes(self.limits.decoder_bytes),
            });
        }
        Ok(walked)
    }

    /// Where the columns needed lie of a row group.
    fn column_ranges(&self, group: usize) -> impl Iterator<Item = Range<u64>> + '_ {
        let columns = self.metadata.row_group(group).columns().iter().enumerate();
        columns.filter(|(leaf, _)| self.mask.leaf_included(*leaf)).map(|(_, column)| {
            let (start, length) = column.byte_range();
            start..start.saturating_add(length)
        })
    }

    /// Bytes of the columns needed of a row group.
    fn group_bytes(&self, group: usize) -> u64 {
        self.column_ranges(group).map(|range| range.end - range.start).sum()
    }

    /// Wraps what the decoder said of a file that didn't change.
    pub fn unreadable(&self, reason: impl std::fmt::Display) -> InputError {
        unreadable(&self.file, reason)
    }

    /// Wraps what the decoder said, unless it is no wonder.
    fn blame(&self, reason: impl std::fmt::Display) -> InputError {
        match self.file.changed_in_place() {
            Some(what) => changed(&self.file, Some(what)),
            None => self.unreadable(reason),
        }
    }

    fn blame_io(&self, error: std::io::Error) -> InputError {
        match self.file.changed_in_place() {
            Some(what) => changed(&self.file, Some(what)),
            None => io("read", &self.file)(error),
        }
    }

    /// Rows of a row group.
    pub fn group_rows(&self, group: usize) -> u64 {
        u64::try_from(self.metadata.row_group(group).num_rows()).unwrap_or(0)
    }

    /// Row groups of the whole file.
    pub fn groups(&self) -> usize {
        self.metadata.num_row_groups()
    }

    /// Bytes of the columns needed: of the row groups that are read, and of all.
    pub fn column_bytes(&self) -> (u64, u64) {
        let read = self.row_groups.iter().map(|(group, _)| self.group_bytes(*group)).sum();
        (read, (0..self.groups()).map(|group| self.group_bytes(group)).sum())
    }

    /// BLAKE3 of the column chunks of a row group that are read.
    fn group_digest(&self, bytes: &FileBytes, group: usize) -> Result<blake3::Hash, InputError> {
        let mut hasher = blake3::Hasher::new();
        for range in self.column_ranges(group) {
            bytes.hash(range, &mut hasher).map_err(|error| self.blame_io(error))?;
        }
        Ok(hasher.finalize())
    }
}

impl Portion<'_> {
    fn end(&mut self) -> Option<Result<RecordBatch, InputError>> {
        self.is_over = true;
        match self.file.file.changed(&self.handle) {
            Err(error) => Some(Err(error)),
            Ok(Some(what)) => Some(Err(changed(&self.file.file, Some(what)))),
            Ok(None) if self.rows > 0 => {
                Some(Err(self.file.unreadable(format!("it ends {} rows too early", self.rows))))
            }
            Ok(None) => None,
        }
    }
}

impl Iterator for Portion<'_> {
    type Item = Result<RecordBatch, InputError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_over {
            return None;
        }
        let next = guarded(|| self.reader.next());
        self.is_over = !matches!(next, Ok(Some(Ok(_)) | None));
        match next {
            Ok(None) => self.end(),
            Ok(Some(Ok(batch))) => {
                self.rows = self.rows.saturating_sub(batch.num_rows() as u64);
                let spelled = spell(batch, &self.file.spelled);
                self.is_over = spelled.is_err();
                Some(
                    spelled
                        .map_err(|column| InputError::NotText { path: self.file.file.path.clone(), column }),
                )
            }
            Ok(Some(Err(error))) => Some(Err(self.file.blame(error))),
            Err(panicked) => Some(Err(self.file.blame(panicked))),
        }
    }
}
