//! The bucket jackknife: an interval for any figure that is a function of totals.
//!
//! Delete-a-group jackknife (Kott 2001, J. Off. Stat. 17, 521–526; Shao & Tu 1995, ch. 2) over 64 buckets of
//! customers: `v = 63/64 · Σ (g(θ_b) − mean g(θ_·))²`, bounds `g⁻¹(g(θ) ± t₆₃ √v)`, where θ_b is the whole
//! computation on `64/63 · (T − T_b)`.
//!
//! Departures: always 64 groups, an empty one being a zero, so that the interval covers a Poisson stream of
//! customers and not a fixed number of them; the interval is taken on the scale `g` on which the figure's
//! bounds keep to its range; and it is withheld where too few buckets carry the figure.

use super::{interval::Interval, reason::Reason, special};

/// Number of jackknife groups, always.
pub const BUCKETS: usize = 64;
/// Buckets that must hold a non-zero numerator (and complement).
pub const MIN_BUCKETS: usize = 10;
/// Conversions below which value bounds are withheld.
pub const MIN_CONVERSIONS: u64 = 50;
/// Conversions below which value bounds are withheld where values are heavy-tailed.
pub const MIN_CONVERSIONS_HEAVY: u64 = 1_000;
/// The same, where heavy-tailed values are capped.
pub const MIN_CONVERSIONS_HEAVY_CAPPED: u64 = 100;
/// Coefficient of variation of converting values above which they count as heavy-tailed.
pub const HEAVY_COEFFICIENT_OF_VARIATION: f64 = 2.0;

const DEGREES_OF_FREEDOM: f64 = (BUCKETS - 1) as f64;
/// Replicates closer than this, relative on the log and logit scales, differ by rounding only.
const SPREAD_TOLERANCE: f64 = 1e-12;

/// The scale on which the interval is symmetric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scale {
    /// Figures that may be zero or negative.
    Identity,
    /// Positive totals and ratios.
    Log,
    /// Shares, rates and removal effects, strictly between 0 and 1.
    Logit,
}

impl Scale {
    /// g(θ); `None` outside the scale's domain.
    fn apply(self, value: f64) -> Option<f64> {
        let scaled = match self {
            Scale::Identity => value,
            Scale::Log if value > 0.0 => libm::log(value),
            Scale::Logit if value > 0.0 && value < 1.0 => libm::log(value) - libm::log1p(-value),
            _ => return None,
        };
        scaled.is_finite().then_some(scaled)
    }

    fn invert(self, scaled: f64) -> f64 {
        match self {
            Scale::Identity => scaled,
            Scale::Log => libm::exp(scaled),
            Scale::Logit => 1.0 / (1.0 + libm::exp(-scaled)),
        }
    }
}

/// Returns a total with one bucket left out, `64/63 · (T − T_b)`: the difference is exact, the rest rounds.
pub fn replicate_total(total: i128, bucket: i128) -> f64 {
    (total - bucket) as f64 * BUCKETS as f64 / DEGREES_OF_FREEDOM
}

/// Returns the jackknife interval of a figure at confidence `1 − alpha`.
///
/// `theta` is the figure on all customers, `replicates[b]` the figure without bucket `b`, both unrounded.
///
/// # Errors
/// [`Reason::Undefined`] where the figure is null or outside the scale's domain, or a bound overflows,
/// [`Reason::UndefinedReplicate`] where a replicate is, [`Reason::ZeroVariance`] where all replicates agree.
pub fn interval(
    theta: Option<f64>,
    replicates: &[Option<f64>; BUCKETS],
    scale: Scale,
    alpha: f64,
) -> Result<Interval, Reason> {
    let (center, error) = scaled_error(theta, replicates, scale)?;
    let half_width = special::student_t_quantile_upper(alpha / 2.0, DEGREES_OF_FREEDOM) * error;
    let bounds = Interval { low: scale.invert(center - half_width), high: scale.invert(center + half_width) };
    if bounds.low.is_finite() && bounds.high.is_finite() { Ok(bounds) } else { Err(Reason::Undefined) }
}

/// Returns the two-sided p-value of the hypothesis that the figure is `null` (0 for an effect, 1 for a
/// ratio), on the scale, with 63 degrees of freedom.
///
/// # Errors
/// As [`interval`]; also [`Reason::Undefined`] where `null` is outside the scale's domain.
pub fn p_value(
    theta: Option<f64>,
    replicates: &[Option<f64>; BUCKETS],
    scale: Scale,
    null: f64,
) -> Result<f64, Reason> {
    let (center, error) = scaled_error(theta, replicates, scale)?;
    let null = scale.apply(null).ok_or(Reason::Undefined)?;
    Ok(special::student_t_two_sided((center - null) / error, DEGREES_OF_FREEDOM))
}

/// Returns the jackknife standard error of a figure on its own scale.
///
/// # Errors
/// As [`interval`].
pub fn standard_error(theta: Option<f64>, replicates: &[Option<f64>; BUCKETS]) -> Result<f64, Reason> {
    scaled_error(theta, replicates, Scale::Identity).map(|(_, error)| error)
}

/// g(θ) and √v.
fn scaled_error(
    theta: Option<f64>,
    replicates: &[Option<f64>; BUCKETS],
    scale: Scale,
) -> Result<(f64, f64), Reason> {
    let center = theta.and_then(|theta| scale.apply(theta)).ok_or(Reason::Undefined)?;
    let mut scaled = [0.0; BUCKETS];
    for (slot, replicate) in scaled.iter_mut().zip(replicates) {
        *slot = replicate.and_then(|r| scale.apply(r)).ok_or(Reason::UndefinedReplicate)?;
    }
    let mean = scaled.iter().sum::<f64>() / BUCKETS as f64;
    let widest = scaled.iter().map(|g| (g - mean).abs()).fold(0.0, f64::max);
    let magnitude = if scale == Scale::Identity { mean.abs() } else { 1.0 };
    if widest <= SPREAD_TOLERANCE * magnitude {
        return Err(Reason::ZeroVariance);
    }
    let scatter: f64 = scaled.iter().map(|g| (g - mean) * (g - mean)).sum();
    Ok((center, (scatter * DEGREES_OF_FREEDOM / BUCKETS as f64).sqrt()))
}

/// Checks that enough buckets carry a figure: at least ten with a non-zero numerator and, for shares, rates
/// and removal effects, at least ten with a non-zero complement (denominator − numerator).
///
/// # Errors
/// [`Reason::FewBuckets`].
pub fn check_support(
    numerator: &[i128; BUCKETS],
    complement: Option<&[i128; BUCKETS]>,
) -> Result<(), Reason> {
    let enough = |sums: &[i128; BUCKETS]| sums.iter().filter(|&&sum| sum != 0).count() >= MIN_BUCKETS;
    if enough(numerator) && complement.is_none_or(enough) { Ok(()) } else { Err(Reason::FewBuckets) }
}

/// Returns the interval of a share over rows of which a customer has several, at confidence `1 − alpha`: parts
/// and wholes by bucket. The factor 64/63 cancels.
///
/// # Errors
/// [`Reason::FewBuckets`] below ten buckets with a part or below ten with a rest, else as [`interval`].
pub fn share_interval(
    parts: &[u64; BUCKETS],
    wholes: &[u64; BUCKETS],
    alpha: f64,
) -> Result<Interval, Reason> {
    let rests = std::array::from_fn(|b| i128::from(wholes[b]) - i128::from(parts[b]));
    check_support(&parts.map(i128::from), Some(&rests))?;
    let (part, whole) = (parts.iter().sum::<u64>(), wholes.iter().sum::<u64>());
    let share = |part: u64, whole: u64| (whole > 0).then(|| part as f64 / whole as f64);
    let replicates = std::array::from_fn(|b| share(part - parts[b], whole - wholes[b]));
    interval(share(part, whole), &replicates, Scale::Logit, alpha)
}

/// What decides whether a value or ROAS gets bounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ValueSupport {
    /// Conversions behind the value.
    pub conversions: u64,
    /// Coefficient of variation of converting values; `None` where it is not defined.
    pub coefficient_of_variation: Option<f64>,
    /// Whether values are capped.
    pub capped: bool,
}

impl ValueSupport {
    /// Checks that value bounds can be trusted: simulation showed 80–90 % coverage below these counts.
    ///
    /// # Errors
    /// [`Reason::FewConversions`].
    pub fn check(&self) -> Result<(), Reason> {
        let heavy = self.coefficient_of_variation.is_some_and(|cv| cv > HEAVY_COEFFICIENT_OF_VARIATION);
        let minimum = match (heavy, self.capped) {
            (false, _) => MIN_CONVERSIONS,
            (true, false) => MIN_CONVERSIONS_HEAVY,
            (true, true) => MIN_CONVERSIONS_HEAVY_CAPPED,
        };
        if self.conversions < minimum { Err(Reason::FewConversions) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::rank::SplitMix64;
    use crate::stats::testing::assert_close;
    use proptest::prelude::*;

    fn totals(values: &[i128; BUCKETS]) -> (Option<f64>, [Option<f64>; BUCKETS]) {
        let total: i128 = values.iter().sum();
        (Some(total as f64), values.map(|value| Some(replicate_total(total, value))))
    }

    fn some_values() -> [i128; BUCKETS] {
        std::array::from_fn(|b| 100 + (b as i128 * 37) % 64)
    }

    /// For a plain total, v = 64/63 · Σ (T_b − T̄)²: the variance of a sum of 64 independent groups.
    #[test]
    fn a_total_has_the_variance_of_a_sum() {
        let values = some_values();
        let (theta, replicates) = totals(&values);
        let mean = values.iter().sum::<i128>() as f64 / 64.0;
        let scatter: f64 = values.iter().map(|&v| (v as f64 - mean) * (v as f64 - mean)).sum();
        let error = (64.0 / 63.0 * scatter).sqrt();
        assert_close(standard_error(theta, &replicates).unwrap(), error, 1e-11);
        let interval = interval(theta, &replicates, Scale::Identity, 0.05).unwrap();
        // t of 63 degrees of freedom: mpmath.
        assert_close(interval.high, theta.unwrap() + 1.9983405425207414 * error, 1e-13);
        assert_close(interval.low, theta.unwrap() - 1.9983405425207414 * error, 1e-13);
    }

    #[test]
    fn bounds_keep_to_the_range_of_their_scale() {
        let (theta, replicates) = totals(&some_values());
        let share = |v: f64| v / 8500.0;
        let shares = replicates.map(|r| r.map(share));
        let interval_of = |scale| interval(theta.map(share), &shares, scale, 1e-9).unwrap();
        let (log, logit) = (interval_of(Scale::Log), interval_of(Scale::Logit));
        assert!(log.low > 0.0 && logit.low > 0.0 && logit.high < 1.0);
        assert!(log.high > 1.0);
    }

    #[test]
    fn undefined_is_a_reason() {
        let (theta, replicates) = totals(&some_values());
        let with = |value| {
            let mut changed = replicates;
            changed[5] = value;
            changed
        };
        let reason = |theta, replicates: &_, scale| interval(theta, replicates, scale, 0.05).unwrap_err();
        assert_eq!(reason(None, &replicates, Scale::Identity), Reason::Undefined);
        assert_eq!(reason(Some(0.0), &replicates, Scale::Log), Reason::Undefined);
        assert_eq!(reason(Some(1.0), &replicates, Scale::Logit), Reason::Undefined);
        assert_eq!(reason(theta, &with(None), Scale::Identity), Reason::UndefinedReplicate);
        assert_eq!(reason(theta, &with(Some(0.0)), Scale::Log), Reason::UndefinedReplicate);
        assert_eq!(reason(theta, &with(Some(f64::NAN)), Scale::Identity), Reason::UndefinedReplicate);
        assert_eq!(reason(Some(0.5), &[Some(1.0); BUCKETS], Scale::Logit), Reason::UndefinedReplicate);
        assert_eq!(reason(Some(0.5), &[Some(0.5); BUCKETS], Scale::Logit), Reason::ZeroVariance);
        assert_eq!(reason(Some(0.0), &[Some(0.0); BUCKETS], Scale::Identity), Reason::ZeroVariance);
        // A constant ratio of totals varies by rounding only.
        let constant = some_values().map(|v| Some(replicate_total(9000, v) / replicate_total(27000, 3 * v)));
        assert_eq!(reason(Some(1.0 / 3.0), &constant, Scale::Log), Reason::ZeroVariance);
    }

    #[test]
    fn p_and_interval_agree() {
        let (theta, replicates) = totals(&some_values());
        let bounds = interval(theta, &replicates, Scale::Log, 0.05).unwrap();
        for bound in [bounds.low, bounds.high] {
            assert_close(p_value(theta, &replicates, Scale::Log, bound).unwrap(), 0.05, 1e-10);
        }
        assert_eq!(p_value(theta, &replicates, Scale::Log, 0.0), Err(Reason::Undefined));
    }

    #[test]
    fn support_needs_ten_buckets_on_both_sides() {
        let filled = |n: usize| -> [i128; BUCKETS] { std::array::from_fn(|b| i128::from(b < n)) };
        assert_eq!(check_support(&filled(9), None), Err(Reason::FewBuckets));
        assert_eq!(check_support(&filled(10), None), Ok(()));
        assert_eq!(check_support(&filled(10), Some(&filled(9))), Err(Reason::FewBuckets));
        assert_eq!(check_support(&filled(10), Some(&filled(10))), Ok(()));
    }

    #[test]
    fn values_need_conversions() {
        let check = |conversions, coefficient_of_variation, capped| {
            ValueSupport { conversions, coefficient_of_variation, capped }.check()
        };
        assert_eq!(check(49, Some(0.5), false), Err(Reason::FewConversions));
        assert_eq!(check(50, Some(2.0), false), Ok(()));
        assert_eq!(check(999, Some(2.1), false), Err(Reason::FewConversions));
        assert_eq!(check(1000, Some(2.1), false), Ok(()));
        assert_eq!(check(99, Some(2.1), true), Err(Reason::FewConversions));
        assert_eq!(check(100, Some(2.1), true), Ok(()));
    }

    /// 2,000 runs of 64 buckets of uniform values: coverage of the total within four standard errors of 95 %.
    #[test]
    fn covers_as_often_as_it_says() {
        let mut random = SplitMix64::new(3);
        let covered = (0..2000)
            .filter(|_| {
                let values = std::array::from_fn(|_| i128::from(random.next_u64() >> 44));
                let (theta, replicates) = totals(&values);
                let truth = 64.0 * (((1_u64 << 20) - 1) as f64 / 2.0);
                interval(theta, &replicates, Scale::Identity, 0.05).unwrap().contains(truth)
            })
            .count();
        assert!((1861..=1939).contains(&covered), "{covered} of 2000");
    }

    proptest! {
        /// Which customer falls into which bucket number must not matter.
        #[test]
        fn order_of_buckets_matters_little(values in prop::array::uniform32(1i64..1_000_000)) {
            let values: [i128; BUCKETS] = std::array::from_fn(|b| i128::from(values[b % 32]) + b as i128);
            let mut turned = values;
            turned.rotate_left(17);
            let of = |v| { let (t, r) = totals(v); interval(t, &r, Scale::Log, 0.05).unwrap() };
            let (a, b) = (of(&values), of(&turned));
            assert_close(a.low, b.low, 1e-12);
            assert_close(a.high, b.high, 1e-12);
        }
    }
}
