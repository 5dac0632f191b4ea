//! An array of counts in as few bytes as they need.
//!
//! Of the hundreds of histograms of a table nearly all count so little that two bytes do for each cell: half the memory,
//! and twice as many cells in a core's cache. The few that count more get four bytes, once and for all of their cells.

use super::{Bin, BinIndex};

/// Counts by cell.
#[derive(Debug, Clone)]
pub(super) enum Cells {
    /// As long as they all fit.
    Narrow(Vec<u16>),
    /// From then on.
    Wide(Vec<u32>),
}

impl Cells {
    /// No cells.
    pub(super) const NONE: Cells = Cells::Narrow(Vec::new());

    /// How many there are.
    pub(super) fn len(&self) -> usize {
        match self {
            Cells::Narrow(cells) => cells.len(),
            Cells::Wide(cells) => cells.len(),
        }
    }

    /// Whether there are none.
    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The cells from one on: as many as there are of so many.
    pub(super) fn counts(&self, from: usize, most: usize) -> impl Iterator<Item = u64> + '_ {
        let (narrow, wide) = match self {
            Cells::Narrow(cells) => (&cells[..], &[][..]),
            Cells::Wide(cells) => (&[][..], &cells[..]),
        };
        let narrow = narrow.iter().skip(from).map(|count| u64::from(*count));
        narrow.chain(wide.iter().skip(from).map(|count| u64::from(*count))).take(most)
    }

    /// The bins of the cells that hold values, from a cell on.
    pub(super) fn filled(&self, from: usize) -> impl Iterator<Item = Bin> + '_ {
        let cells = self.counts(from, usize::MAX).enumerate();
        cells.filter(|(_, count)| *count > 0).map(move |(at, count)| (BinIndex::of_cell(from + at), count))
    }

    /// Adds a value; false where no cell is its bin's, or that has no room.
    #[inline]
    pub(super) fn count(&mut self, bin: BinIndex) -> bool {
        match self {
            Cells::Narrow(cells) => match cells.get_mut(bin.cell()) {
                Some(count) if *count < u16::MAX => *count += 1,
                Some(_) => return self.add(bin, 1) == 0,
                None => return false,
            },
            Cells::Wide(cells) => match cells.get_mut(bin.cell()) {
                Some(count) if *count < u32::MAX => *count += 1,
                _ => return false,
            },
        }
        true
    }

    /// Adds so many values of a bin that has a cell. Returns how many found no room.
    pub(super) fn add(&mut self, bin: BinIndex, values: u64) -> u64 {
        if let Cells::Narrow(cells) = self {
            let cell = &mut cells[bin.cell()];
            match u16::try_from(u64::from(*cell).saturating_add(values)) {
                Ok(sum) => {
                    *cell = sum;
                    return 0;
                }
                Err(_) => *self = Cells::Wide(cells.iter().map(|count| u32::from(*count)).collect()),
            }
        }
        let Cells::Wide(cells) = self else { return values };
        let cell = &mut cells[bin.cell()];
        let added = values.min(u64::from(u32::MAX - *cell));
        *cell += added as u32;
        values - added
    }

    /// Makes it at least so long.
    pub(super) fn grow(&mut self, cells: usize) {
        fn grow<T: Clone + Default>(own: &mut Vec<T>, cells: usize) {
            let cells = cells.max(own.len());
            // Exactly: the next doubling may never come.
            own.reserve_exact(cells - own.len());
            own.resize(cells, T::default());
        }
        match self {
            Cells::Narrow(own) => grow(own, cells),
            Cells::Wide(own) => grow(own, cells),
        }
    }

    /// Bytes of each cell.
    #[cfg(test)]
    pub(super) fn width(&self) -> usize {
        match self {
            Cells::Narrow(_) => 2,
            Cells::Wide(_) => 4,
        }
    }
}

impl Default for Cells {
    fn default() -> Self {
        Self::NONE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_get_wider_when_one_of_them_has_to() {
        let (one, other) = (BinIndex::of(1), BinIndex::of(4));
        let mut cells = Cells::default();
        assert!(!cells.count(one));
        cells.grow(5);
        assert!(cells.count(other));
        for count in 1..=70_000 {
            assert!(cells.count(one));
            let expected: Vec<Bin> = vec![(one, count), (other, 1)];
            if count.is_power_of_two() || count.abs_diff(1 << 16) < 3 {
                assert_eq!(cells.filled(0).collect::<Vec<Bin>>(), expected);
                assert_eq!(cells.width(), if count < 1 << 16 { 2 } else { 4 });
            }
        }
        assert_eq!(cells.len(), 5);
        assert_eq!(cells.counts(1, 2).collect::<Vec<u64>>(), [70_000, 0]);
        assert_eq!(cells.filled(2).collect::<Vec<Bin>>(), [(other, 1)]);
    }

    #[test]
    fn what_finds_no_room_is_returned() {
        let bin = BinIndex::of(0);
        let mut cells = Cells::default();
        cells.grow(1);
        assert_eq!(cells.add(bin, u64::from(u16::MAX)), 0);
        assert_eq!(cells.width(), 2);
        assert_eq!(cells.add(bin, u64::MAX), u64::MAX - u64::from(u32::MAX - u32::from(u16::MAX)));
        assert!(!cells.count(bin));
        assert_eq!(cells.counts(0, 9).collect::<Vec<u64>>(), [u64::from(u32::MAX)]);
    }
}
