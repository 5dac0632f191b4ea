//! Other engines: their packages, and the commands that ask them.

use std::path::{Path, PathBuf};
use std::process::Command;

use super::Outcome;
use super::contestants::{Contestant, Timing};
use super::warehouses::Warehouse;

/// Another engine and how it is asked.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    /// As in the tables and on the command line.
    pub name: &'static str,
    /// Its script in `benches/peers`, with the queries.
    script: &'static [&'static str],
}

/// All of them.
pub const PEERS: [Peer; 4] = [
    Peer { name: "duckdb_tuned", script: &["run_duckdb.py", "duckdb_tuned.sql"] },
    Peer { name: "duckdb_plain", script: &["run_duckdb.py", "duckdb_plain.sql"] },
    Peer { name: "clickhouse", script: &["run_clickhouse.py", "clickhouse.sql"] },
    Peer { name: "polars", script: &["polars_expressions.py"] },
];

const SCRIPTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers");

/// Peers, ready to be asked.
#[derive(Debug, Default)]
pub struct Peers {
    /// A command for each.
    pub contestants: Vec<Contestant>,
    /// Where each puts its answer.
    pub answers: Vec<(String, PathBuf)>,
    /// Those that can't be asked, with the reason.
    pub skipped: Vec<Timing>,
}

/// Installs the pinned packages, once, and makes the commands. Where that fails, all are skipped.
///
/// # Errors
///
/// A name is none of a peer.
pub fn prepare(
    folder: &Path,
    names: &[String],
    warehouse: &Warehouse,
    window_us: (i64, i64),
) -> Outcome<Peers> {
    let mut asked = Vec::new();
    for name in names {
        let known = PEERS.iter().find(|peer| peer.name == name);
        asked.push(known.ok_or_else(|| format!("no peer is called {name}"))?);
    }
    let python = match install(folder) {
        Ok(python) => python,
        Err(error) => {
            println!("  peers are skipped: {error}");
            let skipped = asked.iter().map(|peer| Timing::skipped(peer.name, error.to_string())).collect();
            return Ok(Peers { skipped, ..Peers::default() });
        }
    };
    let threads = std::thread::available_parallelism()?.get();
    let mut peers = Peers::default();
    for peer in asked {
        let answer = folder.join(format!("answer_{}.json", peer.name));
        let mut command = Command::new(&python);
        command.current_dir(SCRIPTS).args(peer.script).arg(&warehouse.folder);
        command.args([window_us.0.to_string(), window_us.1.to_string(), threads.to_string()]).arg(&answer);
        command.env("PYTHONDONTWRITEBYTECODE", "1");
        peers.contestants.push(Contestant { name: peer.name.to_owned(), command, leaves: None });
        peers.answers.push((peer.name.to_owned(), answer));
    }
    Ok(peers)
}

/// Makes a virtual environment with the packages of `requirements.txt` and returns its Python.
fn install(folder: &Path) -> Outcome<PathBuf> {
    let requirements = Path::new(SCRIPTS).join("requirements.txt");
    let environment = folder.join("venv");
    let python = environment.join("bin/python");
    // A copy is left when all is installed: it says what, too.
    let installed = environment.join("requirements.txt");
    let wanted = std::fs::read(&requirements)?;
    if std::fs::read(&installed).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    println!("installing the peers into {}", environment.display());
    let quietly = |command: &mut Command| -> Outcome<()> {
        let output =
            command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
        match output.status.success() {
            true => Ok(()),
            false => Err(String::from_utf8_lossy(&output.stderr).trim().to_owned().into()),
        }
    };
    quietly(Command::new("python3").args(["-m", "venv"]).arg(&environment))?;
    quietly(
        Command::new(&python).args(["-m", "pip", "install", "--quiet", "--requirement"]).arg(&requirements),
    )?;
    std::fs::write(&installed, wanted)?;
    Ok(python)
}
