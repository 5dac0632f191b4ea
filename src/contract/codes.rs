//! From the text columns of a batch to one code per row.
//!
//! Texts come as keys into dictionaries. Each text of a dictionary is looked up once, and so is each
//! combination of keys; what is left for a row is to add up its keys and read one number from a table. Both
//! last as long as the dictionaries do, which is a row group in most files.

use std::ops::AddAssign;

use arrow::array::{Array, Int32Array, StringArray};

use crate::input::columns::Texts;
use crate::journey::codebook::{CodebookBuilder, ValueId};

/// Combinations of keys up to which a code is found by its place in a table instead of by a hash.
const DENSE_PLACES: u64 = 1 << 17;
/// No code yet.
const UNSEEN: u32 = u32::MAX;

/// Gives rows the codes of one worker, batch by batch.
#[derive(Debug)]
pub struct BatchCoder {
    /// All combinations met so far.
    pub book: CodebookBuilder,
    columns: Vec<Column>,
    /// Combinations of keys; None: more than 64 bits can count.
    places: Option<u64>,
    /// By place, as long as there are at most [`DENSE_PLACES`].
    table: Vec<u32>,
    /// By place, where there are more.
    sparse: hashbrown::HashMap<u64, u32, foldhash::fast::FixedState>,
    /// By row.
    narrow: Vec<u32>,
    /// By row, where there are more places than the table has.
    wide: Vec<u64>,
    codes: Vec<u32>,
    combination: Vec<ValueId>,
}

/// A text column as the last batch had it.
#[derive(Debug, Default)]
struct Column {
    dictionary: Option<Dictionary>,
    /// Value ids: of null, then by key.
    ids: Vec<ValueId>,
    /// Place of a row = sum over the columns of stride × (0 for null, else key + 1).
    stride: u64,
}

/// Kept alive, so that nothing else can come to lie at its address.
#[derive(Debug)]
enum Dictionary {
    Values(StringArray),
    Constant(Option<String>),
}

impl Dictionary {
    fn of(text: &Texts) -> Self {
        match text {
            Texts::Dictionary { values, .. } => Dictionary::Values(values.clone()),
            Texts::Constant(value) => Dictionary::Constant(value.clone()),
        }
    }

    /// Whether a batch has the same dictionary: by address, since to compare texts is what is to be saved.
    fn is_of(&self, text: &Texts) -> bool {
        match (self, text) {
            (Dictionary::Values(ours), Texts::Dictionary { values, .. }) => {
                ours.len() == values.len()
                    && ours.offsets().inner().inner().ptr_eq(values.offsets().inner().inner())
                    && ours.values().ptr_eq(values.values())
                    && match (ours.nulls(), values.nulls()) {
                        (None, None) => true,
                        (Some(ours), Some(theirs)) => ours.inner().ptr_eq(theirs.inner()),
                        _ => false,
                    }
            }
            (Dictionary::Constant(ours), Texts::Constant(value)) => ours == value,
            _ => false,
        }
    }
}

impl BatchCoder {
    /// A coder for so many text columns that has seen nothing.
    pub fn new(columns: usize) -> Self {
        Self {
            book: CodebookBuilder::new(columns),
            columns: std::iter::repeat_with(Column::default).take(columns).collect(),
            places: Some(0),
            table: Vec::new(),
            sparse: hashbrown::HashMap::default(),
            narrow: Vec::new(),
            wide: Vec::new(),
            codes: Vec::new(),
            combination: Vec::new(),
        }
    }

    /// Gives each row of a batch its code. `texts` are the columns, in the order of the book.
    pub fn code(&mut self, texts: &[Texts], rows: usize) {
        self.take_dictionaries(texts);
        self.codes.clear();
        match self.places {
            Some(places) if places <= DENSE_PLACES => self.code_by_table(texts, rows),
            Some(_) => self.code_by_hash(texts, rows),
            None => self.code_row_by_row(texts, rows),
        }
    }

    /// Codes of the last batch, by row.
    pub fn codes(&self) -> &[u32] {
        &self.codes
    }

    /// Codes of the last batch, and by code whether a row with it was kept, for whoever keeps some.
    pub fn codes_and_kept(&mut self) -> (&[u32], &mut [bool]) {
        (&self.codes, self.book.kept_mut())
    }

    fn take_dictionaries(&mut self, texts: &[Texts]) {
        let mut changed = false;
        for (index, (column, text)) in self.columns.iter_mut().zip(texts).enumerate() {
            if column.dictionary.as_ref().is_some_and(|dictionary| dictionary.is_of(text)) {
                continue;
            }
            changed = true;
            column.dictionary = Some(Dictionary::of(text));
            let mut id_of = |value: Option<&str>| match value {
                Some(value) if !value.is_empty() => self.book.value(index, value),
                _ => 0,
            };
            column.ids.clear();
            match text {
                Texts::Constant(value) => column.ids.push(id_of(value.as_deref())),
                Texts::Dictionary { values, .. } => {
                    column.ids.push(0);
                    column.ids.extend(values.iter().map(id_of));
                }
            }
        }
        // Without text columns nothing ever changes, and there is one combination.
        if !changed && !self.columns.is_empty() {
            return;
        }
        let mut places = Some(1_u64);
        for column in &mut self.columns {
            column.stride = places.unwrap_or(0);
            places = places.and_then(|places| places.checked_mul(column.ids.len() as u64));
        }
        self.places = places;
        self.sparse.clear();
        self.table.clear();
        if let Some(places) = places.filter(|places| *places <= DENSE_PLACES) {
            self.table.resize(places as usize, UNSEEN);
        }
    }

    fn code_by_table(&mut self, texts: &[Texts], rows: usize) {
        self.narrow.clear();
        self.narrow.resize(rows, 0);
        for (column, keys) in keyed(&self.columns, texts) {
            let stride = column.stride as u32;
            add_places(&mut self.narrow, keys, |key| (key as u32).wrapping_add(1).wrapping_mul(stride));
        }
        self.codes.extend(self.narrow.iter().map(|place| {
            let slot = &mut self.table[*place as usize];
            if *slot == UNSEEN {
                let place = u64::from(*place);
                *slot = code_of_place(&self.columns, &mut self.combination, &mut self.book, place);
            }
            *slot
        }));
    }

    fn code_by_hash(&mut self, texts: &[Texts], rows: usize) {
        self.wide.clear();
        self.wide.resize(rows, 0);
        for (column, keys) in keyed(&self.columns, texts) {
            let stride = column.stride;
            add_places(&mut self.wide, keys, |key| (u64::from(key as u32) + 1).wrapping_mul(stride));
        }
        for place in &self.wide {
            let code = self.sparse.entry(*place).or_insert_with(|| {
                code_of_place(&self.columns, &mut self.combination, &mut self.book, *place)
            });
            self.codes.push(*code);
        }
    }

    fn code_row_by_row(&mut self, texts: &[Texts], rows: usize) {
        for row in 0..rows {
            self.combination.clear();
            self.combination.extend(self.columns.iter().zip(texts).map(|(column, text)| match text {
                Texts::Dictionary { keys, .. } if keys.is_valid(row) => {
                    column.ids[keys.value(row) as usize + 1]
                }
                _ => column.ids[0],
            }));
            self.codes.push(self.book.combination(&self.combination).0);
        }
    }
}

/// The columns that differ from row to row, with their keys.
fn keyed<'a>(
    columns: &'a [Column],
    texts: &'a [Texts],
) -> impl Iterator<Item = (&'a Column, &'a Int32Array)> {
    columns.iter().zip(texts).filter_map(|(column, text)| match text {
        Texts::Dictionary { keys, .. } => Some((column, keys)),
        Texts::Constant(_) => None,
    })
}

/// Adds what the keys of a column contribute to the places of the rows; a null contributes nothing.
fn add_places<P: AddAssign + Copy + Default>(places: &mut [P], keys: &Int32Array, part: impl Fn(i32) -> P) {
    match keys.nulls().filter(|nulls| nulls.null_count() > 0) {
        None => places.iter_mut().zip(keys.values()).for_each(|(place, key)| *place += part(*key)),
        Some(nulls) => {
            // Nulls come as they like, so that a branch would be guessed wrong half the time.
            let words = nulls.inner().bit_chunks();
            let blocks = places.chunks_mut(64).zip(keys.values().chunks(64));
            for ((places, keys), word) in blocks.zip(words.iter_padded()) {
                for (bit, (place, key)) in places.iter_mut().zip(keys).enumerate() {
                    let part = part(*key);
                    *place += if word >> bit & 1 == 1 { part } else { P::default() };
                }
            }
        }
    }
}

#[cold]
fn code_of_place(
    columns: &[Column],
    combination: &mut Vec<ValueId>,
    book: &mut CodebookBuilder,
    place: u64,
) -> u32 {
    let mut rest = place;
    combination.clear();
    for Column { ids, .. } in columns {
        combination.push(ids[(rest % ids.len() as u64) as usize]);
        rest /= ids.len() as u64;
    }
    book.combination(combination).0
}

#[cfg(test)]
mod tests {
    use arrow::array::{Array, DictionaryArray};
    use arrow::datatypes::Int32Type;

    use super::*;

    fn column(rows: &[Option<&str>]) -> Texts {
        let dictionary: DictionaryArray<Int32Type> = rows.iter().copied().collect();
        Texts::Dictionary {
            keys: dictionary.keys().clone(),
            values: StringArray::from(dictionary.values().to_data()),
        }
    }

    fn texts_of(coder: &BatchCoder, row: usize) -> Vec<Option<String>> {
        let ids = coder.book.row(coder.codes()[row]);
        ids.iter().enumerate().map(|(at, id)| coder.book.text(at, *id).map(str::to_owned)).collect()
    }

    /// Codes one batch and compares every row with what stands in it.
    fn check(coder: &mut BatchCoder, columns: &[&[Option<&str>]]) {
        let texts: Vec<Texts> = columns.iter().map(|rows| column(rows)).collect();
        coder.code(&texts, columns[0].len());
        for row in 0..columns[0].len() {
            let written: Vec<Option<String>> = columns
                .iter()
                .map(|rows| rows[row].filter(|text| !text.is_empty()).map(str::to_owned))
                .collect();
            assert_eq!(texts_of(coder, row), written, "row {row}");
        }
    }

    #[test]
    fn codes_stand_for_the_texts_of_their_rows() {
        let mut coder = BatchCoder::new(2);
        check(&mut coder, &[&[Some("a"), None, Some("b"), Some("a")], &[None, Some("x"), Some(""), None]]);
        assert_eq!(coder.codes()[0], coder.codes()[3]);
        // Another dictionary gives the same texts other keys.
        let first = coder.codes()[2];
        check(&mut coder, &[&[Some("b"), Some("a")], &[None, Some("y")]]);
        assert_eq!(coder.codes()[0], first);
        assert_eq!(coder.book.len(), 4);
    }

    #[test]
    fn a_dictionary_that_comes_again_is_not_looked_up_again() {
        let one = column(&[Some("a"), Some("b")]);
        let Texts::Dictionary { values, .. } = &one else { unreachable!() };
        let same = Texts::Dictionary { keys: Int32Array::from(vec![1, 0]), values: values.clone() };
        let sliced = Texts::Dictionary { keys: Int32Array::from(vec![0]), values: values.slice(1, 1) };
        let mut coder = BatchCoder::new(1);
        coder.code(std::slice::from_ref(&one), 2);
        assert!(coder.columns[0].dictionary.as_ref().is_some_and(|dictionary| dictionary.is_of(&same)));
        coder.code(&[same], 2);
        assert_eq!(texts_of(&coder, 0), [Some("b".to_owned())]);
        coder.code(&[sliced], 1);
        assert_eq!(texts_of(&coder, 0), [Some("b".to_owned())], "a part of a dictionary is another one");
    }

    #[test]
    fn constants_and_no_columns_at_all() {
        let mut coder = BatchCoder::new(2);
        for value in ["web", "shop"] {
            coder.code(&[Texts::Constant(Some(value.into())), column(&[Some("a"), None])], 2);
            assert_eq!(texts_of(&coder, 0), [Some(value.to_owned()), Some("a".to_owned())]);
            assert_eq!(texts_of(&coder, 1), [Some(value.to_owned()), None]);
        }
        let mut none = BatchCoder::new(0);
        none.code(&[], 3);
        none.code(&[], 2);
        assert_eq!((none.codes(), none.book.len()), (&[0, 0][..], 1));
    }

    /// So many distinct texts per column that table, hash and row by row each get their turn.
    #[test]
    fn the_number_of_combinations_changes_no_code() {
        for (columns, distinct) in [(1, 3_000), (2, 3_000), (7, 3_000)] {
            let names: Vec<String> = (0..distinct).map(|n| format!("text {n}")).collect();
            let rows: Vec<Vec<Option<&str>>> = (0..columns)
                .map(|at| {
                    let text = |row: usize| (row % 7 != at).then(|| &*names[(row * (at + 1)) % distinct]);
                    (0..distinct).map(text).collect()
                })
                .collect();
            let rows: Vec<&[Option<&str>]> = rows.iter().map(Vec::as_slice).collect();
            let mut coder = BatchCoder::new(columns);
            check(&mut coder, &rows);
            check(&mut coder, &rows);
            let by_table = coder.places.is_some_and(|places| places <= DENSE_PLACES);
            assert_eq!((by_table, coder.places.is_none()), (columns == 1, columns == 7));
        }
    }
}
