//! Hard shapes: warehouses that differ from a standard one in one thing each, and what that costs per row.

mod rows;
mod write;

use serde::{Deserialize, Serialize};

use super::Outcome;
use super::arguments::Arguments;
use super::contestants::{Contestant, Timing, rounds};
use super::machine::Machine;
use super::published::counts;
use super::runs::{BUDGET, knows_memory};

/// How a shape differs from [`STANDARD`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Shape {
    /// On the command line.
    pub name: &'static str,
    /// What is special.
    pub says: &'static str,
    /// Touchpoints.
    pub rows: usize,
    /// Of a customer, at most; on average half as many.
    most_rows_of_a_customer: u64,
    /// A customer with so many rows, among the others.
    bot_rows: usize,
    /// Whether the bot converts as often as people do, or only looks around.
    bot_buys: bool,
    channels: u32,
    campaigns: u32,
    /// Per cent of the cells that hold something, where a column may be empty.
    filled: u64,
    order: Order,
    files: usize,
    group_rows: usize,
    /// Bytes per row in a column that no run reads.
    ballast_bytes: usize,
    /// Segments by these.
    dimensions: &'static [&'static str],
    /// Lines of `[contract]`.
    contract: &'static str,
}

/// How rows lie in the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Order {
    Time,
    Customer,
    Random,
}

const STANDARD: Shape = Shape {
    name: "standard",
    says: "120 files by time, 12 channels, 15 rows per customer at most",
    rows: 2_000_000,
    most_rows_of_a_customer: 15,
    bot_rows: 0,
    bot_buys: false,
    channels: 12,
    campaigns: 36,
    filled: 100,
    order: Order::Time,
    files: 120,
    group_rows: 131_072,
    ballast_bytes: 0,
    dimensions: &["device", "first_channel"],
    contract: "",
};

const MANY_NAMES: Shape = Shape {
    name: "many_names",
    says: "300 channels and 20,000 campaigns, segments by first campaign",
    channels: 300,
    campaigns: 20_000,
    dimensions: &["device", "first_channel", "first_campaign"],
    ..STANDARD
};

const WITHOUT_LIMIT: &str = "max_touchpoints_per_customer = 1_000_000_000\n";

/// All shapes. Each is compared with the standard of as many rows.
pub const SHAPES: [Shape; 19] = [
    STANDARD,
    Shape { name: "standard_4m", says: "the standard with 4 million rows", rows: 4_000_000, ..STANDARD },
    Shape { name: "standard_5m", says: "the standard with 5 million rows", rows: 5_000_000, ..STANDARD },
    Shape { name: "standard_10m", says: "the standard with 10 million rows", rows: 10_000_000, ..STANDARD },
    Shape { name: "standard_20m", says: "the standard with 20 million rows", rows: 20_000_000, ..STANDARD },
    Shape {
        name: "bot",
        says: "one customer with 2 million rows of 4, left out as a bot",
        rows: 4_000_000,
        bot_rows: 2_000_000,
        ..STANDARD
    },
    Shape {
        name: "bot_kept",
        says: "the same customer, kept: the limit is lifted",
        rows: 4_000_000,
        bot_rows: 2_000_000,
        contract: WITHOUT_LIMIT,
        ..STANDARD
    },
    Shape {
        name: "buying_bot_kept",
        says: "kept, and buys as often as people do, with 1,000 touches on every path",
        rows: 4_000_000,
        bot_rows: 2_000_000,
        bot_buys: true,
        contract: WITHOUT_LIMIT,
        ..STANDARD
    },
    Shape {
        name: "one_touch",
        says: "5 million customers with one row each",
        rows: 5_000_000,
        most_rows_of_a_customer: 1,
        ..STANDARD
    },
    MANY_NAMES,
    Shape {
        name: "many_names_20m",
        says: "the same with 20 million rows: most of it is the price of a name, not of a row",
        rows: 20_000_000,
        ..MANY_NAMES
    },
    Shape {
        name: "nulls",
        says: "90 % nulls in channel, campaign, device and value",
        filled: 10,
        ..STANDARD
    },
    Shape { name: "many_files", says: "10,000 files", files: 10_000, ..STANDARD },
    Shape {
        name: "large_file",
        says: "one file of 2 GB, most of it in a column that isn't read",
        files: 1,
        ballast_bytes: 1_000,
        ..STANDARD
    },
    Shape { name: "one_file", says: "one file, by time", files: 1, ..STANDARD },
    Shape { name: "by_customer", says: "sorted by customer", order: Order::Customer, ..STANDARD },
    Shape { name: "unsorted", says: "in random order", order: Order::Random, ..STANDARD },
    Shape { name: "small_groups", says: "row groups of 1,000 rows", group_rows: 1_000, ..STANDARD },
    Shape {
        name: "large_group",
        says: "one row group of 10 million rows",
        rows: 10_000_000,
        files: 1,
        group_rows: 10_000_000,
        ..STANDARD
    },
];

/// All figures of one shape.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ShapeFigures {
    /// Its name.
    pub name: String,
    /// What is special.
    pub says: String,
    /// Its rows.
    pub rows: usize,
    /// Those that a run kept.
    pub kept: u64,
    /// Bytes of its files.
    pub bytes: u64,
    /// What was measured on.
    pub machine: Machine,
    /// The yardstick.
    pub decode: Timing,
    /// A run.
    pub run: Timing,
    /// A run with a budget.
    pub in_budget: Timing,
}

impl ShapeFigures {
    /// Its place in the list.
    pub fn key(&self) -> usize {
        SHAPES.iter().position(|shape| shape.name == self.name).unwrap_or(SHAPES.len())
    }

    /// Whether others are compared with it.
    pub fn is_standard(&self) -> bool {
        self.name.starts_with(STANDARD.name)
    }
}

/// Measures the chosen shapes, with the standards that they are compared with, all in the same rounds.
///
/// # Errors
///
/// A name is none of a shape, or a warehouse can't be written.
pub fn measure(arguments: &Arguments) -> Outcome<Vec<ShapeFigures>> {
    if let Some(unknown) =
        arguments.shapes.iter().find(|name| SHAPES.iter().all(|shape| shape.name != **name))
    {
        return Err(format!("no shape is called {unknown}").into());
    }
    let is_chosen = |shape: &Shape| arguments.shapes.iter().any(|name| name == shape.name);
    let is_standard_of_one = |shape: &Shape| {
        *shape == Shape { name: shape.name, says: shape.says, rows: shape.rows, ..STANDARD }
            && SHAPES.iter().any(|other| is_chosen(other) && other.rows == shape.rows)
    };
    let shapes: Vec<&Shape> = SHAPES
        .iter()
        .filter(|shape| {
            shape.name.starts_with(STANDARD.name) && is_standard_of_one(shape) || is_chosen(shape)
        })
        .collect();

    let folder = arguments.folder();
    let results = folder.join("results");
    let knows_memory = knows_memory()?;
    let mut warehouses = Vec::new();
    let mut contestants = Vec::new();
    for shape in &shapes {
        let warehouse = write::shape(&folder, shape)?;
        let run = |kind: &str, options: &[&str]| {
            let name = format!("{} {kind}", shape.name);
            let out = results.join(name.replace(' ', "_"));
            Contestant { name, command: warehouse.run(&out, options), leaves: Some(out) }
        };
        let decode = warehouse.decode(false)?;
        contestants.push(Contestant {
            name: format!("{} decode", shape.name),
            command: decode,
            leaves: None,
        });
        contestants.push(run("run", &[]));
        if knows_memory {
            contestants.push(run("run in budget", &["--memory", BUDGET]));
        }
        // Warms the page cache.
        super::measure::measure(&mut warehouse.decode(false)?)?;
        warehouses.push(warehouse);
    }
    println!("{} shapes", shapes.len());
    let timings = rounds(&mut contestants, arguments.rounds)?;

    let mut figures = Vec::new();
    let of_shape = if knows_memory { 3 } else { 2 };
    for ((shape, warehouse), timings) in shapes.iter().zip(&warehouses).zip(timings.chunks(of_shape)) {
        let [decode, run, rest @ ..] = timings else { continue };
        let unknown = || Timing::skipped("run in budget", "this build has no `--memory`");
        let kept = counts(&results.join(format!("{}_run", shape.name)).join("current"));
        figures.push(ShapeFigures {
            name: shape.name.to_owned(),
            says: shape.says.to_owned(),
            rows: shape.rows,
            kept: kept.get("touchpoints_kept").copied().unwrap_or(0),
            bytes: warehouse.bytes()?,
            machine: Machine::here(),
            decode: decode.clone(),
            run: run.clone(),
            in_budget: rest.first().cloned().unwrap_or_else(unknown),
        });
    }
    std::fs::remove_dir_all(&results)?;
    Ok(figures)
}
