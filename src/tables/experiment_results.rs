//! `experiment_results`: what each variant did to each metric.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const UNDEFINED: &str = "not defined, `note` says why";

/// Variant against control, by metric and segment.
pub static SPEC: TableSpec = TableSpec {
    name: "experiment_results",
    grain: "One row per experiment, metric, variant, adjustment and segment.",
    description: "Each variant against the control. p-values, intervals and verdict refer to the absolute \
                  difference; bounds are at `1 − alpha` of the experiment. Customers count from their first \
                  exposure, those without a row with zero. Of a metric and variant one row decides: that of all \
                  customers, adjusted where that is possible.",
    keys: &["experiment", "metric", "variant", "adjustment", "dimension", "segment"],
    columns: &[
        C::text("experiment", "Name of the experiment."),
        C::text("metric", "Name of the metric."),
        C::text("variant", "The variant that is compared with the control."),
        C::text("adjustment", "`none`, or `cuped`: adjusted by what customers did before."),
        C::text("dimension", "What customers are segmented by, as of their first exposure; `all` for the whole."),
        C::text("segment", "Value of the dimension; `all` for the whole."),
        C::text("role", "`goal`, or `guardrail`: a metric that must not suffer."),
        C::text("control", "The variant compared with."),
        C::count("customers", "Customers of the variant that count: their window of the metric is over.")
            .or_null("withheld"),
        C::count("control_customers", "Customers of the control that count.").or_null("withheld"),
        C::figure(
            "mean",
            Unit::Metric,
            "Of the variant: share, mean, ratio of sums or quantile of its customers. Adjusted: `control_mean` and \
             the adjusted difference.",
        )
        .or_null(UNDEFINED),
        C::figure("control_mean", Unit::Metric, "The same of the control, never adjusted.").or_null(UNDEFINED),
        C::figure("difference", Unit::Metric, "`mean − control_mean`, after the adjustment.")
            .or_null(UNDEFINED),
        C::bound("difference_low", Unit::Metric, Interval::Welch, "Lower bound of `difference`."),
        C::bound("difference_high", Unit::Metric, Interval::Welch, "Upper bound of `difference`."),
        C::figure("relative_lift", Unit::Fraction, "`difference / |control_mean|`: descriptive.")
            .or_null(UNDEFINED),
        C::bound("relative_lift_low", Unit::Fraction, Interval::Delta, "Lower bound of `relative_lift`."),
        C::bound("relative_lift_high", Unit::Fraction, Interval::Delta, "Upper bound of `relative_lift`."),
        C::figure("p_value", Unit::Fraction, "Two-sided, of the absolute difference.").or_null(UNDEFINED),
        C::figure(
            "q_value",
            Unit::Fraction,
            "The p-value of the decision after correction over the goals and variants of the experiment: `p_value`, \
             or in a sequential experiment that of the sequential interval, for metrics with a window.",
        )
        .or_null("the row decides nothing: segments, the unadjusted twin; guardrails, which aren't corrected; or no `p_value`"),
        C::bound(
            "sequential_low",
            Unit::Metric,
            Interval::ConfidenceSequence,
            "Lower bound of `difference` that stays valid however often one looks.",
        ),
        C::bound(
            "sequential_high",
            Unit::Metric,
            Interval::ConfidenceSequence,
            "Upper bound of `difference` that stays valid however often one looks.",
        ),
        C::figure("chance_to_win", Unit::Fraction, "Posterior probability that the variant is better.")
            .or_null(UNDEFINED),
        C::figure("expected_loss", Unit::Fraction, "Expected relative loss if the variant is chosen.")
            .or_null(UNDEFINED),
        C::figure(
            "minimum_detectable_lift",
            Unit::Fraction,
            "Relative lift that this many customers show with 80 % power.",
        )
        .or_null(UNDEFINED),
        C::count(
            "customers_needed",
            "Customers that both arms together still lack, in today's proportion, to show the lift that is sought \
             (`target_lift`) with 80 % power.",
        )
        .or_null("no lift is sought, or it can't be reached; rows of a segment; not defined"),
        C::figure(
            "interaction_p_value",
            Unit::Fraction,
            "Two-sided: whether the segment's absolute difference is that of all other customers.",
        )
        .or_null("rows of the whole; or not defined for the segment or the others"),
        C::figure(
            "interaction_q_value",
            Unit::Fraction,
            "`interaction_p_value` after Benjamini and Hochberg over all segments of the metric and variant.",
        )
        .or_null("no `interaction_p_value`"),
        C::text(
            "decided_by",
            "Which bounds the verdict goes by: `sequential` for `sequential_low` and `sequential_high`, which hold at \
             every look; `single_look` for `difference_low` and `difference_high`, which hold for one that was planned.",
        )
        .or_null("the row decides nothing, or has no figures to decide by"),
        C::text(
            "verdict",
            "`win`, `lose`, `flat`, `undecided` or `invalid`, the first that holds: `invalid` where a check failed, see \
             `experiment_health`; `win` or `lose` where `q_value` is at most alpha; `flat` where the interval of the \
             decision, sequential or not, lies within ± `flat_within` of the control's mean. A guardrail loses where it \
             is harmed at alpha without correction, is flat where the harmful bound lies within the margin, and never wins.",
        )
        .or_null("rows of a segment and the unadjusted twin of an adjusted row: they decide nothing"),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Experiments by name; goals before guardrails, each in the configured order; variants \
                      by name; `none` before `cuped`; the whole before segments",
    },
};
