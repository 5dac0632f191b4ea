//! Stages and conversions from the events of a sample: by their words, and by the order in which customers do them.

use super::sample::{Log, Step};
use super::vocabulary::{PURCHASES, Place, StageKind, has_any, place, purchase_rank, words};

/// With fewer stages of known words, unknown events become stages too.
const FEW_STAGES: usize = 3;
/// Unknown events that become stages, at most.
const MAX_UNKNOWN: usize = 6;
/// An unknown event of fewer customers, in per mille, is no stage.
const MIN_PER_MILLE: u64 = 10;
/// So many customers say whether an event mostly follows a purchase.
const ENOUGH_CUSTOMERS: u64 = 20;
/// Conversions besides the purchase, at most.
const MAX_OTHERS: usize = 2;

/// A stage and its events.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Most rows first.
    pub events: Vec<String>,
    /// Whether the words of the events are known, or only when customers do them.
    pub by_words: bool,
}

/// The stage model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stages {
    /// In order; fewer than two are no model.
    pub stages: Vec<Stage>,
    /// Whether too many customers would be lost if every stage needed the one before it.
    pub any: bool,
    /// Events in no stage, most rows first.
    pub left_out: Vec<String>,
}

/// A conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conversion {
    /// Its name.
    pub name: String,
    /// Column that says it, and its values.
    pub column: String,
    /// Values that convert.
    pub values: Vec<String>,
    /// Whether most of its rows have a value.
    pub has_value: bool,
    /// Whether rows of the same order are its items: most have another value than the first.
    pub has_items: bool,
    /// Why it was taken, for a comment.
    pub why: String,
}

/// What an event is to the customers who have it.
#[derive(Debug, Clone, Default)]
struct Habit {
    customers: u64,
    /// Of those with several events: the mean place among them, 0 the first and 1 the last.
    rank: Option<f64>,
    /// Customers who had a purchase before their last one of these.
    after_purchase: u64,
}

/// An event of a customer.
#[derive(Debug, Clone, Copy)]
struct Span {
    event: usize,
    first_us: i64,
    last_us: i64,
}

/// What each customer of the sample did, by first time.
fn histories(steps: &[Step]) -> Vec<Vec<Span>> {
    let customers = steps.chunk_by(|one, other| one.customer == other.customer);
    customers
        .map(|steps| {
            let mut spans: Vec<Span> = Vec::new();
            for step in steps {
                let event = step.event as usize;
                match spans.iter_mut().find(|span| span.event == event) {
                    Some(span) => span.last_us = step.us,
                    None => spans.push(Span { event, first_us: step.us, last_us: step.us }),
                }
            }
            spans
        })
        .collect()
}

/// Stages of the events of a sample.
pub fn stages(log: &Log) -> Stages {
    let mut places: Vec<Place> = log.events.iter().map(|(name, _)| place(name)).collect();
    let histories = histories(&log.steps);
    let habits = habits(log.events.len(), &histories, &places);
    for (at, place) in places.iter_mut().enumerate() {
        let is_after = matches!(place, Place::Stage(kind) if *kind > StageKind::Purchase);
        let habit = &habits[at];
        if is_after && habit.customers >= ENOUGH_CUSTOMERS && 2 * habit.after_purchase < habit.customers {
            // Whoever reads reviews before buying, considers.
            let reads = has_any(&words(&log.events[at].0), &["review", "reviews"]);
            *place = if reads { Place::Stage(StageKind::Consideration) } else { Place::NoStage };
        }
    }
    let by_rows = by_rows(log);
    let mut stages: Vec<(Option<f64>, Stage)> = Vec::new();
    let mut kinds: Vec<StageKind> = places
        .iter()
        .filter_map(|place| if let Place::Stage(kind) = place { Some(*kind) } else { None })
        .collect();
    kinds.sort_unstable();
    kinds.dedup();
    for kind in kinds {
        let own: Vec<usize> =
            by_rows.iter().copied().filter(|at| places[*at] == Place::Stage(kind)).collect();
        let events: Vec<String> = own.iter().map(|at| log.events[*at].0.clone()).collect();
        let converts = |event: &String| has_any(&words(event), PURCHASES[PURCHASES.len() - 1]);
        let is_conversion = kind == StageKind::Purchase && events.iter().all(converts);
        let name = if is_conversion { "conversion" } else { kind.as_str() };
        let rank = own.first().and_then(|at| habits[*at].rank);
        stages.push((rank, Stage { name: name.to_owned(), events, by_words: true }));
    }
    if stages.len() < FEW_STAGES {
        let customers = histories.len() as u64;
        let mut unknown: Vec<usize> = by_rows
            .iter()
            .copied()
            .filter(|at| places[*at] == Place::Unknown && is_stage_name(&log.events[*at].0))
            .filter(|at| habits[*at].customers * 1_000 >= customers * MIN_PER_MILLE)
            .take(MAX_UNKNOWN)
            .collect();
        unknown.sort_by(|one, other| rank_of(&habits[*one]).total_cmp(&rank_of(&habits[*other])));
        for at in unknown {
            let rank = rank_of(&habits[at]);
            let later = stages.iter().position(|(known, stage)| {
                let events = events_of(log, stage);
                precedes(&histories, at, &events).unwrap_or_else(|| known.is_some_and(|known| known > rank))
            });
            let name = log.events[at].0.clone();
            // An event may be called as a stage is.
            if let Some((_, stage)) = stages.iter_mut().find(|(_, stage)| stage.name == name) {
                stage.events.push(name);
                continue;
            }
            let place = later.unwrap_or(stages.len());
            stages.insert(place, (Some(rank), Stage { events: vec![name.clone()], name, by_words: false }));
        }
    }
    let stages: Vec<Stage> = stages.into_iter().map(|(_, stage)| stage).collect();
    let is_in = |name: &String| stages.iter().any(|stage| stage.events.contains(name));
    let names = by_rows.iter().map(|at| log.events[*at].0.clone());
    let left_out = names.filter(|name| !is_in(name)).collect();
    Stages { any: skips(log, &histories, &stages), left_out, stages }
}

/// Positions of the events of a stage.
fn events_of(log: &Log, stage: &Stage) -> Vec<usize> {
    (0..log.events.len()).filter(|at| stage.events.contains(&log.events[*at].0)).collect()
}

/// Whether most customers who have both did an event before the first of some others; None where nobody has both.
fn precedes(histories: &[Vec<Span>], event: usize, others: &[usize]) -> Option<bool> {
    let (mut both, mut before) = (0_u64, 0_u64);
    for spans in histories {
        let own = spans.iter().find(|span| span.event == event);
        let other_us =
            spans.iter().filter(|span| others.contains(&span.event)).map(|span| span.first_us).min();
        if let Some((own, other_us)) = own.zip(other_us) {
            both += 1;
            before += u64::from(own.first_us < other_us);
        }
    }
    (both > 0).then_some(2 * before > both)
}

/// Positions of the events, most rows first.
fn by_rows(log: &Log) -> Vec<usize> {
    let mut order: Vec<usize> = (0..log.events.len()).filter(|at| !log.events[*at].0.is_empty()).collect();
    order.sort_by(|one, other| {
        let [one, other] = [&log.events[*one], &log.events[*other]];
        other.1.rows.cmp(&one.1.rows).then_with(|| one.0.cmp(&other.0))
    });
    order
}

fn rank_of(habit: &Habit) -> f64 {
    habit.rank.unwrap_or(0.5)
}

/// Whether a name may stand in tables as that of a stage.
fn is_stage_name(name: &str) -> bool {
    !name.trim().is_empty() && !name.starts_with('(') && !name.chars().any(char::is_control)
}

fn habits(events: usize, histories: &[Vec<Span>], places: &[Place]) -> Vec<Habit> {
    let mut habits = vec![Habit::default(); events];
    let mut ranks = vec![(0.0, 0_u64); events];
    for spans in histories {
        let is_purchase = |span: &&Span| places[span.event] == Place::Stage(StageKind::Purchase);
        let bought_us = spans.iter().filter(is_purchase).map(|span| span.first_us).min();
        let last = spans.len().saturating_sub(1);
        for (place, span) in spans.iter().enumerate() {
            let habit = &mut habits[span.event];
            habit.customers += 1;
            habit.after_purchase += u64::from(bought_us.is_some_and(|bought_us| bought_us <= span.last_us));
            if last > 0 {
                let rank = &mut ranks[span.event];
                *rank = (rank.0 + place as f64 / last as f64, rank.1 + 1);
            }
        }
    }
    for (habit, (sum, count)) in habits.iter_mut().zip(ranks) {
        habit.rank = (count > 0).then(|| sum / count as f64);
    }
    habits
}

/// Whether most customers of the last stage that many reach have skipped one before it.
///
/// The first and last time of each event stand for all of them: enough to see that a stage is skipped as a rule.
fn skips(log: &Log, histories: &[Vec<Span>], stages: &[Stage]) -> bool {
    let stage_of: Vec<Option<usize>> = log
        .events
        .iter()
        .map(|(name, _)| stages.iter().position(|stage| stage.events.contains(name)))
        .collect();
    let mut any = vec![0_u64; stages.len()];
    let mut ordered = vec![0_u64; stages.len()];
    for spans in histories {
        let mut times: Vec<Option<(i64, i64)>> = vec![None; stages.len()];
        for span in spans {
            let Some(stage) = stage_of[span.event] else { continue };
            let (first_us, last_us) = times[stage].unwrap_or((span.first_us, span.last_us));
            times[stage] = Some((first_us.min(span.first_us), last_us.max(span.last_us)));
        }
        times.iter().zip(&mut any).for_each(|(times, count)| *count += u64::from(times.is_some()));
        let mut entered_us = i64::MIN;
        for (times, count) in times.iter().zip(&mut ordered) {
            let Some((first_us, last_us)) = times.filter(|(_, last_us)| *last_us >= entered_us) else {
                break;
            };
            entered_us = entered_us.max(first_us).min(last_us);
            *count += 1;
        }
    }
    let mut rare = any.iter().zip(&ordered).filter(|(any, _)| **any >= ENOUGH_CUSTOMERS);
    rare.any(|(any, ordered)| 2 * ordered < *any)
}

/// Conversions of the events of a sample; `flag` is a column of 0 and 1 and the value that converts.
pub fn conversions(log: &Log, stages: &Stages, flag: Option<(&str, &str)>) -> Vec<Conversion> {
    let by_rows = by_rows(log);
    let named = |at: &usize| log.events[*at].0.clone();
    let of_events = |name: String, at: Vec<usize>, why: String| {
        let rows: u64 = at.iter().map(|at| log.events[*at].1.rows).sum();
        let with_value: u64 = at.iter().map(|at| log.events[*at].1.with_value).sum();
        let repeated: u64 = at.iter().map(|at| log.events[*at].1.repeated).sum();
        let otherwise: u64 = at.iter().map(|at| log.events[*at].1.repeated_otherwise).sum();
        Conversion {
            name,
            column: "event".to_owned(),
            values: at.iter().map(named).collect(),
            has_value: 2 * with_value > rows,
            has_items: 2 * otherwise > repeated,
            why,
        }
    };
    let rank = |at: &usize| {
        let name = &log.events[*at].0;
        let is_purchase = place(name) == Place::Stage(StageKind::Purchase);
        purchase_rank(&words(name)).filter(|_| is_purchase)
    };
    let best = by_rows.iter().filter_map(&rank).min();
    let mut found = Vec::new();
    if let Some(best) = best {
        let at: Vec<usize> = by_rows.iter().copied().filter(|at| rank(at) == Some(best)).collect();
        found.push(of_events(PURCHASES[best][0].to_owned(), at, "by the name of the event".to_owned()));
    } else if let Some((column, value)) = flag {
        found.push(Conversion {
            name: "conversion".to_owned(),
            column: column.to_owned(),
            values: vec![value.to_owned()],
            has_value: log.events.iter().any(|(_, rows)| rows.with_value > 0),
            has_items: false,
            why: "by the column, which has two values only".to_owned(),
        });
    } else if let Some(at) = only_with_value(log, &by_rows) {
        let why = "it is the only event whose rows have a value".to_owned();
        found.push(of_events(named(&at), vec![at], why));
    }
    let is_other = |at: &&usize| {
        let words = words(&log.events[**at].0);
        let signs_up = has_any(&words, &["sign"]) && has_any(&words, &["up"]);
        signs_up || has_any(&words, &["signup", "register", "registration", "registered", "lead"])
    };
    for at in by_rows.iter().filter(is_other).filter(|at| is_stage_name(&log.events[**at].0)).take(MAX_OTHERS)
    {
        let other = of_events(named(at), vec![*at], "by the name of the event".to_owned());
        if found.iter().all(|known| known.name != other.name) {
            found.push(other);
        }
    }
    if found.is_empty()
        && let [_, .., last] = &stages.stages[..]
    {
        let at = by_rows.iter().copied().filter(|at| last.events.contains(&log.events[*at].0)).collect();
        found.push(of_events(last.name.clone(), at, "it is the last stage".to_owned()));
    }
    found
}

/// The event that has a value in nearly every row, if the others have it in hardly any.
fn only_with_value(log: &Log, by_rows: &[usize]) -> Option<usize> {
    let share = |at: &usize| {
        let rows = &log.events[*at].1;
        rows.with_value as f64 / rows.rows.max(1) as f64
    };
    let mut valued = by_rows.iter().copied().filter(|at| share(at) > 0.1);
    let only = valued.next().filter(|_| valued.next().is_none())?;
    (share(&only) > 0.9 && by_rows.len() > 1 && is_stage_name(&log.events[only].0)).then_some(only)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::init::sample::EventRows;

    /// A log of journeys, a line each: events in order.
    fn log(journeys: &str, copies: usize) -> Log {
        let mut log = Log::default();
        let lines: Vec<&str> = journeys.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        for (customer, line) in lines.iter().cycle().take(lines.len() * copies).enumerate() {
            for (at, word) in line.split_whitespace().enumerate() {
                let (name, is_worth) = match word.strip_suffix('$') {
                    Some(name) => (name, true),
                    None => (word, false),
                };
                let event = log.events.iter().position(|(known, _)| known == name).unwrap_or_else(|| {
                    log.events.push((name.to_owned(), EventRows::default()));
                    log.events.len() - 1
                });
                log.events[event].1.rows += 1;
                log.events[event].1.with_value += u64::from(is_worth);
                log.steps.push(Step { customer: customer as u64, us: at as i64, event: event as u32 });
            }
        }
        log
    }

    fn shown(stages: &Stages) -> String {
        let each = stages.stages.iter().map(|stage| format!("{}: {}", stage.name, stage.events.join(" ")));
        each.collect::<Vec<_>>().join(" | ")
    }

    #[test]
    fn known_events_go_by_their_words_and_the_rest_is_left_out() {
        let log = log("purchase add_to_cart search page_view whatever\npage_view search error_page", 1);
        let stages = stages(&log);
        assert_eq!(
            shown(&stages),
            "visit: page_view | consideration: search | cart: add_to_cart | purchase: purchase"
        );
        assert_eq!(stages.left_out, ["error_page", "whatever"]);
    }

    #[test]
    fn unknown_events_go_by_the_order_in_which_customers_have_them() {
        let log = log("gamma alpha conversion$\ngamma alpha\ngamma gamma conversion$ beta", 30);
        let stages = stages(&log);
        assert_eq!(shown(&stages), "gamma: gamma | alpha: alpha | conversion: conversion | beta: beta");
        assert!(!stages.stages[0].by_words && stages.stages[2].by_words);
        let conversions = conversions(&log, &stages, None);
        assert_eq!((conversions.len(), &*conversions[0].name), (1, "conversion"));
        assert!(conversions[0].has_value);
    }

    #[test]
    fn what_mostly_comes_before_a_purchase_is_no_stage_after_it() {
        let log = log("home review_page chat purchase\nhome review_page chat\nhome purchase referral", 30);
        let stages = stages(&log);
        assert_eq!(
            shown(&stages),
            "visit: home | consideration: review_page | purchase: purchase | loyalty: referral"
        );
        assert_eq!(stages.left_out, ["chat"]);
    }

    #[test]
    fn a_stage_that_customers_skip_needs_no_other_before_it() {
        let usual = log("home search purchase", 30);
        assert!(!stages(&usual).any);
        let skipped = log("home search purchase\nhome purchase\nhome purchase", 30);
        assert!(stages(&skipped).any);
    }

    #[test]
    fn conversions_without_a_purchase() {
        let by_value = log("touch touch deal$\ntouch deal$", 1);
        let found = conversions(&by_value, &stages(&by_value), None);
        assert_eq!((&*found[0].name, &found[0].values[..]), ("deal", &["deal".to_owned()][..]));
        let flag = conversions(&log("click click", 1), &Stages::default(), Some(("converted", "1")));
        assert_eq!((&*flag[0].column, &*flag[0].values[0]), ("converted", "1"));
        let sign_up = log("visit sign_up", 1);
        let found = conversions(&sign_up, &stages(&sign_up), None);
        assert_eq!((found.len(), &*found[0].name), (1, "sign_up"));
        let neither = log("home search", 1);
        let found = conversions(&neither, &stages(&neither), None);
        assert_eq!((&*found[0].name, &*found[0].values[0]), ("consideration", "search"), "the last stage");
        assert!(conversions(&log("click", 1), &Stages::default(), None).is_empty());
    }

    proptest! {
        #[test]
        fn a_stage_stands_once_and_an_event_in_one_stage(
            journeys in prop::collection::vec(prop::collection::vec(0_usize..WORDS.len(), 0..6), 0..12),
        ) {
            let lines: Vec<String> = journeys
                .iter()
                .map(|journey| journey.iter().map(|at| WORDS[*at]).collect::<Vec<_>>().join(" "))
                .collect();
            let log = log(&lines.join("\n"), 1);
            let found = stages(&log);
            let mut names: Vec<&String> = found.stages.iter().map(|stage| &stage.name).collect();
            let mut events: Vec<&String> = found.stages.iter().flat_map(|stage| &stage.events).collect();
            events.extend(&found.left_out);
            let counts = (names.len(), events.len());
            names.sort();
            names.dedup();
            events.sort();
            events.dedup();
            prop_assert_eq!((names.len(), events.len()), counts);
            prop_assert_eq!(events.len(), log.events.len());
            let conversions = conversions(&log, &found, None);
            let mut names: Vec<&String> = conversions.iter().map(|conversion| &conversion.name).collect();
            names.sort();
            names.dedup();
            prop_assert_eq!(names.len(), conversions.len());
            prop_assert!(conversions.iter().all(|conversion| !conversion.values.is_empty()));
        }
    }

    /// Events of known and of unknown words, and some that are called as stages are.
    const WORDS: [&str; 14] = [
        "service",
        "visit",
        "awareness",
        "conversion",
        "purchase",
        "sign_up",
        "touch",
        "deal$",
        "x",
        "review",
        "error",
        "cart",
        "support",
        "experience",
    ];

    #[test]
    fn the_most_certain_purchase_is_the_conversion() {
        let log = log("order_created purchase$ store_purchase$ paid", 1);
        let found = conversions(&log, &stages(&log), None);
        assert_eq!((&*found[0].name, found[0].values.len()), ("purchase", 2), "{found:?}");
    }
}
