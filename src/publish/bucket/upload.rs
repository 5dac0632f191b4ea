//! Sends a staged run: every file read back, the manifest last.

use std::io::ErrorKind;

use bytes::Bytes;
use rayon::iter::{IntoParallelIterator, ParallelIterator};

use super::{BucketStore, RUNS};
use crate::cloud::Condition;
use crate::interrupt::Interrupt;
use crate::publish::error::PublishError;
use crate::publish::files;
use crate::publish::manifest::{FileRecord, MANIFEST, Manifest, sha256};
use crate::publish::store::Staging;

impl BucketStore {
    /// Sends a run to its place under `runs`, side by side in the pool of the caller.
    ///
    /// # Errors
    ///
    /// It was asked to stop, another run took the place, or what the store said; what was sent is then removed again.
    pub(super) fn send(
        &self,
        staging: &Staging,
        manifest: &Manifest,
        interrupt: &Interrupt,
    ) -> Result<(), PublishError> {
        let mut records = manifest.files.iter().chain(tables_of(manifest));
        // Two runs on two machines may have come to the same name. Whoever writes the first object has it.
        if let Some(first) = records.next() {
            self.claim(staging, first)?;
        }
        let rest: Vec<&FileRecord> = records.collect();
        let sent = rest.into_par_iter().try_for_each(|record| {
            interrupt.check()?;
            self.send_file(staging, record)
        });
        sent.and_then(|()| {
            let path = staging.path().join(MANIFEST);
            let record = FileRecord::new(MANIFEST.to_owned(), &files::read_file(&path)?);
            self.send_file(staging, &record)?;
            Ok(interrupt.commit()?)
        })
        .inspect_err(|_| self.withdraw(staging.run()))
    }

    /// Writes the first object of a run, unless it is there.
    fn claim(&self, staging: &Staging, record: &FileRecord) -> Result<(), PublishError> {
        let below = below(staging, record);
        let bytes = Bytes::from(files::read_file(&staging.path().join(&record.path))?);
        let put = self.place.bucket.put_if(&self.place.key(&below), bytes, &Condition::Absent);
        match put {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(PublishError::Overtaken {
                path: self.place.location(&format!("{RUNS}/{}", staging.run())),
            }),
            put => put.map_err(self.place.failed("write", &below)).and_then(|_| self.check(&below, record)),
        }
    }

    fn send_file(&self, staging: &Staging, record: &FileRecord) -> Result<(), PublishError> {
        let below = below(staging, record);
        let bytes = Bytes::from(files::read_file(&staging.path().join(&record.path))?);
        let put = self.place.bucket.put(&self.place.key(&below), bytes);
        put.map_err(self.place.failed("write", &below))?;
        self.check(&below, record)
    }

    /// Reads an object back: not every store says by which checksum it kept what was sent.
    fn check(&self, below: &str, record: &FileRecord) -> Result<(), PublishError> {
        let differs = |detail: &str| PublishError::ReadBack {
            path: self.place.location(below),
            detail: detail.to_owned(),
        };
        let bytes = self.place.read(below)?.ok_or_else(|| differs("it is not there"))?;
        match bytes.len() as u64 == record.size && sha256(&bytes) == record.sha256 {
            true => Ok(()),
            false => Err(differs("another SHA-256 than that of what was sent")),
        }
    }

    /// Removes a run that nobody points to. What can't be removed has no manifest, and a later run removes it.
    pub(super) fn withdraw(&self, run: &str) {
        let _ = self.place.remove(&format!("{RUNS}/{run}/{MANIFEST}"));
        let _ = self.place.remove_folder(run);
    }
}

/// All files but those that the manifest lists beside the tables.
fn tables_of(manifest: &Manifest) -> impl Iterator<Item = &FileRecord> {
    let others = manifest.files.len();
    let count = manifest.all_files().count();
    manifest.all_files().take(count - others)
}

fn below(staging: &Staging, record: &FileRecord) -> String {
    format!("{RUNS}/{}/{}", staging.run(), record.path)
}
