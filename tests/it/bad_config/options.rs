//! Mistakes of options, overrides and the environment: the message shows the option, and never what a variable holds.

use touchline::config::Overrides;

use super::{TOUCHPOINTS, bad, reject};

#[test]
fn an_environment_variable_that_is_not_set() {
    insta::assert_snapshot!(bad(r#"[job]
name = "spring-${RELEASE}"
"#), @r#"
    error: the environment variable `RELEASE` is not set
     --> touchline.toml:2:16
      |
    2 | name = "spring-${RELEASE}"
      |                ^^^^^^^^^^
      |
      = hint: set `RELEASE`, or give a default: `${RELEASE:-default}`
    "#);
}

#[test]
fn an_overridden_value_shows_the_option() {
    let overrides =
        Overrides { set: vec!["attribution.models=[\"linear\", \"marcov\"]".into()], ..Overrides::default() };
    insta::assert_snapshot!(reject(TOUCHPOINTS, &overrides), @r#"
    error: unknown attribution model `marcov`
     --> command line:1:37
      |
    1 | --set attribution.models=["linear", "marcov"]
      |                                     ^^^^^^^^
      |
      = hint: did you mean `markov`?
    "#);
}

#[test]
fn an_overridden_key_shows_the_option() {
    let overrides = Overrides { set: vec!["window.lookbak=14d".into()], ..Overrides::default() };
    insta::assert_snapshot!(reject(TOUCHPOINTS, &overrides), @r#"
    error: unknown key `lookbak` in [window]
     --> command line:1:14
      |
    1 | --set window.lookbak=14d
      |              ^^^^^^^
      |
      = hint: did you mean `lookback`?
    "#);
}

#[test]
fn an_override_without_a_value() {
    let overrides = Overrides { set: vec!["window.lookback".into()], ..Overrides::default() };
    insta::assert_snapshot!(reject(TOUCHPOINTS, &overrides), @r#"
    error: `window.lookback` sets nothing
     --> command line:1:7
      |
    1 | --set window.lookback
      |       ^^^^^^^^^^^^^^^
      |
      = hint: write `--set key.path=value`, such as `--set window.lookback=14d`
    "#);
}

#[test]
fn an_overridden_bound_shows_the_option() {
    let text = format!("[window]\nto = \"2026-04-01\"\n{TOUCHPOINTS}");
    let overrides = Overrides { from: Some("2026-05-01".into()), ..Overrides::default() };
    insta::assert_snapshot!(reject(&text, &overrides), @r#"
    error: the window is empty: `from` is `2026-05-01` and `to` is `2026-04-01`
     --> command line:1:8
      |
    1 | --from 2026-05-01
      |        ^^^^^^^^^^
      |
      = hint: `to` is the first instant after the window: write a later one than `from`
    "#);
}

#[test]
fn an_impossible_day_shows_the_option() {
    let overrides = Overrides { date: Some("2026-02-30".into()), ..Overrides::default() };
    insta::assert_snapshot!(reject(TOUCHPOINTS, &overrides), @r#"
    error: `2026-02-30` is not a day or an instant
     --> command line:1:8
      |
    1 | --date 2026-02-30
      |        ^^^^^^^^^^
      |
      = hint: write a day such as `2026-04-01`
    "#);
}

#[test]
fn a_day_beside_a_bound() {
    let overrides =
        Overrides { date: Some("2026-02-03".into()), to: Some("2026-02-04".into()), ..Overrides::default() };
    insta::assert_snapshot!(reject(TOUCHPOINTS, &overrides), @r#"
    error: `--date` is a window of its own, and there is `--to`
     --> command line:1:6
      |
    1 | --to 2026-02-04
      |      ^^^^^^^^^^
      |
      = hint: give `--date`, or `--from` and `--to`
    "#);
}

#[test]
fn what_the_environment_holds_is_not_shown() {
    let text =
        format!("[job]\ntimezone = \"${{SECRET}}\"\n[contract]\ndedupe = \"x-${{SECRET}}\"\n{TOUCHPOINTS}");
    let shown = reject(&text, &Overrides::default());
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown, @r#"
    error: unknown time zone `${SECRET}`
     --> touchline.toml:2:12
      |
    2 | timezone = "${SECRET}"
      |            ^^^^^^^^^^^
      |
      = hint: write an IANA name such as `UTC` or `Europe/Sofia`

    error: unknown dedupe `x-${SECRET}`
     --> touchline.toml:4:10
      |
    4 | dedupe = "x-${SECRET}"
      |          ^^^^^^^^^^^^^
      |
      = hint: the choices are `event_id`, `row`, `off`
    "#);
}

#[test]
fn a_wrong_type_does_not_show_the_environment_either() {
    let text = format!("[contract]\nmax_path_touches = \"${{SECRET}}\"\n{TOUCHPOINTS}");
    let shown = reject(&text, &Overrides::default());
    assert!(!shown.contains("hunter2"), "{shown}");
    insta::assert_snapshot!(shown, @r#"
    error: `contract.max_path_touches` is the string `${SECRET}`, expected a whole number
     --> touchline.toml:2:20
      |
    2 | max_path_touches = "${SECRET}"
      |                    ^^^^^^^^^^^
      |
      = hint: write a whole number without quotes: max_path_touches = 10
    "#);
}
