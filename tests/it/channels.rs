//! Rules for channels, through the binary: what each row's channel becomes, and what the tables make of it.

use std::path::Path;

use proptest::prelude::*;
use touchline::config::{Overrides, parse};
use touchline::engine::memory::{Memory, MemoryRow};
use touchline::engine::work;

use crate::books::bytes;
use crate::support::{Columns, Warehouse, floats, micros, text, times, with};

const CONFIG: &str = r#"
[job]
name = "spring"
[inputs.touchpoints]
path = "touchpoints"
[conversions.purchase]
event = "purchase"
value = "value"
[stages]
order = ["ad", "buy"]
mode = "any"
rules = { ad = [ { channel = "Paid*" } ], buy = [ { event = "purchase" } ] }
[attribution]
models = ["linear"]
[segments]
dimensions = ["first_channel"]
min_customers = 1
[channels]
preset = "ga4"
rules = [ { channel = "Partner", source = ["partner-*"] } ]
unwanted_referrals = ["shop.example", "*.paypal.com"]
"#;

/// Five customers who come by different ways; four of them buy.
fn touchpoints() -> Columns {
    let rows = [
        ["c-1", "04-01 08:00", "click", "google", "cpc", "brand"],
        ["c-1", "04-02 08:00", "purchase", "~", "~", "~"],
        ["c-2", "04-01 08:00", "click", "partner-7", "cpa", "brand"],
        ["c-2", "04-01 09:00", "page_view", "~", "~", "~"],
        ["c-2", "04-02 08:00", "return", "checkout.paypal.com", "referral", "~"],
        ["c-2", "04-02 08:01", "purchase", "checkout.paypal.com", "referral", "~"],
        ["c-3", "04-01 08:00", "click", "crm", "letter", "~"],
        ["c-3", "04-01 09:00", "click", "crm", "letter", "~"],
        ["c-3", "04-01 10:00", "click", "kiosk", "~", "~"],
        ["c-4", "04-01 08:00", "visit", "(direct)", "(none)", "~"],
        ["c-4", "04-02 08:00", "purchase", "~", "~", "~"],
        ["c-5", "04-01 08:00", "return", "www.shop.example", "~", "~"],
        ["c-5", "04-02 08:00", "purchase", "~", "~", "~"],
    ];
    let column = |at: usize| rows.map(|row| row[at]);
    let values = rows.map(|row| (row[2] == "purchase").then_some(10.0));
    vec![
        ("customer_id", text(&column(0))),
        ("occurred_at", times(&column(1))),
        ("event", text(&column(2))),
        ("source", text(&column(3))),
        ("medium", text(&column(4))),
        ("campaign", text(&column(5))),
        ("value", floats(&values)),
    ]
}

fn warehouse(config: &str, columns: Columns) -> Warehouse {
    let warehouse = Warehouse::new(config);
    warehouse.parquet("touchpoints/a.parquet", columns);
    warehouse
}

#[test]
fn channels_are_made_of_source_medium_and_campaign() {
    let warehouse = warehouse(CONFIG, touchpoints());
    warehouse.run(&[]);
    let credited = |target: &str| {
        warehouse.select(
            "stage_attribution",
            &[("target", target)],
            &["channel", "touches", "credit", "value"],
        )
    };
    insta::assert_snapshot!(credited("purchase"), @r#"
    Direct | 1 | 1 | 10
    Paid Search | 1 | 1 | 10
    Partner | 1 | 1 | 10
    (unattributed) | 0 | 1 | 10
    "#);
    // A matcher sees the channel that was found.
    let entered =
        warehouse.select("stage_attribution", &[("target", "ad")], &["channel", "touches", "credit"]);
    insta::assert_snapshot!(entered, @r#"
    Paid Search | 1 | 1
    (unattributed) | 0 | 0
    "#);
    let segments = warehouse.select(
        "segment_conversion",
        &[("target", "purchase")],
        &["segment", "customers", "converted"],
    );
    insta::assert_snapshot!(segments, @r#"
    (none) | 1 | 1
    Direct | 1 | 1
    Paid Search | 1 | 1
    Partner | 1 | 1
    Unassigned | 1 | 0
    "#);
    let quality = warehouse.select(
        "data_quality",
        &[],
        &["table", "check", "column", "rows_checked", "rows_failed", "status"],
    );
    let of_channels: Vec<&str> = quality
        .lines()
        .filter(|line| ["channel_", "unwanted_", "campaign_"].iter().any(|check| line.contains(check)))
        .collect();
    insta::assert_snapshot!(of_channels.join("\n"), @r#"
    touchpoints | campaign_under_several_channels:brand | campaign | 2 | 1 | warn
    touchpoints | channel_unassigned | channel | 13 | 3 | warn
    touchpoints | channel_unassigned:crm / letter | channel | 13 | 2 | warn
    touchpoints | channel_unassigned:kiosk / (not set) | channel | 13 | 1 | warn
    touchpoints | unwanted_referral | source | 13 | 3 | ok
    "#);
}

#[test]
fn touches_by_rule_leave_unwanted_referrals_out() {
    let config =
        CONFIG.replace("[attribution]", "[attribution]\ntouches = [ { event = [\"click\", \"return\"] } ]");
    let warehouse = warehouse(&config, touchpoints());
    warehouse.run(&[]);
    let credited = warehouse.select(
        "stage_attribution",
        &[("target", "purchase")],
        &["channel", "touches", "credit", "value"],
    );
    insta::assert_snapshot!(credited, @r#"
    Paid Search | 1 | 1 | 10
    Partner | 1 | 1 | 10
    (unattributed) | 0 | 2 | 20
    "#);
}

#[test]
fn a_column_that_the_rules_for_channels_need() {
    let columns = crate::support::without(touchpoints(), "medium");
    insta::assert_snapshot!(warehouse(CONFIG, columns).fails(&[]), @r#"
    exit code 65
    error: no touchpoint source has a column `medium`, which channels.preset needs
      --> touchline.toml:19:1
       |
    19 | preset = "ga4"
       | ^^^^^^
       |
       = hint: name one that is there, or map it with `columns`; there are: campaign, customer_id, event, occurred_at, source, value
    "#);
    let config =
        CONFIG.replace("preset = \"ga4\"", "").replace("source = [\"partner-*\"]", "partner = [\"x\"]");
    insta::assert_snapshot!(warehouse(&config, touchpoints()).fails(&[]), @r#"
    exit code 65
    error: no touchpoint source has a column `partner`, which channels.rules needs
      --> touchline.toml:20:1
       |
    20 | rules = [ { channel = "Partner", partner = ["x"] } ]
       | ^^^^^
       |
       = hint: name one that is there, or map it with `columns`; there are: campaign, customer_id, event, medium, occurred_at, source, value
    "#);
}

/// Source, medium and campaign as a file has them, and the channel that they make under [`CONFIG`].
type Way = (Option<&'static str>, Option<&'static str>, Option<&'static str>, Option<&'static str>);

const WAYS: [Way; 9] = [
    (None, None, None, None),
    (Some("google"), Some("cpc"), Some("brand"), Some("Paid Search")),
    (Some("www.google.de"), Some("CPC"), None, Some("Paid Search")),
    (Some("partner-7"), Some("cpa"), Some("brand"), Some("Partner")),
    (Some("newsletter"), Some("email"), None, Some("Email")),
    (Some("(direct)"), Some("(none)"), None, Some("Direct")),
    (Some("crm"), Some("letter"), None, Some("Unassigned")),
    (Some("www.shop.example"), Some("referral"), None, None),
    (None, None, Some("EU cross-network"), Some("Cross-network")),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Rules give the same tables, to the last bit, as a file that has the channels already.
    #[test]
    fn rules_are_a_file_with_the_channels_already_in_it(
        rows in prop::collection::vec((0_u8..5, 0..WAYS.len(), prop::sample::select(vec!["click", "view", "purchase"])), 1..60),
        readers in 1_usize..4,
    ) {
        let of_file = CONFIG.split("[channels]").next().expect("a beginning").to_owned();
        let [by_rules, by_file] = [CONFIG, &of_file].map(|config| {
            let config = config.replace("[stages]", "[conversions.paid_click]\nevent = \"click\"\nchannel = \"Paid*\"\nvalue = \"value\"\n[stages]");
            let plan = parse(&config, Path::new("touchline.toml"), &Overrides::default(), &|_| None);
            let plan = plan.unwrap_or_else(|errors| panic!("{errors}"));
            let mut memory = Memory::new(&plan, &[], readers);
            let names = memory.texts().to_vec();
            let with_rules = names.iter().any(|name| name == "source");
            prop_assert_eq!(with_rules, plan.channels.has_rules());
            for (minute, (customer, way, event)) in rows.iter().enumerate() {
                let (source, medium, campaign, channel) = WAYS[*way];
                let texts: Vec<Option<&str>> = names
                    .iter()
                    .map(|name| match name.as_str() {
                        "event" => Some(*event),
                        "source" => source,
                        "medium" => medium,
                        "campaign" => campaign,
                        // Where rules make it, the file says something else, or nothing.
                        "channel" if with_rules => source.map(|_| "of the file"),
                        "channel" => channel,
                        other => panic!("no column {other}"),
                    })
                    .collect();
                memory.push(&MemoryRow {
                    customer: &customer.to_string(),
                    time_us: micros("04-01 08:00") + minute as i64 * 60_000_000,
                    texts: &texts,
                    amount_minor: (*event == "purchase").then_some(1_000 + minute as i64),
                    event: None,
                    order: None,
                });
            }
            let pool = work::pool(1).expect("a pool");
            Ok(bytes(&memory.frames(&pool).expect("frames").frames))
        });
        prop_assert!(by_rules? == by_file?, "other bytes");
    }
}

/// While rows are read, the same channels decide which values count as those of a conversion.
#[test]
fn the_contract_sees_the_channels_that_were_found() {
    let config = CONFIG.replace(
        "[attribution]",
        "[contract]\nmax_rejected_share = 1.0\n[conversions.paid_click]\nevent = \"click\"\nchannel = \"Paid*\"\nvalue = \"value\"\n[attribution]",
    );
    // Both clicks of the first rows have a negative value; only the first is of a paid channel, and so a conversion.
    let mut values = vec![None; 13];
    (values[0], values[2]) = (Some(-5.0), Some(-5.0));
    let warehouse = warehouse(&config, with(touchpoints(), "value", floats(&values)));
    warehouse.run(&[]);
    insta::assert_snapshot!(warehouse.rejected("touchpoints"), @"FOLDER/touchpoints/a.parquet | 1 | value | negative_value | hash");
}

#[test]
fn spend_goes_through_the_same_rules() {
    let warehouse = warehouse(&format!("{CONFIG}\n[inputs.spend]\npath = \"spend.csv\"\n"), touchpoints());
    let spend = "date,source,medium,campaign,cost\n\
                 2026-04-01,google,cpc,brand,5\n\
                 2026-04-01,partner-7,cpa,brand,3\n\
                 2026-04-01,postcards,letter,,2\n\
                 2026-04-01,shop.example,,,1\n";
    warehouse.write("spend.csv", spend);
    warehouse.run(&[]);
    let spent =
        warehouse.select("channel_roi", &[("conversion", "purchase")], &["channel", "spend", "value"]);
    insta::assert_snapshot!(spent, @r#"
    Direct | 0 | 10
    Paid Search | 5 | 10
    Partner | 3 | 10
    Unassigned | 3 | 0
    "#);
    let quality =
        warehouse.select("data_quality", &[("table", "spend")], &["check", "rows_checked", "rows_failed"]);
    insta::assert_snapshot!(quality, @r#"
    campaign_under_several_channels:brand | 2 | 1
    channel_unassigned | 4 | 2
    channel_unassigned:postcards / letter | 4 | 1
    channel_unassigned:shop.example / (not set) | 4 | 1
    channel_without_touches | 4 | 0
    outside_window | 4 | 0
    "#);
    let ledger = warehouse.select(
        "reconciliation",
        &[("ledger", "spend"), ("item", "spend")],
        &["booked", "difference"],
    );
    insta::assert_snapshot!(ledger, @"11 | 0");
}

#[test]
fn spend_without_anything_that_makes_a_channel() {
    let warehouse = warehouse(&format!("{CONFIG}\n[inputs.spend]\npath = \"spend.csv\"\n"), touchpoints());
    warehouse.write("spend.csv", "date,cost\n2026-04-01,5\n");
    insta::assert_snapshot!(warehouse.fails(&[]), @r#"
    exit code 65
    error: FOLDER/spend.csv: inputs.spend needs column `channel`, which the file doesn't have
    hint: set `inputs.spend.columns = { channel = "…" }`; the file has: date, cost
    "#);
}
