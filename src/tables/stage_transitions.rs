//! `stage_transitions`: which stage follows which.

use super::spec::{ColumnSpec as C, RowOrder, TableSpec, Unit};

/// Consecutive stages of customers, with start and exit.
pub static SPEC: TableSpec = TableSpec {
    name: "stage_transitions",
    grain: "One row per pair of consecutive stages, with `(start)` and `(exit)`.",
    description: "How customers move between stages, repeats and steps back included.",
    keys: &["from_stage", "to_stage"],
    columns: &[
        C::text("from_stage", "Stage of the earlier row, or `(start)`."),
        C::text("to_stage", "Stage of the next row with a stage, or `(exit)`."),
        C::count("transitions", "How often this happened."),
        C::count("customers", "Customers to whom it happened."),
        C::figure("probability", Unit::Fraction, "Share of the transitions from `from_stage`."),
        C::figure("median_hours", Unit::Hours, "Median time between the two rows.")
            .or_null("from `(start)` and to `(exit)`"),
        C::figure("p90_hours", Unit::Hours, "90th percentile of that time.")
            .or_null("from `(start)` and to `(exit)`"),
    ],
    order: RowOrder::Given {
        grouped_by: 1,
        description: "`(start)` first, then the stages in the configured order, `(exit)` last; within it the \
                      same",
    },
};
