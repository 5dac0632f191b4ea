//! Kills a run at many of its system calls. What is visible then is the old result or the new one, whole, and
//! a run after it gives the bytes of one that nobody disturbed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::job::{Job, Version};
use super::state::{Bytes, check_whole, leftovers, published};
use super::strace::{self, CHANGING, Point};
use super::{Outcome, Random, first_of};

const SIGKILL: i32 = 9;

/// What stood in the output before the run that is killed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Before {
    /// Nothing, not even the folder.
    Nothing,
    /// Another result.
    Result,
    /// Another result, and earlier runs that the killed one removes.
    Surplus,
}

impl Before {
    const ALL: [Before; 3] = [Before::Nothing, Before::Result, Before::Surplus];

    /// Name of the output that others are copied from.
    fn folder(self) -> &'static str {
        match self {
            Before::Nothing => "nothing",
            Before::Result => "result",
            Before::Surplus => "surplus",
        }
    }

    /// What the run is told beside its configuration.
    pub fn arguments(self) -> &'static [&'static str] {
        match self {
            Before::Nothing | Before::Result => &[],
            Before::Surplus => &["--set", "output.keep={ days = 0, runs = 1 }"],
        }
    }

    /// Makes the output that others are copied from; gives what it shows.
    pub fn prepare(self, job: &Job) -> Outcome<Bytes> {
        let folder = self.folder();
        match self {
            Before::Nothing => Ok(Bytes::new()),
            Before::Result => job.run(Version::Old, folder, &[]),
            Before::Surplus => {
                job.run(Version::Old, folder, &[])?;
                job.run(Version::Old, folder, &["--force"])?;
                job.run(Version::Old, folder, &["--force"])
            }
        }
    }

    /// Puts an output into this state.
    pub fn restore(self, job: &Job, out: &str) -> Outcome<()> {
        if self == Before::Nothing {
            let out = job.path(out);
            return if out.exists() { Ok(fs::remove_dir_all(out)?) } else { Ok(()) };
        }
        job.copy(self.folder(), out)
    }
}

/// What was killed where, and what came of it.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    /// Points that can be reached, over all states before.
    pub reachable: usize,
    /// Runs killed, by state before and call.
    pub killed: BTreeMap<(&'static str, String), usize>,
    /// The old result was still visible, or nothing where there was none.
    pub old: usize,
    /// The new one was.
    pub new: usize,
    /// Runs that ended before they came to the point.
    pub missed: usize,
    /// Everything that should not be.
    pub failures: Vec<String>,
}

impl Report {
    /// Runs killed.
    pub fn kills(&self) -> usize {
        self.killed.values().sum()
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            formatter,
            "kill: seed {}, {} distinct points of {} (call, number, state before)",
            self.seed,
            self.kills(),
            self.reachable,
        )?;
        let mut by_before: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for ((before, call), count) in &self.killed {
            by_before.entry(before).or_default().push(format!("{call} {count}"));
        }
        for (before, calls) in by_before {
            writeln!(formatter, "  before: {before:8} killed at {}", calls.join(", "))?;
        }
        writeln!(formatter, "  old or nothing visible {}, new visible {}", self.old, self.new)?;
        writeln!(formatter, "  runs that ended before the point {}", self.missed)?;
        writeln!(formatter, "  torn, or not the same bytes after a retry: {}", self.failures.len())?;
        formatter.write_str(&first_of(&self.failures))
    }
}

/// Kills runs at so many distinct points: first at every call that changes files, then at others by chance.
pub fn sweep(job: &Job, points: usize, seed: u64, workers: usize) -> Outcome<Report> {
    let new = job.run(Version::New, "clean", &[])?;
    let (mut old, mut changing, mut others) = (BTreeMap::new(), Vec::new(), Vec::new());
    for before in Before::ALL {
        old.insert(before, before.prepare(job)?);
        let calls = calls(job, before)?;
        let at = |point| (before, point);
        changing.extend(strace::points(&calls, |call| CHANGING.contains(&call)).into_iter().map(at));
        others.extend(strace::points(&calls, |call| !CHANGING.contains(&call)).into_iter().map(at));
    }
    let mut random = Random(seed);
    random.shuffle(&mut changing);
    random.shuffle(&mut others);
    changing.extend(others);

    let (next, kills) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let report = Mutex::new(Report { seed, reachable: changing.len(), ..Report::default() });
    let work = |worker: usize| -> Outcome<()> {
        let out = format!("out-{worker}");
        while kills.load(Ordering::Relaxed) < points
            && let Some((before, point)) = changing.get(next.fetch_add(1, Ordering::Relaxed))
        {
            before.restore(job, &out)?;
            let was_killed = kill(job, *before, point, &out)?;
            let found = if was_killed { look(job, *before, &out, &old[before], &new) } else { Ok(Seen::Old) };
            let mut report = report.lock().map_err(|_| "a worker panicked")?;
            if !was_killed {
                report.missed += 1;
                continue;
            }
            kills.fetch_add(1, Ordering::Relaxed);
            *report.killed.entry((before.folder(), point.call.clone())).or_default() += 1;
            match found {
                Ok(Seen::Old) => report.old += 1,
                Ok(Seen::New) => report.new += 1,
                Err(error) => report.failures.push(format!("{before:?}, {point:?}: {error}")),
            }
        }
        Ok(())
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || work(worker))).collect();
        threads.into_iter().try_for_each(|thread| thread.join().map_err(|_| "a worker panicked")?)
    })?;
    Ok(report.into_inner()?)
}

/// The calls of an undisturbed run.
pub fn calls(job: &Job, before: Before) -> Outcome<BTreeMap<String, usize>> {
    before.restore(job, "recorded")?;
    let log = job.path("calls.log");
    let run = job.arguments(Version::New, "recorded", before.arguments());
    let status = job.command(&strace::record(&log, &run)).status()?;
    if !status.success() {
        return Err(format!("a run under strace: {status}").into());
    }
    strace::calls(&log)
}

/// Whether the run came as far as the point, and died there.
fn kill(job: &Job, before: Before, point: &Point, out: &str) -> Outcome<bool> {
    let run = job.arguments(Version::New, out, before.arguments());
    let log = job.path(&format!("{out}.log"));
    let output = job.command(&strace::inject(point, "signal=SIGKILL", &log, &run)).output()?;
    match (output.status.signal(), output.status.code()) {
        (Some(SIGKILL), _) => Ok(true),
        (_, Some(0)) => Ok(false),
        _ => Err(format!("{point:?}: {}\n{}", output.status, String::from_utf8_lossy(&output.stderr)).into()),
    }
}

/// Which result a killed run left visible.
enum Seen {
    Old,
    New,
}

/// Looks at what is left, and runs again.
fn look(job: &Job, before: Before, out: &str, old: &Bytes, new: &Bytes) -> Outcome<Seen> {
    let folder = job.path(out);
    check_whole(&folder)?;
    let shown = published(&folder)?;
    let seen = match () {
        () if shown == *old => Seen::Old,
        () if shown == *new => Seen::New,
        () => return Err("neither the old nor the new result".into()),
    };
    if job.run(Version::New, out, before.arguments())? != *new {
        return Err("other bytes after a retry".into());
    }
    check_whole(&folder)?;
    match leftovers(&folder)?.as_slice() {
        [] => Ok(seen),
        left => Err(format!("left in staging after a retry: {left:?}").into()),
    }
}
