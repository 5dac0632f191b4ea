//! From the paths of the configuration to files in a fixed order.

use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

use crate::config::plan::SourcePlan;

use super::error::InputError;

/// Name of the null partition that Hive, Spark and Polars write.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where it lies.
    pub path: PathBuf,
    /// In bytes.
    pub size: u64,
    /// Last change, ns since the epoch; 0 where the file system doesn't say.
    pub modified_ns: u128,
    /// Columns that the folders name (`channel=Email`), with None for the null partition.
    pub hive: Vec<(String, Option<String>)>,
}

/// Finds the files of a source: files, folders (searched for `*.parquet` and `*.csv`) and globs.
///
/// Folders and files whose name starts with `.` or `_` are left out, as every engine does, and so are folders below
/// that runs are published in. Sorted by path, each file once.
pub fn discover(source: &SourcePlan) -> Result<Vec<InputFile>, InputError> {
    let mut paths = Vec::new();
    for pattern in &source.paths {
        let path = Path::new(pattern);
        if path.is_dir() {
            walk(path, path, None, &mut paths)?;
        } else if path.exists() {
            paths.push((path.to_path_buf(), path.parent().unwrap_or(path).to_path_buf()));
        } else if pattern.contains(['*', '?', '[', '{']) {
            let base = fixed_part(path);
            let matcher = GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .map_err(|error| InputError::BadPattern {
                    key: source.key.clone(),
                    pattern: pattern.clone(),
                    reason: error.kind().to_string(),
                })?
                .compile_matcher();
            if base.is_dir() {
                walk(&base, &base, Some(&matcher), &mut paths)?;
            }
        }
    }
    paths.sort();
    paths.dedup_by(|one, other| one.0 == other.0);
    if paths.is_empty() {
        return Err(InputError::NoFiles { key: source.key.clone(), patterns: source.paths.clone() });
    }
    paths.into_iter().map(|(path, base)| describe(path, &base)).collect()
}

/// The part of a pattern before its first wildcard: the folder above all files that it fits.
pub(crate) fn fixed_part(pattern: &Path) -> PathBuf {
    let mut base = PathBuf::new();
    for part in pattern.components() {
        if part.as_os_str().to_string_lossy().contains(['*', '?', '[', '{']) {
            break;
        }
        base.push(part);
    }
    base
}

fn walk(
    folder: &Path,
    base: &Path,
    matcher: Option<&GlobMatcher>,
    found: &mut Vec<(PathBuf, PathBuf)>,
) -> Result<(), InputError> {
    let error = |source| InputError::Io { action: "list", path: folder.to_path_buf(), source };
    for entry in std::fs::read_dir(folder).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with(['.', '_']) {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            if !is_output(&path) {
                walk(&path, base, matcher, found)?;
            }
        } else if matcher.map_or_else(|| has_table_suffix(&path), |matcher| matcher.is_match(&path)) {
            found.push((path, base.to_path_buf()));
        }
    }
    Ok(())
}

/// Whether a folder is where runs are published: what came out of one run is no input of the next, though a
/// pattern may well cover both.
fn is_output(folder: &Path) -> bool {
    folder.join("runs").is_dir() && folder.join(".lock").is_file()
}

fn has_table_suffix(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "parquet" || suffix == "csv")
}

fn describe(path: PathBuf, base: &Path) -> Result<InputFile, InputError> {
    let metadata = std::fs::metadata(&path).map_err(|source| InputError::Io {
        action: "look at",
        path: path.clone(),
        source,
    })?;
    let modified_ns = metadata
        .modified()
        .ok()
        .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |time| time.as_nanos());
    let folders = path.strip_prefix(base).unwrap_or(&path).parent().unwrap_or(Path::new(""));
    let hive = folders
        .components()
        .filter_map(|part| {
            let part = part.as_os_str().to_string_lossy().into_owned();
            let (name, value) = part.split_once('=')?;
            Some((name.to_owned(), (value != HIVE_NULL).then(|| unescape(value))))
        })
        .collect();
    Ok(InputFile { size: metadata.len(), modified_ns, hive, path })
}

/// Undoes the `%20` escapes of partition folders.
fn unescape(value: &str) -> String {
    let bytes = value.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let code = (bytes[at] == b'%')
            .then(|| value.get(at + 1..at + 3))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code {
            Some(byte) => {
                plain.push(byte);
                at += 3;
            }
            None => {
                plain.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8(plain).unwrap_or_else(|_| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(path: String) -> SourcePlan {
        SourcePlan {
            key: "inputs.touchpoints".into(),
            paths: vec![path],
            columns: Default::default(),
            constants: Default::default(),
            timezone: None,
            exclude: vec![],
        }
    }

    #[test]
    fn what_a_run_has_published_is_no_input_of_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in ["a.parquet", "out/.lock", "out/runs/r-1/tables/t.parquet", "runs/b.parquet"] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        for pattern in [root.display().to_string(), format!("{}/**/*.parquet", root.display())] {
            let found = discover(&source(pattern)).unwrap();
            let names: Vec<_> = found.iter().map(|file| file.path.strip_prefix(root).unwrap()).collect();
            assert_eq!(names, [Path::new("a.parquet"), Path::new("runs/b.parquet")]);
        }
    }

    #[test]
    fn folders_globs_and_partitions() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path();
        for name in [
            "dt=2026-04-01/channel=Paid%20Search/a.parquet",
            "dt=2026-04-02/b.parquet",
            "_tmp/c.parquet",
            ".d.parquet",
            "notes.txt",
        ] {
            let path = root.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        let found = discover(&source(root.display().to_string())).unwrap();
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].hive[1], ("channel".to_owned(), Some("Paid Search".to_owned())));
        let glob = format!("{}/**/*.parquet", root.display());
        assert_eq!(discover(&source(glob)).unwrap(), found);
        let one = format!("{}/dt=2026-04-0[2]/*.parquet", root.display());
        assert_eq!(discover(&source(one)).unwrap(), found[1..]);
        let error = discover(&source(format!("{}/none", root.display()))).unwrap_err();
        assert_eq!(error.exit_code(), 66);
    }
}
