//! Which rule of the configuration makes a row what it is, as the configuration would write it.

use serde::Serialize;

use crate::config::plan::{Matcher, Plan, wildcard_match};
use crate::journey::channels::{Decided, decide};
use crate::journey::rules::Facts;

/// What a row is to the analyses.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// `channel`, where channels are made by rules; `touch`, `stage`, `conversion` or `refund`.
    pub role: &'static str,
    /// Of the channel, stage or conversion.
    pub name: Option<String>,
    /// Key of the rule in the configuration, a place in a list from 0, and what it asks for.
    pub rule: String,
    /// For a stage: whether the customer enters it with this row. For a conversion: whether the row is one, and not
    /// a further row of an order that has its conversion already.
    pub counts: Option<bool>,
}

/// What of a row's facts the journey around it makes count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Counting {
    /// Bit `k`: the customer enters stage `k` with it.
    pub(super) stages: u64,
    /// Bit `c`: it is a conversion `c` of its own.
    pub(super) conversions: u64,
}

/// A matcher as TOML.
fn written(matcher: &Matcher) -> String {
    let quoted =
        |texts: &[String]| texts.iter().map(|text| format!("{text:?}")).collect::<Vec<_>>().join(", ");
    let fields =
        matcher.fields.iter().map(|field| format!("{} = [{}]", field.column, quoted(&field.patterns)));
    format!("{{ {} }}", fields.collect::<Vec<_>>().join(", "))
}

/// The first of some matchers that a row fits, as a rule.
pub(super) fn first_of<'a>(
    key: &str,
    matchers: &[Matcher],
    value: impl Fn(&str) -> Option<&'a str> + Copy,
) -> String {
    let found = matchers.iter().enumerate().find(|(_, matcher)| matcher.matches(value));
    found.map_or_else(|| key.to_owned(), |(index, matcher)| format!("{key}[{index}] {}", written(matcher)))
}

/// What decided over the channel of a row, whose columns `value` returns as its file has them. None: nothing but the file.
pub(super) fn channel_role<'a>(
    plan: &'a Plan,
    value: impl Fn(&str) -> Option<&'a str> + Copy,
) -> Option<Role> {
    if !plan.channels.changes_anything() {
        return None;
    }
    let decision = decide(&plan.channels, value);
    let rule = match decision.decided {
        Decided::ByRule => "channels.rules, the first that fits",
        Decided::ByPreset => "channels.preset",
        Decided::ByNobody => "nothing in channels.rules or channels.preset fits",
        Decided::ByFile => "as its file has it",
        Decided::Unwanted => "channels.unwanted_referrals looks through it",
    };
    let name = decision.channel.map(str::to_owned);
    Some(Role { role: "channel", name, rule: rule.to_owned(), counts: None })
}

/// All roles of a row with these facts, whose columns `value` returns.
pub(super) fn roles_of<'a>(
    plan: &Plan,
    facts: &Facts,
    counting: Counting,
    value: impl Fn(&str) -> Option<&'a str> + Copy,
) -> Vec<Role> {
    let mut roles = Vec::new();
    if facts.touch {
        let rule = match &plan.attribution.touches {
            Some(matchers) => first_of("attribution.touches", matchers, value),
            None => "by default: it has a channel and is no conversion".to_owned(),
        };
        roles.push(Role { role: "touch", name: None, rule, counts: None });
    }
    for (index, stage) in plan.stages.stages.iter().enumerate() {
        if facts.stages >> index & 1 == 1 {
            let rule = first_of(&format!("stages.rules.{}", stage.name), &stage.rules, value);
            let counts = Some(counting.stages >> index & 1 == 1);
            roles.push(Role { role: "stage", name: Some(stage.name.clone()), rule, counts });
        }
    }
    for (index, conversion) in plan.conversions.iter().enumerate() {
        if facts.conversions >> index & 1 == 1 {
            let rule = format!("conversions.{} {}", conversion.name, written(&conversion.matcher));
            let counts = Some(counting.conversions >> index & 1 == 1);
            roles.push(Role { role: "conversion", name: Some(conversion.name.clone()), rule, counts });
        }
    }
    if facts.refund {
        let event = value("event").unwrap_or_default();
        let pattern = plan.refunds.iter().find(|pattern| wildcard_match(pattern, event));
        let rule = format!("refunds.event {:?}", pattern.map_or(event, String::as_str));
        roles.push(Role { role: "refund", name: None, rule, counts: None });
    }
    roles
}
