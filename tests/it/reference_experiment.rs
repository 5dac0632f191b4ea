//! An e-mail test of 64,000 customers (MineThatData, K. Hillstrom 2008) against what gbstats 0.8.0, statsmodels
//! 0.15.0 and scipy 1.13.1 say of it: first the statistics on the counts, then a whole run. See
//! [`crate::reference`] for where the data are.
//!
//! Every figure that is compared is a line of a table, which `--nocapture` shows.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use arrow::array::AsArray;
use arrow::datatypes::{DataType, Float64Type, Int64Type};
use serde_json::Value;
use touchline::stats::bayes::{Posterior, Prior};
use touchline::stats::{
    Arm, ConfidenceSequence, Estimate, Interval, Joint, cuped, multiplicity, power, proportion, ratio, srm,
    welch,
};

use crate::reference::{data, number, read, row_of, run, table, told_absent, write};

pub const CONTROL: &str = "No E-Mail";
pub const VARIANTS: [&str; 2] = ["Mens E-Mail", "Womens E-Mail"];
const ALPHA: f64 = 0.05;
/// Sums of squares of floats keep so much.
const FLOATS: f64 = 1e-11;

/// Lines of what is compared, by quantity.
#[derive(Default)]
pub struct Comparison {
    lines: Vec<(String, String, f64, f64, f64)>,
    wrong: Vec<String>,
}

impl Comparison {
    /// A figure is theirs, but for a relative tolerance.
    pub fn near(&mut self, quantity: &str, of: &str, ours: f64, theirs: &Value, tolerance: f64) {
        self.number(quantity, of, ours, theirs.as_f64().unwrap(), tolerance);
    }

    pub fn number(&mut self, quantity: &str, of: &str, ours: f64, theirs: f64, tolerance: f64) {
        let off = if ours == theirs { 0.0 } else { ours / theirs - 1.0 };
        self.line(quantity.to_owned(), of, (ours, theirs), off, tolerance);
    }

    fn line(&mut self, quantity: String, of: &str, (ours, theirs): (f64, f64), off: f64, tolerance: f64) {
        if off.is_nan() || off.abs() > tolerance {
            self.wrong.push(format!("{quantity} of {of}: {ours:e} is not {theirs:e}, off by {off:e}"));
        }
        self.lines.push((quantity, of.to_owned(), ours, theirs, off));
    }

    /// The same for both bounds; where one may be near zero, against the width.
    pub fn bounds(&mut self, quantity: &str, of: &str, ours: Interval, theirs: &Value, tolerance: f64) {
        let theirs = [0, 1].map(|at| theirs[at].as_f64().unwrap());
        for (bound, ours, own) in [("low", ours.low, theirs[0]), ("high", ours.high, theirs[1])] {
            let off = (ours - own) / (theirs[1] - theirs[0]);
            self.lines.push((format!("{quantity}, {bound}"), of.to_owned(), ours, own, off));
            assert!(
                off.abs() <= tolerance,
                "{bound} {quantity} of {of}: {ours} is not {own}, off by {off:e}"
            );
        }
    }

    /// Shows all lines, then the worst of each quantity, and asserts that none is beyond its tolerance.
    #[expect(clippy::print_stdout, reason = "the table is what one runs this for, with --nocapture")]
    pub fn check(&self, title: &str) {
        println!(
            "\n{title}\n\n| quantity | of | ours | theirs | deviation |\n| --- | --- | ---: | ---: | ---: |"
        );
        let mut worst: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
        for (quantity, of, ours, theirs, off) in &self.lines {
            println!("| {quantity} | {of} | {ours:.9e} | {theirs:.9e} | {off:.1e} |");
            let own = worst.entry(quantity).or_default();
            *own = (own.0 + 1, own.1.max(off.abs()));
        }
        println!("\n| quantity | compared | largest deviation |\n| --- | ---: | ---: |");
        for (quantity, (count, off)) in worst {
            println!("| {quantity} | {count} | {off:.1e} |");
        }
        assert!(
            self.wrong.is_empty(),
            "{} of {}:\n{}",
            self.wrong.len(),
            self.lines.len(),
            self.wrong.join("\n")
        );
    }
}

/// What is known of a customer.
struct Customer {
    variant: String,
    newbie: String,
    channel: String,
    visits: i64,
    converts: i64,
    spend_minor: i64,
    history_minor: i64,
    recency: i64,
}

fn customers(data: &Path) -> Vec<Customer> {
    let batch = read(&data.join("email_experiment/users.parquet"));
    let texts = |name: &str| -> Vec<String> {
        let column = arrow::compute::cast(batch.column_by_name(name).unwrap(), &DataType::Utf8).unwrap();
        column.as_string::<i32>().iter().map(|text| text.unwrap().to_owned()).collect()
    };
    let ints = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>().values().to_vec();
    let cents = |name: &str| -> Vec<i64> {
        let column = batch.column_by_name(name).unwrap().as_primitive::<Float64Type>();
        column.values().iter().map(|value| (value * 100.0).round() as i64).collect()
    };
    let (variants, newbies, channels) = (texts("variant"), texts("newbie"), texts("channel"));
    let (visits, converts, recency) = (ints("visit"), ints("conversion"), ints("recency"));
    let (spend, history) = (cents("spend"), cents("history"));
    let customer = |at: usize| Customer {
        variant: variants[at].clone(),
        newbie: newbies[at].clone(),
        channel: channels[at].clone(),
        visits: visits[at],
        converts: converts[at],
        spend_minor: spend[at],
        history_minor: history[at],
        recency: recency[at],
    };
    (0..batch.num_rows()).map(customer).collect()
}

pub fn figures(data: &Path) -> Value {
    let file = File::open(data.join("email_experiment/expected_ab.json")).unwrap();
    serde_json::from_reader(file).unwrap()
}

/// Sums over the customers of a variant that are in a segment.
fn sums<const K: usize>(
    customers: &[Customer],
    variant: &str,
    is_in: impl Fn(&Customer) -> bool,
    values: impl Fn(&Customer) -> [i64; K],
) -> Joint<K> {
    let mut joint = Joint::default();
    let own = customers.iter().filter(|customer| customer.variant == variant && is_in(customer));
    own.for_each(|customer| joint.add(values(customer)));
    joint
}

/// Everything that gbstats says of two arms.
fn check_gbstats(lines: &mut Comparison, of: &str, control: &Arm, treatment: &Arm, theirs: &Value, off: f64) {
    let difference = welch::difference(control, treatment).unwrap();
    let lift = welch::relative_lift(control, treatment).unwrap().estimate;
    let customers = control.n + treatment.n;
    for (scale, estimate) in [("absolute", &difference), ("relative", &lift)] {
        let fixed = &theirs[format!("freq_{scale}")];
        check_estimate(lines, &format!("{scale} difference (gbstats)"), of, estimate, fixed, off);
        for tuning in [1_000.0, 5_000.0] {
            let theirs = &theirs[format!("sequential_tuning{tuning}_{scale}")];
            let sequence = ConfidenceSequence::new(ALPHA, tuning);
            let what = format!("sequential {scale} interval, N* {tuning} (gbstats)");
            lines.bounds(&what, of, sequence.interval(estimate, customers).unwrap(), &theirs["ci"], off);
            let what = format!("always-valid p, {scale}, N* {tuning} (gbstats)");
            // An exponent of some hundred makes a hundred times as much of what the statistic is off.
            lines.near(&what, of, sequence.p_value(estimate, customers), &theirs["p_value"], 1e3 * off);
        }
    }
    let normal = Prior::Normal { mean: 0.0, standard_deviation: 0.3 };
    for (name, key, prior) in [
        ("flat", "bayes_flat_relative", Prior::Flat),
        ("N(0, 0.3²)", "bayes_prior_N(0,0.3^2)relative_relative", normal),
    ] {
        let posterior = Posterior::of_lift(lift.value, lift.standard_error, prior);
        let theirs = &theirs[key];
        let what = |quantity: &str| format!("{quantity}, prior {name} (gbstats)");
        lines.near(&what("posterior mean"), of, posterior.mean, &theirs["expected"], off);
        lines.near(&what("posterior deviation"), of, posterior.standard_deviation, &theirs["stddev"], off);
        lines.bounds(&what("credible interval"), of, posterior.credible_interval(ALPHA), &theirs["ci"], off);
        lines.near(&what("chance to win"), of, posterior.chance_to_win(), &theirs["chance_to_win"], off);
        let [control, variant] = [0, 1].map(|at| &theirs["risk"][at]);
        lines.near(&what("expected loss, control"), of, posterior.expected_loss_of_control(), control, off);
        // Theirs is a difference that cancels: of 1e-67 nothing is left of a double's digits.
        let smallest = variant.as_f64().unwrap();
        let tolerance = if smallest < 1e-9 { 1.0 } else { 1e-6 + 10.0 * off };
        lines.near(&what("expected loss, variant"), of, posterior.expected_loss(), variant, tolerance);
    }
}

fn check_estimate(
    lines: &mut Comparison,
    what: &str,
    of: &str,
    ours: &Estimate,
    theirs: &Value,
    tolerance: f64,
) {
    lines.near(what, of, ours.value, &theirs["expected"], tolerance);
    lines.near(&format!("its standard error, {what}"), of, ours.standard_error, &theirs["stddev"], tolerance);
    lines.bounds(&format!("its interval, {what}"), of, ours.interval(ALPHA), &theirs["ci"], tolerance);
    // From twice the rest to one: below 1e-13 nothing is left of it, at 1e-7 nine digits.
    let p = theirs["p_value"].as_f64().unwrap();
    if p > 1e-13 {
        lines.number(&format!("its p, {what}"), of, ours.p_value(), p, 1e-15 / p + 1e3 * tolerance);
    } else {
        assert!(ours.p_value() > 0.0 && ours.p_value() < 1e-13, "theirs underflows, ours doesn't");
    }
}

/// Everything that is said of a share.
fn check_proportion(
    lines: &mut Comparison,
    of: &str,
    control: &Joint<1>,
    treatment: &Joint<1>,
    theirs: &Value,
) {
    let counts = |joint: &Joint<1>| (u64::try_from(joint.sums[0]).unwrap(), joint.n);
    let ((c, n_c), (t, n_t)) = (counts(control), counts(treatment));
    for (side, successes, n) in [("control", c, n_c), ("treat", t, n_t)] {
        let own = &theirs[side];
        assert_eq!((own["conv"].as_u64(), own["n"].as_u64()), (Some(successes), Some(n)), "{of}");
        let wilson = proportion::wilson(successes, n, ALPHA).unwrap();
        lines.bounds("Wilson (statsmodels)", of, wilson, &own["ci95_wilson"], 1e-12);
    }
    let newcombe = proportion::newcombe_difference(t, n_t, c, n_c, ALPHA).unwrap();
    lines.bounds("Newcombe (statsmodels)", of, newcombe, &theirs["diff_ci95_newcomb"], 1e-11);
    let pooled = proportion::two_proportion_test(t, n_t, c, n_c).unwrap();
    let known = &theirs["statsmodels_ztest_pooled"];
    lines.near("pooled z (statsmodels)", of, pooled.z, &known["z"], 1e-12);
    // z of 22 in the exponent.
    lines.near("pooled p (statsmodels)", of, pooled.p_value, &known["p"], 1e-10);

    let (control, treatment) = (Arm::of_proportion(c, n_c).unwrap(), Arm::of_proportion(t, n_t).unwrap());
    let difference = welch::difference(&control, &treatment).unwrap();
    lines.near("difference of rates", of, difference.value, &theirs["abs_diff"], 1e-12);
    let lift = welch::relative_lift(&control, &treatment).unwrap();
    lines.near("relative lift", of, lift.estimate.value, &theirs["rel_lift"], 1e-12);
    let normal = &theirs["ztest_unpooled_numpy"];
    let z = difference.value / difference.standard_error;
    lines.near("unpooled z", of, z, &normal["z"], 1e-11);
    // Ours is t with the degrees of freedom of Welch and Satterthwaite, theirs normal: at 7,000 to 40,000
    // of them the quantiles differ by 2e-4 and less.
    lines.bounds("interval, t against z (numpy)", of, difference.interval(ALPHA), &normal["ci95"], 2e-4);
    check_gbstats(lines, of, &control, &treatment, &theirs["gbstats_proportion"], 1e-9);

    // Theirs goes by the arcsine (Cohen 1988), ours by the rates themselves (Fleiss et al. 2003).
    let needed = power::customers_per_arm(control.mean, difference.value, ALPHA, 0.8).unwrap();
    let cohen = &theirs["n_per_arm_80pct_power_for_this_h"];
    lines.near("customers per arm at 80 % power, ours against arcsine", of, needed as f64, cohen, 0.05);
}

#[test]
fn statistics_of_an_email_test_are_those_of_gbstats_statsmodels_and_scipy() {
    let Some(data) = data() else { return told_absent() };
    let figures = figures(&data);
    let customers = customers(&data);
    let mut lines = Comparison::default();
    let everyone = |_: &Customer| true;

    let counts =
        [CONTROL, VARIANTS[0], VARIANTS[1]].map(|variant| sums(&customers, variant, everyone, |_| [0]).n);
    let ratio_test = srm::sample_ratio(&counts, &[1.0; 3]).unwrap();
    let known = &figures["srm_equal_thirds"];
    lines.near("SRM chi-square (scipy)", "all", ratio_test.chi_square, &known["scipy_chi2"], 1e-12);
    lines.near("SRM p (scipy)", "all", ratio_test.p_value, &known["scipy_p"], 1e-12);

    let mut p_values = Vec::new();
    for variant in VARIANTS {
        let comparison = &figures["comparisons"][variant];
        type Outcome = fn(&Customer) -> [i64; 1];
        let outcomes: [(&str, Outcome); 2] =
            [("visit", |customer| [customer.visits]), ("conversion", |customer| [customer.converts])];
        for (metric, values) in outcomes {
            let [control, treatment] =
                [CONTROL, variant].map(|variant| sums(&customers, variant, everyone, values));
            check_proportion(
                &mut lines,
                &format!("{metric}, {variant}"),
                &control,
                &treatment,
                &comparison[metric],
            );
            let [c, t] = [&control, &treatment].map(|joint| u64::try_from(joint.sums[0]).unwrap());
            p_values.push(proportion::two_proportion_test(t, treatment.n, c, control.n).unwrap().p_value);
        }

        let of = format!("spend, {variant}");
        let theirs = &comparison["spend_per_user"];
        let spend = |variant| sums(&customers, variant, everyone, |customer| [customer.spend_minor]);
        let [control, treatment] = [spend(CONTROL), spend(variant)].map(|joint| joint.arm(0, 100).unwrap());
        for (side, arm) in [("control", &control), ("treat", &treatment)] {
            lines.near("mean (numpy)", &of, arm.mean, &theirs[side]["mean"], FLOATS);
            lines.near("variance (numpy)", &of, arm.variance, &theirs[side]["var_ddof1"], FLOATS);
        }
        let difference = welch::difference(&control, &treatment).unwrap();
        let known = &theirs["statsmodels_welch"];
        lines.near(
            "degrees of freedom (statsmodels)",
            &of,
            difference.degrees_of_freedom,
            &known["df"],
            FLOATS,
        );
        lines.bounds("Welch interval (statsmodels)", &of, difference.interval(ALPHA), &known["ci95"], FLOATS);
        lines.near("Welch p (scipy)", &of, difference.p_value(), &theirs["scipy_welch"]["p"], 1e-12);
        check_gbstats(&mut lines, &of, &control, &treatment, &theirs["gbstats_mean"], 1e-9);
        p_values.push(difference.p_value());

        // Spend per conversion: what is divided varies with what it is divided by.
        let of = format!("spend per conversion, {variant}");
        let both = |customer: &Customer| [customer.spend_minor, customer.converts];
        let [control, treatment] = [CONTROL, variant]
            .map(|variant| ratio::arm(&sums(&customers, variant, everyone, both), [100, 1]).unwrap());
        let theirs = &comparison["spend_per_conversion_ratio_delta_method_gbstats"];
        // Theirs takes conversions for a share and so p(1 − p) for their variance, but n/(n − 1) for the
        // covariance with spend: a 20,000th of either.
        check_gbstats(&mut lines, &of, &control, &treatment, theirs, 5e-5);

        type Both = fn(&Customer) -> [i64; 2];
        let adjusted: [(&str, [i64; 2], Both); 3] = [
            ("cuped_spend_pre_history", [100, 100], |customer| {
                [customer.spend_minor, customer.history_minor]
            }),
            ("cuped_visit_pre_history", [1, 100], |customer| [customer.visits, customer.history_minor]),
            ("cuped_visit_pre_recency", [1, 1], |customer| [customer.visits, customer.recency]),
        ];
        for (key, per_unit, values) in adjusted {
            let theirs = &comparison[key];
            let of = format!("{key}, {variant}");
            let [control, treatment] =
                [CONTROL, variant].map(|variant| sums(&customers, variant, everyone, values));
            let ours = cuped::adjust(&control, &treatment, per_unit).unwrap();
            lines.near("CUPED theta (gbstats)", &of, ours.theta, &theirs["theta"], FLOATS);
            for (side, arm) in [("control", &ours.control), ("treat", &ours.treatment)] {
                lines.near(
                    "CUPED adjusted variance (gbstats)",
                    &of,
                    arm.variance,
                    &theirs[side]["adjusted_var"],
                    FLOATS,
                );
            }
            // Sample variances on either side, of shares too.
            let tolerance = 1e-9;
            let absolute = &theirs["gbstats"]["freq_absolute"];
            let error = ours.difference.standard_error;
            lines.near("CUPED difference (gbstats)", &of, ours.difference.value, &absolute["expected"], 1e-9);
            lines.near("CUPED standard error (gbstats)", &of, error, &absolute["stddev"], tolerance);
            let bounds = ours.difference.interval(ALPHA);
            lines.bounds("CUPED interval (gbstats)", &of, bounds, &absolute["ci"], tolerance);
            let customers = ours.control.n + ours.treatment.n;
            let sequential = ConfidenceSequence::new(ALPHA, 5_000.0).interval(&ours.difference, customers);
            let known = &theirs["gbstats"]["sequential_tuning5000_absolute"]["ci"];
            lines.bounds("CUPED sequential interval (gbstats)", &of, sequential.unwrap(), known, tolerance);
            let relative = &theirs["gbstats"]["freq_relative"];
            let lift = ours.lift.unwrap().estimate;
            lines.near("CUPED lift (gbstats)", &of, lift.value, &relative["expected"], 1e-9);
            // Theirs takes numerator and denominator for independent.
            let error = lift.standard_error;
            lines.near("CUPED error of the lift (gbstats)", &of, error, &relative["stddev"], 0.02);
            // Regression on the pre-period has a slope of its own by arm: another estimator of the same.
            let regression = &theirs["statsmodels_ols_ancova_HC1"];
            let change = ours.difference.value;
            lines.near("CUPED against regression (statsmodels)", &of, change, &regression["effect"], 1e-3);
            let error = ours.difference.standard_error;
            lines.near("its error against HC1 (statsmodels)", &of, error, &regression["se"], 1e-2);
        }

        for (dimension, newbie) in [("by_segment_newbie", true), ("by_segment_channel", false)] {
            for (segment, theirs) in comparison[dimension].as_object().unwrap() {
                let is_in = |customer: &Customer| match newbie {
                    true => customer.newbie == *segment,
                    false => customer.channel == *segment,
                };
                let of = format!("{dimension} {segment}, {variant}");
                let visits =
                    |variant| sums(&customers, variant, is_in, |customer: &Customer| [customer.visits]);
                check_proportion(
                    &mut lines,
                    &format!("visit, {of}"),
                    &visits(CONTROL),
                    &visits(variant),
                    &theirs["visit"],
                );
            }
        }
    }

    let tests = &figures["multiple_testing"];
    let theirs = |key: &str| -> Vec<f64> {
        tests[key]["adjusted"].as_array().unwrap().iter().map(|p| p.as_f64().unwrap()).collect()
    };
    let raw = p_values.iter().map(|p| Some(*p)).collect::<Vec<_>>();
    for (name, adjusted, known) in [
        ("Holm", multiplicity::holm(&raw), theirs("holm")),
        ("Benjamini–Hochberg", multiplicity::benjamini_hochberg(&raw), theirs("fdr_bh")),
    ] {
        for (at, (ours, theirs)) in adjusted.iter().zip(known).enumerate() {
            let of = tests["order"][at].as_str().unwrap();
            // What the p of visits is off: see above.
            lines.number(&format!("{name} (statsmodels)"), of, ours.unwrap(), theirs, 1e-10);
        }
    }
    lines.check("Statistics on the counts");
}

#[test]
fn far_tails_of_the_email_test_are_numbers() {
    // t and degrees of freedom from the counts, the incomplete beta function with 50 digits: mpmath 1.3.0.
    for (successes, treated, p) in [
        ([2_262, 3_894], 21_307, 1.348_335_278_488_716e-112),
        ([122, 267], 21_307, 1.499_861_214_006_789_7e-13),
        ([2_262, 3_238], 21_387, 2.421_328_716_104_091_4e-44),
        ([122, 189], 21_387, 0.000_155_972_914_716_207_66),
    ] {
        let control = Arm::of_proportion(successes[0], 21_306).unwrap();
        let treatment = Arm::of_proportion(successes[1], treated).unwrap();
        let ours = welch::difference(&control, &treatment).unwrap().p_value();
        // Rounding of t by 1e-15 stands 500 times in an exponent of 250.
        assert!((ours / p - 1.0).abs() < 1e-12, "{ours:e} is not {p:e}, off by {:e}", ours / p - 1.0);
    }
}

/// The log of the test, with what customers spent in the year before as the figure of the pre-period.
const RUN: &str = r#"
[job]
currency = "USD"
[window]
from = "2008-03-01"
to = "2008-03-20"
[inputs.touchpoints]
path = "{data}/email_experiment/events.parquet"
columns = { customer_id = "user_id", occurred_at = "ts", event = "event_type" }
[inputs.assignments]
path = "{temp}/assignments.parquet"
columns = { customer_id = "user_id", assigned_at = "ts" }
constants = { experiment = "email" }
[conversions.visit]
event = "visit"
[conversions.order]
event = "conversion"
value = "value"
[conversions.spending]
event = ["conversion", "pre_period_spend"]
value = "value"
[metrics.visit]
kind = "proportion"
conversion = "visit"
window = "7d"
[metrics.conversion]
kind = "proportion"
conversion = "order"
window = "7d"
[metrics.spend]
kind = "mean"
conversion = "spending"
of = "value"
window = "7d"
[metrics.order_value]
kind = "ratio"
numerator = { conversion = "order", of = "value" }
denominator = { conversion = "order", of = "count" }
window = "7d"
[experiments.email]
control = "No E-Mail"
weights = { "No E-Mail" = 1, "Mens E-Mail" = 1, "Womens E-Mail" = 1 }
metrics = ["visit", "conversion", "spend"]
guardrails = ["order_value"]
pre_period = "2d"
correction = "{correction}"
"#;

#[test]
fn a_run_over_an_email_test_publishes_the_figures_of_others() {
    let Some(data) = data() else { return told_absent() };
    let figures = figures(&data);
    let temp = tempfile::tempdir().unwrap();
    // The assignment log is the exposure rows of the events.
    let events = read(&data.join("email_experiment/events.parquet"));
    let kinds = arrow::compute::cast(events.column_by_name("event_type").unwrap(), &DataType::Utf8).unwrap();
    let exposed = kinds.as_string::<i32>().iter().map(|kind| Some(kind == Some("exposure"))).collect();
    let log = arrow::compute::filter_record_batch(&events, &exposed).unwrap();
    write(&temp.path().join("assignments.parquet"), &log);

    let mut lines = Comparison::default();
    for correction in ["holm", "benjamini_hochberg"] {
        let tables = run(&RUN.replace("{correction}", correction), &data, temp.path());
        let results = table(&tables, "experiment_results");
        let bounds = |row: usize, name: &str| Interval {
            low: number(results, row, &format!("{name}_low")),
            high: number(results, row, &format!("{name}_high")),
        };
        let mut decided = Vec::new();
        for variant in VARIANTS {
            let comparison = &figures["comparisons"][variant];
            for (metric, adjustment, theirs, off) in [
                ("visit", "none", &comparison["visit"]["gbstats_proportion"], 1e-9),
                ("conversion", "none", &comparison["conversion"]["gbstats_proportion"], 1e-9),
                ("spend", "none", &comparison["spend_per_user"]["gbstats_mean"], 1e-9),
                // See above: p(1 − p) for the variance of conversions.
                ("order_value", "none", &comparison["spend_per_conversion_ratio_delta_method_gbstats"], 5e-5),
                ("spend", "cuped", &comparison["cuped_spend_pre_history"]["gbstats"], 1e-9),
            ] {
                let of = format!("{metric}, {adjustment}, {variant}, {correction}");
                let key = [
                    ("metric", metric),
                    ("variant", variant),
                    ("adjustment", adjustment),
                    ("dimension", "all"),
                ];
                let row = row_of(results, &key);
                let figure = |name: &str| number(results, row, name);
                let (fixed, sequential) =
                    (&theirs["freq_absolute"], &theirs["sequential_tuning5000_absolute"]);
                lines.near("difference", &of, figure("difference"), &fixed["expected"], 1e-9);
                lines.bounds("interval", &of, bounds(row, "difference"), &fixed["ci"], off);
                lines.bounds("sequential interval", &of, bounds(row, "sequential"), &sequential["ci"], off);
                let relative = &theirs["freq_relative"];
                // Theirs takes numerator and denominator of an adjusted lift for independent.
                let off = if adjustment == "cuped" { 0.02 } else { off };
                lines.near("relative lift", &of, figure("relative_lift"), &relative["expected"], 1e-9);
                lines.bounds("interval of the lift", &of, bounds(row, "relative_lift"), &relative["ci"], off);
                let bayes = &theirs["bayes_flat_relative"];
                lines.near("chance to win", &of, figure("chance_to_win"), &bayes["chance_to_win"], off);
                let risk = bayes["risk"][1].as_f64().unwrap();
                let tolerance = if risk < 1e-9 { 1.0 } else { 1e-6 + 10.0 * off };
                lines.number("expected loss", &of, figure("expected_loss"), risk, tolerance);
            }
            for metric in ["visit", "conversion", "spend"] {
                decided.push((metric, variant));
            }
        }
        // Decisions are by always-valid p-values, on the adjusted row where there is one.
        let decision = |metric: &str, variant: &str| {
            let rows = (0..results.height()).filter(|row| {
                let text = |column: &str| results.column(column).unwrap().str().unwrap().get(*row);
                text("metric") == Some(metric)
                    && text("variant") == Some(variant)
                    && text("dimension") == Some("all")
                    && text("verdict").is_some()
            });
            let rows: Vec<usize> = rows.collect();
            assert_eq!(rows.len(), 1, "decision rows of {metric}, {variant}");
            rows[0]
        };
        let p_values: Vec<Option<f64>> = decided
            .iter()
            .map(|(metric, variant)| {
                let comparison = &figures["comparisons"][*variant];
                let theirs = match *metric {
                    "spend" => &comparison["cuped_spend_pre_history"]["gbstats"],
                    share => &comparison[share]["gbstats_proportion"],
                };
                theirs["sequential_tuning5000_absolute"]["p_value"].as_f64()
            })
            .collect();
        let adjusted = match correction {
            "holm" => multiplicity::holm(&p_values),
            _ => multiplicity::benjamini_hochberg(&p_values),
        };
        for ((metric, variant), q) in decided.iter().zip(adjusted) {
            let row = decision(metric, variant);
            let of = format!("{metric}, {variant}, {correction}");
            lines.number("q of always-valid p", &of, number(results, row, "q_value"), q.unwrap(), 1e-6);
            let verdict = results.column("verdict").unwrap().str().unwrap().get(row);
            assert_eq!(verdict, Some(if q.unwrap() <= ALPHA { "win" } else { "undecided" }), "{of}");
        }
        for variant in VARIANTS {
            let row = decision("order_value", variant);
            let verdict = results.column("verdict").unwrap().str().unwrap().get(row);
            assert_eq!(verdict, Some("undecided"), "the guardrail of {variant}");
        }
    }
    lines.check("Tables of a run");
}
