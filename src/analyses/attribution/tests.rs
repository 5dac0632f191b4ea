//! Attribution as a whole: books that close for any journeys, refunds among them.

use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::super::testing::{Bench, figure, show};
use super::Attribution;
use crate::config::plan::{Levels, Model, PathTransform};
use crate::journey::testing::World;

fn bench(journeys: &[String]) -> Bench {
    let mut world = World::new(&["look"], &["buy"]);
    world.rules.channels = ["a", "b", "c"].map(str::to_owned).to_vec();
    world.rules.direct = vec![false, false, true];
    let mut bench = Bench::new(world, journeys);
    bench.plan.attribution.models = Model::ALL.to_vec();
    bench.plan.refunds = vec!["refund".to_owned()];
    bench
}

fn frames(journeys: &[&str]) -> Vec<(&'static str, DataFrame)> {
    let journeys: Vec<String> = journeys.iter().map(|text| (*text).to_owned()).collect();
    let bench = bench(&journeys);
    bench.run(&Attribution::new(bench.context()))
}

fn frame<'a>(frames: &'a [(&'static str, DataFrame)], name: &str) -> &'a DataFrame {
    &frames.iter().find(|(table, frame)| *table == name && frame.height() > 0).unwrap().1
}

#[test]
fn a_refund_goes_back_with_the_weights_of_its_order() {
    let frames = frames(&[
        "a d1, b d2, buy d3 =1000 #1, refund d4 =400 #1",
        "b d1, buy d3 =500 #2, refund d5 =500 #2",
        "c d1, buy d2 =300 #3",
        "refund d1 =77 #9",
    ]);
    let attribution = frame(&frames, "stage_attribution");
    for model in ["linear", "position", "shapley"] {
        let cell = |channel: &str, column: &str| {
            figure(attribution, &[("target", "buy"), ("model", model), ("channel", channel)], column).unwrap()
        };
        assert_eq!((cell("a", "credit"), cell("a", "value")), (0.5, 3.0), "{model}");
        assert_eq!(
            (cell("b", "credit"), cell("b", "value")),
            (0.5, 3.0),
            "{model}: the second order is gone"
        );
        assert_eq!((cell("c", "credit"), cell("c", "value")), (1.0, 3.0), "{model}");
    }
    let books = frame(&frames, "reconciliation");
    let lines =
        show(books, &["ledger", "model", "booked", "credited", "unattributed", "refunds", "difference"]);
    assert!(lines.contains("value linear 18 9 0 9 0"), "{lines}");
    assert!(lines.contains("credit linear 3 2 0 1 0"), "{lines}");
    assert!(lines.contains("refunds - 9.77 9 0.77 0 0"), "{lines}");
}

/// Rows of one model and level: channel, campaign, touches, journeys, credit, value.
fn campaigns(frames: &[(&'static str, DataFrame)], model: &str) -> Vec<String> {
    let attribution = frame(frames, "stage_attribution");
    let columns =
        ["target", "model", "level", "channel", "campaign", "touches", "journeys", "credit", "value", "rank"];
    let wanted = format!("buy {model} campaign ");
    let rows = show(attribution, &columns);
    rows.lines().filter_map(|row| row.strip_prefix(&wanted)).map(str::to_owned).collect()
}

fn with_campaigns(journeys: &[&str]) -> Vec<(&'static str, DataFrame)> {
    let journeys: Vec<String> = journeys.iter().map(|text| (*text).to_owned()).collect();
    let mut bench = bench(&journeys);
    bench.plan.attribution.by = Levels { channel: true, campaign: true };
    bench.run(&Attribution::new(bench.context()))
}

/// By hand: credit of each touch goes to its campaign, whole conversions to distinct ones.
#[test]
fn touches_give_their_credit_to_their_campaign() {
    let frames =
        with_campaigns(&["a@x d1, a@y d2, b@x d3, a@x d4, buy d5 =1000", "b d1, buy d2 =500", "buy d1 =50"]);
    let rows = |model| campaigns(&frames, model);
    let unattributed = "(unattributed) (unattributed) 0 1 1 0.5 -";
    assert_eq!(
        rows("linear"),
        ["a x 2 1 0.5 5 2", "a y 1 1 0.25 2.5 3", "b (none) 1 1 1 5 1", "b x 1 1 0.25 2.5 4", unattributed]
    );
    assert_eq!(
        rows("last_touch"),
        ["a x 2 1 1 10 1", "a y 1 1 0 0 3", "b (none) 1 1 1 5 2", "b x 1 1 0 0 4", unattributed]
    );
    assert_eq!(
        rows("participation"),
        ["a x 2 1 1 10 1", "a y 1 1 1 10 2", "b (none) 1 1 1 5 3", "b x 1 1 1 10 4", unattributed]
    );
    // Half of the first conversion each to a and b, all of the second to b; split by 2:1 and 1:4 linear.
    assert_eq!(
        rows("shapley"),
        [
            "a x 2 1 0.333 3.33 2",
            "a y 1 1 0.167 1.67 4",
            "b (none) 1 1 1.2 8 1",
            "b x 1 1 0.3 2 3",
            unattributed
        ]
    );
    let books =
        show(frame(&frames, "reconciliation"), &["ledger", "model", "booked", "credited", "difference"]);
    assert!(books.contains("credit_by_campaign shapley 3 2 0"), "{books}");
    assert!(books.contains("value_by_campaign linear 15.5 15 0"), "{books}");
    assert!(!books.contains("participation"), "what doesn't add up has no books: {books}");
}

#[test]
fn a_refund_goes_back_to_the_campaigns_of_its_order() {
    let frames =
        with_campaigns(&["a@x d1, b@y d2, buy d3 =1000 #1, refund d4 =400 #1", "b@z d1, buy d2 =100"]);
    for model in ["linear", "position"] {
        assert_eq!(
            campaigns(&frames, model)[..3],
            ["a x 1 1 0.5 3 2", "b y 1 1 0.5 3 3", "b z 1 1 1 1 1"],
            "{model}"
        );
    }
    let gone = with_campaigns(&["a@x d1, buy d3 =1000 #1, refund d4 =1000 #1", "b@z d1, buy d2 =100"]);
    assert_eq!(campaigns(&gone, "linear")[..2], ["a x 1 1 0 0 2", "b z 1 1 1 1 1"]);
}

/// A channel that only null paths met gets credit from the chain, but has no linear credit to split it by.
#[test]
fn credit_without_linear_credit_is_split_equally() {
    let frames = with_campaigns(&["a d1, buy d2 =100", "c@x d1, a d2", "c@y d1, a d2"]);
    let rows = campaigns(&frames, "markov");
    let credit = |row: &str| row.split(' ').nth(4).unwrap().to_owned();
    assert!(rows[1].starts_with("c x 0 0") && rows[2].starts_with("c y 0 0"), "{rows:?}");
    assert_eq!(credit(&rows[1]), credit(&rows[2]));
    assert_ne!(credit(&rows[1]), "0");
}

#[test]
fn without_null_paths_everything_in_the_chain_converts() {
    let journeys = ["a d1, b d2, buy d3 =1000", "b d1, a d2, a d3, buy d4", "c d1"].map(str::to_owned);
    let mut bench = bench(&journeys);
    bench.world.rules.null_paths = false;
    let frames = bench.run(&Attribution::new(bench.context()));
    let effects = frame(&frames, "attribution_effects");
    let keys = |channel| [("target", "buy"), ("model", "markov"), ("channel", channel)];
    for channel in ["a", "b"] {
        let probability = figure(effects, &keys(channel), "conversion_probability").unwrap();
        assert!((probability - 1.0).abs() < 1e-12, "{channel}: {probability}");
    }
}

/// By hand: a(2) converts, b(1) > a(1) doesn't, b(1) does: p = 1/3 + 2/3 · 1/2. Without b only a(2) is left, without a
/// half of b(1): 1/3 each. Were a(2) and a(1) one state, 1/6 would be left without b.
#[test]
fn a_channel_met_twice_is_another_state() {
    let journeys = ["a d1, a d3, buy d4 =100", "b d1, a d2", "b d1, buy d2 =100"].map(str::to_owned);
    let mut bench = bench(&journeys);
    bench.world.rules.path = PathTransform::Frequency;
    bench.plan.attribution.path = PathTransform::Frequency;
    let frames = bench.run(&Attribution::new(bench.context()));
    let effects = frame(&frames, "attribution_effects");
    let effect = |channel| {
        let keys = [("target", "buy"), ("model", "markov"), ("channel", channel)];
        (figure(effects, &keys, "effect").unwrap() * 1e9).round() / 1e9
    };
    assert_eq!((effect("a"), effect("b")), (0.5, 0.5));
    let attribution = frame(&frames, "stage_attribution");
    let keys = [("target", "buy"), ("model", "linear"), ("channel", "a")];
    assert_eq!(figure(attribution, &keys, "credit"), Some(1.0), "rows are by channel");
}

#[test]
fn participation_gives_a_whole_conversion_to_each_channel_and_has_no_share() {
    let frames = frames(&["a d1, b d2, a d3, buy d4 =1000", "b d1, buy d2 =500"]);
    let attribution = frame(&frames, "stage_attribution");
    let columns = ["target", "model", "channel", "credit", "value", "credit_share", "value_share", "note"];
    let rows = show(attribution, &columns);
    let rows: Vec<&str> = rows.lines().filter(|row| row.starts_with("buy participation")).collect();
    assert_eq!(
        rows,
        [
            "buy participation a 1 10 - - not_additive; few_buckets",
            "buy participation b 2 15 - - not_additive; few_buckets",
            "buy participation (unattributed) 0 0 - - not_additive"
        ]
    );
}

#[test]
fn last_non_direct_on_short_and_long_paths() {
    // In the bench c is direct.
    let frames = frames(&[
        "a d1, b d2, c d3, buy d4",
        "c d1, c d2, buy d3",
        "b d1, a d2, a d3, a d4, c d5, c d6, buy d7",
    ]);
    let attribution = frame(&frames, "stage_attribution");
    for (channel, credit) in [("a", 1.0), ("b", 1.0), ("c", 1.0)] {
        let keys = [("target", "buy"), ("model", "last_non_direct"), ("channel", channel)];
        assert_eq!(figure(attribution, &keys, "credit"), Some(credit), "{channel}");
    }
}

fn row() -> impl Strategy<Value = String> {
    let instant = (0..29_u32, 0..3_u32).prop_map(|(day, hour)| format!("d{day}/0{hour}:00"));
    let label = prop_oneof![
        6 => prop_oneof![Just("a"), Just("b"), Just("c"), Just("a+look")],
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
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_books_close_for_any_journeys_refunds_and_values(
        journeys in prop::collection::vec(prop::collection::vec(row(), 0..12), 0..8), restart: bool,
    ) {
        let journeys: Vec<String> = journeys.iter().map(|rows| rows.join(", ")).collect();
        let mut bench = bench(&journeys);
        if restart {
            bench.world.rules.after_conversion = crate::config::plan::AfterConversion::Restart;
        }
        let frames = bench.run(&Attribution::new(bench.context()));
        let ledgers: Vec<&DataFrame> =
            frames.iter().filter(|(name, _)| *name == "reconciliation").map(|(_, frame)| frame).collect();
        for ledger in ledgers {
            for difference in ledger.column("difference").unwrap().f64().unwrap().iter() {
                prop_assert_eq!(difference, Some(0.0), "{:?}", ledger);
            }
        }
        // What the table gives out is what was booked less what went back, to the millionth and the cent.
        let attribution = frame(&frames, "stage_attribution");
        let net: Vec<(f64, f64)> = Model::ALL
            .iter()
            .filter(|model| model.is_additive())
            .map(|model| {
                let texts = |column: &str| attribution.column(column).unwrap().str().unwrap().clone();
                let (models, targets) = (texts("model"), texts("target"));
                let mut sums = (0.0, 0.0);
                for row in 0..attribution.height() {
                    if models.get(row) == Some(model.as_str()) && targets.get(row) == Some("buy") {
                        let number = |column: &str| {
                            attribution.column(column).unwrap().f64().unwrap().get(row).unwrap_or(0.0)
                        };
                        sums.0 += (number("credit") * 1e6).round();
                        sums.1 += (number("value") * 100.0).round();
                    }
                }
                sums
            })
            .collect();
        prop_assert!(net.windows(2).all(|pair| pair[0] == pair[1]), "models disagree on the total: {:?}", net);
    }
}
