//! `segment_funnel`: how each segment goes from stage to stage.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

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
        C::index("stage_index", "Place of the stage, from 1."),
        C::text("stage", "Name of the stage."),
        C::count("entered", "Customers of the segment who entered the stage in the window.")
            .or_null(WITHHELD),
        C::count("progressed", "Of them, those who entered the next stage.").or_null(LAST),
        C::figure("progress_rate", Unit::Fraction, "`progressed / (progressed + dropped)`.")
            .or_null("the last stage, nobody's time is over, or a count is withheld"),
        C::bound(
            "progress_rate_low",
            Unit::Fraction,
            Interval::Wilson,
            "Lower 95 % bound of `progress_rate`.",
        ),
        C::bound(
            "progress_rate_high",
            Unit::Fraction,
            Interval::Wilson,
            "Upper 95 % bound of `progress_rate`.",
        ),
        C::count("dropped", "Of them, those whose time to go on is over.").or_null(LAST),
        C::count("immature", "Of them, those who may still go on.").or_null(LAST),
        C::figure("share_of_first", Unit::Fraction, "`entered` over those who entered the first stage.")
            .or_null("nobody entered the first stage, or a count is withheld"),
        C::figure("median_hours_to_next", Unit::Hours, "Median time to the entry into the next stage.")
            .or_null(NOBODY),
        C::bound(
            "median_hours_to_next_low",
            Unit::Hours,
            Interval::OrderStatistic,
            "Lower 95 % bound of `median_hours_to_next`; from 6 who progressed on.",
        ),
        C::bound(
            "median_hours_to_next_high",
            Unit::Hours,
            Interval::OrderStatistic,
            "Upper 95 % bound of `median_hours_to_next`; from 6 who progressed on.",
        ),
        C::figure("p90_hours_to_next", Unit::Hours, "90th percentile of that time.").or_null(NOBODY),
        C::bound(
            "p90_hours_to_next_low",
            Unit::Hours,
            Interval::OrderStatistic,
            "Lower 95 % bound of `p90_hours_to_next`; from 36 who progressed on.",
        ),
        C::bound(
            "p90_hours_to_next_high",
            Unit::Hours,
            Interval::OrderStatistic,
            "Upper 95 % bound of `p90_hours_to_next`; from 36 who progressed on.",
        ),
        C::count("entries_without_previous", "Entries by customers who never entered the stage before.")
            .or_null(WITHHELD),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 2,
        description: "Dimensions in the configured order; segments by name; stages in the configured order",
    },
};
