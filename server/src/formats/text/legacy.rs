//! Converts other encodings to UTF-8 while reading.

use std::io::{self, Read};

use super::{
    Bytes,
    converted::{CHUNK_BYTES, Output},
    encoding::Charset,
    read_some,
};

/// Converts an encoding of `encoding_rs`.
pub(super) struct Legacy {
    source: Bytes,
    decoder: encoding_rs::Decoder,
    chunk: Box<[u8]>,
    output: Output,
    is_ended: bool,
}

impl Legacy {
    pub(super) fn new(source: Bytes, charset: Charset) -> Self {
        Self {
            source,
            decoder: charset.encoding().new_decoder_without_bom_handling(),
            chunk: vec![0; CHUNK_BYTES].into_boxed_slice(),
            output: Output::default(),
            is_ended: false,
        }
    }

    fn convert(&mut self, count: usize, is_last: bool) -> io::Result<()> {
        let mut rest = self.chunk.get(..count).unwrap_or_default();
        loop {
            let max = self.decoder.max_utf8_buffer_length_without_replacement(rest.len());
            let mut converted = vec![0; max.ok_or(io::ErrorKind::OutOfMemory)?];
            let (result, read, written) =
                self.decoder.decode_to_utf8_without_replacement(rest, &mut converted, is_last);
            self.output.bytes.extend_from_slice(&converted[..written]);
            rest = rest.get(read..).unwrap_or_default();
            match result {
                encoding_rs::DecoderResult::InputEmpty => return Ok(()),
                encoding_rs::DecoderResult::OutputFull => {}
                encoding_rs::DecoderResult::Malformed(..) => self.output.bytes.push(0xff),
            }
        }
    }
}

impl Read for Legacy {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let count = self.output.take(buffer);
            if count > 0 || buffer.is_empty() || self.is_ended {
                return Ok(count);
            }
            self.output.clear();
            let count = read_some(&mut self.source, &mut self.chunk)?;
            self.is_ended = count == 0;
            self.convert(count, count == 0)?;
        }
    }
}
