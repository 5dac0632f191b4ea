//! `channel_daily`: what a channel did, cost and earned on a day.

use super::spec::{ColumnSpec as C, NOTE, RowOrder, TableSpec, Unit};

const SMALL: &str = "customers of the row, or the others of its day, are 1 or 2";
const NO_CONVERSION: &str = "no conversion is configured";
const NO_VALUE: &str = "the conversion has no value, or none is configured";

/// Touches, spend and credit by local day.
pub static SPEC: TableSpec = TableSpec {
    name: "channel_daily",
    grain: "One row per local day and channel, where there is a touch, spend or credit.",
    description: "For time series: touches and spend by their own day, credit and value of the conversion of \
                  `roi.primary` by the conversion's. Over the days of a channel they sum to what \
                  `stage_attribution` shows for that conversion and model. Days are those of `job.timezone`.",
    keys: &["date", "channel"],
    columns: &[
        C::date("date", "Local day."),
        C::text(
            "channel",
            "Channel; `(none)` without one, `(unattributed)` for conversions without a touch.",
        ),
        C::count("touches", "Touches of the day, whether or not they led to something.").or_null(SMALL),
        C::count("customers", "Customers with such a touch.")
            .or_null("as `touches`, and in rows `(unattributed)`"),
        C::figure("spend", Unit::Currency, "Spend of the day.").or_null(
            "there is no spend input, the day began before the window, or the row is `(unattributed)`",
        ),
        C::figure(
            "last_touch_credit",
            Unit::Conversions,
            "Conversions of the day credited to the last touch.",
        )
        .or_null(NO_CONVERSION),
        C::figure("last_touch_value", Unit::Currency, "Their value, less what was refunded on the day.")
            .or_null(NO_VALUE),
        C::figure(
            "linear_credit",
            Unit::Conversions,
            "Conversions of the day credited equally to all touches.",
        )
        .or_null(NO_CONVERSION),
        C::figure("linear_value", Unit::Currency, "Their value, less what was refunded on the day.")
            .or_null(NO_VALUE),
        NOTE,
    ],
    order: RowOrder::ByKeys,
};
