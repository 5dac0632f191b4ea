//! Removal effects of an absorbing Markov chain, solved exactly.
//!
//! States are the channels of a path, between a start and the two ends conversion and null. With `p` the
//! probability to convert, `p_c` the same from channel `c`, and `h_c` the probability ever to reach `c`,
//! removing `c` (whoever reaches it is lost) takes `h_c · p_c` away, so the removal effect is
//! `RE_c = h_c · p_c / p` (Kemeny & Snell 1960, ch. 3; Anderl et al. 2016 for the use). This equals the
//! solution of the chain without `c`, without solving it again for each channel. Credit is the effects
//! normalised to one.
//!
//! Value has effects of its own: a conversion from last channel `c` is worth the mean value of the
//! conversions from it.

/// Transitions of all paths to one target.
///
/// Row-major over `(channels + 1)` sources (the last is the start) and `(channels + 2)` sinks (then
/// conversion, then null).
#[derive(Debug, Clone, PartialEq)]
pub struct Transitions {
    channels: usize,
    counts: Vec<f64>,
    /// Value of the conversions by last channel, minor units; the last is the start.
    values: Vec<f64>,
}

/// What removing each channel would take away.
#[derive(Debug, Clone, PartialEq)]
pub struct RemovalEffects {
    /// Probability to convert.
    pub conversion_probability: f64,
    /// By channel; 0 for one that no path meets.
    pub effects: Vec<f64>,
    /// The same for value; None where no value converts.
    pub value_effects: Option<Vec<f64>>,
    /// Probability ever to reach the channel: the effect that a channel without influence would show.
    pub reach: Vec<f64>,
}

impl Transitions {
    /// Of counts as laid out above, and values by last channel.
    pub fn new(channels: usize, counts: Vec<f64>, values: Vec<f64>) -> Self {
        assert_eq!(counts.len(), cells(channels));
        assert_eq!(values.len(), channels + 1);
        Self { channels, counts, values }
    }

    /// Solves the chain. None where nothing converts.
    pub fn removal_effects(&self) -> Option<RemovalEffects> {
        let sinks = self.channels + 2;
        let row = |from: usize| &self.counts[from * sinks..(from + 1) * sinks];
        // Only channels that some path meets, so that the system has full rank.
        let met: Vec<usize> =
            (0..self.channels).filter(|channel| row(*channel).iter().sum::<f64>() > 0.0).collect();
        let start = row(self.channels);
        let started: f64 = start.iter().sum();
        if started <= 0.0 {
            return None;
        }
        let size = met.len();
        let mut fundamental = vec![0.0; size * size];
        let mut to_conversion = vec![0.0; size];
        let mut reward = vec![0.0; size];
        for (i, from) in met.iter().enumerate() {
            let counts = row(*from);
            let total: f64 = counts.iter().sum();
            for (j, to) in met.iter().enumerate() {
                fundamental[i * size + j] = f64::from(u8::from(i == j)) - counts[*to] / total;
            }
            to_conversion[i] = counts[self.channels] / total;
            // Conversions × mean value / total = value / total.
            reward[i] = self.values[*from] / total;
        }
        invert(&mut fundamental, size)?;
        let product = |vector: &[f64]| -> Vec<f64> {
            (0..size)
                .map(|i| fundamental[i * size..(i + 1) * size].iter().zip(vector).map(|(n, x)| n * x).sum())
                .collect()
        };
        let convert = product(&to_conversion);
        let worth = product(&reward);
        let begin: Vec<f64> = met.iter().map(|channel| start[*channel] / started).collect();
        let dot = |vector: &[f64]| -> f64 { begin.iter().zip(vector).map(|(b, x)| b * x).sum() };
        let probability = dot(&convert) + start[self.channels] / started;
        let expected_value = dot(&worth) + self.values[self.channels] / started;
        if probability <= 0.0 {
            return None;
        }
        let mut result = RemovalEffects {
            conversion_probability: probability,
            effects: vec![0.0; self.channels],
            value_effects: (expected_value > 0.0).then(|| vec![0.0; self.channels]),
            reach: vec![0.0; self.channels],
        };
        for (j, channel) in met.iter().enumerate() {
            let visits: f64 = begin.iter().enumerate().map(|(i, b)| b * fundamental[i * size + j]).sum();
            let reach = visits / fundamental[j * size + j];
            result.reach[*channel] = reach;
            result.effects[*channel] = reach * convert[j] / probability;
            if let Some(effects) = &mut result.value_effects {
                effects[*channel] = reach * worth[j] / expected_value;
            }
        }
        Some(result)
    }
}

/// Number of cells of a transition table.
pub fn cells(channels: usize) -> usize {
    (channels + 1) * (channels + 2)
}

/// Inverts a square matrix in place by Gauss–Jordan elimination with partial pivoting. None if singular.
///
/// `I − Q` of an absorbing chain is a nonsingular M-matrix; a state from which no end can be reached
/// can't come from paths that all end.
fn invert(matrix: &mut [f64], size: usize) -> Option<()> {
    let mut swaps = Vec::with_capacity(size);
    for column in 0..size {
        let pivot = (column..size)
            .max_by(|one, other| {
                matrix[one * size + column].abs().total_cmp(&matrix[other * size + column].abs())
            })
            .filter(|row| matrix[row * size + column].abs() > f64::MIN_POSITIVE)?;
        swaps.push(pivot);
        if pivot != column {
            for k in 0..size {
                matrix.swap(pivot * size + k, column * size + k);
            }
        }
        let inverse = 1.0 / matrix[column * size + column];
        matrix[column * size + column] = 1.0;
        for k in 0..size {
            matrix[column * size + k] *= inverse;
        }
        let (before, rest) = matrix.split_at_mut(column * size);
        let (pivot_row, after) = rest.split_at_mut(size);
        for other in before.chunks_exact_mut(size).chain(after.chunks_exact_mut(size)) {
            let factor = other[column];
            if factor == 0.0 {
                continue;
            }
            other[column] = 0.0;
            for (cell, pivot) in other.iter_mut().zip(pivot_row.iter()) {
                *cell -= factor * pivot;
            }
        }
    }
    for (column, pivot) in swaps.into_iter().enumerate().rev() {
        if pivot != column {
            for row in 0..size {
                matrix.swap(row * size + column, row * size + pivot);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn transitions(channels: usize, paths: &[(Vec<usize>, Option<f64>)]) -> Transitions {
        let sinks = channels + 2;
        let mut counts = vec![0.0; cells(channels)];
        let mut values = vec![0.0; channels + 1];
        for (path, value) in paths {
            let mut from = channels;
            for channel in path {
                counts[from * sinks + channel] += 1.0;
                from = *channel;
            }
            counts[from * sinks + channels + usize::from(value.is_none())] += 1.0;
            values[from] += value.unwrap_or(0.0);
        }
        Transitions::new(channels, counts, values)
    }

    /// analyzecore.com, 2016/08/03: c1 > c2 > c3 converts, c1 and c2 > c3 don't.
    #[test]
    fn published_toy_chain() {
        let paths = [(vec![0, 1, 2], Some(1.0)), (vec![0], None), (vec![1, 2], None)];
        let found = transitions(3, &paths).removal_effects().unwrap();
        assert!((found.conversion_probability - 1.0 / 3.0).abs() < 1e-15);
        for (effect, expected) in found.effects.iter().zip([0.5, 1.0, 1.0]) {
            assert!((effect - expected).abs() < 1e-15);
        }
        let sum: f64 = found.effects.iter().sum();
        for (effect, expected) in found.effects.iter().zip([0.2, 0.4, 0.4]) {
            assert!((effect / sum - expected).abs() < 1e-15);
        }
        assert_eq!(transitions(2, &[(vec![0], None)]).removal_effects(), None);
    }

    /// Removal by definition: send every entry into the channel to null and solve again by iteration.
    fn naive(transitions: &Transitions, removed: Option<usize>, reward: bool) -> f64 {
        let sinks = transitions.channels + 2;
        let row = |from: usize| &transitions.counts[from * sinks..(from + 1) * sinks];
        let mut worth = vec![0.0; transitions.channels + 1];
        for _ in 0..20_000 {
            let before = worth.clone();
            for from in 0..=transitions.channels {
                let total: f64 = row(from).iter().sum();
                if total == 0.0 || Some(from) == removed {
                    continue;
                }
                let end = if reward { transitions.values[from] } else { row(from)[transitions.channels] };
                let onward: f64 = (0..transitions.channels)
                    .filter(|to| Some(*to) != removed)
                    .map(|to| row(from)[to] * worth[to])
                    .sum();
                worth[from] = (onward + end) / total;
            }
            if before == worth {
                break;
            }
        }
        worth[transitions.channels]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn equals_removing_and_solving_again(
            paths in prop::collection::vec(
                (prop::collection::vec(0..5_usize, 1..8), prop::option::of(0.0..100.0_f64)), 3..40),
        ) {
            let transitions = transitions(5, &paths);
            let whole = naive(&transitions, None, false);
            let Some(found) = transitions.removal_effects() else {
                prop_assert!(whole < 1e-12);
                return Ok(());
            };
            prop_assert!((found.conversion_probability - whole).abs() < 1e-9);
            let value = naive(&transitions, None, true);
            for channel in 0..5 {
                let expected = 1.0 - naive(&transitions, Some(channel), false) / whole;
                prop_assert!((found.effects[channel] - expected).abs() < 1e-8, "{channel}: {found:?} {expected}");
                if let Some(effects) = &found.value_effects {
                    let expected = 1.0 - naive(&transitions, Some(channel), true) / value;
                    prop_assert!((effects[channel] - expected).abs() < 1e-8);
                }
            }
        }
    }
}
