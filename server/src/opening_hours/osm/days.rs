//! Decides whether the days of a rule include a date.

use jiff::{
    ToSpan,
    civil::{Date, Weekday},
};

use super::{
    evaluate::Place,
    syntax::{AnchorDay, DateAnchor, DateRange, DaySelector, HolidayDay, WeekRange, WeekdayRange, YearRange},
};

impl DaySelector {
    pub(super) fn includes(&self, day: Date, place: &dyn Place) -> bool {
        let any_or_none = |is_empty: bool, any: bool| is_empty || any;
        any_or_none(self.years.is_empty(), self.years.iter().any(|range| range.includes(day)))
            && any_or_none(self.dates.is_empty(), self.dates.iter().any(|range| range.includes(day)))
            && any_or_none(self.weeks.is_empty(), self.weeks.iter().any(|range| range.includes(day)))
            && any_or_none(
                self.weekdays.is_empty(),
                self.weekdays.iter().any(|range| range.includes(day, place)),
            )
            && any_or_none(
                self.holidays.is_empty(),
                self.holidays.iter().any(|holiday| holiday.is(day, place)),
            )
    }
}

impl YearRange {
    fn includes(self, day: Date) -> bool {
        (self.from..=self.to).contains(&day.year()) && (day.year() - self.from) % self.step.max(1) == 0
    }
}

impl WeekRange {
    fn includes(self, day: Date) -> bool {
        let week = day.iso_week_date().week();
        (self.from..=self.to).contains(&week) && (week - self.from) % self.step.max(1) == 0
    }
}

impl WeekdayRange {
    fn includes(&self, day: Date, place: &dyn Place) -> bool {
        match self {
            Self::Days { from, to } => {
                let (from, to, weekday) = (*from, *to, weekday_of(day));
                if from <= to { (from..=to).contains(&weekday) } else { weekday >= from || weekday <= to }
            }
            Self::Nth { weekday, nth, offset_days } => {
                let Some(base) = shifted(day, -offset_days) else { return false };
                let from_start = (base.day() - 1) / 7 + 1;
                let from_end = -((base.days_in_month() - base.day()) / 7 + 1);
                weekday_of(base) == *weekday && (nth.contains(&from_start) || nth.contains(&from_end))
            }
            Self::Holiday(holiday) => holiday.is(day, place),
        }
    }
}

impl HolidayDay {
    fn is(self, day: Date, place: &dyn Place) -> bool {
        shifted(day, -self.offset_days).is_some_and(|base| place.is_holiday(base, self.kind))
    }
}

impl DateRange {
    fn includes(self, day: Date) -> bool {
        match self {
            Self::Months { year, from, to } => {
                let month = day.month();
                let starts_before = from > to && month <= to;
                let is_month =
                    if from <= to { (from..=to).contains(&month) } else { month >= from || month <= to };
                is_month && year.is_none_or(|year| day.year() - i16::from(starts_before) == year)
            }
            Self::Days { from, to, step } => is_between(day, from, to, i32::from(step.max(1))),
            Self::From(anchor) => {
                anchor.in_year(day.year(), Missing::NextDay).is_some_and(|from| day >= from)
            }
        }
    }
}

/// The day that stands for one that a year lacks, such as 29 February or the fifth Sunday of a month.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    None,
    /// The day after it, for the start of a range.
    NextDay,
    /// The last day of its month, for the end of a range.
    LastDay,
}

fn is_between(day: Date, from: DateAnchor, to: DateAnchor, step: i32) -> bool {
    let (start, end) =
        if from == to { (Missing::None, Missing::None) } else { (Missing::NextDay, Missing::LastDay) };
    // A range without years starts in the year of the day, or, across New Year, in the one before; an offset can move it by a year.
    (day.year() - 1..=day.year() + 1).any(|year| {
        let Some(first) = from.in_year(year, start) else { return false };
        let same_year = to.in_year(year, end).filter(|last| *last >= first);
        // Of two fixed years, the end is what it is.
        let last = same_year.or_else(|| to.in_year(year + 1, end).filter(|last| *last >= first));
        last.is_some_and(|last| (first..=last).contains(&day)) && days_between(first, day) % step == 0
    })
}

fn days_between(from: Date, to: Date) -> i32 {
    to.since(from).map_or(0, |span| span.get_days())
}

impl DateAnchor {
    /// Returns the date in its own year, or else in the given one.
    fn in_year(self, year: i16, missing: Missing) -> Option<Date> {
        let year = self.year.unwrap_or(year);
        let base = match self.day {
            AnchorDay::Fixed { month, day } => {
                let days_in_month = Date::new(year, month, 1).ok()?.days_in_month();
                let last = Date::new(year, month, day.min(days_in_month)).ok()?;
                match missing {
                    _ if day <= days_in_month => last,
                    Missing::None => return None,
                    Missing::NextDay => last.tomorrow().ok()?,
                    Missing::LastDay => last,
                }
            }
            AnchorDay::Easter => easter(year)?,
            AnchorDay::Nth { month, weekday, nth } => {
                let weekday = Weekday::from_monday_zero_offset(i8::try_from(weekday).ok()?).ok()?;
                Date::new(year, month, 1).ok()?.nth_weekday_of_month(nth, weekday).ok()?
            }
        };
        shifted(base, self.offset_days)
    }
}

/// Returns the weekday from Monday (0) to Sunday (6).
fn weekday_of(day: Date) -> u8 {
    u8::try_from(day.weekday().to_monday_zero_offset()).unwrap_or(0)
}

fn shifted(day: Date, days: i16) -> Option<Date> {
    if days == 0 { Some(day) } else { day.checked_add(i64::from(days).days()).ok() }
}

/// Returns Easter Sunday of the Gregorian calendar, by the anonymous algorithm (Meeus, Jones, Butcher): Jean Meeus, Astronomical
/// Algorithms, chapter 8.
fn easter(year: i16) -> Option<Date> {
    let y = i32::from(year);
    let a = y.rem_euclid(19);
    let (b, c) = (y.div_euclid(100), y.rem_euclid(100));
    let (d, e) = (b.div_euclid(4), b.rem_euclid(4));
    let g = (8 * b + 13).div_euclid(25);
    let h = (19 * a + b - d - g + 15).rem_euclid(30);
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k).rem_euclid(7);
    let m = (a + 11 * h + 19 * l) / 433;
    let month = (h + l - 7 * m + 90) / 25;
    let day = (h + l - 7 * m + 33 * month + 19).rem_euclid(32);
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn easter_is_a_sunday_on_the_known_dates() {
        for (year, month, day) in [
            (1818, 3, 22),
            (1943, 4, 25),
            (1961, 4, 2),
            (2000, 4, 23),
            (2024, 3, 31),
            (2026, 4, 5),
            (2038, 4, 25),
        ] {
            assert_eq!(easter(year), Some(date(year, month, day)));
        }
        assert!((1..9_999).all(|year| easter(year).is_some_and(|day| weekday_of(day) == 6)));
    }
}
