//! Lineage events over HTTP, to catalogues on this machine that take them, refuse them, or never answer.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::proxy::header;
use crate::support::{CONFIG, Ran, Warehouse, few_touchpoints};

const KEY: &str = "the-key-of-the-catalogue";

/// What a catalogue answers.
#[derive(Debug, Clone, Copy)]
enum Answer {
    Status(&'static str),
    /// Nothing, ever.
    Silence,
}

/// A request as it came.
#[derive(Debug, Clone)]
struct Post {
    head: String,
    event: Value,
}

/// A catalogue at a port, as long as the process lives.
struct Catalogue {
    port: u16,
    posts: Arc<Mutex<Vec<Post>>>,
}

impl Catalogue {
    /// Answers each request by its number.
    fn start(answer: impl Fn(usize) -> Answer + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let posts = Arc::new(Mutex::new(Vec::new()));
        let taken = Arc::clone(&posts);
        thread::spawn(move || {
            let mut silent = Vec::new();
            for mut client in listener.incoming().flatten() {
                let Ok(post) = read(&mut client) else { continue };
                let number = {
                    let mut taken = taken.lock().unwrap();
                    taken.push(post);
                    taken.len() - 1
                };
                match answer(number) {
                    Answer::Status(status) => {
                        let head = format!("HTTP/1.1 {status}\r\nConnection: close\r\nContent-Length: 0\r\n");
                        let _ = client.write_all(format!("{head}Location: /elsewhere\r\n\r\n").as_bytes());
                    }
                    Answer::Silence => silent.push(client),
                }
            }
        });
        Self { port, posts }
    }

    fn url(&self) -> String {
        format!("lineage.url=http://127.0.0.1:{}", self.port)
    }

    fn posts(&self) -> Vec<Post> {
        self.posts.lock().unwrap().clone()
    }

    fn kinds(&self) -> Vec<String> {
        self.posts().iter().map(|post| post.event["eventType"].as_str().expect("a type").to_owned()).collect()
    }
}

fn read(client: &mut TcpStream) -> std::io::Result<Post> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break end + 4;
        }
        let mut part = [0; 4096];
        match client.read(&mut part)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => bytes.extend_from_slice(&part[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length: usize = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end);
    let mut rest = vec![0; length - body.len()];
    client.read_exact(&mut rest)?;
    body.extend(rest);
    Ok(Post { head, event: serde_json::from_slice(&body)? })
}

fn warehouse() -> Warehouse {
    let warehouse = Warehouse::new(CONFIG);
    warehouse.parquet("touchpoints/a.parquet", few_touchpoints());
    warehouse
}

/// A run with settings, and with the key in its environment.
fn run_with_key(warehouse: &Warehouse, settings: &[&str]) -> Ran {
    let mut command = warehouse.command(&["run"]);
    for setting in settings {
        command.args(["--set", setting]);
    }
    command.env("OPENLINEAGE_API_KEY", KEY);
    warehouse.finish(command)
}

fn warnings(ran: &Ran) -> Vec<&str> {
    ran.stderr.lines().filter(|line| line.starts_with("warning")).collect()
}

/// It is published, whatever became of its events.
fn assert_published(warehouse: &Warehouse, ran: &Ran) {
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    assert!(warehouse.published().len() >= 20);
    assert!(!ran.stderr.contains(KEY), "{}", ran.stderr);
}

#[test]
fn events_arrive_as_they_are_written_and_in_their_order() {
    let (warehouse, catalogue) = (warehouse(), Catalogue::start(|_| Answer::Status("201 Created")));
    let url = format!("{}/of/marketing/", catalogue.url());
    let ran = run_with_key(&warehouse, &[&url, "lineage.path=events.ndjson"]);
    assert_published(&warehouse, &ran);
    assert_eq!(warnings(&ran), Vec::<&str>::new());
    let text = std::fs::read_to_string(warehouse.path("events.ndjson")).expect("events");
    let written: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    let posts = catalogue.posts();
    assert_eq!(posts.iter().map(|post| post.event.clone()).collect::<Vec<_>>(), written);
    assert_eq!(catalogue.kinds(), ["START", "COMPLETE"]);
    for post in &posts {
        assert!(post.head.starts_with("POST /of/marketing/api/v1/lineage HTTP/1.1\r\n"), "{}", post.head);
        assert_eq!(header(&post.head, "content-type"), Some("application/json"));
        assert_eq!(header(&post.head, "authorization"), Some(format!("Bearer {KEY}").as_str()));
    }
    assert!(!text.contains(KEY));

    // Without a key nothing stands for it; another catalogue may take events elsewhere.
    let other = Catalogue::start(|_| Answer::Status("200 OK"));
    warehouse.run(&["--set", &other.url(), "--set", "lineage.endpoint=/api/v2/events"]);
    assert_eq!(other.kinds(), ["START", "COMPLETE"]);
    let head = &other.posts()[0].head;
    assert!(head.starts_with("POST /api/v2/events ") && header(head, "authorization").is_none(), "{head}");
}

#[test]
fn a_run_that_fails_says_so_and_keeps_its_code() {
    let (warehouse, catalogue) = (warehouse(), Catalogue::start(|_| Answer::Status("200 OK")));
    warehouse.write("touchpoints/b.parquet", "no Parquet");
    let ran = run_with_key(&warehouse, &[&catalogue.url()]);
    assert_eq!(ran.code, 65, "{}", ran.stderr);
    assert_eq!(catalogue.kinds(), ["START", "FAIL"]);
}

#[test]
fn what_is_refused_for_a_moment_is_sent_again() {
    let answer = |number| Answer::Status(if number == 0 { "503 Service Unavailable" } else { "200 OK" });
    let (warehouse, catalogue) = (warehouse(), Catalogue::start(answer));
    let ran = run_with_key(&warehouse, &[&catalogue.url()]);
    assert_published(&warehouse, &ran);
    assert_eq!(
        (warnings(&ran), catalogue.kinds()),
        (Vec::new(), ["START", "START", "COMPLETE"].map(String::from).to_vec())
    );
}

#[test]
fn a_catalogue_that_refuses_is_told_once_and_fails_no_run() {
    // Tried again where that may help.
    for (status, posts) in
        [("500 Internal Server Error", 6), ("401 Unauthorized", 2), ("307 Temporary Redirect", 2)]
    {
        let (warehouse, catalogue) = (warehouse(), Catalogue::start(move |_| Answer::Status(status)));
        let ran = run_with_key(&warehouse, &[&catalogue.url()]);
        assert_published(&warehouse, &ran);
        let expected = format!(
            "warning: lineage events could not be sent to http://127.0.0.1:{}/api/v1/lineage: the answer was {status}",
            catalogue.port
        );
        assert_eq!(warnings(&ran), [expected.as_str()]);
        assert_eq!(catalogue.posts().len(), posts, "{status}");
    }
}

#[test]
fn a_catalogue_that_never_answers_holds_nobody_up() {
    let (warehouse, catalogue) = (warehouse(), Catalogue::start(|_| Answer::Silence));
    let begun = Instant::now();
    let ran = run_with_key(&warehouse, &[&catalogue.url(), "lineage.timeout=300ms"]);
    assert_published(&warehouse, &ran);
    assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", begun.elapsed());
    let warnings = warnings(&ran);
    assert!(warnings.len() == 1 && warnings[0].ends_with(": no answer within 0.3 s"), "{warnings:?}");
    assert_eq!(catalogue.kinds(), ["START", "COMPLETE"]);
}

#[test]
fn a_catalogue_that_is_dead_fails_no_run() {
    let warehouse = warehouse();
    let port =
        TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a port").port();
    let url = format!("lineage.url=http://127.0.0.1:{port}");
    let mut command = warehouse.command(&["run", "--log-format", "json", "--set", &url]);
    command.env("OPENLINEAGE_API_KEY", KEY);
    let ran = warehouse.finish(command);
    assert_published(&warehouse, &ran);
    let lines = ran.stderr.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
    let told: Vec<String> = lines
        .filter(|line| line["event"] == "warning")
        .map(|line| line["message"].as_str().expect("a message").to_owned())
        .collect();
    assert!(told.len() == 1 && told[0].contains("Connection refused"), "{told:?}");
}

#[test]
fn a_key_is_not_sent_where_others_can_read_it() {
    let warehouse = warehouse();
    let ran = run_with_key(&warehouse, &["lineage.url=http://catalogue.invalid"]);
    assert_published(&warehouse, &ran);
    let warnings = warnings(&ran);
    assert!(
        warnings.len() == 1 && warnings[0].contains("OPENLINEAGE_API_KEY is not sent over http://"),
        "{warnings:?}"
    );
}
