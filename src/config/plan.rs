//! The plan: what a run will do, as plain data.
//!
//! Everything downstream of the configuration sees only this. It is serialized into the run id, so a
//! field that cannot change a published byte (a path, a thread count) is skipped.

mod attribution;
mod channels;
mod contract;
mod experiments;
mod matcher;
mod segments;

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

use super::places::Places;

pub use attribution::{AfterConversion, AttributionPlan, Levels, Model, PathTransform, ShapleyValue};
pub use channels::{ChannelPlan, ChannelPreset, ChannelRule, SourceCategory};
pub use contract::{ContractPlan, Dedupe, Freshness, Integrity, OnAnomaly, OnCorrupt, UnknownColumns};
pub use experiments::{
    Cap, Correction, ExperimentPlan, LiftPrior, MetricKind, MetricOf, MetricPlan, NUMBER_PER_UNIT, Quantity,
};
pub use matcher::{FieldMatch, Matcher, wildcard_match};
pub use segments::{Behaviour, BehaviourRule, Population, SegmentPlan};

/// Microseconds in a day of 24 hours.
pub const DAY_US: i64 = 86_400_000_000;

/// Everything a run needs to know.
#[derive(Debug, Clone, Serialize)]
pub struct Plan {
    /// Name, zone and currency.
    pub job: JobPlan,
    /// The reporting window and what is read before it.
    pub window: WindowPlan,
    /// Touchpoint sources, in the order of the file.
    pub touchpoints: Vec<SourcePlan>,
    /// Cost by day and channel.
    pub spend: Option<SourcePlan>,
    /// Attributes of customers.
    pub customers: Option<SourcePlan>,
    /// Which customer saw which variant.
    pub assignments: Option<SourcePlan>,
    /// What a unit of other currencies is worth, by day.
    pub rates: Option<SourcePlan>,
    /// Ids that are dropped before anything is counted.
    pub suppress: Option<SourcePlan>,
    /// What the data must satisfy.
    pub contract: ContractPlan,
    /// Events in the order they take at the same instant; those not listed come last.
    pub event_order: Vec<String>,
    /// Events that take value back, exact or with `*`; linked to their order by `order_id`.
    pub refunds: Vec<String>,
    /// What channels are.
    pub channels: ChannelPlan,
    /// The stage model.
    pub stages: StagePlan,
    /// Conversions, in the order of the file.
    pub conversions: Vec<ConversionPlan>,
    /// How credit is given.
    pub attribution: AttributionPlan,
    /// Which segments are compared.
    pub segments: SegmentPlan,
    /// Return on spend.
    pub roi: RoiPlan,
    /// Metrics of experiments, in the order of the file.
    pub metrics: Vec<MetricPlan>,
    /// Numeric touchpoint columns that metrics sum: [`MetricOf::Number`] is an index into them.
    pub numbers: Vec<String>,
    /// Experiments, in the order of the file.
    pub experiments: Vec<ExperimentPlan>,
    /// What holds for experiments of the assignment log that the file doesn't name: without weights, which are
    /// equal over the variants found, and with an empty control unless the file names one. None: they are only
    /// counted.
    pub experiment_defaults: Option<ExperimentPlan>,
    /// Folder of `*.sql` files, absolute. None: the queries that ship with the binary.
    #[serde(skip)]
    pub queries: Option<PathBuf>,
    /// Where and how results are written.
    pub output: OutputPlan,
    /// Where all of this is written down.
    #[serde(skip)]
    pub places: Places,
    /// Where lineage events go; they are beside the results and change none. None: nowhere.
    #[serde(skip)]
    pub lineage: Option<LineagePlan>,
    /// The configuration as it was written, options included: TOML by key, for the manifest. What the environment holds and
    /// ids of customers are not in it.
    #[serde(skip)]
    pub written: BTreeMap<String, String>,
}

/// Name, zone and currency of the job.
#[derive(Debug, Clone, Serialize)]
pub struct JobPlan {
    /// Shown in the summary and the manifest.
    pub name: String,
    /// IANA name: the day boundary of every table.
    pub timezone: Zone,
    /// Reporting currency.
    pub currency: Currency,
}

/// A time zone with the name it was configured by; serialized as that name.
#[derive(Debug, Clone)]
pub struct Zone {
    /// IANA name.
    pub name: String,
    /// The rules behind the name.
    pub zone: jiff::tz::TimeZone,
}

impl Serialize for Zone {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.name)
    }
}

/// An ISO 4217 currency.
#[derive(Debug, Clone, Serialize)]
pub struct Currency {
    /// Three letters.
    pub code: String,
    /// Decimal digits of the minor unit: 2 for EUR, 0 for JPY, 3 for KWD.
    pub minor_digits: u32,
}

impl Currency {
    /// Minor units in one unit: 100 for EUR.
    pub fn minor_per_unit(&self) -> i64 {
        10_i64.pow(self.minor_digits)
    }
}

/// The half-open reporting window `[from, to)` and its context.
#[derive(Debug, Clone, Serialize)]
pub struct WindowPlan {
    /// First instant, in µs since the epoch. None: the start of the local day of the earliest row.
    pub from_us: Option<i64>,
    /// First instant that is not part of the window, in µs. None: the end of the local day of the latest row.
    pub to_us: Option<i64>,
    /// How far a conversion looks back.
    pub lookback_us: i64,
    /// How far before `from` rows are read: at least lookback, stage window and metric windows, and the window
    /// before with its own lookback where it is compared.
    pub history_us: i64,
    /// First instant of the window before, which ends where the window begins, in µs. None: it is not compared.
    pub previous_from_us: Option<i64>,
}

/// One input and how its columns are named.
#[derive(Debug, Clone, Serialize)]
pub struct SourcePlan {
    /// Key in the configuration, for messages: `inputs.touchpoints` or `inputs.touchpoints[1]`.
    #[serde(skip)]
    pub key: String,
    /// Absolute files, folders or globs.
    #[serde(skip)]
    pub paths: Vec<String>,
    /// Logical to physical column name; a logical column that is missing here is found by its own name.
    pub columns: BTreeMap<String, String>,
    /// Logical column to the one value it has in this source.
    pub constants: BTreeMap<String, String>,
    /// Zone of naive timestamps and plain dates.
    pub timezone: Option<Zone>,
    /// How old the newest row may be at the end of the window; None: any age.
    pub freshness: Freshness,
    /// Rows that are dropped and counted.
    pub exclude: Vec<Matcher>,
}

impl SourcePlan {
    /// The physical name under which a logical column is looked for.
    pub fn physical<'a>(&'a self, logical: &'a str) -> &'a str {
        self.columns.get(logical).map_or(logical, String::as_str)
    }
}

/// The stage model.
#[derive(Debug, Clone, Serialize)]
pub struct StagePlan {
    /// Stages in order, at most 63; may be empty.
    pub stages: Vec<Stage>,
    /// How a customer enters a stage.
    pub mode: StageMode,
    /// From the entry into the first stage; None: no limit.
    pub window_us: Option<i64>,
}

/// A stage and the rows that belong to it.
#[derive(Debug, Clone, Serialize)]
pub struct Stage {
    /// Unique.
    pub name: String,
    /// Any matcher suffices.
    pub rules: Vec<Matcher>,
}

/// How a customer enters a stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum StageMode {
    /// Only after the stage before it.
    Ordered,
    /// At the first row that matches it.
    Any,
}

/// A conversion: the rows that count as it and what each is worth.
#[derive(Debug, Clone, Serialize)]
pub struct ConversionPlan {
    /// Unique.
    pub name: String,
    /// Which rows convert.
    pub matcher: Matcher,
    /// Worth of one.
    pub value: ConversionValue,
    /// What rows of a customer with the same order id are. None: each is a conversion of its own.
    pub orders: Option<Orders>,
}

/// What several rows of a conversion are that name the same order of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Orders {
    /// Repetitions of the first, as a pixel that fires again sends them: they are left out and counted.
    First,
    /// Items of one conversion at the instant of the first, which is worth their sum.
    Sum,
}

/// Worth of a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ConversionValue {
    /// The row's `value`; a null counts as zero.
    Column,
    /// The same for every conversion, in minor units.
    FixedMinor(i64),
    /// None: value columns are null.
    Absent,
}

/// Return on spend.
#[derive(Debug, Clone, Serialize)]
pub struct RoiPlan {
    /// Share of value that is left after cost of goods; 1 by default.
    pub margin: f64,
    /// Rows over which spend may be summed: index of the conversion and model. None: no conversion or model.
    pub primary: Option<(usize, Model)>,
}

/// Where and how results are written.
#[derive(Debug, Clone, Serialize)]
pub struct OutputPlan {
    /// Absolute.
    #[serde(skip)]
    pub path: PathBuf,
    /// Whether Parquet files are written.
    pub parquet: bool,
    /// Whether CSV files are written.
    pub csv: bool,
    /// How CSV files are written.
    pub csv_style: CsvStyle,
    /// Field separator of CSV files.
    pub csv_separator: char,
    /// Decimal mark of CSV files.
    pub csv_decimal: char,
    /// Which runs stay. No part of the run id: it changes no published byte.
    #[serde(skip)]
    pub keep: Keep,
}

/// Which runs stay although no pointer names them: those that are young, and the newest of each window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Keep {
    /// Days since the last pointer left a run.
    pub days: u32,
    /// Runs of a window, those that a pointer names among them; at least 1.
    pub runs: usize,
}

impl Default for Keep {
    fn default() -> Self {
        Keep { days: 7, runs: 3 }
    }
}

/// Where lineage events go, and what they say of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineagePlan {
    /// File that events are appended to, absolute; None: they are only sent.
    pub path: Option<PathBuf>,
    /// The catalogue that they are sent to; None: they are only written.
    pub catalogue: Option<CataloguePlan>,
    /// Namespace of the job.
    pub namespace: String,
    /// The run that started this one, such as a task of a scheduler.
    pub parent: Option<ParentRun>,
}

/// A catalogue that takes lineage events over HTTP.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CataloguePlan {
    /// Where an event is posted, whole and without credentials.
    pub url: String,
    /// How long a run may be held up by one event, µs.
    pub timeout_us: i64,
}

/// A run of another system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParentRun {
    /// Namespace of its job.
    pub namespace: String,
    /// Name of its job.
    pub job: String,
    /// Its run.
    pub run: uuid::Uuid,
}

/// How CSV files are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum CsvStyle {
    /// Byte-order mark, CRLF, formula cells escaped.
    Excel,
    /// RFC 4180, UTF-8 without mark, LF.
    Plain,
}
