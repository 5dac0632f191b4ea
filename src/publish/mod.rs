//! Publishing: every file written, synced and read back in staging, the manifest last, then one swap.

#[cfg(feature = "cloud")]
mod bucket;
pub mod csv;
pub mod datapackage;
mod destination;
mod error;
mod files;
pub mod manifest;
pub mod parquet;
mod rejected;
mod run_id;
mod store;
pub mod verify;
mod whole;

use std::collections::{BTreeMap, HashSet};
use std::error::Error;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use polars::prelude::DataFrame;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

pub use self::csv::CsvFormat;
pub use destination::{Destination, Pointer, current_run, open};
pub use error::PublishError;
pub(crate) use files::read_file;
pub use manifest::{InputRecord, JobRecord, Manifest, QuarantinedRecord};
pub use rejected::RejectedRows;
pub use run_id::{RunId, RunIdParts};
pub use store::{Damaged, Found, Pointed, Search, Staging, Store, window_name};

use self::manifest::{FileRecord, MANIFEST, RejectedRecord, TableRecord, WindowRecord};
use crate::config::plan::{Keep, OutputPlan, Zone};
use crate::interrupt::Interrupt;
use crate::tables::{ColumnType, TableDocs, TableError, Window, check_columns, is_table_name};

/// Everything a run publishes.
#[derive(Debug)]
pub struct Publication<'a> {
    /// Hash of everything that can change a published byte.
    pub run_id: RunId,
    /// The reporting window.
    pub window: Window,
    /// Zone of the job: names the window.
    pub timezone: &'a Zone,
    /// For the manifest: what ran.
    pub job: JobRecord,
    /// For the manifest: files that were read.
    pub inputs: Vec<InputRecord>,
    /// For the manifest: files that were left out because they are damaged.
    pub quarantined: Vec<QuarantinedRecord>,
    /// For the manifest: what a person should know of the inputs.
    pub warnings: Vec<String>,
    /// For the manifest: rows and customers by fate.
    pub counts: BTreeMap<String, u64>,
    /// For the manifest: wall clock at the start.
    pub started: Timestamp,
    /// Tables as they will be read, in the order of the manifest.
    pub tables: Vec<(TableDocs, DataFrame)>,
    /// Rejected rows by input; inputs without any leave no file.
    pub rejected: Vec<RejectedRows>,
    /// Formats.
    pub output: &'a OutputPlan,
    /// Names of the tables, where it is not all that there are: for the manifest.
    pub only: &'a [String],
    /// Whether `current` moves even to an earlier window.
    pub make_current: bool,
    /// Asked before every file, and for the last time before anything is visible.
    pub interrupt: &'a Interrupt,
}

/// What was published.
#[derive(Debug, Clone, PartialEq)]
pub struct Published {
    /// The folder of the run.
    pub directory: PathBuf,
    /// Rows by table, in the order of the manifest.
    pub rows: Vec<(String, u64)>,
    /// Whether `current` points to it.
    pub is_current: bool,
    /// Whether it had been published before and nothing was computed.
    pub reused: bool,
    /// Runs that retention removed, by the names of their folders.
    pub removed: Vec<String>,
    /// Why retention failed; the result stands all the same.
    pub warning: Option<String>,
}

/// Publishes a run: whole or not at all. Tables are written side by side in the pool of the caller.
///
/// # Errors
///
/// [`PublishError`] names the file and what was tried. Nothing visible has then changed and the staging is
/// removed, except for [`PublishError::Unconfirmed`].
pub fn publish(store: &dyn Destination, publication: &Publication<'_>) -> Result<Published, PublishError> {
    check_names(publication)?;
    let format = CsvFormat::new(publication.output)?;
    let staging = store.stage(&publication.run_id)?;
    let folder = Folder { path: staging.path(), interrupt: publication.interrupt };

    let tables = write_tables(&folder, publication, format)?;
    let rejected = write_rejected(&folder, &publication.rejected)?;
    let described: Vec<_> = publication.tables.iter().map(|(docs, _)| docs).zip(&tables).collect();
    let package = datapackage::encode(publication.run_id.as_str(), &described, format)?;
    let files = vec![folder.write(datapackage::DATA_PACKAGE.to_owned(), &package)?];
    verify::read_whole(&folder.path.join(&files[0].path), &files[0])?;

    let manifest = Manifest {
        manifest_version: 1,
        run_id: publication.run_id.to_string(),
        attempt: staging.attempt(),
        job: publication.job.clone(),
        window: window_record(publication)?,
        inputs: publication.inputs.clone(),
        quarantined: publication.quarantined.clone(),
        warnings: publication.warnings.clone(),
        counts: publication.counts.clone(),
        only: publication.only.to_vec(),
        tables,
        rejected,
        files,
        started: publication.started.to_string(),
        finished: Timestamp::now().to_string(),
    };
    let file = folder.write(MANIFEST.to_owned(), &manifest.encode()?)?;
    verify::read_whole(&folder.path.join(&file.path), &file)?;
    store.deliver(&staging, &manifest, publication.interrupt)?;
    let (directory, pointed) = store.commit(staging, &manifest, publication.make_current)?;
    Ok(published(store, &manifest, directory, &pointed, publication.output.keep, false))
}

/// Makes a run that was published before visible again, and current unless that would go back in time.
///
/// # Errors
///
/// What the system said; the pointers are then as before.
pub fn republish(
    store: &dyn Destination,
    found: &Found,
    keep: Keep,
    make_current: bool,
) -> Result<Published, PublishError> {
    let pointed = store.point_to(found, make_current)?;
    Ok(published(store, &found.manifest, found.directory.clone(), &pointed, keep, true))
}

/// What is visible now; runs that nothing keeps any more are removed.
fn published(
    store: &dyn Destination,
    manifest: &Manifest,
    directory: PathBuf,
    pointed: &Pointed,
    keep: Keep,
    reused: bool,
) -> Published {
    // The result is out: that old ones can't be removed is no reason to call the run failed.
    let (removed, warning) = match store.retain(&pointed.left, keep) {
        Ok(removed) => (removed, None),
        Err(error) => (Vec::new(), Some(told(&error))),
    };
    Published {
        directory,
        rows: manifest.tables.iter().map(|table| (table.name.clone(), table.rows)).collect(),
        is_current: pointed.is_current,
        reused,
        removed,
        warning,
    }
}

/// Why old runs stay, in one line.
fn told(error: &PublishError) -> String {
    let cause = error.source().map(|cause| format!(": {cause}")).unwrap_or_default();
    format!("earlier runs that nothing keeps were not all removed: {error}{cause}")
}

fn window_record(publication: &Publication<'_>) -> Result<WindowRecord, PublishError> {
    let instant = |us| {
        Timestamp::from_microsecond(us)
            .map(|instant| instant.to_string())
            .map_err(|_| PublishError::Calendar { value: us, place: "the window".to_owned() })
    };
    Ok(WindowRecord {
        name: window_name(publication.window, publication.timezone)?,
        from: instant(publication.window.from_us)?,
        to: instant(publication.window.to_us)?,
        from_us: publication.window.from_us,
        to_us: publication.window.to_us,
    })
}

fn check_names(publication: &Publication<'_>) -> Result<(), PublishError> {
    let mut seen = HashSet::new();
    for (docs, _) in &publication.tables {
        if !is_table_name(&docs.name) {
            return Err(PublishError::Name {
                what: "the table",
                name: docs.name.clone(),
                allowed: "small letters, digits and _, a letter first, at most 64",
            });
        }
        if !seen.insert(&docs.name) {
            return Err(PublishError::DuplicateTable { name: docs.name.clone() });
        }
    }
    for rejected in &publication.rejected {
        let name = &rejected.input;
        if name.is_empty() || !name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_') {
            return Err(PublishError::Name {
                what: "the input",
                name: name.clone(),
                allowed: "small letters and _",
            });
        }
    }
    Ok(())
}

fn write_tables(
    folder: &Folder<'_>,
    publication: &Publication<'_>,
    format: CsvFormat,
) -> Result<Vec<TableRecord>, PublishError> {
    let output = publication.output;
    if output.parquet {
        folder.create("tables")?;
    }
    if output.csv {
        folder.create("csv")?;
    }
    let write = |(docs, frame): &(TableDocs, DataFrame)| write_table(folder, docs, frame, output, format);
    let records: Vec<_> = publication.tables.par_iter().map(write).collect();
    // Of several errors the first in the order of the tables, whoever was faster.
    let records = records.into_iter().collect::<Result<_, _>>()?;
    if output.parquet {
        folder.sync("tables")?;
    }
    if output.csv {
        folder.sync("csv")?;
    }
    Ok(records)
}

/// Writes a table in every format and reads it back.
fn write_table(
    folder: &Folder<'_>,
    docs: &TableDocs,
    frame: &DataFrame,
    output: &OutputPlan,
    format: CsvFormat,
) -> Result<TableRecord, PublishError> {
    let columns = docs.columns.iter().map(|column| (column.name.as_str(), column.kind));
    let frame = check_columns(&docs.name, columns, frame.clone())?;
    check_finite(docs, &frame)?;
    let (csv, parquet) = rayon::join(
        || output.csv.then(|| write_csv(folder, docs, &frame, format)).transpose(),
        || {
            let path = || format!("tables/{}.parquet", docs.name);
            output.parquet.then(|| write_parquet(folder, path(), docs, &frame)).transpose()
        },
    );
    Ok(TableRecord { name: docs.name.clone(), rows: frame.height() as u64, csv: csv?, parquet: parquet? })
}

fn write_csv(
    folder: &Folder<'_>,
    docs: &TableDocs,
    frame: &DataFrame,
    format: CsvFormat,
) -> Result<FileRecord, PublishError> {
    let file = folder.write(format!("csv/{}.csv", docs.name), &csv::encode(docs, frame, format)?)?;
    verify::verify_csv(folder.path, &file, docs, frame, format)?;
    Ok(file)
}

fn write_parquet(
    folder: &Folder<'_>,
    path: String,
    docs: &TableDocs,
    frame: &DataFrame,
) -> Result<FileRecord, PublishError> {
    let bytes = parquet::encode(docs, frame)
        .map_err(|source| PublishError::Encode { table: docs.name.clone(), source })?;
    let file = folder.write(path, &bytes)?;
    verify::verify_parquet(folder.path, &file, docs, frame)?;
    Ok(file)
}

fn check_finite(docs: &TableDocs, frame: &DataFrame) -> Result<(), PublishError> {
    for column in docs.columns.iter().filter(|column| column.kind == ColumnType::Float64) {
        let values = frame.column(&column.name).and_then(|found| found.f64());
        let values = values.map_err(|source| TableError::Frame { table: docs.name.clone(), source })?;
        let not_finite = values
            .iter()
            .enumerate()
            .find_map(|(row, value)| Some((row, value?)).filter(|(_, value)| !value.is_finite()));
        if let Some((row, value)) = not_finite {
            let (table, column, row) = (docs.name.clone(), column.name.clone(), (row + 1).to_string());
            return Err(TableError::NotFinite { table, column, value, row }.into());
        }
    }
    Ok(())
}

fn write_rejected(
    folder: &Folder<'_>,
    rejected: &[RejectedRows],
) -> Result<Vec<RejectedRecord>, PublishError> {
    let mut records = Vec::new();
    for rows in rejected.iter().filter(|rows| !rows.is_empty()) {
        folder.create("rejected")?;
        let (docs, frame) = rows.table()?;
        let file = write_parquet(folder, format!("rejected/{}.parquet", rows.input), &docs, &frame)?;
        records.push(RejectedRecord { input: rows.input.clone(), rows: rows.len() as u64, file });
    }
    if !records.is_empty() {
        folder.sync("rejected")?;
    }
    Ok(records)
}

/// The folder of a run while it is written.
struct Folder<'a> {
    path: &'a Path,
    interrupt: &'a Interrupt,
}

impl Folder<'_> {
    fn create(&self, name: &str) -> Result<(), PublishError> {
        files::make_folder(&self.path.join(name))
    }

    fn sync(&self, name: &str) -> Result<(), PublishError> {
        files::sync_folder(&self.path.join(name))
    }

    fn write(&self, path: String, bytes: &[u8]) -> Result<FileRecord, PublishError> {
        self.interrupt.check()?;
        files::write_file(&self.path.join(&path), bytes)?;
        Ok(FileRecord::new(path, bytes))
    }
}

#[cfg(test)]
mod tests;
