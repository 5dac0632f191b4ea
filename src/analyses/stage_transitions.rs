//! `stage_transitions`: which stage follows which, from start to exit.

use polars::prelude::{DataFrame, PolarsError};

use crate::journey::Rules;
use crate::stats::Histogram;

use super::columns::{counts, elapsed_ms, floats, quantile_hours, share, texts};
use super::{Analysis, Context, NamedFrame, Observed};

/// Name of the table.
const TABLE: &str = "stage_transitions";
/// Before the first row with a stage.
const START: &str = "(start)";
/// After the last row with a stage.
const EXIT: &str = "(exit)";

/// Counts the steps between consecutive rows with a stage, repeats and steps back included.
///
/// A row takes the highest stage it matches; rows without a stage are skipped. A step is reported where the
/// later row lies in the window, also if the earlier one lies before it. `(start)` stands before a customer's
/// first row with a stage in the data read and is reported where that row lies in the window; `(exit)`
/// stands after the last one and is reported where that one does. So what enters a stage and what leaves it
/// can differ by the customers who crossed `from`.
///
/// Frame: the pairs that occur, by stage from and to, `(start)` first, `(exit)` last. `probability` is the
/// share of the reported steps from the same stage. Durations are null from `(start)` and to `(exit)`.
#[derive(Debug, Clone)]
pub struct StageTransitions<'a> {
    rules: &'a Rules,
    /// By code: 0 without a stage, else one more than the highest stage that the row matches. Every row is
    /// looked up here: one byte of it stays where it is fast.
    places: Vec<u8>,
}

/// What was counted, by pair.
#[derive(Debug, Clone)]
pub struct TransitionPartial {
    /// Row by row: from `(start)` or stage k − 1; columns: to stage k, or `(exit)` in the last. So that a
    /// place is a row, and one more than a column.
    pairs: Vec<PairCounts>,
    /// Of the customer at hand: by row, bit k: a step to column k was seen. Scratch.
    seen: Vec<u64>,
}

#[derive(Debug, Clone, Default)]
struct PairCounts {
    transitions: u64,
    customers: u64,
    durations_ms: Histogram,
}

impl TransitionPartial {
    fn add(&mut self, other: &TransitionPartial) {
        for (pair, other) in self.pairs.iter_mut().zip(&other.pairs) {
            pair.transitions += other.transitions;
            pair.customers += other.customers;
            pair.durations_ms.merge(&other.durations_ms);
        }
    }

    /// Counts one step; `from` and `to` index the table of pairs.
    #[inline]
    fn step(&mut self, from: usize, to: usize) -> &mut PairCounts {
        let pair = &mut self.pairs[from * self.seen.len() + to];
        let seen = &mut self.seen[from];
        pair.transitions += 1;
        pair.customers += 1 - (*seen >> to & 1);
        *seen |= 1 << to;
        pair
    }
}

impl<'a> StageTransitions<'a> {
    /// Over the stages of the rules.
    pub fn new(context: Context<'a>) -> Self {
        let rules = context.rules;
        let place = |stages: u64| stages.checked_ilog2().map_or(0, |stage| stage as u8 + 1);
        Self { rules, places: rules.facts.iter().map(|facts| place(facts.stages)).collect() }
    }

    /// Stages with `(start)`, or with `(exit)`: at most 64, since there are at most 63 stages.
    fn side(&self) -> usize {
        self.rules.stages + 1
    }
}

impl Analysis for StageTransitions<'_> {
    type Partial = TransitionPartial;

    fn partial(&self) -> TransitionPartial {
        let side = self.side();
        TransitionPartial { pairs: vec![PairCounts::default(); side * side], seen: vec![0; side] }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut TransitionPartial) {
        partial.seen.fill(0);
        // The row before, if there is one, with `(start)` in its place: rows with a stage have others.
        let (mut from, mut from_us) = (0, 0);
        for row in observed.journey.rows {
            let place = usize::from(self.places[row.code as usize]);
            if place == 0 {
                continue;
            }
            if self.rules.in_window(row.time_us) {
                let pair = partial.step(from, place - 1);
                if from > 0 {
                    pair.durations_ms.record(elapsed_ms(from_us, row.time_us));
                }
            }
            (from, from_us) = (place, row.time_us);
        }
        if from > 0 && self.rules.in_window(from_us) {
            partial.step(from, self.rules.stages);
        }
    }

    fn merge(&self, into: &mut TransitionPartial, from: TransitionPartial) {
        into.add(&from);
    }

    fn finish(&self, partials: &[TransitionPartial]) -> Result<Vec<NamedFrame>, PolarsError> {
        let mut total = self.partial();
        partials.iter().for_each(|partial| total.add(partial));
        let name = |stage: usize| self.rules.targets[stage].name.as_str();
        let mut rows = Vec::new();
        for (from, pairs) in total.pairs.chunks(self.side()).enumerate() {
            let transitions = pairs.iter().map(|pair| pair.transitions).sum();
            for (to, pair) in pairs.iter().enumerate().filter(|(_, pair)| pair.transitions > 0) {
                rows.push(Row {
                    from: from.checked_sub(1).map_or(START, name),
                    to: if to == self.rules.stages { EXIT } else { name(to) },
                    probability: share(pair.transitions, transitions),
                    pair,
                });
            }
        }
        Ok(vec![(TABLE, frame(&rows)?)])
    }
}

struct Row<'t> {
    from: &'t str,
    to: &'t str,
    probability: Option<f64>,
    pair: &'t PairCounts,
}

fn frame(rows: &[Row<'_>]) -> Result<DataFrame, PolarsError> {
    let columns = vec![
        texts("from_stage", rows, |row| Some(row.from)),
        texts("to_stage", rows, |row| Some(row.to)),
        counts("transitions", rows, |row| Some(row.pair.transitions)),
        counts("customers", rows, |row| Some(row.pair.customers)),
        floats("probability", rows, |row| row.probability),
        floats("median_hours", rows, |row| quantile_hours(&row.pair.durations_ms, 0.5)),
        floats("p90_hours", rows, |row| quantile_hours(&row.pair.durations_ms, 0.9)),
    ];
    DataFrame::new(rows.len(), columns)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyses::testing::{Bench, journey_texts, show};
    use crate::journey::testing::World;
    use proptest::prelude::*;

    const ALL: [&str; 6] =
        ["from_stage", "to_stage", "transitions", "customers", "probability", "median_hours"];

    fn transitions(journeys: &[&str]) -> DataFrame {
        let bench = Bench::new(World::new(&["A", "B", "C"], &[]), journeys);
        bench.run(&StageTransitions::new(bench.context())).remove(0).1
    }

    #[test]
    fn repeats_and_steps_back_count() {
        let frame = transitions(&["A 1:00, A 2:00, x 3:00, B 4:00, A 5:00, B 8:00", "A+C 1:00, A 1:00"]);
        let expected = "\
(start) A 1 1 0.5 -
(start) C 1 1 0.5 -
A A 1 1 0.25 1
A B 2 1 0.5 2.5
A (exit) 1 1 0.25 -
B A 1 1 0.5 1
B (exit) 1 1 0.5 -
C A 1 1 1 0";
        assert_eq!(show(&frame, &ALL), expected);
        assert_eq!(show(&frame, &["p90_hours"]).lines().nth(3), Some("3"));
    }

    #[test]
    fn a_step_is_reported_by_its_later_row() {
        // The first step starts before the window; the first journey ended before it.
        let frame = transitions(&["A d-2, B d-1/23:59:59.999999", "A d-1/23:00, B d0, A d0/01:00", "x d1"]);
        assert_eq!(show(&frame, &ALL), "A B 1 1 0.5 1\nA (exit) 1 1 0.5 -\nB A 1 1 1 1");
        let frame = transitions(&["A d29, B d30"]);
        assert_eq!(show(&frame, &ALL), "(start) A 1 1 1 -");
    }

    #[test]
    fn nobody() {
        assert_eq!(transitions(&[]).shape(), (0, 7));
        assert_eq!(transitions(&["x 1:00"]).height(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_order_of_journeys_never_shows(texts in journey_texts(&["A", "B", "C", "A+C", "x"])) {
            let bench = Bench::new(World::new(&["A", "B", "C"], &[]), &texts);
            let frame = bench.run_in_any_order(&StageTransitions::new(bench.context())).remove(0).1;
            let column = |name: &str| frame.column(name).unwrap().i64().unwrap().to_vec();
            for (transitions, customers) in column("transitions").iter().zip(column("customers")) {
                prop_assert!(customers <= *transitions && customers > Some(0));
            }
        }
    }
}
