use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::*;
use crate::analyses::attribution::{Attribution, UNATTRIBUTED};
use crate::analyses::testing::{Bench, figure, show};
use crate::config::plan::Model;
use crate::contract::spend::SpendRow;
use crate::journey::testing::World;

const CREDIT: [&str; 6] =
    ["date", "channel", "last_touch_credit", "last_touch_value", "linear_credit", "linear_value"];

fn bench<T: AsRef<str>>(journeys: &[T]) -> Bench {
    let mut world = World::new(&[], &["buy"]);
    world.rules.channels = vec!["ads".to_owned(), "email".to_owned()];
    let mut bench = Bench::new(world, journeys);
    bench.plan.segments.min_customers = 1;
    bench
}

fn daily(bench: &Bench) -> DataFrame {
    bench.run_in_any_order(&ChannelDaily::new(bench.context())).remove(0).1
}

#[test]
fn touches_count_on_their_own_day_and_credit_on_that_of_the_conversion() {
    let frame = daily(&bench(&[
        "ads d1, ads d1/12:00, email d2, buy d3 =100",
        "ads d1/23:59, email d2/01:00, ads d2/02:00, email d2/03:00",
        "buy d2 =7",
    ]));
    let expected = "\
1970-01-02 ads 3 2
1970-01-03 ads 1 1
1970-01-03 email 3 2
1970-01-03 (unattributed) 0 -
1970-01-04 ads 0 0
1970-01-04 email 0 0";
    assert_eq!(show(&frame, &["date", "channel", "touches", "customers"]), expected);
    let expected = "\
1970-01-02 ads 0 0 0 0
1970-01-03 ads 0 0 0 0
1970-01-03 email 0 0 0 0
1970-01-03 (unattributed) 1 0.07 1 0.07
1970-01-04 ads 0 0 0.667 0.67
1970-01-04 email 1 1 0.333 0.33";
    assert_eq!(show(&frame, &CREDIT), expected);
}

#[test]
fn touches_before_the_window_are_context() {
    let frame = daily(&bench(&["ads d-1/23:59:59, email d0, buy d0/01:00 =100"]));
    let shown = show(&frame, &["date", "channel", "touches", "linear_credit"]);
    assert_eq!(shown, "1970-01-01 ads 0 0.5\n1970-01-01 email 1 0.5");
}

#[test]
fn a_refund_takes_back_on_its_own_day() {
    let frame = daily(&bench(&["ads d1, email d1, buy d2 =100 #7, refund d3 =40 #7, refund d4 =60 #7"]));
    let expected = "\
1970-01-02 ads 0 0 0 0
1970-01-02 email 0 0 0 0
1970-01-03 ads 0 0 0.5 0.5
1970-01-03 email 1 1 0.5 0.5
1970-01-04 ads 0 0 0 -0.2
1970-01-04 email 0 -0.4 0 -0.2
1970-01-05 ads 0 0 -0.5 -0.3
1970-01-05 email -1 -0.6 -0.5 -0.3";
    assert_eq!(show(&frame, &CREDIT), expected);
}

#[test]
fn one_or_two_customers_are_withheld_and_so_are_all_but_one_or_two() {
    let journeys: Vec<String> = (0..14)
        .map(|at| match at {
            0 | 1 => "email d1, email d1, ads d2".to_owned(),
            2 => "ads d1, email d2, ads d3".to_owned(),
            _ => "ads d1, ads d2, ads d3".to_owned(),
        })
        .collect();
    let mut bench = bench(&journeys);
    let columns = ["date", "channel", "touches", "customers", "note"];
    let expected = "\
1970-01-02 ads 12 12 -
1970-01-02 email 4 2 -
1970-01-03 ads 13 13 -
1970-01-03 email 1 1 -
1970-01-04 ads 12 12 -";
    assert_eq!(show(&daily(&bench), &columns), expected);
    bench.plan.segments.min_customers = 10;
    let expected = "\
1970-01-02 ads - - withheld
1970-01-02 email - - withheld
1970-01-03 ads - - withheld
1970-01-03 email - - withheld
1970-01-04 ads 12 12 -";
    assert_eq!(show(&daily(&bench), &columns), expected);
}

#[test]
fn days_are_those_of_the_time_zone() {
    let mut bench = bench(&["ads d1/21:59, ads d1/22:00, email d2/20:00, buy d2/22:00 =100"]);
    bench.plan.job.timezone.zone = jiff::tz::TimeZone::fixed(jiff::tz::offset(2));
    let shown = show(&daily(&bench), &["date", "channel", "touches", "last_touch_credit"]);
    assert_eq!(
        shown,
        "1970-01-02 ads 1 0\n1970-01-03 ads 1 0\n1970-01-03 email 1 0\n1970-01-04 ads 0 0\n1970-01-04 email 0 1"
    );
}

fn spent(day: i32, channel: &str, cost_minor: i64) -> SpendRow {
    SpendRow { day, channel: channel.to_owned(), campaign: None, cost_minor, impressions: None, clicks: None }
}

#[test]
fn spend_stands_on_its_own_day_also_of_channels_that_nobody_met() {
    let mut bench = bench(&["ads d1, buy d2 =100"]);
    bench.world.rules.from_us = crate::journey::testing::instant_us("d0/06:00");
    let spend = [
        spent(0, "ads", 1),
        spent(1, "ads", 250),
        spent(1, "ads", 50),
        spent(2, "tv", 900),
        spent(30, "tv", 5),
    ];
    let context = Context { spend: &spend, ..bench.context() };
    let frame = bench.run(&ChannelDaily::new(context)).remove(0).1;
    let shown = show(&frame, &["date", "channel", "touches", "customers", "spend", "linear_value"]);
    assert_eq!(shown, "1970-01-02 ads 1 1 3 0\n1970-01-03 ads 0 0 0 1\n1970-01-03 tv 0 0 9 0");
    let without = daily(&bench);
    assert_eq!(show(&without, &["spend"]), "-\n-", "without a spend input nothing is known");
}

#[test]
fn without_a_conversion_there_is_no_credit() {
    let bench = Bench::new(World::new(&["A"], &[]), &["A d1, A d1"]);
    let frame = daily(&bench);
    assert_eq!(show(&frame, &["channel", "linear_credit", "linear_value"]), "email - -");
}

#[test]
fn a_refund_of_an_order_before_the_window_stands_in_both_tables() {
    let mut bench = bench(&["ads d-2, buy d-1 =1953 #2, refund d0 =111 #2"]);
    bench.plan.attribution.models = vec![Model::LastTouch];
    let columns = ["channel", "last_touch_value"];
    assert_eq!(show(&daily(&bench), &columns), "ads -1.11");
    let attribution = bench.run(&Attribution::new(bench.context())).remove(0).1;
    assert_eq!(
        show(&attribution, &["channel", "touches", "credit", "value"]),
        "ads 0 0 -1.11\n(unattributed) 0 0 0"
    );
}

/// Labels with values and orders, so that some refunds find their order.
fn journeys() -> impl Strategy<Value = Vec<String>> {
    let row =
        (prop::sample::select(&["ads", "email", "buy", "refund"][..]), -3_i64..30, 0_u32..3, 1_i64..5_000);
    let row = row.prop_map(|(label, day, hour, value)| {
        format!("{label} d{day}/{hour}:00 ={value} #{}", if value % 2 == 0 { 1 } else { 2 })
    });
    let journey = prop::collection::vec(row, 0..10).prop_map(|rows| rows.join(", "));
    prop::collection::vec(journey, 0..20)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn days_sum_to_stage_attribution(journeys in journeys()) {
        let mut bench = bench(&journeys);
        bench.plan.attribution.models = vec![Model::LastTouch, Model::Linear];
        let daily = daily(&bench);
        let attribution = bench.run(&Attribution::new(bench.context())).remove(0).1;
        let names = daily.column("channel").unwrap().str().unwrap().clone();
        for model in ["last_touch", "linear"] {
            for (figures, unit) in [("credit", 1e6), ("value", 100.0)] {
                for channel in ["ads", "email", UNATTRIBUTED] {
                    let own = daily.column(&format!("{model}_{figures}")).unwrap().f64().unwrap().clone();
                    let sum: i64 = names
                        .iter()
                        .zip(own.iter())
                        .filter(|(name, _)| *name == Some(channel))
                        .map(|(_, figure)| (figure.unwrap() * unit).round() as i64)
                        .sum();
                    let has_row = attribution.column("channel").unwrap().str().unwrap().iter().any(|name| name == Some(channel));
                    let shown = if has_row {
                        figure(&attribution, &[("model", model), ("channel", channel)], figures).unwrap()
                    } else {
                        0.0
                    };
                    prop_assert_eq!(sum, (shown * unit).round() as i64, "{} {} of {}", model, figures, channel);
                }
            }
        }
    }
}
