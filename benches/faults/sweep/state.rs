//! What is left in an output: seen as a reader sees it, by the manifest alone and with nothing of the job's code.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Outcome;

/// SHA-256 of every file in `tables` and `csv`, by path.
pub type Bytes = BTreeMap<String, String>;

/// Where `current` points, resolved once; `None` if there is none.
pub fn resolve(out: &Path) -> Outcome<Option<PathBuf>> {
    match fs::read_link(out.join("current")) {
        Ok(target) => Ok(Some(out.join(target))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("current: {error}").into()),
    }
}

/// What `current` shows; an error says why that isn't one whole run.
pub fn published(out: &Path) -> Outcome<Bytes> {
    match resolve(out)? {
        Some(run) => whole(&run),
        None => Ok(Bytes::new()),
    }
}

/// The bytes of a run whose files are exactly those that its manifest names.
pub fn whole(run: &Path) -> Outcome<Bytes> {
    let manifest = manifest(run)?;
    let id = manifest["run_id"].as_str().unwrap_or_default();
    let name = run.file_name().unwrap_or_default().to_string_lossy().into_owned();
    if id.is_empty() || !name.starts_with(&format!("{id}-")) {
        return Err(format!("{name} holds the manifest of {id}").into());
    }
    let mut bytes = Bytes::new();
    let mut named = 1;
    for file in files(&manifest) {
        let (path, found) = (text(file, "path")?, read(run, file)?);
        named += 1;
        if path.starts_with("tables/") || path.starts_with("csv/") {
            bytes.insert(path.to_owned(), found);
        }
    }
    let there = count_files(run)?;
    if there != named {
        return Err(format!("{name} has {there} files, its manifest names {named}").into());
    }
    Ok(bytes)
}

/// The manifest of a run.
pub fn manifest(run: &Path) -> Outcome<Value> {
    let bytes = fs::read(run.join("manifest.json")).map_err(|error| format!("manifest: {error}"))?;
    Ok(serde_json::from_slice(&bytes)?)
}

/// The records of all files that a manifest names.
pub fn files(manifest: &Value) -> Vec<&Value> {
    let list = |key: &str| manifest[key].as_array().into_iter().flatten();
    let tables = list("tables").flat_map(|table| [&table["parquet"], &table["csv"]]);
    let rejected = list("rejected").map(|rejected| &rejected["file"]);
    tables.chain(rejected).chain(list("files")).filter(|file| !file.is_null()).collect()
}

/// Reads a file of a run; its SHA-256, if it is the one of the record.
pub fn read(run: &Path, record: &Value) -> Outcome<String> {
    let path = text(record, "path")?;
    let bytes = fs::read(run.join(path)).map_err(|error| format!("{path}: {error}"))?;
    let mut hash = String::new();
    for byte in Sha256::digest(&bytes) {
        write!(hash, "{byte:02x}")?;
    }
    if record["sha256"] != hash.as_str() || record["size"] != bytes.len() {
        return Err(format!("{path} is not the file of the manifest").into());
    }
    Ok(hash)
}

fn text<'a>(record: &'a Value, key: &str) -> Outcome<&'a str> {
    record[key].as_str().ok_or_else(|| format!("a record without {key}").into())
}

fn count_files(folder: &Path) -> Outcome<usize> {
    let mut count = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        count += if entry.file_type()?.is_dir() { count_files(&entry.path())? } else { 1 };
    }
    Ok(count)
}

/// Checks everything that isn't a matter of which result is visible: every run in `runs` is whole, and every
/// pointer leads to one of them.
pub fn check_whole(out: &Path) -> Outcome<()> {
    for run in entries(&out.join("runs"))? {
        whole(&run).map_err(|error| format!("{}: {error}", run.display()))?;
    }
    let mut pointers = entries(&out.join("windows"))?;
    pointers.extend(fs::symlink_metadata(out.join("current")).is_ok().then(|| out.join("current")));
    for pointer in pointers {
        let target = fs::read_link(&pointer)?;
        let run = target.file_name().unwrap_or_default();
        if !out.join("runs").join(run).is_dir() {
            return Err(format!("{} leads nowhere", pointer.display()).into());
        }
    }
    Ok(())
}

/// What lies in staging.
pub fn leftovers(out: &Path) -> Outcome<Vec<PathBuf>> {
    entries(&out.join(".staging"))
}

/// Entries of a folder; none if there is no folder.
fn entries(folder: &Path) -> Outcome<Vec<PathBuf>> {
    match fs::read_dir(folder) {
        Ok(found) => Ok(found.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}
