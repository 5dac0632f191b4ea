//! Whether results may lie where they should: not where they would be read as inputs, and not among the results of others.

use std::path::{Component, Path, PathBuf};

use crate::config::location;
use crate::config::plan::Plan;
use crate::input::discover::fixed_part;
use crate::publish::Store;

use super::JobError;

/// What an output holds beside whatever else lies in its folder.
const OF_THE_OUTPUT: [&str; 4] = ["runs", "windows", "current", ".staging"];

/// Checks the folder of the output against those of the inputs, links resolved.
///
/// A folder below one that is searched is fine: inputs leave what runs have published out.
///
/// # Errors
/// [`JobError::OutputIsInput`], [`JobError::OutputInResults`], [`JobError::EventsInResults`].
pub fn check(plan: &Plan) -> Result<(), JobError> {
    let path = &plan.output.path;
    if location::is_remote(&path.to_string_lossy()) {
        return Ok(());
    }
    let output = resolved(path);
    let is_among = |place: &Path, results: &Path| {
        place
            .strip_prefix(results)
            .is_ok_and(|below| OF_THE_OUTPUT.iter().any(|name| below.starts_with(name)))
    };
    if let Some(events) = plan.lineage.as_ref().and_then(|lineage| lineage.path.as_ref())
        && is_among(&resolved(events), &output)
    {
        return Err(JobError::EventsInResults { events: events.clone(), results: output });
    }
    let mut above = output.ancestors().skip(1);
    if let Some(results) = above.find(|above| is_among(&output, above) && Store::is_at(above)) {
        return Err(JobError::OutputInResults { output: path.clone(), results: results.to_owned() });
    }
    let others = [&plan.spend, &plan.customers, &plan.assignments, &plan.rates, &plan.suppress];
    for source in plan.touchpoints.iter().chain(others.into_iter().flatten()) {
        let here = source.paths.iter().filter(|pattern| !location::is_remote(pattern));
        let mut read = here.map(|pattern| resolved(&fixed_part(Path::new(pattern))));
        if read.any(|place| place == output || is_among(&place, &output)) {
            return Err(JobError::OutputIsInput { output: path.clone(), key: source.key.clone() });
        }
    }
    Ok(())
}

/// A path without links and dots, as far as it is there.
fn resolved(path: &Path) -> PathBuf {
    // A folder that isn't there has no parent either, as far as the system knows.
    let mut tidy = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir if !tidy.exists() => {
                tidy.pop();
            }
            part => tidy.push(part),
        }
    }
    let path = tidy.as_path();
    let there = path.ancestors().find_map(|above| {
        let real = above.canonicalize().ok()?;
        path.strip_prefix(above).ok().map(|below| real.join(below))
    });
    there.unwrap_or_else(|| path.to_owned())
}
