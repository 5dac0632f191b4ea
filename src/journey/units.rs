//! Units of credit at the level of campaigns: a campaign under a channel.

use super::codebook::Codebook;
use super::rules::Facts;

/// Shown where a touch has no campaign.
pub const NO_CAMPAIGN: &str = "(none)";

/// A campaign under a channel. One campaign under two channels is two units.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// Index into [`super::Rules::channels`].
    pub channel: u16,
    /// Name of the campaign, or [`NO_CAMPAIGN`].
    pub campaign: String,
}

/// The units of a run, and that of every code that may be a touch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Units {
    /// Sorted by channel, then by campaign; so units of one channel stand together.
    pub all: Vec<Unit>,
    /// By code: index into `all`; meaningless unless the code is a touch. Empty unless credit goes to campaigns.
    pub of_code: Vec<u32>,
}

impl Units {
    /// Of the touches of a book whose codes have these facts; `columns` names its columns.
    pub fn resolve(book: &Codebook, columns: &[String], facts: &[Facts]) -> Units {
        let column = columns.iter().position(|column| column == "campaign");
        let unit = |code: usize| Unit {
            channel: facts[code].channel,
            campaign: column
                .and_then(|column| book.text(code as u32, column))
                .unwrap_or(NO_CAMPAIGN)
                .to_owned(),
        };
        Self::of(facts, unit)
    }

    /// Of codes with these facts, each with its unit where it is a touch.
    pub(crate) fn of(facts: &[Facts], unit: impl Fn(usize) -> Unit) -> Units {
        let touches = || (0..facts.len()).filter(|code| facts[*code].touch);
        let mut all: Vec<Unit> = touches().map(&unit).collect();
        all.sort_unstable();
        all.dedup();
        let mut of_code = vec![u32::MAX; facts.len()];
        for code in touches() {
            if let Ok(rank) = all.binary_search(&unit(code)) {
                of_code[code] = rank as u32;
            }
        }
        Units { all, of_code }
    }

    /// Campaigns, and how many of them stand under several channels. A row without a campaign is none.
    pub fn under_several_channels(&self) -> (u64, u64) {
        let mut campaigns: Vec<&str> = self.all.iter().map(|unit| unit.campaign.as_str()).collect();
        campaigns.retain(|campaign| *campaign != NO_CAMPAIGN);
        campaigns.sort_unstable();
        let each = campaigns.chunk_by(|one, other| one == other);
        each.fold((0, 0), |(all, several), units| (all + 1, several + u64::from(units.len() > 1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_campaign_under_two_channels_is_two_units() {
        let touch = |channel| Facts { channel, touch: true, ..Facts::default() };
        let facts = [touch(1), touch(0), touch(1), touch(0), Facts::default(), touch(0)];
        let names = ["spring", "spring", "autumn", NO_CAMPAIGN, "nobody", "spring"];
        let unit = |code: usize| Unit { channel: facts[code].channel, campaign: names[code].to_owned() };
        let units = Units::of(&facts, unit);
        let shown: Vec<(u16, &str)> =
            units.all.iter().map(|unit| (unit.channel, unit.campaign.as_str())).collect();
        assert_eq!(shown, [(0, NO_CAMPAIGN), (0, "spring"), (1, "autumn"), (1, "spring")]);
        assert_eq!(units.of_code, [3, 1, 2, 0, u32::MAX, 1]);
        assert_eq!(units.under_several_channels(), (2, 1));
    }
}
