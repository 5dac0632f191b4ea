//! One customer: every row, every path, every weight.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use crate::analyses::Attribution;
use crate::config::plan::Plan;
use crate::contract::touchpoints::{ReadFate, WatchedRow};
use crate::engine::kernel::{Kernel, cut_options};
use crate::engine::load::load_watching;
use crate::engine::look;
use crate::engine::open::{Opened, open_inputs, scope_of};
use crate::engine::work::{self, Progress};
use crate::input::Limits;
use crate::job::{self, JobError, RunOptions};
use crate::journey::cut::{Scratch, cut_into_journeys, first_positions};
use crate::journey::{CustomerHash, Walk};
use crate::publish;

use super::FORMAT_VERSION;
use super::error::ExplainError;
use super::paths::{ExplainedPath, Explainer, Sum};
use super::published::{self, PublishedEffects};
use super::rows::{ExplainedRow, Known, SHOWN, instant_text};

/// A customer's journey, explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CustomerExplained {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// `customer`.
    pub kind: &'static str,
    /// The id as it was asked for.
    pub customer: String,
    /// Name of the job.
    pub job: String,
    /// Zone of the local times.
    pub timezone: String,
    /// Currency of the money.
    pub currency: String,
    /// Decimal digits of its minor unit.
    pub minor_digits: u32,
    /// First instant of the reporting window, RFC 3339, UTC.
    pub window_from: String,
    /// First instant after it.
    pub window_to: String,
    /// How far a conversion looks back, in hours.
    pub lookback_hours: f64,
    /// All rows by time.
    pub rows: Vec<ExplainedRow>,
    /// By target: paths that ended in the window.
    pub paths: Vec<ExplainedPath>,
    /// What the journey adds to `stage_attribution`, of the models that work path by path.
    pub sums: Vec<Sum>,
    /// What the other models saw; None: there are none, or nothing is published, which `effects_note` says.
    pub effects: Option<PublishedEffects>,
    /// Why there are no effects.
    pub effects_note: Option<String>,
}

/// Reads all touchpoints for what they say of a customer, and follows the journey.
///
/// `run` is the folder of a published run for the effects of the data-driven models; None: the current one, if any.
///
/// # Errors
/// [`ExplainError::UnknownCustomer`] without any row; else what stops a run.
pub fn explain_customer(
    plan: &Plan,
    id: &str,
    run: Option<&Path>,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<CustomerExplained, ExplainError> {
    if id.is_empty() {
        return Err(ExplainError::UnknownCustomer);
    }
    let customer = CustomerHash::of(id.as_bytes());
    let budget = job::budget(plan, options)?;
    let pool = work::pool(budget.threads())?;
    let limits = budget.limits();
    let opened = open_whole(plan, &pool, &limits)?;
    let mut columns: Vec<String> = SHOWN.iter().map(|&name| name.to_owned()).collect();
    columns.extend(opened.columns.texts.iter().filter(|name| !SHOWN.contains(&name.as_str())).cloned());
    let names: Vec<&str> = columns.iter().map(String::as_str).collect();
    let said = look::rows_of(&opened, customer, &names, (&pool, &limits), progress)?;
    if said.rows.is_empty() {
        return Err(ExplainError::UnknownCustomer);
    }
    let loaded = load_watching(plan, &opened, customer, &pool, &budget, progress)?;
    let input = job::kernel_input(plan, &opened, &loaded);
    let kernel = Kernel::new(&input);
    let attribution = Attribution::new(kernel.context(&input, 1));
    let known = Known {
        plan,
        rules: &kernel.rules,
        columns: &columns,
        said: &said,
        watched: &loaded.watched,
        remaps: &loaded.remaps,
        customer: id,
        read_from_us: opened.scope.from_us,
    };

    let partition = loaded.waiting.take(customer.partition())?;
    let mut positions: BTreeMap<usize, (usize, &WatchedRow)> = BTreeMap::new();
    for ((worker, _), first) in partition.rows.iter().zip(first_positions(&partition)) {
        let kept = loaded.watched[*worker].iter().filter(|row| row.fate == ReadFate::Kept);
        positions.extend(kept.enumerate().map(|(at, row)| (first + at, (*worker, row))));
    }
    let mut found = None;
    let mut walk = Walk::default();
    let options = cut_options(plan);
    cut_into_journeys(
        partition,
        &loaded.remaps,
        &kernel.rules,
        options,
        &mut Scratch::default(),
        |journey| {
            if journey.customer == customer && !journey.rows.is_empty() {
                walk.over(journey, &kernel.rules);
                let explainer = Explainer { attribution: &attribution, journey, walk: &walk };
                found = Some((known.rows(&positions, Some((journey, &walk))), explainer.explain()));
            }
        },
    );
    let (rows, paths, sums) = match found {
        Some((rows, explained)) => {
            let (paths, sums) = explained?;
            (rows, paths, sums)
        }
        None => (known.rows(&positions, None), Vec::new(), Vec::new()),
    };
    let (effects, effects_note) = effects_of(plan, run, &paths)?;
    Ok(CustomerExplained {
        format_version: FORMAT_VERSION,
        kind: "customer",
        customer: id.to_owned(),
        job: plan.job.name.clone(),
        timezone: plan.job.timezone.name.clone(),
        currency: plan.job.currency.code.clone(),
        minor_digits: plan.job.currency.minor_digits,
        window_from: instant_text(kernel.rules.from_us),
        window_to: instant_text(kernel.rules.to_us),
        lookback_hours: kernel.rules.lookback_us as f64 / 3.6e9,
        rows,
        paths,
        sums,
        effects,
        effects_note,
    })
}

/// Opens the inputs of a run without leaving out what its window rules out: those rows are shown, too.
fn open_whole(plan: &Plan, pool: &rayon::ThreadPool, limits: &Limits) -> Result<Opened, ExplainError> {
    let mut unbounded = plan.clone();
    (unbounded.window.from_us, unbounded.window.to_us) = (None, None);
    let mut opened = open_inputs(&unbounded, pool, limits)?;
    opened.scope = scope_of(plan);
    Ok(opened)
}

/// Published effects on the targets of paths that some model takes together with all others.
fn effects_of(
    plan: &Plan,
    run: Option<&Path>,
    paths: &[ExplainedPath],
) -> Result<(Option<PublishedEffects>, Option<String>), ExplainError> {
    let asked: Vec<(&str, &str, &str)> = paths
        .iter()
        .flat_map(|path| path.models.iter().map(move |model| (path, model)))
        .filter(|(_, model)| model.unit == "all_paths")
        .map(|(path, model)| (path.target_kind, path.target.as_str(), model.model))
        .collect();
    if asked.is_empty() {
        return Ok((None, None));
    }
    let json = serde_json::to_vec(plan).map_err(JobError::Plan)?;
    let config_hash = blake3::hash(&json).to_hex().to_string();
    let current = publish::current_run(&plan.output.path);
    match published::read(run.unwrap_or(&current), &config_hash) {
        Ok(mut found) => {
            found.effects.retain(|effect| {
                let key = (effect.target_kind.as_str(), effect.target.as_str(), effect.model.as_str());
                asked.contains(&key)
            });
            Ok((Some(found), None))
        }
        Err(reason) => match run {
            Some(run) => Err(ExplainError::Run { run: run.display().to_string(), reason }),
            None => Ok((None, Some("no run is published yet: `touchline run` computes them".to_owned()))),
        },
    }
}
