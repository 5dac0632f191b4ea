//! `channel_daily` and `journey_paths` once more, row by row, from the paths that the naive kernel finds.

use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::{DataFrame, DataType};
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use touchline::engine::work;

use crate::journeys::{HOUR_US, Row, STAGE_RULES, Settings, memory, rows, settings};
use crate::naive::{NO_CHANNEL, Naive, in_window};

const UNATTRIBUTED: &str = "(unattributed)";

/// Date in days since 1970-01-01, and channel.
type Cell = (i32, String);

#[derive(Debug, Default, Clone, PartialEq)]
struct Daily {
    touches: i64,
    customers: BTreeSet<u8>,
    /// Millionths under last touch and linear, and the value they carry in minor units.
    credit: [i64; 2],
    value: [f64; 2],
}

fn date(time_us: i64) -> i32 {
    (time_us / HOUR_US / 24) as i32
}

fn daily(naive: &Naive<'_>, rows: &[Row], target: usize) -> BTreeMap<Cell, Daily> {
    let mut cells: BTreeMap<Cell, Daily> = BTreeMap::new();
    for row in rows.iter().filter(|row| in_window(row.time_us) && naive.is_touch(row)) {
        let channel = row.channel.unwrap_or(NO_CHANNEL).to_owned();
        let cell = cells.entry((date(row.time_us), channel)).or_default();
        cell.touches += 1;
        cell.customers.insert(row.customer);
    }
    for path in &naive.paths[target] {
        let Some((time_us, worth)) = path.end else { continue };
        let mut give = |channel: &str, model: usize, millionths: i64| {
            let cell = cells.entry((date(time_us), channel.to_owned())).or_default();
            cell.credit[model] += millionths;
            cell.value[model] += worth as f64 * millionths as f64 / 1e6;
        };
        let count = path.touches.len() as i64;
        if count == 0 {
            [0, 1].iter().for_each(|model| give(UNATTRIBUTED, *model, 1_000_000));
        }
        for (at, touch) in path.touches.iter().enumerate() {
            give(touch.1, 0, if at as i64 == count - 1 { 1_000_000 } else { 0 });
            give(touch.1, 1, 1_000_000 / count + i64::from((at as i64) < 1_000_000 % count));
        }
    }
    // A cell that was only passed over has no row.
    cells.retain(|_, cell| cell.touches != 0 || cell.credit != [0, 0]);
    cells
}

#[derive(Debug, Default, Clone, PartialEq)]
struct Journeys {
    journeys: i64,
    conversions: i64,
    worth: i64,
    touches: Vec<f64>,
    hours: Vec<f64>,
}

/// Paths by the names of their last so many touches; where it matters, with how often each channel was met.
fn by_path(
    settings: &Settings,
    naive: &Naive<'_>,
    target: usize,
    longest: usize,
) -> BTreeMap<String, Journeys> {
    let counts_touches = settings.path == "frequency";
    let mut found: BTreeMap<String, Journeys> = BTreeMap::new();
    for path in &naive.paths[target] {
        let last = &path.touches[path.touches.len().saturating_sub(longest)..];
        let named = |touch: &(i64, &'static str, &'static str, usize)| match counts_touches {
            true => format!("{}({})", touch.1, touch.3),
            false => touch.1.to_owned(),
        };
        let names: Vec<String> = last.iter().map(named).collect();
        let name = match path.touches.len() {
            0 => UNATTRIBUTED.to_owned(),
            touches if touches <= longest => names.join(" > "),
            _ => format!("… > {}", names.join(" > ")),
        };
        let own = found.entry(name).or_default();
        own.journeys += 1;
        own.touches.push(match counts_touches {
            true => path.touches.iter().map(|touch| touch.3 as f64).sum(),
            false => path.touches.len() as f64,
        });
        if let Some((time_us, worth)) = path.end {
            own.conversions += 1;
            own.worth += worth;
            own.hours.extend(path.touches.first().map(|first| (time_us - first.0) as f64 / HOUR_US as f64));
        }
    }
    found
}

fn median(values: &[f64]) -> Option<f64> {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    match values.len() {
        0 => None,
        count if count % 2 == 1 => Some(values[half]),
        _ => Some((values[half - 1] + values[half]) / 2.0),
    }
}

fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame.column(column).expect("a column").str().expect("texts").clone();
    column.iter().map(|text| text.expect("no null").to_owned()).collect()
}

fn ints(frame: &DataFrame, column: &str) -> Vec<Option<i64>> {
    frame.column(column).expect("a column").i64().expect("counts").to_vec()
}

fn floats(frame: &DataFrame, column: &str) -> Vec<Option<f64>> {
    frame.column(column).expect("a column").f64().expect("figures").to_vec()
}

fn check_daily(expected: &BTreeMap<Cell, Daily>, frame: &DataFrame) {
    let dates = frame.column("date").expect("dates").cast(&DataType::Int32).expect("days");
    let dates: Vec<Option<i32>> = dates.i32().expect("days").to_vec();
    let found: Vec<Cell> = dates.into_iter().flatten().zip(texts(frame, "channel")).collect();
    assert_eq!(found.iter().collect::<BTreeSet<_>>(), expected.keys().collect::<BTreeSet<_>>());
    assert_eq!(found.len(), expected.len(), "a row stands once");
    let [touches, customers] = ["touches", "customers"].map(|column| ints(frame, column));
    let credit = ["last_touch_credit", "linear_credit"].map(|column| floats(frame, column));
    let value = ["last_touch_value", "linear_value"].map(|column| floats(frame, column));
    for (at, cell) in found.iter().enumerate() {
        let wanted = &expected[cell];
        assert_eq!(touches[at], Some(wanted.touches), "touches of {cell:?}");
        let known = (cell.1 != UNATTRIBUTED).then_some(wanted.customers.len() as i64);
        assert_eq!(customers[at], known, "customers of {cell:?}");
        for model in 0..2 {
            let millionths = (credit[model][at].expect("credit") * 1e6).round() as i64;
            assert_eq!(millionths, wanted.credit[model], "credit {model} of {cell:?}");
            // Rounded once by channel and once by day.
            let minor = value[model][at].expect("value") * 100.0;
            assert!((minor - wanted.value[model]).abs() <= 2.0, "value {model} of {cell:?}: {minor}");
        }
    }
}

/// Sums over the days are what attribution shows, to the last unit.
fn check_sums(daily: &DataFrame, attribution: &DataFrame, target: &str) {
    let [kinds, targets, models, channels] =
        ["target_kind", "target", "model", "channel"].map(|column| texts(attribution, column));
    let days = texts(daily, "channel");
    let levels = texts(attribution, "level");
    for (at, model) in models.iter().enumerate() {
        let is_own = kinds[at] == "conversion" && targets[at] == target && levels[at] == "channel";
        if !is_own || !["last_touch", "linear"].contains(&model.as_str()) {
            continue;
        }
        for (figure, unit) in [("credit", 1e6), ("value", 100.0)] {
            let own = floats(daily, &format!("{model}_{figure}"));
            let whole = |figure: Option<f64>| (figure.unwrap_or(0.0) * unit).round() as i64;
            let own = days.iter().zip(own).filter(|(channel, _)| **channel == channels[at]);
            let sum: i64 = own.map(|(_, figure)| whole(figure)).sum();
            assert_eq!(sum, whole(floats(attribution, figure)[at]), "{figure} of {}, {model}", channels[at]);
        }
    }
}

fn check_paths(settings: &Settings, expected: &BTreeMap<String, Journeys>, frame: &DataFrame) {
    let names = texts(frame, "path");
    assert_eq!(names.iter().collect::<BTreeSet<_>>(), expected.keys().collect::<BTreeSet<_>>());
    assert_eq!(names.len(), expected.len(), "a row stands once");
    let [journeys, conversions] = ["journeys", "conversions"].map(|column| ints(frame, column));
    let [rate, value, touches, hours] =
        ["conversion_rate", "value", "median_touches", "median_hours"].map(|column| floats(frame, column));
    for (at, name) in names.iter().enumerate() {
        let wanted = &expected[name];
        assert_eq!(
            (journeys[at], conversions[at]),
            (Some(wanted.journeys), Some(wanted.conversions)),
            "{name}"
        );
        let has_rate = settings.null_paths && name != UNATTRIBUTED;
        let expected_rate = has_rate.then_some(wanted.conversions as f64 / wanted.journeys as f64);
        assert_eq!(rate[at], expected_rate, "rate of {name}");
        assert_eq!(
            value[at].map(|value| (value * 100.0).round() as i64),
            Some(wanted.worth),
            "value of {name}"
        );
        // Elsewhere the naive kernel forgets what it merges.
        if ["unique", "frequency"].contains(&settings.path) {
            assert_eq!(touches[at], median(&wanted.touches), "touches of {name}");
        }
        match (hours[at], median(&wanted.hours)) {
            (Some(found), Some(wanted)) => {
                assert!(
                    (found - wanted).abs() <= 1e-3 * wanted,
                    "hours of {name}: {found} instead of {wanted}"
                );
            }
            (found, wanted) => assert_eq!(found, wanted, "hours of {name}"),
        }
    }
    let ranks: Vec<(bool, i64)> = names
        .iter()
        .zip(&journeys)
        .map(|(name, journeys)| (name == UNATTRIBUTED, -journeys.unwrap_or(0)))
        .collect();
    assert!(ranks.is_sorted(), "most journeys first: {names:?}");
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(debug_assertions) { 24 } else { 300 },
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn daily_figures_and_paths_are_those_of_a_naive_count(
        settings in settings(),
        rows in rows(80, prop::option::of(0_i64..100_000)),
    ) {
        let plan = settings.plan();
        let pool = work::pool(2).expect("threads");
        let frames = memory(&plan, &rows, 2).frames(&pool).expect("frames").frames;
        let frame = |wanted: &str| &frames.iter().find(|(name, _)| *name == wanted).expect(wanted).1;
        let naive = Naive::of(&settings, &rows);
        // The first conversion with a value is the primary one.
        let purchase = STAGE_RULES[settings.stage_rules].len();
        check_daily(&daily(&naive, &rows, purchase), frame("channel_daily"));
        check_sums(frame("channel_daily"), frame("stage_attribution"), "purchase");
        // A key of 63 bits has room for eight channels of a few, but not with how often each was met.
        let longest = if settings.path == "frequency" {
            let attribution = memory(&plan, &rows, 1).attribution(&pool).expect("attribution");
            let symbols = attribution.rules.channels.len() * settings.max_path_touches;
            8.min(63 / (usize::BITS - symbols.leading_zeros()).max(1) as usize)
        } else {
            8
        };
        check_paths(&settings, &by_path(&settings, &naive, purchase, longest), frame("journey_paths"));
    }
}
