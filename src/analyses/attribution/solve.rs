//! From 64 buckets of cells to credit and value by target, model and channel, each with its interval.

use std::borrow::Borrow;

use crate::attribution::allocate::{MILLIONTHS, by_weights, round_to_whole};
use crate::attribution::markov;
use crate::config::plan::{Model, ShapleyValue};
use crate::stats::jackknife::{self, BUCKETS, Scale, ValueSupport, check_support, replicate_total};
use crate::stats::{Interval, Moments, RankDraws, Ranked, Reason};

use super::effects::{self, Effects};
use super::side_by_side;
use super::solve_units::{self, SolvedUnits};
use super::{Attribution, AttributionPartial, TargetCells, TransitionCounts, grams, rate};

/// Level of the intervals.
pub const ALPHA: f64 = 0.05;

/// All targets, in the order of the rules.
#[derive(Debug, Clone)]
pub struct Solved {
    /// By target.
    pub targets: Vec<SolvedTarget>,
    /// Touches cut off the front of paths that were too long.
    pub cut_touches: u64,
}

/// One target.
#[derive(Debug, Clone)]
pub struct SolvedTarget {
    /// Sums over all customers.
    pub total: TargetCells,
    /// In the order of the plan.
    pub models: Vec<SolvedModel>,
    /// The same by campaign, where that is asked for.
    pub units: Option<SolvedUnits>,
}

/// One target under one model.
#[derive(Debug, Clone)]
pub struct SolvedModel {
    /// Which model.
    pub model: Model,
    /// By channel.
    pub channels: Vec<ChannelCredit>,
    /// Why the model gives no figures: then those of the channels are placeholders.
    pub withheld: Option<Reason>,
    /// What a data-driven model saw before it became credit.
    pub effects: Option<Effects>,
    /// Of a data-driven model, by channel, where credit is then split over campaigns.
    pub(super) replicated: Option<Replicated>,
}

/// What a channel is credited with. Credit and value of all channels and of what is unattributed sum to
/// the booked totals exactly.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelCredit {
    /// Millionths of a conversion.
    pub credit_millionths: i64,
    /// Bounds of credit, in conversions.
    pub credit_interval: Result<Interval, Reason>,
    /// Minor units.
    pub value_minor: i128,
    /// Bounds of value, in minor units.
    pub value_interval: Result<Interval, Reason>,
    /// By credit, ties by name.
    pub rank: Ranked,
}

/// Figures without each bucket, by channel.
#[derive(Debug, Clone)]
pub(super) struct Replicated {
    pub(super) credit: Vec<[f64; BUCKETS]>,
    pub(super) value: Vec<[f64; BUCKETS]>,
}

/// Solves every target under every model.
pub fn solve(analysis: &Attribution<'_>, buckets: &[impl Borrow<AttributionPartial>]) -> Solved {
    let buckets: Vec<&AttributionPartial> = buckets.iter().map(Borrow::borrow).collect();
    let draws = RankDraws::default();
    let mut targets: Vec<SolvedTarget> = (0..analysis.context().rules.targets.len())
        .map(|target| {
            let cells: Vec<&TargetCells> = buckets.iter().map(|bucket| &bucket.targets[target]).collect();
            solve_target(analysis, &cells, &draws)
        })
        .collect();
    if let Some(models) = &analysis.unit_models {
        let units = side_by_side::map(
            analysis.context().threads,
            targets.len(),
            || (),
            |(), target| {
                let cells: Vec<_> = buckets.iter().map(|bucket| bucket.units[target].packed()).collect();
                solve_units::solve(analysis, models, &targets[target], &cells)
            },
        );
        targets.iter_mut().zip(units).for_each(|(target, units)| target.units = Some(units));
    }
    Solved { targets, cut_touches: buckets.iter().map(|bucket| bucket.cut_touches).sum() }
}

fn solve_target(analysis: &Attribution<'_>, buckets: &[&TargetCells], draws: &RankDraws) -> SolvedTarget {
    let channels = analysis.channels();
    let mut total = TargetCells {
        touches: vec![0; channels],
        refunded_touches: vec![0; channels],
        journeys: vec![0; channels],
        credit_millionths: vec![0; channels * analysis.models().len()],
        value_minor_millionths: vec![0; channels * analysis.models().len()],
        last_value_minor: vec![0; channels],
        transitions: match buckets.first().map(|bucket| &bucket.transitions) {
            Some(TransitionCounts::Dense(cells)) => TransitionCounts::Dense(vec![0; cells.len()]),
            _ => TransitionCounts::Sparse(Default::default()),
        },
        ..TargetCells::default()
    };
    buckets.iter().for_each(|bucket| total.merge(bucket));
    let threads = analysis.context().threads;
    let plan = &analysis.context().plan.attribution;
    let chains = match analysis.models().contains(&Model::Markov) {
        true if total.grams.is_some() => grams::solve(&total, buckets, threads),
        true => Ok(Chains::solve(channels, &total, buckets, threads)),
        false => Ok(Chains::default()),
    };
    // Its replicates are solved side by side already.
    let by_rate = (analysis.models().contains(&Model::Shapley) && plan.shapley_value == ShapleyValue::Rate)
        .then(|| rate::solve(&total, buckets, threads, draws));
    let models = side_by_side::map(
        threads,
        analysis.models().len(),
        || (),
        |(), index| match (analysis.models()[index], &by_rate) {
            (Model::Markov, _) => match &chains {
                Ok(chains) => solve_markov(channels, &total, buckets, chains, draws),
                Err(reason) => SolvedModel::withheld(Model::Markov, channels, *reason),
            },
            (Model::Shapley, Some(by_rate)) => by_rate.clone(),
            (model, _) => solve_by_touch(model, index, channels, &total, buckets, draws),
        },
    );
    let mut models = models;
    if analysis.unit_models.is_none() {
        models.iter_mut().for_each(|model| model.replicated = None);
    }
    SolvedTarget { total, models, units: None }
}

fn solve_by_touch(
    model: Model,
    index: usize,
    channels: usize,
    total: &TargetCells,
    buckets: &[&TargetCells],
    draws: &RankDraws,
) -> SolvedModel {
    let row = index * channels;
    let credit = &total.credit_millionths[row..row + channels];
    let exact_value = &total.value_minor_millionths[row..row + channels];
    let value = round_to_whole(exact_value, i128::from(MILLIONTHS));
    let scale = MILLIONTHS as f64;
    let replicated = Replicated {
        credit: replicates(channels, buckets, |cells, channel| {
            let sum = i128::from(credit[channel]);
            replicate_total(sum, i128::from(cells.credit_millionths[row + channel])) / scale
        }),
        value: replicates(channels, buckets, |cells, channel| {
            replicate_total(exact_value[channel], cells.value_minor_millionths[row + channel]) / scale
        }),
    };
    let support = |channel: usize| {
        let sums = by_bucket(buckets, |cells| i128::from(cells.credit_millionths[row + channel]));
        check_support(&sums, None)
    };
    let channels = assemble(credit, &value, &replicated, total, support, draws);
    let effects = (model == Model::Shapley).then(|| effects::of_shapley(&channels, &replicated.value, total));
    let replicated = model.is_data_driven().then_some(replicated);
    SolvedModel { model, channels, withheld: None, effects, replicated }
}

impl SolvedModel {
    /// No figures, and why.
    fn withheld(model: Model, channels: usize, reason: Reason) -> Self {
        let none = ChannelCredit {
            credit_millionths: 0,
            credit_interval: Err(reason),
            value_minor: 0,
            value_interval: Err(reason),
            rank: Ranked { rank: 0, stability: 0.0 },
        };
        let effects = effects::withheld(channels, reason);
        Self {
            model,
            channels: vec![none; channels],
            withheld: Some(reason),
            effects: Some(effects),
            replicated: None,
        }
    }
}

/// The chain of all customers, and those without each bucket; None where nothing converts.
#[derive(Default)]
pub(super) struct Chains {
    pub(super) whole: Option<markov::RemovalEffects>,
    pub(super) without: Vec<Option<markov::RemovalEffects>>,
}

impl Chains {
    fn solve(channels: usize, total: &TargetCells, buckets: &[&TargetCells], threads: usize) -> Self {
        let mut all = vec![0.0; markov::cells(channels)];
        total.transitions.add_to(&mut all, 1.0);
        // The first is the whole. Without a bucket the factor 64/63 cancels inside the chain.
        let mut chains = side_by_side::map(
            threads,
            1 + buckets.len(),
            || (all.clone(), Vec::new(), markov::Inverter::default()),
            |(table, values, inverter), index| {
                let bucket = index.checked_sub(1).map(|bucket| buckets[bucket]);
                table.copy_from_slice(&all);
                values.clear();
                match bucket {
                    None => values.extend(total.last_value_minor.iter().map(|all| *all as f64)),
                    Some(bucket) => {
                        bucket.transitions.add_to(table, -1.0);
                        let sums = total.last_value_minor.iter().zip(&bucket.last_value_minor);
                        values.extend(sums.map(|(all, own)| (all - own) as f64));
                    }
                }
                // Nothing converts at the start.
                values.push(0.0);
                markov::Transitions::new(channels, table, values).removal_effects(inverter)
            },
        )
        .into_iter();
        Self { whole: chains.next().flatten(), without: chains.collect() }
    }
}

fn solve_markov(
    channels: usize,
    total: &TargetCells,
    buckets: &[&TargetCells],
    Chains { whole, without }: &Chains,
    draws: &RankDraws,
) -> SolvedModel {
    let attributed = total.attributed();
    let attributed_minor = total.attributed_minor();
    let mut credit = Vec::new();
    let mut value = Vec::new();
    // Without a conversion in the window there is no chain, but refunds of earlier ones may go back.
    let by_touch: Vec<f64> = total.refunded_touches.iter().map(|touches| *touches as f64).collect();
    let weights = whole.as_ref().map_or(&by_touch, |effects| &effects.effects);
    signed_by_weights(weights, attributed.saturating_mul(MILLIONTHS), &mut credit);
    let value_weights = whole.as_ref().and_then(|effects| effects.value_effects.as_ref()).unwrap_or(weights);
    signed_by_weights(value_weights, i64::try_from(attributed_minor).unwrap_or(i64::MAX), &mut value);
    let value: Vec<i128> = value.into_iter().map(i128::from).collect();

    let conversions: [f64; BUCKETS] = std::array::from_fn(|bucket| {
        replicate_total(i128::from(attributed), i128::from(buckets[bucket].attributed()))
    });
    let values: [f64; BUCKETS] =
        std::array::from_fn(|bucket| replicate_total(attributed_minor, buckets[bucket].attributed_minor()));
    let replicated = Replicated {
        credit: spread(channels, &conversions, |bucket| Some(&without[bucket].as_ref()?.effects)),
        value: spread(channels, &values, |bucket| without[bucket].as_ref()?.value_effects.as_ref()),
    };
    let support = |channel: usize| {
        check_support(&by_bucket(buckets, |cells| i128::from(cells.journeys[channel])), None)
    };
    let channels = assemble(&credit, &value, &replicated, total, support, draws);
    let effects = match whole {
        Some(whole) => effects::of_markov(whole, without, total, buckets),
        None => effects::withheld(channels.len(), Reason::NoConversions),
    };
    SolvedModel {
        model: Model::Markov,
        channels,
        withheld: None,
        effects: Some(effects),
        replicated: Some(replicated),
    }
}

/// Shares a replicate's total among the channels by its effects.
fn spread<'a>(
    channels: usize,
    totals: &[f64; BUCKETS],
    effects: impl Fn(usize) -> Option<&'a Vec<f64>>,
) -> Vec<[f64; BUCKETS]> {
    let sums: [f64; BUCKETS] =
        std::array::from_fn(|bucket| effects(bucket).map_or(0.0, |effects| effects.iter().sum()));
    (0..channels)
        .map(|channel| {
            std::array::from_fn(|bucket| match effects(bucket) {
                Some(effects) if sums[bucket] > 0.0 => effects[channel] / sums[bucket] * totals[bucket],
                _ => 0.0,
            })
        })
        .collect()
}

/// Shares a total that refunds may have made negative.
pub(super) fn signed_by_weights(weights: &[f64], total: i64, parts: &mut Vec<i64>) {
    // Value that went back from before the window can leave a channel with less than nothing.
    let weights: Vec<f64> = weights.iter().map(|weight| weight.max(0.0)).collect();
    by_weights(&weights, total.saturating_abs(), parts);
    if total < 0 {
        parts.iter_mut().for_each(|part| *part = -*part);
    }
}

fn replicates(
    channels: usize,
    buckets: &[&TargetCells],
    figure: impl Fn(&TargetCells, usize) -> f64,
) -> Vec<[f64; BUCKETS]> {
    (0..channels).map(|channel| std::array::from_fn(|bucket| figure(buckets[bucket], channel))).collect()
}

/// A figure of every bucket.
pub(super) fn by_bucket(buckets: &[&TargetCells], figure: impl Fn(&TargetCells) -> i128) -> [i128; BUCKETS] {
    std::array::from_fn(|bucket| figure(buckets[bucket]))
}

/// Whether bounds of a value can be trusted, of a cell with so many conversions.
pub(super) fn value_support(conversions: f64, total: &TargetCells) -> Result<(), Reason> {
    let moments = Moments { n: total.conversions, sum: total.value_minor, sum_squares: total.value_squares };
    ValueSupport {
        conversions: conversions as u64,
        coefficient_of_variation: moments.coefficient_of_variation(),
        capped: false,
    }
    .check()
}

/// The interval of a positive total.
pub(super) fn log_interval(theta: f64, replicates: &[f64; BUCKETS]) -> Result<Interval, Reason> {
    jackknife::interval(Some(theta), &replicates.map(Some), Scale::Log, ALPHA)
}

pub(super) fn assemble(
    credit: &[i64],
    value: &[i128],
    replicated: &Replicated,
    total: &TargetCells,
    support: impl Fn(usize) -> Result<(), Reason>,
    draws: &RankDraws,
) -> Vec<ChannelCredit> {
    let in_conversions: Vec<f64> = credit.iter().map(|credit| *credit as f64 / MILLIONTHS as f64).collect();
    let unranked = Ranked { rank: 0, stability: 0.0 };
    let ranks =
        draws.rank(&in_conversions, &replicated.credit).unwrap_or_else(|| vec![unranked; credit.len()]);
    (0..credit.len())
        .map(|channel| {
            let supported = support(channel);
            let credit_interval =
                supported.and_then(|()| log_interval(in_conversions[channel], &replicated.credit[channel]));
            let value_interval = supported
                .and_then(|()| value_support(in_conversions[channel], total))
                .and_then(|()| log_interval(value[channel] as f64, &replicated.value[channel]));
            ChannelCredit {
                credit_millionths: credit[channel],
                credit_interval,
                value_minor: value[channel],
                value_interval,
                rank: ranks[channel],
            }
        })
        .collect()
}
