//! New customers: those whose first conversion in the data read lies in the window.
//!
//! Their first conversions are attributed once more, apart from all others, by the code that attributes all.

use crate::attribution::allocate::{MILLIONTHS, by_weights};
use crate::config::plan::Model;
use crate::journey::walk::{ConversionEvent, Walk};
use crate::journey::{Path, PathEnd, Rules};

use super::cohort::Cohort;
use super::solve::SolvedModel;
use super::{Attribution, Scratch, TargetCells};

/// New customers of one bucket, by conversion.
#[derive(Debug)]
pub struct Acquired {
    /// Paths of first conversions alone.
    pub firsts: Vec<TargetCells>,
    /// What new customers brought since.
    pub cohorts: Vec<Cohort>,
}

/// First conversions of one bucket's journey that wait for their paths.
#[derive(Debug, Clone, Copy)]
struct Firsts(u64);

impl Firsts {
    /// The conversion of a path that ends in a customer's first one; each is told once.
    fn take(&mut self, path: &Path, rules: &Rules) -> Option<usize> {
        // Paths that converted come in the order of their conversions.
        let PathEnd::Converted { .. } = path.end else { return None };
        let conversion = path.target.checked_sub(rules.stages)?;
        let waits = self.0 >> conversion & 1 == 1;
        self.0 &= !(1 << conversion);
        waits.then_some(conversion)
    }
}

impl Attribution<'_> {
    /// Adds the first conversions of a journey, apart from all that it holds.
    pub(super) fn observe_firsts(&self, walk: &Walk, acquired: &mut Acquired, scratch: &mut Scratch) {
        let rules = self.context().rules;
        let mut firsts = acquired.observe(&walk.conversions, rules);
        let mut paths = walk.paths.iter();
        while firsts.0 != 0
            && let Some(path) = paths.next()
        {
            if let Some(conversion) = firsts.take(path, rules) {
                self.observe_path(path, &walk.touches, &mut acquired.firsts[conversion], scratch);
            }
        }
    }
}

impl Acquired {
    /// With empty cells for each conversion.
    pub(super) fn new(cells: &TargetCells, rules: &Rules) -> Self {
        let conversions = rules.conversion_values.len();
        Self {
            firsts: vec![cells.clone(); conversions],
            cohorts: vec![Cohort::new(rules.to_us.saturating_sub(rules.from_us)); conversions],
        }
    }

    /// Adds a customer to the cohorts that they are new to, and tells which.
    fn observe(&mut self, events: &[ConversionEvent], rules: &Rules) -> Firsts {
        let (mut known, mut firsts) = (0_u64, 0);
        for (at, event) in events.iter().enumerate() {
            let bit = 1 << event.conversion;
            if known & bit == 0 && rules.in_window(event.time_us) {
                firsts |= bit;
                let own = events[at..].iter().filter(|other| other.conversion == event.conversion);
                self.cohorts[event.conversion].add(own, rules);
            }
            known |= bit;
        }
        Firsts(firsts)
    }

    /// Adds what another bucket saw.
    pub(super) fn merge(&mut self, other: &Acquired) {
        self.firsts.iter_mut().zip(&other.firsts).for_each(|(into, from)| into.merge(from));
        self.cohorts.iter_mut().zip(&other.cohorts).for_each(|(into, from)| into.merge(from));
    }
}

/// New customers of one conversion.
#[derive(Debug, Clone)]
pub struct SolvedAcquired {
    /// By model and channel: credit of first conversions, millionths.
    pub credit_millionths: Vec<Vec<i64>>,
    /// What they brought since.
    pub cohort: Cohort,
}

impl SolvedAcquired {
    /// Sums over all buckets of one conversion, under models that are solved.
    pub fn solve(
        analysis: &Attribution<'_>,
        buckets: &[&Acquired],
        conversion: usize,
        models: &[SolvedModel],
    ) -> Self {
        let mut total = analysis.no_paths();
        let rules = analysis.context().rules;
        let mut cohort = Cohort::new(rules.to_us.saturating_sub(rules.from_us));
        for bucket in buckets {
            total.merge(&bucket.firsts[conversion]);
            cohort.merge(&bucket.cohorts[conversion]);
        }
        let channels = rules.channels.len();
        let credit_millionths = models
            .iter()
            .enumerate()
            .map(|(index, solved)| match solved.model {
                Model::Markov => as_credit(solved, &total),
                _ => total.credit_millionths[index * channels..(index + 1) * channels].to_vec(),
            })
            .collect();
        Self { credit_millionths, cohort }
    }
}

/// Shares first conversions with a touch in the proportions of the credit of all: what a model does that
/// shares all conversions by one set of weights.
fn as_credit(solved: &SolvedModel, firsts: &TargetCells) -> Vec<i64> {
    let weights: Vec<f64> =
        solved.channels.iter().map(|channel| channel.credit_millionths.max(0) as f64).collect();
    let mut parts = Vec::new();
    by_weights(&weights, (firsts.conversions - firsts.unattributed) as i64 * MILLIONTHS, &mut parts);
    parts
}
