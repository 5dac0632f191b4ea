//! What the tests of the binary share: a warehouse in a temporary folder, small Parquet files from literal
//! rows, runs in a clean environment, and output without paths and times.

pub mod raw_parquet;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use arrow::util::display::array_value_to_string;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::properties::WriterProperties;

/// Columns of a file, in order.
pub type Columns = Vec<(&'static str, ArrayRef)>;

/// A folder with a configuration and the files it reads.
pub struct Warehouse {
    folder: tempfile::TempDir,
}

/// What came of a run of the binary.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    /// With FOLDER for the warehouse, and without times and run ids.
    pub stderr: String,
}

impl Warehouse {
    /// With a configuration.
    pub fn new(config: &str) -> Self {
        let warehouse = Self { folder: tempfile::tempdir().expect("a temporary folder") };
        warehouse.write("touchline.toml", config);
        warehouse
    }

    /// The folder.
    pub fn root(&self) -> &Path {
        self.folder.path()
    }

    /// A path in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.root().join(name)
    }

    /// Writes any file.
    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        fs::write(path, bytes).expect("written");
    }

    /// Writes a Parquet file, all in one row group.
    pub fn parquet(&self, name: &str, columns: Columns) {
        self.parquet_in_groups(name, columns, 1 << 20);
    }

    /// Writes a Parquet file with so many rows in each row group.
    pub fn parquet_in_groups(&self, name: &str, columns: Columns, rows: usize) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("created");
        let batch = batch(columns);
        let properties = WriterProperties::builder().set_max_row_group_row_count(Some(rows)).build();
        let file = File::create(path).expect("created");
        let mut writer = ArrowWriter::try_new(file, batch.schema(), Some(properties)).expect("a writer");
        writer.write(&batch).expect("written");
        writer.close().expect("closed");
    }

    /// The binary in a clean environment, in the folder of the warehouse.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_touchline"));
        command.args(arguments).current_dir(self.root()).env_clear().stdin(Stdio::null());
        command
    }

    /// Runs a command to its end.
    pub fn finish(&self, mut command: Command) -> Ran {
        let output = command.output().expect("the binary starts");
        let text = |bytes: Vec<u8>| self.normalise(&String::from_utf8(bytes).expect("UTF-8"));
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }

    /// Runs the binary.
    pub fn touchline(&self, arguments: &[&str]) -> Ran {
        self.finish(self.command(arguments))
    }

    /// Runs a job that succeeds.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.touchline(&[&["run"], arguments].concat());
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }

    /// Runs a job that fails, and prints its code before its message.
    pub fn fails(&self, arguments: &[&str]) -> String {
        let ran = self.touchline(&[&["run"], arguments].concat());
        assert_eq!(ran.stdout, "", "nothing goes to standard output");
        assert_ne!(ran.code, 0, "{}", ran.stderr);
        assert!(!self.path("out/current").exists(), "nothing is published");
        format!("exit code {}\n{}", ran.code, ran.stderr)
    }

    /// Output without what differs from run to run.
    pub fn normalise(&self, text: &str) -> String {
        let text = text.replace(&self.root().display().to_string(), "FOLDER");
        let mut clean = String::with_capacity(text.len());
        for line in text.split_inclusive('\n') {
            if line.trim_start().starts_with("took ") {
                let seconds = line.find(|letter: char| letter.is_ascii_digit()).unwrap_or(line.len());
                clean.push_str(&line[..seconds]);
                clean.push_str("TIME\n");
                continue;
            }
            let mut rest = line;
            while let Some(at) = rest.find("/r-") {
                let (before, after) = rest.split_at(at + 3);
                clean.push_str(before);
                let digits = after.len() - after.trim_start_matches(|l: char| l.is_ascii_hexdigit()).len();
                clean.push_str(if digits == 24 { "RUN" } else { &after[..digits] });
                rest = &after[digits..];
            }
            clean.push_str(rest);
        }
        clean
    }

    /// Where `current` points.
    pub fn current(&self) -> PathBuf {
        fs::canonicalize(self.path("out/current")).expect("a published run")
    }

    /// A published CSV table.
    pub fn csv(&self, table: &str) -> String {
        fs::read_to_string(self.path(&format!("out/current/csv/{table}.csv"))).expect("a published table")
    }

    /// Some columns of the rows of a table whose first columns read as given: `a | b | c` by line.
    pub fn select(&self, table: &str, keys: &[(&str, &str)], columns: &[&str]) -> String {
        let text = self.csv(table);
        let mut reader = csv::Reader::from_reader(text.as_bytes());
        let header = reader.headers().expect("a header").clone();
        let place = |name: &str| {
            header.iter().position(|known| known == name).unwrap_or_else(|| panic!("{table} has no {name}"))
        };
        let mut lines = Vec::new();
        for record in reader.records() {
            let record = record.expect("a record");
            if keys.iter().all(|(name, value)| &record[place(name)] == *value) {
                let cells: Vec<&str> = columns.iter().map(|name| &record[place(name)]).collect();
                lines.push(cells.join(" | "));
            }
        }
        lines.join("\n")
    }

    /// Every file in `tables/` and `csv/` of the current run.
    pub fn published(&self) -> BTreeMap<String, Vec<u8>> {
        let mut files = BTreeMap::new();
        for folder in ["tables", "csv"] {
            for entry in fs::read_dir(self.path("out/current").join(folder)).expect("a folder") {
                let path = entry.expect("an entry").path();
                let name = path.file_name().expect("a name").to_string_lossy().into_owned();
                files.insert(format!("{folder}/{name}"), fs::read(path).expect("read"));
            }
        }
        assert!(files.len() >= 20, "{:?}", files.keys());
        files
    }

    /// The rows of `rejected/<input>.parquet`: file, row, column, rule, and whether there is a hash.
    pub fn rejected(&self, input: &str) -> String {
        let path = self.path(&format!("out/current/rejected/{input}.parquet"));
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path).expect("opened"))
            .expect("Parquet")
            .build()
            .expect("a reader");
        let mut lines = Vec::new();
        for batch in reader {
            let batch = batch.expect("a batch");
            for row in 0..batch.num_rows() {
                let cell = |name: &str| {
                    let column = batch.column_by_name(name).expect("a column");
                    let text = array_value_to_string(column, row).expect("shown");
                    if text.is_empty() { "null".to_owned() } else { text }
                };
                let hash = if cell("value_hash") == "null" { "no hash" } else { "hash" };
                let row = batch.column_by_name("row").expect("a column").as_primitive::<Int64Type>();
                assert_eq!(row.len(), batch.num_rows());
                lines.push(
                    ["file", "row", "column", "rule"]
                        .map(cell)
                        .into_iter()
                        .chain([hash.to_owned()])
                        .collect::<Vec<_>>()
                        .join(" | "),
                );
            }
        }
        self.normalise(&lines.join("\n"))
    }
}

/// Differences between two publications, file by file; none if every byte is the same.
pub fn differences(one: &BTreeMap<String, Vec<u8>>, other: &BTreeMap<String, Vec<u8>>) -> Vec<String> {
    let names: std::collections::BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    let differs = |name: &&&String| one.get(**name) != other.get(**name);
    names
        .iter()
        .filter(differs)
        .map(|name| {
            let lines = |files: &BTreeMap<String, Vec<u8>>| -> Vec<String> {
                let bytes = files.get(*name).cloned().unwrap_or_default();
                String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
            };
            let (ours, theirs) = (lines(one), lines(other));
            let first = ours.iter().zip(&theirs).find(|(a, b)| a != b);
            match first {
                Some((a, b)) if name.ends_with(".csv") => format!("{name}:\n  {a}\n  {b}"),
                _ => (**name).clone(),
            }
        })
        .collect()
}

/// Columns as a batch.
pub fn batch(columns: Columns) -> RecordBatch {
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays = columns.into_iter().map(|(_, array)| array).collect();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("a batch")
}

/// Text; `~` is null.
pub fn text(values: &[&str]) -> ArrayRef {
    Arc::new(values.iter().map(|value| (*value != "~").then_some(*value)).collect::<StringArray>())
}

/// Instants in UTC such as `04-02 10:30`, of the year 2026; `~` is null.
pub fn times(values: &[&str]) -> ArrayRef {
    let micros = values.iter().map(|value| (*value != "~").then(|| micros(value)));
    Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// µs since the epoch of `04-02 10:30`, or of `2019-04-02 10:30`.
pub fn micros(text: &str) -> i64 {
    let text = if text.len() == "04-02 10:30".len() { format!("2026-{text}") } else { text.to_owned() };
    let instant: jiff::Timestamp = format!("{}:00Z", text.replace(' ', "T")).parse().expect("an instant");
    instant.as_microsecond()
}

/// Floats.
pub fn floats(values: &[Option<f64>]) -> ArrayRef {
    Arc::new(Float64Array::from(values.to_vec()))
}

/// Integers.
pub fn ints(values: &[i64]) -> ArrayRef {
    Arc::new(Int64Array::from(values.to_vec()))
}

/// Six rows of three customers, of which two buy.
pub fn few_touchpoints() -> Columns {
    vec![
        ("customer_id", text(&["c-1", "c-1", "c-2", "c-2", "c-3", "c-3"])),
        (
            "occurred_at",
            times(&[
                "04-01 08:00",
                "04-02 09:00",
                "04-01 10:00",
                "04-03 11:00",
                "04-02 12:00",
                "04-03 13:00",
            ]),
        ),
        ("event", text(&["click", "purchase", "click", "purchase", "click", "click"])),
        ("channel", text(&["Email", "~", "Search", "~", "Email", "Search"])),
        ("value", floats(&[None, Some(30.0), None, Some(12.5), None, None])),
    ]
}

/// Replaces a column, or adds it.
pub fn with(mut columns: Columns, name: &'static str, array: ArrayRef) -> Columns {
    match columns.iter_mut().find(|(known, _)| *known == name) {
        Some((_, column)) => *column = array,
        None => columns.push((name, array)),
    }
    columns
}

/// Takes a column away.
pub fn without(mut columns: Columns, name: &str) -> Columns {
    columns.retain(|(known, _)| *known != name);
    columns
}

/// A configuration for [`few_touchpoints`] in `touchpoints/`; more may be added.
pub const CONFIG: &str = r#"
[job]
name = "spring"
[inputs.touchpoints]
path = "touchpoints"
[conversions.purchase]
event = "purchase"
value = "value"
[attribution]
models = ["linear"]
[segments]
min_customers = 1
"#;

/// Says what a test counted, for who runs it with `--nocapture`.
#[cfg(feature = "cloud")]
#[expect(clippy::print_stderr, reason = "figures of a sweep are worth keeping")]
pub fn counted(figures: &str) {
    eprintln!("{figures}");
}

/// Says that a test looked at nothing, and why.
#[expect(clippy::print_stderr, reason = "a test that looked at nothing should say so")]
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}
