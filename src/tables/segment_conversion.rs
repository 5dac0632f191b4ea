//! `segment_conversion`: which customers convert more or less than the rest.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const WITHHELD: &str = "the count or its complement is 1 or 2, or would give away another of the dimension";
const NO_REST: &str = "there is no rest to compare with, or a count is withheld";
const NOBODY: &str = "nobody converted, or a count is withheld";

/// Conversion of each segment against the rest.
pub static SPEC: TableSpec = TableSpec {
    name: "segment_conversion",
    grain: "One row per dimension, segment and target.",
    description: "Share of each segment's customers who reach a stage or conversion, compared with all \
                  customers outside the segment. Segments too small to show are merged into `(small)`, the same \
                  in every table. A count of 1 or 2 is withheld, and so are others from which it could be found, \
                  here and in `segment_funnel`. Totals of the whole are public: `stage_funnel` shows them. With \
                  `population = \"all\"` whoever isn't in the customers table is in `stage_funnel` and in no segment, so \
                  that segments can add up to less.",
    keys: &["dimension", "segment", "target_kind", "target"],
    columns: &[
        C::text("dimension", "What customers are segmented by."),
        C::text("segment", "Value of the dimension; `(none)` without one, `(small)` for merged ones."),
        C::text("target_kind", "`stage` or `conversion`."),
        C::text("target", "Name of the stage or conversion."),
        C::count("customers", "Customers of the segment."),
        C::count("converted", "Of them, those who reached the target in the window.").or_null(WITHHELD),
        C::figure("rate", Unit::Fraction, "`converted / customers`.").or_null(WITHHELD),
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
            "`p_value` after `segments.correction` (Benjamini–Hochberg by default) over the rows of one dimension and target.",
        )
        .or_null("`p_value` is null"),
        C::figure(
            "median_hours_to_convert",
            Unit::Hours,
            "Median time from the customer's first row in the window to the target.",
        )
        .or_null(NOBODY),
        C::bound(
            "median_hours_to_convert_low",
            Unit::Hours,
            Interval::OrderStatistic,
            "Lower 95 % bound of `median_hours_to_convert`; from 6 converted customers on.",
        ),
        C::bound(
            "median_hours_to_convert_high",
            Unit::Hours,
            Interval::OrderStatistic,
            "Upper 95 % bound of `median_hours_to_convert`; from 6 converted customers on.",
        ),
        C::figure("p90_hours_to_convert", Unit::Hours, "90th percentile of that time.").or_null(NOBODY),
        C::bound(
            "p90_hours_to_convert_low",
            Unit::Hours,
            Interval::OrderStatistic,
            "Lower 95 % bound of `p90_hours_to_convert`; from 36 converted customers on.",
        ),
        C::bound(
            "p90_hours_to_convert_high",
            Unit::Hours,
            Interval::OrderStatistic,
            "Upper 95 % bound of `p90_hours_to_convert`; from 36 converted customers on.",
        ),
        C::figure(
            "value_per_customer",
            Unit::Currency,
            "Value of the target over all customers, those who didn't convert among them.",
        )
        .or_null("the target has no value, or a count is withheld"),
        C::bound(
            "value_per_customer_low",
            Unit::Currency,
            Interval::Student,
            "Lower 95 % bound of `value_per_customer`; from 50 converted customers on, from 1,000 where the \
             coefficient of variation of their values is above 2.",
        ),
        C::bound(
            "value_per_customer_high",
            Unit::Currency,
            Interval::Student,
            "Upper 95 % bound of `value_per_customer`, from as many.",
        ),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Dimensions in the configured order; segments by name; stages before conversions, each \
                      in the configured order",
    },
};
