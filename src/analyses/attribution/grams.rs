//! Moves of a Markov chain that remembers two or three channels, counted sparsely, and their solution.

use hashbrown::HashMap;

use crate::attribution::gram::{Gram, counted};
use crate::attribution::markov_order::{Chain, ChainCounts, MAX_STATES, Solver};
use crate::journey::PathEnd;
use crate::journey::walk::Touch;
use crate::stats::Reason;

use super::solve::Chains;
use super::{TargetCells, side_by_side};

/// Paths that converted from one state.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Ends {
    conversions: u64,
    /// Minor units, less what was refunded.
    value_minor: i128,
}

/// What one bucket saw of the chain to one target.
#[derive(Debug, Clone, PartialEq)]
pub struct Grams {
    order: usize,
    /// Whether states carry how often a path met a channel.
    counts_touches: bool,
    /// By the channels a move goes through: those of the state it leaves, and the next.
    moves: HashMap<Gram, u64, foldhash::fast::FixedState>,
    ends: HashMap<Gram, Ends, foldhash::fast::FixedState>,
}

impl Grams {
    /// For a chain of this order, 2 or 3; nothing seen.
    pub fn new(order: u8) -> Self {
        Self {
            order: usize::from(order),
            counts_touches: false,
            moves: HashMap::default(),
            ends: HashMap::default(),
        }
    }

    /// The same, of order 1 too, with another state for a channel that was met once than for one that was met
    /// twice.
    pub fn counting_touches(order: u8) -> Self {
        Self { counts_touches: true, ..Self::new(order) }
    }

    /// Where states are channels and nothing else, what counts them by their channels.
    pub fn of_channels(&mut self) -> Option<&mut Self> {
        (!self.counts_touches).then_some(self)
    }

    /// Counts a path touch by touch, where states carry how often it met a channel; of so many channels.
    pub fn add_touches(&mut self, touches: &[Touch], end: PathEnd, channels: usize) {
        if !self.counts_touches || touches.is_empty() {
            return;
        }
        let states = touches.iter().map(|touch| counted(touch.channel, touch.repeats, channels));
        match end {
            PathEnd::Null => self.add_paths(states, false, 1),
            PathEnd::Converted { value_minor, .. } => {
                self.add_paths(states.clone(), true, 1);
                self.add_value(states, i128::from(value_minor));
            }
            PathEnd::Refunded { value_minor, .. } => self.add_value(states, -i128::from(value_minor)),
        }
    }

    /// For the same chain, nothing seen.
    pub fn empty(&self) -> Self {
        Self { moves: HashMap::default(), ends: HashMap::default(), ..*self }
    }

    /// Counts the moves of so many paths with the same channels, and where they convert their end.
    pub fn add_paths(&mut self, path: impl Iterator<Item = u16>, converted: bool, paths: u64) {
        let mut state = Gram::START;
        for channel in path {
            *self.moves.entry(state.then(channel, self.order + 1)).or_default() += paths;
            state = state.then(channel, self.order);
        }
        if converted {
            self.ends.entry(state).or_default().conversions += paths;
        }
    }

    /// Adds value that converts at the end of a path, also less than nothing.
    pub fn add_value(&mut self, path: impl Iterator<Item = u16>, value_minor: i128) {
        if value_minor != 0 {
            let state = path.fold(Gram::START, |state, channel| state.then(channel, self.order));
            self.ends.entry(state).or_default().value_minor += value_minor;
        }
    }

    /// Adds what another bucket saw.
    pub fn merge(&mut self, other: &Grams) {
        other.moves.iter().for_each(|(gram, count)| *self.moves.entry(*gram).or_default() += count);
        for (gram, from) in &other.ends {
            let into = self.ends.entry(*gram).or_default();
            into.conversions += from.conversions;
            into.value_minor += from.value_minor;
        }
    }
}

/// Solves the chain of all customers, and those without each bucket.
pub(super) fn solve(total: &TargetCells, buckets: &[&TargetCells], threads: usize) -> Result<Chains, Reason> {
    let channels = total.touches.len();
    let Some(all) = &total.grams else { return Ok(Chains::default()) };
    let chain = Chain::new(all.order, all.moves.keys().copied());
    if chain.states() > MAX_STATES {
        return Err(Reason::TooManyStates);
    }
    let places = Places::of(&chain, all);
    let mut whole = chain.counts();
    places.fill(&mut whole, all, None);
    let solve = |counts: &ChainCounts, solver: &mut Solver| {
        chain.removal_effects(channels, counts, solver).map_err(|_| Reason::NotConverged)
    };
    let found = solve(&whole, &mut Solver::default())?;
    // Without a bucket the factor 64/63 cancels inside the chain. A replicate that doesn't settle is undefined,
    // and with it the intervals.
    let without = side_by_side::map(
        threads,
        buckets.len(),
        || (whole.clone(), Solver::default()),
        |(counts, solver), bucket| {
            counts.clone_from(&whole);
            if let Some(own) = &buckets[bucket].grams {
                places.fill(counts, own, Some(all));
            }
            solve(counts, solver).ok().flatten()
        },
    );
    Ok(Chains { whole: found, without })
}

/// Where each gram stands in the counts of a chain.
struct Places {
    moves: HashMap<Gram, u32, foldhash::fast::FixedState>,
    ends: HashMap<Gram, u32, foldhash::fast::FixedState>,
}

impl Places {
    fn of(chain: &Chain, all: &Grams) -> Self {
        let place = |gram: &Gram| chain.place(*gram).map(|place| (*gram, place as u32));
        // Value can come back from a conversion before the window, to a state that no path of it met.
        let state = |gram: &Gram| chain.state(*gram).map(|state| (*gram, state as u32));
        Self {
            moves: all.moves.keys().filter_map(place).collect(),
            ends: all.ends.keys().filter_map(state).collect(),
        }
    }

    /// Writes the counts of `all`, or those of `all` less `own`. Each place is written once: the order of the
    /// maps doesn't show.
    fn fill(&self, counts: &mut ChainCounts, own: &Grams, all: Option<&Grams>) {
        for (gram, count) in &own.moves {
            let Some(place) = self.moves.get(gram) else { continue };
            let left = all.and_then(|all| all.moves.get(gram)).map_or(*count, |all| all - count);
            counts.moves[*place as usize] = left as f64;
        }
        for (gram, ends) in &own.ends {
            let Some(state) = self.ends.get(gram) else { continue };
            let all = all.and_then(|all| all.ends.get(gram));
            let conversions = all.map_or(ends.conversions, |all| all.conversions - ends.conversions);
            let value_minor = all.map_or(ends.value_minor, |all| all.value_minor - ends.value_minor);
            counts.conversions[*state as usize] = conversions as f64;
            counts.values[*state as usize] = value_minor as f64;
        }
    }
}
