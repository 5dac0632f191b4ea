//! `[segments]`: how customers are divided, and what they do.

use toml::Spanned;

use super::inputs::{CUSTOMERS, NOT_A_DIMENSION, TOUCHPOINTS};
use super::{CORRECTIONS, Resolver};
use crate::config::plan::{
    Behaviour, BehaviourRule, Correction, FieldMatch, Matcher, Population, SegmentPlan, SourcePlan,
};
use crate::config::schema::{self, EventOrMatcher, Segments, Text, Without};

/// Smaller segments are merged unless the file says otherwise.
const MIN_CUSTOMERS: i64 = 10;

/// Names of dimensions that tables give a meaning of their own.
const RESERVED: [&str; 2] = ["all", "rfm"];

/// Beginnings of names that mean a column of touches.
const OF_TOUCHES: [&str; 2] = ["first_", "last_"];

/// Keys of a rule beside the columns that it matches.
const RULE_KEYS: [&str; 3] = ["without", "within", "at_least"];

impl Resolver<'_, '_, '_> {
    pub(super) fn segments(&mut self, segments: &Segments, customers: Option<&SourcePlan>) -> SegmentPlan {
        for dimension in &segments.dimensions {
            let name = dimension.get_ref().as_str();
            if NOT_A_DIMENSION.contains(&name) {
                self.refuse(
                    dimension.span(),
                    format!("`{dimension}` does not divide customers into segments"),
                    "name an attribute of customers, a column of text such as `device`, or `first_channel`",
                );
            } else if name == "all" {
                self.refuse(
                    dimension.span(),
                    "a dimension can't be called `all`, which means all customers in the tables",
                    "give the column another name: columns = { everything = \"all\" }",
                );
            }
        }
        let mut dimensions = self.unique(&segments.dimensions, "dimension");
        let rules = segments.rules.0.iter();
        let behaviours: Vec<Behaviour> =
            rules.map(|(name, rules)| self.behaviour(name, rules, customers)).collect();
        for behaviour in &behaviours {
            if !dimensions.contains(&behaviour.name) {
                dimensions.push(behaviour.name.clone());
            }
        }
        let populations = [("active", Population::Active), ("all", Population::All)];
        let population = self.choose(segments.population.as_ref(), "population", &populations);
        if let (Some(Population::All), None, Some(text)) = (population, customers, &segments.population) {
            self.refuse(
                text.span(),
                "there is no customers table that says who all customers are",
                "say where it is: [inputs.customers] with path = \"exports/customers.parquet\"",
            );
        }
        SegmentPlan {
            dimensions,
            behaviours,
            population: population.unwrap_or(Population::Active),
            correction: self
                .choose(segments.correction.as_ref(), "correction", &CORRECTIONS)
                .unwrap_or(Correction::BenjaminiHochberg),
            min_customers: self.count(segments.min_customers.as_ref(), "min_customers", MIN_CUSTOMERS),
        }
    }

    fn behaviour(
        &mut self,
        name: &Text,
        rules: &Spanned<Vec<Spanned<schema::BehaviourRule>>>,
        customers: Option<&SourcePlan>,
    ) -> Behaviour {
        self.name(name, "behaviour");
        self.behaviour_name(name, customers);
        if rules.get_ref().is_empty() {
            self.refuse(
                rules.span(),
                format!("behaviour `{name}` has no rule, so nobody would fit"),
                "write at least one: [ { event = [\"add_to_cart\"], without = [\"purchase\"] } ]",
            );
        }
        let rules = rules.get_ref().iter().filter_map(|rule| self.behaviour_rule(name, rule)).collect();
        Behaviour { name: name.get_ref().clone(), rules }
    }

    /// What is a column as well would be two dimensions of one name.
    fn behaviour_name(&mut self, name: &Text, customers: Option<&SourcePlan>) {
        let text = name.get_ref().as_str();
        let is_attribute = customers
            .is_some_and(|source| source.columns.contains_key(text) || source.constants.contains_key(text));
        let means = if RESERVED.contains(&text) {
            "has a meaning of its own"
        } else if is_attribute
            || self.mapped.contains(text)
            || TOUCHPOINTS.columns().chain(CUSTOMERS.columns()).any(|known| known == text)
        {
            "is a column"
        } else if OF_TOUCHES.iter().any(|prefix| text.starts_with(prefix)) {
            "means a column of touches"
        } else {
            return;
        };
        self.refuse(
            name.span(),
            format!("`{name}` {means}, and can't be the name of a behaviour"),
            "say what customers do, such as `cart_abandoner`",
        );
    }

    fn behaviour_rule(
        &mut self,
        name: &Text,
        rule: &Spanned<schema::BehaviourRule>,
    ) -> Option<BehaviourRule> {
        let schema::BehaviourRule { matcher, without, within, at_least } = rule.get_ref();
        let mut matcher = schema::Table(matcher.0.clone());
        let before = matcher.0.len();
        self.slips_of_keys(&mut matcher, &RULE_KEYS, &format!("segments.rules.{name}"));
        let had_slips = matcher.0.len() < before;
        let limits_something =
            without.is_some() || at_least.as_ref().is_some_and(|least| *least.get_ref() > 1);
        if let Some(within) = within.as_ref().filter(|_| !limits_something && !had_slips) {
            self.refuse(
                within.span(),
                "`within` has nothing to limit in this rule",
                "say what must not follow so soon, without = [\"purchase\"], or how many rows it takes, at_least = 2",
            );
        }
        let within_us = self.duration(within.as_ref());
        let at_least = self.count(at_least.as_ref(), "at_least", 1);
        let without = without.as_ref().map_or_else(Vec::new, |without| self.without(name, without));
        let matcher =
            if matcher.0.is_empty() && had_slips { None } else { self.touch_matcher(&matcher, rule.span()) }?;
        if without.contains(&matcher) {
            self.refuse(
                rule.span(),
                format!("nobody fits this rule of `{name}`: the same rows must be there and must not follow"),
                "name other rows in `without`: a row at the same instant follows too",
            );
        }
        let at_least = u32::try_from(at_least).unwrap_or(u32::MAX);
        Some(BehaviourRule { matcher, at_least, without, within_us })
    }

    /// Matchers of rows that must not follow; events by name are one of them.
    fn without(&mut self, name: &Text, without: &Spanned<Without>) -> Vec<Matcher> {
        let each: Vec<_> = match without.get_ref() {
            Without::One(one) => vec![(without.span(), one)],
            Without::Many(many) => many.iter().map(|one| (one.span(), one.get_ref())).collect(),
        };
        if each.is_empty() {
            self.refuse(
                without.span(),
                format!("`without` of `{name}` is empty, so nothing would be left out"),
                "write what must not follow, such as without = [\"purchase\"], or remove `without`",
            );
        }
        let mut events = Vec::new();
        let mut matchers = Vec::new();
        for (span, one) in each {
            match one {
                EventOrMatcher::Event(event) if event.is_empty() => self.refuse(
                    span,
                    "a pattern of `without` is empty",
                    "write the event, with `*` for any run of characters",
                ),
                EventOrMatcher::Event(event) => events.push(event.clone()),
                EventOrMatcher::Matcher(matcher) => matchers.extend(self.touch_matcher(matcher, span)),
            }
        }
        let of_events = FieldMatch { column: "event".to_owned(), patterns: events };
        if !of_events.patterns.is_empty() {
            matchers.insert(0, Matcher { fields: vec![of_events] });
        }
        matchers
    }
}
