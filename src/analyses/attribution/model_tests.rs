//! The data-driven models from journeys to tables: chains of higher order, Shapley values on rates, and what
//! they say where there is nothing to say.

use std::fmt::Write as _;

use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::super::testing::{Bench, figure, show};
use super::Attribution;
use crate::attribution::naive::{self, Paths};
use crate::attribution::shapley_rate::SetCounts;
use crate::config::plan::{Model, ShapleyValue};
use crate::journey::PathEnd;
use crate::journey::testing::World;
use crate::stats::SplitMix64;

/// Journeys under every model; channels are `c0`, `c1` and so on, sorted by name.
fn bench(channels: usize, order: u8, value: ShapleyValue, journeys: &[String]) -> Bench {
    let mut world = World::new(&["look"], &["buy"]);
    world.rules.channels = (0..channels).map(|at| format!("c{at:03}")).collect();
    let mut bench = Bench::new(world, journeys);
    bench.plan.attribution.models = vec![Model::Linear, Model::Markov, Model::Shapley];
    bench.plan.attribution.markov_order = order;
    bench.plan.attribution.shapley_value = value;
    bench.plan.refunds = vec!["refund".to_owned()];
    bench
}

fn frames(bench: &Bench) -> Vec<(&'static str, DataFrame)> {
    bench.run(&Attribution::new(bench.context()))
}

fn frame<'a>(frames: &'a [(&'static str, DataFrame)], name: &str) -> &'a DataFrame {
    &frames.iter().find(|(table, frame)| *table == name && frame.height() > 0).unwrap().1
}

fn texts(journeys: &[&str]) -> Vec<String> {
    journeys.iter().map(|text| (*text).to_owned()).collect()
}

const BUY: (&str, &str) = ("target", "buy");

/// One channel alone converts one of two journeys, the other none of two, both together one of one.
#[test]
fn shapley_on_rates_by_hand() {
    let journeys = texts(&[
        "c000 d1, buy d2 =1000",
        "c000 d1",
        "c001 d1",
        "c001 d1, c001 d2",
        "c001 d1, c000 d2, c001 d3, buy d4 =500",
    ]);
    let frames = frames(&bench(2, 1, ShapleyValue::Rate, &journeys));
    let effects = frame(&frames, "attribution_effects");
    let effect = |channel: &str, column: &str| {
        figure(effects, &[BUY, ("model", "shapley"), ("channel", channel)], column).unwrap()
    };
    // v(c000) = 1/2, v(c001) = 0, v(both) = 2/5; of value 5, 0 and 3.
    assert!((effect("c000", "effect") - 0.45).abs() < 1e-15);
    assert!((effect("c001", "effect") + 0.05).abs() < 1e-15, "published, though below 0");
    assert!((effect("c000", "value_effect") - 4.0).abs() < 1e-12);
    assert!((effect("c001", "value_effect") + 1.0).abs() < 1e-12);
    let attribution = frame(&frames, "stage_attribution");
    let cell = |channel: &str, column: &str| {
        figure(attribution, &[BUY, ("model", "shapley"), ("channel", channel)], column).unwrap()
    };
    assert_eq!((cell("c000", "credit"), cell("c000", "value")), (2.0, 15.0));
    assert_eq!((cell("c001", "credit"), cell("c001", "value")), (0.0, 0.0), "never less than nothing");
}

/// Where no channel of a path brings anything, they share equally.
#[test]
fn a_path_whose_channels_bring_nothing_is_shared_equally() {
    let mut journeys = texts(&["c000 d1, c001 d2, buy d3 =100"]);
    journeys.extend((0..9).map(|_| "c000 d1, c001 d2".to_owned()));
    journeys.extend((0..9).map(|_| "c002 d1, buy d2".to_owned()));
    let frames = frames(&bench(3, 1, ShapleyValue::Rate, &journeys));
    let attribution = frame(&frames, "stage_attribution");
    for channel in ["c000", "c001"] {
        let key = [BUY, ("model", "shapley"), ("channel", channel)];
        let effect = figure(frame(&frames, "attribution_effects"), &key, "effect").unwrap();
        assert!(effect < 0.0, "{effect}");
        assert_eq!(figure(attribution, &key, "credit"), Some(0.5));
        assert_eq!(figure(attribution, &key, "value"), Some(0.5));
    }
}

#[test]
fn nothing_converts() {
    let journeys = texts(&["c000 d1, c001 d2", "c001 d3"]);
    for (order, value) in [(1, ShapleyValue::Total), (2, ShapleyValue::Rate), (3, ShapleyValue::Rate)] {
        let frames = frames(&bench(2, order, value, &journeys));
        let rows =
            show(frame(&frames, "attribution_effects"), &["target", "model", "channel", "effect", "note"]);
        for channel in ["c000", "c001"] {
            let row = format!("buy markov {channel} - no_conversions");
            assert!(rows.contains(&row), "order {order}: {rows}");
        }
        let by_rate = rows.contains("buy shapley c000 - no_conversions");
        assert_eq!(by_rate, value == ShapleyValue::Rate, "no conversions are a total too: {rows}");
    }
}

#[test]
fn everything_converts() {
    let journeys = texts(&["c000 d1, c001 d2, buy d3 =100", "c001 d1, buy d2 =300"]);
    for order in 1..=3 {
        let mut bench = bench(2, order, ShapleyValue::Rate, &journeys);
        bench.plan.attribution.null_paths = false;
        bench.world.rules.null_paths = false;
        let frames = frames(&bench);
        let effects = frame(&frames, "attribution_effects");
        let key = [BUY, ("model", "markov"), ("channel", "c001")];
        assert_eq!(figure(effects, &key, "conversion_probability"), Some(1.0));
        assert_eq!(figure(effects, &key, "effect"), Some(1.0), "every conversion met it");
        assert_eq!(figure(effects, &key, "effect_beyond_reach"), Some(0.0));
    }
}

#[test]
fn too_many_states_have_no_figures_and_books_that_close() {
    let channels = 150;
    let pair = |pair: usize| format!("c{:03} d1, c{:03} d2", pair / channels, pair % channels);
    let mut journeys: Vec<String> = (0..channels * channels).map(pair).collect();
    (0..100).for_each(|at| journeys[at].push_str(", buy d3 =1000"));
    let mut bench = bench(channels, 2, ShapleyValue::Total, &journeys);
    bench.plan.attribution.models = vec![Model::Linear, Model::Markov];
    let frames = frames(&bench);
    let rows =
        show(frame(&frames, "stage_attribution"), &["target", "model", "channel", "credit", "value", "note"]);
    assert!(rows.contains("buy markov c000 - - too_many_states"), "{rows}");
    assert!(rows.contains("buy markov (unattributed) 0 0 -"), "{rows}");
    let effects = frame(&frames, "attribution_effects");
    let effect = show(effects, &["target", "model", "channel", "effect", "note"]);
    assert!(effect.contains("buy markov c149 - too_many_states"), "{effect}");
    let roi = show(frame(&frames, "channel_roi"), &["model", "channel", "credit", "value", "note"]);
    assert!(roi.contains("markov c000 - - too_many_states"), "{roi}");
    let books: Vec<&DataFrame> =
        frames.iter().filter(|(name, _)| *name == "reconciliation").map(|(_, frame)| frame).collect();
    let lines: String = books
        .iter()
        .map(|book| show(book, &["ledger", "model", "booked", "credited", "excluded", "difference"]))
        .collect::<Vec<_>>()
        .join("\n");
    assert!(lines.contains("credit markov 100 0 100 0"), "{lines}");
    assert!(lines.contains("value markov 1000 0 1000 0"), "{lines}");
    assert!(lines.contains("credit linear 100 100 0 0"), "{lines}");
}

/// Random journeys over so many channels, of which one in four of the touches helps.
fn random_journeys(channels: u64, journeys: usize) -> Vec<String> {
    let mut random = SplitMix64::new(5);
    let mut below = |bound: u64| (random.next_u64() >> 32) % bound;
    (0..journeys)
        .map(|_| {
            let (mut text, mut chance) = (String::new(), 5);
            for day in 0..1 + below(5) {
                let channel = below(channels);
                chance += if channel % 4 == 0 { 15 } else { 0 };
                let _ = write!(text, "c{channel:03} d{day}, ");
            }
            if below(100) < chance {
                let _ = write!(text, "buy d9 ={}, ", 100 + below(900));
            }
            text
        })
        .collect()
}

#[test]
fn thirty_channels_state_their_sampling_error() {
    let frames = frames(&bench(30, 1, ShapleyValue::Rate, &random_journeys(30, 1_500)));
    let effects = frame(&frames, "attribution_effects");
    let rows = effects.height();
    let texts = |column: &str| effects.column(column).unwrap().str().unwrap().clone();
    let (targets, models) = (texts("target"), texts("model"));
    let number = |column: &str, row: usize| effects.column(column).unwrap().f64().unwrap().get(row);
    let mut sum = 0.0;
    for row in (0..rows).filter(|row| targets.get(*row) == Some("buy")) {
        let error = number("effect_sampling_error", row);
        if models.get(row) == Some("markov") {
            assert_eq!(error, None);
            continue;
        }
        assert!(error.is_some_and(|error| error > 0.0 && error < 0.005), "{error:?}");
        sum += number("effect", row).unwrap();
    }
    // The values share out the rate of all: conversions over journeys.
    assert!(sum > 0.05 && sum < 0.6, "{sum}");
    let twelve = frames_of_exact();
    let errors = twelve.column("effect_sampling_error").unwrap();
    assert_eq!(errors.null_count(), errors.len(), "twelve channels are exact");
}

fn frames_of_exact() -> DataFrame {
    let frames = frames(&bench(12, 1, ShapleyValue::Rate, &random_journeys(12, 300)));
    frame(&frames, "attribution_effects").clone()
}

/// Where φ may be 0, credit has no bounds; where it surely isn't, it has some.
#[test]
fn bounds_of_credit_need_an_effect() {
    let frames = frames(&bench(8, 2, ShapleyValue::Rate, &random_journeys(8, 4_000)));
    let attribution = frame(&frames, "stage_attribution");
    let effects = frame(&frames, "attribution_effects");
    let (mut clear, mut unclear) = (0, 0);
    for channel in 0..8 {
        let name = format!("c{channel:03}");
        let key = [BUY, ("model", "shapley"), ("channel", &name)];
        let low = figure(effects, &key, "effect_low").unwrap();
        let high = figure(effects, &key, "effect_high").unwrap();
        let bound = figure(attribution, &key, "credit_low");
        assert!(low < high);
        if low <= 0.0 && 0.0 <= high {
            unclear += 1;
            assert_eq!(bound, None);
        } else if low > 0.0 {
            clear += 1;
            assert!(bound.is_some_and(|bound| bound > 0.0));
        }
        // The chain of order 2 has its bounds on the same journeys.
        let key = [BUY, ("model", "markov"), ("channel", &name)];
        let effect = figure(effects, &key, "effect").unwrap();
        assert!(figure(effects, &key, "effect_low").is_some_and(|low| low < effect));
        assert!(figure(effects, &key, "effect_beyond_reach_high").is_some());
    }
    assert!(clear >= 2 && unclear >= 1, "{clear} clear, {unclear} unclear");
    let rows = show(attribution, &["target", "model", "note"]);
    assert!(rows.contains("buy shapley effect_spans_zero"), "{rows}");
}

/// The paths to `buy` that the walk finds.
fn paths(bench: &Bench, journeys: &[String]) -> Paths {
    let mut world = bench.world.clone();
    let journeys = world.journeys(journeys);
    let buy = world.rules.targets.iter().position(|target| target.name == "buy").unwrap();
    let mut paths = Vec::new();
    for walk in journeys.iter().map(|journey| journey.walk(&world.rules)) {
        for path in walk.paths.iter().filter(|path| path.target == buy && !path.touches.is_empty()) {
            let channels = walk.touches[path.touches.clone()].iter().map(|touch| touch.channel).collect();
            match path.end {
                PathEnd::Converted { value_minor, .. } => paths.push((channels, Some(value_minor as f64))),
                PathEnd::Null => paths.push((channels, None)),
                PathEnd::Refunded { .. } => {}
            }
        }
    }
    paths
}

fn assert_near(found: Option<f64>, expected: f64, what: &str) {
    // Who had no touch and no effect has no row.
    let found = found.unwrap_or(0.0);
    assert!((found - expected).abs() < 1e-9 * expected.abs().max(1.0), "{what}: {found} for {expected}");
}

/// Journeys of up to seven touches by so many channels, about half of which end in a purchase.
fn journeys(channels: u16) -> impl Strategy<Value = Vec<String>> {
    let touch = (0..channels, 0..20_u32).prop_map(|(channel, hour)| format!("c{channel:03} d1/{hour:02}:00"));
    let buy = prop::option::of((100..9_000_i32).prop_map(|value| format!("buy d2 ={value}")));
    let journey = (prop::collection::vec(touch, 0..8), buy).prop_map(|(mut rows, buy)| {
        rows.extend(buy);
        rows.join(", ")
    });
    prop::collection::vec(journey, 1..40)
}

fn cell(effects: &DataFrame, model: &str, channel: &str, column: &str) -> Option<f64> {
    let text = |name: &str| effects.column(name).unwrap().str().unwrap().clone();
    let (targets, models, channels) = (text("target"), text("model"), text("channel"));
    let row = (0..effects.height()).find(|row| {
        (targets.get(*row), models.get(*row), channels.get(*row)) == (Some("buy"), Some(model), Some(channel))
    })?;
    effects.column(column).unwrap().f64().unwrap().get(row)
}

fn row() -> impl Strategy<Value = String> {
    let instant = (0..29_u32, 0..3_u32).prop_map(|(day, hour)| format!("d{day}/0{hour}:00"));
    let label = prop_oneof![
        6 => prop_oneof![Just("c000"), Just("c001"), Just("c002"), Just("c001+look")],
        3 => Just("buy"),
        2 => Just("refund"),
    ];
    (label, instant, prop::option::of(0..200_000_i64), prop::option::of(0..4_u32)).prop_map(
        |(label, instant, value, order)| {
            let value = value.map_or(String::new(), |value| format!(" ={value}"));
            let order = order.map_or(String::new(), |order| format!(" #{order}"));
            format!("{label} {instant}{value}{order}")
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
    /// From rows to effects, whether paths are counted one by one or short ones together, against the definitions.
    #[test]
    fn effects_are_those_of_the_definitions(journeys in journeys(7), order in 1..=3_u8) {
        let channels = 7;
        let bench = bench(channels, order, ShapleyValue::Rate, &journeys);
        let frames = frames(&bench);
        let paths = paths(&bench, &journeys);
        if paths.iter().all(|(_, value)| value.is_none()) {
            return Ok(());
        }
        let [whole, value, _] = naive::chain(usize::from(order), &paths, None);
        let effects = frame(&frames, "attribution_effects");
        let mut sets = Vec::new();
        for (path, value) in &paths {
            let counts = SetCounts {
                journeys: 1,
                conversions: u64::from(value.is_some()),
                value: value.unwrap_or(0.0),
            };
            sets.push((path.iter().fold(0, |set, channel| set | 1 << channel), counts));
        }
        let brought = naive::over_subsets(channels, &sets);
        for (channel, brought) in brought.iter().enumerate() {
            let name = format!("c{channel:03}");
            let markov = |column| cell(effects, "markov", &name, column);
            let [without, value_without, reach] =
                naive::chain(usize::from(order), &paths, Some(channel as u16));
            let effect = 1.0 - without / whole;
            assert_near(markov("effect"), effect, "effect");
            assert_near(markov("value_effect"), 1.0 - value_without / value, "value effect");
            if markov("effect").is_some() {
                assert_near(markov("effect_beyond_reach"), effect - reach, "beyond reach");
                assert_near(markov("conversion_probability"), whole, "probability");
            }
            let shapley = |column| cell(effects, "shapley", &name, column);
            assert_near(shapley("effect"), brought[0], "contribution");
            assert_near(shapley("value_effect"), brought[1] / 100.0, "contribution to value");
        }
    }

    #[test]
    fn the_books_close_under_every_order_and_game(
        journeys in prop::collection::vec(prop::collection::vec(row(), 0..12), 0..8), order in 1..=3_u8,
    ) {
        let journeys: Vec<String> = journeys.iter().map(|rows| rows.join(", ")).collect();
        let frames = frames(&bench(3, order, ShapleyValue::Rate, &journeys));
        for (_, ledger) in frames.iter().filter(|(name, _)| *name == "reconciliation") {
            for difference in ledger.column("difference").unwrap().f64().unwrap().iter() {
                prop_assert_eq!(difference, Some(0.0), "{:?}", ledger);
            }
        }
        let attribution = frame(&frames, "stage_attribution");
        let texts = |column: &str| attribution.column(column).unwrap().str().unwrap().clone();
        let (models, targets) = (texts("model"), texts("target"));
        let sum = |model: &str, column: &str, scale: f64| -> f64 {
            let figures = attribution.column(column).unwrap().f64().unwrap();
            (0..attribution.height())
                .filter(|row| models.get(*row) == Some(model) && targets.get(*row) == Some("buy"))
                .map(|row| (figures.get(row).unwrap_or(0.0) * scale).round())
                .sum()
        };
        for model in ["markov", "shapley"] {
            prop_assert_eq!(sum(model, "credit", 1e6), sum("linear", "credit", 1e6));
            prop_assert_eq!(sum(model, "value", 100.0), sum("linear", "value", 100.0));
        }
    }
}
