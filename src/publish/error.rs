//! Why a result was not published.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use polars::prelude::PolarsError;

use crate::config::location::{self, UNREACHABLE};
use crate::interrupt::Interrupted;
use crate::tables::TableError;

/// Why a result was not published. Except for [`PublishError::Unconfirmed`] nothing visible changed.
#[derive(Debug, thiserror::Error)]
pub enum PublishError {
    /// The file system said no.
    #[error("could not {operation} {}", path.display())]
    Io {
        /// What was tried, as a verb.
        operation: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The environment doesn't say how to reach an object store.
    #[error("it is not known how to reach {}", path.display())]
    Unreachable {
        /// The bucket.
        path: PathBuf,
        /// What is wrong with the variables.
        source: io::Error,
    },
    /// Another run holds the output.
    #[error("another run holds {} (waited {} s)", path.display(), waited.as_secs())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// How long this run waited.
        waited: Duration,
    },
    /// Another run published to the same place after this one began.
    #[error("another run published to {} in the meantime", path.display())]
    Overtaken {
        /// What it wrote.
        path: PathBuf,
    },
    /// The result is visible, but the disk did not confirm that it will stay so.
    #[error(
        "published and visible as {run}, but the disk did not confirm it for {}: a power failure may undo it",
        path.display()
    )]
    Unconfirmed {
        /// Name of the run's folder.
        run: String,
        /// The folder that could not be synced.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Something that isn't ours stands where the output needs its own.
    #[error("{} is {found}; it has to be {wanted} of the output's own", path.display())]
    Misplaced {
        /// The place.
        path: PathBuf,
        /// What stands there.
        found: &'static str,
        /// What should.
        wanted: &'static str,
    },
    /// A written file reads back as something else.
    #[error("{} reads back differently: {detail}", path.display())]
    ReadBack {
        /// The file.
        path: PathBuf,
        /// The first difference.
        detail: String,
    },
    /// A name that may not become a path.
    #[error("{what} {name:?} can't be the name of a file: only {allowed}")]
    Name {
        /// What is named.
        what: &'static str,
        /// The name.
        name: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// Two tables of one name.
    #[error("two tables are called {name}")]
    DuplicateTable {
        /// The name.
        name: String,
    },
    /// A format that can't be read back.
    #[error("CSV files can't have the separator {separator:?} with the decimal mark {decimal:?}")]
    CsvFormat {
        /// Field separator.
        separator: char,
        /// Decimal mark.
        decimal: char,
    },
    /// A table that breaks its promise.
    #[error(transparent)]
    Table(#[from] TableError),
    /// A table that could not be encoded.
    #[error("could not encode table {table}")]
    Encode {
        /// The table.
        table: String,
        /// What Polars said.
        source: PolarsError,
    },
    /// An instant that no calendar has.
    #[error("{value} is outside the calendar in {place}")]
    Calendar {
        /// Days or µs since the epoch.
        value: i64,
        /// Where it stands.
        place: String,
    },
    /// A description that could not be written as JSON.
    #[error("could not write {file} as JSON")]
    Json {
        /// The file.
        file: &'static str,
        /// What the writer said.
        source: serde_json::Error,
    },
    /// The run was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
}

impl PublishError {
    /// The exit code of the command: 74 I/O, 75 held output, 78 configuration or environment, 130 or 143 stopped, 70 a bug.
    pub fn exit_code(&self) -> u8 {
        match self {
            PublishError::Io { .. } | PublishError::Unconfirmed { .. } | PublishError::ReadBack { .. } => 74,
            PublishError::Locked { .. } | PublishError::Overtaken { .. } => 75,
            PublishError::CsvFormat { .. }
            | PublishError::Misplaced { .. }
            | PublishError::Unreachable { .. } => 78,
            PublishError::Interrupted(interrupted) => interrupted.stop.exit_code(),
            PublishError::Name { .. }
            | PublishError::DuplicateTable { .. }
            | PublishError::Table(_)
            | PublishError::Encode { .. }
            | PublishError::Calendar { .. }
            | PublishError::Json { .. } => 70,
        }
    }

    /// What to do about it; None where there is nothing a user could do.
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            PublishError::Unreachable { .. } => Some(UNREACHABLE),
            PublishError::Io { path, .. } | PublishError::ReadBack { path, .. }
                if location::is_remote(&path.to_string_lossy()) =>
            {
                Some(
                    "see that the store can be reached from here and lets these credentials list, read, write and delete below the output (docs/object-stores.md), then run again; no result was changed",
                )
            }
            PublishError::Io { .. } | PublishError::ReadBack { .. } => Some(
                "see that the folder may be written and the disk has room, then run again; no result was changed",
            ),
            PublishError::Locked { .. } => {
                Some("wait for it with `--wait SECONDS`, or write elsewhere with `--out DIR`")
            }
            PublishError::Overtaken { .. } => Some(
                "run again; let one job at a time publish a window, for no lock keeps two apart in an object store",
            ),
            PublishError::Unconfirmed { .. } => {
                Some("run again: it confirms what is published without computing it again")
            }
            PublishError::Misplaced { .. } => Some(
                "move it away, or write elsewhere with `--out DIR`; links inside an output are never followed",
            ),
            PublishError::CsvFormat { .. } => Some("set output.csv_separator and output.csv_decimal apart"),
            PublishError::Interrupted(_) => Some("run again"),
            _ => None,
        }
    }

    /// For `map_err`: the system refused `operation` on `path`.
    pub(super) fn io(operation: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| PublishError::Io { operation, path, source }
    }
}
