//! Behaviours: what customers did and did not do, as a dimension.
//!
//! Which rows a rule is about is decided once for every code; a journey is then gone through once per rule. All spans
//! are half-open, as everywhere: a row at the very end of `within` is no longer inside.

use crate::config::plan::{Behaviour, BehaviourRule, Matcher};

use super::codebook::Codebook;
use super::partition::Touchpoint;

/// Bit of a code: its rows are those that the rule counts.
const COUNTS: u8 = 1;
/// Bit of a code: its rows are those that must not follow.
const FOLLOWS: u8 = 2;

/// A behaviour, decided for every code of a book.
#[derive(Debug, Clone)]
pub(super) struct CodedBehaviour {
    /// Any of them suffices.
    rules: Vec<CodedRule>,
}

#[derive(Debug, Clone)]
struct CodedRule {
    at_least: u32,
    /// Whether there is anything that must not follow.
    without: bool,
    within_us: Option<i64>,
    /// By code: [`COUNTS`], [`FOLLOWS`], both or neither.
    bits: Vec<u8>,
}

impl CodedBehaviour {
    /// Decides every code once; `columns` names the columns of the book.
    pub(super) fn new(behaviour: &Behaviour, book: &Codebook, columns: &[String]) -> Self {
        let rule = |rule: &BehaviourRule| CodedRule {
            at_least: rule.at_least,
            without: !rule.without.is_empty(),
            within_us: rule.within_us,
            bits: (0..book.len() as u32)
                .map(|code| {
                    let value = |name: &str| {
                        let column = columns.iter().position(|column| column == name)?;
                        book.text(code, column)
                    };
                    let bit = |of: &[Matcher], bit| {
                        if of.iter().any(|matcher| matcher.matches(value)) { bit } else { 0 }
                    };
                    bit(std::slice::from_ref(&rule.matcher), COUNTS) | bit(&rule.without, FOLLOWS)
                })
                .collect(),
        };
        Self { rules: behaviour.rules.iter().map(rule).collect() }
    }

    /// Whether these rows, in order and all before `end_us`, show the behaviour. What happens at `end_us` or later isn't
    /// known yet.
    pub(super) fn fits(&self, rows: &[Touchpoint], end_us: i64) -> bool {
        self.rules.iter().any(|rule| rule.fits(rows, end_us))
    }
}

impl CodedRule {
    #[inline]
    fn is(&self, row: &Touchpoint, bit: u8) -> bool {
        self.bits[row.code as usize] & bit != 0
    }

    fn fits(&self, rows: &[Touchpoint], end_us: i64) -> bool {
        // Most customers never do what a rule is about.
        let Some(first) = rows.iter().position(|row| self.is(row, COUNTS)) else { return false };
        match self.within_us {
            _ if self.without => {
                // What stands before it at the same instant follows it, too.
                let instant = rows[..first].partition_point(|row| row.time_us < rows[first].time_us);
                self.is_left(&rows[instant..], end_us)
            }
            Some(within_us) => self.is_frequent(&rows[first..], within_us),
            None => rows[first..]
                .iter()
                .filter(|row| self.is(row, COUNTS))
                .nth(self.at_least as usize - 1)
                .is_some(),
        }
    }

    /// Whether so many rows lie within the span of each other.
    fn is_frequent(&self, rows: &[Touchpoint], within_us: i64) -> bool {
        let (mut oldest, mut count) = (0, 0);
        for row in rows {
            if !self.is(row, COUNTS) {
                continue;
            }
            count += 1;
            while rows[oldest].time_us.saturating_add(within_us) <= row.time_us {
                count -= u32::from(self.is(&rows[oldest], COUNTS));
                oldest += 1;
            }
            if count >= self.at_least {
                return true;
            }
        }
        false
    }

    /// Whether there are so many rows, and nothing that must not follow does follow one of them, or will.
    fn is_left(&self, rows: &[Touchpoint], end_us: i64) -> bool {
        let (mut count, mut left) = (0, false);
        // The first row that must not follow, at the instant of the rows looked at or after it.
        let mut next_us: Option<i64> = None;
        for instant in rows.chunk_by(|one, other| one.time_us == other.time_us).rev() {
            let time_us = instant[0].time_us;
            if instant.iter().any(|row| self.is(row, FOLLOWS)) {
                next_us = Some(time_us);
            }
            let counted = instant.iter().filter(|row| self.is(row, COUNTS)).count() as u32;
            count += counted;
            left |= counted > 0
                && match self.within_us.map(|within_us| time_us.saturating_add(within_us)) {
                    Some(over_us) => over_us <= end_us && next_us.is_none_or(|next_us| next_us >= over_us),
                    None => next_us.is_none(),
                };
        }
        left && count >= self.at_least
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::config::plan::FieldMatch;
    use crate::journey::codebook::CodebookBuilder;
    use crate::journey::testing::{World, instant_us};

    const HOUR_US: i64 = 3_600_000_000;
    const EVENTS: [&str; 3] = ["view", "cart", "buy"];

    fn matcher(event: &str) -> Matcher {
        let fields = vec![FieldMatch { column: "event".to_owned(), patterns: vec![event.to_owned()] }];
        Matcher { fields }
    }

    fn rule(event: &str, at_least: u32, without: &[&str], within_hours: Option<i64>) -> BehaviourRule {
        BehaviourRule {
            matcher: matcher(event),
            at_least,
            without: without.iter().map(|event| matcher(event)).collect(),
            within_us: within_hours.map(|hours| hours * HOUR_US),
        }
    }

    fn coded(rules: Vec<BehaviourRule>) -> CodedBehaviour {
        let mut builder = CodebookBuilder::new(2);
        for (code, event) in EVENTS.iter().enumerate() {
            // Codes are ranks by the first column: those of the world, by first appearance.
            let ids = [builder.value(0, &code.to_string()), builder.value(1, event)];
            let code = builder.combination(&ids).0;
            builder.keep(code);
        }
        let book = Codebook::merge(&[builder], 2).0;
        let behaviour = Behaviour { name: "test".to_owned(), rules };
        CodedBehaviour::new(&behaviour, &book, &["rank".to_owned(), "event".to_owned()])
    }

    fn fits(rule: BehaviourRule, journey: &str, end: &str) -> bool {
        let mut world = World::new(&[], &[]);
        world.journey(&EVENTS.map(|event| format!("{event} d0")).join(", "));
        let journey = world.journey(journey);
        coded(vec![rule]).fits(journey.journey().rows, instant_us(end))
    }

    #[test]
    fn a_cart_is_abandoned_when_its_time_is_over() {
        let abandoned = |journey, end| fits(rule("cart", 1, &["buy"], Some(24)), journey, end);
        assert!(abandoned("cart d1", "d2"), "over to the instant");
        assert!(!abandoned("cart d1/01:00", "d2"), "nobody knows yet");
        assert!(!abandoned("cart d1, buy d1/23:00", "d9"));
        assert!(abandoned("cart d1, buy d2", "d9"), "too late");
        assert!(!abandoned("buy d1, cart d1", "d9"), "at the same instant, whichever stands first");
        assert!(abandoned("buy d1, cart d1/00:01", "d9"), "what was before doesn't count");
        assert!(abandoned("cart d1, cart d5, buy d5", "d9"), "one of them suffices");
        assert!(!abandoned("view d1", "d9"));
    }

    #[test]
    fn without_an_end_nothing_may_ever_follow() {
        let left = |journey| fits(rule("cart", 1, &["buy", "view"], None), journey, "d9");
        assert!(left("view d1, cart d2"));
        assert!(!left("cart d2, view d8"));
        assert!(left("cart d2, view d3, cart d8/23:59"), "the last of them wasn't followed so far");
    }

    #[test]
    fn so_many_rows_are_asked_for() {
        let intent = |journey, within| fits(rule("view", 3, &[], within), journey, "d9");
        assert!(intent("view d1, view d2, cart d3, view d8", None));
        assert!(!intent("view d1, view d2", None));
        assert!(intent("view d1, view d4, view d4/00:30, view d4/00:59", Some(1)));
        assert!(!intent("view d4, view d4/00:30, view d4/01:00", Some(1)), "the end is no longer inside");
        let many = |journey| fits(rule("cart", 2, &["buy"], Some(1)), journey, "d9");
        assert!(many("cart d1, cart d8, buy d8/00:10"), "within is about what must not follow");
        assert!(!many("cart d1"));
    }

    #[test]
    fn any_rule_suffices() {
        let behaviour = coded(vec![rule("buy", 1, &[], None), rule("view", 2, &[], None)]);
        let mut world = World::new(&[], &[]);
        world.journey(&EVENTS.map(|event| format!("{event} d0")).join(", "));
        for (journey, wanted) in [("buy d1", true), ("view d1, view d2", true), ("view d1, cart d2", false)] {
            let journey = world.journey(journey);
            assert_eq!(behaviour.fits(journey.journey().rows, instant_us("d9")), wanted);
        }
        assert!(!coded(Vec::new()).fits(&[], 0));
    }

    /// The definition, looking at all rows for each.
    fn naive(rule: &BehaviourRule, rows: &[(&str, i64)], end_us: i64) -> bool {
        let matches = |matchers: &[Matcher], event: &str| {
            matchers.iter().any(|matcher| matcher.matches(|_| Some(event)))
        };
        let counted: Vec<i64> = rows
            .iter()
            .filter(|(event, _)| matches(std::slice::from_ref(&rule.matcher), event))
            .map(|(_, time_us)| *time_us)
            .collect();
        let enough = counted.len() as u32 >= rule.at_least;
        if !rule.without.is_empty() {
            let is_left = |time_us: i64| {
                let over_us = rule.within_us.map(|within_us| time_us + within_us);
                let follows = rows.iter().any(|(event, at_us)| {
                    matches(&rule.without, event)
                        && *at_us >= time_us
                        && over_us.is_none_or(|over_us| *at_us < over_us)
                });
                !follows && over_us.is_none_or(|over_us| over_us <= end_us)
            };
            return enough && counted.iter().any(|time_us| is_left(*time_us));
        }
        match rule.within_us {
            None => enough,
            Some(within_us) => counted.iter().any(|from_us| {
                let inside = |at_us: &&i64| (*from_us..from_us + within_us).contains(*at_us);
                counted.iter().filter(inside).count() as u32 >= rule.at_least
            }),
        }
    }

    fn rules() -> impl Strategy<Value = BehaviourRule> {
        let without = prop::collection::vec(prop::sample::select(EVENTS.to_vec()), 0..3);
        (prop::sample::select(EVENTS.to_vec()), 1_u32..4, without, prop::option::of(1_i64..6))
            .prop_map(|(event, at_least, without, within)| rule(event, at_least, &without, within))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn behaviours_are_what_the_definition_says(
            rules in prop::collection::vec(rules(), 1..3),
            mut rows in prop::collection::vec((0_usize..3, 0_i64..12), 0..10),
            end in 12_i64..20,
        ) {
            rows.sort_by_key(|(_, hour)| *hour);
            let touchpoints: Vec<Touchpoint> = rows
                .iter()
                .map(|(event, hour)| Touchpoint {
                    time_us: hour * HOUR_US,
                    code: *event as u32,
                    ..Touchpoint::default()
                })
                .collect();
            let named: Vec<(&str, i64)> =
                rows.iter().map(|(event, hour)| (EVENTS[*event], hour * HOUR_US)).collect();
            let wanted = rules.iter().any(|rule| naive(rule, &named, end * HOUR_US));
            prop_assert_eq!(coded(rules).fits(&touchpoints, end * HOUR_US), wanted);
        }
    }
}
