//! The same journeys in other physical forms, files and orders give the same bytes of every table.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, Date32Array, Int64Array, StringArray, TimestampSecondArray, UInt32Array};
use arrow::compute::{cast, take};
use arrow::datatypes::{DataType, TimeUnit};

use crate::support::{Columns, Warehouse, differences, ints, micros, text, times, with, without};

type Published = BTreeMap<String, Vec<u8>>;

const CONFIG: &str = r#"
[job]
timezone = "Europe/Sofia"
[window]
from = "2026-04-01"
to = "2026-05-01"
lookback = "20d"
[inputs.touchpoints]
path = "touchpoints"
[inputs.spend]
path = "spend"
[stages]
order = ["seen", "tried", "bought"]
[stages.rules]
seen = [ { event = "view" } ]
tried = [ { event = ["cart", "search"] } ]
bought = [ { event = "purchase" } ]
[conversions.purchase]
event = "purchase"
value = "value"
[conversions.search]
event = "search"
[attribution]
models = ["linear", "position", "markov", "shapley"]
[segments]
dimensions = ["country", "first_channel"]
min_customers = 2
[output]
csv = "plain"
[contract]
max_duplicate_share = 0.2
"#;

const SPEND: &str =
    "date,channel,cost,clicks\n2026-04-02,Email,120.50,40\n2026-04-09,Search,99,\n2026-04-09,Email,0.25,3\n";

const CHANNELS: [&str; 5] = ["Email", "Search", "Social", "~", "Store"];
const COUNTRIES: [&str; 4] = ["BG", "St Lucia", "~", "DE"];
const EVENTS: [&str; 6] = ["view", "view", "click", "cart", "search", "purchase"];
/// 2026-03-31T21:00:00Z: the start of the first day in Sofia.
const FIRST_SECOND: i64 = 1_774_990_800;

struct Row {
    customer: i64,
    second: i64,
    event: &'static str,
    event_id: i64,
    channel: &'static str,
    country: &'static str,
    value: i64,
}

/// Rows that look random and are the same every time; one in thirty is a copy of another.
fn rows() -> Vec<Row> {
    let mut state = 7_u64;
    let mut draw = |below: u64| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    (0..400)
        .map(|index| {
            let customer = draw(70);
            Row {
                customer: 1_000 + customer as i64,
                // Many at the same instant, so that ties matter.
                second: FIRST_SECOND + 43_200 * draw(58) as i64,
                event: EVENTS[draw(6) as usize],
                event_id: if index % 30 == 29 { index - 20 } else { index },
                channel: CHANNELS[draw(5) as usize],
                country: COUNTRIES[customer as usize % 4],
                value: 10 + draw(50) as i64,
            }
        })
        .collect()
}

fn column<T>(rows: &[Row], of: impl Fn(&Row) -> T) -> Vec<T> {
    rows.iter().map(of).collect()
}

/// The plain form: integers, text, timestamps in µs and UTC, floats.
fn plain(rows: &[Row]) -> Columns {
    let values: Vec<f64> = column(rows, |row| row.value as f64);
    vec![
        ("customer_id", ints(&column(rows, |row| row.customer))),
        ("occurred_at", instants(&column(rows, |row| row.second), TimeUnit::Microsecond)),
        ("event", text(&column(rows, |row| row.event))),
        ("event_id", ints(&column(rows, |row| row.event_id))),
        ("channel", text(&column(rows, |row| row.channel))),
        ("country", text(&column(rows, |row| row.country))),
        ("value", crate::support::floats(&values.into_iter().map(Some).collect::<Vec<_>>())),
    ]
}

fn instants(seconds: &[i64], unit: TimeUnit) -> ArrayRef {
    let seconds = TimestampSecondArray::from(seconds.to_vec()).with_timezone("UTC");
    cast(&seconds, &DataType::Timestamp(unit, Some("UTC".into()))).expect("cast")
}

fn as_type(columns: Columns, name: &'static str, wanted: &DataType) -> Columns {
    let array = &columns.iter().find(|(known, _)| *known == name).expect("a column").1;
    let array = cast(array, wanted).expect("cast");
    assert_eq!(array.data_type(), wanted);
    with(columns, name, array)
}

/// Rows of columns, by position.
fn pick(columns: &Columns, positions: &[u32]) -> Columns {
    let positions = UInt32Array::from(positions.to_vec());
    columns.iter().map(|(name, array)| (*name, take(array, &positions, None).expect("taken"))).collect()
}

fn warehouse(config: &str, files: &[(&str, Columns)]) -> Warehouse {
    let warehouse = Warehouse::new(config);
    warehouse.write("spend/spend.csv", SPEND);
    for (name, columns) in files {
        warehouse.parquet(name, columns.clone());
    }
    warehouse
}

fn publish(config: &str, files: &[(&str, Columns)]) -> Published {
    let warehouse = warehouse(config, files);
    warehouse.run(&["-q", "--threads", "2"]);
    warehouse.published()
}

/// The tables of the plain form.
static PLAIN: LazyLock<Published> =
    LazyLock::new(|| publish(CONFIG, &[("touchpoints/a.parquet", plain(&rows()))]));

fn same(published: &Published, what: &str) {
    assert_eq!(differences(&PLAIN, published), Vec::<String>::new(), "{what}");
}

fn one_file(columns: Columns, what: &str) {
    same(&publish(CONFIG, &[("touchpoints/a.parquet", columns)]), what);
}

fn dictionary(values: DataType) -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(values))
}

#[test]
fn the_tables_say_something() {
    let text = |name: &str| String::from_utf8_lossy(&PLAIN[name]).into_owned();
    for (name, rows) in [
        ("csv/stage_attribution.csv", 80),
        ("csv/segment_conversion.csv", 20),
        ("csv/channel_roi.csv", 20),
        ("csv/stage_funnel.csv", 4),
    ] {
        assert!(text(name).lines().count() >= rows, "{name}:\n{}", text(name));
    }
    assert!(text("csv/data_quality.csv").contains("exact_duplicate"), "{}", text("csv/data_quality.csv"));
}

#[test]
fn ids_of_every_type() {
    for wanted in [
        DataType::UInt32,
        DataType::UInt64,
        DataType::Int32,
        DataType::Utf8,
        DataType::LargeUtf8,
        DataType::Utf8View,
        dictionary(DataType::Utf8),
        dictionary(DataType::Int64),
        DataType::Decimal128(9, 0),
        DataType::Decimal128(38, 0),
    ] {
        one_file(as_type(plain(&rows()), "customer_id", &wanted), &format!("customer_id as {wanted}"));
    }
    let texts = || as_type(plain(&rows()), "customer_id", &DataType::Utf8);
    for wanted in [DataType::Binary, DataType::LargeBinary, DataType::BinaryView] {
        one_file(as_type(texts(), "customer_id", &wanted), &format!("customer_id as {wanted}"));
    }
}

#[test]
fn event_ids_of_every_type() {
    for wanted in [DataType::UInt64, DataType::Utf8, dictionary(DataType::LargeUtf8)] {
        one_file(as_type(plain(&rows()), "event_id", &wanted), &format!("event_id as {wanted}"));
    }
}

#[test]
fn times_of_every_unit_and_zone() {
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Nanosecond] {
        for zone in ["UTC", "+05:30"] {
            let wanted = DataType::Timestamp(unit, Some(zone.into()));
            one_file(as_type(plain(&rows()), "occurred_at", &wanted), &format!("occurred_at as {wanted}"));
        }
    }
}

#[test]
fn naive_times_with_a_stated_zone() {
    let config =
        CONFIG.replace("path = \"touchpoints\"", "path = \"touchpoints\"\ntimezone = \"Europe/Sofia\"");
    let local = TimestampSecondArray::from(column(&rows(), |row| row.second + 3 * 3_600));
    for unit in [TimeUnit::Second, TimeUnit::Millisecond, TimeUnit::Microsecond, TimeUnit::Nanosecond] {
        let naive = cast(&local, &DataType::Timestamp(unit, None)).expect("cast");
        let columns = with(plain(&rows()), "occurred_at", naive);
        same(&publish(&config, &[("touchpoints/a.parquet", columns)]), &format!("naive {unit:?}"));
    }
}

#[test]
fn dates_are_the_start_of_the_local_day() {
    let config =
        CONFIG.replace("path = \"touchpoints\"", "path = \"touchpoints\"\ntimezone = \"Europe/Sofia\"");
    let midnight = |row: &Row| row.second - (row.second - FIRST_SECOND) % 86_400;
    let day = |row: &Row| i32::try_from((midnight(row) + 3 * 3_600) / 86_400).expect("a day");
    let at_midnight = instants(&column(&rows(), midnight), TimeUnit::Microsecond);
    let dates = Arc::new(Date32Array::from(column(&rows(), day)));
    let file = |array: ArrayRef| [("touchpoints/a.parquet", with(plain(&rows()), "occurred_at", array))];
    let (instants, dates) = (publish(&config, &file(at_midnight)), publish(&config, &file(dates)));
    assert_eq!(differences(&instants, &dates), Vec::<String>::new());
}

#[test]
fn values_of_every_type() {
    for wanted in [
        DataType::Float32,
        DataType::Int64,
        DataType::UInt16,
        DataType::Decimal128(12, 2),
        DataType::Decimal128(38, 10),
    ] {
        one_file(as_type(plain(&rows()), "value", &wanted), &format!("value as {wanted}"));
    }
}

#[test]
fn texts_of_every_type() {
    let small = DataType::Dictionary(Box::new(DataType::UInt8), Box::new(DataType::Utf8));
    let bytes = dictionary(DataType::Binary);
    for wanted in
        [DataType::LargeUtf8, DataType::Utf8View, DataType::Binary, dictionary(DataType::Utf8), bytes, small]
    {
        let mut columns = plain(&rows());
        for name in ["event", "channel", "country"] {
            columns = as_type(columns, name, &wanted);
        }
        one_file(columns, &format!("texts as {wanted}"));
    }
    // A text that is empty is no text.
    let empty: StringArray =
        column(&rows(), |row| Some(if row.channel == "~" { "" } else { row.channel })).into_iter().collect();
    one_file(with(plain(&rows()), "channel", Arc::new(empty)), "empty channels");
}

#[test]
fn columns_of_other_names_and_order() {
    let config = CONFIG.replace(
        "path = \"touchpoints\"",
        "path = \"touchpoints\"\ncolumns = { customer_id = \"user\", occurred_at = \"ts\", event = \"type\", country = \"land\", event_id = \"id\" }",
    );
    let mut columns = plain(&rows());
    for (name, _) in &mut columns {
        *name = match *name {
            "customer_id" => "user",
            "occurred_at" => "ts",
            "event" => "type",
            "country" => "land",
            "event_id" => "id",
            other => other,
        };
    }
    columns.reverse();
    // Strangers, one of them under a logical name that is mapped elsewhere, are not read.
    columns.insert(2, ("event", ints(&vec![0; rows().len()])));
    columns.push(("note", text(&vec!["x"; rows().len()])));
    // They are told all the same, unless that isn't wanted.
    let config = format!("{config}unknown_columns = \"ignore\"\n");
    same(&publish(&config, &[("touchpoints/a.parquet", columns)]), "mapped columns");
}

#[test]
fn a_constant_stands_for_a_column() {
    let all = rows();
    let store = with(plain(&all), "channel", text(&vec!["Store"; all.len()]));
    let config = CONFIG
        .replace("path = \"touchpoints\"", "path = \"touchpoints\"\nconstants = { channel = \"Store\" }");
    let column = publish(CONFIG, &[("touchpoints/a.parquet", store)]);
    let constant = publish(&config, &[("touchpoints/a.parquet", without(plain(&all), "channel"))]);
    assert_eq!(differences(&column, &constant), Vec::<String>::new());
}

#[test]
fn two_sources_are_as_one() {
    let all = rows();
    let columns = plain(&all);
    let which = |store: bool| -> Vec<u32> {
        (0..all.len() as u32).filter(|at| (all[*at as usize].channel == "Store") == store).collect()
    };
    let config = CONFIG.replace(
        "[inputs.touchpoints]\npath = \"touchpoints\"\n",
        "[[inputs.touchpoints]]\npath = \"web\"\n[[inputs.touchpoints]]\npath = \"store\"\ncolumns = { customer_id = \"buyer\" }\nconstants = { channel = \"Store\" }\n",
    );
    let web = pick(&columns, &which(false));
    let mut store = without(pick(&columns, &which(true)), "channel");
    for (name, _) in &mut store {
        if *name == "customer_id" {
            *name = "buyer";
        }
    }
    let store = as_type(store, "buyer", &DataType::Utf8);
    same(&publish(&config, &[("web/a.parquet", web), ("store/a.parquet", store)]), "two sources");
}

#[test]
fn folders_hold_a_column() {
    let all = rows();
    let columns = without(plain(&all), "country");
    let warehouse = Warehouse::new(CONFIG);
    warehouse.write("spend/spend.csv", SPEND);
    for country in COUNTRIES {
        let own: Vec<u32> = (0..all.len() as u32).filter(|at| all[*at as usize].country == country).collect();
        let folder = match country {
            "~" => "__HIVE_DEFAULT_PARTITION__",
            "St Lucia" => "St%20Lucia",
            plain => plain,
        };
        warehouse.parquet(&format!("touchpoints/country={folder}/part-0.parquet"), pick(&columns, &own));
    }
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "hive partitions");
}

#[test]
fn spend_in_every_form() {
    let warehouse = warehouse(CONFIG, &[("touchpoints/a.parquet", plain(&rows()))]);
    let excel = SPEND.replace(',', ";").replace('\n', "\r\n");
    warehouse.write("spend/spend.csv", format!("\u{feff}{excel}"));
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "semicolons, a byte-order mark and CRLF");

    warehouse.write("spend/spend.csv", SPEND.replace(',', "\t"));
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "tabs");

    std::fs::remove_file(warehouse.path("spend/spend.csv")).expect("removed");
    let columns = |dates: ArrayRef, costs: ArrayRef| -> Columns {
        let clicks: ArrayRef = Arc::new(Int64Array::from(vec![Some(40), None, Some(3)]));
        vec![
            ("clicks", clicks),
            ("channel", text(&["Email", "Search", "Email"])),
            ("cost", costs),
            ("date", dates),
        ]
    };
    let floats = crate::support::floats(&[Some(120.5), Some(99.0), Some(0.25)]);
    let days = |text: &str| i32::try_from(micros(text) / 86_400_000_000).expect("a day");
    let dates = [days("04-02 00:00"), days("04-09 00:00"), days("04-09 00:00")];
    let dates: ArrayRef = Arc::new(Date32Array::from(dates.to_vec()));
    warehouse.parquet("spend/spend.parquet", columns(Arc::clone(&dates), floats.clone()));
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "Parquet with dates and floats");

    // The day of an instant is that of the job's zone: 22:00 in UTC is the next day in Sofia.
    let decimals = cast(&floats, &DataType::Decimal128(10, 2)).expect("cast");
    let instants = times(&["04-01 22:00", "04-09 20:59", "04-08 21:00"]);
    warehouse.parquet("spend/spend.parquet", columns(instants, decimals));
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "Parquet with instants and decimals");

    // The same rows in two files.
    let first = columns(dates, floats);
    warehouse.parquet("spend/spend.parquet", pick(&first, &[2, 0]));
    warehouse.parquet("spend/another.parquet", pick(&first, &[1]));
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "two files");
}

#[test]
fn files_row_groups_and_order_change_nothing() {
    let columns = plain(&rows());
    let count = rows().len() as u32;
    let reversed: Vec<u32> = (0..count).rev().collect();
    one_file(pick(&columns, &reversed), "reversed rows");
    // 7 has no factor in common with 400: every row once, all over the place.
    let shuffled: Vec<u32> = (0..count).map(|at| at * 7 % count).collect();
    let warehouse = warehouse(CONFIG, &[]);
    for (file, part) in shuffled.chunks(61).enumerate() {
        warehouse.parquet_in_groups(&format!("touchpoints/{}.parquet", 9 - file), pick(&columns, part), 10);
    }
    for threads in ["1", "2", "8"] {
        warehouse.run(&["-q", "--force", "--threads", threads]);
        same(&warehouse.published(), &format!("seven shuffled files on {threads} threads"));
    }
}

#[test]
fn a_day_reads_no_more_than_its_rows_need() {
    let config = CONFIG.replace("lookback = \"20d\"", "lookback = \"1d\"");
    let warehouse = Warehouse::new(&config);
    warehouse.write("spend/spend.csv", SPEND);
    let mut all = rows();
    all.sort_by_key(|row| row.second);
    let columns = plain(&all);
    let day = |row: &Row| (row.second - FIRST_SECOND) / 86_400;
    for wanted in 0..29 {
        let own: Vec<u32> = (0..all.len() as u32).filter(|at| day(&all[*at as usize]) == wanted).collect();
        warehouse.parquet_in_groups(&format!("touchpoints/{wanted:02}.parquet"), pick(&columns, &own), 4);
    }
    let checked = warehouse.touchline(&["check", "--date", "2026-04-10"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(checked.stdout, @r"
    reads:
      inputs.touchpoints: 2 files, 7 row groups, 25 rows, 3.0 kB
        pruned: 27 files, 106 row groups, 375 rows, 46.0 kB
      inputs.spend: 1 file, 0.1 kB
    writes to FOLDER/out:
      stage_attribution, attribution_effects, stage_funnel, stage_transitions, channel_roi, channel_daily, journey_paths, segment_conversion, segment_funnel, experiment_results, experiment_health, reconciliation, data_quality, budget_shift, pain_points, segment_gaps, stage_heatmap, winning_variants
    ");
    assert!(!warehouse.path("out").exists(), "check writes nothing");

    warehouse.run(&["-q", "--date", "2026-04-10"]);
    let pruned = warehouse.published();
    let whole = self::warehouse(&config, &[("touchpoints/a.parquet", columns)]);
    whole.run(&["-q", "--date", "2026-04-10"]);
    // How many rows lie outside is not told in tables, so nothing shows what was pruned.
    assert_eq!(differences(&pruned, &whole.published()), Vec::<String>::new());
}
