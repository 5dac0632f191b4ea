//! What lies in a partition, and what comes out of it: the journeys of its customers.

use crate::config::plan::Dedupe;

use super::buffer::{
    AssignmentRow, AttributeRow, Chunks, DatedAttributeRow, HAS_AMOUNT, HAS_ORDER, PLAIN, PartitionBuffer,
};
use super::by_position::ByPosition;
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
    /// Minor units.
    pub(super) amounts: ByPosition<i64>,
    /// Hashes.
    pub(super) orders: ByPosition<u64>,
    /// By number column: millionths.
    pub(super) numbers: Vec<ByPosition<i64>>,
}

impl Besides {
    pub(super) fn clear(&mut self) {
        self.amounts.clear();
        self.orders.clear();
        self.numbers.iter_mut().for_each(ByPosition::clear);
    }

    /// A number of a row, in millionths; None: null.
    #[inline]
    pub(super) fn number(&self, row: &Touchpoint, index: usize) -> Option<i64> {
        self.numbers.get(index)?.get(row.at & PLAIN)
    }

    /// All numbers of a row, by column.
    pub(super) fn numbers(&self, row: &Touchpoint) -> impl Iterator<Item = Option<i64>> {
        let at = row.at & PLAIN;
        self.numbers.iter().map(move |column| column.get(at))
    }

    /// Value in minor units; None: null.
    #[inline]
    pub(super) fn amount_minor(&self, row: &Touchpoint) -> Option<i64> {
        if row.at & HAS_AMOUNT == 0 { None } else { self.amounts.get(row.at & PLAIN) }
    }

    /// Hash of the order's id; None where there is none or nothing asks for it.
    #[inline]
    pub(super) fn order(&self, row: &Touchpoint) -> Option<u64> {
        if row.at & HAS_ORDER == 0 { None } else { self.orders.get(row.at & PLAIN) }
    }
}

/// What the customers table says of a customer from an instant on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct AttributesSince {
    /// µs since the epoch; the least number there is: from the beginning.
    pub from_us: i64,
    /// Code of the attributes.
    pub code: u32,
}

/// What the customers table says of a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attributes<'a> {
    /// The same at all times; None: the customer isn't in the table.
    Always(Option<u32>),
    /// By instant, of several at one instant the last holds; empty: the customer isn't in the table.
    Since(&'a [AttributesSince]),
}

impl Attributes<'_> {
    /// Code of what is valid at an instant (µs); None: nothing is known of that time.
    #[inline]
    pub fn at(self, time_us: i64) -> Option<u32> {
        match self {
            Attributes::Always(code) => code,
            Attributes::Since(all) => {
                let valid = all.partition_point(|since| since.from_us <= time_us).checked_sub(1)?;
                Some(all[valid].code)
            }
        }
    }

    /// Whether the customer stands in the customers table.
    #[inline]
    pub fn is_known(self) -> bool {
        match self {
            Attributes::Always(code) => code.is_some(),
            Attributes::Since(all) => !all.is_empty(),
        }
    }
}

/// All that is known of one customer, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct Journey<'a> {
    /// Who.
    pub customer: CustomerHash,
    /// In total order, without duplicates. May be empty where only an assignment or attributes are known.
    pub rows: &'a [Touchpoint],
    /// What the customers table says.
    pub attributes: Attributes<'a>,
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

    /// A number of one of the journey's rows, by its place in [`crate::config::plan::Plan::numbers`], in
    /// [millionths](crate::config::plan::NUMBER_PER_UNIT); None: null.
    #[inline]
    pub fn number(&self, row: &Touchpoint, index: usize) -> Option<i64> {
        self.besides.number(row, index)
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
    /// Attributes of customers, where they hold at all times.
    pub attributes: Vec<(usize, Chunks<AttributeRow>)>,
    /// Attributes of customers, where they hold from an instant on. Never both.
    pub dated_attributes: Vec<(usize, Chunks<DatedAttributeRow>)>,
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
    /// Whether customers of whom nothing but attributes is known have journeys, too: without rows.
    pub everyone: bool,
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
    /// Rows of the customers table that say something else of a customer, of the same time, than the row that holds.
    pub conflicting_attributes: u64,
    /// Customers with at least one kept row who stand in the customers table.
    pub customers_in_table: u64,
    /// Rows of the customers table of whose customers there is no touchpoint.
    pub table_rows_without_touchpoints: u64,
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
        self.customers_in_table += other.customers_in_table;
        self.table_rows_without_touchpoints += other.table_rows_without_touchpoints;
        self.bots += other.bots;
        self.bot_rows += other.bot_rows;
    }
}
