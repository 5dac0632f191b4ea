//! What is counted of a segment.

use crate::stats::Histogram;
use crate::stats::joint::Joint;

use crate::analyses::funnel::StageCounts;

/// How many of everything there are: the same for all segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) stages: usize,
    pub(super) conversions: usize,
}

impl Shape {
    pub(super) fn targets(self) -> usize {
        self.stages + self.conversions
    }

    /// Durations are by clock: one to each target, then one from each stage to the next.
    pub(super) fn clocks(self) -> usize {
        self.targets() + self.stages
    }

    /// The clock that runs from the entry into a stage to that into the next.
    pub(super) fn clock_to_next(self, stage: usize) -> usize {
        self.targets() + stage
    }
}

/// The segments of a dimension that have customers.
///
/// They are allocated with their first customer, what they hold with the first who gets anywhere, so that but for four
/// bytes per segment the whole is bounded by what was seen, not by how many segments there are.
#[derive(Debug)]
pub(super) struct SegmentTable {
    /// By segment: its place in `seen`, or [`NOWHERE`].
    places: Vec<u32>,
    /// In the order of their first customers.
    pub(super) seen: Vec<(u32, SegmentCounts)>,
}

/// The place of a segment without customers.
const NOWHERE: u32 = u32::MAX;

/// One segment; all but `customers` is empty until one of them reaches a target.
#[derive(Debug, Clone, Default)]
pub(super) struct SegmentCounts {
    pub(super) customers: u64,
    /// By clock: who has reached a target is counted here, and nowhere else.
    times_ms: Vec<Histogram>,
    /// By stage.
    special: Vec<Special>,
    /// By conversion: value per customer in minor units, of customers with any.
    values_minor: Vec<Joint<1>>,
}

/// Entries into a stage that aren't as most are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Special {
    pub(super) immature: u64,
    pub(super) without_previous: u64,
}

impl Special {
    pub(super) fn add(&mut self, other: Special) {
        self.immature += other.immature;
        self.without_previous += other.without_previous;
    }
}

impl SegmentTable {
    pub(super) fn new(segments: usize) -> SegmentTable {
        SegmentTable { places: vec![NOWHERE; segments], seen: Vec::new() }
    }

    #[inline]
    pub(super) fn counts(&mut self, segment: usize) -> &mut SegmentCounts {
        let place = &mut self.places[segment];
        if *place == NOWHERE {
            *place = self.seen.len() as u32;
            self.seen.push((segment as u32, SegmentCounts::default()));
        }
        &mut self.seen[*place as usize].1
    }
}

impl SegmentCounts {
    /// Makes room for what is counted of those who get anywhere.
    pub(super) fn shaped(&mut self, shape: Shape) -> Room<'_> {
        if self.times_ms.is_empty() {
            self.times_ms.resize_with(shape.clocks(), Histogram::default);
            self.special.resize(shape.stages, Special::default());
            self.values_minor.resize(shape.conversions, Joint::default());
        }
        Room {
            times_ms: &mut self.times_ms,
            special: &mut self.special,
            values_minor: &mut self.values_minor,
        }
    }

    pub(super) fn add(&mut self, other: SegmentCounts) {
        self.customers += other.customers;
        if self.times_ms.is_empty() {
            *self = SegmentCounts { customers: self.customers, ..other };
            return;
        }
        self.times_ms.iter_mut().zip(&other.times_ms).for_each(|(own, other)| own.merge(other));
        self.special.iter_mut().zip(other.special).for_each(|(own, other)| own.add(other));
        self.values_minor.iter_mut().zip(&other.values_minor).for_each(|(own, other)| own.merge(other));
    }

    /// Customers who have reached a target.
    pub(super) fn reached(&self, target: usize) -> u64 {
        self.times_ms.get(target).map_or(0, Histogram::count)
    }

    /// From the first row in the window to the target; None where nobody has reached any.
    pub(super) fn to_convert_ms(&self, target: usize) -> Option<&Histogram> {
        self.times_ms.get(target)
    }

    /// Value per customer of a conversion in minor units, over all customers of the segment.
    pub(super) fn value_minor(&self, conversion: usize) -> Joint<1> {
        let value = self.values_minor.get(conversion).copied().unwrap_or_default();
        Joint { n: self.customers, ..value }
    }

    /// Entries into a stage.
    pub(super) fn stage(&self, stage: usize, shape: Shape) -> StageCounts<'_> {
        static NOTHING: Histogram = Histogram::EMPTY;
        let Special { immature, without_previous } = self.special.get(stage).copied().unwrap_or_default();
        StageCounts {
            entered: self.reached(stage),
            immature,
            without_previous,
            to_next_ms: self.times_ms.get(shape.clock_to_next(stage)).unwrap_or(&NOTHING),
        }
    }
}

/// What is counted of those who get anywhere.
pub(super) struct Room<'c> {
    pub(super) times_ms: &'c mut [Histogram],
    pub(super) special: &'c mut [Special],
    pub(super) values_minor: &'c mut [Joint<1>],
}
