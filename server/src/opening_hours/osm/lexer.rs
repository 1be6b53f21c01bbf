//! Splits an expression into tokens. Reads the spellings that mappers use beside those of the specification: other case, full
//! names of weekdays and months, dashes of typography, `a.m.` and `p.m.`.

use std::{collections::HashMap, sync::LazyLock};

use super::syntax::{HolidayKind, SunEvent, SyntaxError};
use nearby_index::OpenStatus;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'t> {
    /// From Monday, 0 to 6.
    Weekday(u8),
    /// 1 to 12.
    Month(i8),
    Number(u32),
    /// A number above 1900, which is a year.
    Year(i16),
    Holiday(HolidayKind),
    Sun(SunEvent),
    Easter,
    Week,
    /// `day` or `days`.
    Days,
    /// `24/7`.
    Always,
    Status(OpenStatus),
    Comment(&'t str),
    /// The hours of a time are in the afternoon if true.
    Meridian(bool),
    /// `:`, or `.` between digits.
    Colon,
    Dash,
    Plus,
    Comma,
    Slash,
    OpenParenthesis,
    CloseParenthesis,
    OpenBracket,
    CloseBracket,
    Semicolon,
    Fallback,
}

/// A token and the byte at which it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lexeme<'t> {
    pub(super) token: Token<'t>,
    pub(super) at: usize,
}

/// Names in the languages of most files, in lower case. Abbreviations of several languages are included where no other language
/// gives them another meaning.
const WORDS: [(&[&str], Token<'static>); 36] = [
    (
        &[
            "mo",
            "mon",
            "monday",
            "mondays",
            "montag",
            "montags",
            "lundi",
            "lunes",
            "lunedì",
            "maanantai",
            "måndag",
        ],
        Token::Weekday(0),
    ),
    (
        &[
            "tu",
            "tue",
            "tues",
            "tuesday",
            "tuesdays",
            "di",
            "dienstag",
            "dienstags",
            "mardi",
            "martes",
            "martedì",
            "tiistai",
            "tisdag",
        ],
        Token::Weekday(1),
    ),
    (
        &[
            "we",
            "wed",
            "weds",
            "wednesday",
            "wednesdays",
            "mi",
            "mittwoch",
            "mittwochs",
            "mercredi",
            "miércoles",
            "keskiviikko",
            "onsdag",
        ],
        Token::Weekday(2),
    ),
    (
        &[
            "th",
            "thu",
            "thur",
            "thurs",
            "thursday",
            "thursdays",
            "donnerstag",
            "donnerstags",
            "jeudi",
            "jueves",
            "torstai",
            "torsdag",
        ],
        Token::Weekday(3),
    ),
    (
        &[
            "fr",
            "fri",
            "friday",
            "fridays",
            "freitag",
            "freitags",
            "vendredi",
            "viernes",
            "perjantai",
            "fredag",
        ],
        Token::Weekday(4),
    ),
    (
        &[
            "sa",
            "sat",
            "saturday",
            "saturdays",
            "samstag",
            "samstags",
            "sonnabend",
            "samedi",
            "sábado",
            "lauantai",
            "lördag",
        ],
        Token::Weekday(5),
    ),
    (
        &[
            "su",
            "sun",
            "sunday",
            "sundays",
            "sonntag",
            "sonntags",
            "dimanche",
            "domingo",
            "sunnuntai",
            "söndag",
        ],
        Token::Weekday(6),
    ),
    (&["jan", "january", "januar", "janvier", "enero"], Token::Month(1)),
    (&["feb", "february", "februar", "février", "febrero"], Token::Month(2)),
    (&["mar", "march", "märz", "mars", "marzo"], Token::Month(3)),
    (&["apr", "april", "avril", "abril"], Token::Month(4)),
    (&["may", "mai", "mayo"], Token::Month(5)),
    (&["jun", "june", "juni", "juin", "junio"], Token::Month(6)),
    (&["jul", "july", "juli", "juillet", "julio"], Token::Month(7)),
    (&["aug", "august", "août", "agosto"], Token::Month(8)),
    (&["sep", "sept", "september", "septembre", "septiembre"], Token::Month(9)),
    (&["oct", "october", "okt", "oktober", "octobre", "octubre"], Token::Month(10)),
    (&["nov", "november", "novembre", "noviembre"], Token::Month(11)),
    (&["dec", "december", "dez", "dezember", "décembre", "diciembre"], Token::Month(12)),
    (
        &["ph", "holidays", "holiday", "feiertag", "feiertage", "feiertags"],
        Token::Holiday(HolidayKind::Public),
    ),
    (&["sh"], Token::Holiday(HolidayKind::School)),
    (&["dawn"], Token::Sun(SunEvent::Dawn)),
    (&["sunrise"], Token::Sun(SunEvent::Sunrise)),
    (&["sunset"], Token::Sun(SunEvent::Sunset)),
    (&["dusk"], Token::Sun(SunEvent::Dusk)),
    (&["easter"], Token::Easter),
    (&["week", "weeks"], Token::Week),
    (&["day", "days"], Token::Days),
    (&["open"], Token::Status(OpenStatus::Open)),
    (
        &["off", "closed", "geschlossen", "ruhetag", "fermé", "cerrado", "suljettu", "stängt"],
        Token::Status(OpenStatus::Closed),
    ),
    (&["unknown"], Token::Status(OpenStatus::Unknown)),
    (&["am", "a.m", "a.m."], Token::Meridian(false)),
    (&["pm", "p.m", "p.m."], Token::Meridian(true)),
    (&["to", "bis", "til", "till", "until", "through", "thru"], Token::Dash),
    (&["and", "und", "et", "y", "ja", "och"], Token::Comma),
    (&["uhr", "h"], Token::Colon),
];

static TOKEN_OF_WORD: LazyLock<HashMap<&'static str, Token<'static>>> = LazyLock::new(|| {
    WORDS.iter().flat_map(|(names, token)| names.iter().map(|name| (*name, *token))).collect()
});

pub(super) fn tokens(text: &str) -> Result<Vec<Lexeme<'_>>, SyntaxError> {
    let mut tokens: Vec<Lexeme<'_>> = Vec::new();
    let mut at = 0;
    while let Some(next) = text[at..].chars().next() {
        let rest = &text[at..];
        let length = if next.is_whitespace() || next == '\u{200b}' || next == '\u{feff}' {
            next.len_utf8()
        } else {
            let (token, length) = token(rest).ok_or_else(|| SyntaxError {
                at,
                part: rest.chars().take(20).collect(),
                problem: "unexpected text",
            })?;
            tokens.extend(token.map(|token| Lexeme { token, at }));
            length
        };
        at += length;
    }
    Ok(tokens)
}

/// Returns the first token of a text that does not start with white space, and its length. A word may stand for no token.
fn token(rest: &str) -> Option<(Option<Token<'_>>, usize)> {
    let fixed = |token, length| Some((Some(token), length));
    let next = rest.chars().next()?;
    let length = next.len_utf8();
    match next {
        _ if rest.starts_with("24/7") => fixed(Token::Always, 4),
        '0'..='9' => number(rest),
        '"' | '“' | '„' | '«' => comment(rest, next),
        ':' | '：' | '.' => fixed(Token::Colon, length),
        '-' | '‐' | '‑' | '‒' | '–' | '—' | '−' | '~' | '～' | '→' => {
            fixed(Token::Dash, length)
        }
        '+' => fixed(Token::Plus, length),
        ',' | '，' | '、' | '&' => fixed(Token::Comma, length),
        ';' | '；' => fixed(Token::Semicolon, length),
        '/' => fixed(Token::Slash, length),
        '(' => fixed(Token::OpenParenthesis, length),
        ')' => fixed(Token::CloseParenthesis, length),
        '[' => fixed(Token::OpenBracket, length),
        ']' => fixed(Token::CloseBracket, length),
        '|' if rest.starts_with("||") => fixed(Token::Fallback, 2),
        _ if next.is_alphabetic() => word(rest),
        _ => None,
    }
}

fn number(rest: &str) -> Option<(Option<Token<'_>>, usize)> {
    let length = rest.bytes().take_while(u8::is_ascii_digit).count();
    // Longer ones are no part of an expression.
    let number = Some(&rest[..length]).filter(|digits| digits.len() <= 4)?.parse().ok()?;
    let year = i16::try_from(number).ok().filter(|year| *year > 1_900);
    Some((Some(year.map_or(Token::Number(number), Token::Year)), length))
}

fn comment(rest: &str, opening: char) -> Option<(Option<Token<'_>>, usize)> {
    let closings: &[char] = match opening {
        '„' => &['“', '”', '"'],
        '“' => &['”', '"'],
        '«' => &['»'],
        _ => &['"'],
    };
    let text = &rest[opening.len_utf8()..];
    let end = text.find(closings)?;
    let closing = text[end..].chars().next()?;
    let length = opening.len_utf8() + end + closing.len_utf8();
    Some((Some(Token::Comment(text[..end].trim())), length))
}

fn word(rest: &str) -> Option<(Option<Token<'_>>, usize)> {
    let starts_with =
        |text: &str| rest.get(..text.len()).is_some_and(|start| start.eq_ignore_ascii_case(text));
    // "a.m." and "p.m." are the only words with full stops inside.
    for (meridian, is_afternoon) in [("a.m", false), ("p.m", true)] {
        if starts_with(meridian) {
            let length = if rest[3..].starts_with('.') { 4 } else { 3 };
            return Some((Some(Token::Meridian(is_afternoon)), length));
        }
    }
    let phrases: [(&str, Option<Token<'_>>); 4] = [
        ("every day", None),
        ("by appointment", Some(Token::Comment("by appointment"))),
        ("on appointment", Some(Token::Comment("on appointment"))),
        ("nach vereinbarung", Some(Token::Comment("nach Vereinbarung"))),
    ];
    for (phrase, token) in phrases {
        if starts_with(phrase) {
            return Some((token, phrase.len()));
        }
    }
    let length = rest.find(|next: char| !next.is_alphabetic()).unwrap_or(rest.len());
    let name = rest[..length].to_lowercase();
    // A full stop after an abbreviation says nothing, but in "Mo.10:00" it is no separator of hours and minutes either.
    let stop = usize::from(rest[length..].starts_with('.'));
    if matches!(name.as_str(), "daily" | "everyday" | "täglich") {
        return Some((None, length + stop));
    }
    let known = TOKEN_OF_WORD.get(name.as_str());
    known.map(|token| (Some(*token), length + stop))
}
