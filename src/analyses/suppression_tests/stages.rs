//! Stages and conversions of segments.

use proptest::prelude::*;

use super::*;
use crate::analyses::testing::Bench;
use crate::analyses::{Segments, StageFunnel};
use crate::config::plan::{DAY_US, StageMode};
use crate::journey::Dimension;
use crate::journey::dimensions::DimensionSource;
use crate::journey::testing::World;

const STAGES: [&str; 3] = ["A", "B", "C"];
/// The first is of the rows of a stage.
const CONVERSIONS: [&str; 2] = ["C", "buy"];
const COUNTRIES: [&str; 6] = ["at", "de", "es", "fr", "it", "pl"];

/// What may be known of a dimension: every count of the tables, and the equations.
///
/// A table with more counts of the dimension's cells adds them here, with its equations.
fn system(bench: &Bench, truth: &Bench, is_closed: bool, strict: bool) -> Option<System> {
    let tables = |bench: &Bench| bench.run(&Segments::new(bench.context()));
    let (published, true_tables) = (tables(bench), tables(truth));
    let names: Vec<String> = bench.run(&Segments::new(bench.context()))[0]
        .1
        .column("segment")
        .unwrap()
        .str()
        .unwrap()
        .iter()
        .flatten()
        .map(str::to_owned)
        .collect();
    let mut cells = names.clone();
    cells.dedup();
    // A dimension with a single cell is the whole.
    if cells.len() < 2 {
        return None;
    }
    let cell_of = |segment: &str| {
        if cells.iter().any(|cell| cell == segment) { segment.to_owned() } else { "(small)".to_owned() }
    };
    let mut system = System::default();
    let mut add = |table: usize, keys: &[&str], column: &str, most: Option<&BTreeMap<String, i128>>| {
        let mut sums: BTreeMap<Name, Option<i128>> = BTreeMap::new();
        for (keys, count) in counts(&true_tables[table].1, keys, column) {
            let name = (format!("{column} {}", keys[1..].join(" ")), cell_of(&keys[0]));
            let sum = sums.entry(name).or_insert(Some(0));
            *sum = sum.zip(count).map(|(sum, count)| sum + count);
        }
        for (keys, shown) in counts(&published[table].1, keys, column) {
            let name = (format!("{column} {}", keys[1..].join(" ")), keys[0].clone());
            let Some(truth) = sums[&name] else {
                assert_eq!(shown, None, "{name:?}");
                continue;
            };
            if let Some(most) = most {
                system.most.insert(name.clone(), most[&name.1]);
            }
            system.cell(name, truth, shown);
        }
    };
    add(0, &["segment", "target_kind", "target"], "customers", None);
    let customers: BTreeMap<String, i128> = {
        let shown = counts(&published[0].1, &["segment"], "customers");
        shown.into_iter().map(|(keys, count)| (keys[0].clone(), count.unwrap())).collect()
    };
    add(0, &["segment", "target_kind", "target"], "converted", Some(&customers));
    for column in ["entered", "progressed", "dropped", "immature", "entries_without_previous"] {
        add(1, &["segment", "stage"], column, Some(&customers));
    }
    // Totals are public.
    let mut totals: BTreeMap<String, Vec<Name>> = BTreeMap::new();
    for name in system.cells.keys() {
        totals.entry(name.0.clone()).or_default().push(name.clone());
    }
    for names in totals.into_values() {
        let sum = names.iter().map(|name| system.cells[name].0).sum();
        system.equation(names.into_iter().map(|name| (name, 1)).collect(), sum);
    }
    for cell in &cells {
        let name = |what: &str, of: &str| (format!("{what} {of}"), cell.clone());
        for (at, stage) in STAGES.into_iter().enumerate() {
            let entered = name("entered", stage);
            system.equation(vec![(entered.clone(), 1), (name("converted stage", stage), -1)], 0);
            let Some(next) = STAGES.get(at + 1) else { continue };
            let parts = ["progressed", "dropped", "immature"].map(|what| (name(what, stage), -1));
            system.equation([&[(entered, 1)][..], &parts].concat(), 0);
            if is_closed {
                // Who enters after the stage before has progressed there.
                let after = [(name("entered", next), 1), (name("entries_without_previous", next), -1)];
                system.equation([&after[..], &[(name("progressed", stage), -1)]].concat(), 0);
            }
        }
        if is_closed && !strict {
            // In order a conversion may come without the stages before its own.
            let twins = [(name("converted stage", "C"), 1), (name("converted conversion", "C"), -1)];
            system.equation(twins.to_vec(), 0);
        }
    }
    Some(system)
}

/// Journeys of customers, most of whom stop somewhere on a common way.
fn journeys() -> impl Strategy<Value = Vec<String>> {
    let usual = prop::sample::select(vec!["", "A", "A B", "A B C", "A B C buy", "x", "x buy"]);
    let any = prop::collection::vec(prop::sample::select(vec!["A", "B", "C", "buy", "x", "A+C"]), 1..5)
        .prop_map(|labels| labels.join(" "));
    let way = prop_oneof![4 => usual.prop_map(str::to_owned), 1 => any];
    let journey = (way, 0_i64..25, prop::sample::select(&COUNTRIES[..]));
    prop::collection::vec((journey, 1_usize..9), 2..16).prop_map(|journeys| {
        let text = |((way, day, country), times): ((String, i64, &str), usize)| {
            let rows: Vec<String> = way
                .split_whitespace()
                .enumerate()
                .map(|(at, label)| format!("{label} d{} =100", day + at as i64))
                .collect();
            vec![format!("{}, x d26 | | {country}", rows.join(", ")); times]
        };
        journeys.into_iter().flat_map(text).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn no_hidden_count_can_be_found(
        texts in journeys(),
        strict in any::<bool>(),
        window in prop::option::of(1_i64..30),
        from in prop_oneof![3 => Just(0_i64), 1 => 1_i64..20],
        min_customers in 2_u64..12,
    ) {
        let bench = |min_customers| {
            let mut world = World::new(&STAGES, &CONVERSIONS).with_attributes(&COUNTRIES);
            world.rules.stage_mode = if strict { StageMode::Ordered } else { StageMode::Any };
            world.rules.stage_window_us = window.map(|days| days * DAY_US);
            world.rules.from_us = from * DAY_US;
            let mut bench = Bench::new(world, &texts);
            bench.plan.segments.min_customers = min_customers;
            bench.dimensions =
                vec![Dimension::new("country", DimensionSource::Attribute(0), &bench.world.attributes)];
            bench
        };
        let (shown, truth) = (bench(min_customers), bench(1));
        // Without context or windows who progresses and who enters next are the same.
        let is_closed = window.is_none() && from == 0;
        let Some(system) = system(&shown, &truth, is_closed, strict) else { return Ok(()) };
        prop_assert_eq!(system.determined(), Vec::new(), "{:?}", system);
        prop_assert_eq!(system.unique(), None, "{:?}", system);
        let few = |(count, shown): &(i128, bool)| *shown && (1..=2).contains(count);
        prop_assert!(!system.cells.values().any(few), "{:?}", system.cells);
        // Totals of the whole are public.
        let totals = shown.run(&StageFunnel::new(shown.context())).remove(0).1;
        prop_assert_eq!(totals.column("entered").unwrap().null_count(), 0);
    }
}
