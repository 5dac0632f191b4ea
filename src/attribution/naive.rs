//! The data-driven models by their definitions, for tests: as slow and as plain as can be.

#![allow(clippy::unwrap_used, reason = "a test that can't go on should stop")]

use std::collections::BTreeMap;

use super::shapley_rate::SetCounts;

/// Channels of each path, and the worth of its conversion; None for a null path.
pub(crate) type Paths = Vec<(Vec<u16>, Option<f64>)>;

/// Conversion probability, mean value and the probability to meet a channel, by definition: states are texts
/// of channels, those that contain the removed one lead to null, and the whole system is eliminated.
pub(crate) fn chain(order: usize, paths: &Paths, removed: Option<u16>) -> [f64; 3] {
    without_states(order, paths, |channel| Some(channel) == removed)
}

/// The same without all channels that are `removed`.
pub(crate) fn without_states(order: usize, paths: &Paths, removed: impl Fn(u16) -> bool) -> [f64; 3] {
    let state = |path: &[u16]| path[path.len().saturating_sub(order)..].to_vec();
    let mut totals: BTreeMap<Vec<u16>, f64> = BTreeMap::new();
    let mut moves: BTreeMap<(Vec<u16>, Vec<u16>), f64> = BTreeMap::new();
    let mut ends: BTreeMap<Vec<u16>, (f64, f64)> = BTreeMap::new();
    for (path, value) in paths {
        for length in 0..=path.len() {
            *totals.entry(state(&path[..length])).or_default() += 1.0;
            if length < path.len() {
                let step = (state(&path[..length]), state(&path[..=length]));
                *moves.entry(step).or_default() += 1.0;
            } else if let Some(value) = value {
                let end = ends.entry(state(path)).or_default();
                *end = (end.0 + 1.0, end.1 + value);
            }
        }
    }
    let dead = |state: &Vec<u16>| state.iter().any(|channel| removed(*channel));
    let alive: Vec<&Vec<u16>> = totals.keys().filter(|state| !dead(state)).collect();
    let size = alive.len();
    // (I − Q | conversion, value, into the removed channel).
    let mut rows: Vec<Vec<f64>> = alive
        .iter()
        .map(|from| {
            let share = |to: &Vec<u16>| {
                moves.get(&((*from).clone(), to.clone())).copied().unwrap_or(0.0) / totals[*from]
            };
            let mut row: Vec<f64> =
                alive.iter().map(|to| f64::from(u8::from(from == to)) - share(to)).collect();
            let end = ends.get(*from).copied().unwrap_or_default();
            row.extend([end.0 / totals[*from], end.1 / totals[*from]]);
            row.push(totals.keys().filter(|to| dead(to)).map(share).sum());
            row
        })
        .collect();
    for column in 0..size {
        let size_of = |row: &usize| rows[*row][column].abs();
        let pivot = (column..size).max_by(|a, b| size_of(a).total_cmp(&size_of(b))).unwrap();
        rows.swap(column, pivot);
        let pivot_row = rows[column].clone();
        for other in (0..size).filter(|other| *other != column) {
            let factor = rows[other][column] / pivot_row[column];
            rows[other].iter_mut().zip(&pivot_row).for_each(|(cell, pivot)| *cell -= factor * pivot);
        }
    }
    // The start sorts first.
    std::array::from_fn(|at| rows[0][size + at] / rows[0][0])
}

/// Conversions and value per journey of the sets within one.
pub(crate) fn worth(sets: &[(u32, SetCounts)], within: u32) -> [f64; 2] {
    let mut all = SetCounts::default();
    sets.iter().filter(|(set, _)| set & !within == 0).for_each(|(_, counts)| all.add(counts));
    let journeys = all.journeys.max(1) as f64;
    [all.conversions as f64 / journeys, all.value / journeys]
}

/// Over all subsets, with the weight of each by factorials.
pub(crate) fn over_subsets(players: usize, sets: &[(u32, SetCounts)]) -> Vec<[f64; 2]> {
    let factorial = |n: usize| (1..=n).map(|factor| factor as f64).product::<f64>();
    let worths: Vec<[f64; 2]> = (0..1 << players).map(|within| worth(sets, within)).collect();
    (0..players)
        .map(|player| {
            let mut sum = [0.0; 2];
            for set in (0..1_u32 << players).filter(|set| set >> player & 1 == 0) {
                let size = set.count_ones() as usize;
                let weight = factorial(size) * factorial(players - size - 1) / factorial(players);
                for at in 0..2 {
                    sum[at] += weight * (worths[(set | 1 << player) as usize][at] - worths[set as usize][at]);
                }
            }
            sum
        })
        .collect()
}
