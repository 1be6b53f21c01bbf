//! Computes the states of hours over a span of time.
//!
//! A state depends on the local wall-clock time alone. The span is therefore cut where the offset of the time zone changes; within
//! each part, local days map to instants by a subtraction, also in the hour that daylight saving repeats.

use std::cell::RefCell;

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, DateTime, Time},
    tz::{Offset, TimeZone},
};
use nearby_index::{ExpressionHours, Hours, LocalTime, OpenStatus, Schedule, WeeklyHours};

use super::{
    day_number,
    holidays::HolidayCalendar,
    osm::{Expression, HolidayKind, Place, SunEvent, stretches_of_day},
    sun::event_s,
    zones::zone,
};

/// A state from a minute of a local day.
type LocalStretch<'e> = (i32, OpenStatus, Option<&'e str>);

/// Hours, ready to be evaluated.
pub(super) enum Rules<'h> {
    Weekly(&'h WeeklyHours),
    Expression { expression: Expression, hours: &'h ExpressionHours },
}

/// Hours in their time zone.
pub(super) struct Evaluator<'h> {
    rules: Rules<'h>,
    zone: TimeZone,
    calendar: &'h HolidayCalendar,
}

impl<'h> Evaluator<'h> {
    /// Returns `None` if the zone is unknown or the expression does not parse: the state is unknown then.
    pub(super) fn new(hours: &'h Hours, calendar: &'h HolidayCalendar) -> Option<Self> {
        let rules = match hours {
            Hours::Weekly(hours) => Rules::Weekly(hours),
            Hours::Expression(hours) => {
                Rules::Expression { expression: Expression::parse(hours.text()).ok()?, hours }
            }
        };
        Some(Self { rules, zone: zone(hours.zone())?, calendar })
    }

    /// Returns the state at an instant.
    pub(super) fn status_at(&self, at: Timestamp) -> OpenStatus {
        let local = self.zone.to_datetime(at);
        let minute = minute_of(local.time());
        let stretches = self.stretches_of_day(local.date());
        let found = stretches.iter().rev().find(|(from, ..)| *from <= minute);
        found.map_or(OpenStatus::Unknown, |(_, status, _)| *status)
    }

    /// Returns the states from an instant to another.
    pub(super) fn schedule(&self, from: Timestamp, until: Timestamp) -> Option<Schedule> {
        let mut states: Vec<(i64, OpenStatus, Option<&str>)> = Vec::new();
        let mut start = from;
        while start < until {
            let offset = self.zone.to_offset(start);
            let change = self.zone.following(start).next().map(|transition| transition.timestamp());
            let end = change.filter(|change| *change < until).unwrap_or(until);
            self.add_part(start, end, offset, &mut states);
            start = end;
        }
        Schedule::new(until.as_second(), states)
    }

    /// Adds the states of a span in which the offset does not change.
    fn add_part<'s>(
        &'s self,
        start: Timestamp,
        end: Timestamp,
        offset: Offset,
        states: &mut Vec<(i64, OpenStatus, Option<&'s str>)>,
    ) {
        let (start_s, end_s) = (start.as_second(), end.as_second());
        let mut day = offset.to_datetime(start).date();
        loop {
            let Ok(midnight) = offset.to_timestamp(day.to_datetime(Time::midnight())) else { return };
            if midnight.as_second() >= end_s {
                return;
            }
            let stretches = self.stretches_of_day(day);
            let ends = stretches.iter().skip(1).map(|(from, ..)| *from).chain([super::DAY_MINUTES]);
            for ((from, status, comment), to) in stretches.iter().zip(ends) {
                let second = |minute: i32| midnight.as_second() + i64::from(minute) * 60;
                let begins = second(*from).max(start_s);
                let is_new = states.last().is_none_or(|(_, last, of)| (*last, *of) != (*status, *comment));
                if begins < second(to).min(end_s) && is_new {
                    states.push((begins, *status, *comment));
                }
            }
            let Ok(next) = day.tomorrow() else { return };
            day = next;
        }
    }

    /// Returns the states of a local day, from minute 0.
    fn stretches_of_day(&self, day: Date) -> Vec<LocalStretch<'_>> {
        match &self.rules {
            Rules::Weekly(hours) => {
                let Some(day) = day_number(day) else { return Vec::new() };
                let minutes = [0].into_iter().chain(hours.boundaries(day));
                minutes
                    .map(|minute| {
                        let is_open = hours.is_open(LocalTime { day, minute });
                        let status = if is_open { OpenStatus::Open } else { OpenStatus::Closed };
                        (i32::from(minute), status, None)
                    })
                    .collect()
            }
            Rules::Expression { expression, hours } => {
                let sun = RefCell::default();
                let place = MerchantPlace { hours, zone: &self.zone, calendar: self.calendar, sun };
                let stretches = stretches_of_day(expression, day, &place);
                stretches.into_iter().map(|stretch| (stretch.from, stretch.status, stretch.comment)).collect()
            }
        }
    }

    /// Returns whether the offset of the zone changes between two instants.
    pub(super) fn changes_offset(&self, from: Timestamp, to: Timestamp) -> bool {
        self.zone.following(from).next().is_some_and(|transition| transition.timestamp() <= to)
    }

    /// Returns the instant of a minute of a local day, in the offset that the zone has at `near`.
    pub(super) fn instant(&self, near: Timestamp, day: Date, minute: i32) -> Option<Timestamp> {
        let local = day.to_datetime(Time::midnight()).checked_add(i64::from(minute).minutes()).ok()?;
        self.zone.to_offset(near).to_timestamp(local).ok()
    }

    pub(super) fn local(&self, at: Timestamp) -> DateTime {
        self.zone.to_datetime(at)
    }
}

pub(super) fn minute_of(time: Time) -> i32 {
    i32::from(time.hour()) * 60 + i32::from(time.minute())
}

/// A merchant's place.
struct MerchantPlace<'h> {
    hours: &'h ExpressionHours,
    zone: &'h TimeZone,
    calendar: &'h HolidayCalendar,
    /// Events of the sun that are computed already: an expression can name each many times.
    sun: RefCell<Vec<(Date, SunEvent, Option<i32>)>>,
}

impl Place for MerchantPlace<'_> {
    fn is_holiday(&self, day: Date, kind: HolidayKind) -> bool {
        self.calendar.is_holiday(self.hours.region(), day, kind)
    }

    fn sun_minutes(&self, day: Date, event: SunEvent) -> Option<i32> {
        if let Some((.., minutes)) = self.sun.borrow().iter().find(|known| (known.0, known.1) == (day, event))
        {
            return *minutes;
        }
        let minutes = self.compute_sun_minutes(day, event);
        self.sun.borrow_mut().push((day, event, minutes));
        minutes
    }
}

impl MerchantPlace<'_> {
    fn compute_sun_minutes(&self, day: Date, event: SunEvent) -> Option<i32> {
        let position = self.hours.position()?;
        let utc_day = day_number(day)?;
        // Far from the meridian of its zone, the event of a local day belongs to the UTC day beside it.
        [0, -1, 1].into_iter().find_map(|beside| {
            let at_s = event_s(utc_day + beside, event, position.latitude_deg(), position.longitude_deg())?;
            let local = self.zone.to_datetime(Timestamp::from_second(at_s).ok()?);
            (local.date() == day).then(|| minute_of(local.time()))
        })
    }
}
