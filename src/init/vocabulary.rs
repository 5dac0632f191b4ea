//! Where an event stands in a journey, by the words of its name.
//!
//! The words are those of the stage presets, of the recommended events of Google Analytics 4 and of the e-commerce events
//! of Segment and Snowplow. What they don't know is placed by when customers do it, see [`super::stages`].

use super::names::normal;

/// Stages in the order of a journey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum StageKind {
    /// Saw something of the brand.
    Awareness,
    /// Came.
    Visit,
    /// Looked at products.
    Consideration,
    /// Put something into the cart.
    Cart,
    /// Began to pay.
    Checkout,
    /// Bought.
    Purchase,
    /// Got and used it.
    Experience,
    /// Needed help.
    Service,
    /// Came back, or brought others.
    Loyalty,
}

impl StageKind {
    /// Name of the stage.
    pub fn as_str(self) -> &'static str {
        match self {
            StageKind::Awareness => "awareness",
            StageKind::Visit => "visit",
            StageKind::Consideration => "consideration",
            StageKind::Cart => "cart",
            StageKind::Checkout => "checkout",
            StageKind::Purchase => "purchase",
            StageKind::Experience => "experience",
            StageKind::Service => "service",
            StageKind::Loyalty => "loyalty",
        }
    }
}

/// What the name of an event says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// It belongs to a stage.
    Stage(StageKind),
    /// It is no step of a journey: an error, a login, something taken back.
    NoStage,
    /// Its words are not known.
    Unknown,
}

/// No steps forward.
const NO_STEPS: &[&str] = &[
    "error",
    "errors",
    "bug",
    "fail",
    "failed",
    "failure",
    "exception",
    "crash",
    "timeout",
    "declined",
    "cancel",
    "cancelled",
    "canceled",
    "cancellation",
    "abandon",
    "abandoned",
    "remove",
    "removed",
    "logout",
    "login",
    "signin",
    "signout",
    "account",
    "profile",
    "settings",
    "bounce",
    "bounced",
    "unsubscribe",
    "unsubscribed",
    "refund",
    "refunded",
    "chargeback",
    "heartbeat",
    "ping",
    "debug",
];
const RESPONSES: &[&str] = &["click", "clicked", "clicks", "open", "opened", "visit", "visited"];
const AWARENESS: &[&str] = &[
    "impression",
    "impressions",
    "exposure",
    "exposed",
    "banner",
    "advert",
    "ad",
    "ads",
    "video",
    "social",
    "sent",
    "send",
];
const MESSAGES: &[&str] = &["email", "mail", "push", "sms", "message", "newsletter"];
const LOYALTY: &[&str] = &[
    "review",
    "reviews",
    "reviewed",
    "referral",
    "refer",
    "referred",
    "recommend",
    "recommended",
    "invite",
    "invited",
    "renewal",
    "renew",
    "renewed",
    "repeat",
    "reorder",
    "reordered",
    "loyalty",
];
const SERVICE: &[&str] = &[
    "support",
    "complaint",
    "ticket",
    "return",
    "returned",
    "returns",
    "warranty",
    "chat",
    "help",
    "helpdesk",
];
const EXPERIENCE: &[&str] = &[
    "delivery",
    "delivered",
    "shipped",
    "shipment",
    "onboarding",
    "onboarded",
    "install",
    "installed",
    "activation",
    "activated",
    "feature",
    "usage",
    "use",
];
const LOOKING: &[&str] =
    &["page", "view", "viewed", "screen", "list", "history", "details", "detail", "button"];
const CART: &[&str] = &["cart", "basket", "bag", "trolley"];
const CHECKOUT: &[&str] = &["checkout", "shipping", "payment", "billing", "address"];
const SUCCESS: &[&str] = &["success", "successful", "succeeded", "complete", "completed", "done"];
const CONSIDERATION: &[&str] = &[
    "product",
    "products",
    "item",
    "items",
    "search",
    "searched",
    "compare",
    "comparison",
    "wishlist",
    "favourite",
    "favorite",
    "favourites",
    "favorites",
    "filter",
    "filtered",
    "quote",
    "demo",
    "trial",
    "configure",
    "configurator",
    "lead",
    "download",
    "downloaded",
    "pricing",
    "signup",
    "register",
    "registered",
    "registration",
    "newsletter",
    "detail",
    "details",
];
const VISIT: &[&str] = &[
    "visit",
    "visited",
    "session",
    "page",
    "pageview",
    "home",
    "homepage",
    "landing",
    "view",
    "viewed",
    "screen",
    "open",
    "opened",
    "click",
    "clicked",
    "clicks",
    "promo",
    "promotion",
    "blog",
    "content",
    "main",
    "browse",
    "browsed",
    "catalog",
    "catalogue",
    "category",
    "listing",
    "collection",
];

/// Words of a purchase, the most certain first.
pub const PURCHASES: &[&[&str]] = &[
    &["purchase", "purchased", "purchases"],
    &["order", "ordered", "orders"],
    &["transaction", "transactions"],
    &["sale", "sold", "buy", "bought"],
    &["paid", "payment", "checkout"],
    &["booking", "booked", "book"],
    &["subscription", "subscribe", "subscribed"],
    &["donation", "donate", "donated", "deposit"],
    &["conversion", "convert", "converted", "conversions"],
];

/// Channels of customers who came by themselves, as tools of web analytics call them: Google Analytics, Adobe Analytics,
/// Matomo, Snowplow.
const DIRECT: &[&str] = &[
    "direct",
    "direct_none",
    "direct_traffic",
    "direct_visit",
    "direct_visits",
    "direct_entry",
    "direct_load",
    "typed",
    "typed_in",
    "type_in",
    "typed_bookmarked",
    "typed_or_bookmarked",
    "bookmark",
    "bookmarks",
    "bookmarked",
    "none",
];

/// Whether a channel is that of customers who came by themselves, by its name.
pub fn is_direct(channel: &str) -> bool {
    DIRECT.contains(&normal(channel).as_str())
}

/// The words of a name.
pub fn words(name: &str) -> Vec<String> {
    normal(name).split('_').map(str::to_owned).collect()
}

/// Whether any of the words is in the list.
pub fn has_any(words: &[String], list: &[&str]) -> bool {
    words.iter().any(|word| list.contains(&word.as_str()))
}

/// Where an event stands by its name. From what is most certain to what is least.
pub fn place(event: &str) -> Place {
    let words = words(event);
    let has = |list: &[&str]| has_any(&words, list);
    let is_message = has(MESSAGES);
    let stage = if has(NO_STEPS) {
        return Place::NoStage;
    } else if !has(RESPONSES) && (has(AWARENESS) || is_message && has(&["delivered", "delivery"])) {
        StageKind::Awareness
    } else if has(LOYALTY) {
        StageKind::Loyalty
    } else if has(SERVICE) {
        StageKind::Service
    } else if has(EXPERIENCE) || has(&["app"]) && has(&["open", "opened"]) {
        StageKind::Experience
    } else if purchase_rank(&words).is_some() {
        StageKind::Purchase
    } else if has(CART) {
        StageKind::Cart
    } else if has(CHECKOUT) {
        StageKind::Checkout
    } else if !is_message && has(CONSIDERATION) || has(&["signup"]) || has(&["sign"]) && has(&["up"]) {
        StageKind::Consideration
    } else if has(VISIT) {
        StageKind::Visit
    } else {
        return Place::Unknown;
    };
    Place::Stage(stage)
}

/// How certainly words are those of a purchase: the position in [`PURCHASES`]; None: they are no purchase.
pub fn purchase_rank(words: &[String]) -> Option<usize> {
    // The page of an order is none, and neither is a subscription to a newsletter.
    if has_any(words, LOOKING) || has_any(words, MESSAGES) {
        return None;
    }
    let rank = PURCHASES.iter().position(|list| has_any(words, list))?;
    // `checkout` and `payment` are steps on the way, unless they are done.
    let is_step = PURCHASES[rank].contains(&"paid") && !has_any(words, &["paid"]) && !has_any(words, SUCCESS);
    (!is_step).then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_stand_where_their_words_say() {
        use StageKind::*;
        for (event, stage) in [
            ("impression", Awareness),
            ("ad_view", Awareness),
            ("emailSent", Awareness),
            ("email_delivered", Awareness),
            ("exposure", Awareness),
            ("ad_click", Visit),
            ("email_open", Visit),
            ("page_view", Visit),
            ("Viewed Page", Visit),
            ("home", Visit),
            ("catalog", Visit),
            ("promo_page", Visit),
            ("session_start", Visit),
            ("store_visit", Visit),
            ("product_view", Consideration),
            ("view_item", Consideration),
            ("search", Consideration),
            ("wishlist_add", Consideration),
            ("sign_up", Consideration),
            ("trial_start", Consideration),
            ("add_to_cart", Cart),
            ("view_cart", Cart),
            ("begin_checkout", Checkout),
            ("add_payment_info", Checkout),
            ("shipping_details", Checkout),
            ("purchase", Purchase),
            ("Order Completed", Purchase),
            ("checkout_success", Purchase),
            ("subscription_start", Purchase),
            ("conversion", Purchase),
            ("order_delivered", Experience),
            ("app_open", Experience),
            ("delivery", Experience),
            ("support_contact", Service),
            ("return_request", Service),
            ("referral", Loyalty),
            ("repeat_purchase", Loyalty),
        ] {
            assert_eq!(place(event), Place::Stage(stage), "{event}");
        }
        for event in ["payment_error", "remove_from_cart", "login", "account_page", "refund"] {
            assert_eq!(place(event), Place::NoStage, "{event}");
        }
        for event in ["touch", "pre_period_spend", "user_engagement", "", "event_17"] {
            assert_eq!(place(event), Place::Unknown, "{event}");
        }
        assert_eq!(place("order_history_page"), Place::Stage(Visit));
    }

    #[test]
    fn whoever_came_by_himself_has_many_names() {
        for name in [
            "Direct",
            "direct",
            "(direct)",
            "(direct) / (none)",
            "Typed/Bookmarked",
            "(none)",
            "Direct Traffic",
        ] {
            assert!(is_direct(name), "{name}");
        }
        for name in ["Direct Mail", "Email", "Redirect", "", "(not set)"] {
            assert!(!is_direct(name), "{name}");
        }
    }

    #[test]
    fn every_event_of_the_presets_has_a_place() {
        for event in [
            "ad_impression",
            "video_view",
            "social_view",
            "click",
            "visit",
            "push_open",
            "download",
            "quote_request",
            "checkout",
            "order",
            "onboarding",
            "complaint",
            "renewal",
            "feature_use",
            "warranty_claim",
            "loyalty_sign_up",
        ] {
            assert!(matches!(place(event), Place::Stage(_)), "{event}");
        }
    }
}
