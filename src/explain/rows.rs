//! Every row of a customer: what its file says, what the contract and the journey made of it.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::config::plan::{Dedupe, Plan, Zone};
use crate::contract::touchpoints::{ReadFate, WatchedRow};
use crate::engine::look::{Said, SaidRow};
use crate::journey::key::EventKey;
use crate::journey::partition::Remaps;
use crate::journey::{Journey, Rules, Walk};

use super::rules::{Role, first_of, roles_of};

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
            ReadFate::Rejected(rule) => {
                dropped("rejected", format!("{}, by its `{}`", rule.as_str(), rule.column("touchpoints")))
            }
        }
    }

    fn values(&self, (worker, row): Met<'_>) -> (Option<i64>, u32, Option<i64>, Option<u64>) {
        let code = self.remaps.rows[worker][row.code as usize];
        (row.time_us, code, row.amount_minor, row.order)
    }

    /// Why a kept row is no part of a journey of these rows, of which those with a number are.
    fn dropped_by_journey(&self, row: Met<'_>, journey: &[(Met<'_>, ExplainedRow)]) -> Dropped {
        let contract = &self.plan.contract;
        let event = |row: &WatchedRow| {
            let id = self.said_of(row).and_then(|said| said.event_id.as_deref());
            id.map(|id| EventKey::of_text(id.as_bytes()))
        };
        let first = journey.iter().find(|(other, _)| match contract.dedupe {
            Dedupe::EventId => event(other.1).is_some() && event(other.1) == event(row.1),
            Dedupe::Row => self.values(*other) == self.values(row),
            Dedupe::Off => false,
        });
        match first {
            Some((other, shown)) => {
                let number = shown.number.unwrap_or(0);
                if self.values(*other) == self.values(row) {
                    Dropped { reason: "exact_duplicate", detail: format!("an equal copy of row {number}") }
                } else {
                    let detail = format!("the event_id of row {number}, with other values");
                    Dropped { reason: "conflicting_duplicate", detail }
                }
            }
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
        let mut numbered: Vec<(Met<'a>, ExplainedRow)> = Vec::new();
        if let Some((journey, walk)) = journey {
            for (at, touchpoint) in journey.rows.iter().enumerate() {
                let Some(met) = positions.get(&touchpoint.position()) else { continue };
                let facts = &self.rules.facts[touchpoint.code as usize];
                let mut row = self.plain(met.1);
                row.number = Some(at + 1);
                row.value_minor = journey.amount_minor(touchpoint);
                let channel = (facts.has_channel || facts.touch)
                    .then(|| self.rules.channels.get(usize::from(facts.channel)).cloned())
                    .flatten();
                row.channel = channel;
                let entered = |stage: &usize| walk.entries.get(*stage).copied().flatten() == Some(at as u32);
                let enters: Vec<usize> = (0..self.rules.stages).filter(entered).collect();
                let said = self.said_of(met.1);
                let value = |name: &str| match name {
                    "channel" if facts.has_channel => {
                        self.rules.channels.get(usize::from(facts.channel)).map(String::as_str)
                    }
                    name => said.and_then(|said| self.text(said, name)),
                };
                row.roles = roles_of(self.plan, facts, &enters, value);
                numbered.push((*met, row));
            }
        }
        let mut dropped: Vec<ExplainedRow> = Vec::new();
        for (worker, rows) in self.watched.iter().enumerate() {
            for watched in rows {
                let in_journey = numbered.iter().any(|((_, other), _)| std::ptr::eq(*other, watched));
                if in_journey {
                    continue;
                }
                let mut row = self.plain(watched);
                row.dropped = Some(
                    self.dropped_by_contract(watched)
                        .unwrap_or_else(|| self.dropped_by_journey((worker, watched), &numbered)),
                );
                dropped.push(row);
            }
        }
        // Whichever worker met a row, it stands at the same place.
        dropped.sort_by(|one, other| {
            (&one.time, &one.file, one.file_row).cmp(&(&other.time, &other.file, other.file_row))
        });
        let mut rows: Vec<ExplainedRow> = numbered.into_iter().map(|(_, row)| row).collect();
        for row in dropped {
            let at = rows.partition_point(|other| other.time <= row.time);
            rows.insert(at, row);
        }
        rows
    }
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
