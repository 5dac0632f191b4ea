//! Text columns of low cardinality, held once: each distinct combination of their values is a code.
//!
//! While reading, every worker keeps a [`CodebookBuilder`] of its own and hands out codes in the order
//! of arrival. After reading they are merged into one [`Codebook`] whose codes are ranks by value, so
//! that nothing downstream can see which file came first.

use hashbrown::HashMap;

type FastMap<K, V> = HashMap<K, V, foldhash::fast::FixedState>;

/// Index of a value in a column of a codebook; 0 is null.
pub type ValueId = u32;

/// Distinct values and combinations seen by one worker.
#[derive(Debug, Clone)]
pub struct CodebookBuilder {
    columns: Vec<ColumnBuilder>,
    combinations: FastMap<Box<[ValueId]>, u32>,
    rows: Vec<Box<[ValueId]>>,
    /// By code: whether a row with it was kept.
    kept: Vec<bool>,
}

#[derive(Debug, Clone, Default)]
struct ColumnBuilder {
    ids: FastMap<Box<str>, ValueId>,
    texts: Vec<Box<str>>,
}

impl CodebookBuilder {
    /// A builder for so many columns.
    pub fn new(columns: usize) -> Self {
        Self {
            columns: vec![ColumnBuilder::default(); columns],
            combinations: FastMap::default(),
            rows: Vec::new(),
            kept: Vec::new(),
        }
    }

    /// Id of a value in a column, given on first sight.
    pub fn value(&mut self, column: usize, text: &str) -> ValueId {
        let column = &mut self.columns[column];
        if let Some(id) = column.ids.get(text) {
            return *id;
        }
        column.texts.push(text.into());
        let id = column.texts.len() as ValueId;
        column.ids.insert(text.into(), id);
        id
    }

    /// Text of a value; None for null.
    pub fn text(&self, column: usize, id: ValueId) -> Option<&str> {
        let index = id.checked_sub(1)?;
        Some(&self.columns[column].texts[index as usize])
    }

    /// Code of a combination and whether it is new.
    pub fn combination(&mut self, values: &[ValueId]) -> (u32, bool) {
        if let Some(code) = self.combinations.get(values) {
            return (*code, false);
        }
        let code = self.rows.len() as u32;
        self.rows.push(values.into());
        self.kept.push(false);
        self.combinations.insert(values.into(), code);
        (code, true)
    }

    /// Takes a combination into the book: a row with it was kept. What only left-out rows have must not show.
    #[inline]
    pub fn keep(&mut self, code: u32) {
        self.kept[code as usize] = true;
    }

    /// By code: whether a row with it was kept; to be set for every row that is, as by [`Self::keep`].
    pub fn kept_mut(&mut self) -> &mut [bool] {
        &mut self.kept
    }

    /// Combinations of rows that were kept.
    fn kept_rows(&self) -> impl Iterator<Item = &[ValueId]> {
        self.rows.iter().zip(&self.kept).filter(|(_, kept)| **kept).map(|(row, _)| &**row)
    }

    /// Values of a combination, by column.
    pub fn row(&self, code: u32) -> &[ValueId] {
        &self.rows[code as usize]
    }

    /// Number of combinations seen.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether nothing was seen.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }
}

/// All distinct combinations of kept rows, ranked by their values, null first.
#[derive(Debug, Clone, Default)]
pub struct Codebook {
    columns: Vec<Vec<Box<str>>>,
    rows: Vec<Box<[ValueId]>>,
}

impl Codebook {
    /// Merges what the workers kept. The second part maps each worker's codes to ranks; those of combinations
    /// that nobody kept mean nothing.
    pub fn merge(builders: &[CodebookBuilder], columns: usize) -> (Codebook, Vec<Vec<u32>>) {
        let merged: Vec<Vec<Box<str>>> = (0..columns)
            .map(|column| {
                let mut texts: Vec<Box<str>> = builders
                    .iter()
                    .flat_map(|builder| {
                        let mut ids: Vec<ValueId> = builder.kept_rows().map(|row| row[column]).collect();
                        ids.sort_unstable();
                        ids.dedup();
                        ids.into_iter().filter_map(move |id| builder.text(column, id)).map(Box::from)
                    })
                    .collect();
                texts.sort_unstable();
                texts.dedup();
                texts
            })
            .collect();
        let translated: Vec<Vec<Box<[ValueId]>>> = builders
            .iter()
            .map(|builder| {
                let ids: Vec<Vec<ValueId>> = builder
                    .columns
                    .iter()
                    .zip(&merged)
                    .map(|(column, texts)| {
                        column
                            .texts
                            .iter()
                            .map(|text| texts.binary_search(text).map_or(0, |rank| rank as ValueId + 1))
                            .collect()
                    })
                    .collect();
                builder
                    .rows
                    .iter()
                    .map(|row| {
                        row.iter()
                            .zip(&ids)
                            .map(|(id, ids)| id.checked_sub(1).map_or(0, |index| ids[index as usize]))
                            .collect()
                    })
                    .collect()
            })
            .collect();
        let kept = |(rows, builder): (&Vec<Box<[ValueId]>>, &CodebookBuilder)| -> Vec<Box<[ValueId]>> {
            rows.iter().zip(&builder.kept).filter(|(_, kept)| **kept).map(|(row, _)| row.clone()).collect()
        };
        let mut rows: Vec<Box<[ValueId]>> = translated.iter().zip(builders).flat_map(kept).collect();
        rows.sort_unstable();
        rows.dedup();
        let remaps = translated
            .iter()
            .map(|local| {
                local.iter().map(|row| rows.binary_search(row).map_or(u32::MAX, |rank| rank as u32)).collect()
            })
            .collect();
        (Codebook { columns: merged, rows }, remaps)
    }

    /// Gives a column other texts, one for each code; None is null. Codes keep their numbers, so from there on they are
    /// no longer ranks by this column, and two may hold the same texts.
    pub fn replace(&mut self, column: usize, texts: &[Option<Box<str>>]) {
        let mut values: Vec<Box<str>> = texts.iter().flatten().cloned().collect();
        values.sort_unstable();
        values.dedup();
        for (row, text) in self.rows.iter_mut().zip(texts) {
            let rank = text.as_ref().and_then(|text| values.binary_search(text).ok());
            row[column] = rank.map_or(0, |rank| rank as ValueId + 1);
        }
        self.columns[column] = values;
    }

    /// Number of combinations.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Sorted distinct values of a column; the value with id `i` is at `i − 1`.
    pub fn values(&self, column: usize) -> &[Box<str>] {
        &self.columns[column]
    }

    /// Id of the value that a combination has in a column; 0 for null.
    #[inline]
    pub fn value_id(&self, code: u32, column: usize) -> ValueId {
        self.rows[code as usize][column]
    }

    /// Text of the value that a combination has in a column; None for null.
    pub fn text(&self, code: u32, column: usize) -> Option<&str> {
        let index = self.value_id(code, column).checked_sub(1)?;
        Some(&self.columns[column][index as usize])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builder(rows: &[[Option<&str>; 2]]) -> (CodebookBuilder, Vec<u32>) {
        let mut builder = CodebookBuilder::new(2);
        let codes = rows
            .iter()
            .map(|row| {
                let ids: Vec<ValueId> = row
                    .iter()
                    .enumerate()
                    .map(|(column, text)| text.map_or(0, |text| builder.value(column, text)))
                    .collect();
                let code = builder.combination(&ids).0;
                builder.keep(code);
                code
            })
            .collect();
        (builder, codes)
    }

    #[test]
    fn codes_are_ranks_whoever_saw_a_value_first() {
        let rows = [[Some("click"), Some("b")], [Some("click"), None], [Some("buy"), Some("a")]];
        let (forward, codes) = builder(&rows);
        let mut reversed = rows;
        reversed.reverse();
        let (backward, _) = builder(&reversed);
        let (one, remap) = Codebook::merge(std::slice::from_ref(&forward), 2);
        let (two, _) = Codebook::merge(&[backward, forward], 2);
        assert_eq!(one.len(), 3);
        for code in 0..3 {
            for column in 0..2 {
                assert_eq!(one.text(code, column), two.text(code, column));
            }
        }
        for (row, code) in rows.iter().zip(codes) {
            let rank = remap[0][code as usize];
            assert_eq!([one.text(rank, 0), one.text(rank, 1)], *row);
        }
        assert_eq!(one.text(0, 0), Some("buy"), "ranks follow the values");
    }

    #[test]
    fn what_nobody_kept_is_not_in_the_book() {
        let rows = [[Some("click"), Some("b")], [Some("buy"), None]];
        let (with, codes) = builder(&rows);
        let mut more = with.clone();
        let late = [more.value(0, "aaa"), more.value(1, "late")];
        more.combination(&late);
        let (one, remap) = Codebook::merge(&[with], 2);
        let (two, other_remap) = Codebook::merge(&[more], 2);
        assert_eq!(two.len(), 2);
        for column in 0..2 {
            assert_eq!(one.values(column), two.values(column));
        }
        for code in codes {
            assert_eq!(remap[0][code as usize], other_remap[0][code as usize]);
        }
    }
}
