//! Where jobs run at night: no terminal, no home, no room, streams that nobody reads.

use std::fs;
use std::process::{Command, Stdio};

use crate::support::{CONFIG, Ran, Warehouse, differences, few_touchpoints, skipped};

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

/// A line of shell with the binary as `$touchline`, in a clean environment.
fn shell(warehouse: &Warehouse, line: &str) -> Ran {
    let mut command = Command::new("sh");
    command.args(["-c", line]).current_dir(warehouse.root()).env_clear().stdin(Stdio::null());
    command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").env("touchline", env!("CARGO_BIN_EXE_touchline"));
    warehouse.finish(command)
}

#[test]
fn as_cron_runs_it() {
    let warehouse = warehouse();
    // No variable at all, a folder to work in that nobody can write to, a home that isn't there, no open stream.
    let config = warehouse.path("touchline.toml");
    for (environment, streams) in
        [("", ""), ("HOME=/nonexistent SHELL=/bin/sh", ""), ("TERM=dumb LANG=C", "<&- >&- 2>&-")]
    {
        let line = format!(
            "cd /proc && exec env -i {environment} \"$touchline\" run -q --force -c {} {streams}",
            config.display()
        );
        let ran = shell(&warehouse, &line);
        assert_eq!(
            (ran.code, ran.stdout.as_str(), ran.stderr.as_str()),
            (0, "", ""),
            "{environment} {streams}"
        );
    }
    assert!(warehouse.published().len() > 30);
    // A failure is told, once, and is plain text.
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    let ran = shell(&warehouse, "exec env -i \"$touchline\" run -q");
    assert_eq!(ran.code, 65);
    assert_eq!(ran.stderr.lines().count(), 2, "{}", ran.stderr);
    assert!(!ran.stderr.contains('\u{1b}'), "{:?}", ran.stderr);
}

#[test]
fn an_answer_that_nobody_takes_is_an_error() {
    let warehouse = warehouse();
    for arguments in
        [&["tables"][..], &["check"], &["explain", "--customer", "c-1"], &["run", "--output", "json"]]
    {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = warehouse.command(arguments);
        let output =
            command.stdout(writer).stderr(Stdio::piped()).spawn().unwrap().wait_with_output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(74), "{arguments:?}: {said}");
        assert!(said.contains("error: cannot write to standard output\n  caused by: Broken pipe"), "{said}");
    }
    // The run had published by then, and the next one only has to answer.
    let ran = warehouse.run(&["-q", "--output", "json"]);
    assert!(ran.stdout.contains("\"status\":\"unchanged\""), "{}", ran.stdout);
    let ran = shell(&warehouse, "exec \"$touchline\" tables > /dev/full");
    assert_eq!(ran.code, 74);
    assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
}

#[test]
fn a_log_that_nobody_takes_is_none() {
    let warehouse = warehouse();
    for streams in ["2>/dev/full", "2>&-"] {
        let ran = shell(&warehouse, &format!("exec \"$touchline\" run -v --force {streams}"));
        assert_eq!(ran.code, 0, "{streams}");
    }
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    assert_eq!(
        shell(&warehouse, "exec \"$touchline\" run 2>/dev/full").code,
        65,
        "nor does it hide the failure"
    );
}

#[test]
fn a_limit_of_file_sizes_is_an_error_of_the_disk() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let (current, published) = (warehouse.current(), warehouse.published());
    let ran = shell(&warehouse, "ulimit -f 1; exec \"$touchline\" run --force");
    assert_eq!(ran.code, 74, "{}", ran.stderr);
    assert!(ran.stderr.contains("File too large"), "{}", ran.stderr);
    assert_eq!((warehouse.current(), warehouse.published()), (current, published));
    assert_eq!(fs::read_dir(warehouse.path("out/.staging")).unwrap().count(), 0);
    assert_eq!(fs::read_dir(warehouse.path("out/runs")).unwrap().count(), 1);
}

#[test]
fn a_full_disk_is_an_error_and_leaves_nothing() {
    let warehouse = warehouse();
    fs::create_dir(warehouse.path("small")).unwrap();
    // Mounted in a name space of its own, so that it is gone with the shell.
    let mount = "mount -t tmpfs -o size=64k tmpfs small";
    if shell(&warehouse, &format!("unshare -m sh -c '{mount}'")).code != 0 {
        skipped("no tmpfs can be mounted here");
        return;
    }
    let look = "ls -A small/out/.staging small/out/runs small/out/windows; ls -A small/out";
    let ran = shell(
        &warehouse,
        &format!(
            "unshare -m sh -c '{mount} && \"$touchline\" run --out small/out; code=$?; {look}; exit $code'"
        ),
    );
    assert_eq!(ran.code, 74, "{}", ran.stderr);
    assert!(ran.stderr.contains("No space left on device"), "{}", ran.stderr);
    let left: Vec<&str> =
        ran.stdout.lines().filter(|line| !line.is_empty() && !line.ends_with(':')).collect();
    assert_eq!(left, [".lock", ".staging", "runs", "windows"]);
}

#[test]
fn a_folder_that_takes_no_temporary_file_is_named() {
    let warehouse = warehouse();
    let ran = warehouse.touchline(&["run", "--temp-dir", "/proc"]);
    assert_eq!(ran.code, 64, "{}", ran.stderr);
    assert!(ran.stderr.contains("no temporary file can be made in /proc"), "{}", ran.stderr);
}

#[test]
fn settings_of_polars_are_left_out() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let published = warehouse.published();
    let mut command = warehouse.command(&["run", "--force", "--log-format", "json", "-v"]);
    for (name, value) in [
        ("POLARS_ASYNC_THREAD_COUNT", "x"),
        ("POLARS_FORCE_STREAMING", "1"),
        ("POLARS_MAX_THREADS", "0"),
        ("POLARS_PARQUET_BINARY_STATISTICS_TRUNCATE_LEN", "1"),
        ("POLARS_VERBOSE", "1"),
    ] {
        command.env(name, value);
    }
    let ran = warehouse.finish(command);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stderr.lines().count() > 5, "{}", ran.stderr);
    for line in ran.stderr.lines() {
        assert!(serde_json::from_str::<serde_json::Value>(line).is_ok(), "{line}");
    }
    assert_eq!(differences(&published, &warehouse.published()), Vec::<String>::new());
    // Arguments and exit codes come through.
    let mut command = warehouse.command(&["run", "--threads", "none"]);
    let ran = warehouse.finish({
        command.env("POLARS_VERBOSE", "1");
        command
    });
    assert_eq!(ran.code, 64, "{}", ran.stderr);
}

#[test]
fn a_stream_that_is_closed_is_no_file_of_the_run() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let published = warehouse.published();
    for streams in [">&-", "2>&-", "<&- >&- 2>&-"] {
        let line = format!("exec \"$touchline\" run -v --force --output json --log-format json {streams}");
        assert_eq!(shell(&warehouse, &line).code, 0, "{streams}");
        assert_eq!(differences(&published, &warehouse.published()), Vec::<String>::new(), "{streams}");
        // Every byte of what was published is compared with the manifest.
        let ran = warehouse.run(&["-q", "--output", "json"]);
        assert!(ran.stdout.contains("\"status\":\"unchanged\""), "{}", ran.stdout);
        assert!(ran.stdout.contains("\"warnings\":[]"), "{}", ran.stdout);
    }
}

#[test]
fn too_few_addresses_for_another_thread_are_an_error_of_the_system() {
    let warehouse = warehouse();
    warehouse.run(&["-q"]);
    let current = warehouse.current();
    // The program fits in, and the stack of a thread for Polars doesn't.
    let ran = shell(&warehouse, "ulimit -v 700000; exec \"$touchline\" run --force --threads 1");
    assert_eq!(ran.code, 74, "{}", ran.stderr);
    assert!(
        ran.stderr.starts_with("error: the system doesn't give a thread what it needs\n  caused by: "),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains("\nhint: nothing was published, `current` is as it was"), "{}", ran.stderr);
    assert_eq!(warehouse.current(), current);
}
