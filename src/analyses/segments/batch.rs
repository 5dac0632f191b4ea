//! Customers who wait to be counted.
//!
//! Between one customer and the next the other analyses have had the processor's caches: counters that are touched
//! once per customer are far away each time. So what is to be counted is written down one after the other, and counted
//! some thousands of customers at a time.

use crate::stats::BinIndex;

/// So many customers are counted at once: with five dimensions a quarter of a megabyte.
pub(super) const FULL: usize = 4096;

/// Customers, and what they did.
#[derive(Debug)]
pub(super) struct Batch {
    dimensions: usize,
    /// By customer, then dimension.
    segments: Vec<u32>,
    pub(super) times: Vec<Timed>,
    pub(super) entries: Vec<SpecialEntry>,
    pub(super) values: Vec<Value>,
}

/// How long a customer took by a clock.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timed {
    /// Of those of the batch.
    pub(super) customer: u16,
    pub(super) clock: u16,
    /// Of milliseconds.
    pub(super) taken: BinIndex,
}

/// An entry into a stage that isn't as most are.
#[derive(Debug, Clone, Copy)]
pub(super) struct SpecialEntry {
    /// Of those of the batch.
    pub(super) customer: u16,
    pub(super) stage: u16,
    pub(super) is_immature: bool,
    pub(super) is_without_previous: bool,
}

/// What a customer is worth at a conversion; not zero.
#[derive(Debug, Clone, Copy)]
pub(super) struct Value {
    /// Of those of the batch.
    pub(super) customer: u16,
    pub(super) conversion: u16,
    pub(super) value_minor: i64,
}

impl Batch {
    /// Nobody, in so many dimensions.
    pub(super) fn new(dimensions: usize) -> Self {
        Self { dimensions, segments: Vec::new(), times: Vec::new(), entries: Vec::new(), values: Vec::new() }
    }

    /// Whether it is time to count.
    pub(super) fn is_full(&self) -> bool {
        self.segments.len() >= FULL * self.dimensions
    }

    /// Adds a customer of these segments, one per dimension, of which there is one at least.
    #[inline]
    pub(super) fn push(&mut self, segments: &[u32]) -> Customer<'_> {
        let at = (self.segments.len() / self.dimensions) as u16;
        self.segments.extend_from_slice(segments);
        Customer { at, batch: self }
    }

    /// The segments of each customer, one per dimension.
    pub(super) fn customers(&self) -> impl Iterator<Item = &[u32]> {
        self.segments.chunks_exact(self.dimensions.max(1))
    }

    /// Forgets all.
    pub(super) fn clear(&mut self) {
        let Self { dimensions: _, segments, times, entries, values } = self;
        segments.clear();
        times.clear();
        entries.clear();
        values.clear();
    }
}

/// The customer who was added last.
pub(super) struct Customer<'b> {
    at: u16,
    batch: &'b mut Batch,
}

impl Customer<'_> {
    /// Counts how long the customer took by a clock.
    #[inline]
    pub(super) fn takes(&mut self, clock: usize, taken: BinIndex) {
        self.batch.times.push(Timed { customer: self.at, clock: clock as u16, taken });
    }

    /// Adds what the customer is worth at a conversion.
    #[inline]
    pub(super) fn brings(&mut self, conversion: usize, value_minor: i64) {
        if value_minor != 0 {
            let conversion = conversion as u16;
            self.batch.values.push(Value { customer: self.at, conversion, value_minor });
        }
    }

    /// Counts that an entry into a stage isn't as most are, where it isn't.
    #[inline]
    pub(super) fn enters(&mut self, stage: usize, is_immature: bool, is_without_previous: bool) {
        if is_immature || is_without_previous {
            let stage = stage as u16;
            self.batch.entries.push(SpecialEntry {
                customer: self.at,
                stage,
                is_immature,
                is_without_previous,
            });
        }
    }
}
