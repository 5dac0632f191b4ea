//! `stage_funnel`: how many customers reach each stage and go on.

use super::spec::{ColumnSpec as C, Interval, RowOrder, TableSpec, Unit};

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
        C::index("stage_index", "Place of the stage, from 1."),
        C::text("stage", "Name of the stage."),
        C::count("entered", "Customers who entered the stage in the window."),
        C::count("progressed", "Of them, those who entered the next stage.").or_null(LAST),
        C::figure("progress_rate", Unit::Fraction, "`progressed / (progressed + dropped)`.")
            .or_null("the last stage, or nobody's time is over"),
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
            .or_null("nobody entered the first stage"),
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
        C::count("entries_without_previous", "Entries by customers who never entered the stage before."),
    ],
    order: RowOrder::ByKeys,
};
