//! Finds the ends of JSON values in a stream. Only quotes, braces and brackets are interpreted.

use std::io;

use crate::formats::{
    rows::MAX_ROW_BYTES,
    text::{Bytes, invalid, read_some},
};

const FILL_BYTES: usize = 1 << 16;

/// The bytes of a value, up to a limit.
#[derive(Default)]
pub(super) struct Kept {
    pub(super) bytes: Vec<u8>,
    pub(super) is_too_long: bool,
}

impl Kept {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.is_too_long || self.bytes.len() + bytes.len() > MAX_ROW_BYTES {
            self.is_too_long = true;
            self.bytes = Vec::new();
        } else {
            self.bytes.extend_from_slice(bytes);
        }
    }

    /// Adds a part, which is too long for the whole if it is so itself.
    pub(super) fn push_part(&mut self, part: &Self) {
        self.push(&part.bytes);
        if part.is_too_long {
            *self = Self { bytes: Vec::new(), is_too_long: true };
        }
    }
}

/// Bytes that have been read and not been consumed.
pub(super) struct Input {
    source: Bytes,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    /// Offset of `buffer` in the stream.
    offset: u64,
}

impl Input {
    pub(super) fn new(source: Bytes) -> Self {
        Self { source, buffer: vec![0; FILL_BYTES], start: 0, end: 0, offset: 0 }
    }

    /// Returns bytes; none at the end of the stream.
    fn bytes(&mut self) -> io::Result<&[u8]> {
        self.at_least(1)
    }

    /// Returns at least `count` bytes, or all that are left.
    fn at_least(&mut self, count: usize) -> io::Result<&[u8]> {
        while self.end - self.start < count {
            self.buffer.copy_within(self.start..self.end, 0);
            self.offset += self.start as u64;
            (self.start, self.end) = (0, self.end - self.start);
            match read_some(&mut self.source, self.buffer.get_mut(self.end..).unwrap_or_default())? {
                0 => break,
                read => self.end += read,
            }
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    pub(super) fn advance(&mut self, count: usize) {
        self.start = (self.start + count).min(self.end);
    }

    /// Returns the offset of the next byte in the text of the file.
    pub(super) fn offset(&self) -> u64 {
        self.offset + self.start as u64
    }

    /// Skips white space, commas, byte order marks and the separators of RFC 8142; returns the byte that follows.
    pub(super) fn skip_space(&mut self) -> io::Result<Option<u8>> {
        self.skip_space_into(&mut Kept { is_too_long: true, ..Kept::default() })
    }

    /// Skips the same bytes within a value, and keeps them.
    pub(super) fn skip_space_into(&mut self, kept: &mut Kept) -> io::Result<Option<u8>> {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        loop {
            let bytes = self.bytes()?;
            let is_space = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b',' | b'\x1e');
            let count = bytes.iter().take_while(|byte| is_space(byte)).count();
            let next = bytes.get(count).copied();
            kept.push(bytes.get(..count).unwrap_or_default());
            self.advance(count);
            // Other letters begin with the same byte.
            if next == MARK.first().copied() && self.at_least(MARK.len())?.starts_with(MARK) {
                kept.push(MARK);
                self.advance(MARK.len());
            } else if next.is_some() || count == 0 {
                return Ok(next);
            }
        }
    }

    /// Reads a value of any kind, or the part of one that begins at an offset.
    pub(super) fn value(&mut self, kept: &mut Kept, begin: u64) -> io::Result<()> {
        self.scan(kept, begin, Scan::default())
    }

    /// Reads the rest of an object whose opening brace has been read.
    pub(super) fn rest_of_object(&mut self, kept: &mut Kept, begin: u64) -> io::Result<()> {
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
                b':' if !is_begun => Part::Last,
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

pub(super) fn unbalanced(offset: u64) -> io::Error {
    invalid(format!(
        "byte {offset}: the quotes, braces or brackets of the value that begins here do not balance before the end of the file"
    ))
}
