//! Why two runs can't be compared.

use std::path::PathBuf;

use crate::publish::PublishError;

/// Why two runs can't be compared.
#[derive(Debug, thiserror::Error)]
pub enum DiffError {
    /// Nothing that was named is a run.
    #[error("there is no run `{name}`: neither {}", looked.join(", nor "))]
    NoRun {
        /// As it was named.
        name: String,
        /// Where it was looked for, in words.
        looked: Vec<String>,
    },
    /// What was named is, or would be, in an object store.
    #[error(
        "there is no run `{name}` on this machine, and {place} is in an object store, where runs are not compared"
    )]
    Remote {
        /// As it was named.
        name: String,
        /// The location.
        place: String,
    },
    /// The beginning of an id fits several runs.
    #[error("`{name}` may be any of {}", runs.join(", "))]
    Ambiguous {
        /// As it was named.
        name: String,
        /// The runs.
        runs: Vec<String>,
    },
    /// The manifest can't be read.
    #[error("{} is no run that can be read", path.display())]
    Manifest {
        /// Folder of the run.
        path: PathBuf,
        /// Why.
        source: PublishError,
    },
    /// A table can't be read.
    #[error("cannot read {}: {reason}", path.display())]
    Table {
        /// Its file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

impl DiffError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            DiffError::NoRun { .. } => {
                "name `current`, a window such as `2026-04-01_2026-07-01`, an id, or the folder of a run; `--out` is where they are looked up"
                    .to_owned()
            }
            DiffError::Remote { .. } => {
                "copy both runs, as `aws s3 sync` or `az storage blob download-batch` do, and name their folders: `current.json` says which is current"
                    .to_owned()
            }
            DiffError::Ambiguous { .. } => "write more of it".to_owned(),
            DiffError::Manifest { .. } | DiffError::Table { .. } => {
                "the run is damaged, or was removed by retention while it was read: name another".to_owned()
            }
        })
    }

    /// Exit code: 64 ambiguous or in an object store, 66 no such run, 74 a file of it can't be read.
    pub fn exit_code(&self) -> u8 {
        match self {
            DiffError::NoRun { .. } => 66,
            DiffError::Ambiguous { .. } | DiffError::Remote { .. } => 64,
            DiffError::Manifest { .. } | DiffError::Table { .. } => 74,
        }
    }
}
