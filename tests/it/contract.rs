//! What `[contract]` says of the data as a whole: which columns are expected, and what can't be looked for.

use crate::support::{CONFIG, Columns, Warehouse, few_touchpoints, floats, text, with};

/// Six touchpoints with two columns that nothing asks for, and one that is known and not asked for.
fn columns() -> Columns {
    let columns = with(few_touchpoints(), "browser", text(&["a", "b", "c", "d", "e", "f"]));
    let columns = with(columns, "page", text(&["a", "b", "c", "d", "e", "f"]));
    with(columns, "sentiment", floats(&[Some(0.5); 6]))
}

/// Two files, of which the second has the column `browser` alone, beside spend with a column too many.
fn warehouse(more: &str) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{more}[inputs.spend]\npath = \"spend.csv\"\n"));
    warehouse.write("spend.csv", "date,channel,cost,owner\n2026-04-01,Email,10,somebody\n");
    warehouse.parquet("touchpoints/a.parquet", columns());
    let second = with(few_touchpoints(), "browser", text(&["a", "b", "c", "d", "e", "f"]));
    warehouse.parquet("touchpoints/b.parquet", with(second, "customer_id", text(&["d-1"; 6])));
    warehouse
}

const COLUMNS: [&str; 5] = ["table", "column", "rows_checked", "rows_failed", "status"];

#[test]
fn columns_that_nothing_uses_are_told_one_by_one() {
    let warehouse = warehouse("");
    let checked = warehouse.touchline(&["check"]);
    assert_eq!((checked.code, checked.stderr.as_str()), (0, ""));
    insta::assert_snapshot!(checked.stdout.split("writes to").next().unwrap(), @r#"
    reads:
      inputs.touchpoints: 2 files, 2 row groups, 12 rows, 0.6 kB
      inputs.spend: 1 file, 0.1 kB
    doesn't know, for they are neither mapped nor used:
      inputs.spend: `owner` in FOLDER/spend.csv
      inputs.touchpoints: `browser` in FOLDER/touchpoints/a.parquet and 1 more file
      inputs.touchpoints: `page` in FOLDER/touchpoints/a.parquet
    looks for no duplicates, for no source has `event_id`:
      map it, or set contract.dedupe = "row", or "off" if that is meant
    "#);
    warehouse.run(&["-q"]);
    insta::assert_snapshot!(warehouse.select("data_quality", &[("check", "unknown_column")], &COLUMNS), @r"
    spend | owner | 1 | 1 | warn
    touchpoints | browser | 1 | 1 | warn
    touchpoints | page | 1 | 1 | warn
    ");
}

#[test]
fn columns_that_nothing_uses_can_stop_the_run_or_be_ignored() {
    insta::assert_snapshot!(warehouse("[contract]\nunknown_columns = \"fail\"\n").fails(&[]), @r#"
    exit code 65
    error: 3 columns are neither mapped nor used, and contract.unknown_columns = "fail":
      inputs.spend: `owner` in FOLDER/spend.csv
      inputs.touchpoints: `browser` in FOLDER/touchpoints/a.parquet and 1 more file
      inputs.touchpoints: `page` in FOLDER/touchpoints/a.parquet
    hint: map them with `columns`, leave them out of the export, or set contract.unknown_columns = "warn"
    "#);
    let ignoring = warehouse("[contract]\nunknown_columns = \"ignore\"\n");
    ignoring.run(&["-q"]);
    assert_eq!(ignoring.select("data_quality", &[("check", "unknown_column")], &COLUMNS), "");
    // What is mapped or a dimension is used.
    let config =
        CONFIG.replace("path = \"touchpoints\"", "path = \"touchpoints\"\ncolumns = { site = \"page\" }");
    let config = config.replace("[segments]", "[segments]\ndimensions = [\"browser\"]");
    let using = Warehouse::new(&format!("{config}[contract]\nunknown_columns = \"fail\"\n"));
    using.parquet("touchpoints/a.parquet", columns());
    using.run(&["-q"]);
}

#[test]
fn without_event_ids_nobody_thinks_that_duplicates_were_looked_for() {
    let columns = ["rows_checked", "rows_failed", "status"];
    let told = |warehouse: &Warehouse| {
        warehouse.run(&["-q"]);
        warehouse.select("data_quality", &[("check", "duplicates_not_looked_for")], &columns)
    };
    let without = Warehouse::new(CONFIG);
    without.parquet("touchpoints/a.parquet", few_touchpoints());
    assert_eq!(told(&without), "6 | 6 | warn");
    let checked = without.touchline(&["check"]).stdout;
    assert!(checked.contains("looks for no duplicates, for no source has `event_id`:"), "{checked}");
    let with_ids = Warehouse::new(CONFIG);
    with_ids.parquet(
        "touchpoints/a.parquet",
        with(few_touchpoints(), "event_id", text(&["1", "2", "3", "4", "5", "6"])),
    );
    assert_eq!(told(&with_ids), "6 | 0 | ok");
    assert!(!with_ids.touchline(&["check"]).stdout.contains("duplicates"));
    for chosen in ["row", "off"] {
        let warehouse = Warehouse::new(&format!("{CONFIG}[contract]\ndedupe = \"{chosen}\"\n"));
        warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
        assert_eq!(told(&warehouse), "", "{chosen} needs no ids");
    }
}
