//! The default channel groups of Google Analytics 4: source, medium and campaign to one of 18 names, or
//! `Unassigned`.
//!
//! Source: Google, "\[GA4\] Default channel group", <https://support.google.com/analytics/answer/9756891>, rules
//! for manual traffic, in their order. The first that matches wins, and case makes no difference. Their
//! two regular expressions are matched by hand; the tests hold them to the expressions.
//!
//! *Departures.* The sites behind "list of search sites" and the like are ours, see [`super::sources`]. The
//! rules that ask for the network of a linked Google Ads account have no counterpart in an export.

use std::collections::BTreeMap;

use crate::config::plan::SourceCategory;

use super::sources;

/// What no rule matches.
pub const UNASSIGNED: &str = "Unassigned";

/// How the source of somebody who came by himself is written.
const DIRECT_SOURCE: &str = "(direct)";

const DISPLAY: [&str; 5] = ["display", "banner", "expandable", "interstitial", "cpm"];
const SOCIAL: [&str; 6] =
    ["social", "social-network", "social-media", "sm", "social network", "social media"];
const REFERRAL: [&str; 3] = ["referral", "app", "link"];
const EMAIL: [&str; 4] = ["email", "e-mail", "e_mail", "e mail"];

/// The default channel group of a row. What is missing is `(not set)`, as an export of Google Analytics has it.
pub fn channel_group(
    own_sources: &BTreeMap<String, SourceCategory>,
    source: &str,
    medium: &str,
    campaign: &str,
) -> &'static str {
    let [source, medium, campaign] = [source, medium, campaign].map(str::to_lowercase);
    let [source, medium, campaign] = [source.as_str(), medium.as_str(), campaign.as_str()];
    let category = sources::category(own_sources, source);
    let from = |wanted| category == Some(wanted);
    let paid = is_paid(medium);
    let shopping = from(SourceCategory::Shopping) || is_shopping(campaign);
    // One rule a line, in the order of Google's page.
    match () {
        () if source == DIRECT_SOURCE && matches!(medium, "(none)" | "(not set)") => "Direct",
        () if campaign.contains("cross-network") => "Cross-network",
        () if shopping && paid => "Paid Shopping",
        () if from(SourceCategory::Search) && paid => "Paid Search",
        () if from(SourceCategory::Social) && paid => "Paid Social",
        () if from(SourceCategory::Video) && paid => "Paid Video",
        () if DISPLAY.contains(&medium) => "Display",
        () if paid => "Paid Other",
        () if shopping => "Organic Shopping",
        () if from(SourceCategory::Social) || SOCIAL.contains(&medium) => "Organic Social",
        () if from(SourceCategory::Video) || medium.contains("video") => "Organic Video",
        () if from(SourceCategory::Search) || medium == "organic" => "Organic Search",
        () if REFERRAL.contains(&medium) => "Referral",
        () if EMAIL.contains(&source) || EMAIL.contains(&medium) => "Email",
        () if medium == "affiliate" => "Affiliates",
        () if medium == "audio" => "Audio",
        () if source == "sms" || medium == "sms" => "SMS",
        () if is_push(source, medium) => "Mobile Push Notifications",
        () => UNASSIGNED,
    }
}

/// `^(.*cp.*|ppc|retargeting|paid.*)$`
fn is_paid(medium: &str) -> bool {
    medium.contains("cp") || matches!(medium, "ppc" | "retargeting") || medium.starts_with("paid")
}

/// `^(.*(([^a-df-z]|^)shop|shopping).*)$`: `shop` counts at the beginning, after an `e` and after what is no letter.
fn is_shopping(campaign: &str) -> bool {
    campaign.contains("shopping")
        || campaign.match_indices("shop").any(|(at, _)| {
            campaign[..at].chars().next_back().is_none_or(|before| !matches!(before, 'a'..='d' | 'f'..='z'))
        })
}

fn is_push(source: &str, medium: &str) -> bool {
    medium.ends_with("push")
        || medium.contains("mobile")
        || medium.contains("notification")
        || source == "firebase"
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    fn group(source: &str, medium: &str, campaign: &str) -> &'static str {
        channel_group(&BTreeMap::new(), source, medium, campaign)
    }

    /// Google's rules by example: source, medium, campaign, group.
    const EXAMPLES: [(&str, &str, &str, &str); 62] = [
        ("(direct)", "(none)", "(not set)", "Direct"),
        ("(direct)", "(not set)", "(not set)", "Direct"),
        ("google", "cpc", "EU-Cross-network-pmax", "Cross-network"),
        ("(direct)", "(none)", "cross-network", "Direct"),
        ("amazon.de", "cpc", "(not set)", "Paid Shopping"),
        ("google", "cpc", "spring shopping", "Paid Shopping"),
        ("google", "ppc", "Shop the sale", "Paid Shopping"),
        ("google", "cpc", "eshop", "Paid Shopping"),
        ("google", "cpc", "my-shop", "Paid Shopping"),
        ("google", "cpc", "workshop", "Paid Search"),
        ("google", "cpc", "(not set)", "Paid Search"),
        ("Google", "CPC", "Brand", "Paid Search"),
        ("bing", "paidsearch", "brand", "Paid Search"),
        ("google", "cpm", "brand", "Paid Search"),
        ("facebook", "paid_social", "spring", "Paid Social"),
        ("m.facebook.com", "retargeting", "spring", "Paid Social"),
        ("instagram", "cpm", "spring", "Paid Social"),
        ("youtube", "paid video", "spring", "Paid Video"),
        ("youtube", "cpc", "spring", "Paid Video"),
        ("adnetwork", "display", "spring", "Display"),
        ("adnetwork", "banner", "spring", "Display"),
        ("adnetwork", "expandable", "spring", "Display"),
        ("adnetwork", "interstitial", "spring", "Display"),
        ("adnetwork", "cpm", "spring", "Display"),
        ("google", "display", "spring", "Display"),
        ("adnetwork", "cpa", "spring", "Paid Other"),
        ("adnetwork", "cpc", "spring", "Paid Other"),
        ("adnetwork", "ppc", "spring", "Paid Other"),
        ("adnetwork", "paid", "spring", "Paid Other"),
        ("adnetwork", "retargeting", "spring", "Paid Other"),
        ("ebay.com", "referral", "(not set)", "Organic Shopping"),
        ("newsletter", "email", "shopping guide", "Organic Shopping"),
        ("t.co", "referral", "(not set)", "Organic Social"),
        ("partner", "social", "(not set)", "Organic Social"),
        ("partner", "social-network", "(not set)", "Organic Social"),
        ("partner", "social-media", "(not set)", "Organic Social"),
        ("partner", "sm", "(not set)", "Organic Social"),
        ("partner", "social network", "(not set)", "Organic Social"),
        ("partner", "Social Media", "(not set)", "Organic Social"),
        ("youtube.com", "referral", "(not set)", "Organic Video"),
        ("partner", "videoplacement", "(not set)", "Organic Video"),
        ("google", "organic", "(not set)", "Organic Search"),
        ("smallsearch.example", "organic", "(not set)", "Organic Search"),
        ("duckduckgo.com", "referral", "(not set)", "Organic Search"),
        ("blog.example", "referral", "(not set)", "Referral"),
        ("blog.example", "app", "(not set)", "Referral"),
        ("blog.example", "link", "(not set)", "Referral"),
        ("newsletter", "email", "spring", "Email"),
        ("newsletter", "e-mail", "spring", "Email"),
        ("newsletter", "e_mail", "spring", "Email"),
        ("newsletter", "e mail", "spring", "Email"),
        ("email", "crm", "spring", "Email"),
        ("partner", "affiliate", "spring", "Affiliates"),
        ("podcast", "audio", "spring", "Audio"),
        ("crm", "sms", "spring", "SMS"),
        ("sms", "crm", "spring", "SMS"),
        ("crm", "web-push", "spring", "Mobile Push Notifications"),
        ("crm", "mobile_app", "spring", "Mobile Push Notifications"),
        ("crm", "notifications", "spring", "Mobile Push Notifications"),
        ("firebase", "crm", "spring", "Mobile Push Notifications"),
        ("crm", "letter", "spring", "Unassigned"),
        ("(not set)", "(not set)", "(not set)", "Unassigned"),
    ];

    #[test]
    fn each_rule_by_example() {
        for (source, medium, campaign, expected) in EXAMPLES {
            assert_eq!(group(source, medium, campaign), expected, "{source} / {medium} / {campaign}");
        }
        let groups: BTreeSet<&str> = EXAMPLES.iter().map(|(.., group)| *group).collect();
        assert_eq!(groups.len(), 19, "every group has an example: {groups:?}");
    }

    /// What copies of the rules get wrong.
    #[test]
    fn known_defects_of_other_implementations() {
        // `interstitial` misspelt, so that the right word fell through and the wrong one was taken.
        assert_eq!(group("adnetwork", "interstitial", ""), "Display");
        assert_eq!(group("adnetwork", "intersitial", ""), "Unassigned");
        // `cpm` tried against the paid media before it was tried as display.
        assert_eq!(group("adnetwork", "cpm", ""), "Display");
        // Direct without its parentheses: a source that somebody called so is none.
        assert_eq!(group("direct", "(none)", ""), "Unassigned");
        assert_eq!(group("direct", "none", ""), "Unassigned");
        assert_eq!(group("(direct)", "none", ""), "Unassigned");
        assert_eq!(group("(direct)", "cpc", ""), "Paid Other");
        // Cross-network looked for in the medium instead of the campaign.
        assert_eq!(group("google", "cross-network", ""), "Organic Search");
        assert_eq!(group("adnetwork", "cross-network", ""), "Unassigned");
        // `social-media` forgotten.
        assert_eq!(group("partner", "social-media", ""), "Organic Social");
    }

    /// A pattern of literals, `.`, `*`, groups, `|`, `[^…]`, `^` and `$`: where matches that start here can end.
    fn ends(pattern: &[char], text: &[char], starts: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut alternatives = vec![starts.clone()];
        let mut at = 0;
        while at < pattern.len() {
            if pattern[at] == '|' {
                alternatives.push(starts.clone());
                at += 1;
                continue;
            }
            let end = match pattern[at] {
                '(' => {
                    let mut depth = 0;
                    let closes = |letter: &char| {
                        depth += i32::from(*letter == '(') - i32::from(*letter == ')');
                        depth == 0
                    };
                    at + pattern[at..].iter().position(closes).expect("closed") + 1
                }
                '[' => at + pattern[at..].iter().position(|letter| *letter == ']').expect("closed") + 1,
                _ => at + 1,
            };
            let atom = &pattern[at..end];
            let once = |starts: &BTreeSet<usize>| -> BTreeSet<usize> {
                let letter = |accepts: &dyn Fn(char) -> bool| {
                    starts
                        .iter()
                        .filter(|s| text.get(**s).is_some_and(|l| accepts(*l)))
                        .map(|s| s + 1)
                        .collect()
                };
                match atom[0] {
                    '(' => ends(&atom[1..atom.len() - 1], text, starts),
                    '[' => letter(&|found| {
                        let class = &atom[2..atom.len() - 1];
                        let ranges = class.split(|letter| *letter == '-').collect::<Vec<_>>();
                        // `a-df-z` is cut into `a`, `df` and `z`: each pair of neighbours is a range.
                        !ranges
                            .windows(2)
                            .any(|pair| (*pair[0].last().expect("a letter")..=pair[1][0]).contains(&found))
                    }),
                    '.' => letter(&|_| true),
                    '^' => starts.iter().copied().filter(|start| *start == 0).collect(),
                    '$' => starts.iter().copied().filter(|start| *start == text.len()).collect(),
                    literal => letter(&|found| found == literal),
                }
            };
            let current = alternatives.last_mut().expect("one at least");
            at = end;
            if pattern.get(at) == Some(&'*') {
                at += 1;
                loop {
                    let more: BTreeSet<usize> = current.union(&once(current)).copied().collect();
                    if more == *current {
                        break;
                    }
                    *current = more;
                }
            } else {
                *current = once(current);
            }
        }
        alternatives.into_iter().flatten().collect()
    }

    fn regex_matches(pattern: &str, text: &str) -> bool {
        let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
        !ends(&pattern, &text, &BTreeSet::from([0])).is_empty()
    }

    #[test]
    fn the_naive_matcher_knows_expressions() {
        assert!(regex_matches("^(ab*|c)$", "abbb") && regex_matches("^(ab*|c)$", "c"));
        assert!(!regex_matches("^(ab*|c)$", "abc") && !regex_matches("^[^a-df-z]$", "b"));
        assert!(regex_matches("^[^a-df-z]$", "e") && regex_matches("^[^a-df-z]$", "-"));
    }

    proptest! {
        /// The two conditions against Google's expressions, on texts made of their pieces.
        #[test]
        fn hand_written_conditions_are_the_expressions(
            pieces in prop::collection::vec(
                prop::sample::select(vec![
                    "c", "p", "cp", "ppc", "paid", "retargeting", "s", "shop", "shopping", "sho", "ping",
                    "e", "d", "f", "z", "a", " ", "-", "1", "é",
                ]),
                0..6,
            ),
        ) {
            let text = pieces.concat();
            prop_assert_eq!(
                is_paid(&text),
                regex_matches("^(.*cp.*|ppc|retargeting|paid.*)$", &text),
                "{}", text
            );
            prop_assert_eq!(
                is_shopping(&text),
                regex_matches("^(.*(([^a-df-z]|^)shop|shopping).*)$", &text),
                "{}", text
            );
        }
    }
}
