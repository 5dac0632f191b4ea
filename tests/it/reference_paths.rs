//! The paths of the reference data under other transforms and without null paths, against a naive
//! implementation that reads the same rows.
//!
//! What other packages computed on these data is of whole paths with null ones (`reference.rs`). Here the
//! heuristics are summed touch by touch, and the chain is solved again without each channel.

use std::collections::{BTreeMap, BTreeSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int64Type};

use crate::reference::{PATHS, data, number, read, row_of, run, table, told_absent};

/// Touches of a journey by their channels, and whether it converted.
type Journeys = Vec<(Vec<String>, bool)>;

/// Every conversion with the touches since the one before it, and what comes after the last as a null path.
fn journeys(folder: &std::path::Path) -> Journeys {
    let batch = read(&folder.join("paths/touchpoints.parquet"));
    let column = |name: &str, kind: &DataType| {
        arrow::compute::cast(batch.column_by_name(name).unwrap(), kind).unwrap()
    };
    let [users, events, channels] =
        ["user_id", "event_type", "channel"].map(|name| column(name, &DataType::Utf8));
    let [users, events, channels] = [&users, &events, &channels].map(|texts| texts.as_string::<i32>());
    let instants =
        column("ts", &DataType::Timestamp(arrow::datatypes::TimeUnit::Microsecond, Some("UTC".into())));
    let instants = arrow::compute::cast(&instants, &DataType::Int64).unwrap();
    let instants = instants.as_primitive::<Int64Type>();
    let mut rows: Vec<usize> = (0..batch.num_rows()).collect();
    rows.sort_by_key(|row| (users.value(*row), instants.value(*row), *row));
    let mut journeys = Journeys::new();
    for own in rows.chunk_by(|one, other| users.value(*one) == users.value(*other)) {
        let mut touches = Vec::new();
        for row in own {
            if events.value(*row) == "conversion" {
                journeys.push((std::mem::take(&mut touches), true));
            } else if channels.is_valid(*row) {
                touches.push(channels.value(*row).to_owned());
            }
        }
        if !touches.is_empty() {
            journeys.push((touches, false));
        }
    }
    journeys
}

fn transformed(journeys: &Journeys, path: &str) -> Journeys {
    let transform = |touches: &Vec<String>| -> Vec<String> {
        let mut met = BTreeSet::new();
        let mut touches = touches.clone();
        match path {
            "exposure" => touches.dedup(),
            "first" => touches.retain(|touch| met.insert(touch.clone())),
            _ => {}
        }
        touches
    };
    journeys.iter().map(|(touches, converted)| (transform(touches), *converted)).collect()
}

/// Probability to convert from the start, without a channel: by sweeps until nothing moves.
fn probability(journeys: &Journeys, without: Option<&str>) -> f64 {
    let mut moves: BTreeMap<&str, BTreeMap<&str, f64>> = BTreeMap::new();
    for (touches, converted) in journeys {
        let mut from = "(start)";
        let end = if *converted { "(conversion)" } else { "(null)" };
        for to in touches.iter().map(String::as_str).chain([end]) {
            *moves.entry(from).or_default().entry(to).or_default() += 1.0;
            from = to;
        }
    }
    let mut converts: BTreeMap<&str, f64> = BTreeMap::from([("(conversion)", 1.0)]);
    for _ in 0..100_000 {
        let mut moved = 0.0_f64;
        for (from, to) in moves.iter().filter(|(from, _)| Some(**from) != without) {
            let all: f64 = to.values().sum();
            let chance = |state: &str| {
                if Some(state) == without { 0.0 } else { converts.get(state).copied().unwrap_or(0.0) }
            };
            let found = to.iter().map(|(state, count)| count / all * chance(state)).sum::<f64>();
            let before = converts.insert(*from, found).unwrap_or(0.0);
            moved = moved.max((found - before).abs());
        }
        if moved < 1e-15 {
            break;
        }
    }
    converts["(start)"]
}

#[test]
fn transformed_paths_against_a_naive_implementation() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    let all = journeys(&data);
    assert_eq!(all.iter().filter(|(_, converted)| *converted).count(), 19_785, "as the set says");
    assert_eq!(all.len(), 88_387);
    let channels: BTreeSet<&String> = all.iter().flat_map(|(touches, _)| touches).collect();
    for (path, null_paths) in [("exposure", true), ("exposure", false), ("first", true), ("unique", false)] {
        let config = PATHS
            .replace("{source}", "{data}/paths/touchpoints.parquet")
            .replace("null_paths = true", &format!("null_paths = {null_paths}\npath = \"{path}\""));
        let tables = run(&config, &data, temp.path());
        let (attribution, effects) =
            (table(&tables, "stage_attribution"), table(&tables, "attribution_effects"));
        let naive: Journeys = transformed(&all, path)
            .into_iter()
            .filter(|(touches, converted)| !touches.is_empty() && (*converted || null_paths))
            .collect();
        let converted: Vec<&Vec<String>> =
            naive.iter().filter(|(_, converted)| *converted).map(|(touches, _)| touches).collect();
        let whole = probability(&naive, None);
        for channel in &channels {
            let key = |model: &'static str| [("model", model), ("channel", channel.as_str())];
            let sum = |weight: &dyn Fn(&[String], usize) -> f64| -> f64 {
                let own = |touches: &Vec<String>| -> f64 {
                    (0..touches.len())
                        .filter(|at| touches[*at] == **channel)
                        .map(|at| weight(touches, at))
                        .sum()
                };
                converted.iter().map(|touches| own(touches)).sum()
            };
            let only = |chosen: bool| f64::from(u8::from(chosen));
            let distinct = |touches: &[String]| touches.iter().collect::<BTreeSet<_>>().len() as f64;
            let first_own = |touches: &[String], at: usize| !touches[..at].contains(&touches[at]);
            type Weight<'w> = &'w dyn Fn(&[String], usize) -> f64;
            let models: [(&str, Weight<'_>); 4] = [
                ("first_touch", &|_, at| only(at == 0)),
                ("last_touch", &|touches, at| only(at + 1 == touches.len())),
                ("linear", &|touches, _| 1.0 / touches.len() as f64),
                ("shapley", &|touches, at| only(first_own(touches, at)) / distinct(touches)),
            ];
            for (model, weight) in models {
                let credit = number(attribution, row_of(attribution, &key(model)), "credit");
                let expected = sum(weight);
                assert!(
                    (credit - expected).abs() <= 1e-6 * 19_785.0,
                    "{path}, {model} of {channel}: {credit} instead of {expected}"
                );
            }
            let row = row_of(effects, &key("markov"));
            let found = number(effects, row, "conversion_probability");
            assert!((found - whole).abs() < 1e-12, "{path}: {found} instead of {whole}");
            if !null_paths {
                assert!((found - 1.0).abs() < 1e-12, "without null paths everything converts: {found}");
            }
            let expected = 1.0 - probability(&naive, Some(channel.as_str())) / whole;
            let found = number(effects, row, "effect");
            assert!((found - expected).abs() < 1e-11, "{path}, effect of {channel}: {found}, not {expected}");
        }
    }
}
