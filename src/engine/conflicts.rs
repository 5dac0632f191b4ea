//! Where rows stand that repeat the event id of another row of their customer and say something else.

use hashbrown::HashSet;
use rayon::ThreadPool;

use crate::config::plan::Plan;
use crate::contract::reject::{Reject, Rule};
use crate::contract::touchpoints::{SoughtRow, Suppressed, TouchpointReader};
use crate::input::Limits;
use crate::journey::key::EventKey;
use crate::journey::partition::CutCounts;

use super::error::EngineError;
use super::load::{GroupDigests, Item, Loaded, decode, items_of, read_suppressed, touchpoint_rules};
use super::look::rows_of_events;
use super::open::{OpenSource, Opened};
use super::work::{self, Progress};

/// More rows than this are a broken export, of which nobody looks at each: the files aren't read again for them.
const MOST: usize = 1_000_000;

/// The rows that the kernel rejected as conflicting, in the order of sources, files and rows. None: they can't be told,
/// because a file changed since, because a customer has so many rows that it was left out as a bot, or because there
/// are more than a million.
///
/// # Errors
/// Where a file can't be read again.
pub fn find(
    plan: &Plan,
    opened: &Opened,
    loaded: &Loaded,
    cut: &CutCounts,
    (pool, limits): (&ThreadPool, &Limits),
    progress: &dyn Progress,
) -> Result<Option<Vec<Reject>>, EngineError> {
    if cut.conflicting_duplicates == 0 {
        return Ok(Some(Vec::new()));
    }
    if cut.conflicting_events.len() > MOST {
        return Ok(None);
    }
    let events: HashSet<EventKey> = cut.conflicting_events.iter().copied().collect();
    let suppressed = match &opened.suppress {
        Some(source) => read_suppressed(source, pool, &mut Vec::new())?,
        None => Suppressed::default(),
    };
    let rules =
        touchpoint_rules(plan, opened, (&loaded.rates, &suppressed, loaded.hasher), &loaded.arrivals_us);
    let sources: Vec<&OpenSource> = opened.touchpoints.iter().collect();
    // Nearly all rows are of other events: only what lies beside one of these is read with all of its columns.
    let mut places = rows_of_events(opened, &events, (pool, limits), progress)?;
    places.sort_unstable();
    let has_any = |item: &Item| {
        let first = (item.source, item.file, item.first_row);
        let at = places.partition_point(|place| *place < first);
        places.get(at).is_some_and(|place| *place < (item.source, item.file, item.first_row + item.rows))
    };
    let mut items = items_of(&sources, pool.current_num_threads());
    items.retain(has_any);
    progress.begin("finding conflicting rows", items.iter().map(|item| item.rows).sum());
    let found = work::for_each(
        pool,
        &items,
        || TouchpointReader::seeking(rules, &events),
        |reader, _, item| {
            let file = &sources[item.source].files[item.file];
            decode(file, item, &mut GroupDigests::new(), |batch, origin| {
                progress.advance(batch.num_rows() as u64);
                reader.take(batch, origin).map_err(|error| EngineError::Input(file.unreadable(error)))
            })
        },
    )?;
    progress.end();
    let mut rows: Vec<SoughtRow> = found.into_iter().flat_map(|reader| reader.sought).collect();
    rows.sort_unstable();
    let mut rejects: Vec<Reject> = rows
        .chunk_by(|one, other| (one.customer, one.event) == (other.customer, other.event))
        .filter_map(<[SoughtRow]>::split_first)
        .flat_map(|(first, rest)| rest.iter().filter(|row| !says_the_same(first, row)))
        .map(|row| Reject {
            source: row.source,
            file: row.file,
            row: row.row,
            rule: Rule::ConflictingDuplicate,
            value_hash: Some(loaded.hasher.hash(&row.event.0.to_be_bytes())),
        })
        .collect();
    rejects.sort();
    Ok((rejects.len() as u64 == cut.conflicting_duplicates).then_some(rejects))
}

/// Whether two rows are equal in every mapped column.
fn says_the_same(one: &SoughtRow, other: &SoughtRow) -> bool {
    let values = |row: &SoughtRow| (row.time_us, row.amount_minor, row.order);
    values(one) == values(other) && one.texts == other.texts && one.numbers == other.numbers
}
