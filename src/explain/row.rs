//! One row of a table: the journeys that add most to it, the rest of them, and what else leads to its figures.

use serde::Serialize;

use crate::analyses::attribution::UNATTRIBUTED;
use crate::analyses::{Analyses, Attribution};
use crate::attribution::allocate::MILLIONTHS;
use crate::config::plan::Plan;
use crate::engine::kernel::{Kernel, cut_options};
use crate::engine::load::load;
use crate::engine::look;
use crate::engine::observe::{Seen, finish, observe};
use crate::engine::open::open_inputs;
use crate::engine::work::{self, Progress};
use crate::job::{self, RunOptions};
use crate::journey::CustomerHash;
use crate::tables::Window;

use super::FORMAT_VERSION;
use super::contributions::{Collector, Contributions, Part, Wanted};
use super::error::ExplainError;
use super::figures::{Figure, Rows};
use super::locate::{RowKey, Selector, TableName};
use super::money::Given;
use super::rows::instant_text;

/// So many journeys are named.
pub const TOP: usize = 10;

/// A row, explained.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RowExplained {
    /// [`FORMAT_VERSION`].
    pub format_version: u32,
    /// `row`.
    pub kind: &'static str,
    /// Name of the table.
    pub table: &'static str,
    /// Its key columns.
    pub keys: Vec<Figure>,
    /// Currency of the money.
    pub currency: String,
    /// Decimal digits of its minor unit.
    pub minor_digits: u32,
    /// First instant of the reporting window, RFC 3339, UTC.
    pub window_from: String,
    /// First instant after it.
    pub window_to: String,
    /// All other columns of the row, as the table has them.
    pub figures: Vec<Figure>,
    /// The sum over journeys; None: the model takes all paths together, see `effects`.
    pub journeys: Option<Journeys>,
    /// By channel: what a model that takes all paths together saw.
    pub effects: Vec<EffectPart>,
    /// Figures that are worked out from others of the row.
    pub steps: Vec<Step>,
}

/// The sum over journeys that leads to credit and value.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Journeys {
    /// `value` or `credit`: what the largest are chosen by.
    pub ranked_by: &'static str,
    /// The largest, largest first.
    pub top: Vec<JourneyPart>,
    /// Journeys beyond those.
    pub rest_journeys: u64,
    /// What those add.
    pub rest: Given,
    /// All journeys that add something.
    pub all_journeys: u64,
    /// Their conversions, stage entries and refunds that do.
    pub all_paths: u64,
    /// All of them.
    pub sum: Given,
    /// From the sum to the figure of the table, less than one minor unit: all rows together are rounded to the whole.
    pub rounding_minor_millionths: i128,
}

/// What one journey adds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct JourneyPart {
    /// Id of the customer as the files have it.
    pub customer: String,
    /// Conversions, stage entries and refunds that add to the row.
    pub paths: u64,
    /// What they add.
    #[serde(flatten)]
    pub given: Given,
}

/// What a data-driven model saw of a channel, and what it made of it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EffectPart {
    /// The channel.
    pub channel: String,
    /// Removal effect or Shapley value.
    pub effect: Option<f64>,
    /// Its credit in the same table.
    pub credit: Option<f64>,
    /// The removal effect on value.
    pub value_effect: Option<f64>,
    /// Its value in the same table.
    pub value: Option<f64>,
}

/// A figure that is worked out from others.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Step {
    /// Column of the table.
    pub column: &'static str,
    /// How it is worked out.
    pub formula: &'static str,
    /// The same with the figures of the row.
    pub terms: String,
    /// What comes out.
    pub result: f64,
}

/// Runs the analyses as a run does and collects beside them what each journey adds to a row.
///
/// # Errors
/// [`ExplainError::Usage`] where there is no such row; [`ExplainError::Disagrees`] where the journeys don't sum to it;
/// else what stops a run.
pub fn explain_row(
    plan: &Plan,
    selector: &Selector,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<RowExplained, ExplainError> {
    let key = selector.resolve(plan)?;
    let budget = job::budget(plan, options)?;
    let pool = work::pool(budget.threads())?;
    let opened = open_inputs(plan, &pool, &budget.limits())?;
    let mut loaded = load(plan, &opened, &pool, &budget, progress)?;
    let waiting = std::mem::take(&mut loaded.waiting);
    let window = Window { from_us: loaded.window_us.0, to_us: loaded.window_us.1 };
    let input = job::kernel_input(plan, &opened, &loaded);
    let kernel = Kernel::new(&input);
    let context = kernel.context(&input, pool.current_num_threads());
    let (analyses, attribution) = (Analyses::new(context), Attribution::new(context));
    let wanted = Wanted {
        target: key.target,
        model: key.model,
        part: key.part(&kernel.rules),
        by_value: key.has_value,
        top: TOP,
    };
    let works_by_path = attribution.works_by_path(key.model) || matches!(wanted.part, Part::Unattributed);
    let collector = Collector { analyses: &analyses, attribution: &attribution, wanted };
    let Seen { buckets, all: (all, contributions), .. } =
        observe(&collector, &waiting, &loaded.remaps, &kernel, cut_options(plan), &pool, progress)?;
    progress.begin("finishing tables", 0);
    let frames = finish(&analyses, buckets, all, &pool)?;
    let tables = pool.install(|| job::finish_tables(frames, &[], window))?;
    progress.end();

    let rows = Rows::of(&tables, key.spec.as_str())?.ok_or_else(|| key.not_found(&[], &[]))?;
    let keys = key.columns();
    let borrowed: Vec<(&str, Option<&str>)> =
        keys.iter().map(|(column, value)| (*column, value.as_deref())).collect();
    let Some(row) = rows.with(&borrowed).first().copied() else {
        let channels = values_of("channel", &rows, &borrowed, &["channel", "campaign"]);
        return Err(key.not_found(&channels, &values_of("campaign", &rows, &borrowed, &["campaign"])));
    };
    let journeys = match works_by_path {
        true => {
            let hashes: Vec<CustomerHash> = contributions.top.iter().map(|own| own.customer).collect();
            let ids = look::ids_of(&opened, &hashes, (&pool, &budget.limits()), progress)?;
            let id = |hash: &CustomerHash| ids.get(hash).cloned().unwrap_or_default();
            Some(journeys(plan, &key, &contributions, &rows, row, id)?)
        }
        false => None,
    };
    let effects = match works_by_path {
        true => Vec::new(),
        false => effects(&key, &tables, &rows)?,
    };
    let key_columns: Vec<&str> = keys.iter().map(|(column, _)| *column).collect();
    let hidden = [&key_columns[..], &["window_from", "window_to"]].concat();
    Ok(RowExplained {
        format_version: FORMAT_VERSION,
        kind: "row",
        table: key.spec.as_str(),
        keys: rows.figures(row, &[]).into_iter().take(key_columns.len()).collect(),
        currency: plan.job.currency.code.clone(),
        minor_digits: plan.job.currency.minor_digits,
        window_from: instant_text(window.from_us),
        window_to: instant_text(window.to_us),
        figures: rows.figures(row, &hidden),
        journeys,
        effects,
        steps: steps(plan, &key, &rows, row),
    })
}

/// What a column says, each value once, in rows that have all keys but those that are open.
fn values_of(column: &str, rows: &Rows<'_>, keys: &[(&str, Option<&str>)], open: &[&str]) -> Vec<String> {
    let closed: Vec<(&str, Option<&str>)> =
        keys.iter().copied().filter(|(column, _)| !open.contains(column)).collect();
    let found = rows.with(&closed).into_iter().filter_map(|row| rows.text(row, column));
    let mut values: Vec<String> = found.map(str::to_owned).collect();
    values.dedup();
    values
}

/// Lays the contributions out, after asserting that they are the figure.
fn journeys(
    plan: &Plan,
    key: &RowKey,
    seen: &Contributions,
    rows: &Rows<'_>,
    row: usize,
    id: impl Fn(&CustomerHash) -> String,
) -> Result<Journeys, ExplainError> {
    let currency = key.has_value.then_some(&plan.job.currency);
    let (credit, value) = (seen.credit_millionths, seen.value_minor_millionths);
    let figure = rows.number(row, "credit").unwrap_or(0.0) * MILLIONTHS as f64;
    check(credit, figure, 0.5)?;
    let minor_per_unit = plan.job.currency.minor_per_unit() as f64;
    let mut rounding_minor_millionths = 0;
    if let Some(shown) = rows.number(row, "value") {
        let minor = (shown * minor_per_unit).round() as i128;
        let millionths = minor * i128::from(MILLIONTHS);
        check(value, millionths as f64, MILLIONTHS as f64)?;
        rounding_minor_millionths = millionths - value;
    }
    let top: Vec<JourneyPart> = seen
        .top
        .iter()
        .map(|own| JourneyPart {
            customer: id(&own.customer),
            paths: own.paths,
            given: Given::new(own.credit_millionths, own.value_minor_millionths, currency),
        })
        .collect();
    let shown_credit: i128 = seen.top.iter().map(|own| own.credit_millionths).sum();
    let shown_value: i128 = seen.top.iter().map(|own| own.value_minor_millionths).sum();
    Ok(Journeys {
        ranked_by: if key.has_value { "value" } else { "credit" },
        rest_journeys: seen.journeys - top.len() as u64,
        top,
        rest: Given::new(credit - shown_credit, value - shown_value, currency),
        all_journeys: seen.journeys,
        all_paths: seen.paths,
        sum: Given::new(credit, value, currency),
        rounding_minor_millionths,
    })
}

/// A sum of whole units against the figure of the table, which a double holds to its 15 digits.
fn check(sum: i128, figure: f64, allowed: f64) -> Result<(), ExplainError> {
    let off = (sum as f64 - figure).abs();
    if off <= allowed.max(figure.abs() * 1e-14) {
        return Ok(());
    }
    Err(ExplainError::Disagrees { sum, figure: figure.round() as i128 })
}

/// Effects of all channels on the row's target beside the credit that they became.
fn effects(key: &RowKey, tables: &[job::Table], rows: &Rows<'_>) -> Result<Vec<EffectPart>, ExplainError> {
    let Some(seen) = Rows::of(tables, "attribution_effects")? else { return Ok(Vec::new()) };
    let columns = key.columns();
    let others: Vec<(&str, Option<&str>)> = columns
        .iter()
        .filter(|(column, _)| *column != "channel")
        .map(|(column, value)| (*column, value.as_deref()))
        .collect();
    let parts = rows.with(&others).into_iter().filter_map(|row| {
        let channel = rows.text(row, "channel").filter(|channel| *channel != UNATTRIBUTED)?;
        let found = seen.with(&[
            ("target_kind", Some(key.target_kind)),
            ("target", Some(&key.target_name)),
            ("model", Some(key.model.as_str())),
            ("channel", Some(channel)),
        ]);
        let of = |column: &str| found.first().and_then(|row| seen.number(*row, column));
        Some(EffectPart {
            channel: channel.to_owned(),
            effect: of("effect"),
            credit: rows.number(row, "credit"),
            value_effect: of("value_effect"),
            value: rows.number(row, "value"),
        })
    });
    Ok(parts.collect())
}

/// Figures of `channel_roi` from spend, credit and value.
fn steps(plan: &Plan, key: &RowKey, rows: &Rows<'_>, row: usize) -> Vec<Step> {
    if key.spec != TableName::ChannelRoi {
        return Vec::new();
    }
    let figure = |column: &str| rows.number(row, column);
    let margin = plan.roi.margin;
    let mut steps = Vec::new();
    let mut push = |column: &'static str, formula: &'static str, terms: Option<(String, f64)>| {
        // What the table withholds isn't worked out here either.
        if let (Some(_), Some((terms, result))) = (figure(column), terms) {
            steps.push(Step { column, formula, terms, result });
        }
    };
    let (value, credit) = (figure("value"), figure("credit"));
    let spend = figure("spend").filter(|spend| *spend > 0.0);
    push(
        "roas",
        "value / spend",
        value.zip(spend).map(|(value, spend)| (format!("{value} / {spend}"), value / spend)),
    );
    push(
        "roi",
        "(value × margin − spend) / spend",
        value.zip(spend).map(|(value, spend)| {
            (format!("({value} × {margin} − {spend}) / {spend}"), (value * margin - spend) / spend)
        }),
    );
    for (column, formula, per) in [
        ("cost_per_conversion", "spend / credit", credit),
        ("customer_acquisition_cost", "spend / new_customers", figure("new_customers")),
    ] {
        let terms = per.filter(|per| *per > 0.0).zip(spend);
        push(column, formula, terms.map(|(per, spend)| (format!("{spend} / {per}"), spend / per)));
    }
    steps
}
