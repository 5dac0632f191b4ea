//! Rows of some event ids, with all that orders them: for the rejects, which say where a conflicting copy stands.
//!
//! The kernel sees that a row repeats an event id long after it has forgotten which file the row came from. To keep that
//! for all rows would cost all runs; conflicts are few, so the files are read again for them.

use hashbrown::HashSet;

use crate::config::plan::NUMBER_PER_UNIT;
use crate::contract::ids::event_key;
use crate::input::columns::Amount;
use crate::journey::buffer::CodeColumn;
use crate::journey::key::{CustomerHash, EventKey};

use super::BatchOrigin;
use super::columns::BatchColumns;

/// A row with one of the event ids, as the contract keeps it.
///
/// The order of its fields from `customer` on is that of rows in a journey, once `event_order` is known.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SoughtRow {
    /// Whose it is.
    pub customer: CustomerHash,
    /// Its event id.
    pub event: EventKey,
    /// Its instant, µs since the epoch.
    pub time_us: i64,
    /// Place of its event in `journey.event_order`; those not listed come last.
    pub event_order: usize,
    /// By text column; None: null.
    pub texts: Vec<Option<String>>,
    /// Minor units; None: null.
    pub amount_minor: Option<i64>,
    /// Hash of the order's id.
    pub order: Option<u64>,
    /// By number that metrics sum: millionths; None: null.
    pub numbers: Vec<Option<i64>>,
    /// Position of the source.
    pub source: usize,
    /// Position of the file in its source.
    pub file: usize,
    /// Row of the file, from 0.
    pub row: u64,
}

/// The rows of a batch that count.
pub(super) struct Kept<'b> {
    /// By row of the batch.
    pub(super) customers: &'b [CustomerHash],
    /// By row of the batch.
    pub(super) codes: &'b CodeColumn,
    /// Numbers of the rows.
    pub(super) rows: &'b [u32],
}

/// Adds the kept rows of a batch that have one of the event ids.
pub(super) fn seek(
    events: &HashSet<EventKey>,
    event_order: &[String],
    columns: &BatchColumns,
    kept: Kept<'_>,
    origin: BatchOrigin<'_>,
    into: &mut Vec<SoughtRow>,
) {
    let Some(ids) = &columns.events else { return };
    let mut digits = itoa::Buffer::new();
    for row in kept.rows.iter().map(|row| *row as usize) {
        let event = event_key(ids, row, &mut digits);
        if !events.contains(&event) {
            continue;
        }
        let texts: Vec<Option<String>> =
            columns.texts.iter().map(|column| column.get(row).map(str::to_owned)).collect();
        let place = |name: &String| event_order.iter().position(|listed| listed == name);
        let number = |amount| if let Amount::Minor(number) = amount { Some(number) } else { None };
        into.push(SoughtRow {
            customer: kept.customers[row],
            event,
            time_us: columns.times.value(row),
            event_order: texts.first().and_then(Option::as_ref).and_then(place).unwrap_or(usize::MAX),
            amount_minor: kept.codes.amount_minor(row),
            order: kept.codes.order(row),
            numbers: columns.numbers.iter().map(|column| number(column.get(row, NUMBER_PER_UNIT))).collect(),
            texts,
            source: origin.source,
            file: origin.file,
            row: origin.first_row + row as u64,
        });
    }
}
