//! Whether what is hidden of a dimension's stages could be otherwise.
//!
//! [`Hidden`](super::hidden::Hidden) leaves no hidden count that equations alone would determine. Bounds can do it
//! still: no count is below 0 or above what it is a part of. Where all who entered a stage went on, say, and a
//! cell has as many entries as customers, one more entry into the next stage can only be in the other cell. So
//! for each count that is too small to show two customers are looked for, in cells of which all that differs
//! is hidden, who could have gone each other's way: then the tables were the same, and the count was not.

use crate::journey::Rules;

use super::counts::{SegmentCounts, Shape};
use crate::analyses::funnel::StageCounts;
use crate::analyses::suppression::is_small;
use crate::config::plan::StageMode;

/// What of a stage is counted. Outcomes are those of its entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Entered(usize),
    Without(usize),
    Progressed(usize),
    Dropped(usize),
    Immature(usize),
}

impl Count {
    /// The stage whose hidden cells keep it: what became of entries is hidden with the entries that follow.
    fn kept_by(self) -> usize {
        match self {
            Count::Entered(stage) | Count::Without(stage) => stage,
            Count::Progressed(stage) | Count::Dropped(stage) | Count::Immature(stage) => stage + 1,
        }
    }
}

/// The counts of one cell.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Flow {
    customers: u64,
    /// By stage.
    entered: Vec<u64>,
    without: Vec<u64>,
    progressed: Vec<u64>,
    dropped: Vec<u64>,
    immature: Vec<u64>,
    /// Of the conversions with the rows of a stage, by stage: the least and the most of them.
    twins: Vec<Option<(u64, u64)>>,
}

impl Flow {
    fn get(&self, count: Count) -> u64 {
        match count {
            Count::Entered(stage) => self.entered[stage],
            Count::Without(stage) => self.without[stage],
            Count::Progressed(stage) => self.progressed[stage],
            Count::Dropped(stage) => self.dropped[stage],
            Count::Immature(stage) => self.immature[stage],
        }
    }

    fn at(&mut self, count: Count) -> &mut u64 {
        match count {
            Count::Entered(stage) => &mut self.entered[stage],
            Count::Without(stage) => &mut self.without[stage],
            Count::Progressed(stage) => &mut self.progressed[stage],
            Count::Dropped(stage) => &mut self.dropped[stage],
            Count::Immature(stage) => &mut self.immature[stage],
        }
    }

    /// Whether the steps lead to counts that could be.
    fn can(&self, steps: &[(Count, i64)], sign: i64) -> bool {
        let mut other = self.clone();
        for (count, step) in steps {
            let Some(moved) = other.get(*count).checked_add_signed(step * sign) else { return false };
            *other.at(*count) = moved;
            let Count::Entered(stage) = *count else { continue };
            if let Some((least, most)) = self.twins[stage] {
                let fits = |count: u64| {
                    count.checked_add_signed(step * sign).is_some_and(|count| count <= self.customers)
                };
                if !fits(least) || !fits(most) {
                    return false;
                }
            }
        }
        let mut parts = other.entered.iter().zip(&other.without);
        parts.all(|(entered, without)| without <= entered && *entered <= self.customers)
    }
}

/// A count that can be only what it is, and the stage of which more must be hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Exposed {
    pub(super) stage: usize,
}

/// The cells of a dimension, and the ways in which two of their customers can differ.
pub(super) struct Audit {
    cells: Vec<Flow>,
    moves: Vec<Vec<(Count, i64)>>,
    min_customers: u64,
}

impl Audit {
    /// `twins`: by conversion, the stage that has its rows.
    pub(super) fn new(
        cells: &[SegmentCounts],
        rules: &Rules,
        shape: Shape,
        twins: &[Option<usize>],
        min_customers: u64,
    ) -> Audit {
        let flow = |cell: &SegmentCounts| {
            let stages = || (0..shape.stages).map(|stage| cell.stage(stage, shape));
            // Of the first stage it says nothing: nobody has one before it.
            let without = |(stage, counts): (usize, StageCounts<'_>)| match stage {
                0 => 0,
                _ => counts.without_previous,
            };
            let twins = |stage: usize| {
                let of_stage = (0..shape.conversions).filter(|conversion| twins[*conversion] == Some(stage));
                let counts = of_stage.map(|conversion| cell.reached(shape.stages + conversion));
                counts.fold(None, |range: Option<(u64, u64)>, count| {
                    Some(range.map_or((count, count), |(least, most)| (least.min(count), most.max(count))))
                })
            };
            Flow {
                customers: cell.customers,
                entered: stages().map(|counts| counts.entered).collect(),
                without: stages().enumerate().map(without).collect(),
                progressed: stages().map(|counts| counts.progressed()).collect(),
                dropped: stages().map(|counts| counts.dropped()).collect(),
                immature: stages().map(|counts| counts.immature).collect(),
                twins: (0..shape.stages).map(twins).collect(),
            }
        };
        Audit {
            cells: cells.iter().map(flow).collect(),
            moves: moves(shape.stages, rules.stage_mode),
            min_customers,
        }
    }

    /// The first count too small to show that can be only what it is, and that hiding more may help. `is_hidden`: of
    /// a stage and a cell.
    pub(super) fn exposed(
        &self,
        is_hidden: impl Fn(usize, usize) -> bool,
        can_hide: impl Fn(usize) -> bool,
    ) -> Option<Exposed> {
        let stages = self.cells.first().map_or(0, |cell| cell.entered.len());
        for stage in (0..stages).filter(|stage| can_hide(*stage)) {
            let hidden: Vec<usize> = (0..self.cells.len()).filter(|cell| is_hidden(stage, *cell)).collect();
            for cell in &hidden {
                for secret in self.secrets(stage, *cell) {
                    let could_differ = self.moves.iter().any(|steps| {
                        steps.iter().any(|(count, _)| *count == secret)
                            && [1, -1]
                                .into_iter()
                                .any(|sign| self.swaps(*cell, &hidden, steps, sign, &is_hidden))
                    });
                    if !could_differ {
                        return Some(Exposed { stage });
                    }
                }
            }
        }
        None
    }

    /// Counts that the hidden cells of a stage keep and that are too small to show, or what is left of them.
    fn secrets(&self, stage: usize, cell: usize) -> Vec<Count> {
        let flow = &self.cells[cell];
        let outcomes = stage.checked_sub(1).map(|before| {
            [
                Count::Progressed(before),
                Count::Dropped(before),
                Count::Immature(before),
                Count::Without(stage),
            ]
        });
        let counts = outcomes.into_iter().flatten().chain([Count::Entered(stage)]);
        let rest = |count: Count| match count {
            Count::Entered(_) => Some(flow.customers - flow.get(count)),
            Count::Without(stage) => Some(flow.entered[stage] - flow.get(count)),
            _ => None,
        };
        let is_small = |count: u64| is_small(count, self.min_customers);
        counts.filter(|count| is_small(flow.get(*count)) || rest(*count).is_some_and(is_small)).collect()
    }

    /// Whether a customer of this cell and one of another could change their ways, nothing that is shown with them.
    fn swaps(
        &self,
        cell: usize,
        others: &[usize],
        steps: &[(Count, i64)],
        sign: i64,
        is_hidden: &impl Fn(usize, usize) -> bool,
    ) -> bool {
        let keeps = |cell: usize| steps.iter().all(|(count, _)| is_hidden(count.kept_by(), cell));
        keeps(cell)
            && self.cells[cell].can(steps, sign)
            && others
                .iter()
                .any(|other| *other != cell && keeps(*other) && self.cells[*other].can(steps, -sign))
    }
}

/// What may differ between the ways of two customers: all equations of a cell hold before and after.
fn moves(stages: usize, mode: StageMode) -> Vec<Vec<(Count, i64)>> {
    // In order nobody enters a stage without the one before it.
    let is_any = mode == StageMode::Any;
    let mut moves = Vec::new();
    for stage in 0..stages {
        let has_next = stage + 1 < stages;
        if has_next {
            moves.push(vec![(Count::Dropped(stage), 1), (Count::Immature(stage), -1)]);
        }
        // The same entry, but with or without the stage before.
        if let Some(before) = stage.checked_sub(1).filter(|_| is_any) {
            for left in [Count::Dropped(before), Count::Immature(before)] {
                moves.push(vec![(Count::Progressed(before), 1), (Count::Without(stage), -1), (left, -1)]);
            }
        }
        // One entry more, from where it can have come, through all the stages that it can have reached.
        let mut sources = Vec::new();
        match stage.checked_sub(1) {
            None => sources.push(vec![]),
            Some(before) => {
                for left in [Count::Dropped(before), Count::Immature(before)] {
                    sources.push(vec![(Count::Progressed(before), 1), (left, -1)]);
                }
                if is_any {
                    sources.push(vec![(Count::Without(stage), 1)]);
                }
            }
        }
        for source in sources {
            let mut so_far = source;
            for reached in stage..stages {
                so_far.push((Count::Entered(reached), 1));
                if reached + 1 == stages {
                    moves.push(so_far.clone());
                    break;
                }
                let mut end = |steps: &[(Count, i64)]| moves.push([so_far.as_slice(), steps].concat());
                end(&[(Count::Dropped(reached), 1)]);
                end(&[(Count::Immature(reached), 1)]);
                if is_any {
                    end(&[(Count::Progressed(reached), 1), (Count::Without(reached + 1), -1)]);
                }
                so_far.push((Count::Progressed(reached), 1));
            }
        }
    }
    moves
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of two stages: customers, entries by stage, without the first.
    fn flow(customers: u64, entered: [u64; 2], without: u64) -> Flow {
        let progressed = entered[1] - without;
        Flow {
            customers,
            entered: entered.to_vec(),
            without: vec![0, without],
            progressed: vec![progressed, 0],
            dropped: vec![entered[0] - progressed, 0],
            immature: vec![0, 0],
            twins: vec![None, None],
        }
    }

    fn exposed(cells: [Flow; 2], hidden_from: usize) -> Option<Exposed> {
        let audit = Audit { cells: cells.to_vec(), moves: moves(2, StageMode::Any), min_customers: 10 };
        audit.exposed(|stage, _| stage >= hidden_from, |stage| stage >= hidden_from)
    }

    #[test]
    fn a_full_cell_gives_the_other_away() {
        // All of the first stage went on, and in the second cell all customers: the one without is in the first.
        let cells = || [flow(7, [3, 4], 1), flow(7, [7, 7], 0)];
        assert_eq!(exposed(cells(), 1), Some(Exposed { stage: 1 }));
        assert_eq!(
            exposed(cells(), 0),
            None,
            "with the first stage hidden the other may have entered it less"
        );
        assert_eq!(exposed([flow(7, [3, 4], 1), flow(8, [7, 7], 0)], 1), None, "room for one");
    }

    #[test]
    fn moves_keep_the_equations() {
        for mode in [StageMode::Any, StageMode::Ordered] {
            let all = moves(4, mode);
            let of = |steps: &[(Count, i64)], count: Count| -> i64 {
                steps.iter().filter(|(own, _)| *own == count).map(|(_, step)| step).sum()
            };
            for steps in &all {
                for stage in 0..4 {
                    let entered = of(steps, Count::Entered(stage));
                    if stage < 3 {
                        let outcomes = [Count::Progressed, Count::Dropped, Count::Immature];
                        let sum: i64 = outcomes.into_iter().map(|outcome| of(steps, outcome(stage))).sum();
                        assert_eq!(entered, sum, "{steps:?}");
                    }
                    if stage > 0 {
                        let came = of(steps, Count::Progressed(stage - 1)) + of(steps, Count::Without(stage));
                        assert_eq!(entered, came, "{steps:?}");
                    }
                }
            }
            // One stage: two ends less; each stage from each source to each end.
            assert!(all.len() > 20, "{}", all.len());
        }
    }
}
