//! Reads all inputs: touchpoints into partitions, the small tables beside them, digests on the way.

use std::collections::BTreeMap;
use std::ops::Range;

use arrow::record_batch::RecordBatch;
use bytemuck::Pod;
use rayon::ThreadPool;

use crate::config::plan::{DAY_US, Plan};
use crate::contract::arrival::arrival_us;
use crate::contract::assignments::check_names;
use crate::contract::lookups::{LookupReader, read_ids};
use crate::contract::named::is_named;
use crate::contract::rates::{self, Rates};
use crate::contract::reject::{Reject, RowCounts, ValueHasher};
use crate::contract::spend::{self, SpendRow};
use crate::contract::touchpoints::{
    BatchOrigin, Suppressed, TakeError, TouchpointReader, TouchpointRules, WatchedRow,
};
use crate::input::open::{Located, OpenFile};
use crate::input::read::GroupDigest;
use crate::input::{InputError, InputFile};
use crate::journey::buffer::{AssignmentRow, AttributeRow, Chunks, DatedAttributeRow};
use crate::journey::channels::{self, tally::ChannelTally};
use crate::journey::codebook::{Codebook, CodebookBuilder};
use crate::journey::key::{CustomerHash, PARTITIONS};
use crate::journey::partition::{Partition, Remaps};
use crate::journey::spill::Alone;

use super::budget::Budget;
use super::error::EngineError;
use super::hash_key;
use super::limits::{self, check_channels, check_shares};
use super::open::{OpenSource, Opened};
use super::small::{SmallRows, read_small};
use super::spill::{Spilled, SpilledRows, Spiller, Waiting};
use super::uses::Use;
use super::verify;
use super::work::{self, Progress};

/// Rows that a thread takes at a time, at least.
const ITEM_ROWS: u64 = 65_536;

/// A file that was read, as the manifest names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InputRecord {
    /// Key of its source in the configuration.
    pub key: String,
    /// The file.
    pub file: InputFile,
    /// BLAKE3 of the footer and of the column chunks read.
    pub digest: blake3::Hash,
    /// Rows of the file.
    pub rows: u64,
    /// SHA-256 of the whole file, where one lies beside it and agrees.
    pub sha256: Option<String>,
    /// Whether a checksum covered all that was read.
    pub is_verified: bool,
}

/// What became of the rows of one input.
#[derive(Debug, Clone)]
pub struct InputCounts {
    /// `touchpoints`, `customers`, `assignments`.
    pub input: &'static str,
    /// Sums over its sources.
    pub counts: RowCounts,
    /// Rejected rows, in the order of files and rows.
    pub rejects: Vec<Reject>,
    /// Paths by source and file, for the rejects.
    pub paths: Vec<Vec<String>>,
}

/// Everything that was read.
#[derive(Debug)]
pub struct Loaded {
    /// All rows, by partition.
    pub waiting: Waiting,
    /// Each worker's codes to codes of the three books.
    pub remaps: Remaps,
    /// Combinations of the touchpoints' text columns, with the channels that the plan decides.
    pub book: Codebook,
    /// Combinations of the customers' attributes.
    pub attributes: Codebook,
    /// Combinations of experiment and variant.
    pub assignments: Codebook,
    /// Spend of all days.
    pub spend: Vec<SpendRow>,
    /// What became of the channels of touchpoints.
    pub channels: ChannelTally,
    /// What became of the channels of the spend.
    pub spend_channels: ChannelTally,
    /// Files read, with digests, in the order of sources and paths.
    pub inputs: Vec<InputRecord>,
    /// What became of the rows.
    pub counts: Vec<InputCounts>,
    /// The reporting window, µs.
    pub window_us: (i64, i64),
    /// Events that no rule names, with their kept rows: most rows first, then by name.
    pub unnamed_events: Vec<(String, u64)>,
    /// What other currencies are worth.
    pub rates: Rates,
    /// By source and file of touchpoints: the day on which its rows came, where that is known.
    pub arrivals_us: Vec<Vec<Option<Range<i64>>>>,
    /// By source of touchpoints: the last instant that was kept, µs.
    pub newest_us: Vec<Option<i64>>,
    /// Hashes values of rejected rows.
    pub hasher: ValueHasher,
    /// By worker: the rows of the watched customer as it met them.
    pub watched: Vec<Vec<WatchedRow>>,
}

/// Neighbouring row groups of a file.
pub(super) struct Item {
    pub(super) source: usize,
    pub(super) file: usize,
    pub(super) groups: Vec<usize>,
    pub(super) first_row: u64,
    pub(super) rows: u64,
}

/// Cuts sources into items of neighbouring row groups.
pub(super) fn items_of(sources: &[&OpenSource], threads: usize) -> Vec<Item> {
    let total: u64 = sources
        .iter()
        .flat_map(|source| &source.files)
        .flat_map(|file| file.row_groups.iter().map(|(group, _)| file.group_rows(*group)))
        .sum();
    let enough = (total / (threads as u64 * 16)).max(ITEM_ROWS);
    let mut items: Vec<Item> = Vec::new();
    for (source, open) in sources.iter().enumerate() {
        for (file, opened) in open.files.iter().enumerate() {
            let mut current: Option<Item> = None;
            for (group, first_row) in &opened.row_groups {
                let rows = opened.group_rows(*group);
                match &mut current {
                    Some(item) if item.first_row + item.rows == *first_row && item.rows < enough => {
                        item.groups.push(*group);
                        item.rows += rows;
                    }
                    _ => {
                        items.extend(current.take());
                        current =
                            Some(Item { source, file, groups: vec![*group], first_row: *first_row, rows });
                    }
                }
            }
            items.extend(current);
        }
    }
    items
}

/// Digests of row groups by source, file and group.
pub(super) type GroupDigests = Vec<((usize, usize, usize), GroupDigest)>;

/// Decodes an item batch by batch; the digests of its row groups go to `digests`.
pub(super) fn decode<E: From<InputError>>(
    opened: &OpenFile,
    item: &Item,
    digests: &mut GroupDigests,
    mut take: impl FnMut(&RecordBatch, BatchOrigin<'_>) -> Result<(), E>,
) -> Result<(), E> {
    let mut first_row = item.first_row;
    for portion in opened.portions(&item.groups) {
        let mut note = |group, digest| digests.push(((item.source, item.file, group), digest));
        for batch in opened.read(portion, Some(&mut note))? {
            let batch = batch?;
            let origin =
                BatchOrigin { source: item.source, file: item.file, first_row, located: &opened.located };
            take(&batch, origin)?;
            first_row += batch.num_rows() as u64;
        }
    }
    Ok(())
}

/// Decodes what a run needs of some sources and does nothing with it: the yardstick that runs are measured
/// by. Returns the number of rows.
pub fn decode_only(sources: &[&OpenSource], pool: &ThreadPool) -> Result<u64, EngineError> {
    let items = items_of(sources, pool.current_num_threads());
    let rows = work::for_each(
        pool,
        &items,
        || 0_u64,
        |rows, _, item| {
            let opened = &sources[item.source].files[item.file];
            for portion in opened.portions(&item.groups) {
                for batch in opened.read(portion, None)? {
                    *rows += batch?.num_rows() as u64;
                }
            }
            Ok::<_, EngineError>(())
        },
    )?;
    Ok(rows.into_iter().sum())
}

/// What the contract asks of touchpoints, of whoever they are.
pub(super) fn touchpoint_rules<'a>(
    plan: &'a Plan,
    opened: &'a Opened,
    (rates, suppressed, hasher): (&'a Rates, &'a Suppressed, ValueHasher),
    arrivals_us: &'a [Vec<Option<Range<i64>>>],
) -> TouchpointRules<'a> {
    TouchpointRules {
        plan,
        columns: &opened.columns,
        rates,
        scope: opened.scope,
        suppressed,
        hasher,
        with_events: opened.with_events,
        arrivals_us,
        watched: None,
    }
}

/// The files of some sources that were read, with the digests of what was read.
pub(super) fn records(sources: &[&OpenSource], mut digests: GroupDigests) -> Vec<InputRecord> {
    digests.sort_by_key(|(place, _)| *place);
    let mut records = Vec::new();
    for (source, open) in sources.iter().enumerate() {
        for (file, opened) in open.files.iter().enumerate() {
            if opened.is_pruned() {
                continue;
            }
            let start = digests.partition_point(|((s, f, _), _)| (*s, *f) < (source, file));
            let mut hasher = blake3::Hasher::new();
            hasher.update(opened.footer_digest.as_bytes());
            let mut is_covered = true;
            for ((s, f, _), digest) in &digests[start..] {
                if (*s, *f) != (source, file) {
                    break;
                }
                hasher.update(digest.hash.as_bytes());
                is_covered &= digest.is_covered;
            }
            records.push(InputRecord {
                key: open.plan.key.clone(),
                file: opened.file.clone(),
                digest: with_folders(hasher.finalize(), &opened.file),
                rows: opened.rows,
                sha256: opened.sha256().map(str::to_owned),
                is_verified: is_covered || opened.sha256().is_some(),
            });
        }
    }
    records
}

/// The digest of a file with the columns that its folders name: they are content, for no chunk of the file holds them.
pub(super) fn with_folders(digest: blake3::Hash, file: &InputFile) -> blake3::Hash {
    if file.hive.is_empty() {
        return digest;
    }
    let mut hasher = blake3::Hasher::new();
    hasher.update(digest.as_bytes());
    for (name, value) in &file.hive {
        for part in [Some(name), value.as_ref()] {
            // With its length, so that no two lists of folders are the same bytes.
            hasher.update(&part.map_or(u64::MAX, |part| part.len() as u64).to_le_bytes());
            hasher.update(part.map_or(&[], |part| part.as_bytes()));
        }
    }
    hasher.finalize()
}

fn paths_of(sources: &[&OpenSource]) -> Vec<Vec<String>> {
    let name = |file: &OpenFile| file.file.path.display().to_string();
    sources.iter().map(|source| source.files.iter().map(name).collect()).collect()
}

/// Reads everything.
pub fn load(
    plan: &Plan,
    opened: &Opened,
    pool: &ThreadPool,
    budget: &Budget,
    progress: &dyn Progress,
) -> Result<Loaded, EngineError> {
    load_rows(plan, opened, None, (pool, budget, progress))
}

/// Reads everything as a run does, but keeps the rows of one customer only, and notes what becomes of each. It goes
/// on however many rows are rejected: whoever asks wants to see them.
pub fn load_watching(
    plan: &Plan,
    opened: &Opened,
    customer: CustomerHash,
    pool: &ThreadPool,
    budget: &Budget,
    progress: &dyn Progress,
) -> Result<Loaded, EngineError> {
    load_rows(plan, opened, Some(customer), (pool, budget, progress))
}

fn load_rows(
    plan: &Plan,
    opened: &Opened,
    watched: Option<CustomerHash>,
    (pool, budget, progress): (&ThreadPool, &Budget, &dyn Progress),
) -> Result<Loaded, EngineError> {
    let check_rejected = |input: &InputCounts| match watched {
        None => limits::check_rejected(plan, input),
        Some(_) => Ok(()),
    };
    let hasher = match watched {
        None => hash_key::hasher(plan)?,
        Some(_) => hash_key::random()?,
    };
    let threads = pool.current_num_threads();
    let mut inputs = Vec::new();

    verify::by_sidecars(opened, pool)?;
    let suppressed = match &opened.suppress {
        Some(source) => read_suppressed(source, pool, &mut inputs)?,
        None => Suppressed::default(),
    };

    // What everything is converted by comes first, and costs are few: a slip there is better told now than
    // after an hour of reading.
    let Money { rates, spend, channels: spend_channels, inputs: money_inputs } = read_money(plan, opened)?;
    let sources: Vec<&OpenSource> = opened.touchpoints.iter().collect();
    let arrivals_us: Vec<Vec<Option<Range<i64>>>> = sources
        .iter()
        .map(|source| source.files.iter().map(|file| arrival_us(&file.file, &source.plan, plan)).collect())
        .collect();
    let mut rules = touchpoint_rules(plan, opened, (&rates, &suppressed, hasher), &arrivals_us);
    rules.watched = watched;
    let items = items_of(&sources, threads);
    progress.begin("reading touchpoints", items.iter().map(|item| item.rows).sum());
    let workers = work::for_each(
        pool,
        &items,
        || (TouchpointReader::new(rules), GroupDigests::new(), Spiller::new(budget)),
        |(reader, digests, spiller), _, item| {
            let file = &sources[item.source].files[item.file];
            decode(file, item, digests, |batch, origin| {
                progress.check()?;
                progress.advance(batch.num_rows() as u64);
                reader.take(batch, origin).map_err(|error| match error {
                    TakeError::Arrow(error) => EngineError::Input(file.unreadable(error)),
                    TakeError::TooManyCombinations => EngineError::Input(InputError::TooManyCombinations {
                        columns: opened.columns.texts.join(", "),
                        limit: crate::journey::buffer::MAX_CODES,
                    }),
                    TakeError::MixedCurrencies { row, currency } => {
                        let plan = &sources[item.source].plan;
                        EngineError::Input(InputError::MixedCurrencies {
                            path: file.file.path.clone(),
                            row: row + 1,
                            column: plan.physical("currency").to_owned(),
                            currency,
                            job: rates.currency().code.clone(),
                        })
                    }
                })?;
                spiller.relieve(&mut reader.partitions)
            })
        },
    )?;
    progress.end();
    let mut spilled = SpilledRows::default();

    let mut digests = GroupDigests::new();
    let mut touchpoint_counts = InputCounts {
        input: "touchpoints",
        counts: RowCounts::default(),
        rejects: Vec::new(),
        paths: paths_of(&sources),
    };
    let pruned: u64 = sources.iter().flat_map(|source| &source.files).map(|file| file.pruned_rows).sum();
    touchpoint_counts.counts.outside += pruned;
    let mut partitions: Vec<Partition> = (0..PARTITIONS).map(|_| Partition::default()).collect();
    let mut builders: Vec<CodebookBuilder> = Vec::new();
    let mut rows_by_code: Vec<Vec<u64>> = Vec::new();
    let mut unnamed_by_code: Vec<Vec<u64>> = Vec::new();
    let mut span_us: Option<(i64, i64)> = None;
    let mut newest_us = vec![None; sources.len()];
    let mut watched_rows = Vec::new();
    for (worker, (mut reader, own, spiller)) in workers.into_iter().enumerate() {
        digests.extend(own);
        spilled.rows.push(spiller.finish(&mut reader.partitions)?);
        for (newest_us, counts) in newest_us.iter_mut().zip(&reader.counts) {
            touchpoint_counts.counts.merge(counts);
            *newest_us = counts.newest_us.max(*newest_us);
        }
        touchpoint_counts.rejects.extend(std::mem::take(&mut reader.rejects));
        if let Some((first, last)) = reader.span_us {
            let span = span_us.get_or_insert((first, last));
            *span = (span.0.min(first), span.1.max(last));
        }
        watched_rows.push(std::mem::take(&mut reader.watched));
        let parts = reader.into_parts();
        builders.push(parts.codes);
        rows_by_code.push(parts.rows_by_code);
        unnamed_by_code.push(parts.unnamed_by_code);
        for (partition, buffer) in partitions.iter_mut().zip(parts.partitions) {
            if !buffer.is_empty() {
                partition.rows.push((worker, buffer));
            }
        }
    }
    inputs.extend(records(&sources, digests));
    let (mut book, ranks) = Codebook::merge(&builders, opened.columns.texts.len());
    drop(builders);
    let rows = rows_by_rank(&rows_by_code, &ranks, book.len());
    let unnamed = rows_by_rank(&unnamed_by_code, &ranks, book.len());
    let mut remaps = Remaps { rows: ranks, ..Remaps::default() };
    let channels = channels::assign(&plan.channels, &mut book, &opened.columns.texts, &rows);
    check_channels(&book, &opened.columns.texts)?;
    let unnamed_events = unnamed_events(plan, &book, &opened.columns.texts, &unnamed);
    // Whoever has nothing left because everything was rejected wants to know that first.
    touchpoint_counts.rejects.sort();
    check_rejected(&touchpoint_counts)?;
    let window_us = window(plan, span_us, &touchpoint_counts.counts)?;

    let mut counts = vec![touchpoint_counts];
    let mut attributes = Codebook::default();
    if let Some(source) = opened.customers.as_ref().filter(|_| opened.reads_customers) {
        let texts = opened.attributes.len();
        let tools = Tools { pool, budget, progress, hasher, inputs: &mut inputs };
        if opened.dated_attributes {
            let take = |reader: &mut LookupReader<DatedAttributeRow>, batch: &_, origin: BatchOrigin<'_>| {
                reader.take_dated_customers(batch, origin, &suppressed, window_us.1)
            };
            let Lookup { counts: read, found, book, ranks } =
                read_lookup("customers", source, texts, tools, take)?;
            spilled.attributes =
                share_out(&mut partitions, found, |partition| &mut partition.dated_attributes);
            (remaps.attributes, attributes) = (ranks, book);
            counts.push(read);
        } else {
            let take = |reader: &mut LookupReader<AttributeRow>, batch: &_, origin: BatchOrigin<'_>| {
                reader.take_customers(batch, origin, &suppressed)
            };
            let Lookup { counts: read, found, book, ranks } =
                read_lookup("customers", source, texts, tools, take)?;
            spilled.attributes = share_out(&mut partitions, found, |partition| &mut partition.attributes);
            (remaps.attributes, attributes) = (ranks, book);
            counts.push(read);
        }
    }
    let mut assignments = Codebook::default();
    if let Some(source) = &opened.assignments {
        let Lookup { counts: read, found, book, ranks } = read_lookup(
            "assignments",
            source,
            2,
            Tools { pool, budget, progress, hasher, inputs: &mut inputs },
            |reader: &mut LookupReader<AssignmentRow>, batch, origin| {
                reader.take_assignments(batch, origin, &suppressed, window_us.1)
            },
        )?;
        spilled.assignments = share_out(&mut partitions, found, |partition| &mut partition.assignments);
        check_names(plan, &source.plan, &book)?;
        remaps.assignments = ranks;
        counts.push(read);
        assignments = book;
    }
    inputs.extend(money_inputs);
    for input in counts.iter_mut().skip(1) {
        input.rejects.sort();
        check_rejected(input)?;
    }
    let waiting = Waiting::new(partitions, spilled, budget);
    let loaded = Loaded {
        waiting,
        remaps,
        book,
        attributes,
        assignments,
        spend,
        channels,
        spend_channels,
        inputs,
        counts,
        window_us,
        newest_us,
        hasher,
        unnamed_events,
        rates,
        arrivals_us,
        watched: watched_rows,
    };
    if watched.is_none() {
        check_shares(plan, &loaded)?;
    }
    Ok(loaded)
}

/// Events that no rule names in any combination, with their rows.
fn unnamed_events(plan: &Plan, book: &Codebook, texts: &[String], unnamed: &[u64]) -> Vec<(String, u64)> {
    // Only what is kept has a combination, so that nothing else can be told of.
    let mut rows: BTreeMap<&str, Option<u64>> = BTreeMap::new();
    for (code, unnamed) in unnamed.iter().enumerate() {
        let value = |name: &str| book.text(code as u32, texts.iter().position(|text| text == name)?);
        let Some(event) = value("event") else { continue };
        let sum = rows.entry(event).or_insert(Some(0));
        *sum = sum.filter(|_| !is_named(plan, value)).map(|sum| sum + unnamed);
    }
    let mut events: Vec<(String, u64)> =
        rows.into_iter().filter_map(|(event, rows)| Some((event.to_owned(), rows?))).collect();
    events.sort_by(|one, other| other.1.cmp(&one.1).then(one.0.cmp(&other.0)));
    events
}

/// From the rows that each worker counted by its own codes to rows by the codes of the book.
fn rows_by_rank(rows_by_code: &[Vec<u64>], ranks: &[Vec<u32>], codes: usize) -> Vec<u64> {
    let mut rows = vec![0; codes];
    for (own, ranks) in rows_by_code.iter().zip(ranks) {
        // What nobody kept has no rank, and no rows either.
        for (count, rank) in own.iter().zip(ranks).filter(|(count, _)| **count > 0) {
            rows[*rank as usize] += count;
        }
    }
    rows
}

/// The reporting window: as configured, else whole local days around the data.
pub(super) fn window(
    plan: &Plan,
    span_us: Option<(i64, i64)>,
    counts: &RowCounts,
) -> Result<(i64, i64), EngineError> {
    let day = |instant_us: i64, next: i64| -> Option<i64> {
        let instant = jiff::Timestamp::from_microsecond(instant_us).ok()?;
        let date = instant.to_zoned(plan.job.timezone.zone.clone()).date();
        let date = date.checked_add(jiff::Span::new().days(next)).ok()?;
        Some(date.to_zoned(plan.job.timezone.zone.clone()).ok()?.timestamp().as_microsecond())
    };
    let bound = |configured: Option<i64>, found: Option<i64>, next: i64| {
        configured.or_else(|| found.map(|found| day(found, next).unwrap_or(found + next * DAY_US)))
    };
    let from = bound(plan.window.from_us, span_us.map(|span| span.0), 0);
    let to = bound(plan.window.to_us, span_us.map(|span| span.1), 1);
    let written = |us: Option<i64>| {
        us.and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
            .map_or("…".to_owned(), |instant| instant.to_string())
    };
    match (from, to, span_us) {
        // Nothing at or after `to` was read; rows before `from` are context and make no report.
        (Some(from), Some(to), Some((_, last))) if last >= from => Ok((from, to)),
        _ => Err(EngineError::NoRows {
            window: match (plan.window.from_us, plan.window.to_us) {
                (None, None) => "is there to report".to_owned(),
                (from, to) => format!("lies in the window [{}, {})", written(from), written(to)),
            },
            found: whereabouts(counts),
        }),
    }
}

/// What became of rows of which none was left.
fn whereabouts(counts: &RowCounts) -> String {
    let left_out = counts.excluded + counts.suppressed + counts.rejected_total();
    let fates = [
        ("lie outside", counts.outside),
        ("come before it", counts.in_scope - left_out),
        ("are excluded", counts.excluded),
        ("are suppressed", counts.suppressed),
        ("are rejected", counts.rejected_total()),
    ];
    let fates: Vec<String> =
        fates.iter().filter(|(_, rows)| *rows > 0).map(|(fate, rows)| format!("{rows} {fate}")).collect();
    if fates.is_empty() {
        "the files hold no rows".to_owned()
    } else {
        format!("of {} rows {}", counts.in_scope + counts.outside, fates.join(", "))
    }
}

pub(super) fn read_suppressed(
    source: &OpenSource,
    pool: &ThreadPool,
    inputs: &mut Vec<InputRecord>,
) -> Result<Suppressed, EngineError> {
    let sources = [source];
    let items = items_of(&sources, pool.current_num_threads());
    let workers = work::for_each(
        pool,
        &items,
        || (Vec::new(), GroupDigests::new()),
        |(ids, digests), _, item| {
            let file = &source.files[item.file];
            decode(file, item, digests, |batch, origin| {
                ids.extend(read_ids(batch, origin).map_err(|error| file.unreadable(error))?);
                Ok::<_, InputError>(())
            })
        },
    )?;
    let (ids, digests): (Vec<_>, Vec<_>) = workers.into_iter().unzip();
    inputs.extend(records(&sources, digests.into_iter().flatten().collect()));
    Ok(Suppressed::new(ids.into_iter().flatten()))
}

/// By worker: rows by partition, and what was written out of them.
type Found<T> = Vec<(Vec<Chunks<T>>, Spilled)>;

/// A table that stands beside the touchpoints, as it was read.
struct Lookup<T> {
    counts: InputCounts,
    found: Found<T>,
    book: Codebook,
    /// By worker: its codes to codes of the book.
    ranks: Vec<Vec<u32>>,
}

/// Gives each partition what the workers found of it.
fn share_out<T: Pod>(
    partitions: &mut [Partition],
    found: Found<T>,
    place: impl Fn(&mut Partition) -> &mut Vec<(usize, Chunks<T>)>,
) -> Vec<Spilled> {
    let share = |(worker, (own, spilled)): (usize, (Vec<Chunks<T>>, Spilled))| {
        for (partition, rows) in partitions.iter_mut().zip(own) {
            if !rows.is_empty() {
                place(partition).push((worker, rows));
            }
        }
        spilled
    };
    found.into_iter().enumerate().map(share).collect()
}

/// What the tables beside the touchpoints are read with.
struct Tools<'a> {
    pool: &'a ThreadPool,
    budget: &'a Budget,
    progress: &'a dyn Progress,
    hasher: ValueHasher,
    /// Takes the files that were read.
    inputs: &'a mut Vec<InputRecord>,
}

fn read_lookup<T: Alone + Send>(
    input: &'static str,
    source: &OpenSource,
    texts: usize,
    Tools { pool, budget, progress, hasher, inputs }: Tools<'_>,
    take: impl Fn(&mut LookupReader<T>, &RecordBatch, BatchOrigin<'_>) -> Result<(), arrow::error::ArrowError>
    + Sync,
) -> Result<Lookup<T>, EngineError> {
    let sources = [source];
    let items = items_of(&sources, pool.current_num_threads());
    let workers = work::for_each(
        pool,
        &items,
        || (LookupReader::new(&source.plan, texts, hasher), GroupDigests::new(), Spiller::new(budget)),
        |(reader, digests, spiller), _, item| {
            let file = &source.files[item.file];
            decode(file, item, digests, |batch, origin| {
                progress.check()?;
                take(reader, batch, origin).map_err(|error| EngineError::Input(file.unreadable(error)))?;
                spiller.relieve(&mut reader.partitions)
            })
        },
    )?;
    let mut counts =
        InputCounts { input, counts: RowCounts::default(), rejects: Vec::new(), paths: paths_of(&sources) };
    let (mut builders, mut digests) = (Vec::new(), GroupDigests::new());
    let mut found: Found<T> = Vec::new();
    for (mut reader, own, spiller) in workers {
        let spilled = spiller.finish(&mut reader.partitions)?;
        counts.counts.merge(&reader.counts);
        counts.rejects.extend(std::mem::take(&mut reader.rejects));
        let (partitions, codes) = reader.into_parts();
        builders.push(codes);
        found.push((partitions, spilled));
        digests.extend(own);
    }
    inputs.extend(records(&sources, digests));
    let (book, ranks) = Codebook::merge(&builders, texts);
    Ok(Lookup { counts, found, book, ranks })
}

/// What stands beside the touchpoints and is money.
struct Money {
    rates: Rates,
    spend: Vec<SpendRow>,
    /// What became of the channels of the spend.
    channels: ChannelTally,
    /// Files of the spend, then of the rates.
    inputs: Vec<InputRecord>,
}

fn read_money(plan: &Plan, opened: &Opened) -> Result<Money, InputError> {
    let (currency, zone) = (&plan.job.currency, &plan.job.timezone);
    let found = match &opened.rates {
        Some(source) => read_small(source, |batch| rates::read(batch, currency, zone))?,
        None => SmallRows::default(),
    };
    let rates = match opened.rates {
        Some(_) => Rates::new(currency, found.rows)?,
        None => Rates::none(currency),
    };
    let mut channels = ChannelTally::default();
    let SmallRows { rows: spend, mut inputs, has } = match &opened.spend {
        Some(source) => {
            read_small(source, |batch| spend::read(batch, &rates, zone, &plan.channels, &mut channels))?
        }
        None => SmallRows::default(),
    };
    inputs.extend(found.inputs);
    // With rates and nothing that says what is in another currency, all would be taken for the same.
    let spend_has = has.get(spend::CURRENCY).copied().unwrap_or(false);
    let mut files = opened.touchpoints.iter().flat_map(|source| &source.files);
    if let Some(need) = opened.columns.currency().filter(|_| opened.rates.is_some() && !spend_has)
        && !files.clone().any(|file| file.located[need] != Located::Absent)
    {
        let available = files.next().map(|file| file.columns.clone()).unwrap_or_default();
        return Err(Use::of(&["inputs", "rates"]).unknown(plan, "currency", available));
    }
    Ok(Money { rates, spend, channels, inputs })
}
