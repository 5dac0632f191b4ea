//! Links among the inputs: what they lead out of is refused, and what they lead to twice is read once.

use std::path::{Path, PathBuf};

use super::error::InputError;

/// Where a folder that is searched really lies.
#[derive(Debug)]
pub(super) struct Root {
    folder: PathBuf,
    real: PathBuf,
}

impl Root {
    /// A folder as the configuration names it; it may itself be a link.
    pub(super) fn new(folder: &Path) -> Result<Self, InputError> {
        Ok(Self { folder: folder.to_owned(), real: real(folder)? })
    }

    /// Where something below the folder really lies.
    ///
    /// # Errors
    /// A link leads out of the folder.
    pub(super) fn resolve(&self, path: &Path) -> Result<PathBuf, InputError> {
        let target = real(path)?;
        match target.starts_with(&self.real) {
            true => Ok(target),
            false => {
                Err(InputError::OutsideRoot { path: path.to_owned(), target, root: self.folder.clone() })
            }
        }
    }
}

fn real(path: &Path) -> Result<PathBuf, InputError> {
    path.canonicalize().map_err(|source| InputError::Io { action: "look at", path: path.to_owned(), source })
}
