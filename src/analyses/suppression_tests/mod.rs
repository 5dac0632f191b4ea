//! No hidden count of a dimension can be found from what all tables of a run show of it.
//!
//! An attacker knows every cell that is shown, the totals of the whole, and the linear equations between cells: what is
//! left is solved exactly, over fractions for what equations determine, over whole numbers for what bounds do.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;

mod experiments;
mod stages;

/// So many steps are tried from one end to the other.
const MOST_STEPS: usize = 2_000;

/// A count by cell: what it counts, and whose.
type Name = (String, String);

/// Counts of one dimension and the equations that hold between them.
#[derive(Debug, Default)]
struct System {
    /// What is true, and whether it is shown.
    cells: BTreeMap<Name, (i128, bool)>,
    /// Sums of hidden and shown counts with their factors, and what they are.
    equations: Vec<(Vec<(Name, i128)>, i128)>,
    /// No count is above these.
    most: BTreeMap<Name, i128>,
}

impl System {
    /// Adds a count; true where it is hidden.
    fn cell(&mut self, name: Name, truth: i128, shown: Option<i128>) {
        assert!(shown.is_none_or(|shown| shown == truth), "{name:?}: {truth} is shown as {shown:?}");
        self.cells.insert(name, (truth, shown.is_some()));
    }

    /// Adds an equation; it has to be true.
    fn equation(&mut self, terms: Vec<(Name, i128)>, sum: i128) {
        let truth: i128 = terms.iter().map(|(name, factor)| self.cells[name].0 * factor).sum();
        assert_eq!(truth, sum, "{terms:?}");
        self.equations.push((terms, sum));
    }

    fn hidden(&self) -> Vec<&Name> {
        self.cells.iter().filter(|(_, (_, shown))| !shown).map(|(name, _)| name).collect()
    }

    /// Reduced rows over the hidden counts: what is shown goes to the other side, and has no say in the rank.
    fn reduced(&self, hidden: &[&Name]) -> Vec<Vec<Fraction>> {
        let row = |(terms, _): &(Vec<(Name, i128)>, i128)| -> Vec<Fraction> {
            let factor = |name: &&Name| -> i128 {
                terms.iter().filter(|(own, _)| own == *name).map(|(_, factor)| factor).sum()
            };
            hidden.iter().map(|name| Fraction::new(factor(name), 1)).collect()
        };
        reduce(self.equations.iter().map(row).collect())
    }

    /// The hidden counts that the equations determine: those alone in a reduced row.
    fn determined(&self) -> Vec<Name> {
        let hidden = self.hidden();
        let alone = |row: &Vec<Fraction>| {
            let mut filled = (0..row.len()).filter(|at| !row[*at].is_zero());
            filled.next().filter(|_| filled.next().is_none())
        };
        self.reduced(&hidden).iter().filter_map(alone).map(|at| hidden[at].clone()).collect()
    }

    /// A hidden count of 1 or 2 that can be only what it is: no other whole numbers fit.
    fn unique(&self) -> Option<Name> {
        let hidden = self.hidden();
        let truth: Vec<i128> = hidden.iter().map(|name| self.cells[*name].0).collect();
        let row = |(terms, _): &(Vec<(Name, i128)>, i128)| -> Vec<(usize, i128)> {
            let place = |(name, factor): &(Name, i128)| {
                hidden.iter().position(|hidden| *hidden == name).map(|at| (at, *factor))
            };
            terms.iter().filter_map(place).collect()
        };
        let rows: Vec<_> = self.equations.iter().map(row).filter(|row| !row.is_empty()).collect();
        let few = (0..hidden.len()).filter(|at| (1..=2).contains(&truth[*at])).collect();
        let open = self.not_stepped(&hidden, &truth, few);
        let whole = Whole { truth: &truth, rows: &rows };
        let ranges = || -> Vec<(i128, i128)> {
            let most = |name: &&Name| self.most.get(*name).copied().unwrap_or(i128::from(u32::MAX));
            hidden.iter().map(|name| (0, most(name))).collect()
        };
        let is_only = |at: &usize| {
            let range = |range: (i128, i128)| {
                let mut ranges = ranges();
                ranges[*at] = (range.0.max(ranges[*at].0), range.1.min(ranges[*at].1));
                ranges
            };
            let truth = truth[*at];
            !whole.is_possible(range((0, truth - 1))) && !whole.is_possible(range((truth + 1, i128::MAX)))
        };
        open.into_iter().find(is_only).map(|at| hidden[at].clone())
    }

    /// Those of some hidden counts that no few steps along the ways in which all may differ change: most are found so.
    fn not_stepped(&self, hidden: &[&Name], truth: &[i128], mut open: Vec<usize>) -> Vec<usize> {
        let directions = self.directions(hidden);
        let fits = |step: &[i128]| {
            (0..hidden.len()).all(|at| {
                let value = truth[at] + step[at];
                value >= 0 && self.most.get(hidden[at]).is_none_or(|most| value <= *most)
            })
        };
        // One way, then two and three together, forth and back.
        let mut steps: Vec<(usize, Vec<i128>)> = vec![(0, vec![0; hidden.len()])];
        for _ in 0..3 {
            let mut longer = Vec::new();
            // What is not found soon is searched for otherwise.
            for (from, step) in steps.iter().take(MOST_STEPS / directions.len().max(1)) {
                for (at, direction) in directions.iter().enumerate().skip(*from) {
                    for factor in [1, -1] {
                        let step: Vec<i128> =
                            step.iter().zip(direction).map(|(own, more)| own + factor * more).collect();
                        if open.iter().any(|at| step[*at] != 0) && fits(&step) {
                            open.retain(|at| step[*at] == 0);
                        }
                        if open.is_empty() {
                            return open;
                        }
                        longer.push((at + 1, step));
                    }
                }
            }
            steps = longer;
        }
        open
    }

    /// Ways in which the hidden counts may differ from what they are, all equations as true as before.
    fn directions(&self, hidden: &[&Name]) -> Vec<Vec<i128>> {
        let rows = self.reduced(hidden);
        let pivot = |row: &Vec<Fraction>| row.iter().position(|cell| !cell.is_zero());
        let pivots: Vec<usize> = rows.iter().filter_map(pivot).collect();
        let free = (0..hidden.len()).filter(|at| !pivots.contains(at));
        free.map(|at| {
            let mut direction = vec![Fraction::new(0, 1); hidden.len()];
            direction[at] = Fraction::new(1, 1);
            for (row, pivot) in rows.iter().zip(&pivots) {
                direction[*pivot] = row[at].times(Fraction::new(-1, 1));
            }
            let scale = direction.iter().fold(1, |scale, cell| scale / gcd(scale, cell.below) * cell.below);
            direction.iter().map(|cell| cell.above * (scale / cell.below)).collect()
        })
        .collect()
    }
}

/// Whole numbers that make equations true: found or ruled out by bounds and by trying.
struct Whole<'s> {
    /// One way.
    truth: &'s [i128],
    /// Places with their factors; each sums to what it does in truth.
    rows: &'s [Vec<(usize, i128)>],
}

impl Whole<'_> {
    /// Whether some numbers within these ranges fit.
    fn is_possible(&self, ranges: Vec<(i128, i128)>) -> bool {
        let mut tried = 0;
        self.search(ranges, &mut tried)
    }

    fn search(&self, mut ranges: Vec<(i128, i128)>, tried: &mut u32) -> bool {
        *tried += 1;
        assert!(*tried < 20_000, "undecided: {ranges:?} of {:?} in {:?}", self.truth, self.rows);
        if !self.narrow(&mut ranges) {
            return false;
        }
        let open = (0..ranges.len()).filter(|at| ranges[*at].0 < ranges[*at].1);
        let Some(at) = open.min_by_key(|at| ranges[*at].1 - ranges[*at].0) else { return true };
        // What is near the truth fits most easily.
        let (low, high) = ranges[at];
        let near = self.truth[at].clamp(low, high);
        [(near, near), (low, near - 1), (near + 1, high)].into_iter().filter(|(low, high)| low <= high).any(
            |range| {
                let mut ranges = ranges.clone();
                ranges[at] = range;
                self.search(ranges, tried)
            },
        )
    }

    /// Leaves what no row alone rules out; false where nothing is left.
    fn narrow(&self, ranges: &mut [(i128, i128)]) -> bool {
        loop {
            let mut is_new = false;
            for row in self.rows {
                let sum: i128 = row.iter().map(|(at, factor)| self.truth[*at] * factor).sum();
                let ends = |at: usize, factor: i128, ranges: &[(i128, i128)]| {
                    let (low, high) = (ranges[at].0 * factor, ranges[at].1 * factor);
                    (low.min(high), low.max(high))
                };
                let all = row.iter().map(|(at, factor)| ends(*at, *factor, ranges));
                let (least, most) = all.fold((0, 0), |(low, high), own| (low + own.0, high + own.1));
                if sum < least || sum > most {
                    return false;
                }
                for (at, factor) in row {
                    let own = ends(*at, *factor, ranges);
                    // What the others leave for this one.
                    let (low, high) = (sum - (most - own.1), sum - (least - own.0));
                    let (low, high) = if *factor > 0 { (low, high) } else { (-high, -low) };
                    let by = factor.abs();
                    let range =
                        (ranges[*at].0.max(-((-low).div_euclid(by))), ranges[*at].1.min(high.div_euclid(by)));
                    if range.0 > range.1 {
                        return false;
                    }
                    if range != ranges[*at] {
                        // The row's ends are those of before.
                        (ranges[*at], is_new) = (range, true);
                        break;
                    }
                }
            }
            if !is_new {
                return true;
            }
        }
    }
}

/// A fraction in lowest terms.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Fraction {
    above: i128,
    /// Above 0.
    below: i128,
}

impl Fraction {
    fn new(above: i128, below: i128) -> Fraction {
        let shared = gcd(above.abs().max(1), below.abs()) * below.signum();
        if above == 0 {
            Fraction { above: 0, below: 1 }
        } else {
            Fraction { above: above / shared, below: below / shared }
        }
    }

    fn is_zero(self) -> bool {
        self.above == 0
    }

    fn times(self, other: Fraction) -> Fraction {
        Fraction::new(self.above * other.above, self.below * other.below)
    }

    fn over(self, other: Fraction) -> Fraction {
        Fraction::new(self.above * other.below, self.below * other.above)
    }

    fn minus(self, other: Fraction) -> Fraction {
        Fraction::new(self.above * other.below - other.above * self.below, self.below * other.below)
    }
}

fn gcd(one: i128, other: i128) -> i128 {
    if other == 0 { one } else { gcd(other, one % other) }
}

/// Gauss and Jordan: reduced rows without the empty ones.
fn reduce(mut rows: Vec<Vec<Fraction>>) -> Vec<Vec<Fraction>> {
    let columns = rows.first().map_or(0, Vec::len);
    let mut done = 0;
    for column in 0..columns {
        let Some(pivot) = (done..rows.len()).find(|row| !rows[*row][column].is_zero()) else { continue };
        rows.swap(done, pivot);
        let by = rows[done][column];
        rows[done].iter_mut().for_each(|cell| *cell = cell.over(by));
        let own = rows[done].clone();
        for (at, row) in rows.iter_mut().enumerate().filter(|(at, row)| *at != done && !row[column].is_zero())
        {
            assert_ne!(at, done);
            let factor = row[column];
            for (cell, own) in row.iter_mut().zip(&own).filter(|(_, own)| !own.is_zero()) {
                *cell = cell.minus(factor.times(*own));
            }
        }
        done += 1;
    }
    rows.truncate(done);
    rows
}

#[test]
fn fractions_are_reduced() {
    let rows = [[2, 4, 0], [1, 2, 1], [3, 6, 1]].map(|row| row.map(|cell| Fraction::new(cell, 1)).to_vec());
    let whole = |row: &Vec<Fraction>| row.iter().map(|cell| (cell.above, cell.below)).collect::<Vec<_>>();
    let reduced: Vec<_> = reduce(rows.to_vec()).iter().map(whole).collect();
    assert_eq!(reduced, [[(1, 1), (2, 1), (0, 1)], [(0, 1), (0, 1), (1, 1)]]);
    assert_eq!(Fraction::new(4, -6), Fraction { above: -2, below: 3 });
}

#[test]
fn a_count_that_is_left_over_is_found() {
    let mut system = System::default();
    let name = |cell: &str| ("entered".to_owned(), cell.to_owned());
    for (cell, truth, shown) in [("a", 2, None), ("b", 7, Some(7)), ("c", 1, None)] {
        system.cell(name(cell), truth, shown);
    }
    system.equation(["a", "b", "c"].map(|cell| (name(cell), 1)).to_vec(), 10);
    assert_eq!((system.determined(), system.unique()), (Vec::new(), None));
    system.cell(name("c"), 1, Some(1));
    assert_eq!((system.determined(), system.unique()), (vec![name("a")], Some(name("a"))));
}

/// Counts of a table by its text columns: null is None.
fn counts(frame: &DataFrame, keys: &[&str], column: &str) -> Vec<(Vec<String>, Option<i128>)> {
    let texts: Vec<_> = keys.iter().map(|key| frame.column(key).unwrap().str().unwrap()).collect();
    let counts = frame.column(column).unwrap().i64().unwrap();
    let row = |at: usize| {
        let keys = texts.iter().map(|text| text.get(at).unwrap().to_owned()).collect();
        (keys, counts.get(at).map(i128::from))
    };
    (0..frame.height()).map(row).collect()
}
