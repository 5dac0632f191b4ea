//! A row of the table: what goes in, and every figure of it, or why there is none. Money in minor units.

use crate::attribution::allocate::MILLIONTHS;
use crate::config::plan::Model;
use crate::stats::{Interval, Reason};

use super::super::attribution::cohort::{Cohort, Unpaid};
use super::super::attribution::solve::ChannelCredit;
use super::super::attribution::solve_units::UnitCredit;
use super::super::attribution::tables::NOT_ADDITIVE;
use super::super::suppression::{WITHHELD, is_small};
use super::spend::{Place, SpendSum};

/// Value beside its cost.
#[derive(Debug, Clone, Copy)]
pub(super) struct Money {
    /// None: the model gives no figures.
    pub(super) value_minor: Option<i128>,
    pub(super) cost_minor: i128,
}

impl Money {
    fn roas(self) -> Option<f64> {
        Some(self.value_minor.filter(|_| self.cost_minor > 0)? as f64 / self.cost_minor as f64)
    }
}

/// What a channel or campaign is credited with.
#[derive(Debug, Clone, Copy)]
pub(super) struct Credited {
    pub(super) credit_millionths: i64,
    pub(super) credit_interval: Result<Interval, Reason>,
    pub(super) value_minor: i128,
    pub(super) value_interval: Result<Interval, Reason>,
}

impl From<&ChannelCredit> for Credited {
    fn from(credit: &ChannelCredit) -> Self {
        let ChannelCredit { credit_millionths, credit_interval, value_minor, value_interval, .. } = *credit;
        Self { credit_millionths, credit_interval, value_minor, value_interval }
    }
}

impl From<&UnitCredit> for Credited {
    fn from(credit: &UnitCredit) -> Self {
        let UnitCredit { credit_millionths, credit_interval, value_minor, value_interval, .. } = *credit;
        Self { credit_millionths, credit_interval, value_minor, value_interval }
    }
}

/// What is known of a channel or campaign under one conversion and model.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'a> {
    pub(super) conversion: &'a str,
    pub(super) model: Model,
    pub(super) place: Place<'a>,
    pub(super) primary: bool,
    pub(super) has_value: bool,
    /// Why the model gives no figures.
    pub(super) withheld: Option<Reason>,
    /// None: there is no spend input.
    pub(super) spend: Option<SpendSum>,
    /// None: no touches.
    pub(super) credit: Option<Credited>,
    /// None: there is no spend input.
    pub(super) new_millionths: Option<i64>,
    /// Of the conversion; None: there is no spend input.
    pub(super) cohort: Option<&'a Cohort>,
    /// None: no window is compared.
    pub(super) before: Option<Money>,
    pub(super) margin: f64,
    /// 1: counts of customers are shown however small.
    pub(super) min_customers: u64,
}

/// Why a figure of the row is null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Gap {
    /// Credit of the model doesn't add up over channels.
    NotAdditive,
    /// Money was spent where no touch was seen.
    NoTouches,
    /// Nothing is credited.
    NoCredit,
    /// No money was spent.
    NoSpend,
    /// Money was spent, none in the window before.
    NoPreviousSpend,
    /// The conversion has no value.
    NoValue,
    /// No first-ever conversion is credited.
    NoNewCustomers,
    /// Too few new customers were there for a month.
    PaybackImmature,
    /// New customers are so few that their number isn't shown.
    FewNewCustomers,
    /// New customers didn't bring in what they cost, as long as they were seen.
    PaybackNotReached,
    /// An interval, or all that a model says, is withheld.
    Withheld(Reason),
}

impl Gap {
    /// Text in the column `note`.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Gap::NotAdditive => NOT_ADDITIVE,
            Gap::NoTouches => "no_touches",
            Gap::NoCredit => "no_credit",
            Gap::NoSpend => "no_spend",
            Gap::NoPreviousSpend => "no_previous_spend",
            Gap::NoValue => "no_value",
            Gap::NoNewCustomers => "no_new_customers",
            Gap::FewNewCustomers => WITHHELD,
            Gap::PaybackImmature => "payback_immature",
            Gap::PaybackNotReached => "payback_not_reached",
            Gap::Withheld(reason) => reason.as_str(),
        }
    }
}

impl Row<'_> {
    pub(super) fn level(&self) -> &'static str {
        if self.place.campaign.is_some() { "campaign" } else { "channel" }
    }

    /// None: the model gives no figures.
    pub(super) fn credit_millionths(&self) -> Option<i64> {
        self.withheld.is_none().then(|| self.credit.map_or(0, |credit| credit.credit_millionths))
    }

    /// None: the conversion has no value, or the model gives no figures.
    pub(super) fn value_minor(&self) -> Option<i128> {
        let has_figure = self.has_value && self.withheld.is_none();
        has_figure.then(|| self.credit.map_or(0, |credit| credit.value_minor))
    }

    /// Credited first-ever conversions in millionths; None: there is no spend input, no figure, or it is one or
    /// two customers, or a part of them.
    pub(super) fn new_millionths(&self) -> Option<i64> {
        self.new_millionths.filter(|_| self.withheld.is_none() && !self.has_few_new())
    }

    fn has_few_new(&self) -> bool {
        // Parts of a customer are no more than the customer.
        let customers =
            self.new_millionths.map_or(0, |new| new.max(0).unsigned_abs().div_ceil(MILLIONTHS as u64));
        is_small(customers, self.min_customers)
    }

    /// What was spent, if anything was.
    fn cost_minor(&self) -> Option<f64> {
        self.spend.map(|spend| spend.cost_minor).filter(|cost| *cost > 0).map(|cost| cost as f64)
    }

    pub(super) fn roas(&self) -> Option<f64> {
        Some(self.value_minor()? as f64 / self.cost_minor()?)
    }

    pub(super) fn roas_interval(&self) -> Option<Interval> {
        let value = self.credit?.value_interval.ok().filter(|_| self.has_value)?;
        let cost = self.cost_minor()?;
        Some(Interval { low: value.low / cost, high: value.high / cost })
    }

    pub(super) fn roi(&self) -> Option<f64> {
        let cost = self.cost_minor()?;
        Some((self.value_minor()? as f64 * self.margin - cost) / cost)
    }

    pub(super) fn cost_per_conversion(&self) -> Option<f64> {
        let credit = self.credit_millionths().filter(|credit| *credit > 0)?;
        Some(self.cost_minor()? * MILLIONTHS as f64 / credit as f64)
    }

    /// More credit is a lower cost.
    pub(super) fn cost_per_conversion_interval(&self) -> Option<Interval> {
        self.cost_per_conversion()?;
        let credit = self.credit?.credit_interval.ok()?;
        let cost = self.cost_minor()?;
        Some(Interval { low: cost / credit.high, high: cost / credit.low })
    }

    pub(super) fn acquisition_cost(&self) -> Option<f64> {
        let customers = self.new_millionths().filter(|customers| *customers > 0)?;
        Some(self.cost_minor()? * MILLIONTHS as f64 / customers as f64)
    }

    /// None: there is nothing to pay back, or nothing to pay it with.
    pub(super) fn payback(&self) -> Option<Result<i64, Unpaid>> {
        let cost = self.acquisition_cost().filter(|_| self.has_value)?;
        Some(self.cohort?.payback_months(cost, self.margin))
    }

    pub(super) fn roas_previous(&self) -> Option<f64> {
        // Beside a figure of today that isn't there it would compare nothing.
        self.roas()?;
        self.before?.roas()
    }

    /// Why figures are null, the most telling first.
    pub(super) fn gaps(&self) -> Vec<Gap> {
        let mut gaps = Vec::new();
        if !self.model.is_additive() {
            gaps.push(Gap::NotAdditive);
        }
        let credited = self.credit_millionths().is_some_and(|credit| credit > 0);
        let paid = self.cost_minor().is_some();
        if let Some(reason) = self.withheld {
            gaps.push(Gap::Withheld(reason));
        } else if self.credit.is_none() {
            gaps.push(Gap::NoTouches);
        } else if !credited {
            gaps.push(Gap::NoCredit);
        }
        if self.withheld.is_none() && self.has_few_new() {
            gaps.push(Gap::FewNewCustomers);
        }
        if !paid {
            gaps.push(Gap::NoSpend);
            return gaps;
        }
        if !self.has_value {
            gaps.push(Gap::NoValue);
        }
        if let Some(credit) = self.credit.filter(|_| credited) {
            gaps.extend(credit.credit_interval.err().map(Gap::Withheld));
            gaps.extend(credit.value_interval.err().filter(|_| self.has_value).map(Gap::Withheld));
            if self.acquisition_cost().is_none() && !self.has_few_new() {
                gaps.push(Gap::NoNewCustomers);
            }
        }
        gaps.extend(self.payback().and_then(Result::err).map(|unpaid| match unpaid {
            Unpaid::Immature => Gap::PaybackImmature,
            Unpaid::NotReached => Gap::PaybackNotReached,
        }));
        if self.before.is_some() && self.has_value && self.roas_previous().is_none() {
            gaps.push(Gap::NoPreviousSpend);
        }
        gaps
    }
}
