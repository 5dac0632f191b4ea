//! A comparison for people.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::causes::{Causes, FileStatus, InputChange};
use super::changes::{CellChange, Status, TableChange};
use super::table::Value;
use super::{Comparison, RunSummary};

/// Lines of a list that are shown.
const LISTED: usize = 8;

/// The comparison as text.
pub fn text(comparison: &Comparison) -> String {
    let mut text = String::new();
    for (name, run) in [("before", &comparison.before), ("after", &comparison.after)] {
        let RunSummary { run, window, version, finished, .. } = run;
        let _ = writeln!(text, "{name:7} {run}  window {window}, version {version}, finished {finished}");
    }
    if comparison.before.run_id == comparison.after.run_id {
        text.push_str("\nthe same result: both have the same run id\n");
        return text;
    }
    text.push_str("\nwhy\n");
    causes(&mut text, &comparison.causes);
    text.push_str("\nwhat\n");
    tables(&mut text, &comparison.tables);
    text
}

fn causes(text: &mut String, causes: &Causes) {
    if causes.is_empty() {
        text.push_str("  nothing that the manifests know of\n");
    }
    if let Some(version) = &causes.version {
        line(text, "version", &format!("{} -> {}", version.before, version.after));
    }
    if let Some(window) = &causes.window {
        line(text, "window", &format!("{} -> {}", window.before, window.after));
    }
    for change in causes.config.iter().take(LISTED * 4) {
        let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "not set".to_owned());
        line(
            text,
            "config",
            &format!("{}: {} -> {}", change.key, shown(&change.before), shown(&change.after)),
        );
    }
    more(text, "config", causes.config.len(), LISTED * 4);
    if causes.config_unrecorded {
        line(
            text,
            "config",
            "differs in what the manifests don't hold: a value from the environment, or a hidden one",
        );
    }
    for query in &causes.queries {
        line(text, "query", &format!("{} {}", query.file, status(query.status)));
    }
    if let Some(only) = &causes.only {
        let asked = |tables: &[String]| if tables.is_empty() { "all".to_owned() } else { tables.join(", ") };
        line(text, "tables", &format!("asked for: {} -> {}", asked(&only.before), asked(&only.after)));
    }
    causes.inputs.iter().for_each(|input| files(text, input));
    if let Some(covered) = causes.covered_days.as_ref().filter(|covered| !covered.by_day.is_empty()) {
        let days = covered.by_day.iter().take(LISTED).map(|(day, count)| format!("{day} {count:+}"));
        let days: Vec<String> = days.collect();
        let rest = if covered.by_day.len() > LISTED { ", …" } else { "" };
        let what = if covered.same_rules { "late rows" } else { "same days" };
        let count = covered.touches_after - covered.touches_before;
        line(
            text,
            what,
            &format!(
                "{count:+} touches on the {} that both runs cover: {}{rest}",
                plural(covered.days, "day"),
                days.join(", ")
            ),
        );
    }
    for (name, count) in &causes.counts {
        line(text, "rows", &format!("{name}: {} -> {}", count.before, count.after));
    }
}

fn files(text: &mut String, input: &InputChange) {
    let mut by_status: BTreeMap<FileStatus, u64> = BTreeMap::new();
    input.files.iter().for_each(|file| *by_status.entry(file.status).or_default() += 1);
    let counts =
        by_status.iter().map(|(kind, count)| format!("{} {}", plural(*count, "file"), status(*kind)));
    let counts: Vec<String> = counts.collect();
    line(
        text,
        "files",
        &format!(
            "{}: {}, rows {} -> {}",
            input.input,
            counts.join(", "),
            input.rows.before,
            input.rows.after
        ),
    );
    for file in input.files.iter().take(LISTED) {
        let rows = match (file.rows_before, file.rows_after) {
            (Some(before), Some(after)) if before != after => format!("{before} -> {after} rows"),
            (rows, other) => plural(other.or(rows).unwrap_or(0), "row"),
        };
        line(text, "", &format!("  {}: {} ({rows})", status(file.status), file.path));
    }
    more(text, "", input.files.len(), LISTED);
}

fn status(status: FileStatus) -> &'static str {
    match status {
        FileStatus::Added => "added",
        FileStatus::Removed => "removed",
        FileStatus::Changed => "changed",
        FileStatus::Moved => "moved",
        FileStatus::ReadOtherwise => "unchanged, of which other columns were read",
    }
}

fn tables(text: &mut String, tables: &[TableChange]) {
    let of = |status: Status| tables.iter().filter(move |table| table.status == status);
    for table in of(Status::Changed) {
        let rows = (table.rows_before.unwrap_or(0), table.rows_after.unwrap_or(0));
        let rows = if rows.0 == rows.1 { rows.0.to_string() } else { format!("{} -> {}", rows.0, rows.1) };
        let _ = writeln!(
            text,
            "  {}: {rows} rows, {} added, {} removed, {} changed",
            table.table, table.added, table.removed, table.changed
        );
        for (what, columns) in [("added", &table.columns_added), ("removed", &table.columns_removed)] {
            if !columns.is_empty() {
                let _ = writeln!(text, "    columns {what}: {}", columns.join(", "));
            }
        }
        table.largest.iter().for_each(|cell| change(text, cell));
    }
    for table in of(Status::NotCompared) {
        let _ =
            writeln!(text, "  {}: differs; its rows are compared where both runs have Parquet", table.table);
    }
    let mut listed = |what: &str, names: Vec<&str>| {
        if !names.is_empty() {
            let _ = writeln!(text, "  {what}: {}", names.join(", "));
        }
    };
    for (status, what) in
        [(Status::Added, "only after"), (Status::Removed, "only before"), (Status::Same, "unchanged")]
    {
        listed(what, of(status).map(|table| &*table.table).collect());
    }
    let (after, before): (Vec<&TableChange>, Vec<&TableChange>) =
        of(Status::NotAsked).partition(|table| table.rows_before.is_none());
    listed("not asked for before", after.iter().map(|table| &*table.table).collect());
    listed("not asked for after", before.iter().map(|table| &*table.table).collect());
}

fn change(text: &mut String, cell: &CellChange) {
    // A key that isn't there, such as the campaign of a channel's row, tells nothing.
    let keys = cell.row.iter().filter(|(_, value)| **value != Value::Null);
    let keys: Vec<String> = keys.map(|(column, value)| format!("{column}={value}")).collect();
    let relative = cell.relative.map_or(String::new(), |relative| format!(" ({:+.1} %)", 100.0 * relative));
    let _ = writeln!(
        text,
        "    {} {} -> {}{relative}  [{}]",
        cell.column,
        figure(&cell.before),
        figure(&cell.after),
        keys.join(" ")
    );
}

/// Six digits are enough to see what moved; the tables have them all.
fn figure(value: &Value) -> String {
    match value {
        Value::Float(value) if *value != 0.0 => {
            let whole = value.abs().log10().floor() as i32;
            let decimals = usize::try_from(5 - whole).unwrap_or(0).min(12);
            let text = format!("{value:.decimals$}");
            if text.contains('.') {
                text.trim_end_matches('0').trim_end_matches('.').to_owned()
            } else {
                text
            }
        }
        value => value.to_string(),
    }
}

fn line(text: &mut String, name: &str, what: &str) {
    let _ = writeln!(text, "  {name:10} {what}");
}

fn more(text: &mut String, name: &str, count: usize, limit: usize) {
    if count > limit {
        line(text, name, &format!("  and {} more", count - limit));
    }
}

fn plural(count: u64, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_six_digits() {
        for (value, text) in [
            (1234.5678, "1234.57"),
            (0.0123456789, "0.0123457"),
            (-2.5, "-2.5"),
            (1e9, "1000000000"),
            (0.0, "0"),
            (100.0, "100"),
        ] {
            assert_eq!(figure(&Value::Float(value)), text);
        }
    }
}
