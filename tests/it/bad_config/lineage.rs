//! Mistakes in `[lineage]`.

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
    insta::assert_snapshot!(bad("[lineage]\npath = \"lineage.ndjson\"\nurl = \"http://catalogue\"\n"), @r#"
    error: unknown key `url` in [lineage]
     --> touchline.toml:3:1
      |
    3 | url = "http://catalogue"
      | ^^^
      |
      = hint: the keys here are `path`, `namespace`, `parent`
    "#);
}
