//! `[lineage]`.

use std::path::Path;

use uuid::Uuid;

use super::Resolver;
use crate::config::plan::{LineagePlan, ParentRun};
use crate::config::schema::{Lineage, Text};

/// Namespace of the job unless the file says.
const NAMESPACE: &str = "touchline";
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
        let Some(text) = &lineage.path else {
            self.missing(
                self.document.key_span(&["lineage"]),
                "`lineage` has no path",
                "write the file that events are appended to: path = \"lineage.ndjson\"",
            );
            return None;
        };
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
        Some(LineagePlan { path, namespace, parent })
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
