//! The same rows and the same configuration give the same tables, whatever the threads and the files.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray, TimestampMicrosecondArray};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use touchline::config::{self, Overrides};
use touchline::engine::Budget;
use touchline::engine::work::Silent;
use touchline::generate::{Options, generate};
use touchline::job::{self, Table};

fn tables(config: &Path, threads: usize) -> Vec<Table> {
    tables_within(config, &Budget::unlimited(threads))
}

fn tables_within(config: &Path, budget: &Budget) -> Vec<Table> {
    let plan = config::load(config, &Overrides::default(), &|_| None);
    job::tables(&plan.expect("a plan"), budget, &Silent).expect("tables")
}

fn assert_same(one: &[Table], other: &[Table], what: &str) {
    assert_eq!(one.len(), other.len());
    for ((docs, one), (_, other)) in one.iter().zip(other) {
        assert!(one.equals_missing(other), "{what} changed {}:\n{one}\n{other}", docs.name);
    }
}

#[test]
fn threads_and_names_of_files_change_no_figure() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let options =
        Options { dir: folder.path().to_path_buf(), customers: 1_500, days: 40, seed: 11, threads: 2 };
    generate(&options, &|_, _| {}).expect("generated");
    let config = folder.path().join("touchline.toml");
    let one = tables(&config, 1);
    assert!(one.iter().any(|(docs, frame)| docs.name == "stage_attribution" && frame.height() > 100));
    assert_same(&one, &tables(&config, 3), "threads");

    // The last day becomes the first file, the first day the last.
    let days = folder.path().join("touchpoints");
    let mut names: Vec<_> =
        fs::read_dir(&days).expect("days").map(|entry| entry.expect("a day").file_name()).collect();
    names.sort();
    let flat = folder.path().join("flat");
    fs::create_dir(&flat).expect("a folder");
    for (at, name) in names.iter().enumerate() {
        // The folder of the day says when its rows came, and stays.
        let to = flat.join(format!("{:03}", names.len() - at));
        fs::create_dir(&to).expect("a folder");
        fs::rename(days.join(name), to.join(name)).expect("moved");
    }
    let text = fs::read_to_string(&config).expect("a config");
    fs::write(&config, text.replace("touchpoints/**/*.parquet", "flat/**/*.parquet")).expect("written");
    assert_same(&one, &tables(&config, 2), "the order of files");
}

/// The same for chains of higher order and Shapley values on rates, whose sums are kept in maps.
#[test]
fn threads_change_no_figure_of_the_models_with_maps() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let options = Options { dir: folder.path().to_path_buf(), customers: 600, days: 30, seed: 3, threads: 2 };
    generate(&options, &|_, _| {}).expect("generated");
    let config = folder.path().join("touchline.toml");
    let text = fs::read_to_string(&config).expect("a config");
    let keys = "[attribution]\nmarkov_order = 2\nshapley_value = \"rate\"";
    assert!(text.contains("[attribution]"));
    fs::write(&config, text.replace("[attribution]", keys)).expect("written");
    let one = tables(&config, 1);
    let effects = one.iter().find(|(docs, _)| docs.name == "attribution_effects");
    assert!(effects.is_some_and(|(_, frame)| frame.height() > 50));
    assert_same(&one, &tables(&config, 3), "threads");
}

/// Everything lies in files between reading and walking, or nearly all, or none.
#[test]
fn a_budget_of_memory_changes_no_figure() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let dir = folder.path().to_path_buf();
    let options = Options { dir: dir.clone(), customers: 1_500, days: 40, seed: 12, threads: 2 };
    generate(&options, &|_, _| {}).expect("generated");
    // A few customers with so many rows that chunks fill up and leave one by one.
    let config = dir.join("touchline.toml");
    let customers: Vec<String> = (0..24).map(|n| format!("busy-{n}")).collect();
    let rows: Vec<(&str, i64, &str, &str)> = (0..24 * 5_000)
        .map(|n| {
            let customer = customers[n % 24].as_str();
            let event = if n % 97 == 0 { "purchase" } else { "click" };
            (customer, n as i64 * 7_919 % 900, event, ["Email", "Push", "Direct"][n / 24 % 3])
        })
        .collect();
    write(&dir.join("touchpoints/busy.parquet"), &rows);
    let held = tables(&config, 2);
    for (bytes, threads) in [(0, 1), (0, 2), (0, 3), (100_000, 2), (9_000_000, 1)] {
        let budget = Budget::of_rows(bytes, threads, dir.clone());
        let spilled = tables_within(&config, &budget);
        assert_same(&held, &spilled, &format!("{bytes} bytes with {threads} threads"));
    }
    let left: Vec<_> =
        fs::read_dir(&dir).expect("the folder").map(|entry| entry.expect("an entry").path()).collect();
    assert!(
        left.iter().all(|path| path.is_dir() || path.extension().is_some()),
        "something stayed: {left:?}"
    );
}

/// Writes touchpoints: customer, hours since 2026-04-01, event, channel.
fn write(path: &Path, rows: &[(&str, i64, &str, &str)]) {
    let start_us = 1_775_001_600_000_000;
    let texts = |of: &dyn Fn(usize) -> String| -> ArrayRef {
        Arc::new((0..rows.len()).map(|row| Some(of(row))).collect::<StringArray>())
    };
    let times: TimestampMicrosecondArray =
        rows.iter().map(|(_, hours, ..)| Some(start_us + hours * 3_600_000_000)).collect();
    let batch = RecordBatch::try_from_iter([
        ("customer_id", texts(&|row| rows[row].0.to_owned())),
        ("occurred_at", Arc::new(times.with_timezone("UTC")) as ArrayRef),
        ("event", texts(&|row| rows[row].2.to_owned())),
        ("channel", texts(&|row| rows[row].3.to_owned())),
    ]);
    let batch = batch.expect("a batch");
    let file = fs::File::create(path).expect("a file");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
}

/// A day that lies in a file with the next one, and the same day alone. Nothing of the next day, nor of a row
/// that was left out, may show in the tables but in the counts of rows.
#[test]
fn rows_that_do_not_count_leave_no_trace() {
    let folder = tempfile::tempdir().expect("a temporary directory");
    let kept = [("a", 1, "click", "Email"), ("a", 2, "buy", "Email"), ("b", 3, "click", "Push")];
    let later = [("c", 30, "click", "Later"), ("c", 31, "buy", "Later")];
    write(&folder.path().join("together.parquet"), &[&kept[..], &later].concat());
    write(&folder.path().join("alone-1.parquet"), &kept);
    write(&folder.path().join("alone-2.parquet"), &later);
    let run = |pattern: &str| {
        let config = folder.path().join("touchline.toml");
        let text = format!(
            "[window]\nfrom = \"2026-04-01\"\nto = \"2026-04-02\"\n[inputs.touchpoints]\npath = \"{pattern}\"\n\
             [conversions.buy]\nevent = \"buy\"\n"
        );
        fs::write(&config, text).expect("written");
        tables(&config, 1)
    };
    assert_same(&run("together.parquet"), &run("alone-*.parquet"), "the next day");
}
