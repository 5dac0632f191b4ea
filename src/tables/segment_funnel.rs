//! `segment_funnel`: how each segment goes from stage to stage.

use super::funnel_columns::{
    DROPPED, ENTRIES_WITHOUT_PREVIOUS, IMMATURE, MEDIAN_HOURS, MEDIAN_HOURS_HIGH, MEDIAN_HOURS_LOW,
    P90_HOURS, P90_HOURS_HIGH, P90_HOURS_LOW, PROGRESS_RATE, PROGRESS_RATE_HIGH, PROGRESS_RATE_LOW,
    PROGRESSED, SHARE_OF_FIRST, STAGE, STAGE_INDEX,
};
use super::spec::{ColumnSpec as C, NOTE, RowOrder, TableSpec};

const LAST: &str = "the last stage, or a count is withheld";
const NOBODY: &str = "the last stage, nobody progressed, or a count is withheld";
const WITHHELD: &str = "the count or its complement is 1 or 2, or would give away another of the dimension";

/// Entries, progress and drop-off by segment and stage.
pub static SPEC: TableSpec = TableSpec {
    name: "segment_funnel",
    grain: "One row per dimension, segment and stage.",
    description: "How many customers of a segment enter each stage, go on to the next and drop off: \
                  `stage_funnel` by segment, with the cells of `segment_conversion`. Where a count is 1 or 2, the \
                  segment is withheld from the stage on that it leads to, and so are others from which it could be \
                  found. Times are from the entry into the stage. With `population = \"all\"` customers who aren't in the \
                  customers table are in no segment, so that segments can add up to less than `stage_funnel`.",
    keys: &["dimension", "segment", "stage_index", "stage"],
    columns: &[
        C::text("dimension", "What customers are segmented by."),
        C::text("segment", "Value of the dimension; `(none)` without one, `(small)` for merged ones."),
        STAGE_INDEX,
        STAGE,
        C::count("entered", "Customers of the segment who entered the stage in the window.")
            .or_null(WITHHELD),
        PROGRESSED.or_null(LAST),
        PROGRESS_RATE.or_null("the last stage, nobody's time is over, or a count is withheld"),
        PROGRESS_RATE_LOW,
        PROGRESS_RATE_HIGH,
        DROPPED.or_null(LAST),
        IMMATURE.or_null(LAST),
        SHARE_OF_FIRST.or_null("nobody entered the first stage, or a count is withheld"),
        MEDIAN_HOURS.or_null(NOBODY),
        MEDIAN_HOURS_LOW,
        MEDIAN_HOURS_HIGH,
        P90_HOURS.or_null(NOBODY),
        P90_HOURS_LOW,
        P90_HOURS_HIGH,
        ENTRIES_WITHOUT_PREVIOUS.or_null(WITHHELD),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Dimensions in the configured order; segments by name; stages in the configured order",
    },
};
