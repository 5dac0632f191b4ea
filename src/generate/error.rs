//! What can keep a warehouse from being written.

use std::io;
use std::path::{Path, PathBuf};

use parquet::errors::ParquetError;

use super::{MAX_CUSTOMERS, MAX_DAYS};

/// Why no warehouse was written.
#[derive(Debug, thiserror::Error)]
pub enum GenerateError {
    /// No customers, or more than ids are made for.
    #[error("cannot generate {customers} customers: the number must lie between 1 and {MAX_CUSTOMERS}")]
    Customers {
        /// What was asked for.
        customers: u64,
    },
    /// No days, or more than partitions are made for.
    #[error("cannot generate {days} days: the number must lie between 1 and {MAX_DAYS}")]
    Days {
        /// What was asked for.
        days: u32,
    },
    /// The directory holds something that an earlier generation did not write, or that was changed since.
    #[error("the directory already holds {}, which was not generated or was changed since", path.display())]
    Foreign {
        /// The file or directory in the way.
        path: PathBuf,
    },
    /// The file system refused.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or directory.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A Parquet file could not be written.
    #[error("cannot write {}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// Why it failed.
        source: ParquetError,
    },
    /// The threads could not be started.
    #[error("cannot start the threads")]
    Threads(#[source] rayon::ThreadPoolBuildError),
}

impl GenerateError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Foreign { path } => Some(format!(
                "name a new folder, or remove {} yourself if it can go; generate never deletes what it didn't write",
                path.display()
            )),
            Self::Customers { .. } => Some("ask for fewer or more with --customers".to_owned()),
            Self::Days { .. } => Some("ask for fewer or more with --days".to_owned()),
            Self::Io { .. } | Self::Parquet { .. } | Self::Threads(_) => None,
        }
    }

    /// Exit code: 64 usage, 74 I/O.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Customers { .. } | Self::Days { .. } | Self::Foreign { .. } => 64,
            Self::Io { .. } | Self::Parquet { .. } | Self::Threads(_) => 74,
        }
    }

    /// For `map_err` on an I/O result.
    pub(super) fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Io { action, path, source }
    }

    /// For `map_err` on a result of the Parquet or Arrow crate.
    pub(super) fn parquet<E: Into<ParquetError>>(path: &Path) -> impl FnOnce(E) -> Self {
        let path = path.to_path_buf();
        move |source| Self::Parquet { path, source: source.into() }
    }
}
