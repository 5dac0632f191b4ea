//! Something between a run and its store that sees every request, and can refuse it, lose its answer, or do anything
//! else first.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A request as the rule sees it.
pub struct Request {
    pub method: String,
    /// Without what stands after `?`.
    pub path: String,
    /// What stands there.
    pub query: String,
    /// How many came before it.
    pub number: usize,
}

/// What becomes of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// It is passed on, and so is the answer.
    Passed,
    /// The store never sees it; the answer says that it is overloaded.
    Refused,
    /// The store never sees it; the answer says that it is forbidden, and repeats a token as S3 does.
    Forbidden,
    /// The store sees it, but the answer gets lost.
    Unanswered,
}

/// A token of a session, which the environment doesn't have and nobody may read.
pub const TOKEN: &str = "FwoGZXIvYXdzEDoaDKtoken";
const FORBIDDEN: &str = "<?xml version=\"1.0\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied\nRequestId:1</Message>\
    <Token-0>FwoGZXIvYXdzEDoaDKtoken</Token-0></Error>";

/// Decides on every request.
pub type Rule = Arc<dyn Fn(&Request) -> Fate + Send + Sync>;

/// Listens at `port` for as long as the process lives.
pub struct Proxy {
    pub port: u16,
}

impl Proxy {
    /// Before a server at a port of this machine.
    pub fn before(server: u16, rule: Rule) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let count = Arc::new(AtomicUsize::new(0));
        thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (rule, count) = (Arc::clone(&rule), Arc::clone(&count));
                // A client that goes away in the middle is what some tests are about.
                thread::spawn(move || drop(serve(client, server, &rule, &count)));
            }
        });
        Self { port }
    }
}

/// One request: whoever has more opens another connection.
fn serve(mut client: TcpStream, server: u16, rule: &Rule, count: &AtomicUsize) -> std::io::Result<()> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|part| part == b"\r\n\r\n") {
            break end + 4;
        }
        let mut part = [0; 4096];
        match client.read(&mut part)? {
            0 => return Ok(()),
            read => bytes.extend_from_slice(&part[..read]),
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let length = header(&head, "content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = bytes.split_off(end);
    let mut rest = vec![0; length - body.len()];
    client.read_exact(&mut rest)?;
    body.extend(rest);

    let mut words = head.split(' ');
    let method = words.next().unwrap_or_default().to_owned();
    let target = words.next().unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let (path, query) = (path.to_owned(), query.to_owned());
    let number = count.fetch_add(1, Ordering::Relaxed);
    let fate = rule(&Request { method, path, query, number });
    if fate == Fate::Refused {
        return client.write_all(b"HTTP/1.1 503 Slow Down\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    }
    if fate == Fate::Forbidden {
        let head = "HTTP/1.1 403 Forbidden\r\nContent-Type: application/xml\r\nConnection: close";
        return client.write_all(
            format!("{head}\r\nContent-Length: {}\r\n\r\n{FORBIDDEN}", FORBIDDEN.len()).as_bytes(),
        );
    }
    let mut upstream = TcpStream::connect(("127.0.0.1", server))?;
    let lines = head.trim_end().split("\r\n");
    for line in lines.filter(|line| !line.to_ascii_lowercase().starts_with("connection:")) {
        upstream.write_all(line.as_bytes())?;
        upstream.write_all(b"\r\n")?;
    }
    upstream.write_all(b"Connection: close\r\n\r\n")?;
    upstream.write_all(&body)?;
    let mut answer = Vec::new();
    upstream.read_to_end(&mut answer)?;
    match fate {
        Fate::Unanswered => Ok(()),
        _ => client.write_all(&answer),
    }
}

pub fn header<'h>(head: &'h str, name: &str) -> Option<&'h str> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    lines.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}
