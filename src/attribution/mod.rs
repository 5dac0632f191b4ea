//! Credit of one conversion over its touches, a file per model, and the data-driven models on counts.
//!
//! Pure: no Polars, files, clocks or threads.

pub mod allocate;
pub mod gram;
pub mod markov;
pub mod markov_order;
#[cfg(test)]
pub(crate) mod naive;
pub mod position;
pub mod shapley;
pub mod shapley_rate;
pub mod time_decay;

use crate::config::plan::{AttributionPlan, Model};
use allocate::MILLIONTHS;

/// Parts that depend on the number of touches alone are kept for paths shorter than this.
const KEPT_LENGTHS: usize = 256;

/// Credit of one conversion over its touches, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shares<'a> {
    /// All to the touch with this index.
    One(usize),
    /// Millionths by touch; they sum to [`MILLIONTHS`].
    Each(&'a [i64]),
    /// The model doesn't work touch by touch: `markov`, `shapley` and `participation`.
    Elsewhere,
}

/// Shares one conversion after the other, with the memory it needs. One belongs to one configuration.
#[derive(Debug, Default)]
pub struct Credit {
    parts: Vec<i64>,
    weights: Vec<f64>,
    position: ByLength,
    equal: ByLength,
}

/// Parts by number of touches, each worked out once.
#[derive(Debug, Default)]
struct ByLength {
    kept: Vec<Vec<i64>>,
    long: Vec<i64>,
}

impl ByLength {
    /// The parts of so many touches, at least one, which `fill` works out.
    fn of(&mut self, touches: usize, fill: impl FnOnce(&mut Vec<i64>)) -> &[i64] {
        if touches >= KEPT_LENGTHS {
            fill(&mut self.long);
            return &self.long;
        }
        if self.kept.len() <= touches {
            self.kept.resize(touches + 1, Vec::new());
        }
        let parts = &mut self.kept[touches];
        if parts.is_empty() {
            fill(parts);
        }
        parts
    }
}

impl Credit {
    /// Credit over the touches of a path, at least one, whose channels are these, oldest first. `direct` tells
    /// by channel what `last_non_direct` passes over. `factors` are those of [`time_decay::factors`] between the
    /// touches; no other model looks at them.
    pub fn over(
        &mut self,
        model: Model,
        plan: &AttributionPlan,
        direct: &[bool],
        mut channels: impl ExactSizeIterator<Item = u16> + DoubleEndedIterator,
        factors: &[f64],
    ) -> Shares<'_> {
        let Self { parts, weights, position, equal } = self;
        let touches = channels.len();
        match model {
            Model::Markov | Model::Shapley | Model::Participation => Shares::Elsewhere,
            Model::FirstTouch => Shares::One(0),
            Model::LastTouch => Shares::One(touches - 1),
            Model::LastNonDirect => {
                let found = channels.rposition(|channel| !direct[usize::from(channel)]);
                Shares::One(found.unwrap_or(touches - 1))
            }
            _ if touches == 1 => Shares::One(0),
            Model::Linear => {
                Shares::Each(equal.of(touches, |parts| allocate::equally(touches, MILLIONTHS, parts)))
            }
            Model::Position => Shares::Each(position.of(touches, |parts| {
                position::weights(touches, plan.position_first, plan.position_last, weights);
                allocate::by_weights(weights, MILLIONTHS, parts);
            })),
            Model::TimeDecay => {
                time_decay::weights(factors, weights);
                allocate::by_weights(weights, MILLIONTHS, parts);
                Shares::Each(parts)
            }
        }
    }

    /// Equal millionths for `count ≥ 1` touches or channels, what is left to the earlier ones.
    pub fn equally(&mut self, count: usize) -> &[i64] {
        self.equal.of(count, |parts| allocate::equally(count, MILLIONTHS, parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::{AfterConversion, DAY_US, Levels, PathTransform, ShapleyValue};

    fn plan(first: f64, last: f64) -> AttributionPlan {
        AttributionPlan {
            models: Model::ALL.to_vec(),
            touches: None,
            path: PathTransform::Unique,
            by: Levels { channel: true, campaign: false },
            after_conversion: AfterConversion::Reuse,
            null_paths: true,
            position_first: first,
            position_last: last,
            half_life_us: 7 * DAY_US,
            markov_order: 1,
            shapley_value: ShapleyValue::Total,
        }
    }

    fn money(model: Model, plan: &AttributionPlan, days: &[i64], value: f64) -> Vec<f64> {
        let mut factors = Vec::new();
        time_decay::factors(days.iter().map(|day| day * DAY_US), plan.half_life_us, &mut factors);
        let mut credit = Credit::default();
        let channels = days.iter().map(|_| 0);
        let parts: Vec<i64> = match credit.over(model, plan, &[false], channels, &factors) {
            Shares::One(touch) => (0..days.len()).map(|at| i64::from(at == touch) * MILLIONTHS).collect(),
            Shares::Each(parts) => parts.to_vec(),
            Shares::Elsewhere => panic!("{model:?} works touch by touch"),
        };
        assert_eq!(parts.iter().sum::<i64>(), MILLIONTHS);
        parts.iter().map(|part| (*part as f64 * value / 1e4).round() / 100.0).collect()
    }

    /// Adobe Customer Journey Analytics, attribution panel: value 50, search nine days before, social
    /// six, e-mail and display on the day, display last. Published to the cent.
    #[test]
    fn adobe_published_values() {
        let days = [-9, -6, 0, 0];
        let j = plan(0.2, 0.6);
        assert_eq!(money(Model::Linear, &j, &days, 50.0), [12.5, 12.5, 12.5, 12.5]);
        assert_eq!(money(Model::Position, &j, &days, 50.0), [10.0, 5.0, 5.0, 30.0]);
        assert_eq!(money(Model::TimeDecay, &j, &days, 50.0), [6.92, 9.32, 16.88, 16.88]);
        assert_eq!(money(Model::FirstTouch, &j, &days, 50.0), [50.0, 0.0, 0.0, 0.0]);
        assert_eq!(money(Model::LastTouch, &j, &days, 50.0), [0.0, 0.0, 0.0, 50.0]);
    }

    /// Snowplow attribution integration seeds: direct > organic > direct worth 140; two touches worth 66.50.
    #[test]
    fn snowplow_published_values() {
        let u = plan(0.4, 0.4);
        assert_eq!(money(Model::Position, &u, &[0, 1, 2], 140.0), [56.0, 28.0, 56.0]);
        assert_eq!(money(Model::Position, &u, &[0, 1], 66.5), [33.25, 33.25]);
        assert_eq!(money(Model::Position, &u, &[0], 66.5), [66.5]);
    }

    #[test]
    fn last_non_direct_passes_over_direct_touches_unless_there_are_no_others() {
        let (direct, u) = ([true, false, false, true], plan(0.4, 0.4));
        let last = |channels: &[u16]| {
            let mut credit = Credit::default();
            match credit.over(Model::LastNonDirect, &u, &direct, channels.iter().copied(), &[]) {
                Shares::One(touch) => touch,
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(last(&[1, 2, 0, 3]), 1);
        assert_eq!(last(&[1, 2]), 1);
        assert_eq!(last(&[2, 0, 2, 0]), 2);
        assert_eq!(last(&[3, 0, 3]), 2);
        assert_eq!(last(&[0]), 0);
    }
}
