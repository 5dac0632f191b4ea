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

#[test]
fn runs_that_are_kept_are_counted_from_one() {
    insta::assert_snapshot!(bad("[output]\nkeep = { days = -1, runs = 0 }\n"), @"
    error: `days` is `-1`
     --> touchline.toml:2:17
      |
    2 | keep = { days = -1, runs = 0 }
      |                 ^^
      |
      = hint: write for how many days a replaced run stays, from 0 to 36500

    error: `runs` is `0`
     --> touchline.toml:2:28
      |
    2 | keep = { days = -1, runs = 0 }
      |                            ^
      |
      = hint: write how many runs of a window stay, the visible one among them, from 1 to 10000
    ");
    insta::assert_snapshot!(bad("[output]\nkeep = { day = 3 }\n"), @"
    error: unknown key `day` in [output.keep]
     --> touchline.toml:2:10
      |
    2 | keep = { day = 3 }
      |          ^^^
      |
      = hint: did you mean `days`?
    ");
    insta::assert_snapshot!(bad("[output]\nkeep = 3\n"), @"
    error: `output.keep` is the integer `3`, expected a table
     --> touchline.toml:2:8
      |
    2 | keep = 3
      |        ^
      |
      = hint: write a section: [output.keep]
    ");
}
