//! Why a number is what it is: a customer's journey with what every row became and earned, or a row of a table
//! with the journeys that it is made of.
//!
//! Nothing is worked out a second time: the files are read as a run reads them, and the walk, the credit and the
//! tables are those of the run. So what is shown adds up to the table, and [`ExplainError::Disagrees`] where it
//! doesn't. Ids of customers are shown as the files have them: whoever asks here has the files.

mod contributions;
mod customer;
mod error;
mod figures;
mod locate;
mod money;
mod paths;
mod published;
mod row;
mod rows;
mod rules;
pub mod text;

pub use customer::{CustomerExplained, explain_customer};
pub use error::ExplainError;
pub use locate::Selector;
pub use row::{RowExplained, explain_row};

/// Layout of the JSON documents.
pub const FORMAT_VERSION: u32 = 1;
