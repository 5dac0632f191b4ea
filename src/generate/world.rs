//! The world that the generator plants: its vocabulary, and every probability that is a truth.
//!
//! Nothing here is drawn. What a figure means for a customer stands in `simulate`; what a reader
//! is told about it stands in `truths`.

use super::rng::{Purpose, Rng};

/// Microseconds of a second.
pub(super) const SECOND_US: i64 = 1_000_000;
/// Microseconds of a UTC day.
pub const DAY_US: i64 = 86_400 * SECOND_US;
/// The first instant of every generated window: 2026-04-01T00:00:00Z, in µs since the epoch.
pub const START_US: i64 = 1_775_001_600 * SECOND_US;

/// What happened at a touchpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Event {
    /// A marketing contact was seen.
    Impression,
    /// A marketing contact was followed.
    Click,
    /// A product page was viewed.
    ProductView,
    /// The shop was searched.
    Search,
    /// Something was put into the cart.
    AddToCart,
    /// The checkout was entered.
    Checkout,
    /// An order was placed.
    Purchase,
    /// The order arrived.
    Delivery,
    /// The product's app was opened.
    AppOpen,
    /// Support was asked for help.
    SupportContact,
    /// A return was asked for.
    ReturnRequest,
    /// Somebody else was referred.
    Referral,
    /// A review was written.
    Review,
}

impl Event {
    /// All events, in the order of their codes.
    pub const ALL: [Self; 13] = [
        Self::Impression,
        Self::Click,
        Self::ProductView,
        Self::Search,
        Self::AddToCart,
        Self::Checkout,
        Self::Purchase,
        Self::Delivery,
        Self::AppOpen,
        Self::SupportContact,
        Self::ReturnRequest,
        Self::Referral,
        Self::Review,
    ];

    /// The name in column `event`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Impression => "impression",
            Self::Click => "click",
            Self::ProductView => "product_view",
            Self::Search => "search",
            Self::AddToCart => "add_to_cart",
            Self::Checkout => "checkout",
            Self::Purchase => "purchase",
            Self::Delivery => "delivery",
            Self::AppOpen => "app_open",
            Self::SupportContact => "support_contact",
            Self::ReturnRequest => "return_request",
            Self::Referral => "referral",
            Self::Review => "review",
        }
    }
}

/// The stages of preset `lifecycle`, in order, each with its events.
pub const STAGES: [(&str, &[Event]); 6] = [
    ("brand_awareness", &[Event::Impression, Event::Click]),
    ("product_understanding", &[Event::ProductView, Event::Search]),
    ("purchase_decision", &[Event::AddToCart, Event::Checkout, Event::Purchase]),
    ("product_experience", &[Event::Delivery, Event::AppOpen]),
    ("after_sales_service", &[Event::SupportContact, Event::ReturnRequest]),
    ("loyalty", &[Event::Referral, Event::Review]),
];

/// What is planted about one channel.
#[derive(Debug)]
pub struct ChannelSpec {
    /// The name in column `channel`.
    pub name: &'static str,
    /// The probability that an awareness touch by it moves the customer on to the product.
    pub strength: f64,
    /// What one touch costs, in minor units; 0 for channels without spend.
    pub cost_per_touch_minor: u32,
    /// The names in column `campaign`; empty where the channel runs none.
    pub campaigns: &'static [&'static str],
}

/// The channels that touch customers, strongest first. Each awareness touch draws one of them with
/// equal probability, so that the order of credit is the order of strength.
pub const CHANNELS: [ChannelSpec; 12] = [
    ChannelSpec {
        name: "Email",
        strength: 0.80,
        cost_per_touch_minor: 10,
        campaigns: &["welcome", "newsletter", "win_back"],
    },
    ChannelSpec { name: "Referral", strength: 0.50, cost_per_touch_minor: 0, campaigns: &[] },
    ChannelSpec {
        name: "Paid Search",
        strength: 0.31,
        cost_per_touch_minor: 80,
        campaigns: &["search_brand", "search_generic", "search_shopping", "search_competitor"],
    },
    ChannelSpec {
        name: "Affiliates",
        strength: 0.20,
        cost_per_touch_minor: 70,
        campaigns: &["affiliates_coupons", "affiliates_reviews"],
    },
    ChannelSpec {
        name: "Push",
        strength: 0.13,
        cost_per_touch_minor: 2,
        campaigns: &["push_price_drop", "push_new_in"],
    },
    ChannelSpec { name: "Organic Search", strength: 0.09, cost_per_touch_minor: 0, campaigns: &[] },
    ChannelSpec {
        name: "Paid Social",
        strength: 0.07,
        cost_per_touch_minor: 90,
        campaigns: &["social_prospecting", "social_retargeting", "social_video"],
    },
    ChannelSpec {
        name: "SMS",
        strength: 0.055,
        cost_per_touch_minor: 8,
        campaigns: &["sms_flash_sale", "sms_vip"],
    },
    ChannelSpec {
        name: "Store",
        strength: 0.04,
        cost_per_touch_minor: 150,
        campaigns: &["store_window", "store_event"],
    },
    ChannelSpec { name: "Organic Social", strength: 0.03, cost_per_touch_minor: 0, campaigns: &[] },
    ChannelSpec { name: "Direct", strength: 0.02, cost_per_touch_minor: 0, campaigns: &[] },
    ChannelSpec {
        name: "Display",
        strength: 0.01,
        cost_per_touch_minor: 120,
        campaigns: &["display_reach", "display_retargeting", "display_takeover"],
    },
];

/// The channel that is paid for and never touches anybody.
pub const UNTOUCHED_CHANNEL: &str = "TV";
/// Its only campaign.
pub const UNTOUCHED_CAMPAIGN: &str = "tv_spring";

/// How many campaigns there are over all channels.
pub const CAMPAIGN_COUNT: usize = {
    let mut count = 0;
    let mut channel = 0;
    while channel < CHANNELS.len() {
        count += CHANNELS[channel].campaigns.len();
        channel += 1;
    }
    count
};

/// A channel: its place in [`CHANNELS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Channel(pub(super) u8);

impl Channel {
    /// All channels, strongest first.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CHANNELS.len() as u8).map(Self)
    }

    /// The place in [`CHANNELS`].
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// What is planted about it.
    pub fn spec(self) -> &'static ChannelSpec {
        &CHANNELS[self.index()]
    }

    /// The name in column `channel`.
    pub fn name(self) -> &'static str {
        self.spec().name
    }

    /// The campaign at a place in the channel's list; `None` for a channel without campaigns.
    pub(super) fn campaign(self, place: usize) -> Option<Campaign> {
        let before: usize = CHANNELS[..self.index()].iter().map(|spec| spec.campaigns.len()).sum();
        (place < self.spec().campaigns.len()).then(|| Campaign((before + place) as u8))
    }
}

/// A campaign: its place in the lists of all channels, one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Campaign(pub(super) u8);

impl Campaign {
    /// All campaigns with their channels, in the order of their places.
    pub fn all() -> impl Iterator<Item = (Channel, Self, &'static str)> {
        Channel::all()
            .flat_map(|channel| channel.spec().campaigns.iter().map(move |name| (channel, *name)))
            .enumerate()
            .map(|(place, (channel, name))| (channel, Self(place as u8), name))
    }

    /// The place in the lists of all channels.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }
}

/// The countries of customers, with equal probability; none has an effect.
pub const COUNTRIES: [&str; 8] = ["AT", "BG", "DE", "ES", "FR", "IT", "NL", "PL"];
/// The plans that customers begin with, and their probabilities; none has an effect.
pub const PLANS: [(&str, f64); 3] = [("free", 0.6), ("basic", 0.3), ("pro", 0.1)];
/// The devices, with the probabilities of column `device_type`.
pub const DEVICES: [(&str, f64); 3] = [("mobile", 0.45), ("desktop", 0.40), ("tablet", 0.15)];

/// A country: its place in [`COUNTRIES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Country(pub(super) u8);

/// A plan: its place in [`PLANS`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Plan(pub(super) u8);

/// A device: its place in [`DEVICES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Device(pub(super) u8);

impl Country {
    /// The name in column `country`.
    pub fn name(self) -> &'static str {
        COUNTRIES[usize::from(self.0)]
    }
}

impl Plan {
    /// The one that customers move to with their second order.
    pub const PRO: Self = Self(2);

    /// The name in column `plan`.
    pub fn name(self) -> &'static str {
        PLANS[usize::from(self.0)].0
    }
}

impl Device {
    /// The device of the weak stage.
    pub const MOBILE: Self = Self(0);

    /// The name in columns `device` and `device_type`.
    pub fn name(self) -> &'static str {
        DEVICES[usize::from(self.0)].0
    }
}

/// An experiment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Experiment {
    /// A new checkout, met at the first `add_to_cart`; B lifts the purchase.
    CheckoutFlow,
    /// Three subject lines, met at the first touch; without any effect.
    EmailSubject,
    /// A mail after the first order has arrived; B makes more customers order again.
    ReorderMail,
}

impl Experiment {
    /// All experiments, in the order of their codes.
    pub const ALL: [Self; 3] = [Self::CheckoutFlow, Self::EmailSubject, Self::ReorderMail];

    /// The name in column `experiment`.
    pub fn name(self) -> &'static str {
        match self {
            Self::CheckoutFlow => "checkout_flow",
            Self::EmailSubject => "email_subject",
            Self::ReorderMail => "reorder_mail",
        }
    }

    /// How many variants there are; all are equally likely.
    pub fn variants(self) -> u8 {
        match self {
            Self::CheckoutFlow | Self::ReorderMail => 2,
            Self::EmailSubject => 3,
        }
    }
}

/// A variant of an experiment: 0 is A, the control.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Variant(pub(super) u8);

impl Variant {
    /// The names in column `variant`.
    pub const NAMES: [&'static str; 3] = ["A", "B", "C"];
    /// The control of all experiments.
    pub const CONTROL: Self = Self(0);

    /// The name in column `variant`.
    pub fn name(self) -> &'static str {
        Self::NAMES[usize::from(self.0)]
    }
}

/// The planted probabilities and lengths that stand beside the channels' strengths.
pub mod planted {
    use super::{DEVICES, Device};

    /// P(another awareness touch | the last one did not move the customer on).
    pub const NEXT_TOUCH: f64 = 0.86;
    /// P(an awareness touch that does not move the customer on is followed by a click all the same).
    pub const IDLE_CLICK: f64 = 0.10;
    /// P(product_understanding → purchase_decision) for every device but mobile.
    pub const DECISION: f64 = 0.80;
    /// The factor on that rate for customers with `device_type` mobile.
    pub const MOBILE_FACTOR: f64 = 0.5;
    /// P(purchase within 14 days of the first cart) under variant A of `checkout_flow`.
    pub const PURCHASE: f64 = 0.60;
    /// The factor on that probability under variant B for customers with `device_type` mobile.
    pub const CHECKOUT_LIFT_MOBILE: f64 = 4.0 / 3.0;
    /// The factor for all others.
    pub const CHECKOUT_LIFT_OTHERS: f64 = 1.075;
    /// The factor over all customers: the two above, by how many of each meet the checkout.
    pub const CHECKOUT_LIFT_FACTOR: f64 =
        MOBILE_OF_CARTS * CHECKOUT_LIFT_MOBILE + (1.0 - MOBILE_OF_CARTS) * CHECKOUT_LIFT_OTHERS;
    /// Share of mobile customers among those who meet the checkout.
    const MOBILE_OF_CARTS: f64 = {
        let mobile = DEVICES[Device::MOBILE.0 as usize].1;
        mobile * MOBILE_FACTOR / (mobile * MOBILE_FACTOR + 1.0 - mobile)
    };
    /// The mean days from the first cart to its purchase, but for the cut below.
    pub const PURCHASE_MEAN_DAYS: f64 = 1.0;
    /// Every first purchase comes earlier than so many days after the first cart, or never.
    pub const PURCHASE_WITHIN_DAYS: f64 = 13.5;
    /// P(purchase_decision → product_experience | purchase): the order arrives.
    pub const DELIVERY: f64 = 0.95;
    /// P(product_experience → after_sales_service).
    pub const AFTER_SALES: f64 = 0.50;
    /// P(after_sales_service → loyalty).
    pub const LOYALTY: f64 = 0.60;
    /// P(one more order | the last one arrived) under variant A of `reorder_mail`.
    pub const NEXT_ORDER: f64 = 0.20;
    /// The factor on that probability under variant B.
    pub const REORDER_LIFT_FACTOR: f64 = 1.6;
    /// The least days from an order's arrival to the next order.
    pub const NEXT_ORDER_AFTER_DAYS: f64 = 2.0;
    /// The mean days from then on.
    pub const NEXT_ORDER_MEAN_DAYS: f64 = 16.0;
    /// One buyer in so many buys for a business: known by nothing but the orders.
    pub const BUSINESS_ONE_IN: u64 = 100;
    /// The factor on the values of a business's orders: the heavy tail of revenue.
    pub const BUSINESS_FACTOR: f64 = 5.0;
    /// P(one more order | the last one arrived) of a business, under either variant.
    pub const BUSINESS_NEXT_ORDER: f64 = 0.80;
    /// P(the first view of a product is followed by a search at once).
    pub const SEARCH: f64 = 0.40;
    /// P(the channel that moved the customer on returns while the product is looked at).
    pub const REMINDER: f64 = 0.50;
    /// P(it returns after the first cart).
    pub const CART_REMINDER: f64 = 0.40;
    /// P(it returns before a further order).
    pub const REORDER_REMINDER: f64 = 0.60;
    /// Mean order value in minor units, businesses apart.
    pub const ORDER_VALUE_MINOR: f64 = 6_000.0;
    /// Standard deviation of the logarithm of an order value.
    pub const ORDER_VALUE_SIGMA: f64 = 0.7;
    /// P(country is null).
    pub const UNKNOWN_COUNTRY: f64 = 0.01;
    /// P(a row's `device` is drawn afresh instead of being the customer's own).
    pub const OTHER_DEVICE: f64 = 0.15;
    /// One customer in so many is in the suppression list.
    pub const SUPPRESSED_ONE_IN: u64 = 1_000;
}

/// One synthetic world: a pure function from a customer's index to that customer's whole story.
///
/// Two worlds with the same seed and length are equal on every machine.
#[derive(Debug, Clone)]
pub struct World {
    pub(super) seed: u64,
    pub(super) days: u32,
    pub(super) businesses: bool,
}

impl World {
    /// Builds the world of a seed whose window has the given number of UTC days from [`START_US`] on.
    pub fn new(seed: u64, days: u32) -> Self {
        Self { seed, days, businesses: true }
    }

    /// The same world without businesses: every order value has one lognormal distribution.
    #[must_use]
    pub fn without_businesses(self) -> Self {
        Self { businesses: false, ..self }
    }

    /// The first instant after the window, in µs since the epoch.
    pub fn end_us(&self) -> i64 {
        START_US + i64::from(self.days) * DAY_US
    }

    /// Whether a customer is in the suppression list: exactly one in each full thousand.
    pub fn is_suppressed(&self, index: u64) -> bool {
        let thousand = index / planted::SUPPRESSED_ONE_IN;
        let place = Rng::new(self.seed, Purpose::Suppression, thousand).below(planted::SUPPRESSED_ONE_IN);
        index % planted::SUPPRESSED_ONE_IN == place
    }
}

/// The text of a customer's id.
pub fn customer_id(index: u64) -> String {
    format!("c{index:08}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_places() {
        assert!(Event::ALL.iter().enumerate().all(|(place, event)| *event as usize == place));
        assert!(Experiment::ALL.iter().enumerate().all(|(place, experiment)| *experiment as usize == place));
        assert_eq!(Device::MOBILE.name(), "mobile");
        let campaigns: Vec<_> = Campaign::all().collect();
        assert_eq!(campaigns.len(), CAMPAIGN_COUNT);
        for (channel, campaign, name) in campaigns {
            let place = channel.spec().campaigns.iter().position(|other| *other == name).expect("a place");
            assert_eq!(channel.campaign(place), Some(campaign));
        }
    }

    #[test]
    fn channels_stand_strongest_first_and_free_ones_have_no_campaigns() {
        assert!(CHANNELS.windows(2).all(|pair| pair[0].strength > pair[1].strength));
        for spec in &CHANNELS {
            assert_eq!(spec.campaigns.is_empty(), spec.cost_per_touch_minor == 0, "{}", spec.name);
        }
    }

    #[test]
    fn one_in_a_thousand_is_suppressed() {
        let world = World::new(3, 1);
        assert_eq!((0..20_000).filter(|index| world.is_suppressed(*index)).count(), 20);
    }
}
