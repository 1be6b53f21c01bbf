//! Converts OpenStreetMap's `opening_hours` to weekly periods, if they describe a regular week.
//!
//! The crate `opening-hours-syntax` parses the grammar; this module applies its rules to a week: a rule after `;` replaces the days
//! that it names, a rule after `,` adds to them. Rules for holidays are omitted and reported. Anything else that a week cannot
//! represent (months, weeks of the year, sunrise, fallbacks, open ends, comments instead of hours) is an error.

use std::ops::RangeInclusive;

use nearby_proto::v1::WeeklyPeriod;
use opening_hours_syntax::{
    ExtendedTime,
    rules::{
        RuleKind, RuleOperator, RuleSequence,
        day::{DaySelector, WeekDayRange, Weekday},
        time::{Time, TimeSpan},
    },
};

/// Opening hours of a week.
#[derive(Debug, PartialEq)]
pub(super) struct Week {
    pub(super) periods: Vec<WeeklyPeriod>,
    /// Rules for holidays were omitted.
    pub(super) omits_holidays: bool,
}

/// The hours cannot be represented as weekly periods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NotAWeek;

const DAY_MINUTES: i32 = 24 * 60;

/// Start and length in minutes.
type Span = (i32, i32);

pub(super) fn weekly_periods(text: &str) -> Result<Week, NotAWeek> {
    let expression = opening_hours_syntax::parse(text).map_err(|_| NotAWeek)?;
    let mut days: [Vec<Span>; 7] = Default::default();
    let mut omits_holidays = false;
    for rule in &expression.rules {
        let selected = selected_days(&rule.day_selector)?;
        omits_holidays |= selected.holidays;
        let spans = spans(rule)?;
        for day in selected.days {
            if rule.operator == RuleOperator::Normal {
                days[day].clear();
            }
            days[day].extend(&spans);
        }
    }
    let periods = periods(days);
    // The contract allows 64 periods; a text with more is most likely not opening hours.
    if periods.is_empty() || periods.len() > 64 {
        Err(NotAWeek)
    } else {
        Ok(Week { periods, omits_holidays })
    }
}

struct Selected {
    /// Days from Monday, 0 to 6.
    days: Vec<usize>,
    holidays: bool,
}

fn selected_days(selector: &DaySelector) -> Result<Selected, NotAWeek> {
    if !(selector.year.is_empty() && selector.monthday.is_empty() && selector.week.is_empty()) {
        return Err(NotAWeek);
    }
    if selector.weekday.is_empty() {
        return Ok(Selected { days: (0..7).collect(), holidays: false });
    }
    let mut selected = Selected { days: Vec::new(), holidays: false };
    for range in &selector.weekday {
        match range {
            WeekDayRange::Holiday { .. } => selected.holidays = true,
            WeekDayRange::Fixed { range, offset: 0, nth_from_start, nth_from_end }
                if !nth_from_start.contains(&false) && !nth_from_end.contains(&false) =>
            {
                selected.days.extend(days_in(range));
            }
            WeekDayRange::Fixed { .. } => return Err(NotAWeek),
        }
    }
    Ok(selected)
}

/// Yields the days of a range, which may wrap around the end of the week, such as `Sa-Mo`.
fn days_in(range: &RangeInclusive<Weekday>) -> impl Iterator<Item = usize> + use<> {
    let first = range.start().num_days_from_monday() as usize;
    let last = range.end().num_days_from_monday() as usize;
    let count = (last + 7 - first) % 7 + 1;
    (first..first + count).map(|day| day % 7)
}

fn spans(rule: &RuleSequence) -> Result<Vec<Span>, NotAWeek> {
    match (rule.kind, rule.operator) {
        (_, RuleOperator::Fallback) | (RuleKind::Unknown, _) => Err(NotAWeek),
        // "10:00-12:00 off" removes a part of the periods of earlier rules, which is not supported.
        (RuleKind::Closed, _) if rule.time_selector != Default::default() => Err(NotAWeek),
        (RuleKind::Closed, _) => Ok(Vec::new()),
        // Only a comment, such as "on request". The parser reports it as always open, which it does not mean.
        (RuleKind::Open, _) if rule.is_constant() && !rule.comment.is_empty() => Err(NotAWeek),
        (RuleKind::Open, _) => rule.time_selector.spans.iter().map(span).collect(),
    }
}

fn span(span: &TimeSpan) -> Result<Span, NotAWeek> {
    let (Time::Fixed(start), Time::Fixed(end)) = (span.range.start, span.range.end) else {
        return Err(NotAWeek);
    };
    if span.open_end || span.repeats.is_some() {
        return Err(NotAWeek);
    }
    let minutes = |time: ExtendedTime| i32::from(time.hour()) * 60 + i32::from(time.minute());
    let (start, end) = (minutes(start), minutes(end));
    let length = if end > start { end - start } else { end + DAY_MINUTES - start };
    if (0..DAY_MINUTES).contains(&start) { Ok((start, length)) } else { Err(NotAWeek) }
}

fn periods(mut days: [Vec<Span>; 7]) -> Vec<WeeklyPeriod> {
    const WHOLE_DAY: &[Span] = &[(0, DAY_MINUTES)];

    if days.iter().all(|spans| spans == WHOLE_DAY) {
        return vec![WeeklyPeriod { weekday: 1, start_minute: 0, length_minutes: 7 * DAY_MINUTES }];
    }
    let mut periods = Vec::new();
    for (weekday, spans) in (1..).zip(&mut days) {
        spans.sort_unstable();
        spans.dedup();
        periods.extend(spans.iter().map(|(start_minute, length_minutes)| WeeklyPeriod {
            weekday,
            start_minute: *start_minute,
            length_minutes: *length_minutes,
        }));
    }
    periods
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Formats periods as `weekday start length`; weekday 1 is Monday.
    fn week(text: &str) -> Option<String> {
        let periods = weekly_periods(text).ok()?.periods;
        let period = |p: &WeeklyPeriod| format!("{} {} {}", p.weekday, p.start_minute, p.length_minutes);
        Some(periods.iter().map(period).collect::<Vec<_>>().join(", "))
    }

    #[test]
    fn common_weekly_hours_are_converted() {
        for (text, expected) in [
            ("24/7", "1 0 10080"),
            ("Tu-We 10:00-18:00; Fr 09:00-12:00,13:00-17:30", "2 600 480, 3 600 480, 5 540 180, 5 780 270"),
            ("Sa 11:00-16:00;Mo 10:00-18:00", "1 600 480, 6 660 300"),
            ("Mo 7:00-09:00, Tu 9:00-10:00", "1 420 120, 2 540 60"),
            ("Fr-Sa 21:00-04:00", "5 1260 420, 6 1260 420"),
            ("Fr 11:00-00:00", "5 660 780"),
            ("Fr 11:00-24:00", "5 660 780"),
            ("Sa-Mo 10:00-11:00", "1 600 60, 6 600 60, 7 600 60"),
            ("Mo-Tu 10:00-18:00; Tu off", "1 600 480"),
            ("Mo 10:00-18:00; PH off", "1 600 480"),
            ("Mo 10:00-18:00; Mo 12:00-13:00", "1 720 60"),
        ] {
            assert_eq!(week(text).as_deref(), Some(expected), "{text}");
        }
        assert!(weekly_periods("Mo 10:00-18:00; PH off").unwrap().omits_holidays);
    }

    #[test]
    fn hours_that_are_not_weekly_are_rejected() {
        for text in [
            "Jun-Aug Sa 11:00-15:00",
            "Mo-Fr sunrise-sunset",
            "Mo-Fr 16:00+",
            "Mo[1] 10:00-11:00",
            "\"for request only\"",
            "Seasonal, only summer time",
            "closed",
            "Mo 10:00-18:00; Mo 12:00-13:00 off",
            "11am - 11pm",
        ] {
            assert_eq!(week(text), None, "{text}");
        }
    }
}
