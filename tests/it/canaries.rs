//! A thousand ids and values that must not show anywhere but in the files they came from.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float64Array, StringArray, TimestampMicrosecondArray};

use crate::support::{Columns, Ran, Warehouse};

/// Customers, each with a canary in every column that knows one.
const CANARIES: usize = 1_000;

/// 2026-04-01 in µs.
const START_US: i64 = 1_775_001_600_000_000;
const HOUR_US: i64 = 3_600_000_000;

const CONFIG: &str = r#"
[job]
name = "canaries"
[inputs.touchpoints]
path = "touchpoints"
exclude = [ { customer_id = ["canary-excluded-*"] } ]
[inputs.spend]
path = "spend.csv"
[inputs.customers]
path = "customers.parquet"
[inputs.assignments]
path = "assignments.parquet"
[inputs.suppress]
path = "suppress.parquet"
[contract]
max_rejected_share = 1
max_duplicate_share = 1
[conversions.purchase]
event = "purchase"
value = "value"
[segments]
dimensions = ["city", "first_channel"]
[metrics.conversion_rate]
kind = "proportion"
conversion = "purchase"
window = "2d"
[metrics.points]
kind = "mean"
conversion = "purchase"
of = "points"
window = "2d"
[experiments.checkout]
control = "A"
weights = { A = 0.5, B = 0.5 }
metrics = ["conversion_rate", "points"]
"#;

/// A text that is found wherever it turns up.
fn canary(kind: &str, number: usize) -> String {
    format!("canary-{kind}-{number:04}@example.org")
}

/// Numbers that no sum, count or share comes to be by chance.
fn number(index: usize) -> f64 {
    731_950.37 + index as f64 * 1_000_003.0
}

fn texts(values: impl Iterator<Item = Option<String>>) -> ArrayRef {
    Arc::new(values.collect::<StringArray>())
}

fn times(values: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// Three rows of each customer: a click, a purchase, and one that breaks a rule or is left out.
fn touchpoints() -> Columns {
    let rows = || (0..CANARIES).flat_map(|customer| (0..3).map(move |row| (customer, row)));
    let id = |(customer, row): (usize, usize)| match (row, customer % 5) {
        (2, 0) => None,
        (2, 1) => Some(canary("excluded", customer)),
        _ => Some(canary("id", customer)),
    };
    let time = |(customer, row): (usize, usize)| {
        let time = START_US + customer as i64 * HOUR_US / 4 + row as i64 * HOUR_US;
        ((row, customer % 5) != (2, 2)).then_some(time)
    };
    let event = |(customer, row): (usize, usize)| match (row, customer % 5) {
        (2, 3) => None,
        (1, _) => Some("purchase".to_owned()),
        _ => Some("click".to_owned()),
    };
    let channel = |(customer, row): (usize, usize)| {
        (row == 0).then(|| ["Email", "Search", "Social"][customer % 3].to_owned())
    };
    let value = |(customer, row): (usize, usize)| match (row, customer % 10) {
        (1, 9) => Some(f64::NAN),
        (1, _) => Some(number(customer)),
        _ => None,
    };
    // The third row of some has the event id of the second and says something else.
    let event_id = |(customer, row): (usize, usize)| {
        Some(canary(
            "event",
            if customer % 10 == 4 && row == 2 { customer * 3 + 1 } else { customer * 3 + row },
        ))
    };
    vec![
        ("customer_id", texts(rows().map(id))),
        ("occurred_at", times(rows().map(time))),
        ("event", texts(rows().map(event))),
        ("event_id", texts(rows().map(event_id))),
        ("order_id", texts(rows().map(|(customer, _)| Some(canary("order", customer))))),
        ("channel", texts(rows().map(channel))),
        ("value", Arc::new(rows().map(value).collect::<Float64Array>())),
        (
            "points",
            Arc::new(rows().map(|(customer, _)| Some(number(customer + CANARIES))).collect::<Float64Array>()),
        ),
        ("email", texts(rows().map(|(customer, _)| Some(canary("email", customer))))),
    ]
}

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    let customers = || 0..CANARIES;
    warehouse.parquet("touchpoints/a.parquet", touchpoints());
    let id = |customer: usize| (customer % 7 != 0).then(|| canary("id", customer));
    warehouse.parquet(
        "customers.parquet",
        vec![
            ("customer_id", texts(customers().map(id))),
            ("city", texts(customers().map(|customer| Some(canary("city", customer))))),
        ],
    );
    let variant = |customer: usize| (customer % 11 != 0).then(|| ["A", "B"][customer % 2].to_owned());
    warehouse.parquet(
        "assignments.parquet",
        vec![
            ("experiment", texts(customers().map(|_| Some("checkout".to_owned())))),
            ("variant", texts(customers().map(variant))),
            ("customer_id", texts(customers().map(|customer| Some(canary("id", customer))))),
            ("assigned_at", times(customers().map(|customer| (customer % 13 != 0).then_some(START_US)))),
        ],
    );
    let suppressed = customers().filter(|customer| customer % 17 == 0);
    warehouse.parquet(
        "suppress.parquet",
        vec![("customer_id", texts(suppressed.map(|customer| Some(canary("id", customer)))))],
    );
    warehouse.write("spend.csv", "date,channel,cost\n2026-04-01,Email,731950.37\n2026-04-02,Search,12.5\n");
    warehouse
}

/// How often a text holds a canary, whatever its case. Numbers count as they stand between what is no digit: in a long
/// decimal any seven digits turn up by chance.
fn hits(text: &str) -> usize {
    let text = text.to_lowercase();
    let canaries: HashSet<String> = (0..2 * CANARIES)
        .flat_map(|index| [number(index).to_string(), number(index).trunc().to_string()])
        .collect();
    let numbers = text.split(|letter: char| !letter.is_ascii_digit() && letter != '.');
    let numbers = numbers.filter(|number| canaries.contains(number.trim_matches('.')));
    text.matches("canary-").count() + text.matches("example.org").count() + numbers.count()
}

fn said(ran: &Ran) -> String {
    format!("{}{}", ran.stdout, ran.stderr)
}

/// Text files below a folder, but the inputs.
fn texts_below(folder: &Path, into: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            texts_below(&path, into);
        } else if path.extension().is_some_and(|suffix| suffix == "json" || suffix == "csv") {
            into.push((path.display().to_string(), fs::read_to_string(&path).unwrap()));
        }
    }
}

#[test]
fn no_log_manifest_summary_or_table_names_a_customer_or_a_value() {
    assert!(hits(&canary("id", 7)) > 0 && hits("731950.37") > 0 && hits("1732") == 0, "the trap works");
    let warehouse = warehouse();
    for arguments in [
        &["-v", "--progress", "always"][..],
        &["-v", "--log-format", "json", "--force", "--summary-file", "summary.json", "--output", "json"],
        &["--output", "json"],
    ] {
        let ran = warehouse.run(arguments);
        assert_eq!(hits(&said(&ran)), 0, "{arguments:?}: {}", said(&ran));
    }
    let check = warehouse.touchline(&["check"]);
    assert_eq!((check.code, hits(&said(&check))), (0, 0), "{check:?}");
    let mut files = vec![("summary".to_owned(), fs::read_to_string(warehouse.path("summary.json")).unwrap())];
    texts_below(&warehouse.path("out"), &mut files);
    assert!(files.len() > 40, "{}", files.len());
    for (name, text) in files {
        // What was spent is a figure, and one that was asked for.
        let text = text.replace("731950.37", "").replace("731937.87", "");
        assert_eq!(hits(&text), 0, "{name}: {text}");
    }
    let rejected = warehouse.rejected("touchpoints");
    assert!(rejected.lines().count() > CANARIES / 2, "rows were rejected: {}", rejected.lines().count());
    assert_eq!(hits(&rejected), 0);
}

#[test]
fn no_failure_quotes_what_it_met() {
    let swap =
        |name: &'static str, array: ArrayRef| -> Columns { crate::support::with(touchpoints(), name, array) };
    let rows = 3 * CANARIES;
    let canaries = || texts((0..rows).map(|row| Some(canary("mixed-up", row))));
    type Spoil<'a> = &'a dyn Fn(&Warehouse);
    let strict = CONFIG.replace("max_rejected_share = 1", "max_rejected_share = 0.01");
    let duplicates = CONFIG.replace("max_duplicate_share = 1", "max_duplicate_share = 0.0001");
    let cases: [(&str, Spoil<'_>); 12] = [
        ("too many rejects", &|it| it.write("touchline.toml", &strict)),
        ("too many duplicates", &|it| it.write("touchline.toml", &duplicates)),
        ("times that are text", &|it| it.parquet("touchpoints/a.parquet", swap("occurred_at", canaries()))),
        ("values that are text", &|it| it.parquet("touchpoints/a.parquet", swap("value", canaries()))),
        ("a channel each", &|it| {
            let many = texts((0..70_000).map(|row| Some(canary("channel", row))));
            let columns: Columns = vec![
                ("customer_id", many.clone()),
                ("occurred_at", times((0..70_000).map(|_| Some(START_US)))),
                ("event", texts((0..70_000).map(|_| Some("click".to_owned())))),
                ("channel", many),
            ];
            it.write(
                "touchline.toml",
                "[inputs.touchpoints]\npath = \"touchpoints\"\n[conversions.p]\nevent = \"click\"\n",
            );
            it.parquet("touchpoints/a.parquet", columns);
        }),
        ("a currency that is none", &|it| {
            it.parquet("touchpoints/a.parquet", swap("currency", canaries()));
        }),
        ("a cost that is none", &|it| {
            it.write("spend.csv", format!("date,channel,cost\n2026-04-01,Email,{}\n", canary("cost", 1)));
        }),
        ("a cost below zero", &|it| {
            it.write("spend.csv", format!("date,channel,cost\n2026-04-01,Email,-{}\n", number(1)));
        }),
        ("a day that is none", &|it| {
            it.write("spend.csv", format!("date,channel,cost\n{},Email,1\n", canary("day", 1)));
        }),
        ("a line that is too long", &|it| {
            it.write("spend.csv", format!("date,channel,cost\n2026-04-01,Email,1,{}\n", canary("more", 1)));
        }),
        ("assignments that are text", &|it| {
            let rows = texts((0..9).map(|row| Some(canary("mixed-up", row))));
            let columns = ["experiment", "variant", "customer_id", "assigned_at"];
            it.parquet("assignments.parquet", columns.into_iter().map(|name| (name, rows.clone())).collect());
        }),
        ("a file that is cut off", &|it| {
            let path = it.path("touchpoints/a.parquet");
            let mut bytes = fs::read(&path).unwrap();
            let half = bytes.len() / 2;
            bytes[64..half].fill(0x5a);
            fs::write(path, bytes).unwrap();
        }),
    ];
    for (name, spoil) in cases {
        let warehouse = warehouse();
        spoil(&warehouse);
        let arguments = ["run", "-v", "--summary-file", "summary.json"];
        let text = warehouse.touchline(&arguments);
        assert!([65, 66, 74].contains(&text.code), "{name}: {text:?}");
        assert_eq!(hits(&said(&text)), 0, "{name}: {}", text.stderr);
        let summary = fs::read_to_string(warehouse.path("summary.json")).unwrap();
        assert_eq!(hits(&summary), 0, "{name}: {summary}");
        let json = warehouse.touchline(&[&arguments[..], &["--log-format", "json"]].concat());
        assert_eq!((json.code, hits(&said(&json))), (text.code, 0), "{name}: {}", json.stderr);
    }
    let nobody = warehouse().touchline(&["explain", "--customer", &canary("nobody", 1)]);
    assert_eq!((nobody.code, hits(&said(&nobody))), (66, 0), "{nobody:?}");
}
