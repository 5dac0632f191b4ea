//! Rows on their way from the files to their partition: compact, in chunks, without locks.
//!
//! Each worker fills one [`PartitionBuffer`] per partition. A row is 28 bytes; event ids, amounts and
//! order ids stand beside it only where they are mapped. All parts are plain old data, so that a chunk
//! can be written to disk and read back as it is.

use super::key::{CustomerHash, EventKey};

/// Rows of a chunk. 256 partitions of two workers then hold at most 46 MB of unfinished chunks.
pub const CHUNK_ROWS: usize = 2_048;

/// Bit of [`Row::code`]: an amount belongs to the row.
const HAS_AMOUNT: u32 = 1 << 31;
/// Bit of [`Row::code`]: an order belongs to the row.
const HAS_ORDER: u32 = 1 << 30;
/// The rest of [`Row::code`]: the worker's code of the combination.
const CODE_MASK: u32 = (1 << 30) - 1;
/// Combinations that a code can tell apart.
pub const MAX_CODES: usize = 1 << 30;

/// One kept row.
#[derive(Debug, Clone, Copy)]
#[repr(C, packed(4))]
struct Row {
    key: u128,
    time_us: i64,
    code: u32,
}

/// A kept row as it goes in and comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BufferedRow {
    /// Whose row.
    pub customer: CustomerHash,
    /// µs since the epoch.
    pub time_us: i64,
    /// The worker's code of the combination of its text columns.
    pub code: u32,
    /// Value in minor units; None: null.
    pub amount_minor: Option<i64>,
    /// Id of the event; [`EventKey::NULL`] where there is none or it isn't mapped.
    pub event: EventKey,
    /// Hash of the order's id; None where there is none or nothing asks for it.
    pub order: Option<u64>,
}

/// The rows of one partition as one worker found them.
#[derive(Debug, Default)]
pub struct PartitionBuffer {
    full: Vec<Vec<Row>>,
    current: Vec<Row>,
    full_events: Vec<Vec<EventKey>>,
    current_events: Vec<EventKey>,
    amounts: Vec<i64>,
    orders: Vec<u64>,
}

impl PartitionBuffer {
    /// Adds a row. `with_events` must be the same for all rows of a run: whether event ids are mapped.
    #[inline(always)]
    pub fn push(&mut self, row: BufferedRow, with_events: bool) {
        debug_assert!(row.code <= CODE_MASK);
        if self.current.len() == self.current.capacity() {
            self.make_room(with_events);
        }
        let mut flag = 0;
        if let Some(amount) = row.amount_minor {
            self.amounts.push(amount);
            flag |= HAS_AMOUNT;
        }
        if let Some(order) = row.order {
            self.orders.push(order);
            flag |= HAS_ORDER;
        }
        self.current.push(Row { key: row.customer.0, time_us: row.time_us, code: row.code | flag });
        if with_events {
            self.current_events.push(row.event);
        }
    }

    #[cold]
    fn make_room(&mut self, with_events: bool) {
        // Grows to a chunk in three steps, so that small inputs stay small.
        if self.current.len() < CHUNK_ROWS {
            let target = match self.current.len() {
                0 => 64,
                64 => 512,
                _ => CHUNK_ROWS,
            };
            self.current.reserve_exact(target - self.current.len());
            if with_events {
                self.current_events.reserve_exact(target - self.current_events.len());
            }
            return;
        }
        self.full.push(std::mem::replace(&mut self.current, Vec::with_capacity(CHUNK_ROWS)));
        if with_events {
            self.full_events
                .push(std::mem::replace(&mut self.current_events, Vec::with_capacity(CHUNK_ROWS)));
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.full.len() * CHUNK_ROWS + self.current.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Rows in the order they were pushed.
    pub fn rows(&self) -> impl Iterator<Item = BufferedRow> + '_ {
        let rows = self.full.iter().flatten().chain(&self.current);
        let mut events = self.full_events.iter().flatten().chain(&self.current_events);
        let mut amounts = self.amounts.iter();
        let mut orders = self.orders.iter();
        rows.map(move |row| BufferedRow {
            customer: CustomerHash(row.key),
            time_us: row.time_us,
            code: row.code & CODE_MASK,
            amount_minor: if row.code & HAS_AMOUNT != 0 { amounts.next().copied() } else { None },
            order: if row.code & HAS_ORDER != 0 { orders.next().copied() } else { None },
            event: events.next().copied().unwrap_or(EventKey::NULL),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_come_back_as_they_went_in() {
        for with_events in [false, true] {
            let mut buffer = PartitionBuffer::default();
            let rows: Vec<BufferedRow> = (0..5_000_i64)
                .map(|n| BufferedRow {
                    customer: CustomerHash(n as u128 * 7),
                    time_us: n - 100,
                    code: n as u32 % 17,
                    amount_minor: (n % 3 == 0).then_some(n - 1_000),
                    event: if with_events { EventKey::of_integer(n) } else { EventKey::NULL },
                    order: (n % 5 == 0).then_some(n as u64),
                })
                .collect();
            rows.iter().for_each(|row| buffer.push(*row, with_events));
            assert_eq!(buffer.len(), 5_000);
            assert_eq!(buffer.rows().collect::<Vec<_>>(), rows);
        }
        assert_eq!(std::mem::size_of::<Row>(), 28);
    }
}
