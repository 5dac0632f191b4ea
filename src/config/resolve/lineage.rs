//! `[lineage]`.

use std::path::{Path, PathBuf};

use uuid::Uuid;

use super::Resolver;
use crate::config::plan::{CataloguePlan, LineagePlan, ParentRun};
use crate::config::schema::{Lineage, Text};
use crate::config::{duration, http_url};

/// Namespace of the job unless the file says.
const NAMESPACE: &str = "touchline";
/// Where catalogues take events, behind their address, and for how long a run waits for one: both as OpenLineage's own
/// clients have it (<https://openlineage.io/docs/client/python#http>).
const ENDPOINT: &str = "api/v1/lineage";
const TIMEOUT_US: i64 = 5_000_000;
/// No catalogue is worth more of a run.
const MOST_TIMEOUT_US: i64 = 60_000_000;
/// What the output folder holds for readers, or for itself: a file among them would be taken for a result, or be
/// removed as one.
const OF_THE_OUTPUT: [&str; 5] = ["runs", "windows", "current", ".staging", ".lock"];

impl Resolver<'_, '_, '_> {
    pub(super) fn lineage(&mut self, lineage: &Lineage, folder: &Path, output: &Path) -> Option<LineagePlan> {
        let namespace = match &lineage.namespace {
            Some(namespace) => self.name(namespace, "namespace"),
            None => NAMESPACE.to_owned(),
        };
        let parent = lineage.parent.as_ref().and_then(|parent| self.parent_run(parent));
        if lineage.path.is_none() && lineage.url.is_none() {
            self.missing(
                self.document.key_span(&["lineage"]),
                "`lineage` has no path",
                "write the file that events are appended to: path = \"lineage.ndjson\"",
            );
        }
        let path = lineage.path.as_ref().and_then(|text| self.lineage_file(text, folder, output));
        let catalogue = self.catalogue(lineage);
        let goes_somewhere = path.is_some() || catalogue.is_some();
        goes_somewhere.then_some(LineagePlan { path, catalogue, namespace, parent })
    }

    fn lineage_file(&mut self, text: &Text, folder: &Path, output: &Path) -> Option<PathBuf> {
        let path = self.path(text, folder)?;
        if let Ok(below) = path.strip_prefix(output)
            && OF_THE_OUTPUT.iter().any(|name| below.starts_with(name))
        {
            self.refuse(
                text.span(),
                "lineage events would stand among the results",
                "write a file beside them: path = \"lineage.ndjson\"",
            );
        }
        Some(path)
    }

    /// Where events are sent. An empty address is none, so that a variable may be unset.
    fn catalogue(&mut self, lineage: &Lineage) -> Option<CataloguePlan> {
        let about_url = [("endpoint", &lineage.endpoint), ("timeout", &lineage.timeout)];
        let Some(text) = &lineage.url else {
            for (key, text) in about_url.into_iter().filter_map(|(key, text)| Some((key, text.as_ref()?))) {
                self.refuse(
                    text.span(),
                    format!("`{key}` is about a catalogue, and there is no `lineage.url`"),
                    "write its address, url = \"https://catalogue.example\", or leave this out",
                );
            }
            return None;
        };
        let endpoint = match &lineage.endpoint {
            Some(endpoint) => self.endpoint(endpoint),
            None => Some(ENDPOINT),
        };
        let timeout_us = match &lineage.timeout {
            Some(timeout) => self.timeout_us(timeout),
            None => Some(TIMEOUT_US),
        };
        let url = text.get_ref().trim();
        if url.is_empty() {
            return None;
        }
        if http_url::holds_credentials(url) {
            self.refuse(
                text.span(),
                "`lineage.url` has credentials in it",
                "take them out, and give the catalogue's key by the variable OPENLINEAGE_API_KEY",
            );
            return None;
        }
        self.accept(text.span(), http_url::check(url, "lineage.url"))?;
        let url = format!("{}/{}", url.trim_end_matches('/'), endpoint?);
        Some(CataloguePlan { url, timeout_us: timeout_us? })
    }

    /// A path behind the address, without slashes at its ends.
    fn endpoint<'t>(&mut self, text: &'t Text) -> Option<&'t str> {
        let endpoint = text.get_ref().trim_matches('/');
        if endpoint.is_empty() || !http_url::is_path(endpoint) {
            self.refuse(
                text.span(),
                format!("`{text}` is no path of an address"),
                format!("write the path that takes events, or leave it out for `{ENDPOINT}`"),
            );
            return None;
        }
        Some(endpoint)
    }

    fn timeout_us(&mut self, text: &Text) -> Option<i64> {
        let timeout_us = self.duration(Some(text))?;
        if timeout_us > MOST_TIMEOUT_US {
            self.refuse(
                text.span(),
                format!("`timeout` is `{text}`"),
                format!(
                    "write at most `{}`: so long may an event hold up a run",
                    duration::format(MOST_TIMEOUT_US)
                ),
            );
            return None;
        }
        Some(timeout_us)
    }

    /// The run that started this one; an empty text is none, so that a variable may be unset.
    fn parent_run(&mut self, text: &Text) -> Option<ParentRun> {
        if text.get_ref().trim().is_empty() {
            return None;
        }
        // A namespace may hold slashes, such as those of a URL; a run and, by the schedulers' rule, a job may not.
        let mut parts = text.get_ref().trim().rsplitn(3, '/');
        let run = parts.next().and_then(|run| Uuid::try_parse(run).ok());
        let (job, namespace) = (parts.next(), parts.next());
        let filled = |part: &&str| !part.is_empty();
        if let (Some(run), Some(job), Some(namespace)) = (run, job.filter(filled), namespace.filter(filled)) {
            return Some(ParentRun { namespace: namespace.to_owned(), job: job.to_owned(), run });
        }
        self.refuse(
            text.span(),
            "this does not name a run",
            "write `namespace/job/run`, the run as a UUID, as schedulers give it in OPENLINEAGE_PARENT_ID",
        );
        None
    }
}
