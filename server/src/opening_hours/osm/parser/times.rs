//! Parses times of the day.

use super::cursor::Cursor;
use crate::opening_hours::{
    DAY_MINUTES,
    osm::{
        lexer::Token,
        syntax::{SyntaxError, TimePoint, TimeSpan},
    },
};

/// Latest end of a span: the end of the next day.
const MAX_MINUTES: i32 = 2 * DAY_MINUTES;

pub(super) fn parse(cursor: &mut Cursor<'_>) -> Result<Vec<TimeSpan>, SyntaxError> {
    let mut spans = Vec::new();
    loop {
        spans.push(span(cursor)?);
        // A spelling such as "10:00-18:00 Uhr".
        cursor.take(Token::Colon);
        if !cursor.take_comma_before(starts_span) {
            return Ok(spans);
        }
    }
}

fn starts_span(cursor: &Cursor<'_>) -> bool {
    match cursor.peek() {
        Some(Token::Sun(_) | Token::OpenParenthesis) => true,
        Some(Token::Number(_)) => {
            matches!(cursor.peek_at(1), Some(Token::Colon | Token::Dash | Token::Plus | Token::Meridian(_)))
        }
        _ => false,
    }
}

fn span(cursor: &mut Cursor<'_>) -> Result<TimeSpan, SyntaxError> {
    let is_bare = is_bare_range(cursor);
    let from = point(cursor)?;
    if matches!(from, TimePoint::Clock(minutes) if minutes >= DAY_MINUTES) {
        return Err(cursor.error("a time of the next day can only be an end, such as 22:00-26:00"));
    }
    let to = if cursor.take(Token::Dash) { Some(point(cursor)?) } else { None };
    let open_end = cursor.take(Token::Plus);
    let to = match (from, to) {
        (TimePoint::Clock(from), Some(TimePoint::Clock(to))) => {
            // `9-5` may mean the afternoon.
            if is_bare && to <= from && from <= DAY_MINUTES / 2 {
                return Err(cursor.error("hours without minutes must not run past midnight"));
            }
            let to = if to <= from { to + DAY_MINUTES } else { to };
            if to > MAX_MINUTES {
                return Err(cursor.error("a span must end on the next day at the latest"));
            }
            Some(TimePoint::Clock(to))
        }
        (_, None) if !open_end => {
            return Err(cursor.error("expected an end, such as 10:00-18:00, or + after the time"));
        }
        (_, to) => to,
    };
    if cursor.peek() == Some(Token::Slash) {
        return Err(cursor.error("an interval gives points in time, not opening hours"));
    }
    Ok(TimeSpan { from, to, open_end })
}

/// Returns whether a span without minutes follows: `9-17`.
fn is_bare_range(cursor: &Cursor<'_>) -> bool {
    let is_number = |ahead| matches!(cursor.peek_at(ahead), Some(Token::Number(_)));
    let is_plain = !matches!(cursor.peek_at(3), Some(Token::Colon | Token::Meridian(_)));
    is_number(0) && cursor.peek_at(1) == Some(Token::Dash) && is_number(2) && is_plain
}

fn point(cursor: &mut Cursor<'_>) -> Result<TimePoint, SyntaxError> {
    match cursor.peek() {
        Some(Token::Sun(event)) => {
            cursor.advance();
            Ok(TimePoint::Sun { event, offset_minutes: 0 })
        }
        Some(Token::OpenParenthesis) => sun_with_offset(cursor),
        _ => clock(cursor),
    }
}

fn sun_with_offset(cursor: &mut Cursor<'_>) -> Result<TimePoint, SyntaxError> {
    const EXPECTED: &str = "expected an offset such as (sunset-01:30)";

    cursor.advance();
    let Some(Token::Sun(event)) = cursor.peek() else { return Err(cursor.error(EXPECTED)) };
    cursor.advance();
    let sign = if cursor.take(Token::Plus) {
        1
    } else if cursor.take(Token::Dash) {
        -1
    } else {
        return Err(cursor.error(EXPECTED));
    };
    let hours = cursor.number(0, 24, EXPECTED)?;
    let minutes = if cursor.take(Token::Colon) {
        cursor.number(0, 59, EXPECTED)?
    } else {
        return Err(cursor.error(EXPECTED));
    };
    if !cursor.take(Token::CloseParenthesis) {
        return Err(cursor.error(EXPECTED));
    }
    let offset = i32::try_from(hours * 60 + minutes).unwrap_or(0);
    Ok(TimePoint::Sun { event, offset_minutes: sign * offset })
}

/// Parses `09:00`, `9.00`, `9`, `9 am`, `26:00`.
fn clock(cursor: &mut Cursor<'_>) -> Result<TimePoint, SyntaxError> {
    const EXPECTED: &str = "expected a time such as 09:00";

    let mut hours = cursor.number(0, 48, EXPECTED)?;
    let has_minutes =
        cursor.peek() == Some(Token::Colon) && matches!(cursor.peek_at(1), Some(Token::Number(_)));
    let mut minutes = 0;
    if has_minutes {
        cursor.advance();
        minutes = cursor.number(0, 59, "expected minutes from 00 to 59")?;
    } else {
        // "9 Uhr" and "9h".
        cursor.take(Token::Colon);
    }
    if let Some(Token::Meridian(is_afternoon)) = cursor.peek() {
        if !(1..=12).contains(&hours) {
            return Err(cursor.error("expected an hour from 1 to 12 before am or pm"));
        }
        cursor.advance();
        hours = hours % 12 + if is_afternoon { 12 } else { 0 };
    }
    let total = i32::try_from(hours * 60 + minutes).unwrap_or(i32::MAX);
    if total > MAX_MINUTES { Err(cursor.error(EXPECTED)) } else { Ok(TimePoint::Clock(total)) }
}
