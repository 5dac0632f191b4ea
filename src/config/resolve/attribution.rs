//! `[attribution]` and `[roi]`.

use toml::Spanned;

use super::{Resolver, conversion_names};
use crate::config::plan::{
    AfterConversion, AttributionPlan, ConversionPlan, ConversionValue, DAY_US, Model, RoiPlan, ShapleyValue,
};
use crate::config::schema::{Attribution, Position, Roi, Section, Text};

/// Share of the first and of the last touch in the position model.
const POSITION: f64 = 0.4;

/// Age at which a touch weighs half.
const HALF_LIFE_US: i64 = 7 * DAY_US;

/// How far a sum of two decimals may miss 1 because floats can't hold them.
const SLACK: f64 = 1e-9;

impl Resolver<'_, '_, '_> {
    pub(super) fn attribution(&mut self, attribution: &Attribution) -> AttributionPlan {
        let after = [("reuse", AfterConversion::Reuse), ("restart", AfterConversion::Restart)];
        let values = [("total", ShapleyValue::Total), ("rate", ShapleyValue::Rate)];
        let (position_first, position_last) = self.position(attribution.position.as_ref());
        AttributionPlan {
            models: self.models(attribution.models.as_ref()),
            touches: attribution
                .touches
                .as_ref()
                .map(|matchers| self.matchers(matchers, "the rule of what is a touch")),
            after_conversion: self
                .choose(attribution.after_conversion.as_ref(), "`after_conversion`", &after)
                .unwrap_or(AfterConversion::Reuse),
            null_paths: attribution.null_paths.unwrap_or(true),
            position_first,
            position_last,
            half_life_us: self.duration(attribution.half_life.as_ref()).unwrap_or(HALF_LIFE_US),
            markov_order: self.markov_order(attribution.markov_order.as_ref()),
            shapley_value: self
                .choose(attribution.shapley_value.as_ref(), "`shapley_value`", &values)
                .unwrap_or(ShapleyValue::Total),
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
        let Some(models) = models else { return Model::ALL.to_vec() };
        if models.get_ref().is_empty() {
            self.refuse(
                models.span(),
                "there is no attribution model in the list",
                "name at least one, such as `linear`, or remove `models` for all of them",
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

    fn position(&mut self, position: Option<&Spanned<Section<Position>>>) -> (f64, f64) {
        let Some(written) = position else { return (POSITION, POSITION) };
        let Position { first, last } = &**written.get_ref();
        let first = self.share(first.as_ref(), "position.first", POSITION);
        let last = self.share(last.as_ref(), "position.last", POSITION);
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
            None => models.iter().find(|model| **model == Model::Linear).or(models.first()).copied(),
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
