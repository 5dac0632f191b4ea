//! `experiment_results`: what each variant did to each metric.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const UNDEFINED: &str = "not defined, `note` says why";

/// Variant against control, by metric and segment.
pub static SPEC: TableSpec = TableSpec {
    name: "experiment_results",
    grain: "One row per experiment, metric, variant, adjustment and segment.",
    description: "Each variant against the control. p-values, intervals and verdict refer to the absolute \
                  difference; bounds are at `1 − alpha` of the experiment.",
    keys: &["experiment", "metric", "variant", "adjustment", "dimension", "segment"],
    columns: &[
        C::text("experiment", "Name of the experiment."),
        C::text("metric", "Name of the metric."),
        C::text("variant", "The variant that is compared with the control."),
        C::text("adjustment", "`none`, or `cuped`: adjusted by what customers did before."),
        C::text("dimension", "What customers are segmented by; `all` for the whole."),
        C::text("segment", "Value of the dimension; `all` for the whole."),
        C::text("role", "`goal`, or `guardrail`: a metric that must not suffer."),
        C::text("control", "The variant compared with."),
        C::count("customers", "Customers of the variant that count.").or_null("withheld"),
        C::count("control_customers", "Customers of the control that count.").or_null("withheld"),
        C::figure("mean", Unit::Metric, "Mean per customer of the variant.").or_null(UNDEFINED),
        C::figure("control_mean", Unit::Metric, "Mean per customer of the control.").or_null(UNDEFINED),
        C::figure("difference", Unit::Metric, "`mean − control_mean`, after the adjustment.")
            .or_null(UNDEFINED),
        C::bound("difference_low", Unit::Metric, Interval::Welch, "Lower bound of `difference`."),
        C::bound("difference_high", Unit::Metric, Interval::Welch, "Upper bound of `difference`."),
        C::figure("relative_lift", Unit::Fraction, "`difference / |control_mean|`: descriptive.")
            .or_null(UNDEFINED),
        C::bound("relative_lift_low", Unit::Fraction, Interval::Delta, "Lower bound of `relative_lift`."),
        C::bound("relative_lift_high", Unit::Fraction, Interval::Delta, "Upper bound of `relative_lift`."),
        C::figure("p_value", Unit::Fraction, "Two-sided, of the absolute difference.").or_null(UNDEFINED),
        C::figure("q_value", Unit::Fraction, "`p_value` after correction for metrics and variants.")
            .or_null("the row decides nothing: segments, guardrails, the unadjusted twin; or no `p_value`"),
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
        C::text("verdict", "`win`, `lose`, `flat`, `undecided` or `invalid`.")
            .or_null("rows of a segment and the unadjusted twin of an adjusted row: they decide nothing"),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Experiments by name; goals before guardrails, each in the configured order; variants \
                      by name; `none` before `cuped`; the whole before segments",
    },
};
