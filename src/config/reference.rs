//! Holds the reference page to the schema: every key stands in it, and nothing else does.

use std::collections::BTreeSet;
use std::path::Path;

use super::{ErrorKind, Overrides, parse};

const PAGE: &str = include_str!("../../docs/configuration.md");

/// A key that exists nowhere and is near none.
const PROBE: &str = "qqqqqqqqqqqqqqqq";

/// Sections whose keys are names that the user gives.
const NAMED: [&str; 3] = ["conversions", "metrics", "experiments"];

/// Keys of a section, as an unknown one is told; none where the path is no section.
fn keys(section: &str) -> Option<Vec<String>> {
    let text = if section.is_empty() { format!("{PROBE} = 0") } else { format!("{section}.{PROBE} = 0") };
    let errors = parse(&text, Path::new("touchline.toml"), &Overrides::default(), &|_| None).err()?;
    let unknown = errors.errors().iter().find(|error| error.kind == ErrorKind::UnknownKey)?;
    let hint = unknown.hint.as_deref()?.strip_prefix("the keys here are ")?;
    assert!(!hint.contains(" more"), "the hint is cut: {hint}");
    Some(hint.split(", ").map(|key| key.trim_matches('`').to_owned()).collect())
}

fn leaves(section: &str, into: &mut BTreeSet<String>) {
    for key in keys(section).unwrap_or_default() {
        let path = if section.is_empty() { key.clone() } else { format!("{section}.{key}") };
        let path = if NAMED.contains(&path.as_str()) { format!("{path}.NAME") } else { path };
        if path == "conversions.NAME" {
            into.extend(["value", "orders", "COLUMN"].map(|key| format!("{path}.{key}")));
        } else if keys(&path).is_some() {
            leaves(&path, into);
        } else {
            into.insert(path);
        }
    }
}

#[test]
fn the_page_lists_exactly_the_keys_of_the_schema() {
    let mut schema = BTreeSet::new();
    leaves("", &mut schema);
    assert!(schema.len() > 50, "{schema:?}");
    let rows = PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    let page: BTreeSet<String> =
        rows.map(|(key, _)| key.to_owned()).filter(|key| key.contains('.')).collect();
    let missing: Vec<_> = schema.difference(&page).collect();
    let surplus: Vec<_> = page.difference(&schema).collect();
    assert!(
        missing.is_empty() && surplus.is_empty(),
        "not in the page: {missing:?}\nnot in the schema: {surplus:?}"
    );
}

#[test]
fn the_page_names_every_preset_with_its_stages() {
    for preset in &super::presets::PRESETS {
        let stages: Vec<String> = preset.stages.iter().map(|(stage, _)| format!("`{stage}`")).collect();
        let row = format!("| `{}` | {} |", preset.name, stages.join(" → "));
        assert!(PAGE.contains(&row), "{row}");
    }
}

#[test]
fn the_examples_of_the_page_are_accepted() {
    let blocks: Vec<&str> =
        PAGE.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert!(blocks.len() > 1);
    for block in blocks {
        // Those after the first show one section.
        let touchpoints =
            if block.contains("touchpoints") { "" } else { "[inputs.touchpoints]\npath = \"x\"\n" };
        let example = format!("{block}{touchpoints}");
        if let Err(errors) = parse(&example, Path::new("touchline.toml"), &Overrides::default(), &|_| None) {
            panic!("{errors}");
        }
    }
}

#[test]
fn every_key_survives_every_value() {
    let everything = include_str!("../../tests/it/everything.toml");
    let values = [
        "",
        " ",
        "\"\"",
        "-1",
        "0",
        "nan",
        "inf",
        "-inf",
        "1e308",
        "9223372036854775807",
        "99999999999999999999",
        "[]",
        "[[]]",
        "[\"\"]",
        "[1]",
        "{}",
        "{a={}}",
        "{a=1,b=1e308}",
        "true",
        "2026-01-01",
        "9999-12-31",
        "-9999-01-01",
        "0000-01-01T00:00:00Z",
        "\"\\u0000\"",
        "\u{1f4a5}",
        "${",
        "${X}",
        "${X:-}",
        "$${",
        "*",
        "(x)",
        "\"a\\nb\"",
        "/",
        "..",
        "36500d",
        "[{}]",
        "[{event=[]}]",
        "[{event=\"\"}]",
        "'''x'''",
    ];
    let mut schema = BTreeSet::new();
    leaves("", &mut schema);
    for key in &schema {
        let key = key.replace("touchpoints", "touchpoints.0").replace("metrics.NAME", "metrics.revenue");
        let key = key.replace("conversions.NAME", "conversions.sign_up").replace("NAME", "checkout");
        for value in values {
            let overrides = Overrides { set: vec![format!("{key}={value}")], ..Overrides::default() };
            if let Err(errors) = parse(everything, Path::new("touchline.toml"), &overrides, &|_| None) {
                for error in errors.errors() {
                    assert!(error.hint.is_some(), "no hint:\n{}", error.plain());
                }
            }
        }
    }
}
