//! Reads CSV with a header line.

use std::io::{self, Read};

use csv::{ByteRecord, Reader, ReaderBuilder};

use super::{
    DatumArg, Row,
    columns::Columns,
    rows::{Rows, Warnings, violation},
};
use crate::reason;

/// Returns the rows of a CSV file, and the names of its columns that are ignored.
pub(super) fn rows(text: impl Read + Send + 'static, datum: DatumArg) -> io::Result<(Rows, Vec<String>)> {
    let mut reader = ReaderBuilder::new().flexible(true).from_reader(text);
    let invalid = |message: String| io::Error::new(io::ErrorKind::InvalidData, message);
    let headers = match reader.headers() {
        Ok(headers) => headers.clone(),
        Err(error) => return Err(io_error(error)),
    };
    if headers.is_empty() {
        return Err(invalid("is empty".to_owned()));
    }
    let columns = Columns::of(headers.iter()).map_err(|missing| {
        let one_column = headers.len() == 1 && headers[0].contains([';', '\t']);
        let hint = if one_column { "; columns must be separated by commas" } else { "" };
        invalid(format!("{missing}{hint}"))
    })?;
    let ignored = columns.ignored().to_vec();
    let rows = CsvRows { reader, columns, width: headers.len(), datum, record: ByteRecord::new() };
    Ok((Box::new(rows), ignored))
}

struct CsvRows<R> {
    reader: Reader<R>,
    columns: Columns,
    width: usize,
    datum: DatumArg,
    record: ByteRecord,
}

impl<R: Read> Iterator for CsvRows<R> {
    type Item = io::Result<Row>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.reader.read_byte_record(&mut self.record) {
            Ok(false) => None,
            Err(error) => Some(Err(io_error(error))),
            Ok(true) => Some(Ok(self.row())),
        }
    }
}

impl<R: Read> CsvRows<R> {
    fn row(&self) -> Row {
        let number = self.record.position().map_or(0, csv::Position::line);
        let source = source_of(&self.record);
        let mut warnings = Warnings::default();
        let merchant = if self.record.len() == self.width {
            match self.record.iter().map(std::str::from_utf8).collect::<Result<Vec<&str>, _>>() {
                Ok(cells) => self.columns.merchant(&cells, self.datum, &mut warnings),
                Err(_) => Err(violation("", reason::NOT_UTF_8, "must be UTF-8")),
            }
        } else {
            let (found, width) = (self.record.len(), self.width);
            Err(violation(
                "",
                reason::COLUMN_COUNT,
                format!("has {found} columns, but the header has {width}"),
            ))
        };
        Row { number, source, merchant, warnings }
    }
}

/// Returns errors of the disk and of decompression unchanged; other errors are invalid content.
fn io_error(error: csv::Error) -> io::Error {
    let message = error.to_string();
    match error.into_kind() {
        csv::ErrorKind::Io(error) => error,
        _ => io::Error::new(io::ErrorKind::InvalidData, message),
    }
}

/// Formats a record as CSV, quoted where necessary.
fn source_of(record: &ByteRecord) -> String {
    let mut writer = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
    let written = writer.write_byte_record(record).ok().and_then(|()| writer.into_inner().ok());
    String::from_utf8_lossy(&written.unwrap_or_default()).trim_end().to_owned()
}
