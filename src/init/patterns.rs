//! Patterns that find the files of an input and no others: today's, and those of tomorrow.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, escape};

use crate::input::discover;
use crate::input::discover::fixed_part;

use super::survey::source;

/// A name with so many digits in a row is that of one of many files: a date, a number with zeros before it.
const SERIAL_DIGITS: usize = 4;

/// Where files were looked for.
#[derive(Debug, Clone, Copy)]
pub struct Places<'a> {
    /// Every file that was found, readable or not.
    pub all: &'a [&'a Path],
    /// What was named: absolute files, folders and patterns.
    pub named: &'a [PathBuf],
    /// Folder of the configuration: what lies below it is named relative to it.
    pub base: &'a Path,
}

/// Patterns by which a run finds some files and no others.
///
/// A pattern with `*` also finds the file of tomorrow. Where none fits, what lies among them is told apart by the letters
/// that names begin with. A file that was named by itself, and one whose name is none of a series, stands as it is.
pub fn patterns(files: &[&Path], places: &Places<'_>) -> Vec<String> {
    let wanted: BTreeSet<&Path> = files.iter().copied().collect();
    let is_single = |file: &Path| places.named.iter().any(|named| named == file) || !is_one_of_many(file);
    if let [only] = files
        && is_single(only)
    {
        return vec![relative(only, places.base)];
    }
    if let Some(pattern) = pattern(&wanted, places) {
        return vec![relative(Path::new(&pattern), places.base)];
    }
    let found = by_folder(&wanted, places);
    let found =
        if finds(&found, &wanted) { found } else { wanted.iter().map(|file| literal(file)).collect() };
    found.iter().map(|pattern| relative(Path::new(pattern), places.base)).collect()
}

fn by_folder(wanted: &BTreeSet<&Path>, places: &Places<'_>) -> Vec<String> {
    let mut folders: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
    for file in wanted {
        folders.entry(file.parent().unwrap_or(Path::new("/"))).or_default().insert(file);
    }
    let mut found = Vec::new();
    for (folder, inside) in folders {
        if inside.len() > 1
            && let Some(pattern) = pattern(&inside, places)
        {
            found.push(pattern);
            continue;
        }
        let others =
            places.all.iter().filter(|file| file.parent() == Some(folder) && !wanted.contains(*file));
        let others: Vec<&str> = others.filter_map(|file| name_of(file)).collect();
        cover(&inside.into_iter().collect::<Vec<_>>(), &others, &mut found);
    }
    found
}

/// As few patterns as find these files of a folder and no others, where names that begin alike stand together.
fn cover(inside: &[&Path], others: &[&str], found: &mut Vec<String>) {
    let names: Option<Vec<&str>> = inside.iter().map(|file| name_of(file)).collect();
    let Some(names) = names.filter(|names| names.len() > 1) else {
        found.extend(inside.iter().map(|file| literal(file)));
        return;
    };
    let prefix = common_prefix(&names);
    let suffix = only_suffix(inside).map(|suffix| format!(".{suffix}"));
    if let Some(suffix) = suffix
        && !others.iter().any(|name| name.starts_with(prefix) && name.ends_with(&suffix))
        && let Some(folder) = inside[0].parent().and_then(Path::to_str)
    {
        found.push(format!("{}/{}*{suffix}", escape(folder), escape(prefix)));
        return;
    }
    let mut parts: BTreeMap<Option<char>, Vec<&Path>> = BTreeMap::new();
    for (file, name) in inside.iter().zip(&names) {
        parts.entry(name[prefix.len()..].chars().next()).or_default().push(file);
    }
    parts.values().for_each(|part| cover(part, others, found));
}

/// One pattern that finds them all, in a run as here.
fn pattern(wanted: &BTreeSet<&Path>, places: &Places<'_>) -> Option<String> {
    let files: Vec<&Path> = wanted.iter().copied().collect();
    let folder = above_partitions(common_folder(wanted)?, places);
    let escaped = escape(folder.to_str()?);
    let suffix = only_suffix(&files)?;
    let stems: Vec<&str> = files.iter().map(|file| file.file_stem()?.to_str()).collect::<Option<_>>()?;
    // Tomorrow's file has another date.
    let prefix =
        common_prefix(&stems).split(|letter: char| letter.is_ascii_digit()).next().unwrap_or_default();
    let prefix = escape(prefix);
    let whole = [format!("{escaped}/*.{suffix}"), format!("{escaped}/**/*.{suffix}")];
    let begun = [format!("{escaped}/{prefix}*.{suffix}"), format!("{escaped}/**/{prefix}*.{suffix}")];
    // One file says little about a folder, unless that is a partition.
    let says_little = files.len() == 1 && !is_in_partition(files[0]);
    let candidates = if says_little { [begun, whole] } else { [whole, begun] };
    candidates.into_iter().flatten().find(|pattern| {
        let glob = GlobBuilder::new(pattern).literal_separator(true).build();
        let fits = glob.is_ok_and(|glob| {
            let matcher = glob.compile_matcher();
            places.all.iter().all(|file| matcher.is_match(file) == wanted.contains(file))
        });
        fits && finds(std::slice::from_ref(pattern), wanted)
    })
}

/// Whether a run finds these files by some patterns, and no others: beside those that were named there may be more.
fn finds(patterns: &[String], wanted: &BTreeSet<&Path>) -> bool {
    discover(&source("init", patterns.to_vec())).is_ok_and(|found| {
        found.len() == wanted.len() && found.iter().all(|file| wanted.contains(file.path.as_path()))
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

/// The folder above those of partitions (`dt=2026-04-01`), of which there are more tomorrow; never above one that was named.
fn above_partitions(mut folder: PathBuf, places: &Places<'_>) -> PathBuf {
    let roots: Vec<PathBuf> = places.named.iter().map(|named| fixed_part(named)).collect();
    let is_below_named = |folder: &Path| roots.iter().any(|root| folder != root && folder.starts_with(root));
    while is_below_named(&folder) && is_partition(&folder) {
        folder.pop();
    }
    folder
}

fn is_one_of_many(file: &Path) -> bool {
    let name = name_of(file).unwrap_or_default();
    let mut runs = name.split(|letter: char| !letter.is_ascii_digit());
    is_in_partition(file) || runs.any(|digits| digits.len() >= SERIAL_DIGITS)
}

fn is_in_partition(file: &Path) -> bool {
    file.parent().is_some_and(is_partition)
}

fn is_partition(folder: &Path) -> bool {
    name_of(folder).is_some_and(|name| name.contains('='))
}

fn name_of(path: &Path) -> Option<&str> {
    path.file_name()?.to_str()
}

/// The suffix of all files, where they have one in common.
fn only_suffix<'p>(files: &[&'p Path]) -> Option<&'p str> {
    let suffix = files.first()?.extension()?.to_str()?;
    files.iter().all(|file| file.extension().is_some_and(|own| own == suffix)).then_some(suffix)
}

/// What all names begin with.
fn common_prefix<'n>(names: &[&'n str]) -> &'n str {
    let Some((first, rest)) = names.split_first() else { return "" };
    rest.iter().fold(*first, |prefix, name| {
        let differs = prefix.char_indices().zip(name.chars()).find(|((_, one), other)| one != other);
        let end = differs.map_or(prefix.len().min(name.len()), |((at, _), _)| at);
        &prefix[..end]
    })
}

/// A file that stands for itself: a path that is there is never taken for a pattern.
fn literal(file: &Path) -> String {
    file.to_string_lossy().into_owned()
}

fn relative(path: &Path, base: &Path) -> String {
    let below = path.strip_prefix(base).unwrap_or(path);
    below.to_string_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Patterns for some files of a folder that has these, where `named` was named of it.
    fn of(named: &[&str], all: &[&str], wanted: &[&str]) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().canonicalize().unwrap();
        for file in all {
            std::fs::create_dir_all(folder.join(file).parent().unwrap()).unwrap();
            std::fs::write(folder.join(file), "").unwrap();
        }
        let named: Vec<PathBuf> = named.iter().map(|path| folder.join(path)).collect();
        // A folder is named without the slash behind it.
        let named: Vec<PathBuf> = named.iter().map(|path| path.components().collect()).collect();
        let paths = named.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let seen = discover(&source("init", paths)).unwrap();
        let seen: Vec<&Path> = seen.iter().map(|file| file.path.as_path()).collect();
        let wanted: Vec<PathBuf> = wanted.iter().map(|file| folder.join(file)).collect();
        let wanted: Vec<&Path> = wanted.iter().map(PathBuf::as_path).collect();
        patterns(&wanted, &Places { all: &seen, named: &named, base: &folder })
    }

    /// Where the folder was named, and all of its files are wanted.
    fn all_of(files: &[&str]) -> Vec<String> {
        of(&[""], files, files)
    }

    #[test]
    fn a_pattern_finds_its_files_and_no_others() {
        let days = ["t/dt=1/a.parquet", "t/dt=2/a.parquet"];
        assert_eq!(of(&[""], &[days[0], days[1], "c.parquet"], &days), ["t/**/*.parquet"]);
        let flat = ["events_2026-04-01.parquet", "events_2026-04-02.parquet"];
        assert_eq!(all_of(&flat), ["*.parquet"]);
        assert_eq!(of(&[""], &[flat[0], flat[1], "users.parquet"], &flat), ["events_*.parquet"]);
        assert_eq!(
            of(&[""], &["a.parquet", "b.parquet", "c.parquet"], &["a.parquet", "c.parquet"]),
            ["a.parquet", "c.parquet"]
        );
        let odd = ["x[1]/a.parquet", "x[1]/b.parquet"];
        assert_eq!(of(&[""], &[odd[0], odd[1], "z.parquet"], &odd), ["x[[]1[]]/*.parquet"]);
    }

    #[test]
    fn what_was_not_named_is_not_found() {
        let both = ["log-1.parquet", "other-1.parquet"];
        assert_eq!(of(&["log-*.parquet"], &both, &both[..1]), ["log-1.parquet"]);
        let more = ["log-0001.parquet", "log-0002.parquet", "other.parquet"];
        assert_eq!(of(&["log-*.parquet"], &more, &more[..2]), ["log-*.parquet"]);
        let days = ["t/dt=1/a.parquet", "t/dt=1/b.parquet", "t/dt=2/a.parquet"];
        assert_eq!(of(&["t/dt=1"], &days, &days[..2]), ["t/dt=1/*.parquet"]);
        // What a shell made of `*.parquet`.
        assert_eq!(of(&more[..2], &more[..2], &more[..2]), ["*.parquet"]);
        assert_eq!(of(&more[..2], &more, &more[..2]), ["log-*.parquet"]);
    }

    #[test]
    fn a_file_alone_is_the_first_of_many_by_its_name() {
        assert_eq!(all_of(&["customers.parquet"]), ["customers.parquet"]);
        assert_eq!(all_of(&["v2.parquet"]), ["v2.parquet"]);
        assert_eq!(all_of(&["t/events_2026-04-01.parquet"]), ["t/events_*.parquet"]);
        assert_eq!(all_of(&["t/dt=2026-04-01/a.parquet"]), ["t/**/*.parquet"]);
        assert_eq!(
            of(&["t/part-00000.parquet"], &["t/part-00000.parquet"], &["t/part-00000.parquet"]),
            ["t/part-00000.parquet"]
        );
        let lone = ["part-00000.parquet", "customers.parquet"];
        assert_eq!(of(&[""], &lone, &lone[..1]), ["part-*.parquet"]);
    }

    #[test]
    fn one_file_among_hundreds_costs_a_few_patterns() {
        let days: Vec<String> = (1..=30).map(|day| format!("e/events_2026-04-{day:02}.parquet")).collect();
        let all: Vec<&str> = days.iter().map(String::as_str).collect();
        let wanted: Vec<&str> = all.iter().copied().filter(|file| !file.contains("-17.")).collect();
        let found = of(&[""], &all, &wanted);
        assert_eq!(found.len(), 12, "{found:?}");
        assert_eq!(found[0], "e/events_2026-04-0*.parquet");
        assert_eq!(found[1], "e/events_2026-04-10.parquet");
        assert_eq!(found[10..], ["e/events_2026-04-2*.parquet", "e/events_2026-04-30.parquet"]);
    }
}
