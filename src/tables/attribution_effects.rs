//! `attribution_effects`: what the data-driven models saw before it became credit.

use super::spec::{ColumnSpec as C, Interval, NOTE, RowOrder, TableSpec, Unit};

const NO_FIGURES: &str = "the model gives no figures, `note` says why";
const NOT_MARKOV: &str = "the model is not `markov`, or gives no figures";
const NO_VALUE: &str = "the target has no value, or the model gives no figures";

/// Removal effects and Shapley values as found, also where negative.
pub static SPEC: TableSpec = TableSpec {
    name: "attribution_effects",
    grain: "One row per target, data-driven model and channel.",
    description: "Removal effects of the Markov model and Shapley values as found, also where they are \
                  negative, before they are normalised into credit.",
    keys: &["target_kind", "target", "model", "channel"],
    columns: &[
        C::text("target_kind", "`stage` or `conversion`."),
        C::text("target", "Name of the stage or conversion."),
        C::text("model", "`markov` or `shapley`."),
        C::text("channel", "Channel; `(none)` without one."),
        C::figure(
            "effect",
            Unit::None,
            "Markov: the share of conversions lost without the channel. Shapley: the conversions that are the \
             channel's; with `shapley_value = \"rate\"` what it brings to the conversions per journey.",
        )
        .or_null(NO_FIGURES),
        C::bound(
            "effect_low",
            Unit::None,
            Interval::JackknifeLogit,
            "Lower 95 % bound of `effect`; of a Shapley value on the scale of the figure itself.",
        ),
        C::bound(
            "effect_high",
            Unit::None,
            Interval::JackknifeLogit,
            "Upper 95 % bound of `effect`; of a Shapley value on the scale of the figure itself.",
        ),
        C::figure("value_effect", Unit::None, "The same with the value of the conversions as reward.")
            .or_null(NO_VALUE),
        C::bound(
            "value_effect_low",
            Unit::None,
            Interval::JackknifeLogit,
            "Lower 95 % bound of `value_effect`; of a Shapley value on the scale of the figure itself.",
        ),
        C::bound(
            "value_effect_high",
            Unit::None,
            Interval::JackknifeLogit,
            "Upper 95 % bound of `value_effect`; of a Shapley value on the scale of the figure itself.",
        ),
        C::figure(
            "effect_beyond_reach",
            Unit::Fraction,
            "Markov: `effect` less the probability ever to meet the channel, which is the effect of a channel \
             without influence.",
        )
        .or_null(NOT_MARKOV),
        C::bound(
            "effect_beyond_reach_low",
            Unit::Fraction,
            Interval::JackknifeIdentity,
            "Lower 95 % bound of `effect_beyond_reach`.",
        ),
        C::bound(
            "effect_beyond_reach_high",
            Unit::Fraction,
            Interval::JackknifeIdentity,
            "Upper 95 % bound of `effect_beyond_reach`.",
        ),
        C::figure(
            "effect_sampling_error",
            Unit::None,
            "Shapley on rates with more than 20 channels: standard error of `effect` from drawing orders of \
             channels, on top of what the bounds show.",
        )
        .or_null("the effect is exact, or the model gives no figures"),
        C::figure(
            "conversion_probability",
            Unit::Fraction,
            "Markov: probability that a journey in the chain converts; the same on every row of a target.",
        )
        .or_null(NOT_MARKOV),
        NOTE,
    ],
    order: RowOrder::Given {
        grouped_by: 3,
        description: "Targets and models as in `stage_attribution`; by name",
    },
};
