//! The texts that a configuration is made of: the file and the options that override it.
//!
//! They are kept one after the other in one buffer, so that one byte range says in which of them
//! a value stands: an error in an overridden value shows the option and not the file.

use std::ops::Range;
use std::sync::Arc;

use super::diagnostic::Location;

/// What the place of an option is called.
pub(super) const COMMAND_LINE: &str = "command line";

/// The texts, one after the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Sources {
    buffer: String,
    /// The file, then the options.
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    name: String,
    range: Range<usize>,
}

impl Sources {
    pub(super) fn new(file: &str, text: &str) -> Self {
        let part = Part { name: file.to_owned(), range: 0..text.len() };
        Self { buffer: text.to_owned(), parts: vec![part] }
    }

    /// Appends an option with its value; returns where the value stands.
    pub(super) fn push_option(&mut self, option: &str, value: &str) -> Range<usize> {
        let start = self.buffer.len();
        self.buffer.push_str(option);
        self.buffer.push(' ');
        let value_start = self.buffer.len();
        self.buffer.push_str(value);
        let end = self.buffer.len();
        self.parts.push(Part { name: COMMAND_LINE.to_owned(), range: start..end });
        value_start..end
    }

    /// The file as it was given.
    pub(super) fn file(&self) -> &str {
        &self.parts[0].name
    }

    /// Text of the file.
    pub(super) fn file_text(&self) -> &str {
        &self.buffer[self.parts[0].range.clone()]
    }

    /// Text at a place; empty where the place isn't one.
    pub(super) fn text(&self, range: Range<usize>) -> &str {
        self.buffer.get(range).unwrap_or_default()
    }

    /// The source, line and column of a place. A place of several lines is cut to its first.
    pub(super) fn locate(&self, span: Range<usize>) -> Location {
        // An empty place at the seam of two parts is the end of the first: the file ends too early.
        let part = self
            .parts
            .iter()
            .find(|part| part.range.contains(&span.start) || part.range.end == span.start)
            .unwrap_or(&self.parts[0]);
        let source = &self.buffer[part.range.clone()];
        let within = |at: usize| {
            let at = at.saturating_sub(part.range.start).min(source.len());
            (0..=at).rev().find(|at| source.is_char_boundary(*at)).unwrap_or_default()
        };
        let start = within(span.start);
        let mut end = within(span.end).max(start);
        if let Some(line_end) = source[start..end].find(['\r', '\n']) {
            end = start + line_end;
        }
        let before = &source[..start];
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Location {
            file: part.name.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            span: start..end,
            source: Arc::from(source),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_knows_its_source_line_and_column() {
        let mut sources = Sources::new("job.toml", "a = 1\nпът = 2\n");
        let value = sources.push_option("--set", "a=3");
        assert_eq!(sources.text(value.clone()), "a=3");

        let in_file = sources.locate(15..16);
        assert_eq!((in_file.file.as_str(), in_file.line, in_file.column), ("job.toml", 2, 7));

        let in_option = sources.locate(value.start + 2..value.end);
        assert_eq!((in_option.file.as_str(), in_option.line, in_option.column), ("command line", 1, 9));
        assert_eq!(&*in_option.source, "--set a=3");
    }

    #[test]
    fn a_place_of_several_lines_is_cut_to_its_first() {
        let sources = Sources::new("job.toml", "a = [\n1,\n]\n");
        assert_eq!(sources.locate(4..10).span, 4..5);
    }

    #[test]
    fn a_place_beyond_the_end_or_inside_a_character_is_moved_into_the_text() {
        let sources = Sources::new("job.toml", "é");
        assert_eq!(sources.locate(1..99).span, 0..2);
        assert_eq!(sources.locate(50..99).span, 2..2);
    }
}
