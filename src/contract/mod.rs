//! What a row must satisfy to be counted, and what happens to one that does not.

pub mod lookups;
pub mod reject;
pub mod spend;
pub mod touchpoints;

pub use reject::{Reject, RowCounts, Rule, ValueHasher};
