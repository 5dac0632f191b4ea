//! What becomes of one customer's rows, for whoever asks why a number is what it is.

use crate::contract::reject::Rule;
use crate::contract::shares::Shares;
use crate::journey::buffer::CodeColumn;
use crate::journey::key::CustomerHash;

use super::BatchOrigin;
use super::screen::{Fate, Screen};

/// What the contract made of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReadFate {
    /// It went on to the customer's journey.
    Kept,
    /// Its time lies outside what a run reads.
    Outside,
    /// A rule of the configuration leaves it out.
    Excluded,
    /// Its customer is not to be looked at.
    Suppressed,
    /// It breaks a rule of the contract.
    Rejected(Rule),
}

/// A row of the watched customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WatchedRow {
    /// Position of the source.
    pub source: usize,
    /// Position of the file in its source.
    pub file: usize,
    /// Row of the file, from 0.
    pub row: u64,
    /// µs since the epoch; None: null.
    pub time_us: Option<i64>,
    /// The worker's code of the combination of its texts.
    pub code: u32,
    /// Value as the run takes it, minor units; None: null, or unusable.
    pub amount_minor: Option<i64>,
    /// Hash of the order's id; None where there is none or nothing asks for it.
    pub order: Option<u64>,
    /// Whether its value could not be read and was made null, for nothing uses it.
    pub nulled: bool,
    /// What became of it.
    pub fate: ReadFate,
}

/// Notes the customer's rows of a batch in the order of the file. Of all rows of the batch only those of them that are kept go on.
pub(super) fn watch(
    customer: CustomerHash,
    screen: &Screen<'_>,
    codes: &CodeColumn,
    origin: BatchOrigin<'_>,
    shares: &mut Shares,
    into: &mut Vec<WatchedRow>,
) {
    shares.begin(screen.codes.len());
    let own = screen.customers.iter().enumerate().filter(|(_, other)| **other == customer);
    for (row, _) in own {
        let fate = screen.fate(row);
        let (amount_minor, read) = match fate {
            Fate::Kept(_) => (codes.amount_minor(row), ReadFate::Kept),
            Fate::Outside => (None, ReadFate::Outside),
            Fate::Excluded => (None, ReadFate::Excluded),
            Fate::Suppressed => (None, ReadFate::Suppressed),
            Fate::Rejected(rejection) => (rejection.amount_minor, ReadFate::Rejected(rejection.rule)),
        };
        if read == ReadFate::Kept {
            shares.keep(row, customer);
        }
        into.push(WatchedRow {
            source: origin.source,
            file: origin.file,
            row: origin.first_row + row as u64,
            time_us: screen.time_us(row),
            code: screen.codes[row],
            amount_minor,
            order: codes.order(row),
            nulled: matches!(fate, Fate::Kept(kept) if kept.value_nulled),
            fate: read,
        });
    }
}
