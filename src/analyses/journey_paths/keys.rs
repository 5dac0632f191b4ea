//! Paths as numbers that order as the paths do, the last touch first.

/// Touches of the longest path that is told apart in full, where the channels leave room for them.
const LONGEST: u32 = 8;
/// Bits of a key for channels; the lowest one says that the path was longer.
const CHANNEL_BITS: u32 = 63;
const CUT: u64 = 1;

/// A path in one number: its channels from the last one back, each plus one, in the same number of bits from
/// the highest down. So shortening a path to its last touches clears low bits, and keys stay in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Keys {
    bits: u32,
}

impl Keys {
    /// For so many channels.
    pub(super) fn new(channels: usize) -> Self {
        Self { bits: (usize::BITS - channels.leading_zeros()).max(1) }
    }

    /// Touches of the longest path that has room.
    pub(super) fn longest(self) -> u32 {
        LONGEST.min(CHANNEL_BITS / self.bits)
    }

    /// The key of a path by its last so many touches.
    #[inline]
    pub(super) fn key(
        self,
        path: impl DoubleEndedIterator<Item = u16> + ExactSizeIterator,
        longest: u32,
    ) -> u64 {
        let cut = path.len() > longest as usize;
        let mut shift = u64::BITS;
        let mut key = u64::from(cut);
        for channel in path.rev().take(longest as usize) {
            shift -= self.bits;
            key |= (u64::from(channel) + 1) << shift;
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

    /// How many touches a key tells of.
    pub(super) fn touches(self, key: u64) -> u32 {
        let lowest = (key & !CUT).trailing_zeros();
        (u64::BITS - lowest).div_ceil(self.bits)
    }

    /// The channels of a key, oldest first.
    pub(super) fn channels(self, key: u64) -> Vec<usize> {
        let mask = u64::MAX >> (u64::BITS - self.bits);
        let channel = |at: u32| (key >> (u64::BITS - self.bits * (at + 1)) & mask) as usize - 1;
        (0..self.touches(key)).rev().map(channel).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_thousand_channels_leave_room_for_six_touches() {
        for (channels, longest) in
            [(0, 8), (1, 8), (12, 8), (127, 8), (128, 7), (511, 7), (512, 6), (1_000, 6)]
        {
            assert_eq!(Keys::new(channels).longest(), longest, "{channels}");
        }
        let keys = Keys::new(1_000);
        assert_eq!(keys.key([].into_iter(), 6), 0, "no touch");
        assert_eq!(keys.channels(keys.key([999, 0, 999].into_iter(), 6)), [999, 0, 999]);
    }

    fn path() -> impl Strategy<Value = (usize, Vec<u16>)> {
        prop_oneof![Just(1_usize), Just(3), Just(7), Just(8), Just(12), Just(1_000)]
            .prop_flat_map(|channels| (Just(channels), prop::collection::vec(0..channels as u16, 0..12)))
    }

    proptest! {
        #[test]
        fn a_key_tells_the_last_touches((channels, path) in path(), shorter in 1_u32..9) {
            let keys = Keys::new(channels);
            let key = |longest| keys.key(path.iter().copied(), longest);
            let shown = |key| -> Vec<u16> { keys.channels(key).into_iter().map(|at| at as u16).collect() };
            let whole = key(keys.longest());
            prop_assert_eq!(Keys::is_cut(whole), path.len() > keys.longest() as usize);
            prop_assert_eq!(&shown(whole), &path[path.len().saturating_sub(keys.longest() as usize)..]);
            let shorter = shorter.min(keys.longest());
            prop_assert_eq!(keys.shorten(whole, shorter), key(shorter));
        }

        #[test]
        fn shorter_keys_stay_in_order(mut keys in prop::collection::vec(any::<u64>(), 0..50), longest in 1_u32..9) {
            keys.sort_unstable();
            let layout = Keys::new(12);
            let shorter: Vec<u64> = keys.iter().map(|key| layout.shorten(*key, longest)).collect();
            prop_assert!(shorter.is_sorted());
        }
    }
}
