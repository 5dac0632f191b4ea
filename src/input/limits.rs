//! What a file may claim: held against its size and the memory of the run before anything is allocated.

use std::path::Path;
use std::sync::Arc;

/// The share of the memory that the footer of one file may take, read and parsed.
const FOOTER_SHARE: u64 = 8;
/// The share of the memory that all decoders together may take for pages.
const DECODER_SHARE: u64 = 4;
/// A decoder may always take this much: ten columns with pages and dictionaries of the usual mebibyte.
const LEAST_DECODER_BYTES: u64 = 40 << 20;
/// So many rows are fewer than any bomb has.
const FREE_ROWS: u64 = 1 << 20;
/// Rows of touchpoints take about a byte each at the least, for no two customers and instants are the same. Beyond
/// this many a byte nobody wrote them down.
const MOST_ROWS_PER_BYTE: u64 = 16;

/// How much a file may ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a footer, and of what it becomes in memory.
    pub footer_bytes: u64,
    /// Bytes of unpacked pages and dictionaries that a thread holds at a time.
    pub decoder_bytes: u64,
    /// Folder for temporary files: where what is read of large objects waits.
    pub scratch: Arc<Path>,
}

impl Limits {
    /// For a process of so much memory, with so many threads that decode and a folder for temporary files.
    pub fn of_memory(bytes: u64, threads: usize, scratch: &Path) -> Self {
        let threads = threads.max(1) as u64;
        Self {
            footer_bytes: bytes / FOOTER_SHARE,
            decoder_bytes: (bytes / DECODER_SHARE / threads).max(LEAST_DECODER_BYTES),
            scratch: Arc::from(scratch),
        }
    }

    /// Rows that a file of so many bytes may have.
    pub fn rows(file_bytes: u64) -> u64 {
        file_bytes.saturating_mul(MOST_ROWS_PER_BYTE).max(FREE_ROWS)
    }
}

/// Why a file is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// It says what can't be.
    Broken(String),
    /// It asks for more than a file may.
    TooLarge {
        /// What it claims, with the number.
        claim: String,
        /// What is allowed.
        allowed: String,
    },
}

impl Refusal {
    pub(super) fn broken(reason: impl Into<String>) -> Self {
        Refusal::Broken(reason.into())
    }
}

/// Bytes as a person reads them.
pub(super) fn mebibytes(bytes: u64) -> String {
    match bytes {
        0..1_048_576 => format!("{bytes} bytes"),
        _ => format!("{:.0} MiB", bytes as f64 / 1_048_576.0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_file_may_claim_grows_with_the_memory() {
        let small = Limits::of_memory(128 << 20, 1, Path::new("/tmp"));
        assert_eq!((small.footer_bytes, small.decoder_bytes), (16 << 20, 40 << 20));
        let large = Limits::of_memory(16 << 30, 4, Path::new("/tmp"));
        assert_eq!((large.footer_bytes, large.decoder_bytes), (2 << 30, 1 << 30));
        assert_eq!(Limits::rows(100), 1 << 20);
        assert_eq!(Limits::rows(7_000_000), 112_000_000);
        assert_eq!(Limits::rows(u64::MAX), u64::MAX);
    }
}
