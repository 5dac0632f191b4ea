//! The tables `stage_attribution` and `attribution_effects`.

use polars::prelude::{DataFrame, PolarsError, df};

use crate::attribution::allocate::MILLIONTHS;
use crate::config::plan::Model;
use crate::journey::Unit;
use crate::stats::{Interval, Reason};

use super::super::{Context, NamedFrame};
use super::solve::{Solved, SolvedModel, SolvedTarget};
use super::{Attribution, UNATTRIBUTED};

/// Level of rows by channel.
const CHANNEL: &str = "channel";
/// Level of rows by channel and campaign.
const CAMPAIGN: &str = "campaign";

/// Note of rows whose credit doesn't add up to the conversions.
pub(in crate::analyses) const NOT_ADDITIVE: &str = "not_additive";

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

/// A note that begins with what must be known of a model.
fn model_note(model: Model, reasons: Option<String>) -> Option<String> {
    match (model.is_additive(), reasons) {
        (true, reasons) => reasons,
        (false, None) => Some(NOT_ADDITIVE.to_owned()),
        (false, Some(reasons)) => Some(format!("{NOT_ADDITIVE}; {reasons}")),
    }
}

fn divide(interval: Result<Interval, Reason>, by: f64) -> Option<Interval> {
    interval.ok().map(|interval| Interval { low: interval.low / by, high: interval.high / by })
}

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Channels that some converted path met, or that have credit or value: a refund may take back what a conversion
/// before the window has brought.
fn listed(target: &SolvedTarget, model: &SolvedModel) -> Vec<usize> {
    (0..model.channels.len())
        .filter(|channel| {
            let found = &model.channels[*channel];
            target.total.touches[*channel] > 0 || found.credit_millionths != 0 || found.value_minor != 0
        })
        .collect()
}

/// Rows of `stage_attribution` as they are added.
#[derive(Default)]
struct Rows {
    keys: Keys,
    level: Vec<&'static str>,
    campaign: Vec<Option<String>>,
    touches: Vec<i64>,
    journeys: Vec<i64>,
    credit: Vec<Option<f64>>,
    credit_bounds: Bounds,
    credit_share: Vec<Option<f64>>,
    value: Vec<Option<f64>>,
    value_bounds: Bounds,
    value_share: Vec<Option<f64>>,
    rank: Vec<Option<i64>>,
    stability: Vec<Option<f64>>,
    notes: Vec<Option<String>>,
}

/// What stands beside the keys of a row.
struct Figures {
    touches: u64,
    journeys: u64,
    credit_millionths: i64,
    credit_interval: Result<Interval, Reason>,
    value_minor: i128,
    value_interval: Result<Interval, Reason>,
    /// None in the row of what is unattributed.
    rank: Option<u64>,
    stability: Option<f64>,
}

/// What the figures of a target and model are shares and units of.
struct Scale {
    model: Model,
    /// Why the model gives no figures.
    withheld: Option<Reason>,
    has_value: bool,
    /// Conversions.
    credit: f64,
    /// Minor units.
    value: f64,
    minor_per_unit: f64,
}

impl Rows {
    fn push(&mut self, level: &'static str, campaign: Option<&str>, scale: &Scale, figures: &Figures) {
        let Scale { model, minor_per_unit, .. } = *scale;
        let attributed = figures.rank.is_some();
        // What is unattributed is so under every model.
        let withheld = scale.withheld.filter(|_| attributed);
        let has_figures = withheld.is_none();
        let has_value = scale.has_value && has_figures;
        let credit = figures.credit_millionths as f64 / MILLIONTHS as f64;
        let value = figures.value_minor as f64;
        // A share of what doesn't add up is none.
        let share = |part: f64, whole: f64| share(part, whole).filter(|_| model.is_additive() && has_figures);
        self.level.push(level);
        self.campaign.push(campaign.map(str::to_owned));
        self.touches.push(figures.touches as i64);
        self.journeys.push(figures.journeys as i64);
        self.credit.push(has_figures.then_some(credit));
        self.credit_bounds.push(figures.credit_interval.ok());
        self.credit_share.push(share(credit, scale.credit));
        self.value.push(has_value.then_some(value / minor_per_unit));
        self.value_bounds.push(divide(figures.value_interval, minor_per_unit).filter(|_| has_value));
        self.value_share.push(share(value, scale.value).filter(|_| has_value));
        self.rank.push(figures.rank.map(|rank| rank as i64).filter(|_| has_figures));
        self.stability.push(figures.stability.filter(|_| has_figures));
        let unbounded =
            figures.value_interval.err().filter(|_| attributed && has_value && figures.value_minor != 0);
        let missing = figures.credit_interval.err().filter(|_| attributed && figures.credit_millionths != 0);
        self.notes.push(model_note(model, note([withheld, missing, unbounded])));
    }

    fn frame(self) -> Result<DataFrame, PolarsError> {
        df!(
            "target_kind" => self.keys.target_kind,
            "target" => self.keys.target,
            "model" => self.keys.model,
            "level" => self.level,
            "channel" => self.keys.channel,
            "campaign" => self.campaign,
            "touches" => self.touches,
            "journeys" => self.journeys,
            "credit" => self.credit,
            "credit_low" => self.credit_bounds.low,
            "credit_high" => self.credit_bounds.high,
            "credit_share" => self.credit_share,
            "value" => self.value,
            "value_low" => self.value_bounds.low,
            "value_high" => self.value_bounds.high,
            "value_share" => self.value_share,
            "rank" => self.rank,
            "rank_stability" => self.stability,
            "note" => self.notes,
        )
    }
}

fn stage_attribution(analysis: &Attribution<'_>, solved: &Solved) -> Result<DataFrame, PolarsError> {
    let Context { plan, rules, .. } = analysis.context();
    let mut rows = Rows::default();
    for (index, target) in solved.targets.iter().enumerate() {
        let total = &target.total;
        for (at, model) in target.models.iter().enumerate() {
            let scale = Scale {
                model: model.model,
                withheld: model.withheld,
                has_value: rules.targets[index].has_value,
                credit: (total.attributed() + total.net_unattributed()) as f64,
                value: (total.attributed_minor() + total.net_unattributed_minor()) as f64,
                minor_per_unit: plan.job.currency.minor_per_unit() as f64,
            };
            let unattributed = Figures {
                touches: 0,
                journeys: total.unattributed,
                credit_millionths: total.net_unattributed() * MILLIONTHS,
                credit_interval: Err(Reason::Undefined),
                value_minor: total.net_unattributed_minor(),
                value_interval: Err(Reason::Undefined),
                rank: None,
                stability: None,
            };
            if plan.attribution.by.channel {
                for channel in listed(target, model) {
                    let found = &model.channels[channel];
                    let figures = Figures {
                        touches: total.touches[channel],
                        journeys: total.journeys[channel],
                        credit_millionths: found.credit_millionths,
                        credit_interval: found.credit_interval,
                        value_minor: found.value_minor,
                        value_interval: found.value_interval,
                        rank: Some(found.rank.rank as u64),
                        stability: Some(found.rank.stability),
                    };
                    rows.keys.push(analysis, index, model.model, &rules.channels[channel]);
                    rows.push(CHANNEL, None, &scale, &figures);
                }
                rows.keys.push(analysis, index, model.model, UNATTRIBUTED);
                rows.push(CHANNEL, None, &scale, &unattributed);
            }
            if let Some(units) = &target.units {
                for unit in units.listed(at) {
                    let found = &units.models[at][unit];
                    let figures = Figures {
                        touches: units.touches[unit],
                        journeys: units.journeys[unit],
                        credit_millionths: found.credit_millionths,
                        credit_interval: found.credit_interval,
                        value_minor: found.value_minor,
                        value_interval: found.value_interval,
                        rank: Some(found.rank),
                        stability: None,
                    };
                    let Unit { channel, campaign } = &rules.units.all[unit];
                    rows.keys.push(analysis, index, model.model, &rules.channels[usize::from(*channel)]);
                    rows.push(CAMPAIGN, Some(campaign), &scale, &figures);
                }
                rows.keys.push(analysis, index, model.model, UNATTRIBUTED);
                rows.push(CAMPAIGN, Some(UNATTRIBUTED), &scale, &unattributed);
            }
        }
    }
    rows.frame()
}

fn attribution_effects(analysis: &Attribution<'_>, solved: &Solved) -> Result<DataFrame, PolarsError> {
    let rules = analysis.context().rules;
    let unit = analysis.context().plan.job.currency.minor_per_unit() as f64;
    let mut keys = Keys::default();
    let mut effect = Vec::<Option<f64>>::new();
    let (mut value_effect, mut beyond) = (Vec::<Option<f64>>::new(), Vec::<Option<f64>>::new());
    let (mut bounds, mut value_bounds, mut beyond_bounds) =
        (Bounds::default(), Bounds::default(), Bounds::default());
    let mut sampling_error = Vec::<Option<f64>>::new();
    let mut probability = Vec::<Option<f64>>::new();
    let mut notes = Vec::<Option<String>>::new();
    for (index, target) in solved.targets.iter().enumerate() {
        let has_value = rules.targets[index].has_value;
        for model in &target.models {
            let Some(effects) = &model.effects else { continue };
            // Shapley values are money, removal effects are fractions.
            let scale = if model.model == Model::Shapley { unit } else { 1.0 };
            for (channel, found) in effects.channels.iter().enumerate() {
                // What no path met has no effect. What only null paths met can have one, also below 0.
                if found.effect == Ok(0.0) && target.total.touches[channel] == 0 {
                    continue;
                }
                keys.push(analysis, index, model.model, &rules.channels[channel]);
                effect.push(found.effect.ok());
                bounds.push(found.interval.ok());
                value_effect.push(found.value_effect.map(|effect| effect / scale).filter(|_| has_value));
                value_bounds.push(divide(found.value_interval, scale).filter(|_| has_value));
                probability.push(effects.conversion_probability);
                beyond.push(found.beyond_reach);
                beyond_bounds.push(found.beyond_reach_interval.ok());
                sampling_error.push(found.sampling_error);
                let value_reason = found.value_interval.err().filter(|_| has_value && found.effect.is_ok());
                let beyond_reason =
                    found.beyond_reach_interval.err().filter(|_| found.beyond_reach.is_some());
                notes.push(note([found.interval.err(), value_reason, beyond_reason]));
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
        "effect_beyond_reach" => beyond,
        "effect_beyond_reach_low" => beyond_bounds.low,
        "effect_beyond_reach_high" => beyond_bounds.high,
        "effect_sampling_error" => sampling_error,
        "conversion_probability" => probability,
        "note" => notes,
    )
}
