//! Characters without a visible form, which copying from web pages and spreadsheets leaves in texts.

/// Returns true for zero-width characters that mean nothing at the end of a text. Joiners, variation selectors and tags are not
/// among them: they change the letter or emoji before them.
fn is_trimmed(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2060}' | '\u{feff}' | '\0')
}

/// Returns true for characters that have no visible form: white space, and Unicode's Default_Ignorable_Code_Point.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
            | '\u{115f}'..='\u{1160}' | '\u{17b4}'..='\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{fe00}'..='\u{fe0f}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}

/// Removes white space and zero-width characters from both ends; a text without any visible character becomes empty.
pub(super) fn trim(text: &str) -> &str {
    if text.is_ascii() {
        return text.trim();
    }
    if text.chars().all(is_invisible) { "" } else { text.trim_matches(is_trimmed) }
}

/// Returns true if a text contains a character that cannot be seen, other than a space.
pub(super) fn has_invisible(text: &str) -> bool {
    !text.is_ascii() && text.chars().any(|c| is_invisible(c) && !c.is_whitespace())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_characters_without_meaning_are_trimmed() {
        for (text, trimmed) in [
            ("\u{feff} Café\u{200b}\u{a0}", "Café"),
            ("\u{200b}", ""),
            ("\u{3164}", ""),
            ("\u{202e}\u{200d}", ""),
            ("❤\u{fe0f}", "❤\u{fe0f}"),
            ("می\u{200c}", "می\u{200c}"),
            ("a\u{200b}b", "a\u{200b}b"),
            (" a ", "a"),
        ] {
            assert_eq!(trim(text), trimmed, "{text:?}");
        }
        assert!(has_invisible("a\u{200b}b") && has_invisible("\u{feff}bom") && !has_invisible("老王 面馆"));
    }
}
