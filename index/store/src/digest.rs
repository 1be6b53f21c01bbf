//! What a store holds, in a few numbers that its content must reproduce.
//!
//! Checksums tell whether a record is what was written. Whether it is all that was written, and the last of it, the tally
//! tells: it counts the records and sums up a fingerprint of each, which names the version of a merchant. A record that is
//! lost, stale or back from the dead changes the sum.

use nearby_index::Revision;
use twox_hash::XxHash3_128;

use crate::{
    Batch, Extent,
    codec::{deletion_key, merchant_key, request_keys},
};

/// How far a store has come, and what it holds there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// How far it has come.
    pub extent: Extent,
    /// How many records there are: merchants, deletions and outcomes of requests.
    pub records: u64,
    /// The sum of their fingerprints, modulo 2¹²⁸: the same in whatever order.
    pub digest: u128,
}

impl Tally {
    pub(crate) const BYTES: usize = 40;

    /// The tally after a batch.
    pub(crate) fn after(mut self, batch: &Batch<'_>) -> Self {
        batch.forgotten_keys().iter().for_each(|key| self.remove(key, Revision::ZERO));
        for (change, replaces) in batch.changes.iter().zip(batch.replaces) {
            let key = merchant_key(change.id());
            if let Some(replaced) = replaces {
                self.remove(&key, *replaced);
            }
            match change {
                nearby_index::Change::Put(stored) => self.add(&key, stored.revision),
                nearby_index::Change::Delete { revision, .. } => {
                    self.add(&deletion_key(*revision), Revision::ZERO);
                }
            }
            self.extent.last = change.revision();
        }
        batch.done.iter().flat_map(|request| request_keys(request.id, request.outcomes.len())).for_each(
            |key| {
                self.add(&key, Revision::ZERO);
            },
        );
        self.extent.deletions_since = batch.deletions_since;
        self
    }

    /// Counts a record: its key and, of a merchant, its revision.
    pub(crate) fn add(&mut self, key: &[u8], revision: Revision) {
        self.records = self.records.wrapping_add(1);
        self.digest = self.digest.wrapping_add(fingerprint(key, revision));
    }

    pub(crate) fn remove(&mut self, key: &[u8], revision: Revision) {
        self.records = self.records.wrapping_sub(1);
        self.digest = self.digest.wrapping_sub(fingerprint(key, revision));
    }

    /// Adds what was counted elsewhere.
    pub(crate) fn add_all(&mut self, other: &Self) {
        self.records = self.records.wrapping_add(other.records);
        self.digest = self.digest.wrapping_add(other.digest);
    }

    /// Whether the same records were counted, whatever the extent.
    pub(crate) fn holds_the_same_as(&self, other: &Self) -> bool {
        (self.records, self.digest) == (other.records, other.digest)
    }

    pub(crate) fn to_bytes(self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        let parts = [
            self.extent.last.0.to_le_bytes(),
            self.extent.deletions_since.0.to_le_bytes(),
            self.records.to_le_bytes(),
        ];
        let (numbers, digest) = bytes.split_at_mut(24);
        numbers.copy_from_slice(parts.as_flattened());
        digest.copy_from_slice(&self.digest.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8; Self::BYTES]) -> Self {
        let number = |at: usize| {
            let mut number = [0; 8];
            number.copy_from_slice(&bytes[at..at + 8]);
            u64::from_le_bytes(number)
        };
        let digest = u128::from(number(24)) | u128::from(number(32)) << 64;
        let extent = Extent { last: Revision(number(0)), deletions_since: Revision(number(8)) };
        Self { extent, records: number(16), digest }
    }
}

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
    fn a_tally_is_the_same_in_any_order_and_tells_versions_apart() {
        let of = |records: &[(&[u8], u64)]| {
            let mut tally = Tally::default();
            records.iter().for_each(|(key, revision)| tally.add(key, Revision(*revision)));
            tally
        };
        assert_eq!(of(&[(b"ma", 1), (b"mb", 2)]), of(&[(b"mb", 2), (b"ma", 1)]));
        assert_ne!(of(&[(b"ma", 1), (b"mb", 2)]), of(&[(b"ma", 2), (b"mb", 1)]));
        assert_ne!(of(&[(b"ma", 1)]), of(&[(b"ma", 2)]));
        let mut tally = of(&[(b"ma", 1), (b"mb", 2)]);
        tally.remove(b"ma", Revision(1));
        assert_eq!(tally, of(&[(b"mb", 2)]));
    }

    /// Bytes that are on disks: neither the sum nor its form may ever change.
    #[test]
    fn a_tally_is_written_and_read_for_ever() {
        let mut tally =
            Tally { extent: Extent { last: Revision(7), deletions_since: Revision(3) }, ..Tally::default() };
        tally.add(b"mcaf\xc3\xa9", Revision(7));
        let hex: String = tally.to_bytes().iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, "070000000000000003000000000000000100000000000000ce5a81d81a06b28f8e0fab0661929d3a");
        assert_eq!(Tally::from_bytes(&tally.to_bytes()), tally);
    }
}
