//! Options that can't be meant: each is told, with 64 where the mistake is one of the call and 78 where it is in the file.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use crate::support::{CONFIG, Warehouse, few_touchpoints};

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

/// Arguments, and a part of what is told.
const MISTAKES: [(&[&str], &str); 44] = [
    (&["run", "--threads", "-1"], "from 1 to 1024, or 0"),
    (&["run", "--threads", "99999999"], "from 1 to 1024, or 0"),
    (&["check", "--threads", "99999999"], "from 1 to 1024, or 0"),
    (&["generate", "w", "--threads", "99999999"], "from 1 to 1024, or 0"),
    (&["run", "--threads"], "a value is required"),
    (&["run", "--memory", "0"], "at least 128 MiB"),
    (&["run", "--memory", "999999999999999TB"], "write a whole number and a unit"),
    (&["check", "--memory", "1"], "at least 128 MiB"),
    (&["run", "--wait", "-1"], "'-1' for '--wait"),
    (&["run", "--wait", "1.5"], "'1.5' for '--wait"),
    (&["run", "--wait", "99999999999999999999"], "too large"),
    (&["run", "--only", ""], "there is no table ``"),
    (&["run", "--out", ""], "a value is required"),
    (&["run", "--temp-dir", ""], "a value is required"),
    (&["run", "--summary-file", ""], "a value is required"),
    (&["run", "--from", "2026-04-03", "--to", "2026-04-01"], "the window is empty"),
    (&["run", "--from", "2026-04-03", "--to", "2026-04-03"], "the window is empty"),
    (&["check", "--from", "yesterday"], "not a day or an instant"),
    (&["run", "--from", ""], "not a day or an instant"),
    (&["run", "--to", "9999-12-31"], "beyond the calendar"),
    (&["run", "--date", "2026-02-30"], "not a day or an instant"),
    (&["run", "--date", "2026-04-01", "--from", "2026-04-01"], "a window of its own"),
    (&["run", "--set", "window"], "sets nothing"),
    (&["run", "--set", "=1"], "is not a key"),
    (&["run", "--set", "job.nme=x"], "did you mean `name`?"),
    (&["run", "--set", "window.lookback=-1d"], "is not a duration"),
    (&["run", "--set", "segments.min_customers=0"], "at least 1"),
    (&["explain"], "required arguments were not provided"),
    (&["explain", "--customer", ""], "a value is required"),
    (&["explain", "--customer", "c-1", "--table", "channel_roi"], "cannot be used with"),
    (&["explain", "--customer", "c-1", "--where", "channel=Email"], "cannot be used with"),
    (&["explain", "--table", "stage_attribution", "--run", "out/current"], "cannot be used with"),
    (&["explain", "--table", "stage_attribution", "--where", "channel"], "has no `=`"),
    (&["diff", "current"], "<RUN_B>"),
    (&["diff", "current", "current", "--top", "-1"], "'-1' for '--top"),
    (&["generate", "w", "--customers", "0"], "between 1 and"),
    (&["generate", "w", "--customers", "-5"], "'-5' for '--customers"),
    (&["generate", "w", "--days", "0"], "between 1 and"),
    (&["generate", "w", "--days", "99999"], "between 1 and"),
    (&["generate", "w", "--seed", "x"], "'x' for '--seed"),
    (&["init", "touchpoints"], "touchline.toml is there already"),
    (&["init", "s3://bucket/exports", "-c", "new.toml"], "is in an object store"),
    (&["init", "touchpoints", "-c", "new.toml", "--event", ""], "a value is required"),
    (&["completions", "klingon"], "possible values: bash"),
];

#[test]
fn what_cannot_be_meant_is_a_mistake_of_the_call() {
    let warehouse = warehouse();
    for (arguments, part) in MISTAKES {
        let ran = warehouse.touchline(arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (64, ""), "{arguments:?}: {}", ran.stderr);
        assert!(
            ran.stderr.starts_with("error: ") && ran.stderr.contains(part),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    assert!(!warehouse.path("out").exists() && !warehouse.path("w").exists());
}

#[test]
fn a_mistake_in_the_file_is_one_of_the_configuration_whatever_else_is_wrong() {
    let wrong = Warehouse::new(&CONFIG.replace("\"spring\"", "\"spring\"\ntimezone = \"Nowhere\""));
    wrong.parquet("touchpoints/a.parquet", few_touchpoints());
    for arguments in [
        &["run"][..],
        &["run", "--date", "yesterday"],
        &["run", "--from", "2026-04-03", "--to", "2026-04-01"],
    ] {
        let ran = wrong.touchline(arguments);
        assert_eq!(ran.code, 78, "{arguments:?}: {}", ran.stderr);
    }
    // What an option says of a window that the file begins.
    let begun = Warehouse::new(&format!("{CONFIG}[window]\nfrom = \"2026-04-02\"\n"));
    begun.parquet("touchpoints/a.parquet", few_touchpoints());
    assert_eq!(begun.touchline(&["run", "--to", "2026-04-01"]).code, 64);
    // The same as variables.
    let mut command = begun.command(&["run", "-q"]);
    command.env("TOUCHLINE_TO", "2026-04-01");
    assert_eq!(begun.finish(command).code, 64);
}

#[test]
fn a_folder_that_is_no_utf_8_is_written_to_and_not_guessed_from() {
    let warehouse = warehouse();
    let odd = OsStr::from_bytes(b"w-\xff");
    for format in ["text", "json"] {
        let mut command =
            warehouse.command(&["generate", "--customers", "20", "--days", "2", "--log-format", format]);
        command.arg(odd);
        let ran = warehouse.finish(command);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stderr.contains("w-\u{fffd}"), "{}", ran.stderr);
    }
    assert!(warehouse.root().join(odd).join("touchpoints").is_dir());
    let mut command = warehouse.command(&["init", "-c", "new.toml"]);
    command.arg(odd);
    let ran = warehouse.finish(command);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(ran.stderr.contains("is not UTF-8, so that no configuration can name it"), "{}", ran.stderr);
    for format in ["text", "json"] {
        let mut command =
            warehouse.command(&["init", "touchpoints", "--overwrite", "--log-format", format, "-c"]);
        command.arg(OsStr::from_bytes(b"new-\xff.toml"));
        let ran = warehouse.finish(command);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
    }
}
