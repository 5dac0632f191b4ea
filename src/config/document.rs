//! The configuration as a tree of values that know where they stand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue, Deserializer};

use super::diagnostic::{Complaint, ErrorKind, Expansion, Problems};
use super::environment::{self, Unfilled};
use super::schema::Schema;
use super::sources::Sources;
use super::{structure, tree};

/// The file with the overrides and the environment applied.
#[derive(Debug)]
pub(super) struct Document<'i> {
    root: Spanned<DeTable<'i>>,
}

impl<'i> Document<'i> {
    /// Parses the file. None: it isn't TOML, which is among the problems.
    pub(super) fn parse(sources: &'i Sources, problems: &mut Problems<'_>) -> Option<Self> {
        match DeTable::parse(sources.file_text()) {
            Ok(root) => Some(Self { root }),
            Err(error) => {
                problems.near(ErrorKind::Syntax, error.span(), syntax(&error));
                None
            }
        }
    }

    /// Applies `key.path=value`, which stands at `range`.
    pub(super) fn set(&mut self, sources: &'i Sources, range: Range<usize>, problems: &mut Problems<'_>) {
        let text = sources.text(range.clone());
        let Some(equals) = equals_sign(text) else {
            problems.at(
                ErrorKind::Option,
                range,
                Complaint::new(
                    format!("`{text}` sets nothing"),
                    "write `--set key.path=value`, such as `--set window.lookback=14d`",
                ),
            );
            return;
        };
        let path = match key_path(&text[..equals], range.start) {
            Ok(path) => path,
            Err(complaint) => {
                return problems.at(ErrorKind::Option, range.start..range.start + equals, complaint);
            }
        };
        let (start, end) = (range.start + equals + 1, range.end);
        match value(sources.text(start..end), start) {
            Ok(value) => self.insert(&path, value, problems),
            Err((span, complaint)) => problems.at(ErrorKind::Option, span, complaint),
        }
    }

    /// Puts a text at a path, as an option of its own does.
    pub(super) fn set_text(
        &mut self,
        sources: &'i Sources,
        path: [&'static str; 2],
        range: Range<usize>,
        problems: &mut Problems<'_>,
    ) {
        let path = path.map(|segment| Spanned::new(range.clone(), Cow::Borrowed(segment)));
        let text = DeValue::String(Cow::Borrowed(sources.text(range.clone())));
        self.insert(&path, Spanned::new(range, text), problems);
    }

    fn insert(
        &mut self,
        path: &[Spanned<DeString<'i>>],
        value: Spanned<DeValue<'i>>,
        problems: &mut Problems<'_>,
    ) {
        let Some((last, parents)) = path.split_last() else { return };
        let mut table = self.root.get_mut();
        for (depth, segment) in parents.iter().enumerate() {
            let next = table
                .entry(segment.clone())
                .or_insert_with(|| Spanned::new(segment.span(), DeValue::Table(DeTable::new())));
            let found = match next.get_mut() {
                DeValue::Array(array) => {
                    // `inputs.touchpoints.0.path`: the next segment is the place in the list.
                    let place = path.get(depth + 1).and_then(|place| place.get_ref().parse::<usize>().ok());
                    return match place.and_then(|place| array.get_mut(place)) {
                        Some(element) => set_in_element(element, &path[depth + 2..], value, problems, last),
                        None => problems.at(ErrorKind::Option, last.span(), not_a_table(path, depth)),
                    };
                }
                DeValue::Table(found) => Some(found),
                _ => None,
            };
            match found {
                Some(found) => table = found,
                None => return problems.at(ErrorKind::Option, segment.span(), not_a_table(path, depth)),
            }
        }
        replace(table, last.clone(), value);
    }

    /// Fills in `${NAME}` in all text values.
    pub(super) fn expand(
        &mut self,
        sources: &Sources,
        environment: &dyn Fn(&str) -> Option<String>,
        problems: &mut Problems<'_>,
    ) {
        tree::for_each_text(self.root.get_mut(), &mut |span, text| match environment::expand(
            text,
            environment,
        ) {
            Ok(None) => {}
            Ok(Some(expanded)) => {
                problems.hide(Expansion { written: text.to_string(), expanded: expanded.clone() });
                *text = Cow::Owned(expanded);
            }
            Err(unfilled) => {
                let (at, complaint) = explain(&unfilled);
                let place = place_of(sources, &span, &text[at]);
                problems.at(ErrorKind::Environment, place, complaint);
            }
        });
    }

    /// Every value by its key with dots, as TOML: with overrides, before the environment is filled in.
    ///
    /// Ids of customers, which a matcher may name, are hidden.
    pub(super) fn written(&self) -> BTreeMap<String, String> {
        let mut written = BTreeMap::new();
        tree::for_each_value(self.root.get_ref(), &mut Vec::new(), &mut |path, value| {
            let shown = if names_ids(path) { "(hidden)".to_owned() } else { value };
            written.insert(path.join("."), shown);
        });
        written
    }

    /// Where the last key of a path stands.
    pub(super) fn key_span(&self, path: &[&str]) -> Option<Range<usize>> {
        tree::find(self.root.get_ref(), path).map(|(key, _)| key)
    }

    /// The typed form. None: keys or types are wrong, which is among the problems.
    pub(super) fn deserialize(&self, problems: &mut Problems<'_>) -> Option<Schema> {
        let mut root = self.root.clone();
        tree::dates_to_text(root.get_mut());
        let mut failed = false;
        // Serde stops at the first mistake: it is noted and taken out, and what is left tried again.
        loop {
            let error = match Schema::deserialize(Deserializer::from(root.clone())) {
                Ok(schema) => return (!failed).then_some(schema),
                Err(error) => error,
            };
            failed = true;
            let span = error.span();
            let path = span.as_ref().and_then(|span| tree::path_to(root.get_ref(), span)).unwrap_or_default();
            let (kind, complaint) = structure::explain(error.message(), &path);
            problems.near(kind, span.clone(), complaint);
            if !span.is_some_and(|span| tree::remove(root.get_mut(), &span)) {
                return None;
            }
        }
    }
}

/// Whether a value holds ids of customers or of what they did: patterns of such a column.
fn names_ids(path: &[String]) -> bool {
    let parent = path.len().checked_sub(2).and_then(|parent| path.get(parent));
    let is_id = |name: &String| matches!(name.as_str(), "customer_id" | "event_id" | "order_id");
    path.last().is_some_and(is_id) && parent.is_none_or(|parent| parent != "columns")
}

/// A value inside a list of tables.
fn set_in_element<'i>(
    element: &mut Spanned<DeValue<'i>>,
    rest: &[Spanned<DeString<'i>>],
    value: Spanned<DeValue<'i>>,
    problems: &mut Problems<'_>,
    last: &Spanned<DeString<'i>>,
) {
    match (element.get_mut(), rest) {
        (_, []) => *element = value,
        (DeValue::Table(table), _) => {
            let taken = std::mem::take(table);
            let mut inner = Document { root: Spanned::new(0..0, taken) };
            inner.insert(rest, value, problems);
            *table = inner.root.into_inner();
        }
        _ => problems.at(ErrorKind::Option, last.span(), not_a_table(rest, 0)),
    }
}

/// Puts a value under a key; a key that is there keeps its place.
fn replace<'i>(table: &mut DeTable<'i>, key: Spanned<DeString<'i>>, value: Spanned<DeValue<'i>>) {
    match table.get_mut(&key) {
        Some(old) => *old = value,
        None => {
            table.insert(key, value);
        }
    }
}

fn not_a_table(path: &[Spanned<DeString<'_>>], depth: usize) -> Complaint {
    let names: Vec<&str> = path.iter().take(depth + 1).map(|segment| segment.get_ref().as_ref()).collect();
    let name = names.join(".");
    Complaint::new(
        format!("nothing can be set inside `{name}`"),
        format!(
            "it is no table; of a list name the place, from 0, as in `{name}.0`, or set `{name}` as a whole"
        ),
    )
}

/// The `=` between key and value, outside of quotes.
fn equals_sign(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '=') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

/// Segments of a dotted key, which begins at `start`.
fn key_path<'i>(text: &str, start: usize) -> Result<Vec<Spanned<DeString<'i>>>, Complaint> {
    let wrong = || {
        Complaint::new(
            format!("`{}` is not a key", text.trim()),
            "write names with dots between, such as `window.lookback`; quote a name with other letters",
        )
    };
    // A line break would smuggle in a section or a second key.
    if text.contains('\n') {
        return Err(wrong());
    }
    let line = format!("{text}=0");
    let root = DeTable::parse(&line).map_err(|_| wrong())?.into_inner();
    let mut path = Vec::new();
    let mut table = &root;
    while let Some((key, value)) = table.iter().next() {
        let span = key.span();
        let segment = Cow::Owned(key.get_ref().to_string());
        path.push(Spanned::new(span.start + start..span.end + start, segment));
        match value.get_ref() {
            DeValue::Table(inner) => table = inner,
            _ => return Ok(path),
        }
    }
    Err(wrong())
}

/// A value as TOML or, where it isn't, as text; it begins at `start`.
fn value(text: &str, start: usize) -> Result<Spanned<DeValue<'_>>, (Range<usize>, Complaint)> {
    let start = start + (text.len() - text.trim_start().len());
    let text = text.trim();
    let shifted = |span: Range<usize>| span.start + start..span.end + start;
    match DeValue::parse(text) {
        Ok(value) => Ok(tree::shift(value, start)),
        // What begins like a list, table or quoted text was meant as one.
        Err(error) if text.starts_with(['[', '{', '"', '\'']) => {
            let span = error.span().map_or(start..start + text.len(), shifted);
            Err((span, syntax(&error)))
        }
        Err(_) => Ok(Spanned::new(shifted(0..text.len()), DeValue::String(Cow::Borrowed(text)))),
    }
}

fn syntax(error: &toml::de::Error) -> Complaint {
    let message = error.message();
    let hint = if message.contains("duplicate key") {
        "remove one of the two, or merge the tables"
    } else if message.contains("quoted") || message.contains("string values must be") {
        "text stands in quotes: key = \"text\""
    } else {
        "a line is `key = value`, a section is `[name]`; text stands in quotes, lists in `[ ]`, tables in `{ }`"
    };
    Complaint::new(format!("this is not TOML: {message}"), hint)
}

fn explain(unfilled: &Unfilled) -> (Range<usize>, Complaint) {
    match unfilled {
        Unfilled::Unset { name, at } => (
            at.clone(),
            Complaint::new(
                format!("the environment variable `{name}` is not set"),
                format!("set `{name}`, or give a default: `${{{name}:-default}}`"),
            ),
        ),
        Unfilled::Unclosed { at } => (
            at.clone(),
            Complaint::new("`${` without its `}`", "close it as in `${NAME}`; a plain `${` is written `$${`"),
        ),
        Unfilled::BadName { name, at } => (
            at.clone(),
            Complaint::new(
                format!("`{name}` is no name of an environment variable"),
                "write `${NAME}` or `${NAME:-default}`; a plain `${` is written `$${`",
            ),
        ),
    }
}

/// Where a piece of a text value stands; the whole value where it is written with escapes.
fn place_of(sources: &Sources, span: &Range<usize>, piece: &str) -> Range<usize> {
    match sources.text(span.clone()).find(piece) {
        Some(at) => span.start + at..span.start + at + piece.len(),
        None => span.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(sources: &Sources, set: &[Range<usize>], path: &[&str]) -> Result<Option<String>, String> {
        let mut problems = Problems::new(sources);
        let mut document = Document::parse(sources, &mut problems).expect("TOML");
        for range in set {
            document.set(sources, range.clone(), &mut problems);
        }
        let found = tree::find(document.root.get_ref(), path);
        let shown = found.map(|(_, value)| sources.text(value).to_owned());
        problems.finish(Some(shown)).map_err(|errors| errors.to_string())
    }

    #[test]
    fn what_is_written_shows_neither_secrets_nor_ids() {
        let mut sources = Sources::new(
            "touchline.toml",
            "[job]\nname = \"${NAME:-x}\"\n[inputs.touchpoints]\npath = [\"a\", 'b']\ncolumns = { customer_id = \"uid\" }\n\
             exclude = [ { customer_id = [\"c-17\"], event = \"x\" } ]\n[roi]\nmargin = 0.5\ncompare = true\n",
        );
        let set = sources.push_option("--set", "window.from=2026-04-01");
        let mut problems = Problems::new(&sources);
        let mut document = Document::parse(&sources, &mut problems).expect("TOML");
        document.set(&sources, set, &mut problems);
        let written: Vec<String> =
            document.written().into_iter().map(|(key, value)| format!("{key} = {value}")).collect();
        assert_eq!(
            written,
            [
                "inputs.touchpoints.columns.customer_id = \"uid\"",
                "inputs.touchpoints.exclude.0.customer_id = (hidden)",
                "inputs.touchpoints.exclude.0.event = \"x\"",
                "inputs.touchpoints.path = [\"a\", \"b\"]",
                "job.name = \"${NAME:-x}\"",
                "roi.compare = true",
                "roi.margin = 0.5",
                "window.from = 2026-04-01",
            ]
        );
    }

    #[test]
    fn an_override_replaces_adds_and_reaches_into_lists() {
        let mut sources = Sources::new(
            "touchline.toml",
            "[window]\nlookback = \"30d\"\n[[inputs.touchpoints]]\npath = \"a\"\n[[inputs.touchpoints]]\npath = \"b\"\n",
        );
        let set: Vec<_> = [
            "window.lookback=14d",
            "job.name = \"x=y\"",
            "inputs.touchpoints.1.path=c",
            "experiments.\"a.b #1\".alpha=0.1",
        ]
        .iter()
        .map(|text| sources.push_option("--set", text))
        .collect();
        for (path, value) in [
            (&["window", "lookback"] as &[&str], "14d"),
            (&["job", "name"], "\"x=y\""),
            (&["inputs", "touchpoints", "0", "path"], "\"a\""),
            (&["inputs", "touchpoints", "1", "path"], "c"),
            (&["experiments", "a.b #1", "alpha"], "0.1"),
        ] {
            assert_eq!(find(&sources, &set, path), Ok(Some(value.to_owned())), "{path:?}");
        }
    }

    #[test]
    fn an_override_that_cannot_be_applied_shows_the_option() {
        for (text, message) in [
            ("lookback", "`lookback` sets nothing"),
            ("=3", "`` is not a key"),
            ("a b=3", "`a b` is not a key"),
            ("a\nb=3", "is not a key"),
            ("job.name.x=3", "nothing can be set inside `job.name`"),
            ("inputs.touchpoints.7.path=x", "nothing can be set inside `inputs.touchpoints`"),
            ("attribution.models=[linear]", "this is not TOML"),
        ] {
            let mut sources = Sources::new(
                "touchline.toml",
                "[job]\nname = \"x\"\n[inputs]\ntouchpoints = [{ path = \"a\" }]\n",
            );
            let set = [sources.push_option("--set", text)];
            let shown = find(&sources, &set, &["absent"]).expect_err(text);
            assert!(shown.contains(message) && shown.contains("--> command line:1:"), "{shown}");
        }
    }
}
