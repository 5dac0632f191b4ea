//! What a run published, read back.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::{cast, concat_batches};
use arrow::datatypes::{DataType, Float64Type};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};
use touchline::publish::Manifest;

use super::Outcome;

/// What a run did, as its manifest and its tables tell.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Workload {
    /// Version of the build.
    pub version: String,
    /// Rows of the touchpoints that lie in the scope of the run.
    pub touchpoints: u64,
    /// Customers with a kept row.
    pub customers: u64,
    /// Targets of attribution: stages and conversions.
    pub targets: usize,
    /// Models of attribution.
    pub models: usize,
    /// Channels with credit.
    pub channels: usize,
    /// Conversions and stage entries with a touch in reach: each is shared out under every model.
    pub allocated: f64,
    /// The same without a touch in reach.
    pub unattributed: f64,
    /// Touches on the paths of those with one: each gets credit under every model.
    pub path_touches: f64,
    /// Tables.
    pub tables: usize,
    /// Their rows.
    pub table_rows: u64,
}

/// Reads what the folder of a run tells about its work.
///
/// # Errors
///
/// The manifest or the table can't be read.
pub fn workload(folder: &Path) -> Outcome<Workload> {
    let manifest = Manifest::read(folder)?;
    let count = |name: &str| manifest.counts.get(name).copied().unwrap_or(0);
    let table = Table::read(folder, "stage_attribution")?;
    let (kinds, targets) = (table.texts("target_kind")?, table.texts("target")?);
    let (models, channels) = (table.texts("model")?, table.texts("channel")?);
    let (credit, touches) = (table.numbers("credit")?, table.numbers("touches")?);
    let (mut allocated, mut unattributed, mut path_touches) = (0.0, 0.0, 0.0);
    for row in 0..table.len() {
        // Every model shares the same conversions out.
        if models[row] != models[0] {
            continue;
        }
        if channels[row] == touchline::analyses::attribution::UNATTRIBUTED {
            unattributed += credit[row];
        } else {
            allocated += credit[row];
            path_touches += touches[row];
        }
    }
    Ok(Workload {
        version: manifest.job.version.clone(),
        touchpoints: count("touchpoints_in_scope"),
        customers: count("customers"),
        targets: kinds.iter().zip(&targets).collect::<BTreeSet<_>>().len(),
        models: models.iter().collect::<BTreeSet<_>>().len(),
        channels: channels.iter().collect::<BTreeSet<_>>().len() - 1,
        allocated,
        unattributed,
        path_touches,
        tables: manifest.tables.len(),
        table_rows: manifest.tables.iter().map(|table| table.rows).sum(),
    })
}

/// Rows and customers by fate, as the manifest of a run has them; none where there is no run.
pub fn counts(folder: &Path) -> BTreeMap<String, u64> {
    Manifest::read(folder).map_or_else(|_| BTreeMap::new(), |manifest| manifest.counts)
}

/// A published table.
#[derive(Debug)]
pub struct Table {
    batch: RecordBatch,
}

impl Table {
    /// Reads `tables/NAME.parquet` of a run's folder.
    ///
    /// # Errors
    ///
    /// It can't be read.
    pub fn read(folder: &Path, name: &str) -> Outcome<Self> {
        let file = File::open(folder.join("tables").join(format!("{name}.parquet")))?;
        let reader = ParquetRecordBatchReaderBuilder::try_new(file)?.build()?;
        let schema = arrow::array::RecordBatchReader::schema(&reader);
        let batches = reader.collect::<Result<Vec<_>, _>>()?;
        Ok(Self { batch: concat_batches(&schema, &batches)? })
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.batch.num_rows()
    }

    /// A column as text; null is empty.
    ///
    /// # Errors
    ///
    /// There is no such column.
    pub fn texts(&self, name: &str) -> Outcome<Vec<String>> {
        let column = cast(self.column(name)?, &DataType::Utf8)?;
        Ok(column.as_string::<i32>().iter().map(|text| text.unwrap_or_default().to_owned()).collect())
    }

    /// A column as numbers; null is NaN.
    ///
    /// # Errors
    ///
    /// There is no such column, or it holds no numbers.
    pub fn numbers(&self, name: &str) -> Outcome<Vec<f64>> {
        let column = cast(self.column(name)?, &DataType::Float64)?;
        Ok(column.as_primitive::<Float64Type>().iter().map(|number| number.unwrap_or(f64::NAN)).collect())
    }

    fn column(&self, name: &str) -> Outcome<&dyn Array> {
        let column = self.batch.column_by_name(name).ok_or_else(|| format!("no column {name}"))?;
        Ok(column.as_ref())
    }
}
