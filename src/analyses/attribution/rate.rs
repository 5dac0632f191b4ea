//! The Shapley value on conversion rates, and the credit that follows from it.
//!
//! A path's credit, and its own value, is shared among the channels that it met in proportion to what they bring
//! to the rate, channels that bring nothing or less getting nothing; where none brings anything, equally.

use hashbrown::HashMap;

use crate::attribution::allocate::{MILLIONTHS, by_weights, round_to_whole};
use crate::attribution::shapley_rate::{LargeGame, PARTS, SetCounts, Subsets, Values, is_exact};
use crate::config::plan::Model;
use crate::stats::jackknife::{self, BUCKETS, Scale, check_support, replicate_total};
use crate::stats::{RankDraws, Reason};

use super::effects::{self, ChannelEffect, Effects};
use super::sets::{SetCells, Sets};
use super::solve::{ALPHA, Replicated, SolvedModel, assemble, value_support};
use super::{TargetCells, side_by_side};

/// The game of one target: who plays, and what was seen of each set of players.
struct Game<'c> {
    /// Channels that some path met, ascending.
    players: Vec<u16>,
    /// By set: its players.
    members: Vec<Vec<u16>>,
    /// By set.
    totals: Vec<SetCells>,
    /// By bucket: the sets it saw, ascending.
    buckets: Vec<Vec<(usize, SetCells)>>,
    cells: &'c TargetCells,
}

/// What the players bring, on all journeys and without each bucket.
struct Played {
    whole: Values,
    without: Vec<Values>,
    /// By player, where orders were drawn.
    sampling_errors: Option<Vec<f64>>,
}

/// Solves one target.
pub(super) fn solve(
    total: &TargetCells,
    buckets: &[&TargetCells],
    threads: usize,
    draws: &RankDraws,
) -> SolvedModel {
    let channels = total.touches.len();
    let game = Game::new(total, buckets);
    let played = game.play(threads);
    let (credit, exact_value) = game.share(channels, &played.whole.rate);
    let value = round_to_whole(&exact_value, i128::from(MILLIONTHS));
    let replicated = game.replicates(channels, &played, threads);
    let effects = game.effects(channels, &played);
    let support = |channel: usize| {
        let interval = effects.channels[channel].interval?;
        if interval.contains(0.0) {
            return Err(Reason::EffectSpansZero);
        }
        Ok(())
    };
    let found = assemble(&credit, &value, &replicated, total, support, draws);
    SolvedModel {
        model: Model::Shapley,
        channels: found,
        withheld: None,
        effects: Some(effects),
        replicated: Some(replicated),
    }
}

impl<'c> Game<'c> {
    fn new(total: &'c TargetCells, buckets: &[&TargetCells]) -> Self {
        let none = Sets::default();
        let sets = total.sets.as_ref().unwrap_or(&none).sorted();
        let mut players: Vec<u16> = sets.iter().flat_map(|(set, _)| set.iter().copied()).collect();
        players.sort_unstable();
        players.dedup();
        let player = |channel: &u16| players.partition_point(|player| player < channel) as u16;
        let members = sets.iter().map(|(set, _)| set.iter().map(player).collect()).collect();
        let index: HashMap<&[u16], usize, foldhash::fast::FixedState> =
            sets.iter().enumerate().map(|(at, (set, _))| (*set, at)).collect();
        let seen = |bucket: &&TargetCells| {
            let own = bucket.sets.as_ref().map(Sets::sorted).unwrap_or_default();
            own.iter().filter_map(|(set, cells)| Some((*index.get(set)?, *cells))).collect()
        };
        Self {
            buckets: buckets.iter().map(seen).collect(),
            totals: sets.iter().map(|(_, cells)| *cells).collect(),
            members,
            players,
            cells: total,
        }
    }

    fn has_value(&self) -> bool {
        self.totals.iter().any(|cells| cells.value_minor != 0)
    }

    fn play(&self, threads: usize) -> Played {
        let journeys = self.totals.iter().map(|cells| cells.conversions + cells.nulls).sum();
        if is_exact(self.players.len(), journeys) { self.play_exactly(threads) } else { self.draw(threads) }
    }

    fn play_exactly(&self, threads: usize) -> Played {
        let mask = |members: &Vec<u16>| members.iter().fold(0, |mask, player| mask | 1 << player);
        let masks: Vec<u32> = self.members.iter().map(mask).collect();
        let totals: Vec<SetCounts> = self.totals.iter().map(counts).collect();
        // The first is the whole.
        let mut games = side_by_side::map(
            threads,
            1 + self.buckets.len(),
            || (Subsets::default(), totals.clone()),
            |(subsets, left), index| {
                left.clone_from(&totals);
                for (set, own) in index.checked_sub(1).iter().flat_map(|bucket| &self.buckets[*bucket]) {
                    left[*set] = totals[*set].without(&counts(own));
                }
                let sets = masks.iter().copied().zip(left.iter().copied());
                subsets.values(self.players.len(), sets, self.has_value())
            },
        )
        .into_iter();
        let whole = games.next().unwrap_or_default();
        Played { whole, without: games.collect(), sampling_errors: None }
    }

    fn draw(&self, threads: usize) -> Played {
        let mut by_set: Vec<Vec<(usize, SetCounts)>> = vec![Vec::new(); self.members.len()];
        for (bucket, seen) in self.buckets.iter().enumerate() {
            seen.iter().for_each(|(set, own)| by_set[*set].push((bucket, counts(own))));
        }
        let mut game = LargeGame::new(self.players.len(), self.has_value());
        for ((members, total), buckets) in self.members.iter().zip(&self.totals).zip(by_set) {
            game.push(members.iter().copied(), counts(total), buckets.into_iter());
        }
        let pairs = game.pairs();
        let parts = side_by_side::map(threads, PARTS, || (), |(), part| game.draw(part, pairs));
        let estimates = game.estimate(&parts);
        Played {
            whole: estimates.whole,
            without: estimates.without,
            sampling_errors: Some(estimates.standard_errors),
        }
    }

    /// Millionths of conversions and minor units × millionths by channel: each path's by what its channels bring.
    fn share(&self, channels: usize, rate: &[f64]) -> (Vec<i64>, Vec<i128>) {
        let (mut credit, mut value) = (vec![0; channels], vec![0; channels]);
        let (mut weights, mut parts) = (Vec::new(), Vec::new());
        for (members, cells) in self.members.iter().zip(&self.totals) {
            weights.clear();
            weights.extend(members.iter().map(|player| rate[usize::from(*player)].max(0.0)));
            by_weights(&weights, MILLIONTHS, &mut parts);
            for (player, part) in members.iter().zip(&parts) {
                let channel = self.channel(*player);
                credit[channel] += cells.credited * part;
                value[channel] += cells.value_minor * i128::from(*part);
            }
        }
        (credit, value)
    }

    fn channel(&self, player: u16) -> usize {
        usize::from(self.players[usize::from(player)])
    }

    /// The same without each bucket, unrounded.
    fn replicates(&self, channels: usize, played: &Played, threads: usize) -> Replicated {
        let by_bucket =
            side_by_side::map(threads, self.buckets.len(), Vec::new, |weights: &mut Vec<f64>, bucket| {
                let (mut credit, mut value) = (vec![0.0; channels], vec![0.0; channels]);
                let rate = &played.without[bucket].rate;
                let mut seen = self.buckets[bucket].iter().peekable();
                for (set, (members, cells)) in self.members.iter().zip(&self.totals).enumerate() {
                    let own = seen.next_if(|own| own.0 == set).map_or(SetCells::default(), |own| own.1);
                    weights.clear();
                    weights.extend(members.iter().map(|player| rate[usize::from(*player)].max(0.0)));
                    let sum: f64 = weights.iter().sum();
                    let credited = replicate_total(i128::from(cells.credited), i128::from(own.credited));
                    let minor = replicate_total(cells.value_minor, own.value_minor);
                    for (player, weight) in members.iter().zip(weights.iter()) {
                        let part = if sum > 0.0 { weight / sum } else { 1.0 / members.len() as f64 };
                        credit[self.channel(*player)] += part * credited;
                        value[self.channel(*player)] += part * minor;
                    }
                }
                (credit, value)
            });
        let each = |of: &dyn Fn(usize, usize) -> f64| -> Vec<[f64; BUCKETS]> {
            (0..channels).map(|channel| std::array::from_fn(|bucket| of(channel, bucket))).collect()
        };
        Replicated {
            credit: each(&|channel, bucket| by_bucket[bucket].0[channel]),
            value: each(&|channel, bucket| by_bucket[bucket].1[channel]),
        }
    }

    /// What each channel brings to the rate, with intervals on its own scale, for it can be below 0.
    fn effects(&self, channels: usize, played: &Played) -> Effects {
        let conversions = self.totals.iter().any(|cells| cells.conversions > 0);
        let met = self.met_by_bucket();
        if !conversions {
            return effects::withheld(channels, Reason::NoConversions);
        }
        // Who plays no part brings nothing.
        let mut found = vec![ChannelEffect::of(Ok(0.0), Err(Reason::Undefined)); channels];
        for (player, met) in met.iter().enumerate() {
            let channel = self.channel(player as u16);
            let supported = check_support(met, None);
            let interval = |whole: f64, of: &dyn Fn(&Values) -> Option<f64>| {
                let replicates = std::array::from_fn(|bucket| of(&played.without[bucket]));
                jackknife::interval(Some(whole), &replicates, Scale::Identity, ALPHA)
            };
            let effect = played.whole.rate[player];
            let value_effect = played.whole.value.as_ref().map(|value| value[player]);
            let value_of = |values: &Values| values.value.as_ref().map(|value| value[player]);
            found[channel] = ChannelEffect {
                value_effect,
                value_interval: supported
                    .and_then(|()| value_support(self.cells.journeys[channel] as f64, self.cells))
                    .and_then(|()| value_effect.ok_or(Reason::Undefined))
                    .and_then(|effect| interval(effect, &value_of)),
                sampling_error: played.sampling_errors.as_ref().map(|errors| errors[player]),
                ..ChannelEffect::of(
                    Ok(effect),
                    supported.and_then(|()| interval(effect, &|values| Some(values.rate[player]))),
                )
            };
        }
        Effects { conversion_probability: None, channels: found }
    }

    /// By player and bucket: journeys that met the player.
    fn met_by_bucket(&self) -> Vec<[i128; BUCKETS]> {
        let mut met = vec![[0; BUCKETS]; self.players.len()];
        for (bucket, seen) in self.buckets.iter().enumerate() {
            for (set, own) in seen {
                for player in &self.members[*set] {
                    met[usize::from(*player)][bucket] += i128::from(own.conversions + own.nulls);
                }
            }
        }
        met
    }
}

fn counts(cells: &SetCells) -> SetCounts {
    SetCounts {
        journeys: cells.conversions + cells.nulls,
        conversions: cells.conversions,
        value: cells.value_minor as f64,
    }
}
