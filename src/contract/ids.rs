//! From a column of ids to hashes of customers.

use arrow::array::{Array, PrimitiveArray};
use arrow::datatypes::ArrowPrimitiveType;

use crate::input::columns::Ids;
use crate::journey::key::CustomerHash;

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
}
