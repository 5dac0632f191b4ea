//! Writes a shape as a warehouse: Parquet files and a configuration.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryBuilder, DictionaryArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use arrow::datatypes::Int32Type;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::super::Outcome;
use super::super::warehouses::{Warehouse, settle};
use super::Shape;
use super::rows::{BOT, DEVICES, EVENTS, Row, rows};

/// Rows that are laid out as columns at a time.
const BATCH_ROWS: usize = 65_536;

/// Names of everything that a row has by number.
struct Names {
    events: ArrayRef,
    channels: ArrayRef,
    campaigns: ArrayRef,
    devices: ArrayRef,
}

/// The warehouse of a shape: the one that is there, or a new one.
///
/// # Errors
///
/// It can't be written.
pub fn shape(folder: &Path, shape: &Shape) -> Outcome<Warehouse> {
    let warehouse = Warehouse { folder: folder.join("shapes").join(shape.name) };
    // Written last, and says what of.
    let done = warehouse.folder.join("shape.txt");
    let description = format!("{shape:#?}\n");
    if fs::read_to_string(&done).is_ok_and(|found| found == description) {
        return Ok(warehouse);
    }
    println!("writing {}", warehouse.folder.display());
    if warehouse.folder.exists() {
        fs::remove_dir_all(&warehouse.folder)?;
    }
    let touchpoints = warehouse.folder.join("touchpoints");
    fs::create_dir_all(&touchpoints)?;
    let number = |count: u32, name: &str| -> ArrayRef {
        Arc::new((0..count).map(|index| Some(format!("{name} {index}"))).collect::<StringArray>())
    };
    let names = Names {
        events: Arc::new(StringArray::from_iter_values(EVENTS.map(|(name, _)| name))),
        channels: number(shape.channels, "Channel"),
        campaigns: number(shape.campaigns, "campaign"),
        devices: Arc::new(StringArray::from_iter_values(DEVICES)),
    };
    let rows = rows(shape);
    for (file, own) in rows.chunks(rows.len().div_ceil(shape.files)).enumerate() {
        let first = file * rows.len().div_ceil(shape.files);
        write_file(&touchpoints.join(format!("part-{file:05}.parquet")), shape, own, first, &names)?;
    }
    fs::write(warehouse.config(), config(shape))?;
    fs::write(done, description)?;
    settle()?;
    Ok(warehouse)
}

fn write_file(path: &Path, shape: &Shape, rows: &[Row], first: usize, names: &Names) -> Outcome<()> {
    let plain = ["event_id", "customer_id", "occurred_at", "value", "ballast"];
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(shape.group_rows))
        .set_statistics_enabled(EnabledStatistics::Chunk);
    let properties = plain.into_iter().fold(properties, |properties, name| {
        properties.set_column_dictionary_enabled(ColumnPath::from(name), false)
    });
    let mut writer: Option<ArrowWriter<File>> = None;
    for (batch, own) in rows.chunks(BATCH_ROWS).enumerate() {
        let batch = columns(shape, own, first + batch * BATCH_ROWS, names)?;
        let writer = match &mut writer {
            Some(writer) => writer,
            none => {
                let properties = properties.clone().build();
                // No Arrow schema, as in most exports: readers see plain text.
                let options =
                    ArrowWriterOptions::new().with_properties(properties).with_skip_arrow_metadata(true);
                none.insert(ArrowWriter::try_new_with_options(File::create(path)?, batch.schema(), options)?)
            }
        };
        writer.write(&batch)?;
    }
    if let Some(writer) = writer {
        writer.close()?;
    }
    Ok(())
}

fn columns(shape: &Shape, rows: &[Row], first: usize, names: &Names) -> Outcome<RecordBatch> {
    let coded = |keys: Int32Array, names: &ArrayRef| -> Outcome<ArrayRef> {
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(names))?))
    };
    let customer =
        |row: &Row| if row.customer == BOT { "bot".to_owned() } else { format!("c{:08}", row.customer) };
    let customers = rows.iter().map(|row| Some(customer(row))).collect::<StringArray>();
    let times = rows.iter().map(|row| Some(row.time_us)).collect::<TimestampMicrosecondArray>();
    let value = |row: &Row| row.value_minor.map(|minor| f64::from(minor) / 100.0);
    let mut columns: Vec<(&str, ArrayRef)> = vec![
        ("event_id", Arc::new((first as i64..).take(rows.len()).collect::<Int64Array>())),
        ("customer_id", Arc::new(customers)),
        ("occurred_at", Arc::new(times.with_timezone("UTC"))),
        ("event", coded(rows.iter().map(|row| Some(i32::from(row.event))).collect(), &names.events)?),
        ("channel", coded(rows.iter().map(|row| row.channel.map(i32::from)).collect(), &names.channels)?),
        ("campaign", coded(rows.iter().map(|row| row.campaign.map(i32::from)).collect(), &names.campaigns)?),
        ("device", coded(rows.iter().map(|row| row.device.map(i32::from)).collect(), &names.devices)?),
        ("value", Arc::new(rows.iter().map(value).collect::<Float64Array>())),
    ];
    if shape.ballast_bytes > 0 {
        columns.push(("ballast", ballast(rows.len(), shape.ballast_bytes, first as u64)));
    }
    let columns = columns.into_iter().map(|(name, column)| (name, column, true));
    Ok(RecordBatch::try_from_iter_with_nullable(columns)?)
}

/// Bytes that no compression makes fewer.
fn ballast(rows: usize, bytes: usize, first: u64) -> ArrayRef {
    let mut column = BinaryBuilder::with_capacity(rows, rows * bytes);
    let mut cell = Vec::with_capacity(bytes);
    let mut state = first.wrapping_mul(2) | 1;
    for _ in 0..rows {
        cell.clear();
        while cell.len() < bytes {
            // Marsaglia's xorshift64.
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            cell.extend_from_slice(&state.to_le_bytes());
        }
        column.append_value(&cell[..bytes]);
    }
    Arc::new(column.finish())
}

/// What `touchline generate` configures, as far as it asks for touchpoints only.
fn config(shape: &Shape) -> String {
    let Shape { dimensions, contract, .. } = shape;
    format!(
        "\
[job]
name = \"shape\"
timezone = \"UTC\"
currency = \"EUR\"

[window]
from = \"2026-04-01\"
to = \"2026-07-30\"
lookback = \"30d\"

[inputs.touchpoints]
path = \"touchpoints/*.parquet\"

[contract]
{contract}
[stages]
preset = \"lifecycle\"
mode = \"ordered\"

[stages.rules]
brand_awareness = [{{ event = [\"impression\", \"click\"] }}]
product_understanding = [{{ event = [\"product_view\", \"search\"] }}]
purchase_decision = [{{ event = [\"add_to_cart\", \"checkout\", \"purchase\"] }}]
product_experience = [{{ event = [\"delivery\", \"app_open\"] }}]
after_sales_service = [{{ event = [\"support_contact\", \"return_request\"] }}]
loyalty = [{{ event = [\"referral\", \"review\"] }}]

[conversions.purchase]
event = [\"purchase\"]
value = \"value\"

[conversions.referral]
event = [\"referral\"]

[segments]
dimensions = {dimensions:?}
"
    )
}
