//! The state digest: a summary of a store's state that its content must reproduce.
//!
//! Checksums show that a record is what was written. The digest shows that the records are all that was written, each in its
//! last version: it counts them and sums a fingerprint of each, which covers the version of a merchant. A record that is
//! lost, stale or resurrected changes the sum.

use nearby_index::Revision;
use twox_hash::XxHash3_128;

/// Revisions that delimit the state of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Watermarks {
    /// The last committed revision.
    pub last: Revision,
    /// The revision since which all deletions are kept.
    pub deletions_since: Revision,
}

/// Watermarks, record count and fingerprint sum of a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct StateDigest {
    /// Revisions of the state.
    pub watermarks: Watermarks,
    /// Number of records: merchants, deletions and outcomes of requests.
    pub records: u64,
    /// Sum of their fingerprints modulo 2¹²⁸, independent of their order.
    pub sum: u128,
}

impl StateDigest {
    /// Length of the encoding.
    pub const BYTES: usize = 40;

    /// Adds a record: its key and, for a merchant, its revision.
    pub(crate) fn add(&mut self, key: &[u8], revision: Revision) {
        self.records = self.records.wrapping_add(1);
        self.sum = self.sum.wrapping_add(fingerprint(key, revision));
    }

    pub(crate) fn remove(&mut self, key: &[u8], revision: Revision) {
        self.records = self.records.wrapping_sub(1);
        self.sum = self.sum.wrapping_sub(fingerprint(key, revision));
    }

    /// Adds the records of another digest.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.records = self.records.wrapping_add(other.records);
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// Returns whether both cover the same records, ignoring the watermarks.
    pub(crate) fn has_same_records_as(&self, other: &Self) -> bool {
        (self.records, self.sum) == (other.records, other.sum)
    }

    /// Encodes the digest, as the journal and messages of a replicated log contain it.
    #[must_use]
    pub fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts = [
            self.watermarks.last.0.to_le_bytes(),
            self.watermarks.deletions_since.0.to_le_bytes(),
            self.records.to_le_bytes(),
        ];
        let (numbers, sum) = bytes.split_at_mut(24);
        numbers.copy_from_slice(parts.as_flattened());
        sum.copy_from_slice(&self.sum.to_le_bytes());
        bytes
    }

    /// Decodes a digest.
    #[must_use]
    pub fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(number)
        };
        let sum = u128::from(number(24)) | u128::from(number(32)) << 64;
        let watermarks = Watermarks { last: Revision(number(0)), deletions_since: Revision(number(8)) };
        Self { watermarks, records: number(16), sum }
    }
}

/// Hashes a key and a revision with XXH3-128. Stored on disk, so the hash must never change.
fn fingerprint(key: &[u8], revision: Revision) -> u128 {
    // The longest key is an id of 128 bytes and its tag.
    let mut bytes = [0; 160];
    let length = key.len().min(150);
    bytes[..length].copy_from_slice(&key[..length]);
    bytes[length..length + 8].copy_from_slice(&revision.0.to_le_bytes());
    XxHash3_128::oneshot(&bytes[..length + 8])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digest_is_order_independent_and_covers_versions() {
        let of = |records: &[(&[u8], u64)]| {
            let mut digest = StateDigest::default();
            records.iter().for_each(|(key, revision)| digest.add(key, Revision(*revision)));
            digest
        };
        assert_eq!(of(&[(b"ma", 1), (b"mb", 2)]), of(&[(b"mb", 2), (b"ma", 1)]));
        assert_ne!(of(&[(b"ma", 1), (b"mb", 2)]), of(&[(b"ma", 2), (b"mb", 1)]));
        assert_ne!(of(&[(b"ma", 1)]), of(&[(b"ma", 2)]));
        let mut digest = of(&[(b"ma", 1), (b"mb", 2)]);
        digest.remove(b"ma", Revision(1));
        assert_eq!(digest, of(&[(b"mb", 2)]));
    }

    /// On-disk format: neither the sum nor its encoding may ever change.
    #[test]
    fn digest_encoding_is_stable() {
        let mut digest = StateDigest {
            watermarks: Watermarks { last: Revision(7), deletions_since: Revision(3) },
            ..StateDigest::default()
        };
        digest.add(b"mcaf\xc3\xa9", Revision(7));
        let hex: String = digest.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "070000000000000003000000000000000100000000000000ce5a81d81a06b28f8e0fab0661929d3a");
        assert_eq!(StateDigest::from_bytes(&digest.to_bytes()), digest);
    }
}
