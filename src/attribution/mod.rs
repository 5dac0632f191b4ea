//! Credit of one conversion over its touches, a file per model, and the data-driven models on counts.
//!
//! Pure: no Polars, files, clocks or threads.

pub mod allocate;
pub mod first_touch;
pub mod last_touch;
pub mod markov;
pub mod position;
pub mod shapley;
pub mod time_decay;

use crate::config::plan::{AttributionPlan, Model};
use allocate::MILLIONTHS;

/// Credit of one conversion in millionths, by touch, oldest first. `times_us` are the touches' instants.
///
/// Returns false where the model doesn't work touch by touch: `markov` and `shapley`.
pub fn credit_touches(model: Model, plan: &AttributionPlan, times_us: &[i64], credit: &mut Credit) -> bool {
    let parts = &mut credit.parts;
    match model {
        Model::FirstTouch => first_touch::credit(times_us.len(), parts),
        Model::LastTouch => last_touch::credit(times_us.len(), parts),
        Model::Linear => allocate::equally(times_us.len(), MILLIONTHS, parts),
        Model::Position => {
            position::weights(times_us.len(), plan.position_first, plan.position_last, &mut credit.weights);
            allocate::by_weights(&credit.weights, MILLIONTHS, parts);
        }
        Model::TimeDecay => {
            time_decay::weights(times_us, plan.half_life_us, &mut credit.weights);
            allocate::by_weights(&credit.weights, MILLIONTHS, parts);
        }
        Model::Markov | Model::Shapley => return false,
    }
    true
}

/// Credit of one conversion, with the memory it needs.
#[derive(Debug, Default)]
pub struct Credit {
    /// Millionths by touch; they sum to [`MILLIONTHS`].
    pub parts: Vec<i64>,
    weights: Vec<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::{AfterConversion, DAY_US};

    fn plan(first: f64, last: f64) -> AttributionPlan {
        AttributionPlan {
            models: Model::ALL.to_vec(),
            touches: None,
            after_conversion: AfterConversion::Reuse,
            null_paths: true,
            position_first: first,
            position_last: last,
            half_life_us: 7 * DAY_US,
        }
    }

    fn money(model: Model, plan: &AttributionPlan, days: &[i64], value: f64) -> Vec<f64> {
        let times: Vec<i64> = days.iter().map(|day| day * DAY_US).collect();
        let mut credit = Credit::default();
        assert!(credit_touches(model, plan, &times, &mut credit));
        assert_eq!(credit.parts.iter().sum::<i64>(), MILLIONTHS);
        credit.parts.iter().map(|part| (*part as f64 * value / 1e4).round() / 100.0).collect()
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
}
