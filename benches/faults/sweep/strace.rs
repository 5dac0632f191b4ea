//! Faults by `strace`: a signal or an error at the n-th call of a kind. One kind at a time, because each is
//! counted by itself; and each thread is, so a point is a kind and a number of any one thread.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use super::Outcome;

/// Calls that change files, and those that wait for the disk: swept one by one.
pub const CHANGING: [&str; 16] = [
    "openat",
    "write",
    "fsync",
    "rename",
    "symlink",
    "mkdir",
    "chmod",
    "fchmod",
    "unlink",
    "unlinkat",
    "rmdir",
    "utimensat",
    "flock",
    "creat",
    "ftruncate",
    "linkat",
];

/// Calls that end or start a process or thread; to kill there says nothing about files.
const BESIDE: [&str; 6] = ["execve", "exit", "exit_group", "restart_syscall", "rt_sigreturn", "clone3"];

/// The n-th call of a kind.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Point {
    pub call: String,
    pub number: usize,
    /// Whether all calls after it meet the fault too.
    pub lasts: bool,
}

/// Whether `strace` is here and may do its work; otherwise what is missing.
pub fn missing() -> Option<String> {
    let tried = Command::new("strace").args(["-f", "-o", "/dev/null", "true"]).output();
    match tried {
        Ok(output) if output.status.success() => None,
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            Some(format!("strace may not trace here: {}", said.lines().next().unwrap_or_default()))
        }
        Err(error) => Some(format!("strace is not here ({error}); on Debian: apt-get install strace")),
    }
}

/// The words of a command under `strace` with a fault at a point, which are written to `log`.
pub fn inject(point: &Point, fault: &str, log: &Path, command: &[String]) -> Vec<String> {
    let Point { call, number, lasts } = point;
    let until = if *lasts { "+" } else { "" };
    let mut words: Vec<String> = ["strace", "-f", "-y", "-o"].map(str::to_owned).to_vec();
    words.push(log.display().to_string());
    // Stopping at the calls in question only is faster, but a signal gets lost there.
    words.extend((!fault.starts_with("signal")).then(|| "--seccomp-bpf".to_owned()));
    words.extend(["-e".to_owned(), format!("trace={call}")]);
    words.extend(["-e".to_owned(), format!("inject={call}:{fault}:when={number}{until}")]);
    words.extend(command.iter().cloned());
    words
}

/// The words that write down every call of a command.
pub fn record(log: &Path, command: &[String]) -> Vec<String> {
    let mut words: Vec<String> = ["strace", "-f", "-o"].map(str::to_owned).to_vec();
    words.push(log.display().to_string());
    words.extend(command.iter().cloned());
    words
}

/// Calls by kind: the most that one thread made.
pub fn calls(log: &Path) -> Outcome<BTreeMap<String, usize>> {
    let mut by_thread: BTreeMap<(String, String), usize> = BTreeMap::new();
    for line in fs::read_to_string(log)?.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let Some((call, _)) = rest.trim_start().split_once('(') else { continue };
        let is_call =
            !call.is_empty() && call.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if is_call && !BESIDE.contains(&call) {
            *by_thread.entry((call.to_owned(), thread.to_owned())).or_default() += 1;
        }
    }
    let mut most: BTreeMap<String, usize> = BTreeMap::new();
    for ((call, _), count) in by_thread {
        let known = most.entry(call).or_default();
        *known = (*known).max(count);
    }
    Ok(most)
}

/// Every point of some kinds of calls.
pub fn points(calls: &BTreeMap<String, usize>, wanted: impl Fn(&str) -> bool) -> Vec<Point> {
    let kinds = calls.iter().filter(|(call, _)| wanted(call));
    kinds
        .flat_map(|(call, count)| {
            (1..=*count).map(|number| Point { call: call.clone(), number, lasts: false })
        })
        .collect()
}

/// The calls of a log that were made to fail, as `strace` wrote them.
pub fn hits(log: &Path) -> Outcome<Vec<String>> {
    let mut hits = Vec::new();
    // A call that another thread interrupted has two lines, of which the first has its arguments.
    let mut begun: BTreeMap<&str, &str> = BTreeMap::new();
    let text = fs::read_to_string(log)?;
    for line in text.lines() {
        let Some((thread, rest)) = line.split_once(' ') else { continue };
        let rest = rest.trim_start();
        if let Some(start) = rest.strip_suffix("<unfinished ...>") {
            begun.insert(thread, start);
        } else if rest.ends_with("(INJECTED)") {
            let start =
                if rest.starts_with("<...") { begun.get(thread).copied().unwrap_or_default() } else { "" };
            hits.push(format!("{start}{rest}"));
        }
    }
    Ok(hits)
}
