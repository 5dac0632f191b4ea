//! Where results may not go: among inputs, among results, and where no folder is.

use std::os::unix::fs::symlink;

use crate::support::{CONFIG, Warehouse, few_touchpoints};

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

/// What is said of an output that is refused, before anything is made.
fn refused(warehouse: &Warehouse, out: &str) -> String {
    let before = entries(warehouse);
    let ran = warehouse.touchline(&["run", "--out", out]);
    assert_eq!(entries(warehouse), before, "nothing is made");
    format!("exit code {}\n{}", ran.code, ran.stderr)
}

/// Every file and folder in the warehouse.
fn entries(warehouse: &Warehouse) -> Vec<std::path::PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![warehouse.root().to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            folders.extend(Some(&path).filter(|path| path.is_dir() && !path.is_symlink()).cloned());
            found.push(path);
        }
    }
    found.sort();
    found
}

#[test]
fn not_where_inputs_are_read() {
    let warehouse = warehouse();
    insta::assert_snapshot!(refused(&warehouse, "touchpoints"), @r"
    exit code 78
    error: the output FOLDER/touchpoints is where inputs.touchpoints is read from
    hint: name a folder of its own, with output.path or --out: results would be read as inputs
    ");
    symlink("touchpoints", warehouse.path("link")).unwrap();
    for out in ["link", "./touchpoints/", "touchpoints/../touchpoints", "link/../touchpoints"] {
        assert!(refused(&warehouse, out).contains("is where inputs.touchpoints is read from"), "{out}");
    }
    let ran = warehouse.touchline(&["check", "--out", "touchpoints"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (78, ""), "{}", ran.stderr);
    // A folder below is left out of what is searched.
    for _ in 0..2 {
        let ran = warehouse.run(&["--out", "touchpoints/out", "--force"]);
        assert!(ran.stderr.contains("6 touchpoints of 3 customers from 1 file"), "{}", ran.stderr);
    }
}

#[test]
fn an_output_hides_no_input_that_lies_in_its_folder() {
    let warehouse = warehouse();
    warehouse.parquet("touchpoints/dt=2026-04-02/b.parquet", few_touchpoints());
    for out in ["touchpoints/dt=2026-04-02", "elsewhere", "touchpoints/dt=2026-04-02"] {
        let ran = warehouse.run(&["--out", out, "--force"]);
        assert!(ran.stderr.contains("12 touchpoints of 3 customers from 2 files"), "{out}: {}", ran.stderr);
    }
}

#[test]
fn no_events_among_results() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    symlink("out/runs", warehouse.path("link")).unwrap();
    for path in ["nowhere/../out/current/events", "link/events"] {
        let ran = warehouse.touchline(&["run", "--set", &format!("lineage.path={path}")]);
        assert_eq!(ran.code, 78, "{path}: {}", ran.stderr);
        assert!(
            ran.stderr.contains("lineage events would stand among the results"),
            "{path}: {}",
            ran.stderr
        );
    }
    let ran = warehouse.touchline(&["run", "--set", "lineage.path=out/events"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn not_among_results() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(refused(&warehouse, "out/current/mine"), @r"
    exit code 78
    error: the output FOLDER/out/current/mine lies among the results in FOLDER/out
    hint: name a folder beside it, with output.path or --out: what lies in a published run goes with it
    ");
    symlink("out/runs", warehouse.path("link")).unwrap();
    for out in ["out/runs", "out/runs/mine", "out/current", "out/windows/x", "out/.staging/x/y", "link/x"] {
        assert!(refused(&warehouse, out).contains("lies among the results in FOLDER/out"), "{out}");
    }
    // Nor may a job read its own results.
    let own = ["run", "--set", "inputs.touchpoints.path=out/current/tables/*.parquet"];
    let ran = warehouse.touchline(&own);
    assert_eq!(ran.code, 78, "{}", ran.stderr);
    warehouse.run(&["-q", "--out", "out/of/their/own"]);
}

#[test]
fn not_in_a_file() {
    let warehouse = warehouse();
    insta::assert_snapshot!(refused(&warehouse, "touchline.toml"), @r"
    exit code 78
    error: FOLDER/touchline.toml is a file; it has to be a folder of the output's own
    hint: move it away, or write elsewhere with `--out DIR`; links inside an output are never followed
    ");
    assert!(
        refused(&warehouse, "touchline.toml/out").contains("FOLDER/touchline.toml is a file; it has to be")
    );
    symlink("nowhere", warehouse.path("dangling")).unwrap();
    assert!(refused(&warehouse, "dangling").contains("FOLDER/dangling is a link; it has to be a folder"));
}
