//! `touchline diff`: what changed between two runs, and why.

use crate::diff::{self, DiffError, Request};

use super::args::{DiffOptions, OutputFormat};
use super::console::Console;
use super::diagnostics::Failure;

/// Exit code of `--exit-code` where a table differs.
const DIFFERENT: u8 = 1;

/// Prints the comparison on standard output.
pub(super) fn diff(options: &DiffOptions, console: &Console) -> Result<(), Failure> {
    let request = Request {
        before: options.before.clone(),
        after: options.after.clone(),
        out: options.out.clone(),
        top: options.top,
    };
    let comparison = diff::diff(&request)?;
    let text = match options.format {
        OutputFormat::Text => diff::text(&comparison),
        OutputFormat::Json => {
            let json = serde_json::to_string(&comparison).map_err(|error| Failure::of(&error, 70, None))?;
            json + "\n"
        }
    };
    console.answer(&text)?;
    if options.exit_code && !comparison.same_tables { Err(Failure::silent(DIFFERENT)) } else { Ok(()) }
}

impl From<DiffError> for Failure {
    fn from(error: DiffError) -> Self {
        Self::of(&error, error.exit_code(), error.hint())
    }
}
