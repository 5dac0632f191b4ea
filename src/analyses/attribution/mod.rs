//! Attribution of every stage entry and every conversion to channels, under every configured model.
//!
//! One pass over the paths of a journey fills integers: credit in millionths of a conversion, value in
//! millionths of a minor unit, transitions of the Markov chain. [`solve`] turns 64 buckets of them into
//! figures with intervals, [`effects`] shows what the data-driven models saw, `tables` lays both out.

pub mod acquired;
pub mod by_path;
pub mod cohort;
pub mod effects;
pub mod grams;
#[cfg(test)]
mod model_tests;
mod packed;
mod rate;
pub mod sets;
mod short;
mod side_by_side;
pub mod solve;
pub mod solve_units;
pub(in crate::analyses) mod tables;
#[cfg(test)]
mod tests;
mod units;

use hashbrown::HashMap;
use polars::prelude::PolarsError;

use crate::attribution::allocate::MILLIONTHS;
use crate::attribution::shapley::Distinct;
use crate::attribution::{Credit, Shares, markov, time_decay};
use crate::config::plan::{Model, PathTransform, ShapleyValue};
use crate::journey::walk::{Touch, Walk};
use crate::journey::{Path, PathEnd};

use super::suppression::Withheld;
use super::{Analysis, Context, NamedFrame, Observed, channel_roi, reconciliation};
use acquired::Acquired;
use short::ShortPaths;
use units::{UnitCells, UnitModels, UnitPath};

/// Row of conversions without a touch in reach.
pub const UNATTRIBUTED: &str = "(unattributed)";

/// Above so many channels transitions are kept sparsely.
const DENSE_CHANNELS: usize = 64;

/// The analysis.
#[derive(Debug, Clone)]
pub struct Attribution<'a> {
    context: Context<'a>,
    /// None: credit stays with channels.
    unit_models: Option<UnitModels>,
    /// The same of the window before; None unless it is compared.
    previous: Option<Box<Attribution<'a>>>,
}

/// What one bucket saw of one target. Vectors are by channel, or by model and channel, row-major.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TargetCells {
    /// Conversions, or stage entries.
    pub conversions: u64,
    /// Those without a touch in reach.
    pub unattributed: u64,
    /// Minor units of all conversions.
    pub value_minor: i128,
    /// Minor units of those without a touch in reach.
    pub unattributed_value_minor: i128,
    /// Conversions with a touch in reach that were refunded in whole.
    pub refunded: u64,
    /// The same without a touch in reach.
    pub refunded_unattributed: u64,
    /// Minor units that went back from conversions with a touch in reach.
    pub refunds_minor: i128,
    /// The same without a touch in reach.
    pub refunds_unattributed_minor: i128,
    /// Squares of the values, for their spread.
    pub value_squares: i128,
    /// Touches on paths that converted.
    pub touches: Vec<u64>,
    /// Touches on the paths of conversions that were refunded.
    pub refunded_touches: Vec<u64>,
    /// Converted paths that met the channel.
    pub journeys: Vec<u64>,
    /// Millionths of a conversion, by model and channel; zero for Markov.
    pub credit_millionths: Vec<i64>,
    /// Minor units × millionths, by model and channel; zero for Markov.
    pub value_minor_millionths: Vec<i128>,
    /// Whether the chain is counted.
    pub has_chain: bool,
    /// Transitions of the chain.
    pub transitions: TransitionCounts,
    /// Minor units by last channel.
    pub last_value_minor: Vec<i128>,
    /// The chain instead, where it is of order 2 or 3.
    pub grams: Option<grams::Grams>,
    /// Paths by the channels they met, where the Shapley value asks for them.
    pub sets: Option<sets::Sets>,
    /// Short paths, until the bucket closes.
    short: ShortPaths,
}

/// Counts of transitions, as [`markov::Transitions`] lays them out.
#[derive(Debug, Clone, PartialEq)]
pub enum TransitionCounts {
    /// Every cell.
    Dense(Vec<u64>),
    /// The cells that occur.
    Sparse(HashMap<u32, u64, foldhash::fast::FixedState>),
}

impl Default for TransitionCounts {
    fn default() -> Self {
        TransitionCounts::Dense(Vec::new())
    }
}

impl TransitionCounts {
    fn new(channels: usize) -> Self {
        if channels <= DENSE_CHANNELS {
            TransitionCounts::Dense(vec![0; markov::cells(channels)])
        } else {
            TransitionCounts::Sparse(HashMap::default())
        }
    }

    /// Counts the steps of so many paths with the same channels, from the start to a sink: 0 for conversion,
    /// 1 for null.
    #[inline]
    fn add_paths(&mut self, channels: usize, path: impl Iterator<Item = u16>, sink: usize, paths: u64) {
        match self {
            TransitionCounts::Dense(cells) => steps(channels, path, sink, |cell| cells[cell] += paths),
            TransitionCounts::Sparse(cells) => {
                steps(channels, path, sink, |cell| *cells.entry(cell as u32).or_default() += paths);
            }
        }
    }

    fn merge(&mut self, other: &TransitionCounts) {
        match (self, other) {
            (TransitionCounts::Dense(into), TransitionCounts::Dense(from)) => {
                into.iter_mut().zip(from).for_each(|(into, from)| *into += from);
            }
            (TransitionCounts::Sparse(into), TransitionCounts::Sparse(from)) => {
                from.iter().for_each(|(cell, count)| *into.entry(*cell).or_default() += count);
            }
            // Both sides come from one number of channels.
            _ => unreachable!("transition counts of one run have one layout"),
        }
    }

    /// Adds the counts to a dense table.
    pub fn add_to(&self, table: &mut [f64], sign: f64) {
        match self {
            TransitionCounts::Dense(cells) => {
                table.iter_mut().zip(cells).for_each(|(cell, count)| *cell += sign * *count as f64);
            }
            // Counts are whole numbers below 2^53: the order of the sum doesn't matter.
            TransitionCounts::Sparse(cells) => {
                cells.iter().for_each(|(cell, count)| table[*cell as usize] += sign * *count as f64);
            }
        }
    }
}

#[inline]
fn steps(channels: usize, path: impl Iterator<Item = u16>, sink: usize, mut step: impl FnMut(usize)) {
    let sinks = channels + 2;
    let mut from = channels;
    for channel in path {
        let to = usize::from(channel);
        step(from * sinks + to);
        from = to;
    }
    step(from * sinks + channels + sink);
}

/// Conversions of the window, whatever becomes of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Booked {
    /// How many.
    pub conversions: u64,
    /// How many of them are worth nothing.
    pub worthless: u64,
    /// Minor units.
    pub value_minor: i128,
    /// Rows that are none, for their order has its conversion already.
    pub order_rows: u64,
    /// What they are worth and no conversion of the window holds, minor units.
    pub left_out_minor: i128,
}

/// What one bucket saw, with memory that is used from journey to journey.
#[derive(Debug, Default)]
pub struct AttributionPartial {
    /// By target.
    pub targets: Vec<TargetCells>,
    /// By target, what campaigns are credited with; empty unless they are asked for.
    units: Vec<UnitCells>,
    /// By conversion, counted from the conversions themselves: what the books must show.
    pub booked: Vec<Booked>,
    /// Refund rows of the window, minor units.
    pub refunds_minor: i128,
    /// What of them found its order.
    pub linked_refunds_minor: i128,
    /// Touches cut off the front of paths that were too long.
    pub cut_touches: u64,
    /// New customers; None without a spend input, for nothing else asks what one costs.
    pub acquired: Option<Box<Acquired>>,
    /// The window before; None unless it is compared.
    pub previous: Option<Box<AttributionPartial>>,
    scratch: Scratch,
}

/// Memory that is used from path to path.
#[derive(Debug, Default)]
struct Scratch {
    /// Of the journey at hand, once a path asks for them.
    factors: Vec<f64>,
    has_factors: bool,
    credit: Credit,
    distinct: Distinct,
    /// Over the window before.
    walk: Walk,
    /// Of the touches of the path at hand.
    units: Vec<u32>,
    places: Vec<u32>,
}

/// Factors between the touches of a path. Those of all paths of a journey are worked out when the first one
/// asks for them.
fn factors_of<'f>(
    path: &Path,
    all: &[Touch],
    half_life_us: i64,
    factors: &'f mut Vec<f64>,
    has_factors: &mut bool,
) -> &'f [f64] {
    if path.touches.len() > 1 && !*has_factors {
        time_decay::factors(all.iter().map(|touch| touch.time_us), half_life_us, factors);
        *has_factors = true;
    }
    factors.get(path.touches.start..path.touches.end - 1).unwrap_or_default()
}

impl<'a> Attribution<'a> {
    /// For a run.
    pub fn new(context: Context<'a>) -> Self {
        let plan = &context.plan.attribution;
        let unit_models = plan.by.campaign.then(|| UnitModels::of(&plan.models));
        let previous = context.previous.map(|rules| Context { rules, previous: None, ..context });
        Self { context, unit_models, previous: previous.map(|previous| Box::new(Self::new(previous))) }
    }

    /// What the analysis knows of the run.
    pub fn context(&self) -> &Context<'a> {
        &self.context
    }

    /// The same analysis of the window before; None unless it is compared.
    pub fn previous(&self) -> Option<&Attribution<'a>> {
        self.previous.as_deref()
    }

    fn channels(&self) -> usize {
        self.context.rules.channels.len()
    }

    fn models(&self) -> &'a [Model] {
        &self.context.plan.attribution.models
    }

    /// Adds a path. `all` are the touches that the journey's paths are ranges of.
    fn observe_path(&self, path: &Path, all: &[Touch], cells: &mut TargetCells, scratch: &mut Scratch) {
        let touches = &all[path.touches.clone()];
        if let Some(grams) = &mut cells.grams {
            grams.add_touches(touches, path.end, self.channels());
        }
        // What a conversion gives, a refund takes back: value in part, credit only as a whole.
        let (value, conversions) = match path.end {
            PathEnd::Null => {
                if touches.is_empty() {
                    return;
                }
                match cells.short.place(touches) {
                    Some(place) => cells.short.add_null(place),
                    None => {
                        cells.add_nulls(touches.iter().map(|touch| touch.channel), 1, &mut scratch.distinct);
                    }
                }
                return;
            }
            PathEnd::Converted { value_minor, .. } => {
                cells.add_converted(value_minor, touches.is_empty());
                if touches.is_empty() {
                    return;
                }
                if let Some(place) = cells.short.place(touches) {
                    cells.short.add_conversion(place, value_minor);
                    if touches.len() > 1 {
                        self.share_by_time(path, all, (value_minor, 1), cells, scratch);
                    }
                    return;
                }
                (value_minor, 1)
            }
            PathEnd::Refunded { value_minor, whole, .. } => {
                cells.add_refunded(value_minor, whole, touches.is_empty());
                if touches.is_empty() {
                    return;
                }
                (-value_minor, -i64::from(whole))
            }
        };
        self.share_by_time(path, all, (value, conversions), cells, scratch);
        let channels = touches.iter().map(|touch| touch.channel);
        // A refund walks the path of its conversion again: that is no second journey.
        let journeys = match path.end {
            PathEnd::Refunded { .. } => {
                channels.clone().for_each(|channel| cells.refunded_touches[usize::from(channel)] += 1);
                0
            }
            _ => 1,
        };
        self.share_by_channels(channels, journeys, (i128::from(value), conversions), cells, scratch);
    }

    /// Gives credit and value, each for so many conversions, under the model that looks at times.
    #[inline]
    fn share_by_time(
        &self,
        path: &Path,
        all: &[Touch],
        (value, conversions): (i64, i64),
        cells: &mut TargetCells,
        Scratch { factors, has_factors, credit, .. }: &mut Scratch,
    ) {
        let Some(model) = self.models().iter().position(|model| model.looks_at_times()) else { return };
        let plan = &self.context.plan.attribution;
        let factors = factors_of(path, all, plan.half_life_us, factors, has_factors);
        let mut ledger = cells.ledger(model, self.channels(), conversions, i128::from(value));
        let channels = all[path.touches.clone()].iter().map(|touch| touch.channel);
        match credit.over(self.models()[model], plan, &self.context.rules.direct, channels, factors) {
            Shares::One(at) => ledger.give(all[path.touches.start + at].channel, MILLIONTHS),
            Shares::Each(parts) => {
                let touches = &all[path.touches.clone()];
                touches.iter().zip(parts).for_each(|(touch, part)| ledger.give(touch.channel, *part));
            }
            Shares::Elsewhere => {}
        }
    }

    /// Adds so many paths that converted, with the same channels, to all that doesn't look at times, and gives
    /// them credit and value, each for so many conversions.
    fn share_by_channels(
        &self,
        channels: impl ExactSizeIterator<Item = u16> + DoubleEndedIterator + Clone,
        journeys: u64,
        (value, conversions): (i128, i64),
        cells: &mut TargetCells,
        Scratch { credit, distinct, .. }: &mut Scratch,
    ) {
        let Some(last) = channels.clone().last() else { return };
        cells.last_value_minor[usize::from(last)] += value;
        if let Some(grams) = cells.grams.as_mut().and_then(grams::Grams::of_channels) {
            grams.add_value(channels.clone(), value);
        }
        let distinct = distinct.of(channels.clone());
        if let Some(sets) = &mut cells.sets {
            let set = sets.of(distinct);
            set.conversions += journeys;
            set.credited += conversions;
            set.value_minor += value;
        }
        if journeys > 0 {
            cells.add_steps(channels.clone(), 0, journeys);
            channels.clone().for_each(|channel| cells.touches[usize::from(channel)] += journeys);
            distinct.iter().for_each(|channel| cells.journeys[usize::from(*channel)] += journeys);
        }
        let plan = &self.context.plan.attribution;
        for (index, model) in self.models().iter().enumerate() {
            if model.looks_at_times() {
                continue;
            }
            let mut ledger = cells.ledger(index, self.channels(), conversions, value);
            match credit.over(*model, plan, &self.context.rules.direct, channels.clone(), &[]) {
                Shares::One(at) => {
                    channels.clone().nth(at).into_iter().for_each(|only| ledger.give(only, MILLIONTHS))
                }
                Shares::Each(parts) => {
                    channels.clone().zip(parts).for_each(|(channel, part)| ledger.give(channel, *part));
                }
                Shares::Elsewhere if *model == Model::Shapley => {
                    let parts = credit.equally(distinct.len());
                    distinct.iter().zip(parts).for_each(|(channel, part)| ledger.give(*channel, *part));
                }
                Shares::Elsewhere if *model == Model::Participation => {
                    distinct.iter().for_each(|channel| ledger.give(*channel, MILLIONTHS));
                }
                Shares::Elsewhere => {}
            }
        }
    }

    /// Cells that have seen nothing and keep no chain.
    fn no_paths(&self) -> TargetCells {
        let channels = self.channels();
        let cells = self.models().len() * channels;
        TargetCells {
            touches: vec![0; channels],
            refunded_touches: vec![0; channels],
            journeys: vec![0; channels],
            credit_millionths: vec![0; cells],
            value_minor_millionths: vec![0; cells],
            last_value_minor: vec![0; channels],
            short: ShortPaths::new(channels),
            ..TargetCells::default()
        }
    }

    /// Adds a path of a journey to what campaigns are credited with.
    fn observe_units(
        &self,
        path: &Path,
        Observed { journey, walk, .. }: Observed<'_>,
        models: &UnitModels,
        cells: &mut UnitCells,
        Scratch { factors, has_factors, credit, units, places, .. }: &mut Scratch,
    ) {
        let (value, conversions, is_journey) = match path.end {
            PathEnd::Null => return,
            PathEnd::Converted { value_minor, .. } => (value_minor, 1, true),
            PathEnd::Refunded { value_minor, whole, .. } => (-value_minor, -i64::from(whole), false),
        };
        let all = walk.on_paths();
        let touches = &all[path.touches.clone()];
        if touches.is_empty() {
            return;
        }
        let Context { plan, rules, .. } = self.context;
        let unit = |touch: &Touch| rules.units.of_code[journey.rows[touch.row as usize].code as usize];
        units.clear();
        units.extend(touches.iter().map(unit));
        let factors = match models.column(Model::TimeDecay) {
            Some(_) => factors_of(path, all, plan.attribution.half_life_us, factors, has_factors),
            None => &[],
        };
        let path = UnitPath { touches, units, factors, conversions, value, is_journey };
        cells.add(&path, models, (&plan.attribution, &rules.direct), credit, places);
    }

    /// Cells of campaigns that have seen nothing, for so many targets; none where credit stays with channels.
    fn no_units(&self, targets: usize) -> Vec<UnitCells> {
        let cells = self.unit_models.iter().map(|models| UnitCells::new(models.cells.len()));
        cells.flat_map(|cells| vec![cells; targets]).collect()
    }

    /// Adds a journey of the own window.
    fn observe_journey(&self, observed: Observed<'_>, partial: &mut AttributionPartial) {
        let walk = observed.walk;
        partial.cut_touches += walk.cut_touches;
        for event in &walk.conversions {
            if self.context.rules.in_window(event.time_us) {
                let booked = &mut partial.booked[event.conversion];
                booked.conversions += 1;
                booked.worthless += u64::from(event.value_minor == 0);
                booked.value_minor += i128::from(event.value_minor);
            }
        }
        for row in &walk.order_rows {
            let booked = &mut partial.booked[row.conversion];
            booked.order_rows += 1;
            booked.left_out_minor += i128::from(row.left_out_minor);
        }
        for refund in &walk.refunds {
            partial.refunds_minor += i128::from(refund.value_minor);
            partial.linked_refunds_minor += i128::from(refund.linked_minor);
        }
        partial.scratch.has_factors = false;
        for path in &walk.paths {
            let cells = &mut partial.targets[path.target];
            self.observe_path(path, walk.on_paths(), cells, &mut partial.scratch);
        }
        if let Some(models) = &self.unit_models {
            for path in &walk.paths {
                let cells = &mut partial.units[path.target];
                self.observe_units(path, observed, models, cells, &mut partial.scratch);
            }
        }
        if let Some(acquired) = partial.acquired.as_deref_mut() {
            self.observe_firsts(observed, acquired, &mut partial.scratch);
        }
    }

    /// Adds the short paths of a target to all that counts them.
    fn share_short(&self, cells: &mut TargetCells, scratch: &mut Scratch) {
        let by_time = self.models().iter().position(|model| model.looks_at_times());
        std::mem::take(&mut cells.short).drain(|channels, counts| {
            let path = channels.iter().copied();
            if counts.nulls > 0 {
                cells.add_nulls(path.clone(), counts.nulls, &mut scratch.distinct);
            }
            if counts.conversions == 0 {
                return;
            }
            let given = (counts.value_minor, counts.conversions as i64);
            self.share_by_channels(path, counts.conversions, given, cells, scratch);
            // Whenever it was, a single touch is given everything.
            if let (Some(model), [only]) = (by_time, channels) {
                cells.ledger(model, self.channels(), given.1, given.0).give(*only, MILLIONTHS);
            }
        });
    }
}

impl Analysis for Attribution<'_> {
    type Partial = AttributionPartial;

    fn partial(&self) -> AttributionPartial {
        let rules = self.context.rules;
        let plan = &self.context.plan.attribution;
        let chain = self.models().contains(&Model::Markov);
        let counts_touches = plan.path == PathTransform::Frequency;
        let has_chain = chain && plan.markov_order == 1 && !counts_touches;
        let transitions = match has_chain {
            true => TransitionCounts::new(self.channels()),
            false => TransitionCounts::default(),
        };
        let grams = match counts_touches {
            true => grams::Grams::counting_touches(plan.markov_order),
            false => grams::Grams::new(plan.markov_order),
        };
        let sets = self.models().contains(&Model::Shapley) && plan.shapley_value == ShapleyValue::Rate;
        let target = TargetCells {
            has_chain,
            transitions,
            grams: (chain && !has_chain).then_some(grams),
            sets: sets.then(sets::Sets::default),
            ..self.no_paths()
        };
        let acquired = (!self.context.spend.is_empty()).then(|| Box::new(Acquired::new(self)));
        AttributionPartial {
            targets: vec![target; rules.targets.len()],
            units: self.no_units(rules.targets.len()),
            booked: vec![Booked::default(); rules.conversion_values.len()],
            acquired,
            previous: self.previous().map(|previous| Box::new(previous.partial())),
            ..Default::default()
        }
    }

    fn observe(&self, observed: Observed<'_>, partial: &mut AttributionPartial) {
        self.observe_journey(observed, partial);
        if let (Some(previous), Some(own)) = (self.previous(), partial.previous.as_deref_mut()) {
            let mut walk = std::mem::take(&mut own.scratch.walk);
            let rules = previous.context.rules;
            let journey = observed.journey.before(rules.to_us);
            walk.over(&journey, rules);
            previous.observe_journey(Observed { journey: &journey, walk: &walk, segments: &[] }, own);
            own.scratch.walk = walk;
        }
    }

    fn close(&self, partial: &mut AttributionPartial) {
        for cells in &mut partial.targets {
            self.share_short(cells, &mut partial.scratch);
        }
        partial.units.iter_mut().for_each(UnitCells::close);
        for acquired in partial.acquired.iter_mut() {
            acquired.firsts.iter_mut().for_each(|cells| self.share_short(cells, &mut partial.scratch));
            acquired.units.iter_mut().for_each(UnitCells::close);
        }
        if let (Some(previous), Some(own)) = (self.previous(), partial.previous.as_deref_mut()) {
            previous.close(own);
        }
    }

    fn merge(&self, into: &mut AttributionPartial, from: AttributionPartial) {
        into.cut_touches += from.cut_touches;
        into.refunds_minor += from.refunds_minor;
        into.linked_refunds_minor += from.linked_refunds_minor;
        for (into, from) in into.booked.iter_mut().zip(&from.booked) {
            into.conversions += from.conversions;
            into.worthless += from.worthless;
            into.value_minor += from.value_minor;
            into.order_rows += from.order_rows;
            into.left_out_minor += from.left_out_minor;
        }
        for (into, from) in into.targets.iter_mut().zip(&from.targets) {
            into.merge(from);
        }
        into.units.iter_mut().zip(&from.units).for_each(|(into, from)| into.merge(from));
        if let (Some(into), Some(from)) = (&mut into.acquired, &from.acquired) {
            into.merge(from);
        }
        if let (Some(previous), Some(into), Some(from)) =
            (self.previous(), into.previous.as_deref_mut(), from.previous)
        {
            previous.merge(into, *from);
        }
    }

    fn finish(
        &self,
        buckets: Vec<AttributionPartial>,
        _withheld: &mut Withheld,
    ) -> Result<Vec<NamedFrame>, PolarsError> {
        let buckets = &buckets[..];
        let solved = solve::solve(self, buckets);
        let mut frames = tables::frames(self, &solved)?;
        frames.extend(channel_roi::frames(self, buckets, &solved)?);
        frames.extend(reconciliation::attribution_ledgers(&self.context, buckets, &solved)?);
        Ok(frames)
    }
}

/// Credit and value of one model, by channel, as a path adds to them.
struct Ledger<'c> {
    credits: &'c mut [i64],
    values: &'c mut [i128],
    conversions: i64,
    value: i128,
}

impl Ledger<'_> {
    /// Gives a channel so many millionths of the path's conversion and value.
    #[inline]
    fn give(&mut self, channel: u16, millionths: i64) {
        self.credits[usize::from(channel)] += self.conversions * millionths;
        if self.value != 0 {
            self.values[usize::from(channel)] += self.value * i128::from(millionths);
        }
    }
}

impl TargetCells {
    fn ledger(&mut self, model: usize, channels: usize, conversions: i64, value: i128) -> Ledger<'_> {
        let row = model * channels..(model + 1) * channels;
        Ledger {
            credits: &mut self.credit_millionths[row.clone()],
            values: &mut self.value_minor_millionths[row],
            conversions,
            value,
        }
    }

    /// Counts the steps of so many paths with the same channels for the chain, where there is one.
    #[inline]
    fn add_steps(&mut self, path: impl Iterator<Item = u16>, sink: usize, paths: u64) {
        if self.has_chain {
            let channels = self.touches.len();
            self.transitions.add_paths(channels, path, sink, paths);
        } else if let Some(grams) = self.grams.as_mut().and_then(grams::Grams::of_channels) {
            grams.add_paths(path, sink == 0, paths);
        }
    }

    /// Counts so many null paths with the same channels for the models that look at them.
    #[inline]
    fn add_nulls(&mut self, path: impl Iterator<Item = u16> + Clone, paths: u64, distinct: &mut Distinct) {
        if let Some(sets) = &mut self.sets {
            sets.of(distinct.of(path.clone())).nulls += paths;
        }
        self.add_steps(path, 1, paths);
    }

    fn add_converted(&mut self, value_minor: i64, unattributed: bool) {
        self.conversions += 1;
        self.unattributed += u64::from(unattributed);
        if value_minor != 0 {
            let value = i128::from(value_minor);
            self.value_minor += value;
            self.value_squares += value * value;
            self.unattributed_value_minor += if unattributed { value } else { 0 };
        }
    }

    fn add_refunded(&mut self, value_minor: i64, whole: bool, unattributed: bool) {
        let value = i128::from(value_minor);
        if unattributed {
            self.refunded_unattributed += u64::from(whole);
            self.refunds_unattributed_minor += value;
        } else {
            self.refunded += u64::from(whole);
            self.refunds_minor += value;
        }
    }

    /// Conversions with a touch in reach, less those refunded in whole.
    pub fn attributed(&self) -> i64 {
        (self.conversions - self.unattributed) as i64 - self.refunded as i64
    }

    /// Their value, less what went back, minor units.
    pub fn attributed_minor(&self) -> i128 {
        self.value_minor - self.unattributed_value_minor - self.refunds_minor
    }

    /// Conversions without a touch in reach, less those refunded in whole.
    pub fn net_unattributed(&self) -> i64 {
        self.unattributed as i64 - self.refunded_unattributed as i64
    }

    /// Their value, less what went back, minor units.
    pub fn net_unattributed_minor(&self) -> i128 {
        self.unattributed_value_minor - self.refunds_unattributed_minor
    }

    /// Adds what another bucket saw.
    pub fn merge(&mut self, other: &TargetCells) {
        fn add<T: Copy + std::ops::AddAssign>(into: &mut [T], from: &[T]) {
            into.iter_mut().zip(from).for_each(|(into, from)| *into += *from);
        }
        self.conversions += other.conversions;
        self.unattributed += other.unattributed;
        self.value_minor += other.value_minor;
        self.unattributed_value_minor += other.unattributed_value_minor;
        self.refunded += other.refunded;
        self.refunded_unattributed += other.refunded_unattributed;
        self.refunds_minor += other.refunds_minor;
        self.refunds_unattributed_minor += other.refunds_unattributed_minor;
        self.value_squares += other.value_squares;
        add(&mut self.touches, &other.touches);
        add(&mut self.refunded_touches, &other.refunded_touches);
        add(&mut self.journeys, &other.journeys);
        add(&mut self.credit_millionths, &other.credit_millionths);
        add(&mut self.value_minor_millionths, &other.value_minor_millionths);
        add(&mut self.last_value_minor, &other.last_value_minor);
        self.transitions.merge(&other.transitions);
        if let Some(from) = &other.grams {
            self.grams.get_or_insert_with(|| from.empty()).merge(from);
        }
        if let Some(from) = &other.sets {
            self.sets.get_or_insert_default().merge(from);
        }
    }
}
