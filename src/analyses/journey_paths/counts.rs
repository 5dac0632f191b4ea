//! Journeys by path, exact and bounded.
//!
//! Journeys are written down as they come, then counted and kept sorted by key. Where more than [`MOST`] paths are
//! different, all of them are told apart by one touch less, until they are few enough. Paths that a shorter look
//! tells apart, a longer one does too: so how long the look is in the end depends on the journeys, not on
//! their order nor on who counted which.

use crate::stats::BinIndex;

use super::keys::Keys;

/// So many paths are told apart in a bucket: 32 bytes each, 40 MB in all buckets, besides 2 bytes for each
/// conversion and each journey that is longer than its key.
pub(super) const MOST: usize = 20_000;

/// So many journeys are written down for each path that may be told apart, before they are counted: with [`MOST`] three
/// megabytes of each thread.
pub(super) const ARRIVING_PER_PATH: usize = 4;

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

/// Journeys as they come: written down, and counted when they are put in order. A table of thousands of paths would be
/// far away each time.
#[derive(Debug, Default)]
pub(super) struct Arriving {
    /// Keys of those that didn't convert.
    nulls: Vec<u64>,
    conversions: Vec<Conversion>,
    /// Keys, and what went back, minor units.
    refunds: Vec<(u64, i64)>,
    /// Keys that don't tell how many touches there were, and how many.
    lengths: Vec<(u64, BinIndex)>,
}

/// A journey that converted.
#[derive(Debug, Clone, Copy)]
struct Conversion {
    key: u64,
    value_minor: i64,
    /// Milliseconds from the first touch, where there is one.
    took: BinIndex,
}

impl Arriving {
    /// How many came.
    pub(super) fn len(&self) -> usize {
        self.nulls.len() + self.conversions.len() + self.refunds.len()
    }

    /// Adds a journey that didn't convert.
    #[inline]
    pub(super) fn add_null(&mut self, key: u64) {
        self.nulls.push(key);
    }

    /// Adds a journey that converted, worth so many minor units, so long after its first touch, if it has one.
    #[inline]
    pub(super) fn add_conversion(&mut self, key: u64, value_minor: i64, took_ms: u64) {
        self.conversions.push(Conversion { key, value_minor, took: BinIndex::of(took_ms) });
    }

    /// Takes so many minor units back from the conversions of a path.
    #[inline]
    pub(super) fn add_refund(&mut self, key: u64, value_minor: i64) {
        self.refunds.push((key, value_minor));
    }

    /// Notes how many touches a journey has whose key doesn't tell.
    #[inline]
    pub(super) fn had(&mut self, key: u64, touches: usize) {
        self.lengths.push((key, BinIndex::of(touches as u64)));
    }

    /// Puts everything in order and forgets it.
    pub(super) fn take_sorted(&mut self, longest: u32) -> Sorted {
        let Self { mut nulls, mut conversions, mut refunds, mut lengths } = std::mem::take(self);
        nulls.sort_unstable();
        conversions.sort_unstable_by_key(|own| (own.key, own.took));
        refunds.sort_unstable();
        lengths.sort_unstable();
        let mut nulls = nulls.chunk_by(|one, other| one == other).peekable();
        let mut converted = conversions.chunk_by(|one, other| one.key == other.key).peekable();
        let mut refunded = refunds.chunk_by(|one, other| one.0 == other.0).peekable();
        let mut paths = Vec::new();
        loop {
            let next = [
                nulls.peek().map(|own| own[0]),
                converted.peek().map(|own| own[0].key),
                refunded.peek().map(|own| own[0].0),
            ];
            let Some(key) = next.into_iter().flatten().min() else { break };
            let nulls = nulls.next_if(|own| own[0] == key).unwrap_or_default();
            let converted = converted.next_if(|own| own[0].key == key).unwrap_or_default();
            let refunded = refunded.next_if(|own| own[0].0 == key).unwrap_or_default();
            let brought: i128 = converted.iter().map(|own| i128::from(own.value_minor)).sum();
            let went_back: i128 = refunded.iter().map(|own| i128::from(own.1)).sum();
            paths.push(PathCounts {
                key,
                conversions: converted.len() as u32,
                nulls: nulls.len() as u32,
                value_minor: brought - went_back,
            });
        }
        // What converted without a touch took no time from it.
        let timed = conversions.iter().filter(|own| own.key != 0);
        Sorted {
            longest,
            paths,
            durations_ms: timed.map(|own| own.took).collect(),
            lengths: lengths.into_iter().map(|(_, bin)| bin).collect(),
        }
    }
}
