//! Runs from bucket to bucket, against servers on this machine that speak the protocols of S3 and of Azure: the bytes
//! of local folders, whatever dies, fails or gets in between.

mod catalogue;
mod hostile;
mod job;
mod killed;
mod multipart;
mod proxy;
mod servers;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;
use sha2::{Digest, Sha256};

use self::job::{Job, hex};
use self::proxy::Fate;
use self::servers::{Protocol, Running, Server};
use crate::support::{counted, few_touchpoints, text, times, with};

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
    let scenarios: &[(&str, Scenario)] = &[
        ("the bytes are those of local folders", the_bytes_are_those_of_local_folders),
        ("what cannot be reached is told without secrets", what_cannot_be_reached_is_told_without_secrets),
        ("large row groups wait on disk", large_row_groups_wait_on_disk),
        (
            "refused requests are tried again and lost answers are believed",
            refused_requests_are_tried_again_and_lost_answers_are_believed,
        ),
        (
            "a killed run leaves the old result or the new one",
            killed::a_killed_run_leaves_the_old_result_or_the_new_one,
        ),
        ("a stopped run takes back what it sent", killed::a_stopped_run_takes_back_what_it_sent),
        ("a run is stopped while it tries again", killed::a_run_is_stopped_while_it_tries_again),
        ("large objects go in parts", multipart::large_objects_go_in_parts),
        ("names are taken as they are", hostile::names_are_taken_as_they_are),
        ("long lists are read to their end", hostile::long_lists_are_read_to_their_end),
        ("an object that vanishes is noticed", hostile::an_object_that_vanishes_is_noticed),
        ("what is forbidden is told without tokens", hostile::what_is_forbidden_is_told_without_tokens),
        ("nothing goes unencrypted unless allowed", hostile::nothing_goes_unencrypted_unless_allowed),
        ("a whole bucket may hold results", hostile::a_whole_bucket_may_hold_results),
        (
            "an object that is replaced while it is read is noticed",
            an_object_that_is_replaced_while_it_is_read_is_noticed,
        ),
        ("of two runs of a window the later one loses", of_two_runs_of_a_window_the_later_one_loses),
        ("runs that nothing keeps go", runs_that_nothing_keeps_go),
    ];
    // All of them, so that one failure doesn't hide another.
    let fails = |(name, scenario): &&(&str, Scenario)| {
        let begun = Instant::now();
        let failed =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| scenario(running.server))).is_err();
        counted(&format!("{protocol:?}: {name}: {:.1} s", begun.elapsed().as_secs_f64()));
        failed
    };
    let failed: Vec<&str> = scenarios.iter().filter(fails).map(|(name, _)| *name).collect();
    assert!(failed.is_empty(), "{protocol:?}: {failed:?}");
}

/// SHA-256 of files with their names.
fn digest(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut all = Sha256::new();
    for (name, bytes) in files {
        all.update(format!("{name}\n{}\n", bytes.len()));
        all.update(bytes);
    }
    all.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
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
    let published = job.current();
    counted(&format!(
        "{:?}: {} tables and CSV files, SHA-256 of all here {}, there {}",
        server.protocol,
        published.len(),
        digest(&expected),
        digest(&published)
    ));
    assert_eq!(published, expected);
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
