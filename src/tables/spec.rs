//! What a result table promises: its grain, its columns and their order.

use std::fmt;

use serde::Serialize;

/// A result table of this release.
#[derive(Debug, Clone, Copy)]
pub struct TableSpec {
    /// Name of the table and of its files.
    pub name: &'static str,
    /// One sentence: what a row is.
    pub grain: &'static str,
    /// What the table is for.
    pub description: &'static str,
    /// Columns that together tell two rows apart.
    pub keys: &'static [&'static str],
    /// In the order of the files, without the window that every table ends with.
    pub columns: &'static [ColumnSpec],
    /// How the rows follow each other.
    pub order: RowOrder,
}

/// How the rows of a table follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowOrder {
    /// Ascending by the key columns, text by its bytes, nulls first: put in place by `conform`.
    ByKeys,
    /// As the analysis gives them; `conform` checks that rows with equal leading keys stand together.
    Given {
        /// How many of the key columns group the rows.
        grouped_by: usize,
        /// What a reader can rely on.
        description: &'static str,
    },
}

/// One column of a result table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnSpec {
    /// Name of the column.
    pub name: &'static str,
    /// Type in Parquet.
    pub kind: ColumnType,
    /// What one of it is.
    pub unit: Unit,
    /// What a null means; `None`: there are no nulls.
    pub null: Option<&'static str>,
    /// For a bound: how it was found.
    pub interval: Interval,
    /// What it holds.
    pub description: &'static str,
}

/// The types that every reader takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum ColumnType {
    /// Text.
    Utf8,
    /// 64-bit integer.
    Int64,
    /// 64-bit float, never NaN or infinite.
    Float64,
    /// True or false.
    Boolean,
    /// A calendar day.
    Date32,
    /// Microseconds since the epoch, UTC.
    TimestampUs,
}

impl ColumnType {
    /// Name in the data dictionary.
    pub fn as_str(self) -> &'static str {
        match self {
            ColumnType::Utf8 => "Utf8",
            ColumnType::Int64 => "Int64",
            ColumnType::Float64 => "Float64",
            ColumnType::Boolean => "Boolean",
            ColumnType::Date32 => "Date32",
            ColumnType::TimestampUs => "TimestampUs",
        }
    }
}

/// What one of a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A name, a flag or a free text.
    None,
    /// A share or a rate, 0 to 1 unless it is a difference or a lift.
    Fraction,
    /// Units of `job.currency`.
    Currency,
    /// `job.currency` per `job.currency`.
    CurrencyRatio,
    /// Hours.
    Hours,
    /// Things counted.
    Count,
    /// Conversions, also parts of one.
    Conversions,
    /// The unit of the metric that the row is about.
    Metric,
    /// The unit of the ledger that the row is about.
    Ledger,
    /// The unit of the check that the row is about.
    Check,
}

impl Unit {
    /// Name in the data dictionary.
    pub fn as_str(self) -> &'static str {
        match self {
            Unit::None => "none",
            Unit::Fraction => "fraction",
            Unit::Currency => "currency",
            Unit::CurrencyRatio => "currency per currency",
            Unit::Hours => "hours",
            Unit::Count => "count",
            Unit::Conversions => "conversions",
            Unit::Metric => "unit of the metric",
            Unit::Ledger => "unit of the ledger",
            Unit::Check => "unit of the check",
        }
    }
}

/// How a bound was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Not a bound.
    None,
    /// Wilson (1927), for a rate over customers.
    Wilson,
    /// Newcombe's (1998) hybrid score interval, for a difference of rates.
    Newcombe,
    /// Welch and Satterthwaite, for a difference of means.
    Welch,
    /// Delta method on the ratio of two means.
    Delta,
    /// Asymptotic confidence sequence, for a difference that is looked at again and again.
    ConfidenceSequence,
    /// Student's t, for a mean.
    Student,
    /// Binomial order statistics, for a quantile over customers.
    OrderStatistic,
    /// Bucket jackknife on the figure itself.
    JackknifeIdentity,
    /// Bucket jackknife on the logarithm.
    JackknifeLog,
    /// Bucket jackknife on the log-odds.
    JackknifeLogit,
    /// Woodruff (1952), for a quantile over rows of which a customer has several.
    Woodruff,
}

impl Interval {
    /// Name in the data dictionary.
    pub fn as_str(self) -> &'static str {
        match self {
            Interval::None => "none",
            Interval::Wilson => "wilson",
            Interval::Newcombe => "newcombe",
            Interval::Welch => "welch",
            Interval::Delta => "delta",
            Interval::ConfidenceSequence => "confidence sequence",
            Interval::Student => "student",
            Interval::OrderStatistic => "order statistic",
            Interval::JackknifeIdentity => "jackknife (identity)",
            Interval::JackknifeLog => "jackknife (log)",
            Interval::JackknifeLogit => "jackknife (logit)",
            Interval::Woodruff => "woodruff",
        }
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.as_str())
    }
}

impl ColumnSpec {
    const fn new(name: &'static str, kind: ColumnType, unit: Unit, description: &'static str) -> Self {
        ColumnSpec { name, kind, unit, null: None, interval: Interval::None, description }
    }

    /// A text column without nulls.
    pub(super) const fn text(name: &'static str, description: &'static str) -> Self {
        Self::new(name, ColumnType::Utf8, Unit::None, description)
    }

    /// A flag without nulls.
    pub(super) const fn flag(name: &'static str, description: &'static str) -> Self {
        Self::new(name, ColumnType::Boolean, Unit::None, description)
    }

    /// A whole number without nulls.
    pub(super) const fn count(name: &'static str, description: &'static str) -> Self {
        Self::new(name, ColumnType::Int64, Unit::Count, description)
    }

    /// A position or another whole number that counts nothing.
    pub(super) const fn index(name: &'static str, description: &'static str) -> Self {
        Self::new(name, ColumnType::Int64, Unit::None, description)
    }

    /// A figure without nulls.
    pub(super) const fn figure(name: &'static str, unit: Unit, description: &'static str) -> Self {
        Self::new(name, ColumnType::Float64, unit, description)
    }

    /// A calendar day without nulls.
    pub(super) const fn date(name: &'static str, description: &'static str) -> Self {
        Self::new(name, ColumnType::Date32, Unit::None, description)
    }

    /// An instant without nulls.
    pub(super) const fn instant(name: &'static str, description: &'static str) -> Self {
        Self::new(name, ColumnType::TimestampUs, Unit::None, description)
    }

    /// A bound of the interval of the figure before it; null where the interval is withheld.
    pub(super) const fn bound(
        name: &'static str,
        unit: Unit,
        interval: Interval,
        description: &'static str,
    ) -> Self {
        ColumnSpec {
            name,
            kind: ColumnType::Float64,
            unit,
            null: Some("the interval is withheld or not defined"),
            interval,
            description,
        }
    }

    /// The same column with nulls that mean this.
    pub(super) const fn or_null(self, meaning: &'static str) -> Self {
        ColumnSpec { null: Some(meaning), ..self }
    }
}

/// The window that every table ends with.
pub(super) const WINDOW_COLUMNS: [ColumnSpec; 2] = [
    ColumnSpec::instant("window_from", "First instant of the reporting window, UTC."),
    ColumnSpec::instant("window_to", "First instant after the reporting window, UTC."),
];

/// The column that says why a figure of the row is null.
pub(super) const NOTE: ColumnSpec =
    ColumnSpec::text("note", "Why a figure of this row is null or to be read with care.")
        .or_null("nothing to say");
