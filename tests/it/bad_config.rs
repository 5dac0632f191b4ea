//! Every kind of mistake in a configuration: the message says what is wrong, where and how it is mended.

use std::path::Path;

use proptest::prelude::*;
use touchline::config::{Overrides, load, parse};

const TOUCHPOINTS: &str = "[inputs.touchpoints]\npath = \"touches/*.parquet\"\n";
const ASSIGNMENTS: &str = "[inputs.assignments]\npath = \"assignments.parquet\"\n";

fn variables(name: &str) -> Option<String> {
    (name == "SECRET").then(|| "hunter2".to_owned())
}

/// The rendered mistakes of a text, each of which says how it is mended.
fn reject(text: &str, overrides: &Overrides) -> String {
    let errors = parse(text, Path::new("touchline.toml"), overrides, &variables).expect_err("a mistake");
    for error in errors.errors() {
        assert!(error.hint.is_some(), "no hint: {}", error.plain());
        assert!(!error.file.is_empty(), "no file: {}", error.plain());
    }
    errors.render(false)
}

/// The same for a text to which the touchpoints are added.
fn bad(text: &str) -> String {
    reject(&format!("{text}{TOUCHPOINTS}"), &Overrides::default())
}

/// The same for a text to which touchpoints and assignments are added.
fn bad_experiment(text: &str) -> String {
    reject(&format!("{text}{ASSIGNMENTS}{TOUCHPOINTS}"), &Overrides::default())
}

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
fn orders_that_are_neither_repeated_nor_items() {
    insta::assert_snapshot!(bad(r#"[conversions.purchase]
event = "purchase"
orders = "frist"
[conversions.renewal]
event = "renewal"
orders = "last"
"#), @r#"
    error: unknown `orders` `frist`
     --> touchline.toml:3:10
      |
    3 | orders = "frist"
      |          ^^^^^^^
      |
      = hint: did you mean `first`?

    error: unknown `orders` `last`
     --> touchline.toml:6:10
      |
    6 | orders = "last"
      |          ^^^^^^
      |
      = hint: the choices are `first`, `sum`
    "#);
}

#[test]
fn orders_spelled_wrong() {
    insta::assert_snapshot!(bad(r#"[conversions.purchase]
event = "purchase"
order = "first"
"#), @r#"
    error: unknown key `order` in [conversions.purchase]
     --> touchline.toml:3:1
      |
    3 | order = "first"
      | ^^^^^
      |
      = hint: did you mean `orders`? If `order` is a column, map it: columns = { order = "order" }
    "#);
}

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

#[test]
fn an_unknown_preset() {
    insta::assert_snapshot!(bad(r#"[stages]
preset = "lifecicle"
"#), @r#"
    error: unknown preset `lifecicle`
     --> touchline.toml:2:10
      |
    2 | preset = "lifecicle"
      |          ^^^^^^^^^^^
      |
      = hint: did you mean `lifecycle`?
    "#);
}

#[test]
fn an_unknown_mode() {
    insta::assert_snapshot!(bad(r#"[stages]
preset = "classic"
mode = "strict"
"#), @r#"
    error: unknown mode `strict`
     --> touchline.toml:3:8
      |
    3 | mode = "strict"
      |        ^^^^^^^^
      |
      = hint: the choices are `ordered`, `any`
    "#);
}

#[test]
fn stages_without_an_order() {
    insta::assert_snapshot!(bad(r#"[stages]
mode = "any"
"#), @r#"
    error: the stages have no order
     --> touchline.toml:1:2
      |
    1 | [stages]
      |  ^^^^^^
      |
      = hint: write preset = "lifecycle", or name them: order = ["awareness", "purchase"]
    "#);
}

#[test]
fn a_stage_without_a_rule() {
    insta::assert_snapshot!(bad(r#"[stages]
preset = "lifecycle"
order = ["brand_awarness", "loyalty"]
"#), @r#"
    error: stage `brand_awarness` has no rule
     --> touchline.toml:3:10
      |
    3 | order = ["brand_awarness", "loyalty"]
      |          ^^^^^^^^^^^^^^^^
      |
      = hint: did you mean `brand_awareness`?
    "#);
}

#[test]
fn a_stage_of_ones_own_without_a_rule() {
    insta::assert_snapshot!(bad(r#"[stages]
order = ["trial"]
"#), @r#"
    error: stage `trial` has no rule
     --> touchline.toml:2:10
      |
    2 | order = ["trial"]
      |          ^^^^^^^
      |
      = hint: add one under [stages.rules]: trial = [ { event = ["..."] } ]
    "#);
}

#[test]
fn a_rule_for_no_stage() {
    insta::assert_snapshot!(bad(r#"[stages]
preset = "lifecycle"
[stages.rules]
loyality = [ { event = ["review"] } ]
"#), @r#"
    error: there is a rule for `loyality`, which is no stage
     --> touchline.toml:4:1
      |
    4 | loyality = [ { event = ["review"] } ]
      | ^^^^^^^^
      |
      = hint: did you mean `loyalty`?
    "#);
}

#[test]
fn a_stage_that_stands_twice() {
    insta::assert_snapshot!(bad(r#"[stages]
preset = "classic"
order = ["purchase", "purchase"]
"#), @r#"
    error: stage `purchase` stands twice
     --> touchline.toml:3:22
      |
    3 | order = ["purchase", "purchase"]
      |                      ^^^^^^^^^^
      |
      = hint: remove one of the two
    "#);
}

#[test]
fn a_rule_without_patterns() {
    insta::assert_snapshot!(bad(r#"[stages]
order = ["a"]
[stages.rules]
a = [ { event = [] } ]
"#), @r#"
    error: `event` has no patterns, so nothing would match
     --> touchline.toml:4:17
      |
    4 | a = [ { event = [] } ]
      |                 ^^
      |
      = hint: write at least one, such as event = ["..."], or remove `event`
    "#);
}

#[test]
fn a_rule_without_matchers() {
    insta::assert_snapshot!(bad(r#"[stages]
order = ["a"]
rules = { a = [] }
"#), @r#"
    error: the rule of stage `a` is empty, so nothing would match
     --> touchline.toml:3:15
      |
    3 | rules = { a = [] }
      |               ^^
      |
      = hint: write at least one matcher: [ { event = ["..."] } ]
    "#);
}

#[test]
fn a_matcher_over_a_number() {
    insta::assert_snapshot!(bad(r#"[attribution]
touches = [ { value = "10" } ]
"#), @r#"
    error: `value` is not a column of text, and a matcher compares text
     --> touchline.toml:2:15
      |
    2 | touches = [ { value = "10" } ]
      |               ^^^^^
      |
      = hint: match one of `customer_id`, `event`, `event_id`, `channel`, `campaign`, `source`, `medium`, `currency`, `order_id`
    "#);
}

#[test]
fn a_matcher_over_a_misspelt_column() {
    insta::assert_snapshot!(bad(r#"[conversions.purchase]
evnt = ["purchase"]
"#), @r#"
    error: unknown column `evnt`
     --> touchline.toml:2:1
      |
    2 | evnt = ["purchase"]
      | ^^^^
      |
      = hint: did you mean `event`? If `evnt` is a column too, map it: columns = { evnt = "evnt" }
    "#);
}

#[test]
fn a_conversion_that_matches_nothing() {
    insta::assert_snapshot!(bad(r#"[conversions.purchase]
value = "value"
"#), @r#"
    error: conversion `purchase` matches nothing
     --> touchline.toml:1:14
      |
    1 | [conversions.purchase]
      |              ^^^^^^^^
      |
      = hint: say which rows convert, such as event = ["purchase"]
    "#);
}

#[test]
fn a_conversion_worth_an_unknown_column() {
    insta::assert_snapshot!(bad(r#"[conversions.purchase]
event = "purchase"
value = "revenue"
"#), @r#"
    error: `revenue` is not what a conversion can be worth
     --> touchline.toml:3:9
      |
    3 | value = "revenue"
      |         ^^^^^^^^^
      |
      = hint: write value = "value" for the column, value = 20 for 20 EUR, or leave it out
    "#);
}

#[test]
fn a_fixed_value_finer_than_the_currency() {
    insta::assert_snapshot!(bad(r#"[conversions.purchase]
event = "purchase"
value = 19.995
"#), @r#"
    error: `19.995` EUR is no whole number of the minor unit
     --> touchline.toml:3:9
      |
    3 | value = 19.995
      |         ^^^^^^
      |
      = hint: EUR has 2 decimals: write a multiple of `0.01`
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
fn no_direct_channel() {
    insta::assert_snapshot!(bad("[channels]\ndirect = []\n"), @r#"
    error: `direct` has no patterns, so nothing would match
     --> touchline.toml:2:10
      |
    2 | direct = []
      |          ^^
      |
      = hint: write at least one, such as direct = ["..."], or remove `direct`
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

#[test]
fn a_count_of_nothing() {
    insta::assert_snapshot!(bad("[segments]\nmin_customers = 0\n"), @r#"
    error: `min_customers` is `0`
     --> touchline.toml:2:17
      |
    2 | min_customers = 0
      |                 ^
      |
      = hint: write a whole number of at least 1; the default is 10
    "#);
}

#[test]
fn an_id_as_a_dimension() {
    insta::assert_snapshot!(bad(r#"[segments]
dimensions = ["country", "customer_id"]
"#), @r#"
    error: `customer_id` does not divide customers into segments
     --> touchline.toml:2:26
      |
    2 | dimensions = ["country", "customer_id"]
      |                          ^^^^^^^^^^^^^
      |
      = hint: name an attribute of customers, a column of text such as `device`, or `first_channel`
    "#);
}

#[test]
fn a_comparison_with_nothing_before() {
    insta::assert_snapshot!(bad(r#"[window]
from = "2026-04-01"
[roi]
compare = true
"#), @r#"
    error: there is no window before one whose bounds come from the data
     --> touchline.toml:4:11
      |
    4 | compare = true
      |           ^^^^
      |
      = hint: set window.from and window.to, or leave `compare` out
    "#);
    insta::assert_snapshot!(bad(r#"[window]
from = "2026-04-01"
to = "2026-05-01"
lookback = "7d"
history = "36d"
[roi]
compare = true
"#), @r#"
    error: a history of `36d` is shorter than what the run looks back
     --> touchline.toml:5:11
      |
    5 | history = "36d"
      |           ^^^^^
      |
      = hint: `37d` is needed for roi.compare: write at least that, or leave `history` out
    "#);
}

#[test]
fn a_primary_model_that_is_not_computed() {
    insta::assert_snapshot!(bad(r#"[attribution]
models = ["markov"]
[conversions.buy]
event = "buy"
[roi]
primary = { conversion = "bye", model = "linear" }
"#), @r#"
    error: unknown conversion `bye`
     --> touchline.toml:6:26
      |
    6 | primary = { conversion = "bye", model = "linear" }
      |                          ^^^^^
      |
      = hint: the conversions are `buy`

    error: model `linear` is not computed
     --> touchline.toml:6:41
      |
    6 | primary = { conversion = "bye", model = "linear" }
      |                                         ^^^^^^^^
      |
      = hint: add it to `attribution.models`, or name `markov`
    "#);
}

#[test]
fn a_metric_without_a_kind() {
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
[metrics.rate]
conversion = "buy"
"#), @r#"
    error: metric `rate` has no kind
     --> touchline.toml:3:10
      |
    3 | [metrics.rate]
      |          ^^^^
      |
      = hint: write kind = "proportion" for the share of customers who convert, "mean", "ratio" or "quantile"
    "#);
}

#[test]
fn a_metric_of_an_unknown_kind() {
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
[metrics.rate]
kind = "funnel"
conversion = "buy"
"#), @r#"
    error: unknown kind of metric `funnel`
     --> touchline.toml:4:8
      |
    4 | kind = "funnel"
      |        ^^^^^^^^
      |
      = hint: the choices are `proportion`, `mean`, `ratio`, `quantile`
    "#);
}

#[test]
fn a_metric_of_an_unknown_conversion() {
    insta::assert_snapshot!(bad(r#"[conversions.purchase]
event = "buy"
[metrics.rate]
kind = "proportion"
conversion = "purchases"
"#), @r#"
    error: unknown conversion `purchases`
     --> touchline.toml:5:14
      |
    5 | conversion = "purchases"
      |              ^^^^^^^^^^^
      |
      = hint: did you mean `purchase`?
    "#);
}

#[test]
fn a_metric_of_a_value_that_there_is_none_of() {
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
[metrics.revenue]
kind = "mean"
conversion = "buy"
"#), @r#"
    error: metric `revenue` sums the value of `buy`, which has none
     --> touchline.toml:3:10
      |
    3 | [metrics.revenue]
      |          ^^^^^^^
      |
      = hint: write of = "count", or value = "value" in [conversions.buy]
    "#);
}

#[test]
fn an_experiment_without_assignments() {
    insta::assert_snapshot!(bad(r#"[experiments.checkout]
control = "A"
weights = { A = 1, B = 1 }
"#), @r#"
    error: experiment `checkout` has no assignments to read
     --> touchline.toml:1:14
      |
    1 | [experiments.checkout]
      |              ^^^^^^^^
      |
      = hint: say where they are: [inputs.assignments] with path = "exports/assignments.parquet"
    "#);
}

#[test]
fn a_control_that_is_no_variant() {
    insta::assert_snapshot!(bad_experiment(r#"[experiments.checkout]
control = "a1"
weights = { A1 = 0.5, B = 0.5 }
"#), @r#"
    error: control `a1` is not among the weights of `checkout`
     --> touchline.toml:2:11
      |
    2 | control = "a1"
      |           ^^^^
      |
      = hint: did you mean `A1`?
    "#);
}

#[test]
fn an_experiment_of_one_variant() {
    insta::assert_snapshot!(bad_experiment(r#"[experiments.checkout]
control = "A"
weights = { A = 1.0 }
"#), @r#"
    error: experiment `checkout` has 1 of at least two variants
     --> touchline.toml:3:1
      |
    3 | weights = { A = 1.0 }
      | ^^^^^^^
      |
      = hint: write the planned shares: weights = { A = 0.5, B = 0.5 }
    "#);
}

#[test]
fn an_experiment_of_an_unknown_metric() {
    insta::assert_snapshot!(bad_experiment(r#"[experiments.checkout]
control = "A"
weights = { A = 1, B = 1 }
metrics = ["rate"]
"#), @r#"
    error: unknown metric `rate`
     --> touchline.toml:4:12
      |
    4 | metrics = ["rate"]
      |            ^^^^^^
      |
      = hint: declare it first: [metrics.rate]
    "#);
}

#[test]
fn an_alpha_of_everything() {
    insta::assert_snapshot!(bad_experiment(r#"[experiments.checkout]
control = "A"
weights = { A = 1, B = 1 }
alpha = 1
"#), @r#"
    error: `alpha` is `1`
     --> touchline.toml:4:9
      |
    4 | alpha = 1
      |         ^
      |
      = hint: write a number above 0 and below 1, such as 0.05
    "#);
}

#[test]
fn keys_that_a_kind_of_metric_has_no_use_for() {
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
value = "value"
[metrics.rate]
kind = "proportion"
conversion = "buy"
of = "value"
cap = 1
[metrics.revenue]
kind = "mean"
conversion = "buy"
quantile = 0.5
denominator = { conversion = "buy" }
[metrics.order_value]
kind = "ratio"
conversion = "buy"
numerator = { conversion = "buy" }
denominator = { conversion = "buy", of = "count" }
[metrics.median]
kind = "quantile"
conversion = "buy"
quantile = 0.5
cap = { percentile = 0.99 }
"#), @r#"
    error: metric `rate` is a proportion, which has no `cap`
     --> touchline.toml:8:1
      |
    8 | cap = 1
      | ^^^
      |
      = hint: a customer counts once anyhow: remove it

    error: metric `rate` is a proportion, which sums nothing
     --> touchline.toml:7:6
      |
    7 | of = "value"
      |      ^^^^^^^
      |
      = hint: remove `of`, or write kind = "mean"

    error: metric `revenue` is a mean, which has no `denominator`
      --> touchline.toml:13:1
       |
    13 | denominator = { conversion = "buy" }
       | ^^^^^^^^^^^
       |
       = hint: write kind = "ratio", or `conversion` and `of`

    error: metric `revenue` is a mean, which has no `quantile`
      --> touchline.toml:12:1
       |
    12 | quantile = 0.5
       | ^^^^^^^^
       |
       = hint: write kind = "quantile", or remove it

    error: metric `order_value` is a ratio, which has no `conversion`
      --> touchline.toml:16:1
       |
    16 | conversion = "buy"
       | ^^^^^^^^^^
       |
       = hint: write what is divided inside `numerator` and `denominator`

    error: metric `median` is a quantile, which has no `cap`
      --> touchline.toml:23:1
       |
    23 | cap = { percentile = 0.99 }
       | ^^^
       |
       = hint: how large the largest are doesn't move a quantile: remove it
    "#);
}

#[test]
fn metrics_that_lack_something() {
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
value = "value"
[conversions.sign_up]
event = "sign_up"
[metrics.rate]
kind = "proportion"
[metrics.order_value]
kind = "ratio"
numerator = { of = "value" }
[metrics.rows]
kind = "ratio"
numerator = { conversion = "buy" }
denominator = { conversion = "sign_up" }
[metrics.itself]
kind = "ratio"
numerator = { of = "minutes" }
denominator = { of = "minutes" }
[metrics.median]
kind = "quantile"
conversion = "buy"
[metrics.all_of_it]
kind = "quantile"
quantile = 90
conversion = "buy"
"#), @r#"
    error: metric `rate` names no conversion
     --> touchline.toml:6:10
      |
    6 | [metrics.rate]
      |          ^^^^
      |
      = hint: write conversion = "buy"; there are `buy`, `sign_up`

    error: the numerator of metric `order_value` names no conversion
      --> touchline.toml:10:1
       |
    10 | numerator = { of = "value" }
       | ^^^^^^^^^
       |
       = hint: write conversion = "buy"; there are `buy`, `sign_up`

    error: metric `order_value` has no denominator
     --> touchline.toml:8:10
      |
    8 | [metrics.order_value]
      |          ^^^^^^^^^^^
      |
      = hint: write one: denominator = { conversion = "purchase", of = "count" }

    error: the denominator of metric `rows` sums the value of `sign_up`, which has none
      --> touchline.toml:14:1
       |
    14 | denominator = { conversion = "sign_up" }
       | ^^^^^^^^^^^
       |
       = hint: write of = "count", or value = "value" in [conversions.sign_up]

    error: metric `itself` divides a sum by itself
      --> touchline.toml:18:1
       |
    18 | denominator = { of = "minutes" }
       | ^^^^^^^^^^^
       |
       = hint: divide by something else, such as the number: of = "count"

    error: metric `median` does not say which quantile
      --> touchline.toml:19:10
       |
    19 | [metrics.median]
       |          ^^^^^^
       |
       = hint: write it as a share of the customers: quantile = 0.9

    error: `quantile` is `90`
      --> touchline.toml:24:12
       |
    24 | quantile = 90
       |            ^^
       |
       = hint: write a number above 0 and below 1, such as 0.9
    "#);
}

#[test]
fn metrics_of_what_is_no_number() {
    insta::assert_snapshot!(bad(r#"[metrics.inner]
kind = "ratio"
numerator = { of = "minutes", over = "buy" }
denominator = "buy"
"#), @r#"
    error: `metrics.inner.denominator` is the string "buy", expected a table
     --> touchline.toml:4:15
      |
    4 | denominator = "buy"
      |               ^^^^^
      |
      = hint: write a table: denominator = { conversion = "purchase", of = "value" }

    error: unknown key `over` in [metrics.inner.numerator]
     --> touchline.toml:3:31
      |
    3 | numerator = { of = "minutes", over = "buy" }
      |                               ^^^^
      |
      = hint: the keys here are `conversion`, `of`
    "#);
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
[metrics.slip]
kind = "mean"
conversion = "buy"
of = "cuont"
[metrics.text]
kind = "mean"
of = "campaign"
[metrics.time]
kind = "mean"
of = "occurred_at"
[metrics.nothing]
kind = "mean"
of = ""
"#), @r#"
    error: unknown `of` `cuont`
     --> touchline.toml:6:6
      |
    6 | of = "cuont"
      |      ^^^^^^^
      |
      = hint: did you mean `count`? If `cuont` is a column, map it: columns = { cuont = "cuont" }

    error: `campaign` is not a column of numbers
     --> touchline.toml:9:6
      |
    9 | of = "campaign"
      |      ^^^^^^^^^^
      |
      = hint: write of = "value", of = "count", or a column of touchpoints that holds numbers

    error: `occurred_at` is not a column of numbers
      --> touchline.toml:12:6
       |
    12 | of = "occurred_at"
       |      ^^^^^^^^^^^^^
       |
       = hint: write of = "value", of = "count", or a column of touchpoints that holds numbers

    error: `` is not a column of numbers
      --> touchline.toml:15:6
       |
    15 | of = ""
       |      ^^
       |
       = hint: write of = "value", of = "count", or a column of touchpoints that holds numbers
    "#);
}

#[test]
fn caps_that_bound_nothing_or_more_than_can_be() {
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
value = "value"
[metrics.a]
kind = "mean"
conversion = "buy"
cap = 0
[metrics.b]
kind = "mean"
conversion = "buy"
cap = { value = 19.999 }
[metrics.c]
kind = "mean"
conversion = "buy"
of = "count"
cap = { value = 2.5 }
[metrics.d]
kind = "mean"
of = "minutes"
cap = { value = 0.0000001 }
[metrics.e]
kind = "mean"
of = "minutes"
cap = 1e14
[metrics.f]
kind = "mean"
conversion = "buy"
cap = { value = 10, percentile = 0.99 }
[metrics.g]
kind = "mean"
conversion = "buy"
cap = {}
[metrics.h]
kind = "mean"
conversion = "buy"
cap = { percentile = 99.9 }
[metrics.i]
kind = "mean"
conversion = "buy"
cap = inf
"#), @r#"
    error: a cap of `0` leaves nothing to compare
     --> touchline.toml:7:7
      |
    7 | cap = 0
      |       ^
      |
      = hint: write a number above 0

    error: `19.999` EUR is no whole number of the minor unit
      --> touchline.toml:11:17
       |
    11 | cap = { value = 19.999 }
       |                 ^^^^^^
       |
       = hint: EUR has 2 decimals: write a multiple of `0.01`

    error: `2.5` is no number of conversions
      --> touchline.toml:16:17
       |
    16 | cap = { value = 2.5 }
       |                 ^^^
       |
       = hint: write a whole number

    error: a cap of `0.0000001` is finer than what is summed
      --> touchline.toml:20:17
       |
    20 | cap = { value = 0.0000001 }
       |                 ^^^^^^^^^
       |
       = hint: numbers are summed in millionths: write at most 6 decimals

    error: a cap of `100000000000000` is too large
      --> touchline.toml:24:7
       |
    24 | cap = 1e14
       |       ^^^^
       |
       = hint: write at most `9223372036854`

    error: this cap is both a value and a percentile
      --> touchline.toml:28:7
       |
    28 | cap = { value = 10, percentile = 0.99 }
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = hint: write cap = { value = 500 } or cap = { percentile = 0.999 }

    error: this cap bounds nothing
      --> touchline.toml:32:7
       |
    32 | cap = {}
       |       ^^
       |
       = hint: write cap = { value = 500 } or cap = { percentile = 0.999 }

    error: `percentile` is `99.9`
      --> touchline.toml:36:22
       |
    36 | cap = { percentile = 99.9 }
       |                      ^^^^
       |
       = hint: write a number above 0 and below 1, such as 0.999

    error: a cap of `inf` leaves nothing to compare
      --> touchline.toml:40:7
       |
    40 | cap = inf
       |       ^^^
       |
       = hint: write a number above 0
    "#);
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
[metrics.a]
kind = "mean"
conversion = "buy"
cap = "0.999"
[metrics.b]
kind = "mean"
conversion = "buy"
cap = { percentil = 0.999 }
"#), @r#"
    error: `metrics.a.cap` is the string "0.999", expected a number or a table
     --> touchline.toml:6:7
      |
    6 | cap = "0.999"
      |       ^^^^^^^
      |
      = hint: write a bound or a percentile: cap = { value = 500 } or cap = { percentile = 0.999 }

    error: unknown key `percentil` in [metrics.b.cap]
      --> touchline.toml:10:9
       |
    10 | cap = { percentil = 0.999 }
       |         ^^^^^^^^^
       |
       = hint: did you mean `percentile`?
    "#);
}

#[test]
fn weights_of_nobody() {
    insta::assert_snapshot!(bad_experiment(r#"[experiments.one]
control = "A"
weights = { A = 1.0, B = 0 }
[experiments.none]
control = "A"
weights = { A = 0, B = 1, C = 1 }
[experiments.less]
control = "A"
weights = { A = 1, B = -1, C = nan }
"#), @r#"
    error: experiment `one` has 1 of at least two variants of weight above 0
     --> touchline.toml:3:1
      |
    3 | weights = { A = 1.0, B = 0 }
      | ^^^^^^^
      |
      = hint: write the planned shares: weights = { A = 0.5, B = 0.5 }

    error: control `A` of `none` has a weight of 0, so nobody gets it
     --> touchline.toml:5:11
      |
    5 | control = "A"
      |           ^^^
      |
      = hint: give it a weight above 0, or name another control

    error: variant `B` has a weight of `-1`
     --> touchline.toml:9:24
      |
    9 | weights = { A = 1, B = -1, C = nan }
      |                        ^^
      |
      = hint: write a number from 0, for a variant that nobody gets, to a billion

    error: variant `C` has a weight of `NaN`
     --> touchline.toml:9:32
      |
    9 | weights = { A = 1, B = -1, C = nan }
      |                                ^^^
      |
      = hint: write a number from 0, for a variant that nobody gets, to a billion
    "#);
}

#[test]
fn an_experiment_decided_by_nothing_sensible() {
    insta::assert_snapshot!(bad_experiment(r#"[conversions.buy]
event = "buy"
[metrics.rate]
kind = "proportion"
conversion = "buy"
[metrics.buys]
kind = "mean"
conversion = "buy"
of = "count"
[experiments.checkout]
control = "A"
weights = { A = 1, B = 1 }
metrics = ["rate", "buys"]
guardrails = ["buys", "rates", "buys"]
pre_period = "0d"
correction = "bonferroni"
sequential_tuning = 0
prior = "flatt"
flat_within = 1
target_lift = 0
[experiments.banner]
control = "A"
weights = { A = 1, B = 1 }
pre_period = "14"
prior = { mean = inf, standard_deviation = 0 }
target_lift = -0.05
"#), @r#"
    error: metric `buys` stands twice
      --> touchline.toml:14:32
       |
    14 | guardrails = ["buys", "rates", "buys"]
       |                                ^^^^^^
       |
       = hint: remove one of the two

    error: unknown metric `rates`
      --> touchline.toml:14:23
       |
    14 | guardrails = ["buys", "rates", "buys"]
       |                       ^^^^^^^
       |
       = hint: did you mean `rate`?

    error: metric `buys` is both a goal and a guardrail of `checkout`
      --> touchline.toml:14:15
       |
    14 | guardrails = ["buys", "rates", "buys"]
       |               ^^^^^^
       |
       = hint: remove it from `metrics` or from `guardrails`

    error: metric `buys` is both a goal and a guardrail of `checkout`
      --> touchline.toml:14:32
       |
    14 | guardrails = ["buys", "rates", "buys"]
       |                                ^^^^^^
       |
       = hint: remove it from `metrics` or from `guardrails`

    error: a duration of `0d` is empty
      --> touchline.toml:15:14
       |
    15 | pre_period = "0d"
       |              ^^^^
       |
       = hint: write more than zero, such as `7d`, or leave the key out

    error: unknown correction `bonferroni`
      --> touchline.toml:16:14
       |
    16 | correction = "bonferroni"
       |              ^^^^^^^^^^^^
       |
       = hint: the choices are `benjamini_hochberg`, `holm`, `none`

    error: `sequential_tuning` is `0`
      --> touchline.toml:17:21
       |
    17 | sequential_tuning = 0
       |                     ^
       |
       = hint: write a whole number of at least 1; the default is 5000

    error: unknown prior `flatt`
      --> touchline.toml:18:9
       |
    18 | prior = "flatt"
       |         ^^^^^^^
       |
       = hint: write prior = "flat" or prior = { mean = 0.0, standard_deviation = 0.3 }

    error: `flat_within` is `1`
      --> touchline.toml:19:15
       |
    19 | flat_within = 1
       |               ^
       |
       = hint: write a number above 0 and below 1, such as 0.01

    error: `target_lift` is `0`
      --> touchline.toml:20:15
       |
    20 | target_lift = 0
       |               ^
       |
       = hint: write the smallest lift worth finding: 0.05 is 5 % more

    error: `14` is not a duration
      --> touchline.toml:24:14
       |
    24 | pre_period = "14"
       |              ^^^^
       |
       = hint: did you mean `14d`? write a whole number and a unit: `30d`, `12h`, `90m`, `45s` or `250ms`

    error: `mean` of a prior is `inf`
      --> touchline.toml:25:18
       |
    25 | prior = { mean = inf, standard_deviation = 0 }
       |                  ^^^
       |
       = hint: write the relative lift that you expect: 0.0 for none, 0.1 for 10 % more

    error: `standard_deviation` is `0`
      --> touchline.toml:25:44
       |
    25 | prior = { mean = inf, standard_deviation = 0 }
       |                                            ^
       |
       = hint: write how far relative lifts stray: 0.3 means that two of three lie within ±30 %

    error: `target_lift` is `-0.05`
      --> touchline.toml:26:15
       |
    26 | target_lift = -0.05
       |               ^^^^^
       |
       = hint: write the smallest lift worth finding: 0.05 is 5 % more
    "#);
    insta::assert_snapshot!(bad_experiment(r#"[experiments.checkout]
control = "A"
weights = { A = 1, B = 1 }
pre_period = 14
sequential = "always"
prior = 0.3
[experiments.banner]
control = "A"
weights = { A = 1, B = 1 }
prior = { sd = 0.3 }
"#), @r#"
    error: unknown key `sd` in [experiments.banner.prior]
      --> touchline.toml:10:11
       |
    10 | prior = { sd = 0.3 }
       |           ^^
       |
       = hint: the keys here are `mean`, `standard_deviation`

    error: `experiments.checkout.pre_period` is the integer `14`, expected a string
     --> touchline.toml:4:14
      |
    4 | pre_period = 14
      |              ^^
      |
      = hint: write a duration in quotes: pre_period = "30d"

    error: `experiments.checkout.prior` is the floating point `0.3`, expected "flat" or a table
     --> touchline.toml:6:9
      |
    6 | prior = 0.3
      |         ^^^
      |
      = hint: write what is believed: prior = "flat" or prior = { mean = 0.0, standard_deviation = 0.3 }

    error: `experiments.checkout.sequential` is the string "always", expected a boolean
     --> touchline.toml:5:14
      |
    5 | sequential = "always"
      |              ^^^^^^^^
      |
      = hint: write true or false without quotes: sequential = true
    "#);
}

#[test]
fn defaults_of_experiments_with_weights_or_an_empty_control() {
    insta::assert_snapshot!(bad_experiment(r#"[experiments."*"]
control = ""
weights = { A = 1, B = 1 }
"#), @r#"
    error: variants that the data bring are planned with equal weights
     --> touchline.toml:3:1
      |
    3 | weights = { A = 1, B = 1 }
      | ^^^^^^^
      |
      = hint: remove `weights`, or name the experiment they belong to: [experiments.checkout]

    error: this control is empty
     --> touchline.toml:2:11
      |
    2 | control = ""
      |           ^^
      |
      = hint: name the variant that others are compared with, or remove `control`
    "#);
}

#[test]
fn a_history_shorter_than_a_pre_period() {
    insta::assert_snapshot!(bad_experiment(r#"[window]
lookback = "7d"
history = "20d"
[experiments."*"]
pre_period = "28d"
"#), @r#"
    error: a history of `20d` is shorter than what the run looks back
     --> touchline.toml:3:11
      |
    3 | history = "20d"
      |           ^^^^^
      |
      = hint: `28d` is needed for the pre-period of an experiment: write at least that, or leave `history` out
    "#);
}

#[test]
fn behaviours_that_are_columns_or_reserved() {
    insta::assert_snapshot!(reject(r#"[segments]
dimensions = ["all"]
[segments.rules]
all = [ { event = "a" } ]
channel = [ { event = "a" } ]
device = [ { event = "a" } ]
plan = [ { event = "a" } ]
first_device = [ { event = "a" } ]
"(small)" = [ { event = "a" } ]
[inputs.customers]
path = "customers.parquet"
columns = { plan = "tariff" }
[inputs.touchpoints]
path = "touches.parquet"
columns = { device = "device_type" }
"#, &Overrides::default()), @r#"
    error: a dimension can't be called `all`, which means all customers in the tables
     --> touchline.toml:2:15
      |
    2 | dimensions = ["all"]
      |               ^^^^^
      |
      = hint: give the column another name: columns = { everything = "all" }

    error: `all` has a meaning of its own, and can't be the name of a behaviour
     --> touchline.toml:4:1
      |
    4 | all = [ { event = "a" } ]
      | ^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `channel` is a column, and can't be the name of a behaviour
     --> touchline.toml:5:1
      |
    5 | channel = [ { event = "a" } ]
      | ^^^^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `device` is a column, and can't be the name of a behaviour
     --> touchline.toml:6:1
      |
    6 | device = [ { event = "a" } ]
      | ^^^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `plan` is a column, and can't be the name of a behaviour
     --> touchline.toml:7:1
      |
    7 | plan = [ { event = "a" } ]
      | ^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `first_device` means a column of touches, and can't be the name of a behaviour
     --> touchline.toml:8:1
      |
    8 | first_device = [ { event = "a" } ]
      | ^^^^^^^^^^^^
      |
      = hint: say what customers do, such as `cart_abandoner`

    error: `(small)` can't be the name of a behaviour
     --> touchline.toml:9:1
      |
    9 | "(small)" = [ { event = "a" } ]
      | ^^^^^^^^^
      |
      = hint: write a name that isn't empty and doesn't begin with `(`
    "#);
}

#[test]
fn a_rule_for_customers_by_name() {
    insta::assert_snapshot!(bad(r#"[segments.rules]
friends = [ { customer_id = "ann", without = [ { customer_id = "bob" } ] } ]
"#), @r#"
    error: whose a row is can't change what it means
     --> touchline.toml:2:50
      |
    2 | friends = [ { customer_id = "ann", without = [ { customer_id = "bob" } ] } ]
      |                                                  ^^^^^^^^^^^
      |
      = hint: match other columns; rows of some customers are left out by `exclude` of their input

    error: whose a row is can't change what it means
     --> touchline.toml:2:15
      |
    2 | friends = [ { customer_id = "ann", without = [ { customer_id = "bob" } ] } ]
      |               ^^^^^^^^^^^
      |
      = hint: match other columns; rows of some customers are left out by `exclude` of their input
    "#);
}

#[test]
fn behaviours_that_nobody_has() {
    insta::assert_snapshot!(bad(r#"[segments.rules]
empty = []
nothing = [ {} ]
only_without = [ { without = ["purchase"] } ]
itself = [ { event = ["cart"], without = "cart" } ]
unlimited = [ { event = "cart", within = "1d" } ]
never = [ { event = "cart", without = [] } ]
blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
slip = [ { event = "cart", withuot = "purchase", within = "1d" } ]
none_of_them = [ { event = "cart", at_least = 0 } ]
number = [ { event = "cart", without = [ { value = "1" } ] } ]
"#), @r#"
    error: behaviour `empty` has no rule, so nobody would fit
     --> touchline.toml:2:9
      |
    2 | empty = []
      |         ^^
      |
      = hint: write at least one: [ { event = ["add_to_cart"], without = ["purchase"] } ]

    error: this matcher has no column
     --> touchline.toml:3:13
      |
    3 | nothing = [ {} ]
      |             ^^
      |
      = hint: name a column and its values, such as event = ["click"]

    error: this matcher has no column
     --> touchline.toml:4:18
      |
    4 | only_without = [ { without = ["purchase"] } ]
      |                  ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: name a column and its values, such as event = ["click"]

    error: nobody fits this rule of `itself`: the same rows must be there and must not follow
     --> touchline.toml:5:12
      |
    5 | itself = [ { event = ["cart"], without = "cart" } ]
      |            ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: name other rows in `without`: a row at the same instant follows too

    error: `within` has nothing to limit in this rule
     --> touchline.toml:6:42
      |
    6 | unlimited = [ { event = "cart", within = "1d" } ]
      |                                          ^^^^
      |
      = hint: say what must not follow so soon, without = ["purchase"], or how many rows it takes, at_least = 2

    error: `without` of `never` is empty, so nothing would be left out
     --> touchline.toml:7:39
      |
    7 | never = [ { event = "cart", without = [] } ]
      |                                       ^^
      |
      = hint: write what must not follow, such as without = ["purchase"], or remove `without`

    error: a pattern of `without` is empty
     --> touchline.toml:8:40
      |
    8 | blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
      |                                        ^^
      |
      = hint: write the event, with `*` for any run of characters

    error: `event` has no patterns, so nothing would match
     --> touchline.toml:8:54
      |
    8 | blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
      |                                                      ^^
      |
      = hint: write at least one, such as event = ["..."], or remove `event`

    error: this matcher has no column
     --> touchline.toml:8:60
      |
    8 | blank = [ { event = "cart", without = ["", { event = [] }, {}] } ]
      |                                                            ^^
      |
      = hint: name a column and its values, such as event = ["click"]

    error: unknown key `withuot` in [segments.rules.slip]
     --> touchline.toml:9:28
      |
    9 | slip = [ { event = "cart", withuot = "purchase", within = "1d" } ]
      |                            ^^^^^^^
      |
      = hint: did you mean `without`? If `withuot` is a column, map it: columns = { withuot = "withuot" }

    error: `at_least` is `0`
      --> touchline.toml:10:47
       |
    10 | none_of_them = [ { event = "cart", at_least = 0 } ]
       |                                               ^
       |
       = hint: write a whole number of at least 1; the default is 1

    error: `value` is not a column of text, and a matcher compares text
      --> touchline.toml:11:44
       |
    11 | number = [ { event = "cart", without = [ { value = "1" } ] } ]
       |                                            ^^^^^
       |
       = hint: match one of `customer_id`, `event`, `event_id`, `channel`, `campaign`, `source`, `medium`, `currency`, `order_id`
    "#);
    insta::assert_snapshot!(bad(r#"[segments.rules]
text = "cart"
number = [ { event = "cart", without = 1 } ]
inner = [ { event = "cart", without = [1] } ]
duration = [ { event = "cart", within = 1 } ]
count = [ { event = "cart", at_least = "2" } ]
"#), @r#"
    error: `segments.rules.count.0.at_least` is the string "2", expected a whole number
     --> touchline.toml:6:40
      |
    6 | count = [ { event = "cart", at_least = "2" } ]
      |                                        ^^^
      |
      = hint: write a whole number without quotes: at_least = 10

    error: `segments.rules.duration.0.within` is the integer `1`, expected a string
     --> touchline.toml:5:41
      |
    5 | duration = [ { event = "cart", within = 1 } ]
      |                                         ^
      |
      = hint: write a duration in quotes: within = "30d"

    error: `segments.rules.inner.0.without.0` is the integer `1`, expected an event or a matcher
     --> touchline.toml:4:40
      |
    4 | inner = [ { event = "cart", without = [1] } ]
      |                                        ^
      |
      = hint: write events or matchers: without = ["purchase"] or without = [ { event = ["purchase"] } ]

    error: `segments.rules.number.0.without` is the integer `1`, expected events or matchers
     --> touchline.toml:3:40
      |
    3 | number = [ { event = "cart", without = 1 } ]
      |                                        ^
      |
      = hint: write events or matchers: without = ["purchase"] or without = [ { event = ["purchase"] } ]

    error: `segments.rules.text` is the string "cart", expected a list
     --> touchline.toml:2:8
      |
    2 | text = "cart"
      |        ^^^^^^
      |
      = hint: write a list of rules: text = [ { event = ["add_to_cart"], without = ["purchase"] } ]
    "#);
}

#[test]
fn a_population_of_nobody_knows_whom() {
    insta::assert_snapshot!(bad(r#"[segments]
population = "all"
correction = "fdr"
"#), @r#"
    error: there is no customers table that says who all customers are
     --> touchline.toml:2:14
      |
    2 | population = "all"
      |              ^^^^^
      |
      = hint: say where it is: [inputs.customers] with path = "exports/customers.parquet"

    error: unknown correction `fdr`
     --> touchline.toml:3:14
      |
    3 | correction = "fdr"
      |              ^^^^^
      |
      = hint: the choices are `benjamini_hochberg`, `holm`, `none`
    "#);
    insta::assert_snapshot!(bad(r#"[segments]
population = "everybody"
"#), @r#"
    error: unknown population `everybody`
     --> touchline.toml:2:14
      |
    2 | population = "everybody"
      |              ^^^^^^^^^^^
      |
      = hint: the choices are `active`, `all`
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

#[test]
fn a_path_to_another_machine() {
    insta::assert_snapshot!(bad(r#"[inputs.spend]
path = "s3://bucket/spend.csv"
"#), @r#"
    error: `s3://` can't be read
     --> touchline.toml:2:8
      |
    2 | path = "s3://bucket/spend.csv"
      |        ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: this release reads local files: copy or mount them, and write their folder
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

/// A configuration with every key of this release.
const EVERYTHING: &str = include_str!("everything.toml");

#[test]
fn a_configuration_with_every_key_is_accepted() {
    let plan = parse(EVERYTHING, Path::new("touchline.toml"), &Overrides::default(), &variables);
    let plan = plan.unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(plan.touchpoints.len(), 2);
    assert_eq!(plan.stages.stages.len(), 4);
    assert_eq!(plan.experiments[0].metrics, [0, 1, 4]);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Any mutation gives a plan or mistakes that can be shown, never a panic.
    #[test]
    fn a_mutated_configuration_never_panics(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0_usize..6, "\\PC{0,3}|[\\[\\]{}=\"'.,\n$#]|\\$\\{[A-Z]*"), 1..8),
        option in "[a-z.\"]{0,12}=?\\PC{0,8}",
    ) {
        let mut text = EVERYTHING.to_owned();
        for (at, removed, inserted) in edits {
            let boundary = |mut place: usize| {
                while !text.is_char_boundary(place) {
                    place -= 1;
                }
                place
            };
            let start = boundary(at.index(text.len() + 1));
            let end = boundary((start + removed).min(text.len())).max(start);
            text.replace_range(start..end, &inserted);
        }
        for set in [vec![], vec![option.clone()]] {
            let overrides = Overrides { set, ..Overrides::default() };
            if let Err(errors) = parse(&text, Path::new("touchline.toml"), &overrides, &variables) {
                prop_assert!(!errors.errors().is_empty());
                prop_assert!(errors.render(false).contains("error: "));
                prop_assert!(errors.render(true).contains("error"));
            }
        }
    }
}

#[test]
fn an_unknown_preset_for_channels() {
    insta::assert_snapshot!(bad("[channels]\npreset = \"ga3\"\nsources = { search = [\"intranet.example\"] }\n"), @r#"
    error: unknown preset `ga3`
     --> touchline.toml:2:10
      |
    2 | preset = "ga3"
      |          ^^^^^
      |
      = hint: did you mean `ga4`?
    "#);
}

#[test]
fn a_rule_for_channels_without_a_channel() {
    insta::assert_snapshot!(bad("[channels]\nrules = [ { source = [\"partner-*\"] } ]\n"), @r#"
    error: this rule names no channel
     --> touchline.toml:2:11
      |
    2 | rules = [ { source = ["partner-*"] } ]
      |           ^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: say which channel its rows have, such as channel = "Partner"
    "#);
}

#[test]
fn a_rule_for_channels_that_matches_nothing() {
    insta::assert_snapshot!(bad("[channels]\nrules = [ { channel = \"Partner\" } ]\n"), @r#"
    error: this rule has no column beside its channel, so it says nothing about rows
     --> touchline.toml:2:11
      |
    2 | rules = [ { channel = "Partner" } ]
      |           ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: say which rows it is about, such as source = ["partner-*"]
    "#);
}

#[test]
fn a_rule_for_channels_with_several_channels() {
    insta::assert_snapshot!(
        bad("[channels]\nrules = [ { channel = [\"Partner\", \"Other\"], source = [\"partner-*\"] } ]\n"), @r#"
    error: `channels.rules.0.channel` is a list, expected a string
     --> touchline.toml:2:23
      |
    2 | rules = [ { channel = ["Partner", "Other"], source = ["partner-*"] } ]
      |                       ^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write text in quotes: channel = "..."
    "#);
}

#[test]
fn rules_for_channels_that_are_no_list() {
    insta::assert_snapshot!(bad("[channels]\nrules = { Partner = [ { source = \"partner-*\" } ] }\n"), @r#"
    error: `channels.rules` is a table, expected a list
     --> touchline.toml:2:9
      |
    2 | rules = { Partner = [ { source = "partner-*" } ] }
      |         ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write a list of rules: rules = [ { channel = "Partner", source = ["partner-*"] } ]
    "#);
}

#[test]
fn a_rule_for_channels_on_a_column_that_is_none() {
    insta::assert_snapshot!(
        bad("[channels]\nrules = [ { channel = \"Partner\", sorce = [\"partner-*\"] } ]\n"), @r#"
    error: unknown column `sorce`
     --> touchline.toml:2:34
      |
    2 | rules = [ { channel = "Partner", sorce = ["partner-*"] } ]
      |                                  ^^^^^
      |
      = hint: did you mean `source`? If `sorce` is a column too, map it: columns = { sorce = "sorce" }
    "#);
}

#[test]
fn a_rule_for_channels_on_an_id_and_a_number() {
    insta::assert_snapshot!(
        bad("[channels]\nrules = [ { channel = \"(none)\", order_id = [\"7\"], value = [\"1\"] } ]\n"), @r#"
    error: `(none)` can't be the name of a channel
     --> touchline.toml:2:23
      |
    2 | rules = [ { channel = "(none)", order_id = ["7"], value = ["1"] } ]
      |                       ^^^^^^^^
      |
      = hint: write a name that isn't empty and doesn't begin with `(`

    error: a rule for channels can't look at `order_id`, which differs from row to row
     --> touchline.toml:2:33
      |
    2 | rules = [ { channel = "(none)", order_id = ["7"], value = ["1"] } ]
      |                                 ^^^^^^^^
      |
      = hint: match source, medium, campaign, event or another column with few values

    error: `value` is not a column of text, and a matcher compares text
     --> touchline.toml:2:51
      |
    2 | rules = [ { channel = "(none)", order_id = ["7"], value = ["1"] } ]
      |                                                   ^^^^^
      |
      = hint: match one of `customer_id`, `event`, `event_id`, `channel`, `campaign`, `source`, `medium`, `currency`, `order_id`
    "#);
}

#[test]
fn unwanted_referrals_that_are_addresses_or_empty() {
    insta::assert_snapshot!(
        bad("[channels]\nunwanted_referrals = [\"https://shop.example/\", \"\"]\n"), @r#"
    error: `https://shop.example/` is an address, and a source is compared with its host
     --> touchline.toml:2:23
      |
    2 | unwanted_referrals = ["https://shop.example/", ""]
      |                       ^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write the host alone, such as shop.example

    error: a pattern of `unwanted_referrals` is empty
     --> touchline.toml:2:48
      |
    2 | unwanted_referrals = ["https://shop.example/", ""]
      |                                                ^^
      |
      = hint: write the value, with `*` for any run of characters
    "#);
    insta::assert_snapshot!(bad("[channels]\nunwanted_referrals = []\n"), @r#"
    error: `unwanted_referrals` has no patterns, so nothing would match
     --> touchline.toml:2:22
      |
    2 | unwanted_referrals = []
      |                      ^^
      |
      = hint: write at least one, such as unwanted_referrals = ["..."], or remove `unwanted_referrals`
    "#);
}

#[test]
fn sources_in_two_lists_with_stars_and_for_nobody() {
    insta::assert_snapshot!(
        bad("[channels]\npreset = \"ga4\"\n[channels.sources]\nsearch = [\"a.example\"]\nsocial = [\"A.example\", \"*.b.example\"]\n"), @r#"
    error: source `A.example` is in another list, too
     --> touchline.toml:5:11
      |
    5 | social = ["A.example", "*.b.example"]
      |           ^^^^^^^^^^^
      |
      = hint: leave it in the one that fits

    error: source `*.b.example` has a `*`, which a list of sites can't have
     --> touchline.toml:5:24
      |
    5 | social = ["A.example", "*.b.example"]
      |                        ^^^^^^^^^^^^^
      |
      = hint: write the host alone: it stands for all hosts below it, too
    "#);
    insta::assert_snapshot!(bad("[channels]\nsources = { search = \"a.example\" }\n"), @r#"
    error: `channels.sources` has no effect, because there is no preset that asks for it
     --> touchline.toml:2:1
      |
    2 | sources = { search = "a.example" }
      | ^^^^^^^
      |
      = hint: write preset = "ga4" in [channels], or remove `sources`
    "#);
    insta::assert_snapshot!(bad("[channels]\npreset = \"ga4\"\nsources = { serch = \"a.example\" }\n"), @r#"
    error: unknown key `serch` in [channels.sources]
     --> touchline.toml:3:13
      |
    3 | sources = { serch = "a.example" }
      |             ^^^^^
      |
      = hint: did you mean `search`?
    "#);
}
