//! What a catalogue is told of runs: what they read, what they published, how they ended.

use std::fs;

use serde_json::Value;

use crate::support::{CONFIG, Warehouse, few_touchpoints};

const LINEAGE: &str = "[lineage]\npath = \"out/lineage.ndjson\"\n";

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{LINEAGE}"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

fn events(warehouse: &Warehouse) -> Vec<Value> {
    let text = fs::read_to_string(warehouse.path("out/lineage.ndjson")).expect("events");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| event["eventType"].as_str().expect("a type")).collect()
}

fn dataset<'e>(event: &'e Value, side: &str, name: &str) -> &'e Value {
    let datasets = event[side].as_array().expect("datasets");
    let found = datasets.iter().find(|dataset| dataset["name"].as_str().is_some_and(|n| n.ends_with(name)));
    found.unwrap_or_else(|| panic!("no {name} in {datasets:#?}"))
}

#[test]
fn a_run_tells_what_it_read_and_published() {
    let warehouse = warehouse();
    warehouse.run(&[]);
    let events = events(&warehouse);
    assert_eq!(kinds(&events), ["START", "COMPLETE"]);
    let complete = &events[1];
    let input = dataset(complete, "inputs", "/touchpoints");
    assert_eq!(input["namespace"], "file");
    assert_eq!(input["inputFacets"]["inputStatistics"]["rowCount"], 6);
    assert_eq!(input["inputFacets"]["inputStatistics"]["fileCount"], 1);
    let size = fs::metadata(warehouse.path("touchpoints/a.parquet")).expect("a file").len();
    assert_eq!(input["inputFacets"]["inputStatistics"]["size"], size);
    let columns: Vec<&str> = input["facets"]["schema"]["fields"]
        .as_array()
        .expect("fields")
        .iter()
        .filter_map(|f| f["name"].as_str())
        .collect();
    assert_eq!(columns, ["customer_id", "occurred_at", "event", "channel", "value"]);

    let manifest: Value =
        serde_json::from_slice(&fs::read(warehouse.path("out/current/manifest.json")).expect("a manifest"))
            .expect("JSON");
    let tables = manifest["tables"].as_array().expect("tables");
    assert_eq!(complete["outputs"].as_array().expect("outputs").len(), tables.len());
    for table in tables {
        let name = table["name"].as_str().expect("a name");
        let output = dataset(complete, "outputs", &format!("/out/{name}"));
        let statistics = &output["outputFacets"]["outputStatistics"];
        assert_eq!(statistics["rowCount"], table["rows"], "{name}");
        let size = |kind: &str| table[kind]["size"].as_u64().expect("a size");
        assert_eq!(statistics["size"], size("parquet") + size("csv"), "{name}");
        let source = output["facets"]["dataSource"]["uri"].as_str().expect("a URI");
        let path = source.strip_prefix("file://").expect("a local file");
        assert!(fs::metadata(path).is_ok(), "{path}");
        let run = warehouse.current();
        assert_eq!(
            output["facets"]["version"]["datasetVersion"],
            run.file_name().expect("a name").to_str().expect("UTF-8")
        );
        let fields = output["facets"]["schema"]["fields"].as_array().expect("fields");
        let header = warehouse.csv(name);
        let header = header.trim_start_matches('\u{feff}').lines().next().expect("a header");
        let names: Vec<&str> = fields.iter().filter_map(|field| field["name"].as_str()).collect();
        assert_eq!(names.join(","), header, "{name}");
    }
    let time = &complete["run"]["facets"]["nominalTime"];
    assert_eq!(time["nominalStartTime"], manifest["window"]["from"]);
    assert_eq!(time["nominalEndTime"], manifest["window"]["to"]);
}

#[test]
fn a_result_that_stands_already_is_told_in_full() {
    let warehouse = warehouse();
    warehouse.run(&[]);
    warehouse.run(&[]);
    let events = events(&warehouse);
    assert_eq!(kinds(&events), ["START", "COMPLETE", "START", "COMPLETE"]);
    assert_eq!(events[1]["outputs"], events[3]["outputs"]);
    assert_eq!(events[1]["inputs"], events[3]["inputs"]);
    assert_ne!(events[1]["run"]["runId"], events[3]["run"]["runId"]);
}

#[test]
fn lineage_changes_no_result() {
    let (with, without) = (warehouse(), Warehouse::new(CONFIG));
    without.parquet("touchpoints/a.parquet", few_touchpoints());
    with.run(&[]);
    without.run(&[]);
    assert_eq!(with.current().file_name(), without.current().file_name());
    let below: Vec<_> = fs::read_dir(with.path("out"))
        .expect("a folder")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert!(below.contains(&"lineage.ndjson".into()), "{below:?}");
}

#[test]
fn a_run_that_fails_says_so() {
    let warehouse = warehouse();
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    warehouse.fails(&[]);
    let events = events(&warehouse);
    assert_eq!(kinds(&events), ["START", "FAIL"]);
    let message = events[1]["run"]["facets"]["errorMessage"]["message"].as_str().expect("a message");
    assert!(message.contains("b.parquet"), "{message}");
    assert_eq!(events[1]["outputs"], Value::Array(Vec::new()));
}

#[test]
fn a_run_without_lineage_is_as_good() {
    let warehouse = warehouse();
    // A folder where the file should be.
    fs::create_dir_all(warehouse.path("out/lineage.ndjson")).expect("created");
    let ran = warehouse.run(&[]);
    let warnings: Vec<&str> = ran.stderr.lines().filter(|line| line.starts_with("warning")).collect();
    assert_eq!(
        warnings,
        ["warning: lineage events are not written to FOLDER/out/lineage.ndjson: it is no file"]
    );
}

#[test]
fn a_window_without_rows_is_no_failure_where_that_is_allowed() {
    let warehouse = warehouse();
    let ran = warehouse.touchline(&["run", "--date", "2027-01-01", "--on-empty", "skip"]);
    assert_eq!(ran.code, 99, "{}", ran.stderr);
    let events = events(&warehouse);
    assert_eq!(kinds(&events), ["START", "COMPLETE"]);
    assert_eq!(events[1]["outputs"], Value::Array(Vec::new()));
}
