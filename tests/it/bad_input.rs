//! Every kind of bad input, through the binary: the exit code, and what, where and how to mend it.

use std::fs::{self, File};
use std::sync::Arc;

use arrow::array::{ArrayRef, TimestampMicrosecondArray};
use arrow::datatypes::{Field, Schema};
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;

use crate::support::{CONFIG, Warehouse, few_touchpoints, floats, ints, text, times, with, without};

/// A warehouse with six touchpoints, and more configuration.
fn warehouse(more: &str) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{more}"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

/// The same with a spend CSV.
fn with_spend(spend: &str) -> Warehouse {
    let warehouse = warehouse("[inputs.spend]\npath = \"spend.csv\"\n");
    warehouse.write("spend.csv", spend);
    warehouse
}

/// The same with a query.
fn with_query(sql: &str) -> Warehouse {
    let warehouse = warehouse("[queries]\npath = \"queries\"\n");
    warehouse.write("queries/mine.sql", sql);
    warehouse
}

#[test]
fn a_missing_column_with_a_near_name() {
    let warehouse = Warehouse::new(CONFIG);
    let columns = without(few_touchpoints(), "occurred_at");
    warehouse.parquet("touchpoints/a.parquet", with(columns, "occured_at", times(&["04-01 08:00"; 6])));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: inputs.touchpoints needs column `occurred_at`, which the file doesn't have
    hint: did you mean `occured_at`? Set `inputs.touchpoints.columns = { occurred_at = "occured_at" }`; the file has: customer_id, event, channel, value, occured_at
    "#);
}

#[test]
fn a_missing_column_without_a_near_name() {
    let warehouse = Warehouse::new(CONFIG);
    let columns = without(few_touchpoints(), "customer_id");
    warehouse.parquet("touchpoints/a.parquet", with(columns, "who", ints(&[1, 1, 2, 2, 3, 3])));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: inputs.touchpoints needs column `customer_id`, which the file doesn't have
    hint: set `inputs.touchpoints.columns = { customer_id = "…" }`; the file has: occurred_at, event, channel, value, who
    "#);
}

#[test]
fn a_mapped_column_that_only_the_second_file_lacks() {
    let warehouse = Warehouse::new(
        &CONFIG.replace("path = \"touchpoints\"", "path = \"touchpoints\"\ncolumns = { channel = \"utm\" }"),
    );
    let columns = without(few_touchpoints(), "channel");
    warehouse.parquet("touchpoints/a.parquet", with(columns, "utm", text(&["Email"; 6])));
    warehouse.parquet("touchpoints/b.parquet", few_touchpoints());
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/b.parquet: inputs.touchpoints needs column `utm` (for `channel`), which the file doesn't have
    hint: set `inputs.touchpoints.columns = { channel = "…" }`; the file has: customer_id, occurred_at, event, channel, value
    "#);
}

#[test]
fn a_column_that_is_there_twice() {
    let warehouse = Warehouse::new(CONFIG);
    let mut columns = few_touchpoints();
    columns.push(("channel", text(&["Email"; 6])));
    let fields: Vec<Field> =
        columns.iter().map(|(name, array)| Field::new(*name, array.data_type().clone(), true)).collect();
    let arrays: Vec<ArrayRef> = columns.into_iter().map(|(_, array)| array).collect();
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("a batch");
    fs::create_dir(warehouse.path("touchpoints")).expect("created");
    let file = File::create(warehouse.path("touchpoints/a.parquet")).expect("created");
    let mut writer = ArrowWriter::try_new(file, batch.schema(), None).expect("a writer");
    writer.write(&batch).expect("written");
    writer.close().expect("closed");
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: 2 columns are called `channel`
    hint: export each column under a name of its own, or map another one with `inputs.touchpoints.columns = { channel = "…" }`
    "#);
}

#[test]
fn times_as_text() {
    let warehouse = Warehouse::new(CONFIG);
    let columns = with(few_touchpoints(), "occurred_at", text(&["2026-04-01T08:00:00Z"; 6]));
    warehouse.parquet("touchpoints/a.parquet", columns);
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: column `occurred_at` should be a timestamp or a date, but is text (Utf8)
    hint: export the column as that type, or map another one with `inputs.touchpoints.columns = { occurred_at = "…" }`
    "#);
}

#[test]
fn values_as_text() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "value", text(&["12.50"; 6])));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: column `value` should be a number, but is text (Utf8)
    hint: export the column as that type, or map another one with `inputs.touchpoints.columns = { value = "…" }`
    "#);
}

#[test]
fn customers_as_floats() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse
        .parquet("touchpoints/a.parquet", with(few_touchpoints(), "customer_id", floats(&[Some(1.0); 6])));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: column `customer_id` should be text or an integer, but is a floating-point number (Float64)
    hint: export the column as that type, or map another one with `inputs.touchpoints.columns = { customer_id = "…" }`
    "#);
}

#[test]
fn times_without_a_zone() {
    let warehouse = Warehouse::new(CONFIG);
    let naive = Arc::new(TimestampMicrosecondArray::from(vec![1_775_030_400_000_000; 6]));
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "occurred_at", naive));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: column `occurred_at` has no time zone, it is a timestamp (Timestamp(µs)), and inputs.touchpoints declares none
    hint: say what the times mean, for example `inputs.touchpoints.timezone = "UTC"` or `"Europe/Sofia"`
    "#);
}

#[test]
fn a_time_that_only_a_folder_tells() {
    let warehouse = Warehouse::new(CONFIG);
    let columns = without(few_touchpoints(), "occurred_at");
    warehouse.parquet("touchpoints/occurred_at=2026-04-01/a.parquet", columns);
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/occurred_at=2026-04-01/a.parquet: inputs.touchpoints needs column `occurred_at`, which the file doesn't have
    hint: set `inputs.touchpoints.columns = { occurred_at = "…" }`; the file has: customer_id, event, channel, value
    "#);
}

#[test]
fn no_file_matches() {
    let warehouse = Warehouse::new(&CONFIG.replace("\"touchpoints\"", "\"exports/**/*.parquet\""));
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 66
    error: inputs.touchpoints: no file matches FOLDER/exports/**/*.parquet
    hint: check `inputs.touchpoints.path`: paths are relative to the configuration file, a folder is searched for *.parquet and *.csv, and `**` reaches into folders
    ");
}

#[test]
fn an_empty_folder() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.write("touchpoints/_SUCCESS", "");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 66
    error: inputs.touchpoints: no file matches FOLDER/touchpoints
    hint: check `inputs.touchpoints.path`: paths are relative to the configuration file, a folder is searched for *.parquet and *.csv, and `**` reaches into folders
    ");
}

#[test]
fn a_link_to_a_file_that_is_gone() {
    let warehouse = warehouse("");
    std::os::unix::fs::symlink("gone.parquet", warehouse.path("touchpoints/b.parquet")).expect("linked");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 66
    error: cannot look at FOLDER/touchpoints/b.parquet
      caused by: No such file or directory (os error 2)
    hint: see whether the file was moved, or is a link to one that is gone
    ");
}

#[test]
fn a_pattern_that_is_none() {
    let warehouse = Warehouse::new(&CONFIG.replace("\"touchpoints\"", "\"touchpoints/[a.parquet\""));
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: inputs.touchpoints: `FOLDER/touchpoints/[a.parquet` is not a valid glob: unclosed character class; missing ']'
    hint: correct `inputs.touchpoints.path`
    ");
}

#[test]
fn a_truncated_file() {
    let warehouse = warehouse("");
    let bytes = fs::read(warehouse.path("touchpoints/a.parquet")).expect("read");
    warehouse.write("touchpoints/b.parquet", &bytes[..bytes.len() / 2]);
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/touchpoints/b.parquet is not a readable Parquet file: its end is missing, it was cut off while it was written or copied
    hint: export the file again, or take it out of the path; no result was changed
    ");
}

#[test]
fn an_empty_file() {
    let warehouse = warehouse("");
    warehouse.write("touchpoints/b.parquet", "");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/touchpoints/b.parquet is not a readable Parquet file: it is empty
    hint: export the file again, or take it out of the path; no result was changed
    ");
}

#[test]
fn text_under_the_name_of_parquet() {
    let warehouse = warehouse("");
    warehouse.write("touchpoints/b.parquet", "customer_id,occurred_at,event\nc-1,2026-04-01,click\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/touchpoints/b.parquet is not a readable Parquet file: it holds something else, Parquet begins with PAR1
    hint: export the file again, or take it out of the path; no result was changed
    ");
}

#[test]
fn touchpoints_as_csv() {
    let warehouse = warehouse("");
    warehouse.write("touchpoints/b.csv", "customer_id,occurred_at,event\nc-1,2026-04-01,click\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/touchpoints/b.csv is not a readable Parquet file: it holds something else, Parquet begins with PAR1
    hint: only spend may be CSV: export this input as Parquet, or take the file out of the path
    ");
}

#[test]
fn pages_that_are_garbled() {
    let warehouse = warehouse("");
    let mut bytes = fs::read(warehouse.path("touchpoints/a.parquet")).expect("read");
    bytes[4..200].fill(0xff);
    warehouse.write("touchpoints/b.parquet", bytes);
    let shown = warehouse.fails(&[]);
    assert!(
        shown.starts_with(
            "exit code 65\nerror: FOLDER/touchpoints/b.parquet is not a readable Parquet file: "
        ),
        "{shown}"
    );
    assert!(shown.contains("\nhint: export the file again"), "{shown}");
}

#[test]
fn files_without_rows() {
    let warehouse = Warehouse::new(CONFIG);
    let empty = few_touchpoints().into_iter().map(|(name, column)| (name, column.slice(0, 0))).collect();
    warehouse.parquet("touchpoints/a.parquet", empty);
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 66
    error: no touchpoint is there to report: the files hold no rows
    hint: compare window.from, window.to and `exclude` with the export; `touchline check` shows what is read
    ");
}

#[test]
fn nothing_in_the_window() {
    insta::assert_snapshot!(warehouse("").fails(&["--from", "2027-01-01", "--to", "2027-02-01"]), @r"
    exit code 66
    error: no touchpoint lies in the window [2027-01-01T00:00:00Z, 2027-02-01T00:00:00Z): of 6 rows 6 lie outside
    hint: compare window.from, window.to and `exclude` with the export; `touchline check` shows what is read
    ");
}

#[test]
fn nothing_but_context() {
    insta::assert_snapshot!(warehouse("").fails(&["--date", "2026-04-10"]), @r"
    exit code 66
    error: no touchpoint lies in the window [2026-04-10T00:00:00Z, 2026-04-11T00:00:00Z): of 6 rows 6 come before it
    hint: compare window.from, window.to and `exclude` with the export; `touchline check` shows what is read
    ");
}

#[test]
fn everything_is_excluded() {
    let config =
        CONFIG.replace("path = \"touchpoints\"", "path = \"touchpoints\"\nexclude = [ { event = \"*\" } ]");
    let warehouse = Warehouse::new(&config);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 66
    error: no touchpoint is there to report: of 6 rows 6 are excluded
    hint: compare window.from, window.to and `exclude` with the export; `touchline check` shows what is read
    ");
}

#[test]
fn too_many_rejects() {
    let warehouse = warehouse("");
    let columns = with(few_touchpoints(), "customer_id", text(&["c-1", "~", "c-2", "~", "", "c-3"]));
    let columns = with(columns, "value", floats(&[None, None, None, Some(f64::NAN), None, None]));
    let columns = with(columns, "event", text(&["click", "click", "click", "purchase", "click", "~"]));
    warehouse.parquet("touchpoints/b.parquet", columns);
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: 4 of 12 rows of inputs.touchpoints were rejected (33.33 %), more than contract.max_rejected_share = 0.01 allows:
      3 × null_customer_id (column `customer_id`), first in FOLDER/touchpoints/b.parquet row 2
      1 × null_event (column `event`), first in FOLDER/touchpoints/b.parquet row 6
    hint: mend the export, or raise contract.max_rejected_share if this is known and accepted
    ");
}

#[test]
fn nothing_but_rejects() {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "customer_id", text(&["~"; 6])));
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: 6 of 6 rows of inputs.touchpoints were rejected (100.00 %), more than contract.max_rejected_share = 0.01 allows:
      6 × null_customer_id (column `customer_id`), first in FOLDER/touchpoints/a.parquet row 1
    hint: mend the export, or raise contract.max_rejected_share if this is known and accepted
    ");
}

#[test]
fn too_many_duplicates() {
    let warehouse = Warehouse::new(CONFIG);
    let columns = with(few_touchpoints(), "event_id", text(&["e1", "e2", "e3", "e4", "e5", "e6"]));
    warehouse.parquet("touchpoints/a.parquet", columns.clone());
    let other_value = floats(&[None, Some(31.0), None, Some(12.5), None, None]);
    warehouse.parquet("touchpoints/b.parquet", with(columns, "value", other_value));
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: 6 of 12 touchpoints are duplicates (50.00 %), more than contract.max_duplicate_share = 0.05 allows: 5 equal copies, 1 with the event_id of a row that says something else
    hint: look for files that were exported twice, or raise contract.max_duplicate_share if this is known and accepted
    ");
}

#[test]
fn spend_without_its_cost() {
    insta::assert_snapshot!(with_spend("date,channel,costs\n2026-04-01,Email,10\n").fails(&[]), @r#"
    exit code 65
    error: FOLDER/spend.csv: inputs.spend needs column `cost`, which the file doesn't have
    hint: did you mean `costs`? Set `inputs.spend.columns = { cost = "costs" }`; the file has: date, channel, costs
    "#);
}

#[test]
fn spend_on_a_day_that_is_none() {
    let spend = "date,channel,cost\n2026-04-01,Email,10\n01.04.2026,Email,10\n";
    insta::assert_snapshot!(with_spend(spend).fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv: row 2, column `date`: text of the form `99.99.9999` is not a date like 2026-04-01
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn spend_below_zero() {
    let spend = "date,channel,cost\n2026-04-01,Email,10\n2026-04-02,Email,10\n2026-04-03,Email,-0.5\n";
    insta::assert_snapshot!(with_spend(spend).fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv: row 3, column `cost`: the cost of the form `-9.9` is negative
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn spend_that_is_no_number() {
    let spend = "date;channel;cost\n2026-04-01;Email;12,50\n";
    insta::assert_snapshot!(with_spend(spend).fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv: row 1, column `cost`: the cost of the form `99,99` is not a number such as 1234.50
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn spend_that_is_empty() {
    let spend = "date,channel,cost\n2026-04-01,Email,\n";
    insta::assert_snapshot!(with_spend(spend).fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv: row 1, column `cost`: the cost is empty; write 0 where nothing was spent
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn clicks_that_are_no_number() {
    let spend = "date,channel,cost,clicks\n2026-04-01,Email,1,many\n";
    insta::assert_snapshot!(with_spend(spend).fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv: row 1, column `clicks`: the count of the form `aaaa` is negative or not a number
    hint: correct the cell, or leave the row out; rows count from 1 without the header
    ");
}

#[test]
fn spend_with_a_row_that_is_too_short() {
    let spend = "date,channel,cost\n2026-04-01,Email,10\n2026-04-02,Email\n";
    insta::assert_snapshot!(with_spend(spend).fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv is not a readable CSV file: CSV error: record 2 (line: 3, byte: 38): found record with 2 fields, but the previous record has 3 fields
    hint: export the file again, or take it out of the path; no result was changed
    ");
}

#[test]
fn spend_with_a_column_twice() {
    insta::assert_snapshot!(with_spend("date,channel,cost,cost\n2026-04-01,Email,10,11\n").fails(&[]), @r#"
    exit code 65
    error: FOLDER/spend.csv: 2 columns are called `cost`
    hint: export each column under a name of its own, or map another one with `inputs.spend.columns = { cost = "…" }`
    "#);
}

#[test]
fn spend_that_is_not_utf8() {
    let warehouse = with_spend("");
    warehouse.write("spend.csv", b"date,channel,cost\n2026-04-01,Caf\xe9,10\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv is not a readable CSV file: line 2 is not UTF-8
    hint: export the file again, or take it out of the path; no result was changed
    ");
}

#[test]
fn spend_without_a_byte() {
    insta::assert_snapshot!(with_spend("").fails(&[]), @r"
    exit code 65
    error: FOLDER/spend.csv is not a readable CSV file: it has no header
    hint: export the file again, or take it out of the path; no result was changed
    ");
}

#[test]
fn a_stage_that_names_a_column_nobody_has() {
    let warehouse =
        warehouse("[stages]\norder = [\"seen\"]\n[stages.rules]\nseen = [ { chanel_group = \"Paid*\" } ]\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: no touchpoint source has a column `chanel_group`, which stages.rules.seen needs
      --> touchline.toml:16:1
       |
    16 | seen = [ { chanel_group = "Paid*" } ]
       | ^^^^
       |
       = hint: did you mean `channel`? There are: channel, customer_id, event, occurred_at, value
    "#);
}

#[test]
fn a_rule_about_channels_without_any() {
    let config = CONFIG.replace("event = \"purchase\"", "event = \"purchase\"\nchannel = \"Paid*\"");
    let warehouse = Warehouse::new(&config);
    warehouse.parquet("touchpoints/a.parquet", without(few_touchpoints(), "channel"));
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: no touchpoint source has a column `channel`, which conversions.purchase needs
     --> touchline.toml:6:14
      |
    6 | [conversions.purchase]
      |              ^^^^^^^^
      |
      = hint: name one that is there, or map it with `columns`; there are: customer_id, event, occurred_at, value
    ");
}

#[test]
fn a_dimension_that_nobody_has() {
    let config = CONFIG.replace("[segments]", "[segments]\ndimensions = [\"contry\"]");
    let warehouse = Warehouse::new(&format!("{config}[inputs.customers]\npath = \"customers.parquet\"\n"));
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    let customers = vec![("customer_id", text(&["c-1"])), ("country", text(&["BG"]))];
    warehouse.parquet("customers.parquet", customers);
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: no touchpoint source has a column `contry`, which segments.dimensions (`contry`) needs
      --> touchline.toml:12:15
       |
    12 | dimensions = ["contry"]
       |               ^^^^^^^^
       |
       = hint: did you mean `country`? There are: channel, country, customer_id, event, occurred_at, value
    "#);
}

#[test]
fn a_dimension_of_customers_that_are_nowhere() {
    let config = CONFIG.replace("[segments]", "[segments]\ndimensions = [\"channel\", \"loyalty_tier\"]");
    let warehouse = Warehouse::new(&config);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: no touchpoint source has a column `loyalty_tier`, which segments.dimensions (`loyalty_tier`) needs
      --> touchline.toml:12:26
       |
    12 | dimensions = ["channel", "loyalty_tier"]
       |                          ^^^^^^^^^^^^^^
       |
       = hint: an attribute of customers needs their table: [inputs.customers] with path = "…"; the touchpoints have: channel, customer_id, event, occurred_at, value
    "#);
}

#[test]
fn a_dimension_of_floats() {
    let config = CONFIG.replace("[segments]", "[segments]\ndimensions = [\"age\"]");
    let warehouse = Warehouse::new(&config);
    warehouse.parquet("touchpoints/a.parquet", with(few_touchpoints(), "age", floats(&[Some(33.5); 6])));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/touchpoints/a.parquet: column `age` should be text, an integer or a boolean, but is a floating-point number (Float64)
    hint: export the column as that type, or map another one with `inputs.touchpoints.columns = { age = "…" }`
    "#);
}

#[test]
fn customers_without_ids() {
    let warehouse = warehouse("[inputs.customers]\npath = \"customers.parquet\"\n");
    let customers = vec![("customer", text(&["c-1"])), ("country", text(&["BG"]))];
    warehouse.parquet("customers.parquet", customers);
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/customers.parquet: inputs.customers needs column `customer_id`, which the file doesn't have
    hint: did you mean `customer`? Set `inputs.customers.columns = { customer_id = "customer" }`; the file has: customer, country
    "#);
}

#[test]
fn assignments_without_ids_or_with_naive_times() {
    let more = "[inputs.assignments]\npath = \"assignments.parquet\"\n";
    let assignments =
        || vec![("experiment", text(&["x"])), ("variant", text(&["A"])), ("user", text(&["c-1"]))];
    let without_ids = warehouse(more);
    without_ids.parquet("assignments.parquet", with(assignments(), "assigned_at", times(&["04-01 00:00"])));
    insta::assert_snapshot!(without_ids.fails(&[]), @r#"
    exit code 65
    error: FOLDER/assignments.parquet: inputs.assignments needs column `customer_id`, which the file doesn't have
    hint: set `inputs.assignments.columns = { customer_id = "…" }`; the file has: experiment, variant, user, assigned_at
    "#);
    let naive = warehouse(more);
    let columns = with(assignments(), "customer_id", text(&["c-1"]));
    let columns = with(columns, "assigned_at", Arc::new(TimestampMicrosecondArray::from(vec![0])));
    naive.parquet("assignments.parquet", columns);
    insta::assert_snapshot!(naive.fails(&[]), @r#"
    exit code 65
    error: FOLDER/assignments.parquet: column `assigned_at` has no time zone, it is a timestamp (Timestamp(µs)), and inputs.assignments declares none
    hint: say what the times mean, for example `inputs.assignments.timezone = "UTC"` or `"Europe/Sofia"`
    "#);
}

#[test]
fn assignments_that_are_mostly_rejected() {
    let warehouse = warehouse("[inputs.assignments]\npath = \"assignments.parquet\"\n");
    warehouse.parquet(
        "assignments.parquet",
        vec![
            ("experiment", text(&["x", "x", "x", "x"])),
            ("variant", text(&["A", "~", "B", "B"])),
            ("customer_id", text(&["c-1", "c-2", "~", "c-3"])),
            ("assigned_at", times(&["04-01 00:00", "04-01 00:00", "04-01 00:00", "~"])),
        ],
    );
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 65
    error: 3 of 4 rows of inputs.assignments were rejected (75.00 %), more than contract.max_rejected_share = 0.01 allows:
      1 × null_customer_id (column `customer_id`), first in FOLDER/assignments.parquet row 3
      1 × null_time (column `assigned_at`), first in FOLDER/assignments.parquet row 4
      1 × null_variant (column `variant`), first in FOLDER/assignments.parquet row 2
    hint: mend the export, or raise contract.max_rejected_share if this is known and accepted
    ");
}

#[test]
fn the_output_is_held_by_another_run() {
    let warehouse = warehouse("");
    fs::create_dir(warehouse.path("out")).expect("created");
    let lock = File::create(warehouse.path("out/.lock")).expect("created");
    lock.try_lock().expect("free");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 75
    error: another run holds FOLDER/out/.lock (waited 0 s)
    hint: wait for it with `--wait SECONDS`, or write elsewhere with `--out DIR`
    ");
    insta::assert_snapshot!(warehouse.fails(&["--wait", "1"]), @r"
    exit code 75
    error: another run holds FOLDER/out/.lock (waited 1 s)
    hint: wait for it with `--wait SECONDS`, or write elsewhere with `--out DIR`
    ");
    lock.unlock().expect("unlocked");
    warehouse.run(&["-q"]);
}

#[test]
fn the_output_is_a_file() {
    let warehouse = warehouse("");
    warehouse.write("out", "");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/out is a file; it has to be a folder of the output's own
    hint: move it away, or write elsewhere with `--out DIR`; links inside an output are never followed
    ");
}

#[test]
fn a_query_that_is_no_sql() {
    insta::assert_snapshot!(with_query("SELECT stage\nFROM stage_funnel\nWHERE (entered > 1\n").fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/mine.sql:3:19: Expected: ), found: EOF
    ");
}

#[test]
fn a_query_about_a_column_that_is_not_there() {
    let warehouse = with_query("SELECT stage,\n  entred\nFROM stage_funnel\nORDER BY stage\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/mine.sql:2:3: there is no column entred
    hint: did you mean entered? stage_funnel has stage_index, stage, entered, progressed, progress_rate, progress_rate_low, progress_rate_high, dropped, immature, share_of_first, median_hours_to_next, median_hours_to_next_low, median_hours_to_next_high, p90_hours_to_next, p90_hours_to_next_low, p90_hours_to_next_high, entries_without_previous, window_from, window_to
    ");
    // It is told before anything is read.
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    assert!(warehouse.fails(&[]).contains("there is no column entred"));
}

#[test]
fn a_query_about_a_table_that_is_not_there() {
    insta::assert_snapshot!(with_query("SELECT * FROM stage_funel").fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/mine.sql:1:15: there is no table stage_funel
    hint: did you mean stage_funnel? There are: stage_attribution, attribution_effects, stage_funnel, stage_transitions, channel_roi, channel_daily, journey_paths, segment_conversion, segment_funnel, experiment_results, experiment_health, reconciliation, data_quality
    ");
}

#[test]
fn a_query_that_reads_a_file() {
    let warehouse = with_query("SELECT * FROM\n  read_parquet('touchpoints/a.parquet')");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/mine.sql:2:3: the table function read_parquet is not allowed
    hint: queries read result tables, not files
    ");
    let warehouse = with_query("SELECT * FROM 'touchpoints/a.parquet'");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/mine.sql:1:15: there is no table touchpoints/a.parquet
    hint: queries read result tables, not files
    ");
}

#[test]
fn a_query_that_makes_a_table() {
    let warehouse = with_query("CREATE TABLE mine AS SELECT * FROM stage_funnel");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/mine.sql:1:1: only a SELECT can be a table, found CREATE
    hint: start with SELECT or WITH; the result is written for you
    ");
    let warehouse = with_query("SELECT stage FROM stage_funnel;\nDROP TABLE stage_funnel");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/mine.sql:2:1: it holds more than one statement
    hint: one file is one table: move the second statement into a file of its own
    ");
}

#[test]
fn a_query_with_the_name_of_a_core_table() {
    let warehouse = warehouse("[queries]\npath = \"queries\"\n");
    warehouse.write("queries/stage_funnel.sql", "SELECT stage FROM stage_funnel");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/queries/stage_funnel.sql: stage_funnel is a core table
    hint: rename it, as in stage_funnel_by_team.sql
    ");
}

#[test]
fn a_folder_of_queries_that_is_not_there() {
    let warehouse = warehouse("[queries]\npath = \"querys\"\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 78
    error: FOLDER/querys: there is no such folder
    hint: correct `queries.path`; it is relative to the configuration file
    ");
}

#[test]
fn rows_to_exclude_from_what_has_none_to_exclude() {
    let warehouse = warehouse("[inputs.spend]\npath = \"spend.csv\"\nexclude = [ { channel = \"Test\" } ]\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 78
    error: unknown key `exclude` in [inputs.spend]
      --> touchline.toml:15:1
       |
    15 | exclude = [ { channel = "Test" } ]
       | ^^^^^^^
       |
       = hint: the keys here are `path`, `columns`, `constants`, `timezone`
    "#);
}

#[test]
fn a_file_that_may_not_be_read() {
    use std::os::unix::fs::PermissionsExt;
    let warehouse = warehouse("");
    let path = warehouse.path("touchpoints/a.parquet");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("set");
    if File::open(&path).is_ok() {
        // Whoever is root may read everything.
        return;
    }
    insta::assert_snapshot!(warehouse.fails(&[]), @r"
    exit code 74
    error: cannot open FOLDER/touchpoints/a.parquet
      caused by: Permission denied (os error 13)
    hint: let the user that runs touchline read it
    ");
}
