//! The bytes of a file as the decoder asks for them: read ahead once, in long stretches.
//!
//! Left to itself, the decoder opens and seeks for every page and its header. Row groups are read whole
//! instead, as long as they are small, and what is hashed is then what is decoded.

use std::io::{BufReader, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use bytes::Buf;
use bytes::Bytes;
use parquet::errors::{ParquetError, Result as ParquetResult};
use parquet::file::reader::{ChunkReader, Length};

use super::handle::Handle;
use super::page_header;

/// Bytes that are read from the file at a time where they aren't held.
const STEP_BYTES: u64 = 1 << 18;
/// Bytes read for the header of a page that isn't held. A header with statistics is shorter.
const HEADER_BYTES: usize = 512;
/// Bytes looked at for a header that is to lose its checksum.
const PLAIN_HEADER_BYTES: u64 = 64 << 10;

/// A file of which some parts are held in memory.
#[derive(Debug)]
pub struct FileBytes {
    file: Arc<Handle>,
    size: u64,
    /// Position and bytes, in the order of their positions, apart from each other.
    held: Vec<(u64, Bytes)>,
    /// Whether headers of pages are shown without their checksums.
    without_checksums: bool,
}

impl FileBytes {
    /// Of a file, with nothing held.
    pub fn new(file: Arc<Handle>, size: u64) -> Self {
        Self { file, size, held: Vec::new(), without_checksums: false }
    }

    /// Shows headers of pages without their checksums from now on, so that nobody compares them.
    pub fn ignore_checksums(&mut self) {
        self.without_checksums = true;
    }

    /// Up to so many bytes from a position on, fewer where the file ends.
    ///
    /// # Errors
    /// As [`FileBytes::hold`].
    pub fn part(&self, start: u64, length: u64) -> std::io::Result<Bytes> {
        let length = length.min(self.size.saturating_sub(start));
        if let Some(bytes) = self.held(start, length) {
            return Ok(bytes);
        }
        let mut bytes = vec![0; length as usize];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }

    /// From a header of a page on, the header without its checksum.
    fn plain_header(&self, start: u64) -> std::io::Result<Option<Bytes>> {
        let bytes = self.part(start, PLAIN_HEADER_BYTES)?;
        let header = page_header::read(&bytes).ok();
        Ok(header.map(|header| page_header::without_checksum(&bytes, &header).into()))
    }

    /// Holds some ranges instead of those before.
    ///
    /// # Errors
    /// Where the file can't be read, or ends before a range does.
    pub fn hold(&mut self, mut ranges: Vec<Range<u64>>) -> std::io::Result<()> {
        self.held.clear();
        let gap_bytes = self.file.gap_bytes();
        ranges.sort_unstable_by_key(|range| range.start);
        let mut stretches: Vec<Range<u64>> = Vec::new();
        for range in ranges {
            match stretches.last_mut() {
                Some(last) if range.start <= last.end.saturating_add(gap_bytes) => {
                    last.end = last.end.max(range.end);
                }
                _ => stretches.push(range),
            }
        }
        for stretch in stretches {
            self.held.push((stretch.start, self.file.stretch(stretch)?));
        }
        Ok(())
    }

    /// Holds nothing any more, and sees to it that some ranges can be read page by page: of what is far away a copy is
    /// made in a folder for temporary files.
    ///
    /// # Errors
    /// As [`FileBytes::hold`], or there is no room for the copy.
    pub fn bring_near(&mut self, ranges: &[Range<u64>], folder: &Path) -> std::io::Result<()> {
        self.held.clear();
        if let Some(copy) = self.file.nearer(ranges, folder)? {
            self.file = Arc::new(copy);
        }
        Ok(())
    }

    /// Hashes a range, held or not.
    ///
    /// # Errors
    /// As [`FileBytes::hold`].
    pub fn hash(&self, range: Range<u64>, hasher: &mut blake3::Hasher) -> std::io::Result<()> {
        if let Some(bytes) = self.held(range.start, range.end - range.start) {
            hasher.update(&bytes);
            return Ok(());
        }
        let mut buffer = vec![0_u8; (range.end - range.start).min(STEP_BYTES) as usize];
        let mut at = range.start;
        while at < range.end {
            let step = (range.end - at).min(buffer.len() as u64) as usize;
            self.file.read_exact_at(&mut buffer[..step], at)?;
            hasher.update(&buffer[..step]);
            at += step as u64;
        }
        Ok(())
    }

    /// A part that is held; it shares its memory.
    fn held(&self, start: u64, length: u64) -> Option<Bytes> {
        let after = self.held.partition_point(|(position, _)| *position <= start);
        let (position, bytes) = &self.held[after.checked_sub(1)?];
        let from = start - position;
        let to = from.checked_add(length)?;
        (to <= bytes.len() as u64).then(|| bytes.slice(from as usize..to as usize))
    }

    /// What is held from a position on; None: nothing.
    fn held_from(&self, start: u64) -> Option<Bytes> {
        let after = self.held.partition_point(|(position, _)| *position <= start);
        let (position, bytes) = &self.held[after.checked_sub(1)?];
        let from = (start - position) as usize;
        (from < bytes.len()).then(|| bytes.slice(from..))
    }
}

impl Length for FileBytes {
    fn len(&self) -> u64 {
        self.size
    }
}

impl ChunkReader for FileBytes {
    type T = Box<dyn Read>;

    /// The decoder asks for this where a header begins.
    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        if self.without_checksums
            && let Some(header) = self.plain_header(start)?
        {
            return Ok(Box::new(header.reader()));
        }
        Ok(match self.held_from(start) {
            Some(bytes) => Box::new(bytes.reader()),
            None => {
                let unheld = Unheld { file: Arc::clone(&self.file), at: start };
                Box::new(BufReader::with_capacity(HEADER_BYTES, unheld))
            }
        })
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        if let Some(bytes) = self.held(start, length as u64) {
            return Ok(bytes);
        }
        if start.saturating_add(length as u64) > self.size {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} lie beyond the end")));
        }
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, start)?;
        Ok(bytes.into())
    }
}

/// A file from a position on.
struct Unheld {
    file: Arc<Handle>,
    at: u64,
}

impl Read for Unheld {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.file.read_at(buffer, self.at)?;
        self.at += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn held_or_not_the_bytes_are_those_of_the_file() {
        let content: Vec<u8> = (0..200_000_u32).map(|n| (n / 7) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&content).unwrap();
        let mut bytes = FileBytes::new(Arc::new(Handle::File(file)), content.len() as u64);
        for ranges in [vec![], vec![100_000..100_100, 10..90, 95..20_000], vec![0..100_000, 100_000..200_000]]
        {
            bytes.hold(ranges).unwrap();
            for (start, length) in [(0, 5), (10, 80), (50, 45), (19_990, 10), (19_990, 20), (100_000, 100)] {
                let wanted = &content[start..start + length];
                assert_eq!(bytes.get_bytes(start as u64, length).unwrap(), wanted);
                let mut read = vec![0; length.min(10)];
                bytes.get_read(start as u64).unwrap().read_exact(&mut read).unwrap();
                assert_eq!(read, wanted[..read.len()]);
                let mut hasher = blake3::Hasher::new();
                bytes.hash(start as u64..(start + length) as u64, &mut hasher).unwrap();
                assert_eq!(hasher.finalize(), blake3::hash(wanted));
            }
            assert!(bytes.get_bytes(199_999, 2).is_err());
        }
        assert_eq!(bytes.held.len(), 1);
        bytes.hold(vec![0..10, 12..20, 100_000..100_001]).unwrap();
        assert_eq!(bytes.held.len(), 2, "what is close together is read together");
        assert!(bytes.hold(vec![0..10, 199_000..200_001]).is_err(), "a file that was cut off");
    }
}
