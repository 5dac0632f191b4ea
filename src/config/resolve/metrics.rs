//! `[metrics]`: what experiments compare.

use std::ops::Range;

use toml::Spanned;

use super::inputs::TOUCHPOINTS;
use super::{Resolver, conversion_names};
use crate::config::decimal::{self, Misfit};
use crate::config::plan::{
    Cap, ConversionPlan, ConversionValue, Currency, MetricKind, MetricOf, MetricPlan, NUMBER_PER_UNIT,
    Quantity,
};
use crate::config::schema::{self, AmountOrCap, Metric, Section, Table, Text};
use crate::config::{currency, nearest};

/// Kinds of metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Proportion,
    Mean,
    Ratio,
    Quantile,
}

impl Kind {
    /// All of them, by name.
    const CHOICES: [(&str, Kind); 4] = [
        ("proportion", Kind::Proportion),
        ("mean", Kind::Mean),
        ("ratio", Kind::Ratio),
        ("quantile", Kind::Quantile),
    ];

    /// Why a key has no place in a metric of this kind; None where it has one.
    fn refusal(self, key: &str) -> Option<&'static str> {
        match (key, self) {
            ("conversion" | "of", Kind::Ratio) => {
                Some("write what is divided inside `numerator` and `denominator`")
            }
            ("numerator" | "denominator", kind) if kind != Kind::Ratio => {
                Some("write kind = \"ratio\", or `conversion` and `of`")
            }
            ("quantile", kind) if kind != Kind::Quantile => Some("write kind = \"quantile\", or remove it"),
            ("of", Kind::Proportion) => {
                Some("a customer counts once anyhow: remove it, or write kind = \"mean\"")
            }
            ("cap", Kind::Proportion) => Some("a customer counts once anyhow: remove it"),
            ("cap", Kind::Quantile) => Some("how large the largest are doesn't move a quantile: remove it"),
            _ => None,
        }
    }
}

/// One sum of a metric as it is written.
struct Written<'w> {
    /// `metric `x`` or a part of it.
    what: String,
    /// Where it stands.
    span: Range<usize>,
    conversion: Option<&'w Text>,
    of: Option<&'w Text>,
}

/// What sums may be made of, and the columns that were named.
struct Sums<'c> {
    conversions: &'c [ConversionPlan],
    currency: &'c Currency,
    /// As in [`crate::config::plan::Plan::numbers`].
    numbers: Vec<String>,
}

impl Sums<'_> {
    /// Index of a numeric column.
    fn number(&mut self, column: &str) -> usize {
        self.numbers.iter().position(|known| known == column).unwrap_or_else(|| {
            self.numbers.push(column.to_owned());
            self.numbers.len() - 1
        })
    }
}

impl Resolver<'_, '_, '_> {
    /// The metrics, and the numeric columns that they sum.
    pub(super) fn metrics(
        &mut self,
        metrics: &Table<Section<Metric>>,
        conversions: &[ConversionPlan],
        currency: &Currency,
    ) -> (Vec<MetricPlan>, Vec<String>) {
        let mut sums = Sums { conversions, currency, numbers: Vec::new() };
        let metrics = metrics.0.iter().map(|(name, metric)| self.metric(name, metric, &mut sums)).collect();
        (metrics, sums.numbers)
    }

    fn metric(&mut self, name: &Text, metric: &Metric, sums: &mut Sums<'_>) -> MetricPlan {
        self.name(name, "metric");
        if metric.kind.is_none() {
            self.missing(
                Some(name.span()),
                format!("metric `{name}` has no kind"),
                "write kind = \"proportion\" for the share of customers who convert, \"mean\", \"ratio\" or \"quantile\"",
            );
        }
        let kind = self.choose(metric.kind.as_ref(), "kind of metric", &Kind::CHOICES);
        let nothing = Quantity { conversion: None, of: MetricOf::Count };
        let resolved = kind.map(|kind| {
            self.keys_of_other_kinds(name, metric, kind);
            self.metric_kind(name, metric, kind, sums)
        });
        let capped = match resolved {
            Some(MetricKind::Mean(quantity) | MetricKind::Ratio { numerator: quantity, .. }) => {
                Some(quantity)
            }
            _ => None,
        };
        MetricPlan {
            name: name.get_ref().clone(),
            kind: resolved.unwrap_or(MetricKind::Proportion(nothing)),
            window_us: self.duration(metric.window.as_ref()),
            good_up: self
                .choose(metric.good.as_ref(), "direction", &[("up", true), ("down", false)])
                .unwrap_or(true),
            cap: metric.cap.as_ref().zip(capped).and_then(|(cap, quantity)| self.cap(cap, quantity, sums)),
        }
    }

    /// Notes the keys that the kind has no use for.
    fn keys_of_other_kinds(&mut self, name: &Text, metric: &Metric, kind: Kind) {
        let keys = [
            ("conversion", metric.conversion.is_some()),
            ("of", metric.of.is_some()),
            ("numerator", metric.numerator.is_some()),
            ("denominator", metric.denominator.is_some()),
            ("quantile", metric.quantile.is_some()),
            ("cap", metric.cap.is_some()),
        ];
        let noun = Kind::CHOICES.iter().find(|(_, known)| *known == kind).map_or("metric", |(noun, _)| noun);
        for (key, _) in keys.iter().filter(|(_, is_there)| *is_there) {
            if let Some(hint) = kind.refusal(key) {
                let message = format!("metric `{name}` is a {noun}, which has no `{key}`");
                self.refuse(self.metric_key(name, key), message, hint);
            }
        }
    }

    fn metric_kind(&mut self, name: &Text, metric: &Metric, kind: Kind, sums: &mut Sums<'_>) -> MetricKind {
        let whole = |of| Written {
            what: format!("metric `{name}`"),
            span: name.span(),
            conversion: metric.conversion.as_ref(),
            of,
        };
        match kind {
            Kind::Proportion => {
                let count = Spanned::new(name.span(), "count".to_owned());
                MetricKind::Proportion(self.quantity(&whole(Some(&count)), sums))
            }
            Kind::Mean => MetricKind::Mean(self.quantity(&whole(metric.of.as_ref()), sums)),
            Kind::Quantile => {
                if metric.quantile.is_none() {
                    self.missing(
                        Some(name.span()),
                        format!("metric `{name}` does not say which quantile"),
                        "write it as a share of the customers: quantile = 0.9",
                    );
                }
                let share = self.inner_share(metric.quantile.as_ref(), "quantile", 0.9);
                MetricKind::Quantile {
                    of: self.quantity(&whole(metric.of.as_ref()), sums),
                    share: share.unwrap_or(0.5),
                }
            }
            Kind::Ratio => {
                let numerator = self.part(name, "numerator", metric.numerator.as_ref(), sums);
                let denominator = self.part(name, "denominator", metric.denominator.as_ref(), sums);
                let is_known = numerator.conversion.is_some() || matches!(numerator.of, MetricOf::Number(_));
                if numerator == denominator && is_known {
                    let hint = match numerator.of {
                        MetricOf::Count => {
                            "divide by the count of another conversion, or sum something else above: numerator.of = \"value\""
                        }
                        MetricOf::Value | MetricOf::Number(_) => {
                            "divide by something else, such as the number: denominator.of = \"count\""
                        }
                    };
                    let message = format!("metric `{name}` divides a sum by itself");
                    self.refuse(self.metric_key(name, "denominator"), message, hint);
                }
                MetricKind::Ratio { numerator, denominator }
            }
        }
    }

    /// One of the two sums of a ratio.
    fn part(
        &mut self,
        name: &Text,
        key: &str,
        part: Option<&Section<schema::Quantity>>,
        sums: &mut Sums<'_>,
    ) -> Quantity {
        let Some(part) = part else {
            let of = if key == "numerator" { "value" } else { "count" };
            self.missing(
                Some(name.span()),
                format!("metric `{name}` has no {key}"),
                format!("write one: {key} = {{ conversion = \"purchase\", of = \"{of}\" }}"),
            );
            return Quantity { conversion: None, of: MetricOf::Count };
        };
        let written = Written {
            what: format!("the {key} of metric `{name}`"),
            span: self.metric_key(name, key),
            conversion: part.conversion.as_ref(),
            of: part.of.as_ref(),
        };
        self.quantity(&written, sums)
    }

    fn quantity(&mut self, written: &Written<'_>, sums: &mut Sums<'_>) -> Quantity {
        let Written { what, span, conversion, of } = written;
        // An unknown word was refused: nothing more is said of it.
        let resolved = of.map_or(Some(MetricOf::Value), |of| self.metric_of(of, sums));
        let conversion = match conversion {
            Some(conversion) => self.reference(conversion, "conversion", conversion_names(sums.conversions)),
            None if matches!(resolved, Some(MetricOf::Value | MetricOf::Count)) => {
                let names: Vec<&str> = conversion_names(sums.conversions).collect();
                let hint = match names.first() {
                    Some(first) => {
                        format!("write conversion = \"{first}\"; there are {}", nearest::list(&names))
                    }
                    None => {
                        "declare one first: [conversions.purchase] with event = [\"purchase\"]".to_owned()
                    }
                };
                self.missing(Some(span.clone()), format!("{what} names no conversion"), hint);
                None
            }
            None => None,
        };
        let plan = conversion.and_then(|at| sums.conversions.get(at));
        if let (Some(MetricOf::Value), Some(plan)) = (resolved, plan)
            && plan.value == ConversionValue::Absent
        {
            self.refuse(
                of.map_or(span.clone(), Spanned::span),
                format!("{what} sums the value of `{}`, which has none", plan.name),
                format!("write of = \"count\", or value = \"value\" in [conversions.{}]", plan.name),
            );
        }
        Quantity { conversion, of: resolved.unwrap_or(MetricOf::Count) }
    }

    /// What is summed; None where that was refused.
    fn metric_of(&mut self, of: &Text, sums: &mut Sums<'_>) -> Option<MetricOf> {
        const WORDS: [(&str, MetricOf); 2] = [("value", MetricOf::Value), ("count", MetricOf::Count)];
        let column = of.get_ref().as_str();
        if let Some((_, word)) = WORDS.iter().find(|(word, _)| *word == column) {
            return Some(*word);
        }
        if column.trim().is_empty() || TOUCHPOINTS.is_no_number(column) {
            self.refuse(
                of.span(),
                format!("`{column}` is not a column of numbers"),
                "write of = \"value\", of = \"count\", or a column of touchpoints that holds numbers",
            );
            return None;
        }
        let meant = WORDS.iter().find(|(word, _)| nearest::is_slip(column, word));
        if let Some((meant, _)) = meant.filter(|_| !self.mapped.contains(column)) {
            self.refuse(
                of.span(),
                format!("unknown `of` `{column}`"),
                format!(
                    "did you mean `{meant}`? If `{column}` is a column, map it: columns = {{ {column} = \"{column}\" }}"
                ),
            );
            return None;
        }
        Some(MetricOf::Number(sums.number(column)))
    }

    fn cap(&mut self, cap: &Spanned<AmountOrCap>, quantity: Quantity, sums: &Sums<'_>) -> Option<Cap> {
        let example = "write cap = { value = 500 } or cap = { percentile = 0.999 }";
        match cap.get_ref() {
            AmountOrCap::Amount(amount) => {
                self.cap_amount(&Spanned::new(cap.span(), *amount), quantity, sums)
            }
            AmountOrCap::Cap(schema::Cap { value: Some(value), percentile: None }) => {
                self.cap_amount(value, quantity, sums)
            }
            AmountOrCap::Cap(schema::Cap { value: None, percentile: Some(percentile) }) => {
                self.inner_share(Some(percentile), "percentile", 0.999).map(Cap::Percentile)
            }
            AmountOrCap::Cap(schema::Cap { value: Some(_), percentile: Some(_) }) => {
                self.refuse(cap.span(), "this cap is both a value and a percentile", example);
                None
            }
            AmountOrCap::Cap(schema::Cap { value: None, percentile: None }) => {
                self.refuse(cap.span(), "this cap bounds nothing", example);
                None
            }
        }
    }

    /// A bound in the integers of the quantity.
    fn cap_amount(&mut self, amount: &Spanned<f64>, quantity: Quantity, sums: &Sums<'_>) -> Option<Cap> {
        let (span, amount) = (amount.span(), *amount.get_ref());
        if !(amount.is_finite() && amount > 0.0) {
            self.refuse(
                span,
                format!("a cap of `{amount}` leaves nothing to compare"),
                "write a number above 0",
            );
            return None;
        }
        let digits = match quantity.of {
            MetricOf::Value => {
                let minor = currency::minor(amount, sums.currency);
                return self.accept(span, minor).map(Cap::Amount);
            }
            MetricOf::Count => 0,
            MetricOf::Number(_) => NUMBER_PER_UNIT.ilog10(),
        };
        match decimal::units(amount, digits) {
            Ok(units) => return Some(Cap::Amount(units)),
            Err(Misfit::TooLarge) => {
                let most = i64::MAX / quantity.per_unit(sums.currency.minor_per_unit());
                self.refuse(
                    span,
                    format!("a cap of `{amount}` is too large"),
                    format!("write at most `{most}`"),
                );
            }
            Err(_) if digits == 0 => {
                self.refuse(span, format!("`{amount}` is no number of conversions"), "write a whole number");
            }
            Err(_) => {
                self.refuse(
                    span,
                    format!("a cap of `{amount}` is finer than what is summed"),
                    format!("numbers are summed in millionths: write at most {digits} decimals"),
                );
            }
        }
        None
    }

    /// Where a key of a metric stands.
    fn metric_key(&self, name: &Text, key: &str) -> Range<usize> {
        self.document.key_span(&["metrics", name.get_ref(), key]).unwrap_or(name.span())
    }
}
