//! Encoding of a batch for a replicated log, which carries decided batches from the node that decides to those that follow.
//!
//! | bytes | of a batch, integers little-endian |
//! |---|---|
//! | 0–7 | revision since which all deletions are kept |
//! | 8– | four sections, each with its length in bytes (u32) before it: records to remove, changes, kept versions, requests |
//!
//! Changes and kept versions are records as on disk (see `codec`), in order: a merchant, or a deletion with the id of the
//! merchant. A record to remove is 1 and the revision of a deletion (u64), or 2, a request id (16 bytes) and the number of its
//! outcomes (u16).
//!
//! | bytes | of a request |
//! |---|---|
//! | 0–15 | request id |
//! | 16–31 | fingerprint |
//! | 32–39 | completion time, µs since 1970 |
//! | 40–41 | number of outcomes |
//! | 42– | for each outcome, its position (u32) in the changes followed by the kept versions |
//!
//! An outcome refers to a change of the batch instead of repeating the merchant. A row of an import that changes nothing has
//! an outcome that no change of the batch contains: the versions of such merchants are the kept ones. The versions that the
//! changes replace are not encoded. A follower knows them from its own state, and the digest after the batch shows whether the
//! two states agree.

use std::{collections::HashMap, sync::Arc};

use nearby_index::{Change, Revision, UnixMicros};
use thiserror::Error;

use crate::{
    Batch, CompletedRequest, DeriveFields, Forget, RequestId,
    blocks::{RECORD_BYTES, read_records, write_record},
    codec::{
        DecodeError, Entry, Reader, decode, deletion_record_bytes, encode_deletion, encode_merchant,
        merchant_key, merchant_record_bytes,
    },
};

/// A decoded batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct OwnedBatch {
    /// See [`Batch::changes`]; may be empty.
    pub changes: Vec<Change>,
    /// See [`Batch::completed`].
    pub completed: Vec<Arc<CompletedRequest>>,
    /// See [`Batch::forget`].
    pub forget: Vec<Forget>,
    /// See [`Batch::deletions_since`].
    pub deletions_since: Revision,
}

impl OwnedBatch {
    /// Borrows the batch, with the revision that each change replaces.
    #[must_use]
    pub fn as_batch<'a>(&'a self, replaces: &'a [Option<Revision>]) -> Batch<'a> {
        Batch {
            changes: &self.changes,
            replaces,
            completed: &self.completed,
            forget: &self.forget,
            deletions_since: self.deletions_since,
            position: None,
        }
    }
}

/// The reason that bytes are no batch.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("invalid batch: {0}")]
pub struct BatchDecodeError(String);

impl From<DecodeError> for BatchDecodeError {
    fn from(error: DecodeError) -> Self {
        Self(error.to_string())
    }
}

fn invalid(what: &str) -> BatchDecodeError {
    BatchDecodeError(what.to_owned())
}

/// Encodes a batch. [`Batch::replaces`] is left out.
#[must_use]
pub fn encode_batch(batch: &Batch<'_>) -> Vec<u8> {
    let mut bytes = batch.deletions_since.0.to_le_bytes().to_vec();
    with_length(&mut bytes, |section| batch.forget.iter().for_each(|forget| encode_forget(section, forget)));
    let mut positions = HashMap::with_capacity(batch.changes.len());
    with_length(&mut bytes, |section| {
        for change in batch.changes {
            write_change(section, change);
            let position = positions.len();
            positions.insert(change.revision(), position);
        }
    });
    with_length(&mut bytes, |section| {
        for outcome in batch.completed.iter().flat_map(|request| &request.outcomes) {
            let position = positions.len();
            positions.entry(outcome.revision()).or_insert_with(|| {
                write_change(section, outcome);
                position
            });
        }
    });
    with_length(&mut bytes, |section| {
        for request in batch.completed {
            section.extend_from_slice(&request.id.0);
            section.extend_from_slice(&request.fingerprint);
            section.extend_from_slice(&request.completed_at.0.to_le_bytes());
            // A request has at most 1,000 changes.
            let count = u16::try_from(request.outcomes.len()).unwrap_or(u16::MAX);
            section.extend_from_slice(&count.to_le_bytes());
            for outcome in &request.outcomes {
                let position = positions.get(&outcome.revision()).copied().unwrap_or_default();
                section.extend_from_slice(&u32_of(position).to_le_bytes());
            }
        }
    });
    bytes
}

/// Decodes a batch.
///
/// # Errors
/// If the bytes are not those of an encoded batch.
pub fn decode_batch(bytes: &[u8], derive_fields: DeriveFields<'_>) -> Result<OwnedBatch, BatchDecodeError> {
    let mut rest = Reader(bytes);
    let deletions_since = rest.revision()?;
    let forget = decode_forgets(section(&mut rest)?)?;
    let mut changes = decode_changes(section(&mut rest)?, derive_fields)?;
    if !changes.is_sorted_by(|a, b| a.revision() < b.revision()) {
        return Err(invalid("the revisions of its changes do not ascend"));
    }
    let kept = decode_changes(section(&mut rest)?, derive_fields)?;
    let count = changes.len();
    changes.extend(kept);
    let completed = decode_requests(section(&mut rest)?, &changes)?;
    changes.truncate(count);
    if rest.0.is_empty() {
        Ok(OwnedBatch { changes, completed, forget, deletions_since })
    } else {
        Err(invalid("bytes follow its end"))
    }
}

/// Returns the length that a change adds to an encoded batch.
#[must_use]
pub fn encoded_change_bytes(change: &Change) -> usize {
    match change {
        Change::Put(stored) => RECORD_BYTES + merchant_record_bytes(stored),
        Change::Delete { id, .. } => RECORD_BYTES + deletion_record_bytes(id),
    }
}

/// Returns the length that a record to remove adds to an encoded batch.
#[must_use]
pub fn encoded_forget_bytes(forget: &Forget) -> usize {
    match forget {
        Forget::Deletion(_) => 9,
        Forget::Request { .. } => 19,
    }
}

fn with_length(bytes: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let at = bytes.len();
    bytes.extend_from_slice(&[0; 4]);
    write(bytes);
    let length = u32_of(bytes.len() - at - 4);
    bytes[at..at + 4].copy_from_slice(&length.to_le_bytes());
}

fn section<'a>(rest: &mut Reader<'a>) -> Result<&'a [u8], DecodeError> {
    let length = u32::from_le_bytes(rest.take()?);
    rest.bytes(usize::try_from(length).unwrap_or(usize::MAX))
}

/// Batches are far below 4 GiB: a log accepts at most a few megabytes.
fn u32_of(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn write_change(section: &mut Vec<u8>, change: &Change) {
    let record = match change {
        Change::Put(stored) => (merchant_key(&stored.merchant.id), encode_merchant(stored)),
        Change::Delete { id, revision } => encode_deletion(id, *revision),
    };
    write_record(section, &record);
}

fn decode_changes(section: &[u8], derive_fields: DeriveFields<'_>) -> Result<Vec<Change>, BatchDecodeError> {
    let records = read_records(section)?.into_iter();
    records
        .map(|(key, value)| match decode(&key, &value)? {
            Entry::Merchant(stored) => Ok(Change::Put(Arc::new(derive_fields(stored)))),
            Entry::Deletion { id, revision } => Ok(Change::Delete { id, revision }),
            _ => Err(invalid("one of its records is no change")),
        })
        .collect()
}

fn encode_forget(section: &mut Vec<u8>, forget: &Forget) {
    match forget {
        Forget::Deletion(revision) => {
            section.push(1);
            section.extend_from_slice(&revision.0.to_le_bytes());
        }
        Forget::Request { id, outcomes } => {
            section.push(2);
            section.extend_from_slice(&id.0);
            section.extend_from_slice(&u16::try_from(*outcomes).unwrap_or(u16::MAX).to_le_bytes());
        }
    }
}

fn decode_forgets(section: &[u8]) -> Result<Vec<Forget>, BatchDecodeError> {
    let (mut rest, mut forgets) = (Reader(section), Vec::new());
    while !rest.0.is_empty() {
        forgets.push(match rest.take()? {
            [1] => Forget::Deletion(rest.revision()?),
            [2] => {
                let (id, outcomes) = (RequestId(rest.take()?), u16::from_le_bytes(rest.take()?));
                Forget::Request { id, outcomes: outcomes.into() }
            }
            _ => return Err(invalid("it removes a record of an unknown kind")),
        });
    }
    Ok(forgets)
}

fn decode_requests(
    section: &[u8],
    versions: &[Change],
) -> Result<Vec<Arc<CompletedRequest>>, BatchDecodeError> {
    let (mut rest, mut requests) = (Reader(section), Vec::new());
    while !rest.0.is_empty() {
        let (id, fingerprint) = (RequestId(rest.take()?), rest.take()?);
        let completed_at = UnixMicros(i64::from_le_bytes(rest.take()?));
        let count = u16::from_le_bytes(rest.take()?);
        let mut outcomes = Vec::new();
        for _ in 0..count {
            let position = usize::try_from(u32::from_le_bytes(rest.take()?)).unwrap_or(usize::MAX);
            let outcome = versions.get(position).ok_or_else(|| invalid("an outcome refers to no change"))?;
            outcomes.push(outcome.clone());
        }
        requests.push(Arc::new(CompletedRequest { id, fingerprint, completed_at, outcomes }));
    }
    Ok(requests)
}

#[cfg(test)]
mod tests {
    use nearby_index::MerchantId;
    use proptest::prelude::*;

    use super::*;
    use crate::conformance::{delete, put};

    fn request(id: u8, outcomes: Vec<Change>) -> Arc<CompletedRequest> {
        let completed_at = UnixMicros(1_700_000_000_000_000 + i64::from(id));
        Arc::new(CompletedRequest {
            id: RequestId([id; 16]),
            fingerprint: [id ^ 0xFF; 16],
            completed_at,
            outcomes,
        })
    }

    fn sample() -> OwnedBatch {
        let changes = vec![put("a", 8, b"one"), put("café", 9, b"xyz"), delete("a", 10)];
        // One request contains a version that the batch leaves as it is, and so does another.
        let unchanged = put("b", 3, b"old");
        let completed = vec![
            request(1, vec![changes[2].clone(), unchanged.clone(), changes[0].clone()]),
            request(2, vec![unchanged]),
        ];
        let forget =
            vec![Forget::Deletion(Revision(2)), Forget::Request { id: RequestId([7; 16]), outcomes: 1_000 }];
        OwnedBatch { changes, completed, forget, deletions_since: Revision(3) }
    }

    const AS_STORED: DeriveFields<'static> = &|stored| stored;

    #[test]
    fn batches_round_trip_and_contain_each_version_once() {
        let batch = sample();
        let bytes = encode_batch(&batch.as_batch(&[None, None, None]));
        assert_eq!(decode_batch(&bytes, AS_STORED), Ok(batch));
        for profile in [b"one", b"xyz", b"old"] {
            assert_eq!(bytes.windows(3).filter(|window| window == profile).count(), 1, "{profile:?}");
        }
        let empty = OwnedBatch::default();
        assert_eq!(decode_batch(&encode_batch(&empty.as_batch(&[])), AS_STORED), Ok(empty));
    }

    /// Messages of a replicated log contain this encoding: every later version must read it.
    #[test]
    fn batch_encoding_of_version_1_is_stable() {
        const WRITTEN: &str = "03000000000000001c0000000102000000000000000207070707070707070707070707070707e8039d00000002003a0000006d6102b38d1f1c080000000000000000000000000000001100000000000000080000000000000001033333333333f343409a99999999195d406f6e6506003a0000006d636166c3a902dfb17bbd09000000000000000000000000000000110000000000000009000000000000000201cdcccccccc6c4840cdcccccccccc024078797a09000600000064000000000000000a028009c4ca614200000002003a0000006d6202719a297003000000000000000000000000000000110000000000000003000000000000000201cdcccccccc6c4840cdcccccccccc02406f6c646400000001010101010101010101010101010101fefefefefefefefefefefefefefefefe01401e18240a0600030002000000030000000000000002020202020202020202020202020202fdfdfdfdfdfdfdfdfdfdfdfdfdfdfdfd02401e18240a0600010003000000";
        let hex: String =
            encode_batch(&sample().as_batch(&[])).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, WRITTEN);
    }

    #[test]
    fn truncated_batches_and_dangling_outcomes_are_rejected() {
        let bytes = encode_batch(&sample().as_batch(&[]));
        for at in 0..bytes.len() {
            assert!(decode_batch(&bytes[..at], AS_STORED).is_err(), "{at}");
        }
        assert!(decode_batch(&[bytes.as_slice(), &[0]].concat(), AS_STORED).is_err());
        let mut dangling = bytes;
        let at = dangling.len() - 4;
        dangling[at..].copy_from_slice(&4_u32.to_le_bytes());
        assert!(decode_batch(&dangling, AS_STORED).unwrap_err().to_string().contains("refers to no change"));
        let descending = [put("a", 9, b""), delete("b", 9)];
        let batch = OwnedBatch { changes: descending.to_vec(), ..OwnedBatch::default() };
        let error = decode_batch(&encode_batch(&batch.as_batch(&[])), AS_STORED).unwrap_err();
        assert!(error.to_string().contains("ascend"), "{error}");
    }

    #[test]
    fn derived_fields_are_derived_in_changes_and_outcomes() {
        let bytes = encode_batch(&sample().as_batch(&[]));
        let renamed = MerchantId::parse("derived").unwrap();
        let derive = |mut stored: nearby_index::StoredMerchant| {
            stored.merchant.id = renamed.clone();
            stored
        };
        let batch = decode_batch(&bytes, &derive).unwrap();
        let outcomes = batch.completed.iter().flat_map(|request| &request.outcomes);
        let puts = batch.changes.iter().chain(outcomes).filter(|change| matches!(change, Change::Put(_)));
        let ids: Vec<&MerchantId> = puts.map(Change::id).collect();
        assert_eq!(ids, [&renamed; 5]);
    }

    proptest! {
        #[test]
        fn any_batch_round_trips(
            kinds in prop::collection::vec((any::<bool>(), "[a-d]{1,3}", prop::collection::vec(any::<u8>(), 0..80)), 0..20),
            picks in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 1..5), 0..5),
            forget in prop::collection::vec((any::<bool>(), any::<u64>(), 1..1_000_usize), 0..10),
            since in any::<u64>(),
        ) {
            let all: Vec<Change> = kinds.iter().zip(1..).map(|((is_put, id, profile), revision)| {
                if *is_put { put(id, revision, profile) } else { delete(id, revision) }
            }).collect();
            // The first few are versions that the batch leaves as they are.
            let changes = &all[all.len() / 4..];
            prop_assume!(picks.is_empty() || !all.is_empty());
            let completed = picks.iter().zip(0..).map(|(picks, id)| {
                request(id, picks.iter().map(|pick| pick.get(&all).clone()).collect())
            }).collect();
            let forget = forget.iter().map(|(is_deletion, number, outcomes)| {
                let id = RequestId(u128::from(*number).to_le_bytes());
                if *is_deletion { Forget::Deletion(Revision(*number)) } else { Forget::Request { id, outcomes: *outcomes } }
            }).collect();
            let batch = OwnedBatch { changes: changes.to_vec(), completed, forget, deletions_since: Revision(since) };
            let lengths = batch.changes.iter().map(encoded_change_bytes).chain(batch.forget.iter().map(encoded_forget_bytes));
            let without_requests = OwnedBatch { completed: Vec::new(), ..batch.clone() };
            prop_assert_eq!(encode_batch(&without_requests.as_batch(&[])).len(), 24 + lengths.sum::<usize>());
            prop_assert_eq!(decode_batch(&encode_batch(&batch.as_batch(&[])), AS_STORED), Ok(batch));
        }
    }
}
