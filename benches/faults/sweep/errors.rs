//! Lets one system call of a run fail, each in turn. The run then ends with 74 and the old result stands as it
//! was, or the call was one that it can do without.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::job::{Job, Version};
use super::kill::{Before, calls};
use super::state::{Bytes, check_whole, leftovers, published};
use super::strace::{self, Point};
use super::{Outcome, Random, first_of};

/// Errors that are injected.
pub const ERRORS: [&str; 3] = ["ENOSPC", "EIO", "EMFILE"];

/// Calls that are made to fail: those that write, open, wait for the disk or change what is where.
const CALLS: [&str; 10] =
    ["openat", "write", "fsync", "rename", "symlink", "mkdir", "chmod", "fchmod", "unlinkat", "utimensat"];

/// Faults that last: a full disk stays full, and what can't be synced or renamed once can't be afterwards.
const LASTING: [(&str, &str); 3] = [("write", "ENOSPC"), ("fsync", "EIO"), ("rename", "EIO")];

/// What was made to fail, and what came of it.
#[derive(Debug, Default)]
pub struct Report {
    pub seed: u64,
    /// Runs by call and error: ended with 74, with 74 after the swap, went on, before the program began.
    pub ended: BTreeMap<(String, String), [usize; 4]>,
    /// Calls that a run went on without, by what they were.
    pub done_without: BTreeMap<String, usize>,
    /// Runs that ended before they came to the call.
    pub missed: usize,
    /// Everything that should not be.
    pub failures: Vec<String>,
}

impl Report {
    /// Runs with a fault.
    pub fn runs(&self) -> usize {
        self.ended.values().flatten().sum()
    }
}

/// How a run with a fault ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// With 74, the old result untouched.
    Refused = 0,
    /// With 74, the new result visible but not confirmed by the disk.
    Unconfirmed = 1,
    /// With 0 and the new result.
    WentOn = 2,
    /// In the loader of programs, before the first line of ours.
    NotBegun = 3,
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "errors: seed {}, {} runs with one fault each", self.seed, self.runs())?;
        let names =
            ["74, old intact", "74, unconfirmed", "went on", "not begun"].map(|name| format!("{name:>16}"));
        writeln!(formatter, "  {:<22}{}", "", names.concat())?;
        for ((call, error), counts) in &self.ended {
            let counts = counts.map(|count| format!("{count:>16}")).concat();
            writeln!(formatter, "  {:<22}{counts}", format!("{call} {error}"))?;
        }
        writeln!(formatter, "  runs that ended before the call {}", self.missed)?;
        writeln!(formatter, "  calls that a run went on without:")?;
        for (what, count) in &self.done_without {
            writeln!(formatter, "  {count:>6}  {what}")?;
        }
        writeln!(
            formatter,
            "  another exit code, a changed result, or something left: {}",
            self.failures.len()
        )?;
        formatter.write_str(&first_of(&self.failures))
    }
}

/// Lets calls fail: all, or so many by chance.
pub fn sweep(job: &Job, at_most: usize, seed: u64, workers: usize) -> Outcome<Report> {
    let before = Before::Surplus;
    let new = job.run(Version::New, "clean", &[])?;
    let old = before.prepare(job)?;
    let calls = calls(job, before)?;
    let mut faults: Vec<(Point, &str)> = Vec::new();
    for error in ERRORS {
        faults.extend(
            strace::points(&calls, |call| CALLS.contains(&call)).into_iter().map(|point| (point, error)),
        );
    }
    for (lasting, error) in LASTING {
        let points = strace::points(&calls, |call| call == lasting).into_iter();
        faults.extend(points.map(|point| (Point { lasts: true, ..point }, error)));
    }
    Random(seed).shuffle(&mut faults);
    faults.truncate(at_most);

    let next = AtomicUsize::new(0);
    let report = Mutex::new(Report { seed, ..Report::default() });
    let work = |worker: usize| -> Outcome<()> {
        let out = format!("out-{worker}");
        while let Some((point, error)) = faults.get(next.fetch_add(1, Ordering::Relaxed)) {
            before.restore(job, &out)?;
            let found = fail(job, before, point, error, &out, &old, &new);
            let mut report = report.lock().map_err(|_| "a worker panicked")?;
            match found {
                Ok(None) => report.missed += 1,
                Ok(Some((ended, hits))) => {
                    let call =
                        if point.lasts { format!("{} from then on", point.call) } else { point.call.clone() };
                    let counts = report.ended.entry((call, (*error).to_owned())).or_default();
                    counts[ended as usize] += 1;
                    if ended == Ended::WentOn {
                        for hit in hits {
                            *report
                                .done_without
                                .entry(kind_of(&hit, &job.path(&out).display().to_string()))
                                .or_default() += 1;
                        }
                    }
                }
                Err(failure) => report.failures.push(format!("{point:?}, {error}: {failure}")),
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

/// How a run with a fault ended, and which calls met it; `None` if it never came to the call.
fn fail(
    job: &Job,
    before: Before,
    point: &Point,
    error: &str,
    out: &str,
    old: &Bytes,
    new: &Bytes,
) -> Outcome<Option<(Ended, Vec<String>)>> {
    let (folder, log) = (job.path(out), job.path(&format!("{out}.log")));
    let run = job.arguments(Version::New, out, before.arguments());
    let output = job.command(&strace::inject(point, &format!("error={error}"), &log, &run)).output()?;
    let hits = strace::hits(&log)?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let wrong = |what: &str| {
        let hit = hits.first().map_or("", String::as_str);
        Err(format!("{what}\n    {hit}\n    {}", said.trim_end().replace('\n', "\n    ")).into())
    };
    check_whole(&folder)?;
    let shown = published(&folder)?;
    let ended = match output.status.code() {
        Some(0) if hits.is_empty() => return Ok(None),
        Some(0) if shown == *new => Ended::WentOn,
        Some(74) if shown == *new && said.contains("did not confirm") => Ended::Unconfirmed,
        Some(74) if shown == *old => Ended::Refused,
        Some(127) if shown == *old => Ended::NotBegun,
        Some(0 | 74) => return wrong("neither the old nor the new result"),
        code => return wrong(&format!("exit code {code:?}")),
    };
    // Where the removal of earlier runs failed, after the swap, the next run makes up for it.
    if ended != Ended::WentOn && !leftovers(&folder)?.is_empty() {
        return wrong("something is left in staging");
    }
    let runs = std::fs::read_dir(folder.join("runs"))?.count();
    if job.run(Version::New, out, before.arguments())? != *new {
        return wrong("other bytes after a retry");
    }
    check_whole(&folder)?;
    if !leftovers(&folder)?.is_empty() {
        return wrong("something is left in staging after a retry");
    }
    if ended == Ended::Unconfirmed && std::fs::read_dir(folder.join("runs"))?.count() > runs {
        return wrong("computed again although it was published");
    }
    Ok(Some((ended, hits)))
}

/// What a call was, without numbers and names of runs.
fn kind_of(hit: &str, out: &str) -> String {
    let call = hit.split('(').next().unwrap_or_default();
    let path = hit.split('"').nth(1).or_else(|| hit.split('<').nth(1)?.split('>').next()).unwrap_or_default();
    // Names without a folder are those of what is removed, entry by entry.
    let path =
        if path.contains('/') { path.replace(out, "OUT") } else { "in a run that is removed".to_owned() };
    let parts: Vec<&str> =
        path.split('/').map(|part| if part.starts_with("r-") { "RUN" } else { part }).collect();
    format!("{call} {}", parts.join("/"))
}
