//! What the file says after runs that begin and end in every way.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::config::{Overrides, parse};

const CONFIG: &str = r#"
[job]
name = "spring"
[window]
from = "2026-04-01"
to = "2026-05-01"
[inputs.touchpoints]
path = ["exports/**/*.parquet", "exports/*.parquet", "stores.parquet"]
[inputs.spend]
path = "exports/spend.csv"
[lineage]
path = "lineage/events.ndjson"
namespace = "marketing"
parent = "https://airflow.example/daily.touchline/01941f29-7c00-7e22-8a3a-1f8f4c1a2b3c"
"#;

fn plan(folder: &Path) -> Plan {
    parse(CONFIG, &folder.join("touchline.toml"), &Overrides::default(), &|_| None).expect("a plan")
}

/// A run that ends so; returns what went wrong with its events.
fn tell(plan: &Plan, end: &End<'_>) -> Vec<LineageError> {
    Recorder::begin(plan, Secrets::default()).end(end)
}

fn events(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("lineage/events.ndjson")).expect("events");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn every_end_has_its_event() {
    let folder = tempfile::tempdir().expect("a folder");
    let plan = plan(folder.path());
    for end in [End::Skip, End::Abort("terminated".to_owned()), End::Fail("no disk".to_owned())] {
        assert!(tell(&plan, &end).is_empty());
    }
    drop(Recorder::begin(&plan, Secrets::default()));
    let events = events(folder.path());
    let kinds: Vec<&str> = events.iter().filter_map(|event| event["eventType"].as_str()).collect();
    assert_eq!(kinds, ["START", "COMPLETE", "START", "ABORT", "START", "FAIL", "START", "FAIL"]);
    for pair in events.chunks(2) {
        assert_eq!(pair[0]["run"]["runId"], pair[1]["run"]["runId"]);
        assert_eq!(pair[0]["job"], pair[1]["job"]);
    }
    let runs: std::collections::BTreeSet<&str> =
        events.iter().filter_map(|event| event["run"]["runId"].as_str()).collect();
    assert_eq!(runs.len(), 4);
    assert!(runs.iter().all(|run| Uuid::try_parse(run).is_ok_and(|run| run.get_version_num() == 7)));
    assert_eq!(events[5]["run"]["facets"]["errorMessage"]["message"], "no disk");
    let start = &events[0];
    let time = &start["run"]["facets"]["nominalTime"];
    assert_eq!(time["nominalStartTime"], "2026-04-01T00:00:00Z");
    assert_eq!(time["nominalEndTime"], "2026-05-01T00:00:00Z");
    let parent = &start["run"]["facets"]["parent"];
    assert_eq!(parent["job"]["namespace"], "https://airflow.example");
    assert_eq!(parent["job"]["name"], "daily.touchline");
    assert_eq!(parent["run"]["runId"], "01941f29-7c00-7e22-8a3a-1f8f4c1a2b3c");
    let names: Vec<String> = start["inputs"]
        .as_array()
        .expect("inputs")
        .iter()
        .map(|input| {
            input["name"].as_str().expect("a name").replace(&folder.path().display().to_string(), ".")
        })
        .collect();
    assert_eq!(names, ["./exports", "./stores.parquet", "./exports/spend.csv"]);
}

#[test]
fn a_line_that_was_cut_off_takes_no_other_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lineage/events.ndjson");
    fs::create_dir(path.parent().expect("a folder")).expect("created");
    fs::write(&path, "{\"eventType\":\"STA").expect("written");
    assert!(tell(&plan(folder.path()), &End::Skip).is_empty());
    let text = fs::read_to_string(&path).expect("events");
    let whole: Vec<bool> = text.lines().map(|line| serde_json::from_str::<Value>(line).is_ok()).collect();
    assert_eq!(whole, [false, true, true]);
}

#[test]
fn what_can_not_be_written_is_told_and_no_more() {
    let folder = tempfile::tempdir().expect("a folder");
    fs::write(folder.path().join("lineage"), "a file").expect("written");
    let trouble = tell(&plan(folder.path()), &End::Skip);
    assert!(matches!(trouble[..], [LineageError::Io { .. }]), "{trouble:?}");
    fs::remove_file(folder.path().join("lineage")).expect("removed");
    fs::create_dir_all(folder.path().join("lineage/events.ndjson")).expect("created");
    let trouble = tell(&plan(folder.path()), &End::Skip);
    assert!(matches!(trouble[..], [LineageError::NotAFile { .. }]), "{trouble:?}");
}

#[test]
fn without_a_path_nothing_is_written() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut plan = plan(folder.path());
    plan.lineage = None;
    assert!(tell(&plan, &End::Fail("no disk".to_owned())).is_empty());
    assert_eq!(fs::read_dir(folder.path()).expect("a folder").count(), 0);
}
