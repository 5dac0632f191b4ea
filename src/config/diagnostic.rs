//! Errors of the configuration: what is wrong, where it stands and how it is mended.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use annotate_snippets::{AnnotationKind, Level, Origin, Renderer, Snippet, normalize_untrusted_str};

use super::sources::{COMMAND_LINE, Sources};

/// What kind of mistake an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The file can't be read: it isn't there, may not be read, or is no text.
    Read,
    /// The system failed to read the file; it may do so the next time.
    Io,
    /// The text isn't TOML.
    Syntax,
    /// A `${NAME}` that can't be filled in.
    Environment,
    /// An option of the command line that can't be applied.
    Option,
    /// A key that doesn't exist.
    UnknownKey,
    /// A value of the wrong type.
    WrongType,
    /// A value that isn't allowed.
    Value,
    /// Something that has to be there and isn't.
    Missing,
}

/// Where an error stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// The file as it was given, or `command line`.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Bytes of the mistake in `source`.
    pub span: Range<usize>,
    /// Text of the whole file, or of the option.
    pub source: Arc<str>,
}

/// One mistake in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct ConfigError {
    /// Its kind.
    pub kind: ErrorKind,
    /// What is wrong.
    pub message: String,
    /// How it is mended.
    pub hint: Option<String>,
    /// The file as it was given, or `command line`.
    pub file: String,
    /// Where in the file; none where the mistake is that something is absent.
    pub location: Option<Location>,
}

impl ConfigError {
    /// The error with its line and a caret, without colours and without a line end.
    pub fn plain(&self) -> String {
        self.render(&Renderer::plain())
    }

    /// The error with its line and a caret, in the colours of a terminal.
    pub fn coloured(&self) -> String {
        self.render(&Renderer::styled())
    }

    fn render(&self, renderer: &Renderer) -> String {
        let mut group = match &self.location {
            Some(location) => Level::ERROR.primary_title(&*self.message).element(
                Snippet::source(&*location.source)
                    .path(&*location.file)
                    .annotation(AnnotationKind::Primary.span(location.span.clone())),
            ),
            None => Level::ERROR.primary_title(&*self.message).element(Origin::path(&*self.file)),
        };
        if let Some(hint) = &self.hint {
            group = group.element(Level::HELP.with_name(Some("hint")).message(normalize_untrusted_str(hint)));
        }
        renderer.render(&[group])
    }
}

/// All mistakes that one load of the configuration found; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigErrors(Vec<ConfigError>);

impl ConfigErrors {
    /// The mistakes, in the order in which they were found.
    pub fn errors(&self) -> &[ConfigError] {
        &self.0
    }

    /// The exit code of the command: 78; 74 where the system failed; 64 where the file is as it should be, and all that is
    /// wrong is what an option says. A variable that isn't set is no mistake of the call.
    pub fn exit_code(&self) -> u8 {
        let of_call = |error: &ConfigError| {
            error.kind != ErrorKind::Environment
                && error.location.as_ref().is_some_and(|location| location.file == COMMAND_LINE)
        };
        if self.0.iter().any(|error| error.kind == ErrorKind::Io) {
            74
        } else if self.0.iter().all(of_call) {
            64
        } else {
            78
        }
    }

    /// All of them as text, with a blank line between.
    pub fn render(&self, coloured: bool) -> String {
        let each = |error: &ConfigError| if coloured { error.coloured() } else { error.plain() };
        self.0.iter().map(each).collect::<Vec<_>>().join("\n\n")
    }
}

impl From<ConfigError> for ConfigErrors {
    fn from(error: ConfigError) -> Self {
        Self(vec![error])
    }
}

impl fmt::Display for ConfigErrors {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.render(false))
    }
}

impl std::error::Error for ConfigErrors {}

/// What is wrong with a value and how it is mended, before it is known where the value stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Complaint {
    pub(super) message: String,
    pub(super) hint: String,
}

impl Complaint {
    pub(super) fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into() }
    }
}

/// A value into which the environment was filled in: its text must not show in a message.
#[derive(Debug, Clone)]
pub(super) struct Expansion {
    /// As in the file, `${NAME}` and all.
    pub(super) written: String,
    /// What came of it.
    pub(super) expanded: String,
}

/// Collects the mistakes of one load.
#[derive(Debug)]
pub(super) struct Problems<'a> {
    sources: &'a Sources,
    expansions: Vec<Expansion>,
    list: Vec<ConfigError>,
}

impl<'a> Problems<'a> {
    pub(super) fn new(sources: &'a Sources) -> Self {
        Self { sources, expansions: Vec::new(), list: Vec::new() }
    }

    /// From now on messages show what was written instead of what it expanded to.
    pub(super) fn hide(&mut self, expansion: Expansion) {
        self.expansions.push(expansion);
    }

    /// A mistake at a place of the sources.
    pub(super) fn at(&mut self, kind: ErrorKind, span: Range<usize>, complaint: Complaint) {
        let location = self.sources.locate(span);
        let file = location.file.clone();
        self.push(kind, file, Some(location), complaint);
    }

    /// A mistake at a place if there is one, else of the file as a whole.
    pub(super) fn near(&mut self, kind: ErrorKind, span: Option<Range<usize>>, complaint: Complaint) {
        match span {
            Some(span) => self.at(kind, span, complaint),
            None => self.push(kind, self.sources.file().to_owned(), None, complaint),
        }
    }

    fn push(&mut self, kind: ErrorKind, file: String, location: Option<Location>, complaint: Complaint) {
        let message = self.mask(complaint.message);
        let hint = Some(self.mask(complaint.hint)).filter(|hint| !hint.is_empty());
        self.list.push(ConfigError { kind, message, hint, file, location });
    }

    /// Messages quote values in backticks, serde quotes them as Rust does.
    fn mask(&self, mut text: String) -> String {
        for Expansion { written, expanded } in &self.expansions {
            text = text.replace(&format!("`{expanded}`"), &format!("`{written}`"));
            text = text.replace(&format!("{expanded:?}"), &format!("`{written}`"));
        }
        text
    }

    /// The texts that mistakes are looked up in.
    pub(super) fn sources(&self) -> &'a Sources {
        self.sources
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The value if nothing was wrong.
    pub(super) fn finish<T>(self, value: Option<T>) -> Result<T, ConfigErrors> {
        match value {
            Some(value) if self.list.is_empty() => Ok(value),
            _ => {
                debug_assert!(!self.list.is_empty(), "no plan, and no error that says why");
                Err(ConfigErrors(self.list))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(hint: Option<&str>) -> ConfigError {
        let sources = Sources::new("job.toml", "[job]\nnam\u{65} = 3\n");
        let mut problems = Problems::new(&sources);
        problems.at(ErrorKind::Value, 6..10, Complaint::new("wrong", hint.unwrap_or_default()));
        problems.list.remove(0)
    }

    #[test]
    fn plain_rendering_has_no_escapes_and_a_caret_under_the_mistake() {
        insta::assert_snapshot!(error(Some("mend it")).plain(), @r"
        error: wrong
         --> job.toml:2:1
          |
        2 | name = 3
          | ^^^^
          |
          = hint: mend it
        ");
        assert!(error(None).coloured().contains('\u{1b}'));
    }

    #[test]
    fn an_expanded_secret_shows_as_it_was_written() {
        let sources = Sources::new("job.toml", "zone = \"${ZONE}\"\n");
        let mut problems = Problems::new(&sources);
        problems.hide(Expansion { written: "${ZONE}".into(), expanded: "s3cret".into() });
        problems.at(
            ErrorKind::Value,
            0..4,
            Complaint::new("unknown `s3cret`", "string \"s3cret\" is no zone"),
        );
        let shown = problems.list[0].plain();
        assert!(!shown.contains("s3cret"), "{shown}");
        assert!(shown.contains("unknown `${ZONE}`"), "{shown}");
    }
}
