//! Where results go: a folder on this machine, or a prefix in an object store.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::error::PublishError;
use super::manifest::Manifest;
use super::run_id::RunId;
use super::store::{Found, Pointed, Search, Staging, Store};
use crate::config::location::ObjectUrl;
use crate::config::plan::Keep;
use crate::interrupt::Interrupt;

/// What names a run to readers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pointer<'a> {
    /// The result to read.
    Current,
    /// The result of a window, by its name.
    Window(&'a str),
}

/// Where a run publishes, as the steps of publishing see it.
pub trait Destination: Send + Sync {
    /// The newest whole run with this id; see [`Store::find_published`].
    ///
    /// # Errors
    ///
    /// What the system, or the store, said when listing the runs. So it is for the others.
    fn find_published(&self, run_id: &RunId) -> Result<Search, PublishError>;

    /// Manifests of all runs that have one, in no order.
    ///
    /// # Errors
    ///
    /// See above.
    fn manifests(&self) -> Result<Vec<Manifest>, PublishError>;

    /// The manifest of the run that a pointer names; None: there is none, or it can't be read.
    fn pointed(&self, pointer: Pointer<'_>) -> Option<Manifest>;

    /// A fresh folder on this machine for a run to be written and checked in; gone when dropped.
    ///
    /// # Errors
    ///
    /// See above.
    fn stage(&self, run_id: &RunId) -> Result<Staging, PublishError>;

    /// Does what takes long of making a staged run visible, asking between its steps whether to go on, and passes the point
    /// from which on nobody stops it. Nobody sees the run yet.
    ///
    /// # Errors
    ///
    /// It was asked to stop, or see above; nothing of the run is then left.
    fn deliver(
        &self,
        staging: &Staging,
        manifest: &Manifest,
        interrupt: &Interrupt,
    ) -> Result<(), PublishError>;

    /// Makes a delivered run visible. Returns where it lies and what points to it.
    ///
    /// # Errors
    ///
    /// See [`Store::commit`].
    fn commit(
        &self,
        staging: Staging,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<(PathBuf, Pointed), PublishError>;

    /// Points to a run that was published before; see [`Store::point_to`].
    ///
    /// # Errors
    ///
    /// See above; the pointers are then as before.
    fn point_to(&self, found: &Found, make_current: bool) -> Result<Pointed, PublishError>;

    /// Notes which runs a pointer left, and removes those that nothing keeps; see [`Store::retain`].
    ///
    /// # Errors
    ///
    /// See above. What a pointer names is never touched.
    fn retain(&self, left: &BTreeSet<String>, keep: Keep) -> Result<Vec<String>, PublishError>;
}

/// Opens the place where results go; `scratch` is a folder for temporary files, used where that is an object store.
///
/// # Errors
///
/// See [`Store::open`].
pub fn open(
    root: &Path,
    scratch: &Path,
    wait: Duration,
    interrupt: &Interrupt,
) -> Result<Box<dyn Destination>, PublishError> {
    match root.to_str().and_then(ObjectUrl::parse) {
        Some(url) => open_in_store(&url, scratch),
        None => Ok(Box::new(Store::open(root, wait, interrupt)?)),
    }
}

#[cfg(feature = "cloud")]
fn open_in_store(url: &ObjectUrl<'_>, scratch: &Path) -> Result<Box<dyn Destination>, PublishError> {
    Ok(Box::new(super::bucket::BucketStore::open(url, scratch)?))
}

/// A configuration never gets so far: it is told which feature it needs.
#[cfg(not(feature = "cloud"))]
fn open_in_store(url: &ObjectUrl<'_>, _: &Path) -> Result<Box<dyn Destination>, PublishError> {
    let source = std::io::ErrorKind::Unsupported.into();
    Err(PublishError::Io { operation: "reach", path: url.root().into(), source })
}

/// The folder of the run that `current` of an output names, as far as it can be told.
pub fn current_run(root: &Path) -> PathBuf {
    #[cfg(feature = "cloud")]
    if let Some(url) = root.to_str().and_then(ObjectUrl::parse) {
        let run = super::bucket::current_run(&url).ok().flatten();
        return run.unwrap_or_else(|| root.join("current.json"));
    }
    root.join("current")
}

impl Destination for Store {
    fn find_published(&self, run_id: &RunId) -> Result<Search, PublishError> {
        Store::find_published(self, run_id)
    }

    fn manifests(&self) -> Result<Vec<Manifest>, PublishError> {
        Store::manifests(self)
    }

    fn pointed(&self, pointer: Pointer<'_>) -> Option<Manifest> {
        Store::pointed(self, pointer)
    }

    fn stage(&self, run_id: &RunId) -> Result<Staging, PublishError> {
        Store::stage(self, run_id)
    }

    /// It lies beside the place where it will be seen: all that is left is a rename.
    fn deliver(&self, _: &Staging, _: &Manifest, interrupt: &Interrupt) -> Result<(), PublishError> {
        Ok(interrupt.commit()?)
    }

    fn commit(
        &self,
        staging: Staging,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<(PathBuf, Pointed), PublishError> {
        Store::commit(self, staging, manifest, make_current)
    }

    fn point_to(&self, found: &Found, make_current: bool) -> Result<Pointed, PublishError> {
        Store::point_to(self, found, make_current)
    }

    fn retain(&self, left: &BTreeSet<String>, keep: Keep) -> Result<Vec<String>, PublishError> {
        Store::retain(self, left, keep)
    }
}
