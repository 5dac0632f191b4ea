//! `[output]`.

use std::path::{Path, PathBuf};

use toml::Spanned;

use super::Resolver;
use crate::config::plan::{CsvStyle, OutputPlan};
use crate::config::schema::{Output, Text};

/// Where results go unless the file says.
const FOLDER: &str = "out";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Format {
    Parquet,
    Csv,
}

impl Resolver<'_, '_, '_> {
    pub(super) fn output(&mut self, output: &Output, option: Option<&Path>, folder: &Path) -> OutputPlan {
        let written = output.path.as_ref().and_then(|path| self.path(path, folder));
        // An option is relative to where it was typed.
        let path: PathBuf = match option {
            Some(option) => std::path::absolute(option).unwrap_or_else(|_| option.to_owned()),
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
        }
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
