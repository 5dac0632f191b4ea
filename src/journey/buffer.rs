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
    /// The bits of an amount in minor units, of an order's hash, or of a number in millionths.
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

/// A customer's attributes from an instant on: only where the customers table says from when, so that without it a
/// customer takes 8 bytes less.
#[derive(Debug, Clone, Copy, Pod, Zeroable)]
#[repr(C, packed(4))]
pub struct DatedAttributeRow {
    pub(super) key: u128,
    pub(super) from_us: i64,
    pub(super) code: u32,
}

impl DatedAttributeRow {
    /// Of a customer, with the worker's code; the least instant there is means from the beginning.
    pub fn new(customer: CustomerHash, from_us: i64, code: u32) -> Self {
        Self { key: customer.0, from_us, code }
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

    /// Adds what `item` makes of each of some rows.
    #[inline]
    pub fn extend_from(&mut self, mut rows: &[u32], item: impl Fn(usize) -> T) {
        while !rows.is_empty() {
            if self.current.len() == self.current.capacity() {
                self.make_room();
            }
            let room = self.current.capacity() - self.current.len();
            let (now, later) = rows.split_at(room.min(rows.len()));
            self.current.extend(now.iter().map(|row| item(*row as usize)));
            rows = later;
        }
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
    /// As many at most; what is missing at the end is that of numbers.
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
        self.catch_up();
        self.high.push(high);
    }

    /// Brings the upper halves to the length of the lower ones.
    fn catch_up(&mut self) {
        while self.high.len() < self.low.len() {
            self.high.push(EventKey::NUMBER_HIGH);
        }
    }

    fn extend_from(&mut self, rows: &[u32], events: EventColumn<'_>) {
        match events {
            EventColumn::Unmapped => {}
            EventColumn::Numbers(numbers) => {
                if !self.high.is_empty() {
                    self.high.extend_from(rows, |_| EventKey::NUMBER_HIGH);
                }
                self.low.extend_from(rows, |row| numbers[row] as u64);
            }
            EventColumn::Keys(keys) => {
                let high = |row: usize| keys[row].halves().0;
                if !self.high.is_empty()
                    || rows.iter().any(|row| high(*row as usize) != EventKey::NUMBER_HIGH)
                {
                    self.catch_up();
                    self.high.extend_from(rows, high);
                }
                self.low.extend_from(rows, |row| keys[row].halves().1);
            }
        }
    }
}

/// Event ids of the rows of a batch.
#[derive(Debug, Clone, Copy)]
pub enum EventColumn<'b> {
    /// There are none, in no batch of the run.
    Unmapped,
    /// All of them are numbers, none below zero.
    Numbers(&'b [i64]),
    /// Of any kind.
    Keys(&'b [EventKey]),
}

/// Codes of the rows of a batch, and what stands beside the few rows that have something beside them.
#[derive(Debug, Clone, Default)]
pub struct CodeColumn {
    /// With [`HAS_AMOUNT`] and [`HAS_ORDER`].
    codes: Vec<u32>,
    /// Minor units, where the code says that there is an amount.
    amounts: Vec<i64>,
    /// Hashes, where the code says that there is an order.
    orders: Vec<u64>,
    /// By number column: millionths, or [`NO_NUMBER`].
    numbers: Vec<Vec<i64>>,
}

/// Stands for null among the numbers of a batch; what is so large can't be used.
const NO_NUMBER: i64 = i64::MIN;

impl CodeColumn {
    /// For batches with so many number columns.
    pub fn with_numbers(columns: usize) -> Self {
        Self { numbers: vec![Vec::new(); columns], ..Self::default() }
    }

    /// Begins a batch with the codes of its rows, with nothing beside them yet.
    pub fn begin(&mut self, codes: &[u32]) {
        self.codes.clear();
        self.codes.extend_from_slice(codes);
        self.amounts.resize(codes.len(), 0);
        self.orders.resize(codes.len(), 0);
        for column in &mut self.numbers {
            column.clear();
            column.resize(codes.len(), NO_NUMBER);
        }
    }

    /// Notes the amount of a row, in minor units.
    #[inline]
    pub fn set_amount(&mut self, row: usize, minor: i64) {
        self.codes[row] |= HAS_AMOUNT;
        self.amounts[row] = minor;
    }

    /// Notes the hash of the id of a row's order.
    #[inline]
    pub fn set_order(&mut self, row: usize, order: u64) {
        self.codes[row] |= HAS_ORDER;
        self.orders[row] = order;
    }

    /// Notes a number of a row, in millionths.
    #[inline]
    pub fn set_number(&mut self, column: usize, row: usize, millionths: i64) {
        self.numbers[column][row] = millionths;
    }

    /// The amount of a row, in minor units, where one was noted.
    pub fn amount_minor(&self, row: usize) -> Option<i64> {
        (self.codes[row] & HAS_AMOUNT != 0).then(|| self.amounts[row])
    }

    /// The hash of the id of a row's order, where one was noted.
    pub fn order(&self, row: usize) -> Option<u64> {
        (self.codes[row] & HAS_ORDER != 0).then(|| self.orders[row])
    }
}

/// The rows of a batch, column by column.
#[derive(Debug, Clone, Copy)]
pub struct RowColumns<'b> {
    /// Whose rows.
    pub customers: &'b [CustomerHash],
    /// µs since the epoch.
    pub times_us: &'b [i64],
    /// Codes, amounts and orders.
    pub codes: &'b CodeColumn,
    /// Event ids.
    pub events: EventColumn<'b>,
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
    /// By number column, then by position, for the rows that have one; fewer columns, or none, where they have none.
    pub numbers: Vec<Chunks<Beside>>,
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

    /// Notes the numbers of the row that was added last, by column, in millionths.
    pub fn push_numbers(&mut self, numbers: &[Option<i64>]) {
        self.numbers.resize_with(numbers.len().max(self.numbers.len()), Chunks::default);
        let at = (self.rows.len() - 1) as u32;
        for (column, millionths) in self.numbers.iter_mut().zip(numbers) {
            millionths.iter().for_each(|millionths| column.push(Beside { at, bits: *millionths as u64 }));
        }
    }

    /// Adds some rows of a batch, as [`PartitionBuffer::push`] would one by one.
    ///
    /// Each list takes all rows before the next one does, so that their bytes are written one after another.
    pub fn extend_from(&mut self, rows: &[u32], batch: &RowColumns<'_>) {
        let RowColumns { customers, times_us, codes, events } = *batch;
        let before = self.rows.len();
        self.rows.extend_from(rows, |row| Row {
            key: customers[row].0,
            time_us: times_us[row],
            code: codes.codes[row],
        });
        self.events.extend_from(rows, events);
        for (at, row) in (before as u32..).zip(rows) {
            let row = *row as usize;
            let flags = codes.codes[row];
            if flags & HAS_AMOUNT != 0 {
                self.amounts.push(Beside { at, bits: codes.amounts[row] as u64 });
            }
            if flags & HAS_ORDER != 0 {
                self.orders.push(Beside { at, bits: codes.orders[row] });
            }
        }
        self.numbers.resize_with(codes.numbers.len().max(self.numbers.len()), Chunks::default);
        for (column, numbers) in self.numbers.iter_mut().zip(&codes.numbers) {
            for (at, row) in (before as u32..).zip(rows) {
                let millionths = numbers[*row as usize];
                if millionths != NO_NUMBER {
                    column.push(Beside { at, bits: millionths as u64 });
                }
            }
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

    fn bytes_of(buffer: &PartitionBuffer) -> Vec<Vec<u8>> {
        fn bytes<T: Pod>(chunks: &Chunks<T>) -> Vec<u8> {
            chunks.chunks().flat_map(bytemuck::cast_slice).copied().collect()
        }
        let PartitionBuffer { rows, events, amounts, orders, numbers } = buffer;
        let beside = [amounts, orders].into_iter().chain(numbers).map(bytes);
        [bytes(rows), bytes(&events.low), bytes(&events.high)].into_iter().chain(beside).collect()
    }

    #[test]
    fn batches_of_rows_are_the_rows_one_by_one() {
        let total = 3 * CHUNK_ITEMS + 100;
        let customers: Vec<CustomerHash> = (0..total as u128).map(|n| CustomerHash(n * 7)).collect();
        let times_us: Vec<i64> = (0..total as i64).map(|n| n - 100).collect();
        let numbers: Vec<i64> = (0..total as i64).rev().collect();
        let keys_of = |text_from: i64| -> Vec<EventKey> {
            let key = |n: &i64| match *n < text_from {
                true => EventKey::of_integer(*n),
                false => EventKey::of_text(format!("evt_{n}").as_bytes()),
            };
            numbers.iter().map(key).collect()
        };
        let (as_numbers, mixed, all_numbers) = (keys_of(i64::MAX), keys_of(5_000), keys_of(i64::MAX));
        let amount = |row: usize| row.is_multiple_of(3).then_some(row as i64 - 1_000);
        let order = |row: usize| row.is_multiple_of(5).then_some(row as u64);
        let numbers_of = |row: usize| [Some(-(row as i64)), row.is_multiple_of(7).then_some(1)];
        let codes: Vec<u32> = (0..total as u32).map(|row| row % 17).collect();
        let (mut one_by_one, mut together) = (PartitionBuffer::default(), PartitionBuffer::default());
        // Numbers first, then keys that are all numbers, then texts among them, then numbers again.
        for (events, keys) in [
            (EventColumn::Numbers(&numbers), &as_numbers),
            (EventColumn::Keys(&all_numbers), &all_numbers),
            (EventColumn::Keys(&mixed), &mixed),
            (EventColumn::Numbers(&numbers), &as_numbers),
        ] {
            let mut column = CodeColumn::with_numbers(2);
            column.begin(&codes);
            for row in 0..total {
                for (at, number) in numbers_of(row).into_iter().enumerate() {
                    number.into_iter().for_each(|millionths| column.set_number(at, row, millionths));
                }
                amount(row).into_iter().for_each(|minor| column.set_amount(row, minor));
                order(row).into_iter().for_each(|order| column.set_order(row, order));
            }
            let batch = RowColumns { customers: &customers, times_us: &times_us, codes: &column, events };
            let rows: Vec<u32> = (0..total as u32).filter(|row| row % 4 != 1).collect();
            for run in rows.chunks(1_000) {
                together.extend_from(run, &batch);
            }
            for row in rows.into_iter().map(|row| row as usize) {
                let (customer, time_us) = (customers[row], times_us[row]);
                let (code, event) = (codes[row], keys[row]);
                let (amount_minor, order) = (amount(row), order(row));
                one_by_one.push(BufferedRow { customer, time_us, code, amount_minor, event, order }, true);
                one_by_one.push_numbers(&numbers_of(row));
            }
            assert!(bytes_of(&together) == bytes_of(&one_by_one));
        }
        assert!(!together.events.high.is_empty());
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
