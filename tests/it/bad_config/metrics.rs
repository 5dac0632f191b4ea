//! Mistakes in `[metrics]`.

use super::bad;

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
    error: metric `rate` is a proportion, which has no `of`
     --> touchline.toml:7:1
      |
    7 | of = "value"
      | ^^
      |
      = hint: a customer counts once anyhow: remove it, or write kind = "mean"

    error: metric `rate` is a proportion, which has no `cap`
     --> touchline.toml:8:1
      |
    8 | cap = 1
      | ^^^
      |
      = hint: a customer counts once anyhow: remove it

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
       = hint: divide by something else, such as the number: denominator.of = "count"

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
fn a_count_over_itself() {
    insta::assert_snapshot!(bad(r#"[conversions.buy]
event = "buy"
[metrics.rows]
kind = "ratio"
numerator = { conversion = "buy", of = "count" }
denominator = { conversion = "buy", of = "count" }
"#), @r#"
    error: metric `rows` divides a sum by itself
     --> touchline.toml:6:1
      |
    6 | denominator = { conversion = "buy", of = "count" }
      | ^^^^^^^^^^^
      |
      = hint: divide by the count of another conversion, or sum something else above: numerator.of = "value"
    "#);
}
