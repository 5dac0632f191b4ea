//! The planted truths, told twice from the same figures: as JSON and as a page.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::spend::{PRICE_NOISE, UNTOUCHED_COST_PER_CUSTOMER_MINOR};
use super::world::{
    CHANNELS, COUNTRIES, DEVICES, Device, PLANS, Plan, STAGES, UNTOUCHED_CAMPAIGN, UNTOUCHED_CHANNEL, planted,
};
use super::{Options, Summary, config_text, layout};

/// What marks a `truths.json` as ours.
const GENERATOR: &str = "touchline generate";
/// Rises when what is planted changes: a warehouse of another format isn't what would be written today.
pub const FORMAT: u32 = 3;

/// An earlier generation, as its `truths.json` tells of it.
pub(super) struct Earlier {
    pub days: u32,
    pub config_blake3: String,
}

impl Earlier {
    /// Reads the mark; `None` if this is no `truths.json` of ours.
    pub(super) fn parse(text: &[u8]) -> Option<Self> {
        let json: Value = serde_json::from_slice(text).ok()?;
        if json["generator"].as_str() != Some(GENERATOR) {
            return None;
        }
        let days = json["options"]["days"].as_u64().and_then(|days| u32::try_from(days).ok())?;
        let config_blake3 = json["config_blake3"].as_str()?.to_owned();
        (days <= super::MAX_DAYS).then_some(Self { days, config_blake3 })
    }
}

/// The fingerprint by which an edited config is known.
pub(super) fn fingerprint(bytes: &[u8]) -> String {
    blake3::hash(bytes).to_hex().to_string()
}

/// P(an awareness touch moves the customer on): the mean strength, as channels are equally likely.
fn mean_strength() -> f64 {
    CHANNELS.iter().map(|spec| spec.strength).sum::<f64>() / CHANNELS.len() as f64
}

/// P(brand_awareness → product_understanding): one of a geometric number of touches succeeds.
fn understanding_rate() -> f64 {
    mean_strength() / (1.0 - (1.0 - mean_strength()) * planted::NEXT_TOUCH)
}

/// P(the next order comes within so many days | an order arrived, and another one follows).
///
/// In half of the cases the app is opened before, after a mean of a day: then it is the sum of two exponential
/// times.
fn reorder_within(days: f64) -> f64 {
    let mean = planted::NEXT_ORDER_MEAN_DAYS;
    let left = days - planted::NEXT_ORDER_AFTER_DAYS;
    let at_once = libm::exp(-left / mean);
    let after_app = (mean * at_once - libm::exp(-left)) / (mean - 1.0);
    1.0 - f64::midpoint(at_once, after_app)
}

/// P(a first cart is bought, over both variants).
fn cart_rate() -> f64 {
    planted::PURCHASE * f64::midpoint(1.0, planted::CHECKOUT_LIFT_FACTOR)
}

/// P(bought after more than a day | a first cart is bought); the minutes of the checkout are left out.
fn after_a_day() -> f64 {
    let limit = planted::PURCHASE_WITHIN_DAYS - 0.5;
    let mean = planted::PURCHASE_MEAN_DAYS;
    let (day, most) = (libm::exp(-1.0 / mean), libm::exp(-limit / mean));
    (day - most) / (1.0 - most)
}

/// P(no purchase within a day | a first cart).
fn abandon_rate() -> f64 {
    1.0 - cart_rate() * (1.0 - after_a_day())
}

/// P(bought all the same | no purchase within a day of a first cart).
fn late_rate() -> f64 {
    cart_rate() * after_a_day() / abandon_rate()
}

/// P(a customer whose order arrived orders again), businesses among them, given that of the others.
fn next_order(others: f64) -> f64 {
    let business = 1.0 / planted::BUSINESS_ONE_IN as f64;
    business * planted::BUSINESS_NEXT_ORDER + (1.0 - business) * others
}

/// P(product_understanding → purchase_decision) over all devices.
fn decision_rate() -> f64 {
    let mobile = DEVICES[usize::from(Device::MOBILE.0)].1;
    planted::DECISION * (1.0 - mobile * (1.0 - planted::MOBILE_FACTOR))
}

/// A figure without the noise of binary fractions in its last places.
fn rounded(figure: f64) -> f64 {
    libm::rint(figure * 1e6) / 1e6
}

fn money(minor: u64) -> f64 {
    minor as f64 / 100.0
}

/// The truths as JSON; `written` is null until everything lies there.
pub(super) fn json(options: &Options, written: Option<&Summary>) -> String {
    let mobile_rate = planted::DECISION * planted::MOBILE_FACTOR;
    let treated = planted::PURCHASE * planted::CHECKOUT_LIFT_FACTOR;
    let treated_of = |factor: f64| rounded(planted::PURCHASE * factor);
    let again = next_order(planted::NEXT_ORDER);
    let mailed = next_order(planted::NEXT_ORDER * planted::REORDER_LIFT_FACTOR);
    let within = reorder_within(30.0);
    let channels: Vec<Value> = CHANNELS
        .iter()
        .enumerate()
        .map(|(place, spec)| {
            json!({
                "rank": place + 1,
                "channel": spec.name,
                "strength": spec.strength,
                "touch_share": rounded(1.0 / CHANNELS.len() as f64),
                "cost_per_touch": money(u64::from(spec.cost_per_touch_minor)),
                "campaigns": spec.campaigns,
            })
        })
        .collect();
    let shares = |choices: &[(&str, f64)]| -> Value {
        choices
            .iter()
            .map(|(name, share)| ((*name).to_owned(), json!(share)))
            .collect::<serde_json::Map<_, _>>()
            .into()
    };
    let json = json!({
        "generator": GENERATOR,
        "format": FORMAT,
        "config_blake3": fingerprint(config_text(options.days).as_bytes()),
        "options": { "customers": options.customers, "days": options.days, "seed": options.seed },
        "window": { "from": layout::day_name(0), "to": layout::day_name(options.days) },
        "channels": channels,
        "channel_without_touches": {
            "channel": UNTOUCHED_CHANNEL,
            "campaign": UNTOUCHED_CAMPAIGN,
            "cost_per_customer": money(UNTOUCHED_COST_PER_CUSTOMER_MINOR),
        },
        "price_noise": PRICE_NOISE,
        "awareness": {
            "next_touch": planted::NEXT_TOUCH,
            "click_without_moving_on": planted::IDLE_CLICK,
        },
        "reminders": {
            "product_understanding": planted::REMINDER,
            "after_first_cart": planted::CART_REMINDER,
            "before_further_order": planted::REORDER_REMINDER,
        },
        "stage_rates": {
            "brand_awareness": rounded(understanding_rate()),
            "product_understanding": { "mobile": rounded(mobile_rate), "others": planted::DECISION },
            "purchase_decision": {
                "A": rounded(planted::PURCHASE * planted::DELIVERY),
                "B": rounded(treated * planted::DELIVERY),
            },
            "product_experience": planted::AFTER_SALES,
            "after_sales_service": planted::LOYALTY,
        },
        "weak_stage": {
            "from": STAGES[1].0,
            "to": STAGES[2].0,
            "dimension": "device_type",
            "segment": DEVICES[0].0,
            "rate": rounded(mobile_rate),
            "rest_rate": planted::DECISION,
            "factor": planted::MOBILE_FACTOR,
        },
        "experiments": {
            "checkout_flow": {
                "metric": "conversion_rate",
                "window_days": 14,
                "weights": { "A": 0.5, "B": 0.5 },
                "rates": { "A": planted::PURCHASE, "B": rounded(treated) },
                "difference": { "B": rounded(treated - planted::PURCHASE) },
                "relative_lift": { "B": rounded(planted::CHECKOUT_LIFT_FACTOR - 1.0) },
                "revenue_relative_lift": { "B": rounded(planted::CHECKOUT_LIFT_FACTOR - 1.0) },
                "order_value_relative_lift": { "B": 0.0 },
                "by_device_type": {
                    "mobile": {
                        "rates": { "A": planted::PURCHASE, "B": treated_of(planted::CHECKOUT_LIFT_MOBILE) },
                        "relative_lift": { "B": rounded(planted::CHECKOUT_LIFT_MOBILE - 1.0) },
                    },
                    "others": {
                        "rates": { "A": planted::PURCHASE, "B": treated_of(planted::CHECKOUT_LIFT_OTHERS) },
                        "relative_lift": { "B": rounded(planted::CHECKOUT_LIFT_OTHERS - 1.0) },
                    },
                },
            },
            "email_subject": {
                "metric": "conversion_rate",
                "window_days": 14,
                "weights": { "A": 1.0, "B": 1.0, "C": 1.0 },
                "relative_lift": { "B": 0.0, "C": 0.0 },
            },
            "reorder_mail": {
                "metric": "repeat_rate",
                "window_days": 30,
                "weights": { "A": 0.5, "B": 0.5 },
                "rates": { "A": rounded(again * within), "B": rounded(mailed * within) },
                "difference": { "B": rounded((mailed - again) * within) },
                "relative_lift": { "B": rounded(mailed / again - 1.0) },
            },
        },
        "orders": {
            "mean_value": planted::ORDER_VALUE_MINOR / 100.0,
            "sigma": planted::ORDER_VALUE_SIGMA,
            "delivered": planted::DELIVERY,
            "next_order": {
                "A": planted::NEXT_ORDER,
                "B": rounded(planted::NEXT_ORDER * planted::REORDER_LIFT_FACTOR),
                "business": planted::BUSINESS_NEXT_ORDER,
            },
            "business_one_in": planted::BUSINESS_ONE_IN,
            "business_value_factor": planted::BUSINESS_FACTOR,
        },
        "customers": {
            "countries": COUNTRIES,
            "country_null": planted::UNKNOWN_COUNTRY,
            "plans": shares(&PLANS),
            "plan_from_second_order_on": Plan::PRO.name(),
            "device_types": shares(&DEVICES),
            "other_device": planted::OTHER_DEVICE,
            "suppressed_one_in": planted::SUPPRESSED_ONE_IN,
        },
        "behaviours": {
            "cart_abandoner": {
                "share_of_carts": rounded(abandon_rate()),
                "purchase_rate": rounded(late_rate()),
            },
            "high_intent": {
                "share_of_views": planted::SEARCH,
                "purchase_decision_rate": rounded(decision_rate()),
            },
        },
        "written": written.map(|summary| json!({
            "customers": summary.customers,
            "plan_changes": summary.plan_changes,
            "touchpoints": summary.touchpoints,
            "touchpoint_files": summary.touchpoint_files,
            "assignments": summary.assignments,
            "suppressed": summary.suppressed,
            "spend_rows": summary.spend_rows,
            "spend": summary.spend_minor.iter()
                .map(|(channel, cost)| ((*channel).to_owned(), json!(money(*cost))))
                .collect::<serde_json::Map<_, _>>(),
        })),
    });
    format!("{json:#}\n")
}

/// The truths as a page for people.
pub(super) fn page(options: &Options, written: &Summary) -> String {
    let mut page = String::new();
    // Writing into memory cannot fail.
    let _ = write_page(&mut page, options, written);
    page
}

fn percent(share: f64) -> String {
    format!("{} %", rounded(share * 100.0))
}

fn write_page(page: &mut String, options: &Options, written: &Summary) -> std::fmt::Result {
    let Options { customers, days, seed, .. } = options;
    let mobile_rate = planted::DECISION * planted::MOBILE_FACTOR;
    let treated = planted::PURCHASE * planted::CHECKOUT_LIFT_FACTOR;
    let again = next_order(planted::NEXT_ORDER);
    let mailed = next_order(planted::NEXT_ORDER * planted::REORDER_LIFT_FACTOR);
    write!(
        page,
        "# What is planted in this warehouse

`touchline generate --customers {customers} --days {days} --seed {seed}` wrote it: {touchpoints} touchpoints of
{customers} customers, from {from} up to, not including, {to} (UTC). Each figure below is a probability in
the simulation, not a count of the rows: a run estimates it. `truths.json` holds the same for programs.

Stories start at a random instant of the window and are cut at its end. An experiment leaves out customers
whose metric window isn't over, so its figures estimate those below. The config sets no stage window: whoever
has not gone on when the data ends counts as dropped, so the steps of the funnel come out lower than planted,
by more the longer the step takes.

## 1. Channels: how often a touch moves a customer on

In `brand_awareness` every touch draws one of {channels} channels with equal probability. A touch moves the
customer on to `product_understanding` with the strength of its channel; otherwise another touch follows
in {next} of cases, and else the customer is lost. The channel that moved a customer on is also the one
that comes back later as a reminder. Nothing else depends on the channel, so credit for purchases should
come in this order: clearly so for the first four from a few thousand customers on, for all with more.

| rank | channel | strength | cost per touch (EUR) | campaigns |
| ---: | --- | ---: | ---: | --- |
",
        touchpoints = written.touchpoints,
        from = layout::day_name(0),
        to = layout::day_name(*days),
        channels = CHANNELS.len(),
        next = percent(planted::NEXT_TOUCH),
    )?;
    for (place, spec) in CHANNELS.iter().enumerate() {
        let cost = match spec.cost_per_touch_minor {
            0 => "none".to_owned(),
            minor => format!("{:.2}", money(u64::from(minor))),
        };
        let campaigns = if spec.campaigns.is_empty() { "none".to_owned() } else { spec.campaigns.join(", ") };
        writeln!(page, "| {} | {} | {} | {cost} | {campaigns} |", place + 1, spec.name, spec.strength)?;
    }
    write!(
        page,
        "
`{UNTOUCHED_CHANNEL}` costs {tv:.2} EUR per customer over the window and never touches anybody: spend without credit.
Daily prices vary by up to {noise}. Spend counts the impressions and clicks that stand in the touchpoints.

| channel | spend (EUR) |
| --- | ---: |
",
        tv = money(UNTOUCHED_COST_PER_CUSTOMER_MINOR),
        noise = percent(PRICE_NOISE),
    )?;
    for (channel, cost) in &written.spend_minor {
        writeln!(page, "| {channel} | {:.2} |", money(*cost))?;
    }
    write!(
        page,
        "
## 2. Experiments: two work, one does nothing

| experiment | met at | variants | what | A | B | relative lift |
| --- | --- | --- | --- | ---: | ---: | --- |
| `checkout_flow` | first `add_to_cart` | A, B: half each | `conversion_rate`: bought within 14 days | {a} | {b} | B +{lift} |
| | | | of mobile customers | {a} | {mobile_b} | B +{mobile_lift} |
| | | | of all others | {a} | {others_b} | B +{others_lift} |
| `email_subject` | first touch | A, B, C: a third each | `conversion_rate` | | | none |
| `reorder_mail` | first delivery | A, B: half each | `repeat_rate`: ordered again within 30 days | {again:.2} % | {mailed:.2} % | B +{mail_lift} |

First purchases come within {within} days of the first cart or never, so later orders don't change the
lift of `checkout_flow`. Order values don't depend on any variant: revenue has the same relative lift, capped or not,
and `order_value` has none.

One buyer in {one_in} is a business: its orders are worth {business_factor} times as much, and it orders again in {business_next} of cases. So revenue has
a heavy tail, which a cap takes off; and what a customer paid before `reorder_mail` tells something of
what they pay after it, so that the adjusted row (`cuped`) of `repeat_revenue` has the narrower interval.

## 3. The weak stage

| device_type | `product_understanding` to `purchase_decision` |
| --- | ---: |
| mobile | {mobile} |
| desktop, tablet | {others} |

Mobile customers go on at {factor} times the rate of the others. Country has no effect on anything.

## 4. Segments that are not what they seem

- **Plan** has no effect either: but whoever orders a second time moves to `{pro}` with that order, so that today's plan looks like a
  cause of buying. The customers table says since when (`valid_from`, {changes} moves), so that segments are those of the
  customer's first row, and differ by chance alone.
- **Cart abandoners** (`cart_abandoner`: no purchase within a day of a cart) are {abandon} of those who have a first cart, and {late}
  of them buy all the same, later: fewer where the window ends before they do.
- **High intent** (`high_intent`: a view and a search within a day) follows {searches} of first views, and has no effect on the cart.

## The other rates

| step | probability |
| --- | ---: |
| `brand_awareness` to `product_understanding` | {understanding:.4} % |
| an order arrives (`product_experience`) | {delivery} |
| `product_experience` to `after_sales_service` | {after_sales} |
| `after_sales_service` to `loyalty` | {loyalty} |
| a customer whose order arrived orders again, under A of `reorder_mail` and under B | {next_order}, {next_order_b} |
| a reminder: while the product is looked at, after the first cart, before a further order | {r1}, {r2}, {r3} |

Order values but those of businesses are lognormal with mean {value} EUR and σ = {sigma}. {suppressed} customers are in the suppression list: their
rows are in the touchpoints, and a run must drop them.
",
        a = percent(planted::PURCHASE),
        b = percent(treated),
        lift = percent(planted::CHECKOUT_LIFT_FACTOR - 1.0),
        pro = Plan::PRO.name(),
        changes = written.plan_changes,
        abandon = percent(libm::rint(abandon_rate() * 1e3) / 1e3),
        late = percent(libm::rint(late_rate() * 1e3) / 1e3),
        searches = percent(planted::SEARCH),
        mobile_b = percent(planted::PURCHASE * planted::CHECKOUT_LIFT_MOBILE),
        mobile_lift = percent(libm::rint((planted::CHECKOUT_LIFT_MOBILE - 1.0) * 1e3) / 1e3),
        others_b = percent(planted::PURCHASE * planted::CHECKOUT_LIFT_OTHERS),
        others_lift = percent(planted::CHECKOUT_LIFT_OTHERS - 1.0),
        again = again * reorder_within(30.0) * 100.0,
        mailed = mailed * reorder_within(30.0) * 100.0,
        mail_lift = percent(libm::rint((mailed / again - 1.0) * 1e3) / 1e3),
        one_in = planted::BUSINESS_ONE_IN,
        business_factor = planted::BUSINESS_FACTOR,
        business_next = percent(planted::BUSINESS_NEXT_ORDER),
        within = planted::PURCHASE_WITHIN_DAYS,
        mobile = percent(mobile_rate),
        others = percent(planted::DECISION),
        factor = planted::MOBILE_FACTOR,
        understanding = understanding_rate() * 100.0,
        delivery = percent(planted::DELIVERY),
        after_sales = percent(planted::AFTER_SALES),
        loyalty = percent(planted::LOYALTY),
        next_order = percent(planted::NEXT_ORDER),
        next_order_b = percent(planted::NEXT_ORDER * planted::REORDER_LIFT_FACTOR),
        r1 = percent(planted::REMINDER),
        r2 = percent(planted::CART_REMINDER),
        r3 = percent(planted::REORDER_REMINDER),
        value = planted::ORDER_VALUE_MINOR / 100.0,
        sigma = planted::ORDER_VALUE_SIGMA,
        suppressed = written.suppressed,
    )
}
