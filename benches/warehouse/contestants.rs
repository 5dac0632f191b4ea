//! Commands that are measured round by round, so that all meet the same machine.

use std::path::PathBuf;
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::Outcome;
use super::measure::{Measured, Spread, measure};

/// A command with a name.
#[derive(Debug)]
pub struct Contestant {
    /// As in the tables.
    pub name: String,
    /// What is run.
    pub command: Command,
    /// Removed before each round: results of the round before.
    pub leaves: Option<PathBuf>,
}

/// What became of a contestant.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Timing {
    /// Its name.
    pub name: String,
    /// By round; none where there is a note.
    pub measured: Vec<Measured>,
    /// Why it wasn't measured.
    pub note: Option<String>,
}

impl Timing {
    /// Of a contestant that isn't measured.
    pub fn skipped(name: &str, note: impl Into<String>) -> Self {
        Self { name: name.to_owned(), measured: Vec::new(), note: Some(note.into()) }
    }

    /// Seconds.
    pub fn wall(&self) -> Spread {
        Spread::of(&self.measured, |measured| measured.wall_s)
    }

    /// Seconds of all threads.
    pub fn cpu(&self) -> Spread {
        Spread::of(&self.measured, |measured| measured.cpu_s)
    }

    /// MiB.
    pub fn peak(&self) -> Spread {
        Spread::of(&self.measured, |measured| measured.peak_mib)
    }
}

/// Measures all, round by round. Whoever fails is out, with the reason as note.
///
/// # Errors
///
/// What an earlier round left can't be removed.
pub fn rounds(contestants: &mut [Contestant], rounds: u32) -> Outcome<Vec<Timing>> {
    let mut results: Vec<Timing> = contestants
        .iter()
        .map(|contestant| Timing { name: contestant.name.clone(), measured: Vec::new(), note: None })
        .collect();
    for round in 1..=rounds {
        for (contestant, result) in contestants.iter_mut().zip(&mut results) {
            if result.note.is_some() {
                continue;
            }
            if let Some(leaves) = contestant.leaves.as_ref().filter(|leaves| leaves.exists()) {
                std::fs::remove_dir_all(leaves)?;
            }
            match measure(&mut contestant.command) {
                Ok((measured, _)) => {
                    println!(
                        "  round {round}  {:<28} {:>8.2} s {:>8.2} s CPU {:>8.0} MiB",
                        contestant.name, measured.wall_s, measured.cpu_s, measured.peak_mib
                    );
                    result.measured.push(measured);
                }
                Err(error) => {
                    println!("  round {round}  {:<28} {error}", contestant.name);
                    result.measured.clear();
                    result.note = Some(error.to_string());
                }
            }
        }
    }
    Ok(results)
}
