//! What to make of a row that decides.

use crate::config::plan::{ExperimentPlan, MetricPlan};
use crate::stats::Interval;

use super::effect::Reading;

/// What to make of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The variant is better.
    Win,
    /// The variant is worse.
    Lose,
    /// There is no difference worth having; of a guardrail: it holds.
    Flat,
    /// Nothing can be said yet.
    Undecided,
    /// A check failed.
    Invalid,
}

impl Verdict {
    /// As the table has it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Verdict::Win => "win",
            Verdict::Lose => "lose",
            Verdict::Flat => "flat",
            Verdict::Undecided => "undecided",
            Verdict::Invalid => "invalid",
        }
    }

    /// Of a goal, in an experiment whose checks hold: `win` or `lose` where the corrected p of the decision is at
    /// most alpha, by the metric's good direction; `flat` where the interval of the decision lies within
    /// ± `flat_within` · |control mean|; else `undecided`, also without figures.
    pub(super) fn of_goal(
        plan: &ExperimentPlan,
        metric: &MetricPlan,
        reading: &Reading,
        q_value: Option<f64>,
        control_mean: Option<f64>,
    ) -> Verdict {
        let (Some(q_value), Some(difference), Some(interval)) =
            (q_value, reading.difference, reading.decision_interval)
        else {
            return Verdict::Undecided;
        };
        if q_value <= plan.alpha {
            return if (difference > 0.0) == metric.good_up { Verdict::Win } else { Verdict::Lose };
        }
        let is_flat =
            margin(plan, control_mean).is_some_and(|margin| interval.within(&Interval::around(0.0, margin)));
        if is_flat { Verdict::Flat } else { Verdict::Undecided }
    }

    /// Of a guardrail, in an experiment whose checks hold: `lose` where it is harmed at alpha, without correction
    /// for other metrics, because a guardrail that is missed costs more than a false alarm; `flat` where the harmful
    /// bound of the decision's interval lies within the margin; never `win`.
    pub(super) fn of_guardrail(
        plan: &ExperimentPlan,
        metric: &MetricPlan,
        reading: &Reading,
        control_mean: Option<f64>,
    ) -> Verdict {
        let (Some(p_value), Some(difference), Some(interval)) =
            (reading.decision_p, reading.difference, reading.decision_interval)
        else {
            return Verdict::Undecided;
        };
        let is_harmed = difference != 0.0 && (difference < 0.0) == metric.good_up;
        if is_harmed && p_value <= plan.alpha {
            return Verdict::Lose;
        }
        let harm = if metric.good_up { -interval.low } else { interval.high };
        let holds = margin(plan, control_mean).is_some_and(|margin| harm <= margin);
        if holds { Verdict::Flat } else { Verdict::Undecided }
    }
}

/// So large a difference isn't worth having, in units.
fn margin(plan: &ExperimentPlan, control_mean: Option<f64>) -> Option<f64> {
    Some(plan.flat_within? * control_mean?.abs())
}
