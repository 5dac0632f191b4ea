use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::*;
use crate::analyses::StageFunnel;
use crate::analyses::testing::{Bench, figure, journey_texts, show};
use crate::config::plan::{Correction, StageMode};
use crate::journey::Dimension;
use crate::journey::dimensions::DimensionSource;
use crate::journey::testing::World;

const COUNTS: [&str; 6] = ["segment", "target_kind", "target", "customers", "converted", "rate"];

/// Journeys of one attribute, of which some lines are repeated.
fn bench(journeys: &[(usize, &str)], min_customers: u64) -> Bench {
    let texts: Vec<&str> = journeys.iter().flat_map(|(times, text)| vec![*text; *times]).collect();
    let world = World::new(&["visit"], &["buy"]).with_attributes(&["at", "de", "fr", "it", "pl", "(none)"]);
    let mut bench = Bench::new(world, &texts);
    bench.dimensions =
        vec![Dimension::new("country", DimensionSource::Attribute(0), &bench.world.attributes)];
    bench.plan.segments.min_customers = min_customers;
    bench
}

fn table(bench: &Bench) -> DataFrame {
    bench.run(&Segments::new(bench.context())).remove(0).1
}

#[test]
fn the_first_row_in_the_window_starts_the_clock() {
    let journeys = [
        // Only what lies in the window counts: the first visit was before it, and so was a purchase.
        (1, "visit d-2, buy d-1 =500, x d1/00:00, buy d1/02:00 =1000, buy d2 =250 | | de"),
        (1, "visit d0, x d29/23:59:59.999999 | | de"),
        (1, "buy d-1/23:59:59.999999 =900, buy d30 =900 | | de"),
        (1, "visit d5, buy d5 =0"),
    ];
    let bench = bench(&journeys, 1);
    let frame = table(&bench);
    let expected = "\
(none) stage visit 1 1 1
(none) conversion buy 1 1 1
de stage visit 2 1 0.5
de conversion buy 2 1 0.5";
    assert_eq!(show(&frame, &COUNTS), expected);
    let columns = ["median_hours_to_convert", "value_per_customer", "rest_rate", "relative_lift", "note"];
    assert_eq!(show(&frame, &columns), "0 - 0.5 1 -\n0 0 0.5 1 -\n0 - 1 -0.5 -\n2 6.25 1 -0.5 -");
}

#[test]
fn figures_match_published_values() {
    // statsmodels 0.15.0 (proportion_confint, confint_proportions_2indep, proportions_ztest), MineThatData
    // e-mail challenge, visits: men's e-mail 3,894 of 21,307, none 2,262 of 21,306.
    let journeys = [
        (3894, "visit d1 | | de"),
        (21307 - 3894, "x d1 | | de"),
        (2262, "visit d1 | | at"),
        (21306 - 2262, "x d1 | | at"),
    ];
    let frame = table(&bench(&journeys, 10));
    let of = |column| figure(&frame, &[("segment", "de"), ("target", "visit")], column).unwrap();
    for (column, expected) in [
        ("rate", 0.18275684047496127),
        ("rate_low", 0.17762499082168498),
        ("rate_high", 0.18800306163588704),
        ("rest_rate", 0.10616727682343002),
        ("difference", 0.07658956365153125),
        ("difference_low", 0.06995330808373154),
        ("difference_high", 0.08322674127411137),
        ("relative_lift", 0.721404616781399),
        ("p_value", 5.685165482802317e-112),
    ] {
        let found = of(column);
        assert!((found / expected - 1.0).abs() < 1e-10, "{column}: {found} is not {expected}");
    }
    assert_eq!(of("p_value"), of("q_value"), "both rows test the same");
}

#[test]
fn small_segments_merge_until_nobody_can_tell_them_apart() {
    let journeys = [
        (40, "x d1 | | de"),
        (10, "visit d1 | | at"),
        (9, "visit d1 | | fr"),
        (12, "x d1 | | it"),
        (30, "x d1"),
    ];
    // fr alone is one segment; at is the next smallest.
    let expected = "\
(none) stage visit 30 0 0
(none) conversion buy 30 0 0
(small) stage visit 19 19 1
(small) conversion buy 19 0 0
de stage visit 40 0 0
de conversion buy 40 0 0
it stage visit 12 0 0
it conversion buy 12 0 0";
    assert_eq!(show(&table(&bench(&journeys, 10)), &COUNTS), expected);
    // Nothing is below five.
    assert!(!show(&table(&bench(&journeys, 5)), &COUNTS).contains("(small)"));
    // fr, at and it are below 20; together they suffice.
    assert!(show(&table(&bench(&journeys, 20)), &COUNTS).contains("(small) stage visit 31 19 0.613"));
    // Everything together is below 200.
    assert_eq!(
        show(&table(&bench(&journeys, 200)), &COUNTS),
        "(small) stage visit 101 19 0.188\n(small) conversion buy 101 0 0"
    );
}

#[test]
fn a_value_that_reads_like_a_reserved_name_joins_it() {
    let frame = table(&bench(&[(1, "visit d1 | | (none)"), (1, "x d1")], 1));
    assert_eq!(show(&frame, &COUNTS), "(none) stage visit 2 1 0.5\n(none) conversion buy 2 0 0");
}

#[test]
fn one_or_two_customers_are_withheld() {
    let journeys = [(2, "visit d1 | | de"), (28, "x d1 | | de"), (29, "visit d1 | | at"), (3, "x d1 | | at")];
    let columns = ["segment", "customers", "converted", "rate", "rest_rate", "p_value", "note"];
    let shown = |journeys: &[_], min| show(&table(&bench(journeys, min)), &columns);
    let visits: Vec<String> = shown(&journeys, 10).lines().step_by(2).map(str::to_owned).collect();
    // What is left of both is de's two: nothing can be said of at either.
    assert_eq!(visits, ["at 32 - - - - withheld", "de 30 - - - - withheld"]);
    // So is a complement of one or two, and the only other segment with it.
    let complement = shown(&[(29, "visit d1 | | de"), (1, "x d1 | | de"), (12, "x d1 | | at")], 10);
    assert!(complement.contains("at 12 - - - - withheld\nat 12 0 0 0 - "), "{complement}");
    assert!(complement.contains("de 30 - - - - withheld"), "{complement}");
    // A single cell is the whole, which other tables show.
    let whole = shown(&[(2, "visit d1 | | de")], 10);
    assert_eq!(whole, "(small) 2 2 1 - - all_small; no_rest\n(small) 2 0 0 - - all_small; no_rest");
    assert!(!shown(&journeys, 1).contains("withheld"), "1 turns it off");
}

#[test]
fn one_customer_and_none() {
    let frame = table(&bench(&[(1, "visit d1 | | de")], 1));
    let columns = ["segment", "rate", "rate_low", "rest_rate", "difference_low", "p_value", "note"];
    assert_eq!(show(&frame, &columns), "de 1 0.207 - - - no_rest\nde 0 0 - - - no_rest");
    // Rows before the window only, or none at all, are not in the population.
    assert_eq!(table(&bench(&[(1, "visit d-1 | | de"), (1, "")], 1)).shape(), (0, 26));
    assert_eq!(table(&bench(&[], 10)).height(), 0);
}

#[test]
fn nobody_converts() {
    let frame = table(&bench(&[(1, "x d1 | | de"), (1, "x d1 | | at")], 1));
    let columns = ["rate", "rest_rate", "difference", "relative_lift", "p_value", "q_value", "note"];
    assert!(
        show(&frame, &columns).lines().all(|line| line == "0 0 0 - - - zero_variance; zero_rest_rate"),
        "{frame}"
    );
}

#[test]
fn a_dimension_that_looks_ahead_is_marked() {
    let mut bench = bench(&[(3, "visit d1 | | de"), (3, "x d1")], 1);
    // The rows have a codebook of their own; here the labels stand for one column.
    let book = World::new(&[], &[]).with_attributes(&["a", "b"]).attributes;
    bench.dimensions.push(Dimension::new("first_channel", DimensionSource::FirstTouch(0), &book));
    let frame = table(&bench);
    let shown = show(&frame, &["dimension", "note"]);
    assert_eq!(shown.lines().count(), 8, "{shown}");
    assert!(shown.lines().all(|line| line.starts_with("first_channel") == line.contains("descriptive")));
}

#[test]
fn q_values_are_per_target() {
    let journeys = [
        (8, "visit d1 | | de"),
        (12, "x d1 | | de"),
        (4, "visit d1, buy d2 | | at"),
        (16, "x d1 | | at"),
        (20, "x d1, buy d2 | | fr"),
    ];
    let frame = table(&bench(&journeys, 10));
    for target in ["visit", "buy"] {
        let of =
            |segment, column| figure(&frame, &[("segment", segment), ("target", target)], column).unwrap();
        let p = ["at", "de", "fr"].map(|segment| of(segment, "p_value"));
        let q = ["at", "de", "fr"].map(|segment| of(segment, "q_value"));
        let expected = crate::stats::multiplicity::benjamini_hochberg(&p.map(Some));
        assert_eq!(q.map(Some).to_vec(), expected);
    }
}

#[test]
fn what_happens_at_a_stage_is_shown_up_to_where_it_is_too_little() {
    let journeys = [
        (20, "visit d1, look d2, buy d3 | | de"),
        (20, "visit d1, look d2 | | de"),
        (20, "visit d1 | | de"),
        (28, "visit d1, look d2/12:00, buy d4 | | at"),
        (2, "visit d1, look d2/12:00 | | at"),
        (10, "visit d1, look d2, buy d2 | | fr"),
        (10, "visit d1, look d2 | | fr"),
        (40, "visit d1 | | fr"),
    ];
    let world = World::new(&["visit", "look", "buy"], &["buy"]).with_attributes(&["at", "de", "fr"]);
    let texts: Vec<&str> = journeys.iter().flat_map(|(times, text)| vec![*text; *times]).collect();
    let mut bench = Bench::new(world, &texts);
    bench.dimensions =
        vec![Dimension::new("country", DimensionSource::Attribute(0), &bench.world.attributes)];
    let frames = bench.run(&Segments::new(bench.context()));
    let funnel = &frames[1].1;
    let columns = ["segment", "stage", "entered", "progressed", "dropped", "immature", "note"];
    // Two of at dropped after look: so what becomes of look is withheld, and with it who buys; the same of fr, which is
    // the next smallest. Those of de would do, but who bought and who didn't must not be found either.
    let expected = "\
at visit 30 30 0 0 -
at look 30 - - - withheld
at buy - - - - withheld
de visit 60 40 20 0 -
de look 40 20 20 0 -
de buy 20 - - - -
fr visit 60 20 40 0 -
fr look 20 - - - withheld
fr buy - - - - withheld";
    assert_eq!(show(funnel, &columns), expected);
    // The conversion is of the rows of the last stage: it would show them.
    let converted = show(&frames[0].1, &["segment", "target_kind", "target", "converted"]);
    assert_eq!(
        converted.lines().filter(|line| line.contains("buy")).collect::<Vec<_>>(),
        [
            "at stage buy -",
            "at conversion buy -",
            "de stage buy 20",
            "de conversion buy 20",
            "fr stage buy -",
            "fr conversion buy -"
        ]
    );
    let hours =
        ["median_hours_to_next", "median_hours_to_next_low", "p90_hours_to_next_high", "share_of_first"];
    // Off the bins by at most 0.1 %; 30 are too few for a bound of the 90th percentile.
    assert_eq!(show(funnel, &hours).lines().next(), Some("35.999 35.996 - 1"));
}

#[test]
fn value_per_customer_has_an_interval_where_enough_convert() {
    let journeys = [(30, "buy d1 =1000 | | de"), (30, "buy d1 =2500 | | de"), (40, "x d1 | | de")];
    let frame = table(&bench(&journeys, 10));
    let of = |column| figure(&frame, &[("segment", "de"), ("target", "buy")], column);
    // Mean 10.50 of 100; variance (30·100 + 30·625 − 100·10.5²)/99 = 108.3333; t of 99 degrees 1.984216951564.
    assert_eq!(of("value_per_customer"), Some(10.5));
    let half = 1.984216951564 * (10725.0_f64 / 99.0 / 100.0).sqrt();
    for (column, expected) in
        [("value_per_customer_low", 10.5 - half), ("value_per_customer_high", 10.5 + half)]
    {
        assert!((of(column).unwrap() - expected).abs() < 1e-9, "{column}: {:?}, {expected}", of(column));
    }
    // 49 are too few.
    let few = table(&bench(&[(49, "buy d1 =1000 | | de"), (40, "x d1 | | de")], 10));
    let of = |column| figure(&few, &[("target", "buy")], column);
    assert_eq!([of("value_per_customer_low"), of("p90_hours_to_convert_low")], [None, Some(0.0)]);
}

#[test]
fn p_values_are_corrected_as_asked() {
    let journeys =
        [(8, "visit d1 | | de"), (12, "x d1 | | de"), (20, "visit d1 | | at"), (16, "x d1 | | fr")];
    let mut bench = bench(&journeys, 1);
    for (correction, adjust) in [
        (Correction::None, (|p: &[Option<f64>]| p.to_vec()) as fn(&[Option<f64>]) -> Vec<Option<f64>>),
        (Correction::Holm, crate::stats::multiplicity::holm),
        (Correction::BenjaminiHochberg, crate::stats::multiplicity::benjamini_hochberg),
    ] {
        bench.plan.segments.correction = correction;
        let frame = table(&bench);
        let of = |segment, column| figure(&frame, &[("segment", segment), ("target", "visit")], column);
        let column = |name| ["at", "de", "fr"].map(|segment| of(segment, name));
        assert_eq!(column("q_value").to_vec(), adjust(&column("p_value")), "{correction:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn the_order_of_journeys_never_shows(
        texts in journey_texts(&["visit", "buy", "visit+buy", "x"]),
        min_customers in 1_u64..12,
    ) {
        let countries = ["de", "at", "fr", ""];
        let texts: Vec<String> = texts
            .iter()
            .enumerate()
            .map(|(at, text)| format!("{text} | | {}", countries[at * at % 7 % 4]))
            .collect();
        let journeys: Vec<(usize, &str)> = texts.iter().map(|text| (1, text.as_str())).collect();
        let bench = bench(&journeys, min_customers);
        let frame = bench.run_in_any_order(&Segments::new(bench.context())).remove(0).1;
        // But for a single cell, which is the whole.
        let cells = frame.column("segment").unwrap().n_unique().unwrap();
        for customers in frame.column("customers").unwrap().i64().unwrap().iter() {
            prop_assert!(customers.is_some_and(|customers| customers > 2 || min_customers == 1 || cells == 1));
        }
    }

    /// A segment's funnel is the funnel of its customers.
    #[test]
    fn a_segment_is_a_population_of_its_own(
        texts in journey_texts(&["A", "B", "C", "A+C", "x"]),
        window in prop::option::of(1_i64..40),
        strict in any::<bool>(),
    ) {
        let countries = ["at", "de", ""];
        let of = |at: usize| countries[at * at % 5 % 3];
        let bench = |texts: &[String]| {
            let mut world = World::new(&["A", "B", "C"], &[]).with_attributes(&["at", "de"]);
            world.rules.stage_window_us = window.map(|days| days * crate::config::plan::DAY_US);
            world.rules.stage_mode = if strict { StageMode::Ordered } else { StageMode::Any };
            let mut bench = Bench::new(world, texts);
            bench.plan.segments.min_customers = 1;
            bench.dimensions =
                vec![Dimension::new("country", DimensionSource::Attribute(0), &bench.world.attributes)];
            bench
        };
        let text = |(at, text): (usize, &String)| format!("{text} | | {}", of(at));
        let all: Vec<String> = texts.iter().enumerate().map(text).collect();
        let whole = bench(&all);
        let found = whole.run_in_any_order(&Segments::new(whole.context())).remove(1).1;
        let mut columns: Vec<&str> = found.get_column_names().into_iter().map(|name| name.as_str()).collect();
        columns.retain(|name| !["dimension", "segment", "note"].contains(name));
        for (country, name) in countries.into_iter().zip(["at", "de", "(none)"]) {
            let own: Vec<String> =
                all.iter().enumerate().filter(|(at, _)| of(*at) == country).map(|(_, text)| text.clone()).collect();
            let part = bench(&own);
            let expected = part.run(&StageFunnel::new(part.context())).remove(0).1;
            let segments = show(&found, &["segment"]);
            let rows: Vec<String> = show(&found, &columns)
                .lines()
                .zip(segments.lines())
                .filter(|(_, segment)| *segment == name)
                .map(|(row, _)| row.to_owned())
                .collect();
            if !rows.is_empty() {
                prop_assert_eq!(rows.join("\n"), show(&expected, &columns));
            } else {
                // Nobody of them has a row in the window.
                prop_assert!(show(&expected, &["entered"]).lines().all(|entered| entered == "0"));
            }
        }
    }
}
