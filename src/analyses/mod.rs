//! One file per analysis: partial, observe, merge, finish.
//!
//! An analysis looks at each journey once and adds integers to its [`Analysis::Partial`]. Partials merge
//! in any order. There is one per jackknife bucket; the finish sees all of them and turns cells into
//! frames. Adding an analysis is adding a file and a line in the registry at the end of this one.

pub mod attribution;
pub mod channel_roi;
pub mod reconciliation;

use polars::prelude::{DataFrame, PolarsError};

use crate::config::plan::Plan;
use crate::contract::spend::SpendRow;
use crate::journey::{Codebook, Dimension, Journey, Rules, Walk};

/// What an analysis knows before it sees a journey.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The resolved configuration.
    pub plan: &'a Plan,
    /// The rules by code, targets, channels and window.
    pub rules: &'a Rules,
    /// The configured dimensions, in the order of the configuration.
    pub dimensions: &'a [Dimension],
    /// Codes of assignments: column 0 is the experiment, column 1 the variant.
    pub assignments: &'a Codebook,
    /// All rows of the spend log; empty where none is configured.
    pub spend: &'a [SpendRow],
    /// By conversion: amounts of rejected rows, minor units.
    pub excluded_value_minor: &'a [i128],
}

/// A journey and what the walk over it found.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Rows, attributes and assignments of one customer.
    pub journey: &'a Journey<'a>,
    /// Touches, stage entries, conversions and paths.
    pub walk: &'a Walk,
}

/// A table as an analysis finishes it: its name in the registry of tables and its rows.
pub type NamedFrame = (&'static str, DataFrame);

/// What every analysis does.
pub trait Analysis: Send + Sync {
    /// Integers that merge exactly, associatively and commutatively.
    type Partial: Send;

    /// A partial that has seen nothing.
    fn partial(&self) -> Self::Partial;

    /// Adds a journey.
    fn observe(&self, observed: Observed<'_>, partial: &mut Self::Partial);

    /// Adds what another partial has seen.
    fn merge(&self, into: &mut Self::Partial, from: Self::Partial);

    /// Turns the partials of the 64 buckets into tables.
    fn finish(&self, buckets: &[Self::Partial]) -> Result<Vec<NamedFrame>, PolarsError>;
}
