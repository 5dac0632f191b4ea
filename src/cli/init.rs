//! `touchline init`: a first configuration for exports.

use crate::init::{self, InitError, Request};

use super::args::InitOptions;
use super::diagnostics::Failure;

/// Writes the configuration, and says on standard error what it guessed.
pub(super) fn init(options: &InitOptions) -> Result<(), Failure> {
    let request = Request {
        paths: options.paths.clone(),
        output: options.output.clone(),
        force: options.force,
        event: options.event.clone(),
    };
    let written = init::init(&request)?;
    if !options.quiet {
        let file = options.output.display();
        eprint!("wrote {file}\n{}", written.summary);
        eprintln!(
            "next:  touchline check -c {file}  shows what a run would read\n       touchline run -c {file}"
        );
    }
    Ok(())
}

impl From<InitError> for Failure {
    fn from(error: InitError) -> Self {
        Self::of(&error, error.exit_code(), error.hint())
    }
}
