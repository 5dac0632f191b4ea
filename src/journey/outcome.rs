//! Whether a row brings value in, takes it back, or neither: decided once per combination of texts.

use crate::config::plan::{Plan, wildcard_match};

/// What every row with one combination of texts is to the conversions of a plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Outcome {
    /// Bit `c`: the row is conversion `c`.
    pub conversions: u64,
    /// Whether the row takes value back.
    pub refund: bool,
}

impl Outcome {
    /// Of the columns that `value` returns; None is null.
    pub fn of<'a>(plan: &Plan, value: impl Fn(&str) -> Option<&'a str> + Copy) -> Self {
        // What takes value back is no conversion, whatever else it matches.
        let refund = value("event")
            .is_some_and(|event| plan.refunds.iter().any(|pattern| wildcard_match(pattern, event)));
        if refund {
            return Self { conversions: 0, refund };
        }
        let matched = plan.conversions.iter().enumerate().filter(|(_, c)| c.matcher.matches(value));
        Self { conversions: matched.fold(0, |bits, (index, _)| bits | 1 << index), refund }
    }
}
