//! Arms of experiments by segment, beside the segments themselves: no equation determines one. Bounds still may, where an
//! arm has hardly anybody; docs/segments.md says so.

use proptest::prelude::*;

use super::*;
use crate::analyses::suppression::Withheld;
use crate::analyses::testing::Bench;
use crate::analyses::{Experiments, Segments};
use crate::config::plan::{
    Correction, DAY_US, ExperimentPlan, LiftPrior, MetricKind, MetricOf, MetricPlan, Quantity,
};
use crate::journey::Dimension;
use crate::journey::dimensions::DimensionSource;
use crate::journey::testing::World;
use crate::stats::sequential;

const COUNTRIES: [&str; 4] = ["at", "de", "es", "fr"];
const VARIANTS: [&str; 2] = ["a", "b"];

/// Three metrics of one conversion, one of them of its first week only.
fn metrics() -> Vec<MetricPlan> {
    let quantity = |of| Quantity { conversion: Some(0), of };
    let metric = |name: &str, kind, window_us| MetricPlan {
        name: name.to_owned(),
        kind,
        window_us,
        good_up: true,
        cap: None,
    };
    vec![
        metric("rate", MetricKind::Proportion(quantity(MetricOf::Count)), None),
        metric("orders", MetricKind::Mean(quantity(MetricOf::Count)), None),
        metric("week", MetricKind::Proportion(quantity(MetricOf::Count)), Some(7 * DAY_US)),
        metric("revenue", MetricKind::Mean(quantity(MetricOf::Value)), None),
    ]
}

fn bench(texts: &[String], min_customers: u64) -> Bench {
    let names: Vec<String> = VARIANTS.iter().map(|variant| format!("test/{variant}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let world = World::new(&[], &["buy"]).with_attributes(&COUNTRIES).with_assignments(&names);
    let mut bench = Bench::new(world, texts);
    bench.plan.segments.min_customers = min_customers;
    bench.plan.metrics = metrics();
    bench.plan.experiments = vec![ExperimentPlan {
        name: "test".to_owned(),
        control: "a".to_owned(),
        weights: VARIANTS.iter().map(|name| (name.to_string(), 0.5)).collect(),
        metrics: vec![0, 1, 2],
        guardrails: vec![3],
        pre_period_us: None,
        alpha: 0.05,
        correction: Correction::BenjaminiHochberg,
        sequential: false,
        sequential_tuning: sequential::DEFAULT_TUNING_CUSTOMERS,
        prior: LiftPrior::Flat,
        flat_within: None,
        target_lift: None,
    }];
    bench.dimensions =
        vec![Dimension::new("country", DimensionSource::Attribute(0), &bench.world.attributes)];
    bench
}

/// Customers of an arm and rows or customers of a metric, by variant, metric and segment. None: null.
type Arms = BTreeMap<(String, String, String), Option<(i128, i128)>>;

/// What the table says of the segments of a dimension, `all` for the whole.
fn arms(frame: &DataFrame) -> Arms {
    let text =
        |column: &str, at: usize| frame.column(column).unwrap().str().unwrap().get(at).unwrap().to_owned();
    let arm = |customers: &str, mean: &str, at: usize| {
        let customers = frame.column(customers).unwrap().i64().unwrap().get(at)?;
        let mean = frame.column(mean).unwrap().f64().unwrap().get(at);
        // Nobody: no mean.
        let count = mean.map_or(0, |mean| (mean * customers as f64).round() as i128);
        Some((i128::from(customers), count))
    };
    let mut arms = Arms::new();
    for at in 0..frame.height() {
        let (metric, segment) = (text("metric", at), text("segment", at));
        for (variant, customers, mean) in [
            (text("variant", at), "customers", "mean"),
            ("a".to_owned(), "control_customers", "control_mean"),
        ] {
            // The control has a row for each variant.
            let own = arms.entry((variant, metric.clone(), segment.clone())).or_insert(None);
            *own = own.or(arm(customers, mean, at));
        }
    }
    arms
}

/// What may be known: the arms by segment, their sums, and, as all customers take part, those of the segments.
fn system(shown: &Bench, truth: &Bench) -> Option<System> {
    let tables = |bench: &Bench| {
        let mut withheld = Withheld::new();
        let segments = bench.run_after(&Segments::new(bench.context()), &mut withheld).remove(0).1;
        let results = bench.run_after(&Experiments::new(bench.context()), &mut withheld).remove(0).1;
        let count = |column| -> BTreeMap<String, Option<i128>> {
            counts(&segments, &["segment"], column)
                .into_iter()
                .map(|(mut keys, count)| (keys.remove(0), count))
                .collect()
        };
        (count("customers"), count("converted"), arms(&results))
    };
    let (customers, converted, shown) = tables(shown);
    let (_, all_converted, truth) = tables(truth);
    let cells: Vec<&String> = customers.keys().collect();
    if cells.len() < 2 {
        return None;
    }
    let cell_of = |segment: &str| {
        if customers.contains_key(segment) { segment.to_owned() } else { "(small)".to_owned() }
    };
    let mut system = System::default();
    let name = |what: &str, variant: &str, cell: &str| (format!("{what} {variant}"), cell.to_owned());
    // Of the segments.
    for (cell, shown) in &converted {
        let of_cell = all_converted.iter().filter(|(segment, _)| cell_of(segment) == *cell);
        system.cell(name("converted", "all", cell), of_cell.map(|(_, count)| count.unwrap()).sum(), *shown);
    }
    let sum_of = |system: &mut System, what: &str, variant: &str| {
        let what = format!("{what} {variant}");
        let names: Vec<Name> = system.cells.keys().filter(|(own, _)| *own == what).cloned().collect();
        let sum = names.iter().map(|name| system.cells[name].0).sum();
        system.equation(names.into_iter().map(|name| (name, 1)).collect(), sum);
    };
    sum_of(&mut system, "converted", "all");
    for variant in VARIANTS {
        for metric in ["rate", "orders", "week"] {
            for cell in &cells {
                let key = |segment: &str| (variant.to_owned(), metric.to_owned(), segment.to_owned());
                let of_cell: Vec<(i128, i128)> = truth
                    .iter()
                    .filter(|((own, of, segment), _)| {
                        own == variant && of == metric && segment != "all" && cell_of(segment) == **cell
                    })
                    .map(|(_, arm)| arm.unwrap())
                    .collect();
                let (all, count) = of_cell.iter().fold((0, 0), |sum, arm| (sum.0 + arm.0, sum.1 + arm.1));
                // A cell without customers of the experiment has no rows, which says as much.
                let row = shown.get(&key(cell)).copied().unwrap_or(Some((0, 0)));
                let window = if metric == "week" { "customers of week" } else { "customers" };
                let known = system.cells.get(&name(window, variant, cell)).is_some_and(|(_, shown)| *shown);
                let own = row.map(|(customers, _)| customers).or(known.then_some(all));
                system.cell(name(window, variant, cell), all, own);
                system.cell(name(metric, variant, cell), count, row.map(|(_, count)| count));
                if metric != "orders" {
                    system.cell(
                        name(&format!("no {metric}"), variant, cell),
                        all - count,
                        row.map(|(all, count)| all - count),
                    );
                }
            }
            sum_of(&mut system, metric, variant);
        }
        // Of one or two altogether the whole tells, which is public.
        let total = |what: &str| {
            let what = format!("{what} {variant}");
            system
                .cells
                .iter()
                .filter(|((own, _), _)| *own == what)
                .map(|(_, (truth, _))| truth)
                .sum::<i128>()
        };
        let counted = ["customers", "customers of week", "rate", "no rate", "week", "no week"];
        if counted.into_iter().any(|what| (1..=2).contains(&total(what))) {
            return None;
        }
        for window in ["customers", "customers of week"] {
            sum_of(&mut system, window, variant);
        }
        for cell in &cells {
            for (metric, window) in [("rate", "customers"), ("week", "customers of week")] {
                let terms = [
                    (name(metric, variant, cell), 1),
                    (name(&format!("no {metric}"), variant, cell), 1),
                    (name(window, variant, cell), -1),
                ];
                system.equation(terms.to_vec(), 0);
            }
        }
    }
    for cell in &cells {
        // Everybody is in an arm, assigned before anything happened.
        let terms = |what: &str| VARIANTS.map(|variant| (name(what, variant, cell), 1)).to_vec();
        system.equation(terms("customers"), customers[*cell].unwrap());
        system.equation([terms("rate"), vec![(name("converted", "all", cell), -1)]].concat(), 0);
    }
    // Where nobody orders twice orders are customers, which the sums of both tell.
    for variant in VARIANTS {
        let total = |metric: &str| {
            cells.iter().map(|cell| system.cells[&name(metric, variant, cell)].0).sum::<i128>()
        };
        if total("rate") == total("orders") {
            for cell in &cells {
                system
                    .equation(vec![(name("rate", variant, cell), 1), (name("orders", variant, cell), -1)], 0);
            }
        }
    }
    Some(system)
}

fn journeys() -> impl Strategy<Value = Vec<String>> {
    let way = prop_oneof![
        4 => Just("x d1".to_owned()),
        4 => (1_i64..20).prop_map(|day| format!("buy d{day} =100")),
        1 => (1_i64..10).prop_map(|day| format!("buy d{day} =100, buy d{} =200", day + 5)),
    ];
    let journey = (way, prop::sample::select(&VARIANTS[..]), prop::sample::select(&COUNTRIES[..]));
    prop::collection::vec((journey, 1_usize..9), 4..24).prop_map(|journeys| {
        let text = |((way, variant, country), times): ((String, &str, &str), usize)| {
            vec![format!("x d0, {way} | test/{variant} d0 | {country}"); times]
        };
        journeys.into_iter().flat_map(text).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn no_hidden_arm_can_be_found(texts in journeys(), min_customers in 2_u64..12) {
        let Some(system) = system(&bench(&texts, min_customers), &bench(&texts, 1)) else { return Ok(()) };
        prop_assert_eq!(system.determined(), Vec::new(), "{:?}", system);
        let few = |(count, shown): &(i128, bool)| *shown && (1..=2).contains(count);
        prop_assert!(!system.cells.values().any(few), "{:?}", system.cells);
    }
}
