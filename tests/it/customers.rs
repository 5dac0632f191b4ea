//! Who customers are: attributes that change, customers without rows, and what customers do.

use std::sync::Arc;

use arrow::array::{ArrayRef, Date32Array, TimestampSecondArray};

use crate::support::{
    CONFIG, Columns, Warehouse, differences, few_touchpoints, ints, text, times, with, without,
};

const COUNTRY: &str = r#"dimensions = ["country"]
[inputs.customers]
path = "customers"
[window]
from = "2026-04-01"
to = "2026-04-05"
"#;

/// Three customers, of whom the first moves, between the rows of `few_touchpoints`.
fn moving_customers() -> Columns {
    vec![
        ("customer_id", text(&["c-1", "c-1", "c-2", "c-3", "c-3"])),
        ("country", text(&["DE", "FR", "DE", "FR", "IT"])),
        ("valid_from", times(&["~", "04-01 09:00", "04-03 00:00", "2019-01-01 00:00", "04-02 12:00"])),
    ]
}

fn warehouse(more: &str, customers: Columns) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{more}"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.parquet("customers/a.parquet", customers);
    warehouse
}

/// Segments of the conversion: customers and how many of them bought.
fn segments(warehouse: &Warehouse, dimension: &str) -> String {
    let keys = [("dimension", dimension), ("target", "purchase")];
    warehouse.select("segment_conversion", &keys, &["segment", "customers", "converted"])
}

fn checks_that_failed(warehouse: &Warehouse) -> String {
    let lines =
        warehouse.select("data_quality", &[("table", "customers")], &["check", "column", "rows_failed"]);
    let failed = |line: &&str| !line.ends_with(" | 0");
    lines.lines().filter(failed).collect::<Vec<_>>().join("\n")
}

#[test]
fn attributes_are_those_of_the_first_row_in_the_window() {
    let warehouse = warehouse(COUNTRY, moving_customers());
    warehouse.run(&[]);
    // c-1 was in Germany still, of c-2 nothing was known yet, and c-3 is in Italy from the very instant on.
    insta::assert_snapshot!(segments(&warehouse, "country"), @r"
    (none) | 1 | 1
    DE | 1 | 1
    IT | 1 | 0
    ");
    assert_eq!(checks_that_failed(&warehouse), "");

    // Without the column there is one row for each, and which of two holds is told by their values.
    warehouse.parquet("customers/a.parquet", without(moving_customers(), "valid_from"));
    warehouse.run(&[]);
    insta::assert_snapshot!(segments(&warehouse, "country"), @r"
    DE | 1 | 1
    FR | 1 | 1
    IT | 1 | 0
    ");
    insta::assert_snapshot!(checks_that_failed(&warehouse), @"conflicting_attributes |  | 2");
}

#[test]
fn instants_come_in_any_type_and_any_order() {
    let warehouse = warehouse(COUNTRY, moving_customers());
    warehouse.run(&["--threads", "1"]);
    let as_instants = warehouse.published();
    // The same rows in three files, the last first.
    let slice = |from: usize, rows: usize| -> Columns {
        moving_customers().into_iter().map(|(name, column)| (name, column.slice(from, rows))).collect()
    };
    for (file, from, rows) in [("a", 4, 1), ("b", 0, 2), ("c", 2, 2)] {
        warehouse.parquet(&format!("customers/{file}.parquet"), slice(from, rows));
    }
    warehouse.run(&["--threads", "3", "--force"]);
    assert_eq!(differences(&as_instants, &warehouse.published()), [""; 0]);

    // Days are those of a zone, which must be named; one that is left open stays the beginning.
    for file in ["b", "c"] {
        std::fs::remove_file(warehouse.path(&format!("customers/{file}.parquet"))).expect("removed");
    }
    let day = |day: i32| Some(20_544 + day); // 2026-04-01
    let days: ArrayRef = Arc::new(Date32Array::from(vec![None, day(1), day(2), Some(0), day(0)]));
    warehouse.parquet("customers/a.parquet", with(moving_customers(), "valid_from", days));
    let refused = warehouse.touchline(&["run"]);
    assert_eq!(refused.code, 65, "{}", refused.stderr);
    assert!(
        refused.stderr.contains("valid_from") && refused.stderr.contains("timezone"),
        "{}",
        refused.stderr
    );
    warehouse.run(&["--set", "inputs.customers.timezone=Europe/Sofia"]);
    insta::assert_snapshot!(segments(&warehouse, "country"), @r"
    (none) | 1 | 1
    DE | 1 | 1
    IT | 1 | 0
    ");
}

#[test]
fn what_does_not_hold_yet_is_left_out_and_what_is_no_instant_is_rejected() {
    let late = times(&["~", "04-05 00:00", "~", "2019-01-01 00:00", "2150-01-01 00:00"]);
    let ids = text(&["c-1", "c-1", "~", "c-3", "c-3"]);
    let customers = with(with(moving_customers(), "valid_from", late), "customer_id", ids);
    let config = format!("{COUNTRY}[contract]\nmax_rejected_share = 1.0\n");
    let ran = warehouse(&config, customers);
    ran.run(&[]);
    insta::assert_snapshot!(segments(&ran, "country"), @r"
    (none) | 1 | 1
    DE | 1 | 1
    FR | 1 | 0
    ");
    insta::assert_snapshot!(checks_that_failed(&ran), @"null_customer_id | customer_id | 1");
    let ledger =
        ran.select("reconciliation", &[("ledger", "rows"), ("item", "customers")], &["booked", "credited"]);
    assert_eq!(ledger, "3 | 2", "two of five rows are not there yet");

    // A year that microseconds can't count.
    let seconds = TimestampSecondArray::from(vec![None, Some(i64::MAX), Some(0), None, None]);
    let seconds: ArrayRef = Arc::new(seconds.with_timezone("UTC"));
    ran.parquet("customers/a.parquet", with(moving_customers(), "valid_from", seconds));
    ran.run(&[]);
    insta::assert_snapshot!(ran.rejected("customers"), @"FOLDER/customers/a.parquet | 2 | valid_from | impossible_time | no hash");
    insta::assert_snapshot!(checks_that_failed(&ran), @r"
    conflicting_attributes |  | 1
    impossible_time | valid_from | 1
    ");
}

#[test]
fn the_population_may_be_the_whole_customers_table() {
    let mut customers = moving_customers();
    customers = with(customers, "customer_id", text(&["c-1", "c-1", "c-7", "c-8", "c-8"]));
    let warehouse = warehouse(COUNTRY, customers);
    warehouse.run(&["--set", "segments.population=all"]);
    // c-2 and c-3 aren't in the table; c-7 and c-8 never came, and are who they were when the window began.
    insta::assert_snapshot!(segments(&warehouse, "country"), @r"
    (none) | 1 | 0
    DE | 1 | 1
    FR | 1 | 0
    ");
    let all = warehouse.published();
    warehouse.run(&["--set", "segments.population=all", "--threads", "3", "--force"]);
    assert_eq!(differences(&all, &warehouse.published()), [""; 0]);

    // Who is counted may be asked without asking who they are.
    let dimensions = ["--set", "segments.dimensions=[\"first_channel\"]", "--set", "segments.population=all"];
    warehouse.run(&dimensions);
    insta::assert_snapshot!(segments(&warehouse, "first_channel"), @r"
    (none) | 2 | 0
    Email | 1 | 1
    ");
    let rows = warehouse.select("reconciliation", &[("ledger", "rows"), ("item", "customers")], &["booked"]);
    assert_eq!(rows, "5");
}

#[test]
fn last_touches_and_behaviours_are_dimensions() {
    let rules = r#"dimensions = ["last_channel", "searcher"]
[segments.rules]
searcher = [ { channel = ["Search"] } ]
left = [ { event = ["click"], without = ["purchase"], within = "1d" } ]
often = [ { event = ["click"], at_least = 2, within = "2d" }, { event = ["purchase"], channel = ["Email"] } ]
[window]
from = "2026-04-01"
to = "2026-04-05"
"#;
    let warehouse = Warehouse::new(&format!("{CONFIG}{rules}"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.run(&[]);
    let shown = ["last_channel", "searcher", "left", "often"].map(|name| segments(&warehouse, name));
    insta::assert_snapshot!(shown.join("\n\n"), @r"
    Email | 1 | 1
    Search | 2 | 1

    no | 1 | 1
    yes | 2 | 1

    yes | 3 | 2

    no | 2 | 2
    yes | 1 | 0
    ");
    let notes = warehouse.select("segment_conversion", &[("dimension", "left")], &["note"]);
    assert!(notes.contains("descriptive"), "{notes}");

    // What matches no row is most often misspelt, also where it must not follow.
    let checks = |warehouse: &Warehouse| {
        let columns = ["check", "rows_checked", "rows_failed", "status"];
        let checks = warehouse.select("data_quality", &[("table", "touchpoints")], &columns);
        let of_behaviours = |line: &&str| line.starts_with("behaviour_") || line.starts_with("without_");
        checks.lines().filter(of_behaviours).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(checks(&warehouse), @r"
    behaviour_matches_nothing:left | 1 | 0 | ok
    behaviour_matches_nothing:often | 2 | 1 | warn
    behaviour_matches_nothing:searcher | 1 | 0 | ok
    without_matches_nothing:left | 1 | 0 | ok
    ");
    warehouse.run(&[
        "--set",
        r#"segments.rules.left=[{ event = "click", without = ["buy"] }, { event = "klick" }]"#,
    ]);
    insta::assert_snapshot!(checks(&warehouse), @r"
    behaviour_matches_nothing:left | 2 | 1 | warn
    behaviour_matches_nothing:often | 2 | 1 | warn
    behaviour_matches_nothing:searcher | 1 | 0 | ok
    without_matches_nothing:left | 1 | 1 | warn
    ");

    // As with all rules, a column that is nowhere is a mistake.
    let absent = r#"segments.rules.searcher=[{ campaign = ["Spring"] }]"#;
    let refused = warehouse.touchline(&["run", "--set", absent]);
    insta::assert_snapshot!(format!("exit code {}\n{}", refused.code, refused.stderr), @r#"
    exit code 65
    error: no touchpoint source has a column `campaign`, which segments.rules.searcher needs
     --> command line:1:31
      |
    1 | --set segments.rules.searcher=[{ campaign = ["Spring"] }]
      |                               ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: name one that is there, or map it with `columns`; there are: channel, customer_id, event, occurred_at, value
    "#);
}

#[test]
fn a_behaviour_has_a_name_of_its_own() {
    let rules =
        "[segments.rules]\nbuyer = [ { event = \"purchase\" } ]\n[inputs.customers]\npath = \"customers\"\n";
    let warehouse = warehouse(rules, vec![("customer_id", text(&["c-1"])), ("buyer", text(&["yes"]))]);
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/customers/a.parquet: column `buyer` has the name of the behaviour segments.rules.buyer
    hint: give the behaviour another name: a dimension of this name could mean either
    ");
    warehouse.parquet("customers/a.parquet", vec![("customer_id", text(&["c-1"]))]);
    let touchpoints = with(few_touchpoints(), "buyer", ints(&[1, 2, 3, 4, 5, 6]));
    warehouse.parquet("touchpoints/a.parquet", touchpoints);
    assert!(warehouse.fails(&[]).contains("touchpoints/a.parquet: column `buyer`"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.run(&[]);
}

const SECONDS: &str = r#"
[contract]
max_rejected_share = 1.0
[window]
from = "2026-04-01"
to = "2026-04-05"
[metrics.seconds]
kind = "mean"
of = "seconds"
[metrics.basket]
kind = "ratio"
numerator = { conversion = "purchase", of = "items" }
denominator = { conversion = "purchase", of = "count" }
"#;

#[test]
fn numbers_that_metrics_sum_must_be_usable_where_they_do() {
    let warehouse = Warehouse::new(&format!("{CONFIG}{SECONDS}"));
    let rows = with(few_touchpoints(), "seconds", ints(&[1, 2, 3, 4, 5, 6]));
    let items = crate::support::floats(&[Some(f64::NAN), Some(1.0), None, Some(1e300), None, Some(-2.5)]);
    warehouse.parquet("touchpoints/a.parquet", with(rows.clone(), "items", items));
    warehouse.run(&[]);
    // Of the click the number is null and counted, the purchase without one is set aside.
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @"FOLDER/touchpoints/a.parquet | 4 | items | unusable_number | no hash");
    let checks =
        warehouse.select("data_quality", &[("table", "touchpoints")], &["check", "column", "rows_failed"]);
    let of_numbers = |line: &&str| line.contains("number");
    insta::assert_snapshot!(checks.lines().filter(of_numbers).collect::<Vec<_>>().join("\n"), @r"
    number_made_null | items | 1
    number_made_null | seconds | 0
    unusable_number | items | 1
    unusable_number | seconds | 0
    ");
    let ledger = [("ledger", "value"), ("item", "purchase"), ("model", "linear")];
    insta::assert_snapshot!(warehouse.select("reconciliation", &ledger, &["booked", "excluded", "difference"]), @"42.5 | 12.5 | 0");

    // A number without a conversion is summed over all rows.
    let seconds = crate::support::floats(&[Some(1.0), Some(f64::INFINITY), None, None, Some(f64::NAN), None]);
    let items = ints(&[0, 1, 0, 1, 0, 0]);
    warehouse
        .parquet("touchpoints/a.parquet", with(with(few_touchpoints(), "seconds", seconds), "items", items));
    warehouse.run(&[]);
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @r"
    FOLDER/touchpoints/a.parquet | 2 | seconds | unusable_number | no hash
    FOLDER/touchpoints/a.parquet | 5 | seconds | unusable_number | no hash
    ");
}

const TEST: &str = r#"
[inputs.assignments]
path = "assignments"
[experiments.test]
control = "A"
weights = { A = 0.5, B = 0.5 }
metrics = ["seconds", "basket"]
sequential = false
"#;

#[test]
fn experiments_sum_numbers_exactly_in_millionths() {
    let warehouse = Warehouse::new(&format!("{CONFIG}{SECONDS}{TEST}"));
    let ids = |row: usize| format!("c-{}", row / 2);
    let customers: Vec<String> = (0..16).map(ids).collect();
    let customers: Vec<&str> = customers.iter().map(String::as_str).collect();
    let of_rows =
        |each: &dyn Fn(usize) -> Option<f64>| crate::support::floats(&(0..16).map(each).collect::<Vec<_>>());
    warehouse.parquet(
        "touchpoints/a.parquet",
        vec![
            ("customer_id", text(&customers)),
            (
                "occurred_at",
                times(&(0..16).map(|row| ["04-02 09:00", "04-03 09:00"][row % 2]).collect::<Vec<_>>()),
            ),
            ("event", text(&(0..16).map(|row| ["click", "purchase"][row % 2]).collect::<Vec<_>>())),
            ("channel", text(&["Email"; 16])),
            ("value", of_rows(&|_| Some(10.0))),
            // Null is nothing.
            ("seconds", of_rows(&|row| (row % 4 != 0).then_some(row as f64 + 0.25))),
            ("items", of_rows(&|row| Some((row / 2 % 4) as f64))),
        ],
    );
    let exposed: Vec<String> = (0..8).map(|at| format!("c-{at}")).collect();
    let exposed: Vec<&str> = exposed.iter().map(String::as_str).collect();
    warehouse.parquet(
        "assignments/a.parquet",
        vec![
            ("customer_id", text(&exposed)),
            ("assigned_at", times(&["04-01 12:00"; 8])),
            ("experiment", text(&["test"; 8])),
            ("variant", text(&["A", "A", "A", "A", "B", "B", "B", "B"])),
        ],
    );
    warehouse.run(&[]);
    // Rows 1–3 and 5–7 against 9–11 and 13–15, each a quarter more, over four customers; of baskets 6 items in 4 orders.
    let means = warehouse.select(
        "experiment_results",
        &[("dimension", "all"), ("adjustment", "none")],
        &["metric", "variant", "customers", "mean", "control_mean"],
    );
    insta::assert_snapshot!(means, @r"
    seconds | B | 4 | 18.375 | 6.375
    basket | B | 4 | 1.5 | 1.5
    ");
}

#[test]
fn numbers_must_be_there_and_be_numbers() {
    let warehouse = Warehouse::new(&format!("{CONFIG}{SECONDS}"));
    let rows = with(few_touchpoints(), "items", ints(&[1, 2, 3, 4, 5, 6]));
    warehouse.parquet("touchpoints/a.parquet", rows.clone());
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: no touchpoint source has a column `seconds`, which metrics.seconds.of needs
      --> touchline.toml:21:1
       |
    21 | of = "seconds"
       | ^^
       |
       = hint: name one that is there, or map it with `columns`; there are: channel, customer_id, event, items, occurred_at, value
    "#);
    warehouse.parquet("touchpoints/a.parquet", with(rows, "seconds", text(&["1", "2", "3", "4", "5", "6"])));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: column `seconds` should be a number, but is text (Utf8)
    hint: export the column as that type, or map another one with `inputs.touchpoints.columns = { seconds = "…" }`
    "#);
}
