//! Mistakes in `[channels]`.

use super::bad;

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
