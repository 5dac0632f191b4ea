//! What becomes of each row of a batch.
//!
//! Nearly all rows are in order, and a few comparisons show it; only the others are looked at closely.

use arrow::array::Array;

use crate::config::plan::{Matcher, NUMBER_PER_UNIT};
use crate::contract::reject::Rule;
use crate::contract::suppressed::Suppressed;
use crate::input::columns::Amount;
use crate::journey::buffer::CodeColumn;
use crate::journey::key::CustomerHash;

use super::columns::BatchColumns;
use super::verdicts::{NumberUse, Verdict};
use super::{EARLIEST_US, LATEST_US};

/// What becomes of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// It counts, with null for what could not be read and that nothing uses.
    Kept(Kept),
    /// Its time lies outside.
    Outside,
    /// Left out by a rule of the configuration.
    Excluded,
    /// Its customer is not to be looked at.
    Suppressed,
    /// It breaks a rule of the contract.
    Rejected(Rejection),
}

/// What is left of a row that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Kept {
    /// Minor units.
    pub(super) amount_minor: Option<i64>,
    /// Whether the value could not be read.
    pub(super) value_nulled: bool,
}

/// How a row breaks a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rejection {
    pub(super) rule: Rule,
    /// The offending time or amount; None for null.
    pub(super) value: Option<[u8; 8]>,
    /// What the row would have been worth, minor units.
    pub(super) amount_minor: Option<i64>,
}

/// Everything that decides over the rows of a batch.
#[derive(Debug, Clone, Copy)]
pub(super) struct Screen<'b> {
    pub(super) columns: &'b BatchColumns,
    /// By row; [`CustomerHash::NOBODY`] where there is no id.
    pub(super) customers: &'b [CustomerHash],
    /// By row.
    pub(super) codes: &'b [u32],
    /// By code.
    pub(super) verdicts: &'b [Verdict],
    pub(super) suppressed: &'b Suppressed,
    /// By number: where it is used.
    pub(super) number_uses: &'b [NumberUse],
    /// Rules that look at the id.
    pub(super) exclude_ids: &'b [Matcher],
    /// Names of the text columns.
    pub(super) names: &'b [String],
    pub(super) minor_per_unit: i64,
    /// First instant read.
    pub(super) from_us: i64,
    /// First instant no longer read.
    pub(super) to_us: i64,
}

impl Screen<'_> {
    /// What the rules say of a row.
    #[inline(always)]
    pub(super) fn verdict(&self, row: usize) -> Verdict {
        self.verdicts[self.codes[row] as usize]
    }

    /// The instant of a row, µs since the epoch; None: null.
    pub(super) fn time_us(&self, row: usize) -> Option<i64> {
        let times = &self.columns.times;
        times.is_valid(row).then(|| times.value(row))
    }

    /// Notes which rows may not count, which few are, and the amounts of the others.
    ///
    /// Column by column, so that each loop is short and has nothing to remember.
    pub(super) fn glance(&self, doubts: &mut Vec<bool>, codes: &mut CodeColumn) {
        let from_us = self.from_us.max(EARLIEST_US);
        let to_us = self.to_us.min(LATEST_US);
        let times = &self.columns.times;
        let rows = self.codes.iter().zip(self.customers).zip(times.values());
        doubts.clear();
        doubts.extend(rows.map(|((code, customer), time_us)| {
            let verdict = &self.verdicts[*code as usize];
            (verdict.excluded | verdict.null_event)
                | (*time_us < from_us)
                | (*time_us >= to_us)
                | (*customer == CustomerHash::NOBODY)
                | self.suppressed.may_contain(*customer)
        }));
        if let Some(nulls) = times.nulls().filter(|nulls| nulls.null_count() > 0) {
            doubts.iter_mut().zip(nulls).for_each(|(doubt, valid)| *doubt |= !valid);
        }
        if !self.exclude_ids.is_empty() {
            doubts.fill(true);
        }
        self.columns.values.for_each(doubts.len(), self.minor_per_unit, |row, amount| match amount {
            Amount::Minor(minor) if minor >= 0 || self.verdict(row).uses_value == 0 => {
                codes.set_amount(row, minor);
            }
            _ => doubts[row] = true,
        });
        for (at, numbers) in self.columns.numbers.iter().enumerate() {
            numbers.for_each(doubts.len(), NUMBER_PER_UNIT, |row, number| match number {
                Amount::Minor(millionths) => codes.set_number(at, row, millionths),
                _ => doubts[row] = true,
            });
        }
    }

    /// Whether a number of a row is NaN, infinite or too large.
    pub(super) fn is_unusable(&self, number: usize, row: usize) -> bool {
        self.columns.numbers[number].get(row, NUMBER_PER_UNIT) == Amount::Unusable
    }

    /// The first number of a row that something uses and that can't be used.
    fn unusable_number(&self, row: usize) -> Option<usize> {
        let is_used = |at: &usize| self.number_uses[*at].includes(self.verdict(row));
        (0..self.number_uses.len()).filter(is_used).find(|at| self.is_unusable(*at, row))
    }

    /// What becomes of a row, at a closer look.
    #[inline(never)]
    pub(super) fn fate(&self, row: usize) -> Fate {
        if self.columns.times.is_null(row) {
            let rejection = Rejection { rule: Rule::NullTime, value: None, amount_minor: None };
            return Fate::Rejected(rejection);
        }
        let time_us = self.columns.times.value(row);
        if time_us < self.from_us || time_us >= self.to_us {
            return Fate::Outside;
        }
        let verdict = self.verdict(row);
        let customer = self.customers[row];
        // What is excluded on purpose is nobody's mistake, so it is looked at first.
        if verdict.excluded || customer != CustomerHash::NOBODY && self.is_excluded_by_id(row) {
            return Fate::Excluded;
        }
        if customer != CustomerHash::NOBODY && self.suppressed.contains(customer) {
            return Fate::Suppressed;
        }
        let amount = self.columns.values.get(row, self.minor_per_unit);
        let broken = match amount {
            _ if customer == CustomerHash::NOBODY => Some((Rule::NullCustomer, None)),
            _ if !(EARLIEST_US..LATEST_US).contains(&time_us) => {
                Some((Rule::ImpossibleTime, Some(time_us.to_le_bytes())))
            }
            _ if verdict.null_event => Some((Rule::NullEvent, None)),
            Amount::Unusable if verdict.moves_money() => Some((Rule::UnusableValue, None)),
            Amount::NoRate if verdict.moves_money() => Some((Rule::MissingRate, None)),
            Amount::Minor(minor) if verdict.uses_value != 0 && minor < 0 => {
                Some((Rule::NegativeValue, Some(minor.to_le_bytes())))
            }
            _ => self.unusable_number(row).map(|number| (Rule::UnusableNumber(number as u16), None)),
        };
        let amount_minor = match amount {
            Amount::Minor(minor) => Some(minor),
            Amount::Null | Amount::Unusable | Amount::NoRate => None,
        };
        match broken {
            Some((rule, value)) => Fate::Rejected(Rejection { rule, value, amount_minor }),
            None => {
                let value_nulled = matches!(amount, Amount::Unusable | Amount::NoRate);
                Fate::Kept(Kept { amount_minor, value_nulled })
            }
        }
    }

    fn is_excluded_by_id(&self, row: usize) -> bool {
        if self.exclude_ids.is_empty() {
            return false;
        }
        let mut digits = itoa::Buffer::new();
        let id = self.columns.ids.get(row, &mut digits).and_then(|id| std::str::from_utf8(id).ok());
        self.exclude_ids.iter().any(|matcher| {
            matcher.matches(|name| {
                if name == "customer_id" {
                    return id;
                }
                let column = self.names.iter().position(|column| column == name)?;
                self.columns.texts[column].get(row)
            })
        })
    }
}
