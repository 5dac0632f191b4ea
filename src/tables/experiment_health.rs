//! `experiment_health`: whether an experiment can be trusted.

use super::spec::{ColumnSpec as C, RowOrder, TableSpec, Unit};

/// Checks on assignments.
pub static SPEC: TableSpec = TableSpec {
    name: "experiment_health",
    grain: "One row per experiment, check and variant.",
    description: "Sample-ratio mismatch, double assignment, assignment without activity, immature customers. \
                  A failed check makes the experiment's verdicts `invalid`.",
    keys: &["experiment", "check", "variant"],
    columns: &[
        C::text("experiment", "Name of the experiment."),
        C::text("check", "Name of the check."),
        C::text("variant", "The variant; `(all)` for a check over all of them."),
        C::figure("expected", Unit::Count, "What a healthy experiment shows.")
            .or_null("the check expects nothing"),
        C::figure("observed", Unit::Count, "What was seen."),
        C::figure("p_value", Unit::Fraction, "Of the test, where the check is one.").or_null("not a test"),
        C::text("status", "`ok`, `warn` or `fail`."),
        C::text("detail", "One sentence for the reader.").or_null("nothing to say"),
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Experiments by name; checks in a fixed order; variants by name",
    },
};
