//! Figures computed by hand, books that close for any spend, and bounds against a naive jackknife.

use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::super::testing::{Bench, figure, show};
use super::super::{Attribution, NamedFrame};
use crate::config::plan::{DAY_US, Model, ShapleyValue};
use crate::contract::spend::SpendRow;
use crate::journey::Rules;
use crate::journey::testing::World;
use crate::stats::BUCKETS;

fn paid(day: i32, channel: &str, cost_minor: i64) -> SpendRow {
    SpendRow {
        day,
        channel: channel.to_owned(),
        campaign: None,
        cost_minor,
        impressions: Some(10 * cost_minor),
        clicks: None,
    }
}

/// Touches of the channels a, b and idle, conversions `buy`; the window is days 0 to 29.
fn bench<T: AsRef<str>>(journeys: &[T], spend: Vec<SpendRow>) -> Bench {
    let mut world = World::new(&[], &["buy"]);
    world.rules.channels = ["a", "b", "idle"].map(str::to_owned).to_vec();
    world.rules.direct = vec![false; 3];
    let mut bench = Bench::new(world, journeys);
    bench.plan.attribution.models = vec![Model::LastTouch, Model::Linear, Model::Markov];
    bench.plan.roi.primary = Some((0, Model::Linear));
    bench.spend = spend;
    bench.plan.segments.min_customers = 1;
    bench
}

/// Two customers buy for the first time, one of them twice; a third bought before the window too.
const JOURNEYS: [&str; 4] = [
    "a d1, b d2, buy d3 =1000 #1, buy d20 =500 #2, refund d25 =200 #2",
    "a d-5, buy d-2 =100, a d4, buy d5 =400",
    "b d1, buy d2 =300",
    "b d1, a d2",
];

fn spend() -> Vec<SpendRow> {
    vec![
        paid(-1, "a", 50),
        paid(0, "a", 400),
        paid(29, "a", 200),
        paid(30, "a", 9_999),
        paid(2, "b", 700),
        paid(3, "print", 250),
        paid(4, "free", 0),
    ]
}

fn frames(bench: &Bench) -> Vec<NamedFrame> {
    bench.run(&Attribution::new(bench.context()))
}

fn only_roi(frames: Vec<NamedFrame>) -> DataFrame {
    frames.into_iter().find(|(name, _)| *name == "channel_roi").unwrap().1
}

fn roi(bench: &Bench) -> DataFrame {
    only_roi(frames(bench))
}

/// Lines of the ledgers of spend.
fn ledger(frames: &[NamedFrame]) -> Vec<String> {
    let columns = ["ledger", "item", "booked", "credited", "unattributed", "difference"];
    let lines = frames.iter().filter(|(name, _)| *name == "reconciliation").map(|(_, frame)| frame);
    lines
        .flat_map(|frame| show(frame, &columns).lines().map(str::to_owned).collect::<Vec<_>>())
        .filter(|line| line.starts_with("spend"))
        .collect()
}

fn linear(frame: &DataFrame, columns: &[&str]) -> String {
    let all = show(frame, &[&["model", "channel"], columns].concat());
    let own = all.lines().filter_map(|line| line.strip_prefix("linear "));
    own.collect::<Vec<_>>().join("\n")
}

#[test]
fn new_customers_are_shown_from_three_on() {
    let buys = |channel: &str, times: usize| vec![format!("{channel} d1, buy d3 =1000"); times];
    let mut bench = bench(&[buys("a", 2), buys("b", 3)].concat(), spend());
    bench.plan.segments.min_customers = 10;
    let columns = ["new_customers", "customer_acquisition_cost", "payback_months", "note"];
    let shown = linear(&roi(&bench), &columns);
    assert!(shown.contains("a - - - withheld"), "{shown}");
    assert!(shown.contains("b 3 2.333"), "{shown}");
    bench.plan.segments.min_customers = 1;
    assert!(linear(&roi(&bench), &columns).contains("a 2 3 "));
}

#[test]
fn figures_by_hand() {
    let mut bench = bench(&JOURNEYS, spend());
    bench.plan.refunds = vec!["refund".to_owned()];
    bench.plan.roi.margin = 0.5;
    let frame = roi(&bench);
    // a: halves of 10.00 and of 5.00 less 2.00, and 4.00 whole; b: the same halves, and 3.00 whole.
    insta::assert_snapshot!(linear(&frame, &["primary", "spend", "impressions", "clicks", "credit", "value"]), @r"
    a true 6 6000 - 2 10.5
    b true 7 7000 - 2 9.5
    free true 0 0 - 0 0
    idle true 0 - - 0 0
    print true 2.5 2500 - 0 0
    ");
    // ROAS 10.5 / 6; ROI (5.25 - 6) / 6; 6 / 2.
    insta::assert_snapshot!(linear(&frame, &["roas", "roi", "cost_per_conversion"]), @r"
    a 1.75 -0.125 3
    b 1.357 -0.321 3.5
    free - - -
    idle - - -
    print 0 -1 -
    ");
    // New are half a customer by a, one and a half by b: 6 / 0.5 and 7 / 1.5. They brought 6.50 on average at first,
    // of which half is margin, and nobody was there for a month.
    insta::assert_snapshot!(linear(&frame, &["new_customers", "customer_acquisition_cost", "payback_months", "note"]), @r"
    a 0.5 12 - few_buckets; payback_immature
    b 1.5 4.667 - few_buckets; payback_immature
    free 0 - - no_touches; no_spend
    idle 0 - - no_credit; no_spend
    print 0 - - no_touches
    ");
    assert!(show(&frame, &["roas_previous"]).lines().all(|cell| cell == "-"), "nothing is compared");

    bench.plan.roi.margin = 1.0;
    let frame = roi(&bench);
    assert_eq!(linear(&frame, &["payback_months"]).lines().nth(1), Some("b 0"), "6.50 cover 4.67, not 12");
}

#[test]
fn new_customers_of_every_model_are_the_first_conversions_with_a_touch() {
    let mut bench = bench(&[&JOURNEYS[..], &["buy d9 =1"]].concat(), spend());
    bench.plan.attribution.models = Model::default_models();
    for value in [ShapleyValue::Total, ShapleyValue::Rate] {
        bench.plan.attribution.shapley_value = value;
        let frame = roi(&bench);
        for model in &bench.plan.attribution.models {
            let own =
                |channel| figure(&frame, &[("model", model.as_str()), ("channel", channel)], "new_customers");
            let sum: f64 = ["a", "b", "idle", "free", "print"].into_iter().filter_map(own).sum();
            assert!((sum - 2.0).abs() < 1e-9, "{}: {sum}", model.as_str());
        }
    }
}

#[test]
fn without_a_spend_input_nothing_has_a_cost() {
    let frame = roi(&bench(&JOURNEYS, Vec::new()));
    insta::assert_snapshot!(linear(&frame, &["spend", "value", "roas", "new_customers", "note"]), @r"
    a - 10.5 - - no_spend
    b - 9.5 - - no_spend
    idle - 0 - - no_credit; no_spend
    ");
}

#[test]
fn payback_comes_with_the_months_that_were_seen() {
    // A window of 90 days. Twenty customers buy for 10.00 at first. Ten of them were there for two whole months and
    // bring 4.00 in the second, the others for one month only.
    let early = "a d0, buy d0/01:00 =1000, buy d40 =400";
    let late = "a d10, buy d31 =1000, buy d70 =9999";
    let journeys: Vec<&str> = (0..20).map(|at| if at % 2 == 0 { early } else { late }).collect();
    let months = |cost_minor: i64| {
        let mut bench = bench(&journeys, vec![paid(3, "a", cost_minor)]);
        bench.world.rules.to_us = 90 * DAY_US;
        let columns = ["customer_acquisition_cost", "payback_months", "note"];
        linear(&roi(&bench), &columns).lines().next().unwrap().to_owned()
    };
    assert_eq!(months(20 * 1_000), "a 10 0 few_conversions");
    assert_eq!(months(20 * 1_001), "a 10.01 2 few_conversions");
    assert_eq!(months(20 * 1_400), "a 14 2 few_conversions");
    assert_eq!(months(20 * 1_401), "a 14.01 - few_conversions; payback_not_reached");
}

#[test]
fn the_window_before_sees_nothing_of_what_came_later() {
    let mut bench = bench(&JOURNEYS, spend());
    bench.plan.refunds = vec!["refund".to_owned()];
    bench.previous = Some(Rules { from_us: -30 * DAY_US, to_us: 0, ..bench.world.rules.clone() });
    let frame = roi(&bench);
    // One purchase of 1.00 for 0.50 of spend. b was paid for only now.
    insta::assert_snapshot!(linear(&frame, &["roas", "roas_previous", "note"]), @r"
    a 1.75 2 few_buckets; payback_immature
    b 1.357 - few_buckets; no_previous_spend
    free - - no_touches; no_spend
    idle - - no_credit; no_spend
    print 0 - no_touches; no_previous_spend
    ");
}

#[test]
fn partials_merge_in_any_order() {
    let mut bench = bench(&JOURNEYS, spend());
    bench.plan.refunds = vec!["refund".to_owned()];
    bench.previous = Some(Rules { from_us: -30 * DAY_US, to_us: 0, ..bench.world.rules.clone() });
    let merged = only_roi(bench.run_merged(&Attribution::new(bench.context())));
    let columns = ["model", "channel", "value", "new_customers", "payback_months", "roas_previous"];
    assert_eq!(show(&merged, &columns), show(&roi(&bench), &columns));
}

#[test]
fn spend_is_booked_by_channel() {
    insta::assert_snapshot!(ledger(&frames(&bench(&JOURNEYS, spend()))).join("\n"), @r"
    spend_by_channel a 6 6 0 0
    spend_by_channel b 7 7 0 0
    spend_by_channel print 2.5 0 2.5 0
    spend spend 15.5 13 2.5 0
    ");
    let mut unattributed = bench(&JOURNEYS, spend());
    unattributed.plan.roi.primary = None;
    insta::assert_snapshot!(ledger(&frames(&unattributed)).join("\n"), @r"
    spend_by_channel a 6 0 6 0
    spend_by_channel b 7 0 7 0
    spend_by_channel print 2.5 0 2.5 0
    spend spend 15.5 0 15.5 0
    ");
}

/// Delete-a-group jackknife on the logarithm, as written in the methods, over sums of floats.
#[test]
fn bounds_of_a_return_are_those_of_a_naive_jackknife() {
    // Journey `at` lies in bucket `at % 64`.
    let value = |at: usize| 1_000 + 20 * (at * 7_919 % 97) as i64;
    let journeys: Vec<String> = (0..500)
        .map(|at| match at % 5 {
            0 => format!("a d1, buy d2 ={}", value(at)),
            1 | 2 => format!("a d1, b d2, buy d3 ={}", value(at)),
            _ => "b d4".to_owned(),
        })
        .collect();
    let frame = roi(&bench(&journeys, vec![paid(5, "a", 70_000)]));
    let mut buckets = [0.0; BUCKETS];
    for at in 0..500 {
        let share = [1.0, 0.5, 0.5, 0.0, 0.0][at % 5];
        buckets[at % BUCKETS] += share * value(at) as f64 / 70_000.0;
    }
    let total: f64 = buckets.iter().sum();
    let logs = buckets.map(|bucket| ((total - bucket) * 64.0 / 63.0).ln());
    let mean = logs.iter().sum::<f64>() / 64.0;
    let variance = 63.0 / 64.0 * logs.iter().map(|log| (log - mean) * (log - mean)).sum::<f64>();
    // Quantile of Student's t with 63 degrees of freedom at 0.975.
    let half_width = 1.998_340_542_520_741 * variance.sqrt();
    let own = |column: &str| figure(&frame, &[("model", "linear"), ("channel", "a")], column).unwrap();
    for (column, expected) in
        [("roas", total), ("roas_low", total * (-half_width).exp()), ("roas_high", total * half_width.exp())]
    {
        assert!((own(column) / expected - 1.0).abs() < 1e-9, "{column}: {} is not {expected}", own(column));
    }
    assert!(own("cost_per_conversion_low") < own("cost_per_conversion"));
    assert!(own("cost_per_conversion") < own("cost_per_conversion_high"));
}

fn spend_rows() -> impl Strategy<Value = Vec<SpendRow>> {
    let channel = prop::sample::select(vec!["a", "b", "idle", "print", "(none)"]);
    let campaign = prop::option::of(prop::sample::select(vec!["spring", "autumn"]));
    let row = (-5..40_i32, channel, campaign, 0..=9_000_000_000_000_000_i64).prop_map(
        |(day, channel, campaign, cost_minor)| SpendRow {
            campaign: campaign.map(str::to_owned),
            impressions: None,
            ..paid(day, channel, cost_minor)
        },
    );
    prop::collection::vec(row, 1..60)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn the_ledger_closes_for_any_spend(spend in spend_rows(), models in 0..4_usize) {
        let mut bench = bench(&JOURNEYS, spend.clone());
        bench.plan.attribution.models.truncate(models);
        bench.plan.roi.primary = bench.plan.attribution.models.last().map(|model| (0, *model));
        let frames = frames(&bench);
        let booked = |of: &dyn Fn(&SpendRow) -> bool| -> i128 {
            let own = spend.iter().filter(|row| (0..30).contains(&row.day) && of(row));
            own.map(|row| i128::from(row.cost_minor)).sum()
        };
        let touched = |row: &SpendRow| models > 0 && ["a", "b", "idle"].contains(&row.channel.as_str());
        let mut totals = 0;
        for (_, frame) in frames.iter().filter(|(name, _)| *name == "reconciliation") {
            for (at, ledger) in frame.column("ledger").unwrap().str().unwrap().iter().enumerate() {
                let cell = |column: &str| frame.column(column).unwrap().f64().unwrap().get(at).unwrap();
                let item = frame.column("item").unwrap().str().unwrap().get(at).unwrap();
                prop_assert_eq!(cell("difference"), 0.0);
                let of: Box<dyn Fn(&SpendRow) -> bool> = match ledger {
                    Some("spend") => Box::new(|_| true),
                    Some("spend_by_channel") => Box::new(|row| row.channel == item),
                    _ => continue,
                };
                totals += i32::from(ledger == Some("spend"));
                prop_assert_eq!(cell("booked"), booked(&of) as f64 / 100.0);
                prop_assert_eq!(cell("credited"), booked(&|row| of(row) && touched(row)) as f64 / 100.0);
                prop_assert_eq!(cell("unattributed"), booked(&|row| of(row) && !touched(row)) as f64 / 100.0);
            }
        }
        prop_assert_eq!(totals, 1);
    }
}
