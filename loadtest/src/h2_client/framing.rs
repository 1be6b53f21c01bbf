//! gRPC message framing: a prefix of five bytes, then the protobuf message.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

const PREFIX_BYTES: usize = 5;

/// Encodes a message with its length prefix.
#[must_use]
pub fn encode_framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // Cannot fail: the buffer holds the encoded length.
    let _ = message.encode(&mut bytes);
    bytes.freeze()
}

/// Reassembles messages from chunks. Where messages are not kept, only their lengths are read.
#[derive(Debug)]
pub(super) struct MessageDecoder {
    bytes: BytesMut,
    keep_messages: bool,
    /// Bytes still to come of the message being skipped.
    to_skip: usize,
}

impl MessageDecoder {
    pub(super) fn new(keep_messages: bool) -> Self {
        Self { bytes: BytesMut::new(), keep_messages, to_skip: 0 }
    }

    pub(super) fn push(&mut self, chunk: &Bytes) {
        let passed = self.to_skip.min(chunk.len());
        self.to_skip -= passed;
        self.bytes.extend_from_slice(&chunk[passed..]);
    }

    /// Returns the next complete message, or `None` until more data arrives. A skipped message is returned as an empty one as
    /// soon as its prefix has arrived.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, &'static str> {
        let Some(prefix) = self.bytes.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        if prefix[0] != 0 {
            return Err("message is compressed although no compression was offered");
        }
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
        let there = self.bytes.len() - PREFIX_BYTES;
        if !self.keep_messages {
            self.bytes.advance(PREFIX_BYTES + length.min(there));
            self.to_skip = length.saturating_sub(there);
            return Ok(Some(Bytes::new()));
        }
        if there < length {
            return Ok(None);
        }
        self.bytes.advance(PREFIX_BYTES);
        Ok(Some(self.bytes.split_to(length).freeze()))
    }

    /// Returns `true` if no incomplete message is buffered.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.to_skip == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_reassembled_from_chunks_of_any_size() {
        let all = [
            encode_framed(&"one".to_owned()),
            encode_framed(&String::new()),
            encode_framed(&"x".repeat(300)),
        ]
        .concat();
        for size in [1, 2, 7, all.len()] {
            let (mut decoder, mut found) = (MessageDecoder::new(true), Vec::new());
            let (mut passing, mut passed) = (MessageDecoder::new(false), 0);
            for chunk in all.chunks(size) {
                decoder.push(&Bytes::copy_from_slice(chunk));
                while let Some(message) = decoder.next().unwrap() {
                    found.push(String::decode(message).unwrap());
                }
            }
            for chunk in all.chunks(size) {
                passing.push(&Bytes::copy_from_slice(chunk));
                while passing.next().unwrap().is_some() {
                    passed += 1;
                }
            }
            assert!(passed == 3 && passing.is_empty());
            assert_eq!(found, ["one".to_owned(), String::new(), "x".repeat(300)]);
            assert!(decoder.is_empty());
        }
        let mut compressed = MessageDecoder::new(true);
        compressed.push(&Bytes::from_static(&[1, 0, 0, 0, 0]));
        assert!(compressed.next().is_err());
    }
}
