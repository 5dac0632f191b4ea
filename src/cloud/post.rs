//! JSON that is posted to an address.

use std::io::{Error, ErrorKind, Result};
use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, StatusCode};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio::time;

use super::runtime;

/// What is sent is sent so often, unless it is refused for good.
const MOST_ATTEMPTS: u32 = 3;
/// Before it is sent again, the first time; then twice as long.
const PAUSE: Duration = Duration::from_millis(200);

/// An address that takes JSON.
#[derive(Debug)]
pub struct Receiver {
    client: Client,
    url: String,
    /// For all attempts at one document together.
    timeout: Duration,
    runtime: Arc<Runtime>,
}

/// A document on its way.
#[derive(Debug)]
pub struct Sending {
    task: JoinHandle<Result<()>>,
    runtime: Arc<Runtime>,
}

impl Receiver {
    /// An address, and the key that opens it, sent as a bearer token. Nothing is sent yet.
    ///
    /// # Errors
    /// The key can't stand in a header, or there are no certificates to tell servers by.
    pub fn new(url: &str, key: Option<&str>, timeout: Duration) -> Result<Self> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(key) = key {
            let mut bearer = HeaderValue::try_from(format!("Bearer {key}"))
                .map_err(|_| Error::new(ErrorKind::InvalidInput, "the key can't stand in a header"))?;
            bearer.set_sensitive(true);
            headers.insert(AUTHORIZATION, bearer);
        }
        let client = Client::builder()
            .default_headers(headers)
            .user_agent(concat!("touchline/", env!("CARGO_PKG_VERSION")))
            // A key is for who was named, and a POST that is redirected is no POST any more.
            .redirect(Policy::none())
            .build()
            .map_err(|error| told(&error))?;
        Ok(Self { client, url: url.to_owned(), timeout, runtime: runtime::shared()? })
    }

    /// Begins to send a document, and goes on.
    pub fn send(&self, json: String) -> Sending {
        let (client, url, timeout) = (self.client.clone(), self.url.clone(), self.timeout);
        let task = self.runtime.spawn(async move {
            let sent = time::timeout(timeout, deliver(&client, &url, &json)).await;
            sent.unwrap_or_else(|_| Err(no_answer(timeout)))
        });
        Sending { task, runtime: Arc::clone(&self.runtime) }
    }
}

impl Sending {
    /// Waits until the document is delivered, but no longer than `patience`; what isn't then, is given up.
    ///
    /// # Errors
    /// It isn't delivered, and why.
    pub fn wait(mut self, patience: Duration) -> Result<()> {
        // The timer belongs to the runtime and has to be made in it.
        let waited = self.runtime.block_on(async { time::timeout(patience, &mut self.task).await });
        match waited {
            Ok(joined) => joined.map_err(Error::other)?,
            Err(_) => {
                self.task.abort();
                Err(no_answer(patience))
            }
        }
    }
}

async fn deliver(client: &Client, url: &str, json: &str) -> Result<()> {
    let mut pause = PAUSE;
    let mut attempts = 1;
    loop {
        let answer = client.post(url).body(json.to_owned()).send().await;
        let is_last = attempts == MOST_ATTEMPTS;
        match answer {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) if is_last || !is_passing(answer.status()) => {
                return Err(Error::other(format!("the answer was {}", answer.status())));
            }
            Err(error) if is_last || error.is_builder() => return Err(told(&error)),
            _ => {}
        }
        time::sleep(pause).await;
        pause *= 2;
        attempts += 1;
    }
}

/// Whether what was refused now may be taken in a moment.
fn is_passing(status: StatusCode) -> bool {
    status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS
}

fn no_answer(waited: Duration) -> Error {
    Error::new(ErrorKind::TimedOut, format!("no answer within {} s", waited.as_secs_f64()))
}

/// The innermost cause: what stands around it says that a request failed, and repeats the address.
fn told(error: &reqwest::Error) -> Error {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    match cause.downcast_ref::<reqwest::Error>() {
        // Its own text has the address.
        Some(_) => Error::other("the request could not be made"),
        None => Error::other(cause.to_string()),
    }
}
