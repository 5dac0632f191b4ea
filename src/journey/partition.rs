//! One partition at a time: rows are gathered by customer, ordered, and handed on as journeys.

use std::cmp::Ordering;

use crate::config::plan::Dedupe;

use super::buffer::PartitionBuffer;
use super::key::{CustomerHash, EventKey};
use super::rules::Rules;

/// One touchpoint of a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touchpoint {
    /// µs since the epoch.
    pub time_us: i64,
    /// Code in the codebook: index into [`Rules::facts`].
    pub code: u32,
    /// Value in minor units; None: null.
    pub amount_minor: Option<i64>,
    /// Hash of the order's id; None where there is none or nothing asks for it.
    pub order: Option<u64>,
}

/// One line of the assignment log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assignment {
    /// µs since the epoch.
    pub time_us: i64,
    /// Code of experiment and variant.
    pub code: u32,
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
}

/// What a partition holds before it is cut into journeys.
#[derive(Debug, Default)]
pub struct Partition {
    /// What each worker found, with the worker's index.
    pub buffers: Vec<(usize, PartitionBuffer)>,
    /// Code of the attributes by customer.
    pub attributes: Vec<(CustomerHash, u32)>,
    /// Assignments by customer.
    pub assignments: Vec<(CustomerHash, Assignment)>,
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

/// Memory that is used again from partition to partition.
#[derive(Debug, Default)]
pub struct Scratch {
    table: Vec<u32>,
    customers: Vec<CustomerHash>,
    ids: Vec<u32>,
    ends: Vec<u32>,
    entries: Vec<Entry>,
    amounts: Vec<i64>,
    orders: Vec<Option<u64>>,
    events: Vec<EventKey>,
    rows: Vec<Touchpoint>,
    attributes: Vec<u32>,
    assignments: Vec<(u32, Assignment)>,
    own_assignments: Vec<Assignment>,
    event_index: Vec<(EventKey, u32)>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    time_us: i64,
    code: u32,
    /// Position among the rows of the partition, where amount and event id stand.
    at: u32,
}

const EMPTY: u32 = u32::MAX;
const NO_AMOUNT: i64 = i64::MIN;

/// Gives every customer of a partition a dense id: open addressing on bits of the hash below those
/// that chose the partition.
struct Interner<'a> {
    table: &'a mut Vec<u32>,
    customers: &'a mut Vec<CustomerHash>,
}

impl<'a> Interner<'a> {
    fn new(table: &'a mut Vec<u32>, customers: &'a mut Vec<CustomerHash>, expected: usize) -> Self {
        table.clear();
        table.resize((expected.max(16) * 2).next_power_of_two(), EMPTY);
        customers.clear();
        Self { table, customers }
    }

    #[inline]
    fn slot(&self, customer: CustomerHash) -> usize {
        let mask = self.table.len() - 1;
        let mut slot = customer.0 as usize & mask;
        loop {
            let id = self.table[slot];
            if id == EMPTY || self.customers[id as usize] == customer {
                return slot;
            }
            slot = (slot + 1) & mask;
        }
    }

    #[inline]
    fn find(&self, customer: CustomerHash) -> Option<u32> {
        let id = self.table[self.slot(customer)];
        (id != EMPTY).then_some(id)
    }

    #[inline]
    fn intern(&mut self, customer: CustomerHash) -> u32 {
        let slot = self.slot(customer);
        if self.table[slot] != EMPTY {
            return self.table[slot];
        }
        let id = self.customers.len() as u32;
        self.customers.push(customer);
        self.table[slot] = id;
        if self.customers.len() * 4 > self.table.len() * 3 {
            self.grow();
        }
        id
    }

    #[cold]
    fn grow(&mut self) {
        let length = self.table.len() * 2;
        self.table.clear();
        self.table.resize(length, EMPTY);
        let mask = length - 1;
        for (id, customer) in self.customers.iter().enumerate() {
            let mut slot = customer.0 as usize & mask;
            while self.table[slot] != EMPTY {
                slot = (slot + 1) & mask;
            }
            self.table[slot] = id as u32;
        }
    }
}

/// Cuts a partition into journeys and shows each to `visit`.
///
/// `remaps` maps each worker's codes to codes of the book. Customers come in an order that depends on
/// the files; all that is done with a journey must not depend on it.
pub fn cut_into_journeys(
    partition: Partition,
    remaps: &[Vec<u32>],
    rules: &Rules,
    options: CutOptions,
    scratch: &mut Scratch,
    mut visit: impl FnMut(&Journey<'_>),
) -> CutCounts {
    let total: usize = partition.buffers.iter().map(|(_, buffer)| buffer.len()).sum();
    let Scratch {
        table,
        customers,
        ids,
        ends,
        entries,
        amounts,
        orders,
        events,
        rows,
        attributes,
        assignments,
        own_assignments,
        event_index,
    } = scratch;

    let mut counts = CutCounts::default();
    // First pass: dense ids, counts per customer.
    let mut interner = Interner::new(table, customers, total / 4);
    ids.clear();
    ids.reserve(total);
    ends.clear();
    for (_, buffer) in &partition.buffers {
        for row in buffer.rows() {
            let id = interner.intern(row.customer);
            if id as usize == ends.len() {
                ends.push(0);
            }
            ends[id as usize] += 1;
            ids.push(id);
        }
    }
    assignments.clear();
    for (customer, assignment) in &partition.assignments {
        let id = interner.intern(*customer);
        if id as usize == ends.len() {
            ends.push(0);
        }
        assignments.push((id, *assignment));
    }
    assignments.sort_unstable();
    attributes.clear();
    attributes.resize(ends.len(), EMPTY);
    for (customer, code) in &partition.attributes {
        if let Some(id) = interner.find(*customer) {
            // Of different rows of a customer the last in the order of their values is kept, null being
            // first: that doesn't depend on the files.
            let slot = &mut attributes[id as usize];
            if *slot == EMPTY {
                *slot = *code;
            } else if *slot != *code {
                counts.conflicting_attributes += 1;
                *slot = (*slot).max(*code);
            }
        }
    }

    // Second pass: counting sort by customer.
    let mut start = 0;
    for end in ends.iter_mut() {
        let count = *end;
        *end = start;
        start += count;
    }
    entries.clear();
    entries.resize(total, Entry::default());
    amounts.clear();
    orders.clear();
    events.clear();
    let mut at = 0_u32;
    let mut any_event = false;
    for (worker, buffer) in &partition.buffers {
        let remap = &remaps[*worker];
        for row in buffer.rows() {
            let position = &mut ends[ids[at as usize] as usize];
            entries[*position as usize] = Entry { time_us: row.time_us, code: remap[row.code as usize], at };
            *position += 1;
            amounts.push(row.amount_minor.unwrap_or(NO_AMOUNT));
            orders.push(row.order);
            events.push(row.event);
            any_event |= row.event != EventKey::NULL;
            at += 1;
        }
    }
    drop(partition);

    let order = |one: &Entry, other: &Entry| -> Ordering {
        one.time_us.cmp(&other.time_us).then_with(|| {
            let rank = |entry: &Entry| {
                let at = entry.at as usize;
                (
                    rules.facts[entry.code as usize].event_order,
                    events[at],
                    entry.code,
                    amounts[at],
                    orders[at],
                )
            };
            rank(one).cmp(&rank(other))
        })
    };

    let mut begin = 0_usize;
    let mut next_assignment = 0_usize;
    for (id, customer) in customers.iter().enumerate() {
        let end = ends[id] as usize;
        let own = &mut entries[begin..end];
        begin = end;
        own_assignments.clear();
        while let Some((_, assignment)) =
            assignments.get(next_assignment).filter(|(owner, _)| *owner as usize == id)
        {
            own_assignments.push(*assignment);
            next_assignment += 1;
        }
        if own.len() as u64 > options.max_rows_per_customer {
            counts.bots += 1;
            counts.bot_rows += own.len() as u64;
            continue;
        }
        sort_entries(own, order);
        rows.clear();
        let touchpoint = |entry: &Entry| Touchpoint {
            time_us: entry.time_us,
            code: entry.code,
            amount_minor: Some(amounts[entry.at as usize]).filter(|amount| *amount != NO_AMOUNT),
            order: orders[entry.at as usize],
        };
        match options.dedupe {
            Dedupe::EventId if any_event && has_repeated_event(own, events, event_index) => {
                drop_repeated_events(own, events, event_index, &mut counts, touchpoint, rows);
            }
            Dedupe::Row => {
                // Equal rows stand next to each other in the total order.
                let same = |one: &Entry, other: &Entry| order(one, other) == Ordering::Equal;
                for (position, entry) in own.iter().enumerate() {
                    if position > 0 && same(&own[position - 1], entry) {
                        counts.exact_duplicates += 1;
                    } else {
                        rows.push(touchpoint(entry));
                    }
                }
            }
            Dedupe::EventId | Dedupe::Off => rows.extend(own.iter().map(touchpoint)),
        }
        counts.kept += rows.len() as u64;
        counts.customers += u64::from(!rows.is_empty());
        let code = attributes[id];
        visit(&Journey {
            customer: *customer,
            rows,
            attributes: (code != EMPTY).then_some(code),
            assignments: own_assignments,
        });
    }
    counts
}

/// Most journeys are short and nearly in order: insertion sort up to 20 rows.
fn sort_entries(entries: &mut [Entry], order: impl Fn(&Entry, &Entry) -> Ordering) {
    if entries.len() > 20 {
        if !entries.is_sorted_by(|one, other| order(one, other) != Ordering::Greater) {
            entries.sort_unstable_by(order);
        }
        return;
    }
    for index in 1..entries.len() {
        let entry = entries[index];
        let mut hole = index;
        while hole > 0 && order(&entries[hole - 1], &entry) == Ordering::Greater {
            entries[hole] = entries[hole - 1];
            hole -= 1;
        }
        entries[hole] = entry;
    }
}

fn has_repeated_event(own: &[Entry], events: &[EventKey], index: &mut Vec<(EventKey, u32)>) -> bool {
    if own.len() <= 16 {
        return own.iter().enumerate().any(|(position, entry)| {
            let event = events[entry.at as usize];
            event != EventKey::NULL
                && own[..position].iter().any(|earlier| events[earlier.at as usize] == event)
        });
    }
    index.clear();
    index.extend(own.iter().map(|entry| (events[entry.at as usize], 0)));
    index.sort_unstable();
    index.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].0 != EventKey::NULL)
}

/// Keeps the first row of each event id in total order.
fn drop_repeated_events(
    own: &[Entry],
    events: &[EventKey],
    index: &mut Vec<(EventKey, u32)>,
    counts: &mut CutCounts,
    touchpoint: impl Fn(&Entry) -> Touchpoint,
    rows: &mut Vec<Touchpoint>,
) {
    index.clear();
    index
        .extend(own.iter().enumerate().map(|(position, entry)| (events[entry.at as usize], position as u32)));
    index.sort_unstable();
    for (position, entry) in own.iter().enumerate() {
        let event = events[entry.at as usize];
        let row = touchpoint(entry);
        let first = index.partition_point(|(key, _)| *key < event);
        let first = index[first].1 as usize;
        if event == EventKey::NULL || first == position {
            rows.push(row);
        } else if touchpoint(&own[first]) == row {
            counts.exact_duplicates += 1;
        } else {
            counts.conflicting_duplicates += 1;
            counts.conflicting_events.push(event);
        }
    }
}
