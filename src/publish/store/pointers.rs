//! What readers see: `current` and a link for each window, replaced by a rename each.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use jiff::Timestamp;

use super::{CURRENT, Found, RUNS, STAGING, Store, WINDOWS, misplaced};
use crate::config::plan::Zone;
use crate::publish::error::PublishError;
use crate::publish::files::{self, Standing};
use crate::publish::manifest::Manifest;
use crate::tables::Window;

/// What came of pointing to a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointed {
    /// Whether `current` points to it.
    pub is_current: bool,
    /// Runs that `current` or the window pointed to and no longer do.
    pub left: BTreeSet<String>,
}

impl Store {
    /// Points the window, and `current` unless that would go back in time, to a run that was published before.
    ///
    /// # Errors
    ///
    /// What the system said; the pointers are then as before.
    pub fn point_to(&self, found: &Found, make_current: bool) -> Result<Pointed, PublishError> {
        self.swap_pointers(&found.run, &found.manifest, make_current)
    }

    pub(super) fn swap_pointers(
        &self,
        run: &str,
        manifest: &Manifest,
        make_current: bool,
    ) -> Result<Pointed, PublishError> {
        check_window_name(&manifest.window.name)?;
        let windows = self.root.join(WINDOWS);
        let window = windows.join(&manifest.window.name);
        let current = self.root.join(CURRENT);
        let may_move = |pointer: &Path| {
            make_current || Manifest::read(pointer).map_or(true, |present| manifest.may_replace(&present))
        };
        let is_later = self.current_window_end_us()?.is_none_or(|end_us| manifest.window.to_us >= end_us);
        let moves = make_current || (is_later && may_move(&current));
        let runs = || -> Result<BTreeSet<String>, PublishError> {
            Ok([run_at(&window)?, run_at(&current)?].into_iter().flatten().collect())
        };
        let before = runs()?;

        let window_before = files::read_link(&window)?;
        if may_move(&window) {
            self.swap(&window, &Path::new("..").join(RUNS).join(run))?;
        }
        if moves && let Err(error) = self.swap(&current, &Path::new(RUNS).join(run)) {
            // As if nothing had happened: the window shows what it showed.
            let _ = match window_before {
                Some(target) => self.swap(&window, &target),
                None => files::remove(&window),
            };
            return Err(error);
        }
        for path in [windows, self.root.clone()] {
            files::try_sync_folder(&path).map_err(|source| PublishError::Unconfirmed {
                run: run.to_owned(),
                path,
                source,
            })?;
        }
        let is_current = run_at(&current)?.as_deref() == Some(run);
        Ok(Pointed { is_current, left: before.difference(&runs()?).cloned().collect() })
    }

    /// Replaces a link at once: readers see the old or the new target.
    fn swap(&self, path: &Path, target: &Path) -> Result<(), PublishError> {
        check_is_link(path)?;
        if files::read_link(path)?.as_deref() == Some(target) {
            return Ok(());
        }
        let fresh = self.root.join(STAGING).join("link");
        files::remove(&fresh)?;
        files::link(target, &fresh)?;
        files::rename(&fresh, path).inspect_err(|_| {
            let _ = files::remove(&fresh);
        })
    }

    /// Where the window of the present `current` ends; `None` if there is none or it can't be read.
    fn current_window_end_us(&self) -> Result<Option<i64>, PublishError> {
        let Some(run) = run_at(&self.root.join(CURRENT))? else { return Ok(None) };
        Ok(Manifest::read(&self.root.join(RUNS).join(run)).ok().map(|manifest| manifest.window.to_us))
    }

    /// Runs that any pointer names.
    pub(super) fn pointed_runs(&self) -> Result<BTreeSet<String>, PublishError> {
        let windows = self.root.join(WINDOWS);
        let mut pointers: Vec<PathBuf> =
            files::entries(&windows)?.into_iter().map(|name| windows.join(name)).collect();
        pointers.push(self.root.join(CURRENT));
        let runs: Result<Vec<_>, _> = pointers.iter().map(|pointer| run_at(pointer)).collect();
        Ok(runs?.into_iter().flatten().collect())
    }
}

/// The run that a pointer names; `None` if there is no link, or one to elsewhere.
fn run_at(pointer: &Path) -> Result<Option<String>, PublishError> {
    let Some(target) = files::read_link(pointer)? else { return Ok(None) };
    let Ok(run) = target.strip_prefix("..").unwrap_or(&target).strip_prefix(RUNS) else { return Ok(None) };
    let mut parts = run.components();
    Ok(match (parts.next(), parts.next()) {
        (Some(Component::Normal(name)), None) => name.to_str().map(str::to_owned),
        _ => None,
    })
}

/// Refuses what a pointer may not replace: a rename would put the link in place of somebody's file.
pub(super) fn check_is_link(path: &Path) -> Result<(), PublishError> {
    match Standing::at(path)? {
        Standing::Nothing | Standing::Link => Ok(()),
        other => Err(misplaced(path.to_owned(), other, "a link")),
    }
}

pub(in crate::publish) fn check_window_name(name: &str) -> Result<(), PublishError> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
    if name.is_empty() || !name.bytes().all(allowed) {
        return Err(PublishError::Name {
            what: "the window",
            name: name.to_owned(),
            allowed: "letters, digits, - and _",
        });
    }
    Ok(())
}

/// Name of a window in paths: its bounds as local dates where they are midnights in the zone of the job, else as
/// compact UTC instants, `2026-04-01_2026-07-01` or `2026-04-01_20260401T120000Z`.
///
/// # Errors
///
/// A bound that no calendar has.
pub fn window_name(window: Window, zone: &Zone) -> Result<String, PublishError> {
    Ok(format!("{}_{}", bound_name(window.from_us, zone)?, bound_name(window.to_us, zone)?))
}

fn bound_name(us: i64, zone: &Zone) -> Result<String, PublishError> {
    let calendar = |_| PublishError::Calendar { value: us, place: "the window".to_owned() };
    let instant = Timestamp::from_microsecond(us).map_err(calendar)?;
    let local = instant.to_zoned(zone.zone.clone());
    if local.start_of_day().map_err(calendar)? == local {
        return Ok(local.date().to_string());
    }
    let format = if us.rem_euclid(1_000_000) == 0 { "%Y%m%dT%H%M%SZ" } else { "%Y%m%dT%H%M%S%6fZ" };
    Ok(instant.strftime(format).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn zone(name: &str) -> Zone {
        Zone { name: name.to_owned(), zone: jiff::tz::TimeZone::get(name).unwrap() }
    }

    #[test]
    fn windows_are_named_by_local_days_where_they_are_days() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_microsecond();
        for (zone_name, from, to, expected) in [
            ("UTC", "2026-04-01T00:00:00Z", "2026-07-01T00:00:00Z", "2026-04-01_2026-07-01"),
            ("Europe/Sofia", "2026-03-31T21:00:00Z", "2026-06-30T21:00:00Z", "2026-04-01_2026-07-01"),
            ("UTC", "2026-04-01T00:00:00Z", "2026-04-01T12:00:00Z", "2026-04-01_20260401T120000Z"),
            ("UTC", "2026-04-01T00:00:00.5Z", "2026-04-02T00:00:00Z", "20260401T000000500000Z_2026-04-02"),
            // The day the clocks go forward at midnight starts at 01:00.
            ("America/Asuncion", "2023-10-01T04:00:00Z", "2023-10-02T03:00:00Z", "2023-10-01_2023-10-02"),
        ] {
            let window = Window { from_us: at(from), to_us: at(to) };
            assert_eq!(window_name(window, &zone(zone_name)).unwrap(), expected);
        }
    }

    #[test]
    fn a_window_name_cannot_leave_its_folder() {
        for name in ["", "../current", "a/b", "a\0b", "."] {
            assert!(check_window_name(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn a_link_to_elsewhere_names_no_run() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        assert_eq!(run_at(&link).unwrap(), None);
        for (target, run) in [
            ("runs/r-1", Some("r-1")),
            ("../runs/r-1", Some("r-1")),
            ("runs", None),
            ("runs/..", None),
            ("runs/a/b", None),
            ("/runs/r-1", None),
            ("../../runs/r-1", None),
            ("/etc", None),
        ] {
            files::link(Path::new(target), &link).unwrap();
            assert_eq!(run_at(&link).unwrap().as_deref(), run, "{target}");
            files::remove(&link).unwrap();
        }
    }
}
