//! The arms of a metric: sums, capped, and what they are in units.

use crate::config::plan::{Cap, MetricKind, MetricPlan};
use crate::stats::capping::percentile_cap;
use crate::stats::quantile_effect::Distribution;
use crate::stats::{Arm, Cuped, Joint, Reason, cuped, difference_of_means, ratio};

use super::sums::{MetricSums, Paired};

/// How the sums of a metric become figures.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure<'t> {
    pub(super) metric: &'t MetricPlan,
    /// Integers per unit of what is summed: of a ratio of its numerator, then of its denominator.
    per_unit: [i64; 2],
    /// Nobody counts more, where that is known only now.
    percentile_cap: Option<i64>,
}

/// What was measured of the customers of an arm: so many figures of each, of ratios so many.
#[derive(Debug, Clone)]
pub(super) enum Measurement<const ONE: usize, const RATIO: usize> {
    /// Of a proportion or mean.
    Mean(Joint<ONE>),
    /// Of a ratio: numerator and denominator, both since the exposure before both before it.
    Ratio(Box<Joint<RATIO>>),
    /// Of a quantile: figures since the exposure.
    Quantile(Distribution),
}

/// Since the exposure, of all customers of an arm or those of a segment.
pub(super) type Measured = Measurement<1, 2>;
/// Since the exposure, and before.
pub(super) type MeasuredPaired = Measurement<2, 4>;

impl MeasuredPaired {
    /// Since the exposure.
    pub(super) fn since(&self) -> Measured {
        match self {
            Measurement::Mean(joint) => Measurement::Mean(joint.leading()),
            Measurement::Ratio(joint) => Measurement::Ratio(Box::new(joint.leading())),
            Measurement::Quantile(distribution) => Measurement::Quantile(distribution.clone()),
        }
    }
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
    pub(super) fn new(metric: &'t MetricPlan, minor_per_unit: i64, arms: &[Paired]) -> Self {
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
    pub(super) fn measured<const ONE: usize, const RATIO: usize>(
        &self,
        sums: MetricSums<ONE, RATIO>,
    ) -> Measurement<ONE, RATIO> {
        let cap = self.percentile_cap.unwrap_or(i64::MAX);
        match sums {
            MetricSums::Mean(joint) => Measurement::Mean(joint),
            MetricSums::CappedMean(bins) => Measurement::Mean(bins.capped(cap)),
            MetricSums::Ratio(joint) => Measurement::Ratio(joint),
            MetricSums::CappedRatio(bins) => Measurement::Ratio(Box::new(bins.capped(cap))),
            MetricSums::Quantile(distribution) => Measurement::Quantile(distribution),
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
            (Measured::Ratio(joint), _) => ratio::arm(joint, [numerator, denominator]),
            (Measured::Quantile(distribution), MetricKind::Quantile { share, .. }) => {
                distribution.arm(share, numerator)
            }
            (Measured::Quantile(_), _) => Err(Reason::Undefined),
        }
    }

    /// Control and variant, adjusted by the figures of before. None for a kind that can't be.
    pub(super) fn cuped(&self, [control, variant]: [&MeasuredPaired; 2]) -> Option<Result<Cuped, Reason>> {
        let [numerator, denominator] = self.per_unit;
        match (control, variant) {
            (Measurement::Mean(control), Measurement::Mean(variant)) => {
                Some(cuped::adjust(control, variant, [numerator; 2]))
            }
            (Measurement::Ratio(control), Measurement::Ratio(variant)) => {
                let per_unit = [numerator, denominator, numerator, denominator];
                Some(ratio::adjust(control, variant, per_unit))
            }
            _ => None,
        }
    }
}
