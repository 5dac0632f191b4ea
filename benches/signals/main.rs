//! Stops runs at random times and looks at what they leave.
//!
//! `cargo bench --bench signals` sends 200 SIGTERMs; `-- --help` lists the options. Each run gets a configuration that was never
//! published, and its signal at a time drawn between its start and its likely end. Then `current` has to be as it was, or
//! new and whole to the last hash, with nothing left beside it, and the process has to have ended in time. The program fails
//! where it isn't so, and prints its seed.
#![allow(clippy::print_stdout, reason = "a program for people who measure")]

use std::collections::BTreeMap;
use std::error::Error;
use std::fs;
use std::io::Read;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;
use sha2::{Digest, Sha256};

/// Whatever goes wrong ends the program with its message.
type Outcome<T> = Result<T, Box<dyn Error>>;

/// Until when a run has to have ended after its signal.
const PROMISED: Duration = Duration::from_secs(5);

/// Stops runs at random times and looks at what they leave.
#[derive(Debug, Parser)]
struct Arguments {
    /// How many runs to stop
    #[arg(long, default_value_t = 200)]
    times: u32,
    /// The same seed draws the same times
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Customers of the warehouse
    #[arg(long, default_value_t = 20_000)]
    customers: u64,
    /// The binary
    #[arg(long, default_value = env!("CARGO_BIN_EXE_touchline"))]
    binary: PathBuf,
    /// SIGINT in place of SIGTERM
    #[arg(long)]
    interrupt: bool,
    /// Given by `cargo bench`
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    match sweep(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum End {
    /// The signal came before the program watched for any.
    BeforeWatching,
    /// In a step, by the last one that had ended: with the exit code that signals have.
    Stopped(String),
    /// The signal came too late.
    Published,
}

fn sweep(arguments: &Arguments) -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let place = Place { binary: &arguments.binary, folder: folder.path() };
    let customers = arguments.customers.to_string();
    if !place.touchline(&["generate", "made", "-q", "--customers", &customers]).status()?.success() {
        return Err("no warehouse was generated".into());
    }
    let begun = Instant::now();
    if !place.touchline(&["run", "-q", "-c", "made/touchline.toml"]).status()?.success() {
        return Err("the first run failed".into());
    }
    let whole = begun.elapsed();
    let (code, name) = if arguments.interrupt { (130, "INT") } else { (143, "TERM") };
    println!("seed {}, {} runs of {:.2} s, SIG{name}", arguments.seed, arguments.times, whole.as_secs_f64());

    let mut random = arguments.seed;
    let mut ends: BTreeMap<End, u32> = BTreeMap::new();
    let mut slowest = Duration::ZERO;
    let mut before = place.current()?;
    for time in 0..arguments.times {
        let wait = whole.mul_f64(draw(&mut random) * 1.1);
        let (end, took) = place.stop(time, wait, name, code)?;
        let after = place.current()?;
        let moved = after != before;
        if moved != (end == End::Published) {
            return Err(format!("run {time}, after {wait:?}: {end:?}, and `current` moved: {moved}").into());
        }
        place.check_whole(&after)?;
        place.check_clean()?;
        if took > PROMISED {
            return Err(format!("run {time}, after {wait:?}: ended {took:?} after its signal").into());
        }
        slowest = slowest.max(took);
        *ends.entry(end).or_default() += 1;
        before = after;
    }
    for (end, times) in &ends {
        let what = match end {
            End::BeforeWatching => "before it watched for signals".to_owned(),
            End::Stopped(step) => format!("exit code {code}, {step}"),
            End::Published => "too late: published, exit code 0".to_owned(),
        };
        println!("{times:6}  {what}");
    }
    println!("all clean; the slowest ended {:.3} s after its signal", slowest.as_secs_f64());
    Ok(())
}

/// SplitMix64 (Steele, Lea and Flood 2014), between 0 and 1.
fn draw(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) as f64 / u64::MAX as f64
}

/// Where the runs take place.
struct Place<'a> {
    binary: &'a Path,
    folder: &'a Path,
}

impl Place<'_> {
    fn touchline(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(self.binary);
        command.args(arguments).current_dir(self.folder).env_clear().stdin(Stdio::null());
        command
    }

    fn out(&self, name: &str) -> PathBuf {
        self.folder.join("made/out").join(name)
    }

    /// Starts a run and stops it after a while. Returns how it ended, and how long after the signal.
    fn stop(&self, time: u32, wait: Duration, name: &str, code: i32) -> Outcome<(End, Duration)> {
        // Every run is another: what was published before is not computed again.
        let setting = format!("attribution.half_life={}h", 1_000 + time);
        let mut command = self.touchline(&["run", "-v", "--log-format", "json", "-c", "made/touchline.toml"]);
        command.args(["--temp-dir", "made", "--set", &setting]).stdout(Stdio::null()).stderr(Stdio::piped());
        let child = command.spawn()?;
        thread::sleep(wait);
        let begun = Instant::now();
        Command::new("sh")
            .arg("-c")
            .arg(format!("kill -{name} {}", child.id()))
            .stderr(Stdio::null())
            .status()?;
        let (status, said) = end_of(child, begun)?;
        let took = begun.elapsed();
        let end = match (status.code(), status.signal()) {
            (Some(0), _) => End::Published,
            (None, Some(signal)) if signal == code - 128 => End::BeforeWatching,
            (Some(found), _) if found == code => End::Stopped(last_step(&said)?),
            _ => return Err(format!("run {time}, after {wait:?}: {status}\n{said}").into()),
        };
        Ok((end, took))
    }

    fn current(&self) -> Outcome<PathBuf> {
        Ok(fs::canonicalize(self.out("current"))?)
    }

    /// Every file of a run has the hash that its manifest names.
    fn check_whole(&self, run: &Path) -> Outcome<()> {
        let manifest: serde_json::Value = serde_json::from_slice(&fs::read(run.join("manifest.json"))?)?;
        let tables = manifest["tables"].as_array().ok_or("a manifest without tables")?;
        let files = tables.iter().flat_map(|table| [&table["parquet"], &table["csv"]]);
        for file in files {
            let path = run.join(file["path"].as_str().ok_or("a file without a path")?);
            let hash = Sha256::digest(fs::read(&path)?);
            let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
            if file["sha256"] != hash {
                return Err(format!("{} is not what its manifest says", path.display()).into());
            }
        }
        Ok(())
    }

    /// Nothing is left in staging, and no temporary file.
    fn check_clean(&self) -> Outcome<()> {
        let left: Vec<PathBuf> = fs::read_dir(self.out(".staging"))?
            .chain(fs::read_dir(self.folder.join("made"))?)
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        let is_left = |path: &&PathBuf| {
            let temporary = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(".tmp"));
            temporary || path.starts_with(self.out(".staging"))
        };
        let stranger = left.iter().find(is_left);
        stranger.map_or(Ok(()), |path| Err(format!("{} was left", path.display()).into()))
    }
}

/// Waits for a child, and kills one that never ends.
fn end_of(mut child: Child, begun: Instant) -> Outcome<(std::process::ExitStatus, String)> {
    let mut stderr = child.stderr.take().ok_or("no pipe")?;
    let reader = thread::spawn(move || {
        let mut said = String::new();
        stderr.read_to_string(&mut said).map(|_| said)
    });
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if begun.elapsed() > 6 * PROMISED => {
                child.kill()?;
                return Err("a run doesn't end".into());
            }
            None => thread::sleep(Duration::from_millis(1)),
        }
    };
    Ok((status, reader.join().map_err(|_| "a thread panicked")??))
}

/// After which step a run was stopped, by its log.
fn last_step(said: &str) -> Outcome<String> {
    let mut last = "while opening the inputs".to_owned();
    for line in said.lines() {
        let line: serde_json::Value = serde_json::from_str(line)?;
        if let Some(step) = line["step"].as_str() {
            last = format!("after {step}");
        }
    }
    Ok(last)
}
