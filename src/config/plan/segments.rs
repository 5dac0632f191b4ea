//! Which customers are compared, and what they do.

use serde::Serialize;

use super::{Correction, Matcher};

/// Which segments are compared.
#[derive(Debug, Clone, Serialize)]
pub struct SegmentPlan {
    /// Customer attributes, touchpoint columns, `first_` or `last_` before one, or behaviours.
    pub dimensions: Vec<String>,
    /// Behaviours that are dimensions, in the order of the file.
    pub behaviours: Vec<Behaviour>,
    /// Who is counted.
    pub population: Population,
    /// How p-values of the segments of one dimension and target are adjusted.
    pub correction: Correction,
    /// Smaller segments are merged into `(small)`; 1 turns that off.
    pub min_customers: u64,
}

/// Who is counted in tables of segments.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Population {
    /// Customers with a kept row in the window.
    Active,
    /// Customers of the customers table.
    All,
}

/// What customers do, as a dimension with the segments `yes` and `no`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Behaviour {
    /// Name of the dimension.
    pub name: String,
    /// Any of them suffices.
    pub rules: Vec<BehaviourRule>,
}

/// A customer fits where there are rows that match, and none that must not follow them does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct BehaviourRule {
    /// Which rows count.
    pub matcher: Matcher,
    /// So many of them, at least 1; within `within_us` of each other where that is said.
    pub at_least: u32,
    /// None of these may follow, or stand at the same instant; any matcher counts.
    pub without: Vec<Matcher>,
    /// How long after the row they may not follow, in µs. None: ever after.
    pub within_us: Option<i64>,
}
