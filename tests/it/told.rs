//! What a run tells of input that can't be meant, and of questions that have no answer.

use crate::support::{CONFIG, Columns, Warehouse, few_touchpoints, floats, ints, text, times, with};

const WINDOW: &str = "[window]\nfrom = \"2026-04-01\"\nto = \"2026-04-05\"\n";

const EXPERIMENT: &str = r#"
[inputs.assignments]
path = "assignments"
[metrics.rate]
kind = "proportion"
conversion = "purchase"
window = "1d"
[experiments.checkout]
control = "A"
weights = { A = 0.5, B = 0.5 }
"#;

fn warehouse(more: &str, touchpoints: Columns) -> Warehouse {
    let warehouse = Warehouse::new(&format!("{CONFIG}{more}"));
    warehouse.parquet("touchpoints/a.parquet", touchpoints);
    warehouse
}

/// The rows of `data_quality` whose checks begin like this.
fn quality(warehouse: &Warehouse, checks: &[&str]) -> String {
    let columns = ["table", "check", "column", "rows_checked", "rows_failed", "status"];
    let lines = warehouse.select("data_quality", &[], &columns);
    let asked = |line: &&str| {
        checks.iter().any(|check| line.split(" | ").nth(1).is_some_and(|own| own.starts_with(check)))
    };
    lines.lines().filter(asked).collect::<Vec<_>>().join("\n")
}

/// The sentences of the summary that come from these tables.
fn told(stderr: &str, tables: &[&str]) -> String {
    let from = |line: &&str| tables.iter().any(|table| line.ends_with(&format!("[{table}]")));
    stderr.lines().filter(from).map(str::trim).collect::<Vec<_>>().join("\n")
}

fn assigned(experiments: &[&str], variants: &[&str], customers: &[&str]) -> Columns {
    vec![
        ("experiment", text(experiments)),
        ("variant", text(variants)),
        ("customer_id", text(customers)),
        ("assigned_at", times(&vec!["04-01 07:00"; customers.len()])),
    ]
}

#[test]
fn a_customers_table_of_other_ids_is_told() {
    let more = format!("dimensions = [\"country\"]\n[inputs.customers]\npath = \"customers\"\n{WINDOW}");
    let warehouse = warehouse(&more, few_touchpoints());
    let customers =
        |ids: &[&str]| vec![("customer_id", text(ids)), ("country", text(&vec!["BG"; ids.len()]))];
    let matches = ["without_touchpoints", "not_in_customers"];
    warehouse.parquet("customers/a.parquet", customers(&["C-1", "C-2", "C-3", "C-4"]));
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(quality(&warehouse, &matches), @r"
    customers | without_touchpoints | customer_id | 4 | 4 | warn
    touchpoints | not_in_customers | customer_id | 3 | 3 | warn
    ");
    insta::assert_snapshot!(told(&ran.stderr, &["data_quality"]), @"* 0 of 3 customers with touchpoints stand in the customers table: its column `customer_id` hardly holds the ids of the touchpoints. Compare the two, also in their zeros, case and prefixes.  [data_quality]");
    // From an instant on, and counted whether they did anything or not: the same rows don't match.
    let dated = with(customers(&["C-1", "C-2", "C-3", "C-4"]), "valid_from", times(&["~"; 4]));
    warehouse.parquet("customers/a.parquet", dated);
    let dated = warehouse.run(&["--set", "segments.population=all"]);
    assert_eq!(told(&dated.stderr, &["data_quality"]), told(&ran.stderr, &["data_quality"]));
    insta::assert_snapshot!(quality(&warehouse, &matches), @r"
    customers | without_touchpoints | customer_id | 4 | 4 | warn
    touchpoints | not_in_customers | customer_id | 3 | 3 | warn
    ");

    // Most of either side may be strangers to the other: one in a hundred that match is enough.
    warehouse.parquet("customers/a.parquet", customers(&["c-1", "C-2", "C-3", "C-4"]));
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(quality(&warehouse, &matches), @r"
    customers | without_touchpoints | customer_id | 4 | 3 | ok
    touchpoints | not_in_customers | customer_id | 3 | 2 | ok
    ");
    assert_eq!(told(&ran.stderr, &["data_quality"]), "");
}

#[test]
fn conversions_that_are_worth_nothing_are_told() {
    let values = |values: [Option<f64>; 6]| with(few_touchpoints(), "value", floats(&values));
    let warehouse = warehouse(WINDOW, values([Some(3.0), None, None, Some(0.0), None, None]));
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(quality(&warehouse, &["conversion_without_value"]), @"touchpoints | conversion_without_value:purchase | value | 2 | 2 | warn");
    insta::assert_snapshot!(told(&ran.stderr, &["data_quality"]), @"* None of 2 conversions of purchase has a value: `value` is null or 0 on each of them. Map another column as `value`, or leave conversions.purchase.value out.  [data_quality]");
    // A gift among orders is no mistake.
    warehouse.parquet("touchpoints/a.parquet", values([None, Some(0.01), None, None, None, None]));
    let ran = warehouse.run(&[]);
    insta::assert_snapshot!(quality(&warehouse, &["conversion_without_value"]), @"touchpoints | conversion_without_value:purchase | value | 2 | 1 | ok");
    assert_eq!(told(&ran.stderr, &["data_quality"]), "");
    // Nor is a conversion that nobody said has a value.
    warehouse.run(&["--set", "conversions.purchase.value=1.0"]);
    assert_eq!(quality(&warehouse, &["conversion_without_value"]), "");
}

#[test]
fn a_direct_channel_under_another_name_is_told() {
    let channels = text(&["Email", "~", "direct", "~", "direct", "Search"]);
    let warehouse = warehouse(WINDOW, with(few_touchpoints(), "channel", channels));
    let models = ["--set", "attribution.models=[\"last_touch\", \"last_non_direct\"]"];
    let ran = warehouse.run(&models);
    let line = |stderr: &str| {
        stderr.lines().filter(|line| line.contains("channels.direct")).map(str::to_owned).collect::<String>()
    };
    insta::assert_snapshot!(line(&ran.stderr), @r#"  ! the data have the channel `direct`, and channels.direct is "Direct": last_non_direct takes `direct` for a channel like any other; if customers came by themselves there, write channels.direct = "direct""#);
    insta::assert_snapshot!(quality(&warehouse, &["direct_under_another_name"]), @"touchpoints | direct_under_another_name:direct | channel | 1 | 1 | warn");
    let credited = |warehouse: &Warehouse, model: &str| {
        warehouse.select("stage_attribution", &[("model", model), ("channel", "direct")], &["credit"])
    };
    assert_eq!(credited(&warehouse, "last_touch"), credited(&warehouse, "last_non_direct"));
    let again = warehouse.run(&models);
    assert_eq!(line(&again.stderr), line(&ran.stderr), "it stands in the manifest");
    assert_eq!(warehouse.touchline(&[&["run", "--strict", "--force"], &models[..]].concat()).code, 65);
    // As it is meant.
    let ran = warehouse.run(&[&models[..], &["--set", "channels.direct=direct"]].concat());
    assert_eq!(
        (line(&ran.stderr), quality(&warehouse, &["direct_under_another_name"])),
        (String::new(), String::new())
    );
    // Nobody asks which channels are direct.
    let ran = warehouse.run(&[]);
    assert_eq!(
        (line(&ran.stderr), quality(&warehouse, &["direct_under_another_name"])),
        (String::new(), String::new())
    );
}

#[test]
fn experiments_under_other_names_are_told() {
    let warehouse = warehouse(&format!("{EXPERIMENT}{WINDOW}"), few_touchpoints());
    let customers = ["c-1", "c-2", "c-3"];
    let tables = ["experiment_health", "experiment_results"];
    warehouse.parquet("assignments/a.parquet", assigned(&["chekout"; 3], &["A", "B", "B"], &customers));
    insta::assert_snapshot!(told(&warehouse.run(&[]).stderr, &tables), @"* Experiment checkout has no figures: nobody of this experiment was assigned in the data read; did you mean `chekout`, which the assignment log has?  [experiment_health]");
    warehouse.parquet("assignments/a.parquet", assigned(&["checkout"; 3], &["a", "b", "b"], &customers));
    insta::assert_snapshot!(told(&warehouse.run(&[]).stderr, &tables), @"* Experiment checkout has no figures: 3 of its customers are in variants that experiments.checkout.weights doesn't have: the log has `a`, the weights have `A`.  [experiment_health]");
    let details = [("check", "unknown_variant")];
    insta::assert_snapshot!(warehouse.select("experiment_health", &details, &["variant", "observed", "detail"]), @r"
    a | 1 | not among the planned variants: left out; did you mean `A`?
    b | 2 | not among the planned variants: left out; did you mean `B`?
    ");
    // Only the control is called otherwise: then the split is wrong, too.
    let many: Vec<String> = (0..40).map(|at| format!("d-{at}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    let variants: Vec<&str> = (0..40).map(|at| if at % 2 == 0 { "a" } else { "B" }).collect();
    warehouse.parquet("assignments/a.parquet", assigned(&["checkout"; 40], &variants, &many));
    insta::assert_snapshot!(told(&warehouse.run(&[]).stderr, &tables), @"* Experiment checkout fails its check srm (A 0 instead of 10: nobody is analysed in this variant; did you mean `a`, which the assignment log has?; B 20 instead of 10): its verdicts are invalid.  [experiment_health]");
}

#[test]
fn an_experiment_that_nothing_is_compared_in_is_told() {
    let variants = assigned(&["checkout"; 3], &["A", "B", "B"], &["c-1", "c-2", "c-3"]);
    let without_metrics = "[inputs.assignments]\npath = \"assignments\"\n[experiments.checkout]\ncontrol = \"A\"\n\
                           weights = { A = 0.5, B = 0.5 }\n";
    let tables = ["experiment_health", "experiment_results"];
    let warehouse = warehouse(&format!("{without_metrics}{WINDOW}"), few_touchpoints());
    warehouse.parquet("assignments/a.parquet", variants);
    let metricless = told(&warehouse.run(&[]).stderr, &tables);
    insta::assert_snapshot!(metricless, @r#"* experiments.checkout has no metrics, so its variants aren't compared: describe one: [metrics.conversion_rate] with kind = "proportion" and a conversion.  [experiment_results]"#);
    assert!(warehouse.touchline(&["check"]).stdout.ends_with(&format!("warns:\n  {metricless}\n")));

    warehouse
        .write("touchline.toml", format!("{CONFIG}[inputs.assignments]\npath = \"assignments\"\n{WINDOW}"));
    insta::assert_snapshot!(told(&warehouse.run(&[]).stderr, &tables), @r#"* The assignment log has 1 experiment, and none is configured, so none is compared: add [experiments."*"] for all of them, or a section for one.  [experiment_health]"#);
}

#[test]
fn a_window_too_short_for_any_figure_is_told_before_and_after() {
    let warehouse = warehouse(
        &format!(
            "{EXPERIMENT}[stages]\norder = [\"look\", \"buy\"]\nwindow = \"36h\"\n[stages.rules]\nlook = [ {{ event = [\"click\"] }} ]\nbuy = [ {{ event = [\"purchase\"] }} ]\n"
        ),
        few_touchpoints(),
    );
    let names = assigned(&["checkout"; 3], &["A", "B", "B"], &["c-1", "c-2", "c-3"]);
    warehouse.parquet("assignments/a.parquet", names);
    let day = ["--date", "2026-04-01"];
    let checked = warehouse.touchline(&[&["check"], &day[..]].concat());
    let (_, warnings) = checked.stdout.split_once("warns:\n").unwrap();
    insta::assert_snapshot!(warnings, @r#"
    * The reporting window of 1d is too short for metrics.rate.window = "1d": no customer's is over by its end, so experiments have no figures there. Report more than 1d at a time, from the first assignment on.  [experiment_results]
    * The reporting window of 1d is too short for stages.window = "36h": every entry is immature, so funnels have no rates. Report more than 36h at a time, or shorten that key.  [stage_funnel]
    "#);
    let ran = warehouse.run(&day);
    for warning in warnings.lines() {
        assert!(ran.stderr.contains(warning), "{}", ran.stderr);
    }
    // Two days suffice for both.
    let days = ["--from", "2026-04-01", "--to", "2026-04-03"];
    let checked = warehouse.touchline(&[&["check"], &days[..]].concat());
    assert!(!checked.stdout.contains("warns:"), "{}", checked.stdout);
}

#[test]
fn ids_in_place_of_variants_or_experiments_are_refused() {
    let warehouse =
        warehouse(&format!("{EXPERIMENT}[contract]\nmax_rejected_share = 1.0\n{WINDOW}"), few_touchpoints());
    let ids: Vec<String> = (0..4_001).map(|at| format!("secret-{at}")).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let of = |count: usize| assigned(&vec!["checkout"; count], &ids[..count], &ids[..count]);
    warehouse.parquet("assignments/a.parquet", of(64));
    warehouse.run(&[]);
    std::fs::remove_dir_all(warehouse.path("out")).unwrap();
    warehouse.parquet("assignments/a.parquet", of(65));
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: inputs.assignments: column `variant` has 65 different variants of experiment `checkout` that the configuration doesn't name, and at most 64 are possible
    hint: is this an id? Name the column that says which variant a customer saw, such as A or B: `inputs.assignments.columns = { variant = "…" }`
    "#);
    // Those of an experiment that is only counted have no rows.
    warehouse.parquet("assignments/a.parquet", with(of(65), "experiment", text(&["other"; 65])));
    warehouse.run(&[]);
    std::fs::remove_dir_all(warehouse.path("out")).unwrap();
    let swapped = with(with(of(4_001), "experiment", text(&ids)), "variant", ints(&[1; 4_001]));
    warehouse.parquet("assignments/a.parquet", swapped);
    warehouse.write(
        "touchline.toml",
        format!("{CONFIG}{EXPERIMENT}{WINDOW}").replace(
            "path = \"assignments\"",
            "path = \"assignments\"\ncolumns = { experiment = \"experiment\" }",
        ),
    );
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: inputs.assignments: column `experiment` names 4001 different experiments, and at most 4000 are possible
    hint: is this an id? Name the column that says which experiment it was: `inputs.assignments.columns = { experiment = "…" }`
    "#);
}

#[test]
fn an_assignment_without_an_experiment_lacks_the_experiment() {
    let more = format!("{EXPERIMENT}[contract]\nmax_rejected_share = 1.0\n{WINDOW}");
    let warehouse = warehouse(&more, few_touchpoints());
    let experiments = ["~", "checkout", "~", "checkout"];
    let variants = ["A", "~", "~", "B"];
    warehouse
        .parquet("assignments/a.parquet", assigned(&experiments, &variants, &["c-1", "c-2", "c-3", "c-1"]));
    warehouse.run(&[]);
    insta::assert_snapshot!(warehouse.rejected("assignments"), @r"
    FOLDER/assignments/a.parquet | 1 | experiment | null_experiment | no hash
    FOLDER/assignments/a.parquet | 2 | variant | null_variant | no hash
    FOLDER/assignments/a.parquet | 3 | experiment | null_experiment | no hash
    ");
    insta::assert_snapshot!(quality(&warehouse, &["null_experiment", "null_variant"]), @r"
    assignments | null_experiment | experiment | 4 | 2 | warn
    assignments | null_variant | variant | 4 | 1 | warn
    ");
}

#[test]
fn a_published_run_that_was_damaged_is_told_when_it_is_mended() {
    let warehouse = warehouse(WINDOW, few_touchpoints());
    warehouse.run(&["-q"]);
    let published = warehouse.published();
    std::fs::write(warehouse.path("out/current/csv/stage_funnel.csv"), "changed").unwrap();
    let summary = warehouse.path("summary.json");
    let ran = warehouse.run(&["--summary-file", &summary.display().to_string()]);
    let warning = "FOLDER/out/runs/r-RUN-1 was damaged after it was published: csv/stage_funnel.csv is gone or has other \
                   bytes. The result is right: it was computed again and published beside it";
    assert!(ran.stderr.contains(&format!("\n  ! {warning}\n")), "{}", ran.stderr);
    let said = warehouse.normalise(&std::fs::read_to_string(&summary).unwrap());
    assert!(said.contains(&format!("\"warnings\":[\"{warning}\"]")), "{said}");
    assert_eq!(warehouse.published(), published);
    // Once; and the result itself is none the worse for it.
    let ran = warehouse.run(&["--log-format", "json"]);
    assert!(ran.stderr.contains("\"unchanged\":true") && !ran.stderr.contains("damaged"), "{}", ran.stderr);

    // An earlier attempt that is whole will do.
    warehouse.run(&["-q", "--force"]);
    std::fs::remove_file(warehouse.path("out/current/manifest.json")).unwrap();
    let ran = warehouse.run(&["--log-format", "json"]);
    let warning = "r-RUN-3 was damaged after it was published: manifest.json is gone or has other bytes. The result is \
                   right: an earlier run that has it too was taken in its place";
    assert!(ran.stderr.contains("\"event\":\"warning\"") && ran.stderr.contains(warning), "{}", ran.stderr);
    assert_eq!(warehouse.published(), published);
}
