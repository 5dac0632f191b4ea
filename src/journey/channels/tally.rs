//! What the rules for channels left open, counted for `data_quality`.

use hashbrown::HashMap;

use super::{Decided, Decision, NOT_SET};

type FastMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Rows by what became of their channel. Integers only: it merges in any order.
#[derive(Debug, Clone, Default)]
pub struct ChannelTally {
    /// All rows.
    pub rows: u64,
    /// Rows of unwanted referrals.
    pub unwanted: u64,
    /// `source / medium` of rows for which nothing fits.
    unmatched: FastMap<String, u64>,
    /// Rows by campaign and channel, where a row has both.
    campaigns: FastMap<String, FastMap<String, u64>>,
}

/// A campaign whose rows have several channels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DividedCampaign {
    /// Its name.
    pub campaign: String,
    /// Rows with this campaign and a channel.
    pub rows: u64,
    /// Those with another channel than most of them.
    pub elsewhere: u64,
}

impl ChannelTally {
    /// Counts so many rows of one decision, whose columns, as the file has them, `value` returns.
    pub fn add<'a>(&mut self, decision: Decision<'_>, value: impl Fn(&str) -> Option<&'a str>, rows: u64) {
        self.rows += rows;
        match decision.decided {
            Decided::Unwanted => self.unwanted += rows,
            Decided::ByNobody => {
                let [source, medium] = ["source", "medium"].map(|name| value(name).unwrap_or(NOT_SET));
                *self.unmatched.entry(format!("{source} / {medium}")).or_default() += rows;
            }
            Decided::ByRule | Decided::ByPreset | Decided::ByFile => {}
        }
        if let (Some(channel), Some(campaign)) = (decision.channel, value("campaign")) {
            let channels = self.campaigns.entry_ref(campaign).or_default();
            *channels.entry_ref(channel).or_default() += rows;
        }
    }

    /// Pairs of source and medium for which nothing fits, with their rows: most rows first, then by name.
    pub fn unmatched(&self) -> Vec<(&str, u64)> {
        let mut pairs: Vec<(&str, u64)> =
            self.unmatched.iter().map(|(pair, rows)| (pair.as_str(), *rows)).collect();
        pairs.sort_unstable_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(other.0)));
        pairs
    }

    /// Campaigns with rows in several channels: most rows first, then by name.
    pub fn divided(&self) -> Vec<DividedCampaign> {
        let several = self.campaigns.iter().filter(|(_, channels)| channels.len() > 1);
        let mut divided: Vec<DividedCampaign> = several
            .map(|(campaign, channels)| {
                let rows: u64 = channels.values().sum();
                let most = channels.values().copied().max().unwrap_or(0);
                DividedCampaign { campaign: campaign.clone(), rows, elsewhere: rows - most }
            })
            .collect();
        divided.sort_unstable_by(|one, other| {
            other.rows.cmp(&one.rows).then_with(|| one.campaign.cmp(&other.campaign))
        });
        divided
    }
}
