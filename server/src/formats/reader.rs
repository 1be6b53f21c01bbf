//! Opens files of any format and compression.

use std::{
    fs::File,
    io::{self, BufRead, BufReader, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{DatumArg, FileFormat, HoursConverter, csv, geojson, ndjson, rows::Rows, zstd::ZstdReader};

/// Progress of reading a file.
#[derive(Clone, Debug, Default)]
pub(crate) struct Position(Arc<AtomicU64>);

impl Position {
    /// Bytes read, before decompression.
    pub(crate) fn bytes(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A file that is being read.
pub(crate) struct Input {
    pub(crate) rows: Rows,
    pub(crate) position: Position,
    /// Length of the file in bytes; `None` for a pipe or another special file.
    pub(crate) length: Option<u64>,
    /// Columns of the file that are not used.
    pub(crate) ignored_columns: Vec<String>,
}

impl Input {
    /// Opens a file; `-` is standard input. `datum` applies to positions that name none. Without it, those of a CSV file are WGS-84,
    /// and those of an NDJSON file are rejected.
    pub(crate) fn open(path: &Path, format: FileFormat, datum: Option<DatumArg>) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::read(io::stdin(), None, format, datum);
        }
        let file = File::open(path)?;
        let length = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|metadata| metadata.len());
        Self::read(file, length, format, datum)
    }

    /// Checks the opening hours of each row.
    pub(crate) fn with_hours(self, converter: HoursConverter) -> Self {
        Self { rows: Box::new(self.rows.map(move |row| row.map(|row| converter.convert(row)))), ..self }
    }

    /// Reads from any source.
    pub(crate) fn read(
        source: impl Read + Send + 'static,
        length: Option<u64>,
        format: FileFormat,
        datum: Option<DatumArg>,
    ) -> io::Result<Self> {
        let position = Position::default();
        let text = decompressed(Counting { source, position: position.clone() })?;
        let (rows, ignored_columns) = match format {
            FileFormat::Csv => csv::rows(text, datum.unwrap_or(DatumArg::Wgs84))?,
            FileFormat::Ndjson => (ndjson::rows(text, datum), Vec::new()),
            FileFormat::Geojson => (geojson::rows(text)?, Vec::new()),
        };
        Ok(Self { rows, position, length, ignored_columns })
    }
}

/// Decompresses gzip and zstd, which are recognized by their first bytes rather than by the name of the file.
fn decompressed(source: impl Read + Send + 'static) -> io::Result<Box<dyn Read + Send>> {
    let mut source = BufReader::with_capacity(1 << 16, source);
    Ok(match source.fill_buf()? {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Box::new(ZstdReader::new(source)),
        _ => Box::new(source),
    })
}

struct Counting<R> {
    source: R,
    position: Position,
}

impl<R: Read> Read for Counting<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.source.read(buffer)?;
        self.position.0.fetch_add(count as u64, Ordering::Relaxed);
        Ok(count)
    }
}
