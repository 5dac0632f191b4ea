//! Funnels and transitions once more, instant by instant over plain lists, against the kernel on random
//! journeys: skipped and repeated stages, steps at one instant, entries that are too young, and what lies
//! before the window.
//!
//! It follows `docs/methods.md` word by word and shares no code with the kernel nor with [`crate::naive`],
//! which asks stage after stage where this one goes from instant to instant.

use std::collections::BTreeMap;

use polars::prelude::DataFrame;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use touchline::engine::work;

use crate::journeys::{HOUR_US, METRIC_HOURS, STAGE_RULES, START_US, WINDOW_DAYS, memory, rows, settings};
use crate::naive::customers;

/// What a funnel is asked under.
#[derive(Debug, Clone, Copy)]
pub struct NaiveFunnel {
    pub stages: usize,
    pub ordered: bool,
    pub window_us: Option<i64>,
    pub from_us: i64,
    pub to_us: i64,
}

/// A row of a customer, in order: its instant and the stages it matches.
pub type StagedRow = (i64, Vec<usize>);

/// What is known of one stage.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NaiveStage {
    pub entered: i64,
    pub progressed: i64,
    pub dropped: i64,
    pub immature: i64,
    pub without_previous: i64,
    /// Of those who progressed, whole milliseconds to the next stage.
    pub to_next_ms: Vec<i64>,
}

/// What is known of a pair of stages: how often, how many customers, and the milliseconds between them.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct NaiveStep {
    pub transitions: i64,
    pub customers: i64,
    pub between_ms: Vec<i64>,
}

impl NaiveFunnel {
    fn reports(&self, time_us: i64) -> bool {
        time_us >= self.from_us && time_us < self.to_us
    }

    /// When a customer entered each stage.
    fn entries(&self, rows: &[StagedRow]) -> Vec<Option<i64>> {
        let mut entered = vec![None; self.stages];
        let mut next = 0;
        for instant in rows.chunk_by(|one, other| one.0 == other.0) {
            let time_us = instant[0].0;
            if !self.ordered {
                for stage in instant.iter().flat_map(|row| &row.1) {
                    entered[*stage] = entered[*stage].or(Some(time_us));
                }
                continue;
            }
            // As long as one row of the instant, that no stage has taken yet, takes the customer on.
            let mut left: Vec<&StagedRow> = instant.iter().collect();
            while let Some(at) = left.iter().position(|row| row.1.contains(&next)) {
                let first_us = entered[0].unwrap_or(time_us);
                if self.window_us.is_some_and(|window_us| time_us >= first_us + window_us) {
                    break;
                }
                left.remove(at);
                entered[next] = Some(time_us);
                next += 1;
            }
        }
        if let (false, Some(window_us), Some(first_us)) = (self.ordered, self.window_us, entered[0]) {
            entered
                .iter_mut()
                .for_each(|entry| *entry = entry.filter(|time_us| *time_us < first_us + window_us));
        }
        entered
    }

    /// Every stage, over all customers.
    pub fn stages<'r>(&self, customers: impl IntoIterator<Item = &'r Vec<StagedRow>>) -> Vec<NaiveStage> {
        let mut stages = vec![NaiveStage::default(); self.stages];
        for rows in customers {
            let entered = self.entries(rows);
            for (at, stage) in stages.iter_mut().enumerate() {
                let Some(time_us) = entered[at].filter(|time_us| self.reports(*time_us)) else { continue };
                stage.entered += 1;
                stage.without_previous += match at {
                    0 => 0,
                    _ => i64::from(entered[at - 1].is_none_or(|previous_us| previous_us > time_us)),
                };
                let anchor_us = entered[0].unwrap_or(time_us);
                let next_us = entered.get(at + 1).copied().flatten();
                if self.window_us.is_some_and(|window_us| anchor_us + window_us > self.to_us) {
                    stage.immature += 1;
                } else if let Some(next_us) = next_us.filter(|next_us| *next_us >= time_us) {
                    stage.progressed += 1;
                    stage.to_next_ms.push((next_us - time_us) / 1_000);
                } else {
                    stage.dropped += 1;
                }
            }
        }
        stages
    }

    /// Every pair of consecutive stages: `None` is the start where it stands first, the exit where second.
    pub fn steps<'r>(
        &self,
        customers: impl IntoIterator<Item = &'r Vec<StagedRow>>,
    ) -> BTreeMap<(Option<usize>, Option<usize>), NaiveStep> {
        let mut steps: BTreeMap<_, NaiveStep> = BTreeMap::new();
        for rows in customers {
            // The last one before is the start, one after the last is the exit, which has its instant.
            let staged = rows.iter().filter_map(|row| Some((row.0, *row.1.iter().max()?)));
            let mut path: Vec<(i64, Option<usize>)> =
                staged.map(|(time_us, stage)| (time_us, Some(stage))).collect();
            let (Some(first), Some(last)) = (path.first(), path.last()) else { continue };
            let (start, exit) = ((first.0, None), (last.0, None));
            path.insert(0, start);
            path.push(exit);
            let mut own: BTreeMap<_, NaiveStep> = BTreeMap::new();
            for pair in path.windows(2).filter(|pair| self.reports(pair[1].0)) {
                let step = own.entry((pair[0].1, pair[1].1)).or_default();
                step.transitions += 1;
                if pair[0].1.is_some() && pair[1].1.is_some() {
                    step.between_ms.push((pair[1].0 - pair[0].0) / 1_000);
                }
            }
            for (pair, step) in own {
                let all = steps.entry(pair).or_default();
                all.transitions += step.transitions;
                all.customers += 1;
                all.between_ms.extend(step.between_ms);
            }
        }
        steps
    }
}

/// Hours at a share of the durations: the mean of two neighbours where that falls between them.
pub fn quantile_hours(durations_ms: &[i64], percent: usize) -> Option<f64> {
    let mut sorted = durations_ms.to_vec();
    sorted.sort_unstable();
    let at = sorted.len() * percent / 100;
    let upper = *sorted.get(at)? as f64;
    let is_between = (sorted.len() * percent).is_multiple_of(100);
    let lower = if is_between { sorted[at - 1] as f64 } else { upper };
    Some((lower + upper) / 2.0 / 3_600_000.0)
}

/// A histogram is at most 0.1 % off.
#[track_caller]
pub fn assert_hours(found: Option<f64>, wanted: Option<f64>, what: &str) {
    match (found, wanted) {
        (Some(found), Some(wanted)) => {
            assert!((found - wanted).abs() <= 1e-3 * wanted, "{what}: {found} instead of {wanted}");
        }
        (found, wanted) => assert_eq!(found, wanted, "{what}"),
    }
}

fn count(frame: &DataFrame, row: usize, column: &str) -> Option<i64> {
    frame.column(column).unwrap().i64().unwrap().get(row)
}

fn figure(frame: &DataFrame, row: usize, column: &str) -> Option<f64> {
    frame.column(column).unwrap().f64().unwrap().get(row)
}

/// Asserts that a table holds what was counted.
pub fn check_funnel(frame: &DataFrame, wanted: &[NaiveStage], what: &str) {
    assert_eq!(frame.height(), wanted.len(), "stages of {what}");
    for (at, stage) in wanted.iter().enumerate() {
        // The last stage has no next one.
        let has_next = at + 1 < wanted.len();
        for (column, known) in [
            ("entered", Some(stage.entered)),
            ("progressed", has_next.then_some(stage.progressed)),
            ("dropped", has_next.then_some(stage.dropped)),
            ("immature", has_next.then_some(stage.immature)),
            ("entries_without_previous", Some(stage.without_previous)),
        ] {
            assert_eq!(count(frame, at, column), known, "{column} of stage {at}, {what}");
        }
        let decided = stage.progressed + stage.dropped;
        let rate = (has_next && decided > 0).then(|| stage.progressed as f64 / decided as f64);
        assert_eq!(figure(frame, at, "progress_rate"), rate, "rate of stage {at}, {what}");
        let first = wanted[0].entered;
        let share = (first > 0).then(|| stage.entered as f64 / first as f64);
        assert_eq!(figure(frame, at, "share_of_first"), share, "share of stage {at}, {what}");
        for (column, percent) in [("median_hours_to_next", 50), ("p90_hours_to_next", 90)] {
            let hours = quantile_hours(&stage.to_next_ms, percent);
            assert_hours(figure(frame, at, column), hours, &format!("{column} of stage {at}, {what}"));
        }
    }
}

/// Asserts that a table holds the steps that were counted, and no others.
pub fn check_steps(
    frame: &DataFrame,
    names: &[&str],
    wanted: &BTreeMap<(Option<usize>, Option<usize>), NaiveStep>,
) {
    let [from, to] = ["from_stage", "to_stage"]
        .map(|column| frame.column(column).unwrap().str().unwrap().iter().flatten().collect::<Vec<_>>());
    assert_eq!(frame.height(), wanted.len(), "{from:?} to {to:?}");
    let place = |name: &str| names.iter().position(|known| *known == name);
    for at in 0..frame.height() {
        let what = format!("{} to {}", from[at], to[at]);
        let pair = (place(from[at]), place(to[at]));
        let step = &wanted[&pair];
        assert_eq!(count(frame, at, "transitions"), Some(step.transitions), "{what}");
        assert_eq!(count(frame, at, "customers"), Some(step.customers), "customers from {what}");
        let leaving: i64 =
            wanted.iter().filter(|(other, _)| other.0 == pair.0).map(|(_, s)| s.transitions).sum();
        let probability = step.transitions as f64 / leaving as f64;
        assert_eq!(figure(frame, at, "probability"), Some(probability), "{what}");
        for (column, percent) in [("median_hours", 50), ("p90_hours", 90)] {
            let hours = quantile_hours(&step.between_ms, percent);
            assert_hours(figure(frame, at, column), hours, &format!("{column} from {what}"));
        }
    }
}

#[test]
fn a_funnel_by_hand() {
    // Mixpanel docs, funnels FAQ: A 13:00, A 13:30, B 13:45, C 14:15, one hour from the first A: B only.
    let minute_us = HOUR_US / 60;
    let rows: Vec<StagedRow> =
        [(0, 0), (30, 0), (45, 1), (75, 2)].map(|(minute, stage)| (minute * minute_us, vec![stage])).to_vec();
    for ordered in [true, false] {
        let funnel =
            NaiveFunnel { stages: 3, ordered, window_us: Some(HOUR_US), from_us: 0, to_us: 24 * HOUR_US };
        assert_eq!(funnel.entries(&rows), [Some(0), Some(45 * minute_us), None]);
    }
    // At one instant a row takes the customer one stage on, the first that can.
    let funnel = NaiveFunnel { stages: 3, ordered: true, window_us: None, from_us: 0, to_us: HOUR_US };
    assert_eq!(funnel.entries(&[(0, vec![1]), (0, vec![0, 1])]), [Some(0), Some(0), None]);
    assert_eq!(funnel.entries(&[(0, vec![0, 1]), (0, vec![0])]), [Some(0), None, None]);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 24 } else { 500 },
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn funnels_and_transitions_are_those_of_a_naive_count(
        settings in settings(),
        rows in rows(120, Just(None)),
    ) {
        let plan = settings.plan();
        let pool = work::pool(2).expect("threads");
        let frames = memory(&plan, &rows, 2).frames(&pool).expect("frames").frames;
        let frame = |wanted: &str| &frames.iter().find(|(name, _)| *name == wanted).expect(wanted).1;
        let rules = STAGE_RULES[settings.stage_rules];
        let hours = |hours: i64| START_US + hours * HOUR_US;
        let stage_window = settings.stage_window_hours;
        let funnel = NaiveFunnel {
            stages: rules.len(),
            ordered: settings.ordered,
            window_us: stage_window.map(|hours| hours * HOUR_US),
            from_us: hours(WINDOW_DAYS.0 * 24),
            to_us: hours(WINDOW_DAYS.1 * 24),
        };
        let history_us = settings.lookback_hours.max(stage_window.unwrap_or(0)).max(METRIC_HOURS) * HOUR_US;
        let read = funnel.from_us - history_us..funnel.to_us;
        let stages_of = |event: &str| -> Vec<usize> {
            (0..rules.len()).filter(|stage| rules[*stage].1.contains(&event)).collect()
        };
        let customers: Vec<Vec<StagedRow>> = customers(&settings, &rows, read)
            .iter()
            .map(|own| own.iter().map(|row| (row.time_us, stages_of(row.event))).collect())
            .collect();
        check_funnel(frame("stage_funnel"), &funnel.stages(&customers), "random journeys");
        let names: Vec<&str> = rules.iter().map(|(name, _)| *name).collect();
        check_steps(frame("stage_transitions"), &names, &funnel.steps(&customers));
    }
}
