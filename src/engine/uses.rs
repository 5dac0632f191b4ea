//! What in the configuration asks for a column, for the message that no file has it.

use crate::config::plan::{Matcher, MetricKind, MetricOf, Plan, Quantity};
use crate::input::InputError;

use super::open::{behaviour_of, column_of_dimension};

/// A key of the configuration that asks for a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Use {
    /// As a person writes it.
    shown: String,
    /// The keys that lead there; a number is a place in a list.
    path: Vec<String>,
    /// Whether it divides customers, so that it could be an attribute of theirs.
    pub(super) is_dimension: bool,
}

impl Use {
    /// A key with this path.
    pub(super) fn of(path: &[&str]) -> Self {
        let path: Vec<String> = path.iter().map(|key| (*key).to_owned()).collect();
        Self { shown: path.join("."), path, is_dimension: false }
    }

    /// The error that no file has the column.
    pub(super) fn unknown(self, plan: &Plan, column: &str, available: Vec<String>) -> InputError {
        InputError::UnknownColumn {
            column: column.to_owned(),
            place: plan.places.locate(&self.path).map(Box::new),
            used_by: self.shown,
            available,
            lacks_customers: self.is_dimension && plan.customers.is_none(),
        }
    }

    /// What first asks for a number.
    pub(super) fn of_number(plan: &Plan, index: usize) -> Self {
        let is = |quantity: Quantity| quantity.of == MetricOf::Number(index);
        let part = |kind: MetricKind| match kind {
            MetricKind::Proportion(of) | MetricKind::Mean(of) | MetricKind::Quantile { of, .. } => {
                is(of).then_some(&["of"][..])
            }
            MetricKind::Ratio { numerator, .. } if is(numerator) => Some(&["numerator", "of"][..]),
            MetricKind::Ratio { denominator, .. } => is(denominator).then_some(&["denominator", "of"][..]),
        };
        let user = plan.metrics.iter().find_map(|metric| Some((metric.name.as_str(), part(metric.kind)?)));
        user.map_or_else(
            || Self::of(&["metrics"]),
            |(name, part)| Self::of(&[&["metrics", name], part].concat()),
        )
    }

    /// What first asks for orders.
    pub(super) fn of_orders(plan: &Plan) -> Self {
        let of_orders = plan.conversions.iter().find(|conversion| conversion.orders.is_some());
        match of_orders.filter(|_| plan.refunds.is_empty()) {
            Some(conversion) => Self::of(&["conversions", &conversion.name, "orders"]),
            None => Self::of(&["refunds"]),
        }
    }

    /// What first names a text column.
    pub(super) fn of_text(plan: &Plan, name: &str) -> Option<Self> {
        let names = |matchers: &[Matcher]| {
            matchers.iter().any(|matcher| matcher.fields.iter().any(|field| field.column == name))
        };
        let stages = plan.stages.stages.iter().filter(|stage| names(&stage.rules));
        let conversions =
            plan.conversions.iter().filter(|conversion| names(std::slice::from_ref(&conversion.matcher)));
        let touches = plan.attribution.touches.iter().filter(|touches| names(touches));
        let channels = &plan.channels;
        let channel_rules =
            channels.rules.iter().filter(|rule| names(std::slice::from_ref(&rule.matcher))).map(|_| "rules");
        let preset = channels.preset.filter(|_| matches!(name, "source" | "medium")).map(|_| "preset");
        let unwanted =
            (name == "source" && !channels.unwanted_referrals.is_empty()).then_some("unwanted_referrals");
        let of_channels = channel_rules.chain(preset).chain(unwanted);
        let excludes = plan.touchpoints.iter().enumerate().filter(|(_, source)| names(&source.exclude));
        let behaviours = plan.segments.behaviours.iter().filter(|behaviour| {
            let mut rules = behaviour.rules.iter();
            rules.any(|rule| names(std::slice::from_ref(&rule.matcher)) || names(&rule.without))
        });
        stages
            .map(|stage| Self::of(&["stages", "rules", &stage.name]))
            .chain(conversions.map(|conversion| Self::of(&["conversions", &conversion.name])))
            .chain(touches.map(|_| Self::of(&["attribution", "touches"])))
            .chain(of_channels.map(|key| Self::of(&["channels", key])))
            .chain(excludes.map(|(at, source)| Self::of_exclude(plan, at, &source.key)))
            .chain(behaviours.map(|behaviour| Self::of(&["segments", "rules", &behaviour.name])))
            .chain(Self::of_dimension(plan, name))
            .next()
    }

    fn of_exclude(plan: &Plan, source: usize, key: &str) -> Self {
        let place = source.to_string();
        let path: &[&str] = match plan.touchpoints.len() {
            1 => &["inputs", "touchpoints", "exclude"],
            _ => &["inputs", "touchpoints", &place, "exclude"],
        };
        Self { shown: format!("{key}.exclude"), ..Self::of(path) }
    }

    /// The dimension that a touchpoint column is looked for by.
    fn of_dimension(plan: &Plan, name: &str) -> Option<Self> {
        let is_used = |dimension: &String| {
            behaviour_of(plan, dimension).is_none() && column_of_dimension(dimension) == name
        };
        let place = plan.segments.dimensions.iter().position(is_used)?;
        let dimension = &plan.segments.dimensions[place];
        Some(Self {
            shown: format!("segments.dimensions (`{dimension}`)"),
            is_dimension: true,
            ..Self::of(&["segments", "dimensions", &place.to_string()])
        })
    }
}
