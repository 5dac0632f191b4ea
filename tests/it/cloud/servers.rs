//! Object stores on this machine: moto speaks S3, Azurite speaks Azure Blob Storage.
//!
//! `TOUCHLINE_MOTO` and `TOUCHLINE_AZURITE` name their programs; `.ci/environments` installs both.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::support::skipped;

/// How long a server may take to start on a busy machine.
const PATIENCE: Duration = Duration::from_secs(120);
/// The account that Azurite always has, and its key, which its documentation prints.
const ACCOUNT: &str = "devstoreaccount1";
const ACCOUNT_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";
/// The version of the protocol that requests of the tests speak.
const VERSION: &str = "2021-08-06";
/// The header of a request to moto.
const UNSIGNED: &str = "Authorization: AWS4-HMAC-SHA256 Credential=AKIA/20260101/us-east-1/s3/aws4_request, \
                        SignedHeaders=host, Signature=0\r\n";
/// The one bucket, or container, of a server.
pub const BUCKET: &str = "box";

/// Which protocol a server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    S3,
    Azure,
}

/// A server, as those see it who ask it for something.
#[derive(Debug, Clone, Copy)]
pub struct Server {
    pub protocol: Protocol,
    pub port: u16,
}

/// The process of a server, which ends when this is dropped.
pub struct Running {
    pub server: Server,
    child: Child,
    _folder: tempfile::TempDir,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An answer of a server.
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

impl Running {
    /// Starts a server with an empty bucket; None where its program isn't there.
    pub fn start(protocol: Protocol) -> Option<Self> {
        let variable = match protocol {
            Protocol::S3 => "TOUCHLINE_MOTO",
            Protocol::Azure => "TOUCHLINE_AZURITE",
        };
        let Some(program) = std::env::var_os(variable).map(PathBuf::from).filter(|path| path.exists()) else {
            skipped(&format!("{variable} names no program"));
            return None;
        };
        // Another process may take the port between here and there: then the next one.
        let server = (0..5).find_map(|_| Self::start_on(protocol, &program, free_port()));
        Some(server.unwrap_or_else(|| panic!("{} ends by itself", program.display())))
    }

    fn start_on(protocol: Protocol, program: &Path, port: u16) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut command = dying_with_this(program);
        match protocol {
            Protocol::S3 => command.args(["-H", "127.0.0.1", "-p", &port.to_string()]),
            Protocol::Azure => command
                .args(["--silent", "--disableTelemetry", "--skipApiVersionCheck", "--inMemoryPersistence"])
                .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()]),
        };
        let child = command
            .current_dir(folder.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let server = Server { protocol, port };
        let mut running = Self { server, child, _folder: folder };
        let begun = Instant::now();
        while begun.elapsed() < PATIENCE {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                let query = if protocol == Protocol::Azure { "restype=container" } else { "" };
                let made = server.request("PUT", "", query, &[]);
                assert!((200..300).contains(&made.status), "{}", String::from_utf8_lossy(&made.body));
                return Some(running);
            }
            if running.child.try_wait().expect("waited").is_some() {
                return None;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server doesn't answer");
    }
}

impl Server {
    /// The location of a key.
    pub fn url(&self, key: &str) -> String {
        match self.protocol {
            Protocol::S3 => format!("s3://{BUCKET}/{key}"),
            Protocol::Azure => format!("az://{BUCKET}/{key}"),
        }
    }

    /// What the environment of a run is to say, with the server, or something before it, at a port.
    pub fn environment(&self, port: u16) -> Vec<(&'static str, String)> {
        match self.protocol {
            Protocol::S3 => vec![
                ("AWS_ENDPOINT_URL", format!("http://127.0.0.1:{port}")),
                ("AWS_ALLOW_HTTP", "true".to_owned()),
                ("AWS_REGION", "us-east-1".to_owned()),
                ("AWS_ACCESS_KEY_ID", "AKIA-OF-THE-TESTS".to_owned()),
                ("AWS_SECRET_ACCESS_KEY", "a-secret-of-the-tests".to_owned()),
            ],
            Protocol::Azure => vec![
                ("AZURE_STORAGE_USE_EMULATOR", "true".to_owned()),
                ("AZURITE_BLOB_STORAGE_URL", format!("http://127.0.0.1:{port}")),
                ("AZURE_STORAGE_ACCOUNT_NAME", ACCOUNT.to_owned()),
                ("AZURE_STORAGE_ACCOUNT_KEY", ACCOUNT_KEY.to_owned()),
            ],
        }
    }

    /// Writes an object.
    pub fn put(&self, key: &str, body: &[u8]) {
        let answer = self.request("PUT", key, "", body);
        assert!((200..300).contains(&answer.status), "{}", String::from_utf8_lossy(&answer.body));
    }

    /// Reads an object.
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let answer = self.request("GET", key, "", &[]);
        (answer.status == 200).then_some(answer.body)
    }

    /// Removes an object.
    pub fn delete(&self, key: &str) {
        self.request("DELETE", key, "", &[]);
    }

    /// Names of all objects that begin so.
    pub fn list(&self, prefix: &str) -> Vec<String> {
        let (query, tag) = match self.protocol {
            Protocol::S3 => (format!("list-type=2&prefix={prefix}"), "Key"),
            Protocol::Azure => (format!("comp=list&prefix={prefix}&restype=container"), "Name"),
        };
        let answer = self.request("GET", "", &query, &[]);
        let text = String::from_utf8(answer.body).expect("XML");
        let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
        let names = text.split(&open).skip(1).filter_map(|rest| rest.split(&close).next());
        let mut names: Vec<String> = names.filter(|name| *name != BUCKET).map(str::to_owned).collect();
        names.sort();
        names
    }

    /// Uploads in parts that were begun and not ended, of S3.
    pub fn uploads(&self) -> usize {
        let answer = self.request("GET", "", "uploads", &[]);
        String::from_utf8_lossy(&answer.body).matches("<UploadId>").count()
    }

    fn request(&self, method: &str, key: &str, query: &str, body: &[u8]) -> Answer {
        let path = match self.protocol {
            Protocol::S3 => format!("/{BUCKET}"),
            Protocol::Azure => format!("/{ACCOUNT}/{BUCKET}"),
        };
        let path = if key.is_empty() { path } else { format!("{path}/{}", encoded(key)) };
        let target = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
        let mut head = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n", self.port);
        head.push_str(&format!("Connection: close\r\nContent-Length: {}\r\n", body.len()));
        match self.protocol {
            // moto asks for a signature, but doesn't look at it.
            Protocol::S3 => head.push_str(UNSIGNED),
            Protocol::Azure => {
                head.push_str(&signed(method, &path, query, body.len(), !key.is_empty()));
            }
        }
        head.push_str("\r\n");
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("connected");
        stream.write_all(head.as_bytes()).expect("sent");
        stream.write_all(body).expect("sent");
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("answered");
        parse(&answer)
    }
}

/// A command that is killed when the thread dies that starts it, also where nobody is left to drop what is running: by
/// `setpriv` of util-linux. Elsewhere it is the plain one.
fn dying_with_this(program: &Path) -> Command {
    let has_setpriv = Command::new("setpriv")
        .args(["--pdeathsig", "KILL", "true"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_setpriv {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL"]).arg(program);
    command
}

/// A key as a request has it.
fn encoded(key: &str) -> String {
    let mut text = String::new();
    for byte in key.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~/=".contains(&byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

/// A port that is free at the moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port()
}

fn parse(answer: &[u8]) -> Answer {
    let end = answer.windows(4).position(|part| part == b"\r\n\r\n").expect("a head");
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("a status");
    let mut body = answer[end + 4..].to_vec();
    if head.contains("transfer-encoding: chunked") {
        body = unchunked(&body);
    }
    Answer { status, body }
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|part| part == b"\r\n").expect("a length");
        let length = std::str::from_utf8(&rest[..end]).expect("ASCII");
        let length =
            usize::from_str_radix(length.split(';').next().unwrap_or_default(), 16).expect("hexadecimal");
        if length == 0 {
            return body;
        }
        body.extend_from_slice(&rest[end + 2..end + 2 + length]);
        rest = &rest[end + 2 + length + 2..];
    }
}

/// The headers of a request with the shared key of the account, as "Authorize with Shared Key" of Azure's documentation
/// has them.
fn signed(method: &str, path: &str, query: &str, length: usize, is_blob: bool) -> String {
    let date = jiff::Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let mut headers = vec![("x-ms-date", date.as_str()), ("x-ms-version", VERSION)];
    if method == "PUT" && is_blob {
        headers.insert(0, ("x-ms-blob-type", "BlockBlob"));
    }
    let length = if length == 0 { String::new() } else { length.to_string() };
    let canonical: String = headers.iter().map(|(name, value)| format!("{name}:{value}\n")).collect();
    let mut parameters: Vec<&str> = query.split('&').filter(|part| !part.is_empty()).collect();
    parameters.sort_unstable();
    let parameters: String =
        parameters.iter().map(|part| format!("\n{}", part.replacen('=', ":", 1))).collect();
    let text = format!("{method}\n\n\n{length}\n\n\n\n\n\n\n\n\n{canonical}/{ACCOUNT}{path}{parameters}");
    let signature = encode(&hmac(&decode(ACCOUNT_KEY), text.as_bytes()));
    let mut lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    lines.push_str(&format!("Authorization: SharedKey {ACCOUNT}:{signature}\r\n"));
    lines
}

/// HMAC-SHA256, RFC 2104, of a key no longer than a block.
fn hmac(key: &[u8], text: &[u8]) -> Vec<u8> {
    let pad = |with: u8| -> Vec<u8> { (0..64).map(|at| key.get(at).copied().unwrap_or(0) ^ with).collect() };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(text).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// Base64, RFC 4648.
fn encode(bytes: &[u8]) -> String {
    let mut text = String::new();
    for part in bytes.chunks(3) {
        let bits =
            part.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - part.len()));
        for at in 0..4 {
            let letter = LETTERS[(bits >> (18 - 6 * at)) as usize & 63];
            text.push(if at <= part.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

fn decode(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let (mut bits, mut count) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=') {
        let value = LETTERS.iter().position(|known| *known == letter).expect("Base64") as u32;
        (bits, count) = (bits << 6 | value, count + 6);
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}

#[test]
fn the_tests_sign_as_the_standards_have_it() {
    assert_eq!(encode(b"ma"), "bWE=");
    assert_eq!(decode("bWE="), b"ma");
    // RFC 4231, test case 2.
    let found: String =
        hmac(b"Jefe", b"what do ya want for nothing?").iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(found, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}
