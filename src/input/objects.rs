//! From locations in object stores to objects in a fixed order, as `discover` finds files.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use globset::{GlobBuilder, GlobMatcher};

use crate::cloud::{Bucket, Entry, Object};
use crate::config::location::ObjectUrl;

use super::discover::{InputFile, fixed_part, has_table_suffix, hive_of, is_hidden};
use super::error::InputError;
use super::identity::Identity;
use super::integrity::SUFFIX;

/// What a pointer to a published result is called, beside the folder of its runs.
const OF_AN_OUTPUT: [&str; 2] = ["current.json", "runs/"];

/// Finds the objects of a location: one object, those below a prefix (`*.parquet` and `*.csv`), or those that fit a
/// pattern.
///
/// # Errors
/// The store can't be reached or refuses. That nothing is there is none.
pub(super) fn search(
    location: &str,
    url: &ObjectUrl<'_>,
    bad: impl Fn(String) -> InputError,
) -> Result<Vec<InputFile>, InputError> {
    let failed = |source| InputError::Io { action: "list", path: PathBuf::from(location), source };
    let unreachable = |source| InputError::Unreachable { location: location.to_owned(), source };
    let bucket = Bucket::of(url).map_err(unreachable)?;
    if url.key.contains(['*', '?', '[', '{']) {
        let base = fixed_part(Path::new(url.key));
        let base = base.to_str().unwrap_or_default();
        let matcher = GlobBuilder::new(url.key)
            .literal_separator(true)
            .build()
            .map_err(|error| bad(error.kind().to_string()))?
            .compile_matcher();
        let listed = list(&bucket, base).map_err(failed)?;
        return Ok(below(&bucket, base, &listed, Some(&matcher)));
    }
    if !url.key.is_empty()
        && let Some(entry) = bucket.head(url.key).map_err(failed)?
    {
        let sidecar = bucket.head(&checksum_of(url.key)).map_err(failed)?.is_some();
        return Ok(vec![file(&bucket, entry, Vec::new(), sidecar)]);
    }
    let listed = list(&bucket, url.key).map_err(failed)?;
    Ok(below(&bucket, url.key, &listed, None))
}

/// A bucket that isn't there holds nothing, as a folder that isn't there does.
fn list(bucket: &Bucket, prefix: &str) -> std::io::Result<Vec<Entry>> {
    match bucket.list(prefix) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        listed => listed,
    }
}

/// The inputs among what lies below a prefix, leaving out what `discover` leaves out of a folder.
fn below(
    bucket: &Arc<Bucket>,
    base: &str,
    listed: &[Entry],
    matcher: Option<&GlobMatcher>,
) -> Vec<InputFile> {
    let keys: BTreeSet<&str> = listed.iter().map(|entry| entry.key.as_str()).collect();
    let is_in_output = |key: &str| {
        let folders = key.match_indices('/').map(|(at, _)| &key[..=at]);
        let holds = |name: &str, folder: &str| {
            let begin = format!("{folder}{name}");
            let found = keys.range(begin.as_str()..).next();
            found.is_some_and(|key| if name.ends_with('/') { key.starts_with(&begin) } else { *key == begin })
        };
        // The prefix itself may be one: whoever names it means it.
        folders
            .filter(|folder| folder.len() > base.len() + 1)
            .any(|folder| OF_AN_OUTPUT.iter().all(|name| holds(name, folder)))
    };
    // Some tools make an empty object for a folder: `daily.parquet/` beside `daily.parquet/part-0.parquet`, and lists leave
    // its last slash away.
    let is_folder = |entry: &Entry| {
        let inside = format!("{}/", entry.key);
        entry.size == 0 && keys.range(inside.as_str()..).next().is_some_and(|key| key.starts_with(&inside))
    };
    let mut files = Vec::new();
    for entry in listed {
        let key = entry.key.as_str();
        let relative = key.strip_prefix(base).unwrap_or(key).trim_start_matches('/');
        let fits = match matcher {
            Some(matcher) => matcher.is_match(key),
            None => has_table_suffix(Path::new(key)),
        };
        if !fits || relative.split('/').any(is_hidden) || is_in_output(key) || is_folder(entry) {
            continue;
        }
        let folders = Path::new(relative).parent().unwrap_or(Path::new(""));
        let sidecar = keys.contains(checksum_of(key).as_str());
        files.push(file(bucket, entry.clone(), hive_of(folders), sidecar));
    }
    files
}

fn checksum_of(key: &str) -> String {
    format!("{key}{SUFFIX}")
}

fn file(
    bucket: &Arc<Bucket>,
    entry: Entry,
    hive: Vec<(String, Option<String>)>,
    has_sidecar: bool,
) -> InputFile {
    InputFile {
        path: PathBuf::from(bucket.url(&entry.key)),
        identity: Identity::of_object(entry.size, entry.modified_ns),
        hive,
        sidecar: has_sidecar.then(|| PathBuf::from(bucket.url(&checksum_of(&entry.key)))),
        object: Some(Box::new(Object::new(Arc::clone(bucket), entry))),
    }
}
