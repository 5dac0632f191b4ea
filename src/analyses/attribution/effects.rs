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
    /// Removal effect (a fraction), or Shapley value (conversions).
    pub effect: f64,
    /// Its bounds.
    pub interval: Result<Interval, Reason>,
    /// Removal effect on value (a fraction), or Shapley value (minor units); None without value.
    pub value_effect: Option<f64>,
    /// Its bounds.
    pub value_interval: Result<Interval, Reason>,
    /// Removal effect beyond that of a channel without influence; None for Shapley.
    pub beyond_reach: Option<f64>,
}

/// Removal effects with intervals on the logit scale, withheld where few buckets met the channel or few
/// converted without it.
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
            let interval = |theta: f64, of: &dyn Fn(&RemovalEffects) -> Option<f64>| {
                let replicates: [Option<f64>; BUCKETS] =
                    std::array::from_fn(|bucket| without[bucket].as_ref().and_then(of));
                jackknife::interval(Some(theta), &replicates, Scale::Logit, ALPHA)
            };
            let effect = whole.effects[channel];
            let value_effect = whole.value_effects.as_ref().map(|effects| effects[channel]);
            let conversions = total.journeys[channel] as f64;
            ChannelEffect {
                effect,
                interval: supported.and_then(|()| interval(effect, &|found| Some(found.effects[channel]))),
                value_effect,
                value_interval: supported
                    .and_then(|()| value_support(conversions, total))
                    .and_then(|()| value_effect.ok_or(Reason::Undefined))
                    .and_then(|effect| {
                        interval(effect, &|found| {
                            found.value_effects.as_ref().map(|effects| effects[channel])
                        })
                    }),
                beyond_reach: Some(effect - whole.reach[channel]),
            }
        })
        .collect();
    Effects { conversion_probability: Some(whole.conversion_probability), channels }
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
            effect: credit.credit_millionths as f64 / MILLIONTHS as f64,
            interval: credit.credit_interval,
            value_effect: has_value.then_some(credit.value_minor as f64),
            value_interval: credit.value_interval,
            beyond_reach: None,
        })
        .collect();
    Effects { conversion_probability: None, channels }
}
