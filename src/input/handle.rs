//! What the bytes of an input come from: a file, or an object of a store.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;

#[cfg(feature = "cloud")]
use crate::cloud::Object;

/// What lies between two ranges of a file is read with them up to this many bytes: cheaper than to seek.
const FILE_GAP_BYTES: u64 = 16 << 10;
/// The same of an object: cheaper than to ask again.
#[cfg(feature = "cloud")]
const OBJECT_GAP_BYTES: u64 = 256 << 10;

/// An open input, read at positions.
#[derive(Debug)]
pub enum Handle {
    /// On this machine.
    File(File),
    /// In a store. Every read is of the version that was found.
    #[cfg(feature = "cloud")]
    Object(Object),
}

impl Handle {
    /// Fills a buffer from a position on.
    ///
    /// # Errors
    /// It ends before, can't be read, or is another object now.
    pub fn read_exact_at(&self, buffer: &mut [u8], position: u64) -> io::Result<()> {
        match self {
            Handle::File(file) => file.read_exact_at(buffer, position),
            #[cfg(feature = "cloud")]
            Handle::Object(object) => object.read_exact_at(buffer, position),
        }
    }

    /// Reads at least a byte of those that a buffer has room for, none at the end.
    ///
    /// # Errors
    /// As [`Handle::read_exact_at`].
    pub(super) fn read_at(&self, buffer: &mut [u8], position: u64) -> io::Result<usize> {
        match self {
            Handle::File(file) => file.read_at(buffer, position),
            #[cfg(feature = "cloud")]
            Handle::Object(object) => object.read_exact_at(buffer, position).map(|()| buffer.len()),
        }
    }

    /// A long range, whole.
    ///
    /// # Errors
    /// As [`Handle::read_exact_at`].
    pub(super) fn stretch(&self, range: Range<u64>) -> io::Result<Bytes> {
        let length = range.end - range.start;
        match self {
            Handle::File(file) => {
                // Unlike with a buffer for `read_exact_at` nobody has to fill it with zeros first.
                let mut bytes = Vec::with_capacity(length as usize);
                let mut file = file;
                file.seek(SeekFrom::Start(range.start))?;
                match file.take(length).read_to_end(&mut bytes)? as u64 == length {
                    true => Ok(bytes.into()),
                    false => Err(io::ErrorKind::UnexpectedEof.into()),
                }
            }
            #[cfg(feature = "cloud")]
            Handle::Object(object) => {
                let mut bytes = vec![0; length as usize];
                object.read_exact_at(&mut bytes, range.start).map(|()| bytes.into())
            }
        }
    }

    /// Bytes between two ranges that are worth reading with them.
    pub(super) fn gap_bytes(&self) -> u64 {
        match self {
            Handle::File(_) => FILE_GAP_BYTES,
            #[cfg(feature = "cloud")]
            Handle::Object(_) => OBJECT_GAP_BYTES,
        }
    }

    /// Where reading page by page would take too long, a copy on this machine with some of the ranges, where they are;
    /// None: it can be read as it is. The copy has no name, and is gone with its handle.
    ///
    /// # Errors
    /// As [`Handle::read_exact_at`], or there is no room in the folder.
    #[cfg_attr(not(feature = "cloud"), expect(unused_variables, reason = "files are where they are"))]
    pub(super) fn nearer(&self, ranges: &[Range<u64>], folder: &Path) -> io::Result<Option<Handle>> {
        match self {
            Handle::File(_) => Ok(None),
            #[cfg(feature = "cloud")]
            Handle::Object(object) => object.copy(ranges, folder).map(Handle::File).map(Some),
        }
    }
}
