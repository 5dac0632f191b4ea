//! The standard warehouses, as `touchline generate` writes them, and the commands over them.

use std::path::{Path, PathBuf};
use std::process::Command;

use touchline::generate;

use super::Outcome;

/// The binary under test.
pub const TOUCHLINE: &str = env!("CARGO_BIN_EXE_touchline");

/// Customers per million touchpoints.
const CUSTOMERS: u64 = 134_000;
/// Days of every warehouse.
pub const DAYS: u32 = 120;
const SEED: u64 = 3;

/// A warehouse on disk.
#[derive(Debug, Clone)]
pub struct Warehouse {
    /// Its folder.
    pub folder: PathBuf,
}

impl Warehouse {
    /// Its configuration.
    pub fn config(&self) -> PathBuf {
        self.folder.join("touchline.toml")
    }

    /// Bytes of its Parquet files.
    ///
    /// # Errors
    ///
    /// A folder can't be read.
    pub fn bytes(&self) -> Outcome<u64> {
        let mut folders = vec![self.folder.clone()];
        let mut bytes = 0;
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder)? {
                let entry = entry?;
                if entry.file_type()?.is_dir() {
                    folders.push(entry.path());
                } else if entry.path().extension().is_some_and(|suffix| suffix == "parquet") {
                    bytes += entry.metadata()?.len();
                }
            }
        }
        Ok(bytes)
    }

    /// A whole run, with further options, that publishes into a folder.
    pub fn run(&self, out: &Path, options: &[&str]) -> Command {
        run_of(&self.config(), out, options)
    }

    /// This program as the yardstick.
    ///
    /// # Errors
    ///
    /// It doesn't know where it lies.
    pub fn decode(&self, only_touchpoints: bool) -> Outcome<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("decode").arg(self.config());
        command.args(only_touchpoints.then_some("--only-touchpoints"));
        Ok(command)
    }
}

/// A whole run of a configuration, with further options, that publishes into a folder.
pub fn run_of(config: &Path, out: &Path, options: &[&str]) -> Command {
    let mut command = Command::new(TOUCHLINE);
    command.args(["run", "--quiet", "--force", "--config"]).arg(config);
    command.arg("--out").arg(out).args(options);
    command
}

/// What the generator was told for so many million touchpoints, as options.
pub fn options(millions: u32) -> [String; 6] {
    let customers = CUSTOMERS * u64::from(millions);
    ["--customers", &customers.to_string(), "--days", &DAYS.to_string(), "--seed", &SEED.to_string()]
        .map(str::to_owned)
}

/// The warehouse of so many million touchpoints: the one that is there, or a new one.
///
/// # Errors
///
/// It can't be generated.
pub fn standard(folder: &Path, millions: u32) -> Outcome<Warehouse> {
    let warehouse = Warehouse { folder: folder.join("warehouses").join(format!("{millions}m")) };
    if !is_complete(&warehouse.folder, CUSTOMERS * u64::from(millions)) {
        println!("generating {}", warehouse.folder.display());
        std::fs::create_dir_all(&warehouse.folder)?;
        let mut command = Command::new(TOUCHLINE);
        command.arg("generate").arg(&warehouse.folder).args(options(millions)).arg("--quiet");
        let status = command.status()?;
        if !status.success() {
            return Err(format!("can't generate {}: {status}", warehouse.folder.display()).into());
        }
        settle()?;
    }
    Ok(warehouse)
}

/// Waits until all that was generated is on disk: else the first runs that are measured would wait for it.
///
/// # Errors
///
/// There is no `sync`.
pub fn settle() -> Outcome<()> {
    Command::new("sync").status()?;
    Ok(())
}

/// Whether a folder holds what the generator would write, by the truths it leaves when it is done.
fn is_complete(folder: &Path, customers: u64) -> bool {
    let truths = std::fs::read(folder.join("truths.json")).ok();
    let truths = truths.and_then(|bytes| serde_json::from_slice::<serde_json::Value>(&bytes).ok());
    truths.is_some_and(|truths| {
        truths["format"] == generate::FORMAT
            && truths["options"]["customers"] == customers
            && truths["options"]["days"] == DAYS
            && truths["options"]["seed"] == SEED
            && !truths["written"].is_null()
    })
}
