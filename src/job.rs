//! The pipeline, top to bottom.

mod anomaly;
mod direct;
mod error;
pub mod findings;
mod freshness;
mod only;
mod place;
mod quality;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use polars::prelude::DataFrame;
use rayon::ThreadPool;

use crate::analyses::{Analyses, NamedFrame};
use crate::config::Secrets;
use crate::config::plan::{OnAnomaly, Plan};
use crate::engine::allocator::give_back_on_all;
use crate::engine::budget::Budget;
use crate::engine::conflicts;
use crate::engine::kernel::{Kernel, KernelInput, cut_options};
use crate::engine::load::Loaded;
use crate::engine::observe::{Seen, finish, observe};
use crate::engine::open::Opened;
use crate::engine::quarantine::{Quarantined, load_sound, open_sound};
use crate::engine::work::{self, Progress, Stoppable};
use crate::input::InputFile;
use crate::interrupt::Interrupt;
use crate::journey::partition::CutCounts;
use crate::publish::{
    self, Damaged, Destination, InputRecord, JobRecord, Manifest, Pointer, Publication, Published,
    QuarantinedRecord, RunId, RunIdParts, Search, republish, window_name,
};
use crate::queries::{self, Query};
use crate::tables::{self, TableDocs, Window};

use self::only::Only;

pub use error::JobError;
pub use findings::Finding;
pub use place::check as check_place;
pub use quality::WARNINGS as QUALITY_WARNINGS;

/// Version and what the binary is made of: another build may give other bytes, so it gives other run ids.
pub const BUILD: &str = concat!(env!("CARGO_PKG_VERSION"), "+", env!("TOUCHLINE_BUILD"));

/// Exit code of what the disk, the network or the system refused.
const FAILED_IO: u8 = 74;

/// How a run goes about it; none of this changes a published byte.
#[derive(Debug, Clone, Default)]
pub struct RunOptions {
    /// 0: one per core.
    pub threads: usize,
    /// Bytes that the process may take; None: a share of the machine's memory.
    pub memory: Option<u64>,
    /// Where rows go that don't fit; None: the system's folder for temporary files.
    pub temp_dir: Option<PathBuf>,
    /// Compute again even if the same result is published.
    pub force: bool,
    /// Move `current` even to an earlier window.
    pub make_current: bool,
    /// Publish nothing if a check of `data_quality` warns.
    pub strict: bool,
    /// How long to wait for another run to let go of the output.
    pub wait: Duration,
    /// By which the run is stopped; by nobody as it is.
    pub interrupt: Interrupt,
    /// What the manifest must not show.
    pub secrets: Secrets,
    /// Names of the tables to publish, beside `reconciliation`; none: all.
    pub only: Vec<String>,
}

/// What a run did.
#[derive(Debug)]
pub struct Outcome {
    /// Where the results lie.
    pub published: Published,
    /// Name of the run.
    pub run_id: String,
    /// Rows and customers by fate; what the manifest says.
    pub counts: BTreeMap<String, u64>,
    /// Files read.
    pub files: usize,
    /// The reporting window.
    pub window: Window,
    /// The most telling figures.
    pub findings: Vec<Finding>,
    /// What a person should know of the inputs: files left out, types that differ, rows that are old or few.
    pub warnings: Vec<String>,
}

/// A computed table with its documentation.
pub type Table = (TableDocs, DataFrame);

/// Runs the job.
pub fn run(plan: &Plan, options: &RunOptions, progress: &dyn Progress) -> Result<Outcome, JobError> {
    // What waits for a store is asked to stop in vain until the store, or its patience, gives up.
    pipeline(plan, options, progress).map_err(|error| match options.interrupt.check() {
        Err(interrupted) if error.exit_code() == FAILED_IO => interrupted.into(),
        _ => error,
    })
}

fn pipeline(plan: &Plan, options: &RunOptions, progress: &dyn Progress) -> Result<Outcome, JobError> {
    let started = jiff::Timestamp::now();
    let queries = load_queries(plan)?;
    let only = Only::new(&options.only, &queries)?;
    check_place(plan)?;
    let budget = budget(plan, options)?;
    let pool = work::pool(budget.threads())?;
    let interrupt = &options.interrupt;
    let progress = &Stoppable { progress, interrupt };
    let store = &*publish::open(&plan.output.path, budget.folder(), options.wait, interrupt)?;
    let opened = open_sound(plan, &pool, &budget.limits())?;
    interrupt.check()?;
    if !options.force
        && let Some(outcome) = already_published(plan, options, (&queries, &only), &opened, store)?
    {
        return Ok(outcome);
    }

    let (opened, mut loaded) = load_sound(plan, opened, &pool, &budget, progress)?;
    let window = Window { from_us: loaded.window_us.0, to_us: loaded.window_us.1 };
    let inputs: Vec<InputRecord> =
        loaded.inputs.iter().map(|input| input_record(input, &options.secrets)).collect();
    let quarantined: Vec<QuarantinedRecord> =
        opened.quarantined.iter().map(|file| quarantined_record(file, &options.secrets)).collect();
    let run_id = run_id(plan, (&queries, &only), (&inputs, &quarantined), window)?;
    let before = match options.force {
        true => Search::default(),
        false => store.find_published(&run_id)?,
    };
    if let Some(outcome) = again(plan, store, &before, options)? {
        return Ok(outcome);
    }

    // These stand in no table: they are about other runs, or about how files are written.
    let mut unlike = anomaly::of_files(&opened);
    unlike.extend(anomaly::twice(&loaded.inputs));
    if plan.contract.row_count_anomaly != OnAnomaly::Off {
        unlike.extend(anomaly::check(plan, &loaded, window, &store.manifests()?)?);
    }
    let stale = freshness::check(plan, &loaded)?.stale;
    let computed = compute(plan, &opened, &mut loaded, &pool, progress)?;
    interrupt.check()?;
    let tables = pool.install(|| finish_tables(computed.frames, &queries, window))?;
    let in_table = quality::warnings(&tables);
    if options.strict {
        quality::check_strict(&[in_table.clone(), unlike.clone()].concat())?;
    }
    let warnings = [unlike, stale, computed.misnamed].concat();
    let tables = only.of(tables);
    let mut counts = quality::counts(&loaded, &computed.cut);
    counts.insert(quality::WARNINGS.to_owned(), in_table.len() as u64);
    let conflicts =
        conflicts::find(plan, &opened, &loaded, &computed.cut, (&pool, &budget.limits()), progress)?;
    let publication = Publication {
        run_id: run_id.clone(),
        window,
        timezone: &plan.job.timezone,
        job: job_record(plan, &queries, &options.secrets)?,
        inputs,
        quarantined,
        warnings: warnings.iter().map(|warning| options.secrets.redact(warning).into_owned()).collect(),
        counts: counts.clone(),
        started,
        rejected: quality::rejected(plan, &loaded, &computed.cut, conflicts),
        output: &plan.output,
        make_current: options.make_current,
        only: only.names(),
        interrupt,
        tables: tables.clone(),
    };
    progress.begin("publishing", 0);
    let published = pool.install(|| publish::publish(store, &publication))?;
    progress.end();
    // The result is none the worse for it, so it stands in no manifest.
    let healed = before.damaged.iter().map(|run| told(run, "it was computed again and published beside it"));
    let warnings = [warnings, healed.collect()].concat();
    Ok(Outcome {
        published,
        run_id: run_id.to_string(),
        counts,
        files: loaded.inputs.len(),
        window,
        findings: findings::find(plan, loaded.window_us, &tables),
        warnings,
    })
}

/// Computes every table of a plan without publishing: what `run` publishes, and tests look at.
pub fn tables(plan: &Plan, budget: &Budget, progress: &dyn Progress) -> Result<Vec<Table>, JobError> {
    let queries = load_queries(plan)?;
    let pool = work::pool(budget.threads())?;
    let opened = open_sound(plan, &pool, &budget.limits())?;
    let (opened, mut loaded) = load_sound(plan, opened, &pool, budget, progress)?;
    let window = Window { from_us: loaded.window_us.0, to_us: loaded.window_us.1 };
    let computed = compute(plan, &opened, &mut loaded, &pool, progress)?;
    pool.install(|| finish_tables(computed.frames, &queries, window))
}

/// Memory and folder for what doesn't fit.
pub(crate) fn budget(plan: &Plan, options: &RunOptions) -> Result<Budget, JobError> {
    let folder = options.temp_dir.clone().unwrap_or_else(std::env::temp_dir);
    let place = |path: &Path| path.canonicalize().or_else(|_| std::path::absolute(path));
    // Whoever reads the output may list all of it.
    if let (Ok(folder), Ok(output)) = (place(&folder), place(&plan.output.path))
        && folder.starts_with(&output)
    {
        return Err(JobError::TempInOutput { folder, output });
    }
    // What was asked for is tried now, not after an hour of reading.
    if options.temp_dir.is_some() {
        tempfile::tempfile_in(&folder)
            .map_err(|source| JobError::TempFolder { folder: folder.clone(), source })?;
    }
    Ok(Budget::of_process(options.memory, options.threads, folder))
}

/// Core frames, and what was left out on the way.
struct Computed {
    frames: Vec<NamedFrame>,
    cut: CutCounts,
    /// Direct channels that the configuration spells otherwise, in words.
    misnamed: Vec<String>,
}

/// From rows to core frames: rules once per combination, one look at each journey, one finish.
fn compute(
    plan: &Plan,
    opened: &Opened,
    loaded: &mut Loaded,
    pool: &ThreadPool,
    progress: &dyn Progress,
) -> Result<Computed, JobError> {
    let waiting = std::mem::take(&mut loaded.waiting);
    let input = kernel_input(plan, opened, loaded);
    let kernel = Kernel::new(&input);
    let analyses = Analyses::new(kernel.context(&input, pool.current_num_threads()));
    let options = cut_options(plan);
    let Seen { buckets, all, cut } =
        observe(&analyses, &waiting, &loaded.remaps, &kernel, options, pool, progress)?;
    progress.check()?;
    quality::check_kept(&cut)?;
    quality::check_duplicates(plan, loaded, &cut)?;
    progress.begin("finishing tables", 0);
    let mut frames = finish(&analyses, buckets, all, pool)?;
    if waiting.is_scarce() {
        // What was added up is gone, and the queries bring the next large part of the program into memory.
        give_back_on_all(pool);
    }
    frames.push(("reconciliation", quality::row_ledger(loaded, &cut)?));
    frames.push(("data_quality", quality::data_quality(plan, &kernel.rules, loaded, opened, &cut)?));
    progress.end();
    let misnamed = direct::warning(plan, &kernel.rules.channels).into_iter().collect();
    Ok(Computed { frames, cut, misnamed })
}

/// What the kernel is told of what was read.
pub(crate) fn kernel_input<'a>(plan: &'a Plan, opened: &'a Opened, loaded: &'a Loaded) -> KernelInput<'a> {
    KernelInput {
        plan,
        texts: &opened.columns.texts,
        book: &loaded.book,
        attributes: &loaded.attributes,
        assignments: &loaded.assignments,
        dimensions: &opened.dimensions,
        spend: &loaded.spend,
        excluded_value_minor: &loaded.counts[0].counts.excluded_value_minor,
        window_us: loaded.window_us,
    }
}

/// Checks the core frames against their specs and the books, then runs the queries over them.
pub(crate) fn finish_tables(
    frames: Vec<NamedFrame>,
    queries: &[Query],
    window: Window,
) -> Result<Vec<Table>, JobError> {
    let mut by_name: BTreeMap<&'static str, DataFrame> = BTreeMap::new();
    for (name, frame) in frames {
        match by_name.get_mut(name) {
            Some(stacked) => {
                stacked.vstack_mut(&frame)?;
            }
            None => {
                by_name.insert(name, frame);
            }
        }
    }
    let mut tables = Vec::new();
    for spec in tables::ALL {
        let frame = by_name.remove(spec.name).unwrap_or_else(|| tables::empty(spec));
        tables.push((spec.docs(), tables::conform(spec, frame, window)?));
    }
    quality::check_books(&tables)?;
    let answers = queries::run(queries, &tables, window)?;
    tables.extend(answers);
    Ok(tables)
}

fn load_queries(plan: &Plan) -> Result<Vec<Query>, JobError> {
    let Some(folder) = &plan.queries else { return Ok(queries::shipped()?) };
    let queries = queries::load(folder)?;
    // A slip in a query is better told now than after an hour of reading.
    queries::dry_run(&queries)?;
    Ok(queries)
}

fn job_record(plan: &Plan, queries: &[Query], secrets: &Secrets) -> Result<JobRecord, JobError> {
    let json = serde_json::to_vec(plan).map_err(JobError::Plan)?;
    Ok(JobRecord {
        name: secrets.redact(&plan.job.name).into_owned(),
        version: BUILD.to_owned(),
        config_hash: blake3::hash(&json).to_hex().to_string(),
        timezone: plan.job.timezone.name.clone(),
        currency: plan.job.currency.code.clone(),
        config: plan
            .written
            .iter()
            .map(|(key, value)| (key.clone(), secrets.redact(value).into_owned()))
            .collect(),
        queries: queries::texts(queries)
            .into_iter()
            .map(|(file, text)| (file, blake3::hash(text.as_bytes()).to_hex().to_string()))
            .collect(),
    })
}

fn input_record(input: &crate::engine::load::InputRecord, secrets: &Secrets) -> InputRecord {
    InputRecord {
        input: input.key.clone(),
        path: secrets.redact(&input.file.path.display().to_string()).into_owned(),
        size: input.file.identity.size,
        modified_us: input.file.modified_us(),
        etag: input.file.etag().map(str::to_owned),
        blake3: input.digest.to_hex().to_string(),
        sha256: input.sha256.clone(),
        rows: input.rows,
        verified: input.is_verified,
    }
}

fn quarantined_record(file: &Quarantined, secrets: &Secrets) -> QuarantinedRecord {
    QuarantinedRecord {
        input: file.key.clone(),
        path: secrets.redact(&file.path.display().to_string()).into_owned(),
        size: file.size,
        reason: file.reason.clone(),
    }
}

fn run_id(
    plan: &Plan,
    (queries, only): (&[Query], &Only),
    (inputs, quarantined): (&[InputRecord], &[QuarantinedRecord]),
    window: Window,
) -> Result<RunId, JobError> {
    let mut digests: Vec<(String, String)> =
        inputs.iter().map(|input| (input.input.clone(), input.blake3.clone())).collect();
    // `data_quality` counts them.
    digests.extend(quarantined.iter().map(|file| (format!("{} left out", file.input), String::new())));
    Ok(RunId::new(&RunIdParts {
        inputs: &digests,
        plan,
        queries: &queries::texts(queries),
        only: only.names(),
        window,
        version: BUILD,
    })?)
}

/// Whether the last run of this window read exactly these files, by size and time of change, and its
/// result still stands: then nothing has to be read.
fn already_published(
    plan: &Plan,
    options: &RunOptions,
    of: (&[Query], &Only),
    opened: &Opened,
    store: &dyn Destination,
) -> Result<Option<Outcome>, JobError> {
    let mut candidates = vec![store.pointed(Pointer::Current)];
    if let (Some(from_us), Some(to_us)) = (plan.window.from_us, plan.window.to_us) {
        let name = window_name(Window { from_us, to_us }, &plan.job.timezone)?;
        candidates.insert(0, store.pointed(Pointer::Window(&name)));
    }
    let present = present_files(opened);
    for manifest in candidates.into_iter().flatten() {
        let unchanged = manifest.inputs.len() == present.len()
            && manifest.inputs.iter().zip(&present).all(|(recorded, (key, file))| {
                recorded.input == *key
                    && recorded.path == options.secrets.redact(&file.path.display().to_string())
                    && recorded.size == file.identity.size
                    && recorded.modified_us == file.modified_us()
                    && recorded.modified_us.is_some()
                    && recorded.etag.as_deref() == file.etag()
            });
        // What was damaged may have been mended.
        if !unchanged || !manifest.quarantined.is_empty() || !opened.quarantined.is_empty() {
            continue;
        }
        let window = Window {
            from_us: plan.window.from_us.unwrap_or(manifest.window.from_us),
            to_us: plan.window.to_us.unwrap_or(manifest.window.to_us),
        };
        let run_id = run_id(plan, of, (&manifest.inputs, &[]), window)?;
        let outcome = again(plan, store, &store.find_published(&run_id)?, options)?;
        if outcome.is_some() {
            return Ok(outcome);
        }
    }
    Ok(None)
}

type PresentFile = (String, InputFile);

/// The files a run would read, in the order of the manifest.
fn present_files(opened: &Opened) -> Vec<PresentFile> {
    let of = |key: &str, file: &InputFile| (key.to_owned(), file.clone());
    let small = |source: &Option<crate::engine::open::OpenSource>, wanted: bool| -> Vec<PresentFile> {
        source
            .iter()
            .filter(|_| wanted)
            .flat_map(|source| source.files.iter().map(|file| (&source.plan.key, file)))
            .filter(|(_, file)| !file.is_pruned())
            .map(|(key, file)| of(key, &file.file))
            .collect()
    };
    let mut files = small(&opened.suppress, true);
    for source in &opened.touchpoints {
        let read = source.files.iter().filter(|file| !file.is_pruned());
        files.extend(read.map(|file| of(&source.plan.key, &file.file)));
    }
    files.extend(small(&opened.customers, opened.reads_customers));
    files.extend(small(&opened.assignments, true));
    for source in [&opened.spend, &opened.rates].into_iter().flatten() {
        files.extend(source.files.iter().map(|file| of(&source.plan.key, file.file())));
    }
    files
}

/// Makes a run current again that has this result already; None: there is none, or none that is whole.
fn again(
    plan: &Plan,
    store: &dyn Destination,
    before: &Search,
    options: &RunOptions,
) -> Result<Option<Outcome>, JobError> {
    let Some(found) = &before.found else { return Ok(None) };
    let in_table = found.manifest.counts.get(quality::WARNINGS).copied().unwrap_or(0);
    let warned = &found.manifest.warnings;
    // Some are told and stand in the table as well.
    let warnings = in_table.max(warned.len() as u64);
    if options.strict && warnings > 0 {
        let mut checks: String = warned.iter().map(|warning| format!("\n  {warning}")).collect();
        if in_table > 0 {
            checks.push_str(&format!("\n  see data_quality of {}", found.manifest.run_id));
        }
        return Err(JobError::Warnings { warnings, checks });
    }
    options.interrupt.commit()?;
    let published = republish(store, found, plan.output.keep, options.make_current)?;
    let mut outcome = reused(published, &found.manifest);
    let told = |run| told(run, "an earlier run that has it too was taken in its place");
    outcome.warnings.extend(before.damaged.iter().map(told));
    Ok(Some(outcome))
}

/// That a result isn't any more what was published, and what became of that.
fn told(Damaged { directory, file }: &Damaged, healed: &str) -> String {
    format!(
        "{} was damaged after it was published: {file} is gone or has other bytes. The result is right: {healed}",
        directory.display()
    )
}

fn reused(published: Published, manifest: &Manifest) -> Outcome {
    Outcome {
        published,
        run_id: manifest.run_id.clone(),
        counts: manifest.counts.clone(),
        files: manifest.inputs.len(),
        window: Window { from_us: manifest.window.from_us, to_us: manifest.window.to_us },
        findings: Vec::new(),
        warnings: manifest.warnings.clone(),
    }
}
