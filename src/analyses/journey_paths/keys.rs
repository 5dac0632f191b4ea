//! Paths as numbers that order as the paths do, the last touch first.

use crate::config::plan::PathTransform;
use crate::journey::Rules;
use crate::journey::walk::Touch;

/// Touches of the longest path that is told apart in full, where the channels leave room for them.
const LONGEST: u32 = 8;
/// Bits of a key for channels; the lowest one says that the path was longer.
const CHANNEL_BITS: u32 = 63;
const CUT: u64 = 1;

/// A path in one number: its touches from the last one back, in the same number of bits from the highest down.
/// So shortening a path to its last touches clears low bits, and keys stay in order.
///
/// A touch is its channel; where `attribution.path` is `frequency`, its channel and how many touches it stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys {
    bits: u32,
    /// So many touches may become one and still be told apart; 1: it doesn't matter.
    repeats: u16,
    /// Whether a touch of a path may stand for several.
    merged: bool,
}

impl Keys {
    /// For the channels of the rules.
    pub(super) fn new(rules: &Rules) -> Self {
        let repeats = match rules.path {
            PathTransform::Frequency => u16::try_from(rules.max_path_touches).unwrap_or(u16::MAX).max(1),
            _ => 1,
        };
        let symbols = rules.channels.len() * usize::from(repeats);
        let bits = (usize::BITS - symbols.leading_zeros()).max(1);
        Self { bits, repeats, merged: rules.path != PathTransform::Unique }
    }

    /// The touch's number among all that are told apart, from 1: fits into the bits.
    #[inline]
    fn symbol(self, touch: &Touch) -> u64 {
        let repeats = touch.repeats.clamp(1, self.repeats) - 1;
        u64::from(touch.channel) * u64::from(self.repeats) + u64::from(repeats) + 1
    }

    /// How many touches became those of a path.
    #[inline]
    pub(super) fn count(self, path: &[Touch]) -> usize {
        if self.merged { path.iter().map(|touch| usize::from(touch.repeats)).sum() } else { path.len() }
    }

    /// Touches of the longest path that has room.
    pub(super) fn longest(self) -> u32 {
        LONGEST.min(CHANNEL_BITS / self.bits)
    }

    /// The key of a path by its last so many touches.
    #[inline]
    pub(super) fn key(self, path: &[Touch], longest: u32) -> u64 {
        let cut = path.len() > longest as usize;
        let mut shift = u64::BITS;
        let mut key = u64::from(cut);
        for touch in path.iter().rev().take(longest as usize) {
            shift -= self.bits;
            key |= self.symbol(touch) << shift;
        }
        key
    }

    /// The key of the same path by its last so many touches, at least one.
    pub(super) fn shorten(self, key: u64, longest: u32) -> u64 {
        let kept = key & u64::MAX << (u64::BITS - self.bits * longest);
        kept | u64::from(kept != key)
    }

    /// Whether a key stands for paths that were longer.
    pub(super) fn is_cut(key: u64) -> bool {
        key & CUT != 0
    }

    /// Whether a key tells how many touches its paths had before any were merged.
    pub(super) fn tells_touches(self, key: u64) -> bool {
        !Self::is_cut(key) && !self.merged
    }

    /// How many touches a key tells of.
    pub(super) fn touches(self, key: u64) -> u32 {
        let lowest = (key & !CUT).trailing_zeros();
        (u64::BITS - lowest).div_ceil(self.bits)
    }

    /// The touches of a key, oldest first: channel, and where that is told how many it stands for.
    pub(super) fn channels(self, key: u64) -> Vec<(usize, Option<u16>)> {
        let mask = u64::MAX >> (u64::BITS - self.bits);
        let symbol = |at: u32| (key >> (u64::BITS - self.bits * (at + 1)) & mask) - 1;
        let repeats = u64::from(self.repeats);
        let touch = |symbol: u64| {
            let times = (repeats > 1).then_some((symbol % repeats) as u16 + 1);
            ((symbol / repeats) as usize, times)
        };
        (0..self.touches(key)).rev().map(|at| touch(symbol(at))).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journey::testing::World;

    fn keys(channels: usize, path: PathTransform) -> Keys {
        let mut rules = World::new(&[], &[]).rules;
        rules.channels = vec![String::new(); channels];
        rules.path = path;
        Keys::new(&rules)
    }

    fn touches(path: &[(u16, u16)]) -> Vec<Touch> {
        path.iter()
            .map(|(channel, repeats)| Touch { channel: *channel, repeats: *repeats, ..Touch::default() })
            .collect()
    }

    #[test]
    fn many_channels_leave_room_for_fewer_touches() {
        for (channels, longest) in
            [(0, 8), (1, 8), (12, 8), (127, 8), (128, 7), (511, 7), (512, 6), (1_000, 6)]
        {
            assert_eq!(keys(channels, PathTransform::Unique).longest(), longest, "{channels}");
        }
        for (channels, longest) in [(1, 6), (12, 4), (1_000, 3)] {
            assert_eq!(keys(channels, PathTransform::Frequency).longest(), longest, "{channels}");
        }
        assert_eq!(keys(1_000, PathTransform::Unique).key(&[], 6), 0, "no touch");
    }

    #[test]
    fn a_key_tells_how_often_only_where_that_matters() {
        let path = touches(&[(3, 1), (0, 7), (11, 1_000)]);
        let told = keys(12, PathTransform::Frequency);
        assert_eq!(told.channels(told.key(&path, 4)), [(3, Some(1)), (0, Some(7)), (11, Some(1_000))]);
        let first = keys(12, PathTransform::First);
        assert_eq!(first.channels(first.key(&path, 8)), [(3, None), (0, None), (11, None)]);
        assert_eq!((told.count(&path), first.count(&path)), (1_008, 1_008));
    }

    fn path() -> impl Strategy<Value = (usize, Vec<u16>)> {
        prop_oneof![Just(1_usize), Just(3), Just(7), Just(8), Just(12), Just(1_000)]
            .prop_flat_map(|channels| (Just(channels), prop::collection::vec(0..channels as u16, 0..12)))
    }

    proptest! {
        #[test]
        fn a_key_tells_the_last_touches((channels, path) in path(), shorter in 1_u32..9) {
            let keys = keys(channels, PathTransform::Unique);
            let touches = touches(&path.iter().map(|channel| (*channel, 1)).collect::<Vec<_>>());
            let key = |longest| keys.key(&touches, longest);
            let shown: Vec<u16> =
                keys.channels(key(keys.longest())).into_iter().map(|(channel, _)| channel as u16).collect();
            let whole = key(keys.longest());
            prop_assert_eq!(Keys::is_cut(whole), path.len() > keys.longest() as usize);
            prop_assert_eq!(&shown, &path[path.len().saturating_sub(keys.longest() as usize)..]);
            let shorter = shorter.min(keys.longest());
            prop_assert_eq!(keys.shorten(whole, shorter), key(shorter));
        }

        #[test]
        fn shorter_keys_stay_in_order(mut all in prop::collection::vec(any::<u64>(), 0..50), longest in 1_u32..9) {
            all.sort_unstable();
            let keys = keys(12, PathTransform::Unique);
            let shorter: Vec<u64> = all.iter().map(|key| keys.shorten(*key, longest)).collect();
            prop_assert!(shorter.is_sorted());
        }
    }
}
