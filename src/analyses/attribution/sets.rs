//! Paths counted by the set of channels they met, for the Shapley value on rates.

use hashbrown::HashMap;

/// What the paths with one set of channels did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SetCells {
    /// Paths that converted.
    pub conversions: u64,
    /// Paths that didn't.
    pub nulls: u64,
    /// Conversions less those that were refunded in whole: what is credited.
    pub credited: i64,
    /// Minor units, less what was refunded.
    pub value_minor: i128,
}

/// Counts by set of channels, each as its sorted channels.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sets {
    cells: HashMap<Vec<u16>, SetCells, foldhash::fast::FixedState>,
    /// Memory that is used from path to path.
    sorted: Vec<u16>,
}

impl Sets {
    /// The counts of a set, whose distinct channels come in any order.
    pub fn of(&mut self, distinct: &[u16]) -> &mut SetCells {
        self.sorted.clear();
        self.sorted.extend_from_slice(distinct);
        self.sorted.sort_unstable();
        self.cells.entry_ref(&self.sorted[..]).or_default()
    }

    /// The counts of a sorted set, if some path met it.
    pub fn get(&self, sorted: &[u16]) -> Option<&SetCells> {
        self.cells.get(sorted)
    }

    /// Adds what another bucket saw.
    pub fn merge(&mut self, other: &Sets) {
        for (set, from) in &other.cells {
            let into = self.cells.entry_ref(&set[..]).or_default();
            into.conversions += from.conversions;
            into.nulls += from.nulls;
            into.credited += from.credited;
            into.value_minor += from.value_minor;
        }
    }

    /// All sets in the order of their channels, each with its counts.
    pub fn sorted(&self) -> Vec<(&[u16], SetCells)> {
        let mut sets: Vec<(&[u16], SetCells)> =
            self.cells.iter().map(|(set, cells)| (&set[..], *cells)).collect();
        sets.sort_unstable_by_key(|(set, _)| *set);
        sets
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_is_one_whatever_the_order() {
        let mut sets = Sets::default();
        sets.of(&[7, 2]).conversions += 1;
        sets.of(&[2, 7]).nulls += 3;
        sets.of(&[999]).nulls += 1;
        let mut other = Sets::default();
        other.of(&[7, 2]).value_minor = -5;
        other.of(&[0]).credited = -1;
        sets.merge(&other);
        let sorted = sets.sorted();
        let names: Vec<&[u16]> = sorted.iter().map(|(set, _)| *set).collect();
        assert_eq!(names, [&[0][..], &[2, 7], &[999]]);
        assert_eq!(sorted[1].1, SetCells { conversions: 1, nulls: 3, credited: 0, value_minor: -5 });
        assert_eq!(sets.get(&[2, 7]), Some(&sorted[1].1));
        assert_eq!(sets.get(&[7]), None);
    }
}
