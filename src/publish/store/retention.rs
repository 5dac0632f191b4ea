//! Which runs stay: what a pointer names, the newest of each window, and those that readers may still be at.
//!
//! A reader resolves a pointer once and may then read for a while. So a run goes some days after the last
//! pointer left it, not after it was made: the time of the last change of its folder is set when that happens.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{RUNS, STAGING, Store, WINDOWS};
use crate::config::plan::Keep;
use crate::publish::error::PublishError;
use crate::publish::files::{self, Standing};
use crate::publish::manifest::Manifest;

const DAY: Duration = Duration::from_secs(86_400);

/// A run that may go.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::publish) struct Kept {
    /// Whether a pointer names it.
    pub(in crate::publish) is_pointed: bool,
    /// When it was made, or when the last pointer left it.
    pub(in crate::publish) since: SystemTime,
    /// Its name.
    pub(in crate::publish) name: String,
}

impl Kept {
    /// Whether it is there for longer than a reader may need it. A time in the future is one of a clock that was wrong: as
    /// young as can be.
    fn is_old(&self, keep: Keep, now: SystemTime) -> bool {
        !self.is_pointed && now.duration_since(self.since).unwrap_or_default() >= DAY * keep.days
    }
}

impl Store {
    /// Notes that runs were left by a pointer just now, and removes those that nothing keeps. Returns the
    /// names of the removed ones.
    ///
    /// # Errors
    ///
    /// What the system said. What pointers name is never touched.
    pub fn retain(&self, left: &BTreeSet<String>, keep: Keep) -> Result<Vec<String>, PublishError> {
        let runs = self.root.join(RUNS);
        let pointed = self.pointed_runs()?;
        for name in left.difference(&pointed) {
            if Standing::at(&runs.join(name))? == Standing::Folder {
                files::touch(&runs.join(name))?;
            }
        }
        let gone = self.surplus(&pointed, keep, SystemTime::now())?;
        if gone.is_empty() {
            return Ok(gone);
        }
        // Out of sight at once, and for good before the first file goes: nobody meets half a run, and
        // whatever dies from here on leaves dead staging, which the next run removes.
        let staging = self.root.join(STAGING);
        for name in &gone {
            files::rename(&runs.join(name), &staging.join(name))?;
        }
        files::sync_folder(&runs)?;
        for name in &gone {
            files::remove(&staging.join(name))?;
        }
        Ok(gone)
    }

    /// Runs that neither a pointer nor their age nor their rank among those of their window keeps.
    fn surplus(
        &self,
        pointed: &BTreeSet<String>,
        keep: Keep,
        now: SystemTime,
    ) -> Result<Vec<String>, PublishError> {
        let runs = self.root.join(RUNS);
        let mut all = Vec::new();
        for name in files::entries(&runs)?.into_iter().filter(|name| is_run_name(name)) {
            let path = runs.join(&name);
            if Standing::at(&path)? == Standing::Folder {
                all.push(Kept { is_pointed: pointed.contains(&name), since: files::modified(&path)?, name });
            }
        }
        if !all.iter().any(|run| run.is_old(keep, now)) {
            return Ok(Vec::new());
        }
        let known: BTreeSet<String> = files::entries(&self.root.join(WINDOWS))?.into_iter().collect();
        let mut by_window: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
        for run in all {
            if let Some(window) = window_of(&runs.join(&run.name)) {
                by_window.entry(window).or_default().push(run);
            }
        }
        Ok(surplus(by_window, &known, keep, now))
    }
}

/// Those of the runs of each window that nothing keeps; `known` are the windows that have a pointer.
pub(in crate::publish) fn surplus(
    by_window: BTreeMap<String, Vec<Kept>>,
    known: &BTreeSet<String>,
    keep: Keep,
    now: SystemTime,
) -> Vec<String> {
    let mut gone = Vec::new();
    for (window, mut runs) in by_window {
        runs.sort_by(|one, other| other.cmp(one));
        // Whoever removes a window's pointer is done with its runs.
        let newest = if known.contains(&window) { keep.runs } else { 0 };
        let old = runs.into_iter().skip(newest).filter(|run| run.is_old(keep, now));
        gone.extend(old.map(|run| run.name));
    }
    gone.sort();
    gone
}

/// Whether a folder is one of ours: `r-`, hexadecimal digits, `-`, attempt. Others are left alone.
pub(in crate::publish) fn is_run_name(name: &str) -> bool {
    let parts = name.strip_prefix("r-").and_then(|rest| rest.split_once('-'));
    parts.is_some_and(|(hash, attempt)| {
        !hash.is_empty()
            && hash.bytes().all(|byte| byte.is_ascii_hexdigit())
            && !attempt.is_empty()
            && attempt.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// The window of a run; `None` where the manifest doesn't read: such a folder is left for a person to look at.
fn window_of(run: &Path) -> Option<String> {
    Manifest::read(run).ok().map(|manifest| manifest.window.name)
}

#[cfg(test)]
mod tests {
    use super::super::tests::{commit, open, run_id};
    use super::*;

    const WEEK: Keep = Keep { days: 7, runs: 3 };
    const NOTHING: Keep = Keep { days: 0, runs: 1 };

    /// Commits and retains as a run does; gives the name of the run and of those that went.
    fn publish(store: &Store, salt: &str, from: i64, to: i64, keep: Keep) -> (String, Vec<String>) {
        let (directory, pointed) = commit(store, &run_id(salt), from, to, false);
        let name = directory.file_name().unwrap().to_str().unwrap().to_owned();
        (name, store.retain(&pointed.left, keep).unwrap())
    }

    /// As if the last pointer had left it so many days ago.
    fn age(store: &Store, run: &str, days: u32) {
        let folder = std::fs::File::open(store.root.join(RUNS).join(run)).unwrap();
        folder.set_modified(SystemTime::now() - DAY * days).unwrap();
    }

    fn left(store: &Store) -> BTreeSet<String> {
        files::entries(&store.root.join(RUNS)).unwrap().into_iter().collect()
    }

    fn names(runs: &[&String]) -> BTreeSet<String> {
        runs.iter().map(|run| (*run).clone()).collect()
    }

    #[test]
    fn a_run_goes_when_it_is_old_and_others_of_its_window_are_newer() {
        let (_out, store) = open();
        let (first, _) = publish(&store, "1", 0, 10, WEEK);
        let (second, _) = publish(&store, "2", 0, 10, WEEK);
        let (third, _) = publish(&store, "3", 0, 10, WEEK);
        // Old, but one of three.
        age(&store, &first, 30);
        let (fourth, gone) = publish(&store, "4", 0, 10, WEEK);
        assert_eq!(gone, std::slice::from_ref(&first), "the fourth, and older than a week");
        // One of four, but young.
        age(&store, &second, 6);
        let (fifth, gone) = publish(&store, "5", 0, 10, WEEK);
        assert_eq!(gone, Vec::<String>::new());
        assert_eq!(left(&store), names(&[&second, &third, &fourth, &fifth]));
        assert_eq!(files::entries(&store.root.join(STAGING)).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn days_count_from_when_the_last_pointer_left() {
        let (_out, store) = open();
        let keep = Keep { days: 7, runs: 1 };
        let (first, _) = publish(&store, "1", 0, 10, keep);
        age(&store, &first, 400);
        let (second, gone) = publish(&store, "2", 0, 10, keep);
        assert_eq!(gone, Vec::<String>::new(), "it was the visible one a moment ago");
        age(&store, &first, 7);
        let (third, gone) = publish(&store, "3", 0, 10, keep);
        assert_eq!(gone, [first]);
        assert_eq!(left(&store), names(&[&second, &third]));
    }

    #[test]
    fn what_a_pointer_names_never_goes() {
        let (_out, store) = open();
        let (june, _) = publish(&store, "june", 0, 10, NOTHING);
        let (july, _) = publish(&store, "july", 10, 20, NOTHING);
        for run in [&june, &july] {
            age(&store, run, 1_000);
        }
        let (again, gone) = publish(&store, "june again", 0, 10, NOTHING);
        assert_eq!(gone, [june], "its window has another now");
        // `current` still names July, and June's pointer the new one.
        age(&store, &again, 1_000);
        assert_eq!(store.retain(&BTreeSet::new(), NOTHING).unwrap(), Vec::<String>::new());
        assert_eq!(left(&store), names(&[&july, &again]));
    }

    #[test]
    fn a_window_without_a_pointer_keeps_its_young_runs_only() {
        let (_out, store) = open();
        let (june, _) = publish(&store, "june", 0, 10, WEEK);
        let (july, _) = publish(&store, "july", 10, 20, WEEK);
        std::fs::remove_file(store.root.join(WINDOWS).join("1970-01-01_1970-01-11")).unwrap();
        assert_eq!(store.retain(&BTreeSet::new(), WEEK).unwrap(), Vec::<String>::new());
        age(&store, &june, 8);
        assert_eq!(store.retain(&BTreeSet::new(), WEEK).unwrap(), [june]);
        assert_eq!(left(&store), names(&[&july]));
    }

    #[test]
    fn what_is_not_ours_is_left_alone() {
        let (out, store) = open();
        let (first, _) = publish(&store, "1", 0, 10, NOTHING);
        let runs = store.root.join(RUNS);
        for name in ["mine", "r-1", "r-zz-1", "r-ab-x", "r-ab-", "r--1", "r-ab-1"] {
            std::fs::create_dir(runs.join(name)).unwrap();
            age(&store, name, 1_000);
        }
        // A link that is called like a run is no run.
        let elsewhere = out.path().join("elsewhere");
        std::fs::create_dir(&elsewhere).unwrap();
        files::link(&elsewhere, &runs.join("r-cd-1")).unwrap();
        let (second, gone) = publish(&store, "2", 0, 10, NOTHING);
        assert_eq!(gone, [first]);
        assert!(elsewhere.is_dir());
        assert_eq!(left(&store).len(), 9, "{:?} and {second}", left(&store));
    }

    #[test]
    fn a_clock_that_went_back_keeps_runs() {
        let (_out, store) = open();
        let keep = Keep { days: 1, runs: 1 };
        let (first, _) = publish(&store, "1", 0, 10, keep);
        publish(&store, "2", 0, 10, keep);
        let folder = std::fs::File::open(store.root.join(RUNS).join(&first)).unwrap();
        folder.set_modified(SystemTime::now() + DAY * 30).unwrap();
        assert_eq!(store.retain(&BTreeSet::new(), keep).unwrap(), Vec::<String>::new());
    }
}
