//! Past windows beside the present one: `examples/backfill.sh`, as its head says.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::support::{CONFIG, Ran, Warehouse, few_touchpoints};

/// The present result is that of 3 April.
fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.run(&["--date", "2026-04-03"]);
    warehouse
}

/// The script, with the test's binary and what a shell needs.
fn backfill(warehouse: &Warehouse, arguments: &[&str]) -> Ran {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/backfill.sh");
    let mut command = Command::new("bash");
    command.arg(script).args(arguments).current_dir(warehouse.root()).env_clear();
    command.env("PATH", "/usr/local/bin:/usr/bin:/bin").env("TOUCHLINE_BIN", env!("CARGO_BIN_EXE_touchline"));
    command.env("BACKFILL_PAUSE", "0");
    warehouse.finish(command)
}

fn pointers(warehouse: &Warehouse) -> BTreeMap<String, PathBuf> {
    let entries = fs::read_dir(warehouse.path("out/windows")).expect("a folder");
    let pointer = |entry: std::io::Result<fs::DirEntry>| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().expect("a name").to_str().expect("UTF-8").to_owned();
        (name, fs::read_link(path).expect("a link"))
    };
    entries.map(pointer).collect()
}

#[test]
fn every_window_has_its_pointer_and_current_stays() {
    let warehouse = warehouse();
    let present = warehouse.current();
    let ran = backfill(&warehouse, &["touchline.toml", "2026-04-01", "2026-04-03", "day"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(warehouse.current(), present);
    let first = pointers(&warehouse);
    let names: Vec<&str> = first.keys().map(String::as_str).collect();
    assert_eq!(names, ["2026-04-01_2026-04-02", "2026-04-02_2026-04-03", "2026-04-03_2026-04-04"]);

    let again = backfill(&warehouse, &["touchline.toml", "2026-04-01", "2026-04-03", "day"]);
    assert_eq!(again.code, 0, "{}", again.stderr);
    assert_eq!(again.stderr.matches("nothing new").count(), 2, "{}", again.stderr);
    assert_eq!((pointers(&warehouse), warehouse.current()), (first, present));
}

#[test]
fn a_window_with_late_rows_alone_is_computed_again() {
    let warehouse = warehouse();
    backfill(&warehouse, &["touchline.toml", "2026-04-01", "2026-04-03", "day"]);
    let (before, present) = (pointers(&warehouse), warehouse.current());
    // A file of 2 April that comes late; 1 April doesn't read it.
    let late: crate::support::Columns =
        few_touchpoints().into_iter().map(|(name, column)| (name, column.slice(4, 1))).collect();
    warehouse.parquet("touchpoints/late.parquet", late);
    let ran = backfill(&warehouse, &["touchline.toml", "2026-04-01", "2026-04-03", "day"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("nothing new").count(), 1, "{}", ran.stderr);
    let after = pointers(&warehouse);
    assert_eq!(after["2026-04-01_2026-04-02"], before["2026-04-01_2026-04-02"]);
    assert_ne!(after["2026-04-02_2026-04-03"], before["2026-04-02_2026-04-03"]);
    assert_eq!(warehouse.current(), present);
}

#[test]
fn the_last_window_ends_where_it_was_asked_to() {
    let warehouse = warehouse();
    let ran = backfill(&warehouse, &["touchline.toml", "2026-03-30", "2026-04-02", "month"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(pointers(&warehouse).contains_key("2026-03-30_2026-04-02"));
}

#[test]
fn months_begin_on_a_day_that_all_of_them_have() {
    let warehouse = warehouse();
    let ran = backfill(&warehouse, &["touchline.toml", "2026-01-31", "2026-04-02", "month"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("not every month has a day 31: begin at one up to 28\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_window_without_rows_is_passed_over() {
    let warehouse = warehouse();
    let ran = backfill(&warehouse, &["touchline.toml", "2026-03-01", "2026-04-02", "month"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(pointers(&warehouse).contains_key("2026-04-01_2026-04-02"));
}

#[test]
fn a_window_that_fails_ends_the_loop() {
    let warehouse = warehouse();
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    let ran = backfill(&warehouse, &["touchline.toml", "2026-04-01", "2026-04-03", "day"]);
    assert_eq!(ran.code, 65, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("error:").count(), 1, "no retry, no further window: {}", ran.stderr);
    let usage = backfill(&warehouse, &["touchline.toml", "2026-04-01", "2026-04-03", "year"]);
    assert_eq!(usage.code, 64, "{}", usage.stderr);
}

#[test]
fn dates_the_wrong_way_round_are_a_mistake_of_the_call() {
    let warehouse = warehouse();
    for (from, to) in [("2026-04-03", "2026-04-01"), ("2026-04-01", "2026-04-01")] {
        let ran = backfill(&warehouse, &["touchline.toml", from, to, "day"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (64, ""), "{}", ran.stderr);
        let told = format!("no window begins at {from} and ends at {to}");
        assert!(ran.stderr.starts_with(&told) && ran.stderr.contains("usage: backfill.sh"), "{}", ran.stderr);
    }
    assert_eq!(pointers(&warehouse).len(), 1, "nothing was computed");
}
