//! One file per analysis: partial, observe, merge, finish.
//!
//! An analysis looks at each journey once and adds integers to its [`Analysis::Partial`]. Partials merge
//! in any order. Where figures have replicates there is one per jackknife bucket; else one per worker, so
//! that 64 copies of what is merged anyway never lie in memory. The finish turns partials into frames.
//! Adding an analysis is adding a file and a line in the registry at the end of this one.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that can't go on should stop"))]

use polars::prelude::{DataFrame, PolarsError};

use crate::config::plan::{Plan, Population};
use crate::contract::spend::SpendRow;
use crate::journey::{Codebook, Dimension, Journey, Rules, Walk, population_instant};

use self::suppression::Withheld;

/// What an analysis knows before it sees a journey.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The resolved configuration.
    pub plan: &'a Plan,
    /// The rules by code, targets, channels and window.
    pub rules: &'a Rules,
    /// The same for the window before, where it is compared.
    pub previous: Option<&'a Rules>,
    /// The configured dimensions, in the order of the configuration.
    pub dimensions: &'a [Dimension],
    /// Codes of assignments: column 0 is the experiment, column 1 the variant.
    pub assignments: &'a Codebook,
    /// All rows of the spend log; empty where none is configured.
    pub spend: &'a [SpendRow],
    /// By conversion: amounts of rejected rows, minor units.
    pub excluded_value_minor: &'a [i128],
    /// Threads that the finish may use where it changes no figure.
    pub threads: usize,
}

impl Context<'_> {
    /// Index of the target that tables of one conversion are about: that of `roi.primary`, else the first. None
    /// without a conversion.
    pub fn primary_target(&self) -> Option<usize> {
        let conversion = self.plan.roi.primary.map_or(0, |(conversion, _)| conversion);
        let target = self.rules.stages + conversion;
        (target < self.rules.targets.len()).then_some(target)
    }
}

/// A journey and what the walk over it found.
#[derive(Debug, Clone, Copy)]
pub struct Observed<'a> {
    /// Rows, attributes and assignments of one customer.
    pub journey: &'a Journey<'a>,
    /// Touches, stage entries, conversions and paths.
    pub walk: &'a Walk,
    /// By dimension of the context: the segment that tables of segments count the customer in. Empty where the
    /// customer isn't in their population.
    pub segments: &'a [u32],
}

/// Fills in [`Observed::segments`]: as of the customer's first kept row in the window, or of the window's first instant
/// for customers of the population without one.
#[inline]
pub fn segments_of(
    dimensions: &[Dimension],
    population: Population,
    journey: &Journey<'_>,
    walk: &Walk,
    rules: &Rules,
    segments: &mut Vec<u32>,
) {
    segments.clear();
    if population_instant(population, journey, walk, rules).is_some() {
        segments.extend(dimensions.iter().map(|dimension| dimension.segment(journey, walk, rules) as u32));
    }
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

    /// Brings a partial that has seen its last journey into its final, smallest form. Called once, before
    /// any merge.
    fn close(&self, _partial: &mut Self::Partial) {}

    /// Adds what another partial has seen, both of them closed.
    fn merge(&self, into: &mut Self::Partial, from: Self::Partial);

    /// What all of these have seen.
    fn total(&self, partials: Vec<Self::Partial>) -> Self::Partial {
        let mut partials = partials.into_iter();
        let mut total = partials.next().unwrap_or_else(|| self.partial());
        partials.for_each(|partial| self.merge(&mut total, partial));
        total
    }

    /// Turns partials into tables: of the 64 buckets in their order, or one of all journeys, as the
    /// registry says. Without replicates how many there are makes no difference. They are handed over, as nobody needs
    /// them any more and a second copy would be of what is largest by then. `withheld` is what the analyses before
    /// it have hidden that it must not show.
    fn finish(
        &self,
        partials: Vec<Self::Partial>,
        withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError>;
}

pub mod attribution;
pub mod channel_daily;
pub mod channel_roi;
mod columns;
mod days;
pub mod experiments;
mod funnel;
pub mod journey_paths;
pub mod reconciliation;
pub mod segments;
pub mod stage_funnel;
pub mod stage_transitions;
pub mod suppression;
#[cfg(test)]
mod suppression_tests;
#[cfg(test)]
pub(crate) mod testing;
mod tuples;

pub use attribution::Attribution;
pub use channel_daily::ChannelDaily;
pub use experiments::Experiments;
pub use journey_paths::JourneyPaths;
pub use segments::Segments;
pub use stage_funnel::StageFunnel;
pub use stage_transitions::StageTransitions;

/// From two lists of `name: Type`, each a `Type<'a>` with `Type::new(Context<'a>)`, makes the structs that
/// run all of them side by side.
macro_rules! registry {
    (
        by bucket { $($replicated:ident: $replicated_type:ident),+ $(,)? }
        by worker { $($summed:ident: $summed_type:ident),+ $(,)? }
    ) => {
        /// All analyses, in the order of their tables.
        pub struct Analyses<'a> {
            $($replicated: $replicated_type<'a>,)+
            $($summed: $summed_type<'a>,)+
        }

        /// What the analyses with replicates have seen of one jackknife bucket.
        pub struct BucketPartials {
            $($replicated: <$replicated_type<'static> as Analysis>::Partial,)+
        }

        /// What the others have seen, whatever the bucket: one per worker while reading, then one.
        pub struct WorkerPartials {
            $($summed: <$summed_type<'static> as Analysis>::Partial,)+
        }

        impl<'a> Analyses<'a> {
            /// Makes every analysis ready for journeys.
            pub fn new(context: Context<'a>) -> Self {
                Self {
                    $($replicated: $replicated_type::new(context),)+
                    $($summed: $summed_type::new(context),)+
                }
            }

            /// Partials of a bucket that have seen nothing.
            pub fn bucket(&self) -> BucketPartials {
                BucketPartials { $($replicated: self.$replicated.partial(),)+ }
            }

            /// Partials of a worker that have seen nothing.
            pub fn worker(&self) -> WorkerPartials {
                WorkerPartials { $($summed: self.$summed.partial(),)+ }
            }

            /// Shows a journey to every analysis.
            #[inline]
            pub fn observe(
                &self,
                observed: Observed<'_>,
                bucket: &mut BucketPartials,
                worker: &mut WorkerPartials,
            ) {
                $(self.$replicated.observe(observed, &mut bucket.$replicated);)+
                $(self.$summed.observe(observed, &mut worker.$summed);)+
            }

            /// Brings the partials of a bucket that is over into their final form, once, before any merge.
            pub fn close_bucket(&self, bucket: &mut BucketPartials) {
                $(self.$replicated.close(&mut bucket.$replicated);)+
            }

            /// The same for a worker that has seen its last journey.
            pub fn close_worker(&self, worker: &mut WorkerPartials) {
                $(self.$summed.close(&mut worker.$summed);)+
            }

            /// Adds what other partials of the same bucket have seen.
            pub fn merge_bucket(&self, into: &mut BucketPartials, from: BucketPartials) {
                $(self.$replicated.merge(&mut into.$replicated, from.$replicated);)+
            }

            /// Adds what another worker has seen.
            pub fn merge_worker(&self, into: &mut WorkerPartials, from: WorkerPartials) {
                $(self.$summed.merge(&mut into.$summed, from.$summed);)+
            }

            /// Turns the partials of the 64 buckets, in their order, into tables.
            ///
            /// # Errors
            /// Where a frame can't be built: columns of different lengths, so a bug.
            pub fn finish_buckets(
                &self,
                buckets: Vec<BucketPartials>,
            ) -> Result<Vec<NamedFrame>, PolarsError> {
                $(let mut $replicated = Vec::with_capacity(buckets.len());)+
                for bucket in buckets {
                    $($replicated.push(bucket.$replicated);)+
                }
                let mut frames = Vec::new();
                let mut withheld = Withheld::new();
                $(frames.extend(self.$replicated.finish($replicated, &mut withheld)?);)+
                Ok(frames)
            }

            /// The same for the partials of all workers, merged.
            ///
            /// # Errors
            /// As [`Analyses::finish_buckets`].
            pub fn finish_workers(&self, all: WorkerPartials) -> Result<Vec<NamedFrame>, PolarsError> {
                let mut frames = Vec::new();
                let mut withheld = Withheld::new();
                $(frames.extend(self.$summed.finish(vec![all.$summed], &mut withheld)?);)+
                Ok(frames)
            }
        }
    };
}

// The registry: an analysis is one line here. By bucket, if a figure of it has replicates. What is too large for that
// keeps what varies by `CustomerHash::bucket` itself, as stage_transitions does. They finish in this order: experiments hide
// what segments have hidden.
registry! {
    by bucket {
        attribution: Attribution,
        journey_paths: JourneyPaths,
    }
    by worker {
        channel_daily: ChannelDaily,
        stage_funnel: StageFunnel,
        stage_transitions: StageTransitions,
        segments: Segments,
        experiments: Experiments,
    }
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
        let mut buckets: Vec<BucketPartials> = (0..BUCKETS).map(|_| analyses.bucket()).collect();
        let (mut bucket, mut worker) = (analyses.bucket(), analyses.worker());
        let observed = Observed { journey: &journey.journey(), walk: &walk, segments: &[] };
        analyses.observe(observed, &mut bucket, &mut worker);
        analyses.close_bucket(&mut bucket);
        analyses.close_worker(&mut worker);
        analyses.merge_bucket(&mut buckets[7], bucket);
        let mut all = analyses.worker();
        analyses.merge_worker(&mut all, worker);
        let mut frames = analyses.finish_buckets(buckets).unwrap();
        frames.extend(analyses.finish_workers(all).unwrap());
        let mut tables: Vec<&str> = frames.iter().map(|(name, _)| *name).collect();
        let entered = frames.iter().find(|(name, _)| *name == "stage_funnel").unwrap();
        assert_eq!(testing::show(&entered.1, &["stage", "entered"]), "A 1", "observed and merged");
        let attributed = frames.iter().find(|(name, _)| *name == "stage_attribution").unwrap();
        assert_eq!(attributed.1.height(), 0, "the bench has no models");
        // The books are kept by several: the job stacks their lines.
        tables.retain(|table| *table != "reconciliation");
        tables.sort_unstable();
        assert!(tables.windows(2).all(|pair| pair[0] != pair[1]), "two analyses write one of {tables:?}");
    }
}
