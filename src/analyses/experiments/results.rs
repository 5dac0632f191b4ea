//! `experiment_results`: what each variant did to each metric, in whom, and what to make of it.

use std::collections::BTreeSet;

use crate::analyses::Context;
use crate::analyses::suppression::WITHHELD;
use crate::config::plan::{Correction, MetricPlan};
use crate::stats::{Cuped, Reason, multiplicity, welch};

use super::arms::{Measure, Measured};
use super::cells::Cells;
use super::effect::{Effect, Reading};
use super::health::{ASSIGNED_BEFORE_WINDOW, Check, Status, UNKNOWN_VARIANT};
use super::population::Experiment;
use super::rows::{Adjustment, Role, Row, WHOLE};
use super::sums::{ExperimentCounts, MetricSums};
use super::verdict::Verdict;

/// Note of figures that are missing because the window of the metric isn't over for enough customers of an arm that
/// would have enough with them.
const NOT_MATURE: &str = "not_mature";
/// Note of figures that are zero because nobody counts more: fewer customers have any than the percentile leaves out.
const CAP_IS_ZERO: &str = "cap_is_zero";
/// An arm with fewer has no variance.
const MIN_CUSTOMERS: u64 = 2;
/// Note of an experiment that the log has nobody of.
const NO_ASSIGNMENTS: &str = "no_assignments";

/// The rows of an experiment: goals as configured, then guardrails; every variant but the control by name; the whole
/// as it was seen, then adjusted by the pre-period where there is one and the kind allows it, then the configured
/// dimensions by segment, as of the first exposure.
///
/// One row of the whole decides for each metric and variant: the adjusted one, unless the figures of before don't
/// vary, so that it has none. Its q is over the goals × variants of the experiment, guardrails apart; its verdict
/// is `invalid` where a check failed (the note says which), else that of [`Verdict::of_goal`] or
/// [`Verdict::of_guardrail`].
///
/// Rows of segments compare the segment's effect with that of all other customers: Welch's test of the difference of
/// two independent differences, corrected by Benjamini & Hochberg (1995) over the segments of all dimensions, for each
/// metric and variant.
///
/// Notes: a [`Reason`], `not_mature`, `no_assignments`, `withheld`; beside `too_few` the check that left more customers
/// out than are analysed, `assigned_before_window` or `unknown_variant`; `srm_failed` and the like; `cap = 120` for the
/// amount that a percentile was, with `cap_is_zero` where it leaves nothing; `variance_reduction = 0.34` for the share of the variance that adjusting took away.
pub(super) fn of_experiment<'t>(
    context: &Context<'t>,
    cells: &[Cells<'t>],
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
    checks: &[Check<'_>],
) -> Vec<Row<'t>> {
    let mut rows = Vec::new();
    let mut deciding = Vec::new();
    for at in 0..experiment.metrics.len() {
        let metric = Compared::new(context, experiment, counts, cells, at);
        for variant in experiment.compared_variants() {
            let start = rows.len();
            rows.extend(metric.of_whole(variant));
            let adjusted = rows.len() - 1;
            let is_defined = rows[adjusted].reading.difference.is_some();
            deciding.push(if is_defined { adjusted } else { start });
            rows.extend(metric.of_segments(variant));
        }
    }
    if counts.seen() == 0 {
        rows.iter_mut().for_each(|row| row.notes = vec![NO_ASSIGNMENTS.to_owned()]);
    }
    decide(experiment.plan.correction, &mut rows, &deciding, checks);
    rows
}

/// How the metric at a place among those of an experiment becomes figures, how many windows have to be over for it, and its
/// sums by planned variant.
pub(super) fn measure<'t>(
    context: &Context<'t>,
    experiment: &Experiment<'_>,
    counts: &ExperimentCounts,
    at: usize,
) -> (Measure<'t>, usize, Vec<MetricSums>) {
    let metric = &context.plan.metrics[experiment.metrics[at]];
    let windows_needed = experiment.windows_needed(metric.window_us);
    let sums: Vec<MetricSums> =
        counts.variants.iter().map(|variant| variant.sums(at, metric, windows_needed)).collect();
    (Measure::new(metric, context.plan.job.currency.minor_per_unit(), &sums), windows_needed, sums)
}

/// A metric of an experiment, and what was measured of it.
struct Compared<'r, 't> {
    experiment: &'t Experiment<'t>,
    metric: &'t MetricPlan,
    role: Role,
    measure: Measure<'t>,
    windows_needed: usize,
    counts: &'r ExperimentCounts,
    /// Index of the control; None where nobody can be in it.
    control: Option<usize>,
    /// By planned variant.
    whole: Vec<Measured>,
    /// By dimension.
    dimensions: Vec<Segments<'r, 't>>,
    nobody: Measured,
}

/// The segments of a dimension, and what was measured of a metric.
struct Segments<'r, 't> {
    cells: &'r Cells<'t>,
    /// By cell, then planned variant.
    measured: Vec<Vec<Measured>>,
    withheld: BTreeSet<usize>,
}

impl<'r, 't> Compared<'r, 't> {
    /// Of the metric at a place among those of the experiment.
    fn new(
        context: &Context<'t>,
        experiment: &'t Experiment<'t>,
        counts: &'r ExperimentCounts,
        cells: &'r [Cells<'t>],
        at: usize,
    ) -> Self {
        let plan = &*experiment.plan;
        let metric = &context.plan.metrics[experiment.metrics[at]];
        let (measure, windows_needed, sums) = measure(context, experiment, counts, at);
        let dimensions = cells.iter().map(|cells| {
            let measured = cells.measured(&measure, at, windows_needed);
            let withheld = cells.withheld(metric.kind);
            Segments { cells, measured, withheld }
        });
        Self {
            experiment,
            metric,
            role: if at < plan.metrics.len() { Role::Goal } else { Role::Guardrail },
            measure,
            windows_needed,
            counts,
            control: plan.weights.iter().position(|(name, _)| *name == plan.control),
            dimensions: dimensions.collect(),
            whole: sums.into_iter().map(|sums| measure.measured(sums)).collect(),
            nobody: measure.measured(MetricSums::new(metric)),
        }
    }

    /// Control and variant, among what was measured by variant.
    fn arms<'m>(&'m self, measured: &'m [Measured], variant: usize) -> [&'m Measured; 2] {
        [self.control.map_or(&self.nobody, |control| &measured[control]), &measured[variant]]
    }

    /// The rows of all customers: as it was seen, then adjusted.
    fn of_whole(&self, variant: usize) -> Vec<Row<'t>> {
        let [control, treatment] = self.arms(&self.whole, variant);
        let plan = &*self.experiment.plan;
        let needed = |effect: Result<Effect, Reason>| effect.ok()?.customers_needed(plan, self.metric);
        let effect = self.effect([control, treatment]);
        let mut seen = self.row(variant, [control, treatment], effect);
        seen.reading.customers_needed = needed(effect);
        let too_few = Reason::TooFew.as_str();
        if let Some(at) = seen.notes.iter().position(|note| note == too_few) {
            let left_out = self.mostly_left_out().map(str::to_owned);
            seen.notes.splice(at + 1..at + 1, left_out);
        }
        if self.waits(variant) {
            seen.notes.insert(0, NOT_MATURE.to_owned());
        }
        let mut rows = vec![seen];
        let cuped = plan.pre_period_us.and_then(|_| self.measure.cuped(control, treatment));
        if let Some(cuped) = cuped {
            let effect = cuped.as_ref().map(Effect::adjusted).map_err(|reason| *reason);
            let mut row = self.row(variant, [control, treatment], effect);
            row.adjustment = Adjustment::Cuped;
            row.reading.customers_needed = needed(effect);
            row.mean = row.control_mean.zip(row.reading.difference).map(|(mean, change)| mean + change);
            if let Ok(Cuped { variance_reduction, .. }) = cuped {
                row.notes.push(format!("variance_reduction = {variance_reduction:.3}"));
            }
            rows.push(row);
        }
        for row in &mut rows {
            let Some(cap) = self.measure.percentile_cap() else { continue };
            row.notes.push(format!("cap = {cap}"));
            if cap == 0.0 {
                row.notes.push(CAP_IS_ZERO.to_owned());
            }
        }
        rows
    }

    /// The rows of the segments of all dimensions.
    fn of_segments(&self, variant: usize) -> Vec<Row<'t>> {
        let mut rows = Vec::new();
        let whole = self.arms(&self.whole, variant);
        for Segments { cells, measured, withheld } in &self.dimensions {
            for (cell, measured) in measured.iter().enumerate() {
                let arms = self.arms(measured, variant);
                let mut row = if withheld.contains(&cell) {
                    self.withheld(variant)
                } else {
                    let effect = self.effect(arms);
                    let others = [0, 1].map(|arm| whole[arm].without(arms[arm]));
                    let of_others = match &others {
                        [Some(control), Some(treatment)] => self.effect([control, treatment]),
                        _ => Err(Reason::Undefined),
                    };
                    let mut row = self.row(variant, arms, effect);
                    let interaction = effect
                        .and_then(|effect| welch::interaction(&effect.difference, &of_others?.difference));
                    row.interaction_p_value = interaction.ok().map(|interaction| interaction.p_value());
                    row
                };
                (row.dimension, row.segment) = (cells.dimension, cells.names[cell]);
                rows.push(row);
            }
        }
        let p_values: Vec<Option<f64>> = rows.iter().map(|row| row.interaction_p_value).collect();
        let q_values = multiplicity::benjamini_hochberg(&p_values);
        rows.iter_mut().zip(q_values).for_each(|(row, q_value)| row.interaction_q_value = q_value);
        rows
    }

    fn effect(&self, [control, treatment]: [&Measured; 2]) -> Result<Effect, Reason> {
        let difference = self.measure.difference(treatment, control);
        Effect::unadjusted(&self.measure.arm(control)?, &self.measure.arm(treatment)?, difference)
    }

    /// Whether the control or the variant has too few customers, and enough once their windows are over.
    fn waits(&self, variant: usize) -> bool {
        let of = |variant: usize| {
            let counts = &self.counts.variants[variant];
            counts.mature(self.windows_needed) < MIN_CUSTOMERS && counts.customers() >= MIN_CUSTOMERS
        };
        of(variant) || self.control.is_some_and(of)
    }

    /// The checks that leave out more customers than there are analysed.
    fn mostly_left_out(&self) -> impl Iterator<Item = &'static str> {
        let analysed = self.counts.analysed();
        let left_out = [
            (ASSIGNED_BEFORE_WINDOW, self.counts.before_window),
            (UNKNOWN_VARIANT, self.counts.unknown.iter().sum()),
        ];
        left_out.into_iter().filter(move |(_, customers)| *customers > analysed).map(|(check, _)| check)
    }

    /// A row with the figures of two arms, by all that was seen of them.
    fn row(
        &self,
        variant: usize,
        [control, treatment]: [&Measured; 2],
        effect: Result<Effect, Reason>,
    ) -> Row<'t> {
        let mut reasons = Vec::new();
        let reading = match effect {
            Ok(effect) => effect.reading(&self.experiment.plan, self.metric, &mut reasons),
            Err(_) => {
                // Of both arms, if neither can be compared.
                let arms = [control, treatment].map(|arm| self.measure.arm(arm).err());
                reasons.extend(arms.into_iter().flatten());
                reasons.extend(effect.err());
                Reading::default()
            }
        };
        let control_mean = self.measure.mean(control);
        if control_mean == Some(0.0) {
            reasons.push(Reason::ZeroControlMean);
        }
        reasons.sort_unstable();
        reasons.dedup();
        Row {
            customers: Some(treatment.customers()),
            control_customers: Some(control.customers()),
            mean: self.measure.mean(treatment),
            control_mean,
            reading,
            notes: reasons.iter().map(Reason::to_string).collect(),
            ..self.empty_row(variant)
        }
    }

    /// A row that would say too much of too few.
    fn withheld(&self, variant: usize) -> Row<'t> {
        Row { notes: vec![WITHHELD.to_owned()], ..self.empty_row(variant) }
    }

    fn empty_row(&self, variant: usize) -> Row<'t> {
        let plan = &*self.experiment.plan;
        Row {
            experiment: plan,
            metric: self.metric,
            role: self.role,
            variant: &plan.weights[variant].0,
            adjustment: Adjustment::None,
            dimension: WHOLE,
            segment: WHOLE,
            customers: None,
            control_customers: None,
            mean: None,
            control_mean: None,
            reading: Reading::default(),
            interaction_p_value: None,
            interaction_q_value: None,
            q_value: None,
            verdict: None,
            notes: Vec::new(),
        }
    }
}

/// Corrects the goals of an experiment for each other, and says what to make of every row that decides.
fn decide(correction: Correction, rows: &mut [Row<'_>], deciding: &[usize], checks: &[Check<'_>]) {
    let goals: Vec<usize> = deciding.iter().copied().filter(|row| rows[*row].role == Role::Goal).collect();
    let p_values: Vec<Option<f64>> = goals.iter().map(|row| rows[*row].reading.decision_p).collect();
    let q_values = match correction {
        Correction::BenjaminiHochberg => multiplicity::benjamini_hochberg(&p_values),
        Correction::Holm => multiplicity::holm(&p_values),
        Correction::None => p_values,
    };
    goals.iter().zip(q_values).for_each(|(row, q_value)| rows[*row].q_value = q_value);
    let mut failed: Vec<String> = checks
        .iter()
        .filter(|check| check.status == Status::Fail)
        .map(|check| format!("{}_failed", check.check))
        .collect();
    failed.dedup();
    for row in deciding {
        let row = &mut rows[*row];
        let (plan, metric) = (row.experiment, row.metric);
        row.verdict = Some(match row.role {
            _ if !failed.is_empty() => Verdict::Invalid,
            Role::Goal => Verdict::of_goal(plan, metric, &row.reading, row.q_value, row.control_mean),
            Role::Guardrail => Verdict::of_guardrail(plan, metric, &row.reading, row.control_mean),
        });
        row.notes.extend_from_slice(&failed);
    }
}
