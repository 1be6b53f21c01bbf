//! The states of merchants at one moment.

use std::{cell::RefCell, collections::HashMap, ptr};

use jiff::{Span, Timestamp, ToSpan};
use nearby_index::{Hours, LocalTime, OpenStatus, StoredMerchant, UnixMicros, WeeklyHours};

use super::{
    DAY_MINUTES, day_number,
    holidays::HolidayCalendar,
    schedule::{Evaluator, minute_of},
    zones::zone,
};

/// Days in which the next change of a state is looked for.
const LOOKAHEAD_DAYS: i32 = 7;

/// The moment at which merchants are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    /// The current time: schedules that are computed for it are kept.
    Now(UnixMicros),
    /// Any other time.
    At(UnixMicros),
}

impl Moment {
    fn timestamp(self) -> Option<Timestamp> {
        let (Self::Now(moment) | Self::At(moment)) = self;
        Timestamp::from_microsecond(moment.0).ok()
    }
}

/// A state, what is said about it, and when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OpenState {
    pub(crate) status: OpenStatus,
    /// The first second of another state, in seconds since 1970; `None` if there is none within seven days.
    pub(crate) until_s: Option<i64>,
    pub(crate) comment: Option<Box<str>>,
}

impl OpenState {
    const UNKNOWN: Self = Self { status: OpenStatus::Unknown, until_s: None, comment: None };
}

/// The states of merchants at one moment. What hours share is computed once for all merchants that have them.
#[derive(Debug)]
pub(crate) struct Clocks<'c> {
    at: Timestamp,
    is_now: bool,
    calendar: &'c HolidayCalendar,
    local_times: RefCell<Vec<(String, Option<LocalTime>)>>,
    /// States of expressions without a schedule for the moment, by the address of the hours, which their merchant keeps alive.
    statuses: RefCell<HashMap<*const Hours, OpenStatus>>,
    states: RefCell<HashMap<*const Hours, OpenState>>,
}

impl<'c> Clocks<'c> {
    /// Returns `None` for a moment outside the years −9999 to 9999, which calendars cannot represent.
    pub(crate) fn at(moment: Moment, calendar: &'c HolidayCalendar) -> Option<Self> {
        Some(Self::new(moment.timestamp()?, matches!(moment, Moment::Now(_)), calendar))
    }

    fn new(at: Timestamp, is_now: bool, calendar: &'c HolidayCalendar) -> Self {
        Self {
            at,
            is_now,
            calendar,
            local_times: RefCell::default(),
            statuses: RefCell::default(),
            states: RefCell::default(),
        }
    }

    /// Returns the state of a merchant, for a filter.
    pub(crate) fn status(&self, stored: &StoredMerchant) -> OpenStatus {
        if self.closed_until_s(stored).is_some() {
            return OpenStatus::Closed;
        }
        let Some(hours) = stored.merchant.hours() else { return OpenStatus::Unknown };
        match &**hours {
            Hours::Weekly(weekly) => self.status_of_week(weekly),
            Hours::Expression(expression) => {
                let known = expression.status_at(self.at.as_second());
                known.unwrap_or_else(|| self.status_without_schedule(hours))
            }
        }
    }

    /// Returns the state of a merchant and when it changes, for a result.
    pub(crate) fn state(&self, stored: &StoredMerchant) -> OpenState {
        if let Some(until_s) = self.closed_until_s(stored) {
            return self.closed_state(stored, until_s);
        }
        let Some(hours) = stored.merchant.hours() else { return OpenState::UNKNOWN };
        if let Some(state) = self.states.borrow().get(&ptr::from_ref(&**hours)) {
            return state.clone();
        }
        let state = self.compute_state(hours).unwrap_or(OpenState::UNKNOWN);
        self.states.borrow_mut().insert(ptr::from_ref(&**hours), state.clone());
        state
    }

    /// Returns when a merchant opens again that is closed whatever its hours, in seconds since 1970.
    fn closed_until_s(&self, stored: &StoredMerchant) -> Option<i64> {
        let until = stored.merchant.details.as_ref()?.closed_until?;
        let until_s = until.0.div_euclid(1_000_000);
        (self.at.as_second() < until_s).then_some(until_s)
    }

    /// Returns the state of a merchant that is closed until a time, at which its hours may leave it closed.
    fn closed_state(&self, stored: &StoredMerchant, until_s: i64) -> OpenState {
        let end_s = self.lookahead_end().as_second();
        let then = Timestamp::from_second(until_s).ok().filter(|_| until_s < end_s);
        let until_s = then.and_then(|then| {
            let then = Clocks::new(then, false, self.calendar).state(stored);
            if then.status == OpenStatus::Closed { then.until_s } else { Some(until_s) }
        });
        OpenState {
            status: OpenStatus::Closed,
            until_s: until_s.filter(|until_s| *until_s < end_s),
            comment: None,
        }
    }

    fn status_of_week(&self, hours: &WeeklyHours) -> OpenStatus {
        match self.local_time(hours.zone()) {
            None => OpenStatus::Unknown,
            Some(time) if hours.is_open(time) => OpenStatus::Open,
            Some(_) => OpenStatus::Closed,
        }
    }

    fn status_without_schedule(&self, hours: &Hours) -> OpenStatus {
        if let Some(status) = self.statuses.borrow().get(&ptr::from_ref(hours)) {
            return *status;
        }
        let status = if self.is_now {
            refresh(hours, self.calendar, self.at);
            let Hours::Expression(expression) = hours else { return OpenStatus::Unknown };
            expression.status_at(self.at.as_second())
        } else {
            Evaluator::new(hours, self.calendar).map(|evaluator| evaluator.status_at(self.at))
        };
        let status = status.unwrap_or(OpenStatus::Unknown);
        self.statuses.borrow_mut().insert(ptr::from_ref(hours), status);
        status
    }

    fn compute_state(&self, hours: &Hours) -> Option<OpenState> {
        match hours {
            Hours::Weekly(weekly) => self.state_of_week(hours, weekly),
            Hours::Expression(expression) => {
                let schedule = expression.schedule();
                let end_s = self.lookahead_end().as_second();
                match schedule.as_ref() {
                    Some(schedule) if schedule.covers(self.at.as_second(), end_s) => self.state_in(schedule),
                    _ => self.state_by_schedule(hours),
                }
            }
        }
    }

    fn state_by_schedule(&self, hours: &Hours) -> Option<OpenState> {
        let schedule = Evaluator::new(hours, self.calendar)?.schedule(self.at, self.lookahead_end())?;
        self.state_in(&schedule)
    }

    fn state_in(&self, schedule: &nearby_index::Schedule) -> Option<OpenState> {
        let stretch = schedule.stretch_at(self.at.as_second())?;
        let mut until_s = stretch.until_s;
        // Stretches that differ in their comment only are one state.
        while let Some(next) = until_s.and_then(|at_s| schedule.stretch_at(at_s)) {
            if next.status != stretch.status {
                break;
            }
            until_s = next.until_s;
        }
        let end_s = self.lookahead_end().as_second();
        Some(OpenState {
            status: stretch.status,
            until_s: until_s.filter(|until_s| *until_s < end_s),
            comment: stretch.comment.map(Box::from),
        })
    }

    /// Looks at the boundaries of a week, which is faster than a schedule.
    fn state_of_week(&self, hours: &Hours, weekly: &WeeklyHours) -> Option<OpenState> {
        let evaluator = Evaluator::new(hours, self.calendar)?;
        let end = self.lookahead_end();
        if evaluator.changes_offset(self.at, end) {
            return self.state_by_schedule(hours);
        }
        let status = self.status_of_week(weekly);
        let local = evaluator.local(self.at);
        let (mut date, now) = (local.date(), minute_of(local.time()));
        for ahead in 0..=LOOKAHEAD_DAYS {
            let day = day_number(date)?;
            let midnight = (ahead > 0).then_some(0);
            for minute in midnight.into_iter().chain(weekly.boundaries(day)) {
                let is_later = ahead > 0 || i32::from(minute) > now;
                let is_open = weekly.is_open(LocalTime { day, minute });
                if is_later && is_open != (status == OpenStatus::Open) {
                    let until =
                        evaluator.instant(self.at, date, i32::from(minute)).filter(|until| *until < end);
                    return Some(OpenState {
                        status,
                        until_s: until.map(Timestamp::as_second),
                        comment: None,
                    });
                }
            }
            date = date.tomorrow().ok()?;
        }
        Some(OpenState { status, until_s: None, comment: None })
    }

    fn lookahead_end(&self) -> Timestamp {
        self.at.checked_add(hours_of_days(LOOKAHEAD_DAYS)).unwrap_or(Timestamp::MAX)
    }

    fn local_time(&self, zone: &str) -> Option<LocalTime> {
        let mut computed = self.local_times.borrow_mut();
        // A linear scan: the results of a search are in one zone, or in a few near a border.
        if let Some((_, time)) = computed.iter().find(|(name, _)| name == zone) {
            return *time;
        }
        let time = self.compute_local_time(zone);
        computed.push((zone.to_owned(), time));
        time
    }

    fn compute_local_time(&self, name: &str) -> Option<LocalTime> {
        let local = zone(name)?.to_datetime(self.at);
        let day = day_number(local.date())?;
        Some(LocalTime { day, minute: u16::try_from(minute_of(local.time())).ok()? })
    }
}

/// Computes the schedule of an expression around the current time and keeps it, from a day ago so that a clock that steps back finds
/// it, to a day after the last change that results report.
pub(super) fn refresh(hours: &Hours, calendar: &HolidayCalendar, now: Timestamp) {
    let Hours::Expression(expression) = hours else { return };
    let from = now.checked_sub(hours_of_days(1));
    let until = now.checked_add(hours_of_days(LOOKAHEAD_DAYS + 2));
    let (Ok(from), Ok(until)) = (from, until) else { return };
    let schedule = Evaluator::new(hours, calendar).and_then(|evaluator| evaluator.schedule(from, until));
    if let Some(schedule) = schedule {
        expression.set_schedule(schedule);
    }
}

/// Returns whether the schedule of an expression ends before the next refresh but one.
pub(super) fn is_due(hours: &Hours, now: Timestamp) -> bool {
    let Hours::Expression(expression) = hours else { return false };
    let schedule = expression.schedule();
    let enough_s = now.as_second() + i64::from(LOOKAHEAD_DAYS + 1) * i64::from(DAY_MINUTES) * 60;
    schedule.as_ref().is_none_or(|schedule| schedule.until_s() < enough_s)
}

/// Days of 24 hours: a timestamp has no calendar.
fn hours_of_days(days: i32) -> Span {
    (24 * days).hours()
}
