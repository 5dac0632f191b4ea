//! The rows of a shape: stories of customers as hashes tell them, so that equal shapes have equal rows.

use super::{Order, Shape};

/// Names in column `event`, with how many of a thousand rows have each: about those of a generated warehouse.
pub const EVENTS: [(&str, u64); 13] = [
    ("impression", 490),
    ("click", 178),
    ("product_view", 80),
    ("search", 32),
    ("add_to_cart", 57),
    ("checkout", 48),
    ("purchase", 39),
    ("delivery", 36),
    ("app_open", 18),
    ("support_contact", 11),
    ("return_request", 3),
    ("referral", 4),
    ("review", 4),
];
/// The first so many events carry a channel.
const EVENTS_WITH_CHANNEL: usize = 2;
/// The first so many are all that somebody does who only looks around, so many of a thousand rows.
const LOOKING_AROUND: u64 = 490 + 178 + 80 + 32;
const PURCHASE: usize = 6;

/// Names in column `device`.
pub const DEVICES: [&str; 3] = ["desktop", "mobile", "tablet"];
/// The customer that is a bot.
pub const BOT: u32 = u32::MAX;

const DAY_US: u64 = 86_400_000_000;
/// 2026-04-01T00:00:00Z, in µs since the epoch; the window has 120 days from there.
const START_US: u64 = 1_775_001_600_000_000;
const DAYS: u64 = 120;

/// A touchpoint. What may be empty is None.
#[derive(Debug, Clone, Copy)]
pub struct Row {
    pub customer: u32,
    pub time_us: i64,
    /// Index into [`EVENTS`].
    pub event: u8,
    /// Channel, from 0.
    pub channel: Option<u16>,
    /// Campaign, from 0; it has one channel.
    pub campaign: Option<u16>,
    /// Index into [`DEVICES`].
    pub device: Option<u8>,
    pub value_minor: Option<u32>,
}

/// SplitMix64's finish: neighbours in, anything out.
fn hash(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ mixed >> 31
}

/// Numbers drawn one after another from a seed.
struct Draws(u64);

impl Draws {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(1);
        hash(self.0) % limit
    }
}

/// All rows of a shape, in the order in which they are written.
pub fn rows(shape: &Shape) -> Vec<Row> {
    let mut rows = Vec::with_capacity(shape.rows);
    let of_people = shape.rows - shape.bot_rows;
    let mut customer = 0_u32;
    while rows.len() < of_people {
        // Far enough apart that no two customers draw the same numbers.
        let mut draws = Draws(hash(u64::from(customer)));
        let own = 1 + draws.below(shape.most_rows_of_a_customer);
        let own = own.min((of_people - rows.len()) as u64);
        let span_us = DAYS * DAY_US;
        let begin_us = draws.below(span_us * 2 / 3);
        let step_us = (span_us - begin_us) / own;
        for row in 0..own {
            let time_us = begin_us + row * step_us + draws.below(step_us);
            rows.push(draw(shape, &mut draws, customer, time_us, 1_000));
        }
        customer += 1;
    }
    let mut draws = Draws(hash(u64::from(BOT)));
    let events = if shape.bot_buys { 1_000 } else { LOOKING_AROUND };
    for row in 0..shape.bot_rows {
        let time_us = row as u64 * (DAYS * DAY_US) / shape.bot_rows as u64;
        rows.push(draw(shape, &mut draws, BOT, time_us, events));
    }
    match shape.order {
        Order::Customer => {}
        Order::Time => rows.sort_by_key(|row| row.time_us),
        Order::Random => {
            for place in (1..rows.len()).rev() {
                rows.swap(place, draws.below(place as u64 + 1) as usize);
            }
        }
    }
    rows
}

fn draw(shape: &Shape, draws: &mut Draws, customer: u32, time_us: u64, events: u64) -> Row {
    let mut left = draws.below(events);
    let event = EVENTS.iter().position(|(_, share)| {
        let found = left < *share;
        left = left.wrapping_sub(*share);
        found
    });
    let event = event.unwrap_or(0);
    let channel = draws.below(u64::from(shape.channels));
    let of_channel = (u64::from(shape.campaigns) / u64::from(shape.channels)).max(1);
    let campaign =
        (channel + u64::from(shape.channels) * draws.below(of_channel)).min(u64::from(shape.campaigns) - 1);
    let mut filled = || draws.below(100) < shape.filled;
    let channel = (event < EVENTS_WITH_CHANNEL && filled()).then_some(channel as u16);
    let campaign = channel.filter(|_| filled()).map(|_| campaign as u16);
    let (has_device, has_value) = (filled(), event == PURCHASE && filled());
    Row {
        customer,
        time_us: (START_US + time_us) as i64,
        event: event as u8,
        channel,
        campaign,
        device: has_device.then(|| draws.below(DEVICES.len() as u64) as u8),
        value_minor: has_value.then(|| 500 + draws.below(20_000) as u32),
    }
}
