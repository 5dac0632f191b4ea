//! The local days of a window.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use crate::config::plan::DAY_US;
use crate::contract::spend::{day_of, written_day};

/// Every local day that has an instant of the window, in order.
///
/// Where they begin is worked out once: the clocks of a zone may change on any of them.
#[derive(Debug, Clone)]
pub(super) struct LocalDays {
    /// First instant of each, µs since the epoch.
    starts_us: Vec<i64>,
    /// The same days since 1970-01-01.
    dates: Vec<i32>,
    window_us: Range<i64>,
}

impl LocalDays {
    /// The days of a window that isn't empty.
    pub(super) fn of(zone: &TimeZone, window_us: Range<i64>) -> Self {
        let mut days = Self { starts_us: Vec::new(), dates: Vec::new(), window_us };
        let mut next = Timestamp::from_microsecond(days.window_us.start)
            .map(|first| first.to_zoned(zone.clone()).date())
            .ok();
        while let Some((date, start_us)) = next.and_then(|date| Some((date, start_of(date, zone)?))) {
            if start_us >= days.window_us.end {
                break;
            }
            // A date that a zone skipped, when it changed sides of the date line, begins where the next one does.
            if days.starts_us.last() == Some(&start_us) {
                days.starts_us.pop();
                days.dates.pop();
            }
            days.starts_us.push(start_us);
            days.dates.push(day_of(date));
            next = date.checked_add(1.day()).ok();
        }
        // Beyond the calendar there is one day: no index may fail.
        if days.starts_us.is_empty() {
            days.starts_us.push(days.window_us.start);
            days.dates.push(i32::try_from(days.window_us.start.div_euclid(DAY_US)).unwrap_or(i32::MIN));
        }
        days
    }

    /// How many there are, at least one.
    pub(super) fn len(&self) -> usize {
        self.starts_us.len()
    }

    /// Days since 1970-01-01.
    pub(super) fn date(&self, day: usize) -> i32 {
        self.dates[day]
    }

    /// The date as `2026-04-01`.
    pub(super) fn written(&self, day: usize) -> String {
        written_day(self.dates[day])
    }

    /// Index of the day with this date.
    pub(super) fn with_date(&self, date: i32) -> Option<usize> {
        self.dates.binary_search(&date).ok()
    }

    /// Whether the day began before the window, so that the window has a part of it only.
    pub(super) fn began_before(&self, day: usize) -> bool {
        self.starts_us[day] < self.window_us.start
    }

    /// Index of the day of an instant in the window.
    #[inline]
    pub(super) fn index(&self, instant_us: i64) -> usize {
        // Days of 23 and 25 hours put this off by one at most, for most zones never by more.
        let guess = (instant_us - self.starts_us[0]).max(0) / DAY_US;
        let mut day = (guess as usize).min(self.len() - 1);
        while day > 0 && self.starts_us[day] > instant_us {
            day -= 1;
        }
        while day + 1 < self.len() && self.starts_us[day + 1] <= instant_us {
            day += 1;
        }
        day
    }

    /// The instants of a day that lie in the window, µs.
    #[inline]
    pub(super) fn span_us(&self, day: usize) -> Range<i64> {
        let end_us = self.starts_us.get(day + 1).copied().unwrap_or(self.window_us.end);
        self.starts_us[day].max(self.window_us.start)..end_us
    }
}

/// The first instant of a local day, µs; None beyond the calendar.
fn start_of(date: Date, zone: &TimeZone) -> Option<i64> {
    let start = date.to_zoned(zone.clone()).and_then(|zoned| zoned.start_of_day()).ok()?;
    Some(start.timestamp().as_microsecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().unwrap().as_microsecond()
    }

    fn days(zone: &str, from: &str, to: &str) -> LocalDays {
        LocalDays::of(&jiff::tz::TimeZoneDatabase::bundled().get(zone).unwrap(), us(from)..us(to))
    }

    /// Every hour belongs to the date that the zone says.
    #[test]
    fn an_instant_has_the_date_of_its_zone() {
        for (name, from, to) in [
            ("UTC", "2026-03-01T00:00:00Z", "2026-04-15T00:00:00Z"),
            ("Europe/Sofia", "2026-03-20T22:00:00Z", "2026-11-02T22:00:00Z"),
            ("America/New_York", "2026-03-01T03:20:00Z", "2026-11-09T12:00:00Z"),
            // Skipped the whole of 2011-12-30.
            ("Pacific/Apia", "2011-12-20T10:00:00Z", "2012-01-10T10:00:00Z"),
            // Skips midnight itself.
            ("Asia/Beirut", "2022-03-20T22:00:00Z", "2022-04-02T21:00:00Z"),
        ] {
            let zone = jiff::tz::TimeZoneDatabase::bundled().get(name).unwrap();
            let days = days(name, from, to);
            let (from_us, to_us) = (us(from), us(to));
            for instant_us in (from_us..to_us).step_by(3_600_000_000).chain([to_us - 1]) {
                let date = Timestamp::from_microsecond(instant_us).unwrap().to_zoned(zone.clone()).date();
                let day = days.index(instant_us);
                assert_eq!(days.date(day), day_of(date), "{name} {instant_us}");
                assert!(days.span_us(day).contains(&instant_us));
                assert_eq!(days.with_date(day_of(date)), Some(day));
            }
            assert!((1..days.len()).all(|day| days.date(day - 1) < days.date(day)));
        }
    }

    #[test]
    fn the_first_day_may_have_begun_before() {
        let days = days("UTC", "2026-04-01T06:00:00Z", "2026-04-03T00:00:00Z");
        assert_eq!(days.len(), 2);
        assert!(days.began_before(0) && !days.began_before(1));
        assert_eq!(days.span_us(0), us("2026-04-01T06:00:00Z")..us("2026-04-02T00:00:00Z"));
        assert_eq!(days.span_us(1).end, us("2026-04-03T00:00:00Z"));
    }
}
