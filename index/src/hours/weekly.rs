//! A week of periods, and special days that replace it.
//!
//! A period belongs to the day on which it starts and runs in local wall-clock time: past midnight, and
//! through daylight-saving transitions, without special cases. Converting an instant to local time is left
//! to callers, which know the time zone rules.

use std::sync::Arc;

/// A local date and time of day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LocalTime {
    /// Days since 1 January 1970, a Thursday.
    pub day: i32,
    /// Minutes since midnight, 0 to 1439.
    pub minute: u16,
}

/// A period of opening that starts on a given day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period {
    /// Start in minutes after midnight, 0 to 1439.
    pub start_minute: u16,
    /// Length in minutes.
    pub length_minutes: u16,
}

impl Period {
    fn holds(self, minute: u32) -> bool {
        let start = u32::from(self.start_minute);
        (start..start + u32::from(self.length_minutes)).contains(&minute)
    }
}

/// Weekly opening hours in one time zone.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct WeeklyHours {
    zone: Arc<str>,
    /// Weekday from Monday (0 to 6) and a period of at most one day; sorted by weekday.
    weekly: Box<[(u8, Period)]>,
    /// Special days and their periods, sorted by day.
    special: Box<[(i32, Box<[Period]>)]>,
}

const DAY_MINUTES: u16 = 24 * 60;
/// A period of a special day may last two days and so extend into the second day after.
const MAX_PERIOD_DAYS: u16 = 2;

impl WeeklyHours {
    /// Creates hours from an IANA time zone name, weekly periods by weekday from Monday (0 to 6), and special
    /// days (as days since 1 January 1970) whose periods replace those of the week. Returns `None` if there
    /// is neither a weekly period nor a special day: the hours are unknown then, not "always closed".
    ///
    /// A weekly period longer than a day is split at each midnight; the later parts belong to the days they
    /// lie on.
    #[must_use]
    pub fn new(
        zone: &str,
        weekly: impl IntoIterator<Item = (u8, Period)>,
        special: impl IntoIterator<Item = (i32, Vec<Period>)>,
    ) -> Option<Self> {
        let mut weekly: Vec<(u8, Period)> = weekly.into_iter().flat_map(cut_at_midnights).collect();
        weekly
            .sort_unstable_by_key(|(weekday, period)| (*weekday, period.start_minute, period.length_minutes));
        weekly.dedup();
        let mut special: Vec<(i32, Box<[Period]>)> =
            special.into_iter().map(|(day, periods)| (day, periods.into())).collect();
        special.sort_unstable_by_key(|(day, _)| *day);
        let is_known = !(weekly.is_empty() && special.is_empty());
        is_known.then(|| Self { zone: zone.into(), weekly: weekly.into(), special: special.into() })
    }

    /// Returns the IANA name of the time zone.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone
    }

    /// Returns the weekly periods: weekday from Monday (0 to 6) and a period of at most one day.
    pub fn weekly(&self) -> impl ExactSizeIterator<Item = (u8, Period)> {
        self.weekly.iter().copied()
    }

    /// Returns the special days in order, each with the periods that replace those of the week.
    pub fn special(&self) -> impl ExactSizeIterator<Item = (i32, &[Period])> {
        self.special.iter().map(|(day, periods)| (*day, &**periods))
    }

    /// Returns the minutes of a day, besides 0 and 1440, at which the state may change: sorted, without
    /// repetitions.
    #[must_use]
    pub fn boundaries(&self, day: i32) -> Vec<u16> {
        let mut boundaries: Vec<u16> = Vec::new();
        for ago in 0..=MAX_PERIOD_DAYS {
            let Some(start_day) = day.checked_sub(i32::from(ago)) else { continue };
            let earlier = u32::from(ago) * u32::from(DAY_MINUTES);
            self.for_each_period(start_day, &mut |period| {
                let start = u32::from(period.start_minute);
                for edge in [start, start + u32::from(period.length_minutes)] {
                    let minute = edge.checked_sub(earlier).and_then(|minute| u16::try_from(minute).ok());
                    boundaries.extend(minute.filter(|minute| (1..DAY_MINUTES).contains(minute)));
                }
            });
        }
        boundaries.sort_unstable();
        boundaries.dedup();
        boundaries
    }

    /// Calls `each` with the periods that start on a day.
    fn for_each_period(&self, day: i32, each: &mut dyn FnMut(Period)) {
        match self.special.binary_search_by_key(&day, |(day, _)| *day) {
            Ok(found) => self.special[found].1.iter().for_each(|period| each(*period)),
            Err(_) => {
                let weekday = weekday_of(day);
                let of_day = self.weekly.iter().filter(|(of, _)| *of == weekday);
                of_day.for_each(|(_, period)| each(*period));
            }
        }
    }

    /// Returns whether the merchant is open at a local time.
    #[must_use]
    pub fn is_open(&self, at: LocalTime) -> bool {
        (0..=MAX_PERIOD_DAYS).any(|ago| {
            let Some(day) = at.day.checked_sub(i32::from(ago)) else { return false };
            let minute = u32::from(at.minute) + u32::from(ago) * u32::from(DAY_MINUTES);
            match self.special.binary_search_by_key(&day, |(day, _)| *day) {
                Ok(found) => self.special[found].1.iter().any(|period| period.holds(minute)),
                Err(_) => {
                    let weekday = weekday_of(day);
                    self.weekly.iter().any(|(of, period)| *of == weekday && period.holds(minute))
                }
            }
        })
    }
}

/// Returns the weekday from Monday (0 to 6) of a day since 1 January 1970.
fn weekday_of(day: i32) -> u8 {
    // 1 January 1970 was a Thursday. A remainder modulo 7 fits `u8`.
    u8::try_from((i64::from(day) + 3).rem_euclid(7)).unwrap_or_default()
}

/// Splits a weekly period into parts of at most a day. Out-of-range input, from a request that validation
/// rejects later, is split without overflow into some parts.
fn cut_at_midnights((weekday, period): (u8, Period)) -> Vec<(u8, Period)> {
    if period.length_minutes <= DAY_MINUTES {
        return vec![(weekday, period)];
    }
    let mut parts = Vec::new();
    let (mut weekday, mut start_minute, mut left) = (weekday, period.start_minute, period.length_minutes);
    while left > 0 {
        let length_minutes = left.min(DAY_MINUTES.saturating_sub(start_minute));
        parts.push((weekday, Period { start_minute, length_minutes }));
        (weekday, start_minute, left) = ((weekday % 7 + 1) % 7, 0, left - length_minutes);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A Monday.
    const MONDAY: i32 = 20_458;

    fn period(start_minute: u16, length_minutes: u16) -> Period {
        Period { start_minute, length_minutes }
    }

    /// Returns whether the merchant is open at a time on the n-th day after that Monday.
    fn is_open(hours: &WeeklyHours, day: i32, hour: u16, minute: u16) -> bool {
        hours.is_open(LocalTime { day: MONDAY + day, minute: hour * 60 + minute })
    }

    #[test]
    fn out_of_range_periods_are_split_without_overflow() {
        for (weekday, start_minute) in [(0, 1_440), (6, 1_692), (255, u16::MAX)] {
            for length_minutes in [1_441, 1_752, u16::MAX] {
                let hours =
                    WeeklyHours::new("UTC", [(weekday, period(start_minute, length_minutes))], []).unwrap();
                let minutes: u32 = hours.weekly().map(|(_, part)| u32::from(part.length_minutes)).sum();
                assert!(minutes <= u32::from(length_minutes), "{weekday} {start_minute} {length_minutes}");
                assert!(hours.weekly().all(|(_, part)| part.length_minutes <= DAY_MINUTES));
            }
        }
    }

    #[test]
    fn weekdays_count_from_monday() {
        assert_eq!([weekday_of(0), weekday_of(-1), weekday_of(4), weekday_of(MONDAY)], [3, 2, 0, 0]);
        assert!(weekday_of(i32::MIN) < 7 && weekday_of(i32::MAX) < 7);
    }

    #[test]
    fn period_start_is_inclusive_and_end_exclusive() {
        let hours = WeeklyHours::new("UTC", [(0, period(9 * 60, 8 * 60))], []).unwrap();
        let expected = [(8, 59, false), (9, 0, true), (16, 59, true), (17, 0, false)];
        for (hour, minute, open) in expected {
            assert_eq!(is_open(&hours, 0, hour, minute), open, "{hour}:{minute}");
            assert!(!is_open(&hours, 1, hour, minute), "Tuesday");
        }
        assert!(is_open(&hours, 7, 12, 0) && is_open(&hours, -7, 12, 0));
    }

    #[test]
    fn overnight_period_belongs_to_its_start_day() {
        let bar = WeeklyHours::new("UTC", [(6, period(22 * 60, 6 * 60))], []).unwrap();
        assert!(is_open(&bar, 6, 23, 0) && is_open(&bar, 7, 3, 59), "from Sunday into Monday");
        assert!(!is_open(&bar, 7, 4, 0) && !is_open(&bar, 0, 21, 0));
        // Monday is a holiday: the period that started on Sunday still runs to its end.
        let holiday = [(MONDAY + 7, Vec::new())];
        let bar =
            WeeklyHours::new("UTC", [(6, period(22 * 60, 6 * 60)), (0, period(600, 60))], holiday).unwrap();
        assert!(is_open(&bar, 7, 1, 0) && !is_open(&bar, 7, 10, 30) && is_open(&bar, 14, 10, 30));
        // A special Sunday without periods also removes the night that would have followed.
        let closed = [(MONDAY + 6, Vec::new())];
        let bar = WeeklyHours::new("UTC", [(6, period(22 * 60, 6 * 60))], closed).unwrap();
        assert!(!is_open(&bar, 6, 23, 0) && !is_open(&bar, 7, 1, 0) && is_open(&bar, 13, 23, 0));
    }

    #[test]
    fn round_the_clock_hours_are_closed_on_special_days_only() {
        let always =
            WeeklyHours::new("UTC", [(0, period(0, 7 * 24 * 60))], [(MONDAY + 2, Vec::new())]).unwrap();
        for day in 0..14 {
            for hour in 0..24 {
                assert_eq!(is_open(&always, day, hour, 30), day != 2, "{day} {hour}");
            }
        }
        let from_thursday_noon = WeeklyHours::new("UTC", [(3, period(720, 7 * 24 * 60))], []).unwrap();
        assert!((0..7).all(|day| is_open(&from_thursday_noon, day, 11, 59)));
    }

    #[test]
    fn special_day_period_may_last_two_days() {
        let sale = WeeklyHours::new("UTC", [], [(MONDAY, vec![period(23 * 60, 48 * 60)])]).unwrap();
        assert!(!is_open(&sale, 0, 22, 59) && is_open(&sale, 0, 23, 0));
        assert!(is_open(&sale, 1, 12, 0) && is_open(&sale, 2, 22, 59) && !is_open(&sale, 2, 23, 0));
    }

    #[test]
    fn state_changes_only_at_boundaries() {
        let periods = [(6, period(22 * 60, 6 * 60)), (2, period(600, 60)), (2, period(700, 1_440))];
        let special = [(MONDAY + 1, vec![period(23 * 60, 48 * 60)])];
        let hours = WeeklyHours::new("UTC", periods, special).unwrap();
        for day in MONDAY - 8..MONDAY + 8 {
            let boundaries = hours.boundaries(day);
            for minute in 1..1_440 {
                let at = |minute| hours.is_open(LocalTime { day, minute });
                assert!(at(minute) == at(minute - 1) || boundaries.contains(&minute), "{day} {minute}");
            }
        }
        assert_eq!(hours.boundaries(MONDAY + 9), [600, 660, 700]);
    }

    #[test]
    fn no_periods_means_unknown_hours() {
        assert_eq!(WeeklyHours::new("UTC", [], []), None);
    }
}
