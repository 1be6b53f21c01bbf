//! Opening hours: decides whether a merchant is open at a moment, and when that changes.
//!
//! | module | contents |
//! |---|---|
//! | `clocks` | the states of merchants at one moment, for a search |
//! | `schedule` | computes the states of hours over a span of time |
//! | `compare` | finds when two hours differ |
//! | `refresh` | keeps the schedules of expressions up to date |
//! | `osm` | parses and evaluates OpenStreetMap's `opening_hours` |
//! | `holidays` | public and school holidays by country |
//! | `country`, `zones`, `sun` | the country of a position, time zones, sunrise and sunset |
//!
//! Weekly periods are looked up in local time. Expressions are evaluated ahead of time: beside each distinct expression the index
//! keeps the schedule of the next nine days, in which a search looks up the moment. A moment outside of it, such as an `open_at` months
//! away, is evaluated from the text.

mod clocks;
mod compare;
mod country;
mod holidays;
mod osm;
mod refresh;
mod schedule;
mod sun;
mod zones;

#[cfg(test)]
mod tests;

use jiff::{
    Timestamp,
    civil::{Date, date},
};
use nearby_index::{ExpressionHours, Hours, Position};

pub use self::holidays::{HolidayCalendar, HolidayError};
pub(crate) use self::{
    clocks::{Clocks, Moment},
    compare::{Difference, first_difference},
    country::{country_at, region_code},
    osm::{Expression, HolidayKind},
    refresh::run_refresh,
    zones::{first_instant, iana_name, is_time_zone},
};

/// Minutes of a day of 24 hours.
pub(crate) const DAY_MINUTES: i32 = 24 * 60;

/// Opening hours and holidays from untrusted bytes: an expression has a state at each moment of a fortnight, and its schedule has the
/// same.
pub(crate) fn fuzz(bytes: &[u8]) {
    let Some((&zone, rest)) = bytes.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let calendar = HolidayCalendar::built_in();
    drop(HolidayCalendar::built_in().add(text));
    let position = Position::new(f64::from(zone) / 3.0, 20.0).ok();
    let zone = ["UTC", "Europe/Helsinki", "Australia/Lord_Howe", "America/St_Johns"][usize::from(zone % 4)];
    let hours = Hours::Expression(ExpressionHours::new(zone, text, Some(*b"FI"), position));
    let Some(evaluator) = schedule::Evaluator::new(&hours, &calendar) else { return };
    // Around a change of daylight saving, and around New Year.
    for start_s in [1_792_800_000, 1_798_700_000] {
        let instant = |at_s| Timestamp::from_second(at_s).unwrap_or_default();
        let schedule = evaluator.schedule(instant(start_s), instant(start_s + 14 * 86_400));
        for at_s in (start_s..start_s + 14 * 86_400).step_by(40_013) {
            let status = schedule.as_ref().and_then(|schedule| schedule.status_at(at_s));
            assert_eq!(status, Some(evaluator.status_at(instant(at_s))), "{text:?} at {at_s}");
        }
    }
}

/// Returns the number of days since 1 January 1970.
pub(crate) fn day_number(day: Date) -> Option<i32> {
    day.since(date(1970, 1, 1)).ok().map(|span| span.get_days())
}
