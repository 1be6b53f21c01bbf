//! Parses weekdays and holidays.

use super::cursor::Cursor;
use crate::opening_hours::osm::{
    lexer::Token,
    syntax::{DaySelector, HolidayDay, SyntaxError, WeekdayRange},
};

/// Parses a list of weekdays and holidays. In `PH,Mo-Fr` the holidays are elements of the list; in `PH Mo-Fr`, without a comma, they
/// restrict the weekdays.
pub(super) fn parse(cursor: &mut Cursor<'_>, days: &mut DaySelector) -> Result<(), SyntaxError> {
    let mut list = Vec::new();
    loop {
        match cursor.peek() {
            Some(Token::Holiday(kind)) => {
                cursor.advance();
                list.push(WeekdayRange::Holiday(HolidayDay { kind, offset_days: cursor.offset_days() }));
            }
            Some(Token::Weekday(weekday)) => {
                cursor.advance();
                list.push(weekday_range(cursor, weekday)?);
            }
            _ => return Err(cursor.error("expected a weekday or a holiday")),
        }
        let is_day =
            |cursor: &Cursor<'_>| matches!(cursor.peek(), Some(Token::Weekday(_) | Token::Holiday(_)));
        if !cursor.take_comma_before(is_day) {
            break;
        }
    }
    let only_holidays: Option<Vec<HolidayDay>> = list
        .iter()
        .map(|range| if let WeekdayRange::Holiday(day) = range { Some(*day) } else { None })
        .collect();
    match only_holidays {
        Some(holidays) if days.holidays.is_empty() => days.holidays = holidays,
        _ => days.weekdays.extend(list),
    }
    Ok(())
}

fn weekday_range(cursor: &mut Cursor<'_>, from: u8) -> Result<WeekdayRange, SyntaxError> {
    if cursor.peek() == Some(Token::OpenBracket) {
        let nth = cursor.nth()?;
        return Ok(WeekdayRange::Nth { weekday: from, nth, offset_days: cursor.offset_days() });
    }
    if !cursor.take(Token::Dash) {
        return Ok(WeekdayRange::Days { from, to: from });
    }
    let Some(Token::Weekday(to)) = cursor.peek() else { return Err(cursor.error("expected a weekday")) };
    cursor.advance();
    Ok(WeekdayRange::Days { from, to })
}
