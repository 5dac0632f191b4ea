//! Ids and texts that a file doesn't hold as text: bare bytes, UUIDs, decimals without a fraction.
//!
//! Impala, Hive and Spark of old write text as bytes of which nothing says that they are text; warehouses whose only
//! number is a decimal write integers as such. The decoder looks whether bytes are UTF-8 only where the file says that
//! they are text. A type that it is asked to give them, by its caller or by the Arrow schema that the file brings along, it
//! takes on trust, and what isn't UTF-8 would be undefined behaviour in whoever reads it. So what isn't said to be text is
//! checked here, before anybody looks at it.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringArray, StringViewBuilder};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Field, Int32Type, Schema};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::basic::{ConvertedType, LogicalType, Type};
use parquet::schema::types::ColumnDescriptor;
use uuid::Uuid;

/// How text is made of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// They are text, or an error.
    Bytes {
        /// Whether the decoder calls them text though it doesn't look at them, as of JSON.
        as_text: bool,
    },
    /// With hyphens, in small letters.
    Uuid,
    /// A decimal without a fraction, of any width.
    Digits,
}

impl Spelling {
    /// Of a column that the decoder reads as `found`. None: it is text already, or can't be read as text.
    pub(super) fn of(column: &ColumnDescriptor, found: &DataType) -> Option<Self> {
        let (logical, converted) = (column.logical_type_ref(), column.converted_type());
        match (column.physical_type(), found) {
            (_, found) if is_whole_decimal(found) => Some(Spelling::Digits),
            (Type::FIXED_LEN_BYTE_ARRAY, DataType::FixedSizeBinary(16))
                if logical == Some(&LogicalType::Uuid) =>
            {
                Some(Spelling::Uuid)
            }
            (Type::BYTE_ARRAY, found) if converted != ConvertedType::UTF8 && is_bytes_or_text(found) => {
                let as_text = logical == Some(&LogicalType::Json) || converted == ConvertedType::JSON;
                Some(Spelling::Bytes { as_text })
            }
            _ => None,
        }
    }

    /// The type to decode a column into that has few different values, or many.
    pub(super) fn decoded(self, has_few_values: bool) -> Option<DataType> {
        let Spelling::Bytes { as_text } = self else { return None };
        Some(match (has_few_values, as_text) {
            (true, true) => dictionary(DataType::Utf8),
            (true, false) => dictionary(DataType::Binary),
            (false, true) => DataType::Utf8View,
            (false, false) => DataType::BinaryView,
        })
    }

    fn spell(self, column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
        match self {
            Spelling::Bytes { .. } => text_of_bytes(column),
            Spelling::Uuid => Ok(text_of_uuids(column)),
            Spelling::Digits => cast(&cast(column, &DataType::Utf8)?, &DataType::Utf8View),
        }
    }
}

/// Whether a decimal has no fraction.
pub(super) fn is_whole_decimal(found: &DataType) -> bool {
    matches!(found, DataType::Decimal32(_, 0) | DataType::Decimal64(_, 0) | DataType::Decimal128(_, 0))
}

fn is_bytes_or_text(found: &DataType) -> bool {
    match found {
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => true,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView => true,
        DataType::Dictionary(_, values) => is_bytes_or_text(values),
        _ => false,
    }
}

fn dictionary(values: DataType) -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(values))
}

/// The batch with text in place of what stands at some positions.
///
/// # Errors
/// The name of a column with bytes that are no text.
pub(super) fn spell(batch: RecordBatch, spelled: &[(usize, Spelling)]) -> Result<RecordBatch, String> {
    if spelled.is_empty() {
        return Ok(batch);
    }
    let (schema, mut columns, _) = batch.into_parts();
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    for (at, spelling) in spelled {
        columns[*at] = spelling.spell(&columns[*at]).map_err(|_| fields[*at].name().clone())?;
        let kind = columns[*at].data_type().clone();
        fields[*at] = Arc::new(fields[*at].as_ref().clone().with_data_type(kind));
    }
    let first = fields[spelled[0].0].name().clone();
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns).map_err(|_| first)
}

fn text_of_bytes(column: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    Ok(match column.data_type() {
        DataType::BinaryView => Arc::new(column.as_binary_view().clone().to_string_view()?),
        DataType::Utf8View => Arc::new(column.as_string_view().clone().to_binary_view().to_string_view()?),
        DataType::Dictionary(_, _) => {
            let dictionary = column.as_dictionary::<Int32Type>();
            let values: BinaryArray = match dictionary.values().data_type() {
                DataType::Utf8 => dictionary.values().as_string::<i32>().clone().into(),
                _ => dictionary.values().as_binary::<i32>().clone(),
            };
            Arc::new(dictionary.with_values(Arc::new(StringArray::try_from_binary(values)?)))
        }
        other => return Err(ArrowError::CastError(format!("{other} holds no bytes"))),
    })
}

fn text_of_uuids(column: &ArrayRef) -> ArrayRef {
    let mut text = Uuid::encode_buffer();
    let mut texts = StringViewBuilder::with_capacity(column.len());
    for bytes in column.as_fixed_size_binary() {
        let uuid = bytes.and_then(|bytes| Uuid::from_slice(bytes).ok());
        texts.append_option(uuid.map(|uuid| uuid.hyphenated().encode_lower(&mut text)));
    }
    Arc::new(texts.finish())
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryViewArray, Decimal128Array, DictionaryArray, FixedSizeBinaryArray, Int32Array};

    use super::*;

    fn texts(column: ArrayRef, spelling: Spelling) -> Option<Vec<Option<String>>> {
        let batch = RecordBatch::try_from_iter([("other", column.clone()), ("own", column)]).unwrap();
        let batch = spell(batch, &[(1, spelling)]).ok()?;
        assert_eq!(batch.schema().field(1).data_type(), batch.column(1).data_type());
        let plain = cast(&cast(batch.column(1), &DataType::Utf8View).unwrap(), &DataType::Utf8).unwrap();
        Some(plain.as_string::<i32>().iter().map(|text| text.map(str::to_owned)).collect())
    }

    fn bytes_in_both_forms(values: &[Option<&[u8]>]) -> [ArrayRef; 2] {
        let keys =
            Int32Array::from_iter(values.iter().enumerate().map(|(at, value)| value.map(|_| at as i32)));
        let distinct: BinaryArray = values.iter().map(|value| Some(value.unwrap_or_default())).collect();
        let dictionary = DictionaryArray::new(keys, Arc::new(distinct));
        [Arc::new(BinaryViewArray::from(values.to_vec())), Arc::new(dictionary)]
    }

    #[test]
    fn bytes_are_text_or_refused() {
        let long = "Sofia, ул. Шипка 6";
        let spelling = Spelling::Bytes { as_text: false };
        for column in bytes_in_both_forms(&[Some(b"c-1"), None, Some(long.as_bytes()), Some(b"")]) {
            let expected = ["c-1", "~", long, ""].map(|text| (text != "~").then(|| text.to_owned()));
            assert_eq!(texts(column, spelling).unwrap(), expected);
        }
        // Together they are text, but neither is.
        for broken in [&[Some(&b"\xff"[..])][..], &[Some(b"\xd0"), Some(b"\xa8")]] {
            for column in bytes_in_both_forms(broken) {
                assert_eq!(texts(column, spelling), None);
            }
        }
    }

    #[test]
    fn uuids_and_whole_decimals_are_written_out() {
        let uuid = [0x12_u8, 0xAB, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, 0xFF];
        let column = FixedSizeBinaryArray::try_from_sparse_iter_with_size([Some(uuid), None].into_iter(), 16);
        let expected = [Some("12ab0000-0000-4000-8000-0000000000ff".to_owned()), None];
        assert_eq!(texts(Arc::new(column.unwrap()), Spelling::Uuid).unwrap(), expected);

        let wide = 10_i128.pow(30) + 7;
        let column = Decimal128Array::from(vec![Some(7), Some(-12), None, Some(wide)]);
        let column: ArrayRef = Arc::new(column.with_precision_and_scale(38, 0).unwrap());
        let expected = [Some("7"), Some("-12"), None, Some("1000000000000000000000000000007")];
        assert_eq!(
            texts(column, Spelling::Digits).unwrap(),
            expected.map(|digits| digits.map(str::to_owned))
        );
    }
}
