//! What customers did before and after they were assigned.
//!
//! Where assignment is random, what was done before it is alike in all variants: if it isn't, assignment depends on
//! it, or is logged later in one variant than in another (Fabijan et al. 2019 name both as causes of a mismatch that
//! the split alone may not show).

use crate::analyses::Context;
use crate::analyses::experiments::population::Experiment;
use crate::analyses::experiments::sums::ExperimentCounts;
use crate::analyses::suppression::is_withheld;
use crate::stats::Reason;
use crate::stats::homogeneity::{Homogeneity, proportions_alike};

use super::{Check, MIN_EXPECTED, Status, exceeds, percent};

/// Above this share of customers without a row after assignment, ids may not match between the logs.
const INACTIVE_WARN_ABOVE: f64 = 0.5;
/// Below this p-value, what was done before assignment isn't alike in all variants.
const BEFORE_WARN_BELOW: f64 = 0.01;
/// Stands for a count of one or two customers, and for what would give it away.
const WITHHELD: &str = "withheld: too few customers";

/// `no_activity`, by planned variant: customers without a kept row at or after the assignment.
pub(super) fn none_after<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
) -> Vec<Check<'t>> {
    let rows = experiment.variants_by_name().into_iter().map(|at| {
        let (inactive, customers) = (counts.health.activity[at].none_after, counts.variants[at].customers());
        let is_shown = !is_withheld(inactive, customers, context.plan.segments.min_customers);
        let share = percent(inactive, customers, "without a row at or after assignment");
        let status = Status::warn_if(exceeds(inactive, customers, INACTIVE_WARN_ABOVE));
        Check {
            variant: &experiment.plan.weights[at].0,
            observed: is_shown.then_some(inactive as f64),
            detail: if is_shown { share } else { Some(WITHHELD.to_owned()) },
            ..Check::new(&experiment.plan.name, "no_activity", status)
        }
    });
    rows.collect()
}

/// `activity_before`, by planned variant: customers with a kept row before the assignment, and how many there would
/// be if their share were the same in all; all rows with the one p-value.
pub(super) fn before<'t>(
    context: &Context<'_>,
    experiment: &'t Experiment<'_>,
    counts: &ExperimentCounts,
) -> Vec<Check<'t>> {
    let activity = counts.health.activity.iter().zip(&counts.variants);
    let groups: Vec<(u64, u64)> =
        activity.map(|(activity, variant)| (activity.before, variant.customers())).collect();
    let customers: u64 = groups.iter().map(|(_, customers)| customers).sum();
    let active = groups.iter().map(|(before, _)| before).sum::<u64>();
    let share = active as f64 / customers.max(1) as f64;
    // Their sum is known from what is expected: one hidden count hides them all.
    let is_shown = !groups
        .iter()
        .any(|(before, customers)| is_withheld(*before, *customers, context.plan.segments.min_customers));
    let test = alike(&groups, share);
    let rows = experiment.variants_by_name().into_iter().map(|at| {
        let (before, own) = groups[at];
        let status = Status::warn_if(test.is_ok_and(|test| test.p_value < BEFORE_WARN_BELOW));
        let check = Check {
            variant: &experiment.plan.weights[at].0,
            ..Check::new(&experiment.plan.name, "activity_before", status)
        };
        if !is_shown {
            return Check { detail: Some(WITHHELD.to_owned()), ..check };
        }
        let mut detail = percent(before, own, "with a row before assignment");
        if let (Some(detail), Err(reason)) = (&mut detail, test) {
            detail.push_str(&format!("; can't be tested: {reason}"));
        }
        Check {
            expected: Some((own as f64 * active as f64) / customers.max(1) as f64),
            observed: Some(before as f64),
            p_value: test.ok().map(|test| test.p_value),
            detail,
            ..check
        }
    });
    rows.collect()
}

/// The test that a share is the same in all groups, where each expects [`MIN_EXPECTED`] customers with and without.
fn alike(groups: &[(u64, u64)], share: f64) -> Result<Homogeneity, Reason> {
    let test = proportions_alike(groups)?;
    let too_few = |customers: u64| customers > 0 && customers as f64 * share.min(1.0 - share) < MIN_EXPECTED;
    if groups.iter().any(|(_, customers)| too_few(*customers)) {
        return Err(Reason::TooFew);
    }
    Ok(test)
}
