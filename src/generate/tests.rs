//! Tests over written directories.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashSet};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{Float64Type, Int64Type, TimestampMicrosecondType};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

fn options(dir: &Path, customers: u64, seed: u64, threads: usize) -> Options {
    Options { dir: dir.to_path_buf(), customers, days: 20, seed, threads }
}

fn quiet(options: &Options) -> Result<Summary, GenerateError> {
    generate(options, &|_, _| {})
}

/// Every file below a directory, by its relative path.
fn files(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(root, &path, into);
            } else {
                let name = path.strip_prefix(root).expect("below the root").to_path_buf();
                into.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(dir, dir, &mut all);
    all
}

fn temporary() -> tempfile::TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn batches(path: &Path) -> Vec<arrow::array::RecordBatch> {
    let file = fs::File::open(path).expect("a file");
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).expect("Parquet").build().expect("a reader");
    reader.collect::<Result<_, _>>().expect("batches")
}

#[test]
fn threads_change_no_byte_and_seeds_change_many() {
    let (one, four, other) = (temporary(), temporary(), temporary());
    // More than two blocks, so that their order matters.
    let customers = 2 * BLOCK_CUSTOMERS + 500;
    quiet(&options(one.path(), customers, 7, 1)).expect("generated");
    quiet(&options(four.path(), customers, 7, 4)).expect("generated");
    quiet(&options(other.path(), 500, 8, 1)).expect("generated");
    let written = files(one.path());
    assert!(written == files(four.path()));
    assert_eq!(written.len(), 20 + 7, "20 days, four tables and three texts: {:?}", written.keys());

    let small = temporary();
    quiet(&options(small.path(), 500, 7, 1)).expect("generated");
    let first_day = Path::new("touchpoints/dt=2026-04-01/part-0.parquet");
    assert_ne!(files(small.path())[first_day], files(other.path())[first_day]);
}

#[test]
fn touchpoints_hold_what_was_simulated() {
    let dir = temporary();
    let options = options(dir.path(), 600, 7, 2);
    let summary = quiet(&options).expect("generated");
    let world = World::new(7, 20);
    let mut expected = Vec::new();
    for index in 0..600 {
        let customer = world.customer(index);
        expected.extend(customer.rows.iter().map(|row| {
            (
                customer.id.clone(),
                row.time_us,
                row.event.name().to_owned(),
                row.channel.map(|channel| channel.name().to_owned()),
                row.value_minor.map(|minor| minor as f64 / 100.0),
            )
        }));
    }
    let (mut found, mut ids) = (Vec::new(), HashSet::new());
    for day in 0..20 {
        let path = dir.path().join(layout::touchpoints_day(day)).join("part-0.parquet");
        for batch in batches(&path) {
            let text = |name: &str, row: usize| {
                let column = batch.column_by_name(name).expect("a column").as_string::<i32>();
                column.is_valid(row).then(|| column.value(row).to_owned())
            };
            let times = batch["occurred_at"].as_primitive::<TimestampMicrosecondType>();
            let values = batch["value"].as_primitive::<Float64Type>();
            for row in 0..batch.num_rows() {
                let time_us = times.value(row);
                assert_eq!((time_us - START_US) / DAY_US, i64::from(day));
                assert!(ids.insert(batch["event_id"].as_primitive::<Int64Type>().value(row)));
                let purchase = text("event", row).as_deref() == Some("purchase");
                assert_eq!((values.is_valid(row), text("order_id", row).is_some()), (purchase, purchase));
                found.push((
                    text("customer_id", row).expect("an id"),
                    time_us,
                    text("event", row).expect("an event"),
                    text("channel", row),
                    values.is_valid(row).then(|| values.value(row)),
                ));
            }
        }
    }
    assert_eq!(ids.len() as u64, summary.touchpoints);
    expected.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    found.sort_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    assert_eq!(found, expected);
}

#[test]
fn the_other_tables_agree_with_the_summary() {
    let dir = temporary();
    let summary = quiet(&options(dir.path(), 3_000, 7, 2)).expect("generated");
    let rows = |name: &str| -> u64 {
        batches(&dir.path().join(name)).iter().map(|batch| batch.num_rows() as u64).sum()
    };
    assert_eq!(rows(layout::CUSTOMERS), 3_000 + summary.plan_changes);
    let changes: usize = batches(&dir.path().join(layout::CUSTOMERS))
        .iter()
        .map(|batch| batch.num_rows() - batch["valid_from"].null_count())
        .sum();
    assert!(summary.plan_changes > 0);
    assert_eq!(changes as u64, summary.plan_changes);
    assert_eq!(rows(layout::ASSIGNMENTS), summary.assignments);
    assert_eq!(rows(layout::SUPPRESS), summary.suppressed);
    assert_eq!(summary.suppressed, 3);
    let nulls: usize =
        batches(&dir.path().join(layout::CUSTOMERS)).iter().map(|batch| batch["country"].null_count()).sum();
    // 30 expected, standard deviation 5.4.
    assert!((8..=52).contains(&nulls), "{nulls}");

    let spend = fs::read_to_string(dir.path().join(layout::SPEND)).expect("spend");
    let lines: Vec<Vec<&str>> = spend.lines().skip(1).map(|line| line.split(',').collect()).collect();
    assert_eq!(lines.len() as u64, summary.spend_rows);
    assert_eq!(lines.iter().filter(|line| line[1] == UNTOUCHED_CHANNEL).count(), 20);
    assert!(lines.iter().all(|line| !["Direct", "Referral", "Organic Search"].contains(&line[1])));
    let total: u64 = summary.spend_minor.iter().map(|(_, cost)| cost).sum();
    let cents = |line: &Vec<&str>| line[3].replace('.', "").parse::<u64>().expect("a cost");
    assert_eq!(lines.iter().map(cents).sum::<u64>(), total);
    let written: u64 = files(dir.path()).values().map(|bytes| bytes.len() as u64).sum();
    assert_eq!(written, summary.bytes);
}

#[test]
fn truths_say_what_was_planted() {
    let dir = temporary();
    let summary = quiet(&options(dir.path(), 300, 7, 1)).expect("generated");
    let text = fs::read_to_string(dir.path().join(layout::TRUTHS_JSON)).expect("truths");
    let truths: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(truths["channels"][0]["channel"], "Email");
    assert_eq!(truths["channels"][0]["strength"], 0.8);
    assert_eq!(truths["experiments"]["checkout_flow"]["relative_lift"]["B"], 0.15);
    assert_eq!(truths["experiments"]["checkout_flow"]["rates"]["B"], 0.69);
    let devices = &truths["experiments"]["checkout_flow"]["by_device_type"];
    assert_eq!([&devices["mobile"]["rates"]["B"], &devices["others"]["rates"]["B"]], [0.8, 0.645]);
    let mail = &truths["experiments"]["reorder_mail"];
    assert_eq!(mail["relative_lift"]["B"], 0.576_699);
    assert_eq!(truths["weak_stage"]["rate"], 0.4);
    assert_eq!(truths["written"]["touchpoints"], summary.touchpoints);
    let page = fs::read_to_string(dir.path().join(layout::TRUTHS_PAGE)).expect("a page");
    for figure in ["| 1 | Email | 0.8 |", "| 60 % | 69 % | B +15 % |", "| mobile | 40 % |"] {
        assert!(page.contains(figure), "{figure} is missing in\n{page}");
    }
}

#[test]
fn an_earlier_generation_gives_way() {
    let (again, fresh) = (temporary(), temporary());
    let longer = Options { days: 25, ..options(again.path(), 400, 1, 1) };
    quiet(&longer).expect("generated");
    // A run that was killed leaves its spool and no summary.
    fs::create_dir(again.path().join(layout::SPOOL_DIR)).expect("a folder");
    fs::write(again.path().join(layout::spool_day(3)), "rows").expect("a file");
    fs::remove_file(again.path().join(layout::TRUTHS_PAGE)).expect("removed");
    quiet(&options(again.path(), 300, 2, 1)).expect("generated");
    quiet(&options(fresh.path(), 300, 2, 1)).expect("generated");
    assert!(files(again.path()) == files(fresh.path()));
    assert!(!again.path().join(layout::SPOOL_DIR).exists());
}

#[test]
fn what_was_not_generated_is_refused_and_stays() {
    let refused = |dir: &Path, stranger: &str| {
        let before = files(dir);
        let error = quiet(&options(dir, 50, 1, 1)).expect_err("refused");
        assert!(matches!(&error, GenerateError::Foreign { path } if *path == dir.join(stranger)), "{error}");
        assert!(error.to_string().contains(stranger), "{error}");
        assert!(files(dir) == before);
    };
    let exports = temporary();
    fs::create_dir(exports.path().join("touchpoints")).expect("a folder");
    fs::write(exports.path().join("touchpoints/real.parquet"), "dear").expect("a file");
    refused(exports.path(), "touchpoints");

    for stranger in ["notes.txt", "touchpoints/dt=2026-04-01/part-1.parquet", "touchpoints/dt=2026-12-24"] {
        let dir = temporary();
        quiet(&options(dir.path(), 50, 1, 1)).expect("generated");
        fs::write(dir.path().join(stranger), "dear").expect("a file");
        refused(dir.path(), stranger);
    }
    let dir = temporary();
    quiet(&options(dir.path(), 50, 1, 1)).expect("generated");
    fs::write(dir.path().join(layout::CONFIG), "# mine now").expect("a file");
    refused(dir.path(), layout::CONFIG);
}

#[test]
fn published_results_stay() {
    let dir = temporary();
    let out = dir.path().join(layout::OUTPUT_DIR);
    drop(
        crate::publish::Store::open(&out, std::time::Duration::ZERO, &crate::interrupt::Interrupt::default())
            .expect("an output folder"),
    );
    fs::create_dir(out.join("runs/r-1-1")).expect("a run");
    fs::write(out.join("runs/r-1-1/manifest.json"), "dear").expect("a file");
    for seed in [1, 2] {
        quiet(&options(dir.path(), 50, seed, 1)).expect("generated beside results");
        assert_eq!(files(&out)[Path::new("runs/r-1-1/manifest.json")], b"dear");
    }
}

#[test]
fn another_folder_of_that_name_is_refused() {
    let dir = temporary();
    quiet(&options(dir.path(), 50, 1, 1)).expect("generated");
    let out = dir.path().join(layout::OUTPUT_DIR);
    fs::create_dir_all(out.join("runs")).expect("a folder without a lock");
    let error = quiet(&options(dir.path(), 50, 1, 1)).expect_err("refused");
    assert!(matches!(&error, GenerateError::Foreign { path } if *path == out), "{error}");
}

#[test]
fn an_error_removes_the_spool_and_names_the_path() {
    let dir = temporary();
    let options = options(dir.path(), 400, 1, 1);
    let blocked = dir.path().join(layout::touchpoints_day(0));
    // Halfway, when the simulation is over, something takes the place of the first day's folder.
    let progress = |done: u64, of: u64| {
        if done * 2 == of {
            fs::create_dir_all(dir.path().join(layout::TOUCHPOINTS_DIR)).expect("a folder");
            fs::write(&blocked, "in the way").expect("a file");
        }
    };
    let error = generate(&options, &progress).expect_err("blocked");
    assert!(error.to_string().contains("dt=2026-04-01"), "{error}");
    assert!(!dir.path().join(layout::SPOOL_DIR).exists());
}

#[test]
fn impossible_sizes_are_refused_before_anything_is_touched() {
    let dir = temporary();
    let target = dir.path().join("new");
    let none = Options { customers: 0, ..options(&target, 1, 1, 1) };
    assert!(matches!(quiet(&none), Err(GenerateError::Customers { customers: 0 })));
    let never = Options { days: 0, ..options(&target, 1, 1, 1) };
    assert!(matches!(quiet(&never), Err(GenerateError::Days { days: 0 })));
    assert!(!target.exists());
}

#[test]
fn progress_rises_to_the_end() {
    let dir = temporary();
    let seen = RefCell::new(Vec::new());
    generate(&options(dir.path(), 1_000, 1, 1), &|done, of| {
        assert_eq!(of, 2_000);
        seen.borrow_mut().push(done);
    })
    .expect("generated");
    assert!(seen.borrow().is_sorted());
    assert_eq!(seen.borrow().last(), Some(&2_000));
}
