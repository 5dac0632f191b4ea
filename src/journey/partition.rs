//! What lies in a partition, and what comes out of it: the journeys of its customers.

use crate::config::plan::Dedupe;

use super::buffer::{AssignmentRow, AttributeRow, Chunks, HAS_AMOUNT, HAS_ORDER, PLAIN, PartitionBuffer};
use super::key::{CustomerHash, EventKey};

/// One touchpoint of a journey.
#[derive(Debug, Clone, Copy, Default)]
pub struct Touchpoint {
    /// µs since the epoch.
    pub time_us: i64,
    /// Code in the codebook: index into [`super::Rules::facts`].
    pub code: u32,
    /// Position in the partition, and what stands beside the row.
    pub(super) at: u32,
}

impl Touchpoint {
    /// Place of the row among those of its partition, as [`super::cut::first_positions`] counts them.
    pub fn position(&self) -> usize {
        (self.at & PLAIN) as usize
    }
}

/// One line of the assignment log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Assignment {
    /// µs since the epoch.
    pub time_us: i64,
    /// Code of experiment and variant.
    pub code: u32,
}

/// What only some rows have, by position in the partition.
#[derive(Debug, Clone, Default)]
pub(super) struct Besides {
    pub(super) amounts: Vec<(u32, i64)>,
    pub(super) orders: Vec<(u32, u64)>,
}

impl Besides {
    pub(super) fn clear(&mut self) {
        self.amounts.clear();
        self.orders.clear();
    }

    /// Value in minor units; None: null.
    #[inline]
    pub(super) fn amount_minor(&self, row: &Touchpoint) -> Option<i64> {
        if row.at & HAS_AMOUNT == 0 { None } else { find(&self.amounts, row.at & PLAIN) }
    }

    /// Hash of the order's id; None where there is none or nothing asks for it.
    #[inline]
    pub(super) fn order(&self, row: &Touchpoint) -> Option<u64> {
        if row.at & HAS_ORDER == 0 { None } else { find(&self.orders, row.at & PLAIN) }
    }
}

fn find<T: Copy>(sorted: &[(u32, T)], at: u32) -> Option<T> {
    let place = sorted.binary_search_by_key(&at, |(at, _)| *at).ok()?;
    Some(sorted[place].1)
}

/// All that is known of one customer, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Journey<'a> {
    /// Who.
    pub customer: CustomerHash,
    /// In total order, without duplicates. May be empty where only an assignment is known.
    pub rows: &'a [Touchpoint],
    /// Code of the attributes; None: not in the customers table.
    pub attributes: Option<u32>,
    /// By time, then code.
    pub assignments: &'a [Assignment],
    pub(super) besides: &'a Besides,
}

impl Journey<'_> {
    /// What was known at an instant (µs) of what happened: the rows before it.
    pub fn before(&self, time_us: i64) -> Self {
        let rows = &self.rows[..self.rows.partition_point(|row| row.time_us < time_us)];
        Self { rows, ..*self }
    }

    /// Value of one of the journey's rows in minor units; None: null.
    #[inline]
    pub fn amount_minor(&self, row: &Touchpoint) -> Option<i64> {
        self.besides.amount_minor(row)
    }

    /// Hash of the order's id of one of the journey's rows; None where there is none or nothing asks for it.
    #[inline]
    pub fn order(&self, row: &Touchpoint) -> Option<u64> {
        self.besides.order(row)
    }
}

/// What a partition holds before it is cut into journeys: what each worker found, with the worker's index.
#[derive(Debug, Default)]
pub struct Partition {
    /// Touchpoints.
    pub rows: Vec<(usize, PartitionBuffer)>,
    /// Attributes of customers.
    pub attributes: Vec<(usize, Chunks<AttributeRow>)>,
    /// Assignments of customers.
    pub assignments: Vec<(usize, Chunks<AssignmentRow>)>,
}

/// By worker: its codes to codes of the merged book.
#[derive(Debug, Clone, Default)]
pub struct Remaps {
    /// Of touchpoints.
    pub rows: Vec<Vec<u32>>,
    /// Of attributes.
    pub attributes: Vec<Vec<u32>>,
    /// Of assignments.
    pub assignments: Vec<Vec<u32>>,
}

/// How journeys are cut.
#[derive(Debug, Clone, Copy)]
pub struct CutOptions {
    /// What makes two rows the same.
    pub dedupe: Dedupe,
    /// Customers with more rows are left out and counted.
    pub max_rows_per_customer: u64,
}

/// What was left out while journeys were cut, and what was kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CutCounts {
    /// Customers with at least one kept row.
    pub customers: u64,
    /// Rows that went on.
    pub kept: u64,
    /// Copies equal in every mapped column.
    pub exact_duplicates: u64,
    /// Rows with the event id of another row of the customer, but other values.
    pub conflicting_duplicates: u64,
    /// Event ids of those, for the rejects.
    pub conflicting_events: Vec<EventKey>,
    /// Rows of the customers table that say something else of a customer than another row did.
    pub conflicting_attributes: u64,
    /// Customers over the limit.
    pub bots: u64,
    /// Their rows.
    pub bot_rows: u64,
}

impl CutCounts {
    /// Adds what another partition counted.
    pub fn merge(&mut self, other: CutCounts) {
        self.customers += other.customers;
        self.kept += other.kept;
        self.exact_duplicates += other.exact_duplicates;
        self.conflicting_duplicates += other.conflicting_duplicates;
        self.conflicting_events.extend(other.conflicting_events);
        self.conflicting_attributes += other.conflicting_attributes;
        self.bots += other.bots;
        self.bot_rows += other.bot_rows;
    }
}
