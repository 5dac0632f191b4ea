//! The same rows and the same configuration give the same tables, whatever the threads and the files.

use std::fs;
use std::path::Path;

use touchline::config::{self, Overrides};
use touchline::engine::work::Silent;
use touchline::generate::{Options, generate};
use touchline::job::{self, Table};

fn tables(config: &Path, threads: usize) -> Vec<Table> {
    let plan = config::load(config, &Overrides::default(), &|_| None);
    job::tables(&plan.expect("a plan"), threads, &Silent).expect("tables")
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
        let to = flat.join(format!("{:03}.parquet", names.len() - at));
        fs::rename(days.join(name).join("part-0.parquet"), to).expect("moved");
    }
    let text = fs::read_to_string(&config).expect("a config");
    fs::write(&config, text.replace("touchpoints/**/*.parquet", "flat/*.parquet")).expect("written");
    assert_same(&one, &tables(&config, 2), "the order of files");
}
