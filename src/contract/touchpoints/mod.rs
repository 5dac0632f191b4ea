//! Touchpoint rows: checked one by one, sorted into partitions, or set aside with a reason.

mod columns;
mod screen;
mod sought;
mod verdicts;
mod watched;

use std::ops::Range;

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use hashbrown::HashSet;

use crate::config::plan::Plan;
use crate::input::columns::LocalTimes;
use crate::input::open::{Located, Scope};
use crate::journey::buffer::{CodeColumn, MAX_CODES, PartitionBuffer, RowColumns};
use crate::journey::codebook::CodebookBuilder;
use crate::journey::key::{CustomerHash, EventKey, PARTITIONS, order_hash};

use super::cells::shown_currency;
use super::codes::BatchCoder;
use super::ids::{event_keys, hash_ids};
use super::rates::{Exchange, Rates};
use super::reject::{Reject, RowCounts, Rule, ValueHasher};
use super::shares::Shares;

pub use super::suppressed::Suppressed;
pub use columns::{TIME, TouchpointColumns};
pub use sought::SoughtRow;
pub use watched::{ReadFate, WatchedRow};

use columns::BatchColumns;
use screen::{Fate, Screen};
use sought::Kept;
use verdicts::{NumberUse, Verdict, Verdicts};

/// 1990-01-01, before which no touchpoint was logged.
pub const EARLIEST_US: i64 = 631_152_000_000_000;
/// 2100-01-01.
pub const LATEST_US: i64 = 4_102_444_800_000_000;

/// What is the same for all workers.
#[derive(Debug, Clone, Copy)]
pub struct TouchpointRules<'a> {
    /// The resolved configuration.
    pub plan: &'a Plan,
    /// Which columns are read.
    pub columns: &'a TouchpointColumns,
    /// What other currencies are worth.
    pub rates: &'a Rates,
    /// Instants that are read.
    pub scope: Scope,
    /// Ids that are dropped.
    pub suppressed: &'a Suppressed,
    /// For the rejects.
    pub hasher: ValueHasher,
    /// Whether any source maps event ids.
    pub with_events: bool,
    /// By source and file: the day on which its rows came, where that is known.
    pub arrivals_us: &'a [Vec<Option<Range<i64>>>],
    /// Whose rows alone are kept, and noted one by one; None: all rows are kept, and none is noted.
    pub watched: Option<CustomerHash>,
}

/// Why a batch could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum TakeError {
    /// The decoder or a cast failed.
    #[error(transparent)]
    Arrow(#[from] ArrowError),
    /// More combinations than codes.
    #[error("too many combinations")]
    TooManyCombinations,
    /// An amount that is used is in another currency, and no rates are configured.
    #[error("row {row} is in {currency}")]
    MixedCurrencies {
        /// Row of the file, from 0.
        row: u64,
        /// As it is written.
        currency: String,
    },
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

/// Rows as one worker found them.
pub struct TouchpointReader<'a> {
    rules: TouchpointRules<'a>,
    /// By partition.
    pub partitions: Vec<PartitionBuffer>,
    /// By source.
    pub counts: Vec<RowCounts>,
    /// Rejected rows.
    pub rejects: Vec<Reject>,
    /// First and last instant kept, of whoever.
    pub span_us: Option<(i64, i64)>,
    /// All rows of the watched customer.
    pub watched: Vec<WatchedRow>,
    /// Kept rows of the event ids that are sought.
    pub sought: Vec<SoughtRow>,
    /// Event ids whose rows are noted instead of kept; None: this reader keeps what it reads.
    seeking: Option<&'a HashSet<EventKey>>,
    /// By code: rows that were kept; empty where nobody asks.
    rows_by_code: Vec<u64>,
    /// By code: rows that were kept and that no rule names.
    unnamed_by_code: Vec<u64>,
    coder: BatchCoder,
    /// By source.
    verdicts: Vec<Verdicts>,
    number_uses: Vec<NumberUse>,
    /// By source.
    local: Vec<Option<LocalTimes>>,
    exchange: Exchange<'a>,
    /// Of the rows of a batch.
    customers: Vec<CustomerHash>,
    /// Of the rows of a batch: whether they take a closer look.
    doubts: Vec<bool>,
    /// Of the rows of a batch.
    codes: CodeColumn,
    /// Of the rows of a batch, unless all are numbers.
    events: Vec<EventKey>,
    /// The rows of a batch that count.
    shares: Shares,
}

/// Rows and codes of one worker.
pub struct ReaderParts {
    /// Rows by partition.
    pub partitions: Vec<PartitionBuffer>,
    /// The combinations that it met.
    pub codes: CodebookBuilder,
    /// By code: rows that were kept; empty where nobody asks.
    pub rows_by_code: Vec<u64>,
    /// By code: rows that were kept and that no rule names; it ends with the last such code.
    pub unnamed_by_code: Vec<u64>,
}

impl<'a> TouchpointReader<'a> {
    /// A reader that has seen nothing.
    pub fn new(rules: TouchpointRules<'a>) -> Self {
        let sources = &rules.plan.touchpoints;
        let counts = RowCounts {
            excluded_value_minor: vec![0; rules.plan.conversions.len()],
            nulled_numbers: vec![0; rules.plan.numbers.len()],
            ..RowCounts::default()
        };
        Self {
            rules,
            partitions: (0..PARTITIONS).map(|_| PartitionBuffer::default()).collect(),
            counts: vec![counts; sources.len()],
            rejects: Vec::new(),
            span_us: None,
            watched: Vec::new(),
            sought: Vec::new(),
            seeking: None,
            rows_by_code: Vec::new(),
            unnamed_by_code: Vec::new(),
            coder: BatchCoder::new(rules.columns.texts.len()),
            verdicts: sources.iter().map(|source| Verdicts::new(rules.plan, &source.exclude)).collect(),
            number_uses: NumberUse::of(rules.plan),
            local: sources.iter().map(|source| source.timezone.as_ref().map(LocalTimes::new)).collect(),
            exchange: Exchange::new(rules.rates, &rules.plan.job.timezone),
            customers: Vec::new(),
            doubts: Vec::new(),
            codes: CodeColumn::with_numbers(rules.plan.numbers.len()),
            events: Vec::new(),
            shares: Shares::default(),
        }
    }

    /// A reader that keeps nothing and notes the rows of some event ids.
    pub fn seeking(rules: TouchpointRules<'a>, events: &'a HashSet<EventKey>) -> Self {
        Self { seeking: Some(events), ..Self::new(rules) }
    }

    /// What it found, apart from counts and rejects.
    pub fn into_parts(self) -> ReaderParts {
        ReaderParts {
            partitions: self.partitions,
            codes: self.coder.book,
            rows_by_code: self.rows_by_code,
            unnamed_by_code: self.unnamed_by_code,
        }
    }

    /// Takes a batch in.
    pub fn take(&mut self, batch: &RecordBatch, origin: BatchOrigin<'_>) -> Result<(), TakeError> {
        let rules = self.rules;
        let columns = BatchColumns::of(
            rules.columns,
            batch,
            origin.located,
            rules.with_events,
            self.local[origin.source].as_mut(),
            rules.plan.job.currency.minor_per_unit(),
            &mut self.exchange,
        )?;
        self.coder.code(&columns.texts, batch.num_rows());
        if self.coder.book.len() > MAX_CODES {
            return Err(TakeError::TooManyCombinations);
        }
        hash_ids(&columns.ids, batch.num_rows(), &mut self.customers);
        let rejected = self.rejects.len();
        self.screen_rows(&columns, origin);
        if !rules.rates.are_configured()
            && let Some(reject) =
                self.rejects[rejected..].iter().find(|reject| reject.rule == Rule::MissingRate)
        {
            let currency = columns.currencies.get((reject.row - origin.first_row) as usize);
            let currency = shown_currency(&currency.unwrap_or_default().trim().to_ascii_uppercase());
            return Err(TakeError::MixedCurrencies { row: reject.row, currency });
        }
        if let Some(events) = self.seeking {
            let rows = Kept { customers: &self.customers, codes: &self.codes, rows: self.shares.rows() };
            sought::seek(events, &rules.plan.event_order, &columns, rows, origin, &mut self.sought);
            return Ok(());
        }
        let rows = RowColumns {
            customers: &self.customers,
            times_us: columns.times.values(),
            codes: &self.codes,
            events: event_keys(columns.events.as_ref(), batch.num_rows(), &mut self.events),
        };
        let counts_rows = rules.columns.counts_rows;
        if counts_rows {
            self.rows_by_code.resize(self.coder.book.len(), 0);
        }
        let codes = self.coder.codes();
        for (partition, own) in self.shares.by_partition() {
            self.partitions[partition].extend_from(own, &rows);
            if counts_rows {
                own.iter().for_each(|row| self.rows_by_code[codes[*row as usize] as usize] += 1);
            }
        }
        Ok(())
    }

    /// Finds out which rows of a batch count, with which amounts and orders, and what becomes of the others.
    fn screen_rows(&mut self, columns: &BatchColumns, origin: BatchOrigin<'_>) {
        let rules = self.rules;
        let texts = &rules.columns.texts;
        let source = &mut self.verdicts[origin.source];
        source.judge(rules.plan, &self.coder.book, texts);
        let (codes, kept) = self.coder.codes_and_kept();
        self.codes.begin(codes);
        self.shares.begin(codes.len());
        let screen = Screen {
            columns,
            customers: &self.customers,
            codes,
            verdicts: source.by_code(),
            suppressed: rules.suppressed,
            number_uses: &self.number_uses,
            exclude_ids: &source.exclude_ids,
            names: texts,
            minor_per_unit: rules.plan.job.currency.minor_per_unit(),
            from_us: rules.scope.from_us.unwrap_or(i64::MIN),
            to_us: rules.scope.to_us.unwrap_or(i64::MAX),
        };
        let counts = &mut self.counts[origin.source];
        let instants = columns.times.values();
        let mut digits = itoa::Buffer::new();
        let (mut first_us, mut last_us) = (i64::MAX, i64::MIN);
        let window_from_us = rules.plan.window.from_us.unwrap_or(i64::MIN);
        let (mut outside, mut in_window) = (0, 0);
        screen.glance(&mut self.doubts, &mut self.codes);
        for (row, (code, customer)) in codes.iter().zip(&self.customers).enumerate() {
            if self.doubts[row] {
                match screen.fate(row) {
                    Fate::Kept(kept) => {
                        kept.amount_minor.into_iter().for_each(|minor| self.codes.set_amount(row, minor));
                        counts.nulled_values += u64::from(kept.value_nulled);
                        for (at, nulled) in counts.nulled_numbers.iter_mut().enumerate() {
                            *nulled += u64::from(screen.is_unusable(at, row));
                        }
                    }
                    Fate::Outside => {
                        outside += 1;
                        continue;
                    }
                    Fate::Excluded => {
                        counts.excluded += 1;
                        continue;
                    }
                    Fate::Suppressed => {
                        counts.suppressed += 1;
                        continue;
                    }
                    Fate::Rejected(rejection) => {
                        *counts.rejected.entry(rejection.rule).or_default() += 1;
                        if let Some(minor) = rejection.amount_minor {
                            add_left_out(&mut counts.excluded_value_minor, screen.verdict(row), minor);
                        }
                        self.rejects.push(Reject {
                            source: origin.source,
                            file: origin.file,
                            row: origin.first_row + row as u64,
                            rule: rejection.rule,
                            value_hash: rejection.value.map(|value| rules.hasher.hash(&value)),
                        });
                        continue;
                    }
                }
            }
            if let Some(orders) = &columns.orders
                && screen.verdict(row).names_order
                && let Some(order) = orders.get(row, &mut digits)
            {
                self.codes.set_order(row, order_hash(order));
            }
            in_window += u64::from(instants[row] >= window_from_us);
            first_us = first_us.min(instants[row]);
            last_us = last_us.max(instants[row]);
            kept[*code as usize] = true;
            self.shares.keep(row, *customer);
        }
        counts.outside += outside;
        counts.in_window += in_window;
        counts.in_scope += codes.len() as u64 - outside;
        if first_us <= last_us {
            counts.newest_us = counts.newest_us.max(Some(last_us));
            let span = self.span_us.get_or_insert((first_us, last_us));
            *span = (span.0.min(first_us), span.1.max(last_us));
        }
        if let Some(day_us) = &rules.arrivals_us[origin.source][origin.file] {
            counts.dated += self.shares.rows().len() as u64;
            // Nearly always all rows are of the day on which they came, and their bounds show it.
            if first_us < day_us.start || last_us >= day_us.end {
                for row in self.shares.rows() {
                    let time_us = instants[*row as usize];
                    counts.late += u64::from(time_us < day_us.start);
                    counts.future += u64::from(time_us >= day_us.end);
                }
            }
        }
        if source.has_unnamed() {
            self.unnamed_by_code.resize(source.by_code().len(), 0);
            for row in self.shares.rows() {
                let code = codes[*row as usize] as usize;
                self.unnamed_by_code[code] += u64::from(source.by_code()[code].unnamed);
            }
        }
        if let Some(customer) = rules.watched {
            watched::watch(customer, &screen, &self.codes, origin, &mut self.shares, &mut self.watched);
        }
    }
}

/// Adds the amount of a rejected row to the conversions that would have used it.
fn add_left_out(sums: &mut [i128], verdict: Verdict, minor: i64) {
    for (conversion, sum) in sums.iter_mut().enumerate() {
        if verdict.uses_value >> conversion & 1 == 1 {
            *sum += i128::from(minor);
        }
    }
}
