//! What the data-driven models saw, as a run has published it: a single journey doesn't know.

use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray};
use arrow::datatypes::Float64Type;
use arrow::record_batch::RecordBatch;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use crate::publish::Manifest;

/// The table that holds them.
const TABLE: &str = "attribution_effects";

/// Effects of channels, as a run has published them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PublishedEffects {
    /// Id of the run.
    pub run_id: String,
    /// Whether the run had the configuration that is explained.
    pub same_configuration: bool,
    /// In the order of the table.
    pub effects: Vec<Effect>,
}

/// A row of `attribution_effects`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Effect {
    /// `stage` or `conversion`.
    pub target_kind: String,
    /// Name of the target.
    pub target: String,
    /// Which model.
    pub model: String,
    /// Which channel.
    pub channel: String,
    /// Removal effect or Shapley value; None: null in the table.
    pub effect: Option<f64>,
    /// Its lower bound.
    pub effect_low: Option<f64>,
    /// Its upper bound.
    pub effect_high: Option<f64>,
    /// The same of value.
    pub value_effect: Option<f64>,
}

/// Reads the effects of a run in `folder`, of a configuration with this hash.
///
/// # Errors
/// What is wrong with the run, in words.
pub(super) fn read(folder: &Path, config_hash: &str) -> Result<PublishedEffects, String> {
    let manifest = Manifest::read(folder).map_err(|error| error.to_string())?;
    let record = manifest.tables.iter().find(|table| table.name == TABLE);
    let Some(parquet) = record.and_then(|table| table.parquet.as_ref()) else {
        return Err(format!("it has no {TABLE}.parquet"));
    };
    let file = File::open(folder.join(&parquet.path)).map_err(|error| error.to_string())?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(file)
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    let mut effects = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        effects.extend((0..batch.num_rows()).map(|row| effect_of(&batch, row)));
    }
    Ok(PublishedEffects {
        run_id: manifest.run_id,
        same_configuration: manifest.job.config_hash == config_hash,
        effects,
    })
}

fn effect_of(batch: &RecordBatch, row: usize) -> Effect {
    let text = |name: &str| -> String {
        let column = batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        column
            .filter(|column| column.is_valid(row))
            .map_or(String::new(), |column| column.value(row).to_owned())
    };
    let figure = |name: &str| -> Option<f64> {
        let column = batch.column_by_name(name)?.as_primitive_opt::<Float64Type>()?;
        column.is_valid(row).then(|| column.value(row))
    };
    Effect {
        target_kind: text("target_kind"),
        target: text("target"),
        model: text("model"),
        channel: text("channel"),
        effect: figure("effect"),
        effect_low: figure("effect_low"),
        effect_high: figure("effect_high"),
        value_effect: figure("value_effect"),
    }
}
