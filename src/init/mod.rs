//! A first configuration from a folder of exports: what they are, by names, types and a bounded sample of their rows.
//!
//! Everything is a guess, and the file that is written says of each what it rests on. It is accepted by a run: that is
//! tried before it is written. No value of a customer stands in it or in a message: names of columns, events and channels
//! only.

mod draft;
mod error;
mod groups;
mod names;
mod patterns;
mod sample;
mod stages;
mod survey;
mod tables;
mod text;
mod vocabulary;

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

pub use error::{InitError, Unnamable, Unusable};

use crate::config::location::is_remote;
use crate::config::{self, Overrides};
use crate::engine::open::open_inputs;
use crate::engine::{Budget, work};

use draft::Draft;
use groups::group;
use patterns::Places;
use survey::Survey;
use tables::{Hints, Table, classify};

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Files, folders and patterns to look at.
    pub paths: Vec<PathBuf>,
    /// Where the configuration is written.
    pub output: PathBuf,
    /// Whether it may take the place of a file.
    pub force: bool,
    /// The event of all rows of exports that have no column for it.
    pub event: Option<String>,
}

/// What was written.
#[derive(Debug)]
pub struct Written {
    /// The text of the configuration.
    pub text: String,
    /// What it says and why, in lines for a person.
    pub summary: String,
}

/// Looks at exports and writes a configuration for them.
///
/// # Errors
///
/// [`InitError`] says what each file lacks, or why nothing was written.
pub fn init(request: &Request) -> Result<Written, InitError> {
    let io = |action, path: &Path| {
        let path = path.to_owned();
        move |source: io::Error| InitError::Io { action, path, source }
    };
    let output = std::path::absolute(&request.output).map_err(io("find", &request.output))?;
    if !request.force && output.symlink_metadata().is_ok() {
        return Err(InitError::Exists { path: request.output.clone() });
    }
    let named = named(&request.paths)?;
    let survey = Survey::of(&named)?;
    let draft = draft(&survey, request.event.as_deref())?;
    let all: Vec<&Path> = survey.all_paths().collect();
    let base = output.parent().unwrap_or(Path::new("/"));
    let places = Places { all: &all, named: &named, base };
    let text = text::config(&draft, &places);
    try_out(&text, &output)?;
    write(&output, &text, request.force).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => InitError::Exists { path: request.output.clone() },
        _ => io("write", &request.output)(error),
    })?;
    Ok(Written { summary: text::summary(&draft, &places), text })
}

/// The absolute paths of what was named, as far as a configuration can name them.
fn named(paths: &[PathBuf]) -> Result<Vec<PathBuf>, InitError> {
    let absolute = |path: &PathBuf| {
        let unusable = |why| InitError::Unnamable { path: path.clone(), why };
        if path.to_str().is_some_and(is_remote) {
            return Err(unusable(Unnamable::Remote));
        }
        // Not taken for a path: in one, what logs in would not be known for what it is.
        if path.to_str().is_some_and(|path| path.contains("://")) {
            return Err(unusable(Unnamable::Address));
        }
        let whole = std::path::absolute(path).unwrap_or_else(|_| path.clone());
        if whole.to_str().is_none() {
            return Err(unusable(Unnamable::NotUtf8));
        }
        // Without slashes at its end, so that it compares with what lies below it.
        Ok(whole.components().collect())
    };
    paths.iter().map(absolute).collect()
}

/// Reads each export as the input that it is, and decides.
fn draft(survey: &Survey, event: Option<&str>) -> Result<Draft, InitError> {
    let mut readings = Vec::new();
    let mut unusable = Unusable::default();
    let mut left_out = Vec::new();
    for export in &survey.exports {
        let unique = |physical: &str| sample::ids_are_unique(export, physical);
        match classify(export, Hints { event, ids_are_unique: &unique }) {
            Ok(reading) => {
                unusable.other(export, reading.table.as_str());
                readings.push((export.clone(), reading));
            }
            Err(lacks) => {
                unusable.lacking(export, &lacks);
                // One column short of an input is worth a look, anything else is some other table.
                let near = lacks.iter().find(|lack| lack.reasons.len() == 1);
                let why = near.map_or_else(
                    || "it has the columns of no input".to_owned(),
                    |lack| format!("as {} it lacks {}", lack.table.as_str(), lack.reasons.concat()),
                );
                left_out.push((export.file.path.clone(), why));
            }
        }
    }
    for file in &survey.unreadable {
        unusable.unreadable(file);
        left_out.push((file.path.clone(), "it can't be read".to_owned()));
    }
    if !readings.iter().any(|(_, reading)| reading.table == Table::Touchpoints) {
        return Err(InitError::NoTouchpoints(unusable));
    }
    Ok(Draft::new(group(readings), event, left_out)?)
}

/// Whether a run would accept the configuration, as `touchline check` sees it.
fn try_out(text: &str, output: &Path) -> Result<(), InitError> {
    let plan = config::parse(text, output, &Overrides::default(), &|_| None).map_err(InitError::Invalid)?;
    let limits = Budget::of_process(None, 0, std::env::temp_dir()).limits();
    let opened = work::pool(0).and_then(|pool| open_inputs(&plan, &pool, &limits));
    opened.map(drop).map_err(InitError::Refused)
}

/// Writes the file, whole or not at all; unless it may, never over another.
fn write(path: &Path, text: &str, force: bool) -> io::Result<()> {
    let clean_up = |path: &Path| {
        let path = path.to_owned();
        // What was begun is of no use, and what is left of it can't be told from what a user wrote.
        move |_: &io::Error| drop(fs::remove_file(path))
    };
    if !force {
        let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
        return file.write_all(text.as_bytes()).inspect_err(clean_up(path));
    }
    let fresh = path.with_added_extension("new");
    fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, path)).inspect_err(clean_up(&fresh))
}
