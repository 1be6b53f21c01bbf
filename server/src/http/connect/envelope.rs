//! Messages with a prefix: flags, and the length. Connect and gRPC have the same.

use hyper::body::Bytes;

use crate::net::message_limits::PREFIX_BYTES;

/// A message with the prefix of Connect, which is that of gRPC.
pub(in crate::http) fn enveloped(flags: u8, message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    [&[flags][..], &length.to_be_bytes(), message].concat().into()
}

/// The first message of a buffer, without its prefix, if it is complete.
pub(in crate::http) fn take_message(buffer: &mut Vec<u8>) -> Option<Bytes> {
    let [_, length @ ..] = *buffer.first_chunk::<PREFIX_BYTES>()?;
    let end = PREFIX_BYTES + usize::try_from(u32::from_be_bytes(length)).ok()?;
    if buffer.len() < end {
        return None;
    }
    let rest = buffer.split_off(end);
    let message = std::mem::replace(buffer, rest);
    Some(Bytes::from(message).slice(PREFIX_BYTES..))
}
