//! The bars of the methods, by simulation: what is promised for many experiments holds in many experiments.
//!
//! Each bar is one function of the number of runs. In every build it runs short, with room of four standard
//! errors about the promise; `cargo test --release simulation -- --ignored --nocapture` runs it in full,
//! prints the figures and holds them to the bar itself. Seeds are fixed; randomness is SplitMix64, normals by
//! Marsaglia's polar method, counts of successes bit by bit from the binary digits of the rate.

#![expect(clippy::print_stdout, reason = "the figures are wanted, not only that they are in range")]

use super::capping::{self, Binned};
use super::testing::assert_near;
use super::welch::{self, Arm};
use super::{ConfidenceSequence, Histogram, Joint, SplitMix64, cuped, quantile_effect, ratio, srm};

const ALPHA: f64 = 0.05;

struct Draws {
    random: SplitMix64,
    spare: Option<f64>,
}

impl Draws {
    fn new(seed: u64) -> Draws {
        Draws { random: SplitMix64::new(seed), spare: None }
    }

    /// Uniform in (0, 1).
    fn uniform(&mut self) -> f64 {
        ((self.random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64
    }

    fn normal(&mut self) -> f64 {
        if let Some(spare) = self.spare.take() {
            return spare;
        }
        loop {
            let (u, v) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let s = u * u + v * v;
            if s > 0.0 && s < 1.0 {
                let factor = (-2.0 * libm::log(s) / s).sqrt();
                self.spare = Some(v * factor);
                return u * factor;
            }
        }
    }

    fn lognormal(&mut self, mu: f64, sigma: f64) -> f64 {
        libm::exp(mu + sigma * self.normal())
    }

    /// Successes among 64 trials as bits, the rate in 65,536ths: draw by draw from its last binary digit, an
    /// average of what is there and of 0 or 1.
    fn bits(&mut self, rate: u16) -> u64 {
        let mut bits = 0;
        for digit in rate.trailing_zeros()..16 {
            let draw = self.random.next_u64();
            bits = if rate >> digit & 1 == 1 { bits | draw } else { bits & draw };
        }
        bits
    }

    /// Successes among 64·`words` trials.
    fn successes(&mut self, words: u64, rate: u16) -> u64 {
        (0..words).map(|_| u64::from(self.bits(rate).count_ones())).sum()
    }
}

fn share(hits: usize, of: usize) -> f64 {
    hits as f64 / of as f64
}

/// The room of four standard errors about a promised share.
fn room(promised: f64, runs: usize) -> f64 {
    4.0 * (promised * (1.0 - promised) / runs as f64).sqrt()
}

/// A/A: 8,000 customers in each arm, a rate of 5.08 % (13/256): how often p < 0.05. Over 400 convert in each.
fn false_positives(experiments: usize) -> f64 {
    let mut draws = Draws::new(5_001);
    let hits = (0..experiments).filter(|_| {
        let mut arm = || Arm::of_proportion(draws.successes(125, 13 << 8), 8_000).unwrap();
        welch::difference(&arm(), &arm()).unwrap().p_value() < ALPHA
    });
    share(hits.count(), experiments)
}

/// A/A with a look after each of 30 days, 1,024 more customers in each arm a day at a rate of 6.25 %: how
/// often the sequence ever excludes zero; and how often the fixed test would at some look.
fn false_positives_of_peeking(experiments: usize) -> (f64, f64) {
    let mut draws = Draws::new(5_002);
    let sequence = ConfidenceSequence::new(ALPHA, 5_000.0);
    let (mut sequential, mut fixed) = (0, 0);
    for _ in 0..experiments {
        let (mut control, mut treatment) = (0, 0);
        let (mut ever, mut ever_fixed) = (false, false);
        for day in 1..=30 {
            control += draws.successes(16, 16 << 8);
            treatment += draws.successes(16, 16 << 8);
            let n = day * 1_024;
            let arm = |successes| Arm::of_proportion(successes, n).unwrap();
            let estimate = welch::difference(&arm(control), &arm(treatment)).unwrap();
            let excluded = !sequence.interval(&estimate, 2 * n).unwrap().contains(0.0);
            assert_eq!(excluded, sequence.p_value(&estimate, 2 * n) < ALPHA);
            ever |= excluded;
            ever_fixed |= estimate.p_value() < ALPHA;
        }
        sequential += usize::from(ever);
        fixed += usize::from(ever_fixed);
    }
    (share(sequential, experiments), share(fixed, experiments))
}

/// p-values of the sample ratio in three planned arms, 1/2, 1/4, 1/4 of 65,536 customers: counts by decile.
/// Counts are whole, so p is on a lattice: with 4,096 customers deciles are uneven by 2 %, which 100,000 draws
/// see.
fn sample_ratio_deciles(experiments: usize) -> [usize; 10] {
    let mut draws = Draws::new(5_003);
    let mut deciles = [0; 10];
    for _ in 0..experiments {
        let mut counts = [0_u64; 3];
        for _ in 0..1_024 {
            let (first, second) = (draws.random.next_u64(), draws.random.next_u64());
            for (count, bits) in counts.iter_mut().zip([first, !first & second, !first & !second]) {
                *count += u64::from(bits.count_ones());
            }
        }
        let p = srm::sample_ratio(&counts, &[0.5, 0.25, 0.25]).unwrap().p_value;
        deciles[((p * 10.0) as usize).min(9)] += 1;
    }
    deciles
}

/// χ² of the deciles against a tenth each.
fn unevenness(deciles: &[usize; 10]) -> f64 {
    let expected = deciles.iter().sum::<usize>() as f64 / 10.0;
    deciles.iter().map(|count| (*count as f64 - expected).powi(2) / expected).sum()
}

/// What CUPED did in many experiments of 300 customers an arm, true difference 0.5, ρ = 0.7.
struct Adjustment {
    /// Mean error of the adjusted difference beyond that of the method, −1/600 of it, in its own standard
    /// errors.
    bias: f64,
    /// Variance of the adjusted differences over that of the unadjusted, less than 1.
    reduction: f64,
    /// Mean of the reductions that were reported.
    reported: f64,
    /// Share of intervals that held the truth: of the difference, and of the relative lift.
    coverage: f64,
    lift_coverage: f64,
}

fn adjustment(experiments: usize) -> Adjustment {
    const RHO: f64 = 0.7;
    const TRUTH: f64 = 0.5;
    const BASE: f64 = 10.0;
    let mut draws = Draws::new(5_004);
    let (mut plain, mut adjusted, mut reported) = (Vec::new(), Vec::new(), 0.0);
    let (mut covered, mut lift_covered) = (0, 0);
    for _ in 0..experiments {
        let mut arm = |mean: f64| {
            let mut joint = Joint::<2>::default();
            for _ in 0..300 {
                let pre = draws.normal();
                let now = RHO * pre + (1.0 - RHO * RHO).sqrt() * draws.normal();
                let integer = |value: f64| (value * 10_000.0).round() as i64;
                joint.add([integer(mean + now), integer(5.0 + pre)]);
            }
            joint
        };
        let (control, treatment) = (arm(BASE), arm(BASE + TRUTH));
        let cuped = cuped::adjust(&control, &treatment, [10_000; 2]).unwrap();
        let mean = |joint: &Joint<2>| joint.mean(0, 10_000).unwrap();
        plain.push(mean(&treatment) - mean(&control) - TRUTH);
        adjusted.push(cuped.difference.value - TRUTH);
        reported += cuped.variance_reduction / experiments as f64;
        covered += usize::from(cuped.difference.interval(ALPHA).contains(TRUTH));
        let lift = cuped.lift.unwrap().estimate;
        lift_covered += usize::from(lift.interval(ALPHA).contains(TRUTH / BASE));
    }
    let squares = |errors: &[f64]| errors.iter().map(|error| error * error).sum::<f64>();
    let n = experiments as f64;
    Adjustment {
        bias: adjusted.iter().map(|error| error + TRUTH / 600.0).sum::<f64>() / squares(&adjusted).sqrt(),
        reduction: 1.0 - squares(&adjusted) / squares(&plain),
        reported,
        coverage: covered as f64 / n,
        lift_coverage: lift_covered as f64 / n,
    }
}

/// How often the interval of the difference held the truth.
#[derive(Debug)]
struct Coverage {
    ratio: f64,
    adjusted_ratio: f64,
    quantile: f64,
    capped: f64,
}

/// 1,000 customers an arm with orders of lognormal value (σ = 0.8), some of them keener than others before and
/// after; the median order is 100 before and in the control, 110 in the variant.
fn coverage(experiments: usize) -> Coverage {
    const CUSTOMERS: usize = 1_000;
    const SIGMA: f64 = 0.8;
    const LEVEL: f64 = 0.9;
    let mut draws = Draws::new(5_005);
    let [mut ratio_hits, mut adjusted_hits, mut quantile_hits, mut capped_hits] = [0; 4];
    // Quantiles and capped means are of one such value per customer, whose truth is known.
    let value = libm::exp(SIGMA * SIGMA / 2.0);
    let z = super::special::normal_quantile(LEVEL);
    let at_level = libm::exp(SIGMA * z);
    for _ in 0..experiments {
        let mut arm = |median: f64| {
            let mut orders = Joint::<4>::default();
            let mut values = Histogram::default();
            let mut binned = Binned::<1>::default();
            for _ in 0..CUSTOMERS {
                let keen = draws.random.next_u64() & 3;
                let count = |draws: &mut Draws| {
                    let more = if draws.uniform() < 0.4 { 1 + keen } else { 0 };
                    (draws.random.next_u64() & 1) as i64 + more as i64
                };
                let (before, now) = (count(&mut draws), count(&mut draws));
                let mut sum = |median: f64, n: i64| {
                    (0..n).map(|_| (100.0 * draws.lognormal(libm::log(median), SIGMA)).round() as i64).sum()
                };
                let (paid_before, paid) = (sum(100.0, before), sum(median, now));
                orders.add([paid, now, paid_before, before]);
                let single = (100.0 * draws.lognormal(libm::log(median), SIGMA)).round() as i64;
                values.record_in(quantile_effect::bin_of(single));
                binned.add([single]);
            }
            (orders, values, binned)
        };
        let (control, treatment) = (arm(100.0), arm(110.0));
        let holds = |control: &Arm, treatment: &Arm, truth: f64| {
            welch::difference(control, treatment).unwrap().interval(ALPHA).contains(truth)
        };
        let pair = |joint: &Joint<4>| Joint {
            n: joint.n,
            sums: [joint.sums[0], joint.sums[1]],
            products: [[joint.products[0][0], joint.products[0][1]], [0, joint.products[1][1]]],
        };
        let of_ratio = |joint: &Joint<4>| ratio::arm(&pair(joint), [100, 1]).unwrap();
        ratio_hits += usize::from(holds(&of_ratio(&control.0), &of_ratio(&treatment.0), 10.0 * value));
        let adjusted = ratio::adjust(&control.0, &treatment.0, [100, 1, 100, 1]).unwrap();
        adjusted_hits += usize::from(adjusted.difference.interval(ALPHA).contains(10.0 * value));
        let of_quantile = |histogram: &Histogram| quantile_effect::arm(histogram, LEVEL, 100).unwrap();
        quantile_hits +=
            usize::from(holds(&of_quantile(&control.1), &of_quantile(&treatment.1), 10.0 * at_level));
        // E[min(X, c)] of a lognormal at the cap that was found.
        let cap = capping::percentile_cap([&control.2, &treatment.2], 0.99).unwrap();
        let capped = |binned: &Binned<1>| binned.capped(cap).arm(0, 100).unwrap();
        let expected = |median: f64| {
            let at = libm::log(cap as f64 / 100.0 / median) / SIGMA;
            let (below, above) = (super::special::normal_cdf(at - SIGMA), super::special::normal_sf(at));
            median * value * below + cap as f64 / 100.0 * above
        };
        let truth = expected(110.0) - expected(100.0);
        capped_hits += usize::from(holds(&capped(&control.2), &capped(&treatment.2), truth));
    }
    Coverage {
        ratio: share(ratio_hits, experiments),
        adjusted_ratio: share(adjusted_hits, experiments),
        quantile: share(quantile_hits, experiments),
        capped: share(capped_hits, experiments),
    }
}

#[test]
fn successes_have_their_rate() {
    let mut draws = Draws::new(1);
    for rate in [13_u16 << 8, 16 << 8, 1 << 15, 40_000, 65_535] {
        let promised = f64::from(rate) / 65_536.0;
        let successes = draws.successes(2_000, rate) as f64 / 128_000.0;
        assert_near(successes, promised, room(promised, 128_000));
    }
    let normals: Vec<f64> = (0..20_000).map(|_| draws.normal()).collect();
    assert_near(normals.iter().sum::<f64>() / 20_000.0, 0.0, 0.03);
    assert_near(normals.iter().map(|z| z * z).sum::<f64>() / 20_000.0, 1.0, 0.04);
}

#[test]
fn short_a_a() {
    const RUNS: usize = 1_000;
    assert_near(false_positives(RUNS), ALPHA, room(ALPHA, RUNS));
}

#[test]
fn short_peeking() {
    const RUNS: usize = 200;
    let (sequential, fixed) = false_positives_of_peeking(RUNS);
    assert!(sequential <= ALPHA, "{sequential}");
    assert!(fixed > 2.0 * ALPHA, "the fixed test doesn't bear peeking: {fixed}");
}

#[test]
fn short_sample_ratio() {
    // 9 degrees of freedom: 33.7 at p = 1e-4.
    let deciles = sample_ratio_deciles(3_000);
    assert!(unevenness(&deciles) < 33.7, "{deciles:?}");
}

#[test]
fn short_cuped() {
    let Adjustment { bias, reduction, reported, coverage, lift_coverage } = adjustment(200);
    assert_near(bias, 0.0, 4.0);
    assert_near(reduction, 0.49, 0.2);
    assert_near(reported, 0.49, 0.02);
    assert_near(coverage, 0.95, room(0.95, 200));
    assert_near(lift_coverage, 0.95, room(0.95, 200));
}

#[test]
fn short_coverage() {
    let Coverage { ratio, adjusted_ratio, quantile, capped } = coverage(60);
    for share in [ratio, adjusted_ratio, quantile, capped] {
        assert_near(share, 0.95, room(0.95, 60));
    }
}

#[test]
#[ignore = "10,000 experiments"]
fn full_a_a() {
    let share = false_positives(10_000);
    println!("A/A at 0.05, 10,000 experiments: {share}");
    assert!((0.043..=0.057).contains(&share));
}

#[test]
#[ignore = "2,000 experiments of 30 days"]
fn full_peeking() {
    let (sequential, fixed) = false_positives_of_peeking(2_000);
    println!("30 daily peeks, 2,000 experiments: sequential {sequential}, fixed {fixed}");
    assert!(sequential <= 0.05);
}

#[test]
#[ignore = "100,000 draws"]
fn full_sample_ratio() {
    let deciles = sample_ratio_deciles(100_000);
    let chi_square = unevenness(&deciles);
    let p = super::special::chi_square_sf(chi_square, 9);
    println!("SRM p by decile, 100,000 draws: {deciles:?}, chi-square {chi_square}, p {p}");
    assert!(p > 0.001);
}

#[test]
#[ignore = "2,000 experiments"]
fn full_cuped() {
    let Adjustment { bias, reduction, reported, coverage, lift_coverage } = adjustment(2_000);
    println!(
        "CUPED at rho 0.7, 2,000 experiments: bias {bias} standard errors, variance reduction {reduction}, \
         reported {reported}, coverage {coverage}, of the lift {lift_coverage}"
    );
    assert_near(bias, 0.0, 3.0);
    assert_near(reduction, 0.49, 0.05);
    assert_near(reported, 0.49, 0.01);
    assert!((0.93..=0.97).contains(&coverage));
    assert!((0.93..=0.97).contains(&lift_coverage));
}

#[test]
#[ignore = "2,000 experiments"]
fn full_coverage() {
    let coverage = coverage(2_000);
    println!("coverage at 95 %, 2,000 experiments: {coverage:?}");
    let Coverage { ratio, adjusted_ratio, quantile, capped } = coverage;
    for share in [ratio, adjusted_ratio, quantile, capped] {
        assert!((0.93..=0.97).contains(&share), "{share}");
    }
}
