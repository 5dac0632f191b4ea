//! Checksums, damaged files that are left out, files that change, differ, are old or few: through the binary.

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use arrow::array::{
    ArrayRef, Date32Array, Decimal128Array, Float32Array, Int32Array, Int64Array, LargeStringArray,
    TimestampMicrosecondArray, TimestampMillisecondArray, TimestampNanosecondArray,
};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::support::{
    CONFIG, Columns, Warehouse, few_touchpoints, floats, ints, micros, text, times, with, without,
};

fn warehouse(contract: &str) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}[contract]\n{contract}\n"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

/// Writes the checksum of a file beside it.
fn seal(warehouse: &Warehouse, name: &str) {
    let bytes = fs::read(warehouse.path(name)).unwrap();
    let digest: String = Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
    let file = name.rsplit('/').next().unwrap();
    warehouse.write(&format!("{name}.sha256"), format!("{digest}  {file}\n"));
}

/// Changes a byte of a page, so that something else or nothing is read.
fn damage(warehouse: &Warehouse, name: &str) {
    let mut bytes = fs::read(warehouse.path(name)).unwrap();
    bytes[4..60].fill(0xff);
    warehouse.write(name, bytes);
}

fn manifest(warehouse: &Warehouse) -> Value {
    serde_json::from_slice(&fs::read(warehouse.current().join("manifest.json")).unwrap()).unwrap()
}

#[test]
fn a_checksum_beside_a_file_is_compared_and_recorded() {
    let warehouse = warehouse("");
    warehouse.run(&[]);
    let input = manifest(&warehouse)["inputs"][0].clone();
    assert_eq!((&input["verified"], &input["sha256"]), (&Value::Bool(false), &Value::Null));
    seal(&warehouse, "touchpoints/a.parquet");
    warehouse.run(&["--force"]);
    let input = manifest(&warehouse)["inputs"][0].clone();
    assert_eq!(input["verified"], true);
    assert_eq!(input["sha256"].as_str().unwrap().len(), 64);

    // The same rows in other bytes.
    fs::remove_dir_all(warehouse.path("out")).unwrap();
    warehouse.parquet_in_groups("touchpoints/a.parquet", few_touchpoints(), 2);
    let said = warehouse.fails(&[]);
    assert!(
        said.starts_with(
            "exit code 65\nerror: FOLDER/touchpoints/a.parquet is not what was exported: its SHA-256 is "
        ),
        "{said}"
    );
    warehouse.run(&["--set", "contract.integrity=off"]);
}

#[test]
fn a_file_that_is_ruled_out_by_statistics_is_compared_too() {
    let warehouse = warehouse("");
    warehouse
        .parquet("touchpoints/b.parquet", with(few_touchpoints(), "occurred_at", times(&["01-01 08:00"; 6])));
    seal(&warehouse, "touchpoints/b.parquet");
    let window = ["--from", "2026-04-01", "--to", "2026-04-04"];
    warehouse.run(&window);
    fs::remove_dir_all(warehouse.path("out")).unwrap();
    // Whatever its statistics say now.
    warehouse
        .parquet("touchpoints/b.parquet", with(few_touchpoints(), "occurred_at", times(&["01-02 08:00"; 6])));
    assert!(warehouse.fails(&window).contains("b.parquet is not what was exported"));
}

#[test]
fn with_require_every_file_has_a_checksum() {
    let warehouse = warehouse("integrity = \"require\"");
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet has neither checksums of its pages nor a .sha256 file beside it, and contract.integrity = "require" asks for either
    hint: write a checksum beside it with `sha256sum a.parquet > a.parquet.sha256`, or let the export write checksums of pages (pyarrow: write_page_checksum=True); `prefer` does without
    "#);
    seal(&warehouse, "touchpoints/a.parquet");
    warehouse.run(&[]);
    warehouse.write("touchpoints/a.parquet.sha256", "no checksum\n");
    fs::remove_dir_all(warehouse.path("out")).unwrap();
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/touchpoints/a.parquet.sha256 holds no line as `sha256sum` writes them
    hint: write it with `sha256sum a.parquet > a.parquet.sha256`, or take it away
    ");
}

#[test]
fn check_compares_what_is_beside_the_files() {
    let warehouse = Warehouse::new(&format!("{CONFIG}[inputs.spend]\npath = \"spend.csv\"\n"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.write("spend.csv", "date,channel,cost\n2026-04-01,Email,3\n");
    assert!(!warehouse.touchline(&["check"]).stdout.contains("compared with"));
    seal(&warehouse, "touchpoints/a.parquet");
    seal(&warehouse, "spend.csv");
    let ran = warehouse.touchline(&["check"]);
    assert!(ran.stdout.contains("\ncompared with the checksum beside it: 2 of 2 files\n"), "{}", ran.stdout);

    // The same rows in other bytes: nothing but the checksum tells.
    warehouse.parquet_in_groups("touchpoints/a.parquet", few_touchpoints(), 2);
    let ran = warehouse.touchline(&["check"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (65, ""), "{}", ran.stderr);
    assert!(ran.stderr.contains("a.parquet is not what was exported"), "{}", ran.stderr);
    assert_eq!(warehouse.touchline(&["check", "--set", "contract.integrity=off"]).code, 0);
    seal(&warehouse, "touchpoints/a.parquet");
    warehouse.write("spend.csv", "date,channel,cost\n2026-04-01,Email,4\n");
    let ran = warehouse.touchline(&["check"]);
    assert!(ran.code == 65 && ran.stderr.contains("spend.csv is not what was exported"), "{}", ran.stderr);
    seal(&warehouse, "spend.csv");
    warehouse.write("spend.csv", "day,channel,cost\n2026-04-01,Email,4\n");
    seal(&warehouse, "spend.csv");
    let ran = warehouse.touchline(&["check"]);
    assert!(ran.code == 65 && ran.stderr.contains("`date`"), "{}", ran.stderr);
}

#[test]
fn check_reads_pages_where_it_is_asked_to_or_has_to() {
    let warehouse = warehouse("");
    damage(&warehouse, "touchpoints/a.parquet");
    assert_eq!(warehouse.touchline(&["check"]).code, 0, "footers know nothing of pages");
    let ran = warehouse.touchline(&["check", "--full"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (65, ""), "{}", ran.stderr);
    warehouse.parquet("touchpoints/b.parquet", few_touchpoints());
    let ran = warehouse.touchline(&["check", "--full", "--set", "contract.on_corrupt=quarantine_file"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("read to the last page"), "{}", ran.stdout);
    let told = "\nleaves out, for it is damaged:\n  FOLDER/touchpoints/a.parquet: ";
    assert!(ran.stdout.contains(told), "{}", ran.stdout);
    std::fs::remove_file(warehouse.path("touchpoints/a.parquet")).unwrap();
    let ran = warehouse.touchline(&["check", "--set", "contract.integrity=require"]);
    assert!(ran.code == 65 && ran.stderr.contains("b.parquet has neither"), "{}", ran.stderr);
}

#[test]
fn costs_have_checksums_as_well() {
    let warehouse = Warehouse::new(&format!(
        "{CONFIG}[inputs.spend]\npath = \"spend.csv\"\n[contract]\nintegrity = \"require\"\n"
    ));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    seal(&warehouse, "touchpoints/a.parquet");
    warehouse.write("spend.csv", "date,channel,cost\n2026-04-01,Email,3\n");
    assert!(warehouse.fails(&[]).contains("spend.csv has neither"));
    seal(&warehouse, "spend.csv");
    warehouse.run(&[]);
    warehouse.write("spend.csv", "date,channel,cost\n2026-04-01,Email,4\n");
    fs::remove_dir_all(warehouse.path("out")).unwrap();
    assert!(warehouse.fails(&[]).contains("spend.csv is not what was exported"));
}

#[test]
fn all_damaged_files_are_named_at_once() {
    let warehouse = warehouse("");
    for name in ["b", "c", "d"] {
        warehouse.parquet(&format!("touchpoints/{name}.parquet"), few_touchpoints());
    }
    damage(&warehouse, "touchpoints/b.parquet");
    warehouse.write("touchpoints/c.parquet", "PAR1");
    seal(&warehouse, "touchpoints/a.parquet");
    seal(&warehouse, "touchpoints/d.parquet");
    warehouse.parquet_in_groups("touchpoints/d.parquet", few_touchpoints(), 2);
    let said = warehouse.fails(&[]);
    assert!(said.starts_with("exit code 65\nerror: 3 files can't be read:\n"), "{said}");
    for line in [
        "\n  FOLDER/touchpoints/b.parquet: ",
        "\n  FOLDER/touchpoints/c.parquet: ",
        "\n  FOLDER/touchpoints/d.parquet: its SHA-256 is not the one in FOLDER/touchpoints/d.parquet.sha256\n",
    ] {
        assert!(said.contains(line), "{said}");
    }
    for at in 0..30 {
        warehouse.write(&format!("touchpoints/e{at:02}.parquet"), "PAR1");
    }
    let said = warehouse.fails(&[]);
    assert!(said.contains("error: more than 20 files can't be read, the first of them are:\n"), "{said}");
    assert_eq!(said.matches("\n  FOLDER/").count(), 20, "{said}");
}

#[test]
fn damaged_files_are_left_out_where_that_is_asked_for_and_never_silently() {
    let warehouse = warehouse("on_corrupt = \"quarantine_file\"");
    warehouse.run(&[]);
    let whole = warehouse.published();
    assert_eq!(manifest(&warehouse)["quarantined"].as_array().unwrap().len(), 0);
    warehouse.parquet("touchpoints/b.parquet", few_touchpoints());
    damage(&warehouse, "touchpoints/b.parquet");
    warehouse.write("touchpoints/c.parquet", "PAR1");
    let ran = warehouse.run(&[]);
    for name in ["b", "c"] {
        let line = format!("  ! incomplete: FOLDER/touchpoints/{name}.parquet is left out: ");
        assert!(ran.stderr.contains(&line), "{}", ran.stderr);
    }
    let told = manifest(&warehouse)["quarantined"].clone();
    assert_eq!(told.as_array().unwrap().len(), 2);
    assert_eq!(told[0]["input"], "inputs.touchpoints");
    assert!(told[1]["path"].as_str().unwrap().ends_with("touchpoints/c.parquet"));
    assert_eq!(
        warehouse.select(
            "data_quality",
            &[("check", "quarantined_file")],
            &["rows_checked", "rows_failed", "status"]
        ),
        "3 | 2 | fail"
    );
    let part = warehouse.published();
    let differing: Vec<&String> = whole.keys().filter(|name| whole[*name] != part[*name]).collect();
    assert!(differing.iter().all(|name| name.contains("data_quality")), "{differing:?}");

    // What is mended counts again, and what was published is not taken for it.
    warehouse.parquet("touchpoints/b.parquet", few_touchpoints());
    fs::remove_file(warehouse.path("touchpoints/c.parquet")).unwrap();
    warehouse.run(&[]);
    assert_eq!(warehouse.select("data_quality", &[("check", "quarantined_file")], &["rows_failed"]), "");

    damage(&warehouse, "touchpoints/a.parquet");
    damage(&warehouse, "touchpoints/b.parquet");
    let ran = warehouse.touchline(&["run"]);
    assert_eq!(ran.code, 65, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("2 files can't be read"),
        "with none left there is no result: {}",
        ran.stderr
    );
}

#[test]
fn what_customers_are_left_out_of_is_never_left_out_itself() {
    let warehouse = Warehouse::new(&format!(
        "{CONFIG}[inputs.suppress]\npath = \"suppress\"\n[contract]\non_corrupt = \"quarantine_file\"\n"
    ));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.parquet("suppress/a.parquet", vec![("customer_id", text(&["c-9"]))]);
    warehouse.write("suppress/b.parquet", "PAR1");
    assert!(warehouse.fails(&[]).contains("suppress/b.parquet is not a readable Parquet file"));
}

#[test]
#[expect(clippy::print_stdout, reason = "what came of the runs is worth reading; captured with the rest")]
fn a_file_that_is_written_while_it_is_read_gives_75_or_one_of_its_states() {
    let warehouse = warehouse("max_duplicate_share = 1.0");
    let states: Vec<Vec<u8>> = [2, 500]
        .into_iter()
        .map(|repeats: usize| {
            let columns = few_touchpoints()
                .into_iter()
                .map(|(name, column)| {
                    let parts: Vec<&dyn arrow::array::Array> = vec![&*column; repeats];
                    (name, arrow::compute::concat(&parts).unwrap())
                })
                .collect();
            warehouse.parquet_in_groups("other/state.parquet", columns, 100);
            fs::read(warehouse.path("other/state.parquet")).unwrap()
        })
        .collect();
    let path = warehouse.path("touchpoints/a.parquet");
    fs::write(&path, &states[0]).unwrap();
    let mut expected = Vec::new();
    for state in &states {
        fs::write(&path, state).unwrap();
        warehouse.run(&[]);
        expected.push(warehouse.published());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let writer = {
        let (stop, path, states) = (Arc::clone(&stop), path.clone(), states.clone());
        let beside = warehouse.path("beside");
        std::thread::spawn(move || {
            let mut turn = 0;
            while !stop.load(Ordering::Relaxed) {
                let state = &states[turn % 2];
                // In place, and as a whole.
                if turn % 4 < 2 {
                    fs::write(&path, state).unwrap();
                } else {
                    fs::write(&beside, state).unwrap();
                    fs::rename(&beside, &path).unwrap();
                }
                turn += 1;
                std::thread::sleep(std::time::Duration::from_millis(turn as u64 % 40));
            }
        })
    };
    let mut counts = std::collections::BTreeMap::new();
    for _ in 0..20 {
        let ran = warehouse.touchline(&["run", "--force"]);
        *counts.entry(ran.code).or_insert(0) += 1;
        match ran.code {
            0 => assert!(expected.contains(&warehouse.published()), "a result of neither state"),
            // Cut off at the moment that it was found.
            65 => assert!(
                ran.stderr.contains("it is empty") || ran.stderr.contains("its end is missing"),
                "{}",
                ran.stderr
            ),
            75 => assert!(ran.stderr.contains("changed while it was read"), "{}", ran.stderr),
            _ => panic!("{} {}", ran.code, ran.stderr),
        }
    }
    stop.store(true, Ordering::Relaxed);
    writer.join().unwrap();
    println!("exit codes: {counts:?}");
}

#[test]
fn links_that_lead_out_and_pipes_are_refused() {
    let warehouse = warehouse("");
    warehouse.parquet("secret/s.parquet", few_touchpoints());
    symlink("../secret/s.parquet", warehouse.path("touchpoints/b.parquet")).unwrap();
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/b.parquet is a link to FOLDER/secret/s.parquet, which lies outside of FOLDER/touchpoints
    hint: if that is meant to be read, name it in the path itself: "FOLDER/secret/s.parquet"; else remove the link
    "#);
    fs::remove_file(warehouse.path("touchpoints/b.parquet")).unwrap();
    let _pipe = std::os::unix::net::UnixListener::bind(warehouse.path("touchpoints/b.parquet")).unwrap();
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/touchpoints/b.parquet is no file
    hint: take it out of the path
    ");
}

/// What a second file with other columns does to the tables: nothing, if its rows are those of the first.
fn drift(other: Columns, zone: &str) -> Result<String, String> {
    let config = CONFIG.replace("path = \"touchpoints\"", &format!("path = \"touchpoints\"\n{zone}"));
    let half = |columns: &Columns, from: usize| -> Columns {
        columns.iter().map(|(name, column)| (*name, column.slice(from, 3))).collect()
    };
    let one = Warehouse::new(&config);
    one.parquet("touchpoints/a.parquet", half(&few_touchpoints(), 0));
    one.parquet("touchpoints/b.parquet", half(&few_touchpoints(), 3));
    one.run(&[]);
    let two = Warehouse::new(&config);
    two.parquet("touchpoints/a.parquet", half(&few_touchpoints(), 0));
    two.parquet("touchpoints/b.parquet", half(&other, 3));
    // A column that nobody asked for is told in `data_quality`, which is not the question here.
    let ran = two.touchline(&["run", "--set", "contract.unknown_columns=\"ignore\""]);
    match ran.code {
        0 => {
            assert!(
                crate::support::differences(&one.published(), &two.published()).is_empty(),
                "another result"
            );
            Ok(ran.stderr.lines().filter(|line| line.starts_with("  ! ")).collect::<Vec<_>>().join("\n"))
        }
        65 => Err(ran.stderr),
        code => panic!("{code}: {}", ran.stderr),
    }
}

fn instants() -> Vec<i64> {
    ["04-01 08:00", "04-02 09:00", "04-01 10:00", "04-03 11:00", "04-02 12:00", "04-03 13:00"]
        .map(micros)
        .to_vec()
}

#[test]
fn files_that_differ_are_read_as_the_same_or_refused_column_by_column() {
    let few = few_touchpoints;
    let time = |array: ArrayRef| with(few(), "occurred_at", array);
    let value = |array: ArrayRef| with(few(), "value", array);
    let amounts = || vec![None, Some(30), None, Some(12), None, None];
    // The rows are the same: amounts of the second half are null but one.
    let mut reversed = few();
    reversed.reverse();
    let large = Arc::new(LargeStringArray::from(vec!["c-1", "c-1", "c-2", "c-2", "c-3", "c-3"]));
    let dictionary =
        cast(&few()[2].1, &DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)));
    let millis: Vec<i64> = instants().iter().map(|us| us / 1_000).collect();
    let nanos: Vec<i64> = instants().iter().map(|us| us * 1_000).collect();
    let told = |column: &str| format!("  ! inputs.touchpoints: `{column}` is ");
    let read: [(&str, Columns, Option<&str>); 8] = [
        ("reordered", reversed, None),
        ("more columns", with(few(), "extra", ints(&[1, 2, 3, 4, 5, 6])), None),
        ("large text", with(few(), "customer_id", large), Some("customer_id")),
        ("dictionary", with(few(), "event", dictionary.unwrap()), None),
        (
            "milliseconds",
            time(Arc::new(TimestampMillisecondArray::from(millis).with_timezone("UTC"))),
            Some("occurred_at"),
        ),
        (
            "nanoseconds",
            time(Arc::new(TimestampNanosecondArray::from(nanos).with_timezone("+00:00"))),
            Some("occurred_at"),
        ),
        (
            "narrower floats",
            value(Arc::new(Float32Array::from(vec![None, Some(30.0), None, Some(12.5), None, None]))),
            Some("value"),
        ),
        (
            "decimals",
            value(Arc::new(
                Decimal128Array::from(vec![None, Some(3_000), None, Some(1_250), None, None])
                    .with_precision_and_scale(9, 2)
                    .unwrap(),
            )),
            Some("value"),
        ),
    ];
    for (name, columns, column) in read {
        let said = drift(columns, "").unwrap_or_else(|error| panic!("{name}: {error}"));
        match column {
            Some(column) => assert!(
                said.starts_with(&told(column)) && said.ends_with(": read as the same"),
                "{name}: {said}"
            ),
            None => assert_eq!(said, "", "{name}"),
        }
    }

    let renamed = |from: &str, to: &'static str| -> Columns {
        few().into_iter().map(|(name, array)| (if name == from { to } else { name }, array)).collect()
    };
    let naive = || Arc::new(TimestampMicrosecondArray::from(instants())) as ArrayRef;
    let days = Arc::new(Date32Array::from(vec![20_544; 6]));
    let refused: [(&str, Columns, &str); 8] = [
        ("renamed", renamed("occurred_at", "happened_at"), "needs column `occurred_at`"),
        ("text for amounts", value(text(&["1"; 6])), "column `value` should be a number"),
        ("text for times", time(text(&["2026-04-01"; 6])), "column `occurred_at` should be a timestamp"),
        (
            "numbers for times",
            time(Arc::new(Int64Array::from(instants()))),
            "column `occurred_at` should be a timestamp",
        ),
        (
            "floats for ids",
            with(few(), "customer_id", floats(&[Some(1.0); 6])),
            "column `customer_id` should be text or an integer",
        ),
        ("naive times", time(naive()), "has no time zone"),
        ("dates", time(days), "has no time zone"),
        (
            "structs",
            with(
                few(),
                "channel",
                Arc::new(arrow::array::StructArray::from(vec![(
                    Arc::new(arrow::datatypes::Field::new("name", DataType::Int32, true)),
                    Arc::new(Int32Array::from(vec![1; 6])) as ArrayRef,
                )])),
            ),
            "column `channel` should be text",
        ),
    ];
    for (name, columns, said) in refused {
        let error = drift(columns, "").expect_err(name);
        assert!(error.contains("touchpoints/b.parquet") && error.contains(said), "{name}: {error}");
    }
    // What a run can do without is null, and told with both files.
    let lacking: [(Columns, &str); 3] = [
        (
            renamed("channel", "channels"),
            "`channel` is text (Utf8) in A, and B doesn't have it, but `channels`",
        ),
        (
            renamed("value", "Value"),
            "`value` is a floating-point number (Float64) in A, and B doesn't have it, but `Value`",
        ),
        (without(few(), "value"), "`value` is a floating-point number (Float64) in A, and B doesn't have it"),
    ];
    for (columns, said) in lacking {
        let warehouse = Warehouse::new(CONFIG);
        warehouse.parquet("touchpoints/a.parquet", few());
        warehouse.parquet("touchpoints/b.parquet", columns.clone());
        let told = warehouse.run(&[]).stderr;
        let told =
            told.replace("FOLDER/touchpoints/a.parquet", "A").replace("FOLDER/touchpoints/b.parquet", "B");
        assert!(told.contains(&format!("  ! inputs.touchpoints: {said}: null in its rows\n")), "{told}");
        // Who maps a column wants it everywhere.
        let mapped = CONFIG.replace(
            "path = \"touchpoints\"",
            "path = \"touchpoints\"\ncolumns = { channel = \"channel\", value = \"value\" }",
        );
        let warehouse = Warehouse::new(&mapped);
        warehouse.parquet("touchpoints/a.parquet", few());
        warehouse.parquet("touchpoints/b.parquet", columns);
        let error = warehouse.fails(&[]);
        assert!(error.starts_with("exit code 65\nerror: FOLDER/touchpoints/b.parquet: "), "{error}");
    }
    // With a zone they are what the zone says.
    let said = drift(time(naive()), "timezone = \"UTC\"").unwrap();
    assert!(said.starts_with(&told("occurred_at")), "{said}");
    // An integer is the id that its digits are.
    let numbered = |ids: ArrayRef| with(few(), "customer_id", ids);
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", numbered(text(&["1", "1", "2", "2", "3", "3"])));
    warehouse.parquet("touchpoints/b.parquet", numbered(ints(&[1, 1, 2, 2, 3, 3])));
    warehouse.run(&[]);
    assert_eq!(manifest(&warehouse)["counts"]["customers"], 3);
    // Whole amounts are amounts.
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few());
    warehouse.parquet("touchpoints/b.parquet", value(Arc::new(Int64Array::from(amounts()))));
    warehouse.run(&[]);
    assert_eq!(manifest(&warehouse)["warnings"].as_array().unwrap().len(), 1);
}

#[test]
fn old_rows_are_told_or_stop_the_run() {
    let warehouse = warehouse("warn_after = \"12h\"\nerror_after = \"3d\"");
    // The newest row is of 13:00 on the third.
    let ran = warehouse.run(&["--from", "2026-04-01", "--to", "2026-04-04"]);
    assert!(!ran.stderr.contains("warn_after"), "{}", ran.stderr);
    let stale = |warehouse: &Warehouse| {
        warehouse.select("data_quality", &[("check", "stale")], &["rows_checked", "rows_failed", "status"])
    };
    assert_eq!(stale(&warehouse), "1 | 0 | ok");
    let ran = warehouse.run(&["--from", "2026-04-01", "--to", "2026-04-05"]);
    assert!(
        ran.stderr.contains("  ! inputs.touchpoints: its newest row is 35h older than the end of the window, and warn_after is 12h\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(stale(&warehouse), "1 | 1 | warn");
    let ran = warehouse.touchline(&["run", "--from", "2026-04-01", "--to", "2026-04-10"]);
    insta::assert_snapshot!(ran.stderr, @r"
    error: inputs.touchpoints: its newest row is 155h older than the end of the window, and error_after is 3d
    hint: see whether the export is late or one of its files is missing, or raise error_after
    ");
    assert_eq!(ran.code, 65);
    // Without an end nothing is old.
    let ran = warehouse.touchline(&["run"]);
    assert_eq!(ran.code, 78, "{}", ran.stderr);
    assert!(ran.stderr.contains("the window has none"), "{}", ran.stderr);
}

#[test]
fn far_fewer_rows_than_before_are_told_or_stop_the_run() {
    let warehouse = warehouse("");
    let day = |day: &str, rows: usize| {
        let times: Vec<String> = (0..rows).map(|row| format!("{day} {:02}:00", row % 24)).collect();
        let times: Vec<&str> = times.iter().map(String::as_str).collect();
        vec![
            ("customer_id", text(&vec!["c-1"; rows])),
            ("occurred_at", crate::support::times(&times)),
            ("event", text(&vec!["click"; rows])),
        ]
    };
    fs::remove_file(warehouse.path("touchpoints/a.parquet")).unwrap();
    for (name, date, rows) in [("a", "04-01", 10), ("b", "04-02", 12), ("c", "04-03", 20), ("d", "04-04", 4)]
    {
        warehouse.parquet(&format!("touchpoints/{name}.parquet"), day(date, rows));
    }
    let run = |date: &str, more: &[&str]| {
        // The days before are read as well, and don't count.
        warehouse.touchline(&[&["run", "--date", date], more].concat())
    };
    for date in ["2026-04-01", "2026-04-02", "2026-04-03"] {
        let ran = run(date, &[]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(!ran.stderr.contains("median"), "{}", ran.stderr);
    }
    let stop = run("2026-04-04", &["--set", "contract.row_count_anomaly=fail"]);
    assert_eq!(stop.code, 65);
    insta::assert_snapshot!(stop.stderr, @r#"
    error: the numbers of rows are not what they were:
      inputs.touchpoints: 4 rows in the window, where the median of 3 runs published before with windows of this length is 12
    hint: see whether the export is complete and whether files lie there twice; if the numbers are right, set contract.row_count_anomaly = "warn"
    "#);
    let ran = run("2026-04-04", &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("  ! inputs.touchpoints: 4 rows in the window, where the median of 3 runs"),
        "{}",
        ran.stderr
    );
    let ran = run("2026-04-04", &["--force", "--set", "contract.row_count_anomaly=off"]);
    assert!(!ran.stderr.contains("median"), "{}", ran.stderr);
}
