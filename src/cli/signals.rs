//! SIGINT and SIGTERM: the first asks the run to stop, which cleans up after itself; the second ends the process.

use std::io;
use std::thread;
use std::time::Duration;

use signal_hook::consts::signal::{SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::Signals;
use signal_hook::low_level;

use crate::interrupt::{Interrupt, Interrupted, Request, Stop};

use super::console::Console;
use super::diagnostics::Failure;

/// A run looks at the token often, but not while it waits for a disk or solves one large system. Whoever sent the signal
/// counts to five.
const GRACE: Duration = Duration::from_secs(4);

/// Time for a line on standard error.
const LAST_WORDS: Duration = Duration::from_millis(300);

/// Watches for signals until the process ends.
///
/// What a process that ends in the middle leaves behind is a folder in `.staging` at most, which the next run removes:
/// temporary files have no names, and the lock is the system's.
///
/// # Errors
/// The system gives no handler or no thread.
pub(super) fn watch(interrupt: &Interrupt, console: &Console) -> Result<(), Failure> {
    let refused = |error: io::Error| {
        Failure::io("cannot watch for signals".to_owned(), &error, "see the limits of threads and processes")
    };
    // A file beyond the limit of its size is then an error of the write, EFBIG, as a full disk is.
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGXFSZ]).map_err(refused)?;
    let (interrupt, console) = (interrupt.clone(), console.clone());
    let watch = move || {
        let mut asked_too_late = false;
        for signal in signals.forever() {
            let stop = match signal {
                SIGINT => Stop::Interrupt,
                SIGTERM => Stop::Terminate,
                _ => continue,
            };
            match interrupt.request(stop) {
                Request::Granted => {
                    let console = console.clone();
                    // Without a thread to wait in there is no patience.
                    if on_a_thread(move || end_after(GRACE, stop, Some(console))).is_err() {
                        low_level::exit(i32::from(stop.exit_code()));
                    }
                }
                Request::Repeated(first) => low_level::exit(i32::from(first.exit_code())),
                // It ends by itself, unless whoever reads its summary doesn't.
                Request::TooLate if asked_too_late => low_level::exit(i32::from(stop.exit_code())),
                Request::TooLate => {
                    asked_too_late = true;
                    let _ = on_a_thread(move || end_after(GRACE, stop, None));
                }
            }
        }
    };
    on_a_thread(watch).map_err(refused)
}

fn on_a_thread(work: impl FnOnce() + Send + 'static) -> io::Result<()> {
    thread::Builder::new().name("touchline-signals".to_owned()).spawn(work).map(drop)
}

/// Ends a process that didn't stop by itself, and says so on the console, if that takes it.
fn end_after(grace: Duration, stop: Stop, console: Option<Console>) {
    thread::sleep(grace);
    if let Some(console) = console {
        let tell = move || {
            let hint = Some("run again: it removes what this one left in .staging".to_owned());
            console.failure(&Failure::of(&Interrupted { stop }, stop.exit_code(), hint));
        };
        // Standard error may be what holds it up.
        if on_a_thread(tell).is_ok() {
            thread::sleep(LAST_WORDS);
        }
    }
    low_level::exit(i32::from(stop.exit_code()));
}
