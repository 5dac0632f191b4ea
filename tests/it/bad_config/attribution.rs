//! Mistakes in `[attribution]`.

use super::bad;

#[test]
fn a_profile_of_no_tool() {
    insta::assert_snapshot!(bad(r#"[attribution]
profile = "adobee"
"#), @r#"
    error: unknown profile `adobee`
     --> touchline.toml:2:11
      |
    2 | profile = "adobee"
      |           ^^^^^^^^
      |
      = hint: did you mean `adobe`?
    "#);
    insta::assert_snapshot!(bad(r#"[attribution]
profile = "matomo"
"#), @r#"
    error: unknown profile `matomo`
     --> touchline.toml:2:11
      |
    2 | profile = "matomo"
      |           ^^^^^^^^
      |
      = hint: the choices are `adobe`, `ga4`, `mixpanel`, `amplitude`, `snowplow`
    "#);
}

#[test]
fn a_half_life_of_nothing() {
    insta::assert_snapshot!(bad(r#"[attribution]
half_life = "0d"
"#), @r#"
    error: a duration of `0d` is empty
     --> touchline.toml:2:13
      |
    2 | half_life = "0d"
      |             ^^^^
      |
      = hint: write more than zero, such as `7d`, or leave the key out
    "#);
}

#[test]
fn an_unknown_model() {
    insta::assert_snapshot!(bad(r#"[attribution]
models = ["linear", "marcov"]
"#), @r#"
    error: unknown attribution model `marcov`
     --> touchline.toml:2:21
      |
    2 | models = ["linear", "marcov"]
      |                     ^^^^^^^^
      |
      = hint: did you mean `markov`?
    "#);
}

#[test]
fn an_unknown_choice_without_a_near_one() {
    insta::assert_snapshot!(bad(r#"[attribution]
after_conversion = "forget"
"#), @r#"
    error: unknown `after_conversion` `forget`
     --> touchline.toml:2:20
      |
    2 | after_conversion = "forget"
      |                    ^^^^^^^^
      |
      = hint: the choices are `reuse`, `restart`
    "#);
}

#[test]
fn an_unknown_position_preset() {
    insta::assert_snapshot!(bad("[attribution]\nposition = \"inverse\"\n"), @r#"
    error: unknown position preset `inverse`
     --> touchline.toml:2:12
      |
    2 | position = "inverse"
      |            ^^^^^^^^^
      |
      = hint: did you mean `inverse_j`?
    "#);
}

#[test]
fn a_position_of_one_number() {
    insta::assert_snapshot!(bad("[attribution]\nposition = 0.4\n"), @r#"
    error: `attribution.position` is the floating point `0.4`, expected a preset or a table
     --> touchline.toml:2:12
      |
    2 | position = 0.4
      |            ^^^
      |
      = hint: write a preset or shares: position = "u" or position = { first = 0.4, last = 0.4 }
    "#);
}

#[test]
fn an_unknown_path() {
    insta::assert_snapshot!(bad("[attribution]\npath = \"exposures\"\n"), @r#"
    error: unknown `path` `exposures`
     --> touchline.toml:2:8
      |
    2 | path = "exposures"
      |        ^^^^^^^^^^^
      |
      = hint: did you mean `exposure`?
    "#);
}

#[test]
fn an_unknown_level() {
    insta::assert_snapshot!(bad("[attribution]\nby = [\"channel\", \"campagne\"]\n"), @r#"
    error: unknown level `campagne`
     --> touchline.toml:2:18
      |
    2 | by = ["channel", "campagne"]
      |                  ^^^^^^^^^^
      |
      = hint: did you mean `campaign`?
    "#);
}

#[test]
fn no_level() {
    insta::assert_snapshot!(bad("[attribution]\nby = []\n"), @r#"
    error: there is no level in `by`, so no row would be left
     --> touchline.toml:2:6
      |
    2 | by = []
      |      ^^
      |
      = hint: write "channel", "campaign" or both of them
    "#);
}

#[test]
fn position_shares_above_everything() {
    insta::assert_snapshot!(bad("[attribution]\nposition = { first = 0.7, last = 0.4 }\n"), @r#"
    error: first and last touch take `0.7` and `0.4`, together more than everything
     --> touchline.toml:2:12
      |
    2 | position = { first = 0.7, last = 0.4 }
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write shares that add up to at most 1, such as 0.4 and 0.4; the touches between share the rest
    "#);
}

#[test]
fn a_position_share_out_of_range() {
    insta::assert_snapshot!(bad("[attribution]\nposition = { first = 40, last = 0.4 }\n"), @r#"
    error: `position.first` is `40`, which is no share
     --> touchline.toml:2:22
      |
    2 | position = { first = 40, last = 0.4 }
      |                      ^^
      |
      = hint: write a number from 0 to 1: 40 % is 0.4
    "#);
}

#[test]
fn position_shares_of_nothing() {
    insta::assert_snapshot!(bad("[attribution]\nposition = { first = 0, last = 0 }\n"), @r#"
    error: first and last touch both take nothing, which leaves paths of two touches without credit
     --> touchline.toml:2:12
      |
    2 | position = { first = 0, last = 0 }
      |            ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: give at least one of them a share above 0, or use the model `linear`
    "#);
}

#[test]
fn chains_that_remember_too_much_or_nothing() {
    insta::assert_snapshot!(bad("[attribution]\nmarkov_order = 4\n"), @r#"
    error: `markov_order` is `4`, and hardly two journeys share more than three channels in a row
     --> touchline.toml:2:16
      |
    2 | markov_order = 4
      |                ^
      |
      = hint: write 1, 2 or 3: how many of the last channels decide what comes next
    "#);
    insta::assert_snapshot!(bad("[attribution]\nmarkov_order = 0\n"), @r#"
    error: `markov_order` is `0`, and a chain without memory has no channels to remove
     --> touchline.toml:2:16
      |
    2 | markov_order = 0
      |                ^
      |
      = hint: write 1, 2 or 3: how many of the last channels decide what comes next
    "#);
    insta::assert_snapshot!(bad("[attribution]\nshapley_value = \"rates\"\n"), @r#"
    error: unknown `shapley_value` `rates`
     --> touchline.toml:2:17
      |
    2 | shapley_value = "rates"
      |                 ^^^^^^^
      |
      = hint: did you mean `rate`?
    "#);
}
