//! What `[contract]` says of the data as a whole: which columns are expected, and what can't be looked for.

use crate::support::{CONFIG, Columns, Warehouse, few_touchpoints, floats, text, times, with};

/// Six touchpoints with two columns that nothing asks for, and one that is known and not asked for.
fn columns() -> Columns {
    let columns = with(few_touchpoints(), "browser", text(&["a", "b", "c", "d", "e", "f"]));
    let columns = with(columns, "page", text(&["a", "b", "c", "d", "e", "f"]));
    with(columns, "sentiment", floats(&[Some(0.5); 6]))
}

/// Two files, of which the second has the column `browser` alone, beside spend with a column too many.
fn warehouse(more: &str) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{more}[inputs.spend]\npath = \"spend.csv\"\n"));
    warehouse.write("spend.csv", "date,channel,cost,owner\n2026-04-01,Email,10,somebody\n");
    warehouse.parquet("touchpoints/a.parquet", columns());
    let second = with(few_touchpoints(), "browser", text(&["a", "b", "c", "d", "e", "f"]));
    warehouse.parquet("touchpoints/b.parquet", with(second, "customer_id", text(&["d-1"; 6])));
    warehouse
}

const COLUMNS: [&str; 5] = ["table", "column", "rows_checked", "rows_failed", "status"];

#[test]
fn columns_that_nothing_uses_are_told_one_by_one() {
    let warehouse = warehouse("");
    let checked = warehouse.touchline(&["check"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(checked.stdout.split("writes to").next().unwrap(), @r#"
    reads:
      inputs.touchpoints: 2 files, 2 row groups, 12 rows, 0.6 kB
      inputs.spend: 1 file, 0.1 kB
    doesn't know, for they are neither mapped nor used:
      inputs.spend: `owner` in FOLDER/spend.csv
      inputs.touchpoints: `browser` in FOLDER/touchpoints/a.parquet and 1 more file
      inputs.touchpoints: `page` in FOLDER/touchpoints/a.parquet
    looks for no duplicates, for no source has `event_id`:
      map it, or set contract.dedupe = "row", or "off" if that is meant
    "#);
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(warehouse.select("data_quality", &[("check", "unknown_column")], &COLUMNS), @r"
    spend | owner | 1 | 1 | warn
    touchpoints | browser | 1 | 1 | warn
    touchpoints | page | 1 | 1 | warn
    ");
}

#[test]
fn columns_that_nothing_uses_can_stop_the_run_or_be_ignored() {
    insta::assert_snapshot!(warehouse("[contract]\nunknown_columns = \"fail\"\n").fails(&[]), @r#"
    exit code 65
    error: 3 columns are neither mapped nor used, and contract.unknown_columns = "fail":
      inputs.spend: `owner` in FOLDER/spend.csv
      inputs.touchpoints: `browser` in FOLDER/touchpoints/a.parquet and 1 more file
      inputs.touchpoints: `page` in FOLDER/touchpoints/a.parquet
    hint: map them with `columns`, leave them out of the export, or set contract.unknown_columns = "warn"
    "#);
    let ignoring = warehouse("[contract]\nunknown_columns = \"ignore\"\n");
    ignoring.run(&["-q"]);
    assert_eq!(ignoring.select("data_quality", &[("check", "unknown_column")], &COLUMNS), "");
    // What is mapped or a dimension is used.
    let config =
        CONFIG.replace("path = \"touchpoints\"", "path = \"touchpoints\"\ncolumns = { site = \"page\" }");
    let config = config.replace("[segments]", "[segments]\ndimensions = [\"browser\"]");
    let using = Warehouse::new(&format!("{config}[contract]\nunknown_columns = \"fail\"\n"));
    using.parquet("touchpoints/a.parquet", columns());
    using.run(&["-q"]);
}

#[test]
fn without_event_ids_nobody_thinks_that_duplicates_were_looked_for() {
    let columns = ["rows_checked", "rows_failed", "status"];
    let told = |warehouse: &Warehouse| {
        warehouse.run(&["-q"]);
        warehouse.select("data_quality", &[("check", "duplicates_not_looked_for")], &columns)
    };
    let without = Warehouse::new(CONFIG);
    without.parquet("touchpoints/a.parquet", few_touchpoints());
    assert_eq!(told(&without), "6 | 6 | warn");
    let checked = without.touchline(&["check"]).stdout;
    assert!(checked.contains("looks for no duplicates, for no source has `event_id`:"), "{checked}");
    let with_ids = Warehouse::new(CONFIG);
    with_ids.parquet(
        "touchpoints/a.parquet",
        with(few_touchpoints(), "event_id", text(&["1", "2", "3", "4", "5", "6"])),
    );
    assert_eq!(told(&with_ids), "6 | 0 | ok");
    assert!(!with_ids.touchline(&["check"]).stdout.contains("duplicates"));
    for chosen in ["row", "off"] {
        let warehouse = Warehouse::new(&format!("{CONFIG}[contract]\ndedupe = \"{chosen}\"\n"));
        warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
        assert_eq!(told(&warehouse), "", "{chosen} needs no ids");
    }
}

/// Files of three days of arrival, in which a row each is late, before its time, and as it should be.
fn by_day(more: &str) -> Warehouse {
    let warehouse = Warehouse::new(
        &CONFIG.replace("path = \"touchpoints\"\n", &format!("path = \"touchpoints\"\n{more}")),
    );
    let rows = |customers: &str, at: [&str; 3]| {
        vec![
            ("customer_id", text(&[customers; 3])),
            ("occurred_at", times(&at)),
            ("event", text(&["click", "click", "purchase"])),
            ("channel", text(&["Email", "Search", "~"])),
            ("value", floats(&[None, None, Some(10.0)])),
        ]
    };
    warehouse.parquet(
        "touchpoints/dt=2026-04-01/a.parquet",
        rows("c-1", ["04-01 00:00", "04-01 12:00", "04-01 23:59"]),
    );
    warehouse.parquet(
        "touchpoints/dt=2026-04-02/a.parquet",
        rows("c-2", ["04-01 23:59", "04-02 12:00", "04-03 00:00"]),
    );
    warehouse.parquet(
        "touchpoints/dt=2026-04-03/a.parquet",
        rows("c-3", ["04-03 01:00", "04-03 02:00", "04-02 22:00"]),
    );
    warehouse
}

const FOUND: [&str; 4] = ["check", "rows_checked", "rows_failed", "status"];

/// What `data_quality` says of late rows and of those before their time.
fn arrivals(warehouse: &Warehouse) -> String {
    warehouse.run(&["-q"]);
    let each =
        ["late_row", "future_row"].map(|check| warehouse.select("data_quality", &[("check", check)], &FOUND));
    each.join("\n")
}

#[test]
fn rows_of_another_day_than_their_folder_are_late_or_before_their_time() {
    assert_eq!(arrivals(&by_day("")), "late_row | 9 | 2 | warn\nfuture_row | 9 | 1 | warn");
    // Two hours east the last row of the third file is of its folder's day, and so is none that is near midnight.
    let east = arrivals(&by_day("timezone = \"Etc/GMT-2\"\n"));
    assert_eq!(east, "late_row | 9 | 0 | ok\nfuture_row | 9 | 2 | warn");
    // Without days nothing was looked at.
    let plain = Warehouse::new(CONFIG);
    plain.parquet("touchpoints/a.parquet", few_touchpoints());
    assert_eq!(arrivals(&plain), "late_row | 0 | 0 | ok\nfuture_row | 0 | 0 | ok");
}

#[test]
fn late_rows_and_those_before_their_time_can_stop_the_run() {
    let limited = |key: &str, limit: &str| {
        let warehouse = by_day("");
        let ran = warehouse.touchline(&["run", "--set", &format!("contract.{key}={limit}")]);
        (ran.code, ran.stderr)
    };
    let (code, told) = limited("max_late_share", "0.2");
    insta::assert_snapshot!(format!("exit code {code}\n{told}"), @r"
    exit code 65
    error: 2 of 9 touchpoints came on a later day than their own (22.22 %), more than contract.max_late_share = 0.2 allows
    hint: mend the export or the rules, or raise contract.max_late_share if this is known and accepted; data_quality of an earlier run has more of it
    ");
    assert_eq!(limited("max_late_share", "0.25").0, 0);
    let (code, told) = limited("max_future_share", "0.1");
    assert!(code == 65 && told.contains("1 of 9 touchpoints came on an earlier day"), "{told}");
}

#[test]
fn a_folder_is_part_of_what_was_read() {
    let warehouse = by_day("");
    let run_id = |warehouse: &Warehouse| {
        let manifest = std::fs::read_to_string(warehouse.path("out/current/manifest.json")).unwrap();
        serde_json::from_str::<serde_json::Value>(&manifest).unwrap()["run_id"].clone()
    };
    warehouse.run(&["-q"]);
    let before = run_id(&warehouse);
    std::fs::rename(warehouse.path("touchpoints/dt=2026-04-03"), warehouse.path("touchpoints/dt=2026-04-04"))
        .unwrap();
    warehouse.run(&["-q"]);
    assert_ne!(run_id(&warehouse), before, "other rows are late, so it is another result");
    assert_eq!(arrivals(&warehouse), "late_row | 9 | 4 | warn\nfuture_row | 9 | 1 | warn");
}

#[test]
fn events_that_no_rule_names_are_told_by_name() {
    let warehouse = Warehouse::new(CONFIG);
    let events = text(&["click", "purchase", "scroll", "purchase", "scroll", "heart_beat"]);
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "event", events));
    let told = |arguments: &[&str]| {
        warehouse.run(&[&["-q", "--force"], arguments].concat());
        let all = warehouse.select("data_quality", &[("column", "event")], &FOUND);
        let unknown: Vec<&str> = all.lines().filter(|line| line.starts_with("unknown_event")).collect();
        unknown.join("\n")
    };
    assert_eq!(told(&[]), "unknown_event | 6 | 0 | ok", "whatever has a channel is a touch");
    let touches = "attribution.touches=[{ event = [\"click\"] }]";
    insta::assert_snapshot!(told(&["--set", touches]), @r"
    unknown_event | 6 | 3 | warn
    unknown_event:heart_beat | 6 | 1 | warn
    unknown_event:scroll | 6 | 2 | warn
    ");
    let stages =
        "stages={ order = [\"seen\"], rules = { seen = [ { event = [\"scroll\"], channel = \"Email\" } ] } }";
    // One row of an event that a rule names is enough.
    let named = told(&["--set", touches, "--set", stages, "--set", "contract.known_events=[\"heart*\"]"]);
    assert_eq!(named, "unknown_event | 6 | 0 | ok");
    let stopped =
        warehouse.touchline(&["run", "--set", touches, "--set", "contract.max_unknown_event_share=0.4"]);
    insta::assert_snapshot!(format!("exit code {}\n{}", stopped.code, stopped.stderr), @r"
    exit code 65
    error: 3 of 6 touchpoints have an event that no rule names (50.00 %), more than contract.max_unknown_event_share = 0.4 allows
    hint: mend the export or the rules, or raise contract.max_unknown_event_share if this is known and accepted; data_quality of an earlier run has more of it
    ");
}

#[test]
fn rules_for_channels_that_fit_hardly_any_row_stop_the_run() {
    let config = format!("{CONFIG}[channels]\nrules = [ {{ channel = \"Mail\", source = [\"mail\"] }} ]\n");
    let warehouse = |sources: [&str; 6]| {
        let warehouse = Warehouse::new(&config);
        let columns = crate::support::without(few_touchpoints(), "channel");
        warehouse.parquet("touchpoints/a.parquet", with(columns, "source", text(&sources)));
        warehouse
    };
    insta::assert_snapshot!(warehouse(["mail", "x", "y", "z", "mail", "x"]).fails(&[]), @r"
    exit code 65
    error: 4 of 6 touchpoints have a source and medium that no rule makes a channel of (66.67 %), more than contract.max_unknown_channel_share = 0.5 allows
    hint: mend the export or the rules, or raise contract.max_unknown_channel_share if this is known and accepted; data_quality of an earlier run has more of it
    ");
    warehouse(["mail", "x", "y", "mail", "mail", "x"]).run(&["-q"]);
}

#[test]
fn a_strict_run_publishes_nothing_if_anything_warns() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "browser", text(&["a"; 6])));
    insta::assert_snapshot!(warehouse.fails(&["--strict"]), @r"
    exit code 65
    error: there are 2 warnings of data_quality, and --strict allows none:
      touchpoints: 6 of 6 duplicates_not_looked_for (column `event_id`)
      touchpoints: 1 of 1 unknown_column (column `browser`)
    hint: mend the export, or say in [contract] what is known and accepted; without --strict the run publishes and tells
    ");
    assert!(!warehouse.path("out/current").exists());
    // What was published without it isn't taken for good either.
    warehouse.run(&["-q"]);
    let again = warehouse.touchline(&["run", "--strict"]);
    assert_eq!(again.code, 65, "{}", again.stderr);
    assert!(again.stderr.contains("there are 2 warnings of data_quality"), "{}", again.stderr);
    let accepted = ["contract.unknown_columns=ignore", "contract.dedupe=row"];
    let set: Vec<&str> = accepted.iter().flat_map(|set| ["--set", *set]).collect();
    warehouse.run(&[&["-q", "--strict"], &set[..]].concat());
}

#[test]
fn conflicting_copies_are_found_in_their_files() {
    let config = format!("{CONFIG}[contract]\nmax_duplicate_share = 1.0\n");
    let rows = |customers: [&str; 3], at: [&str; 3], events: [&str; 3], values: [Option<f64>; 3]| {
        vec![
            ("customer_id", text(&customers)),
            ("occurred_at", times(&at)),
            ("event", text(&["click", "purchase", "purchase"])),
            ("event_id", text(&events)),
            ("channel", text(&["Email", "~", "~"])),
            ("value", floats(&values)),
        ]
    };
    let first = rows(
        ["c-1", "c-1", "c-2"],
        ["04-01 08:00", "04-02 09:00", "04-03 09:00"],
        ["e-1", "e-2", "e-3"],
        [None, Some(30.0), Some(5.0)],
    );
    // An earlier click stays, of two amounts the lower; an equal copy and another customer's id are no conflict.
    let second = rows(
        ["c-1", "c-1", "c-2"],
        ["04-01 07:00", "04-02 09:00", "04-03 09:00"],
        ["e-1", "e-2", "e-3"],
        [None, Some(31.0), Some(5.0)],
    );
    let others = rows(
        ["c-3", "c-3", "c-3"],
        ["04-01 07:00", "04-02 09:00", "04-02 10:00"],
        ["e-1", "e-2", "e-4"],
        [None, Some(7.0), Some(8.0)],
    );
    let warehouse = Warehouse::new(&config);
    warehouse.parquet("touchpoints/a.parquet", first);
    warehouse.parquet("touchpoints/b.parquet", second);
    warehouse.parquet_in_groups("touchpoints/c.parquet", others, 1);
    warehouse.run(&["-q"]);
    let counted = warehouse.select("data_quality", &[("check", "conflicting_duplicate")], &["rows_failed"]);
    assert_eq!(counted, "2");
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @r"
    FOLDER/touchpoints/a.parquet | 1 | event_id | conflicting_duplicate | hash
    FOLDER/touchpoints/b.parquet | 2 | event_id | conflicting_duplicate | hash
    ");
}
