//! Mistakes in `[lineage]`.

use std::path::Path;

use touchline::config::{Overrides, parse};

use super::bad;

#[test]
fn lineage_without_a_file() {
    insta::assert_snapshot!(bad("[lineage]\nnamespace = \"marketing\"\n"), @r#"
    error: `lineage` has no path
     --> touchline.toml:1:2
      |
    1 | [lineage]
      |  ^^^^^^^
      |
      = hint: write the file that events are appended to: path = "lineage.ndjson"
    "#);
}

#[test]
fn lineage_among_the_results() {
    insta::assert_snapshot!(bad("[output]\npath = \"out\"\n[lineage]\npath = \"out/current/lineage.ndjson\"\n"), @r#"
    error: lineage events would stand among the results
     --> touchline.toml:4:8
      |
    4 | path = "out/current/lineage.ndjson"
      |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write a file beside them: path = "lineage.ndjson"
    "#);
}

#[test]
fn a_parent_that_is_no_run() {
    insta::assert_snapshot!(
        bad("[lineage]\npath = \"lineage.ndjson\"\nparent = \"airflow/daily/scheduled__2026-04-01\"\n"),
        @r#"
    error: this does not name a run
     --> touchline.toml:3:10
      |
    3 | parent = "airflow/daily/scheduled__2026-04-01"
      |          ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write `namespace/job/run`, the run as a UUID, as schedulers give it in OPENLINEAGE_PARENT_ID
    "#
    );
}

#[test]
fn an_unknown_key_of_lineage() {
    insta::assert_snapshot!(bad("[lineage]\npath = \"lineage.ndjson\"\nuri = \"http://catalogue\"\n"), @r#"
    error: unknown key `uri` in [lineage]
     --> touchline.toml:3:1
      |
    3 | uri = "http://catalogue"
      | ^^^
      |
      = hint: did you mean `url`?
    "#);
}

#[cfg(not(feature = "cloud"))]
#[test]
fn a_catalogue_without_the_feature() {
    insta::assert_snapshot!(bad("[lineage]\nurl = \"https://catalogue.example\"\n"), @r#"
    error: `lineage.url` needs the feature `cloud`, which this build is without
     --> touchline.toml:2:7
      |
    2 | url = "https://catalogue.example"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: build with `cargo build --release --features cloud`; or write `path`, and let something else send the lines of that file
    "#);
}

#[cfg(feature = "cloud")]
#[test]
fn lineage_to_what_is_no_address() {
    insta::assert_snapshot!(bad("[lineage]\nurl = \"https://catalogue.example?key=1\"\nendpoint = \"/\"\ntimeout = \"2m\"\n"), @r#"
    error: `/` is no path of an address
     --> touchline.toml:3:12
      |
    3 | endpoint = "/"
      |            ^^^
      |
      = hint: write the path that takes events, or leave it out for `api/v1/lineage`

    error: `timeout` is `2m`
     --> touchline.toml:4:11
      |
    4 | timeout = "2m"
      |           ^^^^
      |
      = hint: write at most `1m`: so long may an event hold up a run

    error: `https://catalogue.example?key=1` has more than a path behind its host
     --> touchline.toml:2:7
      |
    2 | url = "https://catalogue.example?key=1"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: write scheme, host, perhaps port and path, such as `https://catalogue.example:5000`
    "#);
}

#[test]
fn credentials_of_a_catalogue_in_its_address() {
    insta::assert_snapshot!(bad("[lineage]\nurl = \"https://me:hush-hush@catalogue.example\"\n"), @r#"
    error: `lineage.url` has credentials in it
     --> touchline.toml:2:7
      |
    2 | url = "https://me:hush-hush@catalogue.example"
      |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
      |
      = hint: take them out, and give the catalogue's key by the variable OPENLINEAGE_API_KEY
    "#);
}

#[test]
fn settings_of_no_catalogue() {
    insta::assert_snapshot!(bad("[lineage]\npath = \"lineage.ndjson\"\ntimeout = \"5s\"\n"), @r#"
    error: `timeout` is about a catalogue, and there is no `lineage.url`
     --> touchline.toml:3:11
      |
    3 | timeout = "5s"
      |           ^^^^
      |
      = hint: write its address, url = "https://catalogue.example", or leave this out
    "#);
}

/// A variable that isn't set.
#[test]
fn an_empty_address_is_none() {
    let text = "[lineage]\nurl = \"${OPENLINEAGE_URL:-}\"\ntimeout = \"5s\"\n[inputs.touchpoints]\npath = \"a.parquet\"\n";
    let plan = parse(text, Path::new("touchline.toml"), &Overrides::default(), &|_| None).expect("a plan");
    assert_eq!(plan.lineage, None);
}
