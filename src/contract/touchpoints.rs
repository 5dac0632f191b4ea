//! Touchpoint rows: checked one by one, sorted into partitions, or set aside with a reason.

use arrow::array::Array;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use hashbrown::HashSet;

use crate::config::plan::{ConversionValue, Matcher, Plan, wildcard_match};
use crate::input::columns::{Amount, Amounts, Ids, LocalTimes, Texts, times};
use crate::input::open::{Located, Need, Role, Scope};
use crate::journey::buffer::{BufferedRow, MAX_CODES, PartitionBuffer};
use crate::journey::codebook::{CodebookBuilder, ValueId};
use crate::journey::key::{CustomerHash, EventKey, PARTITIONS, order_hash};

use super::reject::{Reject, RowCounts, Rule, ValueHasher};

/// 1990-01-01, before which no touchpoint was logged.
pub const EARLIEST_US: i64 = 631_152_000_000_000;
/// 2100-01-01.
pub const LATEST_US: i64 = 4_102_444_800_000_000;

/// Which columns of touchpoints a run needs, and where they stand among the needs.
#[derive(Debug, Clone)]
pub struct TouchpointColumns {
    /// All needs: id, time, event id, value, then the text columns.
    pub needs: Vec<Need>,
    /// Names of the text columns; `event` and `channel` first.
    pub texts: Vec<String>,
    has_value: bool,
    has_orders: bool,
}

const ID: usize = 0;
/// Position of the time among the needs.
pub const TIME: usize = 1;
const EVENT_ID: usize = 2;
const VALUE: usize = 3;
const ORDER_ID: usize = 4;
const TEXTS: usize = 5;
const EVENT: usize = 0;

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
        for name in named.chain(dimensions) {
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

/// Ids that are dropped before anything is counted.
#[derive(Debug, Clone, Default)]
pub struct Suppressed {
    ids: HashSet<CustomerHash, foldhash::fast::FixedState>,
}

impl Suppressed {
    /// Of hashes.
    pub fn new(ids: impl IntoIterator<Item = CustomerHash>) -> Self {
        Self { ids: ids.into_iter().collect() }
    }

    /// Whether a customer is to be dropped.
    #[inline]
    pub fn contains(&self, customer: CustomerHash) -> bool {
        !self.ids.is_empty() && self.ids.contains(&customer)
    }

    /// Number of ids.
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }
}

/// What is the same for all workers.
#[derive(Debug, Clone, Copy)]
pub struct TouchpointRules<'a> {
    /// The resolved configuration.
    pub plan: &'a Plan,
    /// Which columns are read.
    pub columns: &'a TouchpointColumns,
    /// Instants that are read.
    pub scope: Scope,
    /// Ids that are dropped.
    pub suppressed: &'a Suppressed,
    /// For the rejects.
    pub hasher: ValueHasher,
    /// Whether any source maps event ids.
    pub with_events: bool,
}

/// What the rules say of a combination, as far as the contract needs it.
#[derive(Debug, Clone, Copy, Default)]
struct Verdict {
    excluded: bool,
    null_event: bool,
    /// Bit `c`: conversion `c` uses the value.
    uses_value: u64,
    /// Value goes back, so that it may be negative.
    refund: bool,
}

/// Rows as one worker found them.
pub struct TouchpointReader<'a> {
    rules: TouchpointRules<'a>,
    /// By partition.
    pub partitions: Vec<PartitionBuffer>,
    /// The worker's codes.
    pub codes: CodebookBuilder,
    /// By source.
    pub counts: Vec<RowCounts>,
    /// Rejected rows.
    pub rejects: Vec<Reject>,
    /// First and last instant kept.
    pub span_us: Option<(i64, i64)>,
    /// By source: by the worker's code.
    verdicts: Vec<Vec<Verdict>>,
    local: Vec<Option<LocalTimes>>,
    id_matchers: Vec<Vec<Matcher>>,
    keys: BatchCodes,
}

/// Memory for the codes of a batch.
#[derive(Debug, Default)]
struct BatchCodes {
    /// By row.
    codes: Vec<u32>,
    /// By position in the mixed radix of the batch's dictionaries.
    table: Vec<u32>,
    sparse: hashbrown::HashMap<u64, u32, foldhash::fast::FixedState>,
    position: Vec<u64>,
    ids: Vec<Vec<ValueId>>,
}

const UNSEEN: u32 = u32::MAX;
const DENSE_TABLE: u64 = 1 << 16;

/// Why a batch could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The decoder or a cast failed.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// More combinations than codes.
    #[error("too many combinations")]
    TooManyCombinations,
}

/// Where a batch comes from.
#[derive(Debug, Clone, Copy)]
pub struct BatchOrigin<'a> {
    /// Position of the source.
    pub source: usize,
    /// Position of the file in it.
    pub file: usize,
    /// Row of the file that the batch starts with.
    pub first_row: u64,
    /// Where the file has its columns.
    pub located: &'a [Located],
}

impl<'a> TouchpointReader<'a> {
    /// A reader that has seen nothing.
    pub fn new(rules: TouchpointRules<'a>) -> Self {
        let sources = &rules.plan.touchpoints;
        let by_id = |source: &crate::config::plan::SourcePlan| -> Vec<Matcher> {
            let names_id =
                |matcher: &&Matcher| matcher.fields.iter().any(|field| field.column == "customer_id");
            source.exclude.iter().filter(names_id).cloned().collect()
        };
        let counts =
            RowCounts { excluded_value_minor: vec![0; rules.plan.conversions.len()], ..RowCounts::default() };
        Self {
            rules,
            partitions: (0..PARTITIONS).map(|_| PartitionBuffer::default()).collect(),
            codes: CodebookBuilder::new(rules.columns.texts.len()),
            counts: vec![counts; sources.len()],
            rejects: Vec::new(),
            span_us: None,
            verdicts: vec![Vec::new(); sources.len()],
            local: sources.iter().map(|source| source.timezone.as_ref().map(LocalTimes::new)).collect(),
            id_matchers: sources.iter().map(by_id).collect(),
            keys: BatchCodes::default(),
        }
    }

    /// Takes a batch in.
    pub fn take(&mut self, batch: &RecordBatch, origin: BatchOrigin<'_>) -> Result<(), TakeError> {
        let minor_per_unit = self.rules.plan.job.currency.minor_per_unit();
        let located = origin.located;
        let source = origin.source;
        let ids = Ids::of(&located[ID], batch)?;
        let times = times(&located[TIME], batch, self.local[source].as_mut())?;
        let events = self.rules.with_events.then(|| Ids::of(&located[EVENT_ID], batch)).transpose()?;
        let orders = self.rules.columns.order_id().map(|need| Ids::of(&located[need], batch)).transpose()?;
        let values = if self.rules.columns.has_value || self.rules.columns.has_orders {
            Amounts::of(&located[VALUE], batch, minor_per_unit)?
        } else {
            Amounts::Constant(Amount::Null)
        };
        let texts: Vec<Texts> =
            located[TEXTS..].iter().map(|place| Texts::of(place, batch)).collect::<Result<_, _>>()?;
        self.code_batch(&texts, batch.num_rows(), source)?;

        let from_us = self.rules.scope.from_us.unwrap_or(i64::MIN);
        let to_us = self.rules.scope.to_us.unwrap_or(i64::MAX);
        let mut digits = itoa::Buffer::new();
        let mut event_digits = itoa::Buffer::new();
        let instants = times.values();
        for row in 0..batch.num_rows() {
            let reject = |rule: Rule, value: Option<&[u8]>| Reject {
                source,
                file: origin.file,
                row: origin.first_row + row as u64,
                rule,
                value_hash: value.map(|value| self.rules.hasher.hash(value)),
            };
            if times.is_null(row) {
                self.counts[source].in_scope += 1;
                *self.counts[source].rejected.entry(Rule::NullTime).or_default() += 1;
                self.rejects.push(reject(Rule::NullTime, None));
                continue;
            }
            let time_us = instants[row];
            if time_us < from_us || time_us >= to_us {
                self.counts[source].outside += 1;
                continue;
            }
            let counts = &mut self.counts[source];
            counts.in_scope += 1;
            let code = self.keys.codes[row];
            let verdict = self.verdicts[source][code as usize];
            let id = ids.get(row, &mut digits);
            let amount = values.get(row, minor_per_unit);
            let broken = match (id, amount) {
                (None, _) => Some((Rule::NullCustomer, None)),
                _ if !(EARLIEST_US..LATEST_US).contains(&time_us) => {
                    Some((Rule::ImpossibleTime, Some(time_us.to_le_bytes())))
                }
                _ if verdict.null_event => Some((Rule::NullEvent, None)),
                (_, Amount::Unusable) if verdict.uses_value != 0 || verdict.refund => {
                    Some((Rule::UnusableValue, None))
                }
                (_, Amount::Minor(minor)) if verdict.uses_value != 0 && minor < 0 => {
                    Some((Rule::NegativeValue, Some(minor.to_le_bytes())))
                }
                _ => None,
            };
            // What is excluded on purpose is nobody's mistake, so it is looked at first.
            let excluded = verdict.excluded
                || id.is_some_and(|id| {
                    !self.id_matchers[source].is_empty()
                        && excluded_by_id(
                            &self.id_matchers[source],
                            id,
                            &texts,
                            &self.rules.columns.texts,
                            row,
                        )
                });
            if excluded {
                counts.excluded += 1;
                continue;
            }
            let customer = id.map(CustomerHash::of);
            if customer.is_some_and(|customer| self.rules.suppressed.contains(customer)) {
                counts.suppressed += 1;
                continue;
            }
            if let Some((rule, value)) = broken {
                *counts.rejected.entry(rule).or_default() += 1;
                if let Amount::Minor(minor) = amount {
                    for (conversion, sum) in counts.excluded_value_minor.iter_mut().enumerate() {
                        if verdict.uses_value >> conversion & 1 == 1 {
                            *sum += i128::from(minor);
                        }
                    }
                }
                self.rejects.push(reject(rule, value.as_ref().map(|value| &value[..])));
                continue;
            }
            let Some(customer) = customer else { continue };
            let amount_minor = match amount {
                Amount::Minor(minor) => Some(minor),
                Amount::Null => None,
                Amount::Unusable => {
                    counts.nulled_values += 1;
                    None
                }
            };
            let event = match &events {
                Some(Ids::Int(column)) if column.is_valid(row) => EventKey::of_integer(column.value(row)),
                Some(events) => events.get(row, &mut event_digits).map_or(EventKey::NULL, EventKey::of_text),
                None => EventKey::NULL,
            };
            let order = match &orders {
                Some(orders) if verdict.uses_value != 0 || verdict.refund => {
                    orders.get(row, &mut event_digits).map(order_hash)
                }
                _ => None,
            };
            let span = self.span_us.get_or_insert((time_us, time_us));
            span.0 = span.0.min(time_us);
            span.1 = span.1.max(time_us);
            self.codes.keep(code);
            self.partitions[customer.partition()].push(
                BufferedRow { customer, time_us, code, amount_minor, event, order },
                self.rules.with_events,
            );
        }
        Ok(())
    }

    /// Gives each row of a batch the worker's code of its combination, each combination looked up once.
    fn code_batch(&mut self, texts: &[Texts], rows: usize, source: usize) -> Result<(), TakeError> {
        let BatchCodes { codes, table, sparse, position, ids } = &mut self.keys;
        ids.resize(texts.len(), Vec::new());
        // Positions in the mixed radix of the dictionaries, as long as they fit into 64 bits.
        let mut size = Some(1_u64);
        let mut strides = Vec::with_capacity(texts.len());
        for (column, (text, ids)) in texts.iter().zip(ids.iter_mut()).enumerate() {
            ids.clear();
            ids.push(0);
            let mut id_of = |value: Option<&str>| match value {
                Some(value) if !value.is_empty() => self.codes.value(column, value),
                _ => 0,
            };
            match text {
                Texts::Constant(value) => ids[0] = id_of(value.as_deref()),
                Texts::Dictionary { values, .. } => {
                    ids.extend(values.iter().map(id_of));
                }
            }
            strides.push(size.unwrap_or(0));
            size = size.and_then(|size| size.checked_mul(ids.len() as u64));
        }
        codes.clear();
        let mut combination = Vec::with_capacity(texts.len());
        let Some(size) = size else {
            for row in 0..rows {
                combination.clear();
                combination.extend(texts.iter().zip(ids.iter()).map(|(text, ids)| match text {
                    Texts::Dictionary { keys, .. } if keys.is_valid(row) => ids[keys.value(row) as usize + 1],
                    _ => ids[0],
                }));
                codes.push(self.codes.combination(&combination).0);
            }
            return self.judge_codes_of_batch(source);
        };
        position.clear();
        position.resize(rows, 0);
        for (text, stride) in texts.iter().zip(&strides) {
            let Texts::Dictionary { keys, .. } = text else { continue };
            if keys.null_count() == 0 {
                for (position, key) in position.iter_mut().zip(keys.values()) {
                    *position += (*key as u64 + 1) * stride;
                }
            } else {
                for (row, position) in position.iter_mut().enumerate() {
                    if keys.is_valid(row) {
                        *position += (keys.value(row) as u64 + 1) * stride;
                    }
                }
            }
        }
        let dense = size <= DENSE_TABLE;
        sparse.clear();
        if dense {
            table.clear();
            table.resize(size as usize, UNSEEN);
        }
        for position in position.iter() {
            let slot = if dense {
                &mut table[*position as usize]
            } else {
                sparse.entry(*position).or_insert(UNSEEN)
            };
            if *slot == UNSEEN {
                combination.clear();
                let mut rest = *position;
                for ids in ids.iter() {
                    combination.push(ids[(rest % ids.len() as u64) as usize]);
                    rest /= ids.len() as u64;
                }
                *slot = self.codes.combination(&combination).0;
            }
            codes.push(*slot);
        }
        self.judge_codes_of_batch(source)
    }

    fn judge_codes_of_batch(&mut self, source: usize) -> Result<(), TakeError> {
        if self.codes.len() > MAX_CODES {
            return Err(TakeError::TooManyCombinations);
        }
        self.judge_new_codes(source);
        Ok(())
    }

    fn judge_new_codes(&mut self, source: usize) {
        let plan = self.rules.plan;
        let names = &self.rules.columns.texts;
        for code in self.verdicts[source].len()..self.codes.len() {
            let row = self.codes.row(code as u32);
            let value = |name: &str| {
                let column = names.iter().position(|column| column == name)?;
                self.codes.text(column, row[column])
            };
            let by_text =
                |matcher: &&Matcher| matcher.fields.iter().all(|field| field.column != "customer_id");
            let mut uses_value = 0;
            for (index, conversion) in plan.conversions.iter().enumerate() {
                if conversion.value == ConversionValue::Column && conversion.matcher.matches(value) {
                    uses_value |= 1 << index;
                }
            }
            let refund = value("event")
                .is_some_and(|event| plan.refunds.iter().any(|pattern| wildcard_match(pattern, event)));
            let verdict = Verdict {
                excluded: plan.touchpoints[source]
                    .exclude
                    .iter()
                    .filter(by_text)
                    .any(|matcher| matcher.matches(value)),
                null_event: row[EVENT] == 0,
                uses_value: if refund { 0 } else { uses_value },
                refund,
            };
            self.verdicts[source].push(verdict);
        }
    }
}

#[cold]
fn excluded_by_id(matchers: &[Matcher], id: &[u8], texts: &[Texts], names: &[String], row: usize) -> bool {
    let id = std::str::from_utf8(id).ok();
    matchers.iter().any(|matcher| {
        matcher.matches(|name| {
            if name == "customer_id" {
                return id;
            }
            let column = names.iter().position(|column| column == name)?;
            texts[column].get(row)
        })
    })
}
