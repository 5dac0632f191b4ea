//! One run at a time: a lock of the system's on a file, gone with the process that holds it.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use super::misplaced;
use crate::interrupt::Interrupt;
use crate::publish::error::PublishError;
use crate::publish::files::{self, Standing};

/// Name of the lock file.
pub(super) const LOCK: &str = ".lock";

/// How often a waiting run looks.
const POLL: Duration = Duration::from_millis(50);

/// Takes the lock of an output folder; waits so long for another run to let go of it.
pub(super) fn hold(root: &Path, wait: Duration, interrupt: &Interrupt) -> Result<File, PublishError> {
    let path = root.join(LOCK);
    let start = Instant::now();
    loop {
        match Standing::at(&path)? {
            Standing::File | Standing::Nothing => {}
            other => return Err(misplaced(path, other, "a file")),
        }
        let lock = files::open_lock(&path)?;
        match lock.try_lock() {
            Ok(()) if files::leads_to(&path, &lock)? => return Ok(lock),
            // Somebody removed the file: others lock the one that came after it.
            Ok(()) => {}
            Err(TryLockError::Error(error)) => return Err(PublishError::io("lock", &path)(error)),
            Err(TryLockError::WouldBlock) if start.elapsed() >= wait => {
                return Err(PublishError::Locked { path, waited: wait });
            }
            Err(TryLockError::WouldBlock) => thread::sleep(POLL.min(wait.saturating_sub(start.elapsed()))),
        }
        interrupt.check()?;
    }
}
