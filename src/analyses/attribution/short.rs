//! Paths of a few touches, counted by the channels they met until their bucket closes.
//!
//! Most paths are short, and what all models but time decay make of one depends on its channels alone. So
//! equal ones are counted first and shared out once.

use crate::journey::walk::Touch;

/// So many sequences of channels a table may hold.
const SEQUENCES: usize = 4_096;
/// Touches of the longest sequences: beyond, nearly every path is the only one of its kind.
const LONGEST: usize = 4;

/// Paths with the same channels in the same order.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Counts {
    /// Those that converted.
    pub(super) conversions: u64,
    /// Those that didn't.
    pub(super) nulls: u64,
    /// Minor units of those that converted.
    pub(super) value_minor: i128,
}

/// Counts by sequence of channels.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ShortPaths {
    channels: usize,
    /// Touches of the longest sequence that has a place here.
    longest: usize,
    /// By number of the sequence: its channels, each plus one, as digits to the base of all channels.
    counts: Vec<Counts>,
}

impl ShortPaths {
    /// For so many channels, none counted. Sequences of one touch always have a place.
    pub(super) fn new(channels: usize) -> Self {
        let (mut longest, mut sequences) = (1, 1 + channels);
        while longest < LONGEST && sequences * channels < SEQUENCES {
            longest += 1;
            sequences = 1 + sequences * channels;
        }
        Self { channels, longest, counts: vec![Counts::default(); sequences] }
    }

    /// The counts of a path; None where it is too long.
    #[inline]
    pub(super) fn of(&mut self, touches: &[Touch]) -> Option<&mut Counts> {
        if touches.len() > self.longest {
            return None;
        }
        let number =
            touches.iter().fold(0, |number, touch| number * self.channels + usize::from(touch.channel) + 1);
        self.counts.get_mut(number)
    }

    /// Forgets everything, and shows what was counted with the channels it belongs to.
    pub(super) fn drain(&mut self, mut show: impl FnMut(&[u16], Counts)) {
        let mut sequence = Vec::with_capacity(LONGEST);
        for (number, counts) in std::mem::take(&mut self.counts).into_iter().enumerate() {
            if counts == Counts::default() {
                continue;
            }
            sequence.clear();
            let mut rest = number;
            while rest > 0 {
                rest -= 1;
                sequence.push((rest % self.channels) as u16);
                rest /= self.channels;
            }
            sequence.reverse();
            show(&sequence, counts);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(channels: &[u16]) -> Vec<Touch> {
        channels.iter().map(|channel| Touch { channel: *channel, ..Touch::default() }).collect()
    }

    #[test]
    fn every_sequence_has_a_place_of_its_own() {
        let mut short = ShortPaths::new(5);
        assert_eq!((short.longest, short.counts.len()), (4, 1 + 5 + 25 + 125 + 625));
        let mut expected = Vec::new();
        for length in 1..=4 {
            for number in 0..5_usize.pow(length) {
                let channels: Vec<u16> =
                    (0..length).rev().map(|digit| (number / 5_usize.pow(digit) % 5) as u16).collect();
                let counts = short.of(&path(&channels)).unwrap();
                counts.conversions += expected.len() as u64 + 1;
                expected.push(channels);
            }
        }
        assert_eq!(short.of(&path(&[0; 5])), None, "too long");
        let mut shown = Vec::new();
        short.drain(|channels, counts| {
            shown.push(channels.to_vec());
            assert_eq!(counts.conversions, shown.len() as u64);
        });
        assert_eq!(shown, expected);
        short.drain(|_, _| panic!("everything was forgotten"));
    }

    #[test]
    fn the_table_stays_small_for_any_number_of_channels() {
        for (channels, longest) in
            [(1, 4), (2, 4), (7, 4), (8, 3), (15, 3), (16, 2), (63, 2), (64, 1), (1_000, 1)]
        {
            let short = ShortPaths::new(channels);
            assert_eq!(short.longest, longest, "{channels}");
            assert!(short.counts.len() <= SEQUENCES.max(channels + 1));
        }
        assert_eq!(ShortPaths::new(0).of(&[]), Some(&mut Counts::default()));
    }
}
