//! `segment_conversion`: which customers convert more or less than the rest.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const SMALL: &str = "the count or its complement is 1 or 2";
const NO_REST: &str = "there is no rest to compare with, or a count is withheld";

/// Conversion of each segment against the rest.
pub static SPEC: TableSpec = TableSpec {
    name: "segment_conversion",
    grain: "One row per dimension, segment and target.",
    description: "Share of each segment's customers who reach a stage or conversion, compared with all \
                  customers outside the segment. Segments too small to show are merged into `(small)`.",
    keys: &["dimension", "segment", "target_kind", "target"],
    columns: &[
        C::text("dimension", "What customers are segmented by."),
        C::text("segment", "Value of the dimension; `(none)` without one, `(small)` for merged ones."),
        C::text("target_kind", "`stage` or `conversion`."),
        C::text("target", "Name of the stage or conversion."),
        C::count("customers", "Customers of the segment.").or_null(SMALL),
        C::count("converted", "Of them, those who reached the target in the window.").or_null(SMALL),
        C::figure("rate", Unit::Fraction, "`converted / customers`.").or_null(SMALL),
        C::bound("rate_low", Unit::Fraction, Interval::Wilson, "Lower 95 % bound of `rate`."),
        C::bound("rate_high", Unit::Fraction, Interval::Wilson, "Upper 95 % bound of `rate`."),
        C::figure("rest_rate", Unit::Fraction, "The rate of everybody outside the segment.").or_null(NO_REST),
        C::figure("difference", Unit::Fraction, "`rate − rest_rate`.").or_null(NO_REST),
        C::bound("difference_low", Unit::Fraction, Interval::Newcombe, "Lower 95 % bound of `difference`."),
        C::bound("difference_high", Unit::Fraction, Interval::Newcombe, "Upper 95 % bound of `difference`."),
        C::figure("relative_lift", Unit::Fraction, "`difference / rest_rate`.")
            .or_null("the rest never converts, or there is no rest"),
        C::figure("p_value", Unit::Fraction, "Two-proportion z-test, pooled, two-sided.").or_null(NO_REST),
        C::figure(
            "q_value",
            Unit::Fraction,
            "`p_value` after Benjamini–Hochberg over the rows of one dimension and target.",
        )
        .or_null("`p_value` is null"),
        C::figure(
            "median_hours_to_convert",
            Unit::Hours,
            "Median time from the customer's first row in the window to the target.",
        )
        .or_null("nobody converted, or a count is withheld"),
        C::figure("value_per_customer", Unit::Currency, "Value of the target over all customers.")
            .or_null("the target has no value, or a count is withheld"),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Dimensions in the configured order; segments by name; stages before conversions, each \
                      in the configured order",
    },
};
