//! Splits a record into cells.

use std::borrow::Cow;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};
use memchr::{memchr, memchr_iter};

use crate::formats::text::Encoding;

/// Splits records.
pub(super) struct Splitter {
    delimiter: u8,
    encoding: Encoding,
    reader: Reader,
    unquoted: Vec<u8>,
    ends: Vec<usize>,
}

impl Splitter {
    pub(super) fn new(delimiter: u8, encoding: Encoding) -> Self {
        let mut reader = ReaderBuilder::new().delimiter(delimiter).build();
        // The first input of a reader loses a byte order mark, which here would be a part of an id.
        reader.read_record(b"\n", &mut [0; 8], &mut [0; 8]);
        Self { delimiter, encoding, reader, unquoted: Vec::new(), ends: Vec::new() }
    }

    /// Splits a record without its line end into cells; `None` if its encoding is malformed.
    pub(super) fn split<'a>(&'a mut self, record: &'a [u8]) -> Option<Vec<Cow<'a, str>>> {
        let encoding = self.encoding;
        if memchr(b'"', record).is_some() {
            return self.unquoted_cells(record).map(|cell| encoding.decode(cell)).collect();
        }
        match encoding {
            Encoding::Other(_) => {
                record.split(|byte| *byte == self.delimiter).map(|cell| encoding.decode(cell)).collect()
            }
            Encoding::Utf8 { .. } | Encoding::Utf16 { .. } => {
                let record = std::str::from_utf8(record).ok()?;
                Some(record.split(char::from(self.delimiter)).map(Cow::Borrowed).collect())
            }
        }
    }

    /// Splits a record into cells, with the replacement character for what is malformed.
    pub(super) fn split_lossy<'a>(&'a mut self, record: &'a [u8]) -> Vec<Cow<'a, str>> {
        let encoding = self.encoding;
        self.unquoted_cells(record).map(|cell| encoding.decode_lossy(cell)).collect()
    }

    fn unquoted_cells<'a>(&'a mut self, record: &[u8]) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        self.unquote(record);
        let (unquoted, mut start) = (self.unquoted.as_slice(), 0);
        self.ends.iter().map(move |end| {
            let cell = unquoted.get(start..*end).unwrap_or_default();
            start = *end;
            cell
        })
    }

    fn unquote(&mut self, record: &[u8]) {
        // One more than can be written: the reader makes no progress without room.
        self.unquoted.resize(record.len() + 1, 0);
        self.ends.resize(memchr_iter(self.delimiter, record).count() + 2, 0);
        let (mut output, mut ends) = (0, 0);
        for mut input in [record, b"\n"] {
            while !input.is_empty() {
                let (result, read, written, ended) = self.reader.read_record(
                    input,
                    self.unquoted.get_mut(output..).unwrap_or_default(),
                    self.ends.get_mut(ends..).unwrap_or_default(),
                );
                (output, ends) = (output + written, ends + ended);
                input = input.get(read..).unwrap_or_default();
                let is_stuck = read == 0 && written == 0;
                if is_stuck || matches!(result, ReadRecordResult::Record | ReadRecordResult::End) {
                    break;
                }
            }
        }
        self.ends.truncate(ends);
    }
}

/// Returns the positions of the delimiters that separate the cells of a record.
pub(super) fn delimiters(record: &[u8], delimiter: u8) -> Vec<usize> {
    let (mut is_quoted, mut is_cell_start, mut found) = (false, true, Vec::new());
    let mut is_after_quote = false;
    for (at, byte) in record.iter().enumerate() {
        let is_quote = *byte == b'"';
        // A pair of quotes within a quoted cell closes and opens it again.
        if is_quote && (is_quoted || is_cell_start || is_after_quote) {
            is_after_quote = is_quoted;
            is_quoted = !is_quoted;
        } else {
            is_after_quote = false;
        }
        is_cell_start = *byte == delimiter && !is_quoted;
        if is_cell_start {
            found.push(at);
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(record: &str) -> Vec<String> {
        let mut splitter = Splitter::new(b',', Encoding::Utf8 { has_mark: false });
        splitter.split(record.as_bytes()).unwrap().into_iter().map(Cow::into_owned).collect()
    }

    #[test]
    fn quotes_are_removed_where_they_enclose_a_cell() {
        assert_eq!(split("a,b,"), ["a", "b", ""]);
        assert_eq!(split("\"a,\"\"b\"\"\",\"two\nlines\",\"\""), ["a,\"b\"", "two\nlines", ""]);
        assert_eq!(split("60°10'12\"N,x"), ["60°10'12\"N", "x"]);
        assert_eq!(split("a\""), ["a\""]);
        assert_eq!(split("\u{feff}\"a\",b"), ["\u{feff}\"a\"", "b"]);
        let mut splitter = Splitter::new(b',', Encoding::Utf8 { has_mark: false });
        for record in ["\"a\",b", "\"c,\",d", "e,f"] {
            assert_eq!(splitter.split(record.as_bytes()).unwrap().len(), 2, "{record}");
        }
        assert_eq!(splitter.split(b"a,\xff"), None);
    }

    #[test]
    fn delimiters_within_quotes_separate_nothing() {
        for (record, at) in [
            ("a,b", &[1][..]),
            ("a,\"b,c\"", &[1]),
            ("a,\"b\"\",c\"", &[1]),
            ("a,6\",b", &[1, 4]),
            ("\"a\",\"\",b", &[3, 6]),
            ("a", &[]),
        ] {
            assert_eq!(delimiters(record.as_bytes(), b','), at, "{record}");
        }
    }
}
