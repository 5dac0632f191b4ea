//! Runs that are killed or stopped.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::job::{Job, Victim};
use super::proxy::Fate;
use super::servers::Server;
use crate::support::counted;

/// Killed at every object that a run writes or removes, each time before and after the store does it.
pub fn a_killed_run_leaves_the_old_result_or_the_new_one(server: Server) {
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
    let (mut kept, mut replaced) = (0, 0);
    for point in 0.. {
        let (number, is_done) = (point / 2, point % 2 == 1);
        job.set_value(100.0 + point as f64);
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
            // Nobody is there any more to hear of it.
            if is_done { Fate::Unanswered } else { Fate::Refused }
        });
        victim.spawn(job.command_at(proxy.port, &few));
        let code = victim.wait();
        let written = writes.load(Ordering::Relaxed);
        let found = job.current();
        assert!(found == old || found == new, "torn at write {number}, done: {is_done}");
        if written <= number {
            assert_eq!(code, Some(0), "there is no such write any more");
            break;
        }
        kept += u32::from(found == old);
        replaced += u32::from(found == new);
        job.run(&few);
        assert_eq!(job.current(), new, "after write {number}");
        old = new;
    }
    counted(&format!(
        "{:?}: killed at {} points: {kept} left the old result, {replaced} the new one, all retries the new one",
        server.protocol,
        kept + replaced
    ));
    assert!(kept + replaced >= 24 && kept > 0 && replaced > 0, "{kept} old, {replaced} new");
}

pub fn a_stopped_run_takes_back_what_it_sent(server: Server) {
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

/// A store that refuses everything is asked again for a minute; who stops the run doesn't wait so long.
pub fn a_run_is_stopped_while_it_tries_again(server: Server) {
    let job = Job::new(server, "patient");
    job.run(&["--quiet"]);
    let (old, before) = (job.current(), job.results(""));
    job.set_value(31.0);
    let victim = Victim::default();
    let stopper = victim.clone();
    let refused = AtomicUsize::new(0);
    let stopped = Arc::new(Mutex::new(None));
    let at = Arc::clone(&stopped);
    let proxy = job.proxy(move |request| {
        if request.method != "PUT" {
            return Fate::Passed;
        }
        // By now it is in the middle of its pauses.
        if refused.fetch_add(1, Ordering::Relaxed) == 2 {
            stopper.terminate();
            *at.lock().unwrap() = Some(Instant::now());
        }
        Fate::Refused
    });
    victim.spawn(job.command_at(proxy.port, &["--threads", "1"]));
    assert_eq!(victim.wait(), Some(143));
    let took = stopped.lock().unwrap().expect("stopped").elapsed();
    counted(&format!("{:?}: stopped after {:.1} s of trying again", server.protocol, took.as_secs_f64()));
    // Five seconds, and what a busy machine needs to notice.
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!((job.current(), job.results("")), (old, before));
}
