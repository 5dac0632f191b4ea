//! `touchline explain`: what it shows, that it adds up to the tables, and what it says where there is nothing.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;
use touchline::config::plan::ShapleyValue;
use touchline::config::{self, Overrides};
use touchline::engine::Budget;
use touchline::engine::work::Silent;
use touchline::explain::{Selector, explain_customer, explain_row};
use touchline::generate::{Options, generate};
use touchline::job::{self, RunOptions, Table};

use crate::support::{Columns, Warehouse, floats, text, times};

/// Customer, time, event, channel, campaign, value, event id, order.
type Row = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Option<f64>,
    &'static str,
    &'static str,
);

/// One customer to whom everything happens, one who is suppressed, one with too many rows, and two who buy.
const ROWS: [Row; 17] = [
    ("c-1", "02-20 08:00", "click", "Email", "spring", None, "e01", "~"),
    ("c-1", "03-25 08:00", "click", "Display", "~", None, "e02", "~"),
    ("c-1", "04-01 08:00", "click", "Email", "spring", None, "e03", "~"),
    ("c-1", "04-01 08:00", "click", "Email", "spring", None, "e03", "~"),
    ("c-1", "04-01 08:30", "click", "Search", "~", None, "e03", "~"),
    ("c-1", "04-02 09:00", "search", "Search", "brand", None, "e04", "~"),
    ("c-1", "04-02 09:10", "health_check", "Search", "~", None, "e05", "~"),
    ("c-1", "04-03 10:00", "purchase", "~", "~", Some(30.0), "e06", "o-1"),
    ("c-1", "04-04 10:00", "purchase", "~", "~", Some(-5.0), "e07", "o-2"),
    ("c-1", "04-05 11:00", "click", "Email", "summer", None, "e08", "~"),
    ("c-1", "04-06 12:00", "refund", "~", "~", Some(10.0), "e09", "o-1"),
    ("c-1", "04-07 12:00", "~", "Email", "~", None, "e10", "~"),
    ("c-1", "05-02 12:00", "click", "Email", "~", None, "e11", "~"),
    ("c-2", "04-02 08:00", "click", "Email", "spring", None, "e12", "~"),
    ("c-2", "04-03 08:00", "purchase", "~", "~", Some(20.0), "e13", "o-3"),
    ("c-3", "04-03 08:00", "purchase", "~", "~", Some(7.5), "e14", "o-4"),
    ("c-9", "04-03 08:00", "purchase", "~", "~", Some(99.0), "e15", "o-5"),
];

const CONFIG: &str = r#"
[job]
name = "spring"
timezone = "Europe/Sofia"
[window]
from = "2026-04-01"
to = "2026-05-01"
lookback = "5d"
history = "30d"
[inputs.touchpoints]
path = "touchpoints"
exclude = [ { channel = ["Radio"] }, { event = ["health_*"] } ]
[inputs.suppress]
path = "suppress.parquet"
[contract]
max_rejected_share = 1.0
max_duplicate_share = 1.0
max_touchpoints_per_customer = 9
[stages]
order = ["awareness", "purchase"]
[stages.rules]
awareness = [ { event = ["impression"] }, { event = ["click", "search"] } ]
purchase = [ { event = ["purchase"] } ]
[conversions.purchase]
event = "purchase"
value = "value"
[refunds]
event = ["refund"]
[attribution]
models = ["first_touch", "last_touch", "last_non_direct", "linear", "position", "time_decay", "markov", "shapley", "participation"]
by = ["channel", "campaign"]
[segments]
min_customers = 1
"#;

fn columns(rows: &[Row]) -> Columns {
    let texts = |of: fn(&Row) -> &'static str| text(&rows.iter().map(of).collect::<Vec<_>>());
    vec![
        ("customer_id", texts(|row| row.0)),
        ("occurred_at", times(&rows.iter().map(|row| row.1).collect::<Vec<_>>())),
        ("event", texts(|row| row.2)),
        ("channel", texts(|row| row.3)),
        ("campaign", texts(|row| row.4)),
        ("value", floats(&rows.iter().map(|row| row.5).collect::<Vec<_>>())),
        ("event_id", texts(|row| row.6)),
        ("order_id", texts(|row| row.7)),
    ]
}

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", columns(&ROWS[..9]));
    warehouse.parquet("touchpoints/b.parquet", columns(&ROWS[9..]));
    let many: Vec<Row> =
        (0..10).map(|_| ("c-bot", "04-04 08:00", "click", "Email", "~", None, "~", "~")).collect();
    warehouse.parquet("touchpoints/c.parquet", columns(&many));
    warehouse.parquet("suppress.parquet", vec![("customer_id", text(&["c-9"]))]);
    warehouse
}

fn explained(warehouse: &Warehouse, arguments: &[&str]) -> String {
    let ran = warehouse.touchline(&[&["explain"], arguments].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    ran.stdout
}

fn json(warehouse: &Warehouse, arguments: &[&str]) -> Value {
    let text = explained(warehouse, &[arguments, &["--output", "json"]].concat());
    assert_eq!(text.lines().count(), 1, "one document in one line");
    serde_json::from_str(&text).expect("JSON")
}

fn refused(arguments: &[&str]) -> String {
    let ran = warehouse().touchline(&[&["explain"], arguments].concat());
    assert_eq!(ran.stdout, "");
    format!("exit code {}\n{}", ran.code, ran.stderr)
}

#[test]
fn a_customer_as_text() {
    insta::assert_snapshot!(explained(&warehouse(), &["--customer", "c-1"]), @r#"
    customer c-1 of spring
    window   2026-03-31T21:00:00Z to 2026-04-30T21:00:00Z
    lookback 120 h, times in Europe/Sofia

    row  time                 event         channel  campaign  value  what it is
      -  2026-02-20 10:00:00  click         Email    spring        -  dropped, outside_window: before 2026-03-01 23:00:00, where window.from less window.history begins [a.parquet row 1]
      1  2026-03-25 10:00:00  click         Display  -             -  touch; enters stage awareness; context, before the window
      2  2026-04-01 11:00:00  click         Email    spring        -  touch; stage awareness
      -  2026-04-01 11:00:00  click         Email    spring        -  dropped, exact_duplicate: an equal copy of row 2 [a.parquet row 4]
      -  2026-04-01 11:30:00  click         Search   -             -  dropped, conflicting_duplicate: the event_id of row 2, with other values [a.parquet row 5]
      3  2026-04-02 12:00:00  search        Search   brand         -  touch; stage awareness
      -  2026-04-02 12:10:00  health_check  Search   -             -  dropped, excluded: inputs.touchpoints.exclude[1] { event = ["health_*"] } [a.parquet row 7]
      4  2026-04-03 13:00:00  purchase      -        -         30.00  enters stage purchase; conversion purchase
      -  2026-04-04 13:00:00  purchase      -        -         -5.00  dropped, rejected: negative_value, by its `value` [a.parquet row 9]
      5  2026-04-05 14:00:00  click         Email    summer        -  touch; stage awareness
      6  2026-04-06 15:00:00  refund        -        -         10.00  refund
      -  2026-04-07 15:00:00  -             Email    -             -  dropped, rejected: null_event, by its `event` [b.parquet row 3]
      -  2026-05-02 15:00:00  click         Email    -             -  dropped, outside_window: not before 2026-05-01 00:00:00, where window.to ends it [b.parquet row 4]

    what                 by the rule                                                rows
    touch                by default: it has a channel and is no conversion          1, 2, 3, 5
    stage awareness      stages.rules.awareness[1] { event = ["click", "search"] }  1, 2, 3, 5
    stage purchase       stages.rules.purchase[0] { event = ["purchase"] }          4
    conversion purchase  conversions.purchase { event = ["purchase"] }              4
    refund               refunds.event "refund"                                     6

    conversion purchase at 2026-04-03 13:00:00, 30.00 EUR
      path      2 Email > 3 Search
      left out  beyond_lookback: 1
      row  weight  first_touch  last_touch  last_non_direct    linear  position  time_decay
        2  Email      1.000000    0.000000         0.000000  0.500000  0.500000    0.474236
        3  Search     0.000000    1.000000         1.000000  0.500000  0.500000    0.525764
      row  EUR     first_touch  last_touch  last_non_direct  linear  position  time_decay
        2  Email         30.00        0.00             0.00   15.00     15.00       14.23
        3  Search         0.00       30.00            30.00   15.00     15.00       15.77
      markov: not defined for one path, its credit comes from all of them
      shapley, by channel: Email 0.500000 (15.00), Search 0.500000 (15.00)
      participation, by channel: Email 1.000000 (30.00), Search 1.000000 (30.00)

    conversion purchase: refunded in part, -10.00 EUR, its credit stays
      path      2 Email > 3 Search
      row  weight  first_touch  last_touch  last_non_direct    linear  position  time_decay
        2  Email      1.000000    0.000000         0.000000  0.500000  0.500000    0.474236
        3  Search     0.000000    1.000000         1.000000  0.500000  0.500000    0.525764
      row  EUR     first_touch  last_touch  last_non_direct  linear  position  time_decay
        2  Email        -10.00        0.00             0.00   -5.00     -5.00       -4.74
        3  Search         0.00      -10.00           -10.00   -5.00     -5.00       -5.26
      markov: not defined for one path, its credit comes from all of them
      shapley, by channel: Email 0.500000 (-5.00), Search 0.500000 (-5.00)
      participation, by channel: Email 1.000000 (-10.00), Search 1.000000 (-10.00)

    stage purchase at 2026-04-03 13:00:00
      path      2 Email > 3 Search
      left out  beyond_lookback: 1
      row  weight  first_touch  last_touch  last_non_direct    linear  position  time_decay
        2  Email      1.000000    0.000000         0.000000  0.500000  0.500000    0.474236
        3  Search     0.000000    1.000000         1.000000  0.500000  0.500000    0.525764
      markov: not defined for one path, its credit comes from all of them
      shapley, by channel: Email 0.500000, Search 0.500000
      participation, by channel: Email 1.000000, Search 1.000000

    conversion purchase: no more of it, the path only informs models of all paths
      path      5 Email
      left out  beyond_lookback: 1
      left out  before_previous_conversion: 2, 3

    what the journey adds to stage_attribution
      target               credit                  first_touch  last_touch  last_non_direct    linear  position  time_decay   shapley  participation
      stage purchase       Email                      1.000000    0.000000         0.000000  0.500000  0.500000    0.474236  0.500000       1.000000
      stage purchase       Search                     0.000000    1.000000         1.000000  0.500000  0.500000    0.525764  0.500000       1.000000
      conversion purchase  Email                      1.000000    0.000000         0.000000  0.500000  0.500000    0.474236  0.500000       1.000000
      conversion purchase  Search                     0.000000    1.000000         1.000000  0.500000  0.500000    0.525764  0.500000       1.000000
      stage purchase       Email, campaign spring     1.000000    0.000000         0.000000  0.500000  0.500000    0.474236         -       1.000000
      stage purchase       Search, campaign brand     0.000000    1.000000         1.000000  0.500000  0.500000    0.525764         -       1.000000
      conversion purchase  Email, campaign spring     1.000000    0.000000         0.000000  0.500000  0.500000    0.474236         -       1.000000
      conversion purchase  Search, campaign brand     0.000000    1.000000         1.000000  0.500000  0.500000    0.525764         -       1.000000
      target               value                   first_touch  last_touch  last_non_direct  linear  position  time_decay  shapley  participation
      conversion purchase  Email                         20.00        0.00             0.00   10.00     10.00     9.48472    10.00          20.00
      conversion purchase  Search                         0.00       20.00            20.00   10.00     10.00    10.51528    10.00          20.00
      conversion purchase  Email, campaign spring        20.00        0.00             0.00   10.00     10.00     9.48472        -          20.00
      conversion purchase  Search, campaign brand         0.00       20.00            20.00   10.00     10.00    10.51528        -          20.00

    effects of channels: no run is published yet: `touchline run` computes them
    "#);
}

#[test]
fn rows_that_are_dropped_say_why() {
    let warehouse = warehouse();
    let reasons = |customer: &str| -> Vec<String> {
        let found = json(&warehouse, &["--customer", customer]);
        let rows = found["rows"].as_array().expect("rows");
        let dropped = rows.iter().map(|row| &row["dropped"]["reason"]);
        dropped.map(|reason| reason.as_str().unwrap_or("kept").to_owned()).collect()
    };
    assert_eq!(
        reasons("c-1"),
        [
            "outside_window",
            "kept",
            "kept",
            "exact_duplicate",
            "conflicting_duplicate",
            "kept",
            "excluded",
            "kept",
            "rejected",
            "kept",
            "kept",
            "rejected",
            "outside_window",
        ]
    );
    assert_eq!(reasons("c-9"), ["suppressed"]);
    assert_eq!(reasons("c-bot"), ["bot"; 10]);
}

/// Of every customer the sums, by target, model and channel, against the whole table: no row is missing on either
/// side.
fn assert_sums(plan: &touchline::config::plan::Plan, customers: &[String], tables: &[Table]) -> usize {
    let mut sums: BTreeMap<[String; 4], (i128, i128)> = BTreeMap::new();
    for customer in customers {
        let options = RunOptions { threads: 1, ..RunOptions::default() };
        let found = explain_customer(plan, customer, None, &options, &Silent).expect("explained");
        for sum in found.sums {
            let target = format!("{} {}", sum.target_kind, sum.target);
            let campaign = format!("{} {:?}", sum.level, sum.campaign.as_deref().unwrap_or_default());
            let key = [target, sum.model.to_owned(), sum.channel, campaign];
            let into = sums.entry(key).or_default();
            into.0 += sum.given.credit_millionths;
            into.1 += sum.given.value_minor_millionths;
        }
    }
    let (_, frame) = tables.iter().find(|(docs, _)| docs.name == "stage_attribution").expect("the table");
    let texts = |column: &str| -> Vec<String> {
        let column = frame.column(column).expect("a column").str().expect("texts").clone();
        column.iter().map(|text| text.unwrap_or_default().to_owned()).collect()
    };
    let [kinds, targets, models, levels, channels, campaigns] =
        ["target_kind", "target", "model", "level", "channel", "campaign"].map(texts);
    let [credit, value] = ["credit", "value"]
        .map(|column| frame.column(column).expect("a column").f64().expect("figures").to_vec());
    let on_rates = plan.attribution.shapley_value == ShapleyValue::Rate;
    let mut compared = 0;
    for row in 0..frame.height() {
        let data_driven =
            models[row] == "markov" || models[row] == "shapley" && (on_rates || levels[row] == "campaign");
        if data_driven && channels[row] != "(unattributed)" {
            continue;
        }
        let target = format!("{} {}", kinds[row], targets[row]);
        let campaign = format!("{} {:?}", levels[row], campaigns[row]);
        let key = [target, models[row].clone(), channels[row].clone(), campaign];
        let (own_credit, own_value) = sums.remove(&key).unwrap_or_default();
        assert_eq!((credit[row].expect("credit") * 1e6).round() as i128, own_credit, "credit of {key:?}");
        if let Some(value) = value[row] {
            let off = (value * 100.0).round() as i128 * 1_000_000 - own_value;
            assert!(off.abs() < 1_000_000, "value of {key:?} is off by {off} millionths of a cent");
        }
        compared += 1;
    }
    assert!(sums.values().all(|sum| *sum == (0, 0)), "rows that the table lacks: {sums:?}");
    compared
}

fn plan_of(config: &Path, set: &[&str]) -> touchline::config::plan::Plan {
    let set = set.iter().map(|&key| key.to_owned()).collect();
    config::load(config, &Overrides { set, ..Overrides::default() }, &|_| None).expect("a plan")
}

#[test]
fn customers_add_up_to_the_table_under_every_setting() {
    let warehouse = warehouse();
    let customers: Vec<String> = ["c-1", "c-2", "c-3", "c-9", "c-bot"].map(str::to_owned).to_vec();
    for set in [
        &[][..],
        &["attribution.after_conversion=\"restart\""],
        &["window.lookback=\"1d\"", "contract.max_path_touches=1"],
        &["attribution.touches=[{ event = [\"click\", \"purchase\"] }]", "attribution.null_paths=false"],
        &["attribution.path=\"exposure\"", "channels.direct=[\"Email\"]"],
        &["attribution.path=\"first\"", "attribution.position=\"j\""],
        &["attribution.path=\"frequency\"", "attribution.by=[\"channel\"]"],
        &["attribution.shapley_value=\"rate\"", "attribution.markov_order=2"],
        &["conversions.purchase.orders=\"first\""],
        &["channels.rules=[{ channel = \"Brand\", campaign = [\"brand\"] }]"],
        &["contract.dedupe=\"row\""],
        &["contract.dedupe=\"off\"", "stages.mode=\"any\""],
    ] {
        let plan = plan_of(&warehouse.path("touchline.toml"), set);
        let tables = job::tables(&plan, &Budget::unlimited(1), &Silent).expect("tables");
        let compared = assert_sums(&plan, &customers, &tables);
        assert!(compared >= 30, "only {compared} rows with {set:?}");
    }
}

#[test]
fn a_generated_warehouse_adds_up_customer_by_customer_and_row_by_row() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let options = Options { dir: folder.path().to_path_buf(), customers: 40, days: 30, seed: 5, threads: 1 };
    generate(&options, &|_, _| {}).expect("generated");
    let plan = plan_of(&folder.path().join("touchline.toml"), &[]);
    let tables = job::tables(&plan, &Budget::unlimited(1), &Silent).expect("tables");
    let (_, frame) = tables.iter().find(|(docs, _)| docs.name == "stage_attribution").expect("the table");
    let text = |column: &str, row: usize| {
        frame.column(column).expect("a column").str().expect("texts").get(row).unwrap_or_default().to_owned()
    };
    // Rows from all over the table, and under every thread count the same journeys.
    let mut explained = 0;
    for row in (0..frame.height()).step_by(frame.height() / 12) {
        let keys = ["target_kind", "target", "model", "channel"];
        let terms: Vec<String> = keys.iter().map(|key| format!("{key}={}", text(key, row))).collect();
        let selector = Selector::parse("stage_attribution", &terms).expect("a selector");
        let found = [1, 3].map(|threads| {
            let options = RunOptions { threads, ..RunOptions::default() };
            explain_row(&plan, &selector, &options, &Silent).expect("explained")
        });
        assert_eq!(found[0], found[1], "threads changed {terms:?}");
        let Some(journeys) = &found[0].journeys else {
            assert_eq!(text("model", row), "markov");
            assert!(!found[0].effects.is_empty());
            continue;
        };
        let top: i128 = journeys.top.iter().map(|part| part.given.credit_millionths).sum();
        assert_eq!(top + journeys.rest.credit_millionths, journeys.sum.credit_millionths);
        let credit =
            frame.column("credit").expect("credit").f64().expect("figures").get(row).expect("credit");
        assert_eq!((credit * 1e6).round() as i128, journeys.sum.credit_millionths, "{terms:?}");
        explained += 1;
    }
    assert!(explained >= 6, "only {explained} rows");
    let customers: Vec<String> = {
        let mut ids: Vec<String> = Vec::new();
        for entry in std::fs::read_dir(folder.path().join("touchpoints")).expect("days") {
            let file = entry.expect("a day").path().join("part-0.parquet");
            ids.extend(ids_of(&file));
        }
        ids.sort();
        ids.dedup();
        ids
    };
    assert!(customers.len() >= 30);
    assert!(assert_sums(&plan, &customers, &tables) > 100);
}

/// Texts of the ids of a Parquet file.
fn ids_of(file: &Path) -> Vec<String> {
    use arrow::util::display::array_value_to_string;
    use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
    let file = std::fs::File::open(file).expect("opened");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader");
    let mut ids = Vec::new();
    for batch in reader {
        let batch = batch.expect("a batch");
        let column = batch.column_by_name("customer_id").expect("ids").clone();
        ids.extend((0..batch.num_rows()).map(|row| array_value_to_string(&column, row).expect("shown")));
    }
    ids
}

#[test]
fn a_row_of_the_table_as_text() {
    let arguments = ["--table", "stage_attribution", "--where", "target=purchase", "--where", "model=linear"];
    let arguments =
        [&arguments[..], &["--where", "channel=Email", "--where", "target_kind=conversion"]].concat();
    insta::assert_snapshot!(explained(&warehouse(), &arguments), @r"
    stage_attribution where target_kind = conversion, target = purchase, model = linear, level = channel, channel = Email
    window 2026-03-31T21:00:00Z to 2026-04-30T21:00:00Z

    figure          in the table
    touches         2
    journeys        2
    credit          1.5
    credit_low      -
    credit_high     -
    credit_share    0.5
    value           30.0
    value_low       -
    value_high      -
    value_share     0.631578947368421
    rank            1
    rank_stability  0.985
    note            few_buckets

    the sum of 3 paths of 2 journeys, largest value first
      customer                     paths    credit    EUR
      c-2                              1  1.000000  20.00
      c-1                              2  0.500000  10.00
      sum                              3  1.500000  30.00
      rounding to the whole table         0.000000   0.00
      in the table                        1.500000  30.00
    one of them touch by touch: touchline explain --customer c-2
    ");
}

#[test]
fn a_row_of_a_data_driven_model_shows_the_effects() {
    let arguments = ["--table", "stage_attribution", "--where", "target=purchase", "--where", "model=markov"];
    let arguments =
        [&arguments[..], &["--where", "channel=Email", "--where", "target_kind=conversion"]].concat();
    insta::assert_snapshot!(explained(&warehouse(), &arguments), @r"
    stage_attribution where target_kind = conversion, target = purchase, model = markov, level = channel, channel = Email
    window 2026-03-31T21:00:00Z to 2026-04-30T21:00:00Z

    figure          in the table
    touches         2
    journeys        2
    credit          1.333333
    credit_low      -
    credit_high     -
    credit_share    0.4444443333333334
    value           26.67
    value_low       -
    value_high      -
    value_share     0.5614736842105263
    rank            1
    rank_stability  0.751
    note            few_buckets

    this model's credit is no sum of what each touch is given: it depends on what all channels bring
      channel    effect    credit  effect on value      value
      Email    1.000000  1.333333         1.000000  26.670000
      Search   0.500000  0.666667         0.500000  13.330000
    ");
}

#[test]
fn return_on_spend_is_worked_out_from_its_row() {
    let warehouse = warehouse();
    warehouse
        .write("spend.csv", "date,channel,cost\n2026-04-01,Email,4\n2026-04-02,Email,6\n2026-04-02,Tv,50\n");
    let config = format!("{CONFIG}[inputs.spend]\npath = \"spend.csv\"\n[roi]\nmargin = 0.5\n");
    warehouse.write("touchline.toml", config);
    let roi = ["--table", "channel_roi", "--where", "conversion=purchase", "--where", "model=linear"];
    let found = json(&warehouse, &[&roi[..], &["--where", "channel=Email"]].concat());
    let figure = |column: &str| -> f64 {
        let figures = found["figures"].as_array().expect("figures");
        let own = figures.iter().find(|figure| figure["column"] == column).expect(column);
        own["value"].as_f64().expect(column)
    };
    let steps = found["steps"].as_array().expect("steps");
    assert!(steps.len() >= 3, "{steps:?}");
    for step in steps {
        let column = step["column"].as_str().expect("a name");
        assert!((step["result"].as_f64().expect("a result") - figure(column)).abs() < 1e-12, "{step}");
    }
    assert_eq!(figure("spend"), 10.0);
    let journeys = &found["journeys"];
    assert_eq!(journeys["sum"]["credit"].as_f64(), Some(figure("credit")));
    // Spend without a touch is a row, too, to which no journey adds.
    let found = json(&warehouse, &[&roi[..], &["--where", "channel=Tv"]].concat());
    assert_eq!(found["journeys"]["all_journeys"].as_u64(), Some(0));
}

#[test]
fn effects_come_from_the_run_that_is_published() {
    let warehouse = warehouse();
    let note = json(&warehouse, &["--customer", "c-1"])["effects_note"].clone();
    assert!(note.as_str().is_some_and(|note| note.starts_with("no run is published yet")), "{note}");
    warehouse.run(&[]);
    let effects = json(&warehouse, &["--customer", "c-1"])["effects"].clone();
    assert_eq!(effects["same_configuration"], true);
    let rows = effects["effects"].as_array().expect("effects");
    assert!(rows.iter().all(|row| row["model"] == "markov"), "{rows:?}");
    let email = rows.iter().filter(|row| row["target"] == "purchase" && row["channel"] == "Email");
    let found: Vec<f64> = email.map(|row| row["effect"].as_f64().expect("an effect")).collect();
    let keys = [("target", "purchase"), ("model", "markov"), ("channel", "Email")];
    let published = warehouse.select("attribution_effects", &keys, &["effect"]);
    let published: Vec<f64> = published.lines().map(|effect| effect.parse().expect("a figure")).collect();
    assert_eq!((found.len(), found), (2, published), "of the stage and of the conversion");
    let ran = warehouse.touchline(&["explain", "--customer", "c-1", "--run", "nowhere"]);
    assert_eq!(ran.code, 66, "{}", ran.stderr);
}

#[test]
fn nobody_by_that_name() {
    insta::assert_snapshot!(refused(&["--customer", "C-1"]), @r"
    exit code 66
    error: no touchpoint file has a row of that customer
    hint: an id is taken as it stands in `customer_id`, with its case and its zeros; the touchpoint inputs alone are searched
    ");
}

#[test]
fn what_cannot_be_explained() {
    insta::assert_snapshot!(refused(&["--table", "stage_atribution"]), @r"
    exit code 64
    error: there is no table `stage_atribution`
    hint: did you mean `stage_attribution`?
    ");
    insta::assert_snapshot!(refused(&["--table", "stage_funnel"]), @r"
    exit code 64
    error: rows of `stage_funnel` can't be explained
    hint: those of `stage_attribution` and `channel_roi` can; `touchline tables` says how every figure is defined
    ");
    let table = ["--table", "stage_attribution", "--where"];
    insta::assert_snapshot!(refused(&[&table[..], &["modell=linear"]].concat()), @r"
    exit code 64
    error: `stage_attribution` has no column `modell`
    hint: did you mean `model`? rows are told apart by `target_kind`, `target`, `model`, `level`, `channel`, `campaign`
    ");
    insta::assert_snapshot!(refused(&[&table[..], &["credit=1"]].concat()), @r"
    exit code 64
    error: `credit` of `stage_attribution` is a figure, not a key
    hint: rows are told apart by `target_kind`, `target`, `model`, `level`, `channel`, `campaign`
    ");
    insta::assert_snapshot!(refused(&[&table[..], &["model=linear"]].concat()), @r"
    exit code 64
    error: several rows of `stage_attribution` fit: nothing says which `target`, `channel`
    hint: add `--where target=VALUE`: awareness, purchase
    ");
    let purchase = [&table[..], &["target=awareness", "--where", "channel=Emial", "--where"]].concat();
    insta::assert_snapshot!(refused(&[&purchase[..], &["model=liner"]].concat()), @r"
    exit code 64
    error: no row of `stage_attribution` has `model` = `liner`
    hint: did you mean `linear`?
    ");
    insta::assert_snapshot!(refused(&[&purchase[..], &["model=linear"]].concat()), @r"
    exit code 64
    error: no row of `stage_attribution` of level `channel` for `awareness` under `linear` has `channel` = `Emial`
    hint: did you mean `Email`?
    ");
    let both =
        [&table[..], &["target=purchase", "--where", "channel=Email", "--where", "model=linear"]].concat();
    insta::assert_snapshot!(refused(&both), @r"
    exit code 64
    error: `purchase` is the name of a stage and of a conversion
    hint: add `--where target_kind=stage` or `--where target_kind=conversion`
    ");
    insta::assert_snapshot!(refused(&["--customer", "c-1", "--table", "stage_attribution"]), @r"
    exit code 64
    error: the argument '--customer <ID>' cannot be used with '--table <TABLE>'

    Usage: touchline explain <--customer <ID>|--table <TABLE>>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(refused(&[]), @r"
    exit code 64
    error: the following required arguments were not provided:
      <--customer <ID>|--table <TABLE>>

    Usage: touchline explain <--customer <ID>|--table <TABLE>>

    For more information, try '--help'.
    ");
}

#[test]
fn text_of_files_cannot_steer_a_terminal() {
    let warehouse = Warehouse::new(CONFIG);
    let rows = [("\u{1b}[31mx", "04-02 08:00", "click", "Em\nail", "~", None, "e1", "~")];
    warehouse.parquet("touchpoints/a.parquet", columns(&rows));
    warehouse.parquet("suppress.parquet", vec![("customer_id", text(&["c-9"]))]);
    let shown = explained(&warehouse, &["--customer", "\u{1b}[31mx"]);
    assert!(shown.contains("customer \\u{1b}[31mx of") && shown.contains("Em\\nail"), "{shown}");
}
