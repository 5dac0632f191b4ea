//! Why two runs differ: build, window, configuration, queries, files, rows that came late.

use std::collections::BTreeMap;

use jiff::tz::TimeZoneDatabase;
use serde::Serialize;

use crate::publish::manifest::{InputRecord, Manifest};

use super::table::{Table, Value};

/// Everything that the manifests know of why two runs differ.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Causes {
    /// Version of the build, where it differs.
    pub version: Option<Change<String>>,
    /// Name of the window, where it differs.
    pub window: Option<Change<String>>,
    /// Keys of the configuration, as they were written.
    pub config: Vec<KeyChange>,
    /// Whether the resolved configuration differs beyond what `config` shows: a value from the environment, one that is
    /// hidden, or one that an older manifest doesn't hold.
    pub config_unrecorded: bool,
    /// Files of queries.
    pub queries: Vec<QueryChange>,
    /// The tables that were asked for, where that differs; none: all.
    pub only: Option<Change<Vec<String>>>,
    /// Files by input; inputs without any change are left out.
    pub inputs: Vec<InputChange>,
    /// Counts of rows and customers by fate that differ.
    pub counts: BTreeMap<String, Change<u64>>,
    /// Touches on days that both windows cover whole; None where the runs can't be compared so.
    pub covered_days: Option<CoveredDays>,
}

/// Before and after.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change<T> {
    /// In the run before.
    pub before: T,
    /// In the run after.
    pub after: T,
}

/// A key of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct KeyChange {
    /// With dots between its parts.
    pub key: String,
    /// As TOML; None where it isn't written.
    pub before: Option<String>,
    /// As TOML; None where it isn't written.
    pub after: Option<String>,
}

/// A file of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QueryChange {
    /// `name.sql`, or `name.toml` for its documentation.
    pub file: String,
    /// What happened.
    pub status: FileStatus,
}

/// What happened to a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum FileStatus {
    /// Only the run after read it.
    Added,
    /// Only the run before read it.
    Removed,
    /// Its content is another.
    Changed,
    /// The same content under another name.
    Moved,
    /// Size and time of change are the same, but other columns or row groups were read.
    ReadOtherwise,
}

/// What happened to the files of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct InputChange {
    /// As in the configuration.
    pub input: String,
    /// Rows of all its files.
    pub rows: Change<u64>,
    /// Files that differ.
    pub files: Vec<FileChange>,
}

/// What happened to a file of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FileChange {
    /// As it was opened; of a file that moved the new name.
    pub path: String,
    /// What happened.
    pub status: FileStatus,
    /// Rows before; None where it wasn't read.
    pub rows_before: Option<u64>,
    /// Rows after; None where it wasn't read.
    pub rows_after: Option<u64>,
}

/// Touches on days that both runs report whole: where nothing but the files differs, more of them came late.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct CoveredDays {
    /// Days that both runs cover.
    pub days: u64,
    /// Touches on them in the run before.
    pub touches_before: i64,
    /// Touches on them in the run after.
    pub touches_after: i64,
    /// Whether the same build and configuration counted them, so that what is more came late.
    pub same_rules: bool,
    /// Days with another number of touches: the number after less that before.
    pub by_day: BTreeMap<String, i64>,
}

impl Causes {
    /// What the manifests of two runs say.
    pub fn of(before: &Manifest, after: &Manifest) -> Self {
        let changed = |before: &str, after: &str| {
            (before != after).then(|| Change { before: before.to_owned(), after: after.to_owned() })
        };
        let config = config(&before.job.config, &after.job.config);
        let window_moved =
            before.window.from_us != after.window.from_us || before.window.to_us != after.window.to_us;
        Causes {
            version: changed(&before.job.version, &after.job.version),
            window: changed(&before.window.name, &after.window.name),
            // The hash covers the window of the configuration, which is told by itself.
            config_unrecorded: before.job.config_hash != after.job.config_hash
                && before.job.version == after.job.version
                && config.is_empty()
                && !window_moved,
            config,
            queries: queries(&before.job.queries, &after.job.queries),
            only: (before.only != after.only)
                .then(|| Change { before: before.only.clone(), after: after.only.clone() }),
            inputs: inputs(&before.inputs, &after.inputs),
            counts: counts(before, after),
            covered_days: None,
        }
    }

    /// Whether nothing is known that could make results differ.
    pub fn is_empty(&self) -> bool {
        self.version.is_none()
            && self.window.is_none()
            && self.config.is_empty()
            && !self.config_unrecorded
            && self.queries.is_empty()
            && self.only.is_none()
            && self.inputs.is_empty()
            && self.counts.is_empty()
            && self.covered_days.as_ref().is_none_or(|covered| covered.by_day.is_empty())
    }
}

/// Keys that say the window are told as the window.
fn is_window(key: &str) -> bool {
    matches!(key, "window.from" | "window.to" | "window.date")
}

fn config(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<KeyChange> {
    // Without a record on one side every key would seem new.
    if before.is_empty() || after.is_empty() {
        return Vec::new();
    }
    let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
    keys.sort();
    keys.dedup();
    let changes = keys.into_iter().filter(|key| before.get(*key) != after.get(*key) && !is_window(key));
    let change = |key: &String| KeyChange {
        key: key.clone(),
        before: before.get(key).cloned(),
        after: after.get(key).cloned(),
    };
    changes.map(change).collect()
}

fn queries(before: &BTreeMap<String, String>, after: &BTreeMap<String, String>) -> Vec<QueryChange> {
    if before.is_empty() && after.is_empty() {
        return Vec::new();
    }
    let mut files: Vec<&String> = before.keys().chain(after.keys()).collect();
    files.sort();
    files.dedup();
    let change = |file: &String| {
        let status = match (before.get(file), after.get(file)) {
            (None, _) => FileStatus::Added,
            (_, None) => FileStatus::Removed,
            (Some(before), Some(after)) if before != after => FileStatus::Changed,
            _ => return None,
        };
        Some(QueryChange { file: file.clone(), status })
    };
    files.into_iter().filter_map(change).collect()
}

fn inputs(before: &[InputRecord], after: &[InputRecord]) -> Vec<InputChange> {
    let mut names: Vec<&String> = before.iter().chain(after).map(|record| &record.input).collect();
    names.sort();
    names.dedup();
    let of = |records: &'_ [InputRecord], name: &String| -> Vec<InputRecord> {
        records.iter().filter(|record| record.input == *name).cloned().collect()
    };
    let changes = names.into_iter().map(|name| {
        let (before, after) = (of(before, name), of(after, name));
        let rows = |records: &[InputRecord]| records.iter().map(|record| record.rows).sum();
        let rows = Change { before: rows(&before), after: rows(&after) };
        InputChange { input: name.clone(), rows, files: files(&before, &after) }
    });
    changes.filter(|change| !change.files.is_empty()).collect()
}

fn files(before: &[InputRecord], after: &[InputRecord]) -> Vec<FileChange> {
    let by_path: BTreeMap<&str, &InputRecord> = before.iter().map(|record| (&*record.path, record)).collect();
    let stays = |path: &str| after.iter().any(|record| record.path == path);
    let mut gone: Vec<&InputRecord> = before.iter().filter(|record| !stays(&record.path)).collect();
    let mut changes = Vec::new();
    for record in after {
        let rows_after = Some(record.rows);
        let path = record.path.clone();
        if let Some(old) = by_path.get(&*record.path) {
            if old.blake3 != record.blake3 {
                let is_same_file = old.size == record.size && old.modified_us == record.modified_us;
                let status = if is_same_file { FileStatus::ReadOtherwise } else { FileStatus::Changed };
                changes.push(FileChange { path, status, rows_before: Some(old.rows), rows_after });
            }
        } else if let Some(at) = gone.iter().position(|old| old.blake3 == record.blake3) {
            let old = gone.remove(at);
            changes.push(FileChange {
                path,
                status: FileStatus::Moved,
                rows_before: Some(old.rows),
                rows_after,
            });
        } else {
            changes.push(FileChange { path, status: FileStatus::Added, rows_before: None, rows_after });
        }
    }
    changes.extend(gone.into_iter().map(|old| FileChange {
        path: old.path.clone(),
        status: FileStatus::Removed,
        rows_before: Some(old.rows),
        rows_after: None,
    }));
    changes.sort_by(|one, other| (one.status, &one.path).cmp(&(other.status, &other.path)));
    changes
}

fn counts(before: &Manifest, after: &Manifest) -> BTreeMap<String, Change<u64>> {
    let names = before.counts.keys().chain(after.counts.keys());
    let of = |manifest: &Manifest, name: &String| manifest.counts.get(name).copied().unwrap_or(0);
    let changes =
        names.map(|name| (name.clone(), Change { before: of(before, name), after: of(after, name) }));
    changes.filter(|(_, change)| change.before != change.after).collect()
}

/// Touches by day in two tables `channel_daily`, over the days that lie in both windows whole.
///
/// None where the runs have different days, or the tables no touches.
pub fn covered_days(before: (&Manifest, &Table), after: (&Manifest, &Table)) -> Option<CoveredDays> {
    let (old, new) = (before.0, after.0);
    if old.job.timezone != new.job.timezone {
        return None;
    }
    let zone = TimeZoneDatabase::bundled().get(&old.job.timezone).ok()?;
    let from_us = old.window.from_us.max(new.window.from_us);
    let to_us = old.window.to_us.min(new.window.to_us);
    let is_covered = |day: i32| {
        let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day)).ok()?;
        let start = date.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond();
        let end = date.tomorrow().ok()?.to_zoned(zone.clone()).ok()?.timestamp().as_microsecond();
        (start >= from_us && end <= to_us).then_some(())
    };
    let mut days: BTreeMap<i32, (i64, i64)> = BTreeMap::new();
    for (table, is_after) in [(before.1, false), (after.1, true)] {
        let (date, touches) = (table.place("date")?, table.place("touches")?);
        for row in &table.rows {
            let Value::Date(day) = row[date] else { continue };
            // What is withheld can't be compared, and counts as none.
            let count = if let Value::Int(count) = row[touches] { count } else { 0 };
            if is_covered(day).is_some() {
                let counted = days.entry(day).or_default();
                *(if is_after { &mut counted.1 } else { &mut counted.0 }) += count;
            }
        }
    }
    let by_day = days.iter().filter(|(_, (before, after))| before != after);
    let same_rules =
        old.job.version == new.job.version && config(&old.job.config, &new.job.config).is_empty();
    Some(CoveredDays {
        days: days.len() as u64,
        touches_before: days.values().map(|(before, _)| before).sum(),
        touches_after: days.values().map(|(_, after)| after).sum(),
        same_rules,
        by_day: by_day
            .map(|(day, (before, after))| (Value::Date(*day).to_string(), after - before))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(path: &str, blake3: &str, size: u64, rows: u64) -> InputRecord {
        InputRecord {
            input: "inputs.touchpoints".to_owned(),
            path: path.to_owned(),
            size,
            modified_us: Some(1),
            etag: None,
            blake3: blake3.to_owned(),
            sha256: None,
            rows,
            verified: false,
        }
    }

    #[test]
    fn files_are_told_by_name_and_content() {
        let before = [
            record("same", "1", 9, 1),
            record("grown", "2", 9, 2),
            record("columns", "3", 9, 3),
            record("old", "4", 9, 4),
            record("gone", "5", 9, 5),
        ];
        let after = [
            record("same", "1", 9, 1),
            record("grown", "6", 10, 3),
            record("columns", "7", 9, 3),
            record("new", "4", 9, 4),
            record("fresh", "8", 9, 8),
        ];
        let changes = inputs(&before, &after);
        assert_eq!(changes[0].rows, Change { before: 15, after: 19 });
        let shown: Vec<_> = changes[0].files.iter().map(|file| (&*file.path, file.status)).collect();
        assert_eq!(
            shown,
            [
                ("fresh", FileStatus::Added),
                ("gone", FileStatus::Removed),
                ("grown", FileStatus::Changed),
                ("new", FileStatus::Moved),
                ("columns", FileStatus::ReadOtherwise),
            ]
        );
        assert!(inputs(&before, &before).is_empty());
    }

    #[test]
    fn keys_are_those_written_without_the_window() {
        let of = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
        };
        let before = of(&[("a", "1"), ("b", "2"), ("window.from", "x")]);
        let after = of(&[("a", "1"), ("b", "3"), ("c", "4"), ("window.from", "y")]);
        let keys: Vec<String> = config(&before, &after).into_iter().map(|change| change.key).collect();
        assert_eq!(keys, ["b", "c"]);
        assert!(config(&BTreeMap::new(), &after).is_empty(), "an older manifest says nothing");
    }
}
