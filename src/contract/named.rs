//! Rows that some rule of the configuration is about. An event that none names is most often a new one, or an old one
//! under another name.

use crate::config::plan::{Plan, wildcard_match};

/// Whether a stage, conversion, refund, touch or behaviour names a row of these columns, which `value` returns, or
/// the contract says that its event is known. Without `attribution.touches` a row with a channel is a touch.
pub fn is_named<'a>(plan: &Plan, value: impl Fn(&str) -> Option<&'a str> + Copy) -> bool {
    let of_event = |patterns: &[String]| {
        value("event").is_some_and(|event| patterns.iter().any(|pattern| wildcard_match(pattern, event)))
    };
    let behaviours = plan.segments.behaviours.iter().flat_map(|behaviour| &behaviour.rules);
    let matchers = plan
        .stages
        .stages
        .iter()
        .flat_map(|stage| &stage.rules)
        .chain(plan.conversions.iter().map(|conversion| &conversion.matcher))
        .chain(plan.attribution.touches.iter().flatten())
        .chain(behaviours.flat_map(|rule| std::iter::once(&rule.matcher).chain(&rule.without)));
    of_event(&plan.contract.known_events)
        || of_event(&plan.refunds)
        || plan.attribution.touches.is_none() && value("channel").is_some()
        || matchers.into_iter().any(|matcher| matcher.matches(value))
}
