//! Finds when two hours differ.

use jiff::{Span, Timestamp, Zoned};
use nearby_index::{Hours, OpenStatus, Schedule};

use super::{holidays::HolidayCalendar, schedule::Evaluator, zones::zone};

/// The first moment at which two hours differ.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Difference {
    /// In the time zone of the second hours.
    pub(crate) at: Zoned,
    pub(crate) first: OpenStatus,
    pub(crate) second: OpenStatus,
}

/// Compares the states of two hours in the year after a moment. Hours that are `None` are unknown.
pub(crate) fn first_difference(
    first: Option<&Hours>,
    second: &Hours,
    calendar: &HolidayCalendar,
    from: Timestamp,
) -> Option<Difference> {
    let until = from.checked_add(Span::new().hours(366 * 24)).ok()?;
    let schedule = |hours| Evaluator::new(hours, calendar)?.schedule(from, until);
    let (one, other) = (first.and_then(schedule), schedule(second));
    let status = |schedule: &Option<Schedule>, at_s| {
        schedule.as_ref().and_then(|schedule| schedule.status_at(at_s)).unwrap_or(OpenStatus::Unknown)
    };
    let mut at_s = from.as_second();
    loop {
        let (first, second_status) = (status(&one, at_s), status(&other, at_s));
        if first != second_status {
            let at = Timestamp::from_second(at_s).ok()?.to_zoned(zone(second.zone())?);
            return Some(Difference { at, first, second: second_status });
        }
        let next = |schedule: &Option<Schedule>| schedule.as_ref()?.stretch_at(at_s)?.until_s;
        at_s = [next(&one), next(&other)].into_iter().flatten().min()?;
    }
}
