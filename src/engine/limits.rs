//! Shares of rows above which the contract stops a run.

use crate::analyses::attribution::UNATTRIBUTED;
use crate::config::plan::Plan;
use crate::input::InputError;
use crate::journey::codebook::Codebook;

use super::error::EngineError;
use super::load::{InputCounts, Loaded};

/// The chain of every target is solved again without each bucket, which is cubic in the channels.
const MAX_CHANNELS: usize = 1_000;

/// The values of `channel` must be channels.
pub(super) fn check_channels(book: &Codebook, texts: &[String]) -> Result<(), InputError> {
    let Some(column) = texts.iter().position(|text| text == "channel") else { return Ok(()) };
    let channels = book.values(column);
    if channels.len() > MAX_CHANNELS {
        return Err(InputError::TooManyChannels { found: channels.len(), limit: MAX_CHANNELS });
    }
    match channels.iter().any(|channel| **channel == *UNATTRIBUTED) {
        true => Err(InputError::ReservedChannel { value: UNATTRIBUTED }),
        false => Ok(()),
    }
}

/// Stops a run with too many rejected rows of an input.
pub(super) fn check_rejected(plan: &Plan, input: &InputCounts) -> Result<(), EngineError> {
    let rejected = input.counts.rejected_total();
    let rows = input.counts.in_scope;
    let limit = plan.contract.max_rejected_share;
    if is_within(rejected, rows, limit) {
        return Ok(());
    }
    let reasons: Vec<String> = input
        .counts
        .rejected
        .iter()
        .map(|(rule, count)| {
            let first = input.rejects.iter().find(|reject| reject.rule == *rule);
            let first = first.map_or(String::new(), |reject| {
                format!(", first in {} row {}", input.paths[reject.source][reject.file], reject.row + 1)
            });
            format!(
                "\n  {count} × {} (column `{}`){first}",
                rule.as_str(),
                rule.column(input.input, &plan.numbers)
            )
        })
        .collect();
    Err(EngineError::TooManyRejected {
        input: format!("inputs.{}", input.input),
        rejected,
        rows,
        share: rejected as f64 / rows as f64 * 100.0,
        limit,
        reasons: reasons.concat(),
    })
}

/// Stops a run with too many rows that are late, before their time, or of unknown events or channels.
pub(super) fn check_shares(plan: &Plan, loaded: &Loaded) -> Result<(), EngineError> {
    let contract = &plan.contract;
    let counts = &loaded.counts[0].counts;
    let unassigned: u64 = loaded.channels.unmatched().iter().map(|(_, rows)| rows).sum();
    let unassigned = if plan.channels.has_rules() { unassigned } else { 0 };
    let unnamed: u64 = loaded.unnamed_events.iter().map(|(_, rows)| rows).sum();
    for (key, limit, what, (failed, rows)) in [
        (
            "max_late_share",
            contract.max_late_share,
            "came on a later day than their own",
            (counts.late, counts.dated),
        ),
        (
            "max_future_share",
            contract.max_future_share,
            "came on an earlier day than their own",
            (counts.future, counts.dated),
        ),
        (
            "max_unknown_event_share",
            contract.max_unknown_event_share,
            "have an event that no rule names",
            (unnamed, counts.kept()),
        ),
        (
            "max_unknown_channel_share",
            contract.max_unknown_channel_share,
            "have a source and medium that no rule makes a channel of",
            (unassigned, loaded.channels.rows),
        ),
    ] {
        if !is_within(failed, rows, limit) {
            let share = failed as f64 / rows as f64 * 100.0;
            return Err(EngineError::BeyondLimit { failed, rows, what, share, key, limit });
        }
    }
    Ok(())
}

fn is_within(failed: u64, rows: u64, limit: f64) -> bool {
    rows == 0 || failed as f64 <= limit * rows as f64
}
