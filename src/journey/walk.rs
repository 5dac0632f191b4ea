//! One walk over a journey finds everything the analyses ask about: touches, stage entries, and the
//! paths that lead to each target.

use std::ops::Range;

use crate::config::plan::{AfterConversion, ConversionValue, PathTransform, StageMode};

use super::orders::{OrderBook, OrderPlace, OrderRow};
use super::partition::{Journey, Touchpoint};
use super::path::transform;
use super::rules::Rules;

/// A row that may earn credit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Touch {
    /// µs since the epoch.
    pub time_us: i64,
    /// Position in the journey.
    pub row: u32,
    /// Index into [`Rules::channels`].
    pub channel: u16,
    /// So many touches it stands for: more than one where [`Rules::path`] has made several into one.
    pub repeats: u16,
}

/// How a path ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEnd {
    /// In its target.
    Converted {
        /// µs since the epoch.
        time_us: i64,
        /// Worth in minor units; 0 for stages.
        value_minor: i64,
    },
    /// Without it.
    Null,
    /// In its target, and now value goes back: the path is that of the conversion.
    Refunded {
        /// When value went back, µs since the epoch.
        time_us: i64,
        /// What goes back, minor units.
        value_minor: i64,
        /// Whether nothing is left of the order, so that the credit goes back too.
        whole: bool,
    },
}

/// The touches that led to a target, or would have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path {
    /// Index into [`Rules::targets`].
    pub target: usize,
    /// How it ended.
    pub end: PathEnd,
    /// Into [`Walk::on_paths`]; may be empty where the path converted.
    pub touches: Range<usize>,
}

/// A row of a conversion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversionEvent {
    /// Index of the conversion.
    pub conversion: usize,
    /// Position in the journey: of the first row, where an order has several.
    pub row: u32,
    /// µs since the epoch.
    pub time_us: i64,
    /// Worth in minor units.
    pub value_minor: i64,
    /// Hash of the order's id.
    pub order: Option<u64>,
    /// What refunds have taken back so far, minor units.
    pub refunded_minor: i64,
    /// Into [`Walk::touches`].
    pub touches: Range<usize>,
}

/// A row of a refund in the window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RefundEvent {
    /// What it names, or where it names nothing what was left of its order, minor units.
    pub value_minor: i64,
    /// What was taken back from a conversion.
    pub linked_minor: i64,
}

/// What a journey holds. Made once and filled again for every journey.
#[derive(Debug, Default)]
pub struct Walk {
    /// In order, before [`Rules::path`] changes those of a path.
    pub touches: Vec<Touch>,
    /// By stage: position of the row that entered it.
    pub entries: Vec<Option<u32>>,
    /// Every conversion of the data read, in order; those outside the window are context.
    pub conversions: Vec<ConversionEvent>,
    /// Refunds of the reporting window.
    pub refunds: Vec<RefundEvent>,
    /// Rows of the reporting window whose order has its conversion already.
    pub order_rows: Vec<OrderRow>,
    /// The paths whose end lies in the reporting window.
    pub paths: Vec<Path>,
    /// Position of the first row in the reporting window.
    pub first_in_window: Option<usize>,
    /// Touches cut off the front of paths that were too long.
    pub cut_touches: u64,
    /// By conversion: index of the first touch after its last row so far.
    last_conversion_touch: Vec<Option<usize>>,
    same_instant: Vec<usize>,
    orders: OrderBook,
    /// By row: number of touches up to it.
    touches_up_to: Vec<u32>,
    /// By row: the stages that it matches.
    stages_of: Vec<u64>,
    /// One path after the other, where they aren't just ranges of the touches.
    transformed: Option<Vec<Touch>>,
}

impl Walk {
    /// The touches that paths are ranges of: those of the journey, unless [`Rules::path`] changes them.
    #[inline]
    pub fn on_paths(&self) -> &[Touch] {
        self.transformed.as_ref().unwrap_or(&self.touches)
    }

    /// Walks over a journey.
    pub fn over(&mut self, journey: &Journey<'_>, rules: &Rules) {
        self.touches.clear();
        self.entries.clear();
        self.entries.resize(rules.stages, None);
        self.conversions.clear();
        self.refunds.clear();
        self.order_rows.clear();
        self.orders.begin(journey, rules);
        self.paths.clear();
        self.cut_touches = 0;
        self.first_in_window = journey.rows.iter().position(|row| rules.in_window(row.time_us));
        self.last_conversion_touch.clear();
        self.last_conversion_touch.resize(rules.conversion_values.len(), None);
        self.touches_and_conversions(journey, rules);
        self.stage_entries(journey, rules);
        self.stage_paths(journey, rules);
        if rules.null_paths {
            self.null_paths(journey, rules);
        }
        if rules.path != PathTransform::Unique {
            self.transform_paths(rules.path);
        }
    }

    fn transform_paths(&mut self, by: PathTransform) {
        let mut transformed = self.transformed.take().unwrap_or_default();
        transformed.clear();
        for path in &mut self.paths {
            let start = transformed.len();
            transform(by, &self.touches[path.touches.clone()], &mut transformed);
            path.touches = start..transformed.len();
        }
        self.transformed = Some(transformed);
    }

    fn touches_and_conversions(&mut self, journey: &Journey<'_>, rules: &Rules) {
        let mut reach = 0;
        // Every row is written down as a touch, and written over unless it is one: which rows are is too
        // irregular to be foreseen.
        let mut end = 0;
        self.touches.clear();
        self.touches.resize(journey.rows.len(), Touch::default());
        self.touches_up_to.clear();
        self.stages_of.clear();
        for (position, row) in journey.rows.iter().enumerate() {
            let facts = &rules.facts[row.code as usize];
            let mut conversions = facts.conversions;
            if conversions != 0 {
                let earliest_us = row.time_us.saturating_sub(rules.lookback_us);
                while reach < end && self.touches[reach].time_us < earliest_us {
                    reach += 1;
                }
            }
            while conversions != 0 {
                let conversion = conversions.trailing_zeros() as usize;
                conversions &= conversions - 1;
                let order = journey.order(row);
                let worth_minor = rules.conversion_amount_minor(conversion, journey.amount_minor(row));
                let reported = rules.in_window(row.time_us);
                let value_minor = match self.orders.place(conversion, order, row, worth_minor, rules) {
                    OrderPlace::Conversion(value_minor) => value_minor,
                    OrderPlace::Further(further) => {
                        self.order_rows.extend(reported.then_some(further));
                        continue;
                    }
                };
                let restart = match rules.after_conversion {
                    AfterConversion::Restart => self.last_conversion_touch[conversion].unwrap_or(0),
                    AfterConversion::Reuse => 0,
                };
                // What comes after this conversion begins after its own row, also where that is a touch.
                self.last_conversion_touch[conversion] = Some(end + usize::from(facts.touch));
                let start = self.limit(reach.max(restart).min(end), end, rules, reported);
                self.conversions.push(ConversionEvent {
                    conversion,
                    row: position as u32,
                    time_us: row.time_us,
                    value_minor,
                    order,
                    refunded_minor: 0,
                    touches: start..end,
                });
                if reported {
                    self.paths.push(Path {
                        target: rules.stages + conversion,
                        end: PathEnd::Converted { time_us: row.time_us, value_minor },
                        touches: start..end,
                    });
                }
            }
            if facts.refund {
                self.refund(row, journey, rules);
            }
            self.touches[end] =
                Touch { time_us: row.time_us, row: position as u32, channel: facts.channel, repeats: 1 };
            end += usize::from(facts.touch);
            self.touches_up_to.push(end as u32);
            self.stages_of.push(facts.stages);
        }
        self.touches.truncate(end);
    }

    fn stage_entries(&mut self, journey: &Journey<'_>, rules: &Rules) {
        let rows = journey.rows;
        let stages_of = &self.stages_of;
        if rules.stages == 0 {
            return;
        }
        match rules.stage_mode {
            StageMode::Any => {
                for (position, stages) in stages_of.iter().enumerate() {
                    let mut stages = *stages;
                    while stages != 0 {
                        let stage = stages.trailing_zeros() as usize;
                        stages &= stages - 1;
                        if self.entries[stage].is_none() {
                            self.entries[stage] = Some(position as u32);
                        }
                    }
                }
                // The window counts from the entry into the first stage.
                if let (Some(window_us), Some(first)) = (rules.stage_window_us, self.entries[0]) {
                    let end_us = rows[first as usize].time_us.saturating_add(window_us);
                    for entry in &mut self.entries[1..] {
                        *entry = entry.filter(|position| rows[*position as usize].time_us < end_us);
                    }
                }
            }
            StageMode::Ordered => {
                let mut from = 0;
                let mut end_us = i64::MAX;
                self.same_instant.clear();
                for stage in 0..rules.stages {
                    let found = (from..rows.len())
                        .take_while(|position| rows[*position].time_us < end_us)
                        .find(|position| {
                            stages_of[*position] >> stage & 1 == 1 && !self.same_instant.contains(position)
                        });
                    let Some(position) = found else { break };
                    self.entries[stage] = Some(position as u32);
                    let time_us = rows[position].time_us;
                    if stage == 0 {
                        end_us =
                            rules.stage_window_us.map_or(i64::MAX, |window| time_us.saturating_add(window));
                    }
                    // The next stage may be entered at the same instant, also by a row that stands earlier.
                    self.same_instant.retain(|used| rows[*used].time_us == time_us);
                    self.same_instant.push(position);
                    from = position;
                    while from > 0 && rows[from - 1].time_us == time_us {
                        from -= 1;
                    }
                }
            }
        }
    }

    fn stage_paths(&mut self, journey: &Journey<'_>, rules: &Rules) {
        for stage in 0..rules.stages {
            let Some(entry) = self.entries[stage] else { continue };
            let time_us = journey.rows[entry as usize].time_us;
            if !rules.in_window(time_us) {
                continue;
            }
            // The entry row itself included.
            let end = self.touches_up_to[entry as usize] as usize;
            let after = self.touches_after_lower_entry(stage, entry);
            let reach = self.reach(time_us, rules);
            let start = self.limit(after.max(reach).min(end), end, rules, true);
            self.paths.push(Path {
                target: stage,
                end: PathEnd::Converted { time_us, value_minor: 0 },
                touches: start..end,
            });
        }
    }

    /// Index of the first touch after the latest entry into a lower stage before `row`.
    fn touches_after_lower_entry(&self, stage: usize, row: u32) -> usize {
        let latest = self.entries[..stage].iter().flatten().filter(|entry| **entry < row).max();
        latest.map_or(0, |latest| self.touches_up_to[*latest as usize] as usize)
    }

    /// Index of the first touch within the lookback before an instant.
    fn reach(&self, time_us: i64, rules: &Rules) -> usize {
        let earliest_us = time_us.saturating_sub(rules.lookback_us);
        match self.touches.first() {
            Some(first) if first.time_us < earliest_us => {
                self.touches.partition_point(|touch| touch.time_us < earliest_us)
            }
            _ => 0,
        }
    }

    fn null_paths(&mut self, journey: &Journey<'_>, rules: &Rules) {
        for conversion in 0..rules.conversion_values.len() {
            let start = self.last_conversion_touch[conversion].unwrap_or(0);
            self.push_null_path(rules.stages + conversion, start, rules);
        }
        for stage in 0..rules.stages {
            if self.entries[stage].is_some() {
                continue;
            }
            let start = match stage.checked_sub(1) {
                None => 0,
                Some(previous) => {
                    if self.entries[previous].is_none() || !self.stage_window_is_over(journey, rules) {
                        continue;
                    }
                    self.touches_after_lower_entry(stage, u32::MAX)
                }
            };
            self.push_null_path(stage, start, rules);
        }
    }

    /// Whether the customer can't enter another stage any more, as far as `to` can tell.
    pub fn stage_window_is_over(&self, journey: &Journey<'_>, rules: &Rules) -> bool {
        match (rules.stage_window_us, self.entries.first().copied().flatten()) {
            (Some(window_us), Some(first)) => {
                journey.rows[first as usize].time_us.saturating_add(window_us) <= rules.to_us
            }
            _ => true,
        }
    }

    fn push_null_path(&mut self, target: usize, start: usize, rules: &Rules) {
        let end = self.touches.len();
        let Some(last) = self.touches[start..].last() else { return };
        if !rules.in_window(last.time_us) {
            return;
        }
        let reach = self.reach(last.time_us, rules);
        let start = self.limit(start.max(reach), end, rules, true);
        self.paths.push(Path { target, end: PathEnd::Null, touches: start..end });
    }

    /// Takes value back from the conversions of the refund's order, the oldest first.
    fn refund(&mut self, row: &Touchpoint, journey: &Journey<'_>, rules: &Rules) {
        let reported = rules.in_window(row.time_us);
        let named = journey.amount_minor(row).map(i64::saturating_abs);
        let order = journey.order(row);
        let mut linked_minor = 0;
        for conversion in 0..rules.conversion_values.len() {
            if rules.conversion_values[conversion] != ConversionValue::Column || order.is_none() {
                continue;
            }
            let mut left = named.unwrap_or(i64::MAX);
            let mut taken = 0;
            let own = self
                .conversions
                .iter_mut()
                .filter(|event| event.conversion == conversion && event.order == order);
            for event in own {
                let value_minor = left.min(event.value_minor - event.refunded_minor);
                if value_minor <= 0 {
                    continue;
                }
                event.refunded_minor += value_minor;
                left -= value_minor;
                taken += value_minor;
                if reported {
                    self.paths.push(Path {
                        target: rules.stages + conversion,
                        end: PathEnd::Refunded {
                            time_us: row.time_us,
                            value_minor,
                            whole: event.refunded_minor == event.value_minor,
                        },
                        touches: event.touches.clone(),
                    });
                }
            }
            // One row may stand for several conversions: it is one refund all the same.
            linked_minor = linked_minor.max(taken);
        }
        if reported {
            self.refunds.push(RefundEvent { value_minor: named.unwrap_or(linked_minor), linked_minor });
        }
    }

    fn limit(&mut self, start: usize, end: usize, rules: &Rules, reported: bool) -> usize {
        let limited = start.max(end.saturating_sub(rules.max_path_touches));
        if reported {
            self.cut_touches += (limited - start) as u64;
        }
        limited
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::plan::Orders;
    use crate::journey::testing::World;

    /// Paths as text: target, end, and the positions of the touches.
    fn paths(world: &mut World, text: &str) -> Vec<String> {
        let journey = world.journey(text);
        let walk = journey.walk(&world.rules);
        let shown = |path: &Path| {
            let end = match path.end {
                PathEnd::Converted { value_minor, .. } => format!("={value_minor}"),
                PathEnd::Null => "null".to_owned(),
                PathEnd::Refunded { value_minor, whole, .. } => {
                    format!("-{value_minor}{}", if whole { " whole" } else { "" })
                }
            };
            let touches: Vec<String> =
                walk.on_paths()[path.touches.clone()].iter().map(|touch| touch.row.to_string()).collect();
            format!("{} {end} [{}]", world.rules.targets[path.target].name, touches.join(" "))
        };
        walk.paths.iter().map(shown).collect()
    }

    fn buyers() -> World {
        World::new(&[], &["buy"])
    }

    #[test]
    fn a_touch_exactly_a_lookback_old_still_counts() {
        let mut world = buyers();
        world.rules.lookback_us = crate::config::plan::DAY_US;
        assert_eq!(paths(&mut world, "x d1, x d2, buy d3 =5"), ["buy =5 [1]"]);
        assert_eq!(paths(&mut world, "x d1/23:59, x d2/00:01, buy d3/00:01"), ["buy =0 [1]"]);
    }

    #[test]
    fn a_touch_at_the_same_instant_counts_if_it_stands_before() {
        assert_eq!(paths(&mut buyers(), "x d1, buy d1 =5, x d1"), ["buy =5 [0]", "buy null [2]"]);
    }

    #[test]
    fn a_second_conversion_looks_back_on_its_own_or_only_to_the_first() {
        let mut world = buyers();
        let text = "x d1, buy d2 =1, x d3, buy d4 =2";
        assert_eq!(paths(&mut world, text), ["buy =1 [0]", "buy =2 [0 2]"]);
        world.rules.after_conversion = AfterConversion::Restart;
        assert_eq!(paths(&mut world, text), ["buy =1 [0]", "buy =2 [2]"]);
    }

    #[test]
    fn context_is_looked_at_but_not_reported() {
        let mut world = buyers();
        world.rules.from_us = 2 * crate::config::plan::DAY_US;
        assert_eq!(paths(&mut world, "x d1, buy d1/12:00 =1, buy d2 =2"), ["buy =2 [0]"]);
        assert_eq!(paths(&mut world, "x d1"), [] as [&str; 0], "a null path ends with its last touch");
        assert_eq!(paths(&mut world, "x d1, x d2"), ["buy null [0 1]"]);
    }

    #[test]
    fn null_paths_begin_after_the_last_conversion_and_keep_to_the_lookback() {
        let mut world = buyers();
        assert_eq!(paths(&mut world, "x d1, buy d2, x d3, x d4"), ["buy =0 [0]", "buy null [2 3]"]);
        world.rules.lookback_us = crate::config::plan::DAY_US;
        assert_eq!(paths(&mut world, "x d1, x d3, x d4"), ["buy null [1 2]"]);
        world.rules.null_paths = false;
        assert_eq!(paths(&mut world, "x d1, x d3, x d4"), [] as [&str; 0]);
    }

    #[test]
    fn long_paths_keep_their_last_touches() {
        let mut world = buyers();
        world.rules.max_path_touches = 2;
        let journey = world.journey("x d1, x d2, x d3, buy d4");
        let walk = journey.walk(&world.rules);
        assert_eq!(walk.paths[0].touches, 1..3);
        assert_eq!(walk.cut_touches, 1);
    }

    #[test]
    fn each_path_is_transformed_on_its_own() {
        let mut world = buyers();
        world.rules.channels = vec!["a".to_owned(), "b".to_owned()];
        let text = "a d1, a d2, b d3, buy d4 =5 #1, b d5, a d6, buy d7 =6, refund d8 =5 #1";
        let refunded = |first: &str, second: &str| {
            vec![format!("buy =5 [{first}]"), format!("buy =6 [{second}]"), format!("buy -5 whole [{first}]")]
        };
        assert_eq!(paths(&mut world, text), refunded("0 1 2", "0 1 2 4 5"));
        world.rules.path = PathTransform::Exposure;
        assert_eq!(paths(&mut world, text), refunded("0 2", "0 2 5"));
        world.rules.path = PathTransform::First;
        assert_eq!(paths(&mut world, text), refunded("0 2", "0 2"));
        world.rules.max_path_touches = 2;
        assert_eq!(paths(&mut world, text), refunded("1 2", "4 5"), "cut first, then transformed");
    }

    #[test]
    fn a_stage_is_credited_to_what_came_after_the_lower_entry() {
        let mut world = World::new(&["a", "b", "c"], &[]);
        world.rules.stage_mode = StageMode::Ordered;
        assert_eq!(
            paths(&mut world, "x d1, a d2, x d3, b d4"),
            ["a =0 [0 1]", "b =0 [2 3]", "c null []"].map(str::to_owned)[..2],
            "the entry row itself is a touch; nothing comes after the last entry"
        );
        assert_eq!(paths(&mut world, "x d1, a d2, x d3"), ["a =0 [0 1]", "b null [2]"]);
        assert_eq!(paths(&mut world, "x d1, x d2"), ["a null [0 1]"]);
    }

    #[test]
    fn stages_of_one_instant_are_entered_in_order_whatever_the_order_of_rows() {
        let mut world = World::new(&["a", "b", "c"], &[]);
        world.rules.stage_mode = StageMode::Ordered;
        let entries = |world: &mut World, text: &str| {
            let journey = world.journey(text);
            journey.walk(&world.rules).entries
        };
        assert_eq!(entries(&mut world, "c d1, b d1, a d1"), [Some(2), Some(1), Some(0)]);
        assert_eq!(entries(&mut world, "b d1, a d2, c d3"), [Some(1), None, None]);
        assert_eq!(entries(&mut world, "a+b d1, b d2"), [Some(0), Some(1), None], "a row enters one stage");
        world.rules.stage_mode = StageMode::Any;
        assert_eq!(entries(&mut world, "b d1, a d2, c d3"), [Some(1), Some(0), Some(2)]);
    }

    #[test]
    fn a_refund_takes_back_what_its_order_gave() {
        let mut world = buyers();
        let part = "x d1, buy d2 =100 #7, refund d3 =30 #7, refund d4 =-70 #7, refund d5 =1 #7";
        assert_eq!(paths(&mut world, part)[..3], ["buy =100 [0]", "buy -30 [0]", "buy -70 whole [0]"]);
        let walk = world.journey(part).walk(&world.rules);
        let linked: Vec<(i64, i64)> =
            walk.refunds.iter().map(|refund| (refund.value_minor, refund.linked_minor)).collect();
        assert_eq!(linked, [(30, 30), (70, 70), (1, 0)]);
        let unnamed = "x d1, buy d2 =100 #7, refund d3 #7";
        assert_eq!(paths(&mut world, unnamed)[1], "buy -100 whole [0]", "no value: all that is left");
        assert_eq!(paths(&mut world, "x d1, buy d2 =100 #7, refund d3 =100 #8").len(), 1, "another order");
        assert_eq!(paths(&mut world, "refund d1 =5 #7, x d2, buy d3 =9 #7").len(), 1, "not yet ordered");
    }

    #[test]
    fn a_repeated_order_is_one_conversion() {
        let mut world = buyers();
        let text = "x d1, buy d2 =100 #7, x d3, buy d4 =100 #7, buy d4 =30 #8, buy d5 =40, buy d6 =50";
        assert_eq!(paths(&mut world, text).len(), 5, "unless asked for, every row is one");
        world.rules.orders = vec![Some(Orders::First)];
        let alone = ["buy =40 [0 2]", "buy =50 [0 2]"];
        assert_eq!(paths(&mut world, text), [&["buy =100 [0]", "buy =30 [0 2]"][..], &alone[..]].concat());
        let walk = world.journey(text).walk(&world.rules);
        assert_eq!(walk.order_rows, [OrderRow { conversion: 0, is_item: false, left_out_minor: 100 }]);
        world.rules.after_conversion = AfterConversion::Restart;
        assert_eq!(paths(&mut world, text)[1], "buy =30 [2]", "a repetition begins no new path");
        let whole = "buy d2 =100 #7, buy d2 =100 #7, refund d3 =100 #7";
        assert_eq!(paths(&mut world, whole), ["buy =100 []", "buy -100 whole []"]);
    }

    #[test]
    fn the_items_of_an_order_are_one_conversion_worth_their_sum() {
        let mut world = buyers();
        world.rules.orders = vec![Some(Orders::Sum)];
        let text = "x d1, buy d2 =100 #7, x d3, buy d4 =11 #7, buy d4 =30 #8, buy d5 =7 #8, buy d5 #7";
        assert_eq!(paths(&mut world, text), ["buy =111 [0]", "buy =37 [0 2]"]);
        let refunded = "buy d2 =100 #7, buy d2 =11 #7, refund d3 =100 #7, refund d3 =11 #7";
        assert_eq!(
            paths(&mut world, refunded),
            ["buy =111 []", "buy -100 []", "buy -11 whole []"],
            "part by part, and in full with the last"
        );
        world.rules.from_us = 3 * crate::config::plan::DAY_US;
        assert_eq!(paths(&mut world, text), ["buy =37 [0 2]"], "dated by its first row");
        let walk = world.journey(text).walk(&world.rules);
        let left_out: Vec<i64> = walk.order_rows.iter().map(|row| row.left_out_minor).collect();
        assert_eq!(left_out, [11, 0, 0], "what belongs to an order from before the window");
        world.rules.conversion_values = vec![ConversionValue::FixedMinor(5)];
        world.rules.from_us = 0;
        assert_eq!(paths(&mut world, text), ["buy =5 [0]", "buy =5 [0 2]"], "one is worth what one is worth");
    }

    #[test]
    fn a_refund_reaches_back_before_the_window() {
        let mut world = buyers();
        world.rules.from_us = 3 * crate::config::plan::DAY_US;
        assert_eq!(paths(&mut world, "x d1, buy d2 =100 #7, refund d3 =40 #7"), ["buy -40 [0]"]);
    }
}
