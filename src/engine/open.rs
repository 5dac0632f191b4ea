//! Opens every input of a plan: finds the files, reads the footers, checks the schemas, prunes.

use rayon::ThreadPool;

use crate::config::plan::{Integrity, Plan, Population, SourcePlan};
use crate::contract::lookups::{VALID_FROM, assignment_needs, customer_needs, suppress_needs};
use crate::contract::rates::rate_needs;
use crate::contract::spend::spend_needs;
use crate::contract::touchpoints::{TIME, TouchpointColumns};
use crate::input::drift::{Difference, differences};
use crate::input::footer::{Footer, read_footer};
use crate::input::open::{Located, Need, OpenFile, Scope, open};
use crate::input::{InputError, InputFile, Limits, discover};
use crate::journey::dimensions::{DimensionOrigin, DimensionSource};

use super::error::EngineError;
use super::quarantine::Quarantined;
use super::small::{self, SmallSource};
use super::unknown::{self, UnknownColumn};
use super::uses::Use;
use super::work;

/// A source with its files, footers read.
#[derive(Debug)]
pub struct OpenSource {
    /// Its configuration.
    pub plan: SourcePlan,
    /// In the order of their paths.
    pub files: Vec<OpenFile>,
}

/// All inputs of a run, opened.
#[derive(Debug)]
pub struct Opened {
    /// Touchpoint sources.
    pub touchpoints: Vec<OpenSource>,
    /// Which of their columns are read.
    pub columns: TouchpointColumns,
    /// Whether any source maps event ids.
    pub with_events: bool,
    /// Customers, where configured.
    pub customers: Option<OpenSource>,
    /// Whether anything asks who they are: a dimension, or the population.
    pub reads_customers: bool,
    /// Whether what is said of customers holds from an instant on.
    pub dated_attributes: bool,
    /// Assignments, where configured.
    pub assignments: Option<OpenSource>,
    /// Suppressed ids, where configured.
    pub suppress: Option<OpenSource>,
    /// Spend, where configured.
    pub spend: Option<SmallSource>,
    /// Rates of other currencies, where configured.
    pub rates: Option<SmallSource>,
    /// Names of the dimensions that are customer attributes, in the order of the attribute columns.
    pub attributes: Vec<String>,
    /// Where each configured dimension comes from.
    pub dimensions: Vec<(String, DimensionOrigin)>,
    /// Columns of the files that are read which nothing asks for, unless the contract ignores them.
    pub unknown_columns: Vec<UnknownColumn>,
    /// Instants that are read.
    pub scope: Scope,
    /// Files of touchpoints that are left out because they are damaged.
    pub quarantined: Vec<Quarantined>,
    /// By key of the source: columns that its files have as different types, or that some lack.
    pub coerced: Vec<(String, Difference)>,
}

/// Instants that a plan reads.
pub fn scope_of(plan: &Plan) -> Scope {
    Scope {
        from_us: plan.window.from_us.map(|from| from.saturating_sub(plan.window.history_us)),
        to_us: plan.window.to_us,
    }
}

/// The customers as far as they decide which touchpoint columns are needed.
pub(super) struct Needed {
    footers: Option<Vec<Footer>>,
    /// Logical columns of the customers table.
    customer_columns: Vec<String>,
    attributes: Vec<String>,
    /// What is read of touchpoints.
    pub(super) columns: TouchpointColumns,
}

/// Finds out which columns of touchpoints a plan needs.
pub(super) fn needed(plan: &Plan, opener: Opener<'_>) -> Result<Needed, InputError> {
    let footers = plan.customers.as_ref().map(|source| customer_footers(opener, source)).transpose()?;
    let customer_columns = match (&plan.customers, &footers) {
        (Some(source), Some(footers)) => customer_columns(source, &footers[0])?,
        _ => Vec::new(),
    };
    let is_attribute =
        |name: &&String| customer_columns.contains(*name) && behaviour_of(plan, name).is_none();
    let attributes: Vec<String> = plan.segments.dimensions.iter().filter(is_attribute).cloned().collect();
    let columns = TouchpointColumns::of(plan, &touchpoint_dimensions(plan, &attributes));
    Ok(Needed { footers, customer_columns, attributes, columns })
}

/// How files are opened.
#[derive(Debug, Clone, Copy)]
pub(super) struct Opener<'a> {
    pub(super) pool: &'a ThreadPool,
    pub(super) integrity: Integrity,
    pub(super) limits: &'a Limits,
}

/// Opens all inputs.
///
/// # Errors
/// A file is missing, damaged, or not as the contract has it.
pub fn open_inputs(plan: &Plan, pool: &ThreadPool, limits: &Limits) -> Result<Opened, EngineError> {
    open_without(plan, pool, limits, Vec::new())
}

/// Opens all inputs but some files of touchpoints.
pub(super) fn open_without(
    plan: &Plan,
    pool: &ThreadPool,
    limits: &Limits,
    quarantined: Vec<Quarantined>,
) -> Result<Opened, EngineError> {
    let scope = scope_of(plan);
    let opener = Opener { pool, integrity: plan.contract.integrity, limits };
    let Needed { footers: customer_footers, customer_columns, attributes, columns } = needed(plan, opener)?;
    let reads_all = plan.segments.population == Population::All;
    let mut coerced = Vec::new();
    let mut touchpoints = Vec::new();
    for source in &plan.touchpoints {
        let mut files = discover(source)?;
        files.retain(|file| quarantined.iter().all(|left_out| left_out.path != file.path));
        let opened = open_files(opener, source, &files, &columns.needs, Some(TIME), scope)?;
        coerced_of(source, &columns.needs, &opened.files, &mut coerced);
        touchpoints.push(opened);
    }
    check_columns(plan, &touchpoints, &columns, &customer_columns)?;
    check_numbers(plan, &touchpoints, &columns)?;
    let has = |need: usize| {
        touchpoints.iter().flat_map(|source| &source.files).any(|file| file.located[need] != Located::Absent)
    };
    if columns.order_id().is_some_and(|need| !has(need)) {
        let first = touchpoints.iter().find_map(|source| source.files.first());
        let available = first.map(|file| file.columns.clone()).unwrap_or_default();
        return Err(EngineError::Input(Use::of_orders(plan).unknown(plan, "order_id", available)));
    }
    let with_events = has(columns.event_id());
    let mut open_lookup =
        |source: &Option<SourcePlan>, needs: &[Need]| -> Result<Option<OpenSource>, InputError> {
            let Some(source) = source else { return Ok(None) };
            let opened = open_files(opener, source, &discover(source)?, needs, None, Scope::default())?;
            coerced_of(source, needs, &opened.files, &mut coerced);
            Ok(Some(opened))
        };
    let reads_customers = plan.customers.is_some() && (reads_all || !attributes.is_empty());
    let customers = match (&plan.customers, customer_footers) {
        (Some(source), Some(footers)) => {
            let needs = customer_needs(&attributes, reads_customers);
            let files = footers
                .into_iter()
                .map(|footer| open(source, footer, &needs, None, Scope::default(), opener.integrity))
                .collect::<Result<Vec<_>, InputError>>()?;
            Some(OpenSource { plan: source.clone(), files })
        }
        _ => None,
    };
    check_behaviours(plan, touchpoints.iter().chain(&customers))?;
    let dated = |source: &OpenSource| {
        source.files.iter().any(|file| matches!(file.located[VALID_FROM], Located::Column(..)))
    };
    let dimensions = dimension_origins(plan, &attributes, &columns.texts);
    let assignments = open_lookup(&plan.assignments, &assignment_needs())?;
    let suppress = open_lookup(&plan.suppress, &suppress_needs())?;
    let open_small = |source: &Option<SourcePlan>, needs: Vec<Need>| {
        let source = source.as_ref();
        source.map(|source| small::open_small(source, needs, opener.integrity, limits)).transpose()
    };
    let mut opened = Opened {
        touchpoints,
        with_events,
        dated_attributes: customers.as_ref().is_some_and(dated),
        reads_customers,
        customers,
        assignments,
        suppress,
        spend: open_small(&plan.spend, spend_needs(&plan.channels))?,
        rates: open_small(&plan.rates, rate_needs())?,
        columns,
        attributes,
        dimensions,
        unknown_columns: Vec::new(),
        scope,
        quarantined,
        coerced,
    };
    opened.unknown_columns = unknown::find(plan, &opened)?;
    Ok(opened)
}

/// Notes in what the files of a source differ.
fn coerced_of(
    source: &SourcePlan,
    needs: &[Need],
    files: &[OpenFile],
    coerced: &mut Vec<(String, Difference)>,
) {
    let found = differences(source, needs, files).into_iter();
    coerced.extend(found.map(|difference| (source.key.clone(), difference)));
}

/// The touchpoint columns that dimensions need: what is no attribute is such a column, and `first_x` and `last_x` are
/// the `x` of the first and the last touch.
pub fn touchpoint_dimensions(plan: &Plan, attributes: &[String]) -> Vec<String> {
    let is_column = |name: &&String| !attributes.contains(name) && behaviour_of(plan, name).is_none();
    let names = plan.segments.dimensions.iter().filter(is_column);
    names.map(|name| column_of_dimension(name).to_owned()).collect()
}

/// The touchpoint column of a dimension that is no attribute.
pub(super) fn column_of_dimension(name: &str) -> &str {
    name.strip_prefix("first_").or_else(|| name.strip_prefix("last_")).unwrap_or(name)
}

/// The place of the behaviour that a dimension names. Its name is the configuration's own, so that it comes before any
/// column.
pub(super) fn behaviour_of(plan: &Plan, name: &str) -> Option<usize> {
    plan.segments.behaviours.iter().position(|behaviour| behaviour.name == name)
}

/// Where each configured dimension comes from, given the columns of the two codebooks: a behaviour, an attribute, or a
/// touchpoint column.
pub fn dimension_origins(
    plan: &Plan,
    attributes: &[String],
    texts: &[String],
) -> Vec<(String, DimensionOrigin)> {
    let column = |wanted: &str| texts.iter().position(|text| text == wanted).unwrap_or(0);
    let of_rows = |name: &str| match (name.strip_prefix("first_"), name.strip_prefix("last_")) {
        (Some(rest), _) => DimensionSource::FirstTouch(column(rest)),
        (None, Some(rest)) => DimensionSource::LastTouch(column(rest)),
        (None, None) => DimensionSource::Touchpoint(column(name)),
    };
    let origin = |name: &String| {
        let behaviour = behaviour_of(plan, name).map(DimensionOrigin::Behaviour);
        let attribute = || attributes.iter().position(|attribute| attribute == name);
        behaviour.unwrap_or_else(|| {
            DimensionOrigin::Column(attribute().map_or_else(|| of_rows(name), DimensionSource::Attribute))
        })
    };
    plan.segments.dimensions.iter().map(|name| (name.clone(), origin(name))).collect()
}

/// The footers of the customers table: its columns decide what is asked of it.
fn customer_footers(opener: Opener<'_>, source: &SourcePlan) -> Result<Vec<Footer>, InputError> {
    work::map(opener.pool, &discover(source)?, |file| read_footer(file.clone(), opener.limits))
}

/// The logical columns that the customers table has.
fn customer_columns(source: &SourcePlan, first: &Footer) -> Result<Vec<String>, InputError> {
    let needs = customer_needs(&[], false);
    // Nothing is read by it.
    let file = open(source, first.clone(), &needs, None, Scope::default(), Integrity::Prefer)?;
    Ok(logical_columns(source, &file))
}

/// The columns of a file as the configuration calls them.
fn logical_columns(source: &SourcePlan, file: &OpenFile) -> Vec<String> {
    let physical = file.columns.iter().chain(file.file.hive.iter().map(|(name, _)| name));
    let mut names: Vec<String> = Vec::new();
    for name in physical {
        let mapped: Vec<&String> =
            source.columns.iter().filter(|(_, to)| *to == name).map(|(logical, _)| logical).collect();
        if mapped.is_empty() && !source.columns.contains_key(name) {
            names.push(name.clone());
        }
        names.extend(mapped.into_iter().cloned());
    }
    names.extend(source.constants.keys().cloned());
    names.sort();
    names.dedup();
    names
}

fn open_files(
    opener: Opener<'_>,
    source: &SourcePlan,
    files: &[InputFile],
    needs: &[Need],
    time: Option<usize>,
    scope: Scope,
) -> Result<OpenSource, InputError> {
    let files = work::map(opener.pool, files, |file| {
        open(source, read_footer(file.clone(), opener.limits)?, needs, time, scope, opener.integrity)
    })?;
    Ok(OpenSource { plan: source.clone(), files })
}

/// Every text column that a rule or dimension names must be somewhere.
fn check_columns(
    plan: &Plan,
    sources: &[OpenSource],
    columns: &TouchpointColumns,
    customer_columns: &[String],
) -> Result<(), InputError> {
    for (index, name) in columns.texts.iter().enumerate() {
        // Rules make channels where the files have none.
        if name == "channel" && plan.channels.has_rules() {
            continue;
        }
        let position = columns.text(index);
        let found = sources
            .iter()
            .flat_map(|source| &source.files)
            .any(|file| file.located[position] != Located::Absent);
        if found {
            continue;
        }
        // Without any channel a run makes sense, as long as nothing asks for one.
        let Some(used) = Use::of_text(plan, name) else { continue };
        let mut available: Vec<String> = sources
            .iter()
            .flat_map(|source| source.files.first().map(|file| logical_columns(&source.plan, file)))
            .flatten()
            .chain(customer_columns.iter().filter(|_| used.is_dimension).cloned())
            .collect();
        available.sort();
        available.dedup();
        return Err(used.unknown(plan, name, available));
    }
    Ok(())
}

/// Every number that a metric sums must be somewhere.
fn check_numbers(plan: &Plan, sources: &[OpenSource], columns: &TouchpointColumns) -> Result<(), InputError> {
    let files = || sources.iter().flat_map(|source| &source.files);
    for (index, name) in plan.numbers.iter().enumerate() {
        if files().any(|file| file.located[columns.number(index)] != Located::Absent) {
            continue;
        }
        let first =
            |source: &OpenSource| source.files.first().map(|file| logical_columns(&source.plan, file));
        let mut available: Vec<String> = sources.iter().filter_map(first).flatten().collect();
        available.sort();
        available.dedup();
        return Err(Use::of_number(plan, index).unknown(plan, name, available));
    }
    Ok(())
}

/// No behaviour may have the name of a column of touchpoints or customers: it would take the column's place as a
/// dimension, and nobody would see it.
fn check_behaviours<'s>(
    plan: &Plan,
    sources: impl Iterator<Item = &'s OpenSource>,
) -> Result<(), InputError> {
    let behaviours = &plan.segments.behaviours;
    if behaviours.is_empty() {
        return Ok(());
    }
    for OpenSource { plan: source, files } in sources {
        for file in files {
            let columns = logical_columns(source, file);
            let Some(behaviour) = behaviours.iter().find(|behaviour| columns.contains(&behaviour.name))
            else {
                continue;
            };
            let name = &behaviour.name;
            return Err(InputError::BehaviourIsColumn {
                behaviour: name.clone(),
                path: file.file.path.clone(),
                column: source.columns.get(name).unwrap_or(name).clone(),
            });
        }
    }
    Ok(())
}
