//! Orders that come in several rows of one customer: a pixel that fires again, or the items of a basket.

use hashbrown::HashMap;

use crate::config::plan::{ConversionValue, Orders};

use super::partition::{Journey, Touchpoint};
use super::rules::Rules;

/// A row that is no conversion of its own, for its order has one already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OrderRow {
    /// Index of the conversion.
    pub conversion: usize,
    /// Whether it adds to the value of its order, or repeats it.
    pub is_item: bool,
    /// What it is worth and no conversion of the window holds, minor units.
    pub left_out_minor: i64,
}

/// The orders of a journey, as far as a walk has come.
#[derive(Debug, Default)]
pub(super) struct OrderBook {
    /// By conversion and hash of the order's id.
    orders: HashMap<(usize, u64), Order, foldhash::fast::FixedState>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Order {
    /// Of all its rows where they are items, minor units.
    sum_minor: i64,
    /// Whether its conversion has come, and in the reporting window.
    met: Option<bool>,
}

/// What a row of an order is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum OrderPlace {
    /// A conversion with this worth in minor units.
    Conversion(i64),
    /// One more row of an order that has its conversion.
    Further(OrderRow),
}

impl OrderBook {
    /// Begins a journey: adds up the items of its orders, where a conversion asks for that.
    pub(super) fn begin(&mut self, journey: &Journey<'_>, rules: &Rules) {
        self.orders.clear();
        if !rules.orders.contains(&Some(Orders::Sum)) {
            return;
        }
        for row in journey.rows {
            let Some(order) = journey.order(row) else { continue };
            let facts = &rules.facts[row.code as usize];
            for (conversion, _) in rules.orders.iter().enumerate().filter(|(conversion, orders)| {
                facts.conversions >> conversion & 1 == 1 && **orders == Some(Orders::Sum)
            }) {
                let worth_minor = rules.conversion_amount_minor(conversion, journey.amount_minor(row));
                let sum_minor = &mut self.orders.entry((conversion, order)).or_default().sum_minor;
                *sum_minor = match rules.conversion_values[conversion] {
                    ConversionValue::Column => sum_minor.saturating_add(worth_minor),
                    // What one conversion is worth, however many items it has.
                    ConversionValue::FixedMinor(_) | ConversionValue::Absent => worth_minor,
                };
            }
        }
    }

    /// What the next row of a conversion is, with the worth that it has by itself in minor units.
    #[inline]
    pub(super) fn place(
        &mut self,
        conversion: usize,
        order: Option<u64>,
        row: &Touchpoint,
        worth_minor: i64,
        rules: &Rules,
    ) -> OrderPlace {
        match (order, rules.orders[conversion]) {
            (Some(order), Some(orders)) => {
                self.place_of_order((conversion, order), orders, rules.in_window(row.time_us), worth_minor)
            }
            _ => OrderPlace::Conversion(worth_minor),
        }
    }

    fn place_of_order(
        &mut self,
        key: (usize, u64),
        orders: Orders,
        in_window: bool,
        worth_minor: i64,
    ) -> OrderPlace {
        let order = self.orders.entry(key).or_default();
        let is_item = orders == Orders::Sum;
        match order.met {
            None => {
                order.met = Some(in_window);
                OrderPlace::Conversion(if is_item { order.sum_minor } else { worth_minor })
            }
            Some(reported) => {
                // An item counts with its order, and not at all where that lies before the window.
                let left_out_minor = if is_item && reported { 0 } else { worth_minor };
                OrderPlace::Further(OrderRow { conversion: key.0, is_item, left_out_minor })
            }
        }
    }
}
