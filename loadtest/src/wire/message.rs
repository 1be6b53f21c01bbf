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

/// Puts messages together from what comes.
#[derive(Debug, Default)]
pub(super) struct Unframe(BytesMut);

impl Unframe {
    pub(super) fn push(&mut self, chunk: &Bytes) {
        self.0.extend_from_slice(chunk);
    }

    /// The next message, where it is all there; an error where it cannot be read.
    pub(super) fn next(&mut self) -> Result<Option<Bytes>, &'static str> {
        let Some(prefix) = self.0.first_chunk::<PREFIX_BYTES>() else { return Ok(None) };
        if prefix[0] != 0 {
            return Err("a message is compressed, which nobody asked for");
        }
        let length = u32::from_be_bytes([prefix[1], prefix[2], prefix[3], prefix[4]]) as usize;
        if self.0.len() < PREFIX_BYTES + length {
            return Ok(None);
        }
        self.0.advance(PREFIX_BYTES);
        Ok(Some(self.0.split_to(length).freeze()))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_whole_however_they_are_cut() {
        let all = [framed(&"one".to_owned()), framed(&String::new()), framed(&"x".repeat(300))].concat();
        for size in [1, 2, 7, all.len()] {
            let (mut unframe, mut found) = (Unframe::default(), Vec::new());
            for chunk in all.chunks(size) {
                unframe.push(&Bytes::copy_from_slice(chunk));
                while let Some(message) = unframe.next().unwrap() {
                    found.push(String::decode(message).unwrap());
                }
            }
            assert_eq!(found, ["one".to_owned(), String::new(), "x".repeat(300)]);
            assert!(unframe.is_empty());
        }
        let mut compressed = Unframe::default();
        compressed.push(&Bytes::from_static(&[1, 0, 0, 0, 0]));
        assert!(compressed.next().is_err());
    }
}
