//! The columns of touchpoints: which a run needs, and where a batch has them.

use arrow::array::PrimitiveArray;
use arrow::datatypes::TimestampMicrosecondType;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::config::plan::{ConversionValue, Plan};
use crate::input::columns::{Amount, Amounts, Ids, LocalTimes, Texts, times};
use crate::input::open::{Located, Need, Role};

/// Which columns of touchpoints a run needs, and where they stand among the needs.
#[derive(Debug, Clone)]
pub struct TouchpointColumns {
    /// All needs: id, time, event id, value, then the text columns.
    pub needs: Vec<Need>,
    /// Names of the text columns; `event` and `channel` first.
    pub texts: Vec<String>,
    /// Whether a conversion is worth what the value says.
    pub(super) has_value: bool,
    /// Whether anything asks for orders: refunds do.
    pub(super) has_orders: bool,
}

pub(super) const ID: usize = 0;
/// Position of the time among the needs.
pub const TIME: usize = 1;
pub(super) const EVENT_ID: usize = 2;
pub(super) const VALUE: usize = 3;
pub(super) const ORDER_ID: usize = 4;
pub(super) const TEXTS: usize = 5;
pub(super) const EVENT: usize = 0;

impl TouchpointColumns {
    /// Of a plan; `dimensions` are those that are touchpoint columns.
    pub fn of(plan: &Plan, dimensions: &[String]) -> Self {
        let mut texts = vec!["event".to_owned(), "channel".to_owned()];
        let matchers = plan
            .stages
            .stages
            .iter()
            .flat_map(|stage| &stage.rules)
            .chain(plan.conversions.iter().map(|conversion| &conversion.matcher))
            .chain(plan.attribution.touches.iter().flatten())
            .chain(plan.touchpoints.iter().flat_map(|source| &source.exclude));
        let named = matchers.flat_map(|matcher| &matcher.fields).map(|field| &field.column);
        let campaign = plan.attribution.by.campaign.then(|| "campaign".to_owned());
        for name in named.chain(dimensions).chain(&campaign) {
            if name != "customer_id" && !texts.contains(name) {
                texts.push(name.clone());
            }
        }
        let has_value = plan.conversions.iter().any(|conversion| conversion.value == ConversionValue::Column);
        let has_orders = !plan.refunds.is_empty();
        let mut needs = vec![
            Need::required("customer_id", Role::Id),
            Need::required("occurred_at", Role::Time),
            Need::optional("event_id", Role::Id),
            Need { wanted: has_value || has_orders, ..Need::optional("value", Role::Number) },
            Need { wanted: has_orders, ..Need::optional("order_id", Role::Id) },
        ];
        needs.extend(texts.iter().map(|name| Need {
            logical: name.clone(),
            role: Role::Text,
            required: name == "event",
            wanted: true,
        }));
        Self { needs, texts, has_value, has_orders }
    }

    /// Position of the event id among the needs.
    pub fn event_id(&self) -> usize {
        EVENT_ID
    }

    /// Position of the order's id among the needs, where something asks for it.
    pub fn order_id(&self) -> Option<usize> {
        self.has_orders.then_some(ORDER_ID)
    }

    /// Position of a text column among the needs.
    pub fn text(&self, index: usize) -> usize {
        TEXTS + index
    }
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
    pub(super) values: Amounts,
    /// In the order of [`TouchpointColumns::texts`].
    pub(super) texts: Vec<Texts>,
}

impl BatchColumns {
    pub(super) fn of(
        columns: &TouchpointColumns,
        batch: &RecordBatch,
        located: &[Located],
        with_events: bool,
        local: Option<&mut LocalTimes>,
        minor_per_unit: i64,
    ) -> Result<Self, ArrowError> {
        let values = if columns.has_value || columns.has_orders {
            Amounts::of(&located[VALUE], batch, minor_per_unit)?
        } else {
            Amounts::Constant(Amount::Null)
        };
        Ok(Self {
            ids: Ids::of(&located[ID], batch)?,
            times: times(&located[TIME], batch, local)?,
            events: with_events.then(|| Ids::of(&located[EVENT_ID], batch)).transpose()?,
            orders: columns.order_id().map(|need| Ids::of(&located[need], batch)).transpose()?,
            values,
            texts: located[TEXTS..].iter().map(|place| Texts::of(place, batch)).collect::<Result<_, _>>()?,
        })
    }
}
