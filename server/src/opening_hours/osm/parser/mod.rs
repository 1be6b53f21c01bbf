//! Parses an expression: rules, and the selectors of each.
//!
//! The grammar is that of the OpenStreetMap wiki, `Key:opening_hours/specification`, with the tolerance of opening_hours.js where
//! the meaning is certain. Lists continue after a comma only if the next token can be an element, so that `Mo, Tu 09:00-11:00` is
//! one rule and `Mo 09:00-11:00, Tu 10:00-12:00` are two.

mod cursor;
mod dates;
mod times;
mod weekdays;

use nearby_index::OpenStatus;

use self::cursor::Cursor;
use super::{
    lexer::{Token, tokens},
    syntax::{DaySelector, Expression, Operator, Rule, SyntaxError},
};

/// Longest text, as the contract says.
const MAX_BYTES: usize = 1_024;
/// Largest number of rules and times together. Values of the map have at most 255 characters, and so far fewer.
const MAX_PARTS: usize = 128;

impl Expression {
    /// Parses an expression.
    ///
    /// # Errors
    /// If the text does not follow the grammar.
    pub(crate) fn parse(text: &str) -> Result<Self, SyntaxError> {
        if text.len() > MAX_BYTES {
            return Err(SyntaxError { at: MAX_BYTES, part: String::new(), problem: "more than 1,024 bytes" });
        }
        let lexemes = tokens(text)?;
        let mut cursor = Cursor::new(text, &lexemes);
        let mut rules = Vec::new();
        let (mut operator, mut is_separated) = (Operator::Override, true);
        loop {
            if let Some((rule, has_hours)) = rule(&mut cursor, operator)? {
                if !is_separated && !has_hours {
                    return Err(cursor.error("expected hours after the days"));
                }
                rules.push(rule);
            }
            if rules.iter().map(|rule| 1 + rule.times.len()).sum::<usize>() > MAX_PARTS {
                return Err(cursor.error("too many rules and times"));
            }
            is_separated = true;
            operator = match cursor.peek() {
                None => break,
                Some(Token::Comma) => Operator::Add,
                Some(Token::Fallback) => Operator::Fallback,
                Some(Token::Semicolon) => Operator::Override,
                // Rules without a separator between them: `Mo-Fr 08:00-17:00 Sa 09:00-12:00`.
                Some(_) => {
                    (operator, is_separated) = (Operator::Override, false);
                    continue;
                }
            };
            cursor.advance();
        }
        if rules.is_empty() {
            return Err(cursor.error("no opening hours"));
        }
        Ok(Self { rules })
    }
}

fn starts_hours(token: Option<Token<'_>>) -> bool {
    matches!(
        token,
        Some(
            Token::Number(_) | Token::Sun(_) | Token::OpenParenthesis | Token::Status(_) | Token::Comment(_)
        )
    )
}

/// Parses a rule up to its separator, or up to the days of another rule. Returns the rule, and whether it states hours or a state.
/// Returns `None` if there is nothing before the separator, as after a final `;`.
fn rule(cursor: &mut Cursor<'_>, operator: Operator) -> Result<Option<(Rule, bool)>, SyntaxError> {
    let start = cursor.index();
    let mut days = DaySelector::default();
    let mut times = Vec::new();
    let (mut status, mut comment): (Option<OpenStatus>, Option<Box<str>>) = (None, None);
    let mut is_always = false;
    while let Some(token) = cursor.peek() {
        let starts_days = matches!(
            token,
            Token::Weekday(_)
                | Token::Holiday(_)
                | Token::Month(_)
                | Token::Year(_)
                | Token::Easter
                | Token::Week
        );
        // Days behind the hours belong to them, unless others do already: `closed Sa-Su`, `09:00-17:00 Mo-Fr`.
        if starts_days && !days.is_empty() && (is_always || status.is_some() || !times.is_empty()) {
            break;
        }
        let has_hours = is_always || status.is_some() || comment.is_some() || !times.is_empty();
        match token {
            Token::Semicolon | Token::Fallback => break,
            Token::Comma if has_hours || cursor.index() == start => break,
            // `Mo-Fr, 09:00-17:00`: a comma before the hours of the days has no meaning.
            Token::Comma if starts_hours(cursor.peek_at(1)) => cursor.advance(),
            Token::Weekday(_) | Token::Holiday(_) => weekdays::parse(cursor, &mut days)?,
            Token::Month(_) | Token::Easter => dates::parse(cursor, &mut days)?,
            Token::Year(_) if matches!(cursor.peek_at(1), Some(Token::Month(_) | Token::Easter)) => {
                dates::parse(cursor, &mut days)?;
            }
            Token::Year(_) => dates::years(cursor, &mut days)?,
            Token::Week => dates::weeks(cursor, &mut days)?,
            Token::Always => {
                is_always = true;
                cursor.advance();
            }
            // Separates days from hours in some spellings; it has no meaning.
            Token::Colon if cursor.index() > start => cursor.advance(),
            Token::Status(given) if status.is_none() => {
                status = Some(given);
                cursor.advance();
            }
            Token::Comment(text) if comment.is_none() => {
                comment = Some(Box::from(text));
                cursor.advance();
            }
            Token::Number(_) | Token::Sun(_) | Token::OpenParenthesis if times.is_empty() => {
                times = times::parse(cursor)?;
            }
            _ => return Err(cursor.error("unexpected text")),
        }
    }
    if cursor.index() == start {
        return Ok(None);
    }
    // A comment alone says when, but not in which state: `Sa "by appointment"`.
    let without_keyword = if comment.is_some() { OpenStatus::Unknown } else { OpenStatus::Open };
    let has_hours = is_always || status.is_some() || comment.is_some() || !times.is_empty();
    let status = status.unwrap_or(without_keyword);
    Ok(Some((Rule { operator, days, times, status, comment }, has_hours)))
}
