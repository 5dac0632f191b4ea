//! Disturbs runs, thousands of times, and looks at what is left: `cargo bench --bench faults -- --help`.
//!
//! Kills and errors are injected by `strace`, at one system call of a run after the other. Every sweep prints
//! its seed and ends with 1 if anything was found that should not be. The tests of `tests/it/faults.rs` are
//! short forms of these.
#![allow(clippy::print_stdout, reason = "a program for people who test")]

mod sweep;

use std::fmt::Display;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::{Parser, Subcommand};

use sweep::job::Job;
use sweep::{Outcome, errors, kill, pairs, readers, strace};

/// Kills runs, lets their system calls fail, runs two at once and reads while they publish
#[derive(Debug, Parser)]
#[command(name = "faults", bin_name = "cargo bench --bench faults --")]
struct Arguments {
    #[command(subcommand)]
    sweep: Sweep,

    /// Seed of everything that is left to chance
    #[arg(long, global = true, default_value_t = 7)]
    seed: u64,

    /// Runs that are disturbed at the same time
    #[arg(long, global = true, default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..))]
    workers: u16,

    /// The binary under test; default: that of this build
    #[arg(long, global = true, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_touchline"))]
    binary: PathBuf,

    /// Where outputs lie, and are removed at the end; default: the system's folder for temporary files
    #[arg(long, global = true, value_name = "DIR")]
    folder: Option<PathBuf>,

    /// Cargo passes this to every benchmark, last
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

#[derive(Debug, Subcommand)]
enum Sweep {
    /// SIGKILL at system calls: the old result or the new one is visible, and a retry gives the same bytes
    Kill {
        /// Runs to kill, each at another point
        #[arg(long, default_value_t = 1_000)]
        points: usize,
    },
    /// ENOSPC, EIO and EMFILE at every open, write, sync, rename and the like: 74, the old result stands
    Errors {
        /// At most so many runs, by chance; default: all
        #[arg(long)]
        points: Option<usize>,
    },
    /// Two runs with one output: one publishes, the other ends with 75, or waits
    Pairs {
        #[arg(long, default_value_t = 200)]
        pairs: usize,
    },
    /// Readers beside a run that publishes again and again: nobody sees two results at once
    Readers {
        #[arg(long, default_value_t = 100_000)]
        reads: usize,
    },
}

fn main() -> ExitCode {
    match disturb(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether all was as it should be.
fn disturb(arguments: &Arguments) -> Outcome<bool> {
    let start = Instant::now();
    let folder = match &arguments.folder {
        Some(folder) => tempfile::tempdir_in(folder)?,
        None => tempfile::tempdir()?,
    };
    let job = Job::new(&arguments.binary, folder.path())?;
    let (seed, workers) = (arguments.seed, usize::from(arguments.workers));
    if matches!(arguments.sweep, Sweep::Kill { .. } | Sweep::Errors { .. })
        && let Some(missing) = strace::missing()
    {
        return Err(missing.into());
    }
    let all_well = match arguments.sweep {
        Sweep::Kill { points } => {
            let report = kill::sweep(&job, points, seed, workers)?;
            told(&report, report.failures.is_empty())
        }
        Sweep::Errors { points } => {
            let report = errors::sweep(&job, points.unwrap_or(usize::MAX), seed, workers)?;
            told(&report, report.failures.is_empty())
        }
        Sweep::Pairs { pairs } => {
            let report = pairs::sweep(&job, pairs)?;
            told(&report, report.failures.is_empty())
        }
        Sweep::Readers { reads } => {
            let report = readers::sweep(&job, reads, 2, workers, seed)?;
            told(&report, report.failures.is_empty())
        }
    };
    println!("  took {:.0} s", start.elapsed().as_secs_f64());
    Ok(all_well)
}

fn told(report: &impl Display, all_well: bool) -> bool {
    print!("{report}");
    all_well
}
