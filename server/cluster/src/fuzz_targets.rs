//! Fuzz targets: decoders of bytes that other processes write, run on arbitrary bytes. None may panic.

use crate::{
    announcement::Announcement,
    identity::ClusterId,
    message::{Message, NEWEST_FORMAT, seal},
};

/// Decodes bytes as a message and as an announcement, as they are and with a valid checksum. A message that is accepted is
/// encoded again to the same message.
///
/// # Panics
/// If it is not.
pub fn fuzz_message(bytes: &[u8]) {
    let cluster = ClusterId(bytes.get(8..).and_then(<[u8]>::first_chunk).copied().unwrap_or_default());
    let decode = |bytes: &[u8]| Message::decode(bytes, cluster, NEWEST_FORMAT, &|stored| stored);
    drop(decode(bytes));
    let mut sealed = bytes.to_vec();
    seal(&mut sealed);
    drop(Announcement::decode(&sealed, cluster));
    if let Ok(message) = decode(&sealed)
        && let Ok(encoded) = message.header.encode(&message.batch.as_batch(&[]))
    {
        assert_eq!(decode(&encoded), Ok(message), "a message changes when it is encoded again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::tests::sample;

    #[test]
    fn arbitrary_bytes_do_not_panic() {
        let (header, batch) = sample();
        let mut message = header.encode(&batch.as_batch(&[])).unwrap().to_vec();
        message.truncate(message.len() - 16);
        for length in 0..message.len() {
            fuzz_message(&message[..length]);
        }
        for at in 0..message.len() {
            let mut changed = message.clone();
            changed[at] ^= 0x11;
            fuzz_message(&changed);
        }
        fuzz_message(&message);
    }
}
