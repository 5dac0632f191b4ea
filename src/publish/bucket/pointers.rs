//! What readers see: `current.json` and an object for each window, each written only as long as it is the one that was
//! read.

use std::collections::{BTreeMap, BTreeSet};
use std::io::ErrorKind;
use std::path::PathBuf;

use bytes::Bytes;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use serde::{Deserialize, Serialize};

use super::{BucketStore, CURRENT, Place, RUNS, WINDOWS};
use crate::cloud::Condition;
use crate::config::location::ObjectUrl;
use crate::publish::error::PublishError;
use crate::publish::manifest::{MANIFEST, Manifest, sha256};
use crate::publish::store::{Pointed, check_window_name, is_run_name};

/// Version of the layout of a pointer.
const VERSION: u32 = 1;
/// `current` is swapped again so often where other windows swap it at the same time.
const MOST_SWAPS: usize = 10;

/// A pointer, as readers find it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PointerRecord {
    /// Version of this layout.
    pub(super) pointer_version: u32,
    /// Name of the run below `runs`.
    pub(super) run: String,
    /// Its manifest, relative to the output.
    pub(super) manifest: String,
    /// SHA-256 of the manifest, hexadecimal.
    pub(super) sha256: String,
    /// Name of the window that it is about.
    pub(super) window: String,
}

/// A pointer as it was read.
#[derive(Debug, Clone)]
struct Present {
    record: PointerRecord,
    bytes: Bytes,
    etag: String,
}

/// A pointer that was moved, and how to move it back.
struct Moved {
    below: String,
    /// Its etag now.
    etag: String,
    /// None: it wasn't there.
    before: Option<Bytes>,
}

/// The folder of the run that `current.json` of an output names; None: nothing is published yet.
///
/// # Errors
///
/// What the store said.
pub(in crate::publish) fn current_run(url: &ObjectUrl<'_>) -> Result<Option<PathBuf>, PublishError> {
    let place = Place::of(url)?;
    let pointer = place.pointer(CURRENT)?;
    Ok(pointer.map(|pointer| place.location(&format!("{RUNS}/{}", pointer.run))))
}

/// Where the pointer of a window lies.
pub(super) fn of_window(name: &str) -> String {
    format!("{WINDOWS}/{name}.json")
}

impl Place {
    /// What a pointer says; None: there is none, or it is none of ours.
    pub(super) fn pointer(&self, below: &str) -> Result<Option<PointerRecord>, PublishError> {
        Ok(self.present(below)?.map(|present| present.record))
    }

    fn present(&self, below: &str) -> Result<Option<Present>, PublishError> {
        let found = self.bucket.get(&self.key(below)).map_err(self.failed("read", below))?;
        Ok(found.and_then(|(bytes, entry)| {
            let record: PointerRecord = serde_json::from_slice(&bytes).ok()?;
            is_run_name(&record.run).then_some(Present { record, bytes, etag: entry.etag })
        }))
    }

    /// Runs that any pointer names, each with the window of a pointer that does.
    ///
    /// # Errors
    ///
    /// What the store said: who can't read all of them can't tell what is pointed to.
    pub(super) fn pointed_runs(&self) -> Result<BTreeMap<String, String>, PublishError> {
        let windows = self.bucket.list(&self.key(WINDOWS)).map_err(self.failed("list", WINDOWS))?;
        let name = |key: &str| key.rsplit('/').next().map(|name| format!("{WINDOWS}/{name}"));
        let mut pointers: Vec<String> = windows.iter().filter_map(|entry| name(&entry.key)).collect();
        pointers.push(CURRENT.to_owned());
        let records: Result<Vec<_>, _> = pointers.par_iter().map(|below| self.pointer(below)).collect();
        Ok(records?.into_iter().flatten().map(|record| (record.run, record.window)).collect())
    }

    fn write_pointer(
        &self,
        below: &str,
        bytes: &Bytes,
        condition: &Condition,
    ) -> Result<Option<String>, PublishError> {
        match self.bucket.put_if(&self.key(below), bytes.clone(), condition) {
            Ok(etag) => Ok(Some(etag)),
            // What was sent again because the answer got lost finds itself there.
            Err(error)
                if matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::StaleNetworkFileHandle) =>
            {
                Ok(self.present(below)?.filter(|present| present.bytes == *bytes).map(|present| present.etag))
            }
            Err(error) => Err(self.failed("write", below)(error)),
        }
    }
}

impl BucketStore {
    /// Points the window, and `current` unless that would go back in time, to a run that is in the store.
    ///
    /// # Errors
    ///
    /// [`PublishError::Overtaken`] where the window was published by another run since this one began, or what the store
    /// said; the pointers are then as before.
    pub(super) fn swap_pointers(
        &self,
        run: &str,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<Pointed, PublishError> {
        check_window_name(&manifest.window.name)?;
        let bytes = self.encode(run, manifest)?;
        let mut moved = Vec::new();
        let swapped = self.swap_window(&bytes, manifest, make_current, &mut moved).and_then(|left_window| {
            let left_current = self.swap_current(&bytes, manifest, make_current, &mut moved)?;
            // Whoever removes old runs takes the manifest first and then looks at the pointers again. One of the two notices.
            match self.place.manifest(run)? {
                Some(_) => Ok([left_window, left_current]),
                None => Err(self.overtaken(&format!("{RUNS}/{run}"))),
            }
        });
        let left = swapped.inspect_err(|_| self.move_back(&moved))?;
        let is_current = self.place.pointer(CURRENT)?.is_some_and(|pointer| pointer.run == run);
        let mut left: BTreeSet<String> = left.into_iter().flatten().collect();
        left.remove(run);
        Ok(Pointed { is_current, left })
    }

    /// Returns the run that the window showed before, if it shows another now.
    fn swap_window(
        &self,
        bytes: &Bytes,
        manifest: &Manifest,
        make_current: bool,
        moved: &mut Vec<Moved>,
    ) -> Result<Option<String>, PublishError> {
        let below = of_window(&manifest.window.name);
        let present = self.place.present(&below)?;
        if present.as_ref().is_some_and(|present| present.bytes == *bytes)
            || !self.may_move(present.as_ref(), manifest, make_current)?
        {
            return Ok(None);
        }
        let condition = match self.before.get(&self.place.key(&below)) {
            Some(etag) => Condition::Unchanged(etag.clone()),
            None => Condition::Absent,
        };
        let etag = self.place.write_pointer(&below, bytes, &condition)?;
        let etag = etag.ok_or_else(|| self.overtaken(&below))?;
        let before = present.as_ref().map(|present| present.bytes.clone());
        moved.push(Moved { below, etag, before });
        Ok(present.map(|present| present.record.run))
    }

    /// Returns the run that was current before, if another is now. Other windows may become current at the same time: what
    /// they leave is looked at again.
    fn swap_current(
        &self,
        bytes: &Bytes,
        manifest: &Manifest,
        make_current: bool,
        moved: &mut Vec<Moved>,
    ) -> Result<Option<String>, PublishError> {
        for _ in 0..MOST_SWAPS {
            let present = self.place.present(CURRENT)?;
            if present.as_ref().is_some_and(|present| present.bytes == *bytes)
                || !(make_current || self.is_later(present.as_ref(), manifest)?)
                || !self.may_move(present.as_ref(), manifest, make_current)?
            {
                return Ok(None);
            }
            let condition = match &present {
                Some(present) => Condition::Unchanged(present.etag.clone()),
                None => Condition::Absent,
            };
            if let Some(etag) = self.place.write_pointer(CURRENT, bytes, &condition)? {
                let before = present.as_ref().map(|present| present.bytes.clone());
                moved.push(Moved { below: CURRENT.to_owned(), etag, before });
                return Ok(present.map(|present| present.record.run));
            }
        }
        Err(self.overtaken(CURRENT))
    }

    /// As if nothing had happened, as far as nobody came after.
    fn move_back(&self, moved: &[Moved]) {
        for Moved { below, etag, before } in moved.iter().rev() {
            let key = self.place.key(below);
            let _ = match before {
                Some(bytes) => {
                    let condition = Condition::Unchanged(etag.clone());
                    self.place.bucket.put_if(&key, bytes.clone(), &condition).map(drop)
                }
                None => match self.place.bucket.head(&key) {
                    Ok(Some(now)) if now.etag == *etag => self.place.bucket.delete(&key),
                    _ => Ok(()),
                },
            };
        }
    }

    /// Whether readers of the present run lose nothing; a run that can't be read has nothing to lose.
    fn may_move(
        &self,
        present: Option<&Present>,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<bool, PublishError> {
        match present {
            Some(present) if !make_current => {
                let present = self.place.manifest(&present.record.run)?;
                Ok(present.is_none_or(|present| manifest.may_replace(&present)))
            }
            _ => Ok(true),
        }
    }

    fn is_later(&self, present: Option<&Present>, manifest: &Manifest) -> Result<bool, PublishError> {
        let Some(present) = present else { return Ok(true) };
        let present = self.place.manifest(&present.record.run)?;
        Ok(present.is_none_or(|present| manifest.window.to_us >= present.window.to_us))
    }

    fn encode(&self, run: &str, manifest: &Manifest) -> Result<Bytes, PublishError> {
        let record = PointerRecord {
            pointer_version: VERSION,
            run: run.to_owned(),
            manifest: format!("{RUNS}/{run}/{MANIFEST}"),
            sha256: sha256(&manifest.encode()?),
            window: manifest.window.name.clone(),
        };
        let mut bytes = serde_json::to_vec_pretty(&record)
            .map_err(|source| PublishError::Json { file: CURRENT, source })?;
        bytes.push(b'\n');
        Ok(bytes.into())
    }

    fn overtaken(&self, below: &str) -> PublishError {
        PublishError::Overtaken { path: self.place.location(below) }
    }
}
