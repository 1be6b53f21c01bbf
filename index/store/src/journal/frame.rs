//! Encoding of one commit in the journal.
//!
//! | bytes | of a frame, integers little-endian |
//! |---|---|
//! | 0–3 | `NJF1` |
//! | 4–7 | CRC-32C of the segment's salt and bytes 8–63 |
//! | 8–11 | length of the payload |
//! | 12–15 | CRC-32C of the segment's salt and the payload |
//! | 16–23 | last revision before this commit |
//! | 24–63 | digest after it: last revision, revision since which deletions are kept, records, sum (16 bytes) |
//! | 64– | payload: operations |
//!
//! | bytes | of an operation |
//! |---|---|
//! | 0 | 1 put, 2 remove |
//! | 1–2 | length of the key |
//! | 3– | key; for a put, length of the value (4 bytes) and the value |
//!
//! The salt is random per segment and never exposed, so that client-supplied payload bytes cannot imitate a
//! frame.

use nearby_index::Revision;

use crate::StateDigest;

/// Length of a frame header.
pub(super) const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 4] = b"NJF1";

/// An operation on a record: its new value, or `None` to remove it.
pub(crate) type Operation = (Vec<u8>, Option<Vec<u8>>);

/// A commit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// Last revision before the commit.
    pub(crate) before: Revision,
    /// Digest after the commit.
    pub(crate) after: StateDigest,
    payload: Vec<u8>,
}

/// Encodes a frame.
pub(super) fn encode(salt: u64, before: Revision, after: &StateDigest, operations: &[Operation]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    for (key, value) in operations {
        // The codec guarantees short keys and values below 40 KiB.
        let key_bytes = u16::try_from(key.len()).unwrap_or(u16::MAX);
        bytes.push(if value.is_some() { 1 } else { 2 });
        bytes.extend_from_slice(&key_bytes.to_le_bytes());
        bytes.extend_from_slice(key);
        if let Some(value) = value {
            bytes.extend_from_slice(&u32::try_from(value.len()).unwrap_or(u32::MAX).to_le_bytes());
            bytes.extend_from_slice(value);
        }
    }
    let (header, payload) = bytes.split_at_mut(HEADER_BYTES);
    header[..4].copy_from_slice(MAGIC);
    header[8..12].copy_from_slice(&u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    header[12..16].copy_from_slice(&salted_checksum(salt, payload).to_le_bytes());
    header[16..24].copy_from_slice(&before.0.to_le_bytes());
    header[24..].copy_from_slice(&after.to_bytes());
    let checksum = salted_checksum(salt, &header[8..]);
    header[4..8].copy_from_slice(&checksum.to_le_bytes());
    bytes
}

/// Decodes the frame at the start of `bytes`. Returns it with its length, or `None` if there is no complete
/// frame.
pub(super) fn decode(salt: u64, bytes: &[u8]) -> Option<(Frame, usize)> {
    let (header, rest) = bytes.split_first_chunk::<HEADER_BYTES>()?;
    let word = |at: usize| header[at..].first_chunk().copied().map(u32::from_le_bytes);
    if &header[..4] != MAGIC || word(4)? != salted_checksum(salt, &header[8..]) {
        return None;
    }
    let length = usize::try_from(word(8)?).ok()?;
    let payload = rest.get(..length)?;
    if word(12)? != salted_checksum(salt, payload) {
        return None;
    }
    let before = Revision(u64::from_le_bytes(*header[16..].first_chunk()?));
    let after = StateDigest::from_bytes(header[24..].first_chunk()?);
    Some((Frame { before, after, payload: payload.to_vec() }, HEADER_BYTES + length))
}

/// Returns a checksum that cannot be forged without the salt.
pub(super) fn salted_checksum(salt: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), bytes)
}

impl Frame {
    /// Returns whether the commit has raised the revision. One that only moves the position in a replicated log has not.
    pub(crate) fn raises_revision(&self) -> bool {
        self.before < self.after.watermarks.last
    }

    /// Returns the operations in order, with `None` in place of an undecodable one.
    pub(crate) fn operations(&self) -> impl Iterator<Item = Option<Operation>> {
        let mut rest = self.payload.as_slice();
        std::iter::from_fn(move || {
            (!rest.is_empty()).then(|| {
                let operation = take_operation(&mut rest);
                if operation.is_none() {
                    rest = &[];
                }
                operation
            })
        })
    }
}

fn take_operation(rest: &mut &[u8]) -> Option<Operation> {
    let [kind] = take::<1>(rest)?;
    let key_bytes = usize::from(u16::from_le_bytes(take(rest)?));
    let key = rest.split_off(..key_bytes)?.to_vec();
    match kind {
        1 => {
            let value_bytes = usize::try_from(u32::from_le_bytes(take(rest)?)).ok()?;
            Some((key, Some(rest.split_off(..value_bytes)?.to_vec())))
        }
        2 => Some((key, None)),
        _ => None,
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    rest.split_off(..N)?.first_chunk().copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Watermarks;

    fn sample() -> (StateDigest, Vec<Operation>) {
        let watermarks = Watermarks { last: Revision(9), deletions_since: Revision(2) };
        let operations = vec![
            (b"ma".to_vec(), Some(b"value".to_vec())),
            (b"mb".to_vec(), None),
            (Vec::new(), Some(Vec::new())),
        ];
        (StateDigest { watermarks, records: 5, sum: 77 }, operations)
    }

    #[test]
    fn written_frames_are_read_back() {
        let (digest, operations) = sample();
        let mut bytes = encode(4, Revision(7), &digest, &operations);
        let length = bytes.len();
        bytes.extend_from_slice(b"trailing bytes");
        let (frame, read) = decode(4, &bytes).unwrap();
        assert_eq!((frame.before, frame.after, read), (Revision(7), digest, length));
        assert_eq!(frame.operations().collect::<Option<Vec<_>>>(), Some(operations));
        assert_eq!(decode(5, &bytes), None, "a frame of another segment is rejected");
    }

    #[test]
    fn bit_flips_and_truncation_are_detected() {
        let (digest, operations) = sample();
        let bytes = encode(4, Revision(7), &digest, &operations);
        for at in 0..bytes.len() {
            assert_eq!(decode(4, &bytes[..at]), None);
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(decode(4, &flipped), None, "byte {at}, bit {bit}");
            }
        }
    }

    /// On-disk format: every later version must read it.
    #[test]
    fn frame_encoding_of_version_1_is_stable() {
        const WRITTEN: &str = "4e4a463125ef40f61a000000cde2cd3e07000000000000000900000000000000020000000000000005000000000000004d0000000000000000000000000000000102006d610500000076616c75650202006d6201000000000000";
        let (digest, operations) = sample();
        let hex: String =
            encode(4, Revision(7), &digest, &operations).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
    }
}
