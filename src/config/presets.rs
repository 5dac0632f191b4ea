//! Stage models that ship with the job. None is *the* model: the rules go by common names of
//! events, and `[stages.rules]` replaces those of a stage.

use super::plan::{FieldMatch, Matcher};

/// A stage model: stages in order, each with the events that belong to it.
#[derive(Debug)]
pub(super) struct Preset {
    pub(super) name: &'static str,
    pub(super) stages: &'static [(&'static str, &'static [&'static str])],
}

impl Preset {
    /// The rule of a stage of this preset.
    pub(super) fn rule(&self, stage: &str) -> Option<Matcher> {
        let (_, events) = self.stages.iter().find(|(name, _)| *name == stage)?;
        let patterns = events.iter().map(|event| (*event).to_owned()).collect();
        Some(Matcher { fields: vec![FieldMatch { column: "event".to_owned(), patterns }] })
    }
}

/// The models, by name.
pub(super) const PRESETS: [Preset; 3] = [
    Preset {
        name: "classic",
        stages: &[
            (
                "awareness",
                &["impression", "ad_impression", "ad_view", "video_view", "social_view", "store_visit"],
            ),
            (
                "consideration",
                &[
                    "click",
                    "ad_click",
                    "visit",
                    "session_start",
                    "page_view",
                    "product_view",
                    "search",
                    "email_open",
                    "email_click",
                    "push_open",
                    "sign_up",
                    "newsletter_sign_up",
                    "download",
                ],
            ),
            (
                "decision",
                &[
                    "add_to_cart",
                    "add_to_wishlist",
                    "checkout",
                    "begin_checkout",
                    "quote_request",
                    "trial_start",
                ],
            ),
            ("purchase", &["purchase", "order", "subscription_start"]),
            (
                "post_purchase",
                &[
                    "delivery",
                    "app_open",
                    "onboarding",
                    "support_contact",
                    "return_request",
                    "complaint",
                    "review",
                    "referral",
                    "repeat_purchase",
                    "renewal",
                ],
            ),
        ],
    },
    Preset {
        name: "lifecycle",
        stages: &[
            (
                "brand_awareness",
                &["impression", "ad_impression", "ad_view", "video_view", "social_view", "store_visit"],
            ),
            (
                "product_understanding",
                &[
                    "click",
                    "ad_click",
                    "visit",
                    "session_start",
                    "page_view",
                    "product_view",
                    "search",
                    "email_open",
                    "email_click",
                    "push_open",
                    "sign_up",
                    "newsletter_sign_up",
                    "download",
                ],
            ),
            (
                "purchase_decision",
                &[
                    "add_to_cart",
                    "add_to_wishlist",
                    "checkout",
                    "begin_checkout",
                    "quote_request",
                    "trial_start",
                    "purchase",
                    "order",
                    "subscription_start",
                ],
            ),
            ("product_experience", &["delivery", "app_open", "onboarding", "feature_use"]),
            ("after_sales_service", &["support_contact", "return_request", "complaint", "warranty_claim"]),
            ("loyalty", &["review", "referral", "repeat_purchase", "renewal", "loyalty_sign_up"]),
        ],
    },
    Preset {
        name: "journey-map",
        stages: &[
            (
                "research",
                &[
                    "impression",
                    "ad_impression",
                    "ad_view",
                    "video_view",
                    "social_view",
                    "store_visit",
                    "click",
                    "ad_click",
                    "visit",
                    "session_start",
                    "page_view",
                    "search",
                    "email_open",
                    "email_click",
                    "push_open",
                ],
            ),
            (
                "offer",
                &[
                    "product_view",
                    "add_to_cart",
                    "add_to_wishlist",
                    "quote_request",
                    "sign_up",
                    "trial_start",
                ],
            ),
            ("conversion", &["checkout", "begin_checkout", "purchase", "order", "subscription_start"]),
            (
                "use",
                &[
                    "delivery",
                    "app_open",
                    "onboarding",
                    "feature_use",
                    "support_contact",
                    "return_request",
                    "complaint",
                ],
            ),
            ("loyalty", &["review", "referral", "repeat_purchase", "renewal", "loyalty_sign_up"]),
        ],
    },
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// Events that any preset has a place for.
    const COMMON: [&str; 16] = [
        "impression",
        "ad_view",
        "click",
        "visit",
        "page_view",
        "product_view",
        "search",
        "add_to_cart",
        "checkout",
        "purchase",
        "delivery",
        "app_open",
        "support_contact",
        "return_request",
        "review",
        "referral",
    ];

    #[test]
    fn every_common_event_is_in_exactly_one_stage() {
        for preset in &PRESETS {
            let events: Vec<&str> =
                preset.stages.iter().flat_map(|(_, events)| events.iter().copied()).collect();
            let unique: BTreeSet<&str> = events.iter().copied().collect();
            assert_eq!(unique.len(), events.len(), "{}: an event in two stages", preset.name);
            for event in COMMON {
                assert!(unique.contains(event), "{}: {event}", preset.name);
            }
        }
    }

    #[test]
    fn the_rule_of_a_stage_matches_its_events_alone() {
        let rule = PRESETS[0].rule("purchase").expect("purchase");
        assert!(rule.matches(|column| (column == "event").then_some("purchase")));
        assert!(!rule.matches(|column| (column == "event").then_some("click")));
        assert!(PRESETS[0].rule("loyalty").is_none());
    }
}
