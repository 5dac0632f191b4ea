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

use crate::analyses::suppression::{complement, is_small};
use crate::journey::Rules;

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
        let mut so_far = BTreeSet::new();
        for stage in 0..stages {
            let mut families = Vec::from(reached(stage));
            if let Some(before) = stage.checked_sub(1) {
                let entered = &families[0].clone();
                let without = cells.iter().map(|cell| cell.stage(stage, shape).without_previous);
                families.extend(parts(without, entered));
                let outcome = |cell: &SegmentCounts| {
                    let counts = cell.stage(before, shape);
                    [counts.progressed(), counts.dropped(), counts.immature]
                };
                let outcomes: Vec<[u64; 3]> = cells.iter().map(outcome).collect();
                families.extend((0..3).map(|at| outcomes.iter().map(|outcome| outcome[at]).collect()));
            }
            let of_stage = |conversion: &usize| twins[*conversion] == Some(stage);
            families.extend(
                (0..conversions).filter(of_stage).flat_map(|conversion| reached(stages + conversion)),
            );
            hide(&mut so_far, &families, min_customers);
            hidden.stages[stage].clone_from(&so_far);
        }
        for (conversion, twin) in twins.into_iter().enumerate() {
            match twin {
                Some(stage) => hidden.conversions[conversion].clone_from(&hidden.stages[stage]),
                None => {
                    hide(&mut hidden.conversions[conversion], &reached(stages + conversion), min_customers);
                }
            }
        }
        hidden
    }

    /// Whether it is hidden how many customers of a cell have reached a target.
    pub(super) fn reached(&self, target: usize, cell: usize) -> bool {
        match target.checked_sub(self.stages.len()) {
            Some(conversion) => self.conversions[conversion].contains(&cell),
            None => self.stages[target].contains(&cell),
        }
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

/// Hides what is too small in any of these counts by cell, and as much more as keeps all of them.
fn hide(hidden: &mut BTreeSet<usize>, families: &[Vec<u64>], min_customers: u64) {
    for counts in families {
        hidden.extend((0..counts.len()).filter(|cell| is_small(counts[*cell], min_customers)));
    }
    loop {
        let before = hidden.len();
        families.iter().for_each(|counts| complement(hidden, counts, min_customers));
        if hidden.len() == before {
            return;
        }
    }
}

/// The stage whose rows are those of a conversion.
fn twin_stage(conversion: usize, rules: &Rules) -> Option<usize> {
    let same = |stage: &usize| {
        rules.facts.iter().all(|facts| facts.stages >> stage & 1 == facts.conversions >> conversion & 1)
    };
    (0..rules.stages).find(same)
}
