//! `journey_paths`: the ways that customers took.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const NO_RATE: &str =
    "journeys that don't convert are not kept, there is no journey, or the row is `(unattributed)`";

/// Paths with their conversion rate.
pub static SPEC: TableSpec = TableSpec {
    name: "journey_paths",
    grain: "One row per path of channels: the 1,000 with most journeys, `(other)` and `(unattributed)`.",
    description: "Paths to the conversion of `roi.primary`, and paths that didn't reach it, as attribution builds \
                  them. A path of more than 8 touches (6 with a thousand channels, fewer where a 64th of the \
                  customers takes more than 20,000 different paths) is counted by its last ones, as \
                  `… > Search > Email`.",
    keys: &["path"],
    columns: &[
        C::text(
            "path",
            "Channels of the touches, oldest first, as `Search > Email`, merged as `attribution.path` says; `(other)`: \
             all paths without a row; `(unattributed)`: no touch in reach. A channel with `>` or `\"` in its name \
             is quoted.",
        ),
        C::count("journeys", "Paths that took this way: one for each conversion, and one without at most."),
        C::count(
            "conversions",
            "Of them, those that ended in the conversion in the window, refunded or not.",
        ),
        C::figure("conversion_rate", Unit::Fraction, "`conversions / journeys`.").or_null(NO_RATE),
        C::bound(
            "conversion_rate_low",
            Unit::Fraction,
            Interval::JackknifeLogit,
            "Lower 95 % bound of `conversion_rate`.",
        ),
        C::bound(
            "conversion_rate_high",
            Unit::Fraction,
            Interval::JackknifeLogit,
            "Upper 95 % bound of `conversion_rate`.",
        ),
        C::figure("value", Unit::Currency, "Value of the conversions, less what was refunded in the window.")
            .or_null("the conversion has no value"),
        C::figure(
            "median_touches",
            Unit::Count,
            "Median number of touches on a path, before any are merged.",
        )
        .or_null("no journey, only a refund"),
        C::figure("median_hours", Unit::Hours, "Median time from the first touch to the conversion.")
            .or_null("nothing converted with a touch in reach"),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 0,
        description: "By journeys, most first, ties by the names of the channels from the last one back; \
                      `(other)` and `(unattributed)` at the end",
    },
};
