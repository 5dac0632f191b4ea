//! From the paths of the configuration to files in a fixed order.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::{Component, Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

#[cfg(feature = "cloud")]
use crate::cloud::Object;
use crate::config::location::ObjectUrl;
use crate::config::plan::SourcePlan;

use super::error::InputError;
use super::handle::Handle;
use super::identity::{Identity, compare, open_settled};
use super::integrity::{SUFFIX, sidecar};
use super::links::Root;
use super::open::{changed, io};

/// Name of the null partition that Hive, Spark and Polars write.
const HIVE_NULL: &str = "__HIVE_DEFAULT_PARTITION__";

/// A file that is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputFile {
    /// Where it lies; of an object its location, `s3://bucket/key`.
    pub path: PathBuf,
    /// What it was when it was found.
    pub identity: Identity,
    /// Columns that the folders name (`channel=Email`), with None for the null partition.
    pub hive: Vec<(String, Option<String>)>,
    /// The file with its checksum, where there is one.
    pub sidecar: Option<PathBuf>,
    /// The object, where it is none on this machine.
    #[cfg(feature = "cloud")]
    pub(crate) object: Option<Box<Object>>,
}

impl InputFile {
    /// Looks at a file.
    ///
    /// # Errors
    /// It isn't there, or is something that can't be read from its beginning to its end.
    pub fn at(path: PathBuf, hive: Vec<(String, Option<String>)>) -> Result<Self, InputError> {
        let metadata = std::fs::metadata(&path).map_err(|source| {
            // A link to nothing is a mistake of whoever made it. A file that was there a moment ago was taken away.
            match source.kind() == ErrorKind::NotFound && path.symlink_metadata().is_err() {
                true => InputError::Changed { path: path.clone(), what: "it is gone" },
                false => InputError::Io { action: "look at", path: path.clone(), source },
            }
        })?;
        if !metadata.is_file() {
            return Err(InputError::NoFile { path });
        }
        let sidecar = sidecar(&path);
        Ok(InputFile {
            identity: Identity::of(&metadata),
            hive,
            sidecar,
            path,
            #[cfg(feature = "cloud")]
            object: None,
        })
    }

    /// Last change in µs since the epoch; None where the file system doesn't say.
    pub fn modified_us(&self) -> Option<i64> {
        i64::try_from(self.identity.modified_ns / 1_000).ok().filter(|modified| *modified > 0)
    }

    /// What changes whenever an object is written, by the store that it is in; None of a file. The times that stores keep
    /// are full seconds, in which much can happen.
    pub fn etag(&self) -> Option<&str> {
        #[cfg(feature = "cloud")]
        if let Some(object) = &self.object {
            return Some(object.etag());
        }
        None
    }

    /// Opens it for the first time.
    pub(super) fn open_first(&self) -> Result<Handle, InputError> {
        #[cfg(feature = "cloud")]
        if let Some(object) = &self.object {
            return Ok(Handle::Object(Object::clone(object)));
        }
        self.opened(open_settled(&self.path, &self.identity))
    }

    /// Opens it, and compares it with what it was before.
    pub(super) fn open_again(&self) -> Result<Handle, InputError> {
        #[cfg(feature = "cloud")]
        if let Some(object) = &self.object {
            return Ok(Handle::Object(Object::clone(object)));
        }
        let open = || {
            let handle = File::open(&self.path)?;
            Ok(compare(&handle, &self.identity)?.map(|()| handle))
        };
        self.opened(open())
    }

    fn opened(&self, opened: std::io::Result<Result<File, &'static str>>) -> Result<Handle, InputError> {
        match opened {
            Ok(Ok(handle)) => Ok(Handle::File(handle)),
            Ok(Err(what)) => Err(changed(self, Some(what))),
            Err(source) if source.kind() == ErrorKind::NotFound => Err(changed(self, Some("it is gone"))),
            Err(source) => Err(io("open", self)(source)),
        }
    }

    /// What has changed of it since it was found; None: nothing.
    pub(super) fn changed(&self, handle: &Handle) -> Result<Option<&'static str>, InputError> {
        match handle {
            Handle::File(file) => compare(file, &self.identity).map(Result::err).map_err(io("look at", self)),
            // What was read is of one version, or it was an error.
            #[cfg(feature = "cloud")]
            Handle::Object(_) => Ok(None),
        }
    }

    /// As above, of what lies at its path now.
    pub(super) fn changed_in_place(&self) -> Option<&'static str> {
        #[cfg(feature = "cloud")]
        if let Some(object) = &self.object {
            return object.change();
        }
        match std::fs::metadata(&self.path) {
            Ok(metadata) => self.identity.difference(&Identity::of(&metadata)),
            Err(error) => (error.kind() == ErrorKind::NotFound).then_some("it is gone"),
        }
    }
}

/// A file as it was found.
struct FoundFile {
    path: PathBuf,
    /// The folder that was searched: folders below it may be columns.
    base: PathBuf,
    /// Where it really lies.
    real: PathBuf,
}

/// Finds the files of a source: files, folders (searched for `*.parquet` and `*.csv`) and globs, here and in object
/// stores.
///
/// Folders and files whose name starts with `.` or `_` are left out, as every engine does, and so are folders below
/// that runs are published in. Sorted by path, each file once, however many links lead to it.
///
/// # Errors
/// Nothing is there, something can't be read, or a link leads out of the folder that is searched.
pub fn discover(source: &SourcePlan) -> Result<Vec<InputFile>, InputError> {
    let mut found = Vec::new();
    let mut files = Vec::new();
    for pattern in &source.paths {
        let bad = |reason: String| InputError::BadPattern {
            key: source.key.clone(),
            pattern: pattern.clone(),
            reason,
        };
        let path = Path::new(pattern);
        if let Some(url) = ObjectUrl::parse(pattern) {
            files.extend(of_store(pattern, &url, bad)?);
        } else if path.is_dir() {
            search(path, None, &mut found)?;
        } else if path.exists() {
            let base = path.parent().unwrap_or(path).to_path_buf();
            let real = path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
            found.push(FoundFile { path: path.to_path_buf(), base, real });
        } else if pattern.contains(['*', '?', '[', '{']) {
            let base = fixed_part(path);
            if path.components().skip(base.components().count()).any(|part| part == Component::ParentDir) {
                return Err(bad("`..` can't come after a wildcard".to_owned()));
            }
            let matcher = GlobBuilder::new(pattern)
                .literal_separator(true)
                .build()
                .map_err(|error| bad(error.kind().to_string()))?
                .compile_matcher();
            if base.is_dir() {
                search(&base, Some(&matcher), &mut found)?;
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    let mut seen = BTreeSet::new();
    found.retain(|file| seen.insert(file.real.clone()));
    for file in found {
        files.push(describe(file)?);
    }
    if files.is_empty() {
        return Err(InputError::NoFiles { key: source.key.clone(), patterns: source.paths.clone() });
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    files.dedup_by(|one, other| one.path == other.path);
    Ok(files)
}

#[cfg(feature = "cloud")]
use super::objects::search as of_store;

/// A configuration never gets so far: it is told which feature it needs.
#[cfg(not(feature = "cloud"))]
fn of_store(
    _: &str,
    url: &ObjectUrl<'_>,
    bad: impl Fn(String) -> InputError,
) -> Result<Vec<InputFile>, InputError> {
    Err(bad(format!("this build can't read `{}://`", url.store.scheme())))
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

fn search(base: &Path, matcher: Option<&GlobMatcher>, found: &mut Vec<FoundFile>) -> Result<(), InputError> {
    let root = Root::new(base)?;
    let mut walk = Walk { base, root: &root, matcher, within: vec![root.resolve(base)?] };
    walk.folder(base, found)
}

/// A walk through a folder and those below.
struct Walk<'a> {
    base: &'a Path,
    root: &'a Root,
    matcher: Option<&'a GlobMatcher>,
    /// Where the folders really lie that it is in, to tell a link that leads back.
    within: Vec<PathBuf>,
}

impl Walk<'_> {
    fn folder(&mut self, folder: &Path, found: &mut Vec<FoundFile>) -> Result<(), InputError> {
        let error = |source| InputError::Io { action: "list", path: folder.to_path_buf(), source };
        for entry in std::fs::read_dir(folder).map_err(error)? {
            let entry = entry.map_err(error)?;
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if is_hidden(&name) {
                continue;
            }
            let path = entry.path();
            let is_link = entry.file_type().map_err(error)?.is_symlink();
            let within = self.within.last().cloned().unwrap_or_default();
            if path.is_dir() {
                let real = if is_link { self.root.resolve(&path)? } else { within.join(&*entry.file_name()) };
                if !is_of_results(&path) && !self.within.contains(&real) {
                    self.within.push(real);
                    self.folder(&path, found)?;
                    self.within.pop();
                }
            } else if self.matcher.map_or_else(|| has_table_suffix(&path), |matcher| matcher.is_match(&path))
            {
                // A link to nothing leads nowhere: whoever looks at it says so.
                let real = match is_link && path.exists() {
                    true => self.root.resolve(&path)?,
                    false => within.join(&*entry.file_name()),
                };
                found.push(FoundFile { path, base: self.base.to_path_buf(), real });
            }
        }
        Ok(())
    }
}

/// What an output folder holds that isn't hidden.
const OF_RESULTS: [&str; 3] = ["runs", "windows", "current"];

/// Whether a folder is one of those in which runs are published: what came out of one run is no input of the next, though
/// a pattern may well cover both. Whatever else lies beside them still is one.
fn is_of_results(folder: &Path) -> bool {
    let is_named =
        folder.file_name().is_some_and(|name| OF_RESULTS.iter().any(|of_results| name == *of_results));
    let is_beside_them = |output: &Path| output.join("runs").is_dir() && output.join(".lock").is_file();
    is_named && folder.parent().is_some_and(is_beside_them)
}

/// Whether a file or folder of this name is left out of what is searched. A pattern such as `exports/*` matches checksums
/// as well.
pub(super) fn is_hidden(name: &str) -> bool {
    name.starts_with(['.', '_']) || name.ends_with(SUFFIX)
}

pub(super) fn has_table_suffix(path: &Path) -> bool {
    path.extension().is_some_and(|suffix| suffix == "parquet" || suffix == "csv")
}

fn describe(found: FoundFile) -> Result<InputFile, InputError> {
    let FoundFile { path, base, .. } = found;
    let folders = path.strip_prefix(base).unwrap_or(&path).parent().unwrap_or(Path::new(""));
    let hive = hive_of(folders);
    InputFile::at(path, hive)
}

/// Columns that folders name.
pub(super) fn hive_of(folders: &Path) -> Vec<(String, Option<String>)> {
    let column = |part: Component<'_>| {
        let part = part.as_os_str().to_string_lossy().into_owned();
        let (name, value) = part.split_once('=')?;
        Some((name.to_owned(), (value != HIVE_NULL).then(|| unescape(value))))
    };
    folders.components().filter_map(column).collect()
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
            freshness: Default::default(),
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
            "dt=2026-04-02/b.parquet.sha256",
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
        for pattern in ["**/*.parquet", "dt=*/**/*"] {
            let glob = format!("{}/{pattern}", root.display());
            assert_eq!(discover(&source(glob)).unwrap(), found);
        }
        let one = format!("{}/dt=2026-04-0[2]/*.parquet", root.display());
        assert_eq!(discover(&source(one)).unwrap(), found[1..]);
        let error = discover(&source(format!("{}/none", root.display()))).unwrap_err();
        assert_eq!(error.exit_code(), 66);
    }

    #[test]
    fn links_that_lead_out_are_refused_and_those_within_are_followed_once() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("exports");
        for name in ["exports/day/a.parquet", "secret/s.parquet"] {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "x").unwrap();
        }
        // To a folder beside, to itself, to a file that is found anyway.
        symlink("day", root.join("latest")).unwrap();
        symlink("..", root.join("day/up")).unwrap();
        symlink("a.parquet", root.join("day/b.parquet")).unwrap();
        let patterns = [root.display().to_string(), format!("{}/**/*.parquet", root.display())];
        for pattern in &patterns {
            let found = discover(&source(pattern.clone())).unwrap();
            let names: Vec<_> = found.iter().map(|file| file.path.strip_prefix(&root).unwrap()).collect();
            assert_eq!(names, [Path::new("day/a.parquet")]);
        }
        for (target, link) in [("../../secret/s.parquet", "day/c.parquet"), ("../secret", "other")] {
            symlink(target, root.join(link)).unwrap();
            for pattern in &patterns {
                let error = discover(&source(pattern.clone())).unwrap_err();
                assert!(matches!(error, InputError::OutsideRoot { .. }), "{error}");
                assert_eq!(error.exit_code(), 65);
            }
            std::fs::remove_file(root.join(link)).unwrap();
        }
        // The configuration itself may name a link to anywhere.
        symlink("../secret", root.join("other")).unwrap();
        assert_eq!(discover(&source(root.join("other").display().to_string())).unwrap().len(), 1);
        let up = format!("{}/*/../../secret/*.parquet", root.display());
        assert!(matches!(discover(&source(up)), Err(InputError::BadPattern { .. })));
    }

    #[test]
    fn what_is_no_file_is_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("a.parquet")).unwrap();
        let error = discover(&source(folder.path().display().to_string())).unwrap_err();
        assert!(matches!(error, InputError::NoFile { .. }), "{error}");
    }
}
