//! The result tables: what each promises, and the check that a frame keeps the promise.
//!
//! One file per table and one registry, [`ALL`]. From a spec come the check before writing, the
//! metadata in the files, the data package and the data dictionary.

mod attribution_effects;
mod cells;
mod channel_daily;
mod channel_roi;
mod conform;
mod data_quality;
mod dictionary;
mod docs;
mod experiment_health;
mod experiment_results;
mod funnel_columns;
mod journey_paths;
mod one_thread;
mod reconciliation;
#[cfg(test)]
pub(crate) mod sample;
mod segment_conversion;
mod segment_funnel;
mod spec;
mod stage_attribution;
mod stage_funnel;
mod stage_transitions;

pub(crate) use cells::{Cell, Cells, data_type};
pub use conform::{TableError, Window, conform, empty};
pub(crate) use conform::{append_window, check_columns, key_text};
pub use dictionary::{json, markdown};
pub use docs::{ColumnDocs, TableDocs};
pub use one_thread::on_one_thread;
pub use spec::{ColumnSpec, ColumnType, Interval, RowOrder, TableSpec, Unit};

/// Every result table, in the order of the data dictionary.
pub static ALL: [&TableSpec; 13] = [
    &stage_attribution::SPEC,
    &attribution_effects::SPEC,
    &stage_funnel::SPEC,
    &stage_transitions::SPEC,
    &channel_roi::SPEC,
    &channel_daily::SPEC,
    &journey_paths::SPEC,
    &segment_conversion::SPEC,
    &segment_funnel::SPEC,
    &experiment_results::SPEC,
    &experiment_health::SPEC,
    &reconciliation::SPEC,
    &data_quality::SPEC,
];

/// The spec of a table, by name.
pub fn spec(name: &str) -> Option<&'static TableSpec> {
    ALL.iter().copied().find(|spec| spec.name == name)
}

/// Whether a name may become the name of a table's files: a letter, then letters, digits and `_`, all small.
pub(crate) fn is_table_name(name: &str) -> bool {
    name.len() <= 64
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn specs_are_well_formed() {
        let mut names = BTreeSet::new();
        for spec in ALL {
            assert!(names.insert(spec.name), "{} twice", spec.name);
            assert!(spec.grain.starts_with("One row per "), "{}", spec.name);
            assert!(spec.grain.ends_with('.') && spec.description.ends_with('.'), "{}", spec.name);
            let columns: Vec<_> = spec.columns.iter().map(|column| column.name).collect();
            assert_eq!(
                columns.iter().collect::<BTreeSet<_>>().len(),
                columns.len(),
                "{}: a column twice",
                spec.name
            );
            assert_eq!(spec.keys, &columns[..spec.keys.len()], "{}: the keys come first", spec.name);
            if let RowOrder::Given { grouped_by, .. } = spec.order {
                assert!(grouped_by < spec.keys.len(), "{}", spec.name);
            }
            for column in spec.columns {
                let place = format!("{}.{}", spec.name, column.name);
                assert!(column.description.ends_with('.'), "{place}");
                let bound = column.name.ends_with("_low") || column.name.ends_with("_high");
                assert_eq!(bound, column.interval != Interval::None, "{place}");
                if matches!(column.kind, ColumnType::Utf8 | ColumnType::Boolean | ColumnType::TimestampUs) {
                    assert_eq!(column.unit, Unit::None, "{place}");
                }
            }
            for low in columns.iter().filter(|name| name.ends_with("_low")) {
                let high = format!("{}_high", low.trim_end_matches("_low"));
                assert!(columns.contains(&high.as_str()), "{}.{low} without {high}", spec.name);
            }
        }
    }
}
