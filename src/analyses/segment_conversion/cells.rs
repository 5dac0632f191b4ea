//! Which segments have cells of their own.

use std::collections::BTreeMap;

use crate::journey::Dimension;

use super::SegmentCounts;

/// The segments that were too small to show, together.
const SMALL: &str = "(small)";
/// Counts that are never shown unless small cells are allowed.
const WITHHELD: std::ops::RangeInclusive<u64> = 1..=2;

/// Segments of a dimension by name, in byte order. A value that reads like a reserved name joins it.
pub(super) fn by_name<'d, 'p>(
    dimension: &'d Dimension,
    seen: impl Iterator<Item = &'p (u32, SegmentCounts)>,
) -> BTreeMap<&'d str, SegmentCounts> {
    let mut segments: BTreeMap<&str, SegmentCounts> = BTreeMap::new();
    for (segment, counts) in seen {
        segments.entry(dimension.segments[*segment as usize].as_str()).or_default().add(counts.clone());
    }
    segments
}

/// Merges the segments below `min_customers`, then the next smallest (ties by name), until `(small)` holds
/// at least two segments and at least `min_customers`, or everything.
pub(super) fn merge_small(
    mut segments: BTreeMap<&str, SegmentCounts>,
    min_customers: u64,
) -> BTreeMap<&str, SegmentCounts> {
    let mut by_size: Vec<(u64, &str)> =
        segments.iter().map(|(name, counts)| (counts.customers, *name)).collect();
    by_size.sort_unstable();
    let below = by_size.iter().take_while(|(customers, _)| *customers < min_customers).count();
    if below == 0 {
        return segments;
    }
    let mut small = SegmentCounts::default();
    for (merged, (_, name)) in by_size.into_iter().enumerate() {
        // One segment alone never holds enough: it was merged for holding too few.
        if merged >= below && small.customers >= min_customers {
            break;
        }
        if let Some(counts) = segments.remove(name) {
            small.add(counts);
        }
    }
    segments.entry(SMALL).or_default().add(small);
    segments
}

/// Whether a part of a whole, or what is left of it, is too few customers to show.
pub(super) fn is_withheld(part: u64, whole: u64, min_customers: u64) -> bool {
    min_customers > 1 && (WITHHELD.contains(&part) || WITHHELD.contains(&(whole - part)))
}
