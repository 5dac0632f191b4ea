//! Exchange rates: what a unit of another currency was worth on a day, exact, or that nobody says.
//!
//! An amount converts at the rate of its own local day and is rounded once. A day without a rate has none:
//! neither the day before nor a mean stands in for it, for books that closed yesterday would not close again.

use std::collections::BTreeMap;
use std::path::PathBuf;

use arrow::array::Array;
use hashbrown::HashMap;

use crate::config::plan::{Currency, DAY_US, Zone};
use crate::config::unknown_currency;
use crate::input::InputError;
use crate::input::columns::{Amount, Amounts, Number, Texts};
use crate::input::decimal::Decimal;
use crate::input::open::{Need, Role};

use super::cells::{SmallBatch, form, shown_currency, written_day};

/// A rate is below ten to this power, and has at most so many decimals.
const MAX_RATE_DIGITS: u32 = 15;

const DATE: usize = 0;
const CURRENCY: usize = 1;
const RATE: usize = 2;

/// Needs of the rates, in the order in which [`read`] expects them.
pub fn rate_needs() -> Vec<Need> {
    vec![
        Need::required("date", Role::Date),
        Need::required("currency", Role::Text),
        Need::required("rate", Role::Number),
    ]
}

/// One row of the rates.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RateRow {
    /// Code of ISO 4217.
    pub currency: String,
    /// Days since 1970-01-01, in local dates.
    pub day: i32,
    /// Units of the reporting currency that one unit was worth.
    pub rate: Decimal,
    /// File, row from 1 and column, for messages.
    place: (PathBuf, u64, String),
}

/// Codes are told apart by their letters, not by their case: some systems write `usd`.
fn code_of(text: &str) -> String {
    text.trim().to_ascii_uppercase()
}

/// Reads a batch of rates.
///
/// # Errors
/// Every cell must be a date, a currency of ISO 4217, or a number above zero; the reporting currency is worth
/// one of itself.
pub fn read(batch: SmallBatch<'_>, currency: &Currency, zone: &Zone) -> Result<Vec<RateRow>, InputError> {
    let days = batch.days(DATE, zone)?;
    let codes = Texts::of(&batch.located[CURRENCY], batch.batch).map_err(|error| batch.unreadable(&error))?;
    let rates = batch.numbers(RATE)?;
    let row = |(row, day): (usize, &super::cells::Day)| {
        let day = batch.day("date", row, day)?;
        let code = codes.get(row).map(code_of).unwrap_or_default();
        if code.is_empty() {
            return Err(batch.bad("currency", row, "the currency is empty".to_owned()));
        }
        if shown_currency(&code) != code {
            let reason = format!("text of the form `{}` is no currency such as USD", form(&code));
            return Err(batch.bad("currency", row, reason));
        }
        if let Some(reason) = unknown_currency(&code) {
            return Err(batch.bad("currency", row, reason));
        }
        let written = rates.written(row);
        let rate = match rates.number(row) {
            Number::Exact(rate) if rate.is_positive_below(MAX_RATE_DIGITS, MAX_RATE_DIGITS) => rate,
            Number::Null => {
                let reason = format!("the rate of {code} is empty; leave the row out where there is none");
                return Err(batch.bad("rate", row, reason));
            }
            Number::Exact(_) | Number::Unusable => {
                let reason = format!(
                    "the rate{written} of {code} is not a number above zero such as 0.9215, with at most {MAX_RATE_DIGITS} decimals"
                );
                return Err(batch.bad("rate", row, reason));
            }
        };
        if code == currency.code && rate != Decimal::ONE {
            let reason =
                format!("the rate{written} of {code} is that of job.currency, which is worth 1 of itself");
            return Err(batch.bad("rate", row, reason));
        }
        let place = (batch.file.path.clone(), batch.row(row), batch.source.physical("rate").to_owned());
        Ok(RateRow { currency: code, day, rate, place })
    };
    days.iter().enumerate().map(row).collect()
}

/// The rates of a run.
#[derive(Debug, Clone)]
pub struct Rates {
    /// Of the tables.
    currency: Currency,
    /// Whether the configuration names any.
    configured: bool,
    codes: Vec<String>,
    /// By place in `codes` and day.
    by_day: HashMap<(u32, i32), Decimal>,
}

/// A currency as the rates know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// That of the tables.
    Own,
    /// Another one, that has rates.
    Other(u32),
    /// Another one that has none on any day.
    Unknown,
}

impl Rates {
    /// No rates: everything must be in the currency of the tables.
    pub fn none(currency: &Currency) -> Self {
        Self { currency: currency.clone(), configured: false, codes: Vec::new(), by_day: HashMap::new() }
    }

    /// Of rows in any order.
    ///
    /// # Errors
    /// A currency that has two different rates on a day.
    pub fn new(currency: &Currency, mut rows: Vec<RateRow>) -> Result<Self, InputError> {
        // Sorted, so that the message is the same whichever file came first.
        rows.sort_by(|one, other| {
            let key = |row: &RateRow| (row.currency.clone(), row.day, row.place.clone());
            key(one).cmp(&key(other))
        });
        let mut codes: BTreeMap<String, u32> = BTreeMap::new();
        let mut by_day = HashMap::with_capacity(rows.len());
        for RateRow { currency: code, day, rate, place: (path, row, column) } in rows {
            let next = codes.len() as u32;
            let at = *codes.entry(code.clone()).or_insert(next);
            match by_day.insert((at, day), rate) {
                Some(before) if before != rate => {
                    let date = written_day(day);
                    return Err(InputError::BadCell {
                        path,
                        row,
                        column,
                        reason: format!("{code} has two rates on {date}, {before} and {rate}"),
                    });
                }
                _ => {}
            }
        }
        // Rows came sorted by code, so that the places are those of the sorted codes.
        Ok(Self { currency: currency.clone(), configured: true, codes: codes.into_keys().collect(), by_day })
    }

    /// The currency of the tables.
    pub fn currency(&self) -> &Currency {
        &self.currency
    }

    /// Whether the configuration names rates; without them another currency is an error.
    pub fn are_configured(&self) -> bool {
        self.configured
    }

    /// The currency that a code names; none at all is that of the tables.
    pub fn quote(&self, code: Option<&str>) -> Quote {
        let Some(code) = code.map(code_of).filter(|code| !code.is_empty()) else { return Quote::Own };
        if code == self.currency.code {
            return Quote::Own;
        }
        self.codes.binary_search(&code).map_or(Quote::Unknown, |at| Quote::Other(at as u32))
    }

    /// What one unit was worth on a local day; None: nobody says.
    pub fn rate(&self, quote: Quote, day: i32) -> Option<Decimal> {
        match quote {
            Quote::Own => Some(Decimal::ONE),
            Quote::Other(at) => self.by_day.get(&(at, day)).copied(),
            Quote::Unknown => None,
        }
    }

    /// That an amount of the small tables can't be converted.
    pub(super) fn missing(&self, batch: SmallBatch<'_>, row: usize, code: &str, day: i32) -> InputError {
        let (path, row) = (batch.file.path.clone(), batch.row(row));
        let column = batch.source.physical("currency").to_owned();
        let (currency, job) = (shown_currency(&code_of(code)), self.currency.code.clone());
        if self.configured {
            InputError::MissingRate { path, row, column, currency, job, date: written_day(day) }
        } else {
            InputError::MixedCurrencies { path, row, column, currency, job }
        }
    }
}

/// Turns the amounts of batches into the currency of the tables.
#[derive(Debug)]
pub struct Exchange<'a> {
    rates: &'a Rates,
    days: LocalDays,
    /// Of the values of a dictionary.
    quotes: Vec<Quote>,
}

impl<'a> Exchange<'a> {
    /// By rates of local days in a zone.
    pub fn new(rates: &'a Rates, zone: &Zone) -> Self {
        Self { rates, days: LocalDays::new(zone), quotes: Vec::new() }
    }

    /// Converts those of so many amounts that are in another currency; the others are as they were.
    ///
    /// `currencies` and `instants`, in µs, are those of the same rows.
    pub fn convert(&mut self, amounts: Amounts, currencies: &Texts, instants: &[i64]) -> Amounts {
        let per_unit = self.rates.currency.minor_per_unit();
        let rates = self.rates;
        self.quotes.clear();
        match currencies {
            Texts::Constant(code) => self.quotes.push(rates.quote(code.as_deref())),
            Texts::Dictionary { values, .. } => {
                self.quotes.extend(values.iter().map(|code| rates.quote(code)));
            }
        }
        if self.quotes.iter().all(|quote| *quote == Quote::Own) {
            return amounts;
        }
        let (quotes, days) = (&self.quotes, &mut self.days);
        let quote_of = |row: usize| match currencies {
            Texts::Constant(_) => quotes[0],
            Texts::Dictionary { keys, .. } if keys.is_valid(row) => quotes[keys.value(row) as usize],
            Texts::Dictionary { .. } => Quote::Own,
        };
        let mut convert = |(row, instant_us): (usize, &i64)| match quote_of(row) {
            Quote::Own => amounts.get(row, per_unit),
            quote => match amounts.number(row) {
                Number::Null => Amount::Null,
                number => number.convert(rates.rate(quote, days.day(*instant_us)), per_unit),
            },
        };
        let converted: Vec<Amount> = instants.iter().enumerate().map(&mut convert).collect();
        Amounts::Converted(converted)
    }
}

/// Local days of instants in one zone, looking each quarter of an hour up once.
#[derive(Debug)]
struct LocalDays {
    zone: Zone,
    offsets_us: HashMap<i64, i64, foldhash::fast::FixedState>,
}

/// Clocks change at full quarters of an hour.
const QUARTER_US: i64 = 900_000_000;

impl LocalDays {
    fn new(zone: &Zone) -> Self {
        Self { zone: zone.clone(), offsets_us: HashMap::default() }
    }

    /// Days since 1970-01-01 of the local date at an instant; what is no instant lies on no day of a table.
    fn day(&mut self, instant_us: i64) -> i32 {
        let quarter = instant_us.div_euclid(QUARTER_US);
        let zone = &self.zone.zone;
        let offset_us = *self.offsets_us.entry(quarter).or_insert_with(|| {
            jiff::Timestamp::from_microsecond(quarter.saturating_mul(QUARTER_US))
                .map_or(0, |instant| i64::from(zone.to_offset(instant).seconds()) * 1_000_000)
        });
        let day = instant_us.saturating_add(offset_us).div_euclid(DAY_US);
        i32::try_from(day).unwrap_or(i32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use arrow::array::{DictionaryArray, Float64Array, StringArray};
    use arrow::datatypes::{Float64Type, Int32Type};

    use super::*;

    fn euro() -> Currency {
        Currency { code: "EUR".to_owned(), minor_digits: 2 }
    }

    fn row(currency: &str, day: i32, rate: &str) -> RateRow {
        let rate = Decimal::parse(rate).expect("a rate");
        RateRow {
            currency: currency.to_owned(),
            day,
            rate,
            place: (PathBuf::from("fx.csv"), 1, "rate".into()),
        }
    }

    fn texts(rows: &[Option<&str>]) -> Texts {
        let dictionary: DictionaryArray<Int32Type> = rows.iter().copied().collect();
        Texts::Dictionary {
            keys: dictionary.keys().clone(),
            values: StringArray::from(dictionary.values().to_data()),
        }
    }

    fn zone(name: &str) -> Zone {
        Zone { name: name.to_owned(), zone: jiff::tz::TimeZone::get(name).expect("a zone") }
    }

    fn instant_us(text: &str) -> i64 {
        text.parse::<jiff::Timestamp>().expect("an instant").as_microsecond()
    }

    fn day(text: &str) -> i32 {
        super::super::cells::day_of(text.parse().expect("a date"))
    }

    #[test]
    fn an_amount_converts_at_the_rate_of_its_local_day() {
        let first = day("2026-03-29");
        let rates = Rates::new(&euro(), vec![row("USD", first + 1, "0.93"), row("USD", first, "0.92")]);
        let rates = rates.expect("rates");
        // Clocks in Sofia go from 03:00 to 04:00 on that Sunday: it begins at 22:00 UTC and ends at 21:00.
        let instants =
            ["2026-03-28T21:59:59Z", "2026-03-28T22:00:00Z", "2026-03-29T20:59:59Z", "2026-03-29T21:00:00Z"];
        let instants = instants.map(instant_us);
        let values = Float64Array::from(vec![100.0; 4]);
        let amounts = Amounts::Float(values.clone());
        let mut exchange = Exchange::new(&rates, &zone("Europe/Sofia"));
        let converted = exchange.convert(amounts, &texts(&[Some("usd"); 4]), &instants);
        let found: Vec<Amount> = (0..4).map(|row| converted.get(row, 100)).collect();
        assert_eq!(found, [Amount::NoRate, Amount::Minor(9_200), Amount::Minor(9_200), Amount::Minor(9_300)]);
    }

    #[test]
    fn only_other_currencies_are_converted() {
        let rates = Rates::new(&euro(), vec![row("USD", 0, "0.5")]).expect("rates");
        let mut exchange = Exchange::new(&rates, &zone("UTC"));
        let amounts = || {
            Amounts::Float(arrow::array::PrimitiveArray::<Float64Type>::from(vec![
                Some(0.03),
                Some(0.03),
                None,
                Some(0.0),
                Some(f64::NAN),
                Some(1.0),
            ]))
        };
        let own = exchange.convert(
            amounts(),
            &texts(&[None, Some("EUR"), Some("eur "), None, None, None]),
            &[0; 6],
        );
        assert!(matches!(own, Amounts::Float(_)), "nothing to do");
        let codes = [Some("EUR"), Some("USD"), Some("USD"), Some("GBP"), Some("USD"), Some("GBP")];
        let converted = exchange.convert(amounts(), &texts(&codes), &[0; 6]);
        let found: Vec<Amount> = (0..6).map(|row| converted.get(row, 100)).collect();
        let wanted = [
            Amount::Minor(3),
            Amount::Minor(2),
            Amount::Null,
            Amount::Minor(0),
            Amount::Unusable,
            Amount::NoRate,
        ];
        assert_eq!(found, wanted);
    }

    #[test]
    fn a_day_has_one_rate_of_a_currency() {
        let same = vec![row("USD", 7, "0.90"), row("USD", 7, "0.9"), row("GBP", 7, "1.15")];
        let rates = Rates::new(&euro(), same).expect("the same rate twice");
        assert_eq!(rates.quote(Some("GBP")), Quote::Other(0));
        assert_eq!(rates.rate(rates.quote(Some("USD")), 7), Decimal::parse("0.9"));
        assert_eq!(rates.rate(rates.quote(Some("USD")), 8), None);
        assert_eq!(rates.quote(Some("XYZ")), Quote::Unknown);
        assert_eq!(rates.quote(Some(" ")), Quote::Own);
        let error = Rates::new(&euro(), vec![row("USD", 7, "0.91"), row("USD", 7, "0.9")]).expect_err("two");
        assert!(error.to_string().contains("USD has two rates on 1970-01-08"), "{error}");
    }

    #[test]
    fn local_days_are_those_of_the_calendar() {
        for name in ["Europe/Sofia", "Australia/Lord_Howe", "Asia/Kathmandu", "America/St_Johns", "UTC"] {
            let zone = zone(name);
            let mut days = LocalDays::new(&zone);
            for hour in 0..24 * 400 {
                let instant =
                    jiff::Timestamp::from_second(1_767_225_600 + hour * 3_600 - 1).expect("an instant");
                let wanted = super::super::cells::day_of(instant.to_zoned(zone.zone.clone()).date());
                assert_eq!(days.day(instant.as_microsecond()), wanted, "{name} {instant}");
            }
        }
    }
}
