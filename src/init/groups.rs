//! Exports that belong together as one input, and the patterns that find exactly them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, escape};

use super::survey::{Export, Kind};
use super::tables::{Mapped, Reading, Table};

/// Exports that are read by one mapping.
#[derive(Debug)]
pub struct Group {
    /// Which input.
    pub table: Table,
    /// In the order of their paths.
    pub exports: Vec<Export>,
    /// Columns that all of them have.
    pub mapped: Vec<Mapped>,
    /// Optional columns that only some of them have under this name, so that they aren't mapped.
    pub partly: Vec<Mapped>,
}

impl Group {
    /// Rows of all files, where they are known.
    pub fn rows(&self) -> u64 {
        self.exports.iter().filter_map(|export| export.rows).sum()
    }

    /// A mapped column.
    pub fn find(&self, logical: &str) -> Option<&Mapped> {
        self.mapped.iter().find(|mapped| mapped.logical == logical)
    }

    /// Whether a time has no zone, so that the configuration must name one.
    pub fn needs_timezone(&self) -> bool {
        let is_time =
            |mapped: &&Mapped| matches!(mapped.logical, "occurred_at" | "assigned_at" | "valid_from");
        self.mapped.iter().filter(is_time).any(|mapped| mapped.kind != Kind::Instant)
    }
}

/// Puts exports together that are the same input by the same columns, those with most rows first.
pub fn group(readings: Vec<(Export, Reading)>) -> Vec<Group> {
    let mut groups: Vec<(Vec<(&'static str, String)>, Group)> = Vec::new();
    for (export, Reading { table, mapped }) in readings {
        let key: Vec<_> = mapped
            .iter()
            .filter(|mapped| is_key(mapped.logical))
            .map(|mapped| (mapped.logical, mapped.physical.clone()))
            .collect();
        match groups.iter_mut().find(|(known, group)| *known == key && group.table == table) {
            Some((_, group)) => {
                let (kept, lost): (Vec<_>, Vec<_>) =
                    std::mem::take(&mut group.mapped).into_iter().partition(|own| same_in(own, &mapped));
                let fresh = mapped.iter().filter(|other| !same_in(other, &kept)).cloned();
                let partly: Vec<_> = lost.into_iter().chain(fresh).collect();
                for own in partly {
                    if !same_in(&own, &group.partly) {
                        group.partly.push(own);
                    }
                }
                group.mapped = kept;
                // A time without a zone in one file is one in the group.
                for own in &mut group.mapped {
                    let other = mapped.iter().find(|other| other.logical == own.logical);
                    if let Some(other) = other.filter(|_| own.kind == Kind::Instant) {
                        own.kind = other.kind;
                    }
                }
                group.exports.push(export);
            }
            None => groups.push((key, Group { table, exports: vec![export], mapped, partly: Vec::new() })),
        }
    }
    let mut groups: Vec<Group> = groups.into_iter().map(|(_, group)| group).collect();
    groups.sort_by_key(|group| (group.table, std::cmp::Reverse(group.rows())));
    groups
}

/// Columns by which exports belong together.
fn is_key(logical: &str) -> bool {
    matches!(
        logical,
        "customer_id" | "occurred_at" | "event" | "date" | "cost" | "experiment" | "variant" | "assigned_at"
    )
}

fn same_in(own: &Mapped, others: &[Mapped]) -> bool {
    others.iter().any(|other| other.logical == own.logical && other.physical == own.physical)
}

/// Patterns that find the files of a group and no other of `all`, relative to `base` where they lie below it.
///
/// A pattern with `*` also finds the file of tomorrow; where none fits, the files stand one by one.
pub fn patterns(files: &[&Path], all: &[&Path], base: &Path) -> Vec<String> {
    let wanted: BTreeSet<&Path> = files.iter().copied().collect();
    if let [only] = files {
        return vec![relative(only, base)];
    }
    if let Some(pattern) = pattern(&wanted, all) {
        return vec![relative(Path::new(&pattern), base)];
    }
    let folders: BTreeSet<&Path> = files.iter().filter_map(|file| file.parent()).collect();
    let mut found = Vec::new();
    for folder in folders {
        let inside: BTreeSet<&Path> =
            wanted.iter().copied().filter(|file| file.parent() == Some(folder)).collect();
        match pattern(&inside, all).filter(|_| inside.len() > 1) {
            Some(pattern) => found.push(relative(Path::new(&pattern), base)),
            None => found.extend(inside.iter().map(|file| relative(file, base))),
        }
    }
    found
}

fn pattern(wanted: &BTreeSet<&Path>, all: &[&Path]) -> Option<String> {
    let folder = common_folder(wanted)?;
    let escaped = escape(folder.to_str()?);
    let suffixes: BTreeSet<&str> = wanted.iter().filter_map(|file| file.extension()?.to_str()).collect();
    let [suffix] = suffixes.iter().copied().collect::<Vec<_>>()[..] else { return None };
    let prefix = escape(&common_prefix(wanted));
    let candidates = [
        format!("{escaped}/*.{suffix}"),
        format!("{escaped}/**/*.{suffix}"),
        format!("{escaped}/{prefix}*.{suffix}"),
        format!("{escaped}/**/{prefix}*.{suffix}"),
    ];
    candidates.into_iter().find(|pattern| {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        glob.is_ok_and(|glob| {
            let matcher = glob.compile_matcher();
            all.iter().all(|file| matcher.is_match(file) == wanted.contains(file))
        })
    })
}

/// The folder that all files lie below.
fn common_folder(files: &BTreeSet<&Path>) -> Option<PathBuf> {
    let mut folder = files.first()?.parent()?.to_path_buf();
    while !files.iter().all(|file| file.starts_with(&folder)) {
        folder = folder.parent()?.to_path_buf();
    }
    Some(folder)
}

/// What the names of all files begin with, up to their first digit: `events_2026-04-01` and `events_2026-04-02` are
/// `events_`, for tomorrow's file has another date.
fn common_prefix(files: &BTreeSet<&Path>) -> String {
    let mut names = files.iter().filter_map(|file| file.file_name()?.to_str());
    let Some(first) = names.next() else { return String::new() };
    let mut prefix = first.split(|letter: char| letter.is_ascii_digit()).next().unwrap_or_default();
    for name in names {
        let same = prefix.char_indices().zip(name.chars()).find(|((_, one), other)| one != other);
        let end = same.map_or(prefix.len().min(name.len()), |((at, _), _)| at);
        prefix = &prefix[..end];
    }
    prefix.to_owned()
}

fn relative(path: &Path, base: &Path) -> String {
    let below = path.strip_prefix(base).unwrap_or(path);
    below.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(wanted: &[&str], all: &[&str]) -> Vec<String> {
        let wanted: Vec<&Path> = wanted.iter().map(Path::new).collect();
        let all: Vec<&Path> = all.iter().map(Path::new).collect();
        patterns(&wanted, &all, Path::new("/d"))
    }

    #[test]
    fn a_pattern_finds_its_files_and_no_others() {
        let days = ["/d/t/dt=1/a.parquet", "/d/t/dt=2/a.parquet"];
        assert_eq!(found(&days, &[days[0], days[1], "/d/c.parquet"]), ["t/**/*.parquet"]);
        let flat = ["/d/events_2026-04-01.parquet", "/d/events_2026-04-02.parquet"];
        assert_eq!(found(&flat, &flat), ["*.parquet"]);
        assert_eq!(found(&flat, &[flat[0], flat[1], "/d/users.parquet"]), ["events_*.parquet"]);
        assert_eq!(found(&flat[..1], &flat), ["events_2026-04-01.parquet"]);
        let mixed = ["/d/a.parquet", "/d/c.parquet"];
        assert_eq!(found(&mixed, &[mixed[0], "/d/b.parquet", mixed[1]]), ["a.parquet", "c.parquet"]);
        assert_eq!(found(&["/e/a.parquet"], &["/e/a.parquet"]), ["/e/a.parquet"]);
        let odd = ["/d/x[1]/a.parquet", "/d/x[1]/b.parquet"];
        assert_eq!(found(&odd, &[odd[0], odd[1], "/d/z.parquet"]), ["x[[]1[]]/*.parquet"]);
    }
}
