//! Shows every journey of every partition to the analyses, one bucket at a time.

use rayon::ThreadPool;

use crate::analyses::attribution::AttributionPartial;
use crate::analyses::{Analyses, Analysis, Attribution, Observed, Partials};
use crate::journey::key::PARTITIONS;
use crate::journey::cut::{Scratch, cut_into_journeys};
use crate::journey::partition::{CutCounts, CutOptions, Remaps};
use crate::journey::rules::Rules;
use crate::journey::walk::Walk;
use crate::stats::jackknife::BUCKETS;

use super::error::EngineError;
use super::spill::Waiting;
use super::work::{self, Progress};

/// Partitions of a bucket.
const PARTITIONS_OF_BUCKET: usize = PARTITIONS / BUCKETS;

/// What an observer needs to see journeys: how to begin, and what to do with each.
pub trait Observer: Sync {
    /// What it adds up.
    type Partial: Send;
    /// A partial that has seen nothing.
    fn partial(&self) -> Self::Partial;
    /// Adds a journey.
    fn observe(&self, observed: Observed<'_>, partial: &mut Self::Partial);
}

impl Observer for Analyses<'_> {
    type Partial = Partials;

    fn partial(&self) -> Partials {
        self.partials()
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut Partials) {
        Analyses::observe(self, observed, partial);
    }
}

impl Observer for Attribution<'_> {
    type Partial = AttributionPartial;

    fn partial(&self) -> AttributionPartial {
        Analysis::partial(self)
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut AttributionPartial) {
        Analysis::observe(self, observed, partial);
    }
}

/// Observes all partitions. Returns a partial per jackknife bucket, in order, and what was left out.
pub fn observe<O: Observer>(
    observer: &O,
    waiting: &Waiting,
    remaps: &Remaps,
    rules: &Rules,
    options: CutOptions,
    pool: &ThreadPool,
    progress: &dyn Progress,
) -> Result<(Vec<O::Partial>, CutCounts), EngineError> {
    progress.begin("following journeys", PARTITIONS as u64);
    let buckets: Vec<usize> = (0..BUCKETS).collect();
    let workers = work::for_each(
        pool,
        &buckets,
        || (Scratch::default(), Walk::default(), Vec::new(), CutCounts::default()),
        |(scratch, walk, done, counts), _, bucket| {
            let mut partial = observer.partial();
            for partition in bucket * PARTITIONS_OF_BUCKET..(bucket + 1) * PARTITIONS_OF_BUCKET {
                let partition = waiting.take(partition)?;
                let cut = cut_into_journeys(&partition, remaps, rules, options, scratch, |journey| {
                    walk.over(journey, rules);
                    observer.observe(Observed { journey, walk }, &mut partial);
                });
                counts.merge(cut);
                progress.advance(1);
            }
            done.push((*bucket, partial));
            Ok::<_, EngineError>(())
        },
    )?;
    progress.end();
    let mut partials = Vec::with_capacity(BUCKETS);
    let mut counts = CutCounts::default();
    for (_, _, done, own) in workers {
        partials.extend(done);
        counts.merge(own);
    }
    partials.sort_by_key(|(bucket, _)| *bucket);
    counts.conflicting_events.sort_unstable();
    Ok((partials.into_iter().map(|(_, partial)| partial).collect(), counts))
}
