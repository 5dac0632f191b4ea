//! Mistakes in `[job]` and `[window]`.

use super::bad;

#[test]
fn a_duration_without_a_unit() {
    insta::assert_snapshot!(bad(r#"[window]
lookback = "30"
"#), @r#"
    error: `30` is not a duration
     --> touchline.toml:2:12
      |
    2 | lookback = "30"
      |            ^^^^
      |
      = hint: did you mean `30d`? write a whole number and a unit: `30d`, `12h`, `90m`, `45s` or `250ms`
    "#);
}

#[test]
fn a_lookback_of_nothing() {
    insta::assert_snapshot!(bad(r#"[window]
lookback = "0d"
"#), @r#"
    error: a duration of `0d` is empty
     --> touchline.toml:2:12
      |
    2 | lookback = "0d"
      |            ^^^^
      |
      = hint: write more than zero, such as `7d`, or leave the key out
    "#);
}

#[test]
fn an_unknown_time_zone() {
    insta::assert_snapshot!(bad(r#"[job]
timezone = "Europe/Sofja"
"#), @r#"
    error: unknown time zone `Europe/Sofja`
     --> touchline.toml:2:12
      |
    2 | timezone = "Europe/Sofja"
      |            ^^^^^^^^^^^^^^
      |
      = hint: did you mean `Europe/Sofia`?
    "#);
}

#[test]
fn an_unknown_currency() {
    insta::assert_snapshot!(bad(r#"[job]
currency = "EUO"
"#), @r#"
    error: unknown currency `EUO`
     --> touchline.toml:2:12
      |
    2 | currency = "EUO"
      |            ^^^^^
      |
      = hint: did you mean `EUR`?
    "#);
}

#[test]
fn a_window_that_is_empty() {
    insta::assert_snapshot!(bad(r#"[window]
from = "2026-07-01"
to = "2026-04-01"
"#), @r#"
    error: the window is empty: `from` is `2026-07-01` and `to` is `2026-04-01`
     --> touchline.toml:3:6
      |
    3 | to = "2026-04-01"
      |      ^^^^^^^^^^^^
      |
      = hint: `to` is the first instant after the window: write a later one than `from`
    "#);
}

#[test]
fn a_local_time_without_an_offset() {
    insta::assert_snapshot!(bad(r#"[window]
from = "2026-04-01T06:00:00"
"#), @r#"
    error: `2026-04-01T06:00:00` is not a day or an instant
     --> touchline.toml:2:8
      |
    2 | from = "2026-04-01T06:00:00"
      |        ^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: add the offset from UTC, as in `2026-04-01T06:00:00Z` or `2026-04-01T06:00:00+02:00`
    "#);
}

#[test]
fn a_history_that_is_too_short() {
    insta::assert_snapshot!(bad(r#"[window]
lookback = "30d"
history = "14d"
[stages]
preset = "classic"
window = "90d"
"#), @r#"
    error: a history of `14d` is shorter than what the run looks back
     --> touchline.toml:3:11
      |
    3 | history = "14d"
      |           ^^^^^
      |
      = hint: `90d` is needed for stages.window: write at least that, or leave `history` out
    "#);
}
