//! One bucket or container, and the few requests that a run makes of it.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::Path;
use object_store::{GetOptions, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutPayload, UpdateVersion};
use tokio::runtime::Runtime;

use super::error::told;
use super::{connect, runtime};
use crate::config::location::ObjectUrl;

/// Bytes asked for, or sent, at a time: few enough for one request to end in time on a slow line.
pub(super) const PART_BYTES: u64 = 8 << 20;

/// Buckets that were opened: whoever names one again shares its connections and its credentials.
static OPEN: Mutex<BTreeMap<String, Arc<Bucket>>> = Mutex::new(BTreeMap::new());

/// A bucket or container.
pub struct Bucket {
    /// `s3://bucket`.
    root: String,
    store: Arc<dyn ObjectStore>,
    runtime: Arc<Runtime>,
}

/// An object as a store lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Its name in the bucket.
    pub key: String,
    /// In bytes.
    pub size: u64,
    /// When it was written by the store's clock, ns since the epoch.
    pub modified_ns: u128,
    /// What changes when it is written again, in quotes.
    pub etag: String,
}

/// When an object is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Condition {
    /// There is none of this name.
    Absent,
    /// It is still this one, by its etag.
    Unchanged(String),
}

impl Bucket {
    /// The bucket of a location, with credentials from the environment. Nothing is asked of the store yet.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidInput`] where the variables contradict each other, one that is needed isn't set, or requests would
    /// go unencrypted and nobody allowed that.
    pub fn of(url: &ObjectUrl<'_>) -> Result<Arc<Self>> {
        let root = url.root();
        let mut open = OPEN.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bucket) = open.get(&root) {
            return Ok(Arc::clone(bucket));
        }
        let store = connect::store(url)?;
        let bucket = Arc::new(Bucket { root: root.clone(), store, runtime: runtime::shared()? });
        open.insert(root, Arc::clone(&bucket));
        Ok(bucket)
    }

    /// One in the memory of this process.
    #[cfg(test)]
    pub(crate) fn in_memory() -> Arc<Self> {
        let store = Arc::new(object_store::memory::InMemory::new());
        let runtime = runtime::shared().expect("a thread");
        Arc::new(Bucket { root: "memory://box".to_owned(), store, runtime })
    }

    /// Where an object lies, as a location.
    pub fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.root)
    }

    /// All objects below a prefix, which ends where a part of the keys does; by key.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidData`] where a key has an empty part, `.`, `..` or a control character in it, or what the store
    /// said.
    pub fn list(&self, prefix: &str) -> Result<Vec<Entry>> {
        let prefix = path(prefix)?;
        let found: Vec<ObjectMeta> = self.wait(self.store.list(Some(&prefix)).try_collect())?;
        let mut entries: Vec<Entry> = found.into_iter().map(Entry::of).collect();
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        Ok(entries)
    }

    /// The first parts of the keys below a prefix, where something follows them: what folders would be called.
    ///
    /// # Errors
    /// What the store said.
    pub fn folders(&self, prefix: &str) -> Result<Vec<String>> {
        let prefix = path(prefix)?;
        let found = self.wait(self.store.list_with_delimiter(Some(&prefix)))?;
        let names = found.common_prefixes.iter().filter_map(|folder| folder.filename().map(str::to_owned));
        Ok(names.collect())
    }

    /// Looks at an object; None: there is none.
    ///
    /// # Errors
    /// What the store said.
    pub fn head(&self, key: &str) -> Result<Option<Entry>> {
        let path = path(key)?;
        found(self.wait(self.store.head(&path))).map(|meta| meta.map(Entry::of))
    }

    /// A whole object with what it was when it was read; None: there is none.
    ///
    /// # Errors
    /// What the store said.
    pub fn get(&self, key: &str) -> Result<Option<(Bytes, Entry)>> {
        let path = path(key)?;
        let get = async {
            let found = self.store.get(&path).await?;
            let meta = found.meta.clone();
            Ok((found.bytes().await?, meta))
        };
        found(self.wait(get)).map(|read| read.map(|(bytes, meta)| (bytes, Entry::of(meta))))
    }

    /// A part of an object, as long as it still is the one with this etag.
    ///
    /// # Errors
    /// [`ErrorKind::StaleNetworkFileHandle`] where it is another, or what the store said.
    pub(super) fn part(&self, key: &str, etag: &str, range: Range<u64>) -> Result<Bytes> {
        let path = path(key)?;
        let options = GetOptions::new().with_range(Some(range.clone())).with_if_match(Some(etag));
        let bytes = self.wait(async { self.store.get_opts(&path, options).await?.bytes().await })?;
        match bytes.len() as u64 == range.end - range.start {
            true => Ok(bytes),
            false => Err(ErrorKind::UnexpectedEof.into()),
        }
    }

    /// Writes an object, whatever was there. It appears whole or not at all.
    ///
    /// # Errors
    /// What the store said.
    pub fn put(&self, key: &str, bytes: Bytes) -> Result<()> {
        let path = path(key)?;
        if bytes.len() as u64 <= PART_BYTES {
            return self.wait(self.store.put(&path, PutPayload::from(bytes))).map(drop);
        }
        self.wait(async {
            let mut upload = self.store.put_multipart(&path).await?;
            let mut rest = bytes;
            let sent = async {
                while !rest.is_empty() {
                    let part = rest.split_to(rest.len().min(PART_BYTES as usize));
                    upload.put_part(PutPayload::from(part)).await?;
                }
                upload.complete().await
            };
            let sent = sent.await;
            if sent.is_err() {
                // Parts of what was never completed are paid for.
                let _ = upload.abort().await;
            }
            sent.map(drop)
        })
    }

    /// Writes a small object if it is as the condition says. Returns its etag.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`] or [`ErrorKind::StaleNetworkFileHandle`] where it isn't. A request that was tried
    /// again may have been the first to succeed and the second to find that it did: look before believing it.
    pub fn put_if(&self, key: &str, bytes: Bytes, condition: &Condition) -> Result<String> {
        let path = path(key)?;
        let mode = match condition {
            Condition::Absent => PutMode::Create,
            Condition::Unchanged(etag) => {
                PutMode::Update(UpdateVersion { e_tag: Some(etag.clone()), version: None })
            }
        };
        let put = self.wait(self.store.put_opts(&path, PutPayload::from(bytes), mode.into()))?;
        Ok(quoted(put.e_tag.as_deref().unwrap_or_default()))
    }

    /// Removes an object; one that isn't there is no error.
    ///
    /// # Errors
    /// What the store said.
    pub fn delete(&self, key: &str) -> Result<()> {
        let path = path(key)?;
        found(self.wait(self.store.delete(&path))).map(drop)
    }

    fn wait<T>(&self, request: impl Future<Output = object_store::Result<T>>) -> Result<T> {
        self.runtime.block_on(request).map_err(told)
    }
}

impl fmt::Debug for Bucket {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Bucket").field(&self.root).finish()
    }
}

impl Entry {
    fn of(meta: ObjectMeta) -> Self {
        let modified_ns = meta.last_modified.timestamp_nanos_opt().and_then(|ns| u128::try_from(ns).ok());
        Self {
            key: meta.location.to_string(),
            size: meta.size,
            modified_ns: modified_ns.unwrap_or(0),
            etag: quoted(meta.e_tag.as_deref().unwrap_or_default()),
        }
    }
}

/// An etag as headers have it; some stores list it without the quotes.
fn quoted(etag: &str) -> String {
    match etag.ends_with('"') {
        true => etag.to_owned(),
        false => format!("\"{etag}\""),
    }
}

/// That nothing is there is an answer.
fn found<T>(answer: Result<T>) -> Result<Option<T>> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// A key as it is, without the escapes that `Path::from` would add.
fn path(key: &str) -> Result<Path> {
    Path::parse(key).map_err(|error| Error::new(ErrorKind::InvalidInput, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn etags_are_in_quotes_however_they_are_listed() {
        assert_eq!(quoted("0x8D"), "\"0x8D\"");
        assert_eq!(quoted("\"abc-2\""), "\"abc-2\"");
    }

    #[test]
    fn what_goes_in_parts_comes_back_whole() {
        let bucket = Bucket::in_memory();
        for length in [
            PART_BYTES as usize,
            PART_BYTES as usize + 1,
            2 * PART_BYTES as usize,
            2 * PART_BYTES as usize + 5,
        ] {
            let bytes: Bytes = (0..length).map(|at| (at * 31 + at / 251) as u8).collect();
            bucket.put("a/b", bytes.clone()).unwrap();
            let (found, entry) = bucket.get("a/b").unwrap().unwrap();
            assert!(found == bytes && entry.size == length as u64, "{length} bytes");
        }
    }

    #[test]
    fn keys_stay_as_they_are() {
        let key = "dt=2026-04-01/channel=Paid%20Search/a b.parquet";
        assert_eq!(path(key).unwrap().as_ref(), key);
        assert_eq!(path("a//b").unwrap_err().kind(), ErrorKind::InvalidInput);
    }
}
