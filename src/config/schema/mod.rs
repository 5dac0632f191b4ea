//! The configuration as it is written: one struct per section, each value with its place.
//!
//! Nothing is checked here beyond keys and types, and nothing has a default: that is the work of
//! [`super::resolve`].

mod shapes;

use serde::Deserialize;
use toml::Spanned;

pub(super) use shapes::{
    AmountOrCap, BehaviourRule, ChannelRule, Conversion, EventOrMatcher, FlatOrPrior, Matcher, OneOrMany,
    PresetOrPosition, Section, Table, Text, Touchpoints, Without, Worth,
};

/// The whole file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Schema {
    pub(super) job: Section<Job>,
    pub(super) window: Section<Window>,
    pub(super) inputs: Section<Inputs>,
    pub(super) contract: Section<Contract>,
    pub(super) journey: Section<Journey>,
    pub(super) refunds: Section<Refunds>,
    pub(super) channels: Section<Channels>,
    pub(super) stages: Option<Section<Stages>>,
    pub(super) conversions: Table<Conversion>,
    pub(super) attribution: Section<Attribution>,
    pub(super) segments: Section<Segments>,
    pub(super) roi: Section<Roi>,
    pub(super) metrics: Table<Section<Metric>>,
    pub(super) experiments: Table<Section<Experiment>>,
    pub(super) queries: Section<Queries>,
    pub(super) output: Section<Output>,
    pub(super) lineage: Option<Section<Lineage>>,
}

/// `[job]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Job {
    pub(super) name: Option<Text>,
    pub(super) timezone: Option<Text>,
    pub(super) currency: Option<Text>,
}

/// `[window]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Window {
    pub(super) from: Option<Text>,
    pub(super) to: Option<Text>,
    pub(super) lookback: Option<Text>,
    pub(super) history: Option<Text>,
}

/// `[inputs]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Inputs {
    pub(super) touchpoints: Touchpoints,
    pub(super) spend: Option<Section<PlainSource>>,
    pub(super) customers: Option<Section<PlainSource>>,
    pub(super) assignments: Option<Section<PlainSource>>,
    pub(super) rates: Option<Section<PlainSource>>,
    pub(super) suppress: Option<Section<PlainSource>>,
}

/// A touchpoint source, with rows that may be excluded.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Source {
    pub(super) path: Option<Spanned<OneOrMany>>,
    pub(super) columns: Table<Text>,
    pub(super) constants: Table<Text>,
    pub(super) timezone: Option<Text>,
    pub(super) warn_after: Option<Text>,
    pub(super) error_after: Option<Text>,
    pub(super) exclude: Vec<Spanned<Matcher>>,
}

/// One table of input that is taken as it is: only touchpoints have rows to exclude.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct PlainSource {
    path: Option<Spanned<OneOrMany>>,
    columns: Table<Text>,
    constants: Table<Text>,
    timezone: Option<Text>,
}

impl From<PlainSource> for Source {
    fn from(source: PlainSource) -> Self {
        let PlainSource { path, columns, constants, timezone } = source;
        Self { path, columns, constants, timezone, ..Self::default() }
    }
}

/// `[refunds]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Refunds {
    pub(super) event: Option<Spanned<OneOrMany>>,
}

/// `[channels]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Channels {
    pub(super) preset: Option<Text>,
    pub(super) rules: Vec<Spanned<ChannelRule>>,
    pub(super) unwanted_referrals: Option<Spanned<OneOrMany>>,
    pub(super) sources: Section<SourceCategories>,
    pub(super) direct: Option<Spanned<OneOrMany>>,
}

/// `channels.sources`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct SourceCategories {
    pub(super) search: Option<Spanned<OneOrMany>>,
    pub(super) social: Option<Spanned<OneOrMany>>,
    pub(super) shopping: Option<Spanned<OneOrMany>>,
    pub(super) video: Option<Spanned<OneOrMany>>,
    pub(super) other: Option<Spanned<OneOrMany>>,
}

/// `[contract]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Contract {
    pub(super) max_rejected_share: Option<Spanned<f64>>,
    pub(super) max_duplicate_share: Option<Spanned<f64>>,
    pub(super) dedupe: Option<Text>,
    pub(super) max_touchpoints_per_customer: Option<Spanned<i64>>,
    pub(super) max_path_touches: Option<Spanned<i64>>,
    pub(super) unknown_columns: Option<Text>,
    pub(super) known_events: Option<Spanned<OneOrMany>>,
    pub(super) max_unknown_event_share: Option<Spanned<f64>>,
    pub(super) max_unknown_channel_share: Option<Spanned<f64>>,
    pub(super) max_late_share: Option<Spanned<f64>>,
    pub(super) max_future_share: Option<Spanned<f64>>,
    pub(super) integrity: Option<Text>,
    pub(super) hash_key_file: Option<Text>,
    pub(super) on_corrupt: Option<Text>,
    pub(super) row_count_anomaly: Option<Text>,
    pub(super) warn_after: Option<Text>,
    pub(super) error_after: Option<Text>,
}

/// `[journey]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Journey {
    pub(super) event_order: Vec<Text>,
}

/// `[stages]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Stages {
    pub(super) preset: Option<Text>,
    pub(super) order: Option<Spanned<Vec<Text>>>,
    pub(super) mode: Option<Text>,
    pub(super) window: Option<Text>,
    pub(super) rules: Table<Spanned<Vec<Spanned<Matcher>>>>,
}

/// `[attribution]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Attribution {
    pub(super) profile: Option<Text>,
    pub(super) models: Option<Spanned<Vec<Text>>>,
    pub(super) by: Option<Spanned<OneOrMany>>,
    pub(super) touches: Option<Spanned<Vec<Spanned<Matcher>>>>,
    pub(super) path: Option<Text>,
    pub(super) after_conversion: Option<Text>,
    pub(super) null_paths: Option<bool>,
    pub(super) position: Option<Spanned<PresetOrPosition>>,
    pub(super) half_life: Option<Text>,
    pub(super) markov_order: Option<Spanned<i64>>,
    pub(super) shapley_value: Option<Text>,
}

/// `attribution.position`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Position {
    pub(super) first: Option<Spanned<f64>>,
    pub(super) last: Option<Spanned<f64>>,
}

/// `[segments]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Segments {
    pub(super) dimensions: Vec<Text>,
    pub(super) rules: Table<Spanned<Vec<Spanned<BehaviourRule>>>>,
    pub(super) population: Option<Text>,
    pub(super) correction: Option<Text>,
    pub(super) min_customers: Option<Spanned<i64>>,
}

/// `[roi]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Roi {
    pub(super) margin: Option<Spanned<f64>>,
    pub(super) primary: Option<Section<Primary>>,
    pub(super) compare: Option<Spanned<bool>>,
}

/// `roi.primary`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Primary {
    pub(super) conversion: Option<Text>,
    pub(super) model: Option<Text>,
}

/// `[metrics.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Metric {
    pub(super) kind: Option<Text>,
    pub(super) conversion: Option<Text>,
    pub(super) of: Option<Text>,
    pub(super) numerator: Option<Section<Quantity>>,
    pub(super) denominator: Option<Section<Quantity>>,
    pub(super) quantile: Option<Spanned<f64>>,
    pub(super) cap: Option<Spanned<AmountOrCap>>,
    pub(super) window: Option<Text>,
    pub(super) good: Option<Text>,
}

/// `metrics.NAME.numerator` and `metrics.NAME.denominator`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Quantity {
    pub(super) conversion: Option<Text>,
    pub(super) of: Option<Text>,
}

/// `metrics.NAME.cap`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Cap {
    pub(super) value: Option<Spanned<f64>>,
    pub(super) percentile: Option<Spanned<f64>>,
}

/// `[experiments.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Experiment {
    pub(super) control: Option<Text>,
    pub(super) weights: Option<Table<Spanned<f64>>>,
    pub(super) metrics: Option<Vec<Text>>,
    pub(super) guardrails: Vec<Text>,
    pub(super) pre_period: Option<Text>,
    pub(super) alpha: Option<Spanned<f64>>,
    pub(super) correction: Option<Text>,
    pub(super) sequential: Option<bool>,
    pub(super) sequential_tuning: Option<Spanned<i64>>,
    pub(super) prior: Option<Spanned<FlatOrPrior>>,
    pub(super) flat_within: Option<Spanned<f64>>,
    pub(super) target_lift: Option<Spanned<f64>>,
}

/// `experiments.NAME.prior`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Prior {
    pub(super) mean: Option<Spanned<f64>>,
    pub(super) standard_deviation: Option<Spanned<f64>>,
}

/// `[queries]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Queries {
    pub(super) path: Option<Text>,
}

/// `[output]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Output {
    pub(super) path: Option<Text>,
    pub(super) formats: Option<Spanned<Vec<Text>>>,
    pub(super) csv: Option<Text>,
    pub(super) csv_separator: Option<Text>,
    pub(super) csv_decimal: Option<Text>,
    pub(super) keep: Keep,
}

/// `output.keep`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Keep {
    pub(super) days: Option<Spanned<i64>>,
    pub(super) runs: Option<Spanned<i64>>,
}

/// `[lineage]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Lineage {
    pub(super) path: Option<Text>,
    pub(super) url: Option<Text>,
    pub(super) endpoint: Option<Text>,
    pub(super) timeout: Option<Text>,
    pub(super) namespace: Option<Text>,
    pub(super) parent: Option<Text>,
}
