//! `[output]`.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::Resolver;
use crate::config::plan::{CsvStyle, Keep, OutputPlan};
use crate::config::schema::{self, Output, Text};

/// Where results go unless the file says.
const FOLDER: &str = "out";

/// A century.
const MOST_DAYS: u32 = 36_500;

/// More of one window are a mistake.
const MOST_RUNS: usize = 10_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv,
}

impl Resolver<'_, '_, '_> {
    pub(super) fn output(
        &mut self,
        output: &Output,
        option: Option<&Spanned<&Path>>,
        folder: &Path,
    ) -> OutputPlan {
        let written = output.path.as_ref().and_then(|path| match path.get_ref().contains("://") {
            true => self.output_in_store(path),
            false => self.path(path, folder),
        });
        let path: PathBuf = match option {
            Some(option) => self.output_option(option),
            None => written.unwrap_or_else(|| folder.join(FOLDER)),
        };
        let formats = self.formats(output.formats.as_ref());
        let styles = [("excel", CsvStyle::Excel), ("plain", CsvStyle::Plain)];
        let separators = [(",", ','), (";", ';'), ("\t", '\t'), ("|", '|')];
        let marks = [(".", '.'), (",", ',')];
        let csv_separator =
            self.letter(output.csv_separator.as_ref(), "separator", &separators).unwrap_or(',');
        let csv_decimal = self.letter(output.csv_decimal.as_ref(), "decimal mark", &marks).unwrap_or('.');
        if csv_separator == csv_decimal {
            let span =
                output.csv_decimal.as_ref().or(output.csv_separator.as_ref()).map_or(0..0, Spanned::span);
            self.refuse(
                span,
                format!("fields and decimals of CSV would both be marked by `{csv_decimal}`"),
                "write csv_separator = \";\" beside csv_decimal = \",\"",
            );
        }
        OutputPlan {
            path,
            parquet: formats.contains(&Format::Parquet),
            csv: formats.contains(&Format::Csv),
            csv_style: self.choose(output.csv.as_ref(), "style of CSV", &styles).unwrap_or(CsvStyle::Excel),
            csv_separator,
            csv_decimal,
            keep: self.keep(&output.keep),
        }
    }

    /// An option is relative to where it was typed.
    fn output_option(&mut self, option: &Spanned<&Path>) -> PathBuf {
        let path = *option.get_ref();
        let in_store = path.to_str().filter(|text| text.contains("://"));
        in_store
            .and_then(|text| self.output_in_store(&Spanned::new(option.span(), text.to_owned())))
            .unwrap_or_else(|| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()))
    }

    /// A prefix in an object store.
    fn output_in_store(&mut self, text: &Text) -> Option<PathBuf> {
        let prefix = self.object_url(text)?;
        if prefix.contains(['*', '?', '[', '{']) {
            self.refuse(
                text.span(),
                "results can't go to a pattern",
                "write one prefix, such as `s3://bucket/results`",
            );
            return None;
        }
        Some(prefix.into())
    }

    fn keep(&mut self, keep: &schema::Keep) -> Keep {
        let default = Keep::default();
        let days = keep.days.as_ref().and_then(|days| {
            let fits = u32::try_from(*days.get_ref()).ok().filter(|days| *days <= MOST_DAYS);
            if fits.is_none() {
                self.refuse(
                    days.span(),
                    format!("`days` is `{days}`"),
                    format!("write for how many days a replaced run stays, from 0 to {MOST_DAYS}"),
                );
            }
            fits
        });
        let runs = keep.runs.as_ref().and_then(|runs| {
            let fits = usize::try_from(*runs.get_ref()).ok().filter(|runs| (1..=MOST_RUNS).contains(runs));
            if fits.is_none() {
                self.refuse(
                    runs.span(),
                    format!("`runs` is `{runs}`"),
                    format!("write how many runs of a window stay, the visible one among them, from 1 to {MOST_RUNS}"),
                );
            }
            fits
        });
        Keep { days: days.unwrap_or(default.days), runs: runs.unwrap_or(default.runs) }
    }

    fn formats(&mut self, formats: Option<&Spanned<Vec<Text>>>) -> Vec<Format> {
        let Some(formats) = formats else { return vec![Format::Parquet, Format::Csv] };
        if formats.get_ref().is_empty() {
            self.refuse(
                formats.span(),
                "there is no format in the list, so nothing would be written",
                "write formats = [\"parquet\", \"csv\"], or one of the two",
            );
        }
        self.unique(formats.get_ref(), "format");
        let known = [("parquet", Format::Parquet), ("csv", Format::Csv)];
        formats.get_ref().iter().filter_map(|format| self.choose(Some(format), "format", &known)).collect()
    }

    /// One of a few characters.
    fn letter(&mut self, text: Option<&Text>, what: &str, letters: &[(&str, char)]) -> Option<char> {
        let text = text?;
        let found = letters.iter().find(|(name, _)| name == text.get_ref());
        if found.is_none() {
            let names: Vec<String> =
                letters.iter().map(|(name, _)| format!("\"{}\"", name.escape_default())).collect();
            self.refuse(
                text.span(),
                format!("`{text}` is not a {what} of CSV"),
                format!("write one of {}", names.join(", ")),
            );
        }
        found.map(|(_, letter)| *letter)
    }
}
