//! Which counts of a dimension are too small to show, or would give one away that is.
//!
//! What may be known of the cells of a dimension, beside what the tables show: totals over the cells, which are public
//! (`stage_funnel` has them); `entered = progressed + dropped + immature`; that the stage target of
//! `segment_conversion` counts entries; and, where no row stands before the window, that those who enter a stage after
//! the one before it are those who progressed there. So a cell whose entries are hidden at a stage is hidden from there
//! on, with what became of its entries one stage earlier, and the hidden cells of a stage are enough to keep
//! all of its counts: entries, their complement, those without the stage before, and the three outcomes that lead
//! here. A conversion of the very rows of a stage has the stage's cells.

use std::collections::BTreeSet;

use crate::analyses::suppression::{Family, hide};
use crate::journey::Rules;

use super::audit::{Audit, Exposed};
use super::counts::{SegmentCounts, Shape};

/// Cells that are hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Hidden {
    /// By stage: whose entries are hidden, and what became of those into the stage before. Each holds the one
    /// before it.
    stages: Vec<BTreeSet<usize>>,
    /// By conversion.
    conversions: Vec<BTreeSet<usize>>,
}

impl Hidden {
    /// Of the cells of one dimension.
    pub(super) fn of(cells: &[SegmentCounts], rules: &Rules, shape: Shape, min_customers: u64) -> Hidden {
        let Shape { stages, conversions } = shape;
        let mut hidden =
            Hidden { stages: vec![BTreeSet::new(); stages], conversions: vec![BTreeSet::new(); conversions] };
        // A single cell is the whole, whose counts are public.
        if min_customers <= 1 || cells.len() < 2 {
            return hidden;
        }
        let twins: Vec<Option<usize>> =
            (0..conversions).map(|conversion| twin_stage(conversion, rules)).collect();
        let customers: Vec<u64> = cells.iter().map(|cell| cell.customers).collect();
        let reached = |target: usize| parts(cells.iter().map(|cell| cell.reached(target)), &customers);
        let families: Vec<Vec<Family>> = (0..stages)
            .map(|stage| {
                let of_stage = |conversion: &usize| twins[*conversion] == Some(stage);
                let twins = (0..conversions).filter(of_stage).flat_map(|twin| reached(stages + twin));
                let entered = reached(stage);
                let without = cells.iter().map(|cell| cell.stage(stage, shape).without_previous);
                let without = parts(without, &entered[0]);
                // Into the first stage everybody goes without one before it.
                let without = without.into_iter().filter(|_| stage > 0);
                entered
                    .into_iter()
                    .chain(without)
                    .chain(twins)
                    .map(|counts| Family { counts, of: None })
                    .collect()
            })
            .collect();
        let audit = Audit::new(cells, rules, shape, &twins, min_customers);
        let mut more = vec![BTreeSet::new(); stages];
        // Each time a cell more is hidden: it ends.
        loop {
            if let Err(Alone { stage, cell }) = hidden.chain(cells, shape, &families, &more, min_customers) {
                more[stage].insert(cell);
                continue;
            }
            let is_hidden = |stage: usize, cell: usize| hidden.stages[stage].contains(&cell);
            // Of this stage, or of one before it.
            let next = |stage: usize| (0..=stage).rev().find_map(|stage| hidden.next(stage, cells));
            let Some(Exposed { stage }) = audit.exposed(is_hidden, |stage| next(stage).is_some()) else {
                break;
            };
            let Some((stage, equal)) = next(stage) else { break };
            more[stage].extend(equal);
        }
        for (conversion, twin) in twins.into_iter().enumerate() {
            match twin {
                Some(stage) => hidden.conversions[conversion].clone_from(&hidden.stages[stage]),
                None => {
                    let families = reached(stages + conversion).map(|counts| Family { counts, of: None });
                    hide(&mut hidden.conversions[conversion], &families, min_customers);
                }
            }
        }
        hidden
    }

    /// Hides what is too small stage by stage, and of each stage these cells too.
    fn chain(
        &mut self,
        cells: &[SegmentCounts],
        shape: Shape,
        families: &[Vec<Family>],
        more: &[BTreeSet<usize>],
        min_customers: u64,
    ) -> Result<(), Alone> {
        let mut so_far = BTreeSet::new();
        for stage in 0..shape.stages {
            so_far.extend(&more[stage]);
            let Some(before) = stage.checked_sub(1) else {
                hide(&mut so_far, &families[stage], min_customers);
                self.stages[stage].clone_from(&so_far);
                continue;
            };
            // Nothing can have become of entries that are known not to be there: such a cell keeps no secret.
            let hidden_before = &self.stages[before];
            let able = |cell: &usize| hidden_before.contains(cell) || cells[*cell].reached(before) > 0;
            let able: Vec<usize> = (0..cells.len()).filter(able).collect();
            let outcome = |cell: &SegmentCounts| {
                let counts = cell.stage(before, shape);
                [counts.progressed(), counts.dropped(), counts.immature]
            };
            let outcomes: Vec<[u64; 3]> = cells.iter().map(outcome).collect();
            let outcomes = (0..3).map(|at| Family {
                counts: outcomes.iter().map(|outcome| outcome[at]).collect(),
                of: Some(able.clone()),
            });
            let all: Vec<Family> = families[stage].iter().cloned().chain(outcomes).collect();
            hide(&mut so_far, &all, min_customers);
            let mut keeping = able.iter().filter(|cell| so_far.contains(cell));
            if let (Some(cell), None) = (keeping.next(), keeping.next()) {
                return Err(Alone { stage: before, cell: *cell });
            }
            self.stages[stage].clone_from(&so_far);
        }
        Ok(())
    }

    /// Of the cells whose entries into a stage are shown, those with the fewest; names have no say.
    fn next(&self, stage: usize, cells: &[SegmentCounts]) -> Option<(usize, Vec<usize>)> {
        let left = || (0..cells.len()).filter(|cell| !self.stages[stage].contains(cell));
        let entered = |cell: &usize| cells[*cell].reached(stage);
        let fewest = left().map(|cell| entered(&cell)).min_by_key(|entered| (*entered == 0, *entered))?;
        Some((stage, left().filter(|cell| entered(cell) == fewest).collect()))
    }

    /// Whether it is hidden how many customers of a cell have reached a target.
    pub(super) fn reached(&self, target: usize, cell: usize) -> bool {
        match target.checked_sub(self.stages.len()) {
            Some(conversion) => self.conversions[conversion].contains(&cell),
            None => self.stages[target].contains(&cell),
        }
    }

    /// The conversions that are hidden of a cell.
    pub(super) fn conversions_of(&self, cell: usize) -> impl Iterator<Item = usize> {
        (0..self.conversions.len()).filter(move |conversion| self.conversions[*conversion].contains(&cell))
    }

    /// Whether it is hidden what became of the entries of a cell into a stage.
    pub(super) fn outcome(&self, stage: usize, cell: usize) -> bool {
        self.reached(stage, cell) || self.stages.get(stage + 1).is_some_and(|next| next.contains(&cell))
    }
}

/// Counts by cell, and what is left of their wholes.
fn parts(counts: impl Iterator<Item = u64>, wholes: &[u64]) -> [Vec<u64>; 2] {
    let counts: Vec<u64> = counts.collect();
    let rest = counts.iter().zip(wholes).map(|(count, whole)| whole - count).collect();
    [counts, rest]
}

/// What becomes of the entries of one cell alone would be hidden: its entries must be.
struct Alone {
    stage: usize,
    cell: usize,
}

/// The stage whose rows are those of a conversion; of several (of events that never come) the last, which hides most.
fn twin_stage(conversion: usize, rules: &Rules) -> Option<usize> {
    let same = |stage: &usize| {
        rules.facts.iter().all(|facts| facts.stages >> stage & 1 == facts.conversions >> conversion & 1)
    };
    (0..rules.stages).rev().find(same)
}
