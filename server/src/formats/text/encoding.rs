//! Encodings of files.

use std::{borrow::Cow, io, str::FromStr};

use super::{invalid, utf16};

/// An encoding that a user names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Charset(&'static encoding_rs::Encoding);

impl FromStr for Charset {
    type Err = String;

    fn from_str(label: &str) -> Result<Self, String> {
        const EXAMPLES: &str =
            "such as utf-8, utf-16le, gbk, gb18030, big5, shift_jis, euc-kr or windows-1252";
        match encoding_rs::Encoding::for_label_no_replacement(label.as_bytes()) {
            // Its escape sequences change the meaning of later bytes, quotes and line ends included.
            Some(encoding) if encoding == encoding_rs::ISO_2022_JP => Err(format!(
                "iso-2022-jp is not supported: convert the file to UTF-8, or name another, {EXAMPLES}"
            )),
            Some(encoding) => Ok(Self(encoding)),
            None => Err(format!("unknown encoding: use a name of the WHATWG standard, {EXAMPLES}")),
        }
    }
}

impl Charset {
    pub(super) fn encoding(self) -> &'static encoding_rs::Encoding {
        self.0
    }

    /// Returns the name in the WHATWG standard.
    pub(crate) fn name(self) -> &'static str {
        self.0.name()
    }

    /// Returns true if an ASCII byte from 0x40 can be the second byte of a letter. Bytes below, such as quotes, commas and line ends,
    /// never are in any of these encodings.
    pub(crate) fn has_multi_byte_letters(self) -> bool {
        !self.0.is_single_byte() && self.0 != encoding_rs::UTF_8
    }
}

/// The encoding of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Encoding {
    Utf8 {
        has_mark: bool,
    },
    Utf16 {
        is_big_endian: bool,
        has_mark: bool,
    },
    /// An encoding whose ASCII characters are ASCII bytes.
    Other(Charset),
}

impl Encoding {
    /// Returns the encoding of a text, and the length of its byte order mark, which takes precedence over the charset.
    pub(super) fn of(start: &[u8], charset: Option<Charset>) -> io::Result<(Self, usize)> {
        let utf_16 = |is_big_endian, has_mark| Self::Utf16 { is_big_endian, has_mark };
        Ok(match start {
            [0xef, 0xbb, 0xbf, ..] => (Self::Utf8 { has_mark: true }, 3),
            [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => {
                return Err(invalid("is UTF-32: convert it to UTF-8"));
            }
            [0xff, 0xfe, ..] => (utf_16(false, true), 2),
            [0xfe, 0xff, ..] => (utf_16(true, true), 2),
            _ => match charset.map(Charset::encoding) {
                Some(encoding) if encoding == encoding_rs::UTF_16LE => (utf_16(false, false), 0),
                Some(encoding) if encoding == encoding_rs::UTF_16BE => (utf_16(true, false), 0),
                Some(encoding) if encoding != encoding_rs::UTF_8 => (Self::Other(Charset(encoding)), 0),
                Some(_) => (Self::Utf8 { has_mark: false }, 0),
                None => {
                    if let Some(name) = utf16_without_mark(start) {
                        return Err(invalid(format!("looks like UTF-16: set --encoding {name}")));
                    }
                    (Self::Utf8 { has_mark: false }, 0)
                }
            },
        })
    }

    /// Decodes bytes of [`super::Text::bytes`]; `None` if they are malformed.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<Cow<'_, str>> {
        match self {
            Self::Utf8 { .. } | Self::Utf16 { .. } => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
            Self::Other(charset) => {
                charset.encoding().decode_without_bom_handling_and_without_replacement(bytes)
            }
        }
    }

    /// Decodes bytes of [`super::Text::bytes`], with the replacement character for what is malformed.
    pub(crate) fn decode_lossy(self, bytes: &[u8]) -> Cow<'_, str> {
        match self {
            Self::Utf8 { .. } | Self::Utf16 { .. } => String::from_utf8_lossy(bytes),
            Self::Other(charset) => charset.encoding().decode_without_bom_handling(bytes).0,
        }
    }

    /// Returns the byte order mark of the file.
    pub(crate) fn mark(self) -> &'static [u8] {
        match self {
            Self::Utf8 { has_mark: true } => b"\xef\xbb\xbf",
            Self::Utf16 { has_mark: true, is_big_endian: false } => b"\xff\xfe",
            Self::Utf16 { has_mark: true, is_big_endian: true } => b"\xfe\xff",
            _ => b"",
        }
    }

    /// Converts bytes of [`super::Text::bytes`] back to those of the file. ASCII is valid in every encoding.
    pub(crate) fn bytes_of_file(self, text: &[u8]) -> Cow<'_, [u8]> {
        match self {
            Self::Utf16 { is_big_endian, .. } => Cow::Owned(utf16::to_utf16(text, is_big_endian)),
            Self::Utf8 { .. } | Self::Other(_) => Cow::Borrowed(text),
        }
    }
}

/// Returns the name of UTF-16 if every second byte of an ASCII start is zero.
fn utf16_without_mark(start: &[u8]) -> Option<&'static str> {
    match start {
        [first, 0, second, 0, ..] if *first != 0 && *second != 0 => Some("utf-16le"),
        [0, first, 0, second, ..] if *first != 0 && *second != 0 => Some("utf-16be"),
        _ => None,
    }
}
