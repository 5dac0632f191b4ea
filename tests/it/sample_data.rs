//! The committed sample is what the generator writes today, and the README tells of it truly.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use touchline::generate::{Options, generate};

fn committed() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("sample-data")
}

/// Every file below a folder by its relative path; what a run published there is left out.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    fn walk(root: &Path, folder: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below the root").to_path_buf();
            if name == Path::new("out") {
                continue;
            }
            if path.is_dir() {
                walk(root, &path, into);
            } else {
                into.insert(name, fs::read(&path).expect("a file"));
            }
        }
    }
    let mut all = BTreeMap::new();
    walk(root, root, &mut all);
    all
}

#[test]
fn the_committed_sample_is_what_generate_writes() {
    let fresh = tempfile::tempdir().expect("a temporary directory");
    let options =
        Options { dir: fresh.path().to_path_buf(), customers: 12_000, days: 90, seed: 7, threads: 0 };
    generate(&options, &|_, _| {}).expect("generated");
    let (committed, fresh) = (files(&committed()), files(fresh.path()));
    let names = |files: &BTreeMap<PathBuf, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&committed), names(&fresh));
    let stale: Vec<&PathBuf> =
        committed.iter().filter(|(name, bytes)| fresh[*name] != **bytes).map(|(name, _)| name).collect();
    assert!(
        stale.is_empty(),
        "stale: {stale:?}; run `touchline generate sample-data --customers 12000 --days 90 --seed 7`"
    );
}
