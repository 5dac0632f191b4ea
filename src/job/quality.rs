//! What became of every row: the row ledger, `data_quality`, the rejects, the counts of the manifest.

use std::collections::BTreeMap;

use polars::prelude::{DataFrame, PolarsResult, df};

use crate::analyses::channel_roi::spend;
use crate::analyses::reconciliation::{self, Line};
use crate::config::plan::{Behaviour, ChannelPlan, Dedupe, Matcher, Plan};
use crate::contract::{Reject, Rule};
use crate::engine::EngineError;
use crate::engine::load::{InputCounts, Loaded};
use crate::engine::open::Opened;
use crate::journey::channels::tally::ChannelTally;
use crate::journey::partition::CutCounts;
use crate::journey::{Codebook, Rules};
use crate::publish::RejectedRows;

use super::{JobError, Table, direct, freshness};

/// Stops a run of which nothing is left once bots are out.
pub fn check_kept(cut: &CutCounts) -> Result<(), EngineError> {
    if cut.kept > 0 {
        return Ok(());
    }
    Err(EngineError::NoRows {
        window: "is left to report".to_owned(),
        found: format!(
            "{} rows belong to {} customers with more than contract.max_touchpoints_per_customer",
            cut.bot_rows, cut.bots
        ),
    })
}

/// Stops a run with too many duplicates.
pub fn check_duplicates(plan: &Plan, loaded: &Loaded, cut: &CutCounts) -> Result<(), EngineError> {
    let duplicates = cut.exact_duplicates + cut.conflicting_duplicates;
    let rows = loaded.counts[0].counts.in_scope;
    let limit = plan.contract.max_duplicate_share;
    if duplicates as f64 <= limit * rows as f64 {
        return Ok(());
    }
    Err(EngineError::TooManyDuplicates {
        duplicates,
        exact: cut.exact_duplicates,
        conflicting: cut.conflicting_duplicates,
        rows,
        share: duplicates as f64 / rows as f64 * 100.0,
        limit,
    })
}

/// Stops a run whose books don't close.
pub fn check_books(tables: &[Table]) -> Result<(), JobError> {
    let Some((_, frame)) = tables.iter().find(|(docs, _)| docs.name == "reconciliation") else {
        return Ok(());
    };
    let differences = frame.column("difference")?.f64()?.clone();
    let items = frame.column("item")?.str()?.clone();
    let ledgers = frame.column("ledger")?.str()?.clone();
    for ((ledger, item), difference) in ledgers.iter().zip(items.iter()).zip(differences.iter()) {
        if difference != Some(0.0) {
            return Err(JobError::Books(format!(
                "ledger {} of {} is off by {}",
                ledger.unwrap_or_default(),
                item.unwrap_or_default(),
                difference.unwrap_or(f64::NAN)
            )));
        }
    }
    Ok(())
}

/// Name of the number of warnings among the counts of a run.
pub const WARNINGS: &str = "quality_warnings";
/// Key of the touchpoints in the window, without what comes before it, among the counts of a manifest.
pub const IN_WINDOW: &str = "touchpoints_in_window";

/// At most so many warnings are listed in an error.
const MOST_LISTED: usize = 20;

/// The checks of `data_quality` that did not pass, in words.
pub fn warnings(tables: &[Table]) -> Vec<String> {
    let Some((_, frame)) = tables.iter().find(|(docs, _)| docs.name == "data_quality") else {
        return Vec::new();
    };
    let text = |column: &str, row: usize| frame.column(column).ok()?.str().ok()?.get(row);
    let rows = |column: &str, row: usize| frame.column(column).ok()?.i64().ok()?.get(row);
    let not_passed = (0..frame.height()).filter(|row| matches!(text("status", *row), Some("warn" | "fail")));
    let told = not_passed.map(|row| {
        let column = text("column", row).map(|column| format!(" (column `{column}`)")).unwrap_or_default();
        format!(
            "{}: {} of {} {}{column}",
            text("table", row).unwrap_or_default(),
            rows("rows_failed", row).unwrap_or_default(),
            rows("rows_checked", row).unwrap_or_default(),
            text("check", row).unwrap_or_default(),
        )
    });
    told.collect()
}

/// Stops a run that warns of anything.
pub fn check_strict(warnings: &[String]) -> Result<(), JobError> {
    if warnings.is_empty() {
        return Ok(());
    }
    let mut checks: String =
        warnings.iter().take(MOST_LISTED).map(|warning| format!("\n  {warning}")).collect();
    if warnings.len() > MOST_LISTED {
        checks.push_str(&format!("\n  and {} more", warnings.len() - MOST_LISTED));
    }
    Err(JobError::Warnings { warnings: warnings.len() as u64, checks })
}

/// Rows that came in against those that were kept or left out.
pub fn row_ledger(loaded: &Loaded, cut: &CutCounts) -> PolarsResult<DataFrame> {
    let lines: Vec<Line> = loaded
        .counts
        .iter()
        .map(|input| {
            let counts = &input.counts;
            let left_out = counts.excluded + counts.suppressed + counts.rejected_total();
            let (kept, later) = if input.input == "touchpoints" {
                (cut.kept, cut.exact_duplicates + cut.conflicting_duplicates + cut.bot_rows)
            } else {
                (counts.in_scope - left_out, 0)
            };
            Line {
                ledger: "rows",
                item: input.input.to_owned(),
                model: None,
                booked: i128::from(counts.in_scope),
                credited: i128::from(kept),
                unattributed: 0,
                excluded: i128::from(left_out + later),
                refunds: 0,
                scale: 1.0,
            }
        })
        .collect();
    reconciliation::frame(&lines)
}

#[derive(Default)]
struct Checks {
    table: Vec<&'static str>,
    check: Vec<String>,
    column: Vec<Option<String>>,
    checked: Vec<i64>,
    failed: Vec<i64>,
    status: Vec<&'static str>,
}

impl Checks {
    fn push(
        &mut self,
        table: &'static str,
        check: &str,
        column: Option<&str>,
        (checked, failed): (u64, u64),
    ) {
        self.push_as(table, check, column, (checked, failed), if failed == 0 { "ok" } else { "warn" });
    }

    fn push_as(
        &mut self,
        table: &'static str,
        check: &str,
        column: Option<&str>,
        (checked, failed): (u64, u64),
        status: &'static str,
    ) {
        self.table.push(table);
        self.check.push(check.to_owned());
        self.column.push(column.map(str::to_owned));
        self.checked.push(checked as i64);
        self.failed.push(failed as i64);
        self.status.push(status);
    }
}

/// Check on customers with touchpoints: whether they stand in the customers table.
pub const NOT_IN_CUSTOMERS: &str = "not_in_customers";

/// At most so many pairs of source and medium, campaigns or events are shown by name.
const MOST_NAMED: usize = 100;

/// What the rules for channels left open, as rows by name up to a limit.
fn check_channels(checks: &mut Checks, table: &'static str, plan: &ChannelPlan, tally: &ChannelTally) {
    if plan.has_rules() {
        let unmatched = tally.unmatched();
        let rows_of = |pairs: &[(&str, u64)]| pairs.iter().map(|(_, rows)| rows).sum::<u64>();
        let mut push = |check: &str, rows| checks.push(table, check, Some("channel"), (tally.rows, rows));
        push("channel_unassigned", rows_of(&unmatched));
        let (named, rest) = unmatched.split_at(unmatched.len().min(MOST_NAMED));
        for (pair, rows) in named {
            push(&format!("channel_unassigned:{pair}"), *rows);
        }
        // No pair is written like this: it would have a stroke.
        if !rest.is_empty() {
            push("channel_unassigned:(rest)", rows_of(rest));
        }
    }
    // What is looked through on purpose is counted, but nothing to worry about.
    if !plan.unwanted_referrals.is_empty() && table == "touchpoints" {
        checks.push_as(table, "unwanted_referral", Some("source"), (tally.rows, tally.unwanted), "ok");
    }
    for campaign in tally.divided().into_iter().take(MOST_NAMED) {
        let check = format!("campaign_under_several_channels:{}", campaign.campaign);
        checks.push(table, &check, Some("campaign"), (campaign.rows, campaign.elsewhere));
    }
}

/// Events that no rule names, by name up to a limit.
fn check_events(checks: &mut Checks, unnamed: &[(String, u64)], rows: u64) {
    let mut push = |check: &str, failed| checks.push("touchpoints", check, Some("event"), (rows, failed));
    push("unknown_event", unnamed.iter().map(|(_, rows)| rows).sum());
    for (event, rows) in unnamed.iter().take(MOST_NAMED) {
        push(&format!("unknown_event:{event}"), *rows);
    }
}

/// Behaviours whose matchers no row fits: those of what counts, and those of what must not follow, which would be taken
/// for something that nobody did.
fn check_behaviours(checks: &mut Checks, behaviours: &[Behaviour], book: &Codebook, columns: &[String]) {
    let fits_a_row = |matcher: &Matcher| {
        (0..book.len() as u32).any(|code| {
            matcher.matches(|name| book.text(code, columns.iter().position(|column| column == name)?))
        })
    };
    let mut push = |check: &str, behaviour: &Behaviour, matchers: Vec<&Matcher>| {
        let nowhere = matchers.iter().filter(|matcher| !fits_a_row(matcher)).count();
        let check = format!("{check}:{}", behaviour.name);
        checks.push("touchpoints", &check, Some("event"), (matchers.len() as u64, nowhere as u64));
    };
    for behaviour in behaviours {
        let rules = &behaviour.rules;
        push("behaviour_matches_nothing", behaviour, rules.iter().map(|rule| &rule.matcher).collect());
        let without: Vec<&Matcher> = rules.iter().flat_map(|rule| &rule.without).collect();
        if !without.is_empty() {
            push("without_matches_nothing", behaviour, without);
        }
    }
}

/// Files and sources as a whole: those that are left out because they are damaged, and those whose newest row is old.
fn check_sources(
    checks: &mut Checks,
    plan: &Plan,
    loaded: &Loaded,
    opened: &Opened,
) -> Result<(), EngineError> {
    let left_out = opened.quarantined.len() as u64;
    if left_out > 0 {
        let read: usize = opened.touchpoints.iter().map(|source| source.files.len()).sum();
        checks.push_as("touchpoints", "quarantined_file", None, (read as u64 + left_out, left_out), "fail");
    }
    let freshness = freshness::check(plan, loaded)?;
    if freshness.checked > 0 {
        let counts = (freshness.checked, freshness.stale.len() as u64);
        checks.push("touchpoints", "stale", Some("occurred_at"), counts);
    }
    Ok(())
}

/// Rows of the customers table without a touchpoint, and customers with touchpoints who aren't in it. Each may be many:
/// the table has whoever did nothing, the touchpoints have visitors without a name. But where fewer than one in a
/// hundred of the smaller side are found on the other, the ids are hardly those of the same people.
fn check_matches(checks: &mut Checks, table_rows: u64, cut: &CutCounts) {
    let could_match = table_rows.min(cut.customers);
    let status = if cut.customers_in_table.saturating_mul(100) < could_match { "warn" } else { "ok" };
    let without_touchpoints = (table_rows, cut.table_rows_without_touchpoints);
    checks.push_as("customers", "without_touchpoints", Some("customer_id"), without_touchpoints, status);
    let not_in_table = (cut.customers, cut.customers - cut.customers_in_table);
    checks.push_as("touchpoints", NOT_IN_CUSTOMERS, Some("customer_id"), not_in_table, status);
}

/// The table `data_quality`.
pub fn data_quality(
    plan: &Plan,
    rules: &Rules,
    loaded: &Loaded,
    opened: &Opened,
    cut: &CutCounts,
) -> Result<DataFrame, JobError> {
    let with_events = opened.with_events;
    let mut checks = Checks::default();
    for input in &loaded.counts {
        let counts = &input.counts;
        let rows = counts.in_scope;
        let applicable: &[Rule] = match input.input {
            "touchpoints" => &[
                Rule::NullCustomer,
                Rule::NullTime,
                Rule::ImpossibleTime,
                Rule::NullEvent,
                Rule::UnusableValue,
                Rule::NegativeValue,
            ],
            "assignments" => &[
                Rule::NullCustomer,
                Rule::NullTime,
                Rule::ImpossibleTime,
                Rule::NullExperiment,
                Rule::NullVariant,
            ],
            "customers" if opened.dated_attributes => &[Rule::NullCustomer, Rule::ImpossibleTime],
            _ => &[Rule::NullCustomer],
        };
        let of_rates: &[Rule] =
            if plan.rates.is_some() && input.input == "touchpoints" { &[Rule::MissingRate] } else { &[] };
        let of_numbers = (0..plan.numbers.len()).filter(|_| input.input == "touchpoints");
        let of_numbers = of_numbers.map(|number| Rule::UnusableNumber(number as u16));
        for rule in applicable.iter().chain(of_rates).copied().chain(of_numbers) {
            let failed = counts.rejected.get(&rule).copied().unwrap_or(0);
            let column = rule.column(input.input, &plan.numbers);
            checks.push(input.input, rule.as_str(), Some(column), (rows, failed));
        }
        // What is left out on purpose is counted, but nothing to worry about.
        checks.push_as(input.input, "suppressed", Some("customer_id"), (rows, counts.suppressed), "ok");
        if input.input == "customers" {
            checks.push(input.input, "conflicting_attributes", None, (rows, cut.conflicting_attributes));
            check_matches(&mut checks, rows - counts.suppressed - counts.rejected_total(), cut);
        }
        if input.input == "touchpoints" {
            checks.push_as(input.input, "excluded", None, (rows, counts.excluded), "ok");
            checks.push(input.input, "value_made_null", Some("value"), (rows, counts.nulled_values));
            for (name, nulled) in plan.numbers.iter().zip(&counts.nulled_numbers) {
                checks.push(input.input, "number_made_null", Some(name), (rows, *nulled));
            }
            // Without ids nothing was looked for.
            let looked_at = if looks_for_duplicates(plan, with_events) { rows } else { 0 };
            if plan.contract.dedupe == Dedupe::EventId {
                let unseen = if with_events { 0 } else { rows };
                checks.push(input.input, "duplicates_not_looked_for", Some("event_id"), (rows, unseen));
            }
            checks.push(input.input, "exact_duplicate", Some("event_id"), (looked_at, cut.exact_duplicates));
            let conflicting = (looked_at, cut.conflicting_duplicates);
            checks.push(input.input, Rule::ConflictingDuplicate.as_str(), Some("event_id"), conflicting);
            // Where no folder says when rows came, nothing was looked at.
            checks.push(input.input, "late_row", Some("occurred_at"), (counts.dated, counts.late));
            checks.push(input.input, "future_row", Some("occurred_at"), (counts.dated, counts.future));
            check_events(&mut checks, &loaded.unnamed_events, counts.kept());
            checks.push(input.input, "too_many_touchpoints", Some("customer_id"), (rows, cut.bot_rows));
        }
    }
    check_sources(&mut checks, plan, loaded, opened)?;
    // Spend of a channel that nobody touched is most often a channel under another name.
    if plan.spend.is_some() {
        let (mut rows, mut unknown) = (0, 0);
        for row in spend::in_window(&loaded.spend, &plan.job.timezone, loaded.window_us) {
            rows += 1;
            unknown += u64::from(rules.channels.binary_search(&row.channel).is_err());
        }
        checks.push("spend", "channel_without_touches", Some("channel"), (rows, unknown));
        // A year that was mistyped would be money that nobody misses.
        let all = loaded.spend.len() as u64;
        checks.push_as("spend", "outside_window", Some("date"), (all, all - rows), "ok");
    }
    if plan.attribution.by.campaign {
        // Its credit stands in a row for each of them.
        let counts = rules.units.under_several_channels();
        checks.push("touchpoints", "campaign_under_several_channels", Some("campaign"), counts);
    }
    for channel in direct::under_another_name(plan, &rules.channels) {
        checks.push("touchpoints", &format!("{}:{channel}", direct::CHECK), Some("channel"), (1, 1));
    }
    check_channels(&mut checks, "touchpoints", &plan.channels, &loaded.channels);
    if plan.spend.is_some() {
        check_channels(&mut checks, "spend", &plan.channels, &loaded.spend_channels);
    }
    // A conversion or stage that no row matches is most often a misspelt event.
    let mut matched = |check: String, any: bool| {
        checks.push("touchpoints", &check, Some("event"), (1, u64::from(!any)));
    };
    for (index, conversion) in plan.conversions.iter().enumerate() {
        let any = rules.facts.iter().any(|facts| facts.conversions >> index & 1 == 1);
        matched(format!("conversion_matches_nothing:{}", conversion.name), any);
    }
    for (index, stage) in plan.stages.stages.iter().enumerate() {
        let any = rules.facts.iter().any(|facts| facts.stages >> index & 1 == 1);
        matched(format!("stage_matches_nothing:{}", stage.name), any);
    }
    matched("touches_match_nothing".to_owned(), rules.facts.iter().any(|facts| facts.touch));
    if !plan.refunds.is_empty() {
        matched("refunds_match_nothing".to_owned(), rules.facts.iter().any(|facts| facts.refund));
    }
    for unknown in &opened.unknown_columns {
        checks.push(unknown.input, "unknown_column", Some(&unknown.column), (1, 1));
    }
    check_behaviours(&mut checks, &plan.segments.behaviours, &loaded.book, &opened.columns.texts);
    let share: Vec<Option<f64>> = checks
        .checked
        .iter()
        .zip(&checks.failed)
        .map(|(checked, failed)| (*checked > 0).then(|| *failed as f64 / *checked as f64))
        .collect();
    Ok(df!(
        "table" => checks.table,
        "check" => checks.check,
        "column" => checks.column,
        "rows_checked" => checks.checked,
        "rows_failed" => checks.failed,
        "share" => share,
        "status" => checks.status,
    )?)
}

/// Whether two rows could be found to be the same.
fn looks_for_duplicates(plan: &Plan, with_events: bool) -> bool {
    match plan.contract.dedupe {
        Dedupe::EventId => with_events,
        Dedupe::Row => true,
        Dedupe::Off => false,
    }
}

/// Rejected rows of every input; `conflicts` are the conflicting duplicates, where their places are known.
pub fn rejected(
    plan: &Plan,
    loaded: &Loaded,
    cut: &CutCounts,
    conflicts: Option<Vec<Reject>>,
) -> Vec<RejectedRows> {
    let are_placed = conflicts.is_some();
    let mut conflicts = conflicts.unwrap_or_default();
    let of_input = |input: &InputCounts| {
        let mut rejects = input.rejects.clone();
        if input.input == "touchpoints" {
            rejects.append(&mut conflicts);
            rejects.sort();
        }
        rejected_of(input, &rejects, &plan.numbers)
    };
    let mut all: Vec<RejectedRows> = loaded.counts.iter().map(of_input).collect();
    if let Some(touchpoints) = all.iter_mut().find(|rows| rows.input == "touchpoints").filter(|_| !are_placed)
    {
        for event in &cut.conflicting_events {
            touchpoints.file.push(None);
            touchpoints.row.push(None);
            touchpoints.column.push(Rule::ConflictingDuplicate.column("touchpoints", &[]).to_owned());
            touchpoints.rule.push(Rule::ConflictingDuplicate.as_str().to_owned());
            touchpoints.value_hash.push(Some(loaded.hasher.hash(&event.0.to_be_bytes())));
        }
    }
    all
}

fn rejected_of(input: &InputCounts, rejects: &[Reject], numbers: &[String]) -> RejectedRows {
    RejectedRows {
        input: input.input.to_owned(),
        file: rejects.iter().map(|reject| Some(input.paths[reject.source][reject.file].clone())).collect(),
        // People count rows from one.
        row: rejects.iter().map(|reject| Some(reject.row + 1)).collect(),
        column: rejects.iter().map(|reject| reject.rule.column(input.input, numbers).to_owned()).collect(),
        rule: rejects.iter().map(|reject| reject.rule.as_str().to_owned()).collect(),
        value_hash: rejects.iter().map(|reject| reject.value_hash.clone()).collect(),
    }
}

/// Counts for the manifest and the summary.
pub fn counts(loaded: &Loaded, cut: &CutCounts) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for input in &loaded.counts {
        let mut put = |what: &str, count: u64| {
            counts.insert(format!("{}_{what}", input.input), count);
        };
        put("in_scope", input.counts.in_scope);
        put("outside", input.counts.outside);
        put("rejected", input.counts.rejected_total());
        put("suppressed", input.counts.suppressed);
        put("excluded", input.counts.excluded);
    }
    for (what, count) in [
        (IN_WINDOW, loaded.counts[0].counts.in_window),
        ("touchpoints_kept", cut.kept),
        ("touchpoints_exact_duplicates", cut.exact_duplicates),
        ("touchpoints_conflicting_duplicates", cut.conflicting_duplicates),
        ("touchpoints_of_bots", cut.bot_rows),
        ("bots", cut.bots),
        ("customers", cut.customers),
    ] {
        counts.insert(what.to_owned(), count);
    }
    counts
}
