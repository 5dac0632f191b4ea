//! Rows of `segment_funnel`.

use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::Context;
use crate::analyses::columns::texts;
use crate::analyses::funnel::{self, Shown, StageRow};
use crate::analyses::suppression::WITHHELD;
use crate::journey::Dimension;

use super::conversion::{ALL_SMALL, DESCRIPTIVE, is_all_small};
use super::counts::{SegmentCounts, Shape};
use super::hidden::Hidden;

/// Name of the table.
pub(super) const TABLE: &str = "segment_funnel";

/// The rows of a dimension's cells, each stage by stage.
pub(super) struct Rows<'t> {
    /// By row: dimension, segment and note.
    labels: Vec<(&'t str, &'t str, Option<String>)>,
    stages: Vec<StageRow<'t>>,
}

impl<'t> Rows<'t> {
    /// No rows.
    pub(super) fn new() -> Self {
        Self { labels: Vec::new(), stages: Vec::new() }
    }

    /// Adds those of a dimension.
    pub(super) fn push(
        &mut self,
        context: &Context<'t>,
        dimension: &'t Dimension,
        names: &[&'t str],
        cells: &'t [SegmentCounts],
        hidden: &Hidden,
    ) {
        let rules = context.rules;
        let shape = Shape { stages: rules.stages, conversions: rules.conversion_values.len() };
        for (at, (segment, cell)) in names.iter().zip(cells).enumerate() {
            let first = if shape.stages > 0 { cell.reached(0) } else { 0 };
            for stage in 0..shape.stages {
                let shown = match (hidden.reached(stage, at), hidden.outcome(stage, at)) {
                    (true, _) => Shown::Nothing,
                    (false, true) => Shown::Entries,
                    (false, false) => Shown::All,
                };
                let has_next = stage + 1 < shape.stages;
                let notes: Vec<&str> = [
                    dimension.is_descriptive().then_some(DESCRIPTIVE),
                    is_all_small(names).then_some(ALL_SMALL),
                    (shown != Shown::All).then_some(WITHHELD),
                ]
                .into_iter()
                .flatten()
                .collect();
                let note = (!notes.is_empty()).then(|| notes.join("; "));
                self.labels.push((&dimension.name, segment, note));
                self.stages.push(StageRow {
                    index: stage + 1,
                    stage: &rules.targets[stage].name,
                    has_next,
                    counts: cell.stage(stage, shape),
                    first,
                    shown,
                });
            }
        }
    }

    /// The table.
    pub(super) fn frame(&self) -> Result<DataFrame, PolarsError> {
        let mut columns = vec![
            texts("dimension", &self.labels, |(dimension, ..)| Some(dimension)),
            texts("segment", &self.labels, |(_, segment, _)| Some(segment)),
        ];
        columns.extend(funnel::columns(&self.stages));
        columns.push(texts("note", &self.labels, |(.., note)| note.as_deref()));
        DataFrame::new(self.labels.len(), columns)
    }
}
