//! From what a person calls a run to its folder and manifest.

use std::fs;
use std::path::{Path, PathBuf};

use crate::config::location;
use crate::publish::Manifest;
use crate::publish::manifest::MANIFEST;

use super::error::DiffError;

/// A published run.
#[derive(Debug, Clone)]
pub struct Run {
    /// Its folder, with links resolved once: a run that is published meanwhile doesn't mix in.
    pub folder: PathBuf,
    /// What it says of itself.
    pub manifest: Manifest,
}

impl Run {
    /// Name of its folder: the id and the attempt.
    pub fn name(&self) -> String {
        self.folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
    }
}

/// Finds a run: the folder of one, or in `out` the pointer `current`, the name of a window, or the beginning of an id.
///
/// # Errors
///
/// There is none, or several, or it can't be read.
pub fn locate(name: &str, out: &Path) -> Result<Run, DiffError> {
    let is_plain = !name.is_empty() && !name.contains('/') && name != "." && name != "..";
    let mut looked = Vec::new();
    let mut places = Vec::new();
    if is_plain {
        places.extend([out.join(name), out.join("windows").join(name), out.join("runs").join(name)]);
        looked.push(format!("`current`, a window or a run in {}", out.display()));
    }
    places.push(PathBuf::from(name));
    looked.push(format!("a folder with a {MANIFEST}"));
    if let Some(folder) = places.iter().find(|place| place.join(MANIFEST).is_file()) {
        return read(folder);
    }
    let looked_in = if is_plain { out.to_string_lossy() } else { name.into() };
    if location::is_remote(&looked_in) {
        return Err(DiffError::Remote { name: name.to_owned(), place: looked_in.into_owned() });
    }
    let begins = if is_plain && name.starts_with("r-") { beginning_with(name, out) } else { Vec::new() };
    match &begins[..] {
        [] => Err(DiffError::NoRun { name: name.to_owned(), looked }),
        [run] => read(&out.join("runs").join(run)),
        runs if all_are_attempts(name, runs) => {
            // An id alone means its last attempt.
            let last = runs.iter().max_by_key(|run| attempt(name, run)).unwrap_or(&runs[0]);
            read(&out.join("runs").join(last))
        }
        runs => Err(DiffError::Ambiguous { name: name.to_owned(), runs: runs.to_vec() }),
    }
}

fn attempt(id: &str, run: &str) -> Option<u32> {
    run.strip_prefix(id)?.strip_prefix('-')?.parse().ok()
}

fn all_are_attempts(id: &str, runs: &[String]) -> bool {
    runs.iter().all(|run| attempt(id, run).is_some())
}

fn beginning_with(name: &str, out: &Path) -> Vec<String> {
    let entries = fs::read_dir(out.join("runs")).into_iter().flatten().flatten();
    let mut runs: Vec<String> = entries
        .filter_map(|entry| entry.file_name().into_string().ok())
        .filter(|run| run.starts_with(name))
        .collect();
    runs.sort();
    runs
}

fn read(folder: &Path) -> Result<Run, DiffError> {
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    match Manifest::read(&folder) {
        Ok(manifest) => Ok(Run { folder, manifest }),
        Err(source) => Err(DiffError::Manifest { path: folder, source }),
    }
}
