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
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Counts {
    /// Those that converted.
    pub(super) conversions: u64,
    /// Those that didn't.
    pub(super) nulls: u64,
    /// Minor units of those that converted.
    pub(super) value_minor: i128,
}

/// The place of a sequence.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Place(usize);

/// Counts by sequence of channels.
///
/// By number of the sequence: its channels, each plus one, as digits to the base of all channels. Of each path one list
/// is touched, most often that of nulls, and the others leave it its place in a core's caches. A bucket has fewer paths
/// to a target than 32 bits count.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct ShortPaths {
    channels: usize,
    /// Touches of the longest sequence that has a place here.
    longest: usize,
    conversions: Vec<u32>,
    nulls: Vec<u32>,
    values_minor: Vec<i128>,
}

impl ShortPaths {
    /// For so many channels, none counted. Sequences of one touch always have a place.
    pub(super) fn new(channels: usize) -> Self {
        let (mut longest, mut sequences) = (1, 1 + channels);
        while longest < LONGEST && sequences * channels < SEQUENCES {
            longest += 1;
            sequences = 1 + sequences * channels;
        }
        Self {
            channels,
            longest,
            conversions: vec![0; sequences],
            nulls: vec![0; sequences],
            values_minor: vec![0; sequences],
        }
    }

    /// The place of a path; None where it is too long.
    #[inline]
    pub(super) fn place(&self, touches: &[Touch]) -> Option<Place> {
        if touches.len() > self.longest {
            return None;
        }
        let number =
            touches.iter().fold(0, |number, touch| number * self.channels + usize::from(touch.channel) + 1);
        Some(Place(number))
    }

    /// Counts a path that didn't convert.
    #[inline]
    pub(super) fn add_null(&mut self, Place(at): Place) {
        self.nulls[at] += 1;
    }

    /// Counts a path that converted, worth so many minor units.
    #[inline]
    pub(super) fn add_conversion(&mut self, Place(at): Place, value_minor: i64) {
        self.conversions[at] += 1;
        if value_minor != 0 {
            self.values_minor[at] += i128::from(value_minor);
        }
    }

    /// Forgets everything, and shows what was counted with the channels it belongs to.
    pub(super) fn drain(&mut self, mut show: impl FnMut(&[u16], Counts)) {
        let mut sequence = Vec::with_capacity(LONGEST);
        let conversions = std::mem::take(&mut self.conversions);
        let (nulls, values_minor) = (std::mem::take(&mut self.nulls), std::mem::take(&mut self.values_minor));
        let counted = conversions.into_iter().zip(nulls).zip(values_minor);
        for (number, ((conversions, nulls), value_minor)) in counted.enumerate() {
            // What is worth something has converted.
            if conversions == 0 && nulls == 0 {
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
            let (conversions, nulls) = (u64::from(conversions), u64::from(nulls));
            show(&sequence, Counts { conversions, nulls, value_minor });
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
        assert_eq!((short.longest, short.nulls.len()), (4, 1 + 5 + 25 + 125 + 625));
        let mut expected = Vec::new();
        for length in 1..=4 {
            for number in 0..5_usize.pow(length) {
                let channels: Vec<u16> =
                    (0..length).rev().map(|digit| (number / 5_usize.pow(digit) % 5) as u16).collect();
                let place = short.place(&path(&channels)).unwrap();
                (0..=expected.len()).for_each(|_| short.add_conversion(place, 2));
                short.add_null(place);
                expected.push(channels);
            }
        }
        assert_eq!(short.place(&path(&[0; 5])), None, "too long");
        let mut shown = Vec::new();
        short.drain(|channels, counts| {
            shown.push(channels.to_vec());
            let conversions = shown.len() as u64;
            let value_minor = 2 * i128::from(conversions);
            assert_eq!(counts, Counts { conversions, nulls: 1, value_minor });
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
            assert!(short.nulls.len() <= SEQUENCES.max(channels + 1));
        }
        assert_eq!(ShortPaths::new(0).place(&[]), Some(Place(0)));
    }
}
