//! `stage_funnel`: how many customers reach each stage and go on.

use super::funnel_columns::{
    DROPPED, ENTRIES_WITHOUT_PREVIOUS, IMMATURE, MEDIAN_HOURS, MEDIAN_HOURS_HIGH, MEDIAN_HOURS_LOW,
    P90_HOURS, P90_HOURS_HIGH, P90_HOURS_LOW, PROGRESS_RATE, PROGRESS_RATE_HIGH, PROGRESS_RATE_LOW,
    PROGRESSED, SHARE_OF_FIRST, STAGE, STAGE_INDEX,
};
use super::spec::{ColumnSpec as C, RowOrder, TableSpec};

const LAST: &str = "the last stage";
const NOBODY: &str = "the last stage, or nobody progressed";

/// Entries, progress and drop-off by stage.
pub static SPEC: TableSpec = TableSpec {
    name: "stage_funnel",
    grain: "One row per stage.",
    description: "How many customers enter each stage, go on to the next and drop off. \
                  `entered = progressed + dropped + immature`. The counts are of the whole, and shown \
                  however small.",
    keys: &["stage_index", "stage"],
    columns: &[
        STAGE_INDEX,
        STAGE,
        C::count("entered", "Customers who entered the stage in the window."),
        PROGRESSED.or_null(LAST),
        PROGRESS_RATE.or_null("the last stage, or nobody's time is over"),
        PROGRESS_RATE_LOW,
        PROGRESS_RATE_HIGH,
        DROPPED.or_null(LAST),
        IMMATURE.or_null(LAST),
        SHARE_OF_FIRST.or_null("nobody entered the first stage"),
        MEDIAN_HOURS.or_null(NOBODY),
        MEDIAN_HOURS_LOW,
        MEDIAN_HOURS_HIGH,
        P90_HOURS.or_null(NOBODY),
        P90_HOURS_LOW,
        P90_HOURS_HIGH,
        ENTRIES_WITHOUT_PREVIOUS,
    ],
    order: RowOrder::ByKeys,
};
