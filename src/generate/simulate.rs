//! One customer's story, step by step: the only place where the planted probabilities are drawn.

use super::rng::{Purpose, Rng};
use super::world::{
    CHANNELS, COUNTRIES, Campaign, Channel, Country, DAY_US, DEVICES, Device, Event, Experiment, PLANS, Plan,
    SECOND_US, START_US, Variant, World, customer_id, planted,
};

const MINUTE_S: f64 = 60.0;
const HOUR_S: f64 = 3_600.0;
const DAY_S: f64 = 86_400.0;

/// Guards against an endless story; P(reached) is below 1e-9, so no planted figure feels it.
const MAX_AWARENESS_TOUCHES: usize = 64;
/// The most orders of one customer: one in some thousands reaches it, and one business in five.
const MAX_ORDERS: u8 = 7;

/// One customer of a [`World`], with everything that happens to them inside the window.
#[derive(Debug, Clone, PartialEq)]
pub struct SimulatedCustomer {
    /// The customer's id, as in every table.
    pub id: String,
    /// Attribute `country`; `None` for about 1 %.
    pub country: Option<Country>,
    /// Attribute `plan`, as the customer begins.
    pub plan: Plan,
    /// When they moved to [`Plan::PRO`], in µs since the epoch: with their second order; `None` if never.
    pub upgraded_us: Option<i64>,
    /// Attribute `device_type`.
    pub device: Device,
    /// The touchpoints, in order of time.
    pub rows: Vec<SimulatedRow>,
    /// The exposures to experiments: at most one per experiment.
    pub assignments: Vec<SimulatedAssignment>,
}

/// One touchpoint.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedRow {
    /// When, in µs since the epoch; whole milliseconds.
    pub time_us: i64,
    /// What happened.
    pub event: Event,
    /// The device it happened on.
    pub device: Device,
    /// The channel; only marketing events have one.
    pub channel: Option<Channel>,
    /// The campaign; `None` also for channels without campaigns.
    pub campaign: Option<Campaign>,
    /// The order value in minor units of EUR, above 0; only purchases have one.
    pub value_minor: Option<i64>,
    /// The customer's how-manieth order this is, from 1; only purchases have one.
    pub order_number: Option<u8>,
}

/// One exposure to an experiment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulatedAssignment {
    /// The experiment.
    pub experiment: Experiment,
    /// The variant met.
    pub variant: Variant,
    /// When, in µs since the epoch.
    pub time_us: i64,
}

impl World {
    /// Simulates the customer with the given index, which depends on seed, days and index alone.
    pub fn customer(&self, index: u64) -> SimulatedCustomer {
        let mut customer = SimulatedCustomer::blank();
        self.simulate(index, &mut customer);
        customer.id = customer_id(index);
        customer
    }

    /// As [`World::customer`], into a buffer that is used again and whose `id` stays as it is.
    pub(super) fn simulate(&self, index: u64, customer: &mut SimulatedCustomer) {
        let mut rng = Rng::new(self.seed, Purpose::Customer, index);
        customer.rows.clear();
        customer.assignments.clear();
        customer.country =
            (!rng.chance(planted::UNKNOWN_COUNTRY)).then(|| Country(rng.below(COUNTRIES.len() as u64) as u8));
        customer.plan = Plan(pick(&mut rng, &PLANS));
        customer.upgraded_us = None;
        customer.device = Device(pick(&mut rng, &DEVICES));
        let window_ms = i64::from(self.days) * (DAY_US / 1_000);
        let start_us = START_US + (rng.unit() * window_ms as f64) as i64 * 1_000;
        let orders = Rng::new(self.seed, Purpose::Orders, index);
        Story { rng, orders, businesses: self.businesses, customer, now_us: start_us }.tell();

        let end_us = self.end_us();
        customer.rows.retain(|row| row.time_us < end_us);
        customer.assignments.retain(|assignment| assignment.time_us < end_us);
        customer.upgraded_us = customer.upgraded_us.filter(|time_us| *time_us < end_us);
        // Further orders run beside the service for the first one, so the rows arrive nearly sorted.
        customer.rows.sort_by_key(|row| row.time_us);
    }
}

impl SimulatedCustomer {
    /// A buffer for [`World::simulate`].
    pub(super) fn blank() -> Self {
        Self {
            id: String::new(),
            country: None,
            plan: Plan(0),
            upgraded_us: None,
            device: Device::MOBILE,
            rows: Vec::new(),
            assignments: Vec::new(),
        }
    }
}

/// A marketing contact: the channel and campaign that its rows carry.
type Contact = (Channel, Option<Campaign>);

/// A story while it is told: the clock, and the customer to whom it happens.
struct Story<'a> {
    rng: Rng,
    /// What is drawn once about a buyer. A stream of its own, so that it shifts nothing else.
    orders: Rng,
    /// Whether some buyers are businesses.
    businesses: bool,
    customer: &'a mut SimulatedCustomer,
    now_us: i64,
}

impl Story<'_> {
    fn tell(mut self) {
        let variant = self.draw_variant(Experiment::EmailSubject);
        self.assign(Experiment::EmailSubject, variant);
        let Some(contact) = self.awareness() else { return };
        if !self.understanding(contact) {
            return;
        }
        if !self.decision(contact) {
            return;
        }
        let business = self.orders.below(planted::BUSINESS_ONE_IN) == 0 && self.businesses;
        self.purchase(1, business);
        let Some(delivered_us) = self.delivery() else { return };
        let variant = Variant(self.orders.below(u64::from(Experiment::ReorderMail.variants())) as u8);
        let after_us = self.now_us;
        self.now_us = delivered_us;
        self.assign(Experiment::ReorderMail, variant);
        self.now_us = after_us;
        self.service();
        self.now_us = after_us;
        self.further_orders(contact, variant, business);
    }

    /// Touches until one moves the customer on, which is returned, or the customer is lost.
    fn awareness(&mut self) -> Option<Contact> {
        for _ in 0..MAX_AWARENESS_TOUCHES {
            let channel = Channel(self.rng.below(CHANNELS.len() as u64) as u8);
            let place = self.rng.below(channel.spec().campaigns.len().max(1) as u64) as usize;
            let contact = (channel, channel.campaign(place));
            self.touch(Event::Impression, contact);
            if self.rng.chance(channel.spec().strength) {
                self.wait_briefly();
                self.touch(Event::Click, contact);
                return Some(contact);
            }
            if self.rng.chance(planted::IDLE_CLICK) {
                self.wait_briefly();
                self.touch(Event::Click, contact);
            }
            if !self.rng.chance(planted::NEXT_TOUCH) {
                return None;
            }
            let mean_s = if self.rng.chance(0.5) { HOUR_S } else { 2.5 * DAY_S };
            let gap_s = self.rng.exponential(mean_s);
            self.wait(gap_s);
        }
        None
    }

    /// The product is looked at; true if the customer goes on to the cart.
    fn understanding(&mut self, contact: Contact) -> bool {
        self.wait_briefly();
        self.act(Event::ProductView);
        if self.rng.chance(planted::SEARCH) {
            self.wait_briefly();
            self.act(Event::Search);
        }
        if self.rng.chance(planted::REMINDER) {
            let gap_s = self.rng.exponential(DAY_S);
            self.remind(gap_s, contact);
        }
        let mobile = self.customer.device == Device::MOBILE;
        let factor = if mobile { planted::MOBILE_FACTOR } else { 1.0 };
        self.rng.chance(planted::DECISION * factor)
    }

    /// The first cart, with the checkout experiment; true if it is bought, and the clock stands there.
    fn decision(&mut self, contact: Contact) -> bool {
        let gap_s = self.rng.exponential(8.0 * HOUR_S);
        self.wait(gap_s);
        self.act(Event::AddToCart);
        let variant = self.draw_variant(Experiment::CheckoutFlow);
        self.assign(Experiment::CheckoutFlow, variant);
        let factor = match (variant, self.customer.device) {
            (Variant::CONTROL, _) => 1.0,
            (_, Device::MOBILE) => planted::CHECKOUT_LIFT_MOBILE,
            _ => planted::CHECKOUT_LIFT_OTHERS,
        };
        let buys = self.rng.chance(planted::PURCHASE * factor);
        let reminded = self.rng.chance(planted::CART_REMINDER);
        if !buys {
            if self.rng.chance(0.5) {
                self.wait_briefly();
                self.act(Event::Checkout);
            }
            if reminded {
                let gap_s = self.rng.exponential(DAY_S);
                self.remind(gap_s, contact);
            }
            return false;
        }
        // All steps share one delay, so that none can push the purchase out of its 14 days.
        let limit_s = (planted::PURCHASE_WITHIN_DAYS - 0.5) * DAY_S;
        let delay_s = self.rng.exponential_below(planted::PURCHASE_MEAN_DAYS * DAY_S, limit_s);
        if reminded {
            self.remind(delay_s * 0.5, contact);
            self.wait(delay_s * 0.5);
        } else {
            self.wait(delay_s);
        }
        self.wait_briefly();
        self.act(Event::Checkout);
        self.wait_briefly();
        true
    }

    fn purchase(&mut self, order_number: u8, business: bool) {
        let sigma = planted::ORDER_VALUE_SIGMA;
        let factor = if business { planted::BUSINESS_FACTOR } else { 1.0 };
        let scale = factor * libm::exp(sigma * self.rng.normal() - sigma * sigma / 2.0);
        let value_minor = libm::rint(planted::ORDER_VALUE_MINOR * scale).max(1.0) as i64;
        self.push(Event::Purchase, None, Some((value_minor, order_number)));
    }

    /// The order arrives, which is when it says, and is used; `None` if it is lost.
    fn delivery(&mut self) -> Option<i64> {
        if !self.rng.chance(planted::DELIVERY) {
            return None;
        }
        let gap_s = DAY_S + self.rng.exponential(1.5 * DAY_S);
        self.wait(gap_s);
        self.act(Event::Delivery);
        let delivered_us = self.now_us;
        if self.rng.chance(0.5) {
            let gap_s = self.rng.exponential(DAY_S);
            self.wait(gap_s);
            self.act(Event::AppOpen);
        }
        Some(delivered_us)
    }

    /// The service after the first order, and the loyalty that may follow it.
    fn service(&mut self) {
        if !self.rng.chance(planted::AFTER_SALES) {
            return;
        }
        let gap_s = self.rng.exponential(3.0 * DAY_S);
        self.wait(gap_s);
        let event = if self.rng.chance(0.75) { Event::SupportContact } else { Event::ReturnRequest };
        self.act(event);
        if !self.rng.chance(planted::LOYALTY) {
            return;
        }
        let gap_s = self.rng.exponential(4.0 * DAY_S);
        self.wait(gap_s);
        let event = if self.rng.chance(0.5) { Event::Referral } else { Event::Review };
        self.act(event);
    }

    fn further_orders(&mut self, contact: Contact, variant: Variant, business: bool) {
        let next = match variant {
            _ if business => planted::BUSINESS_NEXT_ORDER,
            Variant::CONTROL => planted::NEXT_ORDER,
            _ => planted::NEXT_ORDER * planted::REORDER_LIFT_FACTOR,
        };
        for order_number in 2..=MAX_ORDERS {
            if !self.rng.chance(next) {
                return;
            }
            let gap_s = planted::NEXT_ORDER_AFTER_DAYS * DAY_S
                + self.rng.exponential(planted::NEXT_ORDER_MEAN_DAYS * DAY_S);
            if self.rng.chance(planted::REORDER_REMINDER) {
                self.remind(gap_s, contact);
                self.wait_briefly();
            } else {
                self.wait(gap_s);
            }
            for event in [Event::AddToCart, Event::Checkout] {
                self.act(event);
                self.wait_briefly();
            }
            self.purchase(order_number, business);
            if order_number == 2 && self.customer.plan != Plan::PRO {
                self.customer.upgraded_us = Some(self.now_us);
            }
            if self.delivery().is_none() {
                return;
            }
        }
    }

    /// After a gap, a channel that the customer knows shows itself again and is followed.
    fn remind(&mut self, gap_s: f64, contact: Contact) {
        self.wait(gap_s);
        self.touch(Event::Impression, contact);
        self.wait_briefly();
        self.touch(Event::Click, contact);
        self.wait_briefly();
    }

    /// A wait within one session.
    fn wait_briefly(&mut self) {
        let gap_s = 15.0 + 2.0 * MINUTE_S * self.rng.unit();
        self.wait(gap_s);
    }

    /// Moves the clock by at least a second, so that no two steps of a story share an instant.
    fn wait(&mut self, gap_s: f64) {
        self.now_us += ((gap_s * 1_000.0) as i64 * 1_000).max(SECOND_US);
    }

    fn draw_variant(&mut self, experiment: Experiment) -> Variant {
        Variant(self.rng.below(u64::from(experiment.variants())) as u8)
    }

    fn assign(&mut self, experiment: Experiment, variant: Variant) {
        let time_us = self.now_us;
        self.customer.assignments.push(SimulatedAssignment { experiment, variant, time_us });
    }

    fn touch(&mut self, event: Event, contact: Contact) {
        self.push(event, Some(contact), None);
    }

    fn act(&mut self, event: Event) {
        self.push(event, None, None);
    }

    fn push(&mut self, event: Event, contact: Option<Contact>, order: Option<(i64, u8)>) {
        let own = !self.rng.chance(planted::OTHER_DEVICE);
        let device =
            if own { self.customer.device } else { Device(self.rng.below(DEVICES.len() as u64) as u8) };
        self.customer.rows.push(SimulatedRow {
            time_us: self.now_us,
            event,
            device,
            channel: contact.map(|(channel, _)| channel),
            campaign: contact.and_then(|(_, campaign)| campaign),
            value_minor: order.map(|(value_minor, _)| value_minor),
            order_number: order.map(|(_, order_number)| order_number),
        });
    }
}

/// Draws a place of a list whose second parts are probabilities that sum to 1.
fn pick(rng: &mut Rng, choices: &[(&str, f64)]) -> u8 {
    let mut left = rng.unit();
    for (place, (_, probability)) in choices.iter().enumerate() {
        left -= probability;
        if left < 0.0 {
            return place as u8;
        }
    }
    choices.len() as u8 - 1
}

#[cfg(test)]
mod tests {
    use std::sync::OnceLock;

    use super::*;

    const CUSTOMERS: u64 = 50_000;
    /// Longer than almost any story, so that customers who start before the last part are uncut.
    const TAIL_US: i64 = 120 * DAY_US;

    /// 50,000 customers of one long world, simulated once for all tests.
    fn customers() -> &'static [SimulatedCustomer] {
        static CACHE: OnceLock<Vec<SimulatedCustomer>> = OnceLock::new();
        CACHE.get_or_init(|| {
            let world = World::new(11, 1_320);
            (0..CUSTOMERS).map(|index| world.customer(index)).collect()
        })
    }

    /// Those whose story isn't cut by the end of the window.
    fn uncut() -> impl Iterator<Item = &'static SimulatedCustomer> {
        let end_us = World::new(11, 1_320).end_us();
        customers().iter().filter(move |customer| customer.rows[0].time_us < end_us - TAIL_US)
    }

    /// Fails unless `hits / tries` lies within four standard errors of `truth`.
    #[track_caller]
    fn assert_rate(hits: usize, tries: usize, truth: f64) {
        let standard_error = (truth * (1.0 - truth) / tries as f64).sqrt();
        let rate = hits as f64 / tries as f64;
        assert!(
            (rate - truth).abs() <= 4.0 * standard_error,
            "{rate} of {tries} against {truth} ± {standard_error}"
        );
    }

    fn first(customer: &SimulatedCustomer, event: Event) -> Option<i64> {
        customer.rows.iter().find(|row| row.event == event).map(|row| row.time_us)
    }

    fn assignment(customer: &SimulatedCustomer, experiment: Experiment) -> Option<SimulatedAssignment> {
        customer.assignments.iter().copied().find(|assignment| assignment.experiment == experiment)
    }

    #[test]
    fn a_customer_depends_on_seed_and_index_alone() {
        let world = World::new(5, 90);
        let forward: Vec<_> = (0..50).map(|index| world.customer(index)).collect();
        let backward: Vec<_> = (0..50).rev().map(|index| World::new(5, 90).customer(index)).collect();
        assert!(forward.iter().eq(backward.iter().rev()));
        assert_ne!(World::new(6, 90).customer(0).rows, forward[0].rows);
    }

    #[test]
    fn the_bytes_of_a_known_customer_never_change() {
        // Guards the promise of equal bytes on every machine and in every version.
        let customer = World::new(7, 90).customer(0);
        let told: Vec<_> = customer.rows.iter().map(|row| (row.time_us, row.event.name())).collect();
        assert_eq!(told, KNOWN);
    }

    const KNOWN: [(i64, &str); 11] = [
        (1_781_868_338_456_000, "impression"),
        (1_781_868_471_970_000, "click"),
        (1_781_868_504_463_000, "product_view"),
        (1_781_868_618_085_000, "search"),
        (1_781_891_460_259_000, "add_to_cart"),
        (1_781_919_553_563_000, "checkout"),
        (1_781_919_576_030_000, "purchase"),
        (1_782_099_893_541_000, "delivery"),
        (1_782_170_982_114_000, "app_open"),
        (1_782_245_829_943_000, "return_request"),
        (1_782_719_447_791_000, "referral"),
    ];

    #[test]
    fn channel_strengths_come_back() {
        let mut touches = [0usize; CHANNELS.len()];
        let mut moved = [0usize; CHANNELS.len()];
        for customer in uncut() {
            let view_us = first(customer, Event::ProductView);
            let awareness: Vec<_> = customer
                .rows
                .iter()
                .filter(|row| row.event == Event::Impression && view_us.is_none_or(|view| row.time_us < view))
                .filter_map(|row| row.channel)
                .collect();
            for channel in &awareness {
                touches[channel.index()] += 1;
            }
            if view_us.is_some() {
                moved[awareness.last().expect("a touch comes first").index()] += 1;
            }
        }
        let total: usize = touches.iter().sum();
        for channel in Channel::all() {
            assert_rate(touches[channel.index()], total, 1.0 / CHANNELS.len() as f64);
            assert_rate(moved[channel.index()], touches[channel.index()], channel.spec().strength);
        }
    }

    #[test]
    fn mobile_customers_reach_the_cart_at_half_the_rate_and_others_at_the_same() {
        let rate_of = |keep: &dyn Fn(&SimulatedCustomer) -> bool, truth: f64| {
            let viewers: Vec<_> =
                uncut().filter(|c| keep(c) && first(c, Event::ProductView).is_some()).collect();
            let carts = viewers.iter().filter(|c| first(c, Event::AddToCart).is_some()).count();
            assert_rate(carts, viewers.len(), truth);
        };
        rate_of(&|c| c.device == Device::MOBILE, planted::DECISION * planted::MOBILE_FACTOR);
        rate_of(&|c| c.device == Device(1), planted::DECISION);
        rate_of(&|c| c.device == Device(2), planted::DECISION);
        let mixed = planted::DECISION * (1.0 - 0.45 * (1.0 - planted::MOBILE_FACTOR));
        for country in 0..COUNTRIES.len() as u8 {
            rate_of(&|c| c.country == Some(Country(country)), mixed);
        }
        for plan in 0..PLANS.len() as u8 {
            rate_of(&|c| c.plan == Plan(plan), mixed);
        }
    }

    #[test]
    fn the_checkout_lift_is_exact_within_fourteen_days() {
        let anyone = |_: &SimulatedCustomer| true;
        let mobile = |c: &SimulatedCustomer| c.device == Device::MOBILE;
        let others = |c: &SimulatedCustomer| c.device != Device::MOBILE;
        assert_lift(anyone, planted::CHECKOUT_LIFT_FACTOR);
        assert_lift(mobile, planted::CHECKOUT_LIFT_MOBILE);
        assert_lift(others, planted::CHECKOUT_LIFT_OTHERS);
    }

    #[track_caller]
    fn assert_lift(keep: impl Fn(&SimulatedCustomer) -> bool, lift: f64) {
        for variant in 0..2 {
            let factor = if variant == 0 { 1.0 } else { lift };
            let exposed: Vec<_> = uncut()
                .filter(|c| keep(c))
                .filter_map(|c| assignment(c, Experiment::CheckoutFlow).map(|a| (c, a)))
                .filter(|(_, a)| a.variant == Variant(variant))
                .collect();
            let bought = |within_us: i64| {
                let hit = |(c, a): &&(&SimulatedCustomer, SimulatedAssignment)| {
                    first(c, Event::Purchase).is_some_and(|bought| bought < a.time_us + within_us)
                };
                exposed.iter().filter(hit).count()
            };
            assert_rate(bought(14 * DAY_US), exposed.len(), planted::PURCHASE * factor);
            assert_eq!(bought(14 * DAY_US), bought(TAIL_US), "a first purchase came after day 14");
            for (c, a) in &exposed {
                assert_eq!(first(c, Event::AddToCart), Some(a.time_us));
            }
        }
    }

    #[test]
    fn subject_lines_have_no_effect() {
        let all: usize = customers().len();
        let buys = |c: &SimulatedCustomer| first(c, Event::Purchase).is_some();
        let pooled = uncut().filter(|c| buys(c)).count() as f64 / uncut().count() as f64;
        for variant in 0..3 {
            let of_variant = |c: &&SimulatedCustomer| {
                assignment(c, Experiment::EmailSubject).is_some_and(|a| a.variant == Variant(variant))
            };
            assert_rate(customers().iter().filter(of_variant).count(), all, 1.0 / 3.0);
            let arm: Vec<_> = uncut().filter(of_variant).collect();
            assert_rate(arm.iter().filter(|c| buys(c)).count(), arm.len(), pooled);
        }
    }

    #[test]
    fn later_stages_and_further_orders_have_their_rates() {
        let count = |event: Event| uncut().filter(|c| first(c, event).is_some()).count();
        let either =
            |a: Event, b: Event| uncut().filter(|c| first(c, a).is_some() || first(c, b).is_some()).count();
        let served = either(Event::SupportContact, Event::ReturnRequest);
        assert_rate(served, count(Event::Delivery), planted::AFTER_SALES);
        assert_rate(either(Event::Referral, Event::Review), served, planted::LOYALTY);
    }

    #[test]
    fn the_mail_makes_more_customers_order_again_and_businesses_do_anyway() {
        let business = 1.0 / planted::BUSINESS_ONE_IN as f64;
        let orders = |c: &SimulatedCustomer| c.rows.iter().filter(|row| row.event == Event::Purchase).count();
        for (variant, others) in
            [(0, planted::NEXT_ORDER), (1, planted::NEXT_ORDER * planted::REORDER_LIFT_FACTOR)]
        {
            let mailed: Vec<_> = uncut()
                .filter_map(|c| assignment(c, Experiment::ReorderMail).map(|a| (c, a)))
                .filter(|(_, a)| a.variant == Variant(variant))
                .collect();
            for (c, a) in &mailed {
                assert_eq!(first(c, Event::Delivery), Some(a.time_us), "met at the first delivery");
            }
            let again = mailed.iter().filter(|(c, _)| orders(c) > 1).count();
            assert_rate(
                again,
                mailed.len(),
                business * planted::BUSINESS_NEXT_ORDER + (1.0 - business) * others,
            );
        }
    }

    #[test]
    fn abandoned_carts_and_searches_have_their_rates() {
        let carts: Vec<_> = uncut().filter_map(|c| Some((c, first(c, Event::AddToCart)?))).collect();
        let abandoned: Vec<_> = carts
            .iter()
            .filter(|(c, cart)| first(c, Event::Purchase).is_none_or(|bought| bought > cart + DAY_US))
            .collect();
        let bought = planted::PURCHASE * f64::midpoint(1.0, planted::CHECKOUT_LIFT_FACTOR);
        // Of those who buy after one day on average; the minutes of the checkout vanish in the error.
        let late = libm::exp(-1.0);
        assert_rate(abandoned.len(), carts.len(), 1.0 - bought * (1.0 - late));
        let after_all = abandoned.iter().filter(|(c, _)| first(c, Event::Purchase).is_some()).count();
        assert_rate(after_all, abandoned.len(), bought * late / (1.0 - bought * (1.0 - late)));

        let viewers: Vec<_> = uncut().filter(|c| first(c, Event::ProductView).is_some()).collect();
        let searching: Vec<_> = viewers.iter().filter(|c| first(c, Event::Search).is_some()).collect();
        assert_rate(searching.len(), viewers.len(), planted::SEARCH);
        let decided = searching.iter().filter(|c| first(c, Event::AddToCart).is_some()).count();
        assert_rate(
            decided,
            searching.len(),
            planted::DECISION * (1.0 - 0.45 * (1.0 - planted::MOBILE_FACTOR)),
        );
    }

    #[test]
    fn plans_change_with_the_second_order_and_never_before() {
        let mut changed = 0;
        for customer in customers() {
            let second = customer.rows.iter().find(|row| row.order_number == Some(2)).map(|row| row.time_us);
            let expected = second.filter(|_| customer.plan != Plan::PRO);
            assert_eq!(customer.upgraded_us, expected, "{customer:?}");
            changed += usize::from(expected.is_some());
        }
        assert!(changed > 1_000, "{changed}");
    }

    #[test]
    fn a_world_without_businesses_differs_in_them_alone() {
        let (with, without) = (World::new(11, 90), World::new(11, 90).without_businesses());
        let differ = (0..20_000).filter(|index| with.customer(*index) != without.customer(*index));
        let differ: Vec<u64> = differ.collect();
        let buys = |index: &u64| first(&with.customer(*index), Event::Purchase).is_some();
        assert!(differ.iter().all(buys));
        let buyers = (0..20_000).filter(buys).count();
        assert_rate(differ.len(), buyers, 1.0 / planted::BUSINESS_ONE_IN as f64);
    }

    #[test]
    fn order_values_average_sixty() {
        let world = World::new(11, 90).without_businesses();
        let customers: Vec<_> = (0..CUSTOMERS).map(|index| world.customer(index)).collect();
        let values: Vec<f64> = customers
            .iter()
            .flat_map(|c| &c.rows)
            .filter_map(|row| row.value_minor.map(|minor| minor as f64))
            .collect();
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        // The standard deviation of a lognormal with σ = 0.7 is 0.8 of its mean.
        assert!((mean / planted::ORDER_VALUE_MINOR - 1.0).abs() < 4.0 * 0.8 / (values.len() as f64).sqrt());
    }

    #[test]
    fn linear_credit_orders_the_channels_as_planted() {
        let lookback_us = 30 * DAY_US;
        let credit_of = |customers: &[SimulatedCustomer]| {
            let mut credit = [0.0; CHANNELS.len()];
            for customer in customers {
                for purchase in customer.rows.iter().filter(|row| row.event == Event::Purchase) {
                    let age = |row: &SimulatedRow| purchase.time_us - row.time_us;
                    let touches: Vec<_> = customer
                        .rows
                        .iter()
                        .filter(|row| (1..=lookback_us).contains(&age(row)))
                        .filter_map(|row| row.channel)
                        .collect();
                    for channel in &touches {
                        credit[channel.index()] += 1.0 / touches.len() as f64;
                    }
                }
            }
            credit
        };
        let small = World::new(7, 90);
        let credit = credit_of(&(0..4_000).map(|index| small.customer(index)).collect::<Vec<_>>());
        let rest = credit[4..].iter().copied().fold(0.0, f64::max);
        assert!(credit[..4].windows(2).all(|pair| pair[0] > pair[1]) && credit[3] > rest, "{credit:?}");
        assert!(credit[8..].iter().all(|last| *last < credit[4]), "{credit:?}");

        let credit = credit_of(customers());
        assert!(credit[..7].windows(2).all(|pair| pair[0] > pair[1]), "{credit:?}");
    }

    #[test]
    fn stories_stay_in_the_window_and_average_about_seven_rows() {
        let world = World::new(7, 90);
        let all: Vec<_> = (0..10_000).map(|index| world.customer(index)).collect();
        for customer in &all {
            assert!(customer.rows.iter().all(|row| (START_US..world.end_us()).contains(&row.time_us)));
            assert!(customer.rows.is_sorted_by_key(|row| row.time_us));
            assert!(!customer.rows.is_empty());
        }
        let mean = all.iter().map(|c| c.rows.len()).sum::<usize>() as f64 / all.len() as f64;
        assert!((6.0..8.0).contains(&mean), "{mean}");
    }
}
