//! The text of a file: decompressed and, where its encoding requires it, converted to UTF-8.
//!
//! | module | contents |
//! |---|---|
//! | `compression` | decompresses gzip and zstd, which their first bytes tell |
//! | `zstd` | decompression of zstd |
//! | `kind` | names files that contain no text, such as workbooks and archives |
//! | `encoding` | encodings: the byte order mark, and the name that a user gives |
//! | `utf16`, `legacy`, `converted` | convert other encodings to UTF-8 while reading, and UTF-8 back to UTF-16 |

mod compression;
mod converted;
mod encoding;
mod kind;
mod legacy;
mod utf16;
mod zstd;

use std::io::{self, Cursor, Read};

pub(crate) use self::encoding::Charset;
pub(super) use self::encoding::Encoding;
use self::{converted::Converted, legacy::Legacy, utf16::Utf16};

/// A source of bytes.
pub(super) type Bytes = Box<dyn Read + Send>;

/// The text of a file, without its byte order mark.
pub(super) struct Text {
    /// Bytes in UTF-8, or in the charset of `encoding` if that is [`Encoding::Other`].
    pub(super) bytes: Bytes,
    /// The encoding of the file.
    pub(super) encoding: Encoding,
}

impl Text {
    /// Decompresses a source, and determines its encoding: that of a byte order mark, else `charset`, else UTF-8.
    pub(super) fn open(source: Bytes, charset: Option<Charset>) -> io::Result<Self> {
        let (start, bytes) = peek(compression::decompressed(source)?, 4_096)?;
        if let Some(kind) = kind::of(&start) {
            return Err(invalid(kind));
        }
        let (encoding, mark_len) = Encoding::of(&start, charset)?;
        let mut bytes = bytes;
        bytes.read_exact(&mut [0; 4][..mark_len])?;
        let bytes = match encoding {
            Encoding::Utf16 { is_big_endian, .. } => {
                Box::new(Converted::new(bytes, Utf16::new(is_big_endian)))
            }
            Encoding::Utf8 { .. } | Encoding::Other(_) => bytes,
        };
        Ok(Self { bytes, encoding })
    }

    /// Converts the text to UTF-8. The byte 0xFF, which UTF-8 never contains, replaces each malformed sequence.
    pub(super) fn into_utf8(self) -> Bytes {
        match self.encoding {
            Encoding::Other(charset) => Box::new(Converted::new(self.bytes, Legacy::new(charset))),
            Encoding::Utf8 { .. } | Encoding::Utf16 { .. } => self.bytes,
        }
    }
}

/// Reads at least `count` bytes, or all if there are fewer. Returns them, and a source that still yields them: a pipe can return
/// fewer bytes than a signature has.
fn peek(mut source: Bytes, count: usize) -> io::Result<(Vec<u8>, Bytes)> {
    let mut start = Vec::with_capacity(count);
    match source.by_ref().take(count as u64).read_to_end(&mut start) {
        // The rows before the damage are still read.
        Err(error) if !start.is_empty() => {
            Ok((start.clone(), Box::new(Cursor::new(start).chain(Failed::new(Some(error))))))
        }
        Err(error) => Err(error),
        Ok(_) => Ok((start.clone(), Box::new(Cursor::new(start).chain(source)))),
    }
}

/// The end of a source, which may be an error.
pub(super) struct Failed(Option<io::Error>);

impl Failed {
    pub(super) fn new(error: Option<io::Error>) -> Self {
        Self(error)
    }
}

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        self.0.take().map_or(Ok(0), Err)
    }
}

/// Reads a part of a source; 0 bytes at its end.
pub(super) fn read_some(source: &mut Bytes, buffer: &mut [u8]) -> io::Result<usize> {
    loop {
        match source.read(buffer) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => return read,
        }
    }
}

/// Returns the error of a file whose content cannot be read.
pub(super) fn invalid(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, error)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use ruzstd::encoding::{CompressionLevel, compress_to_vec};

    use super::*;

    /// Yields one byte per read, as a slow pipe may.
    struct Slow(Cursor<Vec<u8>>);

    impl Read for Slow {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn open(bytes: &[u8], charset: Option<&str>) -> io::Result<(Vec<u8>, Encoding)> {
        let charset = charset.map(|name| name.parse().unwrap());
        let text = Text::open(Box::new(Slow(Cursor::new(bytes.to_vec()))), charset)?;
        let encoding = text.encoding;
        let mut utf8 = Vec::new();
        text.into_utf8().read_to_end(&mut utf8)?;
        Ok((utf8, encoding))
    }

    fn utf16(text: &str, is_big_endian: bool) -> Vec<u8> {
        text.encode_utf16()
            .flat_map(|unit| if is_big_endian { unit.to_be_bytes() } else { unit.to_le_bytes() })
            .collect()
    }

    #[test]
    fn a_byte_order_mark_or_a_name_tells_the_encoding() {
        let text = "id,name\n1,Café 老王 😀\n";
        for (bytes, charset) in [
            (text.as_bytes().to_vec(), None),
            (format!("\u{feff}{text}").into_bytes(), Some("gbk")),
            (utf16(&format!("\u{feff}{text}"), false), None),
            (utf16(&format!("\u{feff}{text}"), true), Some("utf-8")),
            (utf16(text, false), Some("utf-16le")),
            (utf16(text, true), Some("utf-16be")),
        ] {
            let (utf8, encoding) = open(&bytes, charset).unwrap();
            assert_eq!(String::from_utf8(utf8.clone()).unwrap(), text, "{charset:?}");
            let again = [encoding.mark(), &encoding.bytes_of_file(&utf8)].concat();
            assert_eq!(again, bytes, "the bytes of the file are restored");
        }
        let gbk = [b"1,".as_slice(), b"\xc0\xcf\xcd\xf5", b"\n"].concat();
        assert_eq!(open(&gbk, Some("gbk")).unwrap().0, "1,老王\n".as_bytes());
        assert_eq!(open(b"Caf\xe9", Some("latin1")).unwrap().0, "Café".as_bytes());
        assert_eq!(
            open(b"a\xff", Some("shift_jis")).unwrap().0,
            b"a\xff",
            "malformed stays invalid in UTF-8"
        );
        let unnamed = open(&utf16(text, false), None).unwrap_err();
        assert!(unnamed.to_string().contains("--encoding utf-16le"), "{unnamed}");
        for (name, said) in [("klingon", "such as utf-8"), ("iso-2022-jp", "not supported")] {
            let error = name.parse::<Charset>().unwrap_err();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn malformed_utf_16_is_invalid_and_restored() {
        for bad in [&[0xd800_u16][..], &[0xdc00, 0x61], &[0xd83d, 0x61], &[0xd83d, 0xd83d, 0xde00]] {
            let units = [&[0xfeff, 0x61], bad, &[0x62]].concat();
            let bytes: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let (utf8, encoding) = open(&bytes, None).unwrap();
            assert!(std::str::from_utf8(&utf8).is_err(), "{bad:x?}");
            assert_eq!([encoding.mark(), &encoding.bytes_of_file(&utf8)].concat(), bytes, "{bad:x?}");
        }
        assert_eq!(open(b"\xff\xfea\0b", None).unwrap().0, b"a\xff");
    }

    #[test]
    fn compression_is_found_in_the_first_bytes_and_other_kinds_are_named() {
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        gzip.write_all(b"id,name\n").unwrap();
        assert_eq!(open(&gzip.finish().unwrap(), None).unwrap().0, b"id,name\n");
        let zstd = compress_to_vec(&b"id,name\n"[..], CompressionLevel::Fastest);
        assert_eq!(open(&zstd, None).unwrap().0, b"id,name\n");
        assert_eq!(open(b"", None).unwrap().0, b"");
        for (bytes, said) in [
            (&b"PK\x03\x04\x14\0\0\0\0\0xl/workbook.xml"[..], "Excel workbook"),
            (b"PK\x03\x04\x14\0shops.csv", "zip archive"),
            (b"\xd0\xcf\x11\xe0\xa1\xb1", "old Excel"),
            (b"SQLite format 3\0", "GeoPackage"),
            (b"\xef\xbb\xbf<?xml version='1.0'?><kml>", "XML"),
            (b"<!DOCTYPE html><html>", "web page"),
            (b"BZh91AY", "bzip2"),
            (b"\xff\xfe\0\0i\0\0\0", "UTF-32"),
        ] {
            let error = open(bytes, None).unwrap_err();
            assert!(error.to_string().contains(said), "{said}: {error}");
        }
    }
}
