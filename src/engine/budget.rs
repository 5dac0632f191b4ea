//! How much memory a run may take, and how much of it rows may hold.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::input::Limits;

/// What a run needs beside rows: the program, footers, books, sums and tables.
const BASE_BYTES: u64 = 64 << 20;
/// What the paths of `journey_paths` may take; of a small budget no more than an eighth.
const PATHS_BYTES: u64 = 40 << 20;
/// What a thread needs beside rows: a decoder, and the partition that it works on.
const THREAD_BYTES: u64 = 24 << 20;
/// Unfinished chunks of a thread that reads: 256 partitions of a chunk of rows with event ids each.
const UNFINISHED_BYTES: u64 = 24 << 20;
/// Percent of the machine's memory that a run may take unless it is told otherwise.
pub const DEFAULT_PERCENT: u64 = 60;
/// Below this a run doesn't get anywhere.
pub const LEAST_BYTES: u64 = 128 << 20;
/// The default where the system doesn't say how much memory it has.
const UNKNOWN_BYTES: u64 = 4 << 30;

/// What rows may hold between reading and walking, shared by all threads.
#[derive(Debug)]
pub struct Budget {
    /// Of the whole process.
    memory: u64,
    /// With more than this, threads share what they add up.
    resident: u64,
    row_bytes: u64,
    threads: usize,
    /// Where rows go beyond it.
    folder: PathBuf,
    held: AtomicU64,
}

impl Budget {
    /// For a process of so many bytes (None: [`DEFAULT_PERCENT`] of the machine's memory), with at most so many
    /// threads (0: one per core). What doesn't fit goes to `folder`.
    pub fn of_process(memory: Option<u64>, threads: usize, folder: PathBuf) -> Self {
        let memory = memory.unwrap_or_else(|| machine_bytes() / 100 * DEFAULT_PERCENT);
        let beside = memory.saturating_sub(BASE_BYTES + PATHS_BYTES.min(memory / 8));
        // Half of what rows get may be chunks that aren't full yet, so that the other half is worth spilling.
        let affordable =
            usize::try_from(beside / (THREAD_BYTES + 2 * UNFINISHED_BYTES)).unwrap_or(usize::MAX);
        let threads = threads_or_cores(threads).min(affordable).max(1);
        let row_bytes = beside.saturating_sub(THREAD_BYTES * threads as u64);
        Self { memory, resident: memory, ..Self::of_rows(row_bytes, threads, folder) }
    }

    /// For rows that hold so many bytes, with so many threads (0: one per core).
    pub fn of_rows(row_bytes: u64, threads: usize, folder: PathBuf) -> Self {
        let memory = row_bytes.max(LEAST_BYTES);
        let threads = threads_or_cores(threads);
        Self { memory, resident: row_bytes, row_bytes, threads, folder, held: AtomicU64::new(0) }
    }

    /// Without limit, with so many threads (0: one per core).
    pub fn unlimited(threads: usize) -> Self {
        Self::of_rows(u64::MAX, threads, std::env::temp_dir())
    }

    /// Threads that the budget allows, of those that were asked for.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// Bytes in memory above which threads share what they add up: those of the whole process, or of rows where the
    /// budget is for them alone.
    pub fn resident(&self) -> u64 {
        self.resident
    }

    /// What a file may ask for.
    pub fn limits(&self) -> Limits {
        Limits::of_memory(self.memory, self.threads, &self.folder)
    }

    /// Where rows go that don't fit.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Notes that a thread holds `now` bytes instead of `before`; true where all together hold too much.
    pub fn note(&self, before: u64, now: u64) -> bool {
        let change = now.wrapping_sub(before);
        let held = self.held.fetch_add(change, Ordering::Relaxed).wrapping_add(change);
        held > self.row_bytes
    }

    /// Bytes that each thread may take for a partition, now that rows are read: what they have left over, and
    /// what a thread has anyway.
    pub fn share(&self) -> u64 {
        let left = self.row_bytes.saturating_sub(self.held.load(Ordering::Relaxed));
        (left / self.threads as u64).saturating_add(THREAD_BYTES)
    }
}

fn threads_or_cores(threads: usize) -> usize {
    if threads > 0 { threads } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

/// Memory of the machine, or of the control group that the process lives in, or what its addresses are limited to (`ulimit -v`),
/// whichever is least.
fn machine_bytes() -> u64 {
    let read = |path: &str| std::fs::read_to_string(path).ok();
    let total = read("/proc/meminfo").and_then(|text| meminfo_total(&text));
    let limits = ["/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"];
    let limit = limits.iter().find_map(|path| read(path)?.trim().parse::<u64>().ok());
    let addresses = read("/proc/self/limits").and_then(|text| address_limit(&text));
    [total, limit, addresses].into_iter().flatten().min().unwrap_or(UNKNOWN_BYTES)
}

/// The soft limit of the address space; None: unlimited.
fn address_limit(text: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix("Max address space"))?;
    line.split_whitespace().next()?.parse().ok()
}

/// What the process has of the machine's memory; None where the system doesn't say.
pub(super) fn resident_bytes() -> Option<u64> {
    kilobytes(&std::fs::read_to_string("/proc/self/status").ok()?, "VmRSS:")
}

fn meminfo_total(text: &str) -> Option<u64> {
    kilobytes(text, "MemTotal:")
}

/// Bytes of a line `key: 1024 kB`.
fn kilobytes(text: &str, key: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_budget_takes_threads_away_before_it_takes_rows() {
        let of = |mib: u64, threads| {
            let budget = Budget::of_process(Some(mib << 20), threads, PathBuf::new());
            (budget.threads, budget.row_bytes >> 20)
        };
        assert_eq!(of(256, 2), (2, 256 - 64 - 32 - 48));
        assert_eq!(of(256, 64), (2, 256 - 64 - 32 - 48));
        assert_eq!(of(1 << 20, 64), (64, (1 << 20) - 64 - 40 - 64 * 24));
        assert_eq!(of(LEAST_BYTES >> 20, 8), (1, 128 - 64 - 16 - 24));
    }

    #[test]
    fn all_threads_share_it() {
        let budget = Budget::of_rows(144 << 20, 2, PathBuf::new());
        assert!(!budget.note(0, 100 << 20));
        assert!(budget.note(0, 50 << 20));
        assert!(!budget.note(100 << 20, 20 << 20));
    }

    #[test]
    fn what_rows_leave_over_is_for_partitions() {
        let budget = Budget::of_rows(144 << 20, 2, PathBuf::new());
        budget.note(0, 44 << 20);
        assert_eq!(budget.share(), (50 << 20) + THREAD_BYTES);
        budget.note(44 << 20, 200 << 20);
        assert_eq!(budget.share(), THREAD_BYTES);
        assert_eq!(Budget::unlimited(1).share(), u64::MAX);
    }

    #[test]
    fn the_machine_says_how_much_it_has() {
        assert_eq!(meminfo_total("MemTotal:       24684472 kB\nMemFree: 1 kB\n"), Some(24_684_472 * 1_024));
        assert_eq!(meminfo_total("MemTotal: many"), None);
        let limits = "Limit Soft Hard Units\nMax address space         2097152000           unlimited            bytes\n";
        assert_eq!(address_limit(limits), Some(2_097_152_000));
        assert_eq!(address_limit(&limits.replace("2097152000", "unlimited ")), None);
        assert!(machine_bytes() > LEAST_BYTES);
        assert!(resident_bytes().is_none_or(|bytes| (1 << 20..machine_bytes()).contains(&bytes)));
    }
}
