//! `channel_roi`: what a channel costs and what it earns under each model.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const NO_SPEND: &str = "no spend, or the target has no value";

/// Spend against credit and value.
pub static SPEC: TableSpec = TableSpec {
    name: "channel_roi",
    grain: "One row per conversion, model, level and channel or campaign.",
    description: "Return on advertising spend. Spend repeats on the rows of each conversion and model: sum it \
                  over rows with `primary` only.",
    keys: &["conversion", "model", "level", "channel", "campaign"],
    columns: &[
        C::text("conversion", "Name of the conversion."),
        C::text("model", "Attribution model."),
        C::text("level", "`channel` or `campaign`: rows of one level add up, never rows of both."),
        C::text("channel", "Channel with touches or spend; `(none)` without one."),
        C::text("campaign", "Campaign; `(none)` without one.").or_null("rows of level `channel`"),
        C::flag("primary", "Whether spend may be summed over this row."),
        C::figure("spend", Unit::Currency, "Spend in the window, by its own local date.")
            .or_null("there is no spend input"),
        C::count("impressions", "Impressions of the spend export.").or_null("not in the export"),
        C::count("clicks", "Clicks of the spend export.").or_null("not in the export"),
        C::figure("credit", Unit::Conversions, "Credited conversions.")
            .or_null("the model gives no figures, `note` says why"),
        C::figure("value", Unit::Currency, "Credited value.")
            .or_null("the conversion has no value, or the model gives no figures"),
        C::figure("roas", Unit::CurrencyRatio, "`value / spend`.").or_null(NO_SPEND),
        C::bound("roas_low", Unit::CurrencyRatio, Interval::JackknifeLog, "Lower 95 % bound of `roas`."),
        C::bound("roas_high", Unit::CurrencyRatio, Interval::JackknifeLog, "Upper 95 % bound of `roas`."),
        C::figure("roi", Unit::Fraction, "`(value × margin − spend) / spend`.").or_null(NO_SPEND),
        C::figure("cost_per_conversion", Unit::Currency, "`spend / credit`.")
            .or_null("no spend or no credit"),
        C::bound(
            "cost_per_conversion_low",
            Unit::Currency,
            Interval::JackknifeLog,
            "Lower 95 % bound of `cost_per_conversion`.",
        ),
        C::bound(
            "cost_per_conversion_high",
            Unit::Currency,
            Interval::JackknifeLog,
            "Upper 95 % bound of `cost_per_conversion`.",
        ),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 3,
        description: "Conversions in the configured order; models in their fixed order; channels before \
                      campaigns; by name",
    },
};
