//! Which channel a row of spend has: what the file says, or what the rules for channels make of it.

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::config::plan::ChannelPlan;
use crate::input::columns::Texts;
use crate::input::open::{Located, Need, Role};
use crate::journey::channels::decide_of_spend;
use crate::journey::channels::tally::ChannelTally;
use crate::journey::rules::NO_CHANNEL;

/// What channels are made of, in the order of their needs.
const COLUMNS: [&str; CHANNEL_NEEDS] = ["channel", "campaign", "source", "medium"];
/// How many columns channels are made of.
pub const CHANNEL_NEEDS: usize = 4;

/// Needs of the spend log for its channels. Rules make a channel where the file has none.
pub fn channel_needs(plan: &ChannelPlan) -> [Need; CHANNEL_NEEDS] {
    COLUMNS.map(|name| Need {
        logical: name.to_owned(),
        role: Role::Text,
        required: name == "channel" && !plan.has_rules(),
        wanted: plan.has_rules() || matches!(name, "channel" | "campaign"),
    })
}

/// Whether a file has neither a channel nor anything of which rules could make one; `located` are the places of
/// [`channel_needs`].
pub fn lacks_channels(located: &[Located]) -> bool {
    let mut of_rules = COLUMNS.iter().zip(located).filter(|(name, _)| **name != "campaign");
    of_rules.all(|(_, place)| *place == Located::Absent)
}

/// The channels of a batch.
#[derive(Debug)]
pub struct SpendChannels<'a> {
    plan: &'a ChannelPlan,
    /// In the order of [`COLUMNS`].
    texts: [Texts; CHANNEL_NEEDS],
}

impl<'a> SpendChannels<'a> {
    /// Of a batch; `located` are the places of [`channel_needs`].
    ///
    /// # Errors
    /// A column can't be read as text.
    pub fn of(plan: &'a ChannelPlan, located: &[Located], batch: &RecordBatch) -> Result<Self, ArrowError> {
        let text = |at: usize| Texts::of(located.get(at).unwrap_or(&Located::Absent), batch);
        Ok(Self { plan, texts: [text(0)?, text(1)?, text(2)?, text(3)?] })
    }

    /// Channel and campaign of a row, which is counted in the tally.
    pub fn take(&self, row: usize, tally: &mut ChannelTally) -> (String, Option<String>) {
        let value = |name: &str| {
            let at = COLUMNS.iter().position(|column| *column == name)?;
            self.texts[at].get(row)
        };
        let decision = decide_of_spend(self.plan, value);
        tally.add(decision, value, 1);
        (decision.channel.unwrap_or(NO_CHANNEL).to_owned(), value("campaign").map(str::to_owned))
    }
}
