//! Decompresses gzip and zstd.

use std::io::{self, BufReader};

use super::{Bytes, peek, zstd::ZstdReader};

/// Decompresses a source. Its first bytes tell the compression, not the name of the file.
pub(super) fn decompressed(source: Bytes) -> io::Result<Bytes> {
    let (start, source) = peek(source, 4)?;
    let source = BufReader::with_capacity(1 << 16, source);
    Ok(match start.as_slice() {
        [0x1f, 0x8b, ..] => Box::new(flate2::bufread::MultiGzDecoder::new(source)),
        [0x28, 0xb5, 0x2f, 0xfd] => Box::new(ZstdReader::new(source)),
        _ => Box::new(source),
    })
}
