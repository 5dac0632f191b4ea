//! What can go wrong between the files and the partials.

use std::path::PathBuf;

use crate::config::Location;
use crate::input::InputError;
use crate::interrupt::Interrupted;

use super::hash_key::HashKeyError;

/// Why the kernel could not be driven.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// An input is missing, unreadable or breaks the contract.
    #[error(transparent)]
    Input(#[from] InputError),
    /// No touchpoint lies in the window.
    #[error("no touchpoint {window}: {found}")]
    NoRows {
        /// Where there is none, as a person would write it.
        window: String,
        /// What became of the rows that there are.
        found: String,
    },
    /// Too many rows were rejected.
    #[error(
        "{rejected} of {rows} rows of {input} were rejected ({share:.2} %), more than contract.max_rejected_share = {limit} allows:{reasons}"
    )]
    TooManyRejected {
        /// Which input.
        input: String,
        /// Rejected rows.
        rejected: u64,
        /// Rows read.
        rows: u64,
        /// In percent.
        share: f64,
        /// As a fraction.
        limit: f64,
        /// Rules with their counts and first rows, each on a line of its own.
        reasons: String,
    },
    /// Too many rows are there twice.
    #[error(
        "{duplicates} of {rows} touchpoints are duplicates ({share:.2} %), more than contract.max_duplicate_share = {limit} allows: {exact} equal copies, {conflicting} with the event_id of a row that says something else"
    )]
    TooManyDuplicates {
        /// Both kinds.
        duplicates: u64,
        /// Equal in every mapped column.
        exact: u64,
        /// Of equal event id only.
        conflicting: u64,
        /// Rows in the window.
        rows: u64,
        /// In percent.
        share: f64,
        /// As a fraction.
        limit: f64,
    },
    /// Too many rows are such as the contract allows a share of.
    #[error(
        "{failed} of {rows} touchpoints {what} ({share:.2} %), more than contract.{key} = {limit} allows"
    )]
    BeyondLimit {
        /// Such rows.
        failed: u64,
        /// All that were looked at.
        rows: u64,
        /// What they are.
        what: &'static str,
        /// In percent.
        share: f64,
        /// Key of the contract.
        key: &'static str,
        /// As a fraction.
        limit: f64,
    },
    /// The newest row of an input is too old.
    #[error("{key}: {age}, and error_after is {limit}")]
    Stale {
        /// Key of the source in the configuration.
        key: String,
        /// How old it is, as a person would write it.
        age: String,
        /// As configured.
        limit: String,
    },
    /// Far fewer or more rows than in earlier runs.
    #[error("the numbers of rows are not what they were:{}", inputs.iter().map(|input| format!("\n  {input}")).collect::<String>())]
    RowCountAnomaly {
        /// A sentence for each input.
        inputs: Vec<String>,
    },
    /// The threads could not be started.
    #[error("cannot start {threads} threads")]
    Threads {
        /// How many.
        threads: usize,
        /// Why.
        source: rayon::ThreadPoolBuildError,
    },
    /// Rows that don't fit into memory could not be written out or read back.
    #[error("cannot keep rows in a temporary file in {}", folder.display())]
    Spill {
        /// Where the file lies.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A frame could not be built: a bug.
    #[error("a table could not be put together")]
    Frame(#[source] polars::prelude::PolarsError),
    /// The run was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The key of the hashes in `rejected/` can't be used.
    #[error("{reason}")]
    HashKey {
        /// Why.
        reason: HashKeyError,
        /// Where the configuration names it.
        place: Option<Box<Location>>,
    },
    /// No random key could be had.
    #[error("the system gave no random numbers: {0}")]
    Random(String),
}

impl EngineError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            EngineError::Input(error) => error.hint(),
            EngineError::NoRows { .. } => Some(
                "compare window.from, window.to and `exclude` with the export; `touchline check` shows what is read"
                    .to_owned(),
            ),
            EngineError::TooManyRejected { .. } => {
                Some("mend the export, or raise contract.max_rejected_share if this is known and accepted".to_owned())
            }
            EngineError::TooManyDuplicates { .. } => {
                Some("look for files that were exported twice, or raise contract.max_duplicate_share if this is known and accepted".to_owned())
            }
            EngineError::BeyondLimit { key, .. } => Some(format!(
                "mend the export or the rules, or raise contract.{key} if this is known and accepted; data_quality of an earlier run has more of it"
            )),
            EngineError::Stale { .. } => Some(
                "see whether the export is late or one of its files is missing, or raise error_after".to_owned(),
            ),
            EngineError::RowCountAnomaly { .. } => Some(
                "see whether the export is complete and whether files lie there twice; if the numbers are right, set contract.row_count_anomaly = \"warn\"".to_owned(),
            ),
            EngineError::Spill { .. } => Some(
                "name a folder with more room with --temp-dir, or raise --memory so that less is written out".to_owned(),
            ),
            EngineError::HashKey { reason, .. } => Some(reason.hint()),
            EngineError::Threads { .. } => Some("ask for fewer with --threads".to_owned()),
            EngineError::Interrupted(_) => Some("run again".to_owned()),
            EngineError::Frame(_) | EngineError::Random(_) => None,
        }
    }

    /// Exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            EngineError::Input(error) => error.exit_code(),
            EngineError::NoRows { .. } => 66,
            EngineError::TooManyRejected { .. }
            | EngineError::TooManyDuplicates { .. }
            | EngineError::BeyondLimit { .. }
            | EngineError::Stale { .. }
            | EngineError::RowCountAnomaly { .. } => 65,
            EngineError::Threads { .. } | EngineError::Random(_) | EngineError::Spill { .. } => 74,
            EngineError::HashKey { .. } => 78,
            EngineError::Interrupted(interrupted) => interrupted.stop.exit_code(),
            EngineError::Frame(_) => 70,
        }
    }
}
