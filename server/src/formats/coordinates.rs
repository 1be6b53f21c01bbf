//! Coordinates as real files spell them: decimal degrees with a point or a comma, degrees, minutes and seconds, a pair in one column,
//! or a WKT point.

/// The axis of a coordinate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Axis {
    Latitude,
    Longitude,
}

impl Axis {
    fn letters(self) -> [char; 2] {
        match self {
            Self::Latitude => ['N', 'S'],
            Self::Longitude => ['E', 'W'],
        }
    }

    fn other(self) -> Self {
        match self {
            Self::Latitude => Self::Longitude,
            Self::Longitude => Self::Latitude,
        }
    }
}

const EXPECTED: &str = "must be decimal degrees, such as 60.17, or degrees, minutes and seconds";

/// Parses a latitude or longitude in degrees. The error is the description of a violation.
pub(super) fn parse(text: &str, axis: Axis) -> Result<f64, String> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'-' | b'+' | b'e' | b'E'));
    if is_plain && let Ok(degrees) = text.parse() {
        return Ok(degrees);
    }
    let text: String = text.chars().filter_map(normalized).collect();
    let text = text.trim();
    let (text, is_negative_side) = without_letter(text, axis)?;
    let degrees = sexagesimal(text)?;
    if is_negative_side && degrees.is_sign_negative() {
        return Err(format!("{EXPECTED}: has both a minus sign and a letter for south or west"));
    }
    Ok(if is_negative_side { -degrees } else { degrees })
}

/// Replaces characters that have the meaning of an ASCII character, and removes those without a visible form.
fn normalized(c: char) -> Option<char> {
    Some(match c {
        '\u{2212}' | '\u{2010}'..='\u{2015}' | '\u{fe63}' => '-',
        '\u{2032}' | '\u{2018}' | '\u{2019}' | '\u{b4}' | '`' | '分' => '\'',
        '\u{2033}' | '\u{201c}' | '\u{201d}' | '\u{2036}' | '秒' => '"',
        'º' | '˚' | '度' => '°',
        '、' | '\u{66b}' => ',',
        // Full-width forms of ASCII.
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0)?,
        c if c.is_whitespace() => ' ',
        c if super::visible_text::has_invisible(c.encode_utf8(&mut [0; 4])) => return None,
        c => c,
    })
}

/// Removes the letter of a direction; returns whether it is south or west.
fn without_letter(text: &str, axis: Axis) -> Result<(&str, bool), String> {
    let letter_of = |axis: Axis| {
        axis.letters().into_iter().zip([false, true]).find_map(|(letter, is_negative)| {
            let is_letter = |c: char| c.eq_ignore_ascii_case(&letter);
            let rest = text.strip_suffix(is_letter).or_else(|| text.strip_prefix(is_letter))?;
            Some((rest.trim(), is_negative))
        })
    };
    match (letter_of(axis), letter_of(axis.other())) {
        (Some(found), _) => Ok(found),
        (None, Some(_)) => Err(format!(
            "must be {}: has the letter of the other axis; are latitude and longitude swapped?",
            if axis == Axis::Latitude { "north or south" } else { "east or west" }
        )),
        (None, None) => Ok((text, false)),
    }
}

/// Parses degrees, minutes and seconds, the last of which can have decimals.
fn sexagesimal(text: &str) -> Result<f64, String> {
    let (is_negative, unsigned) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let parts: Vec<&str> =
        unsigned.split(['°', '\'', '"', ' ', ':']).map(str::trim).filter(|part| !part.is_empty()).collect();
    if parts.is_empty() || parts.len() > 3 {
        return Err(EXPECTED.to_owned());
    }
    let mut degrees = 0.0;
    for ((at, part), unit) in parts.iter().enumerate().zip([1.0, 60.0, 3_600.0]) {
        let is_last = at + 1 == parts.len();
        let value = decimal(part, is_last)?;
        if at > 0 && !(0.0..60.0).contains(&value) {
            return Err(format!("{EXPECTED}: minutes and seconds must be below 60"));
        }
        degrees += value / unit;
    }
    Ok(if is_negative { -degrees } else { degrees })
}

/// Parses a decimal number with a point or a comma, without a sign.
fn decimal(text: &str, may_have_decimals: bool) -> Result<f64, String> {
    if let Some(unexpected) =
        text.chars().find(|c| !matches!(c, '0'..='9' | '.' | ',' | 'e' | 'E' | '-' | '+'))
    {
        let code = u32::from(unexpected);
        return Err(format!("{EXPECTED}: {unexpected:?} (U+{code:04X}) is not a part of a number"));
    }
    let is_whole = text.bytes().all(|byte| byte.is_ascii_digit());
    // A comma beside a point, or two of either, would be a separator of thousands.
    let separators = text.bytes().filter(|byte| matches!(byte, b'.' | b',')).count();
    let number = if separators <= 1 { text.replace(',', ".").parse().ok() } else { None };
    number.filter(|_| is_whole || may_have_decimals).ok_or_else(|| EXPECTED.to_owned())
}

/// Splits a pair `latitude, longitude`, or a WKT point, into latitude and longitude; `None` if the text is neither.
pub(super) fn split_pair(text: &str) -> Option<(String, String)> {
    let text = text.trim();
    let upper = text.to_ascii_uppercase();
    let wkt = upper.strip_prefix("SRID=4326;").unwrap_or(&upper).trim_start();
    if let Some(rest) = wkt.strip_prefix("POINT") {
        let numbers =
            rest.trim_start().trim_start_matches('Z').trim().strip_prefix('(')?.strip_suffix(')')?;
        let mut numbers = numbers.split_whitespace();
        // WKT has x first, which is the longitude.
        let (longitude, latitude) = (numbers.next()?, numbers.next()?);
        return Some((latitude.to_owned(), longitude.to_owned()));
    }
    let text = text.trim_matches(['(', ')', '[', ']']).trim();
    if text.contains('(') {
        return None;
    }
    let pair = |(a, b): (&str, &str)| Some((a.trim().to_owned(), b.trim().to_owned()));
    if let Some((latitude, longitude)) = text.split_once(';') {
        return pair((latitude, longitude));
    }
    match text.matches(',').count() {
        1 => pair(text.split_once(',')?),
        // Decimal commas: `60,17, 24,94`.
        3 => {
            let (at, _) = text.match_indices(',').nth(1)?;
            pair((text.get(..at)?, text.get(at + 1..)?))
        }
        _ => {
            let mut words = text.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some(latitude), Some(longitude), None) => pair((latitude, longitude)),
                _ => None,
            }
        }
    }
}

/// Returns whether a text can only be a pair, and not one coordinate with a decimal comma or with minutes, such as `60,17` and `60 10.2`.
pub(super) fn is_certain_pair(text: &str) -> bool {
    let has_fraction = |part: &str| part.contains(['.', ',']);
    let has_letter = |part: &str| part.contains(|c: char| "NSEWnsew".contains(c));
    match split_pair(text) {
        None => false,
        Some(_) if text.contains(';') || text.trim_start().to_ascii_uppercase().contains("POINT") => true,
        Some((latitude, longitude)) => {
            [&latitude, &longitude].into_iter().all(|part| has_fraction(part))
                || [&latitude, &longitude].into_iter().all(|part| has_letter(part))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_real_files_are_read() {
        for (text, degrees) in [
            ("60.17", 60.17),
            ("+60.17", 60.17),
            ("6.017E1", 60.17),
            ("60,17", 60.17),
            ("60.17N", 60.17),
            ("S 60.17", -60.17),
            ("60°10'12\"N", 60.17),
            ("60° 10′ 12″ S", -60.17),
            ("60 10.2", 60.17),
            ("60:10:12", 60.17),
            ("北60度10分12秒".trim_start_matches('北'), 60.17),
            ("\u{a0}60.17\u{a0}", 60.17),
            ("\u{200b}60.17\u{200e}", 60.17),
            ("\u{2212}60.17", -60.17),
            ("６０.１７", 60.17),
            ("-0.5°", -0.5),
        ] {
            let parsed = parse(text, Axis::Latitude).unwrap();
            assert!((parsed - degrees).abs() < 1e-12, "{text}: {parsed}");
        }
        assert_eq!(parse("24°56'24\"W", Axis::Longitude), Ok(-24.94));
    }

    #[test]
    fn a_coordinate_alone_is_no_pair() {
        for text in ["60,17", "60 10.2", "60.17", "60 10 12", "60,17N", ""] {
            assert!(!is_certain_pair(text), "{text}");
        }
        for text in
            ["60.17,24.94", "60.17, 24.94", "60,17, 24,94", "60;24", "60.17 24.94", "60N 24E", "POINT(24 60)"]
        {
            assert!(is_certain_pair(text), "{text}");
        }
    }

    #[test]
    fn other_texts_are_rejected_with_the_unexpected_character() {
        for (text, said) in [
            ("nan", "'n' (U+006E)"),
            ("inf", "'i' (U+0069)"),
            ("NULL", "U+0055"),
            ("0x3C", "'x' (U+0078)"),
            ("6_0.17", "'_' (U+005F)"),
            ("60.170.000", "decimal degrees"),
            ("1.234,5", "decimal degrees"),
            ("60°61'", "below 60"),
            ("60.5°30'", "decimal degrees"),
            ("60.17E", "swapped"),
            ("-60.17S", "both"),
            ("", "decimal degrees"),
            ("1 2 3 4", "decimal degrees"),
        ] {
            let error = parse(text, Axis::Latitude).unwrap_err();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    #[test]
    fn pairs_and_wkt_points_are_split() {
        for (text, expected) in [
            ("60.17,24.94", Some(("60.17", "24.94"))),
            ("(60.17, 24.94)", Some(("60.17", "24.94"))),
            ("60,17; 24,94", Some(("60,17", "24,94"))),
            ("60,17, 24,94", Some(("60,17", "24,94"))),
            ("60.17 24.94", Some(("60.17", "24.94"))),
            ("POINT(24.94 60.17)", Some(("60.17", "24.94"))),
            ("SRID=4326;Point Z (24.94 60.17 3)", Some(("60.17", "24.94"))),
            ("POLYGON((0 0))", None),
            ("60.17", None),
            ("", None),
        ] {
            let split = split_pair(text);
            let split = split.as_ref().map(|(latitude, longitude)| (latitude.as_str(), longitude.as_str()));
            assert_eq!(split, expected, "{text}");
        }
    }
}
