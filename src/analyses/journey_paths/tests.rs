use std::collections::{BTreeMap, BTreeSet};

use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::*;
use crate::analyses::testing::{Bench, show};
use crate::config::plan::PathTransform;
use crate::journey::testing::World;
use crate::journey::walk::Touch;

const COUNTS: [&str; 5] = ["path", "journeys", "conversions", "conversion_rate", "value"];

fn bench<T: AsRef<str>>(journeys: &[T]) -> Bench {
    let mut world = World::new(&[], &["buy"]);
    world.rules.channels = ["ads", "email", "search"].map(str::to_owned).to_vec();
    Bench::new(world, journeys)
}

fn paths(bench: &Bench) -> DataFrame {
    bench.run(&JourneyPaths::new(bench.context())).remove(0).1
}

#[test]
fn paths_come_with_what_became_of_them() {
    let frame = paths(&bench(&[
        "ads d1, email d2, buy d3 =100",
        "ads d1, email d1/06:00, buy d1/12:00 =250, search d5",
        "ads d1, email d2",
        "search d3",
        "buy d4 =9",
    ]));
    let expected = "\
ads > email 3 2 0.667 3.5 2 30.003
search 2 0 0 0 1 -
(unattributed) 1 1 - 0.09 0 -";
    let columns = [&COUNTS[..], &["median_touches", "median_hours"]].concat();
    assert_eq!(show(&frame, &columns), expected);
    assert_eq!(show(&frame, &["note"]), "few_buckets\nfew_buckets\nno_null_paths");
}

#[test]
fn ties_go_by_the_last_channel() {
    let frame =
        paths(&bench(&["search d1, ads d2", "ads d1, email d2", "ads d1", "email d1, ads d2", "ads d1"]));
    assert_eq!(show(&frame, &["path"]), "ads\nemail > ads\nsearch > ads\nads > email");
}

#[test]
fn a_long_path_stands_under_its_last_touches() {
    let touches = |count: usize| (0..count).map(|at| format!("ads d{at}")).collect::<Vec<_>>().join(", ");
    let frame = paths(&bench(&[touches(8), touches(9), format!("{}, buy d20 =10", touches(11))]));
    let ads = ["ads"; 8].join(" > ");
    let expected = format!("… > {ads} 2 1 0.5 0.1\n{ads} 1 0 0 0");
    assert_eq!(show(&frame, &COUNTS), expected);
    assert_eq!(show(&frame, &["median_touches", "median_hours"]), "10 479.869\n8 -");
}

#[test]
fn a_refund_lowers_value_but_was_no_journey() {
    let frame = paths(&bench(&["ads d1, buy d2 =100 #7, refund d3 =100 #7", "ads d1, buy d2 =50"]));
    assert_eq!(show(&frame, &COUNTS), "ads 2 2 1 0.5");
    let mut bench = bench(&["ads d1, buy d2 =100 #7, refund d3 =40 #7"]);
    bench.world.rules.from_us = 3 * crate::config::plan::DAY_US;
    let frame = paths(&bench);
    assert_eq!(show(&frame, &COUNTS), "ads 0 0 - -0.4");
    assert_eq!(show(&frame, &["median_touches", "note"]), "- undefined");
}

#[test]
fn without_null_paths_there_is_no_rate() {
    let mut bench = bench(&["ads d1, buy d2 =100", "ads d1"]);
    bench.world.rules.null_paths = false;
    let frame = paths(&bench);
    assert_eq!(show(&frame, &[&COUNTS[..], &["note"]].concat()), "ads 1 1 - 1 no_null_paths");
}

#[test]
fn a_rate_has_the_interval_of_the_bucket_jackknife() {
    // 64 buckets of one or two journeys, of which 40 convert.
    let journeys: Vec<&str> =
        (0..96).map(|at| if at % 12 < 5 { "ads d1, buy d2" } else { "ads d1" }).collect();
    let frame = paths(&bench(&journeys));
    assert_eq!(show(&frame, &COUNTS), "ads 96 40 0.417 0");
    let bound = |name: &str| frame.column(name).unwrap().f64().unwrap().get(0).unwrap();
    // By hand: logits of 95 or 94 journeys without the bucket, t of 63 degrees of freedom.
    let without = |bucket: usize| {
        let own: Vec<usize> = (0..96).filter(|at| at % 64 == bucket).collect();
        let converted = own.iter().filter(|at| *at % 12 < 5).count() as f64;
        ((40.0 - converted) / (96.0 - own.len() as f64 - 40.0 + converted)).ln()
    };
    let mean = (0..64).map(without).sum::<f64>() / 64.0;
    let variance = 63.0 / 64.0 * (0..64).map(|bucket| (without(bucket) - mean).powi(2)).sum::<f64>();
    let logit = |sign: f64| (40.0_f64 / 56.0).ln() + sign * 1.998_340_542_520_741_5 * variance.sqrt();
    for (name, sign) in [("conversion_rate_low", -1.0), ("conversion_rate_high", 1.0)] {
        let expected = 1.0 / (1.0 + (-logit(sign)).exp());
        assert!((bound(name) - expected).abs() < 1e-12, "{name}: {} instead of {expected}", bound(name));
    }
}

#[test]
fn all_but_a_thousand_paths_are_other() {
    // 3 + 9 + … + 729 paths of up to six touches, each once, and one of them twice.
    let mut journeys = Vec::new();
    for length in 1..=6_u32 {
        for number in 0..3_usize.pow(length) {
            let channel = |at: u32| ["ads", "email", "search"][number / 3_usize.pow(at) % 3];
            let touches: Vec<String> = (0..length).map(|at| format!("{} d{at}", channel(at))).collect();
            journeys.push(touches.join(", "));
        }
    }
    journeys.push("search d1, buy d2 =5".to_owned());
    let frame = paths(&bench(&journeys));
    assert_eq!(frame.height(), 1_001);
    let shown = show(&frame, &COUNTS);
    assert_eq!(shown.lines().next(), Some("search 2 1 0.5 0.05"));
    assert_eq!(shown.lines().last(), Some("(other) 92 0 0 0"));
}

#[test]
fn names_that_could_be_misread_are_quoted() {
    let mut rules = World::new(&[], &["buy"]).rules;
    rules.channels = ["(other)", "a > b", "say \"hi\"", "plain one"].map(str::to_owned).to_vec();
    let keys = Keys::new(&rules);
    let name = |path: &[u16]| {
        let touches: Vec<Touch> =
            path.iter().map(|channel| Touch { channel: *channel, ..Touch::default() }).collect();
        rows::name(keys, keys.key(&touches, keys.longest()), &rules.channels)
    };
    assert_eq!(name(&[0, 1, 2, 3]), "\"(other)\" > \"a > b\" > \"say \"\"hi\"\"\" > plain one");
}

#[test]
fn paths_are_as_attribution_merges_them() {
    let mut bench = bench(&[
        "ads d1, ads d2, email d3, ads d4, buy d5 =10",
        "ads d1, email d2",
        "ads d1, email d2, ads d3",
    ]);
    for (path, expected) in [
        (PathTransform::Exposure, "ads > email > ads 2 1 3.5\nads > email 1 0 2"),
        (PathTransform::First, "ads > email 3 1 3"),
        (
            PathTransform::Frequency,
            "ads(1) > email(1) 1 0 2\nads(2) > email(1) 1 0 3\nads(3) > email(1) 1 1 4",
        ),
    ] {
        bench.world.rules.path = path;
        let frame = paths(&bench);
        assert_eq!(
            show(&frame, &["path", "journeys", "conversions", "median_touches"]),
            expected,
            "{path:?}"
        );
    }
}

/// Channels of the touches, and whether the journey converts.
type Plain = (Vec<usize>, bool);

/// Counted as the definition says: the longest look that tells at most so many paths apart.
fn naive(journeys: &[Plain], most: usize) -> BTreeMap<String, (i64, i64)> {
    const NAMES: [&str; 3] = ["ads", "email", "search"];
    let named = |touches: &[usize], longest: usize| {
        let last = &touches[touches.len().saturating_sub(longest)..];
        let names: Vec<&str> = last.iter().map(|channel| NAMES[*channel]).collect();
        format!("{}{}", if last.len() < touches.len() { "… > " } else { "" }, names.join(" > "))
    };
    let look =
        |longest: usize| journeys.iter().map(|(touches, _)| named(touches, longest)).collect::<BTreeSet<_>>();
    let longest = (1..=8).rev().find(|longest| look(*longest).len() <= most).unwrap_or(1);
    let mut counts: BTreeMap<String, (i64, i64)> = BTreeMap::new();
    for (touches, converts) in journeys {
        let count = counts.entry(named(touches, longest)).or_default();
        *count = (count.0 + 1, count.1 + i64::from(*converts));
    }
    counts
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    /// Whatever the order, whoever counted, and however early there was too much of it.
    #[test]
    fn too_many_paths_are_told_apart_by_fewer_touches(
        journeys in prop::collection::vec((prop::collection::vec(0_usize..3, 1..12), any::<bool>()), 1..60),
        most in 6_usize..40,
        split in 1_usize..4,
    ) {
        let text = |(touches, converts): &Plain| {
            let touches = touches.iter().enumerate();
            let mut rows: Vec<String> =
                touches.map(|(at, channel)| format!("{} d{at}", ["ads", "email", "search"][*channel])).collect();
            rows.extend(converts.then(|| "buy d20 =100".to_owned()));
            rows.join(", ")
        };
        let mut bench = bench(&[""; 0]);
        let owned = bench.world.journeys(&journeys.iter().map(text).collect::<Vec<_>>());
        let analysis = JourneyPaths { most, ..JourneyPaths::new(bench.context()) };
        let mut partials: Vec<PathsPartial> = (0..split).map(|_| analysis.partial()).collect();
        for (at, journey) in owned.iter().enumerate().rev() {
            let walk = journey.walk(&bench.world.rules);
            let observed = Observed { journey: &journey.journey(), walk: &walk, segments: &[] };
            analysis.observe(observed, &mut partials[at % split]);
        }
        let mut merged = analysis.partial();
        for mut partial in partials {
            analysis.close(&mut partial);
            analysis.merge(&mut merged, partial);
        }
        prop_assert!(merged.sorted.paths.len() <= most);
        let frame = analysis.finish(vec![merged], &mut Withheld::new()).unwrap().remove(0).1;
        let column = |name: &str| frame.column(name).unwrap().i64().unwrap().to_vec();
        let found: BTreeMap<String, (i64, i64)> = show(&frame, &["path"])
            .lines()
            .zip(column("journeys").into_iter().zip(column("conversions")))
            .map(|(path, (journeys, conversions))| (path.to_owned(), (journeys.unwrap(), conversions.unwrap())))
            .collect();
        prop_assert_eq!(found, naive(&journeys, most));
        // What a path was too long for is known all the same.
        let medians = frame.column("median_touches").unwrap().f64().unwrap().to_vec();
        let all: usize = journeys.iter().map(|(touches, _)| touches.len()).max().unwrap();
        prop_assert!(medians.iter().flatten().all(|median| *median >= 1.0 && *median <= all as f64));
    }
}
