//! What changed between two published runs, table by table, and why.
//!
//! Nothing is computed again: tables are compared row by row by their keys, causes come from the manifests.

mod causes;
mod changes;
mod error;
mod locate;
mod table;
mod text;

use std::path::PathBuf;

use serde::Serialize;

pub use causes::{
    Causes, Change, CoveredDays, FileChange, FileStatus, InputChange, KeyChange, QueryChange, covered_days,
};
pub use changes::{CellChange, Status, TableChange};
pub use error::DiffError;
pub use locate::{Run, locate};
pub use table::{Table, Value};
pub use text::text;

use crate::publish::manifest::TableRecord;

/// The table by which touches are known day by day.
const DAILY: &str = "channel_daily";

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    /// The run before, as [`locate`] takes it.
    pub before: String,
    /// The run after.
    pub after: String,
    /// Output folder in which names are looked up.
    pub out: PathBuf,
    /// Largest changes that are kept of each table.
    pub top: usize,
}

/// Two runs side by side.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    /// The run before.
    pub before: RunSummary,
    /// The run after.
    pub after: RunSummary,
    /// Whether no table differs that both were to publish.
    pub same_tables: bool,
    /// Why they differ.
    pub causes: Causes,
    /// In the order of the run after; tables that only the run before has come last.
    pub tables: Vec<TableChange>,
}

/// What one run is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RunSummary {
    /// Name of its folder.
    pub run: String,
    /// Hash of all that can change a byte of it.
    pub run_id: String,
    /// Name of its window.
    pub window: String,
    /// Version of the build.
    pub version: String,
    /// Wall clock at its end, RFC 3339.
    pub finished: String,
}

impl RunSummary {
    fn of(run: &Run) -> Self {
        RunSummary {
            run: run.name(),
            run_id: run.manifest.run_id.clone(),
            window: run.manifest.window.name.clone(),
            version: run.manifest.job.version.clone(),
            finished: run.manifest.finished.clone(),
        }
    }
}

/// Compares two runs.
///
/// # Errors
///
/// One of them isn't there, or can't be read.
pub fn diff(request: &Request) -> Result<Comparison, DiffError> {
    let before = locate(&request.before, &request.out)?;
    let after = locate(&request.after, &request.out)?;
    let mut causes = Causes::of(&before.manifest, &after.manifest);
    let find =
        |run: &'_ Run, name: &str| run.manifest.tables.iter().find(|table| table.name == name).cloned();
    let mut tables = Vec::new();
    for record in &after.manifest.tables {
        let change = match find(&before, &record.name) {
            Some(old) => compare((&before, &old), (&after, record), request.top)?,
            None => {
                let status = missing_in(&before, &record.name, Status::Added);
                TableChange::of(&record.name, status, None, Some(record.rows))
            }
        };
        tables.push(change);
    }
    for record in &before.manifest.tables {
        if find(&after, &record.name).is_none() {
            let status = missing_in(&after, &record.name, Status::Removed);
            tables.push(TableChange::of(&record.name, status, Some(record.rows), None));
        }
    }
    if let (Some(old), Some(new)) = (read_named(&before, DAILY)?, read_named(&after, DAILY)?) {
        causes.covered_days = covered_days((&before.manifest, &old), (&after.manifest, &new));
    }
    Ok(Comparison {
        before: RunSummary::of(&before),
        after: RunSummary::of(&after),
        same_tables: tables.iter().all(|table| matches!(table.status, Status::Same | Status::NotAsked)),
        causes,
        tables,
    })
}

/// What became of a table that only the other run has.
fn missing_in(run: &Run, table: &str, otherwise: Status) -> Status {
    let only = &run.manifest.only;
    let is_asked_for = only.is_empty() || only.iter().any(|name| name == table);
    if is_asked_for { otherwise } else { Status::NotAsked }
}

fn compare(
    (before, old): (&Run, &TableRecord),
    (after, new): (&Run, &TableRecord),
    top: usize,
) -> Result<TableChange, DiffError> {
    let hash =
        |file: &Option<crate::publish::manifest::FileRecord>| file.as_ref().map(|file| file.sha256.clone());
    let of = |status| TableChange::of(&new.name, status, Some(old.rows), Some(new.rows));
    match (read(before, old)?, read(after, new)?) {
        _ if old.parquet.is_some() && hash(&old.parquet) == hash(&new.parquet) => Ok(of(Status::Same)),
        (Some(old), Some(after)) => Ok(changes::compare(&new.name, &old, &after, top)),
        _ if old.csv.is_some() && hash(&old.csv) == hash(&new.csv) => Ok(of(Status::Same)),
        _ => Ok(of(Status::NotCompared)),
    }
}

fn read_named(run: &Run, name: &str) -> Result<Option<Table>, DiffError> {
    let record = run.manifest.tables.iter().find(|table| table.name == name);
    record.map_or(Ok(None), |record| read(run, record))
}

/// The rows of a table; None where it was published as CSV only.
fn read(run: &Run, record: &TableRecord) -> Result<Option<Table>, DiffError> {
    record.parquet.as_ref().map(|file| Table::read(&run.folder.join(&file.path))).transpose()
}
