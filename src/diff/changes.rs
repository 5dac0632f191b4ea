//! What changed in a table: rows by their keys, and the figures that moved most.

use std::collections::{BTreeMap, HashMap};

use serde::Serialize;

use super::table::{Table, Value};

/// What became of a table.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TableChange {
    /// Its name.
    pub table: String,
    /// What happened to it.
    pub status: Status,
    /// Rows before; None where the run before has no such table.
    pub rows_before: Option<u64>,
    /// Rows after; None where the run after has no such table.
    pub rows_after: Option<u64>,
    /// Rows whose keys only the run after has.
    pub added: u64,
    /// Rows whose keys only the run before has.
    pub removed: u64,
    /// Rows that both have and of which a figure or text differs.
    pub changed: u64,
    /// Columns that only the run after has.
    pub columns_added: Vec<String>,
    /// Columns that only the run before has.
    pub columns_removed: Vec<String>,
    /// Rows that changed, by column; columns without any are left out.
    pub changed_by_column: BTreeMap<String, u64>,
    /// The changes that matter most, by how much of the column's total they are.
    pub largest: Vec<CellChange>,
}

/// What happened to a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// The same rows.
    Same,
    /// Other rows or columns.
    Changed,
    /// Only the run after has it.
    Added,
    /// Only the run before has it.
    Removed,
    /// Only one of the runs has it, for the other was to publish some tables only, and not this one.
    NotAsked,
    /// Its files differ, but one of the runs has no Parquet to compare rows by.
    NotCompared,
}

/// A figure that moved.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CellChange {
    /// Keys of its row.
    pub row: BTreeMap<String, Value>,
    /// Its column.
    pub column: String,
    /// What it was.
    pub before: Value,
    /// What it is.
    pub after: Value,
    /// After less before; None where either is null.
    pub difference: Option<f64>,
    /// The difference over what it was; None where that is null or 0.
    pub relative: Option<f64>,
}

impl TableChange {
    /// Of a table of which only this is known.
    pub fn of(table: &str, status: Status, rows_before: Option<u64>, rows_after: Option<u64>) -> Self {
        TableChange {
            table: table.to_owned(),
            status,
            rows_before,
            rows_after,
            added: 0,
            removed: 0,
            changed: 0,
            columns_added: Vec::new(),
            columns_removed: Vec::new(),
            changed_by_column: BTreeMap::new(),
            largest: Vec::new(),
        }
    }
}

/// Compares two tables of one name, and keeps so many of the largest changes.
pub fn compare(name: &str, before: &Table, after: &Table, top: usize) -> TableChange {
    let rows = |table: &Table| Some(table.rows.len() as u64);
    let mut change = TableChange::of(name, Status::Changed, rows(before), rows(after));
    let only_in = |own: &Table, other: &Table| -> Vec<String> {
        own.columns.iter().filter(|column| other.place(column).is_none()).cloned().collect()
    };
    change.columns_added = only_in(after, before);
    change.columns_removed = only_in(before, after);
    let keys = keys(before, after);
    let places = |table: &Table| -> Vec<usize> { keys.iter().filter_map(|key| table.place(key)).collect() };
    let (keys_before, keys_after) = (places(before), places(after));
    let known = by_key(before, &keys_before);
    let found = by_key(after, &keys_after);
    change.removed = known.keys().filter(|key| !found.contains_key(*key)).count() as u64;
    let compared: Vec<(usize, usize, &String)> = before
        .columns
        .iter()
        .enumerate()
        .filter(|(at, _)| !keys_before.contains(at))
        .filter_map(|(at, column)| Some((at, after.place(column)?, column)))
        .collect();
    let totals: Vec<f64> = compared.iter().map(|(at, _, _)| total(before, *at)).collect();
    let mut moved: Vec<(f64, usize, CellChange)> = Vec::new();
    for (row_after, key) in rows_with_keys(after, &keys_after) {
        let Some(row_before) = known.get(&key) else {
            change.added += 1;
            continue;
        };
        let (old, new) = (&before.rows[*row_before], &after.rows[row_after]);
        let mut differs = false;
        for ((at_before, at_after, column), total) in compared.iter().zip(&totals) {
            let (old, new) = (&old[*at_before], &new[*at_after]);
            if same(old, new) {
                continue;
            }
            differs = true;
            *change.changed_by_column.entry((*column).clone()).or_default() += 1;
            if is_figure(column)
                && let Some(cell) = cell(before, *row_before, &keys_before, column, old, new)
            {
                let weight =
                    cell.difference.map_or(0.0, |difference| difference.abs() / total.max(f64::MIN_POSITIVE));
                moved.push((weight, row_after, cell));
            }
        }
        change.changed += u64::from(differs);
    }
    moved.sort_by(|one, other| other.0.total_cmp(&one.0).then_with(|| one.1.cmp(&other.1)));
    change.largest = moved.into_iter().take(top).map(|(_, _, cell)| cell).collect();
    let is_same = change.added + change.removed + change.changed == 0
        && change.columns_added.is_empty()
        && change.columns_removed.is_empty();
    if is_same {
        change.status = Status::Same;
    }
    change
}

/// The columns that tell rows apart: those promised by both, else all that are no numbers.
fn keys(before: &Table, after: &Table) -> Vec<String> {
    if !after.keys.is_empty() && before.keys == after.keys {
        return after.keys.clone();
    }
    let is_number = |table: &Table, at: usize| {
        table.rows.iter().any(|row| matches!(row[at], Value::Float(_) | Value::Int(_)))
    };
    let texts = before.columns.iter().enumerate().filter(|(at, column)| {
        after.place(column).is_some_and(|place| !is_number(before, *at) && !is_number(after, place))
    });
    texts.map(|(_, column)| column.clone()).filter(|column| column != "note").collect()
}

/// Rows with their keys as one text; where keys stand several times, with their number among these.
fn rows_with_keys(table: &Table, places: &[usize]) -> Vec<(usize, String)> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let rows = table.rows.iter().enumerate();
    rows.map(|(at, row)| {
        let mut key = String::new();
        for place in places {
            // The length keeps ("ab", "c") and ("a", "bc") apart, and null from the text.
            let text = row[*place].to_string();
            let kind = if row[*place] == Value::Null { 'n' } else { 'v' };
            key.push_str(&format!("{kind}{}:{text}", text.len()));
        }
        let number = seen.entry(key.clone()).or_default();
        *number += 1;
        if *number > 1 {
            key.push_str(&format!("#{number}"));
        }
        (at, key)
    })
    .collect()
}

fn by_key(table: &Table, places: &[usize]) -> HashMap<String, usize> {
    rows_with_keys(table, places).into_iter().map(|(at, key)| (key, at)).collect()
}

/// Sum of the magnitudes of a column.
fn total(table: &Table, at: usize) -> f64 {
    table.rows.iter().filter_map(|row| row[at].number()).map(f64::abs).sum()
}

/// The same bits: tables are computed to the last one.
fn same(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Float(one), Value::Float(other)) => one.to_bits() == other.to_bits(),
        (one, other) => one == other,
    }
}

/// Whether a column is a figure of its own, not a bound of another.
fn is_figure(column: &str) -> bool {
    !column.ends_with("_low") && !column.ends_with("_high") && !column.starts_with("sequential_")
}

fn cell(
    table: &Table,
    row: usize,
    keys: &[usize],
    column: &str,
    before: &Value,
    after: &Value,
) -> Option<CellChange> {
    let (old, new) = (before.number(), after.number());
    // Texts, such as notes and verdicts, are counted, and are figures only where one side is.
    if old.is_none() && new.is_none() {
        return None;
    }
    let difference = old.zip(new).map(|(old, new)| new - old);
    let relative =
        difference.zip(old).filter(|(_, old)| *old != 0.0).map(|(difference, old)| difference / old.abs());
    let row = keys.iter().map(|at| (table.columns[*at].clone(), table.rows[row][*at].clone())).collect();
    Some(CellChange {
        row,
        column: column.to_owned(),
        before: before.clone(),
        after: after.clone(),
        difference,
        relative,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(keys: &[&str], columns: &[&str], rows: &[(&str, i64, f64)]) -> Table {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let row = |(text, int, float): &(&str, i64, f64)| {
            vec![Value::Text((*text).to_owned()), Value::Int(*int), Value::Float(*float)]
        };
        Table { keys: names(keys), columns: names(columns), rows: rows.iter().map(row).collect() }
    }

    const COLUMNS: [&str; 3] = ["channel", "touches", "credit"];

    #[test]
    fn rows_are_told_apart_by_their_keys() {
        let before = table(&["channel"], &COLUMNS, &[("a", 1, 1.0), ("b", 20, 2.0), ("c", 3, 3.0)]);
        let after = table(&["channel"], &COLUMNS, &[("b", 10, 2.0), ("d", 4, 4.0), ("a", 1, 1.5)]);
        let change = compare("t", &before, &after, 5);
        assert_eq!((change.added, change.removed, change.changed), (1, 1, 2));
        assert_eq!(change.changed_by_column["touches"], 1);
        let first = &change.largest[0];
        assert_eq!((&*first.column, first.difference, first.relative), ("touches", Some(-10.0), Some(-0.5)));
        assert_eq!(first.row["channel"], Value::Text("b".to_owned()));
        assert_eq!(compare("t", &before, &after, 1).largest.len(), 1);
    }

    #[test]
    fn the_same_rows_in_another_order_are_the_same() {
        let before = table(&["channel"], &COLUMNS, &[("a", 1, 1.0), ("b", 2, 2.0)]);
        let after = table(&["channel"], &COLUMNS, &[("b", 2, 2.0), ("a", 1, 1.0)]);
        assert_eq!(compare("t", &before, &after, 5).status, Status::Same);
    }

    #[test]
    fn tables_without_keys_go_by_their_texts() {
        let before = table(&[], &COLUMNS, &[("a", 1, 1.0), ("a", 2, 2.0)]);
        let after = table(&[], &COLUMNS, &[("a", 1, 1.0), ("a", 2, 3.0), ("a", 3, 3.0)]);
        let change = compare("t", &before, &after, 5);
        assert_eq!((change.added, change.removed, change.changed), (1, 0, 1));
    }

    #[test]
    fn columns_come_and_go() {
        let before = table(&["channel"], &COLUMNS, &[("a", 1, 1.0)]);
        let after = table(&["channel"], &["channel", "touches", "value"], &[("a", 1, 1.0)]);
        let change = compare("t", &before, &after, 5);
        assert_eq!(
            (&change.columns_added[..], &change.columns_removed[..]),
            (&["value".to_owned()][..], &["credit".to_owned()][..])
        );
        assert_eq!((change.status, change.changed), (Status::Changed, 0));
    }

    #[test]
    fn nulls_and_zeros_have_no_relative_change() {
        let before = table(&["channel"], &COLUMNS, &[("a", 0, 1.0)]);
        let mut after = table(&["channel"], &COLUMNS, &[("a", 5, 1.0)]);
        after.rows[0][2] = Value::Null;
        let change = compare("t", &before, &after, 5);
        assert_eq!(change.largest.len(), 2);
        assert!(change.largest.iter().all(|cell| cell.relative.is_none()));
    }
}
