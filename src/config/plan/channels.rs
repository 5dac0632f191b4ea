//! What channels are made of.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Matcher, wildcard_match};

/// What channels are.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ChannelPlan {
    /// Tried in order, before the preset; the first that matches names the channel.
    pub rules: Vec<ChannelRule>,
    /// What source, medium and campaign mean where no rule matches. None: the column `channel` of the file says it.
    pub preset: Option<ChannelPreset>,
    /// Kinds of site by source in lower case; they go before the list of the preset.
    pub sources: BTreeMap<String, SourceCategory>,
    /// Hosts and patterns in lower case: a referral from one of them is no touch.
    pub unwanted_referrals: Vec<String>,
    /// Channels of customers who came by themselves, exact or with `*`: `last_non_direct` passes over them.
    pub direct: Vec<String>,
}

impl ChannelPlan {
    /// Whether channels come from rules, not only from the file.
    pub fn has_rules(&self) -> bool {
        self.preset.is_some() || !self.rules.is_empty()
    }

    /// Whether the channel of a row may be another than the one in the file.
    pub fn changes_anything(&self) -> bool {
        self.has_rules() || !self.unwanted_referrals.is_empty()
    }

    /// Whether customers of a channel came by themselves.
    pub fn is_direct(&self, channel: &str) -> bool {
        self.direct.iter().any(|pattern| wildcard_match(pattern, channel))
    }
}

/// A rule that names a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ChannelRule {
    /// The channel of what matches.
    pub channel: String,
    /// Never looks at the column `channel`.
    pub matcher: Matcher,
}

/// Rule sets for channels that ship with the job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelPreset {
    /// The default channel groups of Google Analytics 4.
    Ga4,
}

/// What kind of site a source is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum SourceCategory {
    /// A search engine.
    Search,
    /// A social network, forum or messenger.
    Social,
    /// A shop, marketplace or price comparison.
    Shopping,
    /// A place for videos.
    Video,
    /// None of these, though the host above it is one.
    Other,
}

impl SourceCategory {
    /// All of them, by their names in the configuration.
    pub const ALL: [(&'static str, SourceCategory); 5] = [
        ("search", SourceCategory::Search),
        ("social", SourceCategory::Social),
        ("shopping", SourceCategory::Shopping),
        ("video", SourceCategory::Video),
        ("other", SourceCategory::Other),
    ];

    /// The one of a name.
    pub fn of_name(name: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == name).map(|(_, category)| *category)
    }
}
