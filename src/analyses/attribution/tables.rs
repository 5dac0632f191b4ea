//! The tables `stage_attribution` and `attribution_effects`.

use polars::prelude::{DataFrame, PolarsError, df};

use crate::attribution::allocate::MILLIONTHS;
use crate::config::plan::Model;
use crate::stats::{Interval, Reason};

use super::super::NamedFrame;
use super::solve::{Solved, SolvedModel, SolvedTarget};
use super::{Attribution, UNATTRIBUTED};

const LEVEL: &str = "channel";

/// Lays the solved figures out.
pub fn frames(analysis: &Attribution<'_>, solved: &Solved) -> Result<Vec<NamedFrame>, PolarsError> {
    Ok(vec![
        ("stage_attribution", stage_attribution(analysis, solved)?),
        ("attribution_effects", attribution_effects(analysis, solved)?),
    ])
}

#[derive(Default)]
struct Keys {
    target_kind: Vec<&'static str>,
    target: Vec<String>,
    model: Vec<&'static str>,
    channel: Vec<String>,
}

impl Keys {
    fn push(&mut self, analysis: &Attribution<'_>, target: usize, model: Model, channel: &str) {
        let target = &analysis.context().rules.targets[target];
        self.target_kind.push(target.kind.as_str());
        self.target.push(target.name.clone());
        self.model.push(model.as_str());
        self.channel.push(channel.to_owned());
    }
}

/// Low and high columns.
#[derive(Default)]
pub(in crate::analyses) struct Bounds {
    pub(in crate::analyses) low: Vec<Option<f64>>,
    pub(in crate::analyses) high: Vec<Option<f64>>,
}

impl Bounds {
    pub(in crate::analyses) fn push(&mut self, interval: Option<Interval>) {
        self.low.push(interval.map(|interval| interval.low));
        self.high.push(interval.map(|interval| interval.high));
    }
}

/// Reasons of a row, each once, in the order of their first mention.
pub(in crate::analyses) fn note(reasons: impl IntoIterator<Item = Option<Reason>>) -> Option<String> {
    joined(reasons.into_iter().flatten().map(Reason::as_str))
}

/// Words of a note, each once, in the order of their first mention; None without any.
pub(in crate::analyses) fn joined(words: impl IntoIterator<Item = &'static str>) -> Option<String> {
    let mut names: Vec<&str> = Vec::new();
    for word in words {
        if !names.contains(&word) {
            names.push(word);
        }
    }
    (!names.is_empty()).then(|| names.join("; "))
}

fn divide(interval: Result<Interval, Reason>, by: f64) -> Option<Interval> {
    interval.ok().map(|interval| Interval { low: interval.low / by, high: interval.high / by })
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Channels that some converted path met, or that have credit.
fn listed(target: &SolvedTarget, model: &SolvedModel) -> Vec<usize> {
    (0..model.channels.len())
        .filter(|channel| {
            target.total.touches[*channel] > 0 || model.channels[*channel].credit_millionths != 0
        })
        .collect()
}

fn stage_attribution(analysis: &Attribution<'_>, solved: &Solved) -> Result<DataFrame, PolarsError> {
    let rules = analysis.context().rules;
    let unit = analysis.context().plan.job.currency.minor_per_unit() as f64;
    let whole = MILLIONTHS as f64;
    let mut keys = Keys::default();
    let (mut touches, mut journeys) = (Vec::<i64>::new(), Vec::<i64>::new());
    let (mut credit, mut credit_share) = (Vec::<f64>::new(), Vec::<Option<f64>>::new());
    let (mut value, mut value_share) = (Vec::<Option<f64>>::new(), Vec::<Option<f64>>::new());
    let (mut credit_bounds, mut value_bounds) = (Bounds::default(), Bounds::default());
    let (mut rank, mut stability) = (Vec::<Option<i64>>::new(), Vec::<Option<f64>>::new());
    let mut notes = Vec::<Option<String>>::new();
    for (index, target) in solved.targets.iter().enumerate() {
        let has_value = rules.targets[index].has_value;
        let total = &target.total;
        let conversions = (total.attributed() + total.net_unattributed()) as f64;
        let booked = (total.attributed_minor() + total.net_unattributed_minor()) as f64;
        let unattributed_minor = total.net_unattributed_minor() as f64;
        for model in &target.models {
            let listed = listed(target, model);
            for channel in listed.iter().copied() {
                let found = &model.channels[channel];
                keys.push(analysis, index, model.model, &rules.channels[channel]);
                touches.push(target.total.touches[channel] as i64);
                journeys.push(target.total.journeys[channel] as i64);
                credit.push(found.credit_millionths as f64 / whole);
                credit_share.push(share(found.credit_millionths as f64 / whole, conversions));
                credit_bounds.push(found.credit_interval.ok());
                value.push(has_value.then(|| found.value_minor as f64 / unit));
                value_share.push(share(found.value_minor as f64, booked).filter(|_| has_value));
                value_bounds.push(divide(found.value_interval, unit).filter(|_| has_value));
                rank.push(Some(found.rank.rank as i64));
                stability.push(Some(found.rank.stability));
                let withheld = found.value_interval.err().filter(|_| has_value && found.value_minor != 0);
                notes.push(note([
                    found.credit_interval.err().filter(|_| found.credit_millionths != 0),
                    withheld,
                ]));
            }
            keys.push(analysis, index, model.model, UNATTRIBUTED);
            touches.push(0);
            journeys.push(target.total.unattributed as i64);
            credit.push(total.net_unattributed() as f64);
            credit_share.push(share(total.net_unattributed() as f64, conversions));
            credit_bounds.push(None);
            value.push(has_value.then(|| unattributed_minor / unit));
            value_share.push(share(unattributed_minor, booked).filter(|_| has_value));
            value_bounds.push(None);
            rank.push(None);
            stability.push(None);
            notes.push(None);
        }
    }
    let level = vec![LEVEL; keys.model.len()];
    let campaign = vec![None::<&str>; keys.model.len()];
    df!(
        "target_kind" => keys.target_kind,
        "target" => keys.target,
        "model" => keys.model,
        "level" => level,
        "channel" => keys.channel,
        "campaign" => campaign,
        "touches" => touches,
        "journeys" => journeys,
        "credit" => credit,
        "credit_low" => credit_bounds.low,
        "credit_high" => credit_bounds.high,
        "credit_share" => credit_share,
        "value" => value,
        "value_low" => value_bounds.low,
        "value_high" => value_bounds.high,
        "value_share" => value_share,
        "rank" => rank,
        "rank_stability" => stability,
        "note" => notes,
    )
}

fn attribution_effects(analysis: &Attribution<'_>, solved: &Solved) -> Result<DataFrame, PolarsError> {
    let rules = analysis.context().rules;
    let unit = analysis.context().plan.job.currency.minor_per_unit() as f64;
    let mut keys = Keys::default();
    let mut effect = Vec::<f64>::new();
    let mut value_effect = Vec::<Option<f64>>::new();
    let (mut bounds, mut value_bounds) = (Bounds::default(), Bounds::default());
    let mut probability = Vec::<Option<f64>>::new();
    let mut notes = Vec::<Option<String>>::new();
    for (index, target) in solved.targets.iter().enumerate() {
        let has_value = rules.targets[index].has_value;
        for model in &target.models {
            let Some(effects) = &model.effects else { continue };
            // Shapley values are money, removal effects are fractions.
            let scale = if model.model == Model::Shapley { unit } else { 1.0 };
            for channel in listed(target, model) {
                let found = &effects.channels[channel];
                keys.push(analysis, index, model.model, &rules.channels[channel]);
                effect.push(found.effect);
                bounds.push(found.interval.ok());
                value_effect.push(found.value_effect.map(|effect| effect / scale).filter(|_| has_value));
                value_bounds.push(divide(found.value_interval, scale).filter(|_| has_value));
                probability.push(effects.conversion_probability);
                let reasons = note([found.interval.err(), found.value_interval.err().filter(|_| has_value)]);
                let beyond = found.beyond_reach.map(|beyond| format!("beyond_reach={beyond:.6}"));
                let parts: Vec<String> = [reasons, beyond].into_iter().flatten().collect();
                notes.push((!parts.is_empty()).then(|| parts.join("; ")));
            }
        }
    }
    df!(
        "target_kind" => keys.target_kind,
        "target" => keys.target,
        "model" => keys.model,
        "channel" => keys.channel,
        "effect" => effect,
        "effect_low" => bounds.low,
        "effect_high" => bounds.high,
        "value_effect" => value_effect,
        "value_effect_low" => value_bounds.low,
        "value_effect_high" => value_bounds.high,
        "conversion_probability" => probability,
        "note" => notes,
    )
}
