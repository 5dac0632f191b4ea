//! CSV files, by hand: what null, empty text and a number look like is a promise.

use jiff::civil::Date;
use jiff::{Span, Timestamp};
use polars::prelude::DataFrame;

use super::error::PublishError;
use crate::config::plan::{CsvStyle, OutputPlan};
use crate::tables::{Cell, Cells, TableDocs, TableError};

/// UTF-8's byte-order mark, by which Excel knows UTF-8.
pub(super) const MARK: &str = "\u{feff}";

/// How a CSV file is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CsvFormat {
    /// For Excel or by RFC 4180.
    pub style: CsvStyle,
    /// Between fields.
    pub separator: char,
    /// Between whole and fraction.
    pub decimal: char,
}

impl CsvFormat {
    /// The format of the plan, if it can be read back.
    ///
    /// # Errors
    ///
    /// A separator that is no single byte of punctuation or that stands in numbers, or an odd decimal mark.
    pub fn new(output: &OutputPlan) -> Result<Self, PublishError> {
        let (separator, decimal) = (output.csv_separator, output.csv_decimal);
        let plain = separator == '\t' || (separator.is_ascii_punctuation() && !"\"-+.:".contains(separator));
        if !plain || !matches!(decimal, '.' | ',') {
            return Err(PublishError::CsvFormat { separator, decimal });
        }
        Ok(CsvFormat { style: output.csv_style, separator, decimal })
    }

    fn line_end(self) -> &'static str {
        match self.style {
            CsvStyle::Excel => "\r\n",
            CsvStyle::Plain => "\n",
        }
    }

    /// Whether a text would be taken for a formula.
    fn must_guard(self, text: &str) -> bool {
        self.style == CsvStyle::Excel && text.starts_with(['=', '+', '-', '@', '\t', '\r', '\0'])
    }

    /// A text as a spreadsheet may see it: one that starts like a formula gets a leading `'`.
    pub(super) fn guarded(self, text: &str) -> String {
        if self.must_guard(text) { format!("'{text}") } else { text.to_owned() }
    }

    fn must_quote(self, text: &str) -> bool {
        let special = |character: char| {
            // Spreadsheets of another locale split at other separators than ours.
            matches!(character, '"' | '\r' | '\n')
                || character == self.separator
                || (self.style == CsvStyle::Excel && matches!(character, ',' | ';' | '\t'))
        };
        text.is_empty() || text.starts_with(MARK) || text.contains(special)
    }

    fn push_text(self, out: &mut String, text: &str) {
        let text = self.guarded(text);
        if self.must_quote(&text) {
            out.push('"');
            out.push_str(&text.replace('"', "\"\""));
            out.push('"');
        } else {
            out.push_str(&text);
        }
    }

    fn push_number(self, out: &mut String, value: f64) {
        // Display is the shortest decimal that reads back as the same float, and never has an exponent.
        let text = value.to_string();
        match self.decimal {
            '.' => out.push_str(&text),
            decimal if decimal == self.separator && text.contains('.') => {
                out.push('"');
                out.push_str(&text.replace('.', decimal.encode_utf8(&mut [0; 4])));
                out.push('"');
            }
            decimal => out.push_str(&text.replace('.', decimal.encode_utf8(&mut [0; 4]))),
        }
    }
}

/// The bytes of the table's CSV file.
///
/// Null is an empty field and empty text `""`; numbers are the shortest decimals that read back as the
/// same float, without exponent; instants are UTC, as RFC 3339.
///
/// # Errors
///
/// A float that is not finite, an instant that no calendar has, a column of another type than documented.
pub fn encode(docs: &TableDocs, frame: &DataFrame, format: CsvFormat) -> Result<Vec<u8>, PublishError> {
    let failed = |source| TableError::Frame { table: docs.name.clone(), source };
    let mut columns = Vec::with_capacity(docs.columns.len());
    for column in &docs.columns {
        let cells = frame.column(&column.name).and_then(|found| Cells::new(found, column.kind));
        columns.push(cells.map_err(failed)?);
    }
    let mut out = String::new();
    if format.style == CsvStyle::Excel {
        out.push_str(MARK);
    }
    for (at, column) in docs.columns.iter().enumerate() {
        if at > 0 {
            out.push(format.separator);
        }
        format.push_text(&mut out, &column.name);
    }
    out.push_str(format.line_end());
    for row in 0..frame.height() {
        for (at, (cells, column)) in columns.iter().zip(&docs.columns).enumerate() {
            if at > 0 {
                out.push(format.separator);
            }
            let calendar = |value| PublishError::Calendar {
                value,
                place: format!("{}.{}, row {}", docs.name, column.name, row + 1),
            };
            match cells.get(row) {
                Cell::Null => {}
                Cell::Text(text) => format.push_text(&mut out, text),
                Cell::Int(value) => out.push_str(&value.to_string()),
                Cell::Float(value) if value.is_finite() => format.push_number(&mut out, value),
                Cell::Float(value) => {
                    return Err(PublishError::Table(TableError::NotFinite {
                        table: docs.name.clone(),
                        column: column.name.clone(),
                        value,
                        row: (row + 1).to_string(),
                    }));
                }
                Cell::Bool(value) => out.push_str(if value { "true" } else { "false" }),
                Cell::Date(days) => {
                    let date = Span::new()
                        .try_days(days)
                        .and_then(|span| Date::constant(1970, 1, 1).checked_add(span));
                    out.push_str(&date.map_err(|_| calendar(days.into()))?.to_string());
                }
                Cell::Instant(us) => {
                    let instant = Timestamp::from_microsecond(us).map_err(|_| calendar(us))?;
                    out.push_str(&instant.to_string());
                }
            }
        }
        out.push_str(format.line_end());
    }
    Ok(out.into_bytes())
}

#[cfg(test)]
mod tests {
    use polars::prelude::*;

    use super::*;
    use crate::tables::{ColumnDocs, ColumnType};

    const EXCEL: CsvFormat = CsvFormat { style: CsvStyle::Excel, separator: ',', decimal: '.' };
    const PLAIN: CsvFormat = CsvFormat { style: CsvStyle::Plain, separator: ',', decimal: '.' };

    fn docs(columns: &[(&str, ColumnType)]) -> TableDocs {
        let column = |&(name, kind): &(&str, ColumnType)| ColumnDocs {
            name: name.to_owned(),
            kind,
            unit: "none".to_owned(),
            null: None,
            interval: "none".to_owned(),
            description: String::new(),
        };
        TableDocs {
            name: "t".to_owned(),
            grain: String::new(),
            description: String::new(),
            keys: Vec::new(),
            order: String::new(),
            columns: columns.iter().map(column).collect(),
        }
    }

    fn texts(cells: &[Option<&str>], format: CsvFormat) -> String {
        let frame = df!("text" => cells, "end" => vec![1_i64; cells.len()]).unwrap();
        let docs = docs(&[("text", ColumnType::Utf8), ("end", ColumnType::Int64)]);
        String::from_utf8(encode(&docs, &frame, format).unwrap()).unwrap()
    }

    fn number(value: f64, format: CsvFormat) -> String {
        let frame = df!("x" => [value]).unwrap();
        let bytes = encode(&docs(&[("x", ColumnType::Float64)]), &frame, format).unwrap();
        String::from_utf8(bytes).unwrap().lines().nth(1).unwrap().to_owned()
    }

    #[test]
    fn null_is_nothing_and_empty_text_is_quoted() {
        assert_eq!(texts(&[None, Some("")], PLAIN), "text,end\n,1\n\"\",1\n");
    }

    #[test]
    fn what_would_break_a_line_is_quoted() {
        let cells =
            [Some("a,b"), Some("say \"hi\""), Some("two\nlines"), Some("cr\r"), Some("ünï"), Some(" a ")];
        assert_eq!(
            texts(&cells, PLAIN),
            "text,end\n\"a,b\",1\n\"say \"\"hi\"\"\",1\n\"two\nlines\",1\n\"cr\r\",1\nünï,1\n a ,1\n"
        );
    }

    #[test]
    fn excel_gets_a_mark_crlf_and_no_formulas() {
        let cells = ["=1+1", "+1", "-1", "@x", "\tx", "\rx", "\0x", "a=1", "'=1", "a;b"].map(Some);
        assert_eq!(
            texts(&cells, EXCEL),
            "\u{feff}text,end\r\n'=1+1,1\r\n'+1,1\r\n'-1,1\r\n'@x,1\r\n\"'\tx\",1\r\n\"'\rx\",1\r\n'\0x,1\r\n\
             a=1,1\r\n'=1,1\r\n\"a;b\",1\r\n"
        );
        assert_eq!(texts(&[Some("=1+1")], PLAIN), "text,end\n=1+1,1\n");
    }

    #[test]
    fn headers_are_texts_and_numbers_are_never_guarded() {
        let frame = df!("=x" => [-1.5], "-y" => [-2_i64]).unwrap();
        let docs = docs(&[("=x", ColumnType::Float64), ("-y", ColumnType::Int64)]);
        let bytes = encode(&docs, &frame, EXCEL).unwrap();
        assert_eq!(String::from_utf8(bytes).unwrap(), "\u{feff}'=x,'-y\r\n-1.5,-2\r\n");
    }

    #[test]
    fn numbers_are_short_and_have_no_exponent() {
        for (value, text) in [
            (0.1 + 0.2, "0.30000000000000004"),
            (1.0, "1"),
            (1e21, "1000000000000000000000"),
            (1e-7, "0.0000001"),
            (-2.5, "-2.5"),
            (1.0 / 3.0, "0.3333333333333333"),
        ] {
            assert_eq!(number(value, PLAIN), text);
        }
        let comma = CsvFormat { style: CsvStyle::Excel, separator: ';', decimal: ',' };
        assert_eq!(number(-2.5, comma), "-2,5");
        assert_eq!(number(2.5, CsvFormat { separator: ',', ..comma }), "\"2,5\"");
    }

    #[test]
    fn what_is_not_finite_is_refused() {
        for value in [f64::NAN, f64::INFINITY] {
            let frame = df!("x" => [value]).unwrap();
            let error = encode(&docs(&[("x", ColumnType::Float64)]), &frame, PLAIN).unwrap_err();
            assert!(matches!(error, PublishError::Table(TableError::NotFinite { .. })));
        }
    }

    #[test]
    fn instants_are_utc_and_days_iso() {
        let instants = Int64Chunked::from_slice("at".into(), &[1_775_001_600_000_000, -1])
            .into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC));
        let days = Int32Chunked::from_slice("day".into(), &[0, -1]).into_date();
        let frame = DataFrame::new(2, vec![instants.into_column(), days.into_column()]).unwrap();
        let docs = docs(&[("at", ColumnType::TimestampUs), ("day", ColumnType::Date32)]);
        assert_eq!(
            String::from_utf8(encode(&docs, &frame, PLAIN).unwrap()).unwrap(),
            "at,day\n2026-04-01T00:00:00Z,1970-01-01\n1969-12-31T23:59:59.999999Z,1969-12-31\n"
        );
    }

    #[test]
    fn a_separator_that_cannot_be_read_back_is_refused() {
        let output = |csv_separator, csv_decimal| OutputPlan {
            path: "/out".into(),
            parquet: true,
            csv: true,
            csv_style: CsvStyle::Plain,
            csv_separator,
            csv_decimal,
            keep: Default::default(),
        };
        for (separator, decimal) in [('"', '.'), ('\n', '.'), ('1', '.'), ('é', '.'), ('-', '.'), (';', '_')]
        {
            assert!(CsvFormat::new(&output(separator, decimal)).is_err(), "{separator:?} {decimal:?}");
        }
        for separator in [',', ';', '\t', '|'] {
            assert!(CsvFormat::new(&output(separator, ',')).is_ok(), "{separator:?}");
        }
    }
}
