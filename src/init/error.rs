//! Why no configuration was written.

use std::fmt;
use std::io;
use std::path::PathBuf;

use crate::config::ConfigErrors;
use crate::engine::EngineError;
use crate::input::InputError;

use super::survey::{Export, Unreadable};
use super::tables::Lack;

/// Columns of a file that a message names.
const SHOWN_COLUMNS: usize = 30;
/// Files that a message names.
const SHOWN_FILES: usize = 50;

/// Why no configuration was written.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// No file can be read as touchpoints.
    #[error("no file has the columns of touchpoints{0}")]
    NoTouchpoints(Unusable),
    /// Nothing lies at a path, or it can't be read.
    #[error(transparent)]
    Input(#[from] InputError),
    /// No configuration can hold a path.
    #[error("{} {}", path.display(), why.as_str())]
    Unnamable {
        /// As it was named.
        path: PathBuf,
        /// Why it can't.
        why: Unnamable,
    },
    /// The file is there.
    #[error("{} is there already", path.display())]
    Exists {
        /// Where the configuration was to be written.
        path: PathBuf,
    },
    /// The file system said no.
    #[error("cannot {action} {}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why it failed.
        source: io::Error,
    },
    /// A run would refuse the exports as they are.
    #[error("a run would refuse these exports")]
    Refused(#[source] EngineError),
    /// What was written is no configuration: a bug.
    #[error("the configuration that was made is not valid:\n{0}")]
    Invalid(ConfigErrors),
}

/// Why a path can't be written down, or not be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unnamable {
    /// Its bytes are no text.
    NotUtf8,
    /// It is in an object store.
    Remote,
    /// It is an address of something else.
    Address,
}

impl Unnamable {
    fn as_str(self) -> &'static str {
        match self {
            Unnamable::NotUtf8 => "is not UTF-8, so that no configuration can name it",
            Unnamable::Remote => "is in an object store, and only files on this machine are looked at",
            Unnamable::Address => "is on another machine, and only files on this one are looked at",
        }
    }

    fn hint(self) -> &'static str {
        match self {
            Unnamable::NotUtf8 => "rename the folder",
            Unnamable::Address => "copy some of its files into a folder, and name that",
            Unnamable::Remote => {
                "copy some of its files into a folder, and write the location into `path` afterwards"
            }
        }
    }
}

/// What each file lacks.
#[derive(Debug, Default)]
pub struct Unusable {
    /// File, its columns in words, and what it lacks or would be used as.
    pub files: Vec<String>,
}

impl Unusable {
    /// Adds a file that is no input, and what it lacks.
    pub fn lacking(&mut self, export: &Export, lacks: &[Lack]) {
        let each =
            lacks.iter().map(|lack| format!("as {} it lacks {}", lack.table.as_str(), and(&lack.reasons)));
        self.push(export, &each.collect::<Vec<_>>().join("; "));
    }

    /// Adds a file that is an input, but no touchpoints.
    pub fn other(&mut self, export: &Export, table: &str) {
        self.push(export, &format!("could be {table}"));
    }

    /// Adds a file that can't be read.
    pub fn unreadable(&mut self, file: &Unreadable) {
        self.files.push(file.error.to_string());
    }

    fn push(&mut self, export: &Export, what: &str) {
        let columns = export.columns.iter().take(SHOWN_COLUMNS);
        let mut columns: Vec<String> =
            columns.map(|column| format!("{} ({})", column.name, column.kind.as_str())).collect();
        if export.columns.len() > SHOWN_COLUMNS {
            columns.push(format!("and {} more", export.columns.len() - SHOWN_COLUMNS));
        }
        self.files.push(format!("{}: {what}\n    it has {}", export.file.path.display(), columns.join(", ")));
    }
}

impl fmt::Display for Unusable {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for file in self.files.iter().take(SHOWN_FILES) {
            write!(formatter, "\n  {file}")?;
        }
        match self.files.len().checked_sub(SHOWN_FILES) {
            Some(more @ 1..) => write!(formatter, "\n  and {more} more files"),
            _ => Ok(()),
        }
    }
}

fn and(parts: &[String]) -> String {
    match parts {
        [all @ .., last] if !all.is_empty() => format!("{} and {last}", all.join(", ")),
        parts => parts.concat(),
    }
}

impl InitError {
    /// What to do about it; None where the message says it all.
    pub fn hint(&self) -> Option<String> {
        match self {
            InitError::NoTouchpoints(_) => Some(
                "name the folder of the touchpoint log: Parquet with a customer, a time and an event in each row; where all rows are the same event, say which: `--event purchase`"
                    .to_owned(),
            ),
            InitError::Input(InputError::NoFiles { .. }) => {
                Some("name files or folders that hold *.parquet or *.csv".to_owned())
            }
            InitError::Input(error) => error.hint(),
            InitError::Unnamable { why, .. } => Some(why.hint().to_owned()),
            InitError::Exists { .. } => {
                Some("write elsewhere with `--config FILE`, or over it with `--overwrite`".to_owned())
            }
            InitError::Refused(error) => error.hint(),
            InitError::Io { .. } | InitError::Invalid(_) => None,
        }
    }

    /// Exit code: 64 the file is there or a path can't be looked at, 65 bad data, 66 nothing usable, 70 a bug, 74 I/O.
    pub fn exit_code(&self) -> u8 {
        match self {
            InitError::NoTouchpoints(_) => 66,
            InitError::Input(error) => error.exit_code(),
            InitError::Unnamable { .. } | InitError::Exists { .. } => 64,
            InitError::Io { .. } => 74,
            InitError::Refused(error) => error.exit_code(),
            InitError::Invalid(_) => 70,
        }
    }
}
