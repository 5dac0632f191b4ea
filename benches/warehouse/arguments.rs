//! The command line.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

use super::peers::PEERS;
use super::shapes::SHAPES;

/// Times runs over generated warehouses against merely decoding them, other engines, and odd shapes
#[derive(Debug, Parser)]
#[command(name = "warehouse", bin_name = "cargo bench --bench warehouse --")]
pub struct Arguments {
    #[command(subcommand)]
    pub mode: Option<Mode>,

    /// Where warehouses, raw figures and the peers' packages lie; kept and used again
    #[arg(long, value_name = "DIR")]
    folder: Option<PathBuf>,

    /// What to measure; the page keeps what was measured before
    #[arg(long, value_name = "PART", value_delimiter = ',', default_values_t = [Part::Runs, Part::Peers, Part::Shapes])]
    measure: Vec<Part>,

    /// Sizes of the warehouses, in millions of touchpoints
    #[arg(long, value_name = "MILLIONS", value_delimiter = ',', default_values_t = [1, 5, 20, 100])]
    sizes: Vec<u32>,

    /// The size at which the peers are asked
    #[arg(long, value_name = "MILLIONS", default_value_t = 20)]
    pub peer_size: u32,

    /// Which peers to ask
    #[arg(long, value_name = "PEER", value_delimiter = ',', default_values_t = PEERS.map(|peer| peer.name.to_owned()))]
    pub peers: Vec<String>,

    /// Which shapes to measure
    #[arg(long, value_name = "SHAPE", value_delimiter = ',', default_values_t = SHAPES.map(|shape| shape.name.to_owned()))]
    pub shapes: Vec<String>,

    /// Rounds; figures are their medians
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    pub rounds: u32,

    /// The page to write
    #[arg(long, value_name = "FILE", default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/performance.md"))]
    pub page: PathBuf,

    /// Cargo passes this to every benchmark, last
    #[arg(long, hide = true, global = true)]
    bench: bool,
}

/// What the program does in place of measuring.
#[derive(Debug, Subcommand)]
pub enum Mode {
    /// Writes the page again, from what was measured before
    Page,
    /// Decodes what a run of the configuration would read, once: the program is its own child
    #[command(hide = true)]
    Decode {
        config: PathBuf,
        #[arg(long)]
        only_touchpoints: bool,
    },
}

/// A part of the measurements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Decode and runs, by size
    Runs,
    /// Other engines, at one size
    Peers,
    /// Odd shapes
    Shapes,
}

impl std::fmt::Display for Part {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Part::Runs => "runs",
            Part::Peers => "peers",
            Part::Shapes => "shapes",
        })
    }
}

impl Arguments {
    /// Where everything lies that is kept.
    pub fn folder(&self) -> PathBuf {
        self.folder.clone().unwrap_or_else(|| std::env::temp_dir().join("touchline-bench"))
    }

    /// Whether a part was asked for.
    pub fn measures(&self, part: Part) -> bool {
        self.measure.contains(&part)
    }

    /// Sizes to measure, in millions: of all, or only that of the peers.
    pub fn sizes(&self) -> Vec<u32> {
        if self.measures(Part::Runs) { self.sizes.clone() } else { vec![self.peer_size] }
    }

    /// Whether the peers are asked at a size.
    pub fn asks_peers(&self, millions: u32) -> bool {
        self.measures(Part::Peers) && millions == self.peer_size
    }
}
