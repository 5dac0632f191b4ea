//! Pure statistics on sufficient statistics: no Polars, files, clocks, threads or global randomness.
//!
//! Floating point begins here, on integers that were summed exactly; transcendental functions come from
//! `libm`, not from the platform, so that another machine gives the same bytes. What is not defined is
//! `None` or a [`Reason`], never 0 or NaN.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that can't go on should stop"))]

pub mod bayes;
pub mod capping;
pub mod coarse;
pub mod cuped;
pub mod estimate;
pub mod histogram;
pub mod homogeneity;
pub mod interval;
pub mod jackknife;
pub mod joint;
pub mod moments;
pub mod multiplicity;
pub mod power;
pub mod proportion;
pub mod quantile;
pub mod quantile_effect;
pub mod rank;
pub mod ratio;
pub mod reason;
pub mod sequential;
#[cfg(test)]
mod simulation;
pub mod special;
pub mod srm;
pub mod welch;
mod wide;

pub use bayes::{Posterior, Prior};
pub use capping::Binned;
pub use coarse::CoarseHistogram;
pub use cuped::Cuped;
pub use estimate::Estimate;
pub use histogram::{BinIndex, Histogram};
pub use homogeneity::Homogeneity;
pub use interval::Interval;
pub use jackknife::{BUCKETS, Scale};
pub use joint::Joint;
pub use moments::Moments;
pub use rank::{RankDraws, Ranked, SplitMix64};
pub use reason::Reason;
pub use sequential::ConfidenceSequence;
pub use srm::{SampleRatio, SampleRatioStatus};
pub use welch::{Arm, Lift};
pub use wide::difference_of_means;

#[cfg(test)]
pub(crate) mod testing {
    /// Asserts that two numbers agree to a relative tolerance.
    #[track_caller]
    pub(crate) fn assert_close(actual: f64, expected: f64, relative: f64) {
        let error = (actual - expected).abs();
        assert!(
            error <= relative * expected.abs() || actual == expected,
            "{actual:e} is not within {relative:e} of {expected:e} (off by {:e})",
            error / expected.abs()
        );
    }

    /// Asserts that two numbers agree to an absolute tolerance: half a unit of the last published digit.
    #[track_caller]
    pub(crate) fn assert_near(actual: f64, expected: f64, absolute: f64) {
        assert!((actual - expected).abs() <= absolute, "{actual} is not within {absolute} of {expected}");
    }
}
