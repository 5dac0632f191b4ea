//! `stage_funnel`: how many customers enter each stage, go on to the next, and after how long.

use polars::prelude::{DataFrame, PolarsError};

use crate::journey::Rules;
use crate::stats::Histogram;

use super::funnel::{self, Outcome, Shown, StageCounts, StageRow};
use super::suppression::Withheld;
use super::{Analysis, Context, NamedFrame, Observed};

/// Name of the table.
const TABLE: &str = "stage_funnel";

/// Counts entries, progress and drop-off by stage.
///
/// An entry counts where its own instant lies in the reporting window. It is *immature* while the stage
/// window, counted from the entry into the first stage (from the entry itself where there is none), ends
/// after the reporting window, whatever has happened so far: to count only those of the young who went on
/// would make rates too high. Else it has *progressed* where the next stage was entered at the same instant
/// or later, or *dropped*. So `entered = progressed + dropped + immature`. Without a stage window nothing is
/// immature.
///
/// Frame: one row per stage in order, also where nobody entered. Of the last stage, all that asks for a
/// next one is null. `share_of_first` can exceed 1 where a customer may enter a later stage alone, or
/// entered the first one before the window.
#[derive(Debug, Clone, Copy)]
pub struct StageFunnel<'a> {
    rules: &'a Rules,
}

/// What was counted, by stage.
#[derive(Debug, Clone, Default)]
pub struct FunnelPartial {
    stages: Vec<StageSums>,
}

#[derive(Debug, Clone, Default)]
struct StageSums {
    entered: u64,
    immature: u64,
    without_previous: u64,
    to_next_ms: Histogram,
}

impl StageSums {
    fn add(&mut self, other: &StageSums) {
        self.entered += other.entered;
        self.immature += other.immature;
        self.without_previous += other.without_previous;
        self.to_next_ms.merge(&other.to_next_ms);
    }

    fn counts(&self) -> StageCounts<'_> {
        StageCounts {
            entered: self.entered,
            immature: self.immature,
            without_previous: self.without_previous,
            to_next_ms: &self.to_next_ms,
        }
    }
}

impl FunnelPartial {
    fn add(&mut self, other: &FunnelPartial) {
        for (stage, other) in self.stages.iter_mut().zip(&other.stages) {
            stage.add(other);
        }
    }
}

impl<'a> StageFunnel<'a> {
    /// Over the stages of the rules.
    pub fn new(context: Context<'a>) -> Self {
        Self { rules: context.rules }
    }
}

impl Analysis for StageFunnel<'_> {
    type Partial = FunnelPartial;

    fn partial(&self) -> FunnelPartial {
        FunnelPartial { stages: vec![StageSums::default(); self.rules.stages] }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut FunnelPartial) {
        for entry in funnel::entries(observed.journey, observed.walk, self.rules) {
            let sums = &mut partial.stages[entry.stage];
            sums.entered += 1;
            sums.without_previous += u64::from(entry.without_previous);
            match entry.outcome {
                Outcome::Immature => sums.immature += 1,
                Outcome::Progressed { to_next_ms } => sums.to_next_ms.record(to_next_ms),
                Outcome::Dropped => {}
            }
        }
    }

    fn merge(&self, into: &mut FunnelPartial, from: FunnelPartial) {
        into.add(&from);
    }

    fn finish(
        &self,
        partials: Vec<FunnelPartial>,
        _withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError> {
        let total = self.total(partials);
        let first = total.stages.first().map_or(0, |stage| stage.entered);
        let rows: Vec<StageRow<'_>> = total
            .stages
            .iter()
            .enumerate()
            .map(|(at, sums)| StageRow {
                index: at + 1,
                stage: &self.rules.targets[at].name,
                has_next: at + 1 < self.rules.stages,
                counts: sums.counts(),
                first,
                shown: Shown::All,
            })
            .collect();
        Ok(vec![(TABLE, DataFrame::new(rows.len(), funnel::columns(&rows))?)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analyses::testing::{Bench, journey_texts, show};
    use crate::config::plan::{DAY_US, StageMode};
    use crate::journey::testing::{World, instant_us};
    use proptest::prelude::*;

    const COUNTS: [&str; 6] =
        ["stage", "entered", "progressed", "dropped", "immature", "entries_without_previous"];

    fn funnel(world: World, journeys: &[&str]) -> DataFrame {
        let bench = Bench::new(world, journeys);
        bench.run(&StageFunnel::new(bench.context())).remove(0).1
    }

    fn abc() -> World {
        World::new(&["A", "B", "C"], &[])
    }

    fn ordered() -> World {
        let mut world = abc();
        world.rules.stage_mode = StageMode::Ordered;
        world
    }

    #[test]
    fn the_window_counts_from_the_first_entry() {
        // Mixpanel docs, funnels FAQ: a window of one hour from the first A reaches B only.
        for mut world in [abc(), ordered()] {
            world.rules.stage_window_us = Some(instant_us("1:00"));
            let frame = funnel(world, &["A 13:00, A 13:30, B 13:45, C 14:15"]);
            assert_eq!(show(&frame, &COUNTS), "A 1 1 0 0 0\nB 1 0 1 0 0\nC 0 - - - 0");
            assert_eq!(show(&frame, &["median_hours_to_next", "share_of_first"]), "0.75 1\n- 1\n- 0");
        }
    }

    #[test]
    fn an_entry_is_reported_by_its_own_instant() {
        let journeys =
            ["A d-1, B d0", "A d29/23:59:59.999999, B d30", "A d-1/23:59:59.999999, B d1", "A d2, B d3"];
        let frame = funnel(abc(), &journeys);
        // The B of d30 was read here, though a run never reads it: what counts is its own instant.
        assert_eq!(show(&frame, &COUNTS), "A 2 2 0 0 0\nB 3 0 3 0 0\nC 0 - - - 0");
        assert_eq!(show(&frame, &["share_of_first"]), "1\n1.5\n0");
    }

    #[test]
    fn order_matters_in_its_mode_only() {
        let journeys = ["B 1:00, A 2:00", "C 1:00", "A 1:00, C 2:00, B 3:00, C 4:00", "A+B 5:00"];
        let any = funnel(abc(), &journeys);
        assert_eq!(show(&any, &COUNTS), "A 3 2 1 0 0\nB 3 0 3 0 1\nC 2 - - - 2");
        let strict = funnel(ordered(), &journeys);
        // A row enters one stage only; the first C stood before B.
        assert_eq!(show(&strict, &COUNTS), "A 3 1 2 0 0\nB 1 1 0 0 0\nC 1 - - - 0");
    }

    #[test]
    fn the_same_instant_is_at_or_after() {
        for world in [abc(), ordered()] {
            let frame = funnel(world, &["B 1:00, A 1:00"]);
            assert_eq!(show(&frame, &COUNTS), "A 1 1 0 0 0\nB 1 0 1 0 0\nC 0 - - - 0");
            assert_eq!(show(&frame, &["median_hours_to_next"]), "0\n-\n-");
        }
    }

    #[test]
    fn open_windows_are_no_drop_off() {
        let mut world = abc();
        world.rules.stage_window_us = Some(2 * DAY_US);
        let journeys = ["A d28", "A d28/00:00:00.000001", "A d29, B d29/01:00", "B d29", "A d20, B d21"];
        let frame = funnel(world, &journeys);
        assert_eq!(show(&frame, &COUNTS), "A 4 1 1 2 0\nB 3 0 1 2 1\nC 0 - - - 0");
        assert_eq!(
            show(&frame, &["progress_rate"]),
            "0.5\n0\n-",
            "who went on early is as young as who didn't"
        );
        // Wilson's interval of 1 of 2 and of 0 of 1, by hand.
        assert_eq!(show(&frame, &["progress_rate_low", "progress_rate_high"]), "0.095 0.905\n0 0.793\n- -");
    }

    #[test]
    fn nobody_and_no_stages() {
        let frame = funnel(abc(), &[]);
        assert_eq!(show(&frame, &COUNTS), "A 0 0 0 0 0\nB 0 0 0 0 0\nC 0 - - - 0");
        assert_eq!(show(&frame, &["progress_rate", "share_of_first"]), "- -\n- -\n- -");
        let none = funnel(World::new(&[], &["buy"]), &["buy 1:00"]);
        assert_eq!(none.shape(), (0, 17));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn entries_are_accounted_for_in_any_order(
            texts in journey_texts(&["A", "B", "C", "A+C", "x"]),
            window in prop::option::of(1_i64..40),
            strict in any::<bool>(),
        ) {
            let mut world = if strict { ordered() } else { abc() };
            world.rules.stage_window_us = window.map(|days| days * DAY_US);
            let bench = Bench::new(world, &texts);
            let frame = bench.run_in_any_order(&StageFunnel::new(bench.context())).remove(0).1;
            let column = |name: &str| frame.column(name).unwrap().i64().unwrap().to_vec();
            for stage in 0..2 {
                let parts = ["progressed", "dropped", "immature"].map(|name| column(name)[stage].unwrap());
                prop_assert_eq!(column("entered")[stage].unwrap(), parts.iter().sum::<i64>());
            }
        }
    }
}
