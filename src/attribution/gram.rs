//! The last channels of a path, packed into one number: states of the chain of higher order.

use std::fmt;

/// Bits of one channel.
const BITS: u32 = 15;
/// Channels that fit.
pub const LONGEST: usize = 4;
/// Where the length stands, above all channels.
const LENGTH: u32 = BITS * LONGEST as u32;

/// Up to four channels in their order. Grams sort by length first, then by their channels.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gram(u64);

impl Gram {
    /// No channel: the start of every path.
    pub const START: Gram = Gram(0);

    /// With one more channel at the end, of which the last `keep ≤ 4` stay.
    ///
    /// Channels are below 2¹⁵; a run has at most 1,000.
    #[inline]
    pub fn then(self, channel: u16, keep: usize) -> Gram {
        debug_assert!(keep <= LONGEST && u32::from(channel) < 1 << BITS);
        Gram::of((self.0 << BITS) | u64::from(channel), self.len() + 1, keep)
    }

    /// The last `keep` channels.
    #[inline]
    pub fn last(self, keep: usize) -> Gram {
        Gram::of(self.0, self.len(), keep)
    }

    /// All channels but the last.
    pub fn before(self) -> Gram {
        let packed = (self.0 & ((1 << LENGTH) - 1)) >> BITS;
        Gram::of(packed, self.len().saturating_sub(1), LONGEST)
    }

    #[inline]
    fn of(packed: u64, length: usize, keep: usize) -> Gram {
        let length = length.min(keep);
        Gram((packed & ((1 << (BITS * length as u32)) - 1)) | ((length as u64) << LENGTH))
    }

    /// How many channels.
    #[inline]
    pub fn len(self) -> usize {
        (self.0 >> LENGTH) as usize
    }

    /// Whether it is the start.
    pub fn is_empty(self) -> bool {
        self.len() == 0
    }

    /// The channels, the last one first.
    pub fn newest_first(self) -> impl Iterator<Item = u16> {
        (0..self.len() as u32).map(move |place| (self.0 >> (BITS * place)) as u16 & ((1 << BITS) - 1))
    }

    /// Whether a channel is among them.
    pub fn contains(self, channel: u16) -> bool {
        self.newest_first().any(|own| own == channel)
    }
}

/// A channel that a path met so often, as a gram holds it: met once, it is the channel itself. Numbers that don't
/// fit beside all channels are taken for the largest that does: with 1,000 channels 32 times.
pub fn counted(channel: u16, times: u16, channels: usize) -> u16 {
    let most = (1 << BITS) / channels.max(1);
    let times = usize::from(times).clamp(1, most);
    channel + ((times - 1) * channels) as u16
}

/// The channel of one that [`counted`] made, or of one that stands for itself.
pub fn channel_of(counted: u16, channels: usize) -> u16 {
    (usize::from(counted) % channels.max(1)) as u16
}

impl fmt::Debug for Gram {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut channels: Vec<u16> = self.newest_first().collect();
        channels.reverse();
        formatter.debug_list().entries(channels).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gram(channels: &[u16], keep: usize) -> Gram {
        channels.iter().fold(Gram::START, |gram, channel| gram.then(*channel, keep))
    }

    #[test]
    fn the_last_channels_stay() {
        let path = [7, 0, 999, 32_767, 7];
        for keep in 1..=LONGEST {
            let kept = gram(&path, keep);
            assert_eq!(format!("{kept:?}"), format!("{:?}", &path[5 - keep..]));
            assert_eq!((kept.len(), kept.is_empty()), (keep, false));
            assert_eq!(gram(&path, LONGEST).last(keep), kept);
            assert!(kept.contains(7) && !kept.contains(5));
        }
        assert_eq!(gram(&[1, 2, 3], 3).before(), gram(&[1, 2], 3));
        assert_eq!(gram(&[1], 3).before(), Gram::START);
        assert!(Gram::START.is_empty() && Gram::START.before().is_empty());
    }

    #[test]
    fn counted_channels_are_told_apart_and_lead_back() {
        for channels in [1, 12, 1_000] {
            for (channel, times) in [(0, 1), (0, 2), (channels - 1, 1), (channels - 1, 32)] {
                let found = counted(channel as u16, times, channels);
                assert_eq!(usize::from(found), channel + (usize::from(times) - 1) * channels);
                assert_eq!(usize::from(channel_of(found, channels)), channel);
                assert!(u32::from(found) < 1 << BITS);
            }
            let most = counted(channels as u16 - 1, u16::MAX, channels);
            assert!(u32::from(most) < 1 << BITS, "what doesn't fit is the largest that does");
        }
    }

    #[test]
    fn shorter_ones_come_first() {
        let sorted = [gram(&[], 4), gram(&[0], 4), gram(&[9], 4), gram(&[0, 0], 4), gram(&[0, 1, 0, 0], 4)];
        assert!(sorted.is_sorted(), "{sorted:?}");
        assert_ne!(gram(&[0], 4), gram(&[0, 0], 4), "channel 0 counts");
    }
}
