//! The token by which a run is stopped from outside, and the point from which on it no longer can be.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

/// What asks a run to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stop {
    /// SIGINT: a person at a terminal.
    Interrupt,
    /// SIGTERM: a scheduler, a system that shuts down.
    Terminate,
}

impl Stop {
    /// The exit code of a process that was stopped so: 128 and the number of the signal, as shells have it.
    pub fn exit_code(self) -> u8 {
        match self {
            Stop::Interrupt => 130,
            Stop::Terminate => 143,
        }
    }

    /// Name of the signal.
    pub fn name(self) -> &'static str {
        match self {
            Stop::Interrupt => "SIGINT",
            Stop::Terminate => "SIGTERM",
        }
    }
}

impl fmt::Display for Stop {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.name())
    }
}

/// A run was stopped before anything of it was visible.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stopped by {stop}, nothing was published")]
pub struct Interrupted {
    /// What asked for it.
    pub stop: Stop,
}

/// What came of a request to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// The run will see it at its next check.
    Granted,
    /// It had been asked to stop before, and is at it.
    Repeated(Stop),
    /// Its result is being made visible: it ends by itself, in a moment.
    TooLate,
}

const GOING: u8 = 0;
const INTERRUPTED: u8 = 1;
const TERMINATED: u8 = 2;
const COMMITTED: u8 = 3;

/// Shared by who may stop a run and the run itself, which checks it by batch, partition and file: a relaxed load,
/// never by row. The default is one that nobody ever stops.
#[derive(Debug, Clone, Default)]
pub struct Interrupt {
    state: Arc<AtomicU8>,
}

impl Interrupt {
    /// Asks the run to stop.
    pub fn request(&self, stop: Stop) -> Request {
        let asked = match stop {
            Stop::Interrupt => INTERRUPTED,
            Stop::Terminate => TERMINATED,
        };
        match self.state.compare_exchange(GOING, asked, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) => Request::Granted,
            Err(before) => stop_of(before).map_or(Request::TooLate, Request::Repeated),
        }
    }

    /// Whether the run may go on.
    ///
    /// # Errors
    ///
    /// It was asked to stop.
    pub fn check(&self) -> Result<(), Interrupted> {
        stop_of(self.state.load(Ordering::Relaxed)).map_or(Ok(()), |stop| Err(Interrupted { stop }))
    }

    /// From here on nobody stops the run: either all of it becomes visible or nothing.
    ///
    /// # Errors
    ///
    /// It was asked to stop before.
    pub fn commit(&self) -> Result<(), Interrupted> {
        match self.state.compare_exchange(GOING, COMMITTED, Ordering::Relaxed, Ordering::Relaxed) {
            Ok(_) | Err(COMMITTED) => Ok(()),
            Err(_) => self.check(),
        }
    }

    /// Whether a result has become visible, or is about to.
    pub fn is_committed(&self) -> bool {
        self.state.load(Ordering::Relaxed) == COMMITTED
    }
}

fn stop_of(state: u8) -> Option<Stop> {
    match state {
        INTERRUPTED => Some(Stop::Interrupt),
        TERMINATED => Some(Stop::Terminate),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_request_counts() {
        let interrupt = Interrupt::default();
        let run = interrupt.clone();
        assert_eq!(run.check(), Ok(()));
        assert_eq!(interrupt.request(Stop::Terminate), Request::Granted);
        assert_eq!(interrupt.request(Stop::Interrupt), Request::Repeated(Stop::Terminate));
        let stopped = Err(Interrupted { stop: Stop::Terminate });
        assert_eq!((run.check(), run.commit()), (stopped, stopped), "what was stopped is not committed");
    }

    #[test]
    fn who_comes_after_the_commit_comes_too_late() {
        let interrupt = Interrupt::default();
        assert_eq!(interrupt.commit(), Ok(()));
        assert_eq!(interrupt.request(Stop::Interrupt), Request::TooLate);
        assert_eq!((interrupt.check(), interrupt.commit()), (Ok(()), Ok(())));
    }
}
