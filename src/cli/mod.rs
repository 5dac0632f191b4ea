//! Arguments, diagnostics, progress, exit codes. The only module that prints.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "printing is what this module is for")]

mod args;
mod check;
mod diagnostics;
mod diff;
mod explain;
mod init;
mod progress;
mod reference;
mod run;
mod size;

use std::process::ExitCode;

use clap::Parser;

use args::{Arguments, Command};
use diagnostics::Failure;

pub use args::command;

/// Parses the arguments, does what they ask for, and says how it went.
pub fn main() -> ExitCode {
    silence_the_decoder();
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are asked for; anything else is a mistake of usage.
            let code = if error.use_stderr() { 64 } else { 0 };
            // A closed pipe is no reason to fail.
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let color = arguments.color.is_on();
    let outcome = match arguments.command {
        Command::Run(options) => run::run(&options),
        Command::Check(options) => check::check(&options),
        Command::Explain(options) => explain::explain(&options),
        Command::Init(options) => init::init(&options),
        Command::Diff(options) => diff::diff(&options),
        Command::Tables(options) => tables(&options),
        Command::Generate(options) => generate(&options),
        Command::Completions { shell } => reference::completions(shell),
        Command::Man => reference::man(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprint!("{}", failure.render(color));
            ExitCode::from(failure.exit_code)
        }
    }
}

/// A panic that is caught and told as an error of its file needs no words of its own, which might be of the file's rows.
fn silence_the_decoder() {
    let report = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |info| {
        if !crate::input::guard::is_guarded() {
            report(info);
        }
    }));
}

fn tables(options: &args::TablesOptions) -> Result<(), Failure> {
    match options.format {
        args::DictionaryFormat::Markdown => print!("{}", crate::tables::markdown()),
        args::DictionaryFormat::Json => println!("{}", crate::tables::json()),
    }
    Ok(())
}

fn generate(options: &args::GenerateOptions) -> Result<(), Failure> {
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
    if !options.quiet {
        eprintln!(
            "wrote {} touchpoints of {} customers in {} daily files to {} ({:.1} MB)\nrun it:  touchline run -c {}",
            progress::grouped(summary.touchpoints),
            progress::grouped(summary.customers),
            summary.touchpoint_files,
            options.dir.display(),
            summary.bytes as f64 / 1e6,
            options.dir.join("touchline.toml").display(),
        );
    }
    Ok(())
}
