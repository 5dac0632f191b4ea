//! `[inputs]` and the matchers over their columns.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::Spanned;

use super::Resolver;
use crate::config::diagnostic::{Complaint, ErrorKind};
use crate::config::http_url;
use crate::config::location::{self, ObjectUrl};
use crate::config::nearest;
use crate::config::plan::{FieldMatch, Matcher, SourcePlan};
use crate::config::schema::{self, Inputs, OneOrMany, Source, Table, Text};

/// Columns whose values differ from row to row, or are measured.
pub(super) const NOT_A_DIMENSION: [&str; 8] =
    ["customer_id", "occurred_at", "valid_from", "event_id", "order_id", "value", "sentiment", "score"];

/// Columns that a constant can't stand in for.
const VARYING: [&str; 6] = ["customer_id", "occurred_at", "event_id", "assigned_at", "valid_from", "date"];

/// The logical columns of an input.
#[derive(Debug)]
pub(super) struct Shape {
    /// Key under `inputs`.
    name: &'static str,
    /// Columns of text, over which a matcher may look.
    text: &'static [&'static str],
    /// Times and numbers.
    other: &'static [&'static str],
    /// Without them the input can't be read.
    required: &'static [&'static str],
    /// Whether further columns may be mapped, as dimensions.
    open: bool,
}

/// Touchpoints.
pub(super) const TOUCHPOINTS: Shape = Shape {
    name: "touchpoints",
    text: &[
        "customer_id",
        "event",
        "event_id",
        "channel",
        "campaign",
        "source",
        "medium",
        "currency",
        "order_id",
    ],
    other: &["occurred_at", "value", "sentiment", "score"],
    required: &["customer_id", "occurred_at", "event"],
    open: true,
};
const SPEND: Shape = Shape {
    name: "spend",
    text: &["channel", "campaign", "source", "medium", "currency"],
    other: &["date", "cost", "impressions", "clicks"],
    required: &["date", "channel", "cost"],
    open: false,
};
/// Customers.
pub(super) const CUSTOMERS: Shape = Shape {
    name: "customers",
    text: &["customer_id"],
    other: &["valid_from"],
    required: &["customer_id"],
    open: true,
};
const ASSIGNMENTS: Shape = Shape {
    name: "assignments",
    text: &["experiment", "variant", "customer_id"],
    other: &["assigned_at"],
    required: &["experiment", "variant", "customer_id", "assigned_at"],
    open: false,
};
const RATES: Shape = Shape {
    name: "rates",
    text: &["currency"],
    other: &["date", "rate"],
    required: &["date", "currency", "rate"],
    open: false,
};
const SUPPRESS: Shape =
    Shape { name: "suppress", text: &["customer_id"], other: &[], required: &["customer_id"], open: false };

/// All of them.
const SHAPES: [&Shape; 6] = [&TOUCHPOINTS, &SPEND, &CUSTOMERS, &ASSIGNMENTS, &RATES, &SUPPRESS];

/// The logical columns that an input gives a meaning, whether or not a run asks for them; none for a name that is no
/// input.
pub fn known_columns(input: &str) -> impl Iterator<Item = &'static str> {
    let shape = SHAPES.into_iter().find(|shape| shape.name == input);
    shape.into_iter().flat_map(Shape::columns)
}

impl Shape {
    /// All of its columns that have a meaning.
    pub(super) fn columns(&self) -> impl Iterator<Item = &'static str> + Clone {
        self.text.iter().chain(self.other).copied()
    }

    /// Whether a column can't be read as numbers.
    pub(super) fn is_no_number(&self, column: &str) -> bool {
        column == "occurred_at" || self.text.contains(&column)
    }
}

/// The inputs of a plan.
pub(super) struct InputPlans {
    pub(super) touchpoints: Vec<SourcePlan>,
    pub(super) spend: Option<SourcePlan>,
    pub(super) customers: Option<SourcePlan>,
    pub(super) assignments: Option<SourcePlan>,
    pub(super) rates: Option<SourcePlan>,
    pub(super) suppress: Option<SourcePlan>,
}

impl Resolver<'_, '_, '_> {
    pub(super) fn inputs(&mut self, inputs: Inputs, folder: &Path) -> InputPlans {
        let sources = inputs.touchpoints.0;
        if sources.is_empty() {
            let section = self
                .document
                .key_span(&["inputs", "touchpoints"])
                .or_else(|| self.document.key_span(&["inputs"]));
            self.missing(
                section,
                "there are no touchpoints to read",
                "add a section: [inputs.touchpoints] with path = \"exports/touchpoints/*.parquet\"",
            );
        }
        self.mapped = sources.iter().flat_map(|source| mapped(source)).collect();
        let several = sources.len() > 1;
        let place = |at: usize| {
            if several {
                vec!["touchpoints".to_owned(), at.to_string()]
            } else {
                vec!["touchpoints".to_owned()]
            }
        };
        let touchpoints = sources
            .into_iter()
            .enumerate()
            .map(|(at, source)| self.source(source.0, &TOUCHPOINTS, &place(at), folder))
            .collect();
        let mut optional = |source: Option<Source>, shape: &Shape| {
            source.map(|source| self.source(source, shape, &[shape.name.to_owned()], folder))
        };
        InputPlans {
            touchpoints,
            spend: optional(inputs.spend.map(|source| source.0.into()), &SPEND),
            customers: optional(inputs.customers.map(|source| source.0.into()), &CUSTOMERS),
            assignments: optional(inputs.assignments.map(|source| source.0.into()), &ASSIGNMENTS),
            rates: optional(inputs.rates.map(|source| source.0.into()), &RATES),
            suppress: optional(inputs.suppress.map(|source| source.0.into()), &SUPPRESS),
        }
    }

    fn source(&mut self, source: Source, shape: &Shape, place: &[String], folder: &Path) -> SourcePlan {
        let mut path = vec!["inputs"];
        path.extend(place.iter().map(String::as_str));
        let key = match place {
            [name, at] => format!("inputs.{name}[{at}]"),
            _ => path.join("."),
        };
        let paths = match &source.path {
            Some(written) => self.paths(written, folder),
            None => {
                self.missing(
                    self.document.key_span(&path),
                    format!("`{key}` has no path"),
                    format!("add where its files are: path = \"exports/{}/*.parquet\"", shape.name),
                );
                Vec::new()
            }
        };
        let own: BTreeSet<String> = mapped(&source).collect();
        let columns = self.columns(&source.columns, shape, &own, "physical column");
        let constants = self.columns(&source.constants, shape, &own, "constant");
        for (name, _) in &source.constants.0 {
            let column = name.get_ref().as_str();
            if VARYING.contains(&column) {
                self.refuse(
                    name.span(),
                    format!("`{column}` can't be the same in every row"),
                    format!("name its column instead: columns = {{ {column} = \"...\" }}"),
                );
            } else if columns.contains_key(column) {
                self.refuse(
                    name.span(),
                    format!("`{column}` is both a column and a constant"),
                    "remove it from `columns` or from `constants`",
                );
            }
        }
        let timezone = self.zone(source.timezone.as_ref());
        let matchers = source
            .exclude
            .iter()
            .filter_map(|matcher| self.matcher(matcher.get_ref(), matcher.span(), shape, &own));
        let exclude = matchers.collect();
        let freshness = self.freshness(source.warn_after.as_ref(), source.error_after.as_ref());
        SourcePlan { key, paths, columns, constants, timezone, freshness, exclude }
    }

    /// A mapping of logical columns, checked for slips.
    fn columns(
        &mut self,
        table: &Table<Text>,
        shape: &Shape,
        own: &BTreeSet<String>,
        what: &str,
    ) -> BTreeMap<String, String> {
        for (name, value) in &table.0 {
            let column = name.get_ref().as_str();
            let is_known = shape.columns().any(|known| known == column);
            let missed = |known: &&&str| !own.contains(**known) && nearest::is_slip(column, known);
            // `rate` is no slip of `date`: both are columns.
            let slip = shape.required.iter().find(missed).filter(|_| !is_known);
            if !shape.open && !is_known {
                let hint = nearest::suggest(column, &format!("columns of {}", shape.name), shape.columns());
                let message = format!("unknown column `{column}` of {}", shape.name);
                self.problems.at(ErrorKind::UnknownKey, name.span(), Complaint::new(message, hint));
            } else if let Some(meant) = slip {
                let message = format!("unknown column `{column}`, and `{meant}` is not mapped");
                let hint =
                    format!("did you mean `{meant}`? If both are columns, map both: {meant} = \"{meant}\"");
                self.problems.at(ErrorKind::UnknownKey, name.span(), Complaint::new(message, hint));
            }
            if column.is_empty() || value.get_ref().is_empty() {
                self.refuse(
                    value.span(),
                    format!("the {what} of `{column}` is empty"),
                    "write logical = \"physical\" for a column, logical = \"value\" for a constant",
                );
            }
        }
        table.0.iter().map(|(name, value)| (name.get_ref().clone(), value.get_ref().clone())).collect()
    }

    /// A matcher that says what kept touchpoints mean: it knows nothing of whose they are.
    pub(super) fn touch_matcher(&mut self, matcher: &schema::Matcher, span: Range<usize>) -> Option<Matcher> {
        for (column, _) in matcher.0.iter().filter(|(column, _)| column.get_ref() == "customer_id") {
            self.refuse(
                column.span(),
                "whose a row is can't change what it means",
                "match other columns; rows of some customers are left out by `exclude` of their input",
            );
        }
        let mapped = std::mem::take(&mut self.mapped);
        let resolved = self.matcher(matcher, span, &TOUCHPOINTS, &mapped);
        self.mapped = mapped;
        resolved
    }

    fn matcher(
        &mut self,
        matcher: &schema::Matcher,
        span: Range<usize>,
        shape: &Shape,
        mapped: &BTreeSet<String>,
    ) -> Option<Matcher> {
        if matcher.0.is_empty() {
            self.refuse(
                span,
                "this matcher has no column",
                "name a column and its values, such as event = [\"click\"]",
            );
            return None;
        }
        let mut fields = Vec::with_capacity(matcher.0.len());
        for (name, patterns) in &matcher.0 {
            let column = name.get_ref().clone();
            self.matcher_column(name, shape, mapped);
            fields.push(FieldMatch { column, patterns: self.patterns(name, patterns) });
        }
        Some(Matcher { fields })
    }

    fn matcher_column(&mut self, name: &Text, shape: &Shape, mapped: &BTreeSet<String>) {
        let column = name.get_ref().as_str();
        let slip = shape.text.iter().find(|known| nearest::is_slip(column, known));
        if shape.other.contains(&column) {
            self.refuse(
                name.span(),
                format!("`{column}` is not a column of text, and a matcher compares text"),
                format!("match one of {}", nearest::list(shape.text)),
            );
        } else if !shape.open && !shape.text.contains(&column) {
            let hint =
                nearest::suggest(column, &format!("columns of {}", shape.name), shape.text.iter().copied());
            let message = format!("unknown column `{column}` of {}", shape.name);
            self.problems.at(ErrorKind::UnknownKey, name.span(), Complaint::new(message, hint));
        } else if let Some(meant) = slip
            && !shape.text.contains(&column)
            && !mapped.contains(column)
        {
            let message = format!("unknown column `{column}`");
            let hint = format!(
                "did you mean `{meant}`? If `{column}` is a column too, map it: columns = {{ {column} = \"{column}\" }}"
            );
            self.problems.at(ErrorKind::UnknownKey, name.span(), Complaint::new(message, hint));
        }
    }

    pub(super) fn patterns(&mut self, name: &Text, patterns: &Spanned<OneOrMany>) -> Vec<String> {
        let texts = one_or_many(patterns);
        if texts.is_empty() {
            self.refuse(
                patterns.span(),
                format!("`{name}` has no patterns, so nothing would match"),
                format!("write at least one, such as {name} = [\"...\"], or remove `{name}`"),
            );
        }
        for text in texts.iter().filter(|text| text.get_ref().is_empty()) {
            self.refuse(
                text.span(),
                format!("a pattern of `{name}` is empty"),
                "write the value, with `*` for any run of characters",
            );
        }
        texts.into_iter().map(Spanned::into_inner).collect()
    }

    fn paths(&mut self, written: &Spanned<OneOrMany>, folder: &Path) -> Vec<String> {
        let texts = one_or_many(written);
        if texts.is_empty() {
            self.refuse(
                written.span(),
                "there is no path in the list",
                "write a file, a folder or a pattern with `*`",
            );
        }
        texts.iter().filter_map(|text| self.path_text(text, folder)).collect()
    }

    /// A path beside the configuration file.
    pub(super) fn path(&mut self, text: &Text, folder: &Path) -> Option<PathBuf> {
        self.check_path(text).then(|| folder.join(text.get_ref()))
    }

    /// A path or pattern beside the configuration file, as text.
    fn path_text(&mut self, text: &Text, folder: &Path) -> Option<String> {
        if text.get_ref().contains("://") {
            return self.object_url(text);
        }
        if !self.check_path(text) {
            return None;
        }
        let pattern = text.get_ref();
        if Path::new(pattern).is_absolute() {
            return Some(pattern.clone());
        }
        let Some(folder) = folder.to_str() else {
            self.refuse(
                text.span(),
                "the folder of the configuration is not UTF-8",
                "write absolute paths, or rename the folder",
            );
            return None;
        };
        // In a pattern the letters of the folder stand for themselves.
        let is_pattern = pattern.contains(['*', '?', '[', '{']);
        let folder = if is_pattern { globset::escape(folder) } else { folder.to_owned() };
        Path::new(&folder).join(pattern).to_str().map(str::to_owned)
    }

    fn check_path(&mut self, text: &Text) -> bool {
        let path = text.get_ref();
        if path.trim().is_empty() || path.contains('\0') {
            self.refuse(text.span(), "this path is empty or holds a NUL", "write a file or a folder");
            return false;
        }
        if let Some((scheme, _)) = path.split_once("://") {
            self.refuse(
                text.span(),
                format!("`{scheme}://` can't be read"),
                "this has to be a path on this machine: copy or mount what it names",
            );
            return false;
        }
        true
    }

    /// A location in an object store, without slashes at its end.
    pub(super) fn object_url(&mut self, text: &Text) -> Option<String> {
        if http_url::holds_credentials(text.get_ref()) {
            self.refuse(
                text.span(),
                "a location in an object store has credentials, or an account, in it",
                "write scheme, bucket and prefix only; credentials come from the environment, see docs/object-stores.md",
            );
            return None;
        }
        self.accept(text.span(), location::check(text.get_ref()))?;
        let url = ObjectUrl::parse(text.get_ref())?;
        Some(if url.key.is_empty() { url.root() } else { format!("{}/{}", url.root(), url.key) })
    }
}

/// Logical columns that a source maps or holds constant.
fn mapped(source: &Source) -> impl Iterator<Item = String> + '_ {
    source.columns.0.iter().chain(&source.constants.0).map(|(name, _)| name.get_ref().clone())
}

/// The texts, each with its place.
pub(super) fn one_or_many(texts: &Spanned<OneOrMany>) -> Vec<Text> {
    match texts.get_ref() {
        OneOrMany::One(text) => vec![Spanned::new(texts.span(), text.clone())],
        OneOrMany::Many(texts) => texts.clone(),
    }
}
