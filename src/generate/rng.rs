//! The random numbers of one customer: SplitMix64 (Steele, Lea & Flood 2014), keyed by seed and index.
//!
//! Every customer has a stream of their own, so any of them can be simulated alone, in any order and
//! on any thread. Logarithms and cosines come from `libm`, so every machine draws the same figures.

const GOLDEN_GAMMA: u64 = 0x9e37_79b9_7f4a_7c15;

/// The finaliser of SplitMix64: a bijection on 64 bits that scatters neighbouring keys.
pub(super) fn mix(key: u64) -> u64 {
    let mut z = key;
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// What a stream is for: streams of different purposes never meet.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    Customer = 1,
    Suppression = 2,
    Spend = 3,
    Orders = 5,
}

#[derive(Debug, Clone)]
pub(super) struct Rng {
    state: u64,
}

impl Rng {
    pub(super) fn new(seed: u64, purpose: Purpose, index: u64) -> Self {
        let keyed = mix(seed.wrapping_add(GOLDEN_GAMMA)) ^ mix((purpose as u64).wrapping_mul(GOLDEN_GAMMA));
        Self { state: mix(keyed.wrapping_add(mix(index.wrapping_add(GOLDEN_GAMMA)))) }
    }

    pub(super) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(GOLDEN_GAMMA);
        mix(self.state)
    }

    /// A uniform figure in [0, 1) with 53 bits.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// True with the given probability.
    pub(super) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// A uniform integer in [0, bound), by multiply-shift: off by at most `bound / 2^64`.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(bound)) >> 64) as u64
    }

    /// An exponential figure with the given mean.
    pub(super) fn exponential(&mut self, mean: f64) -> f64 {
        -mean * libm::log(1.0 - self.unit())
    }

    /// An exponential figure conditioned to lie below `limit`, by inversion.
    pub(super) fn exponential_below(&mut self, mean: f64, limit: f64) -> f64 {
        let mass = -libm::expm1(-limit / mean);
        -mean * libm::log1p(-self.unit() * mass)
    }

    /// A standard normal figure (Box & Muller 1958).
    pub(super) fn normal(&mut self) -> f64 {
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        radius * libm::cos(2.0 * std::f64::consts::PI * self.unit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn follows_the_published_stream_of_splitmix64() {
        // Reference output for state 1234567: Vigna's splitmix64.c, as listed at Rosetta Code.
        let mut rng = Rng { state: 1_234_567 };
        let drawn: Vec<u64> = (0..3).map(|_| rng.next_u64()).collect();
        assert_eq!(drawn, [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]);
    }

    #[test]
    fn draws_have_their_stated_means() {
        let mut rng = Rng::new(1, Purpose::Customer, 0);
        let n = 40_000;
        let mean = |draw: &mut dyn FnMut() -> f64| (0..n).map(|_| draw()).sum::<f64>() / f64::from(n);
        // Standard errors: 0.0014, 0.01 and 0.005.
        assert!((mean(&mut || rng.unit()) - 0.5).abs() < 0.006);
        assert!((mean(&mut || rng.exponential(2.0)) - 2.0).abs() < 0.04);
        assert!(mean(&mut || rng.normal()).abs() < 0.02);
        assert!((0..n).all(|_| rng.exponential_below(1.0, 0.5) < 0.5));
        assert!((0..n).all(|_| rng.below(3) < 3));
    }

    #[test]
    fn streams_differ_by_seed_purpose_and_index() {
        let first = |seed, purpose, index| Rng::new(seed, purpose, index).next_u64();
        let base = first(1, Purpose::Customer, 1);
        assert_ne!(base, first(2, Purpose::Customer, 1));
        assert_ne!(base, first(1, Purpose::Spend, 1));
        assert_ne!(base, first(1, Purpose::Customer, 2));
        assert_ne!(first(1, Purpose::Customer, 2), first(2, Purpose::Customer, 1));
    }
}
