//! Whole runs on real data whose figures other packages computed.
//!
//! The data stand beside the checkout in some places and not in others: in the folder that
//! `TOUCHLINE_REFERENCE_DATA` names, else in `../shared/data`. Where there are none these tests say so and
//! pass; the published values that fit into a line are tested beside the code, always.

use crate::support::skipped;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use polars::prelude::{AnyValue, DataFrame};
use touchline::config::{self, Overrides};
use touchline::engine::Budget;
use touchline::engine::work::Silent;
use touchline::job::{self, Table};

pub fn data() -> Option<PathBuf> {
    let folder = std::env::var_os("TOUCHLINE_REFERENCE_DATA")
        .map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/data"), PathBuf::from);
    folder.join("paths").is_dir().then_some(folder)
}

/// Runs a configuration; `{data}` and `{temp}` stand for the folders.
pub fn run(text: &str, data: &Path, temp: &Path) -> Vec<Table> {
    let text =
        text.replace("{data}", &data.display().to_string()).replace("{temp}", &temp.display().to_string());
    let plan = config::parse(&text, &temp.join("touchline.toml"), &Overrides::default(), &|_| None);
    let plan = plan.unwrap_or_else(|errors| panic!("{errors}"));
    job::tables(&plan, &Budget::unlimited(2), &Silent).unwrap()
}

pub fn table<'a>(tables: &'a [Table], name: &str) -> &'a DataFrame {
    &tables.iter().find(|(docs, _)| docs.name == name).unwrap().1
}

fn text(frame: &DataFrame, row: usize, column: &str) -> String {
    frame.column(column).unwrap().str().unwrap().get(row).unwrap_or_default().to_owned()
}

pub fn number(frame: &DataFrame, row: usize, column: &str) -> f64 {
    match frame.column(column).unwrap().get(row).unwrap() {
        AnyValue::Float64(value) => value,
        AnyValue::Int64(value) => value as f64,
        other => panic!("{column} of row {row} is {other}"),
    }
}

/// The only row with these texts.
pub fn row_of(frame: &DataFrame, wanted: &[(&str, &str)]) -> usize {
    let rows: Vec<usize> = (0..frame.height())
        .filter(|row| wanted.iter().all(|(column, value)| text(frame, *row, column) == *value))
        .collect();
    assert_eq!(rows.len(), 1, "rows with {wanted:?}");
    rows[0]
}

/// Figures of a CSV by its first column.
fn expected(path: &Path) -> BTreeMap<String, BTreeMap<String, f64>> {
    let mut reader = csv::Reader::from_path(path).unwrap();
    let names: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    reader
        .records()
        .map(|record| {
            let record = record.unwrap();
            let figures =
                names.iter().zip(&record).skip(1).map(|(name, field)| (name.clone(), field.parse().unwrap()));
            (record[0].to_owned(), figures.collect())
        })
        .collect()
}

pub fn read(path: &Path) -> RecordBatch {
    let reader =
        ParquetRecordBatchReaderBuilder::try_new(File::open(path).unwrap()).unwrap().build().unwrap();
    let batches: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
    concat_batches(&batches[0].schema(), &batches).unwrap()
}

pub fn write(path: &Path, batch: &RecordBatch) {
    let mut writer = ArrowWriter::try_new(File::create(path).unwrap(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.close().unwrap();
}

pub const PATHS: &str = r#"
[window]
lookback = "36500d"
[inputs.touchpoints]
path = "{source}"
columns = { customer_id = "user_id", occurred_at = "ts", event = "event_type" }
[conversions.conversion]
event = ["conversion"]
value = "value"
[attribution]
after_conversion = "restart"
null_paths = true
"#;

/// Values of the set aren't whole cents, so they are also run a hundred million times as large: then the
/// rounding to cents is below 1e-9 of every value, and value effects can be compared to that.
const SCALE: f64 = 1e8;

#[test]
fn heuristics_and_exact_markov_on_ten_thousand_paths() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    let batch = read(&data.join("paths/touchpoints.parquet"));
    let schema = batch.schema();
    let columns: Vec<ArrayRef> = schema
        .fields()
        .iter()
        .zip(batch.columns())
        .map(|(field, column)| match field.name().as_str() {
            "value" => {
                let values = column.as_primitive::<Float64Type>();
                Arc::new(values.iter().map(|value| value.map(|v| v * SCALE)).collect::<Float64Array>())
                    as ArrayRef
            }
            _ => Arc::clone(column),
        })
        .collect();
    write(&temp.path().join("scaled.parquet"), &RecordBatch::try_new(schema, columns).unwrap());

    let tables = run(&PATHS.replace("{source}", "{temp}/scaled.parquet"), &data, temp.path());
    let attribution = table(&tables, "stage_attribution");
    let conversions = 19_785.0;
    let heuristics = expected(&data.join("paths/expected_heuristics.csv"));
    for (channel, figures) in &heuristics {
        for (model, column) in [
            ("first_touch", "first"),
            ("last_touch", "last"),
            ("linear", "linear"),
            ("position", "position"),
            ("shapley", "linear_unique"),
        ] {
            let row =
                row_of(attribution, &[("target", "conversion"), ("model", model), ("channel", channel)]);
            let credit = number(attribution, row, "credit");
            // A millionth of a conversion per conversion is what whole millionths can be off.
            let off = (credit - figures[column]).abs();
            assert!(off <= 1e-6 * conversions, "{model} of {channel}: {credit} is off by {off}");
            let value = number(attribution, row, "value") / SCALE;
            let expected = figures[&format!("{column}_value")];
            let off = (value - expected).abs();
            assert!(off <= 1e-6 * 74_802.97, "{model} value of {channel}: {value} is off by {off}");
        }
    }
    let effects = table(&tables, "attribution_effects");
    let markov = expected(&data.join("paths/expected_markov_exact_order1.csv"));
    assert_eq!(markov.len(), 12);
    for (channel, figures) in &markov {
        let key = [("model", "markov"), ("channel", channel.as_str())];
        let row = row_of(effects, &key);
        for (ours, theirs) in [("effect", "removal_effect_conv"), ("value_effect", "removal_effect_value")] {
            let off = number(effects, row, ours) / figures[theirs] - 1.0;
            assert!(off.abs() < 1e-9, "{ours} of {channel} is off by {off:e}");
        }
        let row = row_of(attribution, &key);
        let off = number(attribution, row, "credit") - figures["conversions"];
        assert!(off.abs() <= 1e-6, "credit of {channel} is off by {off}");
        let off = number(attribution, row, "value") / SCALE - figures["value"];
        assert!(off.abs() <= 1e-6, "value of {channel} is off by {off}");
    }

    // As exported, values are rounded to cents first: each of the 19,785 by at most half a cent.
    let tables = run(&PATHS.replace("{source}", "{data}/paths/touchpoints.parquet"), &data, temp.path());
    let attribution = table(&tables, "stage_attribution");
    for (channel, figures) in &markov {
        let row = row_of(attribution, &[("model", "markov"), ("channel", channel)]);
        let off = number(attribution, row, "value") - figures["value"];
        assert!(off.abs() <= 0.005 * conversions, "value of {channel} is off by {off}");
    }
    let books = table(&tables, "reconciliation");
    assert!((0..books.height()).all(|row| number(books, row, "difference") == 0.0));
}

/// Ad spend with the conversions that a platform reported beside it: each becomes a customer who clicked and then
/// enquired, and some bought.
#[test]
fn cost_per_conversion_and_return_of_a_social_campaign() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    let ads = read(&data.join("ads/ads.parquet"));
    let ints = |name: &str| ads.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
    let micros = DataType::Timestamp(TimeUnit::Microsecond, None);
    let dates = arrow::compute::cast(ads.column_by_name("Date").unwrap(), &micros).unwrap();
    let dates = dates.as_primitive::<TimestampMicrosecondType>().values().to_vec();
    let (campaigns, enquiries, purchases) =
        (ints("xyz_campaign_id"), ints("Total_Conversion"), ints("Approved_Conversion"));
    let (mut customer, mut time, mut event, mut channel) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut value = Vec::new();
    for ad in 0..ads.num_rows() {
        for number in 0..enquiries[ad] {
            let mut row = |name: &'static str, minute: i64, place: Option<String>, worth: Option<i64>| {
                customer.push(format!("{ad}-{number}"));
                time.push(dates[ad] + minute * 60_000_000);
                event.push(name);
                channel.push(place);
                value.push(worth);
            };
            // The figures of the set count 100 for a purchase and 5 for an enquiry that came to nothing.
            let buys = number < purchases[ad];
            row("click", 0, Some(campaigns[ad].to_string()), None);
            row("enquiry", 1, None, Some(if buys { 0 } else { 5 }));
            if buys {
                row("purchase", 2, None, Some(100));
            }
        }
    }
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("customer_id", Arc::new(StringArray::from(customer))),
        ("occurred_at", Arc::new(TimestampMicrosecondArray::from(time).with_timezone("UTC"))),
        ("event", Arc::new(StringArray::from(event))),
        ("channel", Arc::new(StringArray::from(channel))),
        ("value", Arc::new(Int64Array::from(value))),
    ];
    write(&temp.path().join("touchpoints.parquet"), &RecordBatch::try_from_iter(columns).unwrap());
    let text = r#"
[window]
from = "2023-08-01"
to = "2023-10-01"
[inputs.touchpoints]
path = "{temp}/touchpoints.parquet"
[inputs.spend]
path = "{data}/ads/ads.parquet"
columns = { date = "Date", channel = "xyz_campaign_id", cost = "Spent", impressions = "Impressions", clicks = "Clicks" }
[conversions.enquiry]
event = "enquiry"
value = "value"
[conversions.purchase]
event = "purchase"
value = "value"
[attribution]
models = ["last_touch", "linear"]
"#;
    let tables = run(text, &data, temp.path());
    let roi = table(&tables, "channel_roi");
    let figures: serde_json::Value =
        serde_json::from_reader(File::open(data.join("ads/expected_roi.json")).unwrap()).unwrap();
    for (campaign, expected) in figures["by_xyz_campaign_id"].as_object().unwrap() {
        let row = |conversion| {
            row_of(roi, &[("channel", campaign.as_str()), ("conversion", conversion), ("model", "linear")])
        };
        let (enquiry, purchase) = (row("enquiry"), row("purchase"));
        let returned = number(roi, enquiry, "roas") + number(roi, purchase, "roas");
        for (ours, theirs) in [
            (number(roi, enquiry, "spend"), "Spent"),
            (number(roi, enquiry, "impressions"), "Impressions"),
            (number(roi, enquiry, "clicks"), "Clicks"),
            (number(roi, enquiry, "credit"), "Total_Conversion"),
            (number(roi, purchase, "credit"), "Approved_Conversion"),
            (number(roi, enquiry, "cost_per_conversion"), "CPA_total"),
            (number(roi, purchase, "cost_per_conversion"), "CPA_approved"),
            (number(roi, purchase, "customer_acquisition_cost"), "CPA_approved"),
            (returned, "ROAS_if_100_per_approved_5_per_total(ASSUMED)"),
        ] {
            // Costs are floats that are whole cents but for 1e-7.
            let off = ours / expected[theirs].as_f64().unwrap() - 1.0;
            assert!(off.abs() < 1e-7, "{theirs} of {campaign}: {ours} is off by {off:e}");
        }
    }
    let books = table(&tables, "reconciliation");
    let spend = row_of(books, &[("ledger", "spend")]);
    let total = figures["total"]["Spent"].as_f64().unwrap();
    assert!((number(books, spend, "credited") / total - 1.0).abs() < 1e-8);
    assert!((0..books.height()).all(|row| number(books, row, "difference") == 0.0));
}

#[test]
fn ordered_funnel_of_a_shop_clickstream() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    let stages = ["product_view", "add_to_cart", "shipping_details", "payment_details", "purchase"];
    let rules: String =
        stages.iter().map(|stage| format!("{stage} = [ {{ event = \"{stage}\" }} ]\n")).collect();
    let text = format!(
        r#"
[inputs.touchpoints]
path = "{{data}}/clickstream/events.parquet"
columns = {{ customer_id = "user_id", occurred_at = "timestamp", channel = "acquisition_channel" }}
[stages]
order = {stages:?}
mode = "ordered"
[stages.rules]
{rules}"#
    );
    let tables = run(&text, &data, temp.path());
    let funnel = table(&tables, "stage_funnel");
    let entered: Vec<f64> = (0..5).map(|row| number(funnel, row, "entered")).collect();
    // retentioneering 5.2.4, funnel by user.
    assert_eq!(entered, [598.0, 517.0, 401.0, 281.0, 146.0]);
}

#[test]
fn email_experiment_against_gbstats_and_scipy() {
    let Some(data) = data() else { return told_absent() };
    let temp = tempfile::tempdir().unwrap();
    // The assignment log is the exposure rows of the events.
    let events = read(&data.join("email_experiment/events.parquet"));
    let kinds =
        arrow::compute::cast(events.column_by_name("event_type").unwrap(), &arrow::datatypes::DataType::Utf8);
    let kinds = kinds.unwrap();
    let kinds = kinds.as_string::<i32>();
    let exposed = (0..kinds.len()).map(|row| Some(kinds.value(row) == "exposure")).collect();
    let log = arrow::compute::filter_record_batch(&events, &exposed).unwrap();
    write(&temp.path().join("assignments.parquet"), &log);
    let text = r#"
[job]
currency = "USD"
[inputs.touchpoints]
path = "{data}/email_experiment/events.parquet"
columns = { customer_id = "user_id", occurred_at = "ts", event = "event_type" }
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
[metrics.conversion]
kind = "proportion"
conversion = "conversion"
[metrics.spend]
kind = "mean"
conversion = "conversion"
of = "value"
[experiments.email]
control = "No E-Mail"
weights = { "No E-Mail" = 1, "Mens E-Mail" = 1, "Womens E-Mail" = 1 }
metrics = ["visit", "conversion", "spend"]
"#;
    let tables = run(text, &data, temp.path());
    let results = table(&tables, "experiment_results");
    let figures: serde_json::Value =
        serde_json::from_reader(File::open(data.join("email_experiment/expected_ab.json")).unwrap()).unwrap();
    let close = |ours: f64, theirs: &serde_json::Value, relative: f64, what: &str| {
        let theirs = theirs.as_f64().unwrap();
        assert!((ours / theirs - 1.0).abs() < relative, "{what}: {ours} is not {theirs}");
    };
    for variant in ["Mens E-Mail", "Womens E-Mail"] {
        for (metric, name, package) in [
            ("visit", "visit", "gbstats_proportion"),
            ("conversion", "conversion", "gbstats_proportion"),
            ("spend", "spend_per_user", "gbstats_mean"),
        ] {
            let row = row_of(results, &[("metric", metric), ("variant", variant)]);
            let theirs = &figures["comparisons"][variant][name];
            let relative = &theirs[package]["freq_relative"];
            close(number(results, row, "relative_lift"), &relative["expected"], 1e-9, "lift");
            close(number(results, row, "relative_lift_low"), &relative["ci"][0], 1e-9, "lift low");
            close(number(results, row, "relative_lift_high"), &relative["ci"][1], 1e-9, "lift high");
        }
        let row = row_of(results, &[("metric", "spend"), ("variant", variant)]);
        let welch = &figures["comparisons"][variant]["spend_per_user"];
        // Theirs sum squares of floats: 1e-12 is what that keeps.
        close(number(results, row, "p_value"), &welch["scipy_welch"]["p"], 1e-11, "p of the difference");
        close(number(results, row, "difference_low"), &welch["statsmodels_welch"]["ci95"][0], 1e-11, "low");
        close(number(results, row, "difference_high"), &welch["statsmodels_welch"]["ci95"][1], 1e-11, "high");
        for metric in ["visit", "conversion"] {
            // Theirs is a normal interval, ours has t with the Welch–Satterthwaite degrees of freedom: at
            // forty thousand of them the quantiles differ by 3e-5, more at the far tail's p.
            let row = row_of(results, &[("metric", metric), ("variant", variant)]);
            let normal = &figures["comparisons"][variant][metric]["ztest_unpooled_numpy"];
            close(number(results, row, "difference_low"), &normal["ci95"][0], 1e-4, "low");
            close(number(results, row, "difference_high"), &normal["ci95"][1], 1e-4, "high");
        }
    }
    let row = row_of(results, &[("metric", "visit"), ("variant", "Mens E-Mail")]);
    assert!((number(results, row, "difference") - 0.076_589_6).abs() < 5e-8);
    assert!((number(results, row, "relative_lift") - 0.721_405).abs() < 5e-7);
    let health = table(&tables, "experiment_health");
    let row = row_of(health, &[("check", "srm"), ("variant", "No E-Mail")]);
    close(number(health, row, "p_value"), &figures["srm_equal_thirds"]["scipy_p"], 1e-12, "SRM");
}

pub fn told_absent() {
    skipped("no reference data beside the checkout");
}
