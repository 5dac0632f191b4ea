//! `stage_attribution`: which channel gets how much credit for which stage and conversion.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const NO_VALUE: &str = "the target has no value: stages, and conversions without one";

/// Credit and value by target, model and channel or campaign.
pub static SPEC: TableSpec = TableSpec {
    name: "stage_attribution",
    grain: "One row per target, model, level and channel or campaign, with one row `(unattributed)`.",
    description: "Credit that each channel and campaign gets for stage entries and conversions, under each \
                  model. Within a target, model and level the credit adds up to the target's conversions, but for \
                  `participation`, whose rows say `not_additive`. Attributed, not incremental: experiments prove effects.",
    keys: &["target_kind", "target", "model", "level", "channel", "campaign"],
    columns: &[
        C::text("target_kind", "`stage` or `conversion`."),
        C::text("target", "Name of the stage or conversion."),
        C::text("model", "Attribution model."),
        C::text("level", "`channel` or `campaign`: rows of one level add up, never rows of both."),
        C::text("channel", "Channel; `(none)` without one, `(unattributed)` for targets without a touch."),
        C::text("campaign", "Campaign; `(none)` without one, `(unattributed)` for targets without a touch.")
            .or_null("rows of level `channel`"),
        C::count("touches", "Touches on the paths to the target; 0 in the row `(unattributed)`."),
        C::count(
            "journeys",
            "Paths to the target with such a touch; in the row `(unattributed)` those without any touch.",
        ),
        C::figure("credit", Unit::Conversions, "Credited entries into the stage or conversions.")
            .or_null("the model gives no figures, `note` says why"),
        C::bound("credit_low", Unit::Conversions, Interval::JackknifeLog, "Lower 95 % bound of `credit`."),
        C::bound("credit_high", Unit::Conversions, Interval::JackknifeLog, "Upper 95 % bound of `credit`."),
        C::figure("credit_share", Unit::Fraction, "Share of the target's credit, `(unattributed)` included.")
            .or_null("there is no credit to share, or the model is not additive"),
        C::figure("value", Unit::Currency, "Credited value.").or_null(NO_VALUE),
        C::bound("value_low", Unit::Currency, Interval::JackknifeLog, "Lower 95 % bound of `value`."),
        C::bound("value_high", Unit::Currency, Interval::JackknifeLog, "Upper 95 % bound of `value`."),
        C::figure("value_share", Unit::Fraction, "Share of the target's value, `(unattributed)` included.")
            .or_null("there is no value to share, or the model is not additive"),
        C::index("rank", "Place by credit within target, model and level; ties by name.")
            .or_null("the row `(unattributed)`, and where credit is null"),
        C::figure(
            "rank_stability",
            Unit::Fraction,
            "Share of 1,000 resamplings in which the row keeps its rank: a stability, not a confidence.",
        )
        .or_null("rows of level `campaign`, the row `(unattributed)`, and where credit is null"),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 4,
        description: "Stages before conversions, each in the configured order; models in their fixed order; \
                      channels before campaigns; by name, `(unattributed)` last",
    },
};
