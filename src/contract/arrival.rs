//! The day on which rows came in, where the folders of their file say it: `date=2026-04-02`, or `year=2026/month=4/day=2`.
//!
//! A row whose own local day is another one came late, or before it happened. The wall clock plays no part.

use std::ops::Range;

use jiff::civil::Date;

use crate::config::plan::{Plan, SourcePlan, Zone};
use crate::input::InputFile;

/// The instants of the day that the folders of a file name, µs since the epoch, in the zone of the source or, without
/// one, of the job. None: they name none. Of several days it is the last, for nothing comes in before it is written.
pub fn arrival_us(file: &InputFile, source: &SourcePlan, plan: &Plan) -> Option<Range<i64>> {
    let zone = source.timezone.as_ref().unwrap_or(&plan.job.timezone);
    let days = file.hive.iter().filter_map(|(_, value)| day_of(value.as_deref()?));
    let date = days.chain(parted(&file.hive)).max()?;
    Some(begin_us(date, zone)?..begin_us(date.tomorrow().ok()?, zone)?)
}

/// A whole date, with or without hyphens.
fn day_of(value: &str) -> Option<Date> {
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    match (value.len(), value.split('-').collect::<Vec<_>>().as_slice()) {
        (10, [year, month, day]) if digits(year) && digits(month) && digits(day) => date(year, month, day),
        (8, [plain]) if digits(plain) => date(&plain[..4], &plain[4..6], &plain[6..]),
        _ => None,
    }
}

/// A date in three folders.
fn parted(hive: &[(String, Option<String>)]) -> Option<Date> {
    let part = |wanted: &str| {
        let (_, value) = hive.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
        value.as_deref()
    };
    date(part("year")?, part("month")?, part("day")?)
}

fn date(year: &str, month: &str, day: &str) -> Option<Date> {
    Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()
}

fn begin_us(date: Date, zone: &Zone) -> Option<i64> {
    Some(date.to_zoned(zone.zone.clone()).ok()?.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(folders: &[(&str, &str)]) -> Option<Date> {
        let hive: Vec<_> =
            folders.iter().map(|(name, value)| ((*name).to_owned(), Some((*value).to_owned()))).collect();
        let days = hive.iter().filter_map(|(_, value)| day_of(value.as_deref()?));
        days.chain(parted(&hive)).max()
    }

    #[test]
    fn folders_name_a_day_in_one_piece_or_three() {
        let april = Date::constant(2026, 4, 2);
        assert_eq!(day(&[("dt", "2026-04-02")]), Some(april));
        assert_eq!(day(&[("ds", "20260402"), ("country", "BG")]), Some(april));
        assert_eq!(day(&[("year", "2026"), ("month", "04"), ("day", "2")]), Some(april));
        assert_eq!(
            day(&[("event_date", "2026-04-01"), ("load_date", "2026-04-02")]),
            Some(april),
            "the last"
        );
        for none in ["2026-02-30", "12345678901", "2026-4-2", "99999999", "2026-04", "+026-04-02"] {
            assert_eq!(day(&[("dt", none)]), None, "{none}");
        }
        assert_eq!(day(&[("year", "2026"), ("month", "4")]), None);
    }
}
