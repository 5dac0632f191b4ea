//! What a run's end means to a catalogue of lineage.

use std::error::Error;

use crate::job::{JobError, Outcome};
use crate::lineage::{End, LineageError};

/// Exit codes of a run that was asked to stop.
const STOPPED: [u8; 2] = [130, 143];

/// The end of a run, as its last event tells it.
pub(super) fn end(outcome: &Result<Outcome, JobError>) -> End<'_> {
    match outcome {
        Ok(outcome) => End::Complete(&outcome.published),
        Err(error) if STOPPED.contains(&error.exit_code()) => End::Abort(chain(error)),
        Err(error) => End::Fail(chain(error)),
    }
}

/// What a person is told of events that are missing: the run is as good as with them.
pub(super) fn warning(error: &LineageError) -> String {
    format!("warning: {}\n", chain(error))
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
