use std::collections::BTreeMap;

use super::tally::DividedCampaign;
use super::*;
use crate::config::plan::{FieldMatch, Matcher};
use crate::journey::codebook::CodebookBuilder;

/// A rule `channel: column=pattern|pattern, column=…`.
fn rule(text: &str) -> ChannelRule {
    let (channel, fields) = text.split_once(": ").expect("a channel and its fields");
    let field = |text: &str| {
        let (column, patterns) = text.split_once('=').expect("a column and its patterns");
        let patterns = patterns.split('|').map(str::to_owned).collect();
        FieldMatch { column: column.to_owned(), patterns }
    };
    let fields = fields.split(", ").map(field).collect();
    ChannelRule { channel: channel.to_owned(), matcher: Matcher { fields } }
}

fn plan(rules: &[&str], preset: bool, unwanted: &[&str]) -> ChannelPlan {
    ChannelPlan {
        rules: rules.iter().map(|text| rule(text)).collect(),
        preset: preset.then_some(ChannelPreset::Ga4),
        sources: BTreeMap::new(),
        unwanted_referrals: unwanted.iter().map(|host| (*host).to_owned()).collect(),
        ..ChannelPlan::default()
    }
}

/// Channel, source, medium, campaign, each `~` where it is missing.
const COLUMNS: [&str; 4] = ["channel", "source", "medium", "campaign"];

fn value<'a>(row: &'a str) -> impl Fn(&str) -> Option<&'a str> + Copy {
    move |name| {
        let at = COLUMNS.iter().position(|column| *column == name)?;
        row.split(" | ").nth(at).filter(|text| *text != "~")
    }
}

fn decided<'a>(plan: &'a ChannelPlan, row: &'a str) -> (Option<&'a str>, Decided) {
    let Decision { channel, decided } = decide(plan, value(row));
    (channel, decided)
}

#[test]
fn without_rules_the_file_has_the_word() {
    let plan = ChannelPlan::default();
    assert_eq!(decided(&plan, "Store | google | cpc | ~"), (Some("Store"), Decided::ByFile));
    assert_eq!(decided(&plan, "~ | google | cpc | ~"), (None, Decided::ByFile));
}

#[test]
fn rules_go_first_and_in_their_order() {
    let plan = plan(
        &["Partner: source=partner-*", "Brand: source=google, campaign=brand*", "Search: source=google|bing"],
        true,
        &[],
    );
    assert_eq!(decided(&plan, "~ | partner-x | cpc | ~"), (Some("Partner"), Decided::ByRule));
    assert_eq!(decided(&plan, "~ | google | cpc | brand de"), (Some("Brand"), Decided::ByRule));
    assert_eq!(decided(&plan, "Store | google | cpc | other"), (Some("Search"), Decided::ByRule));
    // Patterns mind case, as everywhere; the preset does not.
    assert_eq!(decided(&plan, "~ | Partner-x | cpc | ~"), (Some("Paid Other"), Decided::ByPreset));
    assert_eq!(decided(&plan, "~ | Google | CPC | ~"), (Some("Paid Search"), Decided::ByPreset));
}

#[test]
fn without_a_preset_the_file_answers_for_what_no_rule_matches() {
    let plan = plan(&["Partner: source=partner-*"], false, &[]);
    assert_eq!(decided(&plan, "Email | newsletter | email | ~"), (Some("Email"), Decided::ByFile));
    assert_eq!(decided(&plan, "~ | newsletter | email | ~"), (None, Decided::ByNobody));
    assert_eq!(
        decided(&plan, "~ | ~ | ~ | ~"),
        (None, Decided::ByFile),
        "nothing is said, nothing is missed"
    );
}

#[test]
fn what_says_nothing_about_its_origin_is_not_direct() {
    let plan = plan(&[], true, &[]);
    assert_eq!(decided(&plan, "~ | ~ | ~ | ~"), (None, Decided::ByFile));
    assert_eq!(decided(&plan, "Store | ~ | ~ | ~"), (Some("Store"), Decided::ByFile));
    assert_eq!(decided(&plan, "Store | ~ | ~ | sale"), (Some("Store"), Decided::ByFile));
    assert_eq!(decided(&plan, "~ | ~ | ~ | cross-network"), (Some("Cross-network"), Decided::ByPreset));
    assert_eq!(decided(&plan, "~ | ~ | ~ | sale"), (Some("Unassigned"), Decided::ByNobody));
    assert_eq!(decided(&plan, "~ | (direct) | ~ | ~"), (Some("Direct"), Decided::ByPreset));
    assert_eq!(decided(&plan, "~ | (direct) | (none) | ~"), (Some("Direct"), Decided::ByPreset));
    assert_eq!(decided(&plan, "Store | crm | letter | ~"), (Some("Unassigned"), Decided::ByNobody));
}

#[test]
fn not_set_matches_what_is_missing_and_a_star_does_not() {
    let plan = plan(&["Direct: source=(not set), medium=(not set)", "Any: campaign=*"], false, &[]);
    assert_eq!(decided(&plan, "~ | ~ | ~ | ~"), (Some("Direct"), Decided::ByRule));
    assert_eq!(decided(&plan, "~ | (not set) | ~ | ~"), (Some("Direct"), Decided::ByRule));
    assert_eq!(decided(&plan, "~ | google | ~ | ~"), (None, Decided::ByNobody));
    assert_eq!(decided(&plan, "~ | google | ~ | x"), (Some("Any"), Decided::ByRule));
}

#[test]
fn unwanted_referrals_have_no_channel() {
    let plan = plan(&["Payment: source=*"], true, &["shop.example", "*.paypal.com"]);
    let unwanted = (None, Decided::Unwanted);
    for row in [
        "Referral | shop.example | referral | ~",
        "~ | www.shop.example | ~ | ~",
        "~ | WWW.Shop.Example | Referral | ~",
        "~ | checkout.paypal.com | (none) | ~",
        "~ | a.b.paypal.com | (not set) | ~",
    ] {
        assert_eq!(decided(&plan, row), unwanted, "{row}");
    }
    for row in [
        "~ | paypal.com | referral | ~",
        "~ | notshop.example | referral | ~",
        "~ | shop.example.evil | referral | ~",
        "~ | shop.example | cpc | ~",
        "~ | shop.example | email | ~",
    ] {
        assert_eq!(decided(&plan, row).1, Decided::ByRule, "{row}");
    }
    assert_eq!(decided(&plan, "Store | ~ | referral | ~").0, Some("Referral"), "without a source");
}

/// A book of rows, each with its number of rows, and the tally after the channels were put in.
fn assigned(plan: &ChannelPlan, rows: &[(&str, u64)]) -> (Vec<Option<String>>, Codebook, ChannelTally) {
    let columns: Vec<String> = COLUMNS.iter().map(|column| (*column).to_owned()).collect();
    let mut builder = CodebookBuilder::new(columns.len());
    let mut codes = Vec::new();
    for (row, _) in rows {
        let ids: Vec<u32> = COLUMNS
            .iter()
            .enumerate()
            .map(|(at, column)| value(row)(column).map_or(0, |text| builder.value(at, text)))
            .collect();
        let code = builder.combination(&ids).0;
        builder.keep(code);
        codes.push(code);
    }
    let (mut book, ranks) = Codebook::merge(&[builder], columns.len());
    let mut counts = vec![0; book.len()];
    let rank = |code: &u32| ranks[0][*code as usize];
    for (code, (_, rows)) in codes.iter().zip(rows) {
        counts[rank(code) as usize] += rows;
    }
    let tally = assign(plan, &mut book, &columns, &counts);
    let channels = codes.iter().map(|code| book.text(rank(code), 0).map(str::to_owned)).collect();
    (channels, book, tally)
}

#[test]
fn the_book_holds_the_channels_that_the_plan_decides() {
    let plan = plan(&["Partner: source=partner-*"], true, &["shop.example"]);
    let (channels, book, tally) = assigned(
        &plan,
        &[
            ("cpc | google | cpc | brand", 5),
            ("cpc | partner-x | cpc | brand", 2),
            ("~ | crm | letter | ~", 3),
            ("Store | ~ | ~ | ~", 7),
            ("~ | shop.example | referral | ~", 11),
            ("~ | ~ | ~ | ~", 13),
        ],
    );
    let shown: Vec<&str> = channels.iter().map(|channel| channel.as_deref().unwrap_or("~")).collect();
    assert_eq!(shown, ["Paid Search", "Partner", "Unassigned", "Store", "~", "~"]);
    let values: Vec<&str> = book.values(0).iter().map(|text| &**text).collect();
    assert_eq!(
        values,
        ["Paid Search", "Partner", "Store", "Unassigned"],
        "sorted, and nothing of the file's left"
    );
    assert_eq!((tally.rows, tally.unwanted), (41, 11));
    assert_eq!(tally.unmatched(), [("crm / letter", 3)]);
    let divided = DividedCampaign { campaign: "brand".to_owned(), rows: 7, elsewhere: 2 };
    assert_eq!(tally.divided(), [divided]);
}

#[test]
fn without_rules_the_book_stays_and_campaigns_are_looked_at() {
    let rows = [("Email | ~ | ~ | spring", 1), ("Social | ~ | ~ | spring", 1), ("~ | ~ | ~ | spring", 9)];
    let (channels, _, tally) = assigned(&ChannelPlan::default(), &rows);
    assert_eq!(channels, [Some("Email".to_owned()), Some("Social".to_owned()), None]);
    assert!(tally.unmatched().is_empty());
    let divided = DividedCampaign { campaign: "spring".to_owned(), rows: 2, elsewhere: 1 };
    assert_eq!(tally.divided(), [divided], "rows without a channel are in none");
}
