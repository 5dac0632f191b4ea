//! Dimensions of which nothing is left to compare: what a table with one `(small)` doesn't say aloud.

use super::{Finding, Rows};

/// Warns of the dimensions whose segments are all too small to show; None where there are none.
pub(super) fn all_small(min_customers: u64, rows: &Rows<'_>) -> Option<Finding> {
    let mut dimensions: Vec<&str> = (0..rows.len())
        .filter(|row| rows.text(*row, "note").split("; ").any(|note| note == "all_small"))
        .map(|row| rows.text(row, "dimension"))
        .collect();
    dimensions.dedup();
    (!dimensions.is_empty()).then(|| Finding {
        table: "segment_conversion",
        text: format!(
            "No segment of {} is large enough to show (segments.min_customers = {min_customers}), so that nothing is compared: group its values, or take it out of segments.dimensions.",
            dimensions.join(", "),
        ),
    })
}

#[cfg(test)]
mod tests {
    use polars::prelude::df;

    use super::*;

    fn warning(rows: &[(&str, Option<&str>)]) -> Option<String> {
        let frame = df!(
            "dimension" => rows.iter().map(|row| row.0).collect::<Vec<_>>(),
            "note" => rows.iter().map(|row| row.1).collect::<Vec<_>>(),
        );
        all_small(10, &Rows { frame: Some(&frame.ok()?) }).map(|finding| finding.text)
    }

    #[test]
    fn a_dimension_merged_as_a_whole_is_told_once() {
        assert_eq!(warning(&[("country", None), ("plan", Some("withheld"))]), None);
        let rows = [
            ("country", None),
            ("city", Some("all_small; no_rest")),
            ("city", Some("descriptive; all_small")),
        ];
        insta::assert_snapshot!(warning(&rows).unwrap_or_default(), @"No segment of city is large enough to show (segments.min_customers = 10), so that nothing is compared: group its values, or take it out of segments.dimensions.");
    }
}
