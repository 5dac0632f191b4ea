//! What the channels cost, by day and campaign, as a CSV of the kind that ad platforms export.

use std::path::Path;

use super::GenerateError;
use super::block::{Reach, ReachTable};
use super::layout;
use super::rng::{Purpose, Rng};
use super::world::{CAMPAIGN_COUNT, CHANNELS, Campaign, UNTOUCHED_CAMPAIGN, UNTOUCHED_CHANNEL, World};

/// What the untouched channel costs over the whole window, in minor units per customer.
pub(super) const UNTOUCHED_COST_PER_CUSTOMER_MINOR: u64 = 30;
/// How often each customer is said to have seen it over the whole window.
const UNTOUCHED_IMPRESSIONS_PER_CUSTOMER: u64 = 4;
/// The daily price is the planted one, give or take this share.
pub(super) const PRICE_NOISE: f64 = 0.1;

/// What was written: the file's length, its rows and what each channel cost.
pub(super) struct SpendWritten {
    pub bytes: u64,
    pub rows: u64,
    /// Channel and cost in minor units, in the order of the channels, the untouched one last.
    pub cost_minor: Vec<(&'static str, u64)>,
}

struct Line {
    channel: &'static str,
    campaign: &'static str,
    cost_minor: u64,
    reach: Reach,
}

pub(super) fn write_spend(
    dir: &Path,
    world: &World,
    customers: u64,
    reach: &ReachTable,
) -> Result<SpendWritten, GenerateError> {
    let path = dir.join(layout::SPEND);
    let folder = dir.join(layout::SPEND_DIR);
    std::fs::create_dir_all(&folder).map_err(GenerateError::io("create", &folder))?;
    let mut cost_minor: Vec<(&'static str, u64)> =
        CHANNELS.iter().filter(|spec| !spec.campaigns.is_empty()).map(|spec| (spec.name, 0)).collect();
    cost_minor.push((UNTOUCHED_CHANNEL, 0));
    let mut text = String::from("date,channel,campaign,cost,impressions,clicks\n");
    let mut rows = 0;
    for day in 0..world.days {
        let date = layout::day_name(day);
        for line in lines_of_day(world, customers, day, reach) {
            let Line { channel, campaign, cost_minor: cost, reach: Reach { impressions, clicks } } = line;
            let (euros, cents) = (cost / 100, cost % 100);
            text.push_str(&format!(
                "{date},{channel},{campaign},{euros}.{cents:02},{impressions},{clicks}\n"
            ));
            rows += 1;
            if let Some((_, total)) = cost_minor.iter_mut().find(|(name, _)| *name == channel) {
                *total += cost;
            }
        }
    }
    std::fs::write(&path, &text).map_err(GenerateError::io("write", &path))?;
    Ok(SpendWritten { bytes: text.len() as u64, rows, cost_minor })
}

/// The paid campaigns that reached somebody on a day, and the untouched one, which never rests.
fn lines_of_day(world: &World, customers: u64, day: u32, reach: &ReachTable) -> Vec<Line> {
    let mut rng = Rng::new(world.seed, Purpose::Spend, u64::from(day));
    let mut priced = |planned_minor: f64| {
        let price = 1.0 + PRICE_NOISE * (2.0 * rng.unit() - 1.0);
        libm::rint(planned_minor * price) as u64
    };
    let mut lines = Vec::with_capacity(CAMPAIGN_COUNT + 1);
    for (channel, campaign, name) in Campaign::all() {
        let reach = reach[day as usize * CAMPAIGN_COUNT + campaign.index()];
        let planned_minor = reach.impressions as f64 * f64::from(channel.spec().cost_per_touch_minor);
        let cost_minor = priced(planned_minor);
        if reach.impressions + reach.clicks > 0 {
            lines.push(Line { channel: channel.name(), campaign: name, cost_minor, reach });
        }
    }
    let per_day = |per_customer: u64| customers as f64 * per_customer as f64 / f64::from(world.days);
    lines.push(Line {
        channel: UNTOUCHED_CHANNEL,
        campaign: UNTOUCHED_CAMPAIGN,
        cost_minor: priced(per_day(UNTOUCHED_COST_PER_CUSTOMER_MINOR)),
        reach: Reach {
            impressions: libm::rint(per_day(UNTOUCHED_IMPRESSIONS_PER_CUSTOMER)) as u64,
            clicks: 0,
        },
    });
    lines
}
