//! Whether a run read about as many rows as runs of other windows of the same length did.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use super::quality::IN_WINDOW;
use crate::config::plan::{OnAnomaly, Plan};
use crate::engine::EngineError;
use crate::engine::load::{InputRecord, Loaded};
use crate::publish::Manifest;
use crate::tables::Window;

/// The input whose rows have a time.
const TOUCHPOINTS: &str = "touchpoints";
/// So many windows are compared with, the nearest in time.
const MOST_WINDOWS: usize = 30;
/// Days on which clocks change are an hour shorter or longer than others.
const SLACK_US: u64 = 3_600_000_000;

/// Compares the rows of each input with the median of what was published before; what is less than half or more than
/// twice of it is told. `earlier` are the manifests of the output folder, in any order.
///
/// # Errors
/// There is such an input, and the contract has the run stop for it.
pub fn check(
    plan: &Plan,
    loaded: &Loaded,
    window: Window,
    earlier: &[Manifest],
) -> Result<Vec<String>, EngineError> {
    let comparable = comparable(plan, window, earlier);
    let mut told = Vec::new();
    for input in &loaded.counts {
        // The rows before the window are as many as there are days before it, however few came today.
        let (key, now) = match input.input {
            TOUCHPOINTS => (IN_WINDOW.to_owned(), input.counts.in_window),
            other => (format!("{other}_in_scope"), input.counts.in_scope),
        };
        let mut counts: Vec<u64> =
            comparable.iter().filter_map(|manifest| manifest.counts.get(&key).copied()).collect();
        let Some(median) = median(&mut counts) else { continue };
        if now.saturating_mul(2) < median || now > median.saturating_mul(2) {
            told.push(format!(
                "inputs.{}: {now} rows{}, where the median of {} published before with windows of this length is {median}",
                input.input,
                if input.input == TOUCHPOINTS { " in the window" } else { "" },
                match counts.len() {
                    1 => "1 run".to_owned(),
                    runs => format!("{runs} runs"),
                }
            ));
        }
    }
    match plan.contract.row_count_anomaly {
        OnAnomaly::Fail if !told.is_empty() => Err(EngineError::RowCountAnomaly { inputs: told }),
        _ => Ok(told),
    }
}

/// The newest whole run of each other window of the same length, the nearest windows first.
fn comparable<'m>(plan: &Plan, window: Window, earlier: &'m [Manifest]) -> Vec<&'m Manifest> {
    let length_us = |from_us: i64, to_us: i64| to_us.abs_diff(from_us);
    let mut newest: BTreeMap<&str, &Manifest> = BTreeMap::new();
    for manifest in earlier {
        let own = &manifest.window;
        let alike = length_us(own.from_us, own.to_us).abs_diff(length_us(window.from_us, window.to_us))
            <= SLACK_US
            && (own.from_us, own.to_us) != (window.from_us, window.to_us)
            && manifest.job.name == plan.job.name
            && manifest.quarantined.is_empty();
        if !alike {
            continue;
        }
        let known = newest.entry(own.name.as_str()).or_insert(manifest);
        if known.finished < manifest.finished {
            *known = manifest;
        }
    }
    let mut nearest: Vec<&Manifest> = newest.into_values().collect();
    nearest.sort_by_key(|manifest| manifest.window.to_us.abs_diff(window.to_us));
    nearest.truncate(MOST_WINDOWS);
    nearest
}

/// The lower of the two in the middle; None: of nothing.
fn median(counts: &mut [u64]) -> Option<u64> {
    counts.sort_unstable();
    counts.get(counts.len().saturating_sub(1) / 2).copied()
}

/// What is said of files that differ, or are left out.
pub(super) fn of_files(opened: &crate::engine::open::Opened) -> Vec<String> {
    let mut told: Vec<String> = opened
        .quarantined
        .iter()
        .map(|file| format!("incomplete: {} is left out: {}", file.path.display(), file.reason))
        .collect();
    // One sentence a column is enough.
    let mut seen = BTreeSet::new();
    for (key, difference) in &opened.coerced {
        if seen.insert((key, &difference.column)) {
            told.push(format!("{key}: {difference}"));
        }
    }
    told
}

/// At most so many files are named.
const MOST_NAMED: usize = 5;

/// What is said of files of one input that hold the same rows: most often a file that was exported twice.
pub(super) fn twice(inputs: &[InputRecord]) -> Vec<String> {
    let mut first: BTreeMap<(&str, [u8; 32]), &InputRecord> = BTreeMap::new();
    let mut told = Vec::new();
    for input in inputs.iter().filter(|input| input.rows > 0) {
        match first.entry((input_of(&input.key), *input.digest.as_bytes())) {
            Entry::Vacant(place) => {
                place.insert(input);
            }
            Entry::Occupied(same) => told.push(format!(
                "{}: {} has the same {} rows as {}",
                input.key,
                input.file.path.display(),
                input.rows,
                same.get().file.path.display()
            )),
        }
    }
    if told.len() > MOST_NAMED {
        let more = told.len() - MOST_NAMED;
        told.truncate(MOST_NAMED);
        told.push(format!("{more} more files have the same rows as another one"));
    }
    told
}

/// The input of a key such as `inputs.touchpoints[1]`: all of its sources are one.
fn input_of(key: &str) -> &str {
    key.split('[').next().unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_a_count_that_there_was() {
        assert_eq!(median(&mut []), None);
        assert_eq!(median(&mut [7]), Some(7));
        assert_eq!(median(&mut [9, 1]), Some(1));
        assert_eq!(median(&mut [9, 1, 5]), Some(5));
    }
}
