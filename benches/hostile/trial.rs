//! What becomes of a file that something happened to: everything that a run keeps of it, as one hash.

use std::error::Error;
use std::fs;
use std::path::Path;

use sha2::{Digest, Sha256};
use touchline::config::{self, Overrides};
use touchline::engine::open::open_inputs;
use touchline::engine::work::{self, Silent};
use touchline::engine::{Budget, EngineError, load::load};

use super::corpus::{Base, Protection};

/// With bounds, so that statistics that were changed would rule row groups out.
const CONFIG: &str = r#"
[job]
name = "hostile"
[window]
from = "2026-04-01"
to = "2026-04-05"
lookback = "1d"
[inputs.touchpoints]
path = "touchpoints"
[conversions.purchase]
event = "purchase"
value = "value"
[contract]
max_rejected_share = 1.0
max_duplicate_share = 1.0
"#;

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 65.
    Refused,
    /// As if nothing had happened to it.
    Right,
    /// Something else was read.
    Wrong,
    /// Another error: with its exit code.
    Failed(u8),
}

/// A folder with a file that is read again and again.
pub struct Trial<'a> {
    folder: &'a Path,
    pool: rayon::ThreadPool,
}

impl<'a> Trial<'a> {
    pub fn new(folder: &'a Path) -> Result<Self, Box<dyn Error>> {
        fs::create_dir_all(folder.join("touchpoints"))?;
        fs::write(folder.join("touchline.toml"), CONFIG)?;
        Ok(Self { folder, pool: work::pool(1)? })
    }

    /// Hash of all that a run keeps of a whole file.
    pub fn read_base(&self, base: &Base) -> Result<blake3::Hash, Box<dyn Error>> {
        self.write(base, &base.bytes)?;
        self.read(false).map_err(|error| format!("{}: {error}", base.name).into())
    }

    /// What becomes of a mutant; with `require` every file must have a checksum.
    pub fn outcome(
        &self,
        base: &Base,
        bytes: &[u8],
        expected: &blake3::Hash,
        require: bool,
    ) -> Result<Outcome, Box<dyn Error>> {
        self.write(base, bytes)?;
        Ok(match self.read(require) {
            Ok(found) if found == *expected => Outcome::Right,
            Ok(_) => Outcome::Wrong,
            Err(error) if error.exit_code() == 65 => Outcome::Refused,
            // Without a row that can be read there is nothing to report: no result either.
            Err(error) => Outcome::Failed(error.exit_code()),
        })
    }

    fn write(&self, base: &Base, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
        let path = self.folder.join("touchpoints/a.parquet");
        fs::write(&path, bytes)?;
        if base.protection == Protection::Sidecar {
            let digest: String =
                Sha256::digest(&base.bytes).iter().map(|byte| format!("{byte:02x}")).collect();
            fs::write(path.with_extension("parquet.sha256"), format!("{digest}  a.parquet\n"))?;
        } else {
            let _ = fs::remove_file(path.with_extension("parquet.sha256"));
        }
        Ok(())
    }

    fn read(&self, require: bool) -> Result<blake3::Hash, EngineError> {
        let set = if require { vec!["contract.integrity=require".to_owned()] } else { Vec::new() };
        let overrides = Overrides { set, ..Overrides::default() };
        let plan = config::load(&self.folder.join("touchline.toml"), &overrides, &|_| None)
            .expect("the configuration above");
        let budget = Budget::of_process(Some(256 << 20), 1, self.folder.to_owned());
        let opened = open_inputs(&plan, &self.pool, &budget.limits())?;
        let loaded = load(&plan, &opened, &self.pool, &budget, &Silent)?;
        let mut hasher = blake3::Hasher::new();
        let mut add = |kept: String| {
            hasher.update(kept.as_bytes());
        };
        add(format!("{:?} {:?} {:?}", loaded.window_us, loaded.book, loaded.remaps));
        add(loaded.counts.iter().map(|input| format!("{:?}", input.counts)).collect());
        for partition in 0..touchline::journey::key::PARTITIONS {
            add(format!("{:?}", loaded.waiting.take(partition)?));
        }
        Ok(hasher.finalize())
    }
}
