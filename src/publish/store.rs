//! The output folder: one run at a time, each result whole or not at all, pointers that swap at once.
//!
//! ```text
//! current -> runs/<run>        windows/<from>_<to> -> ../runs/<run>
//! .lock   .staging/<run>/      runs/<run>/
//! ```

use std::fs::{self, File, TryLockError};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::error::PublishError;
use super::files;
use super::manifest::{MANIFEST, Manifest};
use super::run_id::RunId;
use crate::config::plan::Zone;
use crate::tables::Window;

const LOCK: &str = ".lock";
const STAGING: &str = ".staging";
const RUNS: &str = "runs";
const WINDOWS: &str = "windows";
const CURRENT: &str = "current";
const LOCK_POLL: Duration = Duration::from_millis(50);

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

impl Store {
    /// Opens the output folder, creating it if need be, and holds it; waits so long for another run to end.
    /// What dead runs left in staging is removed.
    ///
    /// # Errors
    ///
    /// [`PublishError::Locked`] if another run still holds it, or what the system said.
    pub fn open(root: &Path, wait: Duration) -> Result<Self, PublishError> {
        files::create_folder(root)?;
        let lock_path = root.join(LOCK);
        let lock = files::open_lock(&lock_path)?;
        let start = Instant::now();
        loop {
            match lock.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => return Err(PublishError::io("lock", &lock_path)(error)),
                Err(TryLockError::WouldBlock) if start.elapsed() >= wait => {
                    return Err(PublishError::Locked { path: lock_path, waited: wait });
                }
                Err(TryLockError::WouldBlock) => {
                    thread::sleep(LOCK_POLL.min(wait.saturating_sub(start.elapsed())));
                }
            }
        }
        let store = Store { root: root.to_owned(), _lock: lock };
        for folder in [STAGING, RUNS, WINDOWS] {
            files::create_folder(&root.join(folder))?;
        }
        let staging = root.join(STAGING);
        for dead in files::entries(&staging)? {
            files::remove(&staging.join(dead))?;
        }
        Ok(store)
    }

    /// Whether a folder, not a link to one, looks like an output folder: it has the lock and the runs.
    pub fn is_at(root: &Path) -> bool {
        let is_folder = |path: &Path| fs::symlink_metadata(path).is_ok_and(|found| found.is_dir());
        is_folder(root) && is_folder(&root.join(RUNS)) && root.join(LOCK).is_file()
    }

    /// The newest whole run with this id: its manifest reads and its files have their sizes.
    ///
    /// # Errors
    ///
    /// What the system said when listing the runs.
    pub fn find_published(&self, run_id: &RunId) -> Result<Option<Found>, PublishError> {
        let mut attempts: Vec<(u32, String)> = self.attempts(run_id)?;
        attempts.sort();
        for (_, run) in attempts.into_iter().rev() {
            let directory = self.root.join(RUNS).join(&run);
            if let Ok(manifest) = Manifest::read(&directory)
                && manifest.run_id == run_id.as_str()
                && is_whole(&directory, &manifest)
            {
                return Ok(Some(Found { run, directory, manifest }));
            }
        }
        Ok(None)
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

    /// Points the window, and `current` unless that would go back in time, to a run that was published before.
    /// Returns whether `current` points to it.
    ///
    /// # Errors
    ///
    /// What the system said; the pointers are then as before.
    pub fn point_to(&self, found: &Found, make_current: bool) -> Result<bool, PublishError> {
        self.swap_pointers(&found.run, &found.manifest, make_current)
    }

    /// A fresh folder that becomes a run with [`Store::commit`] and is removed otherwise.
    ///
    /// # Errors
    ///
    /// What the system said.
    pub fn stage(&self, run_id: &RunId) -> Result<Staging, PublishError> {
        let last = self.attempts(run_id)?.into_iter().map(|(attempt, _)| attempt).max().unwrap_or(0);
        let attempt = last.saturating_add(1);
        let run = format!("{run_id}-{attempt}");
        let path = self.root.join(STAGING).join(&run);
        let staging = Staging { path, run, attempt, committed: false };
        files::create_folder(&staging.path)?;
        Ok(staging)
    }

    /// Makes a staged run, whose manifest is written, visible. Returns its folder and whether `current` points
    /// to it.
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
    ) -> Result<(PathBuf, bool), PublishError> {
        files::sync_folder(&staging.path)?;
        let runs = self.root.join(RUNS);
        let directory = runs.join(&staging.run);
        files::rename(&staging.path, &directory)?;
        staging.committed = true;
        let pointed =
            files::sync_folder(&runs).and_then(|()| self.swap_pointers(&staging.run, manifest, make_current));
        match pointed {
            Ok(current) => Ok((directory, current)),
            Err(error @ PublishError::Unconfirmed { .. }) => Err(error),
            Err(error) => {
                // Nothing points to it. If it can't be removed, a rerun finds it whole and uses it.
                let _ = files::remove(&directory);
                Err(error)
            }
        }
    }

    fn swap_pointers(
        &self,
        run: &str,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<bool, PublishError> {
        check_window_name(&manifest.window.name)?;
        let windows = self.root.join(WINDOWS);
        let window = windows.join(&manifest.window.name);
        let current = self.root.join(CURRENT);
        let moves = make_current
            || self.current_window_end_us()?.is_none_or(|end_us| manifest.window.to_us >= end_us);

        let before = files::read_link(&window)?;
        self.swap(&window, &Path::new("..").join(RUNS).join(run))?;
        if moves && let Err(error) = self.swap(&current, &Path::new(RUNS).join(run)) {
            // As if nothing had happened: the window shows what it showed.
            let _ = match before {
                Some(target) => self.swap(&window, &target),
                None => files::remove(&window),
            };
            return Err(error);
        }
        for folder in [&windows, &self.root] {
            files::try_sync_folder(folder)
                .map_err(|source| PublishError::Unconfirmed { path: folder.clone(), source })?;
        }
        let target = files::read_link(&current)?;
        Ok(target.is_some_and(|target| target == Path::new(RUNS).join(run)))
    }

    /// Replaces a link at once: readers see the old or the new target.
    fn swap(&self, path: &Path, target: &Path) -> Result<(), PublishError> {
        if files::read_link(path)?.as_deref() == Some(target) {
            return Ok(());
        }
        let fresh = self.root.join(STAGING).join("link");
        files::remove(&fresh)?;
        files::link(target, &fresh)?;
        files::rename(&fresh, path).inspect_err(|_| {
            let _ = files::remove(&fresh);
        })
    }

    /// Where the window of the present `current` ends; `None` if there is none or it can't be read.
    fn current_window_end_us(&self) -> Result<Option<i64>, PublishError> {
        let Some(target) = files::read_link(&self.root.join(CURRENT))? else { return Ok(None) };
        Ok(Manifest::read(&self.root.join(target)).ok().map(|manifest| manifest.window.to_us))
    }

    /// Attempts of a run id that are in `runs`.
    fn attempts(&self, run_id: &RunId) -> Result<Vec<(u32, String)>, PublishError> {
        let names = files::entries(&self.root.join(RUNS))?;
        let attempt = |name: String| {
            let number = name.strip_prefix(run_id.as_str())?.strip_prefix('-')?.parse().ok()?;
            Some((number, name))
        };
        Ok(names.into_iter().filter_map(attempt).collect())
    }
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

fn is_whole(directory: &Path, manifest: &Manifest) -> bool {
    let has_size = |file: &super::manifest::FileRecord| {
        fs::metadata(directory.join(&file.path))
            .is_ok_and(|metadata| metadata.is_file() && metadata.len() == file.size)
    };
    directory.join(MANIFEST).is_file() && manifest.all_files().all(has_size)
}

fn check_window_name(name: &str) -> Result<(), PublishError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err(PublishError::Name {
            what: "the window",
            name: name.to_owned(),
            allowed: "letters, digits, - and _",
        });
    }
    Ok(())
}

/// Name of a window in paths: its bounds as local dates where they are midnights in the zone of the job, else as
/// compact UTC instants, `2026-04-01_2026-07-01` or `2026-04-01_20260401T120000Z`.
///
/// # Errors
///
/// A bound that no calendar has.
pub fn window_name(window: Window, zone: &Zone) -> Result<String, PublishError> {
    Ok(format!("{}_{}", bound_name(window.from_us, zone)?, bound_name(window.to_us, zone)?))
}

fn bound_name(us: i64, zone: &Zone) -> Result<String, PublishError> {
    let calendar = |_| PublishError::Calendar { value: us, place: "the window".to_owned() };
    let instant = Timestamp::from_microsecond(us).map_err(calendar)?;
    let local = instant.to_zoned(zone.zone.clone());
    if local.start_of_day().map_err(calendar)? == local {
        return Ok(local.date().to_string());
    }
    let format = if us.rem_euclid(1_000_000) == 0 { "%Y%m%dT%H%M%SZ" } else { "%Y%m%dT%H%M%S%6fZ" };
    Ok(instant.strftime(format).to_string())
}

#[cfg(test)]
mod tests;
