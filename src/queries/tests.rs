use std::fs;

use polars::prelude::*;

use super::load::query;
use super::*;
use crate::tables::sample::{self, WINDOW};
use crate::tables::{ColumnType, TableDocs};

/// Error and hint of a query that is refused or fails.
fn refused(sql: &str) -> String {
    refused_with(sql, None)
}

fn refused_with(sql: &str, docs: Option<&str>) -> String {
    let error = query("mine", "queries/mine.sql", sql.to_owned(), docs.map(str::to_owned))
        .and_then(|query| run(&[query], &sample::tables(), WINDOW))
        .unwrap_err();
    assert_eq!(error.exit_code(), 78);
    match &error.hint {
        Some(hint) => format!("{error}\nhint: {hint}"),
        None => error.to_string(),
    }
}

fn table_of(sql: &str) -> (TableDocs, DataFrame) {
    let query = query("mine", "queries/mine.sql", sql.to_owned(), None).unwrap();
    run(&[query], &sample::tables(), WINDOW).unwrap().remove(0)
}

fn texts(frame: &DataFrame, column: &str) -> Vec<String> {
    let column = frame.column(column).unwrap().str().unwrap();
    column.iter().map(|text| text.unwrap_or("null").to_owned()).collect()
}

fn shipped_table(name: &str) -> (TableDocs, DataFrame) {
    let results = run(&shipped().unwrap(), &sample::tables(), WINDOW).unwrap();
    results.into_iter().find(|(docs, _)| docs.name == name).unwrap()
}

#[test]
fn shipped_queries_are_documented_to_the_last_column() {
    for docs in dry_run(&shipped().unwrap()).unwrap() {
        assert!(docs.grain.starts_with("One row per ") && !docs.description.is_empty(), "{}", docs.name);
        assert!(!docs.keys.is_empty(), "{}", docs.name);
        for column in &docs.columns {
            let place = format!("{}.{}", docs.name, column.name);
            assert!(!column.description.is_empty(), "{place}");
            assert_eq!(
                column.unit == "none",
                matches!(column.kind, ColumnType::Utf8 | ColumnType::TimestampUs)
                    || column.name == "stage_index",
                "{place}"
            );
            let bound = column.name.ends_with("_low") || column.name.ends_with("_high");
            assert_eq!(bound, column.interval != "none", "{place}");
        }
    }
}

#[test]
fn types_do_not_depend_on_the_rows() {
    let empty = dry_run(&shipped().unwrap()).unwrap();
    let full: Vec<_> = run(&shipped().unwrap(), &sample::tables(), WINDOW)
        .unwrap()
        .into_iter()
        .map(|(docs, _)| docs)
        .collect();
    assert_eq!(empty, full);
}

#[test]
fn budget_shift_suggests_only_what_the_interval_shows() {
    let (_, frame) = shipped_table("budget_shift");
    assert_eq!(texts(&frame, "channel"), ["Email", "Paid Search", "Social", "Display"]);
    assert_eq!(texts(&frame, "suggestion"), ["raise", "unclear", "unclear", "lower"]);
    let blended = frame.column("blended_roas").unwrap().f64().unwrap().get(0).unwrap();
    assert!((blended - 2150.0 / 700.0).abs() < 1e-12);
}

#[test]
fn pain_points_are_the_worst_step_and_the_significant_segments() {
    let (_, frame) = shipped_table("pain_points");
    assert_eq!(texts(&frame, "kind"), ["funnel_step", "segment"]);
    assert_eq!(texts(&frame, "stage"), ["consideration", "purchase"]);
    assert_eq!(texts(&frame, "segment"), ["all", "BG"]);
}

#[test]
fn segment_gaps_are_those_that_are_sure() {
    let (_, frame) = shipped_table("segment_gaps");
    assert_eq!(texts(&frame, "segment"), ["DE", "BG", "BG"]);
    let gained = frame.column("customers_gained").unwrap().f64().unwrap();
    assert!((gained.get(0).unwrap() - 48.0).abs() < 1e-9 && (gained.get(1).unwrap() + 32.0).abs() < 1e-9);
}

#[test]
fn winning_variants_come_with_their_health() {
    let (_, frame) = shipped_table("winning_variants");
    assert_eq!(texts(&frame, "verdict"), ["win", "lose"]);
    assert_eq!(texts(&frame, "health"), ["warn", "warn"]);
    // Whoever waits for a window is left out, which speaks against no verdict.
    assert_eq!(texts(&frame, "health_reasons"), ["double_assignment, unknown_variant"; 2]);
    // The bounds are those that decided.
    assert_eq!(texts(&frame, "decided_by"), ["sequential", "single_look"]);
    let bounds = ["difference_low", "difference_high"]
        .map(|column| frame.column(column).unwrap().f64().unwrap().iter().flatten().collect::<Vec<_>>());
    assert_eq!(bounds, [[0.01, -1.9], [0.08, -0.1]]);
    let harmed = frame.column("guardrails_harmed").unwrap().i64().unwrap();
    assert_eq!(harmed.iter().collect::<Vec<_>>(), [Some(1), Some(1)]);
}

#[test]
fn the_heat_map_adds_up_by_stage_and_by_channel() {
    let (_, frame) = shipped_table("stage_heatmap");
    assert_eq!(frame.height(), 5);
    let sum = |column: &str| frame.column(column).unwrap().f64().unwrap().sum().unwrap();
    assert!((sum("share_of_stage") - 2.0).abs() < 1e-12);
    assert!((sum("share_of_channel") - 3.0).abs() < 1e-12);
}

#[test]
fn results_get_plain_types_and_the_window() {
    let (docs, frame) = table_of(
        "SELECT channel, COUNT(*) AS n, SUM(spend) AS spend, AVG(CAST(clicks AS FLOAT)) AS clicks,
                MAX(window_to) AS last, MIN(\"primary\") AS p, 0.0 / 0.0 AS undefined, window_from
         FROM channel_roi GROUP BY channel, window_from",
    );
    let kinds: Vec<_> = docs.columns.iter().map(|column| (column.name.as_str(), column.kind)).collect();
    assert_eq!(
        kinds,
        [
            ("channel", ColumnType::Utf8),
            ("n", ColumnType::Int64),
            ("spend", ColumnType::Float64),
            ("clicks", ColumnType::Float64),
            ("last", ColumnType::TimestampUs),
            ("p", ColumnType::Boolean),
            ("undefined", ColumnType::Float64),
            ("window_from", ColumnType::TimestampUs),
            ("window_to", ColumnType::TimestampUs),
        ]
    );
    assert_eq!(frame.column("undefined").unwrap().null_count(), frame.height());
    // Without ORDER BY: by all columns.
    assert_eq!(texts(&frame, "channel"), ["Display", "Email", "Organic", "Paid Search", "Social"]);
}

#[test]
fn own_order_is_kept_and_documentation_is_used() {
    let docs =
        "description = 'D.'\ngrain = 'G.'\nkeys = ['channel', 'model']\n[columns.spend]\nunit = 'currency'\n";
    let sql = "SELECT channel, model, spend FROM channel_roi ORDER BY spend DESC NULLS LAST, channel, model";
    let query = query("mine", "queries/mine.sql", sql.to_owned(), Some(docs.to_owned())).unwrap();
    let (docs, frame) = run(&[query], &sample::tables(), WINDOW).unwrap().remove(0);
    assert_eq!(texts(&frame, "channel")[..2], ["Paid Search", "Display"]);
    assert_eq!((docs.description.as_str(), docs.columns[2].unit.as_str()), ("D.", "currency"));
}

#[test]
fn a_folder_is_read_in_the_order_of_names() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(folder.path().join(name), text).unwrap();
    write("b.sql", "select channel from channel_roi");
    write("a.sql", "-- mine\nwith t as (select 1 as one) select one from t;\n");
    write("a.toml", "description = 'A.'");
    write("notes.txt", "");
    write(".hidden.sql", "drop");
    let queries = load(folder.path()).unwrap();
    assert_eq!(queries.iter().map(|query| query.name.as_str()).collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(texts_of_run_id(&queries), ["a.sql", "a.toml", "b.sql"]);
    assert_eq!(dry_run(&queries).unwrap()[0].description, "A.");

    for name in ["Big.sql", "a-b.sql", "1.sql", "stage_funnel.sql"] {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(name), "select 1 as one").unwrap();
        assert!(load(folder.path()).is_err(), "{name}");
    }
    let error = load(&folder.path().join("missing")).unwrap_err();
    assert_eq!(error.exit_code(), 78, "a slip in the configuration: to try again won't help");
}

fn texts_of_run_id(queries: &[Query]) -> Vec<String> {
    super::texts(queries).into_iter().map(|(name, _)| name).collect()
}

#[test]
fn what_is_no_single_select_is_refused() {
    insta::assert_snapshot!(refused("  -- nothing\n"), @r#"
    queries/mine.sql: it holds no statement
    hint: write one SELECT over the result tables
    "#);
    insta::assert_snapshot!(refused("CREATE TABLE t AS SELECT 1"), @r#"
    queries/mine.sql:1:1: only a SELECT can be a table, found CREATE
    hint: start with SELECT or WITH; the result is written for you
    "#);
    insta::assert_snapshot!(refused("SELECT 1 AS one;\nDROP TABLE channel_roi"), @r#"
    queries/mine.sql:2:1: it holds more than one statement
    hint: one file is one table: move the second statement into a file of its own
    "#);
    insta::assert_snapshot!(refused("SELECT *\nFROM channel_roi\nWHERE"), @r#"queries/mine.sql:3:6: Expected: an expression, found: EOF"#);
    insta::assert_snapshot!(refused("SELECT * INTO mine FROM channel_roi"), @r#"
    queries/mine.sql:1:15: SELECT INTO is not allowed
    hint: the result is written for you
    "#);
    insta::assert_snapshot!(refused("SELECT 'open FROM channel_roi"), @r#"queries/mine.sql:1:8: Unterminated string literal"#);
    for sql in [
        "INSERT INTO t SELECT 1",
        "DELETE FROM channel_roi",
        "DROP TABLE channel_roi",
        "TRUNCATE channel_roi",
        "EXPLAIN SELECT 1",
        "SHOW TABLES",
        "COPY channel_roi TO 'x'",
        "SET x = 1",
        "ATTACH 'x'",
        "PRAGMA x",
    ] {
        assert!(refused(sql).contains("only a SELECT can be a table"), "{sql}");
    }
    assert!(!refused("WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a").is_empty());
}

#[test]
fn files_are_out_of_reach() {
    insta::assert_snapshot!(refused("SELECT *\nFROM read_parquet('/etc/passwd')"), @r#"
    queries/mine.sql:2:6: the table function read_parquet is not allowed
    hint: queries read result tables, not files
    "#);
    insta::assert_snapshot!(refused("SELECT * FROM '/etc/passwd.parquet'"), @r#"
    queries/mine.sql:1:15: there is no table /etc/passwd.parquet
    hint: queries read result tables, not files
    "#);
    for sql in [
        "SELECT * FROM read_csv('x')",
        "SELECT * FROM (SELECT * FROM READ_CSV('x')) t",
        "SELECT (SELECT 1 FROM read_json('x')) AS a FROM channel_roi",
        "WITH t AS (SELECT * FROM scan_parquet('x')) SELECT * FROM t",
        "SELECT * FROM channel_roi JOIN read_ipc('x') USING (channel)",
        "SELECT * FROM channel_roi WHERE channel IN (SELECT a FROM parquet_scan('x'))",
        "SELECT read_text('x') AS a FROM channel_roi",
        "SELECT * FROM TABLE(read_csv('x'))",
        "SELECT * FROM other.channel_roi",
        "SELECT * FROM \"x.parquet\"",
    ] {
        refused(sql);
    }
}

#[test]
fn unknown_names_come_with_the_nearest() {
    insta::assert_snapshot!(refused("SELECT *\nFROM chanel_roi"), @r#"
    queries/mine.sql:2:6: there is no table chanel_roi
    hint: did you mean channel_roi? There are: stage_attribution, attribution_effects, stage_funnel, stage_transitions, channel_roi, channel_daily, journey_paths, segment_conversion, segment_funnel, experiment_results, experiment_health, reconciliation, data_quality
    "#);
    insta::assert_snapshot!(refused("SELECT channel,\n  spent FROM channel_roi"), @r#"
    queries/mine.sql:2:3: there is no column spent
    hint: did you mean spend? channel_roi has conversion, model, level, channel, campaign, primary, spend, impressions, clicks, credit, value, roas, roas_low, roas_high, roi, cost_per_conversion, cost_per_conversion_low, cost_per_conversion_high, new_customers, customer_acquisition_cost, payback_months, roas_previous, note, window_from, window_to
    "#);
    insta::assert_snapshot!(refused("SELECT channel_roi.foo FROM channel_roi"), @r#"
    queries/mine.sql:1:20: there is no column foo
    hint: channel_roi has conversion, model, level, channel, campaign, primary, spend, impressions, clicks, credit, value, roas, roas_low, roas_high, roi, cost_per_conversion, cost_per_conversion_low, cost_per_conversion_high, new_customers, customer_acquisition_cost, payback_months, roas_previous, note, window_from, window_to
    "#);
    insta::assert_snapshot!(refused("SELECT nosuch(spend) AS a FROM channel_roi"), @r#"queries/mine.sql:1:8: the function nosuch is not supported"#);
}

#[test]
fn what_differs_from_run_to_run_or_engine_to_engine_is_refused() {
    insta::assert_snapshot!(refused("SELECT channel FROM channel_roi LIMIT 3"), @r#"
    queries/mine.sql:1:1: LIMIT without ORDER BY takes any rows
    hint: add ORDER BY with columns that tell all rows apart
    "#);
    insta::assert_snapshot!(refused("SELECT NOW() AS at FROM channel_roi"), @r#"
    queries/mine.sql:1:8: now gives another result every time
    hint: a result depends on its inputs alone; window_from and window_to say which time it is about
    "#);
    insta::assert_snapshot!(
        refused("SELECT SUM(spend) OVER (ORDER BY channel) AS s FROM channel_roi"), @r#"
    queries/mine.sql:1:8: a running sum needs its frame: engines differ on rows that tie
    hint: add ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    "#
    );
    insta::assert_snapshot!(
        refused("SELECT STRING_AGG(channel, ',') OVER (PARTITION BY model) AS s FROM channel_roi"), @r#"
    queries/mine.sql:1:8: string_agg over a window ignores its partition
    hint: use it with GROUP BY in a subquery and join the result
    "#
    );
    refused("WITH RECURSIVE t AS (SELECT 1 AS a UNION ALL SELECT a FROM t) SELECT * FROM t");
    refused("SELECT CURRENT_TIMESTAMP AS at FROM channel_roi");
}

#[test]
fn results_that_no_reader_takes_are_refused() {
    insta::assert_snapshot!(refused("SELECT channel, NULL AS nothing FROM channel_roi"), @r#"
    queries/mine.sql:1:25: column nothing is null in every row and of no type
    hint: give it one, as in CAST(NULL AS DOUBLE)
    "#);
    insta::assert_snapshot!(
        refused("SELECT model, ROW_NUMBER() OVER (ORDER BY channel) AS n FROM channel_roi GROUP BY model"), @r#"
    queries/mine.sql:1:55: column n is a list
    hint: aggregate it; a window function beside GROUP BY gives lists: move it into an outer query
    "#
    );
    insta::assert_snapshot!(refused("SELECT window_from FROM channel_roi"), @r#"
    queries/mine.sql: it has no columns
    hint: select at least one beside the window
    "#);
}

#[test]
fn documentation_is_about_the_result() {
    let sql = "SELECT channel, spend FROM channel_roi";
    insta::assert_snapshot!(refused_with(sql, Some("[columns.spent]\nunit = 'currency'\n")), @r#"
    queries/mine.toml: mine has no column spent
    hint: did you mean spend? It has channel, spend
    "#);
    insta::assert_snapshot!(refused_with(sql, Some("description = 'x'\ngrian = 'y'\n")), @r#"
    queries/mine.toml:2:1: unknown field `grian`, expected one of `description`, `grain`, `keys`, `columns`
    hint: it holds description, grain, keys and [columns.NAME] with description, unit, null, interval
    "#);
    insta::assert_snapshot!(refused_with(sql, Some("keys = ['channel']\n")), @r#"
    queries/mine.toml: two rows have the key ("Email")
    hint: add a column to keys, or GROUP BY them
    "#);
}

/// Runs the shipped queries in DuckDB over the same tables and compares cell by cell.
#[test]
#[ignore = "needs python3 with the module duckdb"]
fn duckdb_gives_the_same_rows() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: String, bytes: &[u8]| fs::write(folder.path().join(name), bytes).unwrap();
    for (docs, frame) in sample::tables() {
        write(format!("{}.parquet", docs.name), &crate::publish::parquet::encode(&docs, &frame).unwrap());
    }
    let queries = shipped().unwrap();
    for (query, (docs, frame)) in queries.iter().zip(run(&queries, &sample::tables(), WINDOW).unwrap()) {
        write(format!("{}.sql", query.name), query.sql.as_bytes());
        write(
            format!("ours_{}.parquet", docs.name),
            &crate::publish::parquet::encode(&docs, &frame).unwrap(),
        );
    }
    let script = r#"
import duckdb, glob, math, os, sys
os.chdir(sys.argv[1])
database = duckdb.connect()
for path in glob.glob("*.parquet"):
    if not path.startswith("ours_"):
        database.execute(f"CREATE TABLE {path[:-8]} AS SELECT * FROM '{path}'")
for path in sorted(glob.glob("*.sql")):
    theirs = database.execute(open(path).read())
    names = [column[0] for column in theirs.description]
    theirs = theirs.fetchall()
    columns = ", ".join(names)
    ours = database.execute(f"SELECT {columns} FROM 'ours_{path[:-4]}.parquet'").fetchall()
    assert len(ours) == len(theirs) > 0, (path, ours, theirs)
    for ours_row, theirs_row in zip(ours, theirs):
        for name, a, b in zip(names, ours_row, theirs_row):
            same = math.isclose(a, b, rel_tol=1e-12) if isinstance(a, float) and b is not None else a == b
            assert same, (path, name, a, b)
"#;
    let status =
        std::process::Command::new("python3").arg("-c").arg(script).arg(folder.path()).status().unwrap();
    assert!(status.success());
}
