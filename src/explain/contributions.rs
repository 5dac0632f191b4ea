//! What every journey adds to one row of a table, collected beside the analyses in one pass.

use std::cmp::{Ordering, Reverse};

use crate::analyses::attribution::by_path::{PathCredit, PathScratch, given};
use crate::analyses::{Analyses, Attribution, BucketPartials, Observed, WorkerPartials};
use crate::attribution::allocate::MILLIONTHS;
use crate::config::plan::Model;
use crate::engine::observe::Observer;
use crate::journey::{CustomerHash, Path};

/// Which paths and touches belong to the row.
#[derive(Debug, Clone)]
pub(super) struct Wanted {
    /// Index of the target.
    pub(super) target: usize,
    /// The model.
    pub(super) model: Model,
    /// What of a path belongs to it.
    pub(super) part: Part,
    /// Whether journeys are ranked by value, else by credit.
    pub(super) by_value: bool,
    /// So many are kept by name.
    pub(super) top: usize,
}

/// What of a path belongs to a row.
#[derive(Debug, Clone)]
pub(super) enum Part {
    /// Touches of the channel.
    Channel(u16),
    /// Touches of the campaign under a channel, by its number in [`crate::journey::Units::all`].
    Unit(u32),
    /// Paths without a touch.
    Unattributed,
    /// Nothing: the run has no touch of the row.
    Nothing,
}

/// What one journey adds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Contribution {
    pub(super) customer: CustomerHash,
    /// Conversions and refunds that add to it.
    pub(super) paths: u64,
    pub(super) credit_millionths: i128,
    pub(super) value_minor_millionths: i128,
}

/// What all journeys add, the largest by name.
#[derive(Debug, Default)]
pub(super) struct Contributions {
    /// The largest so far, in no order until closed.
    pub(super) top: Vec<Contribution>,
    /// Journeys that add something.
    pub(super) journeys: u64,
    pub(super) paths: u64,
    pub(super) credit_millionths: i128,
    pub(super) value_minor_millionths: i128,
    scratch: PathScratch,
}

/// Shows each journey to the analyses, and keeps what it adds to the row.
pub(super) struct Collector<'a> {
    pub(super) analyses: &'a Analyses<'a>,
    pub(super) attribution: &'a Attribution<'a>,
    pub(super) wanted: Wanted,
}

impl Wanted {
    /// The larger contribution first, whichever way it goes; of equal ones the smaller hash, so that the order of
    /// journeys never shows.
    fn order(&self, one: &Contribution, other: &Contribution) -> Ordering {
        let size = |contribution: &Contribution| {
            let credit = contribution.credit_millionths.unsigned_abs();
            let value = contribution.value_minor_millionths.unsigned_abs();
            Reverse(if self.by_value { (value, credit) } else { (credit, value) })
        };
        size(one).cmp(&size(other)).then(one.customer.cmp(&other.customer))
    }

    fn keep_largest(&self, top: &mut Vec<Contribution>) {
        top.sort_unstable_by(|one, other| self.order(one, other));
        top.truncate(self.top);
    }
}

impl Collector<'_> {
    /// Millionths of a path's conversion that belong to the row.
    fn part_of(&self, path: &Path, observed: Observed<'_>, scratch: &mut PathScratch) -> i64 {
        let (attribution, model) = (self.attribution, self.wanted.model);
        let all = observed.walk.on_paths();
        match (&self.wanted.part, path.touches.is_empty()) {
            (Part::Unattributed, true) => MILLIONTHS,
            (Part::Channel(channel), false) => match attribution.credit_of_path(path, all, model, scratch) {
                PathCredit::ByTouch(parts) => {
                    let touches = all[path.touches.clone()].iter().zip(parts);
                    touches.filter(|(touch, _)| touch.channel == *channel).map(|(_, part)| part).sum()
                }
                PathCredit::ByChannel(parts) => {
                    parts.iter().filter(|(own, _)| own == channel).map(|(_, part)| part).sum()
                }
                PathCredit::OfAllPaths => 0,
            },
            (Part::Unit(unit), false) => {
                let parts = attribution.credit_of_units(path, all, observed.journey, model, scratch);
                parts.iter().flatten().filter(|(own, _)| own == unit).map(|(_, part)| part).sum()
            }
            _ => 0,
        }
    }

    /// What a journey adds.
    fn contribution(&self, observed: Observed<'_>, scratch: &mut PathScratch) -> Contribution {
        let mut sum = Contribution {
            customer: observed.journey.customer,
            paths: 0,
            credit_millionths: 0,
            value_minor_millionths: 0,
        };
        let walk = observed.walk;
        for path in walk.paths.iter().filter(|path| path.target == self.wanted.target) {
            let Some((value_minor, conversions)) = given(path.end) else { continue };
            let part = self.part_of(path, observed, scratch);
            if part != 0 {
                sum.paths += 1;
                sum.credit_millionths += i128::from(part) * i128::from(conversions);
                sum.value_minor_millionths += i128::from(part) * i128::from(value_minor);
            }
        }
        sum
    }
}

impl Observer for Collector<'_> {
    type Bucket = BucketPartials;
    type Worker = (WorkerPartials, Contributions);

    fn bucket(&self) -> BucketPartials {
        self.analyses.bucket()
    }

    fn worker(&self) -> Self::Worker {
        (self.analyses.worker(), Contributions::default())
    }

    fn observe(&self, observed: Observed<'_>, bucket: &mut BucketPartials, worker: &mut Self::Worker) {
        let (partials, seen) = worker;
        self.analyses.observe(observed, bucket, partials);
        let own = self.contribution(observed, &mut seen.scratch);
        if own.paths == 0 {
            return;
        }
        seen.journeys += 1;
        seen.paths += own.paths;
        seen.credit_millionths += own.credit_millionths;
        seen.value_minor_millionths += own.value_minor_millionths;
        seen.top.push(own);
        if seen.top.len() >= 2 * self.wanted.top.max(64) {
            self.wanted.keep_largest(&mut seen.top);
        }
    }

    fn close_bucket(&self, bucket: &mut BucketPartials) {
        self.analyses.close_bucket(bucket);
    }

    fn close_worker(&self, (partials, seen): &mut Self::Worker) {
        self.analyses.close_worker(partials);
        self.wanted.keep_largest(&mut seen.top);
    }

    fn merge_worker(&self, (into, into_seen): &mut Self::Worker, (from, from_seen): Self::Worker) {
        self.analyses.merge_worker(into, from);
        into_seen.journeys += from_seen.journeys;
        into_seen.paths += from_seen.paths;
        into_seen.credit_millionths += from_seen.credit_millionths;
        into_seen.value_minor_millionths += from_seen.value_minor_millionths;
        into_seen.top.extend(from_seen.top);
        self.wanted.keep_largest(&mut into_seen.top);
    }
}
