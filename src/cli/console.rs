//! Where a command talks to: people or a collector of logs on standard error, programs on standard output.
//!
//! Nothing here panics over a stream that is closed or full. A log that nobody can read is no reason to fail; an answer that
//! didn't arrive is.

use std::borrow::Cow;
use std::io::{self, Write};

use clap::ValueEnum;
use serde::Serialize;
use serde_json::{Map, Value};

use crate::config::Secrets;

use super::diagnostics::Failure;

/// How events are told on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum LogFormat {
    Text,
    Json,
}

/// How much is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Verbosity {
    /// Failures only.
    Quiet,
    Normal,
    /// Steps with their times too.
    Verbose,
}

/// The streams of a command.
#[derive(Debug, Clone)]
pub(super) struct Console {
    pub(super) format: LogFormat,
    pub(super) color: bool,
    pub(super) verbosity: Verbosity,
    /// What must not show.
    pub(super) secrets: Secrets,
}

/// A line of the log.
#[derive(Serialize)]
struct Line<'a> {
    ts: String,
    level: &'static str,
    event: &'static str,
    #[serde(flatten)]
    fields: &'a Map<String, Value>,
}

/// Text from data or file names on one line of a terminal: what would control it is escaped.
pub(super) fn printable(text: &str) -> Cow<'_, str> {
    if !text.contains(char::is_control) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter.is_control() {
            true => shown.extend(letter.escape_default()),
            false => shown.push(letter),
        }
    }
    Cow::Owned(shown)
}

/// As [`printable`], of a text of several lines.
pub(super) fn printable_lines(text: &str) -> String {
    text.split('\n').map(printable).collect::<Vec<_>>().join("\n")
}

impl Console {
    /// Tells what a person asked to know, unless everything is quiet. `text` is for people and ends its lines itself, the fields of
    /// `fields` are for programs.
    pub(super) fn tell(&self, event: &'static str, text: &str, fields: Value) {
        if self.verbosity >= Verbosity::Normal {
            self.log("info", event, text, fields);
        }
    }

    /// Tells what went wrong beside a result that stands.
    pub(super) fn warn(&self, text: &str, fields: Value) {
        if self.verbosity >= Verbosity::Normal {
            self.log("warn", "warning", text, fields);
        }
    }

    /// Tells what only matters to who looks closely.
    pub(super) fn detail(&self, event: &'static str, text: &str, fields: Value) {
        if self.verbosity >= Verbosity::Verbose {
            self.log("debug", event, text, fields);
        }
    }

    /// Tells a failure, however quiet.
    pub(super) fn failure(&self, failure: &Failure) {
        if failure.is_silent() {
            return;
        }
        self.log("error", "failed", &failure.render(self.color), failure.fields());
    }

    /// Hands an answer over: all of `text` on standard output, after everything that was logged.
    ///
    /// # Errors
    /// Nobody reads it, or it can't be written: 74.
    pub(super) fn answer(&self, text: &str) -> Result<(), Failure> {
        let _ = io::stderr().flush();
        let mut stdout = io::stdout().lock();
        let text = self.secrets.redact(text);
        stdout
            .write_all(text.as_bytes())
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::stdout(&error))
    }

    fn log(&self, level: &'static str, event: &'static str, text: &str, fields: Value) {
        let line = match self.format {
            LogFormat::Text => text.to_owned(),
            LogFormat::Json => {
                let Value::Object(fields) = fields else { return };
                let ts = format!("{:.6}", jiff::Timestamp::now());
                let Ok(mut line) = serde_json::to_string(&Line { ts, level, event, fields: &fields }) else {
                    return;
                };
                line.push('\n');
                line
            }
        };
        // In one piece, so that lines of several processes don't mix.
        let _ = io::stderr().lock().write_all(self.secrets.redact(&line).as_bytes());
    }
}
