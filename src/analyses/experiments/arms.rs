//! The arms of a metric: sums, capped, and what they are in units.

use crate::config::plan::{Cap, MetricKind, MetricPlan};
use crate::stats::capping::percentile_cap;
use crate::stats::quantile_effect::Distribution;
use crate::stats::{Arm, Cuped, Joint, Reason, cuped, difference_of_means, ratio};

use super::sums::MetricSums;

/// How the sums of a metric become figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure<'t> {
    pub(super) metric: &'t MetricPlan,
    /// Integers per unit of what is summed: of a ratio of its numerator, then of its denominator.
    per_unit: [i64; 2],
    /// Nobody counts more, where that is known only now.
    percentile_cap: Option<i64>,
}

/// What was measured of the customers of an arm, all of them or those of a segment.
#[derive(Debug, Clone)]
pub(super) enum Measured {
    /// Of a proportion or mean: figures since the exposure, and before.
    Mean(Joint<2>),
    /// Of a ratio: numerator and denominator since the exposure, then both before.
    Ratio(Box<Joint<4>>),
    /// Of a quantile.
    Quantile(Distribution),
}

impl Measured {
    /// Customers of the arm.
    pub(super) fn customers(&self) -> u64 {
        match self {
            Measured::Mean(joint) => joint.n,
            Measured::Ratio(joint) => joint.n,
            Measured::Quantile(distribution) => distribution.count(),
        }
    }

    /// Rows or customers, of a sum of them: 0 for the first.
    pub(super) fn count(&self, place: usize) -> u64 {
        let sum = match self {
            Measured::Mean(joint) => joint.sums.get(place),
            Measured::Ratio(joint) => joint.sums.get(place),
            Measured::Quantile(_) => None,
        };
        sum.and_then(|sum| u64::try_from(*sum).ok()).unwrap_or(0)
    }

    /// All but those of a segment of the same arm. None where it isn't one.
    pub(super) fn without(&self, part: &Measured) -> Option<Measured> {
        match (self, part) {
            (Measured::Mean(own), Measured::Mean(part)) => own.without(part).map(Measured::Mean),
            (Measured::Ratio(own), Measured::Ratio(part)) => {
                own.without(part).map(|rest| Measured::Ratio(Box::new(rest)))
            }
            (Measured::Quantile(own), Measured::Quantile(part)) => own.without(part).map(Measured::Quantile),
            _ => None,
        }
    }
}

impl<'t> Measure<'t> {
    /// Of a metric, given the sums of all arms: a percentile is that of all analysed customers together.
    pub(super) fn new(metric: &'t MetricPlan, minor_per_unit: i64, arms: &[MetricSums]) -> Self {
        let per_unit = match metric.kind {
            MetricKind::Proportion(_) => [1, 1],
            MetricKind::Mean(quantity) | MetricKind::Quantile { of: quantity, .. } => {
                [quantity.per_unit(minor_per_unit), 1]
            }
            MetricKind::Ratio { numerator, denominator } => {
                [numerator, denominator].map(|quantity| quantity.per_unit(minor_per_unit))
            }
        };
        let percentile_cap = match metric.cap {
            Some(Cap::Percentile(level)) => {
                let means = arms.iter().filter_map(|arm| match arm {
                    MetricSums::CappedMean(bins) => Some(&**bins),
                    _ => None,
                });
                let ratios = arms.iter().filter_map(|arm| match arm {
                    MetricSums::CappedRatio(bins) => Some(&**bins),
                    _ => None,
                });
                percentile_cap(means, level).or_else(|| percentile_cap(ratios, level))
            }
            Some(Cap::Amount(_)) | None => None,
        };
        Self { metric, per_unit, percentile_cap }
    }

    /// The cap that a percentile has turned out to be, in units.
    pub(super) fn percentile_cap(&self) -> Option<f64> {
        self.percentile_cap.map(|cap| cap as f64 / self.per_unit[0] as f64)
    }

    /// What the sums of an arm are once they are capped.
    pub(super) fn measured(&self, sums: MetricSums) -> Measured {
        let cap = self.percentile_cap.unwrap_or(i64::MAX);
        match sums {
            MetricSums::Mean(joint) => Measured::Mean(joint),
            MetricSums::CappedMean(bins) => Measured::Mean(bins.capped(cap)),
            MetricSums::Ratio(joint) => Measured::Ratio(joint),
            MetricSums::CappedRatio(bins) => Measured::Ratio(Box::new(bins.capped(cap))),
            MetricSums::Quantile(distribution) => Measured::Quantile(distribution),
        }
    }

    /// The figure of an arm, also where its spread isn't defined.
    pub(super) fn mean(&self, measured: &Measured) -> Option<f64> {
        let [numerator, denominator] = self.per_unit;
        match (measured, self.metric.kind) {
            (Measured::Mean(joint), _) => joint.mean(0, numerator),
            (Measured::Ratio(joint), _) => {
                let below = joint.mean(1, denominator).filter(|below| *below != 0.0)?;
                joint.mean(0, numerator).map(|above| above / below)
            }
            (Measured::Quantile(distribution), MetricKind::Quantile { share, .. }) => {
                distribution.quantile(share).map(|at| at / numerator as f64)
            }
            (Measured::Quantile(_), _) => None,
        }
    }

    /// The figure of one arm less that of another, divided once; None where it is no quotient of two integers.
    pub(super) fn difference(&self, variant: &Measured, control: &Measured) -> Option<f64> {
        let [numerator, _] = self.per_unit;
        match (variant, control, self.metric.kind) {
            (Measured::Mean(variant), Measured::Mean(control), _) => {
                let [variant, control] = [variant, control].map(|joint| (joint.sums[0], joint.n));
                difference_of_means(variant, control, numerator)
            }
            (
                Measured::Quantile(variant),
                Measured::Quantile(control),
                MetricKind::Quantile { share, .. },
            ) => Some((variant.quantile(share)? - control.quantile(share)?) / numerator as f64),
            _ => None,
        }
    }

    /// The arm as it is compared. A proportion's variance is p(1 − p).
    pub(super) fn arm(&self, measured: &Measured) -> Result<Arm, Reason> {
        let [numerator, denominator] = self.per_unit;
        match (measured, self.metric.kind) {
            (Measured::Mean(joint), MetricKind::Proportion(_)) => {
                let successes = u64::try_from(joint.sums[0]).map_err(|_| Reason::Undefined)?;
                Arm::of_proportion(successes, joint.n)
            }
            (Measured::Mean(joint), _) => joint.arm(0, numerator),
            (Measured::Ratio(joint), _) => ratio::arm(&since_exposure(joint), [numerator, denominator]),
            (Measured::Quantile(distribution), MetricKind::Quantile { share, .. }) => {
                distribution.arm(share, numerator)
            }
            (Measured::Quantile(_), _) => Err(Reason::Undefined),
        }
    }

    /// Control and variant, adjusted by the figures of before. None for a kind that can't be.
    pub(super) fn cuped(&self, control: &Measured, variant: &Measured) -> Option<Result<Cuped, Reason>> {
        let [numerator, denominator] = self.per_unit;
        match (control, variant) {
            (Measured::Mean(control), Measured::Mean(variant)) => {
                Some(cuped::adjust(control, variant, [numerator; 2]))
            }
            (Measured::Ratio(control), Measured::Ratio(variant)) => {
                let per_unit = [numerator, denominator, numerator, denominator];
                Some(ratio::adjust(control, variant, per_unit))
            }
            _ => None,
        }
    }
}

/// Numerator and denominator since the exposure.
fn since_exposure(joint: &Joint<4>) -> Joint<2> {
    let [numerator, denominator, ..] = joint.sums;
    let product = |i: usize, j: usize| joint.products[i][j];
    Joint {
        n: joint.n,
        sums: [numerator, denominator],
        products: [[product(0, 0), product(0, 1)], [0, product(1, 1)]],
    }
}
