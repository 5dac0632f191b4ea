//! `touchline explain`: why a number is what it is.

use crate::explain::{self, ExplainError, Selector};
use crate::job::RunOptions as JobOptions;

use super::args::{ExplainOptions, OutputFormat};
use super::console::Console;
use super::diagnostics::Failure;
use super::progress::Bar;
use super::run::load_plan;

/// Explains a customer or a row of a table on standard output.
pub(super) fn explain(options: &ExplainOptions, console: &Console) -> Result<(), Failure> {
    // What can be told without the configuration is told first.
    let selector =
        options.table.as_deref().map(|table| Selector::parse(table, &options.terms)).transpose()?;
    let plan = load_plan(&options.config, console)?;
    let how = JobOptions {
        threads: options.config.threads,
        memory: options.memory,
        temp_dir: options.temp_dir.clone(),
        ..JobOptions::default()
    };
    let bar = Bar::new(options.progress);
    let json = options.output == OutputFormat::Json;
    let found = match selector {
        Some(selector) => explain::explain_row(&plan, &selector, &how, &bar)
            .map(|found| if json { to_json(&found) } else { Ok(explain::text::row(&found)) }),
        None => {
            let id = options.customer.as_deref().unwrap_or_default();
            explain::explain_customer(&plan, id, options.run.as_deref(), &how, &bar)
                .map(|found| if json { to_json(&found) } else { Ok(explain::text::customer(&found)) })
        }
    };
    bar.clear();
    let text = found?.map_err(|error| Failure::of(&error, 70, None))?;
    console.answer(&text)
}

fn to_json(found: &impl serde::Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(found).map(|json| json + "\n")
}

impl From<ExplainError> for Failure {
    fn from(error: ExplainError) -> Self {
        Self::of(&error, error.exit_code(), error.hint())
    }
}
