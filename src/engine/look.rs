//! A second look at the touchpoint files, for what the kernel forgets: the words of a customer's rows, and the
//! text of ids of which it knows the hashes.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use hashbrown::HashSet;
use rayon::ThreadPool;

use crate::config::plan::{Integrity, SourcePlan};
use crate::contract::ids::{event_key, hash_ids};
use crate::contract::touchpoints::BatchOrigin;
use crate::input::columns::{Ids, Texts};
use crate::input::footer::{Footer, read_footer};
use crate::input::open::{Located, Need, OpenFile, Role, Scope, open};
use crate::input::{InputError, Limits};
use crate::journey::CustomerHash;
use crate::journey::key::EventKey;

use super::error::EngineError;
use super::load::{GroupDigests, decode, items_of};
use super::open::{OpenSource, Opened};
use super::work::{self, Progress};

/// A row as its file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SaidRow {
    /// Position of the source.
    pub source: usize,
    /// Position of the file in its source.
    pub file: usize,
    /// Row of the file, from 0.
    pub row: u64,
    /// Id of the event; None: null, or not in the file.
    pub event_id: Option<String>,
    /// Id of the order; None: null, or not in the file.
    pub order_id: Option<String>,
    /// By text column that was asked for; None: null, or not in the file.
    pub texts: Vec<Option<String>>,
}

/// What the files say of a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// In the order of sources, files and rows.
    pub rows: Vec<SaidRow>,
    /// By source: paths of its files.
    pub paths: Vec<Vec<String>>,
}

/// Finds every row of a customer, inside the window or not, with its ids and the logical columns `texts`.
///
/// # Errors
/// Where a file can't be read. A column that is missing, or of a type that can't be shown, is null.
pub fn rows_of(
    opened: &Opened,
    customer: CustomerHash,
    texts: &[&str],
    (pool, limits): (&ThreadPool, &Limits),
    progress: &dyn Progress,
) -> Result<Said, EngineError> {
    let mut needs = vec![
        Need::required("customer_id", Role::Id),
        Need::optional("event_id", Role::Id),
        Need::optional("order_id", Role::Id),
    ];
    needs.extend(texts.iter().map(|name| Need::optional(name, Role::Text)));
    let sources = open_sources(opened, &needs, (pool, limits))?;
    let found = scan(&sources, pool, progress, |rows: &mut Vec<SaidRow>, batch, origin| {
        let mut hashes = Vec::new();
        hash_ids(&Ids::of(&origin.located[0], batch)?, batch.num_rows(), &mut hashes);
        if !hashes.contains(&customer) {
            return Ok(());
        }
        let [events, orders] = [Ids::of(&origin.located[1], batch)?, Ids::of(&origin.located[2], batch)?];
        let columns: Vec<Texts> = origin.located[3..]
            .iter()
            .map(|located| Texts::of(located, batch))
            .collect::<Result<_, ArrowError>>()?;
        for row in (0..hashes.len()).filter(|row| hashes[*row] == customer) {
            rows.push(SaidRow {
                source: origin.source,
                file: origin.file,
                row: origin.first_row + row as u64,
                event_id: text_of(&events, row),
                order_id: text_of(&orders, row),
                texts: columns.iter().map(|column| column.get(row).map(str::to_owned)).collect(),
            });
        }
        Ok(())
    })?;
    let mut rows: Vec<SaidRow> = found.into_iter().flatten().collect();
    rows.sort_by_key(|row| (row.source, row.file, row.row));
    let path = |file: &OpenFile| file.file.path.display().to_string();
    let paths = sources.iter().map(|source| source.files.iter().map(path).collect()).collect();
    Ok(Said { rows, paths })
}

/// The texts of ids by their hashes, of those customers that the files know. It stops when all are found.
///
/// # Errors
/// Where a file can't be read.
pub fn ids_of(
    opened: &Opened,
    customers: &[CustomerHash],
    (pool, limits): (&ThreadPool, &Limits),
    progress: &dyn Progress,
) -> Result<BTreeMap<CustomerHash, String>, EngineError> {
    let sources = open_sources(opened, &[Need::required("customer_id", Role::Id)], (pool, limits))?;
    let found: Mutex<BTreeMap<CustomerHash, String>> = Mutex::default();
    scan(&sources, pool, progress, |hashes: &mut Vec<CustomerHash>, batch, origin| {
        if locked(&found).len() == customers.len() {
            return Ok(());
        }
        let ids = Ids::of(&origin.located[0], batch)?;
        hash_ids(&ids, batch.num_rows(), hashes);
        for (row, hash) in hashes.iter().enumerate() {
            if customers.contains(hash) {
                let text = text_of(&ids, row).unwrap_or_default();
                locked(&found).entry(*hash).or_insert(text);
            }
        }
        Ok(())
    })?;
    Ok(found.into_inner().unwrap_or_else(|lock| lock.into_inner()))
}

fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(|lock| lock.into_inner())
}

fn text_of(ids: &Ids, row: usize) -> Option<String> {
    let mut digits = itoa::Buffer::new();
    ids.get(row, &mut digits).map(|id| String::from_utf8_lossy(id).into_owned())
}

/// Where rows stand that have one of some event ids: source, file and row.
///
/// # Errors
/// Where a file can't be read.
pub(super) fn rows_of_events(
    opened: &Opened,
    events: &HashSet<EventKey>,
    (pool, limits): (&ThreadPool, &Limits),
    progress: &dyn Progress,
) -> Result<Vec<(usize, usize, u64)>, EngineError> {
    let mut sources = open_sources(opened, &[Need::optional("event_id", Role::Id)], (pool, limits))?;
    for file in sources.iter_mut().flat_map(|source| &mut source.files) {
        if file.located[0] == Located::Absent {
            file.row_groups.clear();
        }
    }
    let found = scan(&sources, pool, progress, |rows: &mut Vec<_>, batch, origin| {
        let ids = Ids::of(&origin.located[0], batch)?;
        let mut digits = itoa::Buffer::new();
        for row in 0..batch.num_rows() {
            if events.contains(&event_key(&ids, row, &mut digits)) {
                rows.push((origin.source, origin.file, origin.first_row + row as u64));
            }
        }
        Ok(())
    })?;
    Ok(found.into_iter().flatten().collect())
}

/// Opens the files of touchpoints that were opened before for some columns, whole: nothing is pruned.
fn open_sources(
    opened: &Opened,
    needs: &[Need],
    (pool, limits): (&ThreadPool, &Limits),
) -> Result<Vec<OpenSource>, EngineError> {
    let open_source = |source: &OpenSource| -> Result<OpenSource, InputError> {
        let files = work::map(pool, &source.files, |opened| {
            open_with_what_is_there(&source.plan, read_footer(opened.file.clone(), limits)?, needs)
        })?;
        Ok(OpenSource { plan: source.plan.clone(), files })
    };
    Ok(opened.touchpoints.iter().map(open_source).collect::<Result<_, InputError>>()?)
}

/// Opens a file without the columns that nothing asks for but this look, where they don't fit.
fn open_with_what_is_there(
    source: &SourcePlan,
    footer: Footer,
    needs: &[Need],
) -> Result<OpenFile, InputError> {
    let mut needs = needs.to_vec();
    loop {
        // Whoever looks a second time has compared checksums before.
        let opened = open(source, footer.clone(), &needs, None, Scope::default(), Integrity::Prefer);
        let error = match opened {
            Ok(file) => return Ok(file),
            Err(error) => error,
        };
        let misfit = match &error {
            InputError::WrongType { logical, .. }
            | InputError::MissingColumn { logical, .. }
            | InputError::RepeatedColumn { logical, .. } => logical,
            _ => return Err(error),
        };
        let unfit = |need: &&mut Need| need.wanted && !need.required && need.logical == *misfit;
        match needs.iter_mut().find(unfit) {
            Some(need) => need.wanted = false,
            None => return Err(error),
        }
    }
}

/// Decodes all sources; each thread has a state of its own.
fn scan<S: Default + Send>(
    sources: &[OpenSource],
    pool: &ThreadPool,
    progress: &dyn Progress,
    take: impl Fn(&mut S, &RecordBatch, BatchOrigin<'_>) -> Result<(), ArrowError> + Sync,
) -> Result<Vec<S>, EngineError> {
    let sources: Vec<&OpenSource> = sources.iter().collect();
    let items = items_of(&sources, pool.current_num_threads());
    progress.begin("looking ids up", items.iter().map(|item| item.rows).sum());
    let found = work::for_each(pool, &items, S::default, |state, _, item| {
        let file = &sources[item.source].files[item.file];
        decode(file, item, &mut GroupDigests::new(), |batch, origin| {
            progress.advance(batch.num_rows() as u64);
            take(state, batch, origin).map_err(|error| EngineError::Input(file.unreadable(error)))
        })
    })?;
    progress.end();
    Ok(found)
}
