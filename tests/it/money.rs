//! Money: amounts of several currencies to the cent, orders in several rows, and books that close over both.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use arrow::array::Decimal128Array;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;
use touchline::config::plan::Plan;
use touchline::config::{Overrides, parse};
use touchline::engine::memory::{Memory, MemoryRow};
use touchline::engine::work;

use crate::support::{Columns, Warehouse, floats, text, times};

const CONFIG: &str = r#"
[job]
name = "money"
timezone = "Europe/Sofia"
currency = "EUR"
[window]
from = "2026-03-28"
to = "2026-03-31"
[inputs.touchpoints]
path = "touchpoints"
[inputs.spend]
path = "spend.csv"
[conversions.purchase]
event = "purchase"
value = "value"
[attribution]
models = ["linear"]
[segments]
min_customers = 1
[output]
csv = "plain"
[contract]
max_rejected_share = 0.1
"#;

const RATES: &str = "[inputs.rates]\npath = \"rates.csv\"\n";

/// Customer, instant in UTC, event, channel, value, and currency or order.
type Cells = (&'static str, &'static str, &'static str, &'static str, Option<f64>, &'static str);

/// Clocks in Sofia go from 03:00 to 04:00 on 29 March: that day begins at 22:00 UTC and ends at 21:00.
const ROWS: [Cells; 14] = [
    ("c-1", "03-27 22:30", "click", "Email", None, "~"),
    ("c-1", "03-28 21:59", "purchase", "~", Some(100.0), "USD"), // the 28th: 92.00
    ("c-2", "03-28 10:00", "click", "Search", None, "~"),
    ("c-2", "03-28 22:00", "purchase", "~", Some(100.0), "USD"), // the 29th: 93.00
    ("c-3", "03-29 08:00", "click", "Email", None, "~"),
    ("c-3", "03-29 20:59", "purchase", "~", Some(50.05), "USD"), // the 29th: 46.5465, so 46.55
    ("c-3", "03-29 21:00", "purchase", "~", Some(50.05), "USD"), // the 30th: 46.79675, so 46.80
    ("c-4", "03-29 09:00", "click", "Search", None, "~"),
    ("c-4", "03-29 10:00", "purchase", "~", Some(12_345.0), "JPY"), // 75.92175, so 75.92
    ("c-4", "03-29 11:00", "purchase", "~", Some(10.0), "~"),       // in the currency of the job
    ("c-5", "03-29 08:00", "click", "Email", None, "EUR"),
    ("c-5", "03-29 09:00", "purchase", "~", Some(0.5), "usd"), // 0.465, a tie, so 0.46
    ("c-6", "03-30 09:00", "click", "Email", None, "~"),
    ("c-6", "03-30 10:00", "purchase", "~", Some(7.0), "JPY"), // no rate on the 30th
];

fn columns() -> Columns {
    let column = |of: fn(&Cells) -> &'static str| text(&ROWS.iter().map(of).collect::<Vec<_>>());
    vec![
        ("customer_id", column(|row| row.0)),
        ("occurred_at", times(&ROWS.iter().map(|row| row.1).collect::<Vec<_>>())),
        ("event", column(|row| row.2)),
        ("channel", column(|row| row.3)),
        ("value", floats(&ROWS.iter().map(|row| row.4).collect::<Vec<_>>())),
        ("currency", column(|row| row.5)),
    ]
}

fn warehouse(more: &str) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{more}"));
    warehouse.parquet("touchpoints/a.parquet", columns());
    warehouse.write(
        "rates.csv",
        "date,currency,rate\n2026-03-28,USD,0.92\n2026-03-29,USD,0.93\n2026-03-30,USD,0.935\n\
         2026-03-28,JPY,0.0061\n2026-03-29,JPY,0.00615\n2026-03-29,EUR,1\n",
    );
    warehouse.write(
        "spend.csv",
        "date,channel,cost,currency\n2026-03-28,Email,100,USD\n2026-03-29,Email,100,usd\n\
         2026-03-29,Search,1000,JPY\n2026-03-30,Search,20,\n",
    );
    warehouse
}

#[test]
fn three_currencies_over_two_days_sum_to_the_cent() {
    let warehouse = warehouse(RATES);
    warehouse.run(&[]);
    // Email 92.00 + 46.55 + 46.80 + 0.46, Search 93.00 + 75.92 + 10.00; spend 92 + 93, and 6.15 + 20.
    let keys = [("target_kind", "conversion"), ("model", "linear")];
    assert_eq!(
        warehouse.select("stage_attribution", &keys, &["channel", "value"]),
        "Email | 185.81\nSearch | 178.92\n(unattributed) | 0"
    );
    let keys = [("conversion", "purchase"), ("model", "linear")];
    assert_eq!(
        warehouse.select("channel_roi", &keys, &["channel", "spend", "value"]),
        "Email | 185 | 185.81\nSearch | 26.15 | 178.92"
    );
    assert_eq!(
        warehouse.select("reconciliation", &[("ledger", "value")], &["booked", "credited", "difference"]),
        "364.73 | 364.73 | 0"
    );
    assert_eq!(
        warehouse.select("data_quality", &[("check", "missing_rate")], &["column", "rows_failed", "status"]),
        "currency | 1 | warn"
    );
    assert_eq!(
        warehouse.rejected("touchpoints"),
        "FOLDER/touchpoints/a.parquet | 14 | currency | missing_rate | no hash"
    );
}

#[test]
fn the_order_of_rates_and_the_kind_of_file_change_no_figure() {
    let csv = warehouse(RATES);
    csv.run(&[]);
    let parquet = warehouse("[inputs.rates]\npath = \"fx/*.parquet\"\ncolumns = { currency = \"code\" }\n");
    let days = ["03-29 00:00", "03-28 00:00", "03-30 00:00", "03-29 00:00", "03-28 00:00"];
    for (file, rows) in [("fx/b.parquet", 0..2), ("fx/a.parquet", 2..5)] {
        let rates = [0.93, 0.92, 0.935, 0.00615, 0.0061].map(Some);
        parquet.parquet(
            file,
            vec![
                ("date", times(&days[rows.clone()])),
                ("code", text(&["USD", "USD", "USD", "JPY", "JPY"][rows.clone()])),
                ("rate", floats(&rates[rows])),
            ],
        );
    }
    parquet.run(&[]);
    assert_eq!(csv.csv("stage_attribution"), parquet.csv("stage_attribution"));
    assert_eq!(csv.csv("channel_roi"), parquet.csv("channel_roi"));
}

#[test]
fn several_currencies_without_rates_stop_the_run() {
    insta::assert_snapshot!(warehouse("").fails(&["--threads", "1"]), @r#"
    exit code 65
    error: FOLDER/spend.csv: row 1, column `currency`: the amount is in USD, job.currency is EUR, and there are no rates to convert it by
    hint: name rates by day: [inputs.rates] with path = "…" and the columns date, currency and rate; or set job.currency = "USD" if all amounts are in it
    "#);
    let touchpoints = warehouse("");
    touchpoints.write("spend.csv", "date,channel,cost\n2026-03-28,Email,100\n");
    insta::assert_snapshot!(touchpoints.fails(&["--threads", "1"]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: row 2, column `currency`: the amount is in USD, job.currency is EUR, and there are no rates to convert it by
    hint: name rates by day: [inputs.rates] with path = "…" and the columns date, currency and rate; or set job.currency = "USD" if all amounts are in it
    "#);
}

#[test]
fn a_currency_that_no_money_is_in_needs_no_rates() {
    let warehouse = Warehouse::new(
        &CONFIG.replace("value = \"value\"\n", "").replace("[inputs.spend]\npath = \"spend.csv\"\n", ""),
    );
    warehouse.parquet("touchpoints/a.parquet", columns());
    warehouse.run(&[]);
}

/// Rates that are refused.
fn bad_rates(rates: &str) -> String {
    let warehouse = warehouse(RATES);
    warehouse.write("rates.csv", rates);
    warehouse.fails(&[])
}

#[test]
fn a_rate_that_is_none() {
    for rate in ["0", "-0.92", "n/a", "inf", "1e30", "0.12345678901234567"] {
        let message = bad_rates(&format!("date,currency,rate\n2026-03-28,USD,0.92\n2026-03-29,USD,{rate}\n"));
        let wanted = format!(
            "row 2, column `rate`: the rate `{rate}` of USD is not a number above zero such as 0.9215, with at most 15 decimals"
        );
        assert!(message.contains(&wanted), "{message}");
    }
    insta::assert_snapshot!(bad_rates("date,currency,rate\n2026-03-28,USD,\n"), @r"
    exit code 65
    error: FOLDER/rates.csv: row 1, column `rate`: the rate of USD is empty; leave the row out where there is none
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn a_currency_that_is_none() {
    insta::assert_snapshot!(bad_rates("date,currency,rate\n2026-03-28,USX,0.92\n"), @r"
    exit code 65
    error: FOLDER/rates.csv: row 1, column `currency`: unknown currency `USX`: did you mean `UGX`?
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn two_rates_on_one_day() {
    insta::assert_snapshot!(bad_rates("date,currency,rate\n2026-03-28,USD,0.92\n2026-03-28,usd,0.920\n2026-03-28,USD,0.93\n"), @r"
    exit code 65
    error: FOLDER/rates.csv: row 3, column `rate`: USD has two rates on 2026-03-28, 0.92 and 0.93
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn a_rate_of_the_currency_of_the_tables() {
    insta::assert_snapshot!(bad_rates("date,currency,rate\n2026-03-28,EUR,1.1\n"), @r"
    exit code 65
    error: FOLDER/rates.csv: row 1, column `rate`: the rate `1.1` of EUR is that of job.currency, which is worth 1 of itself
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn rates_without_a_column() {
    insta::assert_snapshot!(bad_rates("date,currency,eur\n2026-03-28,USD,0.92\n"), @r#"
    exit code 65
    error: FOLDER/rates.csv: inputs.rates needs column `rate`, which the file doesn't have
    hint: did you mean `date`? Set `inputs.rates.columns = { rate = "date" }`; the file has: date, currency, eur
    "#);
}

#[test]
fn spend_on_a_day_without_a_rate() {
    insta::assert_snapshot!(bad_rates("date,currency,rate\n2026-03-28,USD,0.92\n"), @r"
    exit code 65
    error: FOLDER/spend.csv: row 2, column `currency`: there is no rate of USD on 2026-03-29, so the amount can't be turned into EUR
    hint: add the rate of USD on 2026-03-29 to the files of inputs.rates; a day without a rate, such as a weekend, is not filled in
    ");
}

#[test]
fn rates_that_nothing_asks_for() {
    let warehouse = Warehouse::new(&format!("{CONFIG}{RATES}"));
    let mut plain = columns();
    plain.retain(|(name, _)| *name != "currency");
    warehouse.parquet("touchpoints/a.parquet", plain);
    warehouse.write("rates.csv", "date,currency,rate\n2026-03-28,USD,0.92\n");
    warehouse.write("spend.csv", "date,channel,cost\n2026-03-28,Email,100\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: no touchpoint source has a column `currency`, which inputs.rates needs
      --> touchline.toml:24:9
       |
    24 | [inputs.rates]
       |         ^^^^^
       |
       = hint: name one that is there, or map it with `columns`; there are: customer_id, occurred_at, event, channel, value
    ");
}

#[test]
fn many_days_without_a_rate_stop_the_run() {
    let warehouse = warehouse(RATES);
    warehouse.write("rates.csv", "date,currency,rate\n2026-03-28,USD,0.92\n");
    warehouse.write("spend.csv", "date,channel,cost\n2026-03-28,Email,100\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: 6 of 14 rows of inputs.touchpoints were rejected (42.86 %), more than contract.max_rejected_share = 0.1 allows:
      6 × missing_rate (column `currency`), first in FOLDER/touchpoints/a.parquet row 4
    hint: mend the export, or raise contract.max_rejected_share if this is known and accepted
    ");
}

#[test]
fn orders_without_a_column_that_names_them() {
    let warehouse = Warehouse::new(
        &format!("{CONFIG}{RATES}").replace("value = \"value\"\n", "value = \"value\"\norders = \"sum\"\n"),
    );
    warehouse.parquet("touchpoints/a.parquet", columns());
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: no touchpoint source has a column `order_id`, which conversions.purchase.orders needs
      --> touchline.toml:16:1
       |
    16 | orders = "sum"
       | ^^^^^^
       |
       = hint: name one that is there, or map it with `columns`; there are: customer_id, occurred_at, event, channel, value, currency
    "#);
}

/// Three rows of one order, two of another customer's order with the same id, and one without.
fn orders(more: &str) -> Warehouse {
    let config = CONFIG.replace("[inputs.spend]\npath = \"spend.csv\"\n", "");
    let warehouse =
        Warehouse::new(&config.replace("value = \"value\"\n", &format!("value = \"value\"\n{more}")));
    let rows: [Cells; 9] = [
        ("c-1", "03-28 08:00", "click", "Email", None, "~"),
        ("c-1", "03-28 09:00", "purchase", "~", Some(30.0), "o-1"),
        ("c-1", "03-28 09:00", "purchase", "~", Some(12.5), "o-1"),
        ("c-1", "03-28 10:00", "purchase", "~", Some(7.5), "o-1"),
        ("c-1", "03-29 10:00", "refund", "~", Some(20.0), "o-1"),
        ("c-2", "03-28 08:00", "click", "Search", None, "~"),
        ("c-2", "03-28 09:00", "purchase", "~", Some(5.0), "o-1"),
        ("c-2", "03-28 09:30", "purchase", "~", Some(4.0), "~"),
        ("c-2", "03-28 09:40", "refund", "~", Some(3.0), "o-9"),
    ];
    let column = |of: fn(&Cells) -> &'static str| text(&rows.iter().map(of).collect::<Vec<_>>());
    warehouse.parquet(
        "touchpoints/a.parquet",
        vec![
            ("customer_id", column(|row| row.0)),
            ("occurred_at", times(&rows.iter().map(|row| row.1).collect::<Vec<_>>())),
            ("event", column(|row| row.2)),
            ("channel", column(|row| row.3)),
            ("value", floats(&rows.iter().map(|row| row.4).collect::<Vec<_>>())),
            ("order_id", column(|row| row.5)),
        ],
    );
    warehouse.run(&[]);
    warehouse
}

/// Value and credit by channel, the ledger of value, and what was said of orders.
fn told(warehouse: &Warehouse) -> String {
    let keys = [("target_kind", "conversion"), ("model", "linear")];
    let channels = warehouse.select("stage_attribution", &keys, &["channel", "credit", "value"]);
    let columns = ["ledger", "booked", "credited", "unattributed", "excluded", "refunds", "difference"];
    let ledgers: Vec<String> = ["credit", "value", "refunds"]
        .map(|ledger| warehouse.select("reconciliation", &[("ledger", ledger)], &columns))
        .into_iter()
        .filter(|line| !line.is_empty())
        .collect();
    let quality = warehouse.select(
        "data_quality",
        &[("column", "order_id")],
        &["check", "rows_checked", "rows_failed", "status"],
    );
    format!("{channels}\n{}\n{quality}", ledgers.join("\n"))
}

#[test]
fn rows_of_an_order_are_conversions_repetitions_or_items() {
    insta::assert_snapshot!(told(&orders("")), @r"
    Email | 3 | 50
    Search | 2 | 9
    (unattributed) | 0 | 0
    credit | 5 | 5 | 0 | 0 | 0 | 0
    value | 59 | 59 | 0 | 0 | 0 | 0
    ");
    // The first in order of o-1 is worth 12.50: of two at the same instant the values decide.
    insta::assert_snapshot!(told(&orders("orders = \"first\"\n")), @r"
    Email | 1 | 12.5
    Search | 2 | 9
    (unattributed) | 0 | 0
    credit | 3 | 3 | 0 | 0 | 0 | 0
    value | 59 | 21.5 | 0 | 37.5 | 0 | 0
    repeated_order:purchase | 5 | 2 | warn
    ");
    insta::assert_snapshot!(told(&orders("orders = \"sum\"\n")), @r"
    Email | 1 | 50
    Search | 2 | 9
    (unattributed) | 0 | 0
    credit | 3 | 3 | 0 | 0 | 0 | 0
    value | 59 | 59 | 0 | 0 | 0 | 0
    order_item:purchase | 5 | 2 | ok
    ");
}

#[test]
fn a_refund_takes_back_from_the_whole_order() {
    insta::assert_snapshot!(told(&orders("orders = \"sum\"\n[refunds]\nevent = \"refund\"\n")), @r"
    Email | 1 | 30
    Search | 2 | 9
    (unattributed) | 0 | 0
    credit | 3 | 3 | 0 | 0 | 0 | 0
    value | 59 | 39 | 0 | 0 | 20 | 0
    refunds | 23 | 20 | 3 | 0 | 0 | 0
    order_item:purchase | 5 | 2 | ok
    ");
}

#[test]
fn half_an_order_back_and_then_all_of_it() {
    let config = CONFIG.replace("[inputs.spend]\npath = \"spend.csv\"\n", "");
    let told = |refunds: usize| {
        let warehouse = Warehouse::new(&format!("{config}[refunds]\nevent = \"refund\"\n"));
        let rows = 4 + refunds;
        let first = |values: &[&'static str]| text(&values[..rows]);
        let column = vec![
            ("customer_id", first(&["c-1", "c-1", "c-2", "c-2", "c-1", "c-1"])),
            (
                "occurred_at",
                times(
                    &[
                        "03-28 08:00",
                        "03-28 09:00",
                        "03-28 08:00",
                        "03-28 10:00",
                        "03-29 09:00",
                        "03-30 09:00",
                    ][..rows],
                ),
            ),
            ("event", first(&["click", "purchase", "click", "purchase", "refund", "refund"])),
            ("channel", first(&["Email", "~", "Search", "~", "~", "~"])),
            ("value", floats(&[None, Some(20.0), None, Some(5.0), Some(10.0), Some(10.0)][..rows])),
            ("order_id", first(&["~", "o-1", "~", "o-2", "o-1", "o-1"])),
        ];
        warehouse.parquet("touchpoints/a.parquet", column);
        warehouse.run(&[]);
        let told = told(&warehouse);
        told.lines().filter(|line| !line.starts_with("repeated_order")).collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(told(1), @r"
    Email | 1 | 10
    Search | 1 | 5
    (unattributed) | 0 | 0
    credit | 2 | 2 | 0 | 0 | 0 | 0
    value | 25 | 15 | 0 | 0 | 10 | 0
    refunds | 10 | 10 | 0 | 0 | 0 | 0
    ");
    insta::assert_snapshot!(told(2), @r"
    Email | 0 | 0
    Search | 1 | 5
    (unattributed) | 0 | 0
    credit | 2 | 1 | 0 | 0 | 1 | 0
    value | 25 | 5 | 0 | 0 | 20 | 0
    refunds | 20 | 20 | 0 | 0 | 0 | 0
    ");
}

#[test]
fn a_source_in_one_currency_and_tables_without_decimals() {
    let config = CONFIG
        .replace("currency = \"EUR\"", "currency = \"JPY\"")
        .replace("path = \"touchpoints\"", "path = \"touchpoints\"\nconstants = { currency = \"USD\" }")
        .replace("[inputs.spend]\npath = \"spend.csv\"\n", "");
    let warehouse = Warehouse::new(&format!("{config}{RATES}[refunds]\nevent = \"refund\"\n"));
    // Decimals of two places: 10.01 and 12.30 dollars, then 10.01 back.
    let values = Decimal128Array::from(vec![None, Some(1_001), Some(1_230), Some(1_001)])
        .with_precision_and_scale(18, 2)
        .expect("a decimal");
    warehouse.parquet(
        "touchpoints/a.parquet",
        vec![
            ("customer_id", text(&["c-1", "c-1", "c-1", "c-1"])),
            ("occurred_at", times(&["03-28 08:00", "03-28 09:00", "03-29 09:00", "03-30 09:00"])),
            ("event", text(&["click", "purchase", "purchase", "refund"])),
            ("channel", text(&["Email", "~", "~", "~"])),
            ("value", Arc::new(values)),
            ("order_id", text(&["~", "o-1", "o-2", "o-1"])),
        ],
    );
    warehouse.write(
        "rates.csv",
        "date,currency,rate\n2026-03-28,USD,150.25\n2026-03-29,USD,151\n2026-03-30,USD,149.5\n",
    );
    warehouse.run(&[]);
    // 10.01 × 150.25 = 1504.0025, 12.30 × 151 = 1857.3; back go 10.01 × 149.5 = 1496.495, so 8 are left.
    let value = warehouse.select(
        "reconciliation",
        &[("ledger", "value")],
        &["booked", "credited", "refunds", "difference"],
    );
    assert_eq!(value, "3361 | 1865 | 1496 | 0");
}

/// A row of random orders: customer, hour, order and cents.
type OrderRow = (u8, i64, Option<u8>, i64);

const START_US: i64 = 1_775_001_600_000_000;
const HOUR_US: i64 = 3_600_000_000;

fn orders_plan(orders: &str) -> Plan {
    let text = format!(
        "[inputs.touchpoints]\npath = \"touchpoints\"\n[window]\nfrom = \"2026-04-02\"\nto = \"2026-04-04\"\n\
         [contract]\ndedupe = \"off\"\n[attribution]\nmodels = [\"linear\"]\n\
         [conversions.purchase]\nevent = \"buy\"\nvalue = \"value\"\n{orders}"
    );
    parse(&text, Path::new("touchline.toml"), &Overrides::default(), &|_| None).expect("a plan")
}

/// Conversions in the window and their cents, order by order.
fn naive_orders(rows: &[OrderRow], is_sum: bool) -> (u64, i128, i128) {
    let in_window = |hour: i64| (24..72).contains(&hour);
    let mut orders: BTreeMap<(u8, u8), Vec<(i64, i64)>> = BTreeMap::new();
    let (mut conversions, mut value, mut all) = (0, 0, 0);
    for (customer, hour, order, cents) in rows {
        all += if in_window(*hour) { i128::from(*cents) } else { 0 };
        match order {
            Some(order) => orders.entry((*customer, *order)).or_default().push((*hour, *cents)),
            None if in_window(*hour) => {
                conversions += 1;
                value += i128::from(*cents);
            }
            None => {}
        }
    }
    for rows in orders.values_mut() {
        rows.sort_unstable();
        if in_window(rows[0].0) {
            conversions += 1;
            let counted = if is_sum { rows.len() } else { 1 };
            value += rows[..counted].iter().map(|(_, cents)| i128::from(*cents)).sum::<i128>();
        }
    }
    (conversions, value, all)
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 48,
        failure_persistence: Some(Box::new(FileFailurePersistence::Off)),
        ..ProptestConfig::default()
    })]

    #[test]
    fn orders_are_those_of_a_naive_ledger_and_the_books_close(
        // Nothing lies after the window, so that nothing of an order is unread.
        rows in prop::collection::vec((0_u8..4, 0_i64..72, prop::option::of(0_u8..4), 0_i64..500), 1..40),
        is_sum in any::<bool>(),
        readers in 1_usize..4,
    ) {
        let plan = orders_plan(if is_sum { "orders = \"sum\"\n" } else { "orders = \"first\"\n" });
        let fill = || {
            let mut memory = Memory::new(&plan, &[], readers);
            for (customer, hour, order, cents) in rows.iter().chain([&(9, 30, None, 1)]) {
                memory.push(&MemoryRow {
                    customer: &customer.to_string(),
                    time_us: START_US + hour * HOUR_US,
                    texts: &[Some("buy"), None],
                    amount_minor: Some(*cents),
                    event: None,
                    order: order.map(|order| order.to_string()).as_deref(),
                });
            }
            memory
        };
        let pool = work::pool(2).expect("threads");
        let mut with_one_more = rows.clone();
        with_one_more.push((9, 30, None, 1));
        let (conversions, value, all) = naive_orders(&with_one_more, is_sum);
        let found = fill().attribution(&pool).expect("figures");
        let total = &found.solved.targets[0].total;
        prop_assert_eq!((total.conversions, total.value_minor), (conversions, value));
        let frames = fill().frames(&pool).expect("frames").frames;
        let mut booked = Vec::new();
        for (_, books) in frames.iter().filter(|(name, _)| *name == "reconciliation") {
            let ledgers = books.column("ledger").expect("a column").str().expect("text").clone();
            let column = |name: &str| books.column(name).expect("a column").f64().expect("numbers").clone();
            prop_assert!(column("difference").into_no_null_iter().all(|difference| difference == 0.0));
            let values = ledgers.iter().zip(column("booked").into_no_null_iter().collect::<Vec<_>>());
            booked.extend(values.filter(|(ledger, _)| *ledger == Some("value")).map(|(_, value)| value));
        }
        // What is left out under `first` stands beside what counts; items that came after the window's edge
        // belong to their order.
        if !is_sum {
            let cents: Vec<i128> = booked.iter().map(|value| (value * 100.0).round() as i128).collect();
            prop_assert_eq!(cents, [all], "nothing disappears");
        }
    }
}
