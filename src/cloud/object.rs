//! An object that is read in parts, all of one version.

use std::fs::File;
use std::io::{ErrorKind, Result};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::sync::Arc;

use super::bucket::{Bucket, Entry, PART_BYTES};

/// An object as it was found. Whatever is read of it later is of that version, or an error.
#[derive(Debug, Clone)]
pub struct Object {
    bucket: Arc<Bucket>,
    entry: Entry,
}

impl PartialEq for Object {
    fn eq(&self, other: &Self) -> bool {
        self.entry == other.entry && self.bucket.url("") == other.bucket.url("")
    }
}

impl Eq for Object {}

impl Object {
    /// What a bucket listed.
    pub fn new(bucket: Arc<Bucket>, entry: Entry) -> Self {
        Self { bucket, entry }
    }

    /// What changes when it is written again.
    pub fn etag(&self) -> &str {
        &self.entry.etag
    }

    /// Fills a buffer from a position on.
    ///
    /// # Errors
    /// [`std::io::ErrorKind::StaleNetworkFileHandle`] where the object is another now, or what the store said.
    pub fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> Result<()> {
        let mut at = position;
        for part in buffer.chunks_mut(PART_BYTES as usize) {
            let end = at + part.len() as u64;
            part.copy_from_slice(&self.bucket.part(&self.entry.key, &self.entry.etag, at..end)?);
            at = end;
        }
        Ok(())
    }

    /// A temporary file without a name that has some ranges of the object where the object has them. Nothing else of it
    /// is there, and takes no room.
    ///
    /// # Errors
    /// As [`Object::read_exact_at`], or there is no room in the folder.
    pub fn copy(&self, ranges: &[Range<u64>], folder: &Path) -> Result<File> {
        let copy = tempfile::tempfile_in(folder)?;
        copy.set_len(self.entry.size)?;
        for range in ranges {
            let mut at = range.start;
            while at < range.end {
                let end = range.end.min(at + PART_BYTES);
                copy.write_all_at(&self.bucket.part(&self.entry.key, &self.entry.etag, at..end)?, at)?;
                at = end;
            }
        }
        Ok(copy)
    }

    /// What has changed of it since it was found; None: nothing that the store tells.
    pub fn change(&self) -> Option<&'static str> {
        match self.bucket.head(&self.entry.key) {
            Ok(Some(now)) => (now.etag != self.entry.etag).then_some("another object was put in its place"),
            Ok(None) => Some("it is gone"),
            Err(_) => None,
        }
    }

    /// The whole of the object whose name is this one's with something behind it; None: it has more bytes than asked for.
    ///
    /// # Errors
    /// There is none, or what the store said.
    pub fn beside(&self, suffix: &str, most_bytes: u64) -> Result<Option<Vec<u8>>> {
        let key = format!("{}{suffix}", self.entry.key);
        let found = self.bucket.head(&key)?.ok_or(ErrorKind::NotFound)?;
        if found.size > most_bytes {
            return Ok(None);
        }
        let (bytes, _) = self.bucket.get(&key)?.ok_or(ErrorKind::NotFound)?;
        Ok(Some(bytes.into()))
    }
}
