//! Parses years, weeks, months and dates.

use super::cursor::Cursor;
use crate::opening_hours::osm::{
    lexer::Token,
    syntax::{AnchorDay, DateAnchor, DateRange, DaySelector, SyntaxError, WeekRange, YearRange},
};

/// Parses `2026`, `2026-2028`, `2026+`, `2026-2036/2`, in a list.
pub(super) fn years(cursor: &mut Cursor<'_>, days: &mut DaySelector) -> Result<(), SyntaxError> {
    while let Some(Token::Year(from)) = cursor.peek() {
        cursor.advance();
        let mut to = from;
        if cursor.take(Token::Dash) {
            let Some(Token::Year(end)) = cursor.peek() else { return Err(cursor.error("expected a year")) };
            if end < from {
                return Err(cursor.error("a range of years must not run backwards"));
            }
            cursor.advance();
            to = end;
        } else if cursor.take(Token::Plus) {
            to = i16::MAX;
        }
        let step = step(cursor, 100)?;
        if step > 1 && to == from {
            to = i16::MAX;
        }
        days.years.push(YearRange { from, to, step });
        let is_year = |cursor: &Cursor<'_>| {
            matches!(cursor.peek(), Some(Token::Year(_)))
                && !matches!(cursor.peek_at(1), Some(Token::Month(_)))
        };
        if !cursor.take_comma_before(is_year) {
            break;
        }
    }
    Ok(())
}

/// Parses `/2`; 1 if it is not there.
fn step(cursor: &mut Cursor<'_>, max: u32) -> Result<i16, SyntaxError> {
    if !cursor.take(Token::Slash) {
        return Ok(1);
    }
    let step = cursor.number(1, max, "expected a positive number after /")?;
    Ok(i16::try_from(step).unwrap_or(1))
}

/// Parses `week 1-10/2,15`.
pub(super) fn weeks(cursor: &mut Cursor<'_>, days: &mut DaySelector) -> Result<(), SyntaxError> {
    const EXPECTED: &str = "expected a week from 1 to 53";

    let week = |number: u32| i8::try_from(number).unwrap_or(53);
    loop {
        cursor.take(Token::Week);
        let from = cursor.number(1, 53, EXPECTED)?;
        let to = if cursor.take(Token::Dash) { cursor.number(from, 53, EXPECTED)? } else { from };
        let step = i8::try_from(step(cursor, 53)?).unwrap_or(1);
        days.weeks.push(WeekRange { from: week(from), to: week(to), step });
        let is_week = |cursor: &Cursor<'_>| match cursor.peek() {
            Some(Token::Week) => true,
            Some(Token::Number(_)) => !matches!(cursor.peek_at(1), Some(Token::Colon | Token::Meridian(_))),
            _ => false,
        };
        if !cursor.take_comma_before(is_week) {
            return Ok(());
        }
    }
}

/// Parses `Dec 24`, `Mar-Oct`, `Dec 24-Jan 6`, `Jan 1-31/7`, `easter -2 days`, `2026 Aug Su[-1]-2026 Oct 3`, in a list.
pub(super) fn parse(cursor: &mut Cursor<'_>, days: &mut DaySelector) -> Result<(), SyntaxError> {
    loop {
        let year = year(cursor);
        match cursor.peek() {
            Some(Token::Month(month)) if names_day(cursor) => days_of_month(cursor, year, month, days)?,
            Some(Token::Month(month)) if !names_nth(cursor) => months(cursor, year, month, days)?,
            _ => {
                let anchor = anchor(cursor, year)?;
                days.dates.push(range_from(cursor, anchor)?);
            }
        }
        let is_date = |cursor: &Cursor<'_>| match cursor.peek() {
            Some(Token::Month(_) | Token::Easter) => true,
            Some(Token::Year(_)) => matches!(cursor.peek_at(1), Some(Token::Month(_) | Token::Easter)),
            _ => false,
        };
        if !cursor.take_comma_before(is_date) {
            return Ok(());
        }
    }
}

fn year(cursor: &mut Cursor<'_>) -> Option<i16> {
    let Some(Token::Year(year)) = cursor.peek() else { return None };
    cursor.advance();
    Some(year)
}

/// Returns whether a month is followed by a day, and not by a time of the day as in `Jan 10:00-12:00`.
fn names_day(cursor: &Cursor<'_>) -> bool {
    let is_day = matches!(cursor.peek_at(1), Some(Token::Number(_)));
    let is_time = cursor.peek_at(2) == Some(Token::Colon)
        && matches!(cursor.peek_at(3), Some(Token::Number(_)))
        && matches!(cursor.peek_at(4), Some(Token::Dash | Token::Plus | Token::Meridian(_)));
    is_day && !is_time && !matches!(cursor.peek_at(2), Some(Token::Meridian(_)))
}

/// Returns whether a month is followed by a weekday such as `Su[-1]`.
fn names_nth(cursor: &Cursor<'_>) -> bool {
    matches!(cursor.peek_at(1), Some(Token::Weekday(_))) && cursor.peek_at(2) == Some(Token::OpenBracket)
}

/// Parses a month, or a range of months. With a year, `2026 Mar-Oct` names months of that year, and `2026 Dec-2027 Feb` is a range of
/// days.
fn months(
    cursor: &mut Cursor<'_>,
    year: Option<i16>,
    from: i8,
    days: &mut DaySelector,
) -> Result<(), SyntaxError> {
    cursor.advance();
    let mut to = from;
    if cursor.peek() == Some(Token::Dash) {
        match (cursor.peek_at(1), cursor.peek_at(2)) {
            (Some(Token::Month(month)), _) => {
                cursor.advance();
                cursor.advance();
                to = month;
            }
            (Some(Token::Year(end)), Some(Token::Month(month))) if year.is_some() => {
                (0..3).for_each(|_| cursor.advance());
                let anchor = |year, month, day| DateAnchor {
                    year: Some(year),
                    day: AnchorDay::Fixed { month, day },
                    offset_days: 0,
                };
                if year > Some(end) {
                    return Err(cursor.error(BACKWARDS));
                }
                let (from, to) = (anchor(year.unwrap_or(end), from, 1), anchor(end, month, 31));
                days.dates.push(DateRange::Days { from, to, step: 1 });
                return Ok(());
            }
            _ => return Err(cursor.error("expected a month")),
        }
    }
    days.dates.push(DateRange::Months { year, from, to });
    Ok(())
}

/// Parses `Dec 24`, `Dec 24-26`, `Dec 24,31`, `Jan 1-31/7`, `Dec 24-Jan 6`.
fn days_of_month(
    cursor: &mut Cursor<'_>,
    year: Option<i16>,
    month: i8,
    days: &mut DaySelector,
) -> Result<(), SyntaxError> {
    cursor.advance();
    loop {
        let from = DateAnchor { year, day: fixed(cursor, month)?, offset_days: cursor.offset_days() };
        let is_day = |token: Option<Token<'_>>, next: Option<Token<'_>>| {
            matches!(token, Some(Token::Number(_)))
                && !matches!(next, Some(Token::Colon | Token::Meridian(_)))
        };
        let range = if cursor.peek() == Some(Token::Dash) && is_day(cursor.peek_at(1), cursor.peek_at(2)) {
            cursor.advance();
            let to = DateAnchor { year, day: fixed(cursor, month)?, offset_days: 0 };
            if runs_backwards(from, to) {
                return Err(cursor.error(BACKWARDS));
            }
            DateRange::Days { from, to, step: step(cursor, 366)? }
        } else {
            range_from(cursor, from)?
        };
        days.dates.push(range);
        if !cursor.take_comma_before(|cursor| is_day(cursor.peek(), cursor.peek_at(1))) {
            return Ok(());
        }
    }
}

/// Parses what follows the first date of a range: its end, or `+`, or nothing.
fn range_from(cursor: &mut Cursor<'_>, from: DateAnchor) -> Result<DateRange, SyntaxError> {
    if cursor.take(Token::Plus) {
        return Ok(DateRange::From(from));
    }
    if !cursor.take(Token::Dash) {
        return Ok(DateRange::Days { from, to: from, step: 1 });
    }
    let year = year(cursor);
    if year.is_some() != from.year.is_some() {
        return Err(cursor.error("a range of dates must name the year at both ends or at none"));
    }
    let to = match cursor.peek() {
        Some(Token::Month(month)) if names_day(cursor) => {
            cursor.advance();
            DateAnchor { year, day: fixed(cursor, month)?, offset_days: cursor.offset_days() }
        }
        _ => anchor(cursor, year)?,
    };
    if from.year.is_some() && runs_backwards(from, to) {
        return Err(cursor.error(BACKWARDS));
    }
    Ok(DateRange::Days { from, to, step: step(cursor, 366)? })
}

const BACKWARDS: &str = "a range of dates must not run backwards";

/// Returns whether the end of a range is before its start, both in the same year or in years that are named.
fn runs_backwards(from: DateAnchor, to: DateAnchor) -> bool {
    let key = |anchor: DateAnchor| match anchor.day {
        AnchorDay::Fixed { month, day } => Some((anchor.year, month, day)),
        AnchorDay::Easter => None,
        AnchorDay::Nth { month, .. } => Some((anchor.year, month, 0)),
    };
    matches!((key(from), key(to)), (Some(from), Some(to)) if to < from && (to.2, from.2) != (0, 0))
}

/// Parses `easter`, `Aug Su[-1]`, each with an offset.
fn anchor(cursor: &mut Cursor<'_>, year: Option<i16>) -> Result<DateAnchor, SyntaxError> {
    let day = match (cursor.peek(), cursor.peek_at(1)) {
        (Some(Token::Easter), _) => {
            cursor.advance();
            AnchorDay::Easter
        }
        (Some(Token::Month(month)), Some(Token::Weekday(weekday))) => {
            cursor.advance();
            cursor.advance();
            match cursor.nth()?.as_slice() {
                [nth] => AnchorDay::Nth { month, weekday, nth: *nth },
                _ => return Err(cursor.error("expected one number in the brackets of a date")),
            }
        }
        _ => return Err(cursor.error("expected a date")),
    };
    Ok(DateAnchor { year, day, offset_days: cursor.offset_days() })
}

fn fixed(cursor: &mut Cursor<'_>, month: i8) -> Result<AnchorDay, SyntaxError> {
    let max = match month {
        2 => 29,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    };
    let day = cursor.number(1, max, "expected a day of the month")?;
    Ok(AnchorDay::Fixed { month, day: i8::try_from(day).unwrap_or(1) })
}
