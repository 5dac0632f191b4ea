//! The same figures from lists of customers, in floating point.

use std::collections::BTreeMap;

use polars::prelude::{AnyValue, DataFrame};
use proptest::prelude::*;

use super::{bench, world};
use crate::analyses::Experiments;
use crate::config::plan::{Cap, DAY_US, MetricKind, MetricOf, MetricPlan, Quantity};
use crate::journey::Dimension;
use crate::journey::dimensions::DimensionSource;
use crate::stats::Estimate;

const VARIANTS: [&str; 3] = ["none", "mens", "womens"];
const COUNTRIES: [&str; 3] = ["de", "fr", ""];
const DAY: i64 = 24;
const TO: i64 = 30 * DAY;
const PRE: i64 = 7 * DAY;

/// A customer: times in hours, and rows as (whether it is a purchase, when, value in cents).
#[derive(Debug, Clone)]
struct Customer {
    variant: usize,
    exposed: i64,
    rows: Vec<(bool, i64, i64)>,
    country: usize,
}

impl Customer {
    fn text(&self) -> String {
        let time = |at: i64| format!("d{}/{}:00", at.div_euclid(DAY), at.rem_euclid(DAY));
        let row = |(buys, at, cents): &(bool, i64, i64)| {
            format!("{} {} ={cents} *{}", if *buys { "buy" } else { "visit" }, time(*at), *cents as f64 / 4.0)
        };
        let rows: Vec<String> = self.rows.iter().map(row).collect();
        let assignment = format!("mail/{} {}", VARIANTS[self.variant], time(self.exposed));
        format!("{} | {assignment} | {}", rows.join(", "), COUNTRIES[self.country])
    }

    /// Rows within a span of days, of purchases only or of all.
    fn within(&self, purchases: bool, from: i64, to: i64) -> impl Iterator<Item = i64> {
        let is_in = move |(buys, at, _): &&(bool, i64, i64)| (*buys || !purchases) && (from..to).contains(at);
        self.rows.iter().filter(is_in).map(|(.., cents)| *cents)
    }
}

/// A metric twice: as a plan, and what it is for one customer in a span, numerator and denominator.
struct Metric {
    plan: MetricPlan,
    of: fn(&Customer, i64, i64) -> (f64, f64),
}

fn euros(cents: impl Iterator<Item = i64>) -> f64 {
    cents.sum::<i64>() as f64 / 100.0
}

fn metrics() -> Vec<Metric> {
    let buy = |of| Quantity { conversion: Some(1), of };
    let value = buy(MetricOf::Value);
    let number = Quantity { conversion: None, of: MetricOf::Number(0) };
    let ratio = MetricKind::Ratio { numerator: value, denominator: buy(MetricOf::Count) };
    let metric = |name: &str, kind, window: Option<i64>, cap, of| {
        let window_us = window.map(|days| days * DAY_US);
        let plan = MetricPlan { name: name.to_owned(), kind, window_us, good_up: true, cap };
        Metric { plan, of }
    };
    let revenue: fn(&Customer, i64, i64) -> (f64, f64) =
        |of, from, to| (euros(of.within(true, from, to)), 1.0);
    let rate: fn(&Customer, i64, i64) -> (f64, f64) =
        |of, from, to| (f64::from(u8::from(of.within(true, from, to).count() > 0)), 1.0);
    let per_order: fn(&Customer, i64, i64) -> (f64, f64) =
        |of, from, to| (euros(of.within(true, from, to)), of.within(true, from, to).count() as f64);
    vec![
        metric("rate", MetricKind::Proportion(buy(MetricOf::Count)), Some(7), None, rate),
        metric("revenue", MetricKind::Mean(value), Some(7), None, revenue),
        metric("total", MetricKind::Mean(value), None, None, revenue),
        metric("bounded", MetricKind::Mean(value), Some(7), Some(Cap::Amount(900)), |of, from, to| {
            (euros(of.within(true, from, to)).min(9.0), 1.0)
        }),
        metric("capped", MetricKind::Mean(value), Some(3), Some(Cap::Percentile(0.8)), revenue),
        metric("items", MetricKind::Mean(number), Some(7), None, |of, from, to| {
            (of.within(false, from, to).sum::<i64>() as f64 / 4.0, 1.0)
        }),
        metric("order_value", ratio, Some(7), None, per_order),
        metric("capped_order_value", ratio, Some(7), Some(Cap::Percentile(0.9)), per_order),
        metric("middle", MetricKind::Quantile { of: value, share: 0.7 }, Some(7), None, revenue),
    ]
}

/// What one customer says: numerator and denominator, then both of before.
type Figures = [f64; 4];

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

fn variance(values: &[f64]) -> f64 {
    let mean = mean(values);
    let variance =
        values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / (values.len() as f64 - 1.0);
    // What rounding leaves of nothing.
    if variance < 1e-12 { 0.0 } else { variance }
}

fn covariance(one: &[f64], other: &[f64]) -> f64 {
    let means = (mean(one), mean(other));
    let products = one.iter().zip(other).map(|(one, other)| (one - means.0) * (other - means.1));
    products.sum::<f64>() / (one.len() as f64 - 1.0)
}

fn column(figures: &[Figures], at: usize) -> Vec<f64> {
    figures.iter().map(|figures| figures[at]).collect()
}

/// Shares in the ratio of two columns around it: mean zero, so the ratio is added. Of a mean, the values.
fn linear(figures: &[Figures], numerator: usize) -> Option<Vec<f64>> {
    let (above, below) = (column(figures, numerator), column(figures, numerator + 1));
    let (ratio, scale) = (mean(&above) / mean(&below), mean(&below));
    let shares = above.iter().zip(&below).map(|(above, below)| ratio + (above - ratio * below) / scale);
    (scale != 0.0).then(|| shares.collect())
}

/// Welch: n, mean and variance of both arms.
fn welch(control: (f64, f64, f64), variant: (f64, f64, f64)) -> Option<Estimate> {
    let (c, t) = (control.2 / control.0, variant.2 / variant.0);
    if !(c > 0.0 && t > 0.0) || control.0 < 2.0 || variant.0 < 2.0 {
        return None;
    }
    let degrees_of_freedom = (c + t).powi(2) / (c * c / (control.0 - 1.0) + t * t / (variant.0 - 1.0));
    Some(Estimate { value: variant.1 - control.1, standard_error: (c + t).sqrt(), degrees_of_freedom })
}

fn arm(kind: MetricKind, figures: &[Figures]) -> Option<(f64, f64, f64)> {
    if figures.len() < 2 {
        return None;
    }
    let values = linear(figures, 0)?;
    let mean = mean(&values);
    let variance = match kind {
        MetricKind::Proportion(_) => mean * (1.0 - mean),
        _ => variance(&values),
    };
    Some((figures.len() as f64, mean, variance))
}

fn cuped(control: &[Figures], variant: &[Figures]) -> Option<(Estimate, f64)> {
    if control.len() < 2 || variant.len() < 2 {
        return None;
    }
    let pair = [control, variant].concat();
    let (now, before) = (linear(&pair, 0)?, linear(&pair, 2)?);
    let theta = covariance(&now, &before) / variance(&before);
    let adjusted = |arm: &[Figures]| {
        let (now, before) = (linear(arm, 0)?, linear(arm, 2)?);
        let unadjusted = (now.len() as f64, mean(&now), variance(&now));
        let values: Vec<f64> = now.iter().zip(&before).map(|(now, before)| now - theta * before).collect();
        let adjusted = (now.len() as f64, mean(&values), variance(&values));
        (variance(&before) > 0.0).then_some((unadjusted, adjusted))
    };
    let ((control, adjusted_control), (variant, adjusted_variant)) = (adjusted(control)?, adjusted(variant)?);
    welch(control, variant)?;
    let estimate = welch(adjusted_control, adjusted_variant)?;
    Some((estimate, control.1))
}

/// Order statistics are exact for cents below 2,048.
fn quantile(figures: &[Figures], share: f64) -> Option<f64> {
    let mut values = column(figures, 0);
    values.sort_by(f64::total_cmp);
    let below = values.len() as f64 * share;
    let at = |rank: f64| values.get(rank as usize).copied();
    if values.is_empty() {
        return None;
    }
    if (below - below.round()).abs() < 1e-9 {
        let below = below.round();
        return Some((at(below - 1.0)? + at(below)?) / 2.0);
    }
    at(below.floor())
}

fn customers() -> impl Strategy<Value = Vec<Customer>> {
    let row = (any::<bool>(), -10..29_i64, 0..24_i64, 0..300_i64)
        .prop_map(|(buys, day, hour, cents)| (buys, day * DAY + hour, cents));
    let customer = (0..3_usize, 0..58_i64, 0..24_i64, prop::collection::vec(row, 0..5), 0..3_usize);
    let customer = customer.prop_map(|(variant, day, hour, rows, country)| Customer {
        variant,
        exposed: day / 2 * DAY + hour,
        rows,
        country,
    });
    prop::collection::vec(customer, 0..60)
}

/// Rows of a frame by metric, variant, adjustment and segment.
fn by_key(frame: &DataFrame) -> BTreeMap<[String; 4], usize> {
    let text = |name: &str, at: usize| match frame.column(name).unwrap().get(at).unwrap() {
        AnyValue::String(text) => text.to_owned(),
        _ => String::new(),
    };
    let keys = ["metric", "variant", "adjustment", "segment"];
    (0..frame.height()).map(|at| (keys.map(|key| text(key, at)), at)).collect()
}

#[track_caller]
fn assert_same(found: Option<f64>, expected: Option<f64>, what: &str) {
    match (found, expected) {
        (Some(found), Some(expected)) => {
            let size = found.abs().max(expected.abs()).max(1e-6);
            assert!((found - expected).abs() <= 1e-7 * size, "{what}: {found} is not {expected}");
        }
        (found, expected) => assert_eq!(found, expected, "{what}"),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn figures_are_those_of_lists_of_customers(customers in customers()) {
        let texts: Vec<(usize, String)> = customers.iter().map(|customer| (1, customer.text())).collect();
        let metrics = metrics();
        let plans = metrics.iter().map(|metric| metric.plan.clone()).collect();
        let mut bench = bench(&texts, &VARIANTS, plans);
        bench.plan.numbers = vec!["number".to_owned()];
        bench.plan.segments.min_customers = 1;
        bench.plan.experiments[0].pre_period_us = Some(PRE / DAY * DAY_US);
        bench.dimensions =
            vec![Dimension::new("country", DimensionSource::Attribute(0), &world().attributes)];
        let frames = bench.run_in_any_order(&Experiments::new(bench.context()));
        let frame = &frames[0].1;
        let rows = by_key(frame);
        let cell = |at: usize, name: &str| match frame.column(name).unwrap().get(at).unwrap() {
            AnyValue::Float64(value) => Some(value),
            AnyValue::Int64(value) => Some(value as f64),
            _ => None,
        };
        for Metric { plan, of } in &metrics {
            let window = plan.window_us.map(|window_us| window_us / DAY_US * DAY);
            let is_mature = |of: &&Customer| window.is_none_or(|window| of.exposed + window <= TO);
            let figures = |customer: &Customer| {
                let end = window.map_or(TO, |window| customer.exposed + window);
                let (now, before) =
                    (of(customer, customer.exposed, end), of(customer, customer.exposed - PRE, customer.exposed));
                [now.0, now.1, before.0, before.1]
            };
            let all: Vec<&Customer> = customers.iter().filter(is_mature).collect();
            let cap = match plan.cap {
                Some(Cap::Percentile(level)) if !all.is_empty() => {
                    let mut values: Vec<f64> = all.iter().map(|customer| figures(customer)[0]).collect();
                    values.sort_by(f64::total_cmp);
                    values[((values.len() as f64 * level - 1e-9).ceil() as usize).max(1) - 1]
                }
                _ => f64::INFINITY,
            };
            let arm_of = |variant: &str, country: Option<&str>| -> Vec<Figures> {
                let belongs = |of: &&&Customer| {
                    let own = COUNTRIES[of.country];
                    let own = if own.is_empty() { "(none)" } else { own };
                    VARIANTS[of.variant] == variant && country.is_none_or(|country| own == country)
                };
                let figures = all.iter().filter(belongs).map(|customer| figures(customer));
                figures.map(|of| [of[0].min(cap), of[1], of[2], of[3]]).collect()
            };
            for variant in ["mens", "womens"] {
                let effects = |country: Option<&str>| {
                    let arms = [arm_of("none", country), arm_of(variant, country)];
                    let [control, treatment] = [arm(plan.kind, &arms[0]), arm(plan.kind, &arms[1])];
                    (arms, control.zip(treatment).and_then(|(control, treatment)| welch(control, treatment)))
                };
                for segment in [None, Some("de"), Some("fr"), Some("(none)")] {
                    let key = [plan.name.as_str(), variant, "none", segment.unwrap_or("all")];
                    let Some(row) = rows.get(&key.map(str::to_owned)) else {
                        prop_assert!(segment.is_some(), "no row of {key:?}");
                        continue;
                    };
                    let what = format!("{key:?}");
                    let (arms, effect) = effects(segment);
                    assert_same(cell(*row, "customers"), Some(arms[1].len() as f64), &what);
                    assert_same(cell(*row, "control_customers"), Some(arms[0].len() as f64), &what);
                    if let MetricKind::Quantile { share, .. } = plan.kind {
                        assert_same(cell(*row, "mean"), quantile(&arms[1], share), &what);
                        assert_same(cell(*row, "control_mean"), quantile(&arms[0], share), &what);
                        continue;
                    }
                    let mean = |arm: &[Figures]| linear(arm, 0).filter(|arm| !arm.is_empty()).map(|arm| mean(&arm));
                    assert_same(cell(*row, "mean"), mean(&arms[1]), &what);
                    assert_same(cell(*row, "control_mean"), mean(&arms[0]), &what);
                    assert_same(cell(*row, "difference"), effect.map(|effect| effect.value), &what);
                    let low = effect.map(|effect| effect.interval(0.05).low);
                    assert_same(cell(*row, "difference_low"), low, &what);
                    assert_same(cell(*row, "p_value"), effect.map(|effect| effect.p_value()), &what);
                    if let Some(segment) = segment {
                        let others = |variant: &str| {
                            let names = ["de", "fr", "(none)"].into_iter().filter(|name| *name != segment);
                            names.flat_map(|name| arm_of(variant, Some(name))).collect::<Vec<_>>()
                        };
                        let others = arm(plan.kind, &others("none"))
                            .zip(arm(plan.kind, &others(variant)))
                            .and_then(|(control, treatment)| welch(control, treatment));
                        let p_value = effect.zip(others).map(|(effect, others)| {
                            let squares = [effect, others].map(|effect| effect.standard_error.powi(2));
                            let sum = squares[0] + squares[1];
                            let degrees_of_freedom = sum * sum
                                / (squares[0].powi(2) / effect.degrees_of_freedom
                                    + squares[1].powi(2) / others.degrees_of_freedom);
                            let value = effect.value - others.value;
                            Estimate { value, standard_error: sum.sqrt(), degrees_of_freedom }.p_value()
                        });
                        assert_same(cell(*row, "interaction_p_value"), p_value, &what);
                    } else {
                        let key = [plan.name.as_str(), variant, "cuped", "all"].map(str::to_owned);
                        let row = rows[&key];
                        let adjusted = cuped(&arms[0], &arms[1]);
                        // What rounding leaves of a variance that is zero is for the statistics to tell.
                        if adjusted.is_some_and(|(adjusted, _)| adjusted.standard_error < 1e-6) {
                            continue;
                        }
                        let what = format!("{key:?}");
                        assert_same(cell(row, "difference"), adjusted.map(|(estimate, _)| estimate.value), &what);
                        let low = adjusted.map(|(estimate, _)| estimate.interval(0.05).low);
                        assert_same(cell(row, "difference_low"), low, &what);
                        let mean = adjusted.map(|(estimate, control)| control + estimate.value);
                        assert_same(cell(row, "mean"), mean, &what);
                    }
                }
            }
        }
    }
}
