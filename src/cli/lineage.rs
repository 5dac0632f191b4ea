//! What a run's end means to a catalogue of lineage.

use std::error::Error;

use serde_json::json;

use crate::engine::EngineError;
use crate::job::{JobError, Outcome};
use crate::lineage::{End, LineageError};

use super::args::OnEmpty;
use super::console::Console;

/// Exit codes of a run that was asked to stop.
const STOPPED: [u8; 2] = [130, 143];

/// The end of a run, as its last event tells it.
pub(super) fn end(outcome: &Result<Outcome, JobError>, on_empty: OnEmpty) -> End<'_> {
    match outcome {
        Ok(outcome) => End::Complete(&outcome.published),
        Err(JobError::Engine(EngineError::NoRows { .. })) if on_empty == OnEmpty::Skip => End::Skip,
        Err(error) if STOPPED.contains(&error.exit_code()) => End::Abort(chain(error)),
        Err(error) => End::Fail(chain(error)),
    }
}

/// Tells of events that are missing: the run is as good as with them.
pub(super) fn warn(error: &LineageError, console: &Console) {
    let message = chain(error);
    console.warn(&format!("warning: {message}\n"), json!({ "message": message }));
}

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
