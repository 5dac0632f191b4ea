//! The ledger of spend: every day and channel of the spend log against what the tables show.

use std::collections::BTreeMap;

use super::super::Context;
use super::super::reconciliation::Line;
use super::row::Row;
use super::spend::{DailySpend, spend_in_window};

/// A ledger as a whole.
const SPEND: &str = "spend";
/// By channel.
const BY_CHANNEL: &str = "spend_by_channel";
/// By day and channel; its lines stand in no table, for one that doesn't close stops the run.
const BY_DAY: &str = "spend_by_day";

/// Spend of a channel in the rows over which it may be summed.
#[derive(Default, Clone, Copy)]
struct Shown {
    /// Beside touches.
    allocated: i128,
    /// Without.
    unmatched: i128,
}

/// A line for all spend and one for each channel of the log; none where there is no spend input.
///
/// Booked is summed from the rows of the log, allocated and unmatched from the primary rows of `channel_roi`. A
/// day of a channel whose spend isn't what the tables are made of has a line too: it doesn't close.
pub(super) fn lines(context: &Context<'_>, daily: &DailySpend<'_>, rows: &[Row<'_>]) -> Vec<Line> {
    if context.spend.is_empty() {
        return Vec::new();
    }
    let mut booked: BTreeMap<(&str, i32), i128> = BTreeMap::new();
    for row in spend_in_window(context) {
        *booked.entry((&row.channel, row.day)).or_default() += i128::from(row.cost_minor);
    }
    let mut by_day: BTreeMap<(&str, i32), i128> = BTreeMap::new();
    for ((day, place), spend) in daily {
        *by_day.entry((place.channel, *day)).or_default() += spend.cost_minor;
    }
    let shown = shown(daily, rows);

    let unit = context.plan.job.currency.minor_per_unit() as f64;
    let line = |ledger, item: String, booked, shown: Shown| Line {
        ledger,
        item,
        model: None,
        booked,
        credited: shown.allocated,
        unattributed: shown.unmatched,
        excluded: 0,
        refunds: 0,
        scale: unit,
    };
    let mut lines = Vec::new();
    let mut channels: BTreeMap<&str, (i128, Shown)> = BTreeMap::new();
    for ((channel, _), cost_minor) in &booked {
        channels.entry(*channel).or_default().0 += cost_minor;
    }
    for (channel, shown) in shown {
        channels.entry(channel).or_default().1 = shown;
    }
    let mut all = (0, Shown::default());
    for (channel, (booked, shown)) in channels {
        // A channel that costs nothing has nothing to reconcile.
        if booked != 0 || shown.allocated != 0 || shown.unmatched != 0 {
            lines.push(line(BY_CHANNEL, channel.to_owned(), booked, shown));
        }
        all.0 += booked;
        all.1.allocated += shown.allocated;
        all.1.unmatched += shown.unmatched;
    }
    lines.push(line(SPEND, SPEND.to_owned(), all.0, all.1));
    for (channel, day) in
        booked.keys().chain(by_day.keys()).copied().collect::<std::collections::BTreeSet<_>>()
    {
        let [booked, shown] = [&booked, &by_day].map(|sums| sums.get(&(channel, day)).copied().unwrap_or(0));
        if booked != shown {
            let shown = Shown { allocated: shown, unmatched: 0 };
            lines.push(line(BY_DAY, format!("{channel}, day {day}"), booked, shown));
        }
    }
    lines
}

/// By channel: what the primary rows show; without any, all spend is unmatched.
fn shown<'r>(daily: &DailySpend<'r>, rows: &[Row<'r>]) -> BTreeMap<&'r str, Shown> {
    let mut shown: BTreeMap<&str, Shown> = BTreeMap::new();
    if rows.iter().any(|row| row.primary) {
        for row in rows.iter().filter(|row| row.primary) {
            let Some(spend) = row.spend else { continue };
            let channel = shown.entry(row.place.channel).or_default();
            match row.credit {
                Some(_) => channel.allocated += spend.cost_minor,
                None => channel.unmatched += spend.cost_minor,
            }
        }
    } else {
        for ((_, place), spend) in daily {
            shown.entry(place.channel).or_default().unmatched += spend.cost_minor;
        }
    }
    shown
}
