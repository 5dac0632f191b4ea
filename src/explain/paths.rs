//! The paths of a journey: which touches led to what, what each earned under each model, and which candidates were
//! left out.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::analyses::attribution::UNATTRIBUTED;
use crate::analyses::attribution::by_path::{PathCredit, PathScratch, given};
use crate::analyses::{Analysis, Attribution, Observed};
use crate::attribution::allocate::{MILLIONTHS, round_to_whole};
use crate::config::plan::{AfterConversion, Currency, Model};
use crate::journey::walk::{ConversionEvent, Touch};
use crate::journey::{Journey, Path, PathEnd, TargetKind, Walk};

use super::error::ExplainError;
use super::locate::{CAMPAIGN_LEVEL, CHANNEL_LEVEL};
use super::money::Given;
use super::rows::{instant_text, local_text};

/// A path of the journey.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ExplainedPath {
    /// `stage` or `conversion`.
    pub target_kind: &'static str,
    /// Name of the target.
    pub target: String,
    /// `converted`, `null`, `refunded_in_part` or `refunded_in_whole`.
    pub end: &'static str,
    /// When it converted, RFC 3339, UTC; None: it didn't, or this is a refund of it.
    pub time: Option<String>,
    /// The same in `job.timezone`.
    pub local_time: Option<String>,
    /// Worth in minor units, of a refund what goes back, below zero; None: the target has no value.
    pub value_minor: Option<i64>,
    /// Its touches by their number in the journey, oldest first.
    pub touches: Vec<PathTouch>,
    /// Touches up to its end that are no part of it.
    pub left_out: Vec<LeftOut>,
    /// By model; empty where the path gives nothing.
    pub models: Vec<ModelCredit>,
}

/// A touch of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PathTouch {
    /// Number in the journey.
    pub row: usize,
    /// Its channel.
    pub channel: String,
}

/// A touch that is no part of a path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// Number in the journey.
    pub row: usize,
    /// `beyond_lookback`, `before_previous_conversion`, `before_lower_stage`, `path_limit` or `merged`.
    pub reason: &'static str,
}

/// What a model makes of a path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCredit {
    /// Which model.
    pub model: &'static str,
    /// What it gives credit to: `touch`, `channel`, or `all_paths` where a single path has none of its own.
    pub unit: &'static str,
    /// By touch or channel, in the order of the path.
    pub shares: Vec<Share>,
}

/// What a touch or channel gets of a path.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Share {
    /// Number of the touch in the journey; None: the model knows channels only.
    pub row: Option<usize>,
    /// The channel.
    pub channel: String,
    /// Its weight, in millionths of the conversion.
    pub weight_millionths: i64,
    /// What it adds to the sums: a refund takes away.
    #[serde(flatten)]
    pub given: Given,
    /// Its money in whole minor units, which sum to those of the path; None: the target has no value.
    pub money_minor: Option<i64>,
}

/// What the journey adds to a row of `stage_attribution`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sum {
    /// `stage` or `conversion`.
    pub target_kind: &'static str,
    /// Name of the target.
    pub target: String,
    /// Which model.
    pub model: &'static str,
    /// `channel` or `campaign`: as in the table, rows of one level add up.
    pub level: &'static str,
    /// The channel, or `(unattributed)`.
    pub channel: String,
    /// The campaign, or `(unattributed)`; None: the row is that of the whole channel.
    pub campaign: Option<String>,
    /// All of its paths.
    #[serde(flatten)]
    pub given: Given,
}

/// By target, model and channel or unit (its number; what is unattributed comes last): credit and value.
type Sums = BTreeMap<(usize, usize, usize), (i128, i128)>;

fn add(sums: &mut Sums, key: (usize, usize, usize), credit: i128, value: i128) {
    let sum = sums.entry(key).or_default();
    *sum = (sum.0 + credit, sum.1 + value);
}

/// A journey under the models of a run.
pub(super) struct Explainer<'a> {
    pub(super) attribution: &'a Attribution<'a>,
    pub(super) journey: &'a Journey<'a>,
    pub(super) walk: &'a Walk,
}

impl Explainer<'_> {
    fn models(&self) -> &[Model] {
        &self.attribution.context().plan.attribution.models
    }

    fn currency_of(&self, target: usize) -> Option<&Currency> {
        let context = self.attribution.context();
        context.rules.targets[target].has_value.then_some(&context.plan.job.currency)
    }

    /// All paths of the journey, and what it adds to the rows of `stage_attribution`.
    ///
    /// # Errors
    /// Where the paths don't add up to what the analysis makes of the journey: a bug.
    pub(super) fn explain(&self) -> Result<(Vec<ExplainedPath>, Vec<Sum>), ExplainError> {
        let (mut sums, mut unit_sums) = (Sums::new(), Sums::new());
        let mut scratch = PathScratch::default();
        let mut nth = vec![0; self.attribution.context().rules.targets.len()];
        let mut paths = Vec::new();
        for path in &self.walk.paths {
            if path.end == PathEnd::Null && path.touches.is_empty() {
                continue;
            }
            let left_out = self.left_out(path, nth[path.target]);
            nth[path.target] += usize::from(matches!(path.end, PathEnd::Converted { .. }));
            paths.push(self.path(path, left_out, &mut sums, &mut scratch));
            self.add_units(path, &mut unit_sums, &mut scratch);
        }
        self.check(&sums)?;
        let by_channel = self.attribution.context().plan.attribution.by.channel;
        let mut shown = if by_channel { self.sums(&sums) } else { Vec::new() };
        shown.extend(self.unit_sums(&unit_sums));
        Ok((paths, shown))
    }

    fn path(
        &self,
        path: &Path,
        left_out: Vec<LeftOut>,
        sums: &mut Sums,
        scratch: &mut PathScratch,
    ) -> ExplainedPath {
        let context = self.attribution.context();
        let target = &context.rules.targets[path.target];
        let (end, time_us) = match path.end {
            PathEnd::Converted { time_us, .. } => ("converted", Some(time_us)),
            PathEnd::Null => ("null", None),
            PathEnd::Refunded { whole: true, .. } => ("refunded_in_whole", None),
            PathEnd::Refunded { whole: false, .. } => ("refunded_in_part", None),
        };
        let touches = &self.walk.on_paths()[path.touches.clone()];
        let gives = given(path.end);
        let models = match gives {
            Some(gives) => (0..self.models().len())
                .map(|model| self.model_credit(path, model, gives, sums, scratch))
                .collect(),
            None => Vec::new(),
        };
        ExplainedPath {
            target_kind: target.kind.as_str(),
            target: target.name.clone(),
            end,
            time: time_us.map(instant_text),
            local_time: time_us.map(|time_us| local_text(time_us, &context.plan.job.timezone)),
            value_minor: gives.map(|(value_minor, _)| value_minor).filter(|_| target.has_value),
            touches: touches
                .iter()
                .map(|touch| PathTouch {
                    row: touch.row as usize + 1,
                    channel: context.rules.channels[usize::from(touch.channel)].clone(),
                })
                .collect(),
            left_out,
            models,
        }
    }

    fn model_credit(
        &self,
        path: &Path,
        model: usize,
        (value_minor, conversions): (i64, i64),
        sums: &mut Sums,
        scratch: &mut PathScratch,
    ) -> ModelCredit {
        let rules = self.attribution.context().rules;
        let currency = self.currency_of(path.target);
        let touches = &self.walk.on_paths()[path.touches.clone()];
        let name = self.models()[model].as_str();
        // By touch or channel: its row, its channel and its weight.
        let (unit, parts): (_, Vec<(Option<usize>, usize, i64)>) = if touches.is_empty() {
            ("touch", vec![(None, rules.channels.len(), MILLIONTHS)])
        } else {
            match self.attribution.credit_of_path(path, self.walk.on_paths(), self.models()[model], scratch) {
                PathCredit::ByTouch(parts) => {
                    let part = |(touch, part): (&Touch, i64)| {
                        (Some(touch.row as usize + 1), usize::from(touch.channel), part)
                    };
                    ("touch", touches.iter().zip(parts).map(part).collect())
                }
                PathCredit::ByChannel(parts) => (
                    "channel",
                    parts.into_iter().map(|(channel, part)| (None, usize::from(channel), part)).collect(),
                ),
                PathCredit::OfAllPaths => ("all_paths", Vec::new()),
            }
        };
        let exact: Vec<(i128, i128)> = parts
            .iter()
            .map(|(.., part)| {
                let part = i128::from(*part);
                (part * i128::from(conversions), part * i128::from(value_minor))
            })
            .collect();
        let values: Vec<i128> = exact.iter().map(|(_, value)| *value).collect();
        let money = round_to_whole(&values, i128::from(MILLIONTHS));
        let mut shares = Vec::with_capacity(parts.len());
        for (at, (row, channel, weight_millionths)) in parts.into_iter().enumerate() {
            let (credit, value) = exact[at];
            add(sums, (path.target, model, channel), credit, value);
            shares.push(Share {
                row,
                channel: rules.channels.get(channel).cloned().unwrap_or_else(|| UNATTRIBUTED.to_owned()),
                weight_millionths,
                given: Given::new(credit, value, currency),
                money_minor: currency.and_then(|_| i64::try_from(money[at]).ok()),
            });
        }
        ModelCredit { model: name, unit, shares }
    }

    /// Adds what a path gives to campaigns, where the run asks for them.
    fn add_units(&self, path: &Path, sums: &mut Sums, scratch: &mut PathScratch) {
        let context = self.attribution.context();
        let Some((value_minor, conversions)) = given(path.end) else { return };
        if !context.plan.attribution.by.campaign {
            return;
        }
        let all = self.walk.on_paths();
        for (index, model) in self.models().iter().enumerate() {
            let parts = match path.touches.is_empty() {
                true => Some(vec![(context.rules.units.all.len() as u32, MILLIONTHS)]),
                false => self.attribution.credit_of_units(path, all, self.journey, *model, scratch),
            };
            for (unit, part) in parts.into_iter().flatten() {
                let (part, key) = (i128::from(part), (path.target, index, unit as usize));
                add(sums, key, part * i128::from(conversions), part * i128::from(value_minor));
            }
        }
    }

    /// Touches up to the end of a path that are no part of it. `nth` counts the conversions of its target before it.
    fn left_out(&self, path: &Path, nth: usize) -> Vec<LeftOut> {
        let rules = self.attribution.context().rules;
        let all = &self.walk.touches;
        let on_path: Vec<u32> =
            self.walk.on_paths()[path.touches.clone()].iter().map(|touch| touch.row).collect();
        // Where the candidates end, the instant that the lookback counts from, and where earlier ones are ruled out.
        let (end, time_us, ruled_out, reason) = match (path.end, rules.targets[path.target].kind) {
            (PathEnd::Refunded { .. }, _) => return Vec::new(),
            (PathEnd::Converted { time_us, .. }, TargetKind::Conversion(conversion)) => {
                let own = self.walk.conversions.iter().filter(|event| event.conversion == conversion);
                let reported = own.clone().enumerate().filter(|(_, event)| rules.in_window(event.time_us));
                let Some((place, event)) = reported.clone().nth(nth) else { return Vec::new() };
                let previous = place.checked_sub(1).and_then(|previous| own.clone().nth(previous));
                let restart = match (rules.after_conversion, previous) {
                    (AfterConversion::Restart, Some(previous)) => self.touches_up_to(previous),
                    _ => 0,
                };
                (event.touches.end, time_us, restart, "before_previous_conversion")
            }
            (PathEnd::Converted { time_us, .. }, TargetKind::Stage(stage)) => {
                let entry = self.walk.entries[stage].unwrap_or(u32::MAX);
                let end = all.partition_point(|touch| touch.row <= entry);
                (end, time_us, self.touches_up_to_lower_entry(stage, entry), "before_lower_stage")
            }
            (PathEnd::Null, kind) => {
                let Some(last) = all.last() else { return Vec::new() };
                let (ruled_out, reason) = match kind {
                    TargetKind::Conversion(conversion) => {
                        let own = self.walk.conversions.iter().filter(|event| event.conversion == conversion);
                        (
                            own.map(|event| self.touches_up_to(event)).max().unwrap_or(0),
                            "before_previous_conversion",
                        )
                    }
                    TargetKind::Stage(stage) => {
                        (self.touches_up_to_lower_entry(stage, u32::MAX), "before_lower_stage")
                    }
                };
                (all.len(), last.time_us, ruled_out, reason)
            }
        };
        let earliest_us = time_us.saturating_sub(rules.lookback_us);
        let candidates = all[..end]
            .iter()
            .enumerate()
            .filter(|(at, touch)| touch.time_us >= earliest_us && *at >= ruled_out)
            .count();
        let cut = candidates.saturating_sub(rules.max_path_touches);
        let mut seen = 0;
        let mut left_out = Vec::new();
        for (at, touch) in all[..end].iter().enumerate() {
            let reason = if touch.time_us < earliest_us {
                "beyond_lookback"
            } else if at < ruled_out {
                reason
            } else {
                seen += 1;
                if on_path.contains(&touch.row) {
                    continue;
                }
                if seen <= cut { "path_limit" } else { "merged" }
            };
            if !on_path.contains(&touch.row) {
                left_out.push(LeftOut { row: touch.row as usize + 1, reason });
            }
        }
        left_out
    }

    /// Number of touches up to a conversion, its own row included where that is a touch.
    fn touches_up_to(&self, event: &ConversionEvent) -> usize {
        let end = event.touches.end;
        let is_own = |touch: &&Touch| {
            let code = self.journey.rows[touch.row as usize].code;
            let facts = &self.attribution.context().rules.facts[code as usize];
            touch.time_us == event.time_us && facts.conversions >> event.conversion & 1 == 1
        };
        end + usize::from(self.walk.touches.get(end).filter(is_own).is_some())
    }

    /// Number of touches up to the latest entry into a lower stage before a row.
    fn touches_up_to_lower_entry(&self, stage: usize, row: u32) -> usize {
        let lower = self.walk.entries[..stage].iter().flatten().filter(|entry| **entry < row).max();
        lower.map_or(0, |entry| self.walk.touches.partition_point(|touch| touch.row <= *entry))
    }

    /// Compares the sums with what the analysis, which the tables come from, makes of the same journey.
    fn check(&self, sums: &Sums) -> Result<(), ExplainError> {
        let mut partial = self.attribution.partial();
        let observed = Observed { journey: self.journey, walk: self.walk, segments: &[] };
        Analysis::observe(self.attribution, observed, &mut partial);
        self.attribution.close(&mut partial);
        let channels = self.attribution.context().rules.channels.len();
        for ((target, model, channel), (credit, value)) in sums {
            let cells = &partial.targets[*target];
            let (booked, booked_value) = if *channel == channels {
                (
                    cells.net_unattributed() * MILLIONTHS,
                    cells.net_unattributed_minor() * i128::from(MILLIONTHS),
                )
            } else {
                let at = model * channels + channel;
                (cells.credit_millionths[at], cells.value_minor_millionths[at])
            };
            if *credit != i128::from(booked) {
                return Err(ExplainError::Disagrees { sum: *credit, figure: i128::from(booked) });
            }
            if *value != booked_value {
                return Err(ExplainError::Disagrees { sum: *value, figure: booked_value });
            }
        }
        Ok(())
    }

    fn sums(&self, sums: &Sums) -> Vec<Sum> {
        let rules = self.attribution.context().rules;
        sums.iter()
            .map(|((target, model, channel), (credit, value))| Sum {
                target_kind: rules.targets[*target].kind.as_str(),
                target: rules.targets[*target].name.clone(),
                model: self.models()[*model].as_str(),
                level: CHANNEL_LEVEL,
                channel: rules.channels.get(*channel).map_or(UNATTRIBUTED, String::as_str).to_owned(),
                campaign: None,
                given: Given::new(*credit, *value, self.currency_of(*target)),
            })
            .collect()
    }

    fn unit_sums(&self, sums: &Sums) -> Vec<Sum> {
        let rules = self.attribution.context().rules;
        sums.iter()
            .map(|((target, model, unit), (credit, value))| {
                let unit = rules.units.all.get(*unit);
                let channel = unit.map_or(UNATTRIBUTED, |unit| &rules.channels[usize::from(unit.channel)]);
                Sum {
                    target_kind: rules.targets[*target].kind.as_str(),
                    target: rules.targets[*target].name.clone(),
                    model: self.models()[*model].as_str(),
                    level: CAMPAIGN_LEVEL,
                    channel: channel.to_owned(),
                    campaign: Some(unit.map_or(UNATTRIBUTED, |unit| &unit.campaign).to_owned()),
                    given: Given::new(*credit, *value, self.currency_of(*target)),
                }
            })
            .collect()
    }
}
