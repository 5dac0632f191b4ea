//! What was measured on.

use std::process::Command;

use serde::{Deserialize, Serialize};

/// A machine and the compiler on it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Model of the processor.
    pub processor: String,
    /// Cores that a process may use.
    pub cores: usize,
    /// GiB of memory.
    pub memory_gib: u64,
    /// Release of the kernel.
    pub kernel: String,
    /// Version of the compiler.
    pub rustc: String,
    /// Day of the measurement, UTC.
    pub day: String,
}

impl Machine {
    /// This one, today; `?` where it doesn't tell.
    pub fn here() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
        let field = |text: &str, name: &str| {
            let line = text.lines().find(|line| line.starts_with(name))?;
            Some(line.split_once(':')?.1.trim().to_owned())
        };
        let unknown = || "?".to_owned();
        let memory = field(&read("/proc/meminfo"), "MemTotal");
        let memory_kib: u64 = memory
            .and_then(|text| text.split_whitespace().next().and_then(|kib| kib.parse().ok()))
            .unwrap_or(0);
        let rustc = Command::new("rustc").arg("--version").output();
        Self {
            processor: field(&read("/proc/cpuinfo"), "model name").unwrap_or_else(unknown),
            cores: std::thread::available_parallelism().map_or(0, std::num::NonZero::get),
            memory_gib: memory_kib.div_ceil(1 << 20),
            kernel: read("/proc/sys/kernel/osrelease").trim().to_owned(),
            rustc: rustc.map_or_else(
                |_| unknown(),
                |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
            ),
            day: jiff::Timestamp::now().strftime("%Y-%m-%d").to_string(),
        }
    }
}
