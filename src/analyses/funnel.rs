//! What becomes of those who enter a stage: shared by `stage_funnel` and `segment_funnel`.
//!
//! Rates per customer have Wilson's interval (Wilson 1927); durations are read as type-2 quantiles (Hyndman
//! & Fan 1996) off a histogram that is at most 0.1 % off, with the binomial order-statistic interval.

use polars::prelude::Column;

use crate::journey::{Journey, Rules, Walk};
use crate::stats::{Histogram, Interval, proportion};

use super::columns::{
    ALPHA, counts, elapsed_ms, floats, high, low, quantile_hours, quantile_hours_interval, share, texts,
};

/// An entry into a stage in the reporting window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) stage: usize,
    /// µs since the epoch.
    pub(super) time_us: i64,
    /// Whether the customer hadn't entered the stage before it, at that instant.
    pub(super) without_previous: bool,
    pub(super) outcome: Outcome,
}

/// What has become of an entry by the end of the reporting window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// The stage window isn't over, whatever has happened so far.
    Immature,
    /// The next stage was entered at the same instant or later.
    Progressed {
        /// From this entry to that one.
        to_next_ms: u64,
    },
    /// It wasn't.
    Dropped,
}

/// The entries of a customer into stages, in the order of the stages.
pub(super) fn entries<'o>(
    journey: &'o Journey<'_>,
    walk: &'o Walk,
    rules: &'o Rules,
) -> impl Iterator<Item = Entry> + 'o {
    let entered_us =
        |stage: usize| Some(journey.rows[walk.entries.get(stage).copied().flatten()? as usize].time_us);
    (0..walk.entries.len()).filter_map(move |stage| {
        let time_us = entered_us(stage).filter(|time_us| rules.in_window(*time_us))?;
        let ends_later = |window_us| entered_us(0).unwrap_or(time_us).saturating_add(window_us) > rules.to_us;
        let outcome = if rules.stage_window_us.is_some_and(ends_later) {
            Outcome::Immature
        } else {
            match entered_us(stage + 1).filter(|next_us| *next_us >= time_us) {
                Some(next_us) => Outcome::Progressed { to_next_ms: elapsed_ms(time_us, next_us) },
                None => Outcome::Dropped,
            }
        };
        let without_previous =
            stage > 0 && entered_us(stage - 1).is_none_or(|previous_us| previous_us > time_us);
        Some(Entry { stage, time_us, without_previous, outcome })
    })
}

/// Entries into one stage.
#[derive(Debug, Clone, Copy)]
pub(super) struct StageCounts<'c> {
    pub(super) entered: u64,
    pub(super) immature: u64,
    pub(super) without_previous: u64,
    /// Of those who went on, and nobody else.
    pub(super) to_next_ms: &'c Histogram,
}

impl StageCounts<'_> {
    /// Entries whose next stage was entered.
    pub(super) fn progressed(&self) -> u64 {
        self.to_next_ms.count()
    }

    /// Entries whose outcome is known: progressed or dropped.
    fn decided(&self) -> u64 {
        self.entered - self.immature
    }

    /// Entries whose time to go on is over.
    pub(super) fn dropped(&self) -> u64 {
        self.decided() - self.progressed()
    }
}

/// How much of a row may be seen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Shown {
    /// Nothing.
    Nothing,
    /// How many entered, not what became of them.
    Entries,
    /// Everything.
    All,
}

/// A row of a funnel.
#[derive(Debug)]
pub(super) struct StageRow<'t> {
    /// From 1.
    pub(super) index: usize,
    pub(super) stage: &'t str,
    pub(super) has_next: bool,
    pub(super) counts: StageCounts<'t>,
    /// Entries into the first stage.
    pub(super) first: u64,
    pub(super) shown: Shown,
}

impl StageRow<'_> {
    /// Where entries are shown.
    fn entry<T>(&self, figure: T) -> Option<T> {
        (self.shown >= Shown::Entries).then_some(figure)
    }

    /// Where there is a next stage, and what became of entries is shown.
    fn next<T>(&self, figure: T) -> Option<T> {
        (self.has_next && self.shown == Shown::All).then_some(figure)
    }

    fn rate(&self) -> Option<f64> {
        self.next(share(self.counts.progressed(), self.counts.decided()))?
    }

    fn interval(&self) -> Option<Interval> {
        self.next(proportion::wilson(self.counts.progressed(), self.counts.decided(), ALPHA))?
    }

    fn hours(&self, level: f64) -> Option<f64> {
        self.next(quantile_hours(self.counts.to_next_ms, level))?
    }

    fn hours_interval(&self, level: f64) -> Option<Interval> {
        self.next(quantile_hours_interval(self.counts.to_next_ms, level))?
    }
}

/// The columns of a funnel.
pub(super) fn columns(rows: &[StageRow<'_>]) -> Vec<Column> {
    let rates: Vec<Option<Interval>> = rows.iter().map(StageRow::interval).collect();
    let medians: Vec<Option<Interval>> = rows.iter().map(|row| row.hours_interval(0.5)).collect();
    let p90s: Vec<Option<Interval>> = rows.iter().map(|row| row.hours_interval(0.9)).collect();
    vec![
        counts("stage_index", rows, |row| Some(row.index as u64)),
        texts("stage", rows, |row| Some(row.stage)),
        counts("entered", rows, |row| row.entry(row.counts.entered)),
        counts("progressed", rows, |row| row.next(row.counts.progressed())),
        floats("progress_rate", rows, StageRow::rate),
        floats("progress_rate_low", &rates, |interval| low(*interval)),
        floats("progress_rate_high", &rates, |interval| high(*interval)),
        counts("dropped", rows, |row| row.next(row.counts.dropped())),
        counts("immature", rows, |row| row.next(row.counts.immature)),
        floats("share_of_first", rows, |row| row.entry(share(row.counts.entered, row.first))?),
        floats("median_hours_to_next", rows, |row| row.hours(0.5)),
        floats("median_hours_to_next_low", &medians, |interval| low(*interval)),
        floats("median_hours_to_next_high", &medians, |interval| high(*interval)),
        floats("p90_hours_to_next", rows, |row| row.hours(0.9)),
        floats("p90_hours_to_next_low", &p90s, |interval| low(*interval)),
        floats("p90_hours_to_next_high", &p90s, |interval| high(*interval)),
        counts("entries_without_previous", rows, |row| row.entry(row.counts.without_previous)),
    ]
}
