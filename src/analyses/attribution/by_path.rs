//! The credit of one path by its touches, for whoever explains a figure: by the same [`Credit`] that the sums are
//! made of, path by path instead of all equal ones together.

use crate::attribution::allocate::MILLIONTHS;
use crate::attribution::shapley::Distinct;
use crate::attribution::{Credit, Shares, time_decay};
use crate::config::plan::{Model, ShapleyValue};
use crate::journey::walk::Touch;
use crate::journey::{Journey, Path, PathEnd};

use super::Attribution;

/// How a model shares one conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathCredit {
    /// Millionths of a conversion by touch of the path, oldest first.
    ByTouch(Vec<i64>),
    /// The model knows no touches: channels with their millionths, in the order in which they first stand.
    ByChannel(Vec<(u16, i64)>),
    /// The model knows no single paths either: its credit comes from all of them together.
    OfAllPaths,
}

/// Memory that is used from path to path.
#[derive(Debug, Default)]
pub struct PathScratch {
    credit: Credit,
    distinct: Distinct,
    factors: Vec<f64>,
}

/// What a path adds to the sums: value in minor units, and conversions. None: it only informs the models.
pub fn given(end: PathEnd) -> Option<(i64, i64)> {
    match end {
        PathEnd::Null => None,
        PathEnd::Converted { value_minor, .. } => Some((value_minor, 1)),
        // Value goes back in part, credit only as a whole.
        PathEnd::Refunded { value_minor, whole, .. } => Some((-value_minor, -i64::from(whole))),
    }
}

impl Attribution<'_> {
    /// Whether a model gives each path credit of its own, so that its sums over channels are sums over paths.
    pub fn works_by_path(&self, model: Model) -> bool {
        match model {
            Model::Markov => false,
            // On rates the worth of a set depends on the journeys that didn't convert.
            Model::Shapley => self.context.plan.attribution.shapley_value == ShapleyValue::Total,
            _ => true,
        }
    }

    /// Shares the conversion of a path under a model. `all` are the touches that paths are ranges of; the path has at
    /// least one.
    pub fn credit_of_path(
        &self,
        path: &Path,
        all: &[Touch],
        model: Model,
        PathScratch { credit, distinct, factors }: &mut PathScratch,
    ) -> PathCredit {
        if !self.works_by_path(model) {
            return PathCredit::OfAllPaths;
        }
        let plan = &self.context.plan.attribution;
        let touches = &all[path.touches.clone()];
        factors.clear();
        if model.looks_at_times() {
            time_decay::factors(touches.iter().map(|touch| touch.time_us), plan.half_life_us, factors);
        }
        let channels = touches.iter().map(|touch| touch.channel);
        match credit.over(model, plan, &self.context.rules.direct, channels.clone(), factors) {
            Shares::One(only) => {
                let part = |at: usize| if at == only { MILLIONTHS } else { 0 };
                PathCredit::ByTouch((0..touches.len()).map(part).collect())
            }
            Shares::Each(parts) => PathCredit::ByTouch(parts.to_vec()),
            Shares::Elsewhere if model == Model::Shapley => {
                let distinct = distinct.of(channels);
                let parts = credit.equally(distinct.len()).iter();
                PathCredit::ByChannel(distinct.iter().copied().zip(parts.copied()).collect())
            }
            Shares::Elsewhere if model == Model::Participation => {
                let whole = |channel: &u16| (*channel, MILLIONTHS);
                PathCredit::ByChannel(distinct.of(channels).iter().map(whole).collect())
            }
            Shares::Elsewhere => PathCredit::OfAllPaths,
        }
    }

    /// The credit of a path by unit: a campaign under a channel, as [`crate::journey::Units`] numbers them. None
    /// where the model has none of its own at that level, or where no unit was asked for.
    pub fn credit_of_units(
        &self,
        path: &Path,
        all: &[Touch],
        journey: &Journey<'_>,
        model: Model,
        scratch: &mut PathScratch,
    ) -> Option<Vec<(u32, i64)>> {
        let of_code = &self.context.rules.units.of_code;
        let touches = &all[path.touches.clone()];
        let unit = |touch: &Touch| of_code.get(journey.rows[touch.row as usize].code as usize).copied();
        let units: Vec<u32> = touches.iter().map(unit).collect::<Option<_>>()?;
        if model == Model::Participation {
            let mut distinct = units;
            distinct.sort_unstable();
            distinct.dedup();
            return Some(distinct.into_iter().map(|unit| (unit, MILLIONTHS)).collect());
        }
        match self.credit_of_path(path, all, model, scratch) {
            PathCredit::ByTouch(parts) => Some(units.into_iter().zip(parts).collect()),
            PathCredit::ByChannel(_) | PathCredit::OfAllPaths => None,
        }
    }
}
