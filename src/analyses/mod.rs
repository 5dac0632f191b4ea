//! One file per analysis: partial, observe, merge, finish.
//!
//! An analysis looks at each journey once and adds integers to its [`Analysis::Partial`]. Partials merge
//! in any order. There is one per jackknife bucket; the finish sees all of them and turns cells into
//! frames. Adding an analysis is adding a file and a line in the registry at the end of this one.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that can't go on should stop"))]

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

pub mod attribution;
pub mod channel_roi;
mod columns;
pub mod experiments;
pub mod reconciliation;
pub mod segment_conversion;
pub mod stage_funnel;
pub mod stage_transitions;
#[cfg(test)]
pub(crate) mod testing;

pub use attribution::Attribution;
pub use experiments::Experiments;
pub use segment_conversion::SegmentConversion;
pub use stage_funnel::StageFunnel;
pub use stage_transitions::StageTransitions;

/// From a list of `name: Type`, each a `Type<'a>` with `Type::new(Context<'a>)`, makes the structs that run
/// all of them side by side.
macro_rules! registry {
    ($($name:ident: $type:ident),+ $(,)?) => {
        /// All analyses, in the order of their tables.
        pub struct Analyses<'a> {
            $($name: $type<'a>,)+
        }

        /// What all analyses have seen; one per jackknife bucket, and while reading one per worker.
        pub struct Partials {
            $($name: <$type<'static> as Analysis>::Partial,)+
        }

        impl<'a> Analyses<'a> {
            /// Makes every analysis ready for journeys.
            pub fn new(context: Context<'a>) -> Self {
                Self { $($name: $type::new(context),)+ }
            }

            /// Partials that have seen nothing.
            pub fn partials(&self) -> Partials {
                Partials { $($name: self.$name.partial(),)+ }
            }

            /// Shows a journey to every analysis.
            pub fn observe(&self, observed: Observed<'_>, partials: &mut Partials) {
                $(self.$name.observe(observed, &mut partials.$name);)+
            }

            /// Adds what other partials of the same bucket have seen.
            pub fn merge(&self, into: &mut Partials, from: Partials) {
                $(self.$name.merge(&mut into.$name, from.$name);)+
            }

            /// Turns the partials of the 64 buckets, in their order, into tables.
            ///
            /// # Errors
            /// Where a frame can't be built: columns of different lengths, so a bug.
            pub fn finish(&self, buckets: Vec<Partials>) -> Result<Vec<NamedFrame>, PolarsError> {
                $(let mut $name = Vec::with_capacity(buckets.len());)+
                for bucket in buckets {
                    $($name.push(bucket.$name);)+
                }
                let mut frames = Vec::new();
                $(frames.extend(self.$name.finish(&$name)?);)+
                Ok(frames)
            }
        }
    };
}

// The registry: an analysis is one line here.
registry! {
    attribution: Attribution,
    stage_funnel: StageFunnel,
    stage_transitions: StageTransitions,
    segment_conversion: SegmentConversion,
    experiments: Experiments,
}

#[cfg(test)]
mod tests {
    use super::testing::Bench;
    use super::*;
    use crate::journey::testing::World;
    use crate::stats::BUCKETS;

    #[test]
    fn every_analysis_finishes_with_its_tables() {
        let mut world = World::new(&["A"], &["buy"]);
        let journey = world.journey("A d1, buy d2 =100");
        let walk = journey.walk(&world.rules);
        let bench = Bench::new(world, &[""; 0]);
        let analyses = Analyses::new(bench.context());
        let mut buckets: Vec<Partials> = (0..BUCKETS).map(|_| analyses.partials()).collect();
        let mut worker = analyses.partials();
        analyses.observe(Observed { journey: &journey.journey(), walk: &walk }, &mut worker);
        analyses.merge(&mut buckets[7], worker);
        let frames = analyses.finish(buckets).unwrap();
        let mut tables: Vec<&str> = frames.iter().map(|(name, _)| *name).collect();
        let entered = frames.iter().find(|(name, _)| *name == "stage_funnel").unwrap();
        assert_eq!(testing::show(&entered.1, &["stage", "entered"]), "A 1", "observed and merged");
        // The books are kept by several: the job stacks their lines.
        tables.retain(|table| *table != "reconciliation");
        tables.sort_unstable();
        assert!(tables.windows(2).all(|pair| pair[0] != pair[1]), "two analyses write one of {tables:?}");
    }
}
