//! Rows on their way from the files to their partition: compact, in chunks, without locks.
//!
//! Each worker fills one [`PartitionBuffer`] per partition. A row is 28 bytes; event ids, amounts and
//! order ids stand beside it only where they are mapped. All parts are plain old data, so that a chunk
//! can be written to disk and read back as it is.

use bytemuck::{Pod, Zeroable};

use super::key::{CustomerHash, EventKey};

/// Items of a chunk, a power of two. 256 partitions of two workers then hold at most 46 MB of unfinished chunks.
pub const CHUNK_ITEMS: usize = 2_048;

/// Bit of [`Row::code`] and of [`super::Touchpoint::at`]: an amount belongs to the row.
pub(super) const HAS_AMOUNT: u32 = 1 << 31;
/// The same of an order.
pub(super) const HAS_ORDER: u32 = 1 << 30;
/// The rest: of a row, the worker's code of its combination; of a touchpoint, its position.
pub(super) const PLAIN: u32 = (1 << 30) - 1;
/// Combinations that a code can tell apart.
pub const MAX_CODES: usize = 1 << 30;
/// Rows of a partition that a position can tell apart.
pub const MAX_PARTITION_ROWS: usize = 1 << 30;

/// One kept row.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, packed(4))]
pub struct Row {
    pub(super) key: u128,
    pub(super) time_us: i64,
    pub(super) code: u32,
}

/// What a row has that most rows lack.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, packed(4))]
pub struct Beside {
    /// Position of the row in its buffer.
    pub(super) at: u32,
    /// The bits of an amount in minor units, or of an order's hash.
    pub(super) bits: u64,
}

/// A customer's attributes.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, packed(4))]
pub struct AttributeRow {
    pub(super) key: u128,
    pub(super) code: u32,
}

impl AttributeRow {
    /// Of a customer, with the worker's code.
    pub fn new(customer: CustomerHash, code: u32) -> Self {
        Self { key: customer.0, code }
    }
}

/// A line of the assignment log.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, packed(4))]
pub struct AssignmentRow {
    pub(super) key: u128,
    pub(super) time_us: i64,
    pub(super) code: u32,
}

impl AssignmentRow {
    /// Of a customer, with the worker's code.
    pub fn new(customer: CustomerHash, time_us: i64, code: u32) -> Self {
        Self { key: customer.0, time_us, code }
    }
}

/// Plain data in chunks of one size.
///
/// Full chunks may be taken out and put back: whoever fills the list goes on as if they were there.
#[derive(Debug, Clone)]
pub struct Chunks<T> {
    full: Vec<Vec<T>>,
    current: Vec<T>,
    /// Items of full chunks that were taken out.
    taken: usize,
}

impl<T> Default for Chunks<T> {
    fn default() -> Self {
        Self { full: Vec::new(), current: Vec::new(), taken: 0 }
    }
}

impl<T: Pod> Chunks<T> {
    /// Adds an item.
    #[inline]
    pub fn push(&mut self, item: T) {
        if self.current.len() == self.current.capacity() {
            self.make_room();
        }
        self.current.push(item);
    }

    #[cold]
    fn make_room(&mut self) {
        // Grows to a chunk in three steps, so that small inputs stay small.
        if self.current.len() < CHUNK_ITEMS {
            let target = match self.current.len() {
                0 => 64,
                64 => 512,
                _ => CHUNK_ITEMS,
            };
            self.current.reserve_exact(target - self.current.len());
        } else {
            self.full.push(std::mem::replace(&mut self.current, Vec::with_capacity(CHUNK_ITEMS)));
        }
    }

    /// Number of items, those taken out among them.
    pub fn len(&self) -> usize {
        self.taken + self.full.len() * CHUNK_ITEMS + self.current.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Bytes in memory, those not used yet among them.
    pub fn bytes(&self) -> usize {
        (self.full.len() * CHUNK_ITEMS + self.current.capacity()) * size_of::<T>()
    }

    /// Takes the full chunks out, each with [`CHUNK_ITEMS`] items.
    pub fn take_full(&mut self) -> Vec<Vec<T>> {
        self.taken += self.full.len() * CHUNK_ITEMS;
        std::mem::take(&mut self.full)
    }

    /// Takes what is left out, the chunk that isn't full. Nothing may be added afterwards.
    pub fn take_rest(&mut self) -> Vec<T> {
        self.taken += self.current.len();
        std::mem::take(&mut self.current)
    }

    /// Puts chunks back, in the order in which they were taken. All but the last must be full.
    pub fn put_back(&mut self, mut chunks: Vec<Vec<T>>) {
        self.taken -= chunks.iter().map(Vec::len).sum::<usize>();
        if chunks.last().is_some_and(|last| last.len() < CHUNK_ITEMS) {
            debug_assert!(self.full.is_empty() && self.current.is_empty());
            self.current = chunks.pop().unwrap_or_default();
        }
        chunks.append(&mut self.full);
        self.full = chunks;
    }

    /// The chunks, all but the last full.
    pub fn chunks(&self) -> impl Iterator<Item = &[T]> {
        self.full.iter().chain(std::iter::once(&self.current)).map(Vec::as_slice)
    }

    /// The items in the order they were pushed.
    pub fn iter(&self) -> impl Iterator<Item = &T> {
        self.chunks().flatten()
    }
}

/// Event ids in two halves: the keys of numbers share the upper one, which is stored only from the first
/// other key on.
#[derive(Debug, Clone, Default)]
pub struct Events {
    /// One per row, or none at all where no event ids are mapped.
    pub low: Chunks<u64>,
    /// As many at most; what is missing at the end is [`EventKey::NUMBER_HIGH`].
    pub high: Chunks<u64>,
}

impl Events {
    #[inline]
    fn push(&mut self, event: EventKey) {
        let (high, low) = event.halves();
        if high != EventKey::NUMBER_HIGH || !self.high.is_empty() {
            self.push_high(high);
        }
        self.low.push(low);
    }

    fn push_high(&mut self, high: u64) {
        while self.high.len() < self.low.len() {
            self.high.push(EventKey::NUMBER_HIGH);
        }
        self.high.push(high);
    }
}

/// A kept row as it goes in.
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
#[derive(Debug, Clone, Default)]
pub struct PartitionBuffer {
    /// One per row.
    pub rows: Chunks<Row>,
    /// By position.
    pub events: Events,
    /// By position, for the rows that have one.
    pub amounts: Chunks<Beside>,
    /// By position, for the rows that have one.
    pub orders: Chunks<Beside>,
}

impl PartitionBuffer {
    /// Adds a row. `with_events` must be the same for all rows of a run: whether event ids are mapped.
    #[inline(always)]
    pub fn push(&mut self, row: BufferedRow, with_events: bool) {
        debug_assert!(row.code <= PLAIN);
        let mut flags = 0;
        if let Some(amount) = row.amount_minor {
            self.amounts.push(Beside { at: self.rows.len() as u32, bits: amount as u64 });
            flags |= HAS_AMOUNT;
        }
        if let Some(order) = row.order {
            self.orders.push(Beside { at: self.rows.len() as u32, bits: order });
            flags |= HAS_ORDER;
        }
        self.rows.push(Row { key: row.customer.0, time_us: row.time_us, code: row.code | flags });
        if with_events {
            self.events.push(row.event);
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(chunks: &Chunks<u64>) -> Vec<u64> {
        chunks.iter().copied().collect()
    }

    #[test]
    fn what_is_taken_out_can_be_put_back_while_more_is_added() {
        let all: Vec<u64> = (0..3 * CHUNK_ITEMS as u64 + 7).collect();
        let mut chunks = Chunks::default();
        let mut out = Vec::new();
        for item in &all {
            chunks.push(*item);
            if *item == 5_000 {
                assert_eq!(chunks.bytes(), 3 * CHUNK_ITEMS * 8);
                out.extend(chunks.take_full());
            }
        }
        assert_eq!(chunks.len(), all.len());
        assert_eq!(items(&chunks), all[2 * CHUNK_ITEMS..]);
        chunks.put_back(out);
        assert_eq!(chunks.len(), all.len());
        assert_eq!(items(&chunks), all);

        let mut out = chunks.take_full();
        out.push(chunks.take_rest());
        assert_eq!((chunks.len(), items(&chunks)), (all.len(), vec![]));
        chunks.put_back(out);
        assert_eq!(items(&chunks), all);
    }

    #[test]
    fn the_first_id_that_is_no_number_brings_the_upper_halves() {
        let mut events = Events::default();
        let keys: Vec<EventKey> = (0..5_000)
            .map(|n| match n {
                3_000 => EventKey::NULL,
                4_000 => EventKey::of_text(b"evt_4000"),
                _ => EventKey::of_integer(n),
            })
            .collect();
        keys.iter().for_each(|key| events.push(*key));
        assert_eq!(events.high.len(), events.low.len());
        let halves = events.high.iter().zip(events.low.iter());
        assert!(halves.map(|(high, low)| EventKey::from_halves(*high, *low)).eq(keys));
    }

    #[test]
    fn rows_stand_with_what_belongs_to_them() {
        let mut buffer = PartitionBuffer::default();
        for n in 0..5_000_i64 {
            buffer.push(
                BufferedRow {
                    customer: CustomerHash(n as u128 * 7),
                    time_us: n - 100,
                    code: n as u32 % 17,
                    amount_minor: (n % 3 == 0).then_some(n - 1_000),
                    event: EventKey::of_integer(n),
                    order: (n % 5 == 0).then_some(n as u64),
                },
                true,
            );
        }
        assert_eq!((buffer.len(), buffer.events.low.len()), (5_000, 5_000));
        assert!(buffer.events.high.is_empty(), "the ids are numbers");
        assert_eq!((buffer.amounts.len(), buffer.orders.len()), (1_667, 1_000));
        let (row, amount) = (buffer.rows.iter().nth(4_998), buffer.amounts.iter().last());
        assert_eq!(row.map(|row| (row.key, row.time_us, row.code)), Some((34_986, 4_898, HAS_AMOUNT)));
        assert_eq!(amount.map(|amount| (amount.at, amount.bits as i64)), Some((4_998, 3_998)));
        assert_eq!((size_of::<Row>(), size_of::<AttributeRow>(), size_of::<Beside>()), (28, 20, 12));
    }
}
