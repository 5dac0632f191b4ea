//! The manifest of a published run: what went in, what came out. The only published file with wall-clock times.

use std::collections::BTreeMap;
use std::path::Path;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::error::PublishError;
use super::files;

/// Name of the manifest in the folder of a run.
pub const MANIFEST: &str = "manifest.json";

/// `manifest.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of this layout.
    pub manifest_version: u32,
    /// Hash of everything that can change a published byte.
    pub run_id: String,
    /// Counts the times this run id was published.
    pub attempt: u32,
    /// What ran.
    pub job: JobRecord,
    /// What was reported.
    pub window: WindowRecord,
    /// Files that were read.
    pub inputs: Vec<InputRecord>,
    /// Files that were left out because they are damaged: the results are incomplete.
    #[serde(default)]
    pub quarantined: Vec<QuarantinedRecord>,
    /// What a person should know of the inputs.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// Rows and customers by fate.
    pub counts: BTreeMap<String, u64>,
    /// The tables that were asked for, where it wasn't all of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub only: Vec<String>,
    /// What was published.
    pub tables: Vec<TableRecord>,
    /// Rejected rows by input.
    pub rejected: Vec<RejectedRecord>,
    /// The other files of the run, without this one.
    pub files: Vec<FileRecord>,
    /// Wall clock at the start of the run, RFC 3339.
    pub started: String,
    /// Wall clock when everything but this file was on disk, RFC 3339.
    pub finished: String,
}

/// What ran.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobRecord {
    /// Name of the job.
    pub name: String,
    /// Version of the build.
    pub version: String,
    /// Hash of the resolved configuration.
    pub config_hash: String,
    /// IANA zone of the day boundary.
    pub timezone: String,
    /// ISO 4217 code of the reporting currency.
    pub currency: String,
    /// The configuration as it was written, options included: TOML by key. What `${NAME}` stands for and ids of customers
    /// are not in it. Empty in manifests of older versions.
    #[serde(default)]
    pub config: BTreeMap<String, String>,
    /// BLAKE3 by file of the queries and their documentation. Empty in manifests of older versions.
    #[serde(default)]
    pub queries: BTreeMap<String, String>,
}

/// What was reported.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WindowRecord {
    /// Name of the window's pointer.
    pub name: String,
    /// First instant, RFC 3339 in UTC.
    pub from: String,
    /// First instant that is not part of it, RFC 3339 in UTC.
    pub to: String,
    /// First instant, in µs since the epoch.
    pub from_us: i64,
    /// First instant that is not part of it, in µs since the epoch.
    pub to_us: i64,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputRecord {
    /// Which input: `touchpoints`, `spend` …
    pub input: String,
    /// As it was opened.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Modification time in µs since the epoch: with the size what a rerun trusts the digest by.
    pub modified_us: Option<i64>,
    /// Of an object in a store what changes whenever it is written: a rerun compares it too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub etag: Option<String>,
    /// BLAKE3 of what was read.
    pub blake3: String,
    /// SHA-256 of the whole file, where it was taken.
    pub sha256: Option<String>,
    /// Rows of the file.
    pub rows: u64,
    /// Whether a checksum covered what was read.
    pub verified: bool,
}

/// A file that was left out because it is damaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantinedRecord {
    /// Which input: `touchpoints`, `spend` …
    pub input: String,
    /// Where it lies.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// What is wrong with it.
    pub reason: String,
}

/// A published table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableRecord {
    /// Name of the table.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its Parquet file.
    pub parquet: Option<FileRecord>,
    /// Its CSV file.
    pub csv: Option<FileRecord>,
}

/// Rejected rows of an input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RejectedRecord {
    /// Which input.
    pub input: String,
    /// How many.
    pub rows: u64,
    /// Where they are.
    pub file: FileRecord,
}

/// A file of the run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileRecord {
    /// Below the folder of the run.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, hexadecimal.
    pub sha256: String,
}

impl FileRecord {
    /// The record of a file with these bytes.
    pub fn new(path: String, bytes: &[u8]) -> Self {
        FileRecord { path, size: bytes.len() as u64, sha256: sha256(bytes) }
    }
}

impl Manifest {
    /// Whether a pointer may move from another run to this one: not where some tables only were asked for and a
    /// reader would lose one of the present ones.
    pub fn may_replace(&self, present: &Manifest) -> bool {
        let has = |name: &str| self.tables.iter().any(|table| table.name == name);
        self.only.is_empty() || present.tables.iter().all(|table| has(&table.name))
    }

    /// Every file of the run but the manifest.
    pub fn all_files(&self) -> impl Iterator<Item = &FileRecord> {
        let tables = self.tables.iter().flat_map(|table| table.parquet.iter().chain(&table.csv));
        tables.chain(self.rejected.iter().map(|rejected| &rejected.file)).chain(&self.files)
    }

    /// Reads the manifest of a run's folder.
    ///
    /// # Errors
    ///
    /// It can't be read, or it is no manifest.
    pub fn read(folder: &Path) -> Result<Self, PublishError> {
        let bytes = files::read_file(&folder.join(MANIFEST))?;
        serde_json::from_slice(&bytes).map_err(|source| PublishError::Json { file: MANIFEST, source })
    }

    /// The bytes of the file.
    ///
    /// # Errors
    ///
    /// None that is known of.
    pub fn encode(&self) -> Result<Vec<u8>, PublishError> {
        let mut bytes = serde_json::to_vec_pretty(self)
            .map_err(|source| PublishError::Json { file: MANIFEST, source })?;
        bytes.push(b'\n');
        Ok(bytes)
    }
}

/// SHA-256 as lower-case hexadecimal digits.
pub(super) fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
