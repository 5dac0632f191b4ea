//! Two runs with one output. The one that holds it publishes; the other ends with 75, or waits for its turn.

use std::fmt;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use super::job::{Job, Version};
use super::state::{Bytes, check_whole, leftovers, published};
use super::{Outcome, first_of};

/// More than any run takes, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);

/// What became of the pairs.
#[derive(Debug, Default)]
pub struct Report {
    /// Pairs whose second run came while the first held the output: it ended with 75.
    pub refused: usize,
    /// The same with `--wait`: both ended with 0.
    pub waited: usize,
    /// Pairs that were started at once: one published and one ended with 75.
    pub at_once_refused: usize,
    /// The same, but one after the other: both ended with 0.
    pub at_once_both: usize,
    /// First runs that were done before the second one could be started.
    pub missed: usize,
    /// Everything that should not be.
    pub failures: Vec<String>,
}

impl Report {
    /// Pairs that met.
    pub fn pairs(&self) -> usize {
        self.refused + self.waited + self.at_once_refused + self.at_once_both
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "pairs: {} of concurrent runs", self.pairs())?;
        writeln!(formatter, "  the first holds the output: second ended with 75 {}", self.refused)?;
        writeln!(formatter, "  the first holds the output: second waited, both 0 {}", self.waited)?;
        writeln!(formatter, "  started at once: one 0, one 75 {}", self.at_once_refused)?;
        writeln!(formatter, "  started at once: both 0 in turn {}", self.at_once_both)?;
        writeln!(formatter, "  first runs done too soon, repeated {}", self.missed)?;
        writeln!(formatter, "  anything else: {}", self.failures.len())?;
        formatter.write_str(&first_of(&self.failures))
    }
}

/// Runs pairs: of every four two where the second is refused, one where it waits, one started at once.
pub fn sweep(job: &Job, count: usize) -> Outcome<Report> {
    let results = [job.run(Version::Old, "one", &[])?, job.run(Version::New, "other", &[])?];
    let mut report = Report::default();
    while report.pairs() + report.failures.len() < count {
        let result = match report.pairs() % 4 {
            0 | 1 => held(job, &results, false),
            2 => held(job, &results, true),
            _ => at_once(job, &results),
        };
        match result {
            Ok(Met::Refused) => report.refused += 1,
            Ok(Met::Waited) => report.waited += 1,
            Ok(Met::AtOnceRefused) => report.at_once_refused += 1,
            Ok(Met::AtOnceBoth) => report.at_once_both += 1,
            Ok(Met::TooSoon) => report.missed += 1,
            Err(error) => report.failures.push(error.to_string()),
        }
    }
    Ok(report)
}

enum Met {
    Refused,
    Waited,
    AtOnceRefused,
    AtOnceBoth,
    TooSoon,
}

const OUT: &str = "pairs";

/// The first run is stopped while it holds the output, so that the second one meets it however slow the machine.
fn held(job: &Job, results: &[Bytes; 2], waits: bool) -> Outcome<Met> {
    let mut first = start(job, Version::New, &["--force"])?;
    if !stop_while_it_holds(job, &mut first)? {
        first.wait()?;
        return Ok(Met::TooSoon);
    }
    let more: &[&str] = if waits { &["--force", "--wait", "100"] } else { &["--force"] };
    let mut second = start(job, Version::Old, more)?;
    let early = if waits { None } else { Some(code(&mut second)?) };
    signal(&first, "CONT")?;
    let first = code(&mut first)?;
    let second = early.map_or_else(|| code(&mut second), Ok)?;
    check(job, &results[usize::from(!waits)])?;
    match (first, second, waits) {
        (0, 75, false) => Ok(Met::Refused),
        (0, 0, true) => Ok(Met::Waited),
        codes => Err(format!("first, second, waits: {codes:?}").into()),
    }
}

/// Two that start together: both may get their turn, if one is slow to begin.
fn at_once(job: &Job, results: &[Bytes; 2]) -> Outcome<Met> {
    let mut pair = [start(job, Version::New, &["--force"])?, start(job, Version::New, &["--force"])?];
    let mut codes = [0; 2];
    for (child, code_of) in pair.iter_mut().zip(&mut codes) {
        *code_of = code(child)?;
    }
    check(job, &results[1])?;
    match codes {
        [0, 75] | [75, 0] => Ok(Met::AtOnceRefused),
        [0, 0] => Ok(Met::AtOnceBoth),
        codes => Err(format!("started at once: {codes:?}").into()),
    }
}

fn start(job: &Job, version: Version, more: &[&str]) -> Outcome<Child> {
    let mut command = job.command(&job.arguments(version, OUT, more));
    Ok(command.args(["--set", "output.keep={ days = 0, runs = 1 }"]).stderr(Stdio::null()).spawn()?)
}

/// The result is that of the run which ended last, and nothing is left over.
fn check(job: &Job, expected: &Bytes) -> Outcome<()> {
    let out = job.path(OUT);
    check_whole(&out)?;
    if published(&out)? != *expected {
        return Err("another result than that of the last run".into());
    }
    match leftovers(&out)?.as_slice() {
        [] => Ok(()),
        left => Err(format!("left in staging: {left:?}").into()),
    }
}

/// Whether the run could be stopped while it held the output.
fn stop_while_it_holds(job: &Job, run: &mut Child) -> Outcome<bool> {
    let lock = job.path(OUT).join(".lock");
    while !is_held(&lock)? {
        if run.try_wait()?.is_some() {
            return Ok(false);
        }
        thread::sleep(Duration::from_millis(1));
    }
    signal(run, "STOP")?;
    while run.try_wait()?.is_none() {
        if is_stopped(run)? {
            return is_held(&lock);
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(false)
}

/// Whether anybody has locked a file, by the system's list.
fn is_held(lock: &Path) -> Outcome<bool> {
    let Ok(metadata) = fs::metadata(lock) else { return Ok(false) };
    let inode = format!(":{}", metadata.ino());
    let locks = fs::read_to_string("/proc/locks")?;
    Ok(locks
        .lines()
        .any(|line| line.contains("FLOCK") && line.split_whitespace().any(|word| word.ends_with(&inode))))
}

fn is_stopped(run: &Child) -> Outcome<bool> {
    let stat = fs::read_to_string(format!("/proc/{}/stat", run.id()))?;
    let state = stat.rsplit_once(')').map(|(_, rest)| rest.trim_start());
    Ok(state.is_some_and(|state| state.starts_with('T')))
}

fn signal(run: &Child, name: &str) -> Outcome<()> {
    let status = Command::new("/bin/sh").args(["-c", &format!("kill -{name} {}", run.id())]).status()?;
    if status.success() { Ok(()) } else { Err(format!("kill -{name}: {status}").into()) }
}

/// The exit code of a run; one that hangs is ended.
fn code(run: &mut Child) -> Outcome<i32> {
    let start = Instant::now();
    loop {
        if let Some(status) = run.try_wait()? {
            return status.code().ok_or_else(|| format!("{status}").into());
        }
        if start.elapsed() > PATIENCE {
            run.kill()?;
            run.wait()?;
            return Err(format!("still running after {} s", PATIENCE.as_secs()).into());
        }
        thread::sleep(Duration::from_millis(2));
    }
}
