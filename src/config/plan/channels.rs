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

    /// Whether a channel that is none of them has the letters of one: `(direct)` where `Direct` is written.
    pub fn is_almost_direct(&self, channel: &str) -> bool {
        let letters = |text: &str| -> String {
            text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
        };
        let own = letters(channel);
        let exact = self.direct.iter().filter(|pattern| !pattern.contains('*'));
        !own.is_empty() && !self.is_direct(channel) && exact.map(|name| letters(name)).any(|name| name == own)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_and_brackets_make_almost_a_direct_channel() {
        let plan = |direct: &[&str]| ChannelPlan {
            direct: direct.iter().map(|name| (*name).to_owned()).collect(),
            ..ChannelPlan::default()
        };
        let direct = plan(&["Direct", "Book*", "(none)", "-"]);
        for almost in ["direct", "(direct)", "DIRECT", "[Direct] ", "None"] {
            assert!(direct.is_almost_direct(almost), "{almost}");
        }
        for other in ["Direct", "Direct Mail", "bookmarks", "Bookshop", "(none)", "-", "()", "Email", ""] {
            assert!(!direct.is_almost_direct(other), "{other}");
        }
        assert!(!plan(&["*irect"]).is_almost_direct("(direct)"), "what a pattern leaves out it leaves out");
        assert!(!plan(&["Direct", "direct"]).is_almost_direct("direct"), "both are written down");
    }
}
