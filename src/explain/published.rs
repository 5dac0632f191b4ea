//! What the data-driven models saw, as a run has published it: a single journey doesn't know.

use std::path::Path;

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Float64Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::Serialize;

use crate::publish::{Manifest, read_file};

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
    let bytes = read_file(&folder.join(&parquet.path)).map_err(|error| error.to_string())?;
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::from(bytes))
        .and_then(ParquetRecordBatchReaderBuilder::build)
        .map_err(|error| error.to_string())?;
    let mut effects = Vec::new();
    for batch in reader {
        let batch = batch.map_err(|error| error.to_string())?;
        effects.extend(effects_of(&batch).map_err(|error| error.to_string())?);
    }
    Ok(PublishedEffects {
        run_id: manifest.run_id,
        same_configuration: manifest.job.config_hash == config_hash,
        effects,
    })
}

fn effects_of(batch: &RecordBatch) -> Result<Vec<Effect>, ArrowError> {
    // Writers choose among the types of text.
    let column = |name: &str, kind: &DataType| {
        let found = batch.column_by_name(name);
        found.map_or_else(|| Ok(new_null_array(kind, batch.num_rows())), |column| cast(column, kind))
    };
    let [kinds, targets, models, channels] =
        ["target_kind", "target", "model", "channel"].map(|name| column(name, &DataType::Utf8));
    let [effects, lows, highs, on_value] =
        ["effect", "effect_low", "effect_high", "value_effect"].map(|name| column(name, &DataType::Float64));
    let [kinds, targets, models, channels] = [kinds?, targets?, models?, channels?];
    let [effects, lows, highs, on_value] = [effects?, lows?, highs?, on_value?];
    let text = |column: &ArrayRef, row: usize| {
        let column = column.as_string::<i32>();
        if column.is_valid(row) { column.value(row).to_owned() } else { String::new() }
    };
    let figure = |column: &ArrayRef, row: usize| {
        let column = column.as_primitive::<Float64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    let effect = |row: usize| Effect {
        target_kind: text(&kinds, row),
        target: text(&targets, row),
        model: text(&models, row),
        channel: text(&channels, row),
        effect: figure(&effects, row),
        effect_low: figure(&lows, row),
        effect_high: figure(&highs, row),
        value_effect: figure(&on_value, row),
    };
    Ok((0..batch.num_rows()).map(effect).collect())
}
