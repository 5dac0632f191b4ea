//! Spend: a ledger of money, so every row counts or the run stops.

use std::ops::Range;

use crate::config::plan::{ChannelPlan, Zone};
use crate::input::InputError;
use crate::input::columns::{Amount, Texts};
use crate::input::open::{Need, Role};
use crate::journey::channels::tally::ChannelTally;

use super::cells::{Numbers, SmallBatch};
use super::rates::{Quote, Rates};
use super::spend_channels::{CHANNEL_NEEDS, SpendChannels, channel_needs, lacks_channels};

pub use super::cells::{day_of, written_day};

/// More impressions or clicks of a channel on a day than there can be.
const MAX_COUNT: i64 = 1_000_000_000_000;

/// One row of the spend log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendRow {
    /// Days since 1970-01-01, in local dates.
    pub day: i32,
    /// By the rules for channels or as the file has it; [`crate::journey::rules::NO_CHANNEL`] where there is none.
    pub channel: String,
    /// None: none.
    pub campaign: Option<String>,
    /// Minor units of the reporting currency.
    pub cost_minor: i64,
    /// None: not in the file.
    pub impressions: Option<i64>,
    /// None: not in the file.
    pub clicks: Option<i64>,
}

const DATE: usize = 0;
const COST: usize = 1;
const IMPRESSIONS: usize = 2;
const CLICKS: usize = 3;
const CHANNELS: Range<usize> = 4..4 + CHANNEL_NEEDS;
/// Position of the currency among the needs.
pub const CURRENCY: usize = CHANNELS.end;

/// Needs of the spend log, in the order in which [`read`] expects them.
pub fn spend_needs(channels: &ChannelPlan) -> Vec<Need> {
    let mut needs = vec![
        Need::required("date", Role::Date),
        Need::required("cost", Role::Number),
        Need::optional("impressions", Role::Number),
        Need::optional("clicks", Role::Number),
    ];
    needs.extend(channel_needs(channels));
    needs.push(Need::optional("currency", Role::Text));
    needs
}

/// Reads a batch. Costs in another currency convert at the rate of their day; what becomes of the channels goes to
/// the tally.
///
/// # Errors
/// A cell that can't be used, a cost in another currency without a rate of its day, and a file without anything that
/// makes a channel: money that is left out makes every return wrong.
pub fn read(
    batch: SmallBatch<'_>,
    rates: &Rates,
    job_zone: &Zone,
    plan: &ChannelPlan,
    tally: &mut ChannelTally,
) -> Result<Vec<SpendRow>, InputError> {
    if lacks_channels(&batch.located[CHANNELS]) {
        return Err(batch.lacks("channel"));
    }
    let unreadable = |error| batch.unreadable(&error);
    let channels = SpendChannels::of(plan, &batch.located[CHANNELS], batch.batch).map_err(unreadable)?;
    let currencies = Texts::of(&batch.located[CURRENCY], batch.batch).map_err(unreadable)?;
    let days = batch.days(DATE, batch.source.timezone.as_ref().unwrap_or(job_zone))?;
    let (costs, impressions, clicks) =
        (batch.numbers(COST)?, batch.numbers(IMPRESSIONS)?, batch.numbers(CLICKS)?);
    let minor_per_unit = rates.currency().minor_per_unit();
    let mut rows = Vec::with_capacity(batch.batch.num_rows());
    for (row, day) in days.iter().enumerate() {
        let day = batch.day("date", row, day)?;
        let code = currencies.get(row);
        let amount = match rates.quote(code) {
            Quote::Own => costs.get(row, minor_per_unit),
            quote => costs.number(row).convert(rates.rate(quote, day), minor_per_unit),
        };
        let bad = |reason: String| Err(batch.bad("cost", row, reason));
        let cost_minor = match amount {
            Amount::Minor(minor) if minor >= 0 => minor,
            Amount::Minor(_) => return bad(format!("the cost{} is negative", costs.form(row))),
            Amount::Null => return bad("the cost is empty; write 0 where nothing was spent".to_owned()),
            Amount::Unusable => {
                return bad(format!("the cost{} is not a number such as 1234.50", costs.form(row)));
            }
            Amount::NoRate => return Err(rates.missing(batch, row, code.unwrap_or_default(), day)),
        };
        let count = |numbers: &Numbers, need: &str| match numbers.get(row, 1) {
            Amount::Minor(count) if (0..=MAX_COUNT).contains(&count) => Ok(Some(count)),
            Amount::Null => Ok(None),
            _ => {
                let reason = format!("the count{} is negative or not a number", numbers.form(row));
                Err(batch.bad(need, row, reason))
            }
        };
        let (channel, campaign) = channels.take(row, tally);
        rows.push(SpendRow {
            day,
            channel,
            campaign,
            cost_minor,
            impressions: count(&impressions, "impressions")?,
            clicks: count(&clicks, "clicks")?,
        });
    }
    Ok(rows)
}
