//! One walk over a journey finds everything the analyses ask about: touches, stage entries, and the
//! paths that lead to each target.

use std::ops::Range;

use crate::config::plan::{AfterConversion, StageMode};

use super::partition::Journey;
use super::rules::Rules;

/// A row that may earn credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touch {
    /// µs since the epoch.
    pub time_us: i64,
    /// Position in the journey.
    pub row: u32,
    /// Index into [`Rules::channels`].
    pub channel: u16,
}

/// How a path ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEnd {
    /// In its target.
    Converted {
        /// µs since the epoch.
        time_us: i64,
        /// Worth in minor units; 0 for stages.
        value_minor: i64,
    },
    /// Without it.
    Null,
}

/// The touches that led to a target, or would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Index into [`Rules::targets`].
    pub target: usize,
    /// How it ended.
    pub end: PathEnd,
    /// Into [`Walk::touches`]; may be empty where the path converted.
    pub touches: Range<usize>,
}

/// A row of a conversion.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConversionEvent {
    /// Index of the conversion.
    pub conversion: usize,
    /// µs since the epoch.
    pub time_us: i64,
    /// Worth in minor units.
    pub value_minor: i64,
}

/// What a journey holds. Made once and filled again for every journey.
#[derive(Debug, Default)]
pub struct Walk {
    /// In order.
    pub touches: Vec<Touch>,
    /// By stage: position of the row that entered it.
    pub entries: Vec<Option<u32>>,
    /// Every conversion of the data read, in order; those outside the window are context.
    pub conversions: Vec<ConversionEvent>,
    /// The paths whose end lies in the reporting window.
    pub paths: Vec<Path>,
    /// Position of the first row in the reporting window.
    pub first_in_window: Option<usize>,
    /// Touches cut off the front of paths that were too long.
    pub cut_touches: u64,
    /// By conversion: index of the first touch after its last row so far.
    last_conversion_touch: Vec<Option<usize>>,
    same_instant: Vec<usize>,
}

impl Walk {
    /// Walks over a journey.
    pub fn over(&mut self, journey: &Journey<'_>, rules: &Rules) {
        self.touches.clear();
        self.entries.clear();
        self.entries.resize(rules.stages, None);
        self.conversions.clear();
        self.paths.clear();
        self.cut_touches = 0;
        self.first_in_window = journey.rows.iter().position(|row| rules.in_window(row.time_us));
        self.last_conversion_touch.clear();
        self.last_conversion_touch.resize(rules.conversion_values.len(), None);
        self.touches_and_conversions(journey, rules);
        self.stage_entries(journey, rules);
        self.stage_paths(journey, rules);
        if rules.null_paths {
            self.null_paths(journey, rules);
        }
    }

    fn touches_and_conversions(&mut self, journey: &Journey<'_>, rules: &Rules) {
        let mut reach = 0;
        for (position, row) in journey.rows.iter().enumerate() {
            let facts = rules.facts[row.code as usize];
            let mut conversions = facts.conversions;
            if conversions != 0 {
                let earliest_us = row.time_us.saturating_sub(rules.lookback_us);
                while self.touches.get(reach).is_some_and(|touch| touch.time_us < earliest_us) {
                    reach += 1;
                }
            }
            while conversions != 0 {
                let conversion = conversions.trailing_zeros() as usize;
                conversions &= conversions - 1;
                let value_minor = rules.conversion_amount_minor(conversion, row.amount_minor);
                self.conversions.push(ConversionEvent { conversion, time_us: row.time_us, value_minor });
                let restart = match rules.after_conversion {
                    AfterConversion::Restart => self.last_conversion_touch[conversion].unwrap_or(0),
                    AfterConversion::Reuse => 0,
                };
                let end = self.touches.len();
                // What comes after this conversion begins after its own row, also where that is a touch.
                self.last_conversion_touch[conversion] = Some(end + usize::from(facts.touch));
                if rules.in_window(row.time_us) {
                    let start = self.limit(reach.max(restart).min(end), end, rules);
                    self.paths.push(Path {
                        target: rules.stages + conversion,
                        end: PathEnd::Converted { time_us: row.time_us, value_minor },
                        touches: start..end,
                    });
                }
            }
            if facts.touch {
                self.touches.push(Touch {
                    time_us: row.time_us,
                    row: position as u32,
                    channel: facts.channel,
                });
            }
        }
    }

    fn stage_entries(&mut self, journey: &Journey<'_>, rules: &Rules) {
        let rows = journey.rows;
        let stages_of = |position: usize| rules.facts[rows[position].code as usize].stages;
        if rules.stages == 0 {
            return;
        }
        match rules.stage_mode {
            StageMode::Any => {
                for position in 0..rows.len() {
                    let mut stages = stages_of(position);
                    while stages != 0 {
                        let stage = stages.trailing_zeros() as usize;
                        stages &= stages - 1;
                        if self.entries[stage].is_none() {
                            self.entries[stage] = Some(position as u32);
                        }
                    }
                }
                // The window counts from the entry into the first stage.
                if let (Some(window_us), Some(first)) = (rules.stage_window_us, self.entries[0]) {
                    let end_us = rows[first as usize].time_us.saturating_add(window_us);
                    for entry in &mut self.entries[1..] {
                        *entry = entry.filter(|position| rows[*position as usize].time_us < end_us);
                    }
                }
            }
            StageMode::Ordered => {
                let mut from = 0;
                let mut end_us = i64::MAX;
                self.same_instant.clear();
                for stage in 0..rules.stages {
                    let found = (from..rows.len())
                        .take_while(|position| rows[*position].time_us < end_us)
                        .find(|position| {
                            stages_of(*position) >> stage & 1 == 1 && !self.same_instant.contains(position)
                        });
                    let Some(position) = found else { break };
                    self.entries[stage] = Some(position as u32);
                    let time_us = rows[position].time_us;
                    if stage == 0 {
                        end_us =
                            rules.stage_window_us.map_or(i64::MAX, |window| time_us.saturating_add(window));
                    }
                    // The next stage may be entered at the same instant, also by a row that stands earlier.
                    self.same_instant.retain(|used| rows[*used].time_us == time_us);
                    self.same_instant.push(position);
                    from = position;
                    while from > 0 && rows[from - 1].time_us == time_us {
                        from -= 1;
                    }
                }
            }
        }
    }

    fn stage_paths(&mut self, journey: &Journey<'_>, rules: &Rules) {
        for stage in 0..rules.stages {
            let Some(entry) = self.entries[stage] else { continue };
            let time_us = journey.rows[entry as usize].time_us;
            if !rules.in_window(time_us) {
                continue;
            }
            // Touches are in order of their rows, the entry row itself included.
            let end = self.touches.partition_point(|touch| touch.row <= entry);
            let after = self.touches_after_lower_entry(stage, entry);
            let earliest_us = time_us.saturating_sub(rules.lookback_us);
            let reach = self.touches.partition_point(|touch| touch.time_us < earliest_us);
            let start = self.limit(after.max(reach).min(end), end, rules);
            self.paths.push(Path {
                target: stage,
                end: PathEnd::Converted { time_us, value_minor: 0 },
                touches: start..end,
            });
        }
    }

    /// Index of the first touch after the latest entry into a lower stage before `row`.
    fn touches_after_lower_entry(&self, stage: usize, row: u32) -> usize {
        let latest = self.entries[..stage].iter().flatten().filter(|entry| **entry < row).max();
        latest.map_or(0, |latest| self.touches.partition_point(|touch| touch.row <= *latest))
    }

    fn null_paths(&mut self, journey: &Journey<'_>, rules: &Rules) {
        for conversion in 0..rules.conversion_values.len() {
            let start = self.last_conversion_touch[conversion].unwrap_or(0);
            self.push_null_path(rules.stages + conversion, start, rules);
        }
        for stage in 0..rules.stages {
            if self.entries[stage].is_some() {
                continue;
            }
            let start = match stage.checked_sub(1) {
                None => 0,
                Some(previous) => {
                    if self.entries[previous].is_none() || !self.stage_window_is_over(journey, rules) {
                        continue;
                    }
                    self.touches_after_lower_entry(stage, u32::MAX)
                }
            };
            self.push_null_path(stage, start, rules);
        }
    }

    /// Whether the customer can't enter another stage any more, as far as `to` can tell.
    pub fn stage_window_is_over(&self, journey: &Journey<'_>, rules: &Rules) -> bool {
        match (rules.stage_window_us, self.entries.first().copied().flatten()) {
            (Some(window_us), Some(first)) => {
                journey.rows[first as usize].time_us.saturating_add(window_us) <= rules.to_us
            }
            _ => true,
        }
    }

    fn push_null_path(&mut self, target: usize, start: usize, rules: &Rules) {
        let end = self.touches.len();
        let Some(last) = self.touches[start..].last() else { return };
        if !rules.in_window(last.time_us) {
            return;
        }
        let earliest_us = last.time_us.saturating_sub(rules.lookback_us);
        let reach = self.touches.partition_point(|touch| touch.time_us < earliest_us);
        let start = self.limit(start.max(reach), end, rules);
        self.paths.push(Path { target, end: PathEnd::Null, touches: start..end });
    }

    fn limit(&mut self, start: usize, end: usize, rules: &Rules) -> usize {
        let limited = start.max(end.saturating_sub(rules.max_path_touches));
        self.cut_touches += (limited - start) as u64;
        limited
    }
}
