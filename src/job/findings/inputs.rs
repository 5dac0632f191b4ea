//! What the inputs hold that can hardly be meant: ids that match nothing, conversions worth nothing.

use crate::analyses::reconciliation::CONVERSION_WITHOUT_VALUE;
use crate::config::plan::Plan;
use crate::job::quality::NOT_IN_CUSTOMERS;

use super::{Finding, Rows};

/// Warns where hardly anybody with touchpoints stands in the customers table.
pub(super) fn strangers(plan: &Plan, rows: &Rows<'_>) -> Option<Finding> {
    let found = |row: &usize| rows.text(*row, "check") == NOT_IN_CUSTOMERS && warns(rows, *row);
    let row = (0..rows.len()).find(found)?;
    let (customers, unknown) = (rows.number(row, "rows_checked")?, rows.number(row, "rows_failed")?);
    let column = plan.customers.as_ref().map_or("customer_id", |source| source.physical("customer_id"));
    Some(Finding {
        table: "data_quality",
        text: format!(
            "{} of {customers} customers with touchpoints stand in the customers table: its column `{column}` hardly holds \
             the ids of the touchpoints. Compare the two, also in their zeros, case and prefixes.",
            customers - unknown,
        ),
    })
}

/// Warns of the first conversion that takes its value from the data and is never worth anything.
pub(super) fn worthless(plan: &Plan, rows: &Rows<'_>) -> Option<Finding> {
    let conversion =
        |row: usize| rows.text(row, "check").strip_prefix(CONVERSION_WITHOUT_VALUE)?.strip_prefix(':');
    let (row, name) =
        (0..rows.len()).filter(|row| warns(rows, *row)).find_map(|row| Some((row, conversion(row)?)))?;
    let source = plan.touchpoints.first();
    let column = source.map_or("value", |source| source.physical("value"));
    Some(Finding {
        table: "data_quality",
        text: format!(
            "None of {} conversions of {name} has a value: `{column}` is null or 0 on each of them. Map another column as \
             `value`, or leave conversions.{name}.value out.",
            rows.number(row, "rows_checked")?,
        ),
    })
}

fn warns(rows: &Rows<'_>, row: usize) -> bool {
    rows.text(row, "status") == "warn"
}
