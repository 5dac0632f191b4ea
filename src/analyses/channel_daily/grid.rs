//! Cells by day and channel.

use std::borrow::Cow;

use hashbrown::HashMap;

/// Above so many cells only those that hold something are kept: a year of a thousand channels lies below.
const DENSE: usize = 1 << 19;

/// What merges by adding.
pub(super) trait Add: Clone + Default {
    /// Adds what another saw.
    fn add(&mut self, other: &Self);
}

/// Cells, row by row.
#[derive(Debug, Clone)]
pub(super) enum Grid<T> {
    /// Every cell.
    Dense(Vec<T>),
    /// The cells that were asked for.
    Sparse(HashMap<u64, T, foldhash::fast::FixedState>),
}

impl<T: Add> Grid<T> {
    /// So many rows and columns of empty cells.
    pub(super) fn new(rows: usize, columns: usize) -> Self {
        match rows.saturating_mul(columns) {
            cells if cells <= DENSE => Grid::Dense(vec![T::default(); cells]),
            _ => Grid::Sparse(HashMap::default()),
        }
    }

    /// The cell at an index, row-major.
    #[inline(always)]
    pub(super) fn at(&mut self, cell: usize) -> &mut T {
        match self {
            Grid::Dense(cells) => &mut cells[cell],
            Grid::Sparse(cells) => cells.entry(cell as u64).or_default(),
        }
    }

    /// What the cell at an index holds.
    pub(super) fn get(&self, cell: usize) -> Cow<'_, T> {
        let found = match self {
            Grid::Dense(cells) => cells.get(cell),
            Grid::Sparse(cells) => cells.get(&(cell as u64)),
        };
        found.map_or_else(|| Cow::Owned(T::default()), Cow::Borrowed)
    }

    /// Adds the cells of another of the same shape.
    pub(super) fn add(&mut self, other: &Self) {
        match (self, other) {
            (Grid::Dense(into), Grid::Dense(from)) => {
                into.iter_mut().zip(from).for_each(|(into, from)| into.add(from));
            }
            (into, Grid::Sparse(from)) => {
                from.iter().for_each(|(cell, from)| into.at(*cell as usize).add(from));
            }
            (Grid::Sparse(_), Grid::Dense(_)) => unreachable!("cells of one run have one layout"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Add for u64 {
        fn add(&mut self, other: &u64) {
            *self += other;
        }
    }

    #[test]
    fn few_cells_and_many_add_up_alike() {
        for columns in [7, DENSE] {
            let mut total: Grid<u64> = Grid::new(3, columns);
            assert_eq!(matches!(total, Grid::Dense(_)), columns == 7);
            for times in 1..4 {
                let mut part = Grid::new(3, columns);
                *part.at(0) += times;
                *part.at(3 * columns - 1) += 10 * times;
                total.add(&part);
            }
            let found = [0, 1, 3 * columns - 1].map(|cell| *total.get(cell));
            assert_eq!(found, [6, 0, 60]);
        }
    }
}
