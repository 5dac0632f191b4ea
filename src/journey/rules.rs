//! What each combination of text columns means, decided once after reading.

use crate::config::plan::{AfterConversion, ConversionValue, Orders, PathTransform, Plan, StageMode};

use super::channels::is_unwanted_referral;
use super::codebook::Codebook;
use super::outcome::Outcome;
use super::units::Units;

/// Shown where a touch has no channel.
pub const NO_CHANNEL: &str = "(none)";

/// What the rules say about every row with one code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Facts {
    /// Bit `k`: the row matches stage `k`.
    pub stages: u64,
    /// Bit `c`: the row is conversion `c`.
    pub conversions: u64,
    /// Index into [`Rules::channels`]; meaningless unless `has_channel` or `touch`.
    pub channel: u16,
    /// Rank among rows of the same instant.
    pub event_order: u16,
    /// Whether the row may earn credit.
    pub touch: bool,
    /// Whether the file named a channel.
    pub has_channel: bool,
    /// Whether the row takes value back.
    pub refund: bool,
}

/// A target of attribution.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TargetKind {
    /// Entry into the stage with this index.
    Stage(usize),
    /// The conversion with this index.
    Conversion(usize),
}

impl TargetKind {
    /// Name in the tables.
    pub fn as_str(self) -> &'static str {
        match self {
            TargetKind::Stage(_) => "stage",
            TargetKind::Conversion(_) => "conversion",
        }
    }
}

/// A target with its name and whether it carries value.
#[derive(Debug, Clone)]
pub struct Target {
    /// What it is.
    pub kind: TargetKind,
    /// Name of the stage or conversion.
    pub name: String,
    /// Whether its events have a value.
    pub has_value: bool,
}

/// Everything the walk over a journey needs, resolved.
#[derive(Debug, Clone)]
pub struct Rules {
    /// By code.
    pub facts: Vec<Facts>,
    /// Sorted by name; [`NO_CHANNEL`] among them only where a touch lacks a channel.
    pub channels: Vec<String>,
    /// By channel: whether its customers came by themselves.
    pub direct: Vec<bool>,
    /// Pairs of channel and campaign; empty unless credit goes to campaigns.
    pub units: Units,
    /// Stages first, in order, then conversions in the order of the configuration.
    pub targets: Vec<Target>,
    /// Number of stages.
    pub stages: usize,
    /// How a customer enters a stage.
    pub stage_mode: StageMode,
    /// From the entry into the first stage.
    pub stage_window_us: Option<i64>,
    /// What each conversion is worth.
    pub conversion_values: Vec<ConversionValue>,
    /// What rows of each conversion with the same order are; None: conversions of their own.
    pub orders: Vec<Option<Orders>>,
    /// First instant of the reporting window, µs.
    pub from_us: i64,
    /// First instant after it, µs.
    pub to_us: i64,
    /// How far a conversion looks back, µs.
    pub lookback_us: i64,
    /// How far back a later conversion of the same target looks.
    pub after_conversion: AfterConversion,
    /// What becomes of the touches of a path.
    pub path: PathTransform,
    /// Whether paths without a conversion are kept.
    pub null_paths: bool,
    /// A path keeps its last so many touches.
    pub max_path_touches: usize,
}

impl Rules {
    /// Decides every code of the book once.
    ///
    /// `columns` names the columns of the book, `event` and `channel` among them where they are mapped. The channels of
    /// the book are those that [`super::channels::assign`] has put there.
    pub fn resolve(plan: &Plan, book: &Codebook, columns: &[String], window_us: (i64, i64)) -> Rules {
        let channel_column = columns.iter().position(|column| column == "channel");
        let mut facts: Vec<Facts> = Vec::with_capacity(book.len());
        let mut channel_ids = Vec::with_capacity(book.len());
        for code in 0..book.len() as u32 {
            let value = |name: &str| {
                let column = columns.iter().position(|column| column == name)?;
                book.text(code, column)
            };
            let mut fact = Facts::default();
            for (index, stage) in plan.stages.stages.iter().enumerate() {
                if stage.rules.iter().any(|rule| rule.matches(value)) {
                    fact.stages |= 1 << index;
                }
            }
            let outcome = Outcome::of(plan, value);
            (fact.conversions, fact.refund) = (outcome.conversions, outcome.refund);
            let channel = channel_column.and_then(|column| book.text(code, column));
            fact.has_channel = channel.is_some();
            fact.touch = match &plan.attribution.touches {
                Some(rules) => rules.iter().any(|rule| rule.matches(value)),
                None => channel.is_some() && fact.conversions == 0 && !fact.refund,
            };
            // Whoever comes back from paying was brought by what came before.
            fact.touch &= !is_unwanted_referral(&plan.channels, value);
            fact.event_order = value("event")
                .and_then(|event| plan.event_order.iter().position(|name| name == event))
                .map_or(u16::MAX, |rank| rank.min(usize::from(u16::MAX) - 1) as u16);
            channel_ids.push(channel.or(fact.touch.then_some(NO_CHANNEL)).map(str::to_owned));
            facts.push(fact);
        }
        let mut channels: Vec<String> = channel_ids.iter().flatten().cloned().collect();
        channels.sort_unstable();
        channels.dedup();
        for (fact, channel) in facts.iter_mut().zip(&channel_ids) {
            if let Some(name) = channel {
                fact.channel = channels.binary_search(name).map_or(u16::MAX, |rank| rank as u16);
            }
        }
        let stages = plan.stages.stages.iter().enumerate().map(|(index, stage)| Target {
            kind: TargetKind::Stage(index),
            name: stage.name.clone(),
            has_value: false,
        });
        let conversions = plan.conversions.iter().enumerate().map(|(index, conversion)| Target {
            kind: TargetKind::Conversion(index),
            name: conversion.name.clone(),
            has_value: conversion.value != ConversionValue::Absent,
        });
        let units = match plan.attribution.by.campaign {
            true => Units::resolve(book, columns, &facts),
            false => Units::default(),
        };
        Rules {
            facts,
            direct: channels.iter().map(|channel| plan.channels.is_direct(channel)).collect(),
            channels,
            units,
            targets: stages.chain(conversions).collect(),
            stages: plan.stages.stages.len(),
            stage_mode: plan.stages.mode,
            stage_window_us: plan.stages.window_us,
            conversion_values: plan.conversions.iter().map(|conversion| conversion.value).collect(),
            orders: plan.conversions.iter().map(|conversion| conversion.orders).collect(),
            from_us: window_us.0,
            to_us: window_us.1,
            lookback_us: plan.window.lookback_us,
            after_conversion: plan.attribution.after_conversion,
            path: plan.attribution.path,
            null_paths: plan.attribution.null_paths,
            max_path_touches: plan.contract.max_path_touches,
        }
    }

    /// Whether an instant lies in the reporting window.
    #[inline]
    pub fn in_window(&self, time_us: i64) -> bool {
        time_us >= self.from_us && time_us < self.to_us
    }

    /// What a row of a conversion is worth, in minor units.
    #[inline]
    pub fn conversion_amount_minor(&self, conversion: usize, amount_minor: Option<i64>) -> i64 {
        match self.conversion_values[conversion] {
            ConversionValue::Column => amount_minor.unwrap_or(0),
            ConversionValue::FixedMinor(amount) => amount,
            ConversionValue::Absent => 0,
        }
    }
}
