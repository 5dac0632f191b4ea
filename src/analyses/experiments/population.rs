//! Who takes part in an experiment: its first exposure decides, if it is the only variant that was seen.

use std::borrow::Cow;

use crate::analyses::Context;
use crate::config::plan::{ExperimentPlan, MetricPlan, Plan};
use crate::journey::{Assignment, Codebook, Journey, Walk};

use super::quantities::Part;

/// The control of a found experiment, where one of its variants is called so.
const ASSUMED_CONTROL: &str = "control";

/// An experiment whose variants are compared.
#[derive(Debug, Clone)]
pub(super) struct Experiment<'a> {
    /// As configured, or made from the defaults.
    pub(super) plan: Cow<'a, ExperimentPlan>,
    /// Whether the plan doesn't name it: variants, weights and control are those that the log suggests.
    pub(super) is_found: bool,
    /// The control that the defaults name and the log doesn't have, of a found experiment that is settled.
    pub(super) absent_control: Option<String>,
    /// Variants of the log that the plan doesn't name, sorted.
    pub(super) unknown_variants: Vec<&'a str>,
    /// Indices into `Plan::metrics`: goals, then guardrails, each as configured.
    pub(super) metrics: Vec<usize>,
    /// The windows of its metrics, each once, ascending, in µs.
    pub(super) windows_us: Vec<i64>,
    /// What its metrics are made of, each once.
    pub(super) sums: Vec<Part>,
    /// By metric: what it is made of, indices into `sums`; see [`Part::of`].
    pub(super) parts: Vec<[usize; 2]>,
    /// Whether a metric takes rows that are no conversions.
    takes_all_rows: bool,
}

/// An analysed customer: first exposed in the window, to a planned variant and to no other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Exposed<'o> {
    /// Index into [`Experiment::plan`]'s weights.
    pub(super) variant: usize,
    /// First exposure, µs since the epoch.
    pub(super) t0_us: i64,
    /// Rows before and after it.
    pub(super) journey: &'o Journey<'o>,
    /// What the walk over them found.
    pub(super) walk: &'o Walk,
}

/// What the codes of the assignment log mean.
#[derive(Debug, Clone)]
pub(super) struct Places<'a> {
    /// By code of an assignment.
    by_code: Vec<Place>,
    /// Those whose variants are compared.
    pub(super) experiments: Vec<Experiment<'a>>,
    /// Experiments of the log that are only counted, sorted.
    pub(super) not_configured: Vec<&'a str>,
}

/// What an assignment's code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The log names no experiment.
    Nowhere,
    /// Index into [`Places::not_configured`].
    NotConfigured(usize),
    /// Index into [`Places::experiments`], and the variant.
    Compared(usize, Variant),
}

/// A variant of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Variant {
    /// Index into the plan's weights.
    Planned(usize),
    /// Index into [`Experiment::unknown_variants`].
    Unknown(usize),
}

/// What becomes of a customer of an experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exposure {
    /// First assigned before the window: left out.
    BeforeWindow,
    /// Seen in two variants: left out.
    Double,
    /// In a variant that the plan doesn't name: left out. Index into [`Experiment::unknown_variants`].
    Unknown(usize),
    /// Analysed.
    Counts {
        /// Index into the plan's weights.
        variant: usize,
        /// First exposure, µs since the epoch.
        t0_us: i64,
    },
}

impl Place {
    /// Tells experiments apart, not variants.
    pub(super) fn experiment(self) -> Option<(bool, usize)> {
        match self {
            Place::Nowhere => None,
            Place::NotConfigured(at) => Some((false, at)),
            Place::Compared(at, _) => Some((true, at)),
        }
    }
}

impl<'a> Experiment<'a> {
    fn new(plan: Cow<'a, ExperimentPlan>, is_found: bool, all_metrics: &[MetricPlan]) -> Self {
        let metrics = [&plan.metrics[..], &plan.guardrails].concat();
        let mut windows_us: Vec<i64> = metrics.iter().filter_map(|at| all_metrics[*at].window_us).collect();
        windows_us.sort_unstable();
        windows_us.dedup();
        let own = || metrics.iter().map(|at| &all_metrics[*at]);
        let mut sums = Vec::new();
        let parts = own().map(|metric| Part::of(metric).map(|part| place_of(&mut sums, part))).collect();
        Self {
            takes_all_rows: own().any(|metric| metric.kind.quantities().any(|of| of.conversion.is_none())),
            sums,
            parts,
            plan,
            is_found,
            absent_control: None,
            unknown_variants: Vec::new(),
            metrics,
            windows_us,
        }
    }

    /// Whether a metric of the customer can be anything but zero.
    #[inline]
    pub(super) fn may_have_figures(&self, customer: &Exposed<'_>) -> bool {
        !customer.walk.conversions.is_empty() || self.takes_all_rows && !customer.journey.rows.is_empty()
    }

    /// So many of the windows of metrics are over by `to_us`, counted from an exposure.
    pub(super) fn windows_over(&self, t0_us: i64, to_us: i64) -> usize {
        self.windows_us.partition_point(|window_us| t0_us.saturating_add(*window_us) <= to_us)
    }

    /// So many windows must be over for a customer to count in a metric with this window; 0 without one.
    pub(super) fn windows_needed(&self, window_us: Option<i64>) -> usize {
        window_us.map_or(0, |window_us| self.windows_us.partition_point(|known| *known <= window_us))
    }

    /// A found experiment with a plan that fits those who were analysed, by variant: equal weights for variants
    /// that have customers, and where the defaults name no control among the variants, that which is called
    /// `control`, in whatever case, else the first by name. A configured one is as it is.
    pub(super) fn settled(&self, analysed: &[u64]) -> Experiment<'a> {
        let mut settled = self.clone();
        if !self.is_found {
            return settled;
        }
        let plan = settled.plan.to_mut();
        let present = analysed.iter().filter(|customers| **customers > 0).count();
        if present > 0 {
            for ((_, weight), customers) in plan.weights.iter_mut().zip(analysed) {
                *weight = if *customers > 0 { 1.0 / present as f64 } else { 0.0 };
            }
        }
        if !plan.weights.iter().any(|(name, _)| *name == plan.control) {
            let names = || plan.weights.iter().filter(|(_, weight)| *weight > 0.0).map(|(name, _)| name);
            let called = names().find(|name| name.eq_ignore_ascii_case(ASSUMED_CONTROL));
            let assumed = called.or_else(|| names().min()).cloned().unwrap_or_default();
            let asked = std::mem::replace(&mut plan.control, assumed);
            settled.absent_control = Some(asked).filter(|asked| !asked.is_empty());
        }
        settled
    }

    /// Indices of the variants that are compared with the control, by name. One of weight 0 is known, so that its
    /// customers are no strangers, but not in the test; a found variant is compared even if nobody was analysed.
    pub(super) fn compared_variants(&self) -> impl Iterator<Item = usize> {
        self.variants_by_name().into_iter().filter(|at| {
            let (name, weight) = &self.plan.weights[*at];
            *name != self.plan.control && (self.is_found || *weight > 0.0)
        })
    }

    /// Indices of the planned variants, by name.
    pub(super) fn variants_by_name(&self) -> Vec<usize> {
        let mut order: Vec<usize> = (0..self.plan.weights.len()).collect();
        order.sort_by_key(|at| &self.plan.weights[*at].0);
        order
    }
}

impl<'a> Places<'a> {
    /// Decides every code of the assignment log once.
    pub(super) fn new(context: Context<'a>) -> Self {
        let Context { plan, assignments: book, .. } = context;
        let configured = plan.experiments.iter();
        let mut experiments: Vec<Experiment<'a>> = configured
            .map(|experiment| Experiment::new(Cow::Borrowed(experiment), false, &plan.metrics))
            .collect();
        let mut not_configured: Vec<&str> = Vec::new();
        if let Some(defaults) = &plan.experiment_defaults {
            for found in found_experiments(plan, book, defaults) {
                experiments.push(Experiment::new(Cow::Owned(found), true, &plan.metrics));
            }
        }
        // Codes are ranks, so that names come in their order.
        let by_code = (0..book.len() as u32)
            .map(|code| {
                let Some(name) = book.text(code, 0) else { return Place::Nowhere };
                let variant = book.text(code, 1).unwrap_or_default();
                let Some(at) = experiments.iter().position(|known| known.plan.name == name) else {
                    return Place::NotConfigured(place_of(&mut not_configured, name));
                };
                let experiment = &mut experiments[at];
                let planned = experiment.plan.weights.iter().position(|(name, _)| name == variant);
                let variant = planned.map_or_else(
                    || Variant::Unknown(place_of(&mut experiment.unknown_variants, variant)),
                    Variant::Planned,
                );
                Place::Compared(at, variant)
            })
            .collect();
        Self { by_code, experiments, not_configured }
    }

    /// What an assignment stands for.
    #[inline]
    pub(super) fn of(&self, assignment: &Assignment) -> Place {
        self.by_code[assignment.code as usize]
    }

    /// What becomes of a customer in the experiment that the first of these assignments belongs to, with all that
    /// follow in the data read. None where it belongs to none that is compared.
    pub(super) fn exposure(&self, assignments: &[Assignment], from_us: i64) -> Option<Exposure> {
        let first = assignments.first()?;
        let Place::Compared(at, variant) = self.of(first) else { return None };
        if first.time_us < from_us {
            return Some(Exposure::BeforeWindow);
        }
        let other = |assignment: &Assignment| {
            matches!(self.of(assignment), Place::Compared(experiment, other)
                if experiment == at && other != variant)
        };
        if assignments.iter().any(other) {
            return Some(Exposure::Double);
        }
        Some(match variant {
            Variant::Planned(variant) => Exposure::Counts { variant, t0_us: first.time_us },
            Variant::Unknown(variant) => Exposure::Unknown(variant),
        })
    }
}

/// Experiments of the log that the plan doesn't name, as the defaults have them: variants as they were found, each
/// with the same weight.
fn found_experiments(plan: &Plan, book: &Codebook, defaults: &ExperimentPlan) -> Vec<ExperimentPlan> {
    let mut found: Vec<ExperimentPlan> = Vec::new();
    for code in 0..book.len() as u32 {
        let Some(name) = book.text(code, 0) else { continue };
        if plan.experiments.iter().any(|known| known.name == name) {
            continue;
        }
        // Codes are ranks: those of an experiment come one after the other.
        if found.last().is_none_or(|last| last.name != name) {
            let (name, weights) = (name.to_owned(), Vec::new());
            found.push(ExperimentPlan { name, weights, ..defaults.clone() });
        }
        if let Some(last) = found.last_mut() {
            last.weights.push((book.text(code, 1).unwrap_or_default().to_owned(), 1.0));
        }
    }
    for experiment in &mut found {
        let variants = experiment.weights.len() as f64;
        experiment.weights.iter_mut().for_each(|(_, weight)| *weight /= variants);
    }
    found
}

/// Index in a list, whose end it joins where it is new.
fn place_of<T: PartialEq>(list: &mut Vec<T>, one: T) -> usize {
    list.iter().position(|known| *known == one).unwrap_or_else(|| {
        list.push(one);
        list.len() - 1
    })
}
