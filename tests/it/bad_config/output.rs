//! Mistakes in `[output]`.

use super::bad;

#[test]
fn an_unknown_format() {
    insta::assert_snapshot!(bad(r#"[output]
formats = ["parquet", "xlsx"]
"#), @r#"
    error: unknown format `xlsx`
     --> touchline.toml:2:23
      |
    2 | formats = ["parquet", "xlsx"]
      |                       ^^^^^^
      |
      = hint: the choices are `parquet`, `csv`
    "#);
}

#[test]
fn a_separator_equal_to_the_decimal_mark() {
    insta::assert_snapshot!(bad(r#"[output]
csv_decimal = ","
"#), @r#"
    error: fields and decimals of CSV would both be marked by `,`
     --> touchline.toml:2:15
      |
    2 | csv_decimal = ","
      |               ^^^
      |
      = hint: write csv_separator = ";" beside csv_decimal = ","
    "#);
}

#[test]
fn a_separator_of_several_letters() {
    insta::assert_snapshot!(bad(r#"[output]
csv_separator = "tab"
"#), @r#"
    error: `tab` is not a separator of CSV
     --> touchline.toml:2:17
      |
    2 | csv_separator = "tab"
      |                 ^^^^^
      |
      = hint: write one of ",", ";", "\t", "|"
    "#);
}
