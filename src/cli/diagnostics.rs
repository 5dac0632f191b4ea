//! How a failure is told: once, with its causes and what to do.

use std::error::Error;
use std::fmt::Write;

use crate::config::ConfigErrors;
use crate::job::JobError;

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

    /// An exit code that isn't 0 though nothing failed.
    pub(super) fn silent(exit_code: u8) -> Self {
        Self { message: Message::Said, hint: None, exit_code }
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
            Message::Chain(chain) => {
                let mut text = format!("{}: {}\n", paint("1;31", "error"), chain[0]);
                for cause in &chain[1..] {
                    let _ = writeln!(text, "  caused by: {cause}");
                }
                if let Some(hint) = &self.hint {
                    let _ = writeln!(text, "{}: {hint}", paint("1;36", "hint"));
                }
                text
            }
        }
    }
}

impl From<ConfigErrors> for Failure {
    fn from(errors: ConfigErrors) -> Self {
        Self { message: Message::Config(errors), hint: None, exit_code: 78 }
    }
}

impl From<JobError> for Failure {
    fn from(error: JobError) -> Self {
        Self::of(&error, error.exit_code(), error.hint())
    }
}
