//! Decode, runs and peers over one standard warehouse.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde::{Deserialize, Serialize};
use touchline::config::{self, Overrides};

use super::Outcome;
use super::agreement::{self, Disagreement};
use super::arguments::{Arguments, Part};
use super::comparisons::{self, RUN_COMPARING, RUN_WITHOUT};
use super::contestants::{Contestant, Timing, rounds};
use super::fsync::{self, Synced};
use super::machine::Machine;
use super::peers::{self, Peers};
use super::published::{self, Workload};
use super::warehouses::{TOUCHLINE, Warehouse, run_of, standard};

/// The yardstick.
pub const DECODE: &str = "decode";
/// The yardstick without the small tables.
pub const DECODE_TOUCHPOINTS: &str = "decode, only touchpoints";
/// What is measured by it.
pub const RUN: &str = "run";
/// With a budget.
pub const RUN_IN_BUDGET: &str = "run --memory 256MiB";
/// One day of 120, in the middle, with all of its lookback in the data.
pub const RUN_ONE_DAY: &str = "run --date 2026-05-31";

/// The budget of [`RUN_IN_BUDGET`].
pub const BUDGET: &str = "256MiB";
/// The day of [`RUN_ONE_DAY`].
const DAY: &str = "2026-05-31";

/// All figures of one warehouse; a part is None until it was measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WarehouseFigures {
    /// Its size.
    pub millions: u32,
    /// Bytes of its Parquet files.
    pub bytes: u64,
    /// Decode and runs.
    pub runs: Option<RunFigures>,
    /// Peers.
    pub peers: Option<PeerFigures>,
}

/// What runs took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RunFigures {
    /// What was measured on.
    pub machine: Machine,
    /// What a run did.
    pub workload: Workload,
    /// The yardsticks and the runs.
    pub timings: Vec<Timing>,
    /// What of a run is waiting for the disk; None where it wasn't measured.
    pub synced: Option<Synced>,
}

/// What the peers said and took.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeerFigures {
    /// What was measured on.
    pub machine: Machine,
    /// What the run beside them did.
    pub workload: Workload,
    /// The yardstick in the same rounds.
    pub decode: Timing,
    /// The run in the same rounds.
    pub run: Timing,
    /// The peers.
    pub timings: Vec<Timing>,
    /// What those that could be asked answered.
    pub answers: Vec<PeerAnswer>,
}

/// What a peer said.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PeerAnswer {
    /// Its name.
    pub peer: String,
    /// Its version.
    pub version: String,
    /// How far its answer is from the tables of the run.
    pub disagreements: Vec<Disagreement>,
}

/// Measures over the warehouse of so many million touchpoints.
///
/// # Errors
///
/// The warehouse can't be written, or what a run published can't be read.
pub fn measure(arguments: &Arguments, millions: u32) -> Outcome<WarehouseFigures> {
    let folder = arguments.folder();
    let warehouse = standard(&folder, millions)?;
    println!("{millions} million touchpoints in {}", warehouse.folder.display());
    let results = folder.join("results");
    std::fs::create_dir_all(&results)?;
    let run = |name: &str, options: &[&str]| {
        let out = results.join(name.replace(' ', "_"));
        Contestant { name: name.to_owned(), command: warehouse.run(&out, options), leaves: Some(out) }
    };
    let decode = |name: &str, only_touchpoints| -> Outcome<Contestant> {
        Ok(Contestant { name: name.to_owned(), command: warehouse.decode(only_touchpoints)?, leaves: None })
    };
    let measures_runs = arguments.measures(Part::Runs);
    let mut contestants = vec![decode(DECODE, false)?, run(RUN, &[])];
    let mut skipped = Vec::new();
    if measures_runs {
        contestants.push(decode(DECODE_TOUCHPOINTS, true)?);
        contestants.push(run(RUN_ONE_DAY, &["--date", DAY]));
        if knows_memory()? {
            contestants.push(run(RUN_IN_BUDGET, &["--memory", BUDGET]));
        } else {
            skipped.push(Timing::skipped(RUN_IN_BUDGET, "this build has no `--memory`"));
        }
        let configs = comparisons::write(&warehouse, &folder.join("configs"))?;
        for (name, config) in [(RUN_WITHOUT, &configs.without), (RUN_COMPARING, &configs.comparing)] {
            let out = results.join(name.replace(' ', "_"));
            let command = run_of(config, &out, &[]);
            contestants.push(Contestant { name: name.to_owned(), command, leaves: Some(out) });
        }
    }
    let own = contestants.len();
    let asked = match arguments.asks_peers(millions) {
        true => peers::prepare(&folder, &arguments.peers, &warehouse, window(&warehouse)?)?,
        false => Peers::default(),
    };
    contestants.extend(asked.contestants);

    // Warms the page cache.
    super::measure::measure(&mut warehouse.decode(false)?)?;
    let mut timings = rounds(&mut contestants, arguments.rounds)?;
    let mut of_peers = timings.split_off(own);
    of_peers.extend(asked.skipped);
    let [decode, run, ..] = &timings[..] else { return Err("nothing was measured".into()) };
    if let Some(note) = run.note.as_ref().or(decode.note.as_ref()) {
        return Err(note.clone().into());
    }
    let published = results.join(RUN).join("current");
    let workload = published::workload(&published)?;
    let machine = Machine::here();
    let peers = match of_peers.is_empty() {
        true => None,
        false => Some(PeerFigures {
            machine: machine.clone(),
            workload: workload.clone(),
            decode: decode.clone(),
            run: run.clone(),
            answers: compare(&asked.answers, &of_peers, &published)?,
            timings: of_peers,
        }),
    };
    timings.extend(skipped);
    let runs = match measures_runs {
        true => {
            let synced = fsync::measure(&warehouse.run(&results.join("synced"), &[]), &results)?;
            Some(RunFigures { machine, workload, timings, synced })
        }
        false => None,
    };
    std::fs::remove_dir_all(&results)?;
    Ok(WarehouseFigures { millions, bytes: warehouse.bytes()?, runs, peers })
}

/// Compares the answers of the peers that were measured with the tables of the run.
fn compare(answers: &[(String, PathBuf)], asked: &[Timing], tables: &Path) -> Outcome<Vec<PeerAnswer>> {
    let mut compared = Vec::new();
    for (peer, answer) in answers {
        if asked.iter().any(|timing| timing.name == *peer && timing.note.is_none()) {
            let (version, disagreements) = agreement::compare(answer, tables)?;
            println!("  {peer} {version} against the tables of the run:");
            disagreements.iter().for_each(|found| println!("    {found}"));
            compared.push(PeerAnswer { peer: peer.clone(), version, disagreements });
        }
    }
    Ok(compared)
}

/// Whether the binary takes `--memory`.
///
/// # Errors
///
/// It can't be started.
pub fn knows_memory() -> Outcome<bool> {
    let help = Command::new(TOUCHLINE).args(["run", "--help"]).output()?;
    Ok(String::from_utf8_lossy(&help.stdout).contains("--memory"))
}

/// The window that a warehouse's configuration names, µs.
fn window(warehouse: &Warehouse) -> Outcome<(i64, i64)> {
    let plan = config::load(&warehouse.config(), &Overrides::default(), &|_| None)?;
    plan.window.from_us.zip(plan.window.to_us).ok_or_else(|| "a generated warehouse has a window".into())
}
