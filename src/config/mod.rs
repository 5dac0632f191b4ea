//! The configuration file: parsed with spans, resolved once into a plain [`plan::Plan`].
//!
//! The way of a file: `sources` keeps its text beside those of the options, `document` parses it
//! into a tree that knows its places and applies overrides and environment, `schema` gives it types,
//! `resolve` checks it and fills in the defaults. Every mistake is collected by `diagnostic` with
//! its place and its remedy; as many as can be found are reported at once.

mod currency;
mod decimal;
mod diagnostic;
mod document;
pub(crate) mod duration;
mod environment;
pub mod http_url;
pub mod location;
pub mod nearest;
mod places;
pub mod plan;
mod presets;
mod profiles;
#[cfg(test)]
mod reference;
mod resolve;
mod schema;
mod secrets;
mod sources;
mod structure;
mod time;
mod tree;

use std::io;
use std::path::{Path, PathBuf};

pub use currency::unknown as unknown_currency;
pub use diagnostic::{ConfigError, ConfigErrors, ErrorKind, Location};
pub use duration::format as written_duration;
pub use places::Places;
pub use resolve::known_columns;
pub use secrets::Secrets;

use diagnostic::{Complaint, Problems};
use document::Document;
use plan::Plan;
use resolve::Surroundings;
use sources::Sources;
use toml::Spanned;

/// A larger file is none that somebody wrote.
const MAX_FILE_BYTES: usize = 4 << 20;

/// What the command line sets in place of the file.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// `--from`: first instant or local day.
    pub from: Option<String>,
    /// `--to`: first instant or local day that isn't part of the window.
    pub to: Option<String>,
    /// `--date`: one local day; excludes `from` and `to`, and takes the place of both in the file.
    pub date: Option<String>,
    /// `--out`: results folder, relative to the working directory, or a prefix in an object store.
    pub out: Option<PathBuf>,
    /// `--set key.path=value`, each applied after the one before it.
    pub set: Vec<String>,
}

/// Reads a configuration and resolves it.
///
/// # Errors
///
/// All mistakes that were found, each with its place; or that the file can't be read.
pub fn load(
    path: &Path,
    overrides: &Overrides,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Plan, ConfigErrors> {
    let unreadable = |kind: ErrorKind, reason: String, hint: &str| {
        let file = path.display().to_string();
        ConfigError {
            kind,
            message: format!("can't read the configuration: {reason}"),
            hint: Some(hint.to_owned()),
            file,
            location: None,
        }
    };
    let bytes = std::fs::read(path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound
        | io::ErrorKind::PermissionDenied
        | io::ErrorKind::IsADirectory
        | io::ErrorKind::NotADirectory
        | io::ErrorKind::InvalidFilename
        | io::ErrorKind::InvalidInput => {
            unreadable(ErrorKind::Read, error.to_string(), "name another file with `--config FILE`")
        }
        _ => unreadable(
            ErrorKind::Io,
            error.to_string(),
            "see that the disk or share is there, then run again",
        ),
    })?;
    if bytes.len() > MAX_FILE_BYTES {
        let reason = format!("it has {} bytes, more than {MAX_FILE_BYTES}", bytes.len());
        return Err(unreadable(ErrorKind::Read, reason, "name a TOML file with `--config FILE`").into());
    }
    match String::from_utf8(bytes) {
        Ok(text) => parse(&text, path, overrides, environment),
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let line = error.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
            let reason = format!("line {line} is not UTF-8");
            Err(unreadable(ErrorKind::Read, reason, "save the file as UTF-8").into())
        }
    }
}

/// Resolves the text of a configuration; its paths are relative to the folder of `file`, which isn't read.
///
/// # Errors
///
/// All mistakes that were found, each with its place.
pub fn parse(
    text: &str,
    file: &Path,
    overrides: &Overrides,
    environment: &dyn Fn(&str) -> Option<String>,
) -> Result<Plan, ConfigErrors> {
    let mut sources = Sources::new(&file.display().to_string(), text);
    let set: Vec<_> = overrides.set.iter().map(|text| sources.push_option("--set", text)).collect();
    let [from, to, date] =
        [("--from", &overrides.from), ("--to", &overrides.to), ("--date", &overrides.date)]
            .map(|(option, value)| value.as_ref().map(|value| sources.push_option(option, value)));
    let out = overrides.out.as_deref();
    let out = out.map(|path| Spanned::new(sources.push_option("--out", &path.display().to_string()), path));

    let mut problems = Problems::new(&sources);
    let Some(mut document) = Document::parse(&sources, &mut problems) else {
        return problems.finish(None);
    };
    for range in set {
        document.set(&sources, range, &mut problems);
    }
    for (path, range) in [(["window", "from"], &from), (["window", "to"], &to)] {
        if let (Some(range), Some(_)) = (range, &date) {
            let complaint = Complaint::new(
                format!("`--date` is a window of its own, and there is `--{}`", path[1]),
                "give `--date`, or `--from` and `--to`",
            );
            problems.at(ErrorKind::Option, range.clone(), complaint);
        } else if let Some(range) = range {
            document.set_text(&sources, path, range.clone(), &mut problems);
        }
    }
    let written = document.written();
    document.expand(&sources, environment, &mut problems);
    let Some(schema) = document.deserialize(&mut problems).filter(|_| problems.is_empty()) else {
        return problems.finish(None);
    };
    let surroundings = Surroundings {
        file,
        date: date.map(|range| Spanned::new(range.clone(), sources.text(range).to_owned())),
        out,
    };
    let plan = resolve::resolve(schema, &document, &surroundings, &mut problems);
    problems.finish(Some(Plan { written, ..plan }))
}
