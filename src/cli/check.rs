//! `touchline check`: whether a run would take the inputs, and what it would read, prune and write, without doing it.

use std::fmt::Write;

use crate::config::plan::{Dedupe, Integrity, Plan};
use crate::engine::open::{OpenSource, Opened};
use crate::engine::quarantine::{open_sound, verify_sound};
use crate::engine::small::SmallFile;
use crate::engine::{Budget, hash_key, work};
use crate::input::InputFile;
use crate::job::{JobError, check_place, findings};
use crate::queries;

use super::args::CheckOptions;
use super::console::{Console, printable};
use super::diagnostics::Failure;
use super::progress::{counted, grouped};
use super::run::load_plan;

/// Validates and reports on standard output.
pub(super) fn check(options: &CheckOptions, console: &Console) -> Result<(), Failure> {
    let plan = load_plan(&options.config, console)?;
    let answers = match &plan.queries {
        Some(folder) => queries::load(folder),
        None => queries::shipped(),
    }
    .map_err(JobError::from)?;
    let query_tables = queries::dry_run(&answers).map_err(JobError::from)?;
    check_place(&plan)?;
    hash_key::hasher(&plan).map_err(JobError::from)?;
    let budget = Budget::of_process(options.memory, options.config.threads, std::env::temp_dir());
    let (pool, limits) = (work::pool(budget.threads()).map_err(JobError::from)?, budget.limits());
    let opened = open_sound(&plan, &pool, &limits).map_err(JobError::from)?;
    let opened = verify_sound(&plan, opened, options.full, &pool, &limits).map_err(JobError::from)?;
    let names: Vec<String> = crate::tables::ALL
        .iter()
        .map(|spec| spec.name.to_owned())
        .chain(query_tables.into_iter().map(|docs| docs.name))
        .collect();
    let mut text = report(&opened);
    text.push_str(&verified(&plan, &opened, options.full));
    text.push_str(&notes(&plan, &opened));
    let _ = writeln!(text, "writes to {}:", plan.output.path.display());
    let _ = writeln!(text, "  {}", names.join(", "));
    let warnings = findings::foreseen(&plan, plan.window.from_us.zip(plan.window.to_us));
    if !warnings.is_empty() {
        let _ = writeln!(text, "warns:");
    }
    for warning in warnings {
        let _ = writeln!(text, "  * {}  [{}]", warning.text, warning.table);
    }
    console.answer(&text)
}

fn report(opened: &Opened) -> String {
    let mut text = String::from("reads:\n");
    for source in &opened.touchpoints {
        line(&mut text, source);
    }
    for source in [&opened.customers, &opened.assignments, &opened.suppress].into_iter().flatten() {
        line(&mut text, source);
    }
    for source in [&opened.spend, &opened.rates].into_iter().flatten() {
        let bytes: u64 = source.files.iter().map(|file| file.file().identity.size).sum();
        let _ = writeln!(
            text,
            "  {}: {}, {}",
            source.plan.key,
            counted(source.files.len() as u64, "file"),
            size(bytes),
        );
    }
    text
}

/// How many files are sure to be what was exported; nothing where no checksum says so.
fn verified(plan: &Plan, opened: &Opened, pages: bool) -> String {
    let lookups = [&opened.customers, &opened.assignments, &opened.suppress].into_iter().flatten();
    let large = opened.touchpoints.iter().chain(lookups).flat_map(|source| &source.files);
    let small = [&opened.spend, &opened.rates].into_iter().flatten().flat_map(|source| &source.files);
    let files: Vec<&InputFile> = large.map(|file| &file.file).chain(small.map(SmallFile::file)).collect();
    let sealed = files.iter().filter(|file| file.sidecar.is_some()).count();
    let mut text = String::new();
    if sealed > 0 && plan.contract.integrity != Integrity::Off {
        let all = counted(files.len() as u64, "file");
        let _ = writeln!(text, "compared with the checksum beside it: {} of {all}", grouped(sealed as u64));
    }
    if pages {
        text.push_str("read to the last page: all that a run would read\n");
    }
    text
}

/// What a person should know before the run: it would go on all the same.
fn notes(plan: &Plan, opened: &Opened) -> String {
    let mut text = String::new();
    if !opened.quarantined.is_empty() {
        text.push_str("leaves out, for it is damaged:\n");
    }
    for file in &opened.quarantined {
        let _ =
            writeln!(text, "  {}: {}", printable(&file.path.display().to_string()), printable(&file.reason));
    }
    if !opened.unknown_columns.is_empty() {
        text.push_str("doesn't know, for they are neither mapped nor used:\n");
    }
    for column in &opened.unknown_columns {
        let _ = writeln!(text, "  {column}");
    }
    if plan.contract.dedupe == Dedupe::EventId && !opened.with_events {
        text.push_str(
            "looks for no duplicates, for no source has `event_id`:\n  map it, or set contract.dedupe = \"row\", or \"off\" if that is meant\n",
        );
    }
    text
}

/// What is read of a source, and what its statistics rule out. Bytes are those of the columns needed.
fn line(text: &mut String, source: &OpenSource) {
    let (mut read, mut pruned) = (Amount::default(), Amount::default());
    for file in &source.files {
        let (bytes, all_bytes) = file.column_bytes();
        let groups = file.row_groups.len() as u64;
        read.add(!file.is_pruned(), groups, file.rows - file.pruned_rows, bytes);
        pruned.add(file.is_pruned(), file.groups() as u64 - groups, file.pruned_rows, all_bytes - bytes);
    }
    let _ = writeln!(text, "  {}: {read}", source.plan.key);
    if pruned.groups > 0 {
        let _ = writeln!(text, "    pruned: {pruned}");
    }
}

/// A part of a source.
#[derive(Debug, Default)]
struct Amount {
    files: u64,
    groups: u64,
    rows: u64,
    bytes: u64,
}

impl Amount {
    fn add(&mut self, whole_file: bool, groups: u64, rows: u64, bytes: u64) {
        self.files += u64::from(whole_file);
        self.groups += groups;
        self.rows += rows;
        self.bytes += bytes;
    }
}

impl std::fmt::Display for Amount {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (files, groups) = (counted(self.files, "file"), counted(self.groups, "row group"));
        write!(formatter, "{files}, {groups}, {}, {}", counted(self.rows, "row"), size(self.bytes))
    }
}

/// Bytes in the unit that fits them.
fn size(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{:.1} kB", bytes as f64 / 1e3),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
