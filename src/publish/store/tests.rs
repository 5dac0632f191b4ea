use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::thread;

use super::*;
use crate::config::plan::Zone;
use crate::interrupt::Stop;
use crate::publish::manifest::MANIFEST;
use crate::publish::manifest::{JobRecord, WindowRecord};
use crate::publish::run_id::RunIdParts;
use crate::tables::Window;

pub(super) fn run_id(salt: &str) -> RunId {
    let window = Window { from_us: 0, to_us: 1 };
    RunId::new(&RunIdParts { inputs: &[], plan: &salt, queries: &[], only: &[], window, version: "0.1.0" })
        .unwrap()
}

/// An empty output.
pub(super) fn open() -> (tempfile::TempDir, Store) {
    let out = tempfile::tempdir().unwrap();
    let store = open_at(out.path()).unwrap();
    (out, store)
}

fn open_at(root: &Path) -> Result<Store, PublishError> {
    Store::open(root, Duration::ZERO, &Interrupt::default())
}

/// A run without tables whose window is day `from` to day `to` after the epoch.
pub(super) fn commit(
    store: &Store,
    id: &RunId,
    from: i64,
    to: i64,
    make_current: bool,
) -> (PathBuf, Pointed) {
    let staging = store.stage(id).unwrap();
    let day_us = 86_400_000_000;
    let window = Window { from_us: from * day_us, to_us: to * day_us };
    let utc = Zone { name: "UTC".to_owned(), zone: jiff::tz::TimeZone::UTC };
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
            config: Default::default(),
            queries: Default::default(),
        },
        window: WindowRecord {
            name: window_name(window, &utc).unwrap(),
            from: String::new(),
            to: String::new(),
            from_us: window.from_us,
            to_us: window.to_us,
        },
        inputs: Vec::new(),
        quarantined: Vec::new(),
        warnings: Vec::new(),
        counts: Default::default(),
        only: Vec::new(),
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
    let (out, store) = open();
    let error = Store::open(out.path(), Duration::from_millis(120), &Interrupt::default()).unwrap_err();
    assert!(matches!(error, PublishError::Locked { .. }));
    assert_eq!(error.exit_code(), 75);
    drop(store);
    open_at(out.path()).unwrap();
}

#[test]
fn waiting_gets_the_output_when_it_is_free() {
    let (out, store) = open();
    thread::scope(|scope| {
        scope.spawn(|| {
            thread::sleep(Duration::from_millis(100));
            drop(store);
        });
        Store::open(out.path(), Duration::from_secs(60), &Interrupt::default()).unwrap();
    });
}

#[test]
fn dead_staging_is_removed() {
    let (out, store) = open();
    let staging = store.stage(&run_id("a")).unwrap();
    fs::write(staging.path().join("half"), "x").unwrap();
    // As if the process had died.
    std::mem::forget(staging);
    drop(store);
    open_at(out.path()).unwrap();
    assert_eq!(files::entries(&out.path().join(STAGING)).unwrap(), Vec::<String>::new());
}

#[test]
fn current_moves_forward_only_and_every_window_has_its_pointer() {
    let (out, store) = open();
    let (july, august, june) = (run_id("july"), run_id("august"), run_id("june"));
    assert!(commit(&store, &july, 10, 20, false).1.is_current);
    assert!(commit(&store, &august, 20, 30, false).1.is_current);
    assert!(!commit(&store, &june, 0, 10, false).1.is_current, "a backfill");
    assert_eq!(target(&out.path().join(CURRENT)), format!("runs/{august}-1"));
    assert_eq!(target(&out.path().join("windows/1970-01-01_1970-01-11")), format!("../runs/{june}-1"));
    assert!(out.path().join("windows/1970-01-01_1970-01-11/manifest.json").is_file());
    assert!(commit(&store, &run_id("august again"), 25, 30, false).1.is_current, "the same end");
    assert!(commit(&store, &june, 0, 10, true).1.is_current, "on request");
    assert_eq!(target(&out.path().join(CURRENT)), format!("runs/{june}-2"));
}

#[test]
fn a_published_run_is_found_while_it_is_whole() {
    let (out, store) = open();
    let id = run_id("a");
    assert_eq!(store.find_published(&id).unwrap().found, None);
    commit(&store, &id, 0, 10, false);
    let (second, _) = commit(&store, &id, 0, 10, false);
    assert_eq!(store.find_published(&id).unwrap().found.unwrap().run, format!("{id}-2"));
    fs::write(second.join(MANIFEST), "{").unwrap();
    let Search { found, damaged } = store.find_published(&id).unwrap();
    assert_eq!(damaged, [Damaged { directory: second, file: MANIFEST.to_owned() }]);
    let found = found.unwrap();
    assert_eq!(found.run, format!("{id}-1"));
    assert_eq!(store.find_published(&run_id("b")).unwrap().found, None);

    commit(&store, &run_id("later"), 10, 20, false);
    assert!(!store.point_to(&found, false).unwrap().is_current);
    assert!(store.point_to(&found, true).unwrap().is_current);
    assert_eq!(target(&out.path().join(CURRENT)), format!("runs/{id}-1"));
}

#[test]
fn when_current_cannot_be_swapped_nothing_has_changed() {
    let (out, store) = open();
    // A folder with something in it can't be replaced by a link.
    fs::create_dir_all(out.path().join(CURRENT).join("mine")).unwrap();
    let id = run_id("a");
    let staging = store.stage(&id).unwrap();
    let manifest = Manifest {
        run_id: id.to_string(),
        attempt: 1,
        ..{
            let other = tempfile::tempdir().unwrap();
            let store = open_at(other.path()).unwrap();
            Manifest::read(&commit(&store, &id, 0, 10, false).0).unwrap()
        }
    };
    let error = store.commit(staging, &manifest, false).unwrap_err();
    assert!(matches!(error, PublishError::Misplaced { .. }), "{error}");
    for folder in [STAGING, RUNS, WINDOWS] {
        assert_eq!(files::entries(&out.path().join(folder)).unwrap(), Vec::<String>::new(), "{folder}");
    }
    assert!(out.path().join("current/mine").is_dir());
}

#[test]
fn only_owner_and_group_may_look() {
    let out = tempfile::tempdir().unwrap();
    let root = out.path().join("deep/out");
    let store = open_at(&root).unwrap();
    let (directory, _) = commit(&store, &run_id("a"), 0, 10, false);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&root), 0o750);
    assert_eq!(mode(&directory), 0o750);
    assert_eq!(mode(&directory.join(MANIFEST)), 0o640);
    assert_eq!(mode(&root.join(lock::LOCK)) & 0o037, 0);
}

#[test]
fn waiting_ends_when_it_is_interrupted() {
    let (out, _store) = open();
    let stopped = Interrupt::default();
    stopped.request(Stop::Terminate);
    let error = Store::open(out.path(), Duration::from_secs(3_600), &stopped).unwrap_err();
    assert!(matches!(error, PublishError::Interrupted(_)));
}

#[test]
fn a_lock_file_that_was_removed_holds_nobody_back() {
    let (out, _store) = open();
    fs::remove_file(out.path().join(lock::LOCK)).unwrap();
    let second = open_at(out.path()).unwrap();
    // The file that is there now is the one that counts.
    assert!(matches!(open_at(out.path()).unwrap_err(), PublishError::Locked { .. }));
    drop(second);
}

#[test]
fn links_out_of_the_output_are_not_followed() {
    for name in [STAGING, RUNS, WINDOWS, lock::LOCK] {
        let (out, store) = open();
        drop(store);
        let elsewhere = tempfile::tempdir().unwrap();
        fs::write(elsewhere.path().join("mine"), "x").unwrap();
        let place = out.path().join(name);
        files::remove(&place).unwrap();
        let target =
            if name == lock::LOCK { elsewhere.path().join("new") } else { elsewhere.path().to_owned() };
        files::link(&target, &place).unwrap();
        let error = open_at(out.path()).unwrap_err();
        assert!(matches!(error, PublishError::Misplaced { found: "a link", .. }), "{name}: {error}");
        assert_eq!(error.exit_code(), 78);
        assert_eq!(files::entries(elsewhere.path()).unwrap(), ["mine"], "{name}");
    }
}

#[test]
fn a_file_in_the_place_of_current_is_kept() {
    let (out, store) = open();
    drop(store);
    fs::write(out.path().join(CURRENT), "mine").unwrap();
    assert!(matches!(open_at(out.path()).unwrap_err(), PublishError::Misplaced { found: "a file", .. }));
    assert_eq!(fs::read_to_string(out.path().join(CURRENT)).unwrap(), "mine");
}

#[test]
fn a_run_that_is_a_link_is_not_used() {
    let (out, store) = open();
    let id = run_id("a");
    let (directory, _) = commit(&store, &id, 0, 10, false);
    let moved = tempfile::tempdir().unwrap();
    fs::rename(&directory, moved.path().join("run")).unwrap();
    files::link(&moved.path().join("run"), &out.path().join(RUNS).join(format!("{id}-1"))).unwrap();
    assert_eq!(store.find_published(&id).unwrap().found, None);
}

#[test]
fn pointers_say_which_runs_they_left() {
    let (_out, store) = open();
    let (first, second) = (run_id("first"), run_id("second"));
    assert_eq!(commit(&store, &first, 0, 10, false).1.left, [].into());
    let (_, pointed) = commit(&store, &second, 0, 10, false);
    assert_eq!(pointed, Pointed { is_current: true, left: [format!("{first}-1")].into() });
    // A later window takes `current`, and the earlier one keeps its pointer.
    let third = run_id("third");
    assert_eq!(commit(&store, &third, 10, 20, false).1.left, [format!("{second}-1")].into());
}
