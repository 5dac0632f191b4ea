//! Mistakes in `[stages]` and in matchers.

use super::bad;

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
