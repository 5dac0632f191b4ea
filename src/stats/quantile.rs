//! Quantiles of a histogram, with intervals that assume nothing about its shape.
//!
//! - Quantile: Hyndman & Fan 1996, type 2: the mean of the two neighbours when n·q is whole.
//! - One row per customer: the binomial order-statistic interval (David & Nagaraja 2003, § 7.1): the
//!   narrowest ranks l < u with P(B < l) ≤ α/2 and P(B ≥ u) ≤ α/2, B ~ Binomial(n, q); never less than the
//!   stated confidence.
//! - Several rows per customer: Woodruff 1952 (J. Am. Stat. Assoc. 47, 635–646): the jackknife error of F at
//!   the quantile, carried back through the quantile function.
//!
//! Departures: order statistics are read from bins, evenly spread within a bin, so at most 0.1 % off; F of each
//! bucket from bins of 3 %.

use super::{
    coarse::CoarseHistogram,
    histogram::Histogram,
    interval::Interval,
    jackknife::{self, BUCKETS},
    reason::Reason,
    special,
};

/// Levels are taken to a billionth, so that whether n·q is whole is decided in integers.
const LEVEL_SCALE: u128 = 1_000_000_000;

/// Returns the quantile at `level` in (0, 1), in the histogram's unit; `None` for no values or a level
/// outside.
pub fn quantile(histogram: &Histogram, level: f64) -> Option<f64> {
    if !(level > 0.0 && level < 1.0) {
        return None;
    }
    let n = histogram.count();
    let scaled = u128::from(n) * (level * LEVEL_SCALE as f64).round() as u128;
    let below = u64::try_from(scaled / LEVEL_SCALE).ok()?;
    if scaled.is_multiple_of(LEVEL_SCALE) && below > 0 && below < n {
        let (low, high) = (histogram.order_statistic(below)?, histogram.order_statistic(below + 1)?);
        Some(low + (high - low) / 2.0)
    } else {
        histogram.order_statistic((below + 1).min(n))
    }
}

/// Returns the binomial order-statistic interval of the quantile at `level`, at confidence of at least
/// `1 − alpha`, for values that are independent (one per customer).
///
/// # Errors
/// [`Reason::TooFew`] where no order statistic lies far enough out, [`Reason::Undefined`] for a level
/// outside (0, 1).
pub fn order_statistic_interval(histogram: &Histogram, level: f64, alpha: f64) -> Result<Interval, Reason> {
    if !(level > 0.0 && level < 1.0) {
        return Err(Reason::Undefined);
    }
    let (low, high) = ranks(histogram.count(), level, alpha).ok_or(Reason::TooFew)?;
    let read = |rank| histogram.order_statistic(rank).ok_or(Reason::TooFew);
    Ok(Interval { low: read(low)?, high: read(high)? })
}

/// Returns the standard error that an order-statistic interval at `1 − alpha` implies, (U − L)/(2z).
///
/// # Errors
/// [`Reason::Tied`] where both bounds are the same.
pub fn standard_error_of_interval(interval: &Interval, alpha: f64) -> Result<f64, Reason> {
    let width = interval.high - interval.low;
    if width <= 0.0 {
        return Err(Reason::Tied);
    }
    Ok(width / (2.0 * special::normal_quantile_upper(alpha / 2.0)))
}

/// Returns Woodruff's interval of the quantile at `level` of `all` values, at confidence `1 − alpha`, where
/// customers have several values; `buckets` are the same values by jackknife bucket.
///
/// # Errors
/// [`Reason::FewBuckets`] below ten buckets with values, [`Reason::TooFew`] where a bound lies beyond the
/// data, [`Reason::Undefined`] for no values or a level outside (0, 1), else as [`jackknife::standard_error`].
pub fn woodruff_interval(
    all: &Histogram,
    buckets: &[&CoarseHistogram; BUCKETS],
    level: f64,
    alpha: f64,
) -> Result<Interval, Reason> {
    let at = quantile(all, level).ok_or(Reason::Undefined)?;
    let counts = std::array::from_fn(|b| i128::from(buckets[b].count_all()));
    jackknife::check_support(&counts, None)?;
    let up_to: [f64; BUCKETS] = std::array::from_fn(|b| buckets[b].count_up_to(at));
    let (n, below) = (counts.iter().sum::<i128>(), up_to.iter().sum::<f64>());
    let share = |below: f64, of: i128| (of > 0).then(|| below / of as f64);
    let replicates = std::array::from_fn(|b| share(below - up_to[b], n - counts[b]));
    let error = jackknife::standard_error(share(below, n), &replicates)?;
    let t = special::student_t_quantile_upper(alpha / 2.0, (BUCKETS - 1) as f64);
    let read = |level| quantile(all, level).ok_or(Reason::TooFew);
    Ok(Interval { low: read(level - t * error)?, high: read(level + t * error)? })
}

/// The ranks of the two order statistics, from 1. Binomial probabilities are summed outwards from the mode
/// by their ratios, until they no longer count: no special function, about 20 standard deviations of terms.
fn ranks(n: u64, level: f64, alpha: f64) -> Option<(u64, u64)> {
    const NEGLIGIBLE: f64 = 1e-25;
    let mode = (((n as f64 + 1.0) * level) as u64).min(n);
    let odds = level / (1.0 - level);
    let mut below = Vec::new();
    let (mut weight, mut k) = (1.0, mode);
    while k > 0 && weight > NEGLIGIBLE {
        weight *= k as f64 / ((n - k + 1) as f64 * odds);
        k -= 1;
        below.push(weight);
    }
    let first = k;
    let mut above = Vec::new();
    (weight, k) = (1.0, mode);
    while k < n && weight > NEGLIGIBLE {
        weight *= (n - k) as f64 * odds / (k + 1) as f64;
        k += 1;
        above.push(weight);
    }
    let last = k;
    let tail = alpha / 2.0 * (below.iter().rev().sum::<f64>() + 1.0 + above.iter().rev().sum::<f64>());
    let weights = || below.iter().rev().chain(std::iter::once(&1.0)).chain(&above);
    // The number of outcomes that fit into a tail, from either end.
    let fitting = |weights: &mut dyn Iterator<Item = &f64>| {
        let mut sum = 0.0;
        weights
            .take_while(|&&weight| {
                sum += weight;
                sum <= tail
            })
            .count() as u64
    };
    // P(B ≤ l − 1) ≤ tail, l as large as can be; P(B ≥ u) ≤ tail, u as small as can be.
    let low = first + fitting(&mut weights());
    let high = (last + 1) - fitting(&mut weights().rev());
    (low >= 1 && high <= n && low <= high).then_some((low, high))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rank::SplitMix64;
    use crate::stats::testing::assert_close;
    use proptest::prelude::*;

    fn of(values: impl IntoIterator<Item = u64>) -> Histogram {
        let mut histogram = Histogram::default();
        values.into_iter().for_each(|value| histogram.record(value));
        histogram
    }

    #[test]
    fn type_two_takes_the_mean_of_neighbours_when_n_q_is_whole() {
        let ten = of(1..=10);
        assert_eq!(quantile(&ten, 0.5), Some(5.5));
        assert_eq!(quantile(&ten, 0.25), Some(3.0));
        assert_eq!(quantile(&ten, 0.9), Some(9.5));
        assert_eq!(quantile(&ten, 0.55), Some(6.0));
        assert_eq!(quantile(&of(1..=100), 0.55), Some(55.5));
        assert_eq!(quantile(&of([7]), 0.5), Some(7.0));
        assert_eq!(quantile(&Histogram::default(), 0.5), None);
        assert_eq!(quantile(&ten, 0.0), None);
        assert_eq!(quantile(&ten, f64::NAN), None);
    }

    #[test]
    fn ranks_match_the_sign_test_table() {
        // Median, 95 %: the usual tables of sign-test intervals (binomial with p = 1/2).
        assert_eq!(ranks(5, 0.5, 0.05), None);
        assert_eq!(ranks(6, 0.5, 0.05), Some((1, 6)));
        assert_eq!(ranks(10, 0.5, 0.05), Some((2, 9)));
        assert_eq!(ranks(20, 0.5, 0.05), Some((6, 15)));
        assert_eq!(ranks(100, 0.5, 0.05), Some((40, 61)));
        assert_eq!(ranks(0, 0.5, 0.05), None);
        assert_eq!(ranks(20, 0.9, 0.05), None);
    }

    #[test]
    fn many_values_are_near_the_normal_ranks() {
        let (n, level) = (100_000_000, 0.9);
        let (low, high) = ranks(n, level, 0.05).unwrap();
        let half_width = 1.959963984540054 * (n as f64 * level * (1.0 - level)).sqrt();
        assert!((low as f64 - (n as f64 * level - half_width)).abs() < 3.0);
        assert!((high as f64 - (n as f64 * level + half_width)).abs() < 3.0);
    }

    #[test]
    fn interval_reads_the_ranks() {
        let interval = order_statistic_interval(&of((1..=20).map(|x| x * 10)), 0.5, 0.05).unwrap();
        assert_eq!(interval, Interval { low: 60.0, high: 150.0 });
        assert_eq!(order_statistic_interval(&of(1..=5), 0.5, 0.05), Err(Reason::TooFew));
        assert_eq!(order_statistic_interval(&of(1..=5), 1.0, 0.05), Err(Reason::Undefined));
        let error = standard_error_of_interval(&interval, 0.05).unwrap();
        assert_close(error, 45.0 / 1.959963984540054, 1e-14);
        let tied = order_statistic_interval(&of([3; 50]), 0.5, 0.05).unwrap();
        assert_eq!(standard_error_of_interval(&tied, 0.05), Err(Reason::Tied));
    }

    /// Values of all, and by bucket.
    struct Buckets {
        all: Histogram,
        buckets: [CoarseHistogram; BUCKETS],
    }

    impl Buckets {
        fn new() -> Self {
            Self { all: Histogram::default(), buckets: std::array::from_fn(|_| CoarseHistogram::default()) }
        }

        fn record(&mut self, bucket: usize, value: u64) {
            self.all.record(value);
            self.buckets[bucket].record(value);
        }

        fn interval(&self, level: f64) -> Result<Interval, Reason> {
            woodruff_interval(&self.all, &self.buckets.each_ref(), level, 0.05)
        }
    }

    #[test]
    fn woodruff_is_near_the_binomial_with_one_row_per_customer() {
        let mut random = SplitMix64::new(9);
        let mut values = Buckets::new();
        for _ in 0..20_000 {
            let bits = random.next_u64();
            values.record((bits >> 58) as usize, bits & 0xF_FFFF);
        }
        let binomial = order_statistic_interval(&values.all, 0.5, 0.05).unwrap();
        let woodruff = values.interval(0.5).unwrap();
        let ratio = (woodruff.high - woodruff.low) / (binomial.high - binomial.low);
        assert!((0.75..1.35).contains(&ratio), "{ratio}");
        assert!(woodruff.contains(quantile(&values.all, 0.5).unwrap()));
    }

    #[test]
    fn woodruff_withholds() {
        let mut values = Buckets::new();
        assert_eq!(values.interval(0.5), Err(Reason::Undefined));
        (0..9).for_each(|bucket| values.record(bucket, 5));
        assert_eq!(values.interval(0.5), Err(Reason::FewBuckets));
        values.record(9, 5);
        assert_eq!(values.interval(0.5), Err(Reason::ZeroVariance));
        (0..BUCKETS).for_each(|bucket| values.record(bucket, 100 + bucket as u64));
        assert!(values.interval(0.5).is_ok());
        assert_eq!(values.interval(0.985), Err(Reason::TooFew), "nothing lies beyond the slowest");
    }

    /// Standard normal numbers by Box and Muller's transform.
    fn normal(random: &mut SplitMix64) -> f64 {
        let mut uniform = || (random.next_u64() >> 11) as f64 * (0.5_f64).powi(53) + (0.5_f64).powi(54);
        let radius = (-2.0 * libm::log(uniform())).sqrt();
        radius * libm::cos(2.0 * std::f64::consts::PI * uniform())
    }

    /// Customers with one to seven durations, which vary as much between customers as within one: of them
    /// median and 90th percentile are known. Returns the shares of runs whose intervals hold them, and the
    /// same for the binomial interval of the median, which takes each row for a customer.
    fn coverage(runs: u32, customers: u32, seed: u64) -> [f64; 3] {
        let mut random = SplitMix64::new(seed);
        let hour = 3_600_000.0;
        let (between, within) = (0.8_f64, 0.8_f64);
        let truth = |z: f64| hour * libm::exp(z * between.hypot(within));
        let mut held = [0_u32; 3];
        for _ in 0..runs {
            let mut values = Buckets::new();
            for _ in 0..customers {
                let own = between * normal(&mut random);
                let bits = random.next_u64();
                for _ in 0..=bits % 7 {
                    let duration_ms = hour * libm::exp(own + within * normal(&mut random));
                    values.record((bits >> 58) as usize, duration_ms as u64);
                }
            }
            let holds = |interval: Result<Interval, Reason>, z| interval.unwrap().contains(truth(z));
            held[0] += u32::from(holds(values.interval(0.5), 0.0));
            held[1] += u32::from(holds(values.interval(0.9), 1.281_551_565_544_600_4));
            held[2] += u32::from(holds(order_statistic_interval(&values.all, 0.5, 0.05), 0.0));
        }
        held.map(|held| f64::from(held) / f64::from(runs))
    }

    #[test]
    fn woodruff_covers_where_customers_have_several_rows() {
        let [median, p90, as_if_independent] = coverage(300, 500, 11);
        assert!((0.91..=0.98).contains(&median) && (0.91..=0.98).contains(&p90), "{median} {p90}");
        assert!(as_if_independent < 0.85, "clusters don't matter here: {as_if_independent}");
    }

    /// The bar of `docs/methods.md`.
    #[test]
    #[ignore = "half a minute"]
    #[expect(clippy::print_stderr, reason = "the figures are wanted, not only that they are in range")]
    fn woodruff_covers_in_two_thousand_runs() {
        for customers in [400, 2_000] {
            let [median, p90, as_if_independent] = coverage(2_000, customers, 12);
            eprintln!("{customers} customers: {median} {p90}, binomial {as_if_independent}");
            assert!((0.93..=0.97).contains(&median) && (0.93..=0.97).contains(&p90), "{median} {p90}");
        }
    }

    proptest! {
        #[test]
        fn quantiles_agree_with_sorting(mut values in prop::collection::vec(0u64..2048, 1..200), percent in 1usize..100) {
            let histogram = of(values.iter().copied());
            values.sort_unstable();
            let n = values.len();
            let expected = if (n * percent).is_multiple_of(100) {
                let k = n * percent / 100;
                (values[k - 1] + values[k]) as f64 / 2.0
            } else {
                values[n * percent / 100] as f64
            };
            prop_assert_eq!(quantile(&histogram, percent as f64 / 100.0), Some(expected));
        }

        /// The definition, summed naively.
        #[test]
        fn ranks_agree_with_the_definition(n in 1u64..60, percent in 1u32..100) {
            let q = f64::from(percent) / 100.0;
            let mut pmf = vec![0.0; n as usize + 1];
            for (k, slot) in pmf.iter_mut().enumerate() {
                let choose = (0..k).fold(1.0, |c, i| c * (n as f64 - i as f64) / (i + 1) as f64);
                *slot = choose * q.powi(k as i32) * (1.0 - q).powi((n as usize - k) as i32);
            }
            let below = |l: u64| pmf[..l as usize].iter().sum::<f64>();
            let from = |u: u64| pmf[u as usize..].iter().sum::<f64>();
            let low = (1..=n).rev().find(|&l| below(l) <= 0.025);
            let high = (1..=n).find(|&u| from(u) <= 0.025);
            prop_assert_eq!(ranks(n, q, 0.05), low.zip(high));
        }
    }
}
