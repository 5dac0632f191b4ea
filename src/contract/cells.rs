//! Cells of the small tables that hold money: read strictly, from Parquet and from CSV, where every cell is
//! text.

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::config::plan::{SourcePlan, Zone};
use crate::input::columns::{Amount, Amounts, LocalTimes, Number, minor_of_text, times};
use crate::input::decimal::Decimal;
use crate::input::open::{Located, Need};
use crate::input::{InputError, InputFile};

/// Finds the columns of a CSV batch, where every type is text.
///
/// # Errors
/// A column that is needed isn't there, or stands there twice.
pub fn locate_in_csv(
    source: &SourcePlan,
    file: &InputFile,
    batch: &RecordBatch,
    needs: &[Need],
) -> Result<Vec<Located>, InputError> {
    let schema = batch.schema();
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    needs
        .iter()
        .map(|need| {
            let physical = source.physical(&need.logical);
            let count = names.iter().filter(|name| *name == physical).count();
            if count > 1 {
                return Err(InputError::RepeatedColumn {
                    key: source.key.clone(),
                    path: file.path.clone(),
                    logical: need.logical.clone(),
                    physical: physical.to_owned(),
                    count,
                });
            }
            if let Some(at) = names.iter().position(|name| name == physical) {
                Ok(Located::Column(at, DataType::Utf8))
            } else if let Some(constant) = source.constants.get(&need.logical) {
                Ok(Located::Constant(Some(constant.clone())))
            } else if let Some((_, value)) = file.hive.iter().find(|(name, _)| name == physical) {
                Ok(Located::Constant(value.clone()))
            } else if need.required || source.columns.contains_key(&need.logical) {
                Err(InputError::MissingColumn {
                    key: source.key.clone(),
                    path: file.path.clone(),
                    logical: need.logical.clone(),
                    physical: physical.to_owned(),
                    available: names.clone(),
                })
            } else {
                Ok(Located::Absent)
            }
        })
        .collect()
}

/// A batch of a small table, and where it comes from.
#[derive(Debug, Clone, Copy)]
pub struct SmallBatch<'a> {
    /// The source in the configuration.
    pub source: &'a SourcePlan,
    /// The file.
    pub file: &'a InputFile,
    /// Where the batch has its columns.
    pub located: &'a [Located],
    /// The rows.
    pub batch: &'a RecordBatch,
    /// Row of the file that the batch begins with, from 0.
    pub first_row: u64,
}

impl SmallBatch<'_> {
    /// That a cell can't be used.
    pub(super) fn bad(&self, need: &str, row: usize, reason: String) -> InputError {
        InputError::BadCell {
            path: self.file.path.clone(),
            row: self.row(row),
            column: self.source.physical(need).to_owned(),
            reason,
        }
    }

    /// That the file has no column for what is needed.
    pub(super) fn lacks(&self, need: &str) -> InputError {
        InputError::MissingColumn {
            key: self.source.key.clone(),
            path: self.file.path.clone(),
            logical: need.to_owned(),
            physical: self.source.physical(need).to_owned(),
            available: self.batch.schema().fields().iter().map(|field| field.name().clone()).collect(),
        }
    }

    /// Number of a row in its file, as people count: from 1.
    pub(super) fn row(&self, row: usize) -> u64 {
        self.first_row + row as u64 + 1
    }

    /// What the decoder's complaint means for the file.
    pub(super) fn unreadable(&self, error: &ArrowError) -> InputError {
        InputError::Unreadable { path: self.file.path.clone(), format: "Parquet", reason: error.to_string() }
    }

    /// The days of a column of dates, or why a row has none.
    pub(super) fn days(&self, need: usize, zone: &Zone) -> Result<Vec<Day>, InputError> {
        days(&self.located[need], self.batch, zone).map_err(|error| self.unreadable(&error))
    }

    /// A column of numbers.
    pub(super) fn numbers(&self, need: usize) -> Result<Numbers, InputError> {
        Numbers::of(&self.located[need], self.batch).map_err(|error| self.unreadable(&error))
    }

    /// The day of a row, or that it has none.
    pub(super) fn day(&self, need: &str, row: usize, day: &Day) -> Result<i32, InputError> {
        match day {
            Ok(Some(day)) => Ok(*day),
            Ok(None) => Err(self.bad(need, row, "the date is empty".to_owned())),
            Err(form) => {
                Err(self.bad(need, row, format!("text of the form `{form}` is not a date like 2026-04-01")))
            }
        }
    }
}

/// A column of numbers, in CSV still text.
pub(super) enum Numbers {
    Text(StringArray),
    Typed(Amounts),
}

impl Numbers {
    fn of(located: &Located, batch: &RecordBatch) -> Result<Self, ArrowError> {
        Ok(match located {
            Located::Column(column, DataType::Utf8) => {
                Numbers::Text(batch.column(*column).as_string::<i32>().clone())
            }
            // A constant is read as it is written, whatever its unit.
            place => Numbers::Typed(Amounts::of(place, batch, 1)?),
        })
    }

    /// In units of which so many make a whole one, half to even.
    pub(super) fn get(&self, row: usize, per_unit: i64) -> Amount {
        match self {
            Numbers::Text(texts) if texts.is_valid(row) => minor_of_text(texts.value(row), per_unit),
            Numbers::Text(_) => Amount::Null,
            Numbers::Typed(Amounts::Constant(_, number)) => number.convert(Some(Decimal::ONE), per_unit),
            Numbers::Typed(amounts) => amounts.get(row, per_unit),
        }
    }

    /// As it is written.
    pub(super) fn number(&self, row: usize) -> Number {
        match self {
            Numbers::Text(texts) if texts.is_valid(row) => Number::of_text(texts.value(row)),
            Numbers::Text(_) => Number::Null,
            Numbers::Typed(amounts) => amounts.number(row),
        }
    }

    /// The form of what stands in the cell, as part of a sentence, where it is known.
    pub(super) fn form(&self, row: usize) -> String {
        match (self, self.number(row)) {
            (Numbers::Text(texts), _) => format!(" of the form `{}`", form(texts.value(row))),
            (Numbers::Typed(_), Number::Exact(number)) => {
                format!(" of the form `{}`", form(&number.to_string()))
            }
            (Numbers::Typed(_), _) => String::new(),
        }
    }

    /// What stands in the cell, with a blank before it, where it is known: for files in which no customer can be.
    pub(super) fn written(&self, row: usize) -> String {
        match (self, self.number(row)) {
            (Numbers::Text(texts), _) => format!(" `{}`", texts.value(row)),
            (Numbers::Typed(_), Number::Exact(number)) => format!(" `{number}`"),
            (Numbers::Typed(_), _) => String::new(),
        }
    }
}

/// At most so much of a form is shown.
const LONGEST_FORM: usize = 24;

/// How a text is built, for messages: they must not quote a cell, for a column that was mixed up may hold anything. A
/// digit reads as 9, a letter as a; what parts them stays.
pub(super) fn form(text: &str) -> String {
    let mut form: String = text
        .chars()
        .take(LONGEST_FORM)
        .map(|letter| match letter {
            letter if letter.is_numeric() => '9',
            letter if letter.is_alphabetic() => 'a',
            letter if letter.is_ascii_graphic() || letter == ' ' => letter,
            _ => '?',
        })
        .collect();
    if text.chars().nth(LONGEST_FORM).is_some() {
        form.push('…');
    }
    form
}

/// A currency as messages show it: codes as they are, anything else by its form.
pub(super) fn shown_currency(code: &str) -> String {
    let is_code = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_code { code.to_owned() } else { form(code) }
}

/// Days since 1970-01-01; None for null, for text that is no date its form as Err.
pub(super) type Day = Result<Option<i32>, String>;

fn days(located: &Located, batch: &RecordBatch, zone: &Zone) -> Result<Vec<Day>, ArrowError> {
    let parse = |text: &str| -> Day {
        let date: jiff::civil::Date = text.trim().parse().map_err(|_| form(text))?;
        Ok(Some(day_of(date)))
    };
    let column = match located {
        Located::Constant(Some(text)) => return Ok(vec![parse(text); batch.num_rows()]),
        Located::Constant(None) | Located::Absent => return Ok(vec![Ok(None); batch.num_rows()]),
        Located::Column(at, _) => batch.column(*at),
    };
    Ok(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().iter().map(|text| text.map_or(Ok(None), parse)).collect(),
        DataType::Timestamp(_, Some(_)) => {
            let instants = times(located, batch, None)?;
            instants
                .iter()
                .map(|instant| {
                    Ok(instant
                        .and_then(|us| jiff::Timestamp::from_microsecond(us).ok())
                        .map(|instant| day_of(instant.to_zoned(zone.zone.clone()).date())))
                })
                .collect()
        }
        // A naive time is local already: its date is its day.
        DataType::Timestamp(_, None) => {
            let mut utc = LocalTimes::new(&Zone { name: "UTC".to_owned(), zone: jiff::tz::TimeZone::UTC });
            let instants = times(located, batch, Some(&mut utc))?;
            instants
                .iter()
                .map(
                    |us| Ok(us.and_then(|us| i32::try_from(us.div_euclid(crate::config::plan::DAY_US)).ok())),
                )
                .collect()
        }
        _ => cast(column, &DataType::Date32)?.as_primitive::<Date32Type>().iter().map(Ok).collect(),
    })
}

/// Days since 1970-01-01.
pub fn day_of(date: jiff::civil::Date) -> i32 {
    date.since(jiff::civil::date(1970, 1, 1)).map_or(0, |span| span.get_days())
}

/// The date that so many days after 1970-01-01 is, as in `2026-04-01`.
pub fn written_day(day: i32) -> String {
    let date = jiff::civil::date(1970, 1, 1).checked_add(jiff::Span::new().days(day));
    date.map_or_else(|_| format!("day {day}"), |date| date.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_tells_no_value() {
        for (text, wanted) in [
            ("01.04.2026", "99.99.9999"),
            ("-1 234,50 €", "-9 999,99 ?"),
            ("Bob@Example.org", "aaa@aaaaaaa.aaa"),
            ("4111111111111111111111111", "999999999999999999999999…"),
            ("a\nb", "a?a"),
        ] {
            assert_eq!(form(text), wanted);
        }
        assert_eq!((shown_currency("USX"), shown_currency("bob@x")), ("USX".to_owned(), "aaa@a".to_owned()));
    }
}
