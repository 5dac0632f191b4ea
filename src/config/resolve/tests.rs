use std::path::{Path, PathBuf};

use crate::config::plan::{
    AfterConversion, ConversionValue, Correction, CsvStyle, DAY_US, Dedupe, Levels, MetricKind, MetricOf,
    Model, Orders, PathTransform, Plan, Quantity, StageMode,
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
    assert_eq!((plan.roi.margin, plan.roi.primary), (1.0, None));
    assert_eq!(plan.queries, None);
    assert_eq!(plan.output.path, PathBuf::from("/jobs/out"));
    assert!(plan.output.parquet && plan.output.csv);
    assert_eq!(plan.output.csv_style, CsvStyle::Excel);
    assert_eq!((plan.output.csv_separator, plan.output.csv_decimal), (',', '.'));
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
