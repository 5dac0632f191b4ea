//! `experiment_results` and `experiment_health`: what each variant did, and whether to believe it.
//!
//! While journeys are seen, `population` decides who takes part, `quantities` what a customer's metric is, and `batch`
//! keeps both until `counts` adds up some thousands at once, for segments by way of `tuples`. The finish of the `sums` is
//! `results`, by way of `arms`, `cells` of segments, `effect` and `verdict`; that of the counts of `health` says whether
//! to believe it.

use polars::prelude::PolarsError;

use crate::journey::Assignment;

use super::days::LocalDays;
use super::suppression::{Merged, Withheld};
use super::{Analysis, Context, NamedFrame, Observed};

use self::cells::Cells;
use self::counts::{ExperimentCounts, WholeCounts};
use self::population::{Experiment, Exposed, Exposure, Place, Places};
use self::sums::add_all;

mod arms;
mod batch;
mod cells;
mod counts;
mod effect;
mod health;
mod population;
mod quantities;
mod results;
mod rows;
mod sums;
#[cfg(test)]
mod tests;
mod tuples;
mod verdict;

/// Compares the variants of each experiment on its metrics, and checks its assignments.
///
/// The population is every customer whose first assignment `t0` lies in the window, with zeros where
/// inactive. Left out and counted: customers first assigned before `from`, customers seen in two variants,
/// customers in a variant that the plan doesn't name. A metric takes the rows with
/// `t0 ≤ t < t0 + window` (to the end of the reporting window where it has none); customers whose window
/// ends after `to` are left out of that metric and counted. Assignments at or after `to` are not read.
/// Segments are those as of `t0`. Experiments of the log that the plan doesn't name are compared by its defaults for
/// them, else only counted.
///
/// Two frames; their rows and rules are documented with the functions that build them.
#[derive(Debug, Clone)]
pub struct Experiments<'a> {
    context: Context<'a>,
    places: Places<'a>,
    days: LocalDays,
}

/// What was counted.
#[derive(Debug, Clone)]
pub struct ExperimentPartial {
    /// By experiment that is compared.
    experiments: Vec<ExperimentCounts>,
    /// Customers, by experiment that isn't.
    not_configured: Vec<u64>,
}

impl<'a> Experiments<'a> {
    /// Over the configured experiments and the codes of the assignment log.
    pub fn new(context: Context<'a>) -> Self {
        let rules = context.rules;
        let days = LocalDays::of(&context.plan.job.timezone.zone, rules.from_us..rules.to_us);
        Self { context, places: Places::new(context), days }
    }

    /// Experiments that somebody was assigned to and the plan doesn't name.
    fn unnamed(&self, total: &ExperimentPartial) -> Vec<&str> {
        let Places { experiments, not_configured, .. } = &self.places;
        let counted = not_configured.iter().zip(&total.not_configured);
        let counted = counted.filter(|(_, customers)| **customers > 0).map(|(name, _)| *name);
        let compared = experiments.iter().zip(&total.experiments);
        let found = compared.filter(|(experiment, counts)| experiment.is_found && counts.seen() > 0);
        counted.chain(found.map(|(experiment, _)| experiment.plan.name.as_str())).collect()
    }

    /// Adds a customer to the experiment that the first of these assignments belongs to.
    fn observe_experiment(
        &self,
        observed: Observed<'_>,
        at: usize,
        assignments: &[Assignment],
        partial: &mut ExperimentPartial,
    ) {
        let Context { rules, dimensions, .. } = self.context;
        let Some(exposure) = self.places.exposure(assignments, rules.from_us) else { return };
        let counts = &mut partial.experiments[at];
        let Exposure::Counts { variant, t0_us } = exposure else {
            counts.leave_out(exposure);
            return;
        };
        let Observed { journey, walk, .. } = observed;
        let segments = dimensions.iter().map(|dimension| dimension.segment_at(journey, walk, t0_us) as u32);
        let customer = Exposed { variant, t0_us, journey, walk };
        let day = self.days.index(t0_us);
        counts.observe(&self.context, &self.places.experiments[at], &customer, day, segments);
    }
}

impl Analysis for Experiments<'_> {
    type Partial = ExperimentPartial;

    fn partial(&self) -> ExperimentPartial {
        let Places { experiments, not_configured, .. } = &self.places;
        let counts = |experiment| ExperimentCounts::new(&self.context, experiment, experiments.len());
        ExperimentPartial {
            experiments: experiments.iter().map(counts).collect(),
            not_configured: vec![0; not_configured.len()],
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut ExperimentPartial) {
        let to_us = self.context.rules.to_us;
        let all = observed.journey.assignments;
        let all = &all[..all.partition_point(|assignment| assignment.time_us < to_us)];
        for (at, assignment) in all.iter().enumerate() {
            let place = self.places.of(assignment);
            let experiment = place.experiment();
            if all[..at].iter().any(|earlier| self.places.of(earlier).experiment() == experiment) {
                continue;
            }
            match place {
                Place::Nowhere => {}
                Place::NotConfigured(experiment) => partial.not_configured[experiment] += 1,
                Place::Compared(experiment, _) => {
                    self.observe_experiment(observed, experiment, &all[at..], partial);
                }
            }
        }
    }

    fn close(&self, partial: &mut ExperimentPartial) {
        for (counts, experiment) in partial.experiments.iter_mut().zip(&self.places.experiments) {
            counts.close(&self.context, experiment);
        }
    }

    fn merge(&self, into: &mut ExperimentPartial, from: ExperimentPartial) {
        add_all(&mut into.not_configured, &from.not_configured);
        let counts = into.experiments.iter_mut().zip(from.experiments);
        for ((into, from), experiment) in counts.zip(&self.places.experiments) {
            into.merge(from, experiment);
        }
    }

    fn finish(
        &self,
        partials: Vec<ExperimentPartial>,
        withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError> {
        let mut total = self.total(partials);
        let settled = self.places.experiments.iter().zip(&total.experiments).map(|(experiment, counts)| {
            let analysed: Vec<u64> = counts.variants.iter().map(WholeCounts::customers).collect();
            experiment.settled(&analysed)
        });
        let experiments: Vec<Experiment<'_>> = settled.collect();
        let min_customers = self.context.plan.segments.min_customers;
        let populations = self.context.dimensions.iter().zip(&withheld.population);
        let merged: Vec<Merged<'_>> = populations
            .map(|(dimension, customers)| Merged::new(dimension, customers, min_customers))
            .collect();
        // An experiment that was only found has to have somebody to be one.
        let is_there = |at: &usize| !experiments[*at].is_found || total.experiments[*at].seen() > 0;
        let mut order: Vec<usize> = (0..experiments.len()).filter(is_there).collect();
        order.sort_by_key(|at| &experiments[*at].plan.name);
        let unnamed = self.unnamed(&total);
        let mut results = Vec::new();
        let mut checks = Vec::new();
        for at in order {
            let experiment = &experiments[at];
            // They end with the experiment: of many, the cells of all would be a second copy of the tables.
            let tables = std::mem::take(&mut total.experiments[at].dimensions);
            let counts = &total.experiments[at];
            let tables = self.context.dimensions.iter().zip(&merged).zip(tables);
            let mut cells: Vec<Cells<'_>> = tables
                .map(|((dimension, merged), table)| {
                    Cells::new(dimension, merged, table, experiment, min_customers)
                })
                .collect();
            let measures: Vec<_> = (0..experiment.metrics.len())
                .map(|metric| {
                    let (measure, windows_needed, _) =
                        results::measure(&self.context, experiment, counts, metric);
                    (metric, measure, windows_needed)
                })
                .collect();
            for (dimension, cells) in cells.iter_mut().enumerate() {
                cells.withhold(&measures, |conversion, segment| {
                    withheld.hides_converted(dimension, conversion, segment)
                });
            }
            let own = health::of_experiment(&self.context, experiment, counts, &self.days, &cells, &unnamed);
            results.extend(results::of_experiment(&self.context, &cells, experiment, counts, &own));
            checks.extend(own);
        }
        let others = self.places.not_configured.iter().zip(&total.not_configured);
        let others = others.filter(|(_, customers)| **customers > 0);
        checks.extend(others.map(|(name, customers)| health::not_configured(name, *customers)));
        // Stable: the checks of an experiment keep their order.
        checks.sort_by(|one, other| one.experiment.cmp(other.experiment));
        Ok(vec![rows::frame(&results)?, health::frame(&checks)?])
    }
}
