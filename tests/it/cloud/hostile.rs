//! Buckets that hold odd things, and stores that don't do what is asked.

use std::collections::BTreeMap;

use super::job::Job;
use super::proxy::{Fate, TOKEN};
use super::servers::{Protocol, Server};
use crate::support::{few_touchpoints, text, with};

/// Blanks, letters of all kinds and what addresses escape, in keys and in columns of folders; empty objects that stand for
/// folders.
pub fn names_are_taken_as_they_are(server: Server) {
    let job = Job::new(server, "odd names");
    let others = with(few_touchpoints(), "customer_id", text(&["c-4", "c-4", "c-5", "c-5", "c-6", "c-6"]));
    let odd = "touchpoints/dt=2026-04-02/store=Söf%20ia & co/a b+ü=1%25;,(x)'.parquet";
    job.warehouse.parquet(odd, others);
    job.upload(odd);
    let others = with(few_touchpoints(), "customer_id", text(&["c-7", "c-7", "c-8", "c-8", "c-9", "c-9"]));
    job.warehouse.parquet("touchpoints/daily.parquet/part-0.parquet", others);
    job.upload("touchpoints/daily.parquet/part-0.parquet");
    if server.protocol == Protocol::S3 {
        for folder in ["touchpoints/", "touchpoints/dt=2026-04-02/", "touchpoints/daily.parquet/"] {
            server.put(&job.key(folder), b"");
        }
    }
    let expected = job.expected();
    job.run(&["--quiet"]);
    assert_eq!(job.current(), expected);
    // One of them alone, by its name.
    let inputs = format!("inputs.touchpoints.path={}", server.url(&job.key(odd)));
    let ran = job.run(&["--set", &inputs]);
    assert!(ran.stderr.contains('6'), "{}", ran.stderr);

    // What no request can name isn't passed over in silence.
    if server.protocol == Protocol::S3 {
        server.put(&job.key("touchpoints/twice//a.parquet"), b"");
        let ran = job.run_at(server.port, &["--quiet"]);
        assert_eq!(ran.code, 65, "{}", ran.stderr);
        assert!(ran.stderr.contains("twice//a.parquet"), "{}", ran.stderr);
        server.delete(&job.key("touchpoints/twice//a.parquet"));
    }
}

/// S3 answers a thousand names at a time.
pub fn long_lists_are_read_to_their_end(server: Server) {
    if server.protocol != Protocol::S3 {
        return;
    }
    let job = Job::new(server, "long");
    for number in 0..1_100 {
        server.put(&job.key(&format!("touchpoints/dt=2026-04-01/{number:04}.txt")), b"no table");
    }
    let others = with(few_touchpoints(), "customer_id", text(&["c-4", "c-4", "c-5", "c-5", "c-6", "c-6"]));
    job.warehouse.parquet("touchpoints/dt=2026-04-02/last.parquet", others);
    job.upload("touchpoints/dt=2026-04-02/last.parquet");
    let expected = job.expected();
    job.run(&["--quiet"]);
    assert_eq!(job.current(), expected);
}

pub fn an_object_that_vanishes_is_noticed(server: Server) {
    let job = Job::new(server, "vanished");
    let key = job.key("touchpoints/dt=2026-04-01/a.parquet");
    let proxy = job.proxy(move |request| {
        if request.method == "GET" && request.path.ends_with("a.parquet") {
            server.delete(&key);
        }
        Fate::Passed
    });
    let ran = job.run_at(proxy.port, &[]);
    assert_eq!(ran.code, 75, "{}", ran.stderr);
    // Azure answers what isn't there as it does what was replaced.
    assert!(ran.stderr.contains("changed while it was read"), "{}", ran.stderr);
    assert_eq!(job.results(""), Vec::<String>::new());
    job.assert_tidy();
}

pub fn what_is_forbidden_is_told_without_tokens(server: Server) {
    let job = Job::new(server, "forbidden");
    for (method, what) in [("GET", "objects"), ("GET", "lists"), ("PUT", "results")] {
        let proxy = job.proxy(move |request| {
            let is_meant = match what {
                "objects" => request.path.ends_with("a.parquet"),
                "lists" => !request.path.contains("forbidden"),
                _ => request.path.contains("/runs/"),
            };
            if request.method == method && is_meant { Fate::Forbidden } else { Fate::Passed }
        });
        let ran = job.run_at(proxy.port, &[]);
        assert_eq!(ran.code, 74, "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains("AccessDenied: Access Denied"), "{what}: {}", ran.stderr);
        assert!(ran.stderr.contains("docs/object-stores.md"), "{what}: {}", ran.stderr);
        assert!(!ran.stderr.contains(TOKEN) && !ran.stderr.contains("<Error"), "{what}: {}", ran.stderr);
        assert_eq!(job.results(""), Vec::<String>::new());
        job.assert_tidy();
    }
}

pub fn nothing_goes_unencrypted_unless_allowed(server: Server) {
    let job = Job::new(server, "unencrypted");
    let mut command = job.command_at(server.port, &[]);
    let (variable, permission) = match server.protocol {
        Protocol::S3 => ("AWS_ENDPOINT_URL", "AWS_ALLOW_HTTP"),
        Protocol::Azure => {
            command.env_remove("AZURE_STORAGE_USE_EMULATOR");
            ("AZURE_STORAGE_ENDPOINT", "AZURE_ALLOW_HTTP")
        }
    };
    command.env_remove(permission).env(variable, format!("http://me:hush-hush@127.0.0.1:{}", server.port));
    let ran = job.warehouse.finish(command);
    assert_eq!(ran.code, 78, "{}", ran.stderr);
    assert!(ran.stderr.contains(permission) && !ran.stderr.contains("hush-hush"), "{}", ran.stderr);

    // Whose bucket it is, Azure has to be told.
    if server.protocol == Protocol::Azure {
        let mut command = job.command_at(server.port, &[]);
        for variable in ["AZURE_STORAGE_USE_EMULATOR", "AZURE_STORAGE_ACCOUNT_NAME"] {
            command.env_remove(variable);
        }
        let ran = job.warehouse.finish(command);
        assert_eq!(ran.code, 78, "{}", ran.stderr);
        assert!(ran.stderr.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{}", ran.stderr);
    }
    assert_eq!(job.current(), BTreeMap::new());
}

/// No prefix, and slashes at the ends.
pub fn a_whole_bucket_may_hold_results(server: Server) {
    let job = Job::new(server, "whole");
    let inputs = format!("inputs.touchpoints.path={}/", server.url(&job.key("touchpoints")));
    let run = || {
        let arguments = ["run", "--set", &inputs, "--out", &server.url("")];
        let mut command = job.warehouse.command(&arguments);
        command.envs(server.environment(server.port)).env("TMPDIR", job.warehouse.path("tmp"));
        let ran = job.warehouse.finish(command);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran
    };
    run();
    assert!(server.get("current.json").is_some());
    let ran = run();
    assert!(ran.stderr.contains("nothing new"), "{}", ran.stderr);
    for prefix in ["current.json", "runs/", "windows/", "left/"] {
        for key in server.list(prefix) {
            server.delete(&key);
        }
    }
}
