//! Splits a stream of JSON into the values that may be features: the elements of `features` of a collection or of an array, or whole
//! values (one per line, or as in RFC 8142).
//!
//! Only quotes, braces and brackets are interpreted. A value whose content is not JSON is still one value, so that a broken feature
//! costs one feature, as long as its quotes and braces balance.

use std::io;

use crate::formats::{
    rows::MAX_ROW_BYTES,
    text::{Bytes, invalid, read_some},
};

const FILL_BYTES: usize = 1 << 16;

/// The position in the document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Between values.
    Top,
    /// Within an array of features that is a value of its own.
    Array,
    /// Within `features` of a collection.
    Features,
    /// Within a collection, after `features`.
    AfterFeatures,
}

/// A value of the stream.
pub(super) enum Value {
    Complete(Vec<u8>),
    /// A value of more than [`MAX_ROW_BYTES`], which has been skipped.
    TooLong,
}

/// Splits a stream into values.
pub(super) struct Values {
    bytes: Input,
    place: Place,
    /// The member `crs` of collections.
    pub(super) crs: Option<Vec<u8>>,
}

impl Values {
    pub(super) fn new(source: Bytes) -> Self {
        let bytes = Input { source, buffer: vec![0; FILL_BYTES], start: 0, end: 0, offset: 0 };
        Self { bytes, place: Place::Top, crs: None }
    }

    /// Returns the next value; `None` at the end of the stream.
    pub(super) fn next(&mut self) -> io::Result<Option<Value>> {
        loop {
            let next = self.bytes.skip_space()?;
            match (self.place, next) {
                (Place::Top, None) => return Ok(None),
                (Place::Top, Some(b'{')) => {
                    if let Some(value) = self.object()? {
                        return Ok(Some(value));
                    }
                }
                (Place::Top, Some(b'[')) => {
                    self.bytes.advance(1);
                    self.place = Place::Array;
                }
                (Place::Array | Place::Features, Some(b']')) => {
                    self.bytes.advance(1);
                    self.place = if self.place == Place::Array { Place::Top } else { Place::AfterFeatures };
                }
                (Place::AfterFeatures, Some(b'}')) => {
                    self.bytes.advance(1);
                    self.place = Place::Top;
                }
                (Place::AfterFeatures, Some(_)) => {
                    let begin = self.bytes.offset();
                    self.member(&mut Kept::default(), begin)?;
                }
                (_, Some(_)) => {
                    let (begin, mut kept) = (self.bytes.offset(), Kept::default());
                    self.bytes.value(&mut kept, begin)?;
                    return Ok(Some(kept.into_value()));
                }
                (_, None) => {
                    let offset = self.bytes.offset();
                    let message = format!("byte {offset}: the file ends within a collection of features");
                    return Err(invalid(message));
                }
            }
        }
    }

    /// Reads an object up to its `features`, or as a value if it has none.
    fn object(&mut self) -> io::Result<Option<Value>> {
        let begin = self.bytes.offset();
        let mut kept = Kept::default();
        kept.push(b"{");
        self.bytes.advance(1);
        loop {
            match self.bytes.skip_space_into(&mut kept)? {
                Some(b'}') => {
                    self.bytes.advance(1);
                    kept.push(b"}");
                    return Ok(Some(kept.into_value()));
                }
                Some(b'"') => {
                    if self.member(&mut kept, begin)? {
                        self.place = Place::Features;
                        return Ok(None);
                    }
                }
                // Not JSON. The end of the object is still found.
                Some(_) => {
                    self.bytes.rest_of_object(&mut kept, begin)?;
                    return Ok(Some(kept.into_value()));
                }
                None => return Err(unbalanced(begin)),
            }
        }
    }

    /// Reads a member of an object. Returns true at the start of an array `features`, of which only the bracket is read.
    fn member(&mut self, kept: &mut Kept, begin: u64) -> io::Result<bool> {
        let mut key = Kept::default();
        self.bytes.value(&mut key, begin)?;
        kept.push(&key.bytes);
        if self.bytes.skip_space_into(kept)? == Some(b':') {
            self.bytes.advance(1);
            kept.push(b":");
        } else {
            return Ok(false);
        }
        let next = self.bytes.skip_space_into(kept)?;
        if key.bytes == b"\"features\"" && next == Some(b'[') && self.place == Place::Top {
            self.bytes.advance(1);
            return Ok(true);
        }
        if !matches!(next, Some(b'}') | None) {
            let mut value = Kept::default();
            self.bytes.value(&mut value, begin)?;
            kept.push(&value.bytes);
            kept.is_too_long |= value.is_too_long;
            // Of several collections in one file, the first in another system decides.
            if key.bytes == b"\"crs\"" && self.crs.as_deref().and_then(super::feature::foreign_crs).is_none()
            {
                self.crs = Some(value.bytes);
            }
        }
        Ok(false)
    }
}

/// The bytes of a value, up to a limit.
#[derive(Default)]
struct Kept {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Kept {
    fn push(&mut self, bytes: &[u8]) {
        if self.is_too_long || self.bytes.len() + bytes.len() > MAX_ROW_BYTES {
            self.is_too_long = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    fn into_value(self) -> Value {
        if self.is_too_long { Value::TooLong } else { Value::Complete(self.bytes) }
    }
}

/// Bytes that have been read and not been consumed.
struct Input {
    source: Bytes,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `buffer` in the stream.
    offset: u64,
}

impl Input {
    /// Returns bytes; none at the end of the stream.
    fn bytes(&mut self) -> io::Result<&[u8]> {
        if self.start == self.end {
            self.offset += self.end as u64;
            (self.start, self.end) = (0, 0);
            self.end = read_some(&mut self.source, &mut self.buffer)?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn advance(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Returns the offset of the next byte in the text of the file.
    fn offset(&self) -> u64 {
        self.offset + self.start as u64
    }

    /// Skips white space, commas, byte order marks and the separators of RFC 8142; returns the byte that follows.
    fn skip_space(&mut self) -> io::Result<Option<u8>> {
        self.skip_space_into(&mut Kept { is_too_long: true, ..Kept::default() })
    }

    /// Skips the same bytes within a value, and keeps them.
    fn skip_space_into(&mut self, kept: &mut Kept) -> io::Result<Option<u8>> {
        loop {
            let bytes = self.bytes()?;
            let is_space = |byte: &u8| {
                byte.is_ascii_whitespace() || matches!(byte, b',' | b'\x1e' | b'\xef' | b'\xbb' | b'\xbf')
            };
            let count = bytes.iter().take_while(|byte| is_space(byte)).count();
            let next = bytes.get(count).copied();
            kept.push(bytes.get(..count).unwrap_or_default());
            if next.is_some() || count == 0 {
                self.advance(count);
                return Ok(next);
            }
            self.advance(count);
        }
    }

    /// Reads a value of any kind, or the part of one that begins at an offset.
    fn value(&mut self, kept: &mut Kept, begin: u64) -> io::Result<()> {
        self.scan(kept, begin, Scan::default())
    }

    /// Reads the rest of an object whose opening brace has been read.
    fn rest_of_object(&mut self, kept: &mut Kept, begin: u64) -> io::Result<()> {
        self.scan(kept, begin, Scan { braces: 1, is_begun: true, ..Scan::default() })
    }

    fn scan(&mut self, kept: &mut Kept, begin: u64, mut scan: Scan) -> io::Result<()> {
        loop {
            let bytes = self.bytes()?;
            if bytes.is_empty() {
                let is_whole = !scan.is_nested() && !scan.is_string;
                return if is_whole { Ok(()) } else { Err(unbalanced(begin)) };
            }
            let mut end = None;
            for (at, byte) in bytes.iter().enumerate() {
                match scan.next(*byte) {
                    Part::Within => {}
                    Part::Last => end = Some(at + 1),
                    Part::Behind => end = Some(at),
                    Part::Unbalanced => return Err(unbalanced(begin)),
                }
                if end.is_some() {
                    break;
                }
            }
            let count = end.unwrap_or(bytes.len());
            kept.push(bytes.get(..count).unwrap_or_default());
            self.advance(count);
            if end.is_some() {
                return Ok(());
            }
        }
    }
}

/// The state within a value.
#[derive(Default)]
struct Scan {
    braces: usize,
    brackets: usize,
    is_string: bool,
    is_escaped: bool,
    /// True once a byte of the value has been read.
    is_begun: bool,
}

/// The position of a byte in a value.
enum Part {
    Within,
    Last,
    /// The byte follows the value.
    Behind,
    /// The byte closes what is not open.
    Unbalanced,
}

impl Scan {
    fn is_nested(&self) -> bool {
        self.braces > 0 || self.brackets > 0
    }

    fn next(&mut self, byte: u8) -> Part {
        let is_begun = std::mem::replace(&mut self.is_begun, true);
        if self.is_string {
            match byte {
                _ if self.is_escaped => self.is_escaped = false,
                b'\\' => self.is_escaped = true,
                b'"' => {
                    self.is_string = false;
                    return if self.is_nested() { Part::Within } else { Part::Last };
                }
                _ => {}
            }
            return Part::Within;
        }
        if !self.is_nested() {
            return match byte {
                b'"' if !is_begun => {
                    self.is_string = true;
                    Part::Within
                }
                b'{' if !is_begun => {
                    self.braces = 1;
                    Part::Within
                }
                b'[' if !is_begun => {
                    self.brackets = 1;
                    Part::Within
                }
                // A value on its own, so that reading goes on behind it.
                b'}' | b']' | b':' if !is_begun => Part::Last,
                b'"' | b'{' | b'[' | b'}' | b']' | b':' | b',' | b'\x1e' => Part::Behind,
                byte if byte.is_ascii_whitespace() => Part::Behind,
                _ => Part::Within,
            };
        }
        let open = match byte {
            b'"' => {
                self.is_string = true;
                return Part::Within;
            }
            b'{' => {
                self.braces += 1;
                return Part::Within;
            }
            b'[' => {
                self.brackets += 1;
                return Part::Within;
            }
            b'}' => &mut self.braces,
            b']' => &mut self.brackets,
            _ => return Part::Within,
        };
        match open.checked_sub(1) {
            Some(left) => *open = left,
            None => return Part::Unbalanced,
        }
        if self.is_nested() { Part::Within } else { Part::Last }
    }
}

fn unbalanced(offset: u64) -> io::Error {
    invalid(format!(
        "byte {offset}: the quotes, braces or brackets of the value that begins here do not balance before the end of the file"
    ))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use super::*;

    struct Short(Cursor<Vec<u8>>, usize);

    impl Read for Short {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn split(text: &str) -> (Vec<String>, Option<String>, Option<String>) {
        let mut results = [1, 1 << 20].map(|bytes_per_read| {
            let mut values =
                Values::new(Box::new(Short(Cursor::new(text.as_bytes().to_vec()), bytes_per_read)));
            let (mut found, mut error) = (Vec::new(), None);
            loop {
                match values.next() {
                    Ok(None) => break,
                    Ok(Some(Value::Complete(bytes))) => found.push(String::from_utf8(bytes).unwrap()),
                    Ok(Some(Value::TooLong)) => found.push("too long".to_owned()),
                    Err(failed) => {
                        error = Some(failed.to_string());
                        break;
                    }
                }
            }
            (found, error, values.crs.map(|crs| String::from_utf8(crs).unwrap()))
        });
        assert_eq!(results[0], results[1], "however the bytes arrive");
        std::mem::take(&mut results[0])
    }

    #[test]
    fn features_are_found_in_every_form() {
        for text in [
            r#"{"type":"FeatureCollection","features":[{"a":1}, {"b":"]}"}],"x":[{"c":2}]}"#,
            r#"{"features":[{"a":1},{"b":"]}"}]}"#,
            "[{\"a\":1},\n{\"b\":\"]}\"}]",
            "{\"a\":1}\n{\"b\":\"]}\"}\n",
            "\x1e{\"a\":1}\n\x1e{\"b\":\"]}\"}\n",
            "\u{feff}{\"a\":1}\r\n\u{feff}{\"b\":\"]}\"}",
            r#"{"type":"FeatureCollection","features":[{"a":1}]}{"features":[{"b":"]}"}]}"#,
        ] {
            let (found, error, _) = split(text);
            assert_eq!(
                (found, error),
                (vec!["{\"a\":1}".to_owned(), "{\"b\":\"]}\"}".to_owned()], None),
                "{text}"
            );
        }
    }

    #[test]
    fn a_value_keeps_its_bytes() {
        let feature = "{ \"type\" : \"Feature\" ,\r\n\t\"id\":[ 1, 2 ] , \"x\": { } }";
        assert_eq!(split(feature).0, [feature]);
        assert_eq!(split(&format!("[ {feature} , {feature} ]")).0, [feature, feature]);
    }

    #[test]
    fn a_broken_value_that_balances_is_one_value() {
        let (found, error, _) = split(r#"{"features":[{"a":NaN}, {"b" 1,}, 7, null, "x", {"c":"\"}"}]}"#);
        assert_eq!(found, ["{\"a\":NaN}", "{\"b\" 1,}", "7", "null", "\"x\"", "{\"c\":\"\\\"}\"}"]);
        assert_eq!(error, None);
        let (found, error, _) = split("{\"a\":1}\n{b:2}\n{\"c\":3}");
        assert_eq!((found, error), (["{\"a\":1}", "{b:2}", "{\"c\":3}"].map(str::to_owned).to_vec(), None));
    }

    #[test]
    fn an_unbalanced_value_is_an_error_with_its_offset_and_those_before_it_are_kept() {
        for (text, offset) in [
            ("{\"features\":[{\"a\":1},{\"b\":\"x},{\"c\":1}]}", 21),
            ("{\"features\":[{\"a\":1},{\"b\":{},{\"c\":1}]}", 21),
            ("{\"a\":1}\n{\"b\":[", 8),
        ] {
            let (found, error, _) = split(text);
            assert_eq!(found.first().map(String::as_str), Some("{\"a\":1}"), "{text}");
            let error = error.unwrap();
            assert!(error.starts_with(&format!("byte {offset}: ")), "{text}: {error}");
        }
        let (found, error, _) = split(r#"{"features":[{"a":1}"#);
        assert!(found.len() == 1 && error.unwrap().contains("ends within"), "the collection does not end");
    }

    #[test]
    fn the_coordinate_system_is_found_before_and_after_the_features() {
        for text in
            [r#"{"crs":{"x":1},"features":[{"crs":3}]}"#, r#"{"features":[{"crs":3}], "crs" : {"x":1}}"#]
        {
            assert_eq!(split(text).2.as_deref(), Some("{\"x\":1}"), "{text}");
        }
        assert_eq!(split(r#"{"features":[]}"#).2, None);
    }

    #[test]
    fn a_value_that_is_too_long_is_skipped() {
        let long = "x".repeat(MAX_ROW_BYTES);
        for text in [
            format!("{{\"features\":[{{\"a\":\"{long}\"}},{{\"b\":1}}]}}"),
            format!("{{\"a\":\"{long}\"}}\n{{\"b\":1}}"),
        ] {
            let mut values = Values::new(Box::new(Cursor::new(text.into_bytes())));
            assert!(matches!(values.next(), Ok(Some(Value::TooLong))));
            assert!(matches!(values.next(), Ok(Some(Value::Complete(bytes))) if bytes == b"{\"b\":1}"));
        }
    }
}
