//! Times a whole run against merely decoding the same columns, with the same reader and threads.
//!
//! `cargo bench --bench warehouse -- FOLDER [RUNS]`, where FOLDER was written by `touchline generate`.
//! Each round decodes and then runs the binary on the warehouse, so that both meet the same machine;
//! medians are printed. The run's peak memory is that of its process.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people who measure")]

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use touchline::config::{self, Overrides};
use touchline::engine::load::decode_only;
use touchline::engine::open::open_inputs;
use touchline::engine::work;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    // Cargo passes `--bench` to every benchmark.
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    let Some(folder) = arguments.first() else {
        println!("usage: cargo bench --bench warehouse -- FOLDER [RUNS]");
        return;
    };
    let folder = Path::new(folder);
    let runs: usize = arguments.get(1).map_or(5, |runs| runs.parse().unwrap());
    let out = std::env::temp_dir().join(format!("touchline-bench-{}", std::process::id()));
    let (mut decode, mut run, mut peak) = (Vec::new(), Vec::new(), Vec::new());
    let mut rows = 0;
    for _ in 0..runs {
        let (seconds, decoded) = time_decode(folder);
        decode.push(seconds);
        rows = decoded;
        let (seconds, kib) = time_run(folder, &out);
        run.push(seconds);
        peak.push(kib);
    }
    std::fs::remove_dir_all(&out).unwrap();
    let (decode, run, peak) = (median(decode), median(run), median(peak));
    println!(
        "{rows} touchpoints, {} threads, medians of {runs}",
        work::pool(0).unwrap().current_num_threads()
    );
    println!("decode  {decode:>8.3} s");
    println!("run     {run:>8.3} s   {:.2} x decode   {:.0} MiB peak", run / decode, peak / 1024.0);
}

fn median(mut figures: Vec<f64>) -> f64 {
    figures.sort_by(f64::total_cmp);
    figures[figures.len() / 2]
}

fn time_decode(folder: &Path) -> (f64, u64) {
    let overrides = Overrides::default();
    let plan = config::load(&folder.join("touchline.toml"), &overrides, &|_| None).unwrap();
    let begun = Instant::now();
    let pool = work::pool(0).unwrap();
    let opened = open_inputs(&plan, &pool).unwrap();
    let rows = decode_only(&opened, &pool).unwrap();
    (begun.elapsed().as_secs_f64(), rows)
}

/// Wall seconds and peak KiB of a whole run as a process.
fn time_run(folder: &Path, out: &PathBuf) -> (f64, f64) {
    let begun = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_touchline"))
        .args(["run", "--quiet", "--force", "-c"])
        .arg(folder.join("touchline.toml"))
        .arg("--out")
        .arg(out)
        .spawn()
        .unwrap();
    // The kernel keeps the highest resident size; it is gone once the process is reaped.
    let status_file = format!("/proc/{}/status", child.id());
    let mut peak = 0.0_f64;
    loop {
        if let Ok(status) = std::fs::read_to_string(&status_file)
            && let Some(line) = status.lines().find(|line| line.starts_with("VmHWM:"))
        {
            let kib = line.split_whitespace().nth(1).and_then(|kib| kib.parse().ok()).unwrap_or(0.0);
            peak = peak.max(kib);
        }
        if let Some(status) = child.try_wait().unwrap() {
            assert!(status.success(), "the run failed: {status}");
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    (begun.elapsed().as_secs_f64(), peak)
}
