//! Values that serde alone can't read: tables in the order of the file, lists that may be a single value, columns to
//! match beside keys of their own.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::Deserialize;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use toml::Spanned;

use super::{Cap, Position, Prior, Source};

/// A text and its place.
pub(in crate::config) type Text = Spanned<String>;

/// Columns and the patterns they are compared with.
pub(in crate::config) type Matcher = Table<Spanned<OneOrMany>>;

/// One of `channels.rules`: a matcher, beside it the channel.
#[derive(Debug, Default)]
pub(in crate::config) struct ChannelRule {
    pub(in crate::config) matcher: Matcher,
    pub(in crate::config) channel: Option<Text>,
}

/// `[conversions.NAME]`: a matcher, beside it the value and what repeated orders mean.
#[derive(Debug, Default)]
pub(in crate::config) struct Conversion {
    pub(in crate::config) matcher: Matcher,
    pub(in crate::config) value: Option<Spanned<Worth>>,
    pub(in crate::config) orders: Option<Text>,
}

/// Worth of a conversion as it is written.
#[derive(Debug, Clone)]
pub(in crate::config) enum Worth {
    /// Name of a column.
    Column(String),
    /// Units of the currency.
    Amount(f64),
}

/// `attribution.position` as it is written.
#[derive(Debug)]
pub(in crate::config) enum PresetOrPosition {
    /// Name of a preset.
    Preset(String),
    /// Shares of one's own.
    Shares(Position),
}

/// `metrics.NAME.cap` as it is written.
#[derive(Debug)]
pub(in crate::config) enum AmountOrCap {
    /// In units of what is summed.
    Amount(f64),
    /// A bound by its kind.
    Cap(Cap),
}

/// `experiments.NAME.prior` as it is written.
#[derive(Debug)]
pub(in crate::config) enum FlatOrPrior {
    /// Name of a prior.
    Name(String),
    /// A distribution of one's own.
    Normal(Prior),
}

/// One of `segments.rules`: a matcher, beside it what must not follow, how soon, and how many rows it takes.
#[derive(Debug, Default)]
pub(in crate::config) struct BehaviourRule {
    pub(in crate::config) matcher: Matcher,
    pub(in crate::config) without: Option<Spanned<Without>>,
    pub(in crate::config) within: Option<Text>,
    pub(in crate::config) at_least: Option<Spanned<i64>>,
}

/// Rows that must not follow; of a single one the place is that of the whole.
#[derive(Debug)]
pub(in crate::config) enum Without {
    One(EventOrMatcher),
    Many(Vec<Spanned<EventOrMatcher>>),
}

/// A pattern of events, or a matcher.
#[derive(Debug)]
pub(in crate::config) enum EventOrMatcher {
    Event(String),
    Matcher(Matcher),
}

/// A text or a list of texts; of a single one the place is that of the whole.
#[derive(Debug, Clone)]
pub(in crate::config) enum OneOrMany {
    One(String),
    Many(Vec<Text>),
}

/// A struct that is written as a table. Serde alone would also take a list, field by field.
#[derive(Debug, Default)]
pub(in crate::config) struct Section<T>(pub(in crate::config) T);

impl<T> Deref for Section<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.0
    }
}

/// A table whose keys are free, in the order of the file.
#[derive(Debug)]
pub(in crate::config) struct Table<V>(pub(in crate::config) Vec<(Text, V)>);

impl<V> Default for Table<V> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<V> Table<V> {
    pub(in crate::config) fn get(&self, name: &str) -> Option<&V> {
        self.0.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
    }
}

/// Sources of touchpoints: a table or a list of tables.
#[derive(Debug, Default)]
pub(in crate::config) struct Touchpoints(pub(in crate::config) Vec<Section<Source>>);

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

/// Reads a table in which columns to match stand beside other keys: `other` takes the value of such a key, or says
/// that it is none.
fn matcher_beside<'de, A: MapAccess<'de>>(
    mut map: A,
    mut other: impl FnMut(&str, &mut A) -> Result<bool, A::Error>,
) -> Result<Matcher, A::Error> {
    let mut fields = Vec::new();
    while let Some(key) = map.next_key::<Text>()? {
        if !other(key.get_ref(), &mut map)? {
            fields.push((key, map.next_value()?));
        }
    }
    Ok(in_file_order(fields))
}

impl<'de> Deserialize<'de> for Conversion {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ConversionVisitor;
        impl<'de> Visitor<'de> for ConversionVisitor {
            type Value = Conversion;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let (mut value, mut orders) = (None, None);
                let matcher = matcher_beside(map, |key, map| {
                    match key {
                        "value" => value = Some(map.next_value()?),
                        "orders" => orders = Some(map.next_value()?),
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Ok(Conversion { matcher, value, orders })
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
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let mut channel = None;
                let matcher = matcher_beside(map, |key, map| {
                    if key == "channel" {
                        channel = Some(map.next_value()?);
                    }
                    Ok(key == "channel")
                })?;
                Ok(ChannelRule { matcher, channel })
            }
        }
        deserializer.deserialize_map(ChannelRuleVisitor)
    }
}

impl<'de> Deserialize<'de> for BehaviourRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BehaviourRuleVisitor;
        impl<'de> Visitor<'de> for BehaviourRuleVisitor {
            type Value = BehaviourRule;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table")
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let (mut without, mut within, mut at_least) = (None, None, None);
                let matcher = matcher_beside(map, |key, map| {
                    match key {
                        "without" => without = Some(map.next_value()?),
                        "within" => within = Some(map.next_value()?),
                        "at_least" => at_least = Some(map.next_value()?),
                        _ => return Ok(false),
                    }
                    Ok(true)
                })?;
                Ok(BehaviourRule { matcher, without, within, at_least })
            }
        }
        deserializer.deserialize_map(BehaviourRuleVisitor)
    }
}

impl<'de> Deserialize<'de> for EventOrMatcher {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct EventOrMatcherVisitor;
        impl<'de> Visitor<'de> for EventOrMatcherVisitor {
            type Value = EventOrMatcher;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an event or a matcher")
            }
            fn visit_str<E: Error>(self, event: &str) -> Result<EventOrMatcher, E> {
                Ok(EventOrMatcher::Event(event.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<EventOrMatcher, A::Error> {
                Matcher::deserialize(MapAccessDeserializer::new(map)).map(EventOrMatcher::Matcher)
            }
        }
        deserializer.deserialize_any(EventOrMatcherVisitor)
    }
}

impl<'de> Deserialize<'de> for Without {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct WithoutVisitor;
        impl<'de> Visitor<'de> for WithoutVisitor {
            type Value = Without;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("events or matchers")
            }
            fn visit_str<E: Error>(self, event: &str) -> Result<Without, E> {
                Ok(Without::One(EventOrMatcher::Event(event.to_owned())))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Without, A::Error> {
                let matcher = Matcher::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Without::One(EventOrMatcher::Matcher(matcher)))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Without, A::Error> {
                let mut each = Vec::new();
                while let Some(element) = seq.next_element()? {
                    each.push(element);
                }
                Ok(Without::Many(each))
            }
        }
        deserializer.deserialize_any(WithoutVisitor)
    }
}

impl<'de> Deserialize<'de> for AmountOrCap {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct CapVisitor;
        impl<'de> Visitor<'de> for CapVisitor {
            type Value = AmountOrCap;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a number or a table")
            }
            fn visit_i64<E: Error>(self, amount: i64) -> Result<AmountOrCap, E> {
                Ok(AmountOrCap::Amount(amount as f64))
            }
            fn visit_u64<E: Error>(self, amount: u64) -> Result<AmountOrCap, E> {
                Ok(AmountOrCap::Amount(amount as f64))
            }
            fn visit_f64<E: Error>(self, amount: f64) -> Result<AmountOrCap, E> {
                Ok(AmountOrCap::Amount(amount))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<AmountOrCap, A::Error> {
                Cap::deserialize(MapAccessDeserializer::new(map)).map(AmountOrCap::Cap)
            }
        }
        deserializer.deserialize_any(CapVisitor)
    }
}

impl<'de> Deserialize<'de> for FlatOrPrior {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PriorVisitor;
        impl<'de> Visitor<'de> for PriorVisitor {
            type Value = FlatOrPrior;
            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("\"flat\" or a table")
            }
            fn visit_str<E: Error>(self, name: &str) -> Result<FlatOrPrior, E> {
                Ok(FlatOrPrior::Name(name.to_owned()))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FlatOrPrior, A::Error> {
                Prior::deserialize(MapAccessDeserializer::new(map)).map(FlatOrPrior::Normal)
            }
        }
        deserializer.deserialize_any(PriorVisitor)
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
