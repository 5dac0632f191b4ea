//! `stage_transitions`: which stage follows which, from start to exit.
//!
//! A customer takes several steps, so that rows aren't independent: shares have the bucket jackknife (Kott 2001),
//! times Woodruff's interval (1952). Counts and coarse histograms are kept by bucket for that; times are read
//! from one exact histogram of all.

use std::collections::BTreeSet;

use polars::prelude::{DataFrame, PolarsError};

use crate::journey::Rules;
use crate::stats::{BUCKETS, CoarseHistogram, Histogram, Interval, jackknife, quantile};

use super::columns::{
    ALPHA, counts, elapsed_ms, floats, high, low, ms_to_hours, quantile_hours, share, texts,
};
use super::suppression::{Withheld, complement, is_small};
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
/// share of the reported steps from the same stage. Durations are null from `(start)` and to `(exit)`, bounds
/// also where too few customers took the step. A step of one or two customers is shown without figures, and so are
/// others from or to the same stages from which it could be found.
#[derive(Debug, Clone)]
pub struct StageTransitions<'a> {
    rules: &'a Rules,
    min_customers: u64,
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
    /// By jackknife bucket, in the order of the pairs; empty as long as nobody of the bucket took a step. A
    /// worker sees one bucket after the other, so that only one of them has to stay where it is fast.
    buckets: Vec<Vec<BucketCounts>>,
    /// Of the customer at hand: by row, bit k: a step to column k was seen. Scratch.
    seen: Vec<u64>,
}

#[derive(Debug, Clone, Default)]
struct PairCounts {
    customers: u64,
    durations_ms: Histogram,
}

/// What varies from bucket to bucket.
#[derive(Debug, Clone, Default)]
struct BucketCounts {
    transitions: u64,
    durations_ms: CoarseHistogram,
}

impl TransitionPartial {
    fn add(&mut self, other: &TransitionPartial) {
        for (pair, other) in self.pairs.iter_mut().zip(&other.pairs) {
            pair.customers += other.customers;
            pair.durations_ms.merge(&other.durations_ms);
        }
        for (bucket, other) in self.buckets.iter_mut().zip(&other.buckets) {
            if bucket.is_empty() {
                bucket.clone_from(other);
                continue;
            }
            for (pair, other) in bucket.iter_mut().zip(other) {
                pair.transitions += other.transitions;
                pair.durations_ms.merge(&other.durations_ms);
            }
        }
    }

    /// A figure of a pair by bucket.
    fn by_bucket<'p, T>(
        &'p self,
        pair: usize,
        figure: impl Fn(Option<&'p BucketCounts>) -> T,
    ) -> [T; BUCKETS] {
        std::array::from_fn(|bucket| figure(self.buckets[bucket].get(pair)))
    }
}

/// Where the steps of a customer are counted.
struct Steps<'p> {
    pairs: &'p mut [PairCounts],
    bucket: &'p mut [BucketCounts],
    seen: &'p mut [u64],
}

impl Steps<'_> {
    /// Counts one step; `from` and `to` index the table of pairs. A step from or to an end takes no time.
    #[inline]
    fn count(&mut self, from: usize, to: usize, duration_ms: Option<u64>) {
        let at = from * self.seen.len() + to;
        let (pair, bucket) = (&mut self.pairs[at], &mut self.bucket[at]);
        let seen = &mut self.seen[from];
        pair.customers += 1 - (*seen >> to & 1);
        *seen |= 1 << to;
        bucket.transitions += 1;
        if let Some(duration_ms) = duration_ms {
            pair.durations_ms.record(duration_ms);
            bucket.durations_ms.record(duration_ms);
        }
    }
}

impl<'a> StageTransitions<'a> {
    /// Over the stages of the rules.
    pub fn new(context: Context<'a>) -> Self {
        let rules = context.rules;
        let place = |stages: u64| stages.checked_ilog2().map_or(0, |stage| stage as u8 + 1);
        let min_customers = context.plan.segments.min_customers;
        Self { rules, min_customers, places: rules.facts.iter().map(|facts| place(facts.stages)).collect() }
    }

    /// Stages with `(start)`, or with `(exit)`: at most 64, since there are at most 63 stages.
    fn side(&self) -> usize {
        self.rules.stages + 1
    }

    /// The pairs whose figures aren't shown: those of one or two customers, or of one or two steps, and as many others
    /// from the same stage, and to it, as keep them from being what is left.
    fn hidden(&self, total: &TransitionPartial) -> BTreeSet<usize> {
        let side = self.side();
        let steps: Vec<u64> = (0..side * side)
            .map(|pair| {
                let by_bucket = total.by_bucket(pair, |counts| counts.map_or(0, |counts| counts.transitions));
                by_bucket.iter().sum()
            })
            .collect();
        let is_few = |count: u64| is_small(count, self.min_customers);
        let few = |pair: &usize| is_few(total.pairs[*pair].customers) || is_few(steps[*pair]);
        let mut hidden: BTreeSet<usize> = (0..side * side).filter(few).collect();
        let from = |stage: usize| (0..side).map(move |to| stage * side + to).collect::<Vec<_>>();
        let to = |stage: usize| (0..side).map(move |from| from * side + stage).collect::<Vec<_>>();
        let lines: Vec<Vec<usize>> = (0..side).map(from).chain((0..side).map(to)).collect();
        loop {
            let before = hidden.len();
            for line in &lines {
                let counts: Vec<u64> = line.iter().map(|pair| steps[*pair]).collect();
                let mut own = (0..side).filter(|at| hidden.contains(&line[*at])).collect();
                complement(&mut own, &counts, self.min_customers);
                // A pair that never occurs has no row to hide.
                hidden.extend(own.into_iter().map(|at| line[at]).filter(|pair| steps[*pair] > 0));
            }
            if hidden.len() == before {
                return hidden;
            }
        }
    }
}

impl Analysis for StageTransitions<'_> {
    type Partial = TransitionPartial;

    fn partial(&self) -> TransitionPartial {
        let side = self.side();
        TransitionPartial {
            pairs: vec![PairCounts::default(); side * side],
            buckets: vec![Vec::new(); BUCKETS],
            seen: vec![0; side],
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut TransitionPartial) {
        let TransitionPartial { pairs, buckets, seen } = partial;
        let bucket = &mut buckets[observed.journey.customer.bucket()];
        if bucket.is_empty() {
            bucket.resize(pairs.len(), BucketCounts::default());
        }
        seen.fill(0);
        let mut steps = Steps { pairs, bucket, seen };
        // The row before, if there is one, with `(start)` in its place: rows with a stage have others.
        let (mut from, mut from_us) = (0, 0);
        for row in observed.journey.rows {
            let place = usize::from(self.places[row.code as usize]);
            if place == 0 {
                continue;
            }
            if self.rules.in_window(row.time_us) {
                steps.count(from, place - 1, (from > 0).then(|| elapsed_ms(from_us, row.time_us)));
            }
            (from, from_us) = (place, row.time_us);
        }
        if from > 0 && self.rules.in_window(from_us) {
            steps.count(from, self.rules.stages, None);
        }
    }

    fn merge(&self, into: &mut TransitionPartial, from: TransitionPartial) {
        into.add(&from);
    }

    fn finish(
        &self,
        partials: Vec<TransitionPartial>,
        _withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError> {
        let total = self.total(partials);
        let name = |stage: usize| self.rules.targets[stage].name.as_str();
        let side = self.side();
        let none = CoarseHistogram::default();
        let hidden = self.hidden(&total);
        let mut rows = Vec::new();
        for from in 0..side {
            let steps: Vec<[u64; BUCKETS]> = (from * side..(from + 1) * side)
                .map(|pair| total.by_bucket(pair, |counts| counts.map_or(0, |counts| counts.transitions)))
                .collect();
            let leaving: [u64; BUCKETS] =
                std::array::from_fn(|bucket| steps.iter().map(|steps| steps[bucket]).sum());
            for (to, steps) in steps.iter().enumerate() {
                let transitions: u64 = steps.iter().sum();
                if transitions == 0 {
                    continue;
                }
                let pair = from * side + to;
                let durations_ms = &total.pairs[pair].durations_ms;
                let is_inside = from > 0 && to < self.rules.stages;
                let by_bucket = is_inside
                    .then(|| total.by_bucket(pair, |counts| counts.map_or(&none, |c| &c.durations_ms)));
                let hours = |level: f64| Hours {
                    quantile: quantile_hours(durations_ms, level),
                    interval: by_bucket.as_ref().and_then(|buckets| {
                        let interval =
                            quantile::woodruff_interval(durations_ms, buckets, level, ALPHA).ok()?;
                        Some(Interval { low: ms_to_hours(interval.low), high: ms_to_hours(interval.high) })
                    }),
                };
                rows.push(Row {
                    from: from.checked_sub(1).map_or(START, name),
                    to: if to == self.rules.stages { EXIT } else { name(to) },
                    is_shown: !hidden.contains(&pair),
                    transitions,
                    customers: total.pairs[pair].customers,
                    probability: share(transitions, leaving.iter().sum()),
                    interval: jackknife::share_interval(steps, &leaving, ALPHA).ok(),
                    median: hours(0.5),
                    p90: hours(0.9),
                });
            }
        }
        Ok(vec![(TABLE, frame(&rows)?)])
    }
}

/// Time that a share of the steps takes at most.
struct Hours {
    quantile: Option<f64>,
    interval: Option<Interval>,
}

struct Row<'t> {
    from: &'t str,
    to: &'t str,
    /// Whether its figures are.
    is_shown: bool,
    transitions: u64,
    customers: u64,
    probability: Option<f64>,
    interval: Option<Interval>,
    median: Hours,
    p90: Hours,
}

impl Row<'_> {
    /// Where figures of the row are shown.
    fn shown<T>(&self, figure: T) -> Option<T> {
        self.is_shown.then_some(figure)
    }
}

fn frame(rows: &[Row<'_>]) -> Result<DataFrame, PolarsError> {
    let columns = vec![
        texts("from_stage", rows, |row| Some(row.from)),
        texts("to_stage", rows, |row| Some(row.to)),
        counts("transitions", rows, |row| row.shown(row.transitions)),
        counts("customers", rows, |row| row.shown(row.customers)),
        floats("probability", rows, |row| row.shown(row.probability)?),
        floats("probability_low", rows, |row| low(row.shown(row.interval)?)),
        floats("probability_high", rows, |row| high(row.shown(row.interval)?)),
        floats("median_hours", rows, |row| row.shown(row.median.quantile)?),
        floats("median_hours_low", rows, |row| low(row.shown(row.median.interval)?)),
        floats("median_hours_high", rows, |row| high(row.shown(row.median.interval)?)),
        floats("p90_hours", rows, |row| row.shown(row.p90.quantile)?),
        floats("p90_hours_low", rows, |row| low(row.shown(row.p90.interval)?)),
        floats("p90_hours_high", rows, |row| high(row.shown(row.p90.interval)?)),
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

    fn transitions<T: AsRef<str>>(journeys: &[T]) -> DataFrame {
        let mut bench = Bench::new(World::new(&["A", "B", "C"], &[]), journeys);
        bench.plan.segments.min_customers = 1;
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
    fn bounds_are_those_of_sixty_four_buckets() {
        // A customer takes one to three steps from A to B, which take longer for some; half of them end there.
        let texts: Vec<String> = (0..900_u32)
            .map(|customer| {
                let step = |at: u32| format!("A {}:00, B {}:{:02}", 2 * at, 2 * at, customer * 7 % 60);
                let steps: Vec<String> = (0..=customer % 3).map(step).collect();
                format!("{}{}", steps.join(", "), if customer % 2 == 0 { ", C 9:00" } else { "" })
            })
            .collect();
        // The same text is the same customer for the hash: an hour of another day tells them apart.
        let texts: Vec<String> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| format!("{text}, x d{}/{}:00", 1 + at / 24, at % 24))
            .collect();
        let frame = transitions(&texts);
        let mut world = World::new(&["A", "B", "C"], &[]);
        let [mut steps, mut leaving] = [[0_u64; BUCKETS]; 2];
        let mut all = Histogram::default();
        let mut buckets: [CoarseHistogram; BUCKETS] = std::array::from_fn(|_| CoarseHistogram::default());
        for (customer, journey) in world.journeys(&texts).iter().enumerate() {
            let bucket = journey.journey().customer.bucket();
            let own = customer as u64 % 3 + 1;
            steps[bucket] += u64::from(customer % 2 == 0);
            leaving[bucket] += own;
            for _ in 0..own {
                let duration_ms = customer as u64 * 7 % 60 * 60_000;
                all.record(duration_ms);
                buckets[bucket].record(duration_ms);
            }
        }
        // From B most go back to A; those who end with it come once a customer.
        let figures = |row: usize, columns: [&str; 3]| {
            columns.map(|column| frame.column(column).unwrap().f64().unwrap().get(row).unwrap())
        };
        assert_eq!(show(&frame, &["from_stage", "to_stage"]).lines().nth(3), Some("B C"));
        let [probability, low, high] = figures(3, ["probability", "probability_low", "probability_high"]);
        assert_eq!(probability, 450.0 / 1_800.0);
        let interval = jackknife::share_interval(&steps, &leaving, ALPHA).unwrap();
        assert_eq!([low, high], [interval.low, interval.high]);
        assert!(low < probability && probability < high);
        for (name, level) in [("median", 0.5), ("p90", 0.9)] {
            let columns = ["", "_low", "_high"].map(|bound| format!("{name}_hours{bound}"));
            let [hours, low, high] = figures(1, columns.each_ref().map(String::as_str));
            let interval = quantile::woodruff_interval(&all, &buckets.each_ref(), level, ALPHA).unwrap();
            assert_eq!([low, high], [interval.low, interval.high].map(ms_to_hours), "{name}");
            assert!(low < hours && hours < high, "{low} {hours} {high}");
        }
        assert_eq!(show(&frame, &["median_hours_low"]).lines().next(), Some("-"), "from the start");
    }

    #[test]
    fn steps_of_one_or_two_customers_are_not_found() {
        let times = |text: &str, times: usize| vec![text.to_owned(); times];
        let journeys =
            [times("A d1, B d2", 20), times("A d1, C d2", 2), times("A d1", 12), times("B d1, C d2", 15)];
        let mut bench = Bench::new(World::new(&["A", "B", "C"], &[]), &journeys.concat());
        let shown = |bench: &Bench| {
            let frame = bench.run_in_any_order(&StageTransitions::new(bench.context())).remove(0).1;
            show(&frame, &["from_stage", "to_stage", "transitions", "customers", "probability"])
        };
        // What is left of those who leave A, or come to C, would be the two.
        let expected = "\
(start) A 34 34 0.694
(start) B 15 15 0.306
A B 20 20 0.588
A C - - -
A (exit) - - -
B C - - -
B (exit) - - -
C (exit) - - -";
        assert_eq!(shown(&bench), expected);
        bench.plan.segments.min_customers = 1;
        assert!(shown(&bench).contains("A C 2 2 0.059"));
    }

    #[test]
    fn nobody() {
        assert_eq!(transitions(&[""; 0]).shape(), (0, 13));
        assert_eq!(transitions(&["x 1:00"]).height(), 0);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn the_order_of_journeys_never_shows(texts in journey_texts(&["A", "B", "C", "A+C", "x"])) {
            let mut bench = Bench::new(World::new(&["A", "B", "C"], &[]), &texts);
            bench.plan.segments.min_customers = 1;
            let frame = bench.run_in_any_order(&StageTransitions::new(bench.context())).remove(0).1;
            let column = |name: &str| frame.column(name).unwrap().i64().unwrap().to_vec();
            for (transitions, customers) in column("transitions").iter().zip(column("customers")) {
                prop_assert!(customers <= *transitions && customers > Some(0));
            }
        }
    }
}
