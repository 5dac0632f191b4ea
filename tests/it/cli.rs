//! The command line: help, usage, reports, silence, and what a second run does.

use std::fs;
use std::path::PathBuf;

use crate::support::{CONFIG, Warehouse, differences, few_touchpoints, floats, with};

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

fn shown(arguments: &[&str]) -> String {
    let ran = Warehouse::new("").touchline(arguments);
    format!("exit code {}\n-- stdout\n{}-- stderr\n{}", ran.code, ran.stdout, ran.stderr)
}

fn target(warehouse: &Warehouse, link: &str) -> PathBuf {
    fs::read_link(warehouse.path(link)).expect("a link")
}

#[test]
fn help() {
    insta::assert_snapshot!(shown(&["--help"]), @r"
    exit code 0
    -- stdout
    Customer-journey analytics as a batch job: stage attribution, channel ROI, segment conversion and
    A/B tests over exported touchpoint logs, with an interval on every number

    Usage: touchline [OPTIONS] <COMMAND>

    Commands:
      init         Look at exports and write a first configuration for them, with what each guess rests
                   on
      run          Read the exports, compute, publish all result tables
      check        Validate the configuration and the inputs, and say what a run would read, prune and
                   write
      explain      Show why a number is what it is: a customer's journey, or the journeys behind a row
                   of a table
      diff         Say what changed between two runs, table by table, and why
      tables       Print the data dictionary of the result tables
      generate     Write a synthetic warehouse with planted truths
      completions  Print the completions for a shell
      man          Print the manual page, in the form that `man` reads
      help         Print this message or the help of the given subcommand(s)

    Options:
          --color <COLOR>            Colours in messages [env: TOUCHLINE_COLOR] [default: auto]
                                     [possible values: auto, always, never]
          --log-format <LOG_FORMAT>  Messages on standard error: for people, or one JSON object per line
                                     [env: TOUCHLINE_LOG_FORMAT] [default: text] [possible values: text,
                                     json]
      -h, --help                     Print help
      -V, --version                  Print version
    -- stderr
    ");
}

#[test]
fn help_of_run() {
    insta::assert_snapshot!(shown(&["run", "--help"]), @r"
    exit code 0
    -- stdout
    Read the exports, compute, publish all result tables

    Usage: touchline run [OPTIONS]

    Options:
      -c, --config <FILE>            Configuration file [env: TOUCHLINE_CONFIG] [default:
                                     touchline.toml]
          --from <TIME>              First instant of the window: RFC 3339, or a local date in
                                     job.timezone [env: TOUCHLINE_FROM]
          --to <TIME>                First instant after the window: RFC 3339, or a local date in
                                     job.timezone [env: TOUCHLINE_TO]
          --date <DATE>              That one local day as the window [env: TOUCHLINE_DATE]
          --out <DIR>                Output folder, in place of output.path [env: TOUCHLINE_OUT]
          --set <KEY.PATH=VALUE>     Override one key of the configuration; may be given several times,
                                     in the variable one per line [env: TOUCHLINE_SET]
          --threads <N>              Threads, at most 1024; 0: one per core [env: TOUCHLINE_THREADS]
                                     [default: 0]
          --force                    Compute again even if the same result is already published [env:
                                     TOUCHLINE_FORCE]
          --memory <SIZE>            Memory for the whole process: `512MiB`, `8GB`. Rows beyond it go to
                                     a temporary file. Default: 60 % of the machine's memory, or of the
                                     control group's [env: TOUCHLINE_MEMORY]
          --temp-dir <DIR>           Folder for that file, which has no name and never outlives the run;
                                     on a disk, not in memory. Default: the system's folder for
                                     temporary files [env: TOUCHLINE_TEMP_DIR]
          --make-current             Let `current` point to this run even if its window ends before the
                                     present one's [env: TOUCHLINE_MAKE_CURRENT]
          --strict                   Publish nothing and end with exit code 65 if any check of
                                     data_quality warns [env: TOUCHLINE_STRICT]
          --wait <SECONDS>           Seconds to wait while another run holds the output [env:
                                     TOUCHLINE_WAIT] [default: 0]
          --only <TABLE,…>           Publish these tables only, and `reconciliation`; all are computed.
                                     `current` moves only if no table of the present one is missing
                                     then, or with --make-current [env: TOUCHLINE_ONLY]
          --on-empty <ON_EMPTY>      No input rows in the window: a failure with exit code 66, or
                                     nothing to do, 99 [env: TOUCHLINE_ON_EMPTY] [default: fail]
                                     [possible values: fail, skip]
          --output <OUTPUT>          On success to standard output: nothing, or one line of JSON with
                                     run, folder and rows by table [env: TOUCHLINE_OUTPUT] [default:
                                     text] [possible values: text, json]
          --summary-file <FILE>      File for the same line, whole or not there; after a failure it says
                                     why [env: TOUCHLINE_SUMMARY_FILE]
      -q, --quiet                    Say nothing on success [env: TOUCHLINE_QUIET]
      -v, --verbose                  Tell the steps and how long each took; not with --quiet [env:
                                     TOUCHLINE_VERBOSE]
          --progress <PROGRESS>      Progress bar on standard error [env: TOUCHLINE_PROGRESS] [default:
                                     auto] [possible values: auto, always, never]
          --color <COLOR>            Colours in messages [env: TOUCHLINE_COLOR] [default: auto]
                                     [possible values: auto, always, never]
          --log-format <LOG_FORMAT>  Messages on standard error: for people, or one JSON object per line
                                     [env: TOUCHLINE_LOG_FORMAT] [default: text] [possible values: text,
                                     json]
      -h, --help                     Print help
      -V, --version                  Print version
    -- stderr
    ");
}

#[test]
fn version() {
    insta::assert_snapshot!(shown(&["--version"]), @r"
    exit code 0
    -- stdout
    touchline 0.1.0
    -- stderr
    ");
}

#[test]
fn no_command() {
    let ran = Warehouse::new("").touchline(&[]);
    assert_eq!((ran.code, ran.stdout.as_str()), (64, ""));
    assert!(ran.stderr.contains("Usage: touchline"), "{}", ran.stderr);
}

#[test]
fn an_unknown_option() {
    insta::assert_snapshot!(shown(&["run", "--thread", "2"]), @r"
    exit code 64
    -- stdout
    -- stderr
    error: unexpected argument '--thread' found

      tip: a similar argument exists: '--threads'

    Usage: touchline run --threads <N>

    For more information, try '--help'.
    ");
}

#[test]
fn an_unknown_command() {
    insta::assert_snapshot!(shown(&["rum"]), @r"
    exit code 64
    -- stdout
    -- stderr
    error: unrecognized subcommand 'rum'

      tip: a similar subcommand exists: 'run'

    Usage: touchline [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn an_option_that_is_no_number() {
    insta::assert_snapshot!(shown(&["run", "--threads", "many"]), @r"
    exit code 64
    -- stdout
    -- stderr
    error: invalid value 'many' for '--threads <N>': write a whole number from 1 to 1024, or 0 for one per core

    For more information, try '--help'.
    ");
}

#[test]
fn no_configuration() {
    let warehouse = Warehouse::new("");
    insta::assert_snapshot!(warehouse.fails(&["-c", "nowhere.toml"]), @r"
    exit code 78
    error: can't read the configuration: No such file or directory (os error 2)
    --> nowhere.toml
     = hint: name another file with `--config FILE`
    ");
}

#[test]
fn what_a_run_would_read() {
    let warehouse = warehouse();
    let ran = warehouse.touchline(&["check"]);
    insta::assert_snapshot!(format!("exit code {}\n{}{}", ran.code, ran.stdout, ran.stderr), @r#"
    exit code 0
    reads:
      inputs.touchpoints: 1 file, 1 row group, 6 rows, 0.3 kB
    looks for no duplicates, for no source has `event_id`:
      map it, or set contract.dedupe = "row", or "off" if that is meant
    writes to FOLDER/out:
      stage_attribution, attribution_effects, stage_funnel, stage_transitions, channel_roi, channel_daily, journey_paths, segment_conversion, segment_funnel, experiment_results, experiment_health, reconciliation, data_quality, budget_shift, pain_points, segment_gaps, stage_heatmap, winning_variants
    "#);
    assert!(!warehouse.path("out").exists(), "check writes nothing");
}

#[test]
fn what_check_finds_wrong() {
    let warehouse = warehouse();
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    let ran = warehouse.touchline(&["check"]);
    insta::assert_snapshot!(format!("exit code {}\n{}{}", ran.code, ran.stdout, ran.stderr), @r"
    exit code 65
    error: FOLDER/touchpoints/b.parquet is not a readable Parquet file: it holds something else, Parquet begins with PAR1
    hint: export the file again, or take it out of the path; no result was changed
    ");
}

#[test]
fn the_dictionary_is_the_page() {
    let ran = Warehouse::new("").touchline(&["tables"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    assert!(ran.stdout.starts_with("# "), "{}", &ran.stdout[..200]);
    let page = include_str!("../../docs/tables.md");
    assert!(ran.stdout == page, "docs/tables.md is stale: touchline tables > docs/tables.md");
}

#[test]
fn the_dictionary_as_json() {
    let ran = Warehouse::new("").touchline(&["tables", "--format", "json"]);
    let tables: serde_json::Value = serde_json::from_str(&ran.stdout).expect("JSON");
    assert!(ran.stdout.contains("\"stage_attribution\""), "{tables:#}");
}

#[test]
fn the_summary_of_a_run() {
    let ran = warehouse().run(&[]);
    assert_eq!(ran.stdout, "");
    insta::assert_snapshot!(ran.stderr, @r"
    spring: 6 touchpoints of 3 customers from 1 file
      left out   none
      published  18 tables with 34 rows
      where      FOLDER/out/current  ->  FOLDER/out/runs/r-RUN-1
      data       1 warning: see data_quality
      took       TIME
      * Email is credited with most of purchase under linear: 1.0, 50.0 % of all; it keeps that rank in 57.3 % of resamples.  [stage_attribution]
      * The order of the top channels of purchase, Email > Search under linear, is not certain: Email keeps its rank in 57.3 % of resamples.  [stage_attribution]
    ");
}

#[test]
fn the_summary_of_a_run_that_left_rows_out() {
    let warehouse =
        Warehouse::new(&format!("{CONFIG}[contract]\nmax_rejected_share = 1\nmax_duplicate_share = 1\n"));
    let values = floats(&[None, Some(f64::NAN), None, Some(12.5), None, None]);
    let columns = with(few_touchpoints(), "value", values);
    warehouse.parquet(
        "touchpoints/a.parquet",
        with(columns, "event_id", crate::support::text(&["1", "2", "3", "4", "5", "5"])),
    );
    let ran = warehouse.run(&["--from", "2026-04-02", "--set", "window.lookback=1h"]);
    insta::assert_snapshot!(ran.stderr, @r"
    spring: 2 touchpoints of 2 customers from 1 file
      left out   2 rejected, 2 outside the window
      published  18 tables with 29 rows
      where      FOLDER/out/current  ->  FOLDER/out/runs/r-RUN-1
      data       2 warnings: see data_quality
      took       TIME
    ");
}

#[test]
fn silence() {
    let warehouse = warehouse();
    let ran = warehouse.run(&["-q"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""));
    let ran = warehouse.run(&["--quiet"]);
    assert_eq!((ran.stdout.as_str(), ran.stderr.as_str()), ("", ""), "nor when nothing is new");
}

#[test]
fn variables_of_the_environment() {
    let warehouse = warehouse();
    let run = |variables: &[(&str, &str)]| {
        let mut command = warehouse.command(&["run"]);
        command.envs(variables.iter().copied());
        warehouse.finish(command)
    };
    let quiet = run(&[("TOUCHLINE_QUIET", "1"), ("TOUCHLINE_OUT", "elsewhere")]);
    assert_eq!((quiet.code, quiet.stderr.as_str()), (0, ""));
    assert!(warehouse.path("elsewhere/current").exists() && !warehouse.path("out").exists());
    let loud = run(&[("TOUCHLINE_QUIET", "0"), ("TOUCHLINE_DATE", "2026-04-02")]);
    assert_eq!(loud.code, 0, "{}", loud.stderr);
    assert!(loud.stderr.contains("published"), "{}", loud.stderr);
    assert!(warehouse.path("out/windows/2026-04-02_2026-04-03").exists());
    let again =
        run(&[("TOUCHLINE_FORCE", "yes"), ("TOUCHLINE_DATE", "2026-04-02"), ("TOUCHLINE_THREADS", "1")]);
    assert!(again.stderr.contains("touchpoint"), "{}", again.stderr);
}

#[test]
fn colours_and_progress_are_for_terminals() {
    let warehouse = warehouse();
    let ran = warehouse.run(&[]);
    assert!(!ran.stderr.contains(['\u{1b}', '\r']), "{:?}", ran.stderr);
    let wrong =
        |arguments: &[&str]| warehouse.touchline(&[&["run", "-c", "nowhere.toml"], arguments].concat());
    assert!(!wrong(&[]).stderr.contains('\u{1b}'));
    assert!(wrong(&["--color", "always"]).stderr.contains("\u{1b}["));
    assert!(!wrong(&["--color", "never"]).stderr.contains('\u{1b}'));
}

#[test]
fn a_second_run_finds_nothing_new() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let first = warehouse.current();
    let manifest = fs::read(first.join("manifest.json")).expect("read");
    let ran = warehouse.run(&["--threads", "1"]);
    insta::assert_snapshot!(ran.stderr, @r"
    spring: nothing new, the same result is already published
      published  18 tables with 34 rows
      where      FOLDER/out/current  ->  FOLDER/out/runs/r-RUN-1
      data       1 warning: see data_quality
      took       TIME
    ");
    assert_eq!(warehouse.current(), first);
    assert_eq!(fs::read(first.join("manifest.json")).expect("read"), manifest);
    assert_eq!(fs::read_dir(warehouse.path("out/runs")).expect("a folder").count(), 1);

    // Nor if the files were copied: their content is what counts.
    let bytes = fs::read(warehouse.path("touchpoints/a.parquet")).expect("read");
    fs::remove_file(warehouse.path("touchpoints/a.parquet")).expect("removed");
    warehouse.write("touchpoints/copy.parquet", bytes);
    let ran = warehouse.run(&[]);
    assert!(ran.stderr.contains("nothing new"), "{}", ran.stderr);
    assert_eq!(warehouse.current(), first);
}

#[test]
fn force_publishes_the_same_bytes_again() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let (first, tables) = (warehouse.current(), warehouse.published());
    warehouse.run(&["-q", "--force"]);
    let second = warehouse.current();
    let name = |path: &PathBuf| path.file_name().expect("a name").to_string_lossy().into_owned();
    let (first, second) = (name(&first), name(&second));
    assert_eq!(first.strip_suffix("-1"), second.strip_suffix("-2"), "{first} {second}");
    assert_eq!(differences(&tables, &warehouse.published()), Vec::<String>::new());
}

#[test]
fn what_changes_the_run() {
    let warehouse = warehouse();
    let mut seen = Vec::new();
    let mut run = |arguments: &[&str]| {
        warehouse.run(&[&["-q"], arguments].concat());
        seen.push(warehouse.current());
    };
    run(&[]);
    run(&["--set", "attribution.half_life=3d"]);
    run(&["--to", "2026-04-05"]);
    let values = floats(&[None, Some(31.0), None, Some(12.5), None, None]);
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "value", values));
    run(&["--to", "2026-04-05"]);
    warehouse.parquet("touchpoints/b.parquet", few_touchpoints());
    run(&["--to", "2026-04-05"]);
    let count = seen.len();
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), count, "{seen:?}");
}

#[test]
fn current_does_not_go_back_in_time() {
    let warehouse = warehouse();
    warehouse.run(&["-q", "--date", "2026-04-02"]);
    let second = target(&warehouse, "out/current");
    let ran = warehouse.run(&["--date", "2026-04-01"]);
    assert_eq!(target(&warehouse, "out/current"), second);
    let place = ran.stderr.lines().find(|line| line.contains("where")).unwrap_or_default();
    insta::assert_snapshot!(place, @"  where      FOLDER/out/runs/r-RUN-1 (an earlier window: `current` stays)");
    // A backfill stands beside it.
    let backfill = target(&warehouse, "out/windows/2026-04-01_2026-04-02");
    assert_eq!(target(&warehouse, "out/windows/2026-04-02_2026-04-03"), PathBuf::from("..").join(&second));
    assert_ne!(backfill, PathBuf::from("..").join(&second));

    warehouse.run(&["-q", "--date", "2026-04-01", "--make-current"]);
    assert_eq!(PathBuf::from("..").join(target(&warehouse, "out/current")), backfill);
    // A later window moves it on, computed before or not.
    warehouse.run(&["-q", "--date", "2026-04-02"]);
    assert_eq!(target(&warehouse, "out/current"), second);
    warehouse.run(&["-q", "--date", "2026-04-03"]);
    assert_eq!(
        PathBuf::from("..").join(target(&warehouse, "out/current")),
        target(&warehouse, "out/windows/2026-04-03_2026-04-04")
    );
}

#[test]
fn a_run_that_fails_leaves_the_last_result() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let (current, tables) = (warehouse.current(), warehouse.published());
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    assert_eq!(warehouse.touchline(&["run"]).code, 65);
    assert_eq!(warehouse.current(), current);
    assert_eq!(differences(&tables, &warehouse.published()), Vec::<String>::new());
    assert_eq!(fs::read_dir(warehouse.path("out/.staging")).expect("a folder").count(), 0);
}

#[test]
fn a_generated_warehouse_runs_as_it_is() {
    let warehouse = Warehouse::new("");
    let ran = warehouse.touchline(&["generate", "made", "--customers", "60", "--days", "3"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (0, ""), "{}", ran.stderr);
    let ran = warehouse.run(&["-q", "-c", "made/touchline.toml"]);
    assert_eq!(ran.stderr, "");
    assert!(warehouse.path("made/out/current/tables/stage_attribution.parquet").exists());
}
