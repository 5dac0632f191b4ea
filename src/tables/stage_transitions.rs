//! `stage_transitions`: which stage follows which.

use super::spec::{ColumnSpec as C, Interval, RowOrder, TableSpec, Unit};

const WITHHELD: &str = "one or two customers did it, or it would give away another step that one or two did";
const ENDS: &str = "from `(start)` and to `(exit)`, or too few customers did it to show";

/// Consecutive stages of customers, with start and exit.
pub static SPEC: TableSpec = TableSpec {
    name: "stage_transitions",
    grain: "One row per pair of consecutive stages, with `(start)` and `(exit)`.",
    description: "How customers move between stages, repeats and steps back included. Steps of one or two customers are \
                  withheld.",
    keys: &["from_stage", "to_stage"],
    columns: &[
        C::text("from_stage", "Stage of the earlier row, or `(start)`."),
        C::text("to_stage", "Stage of the next row with a stage, or `(exit)`."),
        C::count("transitions", "How often this happened.").or_null(WITHHELD),
        C::count("customers", "Customers to whom it happened.").or_null(WITHHELD),
        C::figure("probability", Unit::Fraction, "Share of the transitions from `from_stage`.")
            .or_null(WITHHELD),
        C::bound(
            "probability_low",
            Unit::Fraction,
            Interval::JackknifeLogit,
            "Lower 95 % bound of `probability`.",
        ),
        C::bound(
            "probability_high",
            Unit::Fraction,
            Interval::JackknifeLogit,
            "Upper 95 % bound of `probability`.",
        ),
        C::figure("median_hours", Unit::Hours, "Median time between the two rows.").or_null(ENDS),
        C::bound("median_hours_low", Unit::Hours, Interval::Woodruff, "Lower 95 % bound of `median_hours`."),
        C::bound("median_hours_high", Unit::Hours, Interval::Woodruff, "Upper 95 % bound of `median_hours`."),
        C::figure("p90_hours", Unit::Hours, "90th percentile of that time.").or_null(ENDS),
        C::bound("p90_hours_low", Unit::Hours, Interval::Woodruff, "Lower 95 % bound of `p90_hours`."),
        C::bound("p90_hours_high", Unit::Hours, Interval::Woodruff, "Upper 95 % bound of `p90_hours`."),
    ],
    order: RowOrder::Given {
        grouped_by: 1,
        description: "`(start)` first, then the stages in the configured order, `(exit)` last; within it the \
                      same",
    },
};
