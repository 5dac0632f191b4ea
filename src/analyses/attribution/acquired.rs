//! New customers: those whose first conversion in the data read lies in the window.
//!
//! Their first conversions are attributed once more, apart from all others, by the code that attributes all.

use crate::attribution::allocate::{MILLIONTHS, by_weights};
use crate::config::plan::Model;
use crate::journey::walk::ConversionEvent;
use crate::journey::{Path, PathEnd, Rules};

use super::cohort::Cohort;
use super::packed::{PackedUnits, side_by_side};
use super::solve::SolvedModel;
use super::solve_units::units_of_channels;
use super::units::{UnitCells, UnitModels};
use super::{Attribution, Observed, Scratch, TargetCells};

/// New customers of one bucket, by conversion.
#[derive(Debug)]
pub struct Acquired {
    /// Paths of first conversions alone.
    pub firsts: Vec<TargetCells>,
    /// The same at the level of campaigns; empty where credit stays with channels.
    pub(super) units: Vec<UnitCells>,
    /// What new customers brought since.
    pub cohorts: Vec<Cohort>,
}

/// First conversions of a journey that wait for their paths, by bit.
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
    pub(super) fn observe_firsts(
        &self,
        observed: Observed<'_>,
        acquired: &mut Acquired,
        scratch: &mut Scratch,
    ) {
        let (walk, rules) = (observed.walk, self.context().rules);
        let mut firsts = acquired.observe(&walk.conversions, rules);
        let mut paths = walk.paths.iter();
        while firsts.0 != 0
            && let Some(path) = paths.next()
        {
            let Some(conversion) = firsts.take(path, rules) else { continue };
            self.observe_path(path, walk.on_paths(), &mut acquired.firsts[conversion], scratch);
            if let Some(models) = &self.unit_models {
                self.observe_units(path, observed, models, &mut acquired.units[conversion], scratch);
            }
        }
    }
}

impl Acquired {
    /// With empty cells for each conversion.
    pub(super) fn new(analysis: &Attribution<'_>) -> Self {
        let conversions = analysis.context().rules.conversion_values.len();
        Self {
            firsts: vec![analysis.no_paths(); conversions],
            units: analysis.no_units(conversions),
            cohorts: vec![no_cohort(analysis); conversions],
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
        self.units.iter_mut().zip(&other.units).for_each(|(into, from)| into.merge(from));
        self.cohorts.iter_mut().zip(&other.cohorts).for_each(|(into, from)| into.merge(from));
    }
}

fn no_cohort(analysis: &Attribution<'_>) -> Cohort {
    let rules = analysis.context().rules;
    Cohort::new(rules.to_us.saturating_sub(rules.from_us))
}

/// New customers of one conversion.
#[derive(Debug, Clone)]
pub struct SolvedAcquired {
    /// By model, then by channel: credit of first conversions, millionths.
    pub channels: Vec<Vec<i64>>,
    /// By model, then by unit; None where credit stays with channels.
    pub units: Option<Vec<Vec<i64>>>,
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
        let mut cohort = no_cohort(analysis);
        for bucket in buckets {
            total.merge(&bucket.firsts[conversion]);
            cohort.merge(&bucket.cohorts[conversion]);
        }
        let channels: Vec<Vec<i64>> = models
            .iter()
            .enumerate()
            .map(|(index, solved)| match analysis.works_by_path(solved.model) {
                false => as_credit(solved, &total),
                true => {
                    let row = index * analysis.channels()..(index + 1) * analysis.channels();
                    total.credit_millionths[row].to_vec()
                }
            })
            .collect();
        let units = analysis.unit_models.as_ref().map(|unit_models| {
            let buckets: Vec<&PackedUnits> =
                buckets.iter().map(|bucket| bucket.units[conversion].packed()).collect();
            by_unit(analysis, unit_models, &buckets, &channels)
        });
        Self { channels, units, cohort }
    }
}

/// Shares first conversions with a touch in the proportions of a model's credit; nothing where it has none.
fn as_credit(solved: &SolvedModel, firsts: &TargetCells) -> Vec<i64> {
    if solved.withheld.is_some() {
        return vec![0; solved.channels.len()];
    }
    let weights: Vec<f64> =
        solved.channels.iter().map(|channel| channel.credit_millionths.max(0) as f64).collect();
    let mut parts = Vec::new();
    by_weights(&weights, (firsts.conversions - firsts.unattributed) as i64 * MILLIONTHS, &mut parts);
    parts
}

/// The same at the level of campaigns, by model: what a data-driven model gives a channel is split by the linear
/// credit of first conversions, as all its credit is.
fn by_unit(
    analysis: &Attribution<'_>,
    models: &UnitModels,
    buckets: &[&PackedUnits],
    channels: &[Vec<i64>],
) -> Vec<Vec<i64>> {
    let units = &analysis.context().rules.units.all;
    let mut cells = vec![vec![0_i64; units.len()]; models.cells.len()];
    side_by_side(buckets, |seen| {
        for row in seen.iter().flatten() {
            for (cells, credit) in cells.iter_mut().zip(&row.credit_millionths) {
                cells[row.unit as usize] += credit;
            }
        }
    });
    let of_model = |(model, channels): (&Model, &Vec<i64>)| {
        if let Some(column) = models.column(*model) {
            return cells[column].clone();
        }
        let mut split = vec![0; units.len()];
        // Without a linear column nothing is split.
        let linear = &cells[models.column(Model::Linear).unwrap_or_default()];
        let mut parts = Vec::new();
        for (credit, own) in channels.iter().zip(units_of_channels(units, channels.len())) {
            let weights: Vec<f64> = linear[own.clone()].iter().map(|linear| *linear as f64).collect();
            by_weights(&weights, *credit, &mut parts);
            split[own].copy_from_slice(&parts);
        }
        split
    };
    analysis.models().iter().zip(channels).map(of_model).collect()
}
