//! `[metrics]` and `[experiments]`.

use toml::Spanned;

use super::{Resolver, conversion_names};
use crate::config::nearest;
use crate::config::plan::{
    ConversionPlan, ConversionValue, Correction, ExperimentPlan, LiftPrior, MetricKind, MetricOf, MetricPlan,
    Quantity,
};
use crate::config::schema::{Experiment, Metric, Section, Table, Text};

/// Larger weights are mistakes, and their sum could leave the range of numbers.
const MAX_WEIGHT: f64 = 1e9;

/// Level of tests unless the file says.
const ALPHA: f64 = 0.05;

impl Resolver<'_, '_, '_> {
    pub(super) fn metrics(
        &mut self,
        metrics: &Table<Section<Metric>>,
        conversions: &[ConversionPlan],
    ) -> Vec<MetricPlan> {
        metrics.0.iter().map(|(name, metric)| self.metric(name, metric, conversions)).collect()
    }

    fn metric(&mut self, name: &Text, metric: &Metric, conversions: &[ConversionPlan]) -> MetricPlan {
        self.name(name, "metric");
        if metric.kind.is_none() {
            self.missing(
                Some(name.span()),
                format!("metric `{name}` has no kind"),
                "write kind = \"proportion\" for the share of customers who convert, or kind = \"mean\"",
            );
        }
        let kinds: [(&str, fn(Quantity) -> MetricKind); 2] =
            [("proportion", MetricKind::Proportion), ("mean", MetricKind::Mean)];
        let kind = self.choose(metric.kind.as_ref(), "kind of metric", &kinds);
        let conversion = match &metric.conversion {
            Some(conversion) => self.reference(conversion, "conversion", conversion_names(conversions)),
            None => {
                let names: Vec<&str> = conversion_names(conversions).collect();
                let hint = match names.first() {
                    Some(first) => {
                        format!("write conversion = \"{first}\"; there are {}", nearest::list(&names))
                    }
                    None => {
                        "declare one first: [conversions.purchase] with event = [\"purchase\"]".to_owned()
                    }
                };
                self.missing(Some(name.span()), format!("metric `{name}` names no conversion"), hint);
                None
            }
        };
        let of = self.metric_of(name, metric, kind, conversion.and_then(|at| conversions.get(at)));
        MetricPlan {
            name: name.get_ref().clone(),
            kind: kind.unwrap_or(MetricKind::Proportion)(Quantity { conversion, of }),
            window_us: self.duration(metric.window.as_ref()),
            good_up: self
                .choose(metric.good.as_ref(), "direction", &[("up", true), ("down", false)])
                .unwrap_or(true),
            cap: None,
        }
    }

    fn metric_of(
        &mut self,
        name: &Text,
        metric: &Metric,
        kind: Option<fn(Quantity) -> MetricKind>,
        conversion: Option<&ConversionPlan>,
    ) -> MetricOf {
        let choices = [("value", MetricOf::Value), ("count", MetricOf::Count)];
        let of = self.choose(metric.of.as_ref(), "`of`", &choices);
        match kind.map(|kind| kind(Quantity { conversion: None, of: MetricOf::Count })) {
            Some(MetricKind::Proportion(_)) => {
                if let (Some(MetricOf::Value), Some(text)) = (of, &metric.of) {
                    self.refuse(
                        text.span(),
                        format!("metric `{name}` is a proportion, which has no value"),
                        "remove `of`, or write kind = \"mean\"",
                    );
                }
                return MetricOf::Count;
            }
            Some(_) => {}
            None => return MetricOf::Count,
        }
        // An unknown word was refused already.
        let of = of.unwrap_or(if metric.of.is_some() { MetricOf::Count } else { MetricOf::Value });
        if let (MetricOf::Value, Some(conversion)) = (of, conversion)
            && conversion.value == ConversionValue::Absent
        {
            let span = metric.of.as_ref().map_or(name.span(), Spanned::span);
            self.refuse(
                span,
                format!("metric `{name}` sums the value of `{}`, which has none", conversion.name),
                format!("write of = \"count\", or value = \"value\" in [conversions.{}]", conversion.name),
            );
        }
        of
    }

    pub(super) fn experiments(
        &mut self,
        experiments: &Table<Section<Experiment>>,
        metrics: &[MetricPlan],
        assigned: bool,
    ) -> Vec<ExperimentPlan> {
        if let Some((name, _)) = experiments.0.first().filter(|_| !assigned) {
            self.missing(
                Some(name.span()),
                format!("experiment `{name}` has no assignments to read"),
                "say where they are: [inputs.assignments] with path = \"exports/assignments.parquet\"",
            );
        }
        experiments.0.iter().map(|(name, experiment)| self.experiment(name, experiment, metrics)).collect()
    }

    fn experiment(&mut self, name: &Text, experiment: &Experiment, metrics: &[MetricPlan]) -> ExperimentPlan {
        if name.get_ref().trim().is_empty() || name.get_ref() == "*" {
            self.refuse(
                name.span(),
                format!("`{name}` is not the name of an experiment"),
                "name each experiment as the assignment log does: [experiments.checkout]",
            );
        }
        let weights = self.weights(name, experiment.weights.as_ref());
        let control = self.control(name, experiment.control.as_ref(), &weights);
        let names = metrics.iter().map(|metric| metric.name.as_str());
        let metrics = match &experiment.metrics {
            Some(listed) => {
                self.unique(listed, "metric");
                listed.iter().filter_map(|metric| self.reference(metric, "metric", names.clone())).collect()
            }
            None => (0..metrics.len()).collect(),
        };
        let corrections = [
            ("benjamini_hochberg", Correction::BenjaminiHochberg),
            ("holm", Correction::Holm),
            ("none", Correction::None),
        ];
        ExperimentPlan {
            name: name.get_ref().clone(),
            control,
            weights,
            metrics,
            guardrails: Vec::new(),
            pre_period_us: None,
            alpha: self.inner_share(experiment.alpha.as_ref(), "alpha").unwrap_or(ALPHA),
            correction: self
                .choose(experiment.correction.as_ref(), "correction", &corrections)
                .unwrap_or(Correction::BenjaminiHochberg),
            sequential: true,
            sequential_tuning: crate::stats::sequential::DEFAULT_TUNING_CUSTOMERS,
            prior: LiftPrior::Flat,
            flat_within: self.inner_share(experiment.flat_within.as_ref(), "flat_within"),
            target_lift: None,
        }
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
            self.refuse(span, format!("experiment `{name}` has {count} of at least two variants"), example);
        }
        for (variant, weight) in weights {
            let share = *weight.get_ref();
            if !(share > 0.0 && share <= MAX_WEIGHT) {
                self.refuse(
                    weight.span(),
                    format!("variant `{variant}` has a weight of `{weight}`"),
                    "write a number above 0 and at most a billion, or remove the variant",
                );
            }
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
        control.get_ref().clone()
    }
}
