//! Wall time, processor time and peak memory of a child process, from `/proc`.

use std::io::Read;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::Outcome;

/// Linux counts processor time for `/proc` in hundredths of a second.
const TICKS_PER_SECOND: f64 = 100.0;
/// The peak is a maximum that the kernel keeps: only what grows after the last look is missed.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// What one process took.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Seconds from its start to its end.
    pub wall_s: f64,
    /// Seconds of all its threads, user and system, to a hundredth.
    pub cpu_s: f64,
    /// Highest resident size, MiB.
    pub peak_mib: f64,
}

/// Runs a command and returns what it took and what it printed.
///
/// # Errors
///
/// It can't be started, or it fails.
pub fn measure(command: &mut Command) -> Outcome<(Measured, String)> {
    let begun = Instant::now();
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let process = format!("/proc/{}", child.id());
    let ended = AtomicBool::new(false);
    let mut printed = Vec::new();
    let mut pipe = child.stdout.take().ok_or("no pipe")?;
    let (read, wall_s, cpu_s, peak_mib) = std::thread::scope(|scope| {
        let looker = scope.spawn(|| {
            let mut peak_mib = 0.0_f64;
            while !ended.load(Ordering::Relaxed) {
                peak_mib = peak_mib.max(high_water_mib(&process).unwrap_or(0.0));
                std::thread::sleep(LOOK_EVERY);
            }
            peak_mib
        });
        // The pipe ends with the process. Until it is waited for it keeps its times.
        let read = pipe.read_to_end(&mut printed);
        let cpu_s = loop {
            match state_and_cpu(&process) {
                Some(('Z' | 'X', cpu_s)) => break cpu_s,
                None => break f64::NAN,
                Some(_) => std::thread::sleep(Duration::from_micros(100)),
            }
        };
        let wall_s = begun.elapsed().as_secs_f64();
        ended.store(true, Ordering::Relaxed);
        (read, wall_s, cpu_s, looker.join().unwrap_or(f64::NAN))
    });
    let status = child.wait()?;
    read?;
    if !status.success() {
        return Err(format!("{} failed: {status}", command.get_program().display()).into());
    }
    Ok((Measured { wall_s, cpu_s, peak_mib }, String::from_utf8(printed)?))
}

fn high_water_mib(process: &str) -> Option<f64> {
    let status = std::fs::read_to_string(format!("{process}/status")).ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    let kib: f64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(kib / 1024.0)
}

/// State of a process, and seconds of processor time of all its threads.
fn state_and_cpu(process: &str) -> Option<(char, f64)> {
    let stat = std::fs::read_to_string(format!("{process}/stat")).ok()?;
    // The name stands in brackets and may hold any character; the state is the third field of all.
    let (_, rest) = stat.rsplit_once(')')?;
    let fields: Vec<&str> = rest.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field)?.parse::<f64>().ok();
    Some((fields.first()?.chars().next()?, (ticks(11)? + ticks(12)?) / TICKS_PER_SECOND))
}

/// Median and extremes of something measured several times.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Spread {
    /// The middle one; of an even number the mean of the two in the middle.
    pub median: f64,
    /// The least.
    pub min: f64,
    /// The most.
    pub max: f64,
}

impl Spread {
    /// Of all measurements; NaN of none.
    pub fn of(measured: &[Measured], what: impl Fn(&Measured) -> f64) -> Self {
        let mut figures: Vec<f64> = measured.iter().map(what).collect();
        figures.sort_by(f64::total_cmp);
        let Some(last) = figures.len().checked_sub(1) else {
            return Self { median: f64::NAN, min: f64::NAN, max: f64::NAN };
        };
        Self {
            median: f64::midpoint(figures[last / 2], figures[last.div_ceil(2)]),
            min: figures[0],
            max: figures[last],
        }
    }
}
