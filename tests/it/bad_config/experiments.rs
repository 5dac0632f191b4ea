//! Mistakes in `[experiments]`.

use super::{bad, bad_experiment};

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
