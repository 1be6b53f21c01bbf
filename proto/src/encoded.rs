//! Pre-encoded responses.
//!
//! Encoding twenty merchants field by field costs several times as much as finding them. The server stores each
//! merchant encoded and concatenates the encodings; the bytes on the wire are the same as if the message had been
//! encoded whole.

use std::{fmt, marker::PhantomData};

use prost::{
    DecodeError, Message,
    bytes::{Buf, BufMut},
    encoding::{DecodeContext, WireType, skip_field},
};

/// An encoded message of type `T`.
pub struct Encoded<T> {
    bytes: Vec<u8>,
    message: PhantomData<fn() -> T>,
}

impl<T> Encoded<T> {
    /// Wraps the encoding of a `T`. The bytes are not validated: the caller guarantees that they decode as a `T`.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self { bytes, message: PhantomData }
    }

    /// Returns the encoding.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl<T: Message> From<&T> for Encoded<T> {
    fn from(message: &T) -> Self {
        Self::from_bytes(message.encode_to_vec())
    }
}

impl<T> Default for Encoded<T> {
    fn default() -> Self {
        Self::from_bytes(Vec::new())
    }
}

impl<T> fmt::Debug for Encoded<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Encoded({} bytes)", self.bytes.len())
    }
}

/// For sending only: the receiver decodes a `T`, so decoding an `Encoded` skips every field.
impl<T> Message for Encoded<T> {
    fn encode_raw(&self, buffer: &mut impl BufMut) {
        buffer.put_slice(&self.bytes);
    }

    fn merge_field(
        &mut self,
        tag: u32,
        wire_type: WireType,
        buffer: &mut impl Buf,
        context: DecodeContext,
    ) -> Result<(), DecodeError> {
        skip_field(wire_type, tag, buffer, context)
    }

    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn clear(&mut self) {
        self.bytes.clear();
    }
}
