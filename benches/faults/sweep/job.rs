//! The job under test: a small warehouse, two configurations with different results, and outputs to run it into.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use super::Outcome;
use super::state::{Bytes, published};

/// One thread for the rows, so that the same calls come in the same order in every run.
const STEADY: [&str; 4] = ["--threads", "1", "--progress", "never"];

/// A warehouse in a folder of its own, and the binary that runs over it.
#[derive(Debug, Clone)]
pub struct Job {
    binary: PathBuf,
    folder: PathBuf,
}

/// One of two configurations whose tables differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// What was published before.
    Old,
    /// What the disturbed run publishes.
    New,
}

impl Job {
    /// Generates the warehouse in a folder that is there and empty.
    pub fn new(binary: &Path, folder: &Path) -> Outcome<Self> {
        let job = Self { binary: binary.to_owned(), folder: folder.to_owned() };
        let mut generate = job.touchline();
        generate.args(["generate", "warehouse", "--customers", "120", "--days", "4", "--seed", "7", "-q"]);
        expect_success(&generate.output()?)?;
        Ok(job)
    }

    /// A path in the folder of the job.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The binary in a clean environment, in the folder of the job.
    fn touchline(&self) -> Command {
        let mut command = Command::new(&self.binary);
        self.surround(&mut command);
        command
    }

    /// What every command gets: the folder, a clean environment but the path to programs, no input.
    fn surround(&self, command: &mut Command) {
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.current_dir(&self.folder).env_clear().env("PATH", path).stdin(Stdio::null());
    }

    /// The run of a configuration into an output, as arguments with the binary first.
    pub fn arguments(&self, version: Version, out: &str, more: &[&str]) -> Vec<String> {
        let binary = self.binary.display().to_string();
        let mut arguments = vec![binary, "run".to_owned(), "-q".to_owned()];
        let models = match version {
            Version::Old => "attribution.models=[\"last_touch\"]",
            Version::New => "attribution.models=[\"linear\"]",
        };
        arguments.extend(STEADY.map(str::to_owned));
        arguments
            .extend(["-c", "warehouse/touchline.toml", "--set", models, "--out", out].map(str::to_owned));
        arguments.extend(more.iter().map(|argument| (*argument).to_owned()));
        arguments
    }

    /// A command of these words, ready to start.
    pub fn command(&self, words: &[String]) -> Command {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        self.surround(&mut command);
        command
    }

    /// Runs a configuration that succeeds, undisturbed; gives what the pointer `current` then shows.
    pub fn run(&self, version: Version, out: &str, more: &[&str]) -> Outcome<Bytes> {
        expect_success(&self.command(&self.arguments(version, out, more)).output()?)?;
        published(&self.path(out))
    }

    /// An output as a copy of another; files are shared, for nobody writes into a published one.
    pub fn copy(&self, from: &str, to: &str) -> Outcome<()> {
        let to = self.path(to);
        if to.exists() {
            fs::remove_dir_all(&to)?;
        }
        copy_folder(&self.path(from), &to)
    }
}

/// Copies folders, with their times, and symbolic links; files become hard links.
fn copy_folder(from: &Path, to: &Path) -> Outcome<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let (kind, target) = (entry.file_type()?, to.join(entry.file_name()));
        if kind.is_dir() {
            copy_folder(&entry.path(), &target)?;
        } else if kind.is_symlink() {
            symlink(fs::read_link(entry.path())?, target)?;
        } else if entry.file_name() == ".lock" {
            // A link would be the same lock.
            fs::copy(entry.path(), target)?;
        } else {
            fs::hard_link(entry.path(), target)?;
        }
    }
    fs::File::open(to)?.set_modified(fs::metadata(from)?.modified()?)?;
    Ok(())
}

fn expect_success(output: &Output) -> Outcome<()> {
    if output.status.success() {
        return Ok(());
    }
    Err(format!("an undisturbed run: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into())
}
