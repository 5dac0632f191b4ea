//! Shows every journey of every partition to the analyses, one bucket at a time, and finishes them.

use std::sync::Mutex;

use polars::prelude::PolarsError;
use rayon::ThreadPool;
use rayon::iter::{IntoParallelRefMutIterator, ParallelIterator};

use crate::analyses::attribution::AttributionPartial;
use crate::analyses::{
    Analyses, Analysis, Attribution, BucketPartials, NamedFrame, Observed, WorkerPartials, segments_of,
};
use crate::journey::cut::{Scratch, cut_into_journeys};
use crate::journey::key::PARTITIONS;
use crate::journey::partition::{CutCounts, CutOptions, Remaps};
use crate::journey::walk::Walk;
use crate::stats::jackknife::BUCKETS;
use crate::tables::on_one_thread;

use super::allocator::{give_back, give_back_on_all};
use super::error::EngineError;
use super::kernel::Kernel;
use super::spill::Waiting;
use super::work::{self, Progress};

/// Partitions of a bucket.
const PARTITIONS_OF_BUCKET: usize = PARTITIONS / BUCKETS;

/// Who looks at journeys: what it adds them up in, and what to do with each.
pub trait Observer: Sync {
    /// What it adds up by jackknife bucket.
    type Bucket: Send;
    /// What it adds up whatever the bucket: one per worker, merged at the end.
    type Worker: Send;
    /// A bucket's partial that has seen nothing.
    fn bucket(&self) -> Self::Bucket;
    /// A worker's partial that has seen nothing.
    fn worker(&self) -> Self::Worker;
    /// Adds a journey.
    fn observe(&self, observed: Observed<'_>, bucket: &mut Self::Bucket, worker: &mut Self::Worker);
    /// The last journey of the bucket was seen.
    fn close_bucket(&self, bucket: &mut Self::Bucket);
    /// The last journey of the worker was seen.
    fn close_worker(&self, worker: &mut Self::Worker);
    /// Adds what another worker has seen, both of them closed.
    fn merge_worker(&self, into: &mut Self::Worker, from: Self::Worker);
}

impl Observer for Analyses<'_> {
    type Bucket = BucketPartials;
    type Worker = WorkerPartials;

    fn bucket(&self) -> BucketPartials {
        Analyses::bucket(self)
    }

    fn worker(&self) -> WorkerPartials {
        Analyses::worker(self)
    }

    fn observe(&self, observed: Observed<'_>, bucket: &mut BucketPartials, worker: &mut WorkerPartials) {
        Analyses::observe(self, observed, bucket, worker);
    }

    fn close_bucket(&self, bucket: &mut BucketPartials) {
        Analyses::close_bucket(self, bucket);
    }

    fn close_worker(&self, worker: &mut WorkerPartials) {
        Analyses::close_worker(self, worker);
    }

    fn merge_worker(&self, into: &mut WorkerPartials, from: WorkerPartials) {
        Analyses::merge_worker(self, into, from);
    }
}

impl Observer for Attribution<'_> {
    type Bucket = AttributionPartial;
    type Worker = ();

    fn bucket(&self) -> AttributionPartial {
        self.partial()
    }

    fn worker(&self) {}

    fn observe(&self, observed: Observed<'_>, bucket: &mut AttributionPartial, (): &mut ()) {
        Analysis::observe(self, observed, bucket);
    }

    fn close_bucket(&self, bucket: &mut AttributionPartial) {
        self.close(bucket);
    }

    fn close_worker(&self, (): &mut ()) {}

    fn merge_worker(&self, (): &mut (), (): ()) {}
}

/// What an observer has added up.
#[derive(Debug)]
pub struct Seen<B, W> {
    /// By jackknife bucket, in order.
    pub buckets: Vec<B>,
    /// All workers, merged.
    pub all: W,
    /// What was left out.
    pub cut: CutCounts,
}

/// What a thread holds while it goes from partition to partition.
struct Worker<B, W> {
    scratch: Scratch,
    walk: Walk,
    segments: Vec<u32>,
    /// Buckets that are over.
    done: Vec<(usize, B)>,
    partial: W,
    cut: CutCounts,
}

/// Observes all partitions. Those that take more than a thread's share of memory come last, when the others have
/// let go of theirs, and one at a time.
pub fn observe<O: Observer>(
    observer: &O,
    waiting: &Waiting,
    remaps: &Remaps,
    kernel: &Kernel,
    options: CutOptions,
    pool: &ThreadPool,
    progress: &dyn Progress,
) -> Result<Seen<O::Bucket, O::Worker>, EngineError> {
    let Kernel { rules, dimensions, population, .. } = kernel;
    progress.begin("following journeys", PARTITIONS as u64);
    let partitions_of = |bucket: usize| bucket * PARTITIONS_OF_BUCKET..(bucket + 1) * PARTITIONS_OF_BUCKET;
    let mut buckets: Vec<usize> = (0..BUCKETS).collect();
    buckets.sort_by_key(|bucket| partitions_of(*bucket).any(|partition| waiting.is_large(partition)));
    // What reading has freed is as much as a small budget leaves for journeys.
    let is_scarce = waiting.is_scarce();
    if is_scarce {
        give_back_on_all(pool);
    }
    // Sums grow with what was seen, and each worker has its own: where that is too much they share these.
    let shared: Mutex<Option<O::Worker>> = Mutex::new(None);
    let merge = |into: &mut Option<O::Worker>, from: O::Worker| match into {
        Some(all) => observer.merge_worker(all, from),
        None => *into = Some(from),
    };
    let mut workers = work::for_each(
        pool,
        &buckets,
        || Worker {
            scratch: Scratch::default(),
            walk: Walk::default(),
            segments: Vec::with_capacity(dimensions.len()),
            done: Vec::new(),
            partial: observer.worker(),
            cut: CutCounts::default(),
        },
        |worker, _, bucket| {
            let Worker { scratch, walk, segments, done, partial: of_worker, cut: counts } = worker;
            let mut partial = observer.bucket();
            for partition in partitions_of(*bucket) {
                progress.check()?;
                let _turn = waiting.turn(partition);
                let partition = waiting.take(partition)?;
                let cut = cut_into_journeys(partition, remaps, rules, options, scratch, |journey| {
                    walk.over(journey, rules);
                    segments_of(dimensions, *population, journey, walk, rules, segments);
                    observer.observe(Observed { journey, walk, segments }, &mut partial, of_worker);
                });
                counts.merge(cut);
                progress.advance(1);
            }
            observer.close_bucket(&mut partial);
            done.push((*bucket, partial));
            if is_scarce {
                give_back();
            }
            if waiting.is_overdrawn() {
                let mut own = std::mem::replace(of_worker, observer.worker());
                observer.close_worker(&mut own);
                merge(&mut shared.lock().unwrap_or_else(|lock| lock.into_inner()), own);
            }
            Ok::<_, EngineError>(())
        },
    )?;
    let close = |worker: &mut Worker<_, _>| observer.close_worker(&mut worker.partial);
    pool.install(|| workers.par_iter_mut().for_each(close));
    progress.end();
    let mut buckets = Vec::with_capacity(BUCKETS);
    let mut all = shared.into_inner().unwrap_or_else(|lock| lock.into_inner());
    let mut cut = CutCounts::default();
    for Worker { done, partial: worker, cut: own, .. } in workers {
        buckets.extend(done);
        merge(&mut all, worker);
        cut.merge(own);
    }
    buckets.sort_by_key(|(bucket, _)| *bucket);
    cut.conflicting_events.sort_unstable();
    Ok(Seen {
        buckets: buckets.into_iter().map(|(_, partial)| partial).collect(),
        all: all.unwrap_or_else(|| observer.worker()),
        cut,
    })
}

/// Finishes what has replicates beside what has none, each on one thread.
///
/// # Errors
/// Where a frame can't be built: a bug.
pub fn finish(
    analyses: &Analyses<'_>,
    buckets: Vec<BucketPartials>,
    all: WorkerPartials,
    pool: &ThreadPool,
) -> Result<Vec<NamedFrame>, PolarsError> {
    let (replicated, summed) = pool.join(
        || on_one_thread(|| analyses.finish_buckets(buckets)),
        || on_one_thread(|| analyses.finish_workers(all)),
    );
    let mut frames = replicated?;
    frames.extend(summed?);
    Ok(frames)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::{Dedupe, Population};
    use crate::engine::work::Silent;
    use crate::journey::CustomerHash;
    use crate::journey::buffer::{BufferedRow, PartitionBuffer};
    use crate::journey::key::EventKey;
    use crate::journey::partition::Partition;
    use crate::journey::rules::Facts;
    use crate::journey::testing::World;

    /// Counts journeys, and complains where one comes after the end.
    struct Counting;

    #[derive(Debug, Default, PartialEq)]
    struct Count {
        journeys: u64,
        closed: bool,
    }

    impl Count {
        fn add(&mut self) {
            assert!(!self.closed, "a journey after the last one");
            self.journeys += 1;
        }

        fn close(&mut self) {
            assert!(!self.closed, "closed twice");
            self.closed = true;
        }
    }

    impl Observer for Counting {
        type Bucket = Count;
        type Worker = Count;

        fn bucket(&self) -> Count {
            Count::default()
        }

        fn worker(&self) -> Count {
            Count::default()
        }

        fn observe(&self, _: Observed<'_>, bucket: &mut Count, worker: &mut Count) {
            bucket.add();
            worker.add();
        }

        fn close_bucket(&self, bucket: &mut Count) {
            bucket.close();
        }

        fn close_worker(&self, worker: &mut Count) {
            worker.close();
        }

        fn merge_worker(&self, into: &mut Count, from: Count) {
            assert!(into.closed && from.closed, "merged before the end");
            into.journeys += from.journeys;
        }
    }

    #[test]
    fn buckets_and_workers_are_closed_once_after_their_last_journey() -> Result<(), EngineError> {
        let mut rules = World::new(&[], &[]).rules;
        rules.facts = vec![Facts::default()];
        let mut partitions: Vec<Partition> = (0..PARTITIONS).map(|_| Partition::default()).collect();
        let mut expected = vec![0; BUCKETS];
        for name in 0..300 {
            let customer = CustomerHash::of(format!("customer {name}").as_bytes());
            let row = BufferedRow {
                customer,
                time_us: 0,
                code: 0,
                amount_minor: None,
                event: EventKey::NULL,
                order: None,
            };
            let mut buffer = PartitionBuffer::default();
            buffer.push(row, false);
            partitions[customer.partition()].rows.push((0, buffer));
            expected[customer.partition() / PARTITIONS_OF_BUCKET] += 1;
        }
        let kernel = Kernel { rules, previous: None, dimensions: Vec::new(), population: Population::Active };
        let options = CutOptions { dedupe: Dedupe::Off, max_rows_per_customer: 10, everyone: false };
        let pool = work::pool(3)?;
        let waiting = Waiting::in_memory(partitions);
        let remaps = Remaps { rows: vec![vec![0]], ..Remaps::default() };
        let seen = observe(&Counting, &waiting, &remaps, &kernel, options, &pool, &Silent)?;
        let buckets: Vec<Count> =
            expected.into_iter().map(|journeys| Count { journeys, closed: true }).collect();
        assert_eq!(seen.buckets, buckets);
        assert_eq!(seen.all, Count { journeys: 300, closed: true });
        assert_eq!(seen.cut.customers, 300);
        Ok(())
    }
}
