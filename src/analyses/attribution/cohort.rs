//! What new customers bring, month by month since their first conversion: what a payback is read off.
//!
//! A cohort is the customers whose first conversion in the data read lies in the window. A month is 30 days, counted
//! from each customer's own first conversion, and only months that were over by the end of the window count. The
//! mean of each month is over those who were there for all of it, and means are added up: the cohort of each
//! month is a different one, as in a life table, so young customers don't lower the months that they haven't had.

use crate::config::plan::DAY_US;
use crate::journey::Rules;
use crate::journey::walk::ConversionEvent;

/// A month.
pub const MONTH_US: i64 = 30 * DAY_US;

/// Longer is no customer followed.
const MONTHS: i64 = 60;

/// Customers who must have been there for a month: the mean of fewer says little of the next ones.
pub const MIN_CUSTOMERS: u64 = 10;

/// Customers of one conversion with what they brought. Vectors are by month; month 0 is the first conversion itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Cohort {
    /// Customers of whom the whole month was seen.
    pub customers: Vec<u64>,
    /// What they brought in it, less what was taken back, minor units.
    pub value_minor: Vec<i128>,
}

/// Why there is no payback.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unpaid {
    /// Of too few customers a month was seen.
    Immature,
    /// Not within the months that were seen.
    NotReached,
}

impl Cohort {
    /// For a window of this length, nobody seen.
    pub fn new(window_us: i64) -> Self {
        let months = (window_us / MONTH_US).clamp(0, MONTHS) as usize;
        Self { customers: vec![0; months + 1], value_minor: vec![0; months + 1] }
    }

    /// Adds a customer: the events of one conversion in the data read, in order, the first of them in the window.
    pub fn add<'a>(&mut self, events: impl IntoIterator<Item = &'a ConversionEvent>, rules: &Rules) {
        let mut first_us = None;
        let mut over = 0;
        for event in events {
            let value_minor = i128::from(event.value_minor) - i128::from(event.refunded_minor);
            let month = match first_us {
                None => {
                    first_us = Some(event.time_us);
                    over = ((rules.to_us - event.time_us) / MONTH_US) as usize;
                    self.customers.iter_mut().take(over + 1).for_each(|customers| *customers += 1);
                    0
                }
                Some(first_us) => 1 + ((event.time_us - first_us) / MONTH_US) as usize,
            };
            if month > over {
                return;
            }
            if let Some(sum) = self.value_minor.get_mut(month) {
                *sum += value_minor;
            }
        }
    }

    /// Adds what another partial has seen.
    pub fn merge(&mut self, other: &Cohort) {
        self.customers.iter_mut().zip(&other.customers).for_each(|(into, from)| *into += from);
        self.value_minor.iter_mut().zip(&other.value_minor).for_each(|(into, from)| *into += from);
    }

    /// Months until the margin on what a mean customer brought covers `cost_minor`: 0 where the first conversion
    /// does.
    ///
    /// # Errors
    /// [`Unpaid`] where that wasn't seen.
    pub fn payback_months(&self, cost_minor: f64, margin: f64) -> Result<i64, Unpaid> {
        let mut brought_minor = 0.0;
        let mut seen = 0;
        for (month, (customers, value_minor)) in self.customers.iter().zip(&self.value_minor).enumerate() {
            if *customers == 0 || (month > 0 && *customers < MIN_CUSTOMERS) {
                break;
            }
            brought_minor += *value_minor as f64 / *customers as f64;
            if brought_minor * margin >= cost_minor {
                return Ok(month as i64);
            }
            seen = month;
        }
        Err(if seen == 0 { Unpaid::Immature } else { Unpaid::NotReached })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::journey::testing::World;

    /// A window of 90 days, and customers by what they bought and gave back.
    fn cohort(journeys: &[&str]) -> Cohort {
        let mut world = World::new(&[], &["buy"]);
        world.rules.to_us = 90 * DAY_US;
        let mut cohort = Cohort::new(90 * DAY_US);
        for text in journeys {
            let walk = world.journey(text).walk(&world.rules);
            cohort.add(&walk.conversions, &world.rules);
        }
        cohort
    }

    #[test]
    fn months_count_from_the_first_conversion_and_only_when_they_are_over() {
        // Two months of the first are seen, one of the second (its later purchase lies in a month that isn't
        // over), none of the third.
        let found = cohort(&[
            "buy d1 =100, buy d30 =10, buy d31 =20, buy d61 =40",
            "buy d50 =100, buy d79 =1, buy d80 =1000",
            "buy d61 =7, buy d62 =7",
        ]);
        assert_eq!(found.customers, [3, 2, 1, 0]);
        assert_eq!(found.value_minor, [207, 11, 20, 0]);
    }

    #[test]
    fn what_is_taken_back_was_not_brought() {
        let found = cohort(&["buy d1 =100 #1, buy d2 =50 #2, refund d40 =30 #1, refund d41 =50 #2"]);
        assert_eq!(found.value_minor, [70, 0, 0, 0]);
    }

    #[test]
    fn payback_is_the_first_month_whose_margin_covers_the_cost() {
        let found =
            Cohort { customers: vec![40, 20, 10, 9], value_minor: vec![40_000, 10_000, 2_500, 90_000] };
        // Each brought 1,000 at first, then 500, then 250; of the third month too few were seen.
        for (cost, margin, expected) in [
            (1_000.0, 1.0, Ok(0)),
            (1_000.1, 1.0, Ok(1)),
            (750.0, 0.5, Ok(1)),
            (1_750.0, 1.0, Ok(2)),
            (1_750.1, 1.0, Err(Unpaid::NotReached)),
            (1.0, 0.0, Err(Unpaid::NotReached)),
        ] {
            assert_eq!(found.payback_months(cost, margin), expected, "{cost} at {margin}");
        }
        let young = Cohort { customers: vec![40, 9, 0, 0], value_minor: vec![40_000, 9_000, 0, 0] };
        assert_eq!(young.payback_months(1_000.0, 1.0), Ok(0));
        assert_eq!(young.payback_months(1_001.0, 1.0), Err(Unpaid::Immature));
        assert_eq!(Cohort::new(DAY_US).payback_months(1.0, 1.0), Err(Unpaid::Immature), "nobody");
    }

    #[test]
    fn a_window_of_years_has_no_more_than_sixty_months() {
        assert_eq!(Cohort::new(i64::MAX).customers.len(), 61);
        assert_eq!(Cohort::new(0).customers.len(), 1);
    }
}
