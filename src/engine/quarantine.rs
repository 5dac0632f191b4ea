//! Damaged files: all of them are told at once, and touchpoint files are left out where the contract says so.
//!
//! As long as nothing is damaged none of this costs anything. Once something is, every file is looked at by itself,
//! from its footer to its last page.

use std::path::PathBuf;

use rayon::ThreadPool;

use crate::config::plan::{OnCorrupt, Plan};
use crate::contract::touchpoints::TIME;
use crate::input::footer::read_footer;
use crate::input::open::open;
use crate::input::{InputError, InputFile, Limits, discover};

use super::budget::Budget;
use super::error::EngineError;
use super::load::{Loaded, load};
use super::open::{Opened, Opener, needed, open_inputs, open_without, scope_of};
use super::verify;
use super::work::{self, Progress};

/// At most so many damaged files are named.
const MOST_NAMED: usize = 20;

/// A file that a run does without.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quarantined {
    /// Key of its source in the configuration.
    pub key: String,
    /// The file.
    pub path: PathBuf,
    /// In bytes.
    pub size: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// Opens all inputs, without damaged files of touchpoints where the contract says so.
///
/// # Errors
/// What stops a run; of damaged files all are named.
pub fn open_sound(plan: &Plan, pool: &ThreadPool, limits: &Limits) -> Result<Opened, EngineError> {
    let opened = open_inputs(plan, pool, limits);
    match opened {
        Err(EngineError::Input(error)) if error.is_corrupt() => {
            let damaged = told(plan, pool, limits, error)?;
            open_without(plan, pool, limits, damaged)
        }
        opened => opened,
    }
}

/// Compares what was opened with the checksums beside it, without making anything of it; `pages`: also every page that a
/// run would read with its own. What damaged files mean is as in a run.
///
/// # Errors
/// As [`open_sound`].
pub fn verify_sound(
    plan: &Plan,
    opened: Opened,
    pages: bool,
    pool: &ThreadPool,
    limits: &Limits,
) -> Result<Opened, EngineError> {
    match verify::wholly(&opened, pages, pool) {
        Err(error) if error.is_corrupt() => {
            let damaged = told(plan, pool, limits, error)?;
            let opened = open_without(plan, pool, limits, damaged)?;
            verify::wholly(&opened, pages, pool)?;
            Ok(opened)
        }
        verified => Ok(verified.map(|()| opened)?),
    }
}

/// Reads everything, without damaged files of touchpoints where the contract says so: what was opened then lacks them.
///
/// # Errors
/// As [`open_sound`].
pub fn load_sound(
    plan: &Plan,
    opened: Opened,
    pool: &ThreadPool,
    budget: &Budget,
    progress: &dyn Progress,
) -> Result<(Opened, Loaded), EngineError> {
    match load(plan, &opened, pool, budget, progress) {
        Err(EngineError::Input(error)) if error.is_corrupt() => {
            progress.end();
            let limits = budget.limits();
            let damaged = told(plan, pool, &limits, error)?;
            let opened = open_without(plan, pool, &limits, damaged)?;
            let loaded = load(plan, &opened, pool, budget, progress)?;
            Ok((opened, loaded))
        }
        loaded => Ok((opened, loaded?)),
    }
}

/// Damaged files of touchpoints that the run does without.
fn told(
    plan: &Plan,
    pool: &ThreadPool,
    limits: &Limits,
    first: InputError,
) -> Result<Vec<Quarantined>, EngineError> {
    let damaged = match survey(plan, pool, limits) {
        Ok(damaged) => damaged,
        // Whatever else is wrong came to light by the damage.
        Err(_) => return Err(first.into()),
    };
    // With none left there is nothing to report, or a source is gone as a whole.
    let leaves_none = plan.touchpoints.iter().any(|source| {
        let left_out = damaged.iter().filter(|file| file.key == source.key).count();
        left_out > 0 && discover(source).is_ok_and(|files| files.len() <= left_out)
    });
    if plan.contract.on_corrupt == OnCorrupt::QuarantineFile && !damaged.is_empty() && !leaves_none {
        return Ok(damaged);
    }
    Err(listed(damaged, first).into())
}

/// One damaged file as it was met, or all of them.
fn listed(damaged: Vec<Quarantined>, first: InputError) -> InputError {
    let mut files: Vec<(PathBuf, String)> =
        damaged.into_iter().map(|file| (file.path, file.reason)).collect();
    let (path, reason) = first.damage();
    if files.iter().all(|(known, _)| *known != path) {
        files.insert(0, (path, reason));
    }
    if files.len() == 1 {
        return first;
    }
    let more = files.len() > MOST_NAMED;
    files.truncate(MOST_NAMED);
    InputError::SeveralUnreadable { files, more }
}

/// Looks at every file of touchpoints by itself; what is wrong with each that is damaged.
fn survey(plan: &Plan, pool: &ThreadPool, limits: &Limits) -> Result<Vec<Quarantined>, EngineError> {
    let opener = Opener { pool, integrity: plan.contract.integrity, limits };
    let needs = needed(plan, opener)?.columns.needs;
    let mut damaged = Vec::new();
    for source in &plan.touchpoints {
        let examine = |file: &InputFile| -> Result<(), InputError> {
            let footer = read_footer(file.clone(), limits)?;
            let opened = open(source, footer, &needs, Some(TIME), scope_of(plan), opener.integrity)?;
            opened.verify()?;
            verify::read_pages(&opened)
        };
        let found = work::map(pool, &discover(source)?, |file| match examine(file) {
            Err(error) if error.is_corrupt() => Ok(Some(Quarantined {
                key: source.key.clone(),
                path: file.path.clone(),
                size: file.identity.size,
                reason: error.damage().1,
            })),
            // What else is wrong with a file stops the run when it comes to it.
            Ok(()) | Err(_) => Ok::<_, EngineError>(None),
        })?;
        damaged.extend(found.into_iter().flatten());
    }
    Ok(damaged)
}
