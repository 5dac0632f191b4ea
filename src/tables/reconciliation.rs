//! `reconciliation`: that nothing was lost or counted twice.

use super::spec::{ColumnSpec as C, RowOrder, TableSpec, Unit};

/// What was booked against where it went.
pub static SPEC: TableSpec = TableSpec {
    name: "reconciliation",
    grain: "One row per ledger, item and model.",
    description: "What was booked against where it went. \
                  `difference = booked − credited − unattributed − excluded − refunds` is 0, or the run fails.",
    keys: &["ledger", "item", "model"],
    columns: &[
        C::text(
            "ledger",
            "`rows`, `credit` (conversions), `value`, `spend`, `spend_by_channel` or `refunds` (currency); \
             `credit_by_campaign` and `value_by_campaign` where there are rows of campaigns.",
        ),
        C::text("item", "The conversion, source or, of `spend_by_channel`, channel."),
        C::text("model", "Attribution model.")
            .or_null("ledgers without a model: `rows`, `refunds` and those of spend"),
        C::figure("booked", Unit::Ledger, "What the input holds."),
        C::figure("credited", Unit::Ledger, "What the tables show; of `refunds`, what found its order."),
        C::figure("unattributed", Unit::Ledger, "What has no touch, channel or order to go to."),
        C::figure("excluded", Unit::Ledger, "What was left out by rule or as unusable; part of `booked`."),
        C::figure("refunds", Unit::Ledger, "What was taken back."),
        C::figure("difference", Unit::Ledger, "What does not add up: always 0."),
    ],
    order: RowOrder::ByKeys,
};
