//! Why a job failed, what to do about it, and the exit code.

use std::path::PathBuf;

use crate::config::nearest::most_alike;
use crate::config::{ConfigError, ErrorKind};
use crate::engine::EngineError;
use crate::input::InputError;
use crate::interrupt::Interrupted;
use crate::publish::PublishError;
use crate::queries::QueryError;
use crate::tables::TableError;

/// Why a job failed.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    /// Reading or computing.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A query.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Publishing.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// A table doesn't keep its promise: a bug.
    #[error(transparent)]
    Table(#[from] TableError),
    /// Polars failed on a table of ours: a bug.
    #[error("a table could not be put together")]
    Polars(#[from] polars::prelude::PolarsError),
    /// The plan has no JSON form: a bug.
    #[error("the configuration could not be hashed")]
    Plan(#[source] serde_json::Error),
    /// Temporary files would lie among results.
    #[error("the temporary folder {} lies inside the output {}", folder.display(), output.display())]
    TempInOutput {
        /// As asked for.
        folder: PathBuf,
        /// As configured.
        output: PathBuf,
    },
    /// Results would lie in the folder that an input is read from.
    #[error("the output {} is where {key} is read from", output.display())]
    OutputIsInput {
        /// As configured.
        output: PathBuf,
        /// Key of the input.
        key: String,
    },
    /// Results would lie among those of another output, which removes what it keeps no longer.
    #[error("the output {} lies among the results in {}", output.display(), results.display())]
    OutputInResults {
        /// As configured.
        output: PathBuf,
        /// The other output.
        results: PathBuf,
    },
    /// Lineage events would be taken for a result, or be removed as one.
    #[error("lineage events would stand among the results in {}", results.display())]
    EventsInResults {
        /// As configured.
        events: PathBuf,
        /// The output.
        results: PathBuf,
    },
    /// Temporary files can't be made where they should.
    #[error("no temporary file can be made in {}", folder.display())]
    TempFolder {
        /// As asked for.
        folder: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Checks warn, and the run was to allow none.
    #[error("{} of data_quality, and --strict allows none:{checks}", if *warnings == 1 { "there is a warning".to_owned() } else { format!("there are {warnings} warnings") })]
    Warnings {
        /// How many.
        warnings: u64,
        /// The first of them, each on a line of its own, or where they stand.
        checks: String,
    },
    /// A table was asked for that there is none of.
    #[error("there is no table `{name}`")]
    UnknownTable {
        /// As asked for.
        name: String,
        /// Those that there are.
        known: Vec<String>,
    },
    /// The run was asked to stop.
    #[error(transparent)]
    Interrupted(#[from] Interrupted),
    /// The books don't close.
    #[error("the books don't close: {0}")]
    Books(String),
}

impl JobError {
    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            JobError::Engine(error) => error.hint(),
            JobError::Query(error) => error.hint.clone(),
            JobError::Publish(error) => error.hint().map(str::to_owned),
            JobError::Interrupted(_) => Some("run again".to_owned()),
            JobError::UnknownTable { name, known } => {
                let known: Vec<&str> = known.iter().map(String::as_str).collect();
                Some(match most_alike(name, known.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("there are: {}", known.join(", ")),
                })
            }
            JobError::OutputIsInput { .. } => {
                Some("name a folder of its own, with output.path or --out: results would be read as inputs".to_owned())
            }
            JobError::OutputInResults { .. } => Some(
                "name a folder beside it, with output.path or --out: what lies in a published run goes with it".to_owned(),
            ),
            JobError::EventsInResults { events, .. } => {
                Some(format!("{} leads there; write lineage.path = \"lineage.ndjson\"", events.display()))
            }
            JobError::TempInOutput { .. } => Some("name another folder with --temp-dir".to_owned()),
            JobError::TempFolder { .. } => {
                Some("name a folder with --temp-dir that is there and that may be written to".to_owned())
            }
            JobError::Warnings { .. } => Some(
                "mend the export, or say in [contract] what is known and accepted; without --strict the run publishes and tells"
                    .to_owned(),
            ),
            JobError::Table(_) | JobError::Polars(_) | JobError::Plan(_) | JobError::Books(_) => {
                Some("this is a bug in touchline; nothing was published. Please report it".to_owned())
            }
        }
    }

    /// The same as a mistake of the configuration, with its line, where it is mended there.
    pub fn in_config(&self) -> Option<ConfigError> {
        let JobError::Engine(
            EngineError::Input(InputError::UnknownColumn { place: Some(place), .. })
            | EngineError::HashKey { place: Some(place), .. },
        ) = self
        else {
            return None;
        };
        Some(ConfigError {
            kind: ErrorKind::Value,
            message: self.to_string(),
            hint: self.hint(),
            file: place.file.clone(),
            location: Some((**place).clone()),
        })
    }

    /// Exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            JobError::Engine(error) => error.exit_code(),
            JobError::Query(error) => error.exit_code(),
            JobError::Publish(error) => error.exit_code(),
            JobError::UnknownTable { .. } | JobError::TempInOutput { .. } | JobError::TempFolder { .. } => 64,
            JobError::OutputIsInput { .. }
            | JobError::OutputInResults { .. }
            | JobError::EventsInResults { .. } => 78,
            JobError::Interrupted(interrupted) => interrupted.stop.exit_code(),
            JobError::Books(_) | JobError::Warnings { .. } => 65,
            JobError::Table(_) | JobError::Polars(_) | JobError::Plan(_) => 70,
        }
    }
}

impl From<crate::input::InputError> for JobError {
    fn from(error: crate::input::InputError) -> Self {
        JobError::Engine(error.into())
    }
}
