//! Cuts one partition at a time into journeys: rows are gathered by customer, ordered, and handed on.
//!
//! Two passes over the rows: the first gives each customer a dense id, the second drops 16 bytes of each
//! row into its customer's place (a counting sort). What is looked at rarely, such as event ids and amounts,
//! stays where it is and is found by position.

mod beside;

use std::cmp::Ordering;

use crate::config::plan::Dedupe;

use super::buffer::{CHUNK_ITEMS, Chunks, HAS_AMOUNT, HAS_ORDER, MAX_PARTITION_ROWS, PLAIN, PartitionBuffer};
use super::by_position::ByPosition;
use super::interner::{Interner, NOBODY};
use super::key::{CustomerHash, EventKey};
use super::partition::{
    Assignment, Attributes, AttributesSince, Besides, CutCounts, CutOptions, Journey, Partition, Remaps,
    Touchpoint,
};
use super::rules::Rules;

/// Memory that is used again from partition to partition.
#[derive(Debug, Default)]
pub struct Scratch {
    table: Vec<u32>,
    customers: Vec<CustomerHash>,
    /// By position: whose row.
    ids: Vec<u32>,
    /// By customer: where the rows end, once they are placed.
    ends: Vec<u32>,
    rows: Vec<Touchpoint>,
    besides: Besides,
    seen: Seen,
    /// By customer: whether two rows may have one event id.
    suspects: Vec<bool>,
    /// By customer: code in the book of attributes, or [`NOBODY`].
    attributes: Vec<u32>,
    /// By row of the customers table, where it says from when on: whose it is, or [`NOBODY`].
    dated_ids: Vec<u32>,
    dated_ends: Vec<u32>,
    dated: Vec<AttributesSince>,
    assignment_ids: Vec<u32>,
    assignment_ends: Vec<u32>,
    assignments: Vec<Assignment>,
    event_index: Vec<(u64, u32)>,
}

/// Which event ids of which customers have been met, or look like one that has: a Bloom filter (1970) of two
/// bits in one word.
#[derive(Debug, Default)]
struct Seen {
    words: Vec<u64>,
    shift: u32,
}

impl Seen {
    /// Sixteen bits a row: about one row in a hundred is suspected wrongly, and then looked at closely.
    fn reset(&mut self, rows: usize) {
        let words = rows.max(8).div_ceil(4).next_power_of_two();
        self.words.clear();
        self.words.resize(words, 0);
        self.shift = 64 - words.trailing_zeros();
    }

    /// Adds an event of a customer; true where it was there.
    #[inline]
    fn add(&mut self, event: EventKey, customer: u32) -> bool {
        let (high, low) = event.halves();
        let mixed = (high ^ low ^ u64::from(customer) << 32).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        // The upper bits of a product depend on all of its factors.
        let bits = 1 << (mixed >> 32 & 63) | 1 << (mixed >> 26 & 63);
        let word = &mut self.words[(mixed >> self.shift) as usize];
        let seen = *word & bits == bits;
        *word |= bits;
        seen
    }
}

/// Event ids by position; all are null where none are mapped.
struct EventsByPosition<'a> {
    low: Vec<&'a [u64]>,
    high: Vec<&'a [u64]>,
}

impl<'a> EventsByPosition<'a> {
    fn of(partition: &'a Partition) -> Self {
        let (mut low, mut high) = (Vec::new(), Vec::new());
        for (_, buffer) in &partition.rows {
            low.extend(buffer.events.low.chunks().filter(|chunk| !chunk.is_empty()));
            high.extend(buffer.events.high.chunks().filter(|chunk| !chunk.is_empty()));
            // The next worker's positions begin with a chunk of their own.
            high.resize(low.len(), &[]);
        }
        Self { low, high }
    }

    #[inline]
    fn get(&self, row: &Touchpoint) -> EventKey {
        let at = (row.at & PLAIN) as usize;
        match self.low.get(at / CHUNK_ITEMS) {
            Some(low) => event_of(low, self.high[at / CHUNK_ITEMS], at % CHUNK_ITEMS),
            None => EventKey::NULL,
        }
    }
}

#[inline]
fn event_of(low: &[u64], high: &[u64], place: usize) -> EventKey {
    EventKey::from_halves(high.get(place).copied().unwrap_or(EventKey::NUMBER_HIGH), low[place])
}

/// Cuts a partition into journeys and shows each to `visit`. The rows as they were found are let go as soon as
/// they are gathered: a customer may have millions.
///
/// Customers come in an order that depends on the files; all that is done with a journey must not depend
/// on it.
///
/// # Panics
/// Above [`MAX_PARTITION_ROWS`] rows, which a position can't tell apart.
pub fn cut_into_journeys(
    mut partition: Partition,
    remaps: &Remaps,
    rules: &Rules,
    options: CutOptions,
    scratch: &mut Scratch,
    mut visit: impl FnMut(&Journey<'_>),
) -> CutCounts {
    let mut counts = CutCounts::default();
    scratch.place_rows(&partition, remaps, options.dedupe);
    partition.rows.iter_mut().for_each(|(_, buffer)| buffer.rows = Chunks::default());
    scratch.find_attributes(&partition, remaps, options.everyone, &mut counts);
    scratch.place_assignments(&partition, remaps);
    let events = EventsByPosition::of(&partition);

    let Scratch {
        customers,
        ends,
        rows,
        besides,
        suspects,
        attributes,
        dated,
        dated_ends,
        assignment_ends,
        assignments,
        event_index,
        ..
    } = scratch;
    let besides: &Besides = besides;
    let order = |one: &Touchpoint, other: &Touchpoint| -> Ordering {
        one.time_us.cmp(&other.time_us).then_with(|| {
            let rank = |row: &Touchpoint| {
                (
                    rules.facts[row.code as usize].event_order,
                    events.get(row),
                    row.code,
                    besides.amount_minor(row),
                    besides.order(row),
                )
            };
            rank(one).cmp(&rank(other)).then_with(|| besides.numbers(one).cmp(besides.numbers(other)))
        })
    };

    let are_dated = !partition.dated_attributes.is_empty();
    let (mut begin, mut assignments_begin, mut dated_begin) = (0_usize, 0_usize, 0_usize);
    for (id, customer) in customers.iter().enumerate() {
        let end = ends[id] as usize;
        let own = &mut rows[begin..end];
        begin = end;
        let assignments_end = assignment_ends[id] as usize;
        let own_assignments = &mut assignments[assignments_begin..assignments_end];
        assignments_begin = assignments_end;
        let attributes = if are_dated {
            let own = dated_begin..dated_ends[id] as usize;
            dated_begin = own.end;
            Attributes::Since(&dated[own])
        } else {
            Attributes::Always((attributes[id] != NOBODY).then_some(attributes[id]))
        };
        if own.len() as u64 > options.max_rows_per_customer {
            counts.bots += 1;
            counts.bot_rows += own.len() as u64;
            continue;
        }
        own_assignments.sort_unstable();
        sort_rows(own, order);
        let kept = match options.dedupe {
            Dedupe::EventId if suspects[id] => {
                drop_repeated_events(own, &events, besides, event_index, &mut counts)
            }
            Dedupe::Row => drop_equal_rows(own, order, &mut counts),
            Dedupe::EventId | Dedupe::Off => own.len(),
        };
        counts.kept += kept as u64;
        counts.customers += u64::from(kept > 0);
        counts.customers_in_table += u64::from(kept > 0 && attributes.is_known());
        visit(&Journey {
            customer: *customer,
            rows: &own[..kept],
            attributes,
            assignments: own_assignments,
            besides,
        });
    }
    counts
}

impl Scratch {
    /// Gathers the rows by customer, in the order in which they were found.
    fn place_rows(&mut self, partition: &Partition, remaps: &Remaps, dedupe: Dedupe) {
        let total: usize = partition.rows.iter().map(|(_, buffer)| buffer.len()).sum();
        assert!(
            positions(partition) <= MAX_PARTITION_ROWS,
            "a partition of {total} rows is more than a position can tell apart"
        );
        let Self { table, customers, ids, ends, besides, .. } = self;
        let mut interner = Interner::new(table, customers, total / 8);
        ends.clear();
        ids.clear();
        ids.reserve(positions(partition));
        besides.clear();
        for (_, buffer) in &partition.rows {
            // The rows of a worker begin with a chunk of positions, so that a position names a chunk.
            ids.resize(ids.len().next_multiple_of(CHUNK_ITEMS), NOBODY);
            let base = ids.len() as u32;
            buffer.amounts.iter().for_each(|own| besides.amounts.push(base + own.at, own.bits as i64));
            buffer.orders.iter().for_each(|own| besides.orders.push(base + own.at, own.bits));
            besides.numbers.resize_with(buffer.numbers.len().max(besides.numbers.len()), ByPosition::default);
            for (column, numbers) in besides.numbers.iter_mut().zip(&buffer.numbers) {
                numbers.iter().for_each(|beside| column.push(base + beside.at, beside.bits as i64));
            }
            for chunk in buffer.rows.chunks() {
                for row in chunk {
                    let id = interner.intern(CustomerHash(row.key));
                    if id as usize == ends.len() {
                        ends.push(0);
                    }
                    ends[id as usize] += 1;
                    ids.push(id);
                }
            }
        }
        if dedupe == Dedupe::EventId {
            self.find_suspects(partition);
        }
        let Self { ids, ends, rows, .. } = self;
        to_starts(ends);
        rows.clear();
        rows.resize(total, Touchpoint::default());
        let mut at = 0_usize;
        for (worker, buffer) in &partition.rows {
            at = at.next_multiple_of(CHUNK_ITEMS);
            let remap = &remaps.rows[*worker];
            for chunk in buffer.rows.chunks() {
                for (row, id) in chunk.iter().zip(&ids[at..at + chunk.len()]) {
                    let place = &mut ends[*id as usize];
                    rows[*place as usize] = Touchpoint {
                        time_us: row.time_us,
                        code: remap[(row.code & PLAIN) as usize],
                        at: at as u32 | row.code & (HAS_AMOUNT | HAS_ORDER),
                    };
                    *place += 1;
                    at += 1;
                }
            }
        }
    }

    /// Finds customers of whom two rows may have one event id.
    fn find_suspects(&mut self, partition: &Partition) {
        let Self { ids, ends, seen, suspects, .. } = self;
        suspects.clear();
        suspects.resize(ends.len(), false);
        seen.reset(ids.len());
        let mut at = 0_usize;
        for (_, buffer) in &partition.rows {
            at = at.next_multiple_of(CHUNK_ITEMS);
            let mut highs = buffer.events.high.chunks();
            for low in buffer.events.low.chunks() {
                let high = highs.next().unwrap_or_default();
                for (place, id) in ids[at..at + low.len()].iter().enumerate() {
                    let event = event_of(low, high, place);
                    if event != EventKey::NULL && seen.add(event, *id) {
                        suspects[*id as usize] = true;
                    }
                }
                at += low.len();
            }
        }
    }
}

/// Where the positions of each worker's rows begin, in the order of [`Partition::rows`]; they ascend from there by
/// the row.
pub fn first_positions(partition: &Partition) -> Vec<usize> {
    let mut end = 0_usize;
    let begin = |(_, buffer): &(usize, PartitionBuffer)| {
        let begin = end.next_multiple_of(CHUNK_ITEMS);
        end = begin + buffer.len();
        begin
    };
    partition.rows.iter().map(begin).collect()
}

/// Positions of a partition: rows, with gaps that begin each worker's rows at a chunk.
fn positions(partition: &Partition) -> usize {
    partition.rows.iter().map(|(_, buffer)| buffer.len().next_multiple_of(CHUNK_ITEMS)).sum()
}

/// From counts to where each begins.
fn to_starts(counts: &mut [u32]) {
    let mut start = 0;
    for count in counts {
        start += std::mem::replace(count, start);
    }
}

/// Most journeys are short and nearly in order: insertion sort up to 20 rows.
fn sort_rows(rows: &mut [Touchpoint], order: impl Fn(&Touchpoint, &Touchpoint) -> Ordering) {
    if rows.len() > 20 {
        if !rows.is_sorted_by(|one, other| order(one, other) != Ordering::Greater) {
            rows.sort_unstable_by(order);
        }
        return;
    }
    for index in 1..rows.len() {
        let row = rows[index];
        let mut hole = index;
        while hole > 0 && order(&rows[hole - 1], &row) == Ordering::Greater {
            rows[hole] = rows[hole - 1];
            hole -= 1;
        }
        rows[hole] = row;
    }
}

/// Moves the rows that are kept to the front and returns how many they are.
fn retain(rows: &mut [Touchpoint], mut keep: impl FnMut(&[Touchpoint], usize) -> bool) -> usize {
    let drop: Vec<bool> = (0..rows.len()).map(|position| !keep(rows, position)).collect();
    let mut kept = 0;
    for position in 0..rows.len() {
        if !drop[position] {
            rows[kept] = rows[position];
            kept += 1;
        }
    }
    kept
}

/// Equal rows stand next to each other in the total order: the first is kept.
fn drop_equal_rows(
    rows: &mut [Touchpoint],
    order: impl Fn(&Touchpoint, &Touchpoint) -> Ordering,
    counts: &mut CutCounts,
) -> usize {
    let equals_previous = |rows: &[Touchpoint], position: usize| {
        position > 0 && order(&rows[position - 1], &rows[position]) == Ordering::Equal
    };
    if !(1..rows.len()).any(|position| equals_previous(rows, position)) {
        return rows.len();
    }
    retain(rows, |rows, position| {
        let equal = equals_previous(rows, position);
        counts.exact_duplicates += u64::from(equal);
        !equal
    })
}

/// Keeps the first row of each event id in total order.
///
/// The index holds lower halves, which are hardly ever equal where the upper ones aren't, and positions.
fn drop_repeated_events(
    rows: &mut [Touchpoint],
    events: &EventsByPosition<'_>,
    besides: &Besides,
    index: &mut Vec<(u64, u32)>,
    counts: &mut CutCounts,
) -> usize {
    let halves = |row: &Touchpoint| events.get(row).halves();
    index.clear();
    index.extend(rows.iter().enumerate().map(|(position, row)| (halves(row).1, position as u32)));
    index.sort_unstable_by(|(low, one), (other_low, other)| {
        let high = |position: u32| halves(&rows[position as usize]).0;
        low.cmp(other_low).then_with(|| (high(*one), one).cmp(&(high(*other), other)))
    });
    let event_at = |rows: &[Touchpoint], position: u32| events.get(&rows[position as usize]);
    let repeats = |pair: &[(u64, u32)]| {
        let [(low, one), (other_low, other)] = [pair[0], pair[1]];
        low == other_low
            && event_at(rows, one) == event_at(rows, other)
            && event_at(rows, one) != EventKey::NULL
    };
    if !index.windows(2).any(repeats) {
        return rows.len();
    }
    let values = |row: &Touchpoint| (row.time_us, row.code, besides.amount_minor(row), besides.order(row));
    retain(rows, |rows, position| {
        let event = events.get(&rows[position]);
        let (own_high, own_low) = event.halves();
        let first = index.partition_point(|(low, at)| {
            *low < own_low || *low == own_low && halves(&rows[*at as usize]).0 < own_high
        });
        let first = index[first].1 as usize;
        if event == EventKey::NULL || first == position {
            return true;
        }
        let equal = values(&rows[first]) == values(&rows[position])
            && besides.numbers(&rows[first]).eq(besides.numbers(&rows[position]));
        if equal {
            counts.exact_duplicates += 1;
        } else {
            counts.conflicting_duplicates += 1;
            counts.conflicting_events.push(event);
        }
        false
    })
}

#[cfg(test)]
mod tests;
