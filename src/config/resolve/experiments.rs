//! `[experiments]`: who is compared with whom, on what, and when a difference counts.

use toml::Spanned;

use super::{CORRECTIONS, Resolver};
use crate::config::nearest;
use crate::config::plan::{Correction, ExperimentPlan, LiftPrior, MetricPlan};
use crate::config::schema::{Experiment, FlatOrPrior, Prior, Section, Table, Text};
use crate::stats::sequential;

/// Stands for the experiments of the assignment log that the file doesn't name.
const DEFAULTS: &str = "*";

/// Larger weights are mistakes, and their sum could leave the range of numbers.
const MAX_WEIGHT: f64 = 1e9;

/// Relative lifts beyond a thousandfold are mistakes, and their squares could leave the range of numbers.
const MAX_LIFT: f64 = 1_000.0;

/// Level of tests unless the file says.
const ALPHA: f64 = 0.05;

/// Customers at which the sequential interval is tightest unless the file says.
const SEQUENTIAL_TUNING: i64 = sequential::DEFAULT_TUNING_CUSTOMERS as i64;

/// Standard deviation of a normal prior unless the file says.
const PRIOR_STANDARD_DEVIATION: f64 = 0.3;

impl Resolver<'_, '_, '_> {
    /// The experiments, and what holds for those that the file doesn't name.
    pub(super) fn experiments(
        &mut self,
        experiments: &Table<Section<Experiment>>,
        metrics: &[MetricPlan],
        assigned: bool,
    ) -> (Vec<ExperimentPlan>, Option<ExperimentPlan>) {
        if let Some((name, _)) = experiments.0.first().filter(|_| !assigned) {
            self.missing(
                Some(name.span()),
                format!("experiment `{name}` has no assignments to read"),
                "say where they are: [inputs.assignments] with path = \"exports/assignments.parquet\"",
            );
        }
        let (mut named, mut defaults) = (Vec::new(), None);
        for (name, experiment) in &experiments.0 {
            let plan = self.experiment(name, experiment, metrics);
            if name.get_ref() == DEFAULTS {
                defaults = Some(plan);
            } else {
                named.push(plan);
            }
        }
        (named, defaults)
    }

    fn experiment(&mut self, name: &Text, experiment: &Experiment, metrics: &[MetricPlan]) -> ExperimentPlan {
        if name.get_ref().trim().is_empty() {
            self.refuse(
                name.span(),
                format!("`{name}` is not the name of an experiment"),
                "name each experiment as the assignment log does: [experiments.checkout]",
            );
        }
        let (control, weights) = if name.get_ref() == DEFAULTS {
            (self.default_control(experiment), Vec::new())
        } else {
            let weights = self.weights(name, experiment.weights.as_ref());
            (self.control(name, experiment.control.as_ref(), &weights), weights)
        };
        let (metrics, guardrails) = self.roles(name, experiment, metrics);
        ExperimentPlan {
            name: name.get_ref().clone(),
            control,
            weights,
            metrics,
            guardrails,
            pre_period_us: self.duration(experiment.pre_period.as_ref()),
            alpha: self.inner_share(experiment.alpha.as_ref(), "alpha", ALPHA).unwrap_or(ALPHA),
            correction: self
                .choose(experiment.correction.as_ref(), "correction", &CORRECTIONS)
                .unwrap_or(Correction::BenjaminiHochberg),
            // A job that runs every day is looked at every day.
            sequential: experiment.sequential.unwrap_or(true),
            sequential_tuning: self.count(
                experiment.sequential_tuning.as_ref(),
                "sequential_tuning",
                SEQUENTIAL_TUNING,
            ) as f64,
            prior: experiment.prior.as_ref().map_or(LiftPrior::Flat, |prior| self.prior(prior)),
            flat_within: self.inner_share(experiment.flat_within.as_ref(), "flat_within", 0.01),
            target_lift: experiment.target_lift.as_ref().and_then(|lift| {
                self.positive_lift(
                    lift,
                    "target_lift",
                    "write the smallest lift worth finding: 0.05 is 5 % more",
                )
            }),
        }
    }

    /// Control of the experiments that the data bring; their variants aren't known yet.
    fn default_control(&mut self, experiment: &Experiment) -> String {
        if experiment.weights.is_some() {
            let place = ["experiments", DEFAULTS, "weights"];
            let message = "variants that the data bring are planned with equal weights";
            let hint = "remove `weights`, or name the experiment they belong to: [experiments.checkout]";
            match self.document.key_span(&place) {
                Some(span) => self.refuse(span, message, hint),
                None => self.missing(None, message, hint),
            }
        }
        experiment.control.as_ref().map_or_else(String::new, |control| {
            if control.get_ref().trim().is_empty() {
                self.refuse(
                    control.span(),
                    "this control is empty",
                    "name the variant that others are compared with, or remove `control`",
                );
            }
            control.get_ref().clone()
        })
    }

    /// Goal metrics and guardrails: unless the file lists goals, all metrics that are no guardrails.
    fn roles(
        &mut self,
        name: &Text,
        experiment: &Experiment,
        metrics: &[MetricPlan],
    ) -> (Vec<usize>, Vec<usize>) {
        let names = metrics.iter().map(|metric| metric.name.as_str());
        let mut listed = |listed: &[Text]| -> Vec<usize> {
            self.unique(listed, "metric");
            listed.iter().filter_map(|metric| self.reference(metric, "metric", names.clone())).collect()
        };
        let guardrails = listed(&experiment.guardrails);
        let Some(goals) = &experiment.metrics else {
            return ((0..metrics.len()).filter(|at| !guardrails.contains(at)).collect(), guardrails);
        };
        let indices = listed(goals);
        for guardrail in &experiment.guardrails {
            if goals.iter().any(|goal| goal.get_ref() == guardrail.get_ref()) {
                self.refuse(
                    guardrail.span(),
                    format!("metric `{guardrail}` is both a goal and a guardrail of `{name}`"),
                    "remove it from `metrics` or from `guardrails`",
                );
            }
        }
        (indices, guardrails)
    }

    fn prior(&mut self, prior: &Spanned<FlatOrPrior>) -> LiftPrior {
        let Prior { mean, standard_deviation } = match prior.get_ref() {
            FlatOrPrior::Normal(prior) => prior,
            FlatOrPrior::Name(name) => {
                if name != "flat" {
                    self.refuse(
                        prior.span(),
                        format!("unknown prior `{name}`"),
                        "write prior = \"flat\" or prior = { mean = 0.0, standard_deviation = 0.3 }",
                    );
                }
                return LiftPrior::Flat;
            }
        };
        if let Some(mean) = mean.as_ref().filter(|mean| !(-MAX_LIFT..=MAX_LIFT).contains(mean.get_ref())) {
            self.refuse(
                mean.span(),
                format!("`mean` of a prior is `{mean}`"),
                "write the relative lift that you expect: 0.0 for none, 0.1 for 10 % more",
            );
        }
        let deviation = standard_deviation.as_ref().and_then(|deviation| {
            let hint = "write how far relative lifts stray: 0.3 means that two of three lie within ±30 %";
            self.positive_lift(deviation, "standard_deviation", hint)
        });
        LiftPrior::Normal {
            mean: mean.as_ref().map_or(0.0, |mean| *mean.get_ref()),
            standard_deviation: deviation.unwrap_or(PRIOR_STANDARD_DEVIATION),
        }
    }

    /// A relative lift above 0; None where it was refused.
    fn positive_lift(&mut self, lift: &Spanned<f64>, key: &str, hint: &str) -> Option<f64> {
        let number = *lift.get_ref();
        let fits = number > 0.0 && number <= MAX_LIFT;
        if !fits {
            self.refuse(lift.span(), format!("`{key}` is `{lift}`"), hint);
        }
        fits.then_some(number)
    }

    /// Shares by variant that sum to 1.
    fn weights(&mut self, name: &Text, weights: Option<&Table<Spanned<f64>>>) -> Vec<(String, f64)> {
        let place = ["experiments", name.get_ref().as_str(), "weights"];
        let span = self.document.key_span(&place).unwrap_or(name.span());
        let example = "write the planned shares: weights = { A = 0.5, B = 0.5 }";
        let Some(Table(weights)) = weights else {
            self.missing(Some(name.span()), format!("experiment `{name}` has no weights"), example);
            return Vec::new();
        };
        if weights.len() < 2 {
            let count = weights.len();
            self.refuse(
                span.clone(),
                format!("experiment `{name}` has {count} of at least two variants"),
                example,
            );
        }
        let is_weight = |weight: &Spanned<f64>| (0.0..=MAX_WEIGHT).contains(weight.get_ref());
        for (variant, weight) in weights.iter().filter(|(_, weight)| !is_weight(weight)) {
            self.refuse(
                weight.span(),
                format!("variant `{variant}` has a weight of `{weight}`"),
                "write a number from 0, for a variant that nobody gets, to a billion",
            );
        }
        let tested = weights.iter().filter(|(_, weight)| *weight.get_ref() > 0.0).count();
        if tested < 2 && weights.len() >= 2 && weights.iter().all(|(_, weight)| is_weight(weight)) {
            let message =
                format!("experiment `{name}` has {tested} of at least two variants of weight above 0");
            self.refuse(span, message, example);
        }
        let total: f64 = weights.iter().map(|(_, weight)| *weight.get_ref()).sum();
        let share = |weight: &Spanned<f64>| *weight.get_ref() / total;
        weights.iter().map(|(variant, weight)| (variant.get_ref().clone(), share(weight))).collect()
    }

    fn control(&mut self, name: &Text, control: Option<&Text>, weights: &[(String, f64)]) -> String {
        let variants: Vec<&str> = weights.iter().map(|(variant, _)| variant.as_str()).collect();
        let Some(control) = control else {
            let first = variants.first().unwrap_or(&"A");
            self.missing(
                Some(name.span()),
                format!("experiment `{name}` has no control"),
                format!("name the variant that the others are compared with: control = \"{first}\""),
            );
            return String::new();
        };
        // Without any variant the weights were refused.
        if !variants.is_empty() && !variants.contains(&control.get_ref().as_str()) {
            let hint = nearest::suggest(control.get_ref(), "variants", variants.iter().copied());
            self.refuse(
                control.span(),
                format!("control `{control}` is not among the weights of `{name}`"),
                hint,
            );
        }
        if weights.iter().any(|(variant, weight)| variant == control.get_ref() && *weight == 0.0) {
            self.refuse(
                control.span(),
                format!("control `{control}` of `{name}` has a weight of 0, so nobody gets it"),
                "give it a weight above 0, or name another control",
            );
        }
        control.get_ref().clone()
    }
}
