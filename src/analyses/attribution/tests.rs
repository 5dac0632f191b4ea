//! Attribution as a whole: books that close for any journeys, refunds among them.

use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::super::testing::{Bench, figure, show};
use super::Attribution;
use crate::config::plan::Model;
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
