use std::fs;
use std::time::Duration;

use polars::prelude::*;

use super::*;
use crate::config::plan::CsvStyle;
use crate::interrupt::{Interrupted, Stop};
use crate::tables::sample::{self, WINDOW};
use crate::tables::{ColumnType, TableError};

pub(super) struct Fixture {
    _folder: tempfile::TempDir,
    root: PathBuf,
    pub(super) store: Store,
    output: OutputPlan,
    timezone: Zone,
    interrupt: Interrupt,
}

impl Fixture {
    pub(super) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().to_owned();
        let output = OutputPlan {
            path: root.clone(),
            parquet: true,
            csv: true,
            csv_style: CsvStyle::Excel,
            csv_separator: ',',
            csv_decimal: '.',
            keep: Default::default(),
        };
        let timezone = Zone { name: "UTC".to_owned(), zone: jiff::tz::TimeZone::UTC };
        let store = Store::open(&root, Duration::ZERO, &Interrupt::default()).unwrap();
        Fixture { _folder: folder, root, store, output, timezone, interrupt: Interrupt::default() }
    }

    pub(super) fn publication(&self) -> Publication<'_> {
        let parts = RunIdParts {
            inputs: &[],
            plan: &"plan",
            queries: &[],
            only: &[],
            window: WINDOW,
            version: "0.1.0",
        };
        Publication {
            run_id: RunId::new(&parts).unwrap(),
            window: WINDOW,
            timezone: &self.timezone,
            job: JobRecord {
                name: "spring".to_owned(),
                version: "0.1.0".to_owned(),
                config_hash: "0".to_owned(),
                timezone: "UTC".to_owned(),
                currency: "EUR".to_owned(),
                config: Default::default(),
                queries: Default::default(),
            },
            inputs: Vec::new(),
            quarantined: Vec::new(),
            warnings: Vec::new(),
            counts: BTreeMap::from([("rows_read".to_owned(), 7)]),
            started: Timestamp::UNIX_EPOCH,
            tables: sample::tables(),
            rejected: vec![
                RejectedRows { input: "spend".to_owned(), ..RejectedRows::default() },
                RejectedRows {
                    input: "touchpoints".to_owned(),
                    file: vec![Some("a.parquet".to_owned())],
                    row: vec![Some(12)],
                    column: vec!["occurred_at".to_owned()],
                    rule: vec!["not_null".to_owned()],
                    value_hash: vec![Some("ab".to_owned())],
                },
            ],
            output: &self.output,
            make_current: false,
            only: &[],
            interrupt: &self.interrupt,
        }
    }

    /// Nothing was published and nothing is left over.
    fn assert_untouched(&self) {
        for folder in [".staging", "runs", "windows"] {
            let left: Vec<_> = fs::read_dir(self.root.join(folder)).unwrap().collect();
            assert!(left.is_empty(), "{folder}: {left:?}");
        }
        assert!(!self.root.join("current").exists());
    }
}

fn files_below(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, fs::read(path).unwrap());
            }
        }
    }
    found
}

#[test]
fn a_run_is_published_whole_and_can_be_used_again() {
    let fixture = Fixture::new();
    let publication = fixture.publication();
    let published = publish(&fixture.store, &publication).unwrap();
    assert!(published.is_current && !published.reused);
    assert_eq!(published.rows.len(), crate::tables::ALL.len());
    assert_eq!(published.rows[2], ("stage_funnel".to_owned(), 3));

    let names: Vec<String> = files_below(&fixture.root.join("current/")).into_keys().collect();
    assert!(names.contains(&"tables/stage_funnel.parquet".to_owned()));
    assert!(names.contains(&"csv/stage_funnel.csv".to_owned()));
    assert!(names.contains(&"rejected/touchpoints.parquet".to_owned()));
    assert!(names.contains(&"datapackage.json".to_owned()));
    assert!(!names.iter().any(|name| name.contains("spend")), "nothing was rejected there");
    assert_eq!(names.len(), 2 * crate::tables::ALL.len() + 3);

    let manifest = Manifest::read(&published.directory).unwrap();
    assert_eq!(manifest.window.name, "2026-04-01_2026-07-01");
    assert_eq!(manifest.window.from, "2026-04-01T00:00:00Z");
    assert_eq!(manifest.all_files().count(), names.len() - 1);
    let found = fixture.store.find_published(&publication.run_id).unwrap().found.unwrap();
    assert_eq!(found.manifest, manifest);
    let again = republish(&fixture.store, &found, Keep::default(), false).unwrap();
    assert_eq!(again, Published { reused: true, ..published.clone() });

    fs::write(published.directory.join("csv/stage_funnel.csv"), "short").unwrap();
    assert_eq!(fixture.store.find_published(&publication.run_id).unwrap().found, None);
}

#[test]
fn the_same_tables_are_the_same_bytes() {
    let (first, second) = (Fixture::new(), Fixture::new());
    let bytes = |fixture: &Fixture, torn: bool| {
        let mut publication = fixture.publication();
        if torn {
            // Chunks of a frame are an accident of how it was made.
            for (_, frame) in &mut publication.tables {
                let half = frame.height() / 2;
                *frame = frame.head(Some(half)).vstack(&frame.slice(half as i64, usize::MAX)).unwrap();
            }
        }
        let directory = publish(&fixture.store, &publication).unwrap().directory;
        let mut files = files_below(&directory);
        files.remove(MANIFEST).unwrap();
        files
    };
    assert_eq!(bytes(&first, false), bytes(&second, true));
}

#[test]
fn formats_can_be_left_out() {
    let mut fixture = Fixture::new();
    fixture.output.parquet = false;
    let published = publish(&fixture.store, &fixture.publication()).unwrap();
    let names: Vec<String> = files_below(&published.directory).into_keys().collect();
    assert!(!names.iter().any(|name| name.starts_with("tables/")));
    assert!(names.contains(&"csv/channel_roi.csv".to_owned()));
}

#[test]
fn other_separators_and_decimal_marks_read_back() {
    for (csv_style, csv_separator, csv_decimal) in
        [(CsvStyle::Excel, ';', ','), (CsvStyle::Plain, ',', ','), (CsvStyle::Plain, '\t', '.')]
    {
        let mut fixture = Fixture::new();
        fixture.output = OutputPlan { csv_style, csv_separator, csv_decimal, ..fixture.output };
        publish(&fixture.store, &fixture.publication()).unwrap();
    }
}

#[test]
fn hostile_text_is_published_and_reads_back() {
    let fixture = Fixture::new();
    let mut publication = fixture.publication();
    let (docs, frame) = publication.tables.iter_mut().find(|(docs, _)| docs.name == "stage_funnel").unwrap();
    let hostile = ["=cmd|' /C calc'!A0", "a\r\n\"b\",;\t\0", "\u{feff}\u{202e}évil ' -- <script>"];
    frame.with_column(Column::new("stage".into(), hostile)).unwrap();
    assert_eq!(docs.name, "stage_funnel");
    let published = publish(&fixture.store, &publication).unwrap();
    let csv = fs::read_to_string(published.directory.join("csv/stage_funnel.csv")).unwrap();
    assert!(csv.contains(",'=cmd|' /C calc'!A0,"), "{csv}");
}

#[test]
fn names_that_are_no_file_names_are_refused() {
    for name in ["", "../x", "a/b", "Tables", "1a", "a b", "a\0", "é", &"a".repeat(65)] {
        let fixture = Fixture::new();
        let mut publication = fixture.publication();
        publication.tables[0].0.name = name.to_owned();
        let error = publish(&fixture.store, &publication).unwrap_err();
        assert!(matches!(error, PublishError::Name { .. }), "{name:?}");
        fixture.assert_untouched();

        let mut publication = fixture.publication();
        publication.rejected[1].input = name.to_owned();
        let refused = publish(&fixture.store, &publication).is_err();
        assert_eq!(refused, name != "a".repeat(65), "{name:?}");
    }
    let fixture = Fixture::new();
    let mut publication = fixture.publication();
    publication.tables.push(publication.tables[0].clone());
    assert!(matches!(
        publish(&fixture.store, &publication).unwrap_err(),
        PublishError::DuplicateTable { .. }
    ));
    fixture.assert_untouched();
}

#[test]
fn after_a_failure_halfway_nothing_is_left() {
    let fixture = Fixture::new();
    let mut publication = fixture.publication();
    let (_, frame) = publication.tables.iter_mut().find(|(docs, _)| docs.name == "channel_roi").unwrap();
    let rows = frame.height();
    frame.with_column(Column::new("spend".into(), vec![f64::NAN; rows])).unwrap();
    let error = publish(&fixture.store, &publication).unwrap_err();
    assert!(matches!(error, PublishError::Table(TableError::NotFinite { .. })), "{error}");
    assert_eq!(error.exit_code(), 70);
    fixture.assert_untouched();
}

#[test]
fn not_finite_is_refused_without_csv_too() {
    let mut fixture = Fixture::new();
    fixture.output.csv = false;
    let mut publication = fixture.publication();
    let (_, frame) = publication.tables.iter_mut().find(|(docs, _)| docs.name == "channel_roi").unwrap();
    let rows = frame.height();
    frame.with_column(Column::new("spend".into(), vec![f64::INFINITY; rows])).unwrap();
    assert!(publish(&fixture.store, &publication).is_err());
    fixture.assert_untouched();
}

#[test]
fn an_interrupted_run_publishes_nothing() {
    let fixture = Fixture::new();
    fixture.interrupt.request(Stop::Terminate);
    let error = publish(&fixture.store, &fixture.publication()).unwrap_err();
    assert!(matches!(error, PublishError::Interrupted(Interrupted { stop: Stop::Terminate })));
    assert_eq!(error.exit_code(), 143);
    fixture.assert_untouched();
}

#[test]
fn a_failed_run_leaves_the_last_one_in_place() {
    let fixture = Fixture::new();
    publish(&fixture.store, &fixture.publication()).unwrap();
    let before = files_below(&fixture.root.join("current/"));
    let interrupt = Interrupt::default();
    interrupt.request(Stop::Interrupt);
    let publication = Publication { interrupt: &interrupt, ..fixture.publication() };
    publish(&fixture.store, &publication).unwrap_err();
    assert_eq!(files_below(&fixture.root.join("current/")), before);
    assert_eq!(fs::read_dir(fixture.root.join("runs")).unwrap().count(), 1);
}

#[test]
fn another_table_than_documented_is_refused() {
    let fixture = Fixture::new();
    let mut publication = fixture.publication();
    publication.tables[0].0.columns[0].kind = ColumnType::Int64;
    assert!(matches!(
        publish(&fixture.store, &publication).unwrap_err(),
        PublishError::Table(TableError::Type { .. })
    ));
    fixture.assert_untouched();
}

#[test]
fn the_second_reader_sees_every_changed_cell_and_byte() {
    let (docs, frame) =
        sample::tables().into_iter().find(|(docs, _)| docs.name == "stage_attribution").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let format = CsvFormat { style: CsvStyle::Excel, separator: ',', decimal: '.' };
    let write = |name: &str, bytes: &[u8]| {
        fs::write(folder.path().join(name), bytes).unwrap();
        FileRecord::new(name.to_owned(), bytes)
    };
    let csv = write("t.csv", &csv::encode(&docs, &frame, format).unwrap());
    let parquet = write("t.parquet", &parquet::encode(&docs, &frame).unwrap());
    verify::verify_csv(folder.path(), &csv, &docs, &frame, format).unwrap();
    verify::verify_parquet(folder.path(), &parquet, &docs, &frame).unwrap();

    for column in &docs.columns {
        let mut other = frame.clone();
        let cells = other.column(&column.name).unwrap();
        let changed = match column.kind {
            ColumnType::Utf8 => Column::new(column.name.as_str().into(), vec!["other"; frame.height()]),
            kind => (cells.cast(&DataType::Int64).unwrap() + 1)
                .fill_null(FillNullStrategy::One)
                .unwrap()
                .cast(&crate::tables::data_type(kind))
                .unwrap(),
        };
        other.with_column(changed).unwrap();
        assert!(verify::verify_csv(folder.path(), &csv, &docs, &other, format).is_err(), "{}", column.name);
        assert!(verify::verify_parquet(folder.path(), &parquet, &docs, &other).is_err(), "{}", column.name);
    }
    let shorter = frame.head(Some(frame.height() - 1));
    assert!(verify::verify_csv(folder.path(), &csv, &docs, &shorter, format).is_err());
    assert!(verify::verify_parquet(folder.path(), &parquet, &docs, &shorter).is_err());

    for record in [&csv, &parquet] {
        let path = folder.path().join(&record.path);
        let mut bytes = fs::read(&path).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(&path, bytes).unwrap();
    }
    assert!(verify::verify_csv(folder.path(), &csv, &docs, &frame, format).is_err());
    assert!(verify::verify_parquet(folder.path(), &parquet, &docs, &frame).is_err());
}

#[test]
fn the_data_package_describes_both_files_of_a_table() {
    let fixture = Fixture::new();
    let published = publish(&fixture.store, &fixture.publication()).unwrap();
    let text = fs::read_to_string(published.directory.join(datapackage::DATA_PACKAGE)).unwrap();
    let package: serde_json::Value = serde_json::from_str(&text).unwrap();
    let resources = package["resources"].as_array().unwrap();
    assert_eq!(resources.len(), 2 * crate::tables::ALL.len());
    let funnel = resources.iter().find(|resource| resource["name"] == "stage_funnel.csv").unwrap();
    assert_eq!(funnel["path"], "csv/stage_funnel.csv");
    assert_eq!(funnel["schema"]["primaryKey"], serde_json::json!(["stage_index", "stage"]));
    let rate = &funnel["schema"]["fields"][5];
    assert_eq!(rate["name"], "progress_rate_low");
    assert_eq!(rate["type"], "number");
    assert_eq!(rate["unit"], "fraction");
    assert_eq!(rate["interval"], "wilson");
    // A key that may be null is no primary key.
    let roi = resources.iter().find(|resource| resource["name"] == "channel_roi.csv").unwrap();
    assert_eq!(roi["schema"].get("primaryKey"), None);
}

#[test]
fn a_run_stands_where_old_ones_cannot_be_removed() {
    let mut fixture = Fixture::new();
    fixture.output.keep = Keep { days: 0, runs: 1 };
    let first = publish(&fixture.store, &fixture.publication()).unwrap();
    // Where the old run would be put aside lies something that can't be replaced.
    let name = first.directory.file_name().unwrap().to_owned();
    fs::create_dir_all(fixture.root.join(".staging").join(&name).join("in the way")).unwrap();
    let second = publish(&fixture.store, &fixture.publication()).unwrap();
    assert!(second.is_current && second.removed.is_empty());
    let warning = second.warning.unwrap();
    assert!(warning.starts_with("earlier runs that nothing keeps were not all removed: "), "{warning}");
    assert!(first.directory.is_dir());

    fs::remove_dir_all(fixture.root.join(".staging").join(&name)).unwrap();
    let third = publish(&fixture.store, &fixture.publication()).unwrap();
    assert_eq!(third.removed.len(), 2);
    assert_eq!(third.warning, None);
    assert!(!first.directory.exists() && !second.directory.exists() && third.directory.is_dir());
}

#[test]
fn readers_that_build_on_arrow_see_plain_types() {
    let fixture = Fixture::new();
    publish(&fixture.store, &fixture.publication()).unwrap();
    for spec in crate::tables::ALL {
        let path = fixture.root.join(format!("current/tables/{}.parquet", spec.name));
        let file = std::fs::File::open(path).unwrap();
        let reader = ::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file).unwrap();
        let seen: Vec<String> =
            reader.schema().fields().iter().map(|field| field.data_type().to_string()).collect();
        let promised: Vec<&str> = spec
            .docs()
            .columns
            .iter()
            .map(|column| match column.kind {
                ColumnType::TimestampUs => "Timestamp(µs, \"UTC\")",
                plain => plain.as_str(),
            })
            .collect();
        assert_eq!(seen, promised, "{}", spec.name);
    }
}
