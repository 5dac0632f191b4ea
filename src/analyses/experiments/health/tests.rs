//! Hand-made cases of every check, what the new ones find under the null, and a naive second count of novelty.

use polars::prelude::DataFrame;
use proptest::prelude::*;

use super::novelty::{ArmWeeks, WEEKS};
use super::*;
use crate::analyses::experiments::population::{Exposed, Places};
use crate::analyses::experiments::tests::{bench, bench_in, metric, tables, visits, world};
use crate::analyses::suppression::Merged;
use crate::analyses::testing::{Bench, figure, journey_texts, show};
use crate::config::plan::{DAY_US, ExperimentPlan, MetricKind, MetricOf, Zone};
use crate::journey::dimensions::DimensionSource;
use crate::journey::testing::World;
use crate::journey::{Dimension, Journey};
use crate::stats::{Arm, SplitMix64, welch};

const BOTH: [&str; 2] = ["none", "mens"];
const FIGURES: [&str; 5] = ["check", "variant", "expected", "observed", "status"];

/// The rows of a check, by these columns but for the first, which is its name.
fn rows(health: &DataFrame, check: &str, columns: &[&str]) -> Vec<String> {
    let shown = show(health, columns);
    let of_check = shown.lines().filter_map(|line| line.strip_prefix(check)?.strip_prefix(' '));
    of_check.map(str::to_owned).collect()
}

fn health(bench: &Bench) -> DataFrame {
    tables(bench).1
}

#[track_caller]
fn assert_p(health: &DataFrame, check: &str, variant: &str, expected: f64) {
    let found = figure(health, &[("check", check), ("variant", variant)], "p_value").unwrap();
    assert!((found / expected - 1.0).abs() < 1e-10, "{check}: {found} is not {expected}");
}

#[test]
fn a_day_with_a_wrong_split_is_named() {
    let mut journeys = vec![
        (60, "| mail/mens d5/23:00".to_owned()),
        (20, "| mail/none d5/23:00".to_owned()),
        // Nine customers are too few: 4.5 would be planned in each variant.
        (9, "| mail/mens d9".to_owned()),
    ];
    for day in [1, 2, 12] {
        journeys.extend([(30, format!("| mail/mens d{day}")), (32, format!("| mail/none d{day}"))]);
    }
    let mut bench = bench(&journeys, &BOTH, vec![visits()]);
    let found = health(&bench);
    let detail = "1970-01-06: mens 60 (40.0 planned), none 20 (40.0 planned); days tested: 4";
    let expected = format!("(all) - - warn {detail}");
    let columns = ["check", "variant", "expected", "observed", "status", "detail"];
    assert_eq!(rows(&found, "srm_by_day", &columns), [expected]);
    // scipy 1.17.1 chisquare([60, 20]), times four days.
    assert_p(&found, "srm_by_day", "(all)", 4.0 * 7.744216431044088e-06);
    // Days are those of the job's time zone.
    let sofia = jiff::tz::TimeZoneDatabase::bundled().get("Europe/Sofia").unwrap();
    bench.plan.job.timezone = Zone { name: "Europe/Sofia".to_owned(), zone: sofia };
    assert!(rows(&health(&bench), "srm_by_day", &["check", "detail"])[0].starts_with("1970-01-07: mens 60"));
    // Weights are the planned ones.
    bench.plan.experiments[0].weights = vec![("none".to_owned(), 0.25), ("mens".to_owned(), 0.75)];
    let found = rows(&health(&bench), "srm_by_day", &columns);
    assert!(found[0].contains("mens 30 (46.5 planned), none 32 (15.5 planned)"), "{found:?}");
}

#[test]
fn a_variant_that_the_log_calls_otherwise_is_guessed() {
    let journeys = [(300, "| mail/Mens d1"), (300, "| mail/none d1"), (5, "| mail/lost d1")];
    let world = World::new(&[], &["visit"]).with_assignments(&["mail/Mens", "mail/none", "mail/lost"]);
    let found = health(&bench_in(world, &journeys, &BOTH, vec![visits()]));
    assert_eq!(
        rows(&found, "srm", &["check", "variant", "observed", "status", "detail"]),
        [
            "mens 0 fail nobody is analysed in this variant; did you mean `Mens`, which the assignment log has?",
            "none 300 fail -"
        ]
    );
    assert_eq!(
        rows(&found, "unknown_variant", &["check", "variant", "detail"]),
        [
            "Mens not among the planned variants: left out; did you mean `mens`?",
            "lost not among the planned variants: left out"
        ]
    );
}

#[test]
fn few_customers_a_day_are_not_tested() {
    let bench = bench(&[(4, "| mail/mens d5"), (5, "| mail/none d5")], &BOTH, vec![visits()]);
    let columns = ["check", "p_value", "status", "detail"];
    assert_eq!(
        rows(&health(&bench), "srm_by_day", &columns),
        ["- ok no day has enough customers for a test"]
    );
}

/// One dimension of the countries given.
fn by_country(journeys: &[(usize, String)], countries: &[&str]) -> Bench {
    let world = world().with_attributes(countries);
    let mut bench = bench_in(world, journeys, &BOTH, vec![visits()]);
    let dimension = Dimension::new("country", DimensionSource::Attribute(0), &bench.world.attributes);
    bench.dimensions = vec![dimension];
    bench
}

fn of_country(country: &str, none: usize, mens: usize) -> [(usize, String); 2] {
    [(none, format!("x d2 | mail/none d1 | {country}")), (mens, format!("x d2 | mail/mens d1 | {country}"))]
}

#[test]
fn a_segment_with_a_wrong_split_is_named() {
    let columns = ["check", "variant", "expected", "observed", "status", "detail"];
    let mut journeys = [of_country("bg", 90, 50), of_country("de", 300, 340)].concat();
    let found = health(&by_country(&journeys, &["bg", "de"]));
    let detail = "country = bg: mens 50 (70.0 planned), none 90 (70.0 planned); segments tested: 2";
    assert_eq!(rows(&found, "srm_by_segment", &columns), [format!("(all) - - warn {detail}")]);
    // scipy 1.17.1 chisquare([90, 50]), times two segments.
    assert_p(&found, "srm_by_segment", "(all)", 2.0 * 0.0007232327164301936);
    let (results, _) = tables(&by_country(&journeys, &["bg", "de"]));
    assert!(!show(&results, &["verdict"]).contains("invalid"), "a segment only says where to look");

    // Segments that no table shows are one.
    journeys.extend([of_country("fr", 5, 4), of_country("it", 4, 5)].concat());
    let found = health(&by_country(&journeys, &["bg", "de", "fr", "it"]));
    assert!(rows(&found, "srm_by_segment", &columns)[0].ends_with("segments tested: 3"));

    // Where a segment has two customers of a variant, counts of the others would tell.
    journeys.extend(of_country("pt", 20, 2));
    let found = health(&by_country(&journeys, &["bg", "de", "fr", "it", "pt"]));
    assert_eq!(
        rows(&found, "srm_by_segment", &["check", "p_value", "status", "detail"]),
        ["- warn country = pt: counts withheld; segments tested: 4"]
    );
}

#[test]
fn what_is_assumed_of_a_found_experiment_is_said() {
    let journeys = [(10, "x d3 | mail/none d2"), (9, "x d3 | mail/mens d2"), (3, "| extra/x d2, extra/y d2")];
    let mut bench = bench(&journeys, &BOTH, vec![visits()]);
    assert!(rows(&health(&bench), "assumed_plan", &FIGURES).is_empty(), "mail is configured");
    let defaults = bench.plan.experiments.remove(0);
    bench.plan.experiment_defaults = Some(ExperimentPlan {
        name: "*".to_owned(),
        control: "none".to_owned(),
        weights: Vec::new(),
        ..defaults
    });
    let found = health(&bench);
    let columns = ["check", "experiment", "variant", "expected", "observed", "status", "detail"];
    let mail = "mail (all) - - warn not configured: equal weights and control none assumed";
    assert!(
        rows(&found, "assumed_plan", &columns).contains(&mail.to_owned()),
        "{:?}",
        rows(&found, "assumed_plan", &columns)
    );
    let extra = "extra (all) - - warn not configured: equal weights assumed; control none isn't among the variants: \
                 x assumed";
    assert!(rows(&found, "assumed_plan", &columns).contains(&extra.to_owned()));
    assert!(rows(&found, "not_configured", &columns).is_empty());
}

#[test]
fn a_dimension_without_enough_customers_says_so() {
    let found = health(&by_country(&of_country("bg", 3, 4), &["bg"]));
    let columns = ["check", "p_value", "status", "detail"];
    assert_eq!(rows(&found, "srm_by_segment", &columns), ["- ok no segment has enough customers for a test"]);
    let without = bench(&[(40, "x d2 | mail/none d1")], &BOTH, vec![visits()]);
    assert!(rows(&health(&without), "srm_by_segment", &columns).is_empty());
}

#[test]
fn what_was_done_before_is_alike_in_all_variants() {
    let journeys = [
        (30, "x d1 | mail/none d2"),
        // At the same instant is not before.
        (70, "x d2 | mail/none d2"),
        (55, "x d-1, x d3 | mail/mens d2"),
        (45, "x d3 | mail/mens d2"),
    ];
    let found = health(&bench(&journeys, &BOTH, vec![visits()]));
    assert_eq!(rows(&found, "activity_before", &FIGURES), ["mens 42.5 55 warn", "none 42.5 30 warn"]);
    // scipy 1.17.1 chi2_contingency([[30, 70], [55, 45]], correction=False).
    assert_p(&found, "activity_before", "mens", 0.0003489013882650477);
    assert_p(&found, "activity_before", "none", 0.0003489013882650477);
    assert_eq!(
        rows(&found, "activity_before", &["check", "detail"])[0],
        "55.00 % with a row before assignment"
    );
}

#[test]
fn what_cannot_be_tested_is_no_warning() {
    let columns = ["check", "variant", "expected", "observed", "p_value", "status", "detail"];
    let few = [
        (3, "x d1 | mail/none d2"),
        (17, "| mail/none d2"),
        (6, "x d1 | mail/mens d2"),
        (14, "| mail/mens d2"),
    ];
    let found = health(&bench(&few, &BOTH, vec![visits()]));
    assert_eq!(
        rows(&found, "activity_before", &columns)[0],
        "mens 4.5 6 - ok 30.00 % with a row before assignment; can't be tested: too_few"
    );
    let never = [(20, "x d3 | mail/none d2"), (20, "x d3 | mail/mens d2")];
    let found = health(&bench(&never, &BOTH, vec![visits()]));
    assert_eq!(
        rows(&found, "activity_before", &columns)[1],
        "none 0 0 - ok 0.00 % with a row before assignment; can't be tested: zero_variance"
    );
}

#[test]
fn one_or_two_customers_are_withheld() {
    let journeys = [
        (2, "x d1, x d3 | mail/none d2"),
        (98, "x d3 | mail/none d2"),
        (30, "x d1 | mail/mens d2"),
        (69, "x d3 | mail/mens d2"),
        (1, "| mail/mens d2"),
    ];
    let mut bench = bench(&journeys, &BOTH, vec![visits()]);
    let columns = ["check", "variant", "expected", "observed", "p_value", "status", "detail"];
    let withheld =
        |status: &str, variant: &str| format!("{variant} - - - {status} withheld: too few customers");
    let found = health(&bench);
    assert_eq!(
        rows(&found, "activity_before", &columns),
        [withheld("warn", "mens"), withheld("warn", "none")],
        "one would tell the other"
    );
    assert_eq!(
        rows(&found, "no_activity", &columns),
        [
            "mens - 31 - ok 31.00 % without a row at or after assignment".to_owned(),
            "none - 0 - ok 0.00 % without a row at or after assignment".to_owned()
        ]
    );
    bench.plan.segments.min_customers = 1;
    assert_eq!(rows(&health(&bench), "activity_before", &FIGURES), ["mens 16 30 warn", "none 16 2 warn"]);
}

#[test]
fn all_but_two_are_withheld_as_well() {
    let journeys = [
        (38, "| mail/none d2"),
        (2, "x d3 | mail/none d2"),
        (3, "| mail/mens d2"),
        (9, "x d2 | mail/mens d2"),
    ];
    let columns = ["check", "variant", "observed", "status", "detail"];
    assert_eq!(
        rows(&health(&bench(&journeys, &BOTH, vec![visits()])), "no_activity", &columns),
        ["mens 3 ok 25.00 % without a row at or after assignment", "none - warn withheld: too few customers"]
    );
}

#[test]
fn an_effect_that_wears_off_is_seen() {
    let journeys = [
        (30, "visit d2 | mail/none d1"),
        (30, "visit d8 | mail/none d1"),
        (240, "visit d0 | mail/none d1"),
        (180, "visit d1, visit d7/23:59:59.999999 | mail/mens d1"),
        (30, "visit d14/23:59:59.999999 | mail/mens d1"),
        (90, "| mail/mens d1"),
        // One week is over, and then none: they only count where their weeks do.
        (50, "visit d17 | mail/mens d16/00:00:00.000001"),
        (50, "| mail/none d17"),
        (70, "visit d29 | mail/mens d29"),
    ];
    let found = health(&bench(&journeys, &BOTH, vec![visits()]));
    assert_eq!(rows(&found, "novelty", &FIGURES), ["mens 0.5 0 warn"]);
    // numpy and scipy 1.17.1, over one row per customer: 2.2e-24 for the difference, this for the lift from 6 to 1.
    assert_p(&found, "novelty", "mens", 1.5548872857921518e-05);
    let detail = rows(&found, "novelty", &["check", "detail"]).remove(0);
    assert_eq!(
        detail,
        "visit, variant less control: week 1 +0.5000 (300 and 300 customers), week 2 +0.0000 (300 and 300 \
         customers), week 3 +0.0000 (300 and 300 customers), week 4 +0.0000 (300 and 300 customers)"
    );
}

#[test]
fn means_are_followed_in_units() {
    let journeys = [
        (20, "buy d2 =500, buy d9 =300 | mail/none d1"),
        (80, "| mail/none d1"),
        (30, "buy d2 =1000, buy d3 =250 | mail/mens d1"),
        (70, "| mail/mens d1"),
        (25, "buy d2 =500, buy d9 =400 | mail/womens d1"),
        (75, "| mail/womens d1"),
    ];
    let variants = ["none", "mens", "womens"];
    // Ratios and quantiles aren't followed: the first goal that is.
    let ratio = |quantity| MetricKind::Quantile { of: quantity, share: 0.5 };
    let metrics = vec![
        metric("visit", ratio, MetricOf::Count, Some(14)),
        metric("buy", MetricKind::Mean, MetricOf::Value, Some(14)),
    ];
    let mut bench = bench(&journeys, &variants, metrics);
    let found = health(&bench);
    assert_eq!(rows(&found, "novelty", &FIGURES), ["mens 2.75 -0.6 warn", "womens 0.25 0.4 ok"]);
    // numpy and scipy 1.17.1, times two variants: 8.7e-8 and 1.1e-4 for the difference and lift of the one, 0.10 and
    // 2.2e-4 for those of the other.
    assert_p(&found, "novelty", "mens", 0.0002188682595490469);
    assert_p(&found, "novelty", "womens", 0.20585017323144547);
    bench.plan.experiments[0].metrics.truncate(1);
    let found = health(&bench);
    let detail = "no goal is a proportion or a mean: not followed by week";
    assert_eq!(rows(&found, "novelty", &FIGURES), ["(all) - - ok"]);
    assert_eq!(rows(&found, "novelty", &["check", "detail"]), [detail]);
}

#[test]
fn a_metric_that_fades_takes_its_difference_along() {
    let fading = [
        (200, "visit d2 | mail/none d1"),
        (20, "visit d9 | mail/none d1"),
        (280, "| mail/none d1"),
        (280, "visit d2 | mail/mens d1"),
        (26, "visit d9 | mail/mens d1"),
        (194, "| mail/mens d1"),
    ];
    let found = health(&bench(&fading, &BOTH, vec![visits()]));
    assert_eq!(rows(&found, "novelty", &FIGURES), ["mens 0.16 0.012 ok"]);
    // numpy and scipy 1.17.1: 5.4e-5 for the difference, this for the lift from 1.4 to 1.3.
    assert_p(&found, "novelty", "mens", 0.8065053900566965);
    let staying = [
        (250, "visit d2 | mail/none d1"),
        (50, "visit d9 | mail/none d1"),
        (200, "| mail/none d1"),
        (300, "visit d2 | mail/mens d1"),
        (100, "visit d9 | mail/mens d1"),
        (100, "| mail/mens d1"),
    ];
    let found = health(&bench(&staying, &BOTH, vec![visits()]));
    assert_eq!(rows(&found, "novelty", &FIGURES), ["mens 0.1 0.1 ok"]);
    let nobody = [
        (60, "visit d2 | mail/none d1"),
        (40, "| mail/none d1"),
        (90, "visit d2 | mail/mens d1"),
        (10, "| mail/mens d1"),
    ];
    let found = health(&bench(&nobody, &BOTH, vec![visits()]));
    assert!(show(&found, &["detail"]).contains("the first two can't be compared: zero_control_mean"));
}

#[test]
fn a_week_of_two_customers_is_withheld() {
    let journeys = [
        (50, "visit d2 | mail/none d1"),
        (50, "visit d9 | mail/none d1"),
        (400, "| mail/none d1"),
        (300, "visit d2 | mail/mens d1"),
        (2, "visit d9 | mail/mens d1"),
        (198, "| mail/mens d1"),
    ];
    let mut bench = bench(&journeys, &BOTH, vec![visits()]);
    let found = health(&bench);
    let columns = ["check", "variant", "expected", "observed", "p_value", "status"];
    assert_eq!(rows(&found, "novelty", &columns), ["mens - - - warn"]);
    let detail = rows(&found, "novelty", &["check", "detail"]).remove(0);
    assert!(detail.contains("week 1 +0.5000 (500 and 500 customers), week 2 withheld (500"), "{detail}");
    bench.plan.segments.min_customers = 1;
    assert_eq!(rows(&health(&bench), "novelty", &FIGURES), ["mens 0.5 -0.096 warn"]);
}

#[test]
fn without_two_weeks_there_is_no_comparison() {
    let columns = ["check", "variant", "expected", "observed", "p_value", "status", "detail"];
    let one = [(10, "visit d18 | mail/none d17"), (10, "visit d18 | mail/mens d17")];
    assert_eq!(
        rows(&health(&bench(&one, &BOTH, vec![visits()])), "novelty", &columns),
        [
            "mens - - - ok visit, variant less control: week 1 +0.0000 (10 and 10 customers); the first two can't be compared: too_few"
        ]
    );
    let none = [(10, "visit d28 | mail/none d27"), (10, "visit d28 | mail/mens d27")];
    assert_eq!(
        rows(&health(&bench(&none, &BOTH, vec![visits()])), "novelty", &columns),
        [
            "mens - - - ok visit, variant less control: no week is over; the first two can't be compared: too_few"
        ]
    );
}

#[test]
fn looks_at_what_is_not_over_need_bounds() {
    let journeys = [(10, "x d3 | mail/none d2"), (9, "x d3 | mail/mens d2"), (4, "| mail/mens d20")];
    let columns = ["check", "expected", "observed", "status", "detail"];
    let peeking = |bench: &Bench| rows(&health(bench), "peeking", &columns).remove(0);
    let windowless = metric("buy", MetricKind::Mean, MetricOf::Value, None);
    let mut bench = bench(&journeys, &BOTH, vec![visits(), windowless.clone()]);
    assert_eq!(
        peeking(&bench),
        "0 4 warn some customers' metric window isn't over: a verdict holds only if this is the one look that was planned"
    );
    bench.plan.experiments[0].sequential = true;
    let bounds = "0 4 ok verdicts rest on sequential bounds, which hold at every look";
    assert_eq!(peeking(&bench), format!("{bounds}, but for metrics without a window: buy"));
    bench.plan.experiments[0].metrics = vec![0];
    assert_eq!(peeking(&bench), bounds);
    bench.plan.experiments[0].sequential = false;
    bench.plan.metrics[0].window_us = Some(10 * DAY_US);
    assert_eq!(peeking(&bench), "0 0 ok the experiment is over");
    // Without a window there are no bounds, and it is over when nobody is assigned any more.
    bench.plan.experiments[0].sequential = true;
    bench.plan.metrics[0].window_us = None;
    assert_eq!(peeking(&bench), "0 0 ok the experiment is over");
    let late = [(10, "| mail/none d2"), (3, "| mail/mens d29/23:59")];
    let mut bench = self::bench(&late, &BOTH, vec![windowless]);
    bench.plan.experiments[0].sequential = true;
    assert!(peeking(&bench).starts_with("0 3 warn customers are still assigned on the last day: "));
}

/// So many experiments without any effect, of so many customers each.
const EXPERIMENTS: usize = 400;
const CUSTOMERS: u64 = 1_500;

/// What a customer may do, as a journey with the assignment on day 10: bit 0 before, bits 1 and 2 in the first and
/// second week after.
fn deeds() -> Vec<String> {
    let rows = ["x d9", "visit d12", "visit d19"];
    let deed = |bits: usize| {
        let done = rows.iter().enumerate().filter(|(at, _)| bits >> at & 1 == 1).map(|(_, row)| *row);
        format!("{} | mail/none d10", done.collect::<Vec<_>>().join(", "))
    };
    (0..8).map(deed).collect()
}

/// p-values of healthy experiments are uniform, or larger where several tests share them: below 0.2 about as often as
/// they promise, and a warning once in a hundred.
#[test]
fn healthy_experiments_seldom_warn() {
    let mut world = World::new(&[], &["visit"])
        .with_assignments(&["mail/none", "mail/mens", "mail/womens"])
        .with_attributes(&["a", "b", "c", "d", "e", "f"]);
    let journeys = world.journeys(&deeds());
    let walks: Vec<_> = journeys.iter().map(|journey| journey.walk(&world.rules)).collect();
    let seen: Vec<Journey<'_>> = journeys.iter().map(|journey| journey.journey()).collect();
    let mut bench = bench_in(world.clone(), &[(0, "")], &["none", "mens", "womens"], vec![visits()]);
    bench.dimensions = vec![Dimension::new("letter", DimensionSource::Attribute(0), &world.attributes)];
    let context = bench.context();
    let places = Places::new(context);
    let experiment = &places.experiments[0];
    let days = LocalDays::of(&jiff::tz::TimeZone::UTC, 0..20 * DAY_US);
    let merged = Merged::new(&context.dimensions[0], &[CUSTOMERS; 7], 10);
    let mut random = SplitMix64::new(11);
    let mut draw = |below: u64| ((random.next_u64() >> 32) * below) >> 32;
    let mut p_values: std::collections::BTreeMap<(&str, String), Vec<f64>> = Default::default();
    let mut warnings: std::collections::BTreeMap<&str, usize> = Default::default();
    for _ in 0..EXPERIMENTS {
        let mut counts = ExperimentCounts::new(&context, experiment, 1);
        for _ in 0..CUSTOMERS {
            let done =
                usize::from(draw(10) < 3) | usize::from(draw(10) < 2) << 1 | usize::from(draw(20) < 3) << 2;
            let segment = 1 + draw(6) as u32;
            let customer = Exposed {
                variant: draw(3) as usize,
                t0_us: 10 * DAY_US,
                journey: &seen[done],
                walk: &walks[done],
            };
            let day = draw(20) as usize;
            counts.observe(&context, experiment, &customer, day, std::iter::once(segment));
        }
        counts.close(&context, experiment);
        let table = counts.dimensions.remove(0);
        let cells = [Cells::new(&context.dimensions[0], &merged, table, experiment, 10)];
        let checks = of_experiment(&context, experiment, &counts, &days, &cells, &[]);
        let new = ["srm_by_day", "srm_by_segment", "activity_before", "novelty"];
        for check in checks.iter().filter(|check| new.contains(&check.check)) {
            *warnings.entry(check.check).or_default() += usize::from(check.status != Status::Ok);
            p_values.entry((check.check, check.variant.to_owned())).or_default().push(check.p_value.unwrap());
        }
    }
    let below = |check: &'static str, variant: &str, bar: f64| {
        let p_values = &p_values[&(check, variant.to_owned())];
        assert_eq!(p_values.len(), EXPERIMENTS);
        p_values.iter().filter(|p| **p < bar).count() as f64 / EXPERIMENTS as f64
    };
    // Of m independent tests the smallest p times m is below 0.2 with probability 1 − (1 − 0.2 / m)^m; four
    // standard errors around it.
    let promised = |tests: i32| 1.0 - (1.0 - 0.2 / f64::from(tests)).powi(tests);
    for (check, variant, expected) in [
        ("srm_by_day", "(all)", promised(20)),
        ("srm_by_segment", "(all)", promised(6)),
        ("activity_before", "mens", 0.2),
        ("novelty", "mens", 0.1),
        ("novelty", "womens", 0.1),
    ] {
        let (found, spread) = (below(check, variant, 0.2), (expected * (1.0 - expected) / 400.0).sqrt());
        assert!((found - expected).abs() < 4.0 * spread, "{check} {variant}: {found}, not {expected}");
    }
    // Rows: one, one, three that warn together, two. At one in a hundred four of 400 are expected, and more than 13
    // once in ten thousand such tests.
    for (check, rows) in [("srm_by_day", 1), ("srm_by_segment", 1), ("activity_before", 3), ("novelty", 1)] {
        assert!(warnings[check] <= 13 * rows, "{check}: {warnings:?}");
    }
}

/// Visits by week since exposure, counted one customer after the other.
fn naive_weeks(visits: &[i64], t0_day: i64) -> Vec<f64> {
    let over = ((30 - t0_day) / 7).clamp(0, WEEKS as i64);
    let in_week = |week: i64| t0_day + 7 * week..t0_day + 7 * (week + 1);
    (0..over).map(|week| visits.iter().filter(|day| in_week(week).contains(day)).count() as f64).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn novelty_agrees_with_a_naive_count(
        customers in prop::collection::vec(
            (any::<bool>(), 0_i64..30, prop::collection::vec(-3_i64..30, 0..6)),
            0..40,
        ),
    ) {
        let journeys: Vec<(usize, String)> = customers
            .iter()
            .map(|(is_mens, t0, visits)| {
                let rows: Vec<String> = visits.iter().map(|day| format!("visit d{day}")).collect();
                let variant = if *is_mens { "mens" } else { "none" };
                (1, format!("{} | mail/{variant} d{t0}", rows.join(", ")))
            })
            .collect();
        let visits = metric("visit", MetricKind::Mean, MetricOf::Count, None);
        let mut bench = bench(&journeys, &BOTH, vec![visits]);
        bench.plan.segments.min_customers = 1;
        let found = health(&bench);
        if customers.is_empty() {
            return Ok(());
        }
        let weeks = |mens: bool| {
            let of_arm = customers.iter().filter(move |(is_mens, ..)| *is_mens == mens);
            let weeks = of_arm.map(|(_, t0, visits)| naive_weeks(visits, *t0)).filter(|weeks| weeks.len() >= 2);
            weeks.collect::<Vec<Vec<f64>>>()
        };
        let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let arm = |weeks: &[Vec<f64>], [first, second]: [f64; 2]| {
            let changes: Vec<f64> = weeks.iter().map(|weeks| weeks[1] * second - weeks[0] * first).collect();
            let squares: f64 = changes.iter().map(|change| (change - mean(&changes)).powi(2)).sum();
            let variance = squares / (changes.len() as f64 - 1.0);
            Arm { n: changes.len() as u64, mean: mean(&changes), variance }
        };
        let mean_of = |weeks: &[Vec<f64>], at: usize| mean(&weeks.iter().map(|weeks| weeks[at]).collect::<Vec<_>>());
        let (control, variant) = (weeks(false), weeks(true));
        let of_week = |at: usize| mean_of(&variant, at) - mean_of(&control, at);
        let found = |column: &str| figure(&found, &[("check", "novelty"), ("variant", "mens")], column);
        if control.is_empty() || variant.is_empty() {
            prop_assert_eq!((found("expected"), found("observed")), (None, None));
        } else {
            prop_assert!((found("expected").unwrap() - of_week(0)).abs() < 1e-12);
            prop_assert!((found("observed").unwrap() - of_week(1)).abs() < 1e-12);
        }
        let [c1, c2, t1, t2] = [(&control, 0), (&control, 1), (&variant, 0), (&variant, 1)]
            .map(|(weeks, at)| mean_of(weeks, at));
        // Where all change alike, a variance is a rounding error instead of 0, here or there.
        let p_value = |of_control: Arm, of_variant: Arm| {
            let varies = of_control.variance > 1e-12 && of_variant.variance > 1e-12;
            varies.then(|| welch::difference(&of_control, &of_variant).unwrap().p_value())
        };
        let difference = p_value(arm(&control, [1.0, 1.0]), arm(&variant, [1.0, 1.0]));
        let lift = (c1 != 0.0 && c2 != 0.0).then(|| {
            let of_control = Arm { mean: 0.0, ..arm(&control, [t1 / (c1 * c1), t2 / (c2 * c2)]) };
            let of_variant = arm(&variant, [1.0 / c1, 1.0 / c2]);
            p_value(of_control, of_variant)
        });
        match (found("p_value"), difference, lift) {
            (Some(found), Some(difference), Some(Some(lift))) => {
                prop_assert!((found - difference.max(lift)).abs() < 1e-9, "{} {} {}", found, difference, lift);
            }
            (found, _, Some(None)) => prop_assert!(found.is_none_or(|p| p > 1.0 - 1e-6), "{:?}", found),
            (found, _, _) => prop_assert_eq!(found, None),
        }
    }

    #[test]
    fn the_order_of_journeys_never_shows(
        texts in journey_texts(&["visit", "buy", "visit+buy", "x"]),
        assigned in prop::collection::vec((-2_i64..31, 0_usize..3, 0_usize..4), 30),
        min_customers in prop::sample::select(vec![1_u64, 10]),
    ) {
        let variants = ["mail/none", "mail/mens", "mail/lost"];
        let countries = ["bg", "de", "fr", ""];
        let journeys: Vec<(usize, String)> = texts
            .iter()
            .zip(&assigned)
            .map(|(text, (day, variant, country))| {
                (1, format!("{text} | {} d{day} | {}", variants[*variant], countries[*country]))
            })
            .collect();
        let mut bench = by_country(&journeys, &countries[..3]);
        bench.plan.segments.min_customers = min_customers;
        bench.run_in_any_order(&crate::analyses::Experiments::new(bench.context()));
    }
}

#[test]
fn an_arm_without_customers_has_no_change() {
    let arms = vec![ArmWeeks::default(); 2];
    let bench = bench(&[(0, "")], &BOTH, vec![visits()]);
    let context = bench.context();
    let places = Places::new(context);
    let counts = novelty::Counts::of_arms(0, arms);
    let checks = novelty::checks(&context, &places.experiments[0], Some(&counts));
    assert_eq!(checks.len(), 1);
    assert_eq!((checks[0].p_value, checks[0].status), (None, Status::Ok));
}
