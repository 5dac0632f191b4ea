//! The columns of touchpoints: which a run needs, and where a batch has them.

use arrow::array::PrimitiveArray;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::config::plan::{ChannelPlan, ConversionValue, NUMBER_PER_UNIT, Plan};
use crate::contract::rates::Exchange;
use crate::input::columns::{Amounts, Ids, LocalTimes, Texts, times};
use crate::input::open::{Located, Need, Role};

/// Which columns of touchpoints a run needs, and where they stand among the needs.
#[derive(Debug, Clone)]
pub struct TouchpointColumns {
    /// All needs: id, time, event id, value, order, currency, the text columns, then the numbers that metrics sum.
    pub needs: Vec<Need>,
    /// Names of the text columns; `event` and `channel` first.
    pub texts: Vec<String>,
    /// Whether a conversion is worth what the value says, or a refund takes it back.
    pub(super) has_value: bool,
    /// Whether anything asks for orders: refunds do, and conversions that tell repeated ones.
    pub(super) has_orders: bool,
    /// Whether the rows of each combination are counted, to tell what became of their channels.
    pub(super) counts_rows: bool,
}

pub(super) const ID: usize = 0;
/// Position of the time among the needs.
pub const TIME: usize = 1;
pub(super) const EVENT_ID: usize = 2;
pub(super) const VALUE: usize = 3;
pub(super) const ORDER_ID: usize = 4;
pub(super) const CURRENCY: usize = 5;
pub(super) const TEXTS: usize = 6;
pub(super) const EVENT: usize = 0;

impl TouchpointColumns {
    /// Of a plan; `dimensions` are those that are touchpoint columns.
    pub fn of(plan: &Plan, dimensions: &[String]) -> Self {
        let mut texts = vec!["event".to_owned(), "channel".to_owned()];
        let behaviours = plan.segments.behaviours.iter().flat_map(|behaviour| &behaviour.rules);
        let matchers = plan
            .stages
            .stages
            .iter()
            .flat_map(|stage| &stage.rules)
            .chain(plan.conversions.iter().map(|conversion| &conversion.matcher))
            .chain(plan.attribution.touches.iter().flatten())
            .chain(behaviours.flat_map(|rule| std::iter::once(&rule.matcher).chain(&rule.without)))
            .chain(plan.touchpoints.iter().flat_map(|source| &source.exclude));
        let named = matchers.flat_map(|matcher| &matcher.fields).map(|field| &field.column);
        let campaign = plan.attribution.by.campaign.then(|| "campaign".to_owned());
        for name in named.chain(dimensions).chain(&campaign).chain(&channel_columns(&plan.channels)) {
            if name != "customer_id" && !texts.contains(name) {
                texts.push(name.clone());
            }
        }
        let has_value = plan.conversions.iter().any(|conversion| conversion.value == ConversionValue::Column);
        let has_orders =
            !plan.refunds.is_empty() || plan.conversions.iter().any(|conversion| conversion.orders.is_some());
        let has_value = has_value || !plan.refunds.is_empty();
        let mut needs = vec![
            Need::required("customer_id", Role::Id),
            Need::required("occurred_at", Role::Time),
            Need::optional("event_id", Role::Id),
            Need { wanted: has_value, ..Need::optional("value", Role::Number) },
            Need { wanted: has_orders, ..Need::optional("order_id", Role::Id) },
            Need { wanted: has_value, ..Need::optional("currency", Role::Text) },
        ];
        needs.extend(texts.iter().map(|name| Need {
            logical: name.clone(),
            role: Role::Text,
            required: name == "event",
            wanted: true,
        }));
        needs.extend(plan.numbers.iter().map(|name| Need::optional(name, Role::Number)));
        let counts_rows = plan.channels.changes_anything() || texts.iter().any(|name| name == "campaign");
        Self { needs, texts, has_value, has_orders, counts_rows }
    }

    /// Position of the event id among the needs.
    pub fn event_id(&self) -> usize {
        EVENT_ID
    }

    /// Position of the order's id among the needs, where something asks for it.
    pub fn order_id(&self) -> Option<usize> {
        self.has_orders.then_some(ORDER_ID)
    }

    /// Position of the currency among the needs, where money is looked at.
    pub fn currency(&self) -> Option<usize> {
        self.has_value.then_some(CURRENCY)
    }

    /// Position of a text column among the needs.
    pub fn text(&self, index: usize) -> usize {
        TEXTS + index
    }

    /// Position of a number among the needs, by its place in [`Plan::numbers`].
    pub fn number(&self, index: usize) -> usize {
        TEXTS + self.texts.len() + index
    }
}

/// The text columns of which channels are made.
fn channel_columns(channels: &ChannelPlan) -> Vec<String> {
    let of_rules =
        channels.rules.iter().flat_map(|rule| &rule.matcher.fields).map(|field| field.column.clone());
    // What is left open is told by source and medium, whatever the rules look at.
    let shown = channels.changes_anything().then_some(["source", "medium"]);
    let of_preset = channels.preset.map(|_| "campaign");
    of_rules.chain(shown.into_iter().flatten().chain(of_preset).map(str::to_owned)).collect()
}

/// The columns of a batch.
#[derive(Debug)]
pub(super) struct BatchColumns {
    pub(super) ids: Ids,
    pub(super) times: PrimitiveArray<TimestampMicrosecondType>,
    /// None: no source maps them.
    pub(super) events: Option<Ids>,
    /// None: nothing asks for them.
    pub(super) orders: Option<Ids>,
    /// In minor units of the reporting currency.
    pub(super) values: Amounts,
    /// In which they were written; null is the reporting currency.
    pub(super) currencies: Texts,
    /// In the order of [`TouchpointColumns::texts`].
    pub(super) texts: Vec<Texts>,
    /// In the order of [`Plan::numbers`]; one unit is [`NUMBER_PER_UNIT`].
    pub(super) numbers: Vec<Amounts>,
}

impl BatchColumns {
    pub(super) fn of(
        columns: &TouchpointColumns,
        batch: &RecordBatch,
        located: &[Located],
        with_events: bool,
        local: Option<&mut LocalTimes>,
        minor_per_unit: i64,
        exchange: &mut Exchange<'_>,
    ) -> Result<Self, ArrowError> {
        let times = times(&located[TIME], batch, local)?;
        let mut values = if columns.has_value {
            Amounts::of(&located[VALUE], batch, minor_per_unit)?
        } else {
            Amounts::NULL
        };
        let currencies = Texts::of(&located[CURRENCY], batch)?;
        if located[CURRENCY] != Located::Absent {
            values = exchange.convert(values, &currencies, times.values());
        }
        let (texts, numbers) = located[TEXTS..].split_at(columns.texts.len());
        Ok(Self {
            ids: Ids::of(&located[ID], batch)?,
            times,
            events: with_events.then(|| Ids::of(&located[EVENT_ID], batch)).transpose()?,
            orders: columns.order_id().map(|need| Ids::of(&located[need], batch)).transpose()?,
            values,
            currencies,
            texts: texts.iter().map(|place| Texts::of(place, batch)).collect::<Result<_, _>>()?,
            numbers: numbers
                .iter()
                .map(|place| Amounts::of(place, batch, NUMBER_PER_UNIT))
                .collect::<Result<_, _>>()?,
        })
    }
}
