//! Typed views on decoded columns: ids, texts, times, amounts and dates of whatever type the file has.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, Int32Array, Int64Array, PrimitiveArray, StringArray, StringViewArray,
    UInt64Array,
};
use arrow::compute::cast;
use arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int32Type, Int64Type,
    TimeUnit, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType, UInt64Type,
};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use hashbrown::HashMap;

use crate::config::plan::{DAY_US, Zone};

use super::decimal::Decimal;
use super::open::Located;

/// Amounts beyond this many minor units can't be told apart in a double and aren't money.
const MAX_MINOR: f64 = 9.0e15;

/// A column of ids.
#[derive(Debug)]
pub enum Ids {
    /// Text.
    Text(StringViewArray),
    /// Signed integers.
    Int(Int64Array),
    /// Unsigned integers.
    UInt(UInt64Array),
    /// The same for all rows.
    Constant(Option<String>),
}

impl Ids {
    /// Of a located column.
    pub fn of(located: &Located, batch: &RecordBatch) -> Result<Self, ArrowError> {
        Ok(match located {
            Located::Column(at, _) => {
                let column = batch.column(*at);
                match column.data_type() {
                    DataType::Utf8View => Ids::Text(column.as_string_view().clone()),
                    // A rule looks at the ids too, and they are decoded as it needs them.
                    DataType::Dictionary(_, _) => {
                        Ids::Text(cast(column, &DataType::Utf8View)?.as_string_view().clone())
                    }
                    DataType::UInt64 => Ids::UInt(column.as_primitive::<UInt64Type>().clone()),
                    _ => Ids::Int(cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
                }
            }
            Located::Constant(value) => Ids::Constant(value.clone()),
            Located::Absent => Ids::Constant(None),
        })
    }

    /// The id as text; None for null and for empty text.
    #[inline]
    pub fn get<'a>(&'a self, row: usize, digits: &'a mut itoa::Buffer) -> Option<&'a [u8]> {
        let text = match self {
            Ids::Text(column) => column.is_valid(row).then(|| column.value(row).as_bytes()),
            Ids::Int(column) => column.is_valid(row).then(|| digits.format(column.value(row)).as_bytes()),
            Ids::UInt(column) => column.is_valid(row).then(|| digits.format(column.value(row)).as_bytes()),
            Ids::Constant(value) => value.as_deref().map(str::as_bytes),
        };
        text.filter(|text| !text.is_empty())
    }
}

/// A column of texts with few different values.
#[derive(Debug)]
pub enum Texts {
    /// Keys into values.
    Dictionary {
        /// Null where the row is null.
        keys: Int32Array,
        /// Distinct, or nearly so.
        values: StringArray,
    },
    /// The same for all rows.
    Constant(Option<String>),
}

impl Texts {
    /// Of a located column.
    pub fn of(located: &Located, batch: &RecordBatch) -> Result<Self, ArrowError> {
        let at = match located {
            Located::Column(at, _) => *at,
            Located::Constant(value) => return Ok(Texts::Constant(value.clone())),
            Located::Absent => return Ok(Texts::Constant(None)),
        };
        let dictionary_type = DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8));
        let column = batch.column(at);
        let column: ArrayRef = if *column.data_type() == dictionary_type {
            Arc::clone(column)
        } else {
            cast(&cast(column, &DataType::Utf8)?, &dictionary_type)?
        };
        let dictionary = column.as_dictionary::<Int32Type>();
        Ok(Texts::Dictionary {
            keys: dictionary.keys().clone(),
            values: dictionary.values().as_string::<i32>().clone(),
        })
    }

    /// Text of a row; None for null and for empty text.
    pub fn get(&self, row: usize) -> Option<&str> {
        let text = match self {
            Texts::Dictionary { keys, values } => {
                let key = keys.is_valid(row).then(|| keys.value(row) as usize)?;
                values.is_valid(key).then(|| values.value(key))
            }
            Texts::Constant(value) => value.as_deref(),
        };
        text.filter(|text| !text.is_empty())
    }
}

/// Turns local times of one zone into instants, looking each quarter of an hour up once.
#[derive(Debug)]
pub struct LocalTimes {
    zone: Zone,
    offsets_us: HashMap<i64, i64, foldhash::fast::FixedState>,
}

const QUARTER_US: i64 = 900_000_000;

impl LocalTimes {
    /// For a zone.
    pub fn new(zone: &Zone) -> Self {
        Self { zone: zone.clone(), offsets_us: HashMap::default() }
    }

    /// The instant of a local time, both in µs. A time that a clock change skips or repeats is read with
    /// the offset before the change.
    pub fn instant_us(&mut self, local_us: i64) -> Option<i64> {
        let quarter = local_us.div_euclid(QUARTER_US);
        let offset = match self.offsets_us.get(&quarter) {
            Some(offset) => *offset,
            None => {
                let local = jiff::Timestamp::from_microsecond(quarter.checked_mul(QUARTER_US)?).ok()?;
                let civil = local.to_zoned(jiff::tz::TimeZone::UTC).datetime();
                let zoned = self.zone.zone.to_ambiguous_zoned(civil).compatible().ok()?;
                let offset = quarter * QUARTER_US - zoned.timestamp().as_microsecond();
                self.offsets_us.insert(quarter, offset);
                offset
            }
        };
        local_us.checked_sub(offset)
    }
}

/// Instants in µs; null where the file is null or the instant doesn't fit.
pub fn times(
    located: &Located,
    batch: &RecordBatch,
    local: Option<&mut LocalTimes>,
) -> Result<PrimitiveArray<TimestampMicrosecondType>, ArrowError> {
    let Located::Column(at, _) = located else {
        return Ok(PrimitiveArray::new_null(batch.num_rows()));
    };
    let column = batch.column(*at);
    let (micros, naive): (PrimitiveArray<TimestampMicrosecondType>, bool) = match column.data_type() {
        DataType::Timestamp(unit, zone) => {
            let micros = match unit {
                TimeUnit::Second => column
                    .as_primitive::<TimestampSecondType>()
                    .unary_opt(|value| value.checked_mul(1_000_000)),
                TimeUnit::Millisecond => column
                    .as_primitive::<TimestampMillisecondType>()
                    .unary_opt(|value| value.checked_mul(1_000)),
                TimeUnit::Microsecond => column.as_primitive::<TimestampMicrosecondType>().clone(),
                TimeUnit::Nanosecond => {
                    column.as_primitive::<TimestampNanosecondType>().unary(|value| value.div_euclid(1_000))
                }
            };
            (micros, zone.is_none())
        }
        _ => {
            let dates = cast(column, &DataType::Date32)?;
            (dates.as_primitive::<Date32Type>().unary(|day| i64::from(day) * DAY_US), true)
        }
    };
    match local {
        Some(local) if naive => {
            Ok(micros.iter().map(|value| value.and_then(|value| local.instant_us(value))).collect())
        }
        _ => Ok(micros),
    }
}

/// A number as money or as a count.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Null.
    Null,
    /// Minor units.
    Minor(i64),
    /// NaN, infinite or too large.
    Unusable,
    /// In another currency, and nothing says what that was worth on the day.
    NoRate,
}

/// A number as it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Number {
    /// Null.
    Null,
    /// With all its digits.
    Exact(Decimal),
    /// NaN, infinite or too large.
    Unusable,
}

impl Number {
    /// Of text; empty text is null.
    pub fn of_text(text: &str) -> Self {
        let text = text.trim();
        if text.is_empty() { Number::Null } else { Self::of(Decimal::parse(text)) }
    }

    fn of(decimal: Option<Decimal>) -> Self {
        decimal.map_or(Number::Unusable, Number::Exact)
    }

    /// The number as money in another currency, at the rate of its day, half to even. Nothing is nothing in
    /// every currency, also without a rate.
    pub fn convert(self, rate: Option<Decimal>, minor_per_unit: i64) -> Amount {
        match (self, rate) {
            (Number::Null, _) => Amount::Null,
            (Number::Unusable, _) => Amount::Unusable,
            (Number::Exact(number), _) if number.is_zero() => Amount::Minor(0),
            (Number::Exact(_), None) => Amount::NoRate,
            (Number::Exact(number), Some(rate)) => bounded(number.product(rate, minor_per_unit)),
        }
    }
}

/// A column of amounts.
#[derive(Debug)]
pub enum Amounts {
    /// Integers, in whole units.
    Int(Int64Array),
    /// Floats, in units.
    Float(PrimitiveArray<Float64Type>),
    /// Decimals with their scale.
    Decimal(PrimitiveArray<Decimal128Type>, i8),
    /// The same for all rows, also as it is written.
    Constant(Amount, Number),
    /// Already in minor units of the reporting currency.
    Converted(Vec<Amount>),
}

impl Amounts {
    /// Null in every row.
    pub const NULL: Amounts = Amounts::Constant(Amount::Null, Number::Null);

    /// Of a located column. A constant is read as text.
    pub fn of(located: &Located, batch: &RecordBatch, minor_per_unit: i64) -> Result<Self, ArrowError> {
        let at = match located {
            Located::Column(at, _) => *at,
            Located::Constant(Some(text)) => {
                let amount = minor_of_text(text, minor_per_unit);
                return Ok(Amounts::Constant(amount, Number::of_text(text)));
            }
            Located::Constant(None) | Located::Absent => return Ok(Amounts::NULL),
        };
        let column = batch.column(at);
        Ok(match column.data_type() {
            DataType::Decimal32(_, scale)
            | DataType::Decimal64(_, scale)
            | DataType::Decimal128(_, scale) => {
                let wide = cast(column, &DataType::Decimal128(38, *scale))?;
                Amounts::Decimal(wide.as_primitive::<Decimal128Type>().clone(), *scale)
            }
            // Its shortest decimal is not that of the same number in 64 bits.
            DataType::Float32 => Amounts::Float(
                column
                    .as_primitive::<Float32Type>()
                    .unary(|value| value.to_string().parse().unwrap_or(f64::NAN)),
            ),
            // An unsigned number that doesn't fit would become null without a word.
            found if found.is_floating() || *found == DataType::UInt64 => {
                Amounts::Float(cast(column, &DataType::Float64)?.as_primitive::<Float64Type>().clone())
            }
            _ => Amounts::Int(cast(column, &DataType::Int64)?.as_primitive::<Int64Type>().clone()),
        })
    }

    /// Hands each of so many rows that isn't null to `take`, with its amount, in order.
    #[inline]
    pub fn for_each(&self, rows: usize, minor_per_unit: i64, mut take: impl FnMut(usize, Amount)) {
        match self {
            Amounts::Int(column) => for_each_valid(column, |row, value| {
                take(row, bounded(value.checked_mul(minor_per_unit)));
            }),
            Amounts::Float(column) => for_each_valid(column, |row, value| {
                take(row, minor_of_float(value, minor_per_unit));
            }),
            Amounts::Decimal(column, scale) => for_each_valid(column, |row, value| {
                take(row, minor_of_decimal(value, *scale, minor_per_unit));
            }),
            Amounts::Constant(Amount::Null, _) => {}
            Amounts::Constant(amount, _) => (0..rows).for_each(|row| take(row, *amount)),
            Amounts::Converted(amounts) => {
                let filled = amounts.iter().enumerate().filter(|(_, amount)| **amount != Amount::Null);
                filled.for_each(|(row, amount)| take(row, *amount));
            }
        }
    }

    /// What is written in a row; of converted amounts that isn't known any more.
    pub fn number(&self, row: usize) -> Number {
        match self {
            Amounts::Int(column) if column.is_valid(row) => {
                Number::of(Decimal::new(i128::from(column.value(row)), 0))
            }
            Amounts::Float(column) if column.is_valid(row) => {
                Number::of(Decimal::of_float(column.value(row)))
            }
            Amounts::Decimal(column, scale) if column.is_valid(row) => {
                Number::of(Decimal::new(column.value(row), i64::from(*scale)))
            }
            Amounts::Constant(_, number) => *number,
            _ => Number::Null,
        }
    }

    /// Amount of a row.
    #[inline]
    pub fn get(&self, row: usize, minor_per_unit: i64) -> Amount {
        match self {
            Amounts::Int(column) if column.is_valid(row) => {
                bounded(column.value(row).checked_mul(minor_per_unit))
            }
            Amounts::Float(column) if column.is_valid(row) => {
                minor_of_float(column.value(row), minor_per_unit)
            }
            Amounts::Decimal(column, scale) if column.is_valid(row) => {
                minor_of_decimal(column.value(row), *scale, minor_per_unit)
            }
            Amounts::Constant(amount, _) => *amount,
            Amounts::Converted(amounts) => amounts[row],
            _ => Amount::Null,
        }
    }
}

fn for_each_valid<T: ArrowPrimitiveType>(column: &PrimitiveArray<T>, mut take: impl FnMut(usize, T::Native)) {
    let values = column.values();
    match column.nulls() {
        None => values.iter().enumerate().for_each(|(row, value)| take(row, *value)),
        Some(nulls) => nulls.valid_indices().for_each(|row| take(row, values[row])),
    }
}

#[inline]
fn bounded(minor: Option<i64>) -> Amount {
    minor.filter(|minor| minor.unsigned_abs() < MAX_MINOR as u64).map_or(Amount::Unusable, Amount::Minor)
}

/// 1.5 · 2⁵². A double of that size has no fraction, so adding it to a smaller one and taking it away again
/// rounds that one half to even.
const NO_FRACTION: f64 = 6_755_399_441_055_744.0;

/// Below this many minor units neither a float nor its product is off by more than 2⁻¹³ of one: a part of less
/// than [`SURE`] beside the nearest integer is rounded as its shortest decimal is.
const SURELY_BELOW: f64 = 1e12;
const SURE: f64 = 0.499;

/// Minor units of a float, which counts as its shortest decimal, half to even.
#[inline(always)]
pub fn minor_of_float(value: f64, minor_per_unit: i64) -> Amount {
    let minor = value * minor_per_unit as f64;
    // Two additions instead of a call.
    let nearest = minor + NO_FRACTION - NO_FRACTION;
    if minor.abs() < SURELY_BELOW && (minor - nearest).abs() < SURE {
        return Amount::Minor(nearest as i64);
    }
    minor_as_written(value, minor_per_unit)
}

/// As [`minor_of_float`], of amounts that are huge or about half a minor unit off.
#[cold]
fn minor_as_written(value: f64, minor_per_unit: i64) -> Amount {
    bounded(Decimal::of_float(value).and_then(|decimal| decimal.product(Decimal::ONE, minor_per_unit)))
}

fn minor_of_decimal(value: i128, scale: i8, minor_per_unit: i64) -> Amount {
    let scaled = value.checked_mul(i128::from(minor_per_unit));
    let minor = match u32::try_from(scale) {
        Ok(scale) => scaled.zip(10_i128.checked_pow(scale)).map(|(scaled, divisor)| {
            let floor = scaled.div_euclid(divisor);
            let twice = scaled.rem_euclid(divisor) * 2;
            floor + i128::from(twice > divisor || twice == divisor && floor & 1 == 1)
        }),
        Err(_) => scaled
            .zip(10_i128.checked_pow(u32::from(scale.unsigned_abs())))
            .and_then(|(a, b)| a.checked_mul(b)),
    };
    bounded(minor.and_then(|minor| i64::try_from(minor).ok()))
}

/// Minor units of a decimal number as text, exact, half to even.
pub fn minor_of_text(text: &str, minor_per_unit: i64) -> Amount {
    let text = text.trim();
    if text.is_empty() {
        return Amount::Null;
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = !(whole.is_empty() && fraction.is_empty())
        && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit())
        && whole.len() + fraction.len() <= 30;
    if !plain {
        // Exponents and the like are read as floats.
        return text.parse::<f64>().map_or(Amount::Unusable, |value| minor_of_float(value, minor_per_unit));
    }
    match format!("{whole}{fraction}").parse::<i128>() {
        Ok(number) => minor_of_decimal(sign * number, fraction.len() as i8, minor_per_unit),
        Err(_) => Amount::Unusable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_rounded_once_half_to_even() {
        for (text, minor) in [
            ("12.34", Amount::Minor(1_234)),
            ("-0.005", Amount::Minor(0)),
            ("0.015", Amount::Minor(2)),
            ("0.025", Amount::Minor(2)),
            ("1e2", Amount::Minor(10_000)),
            ("7", Amount::Minor(700)),
            ("", Amount::Null),
            ("12,5", Amount::Unusable),
            ("99999999999999999999", Amount::Unusable),
        ] {
            assert_eq!(minor_of_text(text, 100), minor, "{text}");
        }
        assert_eq!(minor_of_float(f64::NAN, 100), Amount::Unusable);
        assert_eq!(minor_of_float(f64::INFINITY, 100), Amount::Unusable);
        assert_eq!(minor_of_float(19.99, 100), Amount::Minor(1_999));
        // Times a hundred in binary these are no halves any more, or only then.
        for thousandths in (5_i64..2_000_000).step_by(10) {
            let value: f64 = format!("{}.{:03}", thousandths / 1_000, thousandths % 1_000).parse().unwrap();
            let decimal = minor_of_decimal(i128::from(thousandths), 3, 100);
            assert_eq!(minor_of_float(value, 100), decimal, "{value}");
            assert_eq!(
                minor_of_float(-value, 100),
                minor_of_decimal(-i128::from(thousandths), 3, 100),
                "{value}"
            );
        }
        for n in -2_000_i64..2_000 {
            for value in [n as f64 / 2.0, n as f64 / 100.0, n as f64 * 1e6 + 0.5, n as f64 * 1e9 + 0.5] {
                let minor = (value * 100.0).round_ties_even() as i64;
                assert_eq!(minor_of_float(value, 100), Amount::Minor(minor), "{value}");
                assert_eq!(
                    minor_of_float(value, 1),
                    Amount::Minor(value.round_ties_even() as i64),
                    "{value}"
                );
            }
        }
        assert_eq!(minor_of_decimal(12_345, 3, 100), Amount::Minor(1_234), "12.345 to the even cent");
        assert_eq!(minor_of_decimal(5, -2, 100), Amount::Minor(50_000));
    }

    #[test]
    fn amounts_are_the_same_one_by_one_and_all_together() {
        let integers = Int64Array::from(vec![Some(3), None, Some(-4), Some(i64::MAX), None]);
        let floats = PrimitiveArray::<Float64Type>::from(vec![1.25, f64::NAN, -0.5, 1e300, 0.0]);
        let decimals = PrimitiveArray::<Decimal128Type>::from(vec![None, Some(12_345), Some(5), None, None]);
        for amounts in [
            Amounts::Int(integers.clone()),
            Amounts::Int(integers.slice(1, 4)),
            Amounts::Float(floats),
            Amounts::Decimal(decimals, 3),
            Amounts::Constant(Amount::Minor(7), Number::of_text("0.07")),
            Amounts::NULL,
            Amounts::Converted(vec![
                Amount::Minor(3),
                Amount::Null,
                Amount::NoRate,
                Amount::Null,
                Amount::Unusable,
            ]),
        ] {
            let rows = if let Amounts::Int(column) = &amounts { column.len() } else { 5 };
            let mut found = vec![Amount::Null; rows];
            let mut last = None;
            amounts.for_each(rows, 100, |row, amount| {
                assert!(last.replace(row) < Some(row), "in order");
                found[row] = amount;
            });
            let wanted: Vec<Amount> = (0..rows).map(|row| amounts.get(row, 100)).collect();
            assert_eq!(found, wanted, "{amounts:?}");
        }
    }

    #[test]
    fn local_times_follow_the_clock_changes() {
        let zone =
            Zone { name: "Europe/Sofia".into(), zone: jiff::tz::TimeZone::get("Europe/Sofia").unwrap() };
        let mut local = LocalTimes::new(&zone);
        let civil = |text: &str| {
            let date: jiff::civil::DateTime = text.parse().unwrap();
            date.to_zoned(jiff::tz::TimeZone::UTC).unwrap().timestamp().as_microsecond()
        };
        let hours = |one: i64, other: i64| (one - other) as f64 / 3.6e9;
        let winter = civil("2026-01-15T12:00:00");
        assert_eq!(hours(winter, local.instant_us(winter).unwrap()), 2.0);
        let summer = civil("2026-07-15T12:00:00");
        assert_eq!(hours(summer, local.instant_us(summer).unwrap()), 3.0);
        // 2026-03-29 03:00 doesn't exist in Sofia, 2026-10-25 03:30 exists twice.
        let skipped = civil("2026-03-29T03:30:00");
        assert_eq!(hours(skipped, local.instant_us(skipped).unwrap()), 2.0);
        let repeated = civil("2026-10-25T03:30:00");
        assert_eq!(hours(repeated, local.instant_us(repeated).unwrap()), 3.0);
    }
}
