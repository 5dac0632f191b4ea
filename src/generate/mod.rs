//! Synthetic warehouses with planted truths.
//!
//! A [`World`] turns a seed and a customer's index into that customer's whole story, without any
//! file. [`generate()`] writes a world of any size as day-partitioned Parquet, with spend, customers,
//! assignments, a config that runs on it, and the truths that a run should find.
//!
//! Customers are simulated in blocks, in parallel, and their rows appended in the order of blocks to
//! one spool file per day; then each day's spool becomes its Parquet file, chunk by chunk. So memory
//! doesn't grow with the number of touchpoints, and threads change no byte.

mod block;
mod config_text;
mod error;
mod layout;
mod parquet_out;
mod rng;
mod simulate;
mod spend;
mod spool;
mod truths;
mod world;

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use block::{BLOCK_CUSTOMERS, Block, ReachTable};
use config_text::config_text;
use parquet_out::CustomerTables;
use spool::Spool;

pub use error::GenerateError;
pub use simulate::{SimulatedAssignment, SimulatedCustomer, SimulatedRow};
pub use truths::FORMAT;
pub use world::{
    CAMPAIGN_COUNT, CHANNELS, COUNTRIES, Campaign, Channel, ChannelSpec, Country, DAY_US, DEVICES, Device,
    Event, Experiment, PLANS, Plan, STAGES, START_US, UNTOUCHED_CAMPAIGN, UNTOUCHED_CHANNEL, Variant, World,
    customer_id, planted,
};

/// The most customers: ids are packed into 32 bits.
pub const MAX_CUSTOMERS: u64 = 4_000_000_000;
/// The most days: ten years of partitions.
pub const MAX_DAYS: u32 = 3_653;

/// How many blocks are in memory at once, whatever the threads.
const BLOCKS_AT_ONCE: u64 = 32;
/// How many days are converted at once, whatever the threads: each holds a row group.
const DAYS_AT_ONCE: usize = 8;

/// What to generate.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to: a directory that is missing, empty, or holds an earlier generation, with or without the
    /// results published from it.
    pub dir: PathBuf,
    /// How many customers, 1 to [`MAX_CUSTOMERS`]; each has about 7 touchpoints.
    pub customers: u64,
    /// How many UTC days from 2026-04-01 on, 1 to [`MAX_DAYS`].
    pub days: u32,
    /// The seed: with equal customers and days, equal seeds give equal bytes.
    pub seed: u64,
    /// How many threads; 0 for one per core. Changes no byte.
    pub threads: usize,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Customers.
    pub customers: u64,
    /// Rows of the customers table beyond one for each of them: moves to another plan.
    pub plan_changes: u64,
    /// Rows of the touchpoints.
    pub touchpoints: u64,
    /// Daily files of touchpoints; days without any have none.
    pub touchpoint_files: u64,
    /// Rows of the assignments.
    pub assignments: u64,
    /// Rows of the suppression list.
    pub suppressed: u64,
    /// Rows of the spend table.
    pub spend_rows: u64,
    /// Spend by channel in minor units of EUR, in the order of [`CHANNELS`], then [`UNTOUCHED_CHANNEL`].
    pub spend_minor: Vec<(&'static str, u64)>,
    /// The length of all files in bytes.
    pub bytes: u64,
}

/// Writes a synthetic warehouse into a directory and returns what was written.
///
/// `progress` is told how much is done and of how much, in steps of unspecified size; half of it is
/// the simulation, half the conversion to Parquet.
///
/// # Errors
///
/// Numbers out of range, a directory with something that was not generated, and I/O. The temporary
/// files are removed on every way out; what was written before an error stays, is known by its
/// `truths.json` as unfinished (`written` is null), and gives way to the next generation.
pub fn generate(options: &Options, progress: &dyn Fn(u64, u64)) -> Result<Summary, GenerateError> {
    let Options { ref dir, customers, days, seed, threads } = *options;
    if !(1..=MAX_CUSTOMERS).contains(&customers) {
        return Err(GenerateError::Customers { customers });
    }
    if !(1..=MAX_DAYS).contains(&days) {
        return Err(GenerateError::Days { days });
    }
    let pool =
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(GenerateError::Threads)?;
    layout::prepare(dir)?;
    write_text(dir, layout::TRUTHS_JSON, &truths::json(options, None))?;

    let world = World::new(seed, days);
    let mut spool = Spool::create(dir, days)?;
    let mut tables = CustomerTables::create(dir, customers)?;
    let reach = simulate_all(&world, customers, &pool, &mut spool, &mut tables, progress)?;
    let (assignments, suppressed) = (tables.assigned, tables.suppressed);
    let plan_changes = tables.plan_changes;
    let table_bytes = tables.close()?;
    let touchpoint_bytes = convert_all(dir, customers, &pool, &spool, progress)?;
    let touchpoints = spool.counts().iter().sum();
    let touchpoint_files = spool.counts().iter().filter(|rows| **rows > 0).count() as u64;
    spool.remove()?;

    let spend = spend::write_spend(dir, &world, customers, &reach)?;
    let mut summary = Summary {
        customers,
        plan_changes,
        touchpoints,
        touchpoint_files,
        assignments,
        suppressed,
        spend_rows: spend.rows,
        spend_minor: spend.cost_minor,
        bytes: table_bytes + touchpoint_bytes + spend.bytes,
    };
    let texts = [
        (layout::CONFIG, config_text(days)),
        (layout::TRUTHS_PAGE, truths::page(options, &summary)),
        (layout::TRUTHS_JSON, truths::json(options, Some(&summary))),
    ];
    for (name, text) in &texts {
        write_text(dir, name, text)?;
        summary.bytes += text.len() as u64;
    }
    Ok(summary)
}

/// Simulates every customer; rows go to the spool, everything else to its table.
fn simulate_all(
    world: &World,
    customers: u64,
    pool: &rayon::ThreadPool,
    spool: &mut Spool,
    tables: &mut CustomerTables,
    progress: &dyn Fn(u64, u64),
) -> Result<ReachTable, GenerateError> {
    let mut reach = block::empty_reach(world.days);
    let blocks = customers.div_ceil(BLOCK_CUSTOMERS);
    let mut first = 0;
    while first < blocks {
        let end = (first + BLOCKS_AT_ONCE).min(blocks);
        let round: Vec<Block> = pool.install(|| {
            (first..end)
                .into_par_iter()
                .map(|block| {
                    let start = block * BLOCK_CUSTOMERS;
                    Block::simulate(world, start, (start + BLOCK_CUSTOMERS).min(customers))
                })
                .collect()
        });
        let (spooled, tabled) =
            pool.join(|| spool.append(&round), || round.iter().try_for_each(|block| tables.append(block)));
        spooled.and(tabled)?;
        for block in &round {
            for (sum, part) in reach.iter_mut().zip(&block.reach) {
                sum.impressions += part.impressions;
                sum.clicks += part.clicks;
            }
        }
        first = end;
        progress((end * BLOCK_CUSTOMERS).min(customers), 2 * customers);
    }
    Ok(reach)
}

/// Turns the spool into Parquet, a few days at a time, and returns the bytes written.
fn convert_all(
    dir: &Path,
    customers: u64,
    pool: &rayon::ThreadPool,
    spool: &Spool,
    progress: &dyn Fn(u64, u64),
) -> Result<u64, GenerateError> {
    let total: u64 = spool.counts().iter().sum();
    let mut jobs = Vec::new();
    let mut before = 0;
    for (day, rows) in spool.counts().iter().copied().enumerate() {
        if rows > 0 {
            jobs.push((day as u32, before + 1, rows));
        }
        before += rows;
    }
    let (mut done, mut bytes) = (0u64, 0);
    for batch in jobs.chunks(DAYS_AT_ONCE) {
        let written = pool.install(|| {
            batch
                .par_iter()
                .map(|(day, first_event_id, _)| {
                    let bytes = parquet_out::write_touchpoints(dir, spool, *day, *first_event_id)?;
                    spool.remove_day(*day)?;
                    Ok(bytes)
                })
                .collect::<Result<Vec<u64>, GenerateError>>()
        })?;
        bytes += written.iter().sum::<u64>();
        done += batch.iter().map(|(_, _, rows)| rows).sum::<u64>();
        let converted = u128::from(customers) * u128::from(done) / u128::from(total);
        progress(customers + converted as u64, 2 * customers);
    }
    Ok(bytes)
}

fn write_text(dir: &Path, name: &str, text: &str) -> Result<(), GenerateError> {
    let path = dir.join(name);
    fs::write(&path, text).map_err(GenerateError::io("write", &path))
}

#[cfg(test)]
mod tests;
