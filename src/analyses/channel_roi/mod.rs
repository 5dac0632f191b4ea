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
use crate::journey::{Target, TargetKind};
use crate::stats::Interval;

use super::attribution::acquired::{Acquired, SolvedAcquired};
use super::attribution::solve::{Solved, SolvedTarget, solve};
use super::attribution::tables::{Bounds, joined};
use super::attribution::{Attribution, AttributionPartial};
use super::{Context, NamedFrame, reconciliation};
use row::{Credited, Gap, Money, Row};
use spend::{DailySpend, Level, Place, SpendSum};

pub use spend::spend_in_window;

/// What the table is made of, beside spend.
struct Found<'s> {
    /// Credit and value of the window.
    solved: &'s Solved,
    /// By conversion: its new customers; None without a spend input.
    acquired: Option<Vec<SolvedAcquired>>,
    /// Credit and value of the window before, where it is compared.
    previous: Option<(&'s Attribution<'s>, Solved)>,
}

impl<'s> Found<'s> {
    fn new(analysis: &'s Attribution<'s>, buckets: &[AttributionPartial], solved: &'s Solved) -> Self {
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
            Some((previous, solve(previous, &buckets)))
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
    let by = context.plan.attribution.by;
    let levels = [(Level::Channel, by.channel), (Level::Campaign, by.campaign)];
    let levels: Vec<Level> = levels.into_iter().filter(|(_, shown)| *shown).map(|(level, _)| level).collect();
    let spend: Vec<Spend<'a>> =
        levels.iter().map(|level| Spend::of(*level, daily, found.previous.as_ref())).collect();
    let mut rows = Vec::new();
    for (at, (target, solved)) in context.rules.targets.iter().zip(&found.solved.targets).enumerate() {
        let TargetKind::Conversion(conversion) = target.kind else { continue };
        for (index, model) in solved.models.iter().map(|solved| solved.model).enumerate() {
            for (spend, first) in spend.iter().zip([true, false]) {
                let of = Of {
                    context,
                    target,
                    solved,
                    acquired: found.acquired.as_ref().map(|acquired| &acquired[conversion]),
                    before: found.previous.as_ref().map(|(_, solved)| &solved.targets[at]),
                    index,
                    // Rows of a channel and those of its campaigns show the same money.
                    primary: first && context.plan.roi.primary == Some((conversion, model)),
                    spend,
                };
                rows.extend(of.places().into_iter().map(|place| of.row(place)));
            }
        }
    }
    rows
}

/// Spend at a level.
struct Spend<'a> {
    level: Level,
    now: BTreeMap<Place<'a>, SpendSum>,
    /// Of the window before; empty where it isn't compared.
    before: BTreeMap<Place<'a>, SpendSum>,
}

impl<'a> Spend<'a> {
    fn of(level: Level, daily: &DailySpend<'a>, previous: Option<&(&'a Attribution<'a>, Solved)>) -> Self {
        let before = previous.map(|(previous, _)| spend::by_place(&spend::daily(previous.context()), level));
        Self { level, now: spend::by_place(daily, level), before: before.unwrap_or_default() }
    }
}

/// One conversion under one model at one level.
struct Of<'c, 'a> {
    context: &'c Context<'a>,
    target: &'a Target,
    solved: &'a SolvedTarget,
    acquired: Option<&'a SolvedAcquired>,
    /// The window before.
    before: Option<&'a SolvedTarget>,
    /// Of the model.
    index: usize,
    primary: bool,
    spend: &'c Spend<'a>,
}

impl<'a> Of<'_, 'a> {
    fn places(&self) -> BTreeSet<Place<'a>> {
        let rules = self.context.rules;
        let mut places: BTreeSet<Place<'a>> = self.spend.now.keys().copied().collect();
        match self.spend.level {
            Level::Channel => {
                places.extend(rules.channels.iter().map(|channel| Place { channel, campaign: None }));
            }
            Level::Campaign => places.extend(rules.units.all.iter().map(|unit| {
                let channel = &rules.channels[usize::from(unit.channel)];
                Place { channel, campaign: Some(&unit.campaign) }
            })),
        }
        places
    }

    /// Where a place stands among channels, or among units.
    fn position(&self, place: Place<'_>) -> Option<usize> {
        let rules = self.context.rules;
        let channel = rules.channels.binary_search_by(|channel| channel.as_str().cmp(place.channel)).ok()?;
        let Some(campaign) = place.campaign else { return Some(channel) };
        let key = (channel, campaign);
        rules
            .units
            .all
            .binary_search_by(|unit| (usize::from(unit.channel), unit.campaign.as_str()).cmp(&key))
            .ok()
    }

    fn credited(&self, target: &SolvedTarget, place: Place<'_>) -> Option<Credited> {
        let position = self.position(place)?;
        match self.spend.level {
            Level::Channel => target.models[self.index].channels.get(position).map(Credited::from),
            Level::Campaign => target.units.as_ref()?.models[self.index].get(position).map(Credited::from),
        }
    }

    fn new_millionths(&self, acquired: &SolvedAcquired, place: Place<'_>) -> Option<i64> {
        let by_model = match self.spend.level {
            Level::Channel => &acquired.channels,
            Level::Campaign => acquired.units.as_ref()?,
        };
        by_model[self.index].get(self.position(place)?).copied()
    }

    fn row(&self, place: Place<'a>) -> Row<'a> {
        // Without any spend input every cost is unknown, not zero.
        let has_spend = !self.context.spend.is_empty();
        let cost = |spend: &BTreeMap<Place<'a>, SpendSum>| spend.get(&place).copied().unwrap_or_default();
        Row {
            conversion: &self.target.name,
            model: self.solved.models[self.index].model,
            place,
            primary: self.primary,
            has_value: self.target.has_value,
            withheld: self.solved.models[self.index].withheld,
            spend: has_spend.then(|| cost(&self.spend.now)),
            credit: self.credited(self.solved, place),
            new_millionths: self.acquired.map(|acquired| self.new_millionths(acquired, place).unwrap_or(0)),
            cohort: self.acquired.map(|acquired| &acquired.cohort),
            before: self.before.map(|target| Money {
                value_minor: target.models[self.index]
                    .withheld
                    .is_none()
                    .then(|| self.credited(target, place).map_or(0, |credited| credited.value_minor)),
                cost_minor: cost(&self.spend.before).cost_minor,
            }),
            margin: self.context.plan.roi.margin,
            min_customers: self.context.plan.segments.min_customers,
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
        "credit" => figures(&|row| Some(row.credit_millionths()? as f64 / MILLIONTHS as f64)),
        "value" => figures(&|row| Some(row.value_minor()? as f64 / unit)),
        "roas" => figures(&Row::roas),
        "roas_low" => roas.low,
        "roas_high" => roas.high,
        "roi" => figures(&Row::roi),
        "cost_per_conversion" => figures(&|row| Some(row.cost_per_conversion()? / unit)),
        "cost_per_conversion_low" => cost.low,
        "cost_per_conversion_high" => cost.high,
        "new_customers" => figures(&|row| Some(row.new_millionths()? as f64 / MILLIONTHS as f64)),
        "customer_acquisition_cost" => figures(&|row| Some(row.acquisition_cost()? / unit)),
        "payback_months" => counts(&|row| row.payback()?.ok()),
        "roas_previous" => figures(&Row::roas_previous),
        "note" => rows.iter().map(|row| joined(row.gaps().into_iter().map(Gap::as_str))).collect::<Vec<_>>(),
    )
}
