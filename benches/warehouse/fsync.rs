//! How long a run waits until what it wrote is on disk.

use std::path::Path;
use std::process::Command;

use serde::{Deserialize, Serialize};

use super::Outcome;

/// Calls that wait for the disk.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Synced {
    /// How many.
    pub calls: usize,
    /// Seconds spent in them.
    pub seconds: f64,
}

/// Runs a command once under `strace`, apart from everything that is timed. None without `strace`.
///
/// # Errors
///
/// What `strace` wrote can't be read.
pub fn measure(run: &Command, folder: &Path) -> Outcome<Option<Synced>> {
    let log = folder.join("strace.log");
    let mut command = Command::new("strace");
    command
        .args(["-f", "--seccomp-bpf", "-T", "-e", "trace=fsync,fdatasync,sync_file_range,syncfs", "-o"])
        .arg(&log);
    command.arg(run.get_program()).args(run.get_args());
    match command.status() {
        Ok(status) if status.success() => Ok(Some(sum(&std::fs::read_to_string(log)?))),
        Ok(status) => {
            println!("  fsync not measured: strace {status}");
            Ok(None)
        }
        Err(error) => {
            println!("  fsync not measured: strace: {error}");
            Ok(None)
        }
    }
}

/// Adds up the times at the ends of the lines, such as `fsync(7) = 0 <0.000123>`. A call that another thread
/// interrupted has two lines, of which the second has the time.
fn sum(log: &str) -> Synced {
    let time = |line: &str| line.strip_suffix('>')?.rsplit_once('<')?.1.parse::<f64>().ok();
    let seconds: Vec<f64> = log.lines().filter_map(time).collect();
    Synced { calls: seconds.len(), seconds: seconds.iter().sum() }
}
