//! From the paths of 64 buckets to the rows of the table.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use hashbrown::HashMap;
use polars::prelude::{DataFrame, PolarsError};

use crate::analyses::attribution::UNATTRIBUTED;
use crate::analyses::columns::{ALPHA, counts, floats, high, low, quantile_hours, share, texts};
use crate::stats::jackknife::{self, BUCKETS};
use crate::stats::{BinIndex, Histogram, Interval, Reason, quantile};

use super::JourneyPaths;
use super::counts::{Counted, PathCounts, Sorted};
use super::keys::Keys;

/// So many paths have a row of their own.
const TOP: usize = 1_000;
/// So many paths of a bucket are looked at at once: of all buckets a quarter of a megabyte.
const STRETCH: usize = 256;
/// All other paths, together.
const OTHER: &str = "(other)";
/// Stands before the touches of a path that had more of them.
const CUT: &str = "…";
/// Journeys that didn't convert aren't counted, so that there is no rate.
const NO_NULL_PATHS: &str = "no_null_paths";

/// What is known of the journeys of a row.
#[derive(Debug)]
struct Tally {
    /// By bucket.
    conversions: [u64; BUCKETS],
    /// By bucket.
    nulls: [u64; BUCKETS],
    value_minor: i128,
    durations_ms: Histogram,
    /// How often, by bin: of many paths these are few.
    touches: BTreeMap<BinIndex, u64>,
}

impl Tally {
    fn new() -> Self {
        Self {
            conversions: [0; BUCKETS],
            nulls: [0; BUCKETS],
            value_minor: 0,
            durations_ms: Histogram::default(),
            touches: BTreeMap::new(),
        }
    }

    fn add(&mut self, bucket: usize, keys: Keys, path: &Counted<'_>) {
        let counts = &path.counts;
        self.conversions[bucket] += u64::from(counts.conversions);
        self.nulls[bucket] += u64::from(counts.nulls);
        self.value_minor += counts.value_minor;
        path.durations_ms.iter().for_each(|bin| self.durations_ms.record_in(*bin));
        if keys.tells_touches(counts.key) {
            let touches = BinIndex::of(u64::from(keys.touches(counts.key)));
            *self.touches.entry(touches).or_default() += u64::from(counts.journeys());
        } else {
            path.lengths.iter().for_each(|bin| *self.touches.entry(*bin).or_default() += 1);
        }
    }

    fn all_conversions(&self) -> u64 {
        self.conversions.iter().sum()
    }

    fn journeys(&self) -> u64 {
        self.all_conversions() + self.nulls.iter().sum::<u64>()
    }

    /// Of conversions over journeys.
    fn rate_interval(&self) -> Result<Interval, Reason> {
        let journeys = std::array::from_fn(|bucket| self.conversions[bucket] + self.nulls[bucket]);
        jackknife::share_interval(&self.conversions, &journeys, ALPHA)
    }
}

/// One row; None is null.
#[derive(Debug)]
struct Row {
    path: String,
    journeys: u64,
    conversions: u64,
    rate: Option<f64>,
    rate_interval: Option<Interval>,
    value_minor: Option<i128>,
    median_touches: Option<f64>,
    median_hours: Option<f64>,
    note: Option<&'static str>,
}

/// The keys with most journeys, most first, ties by key.
fn top(buckets: &[Cow<'_, Sorted>]) -> Vec<u64> {
    let mut best: BinaryHeap<Reverse<(u64, Reverse<u64>)>> = BinaryHeap::with_capacity(TOP + 1);
    // All lists are in order, so that some neighbouring keys are a stretch of each. The longest says where they end.
    let longest = buckets.iter().map(|bucket| &bucket.paths).max_by_key(|paths| paths.len());
    let ends = longest.into_iter().flat_map(|paths| paths.chunks_exact(STRETCH)).map(|paths| paths[0].key);
    let mut rest: Vec<&[PathCounts]> = buckets.iter().map(|bucket| &bucket.paths[..]).collect();
    let mut stretch: Vec<(u64, u32)> = Vec::new();
    for end in ends.chain([u64::MAX]) {
        stretch.clear();
        for paths in &mut rest {
            let (own, others) = paths.split_at(paths.partition_point(|path| path.key <= end));
            stretch.extend(own.iter().map(|path| (path.key, path.journeys())));
            *paths = others;
        }
        stretch.sort_unstable_by_key(|(key, _)| *key);
        for path in stretch.chunk_by(|one, other| one.0 == other.0).filter(|path| path[0].0 != 0) {
            let journeys: u64 = path.iter().map(|(_, journeys)| u64::from(*journeys)).sum();
            let found = (journeys, Reverse(path[0].0));
            if best.len() < TOP || best.peek().is_some_and(|Reverse(least)| found > *least) {
                best.push(Reverse(found));
            }
            if best.len() > TOP {
                best.pop();
            }
        }
    }
    let mut best = best.into_vec();
    best.sort_unstable();
    best.into_iter().map(|Reverse((_, Reverse(key)))| key).collect()
}

/// The table, in its order.
pub(super) fn frame(
    analysis: &JourneyPaths<'_>,
    target: usize,
    buckets: &[&Sorted],
) -> Result<DataFrame, PolarsError> {
    let keys = analysis.keys;
    let longest = buckets.iter().map(|bucket| bucket.longest).min().unwrap_or(1);
    let buckets: Vec<Cow<'_, Sorted>> = buckets
        .iter()
        .map(|bucket| match bucket.longest == longest {
            true => Cow::Borrowed(*bucket),
            false => {
                let mut shorter = (*bucket).clone();
                shorter.shorten(keys, longest);
                Cow::Owned(shorter)
            }
        })
        .collect();
    let top = top(&buckets);
    let places: HashMap<u64, usize> = top.iter().enumerate().map(|(place, key)| (*key, place)).collect();
    let mut tallies: Vec<Tally> = top.iter().map(|_| Tally::new()).collect();
    let (mut other, mut unattributed) = (Tally::new(), Tally::new());
    for (bucket, paths) in buckets.iter().enumerate() {
        for path in paths.iter(keys) {
            let tally = match places.get(&path.counts.key) {
                Some(place) => &mut tallies[*place],
                None if path.counts.key == 0 => &mut unattributed,
                None => &mut other,
            };
            // Jackknife buckets, or all journeys at once where nobody asks for bounds.
            tally.add(bucket % BUCKETS, keys, &path);
        }
    }
    let channels = &analysis.context.rules.channels;
    let has_value = analysis.context.rules.targets[target].has_value;
    let has_nulls = analysis.context.rules.null_paths;
    let named = top.iter().map(|key| name(keys, *key, channels)).zip(tallies);
    let rest = [(OTHER, other, has_nulls), (UNATTRIBUTED, unattributed, false)];
    let rest = rest.into_iter().filter(|(_, tally, _)| tally.journeys() > 0 || tally.value_minor != 0);
    let mut rows: Vec<Row> = named.map(|(name, tally)| row(name, tally, has_value, has_nulls)).collect();
    rows.extend(rest.map(|(name, tally, has_nulls)| row(name.to_owned(), tally, has_value, has_nulls)));
    columns(analysis, &rows)
}

/// Channels, oldest first. A name that could be taken for something else is quoted as in CSV.
pub(super) fn name(keys: Keys, key: u64, channels: &[String]) -> String {
    let shown = |(channel, times): (usize, Option<u16>)| -> String {
        let name = channels[channel].as_str();
        let is_misread = name.contains(['>', '"']) || [CUT, OTHER, UNATTRIBUTED].contains(&name);
        let quoted = if is_misread { format!("\"{}\"", name.replace('"', "\"\"")) } else { name.to_owned() };
        times.map_or(quoted.clone(), |times| format!("{quoted}({times})"))
    };
    let cut = Keys::is_cut(key).then(|| CUT.to_owned());
    let parts: Vec<String> = cut.into_iter().chain(keys.channels(key).into_iter().map(shown)).collect();
    parts.join(" > ")
}

fn row(path: String, mut tally: Tally, has_value: bool, has_nulls: bool) -> Row {
    let (journeys, conversions) = (tally.journeys(), tally.all_conversions());
    let rate = share(conversions, journeys).filter(|_| has_nulls);
    let interval = if has_nulls { tally.rate_interval() } else { Err(Reason::Undefined) };
    let touches = Histogram::from_bins(std::mem::take(&mut tally.touches).into_iter().collect());
    Row {
        path,
        journeys,
        conversions,
        rate,
        rate_interval: interval.ok(),
        value_minor: has_value.then_some(tally.value_minor),
        median_touches: quantile::quantile(&touches, 0.5),
        median_hours: quantile_hours(&tally.durations_ms, 0.5),
        note: match interval {
            _ if journeys == 0 => Some(Reason::Undefined.as_str()),
            _ if !has_nulls => Some(NO_NULL_PATHS),
            Err(reason) => Some(reason.as_str()),
            Ok(_) => None,
        },
    }
}

fn columns(analysis: &JourneyPaths<'_>, rows: &[Row]) -> Result<DataFrame, PolarsError> {
    let unit = analysis.context.plan.job.currency.minor_per_unit() as f64;
    let columns = vec![
        texts("path", rows, |row| Some(&row.path)),
        counts("journeys", rows, |row| Some(row.journeys)),
        counts("conversions", rows, |row| Some(row.conversions)),
        floats("conversion_rate", rows, |row| row.rate),
        floats("conversion_rate_low", rows, |row| low(row.rate_interval)),
        floats("conversion_rate_high", rows, |row| high(row.rate_interval)),
        floats("value", rows, |row| row.value_minor.map(|minor| minor as f64 / unit)),
        floats("median_touches", rows, |row| row.median_touches),
        floats("median_hours", rows, |row| row.median_hours),
        texts("note", rows, |row| row.note),
    ];
    DataFrame::new(rows.len(), columns)
}
