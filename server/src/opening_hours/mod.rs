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

use jiff::civil::{Date, date};

pub use self::holidays::{HolidayCalendar, HolidayError};
pub(crate) use self::{
    clocks::{Clocks, Moment},
    compare::{Difference, first_difference},
    country::{country_at, region_code},
    osm::{Expression, HolidayKind},
    refresh::run_refresh,
    zones::is_time_zone,
};

/// Minutes of a day of 24 hours.
pub(crate) const DAY_MINUTES: i32 = 24 * 60;

/// Returns the number of days since 1 January 1970.
pub(crate) fn day_number(day: Date) -> Option<i32> {
    day.since(date(1970, 1, 1)).ok().map(|span| span.get_days())
}
