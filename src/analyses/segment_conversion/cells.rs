//! Which segments have cells of their own.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::journey::Dimension;

use super::SegmentCounts;

/// The segments that were too small to show, together.
const SMALL: &str = "(small)";
/// Counts that are never shown unless small cells are allowed.
const WITHHELD: std::ops::RangeInclusive<u64> = 1..=2;

/// Segments by name, in byte order. Most are as they were counted: there is no need to copy them.
pub(super) type Segments<'d, 'p> = BTreeMap<&'d str, Cow<'p, SegmentCounts>>;

/// Segments of a dimension by name. A value that reads like a reserved name joins it.
pub(super) fn by_name<'d, 'p>(
    dimension: &'d Dimension,
    seen: impl Iterator<Item = &'p (u32, SegmentCounts)>,
) -> Segments<'d, 'p> {
    let mut segments = Segments::new();
    for (segment, counts) in seen {
        match segments.entry(dimension.segments[*segment as usize].as_str()) {
            Entry::Vacant(entry) => {
                entry.insert(Cow::Borrowed(counts));
            }
            Entry::Occupied(mut entry) => entry.get_mut().to_mut().add(counts.clone()),
        }
    }
    segments
}

/// Merges the segments below `min_customers`, then the next smallest (ties by name), until `(small)` holds
/// at least two segments and at least `min_customers`, or everything.
pub(super) fn merge_small<'d, 'p>(mut segments: Segments<'d, 'p>, min_customers: u64) -> Segments<'d, 'p> {
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
            small.add(counts.into_owned());
        }
    }
    segments.entry(SMALL).or_default().to_mut().add(small);
    segments
}

/// Whether a part of a whole, or what is left of it, is too few customers to show.
pub(in crate::analyses) fn is_withheld(part: u64, whole: u64, min_customers: u64) -> bool {
    min_customers > 1 && (WITHHELD.contains(&part) || WITHHELD.contains(&(whole - part)))
}
