//! Cells that a spreadsheet would evaluate as a formula. An export marks them with an apostrophe, which an import removes.

use std::borrow::Cow;

/// Returns true for the start of a formula: `=`, `@`, a tab or a carriage return, and a sign before anything other than a number or a
/// telephone number.
fn is_formula(text: &str) -> bool {
    let is_phone = |rest: &str| {
        let is_part = |c: char| c.is_ascii_digit() || matches!(c, ' ' | '-' | '(' | ')' | '.' | '/');
        rest.starts_with(|c: char| c.is_ascii_digit()) && rest.chars().all(is_part)
    };
    let is_number = || text.parse::<f64>().is_ok_and(f64::is_finite);
    match text.as_bytes().first() {
        Some(b'=' | b'@' | b'\t' | b'\r') => true,
        Some(b'+') => !is_number() && !text.strip_prefix('+').is_some_and(is_phone),
        Some(b'-') => !is_number(),
        _ => false,
    }
}

/// Adds an apostrophe to a formula, and to a text that is one after its apostrophes.
pub(super) fn escape(text: String) -> String {
    if is_formula(text.trim_start_matches('\'')) { format!("'{text}") } else { text }
}

/// Removes the apostrophe that [`escape`] adds.
pub(super) fn unescape(text: Cow<'_, str>) -> Cow<'_, str> {
    if !text.starts_with('\'') || !is_formula(text.trim_start_matches('\'')) {
        return text;
    }
    match text {
        Cow::Borrowed(text) => Cow::Borrowed(text.get(1..).unwrap_or_default()),
        Cow::Owned(text) => Cow::Owned(text.chars().skip(1).collect()),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn only_formulas_get_an_apostrophe() {
        for (text, escaped) in [
            ("=1+1", "'=1+1"),
            ("@SUM(1)", "'@SUM(1)"),
            ("\ta", "'\ta"),
            ("\ra", "'\ra"),
            ("+1+1", "'+1+1"),
            ("-cmd|' /C calc'!A0", "'-cmd|' /C calc'!A0"),
            ("-", "'-"),
            ("'=1+1", "''=1+1"),
            ("''=1", "'''=1"),
            ("+358 401", "+358 401"),
            ("+358 (40) 2-3", "+358 (40) 2-3"),
            ("-60.17", "-60.17"),
            ("+24.94", "+24.94"),
            ("'s-Hertogenbosch", "'s-Hertogenbosch"),
            ("Café = bar", "Café = bar"),
            ("", ""),
        ] {
            assert_eq!(escape(text.to_owned()), escaped, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn unescape_reverses_escape(text in "['=@+\\-\t\r1a ]{0,6}") {
            let escaped = escape(text.clone());
            prop_assert_eq!(unescape(Cow::Borrowed(&escaped)), text.as_str());
            prop_assert_eq!(unescape(Cow::Owned(escaped)), text);
        }
    }
}
