//! Customers, assignments and suppressed ids: small rows that stand beside the touchpoints.

use arrow::array::Array;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use bytemuck::Pod;

use crate::config::plan::SourcePlan;
use crate::input::columns::{Ids, LocalTimes, Texts, times};
use crate::input::open::{Located, Need, Role};
use crate::journey::buffer::{AssignmentRow, AttributeRow, Chunks, DatedAttributeRow};
use crate::journey::codebook::CodebookBuilder;
use crate::journey::key::{CustomerHash, PARTITIONS};

use super::codes::BatchCoder;
use super::ids::hash_ids;
use super::reject::{Reject, RowCounts, Rule, ValueHasher};
use super::shares::Shares;
use super::touchpoints::{BatchOrigin, EARLIEST_US, LATEST_US, Suppressed};

/// Needs of the suppressed ids.
pub fn suppress_needs() -> Vec<Need> {
    vec![Need::required("customer_id", Role::Id)]
}

/// Position among the needs of customers of the instant from which a row holds.
pub const VALID_FROM: usize = 1;

/// Needs of the customers table; `attributes` are the dimensions found there. The instants are `wanted` where the table
/// is read at all.
pub fn customer_needs(attributes: &[String], wanted: bool) -> Vec<Need> {
    let mut needs = vec![
        Need::required("customer_id", Role::Id),
        Need { wanted, ..Need::optional("valid_from", Role::Time) },
    ];
    needs.extend(attributes.iter().map(|name| Need::required(name, Role::Text)));
    needs
}

/// Place of the experiment among the texts of the assignment log; the variant follows.
const EXPERIMENT: usize = 0;

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
    let mut customers = Vec::new();
    hash_ids(&Ids::of(&origin.located[0], batch)?, batch.num_rows(), &mut customers);
    customers.retain(|customer| *customer != CustomerHash::NOBODY);
    Ok(customers)
}

/// Rows of a lookup as one worker found them: customers or assignments by partition.
#[derive(Debug)]
pub struct LookupReader<T> {
    /// By partition.
    pub partitions: Vec<Chunks<T>>,
    /// What became of the rows.
    pub counts: RowCounts,
    /// Rejected rows.
    pub rejects: Vec<Reject>,
    hasher: ValueHasher,
    local: Option<LocalTimes>,
    coder: BatchCoder,
    /// By code: the first text that is null.
    absent: Vec<Option<usize>>,
    /// Of the rows of a batch.
    customers: Vec<CustomerHash>,
    /// Of the rows of a batch, where they hold from an instant on.
    froms_us: Vec<i64>,
    /// The rows of a batch that count.
    shares: Shares,
}

impl<T: Pod> LookupReader<T> {
    /// A reader that has seen nothing. `texts` is the number of text columns.
    pub fn new(source: &SourcePlan, texts: usize, hasher: ValueHasher) -> Self {
        Self {
            partitions: vec![Chunks::default(); PARTITIONS],
            counts: RowCounts::default(),
            rejects: Vec::new(),
            hasher,
            local: source.timezone.as_ref().map(LocalTimes::new),
            coder: BatchCoder::new(texts),
            absent: Vec::new(),
            customers: Vec::new(),
            froms_us: Vec::new(),
            shares: Shares::default(),
        }
    }

    /// Rows by partition, and the worker's codes.
    pub fn into_parts(self) -> (Vec<Chunks<T>>, CodebookBuilder) {
        (self.partitions, self.coder.book)
    }

    /// Codes the texts and hashes the ids of a batch.
    fn prepare(&mut self, id: &Located, texts: &[Located], batch: &RecordBatch) -> Result<(), ArrowError> {
        hash_ids(&Ids::of(id, batch)?, batch.num_rows(), &mut self.customers);
        let texts: Vec<Texts> =
            texts.iter().map(|place| Texts::of(place, batch)).collect::<Result<_, _>>()?;
        self.coder.code(&texts, batch.num_rows());
        let book = &self.coder.book;
        for code in self.absent.len()..book.len() {
            self.absent.push(book.row(code as u32).iter().position(|value| *value == 0));
        }
        Ok(())
    }

    /// Rows of a batch that are not taken in: where, why and the offending value.
    fn reject(&mut self, rows: &[(usize, Rule, Option<i64>)], origin: BatchOrigin<'_>) {
        for (row, rule, value) in rows {
            *self.counts.rejected.entry(*rule).or_default() += 1;
            self.rejects.push(Reject {
                source: origin.source,
                file: origin.file,
                row: origin.first_row + *row as u64,
                rule: *rule,
                value_hash: value.map(|value| self.hasher.hash(&value.to_le_bytes())),
            });
        }
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
        self.prepare(&origin.located[0], &origin.located[VALID_FROM + 1..], batch)?;
        let mut broken = Vec::new();
        let (codes, kept) = self.coder.codes_and_kept();
        self.shares.begin(codes.len());
        self.counts.in_scope += codes.len() as u64;
        for (row, (customer, code)) in self.customers.iter().zip(codes).enumerate() {
            if *customer == CustomerHash::NOBODY {
                broken.push((row, Rule::NullCustomer, None));
            } else if suppressed.contains(*customer) {
                self.counts.suppressed += 1;
            } else {
                kept[*code as usize] = true;
                self.shares.keep(row, *customer);
            }
        }
        for (partition, rows) in self.shares.by_partition() {
            self.partitions[partition]
                .extend_from(rows, |row| AttributeRow::new(self.customers[row], codes[row]));
        }
        self.reject(&broken, origin);
        Ok(())
    }
}

impl LookupReader<DatedAttributeRow> {
    /// Takes a batch of customers in of whom each row holds from an instant on: null is from the beginning, and so is,
    /// for all that is asked, any instant before the data. What begins at `to_us` or later doesn't hold yet.
    pub fn take_dated_customers(
        &mut self,
        batch: &RecordBatch,
        origin: BatchOrigin<'_>,
        suppressed: &Suppressed,
        to_us: i64,
    ) -> Result<(), ArrowError> {
        let located = &origin.located[VALID_FROM];
        let instants = times(located, batch, self.local.as_mut())?;
        let written = match located {
            Located::Column(at, _) => Some(batch.column(*at)),
            Located::Constant(_) | Located::Absent => None,
        };
        self.prepare(&origin.located[0], &origin.located[VALID_FROM + 1..], batch)?;
        let mut broken = Vec::new();
        let mut outside = 0;
        let (codes, kept) = self.coder.codes_and_kept();
        self.shares.begin(codes.len());
        self.froms_us.clear();
        for (row, (customer, code)) in self.customers.iter().zip(codes).enumerate() {
            let from_us = instants.is_valid(row).then(|| instants.value(row));
            self.froms_us.push(from_us.unwrap_or(i64::MIN));
            match (*customer, from_us) {
                (_, Some(from_us)) if from_us >= to_us => outside += 1,
                (CustomerHash::NOBODY, _) => broken.push((row, Rule::NullCustomer, None)),
                (customer, _) if suppressed.contains(customer) => self.counts.suppressed += 1,
                // Something is written that is no instant: years beyond what microseconds can count.
                (_, None) if written.is_some_and(|column| column.is_valid(row)) => {
                    broken.push((row, Rule::ImpossibleTime, None));
                }
                (customer, _) => {
                    kept[*code as usize] = true;
                    self.shares.keep(row, customer);
                }
            }
        }
        for (partition, rows) in self.shares.by_partition() {
            self.partitions[partition].extend_from(rows, |row| {
                DatedAttributeRow::new(self.customers[row], self.froms_us[row], codes[row])
            });
        }
        self.counts.outside += outside;
        self.counts.in_scope += codes.len() as u64 - outside;
        self.reject(&broken, origin);
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
        let instants = times(&origin.located[1], batch, self.local.as_mut())?;
        self.prepare(&origin.located[0], &origin.located[2..], batch)?;
        let mut broken = Vec::new();
        let mut outside = 0;
        let (codes, kept) = self.coder.codes_and_kept();
        self.shares.begin(codes.len());
        for (row, (customer, code)) in self.customers.iter().zip(codes).enumerate() {
            let time_us = instants.is_valid(row).then(|| instants.value(row));
            match (*customer, time_us) {
                (_, Some(time_us)) if time_us >= to_us => outside += 1,
                (CustomerHash::NOBODY, _) => broken.push((row, Rule::NullCustomer, None)),
                (customer, _) if suppressed.contains(customer) => self.counts.suppressed += 1,
                (_, None) => broken.push((row, Rule::NullTime, None)),
                (_, Some(time_us)) if !(EARLIEST_US..LATEST_US).contains(&time_us) => {
                    broken.push((row, Rule::ImpossibleTime, Some(time_us)));
                }
                (customer, Some(_)) => match self.absent[*code as usize] {
                    Some(EXPERIMENT) => broken.push((row, Rule::NullExperiment, None)),
                    Some(_) => broken.push((row, Rule::NullVariant, None)),
                    None => {
                        kept[*code as usize] = true;
                        self.shares.keep(row, customer);
                    }
                },
            }
        }
        let times_us = instants.values();
        for (partition, rows) in self.shares.by_partition() {
            self.partitions[partition]
                .extend_from(rows, |row| AssignmentRow::new(self.customers[row], times_us[row], codes[row]));
        }
        self.counts.outside += outside;
        self.counts.in_scope += codes.len() as u64 - outside;
        self.reject(&broken, origin);
        Ok(())
    }
}
