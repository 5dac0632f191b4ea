//! `experiment_health` against scipy, on the e-mail experiment with its assignments spread over three weeks.
//!
//! In the data everybody is assigned at one instant, and acts a day later. So the test moves the customer `h00012` by the
//! number in the id, `i`: assigned `7i mod 20` days and `5i mod 24` hours later, visiting and buying another `13i mod 21`
//! days later (`mod 19` with the men's e-mail, `mod 10` with the women's). Rows of the time before stay where `11i mod 10` is below 3 (4 with the
//! men's). Of those with the men's e-mail every third of day 4 is lost, and every seventh of zip code Urban.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type, TimeUnit, TimestampMicrosecondType};
use polars::prelude::{AnyValue, DataFrame};
use touchline::job::Table;

use crate::reference::{data, number, read, row_of, run, table, told_absent, write};

const HOUR_US: i64 = 3_600_000_000;

/// Writes what the test reads: all events, and the exposures among them as the log of assignments.
fn spread(data: &Path, temp: &Path) {
    let events = read(&data.join("email_experiment/events.parquet"));
    let column = |name: &str, kind: DataType| cast(events.column_by_name(name).unwrap(), &kind).unwrap();
    let [users, kinds, variants, zips] =
        ["user_id", "event_type", "variant", "zip_code"].map(|name| column(name, DataType::Utf8));
    let [users, kinds, variants, zips] = [&users, &kinds, &variants, &zips].map(|of| of.as_string::<i32>());
    let times = column("ts", DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())));
    let times = times.as_primitive::<TimestampMicrosecondType>();
    let values = column("value", DataType::Float64);
    let values = values.as_primitive::<Float64Type>();
    let mut rows = Vec::new();
    for row in 0..events.num_rows() {
        let i: i64 = users.value(row)[1..].parse().unwrap();
        let is_mens = variants.value(row) == "Mens E-Mail";
        let kind = kinds.value(row);
        let day = i * 7 % 20;
        let is_lost = is_mens && (day == 4 && i % 3 == 0 || zips.value(row) == "Urban" && i % 7 == 0);
        let is_forgotten = kind == "pre_period_spend" && i * 11 % 10 >= if is_mens { 4 } else { 3 };
        if is_lost || is_forgotten {
            continue;
        }
        let later = match kind {
            "visit" | "conversion" => i * 13 % longest(variants.value(row)),
            _ => 0,
        };
        rows.push((row, times.value(row) + ((day + later) * 24 + i * 5 % 24) * HOUR_US));
    }
    let exposed: Vec<(usize, i64)> =
        rows.iter().copied().filter(|(row, _)| kinds.value(*row) == "exposure").collect();
    for (name, rows) in [("events", &rows), ("assignments", &exposed)] {
        let text = |of: &StringArray| -> ArrayRef {
            Arc::new(rows.iter().map(|(row, _)| Some(of.value(*row))).collect::<StringArray>())
        };
        let ts = TimestampMicrosecondArray::from_iter_values(rows.iter().map(|(_, ts)| *ts));
        let value: Float64Array =
            rows.iter().map(|(row, _)| values.is_valid(*row).then(|| values.value(*row))).collect();
        let columns: [(&str, ArrayRef); 5] = [
            ("user_id", text(users)),
            ("ts", Arc::new(ts.with_timezone("UTC"))),
            ("event_type", text(kinds)),
            ("variant", text(variants)),
            ("value", Arc::new(value)),
        ];
        write(&temp.join(format!("{name}.parquet")), &RecordBatch::try_from_iter(columns).unwrap());
    }
}

/// Visits and purchases come within so many days.
fn longest(variant: &str) -> i64 {
    match variant {
        "Mens E-Mail" => 19,
        "Womens E-Mail" => 10,
        _ => 21,
    }
}

fn tables(data: &Path, temp: &Path, goal: &str) -> Vec<Table> {
    let text = r#"
[job]
timezone = "Europe/Sofia"
currency = "USD"
[window]
from = "2008-03-01T00:00:00Z"
to = "2008-04-20T00:00:00Z"
[inputs.touchpoints]
path = "{temp}/events.parquet"
exclude = [ { event = ["exposure"] } ]
columns = { customer_id = "user_id", occurred_at = "ts", event = "event_type" }
constants = { channel = "E-mail" }
[inputs.customers]
path = "{data}/email_experiment/users.parquet"
columns = { customer_id = "user_id" }
[inputs.assignments]
path = "{temp}/assignments.parquet"
columns = { customer_id = "user_id", assigned_at = "ts" }
constants = { experiment = "email" }
[conversions.visit]
event = "visit"
[conversions.conversion]
event = "conversion"
value = "value"
[metrics.visit]
kind = "proportion"
conversion = "visit"
window = "28d"
[metrics.spend]
kind = "mean"
conversion = "conversion"
of = "value"
window = "28d"
[segments]
dimensions = ["zip_code", "history_segment", "newbie"]
[experiments.email]
control = "No E-Mail"
weights = { "No E-Mail" = 1, "Mens E-Mail" = 1, "Womens E-Mail" = 1 }
metrics = ["GOAL"]
"#;
    run(&text.replace("GOAL", goal), data, temp)
}

fn text(frame: &DataFrame, row: usize, column: &str) -> String {
    match frame.column(column).unwrap().get(row).unwrap() {
        AnyValue::String(text) => text.to_owned(),
        other => panic!("{column} of row {row} is {other}"),
    }
}

#[track_caller]
fn close(ours: f64, theirs: f64, tolerance: f64) {
    assert!((ours / theirs - 1.0).abs() < tolerance, "{ours} is not {theirs}");
}

/// scipy 1.17.1: chisquare, chi2_contingency(correction=False) and, over one row per customer, ttest_ind(equal_var=False)
/// of the change and the delta method for that of the lift.
#[test]
fn health_of_a_spread_email_experiment_is_that_of_scipy() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    spread(&data, temp.path());
    let visits = tables(&data, temp.path(), "visit");
    let health = table(&visits, "experiment_health");
    let row = |check: &str, variant: &str| row_of(health, &[("check", check), ("variant", variant)]);
    let arms = ["Mens E-Mail", "No E-Mail", "Womens E-Mail"];

    let srm = row("srm", "No E-Mail");
    close(number(health, srm, "p_value"), 8.456821994707591e-17, 1e-12);
    assert_eq!(text(health, srm, "status"), "fail");
    assert_eq!(arms.map(|arm| number(health, row("srm", arm), "observed")), [19_827.0, 21_306.0, 21_387.0]);

    // Local days: some are assigned after midnight in Sofia. The smallest of 21, times 21.
    let by_day = row("srm_by_day", "(all)");
    close(number(health, by_day, "p_value"), 3.255669449568679e-12, 1e-12);
    let split = "2008-03-06: Mens E-Mail 644 (824.0 planned), No E-Mail 916 (824.0 planned), \
                 Womens E-Mail 912 (824.0 planned); days tested: 21";
    assert_eq!(text(health, by_day, "detail"), split);

    // The smallest of three zip codes, seven classes of history and two of newbie, times 12.
    let by_segment = row("srm_by_segment", "(all)");
    close(number(health, by_segment, "p_value"), 5.149063129937265e-28, 1e-12);
    let split = "zip_code = Urban: Mens E-Mail 7287 (8128.3 planned), No E-Mail 8542 (8128.3 planned), \
                 Womens E-Mail 8556 (8128.3 planned); segments tested: 12";
    assert_eq!(text(health, by_segment, "detail"), split);

    for (arm, before, expected, none_after) in [
        (arms[0], 7_733.0, 6504.02979846, 16_196.0),
        (arms[1], 6_405.0, 6989.19952015, 19_044.0),
        (arms[2], 6_371.0, 7015.77068138, 18_149.0),
    ] {
        let activity = row("activity_before", arm);
        assert_eq!(number(health, activity, "observed"), before);
        close(number(health, activity, "expected"), expected, 1e-11);
        // exp(−504) has lost two digits of its exponent, there or here.
        close(number(health, activity, "p_value"), 1.066715049513793e-110, 1e-12);
        assert_eq!(number(health, row("no_activity", arm), "observed"), none_after);
    }

    let spend = tables(&data, temp.path(), "spend");
    for (tables, arm, first, second, p_value) in [
        (&visits, arms[0], 0.0305852537999173, 0.030811308014267083, 1.0),
        (&visits, arms[2], 0.06235924314779608, 0.02459919902547674, 5.675306651791533e-19),
        (&spend, arms[0], 0.2938958371922196, 0.28273207805387623, 1.0),
        (&spend, arms[2], 0.3899975393453575, 0.34674312867046553, 1.0),
    ] {
        let health = table(tables, "experiment_health");
        let novelty = row_of(health, &[("check", "novelty"), ("variant", arm)]);
        close(number(health, novelty, "expected"), first, 1e-11);
        close(number(health, novelty, "observed"), second, 1e-11);
        close(number(health, novelty, "p_value"), p_value, 1e-10);
    }
    let novelty = row("novelty", arms[0]);
    let weeks = "visit, variant less control: week 1 +0.0306 (19827 and 21306 customers), week 2 +0.0308 (19827 and \
                 21306 customers), week 3 +0.0206 (19827 and 21306 customers), week 4 -0.0050 (19827 and 21306 \
                 customers), week 5 +0.0000 (14130 and 15473 customers), week 6 +0.0000 (7081 and 8112 customers), \
                 week 7 +0.0000 (656 and 738 customers)";
    assert_eq!(text(health, novelty, "detail"), weeks);
    let results = table(&visits, "experiment_results");
    let invalid = (0..results.height()).filter(|row| text(results, *row, "dimension") == "all");
    for row in invalid {
        assert!(text(results, row, "note").contains("srm_failed"));
    }
}
