//! Mistakes in `[conversions]` and `[roi]`.

use super::bad;

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
