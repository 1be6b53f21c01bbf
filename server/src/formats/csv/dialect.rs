//! The delimiter of a CSV file: of an option, of Excel's `sep=` line, or the one that its header uses.

use std::str::FromStr;

use super::records::Records;
use crate::formats::{
    mapping::{Mapping, Plan},
    text::Encoding,
};

/// A delimiter that a user names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Delimiter(u8);

/// Delimiters that are recognized.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

impl FromStr for Delimiter {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "tab" | "\\t" => Ok(Self(b'\t')),
            "," | ";" | "\t" | "|" | ":" => Ok(Self(text.as_bytes()[0])),
            _ => Err("must be one of , ; | : and tab".to_owned()),
        }
    }
}

/// The delimiter of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    pub(super) delimiter: u8,
    /// True if the file starts with a line such as `sep=;`.
    pub(super) has_separator_line: bool,
}

/// Determines the delimiter, and consumes a `sep=` line; `None` if the header is not of the encoding.
pub(super) fn detect(
    records: &mut Records,
    given: Option<Delimiter>,
    encoding: Encoding,
    mappings: &[Mapping],
) -> std::io::Result<Option<Dialect>> {
    let line = records.peek_line()?;
    if let Some(delimiter) = separator_line(line) {
        records.delimiter = delimiter;
        records.next()?;
        let delimiter = given.map_or(delimiter, |given| given.0);
        return Ok(Some(Dialect { delimiter, has_separator_line: true }));
    }
    if let Some(Delimiter(delimiter)) = given {
        return Ok(Some(Dialect { delimiter, has_separator_line: false }));
    }
    let Some(header) = encoding.decode(line) else { return Ok(None) };
    // The delimiter with which most columns are known; of several, the most frequent one.
    let score = |delimiter: u8| {
        let cells = header.split(char::from(delimiter)).map(|cell| cell.trim().trim_matches('"'));
        let cells: Vec<&str> = cells.collect();
        (Plan::new(&cells, mappings).fields().count(), cells.len())
    };
    let mut best = (b',', score(b','));
    for delimiter in DELIMITERS {
        let score = score(delimiter);
        if score > best.1 {
            best = (delimiter, score);
        }
    }
    Ok(Some(Dialect { delimiter: best.0, has_separator_line: false }))
}

/// Returns the delimiter of a line such as `sep=;`.
fn separator_line(line: &[u8]) -> Option<u8> {
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (start, rest) = line.split_at_checked(4)?;
    match (start.eq_ignore_ascii_case(b"sep="), rest) {
        (true, [delimiter] | [delimiter, b'"']) => Some(*delimiter),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn detected(text: &str) -> u8 {
        let mut records = Records::new(Box::new(Cursor::new(text.to_owned())));
        let detected = detect(&mut records, None, Encoding::Utf8 { has_mark: false }, &[]);
        let Dialect { delimiter, has_separator_line } = detected.unwrap().unwrap();
        assert_eq!(has_separator_line, text.contains("sep="), "{text:?}");
        delimiter
    }

    #[test]
    fn the_header_or_a_sep_line_tells_the_delimiter() {
        for (text, delimiter) in [
            ("id,name,lat,lon\n", b','),
            ("\n\nid;name;lat;lon\n", b';'),
            ("id\tname\tlat\tlon", b'\t'),
            ("id|name|lat|lon\r", b'|'),
            ("\"id\";\"a,b,c,d,e\";\"lat\"\n", b';'),
            ("sep=;\r\nid;name\n", b';'),
            ("\"sep=\t\"\nid;name\n", b'\t'),
            ("a b\n", b','),
            ("", b','),
        ] {
            assert_eq!(detected(text), delimiter, "{text:?}");
        }
        assert_eq!("tab".parse(), Ok(Delimiter(b'\t')));
        assert!("x".parse::<Delimiter>().is_err());
    }
}
