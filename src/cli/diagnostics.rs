//! How a failure is told: once, with its causes and what to do.

use std::error::Error;
use std::fmt::Write;
use std::io;

use serde_json::{Value, json};

use crate::config::ConfigErrors;
use crate::job::JobError;

use super::console::printable_lines;

/// The data or the system can't do what was asked for; see [`JobError::exit_code`] for the others.
const IO: u8 = 74;

/// A failure, ready to be shown.
#[derive(Debug)]
pub(super) struct Failure {
    message: Message,
    hint: Option<String>,
    pub(super) exit_code: u8,
}

#[derive(Debug)]
enum Message {
    /// Rendered with snippets by the configuration itself.
    Config(ConfigErrors),
    /// Rendered by clap.
    Usage(clap::Error),
    /// The error and its causes.
    Chain(Vec<String>),
    /// Nothing: standard output says it all.
    Said,
}

impl Failure {
    /// Of an error with its causes.
    pub(super) fn of(error: &dyn Error, exit_code: u8, hint: Option<String>) -> Self {
        let mut chain = vec![error.to_string()];
        let mut source = error.source();
        while let Some(error) = source {
            chain.push(error.to_string());
            source = error.source();
        }
        Self { message: Message::Chain(chain), hint, exit_code }
    }

    /// In words of its own.
    pub(super) fn new(exit_code: u8, message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: Message::Chain(vec![message.into()]), hint: Some(hint.into()), exit_code }
    }

    /// An answer that standard output didn't take.
    pub(super) fn stdout(error: &io::Error) -> Self {
        let message = "cannot write to standard output".to_owned();
        Self { message: Message::Chain(vec![message, error.to_string()]), hint: None, exit_code: IO }
    }

    /// A file that couldn't be written.
    pub(super) fn io(message: String, error: &io::Error, hint: &str) -> Self {
        let message = Message::Chain(vec![message, error.to_string()]);
        Self { message, hint: Some(hint.to_owned()), exit_code: IO }
    }

    /// An exit code that isn't 0 though nothing failed.
    pub(super) fn silent(exit_code: u8) -> Self {
        Self { message: Message::Said, hint: None, exit_code }
    }

    /// Whether there is nothing to tell.
    pub(super) fn is_silent(&self) -> bool {
        matches!(self.message, Message::Said)
    }

    /// The text for standard error.
    pub(super) fn render(&self, color: bool) -> String {
        let paint = |code: &str, text: &str| {
            if color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
        };
        match &self.message {
            Message::Said => String::new(),
            Message::Config(errors) => {
                let mut text = errors.render(color);
                if !text.ends_with('\n') {
                    text.push('\n');
                }
                text
            }
            Message::Usage(error) if color => error.render().ansi().to_string(),
            Message::Usage(error) => error.render().to_string(),
            Message::Chain(chain) => {
                let mut text = format!("{}: {}\n", paint("1;31", "error"), printable_lines(&chain[0]));
                for cause in &chain[1..] {
                    let _ = writeln!(text, "  caused by: {}", printable_lines(cause));
                }
                if let Some(hint) = &self.hint {
                    let _ = writeln!(text, "{}: {}", paint("1;36", "hint"), printable_lines(hint));
                }
                text
            }
        }
    }

    /// What went wrong in one line, without causes and remedy.
    pub(super) fn headline(&self) -> String {
        match &self.message {
            Message::Config(errors) => {
                errors.errors().first().map(|error| error.message.clone()).unwrap_or_default()
            }
            Message::Usage(error) => {
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default();
                line.strip_prefix("error: ").unwrap_or(line).to_owned()
            }
            Message::Chain(chain) => chain[0].clone(),
            Message::Said => String::new(),
        }
    }

    /// What to do about it.
    pub(super) fn hint(&self) -> Option<&str> {
        match &self.message {
            Message::Config(errors) => errors.errors().first().and_then(|error| error.hint.as_deref()),
            _ => self.hint.as_deref(),
        }
    }

    /// The same for a program: `exit_code`, `message`, `causes`, `hint`, and for a configuration `errors` with the place of each.
    pub(super) fn fields(&self) -> Value {
        let mut fields = json!({
            "exit_code": self.exit_code,
            "message": self.headline(),
            "causes": [],
            "hint": self.hint(),
        });
        match &self.message {
            Message::Config(errors) => {
                let each = |error: &crate::config::ConfigError| {
                    json!({
                        "message": error.message,
                        "hint": error.hint,
                        "file": error.file,
                        "line": error.location.as_ref().map(|location| location.line),
                        "column": error.location.as_ref().map(|location| location.column),
                    })
                };
                fields["errors"] = errors.errors().iter().map(each).collect();
            }
            Message::Usage(_) | Message::Said => {}
            Message::Chain(chain) => fields["causes"] = chain[1..].iter().cloned().collect(),
        }
        fields
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        let exit_code = errors.exit_code();
        Self { message: Message::Config(errors), hint: None, exit_code }
    }
}

impl From<clap::Error> for Failure {
    fn from(error: clap::Error) -> Self {
        Self { message: Message::Usage(error), hint: None, exit_code: 64 }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        if let Some(mistake) = error.in_config() {
            return Self {
                message: Message::Config(mistake.into()),
                hint: None,
                exit_code: error.exit_code(),
            };
        }
        Self::of(&error, error.exit_code(), error.hint())
    }
}
