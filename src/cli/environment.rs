//! The environment that a command works in.

use std::env;
use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::Command;

use super::diagnostics::Failure;

/// What the variables of Polars begin with.
const POLARS: &[u8] = b"POLARS_";

/// A mistake of usage: the environment is part of the call.
const USAGE: u8 = 64;

/// Puts the program in its own place, in an environment without settings of Polars, if there are any.
///
/// They are meant for programs in which somebody works with Polars. Here they would write to standard error between lines of
/// JSON (`POLARS_VERBOSE`), make Polars panic (`POLARS_MAX_THREADS=0`), ask for an engine that isn't built in
/// (`POLARS_FORCE_STREAMING`), or take bytes out of published files that no run id knows of
/// (`POLARS_PARQUET_BINARY_STATISTICS_TRUNCATE_LEN`). Polars reads them itself wherever it needs them and can't be told
/// otherwise, and to change the environment of a process from within is unsafe. `exec` keeps the process, its streams and
/// its folder.
///
/// # Errors
/// The program isn't where it was started from any more.
pub(super) fn leave_polars_out() -> Result<(), Failure> {
    let settings: Vec<OsString> =
        env::vars_os().map(|(name, _)| name).filter(|name| name.as_bytes().starts_with(POLARS)).collect();
    if settings.is_empty() {
        return Ok(());
    }
    let error = again_without(&settings);
    let names: Vec<_> = settings.iter().map(|name| name.to_string_lossy()).collect();
    Err(Failure::new(
        USAGE,
        format!("the environment sets {}, which this program must not see: {error}", names.join(", ")),
        format!("unset what is meant for Polars: env -u {} touchline …", names.join(" -u ")),
    ))
}

/// Returns only where it fails.
fn again_without(settings: &[OsString]) -> io::Error {
    let program = match env::current_exe() {
        Ok(program) => program,
        Err(error) => return error,
    };
    let mut arguments = env::args_os();
    let mut command = Command::new(program);
    if let Some(name) = arguments.next() {
        command.arg0(name);
    }
    command.args(arguments);
    for name in settings {
        command.env_remove(name);
    }
    command.exec()
}
