//! What a run's end means to a catalogue of lineage.

use std::error::Error;

use crate::job::{JobError, Outcome};
use crate::lineage::End;

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

/// An error with its causes.
fn chain(error: &dyn Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|error| error.to_string()).collect::<Vec<_>>().join(": ")
}
