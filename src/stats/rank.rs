//! How firmly a ranking stands: the share of resamples in which an item keeps its rank.
//!
//! A bootstrap of the 64 buckets (Efron 1979), linearised by the jackknife's replicates so that nothing is
//! computed again (Shao & Tu 1995, ch. 2): `w ~ Multinomial(64; equal)`,
//! `θ* = θ + Σ_b (w_b − 1)(63/64)(mean θ_· − θ_b)`. A stability, not a confidence: it doesn't say how often
//! the rank would be right.
//!
//! Randomness is SplitMix64 (Steele, Lea & Flood 2014) from a fixed seed, so every run draws the same.

use super::jackknife::BUCKETS;

/// Resamples of a ranking.
pub const DRAWS: usize = 1_000;
/// Seed of the resamples.
pub const SEED: u64 = 1;

/// The SplitMix64 generator: the same sequence on every machine.
#[derive(Debug, Clone)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// Starts the sequence of a seed.
    pub fn new(seed: u64) -> SplitMix64 {
        SplitMix64 { state: seed }
    }

    /// Returns the next 64 bits.
    pub fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// Bucket weights of all resamples, drawn once and used for every ranking.
#[derive(Debug, Clone)]
pub struct RankDraws {
    /// `w_b − 1`, draw by draw.
    excess: Vec<[f64; BUCKETS]>,
}

/// One item's place.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ranked {
    /// 1 for the highest figure; ties go to the earlier item.
    pub rank: usize,
    /// Share of resamples, 0–1, in which the item has this rank.
    pub stability: f64,
}

impl RankDraws {
    /// Draws bucket weights: each draw throws 64 balls into 64 buckets, by the top six bits.
    pub fn new(draws: usize, seed: u64) -> RankDraws {
        let mut random = SplitMix64::new(seed);
        let mut draw = || {
            let mut excess = [-1.0; BUCKETS];
            for _ in 0..BUCKETS {
                excess[(random.next_u64() >> 58) as usize] += 1.0;
            }
            excess
        };
        RankDraws { excess: (0..draws).map(|_| draw()).collect() }
    }

    /// Ranks items by their figures, with the share of resamples that agree; `None` where there are no
    /// draws or the two inputs differ in length.
    ///
    /// `thetas[i]` is the figure of item `i` on all customers, `replicates[i][b]` without bucket `b`, all
    /// finite; the order of the items (by name) settles ties. The result is in the same order.
    pub fn rank(&self, thetas: &[f64], replicates: &[[f64; BUCKETS]]) -> Option<Vec<Ranked>> {
        if self.excess.is_empty() || thetas.len() != replicates.len() {
            return None;
        }
        // By bucket, so that all items of a draw are summed side by side; each in the order of the buckets.
        let mut influence = vec![0.0; BUCKETS * thetas.len()];
        for (item, replicates) in replicates.iter().enumerate() {
            let mean = replicates.iter().sum::<f64>() / BUCKETS as f64;
            for (bucket, theta_b) in replicates.iter().enumerate() {
                influence[bucket * thetas.len() + item] =
                    (BUCKETS - 1) as f64 / BUCKETS as f64 * (mean - theta_b);
            }
        }
        let ranks = ranks_of(thetas);
        let mut kept = vec![0_usize; thetas.len()];
        let mut resampled = vec![0.0; thetas.len()];
        let mut order = Vec::with_capacity(thetas.len());
        for excess in &self.excess {
            resampled.fill(0.0);
            for (weight, influence) in excess.iter().zip(influence.chunks_exact(thetas.len().max(1))) {
                resampled.iter_mut().zip(influence).for_each(|(shift, d)| *shift += weight * d);
            }
            resampled.iter_mut().zip(thetas).for_each(|(shift, theta)| *shift += theta);
            sort(&mut order, &resampled);
            for (place, item) in order.iter().map(item_of).enumerate() {
                kept[item] += usize::from(ranks[item] == place + 1);
            }
        }
        let draws = self.excess.len() as f64;
        let ranked = |(rank, kept)| Ranked { rank, stability: kept as f64 / draws };
        Some(ranks.into_iter().zip(kept).map(ranked).collect())
    }
}

impl Default for RankDraws {
    /// The published draws: 1,000 of them, seed 1.
    fn default() -> RankDraws {
        RankDraws::new(DRAWS, SEED)
    }
}

/// Rank of each item, 1 for the highest; ties to the earlier one.
fn ranks_of(figures: &[f64]) -> Vec<usize> {
    let mut order = Vec::new();
    sort(&mut order, figures);
    let mut ranks = vec![0; figures.len()];
    for (place, item) in order.iter().map(item_of).enumerate() {
        ranks[item] = place + 1;
    }
    ranks
}

/// Lists the items from the highest figure to the lowest, ties to the earlier one, each as a number that
/// sorts so: numbers are compared in one step, and where they lie.
///
/// Equal figures, 0 and −0 included, are ties.
fn sort(order: &mut Vec<u128>, figures: &[f64]) {
    order.clear();
    order.extend(figures.iter().enumerate().map(|(item, figure)| {
        // The bits of positive floats sort as they do, those of negative ones the other way round.
        let bits = (figure + 0.0).to_bits();
        let ascending = if bits >> 63 == 0 { bits | 1 << 63 } else { !bits };
        u128::from(!ascending) << 64 | item as u128
    }));
    order.sort_unstable();
}

/// The item of a number of [`sort`].
fn item_of(numbered: &u128) -> usize {
    *numbered as u64 as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn splitmix_matches_its_published_sequence() {
        // Rosetta Code, "Pseudo-random numbers/Splitmix64", seed 1234567.
        let mut random = SplitMix64::new(1_234_567);
        let expected: [u64; 5] = [
            6457827717110365317,
            3203168211198807973,
            9817491932198370423,
            4593380528125082431,
            16408922859458223821,
        ];
        assert_eq!(std::array::from_fn(|_| random.next_u64()), expected);
    }

    #[test]
    fn every_draw_throws_64_balls() {
        let draws = RankDraws::default();
        assert_eq!(draws.excess.len(), 1000);
        assert!(draws.excess.iter().all(|w| w.iter().sum::<f64>() == 0.0));
        // Var(w_b) = 63/64 under the multinomial; four standard errors of a variance of 64,000 draws or so.
        let variance = draws.excess.iter().flatten().map(|w| w * w).sum::<f64>() / 64_000.0;
        assert!((variance - 63.0 / 64.0).abs() < 0.03, "{variance}");
    }

    /// Ties go to the earlier item, however many resamples there are.
    #[test]
    fn ties_keep_their_order() {
        let draws = RankDraws::default();
        let replicates: [f64; BUCKETS] = std::array::from_fn(|b| 10.0 + b as f64 / 100.0);
        let ranked = draws.rank(&[10.0, 11.0, 10.0], &[replicates; 3]).unwrap();
        assert_eq!(ranked.iter().map(|r| r.rank).collect::<Vec<_>>(), [2, 1, 3]);
        assert!(ranked.iter().all(|r| r.stability == 1.0));
    }

    /// Two totals one standard error of their difference apart swap places in about 16 % of resamples.
    #[test]
    fn stability_matches_the_normal_approximation() {
        let mut random = SplitMix64::new(11);
        let noise: [f64; BUCKETS] = std::array::from_fn(|_| (random.next_u64() >> 40) as f64);
        let total: f64 = noise.iter().sum();
        let replicates = noise.map(|x| (total - x) * 64.0 / 63.0);
        let mean = total / 64.0;
        let error = noise.iter().map(|x| (x - mean) * (x - mean)).sum::<f64>().sqrt();
        let level = total - error;
        let ranked =
            RankDraws::new(20_000, 5).rank(&[level, total], &[[level; BUCKETS], replicates]).unwrap();
        assert_eq!((ranked[0].rank, ranked[1].rank), (2, 1));
        assert_eq!(ranked[0].stability, ranked[1].stability);
        assert!((ranked[0].stability - 0.8413).abs() < 0.012, "{}", ranked[0].stability);
    }

    #[test]
    fn undefined_is_none() {
        assert_eq!(RankDraws::new(0, 1).rank(&[1.0], &[[1.0; BUCKETS]]), None);
        assert_eq!(RankDraws::default().rank(&[1.0], &[]), None);
        assert_eq!(RankDraws::default().rank(&[], &[]), Some(vec![]));
    }

    proptest! {
        #[test]
        fn ranks_agree_with_counting(figures in prop::collection::vec((-4i8..4).prop_map(f64::from), 0..12)) {
            let naive: Vec<usize> = (0..figures.len())
                .map(|i| 1 + (0..figures.len())
                    .filter(|&j| figures[j] > figures[i] || (figures[j] == figures[i] && j < i)).count())
                .collect();
            prop_assert_eq!(ranks_of(&figures), naive);
        }

        /// The definition, draw by draw and item by item, to the last bit.
        #[test]
        fn stability_counts_the_draws_that_agree(
            items in prop::collection::vec((-4i8..4, any::<u64>()), 0..9),
        ) {
            let thetas: Vec<f64> = items.iter().map(|(theta, _)| f64::from(*theta)).collect();
            let noise = |seed: &u64| {
                let mut random = SplitMix64::new(*seed);
                std::array::from_fn(|_| (random.next_u64() >> 60) as f64 / 3.0)
            };
            let replicates: Vec<[f64; BUCKETS]> = items.iter().map(|(_, seed)| noise(seed)).collect();
            let draws = RankDraws::new(50, 3);
            let mut kept = vec![0; items.len()];
            for excess in &draws.excess {
                let resampled: Vec<f64> = thetas.iter().zip(&replicates).map(|(theta, replicates)| {
                    let mean = replicates.iter().sum::<f64>() / 64.0;
                    theta + excess.iter().zip(replicates).map(|(w, theta_b)| w * (63.0 / 64.0 * (mean - theta_b))).sum::<f64>()
                }).collect();
                for (kept, (now, before)) in kept.iter_mut().zip(ranks_of(&resampled).iter().zip(ranks_of(&thetas))) {
                    *kept += usize::from(*now == before);
                }
            }
            let ranked = draws.rank(&thetas, &replicates).unwrap();
            let found: Vec<usize> = ranked.iter().map(|ranked| (ranked.stability * 50.0).round() as usize).collect();
            prop_assert_eq!(found, kept);
        }
    }
}
