//! OpenLineage: tells a catalogue what a run read, what it published and how it ended.
//!
//! Events follow the specification of OpenLineage, 2-0-2. They are appended to a file, one JSON object a line, or, with the
//! feature `cloud`, sent to a catalogue over HTTP. They never fail a run: what goes wrong is handed back and told as a
//! warning.

#[cfg(feature = "cloud")]
mod catalogue;
mod datasets;
mod event;
mod file;
#[cfg(test)]
mod tests;

use std::path::PathBuf;

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::{Builder, Uuid};

use crate::config::Secrets;
use crate::config::plan::{LineagePlan, Plan};
use crate::publish::{Manifest, PublishError, Published};

#[cfg(feature = "cloud")]
use self::catalogue::Catalogue;
use self::datasets::Package;
use self::event::{EventType, facet};

/// Why lineage is missing or incomplete; the run itself is as it would be without.
#[derive(Debug, thiserror::Error)]
pub enum LineageError {
    /// The file can't be written.
    #[error("lineage events could not be written to {}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Something else has the name of the file.
    #[error("lineage events are not written to {}: it is no file", path.display())]
    NotAFile {
        /// What is there.
        path: PathBuf,
    },
    /// The file holds something else.
    #[error("lineage events are not written to {}: it is there and holds no events", path.display())]
    OfOthers {
        /// What is there.
        path: PathBuf,
    },
    /// What was published can't be read back.
    #[error("the lineage event does not say what was published")]
    Published(#[source] PublishError),
    /// The catalogue didn't take an event.
    #[error("lineage events could not be sent to {url}")]
    Unsent {
        /// Where it was sent.
        url: String,
        /// What came of it.
        source: std::io::Error,
    },
    /// There is no run without an id.
    #[error("no id could be drawn for the lineage events of this run")]
    Random(String),
}

/// How a run ended.
#[derive(Debug)]
pub enum End<'a> {
    /// Its result is published, now or before.
    Complete(&'a Published),
    /// There was nothing to read, and that is no failure.
    Skip,
    /// It was asked to stop.
    Abort(String),
    /// It failed, and why.
    Fail(String),
}

/// Tells the events of one run: one as it begins, one as it ends.
#[derive(Debug)]
pub struct Recorder<'a> {
    plan: &'a Plan,
    /// What must not show.
    secrets: Secrets,
    /// None: nobody asked for events, or the last one is told.
    open: Option<(&'a LineagePlan, Uuid)>,
    #[cfg(feature = "cloud")]
    catalogue: Option<Catalogue>,
    trouble: Vec<LineageError>,
}

impl<'a> Recorder<'a> {
    /// Says that a run begins, where the plan asks for events.
    pub fn begin(plan: &'a Plan, secrets: Secrets) -> Self {
        let mut recorder = Self {
            plan,
            secrets,
            open: None,
            #[cfg(feature = "cloud")]
            catalogue: None,
            trouble: Vec::new(),
        };
        let Some(lineage) = &plan.lineage else { return recorder };
        match new_run() {
            Ok(run) => recorder.open = Some((lineage, run)),
            Err(error) => recorder.note(error),
        }
        #[cfg(feature = "cloud")]
        match lineage.catalogue.as_ref().map(Catalogue::new).transpose() {
            Ok(catalogue) => recorder.catalogue = catalogue,
            Err(error) => recorder.note(error),
        }
        let bounds = plan.window.from_us.zip(plan.window.to_us);
        let window = bounds.and_then(|(from_us, to_us)| {
            let instant = |us| Timestamp::from_microsecond(us).ok().map(|instant| instant.to_string());
            instant(from_us).zip(instant(to_us))
        });
        let facets = window.iter().map(nominal_time).collect();
        recorder.write(EventType::Start, facets, datasets::planned(plan), Vec::new());
        recorder
    }

    /// Says how it ended. Returns what went wrong with the events of this run, of each kind the first.
    pub fn end(mut self, end: &End<'_>) -> Vec<LineageError> {
        self.write_end(end);
        std::mem::take(&mut self.trouble)
    }

    /// Two events that fail alike are told once.
    fn note(&mut self, error: LineageError) {
        let kind = std::mem::discriminant(&error);
        if self.trouble.iter().all(|known| std::mem::discriminant(known) != kind) {
            self.trouble.push(error);
        }
    }

    fn write_end(&mut self, end: &End<'_>) {
        match end {
            End::Complete(published) => self.write_complete(published),
            End::Skip => {
                self.write(EventType::Complete, Vec::new(), datasets::planned(self.plan), Vec::new())
            }
            End::Abort(message) => self.write_failure(EventType::Abort, message),
            End::Fail(message) => self.write_failure(EventType::Fail, message),
        }
        self.open = None;
    }

    fn write_complete(&mut self, published: &Published) {
        if self.open.is_none() {
            return;
        }
        let found = Manifest::read(&published.directory)
            .and_then(|manifest| Ok((manifest, Package::read(&published.directory)?)));
        match found {
            Ok((manifest, package)) => {
                let window = (manifest.window.from.clone(), manifest.window.to.clone());
                let inputs = datasets::read(self.plan, &manifest);
                let outputs = datasets::published(self.plan, published, &manifest, &package);
                self.write(EventType::Complete, vec![nominal_time(&window)], inputs, outputs);
            }
            Err(error) => {
                self.note(LineageError::Published(error));
                self.write(EventType::Complete, Vec::new(), datasets::planned(self.plan), Vec::new());
            }
        }
    }

    fn write_failure(&mut self, kind: EventType, message: &str) {
        let error = json!({ "message": message, "programmingLanguage": "Rust" });
        let error = ("errorMessage", facet("1-0-1", "ErrorMessageRunFacet", error));
        self.write(kind, vec![error], datasets::planned(self.plan), Vec::new());
    }

    fn write(
        &mut self,
        kind: EventType,
        facets: Vec<(&'static str, Value)>,
        inputs: Vec<Value>,
        outputs: Vec<Value>,
    ) {
        let Some((lineage, run)) = self.open else { return };
        let event = event::encode(kind, run, lineage, &self.plan.job.name, facets, inputs, outputs);
        let event = self.secrets.redact(&event).into_owned();
        if let Some(path) = &lineage.path
            && let Err(error) = file::append(path, &event)
        {
            self.note(error);
        }
        #[cfg(feature = "cloud")]
        if let Some(catalogue) = &mut self.catalogue
            && let Err(error) = catalogue.send(kind, &event)
        {
            self.note(error);
        }
    }
}

impl Drop for Recorder<'_> {
    /// A run that unwinds has ended too.
    fn drop(&mut self) {
        if self.open.is_some() {
            self.write_end(&End::Fail("the run ended without saying why".to_owned()));
        }
    }
}

/// The window, as the time that a run is about.
fn nominal_time((from, to): &(String, String)) -> (&'static str, Value) {
    let fields = json!({ "nominalStartTime": from, "nominalEndTime": to });
    ("nominalTime", facet("1-0-1", "NominalTimeRunFacet", fields))
}

/// A UUID of version 7, which the specification asks for: its order is that of the runs.
fn new_run() -> Result<Uuid, LineageError> {
    let mut random = [0; 10];
    getrandom::fill(&mut random).map_err(|error| LineageError::Random(error.to_string()))?;
    let now_ms = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(now_ms, &random).into_uuid())
}
