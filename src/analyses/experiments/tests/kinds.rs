//! Each kind of metric and of row on a few customers, by hand.

use super::*;
use crate::config::plan::{Cap, NUMBER_PER_UNIT};
use crate::stats::testing::assert_close;

fn buys(of: MetricOf) -> Quantity {
    Quantity { conversion: Some(1), of }
}

fn plan_of(name: &str, kind: MetricKind) -> MetricPlan {
    MetricPlan { name: name.to_owned(), kind, window_us: Some(14 * DAY_US), good_up: true, cap: None }
}

fn cell(frame: &DataFrame, keys: &[(&str, &str)], column: &str) -> f64 {
    figure(frame, keys, column).unwrap()
}

const WHOLE: [(&str, &str); 2] = [("adjustment", "none"), ("dimension", "all")];

#[test]
fn a_ratio_varies_with_numerator_and_denominator() {
    // Euros and orders by customer: control (3, 1), (2, 2), (0, 0), (4, 1); R = 9/4, D̄ = 1.
    // N − R·D = .75, −2.5, 0, 1.75: squares 9.875, over n − 1 = 3 and n = 4 an error of .822917.
    // Variant (6, 1), (5, 2), (0, 0), (1, 1): R = 3, D̄ = 1; 3, −1, 0, −2: 14/3/4 = 1.166667.
    let journeys = [
        (1, "buy d1 =300 | mail/none d0"),
        (1, "buy d1 =100, buy d2 =100 | mail/none d0"),
        (1, "| mail/none d0"),
        (1, "buy d9 =400 | mail/none d0"),
        (1, "buy d1 =600 | mail/mens d0"),
        (1, "buy d1 =200, buy d3 =300 | mail/mens d0"),
        (1, "| mail/mens d0"),
        (1, "buy d2 =100 | mail/mens d0"),
    ];
    let kind = MetricKind::Ratio { numerator: buys(MetricOf::Value), denominator: buys(MetricOf::Count) };
    let (results, _) = tables(&bench(&journeys, &["none", "mens"], vec![plan_of("order_value", kind)]));
    assert_eq!(show(&results, &["customers", "mean", "control_mean", "difference"]), "4 3 2.25 0.75");
    let error = (9.875_f64 / 12.0 + 14.0 / 12.0).sqrt();
    let p_value = cell(&results, &[], "p_value");
    let degrees_of_freedom = {
        let (c, t) = (9.875_f64 / 12.0, 14.0 / 12.0);
        (c + t).powi(2) / (c * c / 3.0 + t * t / 3.0)
    };
    assert_close(
        p_value,
        crate::stats::special::student_t_two_sided(0.75 / error, degrees_of_freedom),
        1e-12,
    );
}

#[test]
fn a_cap_is_an_amount_or_a_percentile_of_all_arms() {
    let journeys = [
        (1, "buy d1 =100, buy d2 =100 | mail/none d0"),
        (1, "buy d1 =500 | mail/none d0"),
        (2, "| mail/none d0"),
        (1, "buy d1 =900 | mail/mens d0"),
        (1, "buy d1 =300 | mail/mens d0"),
        (2, "| mail/mens d0"),
    ];
    let capped = |cap| {
        let metric = MetricPlan { cap, ..plan_of("revenue", MetricKind::Mean(buys(MetricOf::Value))) };
        let (results, _) = tables(&bench(&journeys, &["none", "mens"], vec![metric]));
        show(&results, &["mean", "control_mean", "note"])
    };
    assert_eq!(capped(None), "3 1.75 approximate");
    assert_eq!(capped(Some(Cap::Amount(250))), "1.25 1.125 approximate");
    // Four zeros, then 2, 3, 5, 9 euros: the sixth of eight is 3.
    assert_eq!(capped(Some(Cap::Percentile(0.75))), "1.5 1.25 approximate; cap = 3");
    assert_eq!(
        capped(Some(Cap::Percentile(0.5))),
        "0 0 zero_variance; zero_control_mean; cap = 0; cap_is_zero"
    );
}

#[test]
fn a_quantile_is_over_customers_with_their_zeros() {
    // 1 to 40 euros, each a customer, and as many that bought nothing; the variant's are twice as much.
    let mut journeys = vec![(40, "| mail/none d0".to_owned()), (40, "| mail/mens d0".to_owned())];
    for euros in 1..=40 {
        journeys.push((1, format!("buy d1 ={euros} | mail/none d0")));
        journeys.push((1, format!("buy d1 ={} | mail/mens d0", 2 * euros)));
    }
    let metric = |share| plan_of("p", MetricKind::Quantile { of: buys(MetricOf::Count), share });
    let values = |share| plan_of("p", MetricKind::Quantile { of: buys(MetricOf::Value), share });
    let (results, _) = tables(&bench(&journeys, &["none", "mens"], vec![values(0.75)]));
    // The mean of the 60th and 61st of 80.
    assert_eq!(show(&results, &["mean", "control_mean", "difference"]), "0.41 0.205 0.205");
    assert!(cell(&results, &[], "p_value") < 0.05);
    let (results, _) = tables(&bench(&journeys, &["none", "mens"], vec![values(0.25), metric(0.75)]));
    let shown = show(&results, &["mean", "control_mean", "difference", "verdict", "note"]);
    assert_eq!(shown, "0 0 - undecided zero_control_mean; tied\n1 1 - undecided tied");
}

#[test]
fn below_zero_there_is_no_quantile() {
    let mut journeys = vec![(1, "buy d1 *-2 | mail/mens d0 | de".to_owned())];
    for items in 1..=20 {
        journeys.push((1, format!("buy d1 *{items} | mail/none d0 | de")));
        journeys.push((1, format!("buy d1 *{items} | mail/mens d0 | fr")));
        journeys.push((1, format!("buy d1 *{items} | mail/none d0 | fr")));
    }
    let kind = MetricKind::Quantile { of: buys(MetricOf::Number(0)), share: 0.5 };
    let mut bench = bench(&journeys, &["none", "mens"], vec![plan_of("p", kind)]);
    bench.plan.numbers = vec!["items".to_owned()];
    bench.plan.experiments[0].weights = vec![("none".to_owned(), 2.0), ("mens".to_owned(), 1.0)];
    bench.dimensions = vec![crate::journey::Dimension::new(
        "country",
        crate::journey::dimensions::DimensionSource::Attribute(0),
        &world().attributes,
    )];
    let shown = show(&tables(&bench).0, &["segment", "mean", "control_mean", "difference", "note"]);
    assert_eq!(shown, "all - 10.498 - negative\nde - - - withheld\nfr - - - withheld");
    bench.plan.segments.min_customers = 1;
    let shown = show(&tables(&bench).0, &["segment", "mean", "control_mean", "difference", "note"]);
    assert_eq!(shown, "all - 10.498 - negative\nde - 10.498 - negative\nfr 10.498 10.498 0 approximate");
}

#[test]
fn numbers_are_summed_over_rows_or_conversions() {
    let journeys = [
        (1, "visit d1 *2, buy d2 *1.5, visit d9 | mail/none d0"),
        (1, "visit d-1 *7, buy d14 *9 | mail/none d0"),
        (1, "buy d3 #1 *4, visit d4 *1, buy d20 #1 *0.25 | mail/mens d0"),
        (1, "buy d3 *-1 | mail/mens d0"),
    ];
    let all = Quantity { conversion: None, of: MetricOf::Number(0) };
    let metrics = vec![
        plan_of("rows", MetricKind::Mean(all)),
        plan_of("conversions", MetricKind::Mean(buys(MetricOf::Number(0)))),
        plan_of("any", MetricKind::Proportion(all)),
    ];
    let mut bench = bench(&journeys, &["none", "mens"], metrics);
    bench.plan.numbers = vec!["items".to_owned()];
    assert_eq!(NUMBER_PER_UNIT, 1_000_000);
    let means = |bench: &Bench| show(&tables(bench).0, &["mean", "control_mean"]);
    assert_eq!(means(&bench), "2 1.75\n1.5 0.75\n1 0.5");
    // Items of an order count with its first row, when that counts, wherever they stand.
    bench.world.rules.orders[1] = Some(crate::config::plan::Orders::Sum);
    assert_eq!(means(&bench), "2 1.75\n1.625 0.75\n1 0.5");
}

#[test]
fn before_and_after_make_the_adjusted_row() {
    // (now, before) by customer: control (1, 0), (2, 2), (4, 3), (1, 1); variant (3, 1), (4, 3), (5, 2), (2, 0).
    let row = |now: i64, before: i64, variant: &str| {
        (1, format!("buy d4 ={before}00, buy d6 ={now}00 | mail/{variant} d5"))
    };
    let journeys = [
        row(1, 0, "none"),
        row(2, 2, "none"),
        row(4, 3, "none"),
        row(1, 1, "none"),
        row(3, 1, "mens"),
        row(4, 3, "mens"),
        row(5, 2, "mens"),
        row(2, 0, "mens"),
    ];
    let metrics = vec![
        plan_of("revenue", MetricKind::Mean(buys(MetricOf::Value))),
        plan_of("p", MetricKind::Quantile { of: buys(MetricOf::Value), share: 0.5 }),
    ];
    let mut bench = bench(&journeys, &["none", "mens"], metrics);
    bench.plan.experiments[0].pre_period_us = Some(2 * DAY_US);
    let (results, _) = tables(&bench);
    let shown =
        show(&results, &["metric", "adjustment", "mean", "control_mean", "difference", "q_value", "verdict"]);
    let lines: Vec<&str> = shown.lines().collect();
    // Together x̄ = 2.75, p̄ = 1.5; Σ(x − x̄)(p − p̄) = 42 − 33 = 9, Σ(p − p̄)² = 28 − 18 = 10: θ = .9. Means of before
    // are alike, so the difference stays 1.5.
    assert_eq!(lines[0], "revenue none 3.5 2 1.5 - -");
    assert!(lines[1].starts_with("revenue cuped 3.5 2 1.5 "), "{shown}");
    assert!(lines[2].starts_with("p none 3.5 1.5 "), "no adjusted twin: {shown}");
    assert_eq!(lines.len(), 3);
    // Variances of x − .9·p: control 1, .2, 1.3, .1 and variant 2.1, 1.3, 3.2, 2.
    let variance = |values: [f64; 4]| {
        let mean = values.iter().sum::<f64>() / 4.0;
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / 3.0
    };
    let adjusted = variance([1.0, 0.2, 1.3, 0.1]) + variance([2.1, 1.3, 3.2, 2.0]);
    let unadjusted = variance([1.0, 2.0, 4.0, 1.0]) + variance([3.0, 4.0, 5.0, 2.0]);
    let note = show(&results, &["note"]);
    let expected = format!("variance_reduction = {:.3}", 1.0 - adjusted / unadjusted);
    assert!(note.lines().nth(1).is_some_and(|note| note.ends_with(&expected)), "{note} without {expected}");
}

#[test]
fn what_was_not_before_leaves_the_unadjusted_row_to_decide() {
    let mut bench = bench(&thousands(400, 500), &["none", "mens"], vec![visits()]);
    bench.plan.experiments[0].pre_period_us = Some(DAY_US);
    let (results, _) = tables(&bench);
    let columns = ["adjustment", "difference", "q_value", "verdict", "note"];
    let shown = show(&results, &columns);
    assert_eq!(shown, "none 0.1 0 win -\ncuped - - - zero_pre_variance");
}

#[test]
fn who_decides_on_many_looks_needs_more() {
    let verdict = |sequential, window_days| {
        let metrics = vec![metric("visit", MetricKind::Proportion, MetricOf::Count, window_days)];
        let mut bench = bench(&thousands(400, 450), &["none", "mens"], metrics);
        bench.plan.experiments[0].sequential = sequential;
        bench.plan.experiments[0].flat_within = Some(0.2);
        show(&tables(&bench).0, &["verdict"])
    };
    // p = .023 once; looked at all the time it may be chance, and is not yet known to be little.
    assert_eq!(verdict(false, Some(14)), "win");
    assert_eq!(verdict(true, Some(14)), "undecided");
    assert_eq!(verdict(true, None), "win", "no bounds hold for what has no window");
}

#[test]
fn guardrails_lose_or_hold_and_never_win() {
    let verdict = |control, variant, good_up, flat_within| {
        let mut bench = bench(&thousands(control, variant), &["none", "mens"], vec![visits(), visits()]);
        bench.plan.metrics[1].good_up = good_up;
        bench.plan.experiments[0].flat_within = flat_within;
        bench.plan.experiments[0].metrics = vec![0];
        bench.plan.experiments[0].guardrails = vec![1];
        let shown = show(&tables(&bench).0, &["role", "q_value", "verdict"]);
        shown.lines().nth(1).unwrap().to_owned()
    };
    assert_eq!(verdict(400, 500, true, None), "guardrail - undecided");
    assert_eq!(verdict(400, 500, true, Some(0.01)), "guardrail - flat");
    assert_eq!(verdict(500, 400, true, Some(0.9)), "guardrail - lose");
    assert_eq!(verdict(400, 500, false, None), "guardrail - lose");
    assert_eq!(verdict(400, 405, false, Some(0.2)), "guardrail - flat");
    assert_eq!(verdict(400, 405, false, Some(0.1)), "guardrail - undecided");
}

#[test]
fn customers_that_are_still_needed() {
    let mut bench = bench(&thousands(200, 200), &["none", "mens"], vec![visits()]);
    bench.plan.experiments[0].target_lift = Some(0.25);
    // 20 % and 5 points more: 1,094 an arm, of whom 1,000 are there.
    assert_eq!(show(&tables(&bench).0, &["customers_needed"]), "188");
    bench.plan.experiments[0].target_lift = Some(9.0);
    assert_eq!(show(&tables(&bench).0, &["customers_needed"]), "-", "more than all");
}

#[test]
fn a_prior_pulls_at_the_lift_itself() {
    let chance = |good_up, mean| {
        let mut bench = bench(&thousands(400, 400), &["none", "mens"], vec![visits()]);
        bench.plan.metrics[0].good_up = good_up;
        bench.plan.experiments[0].prior = LiftPrior::Normal { mean, standard_deviation: 0.01 };
        cell(&tables(&bench).0, &WHOLE, "chance_to_win")
    };
    assert!(chance(true, 0.1) > 0.99);
    assert!(chance(false, 0.1) < 0.01, "a rise was believed in, and a rise is bad");
    assert_close(chance(true, 0.0), 0.5, 1e-12);
}

#[test]
fn segments_are_those_of_the_first_exposure() {
    let journeys = [
        (100, "visit d6 | mail/none d5 | de"),
        (300, "x d6 | mail/none d5 | de"),
        (300, "visit d6 | mail/mens d5 | de"),
        (100, "x d6 | mail/mens d5 | de"),
        (200, "visit d6 | mail/none d5 | de d6, fr d1"),
        (200, "x d6 | mail/none d5 | fr"),
        (210, "visit d6 | mail/mens d5 | fr"),
        (190, "x d6 | mail/mens d5 | fr"),
    ];
    let mut bench = bench(&journeys, &["none", "mens"], vec![visits()]);
    bench.dimensions = vec![crate::journey::Dimension::new(
        "country",
        crate::journey::dimensions::DimensionSource::Attribute(0),
        &world().attributes,
    )];
    let (results, _) = tables(&bench);
    let columns = ["dimension", "segment", "customers", "control_customers", "difference", "verdict"];
    assert_eq!(
        show(&results, &columns),
        "all all 800 800 0.263 win\ncountry de 400 400 0.5 -\ncountry fr 400 400 0.025 -"
    );
    // Two segments: each is the other's rest. √(.1875/400·2 + (.25 + .249375)/400) is the error of .475.
    let interaction = |segment| cell(&results, &[("segment", segment)], "interaction_p_value");
    assert_eq!(interaction("de"), interaction("fr"));
    let error = (0.1875_f64 * 2.0 / 400.0 + (0.25 + 0.249375) / 400.0).sqrt();
    let normal = 2.0 * crate::stats::special::normal_sf(0.475 / error);
    // Far out a t isn't quite a normal.
    assert_close(interaction("de").ln(), normal.ln(), 0.05);
    assert_eq!(cell(&results, &[("segment", "de")], "interaction_q_value"), interaction("de"));
}

#[test]
fn found_experiments_are_compared_by_the_defaults() {
    let journeys = [
        (30, "visit d1 | mail/none d0, extra/y d0"),
        (30, "x d1 | mail/mens d0, extra/x d0"),
        (10, "visit d1 | mail/mens d0, extra/x d0"),
    ];
    let mut bench = bench(&journeys, &["none", "mens"], vec![visits()]);
    let mut defaults = bench.plan.experiments[0].clone();
    (defaults.name, defaults.control, defaults.weights) = ("*".to_owned(), String::new(), Vec::new());
    bench.plan.experiment_defaults = Some(defaults);
    let columns = ["experiment", "variant", "control", "customers", "control_customers"];
    assert_eq!(show(&tables(&bench).0, &columns), "extra y x 30 40\nmail mens none 40 30");
    if let Some(defaults) = &mut bench.plan.experiment_defaults {
        defaults.control = "y".to_owned();
    }
    let (results, health) = tables(&bench);
    assert_eq!(show(&results, &columns), "extra x y 40 30\nmail mens none 40 30");
    let expected = [("experiment", "extra"), ("check", "srm"), ("variant", "x")];
    assert_eq!(cell(&health, &expected, "expected"), 35.0);
}

#[test]
fn a_control_is_assumed_by_its_name() {
    let world = || World::new(&[], &["visit"]).with_assignments(&["t/a", "t/Control", "t/never"]);
    let texts = ["visit d1 | t/a d0", "visit d1 | t/Control d0"];
    let mut bench = Bench::new(world(), &texts);
    let experiments = super::bench(&[(1, "")], &["none"], Vec::new()).plan.experiments;
    let found = ExperimentPlan { control: String::new(), weights: Vec::new(), ..experiments[0].clone() };
    bench.plan.metrics = vec![visits()];
    bench.plan.experiment_defaults = Some(ExperimentPlan { metrics: vec![0], ..found });
    let (results, health) = tables(&bench);
    assert_eq!(show(&results, &["variant", "control"]), "a Control\nnever Control");
    // Nobody was analysed of the third: it isn't held against the split.
    let expected = |variant| figure(&health, &[("check", "srm"), ("variant", variant)], "expected");
    assert_eq!(["a", "Control", "never"].map(expected), [Some(1.0), Some(1.0), None]);
}

#[test]
fn immature_customers_leave_a_note() {
    let note = |journeys: &[(usize, &str)]| {
        let (results, _) = tables(&bench(journeys, &["none", "mens"], vec![visits()]));
        show(&results, &["customers", "control_customers", "note"])
    };
    assert_eq!(
        note(&[(20, "visit d20 | mail/none d20"), (20, "x d20 | mail/mens d20")]),
        "0 0 not_mature; too_few"
    );
    // Nothing varies, and won't for waiting.
    let settled = [(20, "| mail/none d2"), (20, "| mail/mens d2"), (20, "| mail/mens d20")];
    assert_eq!(note(&settled), "20 20 zero_variance; zero_control_mean");
    // One alone stays one.
    assert_eq!(note(&[(4, "| mail/none d2"), (1, "| mail/mens d20")]), "0 4 too_few; zero_control_mean");
    assert_eq!(
        note(&[(4, "| mail/none d2"), (1, "| mail/mens d2"), (1, "| mail/mens d20")]),
        "1 4 not_mature; too_few; zero_control_mean"
    );
}

#[test]
fn who_was_left_out_leaves_a_note() {
    let note = |journeys: &[(usize, &str)]| {
        let (results, health) = tables(&bench(journeys, &["none", "mens"], vec![visits()]));
        (show(&results, &["customers", "note"]), show(&health, &["check", "detail"]))
    };
    let before = "| mail/none d-1";
    assert_eq!(
        note(&[(3, before), (2, "| mail/lost d2")]).0,
        "0 too_few; assigned_before_window; unknown_variant"
    );
    assert_eq!(
        note(&[(2, before), (3, "| mail/lost d2"), (2, "| mail/none d2")]).0,
        "0 too_few; unknown_variant; zero_control_mean"
    );
    assert_eq!(note(&[(2, before), (2, "| mail/none d2")]).0, "0 too_few; zero_control_mean");
    // What is assigned at or after the end isn't read.
    let (shown, checks) = note(&[(2, "| mail/none d30"), (2, "x d1")]);
    assert_eq!(shown, "0 no_assignments");
    assert_eq!(checks, "no_assignments nobody of this experiment was assigned in the data read");
}
