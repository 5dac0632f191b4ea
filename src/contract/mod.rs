//! What a row must satisfy to be counted, and what happens to one that does not.

pub mod assignments;
pub mod cells;
pub mod codes;
pub mod ids;
pub mod lookups;
pub mod rates;
pub mod reject;
pub mod shares;
pub mod spend;
pub mod spend_channels;
pub mod suppressed;
pub mod touchpoints;

pub use reject::{Reject, RowCounts, Rule, ValueHasher};
