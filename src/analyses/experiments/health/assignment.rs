//! Who was assigned what: the split against the plan, and customers who can't be analysed.
//!
//! Sample ratio mismatch: Fabijan et al. 2019; Kohavi, Tang & Xu 2020, ch. 21. A split that is right over the whole
//! may be wrong on a day (a ramp that changed the weights, a bug that was mended) or in a segment (a browser that
//! loses a variant's log): those warn, after Bonferroni over all days or segments that could be tested.

use crate::analyses::days::LocalDays;
use crate::analyses::experiments::cells::Cells;
use crate::analyses::experiments::population::Experiment;
use crate::analyses::experiments::sums::{ExperimentCounts, VariantCounts};
use crate::config::nearest::nearest;
use crate::stats::SampleRatioStatus;
use crate::stats::srm::{self, SampleRatio};

use super::{Check, MIN_EXPECTED, Status, exceeds, percent};

/// Above this share of customers in two variants, assignment leaks: a warning.
const DOUBLE_WARN_ABOVE: f64 = 0.001;
/// Above this share, leaving them out may well bias what is left: a failure.
const DOUBLE_FAIL_ABOVE: f64 = 0.01;

/// Customers first assigned before the window.
pub(in crate::analyses::experiments) const ASSIGNED_BEFORE_WINDOW: &str = "assigned_before_window";
/// Customers in a variant that the plan doesn't name.
pub(in crate::analyses::experiments) const UNKNOWN_VARIANT: &str = "unknown_variant";

/// `no_assignments`: the log has nobody. `others` are the experiments of the log that the plan doesn't name: this one
/// may be called otherwise there.
pub(super) fn nobody<'t>(experiment: &'t Experiment<'_>, others: &[&str]) -> Check<'t> {
    let name = &experiment.plan.name;
    let mut detail = "nobody of this experiment was assigned in the data read".to_owned();
    if let Some(near) = nearest(name, others.iter().copied()) {
        detail.push_str(&format!("; did you mean `{near}`, which the assignment log has?"));
    }
    Check { detail: Some(detail), ..Check::count(name, "no_assignments", 0, Status::Warn) }
}

/// An experiment in the log that the plan doesn't name: `not_configured`.
pub(in crate::analyses::experiments) fn not_configured(name: &str, customers: u64) -> Check<'_> {
    let detail = Some("in the assignment log, but not configured".to_owned());
    Check { detail, ..Check::count(name, "not_configured", customers, Status::Warn) }
}

/// `assumed_plan`: only where variants, weights and control are what the log suggests.
pub(super) fn assumed_plan<'t>(experiment: &'t Experiment<'_>) -> Option<Check<'t>> {
    let plan = &*experiment.plan;
    let control = &plan.control;
    let detail = match &experiment.absent_control {
        None => format!("not configured: equal weights and control {control} assumed"),
        Some(asked) => format!(
            "not configured: equal weights assumed; control {asked} isn't among the variants: {control} assumed"
        ),
    };
    let check = Check::new(&plan.name, "assumed_plan", Status::Warn);
    experiment.is_found.then_some(Check { detail: Some(detail), ..check })
}

/// `srm`, by planned variant, all with the one p-value.
pub(super) fn sample_ratio<'t>(experiment: &'t Experiment<'_>, counts: &ExperimentCounts) -> Vec<Check<'t>> {
    let plan = Planned::of(experiment);
    let customers: Vec<u64> = counts.variants.iter().map(VariantCounts::customers).collect();
    let test = srm::sample_ratio(&customers, &plan.weights);
    let rows = experiment.variants_by_name().into_iter().map(|at| {
        let in_test = plan.weights[at] > 0.0;
        let (p_value, status, detail) = match test {
            _ if !in_test => (None, Status::Ok, Some("planned weight 0: not in the test".to_owned())),
            Ok(test) => (Some(test.p_value), status_of(test.status(1)), nobody_in(experiment, counts, at)),
            Err(reason) => (None, Status::Warn, Some(format!("can't be tested: {reason}"))),
        };
        Check {
            variant: &experiment.plan.weights[at].0,
            expected: in_test.then(|| plan.expected(&customers, at)),
            p_value,
            detail,
            ..Check::count(&experiment.plan.name, "srm", customers[at], status)
        }
    });
    rows.collect()
}

/// Says of a variant of which nobody is analysed how the log may call it.
fn nobody_in(experiment: &Experiment<'_>, counts: &ExperimentCounts, variant: usize) -> Option<String> {
    if counts.variants[variant].customers() > 0 {
        return None;
    }
    let unknown = experiment.unknown_variants.iter().zip(&counts.unknown);
    let there = unknown.filter(|(_, customers)| **customers > 0).map(|(name, _)| *name);
    let mut detail = "nobody is analysed in this variant".to_owned();
    if let Some(near) = nearest(&experiment.plan.weights[variant].0, there) {
        detail.push_str(&format!("; did you mean `{near}`, which the assignment log has?"));
    }
    Some(detail)
}

/// `srm_by_day`: the local day of assignment whose split is furthest from the plan.
pub(super) fn sample_ratio_by_day<'t>(
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
    days: &LocalDays,
) -> Check<'t> {
    let plan = Planned::of(experiment);
    let found = plan.furthest(counts.health.by_day.days());
    let check = Check::new(&experiment.plan.name, "srm_by_day", Status::Ok);
    let Some((day, customers, test)) = found.worst else {
        return Check { detail: Some("no day has enough customers for a test".to_owned()), ..check };
    };
    let split = plan.written(experiment, customers);
    Check {
        p_value: Some(found.adjusted(&test)),
        status: found.status(&test),
        detail: Some(format!("{}: {split}; days tested: {}", days.written(day), found.tested)),
        ..check
    }
}

/// `srm_by_segment`: the segment, of any configured dimension, whose split is furthest from the plan. None without a
/// dimension.
///
/// Segments are those of `experiment_results`, as of the first exposure. Of a segment that no metric shows, counts and
/// p-value are withheld.
pub(super) fn sample_ratio_by_segment<'t>(
    experiment: &'t Experiment<'_>,
    cells: &[Cells<'_>],
) -> Option<Check<'t>> {
    if cells.is_empty() {
        return None;
    }
    let plan = Planned::of(experiment);
    let segments: Vec<(&Cells<'_>, usize, Vec<u64>)> = cells
        .iter()
        .flat_map(|cells| {
            cells.customers().enumerate().map(move |(cell, customers)| (cells, cell, customers))
        })
        .collect();
    let found = plan.furthest(segments.iter().map(|(_, _, customers)| &customers[..]));
    let check = Check::new(&experiment.plan.name, "srm_by_segment", Status::Ok);
    let Some((at, customers, test)) = found.worst else {
        return Some(Check {
            detail: Some("no segment has enough customers for a test".to_owned()),
            ..check
        });
    };
    let (cells, cell, _) = &segments[at];
    let is_shown = !cells.is_withheld(*cell);
    let split = if is_shown { plan.written(experiment, customers) } else { "counts withheld".to_owned() };
    let segment = format!("{} = {}", cells.dimension, cells.names[*cell]);
    Some(Check {
        p_value: is_shown.then(|| found.adjusted(&test)),
        status: found.status(&test),
        detail: Some(format!("{segment}: {split}; segments tested: {}", found.tested)),
        ..check
    })
}

/// `double_assignment`: seen in two variants, of those first assigned in the window.
pub(super) fn double<'t>(experiment: &'t Experiment<'_>, counts: &ExperimentCounts) -> Check<'t> {
    let in_window = counts.seen() - counts.before_window;
    let status = match counts.double {
        double if exceeds(double, in_window, DOUBLE_FAIL_ABOVE) => Status::Fail,
        double => Status::warn_if(exceeds(double, in_window, DOUBLE_WARN_ABOVE)),
    };
    Check {
        expected: Some(0.0),
        detail: percent(counts.double, in_window, "of the customers first assigned in the window"),
        ..Check::count(&experiment.plan.name, "double_assignment", counts.double, status)
    }
}

/// `assigned_before_window`: then the table describes a part of the experiment.
pub(super) fn before_window<'t>(experiment: &'t Experiment<'_>, counts: &ExperimentCounts) -> Check<'t> {
    let customers = counts.before_window;
    let status = Status::warn_if(customers > 0);
    Check {
        expected: Some(0.0),
        detail: percent(customers, counts.seen(), "of all assigned customers: left out"),
        ..Check::count(&experiment.plan.name, ASSIGNED_BEFORE_WINDOW, customers, status)
    }
}

/// `unknown_variant`, by variant that the plan doesn't name; one row where there is none.
pub(super) fn unknown_variants<'t>(
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
) -> Vec<Check<'t>> {
    let check = |customers, status| Check {
        expected: Some(0.0),
        ..Check::count(&experiment.plan.name, UNKNOWN_VARIANT, customers, status)
    };
    let unknown = experiment.unknown_variants.iter().zip(&counts.unknown);
    let planned = || experiment.plan.weights.iter().map(|(name, _)| name.as_str());
    let rows = unknown.filter(|(_, customers)| **customers > 0).map(|(variant, customers)| {
        let mut detail = "not among the planned variants: left out".to_owned();
        if let Some(near) = nearest(variant, planned()) {
            detail.push_str(&format!("; did you mean `{near}`?"));
        }
        Check { variant, detail: Some(detail), ..check(*customers, Status::Warn) }
    });
    let rows: Vec<Check<'_>> = rows.collect();
    if rows.is_empty() { vec![check(0, Status::Ok)] } else { rows }
}

fn status_of(status: SampleRatioStatus) -> Status {
    match status {
        SampleRatioStatus::Pass => Status::Ok,
        SampleRatioStatus::Warn => Status::Warn,
        SampleRatioStatus::Fail => Status::Fail,
    }
}

/// The planned weights.
struct Planned {
    /// By variant.
    weights: Vec<f64>,
    /// Their sum.
    whole: f64,
}

/// What came of testing many splits.
struct Tested<'c> {
    /// So many could be tested.
    tested: u32,
    /// The one furthest from the plan, the first of several: which, its customers by variant, and its test.
    worst: Option<(usize, &'c [u64], SampleRatio)>,
}

impl Tested<'_> {
    /// p after Bonferroni.
    fn adjusted(&self, test: &SampleRatio) -> f64 {
        (test.p_value * f64::from(self.tested)).min(1.0)
    }

    /// What is off in a part only says where to look: never a failure.
    fn status(&self, test: &SampleRatio) -> Status {
        Status::warn_if(test.status(self.tested) != SampleRatioStatus::Pass)
    }
}

impl Planned {
    fn of(experiment: &Experiment<'_>) -> Planned {
        let weights: Vec<f64> = experiment.plan.weights.iter().map(|(_, weight)| *weight).collect();
        let whole = weights.iter().sum();
        Planned { weights, whole }
    }

    /// Customers of a variant, had those of all variants in the test been split as planned.
    fn expected(&self, customers: &[u64], variant: usize) -> f64 {
        let tested = customers.iter().zip(&self.weights).filter(|(_, weight)| **weight > 0.0);
        tested.map(|(customers, _)| *customers).sum::<u64>() as f64 * self.weights[variant] / self.whole
    }

    /// Tests every split with at least [`MIN_EXPECTED`] customers planned in each variant.
    fn furthest<'c>(&self, splits: impl Iterator<Item = &'c [u64]>) -> Tested<'c> {
        let mut found = Tested { tested: 0, worst: None };
        for (at, customers) in splits.enumerate() {
            let mut planned = (0..self.weights.len()).filter(|variant| self.weights[*variant] > 0.0);
            if planned.any(|variant| self.expected(customers, variant) < MIN_EXPECTED) {
                continue;
            }
            let Ok(test) = srm::sample_ratio(customers, &self.weights) else { continue };
            found.tested += 1;
            // All have the same degrees of freedom, and χ² still tells them apart where p is 0.
            if found.worst.as_ref().is_none_or(|(_, _, worst)| test.chi_square > worst.chi_square) {
                found.worst = Some((at, customers, test));
            }
        }
        found
    }

    /// `A 120 (150.0 planned), B 180 (150.0 planned)`, by name.
    fn written(&self, experiment: &Experiment<'_>, customers: &[u64]) -> String {
        let variants = experiment.variants_by_name().into_iter().filter(|at| self.weights[*at] > 0.0);
        let written = variants.map(|at| {
            let name = &experiment.plan.weights[at].0;
            format!("{name} {} ({:.1} planned)", customers[at], self.expected(customers, at))
        });
        written.collect::<Vec<_>>().join(", ")
    }
}
