//! Whether the newest rows are as new as the contract asks: their age is that at the end of the window, so that the
//! same run says the same whenever it is made.

use crate::config::duration;
use crate::config::plan::Plan;
use crate::engine::EngineError;
use crate::engine::load::Loaded;

/// What is shown of an age: whole minutes.
const MINUTE_US: i64 = 60_000_000;

/// Sources of touchpoints whose newest row is old.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Freshness {
    /// Sources whose age is looked at.
    pub checked: u64,
    /// A sentence for each that is older than `warn_after`.
    pub stale: Vec<String>,
}

/// Compares the newest row of each source with the end of the window.
///
/// # Errors
/// One is older than `error_after`.
pub fn check(plan: &Plan, loaded: &Loaded) -> Result<Freshness, EngineError> {
    let mut freshness = Freshness::default();
    for (source, newest_us) in plan.touchpoints.iter().zip(&loaded.newest_us) {
        let limits = source.freshness;
        if limits.error_after_us.or(limits.warn_after_us).is_none() {
            continue;
        }
        freshness.checked += 1;
        let age_us = newest_us.map(|newest_us| loaded.window_us.1.saturating_sub(newest_us));
        // Without any row a source is older than everything.
        let is_beyond = |limit_us: i64| age_us.is_none_or(|age_us| age_us > limit_us);
        let age = age_us.map_or("none of its rows is in time for the window".to_owned(), |age_us| {
            let whole_us = (age_us / MINUTE_US).max(1) * MINUTE_US;
            format!("its newest row is {} older than the end of the window", duration::format(whole_us))
        });
        if let Some(limit_us) = limits.error_after_us.filter(|limit_us| is_beyond(*limit_us)) {
            return Err(EngineError::Stale {
                key: source.key.clone(),
                age,
                limit: duration::format(limit_us),
            });
        }
        if let Some(limit_us) = limits.warn_after_us.filter(|limit_us| is_beyond(*limit_us)) {
            let limit = duration::format(limit_us);
            freshness.stale.push(format!("{}: {age}, and warn_after is {limit}", source.key));
        }
    }
    Ok(freshness)
}
