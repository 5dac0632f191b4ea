//! A second implementation of the kernel, as naive as can be, against the first.
//!
//! It follows the definitions word by word over plain rows: one customer after the other, one target
//! after the other, each question asked of all rows again. Credit in floats, the Markov chain by removing
//! a channel and solving again, Shapley values over all subsets. It shares no code with the kernel beyond
//! the reading of the configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use touchline::analyses::attribution::solve::{SolvedModel, SolvedTarget};
use touchline::config::plan::Model;
use touchline::engine::memory::MemoryAttribution;
use touchline::engine::work;
use touchline::journey::Rules;

use crate::journeys::{
    CONVERSIONS, DIRECT, EVENT_ORDER, HOUR_US, METRIC_HOURS, Row, STAGE_RULES, START_US, Settings,
    TOUCH_EVENTS, WINDOW_DAYS, memory, rows, settings,
};

const FROM_US: i64 = START_US + WINDOW_DAYS.0 * 24 * HOUR_US;
const TO_US: i64 = START_US + WINDOW_DAYS.1 * 24 * HOUR_US;
pub const NO_CHANNEL: &str = "(none)";
const NO_CAMPAIGN: &str = "(none)";

/// Instant, channel and campaign; and how often the path met the channel, where that makes another state.
type NaiveTouch = (i64, &'static str, &'static str, usize);

/// A state of the chain: a channel, and how often it was met.
type NaiveState = (&'static str, usize);

/// The touches that led to a target, oldest first.
#[derive(Debug, Clone)]
pub struct NaivePath {
    /// Instant and worth in minor units; None for a null path.
    pub end: Option<(i64, i64)>,
    pub touches: Vec<NaiveTouch>,
}

/// Entered, progressed and immature, of one stage.
type StageCounts = [i64; 3];

/// Everything that is asked about a set of rows.
pub struct Naive<'s> {
    settings: &'s Settings,
    /// By target: stages, then conversions.
    pub paths: Vec<Vec<NaivePath>>,
    funnel: Vec<StageCounts>,
}

impl<'s> Naive<'s> {
    pub fn of(settings: &'s Settings, rows: &[Row]) -> Self {
        let stages = STAGE_RULES[settings.stage_rules].len();
        let mut naive = Naive {
            settings,
            paths: vec![Vec::new(); stages + CONVERSIONS.len()],
            funnel: vec![[0; 3]; stages],
        };
        // What is read before the window: the longest of lookback, stage window and metric window.
        let stage_window_hours = settings.stage_window_hours.unwrap_or(0);
        let history_us = settings.lookback_hours.max(stage_window_hours).max(METRIC_HOURS) * HOUR_US;
        for own in customers(settings, rows, FROM_US - history_us..TO_US) {
            naive.journey(&own);
        }
        naive
    }

    pub fn is_touch(&self, row: &Row) -> bool {
        if self.settings.touches_by_rule {
            return TOUCH_EVENTS.contains(&row.event);
        }
        let converts = CONVERSIONS.iter().any(|(_, events, _)| events.contains(&row.event));
        row.channel.is_some() && !converts
    }

    /// The touches among these positions that lie in the lookback before an instant, the last so many.
    fn touches(
        &self,
        rows: &[&Row],
        positions: impl Iterator<Item = usize>,
        until_us: i64,
    ) -> Vec<NaiveTouch> {
        let lookback_us = self.settings.lookback_hours * HOUR_US;
        let mut touches: Vec<NaiveTouch> = positions
            .map(|position| rows[position])
            .filter(|row| self.is_touch(row) && row.time_us >= until_us - lookback_us)
            .map(|row| {
                let campaign = row.campaign.unwrap_or(NO_CAMPAIGN);
                (row.time_us, row.channel.unwrap_or(NO_CHANNEL), campaign, 1)
            })
            .collect();
        let surplus = touches.len().saturating_sub(self.settings.max_path_touches);
        touches.drain(..surplus);
        match self.settings.path {
            "unique" => {}
            "exposure" => touches.dedup_by_key(|touch| touch.1),
            "first" => {
                let mut met = BTreeSet::new();
                touches.retain(|touch| met.insert(touch.1));
            }
            "frequency" => {
                let all = touches.clone();
                let mut met = BTreeSet::new();
                touches.retain(|touch| met.insert(touch.1));
                for touch in &mut touches {
                    touch.3 = all.iter().filter(|other| other.1 == touch.1).count();
                }
            }
            other => panic!("no path is called {other}"),
        }
        touches
    }

    fn null_path(&mut self, target: usize, rows: &[&Row], from: usize) {
        let last = (from..rows.len()).rfind(|position| self.is_touch(rows[*position]));
        let Some(last) = last.filter(|_| self.settings.null_paths) else { return };
        let last_us = rows[last].time_us;
        if in_window(last_us) {
            let touches = self.touches(rows, from..rows.len(), last_us);
            self.paths[target].push(NaivePath { end: None, touches });
        }
    }

    fn journey(&mut self, rows: &[&Row]) {
        let stages = STAGE_RULES[self.settings.stage_rules];
        for (index, (_, events, fixed_minor)) in CONVERSIONS.iter().enumerate() {
            let target = stages.len() + index;
            let mut previous = None;
            for position in 0..rows.len() {
                let row = rows[position];
                if !events.contains(&row.event) {
                    continue;
                }
                let from =
                    previous.filter(|_| self.settings.restart).map_or(0, |previous: usize| previous + 1);
                if in_window(row.time_us) {
                    let touches = self.touches(rows, from..position, row.time_us);
                    let worth = fixed_minor.unwrap_or(row.amount_minor.unwrap_or(0));
                    self.paths[target].push(NaivePath { end: Some((row.time_us, worth)), touches });
                }
                previous = Some(position);
            }
            self.null_path(target, rows, previous.map_or(0, |previous| previous + 1));
        }

        let entries = self.entries(rows);
        let window_us = self.settings.stage_window_hours.map(|hours| hours * HOUR_US);
        let entered_us = |stage: usize| -> Option<i64> { Some(rows[(*entries.get(stage)?)?].time_us) };
        let is_over = match (window_us, entered_us(0)) {
            (Some(window_us), Some(first_us)) => first_us + window_us <= TO_US,
            _ => true,
        };
        for stage in 0..stages.len() {
            let lower = |before: usize| {
                entries[..stage].iter().flatten().copied().filter(move |at| *at < before).max()
            };
            match entries[stage] {
                Some(entry) if in_window(rows[entry].time_us) => {
                    let from = lower(entry).map_or(0, |lower| lower + 1);
                    let touches = self.touches(rows, from..entry + 1, rows[entry].time_us);
                    self.paths[stage].push(NaivePath { end: Some((rows[entry].time_us, 0)), touches });
                }
                Some(_) => {}
                None if stage == 0 => self.null_path(stage, rows, 0),
                None if entries[stage - 1].is_some() && is_over => {
                    self.null_path(stage, rows, lower(rows.len()).map_or(0, |lower| lower + 1));
                }
                None => {}
            }
            let Some(now_us) = entered_us(stage).filter(|now_us| in_window(*now_us)) else { continue };
            let progressed = entered_us(stage + 1).is_some_and(|next_us| next_us >= now_us);
            let ends_us = window_us.map(|window_us| entered_us(0).unwrap_or(now_us) + window_us);
            let immature = ends_us.is_some_and(|ends_us| ends_us > TO_US);
            let progressed = progressed && !immature;
            let counts = &mut self.funnel[stage];
            counts[0] += 1;
            counts[1] += i64::from(progressed);
            counts[2] += i64::from(immature);
        }
    }

    /// Positions of the rows that entered each stage.
    fn entries(&self, rows: &[&Row]) -> Vec<Option<usize>> {
        let stages = STAGE_RULES[self.settings.stage_rules];
        let window_us = self.settings.stage_window_hours.map_or(i64::MAX, |hours| hours * HOUR_US);
        let mut entries: Vec<Option<usize>> = vec![None; stages.len()];
        for (stage, (_, events)) in stages.iter().enumerate() {
            let first_us = entries[0].map(|first| rows[first].time_us);
            let previous_us = match (self.settings.ordered, stage.checked_sub(1)) {
                (true, Some(previous)) => match entries[previous] {
                    Some(previous) => rows[previous].time_us,
                    None => break,
                },
                _ => i64::MIN,
            };
            let taken = |position: usize| self.settings.ordered && entries.contains(&Some(position));
            let found = (0..rows.len()).find(|position| {
                events.contains(&rows[*position].event)
                    && rows[*position].time_us >= previous_us
                    && !taken(*position)
            });
            let in_time = |position: &usize| {
                first_us.is_none_or(|first_us| rows[*position].time_us - first_us < window_us)
            };
            entries[stage] = found.filter(in_time);
        }
        entries
    }

    fn converted(&self, target: usize) -> impl Iterator<Item = (i64, i64, &NaivePath)> {
        self.paths[target].iter().filter_map(|path| path.end.map(|(time_us, worth)| (time_us, worth, path)))
    }

    /// Weights of the touches of one conversion.
    fn weights(&self, model: Model, time_us: i64, touches: &[NaiveTouch]) -> Vec<f64> {
        let count = touches.len();
        let (first, last) = self.settings.position;
        let only = |chosen: usize| (0..count).map(|index| f64::from(u8::from(index == chosen))).collect();
        let weights: Vec<f64> = match model {
            Model::FirstTouch => only(0),
            Model::LastTouch => only(count - 1),
            Model::LastNonDirect => {
                only(touches.iter().rposition(|touch| touch.1 != DIRECT).unwrap_or(count - 1))
            }
            Model::Linear => vec![1.0; count],
            Model::Position if count == 1 => vec![1.0],
            Model::Position if count == 2 => vec![first, last],
            Model::Position => (0..count)
                .map(|index| match index {
                    0 => first,
                    index if index == count - 1 => last,
                    _ => (1.0 - first - last) / (count - 2) as f64,
                })
                .collect(),
            Model::TimeDecay => {
                let half_life_us = (self.settings.half_life_hours * HOUR_US) as f64;
                let age_us = |touch: &NaiveTouch| (time_us - touch.0) as f64;
                touches.iter().map(|touch| 0.5_f64.powf(age_us(touch) / half_life_us)).collect()
            }
            Model::Markov | Model::Shapley | Model::Participation => unreachable!("not touch by touch"),
        };
        let sum: f64 = weights.iter().sum();
        weights.iter().map(|weight| weight / sum).collect()
    }

    /// Removal effects on conversions and, where there is value, on value.
    fn removal_effects(&self, target: usize) -> BTreeMap<&'static str, (f64, Option<f64>)> {
        let paths: Vec<&NaivePath> =
            self.paths[target].iter().filter(|path| !path.touches.is_empty()).collect();
        let channels: BTreeSet<&'static str> =
            paths.iter().flat_map(|path| &path.touches).map(|touch| touch.1).collect();
        let [whole, whole_value] = solve_chain(&paths, None);
        if whole <= 0.0 {
            return BTreeMap::new();
        }
        let effect_of = |channel: &'static str| {
            let [without, without_value] = solve_chain(&paths, Some(channel));
            let value_effect = (whole_value > 0.0).then(|| 1.0 - without_value / whole_value);
            (channel, (1.0 - without / whole, value_effect))
        };
        channels.into_iter().map(effect_of).collect()
    }

    /// Shapley values of conversions and of value, by definition.
    fn shapley(&self, target: usize) -> BTreeMap<&'static str, [f64; 2]> {
        let sets: Vec<(BTreeSet<&'static str>, f64)> = self
            .converted(target)
            .filter(|(_, _, path)| !path.touches.is_empty())
            .map(|(_, worth, path)| (path.touches.iter().map(|touch| touch.1).collect(), worth as f64))
            .collect();
        let players: Vec<&'static str> =
            sets.iter().flat_map(|(set, _)| set).copied().collect::<BTreeSet<_>>().into_iter().collect();
        let characteristic = |coalition: &BTreeSet<&'static str>| -> [f64; 2] {
            let within = || sets.iter().filter(|(set, _)| set.is_subset(coalition));
            [within().count() as f64, within().map(|(_, worth)| worth).sum()]
        };
        let factorial = |n: usize| (1..=n).map(|factor| factor as f64).product::<f64>();
        let mut values: BTreeMap<&'static str, [f64; 2]> = BTreeMap::new();
        for subset in 0..1_u32 << players.len() {
            let coalition: BTreeSet<&'static str> =
                (0..players.len()).filter(|at| subset >> at & 1 == 1).map(|at| players[at]).collect();
            let before = characteristic(&coalition);
            for player in players.iter().filter(|player| !coalition.contains(*player)) {
                let mut joined = coalition.clone();
                joined.insert(player);
                let after = characteristic(&joined);
                let weight = factorial(coalition.len()) * factorial(players.len() - coalition.len() - 1)
                    / factorial(players.len());
                let value = values.entry(player).or_default();
                value[0] += weight * (after[0] - before[0]);
                value[1] += weight * (after[1] - before[1]);
            }
        }
        values
    }
}

/// Rows by customer, in order, of those that are read.
pub fn customers<'r>(settings: &Settings, rows: &'r [Row], read: Range<i64>) -> Vec<Vec<&'r Row>> {
    let mut customers: BTreeMap<u8, Vec<&Row>> = BTreeMap::new();
    for row in rows.iter().filter(|row| read.contains(&row.time_us)) {
        customers.entry(row.customer).or_default().push(row);
    }
    for own in customers.values_mut() {
        own.sort_by_key(|row| {
            let listed = EVENT_ORDER.iter().position(|event| *event == row.event);
            let rank = listed.filter(|_| settings.event_order).unwrap_or(usize::MAX);
            let campaign = row.campaign.filter(|_| settings.by_campaign);
            (row.time_us, rank, row.event_id, row.event, row.channel, campaign, row.amount_minor)
        });
    }
    customers.into_values().collect()
}

pub fn in_window(time_us: i64) -> bool {
    (FROM_US..TO_US).contains(&time_us)
}

/// Probability to convert and expected value from the start of the chain, without a channel: whoever would
/// reach it is lost. By elimination on the equations of the remaining channels.
fn solve_chain(paths: &[&NaivePath], removed: Option<&str>) -> [f64; 2] {
    let start = ("(start)", 0);
    let mut moves: BTreeMap<(NaiveState, NaiveState), f64> = BTreeMap::new();
    let mut conversions: BTreeMap<NaiveState, Vec<f64>> = BTreeMap::new();
    let mut totals: BTreeMap<NaiveState, f64> = BTreeMap::new();
    for path in paths {
        let mut from = start;
        for to in path.touches.iter().map(|touch| (touch.1, touch.3)) {
            *moves.entry((from, to)).or_default() += 1.0;
            *totals.entry(from).or_default() += 1.0;
            from = to;
        }
        *totals.entry(from).or_default() += 1.0;
        if let Some((_, worth)) = path.end {
            conversions.entry(from).or_default().push(worth as f64);
        }
    }
    let states: Vec<NaiveState> =
        totals.keys().copied().filter(|(channel, _)| Some(*channel) != removed).collect();
    let share =
        |from: NaiveState, to: NaiveState| moves.get(&(from, to)).copied().unwrap_or(0.0) / totals[&from];
    [false, true].map(|valued| {
        // x = R + Q x, as (I − Q | R).
        let mut rows: Vec<Vec<f64>> = states
            .iter()
            .map(|from| {
                let mut row: Vec<f64> =
                    states.iter().map(|to| f64::from(u8::from(from == to)) - share(*from, *to)).collect();
                let ends = conversions.get(from).map_or(&[][..], Vec::as_slice);
                let mean = ends.iter().sum::<f64>() / ends.len().max(1) as f64;
                let reward = if valued { mean } else { 1.0 };
                row.push(ends.len() as f64 / totals[from] * reward);
                row
            })
            .collect();
        let size = states.len();
        for column in 0..size {
            let pivot = (column..size)
                .max_by(|one, other| rows[*one][column].abs().total_cmp(&rows[*other][column].abs()))
                .unwrap_or(column);
            rows.swap(column, pivot);
            let pivot_row = rows[column].clone();
            for other in (0..size).filter(|other| *other != column) {
                let factor = rows[other][column] / pivot_row[column];
                rows[other].iter_mut().zip(&pivot_row).for_each(|(cell, pivot)| *cell -= factor * pivot);
            }
        }
        let start = states.iter().position(|state| *state == start);
        start.map_or(0.0, |start| rows[start][size] / rows[start][start])
    })
}

/// A figure by channel, with how far the kernel may be off.
#[derive(Default, Clone, Copy, Debug)]
struct Expected {
    credit: f64,
    credit_slack: f64,
    value: f64,
    value_slack: f64,
}

/// Credit of a model by channel. Whole millionths are off by less than one per touch, values by as much of
/// their worth, and once by a cent.
fn expected(naive: &Naive<'_>, target: usize, model: Model) -> BTreeMap<&'static str, Expected> {
    let mut found: BTreeMap<&'static str, Expected> = BTreeMap::new();
    let attributed = || naive.converted(target).filter(|(_, _, path)| !path.touches.is_empty());
    match model {
        Model::Markov => {
            let effects = naive.removal_effects(target);
            let conversions = attributed().count() as f64;
            let worth: f64 = attributed().map(|(_, worth, _)| worth as f64).sum();
            let sum: f64 = effects.values().map(|effect| effect.0).sum();
            let value_sum: f64 = effects.values().filter_map(|effect| effect.1).sum();
            for (channel, (effect, value_effect)) in effects {
                let credit = effect / sum * conversions;
                let value = value_effect.map_or(0.0, |effect| effect / value_sum * worth);
                let credit_slack = 1e-6 + 1e-8 * conversions;
                found.insert(
                    channel,
                    Expected { credit, credit_slack, value, value_slack: 1.0 + 1e-8 * worth },
                );
            }
        }
        Model::Shapley => {
            for (channel, [credit, value]) in naive.shapley(target) {
                found.insert(channel, Expected { credit, value, ..Expected::default() });
            }
            for (_, worth, path) in attributed() {
                let set: BTreeSet<&'static str> = path.touches.iter().map(|touch| touch.1).collect();
                for channel in set {
                    let figures = found.entry(channel).or_default();
                    figures.credit_slack += 1e-6;
                    figures.value_slack += worth as f64 * 1e-6;
                }
            }
        }
        Model::Participation => {
            for (_, worth, path) in attributed() {
                let met: BTreeSet<&'static str> = path.touches.iter().map(|touch| touch.1).collect();
                for channel in met {
                    let figures = found.entry(channel).or_default();
                    figures.credit += 1.0;
                    figures.value += worth as f64;
                }
            }
        }
        _ => {
            for (time_us, worth, path) in attributed() {
                let weights = naive.weights(model, time_us, &path.touches);
                for ((_, channel, ..), weight) in path.touches.iter().zip(weights) {
                    let figures = found.entry(channel).or_default();
                    figures.credit += weight;
                    figures.credit_slack += 1e-6;
                    figures.value += weight * worth as f64;
                    figures.value_slack += worth as f64 * 1e-6;
                }
            }
        }
    }
    found
}

#[track_caller]
fn assert_near(found: f64, expected: f64, slack: f64, what: &str) {
    assert!((found - expected).abs() <= slack, "{what}: {found} instead of {expected} ± {slack}");
}

fn compare_model(naive: &Naive<'_>, target: usize, model: &SolvedModel, channels: &[String], name: &str) {
    let expected = expected(naive, target, model.model);
    let names: BTreeSet<&str> = channels.iter().map(String::as_str).collect();
    assert!(expected.keys().all(|channel| names.contains(channel)), "{names:?} lack some of {expected:?}");
    for (channel, found) in channels.iter().zip(&model.channels) {
        let wanted = expected.get(channel.as_str()).copied().unwrap_or_default();
        let what = format!("{name}, {}, {channel}", model.model.as_str());
        let credit = found.credit_millionths as f64 / 1e6;
        assert_near(credit, wanted.credit, wanted.credit_slack + 1e-9, &what);
        let value_slack = wanted.value_slack + if wanted.value == 0.0 { 0.0 } else { 1.0 };
        assert_near(found.value_minor as f64, wanted.value, value_slack, &format!("value of {what}"));
    }
    if model.model != Model::Markov {
        return;
    }
    let wanted = naive.removal_effects(target);
    let Some(effects) = &model.effects else {
        assert!(wanted.is_empty(), "{name}: no effects instead of {wanted:?}");
        return;
    };
    for (channel, found) in channels.iter().zip(&effects.channels) {
        let (effect, value_effect) = wanted.get(channel.as_str()).copied().unwrap_or((0.0, None));
        let slack = |figure: f64| 1e-9 * figure.abs() + 1e-12;
        assert_near(
            found.effect.unwrap_or(0.0),
            effect,
            slack(effect),
            &format!("effect of {channel} on {name}"),
        );
        let value_effect = value_effect.unwrap_or(0.0);
        let what = format!("value effect of {channel} on {name}");
        assert_near(found.value_effect.unwrap_or(0.0), value_effect, slack(value_effect), &what);
    }
}

/// A campaign under a channel.
type NaiveUnit = (&'static str, &'static str);

/// Touch by touch, credit of campaigns; linear credit too where a channel's credit is split by it.
fn expected_units(naive: &Naive<'_>, target: usize, model: Model) -> BTreeMap<NaiveUnit, Expected> {
    let mut found: BTreeMap<NaiveUnit, Expected> = BTreeMap::new();
    for (time_us, worth, path) in naive.converted(target).filter(|(_, _, path)| !path.touches.is_empty()) {
        let worth = worth as f64;
        let units = || path.touches.iter().map(|touch| (touch.1, touch.2));
        let mut give = |unit: NaiveUnit, weight: f64| {
            let figures = found.entry(unit).or_default();
            figures.credit += weight;
            figures.credit_slack += 1e-6;
            figures.value += weight * worth;
            figures.value_slack += worth * 1e-6;
        };
        if model == Model::Participation {
            units().collect::<BTreeSet<_>>().into_iter().for_each(|unit| give(unit, 1.0));
        } else {
            let weights = naive.weights(model, time_us, &path.touches);
            units().zip(weights).for_each(|(unit, weight)| give(unit, weight));
        }
    }
    found
}

fn compare_units(naive: &Naive<'_>, target: usize, solved: &SolvedTarget, rules: &Rules) {
    let Some(units) = &solved.units else {
        assert!(!naive.settings.by_campaign, "campaigns are missing");
        return;
    };
    let names: Vec<NaiveUnit> = rules
        .units
        .all
        .iter()
        .map(|unit| {
            let known = |name: &str, all: [&'static str; 5]| all.into_iter().find(|own| *own == name);
            let channel = &rules.channels[usize::from(unit.channel)];
            let channel = known(channel, [NO_CHANNEL, "ads", "mail", "search", "shop"]);
            let campaign = known(&unit.campaign, [NO_CAMPAIGN, "spring", "sale", "brand", ""]);
            (channel.expect("a channel"), campaign.expect("a campaign"))
        })
        .collect();
    let linear = expected_units(naive, target, Model::Linear);
    for (model, credits) in solved.models.iter().zip(&units.models) {
        let is_split = matches!(model.model, Model::Markov | Model::Shapley);
        let expected = match is_split {
            true => linear.clone(),
            false => expected_units(naive, target, model.model),
        };
        assert!(expected.keys().all(|unit| names.contains(unit)), "{names:?} lack some of {expected:?}");
        for (unit, found) in names.iter().zip(credits) {
            let mut wanted = expected.get(unit).copied().unwrap_or_default();
            if is_split {
                let channel = rules.channels.iter().position(|name| name == unit.0).expect("a channel");
                let own = &model.channels[channel];
                let of_channel: f64 =
                    linear.iter().filter(|(other, _)| other.0 == unit.0).map(|(_, own)| own.credit).sum();
                // Null paths alone can give a channel a removal effect.
                let of_campaigns = names.iter().filter(|other| other.0 == unit.0).count() as f64;
                let share = if of_channel > 0.0 { wanted.credit / of_channel } else { 1.0 / of_campaigns };
                let slack = 1e-6 * solved.total.conversions as f64 / of_channel.max(1e-3);
                wanted = Expected {
                    credit: own.credit_millionths as f64 / 1e6 * share,
                    credit_slack: 2e-6 + own.credit_millionths as f64 / 1e6 * slack,
                    value: own.value_minor as f64 * share,
                    value_slack: 2.0 + own.value_minor as f64 * slack,
                };
            }
            let what = format!("{}, {unit:?}", model.model.as_str());
            let credit = found.credit_millionths as f64 / 1e6;
            assert_near(credit, wanted.credit, wanted.credit_slack + 1e-9, &what);
            let value_slack = wanted.value_slack + if wanted.value == 0.0 { 0.0 } else { 1.0 };
            assert_near(found.value_minor as f64, wanted.value, value_slack, &format!("value of {what}"));
        }
    }
    for (at, unit) in names.iter().enumerate() {
        let own = |path: &NaivePath| path.touches.iter().filter(|touch| (touch.1, touch.2) == *unit).count();
        let touches: usize = naive.converted(target).map(|(.., path)| own(path)).sum();
        let journeys = naive.converted(target).filter(|(.., path)| own(path) > 0).count();
        assert_eq!((units.touches[at], units.journeys[at]), (touches as u64, journeys as u64), "{unit:?}");
    }
}

fn compare(naive: &Naive<'_>, found: &MemoryAttribution) {
    let MemoryAttribution { solved, rules, .. } = found;
    assert_eq!(solved.targets.len(), naive.paths.len());
    for (target, solved) in solved.targets.iter().enumerate() {
        let name = &rules.targets[target].name;
        let ends: Vec<_> = naive.converted(target).collect();
        let unattributed = || ends.iter().filter(|(_, _, path)| path.touches.is_empty());
        assert_eq!(solved.total.conversions, ends.len() as u64, "conversions of {name}");
        assert_eq!(solved.total.unattributed, unattributed().count() as u64, "unattributed {name}");
        let worth: i128 = ends.iter().map(|end| i128::from(end.1)).sum();
        assert_eq!(solved.total.value_minor, worth, "value of {name}");
        let without_touch: i128 = unattributed().map(|end| i128::from(end.1)).sum();
        assert_eq!(solved.total.unattributed_value_minor, without_touch, "unattributed value of {name}");
        assert_eq!(solved.models.len(), Model::ALL.len());
        for model in &solved.models {
            compare_model(naive, target, model, &rules.channels, name);
        }
        compare_units(naive, target, solved, rules);
    }
}

/// Without optimisation a case takes half a second.
const CASES: u32 = if cfg!(debug_assertions) { 24 } else { 300 };

proptest! {
    #![proptest_config(ProptestConfig {
        cases: CASES,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_kernel_agrees_with_a_naive_one(
        settings in settings(),
        rows in rows(60, prop::option::of(0_i64..100_000)),
    ) {
        let plan = settings.plan();
        let pool = work::pool(1).expect("a thread");
        let naive = Naive::of(&settings, &rows);
        compare(&naive, &memory(&plan, &rows, 2).attribution(&pool).expect("attribution"));

        let frames = memory(&plan, &rows, 1).frames(&pool).expect("frames").frames;
        let (_, funnel) = frames.iter().find(|(name, _)| *name == "stage_funnel").expect("a funnel");
        let column = |name: &str| funnel.column(name).expect("a column").i64().expect("counts").to_vec();
        let [entered, progressed, immature] = ["entered", "progressed", "immature"].map(column);
        for (stage, counts) in naive.funnel.iter().enumerate() {
            // The last stage has no next one.
            let next = |count: i64| (stage + 1 < naive.funnel.len()).then_some(count);
            prop_assert_eq!(entered[stage], Some(counts[0]));
            prop_assert_eq!(progressed[stage], next(counts[1]));
            prop_assert_eq!(immature[stage], next(counts[2]));
        }
    }
}
