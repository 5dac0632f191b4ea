//! The plan: what a run will do, as plain data.
//!
//! Everything downstream of the configuration sees only this. It is serialized into the run id, so a
//! field that cannot change a published byte (a path, a thread count) is skipped.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Serialize;

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
    /// Where lineage events are written; they are beside the results and change none. None: nowhere.
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

/// All fields must match; within a field any pattern suffices. A null never matches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Matcher {
    /// At least one.
    pub fields: Vec<FieldMatch>,
}

/// One logical text column against a list of patterns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldMatch {
    /// Logical column.
    pub column: String,
    /// Exact text, or text with `*` for any run of characters.
    pub patterns: Vec<String>,
}

impl Matcher {
    /// Whether the row whose columns `value` returns is matched.
    pub fn matches<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> bool {
        self.fields.iter().all(|field| {
            value(&field.column)
                .is_some_and(|text| field.patterns.iter().any(|pattern| wildcard_match(pattern, text)))
        })
    }
}

/// Whether `text` fits `pattern`, in which `*` stands for any run of characters, also none.
pub fn wildcard_match(pattern: &str, text: &str) -> bool {
    let mut pieces = pattern.split('*');
    let first = pieces.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut pieces: Vec<&str> = pieces.collect();
    let Some(last) = pieces.pop() else { return rest.is_empty() };
    for piece in pieces {
        match rest.find(piece) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// What the data must satisfy.
#[derive(Debug, Clone, Serialize)]
pub struct ContractPlan {
    /// Above this share of rejected rows the run stops.
    pub max_rejected_share: f64,
    /// Above this share of duplicates the run stops.
    pub max_duplicate_share: f64,
    /// What makes two rows of a customer the same.
    pub dedupe: Dedupe,
    /// Customers with more rows are taken for bots: excluded and counted.
    pub max_touchpoints_per_customer: u64,
    /// A path keeps its last so many candidates.
    pub max_path_touches: usize,
    /// What checksums of files are looked at.
    pub integrity: Integrity,
    /// What a damaged file of touchpoints means.
    pub on_corrupt: OnCorrupt,
    /// How far the numbers of rows may lie from those of earlier runs.
    pub row_count_anomaly: OnAnomaly,
}

/// How old the newest row of a source may be at the end of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// Older ones are told.
    pub warn_after_us: Option<i64>,
    /// Older ones stop the run.
    pub error_after_us: Option<i64>,
}

/// What checksums of files are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// Those that are there.
    #[default]
    Prefer,
    /// Those that are there, and every file must have one.
    Require,
    /// None.
    Off,
}

/// What a damaged file of touchpoints means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCorrupt {
    /// The run stops.
    #[default]
    Fail,
    /// The run does without it and says that it is incomplete.
    QuarantineFile,
}

/// What it means that the rows are far fewer or more than in earlier runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAnomaly {
    /// The run says so.
    #[default]
    Warn,
    /// The run stops.
    Fail,
    /// Nothing is compared.
    Off,
}

/// What makes two rows of one customer the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dedupe {
    /// The same event id; without a mapped `event_id` nothing is a duplicate.
    EventId,
    /// All mapped columns equal.
    Row,
    /// Nothing is a duplicate.
    Off,
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

/// What channels are.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChannelPlan {
    /// Tried in order, before the preset; the first that matches names the channel.
    pub rules: Vec<ChannelRule>,
    /// What source, medium and campaign mean where no rule matches. None: the column `channel` of the file says it.
    pub preset: Option<ChannelPreset>,
    /// Kinds of site by source in lower case; they go before the list of the preset.
    pub sources: BTreeMap<String, SourceCategory>,
    /// Hosts and patterns in lower case: a referral from one of them is no touch.
    pub unwanted_referrals: Vec<String>,
    /// Channels of customers who came by themselves, exact or with `*`: `last_non_direct` passes over them.
    pub direct: Vec<String>,
}

impl ChannelPlan {
    /// Whether channels come from rules, not only from the file.
    pub fn has_rules(&self) -> bool {
        self.preset.is_some() || !self.rules.is_empty()
    }

    /// Whether the channel of a row may be another than the one in the file.
    pub fn changes_anything(&self) -> bool {
        self.has_rules() || !self.unwanted_referrals.is_empty()
    }

    /// Whether customers of a channel came by themselves.
    pub fn is_direct(&self, channel: &str) -> bool {
        self.direct.iter().any(|pattern| wildcard_match(pattern, channel))
    }
}

/// A rule that names a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelRule {
    /// The channel of what matches.
    pub channel: String,
    /// Never looks at the column `channel`.
    pub matcher: Matcher,
}

/// Rule sets for channels that ship with the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelPreset {
    /// The default channel groups of Google Analytics 4.
    Ga4,
}

/// What kind of site a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceCategory {
    /// A search engine.
    Search,
    /// A social network, forum or messenger.
    Social,
    /// A shop, marketplace or price comparison.
    Shopping,
    /// A place for videos.
    Video,
    /// None of these, though the host above it is one.
    Other,
}

impl SourceCategory {
    /// All of them, by their names in the configuration.
    pub const ALL: [(&'static str, SourceCategory); 5] = [
        ("search", SourceCategory::Search),
        ("social", SourceCategory::Social),
        ("shopping", SourceCategory::Shopping),
        ("video", SourceCategory::Video),
        ("other", SourceCategory::Other),
    ];

    /// The one of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, category)| *category)
    }
}

/// How credit is given.
#[derive(Debug, Clone, Serialize)]
pub struct AttributionPlan {
    /// In the order of the tables.
    pub models: Vec<Model>,
    /// Rows that may earn credit. None: rows with a channel that are no conversion.
    pub touches: Option<Vec<Matcher>>,
    /// What becomes of the touches of a path before they are counted.
    pub path: PathTransform,
    /// Whether `stage_attribution` has rows of channels, of campaigns, or of both.
    pub by: Levels,
    /// How far back a later conversion of the same target looks.
    pub after_conversion: AfterConversion,
    /// Whether journeys without a conversion inform the data-driven models.
    pub null_paths: bool,
    /// Share of the first touch in the position model.
    pub position_first: f64,
    /// Share of the last touch in the position model.
    pub position_last: f64,
    /// Age at which a touch weighs half, in µs.
    pub half_life_us: i64,
    /// How many channels a state of the Markov chain remembers, 1 to 3.
    pub markov_order: u8,
    /// What a set of channels is worth in the Shapley model.
    pub shapley_value: ShapleyValue,
}

/// What a set of channels is worth in the Shapley model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ShapleyValue {
    /// The conversions of the journeys that met nothing else.
    Total,
    /// The conversion rate of those journeys.
    Rate,
}

/// Attribution models.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Model {
    /// All to the first touch.
    FirstTouch,
    /// All to the last touch.
    LastTouch,
    /// All to the last touch whose channel isn't direct; where all are, to the last.
    LastNonDirect,
    /// The same to each touch.
    Linear,
    /// Fixed shares to first and last, the rest between.
    Position,
    /// Halved with every half-life of age.
    TimeDecay,
    /// Removal effects of an absorbing Markov chain.
    Markov,
    /// Shapley values of the channel sets.
    Shapley,
    /// A whole conversion to each distinct channel.
    Participation,
}

impl Model {
    /// All models, in the order of the tables.
    pub const ALL: [Model; 9] = [
        Model::FirstTouch,
        Model::LastTouch,
        Model::LastNonDirect,
        Model::Linear,
        Model::Position,
        Model::TimeDecay,
        Model::Markov,
        Model::Shapley,
        Model::Participation,
    ];

    /// Those of a run that names none: all whose credit adds up.
    pub fn default_models() -> Vec<Model> {
        Self::ALL.into_iter().filter(|model| model.is_additive()).collect()
    }

    /// Whether credit over all channels adds up to the conversions.
    pub fn is_additive(self) -> bool {
        self != Model::Participation
    }

    /// Whether credit comes from counts over all paths, not from the touches of one.
    pub fn is_data_driven(self) -> bool {
        matches!(self, Model::Markov | Model::Shapley)
    }

    /// Whether credit depends on when the touches were, not only on their channels and order.
    pub fn looks_at_times(self) -> bool {
        self == Model::TimeDecay
    }

    /// Name in configuration and tables.
    pub fn as_str(self) -> &'static str {
        match self {
            Model::FirstTouch => "first_touch",
            Model::LastTouch => "last_touch",
            Model::LastNonDirect => "last_non_direct",
            Model::Linear => "linear",
            Model::Position => "position",
            Model::TimeDecay => "time_decay",
            Model::Markov => "markov",
            Model::Shapley => "shapley",
            Model::Participation => "participation",
        }
    }
}

/// What becomes of the touches of a path before anything is counted (names after fractribution).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum PathTransform {
    /// Nothing.
    Unique,
    /// Of a run of the same channel its first touch stays.
    Exposure,
    /// Of each channel its first touch stays.
    First,
    /// As `First`, and a channel that was met once is another state than one that was met twice.
    Frequency,
}

/// Levels at which credit is shown; at least one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Levels {
    /// By channel.
    pub channel: bool,
    /// By channel and campaign.
    pub campaign: bool,
}

/// How far back a later conversion of the same target looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum AfterConversion {
    /// Every conversion on its own.
    Reuse,
    /// Only to the conversion before it.
    Restart,
}

/// Which segments are compared.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentPlan {
    /// Customer attributes, touchpoint columns, `first_` or `last_` before one, or behaviours.
    pub dimensions: Vec<String>,
    /// Behaviours that are dimensions, in the order of the file.
    pub behaviours: Vec<Behaviour>,
    /// Who is counted.
    pub population: Population,
    /// How p-values of the segments of one dimension and target are adjusted.
    pub correction: Correction,
    /// Smaller segments are merged into `(small)`; 1 turns that off.
    pub min_customers: u64,
}

/// Who is counted in tables of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Customers with a kept row in the window.
    Active,
    /// Customers of the customers table.
    All,
}

/// What customers do, as a dimension with the segments `yes` and `no`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behaviour {
    /// Name of the dimension.
    pub name: String,
    /// Any of them suffices.
    pub rules: Vec<BehaviourRule>,
}

/// A customer fits where there are rows that match, and none that must not follow them does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BehaviourRule {
    /// Which rows count.
    pub matcher: Matcher,
    /// So many of them, at least 1; within `within_us` of each other where that is said.
    pub at_least: u32,
    /// None of these may follow, or stand at the same instant; any matcher counts.
    pub without: Vec<Matcher>,
    /// How long after the row they may not follow, in µs. None: ever after.
    pub within_us: Option<i64>,
}

/// Return on spend.
#[derive(Debug, Clone, Serialize)]
pub struct RoiPlan {
    /// Share of value that is left after cost of goods; 1 by default.
    pub margin: f64,
    /// Rows over which spend may be summed: index of the conversion and model. None: no conversion or model.
    pub primary: Option<(usize, Model)>,
}

/// A metric of experiments, per customer.
#[derive(Debug, Clone, Serialize)]
pub struct MetricPlan {
    /// Unique.
    pub name: String,
    /// What is compared.
    pub kind: MetricKind,
    /// From the first exposure, in µs. None: to the end of the reporting window, never immature.
    pub window_us: Option<i64>,
    /// Whether more is better.
    pub good_up: bool,
    /// What a customer counts at most: means and numerators of ratios only.
    pub cap: Option<Cap>,
}

/// What is compared between variants.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricKind {
    /// Share of customers with at least one row of the quantity.
    Proportion(Quantity),
    /// Mean over customers.
    Mean(Quantity),
    /// Sum over sum.
    Ratio {
        /// What is divided.
        numerator: Quantity,
        /// By what.
        denominator: Quantity,
    },
    /// Quantile over customers, those with zero among them.
    Quantile {
        /// What customers are ordered by.
        of: Quantity,
        /// Inside (0, 1).
        share: f64,
    },
}

impl MetricKind {
    /// What is summed: one quantity, of ratios two.
    pub fn quantities(self) -> impl Iterator<Item = Quantity> {
        let (first, second) = match self {
            MetricKind::Proportion(of) | MetricKind::Mean(of) | MetricKind::Quantile { of, .. } => (of, None),
            MetricKind::Ratio { numerator, denominator } => (numerator, Some(denominator)),
        };
        std::iter::once(first).chain(second)
    }
}

/// A sum per customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Quantity {
    /// Index into `Plan::conversions`: only its rows count. None: all rows, which makes sense for numbers only.
    pub conversion: Option<usize>,
    /// What is summed over them.
    pub of: MetricOf,
}

impl Quantity {
    /// So many of the integers that are summed are one unit, given the minor units of a unit of currency.
    pub fn per_unit(self, minor_per_unit: i64) -> i64 {
        match self.of {
            MetricOf::Value => minor_per_unit,
            MetricOf::Count => 1,
            MetricOf::Number(_) => NUMBER_PER_UNIT,
        }
    }
}

/// Numbers of touchpoint columns are summed in millionths.
pub const NUMBER_PER_UNIT: i64 = 1_000_000;

/// What is summed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MetricOf {
    /// The value of the conversions.
    Value,
    /// Their number.
    Count,
    /// A numeric touchpoint column: index into `Plan::numbers`.
    Number(usize),
}

/// What a customer counts at most.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Cap {
    /// In the integers of the quantity: minor units, rows, millionths.
    Amount(i64),
    /// The quantile of this share over all analysed customers of the experiment, inside (0, 1).
    Percentile(f64),
}

/// An experiment.
#[derive(Debug, Clone, Serialize)]
pub struct ExperimentPlan {
    /// As in the assignment log.
    pub name: String,
    /// The variant that others are compared with.
    pub control: String,
    /// Planned share by variant, in the order of the file, summing to 1 after normalisation.
    pub weights: Vec<(String, f64)>,
    /// Indices into `Plan::metrics`.
    pub metrics: Vec<usize>,
    /// Indices into `Plan::metrics` of what must not get worse; none of them is in `metrics`.
    pub guardrails: Vec<usize>,
    /// How long before the first exposure a customer's figures are taken to adjust those after it, in µs. None: not
    /// adjusted.
    pub pre_period_us: Option<i64>,
    /// Level of tests and `1 − alpha` of intervals.
    pub alpha: f64,
    /// How p-values are adjusted for several metrics and variants.
    pub correction: Correction,
    /// Whether verdicts may be looked at as often as one likes.
    pub sequential: bool,
    /// Customers at which the sequential interval is tightest.
    pub sequential_tuning: f64,
    /// What is believed of the relative lift before the experiment.
    pub prior: LiftPrior,
    /// Relative: an interval inside ± this is no difference worth having. None: never `flat`.
    pub flat_within: Option<f64>,
    /// Relative: the smallest lift worth finding; it says how many customers are still needed. None: not said.
    pub target_lift: Option<f64>,
}

/// What is believed of a relative lift before the experiment.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum LiftPrior {
    /// Nothing.
    Flat,
    /// A normal distribution.
    Normal {
        /// Its mean.
        mean: f64,
        /// Its standard deviation, above 0.
        standard_deviation: f64,
    },
}

/// How p-values are adjusted for looking at several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Correction {
    /// Benjamini and Hochberg (1995).
    BenjaminiHochberg,
    /// Holm (1979).
    Holm,
    /// None.
    None,
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

/// Where lineage events are written, and what they say of the job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LineagePlan {
    /// File that events are appended to, absolute.
    pub path: PathBuf,
    /// Namespace of the job.
    pub namespace: String,
    /// The run that started this one, such as a task of a scheduler.
    pub parent: Option<ParentRun>,
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

#[cfg(test)]
mod tests {
    use super::wildcard_match;

    #[test]
    fn a_star_stands_for_any_run_of_characters() {
        for (pattern, text, expected) in [
            ("click", "click", true),
            ("click", "clicks", false),
            ("Paid*", "Paid Search", true),
            ("*Search", "Paid Search", true),
            ("P*d*ch", "Paid Search", true),
            ("*", "", true),
            ("a*a", "a", false),
            ("a*b*a", "aba", true),
            ("a**b", "ab", true),
            ("é*", "éa", true),
        ] {
            assert_eq!(wildcard_match(pattern, text), expected, "{pattern} on {text}");
        }
    }
}
