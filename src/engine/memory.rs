//! Rows from memory through the same kernel as rows from files: for simulations, property tests, and
//! whatever brings its rows itself.
//!
//! What the contract checks in files is taken for granted here: times are possible, values usable and not
//! negative, nobody is suppressed. What lies outside the instants that a plan reads is left out, as there.

use rayon::ThreadPool;

use crate::analyses::attribution::solve::{Solved, solve};
use crate::analyses::{Analyses, Attribution, BucketPartials, NamedFrame, Observed, WorkerPartials};
use crate::config::plan::Plan;
use crate::contract::RowCounts;
use crate::contract::touchpoints::TouchpointColumns;
use crate::input::open::Scope;
use crate::journey::buffer::{AssignmentRow, BufferedRow, Chunks, DatedAttributeRow, PartitionBuffer};
use crate::journey::channels;
use crate::journey::codebook::{CodebookBuilder, ValueId};
use crate::journey::dimensions::DimensionOrigin;
use crate::journey::key::{EventKey, PARTITIONS, order_hash};
use crate::journey::partition::{Assignment, CutCounts, Partition, Remaps};
use crate::journey::{Codebook, CustomerHash, Rules};

use super::error::EngineError;
use super::kernel::{Kernel, KernelInput, cut_options};
use super::load::window;
use super::observe::{Observer, Seen, finish, observe};
use super::open::{dimension_origins, scope_of, touchpoint_dimensions};
use super::spill::Waiting;
use super::work::Silent;

/// Experiment and variant.
const ASSIGNMENT_COLUMNS: usize = 2;

/// One touchpoint, borrowed.
#[derive(Debug, Clone, Copy)]
pub struct MemoryRow<'a> {
    /// Whose it is: any text.
    pub customer: &'a str,
    /// µs since the epoch.
    pub time_us: i64,
    /// By column of [`Memory::texts`]; None or an empty text is null.
    pub texts: &'a [Option<&'a str>],
    /// Value in minor units; None is null.
    pub amount_minor: Option<i64>,
    /// Id of the event, where it has one.
    pub event: Option<&'a str>,
    /// Id of the order, where it has one.
    pub order: Option<&'a str>,
}

/// Rows that wait for a run.
#[derive(Debug)]
pub struct Memory<'a> {
    plan: &'a Plan,
    scope: Scope,
    texts: Vec<String>,
    dimensions: Vec<(String, DimensionOrigin)>,
    /// Rows are dealt to them in turn, as files are to threads.
    readers: Vec<Reader>,
    next_reader: usize,
    span_us: Option<(i64, i64)>,
    attribute_columns: usize,
    attributes: CodebookBuilder,
    /// From when on, µs: the least number there is means from the beginning.
    attribute_codes: Vec<(CustomerHash, i64, u32)>,
    assignments: CodebookBuilder,
    assigned: Vec<(CustomerHash, Assignment)>,
}

#[derive(Debug)]
struct Reader {
    codes: CodebookBuilder,
    partitions: Vec<PartitionBuffer>,
}

/// All core frames of the analyses, as a job gets them before it checks and publishes them.
#[derive(Debug)]
pub struct MemoryFrames {
    /// In the order of the analyses; a name may come more than once.
    pub frames: Vec<NamedFrame>,
    /// What was kept and left out.
    pub cut: CutCounts,
}

/// Attribution alone, before it becomes tables.
#[derive(Debug)]
pub struct MemoryAttribution {
    /// By target, model and channel.
    pub solved: Solved,
    /// Names of the targets and channels, in the order of the figures.
    pub rules: Rules,
    /// What was kept and left out.
    pub cut: CutCounts,
}

impl<'a> Memory<'a> {
    /// Waits for rows of a plan. `attributes` names the columns of the customers table; `readers` is among
    /// how many the rows are dealt, at least one, and changes no figure.
    pub fn new(plan: &'a Plan, attributes: &[&str], readers: usize) -> Self {
        // Of the attributes those count that are dimensions.
        let named: Vec<String> = attributes.iter().map(|name| (*name).to_owned()).collect();
        let texts = TouchpointColumns::of(plan, &touchpoint_dimensions(plan, &named)).texts;
        let reader = || Reader {
            codes: CodebookBuilder::new(texts.len()),
            partitions: (0..PARTITIONS).map(|_| PartitionBuffer::default()).collect(),
        };
        Self {
            plan,
            scope: scope_of(plan),
            dimensions: dimension_origins(plan, &named, &texts),
            readers: (0..readers.max(1)).map(|_| reader()).collect(),
            next_reader: 0,
            span_us: None,
            attribute_columns: named.len(),
            attributes: CodebookBuilder::new(named.len()),
            attribute_codes: Vec::new(),
            assignments: CodebookBuilder::new(ASSIGNMENT_COLUMNS),
            assigned: Vec::new(),
            texts,
        }
    }

    /// Names of the text columns that the plan's rules need, in the order in which rows bring them:
    /// `event`, `channel`, then what else a rule or dimension names.
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    /// Takes a row in, if the plan reads its instant; its numbers are null.
    ///
    /// # Panics
    /// Where the row doesn't bring exactly the columns of [`Memory::texts`].
    pub fn push(&mut self, row: &MemoryRow<'_>) {
        self.push_with_numbers(row, &[]);
    }

    /// As [`Memory::push`], of a row with numbers: in millionths, in the order of [`Plan::numbers`].
    ///
    /// # Panics
    /// As [`Memory::push`].
    pub fn push_with_numbers(&mut self, row: &MemoryRow<'_>, numbers: &[Option<i64>]) {
        assert_eq!(row.texts.len(), self.texts.len(), "a row has the columns {:?}", self.texts);
        let MemoryRow { time_us, amount_minor, .. } = *row;
        let before = self.scope.from_us.is_some_and(|from_us| time_us < from_us);
        if before || self.scope.to_us.is_some_and(|to_us| time_us >= to_us) {
            return;
        }
        let span = self.span_us.get_or_insert((time_us, time_us));
        *span = (span.0.min(time_us), span.1.max(time_us));
        let customer = CustomerHash::of(row.customer.as_bytes());
        let reader = &mut self.readers[self.next_reader];
        let code = code_of(&mut reader.codes, row.texts);
        let event = row.event.map_or(EventKey::NULL, |event| EventKey::of_text(event.as_bytes()));
        let order = row.order.map(|order| order_hash(order.as_bytes()));
        let buffer = &mut reader.partitions[customer.partition()];
        buffer.push(BufferedRow { customer, time_us, code, amount_minor, event, order }, true);
        buffer.push_numbers(numbers);
        self.next_reader = (self.next_reader + 1) % self.readers.len();
    }

    /// Takes the attributes of a customer in, by the columns that were named at the beginning.
    pub fn attributes(&mut self, customer: &str, values: &[Option<&str>]) {
        self.attributes_from(customer, i64::MIN, values);
    }

    /// As [`Memory::attributes`], of what holds from an instant on, in µs.
    pub fn attributes_from(&mut self, customer: &str, from_us: i64, values: &[Option<&str>]) {
        let code = code_of(&mut self.attributes, values);
        self.attribute_codes.push((CustomerHash::of(customer.as_bytes()), from_us, code));
    }

    /// Takes an exposure to an experiment in.
    pub fn assign(&mut self, customer: &str, experiment: &str, variant: &str, time_us: i64) {
        let code = code_of(&mut self.assignments, &[Some(experiment), Some(variant)]);
        self.assigned.push((CustomerHash::of(customer.as_bytes()), Assignment { time_us, code }));
    }

    /// Runs all analyses over what was taken in.
    ///
    /// # Errors
    /// Without any row there is nothing to report on, as with files; a frame that can't be built is a bug.
    pub fn frames(self, pool: &ThreadPool) -> Result<MemoryFrames, EngineError> {
        self.frames_merged(pool, 1)
    }

    /// As [`Memory::frames`], with the journeys of each bucket dealt among so many partials, at least one,
    /// that are merged at the end: how a run works whose partials come from several places.
    ///
    /// # Errors
    /// As [`Memory::frames`].
    pub fn frames_merged(self, pool: &ThreadPool, partials: usize) -> Result<MemoryFrames, EngineError> {
        let (known, rows) = self.gather()?;
        let kernel = Kernel::new(&known.input());
        let analyses = Analyses::new(kernel.context(&known.input(), pool.current_num_threads()));
        let dealt = Dealt { analyses: &analyses, partials: partials.max(1) };
        let Seen { buckets, all, cut } = rows.observe(&dealt, &kernel, known.plan, pool)?;
        let buckets = buckets.into_iter().map(|bucket| dealt.merge_buckets(bucket)).collect();
        let all = dealt.merge_workers(all);
        let frames = finish(&analyses, buckets, all, pool).map_err(EngineError::Frame)?;
        Ok(MemoryFrames { frames, cut })
    }

    /// Runs attribution alone.
    ///
    /// # Errors
    /// As [`Memory::frames`].
    pub fn attribution(self, pool: &ThreadPool) -> Result<MemoryAttribution, EngineError> {
        let (known, rows) = self.gather()?;
        let kernel = Kernel::new(&known.input());
        let analysis = Attribution::new(kernel.context(&known.input(), pool.current_num_threads()));
        let Seen { buckets, all: (), cut } = rows.observe(&analysis, &kernel, known.plan, pool)?;
        let solved = solve(&analysis, &buckets);
        Ok(MemoryAttribution { solved, rules: kernel.rules, cut })
    }

    /// Merges what the readers saw.
    fn gather(self) -> Result<(Known<'a>, Rows), EngineError> {
        let Memory { plan, texts, dimensions, readers, attributes, attribute_columns, assignments, .. } =
            self;
        let window_us = window(plan, self.span_us, &RowCounts::default())?;
        let mut partitions: Vec<Partition> = (0..PARTITIONS).map(|_| Partition::default()).collect();
        let mut builders = Vec::new();
        for (index, reader) in readers.into_iter().enumerate() {
            builders.push(reader.codes);
            for (partition, buffer) in partitions.iter_mut().zip(reader.partitions) {
                if !buffer.is_empty() {
                    partition.rows.push((index, buffer));
                }
            }
        }
        let (mut book, rows) = Codebook::merge(&builders, texts.len());
        channels::assign(&plan.channels, &mut book, &texts, &[]);
        let mut own_attributes: Vec<Chunks<DatedAttributeRow>> = vec![Chunks::default(); PARTITIONS];
        for (customer, from_us, code) in self.attribute_codes {
            // What begins at the end of the window or after it doesn't hold yet.
            if from_us < window_us.1 {
                own_attributes[customer.partition()].push(DatedAttributeRow::new(customer, from_us, code));
            }
        }
        let mut own_assignments: Vec<Chunks<AssignmentRow>> = vec![Chunks::default(); PARTITIONS];
        for (customer, Assignment { time_us, code }) in self.assigned {
            // What happens at the end of the window or after it hasn't happened yet.
            if time_us < window_us.1 {
                own_assignments[customer.partition()].push(AssignmentRow::new(customer, time_us, code));
            }
        }
        let own = own_attributes.into_iter().zip(own_assignments);
        for (partition, (attributes, assignments)) in partitions.iter_mut().zip(own) {
            partition.dated_attributes.push((0, attributes));
            partition.assignments.push((0, assignments));
        }
        let (attributes, attribute_ranks) = Codebook::merge(&[attributes], attribute_columns);
        let (assignments, assignment_ranks) = Codebook::merge(&[assignments], ASSIGNMENT_COLUMNS);
        let remaps = Remaps { rows, attributes: attribute_ranks, assignments: assignment_ranks };
        let known = Known { plan, texts, book, attributes, assignments, dimensions, window_us };
        Ok((known, Rows { partitions, remaps }))
    }
}

/// Deals the journeys of a bucket among several partials.
struct Dealt<'d, 'a> {
    analyses: &'d Analyses<'a>,
    partials: usize,
}

impl Observer for Dealt<'_, '_> {
    type Bucket = Vec<BucketPartials>;
    type Worker = Vec<WorkerPartials>;

    fn bucket(&self) -> Vec<BucketPartials> {
        (0..self.partials).map(|_| self.analyses.bucket()).collect()
    }

    fn worker(&self) -> Vec<WorkerPartials> {
        (0..self.partials).map(|_| self.analyses.worker()).collect()
    }

    fn observe(
        &self,
        observed: Observed<'_>,
        buckets: &mut Vec<BucketPartials>,
        workers: &mut Vec<WorkerPartials>,
    ) {
        // The low bits of the hash have no part in the choice of the bucket.
        let place = (observed.journey.customer.0 % self.partials as u128) as usize;
        self.analyses.observe(observed, &mut buckets[place], &mut workers[place]);
    }

    fn close_bucket(&self, buckets: &mut Vec<BucketPartials>) {
        buckets.iter_mut().for_each(|bucket| self.analyses.close_bucket(bucket));
    }

    fn close_worker(&self, workers: &mut Vec<WorkerPartials>) {
        workers.iter_mut().for_each(|worker| self.analyses.close_worker(worker));
    }

    fn merge_worker(&self, into: &mut Vec<WorkerPartials>, from: Vec<WorkerPartials>) {
        into.iter_mut().zip(from).for_each(|(into, from)| self.analyses.merge_worker(into, from));
    }
}

impl Dealt<'_, '_> {
    /// The last one first: the order must not matter.
    fn merge_buckets(&self, partials: Vec<BucketPartials>) -> BucketPartials {
        let mut merged = self.analyses.bucket();
        partials.into_iter().rev().for_each(|partial| self.analyses.merge_bucket(&mut merged, partial));
        merged
    }

    /// The same.
    fn merge_workers(&self, partials: Vec<WorkerPartials>) -> WorkerPartials {
        let mut merged = self.analyses.worker();
        partials.into_iter().rev().for_each(|partial| self.analyses.merge_worker(&mut merged, partial));
        merged
    }
}

/// Everything but the rows.
struct Known<'a> {
    plan: &'a Plan,
    texts: Vec<String>,
    book: Codebook,
    attributes: Codebook,
    assignments: Codebook,
    dimensions: Vec<(String, DimensionOrigin)>,
    window_us: (i64, i64),
}

impl Known<'_> {
    fn input(&self) -> KernelInput<'_> {
        KernelInput {
            plan: self.plan,
            texts: &self.texts,
            book: &self.book,
            attributes: &self.attributes,
            assignments: &self.assignments,
            dimensions: &self.dimensions,
            spend: &[],
            excluded_value_minor: &[],
            window_us: self.window_us,
        }
    }
}

struct Rows {
    partitions: Vec<Partition>,
    remaps: Remaps,
}

impl Rows {
    fn observe<O: Observer>(
        self,
        observer: &O,
        kernel: &Kernel,
        plan: &Plan,
        pool: &ThreadPool,
    ) -> Result<Seen<O::Bucket, O::Worker>, EngineError> {
        let options = cut_options(plan);
        observe(observer, &Waiting::in_memory(self.partitions), &self.remaps, kernel, options, pool, &Silent)
    }
}

fn code_of(codes: &mut CodebookBuilder, texts: &[Option<&str>]) -> u32 {
    let id = |(column, text): (usize, &Option<&str>)| {
        text.filter(|text| !text.is_empty()).map_or(0, |text| codes.value(column, text))
    };
    let ids: Vec<ValueId> = texts.iter().enumerate().map(id).collect();
    let (code, _) = codes.combination(&ids);
    codes.keep(code);
    code
}
