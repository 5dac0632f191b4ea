//! What the data must satisfy.

use std::path::PathBuf;

use serde::Serialize;

/// What the data must satisfy.
#[derive(Debug, Clone, Serialize)]
pub struct ContractPlan {
    /// Above this share of rejected rows the run stops.
    pub max_rejected_share: f64,
    /// Above this share of duplicates the run stops.
    pub max_duplicate_share: f64,
    /// What makes two rows of a customer the same.
    pub dedupe: Dedupe,
    /// Customers with more rows are taken for bots: excluded and counted.
    pub max_touchpoints_per_customer: u64,
    /// A path keeps its last so many candidates.
    pub max_path_touches: usize,
    /// What columns mean that are neither mapped nor used.
    pub unknown_columns: UnknownColumns,
    /// Events that no rule has to name, exact or with `*`.
    pub known_events: Vec<String>,
    /// Above this share of rows whose event no rule names the run stops.
    pub max_unknown_event_share: f64,
    /// Above this share of rows that the rules find no channel for the run stops.
    pub max_unknown_channel_share: f64,
    /// Above this share of rows that came on a later day than their own the run stops.
    pub max_late_share: f64,
    /// Above this share of rows that came on an earlier day than their own the run stops.
    pub max_future_share: f64,
    /// What checksums of files are looked at.
    pub integrity: Integrity,
    /// What a damaged file of touchpoints means.
    pub on_corrupt: OnCorrupt,
    /// How far the numbers of rows may lie from those of earlier runs.
    pub row_count_anomaly: OnAnomaly,
    /// File with the key of the hashes in `rejected/`, which are outside the tables. None: a key of the run's own.
    #[serde(skip)]
    pub hash_key_file: Option<PathBuf>,
}

/// What it means that a file has a column that is neither mapped nor used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownColumns {
    /// Nothing.
    Ignore,
    /// A warning in `data_quality`.
    Warn,
    /// The run stops.
    Fail,
}

/// What makes two rows of one customer the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Dedupe {
    /// The same event id; without a mapped `event_id` nothing is a duplicate.
    EventId,
    /// All mapped columns equal.
    Row,
    /// Nothing is a duplicate.
    Off,
}

/// How old the newest row of a source may be at the end of the window.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Freshness {
    /// Older ones are told.
    pub warn_after_us: Option<i64>,
    /// Older ones stop the run.
    pub error_after_us: Option<i64>,
}

/// What checksums of files are looked at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Integrity {
    /// Those that are there.
    #[default]
    Prefer,
    /// Those that are there, and every file must have one.
    Require,
    /// None.
    Off,
}

/// What a damaged file of touchpoints means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnCorrupt {
    /// The run stops.
    #[default]
    Fail,
    /// The run does without it and says that it is incomplete.
    QuarantineFile,
}

/// What it means that the rows are far fewer or more than in earlier runs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnAnomaly {
    /// The run says so.
    #[default]
    Warn,
    /// The run stops.
    Fail,
    /// Nothing is compared.
    Off,
}
