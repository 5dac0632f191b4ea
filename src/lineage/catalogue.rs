//! A catalogue that events are posted to, as OpenLineage's HTTP transport does:
//! <https://openlineage.io/docs/client/python#http>.

use std::env;
use std::io::{Error, ErrorKind};
use std::time::Duration;

use super::LineageError;
use super::event::EventType;
use crate::cloud::{Receiver, Sending};
use crate::config::http_url;
use crate::config::plan::CataloguePlan;

/// The variable that holds the key of the catalogue, as all clients of OpenLineage have it.
const KEY: &str = "OPENLINEAGE_API_KEY";
/// Who stops a run waits for its end, and kills it some seconds later.
const PATIENCE_OF_STOPPED: Duration = Duration::from_secs(2);

/// A catalogue, and the first event that is on its way to it.
#[derive(Debug)]
pub(super) struct Catalogue {
    receiver: Receiver,
    url: String,
    timeout: Duration,
    /// Sent while the run works.
    begun: Option<Sending>,
}

impl Catalogue {
    /// The catalogue of a plan, with the key from the environment. Nothing is sent yet.
    ///
    /// # Errors
    ///
    /// The key can't be sent, or would be where others can read it.
    pub(super) fn new(plan: &CataloguePlan) -> Result<Self, LineageError> {
        let unsent = |source| LineageError::Unsent { url: plan.url.clone(), source };
        let key = env::var(KEY).ok().filter(|key| !key.is_empty());
        if key.is_some() && !http_url::is_private(&plan.url) {
            let said = format!("{KEY} is not sent over http://, where others can read it; write https://");
            return Err(unsent(Error::new(ErrorKind::InvalidInput, said)));
        }
        let timeout = Duration::from_micros(plan.timeout_us.unsigned_abs());
        let receiver = Receiver::new(&plan.url, key.as_deref(), timeout).map_err(unsent)?;
        Ok(Self { receiver, url: plan.url.clone(), timeout, begun: None })
    }

    /// Sends an event. The first one is only sent off, the others are waited for, after the first: a catalogue has to see
    /// them in their order.
    ///
    /// # Errors
    ///
    /// This event, or the first one, didn't arrive.
    pub(super) fn send(&mut self, kind: EventType, event: &str) -> Result<(), LineageError> {
        let json = event.trim_end().to_owned();
        let sent = match kind {
            EventType::Start => {
                self.begun = Some(self.receiver.send(json));
                Ok(())
            }
            EventType::Complete | EventType::Fail => self.finish(json, self.timeout),
            EventType::Abort => self.finish(json, self.timeout.min(PATIENCE_OF_STOPPED) / 2),
        };
        sent.map_err(|source| LineageError::Unsent { url: self.url.clone(), source })
    }

    /// Waits for the first event, and then for this one, so long for each.
    fn finish(&mut self, json: String, patience: Duration) -> Result<(), Error> {
        let begun = self.begun.take().map_or(Ok(()), |begun| begun.wait(patience));
        let ended = self.receiver.send(json).wait(patience);
        begun.and(ended)
    }
}
