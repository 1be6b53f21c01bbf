//! Opening hours: whether they can be, and what the index makes of them.

use std::collections::BTreeSet;

use jiff::civil::Date;
use nearby_index::{Hours, Period};
use nearby_proto::v1 as wire;

use super::violations::Check;
use crate::{
    opening_hours::{day_number, is_time_zone},
    reason,
};

/// Most minutes of a period: a week.
const WEEK_MINUTES: i32 = 7 * 24 * 60;
const LAST_MINUTE_OF_DAY: i32 = 24 * 60 - 1;

pub(super) fn check_hours(check: &mut Check, hours: &wire::OpeningHours) {
    let has_periods = !hours.weekly_periods.is_empty() || !hours.special_days.is_empty();
    if hours.time_zone.is_empty() {
        if has_periods {
            check.fail(
                "opening_hours.time_zone",
                reason::REQUIRED,
                "must name the IANA time zone that the periods are in, such as Asia/Shanghai",
            );
        }
    } else if !is_time_zone(&hours.time_zone) {
        check.fail(
            "opening_hours.time_zone",
            reason::TIME_ZONE_UNKNOWN,
            "must be a name from IANA's time zone database, such as Asia/Shanghai",
        );
    }
    check.text("opening_hours.display_text", &hours.display_text, 1_024);
    check.list("opening_hours.weekly_periods", &hours.weekly_periods, 64, |check, path, period| {
        match wire::Weekday::try_from(period.weekday) {
            Ok(wire::Weekday::Unspecified) | Err(_) => {
                check.fail(&format!("{path}.weekday"), reason::OUT_OF_RANGE, "must name a weekday");
            }
            Ok(_) => {}
        }
        check_period(check, path, period.start_minute, period.length_minutes, WEEK_MINUTES);
    });
    let mut dates = BTreeSet::new();
    check.list("opening_hours.special_days", &hours.special_days, 400, |check, path, day| {
        match day.date.as_ref().and_then(date_of) {
            None => check.fail(&format!("{path}.date"), reason::OUT_OF_RANGE, "must be a date that exists"),
            Some(date) if !dates.insert(date) => {
                check.fail(&format!("{path}.date"), reason::REPEATED, "must be there once only");
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

fn date_of(given: &wire::CalendarDate) -> Option<Date> {
    let year = i16::try_from(given.year).ok().filter(|year| *year >= 1)?;
    Date::new(year, i8::try_from(given.month).ok()?, i8::try_from(given.day).ok()?).ok()
}

/// Hours that were checked, as the index keeps them; `None` where they say nothing.
pub(super) fn hours_of(given: &wire::OpeningHours) -> Option<Hours> {
    let period = |start_minute: i32, length_minutes: i32| {
        let (start_minute, length_minutes) = (u16::try_from(start_minute), u16::try_from(length_minutes));
        Some(Period { start_minute: start_minute.ok()?, length_minutes: length_minutes.ok()? })
    };
    let weekly = given.weekly_periods.iter().filter_map(|given| {
        let weekday = u8::try_from(given.weekday.checked_sub(1)?).ok()?;
        Some((weekday, period(given.start_minute, given.length_minutes)?))
    });
    let special = given.special_days.iter().filter_map(|given| {
        let periods =
            given.periods.iter().filter_map(|given| period(given.start_minute, given.length_minutes));
        Some((day_number(date_of(given.date.as_ref()?)?)?, periods.collect()))
    });
    Hours::new(&given.time_zone, weekly, special)
}
