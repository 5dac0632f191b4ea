//! `channel_daily`: what every channel did, cost and earned on every local day.

use std::ops::Range;

use polars::prelude::PolarsError;

use crate::attribution::Credit;
use crate::attribution::allocate::MILLIONTHS;
use crate::journey::walk::Touch;
use crate::journey::{Path, PathEnd};

use self::grid::{Add, Grid};

use super::days::LocalDays;
use super::suppression::Withheld;
use super::{Analysis, Context, NamedFrame, Observed};

mod grid;
mod rows;
#[cfg(test)]
mod tests;

/// Counts touches by their own day, and credits the primary conversion by the conversion's day.
///
/// The conversion is that of `roi.primary`, so that credit, value and spend of a row belong together; the models are
/// `last_touch` and `linear`, whichever are configured. Days are those of `job.timezone`.
///
/// Frame: the days and channels with a touch, spend or credit, and `(unattributed)` on days with a conversion that
/// had no touch in reach. Credit and value of a channel sum over the days to what `stage_attribution` shows for that
/// conversion and model, to the millionth and the minor unit: a refund takes them back on its own day.
/// Where the customers of a row, or the others of its day, are 1 or 2, `customers` and `touches` are null (note
/// `withheld`), unless `segments.min_customers` is 1.
#[derive(Debug, Clone)]
pub struct ChannelDaily<'a> {
    context: Context<'a>,
    days: LocalDays,
    /// Index into the targets; None without a conversion.
    target: Option<usize>,
}

/// What was counted. Cells are by day and channel; those of credit have one column more, for what is unattributed.
#[derive(Debug)]
pub struct DailyPartial {
    touches: Grid<TouchCell>,
    credits: Grid<CreditCell>,
    /// By day: customers with a touch.
    customers: Vec<u64>,
    /// By channel: the last visit that met it. Scratch.
    met: Vec<u64>,
    /// Days of customers so far. Scratch.
    visits: u64,
    credit: Credit,
}

#[derive(Debug, Clone, Copy, Default)]
struct TouchCell {
    touches: u64,
    customers: u64,
}

/// Under the two models: millionths of a conversion, and of minor units.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct CreditCell {
    last_touch: Given,
    linear: Given,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Given {
    credit_millionths: i64,
    value_minor_millionths: i128,
}

impl Add for TouchCell {
    fn add(&mut self, other: &Self) {
        self.touches += other.touches;
        self.customers += other.customers;
    }
}

impl Add for CreditCell {
    fn add(&mut self, other: &Self) {
        self.last_touch.add(other.last_touch);
        self.linear.add(other.linear);
    }
}

impl Given {
    /// So many millionths of so many conversions and their value.
    fn of(conversions: i64, value_minor: i64, millionths: i64) -> Self {
        Self {
            credit_millionths: conversions * millionths,
            value_minor_millionths: i128::from(value_minor) * i128::from(millionths),
        }
    }

    fn add(&mut self, other: Given) {
        self.credit_millionths += other.credit_millionths;
        self.value_minor_millionths += other.value_minor_millionths;
    }
}

impl<'a> ChannelDaily<'a> {
    /// Over the days of the window and the channels of the rules.
    pub fn new(context: Context<'a>) -> Self {
        let window_us = context.rules.from_us..context.rules.to_us;
        let days = LocalDays::of(&context.plan.job.timezone.zone, window_us);
        Self { context, days, target: context.primary_target() }
    }

    fn channels(&self) -> usize {
        self.context.rules.channels.len()
    }

    /// Columns of the cells of credit: the channels, and what is unattributed.
    fn credited(&self) -> usize {
        self.channels() + 1
    }

    /// Counts the touches of a journey that lie in the window.
    fn count_touches(&self, touches: &[Touch], partial: &mut DailyPartial) {
        let rules = self.context.rules;
        let DailyPartial { touches: cells, customers, met, visits, .. } = partial;
        // The day at hand: touches come in the order of time.
        let (mut day_us, mut row): (Range<i64>, usize) = (0..0, 0);
        for touch in touches {
            if !day_us.contains(&touch.time_us) {
                if !rules.in_window(touch.time_us) {
                    continue;
                }
                let day = self.days.index(touch.time_us);
                (day_us, row) = (self.days.span_us(day), day * self.channels());
                customers[day] += 1;
                *visits += 1;
            }
            let channel = usize::from(touch.channel);
            let cell = cells.at(row + channel);
            cell.touches += 1;
            // Without a branch: whether a customer comes again the same day can't be foreseen.
            cell.customers += u64::from(met[channel] != *visits);
            met[channel] = *visits;
        }
    }

    /// Gives credit and value for a path of the target, or takes them back. `all` is what paths are ranges of.
    fn credit(&self, path: &Path, all: &[Touch], partial: &mut DailyPartial) {
        let (time_us, value_minor, conversions) = match path.end {
            PathEnd::Null => return,
            PathEnd::Converted { time_us, value_minor } => (time_us, value_minor, 1),
            PathEnd::Refunded { time_us, value_minor, whole } => (time_us, -value_minor, -i64::from(whole)),
        };
        let row = self.days.index(time_us) * self.credited();
        let given = |millionths| Given::of(conversions, value_minor, millionths);
        let touches = &all[path.touches.clone()];
        let last = touches.last().map_or(self.channels(), |last| usize::from(last.channel));
        partial.credits.at(row + last).last_touch.add(given(MILLIONTHS));
        if touches.is_empty() {
            partial.credits.at(row + last).linear.add(given(MILLIONTHS));
            return;
        }
        let parts = partial.credit.equally(touches.len());
        for (touch, part) in touches.iter().zip(parts) {
            partial.credits.at(row + usize::from(touch.channel)).linear.add(given(*part));
        }
    }
}

impl Analysis for ChannelDaily<'_> {
    type Partial = DailyPartial;

    fn partial(&self) -> DailyPartial {
        let days = self.days.len();
        DailyPartial {
            touches: Grid::new(days, self.channels()),
            credits: Grid::new(days, self.credited()),
            customers: vec![0; days],
            met: vec![0; self.channels()],
            visits: 0,
            credit: Credit::default(),
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut DailyPartial) {
        let walk = observed.walk;
        self.count_touches(&walk.touches, partial);
        if let Some(target) = self.target {
            for path in walk.paths.iter().filter(|path| path.target == target) {
                self.credit(path, walk.on_paths(), partial);
            }
        }
    }

    fn merge(&self, into: &mut DailyPartial, from: DailyPartial) {
        into.add(&from);
    }

    fn finish(
        &self,
        partials: Vec<DailyPartial>,
        _withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError> {
        let total = self.total(partials);
        Ok(vec![("channel_daily", rows::frame(self, &total)?)])
    }
}

impl DailyPartial {
    fn add(&mut self, other: &DailyPartial) {
        self.touches.add(&other.touches);
        self.credits.add(&other.credits);
        self.customers.iter_mut().zip(&other.customers).for_each(|(into, from)| *into += from);
    }
}
