//! Customers, assignments and suppressed ids: small rows that stand beside the touchpoints.

use arrow::array::Array;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use bytemuck::Pod;

use crate::config::plan::SourcePlan;
use crate::input::columns::{Ids, LocalTimes, Texts, times};
use crate::input::open::{Need, Role};
use crate::journey::buffer::{AssignmentRow, AttributeRow, Chunks};
use crate::journey::codebook::CodebookBuilder;
use crate::journey::key::{CustomerHash, PARTITIONS};

use super::reject::{Reject, RowCounts, Rule, ValueHasher};
use super::touchpoints::{BatchOrigin, EARLIEST_US, LATEST_US, Suppressed};

/// Needs of the suppressed ids.
pub fn suppress_needs() -> Vec<Need> {
    vec![Need::required("customer_id", Role::Id)]
}

/// Needs of the customers table; `attributes` are the dimensions found there.
pub fn customer_needs(attributes: &[String]) -> Vec<Need> {
    let mut needs = vec![Need::required("customer_id", Role::Id)];
    needs.extend(attributes.iter().map(|name| Need::required(name, Role::Text)));
    needs
}

/// Needs of the assignment log.
pub fn assignment_needs() -> Vec<Need> {
    vec![
        Need::required("customer_id", Role::Id),
        Need::required("assigned_at", Role::Time),
        Need::required("experiment", Role::Text),
        Need::required("variant", Role::Text),
    ]
}

/// Hashes of the ids of a batch; nulls are left out.
pub fn read_ids(batch: &RecordBatch, origin: BatchOrigin<'_>) -> Result<Vec<CustomerHash>, ArrowError> {
    let ids = Ids::of(&origin.located[0], batch)?;
    let mut digits = itoa::Buffer::new();
    Ok((0..batch.num_rows()).filter_map(|row| ids.get(row, &mut digits).map(CustomerHash::of)).collect())
}

/// Rows of a lookup as one worker found them: customers or assignments by partition.
#[derive(Debug)]
pub struct LookupReader<T> {
    /// By partition.
    pub partitions: Vec<Chunks<T>>,
    /// The worker's codes.
    pub codes: CodebookBuilder,
    /// What became of the rows.
    pub counts: RowCounts,
    /// Rejected rows.
    pub rejects: Vec<Reject>,
    hasher: ValueHasher,
    local: Option<LocalTimes>,
}

impl<T: Pod> LookupReader<T> {
    /// A reader that has seen nothing. `texts` is the number of text columns.
    pub fn new(source: &SourcePlan, texts: usize, hasher: ValueHasher) -> Self {
        Self {
            partitions: vec![Chunks::default(); PARTITIONS],
            codes: CodebookBuilder::new(texts),
            counts: RowCounts::default(),
            rejects: Vec::new(),
            hasher,
            local: source.timezone.as_ref().map(LocalTimes::new),
        }
    }

    fn reject(&mut self, rule: Rule, origin: BatchOrigin<'_>, row: usize, value: Option<&[u8]>) {
        *self.counts.rejected.entry(rule).or_default() += 1;
        self.rejects.push(Reject {
            source: origin.source,
            file: origin.file,
            row: origin.first_row + row as u64,
            rule,
            value_hash: value.map(|value| self.hasher.hash(value)),
        });
    }

    fn code(&mut self, texts: &[Texts], row: usize) -> u32 {
        let values: Vec<u32> = texts
            .iter()
            .enumerate()
            .map(|(column, text)| text.get(row).map_or(0, |text| self.codes.value(column, text)))
            .collect();
        // Only rows that are kept get here.
        let code = self.codes.combination(&values).0;
        self.codes.keep(code);
        code
    }
}

impl LookupReader<AttributeRow> {
    /// Takes a batch of customers in: each gets the code of its attributes.
    pub fn take_customers(
        &mut self,
        batch: &RecordBatch,
        origin: BatchOrigin<'_>,
        suppressed: &Suppressed,
    ) -> Result<(), ArrowError> {
        let ids = Ids::of(&origin.located[0], batch)?;
        let texts: Vec<Texts> =
            origin.located[1..].iter().map(|place| Texts::of(place, batch)).collect::<Result<_, _>>()?;
        let mut digits = itoa::Buffer::new();
        for row in 0..batch.num_rows() {
            self.counts.in_scope += 1;
            let Some(customer) = ids.get(row, &mut digits).map(CustomerHash::of) else {
                self.reject(Rule::NullCustomer, origin, row, None);
                continue;
            };
            if suppressed.contains(customer) {
                self.counts.suppressed += 1;
                continue;
            }
            let code = self.code(&texts, row);
            self.partitions[customer.partition()].push(AttributeRow::new(customer, code));
        }
        Ok(())
    }
}

impl LookupReader<AssignmentRow> {
    /// Takes a batch of the assignment log in. Assignments at or after `to_us` haven't happened yet.
    pub fn take_assignments(
        &mut self,
        batch: &RecordBatch,
        origin: BatchOrigin<'_>,
        suppressed: &Suppressed,
        to_us: i64,
    ) -> Result<(), ArrowError> {
        let ids = Ids::of(&origin.located[0], batch)?;
        let instants = times(&origin.located[1], batch, self.local.as_mut())?;
        let texts: Vec<Texts> =
            origin.located[2..].iter().map(|place| Texts::of(place, batch)).collect::<Result<_, _>>()?;
        let mut digits = itoa::Buffer::new();
        for row in 0..batch.num_rows() {
            let time_us = instants.is_valid(row).then(|| instants.value(row));
            if time_us.is_some_and(|time_us| time_us >= to_us) {
                self.counts.outside += 1;
                continue;
            }
            self.counts.in_scope += 1;
            let customer = ids.get(row, &mut digits).map(CustomerHash::of);
            match (customer, time_us) {
                (Some(customer), _) if suppressed.contains(customer) => self.counts.suppressed += 1,
                (None, _) => self.reject(Rule::NullCustomer, origin, row, None),
                (_, None) => self.reject(Rule::NullTime, origin, row, None),
                (_, Some(time_us)) if !(EARLIEST_US..LATEST_US).contains(&time_us) => {
                    self.reject(Rule::ImpossibleTime, origin, row, Some(&time_us.to_le_bytes()));
                }
                _ if texts.iter().any(|text| text.get(row).is_none()) => {
                    self.reject(Rule::NullVariant, origin, row, None);
                }
                (Some(customer), Some(time_us)) => {
                    let code = self.code(&texts, row);
                    self.partitions[customer.partition()].push(AssignmentRow::new(customer, time_us, code));
                }
            }
        }
        Ok(())
    }
}
