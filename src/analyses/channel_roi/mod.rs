//! Return on spend: credit and value of each channel beside what it cost in the window.
//!
//! `ROAS = value / spend`, `ROI = (value × margin − spend) / spend`, `cost per conversion = spend / credit`, `CAC =
//! spend / credited first-ever conversions`. Credit and spend both keep their rows where the other is missing.
//! Spend is taken as given, so that the bounds of value and credit carry over.

mod ledger;
mod row;
pub mod spend;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::*;

use crate::attribution::allocate::MILLIONTHS;
use crate::journey::TargetKind;
use crate::stats::Interval;

use super::attribution::acquired::{Acquired, SolvedAcquired};
use super::attribution::solve::{ChannelCredit, Solved, SolvedTarget, solve};
use super::attribution::tables::{Bounds, joined};
use super::attribution::{Attribution, AttributionPartial};
use super::{Context, NamedFrame, reconciliation};
use row::{Gap, Money, Row};
use spend::{DailySpend, Place, SpendSum};

pub use spend::spend_in_window;

/// What the table is made of, beside spend.
struct Found<'s> {
    /// Credit and value of the window.
    solved: &'s Solved,
    /// By conversion: its new customers; None without a spend input.
    acquired: Option<Vec<SolvedAcquired>>,
    /// Credit and value of the window before, where it is compared.
    previous: Option<(Attribution<'s>, Solved)>,
}

impl<'s> Found<'s> {
    fn new(analysis: &Attribution<'s>, buckets: &[AttributionPartial], solved: &'s Solved) -> Self {
        let acquired: Option<Vec<&Acquired>> =
            buckets.iter().map(|bucket| bucket.acquired.as_deref()).collect();
        let conversions = &solved.targets[analysis.context().rules.stages..];
        let acquired = acquired.map(|buckets| {
            let of = |(conversion, target): (usize, &SolvedTarget)| {
                SolvedAcquired::solve(analysis, &buckets, conversion, &target.models)
            };
            conversions.iter().enumerate().map(of).collect()
        });
        let previous = analysis.previous().and_then(|previous| {
            let buckets: Vec<&AttributionPartial> =
                buckets.iter().map(|bucket| bucket.previous.as_deref()).collect::<Option<_>>()?;
            Some((previous, solve(&previous, &buckets)))
        });
        Self { solved, acquired, previous }
    }
}

/// The table `channel_roi` and the spend ledger of `reconciliation`.
pub fn frames(
    analysis: &Attribution<'_>,
    buckets: &[AttributionPartial],
    solved: &Solved,
) -> PolarsResult<Vec<NamedFrame>> {
    let context = analysis.context();
    let found = Found::new(analysis, buckets, solved);
    let daily = spend::daily(context);
    let rows = rows(context, &found, &daily);
    let ledger = ledger::lines(context, &daily, &rows);
    Ok(vec![("channel_roi", frame(context, &rows)?), ("reconciliation", reconciliation::frame(&ledger)?)])
}

/// Every conversion and model over every place that has touches or spend, in the order of the table.
fn rows<'a>(context: &Context<'a>, found: &'a Found<'a>, daily: &DailySpend<'a>) -> Vec<Row<'a>> {
    let spend = spend::by_channel(daily);
    let before = found.previous.as_ref().map(|(previous, solved)| {
        let daily = spend::daily(previous.context());
        (solved, spend::by_channel(&daily))
    });
    let mut rows = Vec::new();
    for (at, (target, solved)) in context.rules.targets.iter().zip(&found.solved.targets).enumerate() {
        let TargetKind::Conversion(conversion) = target.kind else { continue };
        let acquired = found.acquired.as_ref().map(|acquired| &acquired[conversion]);
        let before = before.as_ref().map(|(solved, spend)| (&solved.targets[at], spend));
        for index in 0..solved.models.len() {
            let model = solved.models[index].model;
            let of = Of { context, has_value: target.has_value, solved, acquired, before, index };
            let primary = context.plan.roi.primary == Some((conversion, model));
            for place in of.places(&spend) {
                rows.push(of.row(&target.name, primary, place, &spend));
            }
        }
    }
    rows
}

/// One conversion under one model.
struct Of<'c, 'a> {
    context: &'c Context<'a>,
    has_value: bool,
    solved: &'a SolvedTarget,
    acquired: Option<&'a SolvedAcquired>,
    /// The window before, with its spend.
    before: Option<(&'a SolvedTarget, &'c BTreeMap<Place<'a>, SpendSum>)>,
    /// Of the model.
    index: usize,
}

impl<'a> Of<'_, 'a> {
    fn places(&self, spend: &BTreeMap<Place<'a>, SpendSum>) -> BTreeSet<Place<'a>> {
        let channels = self.context.rules.channels.iter();
        let touched = channels.map(|channel| Place { channel, campaign: None });
        touched.chain(spend.keys().copied()).collect()
    }

    fn channel(&self, place: Place<'_>) -> Option<usize> {
        self.context.rules.channels.binary_search_by(|channel| channel.as_str().cmp(place.channel)).ok()
    }

    fn credit(&self, target: &'a SolvedTarget, place: Place<'_>) -> Option<&'a ChannelCredit> {
        target.models[self.index].channels.get(self.channel(place)?)
    }

    fn row(
        &self,
        conversion: &'a str,
        primary: bool,
        place: Place<'a>,
        spend: &BTreeMap<Place<'a>, SpendSum>,
    ) -> Row<'a> {
        // Without any spend input every cost is unknown, not zero.
        let has_spend = !self.context.spend.is_empty();
        let cost = |spend: &BTreeMap<Place<'a>, SpendSum>| spend.get(&place).copied().unwrap_or_default();
        let new_millionths = |acquired: &SolvedAcquired| {
            let channel = self.channel(place)?;
            acquired.credit_millionths[self.index].get(channel).copied()
        };
        let value_minor = |credit: Option<&ChannelCredit>| credit.map_or(0, |credit| credit.value_minor);
        Row {
            conversion,
            model: self.solved.models[self.index].model,
            place,
            primary,
            has_value: self.has_value,
            spend: has_spend.then(|| cost(spend)),
            credit: self.credit(self.solved, place),
            new_millionths: self.acquired.map(|acquired| new_millionths(acquired).unwrap_or(0)),
            cohort: self.acquired.map(|acquired| &acquired.cohort),
            before: self.before.map(|(target, spend)| Money {
                value_minor: value_minor(self.credit(target, place)),
                cost_minor: cost(spend).cost_minor,
            }),
            margin: self.context.plan.roi.margin,
        }
    }
}

/// Rows as a frame.
fn frame<'r>(context: &Context<'_>, rows: &[Row<'r>]) -> PolarsResult<DataFrame> {
    let unit = context.plan.job.currency.minor_per_unit() as f64;
    let figures = |of: &dyn Fn(&Row<'r>) -> Option<f64>| rows.iter().map(of).collect::<Vec<_>>();
    let counts = |of: &dyn Fn(&Row<'r>) -> Option<i64>| rows.iter().map(of).collect::<Vec<_>>();
    let (mut roas, mut cost) = (Bounds::default(), Bounds::default());
    for row in rows {
        roas.push(row.roas_interval());
        cost.push(
            row.cost_per_conversion_interval()
                .map(|interval| Interval { low: interval.low / unit, high: interval.high / unit }),
        );
    }
    df!(
        "conversion" => rows.iter().map(|row| row.conversion).collect::<Vec<_>>(),
        "model" => rows.iter().map(|row| row.model.as_str()).collect::<Vec<_>>(),
        "level" => rows.iter().map(Row::level).collect::<Vec<_>>(),
        "channel" => rows.iter().map(|row| row.place.channel).collect::<Vec<_>>(),
        "campaign" => rows.iter().map(|row| row.place.campaign).collect::<Vec<_>>(),
        "primary" => rows.iter().map(|row| row.primary).collect::<Vec<_>>(),
        "spend" => figures(&|row| Some(row.spend?.cost_minor as f64 / unit)),
        "impressions" => counts(&|row| row.spend?.impressions),
        "clicks" => counts(&|row| row.spend?.clicks),
        "credit" => rows.iter().map(|row| row.credit_millionths() as f64 / MILLIONTHS as f64).collect::<Vec<_>>(),
        "value" => figures(&|row| Some(row.value_minor()? as f64 / unit)),
        "roas" => figures(&Row::roas),
        "roas_low" => roas.low,
        "roas_high" => roas.high,
        "roi" => figures(&Row::roi),
        "cost_per_conversion" => figures(&|row| Some(row.cost_per_conversion()? / unit)),
        "cost_per_conversion_low" => cost.low,
        "cost_per_conversion_high" => cost.high,
        "new_customers" => figures(&|row| Some(row.new_millionths? as f64 / MILLIONTHS as f64)),
        "customer_acquisition_cost" => figures(&|row| Some(row.acquisition_cost()? / unit)),
        "payback_months" => counts(&|row| row.payback()?.ok()),
        "roas_previous" => figures(&Row::roas_previous),
        "note" => rows.iter().map(|row| joined(row.gaps().into_iter().map(Gap::as_str))).collect::<Vec<_>>(),
    )
}
