//! From columns of ids to hashes of customers and keys of events.

use arrow::array::{Array, PrimitiveArray};
use arrow::datatypes::ArrowPrimitiveType;

use crate::input::columns::Ids;
use crate::journey::buffer::EventColumn;
use crate::journey::key::{CustomerHash, EventKey};

/// Hashes the ids of a batch into `hashes`, one per row; [`CustomerHash::NOBODY`] for null and empty text.
pub fn hash_ids(ids: &Ids, rows: usize, hashes: &mut Vec<CustomerHash>) {
    hashes.clear();
    match ids {
        Ids::Text(texts) if texts.null_count() == 0 => {
            hashes.extend((0..rows).map(|row| CustomerHash::of(texts.value(row).as_bytes())));
        }
        Ids::Text(texts) => hashes.extend(
            texts
                .iter()
                .map(|text| text.map_or(CustomerHash::NOBODY, |text| CustomerHash::of(text.as_bytes()))),
        ),
        Ids::Int(numbers) => hash_numbers(numbers, hashes),
        Ids::UInt(numbers) => hash_numbers(numbers, hashes),
        Ids::Constant(id) => {
            let hash = CustomerHash::of(id.as_deref().unwrap_or_default().as_bytes());
            hashes.resize(rows, hash);
        }
    }
}

/// A number is the text of its digits.
fn hash_numbers<T>(numbers: &PrimitiveArray<T>, hashes: &mut Vec<CustomerHash>)
where
    T: ArrowPrimitiveType<Native: itoa::Integer>,
{
    let mut digits = itoa::Buffer::new();
    hashes.extend(numbers.iter().map(|number| {
        number.map_or(CustomerHash::NOBODY, |number| CustomerHash::of(digits.format(number).as_bytes()))
    }));
}

/// Keys of the event ids of a batch, one per row: in `keys`, or the ids themselves where all are numbers.
/// None: no file of the run has event ids.
pub fn event_keys<'b>(ids: Option<&'b Ids>, rows: usize, keys: &'b mut Vec<EventKey>) -> EventColumn<'b> {
    let Some(ids) = ids else { return EventColumn::Unmapped };
    if let Ids::Int(numbers) = ids
        && numbers.null_count() == 0
        && numbers.values().iter().fold(0, |signs, number| signs | number) >= 0
    {
        return EventColumn::Numbers(numbers.values());
    }
    keys.clear();
    match ids {
        Ids::Int(numbers) => {
            keys.extend(numbers.iter().map(|number| number.map_or(EventKey::NULL, EventKey::of_integer)));
        }
        ids => {
            let mut digits = itoa::Buffer::new();
            let key = |row| ids.get(row, &mut digits).map_or(EventKey::NULL, EventKey::of_text);
            keys.extend((0..rows).map(key));
        }
    }
    EventColumn::Keys(keys)
}

/// Key of the event id of a row.
pub fn event_key(ids: &Ids, row: usize, digits: &mut itoa::Buffer) -> EventKey {
    ids.get(row, digits).map_or(EventKey::NULL, EventKey::of_text)
}

#[cfg(test)]
mod tests {
    use arrow::array::{Int64Array, StringViewArray};

    use super::*;

    #[test]
    fn an_id_is_its_text_and_no_text_is_nobody() {
        let of = |ids: Ids, rows: usize| {
            let mut hashes = vec![CustomerHash::NOBODY; 9];
            hash_ids(&ids, rows, &mut hashes);
            hashes
        };
        let wanted = [CustomerHash::of(b"42"), CustomerHash::NOBODY, CustomerHash::of(b"-7")];
        assert_eq!(of(Ids::Int(Int64Array::from(vec![Some(42), None, Some(-7)])), 3), wanted);
        let texts = StringViewArray::from(vec![Some("42"), None, Some("-7")]);
        assert_eq!(of(Ids::Text(texts), 3), wanted);
        assert_eq!(of(Ids::Text(StringViewArray::from(vec!["42", "", "-7"])), 3), wanted);
        assert_eq!(of(Ids::Constant(Some("42".into())), 2), [CustomerHash::of(b"42"); 2]);
        assert_eq!(of(Ids::Constant(None), 1), [CustomerHash::NOBODY]);
    }

    #[test]
    fn event_ids_are_numbers_or_have_keys() {
        let keys_of = |ids: Ids| {
            let mut keys = vec![EventKey::of_text(b"of the last batch"); 9];
            match event_keys(Some(&ids), 3, &mut keys) {
                EventColumn::Numbers(numbers) => {
                    (true, numbers.iter().map(|n| EventKey::of_integer(*n)).collect())
                }
                EventColumn::Keys(keys) => (false, keys.to_vec()),
                EventColumn::Unmapped => unreachable!("there are ids"),
            }
        };
        let of = |texts: [&str; 3]| texts.map(|text| EventKey::of_text(text.as_bytes())).to_vec();
        assert_eq!(keys_of(Ids::Int(Int64Array::from(vec![7, 0, 9]))), (true, of(["7", "0", "9"])));
        assert_eq!(keys_of(Ids::Int(Int64Array::from(vec![7, -1, 9]))), (false, of(["7", "-1", "9"])));
        let mut with_null = of(["7", "8", "9"]);
        with_null[1] = EventKey::NULL;
        assert_eq!(
            keys_of(Ids::Int(Int64Array::from(vec![Some(7), None, Some(9)]))),
            (false, with_null.clone())
        );
        assert_eq!(
            keys_of(Ids::Text(StringViewArray::from(vec![Some("7"), None, Some("9")]))),
            (false, with_null)
        );
        assert_eq!(keys_of(Ids::Constant(None)), (false, vec![EventKey::NULL; 3]));
        assert!(matches!(event_keys(None, 3, &mut Vec::new()), EventColumn::Unmapped));
    }
}
