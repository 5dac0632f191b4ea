//! What a scheduler passes on: one line of JSON on standard output, and the same in a file.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::config::location;
use crate::job::{JobError, Outcome};
use crate::publish::PublishError;

use super::diagnostics::Failure;

/// As the files that are published.
const FILE_MODE: u32 = 0o640;

/// A mistake on the command line.
const USAGE: u8 = 64;

/// So every summary begins, of whatever layout.
const SUMMARY_BEGINS: &str = "{\"summary_version\":";

/// Layout of the line.
const FORMAT_VERSION: u32 = 1;

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    /// Computed and published.
    Published,
    /// The same result had been published before.
    Unchanged,
    /// No input rows, and that was allowed.
    Empty,
    /// Nothing was published.
    Failed,
}

/// A finding, and the table that it is from.
#[derive(Debug, Serialize)]
struct Found<'a> {
    table: &'a str,
    text: &'a str,
}

/// The reporting window, half-open, RFC 3339 in UTC.
#[derive(Debug, Serialize)]
struct Bounds {
    from: String,
    to: String,
}

/// The line. What a run that published nothing doesn't have is null.
#[derive(Debug, Serialize)]
pub(super) struct Summary<'a> {
    summary_version: u32,
    status: Status,
    exit_code: u8,
    run_id: Option<&'a str>,
    /// Absolute, so that whoever is handed it needs no working directory; what isn't UTF-8 in it is replaced.
    directory: Option<String>,
    /// Whether `current` points to it.
    current: Option<bool>,
    window: Option<Bounds>,
    /// By table.
    rows: BTreeMap<&'a str, u64>,
    /// Rows and customers by fate, as in the manifest.
    counts: BTreeMap<&'a str, u64>,
    findings: Vec<Found<'a>>,
    /// What went wrong beside a result that stands.
    warning: Option<&'a str>,
    /// What a person should know of the inputs, and of results that were damaged.
    warnings: &'a [String],
    seconds: f64,
    /// What went wrong, and what to do about it.
    message: Option<String>,
    hint: Option<String>,
}

impl<'a> Summary<'a> {
    fn new(status: Status, exit_code: u8, seconds: f64) -> Self {
        Self {
            summary_version: FORMAT_VERSION,
            status,
            exit_code,
            run_id: None,
            directory: None,
            current: None,
            window: None,
            rows: BTreeMap::new(),
            counts: BTreeMap::new(),
            findings: Vec::new(),
            warning: None,
            warnings: &[],
            seconds: (seconds * 1e3).round() / 1e3,
            message: None,
            hint: None,
        }
    }

    /// Of a run whose result is there.
    pub(super) fn published(outcome: &'a Outcome, seconds: f64) -> Self {
        let published = &outcome.published;
        let status = if published.reused { Status::Unchanged } else { Status::Published };
        let instant = |us| jiff::Timestamp::from_microsecond(us).ok().map(|instant| instant.to_string());
        let bounds = instant(outcome.window.from_us).zip(instant(outcome.window.to_us));
        Self {
            run_id: Some(&outcome.run_id),
            directory: whole(&published.directory),
            current: Some(published.is_current),
            window: bounds.map(|(from, to)| Bounds { from, to }),
            rows: published.rows.iter().map(|(table, rows)| (table.as_str(), *rows)).collect(),
            counts: outcome.counts.iter().map(|(what, rows)| (what.as_str(), *rows)).collect(),
            findings: outcome
                .findings
                .iter()
                .map(|finding| Found { table: finding.table, text: &finding.text })
                .collect(),
            warning: published.warning.as_deref(),
            warnings: &outcome.warnings,
            ..Self::new(status, 0, seconds)
        }
    }

    /// Of a run that found no rows, and may.
    pub(super) fn empty(exit_code: u8, message: &str, seconds: f64) -> Self {
        Self { message: Some(message.to_owned()), ..Self::new(Status::Empty, exit_code, seconds) }
    }

    /// Of a run that failed.
    pub(super) fn failed(failure: &Failure, seconds: f64) -> Self {
        Self {
            message: Some(failure.headline()),
            hint: failure.hint().map(str::to_owned),
            ..Self::new(Status::Failed, failure.exit_code, seconds)
        }
    }

    /// One line.
    pub(super) fn encode(&self) -> Result<String, Failure> {
        let encoded = serde_json::to_string(self).map(|json| json + "\n");
        encoded.map_err(|source| JobError::from(PublishError::Json { file: "the summary", source }).into())
    }
}

/// The file that holds the summary of the last run, and of no other.
#[derive(Debug)]
pub(super) struct SummaryFile {
    /// Without links, where it is there.
    path: PathBuf,
    /// Whether there is something else than a file, such as a pipe: written to, never replaced.
    special: bool,
    /// Whether it lies where nothing may be written.
    forbidden: Cell<bool>,
}

impl SummaryFile {
    /// Sees that it can be written, and that nothing but a summary is lost by that.
    ///
    /// # Errors
    /// Its folder isn't there or can't be written to: told now, not after an hour of reading. Or there is a file that no
    /// run wrote as its summary.
    pub(super) fn prepare(path: &Path) -> Result<Self, Failure> {
        let special = fs::metadata(path).is_ok_and(|found| !found.is_file());
        let path = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        if !special {
            tempfile::tempfile_in(folder(&path)).map_err(|error| refused(&path, &error))?;
            if !is_free(&path).map_err(|error| refused(&path, &error))? {
                return Err(Failure::new(
                    USAGE,
                    format!("--summary-file {} is there and is no summary of a run", path.display()),
                    "name another file: this one would be replaced",
                ));
            }
        }
        Ok(Self { path, special, forbidden: Cell::new(false) })
    }

    /// Takes the summary of an earlier run away: what is there after a run that was killed must not be taken for its own.
    ///
    /// # Errors
    /// It can't be removed, or it would lie among the results, where nothing is ever replaced.
    pub(super) fn clear(&self, output: &Path) -> Result<(), Failure> {
        if self.special {
            return Ok(());
        }
        let output = output.canonicalize().unwrap_or_else(|_| output.to_owned());
        let whole = std::path::absolute(&self.path).unwrap_or_else(|_| self.path.clone());
        let place = folder(&whole).canonicalize().unwrap_or_else(|_| folder(&whole).to_owned());
        if place.starts_with(&output) {
            self.forbidden.set(true);
            return Err(Failure::new(
                USAGE,
                format!(
                    "--summary-file {} lies in the output folder {}",
                    self.path.display(),
                    output.display()
                ),
                "name a file outside of it: only whole results stand there",
            ));
        }
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(refused(&self.path, &error)),
            _ => Ok(()),
        }
    }

    /// Writes it, whole or not at all.
    ///
    /// # Errors
    /// What the system said: 74. The result is then published all the same.
    pub(super) fn write(&self, line: &str) -> Result<(), Failure> {
        if self.forbidden.get() {
            return Ok(());
        }
        let write = || -> io::Result<()> {
            if self.special {
                return fs::OpenOptions::new().write(true).open(&self.path)?.write_all(line.as_bytes());
            }
            let mut file = tempfile::NamedTempFile::new_in(folder(&self.path))?;
            file.write_all(line.as_bytes())?;
            file.as_file().set_permissions(fs::Permissions::from_mode(FILE_MODE))?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| refused(&self.path, &error))
    }
}

/// Whether nothing is there, or an earlier summary, or a file without anything in it.
fn is_free(path: &Path) -> io::Result<bool> {
    let begin = SUMMARY_BEGINS.as_bytes();
    let mut file = match fs::File::open(path) {
        Ok(file) => file.take(begin.len() as u64),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(true),
        Err(error) => return Err(error),
    };
    let mut found = Vec::new();
    file.read_to_end(&mut found)?;
    Ok(found.is_empty() || found == begin)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn refused(path: &Path, error: &io::Error) -> Failure {
    let hint = "name a file with --summary-file whose folder is there, may be written to and has room";
    Failure::io(format!("cannot write the summary {}", path.display()), error, hint)
}
/// Where a run lies, whatever the working directory; a location in an object store is that already.
fn whole(directory: &Path) -> Option<String> {
    let text = directory.to_string_lossy();
    match location::is_remote(&text) {
        true => Some(text.into_owned()),
        false => std::path::absolute(directory).ok().map(|whole| whole.to_string_lossy().into_owned()),
    }
}
