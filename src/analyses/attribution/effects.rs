//! What the data-driven models saw before it became credit: removal effects and Shapley values.

use crate::attribution::allocate::MILLIONTHS;
use crate::attribution::markov::RemovalEffects;
use crate::stats::jackknife::{self, BUCKETS, Scale, check_support};
use crate::stats::{Interval, Reason};

use super::TargetCells;
use super::solve::{ALPHA, ChannelCredit, by_bucket, value_support};

/// Effects of all channels on one target.
#[derive(Debug, Clone)]
pub struct Effects {
    /// Probability to convert of the chain; None for Shapley.
    pub conversion_probability: Option<f64>,
    /// By channel.
    pub channels: Vec<ChannelEffect>,
}

/// Effect of one channel.
#[derive(Debug, Clone, PartialEq)]
pub struct ChannelEffect {
    /// Removal effect (a fraction), or Shapley value (conversions, or conversions per journey), or why there is
    /// none.
    pub effect: Result<f64, Reason>,
    /// Its bounds.
    pub interval: Result<Interval, Reason>,
    /// Removal effect on value (a fraction), or Shapley value (minor units, or those per journey); None without
    /// value.
    pub value_effect: Option<f64>,
    /// Its bounds.
    pub value_interval: Result<Interval, Reason>,
    /// Removal effect beyond that of a channel without influence; None for Shapley.
    pub beyond_reach: Option<f64>,
    /// Its bounds.
    pub beyond_reach_interval: Result<Interval, Reason>,
    /// Standard error of a Shapley value from drawing orders; None where it is exact.
    pub sampling_error: Option<f64>,
}

impl ChannelEffect {
    /// An effect and its bounds, nothing else.
    pub(super) fn of(effect: Result<f64, Reason>, interval: Result<Interval, Reason>) -> Self {
        Self {
            effect,
            interval,
            value_effect: None,
            value_interval: Err(Reason::Undefined),
            beyond_reach: None,
            beyond_reach_interval: Err(Reason::Undefined),
            sampling_error: None,
        }
    }
}

/// A reason instead of effects, for each of so many channels.
pub(super) fn withheld(channels: usize, reason: Reason) -> Effects {
    Effects {
        conversion_probability: None,
        channels: vec![ChannelEffect::of(Err(reason), Err(reason)); channels],
    }
}

/// Removal effects with intervals on the logit scale, withheld where few buckets met the channel or few
/// converted without it. What they are beyond the reach of the channel can be below 0 and has its interval on its
/// own scale.
pub fn of_markov(
    whole: &RemovalEffects,
    without: &[Option<RemovalEffects>],
    total: &TargetCells,
    buckets: &[&TargetCells],
) -> Effects {
    let channels = (0..whole.effects.len())
        .map(|channel| {
            let met = by_bucket(buckets, |cells| i128::from(cells.journeys[channel]));
            let others = by_bucket(buckets, |cells| {
                i128::from(cells.conversions - cells.unattributed) - i128::from(cells.journeys[channel])
            });
            let supported = check_support(&met, Some(&others));
            let scaled = |theta: f64, scale: Scale, of: &dyn Fn(&RemovalEffects) -> Option<f64>| {
                let replicates: [Option<f64>; BUCKETS] =
                    std::array::from_fn(|bucket| without[bucket].as_ref().and_then(of));
                jackknife::interval(Some(theta), &replicates, scale, ALPHA)
            };
            let interval =
                |theta: f64, of: &dyn Fn(&RemovalEffects) -> Option<f64>| scaled(theta, Scale::Logit, of);
            let beyond =
                |found: &RemovalEffects| settled_difference(found.effects[channel], found.reach[channel]);
            let effect = whole.effects[channel];
            let value_effect = whole.value_effects.as_ref().map(|effects| effects[channel]);
            let conversions = total.journeys[channel] as f64;
            ChannelEffect {
                effect: Ok(settled(effect)),
                interval: supported.and_then(|()| interval(effect, &|found| Some(found.effects[channel]))),
                value_effect: value_effect.map(settled),
                value_interval: supported
                    .and_then(|()| value_support(conversions, total))
                    .and_then(|()| value_effect.ok_or(Reason::Undefined))
                    .and_then(|effect| {
                        interval(effect, &|found| {
                            found.value_effects.as_ref().map(|effects| effects[channel])
                        })
                    }),
                beyond_reach: Some(beyond(whole)),
                beyond_reach_interval: supported
                    .and_then(|()| scaled(beyond(whole), Scale::Identity, &|found| Some(beyond(found)))),
                sampling_error: None,
            }
        })
        .collect();
    Effects { conversion_probability: Some(settled(whole.conversion_probability)), channels }
}

/// Relative error that solving a chain leaves in a figure: some thousand roundings, more where paths go round many times.
const SOLVED_WITHIN: f64 = 1e-11;

/// A share that is 1, but for what solving the chain left, as 1.
fn settled(share: f64) -> f64 {
    if settled_difference(share, 1.0) == 0.0 { 1.0 } else { share }
}

/// The difference of two figures of a chain; of what can't be told apart it is 0 and not what solving the chain left.
fn settled_difference(one: f64, other: f64) -> f64 {
    let difference = one - other;
    if difference.abs() <= SOLVED_WITHIN * one.abs().max(other.abs()) { 0.0 } else { difference }
}

/// Shapley values on totals are the credit itself.
pub fn of_shapley(
    credits: &[ChannelCredit],
    value_replicates: &[[f64; BUCKETS]],
    total: &TargetCells,
) -> Effects {
    let has_value = total.value_minor != 0 || value_replicates.iter().flatten().any(|value| *value != 0.0);
    let channels = credits
        .iter()
        .map(|credit| ChannelEffect {
            value_effect: has_value.then_some(credit.value_minor as f64),
            value_interval: credit.value_interval,
            ..ChannelEffect::of(
                Ok(credit.credit_millionths as f64 / MILLIONTHS as f64),
                credit.credit_interval,
            )
        })
        .collect();
    Effects { conversion_probability: None, channels }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribution::markov::{Inverter, Transitions, cells};
    use crate::stats::SplitMix64;

    const CHANNELS: usize = 4;
    const SINKS: usize = CHANNELS + 2;
    const CUSTOMERS: usize = 2_000;

    /// How often a touch is by each channel, and then converts; three in ten end a journey.
    const DRAWN: [f64; CHANNELS] = [0.2, 0.3, 0.3, 0.2];
    const OTHERS_CONVERT: [f64; CHANNELS] = [0.0, 0.02, 0.05, 0.1];
    const ENDS: f64 = 0.3;

    /// A touch by channel 0 leaves the chance to convert what it is at the start: `p = Σ d_c (k_c + 0.7 p)` and
    /// `k_0 + 0.7 p = p`.
    fn convert() -> [f64; CHANNELS] {
        let others: f64 = (1..CHANNELS).map(|channel| DRAWN[channel] * OTHERS_CONVERT[channel]).sum();
        let probability = others / (ENDS * (1.0 - DRAWN[0]));
        let mut convert = OTHERS_CONVERT;
        convert[0] = ENDS * probability;
        convert
    }

    /// The interval of channel 0's effect beyond its reach in one run.
    fn interval_without_influence(seed: u64) -> Result<Interval, Reason> {
        let mut random = SplitMix64::new(seed);
        let mut unit = || (random.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        let convert = convert();
        let mut tables = vec![vec![0.0; cells(CHANNELS)]; BUCKETS];
        let mut buckets =
            vec![TargetCells { journeys: vec![0; CHANNELS], ..TargetCells::default() }; BUCKETS];
        for _ in 0..CUSTOMERS {
            let bucket = (unit() * BUCKETS as f64) as usize;
            let (mut from, mut met) = (CHANNELS, [false; CHANNELS]);
            let converted = loop {
                let mut left = unit();
                let to = (0..CHANNELS - 1).find(|channel| {
                    left -= DRAWN[*channel];
                    left < 0.0
                });
                let to = to.unwrap_or(CHANNELS - 1);
                tables[bucket][from * SINKS + to] += 1.0;
                (from, met[to]) = (to, true);
                let end = unit();
                if end < ENDS {
                    break end < convert[to];
                }
            };
            tables[bucket][from * SINKS + CHANNELS + usize::from(!converted)] += 1.0;
            if converted {
                buckets[bucket].conversions += 1;
                (0..CHANNELS)
                    .for_each(|channel| buckets[bucket].journeys[channel] += u64::from(met[channel]));
            }
        }
        let sum = |skip: Option<usize>| -> Vec<f64> {
            let kept = || tables.iter().enumerate().filter(|(bucket, _)| Some(*bucket) != skip);
            (0..cells(CHANNELS)).map(|cell| kept().map(|(_, table)| table[cell]).sum()).collect()
        };
        let mut inverter = Inverter::default();
        let mut solve = |skip| {
            let values = [0.0; CHANNELS + 1];
            Transitions::new(CHANNELS, &sum(skip), &values).removal_effects(&mut inverter)
        };
        let whole = solve(None).unwrap();
        let without: Vec<_> = (0..BUCKETS).map(|bucket| solve(Some(bucket))).collect();
        let mut total = TargetCells { journeys: vec![0; CHANNELS], ..TargetCells::default() };
        buckets.iter().for_each(|bucket| {
            total.conversions += bucket.conversions;
            total.journeys.iter_mut().zip(&bucket.journeys).for_each(|(sum, own)| *sum += own);
        });
        let buckets: Vec<&TargetCells> = buckets.iter().collect();
        of_markov(&whole, &without, &total, &buckets).channels[0].beyond_reach_interval
    }

    #[test]
    fn what_solving_leaves_is_no_effect() {
        assert_eq!(settled_difference(0.1 + 0.2, 0.3), 0.0);
        assert_eq!(settled_difference(0.3, 0.3 + 1e-10), 0.3 - (0.3 + 1e-10));
        assert_eq!(settled_difference(1e-17, 0.0), 1e-17, "next to nothing is no noise");
        assert_eq!(settled(0.999_999_999_999_999_9), 1.0);
        assert_eq!(settled(0.999_999_999), 0.999_999_999);
        // Every path converts: no channel has an influence, whatever its reach, and there is nothing to vary.
        let counts = [0.0, 2.0, 5.0, 0.0, 1.0, 0.0, 3.0, 0.0, 6.0, 4.0, 0.0, 0.0];
        let whole = Transitions::new(2, &counts, &[0.0; 3]).removal_effects(&mut Inverter::default());
        let whole = whole.unwrap();
        let bucket = TargetCells { conversions: 2, journeys: vec![1; 2], ..TargetCells::default() };
        let found = of_markov(&whole, &vec![Some(whole.clone()); BUCKETS], &bucket, &[&bucket; BUCKETS]);
        assert_eq!(found.conversion_probability, Some(1.0));
        for channel in &found.channels {
            assert_eq!(channel.beyond_reach, Some(0.0));
            assert_eq!(channel.beyond_reach_interval, Err(Reason::ZeroVariance));
        }
    }

    /// Of 2,000 runs 93 to 97 % have an interval that contains 0.
    #[test]
    fn a_channel_without_influence_has_no_effect_beyond_its_reach() {
        let contains = (0..2_000)
            .filter(|seed| interval_without_influence(*seed + 1).is_ok_and(|interval| interval.contains(0.0)))
            .count();
        assert!((1_860..=1_940).contains(&contains), "{contains} of 2,000");
    }
}
