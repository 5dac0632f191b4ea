//! Small tables for the tests of this module and of those after it.

use polars::prelude::*;

use super::spec::ColumnType;
use super::{TableDocs, Window, conform, empty, spec};

/// 2026-04-01 to 2026-07-01, UTC.
pub(crate) const WINDOW: Window = Window { from_us: 1_775_001_600_000_000, to_us: 1_782_864_000_000_000 };

/// One line a row, cells apart by `|`, `-` for null.
const ROWS: [(&str, &str); 8] = [
    (
        "stage_funnel",
        "1|awareness|100|60|0.6|0.5|0.69|40|0|1|5.5|4|7|20|15|40|0
         2|consideration|60|10|0.1667|0.09|0.28|50|0|0.6|7|5|9|30|-|-|2
         3|purchase|10|-|-|-|-|-|-|0.1|-|-|-|-|-|-|1",
    ),
    (
        "stage_transitions",
        "(start)|awareness|100|100|1|-|-|-|-|-|-|-|-
         awareness|awareness|20|15|0.25|0.2|0.31|1|0.8|1.3|2|1.5|-
         awareness|consideration|60|60|0.75|0.69|0.8|5.5|5|6|20|17|24",
    ),
    (
        "stage_attribution",
        "stage|awareness|linear|channel|Email|-|50|40|30|25|36|0.3|-|-|-|-|2|0.9|-
         stage|awareness|linear|channel|Paid Search|-|80|70|60|52|69|0.6|-|-|-|-|1|0.9|-
         stage|awareness|linear|channel|(unattributed)|-|0|10|10|-|-|0.1|-|-|-|-|-|-|-
         stage|purchase|linear|channel|Email|-|50|40|4|2|7|0.4|-|-|-|-|2|0.6|-
         stage|purchase|linear|channel|Paid Search|-|80|70|6|4|9|0.6|-|-|-|-|1|0.6|-
         conversion|order|linear|channel|Paid Search|-|80|70|6|4|9|0.6|600|400|900|0.6|1|0.6|-
         conversion|order|linear|campaign|Paid Search|=spring|80|70|6|4|9|0.6|600|400|900|0.6|1|-|-",
    ),
    (
        "channel_roi",
        "order|linear|channel|Display|-|true|200|10000|90|2|300|1.5|1.1|2.1|0.5|100|70|140|1|200|0|-|-
         order|linear|channel|Email|-|true|100|-|-|4|900|9|6|13|8|25|18|33|1|100|0|-|-
         order|linear|channel|Organic|-|true|-|-|-|1|100|-|-|-|-|-|-|-|-|-|-|-|-
         order|linear|channel|Paid Search|-|true|300|50000|900|6|900|3|2|4.5|2|50|35|70|1|300|0|-|-
         order|linear|channel|Social|-|true|100|-|-|0.5|50|0.5|-|-|-0.5|200|-|-|1|100|0|-|few_buckets
         order|last_touch|channel|Email|-|false|100|-|-|5|1000|10|7|14|9|20|15|30|1|100|0|-|-",
    ),
    (
        "segment_conversion",
        "country|BG|stage|purchase|400|8|0.02|0.01|0.04|0.10|-0.08|-0.1|-0.05|-0.8|0.0001|0.0004|12|10|14|20|-|-|-|-|-|-
         country|BG|conversion|order|400|8|0.02|0.01|0.04|0.10|-0.08|-0.1|-0.05|-0.8|0.0001|0.0004|12|10|14|20|-|-|4|3|5|-
         country|DE|stage|purchase|600|60|0.1|0.08|0.12|0.02|0.08|0.05|0.1|4|0.0001|0.0004|9|8|10|20|15|30|-|-|-|-
         plan|free|stage|purchase|500|30|0.06|0.04|0.08|0.08|-0.02|-0.05|0.01|-0.25|0.2|0.3|10|9|11|20|-|-|-|-|-|-
         plan|(small)|stage|purchase|15|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|withheld",
    ),
    (
        "segment_funnel",
        "country|BG|1|awareness|40|20|0.5|0.35|0.65|20|0|1|5.5|4|7|20|-|-|0|-
         country|BG|2|consideration|20|-|-|-|-|-|-|0.5|-|-|-|-|-|-|0|withheld",
    ),
    (
        "experiment_results",
        "checkout|orders|B|none|all|all|goal|A|500|500|0.12|0.08|0.04|0.01|0.07|0.5|0.1|0.9|0.01|-|-|-|0.99|0.001|0.3|-|-|-|-|-|-
         checkout|orders|B|cuped|all|all|goal|A|500|500|0.12|0.08|0.04|0.02|0.06|0.5|0.2|0.8|0.002|0.004|0.01|0.08|0.99|0.001|0.2|-|-|-|sequential|win|-
         checkout|orders|B|none|country|BG|goal|A|200|200|0.1|0.08|0.02|-0.03|0.07|0.25|-0.4|0.9|0.4|-|-|-|0.8|0.01|0.6|-|0.5|0.6|-|-|-
         checkout|orders|B|none|country|(small)|goal|A|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|-|withheld
         checkout|revenue|B|none|all|all|guardrail|A|500|500|9|10|-1|-1.9|-0.1|-0.1|-0.2|-0.01|0.03|-|-|-|0.02|0.1|0.2|-|-|-|single_look|lose|-
         pricing|orders|C|none|all|all|goal|A|90|100|0.1|0.1|0|-0.1|0.1|0|-0.9|0.9|1|1|-|-|0.5|0.1|0.9|5000|-|-|single_look|undecided|-",
    ),
    (
        "experiment_health",
        "checkout|sample_ratio|(all)|500|500|1|ok|-
         checkout|double_assignment|(all)|0|7|-|warn|7 customers saw both variants
         checkout|unknown_variant|C|0|3|-|warn|not among the planned variants: left out
         checkout|unknown_variant|D|0|4|-|warn|not among the planned variants: left out
         checkout|immature|(all)|-|100|-|warn|left out
         pricing|sample_ratio|(all)|95|90|0.5|ok|-",
    ),
];

/// The frame of a core table as an analysis gives it; without rows where there is no sample.
pub(crate) fn frame(table: &str) -> DataFrame {
    let spec = spec(table).unwrap();
    let Some((_, text)) = ROWS.iter().find(|(name, _)| *name == table) else { return empty(spec) };
    let rows: Vec<Vec<Option<&str>>> = text
        .lines()
        .map(|line| line.trim().split('|').map(|cell| (cell != "-").then_some(cell)).collect())
        .collect();
    let column = |(at, column): (usize, &crate::tables::ColumnSpec)| {
        let cells = || rows.iter().map(|row| row[at]);
        let name = PlSmallStr::from_static(column.name);
        match column.kind {
            ColumnType::Utf8 => Column::new(name, cells().collect::<Vec<_>>()),
            ColumnType::Int64 => Column::new(name, numbers::<i64>(cells())),
            ColumnType::Float64 => Column::new(name, numbers::<f64>(cells())),
            ColumnType::Boolean => Column::new(name, numbers::<bool>(cells())),
            ColumnType::Date32 | ColumnType::TimestampUs => unreachable!("no table has one but the window"),
        }
    };
    DataFrame::new(rows.len(), spec.columns.iter().enumerate().map(column).collect()).unwrap()
}

fn numbers<'a, T: std::str::FromStr>(cells: impl Iterator<Item = Option<&'a str>>) -> Vec<Option<T>>
where
    T::Err: std::fmt::Debug,
{
    cells.map(|cell| cell.map(|text| text.parse().unwrap())).collect()
}

/// Every core table as it is published, with its documentation.
pub(crate) fn tables() -> Vec<(TableDocs, DataFrame)> {
    super::ALL.iter().map(|spec| (spec.docs(), conform(spec, frame(spec.name), WINDOW).unwrap())).collect()
}
