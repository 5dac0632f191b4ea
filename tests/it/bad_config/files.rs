//! A file that can't be read, isn't TOML, or has keys and types that don't exist.

use std::path::Path;

use touchline::config::{Overrides, load};

use super::{bad, variables};

#[test]
fn an_unknown_key_names_the_nearest() {
    insta::assert_snapshot!(bad(r#"[window]
lookbak = "30d"
"#), @r#"
    error: unknown key `lookbak` in [window]
     --> touchline.toml:2:1
      |
    2 | lookbak = "30d"
      | ^^^^^^^
      |
      = hint: did you mean `lookback`?
    "#);
}

#[test]
fn an_unknown_section_names_the_nearest() {
    insta::assert_snapshot!(bad(r#"[windows]
lookback = "30d"
"#), @r#"
    error: unknown key `windows`
     --> touchline.toml:1:2
      |
    1 | [windows]
      |  ^^^^^^^
      |
      = hint: did you mean `window`?
    "#);
}

#[test]
fn an_unknown_key_with_none_near_lists_them() {
    insta::assert_snapshot!(bad(r#"[journey]
flavour = "x"
"#), @r#"
    error: unknown key `flavour` in [journey]
     --> touchline.toml:2:1
      |
    2 | flavour = "x"
      | ^^^^^^^
      |
      = hint: the keys here are `event_order`
    "#);
}

#[test]
fn a_wrong_type_says_what_to_write() {
    insta::assert_snapshot!(bad("[window]\nlookback = 30\n"), @r#"
    error: `window.lookback` is the integer `30`, expected a string
     --> touchline.toml:2:12
      |
    2 | lookback = 30
      |            ^^
      |
      = hint: write a duration in quotes: lookback = "30d"
    "#);
}

#[test]
fn a_number_in_quotes() {
    insta::assert_snapshot!(bad(r#"[contract]
max_rejected_share = "0.01"
"#), @r#"
    error: `contract.max_rejected_share` is the string "0.01", expected a number
     --> touchline.toml:2:22
      |
    2 | max_rejected_share = "0.01"
      |                      ^^^^^^
      |
      = hint: write a number without quotes: max_rejected_share = 0.5
    "#);
}

#[test]
fn a_list_where_a_section_belongs() {
    insta::assert_snapshot!(bad(r#"[inputs]
spend = ["spend.csv"]
"#), @r#"
    error: `inputs.spend` is a list, expected a table
     --> touchline.toml:2:9
      |
    2 | spend = ["spend.csv"]
      |         ^^^^^^^^^^^^^
      |
      = hint: write a section: [inputs.spend]
    "#);
}

#[test]
fn text_that_is_not_toml() {
    insta::assert_snapshot!(bad("[job]\nname = spring\n"), @r#"
    error: this is not TOML: string values must be quoted, expected literal string
     --> touchline.toml:2:8
      |
    2 | name = spring
      |        ^^^^^^
      |
      = hint: text stands in quotes: key = "text"
    "#);
}

#[test]
fn a_key_that_stands_twice() {
    insta::assert_snapshot!(bad(r#"[job]
name = "a"
name = "b"
"#), @r#"
    error: this is not TOML: duplicate key
     --> touchline.toml:3:1
      |
    3 | name = "b"
      | ^^^^
      |
      = hint: remove one of the two, or merge the tables
    "#);
}

#[test]
fn a_file_that_is_not_there() {
    let errors = load(Path::new("nowhere.toml"), &Overrides::default(), &variables).expect_err("no file");
    insta::assert_snapshot!(errors.render(false), @r#"
    error: can't read the configuration: No such file or directory (os error 2)
    --> nowhere.toml
     = hint: name another file with `--config FILE`
    "#);
}

#[test]
fn a_file_that_is_not_utf8() {
    let folder = tempfile::tempdir().expect("folder");
    let file = folder.path().join("touchline.toml");
    std::fs::write(&file, b"[job]\nname = \"\xff\"\n").expect("written");
    let errors = load(&file, &Overrides::default(), &variables).expect_err("not UTF-8");
    let shown = errors.render(false).replace(&folder.path().display().to_string(), "FOLDER");
    insta::assert_snapshot!(shown, @r#"
    error: can't read the configuration: line 2 is not UTF-8
    --> FOLDER/touchline.toml
     = hint: save the file as UTF-8
    "#);
}
