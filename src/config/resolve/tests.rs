use std::path::{Path, PathBuf};

use crate::config::plan::{
    AfterConversion, BehaviourRule, Cap, ConversionValue, Correction, CsvStyle, DAY_US, Dedupe, FieldMatch,
    Keep, Levels, LiftPrior, Matcher, MetricKind, MetricOf, Model, Orders, PathTransform, Plan, Population,
    Quantity, StageMode,
};
use crate::config::{ConfigErrors, ErrorKind, Overrides, parse};

const TOUCHPOINTS: &str = "[inputs.touchpoints]\npath = \"touches.parquet\"\n";

fn variables(name: &str) -> Option<String> {
    (name == "EXPORTS").then(|| "/data/exports".to_owned())
}

fn parse_with(text: &str, overrides: &Overrides) -> Result<Plan, ConfigErrors> {
    parse(text, Path::new("/jobs/spring.toml"), overrides, &variables)
}

fn plan(text: &str) -> Plan {
    parse_with(&format!("{text}\n{TOUCHPOINTS}"), &Overrides::default())
        .unwrap_or_else(|errors| panic!("{errors}"))
}

fn set(overrides: &[&str]) -> Overrides {
    Overrides { set: overrides.iter().map(|text| (*text).to_owned()).collect(), ..Overrides::default() }
}

#[test]
fn without_anything_but_touchpoints_every_default_holds() {
    let plan = plan("");
    assert_eq!(plan.job.name, "spring");
    assert_eq!(plan.job.timezone.name, "UTC");
    assert_eq!((plan.job.currency.code.as_str(), plan.job.currency.minor_digits), ("EUR", 2));
    assert_eq!((plan.window.from_us, plan.window.to_us), (None, None));
    assert_eq!((plan.window.lookback_us, plan.window.history_us), (30 * DAY_US, 30 * DAY_US));
    assert_eq!(plan.touchpoints.len(), 1);
    assert_eq!(plan.touchpoints[0].key, "inputs.touchpoints");
    assert_eq!(plan.touchpoints[0].paths, ["/jobs/touches.parquet"]);
    assert_eq!(plan.contract.dedupe, Dedupe::EventId);
    assert_eq!((plan.contract.max_rejected_share, plan.contract.max_duplicate_share), (0.01, 0.05));
    assert_eq!(
        (plan.contract.max_touchpoints_per_customer, plan.contract.max_path_touches),
        (100_000, 1_000)
    );
    assert!(plan.stages.stages.is_empty() && plan.conversions.is_empty());
    assert_eq!(plan.attribution.models, Model::ALL[..8], "all that add up");
    assert_eq!(plan.attribution.by, Levels { channel: true, campaign: false });
    assert_eq!(plan.attribution.path, PathTransform::Unique);
    assert_eq!(plan.channels.direct, ["Direct"]);
    assert_eq!(plan.attribution.after_conversion, AfterConversion::Reuse);
    assert!(plan.attribution.null_paths && plan.attribution.touches.is_none());
    assert_eq!((plan.attribution.position_first, plan.attribution.position_last), (0.4, 0.4));
    assert_eq!(plan.attribution.half_life_us, 7 * DAY_US);
    assert_eq!(plan.segments.min_customers, 10);
    assert_eq!(plan.segments.population, Population::Active);
    assert_eq!(plan.segments.correction, Correction::BenjaminiHochberg);
    assert!(plan.segments.dimensions.is_empty() && plan.segments.behaviours.is_empty());
    assert!(plan.metrics.is_empty() && plan.numbers.is_empty());
    assert!(plan.experiments.is_empty() && plan.experiment_defaults.is_none());
    assert_eq!((plan.roi.margin, plan.roi.primary), (1.0, None));
    assert_eq!(plan.queries, None);
    assert_eq!(plan.output.path, PathBuf::from("/jobs/out"));
    assert!(plan.output.parquet && plan.output.csv);
    assert_eq!(plan.output.csv_style, CsvStyle::Excel);
    assert_eq!((plan.output.csv_separator, plan.output.csv_decimal), (',', '.'));
    assert_eq!(plan.output.keep, Keep { days: 7, runs: 3 });
}

#[test]
fn each_key_of_keep_has_a_default_of_its_own() {
    let kept = |text: &str| plan(&format!("[output]\nkeep = {text}")).output.keep;
    assert_eq!(kept("{ days = 0 }"), Keep { days: 0, runs: 3 });
    assert_eq!(kept("{ runs = 1 }"), Keep { days: 7, runs: 1 });
    assert_eq!(kept("{ days = 36500, runs = 10000 }"), Keep { days: 36_500, runs: 10_000 });
    assert_eq!(kept("{}"), Keep::default());
}

#[test]
fn what_is_kept_is_no_part_of_a_result() {
    let json = |text: &str| serde_json::to_string(&plan(text)).unwrap();
    assert_eq!(json("[output]\nkeep = { days = 1, runs = 1 }"), json(""));
}

#[test]
fn names_keep_the_order_of_the_file() {
    let plan = plan(
        r#"
        [conversions.zebra]
        event = "z"
        channel = ["a", "b"]
        value = "value"
        [conversions.apple]
        event = "a"
        [metrics.second]
        kind = "mean"
        conversion = "zebra"
        [metrics.first]
        kind = "proportion"
        conversion = "apple"
        window = "60d"
        good = "down"
        [experiments.x]
        control = "Z"
        weights = { Z = 3, A = 1 }
        metrics = ["first", "second"]
        correction = "none"
        [inputs.assignments]
        path = "a.parquet"
        "#,
    );
    let names: Vec<_> = plan.conversions.iter().map(|conversion| conversion.name.as_str()).collect();
    assert_eq!(names, ["zebra", "apple"]);
    let columns: Vec<_> =
        plan.conversions[0].matcher.fields.iter().map(|field| field.column.as_str()).collect();
    assert_eq!(columns, ["event", "channel"]);
    let quantity = |conversion, of| Quantity { conversion: Some(conversion), of };
    assert_eq!(plan.metrics[0].name, "second");
    assert_eq!(plan.metrics[0].kind, MetricKind::Mean(quantity(0, MetricOf::Value)));
    assert_eq!(plan.metrics[1].kind, MetricKind::Proportion(quantity(1, MetricOf::Count)));
    assert!(!plan.metrics[1].good_up);
    let experiment = &plan.experiments[0];
    assert_eq!(experiment.weights, [("Z".to_owned(), 0.75), ("A".to_owned(), 0.25)]);
    assert_eq!(experiment.metrics, [1, 0]);
    assert_eq!((experiment.alpha, experiment.correction), (0.05, Correction::None));
    assert_eq!(plan.window.history_us, 60 * DAY_US, "the window of a metric");
    assert_eq!(plan.roi.primary, Some((0, Model::Linear)));
}

#[test]
fn metrics_sum_values_counts_and_columns() {
    let plan = plan(
        r#"
        [job]
        currency = "KWD"
        [conversions.buy]
        event = "buy"
        value = "value"
        [metrics.revenue]
        kind = "mean"
        conversion = "buy"
        cap = { value = 12.5 }
        [metrics.minutes]
        kind = "mean"
        of = "minutes"
        cap = 600.25
        [metrics.discount]
        kind = "ratio"
        numerator = { conversion = "buy", of = "discount" }
        denominator = { conversion = "buy" }
        cap = { percentile = 0.99 }
        [metrics.buys]
        kind = "mean"
        conversion = "buy"
        of = "count"
        cap = 3
        [metrics.patience]
        kind = "quantile"
        quantile = 0.25
        of = "minutes"
        [metrics.rate]
        kind = "proportion"
        conversion = "buy"
        of = "count"
        "#,
    );
    assert_eq!(plan.numbers, ["minutes", "discount"], "in the order of their first mention");
    let of_buy = |of| Quantity { conversion: Some(0), of };
    let of_all = |of| Quantity { conversion: None, of };
    let [minutes, discount] = [0, 1].map(MetricOf::Number);
    let kinds: Vec<_> = plan.metrics.iter().map(|metric| (metric.kind, metric.cap)).collect();
    let ratio = MetricKind::Ratio { numerator: of_buy(discount), denominator: of_buy(MetricOf::Value) };
    assert_eq!(
        kinds,
        [
            (MetricKind::Mean(of_buy(MetricOf::Value)), Some(Cap::Amount(12_500))),
            (MetricKind::Mean(of_all(minutes)), Some(Cap::Amount(600_250_000))),
            (ratio, Some(Cap::Percentile(0.99))),
            (MetricKind::Mean(of_buy(MetricOf::Count)), Some(Cap::Amount(3))),
            (MetricKind::Quantile { of: of_all(minutes), share: 0.25 }, None),
            (MetricKind::Proportion(of_buy(MetricOf::Count)), None),
        ]
    );
}

#[test]
fn a_mapped_column_is_no_slip() {
    let text = format!(
        "[metrics.a]\nkind = \"mean\"\nof = \"counts\"\n{TOUCHPOINTS}columns = {{ counts = \"n\" }}\n"
    );
    assert_eq!(parse_with(&text, &Overrides::default()).expect("plan").numbers, ["counts"]);
}

#[test]
fn an_experiment_is_decided_as_it_says_and_others_as_the_star_says() {
    let text = r#"
        [conversions.buy]
        event = "buy"
        [metrics]
        rate = { kind = "proportion", conversion = "buy", window = "7d" }
        buys = { kind = "mean", conversion = "buy", of = "count" }
        minutes = { kind = "mean", of = "minutes", good = "down" }
        [experiments.named]
        control = "A"
        weights = { A = 1, B = 1, old = 0 }
        guardrails = ["minutes"]
        [experiments."*"]
        metrics = ["buys"]
        guardrails = ["rate"]
        pre_period = "45d"
        sequential = false
        sequential_tuning = 20_000
        prior = { standard_deviation = 0.1 }
        flat_within = 0.02
        target_lift = 0.05
        alpha = 0.1
        correction = "holm"
        [inputs.assignments]
        path = "a.parquet"
        "#;
    let plan = plan(text);
    let [named] = &plan.experiments[..] else { panic!("one is named") };
    assert_eq!((&named.metrics[..], &named.guardrails[..]), (&[0, 1][..], &[2][..]));
    assert_eq!(named.weights[2], ("old".to_owned(), 0.0));
    assert_eq!((named.alpha, named.correction), (0.05, Correction::BenjaminiHochberg));
    assert_eq!((named.sequential, named.sequential_tuning), (true, 5_000.0));
    assert_eq!((named.pre_period_us, named.prior), (None, LiftPrior::Flat), "nothing comes from the star");
    assert_eq!((named.flat_within, named.target_lift), (None, None));

    let star = plan.experiment_defaults.as_ref().expect("defaults");
    assert_eq!((star.name.as_str(), star.control.as_str(), star.weights.len()), ("*", "", 0));
    assert_eq!((&star.metrics[..], &star.guardrails[..]), (&[1][..], &[0][..]));
    assert_eq!((star.alpha, star.correction), (0.1, Correction::Holm));
    assert_eq!((star.sequential, star.sequential_tuning), (false, 20_000.0));
    assert_eq!(star.prior, LiftPrior::Normal { mean: 0.0, standard_deviation: 0.1 });
    assert_eq!((star.flat_within, star.target_lift), (Some(0.02), Some(0.05)));
    assert_eq!(star.pre_period_us, Some(45 * DAY_US));
    assert_eq!(plan.window.history_us, 45 * DAY_US, "the pre-period");
}

#[test]
fn behaviours_are_dimensions_where_they_are_listed_or_else_the_last() {
    let plan = plan(
        r#"
        [segments]
        dimensions = ["country", "lost", "last_channel"]
        population = "all"
        correction = "none"
        [segments.rules]
        eager = [ { event = "view", at_least = 3, within = "1h" } ]
        lost = [
            { event = ["cart"], channel = "Paid*", without = ["buy", { event = "call", channel = "Store" }, "rent*"], within = "1d" },
            { event = "quote", without = "buy" },
        ]
        [inputs.customers]
        path = "c.parquet"
        "#,
    );
    let segments = &plan.segments;
    assert_eq!(segments.dimensions, ["country", "lost", "last_channel", "eager"]);
    assert_eq!((segments.population, segments.correction), (Population::All, Correction::None));
    let field = |column: &str, patterns: &[&str]| FieldMatch {
        column: column.to_owned(),
        patterns: patterns.iter().map(|pattern| (*pattern).to_owned()).collect(),
    };
    let names: Vec<_> = segments.behaviours.iter().map(|behaviour| behaviour.name.as_str()).collect();
    assert_eq!(names, ["eager", "lost"]);
    let eager = BehaviourRule {
        matcher: Matcher { fields: vec![field("event", &["view"])] },
        at_least: 3,
        without: Vec::new(),
        within_us: Some(DAY_US / 24),
    };
    assert_eq!(segments.behaviours[0].rules, [eager]);
    let [lost, quoted] = &segments.behaviours[1].rules[..] else { panic!("two rules") };
    assert_eq!(lost.matcher.fields, [field("event", &["cart"]), field("channel", &["Paid*"])]);
    assert_eq!((lost.at_least, lost.within_us), (1, Some(DAY_US)));
    let without = [
        Matcher { fields: vec![field("event", &["buy", "rent*"])] },
        Matcher { fields: vec![field("event", &["call"]), field("channel", &["Store"])] },
    ];
    assert_eq!(lost.without, without, "events by name are one matcher");
    assert_eq!((quoted.without.len(), quoted.within_us), (1, None));
}

#[test]
fn orders_count_once_where_the_file_says_what_an_order_is() {
    let orders = |text: &str| {
        plan(text).conversions.into_iter().map(|conversion| conversion.orders).collect::<Vec<_>>()
    };
    let two = "conversions.a.event = \"a\"\nconversions.b = { event = \"b\", orders = \"sum\" }\n";
    assert_eq!(orders(two), [None, Some(Orders::Sum)]);
    let refunds = format!("{two}refunds.event = \"refund\"\n");
    assert_eq!(orders(&refunds), [Some(Orders::First), Some(Orders::Sum)]);
    let text = format!("{two}{TOUCHPOINTS}columns = {{ order_id = \"basket\" }}\n");
    let mapped = parse_with(&text, &Overrides::default()).unwrap_or_else(|errors| panic!("{errors}"));
    assert_eq!(mapped.conversions[0].orders, Some(Orders::First));
}

#[test]
fn the_primary_rows_are_those_of_the_first_conversion_with_a_value() {
    let plan = plan(
        r#"
        conversions.a.event = "a"
        conversions.b = { event = "b", value = 19.99 }
        attribution.models = ["markov", "last_touch"]
        "#,
    );
    assert_eq!(plan.conversions[1].value, ConversionValue::FixedMinor(1999));
    assert_eq!(plan.attribution.models, [Model::LastTouch, Model::Markov], "in the order of the tables");
    assert_eq!(plan.roi.primary, Some((1, Model::LastTouch)));
}

#[test]
fn a_preset_brings_its_stages_and_a_rule_of_the_user_replaces_one() {
    let plan = plan(
        r#"
        [stages]
        preset = "classic"
        mode = "any"
        window = "90d"
        rules.purchase = [ { event = "bought", channel = "Store" }, { event = ["ordered"] } ]
        "#,
    );
    let names: Vec<_> = plan.stages.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["awareness", "consideration", "decision", "purchase", "post_purchase"]);
    assert_eq!(plan.stages.stages[3].rules.len(), 2);
    assert_eq!(plan.stages.stages[3].rules[0].fields.len(), 2);
    assert_eq!(plan.stages.stages[0].rules[0].fields[0].patterns[0], "impression");
    assert_eq!(plan.stages.mode, StageMode::Any);
    assert_eq!(plan.window.history_us, 90 * DAY_US, "the stage window");
}

#[test]
fn an_order_chooses_among_the_stages_of_a_preset() {
    let plan = plan("[stages]\npreset = \"lifecycle\"\norder = [\"purchase_decision\", \"loyalty\"]\n");
    let names: Vec<_> = plan.stages.stages.iter().map(|stage| stage.name.as_str()).collect();
    assert_eq!(names, ["purchase_decision", "loyalty"]);
}

#[test]
fn environment_reaches_every_text_and_paths_stay_where_they_point() {
    let plan = plan(
        r#"
        [inputs.spend]
        path = ["${EXPORTS}/spend.csv", "${NONE:-spend}/*.csv"]
        [job]
        name = "$${EXPORTS}"
        [output]
        path = "../results"
        "#,
    );
    let spend = plan.spend.expect("spend");
    assert_eq!(spend.paths, ["/data/exports/spend.csv", "/jobs/spend/*.csv"]);
    assert_eq!(plan.job.name, "${EXPORTS}");
    assert_eq!(plan.output.path, PathBuf::from("/jobs/../results"));
}

#[test]
fn letters_of_a_folder_are_no_pattern() {
    let text = "[inputs.touchpoints]\npath = [\"a/*.parquet\", \"b.parquet\"]\n";
    let plan = parse(text, Path::new("/jobs [1]/job.toml"), &Overrides::default(), &variables).expect("plan");
    assert_eq!(plan.touchpoints[0].paths, ["/jobs [[]1[]]/a/*.parquet", "/jobs [1]/b.parquet"]);
}

#[test]
fn several_sources_of_touchpoints_are_numbered() {
    let text = "[[inputs.touchpoints]]\npath = \"a\"\n[[inputs.touchpoints]]\npath = \"b\"\nconstants = { channel = \"Store\" }\n";
    let plan = parse_with(text, &Overrides::default()).expect("plan");
    assert_eq!(plan.touchpoints[1].key, "inputs.touchpoints[1]");
    assert_eq!(plan.touchpoints[1].constants["channel"], "Store");
    let plan = parse_with(text, &set(&["inputs.touchpoints.1.path=c"])).expect("plan");
    assert_eq!(plan.touchpoints[1].paths, ["/jobs/c"]);
}

#[test]
fn options_take_the_place_of_the_file() {
    let text = format!("[window]\nfrom = 2026-01-01\nto = \"2026-02-01\"\n{TOUCHPOINTS}");
    let file = parse_with(&text, &Overrides::default()).expect("file").window;
    assert_eq!(file.to_us.zip(file.from_us).map(|(to, from)| to - from), Some(31 * DAY_US));

    let bounds = Overrides { from: Some("2026-01-31".into()), ..Overrides::default() };
    let bounds = parse_with(&text, &bounds).expect("bounds").window;
    assert_eq!(bounds.to_us.zip(bounds.from_us).map(|(to, from)| to - from), Some(DAY_US));

    let date = Overrides {
        date: Some("2026-03-29".into()),
        set: vec!["job.timezone=Europe/Sofia".into()],
        ..Overrides::default()
    };
    let date = parse_with(&text, &date).expect("date").window;
    assert_eq!(date.to_us.zip(date.from_us).map(|(to, from)| to - from), Some(23 * DAY_US / 24));

    let out = Overrides { out: Some("/elsewhere".into()), ..Overrides::default() };
    assert_eq!(parse_with(&text, &out).expect("out").output.path, PathBuf::from("/elsewhere"));

    let plan = parse_with(&text, &set(&["window.lookback=14d", "window.lookback=10d", "roi.margin=0.5"]))
        .expect("set");
    assert_eq!((plan.window.lookback_us, plan.roi.margin), (10 * DAY_US, 0.5));
}

#[test]
fn the_day_and_the_bounds_exclude_each_other() {
    let both = Overrides {
        date: Some("2026-03-29".into()),
        from: Some("2026-01-01".into()),
        ..Overrides::default()
    };
    let errors = parse_with(TOUCHPOINTS, &both).expect_err("both");
    assert_eq!(errors.errors()[0].kind, ErrorKind::Option);
}

#[test]
fn every_mistake_of_one_kind_is_found_at_once() {
    let structure = "[window]\nlookbak = \"1d\"\nfrom = 3\n[job]\nnmae = \"x\"\n";
    let errors = parse_with(structure, &Overrides::default()).expect_err("structure");
    assert_eq!(errors.errors().len(), 3, "{errors}");

    let meaning =
        "[window]\nlookback = \"1y\"\nhistory = \"1d\"\n[job]\ncurrency = \"XYZ\"\ntimezone = \"Mars\"\n";
    let errors = parse_with(meaning, &Overrides::default()).expect_err("meaning");
    assert_eq!(errors.errors().len(), 4, "{errors}");
}

#[test]
fn the_plan_serializes_without_paths() {
    let text = serde_json::to_string(&plan("[job]\ntimezone = \"Europe/Sofia\"\n")).expect("JSON");
    assert!(text.contains("Europe/Sofia") && !text.contains("/jobs"), "{text}");
}
