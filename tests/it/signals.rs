//! Runs that are stopped: what they say, how soon they end, and what they leave. `cargo bench --bench signals` does it
//! two hundred times.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::support::{CONFIG, Warehouse, few_touchpoints};

/// Five seconds are promised; a machine that does many things at once gets more.
const PATIENCE: Duration = Duration::from_secs(60);

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

fn start(warehouse: &Warehouse, arguments: &[&str]) -> Child {
    let mut command = warehouse.command(&[&["run"], arguments].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary starts")
}

fn signal(child: &Child, name: &str) {
    let kill = format!("kill -{name} {}", child.id());
    // Whoever ended meanwhile needs no signal.
    let _ = Command::new("sh").args(["-c", &kill]).stderr(Stdio::null()).status().expect("sh");
}

/// How a child ended, and what it still had to say.
fn end(mut child: Child) -> (ExitStatus, String) {
    let begun = Instant::now();
    let status = loop {
        match child.try_wait().expect("a child") {
            Some(status) => break status,
            None if begun.elapsed() > PATIENCE => {
                child.kill().expect("killed");
                panic!("still running {PATIENCE:?} after the signal");
            }
            None => thread::sleep(Duration::from_millis(5)),
        }
    };
    let mut said = String::new();
    child.stderr.take().expect("a pipe").read_to_string(&mut said).expect("UTF-8");
    (status, said)
}

/// Waits until the child has said a line that holds `part`.
fn hear(child: &mut Child, part: &str) {
    let stderr = child.stderr.take().expect("a pipe");
    let mut reader = BufReader::new(stderr);
    let mut line = String::new();
    while !line.contains(part) {
        line.clear();
        assert!(reader.read_line(&mut line).expect("UTF-8") > 0, "it ended without a word of {part}");
    }
    // It says nothing more before the signal, so that nothing is lost with the reader.
    child.stderr = Some(reader.into_inner());
}

#[test]
fn who_waits_for_another_run_stops_at_once() {
    for (name, code) in [("TERM", 143), ("INT", 130)] {
        let warehouse = warehouse();
        fs::create_dir_all(warehouse.path("out")).unwrap();
        let lock = File::create(warehouse.path("out/.lock")).unwrap();
        lock.lock().unwrap();
        let mut child = start(&warehouse, &["-v", "--wait", "600"]);
        hear(&mut child, "spring: touchline");
        signal(&child, name);
        let (status, said) = end(child);
        assert_eq!(status.code(), Some(code), "{said}");
        assert_eq!(said, format!("error: stopped by SIG{name}, nothing was published\nhint: run again\n"));
        assert!(!warehouse.path("out/current").exists());
    }
}

/// A run that hangs where it can't look at the token: it reads its configuration from a pipe that nobody writes to. The
/// pipe's other end is returned.
fn hanging() -> (Warehouse, Child, File) {
    let warehouse = warehouse();
    let pipe = warehouse.path("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo").success());
    let child = start(&warehouse, &["-c", "pipe"]);
    // Opens when the child has opened its end, which it does after it began to watch.
    let end = OpenOptions::new().write(true).open(&pipe).unwrap();
    (warehouse, child, end)
}

#[test]
fn a_run_that_hangs_ends_all_the_same() {
    let (warehouse, child, _pipe) = hanging();
    signal(&child, "TERM");
    let (status, said) = end(child);
    assert_eq!(status.code(), Some(143), "{said}");
    assert!(said.starts_with("error: stopped by SIGTERM, nothing was published\n"), "{said}");
    assert!(!warehouse.path("out").exists());
}

#[test]
fn a_second_signal_ends_it_without_a_word() {
    let (_warehouse, child, _pipe) = hanging();
    signal(&child, "INT");
    // The first has to arrive before the second: two of the same that wait are one.
    thread::sleep(Duration::from_millis(300));
    signal(&child, "TERM");
    let (status, said) = end(child);
    assert_eq!((status.code(), said.as_str()), (Some(130), ""), "the code is that of the first");
}

/// The run that `current` points to, and that all files of its manifest are there.
fn current(warehouse: &Warehouse, out: &str) -> PathBuf {
    let run = fs::canonicalize(warehouse.path(out).join("current")).unwrap();
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(run.join("manifest.json")).unwrap()).unwrap();
    for table in manifest["tables"].as_array().unwrap() {
        for format in ["parquet", "csv"] {
            let file = &table[format];
            let size = fs::metadata(run.join(file["path"].as_str().unwrap())).unwrap().len();
            assert_eq!(Some(size), file["size"].as_u64(), "{file}");
        }
    }
    run
}

#[test]
fn wherever_a_run_is_stopped_it_leaves_the_last_result_and_nothing_else() {
    let warehouse = Warehouse::new("");
    let made = warehouse.touchline(&["generate", "made", "-q", "--customers", "300", "--days", "12"]);
    assert_eq!(made.code, 0, "{}", made.stderr);
    let config = ["-c", "made/touchline.toml"];
    let begun = Instant::now();
    warehouse.run(&[&config[..], &["-q"]].concat());
    let whole = begun.elapsed();
    let mut before = current(&warehouse, "made/out");
    for tenth in 0..10_u32 {
        // Another setting each time, for what was published before is not computed again.
        let setting = format!("attribution.half_life={}h", 100 + tenth);
        let child =
            start(&warehouse, &[&config[..], &["-q", "--temp-dir", "made", "--set", &setting]].concat());
        thread::sleep(whole * tenth / 10);
        signal(&child, "TERM");
        let (status, said) = end(child);
        let after = current(&warehouse, "made/out");
        match (status.code(), status.signal()) {
            // Too late for the signal.
            (Some(0), _) => assert_ne!(after, before, "{said}"),
            // Before the program could watch for signals.
            (None, Some(15)) => assert_eq!(after, before, "{said}"),
            (code, _) => {
                assert_eq!((code, &after), (Some(143), &before), "{said}");
                assert!(said.starts_with("error: stopped by SIGTERM, nothing was published\n"), "{said}");
            }
        }
        assert_eq!(fs::read_dir(warehouse.path("made/out/.staging")).unwrap().count(), 0, "{said}");
        before = after;
    }
    let mut left: Vec<String> = fs::read_dir(warehouse.path("made"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .filter(|name| name.starts_with(".tmp"))
        .collect();
    left.sort();
    assert_eq!(left, Vec::<String>::new(), "temporary files have no names");
}

#[test]
fn a_summary_that_nobody_reads_holds_no_run_up() {
    let warehouse = warehouse();
    let made = Command::new("mkfifo").arg(warehouse.path("pipe")).status().expect("mkfifo");
    assert!(made.success());
    let child = start(&warehouse, &["-q", "--summary-file", "pipe"]);
    let begun = Instant::now();
    while !warehouse.path("out/current").exists() && begun.elapsed() < PATIENCE {
        thread::sleep(Duration::from_millis(5));
    }
    // The result is there; what is left is a pipe without a reader.
    thread::sleep(Duration::from_millis(200));
    signal(&child, "TERM");
    let (status, _) = end(child);
    assert_eq!(status.code(), Some(143));
    assert!(warehouse.path("out/current/manifest.json").exists());
}
