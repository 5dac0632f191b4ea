//! What `generate` plants comes back from a whole run over the files that it writes.

use std::sync::OnceLock;

use polars::prelude::{AnyValue, DataFrame};
use touchline::config::{Overrides, load};
use touchline::engine::Budget;
use touchline::engine::work::Silent;
use touchline::generate::{
    CHANNELS, DEVICES, Options, STAGES, Summary, UNTOUCHED_CHANNEL, generate, planted,
};
use touchline::job;

const CUSTOMERS: u64 = 12_000;
const DAYS: u32 = 90;
const SEED: u64 = 7;

struct Run {
    written: Summary,
    truths: serde_json::Value,
    tables: Vec<job::Table>,
}

/// One warehouse and one run for all tests.
fn run() -> &'static Run {
    static RUN: OnceLock<Run> = OnceLock::new();
    RUN.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let dir = folder.path().join("warehouse");
        let options = Options { dir: dir.clone(), customers: CUSTOMERS, days: DAYS, seed: SEED, threads: 2 };
        let written = generate(&options, &|_, _| {}).expect("a warehouse");
        let loaded = load(&dir.join("touchline.toml"), &Overrides::default(), &|_| None);
        let plan = loaded.unwrap_or_else(|errors| panic!("{}", errors.render(false)));
        let tables = job::tables(&plan, &Budget::unlimited(2), &Silent).expect("tables");
        let truths = std::fs::read(dir.join("truths.json")).expect("truths");
        Run { written, truths: serde_json::from_slice(&truths).expect("JSON"), tables }
    })
}

fn table(name: &str) -> &'static DataFrame {
    let found = run().tables.iter().find(|(docs, _)| docs.name == name);
    found.map(|(_, frame)| frame).unwrap_or_else(|| panic!("no table {name}"))
}

/// A row of a table.
#[derive(Clone, Copy)]
struct Row {
    frame: &'static DataFrame,
    at: usize,
}

impl Row {
    fn cell(&self, column: &str) -> AnyValue<'static> {
        self.frame.column(column).expect("a column").get(self.at).expect("a row").into_static()
    }

    fn text(&self, column: &str) -> Option<String> {
        self.cell(column).get_str().map(str::to_owned)
    }

    fn figure(&self, column: &str) -> Option<f64> {
        let cell = self.cell(column);
        (!cell.is_null()).then(|| cell.try_extract::<f64>().expect("a figure"))
    }

    /// Whether the interval of a figure covers a truth.
    fn covers(&self, figure: &str, truth: f64) -> bool {
        let bound = |end: &str| self.figure(&format!("{figure}_{end}"));
        bound("low").zip(bound("high")).is_some_and(|(low, high)| (low..=high).contains(&truth))
    }
}

/// The rows whose texts are these.
fn rows(name: &str, texts: &[(&str, &str)]) -> Vec<Row> {
    let frame = table(name);
    let all = (0..frame.height()).map(|at| Row { frame, at });
    all.filter(|row| texts.iter().all(|(column, text)| row.text(column).as_deref() == Some(*text))).collect()
}

#[track_caller]
fn row(name: &str, texts: &[(&str, &str)]) -> Row {
    let found = rows(name, texts);
    assert_eq!(found.len(), 1, "{name} {texts:?}");
    found[0]
}

#[test]
fn the_lift_of_the_checkout_lies_in_its_intervals() {
    let of = |metric| {
        let whole = [("adjustment", "none"), ("dimension", "all"), ("variant", "B"), ("metric", metric)];
        row("experiment_results", &[&whole[..], &[("experiment", "checkout_flow")]].concat())
    };
    let lift = planted::CHECKOUT_LIFT_FACTOR - 1.0;
    let rate = of("conversion_rate");
    assert!(rate.covers("difference", planted::PURCHASE * lift), "{:?}", rate.cell("difference"));
    assert!(rate.covers("relative_lift", lift), "{:?}", rate.cell("relative_lift"));
    assert_eq!(rate.text("verdict").as_deref(), Some("win"));
    let revenue = of("revenue");
    assert!(revenue.covers("relative_lift", lift), "{:?}", revenue.cell("relative_lift"));
    assert!(revenue.figure("difference_low").is_some_and(|low| low > 0.0));
}

#[test]
fn the_checkout_helps_on_mobile_more_than_elsewhere() {
    let of = |segment| {
        let checkout = [("experiment", "checkout_flow"), ("metric", "conversion_rate")];
        row(
            "experiment_results",
            &[&checkout[..], &[("dimension", "device_type"), ("segment", segment)]].concat(),
        )
    };
    let truths = &run().truths["experiments"]["checkout_flow"]["by_device_type"];
    let lift = |of: &str| truths[of]["relative_lift"]["B"].as_f64().expect("a lift");
    let mobile = of(DEVICES[0].0);
    assert!(mobile.covers("relative_lift", lift("mobile")), "{:?}", mobile.cell("relative_lift"));
    assert!(mobile.figure("interaction_q_value").is_some_and(|q| q < 0.01));
    for other in [DEVICES[1].0, DEVICES[2].0] {
        assert!(of(other).covers("relative_lift", lift("others")), "{other}");
    }
    // Nothing else matters.
    for nothing in ["country", "plan"] {
        for row in rows("experiment_results", &[("experiment", "checkout_flow"), ("dimension", nothing)]) {
            let what = format!("{:?} {:?}", row.cell("metric"), row.cell("segment"));
            assert!(row.figure("interaction_q_value").is_none_or(|q| q > 0.05), "{what}");
            assert_eq!(row.text("verdict"), None, "{what}");
        }
    }
}

#[test]
fn what_customers_paid_before_makes_the_interval_narrower() {
    let of = |adjustment| {
        let mail = [("experiment", "reorder_mail"), ("metric", "repeat_revenue"), ("dimension", "all")];
        row("experiment_results", &[&mail[..], &[("adjustment", adjustment)]].concat())
    };
    let width = |row: &Row| {
        row.figure("difference_high").zip(row.figure("difference_low")).map(|(high, low)| high - low)
    };
    let (plain, adjusted) = (of("none"), of("cuped"));
    assert!(width(&adjusted).expect("bounds") < width(&plain).expect("bounds"));
    assert_eq!((plain.text("verdict"), adjusted.text("verdict").as_deref()), (None, Some("win")));
    // All had bought before: nothing to take out of whether they buy again, so the plain row decides.
    let rate = |adjustment| {
        let mail = [("experiment", "reorder_mail"), ("metric", "repeat_rate"), ("dimension", "all")];
        row("experiment_results", &[&mail[..], &[("adjustment", adjustment)]].concat())
    };
    assert_eq!(rate("none").text("verdict").as_deref(), Some("win"));
    assert_eq!((rate("cuped").figure("difference"), rate("cuped").text("verdict")), (None, None));
}

#[test]
fn guardrails_are_not_harmed() {
    let guardrails = rows("experiment_results", &[("role", "guardrail"), ("dimension", "all")]);
    assert_eq!(guardrails.len(), 2);
    for row in guardrails {
        let verdict = row.text("verdict");
        assert!(matches!(verdict.as_deref(), Some("flat" | "undecided")), "{verdict:?}");
    }
}

#[test]
fn behaviours_have_their_rates() {
    let truths = &run().truths["behaviours"];
    let of = |behaviour, target| {
        row("segment_conversion", &[("dimension", behaviour), ("segment", "yes"), ("target", target)])
    };
    let abandoners = of("cart_abandoner", "purchase");
    let truth = truths["cart_abandoner"]["purchase_rate"].as_f64().expect("a rate");
    assert!(abandoners.covers("rate", truth), "{:?} {truth}", abandoners.cell("rate"));
    assert_eq!(of("cart_abandoner", STAGES[2].0).figure("rate"), Some(1.0));
    let keen = of("high_intent", STAGES[2].0);
    let truth = truths["high_intent"]["purchase_decision_rate"].as_f64().expect("a rate");
    assert!(keen.covers("rate", truth), "{:?} {truth}", keen.cell("rate"));
    for row in [abandoners, keen] {
        assert!(row.text("note").is_some_and(|note| note.contains("descriptive")));
    }
}

#[test]
fn plans_of_today_are_not_those_of_the_first_row() {
    assert!(run().written.plan_changes > 300);
    for plan in rows("segment_conversion", &[("dimension", "plan"), ("target", "purchase")]) {
        assert!(plan.covers("difference", 0.0), "{:?} {:?}", plan.cell("segment"), plan.cell("difference"));
    }
}

#[test]
fn the_mail_brings_customers_back() {
    let truths = &run().truths["experiments"]["reorder_mail"];
    let truth = |what: &str| truths[what]["B"].as_f64().expect("a truth");
    let rate = row(
        "experiment_results",
        &[
            ("experiment", "reorder_mail"),
            ("metric", "repeat_rate"),
            ("adjustment", "none"),
            ("dimension", "all"),
        ],
    );
    assert!(rate.covers("difference", truth("difference")), "{:?}", rate.cell("difference"));
    assert!(rate.covers("relative_lift", truth("relative_lift")), "{:?}", rate.cell("relative_lift"));
    let [low, mean] = ["control_mean", "mean"].map(|column| rate.figure(column).expect("a mean"));
    // Four standard errors of some 800 customers in each arm.
    assert!((low - truths["rates"]["A"].as_f64().expect("a rate")).abs() < 0.055, "{low}");
    assert!((mean - truth("rates")).abs() < 0.065, "{mean}");
}

#[test]
fn splits_are_as_planned() {
    let splits = rows("experiment_health", &[("check", "srm")]);
    assert!(!splits.is_empty());
    for split in splits {
        let what = format!("{:?} {:?}", split.cell("experiment"), split.cell("detail"));
        assert_eq!(split.text("status").as_deref(), Some("ok"), "{what}");
    }
}

#[test]
fn subject_lines_are_no_news() {
    let results = rows("experiment_results", &[("experiment", "email_subject"), ("dimension", "all")]);
    assert_eq!(results.len(), 4, "two metrics of two variants");
    for result in results {
        let what = format!("{:?} of {:?}", result.cell("metric"), result.cell("variant"));
        assert!(result.figure("q_value").is_some_and(|q| q >= 0.05), "{what}");
        assert!(result.covers("difference", 0.0), "{what}");
        assert!(!matches!(result.text("verdict").as_deref(), Some("win" | "lose" | "invalid")), "{what}");
    }
}

#[test]
fn channels_come_in_the_planted_order() {
    let strongest: Vec<&str> = CHANNELS.iter().map(|spec| spec.name).collect();
    for model in ["linear", "markov", "shapley"] {
        for target in [STAGES[1].0, "purchase"] {
            let mut found = rows("stage_attribution", &[("target", target), ("model", model)]);
            found.retain(|row| row.figure("rank").is_some());
            found.sort_by(|one, other| one.figure("rank").partial_cmp(&other.figure("rank")).expect("ranks"));
            let ranked: Vec<String> = found.iter().filter_map(|row| row.text("channel")).collect();
            assert_eq!(ranked.len(), CHANNELS.len());
            assert_eq!(ranked[..4], strongest[..4], "{target}, {model}");
            for weak in &strongest[8..] {
                let place = ranked.iter().position(|channel| channel == weak);
                assert!(place.is_some_and(|place| place >= 6), "{weak} in {ranked:?}, {target}, {model}");
            }
        }
    }
}

#[test]
fn the_weak_stage_is_found() {
    let mobile = [("dimension", "device_type"), ("segment", DEVICES[0].0)];
    let stage = STAGES[2].0;
    let found = row("segment_conversion", &[&mobile[..], &[("target", stage)]].concat());
    assert!(found.figure("q_value").is_some_and(|q| q < 0.001));
    assert!(found.figure("difference_high").is_some_and(|high| high < 0.0));
    // The stage before it is reached as often on every device, so the rates differ by the planted factor.
    assert!(found.covers("rate", found.figure("rest_rate").expect("a rest") * planted::MOBILE_FACTOR));
    let before = row("segment_conversion", &[&mobile[..], &[("target", STAGES[1].0)]].concat());
    assert!(before.covers("difference", 0.0));

    let pain = row("pain_points", &[&mobile[..], &[("kind", "segment"), ("to_stage", stage)]].concat());
    assert!(pain.figure("customers_missing").is_some_and(|missing| missing > 0.0));
}

#[test]
fn spend_is_accounted_for_also_without_touches() {
    let booked_minor: u64 = run().written.spend_minor.iter().map(|(_, minor)| minor).sum();
    let lines = rows("reconciliation", &[("ledger", "spend")]);
    assert_eq!(
        lines.iter().filter_map(|line| line.figure("difference")).collect::<Vec<_>>(),
        vec![0.0; lines.len()]
    );
    let booked: f64 = lines.iter().filter_map(|line| line.figure("booked")).sum();
    assert_eq!((booked * 100.0).round() as u64, booked_minor);
    assert!(rows("reconciliation", &[]).iter().all(|line| line.figure("difference") == Some(0.0)));

    let untouched = rows("channel_roi", &[("channel", UNTOUCHED_CHANNEL), ("conversion", "purchase")]);
    assert_eq!(untouched.len(), 7, "a row for every model");
    for row in untouched {
        assert!(row.figure("spend").is_some_and(|spend| spend > 0.0));
        // It earned nothing, which is a figure; what a conversion cost isn't one.
        assert_eq!(
            [row.figure("credit"), row.figure("roas"), row.figure("roi")],
            [Some(0.0), Some(0.0), Some(-1.0)]
        );
        for undefined in ["roas_low", "roas_high", "cost_per_conversion", "cost_per_conversion_low"] {
            assert_eq!(row.figure(undefined), None, "{undefined}");
        }
        assert_eq!(row.text("note").as_deref(), Some("no_touches"));
    }
}
