//! Objects that are too large for one request.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::job::Job;
use super::proxy::{Fate, Request};
use super::servers::{Protocol, Server};
use crate::support::{counted, floats, text, times};

/// What a run sends at once; more goes in parts.
const PART_BYTES: usize = 8 << 20;
/// Rows that are rejected, each with a hash of its own that nothing can shorten.
const ROWS: usize = 500_000;

/// Whether a request begins, continues or ends an upload in parts.
fn is_part(request: &Request) -> bool {
    let of_s3 = ["uploads", "uploadId="].iter().any(|begin| request.query.contains(begin));
    let of_azure = ["comp=block"].iter().any(|begin| request.query.contains(begin));
    of_s3 || of_azure
}

pub fn large_objects_go_in_parts(server: Server) {
    let job = Job::new(server, "parts");
    // The last row is a good one.
    let values: Vec<Option<f64>> =
        (0..ROWS).map(|row| Some(if row + 1 == ROWS { 3.0 } else { -1.0 - row as f64 })).collect();
    job.warehouse.parquet(
        "touchpoints/dt=2026-04-01/a.parquet",
        vec![
            ("customer_id", text(&vec!["c-1"; ROWS])),
            ("occurred_at", times(&vec!["04-01 08:00"; ROWS])),
            ("event", text(&vec!["purchase"; ROWS])),
            ("channel", text(&vec!["Email"; ROWS])),
            ("value", floats(&values)),
        ],
    );
    job.upload("touchpoints/dt=2026-04-01/a.parquet");
    let few = ["--only", "stage_funnel", "--quiet", "--set", "contract.max_rejected_share=1.0"];

    // The second part is refused for good: nothing of it is left, in the store or on this machine.
    let parts = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&parts);
    let proxy = job.proxy(move |request| {
        let is_sent = request.method == "PUT" && is_part(request) && request.path.contains("/rejected/");
        if is_sent && count.fetch_add(1, Ordering::Relaxed) == 1 { Fate::Forbidden } else { Fate::Passed }
    });
    let ran = job.run_at(proxy.port, &few);
    assert_eq!(ran.code, 74, "{}", ran.stderr);
    assert!(parts.load(Ordering::Relaxed) >= 2, "the file of rejected rows has to be larger than a part");
    assert_eq!(job.results(""), Vec::<String>::new());
    if server.protocol == Protocol::S3 {
        assert_eq!(server.uploads(), 0, "what was begun is ended");
    }
    job.assert_tidy();

    // Some requests are refused for now.
    let begun = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&begun);
    let proxy = job.proxy(move |request| {
        let is_refused = is_part(request) && count.fetch_add(1, Ordering::Relaxed).is_multiple_of(3);
        if is_refused { Fate::Refused } else { Fate::Passed }
    });
    let ran = job.run_at(proxy.port, &few);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let sent = job.results("runs/");
    let rejected = sent.iter().find(|key| key.contains("/rejected/")).expect("rejected rows");
    let size = server.get(rejected).expect("an object").len();
    assert!(size > PART_BYTES, "{size} bytes");
    counted(&format!(
        "{:?}: {size} bytes in parts, by {} requests",
        server.protocol,
        begun.load(Ordering::Relaxed)
    ));
    job.assert_tidy();
}
