//! Removal effects of an absorbing chain of order 1 to 3, sparse.
//!
//! A state is the last min(k, i) channels of a path after its i-th touch. Removing a channel sends every state
//! that contains it to null (Anderl et al. 2016), and the removal effect is the share of conversions that is
//! lost: `RE_c = 1 − p_{−c} / p`.
//!
//! The chain is estimated from the paths themselves (maximum likelihood: Anderson & Goodman 1957), so that its
//! expected visits to a state are the counted ones, N, and its probability to convert is the counted share. Read
//! backwards in time (Kemeny & Snell 1960, ch. 5) it goes from state `s` to `t` with `n_ts / N_s`, and the share
//! `u_s` of the visits to `s` that come after one to the channel is
//!
//! ```text
//! u_s = 1                      where s contains the channel
//! u_s = Σ_t n_ts u_t / N_s     elsewhere; 0 at the start
//! ```
//!
//! What is lost is what converts from such visits: `RE_c = Σ_s u_s k_s / Σ_s k_s` with `k_s` conversions from `s`,
//! the same for value with the value of the conversions from `s`. All terms are positive, so that small effects
//! are as exact as large ones, and a channel that no conversion comes after has exactly 0.
//!
//! From every state the start is reached, so that the system is a nonsingular M-matrix, for which Gauss–Seidel
//! converges from any start (Varga 1962, ch. 3). Before every fourth sweep the shares of all states with one last
//! channel are scaled together, so that over all of them what flows out equals what flows in: a chain of
//! channels, solved by elimination (aggregation: Koury, McAllister & Stewart 1984). That takes away at once what
//! sweeps would take long for, such as paths that go in circles. The solution ends with a sweep that moved less than
//! `TOLERANCE` of all such visits: no more is missing in the lost conversions, for a visit leads to at most
//! one. States are swept in one fixed order, eight channels side by side.

use super::gram::{Gram, channel_of};
use super::markov::RemovalEffects;

/// States above which nothing is solved.
pub const MAX_STATES: usize = 20_000;
/// Visits that a last sweep may move, as a share of those that come after the channel.
const TOLERANCE: f64 = 1e-14;
/// One sweep in so many is scaled: that costs as much as two.
const SCALED_EVERY: usize = 4;
/// Sweeps up to which some are scaled.
const SCALED_SWEEPS: usize = 400;
/// With more last channels all states are scaled alike.
const MAX_GROUPS: usize = 32;
/// Pivots below are those of shares that nothing can leave yet: then nothing is scaled.
const SMALLEST_PIVOT: f64 = 1e-12;
/// Sweeps after which a solution is given up.
const MAX_SWEEPS: usize = 5_000;
/// Channels that are solved side by side.
const LANES: usize = 8;
/// In place of a state: the start.
const START: u32 = u32::MAX;

type Lanes = [f64; LANES];

/// States and moves of a chain, whatever their counts.
#[derive(Debug, Clone, PartialEq)]
pub struct Chain {
    order: usize,
    /// Sorted.
    states: Vec<Gram>,
    /// By state: where its moves begin; one more at the end.
    moves_into: Vec<u32>,
    /// By move, in the order of the states they lead to: the state it comes from, or [`START`].
    from: Vec<u32>,
    /// By move: the channels that it goes through, up to one more than the order.
    grams: Vec<Gram>,
    /// By state: which states are scaled with it.
    group: Vec<usize>,
    groups: usize,
}

/// Counts over the states and moves of a [`Chain`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ChainCounts {
    /// By move.
    pub moves: Vec<f64>,
    /// By state: paths that convert from it.
    pub conversions: Vec<f64>,
    /// By state: minor units of those.
    pub values: Vec<f64>,
}

/// Sweeps didn't settle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotConverged;

/// Memory that is used from chain to chain.
#[derive(Debug, Default)]
pub struct Solver {
    /// By state: visits.
    visits: Vec<f64>,
    /// By state: one over the visits that come from other states; 0 without any.
    inverse: Vec<f64>,
    /// By state: a bit for each channel that is solved and that the state contains.
    contained: Vec<u8>,
    /// Moves that meet a channel that is solved, from a state without it: place and lane.
    entering: Vec<(u32, u8)>,
    /// By state: the share of its visits that come after each channel.
    after: Vec<Lanes>,
    aggregate: Aggregate,
}

/// The chain of groups of states, outside the states that contain a channel.
#[derive(Debug, Default)]
struct Aggregate {
    /// By group: moves into it from the channel's states.
    entered: Vec<Lanes>,
    /// By group: visits after the channel.
    visits: Vec<Lanes>,
    /// By group and the group they come from: moves from such visits.
    moves: Vec<Lanes>,
    /// By group: what its shares are scaled by.
    factors: Vec<Lanes>,
    /// Of one channel: the system, row by row, with its right side.
    system: Vec<f64>,
}

impl Chain {
    /// Of all moves that any path makes, each as the channels it goes through: those of the state it comes from,
    /// and the next one. So it has up to one channel more than the order, which is at most 3.
    pub fn new(order: usize, moves: impl IntoIterator<Item = Gram>) -> Self {
        let mut grams: Vec<Gram> = moves.into_iter().collect();
        grams.sort_unstable_by_key(|gram| (gram.last(order), *gram));
        grams.dedup();
        let mut states: Vec<Gram> = grams.iter().map(|gram| gram.last(order)).collect();
        states.dedup();
        let mut moves_into = Vec::with_capacity(states.len() + 1);
        for (place, gram) in grams.iter().enumerate() {
            if place == 0 || grams[place - 1].last(order) != gram.last(order) {
                moves_into.push(place as u32);
            }
        }
        moves_into.push(grams.len() as u32);
        // A path that makes a move stood in the state before it, which some move led to, or at the start.
        let state = |gram: Gram| states.binary_search(&gram).map_or(START, |state| state as u32);
        let from = grams.iter().map(|gram| state(gram.before())).collect();
        let mut last: Vec<Gram> = states.iter().map(|state| state.last(1)).collect();
        last.sort_unstable();
        last.dedup();
        let groups = if last.len() > MAX_GROUPS { 1 } else { last.len() };
        let of = |state: &Gram| last.binary_search(&state.last(1)).map_or(0, |group| group % groups);
        let group = states.iter().map(of).collect();
        Self { order, states, moves_into, from, grams, group, groups }
    }

    /// Number of states.
    pub fn states(&self) -> usize {
        self.states.len()
    }

    /// Place of a state in [`ChainCounts`]; None if no move leads to it.
    pub fn state(&self, gram: Gram) -> Option<usize> {
        self.states.binary_search(&gram).ok()
    }

    /// Place of a move in [`ChainCounts`]; None if there is no such move.
    pub fn place(&self, gram: Gram) -> Option<usize> {
        let key = (gram.last(self.order), gram);
        self.grams.binary_search_by_key(&key, |gram| (gram.last(self.order), *gram)).ok()
    }

    /// Counts of nothing.
    pub fn counts(&self) -> ChainCounts {
        ChainCounts {
            moves: vec![0.0; self.grams.len()],
            conversions: vec![0.0; self.states.len()],
            values: vec![0.0; self.states.len()],
        }
    }

    /// Effects of removing each of so many channels. `Ok(None)` where nothing converts.
    ///
    /// States may be of channels or of channels that were met so often ([`super::gram::counted`]): removing a
    /// channel removes all of its states.
    ///
    /// Counts must be those of whole paths: what enters a state leaves it, or ends there.
    ///
    /// # Errors
    /// [`NotConverged`] where the sweeps didn't settle: paths that go around the same states thousands of times.
    pub fn removal_effects(
        &self,
        channels: usize,
        counts: &ChainCounts,
        solver: &mut Solver,
    ) -> Result<Option<RemovalEffects>, NotConverged> {
        let (mut started, mut conversions, mut value) = (0.0, 0.0, 0.0);
        for (gram, count) in self.grams.iter().zip(&counts.moves) {
            started += if gram.len() == 1 { *count } else { 0.0 };
        }
        counts.conversions.iter().for_each(|count| conversions += count);
        counts.values.iter().for_each(|own| value += own);
        if started <= 0.0 || conversions <= 0.0 {
            return Ok(None);
        }
        self.prepare(counts, solver);
        let mut found = RemovalEffects {
            conversion_probability: conversions / started,
            effects: vec![0.0; channels],
            value_effects: (value > 0.0).then(|| vec![0.0; channels]),
            reach: vec![0.0; channels],
        };
        let met = self.met(channels, counts);
        for lanes in met.chunks(LANES) {
            self.mark(lanes, channels, solver);
            self.solve(counts, solver)?;
            let lost = self.lost(counts, solver);
            let reached = self.reached(counts, solver);
            for (lane, channel) in lanes.iter().map(|channel| usize::from(*channel)).enumerate() {
                found.effects[channel] = (lost[0][lane] / conversions).min(1.0);
                if let Some(effects) = &mut found.value_effects {
                    effects[channel] = lost[1][lane] / value;
                }
                found.reach[channel] = (reached[lane] / started).min(1.0);
            }
        }
        Ok(Some(found))
    }

    /// Channels that some path meets.
    fn met(&self, channels: usize, counts: &ChainCounts) -> Vec<u16> {
        let mut met = vec![false; channels];
        for (gram, count) in self.grams.iter().zip(&counts.moves) {
            if let Some(channel) = gram.newest_first().next().filter(|_| *count > 0.0) {
                met[usize::from(channel_of(channel, channels))] = true;
            }
        }
        (0..channels as u16).filter(|channel| met[usize::from(*channel)]).collect()
    }

    /// Moves into a state.
    fn into(&self, state: usize) -> std::ops::Range<usize> {
        self.moves_into[state] as usize..self.moves_into[state + 1] as usize
    }

    fn prepare(&self, counts: &ChainCounts, solver: &mut Solver) {
        let Solver { visits, inverse, .. } = solver;
        visits.clear();
        inverse.clear();
        for state in 0..self.states.len() {
            let (mut all, mut own) = (0.0, 0.0);
            for place in self.into(state) {
                all += counts.moves[place];
                own += if self.from[place] as usize == state { counts.moves[place] } else { 0.0 };
            }
            visits.push(all);
            inverse.push(if all > own { 1.0 / (all - own) } else { 0.0 });
        }
    }

    /// Notes which states contain which of up to eight channels, and which moves meet one.
    fn mark(&self, lanes: &[u16], channels: usize, Solver { contained, entering, .. }: &mut Solver) {
        let lane = |own: u16| lanes.binary_search(&channel_of(own, channels)).ok();
        contained.clear();
        contained.extend(self.states.iter().map(|gram| {
            let lanes = gram.newest_first().filter_map(lane);
            lanes.fold(0, |bits, lane| bits | 1 << lane)
        }));
        entering.clear();
        for (place, (gram, from)) in self.grams.iter().zip(&self.from).enumerate() {
            let Some(lane) = gram.newest_first().next().and_then(lane) else { continue };
            if *from == START || contained[*from as usize] >> lane & 1 == 0 {
                entering.push((place as u32, lane as u8));
            }
        }
    }

    /// Fills `after` for these channels.
    fn solve(&self, counts: &ChainCounts, solver: &mut Solver) -> Result<(), NotConverged> {
        solver.after.clear();
        solver.after.extend(solver.contained.iter().map(|contained| set([0.0; LANES], *contained, 1.0)));
        self.enter(counts, solver);
        for sweep in 0..MAX_SWEEPS {
            if sweep % SCALED_EVERY == 1 && sweep <= SCALED_SWEEPS {
                self.scale(counts, solver);
            }
            let (moved, all) = self.sweep(counts, solver);
            if moved.iter().zip(&all).all(|(moved, all)| *moved <= TOLERANCE * all) {
                return Ok(());
            }
        }
        Err(NotConverged)
    }

    /// One sweep over all states: visits after each channel that it moved, and all of them.
    fn sweep(
        &self,
        counts: &ChainCounts,
        Solver { visits, inverse, contained, after, .. }: &mut Solver,
    ) -> (Lanes, Lanes) {
        let (mut moved, mut all) = ([0.0; LANES], [0.0; LANES]);
        for state in 0..self.states.len() {
            let mut sum = [0.0; LANES];
            let places = self.into(state);
            for (from, count) in self.from[places.clone()].iter().zip(&counts.moves[places]) {
                if *from == START || *from as usize == state {
                    continue;
                }
                sum.iter_mut().zip(&after[*from as usize]).for_each(|(sum, after)| *sum += count * after);
            }
            sum.iter_mut().for_each(|sum| *sum *= inverse[state]);
            sum = set(sum, contained[state], 1.0);
            let own = &mut after[state];
            for lane in 0..LANES {
                moved[lane] += visits[state] * (sum[lane] - own[lane]).abs();
                all[lane] += visits[state] * sum[lane];
            }
            *own = sum;
        }
        (moved, all)
    }

    /// Counts the moves out of the states with each channel to those without, by the group they enter.
    fn enter(&self, counts: &ChainCounts, Solver { contained, aggregate, .. }: &mut Solver) {
        aggregate.entered.clear();
        aggregate.entered.resize(self.groups, [0.0; LANES]);
        for to in 0..self.states.len() {
            let entered = &mut aggregate.entered[self.group[to]];
            for place in self.into(to).filter(|place| self.from[*place] != START) {
                let leaves = contained[self.from[place] as usize] & !contained[to];
                add(entered, &set([0.0; LANES], leaves, counts.moves[place]));
            }
        }
    }

    /// Scales the shares outside the channels' states, group by group, so that visits to a group are as many as
    /// come to it.
    fn scale(&self, counts: &ChainCounts, Solver { visits, contained, after, aggregate, .. }: &mut Solver) {
        let groups = self.groups;
        aggregate.visits.clear();
        aggregate.visits.resize(groups, [0.0; LANES]);
        aggregate.moves.clear();
        aggregate.moves.resize(groups * groups, [0.0; LANES]);
        for to in 0..self.states.len() {
            let own = set(after[to], contained[to], 0.0).map(|share| share * visits[to]);
            add(&mut aggregate.visits[self.group[to]], &own);
            let row = &mut aggregate.moves[self.group[to] * groups..][..groups];
            let places = self.into(to);
            for (from, count) in self.from[places.clone()].iter().zip(&counts.moves[places]) {
                if *from != START {
                    let from = *from as usize;
                    let outside = set(after[from], contained[from] | contained[to], 0.0);
                    add(&mut row[self.group[from]], &outside.map(|share| count * share));
                }
            }
        }
        aggregate.factors.clear();
        aggregate.factors.resize(groups, [1.0; LANES]);
        (0..LANES).for_each(|lane| aggregate.solve(groups, lane));
        for ((contained, after), group) in contained.iter().zip(after.iter_mut()).zip(&self.group) {
            let factors = &aggregate.factors[*group];
            after.iter_mut().zip(factors).for_each(|(share, factor)| *share = (*share * factor).min(1.0));
            *after = set(*after, *contained, 1.0);
        }
    }

    /// Conversions, and their value, from visits after each channel.
    fn lost(&self, counts: &ChainCounts, solver: &Solver) -> [Lanes; 2] {
        let mut lost = [[0.0; LANES]; 2];
        for ((after, conversions), value) in solver.after.iter().zip(&counts.conversions).zip(&counts.values)
        {
            for (lane, share) in after.iter().enumerate() {
                lost[0][lane] += share * conversions;
                lost[1][lane] += share * value;
            }
        }
        lost
    }

    /// Paths that meet each channel: moves into it from visits that don't come after it.
    fn reached(&self, counts: &ChainCounts, Solver { entering, after, .. }: &Solver) -> Lanes {
        let mut reached = [0.0; LANES];
        for (place, lane) in entering.iter().map(|(place, lane)| (*place as usize, usize::from(*lane))) {
            // Nothing comes before the start.
            let after = after.get(self.from[place] as usize).map_or(0.0, |from| from[lane]);
            reached[lane] += counts.moves[place] * (1.0 - after);
        }
        reached
    }
}

impl Aggregate {
    /// Finds the factors of one channel: with `x` the visits to each group, `x_g = entered_g + Σ_h moves_gh x_h /
    /// visits_h`. The matrix is an M-matrix with dominant columns, so that elimination needs no pivoting.
    fn solve(&mut self, groups: usize, lane: usize) {
        let Self { entered, visits, moves, factors, system } = self;
        let width = groups + 1;
        system.clear();
        system.resize(groups * width, 0.0);
        for (group, row) in system.chunks_exact_mut(width).enumerate() {
            row[group] = 1.0;
            // A group without visits yet takes no part.
            if visits[group][lane] > 0.0 {
                row[groups] = entered[group][lane];
                for (from, visits) in visits.iter().enumerate().filter(|(_, visits)| visits[lane] > 0.0) {
                    row[from] -= moves[group * groups + from][lane] / visits[lane];
                }
            }
        }
        for column in 0..groups {
            let (above, below) = system.split_at_mut((column + 1) * width);
            let pivot_row = &above[column * width..];
            let pivot = pivot_row[column];
            if pivot < SMALLEST_PIVOT {
                return;
            }
            for row in below.chunks_exact_mut(width) {
                let factor = row[column] / pivot;
                if factor != 0.0 {
                    row[column..]
                        .iter_mut()
                        .zip(&pivot_row[column..])
                        .for_each(|(cell, own)| *cell -= factor * own);
                }
            }
        }
        for group in (0..groups).rev() {
            let row = &system[group * width..][..width];
            let known: f64 =
                (group + 1..groups).map(|later| row[later] * system[later * width + groups]).sum();
            let solved = (row[groups] - known) / row[group];
            system[group * width + groups] = solved;
            if visits[group][lane] > 0.0 && solved > 0.0 {
                factors[group][lane] = solved / visits[group][lane];
            }
        }
    }
}

#[inline]
fn add(sums: &mut Lanes, others: &Lanes) {
    sums.iter_mut().zip(others).for_each(|(sum, other)| *sum += other);
}

/// With a value in the lanes whose bits are set.
#[inline]
fn set(mut lanes: Lanes, mut bits: u8, value: f64) -> Lanes {
    while bits != 0 {
        lanes[bits.trailing_zeros() as usize] = value;
        bits &= bits - 1;
    }
    lanes
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::gram::counted;
    use super::super::markov::{Inverter, Transitions, cells};
    use super::super::naive::{Paths, chain as by_definition, without_states};
    use super::*;
    use proptest::prelude::*;

    fn count(order: usize, paths: &Paths) -> (Chain, ChainCounts) {
        let mut moves: BTreeMap<Gram, f64> = BTreeMap::new();
        let mut ends: BTreeMap<Gram, (f64, f64)> = BTreeMap::new();
        for (path, value) in paths {
            let mut state = Gram::START;
            for channel in path {
                *moves.entry(state.then(*channel, order + 1)).or_default() += 1.0;
                state = state.then(*channel, order);
            }
            let end = ends.entry(state).or_default();
            *end = (end.0 + f64::from(u8::from(value.is_some())), end.1 + value.unwrap_or(0.0));
        }
        let chain = Chain::new(order, moves.keys().copied());
        let mut counts = chain.counts();
        moves.iter().for_each(|(gram, count)| counts.moves[chain.place(*gram).unwrap()] = *count);
        for (gram, (conversions, value)) in ends {
            let state = chain.state(gram).unwrap();
            (counts.conversions[state], counts.values[state]) = (conversions, value);
        }
        (chain, counts)
    }

    fn effects(order: usize, channels: usize, paths: &Paths) -> Option<RemovalEffects> {
        let (chain, counts) = count(order, paths);
        chain.removal_effects(channels, &counts, &mut Solver::default()).unwrap()
    }

    /// Paths that carry how often they met each channel, each channel once.
    #[track_caller]
    fn compare_counted(order: usize, channels: usize, paths: &Paths) {
        let first_met = |(path, value): &(Vec<u16>, Option<f64>)| {
            let mut counted_path: Vec<(u16, u16)> = Vec::new();
            for channel in path {
                match counted_path.iter_mut().find(|(own, _)| own == channel) {
                    Some((_, times)) => *times += 1,
                    None => counted_path.push((*channel, 1)),
                }
            }
            let states = counted_path.into_iter().map(|(channel, times)| counted(channel, times, channels));
            (states.collect(), *value)
        };
        let paths: Paths = paths.iter().map(first_met).collect();
        let [whole, ..] = by_definition(order, &paths, None);
        let Some(found) = effects(order, channels, &paths) else { return assert!(whole < 1e-12) };
        for channel in 0..channels {
            let dead = |own: u16| usize::from(own) % channels == channel;
            let [without, _, reach] = without_states(order, &paths, dead);
            assert!((found.effects[channel] - (1.0 - without / whole)).abs() < 1e-10, "{paths:?}");
            assert!((found.reach[channel] - reach).abs() < 1e-10, "{paths:?}");
        }
    }

    #[track_caller]
    fn compare(order: usize, channels: usize, paths: &Paths) {
        let [whole, value, _] = by_definition(order, paths, None);
        let Some(found) = effects(order, channels, paths) else {
            assert!(whole < 1e-12, "{paths:?}");
            return;
        };
        assert!((found.conversion_probability - whole).abs() < 1e-12);
        assert_eq!(found.value_effects.is_some(), value > 0.0);
        for channel in 0..channels {
            let [without, value_without, reach] = by_definition(order, paths, Some(channel as u16));
            let near = |found: f64, expected: f64| {
                assert!((found - expected).abs() < 1e-10, "order {order}, {channel}: {found} for {expected}");
                assert!((0.0..=1.0).contains(&found), "{found}");
            };
            near(found.effects[channel], 1.0 - without / whole);
            near(found.reach[channel], reach);
            if let Some(effects) = &found.value_effects {
                near(effects[channel], 1.0 - value_without / value);
            }
        }
    }

    /// analyzecore.com, 2016/08/03: c1 > c2 > c3 converts, c1 and c2 > c3 don't.
    #[test]
    fn published_toy_chain() {
        let paths = vec![(vec![0, 1, 2], Some(1.0)), (vec![0], None), (vec![1, 2], None)];
        let found = effects(1, 3, &paths).unwrap();
        assert!((found.conversion_probability - 1.0 / 3.0).abs() < 1e-15);
        for (effect, expected) in found.effects.iter().zip([0.5, 1.0, 1.0]) {
            assert!((effect - expected).abs() < 1e-15, "{found:?}");
        }
        // Two channels back, c2 > c3 is one state whatever came before; three back, only c1 > c2 > c3 converts.
        for (order, first) in [(2, 0.5), (3, 1.0)] {
            let found = effects(order, 3, &paths).unwrap();
            assert_eq!((found.conversion_probability, found.effects), (1.0 / 3.0, vec![first, 1.0, 1.0]));
            assert!((found.reach[0] - 2.0 / 3.0).abs() < 1e-15 && (found.reach[2] - 2.0 / 3.0).abs() < 1e-15);
        }
    }

    #[test]
    fn degenerate_chains() {
        let one = vec![(vec![0, 0, 0], Some(5.0)), (vec![0], None)];
        for order in 1..=3 {
            let found = effects(order, 2, &one).unwrap();
            assert_eq!((found.effects, found.reach), (vec![1.0, 0.0], vec![1.0, 0.0]), "one is never met");
            assert_eq!(found.value_effects, Some(vec![1.0, 0.0]));
            assert_eq!(effects(order, 2, &vec![(vec![0, 1], None)]), None, "nothing converts");
            assert_eq!(effects(order, 2, &vec![]), None, "there are no paths");
            let found = effects(order, 2, &vec![(vec![0, 1], Some(0.0))]).unwrap();
            assert_eq!(
                (found.effects, found.value_effects),
                (vec![1.0, 1.0], None),
                "nothing is worth anything"
            );
            // Channel 1 stands where no conversion comes after it.
            let after = vec![(vec![0], Some(1.0)), (vec![2, 1], None)];
            assert_eq!(effects(order, 3, &after).unwrap().effects, [1.0, 0.0, 0.0]);
        }
    }

    /// A thousand touches round and round: the chain all but absorbs, and the sweeps settle all the same.
    #[test]
    fn loops_that_hardly_end() {
        let around: Vec<u16> = (0..1_000).map(|step| step % 3).collect();
        let paths =
            vec![(around.clone(), None), (around, Some(3.0)), (vec![3, 0], Some(1.0)), (vec![1, 3], None)];
        for order in 1..=3 {
            compare(order, 4, &paths);
        }
        // Two such circles, which one scale for both can't settle at once.
        let other: Vec<u16> = (0..400).map(|step| 4 + step % 2).collect();
        let paths = [
            paths,
            vec![
                (other.clone(), Some(2.0)),
                (other, None),
                (vec![6, 4], None),
                (vec![6, 0, 4, 1], Some(1.0)),
            ],
        ]
        .concat();
        for order in 1..=3 {
            compare(order, 7, &paths);
        }
    }

    fn paths(channels: u16) -> impl Strategy<Value = Paths> {
        let path = prop::collection::vec(0..channels, 1..9);
        prop::collection::vec((path, prop::option::of((0..10_000_i32).prop_map(f64::from))), 1..60)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn equals_removing_the_states_and_solving_again(order in 1..=3_usize, paths in paths(12)) {
            compare(order, 12, &paths);
        }

        /// Few channels, so that paths cross and loop.
        #[test]
        fn equals_removing_all_states_of_a_channel_that_carry_counts(order in 1..=3_usize, paths in paths(4)) {
            compare_counted(order, 4, &paths);
        }

        #[test]
        fn the_same_where_paths_cross(order in 1..=3_usize, paths in paths(3)) {
            compare(order, 3, &paths);
        }

        #[test]
        fn order_one_is_the_dense_chain(paths in paths(10)) {
            let channels = 10;
            let sinks = channels + 2;
            let (mut counts, mut values) = (vec![0.0; cells(channels)], vec![0.0; channels + 1]);
            for (path, value) in &paths {
                let mut from = channels;
                for channel in path {
                    counts[from * sinks + usize::from(*channel)] += 1.0;
                    from = usize::from(*channel);
                }
                counts[from * sinks + channels + usize::from(value.is_none())] += 1.0;
                values[from] += value.unwrap_or(0.0);
            }
            let dense = Transitions::new(channels, &counts, &values).removal_effects(&mut Inverter::default());
            let sparse = effects(1, channels, &paths);
            prop_assert_eq!(dense.is_some(), sparse.is_some());
            if let (Some(dense), Some(sparse)) = (dense, sparse) {
                let near = |a: &[f64], b: &[f64]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-12);
                prop_assert!(near(&dense.effects, &sparse.effects), "{:?} {:?}", dense, sparse);
                prop_assert!(near(&dense.reach, &sparse.reach), "{:?} {:?}", dense, sparse);
                prop_assert_eq!(dense.value_effects.is_some(), sparse.value_effects.is_some());
                if let (Some(dense), Some(sparse)) = (&dense.value_effects, &sparse.value_effects) {
                    prop_assert!(near(dense, sparse));
                }
            }
        }
    }
}
