//! Instants, local days and time zones.

use jiff::civil::Date;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use jiff::{Timestamp, ToSpan};

use super::diagnostic::Complaint;
use super::nearest;
use super::plan::Zone;

/// The zone of an IANA name, from the database inside the binary: the same on every machine.
pub(super) fn zone(name: &str) -> Result<Zone, Complaint> {
    let database = TimeZoneDatabase::bundled();
    if let Ok(zone) = database.get(name)
        && !zone.is_unknown()
    {
        let name = zone.iana_name().unwrap_or(name).to_owned();
        return Ok(Zone { name, zone });
    }
    let names: Vec<String> = database.available().map(|known| known.as_str().to_owned()).collect();
    let by_place = || {
        let place = name.replace(' ', "_");
        names
            .iter()
            .map(String::as_str)
            .find(|known| known.rsplit('/').next().is_some_and(|last| last.eq_ignore_ascii_case(&place)))
    };
    let near = by_place().or_else(|| nearest::nearest(name, names.iter().map(String::as_str)));
    let hint = match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write an IANA name such as `UTC` or `Europe/Sofia`".to_owned(),
    };
    Err(Complaint::new(format!("unknown time zone `{name}`"), hint))
}

/// UTC.
pub(super) fn utc() -> Zone {
    Zone { name: "UTC".to_owned(), zone: TimeZone::UTC }
}

/// Microseconds since the epoch of an RFC 3339 instant, or of the start of a local day.
pub(super) fn instant(text: &str, zone: &Zone) -> Result<i64, Complaint> {
    if let Ok(timestamp) = text.parse::<Timestamp>() {
        return Ok(timestamp.as_microsecond());
    }
    match text.parse::<Date>() {
        Ok(date) if text.len() == "2026-04-01".len() => start_of_day(date, zone),
        _ => Err(not_a_time(
            text,
            "write a day such as `2026-04-01`, or an instant such as `2026-04-01T06:00:00Z`",
        )),
    }
}

/// First and last-plus-one instant of a local day, which may have 23 or 25 hours.
pub(super) fn day(text: &str, zone: &Zone) -> Result<(i64, i64), Complaint> {
    match text.parse::<Date>() {
        Ok(date) if text.len() == "2026-04-01".len() => {
            let next = date.checked_add(1.day()).map_err(|_| out_of_range(text))?;
            Ok((start_of_day(date, zone)?, start_of_day(next, zone)?))
        }
        _ => Err(not_a_time(text, "write a day such as `2026-04-01`")),
    }
}

/// First instant of the window that is as long as `[from, to)` and ends where it begins, in µs: as many local days
/// where both bounds begin one, so that a change of the clocks shifts none; else the same time.
pub(super) fn before((from_us, to_us): (i64, i64), zone: &Zone) -> i64 {
    let starts_day = |instant_us: i64| {
        let local = Timestamp::from_microsecond(instant_us).ok()?.to_zoned(zone.zone.clone());
        (local.start_of_day().ok()? == local).then(|| local.date())
    };
    let by_days = || {
        let (from, to) = (starts_day(from_us)?, starts_day(to_us)?);
        let days = from.until(to).ok()?;
        start_of_day(from.checked_sub(days).ok()?, zone).ok()
    };
    by_days().unwrap_or_else(|| from_us.saturating_sub(to_us.saturating_sub(from_us)))
}

/// The first instant of a local day, also where the clocks change at midnight.
fn start_of_day(date: Date, zone: &Zone) -> Result<i64, Complaint> {
    date.to_zoned(zone.zone.clone())
        .and_then(|zoned| zoned.start_of_day())
        .map(|zoned| zoned.timestamp().as_microsecond())
        .map_err(|_| out_of_range(&date.to_string()))
}

fn not_a_time(text: &str, forms: &str) -> Complaint {
    let local = text.parse::<jiff::civil::DateTime>().is_ok() && text.len() > "2026-04-01".len();
    let hint = if local && !forms.contains("such as `2026-04-01`,") {
        forms.to_owned()
    } else if local {
        format!("add the offset from UTC, as in `{text}Z` or `{text}+02:00`")
    } else {
        forms.to_owned()
    };
    Complaint::new(format!("`{text}` is not a day or an instant"), hint)
}

fn out_of_range(text: &str) -> Complaint {
    Complaint::new(format!("`{text}` is beyond the calendar"), "write a day of the years 1 to 9998")
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn us(text: &str) -> i64 {
        text.parse::<Timestamp>().expect(text).as_microsecond()
    }

    #[test]
    fn a_day_starts_at_local_midnight() {
        let sofia = zone("Europe/Sofia").expect("zone");
        assert_eq!(instant("2026-04-01", &sofia), Ok(us("2026-03-31T21:00:00Z")));
        assert_eq!(instant("2026-04-01T06:00:00+02:00", &sofia), Ok(us("2026-04-01T04:00:00Z")));
        assert_eq!(instant("2026-04-01", &utc()), Ok(us("2026-04-01T00:00:00Z")));
    }

    #[test]
    fn days_on_which_the_clocks_change_have_23_or_25_hours() {
        for (name, date, hours) in [
            ("Europe/Sofia", "2026-03-29", 23),
            ("Europe/Sofia", "2026-10-25", 25),
            ("America/New_York", "2026-03-08", 23),
            ("America/New_York", "2026-11-01", 25),
            ("Australia/Lord_Howe", "2026-06-01", 24),
        ] {
            let (from, to) = day(date, &zone(name).expect(name)).expect(date);
            assert_eq!(to - from, hours * HOUR_US, "{name} {date}");
        }
    }

    #[test]
    fn the_window_before_has_as_many_days() {
        let sofia = zone("Europe/Sofia").expect("zone");
        let day = |text| instant(text, &sofia).expect(text);
        // The clocks went forward on 29 March.
        assert_eq!(before((day("2026-04-01"), day("2026-05-01")), &sofia), day("2026-03-02"));
        assert_eq!(before((day("2026-03-29"), day("2026-03-30")), &sofia), day("2026-03-28"));
        let (from, to) = (us("2026-04-01T06:00:00Z"), us("2026-05-01T07:30:00Z"));
        assert_eq!(before((from, to), &sofia), us("2026-03-02T04:30:00Z"));
    }

    #[test]
    fn a_midnight_that_the_clocks_skip_starts_at_the_next_instant() {
        // Beirut skips from 0:00 to 1:00.
        let beirut = zone("Asia/Beirut").expect("zone");
        assert_eq!(instant("2022-03-27", &beirut), Ok(us("2022-03-26T22:00:00Z")));
        let (from, to) = day("2022-03-27", &beirut).expect("day");
        assert_eq!(to - from, 23 * HOUR_US);
    }

    #[test]
    fn a_local_time_needs_its_offset() {
        let complaint = instant("2026-04-01T06:00:00", &utc()).expect_err("naive");
        assert_eq!(
            complaint.hint,
            "add the offset from UTC, as in `2026-04-01T06:00:00Z` or `2026-04-01T06:00:00+02:00`"
        );
        for text in ["", "yesterday", "2026-13-01", "2026-02-30", "01.04.2026", "20260401"] {
            assert!(instant(text, &utc()).expect_err(text).hint.starts_with("write a day"), "{text}");
        }
        assert!(day("2026-04-01T06:00:00Z", &utc()).expect_err("instant").hint.starts_with("write a day"));
        assert!(day("9999-12-31", &utc()).is_err());
    }

    #[test]
    fn an_unknown_zone_names_the_nearest() {
        for (name, near) in
            [("Europe/Sofja", "Europe/Sofia"), ("Sofia", "Europe/Sofia"), ("new york", "America/New_York")]
        {
            assert_eq!(zone(name).expect_err(name).hint, format!("did you mean `{near}`?"));
        }
        assert!(zone("Mars/Olympus").expect_err("Mars").hint.contains("IANA"));
        assert_eq!(zone("europe/sofia").expect("case").name, "Europe/Sofia");
    }
}
