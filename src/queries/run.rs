//! Runs the queries and makes their results tables: documented, of plain types, in a fixed order.

use std::collections::HashSet;

use polars::prelude::*;
use polars::sql::SQLContext;
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use super::Query;
use super::check::{check, core_tables, find_word};
use super::error::QueryError;
use super::load::docs_file;
use crate::config::nearest::most_alike;
use crate::tables::{
    self, Cells, ColumnDocs, ColumnType, TableDocs, Window, append_window, data_type, key_text, on_one_thread,
};

/// Runs the queries over the core tables, side by side in the pool of the caller, each on one thread; each
/// result is a table.
///
/// Rows stand in the order of the query's `ORDER BY`; without one they are sorted by all columns. NaN and
/// infinities become null, narrow types are widened, the window is added.
///
/// # Errors
///
/// [`QueryError`] names the file, and the line where that is known.
pub fn run(
    queries: &[Query],
    tables: &[(TableDocs, DataFrame)],
    window: Window,
) -> Result<Vec<(TableDocs, DataFrame)>, QueryError> {
    let answer = |query: &Query| on_one_thread(|| table(query, execute(query, tables)?, window));
    let answers: Vec<_> = queries.par_iter().map(answer).collect();
    // Of several errors the first in their order, whoever was faster.
    answers.into_iter().collect()
}

/// Runs the queries over tables without rows: finds every error that isn't about the data.
///
/// # Errors
///
/// As [`run`].
pub fn dry_run(queries: &[Query]) -> Result<Vec<TableDocs>, QueryError> {
    let window = Window { from_us: 0, to_us: 1 };
    let mut empty = Vec::with_capacity(tables::ALL.len());
    for spec in tables::ALL {
        let frame = tables::conform(spec, tables::empty(spec), window)
            .map_err(|error| QueryError::new(spec.name, error.to_string()))?;
        empty.push((spec.docs(), frame));
    }
    Ok(run(queries, &empty, window)?.into_iter().map(|(docs, _)| docs).collect())
}

fn execute(query: &Query, tables: &[(TableDocs, DataFrame)]) -> Result<DataFrame, QueryError> {
    let ordered = check(&query.file, &query.sql)?;
    let mut context = SQLContext::new();
    for (docs, frame) in tables {
        context.register(&docs.name, frame.clone().lazy());
    }
    let frame = context
        .execute(&query.sql)
        .and_then(LazyFrame::collect)
        .map_err(|error| explain(query, tables, &error))?;
    if ordered || frame.width() == 0 {
        return Ok(frame);
    }
    let names: Vec<PlSmallStr> = frame.get_column_names_owned();
    let options = SortMultipleOptions::default().with_maintain_order(true).with_multithreaded(false);
    frame.sort(names, options).map_err(|error| {
        QueryError::new(&query.file, format!("its rows can't be sorted: {error}"))
            .hint("add ORDER BY with columns that tell all rows apart")
    })
}

/// A query's failure with its place and the names that exist.
fn explain(query: &Query, tables: &[(TableDocs, DataFrame)], error: &PolarsError) -> QueryError {
    let text = error.to_string();
    // Polars appends the plan it had resolved so far.
    let text = text.split("\n\n").next().unwrap_or_default();
    let text =
        text.trim_start_matches("sql interface: ").trim_start_matches("sql syntax: ").trim().to_owned();
    if let Some(function) =
        text.strip_prefix("unsupported function '").and_then(|rest| rest.split('\'').next())
    {
        return QueryError::new(&query.file, format!("the function {function} is not supported"))
            .at(find_word(&query.sql, function));
    }
    let Some(name) = missing_column(error, &text) else { return QueryError::new(&query.file, text) };
    let used = core_tables(&query.file, &query.sql).unwrap_or_default();
    let used: Vec<&TableDocs> =
        tables.iter().map(|(docs, _)| docs).filter(|docs| used.contains(&docs.name)).collect();
    let columns = || used.iter().flat_map(|docs| docs.columns.iter().map(|column| column.name.as_str()));
    let exist: Vec<String> = used
        .iter()
        .map(|docs| {
            let names: Vec<&str> = docs.columns.iter().map(|column| column.name.as_str()).collect();
            format!("{} has {}", docs.name, names.join(", "))
        })
        .collect();
    let exist = exist.join("; ");
    let hint = match most_alike(&name, columns()) {
        Some(near) if near != name => format!("did you mean {near}? {exist}"),
        _ => exist,
    };
    QueryError::new(&query.file, format!("there is no column {name}"))
        .at(find_word(&query.sql, &name))
        .hint(hint)
}

/// The name in Polars' complaint about a column that doesn't exist.
fn missing_column(error: &PolarsError, text: &str) -> Option<String> {
    let about_column = matches!(error, PolarsError::ColumnNotFound(_))
        || text.contains("unable to find column")
        || text.starts_with("no column named");
    let mut quoted = text.split(['"', '\'']);
    let name = if text.contains(['"', '\'']) { quoted.nth(1)? } else { text.split_whitespace().last()? };
    about_column.then(|| name.rsplit('.').next().unwrap_or(name).to_owned())
}

/// Plain types, documentation, window.
fn table(query: &Query, frame: DataFrame, window: Window) -> Result<(TableDocs, DataFrame), QueryError> {
    let window_names: Vec<String> = TableDocs::window_columns().map(|column| column.name).collect();
    let height = frame.height();
    let mut columns = Vec::with_capacity(frame.width());
    let mut docs = Vec::with_capacity(frame.width());
    for column in frame.into_columns() {
        // The window is the same in every table and is added once.
        if window_names.iter().any(|name| name == column.name().as_str()) {
            continue;
        }
        let (column, kind) = plain(query, column)?;
        docs.push(column_docs(query, column.name(), kind));
        columns.push(column);
    }
    if columns.is_empty() {
        return Err(
            QueryError::new(&query.file, "it has no columns").hint("select at least one beside the window")
        );
    }
    let failed = |error: String| QueryError::new(&query.file, error);
    let frame = DataFrame::new(height, columns).map_err(|error| failed(error.to_string()))?;
    check_docs(query, &frame, &docs)?;
    let frame = append_window(&query.name, frame, window).map_err(|error| failed(error.to_string()))?;
    docs.extend(TableDocs::window_columns());
    let docs = TableDocs {
        name: query.name.clone(),
        grain: query.docs.grain.clone(),
        description: query.docs.description.clone(),
        keys: query.docs.keys.clone(),
        order: "By the query's ORDER BY; without one by all columns, nulls first.".to_owned(),
        columns: docs,
    };
    Ok((docs, frame))
}

fn column_docs(query: &Query, name: &str, kind: ColumnType) -> ColumnDocs {
    let said = query.docs.columns.get(name).cloned().unwrap_or_default();
    ColumnDocs {
        name: name.to_owned(),
        kind,
        unit: said.unit.unwrap_or_else(|| "none".to_owned()),
        null: if query.docs.keys.iter().any(|key| key == name) {
            said.null
        } else {
            Some(said.null.unwrap_or_else(|| "not defined".to_owned()))
        },
        interval: said.interval.unwrap_or_else(|| "none".to_owned()),
        description: said.description,
    }
}

/// That the documentation is about this result, and that its keys are keys.
fn check_docs(query: &Query, frame: &DataFrame, docs: &[ColumnDocs]) -> Result<(), QueryError> {
    let file = docs_file(&query.file);
    let names = || docs.iter().map(|column| column.name.as_str());
    let documented = query.docs.columns.keys().chain(&query.docs.keys);
    if let Some(stranger) = documented.into_iter().find(|name| !names().any(|known| known == name.as_str())) {
        let exist = names().collect::<Vec<_>>().join(", ");
        return Err(QueryError::new(&file, format!("{} has no column {stranger}", query.name)).hint(
            match most_alike(stranger, names()) {
                Some(near) => format!("did you mean {near}? It has {exist}"),
                None => format!("it has {exist}"),
            },
        ));
    }
    let keys: Vec<&ColumnDocs> =
        query.docs.keys.iter().filter_map(|key| docs.iter().find(|column| column.name == *key)).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let cells: PolarsResult<Vec<Cells<'_>>> =
        keys.iter().map(|key| Cells::new(frame.column(&key.name)?, key.kind)).collect();
    let cells = cells.map_err(|error| QueryError::new(&file, error.to_string()))?;
    for (key, cells) in keys.iter().zip(&cells) {
        let null = (0..frame.height()).find(|&row| cells.get(row) == tables::Cell::Null);
        if let (None, Some(row)) = (&key.null, null) {
            return Err(QueryError::new(&file, format!("the key {} is null in row {}", key.name, row + 1))
                .hint(format!("say in [columns.{}] what a null means, or fill it with COALESCE", key.name)));
        }
    }
    let mut seen = HashSet::new();
    for row in 0..frame.height() {
        let key = key_text(&cells, row);
        if seen.contains(&key) {
            return Err(QueryError::new(&file, format!("two rows have the key {key}"))
                .hint("add a column to keys, or GROUP BY them"));
        }
        seen.insert(key);
    }
    Ok(())
}

/// The column as one of the types that tables are made of.
fn plain(query: &Query, column: Column) -> Result<(Column, ColumnType), QueryError> {
    use DataType as D;
    let name = column.name().clone();
    let fail = |what: String, fix: &str| {
        Err(QueryError::new(&query.file, format!("column {name} is {what}"))
            .at(find_word(&query.sql, &name))
            .hint(fix.to_owned()))
    };
    if name.is_empty() || name.chars().any(char::is_control) {
        return fail("without a usable name".to_owned(), "name it with AS");
    }
    let kind = match column.dtype() {
        D::Int8
        | D::Int16
        | D::Int32
        | D::Int64
        | D::UInt8
        | D::UInt16
        | D::UInt32
        | D::UInt64
        | D::Int128 => ColumnType::Int64,
        D::Float32 | D::Float64 => ColumnType::Float64,
        D::String => ColumnType::Utf8,
        D::Boolean => ColumnType::Boolean,
        D::Date => ColumnType::Date32,
        // Naive instants are UTC: tables know no other.
        D::Datetime(_, None) => ColumnType::TimestampUs,
        D::Datetime(_, Some(zone)) if *zone == TimeZone::UTC => ColumnType::TimestampUs,
        D::Null => {
            return fail(
                "null in every row and of no type".to_owned(),
                "give it one, as in CAST(NULL AS DOUBLE)",
            );
        }
        D::List(_) => {
            return fail(
                "a list".to_owned(),
                "aggregate it; a window function beside GROUP BY gives lists: move it into an outer query",
            );
        }
        D::Duration(_) => {
            return fail("a duration".to_owned(), "give it as a number of hours, as the tables do");
        }
        D::Time => return fail("a time of day".to_owned(), "give it as text or as a number of hours"),
        other => return fail(other.to_string(), "CAST it to BIGINT, DOUBLE or VARCHAR"),
    };
    let plain = match kind {
        ColumnType::TimestampUs => column
            .cast(&D::Datetime(TimeUnit::Microseconds, None))
            .and_then(|column| column.cast(&data_type(kind))),
        _ => column.strict_cast(&data_type(kind)),
    };
    let plain = match plain {
        Ok(plain) => plain,
        Err(error) => {
            return fail(format!("beyond the range of {kind}: {error}"), "CAST it to DOUBLE");
        }
    };
    match (kind, plain.f64()) {
        (ColumnType::Float64, Ok(values)) => {
            let finite: Float64Chunked = values
                .iter()
                .map(|value| value.filter(|value| value.is_finite()).map(|value| value + 0.0))
                .collect();
            Ok((finite.with_name(name).into_column(), kind))
        }
        _ => Ok((plain.rechunk(), kind)),
    }
}
