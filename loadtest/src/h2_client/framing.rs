//! Messages on the wire: five bytes of prefix, then protobuf.

use bytes::{Buf, BufMut, Bytes, BytesMut};
use prost::Message;

const PREFIX_BYTES: usize = 5;

/// A message as it goes over the wire.
#[must_use]
pub fn framed(message: &impl Message) -> Bytes {
    let length = message.encoded_len();
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + length);
    bytes.put_u8(0);
    bytes.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    // There is room for all of it.
    let _ = message.encode(&mut bytes);
    bytes.freeze()
}

/// Puts messages together from what comes, or only sees to it that they are whole.
#[derive(Debug)]
pub(super) struct Unframe {
    bytes: BytesMut,
    keeps: bool,
    /// How much of the message that is passed over is still to come.
    to_skip: usize,
}

impl Unframe {
    pub(super) fn new(keeps: bool) -> Self {
        Self { bytes: BytesMut::new(), keeps, to_skip: 0 }
    }

    pub(super) fn push(&mut self, chunk: &Bytes) {
        let passed = self.to_skip.min(chunk.len());
        self.to_skip -= passed;
        self.bytes.extend_from_slice(&chunk[passed..]);
    }

    /// The next message, where it is all there; an error where it cannot be read. Of one that is passed over nothing is
    /// kept: it comes as an empty one, once its beginning is there.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, &'static str> {
        let Some(prefix) = self.bytes.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        if prefix[0] != 0 {
            return Err("a message is compressed, which nobody asked for");
        }
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
        let there = self.bytes.len() - PREFIX_BYTES;
        if !self.keeps {
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

    /// Whether there is nothing of a message that is not whole.
    pub(super) fn is_empty(&self) -> bool {
        self.bytes.is_empty() && self.to_skip == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let all = [framed(&"one".to_owned()), framed(&String::new()), framed(&"x".repeat(300))].concat();
        for size in [1, 2, 7, all.len()] {
            let (mut unframe, mut found) = (Unframe::new(true), Vec::new());
            let (mut passing, mut passed) = (Unframe::new(false), 0);
            for chunk in all.chunks(size) {
                unframe.push(&Bytes::copy_from_slice(chunk));
                while let Some(message) = unframe.next().unwrap() {
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
            assert!(unframe.is_empty());
        }
        let mut compressed = Unframe::new(true);
        compressed.push(&Bytes::from_static(&[1, 0, 0, 0, 0]));
        assert!(compressed.next().is_err());
    }
}
