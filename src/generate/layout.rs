//! Where everything lies in a generated directory, and whether a directory may be written to.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use jiff::ToSpan;

use super::GenerateError;
use super::truths;
use crate::publish::Store;

pub(super) const CONFIG: &str = "touchline.toml";
pub(super) const TRUTHS_JSON: &str = "truths.json";
pub(super) const TRUTHS_PAGE: &str = "TRUTHS.md";
pub(super) const CUSTOMERS: &str = "customers.parquet";
pub(super) const ASSIGNMENTS: &str = "assignments.parquet";
pub(super) const SUPPRESS: &str = "suppress.parquet";
pub(super) const SPEND_DIR: &str = "spend";
pub(super) const SPEND: &str = "spend/spend.csv";
pub(super) const TOUCHPOINTS_DIR: &str = "touchpoints";
pub(super) const SPOOL_DIR: &str = ".spool";
/// Where the generated config publishes to.
pub(super) const OUTPUT_DIR: &str = "out";

/// The name of a day of the window, `2026-04-01` for day 0.
pub(super) fn day_name(day: u32) -> String {
    jiff::civil::date(2026, 4, 1).saturating_add(i64::from(day).days()).to_string()
}

/// The folder of one day's touchpoints, relative to the directory.
pub(super) fn touchpoints_day(day: u32) -> PathBuf {
    Path::new(TOUCHPOINTS_DIR).join(format!("dt={}", day_name(day)))
}

/// The spooled rows of one day, relative to the directory.
pub(super) fn spool_day(day: u32) -> PathBuf {
    Path::new(SPOOL_DIR).join(format!("{day}.rows"))
}

/// Makes the directory, or clears it if everything in it was generated before.
///
/// An earlier generation, finished or not, is known by its `truths.json`, which is written first.
/// The results that a run published beside it stay as they are: the next run finds other inputs, and so
/// another run id. Any other file, a config that was edited, and a symbolic link are left alone and refused.
pub(super) fn prepare(dir: &Path) -> Result<(), GenerateError> {
    fs::create_dir_all(dir).map_err(GenerateError::io("create", dir))?;
    let output = dir.join(OUTPUT_DIR);
    let is_output = |path: &PathBuf| *path == output && Store::is_at(path);
    let Some(first) = sorted_entries(dir)?.into_iter().find(|path| !is_output(path)) else { return Ok(()) };
    let Some(earlier) = earlier(dir)? else { return Err(GenerateError::Foreign { path: first }) };

    let mut known: BTreeSet<PathBuf> = [TOUCHPOINTS_DIR, SPEND_DIR, SPOOL_DIR, TRUTHS_JSON, TRUTHS_PAGE]
        .into_iter()
        .chain([CUSTOMERS, ASSIGNMENTS, SUPPRESS, SPEND, CONFIG])
        .map(PathBuf::from)
        .collect();
    for day in 0..earlier.days {
        known.extend([touchpoints_day(day), touchpoints_day(day).join("part-0.parquet"), spool_day(day)]);
    }
    for path in sorted_entries(dir)?.into_iter().filter(|path| !is_output(path)) {
        refuse_stranger(dir, path, &known)?;
    }
    let config = dir.join(CONFIG);
    if read(&config)?.is_some_and(|text| truths::fingerprint(&text) != earlier.config_blake3) {
        return Err(GenerateError::Foreign { path: config });
    }

    // The mark of the earlier generation goes last, so that a clearing cut short can be taken up again.
    for folder in [SPOOL_DIR, TOUCHPOINTS_DIR, SPEND_DIR] {
        gone(&dir.join(folder), fs::remove_dir_all(dir.join(folder)))?;
    }
    for file in [CUSTOMERS, ASSIGNMENTS, SUPPRESS, CONFIG, TRUTHS_PAGE, TRUTHS_JSON] {
        gone(&dir.join(file), fs::remove_file(dir.join(file)))?;
    }
    Ok(())
}

fn earlier(dir: &Path) -> Result<Option<truths::Earlier>, GenerateError> {
    Ok(read(&dir.join(TRUTHS_JSON))?.and_then(|text| truths::Earlier::parse(&text)))
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, GenerateError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(GenerateError::io("read", path)(error)),
    }
}

fn gone(path: &Path, removed: io::Result<()>) -> Result<(), GenerateError> {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(GenerateError::io("remove", path)(error))
        }
        _ => Ok(()),
    }
}

fn refuse_stranger(root: &Path, path: PathBuf, known: &BTreeSet<PathBuf>) -> Result<(), GenerateError> {
    let relative = path.strip_prefix(root).unwrap_or(&path);
    let kind = fs::symlink_metadata(&path).map_err(GenerateError::io("look at", &path))?.file_type();
    if kind.is_symlink() || !known.contains(relative) {
        return Err(GenerateError::Foreign { path });
    }
    if kind.is_dir() {
        for entry in sorted_entries(&path)? {
            refuse_stranger(root, entry, known)?;
        }
    }
    Ok(())
}

fn sorted_entries(folder: &Path) -> Result<Vec<PathBuf>, GenerateError> {
    let mut paths = fs::read_dir(folder)
        .and_then(|entries| {
            entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()
        })
        .map_err(GenerateError::io("list", folder))?;
    paths.sort();
    Ok(paths)
}
