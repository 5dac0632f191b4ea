//! Why nothing could be explained.

use crate::engine::EngineError;
use crate::job::JobError;

/// Why nothing could be explained.
#[derive(Debug, thiserror::Error)]
pub enum ExplainError {
    /// Reading or computing failed, as it would in a run.
    #[error(transparent)]
    Job(#[from] JobError),
    /// No file has a row of the customer.
    #[error("no touchpoint file has a row of that customer")]
    UnknownCustomer,
    /// What was asked for can't be found: an unknown table, column or value.
    #[error("{message}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What there is instead.
        hint: String,
    },
    /// The run whose effects were asked for can't be read.
    #[error("cannot read the published run {run}: {reason}")]
    Run {
        /// As asked for.
        run: String,
        /// What is wrong with it.
        reason: String,
    },
    /// What was added up isn't what the table says: a bug.
    #[error("the journeys sum to {sum} millionths of a conversion, the table says {figure}")]
    Disagrees {
        /// Of all journeys.
        sum: i128,
        /// Of the table, in the same unit.
        figure: i128,
    },
}

impl ExplainError {
    pub(super) fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: hint.into() }
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Job(error) => error.hint(),
            Self::UnknownCustomer => Some(
                "an id is taken as it stands in `customer_id`, with its case and its zeros; the touchpoint inputs alone are searched"
                    .to_owned(),
            ),
            Self::Usage { hint, .. } => Some(hint.clone()),
            Self::Run { .. } => Some("name the folder of a run with --run, as `out/current`".to_owned()),
            Self::Disagrees { .. } => Some("this is a bug in touchline. Please report it".to_owned()),
        }
    }

    /// Exit code.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Job(error) => error.exit_code(),
            Self::UnknownCustomer | Self::Run { .. } => 66,
            Self::Usage { .. } => 64,
            Self::Disagrees { .. } => 70,
        }
    }
}

impl From<EngineError> for ExplainError {
    fn from(error: EngineError) -> Self {
        Self::Job(error.into())
    }
}

impl From<polars::prelude::PolarsError> for ExplainError {
    fn from(error: polars::prelude::PolarsError) -> Self {
        Self::Job(error.into())
    }
}
