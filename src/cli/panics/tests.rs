use std::process::{Command, Output};

use super::super::console::{LogFormat, Verbosity};
use super::*;
use crate::config::Secrets;

/// Says to a child of these tests how to panic.
const HOW: &str = "TOUCHLINE_TEST_PANIC";

/// The hook is the process's, so a panic is tried in one of its own: this test, run again.
fn child(how: &str, folder: &Path) -> Output {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "cli::panics::tests::panics_in_a_child", "--nocapture"])
        .env(HOW, how)
        .env("TMPDIR", folder)
        .output()
        .unwrap()
}

#[test]
fn panics_in_a_child() {
    let Ok(how) = std::env::var(HOW) else { return };
    let secrets = Secrets::default();
    let console = Console { format: LogFormat::Text, color: false, verbosity: Verbosity::Normal, secrets };
    let interrupt = Interrupt::default();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let outcome = guarded(&console, &interrupt, || {
        match how.as_str() {
            "here" => panic!("a fixed message"),
            "no thread" => panic!("failed to spawn thread: {}", std::io::Error::from_raw_os_error(11)),
            "there" => pool.broadcast(|_| {
                let lengths = [how.len()];
                assert!(lengths[how.len()] > 0, "never reached");
            }),
            "late" => {
                interrupt.commit().unwrap();
                panic!("a fixed message");
            }
            data => panic!("no customer is called {data}"),
        };
        Ok(())
    });
    let failure = outcome.unwrap_err();
    console.failure(&failure);
    std::process::exit(i32::from(failure.exit_code));
}

/// What the child said, and its report.
fn panicking(how: &str) -> (String, String) {
    let folder = tempfile::tempdir().unwrap();
    let output = child(how, folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(70), "{said}");
    let reports: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(reports.len(), 1, "{said}");
    assert!(said.contains(&reports[0].display().to_string()), "{said}");
    (said, std::fs::read_to_string(&reports[0]).unwrap())
}

#[test]
fn a_panic_is_told_in_two_lines_and_reported_in_a_file() {
    let (said, report) = panicking("here");
    assert!(said.starts_with("error: touchline panicked at src/cli/panics/tests.rs:"), "{said}");
    assert!(
        said.contains(": a fixed message\nhint: this is a bug in touchline; nothing was published"),
        "{said}"
    );
    assert!(report.starts_with(&format!("touchline {BUILD} on ")), "{report}");
    assert!(report.contains("panicked at src/cli/panics/tests.rs:"), "{report}");
    assert!(report.contains("panics_in_a_child"), "a backtrace: {report}");
}

#[test]
fn a_thread_that_the_system_does_not_give_is_no_bug() {
    let folder = tempfile::tempdir().unwrap();
    let output = child("no thread", folder.path());
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(74), "{said}");
    assert!(
        said.starts_with(
            "error: the system doesn't give a thread what it needs\n  caused by: Resource temporarily"
        ),
        "{said}"
    );
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no report");
}

#[test]
fn a_panic_of_a_worker_is_one_as_well() {
    let (said, report) = panicking("there");
    assert!(said.contains("index out of bounds: the len is 1 but the index is 5"), "{said}");
    assert!(report.contains("index out of bounds"), "{report}");
}

#[test]
fn what_may_quote_data_is_withheld() {
    let (said, report) = panicking("canary@example.org");
    assert!(!said.contains("canary") && !report.contains("canary"), "{said}{report}");
    assert!(said.contains("a message of 40 bytes, withheld because it may quote data"), "{said}");
}

#[test]
fn after_the_commit_nobody_says_that_nothing_was_published() {
    let (said, _) = panicking("late");
    assert!(said.contains("the result was published before"), "{said}");
}

#[test]
fn values_that_may_name_a_customer_are_left_out() {
    let arguments = ["explain", "--customer", "bob", "--where=channel=x", "--set", "a.b=c", "--threads", "2"];
    let shown = without_values(&arguments.map(str::to_owned)).join(" ");
    assert_eq!(shown, "explain --customer … --where=… --set a.b=… --threads 2");
}
