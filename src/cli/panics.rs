//! A panic is a bug: it is caught, written down for who will mend it, and told in a line.
//!
//! What a panic says may hold a value of somebody's data: `unwrap` shows the error it met, a slice of text shows the text. So only
//! messages that were fixed when the program was compiled are kept, and those of the standard library that hold nothing but
//! numbers.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::io::Write as _;
use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::input::guard::is_guarded;
use crate::interrupt::Interrupt;
use crate::job::BUILD;

use super::console::Console;
use super::diagnostics::Failure;

/// A bug.
const EXIT_CODE: u8 = 70;

/// How many are written down: one bug can hit every thread.
const MOST: usize = 8;

/// Beginnings of messages of the standard library in which nothing but numbers follows.
const NUMBERS_ONLY: [&str; 6] = [
    "index out of bounds: the len is ",
    "range end index ",
    "range start index ",
    "slice index starts at ",
    "copy_from_slice: ",
    "mid > len",
];

/// Beginnings of what is said where the system gives no thread: by this program, the standard library, Polars and the runtime
/// that it uses. What follows is the system's own word.
const NO_THREAD: [&str; 4] = [
    "a thread could not be started: ",
    "failed to spawn thread: ",
    "could not spawn threads: ",
    "OS can't spawn worker thread: ",
];

/// Beginning of what is said where a library takes for granted that the system gives what it asks for.
const NOT_GIVEN: &str = "called `Result::unwrap()` on an `Err` value: Os { code: ";

/// Options whose values name customers or hold what may be a secret.
const PRIVATE: [&str; 3] = ["--customer", "--where", "--set"];

/// What is known of a panic.
#[derive(Debug)]
struct Panicked {
    thread: String,
    place: String,
    message: String,
    /// Looked up when it is told: that takes memory, and locks that an allocator which has none left would wait for.
    backtrace: Backtrace,
    /// What the system said where it gave no thread: no bug.
    refused: Option<String>,
}

impl Panicked {
    fn of(info: &PanicHookInfo<'_>) -> Self {
        Self {
            thread: std::thread::current().name().unwrap_or("unnamed").to_owned(),
            place: info.location().map_or_else(|| "an unknown place".to_owned(), ToString::to_string),
            message: message_of(info),
            backtrace: Backtrace::force_capture(),
            refused: refused_by_the_system(info),
        }
    }
}

/// What a panic says, where that can hold no value of the data.
fn message_of(info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    if let Some(fixed) = payload.downcast_ref::<&'static str>() {
        return (*fixed).to_owned();
    }
    match payload.downcast_ref::<String>() {
        Some(text) if NUMBERS_ONLY.iter().any(|start| text.starts_with(start)) => text.clone(),
        Some(text) => format!("a message of {} bytes, withheld because it may quote data", text.len()),
        None => "no message".to_owned(),
    }
}

/// What the system said, where a panic is about a thread, or what one needs, that it didn't give.
fn refused_by_the_system(info: &PanicHookInfo<'_>) -> Option<String> {
    let text = info.payload().downcast_ref::<String>()?;
    let said = NO_THREAD.iter().find_map(|start| text.strip_prefix(start));
    said.map(str::to_owned).or_else(|| {
        let (code, _) = text.strip_prefix(NOT_GIVEN)?.split_once(',')?;
        Some(std::io::Error::from_raw_os_error(code.parse().ok()?).to_string())
    })
}

/// Does the work of a command; where it panics, on whatever thread, writes a report and says where it lies.
pub(super) fn guarded<T>(
    console: &Console,
    interrupt: &Interrupt,
    work: impl FnOnce() -> Result<T, Failure>,
) -> Result<T, Failure> {
    let seen: Arc<Mutex<Vec<Panicked>>> = Arc::default();
    let hook = Arc::clone(&seen);
    panic::set_hook(Box::new(move |info| {
        // The decoder on a damaged file: caught, and told as an error of the file.
        if is_guarded() {
            return;
        }
        let mut seen = hook.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() < MOST {
            seen.push(Panicked::of(info));
        }
    }));
    // Nothing that the work left half done is looked at again.
    let done = panic::catch_unwind(AssertUnwindSafe(work));
    done.unwrap_or_else(|_| {
        let seen = seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(refused) = seen.first().and_then(|first| first.refused.as_deref()) {
            return Err(no_thread(refused, interrupt));
        }
        let text = console.secrets.redact(&report(&seen)).into_owned();
        Err(failure(&seen, write(&std::env::temp_dir(), &text), interrupt))
    })
}

/// What became of the result.
fn state(interrupt: &Interrupt) -> &'static str {
    match interrupt.is_committed() {
        true => "the result was published before",
        false => "nothing was published, `current` is as it was",
    }
}

/// The system's limits are no bug, and another time they may suffice.
fn no_thread(refused: &str, interrupt: &Interrupt) -> Failure {
    let hint = format!(
        "{}. Raise the limits of threads, addresses and open files (`ulimit -u`, `-v`, `-n`, the pids of a container), or ask for fewer threads with --threads",
        state(interrupt)
    );
    Failure::io(
        "the system doesn't give a thread what it needs".to_owned(),
        &std::io::Error::other(refused),
        &hint,
    )
}

fn failure(seen: &[Panicked], written: std::io::Result<PathBuf>, interrupt: &Interrupt) -> Failure {
    let what = seen.first().map_or_else(
        || "touchline panicked".to_owned(),
        |first| format!("touchline panicked at {}: {}", first.place, first.message),
    );
    let state = state(interrupt);
    let report = match written {
        Ok(path) => format!("with {}, which holds no row of your data", path.display()),
        Err(error) => format!("with this message; no report could be written: {error}"),
    };
    Failure::new(EXIT_CODE, what, format!("this is a bug in touchline; {state}. Please report it {report}"))
}

fn report(seen: &[Panicked]) -> String {
    let arguments: Vec<String> =
        std::env::args_os().skip(1).map(|argument| argument.to_string_lossy().into_owned()).collect();
    let mut text = format!(
        "touchline {BUILD} on {} {}\nat {}\narguments: {}\n",
        std::env::consts::OS,
        std::env::consts::ARCH,
        jiff::Timestamp::now(),
        without_values(&arguments).join(" "),
    );
    for Panicked { thread, place, message, backtrace, refused: _ } in seen {
        let _ = write!(text, "\nthread {thread} panicked at {place}\n{message}\n{backtrace}\n");
    }
    text
}

/// The arguments without what may name a customer; of `--set` the key stays.
fn without_values(arguments: &[String]) -> Vec<String> {
    let shorten = |option: &str, value: &str| match value.split_once('=') {
        Some((key, _)) if option == "--set" => format!("{key}=…"),
        _ => "…".to_owned(),
    };
    let mut shown = Vec::with_capacity(arguments.len());
    let mut private: Option<&str> = None;
    for argument in arguments {
        if let Some(option) = private.take() {
            shown.push(shorten(option, argument));
        } else if let Some((option, value)) =
            argument.split_once('=').filter(|(option, _)| PRIVATE.contains(option))
        {
            shown.push(format!("{option}={}", shorten(option, value)));
        } else {
            private = PRIVATE.into_iter().find(|option| option == argument);
            shown.push(argument.clone());
        }
    }
    shown
}

/// Writes a report that its owner alone may read, under a name that nobody can foresee.
fn write(folder: &Path, text: &str) -> std::io::Result<PathBuf> {
    let mut file = tempfile::Builder::new().prefix("touchline-panic-").suffix(".txt").tempfile_in(folder)?;
    file.write_all(text.as_bytes())?;
    let (_, path) = file.keep().map_err(|error| error.error)?;
    Ok(path)
}

#[cfg(test)]
mod tests;
