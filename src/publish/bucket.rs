//! Results in an object store: a prefix for each run, and small objects that point to them.
//!
//! ```text
//! current.json   windows/<from>_<to>.json   pointers, written on a condition
//! runs/<run>/                               as in an output folder
//! left/<run>                                when the last pointer left a run
//! ```
//!
//! There are no locks and no links, so what keeps two runs apart is what a store has: an object appears whole, and it
//! can be written on the condition that it is still the one that was read. A run is written and checked on this machine,
//! sent, read back and then pointed to.

mod pointers;
mod retention;
mod scratch;
mod upload;

use std::collections::BTreeMap;
use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::destination::{Destination, Pointer};
use super::error::PublishError;
use super::files;
use super::manifest::{MANIFEST, Manifest};
use super::run_id::RunId;
use super::store::{Damaged, Found, Pointed, Search, Staging, attempts_of};
use super::whole;
use crate::cloud::Bucket;
use crate::config::location::ObjectUrl;
use crate::config::plan::Keep;
use crate::interrupt::Interrupt;

use self::scratch::Scratch;

pub(super) use self::pointers::current_run;

const RUNS: &str = "runs";
const WINDOWS: &str = "windows";
const CURRENT: &str = "current.json";
const LEFT: &str = "left";

/// A prefix in an object store that results go to.
#[derive(Debug)]
pub(super) struct BucketStore {
    place: Place,
    /// Etags of the pointers of windows as the run began, by key. Whoever changes one after that has published the window
    /// in the meantime.
    before: BTreeMap<String, String>,
    scratch: Scratch,
}

/// A prefix in a bucket.
#[derive(Debug, Clone)]
pub(super) struct Place {
    bucket: Arc<Bucket>,
    /// Without slashes at its ends; empty: the whole bucket.
    prefix: String,
}

impl Place {
    fn of(url: &ObjectUrl<'_>) -> Result<Self, PublishError> {
        let unreachable = |source| PublishError::Unreachable { path: PathBuf::from(url.root()), source };
        let bucket = Bucket::of(url).map_err(unreachable)?;
        Ok(Self { bucket, prefix: url.key.to_owned() })
    }

    /// The key of what lies below the prefix.
    fn key(&self, below: &str) -> String {
        if self.prefix.is_empty() { below.to_owned() } else { format!("{}/{below}", self.prefix) }
    }

    /// The same as a location, for messages and manifests.
    fn location(&self, below: &str) -> PathBuf {
        PathBuf::from(self.bucket.url(&self.key(below)))
    }

    /// For `map_err`: the store refused an operation.
    fn failed(&self, operation: &'static str, below: &str) -> impl FnOnce(io::Error) -> PublishError {
        let path = self.location(below);
        move |source| PublishError::Io { operation, path, source }
    }

    /// Bytes of an object; None: there is none.
    fn read(&self, below: &str) -> Result<Option<bytes::Bytes>, PublishError> {
        let found = self.bucket.get(&self.key(below)).map_err(self.failed("read", below))?;
        Ok(found.map(|(bytes, _)| bytes))
    }

    fn manifest(&self, run: &str) -> Result<Option<Manifest>, PublishError> {
        let bytes = self.read(&format!("{RUNS}/{run}/{MANIFEST}"))?;
        Ok(bytes.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    fn remove(&self, below: &str) -> Result<(), PublishError> {
        self.bucket.delete(&self.key(below)).map_err(self.failed("remove", below))
    }

    /// Names of the folders of runs, with or without a manifest.
    fn runs(&self) -> Result<Vec<String>, PublishError> {
        self.bucket.folders(&self.key(RUNS)).map_err(self.failed("list", RUNS))
    }
}

impl BucketStore {
    /// Opens a prefix and notes what it points to.
    ///
    /// # Errors
    ///
    /// What the store said, or no temporary folder can be made in `scratch`.
    pub(super) fn open(url: &ObjectUrl<'_>, scratch: &Path) -> Result<Self, PublishError> {
        let place = Place::of(url)?;
        let windows = place.bucket.list(&place.key(WINDOWS)).map_err(place.failed("list", WINDOWS))?;
        let before = windows.into_iter().map(|pointer| (pointer.key, pointer.etag)).collect();
        Ok(Self { place, before, scratch: Scratch::make(scratch)? })
    }

    /// The first file that isn't in the store with the bytes, or as a table with the rows, that the manifest names.
    fn damaged<'m>(&self, run: &str, manifest: &'m Manifest) -> Result<Option<&'m str>, PublishError> {
        for (file, rows) in whole::records(manifest) {
            let bytes = self.place.read(&format!("{RUNS}/{run}/{}", file.path))?;
            if !bytes.is_some_and(|bytes| whole::holds(bytes, file, rows)) {
                return Ok(Some(&file.path));
            }
        }
        Ok(None)
    }
}

impl Destination for BucketStore {
    fn find_published(&self, run_id: &RunId) -> Result<Search, PublishError> {
        let mut attempts = attempts_of(run_id, self.place.runs()?);
        attempts.sort();
        let mut damaged = Vec::new();
        for (_, run) in attempts.into_iter().rev() {
            // Without a manifest it was never delivered.
            let Some(manifest) = self.place.manifest(&run)? else { continue };
            if manifest.run_id != run_id.as_str() {
                continue;
            }
            let directory = self.place.location(&format!("{RUNS}/{run}"));
            match self.damaged(&run, &manifest)?.map(str::to_owned) {
                Some(file) => damaged.push(Damaged { directory, file }),
                None => return Ok(Search { found: Some(Found { run, directory, manifest }), damaged }),
            }
        }
        Ok(Search { found: None, damaged })
    }

    fn manifests(&self) -> Result<Vec<Manifest>, PublishError> {
        let manifests: Result<Vec<_>, _> =
            self.place.runs()?.iter().map(|run| self.place.manifest(run)).collect();
        Ok(manifests?.into_iter().flatten().collect())
    }

    fn pointed(&self, pointer: Pointer<'_>) -> Option<Manifest> {
        let below = match pointer {
            Pointer::Current => CURRENT.to_owned(),
            Pointer::Window(name) => pointers::of_window(name),
        };
        let run = self.place.pointer(&below).ok()??.run;
        self.place.manifest(&run).ok()?
    }

    fn stage(&self, run_id: &RunId) -> Result<Staging, PublishError> {
        let attempts = attempts_of(run_id, self.place.runs()?);
        let staging = Staging::new(self.scratch.path(), run_id, &attempts);
        files::make_folder(staging.path())?;
        Ok(staging)
    }

    fn deliver(
        &self,
        staging: &Staging,
        manifest: &Manifest,
        interrupt: &Interrupt,
    ) -> Result<(), PublishError> {
        self.send(staging, manifest, interrupt)
    }

    fn commit(
        &self,
        staging: Staging,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<(PathBuf, Pointed), PublishError> {
        let run = staging.run();
        let pointed = self.swap_pointers(run, manifest, make_current).inspect_err(|_| {
            // Only where it is certain that nobody sees it. Else it stays: it is whole, and a rerun finds it.
            if self.place.pointed_runs().is_ok_and(|pointed| !pointed.contains_key(run)) {
                self.withdraw(run);
            }
        })?;
        Ok((self.place.location(&format!("{RUNS}/{run}")), pointed))
    }

    fn point_to(&self, found: &Found, make_current: bool) -> Result<Pointed, PublishError> {
        self.swap_pointers(&found.run, &found.manifest, make_current)
    }

    fn retain(&self, left: &BTreeSet<String>, keep: Keep) -> Result<Vec<String>, PublishError> {
        self.place.retain(left, keep)
    }
}
