use std::os::unix::fs::PermissionsExt;

use super::*;
use crate::publish::manifest::{JobRecord, WindowRecord};
use crate::publish::run_id::RunIdParts;

fn zone(name: &str) -> Zone {
    Zone { name: name.to_owned(), zone: jiff::tz::TimeZone::get(name).unwrap() }
}

fn run_id(salt: &str) -> RunId {
    let window = Window { from_us: 0, to_us: 1 };
    RunId::new(&RunIdParts { inputs: &[], plan: &salt, queries: &[], window, version: "0.1.0" }).unwrap()
}

/// A run without tables whose window is day `from` to day `to` after the epoch.
fn commit(store: &Store, id: &RunId, from: i64, to: i64, make_current: bool) -> (PathBuf, bool) {
    let staging = store.stage(id).unwrap();
    let day_us = 86_400_000_000;
    let window = Window { from_us: from * day_us, to_us: to * day_us };
    let manifest = Manifest {
        manifest_version: 1,
        run_id: id.to_string(),
        attempt: staging.attempt(),
        job: JobRecord {
            name: "job".to_owned(),
            version: "0.1.0".to_owned(),
            config_hash: String::new(),
            timezone: "UTC".to_owned(),
            currency: "EUR".to_owned(),
        },
        window: WindowRecord {
            name: window_name(window, &zone("UTC")).unwrap(),
            from: String::new(),
            to: String::new(),
            from_us: window.from_us,
            to_us: window.to_us,
        },
        inputs: Vec::new(),
        quarantined: Vec::new(),
        warnings: Vec::new(),
        counts: Default::default(),
        tables: Vec::new(),
        rejected: Vec::new(),
        files: Vec::new(),
        started: String::new(),
        finished: String::new(),
    };
    files::write_file(&staging.path().join(MANIFEST), &manifest.encode().unwrap()).unwrap();
    store.commit(staging, &manifest, make_current).unwrap()
}

fn target(link: &Path) -> String {
    fs::read_link(link).unwrap().display().to_string()
}

#[test]
fn a_held_output_is_refused_and_free_again_when_dropped() {
    let out = tempfile::tempdir().unwrap();
    let store = Store::open(out.path(), Duration::ZERO).unwrap();
    let error = Store::open(out.path(), Duration::from_millis(120)).unwrap_err();
    assert!(matches!(error, PublishError::Locked { .. }));
    assert_eq!(error.exit_code(), 75);
    drop(store);
    Store::open(out.path(), Duration::ZERO).unwrap();
}

#[test]
fn waiting_gets_the_output_when_it_is_free() {
    let out = tempfile::tempdir().unwrap();
    let store = Store::open(out.path(), Duration::ZERO).unwrap();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            drop(store);
        });
        Store::open(out.path(), Duration::from_secs(20)).unwrap();
    });
}

#[test]
fn dead_staging_is_removed() {
    let out = tempfile::tempdir().unwrap();
    let store = Store::open(out.path(), Duration::ZERO).unwrap();
    let staging = store.stage(&run_id("a")).unwrap();
    fs::write(staging.path().join("half"), "x").unwrap();
    // As if the process had died.
    std::mem::forget(staging);
    drop(store);
    Store::open(out.path(), Duration::ZERO).unwrap();
    assert_eq!(files::entries(&out.path().join(STAGING)).unwrap(), Vec::<String>::new());
}

#[test]
fn current_moves_forward_only_and_every_window_has_its_pointer() {
    let out = tempfile::tempdir().unwrap();
    let store = Store::open(out.path(), Duration::ZERO).unwrap();
    let (july, august, june) = (run_id("july"), run_id("august"), run_id("june"));
    assert!(commit(&store, &july, 10, 20, false).1);
    assert!(commit(&store, &august, 20, 30, false).1);
    assert!(!commit(&store, &june, 0, 10, false).1, "a backfill");
    assert_eq!(target(&out.path().join(CURRENT)), format!("runs/{august}-1"));
    assert_eq!(target(&out.path().join("windows/1970-01-01_1970-01-11")), format!("../runs/{june}-1"));
    assert!(out.path().join("windows/1970-01-01_1970-01-11/manifest.json").is_file());
    assert!(commit(&store, &run_id("august again"), 25, 30, false).1, "the same end");
    assert!(commit(&store, &june, 0, 10, true).1, "on request");
    assert_eq!(target(&out.path().join(CURRENT)), format!("runs/{june}-2"));
}

#[test]
fn a_published_run_is_found_while_it_is_whole() {
    let out = tempfile::tempdir().unwrap();
    let store = Store::open(out.path(), Duration::ZERO).unwrap();
    let id = run_id("a");
    assert_eq!(store.find_published(&id).unwrap(), None);
    commit(&store, &id, 0, 10, false);
    let (second, _) = commit(&store, &id, 0, 10, false);
    assert_eq!(store.find_published(&id).unwrap().unwrap().run, format!("{id}-2"));
    fs::write(second.join(MANIFEST), "{").unwrap();
    let found = store.find_published(&id).unwrap().unwrap();
    assert_eq!(found.run, format!("{id}-1"));
    assert_eq!(store.find_published(&run_id("b")).unwrap(), None);

    commit(&store, &run_id("later"), 10, 20, false);
    assert!(!store.point_to(&found, false).unwrap());
    assert!(store.point_to(&found, true).unwrap());
    assert_eq!(target(&out.path().join(CURRENT)), format!("runs/{id}-1"));
}

#[test]
fn when_current_cannot_be_swapped_nothing_has_changed() {
    let out = tempfile::tempdir().unwrap();
    let store = Store::open(out.path(), Duration::ZERO).unwrap();
    // A folder with something in it can't be replaced by a link.
    fs::create_dir_all(out.path().join(CURRENT).join("mine")).unwrap();
    let id = run_id("a");
    let staging = store.stage(&id).unwrap();
    let manifest = Manifest {
        run_id: id.to_string(),
        attempt: 1,
        ..{
            let other = tempfile::tempdir().unwrap();
            let store = Store::open(other.path(), Duration::ZERO).unwrap();
            Manifest::read(&commit(&store, &id, 0, 10, false).0).unwrap()
        }
    };
    let error = store.commit(staging, &manifest, false).unwrap_err();
    assert_eq!(error.exit_code(), 74);
    for folder in [STAGING, RUNS, WINDOWS] {
        assert_eq!(files::entries(&out.path().join(folder)).unwrap(), Vec::<String>::new(), "{folder}");
    }
    assert!(out.path().join("current/mine").is_dir());
}

#[test]
fn only_owner_and_group_may_look() {
    let out = tempfile::tempdir().unwrap();
    let root = out.path().join("deep/out");
    let store = Store::open(&root, Duration::ZERO).unwrap();
    let (directory, _) = commit(&store, &run_id("a"), 0, 10, false);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o750);
    assert_eq!(mode(&directory), 0o750);
    assert_eq!(mode(&directory.join(MANIFEST)), 0o640);
    assert_eq!(mode(&root.join(LOCK)) & 0o037, 0);
}

#[test]
fn windows_are_named_by_local_days_where_they_are_days() {
    let at = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
    for (zone_name, from, to, expected) in [
        ("UTC", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-04-01_2026-07-01"),
        ("Europe/Sofia", "2026-03-31T21:00:00Z", "2026-06-30T21:00:00Z", "2026-04-01_2026-07-01"),
        ("UTC", "2026-04-01T00:00:00Z", "2026-04-01T12:00:00Z", "2026-04-01_20260401T120000Z"),
        ("UTC", "2026-04-01T00:00:00.5Z", "2026-04-02T00:00:00Z", "20260401T000000500000Z_2026-04-02"),
        // The day the clocks go forward at midnight starts at 01:00.
        ("America/Asuncion", "2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z", "2023-10-01_2023-10-02"),
    ] {
        let window = Window { from_us: at(from), to_us: at(to) };
        assert_eq!(window_name(window, &zone(zone_name)).unwrap(), expected);
    }
}

#[test]
fn a_window_name_cannot_leave_its_folder() {
    for name in ["", "../current", "a/b", "a\0b", "."] {
        assert!(check_window_name(name).is_err(), "{name:?}");
    }
}
