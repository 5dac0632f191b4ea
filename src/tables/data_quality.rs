//! `data_quality`: what the data contract found.

use super::spec::{ColumnSpec as C, RowOrder, TableSpec, Unit};

/// Checks on the inputs.
pub static SPEC: TableSpec = TableSpec {
    name: "data_quality",
    grain: "One row per input table, check and column.",
    description: "How many rows each rule of the data contract looked at and how many broke it. What is about a rule or a \
                  column and not about rows counts as one: `unknown_column`, a column that is neither mapped nor used \
                  (`touchline check` names its files), what ends in `_matches_nothing` or `_match_nothing`, and \
                  `direct_under_another_name`, a channel with the letters of one in `channels.direct`, which \
                  `last_non_direct` takes for another. `late_row` and \
                  `future_row`: came on a later or an earlier day than their own, by the folder of their file. \
                  `unknown_event`: rows whose event no stage, conversion, refund, touch or behaviour names. \
                  `duplicates_not_looked_for`: no source has `event_id`, by which `contract.dedupe` tells copies. Some look at \
                  other things than rows: `not_in_customers` at customers with touchpoints, who should stand in the customers \
                  table, as its rows should have touchpoints (`without_touchpoints`): both `warn` where fewer than one in \
                  a hundred of the smaller side match. `conversion_without_value` looks at conversions that take their \
                  value from the data; `warn` where none is worth anything.",
    keys: &["table", "check", "column"],
    columns: &[
        C::text("table", "Input table."),
        C::text("check", "Name of the rule; after a colon, what it is about."),
        C::text("column", "Logical column; of `unknown_column` its name in the files.")
            .or_null("the rule is about whole rows"),
        C::count("rows_checked", "Rows the rule looked at."),
        C::count("rows_failed", "Rows that broke it."),
        C::figure("share", Unit::Fraction, "`rows_failed / rows_checked`.").or_null("no rows were checked"),
        C::text("status", "`ok`, `warn` or `fail`."),
    ],
    order: RowOrder::ByKeys,
};
