//! Spend: a ledger of money, so every row counts or the run stops.

use arrow::array::{Array, AsArray, StringArray};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Date32Type};
use arrow::record_batch::RecordBatch;

use crate::config::plan::{SourcePlan, Zone};
use crate::input::columns::{Amount, Amounts, LocalTimes, Texts, minor_of_text, times};
use crate::input::open::{Located, Need, Role};
use crate::input::{InputError, InputFile};
use crate::journey::rules::NO_CHANNEL;

/// More impressions or clicks of a channel on a day than there can be.
const MAX_COUNT: i64 = 1_000_000_000_000;

/// One row of the spend log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpendRow {
    /// Days since 1970-01-01, in local dates.
    pub day: i32,
    /// [`NO_CHANNEL`] where the file has none.
    pub channel: String,
    /// None: none.
    pub campaign: Option<String>,
    /// Minor units.
    pub cost_minor: i64,
    /// None: not in the file.
    pub impressions: Option<i64>,
    /// None: not in the file.
    pub clicks: Option<i64>,
}

/// Needs of the spend log, in the order in which [`read`] expects them.
pub fn spend_needs() -> Vec<Need> {
    vec![
        Need::required("date", Role::Date),
        Need::required("cost", Role::Number),
        Need::optional("impressions", Role::Number),
        Need::optional("clicks", Role::Number),
        Need::required("channel", Role::Text),
        Need::optional("campaign", Role::Text),
    ]
}

/// Finds the columns of a CSV batch, where every type is text.
pub fn locate_in_csv(
    source: &SourcePlan,
    file: &InputFile,
    batch: &RecordBatch,
) -> Result<Vec<Located>, InputError> {
    let schema = batch.schema();
    let names: Vec<String> = schema.fields().iter().map(|field| field.name().clone()).collect();
    spend_needs()
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

/// Reads a batch; `first_row` is the number of its first row in the file, from 0.
pub fn read(
    source: &SourcePlan,
    file: &InputFile,
    located: &[Located],
    batch: &RecordBatch,
    first_row: u64,
    minor_per_unit: i64,
    job_zone: &Zone,
) -> Result<Vec<SpendRow>, InputError> {
    let bad = |need: &str, row: usize, reason: String| InputError::BadCell {
        path: file.path.clone(),
        row: first_row + row as u64 + 1,
        column: source.physical(need).to_owned(),
        reason,
    };
    let cast_error = |error: arrow::error::ArrowError| InputError::Unreadable {
        path: file.path.clone(),
        format: "Parquet",
        reason: error.to_string(),
    };
    let channels = Texts::of(&located[4], batch).map_err(cast_error)?;
    let campaigns = Texts::of(&located[5], batch).map_err(cast_error)?;
    let zone = source.timezone.as_ref().unwrap_or(job_zone);
    let days = days(&located[0], batch, zone).map_err(cast_error)?;
    let costs = Numbers::of(&located[1], batch, minor_per_unit).map_err(cast_error)?;
    let impressions = Numbers::of(&located[2], batch, 1).map_err(cast_error)?;
    let clicks = Numbers::of(&located[3], batch, 1).map_err(cast_error)?;
    let mut rows = Vec::with_capacity(batch.num_rows());
    for (row, day) in days.iter().enumerate() {
        let day = match day {
            Ok(Some(day)) => *day,
            Ok(None) => return Err(bad("date", row, "the date is empty".to_owned())),
            Err(text) => return Err(bad("date", row, format!("`{text}` is not a date like 2026-04-01"))),
        };
        let cost_minor = match costs.get(row) {
            Amount::Minor(minor) if minor >= 0 => minor,
            Amount::Minor(_) => {
                return Err(bad("cost", row, format!("the cost{} is negative", costs.written(row))));
            }
            Amount::Null => {
                return Err(bad(
                    "cost",
                    row,
                    "the cost is empty; write 0 where nothing was spent".to_owned(),
                ));
            }
            Amount::Unusable => {
                let reason = format!("the cost{} is not a number such as 1234.50", costs.written(row));
                return Err(bad("cost", row, reason));
            }
        };
        let count = |numbers: &Numbers, need: &str| match numbers.get(row) {
            Amount::Minor(count) if (0..=MAX_COUNT).contains(&count) => Ok(Some(count)),
            Amount::Null => Ok(None),
            _ => {
                let reason = format!("the count{} is negative or not a number", numbers.written(row));
                Err(bad(need, row, reason))
            }
        };
        rows.push(SpendRow {
            day,
            channel: channels.get(row).unwrap_or(NO_CHANNEL).to_owned(),
            campaign: campaigns.get(row).map(str::to_owned),
            cost_minor,
            impressions: count(&impressions, "impressions")?,
            clicks: count(&clicks, "clicks")?,
        });
    }
    Ok(rows)
}

/// A column of amounts, in CSV still text.
enum Numbers {
    Text(StringArray, i64),
    Typed(Amounts, i64),
}

impl Numbers {
    fn of(located: &Located, batch: &RecordBatch, scale: i64) -> Result<Self, arrow::error::ArrowError> {
        Ok(match located {
            Located::Column(column, DataType::Utf8) => {
                Numbers::Text(batch.column(*column).as_string::<i32>().clone(), scale)
            }
            place => Numbers::Typed(Amounts::of(place, batch, scale)?, scale),
        })
    }

    fn get(&self, row: usize) -> Amount {
        match self {
            Numbers::Text(texts, scale) if texts.is_valid(row) => minor_of_text(texts.value(row), *scale),
            Numbers::Text(..) => Amount::Null,
            Numbers::Typed(amounts, scale) => amounts.get(row, *scale),
        }
    }

    /// What stands in the cell, where it is text.
    fn written(&self, row: usize) -> String {
        match self {
            Numbers::Text(texts, _) => format!(" `{}`", texts.value(row)),
            Numbers::Typed(..) => String::new(),
        }
    }
}

type Day = Result<Option<i32>, String>;

fn days(located: &Located, batch: &RecordBatch, zone: &Zone) -> Result<Vec<Day>, arrow::error::ArrowError> {
    let parse = |text: &str| -> Day {
        let date: jiff::civil::Date = text.trim().parse().map_err(|_| text.to_owned())?;
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
