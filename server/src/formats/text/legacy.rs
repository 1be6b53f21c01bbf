//! Converts other encodings to UTF-8 while reading.

use std::io;

use super::{converted::Convert, encoding::Charset};

/// Converts an encoding of `encoding_rs`.
pub(super) struct Legacy(encoding_rs::Decoder);

impl Legacy {
    pub(super) fn new(charset: Charset) -> Self {
        Self(charset.encoding().new_decoder_without_bom_handling())
    }
}

impl Convert for Legacy {
    fn convert(&mut self, bytes: &[u8], output: &mut Vec<u8>) -> io::Result<()> {
        let (mut rest, is_last) = (bytes, bytes.is_empty());
        loop {
            let max = self.0.max_utf8_buffer_length_without_replacement(rest.len());
            let mut converted = vec![0; max.ok_or(io::ErrorKind::OutOfMemory)?];
            let (result, read, written) =
                self.0.decode_to_utf8_without_replacement(rest, &mut converted, is_last);
            output.extend_from_slice(converted.get(..written).unwrap_or_default());
            rest = rest.get(read..).unwrap_or_default();
            match result {
                encoding_rs::DecoderResult::InputEmpty => return Ok(()),
                encoding_rs::DecoderResult::OutputFull => {}
                encoding_rs::DecoderResult::Malformed(..) => output.push(0xff),
            }
        }
    }
}
