//! `--memory` and `--temp-dir`: rows that don't fit go to a file without a name, change nothing, and leave nothing.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::support::{CONFIG, Columns, Warehouse, differences, few_touchpoints, floats, ints, text};

/// Rows that don't fit into the smallest budget: 36 bytes each, where 40 MiB are for rows.
const ROWS: i64 = 1_500_000;
const LEAST: [&str; 3] = ["--memory", "128MiB", "--temp-dir"];

/// What waits beside the rows: attributes that change, exposures, and a number that a metric sums.
const BESIDE: &str = r#"dimensions = ["country"]
[inputs.customers]
path = "customers"
[inputs.assignments]
path = "assignments"
[metrics.seconds]
kind = "mean"
of = "seconds"
window = "7d"
[experiments.test]
control = "A"
weights = { A = 0.5, B = 0.5 }
metrics = ["seconds"]
"#;

/// Each customer moves once while the rows come.
fn moving_customers() -> Columns {
    let rows = || 0..ROWS / 5;
    let micros: arrow::array::TimestampMicrosecondArray =
        rows().map(|row| (row % 2 == 1).then_some(1_775_001_600_000_000 + row * 40_000_000)).collect();
    vec![
        ("customer_id", ints(&rows().map(|row| row / 2).collect::<Vec<_>>())),
        ("valid_from", std::sync::Arc::new(micros.with_timezone("UTC"))),
        ("country", text(&rows().map(|row| ["BG", "DE", "FR"][row as usize % 3]).collect::<Vec<_>>())),
    ]
}

/// Each third customer, on the third day.
fn exposures() -> Columns {
    let customers = || (0..ROWS / 10).step_by(3);
    let micros: arrow::array::TimestampMicrosecondArray =
        customers().map(|_| Some(1_775_001_600_000_000 + 3 * 86_400_000_000)).collect();
    vec![
        ("customer_id", ints(&customers().collect::<Vec<_>>())),
        ("assigned_at", std::sync::Arc::new(micros.with_timezone("UTC"))),
        ("experiment", text(&customers().map(|_| "test").collect::<Vec<_>>())),
        ("variant", text(&customers().map(|row| ["A", "B"][row as usize % 2]).collect::<Vec<_>>())),
    ]
}

/// Customers of ten rows each, over half a year.
fn many_touchpoints() -> Columns {
    let rows = || 0..ROWS;
    let micros: Vec<i64> = rows().map(|row| 1_775_001_600_000_000 + row * 10_000_000).collect();
    let events: Vec<&str> = rows().map(|row| if row % 17 == 0 { "purchase" } else { "click" }).collect();
    let channels: Vec<&str> = rows().map(|row| ["Email", "Search", "~"][row as usize % 3]).collect();
    let times: arrow::array::TimestampMicrosecondArray = micros.into();
    vec![
        ("customer_id", ints(&rows().map(|row| row % (ROWS / 10)).collect::<Vec<_>>())),
        ("occurred_at", std::sync::Arc::new(times.with_timezone("UTC"))),
        ("event", text(&events)),
        ("channel", text(&channels)),
        ("value", floats(&rows().map(|row| (row % 34 == 0).then_some(12.5)).collect::<Vec<_>>())),
        ("event_id", ints(&rows().collect::<Vec<_>>())),
        ("seconds", ints(&rows().map(|row| row % 91).collect::<Vec<_>>())),
    ]
}

fn is_empty(folder: &Path) -> bool {
    fs::read_dir(folder).expect("a folder").next().is_none()
}

/// Whether the process has a file open that lies in the folder, under whatever name.
fn has_file_in(process: u32, folder: &Path) -> bool {
    let Ok(open) = fs::read_dir(format!("/proc/{process}/fd")) else { return false };
    open.flatten().any(|file| fs::read_link(file.path()).is_ok_and(|to| to.starts_with(folder)))
}

/// One warehouse for everything that needs many rows.
#[test]
fn what_does_not_fit_waits_in_a_file_that_never_stays() {
    let warehouse = Warehouse::new(&format!("{CONFIG}{BESIDE}"));
    warehouse.parquet_in_groups("touchpoints/a.parquet", many_touchpoints(), 200_000);
    warehouse.parquet("customers/a.parquet", moving_customers());
    warehouse.parquet("assignments/a.parquet", exposures());
    let spill = fs::canonicalize(warehouse.root()).expect("the folder").join("spill");
    fs::create_dir(&spill).expect("created");
    let folder = spill.to_str().expect("UTF-8");
    let least = [&LEAST[..], &[folder]].concat();

    // There is no space: nothing is published, nothing stays.
    let mut command = Command::new("sh");
    command
        .args(["-c", r#"trap "" XFSZ; ulimit -f 1000; exec "$0" run --memory 128MiB --temp-dir "$1""#])
        .args([env!("CARGO_BIN_EXE_touchline"), folder])
        .current_dir(warehouse.root());
    let full = warehouse.finish(command);
    insta::assert_snapshot!(format!("exit code {}\n{}", full.code, full.stderr), @r"
    exit code 74
    error: cannot keep rows in a temporary file in FOLDER/spill
      caused by: File too large (os error 27)
    hint: name a folder with more room with --temp-dir, or raise --memory so that less is written out
    ");
    assert!(!warehouse.path("out/current").exists() && is_empty(&warehouse.path("out/.staging")));
    assert!(is_empty(&spill));

    // Killed while rows lie in the file.
    let mut run = warehouse.command(&[&["run"], &least[..]].concat()).spawn().expect("started");
    let begun = Instant::now();
    while !has_file_in(run.id(), &spill) {
        assert!(run.try_wait().expect("a state").is_none(), "it ended and wrote nothing out");
        assert!(begun.elapsed() < Duration::from_secs(60), "it writes nothing out");
        sleep(Duration::from_micros(200));
    }
    assert!(is_empty(&spill), "the file has no name");
    run.kill().expect("killed");
    run.wait().expect("ended");
    assert!(is_empty(&spill) && !warehouse.path("out/current").exists());

    // The run after it finds a clean place, and the same figures as one that holds all rows.
    warehouse.run(&least);
    assert!(is_empty(&spill));
    let within = warehouse.published();
    warehouse.run(&["--memory", "2GiB", "--force"]);
    assert_eq!(differences(&within, &warehouse.published()), [""; 0]);
}

fn refused(warehouse: &Warehouse, folder: &str) -> String {
    warehouse.fails(&["--temp-dir", folder])
}

#[test]
fn a_temporary_folder_that_is_no_use_is_refused_before_anything_is_read() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.write("a_file", "");
    insta::assert_snapshot!(refused(&warehouse, "nowhere"), @r"
    exit code 64
    error: no temporary file can be made in nowhere
      caused by: No such file or directory (os error 2)
    hint: name a folder with --temp-dir that is there and that may be written to
    ");
    insta::assert_snapshot!(refused(&warehouse, "a_file"), @r"
    exit code 64
    error: no temporary file can be made in a_file
      caused by: Not a directory (os error 20)
    hint: name a folder with --temp-dir that is there and that may be written to
    ");
    insta::assert_snapshot!(refused(&warehouse, "out/spill"), @r"
    exit code 64
    error: the temporary folder FOLDER/out/spill lies inside the output FOLDER/out
    hint: name another folder with --temp-dir
    ");
    // Nobody may write there, not even root.
    assert!(
        refused(&warehouse, "/proc")
            .starts_with("exit code 64\nerror: no temporary file can be made in /proc\n")
    );
    assert!(!warehouse.path("out").exists(), "nothing was begun");
}

#[test]
fn too_little_memory_is_refused() {
    let warehouse = Warehouse::new(CONFIG);
    let ran = warehouse.touchline(&["run", "--memory", "100MiB"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(ran.stderr.contains("128"), "{}", ran.stderr);
}
