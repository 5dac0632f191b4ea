//! Which runs stay, by the rules of an output folder; and what dead uploads left.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use bytes::Bytes;

use super::{LEFT, Place, RUNS, WINDOWS};
use crate::cloud::Entry;
use crate::config::plan::Keep;
use crate::publish::error::PublishError;
use crate::publish::manifest::MANIFEST;
use crate::publish::store::{Kept, is_run_name, surplus};

/// An upload without a manifest to which nothing was added for so long is dead. There are no locks by which one could
/// tell, but no upload takes a day.
const DEAD_AFTER: Duration = Duration::from_secs(86_400);

/// What is in the store of a run.
#[derive(Debug)]
struct Listed {
    /// When its manifest was written; None: it has none.
    published: Option<SystemTime>,
    /// When the last of its objects was.
    touched: SystemTime,
}

impl Place {
    /// Notes that pointers left runs just now, removes runs that nothing keeps, and what dead uploads left.
    ///
    /// # Errors
    ///
    /// What the store said. What pointers name is never removed.
    pub(super) fn retain(&self, left: &BTreeSet<String>, keep: Keep) -> Result<Vec<String>, PublishError> {
        self.retain_at(left, keep, SystemTime::now())
    }

    fn retain_at(
        &self,
        left: &BTreeSet<String>,
        keep: Keep,
        now: SystemTime,
    ) -> Result<Vec<String>, PublishError> {
        for run in left {
            let below = format!("{LEFT}/{run}");
            self.bucket.put(&self.key(&below), Bytes::new()).map_err(self.failed("write", &below))?;
        }
        let runs = self.listed()?;
        let mut gone = self.surplus(&runs, keep, now)?;
        gone.retain(|run| self.condemn(run).unwrap_or(false));
        for run in &gone {
            self.remove_folder(run)?;
            self.remove(&format!("{LEFT}/{run}"))?;
        }
        let age = |since: SystemTime| now.duration_since(since).unwrap_or_default();
        for (run, listed) in &runs {
            if listed.published.is_none() && age(listed.touched) >= DEAD_AFTER {
                self.remove_folder(run)?;
            }
        }
        Ok(gone)
    }

    /// Everything that is called like a run.
    fn listed(&self) -> Result<BTreeMap<String, Listed>, PublishError> {
        let folder = self.key(RUNS);
        let entries = self.bucket.list(&folder).map_err(self.failed("list", RUNS))?;
        let mut runs: BTreeMap<String, Listed> = BTreeMap::new();
        for entry in entries {
            let below = entry.key.strip_prefix(&folder).unwrap_or_default().trim_start_matches('/');
            let Some((run, file)) = below.split_once('/').filter(|(run, _)| is_run_name(run)) else {
                continue;
            };
            let written = written(&entry);
            let listed = runs.entry(run.to_owned()).or_insert(Listed { published: None, touched: written });
            listed.touched = listed.touched.max(written);
            if file == MANIFEST {
                listed.published = Some(written);
            }
        }
        Ok(runs)
    }

    /// Runs that neither a pointer nor their age nor their rank among those of their window keeps.
    fn surplus(
        &self,
        runs: &BTreeMap<String, Listed>,
        keep: Keep,
        now: SystemTime,
    ) -> Result<Vec<String>, PublishError> {
        let published: Vec<(&String, SystemTime)> =
            runs.iter().filter_map(|(run, listed)| Some((run, listed.published?))).collect();
        let windows = self.bucket.list(&self.key(WINDOWS)).map_err(self.failed("list", WINDOWS))?;
        // Each window keeps one run at least. Where there are no others, nobody has to read all pointers.
        if published.len() <= windows.len() {
            return Ok(Vec::new());
        }
        let known: BTreeSet<String> = windows.iter().filter_map(|entry| window_of(&entry.key)).collect();
        let left = self.bucket.list(&self.key(LEFT)).map_err(self.failed("list", LEFT))?;
        let left: BTreeMap<&str, SystemTime> =
            left.iter().filter_map(|entry| Some((entry.key.rsplit('/').next()?, written(entry)))).collect();
        let pointed = self.pointed_runs()?;
        let mut by_window: BTreeMap<String, Vec<Kept>> = BTreeMap::new();
        for (run, published) in published {
            let window = match pointed.get(run) {
                Some(window) => Some(window.clone()),
                None => self.manifest(run)?.map(|manifest| manifest.window.name),
            };
            // What has no manifest that reads is left for a person to look at.
            let Some(window) = window else { continue };
            let since = left.get(run.as_str()).copied().unwrap_or(published).max(published);
            let kept = Kept { is_pointed: pointed.contains_key(run), since, name: run.clone() };
            by_window.entry(window).or_default().push(kept);
        }
        Ok(surplus(by_window, &known, keep, now))
    }

    /// Takes the manifest of a run away, so that nobody points to it any more; gives it back where somebody just did.
    /// Whether the rest may go.
    fn condemn(&self, run: &str) -> Result<bool, PublishError> {
        let below = format!("{RUNS}/{run}/{MANIFEST}");
        let Some(manifest) = self.read(&below)? else { return Ok(true) };
        self.remove(&below)?;
        let give_back = || {
            let given = self.bucket.put(&self.key(&below), manifest.clone());
            given.map_err(self.failed("write", &below))
        };
        match self.pointed_runs() {
            Ok(pointed) if !pointed.contains_key(run) => Ok(true),
            Ok(_) => give_back().map(|()| false),
            Err(error) => give_back().and(Err(error)),
        }
    }

    /// Removes everything of a run.
    pub(super) fn remove_folder(&self, run: &str) -> Result<(), PublishError> {
        let folder = format!("{RUNS}/{run}");
        let entries = self.bucket.list(&self.key(&folder)).map_err(self.failed("list", &folder))?;
        for entry in entries {
            self.bucket.delete(&entry.key).map_err(self.failed("remove", &folder))?;
        }
        Ok(())
    }
}

fn written(entry: &Entry) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(u64::try_from(entry.modified_ns).unwrap_or(0))
}

fn window_of(key: &str) -> Option<String> {
    key.rsplit('/').next()?.strip_suffix(".json").map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cloud::Bucket;

    const RUN: &str = "r-0123456789abcdef01234567-1";

    #[test]
    fn what_dead_uploads_left_goes_after_a_day_and_nothing_else() {
        let place = Place { bucket: Bucket::in_memory(), prefix: "results".to_owned() };
        let put = |below: &str| place.bucket.put(&place.key(below), Bytes::from_static(b"x")).unwrap();
        put(&format!("{RUNS}/{RUN}/tables/stage_funnel.parquet"));
        put(&format!("{RUNS}/{RUN}/csv/stage_funnel.csv"));
        // Nothing of ours.
        put(&format!("{RUNS}/notes/mine.txt"));
        put("mine.txt");
        let keys = || -> Vec<String> {
            place.bucket.list(&place.prefix).unwrap().into_iter().map(|entry| entry.key).collect()
        };
        let minute = Duration::from_secs(60);
        let clean = |now| place.retain_at(&BTreeSet::new(), Keep::default(), now).unwrap();
        clean(SystemTime::now() + DEAD_AFTER - minute);
        assert_eq!(keys().len(), 4, "it may be going on");
        assert_eq!(clean(SystemTime::now() + DEAD_AFTER + minute), Vec::<String>::new(), "it was no run");
        assert_eq!(keys(), ["results/mine.txt", "results/runs/notes/mine.txt"]);
    }

    #[test]
    fn who_can_not_read_its_manifest_keeps_a_run() {
        let place = Place { bucket: Bucket::in_memory(), prefix: String::new() };
        let manifest = format!("{RUNS}/{RUN}/{MANIFEST}");
        place.bucket.put(&manifest, Bytes::from_static(b"half of it")).unwrap();
        let keep = Keep { days: 0, runs: 1 };
        let later = SystemTime::now() + 10 * DEAD_AFTER;
        assert_eq!(place.retain_at(&BTreeSet::new(), keep, later).unwrap(), Vec::<String>::new());
        assert!(place.bucket.head(&manifest).unwrap().is_some());
    }
}
