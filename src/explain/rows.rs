//! Every row of a customer: what its file says, what the contract and the journey made of it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use crate::config::plan::{Dedupe, Plan, Zone};
use crate::contract::touchpoints::{ReadFate, WatchedRow};
use crate::engine::look::{Said, SaidRow};
use crate::journey::key::EventKey;
use crate::journey::partition::Remaps;
use crate::journey::{Journey, Rules, Touchpoint, Walk};

use super::rules::{Counting, Role, channel_role, first_of, roles_of};

/// Columns that are shown whether or not a rule asks for them.
pub(super) const SHOWN: [&str; 5] = ["event", "channel", "campaign", "source", "medium"];

/// A row of the customer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedRow {
    /// Place in the journey, from 1; None: it isn't part of it.
    pub number: Option<usize>,
    /// RFC 3339, UTC; None: null.
    pub time: Option<String>,
    /// The same in `job.timezone`.
    pub local_time: Option<String>,
    /// What happened.
    pub event: Option<String>,
    /// As the tables have it, and of a row that was dropped as its file has it.
    pub channel: Option<String>,
    /// Campaign.
    pub campaign: Option<String>,
    /// Source.
    pub source: Option<String>,
    /// Medium.
    pub medium: Option<String>,
    /// Id of the event.
    pub event_id: Option<String>,
    /// Id of the order.
    pub order_id: Option<String>,
    /// In minor units of the job's currency; None: null, unusable, or nothing asks for values.
    pub value_minor: Option<i64>,
    /// Whether a value that could not be read was made null, for nothing uses it.
    pub value_made_null: bool,
    /// Key of its input.
    pub input: String,
    /// Path of its file.
    pub file: String,
    /// Row of the file, from 1.
    pub file_row: u64,
    /// Whether its time lies in the reporting window; before it a row is context.
    pub in_window: bool,
    /// Why it isn't part of the journey; None: it is.
    pub dropped: Option<Dropped>,
    /// What it is to the analyses.
    pub roles: Vec<Role>,
}

/// Why a row isn't part of the journey.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Dropped {
    /// `outside_window`, `excluded`, `suppressed`, `rejected`, `exact_duplicate`, `conflicting_duplicate` or `bot`.
    pub reason: &'static str,
    /// The rule or the row that decided it.
    pub detail: String,
}

/// What is known when rows are put together.
#[derive(Clone, Copy)]
pub(super) struct Known<'a> {
    pub(super) plan: &'a Plan,
    pub(super) rules: &'a Rules,
    /// Text columns of the run, and what else is shown.
    pub(super) columns: &'a [String],
    pub(super) said: &'a Said,
    /// By worker.
    pub(super) watched: &'a [Vec<WatchedRow>],
    pub(super) remaps: &'a Remaps,
    pub(super) customer: &'a str,
    /// First instant that is read.
    pub(super) read_from_us: Option<i64>,
}

/// A watched row with the worker that met it.
type Met<'a> = (usize, &'a WatchedRow);

impl<'a> Known<'a> {
    fn said_of(&self, row: &WatchedRow) -> Option<&'a SaidRow> {
        let rows = &self.said.rows;
        let place = (row.source, row.file, row.row);
        let at = rows.binary_search_by_key(&place, |said| (said.source, said.file, said.row)).ok()?;
        rows.get(at)
    }

    /// The text of a logical column of a row.
    fn text(&self, said: &'a SaidRow, column: &str) -> Option<&'a str> {
        let at = self.columns.iter().position(|name| name == column)?;
        said.texts.get(at)?.as_deref()
    }

    /// A row with everything but what depends on its place in the journey.
    fn plain(&self, row: &WatchedRow) -> ExplainedRow {
        let zone = &self.plan.job.timezone;
        let said = self.said_of(row);
        let text = |column: &str| said.and_then(|said| self.text(said, column)).map(str::to_owned);
        ExplainedRow {
            number: None,
            time: row.time_us.map(instant_text),
            local_time: row.time_us.map(|time_us| local_text(time_us, zone)),
            event: text("event"),
            channel: text("channel"),
            campaign: text("campaign"),
            source: text("source"),
            medium: text("medium"),
            event_id: said.and_then(|said| said.event_id.clone()),
            order_id: said.and_then(|said| said.order_id.clone()),
            value_minor: row.amount_minor,
            value_made_null: row.nulled,
            input: self.plan.touchpoints[row.source].key.clone(),
            file: self.said.paths[row.source][row.file].clone(),
            file_row: row.row + 1,
            in_window: row.time_us.is_some_and(|time_us| self.rules.in_window(time_us)),
            dropped: None,
            roles: Vec::new(),
        }
    }

    /// Why a row was dropped before it came to the journey.
    fn dropped_by_contract(&self, row: &WatchedRow) -> Option<Dropped> {
        let zone = &self.plan.job.timezone;
        let local = |time_us: i64| local_text(time_us, zone);
        let dropped = |reason, detail: String| Some(Dropped { reason, detail });
        match row.fate {
            ReadFate::Kept => None,
            ReadFate::Outside => {
                let before = row.time_us.zip(self.read_from_us).filter(|(time, from)| time < from);
                dropped(
                    "outside_window",
                    match before {
                        Some((_, from_us)) => {
                            format!("before {}, where window.from less window.history begins", local(from_us))
                        }
                        None => format!("not before {}, where window.to ends it", local(self.rules.to_us)),
                    },
                )
            }
            ReadFate::Excluded => {
                let source = &self.plan.touchpoints[row.source];
                let said = self.said_of(row);
                let value = |name: &str| match name {
                    "customer_id" => Some(self.customer),
                    name => said.and_then(|said| self.text(said, name)),
                };
                dropped("excluded", first_of(&format!("{}.exclude", source.key), &source.exclude, value))
            }
            ReadFate::Suppressed => {
                dropped("suppressed", "its customer stands in inputs.suppress".to_owned())
            }
            ReadFate::Rejected(rule) => dropped(
                "rejected",
                format!("{}, by its `{}`", rule.as_str(), rule.column("touchpoints", &self.plan.numbers)),
            ),
        }
    }

    fn values(&self, (worker, row): Met<'_>) -> Values {
        let code = self.remaps.rows[worker][row.code as usize];
        (row.time_us, code, row.amount_minor, row.order)
    }

    fn event(&self, row: &WatchedRow) -> Option<EventKey> {
        let id = self.said_of(row).and_then(|said| said.event_id.as_deref());
        id.map(|id| EventKey::of_text(id.as_bytes()))
    }

    /// Why a kept row is no part of a journey, whose first rows of each event or each combination of values are given.
    fn dropped_by_journey(&self, row: Met<'_>, first: &FirstRows) -> Dropped {
        let contract = &self.plan.contract;
        let values = self.values(row);
        let found = match contract.dedupe {
            Dedupe::EventId => self.event(row.1).and_then(|event| first.by_event.get(&event)),
            Dedupe::Row => first.by_values.get(&values),
            Dedupe::Off => None,
        };
        match found {
            Some((number, own)) if *own == values => {
                Dropped { reason: "exact_duplicate", detail: format!("an equal copy of row {number}") }
            }
            Some((number, _)) => Dropped {
                reason: "conflicting_duplicate",
                detail: format!("the event_id of row {number}, with other values"),
            },
            None => Dropped {
                reason: "bot",
                detail: format!(
                    "the customer has more rows than contract.max_touchpoints_per_customer = {}",
                    contract.max_touchpoints_per_customer
                ),
            },
        }
    }

    /// All rows of the customer by time, those of the journey in its order.
    pub(super) fn rows(
        &self,
        positions: &BTreeMap<usize, Met<'a>>,
        journey: Option<(&Journey<'_>, &Walk)>,
    ) -> Vec<ExplainedRow> {
        let mut rows: Vec<(Option<i64>, ExplainedRow)> = Vec::new();
        let mut taken: BTreeSet<Place> = BTreeSet::new();
        let mut first = FirstRows::default();
        if let Some((journey, walk)) = journey {
            let mut events = EventsLeft::of(walk);
            for (at, touchpoint) in journey.rows.iter().enumerate() {
                let Some(met) = positions.get(&touchpoint.position()) else { continue };
                let (number, values) = (at + 1, self.values(*met));
                taken.insert(place_of(met.1));
                first.by_values.entry(values).or_insert((number, values));
                if let Some(event) = self.event(met.1) {
                    first.by_event.entry(event).or_insert((number, values));
                }
                let facts = &self.rules.facts[touchpoint.code as usize];
                let counting = Counting {
                    stages: entered_at(walk, at),
                    conversions: events.take(
                        facts.conversions,
                        touchpoint.time_us,
                        journey.order(touchpoint),
                    ),
                };
                let shown = self.of_journey(met.1, at + 1, touchpoint, journey, counting);
                rows.push((met.1.time_us, shown));
            }
        }
        let mut dropped: Vec<(Option<i64>, Place, ExplainedRow)> = Vec::new();
        for (worker, watched) in self.watched.iter().enumerate() {
            for row in watched.iter().filter(|row| !taken.contains(&place_of(row))) {
                let mut shown = self.plain(row);
                let by_contract = self.dropped_by_contract(row);
                shown.dropped =
                    Some(by_contract.unwrap_or_else(|| self.dropped_by_journey((worker, row), &first)));
                dropped.push((row.time_us, place_of(row), shown));
            }
        }
        // Whichever worker met a row, it stands at the same place.
        dropped.sort_by_key(|(time_us, place, _)| (*time_us, *place));
        for (time_us, _, row) in dropped {
            let at = rows.partition_point(|(other, _)| *other <= time_us);
            rows.insert(at, (time_us, row));
        }
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// The row of the journey with this number.
    fn of_journey(
        &self,
        row: &WatchedRow,
        number: usize,
        touchpoint: &Touchpoint,
        journey: &Journey<'_>,
        counting: Counting,
    ) -> ExplainedRow {
        let facts = &self.rules.facts[touchpoint.code as usize];
        let channel = self.rules.channels.get(usize::from(facts.channel)).map(String::as_str);
        let said = self.said_of(row);
        let value = |name: &str| match name {
            "channel" => channel.filter(|_| facts.has_channel),
            name => said.and_then(|said| self.text(said, name)),
        };
        let written = |name: &str| said.and_then(|said| self.text(said, name));
        let mut roles: Vec<Role> = channel_role(self.plan, written).into_iter().collect();
        roles.extend(roles_of(self.plan, facts, counting, value));
        ExplainedRow {
            number: Some(number),
            value_minor: journey.amount_minor(touchpoint),
            channel: channel.filter(|_| facts.has_channel || facts.touch).map(str::to_owned),
            roles,
            ..self.plain(row)
        }
    }
}

/// Bits of the stages that are entered with the row at a place of the journey.
fn entered_at(walk: &Walk, at: usize) -> u64 {
    let entered = walk.entries.iter().enumerate().filter(|(_, row)| **row == Some(at as u32));
    entered.fold(0, |bits, (stage, _)| bits | 1 << stage)
}

/// Conversions of a walk that no row has been found for, by conversion, instant and order.
struct EventsLeft(BTreeMap<(usize, i64, Option<u64>), usize>);

impl EventsLeft {
    fn of(walk: &Walk) -> Self {
        let mut left = BTreeMap::new();
        for event in &walk.conversions {
            *left.entry((event.conversion, event.time_us, event.order)).or_default() += 1;
        }
        Self(left)
    }

    /// Of the conversions with these bits those that a row of the instant and order is.
    fn take(&mut self, conversions: u64, time_us: i64, order: Option<u64>) -> u64 {
        let mut taken = 0;
        for conversion in (0..64).filter(|conversion| conversions >> conversion & 1 == 1) {
            if let Some(left) = self.0.get_mut(&(conversion, time_us, order)).filter(|left| **left > 0) {
                *left -= 1;
                taken |= 1 << conversion;
            }
        }
        taken
    }
}

/// Source, file and row of a row.
type Place = (usize, usize, u64);

fn place_of(row: &WatchedRow) -> Place {
    (row.source, row.file, row.row)
}

/// What makes two rows of one event equal.
type Values = (Option<i64>, u32, Option<i64>, Option<u64>);

/// Numbers of the rows of a journey that came first, with their values.
#[derive(Default)]
struct FirstRows {
    by_event: BTreeMap<EventKey, (usize, Values)>,
    by_values: BTreeMap<Values, (usize, Values)>,
}

/// An instant as RFC 3339, UTC.
pub(super) fn instant_text(time_us: i64) -> String {
    jiff::Timestamp::from_microsecond(time_us).map_or_else(|_| time_us.to_string(), |time| time.to_string())
}

/// An instant as the clock of a zone shows it, with as much of a second as there is.
pub(super) fn local_text(time_us: i64, zone: &Zone) -> String {
    match jiff::Timestamp::from_microsecond(time_us) {
        Ok(time) => time.to_zoned(zone.zone.clone()).strftime("%Y-%m-%d %H:%M:%S%.f").to_string(),
        Err(_) => time_us.to_string(),
    }
}
