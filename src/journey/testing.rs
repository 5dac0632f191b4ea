//! Journeys from text, for tests.
//!
//! A journey is one line: rows, then assignments, then attributes, separated by `|`, each a list separated by
//! commas: `A d1/13:00, buy d2/14:15 =1250 | test/blue d1/12:00 | de`. An attribute may say from when on it holds:
//! `de d1, fr d9`. An instant is
//! `d<day>`, `<hour>:<minute>[:<second>]` on day 0, or both. A label names the stages and conversions that a
//! row matches, joined by `+`, also a channel, or `refund`; a name that is none of them matches nothing. Of a
//! campaign the label says `@` and its name at the end.
//! `=1250` is the row's value, `#7` its order, `*2.5` its number, the only one.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use crate::config::plan::{
    AfterConversion, ConversionValue, DAY_US, NUMBER_PER_UNIT, PathTransform, StageMode,
};

use super::buffer::{HAS_AMOUNT, HAS_ORDER};
use super::by_position::ByPosition;
use super::codebook::CodebookBuilder;
use super::partition::{Attributes, AttributesSince, Besides};
use super::rules::Facts;
use super::units::NO_CAMPAIGN;
use super::{
    Assignment, Codebook, CustomerHash, Journey, Rules, Target, TargetKind, Touchpoint, Unit, Units, Walk,
};

/// Rules that grow with the labels of the journeys.
#[derive(Debug, Clone)]
pub(crate) struct World {
    /// Window `[d0, d30)`, mode any, no stage window, unless changed.
    pub(crate) rules: Rules,
    /// One column.
    pub(crate) attributes: Codebook,
    /// Experiment and variant.
    pub(crate) assignments: Codebook,
    labels: Vec<String>,
    /// By label.
    campaigns: Vec<String>,
}

/// A journey that owns its rows.
#[derive(Debug, Clone)]
pub(crate) struct OwnedJourney {
    rows: Vec<Touchpoint>,
    besides: Besides,
    assignments: Vec<Assignment>,
    attributes: Vec<AttributesSince>,
    customer: CustomerHash,
}

impl OwnedJourney {
    /// As the analyses see it.
    pub(crate) fn journey(&self) -> Journey<'_> {
        Journey {
            customer: self.customer,
            rows: &self.rows,
            attributes: Attributes::Since(&self.attributes),
            assignments: &self.assignments,
            besides: &self.besides,
        }
    }

    /// Walked over by the rules.
    pub(crate) fn walk(&self, rules: &Rules) -> Walk {
        let mut walk = Walk::default();
        walk.over(&self.journey(), rules);
        walk
    }
}

impl World {
    /// A world with these stages and conversions; conversions take their value from the row.
    pub(crate) fn new(stages: &[&str], conversions: &[&str]) -> World {
        let target = |kind, name: &str, has_value| Target { kind, name: name.to_owned(), has_value };
        let stage_targets =
            stages.iter().enumerate().map(|(at, name)| target(TargetKind::Stage(at), name, false));
        let conversion_targets =
            conversions.iter().enumerate().map(|(at, name)| target(TargetKind::Conversion(at), name, true));
        World {
            rules: Rules {
                facts: Vec::new(),
                channels: vec!["email".to_owned()],
                direct: vec![false],
                units: Units::default(),
                targets: stage_targets.chain(conversion_targets).collect(),
                stages: stages.len(),
                stage_mode: StageMode::Any,
                stage_window_us: None,
                conversion_values: vec![ConversionValue::Column; conversions.len()],
                orders: vec![None; conversions.len()],
                from_us: 0,
                to_us: 30 * DAY_US,
                lookback_us: 30 * DAY_US,
                after_conversion: AfterConversion::Reuse,
                path: PathTransform::Unique,
                null_paths: true,
                max_path_touches: 1_000,
            },
            attributes: Codebook::default(),
            assignments: Codebook::default(),
            labels: Vec::new(),
            campaigns: Vec::new(),
        }
    }

    /// Names the values of the attribute.
    pub(crate) fn with_attributes(mut self, values: &[&str]) -> World {
        self.attributes = book(&values.iter().map(|value| vec![*value]).collect::<Vec<_>>());
        self
    }

    /// Names the variants, as `experiment/variant`.
    pub(crate) fn with_assignments(mut self, variants: &[&str]) -> World {
        self.assignments = book(&variants.iter().map(|text| text.split('/').collect()).collect::<Vec<_>>());
        self
    }

    /// Reads one journey.
    pub(crate) fn journey(&mut self, text: &str) -> OwnedJourney {
        let mut parts = text.split('|').map(str::trim);
        let mut besides = Besides::default();
        let mut rows: Vec<Touchpoint> = items(parts.next())
            .iter()
            .enumerate()
            .map(|(at, item)| self.row(item, at as u32, &mut besides))
            .collect();
        rows.sort_by_key(|row| row.time_us);
        let mut assignments: Vec<Assignment> =
            items(parts.next()).iter().map(|item| self.assignment(item)).collect();
        assignments.sort();
        let mut attributes: Vec<AttributesSince> =
            items(parts.next()).iter().map(|item| self.attributes_since(item)).collect();
        attributes.sort();
        OwnedJourney { rows, besides, assignments, attributes, customer: CustomerHash::of(text.as_bytes()) }
    }

    /// Reads journeys, one a line.
    pub(crate) fn journeys<T: AsRef<str>>(&mut self, texts: &[T]) -> Vec<OwnedJourney> {
        texts.iter().map(|text| self.journey(text.as_ref())).collect()
    }

    fn row(&mut self, item: &[&str], at: u32, besides: &mut Besides) -> Touchpoint {
        let code = self.code(item[0]);
        let rest = |sign: char| item[2..].iter().find_map(|text| text.strip_prefix(sign));
        let mut flags = 0;
        if let Some(amount) = rest('=') {
            besides.amounts.push(at, amount.parse().unwrap());
            flags |= HAS_AMOUNT;
        }
        if let Some(order) = rest('#') {
            besides.orders.push(at, order.parse().unwrap());
            flags |= HAS_ORDER;
        }
        if let Some(number) = rest('*') {
            besides.numbers.resize_with(1, ByPosition::default);
            let units: f64 = number.parse().unwrap();
            besides.numbers[0].push(at, (units * NUMBER_PER_UNIT as f64).round() as i64);
        }
        Touchpoint { time_us: instant_us(item[1]), code, at: at | flags }
    }

    fn assignment(&self, item: &[&str]) -> Assignment {
        let (experiment, variant) = item[0].split_once('/').unwrap();
        let code = (0..self.assignments.len() as u32)
            .find(|code| {
                self.assignments.text(*code, 0) == Some(experiment)
                    && self.assignments.text(*code, 1) == Some(variant)
            })
            .unwrap();
        Assignment { time_us: instant_us(item[1]), code }
    }

    fn attributes_since(&self, item: &[&str]) -> AttributesSince {
        let code = (0..self.attributes.len() as u32)
            .find(|code| self.attributes.text(*code, 0) == Some(item[0]))
            .unwrap();
        AttributesSince { from_us: item.get(1).map_or(i64::MIN, |text| instant_us(text)), code }
    }

    fn code(&mut self, label: &str) -> u32 {
        if let Some(code) = self.labels.iter().position(|known| known == label) {
            return code as u32;
        }
        let mut facts = Facts { has_channel: true, event_order: u16::MAX, ..Facts::default() };
        let (names, campaign) = label.split_once('@').unwrap_or((label, NO_CAMPAIGN));
        for part in names.split('+') {
            if let Some(channel) = self.rules.channels.iter().position(|channel| channel == part) {
                facts.channel = channel as u16;
            }
            facts.refund |= part == "refund";
            for target in self.rules.targets.iter().filter(|target| target.name == part) {
                match target.kind {
                    TargetKind::Stage(at) => facts.stages |= 1 << at,
                    TargetKind::Conversion(at) => facts.conversions |= 1 << at,
                }
            }
        }
        facts.touch = facts.conversions == 0 && !facts.refund;
        self.labels.push(label.to_owned());
        self.campaigns.push(campaign.to_owned());
        self.rules.facts.push(facts);
        let facts = &self.rules.facts;
        self.rules.units = Units::of(facts, |code| Unit {
            channel: facts[code].channel,
            campaign: self.campaigns[code].clone(),
        });
        self.labels.len() as u32 - 1
    }
}

/// Reads an instant, in µs since day 0.
pub(crate) fn instant_us(text: &str) -> i64 {
    let (day, clock) = match text.strip_prefix('d') {
        Some(rest) => rest.split_once('/').unwrap_or((rest, "00:00")),
        None => ("0", text),
    };
    let mut clock = clock.split(':');
    let mut next = || clock.next().unwrap_or("0");
    let (hours, minutes, seconds) = (next(), next(), next());
    let (seconds, micros) = seconds.split_once('.').unwrap_or((seconds, "0"));
    let number = |text: &str| text.parse::<i64>().unwrap();
    let seconds = (number(hours) * 60 + number(minutes)) * 60 + number(seconds);
    number(day) * DAY_US + seconds * 1_000_000 + number(&format!("{micros:0<6}"))
}

fn items(part: Option<&str>) -> Vec<Vec<&str>> {
    let items = part.unwrap_or_default().split(',');
    items.map(|item| item.split_whitespace().collect::<Vec<_>>()).filter(|item| !item.is_empty()).collect()
}

fn book(rows: &[Vec<&str>]) -> Codebook {
    let columns = rows.first().map_or(1, Vec::len);
    let mut builder = CodebookBuilder::new(columns);
    for row in rows {
        let ids: Vec<u32> = row.iter().enumerate().map(|(at, text)| builder.value(at, text)).collect();
        let code = builder.combination(&ids).0;
        builder.keep(code);
    }
    Codebook::merge(&[builder], columns).0
}
