//! Opens files of any format, compression and encoding.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use super::{
    FileFormat,
    csv::CsvRows,
    geojson::GeojsonRows,
    ndjson::NdjsonRows,
    options::ReadOptions,
    rejected::{JsonText, Layout},
    rows::{IgnoredNames, Rows},
    spool,
    text::{Bytes, Text},
};

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
    /// Columns and properties that are not used, complete when all rows are read.
    pub(crate) ignored: IgnoredNames,
    /// The form of the file, which its rejected rows keep.
    pub(crate) layout: Layout,
}

impl Input {
    /// Opens a file; `-` is standard input.
    pub(crate) fn open(path: &Path, options: &ReadOptions) -> io::Result<Self> {
        if path == Path::new("-") {
            return Self::read(io::stdin(), options);
        }
        let file = File::open(path)?;
        let metadata = file.metadata()?;
        if metadata.is_dir() {
            return Err(io::Error::other("is a directory"));
        }
        let length = metadata.is_file().then_some(metadata.len());
        let before = match options.format {
            FileFormat::Geojson if metadata.is_file() => {
                Some(Text::open(Box::new(File::open(path)?), options.charset)?.into_utf8())
            }
            _ => None,
        };
        Self::with_parts(Box::new(file), before, length, options)
    }

    /// Reads from any source.
    pub(crate) fn read(source: impl Read + Send + 'static, options: &ReadOptions) -> io::Result<Self> {
        Self::with_parts(Box::new(source), None, None, options)
    }

    /// Reads from a source, of which `before` yields the text once more.
    fn with_parts(
        source: Bytes,
        before: Option<Bytes>,
        length: Option<u64>,
        options: &ReadOptions,
    ) -> io::Result<Self> {
        let position = Position::default();
        let text = Text::open(Box::new(Counting { source, position: position.clone() }), options.charset)?;
        let ignored = IgnoredNames::default();
        let json_text = JsonText::of(text.encoding);
        let (rows, layout): (Rows, Layout) = match options.format {
            FileFormat::Csv => {
                let rows = CsvRows::open(text, options)?;
                rows.ignored().iter().for_each(|name| ignored.add(name));
                let layout = Layout::Csv(rows.layout.clone());
                (Box::new(rows), layout)
            }
            FileFormat::Ndjson => {
                (Box::new(NdjsonRows::open(text, options.datum)), Layout::Ndjson(json_text))
            }
            FileFormat::Geojson => {
                let (before, text) = match before {
                    Some(before) => (before, text.into_utf8()),
                    None => spool::twice(text.into_utf8())?,
                };
                let rows = GeojsonRows::open(before, text, options.mappings.clone(), ignored.clone())?;
                (Box::new(rows), Layout::Geojson(json_text))
            }
        };
        let hours = Arc::clone(&options.hours);
        let rows = Box::new(rows.map(move |row| row.map(|row| hours.convert(row.without_unknown_country()))));
        Ok(Self { rows, position, length, ignored, layout })
    }
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
