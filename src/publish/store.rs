//! The output folder: one run at a time, each result whole or not at all, pointers that swap at once.
//!
//! ```text
//! current -> runs/<run>        windows/<from>_<to> -> ../runs/<run>
//! .lock   .staging/<run>/      runs/<run>/
//! ```

mod lock;
mod pointers;
mod retention;
#[cfg(feature = "cloud")]
pub(super) use self::pointers::check_window_name;
#[cfg(feature = "cloud")]
pub(super) use self::retention::{Kept, is_run_name, surplus};

use std::fs::File;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub use self::pointers::{Pointed, window_name};

use super::destination::Pointer;
use super::error::PublishError;
use super::files::{self, Standing};
use super::manifest::{MANIFEST, Manifest};
use super::run_id::RunId;
use super::whole;
use crate::interrupt::Interrupt;

const STAGING: &str = ".staging";
const RUNS: &str = "runs";
const WINDOWS: &str = "windows";
const CURRENT: &str = "current";

/// The output folder, held against other runs until it is dropped.
#[derive(Debug)]
pub struct Store {
    root: PathBuf,
    /// Released by the system when it is closed, also if the process dies.
    _lock: File,
}

/// A run that was published before.
#[derive(Debug, Clone, PartialEq)]
pub struct Found {
    /// Name of its folder in `runs`.
    pub run: String,
    /// Its folder.
    pub directory: PathBuf,
    /// What it holds.
    pub manifest: Manifest,
}

/// What there is of a result among the runs that were published before.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Search {
    /// The newest whole run.
    pub found: Option<Found>,
    /// Newer ones that aren't what was published any more, or all where none is whole.
    pub damaged: Vec<Damaged>,
}

/// A run that isn't what was published any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Damaged {
    /// Its folder.
    pub directory: PathBuf,
    /// The first file, relative to the folder, that is gone or another.
    pub file: String,
}

impl Store {
    /// Opens the output folder, creating it if need be, and holds it; waits so long for another run to end.
    /// What dead runs left in staging is removed.
    ///
    /// # Errors
    ///
    /// [`PublishError::Locked`] if another run still holds it, [`PublishError::Misplaced`] if a folder in it
    /// is a link to elsewhere, [`PublishError::Interrupted`] while waiting, or what the system said.
    pub fn open(root: &Path, wait: Duration, interrupt: &Interrupt) -> Result<Self, PublishError> {
        files::create_folder(root)?;
        let lock = lock::hold(root, wait, interrupt)?;
        let store = Store { root: root.to_owned(), _lock: lock };
        for folder in [STAGING, RUNS, WINDOWS] {
            let path = root.join(folder);
            match Standing::at(&path)? {
                Standing::Folder => {}
                Standing::Nothing => {
                    files::make_folder(&path)?;
                    files::sync_folder(root)?;
                }
                // Through a link files would be written, and removed, outside the output.
                other => return Err(misplaced(path, other, "a folder")),
            }
        }
        pointers::check_is_link(&root.join(CURRENT))?;
        let staging = root.join(STAGING);
        for dead in files::entries(&staging)? {
            files::remove(&staging.join(dead))?;
        }
        Ok(store)
    }

    /// Whether a folder, not a link to one, looks like an output folder: it has the lock and the runs.
    pub fn is_at(root: &Path) -> bool {
        let is = |path: &Path, wanted| Standing::at(path).is_ok_and(|found| found == wanted);
        is(root, Standing::Folder)
            && is(&root.join(RUNS), Standing::Folder)
            && is(&root.join(lock::LOCK), Standing::File)
    }

    /// The newest whole run with this id: its manifest reads, and its files have the bytes and rows that it
    /// names. A damaged one is none, so that it is computed again, and is told.
    ///
    /// # Errors
    ///
    /// What the system said when listing the runs.
    pub fn find_published(&self, run_id: &RunId) -> Result<Search, PublishError> {
        let mut attempts: Vec<(u32, String)> = self.attempts(run_id)?;
        attempts.sort();
        let mut damaged = Vec::new();
        for (_, run) in attempts.into_iter().rev() {
            let directory = self.root.join(RUNS).join(&run);
            if Standing::at(&directory)? != Standing::Folder {
                continue;
            }
            let file = match Manifest::read(&directory) {
                // Somebody else gave it this name.
                Ok(manifest) if manifest.run_id != run_id.as_str() => continue,
                Ok(manifest) => match whole::damaged(&directory, &manifest) {
                    Some(file) => file.to_owned(),
                    None => return Ok(Search { found: Some(Found { run, directory, manifest }), damaged }),
                },
                Err(_) => MANIFEST.to_owned(),
            };
            damaged.push(Damaged { directory, file });
        }
        Ok(Search { found: None, damaged })
    }

    /// Manifests of all runs that are whole enough to have one, in no order.
    ///
    /// # Errors
    ///
    /// What the system said when listing the runs.
    pub fn manifests(&self) -> Result<Vec<Manifest>, PublishError> {
        let runs = self.root.join(RUNS);
        Ok(files::entries(&runs)?.iter().filter_map(|run| Manifest::read(&runs.join(run)).ok()).collect())
    }

    /// The manifest of the run that a pointer names; None: there is none, or it can't be read.
    pub fn pointed(&self, pointer: Pointer<'_>) -> Option<Manifest> {
        let link = match pointer {
            Pointer::Current => self.root.join(CURRENT),
            Pointer::Window(name) => self.root.join(WINDOWS).join(name),
        };
        Manifest::read(&link).ok()
    }

    /// A fresh folder that becomes a run with [`Store::commit`] and is removed otherwise.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn stage(&self, run_id: &RunId) -> Result<Staging, PublishError> {
        let staging = Staging::new(&self.root.join(STAGING), run_id, &self.attempts(run_id)?);
        files::make_folder(&staging.path)?;
        Ok(staging)
    }

    /// Makes a staged run, whose manifest is written, visible. Returns its folder and what points to it.
    ///
    /// # Errors
    ///
    /// What the system said: the run is then gone and the pointers are as before, except for
    /// [`PublishError::Unconfirmed`].
    pub fn commit(
        &self,
        mut staging: Staging,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<(PathBuf, Pointed), PublishError> {
        files::sync_folder(&staging.path)?;
        let runs = self.root.join(RUNS);
        let directory = runs.join(&staging.run);
        files::rename(&staging.path, &directory)?;
        staging.committed = true;
        let pointed =
            files::sync_folder(&runs).and_then(|()| self.swap_pointers(&staging.run, manifest, make_current));
        match pointed {
            Ok(pointed) => Ok((directory, pointed)),
            Err(error @ PublishError::Unconfirmed { .. }) => Err(error),
            Err(error) => {
                // What could not be pointed back still shows it; then it stays, for it is whole. So it does
                // where it can't be removed, and a rerun finds and uses it.
                if self.pointed_runs().is_ok_and(|pointed| !pointed.contains(&staging.run)) {
                    let _ = files::remove(&directory);
                }
                Err(error)
            }
        }
    }

    /// Attempts of a run id that are in `runs`.
    fn attempts(&self, run_id: &RunId) -> Result<Vec<(u32, String)>, PublishError> {
        Ok(attempts_of(run_id, files::entries(&self.root.join(RUNS))?))
    }
}

/// Those of some runs that are attempts of a run id, with their numbers.
pub(super) fn attempts_of(run_id: &RunId, names: Vec<String>) -> Vec<(u32, String)> {
    let attempt = |name: String| {
        let number = name.strip_prefix(run_id.as_str())?.strip_prefix('-')?.parse().ok()?;
        Some((number, name))
    };
    names.into_iter().filter_map(attempt).collect()
}

fn misplaced(path: PathBuf, found: Standing, wanted: &'static str) -> PublishError {
    PublishError::Misplaced { path, found: found.word(), wanted }
}

/// A run that is being written; removed when dropped.
#[derive(Debug)]
pub struct Staging {
    path: PathBuf,
    run: String,
    attempt: u32,
    committed: bool,
}

impl Staging {
    /// The next attempt of a run id after those that there are, to be written in a folder of its own below `within`.
    pub(super) fn new(within: &Path, run_id: &RunId, attempts: &[(u32, String)]) -> Self {
        let last = attempts.iter().map(|(attempt, _)| *attempt).max().unwrap_or(0);
        let attempt = last.saturating_add(1);
        let run = format!("{run_id}-{attempt}");
        Self { path: within.join(&run), run, attempt, committed: false }
    }

    /// Name of the run.
    #[cfg(feature = "cloud")]
    pub(super) fn run(&self) -> &str {
        &self.run
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Counts the times this run id was published.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        if !self.committed {
            // If this fails too, the next run removes it.
            let _ = files::remove(&self.path);
        }
    }
}

#[cfg(test)]
mod tests;
