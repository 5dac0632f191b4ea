//! `[channels]`: what makes a channel of source, medium and campaign.

use std::collections::BTreeMap;

use toml::Spanned;

use super::Resolver;
use super::inputs::one_or_many;
use crate::config::diagnostic::{Complaint, ErrorKind};
use crate::config::plan::{ChannelPlan, ChannelPreset, ChannelRule, SourceCategory};
use crate::config::schema::{self, Channels, OneOrMany, SourceCategories, Text};

/// Columns that differ from row to row: a rule on one of them would have to be asked for each row.
const NOT_IN_RULES: [&str; 2] = ["event_id", "order_id"];

/// Channel of customers who came by themselves, unless the file says otherwise.
const DIRECT: &str = "Direct";

/// The rule sets that ship with the job, by name.
const PRESETS: [(&str, ChannelPreset); 1] = [("ga4", ChannelPreset::Ga4)];

impl Resolver<'_, '_, '_> {
    pub(super) fn channels(&mut self, channels: Channels) -> ChannelPlan {
        let preset = self.choose(channels.preset.as_ref(), "preset", &PRESETS);
        let rules = channels.rules.iter().filter_map(|rule| self.channel_rule(rule)).collect();
        let unwanted = channels.unwanted_referrals.as_ref();
        let unwanted_referrals =
            unwanted.map_or_else(Vec::new, |hosts| self.hosts("unwanted_referrals", hosts));
        let sources = self.source_categories(&channels.sources);
        // With a preset that doesn't exist, this would only mislead.
        if !sources.is_empty() && channels.preset.is_none() {
            let complaint = Complaint::new(
                "`channels.sources` has no effect, because there is no preset that asks for it",
                "write preset = \"ga4\" in [channels], or remove `sources`",
            );
            let place = self.document.key_span(&["channels", "sources"]);
            self.problems.near(ErrorKind::Value, place, complaint);
        }
        let direct = match &channels.direct {
            Some(direct) => self.patterns(&Spanned::new(direct.span(), "direct".to_owned()), direct),
            None => vec![DIRECT.to_owned()],
        };
        ChannelPlan { rules, preset, sources, unwanted_referrals, direct }
    }

    fn channel_rule(&mut self, rule: &Spanned<schema::ChannelRule>) -> Option<ChannelRule> {
        let place = rule.span();
        let schema::ChannelRule { matcher, channel } = rule.get_ref();
        let name = match channel {
            Some(name) => Some(self.name(name, "channel")),
            None => {
                let complaint = Complaint::new(
                    "this rule names no channel",
                    "say which channel its rows have, such as channel = \"Partner\"",
                );
                self.problems.at(ErrorKind::Missing, place.clone(), complaint);
                None
            }
        };
        for (column, _) in &matcher.0 {
            if NOT_IN_RULES.contains(&column.get_ref().as_str()) {
                self.refuse(
                    column.span(),
                    format!("a rule for channels can't look at `{column}`, which differs from row to row"),
                    "match source, medium, campaign, event or another column with few values",
                );
            }
        }
        if matcher.0.is_empty() {
            let complaint = Complaint::new(
                "this rule has no column beside its channel, so it says nothing about rows",
                "say which rows it is about, such as source = [\"partner-*\"]",
            );
            self.problems.at(ErrorKind::Missing, place, complaint);
            return None;
        }
        let matcher = self.touch_matcher(matcher, place)?;
        Some(ChannelRule { channel: name?, matcher })
    }

    /// Each source with its category; one that stands in two is refused.
    fn source_categories(&mut self, categories: &SourceCategories) -> BTreeMap<String, SourceCategory> {
        let SourceCategories { search, social, shopping, video, other } = categories;
        let lists = [search, social, shopping, video, other];
        let mut sources = BTreeMap::new();
        for (list, (name, category)) in lists.into_iter().zip(SourceCategory::ALL) {
            let Some(list) = list else { continue };
            let hosts = self.hosts(name, list);
            for (written, source) in one_or_many(list).into_iter().zip(hosts) {
                if source.contains('*') {
                    self.refuse(
                        written.span(),
                        format!("source `{written}` has a `*`, which a list of sites can't have"),
                        "write the host alone: it stands for all hosts below it, too",
                    );
                }
                if sources.insert(source, category).is_some_and(|before| before != category) {
                    self.refuse(
                        written.span(),
                        format!("source `{written}` is in another list, too"),
                        "leave it in the one that fits",
                    );
                }
            }
        }
        sources
    }

    /// Sources in lower case, since the case of a host makes no difference; as many as are written.
    fn hosts(&mut self, key: &str, hosts: &Spanned<OneOrMany>) -> Vec<String> {
        let written: Vec<Text> = one_or_many(hosts);
        for host in &written {
            if host.get_ref().contains('/') {
                self.refuse(
                    host.span(),
                    format!("`{host}` is an address, and a source is compared with its host"),
                    "write the host alone, such as shop.example",
                );
            }
        }
        let patterns = self.patterns(&Spanned::new(hosts.span(), key.to_owned()), hosts);
        patterns.into_iter().map(|host| host.to_lowercase()).collect()
    }
}
