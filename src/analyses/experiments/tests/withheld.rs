//! Small cells.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::journey::Dimension;
use crate::journey::dimensions::DimensionSource;

const COUNTRIES: [&str; 3] = ["de", "fr", "it"];

fn split(journeys: &[(usize, String)], min_customers: u64) -> Bench {
    let metrics = vec![visits(), metric("buy", MetricKind::Mean, MetricOf::Value, None)];
    let mut bench = bench(journeys, &["none", "mens"], metrics);
    bench.plan.segments.min_customers = min_customers;
    bench.dimensions = vec![Dimension::new("country", DimensionSource::Attribute(0), &world().attributes)];
    bench
}

/// Customers of a country, by variant: those who visit, and those who don't.
fn country(name: &str, counts: [[usize; 2]; 2]) -> Vec<(usize, String)> {
    let mut journeys = Vec::new();
    for (variant, [visit, others]) in ["none", "mens"].iter().zip(counts) {
        journeys.push((visit, format!("visit d1 | mail/{variant} d0 | {name}")));
        journeys.push((others, format!("x d1 | mail/{variant} d0 | {name}")));
    }
    journeys
}

#[test]
fn one_or_two_are_withheld_with_enough_others() {
    let shown = |de, fr, it, min_customers| {
        let journeys = [country("de", de), country("fr", fr), country("it", it)].concat();
        let (results, _) = tables(&split(&journeys, min_customers));
        let all = show(&results, &["metric", "segment", "customers", "note"]);
        all.lines().filter(|line| !line.contains(" all ")).map(str::to_owned).collect::<Vec<_>>().join("\n")
    };
    let plenty = [[50, 50], [50, 50]];
    // Two customers of Italy's variant don't visit: France, as the next smallest, is withheld with it, for
    // visits only.
    let expected = "\
visit de 100 -
visit fr - withheld
visit it - withheld
buy de 100 zero_variance; zero_control_mean
buy fr 60 zero_variance; zero_control_mean
buy it 40 zero_variance; zero_control_mean";
    assert_eq!(shown(plenty, [[30, 30], [30, 30]], [[20, 20], [38, 2]], 10), expected);
    assert!(!shown(plenty, plenty, [[20, 20], [38, 2]], 1).contains("withheld"));
    // Two customers in an arm: for all metrics.
    let expected = "\
visit de 100 -
visit fr - withheld
visit it - withheld
buy de 100 zero_variance; zero_control_mean
buy fr - withheld
buy it - withheld";
    assert_eq!(shown(plenty, [[30, 30], [30, 30]], [[20, 20], [1, 1]], 10), expected);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn what_is_withheld_cannot_be_worked_out(counts in prop::collection::vec(0_usize..14, 12)) {
        let journeys: Vec<(usize, String)> = COUNTRIES
            .iter()
            .zip(counts.chunks(4))
            .flat_map(|(name, of)| country(name, [[of[0], of[1]], [of[2], of[3]]]))
            .collect();
        let bench = split(&journeys, 5);
        let frames = bench.run_in_any_order(&Experiments::new(bench.context()));
        let results = &frames[0].1;
        let text = |column: &str, at: usize| results.column(column).unwrap().str().unwrap().get(at);
        let count = |column: &str, at: usize| results.column(column).unwrap().i64().unwrap().get(at);
        let mut cells: BTreeMap<&str, Vec<Option<[i64; 4]>>> = BTreeMap::new();
        let mut hidden: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        let visits_of = |at: usize, arm: &str, customers: &str| {
            let rate = results.column(arm).unwrap().f64().unwrap().get(at).unwrap_or(0.0);
            (rate * count(customers, at).unwrap() as f64).round() as i64
        };
        for at in 0..results.height() {
            if text("dimension", at) != Some("country") {
                continue;
            }
            let metric = text("metric", at).unwrap();
            let segment = text("segment", at).unwrap();
            if text("note", at).is_some_and(|note| note.contains("withheld")) {
                prop_assert_eq!(count("customers", at), None);
                hidden.entry(metric).or_default().insert(segment);
                cells.entry(metric).or_default().push(None);
                continue;
            }
            let customers = [count("customers", at).unwrap(), count("control_customers", at).unwrap()];
            let visits = match metric {
                "visit" => [visits_of(at, "mean", "customers"), visits_of(at, "control_mean", "control_customers")],
                _ => [0, 0],
            };
            cells.entry(metric).or_default().push(Some([customers[0], customers[1], visits[0], visits[1]]));
            for (customers, visits) in customers.into_iter().zip(visits) {
                prop_assert!(![1, 2].contains(&customers), "{} of {segment}", customers);
                if metric == "visit" {
                    prop_assert!(![1, 2].contains(&visits) && ![1, 2].contains(&(customers - visits)));
                }
            }
        }
        for (metric, cells) in &cells {
            let hidden = cells.iter().filter(|cell| cell.is_none()).count();
            prop_assert!(hidden != 1 || cells.len() == 1, "one cell of {metric} is what is left of the whole");
        }
    }
}
