//! Short forms of the sweeps of `benches/faults`, which see CONTRIBUTING.md: kills, errors, two runs at once,
//! readers while a run publishes. The first two need `strace`, and say so where it is missing.

#[path = "../../benches/faults/sweep/mod.rs"]
mod sweep;

use std::path::Path;

use sweep::job::Job;
use sweep::{errors, kill, pairs, readers, strace};

const SEED: u64 = 7;

/// Runs that are disturbed in each test; without optimisation a run takes seconds.
const POINTS: usize = if cfg!(debug_assertions) { 8 } else { 40 };

fn with_job<T>(work: impl FnOnce(&Job) -> sweep::Outcome<T>) -> T {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let job = Job::new(Path::new(env!("CARGO_BIN_EXE_touchline")), folder.path()).expect("a warehouse");
    work(&job).expect("a sweep")
}

/// Whether there is no `strace`, which is told.
fn is_without_strace() -> bool {
    let missing = strace::missing();
    if let Some(missing) = &missing {
        eprintln!("skipped: {missing}");
    }
    missing.is_some()
}

#[test]
fn a_killed_run_leaves_the_old_result_or_the_new_one() {
    if is_without_strace() {
        return;
    }
    let report = with_job(|job| kill::sweep(job, POINTS, SEED, 2));
    assert!(report.failures.is_empty(), "{report}");
    assert!(report.kills() >= POINTS, "{report}");
}

#[test]
fn a_call_that_fails_leaves_the_old_result_and_nothing_else() {
    if is_without_strace() {
        return;
    }
    let report = with_job(|job| errors::sweep(job, POINTS, SEED, 2));
    assert!(report.failures.is_empty(), "{report}");
    assert!(report.runs() > 0, "{report}");
}

#[test]
fn of_two_runs_one_publishes_and_the_other_waits_or_is_refused() {
    let report = with_job(|job| pairs::sweep(job, 8));
    assert!(report.failures.is_empty(), "{report}");
    assert!(report.refused > 0 && report.waited > 0, "{report}");
}

#[test]
fn readers_see_one_result_while_another_is_published() {
    let report = with_job(|job| readers::sweep(job, 200, 4, 2, SEED));
    assert!(report.failures.is_empty(), "{report}");
    assert!(report.reads >= 200 && report.publications >= 4, "{report}");
}
