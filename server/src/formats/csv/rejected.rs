//! Writes rejected rows with the bytes, columns and encoding of their file, and a column with the reason.

use std::io::{self, Write};

use super::cells::delimiters;
use crate::formats::{rows::Rejected, text::Encoding};

/// Name of the last column of a file of rejected rows. An import ignores it.
pub(super) const REASON: &str = "reason";

/// The form of a CSV file, which its rejected rows keep.
#[derive(Clone, Debug)]
pub(crate) struct CsvLayout {
    pub(super) encoding: Encoding,
    pub(super) delimiter: u8,
    pub(super) line_end: &'static [u8],
    pub(super) width: usize,
    /// True if the file is one of rejected rows: its last column is [`REASON`].
    pub(super) has_reason: bool,
    pub(super) header: Vec<u8>,
}

impl CsvLayout {
    pub(in crate::formats) fn write_header(&self, output: &mut impl Write) -> io::Result<()> {
        output.write_all(self.encoding.mark())?;
        if self.has_reason {
            return self.write(output, &[&self.header, self.line_end]);
        }
        self.write(output, &[&self.header, &[self.delimiter], REASON.as_bytes(), self.line_end])
    }

    /// Writes a row without its line end, and the reason.
    pub(in crate::formats) fn write_row(
        &self,
        output: &mut impl Write,
        rejected: &Rejected<'_>,
    ) -> io::Result<()> {
        let row = rejected.source;
        let columns = self.width - usize::from(self.has_reason);
        let delimiters = delimiters(row, self.delimiter);
        // The reason of an earlier rejection is replaced, and what follows it is not of the file.
        let cut = delimiters.get(columns.wrapping_sub(1)).filter(|_| self.has_reason);
        let row = cut.and_then(|at| row.get(..*at)).unwrap_or(row);
        let padding = vec![self.delimiter; columns.saturating_sub(delimiters.len() + 1) + 1];
        self.write(output, &[row, &padding, quoted_ascii(rejected).as_bytes(), self.line_end])
    }

    fn write(&self, output: &mut impl Write, parts: &[&[u8]]) -> io::Result<()> {
        parts.iter().try_for_each(|part| output.write_all(&self.encoding.bytes_of_file(part)))
    }
}

/// Formats a violation as a quoted cell in ASCII, which is the same in every encoding.
fn quoted_ascii(rejected: &Rejected<'_>) -> String {
    let Rejected { number, reason, field, description, .. } = rejected;
    let separator = if field.is_empty() { "" } else { " " };
    let text = format!("{reason}{separator}{field}: {description} (line {number})");
    let ascii = text.chars().map(|c| match c {
        ' '..='~' => c.to_string(),
        c => c.escape_default().to_string(),
    });
    format!("\"{}\"", ascii.collect::<String>().replace('"', "\"\""))
}
