//! Runs from bucket to bucket, against servers on this machine that speak the protocols of S3 and of Azure: the bytes
//! of local folders, whatever dies, fails or gets in between.

mod proxy;
mod servers;

use std::collections::BTreeMap;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use sha2::{Digest, Sha256};

use self::proxy::{Fate, Proxy, Request};
use self::servers::{Protocol, Running, Server};
use crate::support::{CONFIG, Ran, Warehouse, few_touchpoints, floats, text, times, with};

#[test]
fn s3() {
    against(Protocol::S3);
}

#[test]
fn azure() {
    against(Protocol::Azure);
}

/// Something that holds of every store, looked at below a prefix of its own.
type Scenario = fn(Server);

/// One server for all: starting one takes longer than a run.
fn against(protocol: Protocol) {
    let Some(running) = Running::start(protocol) else { return };
    let scenarios: [(&str, Scenario); 9] = [
        ("the bytes are those of local folders", the_bytes_are_those_of_local_folders),
        ("what cannot be reached is told without secrets", what_cannot_be_reached_is_told_without_secrets),
        ("large row groups wait on disk", large_row_groups_wait_on_disk),
        (
            "refused requests are tried again and lost answers are believed",
            refused_requests_are_tried_again_and_lost_answers_are_believed,
        ),
        (
            "a killed run leaves the old result or the new one",
            a_killed_run_leaves_the_old_result_or_the_new_one,
        ),
        ("a stopped run takes back what it sent", a_stopped_run_takes_back_what_it_sent),
        (
            "an object that is replaced while it is read is noticed",
            an_object_that_is_replaced_while_it_is_read_is_noticed,
        ),
        ("of two runs of a window the later one loses", of_two_runs_of_a_window_the_later_one_loses),
        ("runs that nothing keeps go", runs_that_nothing_keeps_go),
    ];
    // All of them, so that one failure doesn't hide another.
    let fails = |(_, scenario): &&(&str, Scenario)| {
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scenario(running.server))).is_err()
    };
    let failed: Vec<&str> = scenarios.iter().filter(fails).map(|(name, _)| *name).collect();
    assert!(failed.is_empty(), "{protocol:?}: {failed:?}");
}

/// A job whose inputs and results lie below a prefix of a server.
struct Job {
    warehouse: Warehouse,
    server: Server,
    prefix: &'static str,
}

impl Job {
    fn new(server: Server, prefix: &'static str) -> Self {
        let warehouse = Warehouse::new(CONFIG);
        std::fs::create_dir(warehouse.path("tmp")).unwrap();
        let job = Self { warehouse, server, prefix };
        job.set_value(30.0);
        job
    }

    /// Writes the touchpoints, here and in the store, with a value that tells one version from the next.
    fn set_value(&self, value: f64) {
        let columns =
            with(few_touchpoints(), "value", floats(&[None, Some(value), None, Some(12.5), None, None]));
        self.warehouse.parquet("touchpoints/dt=2026-04-01/a.parquet", columns);
        self.upload("touchpoints/dt=2026-04-01/a.parquet");
    }

    fn upload(&self, name: &str) {
        self.server.put(&self.key(name), &std::fs::read(self.warehouse.path(name)).unwrap());
    }

    fn key(&self, below: &str) -> String {
        format!("{}/{below}", self.prefix)
    }

    /// A run in the store, by way of something at a port.
    fn command_at(&self, port: u16, arguments: &[&str]) -> Command {
        let inputs = format!("inputs.touchpoints.path={}", self.server.url(&self.key("touchpoints")));
        let out = self.server.url(&self.key("touchpoints/results"));
        let arguments = [&["run", "--set", &inputs, "--out", &out], arguments].concat();
        let mut command = self.warehouse.command(&arguments);
        command.envs(self.server.environment(port)).env("TMPDIR", self.warehouse.path("tmp"));
        command
    }

    fn run_at(&self, port: u16, arguments: &[&str]) -> Ran {
        self.warehouse.finish(self.command_at(port, arguments))
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let ran = self.run_at(self.server.port, arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    }

    /// The same on this machine: what every run in the store has to give.
    fn expected(&self) -> BTreeMap<String, Vec<u8>> {
        self.warehouse.run(&["--quiet"]);
        self.warehouse.published()
    }

    fn result(&self, below: &str) -> Option<Vec<u8>> {
        self.server.get(&self.key(&format!("touchpoints/results/{below}")))
    }

    fn results(&self, below: &str) -> Vec<String> {
        self.server.list(&self.key(&format!("touchpoints/results/{below}")))
    }

    /// What `current.json` shows, after a look at everything that it promises; empty where nothing is published.
    fn current(&self) -> BTreeMap<String, Vec<u8>> {
        let Some(pointer) = self.result("current.json") else { return BTreeMap::new() };
        let pointer: Value = serde_json::from_slice(&pointer).unwrap();
        let manifest = self.result(pointer["manifest"].as_str().unwrap()).expect("a manifest");
        assert_eq!(pointer["sha256"], hex(&manifest));
        let manifest: Value = serde_json::from_slice(&manifest).unwrap();
        let run = pointer["run"].as_str().unwrap();
        let read = |file: &Value| {
            let path = file["path"].as_str().unwrap();
            let bytes =
                self.result(&format!("runs/{run}/{path}")).unwrap_or_else(|| panic!("{path} is gone"));
            assert_eq!(file["sha256"], hex(&bytes), "{path}");
            (path.to_owned(), bytes)
        };
        let tables = manifest["tables"].as_array().unwrap();
        tables.iter().flat_map(|table| [read(&table["parquet"]), read(&table["csv"])]).collect()
    }

    /// A proxy before the server.
    fn proxy(&self, rule: impl Fn(&Request) -> Fate + Send + Sync + 'static) -> Proxy {
        Proxy::before(self.server.port, Arc::new(rule))
    }

    /// Nothing of a run is left on this machine.
    fn assert_tidy(&self) {
        let left: Vec<_> = std::fs::read_dir(self.warehouse.path("tmp")).unwrap().flatten().collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn the_bytes_are_those_of_local_folders(server: Server) {
    let job = Job::new(server, "bytes");
    let later = with(few_touchpoints(), "customer_id", text(&["c-4", "c-4", "c-5", "c-5", "c-6", "c-6"]));
    job.warehouse.parquet("touchpoints/dt=2026-04-02/b.parquet", later);
    let sum = hex(&std::fs::read(job.warehouse.path("touchpoints/dt=2026-04-02/b.parquet")).unwrap());
    job.warehouse.write("touchpoints/dt=2026-04-02/b.parquet.sha256", sum);
    job.warehouse.write("touchpoints/_tmp/x.parquet", "no input");
    for name in ["dt=2026-04-02/b.parquet", "dt=2026-04-02/b.parquet.sha256", "_tmp/x.parquet"] {
        job.upload(&format!("touchpoints/{name}"));
    }
    // A checksum that is none.
    server.put("bytes/touchpoints/dt=2026-04-01/a.parquet.sha256", b"none");
    let ran = job.run_at(server.port, &[]);
    assert_eq!(ran.code, 65, "{}", ran.stderr);
    let sidecar = server.url("bytes/touchpoints/dt=2026-04-01/a.parquet.sha256");
    assert!(ran.stderr.contains(&sidecar), "{}", ran.stderr);
    assert_eq!(job.results(""), Vec::<String>::new());
    server.delete("bytes/touchpoints/dt=2026-04-01/a.parquet.sha256");

    let expected = job.expected();
    let ran = job.run(&["--set", "lineage.path=events.ndjson"]);
    assert!(ran.stderr.contains(&server.url("bytes/touchpoints/results/current.json")), "{}", ran.stderr);
    assert_eq!(job.current(), expected);
    job.assert_tidy();

    // By its content the run is the one on this machine.
    let pointer: Value = serde_json::from_slice(&job.result("current.json").unwrap()).unwrap();
    let local = job.warehouse.current();
    assert_eq!(pointer["run"].as_str(), local.file_name().and_then(|name| name.to_str()));
    let window = pointer["window"].as_str().unwrap();
    assert_eq!(job.result(&format!("windows/{window}.json")), job.result("current.json"));
    let manifest: Value =
        serde_json::from_slice(&job.result(pointer["manifest"].as_str().unwrap()).unwrap()).unwrap();
    let inputs = manifest["inputs"].as_array().unwrap();
    let first = server.url("bytes/touchpoints/dt=2026-04-01/a.parquet");
    assert_eq!((inputs.len(), inputs[0]["path"].as_str()), (2, Some(first.as_str())));
    assert_eq!(inputs[1]["verified"], true, "by the checksum beside it");
    let events = std::fs::read_to_string(job.warehouse.path("events.ndjson")).unwrap();
    let namespace = server.url("");
    assert!(events.contains(&format!("\"namespace\":\"{}\"", namespace.trim_end_matches('/'))), "{events}");
    assert!(events.contains("\"name\":\"bytes/touchpoints/results/stage_funnel\""), "{events}");

    // Its own results lie below the inputs, and are none of them.
    let again = job.run(&[]);
    assert!(again.stderr.contains("nothing new"), "{}", again.stderr);
    job.run(&["--force"]);
    assert_eq!(job.current(), expected);
    assert_eq!(job.results("runs/").iter().filter(|key| key.ends_with("manifest.json")).count(), 2);

    // A pattern, and one object.
    for location in ["touchpoints/dt=*/*.parquet", "touchpoints/dt=2026-04-01/a.parquet"] {
        let inputs = format!("inputs.touchpoints.path={}", server.url(&job.key(location)));
        let ran = job.run(&["--set", &inputs, "--force", "--quiet", "--output", "json"]);
        assert!(ran.stdout.contains(&server.url("bytes/touchpoints/results/runs/")), "{}", ran.stdout);
    }
    let mut explain = job.command_at(server.port, &[]);
    let arguments: Vec<_> = explain.get_args().map(ToOwned::to_owned).collect();
    explain = job.warehouse.command(&["explain", "--customer", "c-1"]);
    explain.args(&arguments[1..]).envs(server.environment(server.port));
    let ran = job.warehouse.finish(explain);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(ran.stdout.contains("Email"), "{}", ran.stdout);
}

fn what_cannot_be_reached_is_told_without_secrets(server: Server) {
    let job = Job::new(server, "unreachable");
    let nowhere = server.url("").replace("box", "no-such-box");
    let ran = job.run_at(server.port, &["--set", &format!("inputs.touchpoints.path={nowhere}x")]);
    assert_eq!(ran.code, 66, "{}", ran.stderr);
    let nothing = format!("inputs.touchpoints.path={}", server.url("unreachable/nothing/*.parquet"));
    let ran = job.run_at(server.port, &["--set", &nothing]);
    assert_eq!(ran.code, 66, "{}", ran.stderr);
    let mut command = job.warehouse.command(&["run", "--out", &format!("{nowhere}x")]);
    command.envs(server.environment(server.port)).env("TMPDIR", job.warehouse.path("tmp"));
    let ran = job.warehouse.finish(command);
    assert_eq!(ran.code, 74, "{}", ran.stderr);
    assert!(ran.stderr.contains("there is no such bucket or container"), "{}", ran.stderr);

    // A key that isn't that of the account. moto takes any.
    if server.protocol == Protocol::Azure {
        let key = "d3Jvbmcga2V5IG9mIHRoZSB0ZXN0cywgbG9uZyBlbm91Z2g=";
        let mut command = job.command_at(server.port, &[]);
        command.env("AZURE_STORAGE_ACCOUNT_KEY", key).env_remove("AZURE_STORAGE_USE_EMULATOR");
        let endpoint = format!("http://127.0.0.1:{}/devstoreaccount1", server.port);
        command.env("AZURE_STORAGE_ENDPOINT", endpoint).env("AZURE_ALLOW_HTTP", "true");
        let ran = job.warehouse.finish(command);
        assert_eq!(ran.code, 74, "{}", ran.stderr);
        assert!(!ran.stderr.contains(key), "{}", ran.stderr);
    }
    assert_eq!(job.current(), BTreeMap::new());
    job.assert_tidy();
}

/// What is needed of a row group doesn't fit into what a thread holds in memory.
fn large_row_groups_wait_on_disk(server: Server) {
    let job = Job::new(server, "large");
    let rows = 300_000;
    // Ids that nothing can shorten.
    let ids: Vec<String> = (0..rows).map(|row| hex(&u32::to_le_bytes(row))[..40].to_owned()).collect();
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    let each = |value: &'static str| vec![value; rows as usize];
    job.warehouse.parquet(
        "touchpoints/dt=2026-04-01/a.parquet",
        vec![
            ("customer_id", text(&ids)),
            ("occurred_at", times(&each("04-01 08:00"))),
            ("event", text(&each("click"))),
            ("channel", text(&each("Email"))),
        ],
    );
    let size = std::fs::metadata(job.warehouse.path("touchpoints/dt=2026-04-01/a.parquet")).unwrap().len();
    assert!(size > 9 << 20, "{size} bytes");
    job.upload("touchpoints/dt=2026-04-01/a.parquet");
    let expected = job.expected();
    job.run(&["--quiet"]);
    assert_eq!(job.current(), expected);
    job.assert_tidy();
}

fn refused_requests_are_tried_again_and_lost_answers_are_believed(server: Server) {
    let job = Job::new(server, "retried");
    let expected = job.expected();
    let refused = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&refused);
    let proxy = job.proxy(move |request| {
        let fate = if request.number.is_multiple_of(5) { Fate::Refused } else { Fate::Passed };
        count.fetch_add(usize::from(fate == Fate::Refused), Ordering::Relaxed);
        fate
    });
    let ran = job.run_at(proxy.port, &[]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(refused.load(Ordering::Relaxed) > 5);
    assert_eq!(job.current(), expected);

    // Each pointer is written, but the answer never comes: sent again it finds itself there, or the run looks.
    job.set_value(31.0);
    let expected = job.expected();
    let seen = Mutex::new(BTreeMap::new());
    let proxy = job.proxy(move |request| {
        let is_pointer = request.method == "PUT" && !request.path.contains("/runs/");
        let mut seen = seen.lock().unwrap();
        let times: &mut u32 = seen.entry(request.path.clone()).or_insert(0);
        *times += u32::from(is_pointer);
        if is_pointer && *times == 1 { Fate::Unanswered } else { Fate::Passed }
    });
    let ran = job.run_at(proxy.port, &[]);
    if ran.code != 0 {
        // Not every store may be asked again; then the run says so, and the next one finds what there is.
        assert_eq!(ran.code, 74, "{}", ran.stderr);
        job.run(&[]);
    }
    assert_eq!(job.current(), expected);
}

/// A child that a rule of a proxy may signal.
#[derive(Clone, Default)]
struct Victim(Arc<Mutex<Option<Child>>>);

impl Victim {
    fn spawn(&self, mut command: Command) {
        // Held while it starts: its first request may come before this returns.
        let mut child = self.0.lock().unwrap();
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
        *child = Some(command.spawn().unwrap());
    }

    fn kill(&self) {
        self.0.lock().unwrap().as_mut().unwrap().kill().unwrap();
    }

    fn terminate(&self) {
        let pid = self.0.lock().unwrap().as_ref().unwrap().id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    }

    /// Waits for its end without keeping a rule from it.
    fn wait(&self) -> Option<i32> {
        loop {
            if let Some(status) = self.0.lock().unwrap().as_mut().unwrap().try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Killed at every object that a run writes or removes.
fn a_killed_run_leaves_the_old_result_or_the_new_one(server: Server) {
    let job = Job::new(server, "killed");
    let few = ["--only", "stage_funnel", "--set", "output.keep={days=0,runs=1}"];
    let published = |job: &Job| {
        job.warehouse.run(&[&few[..], &["--quiet"]].concat());
        let tables = ["stage_funnel", "reconciliation"].iter();
        let names = tables.flat_map(|name| [format!("tables/{name}.parquet"), format!("csv/{name}.csv")]);
        let read = |name: String| {
            let bytes = std::fs::read(job.warehouse.path(&format!("out/current/{name}"))).unwrap();
            (name, bytes)
        };
        names.map(read).collect::<BTreeMap<_, _>>()
    };
    job.run(&few);
    let mut old = published(&job);
    assert_eq!(job.current(), old);
    let (mut points, mut kept, mut replaced) = (0, 0, 0);
    for number in 0.. {
        job.set_value(100.0 + number as f64);
        let new = published(&job);
        let victim = Victim::default();
        let killer = victim.clone();
        let writes = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&writes);
        let proxy = job.proxy(move |request| {
            let is_write = !matches!(request.method.as_str(), "GET" | "HEAD");
            if !is_write || count.fetch_add(1, Ordering::Relaxed) != number {
                return Fate::Passed;
            }
            killer.kill();
            // By turns the store gets what was sent or doesn't; nobody is there any more to hear of it.
            if number.is_multiple_of(2) { Fate::Refused } else { Fate::Unanswered }
        });
        victim.spawn(job.command_at(proxy.port, &few));
        let code = victim.wait();
        let written = writes.load(Ordering::Relaxed);
        let found = job.current();
        assert!(found == old || found == new, "torn at write {number}");
        if written <= number {
            assert_eq!(code, Some(0), "there is no such write any more");
            break;
        }
        kept += u32::from(found == old);
        replaced += u32::from(found == new);
        points += 1;
        job.run(&few);
        assert_eq!(job.current(), new, "after write {number}");
        old = new;
    }
    assert!(points >= 12 && kept > 0 && replaced > 0, "{points} points: {kept} old, {replaced} new");
}

fn a_stopped_run_takes_back_what_it_sent(server: Server) {
    let job = Job::new(server, "stopped");
    let victim = Victim::default();
    let stopper = victim.clone();
    let sent = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&sent);
    let proxy = job.proxy(move |request| {
        if request.method == "PUT" && count.fetch_add(1, Ordering::Relaxed) == 3 {
            stopper.terminate();
            // By the next request it knows.
            std::thread::sleep(Duration::from_millis(500));
        }
        Fate::Passed
    });
    victim.spawn(job.command_at(proxy.port, &["--threads", "1"]));
    assert_eq!(victim.wait(), Some(143));
    assert!(sent.load(Ordering::Relaxed) > 3);
    assert_eq!(job.results(""), Vec::<String>::new());
    job.assert_tidy();
}

fn an_object_that_is_replaced_while_it_is_read_is_noticed(server: Server) {
    let job = Job::new(server, "replaced");
    job.run(&["--quiet"]);
    let old = job.current();
    job.set_value(77.0);
    let path = job.warehouse.path("touchpoints/dt=2026-04-01/a.parquet");
    // Of the same size, and the next tick of the store's clock may not have come.
    let mut other = std::fs::read(&path).unwrap();
    let at = other.len() / 2;
    other[at] ^= 1;
    let (key, reads) = (job.key("touchpoints/dt=2026-04-01/a.parquet"), AtomicUsize::new(0));
    let proxy = job.proxy(move |request| {
        // The first read is that of the footer.
        if request.method == "GET"
            && request.path.ends_with("a.parquet")
            && reads.fetch_add(1, Ordering::Relaxed) == 1
        {
            server.put(&key, &other);
        }
        Fate::Passed
    });
    let ran = job.run_at(proxy.port, &["--force"]);
    assert_eq!(ran.code, 75, "{}", ran.stderr);
    assert!(
        ran.stderr.contains(&server.url(&job.key("touchpoints/dt=2026-04-01/a.parquet"))),
        "{}",
        ran.stderr
    );
    assert_eq!(job.current(), old);
}

fn of_two_runs_of_a_window_the_later_one_loses(server: Server) {
    let job = Arc::new(Job::new(server, "raced"));
    // On which the other run is done while this one is about to send what it has.
    let (other, begun) = (Arc::clone(&job), AtomicUsize::new(0));
    let proxy = job.proxy(move |request| {
        if request.method == "PUT" && begun.fetch_add(1, Ordering::Relaxed) == 0 {
            other.set_value(55.0);
            other.run(&["--quiet"]);
        }
        Fate::Passed
    });
    let ran = job.run_at(proxy.port, &[]);
    assert_eq!(ran.code, 75, "{}", ran.stderr);
    assert!(ran.stderr.contains("another run published"), "{}", ran.stderr);
    assert_eq!(job.current(), job.expected(), "the result of the other");
    let manifests = job.results("runs/").iter().filter(|key| key.ends_with("manifest.json")).count();
    assert_eq!(manifests, 1, "{:?}", job.results("runs/"));
    job.assert_tidy();
}

fn runs_that_nothing_keeps_go(server: Server) {
    let job = Job::new(server, "kept");
    let runs = || job.results("runs/").iter().filter(|key| key.ends_with("manifest.json")).count();
    job.run(&["--quiet"]);
    job.set_value(31.0);
    job.run(&["--quiet"]);
    assert_eq!((runs(), job.results("left/").len()), (2, 1), "the first was left a moment ago");
    job.set_value(32.0);
    job.run(&["--quiet", "--set", "output.keep={days=0,runs=1}"]);
    assert_eq!((runs(), job.results("left/").len()), (1, 0));
    assert_eq!(job.current(), job.expected());
}
