//! `touchline init`: a first configuration for exports.

use serde_json::json;

use crate::init::{self, InitError, Request};

use super::args::InitOptions;
use super::console::Console;
use super::diagnostics::Failure;

/// Writes the configuration, and says on standard error what it guessed.
pub(super) fn init(options: &InitOptions, console: &Console) -> Result<(), Failure> {
    let request = Request {
        paths: options.paths.clone(),
        output: options.config.clone(),
        force: options.overwrite,
        event: options.event.clone(),
    };
    let written = init::init(&request)?;
    let file = options.config.display();
    let text = format!(
        "wrote {file}\n{}next:  touchline check -c {file}  shows what a run would read\n       touchline run -c {file}\n",
        written.summary
    );
    console.tell(
        "written",
        &text,
        json!({ "file": options.config.to_string_lossy(), "message": written.summary }),
    );
    Ok(())
}

impl From<InitError> for Failure {
    fn from(error: InitError) -> Self {
        Self::of(&error, error.exit_code(), error.hint())
    }
}
