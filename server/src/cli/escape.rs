//! Escapes text that comes from others: merchants, files and their names, messages of a server. On a terminal, control characters
//! move the cursor or change settings, and bidirectional overrides and invisible characters make a text look like another.
//!
//! The escapes are those of JSON, so that JSON stays valid and equal.

use std::{
    borrow::Cow,
    fmt::Write as _,
    io::{self, Write},
    path::Path,
};

/// Returns true for characters that a terminal does not show as they are: C0, DEL and C1 controls, line and paragraph separators,
/// bidirectional marks, overrides and isolates, zero-width characters, and tags.
fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Escapes a value, which stays on one line.
pub(super) fn value(text: &str) -> Cow<'_, str> {
    escape(text, is_unsafe)
}

/// Escapes a text of several lines, such as JSON or a table whose values have been escaped.
pub(super) fn lines(text: &str) -> Cow<'_, str> {
    escape(text, |c| is_unsafe(c) && !matches!(c, '\n' | '\t'))
}

/// Escapes a path.
pub(super) fn path(path: &Path) -> String {
    value(&path.to_string_lossy()).into_owned()
}

fn escape(text: &str, is_escaped: impl Fn(char) -> bool) -> Cow<'_, str> {
    if !text.chars().any(&is_escaped) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            _ if !is_escaped(c) => escaped.push(c),
            '\n' => escaped.push_str("\\n"),
            '\r' => escaped.push_str("\\r"),
            '\t' => escaped.push_str("\\t"),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    // Writing to a string cannot fail.
                    let _ = write!(escaped, "\\u{unit:04x}");
                }
            }
        }
    }
    Cow::Owned(escaped)
}

/// Escapes lines of UTF-8 that are written in parts, which may end within a character. Bytes that are no UTF-8 become U+FFFD.
pub(super) struct EscapingWriter<W> {
    inner: W,
    /// The beginning of a character.
    partial: Vec<u8>,
}

impl<W: Write> EscapingWriter<W> {
    pub(super) fn new(inner: W) -> Self {
        Self { inner, partial: Vec::new() }
    }
}

impl<W: Write> Write for EscapingWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.partial.extend_from_slice(bytes);
        let complete = match std::str::from_utf8(&self.partial) {
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            _ => self.partial.len(),
        };
        let rest = self.partial.split_off(complete);
        let text = std::mem::replace(&mut self.partial, rest);
        self.inner.write_all(lines(&String::from_utf8_lossy(&text)).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOSTILE: &str =
        "a\u{1b}[31m\u{7f}\u{9b}\r\n\t\u{2028}\u{202e}\u{2066}\u{200f}\u{200b}\u{feff}\u{e0041}é";

    #[test]
    fn values_stay_on_one_line_and_have_no_unsafe_character() {
        let escaped = value(HOSTILE);
        assert_eq!(
            escaped,
            "a\\u001b[31m\\u007f\\u009b\\r\\n\\t\\u2028\\u202e\\u2066\\u200f\\u200b\\ufeff\\udb40\\udc41é"
        );
        assert_eq!(serde_json::from_str::<String>(&format!("\"{escaped}\"")).unwrap(), HOSTILE);
        assert!(matches!(value("老王 ❤\u{fe0f} Café"), Cow::Borrowed(_)));
        assert_eq!(path(Path::new("a\nb")), "a\\nb");
    }

    #[test]
    fn json_stays_equal() {
        let json = serde_json::json!({ "name": HOSTILE, HOSTILE: [1] });
        let escaped = lines(&serde_json::to_string_pretty(&json).unwrap()).into_owned();
        assert!(escaped.lines().count() == 6 && !escaped.chars().any(|c| is_unsafe(c) && c != '\n'));
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), json);
    }

    #[test]
    fn characters_are_escaped_however_they_are_split() {
        for size in 1..8 {
            let mut writer = EscapingWriter::new(Vec::new());
            HOSTILE.as_bytes().chunks(size).for_each(|chunk| writer.write_all(chunk).unwrap());
            assert_eq!(String::from_utf8(writer.inner).unwrap(), lines(HOSTILE), "{size}");
        }
        let mut writer = EscapingWriter::new(Vec::new());
        writer.write_all(b"\xff\x1b").unwrap();
        assert_eq!(writer.inner, "\u{fffd}\\u001b".as_bytes());
    }
}
