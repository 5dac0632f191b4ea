//! `channel_roi`: what a channel costs and what it earns under each model.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const NO_INPUT: &str = "there is no spend input";
const NO_SPEND: &str = "no spend, or the target has no value";

/// Spend against credit and value.
pub static SPEC: TableSpec = TableSpec {
    name: "channel_roi",
    grain: "One row per conversion, model, level and channel or campaign.",
    description: "Return on advertising spend. Spend repeats on the rows of each conversion and model: sum it \
                  over rows with `primary` only. Figures are attributed, not proven incremental.",
    keys: &["conversion", "model", "level", "channel", "campaign"],
    columns: &[
        C::text("conversion", "Name of the conversion."),
        C::text("model", "Attribution model."),
        C::text("level", "`channel` or `campaign`: rows of one level add up, never rows of both."),
        C::text("channel", "Channel with touches or spend; `(none)` without one."),
        C::text("campaign", "Campaign; `(none)` without one.").or_null("rows of level `channel`"),
        C::flag("primary", "Whether spend may be summed over this row: one conversion, model and level."),
        C::figure("spend", Unit::Currency, "Spend in the window, by its own local date.").or_null(NO_INPUT),
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
        C::figure(
            "new_customers",
            Unit::Conversions,
            "Credited first-ever conversions: the first of the customer in the data read, so history makes fewer \
             of them. A refund takes none back. Under `markov`, and `shapley` on rates, they are shared in the proportions of the credit.",
        )
        .or_null("there is no spend input, or they are more than 0 and at most 2"),
        C::figure("customer_acquisition_cost", Unit::Currency, "`spend / new_customers`.")
            .or_null("no spend, no new customers, or too few to show"),
        C::index(
            "payback_months",
            "Months of 30 days until the margin on what a mean new customer of the conversion has brought covers \
             the `customer_acquisition_cost`; 0: the first conversion does. Means are over those of whom the month \
             was seen, at least 10, less refunds.",
        )
        .or_null("no acquisition cost, no value, or not paid back in the months that were seen"),
        C::figure("roas_previous", Unit::CurrencyRatio, "`roas` of the window before, which is as long.")
            .or_null("`roi.compare` is off, or one of the two windows has no spend or no value"),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 3,
        description: "Conversions in the configured order; models in their fixed order; channels before \
                      campaigns; by name",
    },
};
