//! Shapley values of channels on conversion rates.
//!
//! The worth of a set of channels is the conversion rate of the journeys that met nothing else:
//! `v(S) = conversions / journeys` over the channel sets ⊆ S, 0 where there are none, and `v(∅) = 0`. The value of
//! a channel is its mean contribution to the rate, over all orders in which channels can join (Shapley 1953). It can be
//! below 0. The same game is played for value, with minor units per journey.
//!
//! Up to [`MAX_EXACT`] channels all subsets are summed, by the fast zeta transform (Yates 1937; Björklund et al.
//! 2007): conversions and journeys side by side in one word. Beyond, orders are drawn (Castro, Gómez & Tejada
//! 2009), each together with its reverse (Mitchell et al. 2022), with the standard error over the pairs. The same
//! orders serve all replicates, so that these differ by their data alone.

use std::ops::AddAssign;

use crate::stats::{BUCKETS, SplitMix64};

/// Channels up to which every subset is looked at.
pub const MAX_EXACT: usize = 20;
/// Journeys that fit beside as many conversions in one word.
const MAX_COUNT: u64 = u32::MAX as u64;
/// Pairs of orders that are drawn.
pub const MAX_PAIRS: usize = 4_096;
const MIN_PAIRS: usize = 256;
/// Additions that the drawn orders may cost before there are fewer of them.
const WORK: usize = 500_000_000;
/// Parts in which orders are drawn, each from a seed of its own.
pub const PARTS: usize = 32;
/// Subsets whose sums stay in the first-level cache.
const BLOCK: usize = 1 << 11;

/// What the journeys with one set of channels did.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct SetCounts {
    /// With or without a conversion.
    pub journeys: u64,
    /// With one.
    pub conversions: u64,
    /// Minor units of the conversions.
    pub value: f64,
}

/// Mean contributions by player.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Values {
    /// To the conversion rate.
    pub rate: Vec<f64>,
    /// To the minor units per journey; None where value was not asked for.
    pub value: Option<Vec<f64>>,
}

/// Whether all subsets of so many players with so many journeys can be looked at.
pub fn is_exact(players: usize, journeys: u64) -> bool {
    players <= MAX_EXACT && journeys <= MAX_COUNT
}

/// Sums over all subsets, in memory that is used from game to game.
#[derive(Debug, Default)]
pub struct Subsets {
    /// By subset: conversions above, journeys below.
    counts: Vec<u64>,
    /// By subset: minor units.
    values: Vec<f64>,
    /// By subset: its weighted worth, which is folded away player by player.
    worth: Vec<f64>,
    /// By subset: how many players.
    sizes: Vec<u8>,
}

impl Subsets {
    /// The exact values of a game of [`is_exact`] size. A set stands as the bits of its players.
    pub fn values(
        &mut self,
        players: usize,
        sets: impl Iterator<Item = (u32, SetCounts)>,
        has_value: bool,
    ) -> Values {
        assert!(players <= MAX_EXACT);
        let subsets = 1 << players;
        let Self { counts, values, worth, sizes } = self;
        counts.clear();
        counts.resize(subsets, 0);
        values.clear();
        values.resize(if has_value { subsets } else { 0 }, 0.0);
        for (set, of) in sets {
            counts[set as usize] += of.conversions << 32 | of.journeys;
            if has_value {
                values[set as usize] += of.value;
            }
        }
        sizes.resize(subsets.max(sizes.len()), 0);
        (1..subsets).for_each(|set| sizes[set] = sizes[set >> 1] + (set & 1) as u8);
        zeta(counts);
        let weights = Weights::new(players);
        let rate = |set: usize, journeys: u64| (counts[set] >> 32) as f64 / journeys as f64;
        let rates = weights.contributions(players, counts, sizes, worth, rate);
        let value = has_value.then(|| {
            zeta(values);
            let each = |set: usize, journeys: u64| values[set] / journeys as f64;
            weights.contributions(players, counts, sizes, worth, each)
        });
        Values { rate: rates, value }
    }
}

/// Turns figures of sets into sums over their subsets.
fn zeta<T: Copy + AddAssign>(table: &mut [T]) {
    let add = |table: &mut [T], mut width: usize| {
        while width < table.len() {
            for pair in table.chunks_exact_mut(2 * width) {
                let (without, with) = pair.split_at_mut(width);
                with.iter_mut().zip(without).for_each(|(with, without)| *with += *without);
            }
            width *= 2;
        }
    };
    table.chunks_mut(BLOCK).for_each(|block| add(block, 1));
    add(table, BLOCK);
}

/// How much a contribution to a set of so many players weighs: `s! (n − s − 1)! / n!`.
struct Weights {
    /// By size; 0 for the set of all.
    joining: Vec<f64>,
    /// By size: the weight of a set's worth for a player in it, less that for one outside.
    within: Vec<f64>,
}

impl Weights {
    fn new(players: usize) -> Self {
        // 1 / (n · C(n − 1, s)), from one size to the next.
        let mut joining = vec![0.0; players + 1];
        let mut weight = 1.0 / players.max(1) as f64;
        for (size, joining) in joining[..players].iter_mut().enumerate() {
            *joining = weight;
            weight *= (size + 1) as f64 / (players - 1 - size).max(1) as f64;
        }
        let within = (0..=players).map(|size| joining[size] + if size > 0 { joining[size - 1] } else { 0.0 });
        Self { within: within.collect(), joining }
    }

    /// `φ_i = Σ_{S ∋ i} (w(s − 1) + w(s)) v(S) − Σ_S w(s) v(S)`, the sums over `S ∋ i` by halving.
    fn contributions(
        &self,
        players: usize,
        counts: &[u64],
        sizes: &[u8],
        worth: &mut Vec<f64>,
        of: impl Fn(usize, u64) -> f64,
    ) -> Vec<f64> {
        let mut outside = 0.0;
        worth.clear();
        worth.extend(counts.iter().enumerate().map(|(set, count)| {
            let journeys = count & MAX_COUNT;
            // The empty set is no journey's.
            if journeys == 0 || set == 0 {
                return 0.0;
            }
            let size = usize::from(sizes[set]);
            let own = of(set, journeys);
            outside += self.joining[size] * own;
            self.within[size] * own
        }));
        let mut contributions = vec![0.0; players];
        for player in (0..players).rev() {
            let (without, with) = worth.split_at_mut(1 << player);
            let with = &with[..1 << player];
            contributions[player] = with.iter().sum::<f64>() - outside;
            without.iter_mut().zip(with).for_each(|(without, with)| *without += with);
        }
        contributions
    }
}

/// A game too large for all subsets: its channel sets, and what each bucket saw of them.
#[derive(Debug, Clone, Default)]
pub struct LargeGame {
    players: usize,
    has_value: bool,
    members: Vec<u16>,
    /// By set: where its members end.
    ends: Vec<u32>,
    totals: Vec<SetCounts>,
    /// What the buckets saw, set by set.
    by_bucket: Vec<(u8, SetCounts)>,
    /// By set: where its buckets end.
    bucket_ends: Vec<u32>,
}

/// Sums over some drawn orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Drawn {
    pairs: usize,
    /// By game, that of all journeys before those without a bucket, and player.
    rate: Vec<f64>,
    /// The same; empty where value was not asked for.
    value: Vec<f64>,
    /// Squares of the pairs' means on all journeys, for the standard error.
    rate_squares: Vec<f64>,
}

/// Estimates from drawn orders.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimates {
    /// On all journeys.
    pub whole: Values,
    /// Standard error of its rate contributions, from drawing orders, by player.
    pub standard_errors: Vec<f64>,
    /// Without each bucket.
    pub without: Vec<Values>,
}

/// All journeys, and all without each bucket.
const GAMES: usize = 1 + BUCKETS;

impl LargeGame {
    /// Of so many players and no journeys.
    pub fn new(players: usize, has_value: bool) -> Self {
        Self { players, has_value, ..Self::default() }
    }

    /// Adds a set: its distinct players, all that had it, and who of them is in which bucket.
    pub fn push(
        &mut self,
        members: impl Iterator<Item = u16>,
        total: SetCounts,
        by_bucket: impl Iterator<Item = (usize, SetCounts)>,
    ) {
        self.members.extend(members);
        self.ends.push(self.members.len() as u32);
        self.totals.push(total);
        self.by_bucket.extend(by_bucket.map(|(bucket, counts)| (bucket as u8, counts)));
        self.bucket_ends.push(self.by_bucket.len() as u32);
    }

    /// Pairs of orders that are worth their time: as many as [`MAX_PAIRS`], fewer where sets are very many.
    pub fn pairs(&self) -> usize {
        let each = self.members.len() + 2 * self.by_bucket.len() + 2 * GAMES * self.players;
        (WORK / each.max(1)).clamp(MIN_PAIRS, MAX_PAIRS).next_multiple_of(PARTS)
    }

    /// Draws one of [`PARTS`] parts of so many pairs of orders.
    pub fn draw(&self, part: usize, pairs: usize) -> Drawn {
        let cells = GAMES * self.players;
        let mut drawn = Drawn {
            pairs: pairs / PARTS,
            rate: vec![0.0; cells],
            value: vec![0.0; if self.has_value { cells } else { 0 }],
            rate_squares: vec![0.0; self.players],
        };
        // One seed after the other: the generator scatters them.
        let mut random = SplitMix64::new(part as u64 + 1);
        let mut order: Vec<usize> = (0..self.players).collect();
        let mut place = vec![0; self.players];
        let mut pair = vec![0.0; self.players];
        let mut sums = vec![SetCounts::default(); cells];
        for _ in 0..drawn.pairs {
            // Fisher–Yates; the bias of the multiplication is below 2⁻⁵⁰.
            for last in (1..self.players).rev() {
                let chosen = (u128::from(random.next_u64()) * (last as u128 + 1)) >> 64;
                order.swap(last, chosen as usize);
            }
            pair.fill(0.0);
            for _ in 0..2 {
                order.iter().enumerate().for_each(|(at, player)| place[*player] = at);
                self.join(&order, &place, &mut sums, &mut pair, &mut drawn);
                order.reverse();
            }
            drawn.rate_squares.iter_mut().zip(&pair).for_each(|(sum, both)| *sum += both * both / 4.0);
        }
        drawn
    }

    /// Lets the players join in one order and adds what each contributes.
    fn join(
        &self,
        order: &[usize],
        place: &[usize],
        sums: &mut [SetCounts],
        pair: &mut [f64],
        drawn: &mut Drawn,
    ) {
        sums.fill(SetCounts::default());
        let (mut begin, mut bucket_begin) = (0, 0);
        for ((total, end), bucket_end) in self.totals.iter().zip(&self.ends).zip(&self.bucket_ends) {
            let members = &self.members[begin..*end as usize];
            // A set is there once its last member has joined.
            let last = members.iter().map(|player| place[usize::from(*player)]).max().unwrap_or(0);
            let row = &mut sums[last * GAMES..][..GAMES];
            row[0].add(total);
            for (bucket, counts) in &self.by_bucket[bucket_begin..*bucket_end as usize] {
                row[1 + usize::from(*bucket)].add(counts);
            }
            (begin, bucket_begin) = (*end as usize, *bucket_end as usize);
        }
        let mut joined = [SetCounts::default(); GAMES];
        let mut before = [(0.0, 0.0); GAMES];
        for (player, row) in order.iter().zip(sums.chunks_exact(GAMES)) {
            joined.iter_mut().zip(row).for_each(|(joined, new)| joined.add(new));
            let all = joined[0];
            for (game, own) in joined.iter().enumerate() {
                let seen = if game == 0 { all } else { all.without(own) };
                let worth = match seen.journeys {
                    0 => (0.0, 0.0),
                    journeys => (seen.conversions as f64 / journeys as f64, seen.value / journeys as f64),
                };
                let cell = game * self.players + player;
                drawn.rate[cell] += worth.0 - before[game].0;
                if self.has_value {
                    drawn.value[cell] += worth.1 - before[game].1;
                }
                if game == 0 {
                    pair[*player] += worth.0 - before[game].0;
                }
                before[game] = worth;
            }
        }
    }

    /// The estimates of all parts, in their order.
    pub fn estimate(&self, parts: &[Drawn]) -> Estimates {
        let pairs: usize = parts.iter().map(|part| part.pairs).sum();
        let sum = |of: &dyn Fn(&Drawn) -> f64| parts.iter().map(of).sum::<f64>();
        let orders = 2.0 * pairs as f64;
        let values = |game: usize| {
            let row = game * self.players..(game + 1) * self.players;
            Values {
                rate: row.clone().map(|cell| sum(&|part| part.rate[cell]) / orders).collect(),
                value: self
                    .has_value
                    .then(|| row.map(|cell| sum(&|part| part.value[cell]) / orders).collect()),
            }
        };
        let whole = values(0);
        let standard_errors = (0..self.players)
            .map(|player| {
                let mean_square = sum(&|part| part.rate_squares[player]) / pairs as f64;
                let variance = mean_square - whole.rate[player] * whole.rate[player];
                (variance.max(0.0) / (pairs - 1).max(1) as f64).sqrt()
            })
            .collect();
        Estimates { whole, standard_errors, without: (1..GAMES).map(values).collect() }
    }
}

impl SetCounts {
    /// Adds other journeys.
    pub fn add(&mut self, other: &SetCounts) {
        self.journeys += other.journeys;
        self.conversions += other.conversions;
        self.value += other.value;
    }

    /// The counts less those of some of the journeys.
    pub fn without(&self, part: &SetCounts) -> SetCounts {
        SetCounts {
            journeys: self.journeys - part.journeys,
            conversions: self.conversions - part.conversions,
            value: self.value - part.value,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::naive::{over_subsets, worth};
    use super::*;
    use proptest::prelude::*;

    fn counts(conversions: u64, nulls: u64, value: f64) -> SetCounts {
        SetCounts { journeys: conversions + nulls, conversions, value }
    }

    fn exact(players: usize, sets: &[(u32, SetCounts)]) -> Values {
        Subsets::default().values(players, sets.iter().copied(), true)
    }

    /// Over all orders of the players, the mean of what each contributes.
    fn over_orders(players: usize, sets: &[(u32, SetCounts)]) -> Vec<[f64; 2]> {
        fn visit(order: &mut Vec<usize>, players: usize, of: &mut impl FnMut(&[usize])) {
            if order.len() == players {
                return of(order);
            }
            for player in 0..players {
                if !order.contains(&player) {
                    order.push(player);
                    visit(order, players, of);
                    order.pop();
                }
            }
        }
        let mut sums = vec![[0.0; 2]; players];
        let mut orders = 0.0;
        visit(&mut Vec::new(), players, &mut |order| {
            orders += 1.0;
            let mut within = 0;
            for player in order {
                let (before, after) = (worth(sets, within), worth(sets, within | 1 << player));
                within |= 1 << player;
                (0..2).for_each(|at| sums[*player][at] += after[at] - before[at]);
            }
        });
        sums.iter().map(|sum| sum.map(|sum| sum / orders)).collect()
    }

    fn assert_near(found: &Values, expected: &[[f64; 2]]) {
        let value = found.value.as_ref().unwrap();
        assert_eq!((found.rate.len(), value.len()), (expected.len(), expected.len()));
        for (at, expected) in expected.iter().enumerate() {
            assert!((found.rate[at] - expected[0]).abs() < 1e-12, "{at}: {found:?} {expected:?}");
            assert!((value[at] - expected[1]).abs() < 1e-9, "{at}: {found:?} {expected:?}");
        }
    }

    /// Two channels by hand: alone they convert 10 % and 40 % of journeys, together half of fewer.
    #[test]
    fn two_channels_by_hand() {
        let sets = [(0b01, counts(1, 9, 100.0)), (0b10, counts(4, 6, 200.0)), (0b11, counts(2, 2, 900.0))];
        // v(both) = 7 / 24.
        let all = 7.0 / 24.0;
        let first = (0.1 + (all - 0.4)) / 2.0;
        let second = (0.4 + (all - 0.1)) / 2.0;
        let (value, value_first) = (1200.0 / 24.0, (10.0 + (50.0 - 20.0)) / 2.0);
        assert_near(&exact(2, &sets), &[[first, value_first], [second, value - value_first]]);
        assert!(first < 0.0, "what a channel brings can be less than nothing");
    }

    #[test]
    fn degenerate_games() {
        assert_eq!(exact(0, &[]).rate, [0.0; 0]);
        assert_near(&exact(1, &[(1, counts(3, 1, 8.0))]), &[[0.75, 2.0]]);
        assert_near(&exact(2, &[(1, counts(0, 4, 0.0)), (2, counts(0, 9, 0.0))]), &[[0.0; 2]; 2]);
        // Nobody meets the second: it brings nothing.
        assert_near(&exact(2, &[(1, counts(1, 1, 2.0))]), &[[0.5, 1.0], [0.0; 2]]);
        assert_near(&exact(3, &[]), &[[0.0; 2]; 3]);
        assert!(is_exact(20, u64::from(u32::MAX)) && !is_exact(21, 1) && !is_exact(3, 1 << 32));
        assert_eq!(Subsets::default().values(2, [(1, counts(1, 0, 5.0))].into_iter(), false).value, None);
    }

    fn sets(players: u32) -> impl Strategy<Value = Vec<(u32, SetCounts)>> {
        let one = (1..1_u32 << players, 0..50_u64, 0..200_u64, 0..100_000_u32);
        prop::collection::vec(
            one.prop_map(|(set, conversions, nulls, value)| {
                (set, counts(conversions, nulls, f64::from(value)))
            }),
            1..40,
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn equals_the_mean_over_all_orders(sets in sets(5)) {
            assert_near(&exact(5, &sets), &over_orders(5, &sets));
        }

        #[test]
        fn equals_the_weighted_sum_over_all_subsets(sets in sets(12)) {
            assert_near(&exact(12, &sets), &over_subsets(12, &sets));
        }

        /// The values share out what all channels together are worth.
        #[test]
        fn values_sum_to_the_rate_of_all(sets in sets(14)) {
            let found = exact(14, &sets);
            let [rate, value] = worth(&sets, u32::MAX);
            prop_assert!((found.rate.iter().sum::<f64>() - rate).abs() < 1e-12);
            prop_assert!((found.value.unwrap().iter().sum::<f64>() - value).abs() < 1e-8);
        }
    }

    /// Its players, and what the buckets saw of it.
    type RandomSet = (Vec<u16>, Vec<(usize, SetCounts)>);

    /// Journeys of up to five of so many channels, some of which convert better; bucket after bucket.
    fn random_game(players: u16, sets: usize) -> Vec<RandomSet> {
        let mut random = SplitMix64::new(11);
        let mut below = |bound: u64| random.next_u64() % bound;
        (0..sets)
            .map(|_| {
                let mut members: Vec<u16> =
                    (0..1 + below(5)).map(|_| below(u64::from(players)) as u16).collect();
                members.sort_unstable();
                members.dedup();
                let mut by_bucket: Vec<(usize, SetCounts)> = Vec::new();
                for bucket in 0..BUCKETS {
                    if below(3) == 0 {
                        let good: u64 = members.iter().map(|player| u64::from(player % 4)).sum();
                        let conversions = below(1 + good);
                        by_bucket.push((bucket, counts(conversions, below(20), 1000.0 * conversions as f64)));
                    }
                }
                (members, by_bucket)
            })
            .collect()
    }

    fn total(by_bucket: &[(usize, SetCounts)]) -> SetCounts {
        let mut total = SetCounts::default();
        by_bucket.iter().for_each(|(_, counts)| total.add(counts));
        total
    }

    fn drawn(players: u16, sets: &[RandomSet], pairs: usize) -> Estimates {
        let mut game = LargeGame::new(usize::from(players), true);
        for (members, by_bucket) in sets {
            game.push(members.iter().copied(), total(by_bucket), by_bucket.iter().copied());
        }
        assert!((MIN_PAIRS..=MAX_PAIRS).contains(&game.pairs()) && game.pairs().is_multiple_of(PARTS));
        let parts: Vec<Drawn> = (0..PARTS).map(|part| game.draw(part, pairs)).collect();
        game.estimate(&parts)
    }

    #[test]
    fn drawn_orders_come_near_the_exact_values_by_their_standard_error() {
        let sets = random_game(12, 300);
        let masks = |keep: &dyn Fn(usize) -> bool| -> Vec<(u32, SetCounts)> {
            let mask = |members: &Vec<u16>| members.iter().fold(0, |mask, player| mask | 1 << player);
            let kept = |by_bucket: &Vec<(usize, SetCounts)>| {
                total(&by_bucket.iter().copied().filter(|(bucket, _)| keep(*bucket)).collect::<Vec<_>>())
            };
            sets.iter().map(|(members, by_bucket)| (mask(members), kept(by_bucket))).collect()
        };
        let expected = exact(12, &masks(&|_| true));
        let found = drawn(12, &sets, 512);
        for player in 0..12 {
            let error = found.standard_errors[player];
            let off = (found.whole.rate[player] - expected.rate[player]).abs();
            assert!(error > 0.0 && error < 0.01, "{found:?}");
            assert!(off < 4.0 * error, "{player} is off by {off}, which is more than 4 × {error}");
        }
        // Replicates see the same orders: they differ from the whole as the exact ones do.
        for bucket in [0, 17, 63] {
            let exact_without = exact(12, &masks(&|own| own != bucket));
            for player in 0..12 {
                let shift = found.without[bucket].rate[player] - found.whole.rate[player];
                let exact_shift = exact_without.rate[player] - expected.rate[player];
                assert!((shift - exact_shift).abs() < 0.3 * found.standard_errors[player]);
            }
        }
        let value = |values: &Values| values.value.as_ref().unwrap().iter().sum::<f64>();
        assert!((value(&found.whole) - value(&expected)).abs() < 1e-9, "values share out the whole");
    }

    #[test]
    fn thirty_channels() {
        let sets = random_game(30, 2_000);
        let found = drawn(30, &sets, MIN_PAIRS);
        let all = sets.iter().fold(SetCounts::default(), |mut all, (_, by_bucket)| {
            all.add(&total(by_bucket));
            all
        });
        let rate = all.conversions as f64 / all.journeys as f64;
        assert!(
            (found.whole.rate.iter().sum::<f64>() - rate).abs() < 1e-12,
            "each order shares out the whole"
        );
        assert_eq!((found.without.len(), found.standard_errors.len()), (BUCKETS, 30));
        // More orders, less error: a quarter of the variance.
        let more = drawn(30, &sets, 4 * MIN_PAIRS);
        for player in 0..30 {
            let ratio = more.standard_errors[player] / found.standard_errors[player];
            assert!((0.35..0.7).contains(&ratio), "{ratio}");
            let off = (more.whole.rate[player] - found.whole.rate[player]).abs();
            assert!(off < 4.0 * (found.standard_errors[player] + more.standard_errors[player]));
        }
    }
}
