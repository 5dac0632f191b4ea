//! The check that a frame is the table its spec promises.

use std::collections::HashSet;

use polars::prelude::*;

use super::cells::{Cell, Cells, data_type};
use super::spec::{ColumnType, RowOrder, TableSpec, WINDOW_COLUMNS};

/// The half-open reporting window `[from, to)` of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First instant, in µs since the epoch.
    pub from_us: i64,
    /// First instant that is not part of it, in µs since the epoch.
    pub to_us: i64,
}

/// Why a frame is not the table its spec promises. Each is a bug of the job, never of the data.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// Other columns than promised, or in another order.
    #[error("table {table} has the columns {found:?}, not {expected:?}")]
    Columns {
        /// Table.
        table: String,
        /// Columns of the spec.
        expected: Vec<String>,
        /// Columns of the frame.
        found: Vec<String>,
    },
    /// A column of another type that can't be widened to the promised one.
    #[error("column {table}.{column} is {found}, not {expected}")]
    Type {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// Type of the spec.
        expected: ColumnType,
        /// Type of the frame.
        found: String,
    },
    /// A NaN or an infinity.
    #[error("column {table}.{column} is {value} in the row {row}")]
    NotFinite {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// NaN, inf or -inf.
        value: f64,
        /// Key of the row.
        row: String,
    },
    /// A null that the spec gives no meaning to.
    #[error("column {table}.{column} is null in the row {row}")]
    Null {
        /// Table.
        table: String,
        /// Column.
        column: String,
        /// Key of the row.
        row: String,
    },
    /// Two rows with one key.
    #[error("table {table} has two rows {row}")]
    DuplicateKey {
        /// Table.
        table: String,
        /// Key of the rows.
        row: String,
    },
    /// Rows that belong together stand apart.
    #[error("table {table} is not in its order: the rows {group} do not stand together")]
    Order {
        /// Table.
        table: String,
        /// Leading key columns of the rows.
        group: String,
    },
    /// The window is empty or reversed.
    #[error("the window of table {table} ends at {to_us} µs, not after its start {from_us} µs")]
    Window {
        /// Table.
        table: String,
        /// First instant.
        from_us: i64,
        /// First instant after it.
        to_us: i64,
    },
    /// Polars failed.
    #[error("table {table} could not be built")]
    Frame {
        /// Table.
        table: String,
        /// What it said.
        source: PolarsError,
    },
}

/// Turns an analysis' frame into the table of `spec`, or says why it isn't one.
///
/// The frame has the columns of the spec, in that order, without the window. Narrower integers and
/// floats are widened, negative zeros become zeros, rows are put or checked in the documented order,
/// and the window columns are added. A frame without rows is a table.
///
/// # Errors
///
/// [`TableError`] names the table, the column and the row that break the promise.
pub fn conform(spec: &TableSpec, frame: DataFrame, window: Window) -> Result<DataFrame, TableError> {
    let failed = |source| TableError::Frame { table: spec.name.to_owned(), source };
    let columns = || spec.columns.iter().map(|column| (column.name, column.kind));
    let mut frame = check_columns(spec.name, columns(), frame)?;
    if spec.order == RowOrder::ByKeys {
        let options = SortMultipleOptions::default().with_maintain_order(true).with_multithreaded(false);
        frame = frame.sort(spec.keys.iter().copied(), options).map_err(failed)?;
    }
    let keys = spec
        .columns
        .iter()
        .take(spec.keys.len())
        .map(|column| Cells::new(frame.column(column.name)?, column.kind))
        .collect::<PolarsResult<Vec<_>>>()
        .map_err(failed)?;

    for column in spec.columns {
        let cells = Cells::new(frame.column(column.name).map_err(failed)?, column.kind).map_err(failed)?;
        for row in 0..frame.height() {
            let (table, name) = (spec.name.to_owned(), column.name.to_owned());
            match cells.get(row) {
                Cell::Null if column.null.is_none() => {
                    return Err(TableError::Null { table, column: name, row: key_text(&keys, row) });
                }
                Cell::Float(value) if !value.is_finite() => {
                    let row = key_text(&keys, row);
                    return Err(TableError::NotFinite { table, column: name, value, row });
                }
                _ => {}
            }
        }
    }
    check_keys(spec, &keys, frame.height())?;
    append_window(spec.name, frame, window)
}

/// A table without rows.
pub fn empty(spec: &TableSpec) -> DataFrame {
    let fields = spec
        .columns
        .iter()
        .map(|column| Field::new(PlSmallStr::from_static(column.name), data_type(column.kind)));
    DataFrame::empty_with_schema(&fields.collect::<Schema>())
}

/// Checks names and order of the columns, widens narrow types and turns negative zeros into zeros.
pub(crate) fn check_columns<'a>(
    table: &str,
    columns: impl Iterator<Item = (&'a str, ColumnType)> + Clone,
    frame: DataFrame,
) -> Result<DataFrame, TableError> {
    let failed = |source| TableError::Frame { table: table.to_owned(), source };
    if !columns.clone().map(|(name, _)| name).eq(frame.columns().iter().map(|column| column.name().as_str()))
    {
        return Err(TableError::Columns {
            table: table.to_owned(),
            expected: columns.map(|(name, _)| name.to_owned()).collect(),
            found: frame.columns().iter().map(|column| column.name().to_string()).collect(),
        });
    }
    let height = frame.height();
    let mut checked = Vec::with_capacity(frame.width());
    for (column, (name, kind)) in frame.into_columns().into_iter().zip(columns) {
        let found = column.dtype().clone();
        let widened = if found == data_type(kind) {
            column
        } else if widens(&found, kind) {
            column.strict_cast(&data_type(kind)).map_err(failed)?
        } else {
            return Err(TableError::Type {
                table: table.to_owned(),
                column: name.to_owned(),
                expected: kind,
                found: found.to_string(),
            });
        };
        let column = match kind {
            // Negative zero equals zero and reads as an error.
            ColumnType::Float64 => {
                widened.f64().map_err(failed)?.apply_values(|value| value + 0.0).into_column()
            }
            _ => widened,
        };
        checked.push(column.rechunk());
    }
    DataFrame::new(height, checked).map_err(failed)
}

fn widens(found: &DataType, kind: ColumnType) -> bool {
    use DataType::{Float32, Int8, Int16, Int32, UInt8, UInt16, UInt32};
    match kind {
        ColumnType::Int64 => matches!(found, Int8 | Int16 | Int32 | UInt8 | UInt16 | UInt32),
        ColumnType::Float64 => matches!(found, Float32),
        _ => false,
    }
}

fn check_keys(spec: &TableSpec, keys: &[Cells<'_>], height: usize) -> Result<(), TableError> {
    let mut seen = HashSet::with_capacity(height);
    for row in 0..height {
        let key = key_text(keys, row);
        if seen.contains(&key) {
            return Err(TableError::DuplicateKey { table: spec.name.to_owned(), row: key });
        }
        seen.insert(key);
    }
    if let RowOrder::Given { grouped_by, .. } = spec.order {
        let mut ended = HashSet::new();
        let mut current = None;
        for row in 0..height {
            let group = key_text(&keys[..grouped_by], row);
            if current.as_ref() != Some(&group) {
                if ended.contains(&group) {
                    return Err(TableError::Order { table: spec.name.to_owned(), group });
                }
                ended.extend(current.replace(group));
            }
        }
    }
    Ok(())
}

/// The cells of a row as text in which no two different rows look alike.
pub(crate) fn key_text(cells: &[Cells<'_>], row: usize) -> String {
    let parts: Vec<String> = cells
        .iter()
        .map(|cells| match cells.get(row) {
            Cell::Null => "null".to_owned(),
            // Debug quotes and escapes, so that a text can't look like two.
            Cell::Text(text) => format!("{text:?}"),
            Cell::Int(value) | Cell::Instant(value) => value.to_string(),
            Cell::Float(value) => value.to_string(),
            Cell::Bool(value) => value.to_string(),
            Cell::Date(value) => value.to_string(),
        })
        .collect();
    format!("({})", parts.join(", "))
}

/// Adds the window that every table ends with.
pub(crate) fn append_window(
    table: &str,
    mut frame: DataFrame,
    window: Window,
) -> Result<DataFrame, TableError> {
    let Window { from_us, to_us } = window;
    if from_us >= to_us {
        return Err(TableError::Window { table: table.to_owned(), from_us, to_us });
    }
    for (column, instant) in WINDOW_COLUMNS.iter().zip([from_us, to_us]) {
        let values = Int64Chunked::full(PlSmallStr::from_static(column.name), instant, frame.height());
        let values = values.into_datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)).into_column();
        frame.with_column(values).map_err(|source| TableError::Frame { table: table.to_owned(), source })?;
    }
    Ok(frame)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tables::{sample, spec as find};

    const WINDOW: Window = sample::WINDOW;

    fn funnel() -> DataFrame {
        sample::frame("stage_funnel")
    }

    fn refused(table: &str, frame: DataFrame) -> String {
        conform(find(table).unwrap(), frame, WINDOW).unwrap_err().to_string()
    }

    #[test]
    fn every_table_may_be_empty() {
        for spec in crate::tables::ALL {
            let table = conform(spec, empty(spec), WINDOW).unwrap();
            assert_eq!(table.width(), spec.columns.len() + 2);
            assert_eq!(table.height(), 0);
        }
    }

    #[test]
    fn rows_are_put_in_the_order_of_the_keys_and_get_the_window() {
        let spec = find("stage_funnel").unwrap();
        let reversed = funnel().reverse();
        let table = conform(spec, reversed, WINDOW).unwrap();
        assert!(table.equals_missing(&conform(spec, funnel(), WINDOW).unwrap()));
        let from = table.column("window_from").unwrap();
        assert_eq!(from.dtype(), &DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC)));
        assert_eq!(from.datetime().unwrap().physical().get(0), Some(WINDOW.from_us));
    }

    #[test]
    fn narrow_integers_are_widened_and_nothing_else_is() {
        let spec = find("stage_funnel").unwrap();
        let mut frame = funnel();
        let narrow = frame.column("entered").unwrap().cast(&DataType::UInt32).unwrap();
        frame.with_column(narrow).unwrap();
        let table = conform(spec, frame.clone(), WINDOW).unwrap();
        assert_eq!(table.column("entered").unwrap().dtype(), &DataType::Int64);

        for wrong in [DataType::String, DataType::Float64, DataType::UInt64] {
            let column = frame.column("entered").unwrap().cast(&wrong).unwrap();
            frame.with_column(column).unwrap();
            assert!(refused("stage_funnel", frame.clone()).contains("not Int64"));
        }
    }

    #[test]
    fn what_is_not_finite_is_refused_with_its_row() {
        for value in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            let mut frame = funnel();
            let shares = Column::new("share_of_first".into(), vec![Some(1.0), Some(value), None]);
            frame.with_column(shares).unwrap();
            assert_eq!(
                refused("stage_funnel", frame),
                format!("column stage_funnel.share_of_first is {value} in the row (2, \"consideration\")")
            );
        }
    }

    #[test]
    fn negative_zero_becomes_zero() {
        let mut frame = funnel();
        frame.with_column(Column::new("share_of_first".into(), vec![-0.0, 0.5, 0.1])).unwrap();
        let table = conform(find("stage_funnel").unwrap(), frame, WINDOW).unwrap();
        let first = table.column("share_of_first").unwrap().f64().unwrap().get(0).unwrap();
        assert_eq!(first.to_bits(), 0.0_f64.to_bits());
    }

    #[test]
    fn nulls_without_a_meaning_are_refused() {
        let mut frame = funnel();
        frame
            .with_column(Column::new("stage".into(), vec![Some("awareness"), None, Some("purchase")]))
            .unwrap();
        assert_eq!(refused("stage_funnel", frame), "column stage_funnel.stage is null in the row (2, null)");
    }

    #[test]
    fn a_key_stands_once() {
        let twice = funnel().vstack(&funnel().head(Some(1))).unwrap();
        assert_eq!(refused("stage_funnel", twice), "table stage_funnel has two rows (1, \"awareness\")");
    }

    #[test]
    fn missing_extra_and_moved_columns_are_refused() {
        let missing = funnel().drop("dropped").unwrap();
        assert!(refused("stage_funnel", missing).starts_with("table stage_funnel has the columns"));
        let mut extra = funnel();
        extra.with_column(Column::new("more".into(), [1_i64, 2, 3])).unwrap();
        assert!(refused("stage_funnel", extra).contains("\"more\""));
        let moved = funnel().select(funnel().get_column_names().into_iter().rev().cloned()).unwrap();
        assert!(refused("stage_funnel", moved).starts_with("table stage_funnel has the columns"));
    }

    #[test]
    fn rows_of_a_group_stand_together() {
        let frame = sample::frame("stage_transitions");
        let torn = frame.tail(Some(1)).vstack(&frame.head(Some(frame.height() - 1))).unwrap();
        conform(find("stage_transitions").unwrap(), frame, WINDOW).unwrap();
        assert_eq!(
            refused("stage_transitions", torn),
            "table stage_transitions is not in its order: the rows (\"awareness\") do not stand together"
        );
    }

    #[test]
    fn a_window_ends_after_it_starts() {
        let spec = find("stage_funnel").unwrap();
        let error = conform(spec, funnel(), Window { from_us: 5, to_us: 5 }).unwrap_err();
        assert!(matches!(error, TableError::Window { .. }));
    }
}
