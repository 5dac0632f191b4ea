//! Small cells: which segments have cells of their own, and which of their counts are shown.
//!
//! Two rules, the same in every table of a run (frequency-count protection as in Hundepool et al. 2012,
//! *Statistical Disclosure Control*, ch. 5):
//!
//! - **Merging.** Segments below `min_customers` are one, `(small)`: [`Merged`].
//! - **Hiding.** A count of 1 or 2, or one whose complement is, is not shown: [`is_small`]. What is left of a
//!   total would show it all the same, so others are hidden with it: [`complement`].

use std::collections::{BTreeMap, BTreeSet};

use crate::journey::Dimension;

/// The segments that were too small to show, together.
pub const SMALL: &str = "(small)";
/// Note of a row with a count that is too small to show, or would give another one away.
pub const WITHHELD: &str = "withheld";
/// Counts that are never shown unless small cells are allowed.
const FEW: std::ops::RangeInclusive<u64> = 1..=2;

/// Whether a count is too small to show; `min_customers` of 1 allows all.
pub fn is_small(count: u64, min_customers: u64) -> bool {
    min_customers > 1 && FEW.contains(&count)
}

/// Whether a part of a whole, or what is left of it, is too few customers to show.
pub fn is_withheld(part: u64, whole: u64, min_customers: u64) -> bool {
    is_small(part, min_customers) || is_small(whole - part, min_customers)
}

/// The cells of a dimension: which of its segments have one of their own.
///
/// Segments below `min_customers`, at least 3, become `(small)`, then the next smallest (ties by name), until it holds
/// two segments and `min_customers` customers, or everything. So no other cell holds 1 or 2 customers, nor
/// does the rest of one. A value that reads like a reserved name joins it. It depends on the population alone: every
/// table of the dimension has the same cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Merged<'d> {
    /// By cell, in byte order.
    names: Vec<&'d str>,
    /// By cell.
    customers: Vec<u64>,
    /// By segment.
    cells: Vec<Option<usize>>,
}

impl<'d> Merged<'d> {
    /// Of the customers of the population by segment.
    pub fn new(dimension: &'d Dimension, customers: &[u64], min_customers: u64) -> Self {
        let mut by_name: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, customers) in dimension.segments.iter().zip(customers).filter(|(_, count)| **count > 0) {
            *by_name.entry(name).or_default() += customers;
        }
        let small = small(&by_name, min_customers);
        let shown = |name: &'d str| if small.contains(name) { SMALL } else { name };
        let mut by_cell: BTreeMap<&str, u64> = BTreeMap::new();
        for (name, customers) in &by_name {
            *by_cell.entry(shown(name)).or_default() += customers;
        }
        let (names, totals): (Vec<&str>, Vec<u64>) = by_cell.into_iter().unzip();
        let cell = |(name, customers): (&'d String, &u64)| {
            let shown = (*customers > 0).then(|| shown(name))?;
            names.binary_search(&shown).ok()
        };
        let cells = dimension.segments.iter().zip(customers).map(cell).collect();
        Self { names, customers: totals, cells }
    }

    /// Names of the cells, in byte order.
    pub fn names(&self) -> &[&'d str] {
        &self.names
    }

    /// Customers of the population, by cell.
    pub fn customers(&self) -> &[u64] {
        &self.customers
    }

    /// The cell of a segment. None: the population has no customer of it.
    pub fn cell(&self, segment: usize) -> Option<usize> {
        self.cells.get(segment).copied().flatten()
    }

    /// Counts by cell, from counts by segment; what belongs to segments without a cell is left out.
    pub fn sums(&self, by_segment: impl IntoIterator<Item = (usize, u64)>) -> Vec<u64> {
        let mut sums = vec![0; self.names.len()];
        for (segment, count) in by_segment {
            if let Some(cell) = self.cell(segment) {
                sums[cell] += count;
            }
        }
        sums
    }
}

/// The names that become one.
fn small<'d>(by_name: &BTreeMap<&'d str, u64>, min_customers: u64) -> BTreeSet<&'d str> {
    let least = if min_customers > 1 { min_customers.max(FEW.end() + 1) } else { min_customers };
    let mut by_size: Vec<(u64, &str)> = by_name.iter().map(|(name, customers)| (*customers, *name)).collect();
    by_size.sort_unstable();
    let mut small = BTreeSet::new();
    let mut held = 0;
    for (customers, name) in by_size {
        if customers >= least && (small.is_empty() || held >= least) {
            break;
        }
        // One segment alone never holds enough: it was merged for holding too few.
        held += customers;
        small.insert(name);
    }
    small
}

/// Hides more of the cells of a whole whose total is known, until what is hidden can't be told apart.
///
/// `counts` are those of all cells of one dimension that add up to something known; `hidden` are the cells that aren't
/// shown, for this count or another of the same row. Where some are, there are then at least two, and together they hold
/// at least `min_customers`, or nothing at all, and not all of them the same 1 or 2; or everything is hidden. The
/// smallest count above zero goes next, and all that are equal to it: names have no say, so that whoever knows
/// this rule can still permute what is hidden.
pub fn complement(hidden: &mut BTreeSet<usize>, counts: &[u64], min_customers: u64) {
    while !hidden.is_empty() && hidden.len() < counts.len() && !is_vague(hidden, counts, min_customers) {
        let left = || (0..counts.len()).filter(|cell| !hidden.contains(cell));
        let next = left().map(|cell| counts[cell]).filter(|count| *count > 0).min().unwrap_or(0);
        let equal: Vec<usize> = left().filter(|cell| counts[*cell] == next).collect();
        hidden.extend(equal);
    }
}

/// Counts by cell whose total is known.
#[derive(Debug, Clone)]
pub struct Family {
    /// By cell.
    pub counts: Vec<u64>,
    /// The cells that may have any, as far as can be known; None: all.
    pub of: Option<Vec<usize>>,
}

/// Hides cells where any of these counts is too small, and as many more as keep all of the hidden ones ([`complement`]).
pub fn hide(hidden: &mut BTreeSet<usize>, families: &[Family], min_customers: u64) {
    for Family { counts, .. } in families {
        hidden.extend((0..counts.len()).filter(|cell| is_small(counts[*cell], min_customers)));
    }
    loop {
        let before = hidden.len();
        for Family { counts, of } in families {
            match of {
                None => complement(hidden, counts, min_customers),
                Some(cells) => {
                    let own: Vec<u64> = cells.iter().map(|cell| counts[*cell]).collect();
                    let mut places: BTreeSet<usize> =
                        (0..cells.len()).filter(|at| hidden.contains(&cells[*at])).collect();
                    complement(&mut places, &own, min_customers);
                    hidden.extend(places.into_iter().map(|at| cells[at]));
                }
            }
        }
        if hidden.len() == before {
            return;
        }
    }
}

/// What the tables of segments have shown, and hidden that another would show: they are finished before that other.
///
/// Where all of a segment take part in an experiment, its arms together have as many conversions as the segment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Withheld {
    /// Customers of the tables of segments, by dimension, then segment: every table has their cells.
    pub population: Vec<Vec<u64>>,
    /// Dimension, conversion and segment whose conversions are hidden.
    converted: BTreeSet<(usize, usize, String)>,
}

impl Withheld {
    /// Nothing so far.
    pub fn new() -> Self {
        Self::default()
    }

    /// The conversions of a segment are hidden. Dimension and conversion are indices into the configured ones.
    pub fn hide_converted(&mut self, dimension: usize, conversion: usize, segment: &str) {
        self.converted.insert((dimension, conversion, segment.to_owned()));
    }

    /// Whether the conversions of a segment are hidden.
    pub fn hides_converted(&self, dimension: usize, conversion: usize, segment: &str) -> bool {
        self.converted.contains(&(dimension, conversion, segment.to_owned()))
    }
}

/// Whether the hidden counts can't be told from their sum.
fn is_vague(hidden: &BTreeSet<usize>, counts: &[u64], min_customers: u64) -> bool {
    let of_hidden = || hidden.iter().map(|cell| counts[*cell]);
    let sum: u64 = of_hidden().sum();
    let first = of_hidden().next().unwrap_or(0);
    let all_few = FEW.contains(&first) && of_hidden().all(|count| count == first);
    hidden.len() >= 2 && (sum == 0 || sum >= min_customers && !all_few)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::journey::dimensions::DimensionSource;
    use crate::journey::testing::World;

    fn merged(customers: &[u64], min_customers: u64) -> Vec<(String, u64)> {
        let book = World::new(&[], &[]).with_attributes(&["a", "b", "c", "d", "(small)"]).attributes;
        // Segments: (none), (small), a, b, c, d.
        let dimension = Dimension::new("letter", DimensionSource::Attribute(0), &book);
        let merged = Merged::new(&dimension, customers, min_customers);
        let by_segment = merged.sums(customers.iter().copied().enumerate());
        assert_eq!(by_segment, merged.customers());
        merged.names().iter().map(|name| (*name).to_owned()).zip(by_segment).collect()
    }

    fn shown(customers: &[u64], min_customers: u64) -> String {
        let cells = merged(customers, min_customers);
        cells.iter().map(|(name, customers)| format!("{name} {customers}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn segments_merge_until_there_are_two_and_enough() {
        assert_eq!(shown(&[30, 0, 10, 40, 9, 12], 10), "(none) 30, (small) 19, b 40, d 12");
        assert_eq!(shown(&[30, 0, 10, 40, 9, 12], 5), "(none) 30, a 10, b 40, c 9, d 12");
        assert_eq!(shown(&[30, 0, 10, 40, 9, 12], 200), "(small) 101");
        // What reads like it joins it, whatever it holds.
        assert_eq!(shown(&[30, 20, 10, 40, 9, 12], 10), "(none) 30, (small) 39, b 40, d 12");
        assert_eq!(shown(&[0; 6], 10), "");
    }

    #[test]
    fn no_cell_and_no_rest_is_one_or_two() {
        assert_eq!(shown(&[0, 0, 2, 2, 5, 9], 2), "(small) 4, c 5, d 9", "3 at least");
        assert_eq!(shown(&[0, 0, 1, 2, 5, 9], 1), "a 1, b 2, c 5, d 9", "1 turns it off");
        assert_eq!(shown(&[0, 0, 0, 2, 0, 0], 10), "(small) 2", "a dimension with one cell shows the whole");
    }

    fn completed(hidden: &[usize], counts: &[u64], min_customers: u64) -> Vec<usize> {
        let mut hidden = hidden.iter().copied().collect();
        complement(&mut hidden, counts, min_customers);
        hidden.into_iter().collect()
    }

    #[test]
    fn one_hidden_count_is_never_alone() {
        assert!(completed(&[], &[1, 2, 3], 10).is_empty());
        // The next smallest, then enough of them.
        assert_eq!(completed(&[0], &[1, 20, 30, 0], 10), [0, 1]);
        assert_eq!(completed(&[0], &[1, 6, 30, 2, 0], 10), [0, 1, 2, 3]);
        assert_eq!(completed(&[0, 3], &[1, 6, 30, 2, 0], 9), [0, 1, 3]);
        // Two that sum to 2 are 1 and 1; ten that sum to ten are ten times 1.
        assert_eq!(completed(&[0, 1], &[1, 1, 20, 30], 2), [0, 1, 2]);
        assert_eq!(completed(&[0, 1], &[2, 2, 20, 30], 3), [0, 1, 2]);
        // Names have no say.
        assert_eq!(completed(&[1], &[20, 1, 20, 30], 10), [0, 1, 2]);
        // Nothing above zero is left: all.
        assert_eq!(completed(&[2], &[0, 0, 1, 0], 10), [0, 1, 2, 3]);
        // Nobody is in what is hidden: nothing to protect.
        assert_eq!(completed(&[1, 2], &[9, 0, 0, 12], 10), [1, 2]);
    }

    proptest! {
        #[test]
        fn whoever_knows_the_rule_can_still_swap_what_is_hidden(
            counts in prop::collection::vec(prop_oneof![0_u64..5, 0_u64..40], 2..7),
            min_customers in 2_u64..12,
            swap in any::<[prop::sample::Index; 2]>(),
        ) {
            let hide = |counts: &[u64]| {
                let few = (0..counts.len()).filter(|cell| is_small(counts[*cell], min_customers));
                let mut hidden: BTreeSet<usize> = few.collect();
                complement(&mut hidden, counts, min_customers);
                hidden
            };
            let hidden = hide(&counts);
            prop_assert!(hidden.len() != 1);
            if hidden.is_empty() {
                return Ok(());
            }
            let list: Vec<usize> = hidden.iter().copied().collect();
            let mut swapped = counts.clone();
            swapped.swap(list[swap[0].index(list.len())], list[swap[1].index(list.len())]);
            prop_assert_eq!(&hide(&swapped), &hidden);
            // And there is something to swap, or nothing is shown.
            let differ = list.iter().any(|cell| counts[*cell] != counts[list[0]]);
            prop_assert!(differ || hidden.len() == counts.len(), "{:?} of {:?}", hidden, counts);
        }

        #[test]
        fn cells_hold_everybody(customers in prop::array::uniform6(0_u64..15), min_customers in 1_u64..15) {
            let cells = merged(&customers, min_customers);
            let total: u64 = customers.iter().sum();
            prop_assert_eq!(cells.iter().map(|cell| cell.1).sum::<u64>(), total);
            if cells.len() > 1 {
                for (_, customers) in cells {
                    prop_assert!(customers >= min_customers);
                    prop_assert!(!is_withheld(customers, total, min_customers));
                }
            }
        }
    }
}
