//! A block of customers, simulated and packed: the unit of parallel work.

use super::simulate::SimulatedCustomer;
use super::spool::{ROW_BYTES, Row};
use super::world::{CAMPAIGN_COUNT, Country, DAY_US, Device, Event, Plan, START_US, World};

/// How many customers a block holds.
pub(super) const BLOCK_CUSTOMERS: u64 = 2_048;

/// The attributes of one customer.
#[derive(Clone, Copy)]
pub(super) struct Attributes {
    pub country: Option<Country>,
    pub plan: Plan,
    pub device: Device,
}

/// A customer's move to plan `pro`.
pub(super) struct Upgrade {
    pub customer: u64,
    pub attributes: Attributes,
    pub time_us: i64,
}

/// One exposure, with its customer's index.
pub(super) struct Exposure {
    pub customer: u32,
    pub experiment: u8,
    pub variant: u8,
    pub time_us: i64,
}

/// What a campaign did on a day: as many impressions and clicks as there are rows.
#[derive(Clone, Copy, Default)]
pub(super) struct Reach {
    pub impressions: u64,
    pub clicks: u64,
}

/// Reach by day and campaign: `day × CAMPAIGN_COUNT + campaign`.
pub(super) type ReachTable = Vec<Reach>;

pub(super) fn empty_reach(days: u32) -> ReachTable {
    vec![Reach::default(); days as usize * CAMPAIGN_COUNT]
}

/// Everything that a block of customers adds to the warehouse.
pub(super) struct Block {
    pub first_customer: u64,
    pub attributes: Vec<Attributes>,
    pub upgrades: Vec<Upgrade>,
    pub exposures: Vec<Exposure>,
    pub suppressed: Vec<u64>,
    pub reach: ReachTable,
    /// The packed rows, day after day, each day in the order of customers.
    rows: Vec<u8>,
    /// Where each day starts in `rows`, in rows; one more than there are days.
    day_starts: Vec<usize>,
}

impl Block {
    /// Simulates the customers of `[first, end)`.
    pub(super) fn simulate(world: &World, first: u64, end: u64) -> Self {
        let days = world.days as usize;
        let mut block = Self {
            first_customer: first,
            attributes: Vec::with_capacity((end - first) as usize),
            upgrades: Vec::new(),
            exposures: Vec::new(),
            suppressed: Vec::new(),
            reach: empty_reach(world.days),
            rows: Vec::new(),
            day_starts: vec![0; days + 1],
        };
        let mut arrived: Vec<Row> = Vec::with_capacity((end - first) as usize * 8);
        let mut customer = SimulatedCustomer::blank();
        for index in first..end {
            world.simulate(index, &mut customer);
            block.add(world, index, &customer, &mut arrived);
        }

        // Counting sort by day: stable, so that a day keeps the order of customers.
        for day in 0..days {
            block.day_starts[day + 1] += block.day_starts[day];
        }
        let mut next = block.day_starts.clone();
        block.rows = vec![0; arrived.len() * ROW_BYTES];
        for row in &arrived {
            let place = &mut next[day_of(row.time_us)];
            row.pack(&mut block.rows[*place * ROW_BYTES..][..ROW_BYTES]);
            *place += 1;
        }
        block
    }

    fn add(&mut self, world: &World, index: u64, customer: &SimulatedCustomer, arrived: &mut Vec<Row>) {
        let SimulatedCustomer { country, plan, device, .. } = *customer;
        self.attributes.push(Attributes { country, plan, device });
        self.upgrades.extend(customer.upgraded_us.map(|time_us| Upgrade {
            customer: index,
            attributes: Attributes { country, plan: Plan::PRO, device },
            time_us,
        }));
        if world.is_suppressed(index) {
            self.suppressed.push(index);
        }
        self.exposures.extend(customer.assignments.iter().map(|assignment| Exposure {
            customer: index as u32,
            experiment: assignment.experiment as u8,
            variant: assignment.variant.0,
            time_us: assignment.time_us,
        }));
        for row in &customer.rows {
            let day = day_of(row.time_us);
            self.day_starts[day + 1] += 1;
            if let Some(campaign) = row.campaign {
                let reach = &mut self.reach[day * CAMPAIGN_COUNT + campaign.index()];
                match row.event {
                    Event::Click => reach.clicks += 1,
                    _ => reach.impressions += 1,
                }
            }
            arrived.push(Row::new(index as u32, row));
        }
    }

    /// The packed rows of one day.
    pub(super) fn day(&self, day: usize) -> &[u8] {
        &self.rows[self.day_starts[day] * ROW_BYTES..self.day_starts[day + 1] * ROW_BYTES]
    }
}

fn day_of(time_us: i64) -> usize {
    ((time_us - START_US) / DAY_US) as usize
}
