//! Customers, their rows in order, and the partitions that hold them.
//!
//! Pure: no Polars, files, clocks or threads.

mod behaviours;
pub mod buffer;
mod by_position;
pub mod channels;
pub mod codebook;
pub mod cut;
pub mod dimensions;
mod interner;
pub mod key;
pub mod orders;
pub mod outcome;
pub mod partition;
pub mod path;
pub mod rules;
pub mod spill;
#[cfg(test)]
pub(crate) mod testing;
pub mod units;
pub mod walk;

pub use codebook::Codebook;
pub use dimensions::{Dimension, population_instant};
pub use key::CustomerHash;
pub use partition::{Assignment, Attributes, Journey, Touchpoint};
pub use rules::{Rules, Target, TargetKind};
pub use units::{Unit, Units};
pub use walk::{ConversionEvent, Path, PathEnd, Walk};
