//! Normal, Student t and χ² tails, precise where it counts: small p-values keep their digits down to 1e−300.
//!
//! - Normal: `erfc` (fdlibm, by `libm`); quantile by Newton on ln Q from Abramowitz & Stegun 26.2.23.
//! - Student t: `p = I_x(ν/2, 1/2)`, `x = ν/(ν+t²)` (Abramowitz & Stegun 26.7.1), by the continued fraction DLMF 8.17.22
//!   (modified Lentz, Thompson & Barnett 1986) and, for many degrees of freedom, by the asymptotic series
//!   of DiDonato & Morris 1992 (ACM TOMS 18, eqs. 9 to 9.6), which needs no thousands of terms.
//! - χ²: whole degrees of freedom only, where Q(k/2, x/2) is a finite sum of positive terms (Abramowitz & Stegun
//!   26.4.4, 26.4.5), so no digit cancels.
//!
//! Departure: `statrs` has all of these, but loses digits for many degrees of freedom (differences of large
//! log-gammas, 140 terms at most) and calls the platform's `exp` and `ln`.

use std::f64::consts::{FRAC_1_SQRT_2, PI};

const SQRT_PI: f64 = 1.772_453_850_905_516;
const SQRT_TAU: f64 = 2.506_628_274_631_000_7;
/// From here on the series for many degrees of freedom is used in the tail.
const MANY_DEGREES_OF_FREEDOM: f64 = 500.0;
/// Beyond this Student's t and the normal agree to the last digit of a double (relative gap z⁴/4ν).
const NORMAL_DEGREES_OF_FREEDOM: f64 = 1e20;
/// Upper tails above this are read off the mass between them and zero.
const MIDDLE: f64 = 0.4;
const MAX_TERMS: u32 = 100_000;
const MAX_NEWTON_STEPS: u32 = 100;

/// Returns the standard normal density φ(z).
pub fn normal_density(z: f64) -> f64 {
    libm::exp(-0.5 * z * z) / SQRT_TAU
}

/// Returns P(Z ≤ z) of a standard normal, precise in the lower tail.
pub fn normal_cdf(z: f64) -> f64 {
    0.5 * libm::erfc(-z * FRAC_1_SQRT_2)
}

/// Returns P(Z > z) of a standard normal, precise in the upper tail.
pub fn normal_sf(z: f64) -> f64 {
    normal_cdf(-z)
}

/// Returns the two-sided p-value P(|Z| > |z|).
pub fn normal_two_sided(z: f64) -> f64 {
    libm::erfc(z.abs() * FRAC_1_SQRT_2)
}

/// Returns the z with P(Z ≤ z) = p, for p in (0, 1); infinite at 0 and 1.
pub fn normal_quantile(p: f64) -> f64 {
    if p < 0.5 { -normal_quantile_upper(p) } else { normal_quantile_upper(1.0 - p) }
}

/// Returns the z with P(Z > z) = q, for q in (0, 1); infinite at 0 and 1.
///
/// Near the middle the mass between 0 and z is what is known to the last digit, not the tail.
pub fn normal_quantile_upper(q: f64) -> f64 {
    if q > 0.5 {
        return -normal_quantile_upper(1.0 - q);
    }
    if q == 0.5 {
        return 0.0;
    }
    if q > MIDDLE {
        let mass = 0.5 - q;
        let mut z = mass * SQRT_TAU;
        for _ in 0..6 {
            z += (mass - 0.5 * libm::erf(z * FRAC_1_SQRT_2)) / normal_density(z);
        }
        return z;
    }
    if q <= 0.0 {
        return f64::INFINITY;
    }
    let ln_q = libm::log(q);
    let w = (-2.0 * ln_q).sqrt();
    // Abramowitz & Stegun 26.2.23: within 4.5e-4, so three Newton steps reach the last digits.
    let mut z = w
        - (2.515517 + w * (0.802853 + w * 0.010328)) / (1.0 + w * (1.432788 + w * (0.189269 + w * 0.001308)));
    for _ in 0..4 {
        let sf = normal_sf(z);
        z += sf * libm::log(sf / q) / normal_density(z);
    }
    z
}

/// Returns the two-sided p-value P(|T| > |t|) of Student's t with `degrees_of_freedom > 0`, whole or not.
pub fn student_t_two_sided(t: f64, degrees_of_freedom: f64) -> f64 {
    let (p, is_tail) = student_t_mass(t.abs(), degrees_of_freedom);
    if is_tail { p } else { 1.0 - p }
}

/// P(|T| > t) and true, or P(|T| ≤ t) and false: the one that is known to the last digit, for t ≥ 0.
fn student_t_mass(t: f64, degrees_of_freedom: f64) -> (f64, bool) {
    if t == 0.0 {
        return (0.0, false);
    }
    if degrees_of_freedom > NORMAL_DEGREES_OF_FREEDOM {
        return (normal_two_sided(t), true);
    }
    let ratio = (t / degrees_of_freedom) * t;
    let x = 1.0 / (1.0 + ratio);
    let y = 1.0 / (1.0 + 1.0 / ratio);
    let a = degrees_of_freedom / 2.0;
    // ln x; t² may overflow where p is still a number (one degree of freedom).
    let ln_x = if ratio < 1e30 {
        -libm::log1p(ratio)
    } else {
        2.0 * (libm::log(degrees_of_freedom.sqrt()) - libm::log(t))
    };
    let in_the_middle = x >= (a + 1.0) / (a + 2.5);
    if !in_the_middle && degrees_of_freedom >= MANY_DEGREES_OF_FREEDOM && ratio < 0.5 {
        return (beta_half_series(a, ln_x), true);
    }
    // x^a · √y / B(a, 1/2)
    let front = libm::exp(a * ln_x) * y.sqrt() * gamma_half_ratio(a) / SQRT_PI;
    if in_the_middle {
        (front / 0.5 * beta_fraction(0.5, a, y), false)
    } else {
        (front / a * beta_fraction(a, 0.5, x), true)
    }
}

/// Returns P(T > t) of Student's t, precise in the upper tail.
pub fn student_t_sf(t: f64, degrees_of_freedom: f64) -> f64 {
    let half = 0.5 * student_t_two_sided(t, degrees_of_freedom);
    if t < 0.0 { 1.0 - half } else { half }
}

/// Returns the t with P(T > t) = q, for q in (0, 1); infinite at 0 and 1.
///
/// Newton on ln P against ln t: that function is concave, so from the normal's quantile, which is never too
/// far out, the first step overshoots at most and all others close in from one side.
pub fn student_t_quantile_upper(q: f64, degrees_of_freedom: f64) -> f64 {
    if q > 0.5 {
        return -student_t_quantile_upper(1.0 - q, degrees_of_freedom);
    }
    let z = normal_quantile_upper(q);
    if q == 0.5 || q <= 0.0 || degrees_of_freedom > NORMAL_DEGREES_OF_FREEDOM {
        return z;
    }
    let a = degrees_of_freedom / 2.0;
    let density_at_zero = gamma_half_ratio(a) / (degrees_of_freedom * PI).sqrt();
    let mut t = z;
    if q > MIDDLE {
        return student_t_quantile_near_zero(q, degrees_of_freedom, density_at_zero);
    }
    for _ in 0..MAX_NEWTON_STEPS {
        let sf = 0.5 * student_t_two_sided(t, degrees_of_freedom);
        let ratio = (t / degrees_of_freedom) * t;
        // t · density / sf, written so that it neither overflows nor underflows in the far tail.
        let slope = if ratio < 1e15 {
            t * density_at_zero * libm::exp(-(a + 0.5) * libm::log1p(ratio)) / sf
        } else {
            degrees_of_freedom
        };
        let step = libm::log(sf / q) / slope;
        t *= libm::exp(step);
        if step.abs() < 1e-15 {
            break;
        }
    }
    t
}

/// Newton on the mass between 0 and t, which is concave in t ≥ 0 and starts from below: it closes in from there.
fn student_t_quantile_near_zero(q: f64, degrees_of_freedom: f64, density_at_zero: f64) -> f64 {
    let mass = 1.0 - 2.0 * q;
    let exponent = degrees_of_freedom / 2.0 + 0.5;
    let mut t = 0.5 * mass / density_at_zero;
    for _ in 0..MAX_NEWTON_STEPS {
        let (p, is_tail) = student_t_mass(t, degrees_of_freedom);
        let density = density_at_zero * libm::exp(-exponent * libm::log1p(t * (t / degrees_of_freedom)));
        let step = 0.5 * (mass - if is_tail { 1.0 - p } else { p }) / density;
        t += step;
        if step.abs() <= 1e-16 * t {
            break;
        }
    }
    t
}

/// Returns P(χ² > x) with `degrees_of_freedom` ≥ 1, precise in the upper tail; 1 for x ≤ 0.
pub fn chi_square_sf(x: f64, degrees_of_freedom: u32) -> f64 {
    if x <= 0.0 || degrees_of_freedom == 0 {
        return 1.0;
    }
    let half = x / 2.0;
    let odd = degrees_of_freedom % 2 == 1;
    // Terms half^j / Γ(j+1): j = 0, 1, … for even degrees of freedom, 1/2, 3/2, … for odd ones.
    let (mut order, mut term) = if odd { (0.5, 2.0 * half.sqrt() / SQRT_PI) } else { (0.0, 1.0) };
    let terms = degrees_of_freedom / 2;
    // The sum times e^(−half), where neither factor need be a number by itself.
    let mut left = half;
    let mut sum = 0.0;
    for _ in 0..terms {
        sum += term;
        order += 1.0;
        term *= half / order;
        if sum > 1e200 || term > 1e200 {
            let taken = left.min(400.0);
            let scale = libm::exp(-taken);
            sum *= scale;
            term *= scale;
            left -= taken;
        }
    }
    let tail = (sum * libm::exp(-left / 2.0)) * libm::exp(-left / 2.0);
    if odd { libm::erfc(half.sqrt()) + tail } else { tail }
}

/// Γ(a + 1/2) / Γ(a): shifted to large `a`, then the series of its logarithm (DLMF 5.11.8).
fn gamma_half_ratio(a: f64) -> f64 {
    let mut a = a;
    let mut factor = 1.0;
    while a < 30.0 {
        factor *= a / (a + 0.5);
        a += 1.0;
    }
    let r = 1.0 / a;
    let s = r * r;
    let series = r
        * (-1.0 / 8.0 + s * (1.0 / 192.0 + s * (-1.0 / 640.0 + s * (17.0 / 14336.0 - s * (31.0 / 18432.0)))));
    factor * a.sqrt() * libm::exp(series)
}

/// The continued fraction of I_x(a, b) · a · B(a, b) / (x^a (1−x)^b) (DLMF 8.17.22).
fn beta_fraction(a: f64, b: f64, x: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let nonzero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / nonzero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for m in 1..MAX_TERMS {
        let m = f64::from(m);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / nonzero(1.0 + even * d);
        c = nonzero(1.0 + even / c);
        fraction *= c * d;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / nonzero(1.0 + odd * d);
        c = nonzero(1.0 + odd / c);
        let delta = c * d;
        fraction *= delta;
        if (delta - 1.0).abs() < 1e-16 {
            break;
        }
    }
    fraction
}

/// I_x(a, 1/2) for large `a` and x near 1, given ln x (DiDonato & Morris 1992, eqs. 9 to 9.6 with b = 1/2).
fn beta_half_series(a: f64, ln_x: f64) -> f64 {
    const TERMS: usize = 12;
    const B: f64 = 0.5;
    let t = a - 0.25;
    let u = -t * ln_x;
    let h = libm::exp(-u) * u.sqrt() / SQRT_PI;
    if h == 0.0 {
        return 0.0;
    }
    // Multiplied by h from the start: J₀·h = Q(1/2, u) = erfc(√u).
    let scale = gamma_half_ratio(a) / t.sqrt();
    let quarter = 1.0 / (4.0 * t * t);
    let half_ln_squared = (0.5 * ln_x) * (0.5 * ln_x);
    let mut j = libm::erfc(u.sqrt());
    let mut power = h;
    let mut p = [0.0; TERMS];
    let mut inverse_odd_factorial = [1.0; TERMS];
    let mut sum = 0.0;
    for n in 0..TERMS {
        let nf = n as f64;
        if n == 0 {
            p[0] = 1.0;
        } else {
            inverse_odd_factorial[n] = inverse_odd_factorial[n - 1] / (2.0 * nf * (2.0 * nf + 1.0));
            let mixed: f64 = (1..n).map(|m| (m as f64 * B - nf) * p[n - m] * inverse_odd_factorial[m]).sum();
            p[n] = (B - 1.0) * inverse_odd_factorial[n] + mixed / nf;
        }
        let term = p[n] * j;
        sum += term;
        if term.abs() < 1e-17 * sum {
            break;
        }
        let b2n = B + 2.0 * nf;
        j = quarter * (b2n * (b2n + 1.0) * j + (u + b2n + 1.0) * power);
        power *= half_ln_squared;
    }
    scale * sum
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::testing::assert_close;

    // All reference values: mpmath 1.3.0 at 60 digits, on the exact double given.

    /// 498 values of `tails.tsv`, both tails down to p = 1e−300, 1 to 10⁹ degrees of freedom, whole or not.
    #[test]
    fn tails_and_quantiles_keep_twelve_digits() {
        const TOLERANCE: f64 = 1e-12;
        let mut off = Vec::new();
        let lines = include_str!("tails.tsv").lines().filter(|line| !line.starts_with('#'));
        for line in lines {
            let fields: Vec<&str> = line.split('\t').collect();
            let [function, degrees_of_freedom, at, expected] = fields[..] else { panic!("{line}") };
            let number = |text: &str| text.parse::<f64>().unwrap();
            let (at, expected) = (number(at), number(expected));
            let actual = match function {
                "normal_sf" => normal_sf(at),
                "normal_quantile_upper" => normal_quantile_upper(at),
                "student_t_sf" => student_t_sf(at, number(degrees_of_freedom)),
                "student_t_quantile_upper" => student_t_quantile_upper(at, number(degrees_of_freedom)),
                "chi_square_sf" => chi_square_sf(at, degrees_of_freedom.parse().unwrap()),
                other => panic!("{other}"),
            };
            let error = (actual / expected - 1.0).abs();
            if error.is_nan() || error > TOLERANCE {
                off.push(format!("{line}: {actual:e}, off by {error:e}"));
            }
        }
        assert!(off.is_empty(), "{}", off.join("\n"));
    }

    #[test]
    fn normal_tail_keeps_its_digits() {
        for (z, sf) in [
            (-3.0, 0.9986501019683699),
            (-0.3, 0.6179114221889527),
            (0.0, 0.5),
            (0.5, 0.3085375387259869),
            (1.959963984540054, 0.025000000000000012),
            (3.0, 0.0013498980316300946),
            (5.0, 2.866515718791939e-07),
            (8.5, 9.479534822203318e-18),
            (12.25, 8.399796063633417e-35),
            (20.0, 2.7536241186062337e-89),
            (30.0, 4.906713927148187e-198),
            (37.0, 5.725571222524577e-300),
        ] {
            assert_close(normal_sf(z), sf, 4e-13);
            assert_close(normal_cdf(-z), sf, 4e-13);
            assert_close(normal_two_sided(z), 2.0 * sf.min(1.0 - sf), 4e-13);
        }
    }

    #[test]
    fn normal_quantile_inverts_both_tails() {
        for (q, z) in [
            (0.4999, 0.00025066283008800747),
            (0.4, 0.2533471031357997),
            (0.3, 0.5244005127080408),
            (0.1, 1.2815515655446004),
            (0.075, 1.439531470938456),
            (0.025, 1.9599639845400543),
            (0.005, 2.575829303548901),
            (1e-4, 3.7190164854556804),
            (1e-9, 5.9978070150076865),
            (1e-20, 9.262340089798407),
            (1e-100, 21.273453560965326),
            (1e-300, 37.0470962993612),
        ] {
            // Near the middle the double next to q already moves z by 2e-16.
            assert_close(normal_quantile_upper(q), z, if q > 0.45 { 1e-12 } else { 2e-15 });
            assert_close(normal_quantile(q), -z, if q > 0.45 { 1e-12 } else { 2e-15 });
        }
        assert_eq!(normal_quantile(0.5), 0.0);
        assert_close(normal_quantile(0.8), 0.8416212335729144, 2e-15);
    }

    #[test]
    fn student_t_tail_keeps_its_digits() {
        for (degrees_of_freedom, t, p) in [
            (1.0, 0.1, 0.9365489651388929),
            (1.0, 1.0, 0.5),
            (1.0, 12.7, 0.05002432768934416),
            (1.0, 1e10, 6.366197723675813e-11),
            (1.0, 1e300, 6.366197723675813e-301),
            (1.5, 3.0, 0.13354775425491328),
            (2.0, 4.3, 0.05005715411709159),
            (3.7, 0.01, 0.9925369270118594),
            (5.0, 100.0, 1.8960014224623626e-09),
            (10.0, 2.228138851964939, 0.05000000000180863),
            (63.0, 0.5, 0.6188170898804156),
            (63.0, 1.9983405425207412, 0.05000000000000004),
            (63.0, 40.0, 1.6974279920901165e-46),
            (100.25, 0.001, 0.9992041027984103),
            (500.0, 35.0, 1.4840148511542453e-136),
            (999.0, 1.2, 0.2304238367441803),
            (1999.9, 8.25, 2.837206223324786e-16),
            (5000.0, 2.0, 0.045554259988293974),
            (9999.0, 37.0, 5.644892618950402e-281),
            (10000.0, 0.3, 0.7641833912293323),
            (10001.0, 1.7, 0.08916201961830662),
            (36671.15797736049, 5.300140358411657, 1.163814968225563e-07),
            (1e6, 1.96, 0.04999606758526979),
            (1e6, 37.0, 1.8299730861802262e-299),
            (1e9, 0.01, 0.9920212873727317),
            (1e9, 3.0, 0.0026997961297379157),
            (1e9, 36.5, 1.1094380540401644e-291),
            (1e12, 6.0, 1.9731752907498193e-09),
        ] {
            assert_close(student_t_two_sided(t, degrees_of_freedom), p, 1e-12);
            assert_close(student_t_two_sided(-t, degrees_of_freedom), p, 1e-12);
            assert_close(student_t_sf(t, degrees_of_freedom), p / 2.0, 1e-12);
        }
        assert_eq!(student_t_two_sided(0.0, 5.0), 1.0);
        assert_close(student_t_two_sided(3.0, f64::INFINITY), 0.0026997960632601866, 1e-14);
    }

    /// One and two degrees of freedom have closed forms.
    #[test]
    fn student_t_agrees_with_its_closed_forms() {
        for i in -60..60 {
            let t = libm::pow(10.0, f64::from(i) / 10.0);
            assert_close(student_t_two_sided(t, 1.0), 2.0 * libm::atan(1.0 / t) / PI, 1e-13);
            let s = (2.0 + t * t).sqrt();
            assert_close(student_t_two_sided(t, 2.0), 2.0 / (s * (s + t)), 1e-13);
        }
    }

    #[test]
    fn student_t_joins_where_the_method_changes() {
        for t in [1.0, 1.8, 3.0, 8.0, 20.0, 36.0] {
            let below = student_t_two_sided(t, MANY_DEGREES_OF_FREEDOM * (1.0 - 1e-15));
            assert_close(student_t_two_sided(t, MANY_DEGREES_OF_FREEDOM), below, 1e-12);
        }
    }

    #[test]
    fn student_t_quantile_inverts() {
        for (degrees_of_freedom, q, t) in [
            (1.0, 0.025, 12.706204736174705),
            (1.0, 1e-200, 3.183098861837907e+199),
            (2.0, 0.4, 0.2886751345948128),
            (3.3, 0.005, 5.34430606972108),
            (10.0, 0.025, 2.228138851986275),
            (63.0, 0.025, 1.9983405425207414),
            (63.0, 1e-12, 8.717510437562666),
            (63.0, 1e-300, 437454.049249563),
            (500.0, 0.025, 1.9647198374673678),
            (1000.0, 1e-30, 11.854333104084482),
        ] {
            assert_close(student_t_quantile_upper(q, degrees_of_freedom), t, 1e-13);
        }
        assert_eq!(student_t_quantile_upper(0.5, 7.0), 0.0);
        assert_close(student_t_quantile_upper(0.975, 10.0), -2.228138851986275, 1e-13);
        assert_close(student_t_quantile_upper(0.025, f64::INFINITY), 1.9599639845400543, 1e-14);
        assert_close(student_t_quantile_upper(0.025, 1e18), 1.9599639845400543, 1e-14);
    }

    #[test]
    fn chi_square_tail_keeps_its_digits() {
        for (degrees_of_freedom, x, p) in [
            (1, 0.001, 0.9747728793699604),
            (1, 0.20253125, 0.6526854051426555),
            (1, 3.841458820694124, 0.05000000000000006),
            (1, 37.0, 1.1812924646610723e-09),
            (1, 1300.0, 1.1303728441492743e-284),
            (2, 0.2, 0.9048374180359595),
            (2, 9.0, 0.011108996538242306),
            (2, 1380.0, 2.171738281389827e-300),
            (3, 7.5, 0.057558451972636406),
            (4, 1e-8, 1.0),
            (5, 60.0, 1.215456977718304e-11),
            (6, 1200.0, 4.786642678691315e-256),
            (9, 40.0, 7.598525229464276e-06),
            (10, 1300.0, 3.825653538395919e-273),
            (49, 20.0, 0.9999245464953185),
            (49, 700.0, 5.155631479826149e-116),
            (200, 150.0, 0.996647558501813),
            (201, 1500.0, 2.754138048331916e-197),
            (2000, 2500.0, 1.0740080231386176e-13),
            (2001, 4000.0, 9.689650603493494e-136),
        ] {
            assert_close(chi_square_sf(x, degrees_of_freedom), p, 1e-12);
        }
        assert_eq!(chi_square_sf(0.0, 3), 1.0);
    }
}
