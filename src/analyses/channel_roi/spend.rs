//! Spend of the window, added up by what the tables show it by.

use std::collections::BTreeMap;

use crate::config::plan::Zone;
use crate::contract::spend::{SpendRow, day_of};
use crate::journey::units::NO_CAMPAIGN;

use super::super::Context;

/// Where money goes: a channel, or one of its campaigns. Channels stand before their campaigns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<'a> {
    /// As the tables name it.
    pub channel: &'a str,
    /// None: the channel as a whole.
    pub campaign: Option<&'a str>,
}

/// What was spent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct SpendSum {
    /// Minor units.
    pub cost_minor: i128,
    /// None: in no row.
    pub impressions: Option<i64>,
    /// None: in no row.
    pub clicks: Option<i64>,
}

impl SpendSum {
    /// Of one row.
    fn of(row: &SpendRow) -> Self {
        Self { cost_minor: i128::from(row.cost_minor), impressions: row.impressions, clicks: row.clicks }
    }

    /// Adds what was spent elsewhere.
    pub fn add(&mut self, other: SpendSum) {
        let both = |one: Option<i64>, other: Option<i64>| match (one, other) {
            (Some(one), Some(other)) => Some(one.saturating_add(other)),
            (one, other) => one.or(other),
        };
        self.cost_minor += other.cost_minor;
        self.impressions = both(self.impressions, other.impressions);
        self.clicks = both(self.clicks, other.clicks);
    }
}

/// Spend by local day (since 1970-01-01) and campaign: what every table that shows spend is made of.
pub type DailySpend<'a> = BTreeMap<(i32, Place<'a>), SpendSum>;

/// Adds up the spend of the window by day and campaign; `(none)` where a row names none.
pub fn daily<'a>(context: &Context<'a>) -> DailySpend<'a> {
    let mut sums = DailySpend::new();
    for row in spend_in_window(context) {
        let campaign = Some(row.campaign.as_deref().unwrap_or(NO_CAMPAIGN));
        let place = Place { channel: &row.channel, campaign };
        sums.entry((row.day, place)).or_default().add(SpendSum::of(row));
    }
    sums
}

/// What rows of the table are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Whole channels.
    Channel,
    /// Campaigns under their channels.
    Campaign,
}

/// Adds days up, by channel or campaign.
pub fn by_place<'a>(daily: &DailySpend<'a>, level: Level) -> BTreeMap<Place<'a>, SpendSum> {
    let mut sums: BTreeMap<Place<'a>, SpendSum> = BTreeMap::new();
    for ((_, place), spend) in daily {
        let campaign = place.campaign.filter(|_| level == Level::Campaign);
        sums.entry(Place { campaign, ..*place }).or_default().add(*spend);
    }
    sums
}

/// Rows of spend whose local day begins in the window of the context.
pub fn spend_in_window<'a>(context: &Context<'a>) -> impl Iterator<Item = &'a SpendRow> + use<'a> {
    let window_us = (context.rules.from_us, context.rules.to_us);
    in_window(context.spend, &context.plan.job.timezone, window_us)
}

/// Rows of spend whose local day begins in `[from, to)`, µs.
pub fn in_window<'a>(
    spend: &'a [SpendRow],
    zone: &Zone,
    (from_us, to_us): (i64, i64),
) -> impl Iterator<Item = &'a SpendRow> + use<'a> {
    // The first local day that begins at or after an instant.
    let first_day = |instant_us: i64| -> i32 {
        let Ok(instant) = jiff::Timestamp::from_microsecond(instant_us) else { return 0 };
        let local = instant.to_zoned(zone.zone.clone());
        let starts_day = local.start_of_day().is_ok_and(|start| start.timestamp() == instant);
        day_of(local.date()) + i32::from(!starts_day)
    };
    let days = first_day(from_us)..first_day(to_us);
    spend.iter().filter(move |row| days.contains(&row.day))
}
