//! Splits a CSV file into records, with the line that each starts on and its bytes.
//!
//! A line ends with LF, CR LF or CR, as files of old spreadsheets have it. A quote that starts a cell opens a quoted cell, which can
//! contain delimiters and line ends, and two quotes for one; elsewhere a quote is a character like any other. This is also the
//! dialect of `csv_core`, which splits a record into cells.

use std::io;

use memchr::memchr3;

use crate::formats::{
    rows::MAX_ROW_BYTES,
    text::{Bytes, invalid, read_some},
};

const FILL_BYTES: usize = 1 << 16;

/// A record of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) enum Record<'a> {
    /// A record without its line end.
    Complete {
        line: u64,
        bytes: &'a [u8],
        /// A quoted cell that spans lines and is closed in the middle of text.
        misplaced_quote: Option<MisplacedQuote>,
        /// True if a line end follows.
        has_line_end: bool,
    },
    /// A record of more than [`MAX_ROW_BYTES`], which has been skipped.
    TooLong { line: u64 },
}

/// The lines on which a quoted cell starts and ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::formats) struct MisplacedQuote {
    pub(super) opened: u64,
    pub(super) closed: u64,
}

/// Reads records. Memory is bounded by [`MAX_ROW_BYTES`], and time is proportional to the bytes read.
pub(in crate::formats) struct Records {
    source: Bytes,
    buffer: Vec<u8>,
    /// Start of the current record.
    start: usize,
    /// End of the part of the current record that has been examined.
    examined: usize,
    /// End of the bytes read.
    end: usize,
    is_ended: bool,
    pub(in crate::formats) delimiter: u8,
    /// False for files whose quotes have no meaning here, such as JSON.
    has_quotes: bool,
    /// Line of `examined`, from 1.
    line: u64,
    /// Line end of the first record.
    line_end: Option<&'static [u8]>,
}

/// A record that starts at [`Records::start`].
#[derive(Clone, Copy)]
struct Found {
    line: u64,
    length: usize,
    misplaced_quote: Option<MisplacedQuote>,
    is_too_long: bool,
    has_line_end: bool,
}

/// The state within a record.
struct Scan {
    /// Line on which the quoted cell opens that `examined` is in.
    quote_opened: Option<u64>,
    /// The byte before `examined`, or `None` at the start of the record.
    previous: Option<u8>,
    misplaced_quote: Option<MisplacedQuote>,
    is_too_long: bool,
}

impl Records {
    pub(super) fn new(source: Bytes) -> Self {
        Self {
            source,
            buffer: Vec::new(),
            start: 0,
            examined: 0,
            end: 0,
            is_ended: false,
            delimiter: b',',
            has_quotes: true,
            line: 1,
            line_end: None,
        }
    }

    /// Reads the lines of a file that is not CSV.
    pub(in crate::formats) fn lines(source: Bytes) -> Self {
        Self { has_quotes: false, delimiter: b' ', ..Self::new(source) }
    }

    /// Returns the line end of the file.
    pub(super) fn line_end(&self) -> &'static [u8] {
        self.line_end.unwrap_or(b"\n")
    }

    /// Returns the next line that is not blank, without consuming it, to tell the delimiter from it.
    pub(super) fn peek_line(&mut self) -> io::Result<&[u8]> {
        let is_line_end = |byte: &u8| matches!(byte, b'\n' | b'\r');
        loop {
            let bytes = self.buffer.get(self.start..self.end).unwrap_or_default();
            let blank = bytes.iter().take_while(|byte| is_line_end(byte)).count();
            let length = bytes.iter().skip(blank).position(is_line_end);
            if length.is_some() || self.is_ended || bytes.len() > MAX_ROW_BYTES {
                let from = self.start + blank;
                let to = length.map_or(self.end, |length| from + length);
                return Ok(self.buffer.get(from..to).unwrap_or_default());
            }
            self.fill()?;
        }
    }

    /// Returns the next record that is not blank; `None` at the end of the file.
    pub(in crate::formats) fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        Ok(self.find()?.map(|found| self.record(found)))
    }

    /// Returns the records of the next 64 KiB, without consuming them. The last one may be cut.
    pub(super) fn sample(&mut self) -> io::Result<Self> {
        self.start = self.examined;
        while self.end - self.start < FILL_BYTES && !self.is_ended {
            self.fill()?;
        }
        let bytes = self.buffer.get(self.start..self.end).unwrap_or_default().to_vec();
        Ok(Self { delimiter: self.delimiter, ..Self::new(Box::new(io::Cursor::new(bytes))) })
    }

    fn record(&self, found: Found) -> Record<'_> {
        let Found { line, length, misplaced_quote, is_too_long, has_line_end } = found;
        if is_too_long {
            return Record::TooLong { line };
        }
        let bytes = self.buffer.get(self.start..self.start + length).unwrap_or_default();
        Record::Complete { line, bytes, misplaced_quote, has_line_end }
    }

    /// Finds the next record that is not blank.
    fn find(&mut self) -> io::Result<Option<Found>> {
        loop {
            self.start = self.examined;
            let line = self.line;
            let mut scan =
                Scan { quote_opened: None, previous: None, misplaced_quote: None, is_too_long: false };
            let Some(length) = self.scan(&mut scan)? else { return Ok(None) };
            let Scan { misplaced_quote, is_too_long, .. } = scan;
            let bytes = self.buffer.get(self.start..self.start + length).unwrap_or_default();
            let is_blank = |byte: &u8| *byte == self.delimiter || matches!(byte, b' ' | b'\t');
            if is_too_long || !bytes.iter().all(is_blank) {
                let has_line_end = self.examined > self.start + length;
                return Ok(Some(Found { line, length, misplaced_quote, is_too_long, has_line_end }));
            }
        }
    }

    /// Examines a record up to and including its line end. Returns its length; `None` at the end of the file.
    fn scan(&mut self, scan: &mut Scan) -> io::Result<Option<usize>> {
        loop {
            // Also a row of nothing but quotes or line ends is not kept beyond the limit.
            if self.examined - self.start > MAX_ROW_BYTES {
                scan.is_too_long = true;
                self.start = self.examined;
            }
            let unseen = self.buffer.get(self.examined..self.end).unwrap_or_default();
            let Some(found) = memchr3(b'"', b'\n', b'\r', unseen) else {
                scan.previous = unseen.last().copied().or(scan.previous);
                self.examined = self.end;
                if self.end - self.start > MAX_ROW_BYTES {
                    scan.is_too_long = true;
                    self.start = self.examined;
                }
                if !self.is_ended {
                    self.fill()?;
                    continue;
                }
                if let Some(opened) = scan.quote_opened {
                    return Err(unclosed(opened));
                }
                let is_empty = self.end == self.start && !scan.is_too_long;
                return Ok((!is_empty).then_some(self.end - self.start));
            };
            // Whether a quote or CR is followed by its like decides its meaning.
            if found + 1 == unseen.len() && !self.is_ended {
                scan.previous = found.checked_sub(1).and_then(|at| unseen.get(at)).copied().or(scan.previous);
                self.examined += found;
                self.fill()?;
                continue;
            }
            let previous = found.checked_sub(1).and_then(|at| unseen.get(at)).copied().or(scan.previous);
            let (byte, next) = (unseen.get(found).copied(), unseen.get(found + 1).copied());
            let length = self.examined + found - self.start;
            if byte == Some(b'"') {
                self.examined += found + 1;
                scan.previous = byte;
                self.quote(scan, previous, next);
                continue;
            }
            let line_end: &'static [u8] = match (byte, next) {
                (Some(b'\r'), Some(b'\n')) => b"\r\n",
                (Some(b'\r'), _) => b"\r",
                _ => b"\n",
            };
            self.examined += found + line_end.len();
            self.line += 1;
            scan.previous = line_end.last().copied();
            if scan.quote_opened.is_none() {
                self.line_end.get_or_insert(line_end);
                return Ok(Some(length));
            }
        }
    }

    /// Interprets a quote by the bytes before and after it.
    fn quote(&mut self, scan: &mut Scan, previous: Option<u8>, next: Option<u8>) {
        match scan.quote_opened {
            // A pair: the second is consumed too.
            Some(_) if next == Some(b'"') => self.examined += 1,
            Some(opened) => {
                scan.quote_opened = None;
                let ends_cell =
                    next.is_none_or(|next| next == self.delimiter || matches!(next, b'\n' | b'\r'));
                if !ends_cell && opened != self.line {
                    scan.misplaced_quote = Some(MisplacedQuote { opened, closed: self.line });
                }
            }
            None if self.has_quotes && previous.is_none_or(|previous| previous == self.delimiter) => {
                scan.quote_opened = Some(self.line);
            }
            None => {}
        }
    }

    /// Reads more bytes behind those of the current record.
    fn fill(&mut self) -> io::Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.examined -= self.start.min(self.examined);
            self.start = 0;
        }
        if self.buffer.len() < self.end + FILL_BYTES {
            self.buffer.resize(self.end + FILL_BYTES, 0);
        }
        let count = read_some(&mut self.source, self.buffer.get_mut(self.end..).unwrap_or_default())?;
        self.is_ended = count == 0;
        self.end += count;
        Ok(())
    }
}

fn unclosed(line: u64) -> io::Error {
    invalid(format!("line {line}: a quote opens a cell here and is never closed; close it, or double it"))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read};

    use proptest::prelude::*;

    use super::*;

    /// Yields a few bytes per read, so that every pair of bytes is split at some time.
    struct Short(Cursor<Vec<u8>>, usize);

    impl Read for Short {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = buffer.len().min(self.1);
            self.0.read(&mut buffer[..count])
        }
    }

    fn read(text: &[u8], bytes_per_read: usize) -> io::Result<Vec<(u64, Vec<u8>)>> {
        let mut records = Records::new(Box::new(Short(Cursor::new(text.to_vec()), bytes_per_read)));
        let mut found = Vec::new();
        while let Some(record) = records.next()? {
            match record {
                Record::Complete { line, bytes, .. } => found.push((line, bytes.to_vec())),
                Record::TooLong { line } => found.push((line, b"too long".to_vec())),
            }
        }
        Ok(found)
    }

    #[test]
    fn records_start_on_the_line_that_an_editor_shows() {
        for line_end in ["\n", "\r\n", "\r"] {
            let text = ["", "id,name", "", "a,\"x", "y\"\"\"", ",,", "b,2", ""].join(line_end);
            let expected = vec![
                (2, b"id,name".to_vec()),
                (4, format!("a,\"x{line_end}y\"\"\"").into_bytes()),
                (7, b"b,2".to_vec()),
            ];
            for bytes_per_read in [1, 2, 3, 100] {
                assert_eq!(read(text.as_bytes(), bytes_per_read).unwrap(), expected, "{line_end:?}");
            }
        }
        assert_eq!(read(b"", 1).unwrap(), []);
        assert_eq!(read(b"60\"x,y\nz", 1).unwrap(), [(1, b"60\"x,y".to_vec()), (2, b"z".to_vec())]);
    }

    #[test]
    fn an_unclosed_quote_is_an_error_with_its_line() {
        let error = read(b"a,b\n\nc,d\ne,\"f\ng,h\n", 1).unwrap_err();
        assert!(error.to_string().starts_with("line 4: "), "{error}");
    }

    #[test]
    fn rows_of_quotes_or_line_ends_are_skipped_within_the_limit_of_memory() {
        let long = 3 * MAX_ROW_BYTES;
        for (row, line_ends) in [
            (format!("\"{}\"", "\n".repeat(long)), long as u64),
            (format!("\"{}\"", "\r".repeat(long)), long as u64),
            (format!("x{}", "\"".repeat(long)), 0),
        ] {
            let text = format!("a,b\n{row}\nc,d\n");
            let mut records = Records::new(Box::new(Cursor::new(text.into_bytes())));
            let mut found = Vec::new();
            while let Some(record) = records.next().unwrap() {
                found.push(match record {
                    Record::Complete { line, .. } => (line, true),
                    Record::TooLong { line } => (line, false),
                });
            }
            assert_eq!(found, [(1, true), (2, false), (3 + line_ends, true)]);
            assert!(records.buffer.capacity() <= 3 * MAX_ROW_BYTES, "{}", records.buffer.capacity());
        }
    }

    #[test]
    fn a_quote_that_ends_within_text_on_another_line_is_misplaced() {
        let text = b"a,\"b\nc,\"d\"\ne,f\n\"5\" x,y\n";
        let mut records = Records::new(Box::new(Cursor::new(text.to_vec())));
        let mut quotes = Vec::new();
        while let Some(Record::Complete { misplaced_quote, .. }) = records.next().unwrap() {
            quotes.push(misplaced_quote);
        }
        assert_eq!(quotes, [Some(MisplacedQuote { opened: 1, closed: 2 }), None, None]);
    }

    /// A record of 300 MB is read at the speed of memory, and the next one follows.
    #[test]
    fn a_record_that_is_too_long_is_skipped() {
        let long = std::iter::repeat_n(b'x', 300 << 20);
        let text: Vec<u8> =
            b"a,1\nb,".iter().copied().chain(long).chain(b"\nc,3\n".iter().copied()).collect();
        let mut records = Records::new(Box::new(Cursor::new(text)));
        let mut lines = Vec::new();
        while let Some(record) = records.next().unwrap() {
            lines.push(match record {
                Record::Complete { line, .. } => (line, true),
                Record::TooLong { line } => (line, false),
            });
        }
        assert_eq!(lines, [(1, true), (2, false), (3, true)]);
        assert!(records.buffer.len() < 2 * MAX_ROW_BYTES, "{}", records.buffer.len());
    }

    proptest! {
        /// The records are those of `csv_core`, which does not tell their bytes.
        #[test]
        fn records_are_those_of_the_csv_crate(text in "[a\",\r\n ]{0,40}", bytes_per_read in 1_usize..5) {
            let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
            let is_blank = |record: &csv::StringRecord| record.iter().all(|cell| cell.trim_matches([' ', '\t']).is_empty());
            let expected: Vec<csv::StringRecord> =
                reader.records().map(Result::unwrap).filter(|record| !is_blank(record)).collect();
            if let Ok(found) = read(text.as_bytes(), bytes_per_read) {
                let mut splitter = crate::formats::csv::cells::Splitter::new(
                    b',',
                    crate::formats::text::Encoding::Utf8 { has_mark: false },
                );
                let found: Vec<csv::StringRecord> = found
                    .iter()
                    .map(|(_, bytes)| splitter.split(bytes).unwrap().iter().map(|cell| cell.as_ref()).collect())
                    .filter(|record| !is_blank(record))
                    .collect();
                prop_assert_eq!(found, expected);
            }
        }
    }
}
