//! The folder on this machine in which a run is written and checked before it is sent.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tempfile::TempDir;

use crate::publish::error::PublishError;
use crate::publish::files;

/// What such folders are called, before something that no other has.
const PREFIX: &str = "touchline-publish-";
/// The file in it that a living run holds.
const LOCK: &str = "lock";
/// A folder that is younger may be one whose run is just about to take the lock.
const NEW: Duration = Duration::from_secs(60);

/// A folder that only its owner can read; gone when dropped, and removed by a later run where that could not be.
#[derive(Debug)]
pub(super) struct Scratch {
    folder: TempDir,
    /// Released by the system, also if the process dies.
    _lock: File,
}

impl Scratch {
    /// Makes one in a folder for temporary files, and removes those of runs that were killed.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub(super) fn make(within: &Path) -> Result<Self, PublishError> {
        for dead in dead(within, SystemTime::now()) {
            // Whatever is left is the next run's to remove.
            let _ = fs::remove_dir_all(dead);
        }
        let folder = tempfile::Builder::new()
            .prefix(PREFIX)
            .tempdir_in(within)
            .map_err(PublishError::io("create a temporary folder in", within))?;
        let path = folder.path().join(LOCK);
        let lock = files::open_lock(&path)?;
        lock.lock().map_err(PublishError::io("lock", &path))?;
        Ok(Self { folder, _lock: lock })
    }

    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }
}

/// Folders whose run has died: nobody holds the lock. Those of other users can't be opened.
fn dead(within: &Path, now: SystemTime) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(within) else { return Vec::new() };
    let is_ours = |entry: &fs::DirEntry| {
        entry.file_name().to_string_lossy().starts_with(PREFIX)
            && entry.file_type().is_ok_and(|kind| kind.is_dir())
    };
    let is_dead = |path: &PathBuf| {
        let age = |made: SystemTime| now.duration_since(made).unwrap_or_default();
        let is_new =
            fs::metadata(path).and_then(|found| found.modified()).map_or(true, |made| age(made) < NEW);
        let lock = File::options().read(true).write(true).open(path.join(LOCK));
        !is_new && lock.is_ok_and(|lock| lock.try_lock().is_ok())
    };
    entries.flatten().filter(is_ours).map(|entry| entry.path()).filter(is_dead).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_run_left_goes_and_what_a_living_one_holds_stays() {
        let within = tempfile::tempdir().unwrap();
        let living = Scratch::make(within.path()).unwrap();
        let killed = within.path().join(format!("{PREFIX}killed"));
        fs::create_dir(&killed).unwrap();
        fs::write(killed.join(LOCK), "").unwrap();
        fs::create_dir(within.path().join("mine")).unwrap();
        assert_eq!(dead(within.path(), SystemTime::now()), Vec::<PathBuf>::new(), "it may be new");
        assert_eq!(dead(within.path(), SystemTime::now() + 2 * NEW), [killed]);
        let path = living.path().to_owned();
        drop(living);
        assert!(!path.exists());
    }
}
