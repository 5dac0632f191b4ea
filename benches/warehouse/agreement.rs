//! Whether a peer answered what was asked: its answer against the tables of a run.
//!
//! Credit and value are compared as they are; the sets of channels through the Shapley values and the
//! transitions through the removal effects that follow from them, since those are what a run publishes.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use touchline::analyses::attribution::UNATTRIBUTED;
use touchline::attribution::markov;

use super::Outcome;
use super::published::Table;

/// What all are asked about.
const TARGET: &str = "purchase";
/// In the order of the answers.
const MODELS: [&str; 5] = ["first_touch", "last_touch", "linear", "position", "time_decay"];
/// A run shares out millionths of a conversion: each touch may be up to one of them off.
const MILLIONTH: f64 = 1e-6;
/// Minor units of the currency of a generated warehouse.
const MINOR_PER_UNIT: f64 = 100.0;

/// An answer, as `answer.py` writes it. Values are minor units.
#[derive(Debug, Deserialize)]
struct Answer {
    version: String,
    /// Channel, touches, credit by model, value by model.
    credit: Vec<(String, f64, [f64; MODELS.len()], [f64; MODELS.len()])>,
    /// From, to, how often.
    markov: Vec<(String, String, f64)>,
    /// Channels, conversions, value.
    channel_sets: Vec<(Vec<String>, f64, f64)>,
    /// From, to, how often.
    stage_steps: Vec<(String, String, f64)>,
}

/// How far a peer is from a run in one kind of figure.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Disagreement {
    /// The kind of figure.
    pub what: String,
    /// How many were compared.
    pub compared: usize,
    /// How many differ by more than the rounding of credit explains.
    pub beyond: usize,
    /// The largest difference, relative to the figure of the run.
    pub worst: f64,
}

impl std::fmt::Display for Disagreement {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { what, compared, beyond, worst } = self;
        write!(formatter, "{what}: {compared} compared, {beyond} disagree, worst {worst:.1e}")
    }
}

/// Figures by name.
type Figures = BTreeMap<String, f64>;

/// Compares figure by figure; one that only one side has counts as zero on the other.
fn differ(what: &str, run: &Figures, peer: &Figures, allowed: impl Fn(&str, f64) -> f64) -> Disagreement {
    let mut found = Disagreement { what: what.to_owned(), compared: 0, beyond: 0, worst: 0.0 };
    let only_peer = peer.keys().filter(|key| !run.contains_key(*key));
    for key in run.keys().chain(only_peer) {
        let figure = |side: &Figures| side.get(key).copied().unwrap_or(0.0);
        let (run, peer) = (figure(run), figure(peer));
        let difference = (run - peer).abs();
        found.compared += 1;
        // Also where one is no number.
        let agrees = difference <= allowed(key, run);
        found.beyond += usize::from(!agrees);
        if difference > 0.0 {
            found.worst = found.worst.max(difference / run.abs().max(f64::MIN_POSITIVE));
        }
    }
    found
}

fn exactly(_: &str, _: f64) -> f64 {
    0.0
}

/// Reads the answer of a peer and compares it with the tables in the folder of a run. Returns the peer's
/// version, too.
///
/// # Errors
///
/// The answer or a table can't be read.
pub fn compare(answer: &Path, run: &Path) -> Outcome<(String, Vec<Disagreement>)> {
    let answer: Answer = serde_json::from_slice(&std::fs::read(answer)?)?;
    let mut found = credit(&answer, &Credit::read(run)?);
    found.extend(removal_effects(&answer, run)?);
    let steps = Table::read(run, "stage_transitions")?;
    let (from, to) = (steps.texts("from_stage")?, steps.texts("to_stage")?);
    let published = from.iter().zip(&to).map(|(from, to)| format!("{from} > {to}"));
    let published = published.zip(steps.numbers("transitions")?).collect();
    let counted =
        answer.stage_steps.iter().map(|(from, to, steps)| (format!("{from} > {to}"), *steps)).collect();
    found.push(differ("stage steps", &published, &counted, exactly));
    Ok((answer.version, found))
}

/// Rows of `stage_attribution` of the target, by `model / channel`.
struct Credit {
    credit: Figures,
    value_minor: Figures,
    touches: Figures,
    journeys: Figures,
}

impl Credit {
    fn read(run: &Path) -> Outcome<Self> {
        let table = Table::read(run, "stage_attribution")?;
        let (kinds, targets) = (table.texts("target_kind")?, table.texts("target")?);
        let (models, channels) = (table.texts("model")?, table.texts("channel")?);
        let keep: Vec<bool> = kinds
            .iter()
            .zip(&targets)
            .map(|(kind, target)| kind == "conversion" && target == TARGET)
            .collect();
        let figures = |column: &str, scale: f64| -> Outcome<Figures> {
            let numbers = table.numbers(column)?;
            let rows = (0..table.len()).filter(|row| keep[*row]);
            Ok(rows.map(|row| (key(&models[row], &channels[row]), numbers[row] * scale)).collect())
        };
        Ok(Self {
            credit: figures("credit", 1.0)?,
            value_minor: figures("value", MINOR_PER_UNIT)?,
            touches: figures("touches", 1.0)?,
            journeys: figures("journeys", 1.0)?,
        })
    }
}

fn key(model: &str, channel: &str) -> String {
    format!("{model} / {channel}")
}

/// Credit, value and touches under the models that work touch by touch, and the Shapley values of the sets.
fn credit(answer: &Answer, run: &Credit) -> Vec<Disagreement> {
    let mut touches = Figures::new();
    let (mut credit, mut value_minor) = (Figures::new(), Figures::new());
    for (channel, own_touches, credits, values) in &answer.credit {
        for ((model, own_credit), own_value) in MODELS.iter().zip(credits).zip(values) {
            touches.insert(key(model, channel), *own_touches);
            credit.insert(key(model, channel), *own_credit);
            value_minor.insert(key(model, channel), *own_value);
        }
    }
    let mut journeys = Figures::new();
    for (channels, conversions, value) in &answer.channel_sets {
        for channel in channels {
            let shapley = key("shapley", channel);
            *journeys.entry(shapley.clone()).or_default() += conversions;
            *credit.entry(shapley.clone()).or_default() += conversions / channels.len() as f64;
            *value_minor.entry(shapley).or_default() += value / channels.len() as f64;
        }
        if channels.is_empty() {
            for model in MODELS.into_iter().chain(["shapley"]) {
                credit.insert(key(model, UNATTRIBUTED), *conversions);
                value_minor.insert(key(model, UNATTRIBUTED), *value);
            }
        }
    }
    let of = |run: &Figures, wanted: &dyn Fn(&str) -> bool| -> Figures {
        run.iter().filter(|(key, _)| wanted(key)).map(|(key, figure)| (key.clone(), *figure)).collect()
    };
    let by_touch = |key: &str| MODELS.iter().any(|model| key.starts_with(&format!("{model} /")));
    let attributed = |key: &str| !key.ends_with(UNATTRIBUTED);
    let shapley = |key: &str| key.starts_with("shapley");
    let rounded =
        |key: &str, figure: f64| MILLIONTH * (figure + run.touches.get(key).copied().unwrap_or(0.0));
    // Value is rounded as its credit is, and to minor units.
    let value_rounded = |key: &str, figure: f64| {
        let credit = run.credit.get(key).copied().unwrap_or(0.0).max(MILLIONTH);
        rounded(key, credit) / credit * figure + 1.0
    };
    let compared = |what: &str,
                    run: &Figures,
                    peer: &Figures,
                    wanted: &dyn Fn(&str) -> bool,
                    allowed: &dyn Fn(&str, f64) -> f64| {
        differ(what, &of(run, wanted), &of(peer, wanted), allowed)
    };
    vec![
        compared("touches", &run.touches, &touches, &|key| by_touch(key) && attributed(key), &exactly),
        compared("credit", &run.credit, &credit, &by_touch, &rounded),
        compared("value", &run.value_minor, &value_minor, &by_touch, &value_rounded),
        compared(
            "journeys by channel",
            &run.journeys,
            &journeys,
            &|key| shapley(key) && attributed(key),
            &exactly,
        ),
        compared("Shapley credit", &run.credit, &credit, &shapley, &rounded),
        compared("Shapley value", &run.value_minor, &value_minor, &shapley, &value_rounded),
    ]
}

/// The removal effects that follow from the transitions, against `attribution_effects`.
fn removal_effects(answer: &Answer, run: &Path) -> Outcome<Vec<Disagreement>> {
    let table = Table::read(run, "attribution_effects")?;
    let (kinds, targets) = (table.texts("target_kind")?, table.texts("target")?);
    let (models, names) = (table.texts("model")?, table.texts("channel")?);
    let keep: Vec<usize> = (0..table.len())
        .filter(|row| kinds[*row] == "conversion" && targets[*row] == TARGET && models[*row] == "markov")
        .collect();
    let published = |column: &str| -> Outcome<Figures> {
        let numbers = table.numbers(column)?;
        Ok(keep.iter().map(|row| (names[*row].clone(), numbers[*row])).collect())
    };

    let mut channels: Vec<&str> = answer
        .markov
        .iter()
        .flat_map(|(from, to, _)| [from.as_str(), to.as_str()])
        .filter(|name| !name.starts_with('('))
        .collect();
    channels.sort_unstable();
    channels.dedup();
    let place = |name: &str| channels.binary_search(&name).map_err(|_| format!("no state is called {name}"));
    let count = channels.len();
    let mut table = vec![0.0; markov::cells(count)];
    for (from, to, steps) in &answer.markov {
        let from = if from == "(start)" { count } else { place(from)? };
        let to = match to.as_str() {
            "(conversion)" => count,
            "(null)" => count + 1,
            channel => place(channel)?,
        };
        table[from * (count + 2) + to] += steps;
    }
    // The value of the conversions by last channel is the value under `last_touch`.
    let mut values = vec![0.0; count + 1];
    for (channel, _, _, by_model) in &answer.credit {
        values[place(channel)?] = by_model[1];
    }
    let solved =
        markov::Transitions::new(count, &table, &values).removal_effects(&mut markov::Inverter::default());
    let solved = solved.ok_or("nothing converts")?;
    let named = |effects: &[f64]| {
        channels.iter().map(|name| (*name).to_owned()).zip(effects.iter().copied()).collect()
    };
    let nearly = |_: &str, figure: f64| 1e-9 * figure.abs();
    let probability =
        channels.iter().map(|name| ((*name).to_owned(), solved.conversion_probability)).collect();
    let mut found = vec![
        differ("Markov removal effect", &published("effect")?, &named(&solved.effects), nearly),
        differ("Markov conversion probability", &published("conversion_probability")?, &probability, nearly),
    ];
    if let Some(effects) = &solved.value_effects {
        found.push(differ(
            "Markov removal effect on value",
            &published("value_effect")?,
            &named(effects),
            nearly,
        ));
    }
    Ok(found)
}
