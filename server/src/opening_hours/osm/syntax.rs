//! The parsed form of an expression.

use std::fmt;

use nearby_index::OpenStatus;

/// A parsed `opening_hours` expression: rules, of which later ones override, extend or fall back from earlier ones.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expression {
    pub(super) rules: Vec<Rule>,
}

/// Relation of a rule to the rules before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    /// `;`: replaces the earlier rules on the days that it selects, unless it closes.
    Override,
    /// `,`: applies on top of the earlier rules.
    Add,
    /// `||`: applies where the earlier rules leave the place closed.
    Fallback,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) struct Rule {
    pub(super) operator: Operator,
    pub(super) days: DaySelector,
    /// Empty means the whole day.
    pub(super) times: Vec<TimeSpan>,
    pub(super) status: OpenStatus,
    pub(super) comment: Option<Box<str>>,
}

/// Selects days. Each list that is not empty must have an element that matches.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct DaySelector {
    pub(super) years: Vec<YearRange>,
    pub(super) dates: Vec<DateRange>,
    pub(super) weeks: Vec<WeekRange>,
    /// Holidays that restrict the weekdays, as in `PH Mo-Fr`.
    pub(super) holidays: Vec<HolidayDay>,
    /// Weekdays, and holidays that are listed among them, as in `Mo-Fr,PH`.
    pub(super) weekdays: Vec<WeekdayRange>,
}

impl DaySelector {
    /// Returns whether every day is selected.
    pub(super) fn is_empty(&self) -> bool {
        self.years.is_empty()
            && self.dates.is_empty()
            && self.weeks.is_empty()
            && self.holidays.is_empty()
            && self.weekdays.is_empty()
    }
}

/// `2026`, `2026-2028`, `2026+`, `2026-2036/2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct YearRange {
    pub(super) from: i16,
    pub(super) to: i16,
    pub(super) step: i16,
}

/// `week 1-53/2`, in ISO 8601 weeks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct WeekRange {
    pub(super) from: i8,
    pub(super) to: i8,
    pub(super) step: i8,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DateRange {
    /// `Nov-Feb`: months 1 to 12, which may wrap around the end of the year. A year is that of the first month.
    Months { year: Option<i16>, from: i8, to: i8 },
    /// `Dec 24-Jan 6`, `easter -2 days`, `Aug Su[-1]-Oct 3`: inclusive, and may wrap around the end of the year.
    Days { from: DateAnchor, to: DateAnchor, step: i16 },
    /// `Dec 25+`: until the end of the year, or without end if it names a year.
    From(DateAnchor),
}

/// A date, in a given year or in every year.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DateAnchor {
    pub(super) year: Option<i16>,
    pub(super) day: AnchorDay,
    pub(super) offset_days: i16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AnchorDay {
    /// Month and day of the month.
    Fixed { month: i8, day: i8 },
    /// Easter Sunday of the western churches.
    Easter,
    /// The n-th weekday of a month, from its end if negative. Weekdays count from Monday, which is 0.
    Nth { month: i8, weekday: u8, nth: i8 },
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum WeekdayRange {
    /// Days from Monday (0) to Sunday (6), which may wrap around the end of the week.
    Days {
        from: u8,
        to: u8,
    },
    /// `Mo[1,-1] +1 day`.
    Nth {
        weekday: u8,
        nth: Vec<i8>,
        offset_days: i16,
    },
    Holiday(HolidayDay),
}

/// `PH`, `SH`, `PH -1 day`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct HolidayDay {
    pub(super) kind: HolidayKind,
    pub(super) offset_days: i16,
}

/// Kind of a holiday.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum HolidayKind {
    /// `PH`.
    Public,
    /// `SH`.
    School,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TimeSpan {
    pub(super) from: TimePoint,
    /// `None` for a span such as `18:00+`, whose end is unknown.
    pub(super) to: Option<TimePoint>,
    /// The end of the span may be later, as in `18:00-22:00+`.
    pub(super) open_end: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TimePoint {
    /// Minutes after midnight, 0 to 2,880.
    Clock(i32),
    /// A sun event, and an offset in minutes.
    Sun { event: SunEvent, offset_minutes: i32 },
}

/// An event of the sun.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SunEvent {
    /// The centre of the sun passes 6° below the horizon, rising.
    Dawn,
    /// The upper edge of the sun appears.
    Sunrise,
    /// The upper edge of the sun disappears.
    Sunset,
    /// The centre of the sun passes 6° below the horizon, setting.
    Dusk,
}

impl Expression {
    /// Returns whether a rule names holidays of the kind.
    pub(crate) fn names_holidays(&self, kind: HolidayKind) -> bool {
        self.rules.iter().any(|rule| {
            let among_weekdays = rule.days.weekdays.iter().filter_map(|range| match range {
                WeekdayRange::Holiday(day) => Some(day),
                _ => None,
            });
            rule.days.holidays.iter().chain(among_weekdays).any(|day| day.kind == kind)
        })
    }

    /// Returns whether a rule names an event of the sun, so that the hours depend on the position.
    pub(crate) fn names_sun_events(&self) -> bool {
        let is_sun = |point: TimePoint| matches!(point, TimePoint::Sun { .. });
        let mut spans = self.rules.iter().flat_map(|rule| &rule.times);
        spans.any(|span| is_sun(span.from) || span.to.is_some_and(is_sun))
    }
}

/// The reason why a text is not an expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SyntaxError {
    /// Byte at which the part that is not understood starts.
    pub(crate) at: usize,
    /// The beginning of that part; empty at the end of the text.
    pub(crate) part: String,
    pub(crate) problem: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.part.is_empty() {
            write!(f, "{}, at the end", self.problem)
        } else {
            write!(f, "{}, at byte {}: {:?}", self.problem, self.at, self.part)
        }
    }
}
