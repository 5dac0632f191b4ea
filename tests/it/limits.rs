//! Where something has an end: more than fits is refused with a message, never folded or dropped.

use std::path::Path;

use touchline::config::{self, Overrides};

use crate::support::{CONFIG, Columns, Warehouse, few_touchpoints, floats, text, times, with};

fn warehouse(config: &str, columns: Columns) -> Warehouse {
    let warehouse = Warehouse::new(config);
    warehouse.parquet("touchpoints/a.parquet", columns);
    warehouse
}

/// So many customers, each with a click by a channel and a purchase after it.
fn buyers(channels: &[String], more: usize) -> Columns {
    let rows = channels.len() * 2;
    let column = |of: &dyn Fn(usize) -> String| {
        let values: Vec<String> = (0..rows).map(of).collect();
        text(&values.iter().map(String::as_str).collect::<Vec<_>>())
    };
    let instants: Vec<&str> =
        (0..rows).map(|row| if row % 2 == 0 { "04-01 08:00" } else { "04-02 08:00" }).collect();
    let names: [&'static str; 12] =
        ["d0", "d1", "d2", "d3", "d4", "d5", "d6", "d7", "d8", "d9", "d10", "d11"];
    let mut columns: Columns = vec![
        ("customer_id", column(&|row| format!("c{}", row / 2))),
        ("occurred_at", times(&instants)),
        ("event", column(&|row| if row % 2 == 0 { "click" } else { "purchase" }.to_owned())),
        ("channel", column(&|row| if row % 2 == 0 { channels[row / 2].clone() } else { "~".to_owned() })),
        ("value", floats(&(0..rows).map(|row| (row % 2 == 1).then_some(10.0)).collect::<Vec<_>>())),
    ];
    for (at, name) in names.iter().take(more).enumerate() {
        columns.push((name, column(&|row| format!("v{}", (row * (at + 3) + at) % 61))));
    }
    columns
}

fn plan(text: &str, overrides: &Overrides) -> String {
    let plan = config::parse(text, Path::new("touchline.toml"), overrides, &|_| None);
    plan.map_or_else(|errors| errors.render(false), |_| "accepted".to_owned())
}

#[test]
fn sixty_four_conversions_and_no_more() {
    let many = |count: usize| {
        let sections: String =
            (0..count).map(|at| format!("[conversions.k{at}]\nevent = \"k{at}\"\n")).collect();
        plan(&format!("[inputs.touchpoints]\npath = \"t\"\n{sections}"), &Overrides::default())
    };
    assert_eq!(many(64), "accepted");
    let refused = many(65);
    assert!(refused.contains("there are 65 conversions, and at most 64 are possible"), "{refused}");
    assert!(refused.contains("touchline.toml:131:14"), "it points at the first too many: {refused}");
}

#[test]
fn a_day_that_the_clocks_skipped_is_no_window() {
    let overrides = Overrides { date: Some("2011-12-30".to_owned()), ..Overrides::default() };
    let text = "[job]\ntimezone = \"Pacific/Apia\"\n[inputs.touchpoints]\npath = \"t\"\n";
    let refused = plan(text, &overrides);
    assert!(refused.contains("the day 2011-12-30 does not exist in Pacific/Apia"), "{refused}");
}

/// The values of twelve columns with 61 values each have more combinations than 64 bits can count.
#[test]
fn many_wide_columns_change_no_credit() {
    let channels: Vec<String> = (0..2_000).map(|at| format!("ch{}", at % 10)).collect();
    let narrow = warehouse(CONFIG, buyers(&channels, 0));
    narrow.run(&[]);
    let names: Vec<String> = (0..12).map(|at| format!("d{at}")).collect();
    let config = CONFIG.replace("[segments]", &format!("[segments]\ndimensions = {names:?}"));
    let wide = warehouse(&config, buyers(&channels, 12));
    wide.run(&[]);
    assert_eq!(wide.csv("stage_attribution"), narrow.csv("stage_attribution"));
    let columns = ["channel", "credit"];
    let credit = wide.select("stage_attribution", &[("channel", "ch6")], &columns);
    assert_eq!(credit, "ch6 | 200");
}

#[test]
fn a_thousand_channels_and_no_more() {
    let names = |count: usize| (0..count).map(|at| format!("ch{at}")).collect::<Vec<_>>();
    warehouse(CONFIG, buyers(&names(1_000), 0)).run(&[]);
    let refused = warehouse(CONFIG, buyers(&names(1_001), 0)).fails(&[]);
    assert!(refused.starts_with("exit code 65"), "{refused}");
    assert!(refused.contains("1001 different channels, and at most 1000 are possible"), "{refused}");
}

#[test]
fn the_row_of_what_no_channel_gets_is_not_a_channel() {
    let channels = text(&["(unattributed)", "~", "Search", "~", "Email", "Search"]);
    let refused = warehouse(CONFIG, with(few_touchpoints(), "channel", channels)).fails(&[]);
    assert!(refused.starts_with("exit code 65"), "{refused}");
    assert!(
        refused.contains("column `channel` of the touchpoints has the value `(unattributed)`"),
        "{refused}"
    );
}

#[test]
fn a_deep_query_is_answered_or_refused() {
    for expression in [
        format!("select stage from stage_funnel where stage = 'x' {}", "or stage = 'y' ".repeat(400)),
        format!("select 1 {} as n", "+ 1".repeat(400)),
        format!("select {}1{} as n", "(".repeat(400), ")".repeat(400)),
    ] {
        let warehouse = warehouse(&format!("{CONFIG}[queries]\npath = \"queries\"\n"), few_touchpoints());
        warehouse.write("queries/deep.sql", &expression);
        let ran = warehouse.touchline(&["run"]);
        assert!(matches!(ran.code, 0 | 78), "exit code {}: {}", ran.code, ran.stderr);
    }
}

#[test]
fn a_refund_from_before_the_window_goes_back_to_the_touches_it_came_from() {
    let config = CONFIG
        .replace("models = [\"linear\"]", "models = [\"linear\", \"markov\"]")
        .replace("[inputs.touchpoints]", "[refunds]\nevent = \"refund\"\n[window]\nfrom = \"2026-04-05\"\nto = \"2026-04-09\"\n[inputs.touchpoints]");
    let columns: Columns = vec![
        ("customer_id", text(&["c1", "c1", "c1", "c2", "c3"])),
        ("occurred_at", times(&["04-01 08:00", "04-02 08:00", "04-06 08:00", "04-06 09:00", "04-07 09:00"])),
        ("event", text(&["click", "purchase", "refund", "click", "click"])),
        ("channel", text(&["Email", "~", "~", "Search", "Social"])),
        ("value", floats(&[None, Some(10.0), Some(10.0), None, None])),
        ("order_id", text(&["~", "o1", "o1", "~", "~"])),
    ];
    let warehouse = warehouse(&config, columns);
    warehouse.run(&[]);
    for model in ["linear", "markov"] {
        let rows =
            warehouse.select("stage_attribution", &[("model", model)], &["channel", "credit", "value"]);
        assert!(rows.contains("Email | -1 | -10"), "{model}: {rows}");
        assert!(!rows.contains("Search | -"), "{model}: {rows}");
    }
    let books =
        warehouse.select("reconciliation", &[("ledger", "refunds")], &["booked", "credited", "unattributed"]);
    assert_eq!(books, "10 | 10 | 0");
}

#[test]
fn rows_that_contradict_each_other_about_a_customer_are_counted() {
    let config = CONFIG.replace(
        "[segments]",
        "[inputs.customers]\npath = \"customers.parquet\"\n[segments]\ndimensions = [\"plan\"]",
    );
    let warehouse = warehouse(&config, few_touchpoints());
    warehouse.parquet(
        "customers.parquet",
        vec![
            ("customer_id", text(&["c-1", "c-1", "c-2", "c-3", "c-3"])),
            ("plan", text(&["~", "pro", "basic", "pro", "pro"])),
        ],
    );
    warehouse.run(&[]);
    let found =
        warehouse.select("data_quality", &[("check", "conflicting_attributes")], &["rows_failed", "status"]);
    assert_eq!(found, "1 | warn");
    let pro = warehouse.select("segment_conversion", &[("segment", "pro")], &["customers"]);
    assert_eq!(pro.lines().next(), Some("2"), "what is known goes before what isn't");
}

#[test]
fn nothing_but_bots_is_nothing() {
    let config = format!("{CONFIG}[contract]\nmax_touchpoints_per_customer = 1\n");
    let refused = warehouse(&config, few_touchpoints()).fails(&[]);
    assert!(refused.starts_with("exit code 66"), "{refused}");
    assert!(refused.contains("6 rows belong to 3 customers"), "{refused}");
}

/// Cells of campaigns lie where customers met them: many campaigns make many rows, not a table of all by all.
#[test]
fn twenty_thousand_campaigns() {
    let channels: Vec<String> = (0..20_000).map(|at| format!("ch{}", at % 10)).collect();
    // Two customers in three meet a campaign of their own, the others one that all share.
    let campaign = |row: usize| if row % 6 < 4 { format!("campaign {}", row / 2) } else { "all".to_owned() };
    let campaigns: Vec<String> = (0..40_000).map(campaign).collect();
    let campaigns = text(&campaigns.iter().map(String::as_str).collect::<Vec<_>>());
    let config = CONFIG.replace("[\"linear\"]", "[\"linear\", \"markov\", \"participation\"]\nby = \"both\"");
    let warehouse = warehouse(&config, with(buyers(&channels, 0), "campaign", campaigns));
    warehouse.run(&[]);
    for model in ["linear", "markov", "participation"] {
        let keys = [("model", model), ("level", "campaign")];
        let rows = warehouse.select("stage_attribution", &keys, &["channel", "campaign", "credit", "rank"]);
        let rows: Vec<&str> = rows.lines().collect();
        assert_eq!(rows.len(), 13_334 + 10 + 1, "own campaigns, the shared one under ten channels, nobody's");
        let shared: Vec<&&str> = rows.iter().filter(|row| row.starts_with("ch3 | all")).collect();
        assert_eq!(shared, [&"ch3 | all | 666 | 8"], "{model}");
        assert_eq!(rows.iter().filter(|row| row.contains(" | 1 | ")).count(), 13_334, "{model}");
    }
    let several = warehouse.select(
        "data_quality",
        &[("check", "campaign_under_several_channels")],
        &["rows_checked", "rows_failed"],
    );
    assert_eq!(several, "13335 | 1");
    let books = warehouse.select(
        "reconciliation",
        &[("ledger", "credit_by_campaign"), ("model", "linear")],
        &["booked", "credited", "difference"],
    );
    assert_eq!(books, "20000 | 20000 | 0");
}
