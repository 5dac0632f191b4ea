//! Journeys by path, exact and bounded.
//!
//! While journeys come they are counted by hash, then kept sorted by key. Where more than [`MOST`] paths are
//! different, all of them are told apart by one touch less, until they are few enough. Paths that a shorter look
//! tells apart, a longer one does too: so how long the look is in the end depends on the journeys, not on
//! their order nor on who counted which.

use hashbrown::HashMap;

use crate::stats::BinIndex;

use super::keys::Keys;

/// So many paths are told apart in a bucket: 32 bytes each, 40 MB in all buckets, besides 2 bytes for each
/// conversion and each journey that is longer than its key.
pub(super) const MOST: usize = 20_000;

/// Journeys with one path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PathCounts {
    pub(super) key: u64,
    /// Those that converted. A bucket has fewer rows than fit.
    pub(super) conversions: u32,
    /// Those that didn't.
    pub(super) nulls: u32,
    /// Of those that converted, less refunds, minor units.
    pub(super) value_minor: i128,
}

impl PathCounts {
    pub(super) fn journeys(&self) -> u32 {
        self.conversions + self.nulls
    }

    /// Durations that are kept: of what converted with a touch.
    fn durations(&self) -> usize {
        if self.key == 0 { 0 } else { self.conversions as usize }
    }

    /// Numbers of touches that are kept: of journeys whose key doesn't tell.
    fn lengths(&self, keys: Keys) -> usize {
        if keys.tells_touches(self.key) { 0 } else { self.journeys() as usize }
    }
}

/// Paths by key, and what is known of each of their journeys, in the same order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Sorted {
    /// Touches that keys tell of at most.
    pub(super) longest: u32,
    pub(super) paths: Vec<PathCounts>,
    /// Milliseconds from the first touch to the conversion, of every journey that converted with a touch.
    pub(super) durations_ms: Vec<BinIndex>,
    /// Touches of every journey whose key doesn't tell them.
    pub(super) lengths: Vec<BinIndex>,
}

/// One path of [`Sorted`].
pub(super) struct Counted<'s> {
    pub(super) counts: PathCounts,
    pub(super) durations_ms: &'s [BinIndex],
    pub(super) lengths: &'s [BinIndex],
}

impl Sorted {
    /// Nothing counted.
    pub(super) fn new(longest: u32) -> Self {
        Self { longest, paths: Vec::new(), durations_ms: Vec::new(), lengths: Vec::new() }
    }

    /// The paths in order.
    pub(super) fn iter(&self, keys: Keys) -> impl Iterator<Item = Counted<'_>> {
        let (mut durations_ms, mut lengths) = (&self.durations_ms[..], &self.lengths[..]);
        self.paths.iter().map(move |counts| {
            let own;
            (own, durations_ms) = durations_ms.split_at(counts.durations());
            let (own_lengths, rest) = lengths.split_at(counts.lengths(keys));
            lengths = rest;
            Counted { counts: *counts, durations_ms: own, lengths: own_lengths }
        })
    }

    /// Adds a path that is equal to the last one or comes after it.
    fn push(&mut self, path: &Counted<'_>) {
        match self.paths.last_mut() {
            Some(last) if last.key == path.counts.key => {
                last.conversions += path.counts.conversions;
                last.nulls += path.counts.nulls;
                last.value_minor += path.counts.value_minor;
            }
            _ => self.paths.push(path.counts),
        }
        self.durations_ms.extend_from_slice(path.durations_ms);
        self.lengths.extend_from_slice(path.lengths);
    }

    /// Tells paths apart by their last so many touches.
    pub(super) fn shorten(&mut self, keys: Keys, longest: u32) {
        if longest >= self.longest {
            return;
        }
        let mut shorter = Self::new(longest);
        for Counted { mut counts, durations_ms, lengths } in self.iter(keys) {
            let key = keys.shorten(counts.key, longest);
            if keys.tells_touches(counts.key) && !keys.tells_touches(key) {
                let length = BinIndex::of(u64::from(keys.touches(counts.key)));
                counts.key = key;
                let known = vec![length; counts.lengths(keys)];
                shorter.push(&Counted { counts, durations_ms, lengths: &known });
            } else {
                counts.key = key;
                shorter.push(&Counted { counts, durations_ms, lengths });
            }
        }
        *self = shorter;
    }

    /// Adds what another counted, and looks at fewer touches where that is too much.
    pub(super) fn merge(&mut self, keys: Keys, mut other: Sorted, most: usize) {
        let longest = self.longest.min(other.longest);
        self.shorten(keys, longest);
        other.shorten(keys, longest);
        if self.paths.is_empty() || other.paths.is_empty() {
            if self.paths.is_empty() {
                *self = other;
            }
        } else {
            let mut merged = Self::new(longest);
            let (mut ours, mut theirs) = (self.iter(keys).peekable(), other.iter(keys).peekable());
            loop {
                let next = match (ours.peek(), theirs.peek()) {
                    (Some(our), Some(their)) if our.counts.key <= their.counts.key => ours.next(),
                    (Some(_), None) => ours.next(),
                    _ => theirs.next(),
                };
                let Some(next) = next else { break };
                merged.push(&next);
            }
            drop((ours, theirs));
            *self = merged;
        }
        while self.paths.len() > most && self.longest > 1 {
            self.shorten(keys, self.longest - 1);
        }
    }
}

/// Journeys as they come.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    places: HashMap<u64, u32, foldhash::fast::FixedState>,
    paths: Vec<PathCounts>,
    /// With the place of the path.
    durations_ms: Vec<(u32, BinIndex)>,
    lengths: Vec<(u32, BinIndex)>,
}

impl Arriving {
    /// How many paths are different.
    pub(super) fn len(&self) -> usize {
        self.paths.len()
    }

    /// The counts of a path, and its place.
    #[inline]
    pub(super) fn of(&mut self, key: u64) -> (u32, &mut PathCounts) {
        let next = self.paths.len() as u32;
        let place = *self.places.entry(key).or_insert(next);
        if place == next {
            self.paths.push(PathCounts { key, conversions: 0, nulls: 0, value_minor: 0 });
        }
        (place, &mut self.paths[place as usize])
    }

    /// Notes how long a journey took that converted.
    #[inline]
    pub(super) fn took(&mut self, place: u32, duration_ms: u64) {
        self.durations_ms.push((place, BinIndex::of(duration_ms)));
    }

    /// Notes how many touches a journey has whose key doesn't tell.
    #[inline]
    pub(super) fn had(&mut self, place: u32, touches: usize) {
        self.lengths.push((place, BinIndex::of(touches as u64)));
    }

    /// Puts everything in order and forgets it.
    pub(super) fn take_sorted(&mut self, longest: u32) -> Sorted {
        let mut order: Vec<u32> = (0..self.paths.len() as u32).collect();
        order.sort_unstable_by_key(|place| self.paths[*place as usize].key);
        let mut ranks = vec![0_u32; order.len()];
        order.iter().enumerate().for_each(|(rank, place)| ranks[*place as usize] = rank as u32);
        let in_order = |noted: &mut Vec<(u32, BinIndex)>| -> Vec<BinIndex> {
            noted.iter_mut().for_each(|(place, _)| *place = ranks[*place as usize]);
            noted.sort_unstable();
            noted.drain(..).map(|(_, bin)| bin).collect()
        };
        let sorted = Sorted {
            longest,
            paths: order.iter().map(|place| self.paths[*place as usize]).collect(),
            durations_ms: in_order(&mut self.durations_ms),
            lengths: in_order(&mut self.lengths),
        };
        *self = Self::default();
        sorted
    }
}
