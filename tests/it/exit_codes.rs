//! Every exit code of the command, and what is told with it.

use std::fs;

use serde_json::Value;

use crate::support::{CONFIG, Ran, Warehouse, batch, few_touchpoints, text, with};

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

/// How a warehouse is spoilt before the run.
type Spoil = fn(&Warehouse);

/// What is wrong, how it comes about, the arguments of the run, its exit code and a part of the message.
const FAILURES: [(&str, Spoil, &[&str], i32, &str); 16] = [
    ("an unknown option", |_| {}, &["--nonsense"], 64, "unexpected argument"),
    ("an unknown table", |_| {}, &["--only", "channel_rio"], 64, "did you mean `channel_roi`?"),
    ("temporary files among results", |_| {}, &["--temp-dir", "out/tmp"], 64, "inside the output"),
    ("no Parquet", |it| it.write("touchpoints/b.parquet", "none"), &[], 65, "Parquet begins with PAR1"),
    (
        "a column of another type",
        |it| {
            it.parquet(
                "touchpoints/b.parquet",
                with(few_touchpoints(), "value", crate::support::text(&["x"; 6])),
            )
        },
        &[],
        65,
        "column `value`",
    ),
    (
        "a column that isn't there",
        |it| it.parquet("touchpoints/a.parquet", few_touchpoints().split_off(1)),
        &[],
        65,
        "customer_id",
    ),
    ("no files", |it| fs::remove_dir_all(it.path("touchpoints")).unwrap(), &[], 66, "no file matches"),
    ("no rows", |_| {}, &["--date", "2030-01-01"], 66, "no touchpoint"),
    ("an output that is a file", |it| it.write("out", "a file"), &[], 78, "is a file; it has to be"),
    (
        "an output among the inputs",
        |_| {},
        &["--out", "touchpoints"],
        78,
        "is where inputs.touchpoints is read",
    ),
    ("a spill folder that is gone", |_| {}, &["--temp-dir", "nowhere"], 64, "no temporary file"),
    (
        "a summary that can't be written",
        |_| {},
        &["--summary-file", "nowhere/s.json"],
        74,
        "cannot write the summary",
    ),
    ("another run", hold, &[], 75, "another run holds"),
    ("no configuration", |it| fs::remove_file(it.path("touchline.toml")).unwrap(), &[], 78, "--config FILE"),
    ("an unknown key", |it| it.write("touchline.toml", format!("{CONFIG}[jib]\n")), &[], 78, "unknown"),
    ("a variable that isn't set", |_| {}, &["--set", "job.name=\"${NOWHERE}\""], 78, "NOWHERE"),
];

/// Holds the output until the process of the tests ends.
fn hold(warehouse: &Warehouse) {
    fs::create_dir_all(warehouse.path("out")).unwrap();
    let lock = fs::File::create(warehouse.path("out/.lock")).unwrap();
    lock.lock().unwrap();
    std::mem::forget(lock);
}

#[test]
fn every_failure_has_its_code_in_text_and_json_and_leaves_no_result() {
    for (name, spoil, arguments, code, part) in FAILURES {
        let warehouse = warehouse();
        spoil(&warehouse);
        let text = warehouse.touchline(&[&["run", "-q"], arguments].concat());
        assert_eq!((text.code, text.stdout.as_str()), (code, ""), "{name}: {}", text.stderr);
        assert!(text.stderr.contains(part) && text.stderr.starts_with("error: "), "{name}: {}", text.stderr);

        let json = warehouse.touchline(&[&["run", "-q", "--log-format", "json"], arguments].concat());
        assert_eq!((json.code, json.stdout.as_str()), (code, ""), "{name}: {}", json.stderr);
        let lines = lines(&json);
        let failed = lines.last().unwrap();
        assert_eq!(failed["exit_code"], code, "{name}");
        assert_eq!((&failed["level"], &failed["event"]), (&"error".into(), &"failed".into()), "{name}");
        assert!(!failed["message"].as_str().unwrap().is_empty(), "{name}");
        assert!(!warehouse.path("out/current").exists(), "{name}");
    }
}

/// Every line of a log in JSON.
fn lines(ran: &Ran) -> Vec<Value> {
    ran.stderr.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("{line}"))).collect()
}

#[test]
fn a_log_for_programs() {
    let warehouse = warehouse();
    let ran = warehouse.run(&["-v", "--log-format", "json"]);
    let lines = lines(&ran);
    let events: Vec<&str> = lines.iter().map(|line| line["event"].as_str().unwrap()).collect();
    assert_eq!(events[0], "started");
    assert!(
        events.contains(&"step") && events.contains(&"published") && events.contains(&"finding"),
        "{events:?}"
    );
    for line in &lines {
        assert!(line["ts"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok(), "{line}");
    }
    let published = lines.iter().find(|line| line["event"] == "published").unwrap();
    assert_eq!((&published["level"], &published["tables"]), (&"info".into(), &18.into()));
    assert!(published["run_id"].as_str().unwrap().starts_with("r-"));
    // Of people's steps only who asks hears.
    let text = warehouse.run(&["-v", "--force"]).stderr;
    assert!(text.contains("  following journeys (256): "), "{text}");
}

#[test]
fn a_broken_configuration_says_where_in_json_too() {
    let warehouse = Warehouse::new(&format!("{CONFIG}[jib]\n"));
    let ran = warehouse.touchline(&["run", "--log-format", "json"]);
    let line = lines(&ran).pop().unwrap();
    let error = &line["errors"][0];
    assert_eq!((&error["file"], error["line"].as_u64()), (&"touchline.toml".into(), Some(13)), "{line}");
}

#[test]
fn one_line_for_a_scheduler() {
    let warehouse = warehouse();
    warehouse.write("summary.json", r#"{"summary_version":1,"status":"published"}"#);
    let ran = warehouse.run(&["-q", "--output", "json", "--summary-file", "summary.json"]);
    assert_eq!(ran.stderr, "");
    assert_eq!(ran.stdout.lines().count(), 1, "{}", ran.stdout);
    let written = fs::read_to_string(warehouse.path("summary.json")).unwrap();
    assert_eq!(warehouse.normalise(&written), ran.stdout);
    let summary: Value = serde_json::from_str(&written).unwrap();
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"published".into(), &0.into()));
    assert_eq!(summary["directory"], warehouse.current().display().to_string());
    assert_eq!(summary["rows"].as_object().unwrap().len(), 18);
    assert_eq!(summary["current"], true);
    assert!(summary["window"]["from"].as_str().unwrap().starts_with("2026-04-01T"), "{summary}");
    let again = warehouse.run(&["-q", "--output", "json"]);
    let again: Value = serde_json::from_str(&again.stdout).unwrap();
    assert_eq!((&again["status"], &again["run_id"]), (&"unchanged".into(), &summary["run_id"]));
}

#[test]
fn a_summary_replaces_nothing_but_a_summary() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let manifest = warehouse.current().join("manifest.json");
    let files = [
        "touchpoints/a.parquet".to_owned(),
        "touchline.toml".to_owned(),
        manifest.display().to_string(),
        "out/current/manifest.json".to_owned(),
    ];
    for file in &files {
        let before = fs::read(warehouse.path(file)).unwrap();
        let ran = warehouse.touchline(&["run", "-q", "--force", "--summary-file", file]);
        assert_eq!(ran.code, 64, "{file}: {}", ran.stderr);
        assert!(ran.stderr.contains("is there and is no summary of a run"), "{}", ran.stderr);
        assert_eq!(fs::read(warehouse.path(file)).unwrap(), before, "{file}");
    }
    let published = warehouse.published();
    let ran =
        warehouse.touchline(&["run", "-q", "--force", "--summary-file", "out/current/csv/summary.json"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(ran.stderr.contains("lies in the output folder"), "{}", ran.stderr);
    assert_eq!(warehouse.published(), published);
    // A link is followed, and stays one.
    std::os::unix::fs::symlink("elsewhere.json", warehouse.path("link.json")).unwrap();
    warehouse.write("elsewhere.json", "");
    warehouse.run(&["-q", "--summary-file", "link.json"]);
    assert!(fs::symlink_metadata(warehouse.path("link.json")).unwrap().is_symlink());
    assert!(
        fs::read_to_string(warehouse.path("elsewhere.json")).unwrap().starts_with("{\"summary_version\":")
    );
}

#[test]
fn an_output_that_is_no_utf_8_is_published_to() {
    use std::os::unix::ffi::OsStrExt;
    let warehouse = warehouse();
    let mut command = warehouse.command(&["run", "-q", "--output", "json", "--out"]);
    command.arg(std::ffi::OsStr::from_bytes(b"out-\xff"));
    let ran = warehouse.finish(command);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert!(summary["directory"].as_str().unwrap().contains("out-\u{fffd}"), "{summary}");
}

#[test]
fn names_from_data_do_not_control_the_terminal() {
    let warehouse = Warehouse::new(CONFIG);
    let channel = "Email\nerror: exit 70\u{1b}[2J\u{7}";
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "channel", text(&[channel; 6])));
    let ran = warehouse.run(&[]);
    assert!(ran.stderr.contains("Email\\nerror: exit 70\\u{1b}[2J\\u{7}"), "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}') && !ran.stderr.contains("\nerror:"), "{}", ran.stderr);
}

#[test]
fn a_file_that_was_exported_twice_is_told() {
    let warehouse = warehouse();
    warehouse.parquet("touchpoints/a copy.parquet", few_touchpoints());
    let ran = warehouse.run(&[]);
    let told = "  ! inputs.touchpoints: FOLDER/touchpoints/a.parquet has the same 6 rows as FOLDER/touchpoints/a copy.parquet\n";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
}

#[test]
fn the_file_says_why_a_run_failed() {
    let warehouse = warehouse();
    warehouse.write("summary.json", r#"{"summary_version":1,"status":"published"}"#);
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    let ran = warehouse.touchline(&["run", "--output", "json", "--summary-file", "summary.json"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (65, ""));
    let summary: Value = serde_json::from_slice(&fs::read(warehouse.path("summary.json")).unwrap()).unwrap();
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"failed".into(), &65.into()));
    assert!(summary["message"].as_str().unwrap().contains("touchpoints/b.parquet"), "{summary}");
    assert!(summary["run_id"].is_null() && summary["directory"].is_null(), "{summary}");
}

#[test]
fn an_empty_window_may_be_skipped() {
    let warehouse = warehouse();
    let empty = ["run", "--date", "2030-01-01"];
    assert_eq!(warehouse.touchline(&empty).code, 66);
    let ran = warehouse.touchline(&[&empty[..], &["--on-empty", "skip", "--output", "json"]].concat());
    assert_eq!(ran.code, 99, "{}", ran.stderr);
    assert!(ran.stderr.starts_with("skipped: no touchpoint"), "{}", ran.stderr);
    let summary: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!((&summary["status"], &summary["exit_code"]), (&"empty".into(), &99.into()));
    let quiet = warehouse.touchline(&[&empty[..], &["--on-empty", "skip", "-q"]].concat());
    assert_eq!((quiet.code, quiet.stdout.as_str(), quiet.stderr.as_str()), (99, "", ""));
    // A file without rows is one as well; a folder without files is an export that failed.
    warehouse.parquet("touchpoints/a.parquet", {
        let none = batch(few_touchpoints()).slice(0, 0);
        let names = ["customer_id", "occurred_at", "event", "channel", "value"];
        names.into_iter().zip(none.columns().iter().cloned()).collect()
    });
    assert_eq!(warehouse.touchline(&["run", "--on-empty", "skip"]).code, 99);
    fs::remove_file(warehouse.path("touchpoints/a.parquet")).unwrap();
    assert_eq!(warehouse.touchline(&["run", "--on-empty", "skip"]).code, 66);
}

#[test]
fn some_tables_only() {
    let warehouse = warehouse();
    warehouse.run(&["-q", "--only", "stage_funnel,channel_roi"]);
    let tables = |warehouse: &Warehouse| -> Vec<String> {
        let entries = fs::read_dir(warehouse.path("out/current/tables")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    };
    assert_eq!(tables(&warehouse), ["channel_roi.parquet", "reconciliation.parquet", "stage_funnel.parquet"]);
    let funnel = fs::read(warehouse.current().join("csv/stage_funnel.csv")).unwrap();
    warehouse.run(&["-q"]);
    assert_eq!(tables(&warehouse).len(), 18, "all is another run");
    assert_eq!(fs::read(warehouse.current().join("csv/stage_funnel.csv")).unwrap(), funnel);
    // No reader loses a table because somebody wanted to see one of them.
    let all = warehouse.current();
    let ran = warehouse.run(&["--only", "stage_funnel"]);
    assert_eq!(warehouse.current(), all, "{}", ran.stderr);
    assert!(ran.stderr.contains("(it has some tables only: `current` stays)"), "{}", ran.stderr);
    warehouse.run(&["-q", "--only", "channel_roi,stage_funnel", "--make-current"]);
    assert_eq!(tables(&warehouse).len(), 3, "because it was asked for");
}

#[test]
fn secrets_of_the_environment_do_not_show() {
    let warehouse = Warehouse::new(&CONFIG.replace("\"spring\"", "\"${API_TOKEN} for ${SEASON}\""));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    let run = |arguments: &[&str]| {
        let mut command = warehouse.command(&[&["run"], arguments].concat());
        command.envs([("API_TOKEN", "hush-hush"), ("SEASON", "autumn")]);
        let ran = warehouse.finish(command);
        assert!(!format!("{}{}", ran.stdout, ran.stderr).contains("hush"), "{ran:?}");
        ran
    };
    let ran = run(&["-v", "--output", "json", "--summary-file", "summary.json"]);
    assert!(ran.stderr.contains("${API_TOKEN} for autumn"), "{}", ran.stderr);
    run(&["-v", "--log-format", "json", "--force"]);
    run(&["--set", "inputs.touchpoints.path=\"${API_TOKEN}\"", "--out", "elsewhere"]);
    for file in ["summary.json", "out/current/manifest.json", "out/current/datapackage.json"] {
        let text = fs::read_to_string(warehouse.path(file)).unwrap();
        assert!(!text.contains("hush"), "{file}: {text}");
    }
}

#[test]
fn addresses_with_logins_and_webhooks_do_not_show() {
    let variables = [
        ("SLACK_WEBHOOK", "https://chat.example/hush/hush"),
        ("ALERTS", "https://hooks.chat.example/services/hush"),
        ("DATABASE_URL", "postgres://me:hush-hush@db/x"),
        ("STORE", "https://box.example/a?sv=1&sig=hush-hush"),
    ];
    for (variable, value) in variables {
        let warehouse = Warehouse::new(&CONFIG.replace("\"spring\"", &format!("\"${{{variable}}}\"")));
        warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
        for arguments in [
            &["-v"][..],
            &["--force", "--log-format", "json"],
            &["--set", "inputs.touchpoints.path=\"${VAR}\""],
        ] {
            let mut command = warehouse.command(&[&["run", "--output", "json"], arguments].concat());
            command.env(variable, value).env("VAR", value);
            let ran = warehouse.finish(command);
            let said = format!("{}{}", ran.stdout, ran.stderr);
            assert!(!said.contains("hush"), "{variable}: {said}");
        }
        let manifest = fs::read_to_string(warehouse.path("out/current/manifest.json")).unwrap();
        assert!(!manifest.contains("hush") && manifest.contains(variable), "{manifest}");
    }
    // Written into the file, where it doesn't belong, and into an option.
    let warehouse = Warehouse::new(&CONFIG.replace("\"spring\"", "\"of https://me:hush-hush@db/x\""));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    let ran = warehouse.run(&["--output", "json"]);
    assert!(ran.stderr.starts_with("of https://…@db/x: "), "{}", ran.stderr);
    let manifest = fs::read_to_string(warehouse.path("out/current/manifest.json")).unwrap();
    assert!(!format!("{}{}{manifest}", ran.stdout, ran.stderr).contains("hush"), "{manifest}");
    let ran = warehouse.touchline(&["run", "--out", "s3://me:hush-hush@bucket/a"]);
    assert!(ran.code == 64 && !ran.stderr.contains("hush"), "{}", ran.stderr);
}
