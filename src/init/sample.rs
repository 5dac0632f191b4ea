//! A bounded look at rows: which events there are and in which order customers have them, how many values a column has.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use xxhash_rust::xxh3::xxh3_64;

use crate::config::plan::{Integrity, SourcePlan, Zone};
use crate::input::columns::{Ids, LocalTimes, Texts, times};
use crate::input::open::{Located, Need, OpenFile, Role, Scope, open};
use crate::input::{InputError, csv};

use super::groups::Group;
use super::survey::{Export, Kind, source};

/// Rows that are looked at, at most.
const MAX_ROWS: u64 = 500_000;
/// Row groups that they are spread over, at most.
const MAX_GROUPS: usize = 64;
/// A text column with more values divides nobody into segments, and its values aren't kept.
pub(super) const MAX_VALUES: usize = 50;
/// Columns beside the mapped ones that are looked at, at most.
const MAX_OTHERS: usize = 40;
/// Events that are told apart; more are no events.
const MAX_EVENTS: usize = 5_000;

/// Values of a text column, up to a limit.
#[derive(Debug, Clone, Default)]
pub struct Values {
    /// In order; more than the limit are not kept.
    pub distinct: BTreeSet<String>,
    /// Whether there are more.
    pub more: bool,
}

impl Values {
    fn add(&mut self, value: &str) {
        if self.more || self.distinct.contains(value) {
            return;
        }
        if self.distinct.len() == MAX_VALUES {
            self.more = true;
            self.distinct.clear();
        } else {
            self.distinct.insert(value.to_owned());
        }
    }

    /// How many there are; None where they weren't counted to the end.
    pub fn count(&self) -> Option<usize> {
        (!self.more).then_some(self.distinct.len())
    }
}

/// A row of the sample.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Step {
    /// Hash of the id: equal for equal ids within one call, and of no use elsewhere.
    pub customer: u64,
    /// µs since the epoch.
    pub us: i64,
    /// Position in [`Log::events`].
    pub event: u32,
}

/// What is known of an event.
#[derive(Debug, Clone, Default)]
pub struct EventRows {
    /// Rows.
    pub rows: u64,
    /// Rows with a value other than 0.
    pub with_value: u64,
    /// Rows whose order the same customer had before.
    pub repeated: u64,
    /// Of these, rows with another value than the first of the order.
    pub repeated_otherwise: u64,
}

/// What the sample of touchpoints shows.
#[derive(Debug, Clone, Default)]
pub struct Log {
    /// Rows looked at.
    pub rows: u64,
    /// Whether these are all rows.
    pub is_whole: bool,
    /// Rows without a customer, a time or an event.
    pub unusable: u64,
    /// Rows whose event id the same customer had before.
    pub duplicates: u64,
    /// Channels.
    pub channels: Values,
    /// Codes of currencies.
    pub currencies: Values,
    /// By name.
    pub events: Vec<(String, EventRows)>,
    /// By customer and time.
    pub steps: Vec<Step>,
    /// Values of columns that mean nothing yet.
    pub others: BTreeMap<String, Values>,
    events_by_name: HashMap<String, u32>,
}

impl Log {
    /// Of nothing yet.
    pub fn new() -> Self {
        Self { is_whole: true, ..Self::default() }
    }

    /// Adds the sample of a group; `event` is that of all rows where there is no column.
    ///
    /// # Errors
    ///
    /// A file can't be read after all.
    pub fn add(&mut self, group: &Group, event: Option<&str>) -> Result<(), InputError> {
        let mut plan = source_of(group);
        if let Some(event) = event.filter(|_| group.find("event").is_none()) {
            plan.constants.insert("event".to_owned(), event.to_owned());
        }
        let others = other_columns(group);
        let mut needs = vec![
            Need::required("customer_id", Role::Id),
            Need::required("occurred_at", Role::Time),
            Need::required("event", Role::Text),
            Need::optional("channel", Role::Text),
            Need::optional("currency", Role::Text),
            Need::optional("value", Role::Number),
            Need::optional("event_id", Role::Id),
            Need::optional("order_id", Role::Id),
        ];
        // What wasn't mapped isn't what has the same name and another type.
        needs.retain(|need| need.required || group.find(&need.logical).is_some());
        let place = |logical: &str| needs.iter().position(|need| need.logical == logical);
        let [channel, currency, value, event_id, order_id] =
            ["channel", "currency", "value", "event_id", "order_id"].map(place);
        let first_other = needs.len();
        needs.extend(others.iter().map(|name| Need::optional(name, Role::Text)));
        let mut local = plan.timezone.as_ref().map(LocalTimes::new);
        let mut seen_ids: HashSet<(u64, u64)> = HashSet::new();
        let mut first_values: HashMap<(u64, u64, u32), Option<u64>> = HashMap::new();
        let is_whole = read(&plan, &group.exports, &needs, &mut |batch, located| {
            let ids = Ids::of(&located[0], batch)?;
            let times = times(&located[1], batch, local.as_mut())?;
            let events = Texts::of(&located[2], batch)?;
            let text = |at: Option<usize>| at.map(|at| Texts::of(&located[at], batch)).transpose();
            let (channels, currencies) = (text(channel)?, text(currency)?);
            let values = value.map(|at| numbers(&located[at], batch)).transpose()?.flatten();
            let ids_at = |at: Option<usize>| at.map(|at| Ids::of(&located[at], batch)).transpose();
            let (event_ids, order_ids) = (ids_at(event_id)?, ids_at(order_id)?);
            let mut digits = itoa::Buffer::new();
            for row in 0..batch.num_rows() {
                self.rows += 1;
                let customer = ids.get(row, &mut digits).map(xxh3_64);
                let time = times.is_valid(row).then(|| times.value(row));
                let event = events.get(row).and_then(|event| self.event(event));
                let (Some(customer), Some(us), Some(event)) = (customer, time, event) else {
                    self.unusable += 1;
                    continue;
                };
                self.steps.push(Step { customer, us, event });
                if let Some(id) = event_ids.as_ref().and_then(|ids| ids.get(row, &mut digits).map(xxh3_64)) {
                    self.duplicates += u64::from(!seen_ids.insert((customer, id)));
                }
                let counted = &mut self.events[event as usize].1;
                counted.rows += 1;
                let amount =
                    values.as_ref().filter(|values| values.is_valid(row)).map(|values| values.value(row));
                let is_worth = amount.is_some_and(|amount| amount != 0.0 && amount.is_finite());
                counted.with_value += u64::from(is_worth);
                if let Some(order) = order_ids.as_ref().and_then(|ids| ids.get(row, &mut digits).map(xxh3_64))
                {
                    let bits = amount.map(f64::to_bits);
                    match first_values.entry((customer, order, event)) {
                        Entry::Vacant(first) => {
                            first.insert(bits);
                        }
                        Entry::Occupied(first) => {
                            counted.repeated += 1;
                            counted.repeated_otherwise += u64::from(*first.get() != bits);
                        }
                    }
                }
                if let Some(channel) = channels.as_ref().and_then(|channels| channels.get(row)) {
                    self.channels.add(channel);
                }
                // Without an amount a currency says nothing.
                if let Some(currency) =
                    currencies.as_ref().filter(|_| is_worth).and_then(|currencies| currencies.get(row))
                {
                    self.currencies.add(&currency.to_uppercase());
                }
            }
            for (at, name) in others.iter().enumerate() {
                let texts = Texts::of(&located[first_other + at], batch)?;
                let values = self.others.entry(name.clone()).or_default();
                (0..batch.num_rows()).filter_map(|row| texts.get(row)).for_each(|text| values.add(text));
            }
            Ok(())
        })?;
        self.is_whole &= is_whole;
        self.steps.sort_unstable();
        Ok(())
    }

    /// The number of an event; None for one too many.
    fn event(&mut self, name: &str) -> Option<u32> {
        if let Some(known) = self.events_by_name.get(name) {
            return Some(*known);
        }
        let number = u32::try_from(self.events.len()).ok().filter(|_| self.events.len() < MAX_EVENTS)?;
        self.events.push((name.to_owned(), EventRows::default()));
        self.events_by_name.insert(name.to_owned(), number);
        Some(number)
    }
}

/// What the sample of a customers table shows: the values of the columns that could divide customers.
///
/// # Errors
///
/// A file can't be read after all.
pub fn attributes(group: &Group) -> Result<BTreeMap<String, Values>, InputError> {
    let names = other_columns(group);
    let needs: Vec<Need> = names.iter().map(|name| Need::optional(name, Role::Text)).collect();
    let mut found: BTreeMap<String, Values> = BTreeMap::new();
    read(&source_of(group), &group.exports, &needs, &mut |batch, located| {
        for (name, place) in names.iter().zip(located) {
            let texts = Texts::of(place, batch)?;
            let values = found.entry(name.clone()).or_default();
            (0..batch.num_rows()).filter_map(|row| texts.get(row)).for_each(|text| values.add(text));
        }
        Ok(())
    })?;
    Ok(found)
}

/// The codes in the column `currency` of a table of amounts, of which there are few rows.
///
/// # Errors
///
/// A file can't be read after all.
pub fn currencies(group: &Group) -> Result<BTreeSet<String>, InputError> {
    let Some(mapped) = group.find("currency") else { return Ok(BTreeSet::new()) };
    let mut found = Values::default();
    for export in group.exports.iter().filter(|export| export.footer.is_none()) {
        let batch = csv::read(&export.file, Integrity::Prefer)?.batch;
        let column = batch.column_by_name(&mapped.physical);
        let texts = column.into_iter().flat_map(|column| column.as_string::<i32>().iter().flatten());
        texts.for_each(|text| found.add(&text.to_uppercase()));
    }
    let needs = [Need::optional("currency", Role::Text)];
    read(&source_of(group), &group.exports, &needs, &mut |batch, located| {
        let texts = Texts::of(&located[0], batch)?;
        let texts = (0..batch.num_rows()).filter_map(|row| texts.get(row));
        texts.for_each(|text| found.add(&text.to_uppercase()));
        Ok(())
    })?;
    Ok(found.distinct)
}

/// Whether no id stands in two rows of the sample of an export.
pub fn ids_are_unique(export: &Export, physical: &str) -> bool {
    let mut plan = source("init", Vec::new());
    plan.columns.insert("customer_id".to_owned(), physical.to_owned());
    let mut seen = HashSet::new();
    let mut unique = true;
    let needs = [Need::required("customer_id", Role::Id)];
    let looked = read(&plan, std::slice::from_ref(export), &needs, &mut |batch, located| {
        let ids = Ids::of(&located[0], batch)?;
        let mut digits = itoa::Buffer::new();
        for row in 0..batch.num_rows() {
            unique &= ids.get(row, &mut digits).is_none_or(|id| seen.insert(xxh3_64(id)));
        }
        Ok(())
    });
    unique && looked.is_ok()
}

/// Numbers of a column; None where it isn't there.
fn numbers(located: &Located, batch: &RecordBatch) -> Result<Option<arrow::array::Float64Array>, ArrowError> {
    let Located::Column(at, _) = located else { return Ok(None) };
    let column = cast(batch.column(*at), &DataType::Float64)?;
    Ok(Some(column.as_primitive::<Float64Type>().clone()))
}

/// Columns that aren't mapped and whose values can be compared as texts, in the order of the first file.
fn other_columns(group: &Group) -> Vec<String> {
    let Some(first) = group.exports.first() else { return Vec::new() };
    let is_free = |name: &str| {
        let known = group.mapped.iter().chain(&group.partly);
        known.clone().all(|mapped| mapped.physical != name && mapped.logical != name)
    };
    let is_text = |kind: Kind| matches!(kind, Kind::Text | Kind::Flag | Kind::Integer);
    let columns = first.columns.iter().filter(|column| is_text(column.kind) && is_free(&column.name));
    // A name that stands twice is refused by a run.
    let stands_once = |name: &str| first.columns.iter().filter(|column| column.name == name).count() == 1;
    columns.map(|column| column.name.clone()).filter(|name| stands_once(name)).take(MAX_OTHERS).collect()
}

/// How a group is read.
fn source_of(group: &Group) -> SourcePlan {
    let mut plan = source("init", Vec::new());
    let mapped = group.mapped.iter();
    plan.columns = mapped.map(|mapped| (mapped.logical.to_owned(), mapped.physical.clone())).collect();
    if group.needs_timezone() {
        plan.timezone = Some(Zone { name: "UTC".to_owned(), zone: jiff::tz::TimeZone::UTC });
    }
    plan
}

type Take<'t> = &'t mut dyn FnMut(&RecordBatch, &[Located]) -> Result<(), ArrowError>;

/// Decodes a bounded sample of some files: all rows if they are few, else the beginnings of row groups that lie evenly
/// over them. Returns whether it was all.
fn read(plan: &SourcePlan, exports: &[Export], needs: &[Need], take: Take<'_>) -> Result<bool, InputError> {
    let mut groups: Vec<(usize, usize)> = Vec::new();
    let mut rows = 0;
    for (at, export) in exports.iter().enumerate() {
        let sizes = export.footer.iter().flat_map(|footer| footer.group_rows()).enumerate();
        for (group, size) in sizes.filter(|(_, size)| *size > 0) {
            groups.push((at, group));
            rows += size;
        }
    }
    let is_whole = rows <= MAX_ROWS;
    if !is_whole && groups.len() > MAX_GROUPS {
        groups = (0..MAX_GROUPS).map(|at| groups[at * groups.len() / MAX_GROUPS]).collect();
    }
    let limit = if is_whole { u64::MAX } else { MAX_ROWS / groups.len().max(1) as u64 };
    let mut opened: Option<(usize, OpenFile)> = None;
    for (at, group) in groups {
        if opened.as_ref().is_none_or(|(known, _)| *known != at) {
            let Some(footer) = exports[at].footer.clone() else { continue };
            // A column that a file lacks is no mistake here: it is left out of the mapping later.
            opened = Some((at, open(plan, footer, needs, None, Scope::default(), Integrity::Prefer)?));
        }
        let Some((_, file)) = &opened else { continue };
        let mut left = limit;
        for batch in file.read(&[group], None)? {
            let batch = batch?;
            let batch = batch.slice(0, batch.num_rows().min(usize::try_from(left).unwrap_or(usize::MAX)));
            take(&batch, &file.located).map_err(|error| file.unreadable(error))?;
            left -= batch.num_rows() as u64;
            if left == 0 {
                break;
            }
        }
    }
    Ok(is_whole)
}
