//! Reads the output of a converter.

use std::io::{self, Read};

use super::{Bytes, read_some};

const CHUNK_BYTES: usize = 1 << 15;

/// Converts an encoding to UTF-8.
pub(super) trait Convert {
    /// Converts the next bytes, or what is left of those before if there are none.
    fn convert(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> io::Result<()>;
}

/// The converted text of a source, of which whole chunks are read.
pub(super) struct Converted<C> {
    source: Bytes,
    converter: C,
    chunk: Box<[u8]>,
    /// Converted bytes, and how many of them have been read.
    output: Vec<u8>,
    read: usize,
    is_ended: bool,
}

impl<C: Convert> Converted<C> {
    pub(super) fn new(source: Bytes, converter: C) -> Self {
        let chunk = vec![0; CHUNK_BYTES].into_boxed_slice();
        Self { source, converter, chunk, output: Vec::new(), read: 0, is_ended: false }
    }
}

impl<C: Convert> Read for Converted<C> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.output.get(self.read..).unwrap_or_default().read(buffer)?;
            self.read += count;
            if count > 0 || buffer.is_empty() || self.is_ended {
                return Ok(count);
            }
            self.output.clear();
            self.read = 0;
            let count = read_some(&mut self.source, &mut self.chunk)?;
            self.is_ended = count == 0;
            self.converter.convert(self.chunk.get(..count).unwrap_or_default(), &mut self.output)?;
        }
    }
}
