//! Whether opening hours can be.

use std::collections::BTreeSet;

use jiff::civil::Date;
use nearby_proto::v1 as wire;

use super::check::Check;
use crate::time_zone::is_time_zone;

/// Most minutes of a period: a week.
const WEEK_MINUTES: i32 = 7 * 24 * 60;
const LAST_MINUTE_OF_DAY: i32 = 24 * 60 - 1;

pub(super) fn check_hours(check: &mut Check, hours: &wire::OpeningHours) {
    let has_periods = !hours.weekly_periods.is_empty() || !hours.special_days.is_empty();
    if hours.time_zone.is_empty() {
        if has_periods {
            check.fail(
                "opening_hours.time_zone",
                "REQUIRED",
                "must name the IANA time zone that the periods are in, such as Asia/Shanghai",
            );
        }
    } else if !is_time_zone(&hours.time_zone) {
        check.fail(
            "opening_hours.time_zone",
            "TIME_ZONE_UNKNOWN",
            "must be a name from IANA's time zone database, such as Asia/Shanghai",
        );
    }
    check.text("opening_hours.display_text", &hours.display_text, 1_024);
    check.list("opening_hours.weekly_periods", &hours.weekly_periods, 64, |check, path, period| {
        match wire::Weekday::try_from(period.weekday) {
            Ok(wire::Weekday::Unspecified) | Err(_) => {
                check.fail(&format!("{path}.weekday"), "OUT_OF_RANGE", "must name a weekday");
            }
            Ok(_) => {}
        }
        check_period(check, path, period.start_minute, period.length_minutes, WEEK_MINUTES);
    });
    let mut dates = BTreeSet::new();
    check.list("opening_hours.special_days", &hours.special_days, 400, |check, path, day| {
        match day.date.as_ref().and_then(date) {
            None => check.fail(&format!("{path}.date"), "OUT_OF_RANGE", "must be a date that exists"),
            Some(date) if !dates.insert(date) => {
                check.fail(&format!("{path}.date"), "REPEATED", "must be there once only");
            }
            Some(_) => {}
        }
        check.list(&format!("{path}.periods"), &day.periods, 8, |check, path, period| {
            check_period(check, path, period.start_minute, period.length_minutes, 2 * 24 * 60);
        });
    });
}

fn check_period(check: &mut Check, path: &str, start_minute: i32, length_minutes: i32, most_minutes: i32) {
    check.range(&format!("{path}.start_minute"), start_minute, 0..=LAST_MINUTE_OF_DAY);
    check.range(&format!("{path}.length_minutes"), length_minutes, 1..=most_minutes);
}

fn date(given: &wire::CalendarDate) -> Option<Date> {
    let year = i16::try_from(given.year).ok().filter(|year| *year >= 1)?;
    Date::new(year, i8::try_from(given.month).ok()?, i8::try_from(given.day).ok()?).ok()
}
