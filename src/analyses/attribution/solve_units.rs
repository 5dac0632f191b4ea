//! From 64 buckets of packed cells to credit and value by campaign, each with its interval.
//!
//! Models that work touch by touch have credit of their own at this level. Of a data-driven model a channel's
//! credit is split over the channel's campaigns by their linear credit, in the figures and in every replicate.
//! A channel that only null paths met may have a removal effect all the same: without any linear credit its
//! campaigns share equally.

use std::ops::Range;

use crate::attribution::allocate::{MILLIONTHS, round_to_whole};
use crate::config::plan::Model;
use crate::journey::Unit;
use crate::stats::jackknife::{BUCKETS, check_support, replicate_total};
use crate::stats::{Interval, Reason};

use super::Attribution;
use super::packed::{PackedUnits, UnitRow, side_by_side};
use super::solve::{
    ChannelCredit, Replicated, SolvedModel, SolvedTarget, log_interval, signed_by_weights, value_support,
};
use super::units::UnitModels;

/// One target at the level of campaigns.
#[derive(Debug, Clone)]
pub struct SolvedUnits {
    /// By unit: touches on paths that converted.
    pub touches: Vec<u64>,
    /// By unit: converted paths that met it.
    pub journeys: Vec<u64>,
    /// By model, in the order of the plan, then by unit as in [`crate::journey::Units::all`].
    pub models: Vec<Vec<UnitCredit>>,
}

/// What a campaign under a channel is credited with. Those of all units of a channel sum to the channel's own,
/// value of models that work touch by touch to the whole of the target.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitCredit {
    /// Millionths of a conversion.
    pub credit_millionths: i64,
    /// Bounds of credit, in conversions.
    pub credit_interval: Result<Interval, Reason>,
    /// Minor units.
    pub value_minor: i128,
    /// Bounds of value, in minor units.
    pub value_interval: Result<Interval, Reason>,
    /// By credit, ties by name; 0 for a unit without a row: no path met it and it has neither credit nor
    /// value.
    pub rank: u64,
}

impl SolvedUnits {
    /// Units with a row under a model: those that a converted path met, or that have credit or value.
    pub fn listed(&self, model: usize) -> impl Iterator<Item = usize> + '_ {
        let credits = &self.models[model];
        (0..credits.len()).filter(move |unit| credits[*unit].rank > 0)
    }
}

/// Sums of all buckets, dense by unit.
struct Totals {
    rows: Vec<UnitRow>,
    /// By channel: linear credit of its units, by bucket.
    linear: Vec<[i128; BUCKETS]>,
}

impl Totals {
    fn of(units: &[Unit], channels: usize, models: &UnitModels, buckets: &[&PackedUnits]) -> Self {
        let count = models.cells.len();
        let row = |unit: usize| UnitRow {
            unit: unit as u32,
            credit_millionths: vec![0; count],
            value_minor_millionths: vec![0; count],
            ..UnitRow::default()
        };
        let mut totals =
            Self { rows: (0..units.len()).map(row).collect(), linear: vec![[0; BUCKETS]; channels] };
        let linear = models.column(Model::Linear);
        side_by_side(buckets, |seen| {
            for (bucket, row) in seen.iter().enumerate() {
                let Some(row) = row else { continue };
                let unit = row.unit as usize;
                totals.rows[unit].add(row);
                if let Some(linear) = linear {
                    totals.linear[usize::from(units[unit].channel)][bucket] +=
                        i128::from(row.credit_millionths[linear]);
                }
            }
        });
        totals
    }
}

/// One model on its way to figures.
struct Unfinished<'s> {
    credit: Vec<i64>,
    value: Vec<i128>,
    source: Source<'s>,
    intervals: Vec<[Result<Interval, Reason>; 2]>,
}

/// Where replicates come from.
enum Source<'s> {
    /// A column of the cells.
    Cells(usize),
    /// Those of the channels, split as their credit is.
    Split(&'s Replicated, &'s [ChannelCredit]),
    /// The model has no figures.
    Nowhere,
}

/// Solves one target at the level of campaigns under every model of the plan.
pub(super) fn solve(
    analysis: &Attribution<'_>,
    models: &UnitModels,
    target: &SolvedTarget,
    buckets: &[&PackedUnits],
) -> SolvedUnits {
    let rules = analysis.context().rules;
    let units = &rules.units.all;
    let totals = Totals::of(units, rules.channels.len(), models, buckets);
    let mut unfinished: Vec<Unfinished<'_>> =
        target.models.iter().map(|model| begin(model, models, units, &totals)).collect();
    // Without a linear column nothing is split.
    let linear = models.column(Model::Linear).unwrap_or_default();
    side_by_side(buckets, |seen| {
        let Some(unit) = seen.iter().flatten().next().map(|row| row.unit as usize) else { return };
        let channel = usize::from(units[unit].channel);
        for model in &mut unfinished {
            let column = match model.source {
                Source::Cells(column) => column,
                Source::Split(..) => linear,
                Source::Nowhere => continue,
            };
            let credits: [i128; BUCKETS] = std::array::from_fn(|bucket| {
                seen[bucket].map_or(0, |row| i128::from(row.credit_millionths[column]))
            });
            let mut supported = check_support(&credits, None);
            // Without bounds of the channel there are none of its campaigns.
            if let Source::Split(_, channels) = model.source {
                supported = supported.and_then(|()| channels[channel].credit_interval.map(|_| ()));
            }
            let conversions = model.credit[unit] as f64 / MILLIONTHS as f64;
            let valued = supported.and_then(|()| value_support(conversions, &target.total));
            let total = &totals.rows[unit];
            let total_credit = i128::from(total.credit_millionths[column]);
            let (credit_replicates, value_replicates): ([f64; BUCKETS], [f64; BUCKETS]) = match model.source {
                Source::Cells(_) | Source::Nowhere => {
                    let scale = MILLIONTHS as f64;
                    let value = total.value_minor_millionths[column];
                    let own =
                        |bucket: usize| seen[bucket].map_or(0, |row| row.value_minor_millionths[column]);
                    (
                        credits.map(|bucket| replicate_total(total_credit, bucket) / scale),
                        std::array::from_fn(|bucket| replicate_total(value, own(bucket)) / scale),
                    )
                }
                Source::Split(replicated, _) => {
                    let of_channel = &totals.linear[channel];
                    let channel_total: i128 = of_channel.iter().sum();
                    let share = |bucket: usize| {
                        let whole = channel_total - of_channel[bucket];
                        if whole > 0 { (total_credit - credits[bucket]) as f64 / whole as f64 } else { 0.0 }
                    };
                    let split = |of: &[[f64; BUCKETS]]| {
                        std::array::from_fn(|bucket| of[channel][bucket] * share(bucket))
                    };
                    (split(&replicated.credit), split(&replicated.value))
                }
            };
            let value = model.value[unit] as f64;
            model.intervals[unit] = [
                supported.and_then(|()| log_interval(conversions, &credit_replicates)),
                valued.and_then(|()| log_interval(value, &value_replicates)),
            ];
        }
    });
    SolvedUnits {
        touches: totals.rows.iter().map(|row| row.touches).collect(),
        journeys: totals.rows.iter().map(|row| row.journeys).collect(),
        models: unfinished.into_iter().map(|model| finish(model, &totals)).collect(),
    }
}

/// Credit and value of a model, without bounds yet.
fn begin<'s>(model: &'s SolvedModel, models: &UnitModels, units: &[Unit], totals: &Totals) -> Unfinished<'s> {
    let intervals = vec![[Err(Reason::FewBuckets); 2]; units.len()];
    if let Some(column) = models.column(model.model) {
        let exact: Vec<i128> = totals.rows.iter().map(|row| row.value_minor_millionths[column]).collect();
        return Unfinished {
            credit: totals.rows.iter().map(|row| row.credit_millionths[column]).collect(),
            value: round_to_whole(&exact, i128::from(MILLIONTHS)),
            source: Source::Cells(column),
            intervals,
        };
    }
    let linear = models.column(Model::Linear).unwrap_or_default();
    let (mut credit, mut value) = (vec![0; units.len()], vec![0; units.len()]);
    for (channel, own) in model.channels.iter().zip(units_of_channels(units, model.channels.len())) {
        let weights: Vec<f64> =
            totals.rows[own.clone()].iter().map(|row| row.credit_millionths[linear] as f64).collect();
        split(channel, &weights, &mut credit[own.clone()], &mut value[own]);
    }
    let source = match &model.replicated {
        Some(replicated) => Source::Split(replicated, &model.channels),
        None => Source::Nowhere,
    };
    Unfinished { credit, value, source, intervals }
}

/// Shares a channel's credit and value among its units.
fn split(channel: &ChannelCredit, weights: &[f64], credit: &mut [i64], value: &mut [i128]) {
    let mut parts = Vec::new();
    signed_by_weights(weights, channel.credit_millionths, &mut parts);
    credit.copy_from_slice(&parts);
    signed_by_weights(weights, i64::try_from(channel.value_minor).unwrap_or(i64::MAX), &mut parts);
    value.iter_mut().zip(&parts).for_each(|(value, part)| *value = i128::from(*part));
}

/// By channel: where its units stand.
pub(super) fn units_of_channels(units: &[Unit], channels: usize) -> impl Iterator<Item = Range<usize>> + '_ {
    let from = move |channel: usize| units.partition_point(|unit| usize::from(unit.channel) < channel);
    (0..channels).map(move |channel| from(channel)..from(channel + 1))
}

fn finish(model: Unfinished<'_>, totals: &Totals) -> Vec<UnitCredit> {
    let has_row =
        |unit: &usize| totals.rows[*unit].touches > 0 || model.credit[*unit] != 0 || model.value[*unit] != 0;
    let mut order: Vec<usize> = (0..model.credit.len()).filter(has_row).collect();
    // Units are in the order of their names.
    order.sort_by_key(|unit| (std::cmp::Reverse(model.credit[*unit]), *unit));
    let mut ranks = vec![0; model.credit.len()];
    order.iter().zip(1..).for_each(|(unit, rank)| ranks[*unit] = rank);
    let figures = model.credit.iter().zip(&model.value).zip(model.intervals).zip(ranks);
    figures
        .map(|(((credit, value), [credit_interval, value_interval]), rank)| UnitCredit {
            credit_millionths: *credit,
            credit_interval,
            value_minor: *value,
            value_interval,
            rank,
        })
        .collect()
}
