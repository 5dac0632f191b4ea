//! The decoder panics on some damaged files. That is the file's fault, not the run's.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Whether a panic of this thread would be caught by [`guarded`]: whoever reports panics has nothing to report then.
pub fn is_guarded() -> bool {
    GUARDED.get()
}

/// The decoder gave up on a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the decoder can make nothing of it")]
pub struct Panicked;

/// Lets a decoder work.
///
/// # Errors
/// It panicked. What it said is left out: it may hold values of the file. What it worked on must not be used again.
pub fn guarded<T>(work: impl FnOnce() -> T) -> Result<T, Panicked> {
    let before = GUARDED.replace(true);
    let outcome = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(before);
    outcome.map_err(|_| Panicked)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_an_error_and_known_beforehand() {
        assert_eq!(guarded(|| 7), Ok(7));
        assert!(!is_guarded());
        let nothing: &[u8] = &[];
        assert_eq!(guarded(|| nothing[nothing.len()]), Err(Panicked));
        assert_eq!(guarded(is_guarded), Ok(true));
        assert!(!is_guarded());
    }
}
