//! Cells of campaigns once their bucket is closed: sorted, and packed into as few bytes as they need.
//!
//! With 20,000 campaigns, 64 buckets and a row of models for each, most cells are small or empty. Numbers are
//! written seven bits a byte (LEB128), signed ones zigzag, so that an empty cell is one byte and a
//! conversion's millionths three.

/// What one bucket saw of one unit.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct UnitRow {
    /// Index into [`crate::journey::Units::all`].
    pub(super) unit: u32,
    /// Touches on paths that converted.
    pub(super) touches: u64,
    /// Converted paths that met the unit.
    pub(super) journeys: u64,
    /// Millionths of a conversion, by model.
    pub(super) credit_millionths: Vec<i64>,
    /// Minor units × millionths, by model.
    pub(super) value_minor_millionths: Vec<i128>,
}

impl UnitRow {
    /// Adds what another bucket saw of the same unit.
    pub(super) fn add(&mut self, other: &UnitRow) {
        self.touches += other.touches;
        self.journeys += other.journeys;
        let credits = self.credit_millionths.iter_mut().zip(&other.credit_millionths);
        credits.for_each(|(into, from)| *into += from);
        let values = self.value_minor_millionths.iter_mut().zip(&other.value_minor_millionths);
        values.for_each(|(into, from)| *into += from);
    }
}

/// Rows of units, in their order, each unit once.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct PackedUnits {
    models: usize,
    last: u32,
    bytes: Vec<u8>,
}

impl PackedUnits {
    /// None, for so many models.
    pub(super) fn new(models: usize) -> Self {
        Self { models, ..Self::default() }
    }

    /// Adds the row of a unit that comes after all before it.
    pub(super) fn push(&mut self, row: &UnitRow) {
        debug_assert!(self.bytes.is_empty() || row.unit > self.last, "units in order, each once");
        let bytes = &mut self.bytes;
        put(bytes, u128::from(row.unit - self.last));
        self.last = row.unit;
        put(bytes, u128::from(row.touches));
        put(bytes, u128::from(row.journeys));
        row.credit_millionths.iter().for_each(|credit| put(bytes, zigzag(i128::from(*credit))));
        row.value_minor_millionths.iter().for_each(|value| put(bytes, zigzag(*value)));
    }

    /// The rows, in the order of their units.
    pub(super) fn rows(&self) -> Rows<'_> {
        Rows { models: self.models, last: 0, bytes: &self.bytes }
    }

    /// The rows of both, units that both have added up.
    pub(super) fn merge(&self, other: &PackedUnits) -> PackedUnits {
        let mut merged = PackedUnits::new(self.models);
        let mut sum = UnitRow::default();
        side_by_side(&[self, other], |rows| {
            let mut rows = rows.iter().flatten();
            if let Some(first) = rows.next() {
                sum.clone_from(first);
                rows.for_each(|row| sum.add(row));
                merged.push(&sum);
            }
        });
        merged
    }
}

/// Reads rows one after the other.
#[derive(Debug, Clone)]
pub(super) struct Rows<'p> {
    models: usize,
    last: u32,
    bytes: &'p [u8],
}

impl Rows<'_> {
    /// Reads the next row into `row`; false where there is none.
    fn next_into(&mut self, row: &mut UnitRow) -> bool {
        if self.bytes.is_empty() {
            return false;
        }
        self.last += take(&mut self.bytes) as u32;
        row.unit = self.last;
        row.touches = take(&mut self.bytes) as u64;
        row.journeys = take(&mut self.bytes) as u64;
        row.credit_millionths.clear();
        row.value_minor_millionths.clear();
        for _ in 0..self.models {
            row.credit_millionths.push(unzigzag(take(&mut self.bytes)) as i64);
        }
        for _ in 0..self.models {
            row.value_minor_millionths.push(unzigzag(take(&mut self.bytes)));
        }
        true
    }
}

/// Shows unit after unit, each with what every bucket saw of it; None where a bucket saw nothing.
pub(super) fn side_by_side(buckets: &[&PackedUnits], mut show: impl FnMut(&[Option<&UnitRow>])) {
    let mut streams: Vec<(Rows<'_>, UnitRow, bool)> = buckets
        .iter()
        .map(|bucket| {
            let (mut rows, mut row) = (bucket.rows(), UnitRow::default());
            let has_row = rows.next_into(&mut row);
            (rows, row, has_row)
        })
        .collect();
    loop {
        let waiting = streams.iter().filter(|(.., has_row)| *has_row);
        let Some(unit) = waiting.map(|(_, row, _)| row.unit).min() else { return };
        let own = |(_, row, has_row): &(_, UnitRow, bool)| *has_row && row.unit == unit;
        let rows: Vec<Option<&UnitRow>> =
            streams.iter().map(|stream| own(stream).then_some(&stream.1)).collect();
        show(&rows);
        for stream in &mut streams {
            if own(stream) {
                stream.2 = stream.0.next_into(&mut stream.1);
            }
        }
    }
}

fn zigzag(number: i128) -> u128 {
    ((number << 1) ^ (number >> 127)) as u128
}

fn unzigzag(number: u128) -> i128 {
    (number >> 1) as i128 ^ -((number & 1) as i128)
}

fn put(bytes: &mut Vec<u8>, mut number: u128) {
    while number >= 1 << 7 {
        bytes.push(number as u8 | 1 << 7);
        number >>= 7;
    }
    bytes.push(number as u8);
}

fn take(bytes: &mut &[u8]) -> u128 {
    let (mut number, mut shift) = (0, 0);
    while let Some((byte, rest)) = bytes.split_first() {
        *bytes = rest;
        number |= u128::from(byte & 0x7F) << shift;
        shift += 7;
        if byte & 1 << 7 == 0 {
            break;
        }
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    const MODELS: usize = 3;

    fn row() -> impl Strategy<Value = (u32, UnitRow)> {
        let credit = prop_oneof![Just(0), -5_i64..5, any::<i32>().prop_map(|n| i64::from(n) << 20)];
        let value = prop_oneof![Just(0), -5_i128..5, any::<i64>().prop_map(|n| i128::from(n) << 40)];
        let figures =
            (prop::array::uniform3(credit), prop::array::uniform3(value), any::<u32>(), any::<u32>());
        (0_u32..400, figures).prop_map(|(unit, (credit, value, touches, journeys))| {
            let row = UnitRow {
                unit,
                touches: u64::from(touches),
                journeys: u64::from(journeys),
                credit_millionths: credit.to_vec(),
                value_minor_millionths: value.to_vec(),
            };
            (unit, row)
        })
    }

    fn packed(rows: &BTreeMap<u32, UnitRow>) -> PackedUnits {
        let mut packed = PackedUnits::new(MODELS);
        rows.values().for_each(|row| packed.push(row));
        packed
    }

    fn unpacked(packed: &PackedUnits) -> BTreeMap<u32, UnitRow> {
        let mut rows = BTreeMap::new();
        side_by_side(&[packed], |row| {
            let row = row[0].unwrap().clone();
            assert_eq!(rows.insert(row.unit, row), None);
        });
        rows
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_again_and_merges(
            one in prop::collection::btree_map(0_u32..400, row(), 0..20),
            other in prop::collection::btree_map(0_u32..400, row(), 0..20),
        ) {
            let by_unit = |rows: BTreeMap<u32, (u32, UnitRow)>| -> BTreeMap<u32, UnitRow> {
                rows.into_values().collect()
            };
            let (one, other) = (by_unit(one), by_unit(other));
            prop_assert_eq!(&unpacked(&packed(&one)), &one);
            let mut sum = one.clone();
            for (unit, row) in &other {
                sum.entry(*unit).and_modify(|into| into.add(row)).or_insert_with(|| row.clone());
            }
            let merged = packed(&one).merge(&packed(&other));
            prop_assert_eq!(&unpacked(&merged), &sum);
            prop_assert_eq!(packed(&other).merge(&packed(&one)), merged);
        }
    }

    #[test]
    fn the_ends_of_the_range_survive() {
        for number in [0, 1, -1, i128::MAX, i128::MIN, i128::from(i64::MIN)] {
            let mut bytes = Vec::new();
            put(&mut bytes, zigzag(number));
            assert_eq!(unzigzag(take(&mut &bytes[..])), number);
        }
        let mut bytes = Vec::new();
        put(&mut bytes, zigzag(0));
        assert_eq!(bytes.len(), 1, "an empty cell is one byte");
    }
}
