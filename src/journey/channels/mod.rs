//! Which channel a row has: the one of the first rule that matches, of the preset, or of the file.
//!
//! Asked once per combination of texts, never per row.

pub mod ga4;
pub mod sources;
pub mod tally;

use crate::config::plan::{ChannelPlan, ChannelPreset, ChannelRule, wildcard_match};

use super::codebook::Codebook;
use tally::ChannelTally;

/// How Google Analytics writes what is missing. In a rule it matches a missing value, too.
pub const NOT_SET: &str = "(not set)";

/// Media of rows that say no more than which site they came from.
const OF_REFERRALS: [&str; 3] = ["referral", "(none)", NOT_SET];

/// What decided over the channel of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decided {
    /// A rule of the configuration.
    ByRule,
    /// The preset found a channel.
    ByPreset,
    /// No rule and nothing in the preset fits, and the file has no channel: nobody knows.
    ByNobody,
    /// The column of the file, which may be null.
    ByFile,
    /// A referral that is to be looked through: no channel.
    Unwanted,
}

/// The channel of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision<'a> {
    /// None: the row has no channel.
    pub channel: Option<&'a str>,
    /// Whose word it is.
    pub decided: Decided,
}

/// Decides over the row whose columns, as the file has them, `value` returns; None is null.
///
/// An unwanted referral has no channel. Else the first of the plan's rules counts; then the preset, if the row
/// has a source or a medium; then the file's channel; then the preset, if there is a campaign at least. A row without
/// any of them says nothing about where somebody came from, and is not taken for direct.
pub fn decide<'a>(plan: &'a ChannelPlan, value: impl Fn(&str) -> Option<&'a str> + Copy) -> Decision<'a> {
    if is_unwanted_referral(plan, value) {
        return Decision { channel: None, decided: Decided::Unwanted };
    }
    decide_of_spend(plan, value)
}

/// The same for a row of spend, which is no referral: whoever was paid, it was spent.
pub fn decide_of_spend<'a>(
    plan: &'a ChannelPlan,
    value: impl Fn(&str) -> Option<&'a str> + Copy,
) -> Decision<'a> {
    if let Some(rule) = plan.rules.iter().find(|rule| rule_matches(rule, value)) {
        return Decision { channel: Some(&rule.channel), decided: Decided::ByRule };
    }
    let by_file = Decision { channel: value("channel"), decided: Decided::ByFile };
    let has_source = value("source").is_some() || value("medium").is_some();
    let has_any = has_source || value("campaign").is_some();
    match plan.preset {
        Some(ChannelPreset::Ga4) if has_source || has_any && by_file.channel.is_none() => {
            let [source, medium, campaign] =
                ["source", "medium", "campaign"].map(|column| value(column).unwrap_or(NOT_SET));
            let channel = ga4::channel_group(&plan.sources, source, medium, campaign);
            let decided = if channel == ga4::UNASSIGNED { Decided::ByNobody } else { Decided::ByPreset };
            Decision { channel: Some(channel), decided }
        }
        None if !plan.rules.is_empty() && has_source && by_file.channel.is_none() => {
            Decision { channel: None, decided: Decided::ByNobody }
        }
        _ => by_file,
    }
}

/// The channel of a row, as matchers see it.
pub fn channel_of<'a>(
    plan: &'a ChannelPlan,
    value: impl Fn(&str) -> Option<&'a str> + Copy,
) -> Option<&'a str> {
    if plan.changes_anything() { decide(plan, value).channel } else { value("channel") }
}

/// Whether a row came from a site that only sends people back, such as the shop's own or that of a payment.
/// What carries a medium of its own, such as an advertisement there, did not.
pub fn is_unwanted_referral<'a>(plan: &ChannelPlan, value: impl Fn(&str) -> Option<&'a str>) -> bool {
    if plan.unwanted_referrals.is_empty() {
        return false;
    }
    let Some(source) = value("source").map(str::to_lowercase) else { return false };
    value("medium").is_none_or(|medium| OF_REFERRALS.contains(&medium.to_lowercase().as_str()))
        && plan.unwanted_referrals.iter().any(|host| match host.contains('*') {
            true => wildcard_match(host, &source),
            false => sources::is_host_or_below(&source, host),
        })
}

/// As matchers do elsewhere, but that `(not set)` also matches what is missing.
fn rule_matches<'a>(rule: &ChannelRule, value: impl Fn(&str) -> Option<&'a str>) -> bool {
    rule.matcher.fields.iter().all(|field| match value(&field.column) {
        Some(text) => field.patterns.iter().any(|pattern| wildcard_match(pattern, text)),
        None => field.patterns.iter().any(|pattern| pattern == NOT_SET),
    })
}

/// Puts the channels that a plan decides into a book, in place of those of the files, and tells what was found.
///
/// Codes keep their numbers: they are ranks of what stands in the files, which is also what makes two rows
/// duplicates. `columns` names the columns of the book; `rows` counts the rows of each code and may be empty where
/// nobody asks for the tally.
pub fn assign(plan: &ChannelPlan, book: &mut Codebook, columns: &[String], rows: &[u64]) -> ChannelTally {
    let place = |name: &str| columns.iter().position(|column| column == name);
    let mut tally = ChannelTally::default();
    let mut channels: Vec<Option<Box<str>>> = Vec::new();
    let counted = place("campaign").is_some() || plan.changes_anything();
    for code in 0..if counted { book.len() as u32 } else { 0 } {
        let value = |name: &str| book.text(code, place(name)?);
        let decision = decide(plan, value);
        let rows = rows.get(code as usize).copied().unwrap_or(0);
        tally.add(decision, value, rows);
        channels.push(decision.channel.map(Box::from));
    }
    if plan.changes_anything()
        && let Some(column) = place("channel")
    {
        book.replace(column, &channels);
    }
    tally
}

#[cfg(test)]
mod tests;
