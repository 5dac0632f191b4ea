//! Rows and figures of the table.

use std::collections::BTreeMap;

use polars::prelude::{Column, DataFrame, DataType, NamedFrom, PolarsError, Series};

use crate::analyses::channel_roi::spend_in_window;
use crate::analyses::columns::{counts, floats, texts};
use crate::analyses::suppression::{WITHHELD, is_withheld};
use crate::attribution::allocate::{MILLIONTHS, round_to, round_to_whole};

use super::super::attribution::UNATTRIBUTED;
use super::{ChannelDaily, CreditCell, DailyPartial, Given};

/// One row; None is null.
#[derive(Debug)]
struct Row<'t> {
    date: i32,
    channel: &'t str,
    touches: Option<u64>,
    customers: Option<u64>,
    spend_minor: Option<i128>,
    credit: Option<[f64; 2]>,
    value_minor: Option<[i128; 2]>,
    note: Option<&'static str>,
}

/// Value of every day and channel in minor units, under one model.
///
/// Rounded by channel first, as `stage_attribution` does, and then among the channel's days, so that the days sum to
/// what is shown there. Ties go to the earlier day.
fn values_minor(
    analysis: &ChannelDaily<'_>,
    total: &DailyPartial,
    of: fn(&CreditCell) -> Given,
) -> Vec<Vec<i128>> {
    let scale = i128::from(MILLIONTHS);
    let by_day = |channel: usize| -> Vec<i128> {
        let cell = |day: usize| total.credits.get(day * analysis.credited() + channel);
        (0..analysis.days.len()).map(|day| of(&cell(day)).value_minor_millionths).collect()
    };
    let exact: Vec<Vec<i128>> = (0..analysis.credited()).map(by_day).collect();
    let sums: Vec<i128> = exact.iter().map(|days| days.iter().sum()).collect();
    let (channels, unattributed) = sums.split_at(analysis.channels());
    let whole = round_to_whole(channels, scale).into_iter().chain(unattributed.iter().map(|sum| sum / scale));
    exact.iter().zip(whole).map(|(days, whole)| round_to(days, scale, whole)).collect()
}

/// The table, sorted by nothing yet: its spec puts days and channels in order.
pub(super) fn frame(analysis: &ChannelDaily<'_>, total: &DailyPartial) -> Result<DataFrame, PolarsError> {
    let context = &analysis.context;
    let channels = &context.rules.channels;
    let has_value = analysis.target.is_some_and(|target| context.rules.targets[target].has_value);
    let last_touch = values_minor(analysis, total, |cell| cell.last_touch);
    let linear = values_minor(analysis, total, |cell| cell.linear);
    let mut spend = spend_by_day(analysis);
    let mut rows = Vec::new();
    for day in 0..analysis.days.len() {
        for channel in 0..analysis.credited() {
            let name = channels.get(channel).map_or(UNATTRIBUTED, String::as_str);
            let credit = total.credits.get(day * analysis.credited() + channel);
            let mut row = Row::of_day(analysis, day, name);
            let cost_minor = spend.remove(&(day, name));
            let mut is_empty = cost_minor.is_none() && *credit == CreditCell::default();
            if channel < channels.len() {
                let cell = total.touches.get(day * channels.len() + channel);
                is_empty &= cell.touches == 0;
                row.count(cell.touches, cell.customers, total.customers[day], analysis);
            } else {
                row.touches = Some(0);
                // Nobody spends on it, unless a spend log has a channel of this name.
                row.spend_minor = row.spend_minor.filter(|_| cost_minor.is_some());
            }
            if is_empty {
                continue;
            }
            row.spend_minor = row.spend_minor.map(|none| none + cost_minor.unwrap_or(0));
            let millionths = [credit.last_touch, credit.linear].map(|given| given.credit_millionths);
            row.credit =
                row.credit.map(|_| millionths.map(|millionths| millionths as f64 / MILLIONTHS as f64));
            let value_minor = [last_touch[channel][day], linear[channel][day]];
            row.value_minor = has_value.then_some(value_minor);
            rows.push(row);
        }
    }
    // What is left was spent on channels that nobody met.
    for ((day, name), cost_minor) in spend {
        let mut row = Row::of_day(analysis, day, name);
        (row.touches, row.customers, row.spend_minor) = (Some(0), Some(0), Some(cost_minor));
        row.value_minor = has_value.then_some([0, 0]);
        rows.push(row);
    }
    columns(analysis, &rows)
}

/// Minor units by day and channel, of the days that begin in the window.
fn spend_by_day<'a>(analysis: &ChannelDaily<'a>) -> BTreeMap<(usize, &'a str), i128> {
    let mut sums = BTreeMap::new();
    for row in spend_in_window(&analysis.context) {
        if let Some(day) = analysis.days.with_date(row.day) {
            *sums.entry((day, row.channel.as_str())).or_default() += i128::from(row.cost_minor);
        }
    }
    sums
}

impl<'t> Row<'t> {
    /// Nothing was touched, spent or credited; what isn't known is null.
    fn of_day(analysis: &ChannelDaily<'_>, day: usize, channel: &'t str) -> Self {
        let has_spend = !analysis.context.spend.is_empty() && !analysis.days.began_before(day);
        Self {
            date: analysis.days.date(day),
            channel,
            touches: None,
            customers: None,
            spend_minor: has_spend.then_some(0),
            credit: analysis.target.map(|_| [0.0, 0.0]),
            value_minor: None,
            note: None,
        }
    }

    /// Fills in touches and customers, of whom there were so many on that day, unless one could tell who they are.
    fn count(&mut self, touches: u64, customers: u64, all: u64, analysis: &ChannelDaily<'_>) {
        if customers > 0 && is_withheld(customers, all, analysis.context.plan.segments.min_customers) {
            self.note = Some(WITHHELD);
        } else {
            (self.touches, self.customers) = (Some(touches), Some(customers));
        }
    }
}

fn columns(analysis: &ChannelDaily<'_>, rows: &[Row<'_>]) -> Result<DataFrame, PolarsError> {
    let unit = analysis.context.plan.job.currency.minor_per_unit() as f64;
    let money = |minor: i128| minor as f64 / unit;
    let dates = Series::new("date".into(), rows.iter().map(|row| row.date).collect::<Vec<_>>());
    let columns: Vec<Column> = vec![
        dates.cast(&DataType::Date)?.into(),
        texts("channel", rows, |row| Some(row.channel)),
        counts("touches", rows, |row| row.touches),
        counts("customers", rows, |row| row.customers),
        floats("spend", rows, |row| row.spend_minor.map(money)),
        floats("last_touch_credit", rows, |row| row.credit.map(|[last_touch, _]| last_touch)),
        floats("last_touch_value", rows, |row| row.value_minor.map(|[last_touch, _]| money(last_touch))),
        floats("linear_credit", rows, |row| row.credit.map(|[_, linear]| linear)),
        floats("linear_value", rows, |row| row.value_minor.map(|[_, linear]| money(linear))),
        texts("note", rows, |row| row.note),
    ];
    DataFrame::new(rows.len(), columns)
}
