//! `[attribution]` and `[roi]`.

use toml::Spanned;

use super::{Resolver, conversion_names, inputs};
use crate::config::plan::{
    AfterConversion, AttributionPlan, ConversionPlan, ConversionValue, Levels, Model, PathTransform, RoiPlan,
    ShapleyValue,
};
use crate::config::schema::{Attribution, OneOrMany, Position, PresetOrPosition, Roi, Text};

/// Shares of the first and of the last touch by name (Adobe Customer Journey Analytics, attribution models).
const POSITION_PRESETS: [(&str, (f64, f64)); 3] =
    [("u", (0.4, 0.4)), ("j", (0.2, 0.6)), ("inverse_j", (0.6, 0.2))];

/// How far a sum of two decimals may miss 1 because floats can't hold them.
const SLACK: f64 = 1e-9;

impl Resolver<'_, '_, '_> {
    pub(super) fn attribution(&mut self, attribution: &Attribution) -> AttributionPlan {
        let after = [("reuse", AfterConversion::Reuse), ("restart", AfterConversion::Restart)];
        let values = [("total", ShapleyValue::Total), ("rate", ShapleyValue::Rate)];
        let paths = [
            ("unique", PathTransform::Unique),
            ("exposure", PathTransform::Exposure),
            ("first", PathTransform::First),
            ("frequency", PathTransform::Frequency),
        ];
        let (position_first, position_last) = self.position(attribution.position.as_ref());
        AttributionPlan {
            models: self.models(attribution.models.as_ref()),
            by: self.levels(attribution.by.as_ref()),
            path: self.choose(attribution.path.as_ref(), "`path`", &paths).unwrap_or(self.defaults.path),
            touches: attribution
                .touches
                .as_ref()
                .map(|matchers| self.matchers(matchers, "the rule of what is a touch")),
            after_conversion: self
                .choose(attribution.after_conversion.as_ref(), "`after_conversion`", &after)
                .unwrap_or(self.defaults.after_conversion),
            null_paths: attribution.null_paths.unwrap_or(self.defaults.null_paths),
            position_first,
            position_last,
            half_life_us: self.duration(attribution.half_life.as_ref()).unwrap_or(self.defaults.half_life_us),
            markov_order: self.markov_order(attribution.markov_order.as_ref()),
            shapley_value: self
                .choose(attribution.shapley_value.as_ref(), "`shapley_value`", &values)
                .unwrap_or(self.defaults.shapley_value),
        }
    }

    /// How far back the chain remembers; beyond three channels its states are as rare as the paths themselves.
    fn markov_order(&mut self, order: Option<&Spanned<i64>>) -> u8 {
        let Some(order) = order else { return 1 };
        match *order.get_ref() {
            known @ 1..=3 => known as u8,
            unknown => {
                let message = if unknown < 1 {
                    "and a chain without memory has no channels to remove"
                } else {
                    "and hardly two journeys share more than three channels in a row"
                };
                self.refuse(
                    order.span(),
                    format!("`markov_order` is `{unknown}`, {message}"),
                    "write 1, 2 or 3: how many of the last channels decide what comes next",
                );
                1
            }
        }
    }

    /// The models in the order of the tables, whatever the order of the file.
    fn models(&mut self, models: Option<&Spanned<Vec<Text>>>) -> Vec<Model> {
        let Some(models) = models else { return self.defaults.default_models() };
        if models.get_ref().is_empty() {
            self.refuse(
                models.span(),
                "there is no attribution model in the list",
                "name at least one, such as `linear`, or remove `models` for all that add up",
            );
        }
        let mut chosen: Vec<Model> =
            models.get_ref().iter().filter_map(|model| self.model(Some(model))).collect();
        let known = self.unique(models.get_ref(), "model");
        debug_assert_eq!(known.len(), models.get_ref().len(), "every name is kept");
        chosen.sort_unstable();
        chosen.dedup();
        chosen
    }

    fn model(&mut self, model: Option<&Text>) -> Option<Model> {
        self.choose(model, "attribution model", &Model::ALL.map(|model| (model.as_str(), model)))
    }

    /// The levels of the rows: one, the other, or both.
    fn levels(&mut self, by: Option<&Spanned<OneOrMany>>) -> Levels {
        let default = Levels { channel: true, campaign: false };
        let Some(by) = by else { return default };
        let named = inputs::one_or_many(by);
        let levels = [
            ("channel", default),
            ("campaign", Levels { channel: false, campaign: true }),
            ("both", Levels { channel: true, campaign: true }),
        ];
        if named.is_empty() {
            self.refuse(
                by.span(),
                "there is no level in `by`, so no row would be left",
                "write \"channel\", \"campaign\" or both of them",
            );
        }
        self.unique(&named, "level");
        let chosen: Vec<Levels> =
            named.iter().filter_map(|level| self.choose(Some(level), "level", &levels)).collect();
        Levels {
            channel: chosen.iter().any(|levels| levels.channel) || chosen.is_empty(),
            campaign: chosen.iter().any(|levels| levels.campaign),
        }
    }

    fn position(&mut self, position: Option<&Spanned<PresetOrPosition>>) -> (f64, f64) {
        let Some(written) = position else { return self.defaults.position };
        let Position { first, last } = match written.get_ref() {
            PresetOrPosition::Shares(position) => position,
            PresetOrPosition::Preset(name) => {
                let name = Spanned::new(written.span(), name.clone());
                let preset = self.choose(Some(&name), "position preset", &POSITION_PRESETS);
                return preset.unwrap_or(self.defaults.position);
            }
        };
        let first = self.share(first.as_ref(), "position.first", self.defaults.position.0);
        let last = self.share(last.as_ref(), "position.last", self.defaults.position.1);
        let shares = (0.0..=1.0).contains(&first) && (0.0..=1.0).contains(&last);
        if shares && first + last > 1.0 + SLACK {
            self.refuse(
                written.span(),
                format!("first and last touch take `{first}` and `{last}`, together more than everything"),
                "write shares that add up to at most 1, such as 0.4 and 0.4; the touches between share the rest",
            );
        } else if shares && first + last <= 0.0 {
            self.refuse(
                written.span(),
                "first and last touch both take nothing, which leaves paths of two touches without credit",
                "give at least one of them a share above 0, or use the model `linear`",
            );
        }
        (first, last)
    }

    pub(super) fn roi(&mut self, roi: &Roi, conversions: &[ConversionPlan], models: &[Model]) -> RoiPlan {
        let margin = self.share(roi.margin.as_ref(), "margin", 1.0);
        let primary = roi.primary.as_ref();
        let conversion = match primary.and_then(|primary| primary.conversion.as_ref()) {
            Some(name) => self.reference(name, "conversion", conversion_names(conversions)),
            None => conversions
                .iter()
                .position(|conversion| conversion.value != ConversionValue::Absent)
                .or((!conversions.is_empty()).then_some(0)),
        };
        let model = match primary.and_then(|primary| primary.model.as_ref()) {
            Some(name) => self.primary_model(name, models),
            // Credit that doesn't add up is the last choice for rows that are to be summed.
            None => models
                .iter()
                .find(|model| **model == Model::Linear)
                .or(models.iter().find(|model| model.is_additive()))
                .or(models.first())
                .copied(),
        };
        RoiPlan { margin, primary: conversion.zip(model) }
    }

    fn primary_model(&mut self, name: &Text, models: &[Model]) -> Option<Model> {
        let model = self.model(Some(name))?;
        // Without any model the list itself was refused.
        if !models.contains(&model) && !models.is_empty() {
            self.refuse(
                name.span(),
                format!("model `{name}` is not computed"),
                format!("add it to `attribution.models`, or name `{}`", models[0].as_str()),
            );
        }
        Some(model)
    }
}
