//! The form of an event: its envelope, the run, the job.

use jiff::Timestamp;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::config::plan::LineagePlan;

/// Where the specification defines events.
const EVENT_SCHEMA: &str = "https://openlineage.io/spec/2-0-2/OpenLineage.json#/$defs/RunEvent";
/// Where it defines facets.
const FACETS: &str = "https://openlineage.io/spec/facets";
/// Who says so, as a URI.
const PRODUCER: &str = concat!("urn:touchline:", env!("CARGO_PKG_VERSION"));

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum EventType {
    Start,
    Complete,
    Abort,
    Fail,
}

impl EventType {
    fn name(self) -> &'static str {
        match self {
            EventType::Start => "START",
            EventType::Complete => "COMPLETE",
            EventType::Abort => "ABORT",
            EventType::Fail => "FAIL",
        }
    }
}

/// A facet with these fields, by the version of its schema.
pub(super) fn facet(version: &str, name: &str, mut fields: Value) -> Value {
    fields["_producer"] = json!(PRODUCER);
    fields["_schemaURL"] = json!(format!("{FACETS}/{version}/{name}.json#/$defs/{name}"));
    fields
}

/// An event of this instant as one line, with its end.
pub(super) fn encode(
    kind: EventType,
    run: Uuid,
    lineage: &LineagePlan,
    job: &str,
    facets: Vec<(&'static str, Value)>,
    inputs: Vec<Value>,
    outputs: Vec<Value>,
) -> String {
    let mut run_facets: Map<String, Value> =
        facets.into_iter().map(|(name, facet)| (name.to_owned(), facet)).collect();
    let engine = json!({ "name": "touchline", "version": env!("CARGO_PKG_VERSION") });
    run_facets.insert("processing_engine".to_owned(), facet("1-1-1", "ProcessingEngineRunFacet", engine));
    if let Some(parent) = &lineage.parent {
        let fields = json!({
            "run": { "runId": parent.run.to_string() },
            "job": { "namespace": parent.namespace, "name": parent.job },
        });
        run_facets.insert("parent".to_owned(), facet("1-2-0", "ParentRunFacet", fields));
    }
    let job_type = json!({ "processingType": "BATCH", "integration": "TOUCHLINE", "jobType": "JOB" });
    let event = json!({
        "eventType": kind.name(),
        "eventTime": Timestamp::now().to_string(),
        "producer": PRODUCER,
        "schemaURL": EVENT_SCHEMA,
        "run": { "runId": run.to_string(), "facets": run_facets },
        "job": {
            "namespace": lineage.namespace,
            "name": job,
            "facets": { "jobType": facet("2-0-4", "JobTypeJobFacet", job_type) },
        },
        "inputs": inputs,
        "outputs": outputs,
    });
    format!("{event}\n")
}
