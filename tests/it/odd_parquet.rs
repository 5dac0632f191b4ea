//! Parquet that is odd and right: types, codecs and layouts that other writers choose. And what only looks like it.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, LazyLock};

use arrow::array::{ArrayRef, BinaryArray, Int64Array, ListArray, StructArray};
use arrow::datatypes::{DataType, Field, Int64Type, Schema};
use parquet::arrow::arrow_writer::{ArrowWriter, ArrowWriterOptions};
use parquet::arrow::encode_arrow_schema;
use parquet::basic::{BrotliLevel, Compression, Encoding, ZstdLevel};
use parquet::data_type::{
    ByteArray, ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, FloatType, Int32Type,
    Int64Type as LongType, Int96, Int96Type,
};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use parquet::schema::types::ColumnPath;

use crate::support::raw_parquet::{self, Chunk};
use crate::support::{CONFIG, Warehouse, batch, differences, few_touchpoints, micros, text, with};

type Published = BTreeMap<String, Vec<u8>>;

/// Seconds from the Julian day that INT96 counts from to 1970.
const JULIAN_DAY_OF_EPOCH: i64 = 2_440_588;

/// The cells of a column, by the types of the format.
enum Cells {
    Bytes(Vec<Option<Vec<u8>>>),
    Fixed(Vec<Option<Vec<u8>>>),
    Int(Vec<Option<i32>>),
    Long(Vec<Option<i64>>),
    Int96(Vec<Option<i64>>),
    Float(Vec<Option<f32>>),
    Double(Vec<Option<f64>>),
}

impl Cells {
    fn text(values: &[&str]) -> Self {
        Self::Bytes(values.iter().map(|text| (*text != "~").then(|| text.as_bytes().to_vec())).collect())
    }
}

/// A column: how it is declared, and its cells.
type Column = (&'static str, Cells);

/// As [`few_touchpoints`].
fn plain() -> Vec<Column> {
    let times = ["04-01 08:00", "04-02 09:00", "04-01 10:00", "04-03 11:00", "04-02 12:00", "04-03 13:00"];
    let times = times.map(|time| Some(micros(time))).to_vec();
    let channels = ["Email", "~", "Search", "~", "Email", "Search"];
    vec![
        ("binary customer_id (STRING)", Cells::text(&["c-1", "c-1", "c-2", "c-2", "c-3", "c-3"])),
        ("int64 occurred_at (TIMESTAMP(MICROS,true))", Cells::Long(times)),
        ("binary event (STRING)", Cells::text(&["click", "purchase", "click", "purchase", "click", "click"])),
        ("binary channel (STRING)", Cells::text(&channels)),
        ("double value", Cells::Double(vec![None, Some(30.0), None, Some(12.5), None, None])),
    ]
}

/// The same with one column declared otherwise.
fn but(name: &str, column: Column) -> Vec<Column> {
    let mut columns = plain();
    let at = columns.iter().position(|(declared, _)| declared.split(' ').nth(1) == Some(name));
    columns[at.expect("a column")] = column;
    columns
}

fn split<T: Clone>(cells: &[Option<T>]) -> (Vec<T>, Vec<i16>) {
    (cells.iter().flatten().cloned().collect(), cells.iter().map(|cell| i16::from(cell.is_some())).collect())
}

/// Writes a file through the lowest layer of the writer, where nothing of Arrow is known.
fn write(warehouse: &Warehouse, name: &str, columns: Vec<Column>, properties: WriterPropertiesBuilder) {
    warehouse.write(name, "");
    let fields: Vec<String> = columns.iter().map(|(declared, _)| format!("optional {declared};")).collect();
    let schema = parse_message_type(&format!("message rows {{ {} }}", fields.join(" "))).expect("a schema");
    let file = File::create(warehouse.path(name)).expect("created");
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties.build())).unwrap();
    let mut group = writer.next_row_group().unwrap();
    for (_, cells) in &columns {
        let mut column = group.next_column().unwrap().expect("a column");
        macro_rules! write {
            ($kind:ty, $cells:expr, $make:expr) => {{
                let (values, levels) = split($cells);
                let values: Vec<_> = values.into_iter().map($make).collect();
                column.typed::<$kind>().write_batch(&values, Some(&levels), None).unwrap();
            }};
        }
        match cells {
            Cells::Bytes(cells) => write!(ByteArrayType, cells, ByteArray::from),
            Cells::Fixed(cells) => {
                write!(FixedLenByteArrayType, cells, |bytes| FixedLenByteArray::from(ByteArray::from(bytes)))
            }
            Cells::Int(cells) => write!(Int32Type, cells, |value| value),
            Cells::Long(cells) => write!(LongType, cells, |value| value),
            Cells::Int96(cells) => write!(Int96Type, cells, int96),
            Cells::Float(cells) => write!(FloatType, cells, |value| value),
            Cells::Double(cells) => write!(DoubleType, cells, |value| value),
        }
        column.close().unwrap();
    }
    group.close().unwrap();
    writer.close().unwrap();
}

/// Nanoseconds of the day, then the Julian day.
fn int96(micros: i64) -> Int96 {
    let day = micros.div_euclid(86_400_000_000);
    let nanos = micros.rem_euclid(86_400_000_000) * 1_000;
    let mut value = Int96::new();
    value.set_data(nanos as u32, (nanos >> 32) as u32, (day + JULIAN_DAY_OF_EPOCH) as u32);
    value
}

fn warehouse(columns: Vec<Column>, properties: WriterPropertiesBuilder) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}[contract]\nunknown_columns = \"ignore\"\n"));
    write(&warehouse, "touchpoints/a.parquet", columns, properties);
    warehouse
}

fn publish(columns: Vec<Column>, arguments: &[&str]) -> Published {
    let warehouse = warehouse(columns, WriterProperties::builder());
    warehouse.run(&[&["-q"], arguments].concat());
    warehouse.published()
}

/// The tables of the plain form.
static PLAIN: LazyLock<Published> = LazyLock::new(|| publish(plain(), &[]));

fn same(published: &Published, what: &str) {
    assert_eq!(differences(&PLAIN, published), Vec::<String>::new(), "{what}");
}

#[test]
fn the_plain_form_is_that_of_arrow() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "written by Arrow");
}

#[test]
fn text_that_nothing_says_is_text() {
    for kind in ["", " (ENUM)", " (JSON)"] {
        let name = |column: &str| -> &'static str { format!("binary {column}{kind}").leak() };
        let mut columns = plain();
        for (declared, _) in &mut columns {
            let column = declared.split(' ').nth(1).expect("a name");
            if declared.starts_with("binary") {
                *declared = name(column);
            }
        }
        same(&publish(columns, &[]), &format!("all texts as bytes{kind}"));
    }
}

#[test]
fn bytes_that_are_no_text_stop_the_run() {
    let bytes = |values: [&[u8]; 6]| Cells::Bytes(values.map(|value| Some(value.to_vec())).to_vec());
    let broken = || bytes([b"click", b"\xff\xfe", b"click", b"click", b"click", b"click"]);
    let ids = warehouse(but("customer_id", ("binary customer_id", broken())), WriterProperties::builder());
    insta::assert_snapshot!(ids.fails(&[]), @r"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: column `customer_id` holds bytes that are no text in UTF-8
    hint: export the column as text, or map another one with `columns`
    ");
    let events = warehouse(but("event", ("binary event", broken())), WriterProperties::builder());
    assert!(events.fails(&[]).contains("column `event` holds bytes that are no text in UTF-8"));
    for (name, declared) in [("customer_id", "binary customer_id (JSON)"), ("event", "binary event (JSON)")] {
        let json = warehouse(but(name, (declared, broken())), WriterProperties::builder());
        assert!(json.fails(&[]).starts_with("exit code 65\n"), "{declared}");
    }
}

/// A file may bring a schema of Arrow along that calls its bytes text, and the decoder believes it.
#[test]
fn bytes_are_looked_at_whatever_the_schema_of_arrow_says() {
    let ids: ArrayRef =
        Arc::new(BinaryArray::from_vec(vec![b"c-1", b"\xff-1", b"c-2", b"c-2", b"c-3", b"c-3"]));
    let columns = with(few_touchpoints(), "customer_id", ids);
    let batch = batch(columns);
    let claimed: Vec<Field> = batch
        .schema()
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Binary => field.as_ref().clone().with_data_type(DataType::Utf8),
            _ => field.as_ref().clone(),
        })
        .collect();
    let claimed = encode_arrow_schema(&Schema::new(claimed));
    let properties = WriterProperties::builder()
        .set_key_value_metadata(Some(vec![KeyValue::new("ARROW:schema".to_owned(), claimed)]));
    let options =
        ArrowWriterOptions::new().with_properties(properties.build()).with_skip_arrow_metadata(true);
    let warehouse = Warehouse::new(CONFIG);
    warehouse.write("touchpoints/a.parquet", "");
    let file = File::create(warehouse.path("touchpoints/a.parquet")).unwrap();
    let mut writer = ArrowWriter::try_new_with_options(file, batch.schema(), options).unwrap();
    writer.write(&batch).unwrap();
    writer.close().unwrap();
    let said = warehouse.fails(&[]);
    assert!(said.contains("column `customer_id` holds bytes that are no text in UTF-8"), "{said}");
}

#[test]
fn uuids_are_ids_in_their_usual_form() {
    let uuids: Vec<u128> = vec![7, 7, 1 << 100, 1 << 100, u128::MAX, u128::MAX];
    let bytes = uuids.iter().map(|uuid| Some(uuid.to_be_bytes().to_vec())).collect();
    let texts: Vec<String> = uuids
        .iter()
        .map(|uuid| {
            let digits = format!("{uuid:032x}");
            [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
        })
        .collect();
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    let as_text = publish(but("customer_id", ("binary customer_id (STRING)", Cells::text(&texts))), &[]);
    let declared = "fixed_len_byte_array(16) customer_id (UUID)";
    let as_uuid = publish(but("customer_id", (declared, Cells::Fixed(bytes))), &[]);
    assert_eq!(differences(&as_text, &as_uuid), Vec::<String>::new());
    assert_ne!(differences(&PLAIN, &as_uuid), Vec::<String>::new(), "buckets are by id");
    // Without a word that they are UUIDs they are nothing.
    let bytes = uuids.iter().map(|uuid| Some(uuid.to_be_bytes().to_vec())).collect();
    let column = ("fixed_len_byte_array(16) customer_id", Cells::Fixed(bytes));
    let said = warehouse(but("customer_id", column), WriterProperties::builder()).fails(&[]);
    assert!(said.contains("should be text or an integer, but is bytes of a fixed length"), "{said}");
}

#[test]
fn times_of_twelve_bytes() {
    let Cells::Long(times) = plain().swap_remove(1).1 else { panic!("times") };
    let columns = but("occurred_at", ("int96 occurred_at", Cells::Int96(times)));
    same(&publish(columns, &["--set", "inputs.touchpoints.timezone=UTC"]), "INT96");
}

#[test]
fn amounts_of_every_form() {
    let cents = [None, Some(3_000_i64), None, Some(1_250), None, None];
    let big_endian = |bytes: usize| {
        cents.map(|cents| cents.map(|cents| i128::from(cents).to_be_bytes()[16 - bytes..].to_vec())).to_vec()
    };
    let float = |value: i64| value as f32 / 100.0;
    for column in [
        (
            "int32 value (DECIMAL(9,2))",
            Cells::Int(cents.map(|cents| cents.map(|cents| cents as i32)).to_vec()),
        ),
        ("int64 value (DECIMAL(18,2))", Cells::Long(cents.to_vec())),
        ("binary value (DECIMAL(20,2))", Cells::Bytes(big_endian(9))),
        ("fixed_len_byte_array(3) value (DECIMAL(5,2))", Cells::Fixed(big_endian(3))),
        ("fixed_len_byte_array(16) value (DECIMAL(38,2))", Cells::Fixed(big_endian(16))),
        ("float value", Cells::Float(cents.map(|cents| cents.map(float)).to_vec())),
    ] {
        let declared = column.0;
        same(&publish(but("value", column), &[]), declared);
    }
}

#[test]
fn pages_of_every_layout() {
    let builder = WriterProperties::builder;
    let encoded = |column: &str, encoding| {
        builder().set_dictionary_enabled(false).set_column_encoding(ColumnPath::from(column), encoding)
    };
    for (what, properties) in [
        ("second version", builder().set_writer_version(WriterVersion::PARQUET_2_0)),
        (
            "second version, compressed",
            builder()
                .set_writer_version(WriterVersion::PARQUET_2_0)
                .set_compression(Compression::ZSTD(ZstdLevel::default())),
        ),
        ("no dictionary", builder().set_dictionary_enabled(false)),
        ("a row a page", builder().set_data_page_row_count_limit(1).set_write_batch_size(1)),
        ("a dictionary that overflows", builder().set_dictionary_page_size_limit(1).set_write_batch_size(1)),
        ("snappy", builder().set_compression(Compression::SNAPPY)),
        ("lz4", builder().set_compression(Compression::LZ4_RAW)),
        ("delta byte array", encoded("customer_id", Encoding::DELTA_BYTE_ARRAY)),
        ("delta length byte array", encoded("event", Encoding::DELTA_LENGTH_BYTE_ARRAY)),
        ("delta binary packed", encoded("occurred_at", Encoding::DELTA_BINARY_PACKED)),
        ("byte stream split", encoded("value", Encoding::BYTE_STREAM_SPLIT)),
    ] {
        let warehouse = warehouse(plain(), properties);
        warehouse.run(&["-q"]);
        same(&warehouse.published(), what);
    }
}

#[test]
fn columns_that_nobody_asks_for_do_no_harm() {
    let list: ArrayRef = Arc::new(ListArray::from_iter_primitive::<Int64Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(2)]),
        None,
        None,
    ]));
    let inner: ArrayRef = Arc::new(Int64Array::from(vec![1; 6]));
    let group: ArrayRef =
        Arc::new(StructArray::from(vec![(Arc::new(Field::new("event", DataType::Int64, false)), inner)]));
    let mut columns = vec![("touchpoint", list), ("customer", group)];
    columns.extend(few_touchpoints());
    for name in ["customer.event", "Event", "event ", "\"event\"", "", "ключ", "a\nb"] {
        columns.push((name, text(&["x"; 6])));
    }
    let warehouse = Warehouse::new(&format!("{CONFIG}[contract]\nunknown_columns = \"ignore\"\n"));
    warehouse.parquet("touchpoints/a.parquet", columns);
    // A file that was begun and closed has columns and no row group.
    let file = File::create(warehouse.path("touchpoints/b.parquet")).unwrap();
    ArrowWriter::try_new(file, batch(few_touchpoints()).schema(), None).unwrap().close().unwrap();
    warehouse.run(&["-q"]);
    same(&warehouse.published(), "odd columns, and a file without row groups");
}

#[test]
fn columns_of_odd_names_can_be_mapped() {
    for name in ["user.id", "Customer_ID", "\"quoted\"", "ключ", " "] {
        let mut columns = few_touchpoints();
        columns[0].0 = name.to_owned().leak();
        let quoted = name.replace('"', "\\\"");
        let columns_key = format!("path = \"touchpoints\"\ncolumns = {{ customer_id = \"{quoted}\" }}");
        let warehouse = Warehouse::new(&CONFIG.replace("path = \"touchpoints\"", &columns_key));
        warehouse.parquet("touchpoints/a.parquet", columns);
        warehouse.run(&["-q"]);
        same(&warehouse.published(), name);
    }
}

#[test]
fn codecs_that_are_left_out_are_named() {
    let rows = 3;
    let page = |body: &[u8]| raw_parquet::data(rows, 0, body, body.len());
    for (codec, name) in [(Compression::BROTLI(BrotliLevel::default()), "Brotli"), (Compression::LZO, "LZO")]
    {
        let chunk = || Chunk { compression: codec, ..Chunk::plain(&[page(b"packed")]) };
        let warehouse = Warehouse::new(CONFIG);
        let groups = [(i64::from(rows), vec![chunk(), chunk(), chunk()])];
        warehouse.write("touchpoints/a.parquet", raw_parquet::file(raw_parquet::SCHEMA, &groups));
        let said = warehouse.fails(&[]);
        assert_eq!(
            said,
            format!(
                "exit code 65\nerror: FOLDER/touchpoints/a.parquet: column `customer_id` is compressed with {name}, which is \
                 not supported\nhint: export it with zstd, snappy, gzip or lz4, or without compression\n"
            )
        );
    }
}
