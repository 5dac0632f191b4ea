//! `[stages]` and `[conversions]`: which rows mean what.

use toml::Spanned;

use super::Resolver;
use crate::config::diagnostic::{Complaint, ErrorKind};
use crate::config::plan::{
    ConversionPlan, ConversionValue, Currency, FieldMatch, Matcher, Orders, Stage, StageMode, StagePlan,
};
use crate::config::presets::{PRESETS, Preset};
use crate::config::schema::{self, Conversion, Stages, Table, Text, Worth};
use crate::config::{currency, nearest};

/// A set of stages is one bit each of a 64-bit word, with one to spare.
const MAX_STAGES: usize = 63;
/// A row's conversions are bits of one word.
const MAX_CONVERSIONS: usize = 64;

/// Keys of a conversion beside the columns that it matches.
const CONVERSION_KEYS: [&str; 2] = ["value", "orders"];

impl Resolver<'_, '_, '_> {
    pub(super) fn stages(&mut self, stages: Option<Stages>) -> StagePlan {
        let Some(stages) = stages else {
            return StagePlan { stages: Vec::new(), mode: StageMode::Ordered, window_us: None };
        };
        let modes = [("ordered", StageMode::Ordered), ("any", StageMode::Any)];
        let mode = self.choose(stages.mode.as_ref(), "mode", &modes).unwrap_or(self.defaults.stage_mode);
        let window_us = self.duration(stages.window.as_ref()).or(self.defaults.stage_window_us);
        let presets: Vec<(&str, &Preset)> = PRESETS.iter().map(|preset| (preset.name, preset)).collect();
        let preset = self.choose(stages.preset.as_ref(), "preset", &presets);
        let order = self.stage_order(&stages, preset);
        let names: Vec<&str> = order.iter().map(|name| name.get_ref().as_str()).collect();
        for (name, _) in &stages.rules.0 {
            // With an unknown preset no name can be known.
            if !names.contains(&name.get_ref().as_str()) && !names.is_empty() {
                let hint = nearest::suggest(name.get_ref(), "stages", names.iter().copied());
                self.refuse(name.span(), format!("there is a rule for `{name}`, which is no stage"), hint);
            }
        }
        let stages = order.iter().map(|name| self.stage(name, preset, &stages.rules)).collect();
        StagePlan { stages, mode, window_us }
    }

    /// The stages in order, unique and at least one; none where a mistake was noted.
    fn stage_order(&mut self, stages: &Stages, preset: Option<&Preset>) -> Vec<Text> {
        let Some(order) = &stages.order else {
            if preset.is_none() && stages.preset.is_none() {
                self.missing(
                    self.document.key_span(&["stages"]),
                    "the stages have no order",
                    "write preset = \"lifecycle\", or name them: order = [\"awareness\", \"purchase\"]",
                );
            }
            let span = stages.preset.as_ref().map_or(0..0, Spanned::span);
            let names = preset.map_or(&[] as &[_], |preset| preset.stages);
            return names.iter().map(|(name, _)| Spanned::new(span.clone(), (*name).to_owned())).collect();
        };
        let names = order.get_ref();
        if names.is_empty() {
            self.refuse(
                order.span(),
                "the order of the stages is empty",
                "name the stages, or remove `order`",
            );
        }
        if names.len() > MAX_STAGES {
            self.refuse(
                names.get(MAX_STAGES).map_or(order.span(), Spanned::span),
                format!("there are {} stages, more than {MAX_STAGES}", names.len()),
                "merge some: a stage may have several rules",
            );
        }
        for name in names {
            self.name(name, "stage");
        }
        self.unique(names, "stage");
        names.clone()
    }

    fn stage(
        &mut self,
        name: &Text,
        preset: Option<&Preset>,
        rules: &Table<Spanned<Vec<Spanned<schema::Matcher>>>>,
    ) -> Stage {
        let own = rules.get(name.get_ref());
        let rules = match own {
            Some(rules) => self.matchers(rules, &format!("the rule of stage `{name}`")),
            None => preset.and_then(|preset| preset.rule(name.get_ref())).into_iter().collect(),
        };
        if rules.is_empty() && own.is_none() {
            let near = preset.and_then(|preset| {
                nearest::nearest(name.get_ref(), preset.stages.iter().map(|(known, _)| *known))
            });
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("add one under [stages.rules]: {name} = [ {{ event = [\"...\"] }} ]"),
            };
            let complaint = Complaint::new(format!("stage `{name}` has no rule"), hint);
            self.problems.at(ErrorKind::Missing, name.span(), complaint);
        }
        Stage { name: name.get_ref().clone(), rules }
    }

    /// A list of matchers of which any suffices; an empty one is refused.
    pub(super) fn matchers(
        &mut self,
        matchers: &Spanned<Vec<Spanned<schema::Matcher>>>,
        what: &str,
    ) -> Vec<Matcher> {
        if matchers.get_ref().is_empty() {
            self.refuse(
                matchers.span(),
                format!("{what} is empty, so nothing would match"),
                "write at least one matcher: [ { event = [\"...\"] } ]",
            );
        }
        let each = matchers.get_ref().iter();
        each.filter_map(|matcher| self.touch_matcher(matcher.get_ref(), matcher.span())).collect()
    }

    /// Notes columns of a matcher that were meant as one of the keys beside it, and takes them out.
    pub(super) fn slips_of_keys(&mut self, matcher: &mut schema::Matcher, keys: &[&str], section: &str) {
        let mapped = &self.mapped;
        let mut slips = Vec::new();
        matcher.0.retain(|(key, _)| {
            let column = key.get_ref().as_str();
            let meant = keys.iter().find(|known| !mapped.contains(column) && nearest::is_slip(column, known));
            slips.extend(meant.map(|meant| (key.clone(), *meant)));
            meant.is_none()
        });
        for (key, meant) in slips {
            let complaint = Complaint::new(
                format!("unknown key `{key}` in [{section}]"),
                format!(
                    "did you mean `{meant}`? If `{key}` is a column, map it: columns = {{ {key} = \"{key}\" }}"
                ),
            );
            self.problems.at(ErrorKind::UnknownKey, key.span(), complaint);
        }
    }

    /// Events of refunds.
    pub(super) fn refunds(&mut self, refunds: &schema::Refunds) -> Vec<String> {
        refunds.event.as_ref().map_or_else(Vec::new, |events| {
            self.patterns(&Spanned::new(events.span(), "event".to_owned()), events)
        })
    }

    pub(super) fn conversions(
        &mut self,
        conversions: Table<Conversion>,
        currency: &Currency,
        has_refunds: bool,
    ) -> Vec<ConversionPlan> {
        if let Some((name, _)) = conversions.0.get(MAX_CONVERSIONS) {
            self.refuse(
                name.span(),
                format!(
                    "there are {} conversions, and at most {MAX_CONVERSIONS} are possible",
                    conversions.0.len()
                ),
                "join some with `*` or a list of events, or run two jobs",
            );
        }
        conversions
            .0
            .into_iter()
            .map(|(name, conversion)| self.conversion(&name, conversion, currency, has_refunds))
            .collect()
    }

    fn conversion(
        &mut self,
        name: &Text,
        mut conversion: Conversion,
        currency: &Currency,
        has_refunds: bool,
    ) -> ConversionPlan {
        self.name(name, "conversion");
        let section = format!("conversions.{name}");
        self.slips_of_keys(&mut conversion.matcher, &CONVERSION_KEYS, &section);
        let matcher = if conversion.matcher.0.is_empty() {
            self.missing(
                Some(name.span()),
                format!("conversion `{name}` matches nothing"),
                "say which rows convert, such as event = [\"purchase\"]",
            );
            None
        } else {
            self.touch_matcher(&conversion.matcher, name.span())
        };
        let value = conversion.value.map_or(ConversionValue::Absent, |value| self.worth(&value, currency));
        let matcher = matcher.unwrap_or(Matcher { fields: Vec::<FieldMatch>::new() });
        let choices = [("first", Orders::First), ("sum", Orders::Sum)];
        let orders = match &conversion.orders {
            Some(written) => self.choose(Some(written), "`orders`", &choices),
            // Whoever maps the id of the order, or has refunds look for it, says that it names an order.
            None => (has_refunds || self.mapped.contains("order_id")).then_some(Orders::First),
        };
        ConversionPlan { name: name.get_ref().clone(), matcher, value, orders }
    }

    fn worth(&mut self, value: &Spanned<Worth>, currency: &Currency) -> ConversionValue {
        match value.get_ref() {
            Worth::Column(column) if column == "value" => ConversionValue::Column,
            Worth::Column(column) => {
                self.refuse(
                    value.span(),
                    format!("`{column}` is not what a conversion can be worth"),
                    format!(
                        "write value = \"value\" for the column, value = 20 for 20 {}, or leave it out",
                        currency.code
                    ),
                );
                ConversionValue::Absent
            }
            Worth::Amount(amount) => self
                .accept(value.span(), currency::minor(*amount, currency))
                .map_or(ConversionValue::Absent, ConversionValue::FixedMinor),
        }
    }
}
