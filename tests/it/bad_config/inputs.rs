//! Mistakes in `[inputs]` and `[contract]`.

use touchline::config::Overrides;

use super::{bad, reject};

#[test]
fn a_column_of_rates_that_is_none() {
    insta::assert_snapshot!(bad(r#"[inputs.rates]
path = "fx.csv"
columns = { raet = "eur" }
"#), @r#"
    error: unknown column `raet` of rates
     --> touchline.toml:3:13
      |
    3 | columns = { raet = "eur" }
      |             ^^^^
      |
      = hint: did you mean `rate`?
    "#);
}

#[test]
fn a_share_out_of_range() {
    insta::assert_snapshot!(bad("[contract]\nmax_duplicate_share = 5\n"), @r#"
    error: `max_duplicate_share` is `5`, which is no share
     --> touchline.toml:2:23
      |
    2 | max_duplicate_share = 5
      |                       ^
      |
      = hint: write a number from 0 to 1: 5 % is 0.05
    "#);
}

#[test]
fn an_unknown_column_of_a_closed_table() {
    insta::assert_snapshot!(bad(r#"[inputs.spend]
path = "spend.csv"
columns = { costs = "amount" }
"#), @r#"
    error: unknown column `costs` of spend
     --> touchline.toml:3:13
      |
    3 | columns = { costs = "amount" }
      |             ^^^^^
      |
      = hint: did you mean `cost`?
    "#);
}

#[cfg(not(feature = "cloud"))]
#[test]
fn an_object_store_without_the_feature() {
    insta::assert_snapshot!(bad(r#"[inputs.spend]
path = "s3://bucket/spend.csv"
"#), @r#"
    error: `s3://` needs the feature `cloud`, which this build is without
     --> touchline.toml:2:8
      |
    2 | path = "s3://bucket/spend.csv"
      |        ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: build with `cargo build --release --features cloud`; or copy or mount the files, and write their folder
    "#);
}

#[test]
fn a_path_to_another_machine() {
    insta::assert_snapshot!(bad(r#"[inputs.spend]
path = "ftp://host/spend.csv"
"#), @r#"
    error: `ftp://` can't be read or written
     --> touchline.toml:2:8
      |
    2 | path = "ftp://host/spend.csv"
      |        ^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write a path on this machine, `s3://bucket/prefix` or `az://container/prefix`
    "#);
}

#[cfg(feature = "cloud")]
#[test]
fn a_place_in_a_bucket_that_is_none() {
    insta::assert_snapshot!(bad(r#"[inputs.spend]
path = ["s3:///spend.csv", "az://box/../spend.csv"]
[output]
path = "s3://bucket/results/*"
"#), @r#"
    error: `s3:///spend.csv` names no bucket
     --> touchline.toml:2:9
      |
    2 | path = ["s3:///spend.csv", "az://box/../spend.csv"]
      |         ^^^^^^^^^^^^^^^^^
      |
      = hint: write `s3://`, the name of the bucket, and the prefix below it

    error: `az://box/../spend.csv` has an empty part, `.` or `..` in it
     --> touchline.toml:2:28
      |
    2 | path = ["s3:///spend.csv", "az://box/../spend.csv"]
      |                            ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: a key is no path: write it as the store lists it

    error: results can't go to a pattern
     --> touchline.toml:4:8
      |
    4 | path = "s3://bucket/results/*"
      |        ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write one prefix, such as `s3://bucket/results`
    "#);
}

#[test]
fn an_input_without_a_path() {
    insta::assert_snapshot!(bad(r#"[inputs.customers]
timezone = "UTC"
"#), @r#"
    error: `inputs.customers` has no path
     --> touchline.toml:1:9
      |
    1 | [inputs.customers]
      |         ^^^^^^^^^
      |
      = hint: add where its files are: path = "exports/customers/*.parquet"
    "#);
}

#[test]
fn a_constant_for_what_varies() {
    insta::assert_snapshot!(bad(r#"[inputs.assignments]
path = "a.csv"
constants = { customer_id = "x" }
"#), @r#"
    error: `customer_id` can't be the same in every row
     --> touchline.toml:3:15
      |
    3 | constants = { customer_id = "x" }
      |               ^^^^^^^^^^^
      |
      = hint: name its column instead: columns = { customer_id = "..." }
    "#);
}

#[test]
fn there_are_no_touchpoints() {
    let text = "[inputs.spend]\npath = \"spend.csv\"\n";
    insta::assert_snapshot!(reject(text, &Overrides::default()), @r#"
    error: there are no touchpoints to read
     --> touchline.toml:1:2
      |
    1 | [inputs.spend]
      |  ^^^^^^
      |
      = hint: add a section: [inputs.touchpoints] with path = "exports/touchpoints/*.parquet"
    "#);
}

#[test]
fn an_empty_file_has_no_place_to_point_at() {
    insta::assert_snapshot!(reject("", &Overrides::default()), @r#"
    error: there are no touchpoints to read
    --> touchline.toml
     = hint: add a section: [inputs.touchpoints] with path = "exports/touchpoints/*.parquet"
    "#);
}

#[test]
fn a_misspelt_column_that_every_source_needs() {
    let text = "[inputs.touchpoints]\npath = \"a\"\ncolumns = { ocurred_at = \"ts\" }\n";
    insta::assert_snapshot!(reject(text, &Overrides::default()), @r#"
    error: unknown column `ocurred_at`, and `occurred_at` is not mapped
     --> touchline.toml:3:13
      |
    3 | columns = { ocurred_at = "ts" }
      |             ^^^^^^^^^^
      |
      = hint: did you mean `occurred_at`? If both are columns, map both: occurred_at = "occurred_at"
    "#);
}

#[test]
fn columns_that_are_neither_told_nor_untold() {
    insta::assert_snapshot!(bad("[contract]\nunknown_columns = \"error\"\n"), @r#"
    error: unknown `contract.unknown_columns` `error`
     --> touchline.toml:2:19
      |
    2 | unknown_columns = "error"
      |                   ^^^^^^^
      |
      = hint: the choices are `ignore`, `warn`, `fail`
    "#);
}

#[test]
fn credentials_in_a_location() {
    insta::assert_snapshot!(bad("[inputs.spend]\npath = \"s3://key:hush-hush@bucket/spend.csv\"\n"), @r#"
    error: a location in an object store has credentials, or an account, in it
     --> touchline.toml:2:8
      |
    2 | path = "s3://key:hush-hush@bucket/spend.csv"
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write scheme, bucket and prefix only; credentials come from the environment, see docs/object-stores.md
    "#);
}
