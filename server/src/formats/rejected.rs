//! Writes rejected rows in the form of their file, so that they can be corrected and imported.

use std::io::{self, Write};

use super::{csv::rejected::CsvLayout, rows::Rejected, text::Encoding};

/// The form of a file.
#[derive(Clone, Debug)]
pub(crate) enum Layout {
    Csv(CsvLayout),
    Ndjson(JsonText),
    Geojson(JsonText),
}

/// The text of a file of JSON values, which are kept in UTF-8.
#[derive(Clone, Copy, Debug)]
pub(crate) struct JsonText {
    /// True if the file had another encoding: the byte order mark takes precedence over `--encoding` when the rows are imported again.
    has_mark: bool,
}

impl JsonText {
    pub(super) fn of(encoding: Encoding) -> Self {
        Self { has_mark: !matches!(encoding, Encoding::Utf8 { has_mark: false }) }
    }

    fn mark(self) -> &'static [u8] {
        if self.has_mark { b"\xef\xbb\xbf" } else { b"" }
    }
}

impl Layout {
    /// Returns the extension of a file in this form.
    pub(crate) fn extension(&self) -> &'static str {
        match self {
            Self::Csv(_) => "csv",
            Self::Ndjson(_) => "ndjson",
            Self::Geojson(_) => "geojson",
        }
    }

    /// Returns true if the rows have no room for the reasons, which are written to a file of their own.
    pub(crate) fn has_separate_reasons(&self) -> bool {
        !matches!(self, Self::Csv(_))
    }
}

/// Writes rejected rows and, unless the rows have a column for them, the reasons.
pub(crate) struct RejectedWriter<W: Write> {
    layout: Layout,
    rows: W,
    reasons: Option<csv::Writer<W>>,
    written: u64,
}

impl<W: Write> RejectedWriter<W> {
    /// Starts the files. `reasons` is required if [`Layout::has_separate_reasons`].
    pub(crate) fn new(layout: Layout, mut rows: W, reasons: Option<W>) -> io::Result<Self> {
        match &layout {
            Layout::Csv(layout) => layout.write_header(&mut rows)?,
            Layout::Ndjson(text) => rows.write_all(text.mark())?,
            Layout::Geojson(text) => {
                rows.write_all(text.mark())?;
                rows.write_all(b"{\"type\":\"FeatureCollection\",\"features\":[")?;
            }
        }
        let mut reasons = reasons.map(csv::Writer::from_writer);
        if let Some(reasons) = &mut reasons {
            reasons.write_record(["row", "row_of_import", "reason", "field", "description"])?;
        }
        Ok(Self { layout, rows, reasons, written: 0 })
    }

    /// Writes a row.
    pub(crate) fn write(&mut self, row: &Rejected<'_>) -> io::Result<()> {
        let Rejected { number, source, reason, field, description } = row;
        match &self.layout {
            Layout::Csv(layout) => layout.write_row(&mut self.rows, row)?,
            Layout::Ndjson(_) => {
                self.rows.write_all(source)?;
                self.rows.write_all(b"\n")?;
            }
            Layout::Geojson(_) => {
                self.rows.write_all(if self.written == 0 { b"\n" } else { b",\n" })?;
                self.rows.write_all(source)?;
            }
        }
        self.written += 1;
        if let Some(reasons_file) = &mut self.reasons {
            let (written, number) = (self.written.to_string(), number.to_string());
            reasons_file.write_record([written.as_str(), &number, reason, field, description])?;
        }
        Ok(())
    }

    /// Ends the files; returns the outputs.
    pub(crate) fn finish(mut self) -> io::Result<(W, Option<W>)> {
        if matches!(self.layout, Layout::Geojson(_)) {
            self.rows.write_all(b"\n]}\n")?;
        }
        self.rows.flush()?;
        let reasons = match self.reasons {
            Some(reasons) => Some(reasons.into_inner().map_err(|error| io::Error::other(error.to_string()))?),
            None => None,
        };
        Ok((self.rows, reasons))
    }
}
