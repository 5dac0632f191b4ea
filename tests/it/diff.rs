//! `touchline diff`: what changed between two runs, and why.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{CONFIG, Ran, Warehouse, few_touchpoints, floats, text, times, with};

/// A warehouse with one published run.
fn published() -> (Warehouse, String) {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.run(&["-q"]);
    let run = name_of_current(&warehouse);
    (warehouse, run)
}

fn name_of_current(warehouse: &Warehouse) -> String {
    warehouse.current().file_name().unwrap().to_string_lossy().into_owned()
}

fn diff(warehouse: &Warehouse, arguments: &[&str]) -> Ran {
    warehouse.touchline(&[&["diff"], arguments].concat())
}

fn json(warehouse: &Warehouse, arguments: &[&str]) -> Value {
    let ran = diff(warehouse, &[arguments, &["--format", "json"]].concat());
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{}", ran.stdout);
    serde_json::from_str(&ran.stdout).unwrap()
}

/// The text without what differs from run to run.
fn shown(text: &str) -> String {
    let mut lines = Vec::new();
    for line in text.lines() {
        let is_head = line.starts_with("before ") || line.starts_with("after ");
        let words: Vec<&str> = line.split(' ').collect();
        let words = words.iter().map(|word| {
            let is_run = word.starts_with("r-") && word.len() > 24;
            let is_build = word.contains("0.1.0+");
            let is_time = is_head && word.ends_with('Z');
            if is_run {
                "RUN"
            } else if is_build {
                "BUILD,"
            } else if is_time {
                "TIME"
            } else {
                word
            }
        });
        lines.push(words.collect::<Vec<_>>().join(" "));
    }
    lines.join("\n")
}

fn table<'a>(found: &'a Value, name: &str) -> &'a Value {
    found["tables"].as_array().unwrap().iter().find(|table| table["table"] == name).unwrap()
}

#[test]
fn a_changed_key_and_a_late_file() {
    let (warehouse, before) = published();
    // One more touch on a day that was covered, and one on a new day.
    warehouse.parquet(
        "touchpoints/b.parquet",
        vec![
            ("customer_id", text(&["c-3", "c-4", "c-5", "c-6"])),
            ("occurred_at", times(&["04-02 13:00", "04-02 13:00", "04-02 14:00", "04-04 10:00"])),
            ("event", text(&["click", "click", "click", "click"])),
            ("channel", text(&["Email", "Email", "Email", "Search"])),
            ("value", floats(&[None, None, None, None])),
        ],
    );
    warehouse.run(&["-q", "--set", "window.lookback=14d"]);
    let ran = diff(&warehouse, &[&before, "current", "--top", "2"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(shown(&ran.stdout), @r#"
    before  RUN  window 2026-04-01_2026-04-04, version BUILD, finished TIME
    after   RUN  window 2026-04-01_2026-04-05, version BUILD, finished TIME

    why
      window     2026-04-01_2026-04-04 -> 2026-04-01_2026-04-05
      config     window.lookback: not set -> "14d"
      files      inputs.touchpoints: 1 file added, rows 6 -> 10
                   added: FOLDER/touchpoints/b.parquet (4 rows)
      same days  +3 touches on the 3 days that both runs cover: 2026-04-02 +3
      rows       customers: 3 -> 6
      rows       touchpoints_in_scope: 6 -> 10
      rows       touchpoints_in_window: 6 -> 10
      rows       touchpoints_kept: 6 -> 10

    what
      channel_daily: 4 -> 5 rows, 1 added, 0 removed, 1 changed
        touches 1 -> 4 (+300.0 %)  [channel=Email date=2026-04-02]
        customers 1 -> 3 (+200.0 %)  [channel=Email date=2026-04-02]
      journey_paths: 3 rows, 1 added, 1 removed, 2 changed
        journeys 1 -> 3 (+200.0 %)  [path=Email]
        conversion_rate 1 -> 0.333333 (-66.7 %)  [path=Email]
      reconciliation: 3 rows, 0 added, 0 removed, 1 changed
        booked 6 -> 10 (+66.7 %)  [item=touchpoints ledger=rows]
        credited 6 -> 10 (+66.7 %)  [item=touchpoints ledger=rows]
      data_quality: 19 rows, 0 added, 0 removed, 12 changed
        rows_failed 6 -> 10 (+66.7 %)  [check=duplicates_not_looked_for column=event_id table=touchpoints]
        rows_checked 6 -> 10 (+66.7 %)  [check=duplicates_not_looked_for column=event_id table=touchpoints]
      unchanged: stage_attribution, attribution_effects, stage_funnel, stage_transitions, channel_roi, segment_conversion, segment_funnel, experiment_results, experiment_health, budget_shift, pain_points, segment_gaps, stage_heatmap, winning_variants
    "#);

    let found = json(&warehouse, &[&before, "current"]);
    assert_eq!(found["causes"]["config"][0]["key"], "window.lookback");
    assert_eq!(found["causes"]["config"][0]["before"], Value::Null);
    assert_eq!(found["causes"]["config"][0]["after"], "\"14d\"");
    assert_eq!(found["causes"]["inputs"][0]["rows"]["after"], 10);
    assert_eq!(found["same_tables"], false);
}

#[test]
fn rows_of_covered_days_that_came_later_are_late() {
    let (warehouse, before) = published();
    warehouse.parquet(
        "touchpoints/b.parquet",
        with(few_touchpoints(), "customer_id", text(&["c-7", "c-8", "c-9", "c-10", "c-11", "c-12"])),
    );
    warehouse.run(&["-q"]);
    let found = json(&warehouse, &[&before, "current"]);
    let covered = &found["causes"]["covered_days"];
    assert_eq!(
        (&covered["same_rules"], &covered["days"]),
        (&Value::from(true), &Value::from(3)),
        "{covered}"
    );
    let days = covered["by_day"].as_object().unwrap();
    assert!(!days.is_empty(), "{covered}");
    let more: i64 = days.values().map(|count| count.as_i64().unwrap()).sum();
    let (before, after) = (&covered["touches_before"], &covered["touches_after"]);
    assert_eq!(more, after.as_i64().unwrap() - before.as_i64().unwrap());
    assert_eq!(found["causes"]["config"], Value::from(Vec::<Value>::new()));
    let counts = &found["causes"]["counts"]["touchpoints_kept"];
    assert_eq!((&counts["before"], &counts["after"]), (&Value::from(6), &Value::from(12)));
}

#[test]
fn the_same_run_is_the_same() {
    let (warehouse, before) = published();
    let ran = diff(&warehouse, &[&before, "current", "--exit-code"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    assert!(ran.stdout.contains("the same result"), "{}", ran.stdout);
    // Computed again: another attempt with the same bytes.
    warehouse.run(&["-q", "--force"]);
    let found = json(&warehouse, &[&before, "current"]);
    assert_eq!(found["same_tables"], true);
}

#[test]
fn runs_have_many_names() {
    let (warehouse, before) = published();
    let id = before.strip_suffix("-1").unwrap();
    let folder = format!("out/runs/{before}");
    let link = warehouse.path("out/current").display().to_string();
    for name in [&*before, id, &id[..12], "current", "2026-04-01_2026-04-04", &folder, &link, "out/current/"]
    {
        let ran = diff(&warehouse, &[name, "current"]);
        assert_eq!(ran.code, 0, "{name}: {}", ran.stderr);
    }
    // An id means its last attempt.
    warehouse.run(&["-q", "--force"]);
    let found = json(&warehouse, &[id, &before]);
    assert_eq!(found["before"]["run"], format!("{id}-2"));
    // Elsewhere.
    warehouse.run(&["-q", "--out", "elsewhere"]);
    assert_eq!(diff(&warehouse, &["current", "current", "--out", "elsewhere"]).code, 0);
}

#[test]
fn the_exit_code_says_whether_tables_differ_where_it_is_asked() {
    let (warehouse, before) = published();
    warehouse.run(&["-q", "--set", "attribution.models=[\"first_touch\"]"]);
    assert_eq!(diff(&warehouse, &[&before, "current"]).code, 0);
    let ran = diff(&warehouse, &[&before, "current", "--exit-code"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (1, ""));
    let found = json(&warehouse, &[&before, "current"]);
    let attribution = table(&found, "stage_attribution");
    assert!(attribution["added"].as_u64().unwrap() > 0 && attribution["removed"].as_u64().unwrap() > 0);
}

#[test]
fn what_is_no_run_is_said() {
    let (warehouse, _) = published();
    let ran = diff(&warehouse, &["current", "yesterday"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (66, ""));
    insta::assert_snapshot!(ran.stderr, @r"
    error: there is no run `yesterday`: neither `current`, a window or a run in out, nor a folder with a manifest.json
    hint: name `current`, a window such as `2026-04-01_2026-07-01`, an id, or the folder of a run; `--out` is where they are looked up
    ");
    for name in ["", "..", "out", "out/runs", "/nowhere"] {
        assert_eq!(diff(&warehouse, &[name, "current"]).code, 66, "{name:?}");
    }
    let torn: PathBuf = warehouse.current().join("manifest.json");
    std::fs::write(&torn, "{").unwrap();
    let ran = diff(&warehouse, &["current", "current"]);
    assert_eq!(ran.code, 74, "{}", ran.stderr);
}

#[test]
fn secrets_and_ids_are_in_no_manifest() {
    let warehouse = Warehouse::new(&format!("{CONFIG}[queries]\npath = \"q\"\n"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.write("q/one.sql", "select stage, entered from stage_funnel order by stage");
    let run = |secret: &str| {
        let set = "inputs.touchpoints.exclude=[{ customer_id = [\"canary-id\"], event = [\"${CANARY}\"] }]";
        let mut command = warehouse.command(&["run", "-q", "--set", set]);
        command.env("CANARY", secret);
        let ran = warehouse.finish(command);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let manifest = std::fs::read_to_string(warehouse.current().join("manifest.json")).unwrap();
        assert!(!manifest.contains("canary"), "{manifest}");
        assert!(manifest.contains("${CANARY}") && manifest.contains("one.sql"), "{manifest}");
        name_of_current(&warehouse)
    };
    let (before, after) = (run("canary-one"), run("canary-two"));
    let found = json(&warehouse, &[&before, &after]);
    assert_eq!(found["causes"]["config_unrecorded"], true);
    warehouse.write("q/one.sql", "select stage, entered + 0 as entered from stage_funnel order by stage");
    let changed = run("canary-two");
    let found = json(&warehouse, &[&after, &changed]);
    assert_eq!(found["causes"]["queries"][0]["file"], "one.sql");
}

#[test]
fn tables_that_are_csv_only_are_not_compared_by_row() {
    let (warehouse, before) = published();
    warehouse.run(&["-q", "--set", "output.formats=[\"csv\"]", "--set", "attribution.half_life=1d"]);
    let found = json(&warehouse, &[&before, "current"]);
    assert_eq!(table(&found, "data_quality")["status"], "same", "the CSV files are the same");
    let ran = warehouse.run(&[
        "-q",
        "--set",
        "output.formats=[\"csv\"]",
        "--set",
        "attribution.models=[\"markov\"]",
    ]);
    assert_eq!(ran.code, 0);
    let found = json(&warehouse, &[&before, "current"]);
    assert_eq!(table(&found, "stage_attribution")["status"], "not_compared");
}

#[test]
fn runs_in_object_stores_are_not_compared() {
    let (warehouse, run) = published();
    let places: [(&[&str], &str); 2] = [
        (&["s3://bucket/out/runs/r-1", "current"], "s3://bucket/out/runs/r-1"),
        (&["current", &run, "--out", "az://box/out"], "az://box/out"),
    ];
    for (arguments, place) in places {
        let ran = diff(&warehouse, arguments);
        assert_eq!(ran.code, 64, "{}", ran.stderr);
        assert!(ran.stderr.contains(place) && ran.stderr.contains("hint: copy both runs"), "{}", ran.stderr);
    }
}

#[test]
fn tables_that_were_not_asked_for_are_no_difference() {
    let (warehouse, whole) = published();
    let ran = warehouse.run(&["--only", "stage_funnel,channel_roi", "--output", "json"]);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    let some = summary["run_id"].as_str().unwrap();
    let ran = diff(&warehouse, &[&whole, some, "--exit-code"]);
    assert_eq!(ran.code, 0, "{}", ran.stdout);
    let (_, why) = ran.stdout.split_once("\nwhy\n").unwrap();
    insta::assert_snapshot!(why, @r"
      tables     asked for: all -> channel_roi, reconciliation, stage_funnel

    what
      unchanged: stage_funnel, channel_roi, reconciliation
      not asked for after: stage_attribution, attribution_effects, stage_transitions, channel_daily, journey_paths, segment_conversion, segment_funnel, experiment_results, experiment_health, data_quality, budget_shift, pain_points, segment_gaps, stage_heatmap, winning_variants
    ");
    let found = json(&warehouse, &[some, &whole]);
    assert_eq!(found["causes"]["only"]["after"], Value::from(Vec::<Value>::new()));
    assert_eq!(found["causes"]["only"]["before"][0], "channel_roi");
    assert_eq!(table(&found, "data_quality")["status"], "not_asked");
    assert_eq!(found["same_tables"], true);
    // Of those that both have, one differs.
    let fewer =
        ["--only", "stage_attribution", "--set", "attribution.models=[\"first_touch\"]", "--output", "json"];
    let summary: Value = serde_json::from_str(&warehouse.run(&fewer).stdout).unwrap();
    let other = summary["run_id"].as_str().unwrap();
    assert_eq!(diff(&warehouse, &[&whole, other, "--exit-code"]).code, 1);
}
