//! Every kind of mistake in a configuration: the message says what is wrong, where and how it is mended. A file for
//! each section.

use std::path::Path;

use proptest::prelude::*;
use touchline::config::{Overrides, parse};

mod attribution;
mod channels;
mod conversions;
mod experiments;
mod files;
mod inputs;
mod lineage;
mod metrics;
mod options;
mod output;
mod segments;
mod stages;
mod window;

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

/// A configuration with every key of this release.
const EVERYTHING: &str = include_str!("../everything.toml");

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
