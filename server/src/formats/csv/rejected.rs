//! Writes the rejected rows of a CSV file, each with the reason in a last column, and recognizes that column.
//!
//! A file of a user can have a last column `reason` too, and a row with too many cells has its reason behind that column. A reason is
//! therefore recognized by its text, `REASON field: description (line 4)`, in the last cell of a row that is not blank. If the first text
//! in a column `reason` is another one, the column is data of the user: it is kept, and a column for the reasons is added.

use std::{
    borrow::Cow,
    io::{self, Write},
};

use super::{
    cells::delimiters,
    records::{Record, Records},
};
use crate::{
    error::Violation,
    formats::{
        rows::{Rejected, violation},
        text::Encoding,
    },
    reason,
};

/// Name of the last column of a file of rejected rows. An import ignores it.
const REASON: &str = "reason";

/// The form of a CSV file, which its rejected rows keep.
#[derive(Clone, Debug)]
pub(crate) struct CsvLayout {
    pub(super) encoding: Encoding,
    pub(super) delimiter: u8,
    /// True if a line such as `sep=;` names the delimiter, which the header need not tell then.
    pub(super) has_separator_line: bool,
    pub(super) line_end: &'static [u8],
    /// Columns of the header without that of the reasons.
    pub(super) columns: usize,
    /// True if the file is one of rejected rows: its last column is [`REASON`].
    pub(super) has_reasons: bool,
    pub(super) header: Vec<u8>,
}

impl CsvLayout {
    pub(in crate::formats) fn write_header(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(self.encoding.mark())?;
        if self.has_separator_line {
            self.write(output, &[b"sep=", &[self.delimiter], self.line_end])?;
        }
        if self.has_reasons {
            return self.write(output, &[&self.header, self.line_end]);
        }
        self.write(output, &[&self.header, &[self.delimiter], REASON.as_bytes(), self.line_end])
    }

    /// Writes a row without its line end, and the reason, which replaces that of an earlier rejection.
    pub(in crate::formats) fn write_row(
        &self,
        output: &mut impl Write,
        rejected: &Rejected<'_>,
    ) -> io::Result<()> {
        let Rejected { source, .. } = *rejected;
        let delimiters = delimiters(source, self.delimiter);
        let reason = reason_cell(source, &delimiters).filter(|_| self.has_reasons);
        let cells = reason.unwrap_or(delimiters.len() + 1);
        let row = delimiters.get(cells - 1).and_then(|at| source.get(..*at)).unwrap_or(source);
        let padding = vec![self.delimiter; self.columns.saturating_sub(cells) + 1];
        self.write(output, &[row, &padding, quoted_ascii(rejected).as_bytes(), self.line_end])
    }

    /// Removes the reason of an earlier rejection. Accepts rows that spreadsheets shorten, and empty cells behind the last column.
    pub(super) fn check_width(&self, row: &[u8], cells: &mut Vec<Cow<'_, str>>) -> Result<(), Violation> {
        if self.has_reasons {
            cells.truncate(reason_cell(row, &delimiters(row, self.delimiter)).unwrap_or(cells.len()));
        }
        let (found, columns) = (cells.len(), self.columns);
        while cells.len() > columns && cells.last().is_some_and(|cell| cell.trim().is_empty()) {
            cells.pop();
        }
        if cells.len() <= columns {
            return Ok(());
        }
        let description = if self.has_reasons {
            format!(
                "has {found} columns before the reason, but the header has {columns}; the column reason must contain a reason \
                 of an import, or nothing"
            )
        } else {
            format!("has {found} columns, but the header has {columns}")
        };
        Err(violation("", reason::COLUMN_COUNT, description))
    }

    /// Describes a last row without a line end and with too few cells.
    pub(super) fn cut_off(&self, found: usize) -> String {
        format!(
            "has {found} columns, the header has {}, and no line end follows: if the file is complete, add one",
            self.columns
        )
    }

    fn write(&self, output: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
        parts.iter().try_for_each(|part| output.write_all(&self.encoding.bytes_of_file(part)))
    }
}

/// Returns the number of the column of reasons, from 0, if the file with this header is one of rejected rows.
pub(super) fn column_of_reasons(headers: &[String], records: &mut Records) -> Option<usize> {
    let column = headers.iter().rposition(|header| !header.is_empty())?;
    if !headers.get(column)?.eq_ignore_ascii_case(REASON) {
        return None;
    }
    let mut sample = records.sample().ok()?;
    let delimiter = sample.delimiter;
    // The reason of a corrected row may have been cleared.
    while let Ok(Some(Record::Complete { bytes, .. })) = sample.next() {
        let delimiters = delimiters(bytes, delimiter);
        if reason_cell(bytes, &delimiters).is_some() {
            return Some(column);
        }
        let cell =
            column.checked_sub(1).and_then(|before| delimiters.get(before)).map(|at| at + 1..bytes.len());
        let is_blank = |byte: &u8| *byte == delimiter || matches!(byte, b' ' | b'"');
        if cell.and_then(|cell| bytes.get(cell)).is_some_and(|cell| !cell.iter().all(is_blank)) {
            return None;
        }
    }
    // Nothing in the column could be taken for a reason.
    Some(column)
}

/// Returns the number of the cell of a row, from 0, that contains its reason: the last one that is not blank, and not the only one.
fn reason_cell(row: &[u8], delimiters: &[usize]) -> Option<usize> {
    let mut end = row.len();
    for (before, at) in delimiters.iter().enumerate().rev() {
        let cell = row.get(at + 1..end)?.trim_ascii();
        let unquoted = cell.strip_prefix(b"\"").and_then(|cell| cell.strip_suffix(b"\""));
        let text = unquoted.unwrap_or(cell).trim_ascii();
        if !text.is_empty() {
            return is_reason(text).then_some(before + 1);
        }
        end = *at;
    }
    None
}

/// Returns true if a text has the form that [`reason_text`] gives it.
fn is_reason(text: &[u8]) -> bool {
    let is_of_word = |byte: &u8| byte.is_ascii_uppercase() || byte.is_ascii_digit() || *byte == b'_';
    let word = text.iter().take_while(|byte| is_of_word(byte)).count();
    let starts = text.first().is_some_and(u8::is_ascii_uppercase)
        && matches!(text.get(word), Some(b' ' | b':'))
        && text.windows(2).any(|pair| pair == b": ");
    let line = text.strip_suffix(b")").map(|text| {
        let digits = text.iter().rev().take_while(|byte| byte.is_ascii_digit()).count();
        (text.get(..text.len() - digits).unwrap_or_default(), digits)
    });
    starts && line.is_some_and(|(before, digits)| digits > 0 && before.ends_with(b" (line "))
}

fn reason_text(rejected: &Rejected<'_>) -> String {
    let Rejected { number, reason, field, description, .. } = rejected;
    let separator = if field.is_empty() { "" } else { " " };
    format!("{reason}{separator}{field}: {description} (line {number})")
}

/// Formats a violation as a quoted cell in ASCII, which is the same in every encoding.
fn quoted_ascii(rejected: &Rejected<'_>) -> String {
    let text = reason_text(rejected);
    let ascii = text.chars().map(|c| match c {
        ' '..='~' => c.to_string(),
        c => c.escape_default().to_string(),
    });
    format!("\"{}\"", ascii.collect::<String>().replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_recognized_by_its_form() {
        for (reason, field, description) in [
            ("COLUMN_COUNT", "", "has 5 columns, but the header has 4"),
            ("LATITUDE_OUT_OF_RANGE", "position.latitude", "must be \"in\" range: -90 to 90"),
            ("REJECTED", "", ""),
        ] {
            let rejected = Rejected { number: 12, source: b"", reason, field, description };
            assert!(is_reason(reason_text(&rejected).as_bytes()), "{reason}");
            let quoted = quoted_ascii(&rejected);
            assert!(is_reason(quoted.trim_matches('"').as_bytes()), "{quoted}");
        }
        for text in ["", "closed", "CLOSED: moved", "moved: away (line 3)", "LINE (line 3)", "A: b (line )"] {
            assert!(!is_reason(text.as_bytes()), "{text}");
        }
    }
}
