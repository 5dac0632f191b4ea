//! The Parquet files: touchpoints by day, customers, assignments, suppressions.
//!
//! Files carry no Arrow schema, as most exports don't: readers see plain text, and low-cardinality
//! columns are dictionary encoded in the pages.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{
    ArrayRef, DictionaryArray, Float64Builder, Int8Array, Int64Array, RecordBatch, StringArray,
    StringBuilder, TimestampMicrosecondArray,
};
use arrow::datatypes::{DataType, Field, Int8Type, Schema, SchemaRef, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::GenerateError;
use super::block::Block;
use super::layout;
use super::spool::{NONE, Row, Spool};
use super::world::{CHANNELS, COUNTRIES, Campaign, DEVICES, Event, Experiment, PLANS, Variant};

/// Rows of a row group of touchpoints, and the rows that are held at a time.
const CHUNK_ROWS: usize = 131_072;
/// Rows of a row group of the other tables.
const GROUP_ROWS: usize = 262_144;
/// Files below so many rows go without page indexes, which would outweigh the data.
const SMALL_FILE_ROWS: u64 = 20_000;

/// Writes the touchpoints of one day, in order of time within each row group.
///
/// `first_event_id` is the id of its first row; the others follow on.
pub(super) fn write_touchpoints(
    dir: &Path,
    spool: &Spool,
    day: u32,
    first_event_id: u64,
) -> Result<u64, GenerateError> {
    let folder = dir.join(layout::touchpoints_day(day));
    fs::create_dir_all(&folder).map_err(GenerateError::io("create", &folder))?;
    let path = folder.join("part-0.parquet");
    let names = Names::new();
    let properties = properties(spool.counts()[day as usize], CHUNK_ROWS)
        .set_column_dictionary_enabled(ColumnPath::from("event_id"), false)
        .set_column_dictionary_enabled(ColumnPath::from("customer_id"), false)
        .set_column_dictionary_enabled(ColumnPath::from("occurred_at"), false)
        .set_column_dictionary_enabled(ColumnPath::from("value"), false)
        .set_column_dictionary_enabled(ColumnPath::from("order_id"), false);
    let mut out = Out::create(path, touchpoints_schema(), properties.build())?;
    let mut reader = spool.read_day(day)?;
    let mut rows = Vec::new();
    let mut next_event_id = first_event_id;
    loop {
        reader.read(CHUNK_ROWS, &mut rows)?;
        if rows.is_empty() {
            return out.close();
        }
        // Stable: rows of one instant keep the order of customers, whatever the threads did.
        rows.sort_by_key(|row| row.time_us);
        let columns = touchpoint_columns(&rows, next_event_id, &names);
        out.write(columns)?;
        next_event_id += rows.len() as u64;
    }
}

fn touchpoints_schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("event_id", DataType::Int64, false),
        Field::new("customer_id", DataType::Utf8, false),
        time_field("occurred_at"),
        name_field("event", false),
        name_field("channel", true),
        name_field("campaign", true),
        name_field("device", false),
        Field::new("value", DataType::Float64, true),
        Field::new("order_id", DataType::Utf8, true),
    ]))
}

fn touchpoint_columns(
    rows: &[Row],
    first_event_id: u64,
    names: &Names,
) -> Result<Vec<ArrayRef>, ParquetError> {
    let mut customers = StringBuilder::with_capacity(rows.len(), rows.len() * 10);
    let mut values = Float64Builder::with_capacity(rows.len());
    let mut orders = StringBuilder::new();
    for row in rows {
        append_text(&mut customers, format_args!("c{:08}", row.customer));
        if row.order_number == 0 {
            values.append_null();
            orders.append_null();
        } else {
            values.append_value(f64::from(row.value_minor) / 100.0);
            append_text(&mut orders, format_args!("o{:08}-{}", row.customer, row.order_number));
        }
    }
    let event_ids = (first_event_id..).take(rows.len()).map(|id| id as i64);
    Ok(vec![
        Arc::new(event_ids.collect::<Int64Array>()),
        Arc::new(customers.finish()),
        times(rows.iter().map(|row| row.time_us)),
        coded(rows.iter().map(|row| row.event), &names.events)?,
        coded(rows.iter().map(|row| row.channel), &names.channels)?,
        coded(rows.iter().map(|row| row.campaign), &names.campaigns)?,
        coded(rows.iter().map(|row| row.device), &names.devices)?,
        Arc::new(values.finish()),
        Arc::new(orders.finish()),
    ])
}

/// The tables with a row per customer or per exposure, written while customers are simulated.
pub(super) struct CustomerTables {
    names: Names,
    customers: Out,
    assignments: Out,
    suppress: Out,
    /// Rows of `customers` beyond one for each of them.
    pub plan_changes: u64,
    /// Rows written to `assignments` and `suppress`.
    pub assigned: u64,
    pub suppressed: u64,
}

impl CustomerTables {
    pub(super) fn create(dir: &Path, customers: u64) -> Result<Self, GenerateError> {
        let id = Field::new("customer_id", DataType::Utf8, false);
        let properties = || {
            properties(customers, GROUP_ROWS)
                .set_column_dictionary_enabled(ColumnPath::from("customer_id"), false)
                .set_column_dictionary_enabled(ColumnPath::from("assigned_at"), false)
                .set_column_dictionary_enabled(ColumnPath::from("valid_from"), false)
                .build()
        };
        let customers = Schema::new(vec![
            id.clone(),
            name_field("country", true),
            name_field("plan", false),
            name_field("device_type", false),
            time_field("valid_from").with_nullable(true),
        ]);
        let assignments = Schema::new(vec![
            name_field("experiment", false),
            name_field("variant", false),
            id.clone(),
            time_field("assigned_at"),
        ]);
        let suppress = Schema::new(vec![id]);
        Ok(Self {
            names: Names::new(),
            customers: Out::create(dir.join(layout::CUSTOMERS), Arc::new(customers), properties())?,
            assignments: Out::create(dir.join(layout::ASSIGNMENTS), Arc::new(assignments), properties())?,
            suppress: Out::create(dir.join(layout::SUPPRESS), Arc::new(suppress), properties())?,
            plan_changes: 0,
            assigned: 0,
            suppressed: 0,
        })
    }

    pub(super) fn append(&mut self, block: &Block) -> Result<(), GenerateError> {
        // What holds from the beginning has no `valid_from`.
        let upgrades = || block.upgrades.iter();
        let ids = (block.first_customer..).take(block.attributes.len());
        let attributes = || block.attributes.iter().chain(upgrades().map(|upgrade| &upgrade.attributes));
        let since = block.attributes.iter().map(|_| None);
        self.customers.write((|| {
            Ok(vec![
                customer_ids(ids.chain(upgrades().map(|upgrade| upgrade.customer))),
                coded(attributes().map(|a| a.country.map_or(NONE, |c| c.0)), &self.names.countries)?,
                coded(attributes().map(|a| a.plan.0), &self.names.plans)?,
                coded(attributes().map(|a| a.device.0), &self.names.devices)?,
                some_times(since.chain(upgrades().map(|upgrade| Some(upgrade.time_us)))),
            ])
        })())?;
        self.plan_changes += block.upgrades.len() as u64;
        let exposures = &block.exposures;
        self.assignments.write((|| {
            Ok(vec![
                coded(exposures.iter().map(|e| e.experiment), &self.names.experiments)?,
                coded(exposures.iter().map(|e| e.variant), &self.names.variants)?,
                customer_ids(exposures.iter().map(|e| u64::from(e.customer))),
                times(exposures.iter().map(|e| e.time_us)),
            ])
        })())?;
        self.suppress.write(Ok(vec![customer_ids(block.suppressed.iter().copied())]))?;
        self.assigned += exposures.len() as u64;
        self.suppressed += block.suppressed.len() as u64;
        Ok(())
    }

    /// Finishes the files and returns their length in bytes.
    pub(super) fn close(self) -> Result<u64, GenerateError> {
        Ok(self.customers.close()? + self.assignments.close()? + self.suppress.close()?)
    }
}

/// A Parquet file while it is written; errors name it.
struct Out {
    path: PathBuf,
    schema: SchemaRef,
    writer: ArrowWriter<File>,
}

impl Out {
    fn create(path: PathBuf, schema: SchemaRef, properties: WriterProperties) -> Result<Self, GenerateError> {
        let file = File::create(&path).map_err(GenerateError::io("create", &path))?;
        let options = ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)
            .map_err(GenerateError::parquet(&path))?;
        Ok(Self { path, schema, writer })
    }

    fn write(&mut self, columns: Result<Vec<ArrayRef>, ParquetError>) -> Result<(), GenerateError> {
        columns
            .and_then(|columns| Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?))
            .and_then(|batch| self.writer.write(&batch))
            .map_err(GenerateError::parquet(&self.path))
    }

    fn close(mut self) -> Result<u64, GenerateError> {
        self.writer.finish().map_err(GenerateError::parquet::<ParquetError>(&self.path))?;
        Ok(self.writer.bytes_written() as u64)
    }
}

fn properties(rows: u64, group_rows: usize) -> parquet::file::properties::WriterPropertiesBuilder {
    let small = rows < SMALL_FILE_ROWS;
    let statistics = if small { EnabledStatistics::Chunk } else { EnabledStatistics::Page };
    WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::default()))
        .set_max_row_group_row_count(Some(group_rows))
        .set_statistics_enabled(statistics)
        .set_offset_index_disabled(small)
}

fn time_field(name: &str) -> Field {
    Field::new(name, DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false)
}

fn name_field(name: &str, nullable: bool) -> Field {
    let kind = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    Field::new(name, kind, nullable)
}

fn times(times_us: impl Iterator<Item = i64>) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from_iter_values(times_us).with_timezone("UTC"))
}

fn some_times(times_us: impl Iterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(times_us.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

fn customer_ids(indices: impl Iterator<Item = u64>) -> ArrayRef {
    let mut ids = StringBuilder::new();
    for index in indices {
        append_text(&mut ids, format_args!("c{index:08}"));
    }
    Arc::new(ids.finish())
}

fn append_text(builder: &mut StringBuilder, text: std::fmt::Arguments<'_>) {
    // Writing into memory cannot fail; the empty value closes what was written.
    let _ = builder.write_fmt(text);
    builder.append_value("");
}

/// A column of names by their codes; [`NONE`] is null.
fn coded(codes: impl Iterator<Item = u8>, names: &ArrayRef) -> Result<ArrayRef, ParquetError> {
    let keys: Int8Array = codes.map(|code| (code != NONE).then_some(code as i8)).collect();
    Ok(Arc::new(DictionaryArray::<Int8Type>::try_new(keys, Arc::clone(names))?))
}

/// The vocabularies as Arrow arrays, in the order of their codes.
struct Names {
    events: ArrayRef,
    channels: ArrayRef,
    campaigns: ArrayRef,
    devices: ArrayRef,
    countries: ArrayRef,
    plans: ArrayRef,
    experiments: ArrayRef,
    variants: ArrayRef,
}

impl Names {
    fn new() -> Self {
        fn array<'a>(names: impl Iterator<Item = &'a str>) -> ArrayRef {
            Arc::new(StringArray::from_iter_values(names))
        }
        Self {
            events: array(Event::ALL.iter().map(|event| event.name())),
            channels: array(CHANNELS.iter().map(|spec| spec.name)),
            campaigns: array(Campaign::all().map(|(_, _, name)| name)),
            devices: array(DEVICES.iter().map(|(name, _)| *name)),
            countries: array(COUNTRIES.iter().copied()),
            plans: array(PLANS.iter().map(|(name, _)| *name)),
            experiments: array(Experiment::ALL.iter().map(|experiment| experiment.name())),
            variants: array(Variant::NAMES.iter().copied()),
        }
    }
}
