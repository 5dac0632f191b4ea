//! The configuration as it is written: one struct per section, each value with its place.
//!
//! Nothing is checked here beyond keys and types, and nothing has a default: that is the work of
//! [`super::resolve`].

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

/// A text and its place.
pub(super) type Text = Spanned<String>;

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
        Self { path, columns, constants, timezone, exclude: Vec::new() }
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
    pub(super) window: Option<Text>,
    pub(super) good: Option<Text>,
}

/// `[experiments.NAME]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, expecting = "a table")]
pub(super) struct Experiment {
    pub(super) control: Option<Text>,
    pub(super) weights: Option<Table<Spanned<f64>>>,
    pub(super) metrics: Option<Vec<Text>>,
    pub(super) alpha: Option<Spanned<f64>>,
    pub(super) correction: Option<Text>,
    pub(super) flat_within: Option<Spanned<f64>>,
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
}

/// Columns and the patterns they are compared with.
pub(super) type Matcher = Table<Spanned<OneOrMany>>;

/// One of `channels.rules`: a matcher, beside it the channel.
#[derive(Debug, Default)]
pub(super) struct ChannelRule {
    pub(super) matcher: Matcher,
    pub(super) channel: Option<Text>,
}

/// `[conversions.NAME]`: a matcher, beside it the value and what repeated orders mean.
#[derive(Debug, Default)]
pub(super) struct Conversion {
    pub(super) matcher: Matcher,
    pub(super) value: Option<Spanned<Worth>>,
    pub(super) orders: Option<Text>,
}

/// Worth of a conversion as it is written.
#[derive(Debug, Clone)]
pub(super) enum Worth {
    /// Name of a column.
    Column(String),
    /// Units of the currency.
    Amount(f64),
}

/// `attribution.position` as it is written.
#[derive(Debug)]
pub(super) enum PresetOrPosition {
    /// Name of a preset.
    Preset(String),
    /// Shares of one's own.
    Shares(Position),
}

/// A text or a list of texts; of a single one the place is that of the whole.
#[derive(Debug, Clone)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<Text>),
}

/// A struct that is written as a table. Serde alone would also take a list, field by field.
#[derive(Debug, Default)]
pub(super) struct Section<T>(pub(super) T);

impl<T> Deref for Section<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A table whose keys are free, in the order of the file.
#[derive(Debug)]
pub(super) struct Table<V>(pub(super) Vec<(Text, V)>);

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Table<V> {
    pub(super) fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }
}

/// Sources of touchpoints: a table or a list of tables.
#[derive(Debug, Default)]
pub(super) struct Touchpoints(pub(super) Vec<Section<Source>>);

/// Sorts what serde visits by name into the order of the file.
fn in_file_order<V>(mut entries: Vec<(Text, V)>) -> Table<V> {
    entries.sort_by_key(|(key, _)| key.span().start);
    Table(entries)
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Table<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TableVisitor<V>(PhantomData<V>);
        impl<'de, V: Deserialize<'de>> Visitor<'de> for TableVisitor<V> {
            type Value = Table<V>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(key) = map.next_key::<Text>()? {
                    entries.push((key, map.next_value()?));
                }
                Ok(in_file_order(entries))
            }
        }
        deserializer.deserialize_map(TableVisitor(PhantomData))
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct SectionVisitor<T>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>> Visitor<'de> for SectionVisitor<T> {
            type Value = Section<T>;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                T::deserialize(MapAccessDeserializer::new(map)).map(Section)
            }
        }
        deserializer.deserialize_map(SectionVisitor(PhantomData))
    }
}

impl<'de> Deserialize<'de> for Conversion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConversionVisitor;
        impl<'de> Visitor<'de> for ConversionVisitor {
            type Value = Conversion;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut fields, mut value, mut orders) = (Vec::new(), None, None);
                while let Some(key) = map.next_key::<Text>()? {
                    match key.get_ref().as_str() {
                        "value" => value = Some(map.next_value()?),
                        "orders" => orders = Some(map.next_value()?),
                        _ => fields.push((key, map.next_value()?)),
                    }
                }
                Ok(Conversion { matcher: in_file_order(fields), value, orders })
            }
        }
        deserializer.deserialize_map(ConversionVisitor)
    }
}

impl<'de> Deserialize<'de> for ChannelRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ChannelRuleVisitor;
        impl<'de> Visitor<'de> for ChannelRuleVisitor {
            type Value = ChannelRule;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut fields, mut channel) = (Vec::new(), None);
                while let Some(key) = map.next_key::<Text>()? {
                    if key.get_ref() == "channel" {
                        channel = Some(map.next_value()?);
                    } else {
                        fields.push((key, map.next_value()?));
                    }
                }
                Ok(ChannelRule { matcher: in_file_order(fields), channel })
            }
        }
        deserializer.deserialize_map(ChannelRuleVisitor)
    }
}

impl<'de> Deserialize<'de> for Worth {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WorthVisitor;
        impl Visitor<'_> for WorthVisitor {
            type Value = Worth;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("\"value\" or a number")
            }
            fn visit_str<E: Error>(self, column: &str) -> Result<Worth, E> {
                Ok(Worth::Column(column.to_owned()))
            }
            fn visit_i64<E: Error>(self, amount: i64) -> Result<Worth, E> {
                Ok(Worth::Amount(amount as f64))
            }
            fn visit_u64<E: Error>(self, amount: u64) -> Result<Worth, E> {
                Ok(Worth::Amount(amount as f64))
            }
            fn visit_f64<E: Error>(self, amount: f64) -> Result<Worth, E> {
                Ok(Worth::Amount(amount))
            }
        }
        deserializer.deserialize_any(WorthVisitor)
    }
}

impl<'de> Deserialize<'de> for PresetOrPosition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PositionVisitor;
        impl<'de> Visitor<'de> for PositionVisitor {
            type Value = PresetOrPosition;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a preset or a table")
            }
            fn visit_str<E: Error>(self, preset: &str) -> Result<PresetOrPosition, E> {
                Ok(PresetOrPosition::Preset(preset.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PresetOrPosition, A::Error> {
                Position::deserialize(MapAccessDeserializer::new(map)).map(PresetOrPosition::Shares)
            }
        }
        deserializer.deserialize_any(PositionVisitor)
    }
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor;
        impl<'de> Visitor<'de> for OneOrManyVisitor {
            type Value = OneOrMany;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a string or a list of strings")
            }
            fn visit_str<E: Error>(self, text: &str) -> Result<OneOrMany, E> {
                Ok(OneOrMany::One(text.to_owned()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<OneOrMany, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany::Many(texts))
            }
        }
        deserializer.deserialize_any(OneOrManyVisitor)
    }
}

impl<'de> Deserialize<'de> for Touchpoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TouchpointsVisitor;
        impl<'de> Visitor<'de> for TouchpointsVisitor {
            type Value = Touchpoints;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Touchpoints, A::Error> {
                Ok(Touchpoints(vec![Section(Source::deserialize(MapAccessDeserializer::new(map))?)]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Touchpoints, A::Error> {
                let mut sources = Vec::new();
                while let Some(source) = seq.next_element()? {
                    sources.push(source);
                }
                Ok(Touchpoints(sources))
            }
        }
        deserializer.deserialize_any(TouchpointsVisitor)
    }
}
