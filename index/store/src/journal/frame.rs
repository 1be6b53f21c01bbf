//! The bytes of one commit in the journal.
//!
//! | bytes | of a frame, numbers little-endian |
//! |---|---|
//! | 0–3 | `NJF1` |
//! | 4–7 | CRC-32C of the segment's salt and bytes 8–63 |
//! | 8–11 | length of the payload |
//! | 12–15 | CRC-32C of the segment's salt and the payload |
//! | 16–23 | the last revision before this commit |
//! | 24–63 | the tally after it: last revision, revision since which deletions are kept, records, digest (16 bytes) |
//! | 64– | the payload: what becomes of records, one after the other |
//!
//! | bytes | of one of those |
//! |---|---|
//! | 0 | 1 stored, 2 removed |
//! | 1–2 | length of the key |
//! | 3– | the key; if stored, the length of the value (4 bytes) and the value |
//!
//! The salt is of a segment's own and told to nobody, so that nothing within a payload can pass for a frame.

use nearby_index::Revision;

use crate::Tally;

/// Length of a frame's header.
pub(super) const HEADER_BYTES: usize = 64;
const MAGIC: &[u8; 4] = b"NJF1";

/// What becomes of a record: the value that it has from then on, or none.
pub(crate) type Operation = (Vec<u8>, Option<Vec<u8>>);

/// One commit.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Frame {
    /// The last revision before it.
    pub(crate) before: Revision,
    /// The tally after it.
    pub(crate) after: Tally,
    payload: Vec<u8>,
}

/// A frame's bytes.
pub(super) fn encode(salt: u64, before: Revision, after: &Tally, operations: &[Operation]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    for (key, value) in operations {
        // Keys are short and values below 40 KiB: the codec sees to it.
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

/// The frame that bytes begin with, and how long it is; `None` where there is none, or not all of it.
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
    let after = Tally::from_bytes(header[24..].first_chunk()?);
    Some((Frame { before, after, payload: payload.to_vec() }, HEADER_BYTES + length))
}

/// A checksum that only those can make who know the salt.
pub(super) fn salted_checksum(salt: u64, bytes: &[u8]) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&salt.to_le_bytes()), bytes)
}

impl Frame {
    /// What becomes of records, in order; `None` in the place of one that cannot be read.
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
    use crate::Extent;

    fn sample() -> (Tally, Vec<Operation>) {
        let extent = Extent { last: Revision(9), deletions_since: Revision(2) };
        let operations = vec![
            (b"ma".to_vec(), Some(b"value".to_vec())),
            (b"mb".to_vec(), None),
            (Vec::new(), Some(Vec::new())),
        ];
        (Tally { extent, records: 5, digest: 77 }, operations)
    }

    #[test]
    fn what_is_written_is_read() {
        let (tally, operations) = sample();
        let mut bytes = encode(4, Revision(7), &tally, &operations);
        let length = bytes.len();
        bytes.extend_from_slice(b"what follows");
        let (frame, read) = decode(4, &bytes).unwrap();
        assert_eq!((frame.before, frame.after, read), (Revision(7), tally, length));
        assert_eq!(frame.operations().collect::<Option<Vec<_>>>(), Some(operations));
        assert_eq!(decode(5, &bytes), None, "another segment's frame is none of this one");
    }

    #[test]
    fn any_flipped_bit_and_any_cut_is_found() {
        let (tally, operations) = sample();
        let bytes = encode(4, Revision(7), &tally, &operations);
        for at in 0..bytes.len() {
            assert_eq!(decode(4, &bytes[..at]), None);
            for bit in 0..8 {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                assert_eq!(decode(4, &flipped), None, "byte {at}, bit {bit}");
            }
        }
    }

    /// Bytes that are on disks: every later version must read them.
    #[test]
    fn frames_of_version_1_are_read_for_ever() {
        const WRITTEN: &str = "4e4a463125ef40f61a000000cde2cd3e07000000000000000900000000000000020000000000000005000000000000004d0000000000000000000000000000000102006d610500000076616c75650202006d6201000000000000";
        let (tally, operations) = sample();
        let hex: String =
            encode(4, Revision(7), &tally, &operations).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
    }
}
