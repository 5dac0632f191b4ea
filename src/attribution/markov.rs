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
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Transitions<'a> {
    channels: usize,
    counts: &'a [f64],
    /// Value of the conversions by last channel, minor units; the last is the start.
    values: &'a [f64],
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

impl<'a> Transitions<'a> {
    /// Of counts as laid out above, and values by last channel.
    pub fn new(channels: usize, counts: &'a [f64], values: &'a [f64]) -> Self {
        assert_eq!(counts.len(), cells(channels));
        assert_eq!(values.len(), channels + 1);
        Self { channels, counts, values }
    }

    /// Solves the chain, in memory that is used again from chain to chain. None where nothing converts.
    pub fn removal_effects(&self, inverter: &mut Inverter) -> Option<RemovalEffects> {
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
        let fundamental = inverter.matrix(size);
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
        let fundamental = inverter.invert(size)?;
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

/// Pivots whose rows are subtracted in one pass over the matrix.
const BLOCK: usize = 4;

/// A square matrix and what its inversion needs, used again from matrix to matrix.
#[derive(Debug, Default)]
pub struct Inverter {
    matrix: Vec<f64>,
    /// Which row was taken as pivot, by column.
    pivots: Vec<usize>,
    /// By row and pivot of the block: how often the pivot's row is subtracted.
    factors: Vec<[f64; BLOCK]>,
    /// The pivots' rows as they are subtracted.
    pivot_rows: [Vec<f64>; BLOCK],
}

impl Inverter {
    /// Memory for a matrix of so many rows and columns, row by row, to be filled.
    fn matrix(&mut self, size: usize) -> &mut [f64] {
        self.matrix.resize(size * size, 0.0);
        &mut self.matrix
    }

    /// Inverts the matrix in place by Gauss–Jordan elimination with partial pivoting. None if singular.
    ///
    /// `I − Q` of an absorbing chain is a nonsingular M-matrix; a state from which no end can be reached
    /// can't come from paths that all end.
    ///
    /// Elimination goes on in full in the columns of a block of pivots, whose rows are then subtracted from
    /// the other columns together: memory is gone over once for [`BLOCK`] pivots. What happens to a cell, and
    /// in which order, is the same as pivot by pivot, and so are the bits of the result.
    fn invert(&mut self, size: usize) -> Option<&[f64]> {
        self.pivots.clear();
        for begin in (0..size).step_by(BLOCK) {
            let end = (begin + BLOCK).min(size);
            self.eliminate_block(size, begin, end)?;
            self.subtract_pivots(size, begin, end);
        }
        for (column, pivot) in self.pivots.iter().copied().enumerate().rev() {
            if pivot != column {
                for row in self.matrix.chunks_exact_mut(size) {
                    row.swap(column, pivot);
                }
            }
        }
        Some(&self.matrix)
    }

    /// Eliminates within the columns of a block and notes the factors.
    fn eliminate_block(&mut self, size: usize, begin: usize, end: usize) -> Option<()> {
        let Self { matrix, pivots, factors, .. } = self;
        factors.clear();
        factors.resize(size, [0.0; BLOCK]);
        for column in begin..end {
            let size_of_cell = |row: usize| matrix[row * size + column].abs();
            let pivot = (column..size)
                .max_by(|one, other| size_of_cell(*one).total_cmp(&size_of_cell(*other)))
                .filter(|row| size_of_cell(*row) > f64::MIN_POSITIVE)?;
            pivots.push(pivot);
            if pivot != column {
                let (upper, lower) = matrix.split_at_mut(pivot * size);
                upper[column * size..][..size].swap_with_slice(&mut lower[..size]);
                factors.swap(column, pivot);
            }
            let inverse = 1.0 / matrix[column * size + column];
            matrix[column * size + column] = 1.0;
            let mut pivot_cells = [0.0; BLOCK];
            for (kept, cell) in pivot_cells.iter_mut().zip(&mut matrix[column * size..][begin..end]) {
                *cell *= inverse;
                *kept = *cell;
            }
            for (at, (row, factors)) in matrix.chunks_exact_mut(size).zip(factors.iter_mut()).enumerate() {
                if at == column {
                    factors[column - begin] = inverse;
                    continue;
                }
                let factor = std::mem::replace(&mut row[column], 0.0);
                factors[column - begin] = factor;
                for (cell, pivot) in row[begin..end].iter_mut().zip(&pivot_cells) {
                    *cell -= factor * pivot;
                }
            }
        }
        Some(())
    }

    /// Does to all other columns what was done to those of the block.
    fn subtract_pivots(&mut self, size: usize, begin: usize, end: usize) {
        let Self { matrix, factors, pivot_rows, .. } = self;
        for columns in [0..begin, end..size] {
            // The rows of the pivots first: each is scaled after the earlier ones were subtracted.
            for pivot in begin..end {
                let own = &mut matrix[pivot * size..][columns.clone()];
                for (earlier, row) in pivot_rows[..pivot - begin].iter().enumerate() {
                    subtract(own, factors[pivot][earlier], row);
                }
                let scale = factors[pivot][pivot - begin];
                own.iter_mut().for_each(|cell| *cell *= scale);
                pivot_rows[pivot - begin].clear();
                pivot_rows[pivot - begin].extend_from_slice(own);
            }
            for (at, (row, factors)) in matrix.chunks_exact_mut(size).zip(factors.iter()).enumerate() {
                let own = &mut row[columns.clone()];
                if (begin..end).contains(&at) {
                    for later in at + 1..end {
                        subtract(own, factors[later - begin], &pivot_rows[later - begin]);
                    }
                } else if end - begin == BLOCK {
                    subtract_all(own, factors, pivot_rows);
                } else {
                    for (factor, pivot_row) in factors.iter().zip(&pivot_rows[..end - begin]) {
                        subtract(own, *factor, pivot_row);
                    }
                }
            }
        }
    }
}

fn subtract(row: &mut [f64], factor: f64, pivot_row: &[f64]) {
    row.iter_mut().zip(pivot_row).for_each(|(cell, pivot)| *cell -= factor * pivot);
}

/// Subtracts the rows of a whole block, one after the other from each cell.
fn subtract_all(row: &mut [f64], factors: &[f64; BLOCK], pivot_rows: &[Vec<f64>; BLOCK]) {
    let [one, two, three, four] = pivot_rows.each_ref().map(|pivot_row| &pivot_row[..row.len()]);
    for (at, cell) in row.iter_mut().enumerate() {
        *cell = *cell
            - factors[0] * one[at]
            - factors[1] * two[at]
            - factors[2] * three[at]
            - factors[3] * four[at];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// What [`Transitions`] borrows.
    struct Counted {
        channels: usize,
        counts: Vec<f64>,
        values: Vec<f64>,
    }

    impl Counted {
        fn removal_effects(&self) -> Option<RemovalEffects> {
            let transitions = Transitions::new(self.channels, &self.counts, &self.values);
            transitions.removal_effects(&mut Inverter::default())
        }
    }

    fn transitions(channels: usize, paths: &[(Vec<usize>, Option<f64>)]) -> Counted {
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
        Counted { channels, counts, values }
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

    /// Gauss–Jordan as textbooks have it, pivot by pivot.
    fn invert_plainly(matrix: &mut [f64], size: usize) -> Option<()> {
        let mut swaps = Vec::new();
        for column in 0..size {
            let cell = |row: usize| matrix[row * size + column].abs();
            let pivot = (column..size)
                .max_by(|one, other| cell(*one).total_cmp(&cell(*other)))
                .filter(|row| cell(*row) > f64::MIN_POSITIVE)?;
            swaps.push(pivot);
            (0..size).for_each(|k| matrix.swap(pivot * size + k, column * size + k));
            let inverse = 1.0 / matrix[column * size + column];
            matrix[column * size + column] = 1.0;
            matrix[column * size..][..size].iter_mut().for_each(|cell| *cell *= inverse);
            for row in (0..size).filter(|row| *row != column) {
                let factor = std::mem::replace(&mut matrix[row * size + column], 0.0);
                for k in 0..size {
                    matrix[row * size + k] -= factor * matrix[column * size + k];
                }
            }
        }
        for (column, pivot) in swaps.into_iter().enumerate().rev() {
            (0..size).for_each(|row| matrix.swap(row * size + column, row * size + pivot));
        }
        Some(())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn blocks_give_the_bits_of_pivot_by_pivot(
            size in 0..19_usize, cells in prop::collection::vec(-9..9_i8, 19 * 19),
        ) {
            let mut inverter = Inverter::default();
            // What an earlier matrix left behind doesn't matter.
            inverter.matrix(3).copy_from_slice(&[2.0, 1.0, 0.0, 0.0, 1.0, 0.0, 5.0, 0.0, 1.0]);
            prop_assert!(inverter.invert(3).is_some());
            let matrix = inverter.matrix(size);
            matrix.iter_mut().zip(&cells).for_each(|(cell, number)| *cell = f64::from(*number) / 7.0);
            let mut expected = matrix.to_vec();
            let invertible = invert_plainly(&mut expected, size).is_some();
            match inverter.invert(size) {
                Some(found) => prop_assert!(invertible && found == expected),
                None => prop_assert!(!invertible),
            }
        }
    }

    /// Removal by definition: send every entry into the channel to null and solve again by iteration.
    fn naive(transitions: &Counted, removed: Option<usize>, reward: bool) -> f64 {
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
