//! Whether a published run is still what its manifest says.

use std::path::{Component, Path};

use bytes::Bytes;
use parquet::file::reader::{FileReader, SerializedFileReader};

use super::files::{self, Standing};
use super::manifest::{FileRecord, Manifest, sha256};

/// The first file that doesn't have the bytes, or as Parquet the rows, that the manifest names; None: the run is whole. What
/// can't be read isn't what was published.
pub(super) fn damaged<'m>(directory: &Path, manifest: &'m Manifest) -> Option<&'m str> {
    let mut files = records(manifest);
    let damaged = files.find(|(file, rows)| !is_as_recorded(directory, file, *rows));
    damaged.map(|(file, _)| file.path.as_str())
}

/// Every file that a manifest names beside itself, with its rows where it is Parquet.
pub(super) fn records(manifest: &Manifest) -> impl Iterator<Item = (&FileRecord, Option<u64>)> {
    let tables = manifest.tables.iter().flat_map(|table| {
        let parquet = table.parquet.iter().map(|file| (file, Some(table.rows)));
        parquet.chain(table.csv.iter().map(|file| (file, None)))
    });
    let rejected = manifest.rejected.iter().map(|rejected| (&rejected.file, Some(rejected.rows)));
    let others = manifest.files.iter().map(|file| (file, None));
    tables.chain(rejected).chain(others)
}

fn is_as_recorded(directory: &Path, record: &FileRecord, rows: Option<u64>) -> bool {
    let relative = Path::new(&record.path);
    // A manifest may have been tampered with; what it names has to lie beside it.
    if !relative.components().all(|part| matches!(part, Component::Normal(_))) {
        return false;
    }
    let path = directory.join(relative);
    let is_file = Standing::at(&path).is_ok_and(|found| found == Standing::File);
    let bytes = is_file.then(|| files::read_file(&path).ok()).flatten();
    bytes.is_some_and(|bytes| holds(bytes.into(), record, rows))
}

/// Whether bytes are those of a record, with so many rows.
pub(super) fn holds(bytes: Bytes, record: &FileRecord, rows: Option<u64>) -> bool {
    bytes.len() as u64 == record.size
        && sha256(&bytes) == record.sha256
        && rows.is_none_or(|rows| parquet_rows(bytes) == Some(rows))
}

/// Rows by the footer.
fn parquet_rows(bytes: Bytes) -> Option<u64> {
    let reader = SerializedFileReader::new(bytes).ok()?;
    u64::try_from(reader.metadata().file_metadata().num_rows()).ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::super::tests::Fixture;
    use super::super::{Damaged, MANIFEST, Search, publish};
    use super::*;

    #[test]
    fn every_changed_byte_and_every_wrong_count_is_seen() {
        let fixture = Fixture::new();
        let directory = publish(&fixture.store, &fixture.publication()).unwrap().directory;
        let manifest = Manifest::read(&directory).unwrap();
        assert_eq!(damaged(&directory, &manifest), None);
        for file in manifest.all_files() {
            let path = directory.join(&file.path);
            let good = fs::read(&path).unwrap();
            let mut bad = good.clone();
            bad[good.len() / 2] ^= 1;
            fs::write(&path, &bad).unwrap();
            assert_eq!(damaged(&directory, &manifest), Some(file.path.as_str()));
            fs::remove_file(&path).unwrap();
            assert_eq!(damaged(&directory, &manifest), Some(file.path.as_str()));
            fs::write(&path, &good).unwrap();
        }
        assert_eq!(damaged(&directory, &manifest), None);

        let mut other = manifest.clone();
        other.tables[0].rows += 1;
        assert!(damaged(&directory, &other).is_some());
        let mut other = manifest.clone();
        other.rejected[0].rows -= 1;
        assert!(damaged(&directory, &other).is_some());
    }

    #[test]
    fn what_lies_elsewhere_is_no_part_of_a_run() {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("run");
        fs::create_dir(&directory).unwrap();
        fs::write(folder.path().join("secret"), "x").unwrap();
        fs::write(directory.join("own"), "x").unwrap();
        std::os::unix::fs::symlink("../secret", directory.join("link")).unwrap();
        let own = FileRecord::new("own".to_owned(), b"x");
        assert!(is_as_recorded(&directory, &own, None));
        let absolute = folder.path().join("secret").display().to_string();
        for path in ["../secret", "link", &absolute, "./own", ""] {
            let record = FileRecord { path: path.to_owned(), ..own.clone() };
            assert!(!is_as_recorded(&directory, &record, None), "{path}");
        }
    }

    #[test]
    fn a_damaged_run_is_published_again_beside_it() {
        let fixture = Fixture::new();
        let publication = fixture.publication();
        let first = publish(&fixture.store, &publication).unwrap().directory;
        let path = first.join("tables/stage_funnel.parquet");
        let mut bytes = fs::read(&path).unwrap();
        // The size stays.
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
        let search = fixture.store.find_published(&publication.run_id).unwrap();
        let damaged = Damaged { directory: first, file: "tables/stage_funnel.parquet".to_owned() };
        assert_eq!(search, Search { found: None, damaged: vec![damaged] });
        let second = publish(&fixture.store, &publication).unwrap().directory;
        assert!(second.display().to_string().ends_with("-2"));
        let search = fixture.store.find_published(&publication.run_id).unwrap();
        assert_eq!(search.found.unwrap().directory, second);
        assert_eq!(search.damaged, [], "what was mended is told once");
        assert!(second.join(MANIFEST).is_file());
    }
}
