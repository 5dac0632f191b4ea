//! Arguments, diagnostics, progress, exit codes. The only module that prints.

mod args;
mod check;
mod console;
mod diagnostics;
mod diff;
mod environment;
mod explain;
mod init;
mod lineage;
mod local;
mod numbers;
mod panics;
mod progress;
mod reference;
mod run;
mod signals;
mod size;
mod summary;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::FromArgMatches;
use serde_json::json;

use crate::config::Secrets;
use crate::interrupt::Interrupt;

use args::{Arguments, Command};
use console::{Console, LogFormat, Verbosity};
use diagnostics::Failure;
use panics::guarded;

pub use args::command;

/// Parses the arguments, does what they ask for, and says how it went.
pub fn main() -> ExitCode {
    let environment = environment::leave_polars_out();
    let matches = command().try_get_matches();
    let arguments = match matches.and_then(|matches| Arguments::from_arg_matches(&matches)) {
        Ok(arguments) => arguments,
        Err(error) => return usage(error),
    };
    let console = Console {
        format: arguments.log_format,
        color: arguments.color.is_on(),
        verbosity: arguments.command.verbosity(),
        secrets: Secrets::default(),
    };
    let interrupt = Interrupt::default();
    let outcome = environment.and_then(|()| match &arguments.command {
        Command::Run(options) => run::run(options, &console, &interrupt),
        command => guarded(&console, &interrupt, || answer(command, &console)).map(|()| 0),
    });
    ExitCode::from(outcome.unwrap_or_else(|failure| {
        console.failure(&failure);
        failure.exit_code
    }))
}

/// The commands that publish nothing.
fn answer(command: &Command, console: &Console) -> Result<(), Failure> {
    match command {
        Command::Run(_) => Ok(()),
        Command::Check(options) => check::check(options, console),
        Command::Explain(options) => explain::explain(options, console),
        Command::Init(options) => init::init(options, console),
        Command::Diff(options) => diff::diff(options, console),
        Command::Tables(options) => tables(options, console),
        Command::Generate(options) => generate(options, console),
        Command::Completions { shell } => reference::completions(*shell, console),
        Command::Man => reference::man(console),
    }
}

/// Help and version are asked for; anything else is a mistake of usage.
fn usage(error: clap::Error) -> ExitCode {
    if !error.use_stderr() {
        return ExitCode::from(if error.print().is_ok() { 0 } else { 74 });
    }
    let wants_json = |arguments: &[OsString]| {
        arguments.iter().any(|argument| argument == "--log-format=json")
            || arguments.windows(2).any(|pair| pair[0] == "--log-format" && pair[1] == "json")
            || std::env::var_os("TOUCHLINE_LOG_FORMAT").is_some_and(|format| format == "json")
    };
    let json = wants_json(&std::env::args_os().collect::<Vec<_>>());
    let console = Console {
        format: if json { LogFormat::Json } else { LogFormat::Text },
        color: args::When::Auto.is_on(),
        verbosity: Verbosity::Normal,
        secrets: Secrets::default(),
    };
    let failure = Failure::from(error);
    console.failure(&failure);
    ExitCode::from(failure.exit_code)
}

fn tables(options: &args::TablesOptions, console: &Console) -> Result<(), Failure> {
    match options.format {
        args::DictionaryFormat::Markdown => console.answer(&crate::tables::markdown()),
        args::DictionaryFormat::Json => console.answer(&format!("{}\n", crate::tables::json())),
    }
}

fn generate(options: &args::GenerateOptions, console: &Console) -> Result<(), Failure> {
    let bar = progress::Bar::new(options.progress);
    let request = crate::generate::Options {
        dir: options.dir.clone(),
        customers: options.customers,
        days: options.days,
        seed: options.seed,
        threads: options.threads,
    };
    let summary = crate::generate::generate(&request, &|done, of| bar.set("generating", done, of))
        .map_err(|error| Failure::of(&error, error.exit_code(), error.hint()))?;
    bar.clear();
    let text = format!(
        "wrote {} touchpoints of {} customers in {} daily files to {} ({:.1} MB)\nrun it:  touchline run -c {}\n",
        progress::grouped(summary.touchpoints),
        progress::grouped(summary.customers),
        summary.touchpoint_files,
        options.dir.display(),
        summary.bytes as f64 / 1e6,
        options.dir.join("touchline.toml").display(),
    );
    let fields = json!({
        "directory": options.dir.to_string_lossy(),
        "touchpoints": summary.touchpoints,
        "customers": summary.customers,
        "files": summary.touchpoint_files,
        "bytes": summary.bytes,
    });
    console.tell("generated", &text, fields);
    Ok(())
}
