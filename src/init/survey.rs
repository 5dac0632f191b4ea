//! What lies in a folder of exports: each file with its columns, and those that can't be read.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use arrow::array::AsArray;
use arrow::datatypes::DataType;

use crate::config::plan::{Freshness, SourcePlan};
use crate::engine::Budget;
use crate::input::footer::{Footer, read_footer};
use crate::input::{InputError, InputFile, csv, discover};

/// So much of a CSV file says what its columns are.
const HEAD_BYTES: u64 = 256 << 10;

/// What a column holds, as far as its type says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Integer,
    /// A float or a decimal.
    Number,
    /// True or false.
    Flag,
    /// A point in time.
    Instant,
    /// A date with a time of day, and no zone.
    LocalTime,
    /// A calendar day.
    Date,
    /// Anything else: lists, structs, binary, nothing but nulls.
    Other,
}

impl Kind {
    /// In words, for messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Text => "text",
            Kind::Integer => "integer",
            Kind::Number => "number",
            Kind::Flag => "boolean",
            Kind::Instant => "timestamp",
            Kind::LocalTime => "timestamp without zone",
            Kind::Date => "date",
            Kind::Other => "other",
        }
    }

    fn of(found: &DataType) -> Self {
        match found {
            DataType::Dictionary(_, values) => Self::of(values),
            DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => Kind::Text,
            DataType::Boolean => Kind::Flag,
            DataType::Timestamp(_, Some(_)) => Kind::Instant,
            DataType::Timestamp(_, None) => Kind::LocalTime,
            DataType::Date32 | DataType::Date64 => Kind::Date,
            DataType::Decimal32(_, 0) | DataType::Decimal64(_, 0) | DataType::Decimal128(_, 0) => {
                Kind::Integer
            }
            DataType::Decimal32(..) | DataType::Decimal64(..) | DataType::Decimal128(..) => Kind::Number,
            found if found.is_integer() => Kind::Integer,
            found if found.is_floating() => Kind::Number,
            _ => Kind::Other,
        }
    }
}

/// A column of an export.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// As the file calls it.
    pub name: String,
    /// What it holds.
    pub kind: Kind,
}

/// A file that can be read.
#[derive(Debug, Clone)]
pub struct Export {
    /// Where it lies.
    pub file: InputFile,
    /// None: it is CSV.
    pub footer: Option<Footer>,
    /// In the order of the file.
    pub columns: Vec<Column>,
    /// Rows; None where only the beginning of a CSV file was looked at.
    pub rows: Option<u64>,
}

/// A file that can't be read.
#[derive(Debug)]
pub struct Unreadable {
    /// Where it lies.
    pub path: PathBuf,
    /// Why.
    pub error: InputError,
}

/// Everything below the paths that were named.
#[derive(Debug, Default)]
pub struct Survey {
    /// By path.
    pub exports: Vec<Export>,
    /// By path.
    pub unreadable: Vec<Unreadable>,
}

impl Survey {
    /// Looks at every Parquet and CSV file below some files, folders and patterns, all of them absolute.
    ///
    /// # Errors
    ///
    /// Nothing lies at a path, or a folder can't be listed. A file that can't be read is no error.
    pub fn of(paths: &[PathBuf]) -> Result<Self, InputError> {
        let mut files = Vec::new();
        for path in paths {
            files.extend(discover(&source("init", vec![path.to_string_lossy().into_owned()]))?);
        }
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files.dedup_by(|one, other| one.path == other.path);
        let mut survey = Survey::default();
        for file in files {
            let path = file.path.clone();
            match look_at(file) {
                Ok(export) => survey.exports.push(export),
                Err(error) => survey.unreadable.push(Unreadable { path, error }),
            }
        }
        Ok(survey)
    }

    /// Every file that a pattern could find, readable or not.
    pub fn all_paths(&self) -> impl Iterator<Item = &Path> {
        let readable = self.exports.iter().map(|export| export.file.path.as_path());
        readable.chain(self.unreadable.iter().map(|file| file.path.as_path()))
    }
}

/// A source of some paths, without any mapping.
pub(super) fn source(key: &str, paths: Vec<String>) -> SourcePlan {
    SourcePlan {
        key: key.to_owned(),
        paths,
        columns: Default::default(),
        constants: Default::default(),
        timezone: None,
        freshness: Freshness::default(),
        exclude: Vec::new(),
    }
}

fn look_at(file: InputFile) -> Result<Export, InputError> {
    let is_csv = file.path.extension().is_some_and(|suffix| suffix.eq_ignore_ascii_case("csv"));
    let mut export = if is_csv { look_at_csv(file)? } else { look_at_parquet(file)? };
    for (name, _) in &export.file.hive {
        if export.columns.iter().all(|column| column.name != *name) {
            export.columns.push(Column { name: name.clone(), kind: Kind::Text });
        }
    }
    Ok(export)
}

fn look_at_parquet(file: InputFile) -> Result<Export, InputError> {
    let limits = Budget::of_process(None, 0, std::env::temp_dir()).limits();
    let footer = read_footer(file.clone(), &limits)?;
    let fields = footer.schema().fields().iter();
    let columns = fields
        .map(|field| Column { name: field.name().clone(), kind: Kind::of(field.data_type()) })
        .collect();
    Ok(Export { file, columns, rows: Some(footer.group_rows().sum()), footer: Some(footer) })
}

fn look_at_csv(file: InputFile) -> Result<Export, InputError> {
    let mut head = Vec::new();
    File::open(&file.path)
        .and_then(|handle| handle.take(HEAD_BYTES).read_to_end(&mut head))
        .map_err(|source| InputError::Io { action: "read", path: file.path.clone(), source })?;
    let is_whole = file.identity.size <= head.len() as u64;
    // What was cut off in the middle of a line says nothing.
    if !is_whole && let Some(end) = head.iter().rposition(|byte| *byte == b'\n') {
        head.truncate(end + 1);
    }
    let batch = csv::parse(&file, &head)?;
    let schema = batch.schema();
    let columns = schema.fields().iter().zip(batch.columns()).map(|(field, column)| Column {
        name: field.name().clone(),
        kind: kind_of_texts(column.as_string::<i32>().iter().flatten()),
    });
    let rows = is_whole.then_some(batch.num_rows() as u64);
    Ok(Export { columns: columns.collect(), rows, footer: None, file })
}

/// What all texts of a CSV column can be read as.
fn kind_of_texts<'t>(texts: impl Iterator<Item = &'t str> + Clone) -> Kind {
    let all = |fits: fn(&str) -> bool| texts.clone().next().is_some() && texts.clone().all(fits);
    if all(|text| text.parse::<i64>().is_ok()) {
        Kind::Integer
    } else if all(|text| text.parse::<f64>().is_ok_and(f64::is_finite)) {
        Kind::Number
    } else if all(|text| text.len() == 10 && text.parse::<jiff::civil::Date>().is_ok()) {
        Kind::Date
    } else if all(|text| text.parse::<jiff::Timestamp>().is_ok()) {
        Kind::Instant
    } else if all(|text| text.parse::<jiff::civil::DateTime>().is_ok()) {
        Kind::LocalTime
    } else {
        Kind::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_a_csv_column_say_what_it_holds() {
        for (texts, kind) in [
            (&["1", "-20"] as &[&str], Kind::Integer),
            (&["1", "2.5"], Kind::Number),
            (&["2026-04-01", "2026-04-02"], Kind::Date),
            (&["2026-04-01T06:00:00Z"], Kind::Instant),
            (&["2026-04-01 06:00:00"], Kind::LocalTime),
            (&["2026-04-01", "yesterday"], Kind::Text),
            (&["nan"], Kind::Text),
            (&[], Kind::Text),
        ] {
            assert_eq!(kind_of_texts(texts.iter().copied()), kind, "{texts:?}");
        }
    }
}
